//! Which database is taken at a place, and what it means when it is not there any more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use domain::state::Changes;
use store::{
    Store,
    error::{CommitError, OpenError},
    identity::Expected,
    place::Place,
    trouble::Trouble,
};
use support::*;

on_both!(
    a_database_keeps_what_it_is_known_by_and_another_one_is_refused,
    an_emptied_database_is_refused_and_begun_anew_only_where_asked_for,
    tables_of_another_program_are_refused,
);

async fn refused(place: &Place, expected: Expected) -> OpenError {
    Store::open_expected(place, expected, NOW).await.unwrap_err()
}

async fn a_database_keeps_what_it_is_known_by_and_another_one_is_refused(home: Home) {
    let (store, opened) = home.open().await;
    store.close().await.unwrap();
    let known = Expected::Known(opened.identity);
    let (store, again) = Store::open_expected(&home.place(1), known, NOW).await.unwrap();
    assert_eq!((again.identity, again.epoch), (opened.identity, 2));
    store.close().await.unwrap();
    let other = home.another().await;
    let (store, foreign) = other.open().await;
    assert_ne!(foreign.identity, opened.identity);
    store.close().await.unwrap();
    let error = refused(&other.place(1), known).await;
    assert!(matches!(error, OpenError::Another { .. }), "{error:?}");
    assert!(error.to_string().contains(&opened.identity.to_string()), "{error}");
    let error = refused(&other.place(1), Expected::New).await;
    assert!(matches!(error, OpenError::NotNew { .. }), "{error:?}");
    // Nothing of it was changed.
    assert_eq!(other.open().await.1.epoch, foreign.epoch + 1);
}

async fn an_emptied_database_is_refused_and_begun_anew_only_where_asked_for(home: Home) {
    let (store, opened) = home.open().await;
    store.close().await.unwrap();
    let known = Expected::Known(opened.identity);
    home.meddle("DELETE FROM identity").await.unwrap();
    let error = refused(&home.place(1), known).await;
    assert!(matches!(error, OpenError::Missing { found: "emptied", .. }), "{error:?}");
    let bare = home.another().await;
    bare.meddle("CREATE TABLE once (one BIGINT); DROP TABLE once").await.unwrap();
    let error = refused(&bare.place(1), known).await;
    assert!(error.to_string().contains("without its tables"), "{error}");
    assert!(error.to_string().contains("--new-database"), "{error}");
    let (_store, new) = Store::open_expected(&bare.place(1), Expected::New, NOW).await.unwrap();
    assert_ne!(new.identity, opened.identity);
}

async fn tables_of_another_program_are_refused(home: Home) {
    home.meddle("CREATE TABLE invoice (number BIGINT)").await.unwrap();
    for expected in [Expected::Any, Expected::New] {
        let error = refused(&home.place(1), expected).await;
        assert!(matches!(error, OpenError::OfAnotherProgram { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_or_has_no_bytes_is_never_made_anew_by_itself() {
    let home = Home::sqlite();
    let (store, opened) = home.open().await;
    store.close().await.unwrap();
    let (place, known) = (home.place(1), Expected::Known(opened.identity));
    let path = place.path().unwrap();
    fs::write(path, "").unwrap();
    let error = refused(&place, known).await;
    assert!(error.to_string().contains("empty (0 bytes)"), "{error}");
    fs::remove_file(path).unwrap();
    let error = refused(&place, known).await;
    assert!(matches!(error, OpenError::Missing { found: "missing", .. }), "{error:?}");
    assert!(!path.exists(), "nothing was made in its place");
}

#[tokio::test]
async fn a_file_that_is_removed_or_replaced_takes_no_batch_until_it_is_back() {
    let home = Home::sqlite();
    let mut store = home.filled().await;
    let place = home.place(1);
    let path = place.path().unwrap();
    let away = path.with_extension("away");
    let log = path.with_extension("db-wal");
    for gone in [path, log.as_path()] {
        fs::rename(gone, &away).unwrap();
        for replaced in [false, true] {
            if replaced {
                fs::copy(&away, gone).unwrap();
            }
            let error = store.commit(&sealed(2, granted(51), Changes::default())).await;
            for refused in [error, store.look().await, store.probe().await] {
                let moved =
                    matches!(&refused, Err(CommitError::Away { trouble: Trouble::Moved, .. }));
                assert!(moved, "{}: {refused:?}", gone.display());
            }
        }
        fs::rename(&away, gone).unwrap();
        store.look().await.unwrap();
    }
    store.probe().await.unwrap();
    store.commit(&sealed(2, granted(51), Changes::default())).await.unwrap();
}
