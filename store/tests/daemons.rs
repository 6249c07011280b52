//! Several daemons on one PostgreSQL: their numbers, their races, and what they tell each other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::time::Duration;

use domain::{
    ids::{AccountId, CommandId, DeviceId, Uid},
    money::Money,
    rows::{Account, AccountKind, HoldKey},
    state::{Batch, Changes, Reads},
};
use store::{
    Opened, Sealed, Store,
    error::{CommitError, OpenError},
    news::Changed,
    verify,
};
use support::*;

const WALLET: u128 = 3;

/// Two daemons on one filled database, both of which read everything.
async fn two(home: &Home) -> ((Store, Opened), (Store, Opened)) {
    home.filled().await.close().await.unwrap();
    let mut first = home.open().await;
    let mut second = Store::open(&home.place(2), NOW).await.unwrap();
    first.0.load().await.unwrap();
    second.0.load().await.unwrap();
    (first, second)
}

/// A batch of a daemon in the run that `opened` tells of.
fn batch(opened: &Opened, number: u64, batch: Batch, changes: Changes) -> Sealed {
    Sealed { epoch: opened.epoch, ..sealed(number, batch, changes) }
}

fn noted() -> Batch {
    Batch { journal: vec![happened("here")], ..Batch::default() }
}

/// The wallet's next version, with this balance.
fn wallet(version: u32, balance: i64) -> Changes {
    let row = Account { floor: Some(Money(-1250)).into(), ..account(AccountKind::Wallet, balance) };
    Changes { accounts: vec![change(AccountId(id(WALLET)), version, row)], ..Changes::default() }
}

fn tables(lost: Result<(), CommitError>) -> Vec<&'static str> {
    match lost {
        Err(CommitError::Lost { tables, .. }) => tables,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_number_is_one_daemon_s() {
    let Some(home) = Home::postgres().await else { return };
    let (store, opened) = home.open().await;
    assert_eq!((opened.epoch, opened.daemon), (1, 1));
    let refused = Store::open(&home.place(1), NOW).await;
    let why = refused.as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(refused, Err(OpenError::Held { .. })), "{why}");
    assert!(why.contains("another daemon 1 works on `postgres://"), "{why}");
    let (_other, opened) = Store::open(&home.place(2), NOW).await.unwrap();
    assert_eq!((opened.epoch, opened.daemon), (1, 2));
    store.close().await.unwrap();
    assert_eq!(home.open().await.1.epoch, 2);
}

#[tokio::test]
async fn what_another_daemon_changed_first_loses_a_batch_that_read_it() {
    let Some(home) = Home::postgres().await else { return };
    let ((mut first, a), (mut second, b)) = two(&home).await;
    first.commit(&batch(&a, 1, noted(), wallet(2, 100))).await.unwrap();

    // One that would write the same row, and one that only read it.
    let writes = batch(&b, 1, noted(), wallet(2, 99));
    assert_eq!(tables(second.commit(&writes).await), ["accounts"]);
    let accounts = vec![read(AccountId(id(WALLET)), 1)];
    let reads = Reads { accounts, ..Reads::default() };
    let refuses = Sealed { reads: reads.clone(), ..batch(&b, 1, granted(60), Changes::default()) };
    assert_eq!(tables(second.commit(&refuses).await), ["accounts"]);

    let rows = second.reload(&reads).await.unwrap();
    assert_eq!((rows.accounts[0].1, rows.accounts[0].2.balance), (2, Money(100)));
    second.commit(&batch(&b, 2, noted(), wallet(3, 99))).await.unwrap();
    // A row that was not there, and is now.
    let key = HoldKey { uid: Uid::from("0BAD"), gate: DeviceId::from("gate-1") };
    let hold = every_row().holds.remove(0).value.unwrap();
    let held = vec![change(key.clone(), 1, hold)];
    let held = Changes { holds: held, ..Changes::default() };
    first.commit(&batch(&a, 2, noted(), held)).await.unwrap();
    let none = Reads { holds: vec![read(key, 0)], ..Reads::default() };
    let grants = Sealed { reads: none, ..batch(&b, 3, granted(61), Changes::default()) };
    assert_eq!(tables(second.commit(&grants).await), ["holds"]);

    // Each has a chain of its own.
    let reader = home.reader().await;
    assert_eq!(verify::chain(&reader).await.unwrap().lines, 4);
    assert_eq!((first.head().seq, second.head().seq), (3, 1));
}

/// The next news of others, which come soon.
async fn next(news: &mut store::news::News) -> Changed {
    tokio::time::timeout(Duration::from_secs(5), news.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_daemon_hears_what_others_changed_and_nothing_of_its_own() {
    let Some(home) = Home::postgres().await else { return };
    let ((mut first, a), (mut second, b)) = two(&home).await;
    let mut news = second.news().await.unwrap().unwrap();
    second.commit(&batch(&b, 1, granted(60), Changes::default())).await.unwrap();
    first.commit(&batch(&a, 1, granted(61), wallet(2, 100))).await.unwrap();
    let heard = next(&mut news).await;
    assert_eq!(heard.rows.accounts, [read(AccountId(id(WALLET)), 2)]);
    let gate = DeviceId::from("gate-1");
    let commands = [1122, 1123].map(|number| (gate.clone(), CommandId(id(number))));
    assert_eq!(heard.commands, commands);
    let waiting = second.commands(&[commands[0].1, CommandId(id(404))]).await.unwrap();
    assert_eq!(waiting, [command(1122, NOW)]);

    // What is told while nobody listens is read later, in order and once.
    home.meddle(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    )
    .await
    .unwrap();
    for version in 3..10_u32 {
        let changes = wallet(version, i64::from(version));
        first.commit(&batch(&a, version.into(), noted(), changes)).await.unwrap();
    }
    let mut versions = Vec::new();
    while versions.len() < 7 {
        versions.extend(next(&mut news).await.rows.accounts.iter().map(|row| row.version));
    }
    assert_eq!(versions, (3..10).collect::<Vec<_>>());
    let silence = tokio::time::timeout(Duration::from_millis(500), news.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn a_daemon_alone_leaves_no_news() {
    let Some(home) = Home::postgres().await else { return };
    let mut store = home.filled().await;
    store.commit(&sealed(2, noted(), wallet(2, 100))).await.unwrap();
    assert_eq!(home.numbers("SELECT count(*), 0::bigint FROM news").await, [(0, 0)]);
}

/// Spends single coins until there are none; how many it spent, and how often it lost.
async fn spend((mut store, opened): (Store, Opened)) -> (i64, u32) {
    let reads = Reads { accounts: vec![read(AccountId(id(WALLET)), 0)], ..Reads::default() };
    let (mut spent, mut lost, mut number, mut in_a_row) = (0, 0, 0, 0);
    let mut rows = store.reload(&reads).await.unwrap();
    loop {
        let (_, version, row) = rows.accounts.remove(0);
        if row.balance == Money::ZERO {
            store.give_turn_back().await;
            return (spent, lost);
        }
        number += 1;
        // Deciding takes a moment, in which others come first.
        tokio::task::yield_now().await;
        let changes = wallet(version + 1, row.balance.minor() - 1);
        match store.commit(&batch(&opened, number, noted(), changes)).await {
            Ok(()) => (spent, in_a_row) = (spent + 1, 0),
            Err(CommitError::Lost { tables, .. }) => {
                assert_eq!(tables, ["accounts"]);
                (lost, in_a_row) = (lost + 1, in_a_row + 1);
                assert!(in_a_row <= 3, "who keeps its turn does not lose again");
                if in_a_row >= 2 {
                    store.keep_turn().await.unwrap();
                }
            }
            Err(other) => panic!("{other:?}"),
        }
        rows = store.reload(&reads).await.unwrap();
    }
}

#[tokio::test]
async fn a_wallet_that_two_daemons_race_for_is_spent_to_the_coin() {
    const COINS: i64 = 200;
    let Some(home) = Home::postgres().await else { return };
    let (mut first, second) = two(&home).await;
    first.0.commit(&batch(&first.1, 1, noted(), wallet(2, COINS))).await.unwrap();
    let (one, other) = (tokio::spawn(spend(first)), tokio::spawn(spend(second)));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!(one.0 + other.0, COINS, "{one:?} {other:?}");
    assert!(one.1 + other.1 > 0, "nobody raced: {one:?} {other:?}");
    let left = home.numbers("SELECT balance, version FROM account").await;
    assert_eq!(left, [(0, COINS + 2)]);
    assert!(verify::chain(&home.reader().await).await.is_ok());
}

/// Ends the server's side of the writer of daemon 1.
async fn cut_off(home: &Home) {
    home.meddle(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'
            AND objid = 1 AND database =
                (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_connection_that_broke_is_made_anew_under_the_same_number() {
    let Some(home) = Home::postgres().await else { return };
    let (mut store, opened) = home.open().await;
    let one = |number| batch(&opened, number, noted(), Changes::default());
    store.commit(&one(1)).await.unwrap();
    for number in 2..6 {
        cut_off(&home).await;
        let broken = store.commit(&one(number)).await;
        assert!(matches!(broken, Err(CommitError::Unknown { .. })), "{broken:?}");
        assert!(store.was_committed(opened.epoch, number - 1).await.unwrap());
        assert!(!store.was_committed(opened.epoch, number).await.unwrap());
        store.commit(&one(number)).await.unwrap();
    }
    assert_eq!(verify::chain(&home.reader().await).await.unwrap().lines, 5);
}

#[tokio::test]
async fn a_daemon_whose_number_another_took_writes_nothing_more() {
    let Some(home) = Home::postgres().await else { return };
    let (mut old, opened) = home.open().await;
    cut_off(&home).await;
    let (mut new, after) = home.open().await;
    assert_eq!(after.epoch, opened.epoch + 1);
    let broken = old.commit(&batch(&opened, 1, noted(), Changes::default())).await;
    assert!(matches!(broken, Err(CommitError::Unknown { .. })), "{broken:?}");
    let fenced = old.was_committed(opened.epoch, 1).await;
    assert!(matches!(fenced, Err(CommitError::Fatal { .. })), "{fenced:?}");
    new.commit(&batch(&after, 1, noted(), Changes::default())).await.unwrap();
    // Also where its connection never noticed.
    let stale = new.commit(&batch(&opened, 2, noted(), Changes::default())).await;
    assert!(matches!(stale, Err(CommitError::Fatal { .. })), "{stale:?}");
}

#[tokio::test]
async fn a_server_that_forgets_is_refused_unless_it_may() {
    let Some(home) = Home::postgres().await else { return };
    let setting = home.numbers(
        "SELECT (current_setting('fsync') = 'off')::int::bigint,
            (current_setting('full_page_writes') = 'off')::int::bigint",
    );
    let forgets = setting.await[0] != (0, 0);
    let strict = Store::open(&home.strict(), NOW).await;
    match strict {
        Err(OpenError::ServerSetting { name, found }) => {
            assert!(forgets && name == "fsync" && found == "off", "{name} = {found}");
        }
        other => assert!(!forgets && other.is_ok(), "{other:?}"),
    }
}
