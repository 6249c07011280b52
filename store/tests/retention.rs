//! Records that are older than the parameter keeps them lose who they were about; what is counted
//! stays, and the chain holds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::{
    decision::Decision,
    facts::EventKind,
    ids::{CredentialId, DecisionId, MemberId},
    retention::{DAY, Keeps},
    state::{Batch, Changes, Entry, Noted},
    time::{Span, Timestamp},
};
use store::{
    Sealed, Store,
    verify::{self, VerifyError},
};
use support::*;

on_both!(
    what_is_older_loses_its_people_and_keeps_its_counts,
    a_pseudonym_is_one_day_s_and_its_key_goes,
    a_person_that_is_taken_out_before_the_time_is_found,
    a_forgotten_record_is_still_held_by_the_chain,
    nothing_but_forgetting_changes_a_record,
);

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
async fn ten_days(home: &Home) -> Store {
    let (mut store, _) = home.open().await;
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

const VISITS: &str =
    "SELECT at / 3600000000, count(*) FROM decision GROUP BY kind, 1 ORDER BY 1, 2";
const PEOPLE: &str = "SELECT at / 86400000000, count(DISTINCT pseudonym) FROM decision
    GROUP BY 1 ORDER BY 1";
const NAMED: &str = "SELECT CAST(CASE WHEN kind = 'sale' THEN 1 ELSE 0 END AS BIGINT), count(*)
    FROM decision WHERE member IS NOT NULL OR
    credential IS NOT NULL OR body IS NOT NULL OR salt IS NOT NULL GROUP BY 1 ORDER BY 1";
const NOTED: &str = "SELECT count(noted), count(*) FROM journal WHERE kind = 'picked_up'";

async fn verified(home: &Home) -> Result<verify::Verified, VerifyError> {
    let reader = home.reader().await;
    let verified = verify::chain(&reader).await?;
    // Forgetting is no change that anybody has to be warned of.
    verify::rows(&reader).await?;
    assert_eq!(verify::heads(&reader).await.unwrap(), []);
    Ok(verified)
}

async fn what_is_older_loses_its_people_and_keeps_its_counts(home: Home) {
    let mut store = ten_days(&home).await;
    let (visits, people) = (home.numbers(VISITS).await, home.numbers(PEOPLE).await);
    let keeps = keeps(3, 8);
    assert!(store.keeps_too_long(&keeps).await.unwrap());
    say(&mut store, keeps, 121).await;

    let mut pieces = 0;
    while store.pseudonymise(&keeps, 7, NOW).await.unwrap() > 0 {
        pieces += 1;
        assert!(verified(&home).await.is_ok(), "it holds after each piece");
        if pieces == 5 {
            // Killed in the middle: the next start goes on.
            drop(store);
            store = home.open().await.0;
        }
    }
    // Six days of 6 entries and 12 lines, one day of 6 sales.
    assert_eq!(pieces, (6 * 18 + 6_i32).unsigned_abs().div_ceil(7));
    assert!(!store.keeps_too_long(&keeps).await.unwrap());

    assert_eq!(home.numbers(VISITS).await, visits);
    assert_eq!(home.numbers(PEOPLE).await, people);
    assert!(people.iter().all(|(_, people)| *people == 3), "{people:?}");
    assert_eq!(home.numbers(NAMED).await, [(0, 24), (1, 54)]);
    assert_eq!(home.numbers(NOTED).await, [(120 - 72, 120)]);
    let forgotten = verified(&home).await.unwrap().forgotten;
    assert_eq!(forgotten, 6 * 18 + 6);

    // The loop goes on, and so does the chain.
    let batch = read_at(2000, 1, EventKind::Entry, NOW);
    let next = Sealed { epoch: 2, ..sealed(122, batch, Changes::default()) };
    store.commit(&next).await.unwrap();
    assert_eq!(verified(&home).await.unwrap().decisions, 121);
    let reader = home.reader().await;
    assert!(reader.decision(DecisionId(id(1001))).await.unwrap().is_none());
    let remains = reader.remains(DecisionId(id(1001))).await.unwrap().unwrap();
    assert_eq!((remains.1.as_str(), remains.2.as_str()), ("grant", "GRANTED"));
}

async fn a_pseudonym_is_one_day_s_and_its_key_goes(home: Home) {
    let mut store = ten_days(&home).await;
    let all = "SELECT count(DISTINCT pseudonym), count(*) FROM decision WHERE member IS NOT NULL";
    assert_eq!(home.numbers(all).await, [(30, 120)], "three people on ten days");
    store.pseudonymise(&keeps(90, 366), 1, NOW).await.unwrap();
    let keys = home.numbers("SELECT count(*), count(DISTINCT key) FROM pseudonym_key").await;
    assert_eq!(keys, [(3, 3)], "today's and two days' before");
}

async fn a_person_that_is_taken_out_before_the_time_is_found(home: Home) {
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
        let home = home.another().await;
        let mut store = ten_days(&home).await;
        let keeps = keeps(3, 8);
        say(&mut store, keeps, 121).await;
        while store.pseudonymise(&keeps, 100, NOW).await.unwrap() > 0 {}
        assert!(verified(&home).await.is_ok());
        // The triggers let it through: it is what forgetting looks like.
        assert_eq!(home.meddle(sql).await.unwrap(), 1, "{sql}");
        match verified(&home).await {
            Err(VerifyError::Broken { why: told, .. }) => assert!(told.contains(why), "{told}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

async fn a_forgotten_record_is_still_held_by_the_chain(home: Home) {
    let first = "WHERE id = (SELECT id FROM decision ORDER BY at LIMIT 1)";
    for change in [
        "outcome = 'deny'",
        "at = at + 1",
        "device = 'gate-2'",
        "pseudonym = randomblob(16)",
        "seal = randomblob(32)",
        "member = id",
        "body = '{}'",
    ] {
        let home = home.another().await;
        let mut store = ten_days(&home).await;
        let keeps = keeps(3, 8);
        say(&mut store, keeps, 121).await;
        while store.pseudonymise(&keeps, 100, NOW).await.unwrap() > 0 {}
        let sql: &'static str = format!("UPDATE decision SET {change} {first}").leak();
        let refused = home.meddle(sql).await.unwrap_err().to_string();
        assert!(refused.contains("are never"), "{change}: {refused}");
        home.drop_triggers().await;
        home.meddle(sql).await.unwrap();
        match verified(&home).await {
            Err(VerifyError::Broken { seq, why }) => {
                assert!(seq == 1 && why.contains("not the one that was made"), "{change}: {why}");
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

async fn nothing_but_forgetting_changes_a_record(home: Home) {
    let _store = ten_days(&home).await;
    for sql in [
        "UPDATE decision SET member = NULL",
        "UPDATE decision SET member = NULL, credential = NULL, body = NULL",
        "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL, at = 0",
        "UPDATE decision SET member = id, salt = NULL",
        "UPDATE journal SET noted = NULL WHERE kind = 'picked_up'",
        "UPDATE journal SET noted = NULL, salt = NULL WHERE kind = 'condition'",
        "UPDATE journal SET noted = NULL, salt = NULL, at = 0 WHERE kind = 'picked_up'",
    ] {
        let error = home.meddle(sql).await.unwrap_err().to_string();
        assert!(error.contains("only grows") || error.contains("are never"), "{sql}: {error}");
    }
}
