//! An edit behind our back is found, and the first broken line is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::state::{Batch, Changes};
use store::{
    Sealed,
    verify::{self, VerifyError},
};
use support::*;

on_both! {
    the_first_broken_line_is_named,
    the_chain_goes_on_over_restarts_and_an_empty_one_is_whole,
}

/// The database after `sql`, with the triggers out of the way: the line that is named, and why.
async fn broken_by(home: Home, sql: &'static str) -> (u64, String) {
    let mut store = home.filled().await;
    for number in 2..6_u32 {
        let mut batch = granted(u128::from(number) + 100);
        batch.journal.push(happened(&format!("a passage {number}")));
        store.commit(&sealed(number.into(), batch, Changes::default())).await.unwrap();
    }
    store.close().await.unwrap();
    home.drop_triggers().await;
    let reader = home.reader().await;
    assert_eq!(verify::chain(&reader).await.unwrap().lines, 9);
    home.meddle(sql).await.unwrap();
    match verify::chain(&reader).await {
        Err(VerifyError::Broken { seq, why }) => (seq, why),
        other => panic!("{sql}: {other:?}"),
    }
}

async fn the_first_broken_line_is_named(home: Home) {
    for (sql, seq, why) in [
        ("UPDATE journal SET noted = replace(noted, '3', '4') WHERE seq = 5", 5, "hash"),
        ("UPDATE journal SET at = at + 1 WHERE seq = 3", 3, "hash"),
        ("UPDATE journal SET device = NULL WHERE seq = 2", 2, "hash"),
        ("UPDATE journal SET device_seq = boot WHERE seq = 2", 2, "hash"),
        ("UPDATE journal SET decision = NULL WHERE seq = 4", 4, "hash"),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 1", 1, "hash"),
        ("DELETE FROM journal WHERE seq = 4", 4, "missing"),
        ("DELETE FROM journal WHERE seq > 7", 9, "the end of the journal"),
        ("DELETE FROM journal", 9, "the end of the journal"),
        (
            "UPDATE decision SET outcome = 'deny' WHERE id = (SELECT decision FROM journal \
          WHERE seq = 6)",
            6,
            "not the one that was made",
        ),
        (
            "UPDATE decision SET body = replace(body, 'gate-1', 'gate-2') WHERE id = \
          (SELECT decision FROM journal WHERE seq = 8)",
            8,
            "not the one that was made",
        ),
        (
            "DELETE FROM decision WHERE id = (SELECT decision FROM journal WHERE seq = 4)",
            4,
            "is missing",
        ),
    ] {
        let found = broken_by(home.another().await, sql).await;
        assert!(found.0 == seq && found.1.contains(why), "{sql}: {found:?}");
    }
}

async fn the_chain_goes_on_over_restarts_and_an_empty_one_is_whole(home: Home) {
    let (store, opened) = home.open().await;
    assert_eq!((opened.ends.journal.seq, opened.ends.journal.hash), (0, [0; 32]));
    let reader = home.reader().await;
    assert_eq!(verify::chain(&reader).await.unwrap(), verify::Verified::default());
    drop(store);
    for number in 1..4_u32 {
        let (mut store, opened) = home.open().await;
        assert_eq!(opened.ends.journal.seq, u64::from(number) - 1);
        let batch = Batch { journal: vec![happened("again")], ..Batch::default() };
        let sealed = sealed(number.into(), batch, Changes::default());
        store.commit(&Sealed { epoch: opened.epoch, ..sealed }).await.unwrap();
    }
    assert_eq!(verify::chain(&reader).await.unwrap().lines, 3);
}
