//! Records that are older than the parameter keeps them lose who they were about; what is counted
//! stays, and the chain holds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::{collections::BTreeSet, path::Path};

use domain::{
    decision::Decision,
    facts::EventKind,
    ids::{CredentialId, DecisionId, MemberId},
    retention::{DAY, Keeps},
    state::{Batch, Changes, Entry, Noted},
    time::{Span, Timestamp},
};
use sqlx::{Connection, Row, SqliteConnection};
use store::{
    Store,
    reader::Reader,
    verify::{self, VerifyError},
};
use support::*;

/// The start of the day, so many days before the last one.
fn day(before: i64) -> Timestamp {
    let start = NOW.minus(Span(NOW.micros().rem_euclid(DAY.0)));
    start.minus(Span(DAY.0 * before))
}

fn keeps(movements: i64, audit: i64) -> Keeps {
    Keeps { movements: day(movements), audit: day(audit) }
}

/// A batch of one decision of `member` at `at`, and of the guardian who came with it.
fn read_at(number: u128, member: u128, kind: EventKind, at: Timestamp) -> Batch {
    let one = Decision {
        id: DecisionId(id(number)),
        at,
        kind,
        member: Some(MemberId(id(member))),
        credential: Some(CredentialId(id(member + 500))),
        ..decision(number)
    };
    let picked = Noted::PickedUp { guardian: MemberId(id(member)) };
    Batch {
        journal: vec![
            Entry { at, ..decided(number) },
            Entry { at, noted: picked, ..decided(number) },
            Entry { at, ..happened("a passage") },
        ],
        decisions: vec![one],
        ..Batch::default()
    }
}

/// Ten days with three people a day, each read twice and served once.
async fn ten_days(folder: &Path) -> Store {
    let (mut store, _) = open(folder).await;
    let mut number = 0;
    for before in (0..10).rev() {
        for (person, hour) in [(1, 1), (2, 2), (3, 3), (1, 4), (2, 5), (3, 6)] {
            for kind in [EventKind::Entry, EventKind::Sale] {
                number += 1;
                let at = day(before).plus(Span::seconds(hour * 3600));
                let batch = read_at(1000 + u128::from(number), person, kind, at);
                store.commit(&sealed(number, batch, Changes::default())).await.unwrap();
            }
        }
    }
    store
}

async fn say(store: &mut Store, keeps: Keeps, number: u64) {
    let noted = Noted::Pseudonymised { movements: keeps.movements, audit: keeps.audit };
    let journal = vec![Entry { at: NOW, device: None, source: None, noted }];
    let batch = Batch { journal, ..Batch::default() };
    store.commit(&sealed(number, batch, Changes::default())).await.unwrap();
}

async fn rows(folder: &Path, sql: &'static str) -> Vec<(i64, i64)> {
    let url = format!("sqlite://{}", folder.join("kari.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

const VISITS: &str =
    "SELECT at / 3600000000, count(*) FROM decision GROUP BY kind, 1 ORDER BY 1, 2";
const PEOPLE: &str = "SELECT at / 86400000000, count(DISTINCT pseudonym) FROM decision
    GROUP BY 1 ORDER BY 1";
const NAMED: &str = "SELECT kind = 'sale', count(*) FROM decision WHERE member IS NOT NULL OR
    credential IS NOT NULL OR body IS NOT NULL OR salt IS NOT NULL GROUP BY 1 ORDER BY 1";
const NOTED: &str = "SELECT count(noted), count(*) FROM journal WHERE kind = 'picked_up'";

async fn verified(folder: &Path) -> Result<verify::Verified, VerifyError> {
    let reader = Reader::open(&folder.join("kari.db")).await.unwrap();
    verify::chain(&reader).await
}

#[tokio::test]
async fn what_is_older_loses_its_people_and_keeps_its_counts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = ten_days(folder).await;
    let (visits, people) = (rows(folder, VISITS).await, rows(folder, PEOPLE).await);
    let keeps = keeps(3, 8);
    assert!(store.keeps_too_long(&keeps).await.unwrap());
    say(&mut store, keeps, 121).await;

    let mut pieces = 0;
    while store.pseudonymise(&keeps, 7, NOW).await.unwrap() > 0 {
        pieces += 1;
        assert!(verified(folder).await.is_ok(), "it holds after each piece");
        if pieces == 5 {
            // Killed in the middle: the next start goes on.
            drop(store);
            store = open(folder).await.0;
        }
    }
    // Six days of 6 entries and 12 lines, one day of 6 sales.
    assert_eq!(pieces, (6 * 18 + 6_i32).unsigned_abs().div_ceil(7));
    assert!(!store.keeps_too_long(&keeps).await.unwrap());

    assert_eq!(rows(folder, VISITS).await, visits);
    assert_eq!(rows(folder, PEOPLE).await, people);
    assert!(people.iter().all(|(_, people)| *people == 3), "{people:?}");
    assert_eq!(rows(folder, NAMED).await, [(0, 24), (1, 54)]);
    assert_eq!(rows(folder, NOTED).await, [(120 - 72, 120)]);
    let forgotten = verified(folder).await.unwrap().forgotten;
    assert_eq!(forgotten, 6 * 18 + 6);

    // The loop goes on, and so does the chain.
    let batch = read_at(2000, 1, EventKind::Entry, NOW);
    store.commit(&sealed(122, batch, Changes::default())).await.unwrap();
    assert_eq!(verified(folder).await.unwrap().decisions, 121);
    let reader = Reader::open(&folder.join("kari.db")).await.unwrap();
    assert!(reader.decision(DecisionId(id(1001))).await.unwrap().is_none());
    let remains = reader.remains(DecisionId(id(1001))).await.unwrap().unwrap();
    assert_eq!((remains.1.as_str(), remains.2.as_str()), ("grant", "GRANTED"));
}

#[tokio::test]
async fn a_pseudonym_is_one_day_s_and_its_key_goes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut store = ten_days(folder).await;
    let all = "SELECT DISTINCT pseudonym FROM decision WHERE member IS NOT NULL";
    let url = format!("sqlite://{}", folder.join("kari.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let found = sqlx::query(all).fetch_all(&mut connection).await.unwrap();
    let found: BTreeSet<Vec<u8>> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(found.len(), 30, "three people on ten days");
    store.pseudonymise(&keeps(90, 366), 1, NOW).await.unwrap();
    let keys = sqlx::query_scalar("SELECT count(*) FROM pseudonym_key");
    let keys: i64 = keys.fetch_one(&mut connection).await.unwrap();
    assert_eq!(keys, 3, "today's and two days' before");
}

#[tokio::test]
async fn a_person_that_is_taken_out_before_the_time_is_found() {
    for (sql, why) in [
        // A movement and a line of the second day before, of which nothing was to be forgotten.
        (
            "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL
             WHERE id = (SELECT id FROM decision WHERE kind = 'entry' ORDER BY at DESC LIMIT 1)",
            "no line says",
        ),
        (
            "UPDATE journal SET noted = NULL, salt = NULL WHERE seq = 350 AND kind = 'picked_up'",
            "no line says",
        ),
        (
            "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL
             WHERE id =
                (SELECT id FROM decision WHERE kind = 'sale' ORDER BY at LIMIT 1 OFFSET 20)",
            "no line says",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut store = ten_days(folder).await;
        let keeps = keeps(3, 8);
        say(&mut store, keeps, 121).await;
        while store.pseudonymise(&keeps, 100, NOW).await.unwrap() > 0 {}
        assert!(verified(folder).await.is_ok());
        // The triggers let it through: it is what forgetting looks like.
        assert_eq!(meddle(folder, sql).await.unwrap(), 1, "{sql}");
        match verified(folder).await {
            Err(VerifyError::Broken { why: told, .. }) => assert!(told.contains(why), "{told}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_forgotten_record_is_still_held_by_the_chain() {
    let first = "WHERE id = (SELECT id FROM decision ORDER BY at LIMIT 1)";
    for change in [
        "outcome = 'deny'",
        "at = at + 1",
        "device = 'gate-2'",
        "pseudonym = randomblob(16)",
        "seal = randomblob(32)",
        "member = randomblob(16)",
        "body = '{}'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut store = ten_days(folder).await;
        let keeps = keeps(3, 8);
        say(&mut store, keeps, 121).await;
        while store.pseudonymise(&keeps, 100, NOW).await.unwrap() > 0 {}
        let sql: &'static str = format!("UPDATE decision SET {change} {first}").leak();
        let refused = meddle(folder, sql).await.unwrap_err().to_string();
        assert!(refused.contains("are never"), "{change}: {refused}");
        meddle(folder, "DROP TRIGGER decision_is_not_changed").await.unwrap();
        meddle(folder, sql).await.unwrap();
        match verified(folder).await {
            Err(VerifyError::Broken { seq, why }) => {
                assert!(seq == 1 && why.contains("not the one that was made"), "{change}: {why}");
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_but_forgetting_changes_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let _store = ten_days(folder.path()).await;
    for sql in [
        "UPDATE decision SET member = NULL",
        "UPDATE decision SET member = NULL, credential = NULL, body = NULL",
        "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL, at = 0",
        "UPDATE decision SET member = randomblob(16), salt = NULL",
        "UPDATE journal SET noted = NULL WHERE kind = 'picked_up'",
        "UPDATE journal SET noted = NULL, salt = NULL WHERE kind = 'condition'",
        "UPDATE journal SET noted = NULL, salt = NULL, at = 0 WHERE kind = 'picked_up'",
    ] {
        let error = meddle(folder.path(), sql).await.unwrap_err().to_string();
        assert!(error.contains("only grows") || error.contains("are never"), "{sql}: {error}");
    }
}
