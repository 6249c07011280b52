//! What the database refuses, and that nothing of it remains.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::{
    command::Command,
    ids::{AccountId, MemberId, Uid},
    layered::Change,
    rows::AccountKind,
    state::{Batch, Changes, Reads},
    time::Span,
};
use store::{
    Sealed, Store,
    error::{CommitError, OpenError},
    place::Place,
    verify,
};
use support::*;

on_both!(
    a_refused_batch_leaves_no_trace_and_the_next_one_goes_through,
    a_transaction_needs_two_postings,
    a_row_of_another_version_undoes_the_batch_and_is_named,
    a_row_that_was_read_and_changed_elsewhere_loses_the_batch,
    records_are_never_changed_or_deleted,
    a_second_daemon_is_refused_and_each_start_raises_the_epoch,
    commands_that_may_still_take_effect_are_handed_over_at_the_next_start,
);

async fn state(store: &mut Store) -> String {
    format!("{:?} {:?}", store.load().await.unwrap(), store.head())
}

/// Commits what must be lost; tells why, and what tables it named.
async fn lost(store: &mut Store, sealed: &Sealed) -> (String, Vec<&'static str>) {
    match store.commit(sealed).await {
        Err(CommitError::Lost { why, tables }) => (why, tables),
        other => panic!("{other:?}"),
    }
}

fn batch(transactions: Vec<domain::state::Transaction>) -> Batch {
    Batch { journal: vec![happened("money")], transactions, ..Batch::default() }
}

async fn a_refused_batch_leaves_no_trace_and_the_next_one_goes_through(home: Home) {
    let mut store = home.filled().await;
    let good = batch(vec![transaction(60, "visit:1", [-500, 500])]);
    store.commit(&sealed(2, good, Changes::default())).await.unwrap();

    let accounts = vec![change(
        AccountId(id(3)),
        2,
        domain::rows::Account {
            reserved: domain::money::Money(-1),
            ..account(AccountKind::Wallet, 0)
        },
    )];
    let below = vec![change(
        AccountId(id(3)),
        2,
        domain::rows::Account {
            floor: Some(domain::money::Money(-1249)).into(),
            ..account(AccountKind::Wallet, -1250)
        },
    )];
    let reversed = domain::ids::TransactionId(id(60));
    let again = |number| domain::state::Transaction {
        purpose: domain::ledger::Purpose::Reversal,
        reverses: Some(reversed),
        ..transaction(number, &format!("reversal:{number}"), [500, -500])
    };
    store.commit(&sealed(3, batch(vec![again(62)]), Changes::default())).await.unwrap();
    let before = state(&mut store).await;
    let missing = domain::state::Transaction {
        postings: [1, -1]
            .map(|amount| domain::state::Posting {
                account: AccountId(id(404)),
                amount: domain::money::Money(amount),
            })
            .to_vec(),
        ..transaction(61, "visit:2", [0, 0])
    };
    let cases = [
        (batch(vec![transaction(61, "visit:1", [-1, 1])]), Changes::default(), "charge"),
        (batch(vec![transaction(61, "visit:2", [-1, 2])]), Changes::default(), "add up to nothing"),
        (batch(vec![transaction(60, "visit:2", [-1, 1])]), Changes::default(), "sealed"),
        (batch(vec![missing]), Changes::default(), "foreign key"),
        (batch(vec![transaction(61, "visit:2", [0, 0])]), Changes::default(), "check"),
        (batch(vec![again(61)]), Changes::default(), "reverse"),
        (batch(vec![]), Changes { accounts, ..Changes::default() }, "check"),
        (batch(vec![]), Changes { accounts: below, ..Changes::default() }, "bound"),
        (granted(50), Changes::default(), "decision"),
    ];
    for (batch, changes, names) in cases {
        let (why, tables) = lost(&mut store, &sealed(4, batch, changes)).await;
        assert!(why.to_lowercase().contains(names) && tables.is_empty(), "{names}: {why}");
        assert_eq!(state(&mut store).await, before, "{names}");
    }
    store.commit(&sealed(4, granted(51), Changes::default())).await.unwrap();
    assert!(store.was_committed(1, 4).await.unwrap());
    assert!(!store.was_committed(1, 5).await.unwrap());
    let reader = home.reader().await;
    assert_eq!(verify::chain(&reader).await.unwrap().lines, 4);
}

async fn a_transaction_needs_two_postings(home: Home) {
    let mut store = home.filled().await;
    let mut single = transaction(60, "visit:1", [1, -1]);
    single.postings.truncate(1);
    let (why, _) = lost(&mut store, &sealed(2, batch(vec![single]), Changes::default())).await;
    assert!(why.contains("two at least"), "{why}");
}

async fn a_row_of_another_version_undoes_the_batch_and_is_named(home: Home) {
    let mut store = home.filled().await;
    let before = state(&mut store).await;
    let stale = Changes {
        members: vec![
            change(MemberId(id(1)), 2, member(1)),
            change(MemberId(id(2)), 3, member(2)),
            change(MemberId(id(3)), 1, member(3)),
        ],
        ..Changes::default()
    };
    let (_, tables) = lost(&mut store, &sealed(2, granted(51), stale)).await;
    assert_eq!(tables, ["members"]);
    let gone = vec![Change { key: Uid::from("04A1"), version: 3, value: None }];
    let gone = Changes { credentials: gone, ..Changes::default() };
    let (_, tables) = lost(&mut store, &sealed(2, granted(51), gone)).await;
    assert_eq!(tables, ["credentials"]);
    assert_eq!(state(&mut store).await, before);
    store.commit(&sealed(2, granted(51), Changes::default())).await.unwrap();
}

async fn a_row_that_was_read_and_changed_elsewhere_loses_the_batch(home: Home) {
    let mut store = home.filled().await;
    store.load().await.unwrap();
    home.meddle("UPDATE account SET version = 2, balance = 0").await.unwrap();
    let reads = |version| Reads {
        accounts: vec![read(AccountId(id(3)), version)],
        members: vec![read(MemberId(id(404)), 0)],
        ..Reads::default()
    };
    let refusal =
        |version| Sealed { reads: reads(version), ..sealed(2, granted(51), Changes::default()) };
    let (_, tables) = lost(&mut store, &refusal(1)).await;
    assert_eq!(tables, ["accounts"]);
    let rows = store.reload(&reads(1)).await.unwrap();
    assert_eq!((rows.accounts.len(), rows.members.len()), (1, 0));
    assert_eq!((rows.accounts[0].1, rows.accounts[0].2.balance.minor()), (2, 0));
    store.commit(&refusal(2)).await.unwrap();
    // Others that a batch did not read may have changed at the same time: each later batch is
    // compared too.
    let late = Sealed {
        reads: Reads { accounts: vec![read(AccountId(id(3)), 1)], ..Reads::default() },
        ..sealed(3, granted(52), Changes::default())
    };
    assert_eq!(lost(&mut store, &late).await.1, ["accounts"]);
    store.load().await.unwrap();
    store.commit(&sealed(3, granted(52), Changes::default())).await.unwrap();
}

async fn records_are_never_changed_or_deleted(home: Home) {
    let mut store = home.filled().await;
    let good = batch(vec![transaction(60, "visit:1", [-500, 500])]);
    store.commit(&sealed(2, good, Changes::default())).await.unwrap();
    for sql in [
        "UPDATE journal SET at = 0",
        "DELETE FROM journal",
        "UPDATE decision SET at = 0",
        "DELETE FROM decision",
        "UPDATE posting SET amount = 0",
        "DELETE FROM posting",
        "UPDATE ledger_transaction SET at = 0",
        "DELETE FROM ledger_transaction",
    ] {
        let error = home.meddle(sql).await.unwrap_err().to_string();
        assert!(error.contains("only grows") || error.contains("are never"), "{sql}: {error}");
    }
}

async fn a_second_daemon_is_refused_and_each_start_raises_the_epoch(home: Home) {
    for epoch in 1..4 {
        let (store, opened) = home.open().await;
        assert_eq!((opened.epoch, opened.is_empty), (epoch, true));
        let second = Store::open(&home.place(1), NOW).await;
        assert!(matches!(second, Err(OpenError::Held { .. })));
        store.close().await.unwrap();
    }
}

/// How many commands stand in the outbox.
async fn in_outbox(home: &Home) -> u64 {
    let reader = home.reader().await;
    let counts = reader.counts().await.unwrap();
    reader.close().await;
    counts.into_iter().find(|(table, _)| *table == "outbox").unwrap().1
}

async fn commands_that_may_still_take_effect_are_handed_over_at_the_next_start(home: Home) {
    let (mut store, _) = home.open().await;
    let old = NOW.plus(Span::seconds(-6));
    let edge = NOW.plus(Span::seconds(-5));
    let commands = [command(1, old), command(2, edge), command(3, NOW)];
    let plain = Command { decision: None, ..command(4, NOW) };
    let batch = Batch {
        journal: vec![happened("x")],
        commands: commands.iter().cloned().chain([plain.clone()]).collect(),
        ..Batch::default()
    };
    store.commit(&sealed(1, batch, Changes::default())).await.unwrap();
    drop(store);
    let (mut store, opened) = home.open().await;
    assert_eq!(opened.unsent, [commands[1].clone(), commands[2].clone(), plain]);
    let late = |number, seconds| Sealed {
        epoch: opened.epoch,
        committed_at: NOW.plus(Span::seconds(seconds)),
        ..sealed(number, granted(50 + u128::from(number)), Changes::default())
    };
    for (number, seconds, left) in [(2, 0, 5), (3, 6, 5)] {
        store.commit(&late(number, seconds)).await.unwrap();
        assert_eq!(in_outbox(&home).await, left, "after batch {number}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kari.db");
    std::fs::write(&path, "not a database, but long enough".repeat(99)).unwrap();
    let error = Store::open(&Place::file(&path), NOW).await.unwrap_err();
    assert!(matches!(error, OpenError::Connect { .. }), "{error:?}");
}
