//! What a read costs in the store: the batch of its decision and that of its passage, as the loop
//! writes them one by one.
//!
//! `cargo run --release -p store --example commit_speed [READS] [FOLDER|URL]`; in a folder of
//! memory (`/dev/shm`) no disk is measured, only what the store does.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]
#![allow(clippy::float_arithmetic, reason = "microseconds for people")]

use std::{path::Path, time::Instant};

use domain::{
    ids::{AccountId, CredentialId, DecisionId, MemberId, Uid, ZoneId},
    layered::Change,
    rows::{
        Account, AccountKind, Begun, LastRead, Mark, MarkKey, Occupancy, Presence, ReaderKey,
        ReservationKey, ReservationState, Visits,
    },
    state::{Batch, Changes},
};
use store::{Sealed, Store};
use support::{
    NOW, account, change, granted, happened, id, place, reservation, sealed, transaction,
};

#[path = "../tests/support/mod.rs"]
mod support;

/// People who come one after the other.
const PEOPLE: u64 = 500;

fn version(number: u64) -> u32 {
    u32::try_from(number / PEOPLE).unwrap() * 2 + 1
}

fn wallet(number: u128, version: u32, balance: i64) -> Change<AccountId, Account> {
    let row = Account { floor: None.into(), ..account(AccountKind::Wallet, balance) };
    change(AccountId(id(number)), version, row)
}

/// What every batch of a gate changes.
fn gate(number: u64, step: u32) -> Changes {
    let gate = domain::ids::DeviceId::from("gate-1");
    let nth = u32::try_from(number).unwrap() * 2 + step;
    let person = CredentialId(id(u128::from(number % PEOPLE) + 10_000));
    let zone =
        |name: &str| change(ZoneId::from(name), nth, Occupancy { inside: nth.into(), reserved: 1 });
    Changes {
        presence: vec![change(person, version(number) + step - 1, Presence::default())],
        occupancy: vec![zone("site"), zone("pool")],
        marks: vec![change(
            MarkKey { device: gate, boot: 1 },
            nth,
            Mark { high: nth.into(), window: 1 },
        )],
        ..Changes::default()
    }
}

fn read(number: u64) -> (Batch, Changes) {
    let gate_1 = domain::ids::DeviceId::from("gate-1");
    let key = ReservationKey { place: number, ..place("gate-1", 0) };
    let last = LastRead {
        uid: Uid::from("04A1"),
        at: NOW,
        next_place: number,
        recent: Vec::new(),
        refused: None,
    };
    let last_read = ReaderKey { device: gate_1, direction: domain::event::Direction::Entry };
    let nth = u32::try_from(number).unwrap() + 1;
    let changes = Changes {
        reservations: vec![change(key, 1, reservation(ReservationState::Live, 5))],
        last_reads: vec![change(last_read, nth, last)],
        ..gate(number, 1)
    };
    (granted(u128::from(number) + (1 << 32)), changes)
}

fn passage(number: u64) -> (Batch, Changes) {
    let key = ReservationKey { place: number, ..place("gate-1", 0) };
    let member = MemberId(id(u128::from(number % PEOPLE) + 20_000));
    let nth = u32::try_from(number).unwrap() + 2;
    let sum = i64::try_from(number).unwrap() * 100 + 100;
    let visits = Visits { begun: vec![Begun::new(NOW)], promised: 0 };
    let changes = Changes {
        reservations: vec![Change { key, version: 2, value: None }],
        visits: vec![change(member, version(number).div_ceil(2), visits)],
        accounts: vec![wallet(3, nth, -sum), wallet(4, nth, sum)],
        ..gate(number, 2)
    };
    let mut paid =
        transaction(u128::from(number) + (2 << 32), &format!("visit:{number}"), [-100, 100]);
    paid.postings[1].account = AccountId(id(4));
    paid.decision = Some(DecisionId(id(u128::from(number) + (1 << 32))));
    let journal = vec![happened("passage")];
    (Batch { journal, transactions: vec![paid], ..Batch::default() }, changes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let reads: u64 = arguments.next().map_or(20_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let at = support::at(arguments.next(), Path::new(folder.path())).that_may_forget();
    let (mut store, opened) = Store::open(&at, NOW).await.unwrap();
    let accounts = vec![wallet(3, 1, 0), wallet(4, 1, 0)];
    let first = sealed(1, Batch::default(), Changes { accounts, ..Changes::default() });
    store.commit(&Sealed { epoch: opened.epoch, ..first }).await.unwrap();
    let mut work = Vec::new();
    for number in 0..reads {
        work.push(read(number));
        work.push(passage(number));
    }
    let batches = (2..).zip(work).map(|(number, (batch, changes))| Sealed {
        epoch: opened.epoch,
        ..sealed(number, batch, changes)
    });
    let batches: Vec<Sealed> = batches.collect();
    let begun = Instant::now();
    for one in &batches {
        store.commit(one).await.unwrap();
    }
    let took = begun.elapsed();
    store.close().await.unwrap();
    let per_read = took.as_nanos() / u128::from(reads);
    let size = at.path().map_or(0, |path| std::fs::metadata(path).unwrap().len());
    println!("{reads} reads: {per_read} ns and {} bytes a read", size / reads);
}
