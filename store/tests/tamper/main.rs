//! Whoever changes the database behind Kari's back is found: in every table, whatever is changed.
//!
//! `KARI_TAMPERS` says how many changes are made on each database, `KARI_TAMPER_SEED` which. The
//! same is done to the database of a month by `tests/books/tampers.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod change;
mod heads;
mod rounds;
mod site;

use std::{collections::BTreeMap, sync::Arc};

use change::Change;
use rounds::found;
use store::verify::{self, Progress};
use support::*;

on_both!(what_is_changed_in_any_table_is_found_and_located);

async fn what_is_changed_in_any_table_is_found_and_located(home: Home) {
    let site = site::Site::make(&home).await;
    rounds::random(&home, &site, rounds::wanted(60)).await;
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

/// SQLite keeps any kind of value in any column, and its pages hold texts and bytes alike.
#[tokio::test]
async fn a_value_of_another_kind_is_found_though_it_reads_alike() {
    let home = Home::sqlite();
    let site = site::Site::make(&home).await;
    let mut changed = 0;
    for table in site.tables(&home).await {
        let chained = ["journal", "decision", "ledger_transaction", "posting"];
        for (column, kind) in table.columns.iter().filter(|_| chained.contains(&&*table.name)) {
            let (name, other) = (&table.name, if kind == "BLOB" { "TEXT" } else { "BLOB" });
            let given = format!("{name} WHERE {column} IS NOT NULL LIMIT 1");
            if home.texts(&format!("SELECT '1' FROM {given}"), 1).await.is_empty() {
                continue;
            }
            let sql = format!("UPDATE {name} SET {column} = CAST({column} AS {other})");
            home.tamper(&sql).await.unwrap();
            let said = found(&home).await;
            let named = |one: &verify::Finding| {
                ["journal", "decision", "ledger", "ledger_transaction"].contains(&&*one.table)
            };
            assert!(said.iter().any(named), "{sql}: {said:#?}");
            changed += 1;
            site.restore(&home, [name]).await;
        }
    }
    assert!(changed > 35, "{changed}");
}
