//! Random changes of a database, of a few tables at once: each is found and located.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use store::{
    reader::Reader,
    verify::{self, Finding},
};

use super::{
    change::{Change, Done},
    site::Site,
    support::Home,
};

/// The most tables that are changed at once.
const AT_ONCE: usize = 5;
/// Tables of which only the first broken row is named: no two of a set are changed at once.
const CHAINS: [&[&str]; 2] = [&["journal", "decision"], &["ledger_transaction", "posting"]];
/// Tables that everything else hangs on.
const ALONE: [&str; 2] = ["batch", "audit_key"];

/// What `kari verify` says.
pub(crate) async fn found(home: &Home) -> Vec<Finding> {
    let reader: Reader = home.reader().await;
    let found = verify::all(&reader, &Arc::default()).await.findings();
    reader.close().await;
    found
}

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap())
}

/// How many changes are wanted: so many where nobody asks for more.
pub(crate) fn wanted(otherwise: usize) -> usize {
    number_of("KARI_TAMPERS").map_or(otherwise, |number| usize::try_from(number).unwrap())
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

/// Makes `wanted` changes, chosen by chance.
pub(crate) async fn random(home: &Home, site: &Site, wanted: usize) {
    let seed = number_of("KARI_TAMPER_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("seed: KARI_TAMPER_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tables = site.tables(home).await;
    tables.retain(|table| table.rows > 0);
    assert_eq!(found(home).await, [], "untouched");
    let mut made: BTreeMap<Change, usize> = BTreeMap::new();
    while made.values().sum::<usize>() < wanted {
        let mut done: BTreeMap<String, Done> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for _ in 0..random.usize(1..=AT_ONCE) {
            let table = &tables[random.usize(..tables.len())];
            if !together(&taken, &table.name) {
                continue;
            }
            let change = Change::random(&mut random);
            if let Some(one) = change.make(home, table, &mut random).await {
                taken.insert(table.name.clone());
                done.insert(table.name.clone(), one);
                *made.entry(change).or_default() += 1;
            }
        }
        let found = found(home).await;
        for (table, one) in &done {
            assert!(one.is_located(table, &found), "seed {seed}: {table}: {one:?} in {found:#?}");
        }
        site.restore(home, taken.iter()).await;
    }
    println!("changes of {} tables, all found and located: {made:?}", tables.len());
    assert_eq!(found(home).await, [], "put back");
}
