//! How long `kari verify` takes over a long journal.
//!
//! `cargo run --release -p store --example verify_speed LINES [FOLDER]` fills a database once, with
//! a decision for every second line and a transaction for every fourth, and looks at all of it.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{path::Path, sync::Arc, time::Instant};

use domain::{
    ids::AccountId,
    layered::Change,
    rows::{Account, AccountKind},
    state::{Batch, Changes},
};
use store::{Sealed, Store, reader::Reader, verify};
use support::{NOW, account, change, decided, decision, happened, id, sealed, transaction};

#[path = "../tests/support/mod.rs"]
mod support;

/// Decisions of one batch.
const PIECE: u128 = 128;

fn wallet(number: u128, version: u32, balance: i64) -> Change<AccountId, Account> {
    let row = Account { floor: None.into(), ..account(AccountKind::Wallet, balance) };
    change(AccountId(id(number)), version, row)
}

fn piece(number: u64) -> Sealed {
    let first = u128::from(number) * PIECE + (1 << 32);
    let numbers = first..first + PIECE;
    let paid = |number: u128| {
        let mut paid = transaction(number + (1 << 48), &format!("visit:{number}"), [-100, 100]);
        paid.postings[1].account = AccountId(id(4));
        paid
    };
    let batch = Batch {
        journal: numbers.clone().flat_map(|one| [decided(one), happened("passage")]).collect(),
        decisions: numbers.clone().map(decision).collect(),
        transactions: numbers.filter(|one| one % 2 == 0).map(paid).collect(),
        ..Batch::default()
    };
    let version = u32::try_from(number).unwrap() + 1;
    let sum = i64::from(version) * i64::try_from(PIECE).unwrap() * 50;
    let accounts = vec![wallet(3, version, -sum), wallet(4, version, sum)];
    sealed(number + 1, batch, Changes { accounts, ..Changes::default() })
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let lines: u64 = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let place = support::at(arguments.next(), Path::new(folder.path()));
    let (mut store, opened) = Store::open(&place, NOW).await.unwrap();
    if opened.ends.journal.seq == 0 {
        for number in 0..lines.div_ceil(u64::try_from(PIECE).unwrap() * 2) {
            let piece = Sealed { epoch: opened.epoch, ..piece(number) };
            store.commit(&piece).await.unwrap();
        }
    }
    store.close().await.unwrap();
    let reader = Reader::open(&place).await.unwrap();
    let begun = Instant::now();
    let report = verify::all(&reader, &Arc::default()).await;
    let took = begun.elapsed();
    assert_eq!(report.findings(), []);
    println!("{:?} and {:?} in {took:?}", report.journal.unwrap(), report.ledger.unwrap());
    // With a new database the million is the measure of the issue.
    assert!(lines > 1_000_000 || took.as_secs() < 10, "a million lines take 10 s at most");
}
