//! How long a site of a million people takes to load, each with a credential, a pass and a wallet.
//!
//! `cargo run --release -p store --example load_speed FOLDER|URL [PEOPLE]` fills the
//! database once, then loads it.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::time::Instant;

use domain::{
    ids::{AccountId, CredentialId, GroupId, MemberId, PassId, TariffId, Uid},
    layered::Change,
    money::{CurrencyCode, Money},
    rows::{
        Account, AccountKind, Credential, CredentialKind, CredentialState, Language, Member, Pass,
        PassKey, PassState,
    },
    state::{Batch, Changes},
};
use jiff::civil::date;
use store::Store;
use support::{change, happened, id, sealed};

#[path = "../tests/support/mod.rs"]
mod support;

const PIECE: u32 = 512;

fn rows<K, V>(numbers: std::ops::Range<u32>, row: impl Fn(u32) -> (K, V)) -> Vec<Change<K, V>> {
    numbers.map(row).map(|(key, value)| change(key, 1, value)).collect()
}

fn people(numbers: std::ops::Range<u32>) -> Changes {
    let id = |kind: u32, number: u32| id((u128::from(number) << 16) + u128::from(kind));
    let member = |number| Member {
        number,
        birth: Some(date(1990, 5, 17)),
        blocked: false,
        language: Language::Ka,
        groups: if number % 10 == 0 { Box::new([GroupId::from("school")]) } else { Box::default() },
        account: AccountId(id(1, number)),
        certificate_until: None,
        reduced_mobility: false,
        medical: false,
        kin: None,
    };
    let credential = |number| Credential {
        id: CredentialId(id(2, number)),
        member: MemberId(id(0, number)),
        state: CredentialState::Active,
        valid_from: None,
        valid_until: None,
        party_size: 1,
        kind: CredentialKind::Card,
        adult: false,
        collected: false,
        extras: None,
    };
    let pass = Pass {
        tariff: TariffId::from("month"),
        tariff_version: 1,
        state: PassState::Active,
        valid_from: date(2026, 1, 1),
        valid_until: Some(date(2026, 12, 31)),
        visits_left: None,
        visits_reserved: 0,
        paid: Money::ZERO,
        sale: None,
    };
    let account = Account {
        balance: Money(1000),
        ..Account::new(AccountKind::Wallet, "", CurrencyCode::NONE)
    };
    let pass_key =
        |number| PassKey { member: MemberId(id(0, number)), pass: PassId(id(3, number)) };
    Changes {
        members: rows(numbers.clone(), |n| (MemberId(id(0, n)), member(n))),
        credentials: rows(numbers.clone(), |n| (Uid::from(format!("04{n:010}")), credential(n))),
        passes: rows(numbers.clone(), |n| (pass_key(n), pass.clone())),
        accounts: rows(numbers, |n| (AccountId(id(1, n)), account.clone())),
        ..Changes::default()
    }
}

/// Resident memory as the kernel tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines =
        status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let place = support::at(arguments.next(), std::path::Path::new("."));
    let people_in_all: u32 = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let (mut store, opened) = Store::open(&place, support::NOW).await.unwrap();
    if opened.is_empty {
        let begun = Instant::now();
        for (number, from) in (1..).zip((0..people_in_all).step_by(PIECE as usize)) {
            let changes = people(from..people_in_all.min(from + PIECE));
            let batch = Batch { journal: vec![happened("import")], ..Batch::default() };
            store.commit(&sealed(number, batch, changes)).await.unwrap();
        }
        println!("filled in {:?}; {}", begun.elapsed(), resident());
        return;
    }
    let begun = Instant::now();
    let snapshot = store.load().await.unwrap();
    println!("loaded {} members in {:?}; {}", snapshot.members.len(), begun.elapsed(), resident());
    let begun = Instant::now();
    let tables = domain::state::Tables::load(snapshot);
    println!("tables of {} in {:?}; {}", tables.members.len(), begun.elapsed(), resident());
}
