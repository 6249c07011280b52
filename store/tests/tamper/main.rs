//! Whoever changes the database behind Kari's back is found: in every table, whatever is changed.
//!
//! `KARI_TAMPERS` says how many changes are made on each database, `KARI_TAMPER_SEED` which.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod change;
mod heads;
mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use change::{Change, Done};
use store::{
    reader::Reader,
    verify::{self, Finding, Progress},
};
use support::*;

on_both!(what_is_changed_in_any_table_is_found_and_located);

/// How many changes are made on each database.
const CHANGES: usize = 60;
/// The most tables that are changed at once.
const AT_ONCE: usize = 5;
/// Tables of which only the first broken row is named: no two of a set are changed at once.
const CHAINS: [&[&str]; 2] = [&["journal", "decision"], &["ledger_transaction", "posting"]];
/// Tables that everything else hangs on.
const ALONE: [&str; 2] = ["batch", "audit_key"];

async fn found(home: &Home) -> Vec<Finding> {
    let reader: Reader = home.reader().await;
    let found = verify::all(&reader, &Arc::default()).await.findings();
    reader.close().await;
    found
}

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap())
}

/// Whether the tables of `taken` may be changed together with `next`.
fn together(taken: &BTreeSet<String>, next: &str) -> bool {
    let in_chain = |chain: &[&str]| {
        chain.contains(&next) && taken.iter().any(|table| chain.contains(&table.as_str()))
    };
    let alone = |table: &str| ALONE.contains(&table);
    let alone = !taken.is_empty() && (alone(next) || taken.iter().any(|table| alone(table)));
    !alone && !taken.contains(next) && !CHAINS.into_iter().any(in_chain)
}

async fn what_is_changed_in_any_table_is_found_and_located(home: Home) {
    let seed = number_of("KARI_TAMPER_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("seed: KARI_TAMPER_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let wanted = number_of("KARI_TAMPERS").map_or(CHANGES, |number| number as usize);
    let site = site::Site::make(&home).await;
    let tables = site.tables(&home).await;
    assert_eq!(found(&home).await, [], "untouched");
    let mut changes = 0;
    while changes < wanted {
        let mut done: BTreeMap<String, Done> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for _ in 0..random.usize(1..=AT_ONCE) {
            let table = &tables[random.usize(..tables.len())];
            if !together(&taken, &table.name) {
                continue;
            }
            let change = Change::random(&mut random);
            if let Some(one) = change.make(&home, table, &mut random).await {
                taken.insert(table.name.clone());
                done.insert(table.name.clone(), one);
            }
        }
        let found = found(&home).await;
        for (table, one) in &done {
            assert!(one.is_located(table, &found), "seed {seed}: {table}: {one:?} in {found:#?}");
        }
        changes += done.len();
        site.restore(&home, taken.iter()).await;
    }
    assert_eq!(found(&home).await, [], "put back");
}

#[tokio::test]
async fn each_kind_of_change_is_found_and_located_in_each_table() {
    let home = Home::sqlite();
    let site = site::Site::make(&home).await;
    let tables = site.tables(&home).await;
    let mut random = fastrand::Rng::with_seed(7);
    let mut made: BTreeMap<Change, usize> = BTreeMap::new();
    for table in &tables {
        assert!(table.rows > 0, "`{}` has no rows to change", table.name);
        for change in Change::ALL {
            let Some(one) = change.make(&home, table, &mut random).await else { continue };
            let found = found(&home).await;
            assert!(
                one.is_located(&table.name, &found),
                "{change:?} in {}: {one:?} in {found:#?}",
                table.name
            );
            *made.entry(change).or_default() += 1;
            site.restore(&home, [&table.name]).await;
        }
    }
    // A change that the tables never let through would be no test.
    for (change, least) in
        [(Change::Cell, 40), (Change::Deleted, 40), (Change::Added, 25), (Change::Emptied, 40)]
    {
        assert!(made[&change] >= least, "{change:?}: {made:?}");
    }
    assert!(made[&Change::Swapped] >= 5 && made[&Change::Older] >= 3, "{made:?}");
    assert!(found(&home).await.is_empty());
}

/// The progress of a look at everything.
#[tokio::test]
async fn the_bar_gets_to_its_end() {
    let home = Home::sqlite();
    site::Site::make(&home).await;
    let reader = home.reader().await;
    let progress = Arc::new(Progress::default());
    assert!(verify::all(&reader, &progress).await.findings().is_empty());
    let rows: u64 = reader.counts().await.unwrap().iter().map(|(_, rows)| rows).sum();
    assert!(progress.rows() * 2 > rows, "{} of {rows}", progress.rows());
}
