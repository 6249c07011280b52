//! What is committed is what is loaded, row by row, for every table.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::{
    ids::{CredentialId, DecisionId, MemberId, Uid},
    layered::Change,
    rows::{Reservation, ReservationKey, ReservationState},
    state::{Batch, Changes, Snapshot},
    time::{Span, Timestamp},
};
use store::reader::Period;
use support::*;

on_both!(
    every_row_is_loaded_as_it_was_committed,
    a_row_is_replaced_by_its_next_version_and_gone_when_it_is_removed,
    batches_of_every_size_are_whole,
    a_reader_finds_decisions_people_rule_sets_and_counts,
    a_credential_gets_its_next_promise_in_the_batch_that_ends_its_last,
    a_value_that_does_not_belong_is_named_by_table_and_column,
    the_decisions_of_a_period_come_in_pages,
);

fn whole<K: Clone, V: Clone>(row: &Change<K, V>) -> (K, u32, V) {
    (row.key.clone(), row.version, row.value.clone().unwrap())
}

/// Changes as the rows that they make.
macro_rules! snapshot_of {
    ($changes:expr, $($table:ident)*) => {
        Snapshot {$($table: {
            $changes.$table.iter().map(whole).collect()
        },)*}
    };
}
fn rows(changes: &Changes) -> Snapshot {
    snapshot_of!(changes, members credentials passes visits guests families spending attempts
        exemptions tariffs goods price_lists drawers returned deposits earnings accounts
        presence occupancy reservations last_reads marks devices
        terminals holds operators
        tokens bans answers params pending_orders waiting lockers imports emergency)
}

async fn every_row_is_loaded_as_it_was_committed(home: Home) {
    let changes = every_row();
    let mut store = home.filled().await;
    let loaded = format!("{:#?}", store.load().await.unwrap());
    assert_eq!(loaded, format!("{:#?}", rows(&changes)));
    store.close().await.unwrap();
    let (mut store, opened) = home.open().await;
    assert!(!opened.is_empty);
    assert_eq!(format!("{:#?}", store.load().await.unwrap()), loaded);
}

async fn a_row_is_replaced_by_its_next_version_and_gone_when_it_is_removed(home: Home) {
    let mut store = home.filled().await;
    let changes = Changes {
        members: vec![change(MemberId(id(1)), 2, member(99))],
        credentials: vec![Change { key: Uid::from("04A1"), version: 2, value: None }],
        emergency: vec![Change { key: (), version: 2, value: None }],
        presence: vec![Change { key: CredentialId(id(77)), version: 1, value: None }],
        ..Changes::default()
    };
    store.commit(&sealed(2, Batch::default(), changes)).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.members[0], (MemberId(id(1)), 2, member(99)));
    assert_eq!((loaded.credentials.len(), loaded.emergency.len()), (0, 0));
}

async fn batches_of_every_size_are_whole(home: Home) {
    let (mut store, _) = home.open().await;
    let sizes = [1_u32, 2, 3, 8, 9, 16, 17, 64, 65, 512, 513, 1025];
    let mut next = 0;
    for (number, size) in (1..).zip(sizes) {
        let numbers = next..next + size;
        next += size;
        let row = |number| change(MemberId(id(u128::from(number))), 1, member(number));
        let changes = Changes { members: numbers.clone().map(row).collect(), ..Changes::default() };
        let batch = Batch {
            journal: numbers.clone().map(|number| decided(u128::from(number))).collect(),
            decisions: numbers.map(|number| decision(u128::from(number))).collect(),
            ..Batch::default()
        };
        store.commit(&sealed(number, batch, changes)).await.unwrap();
        assert_eq!(store.head().seq, u64::from(next));
    }
    let loaded = store.load().await.unwrap();
    let numbers: Vec<u32> = loaded.members.iter().map(|(_, _, member)| member.number).collect();
    assert_eq!(numbers, (0..next).collect::<Vec<_>>());
    let gone = |number: u32| Change { key: MemberId(id(number.into())), version: 2, value: None };
    let changes = Changes { members: (0..700).map(gone).collect(), ..Changes::default() };
    store.commit(&sealed(99, Batch::default(), changes)).await.unwrap();
    assert_eq!(store.load().await.unwrap().members.len(), (next - 700) as usize);
    let reader = home.reader().await;
    let verified = store::verify::chain(&reader).await.unwrap();
    assert_eq!((verified.lines, verified.decisions), (next.into(), next.into()));
}

async fn a_reader_finds_decisions_people_rule_sets_and_counts(home: Home) {
    let mut store = home.filled().await;
    let texts = vec![("10-entry.rhai".to_owned(), "fn entry() {}".to_owned())];
    let batch = Batch {
        journal: vec![happened("a"), decided(51), happened("b"), decided(52)],
        decisions: vec![decision(51), decision(52)],
        people: vec![(MemberId(id(1)), person()), (MemberId(id(1)), person())],
        rule_sets: vec![("f00d".to_owned(), texts.clone())],
        ..Batch::default()
    };
    store.commit(&sealed(2, batch, Changes::default())).await.unwrap();
    let reader = home.reader().await;
    let found = reader.decision(DecisionId(id(51))).await.unwrap();
    assert_eq!(found, Some(decision(51)));
    assert_eq!(reader.decision(DecisionId(id(999))).await.unwrap(), None);
    let after = reader.decisions_after(1, 10).await.unwrap();
    assert_eq!(after, [(3, decision(51)), (5, decision(52))]);
    assert_eq!(reader.latest(1, None).await.unwrap(), [(5, decision(52))]);
    assert_eq!(reader.person(MemberId(id(1))).await.unwrap(), Some(person()));
    assert_eq!(reader.person(MemberId(id(2))).await.unwrap(), None);
    assert_eq!(reader.rule_set("f00d").await.unwrap(), Some(texts.clone()));
    assert_eq!(reader.rule_set("beef").await.unwrap(), None);
    let counts = reader.counts().await.unwrap();
    for (table, rows) in [("member", 2), ("journal", 5), ("decision", 3), ("outbox", 2)] {
        assert!(counts.contains(&(table, rows)), "{table}: {counts:?}");
    }
    store.close().await.unwrap();
    let (_store, opened) = home.open().await;
    assert_eq!(opened.last_rule_set, Some(("f00d".to_owned(), texts)));
    assert_eq!(opened.ends.journal.seq, 5);
}

async fn a_credential_gets_its_next_promise_in_the_batch_that_ends_its_last(home: Home) {
    let mut store = home.filled().await;
    let at = NOW.plus(Span::seconds(9));
    let lapsed =
        Reservation { charges: vec![charge(1)], ..reservation(ReservationState::Lapsed { at }, 5) };
    // The new one stands at a gate whose name comes first.
    let promise = |key: ReservationKey, version, row| change(key, version, row);
    let changes = Changes {
        reservations: vec![
            promise(place("gate-0", 1), 1, reservation(ReservationState::Live, 5)),
            promise(place("gate-1", 11), 2, lapsed),
        ],
        ..Changes::default()
    };
    store.commit(&sealed(2, Batch::default(), changes)).await.unwrap();
    assert_eq!(store.load().await.unwrap().reservations.len(), 3);
}

async fn a_value_that_does_not_belong_is_named_by_table_and_column(home: Home) {
    let mut store = home.filled().await;
    for (sql, names) in [
        ("UPDATE pass SET valid_from = 'soon'", "`valid_from` of the table `pass`"),
        ("UPDATE member SET groups = '{'", "`groups` of the table `member`"),
        ("UPDATE credential SET party_size = -1", "`party_size` of the table `credential`"),
        ("UPDATE credential SET state = 'eaten'", "`state` of the table `credential`"),
        ("UPDATE credential SET id = x'00'", "`id` of the table `credential`"),
    ] {
        if home.is_postgres() && sql.contains("x'00'") {
            // It takes nothing but ids there.
            continue;
        }
        home.meddle(sql).await.unwrap();
        let error = store.load().await.unwrap_err().to_string();
        assert!(error.contains(names), "{error}");
        home.meddle("DELETE FROM credential; UPDATE member SET groups = '[]'").await.unwrap();
        home.meddle("UPDATE pass SET valid_from = '2026-01-01'").await.unwrap();
        let refill = Changes { credentials: every_row().credentials, ..Changes::default() };
        store.commit(&sealed(2, Batch::default(), refill)).await.unwrap();
    }
}

async fn the_decisions_of_a_period_come_in_pages(home: Home) {
    let mut store = home.filled().await;
    // The milliseconds that the ids of these tests begin with.
    let base = Timestamp::from_millis(0x0190_0000_0000);
    let hours = |count: i64| base.plus(Span::seconds(count * 3600));
    for number in 0..5_u8 {
        let mut batch = granted(u128::from(number) + 100);
        batch.decisions[0].at = hours(number.into());
        store.commit(&sealed(u64::from(number) + 2, batch, Changes::default())).await.unwrap();
    }
    store.close().await.unwrap();
    let reader = home.reader().await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = reader.decisions_in(Period::ALWAYS, after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page.iter().map(|decision| decision.id.0));
    }
    assert_eq!(found, [50, 100, 101, 102, 103, 104].map(id));
    assert_eq!(reader.about_in(Period::ALWAYS).await.unwrap(), 6);
    let period = Period { since: hours(1), until: hours(3) };
    let within = reader.decisions_in(period, None, 10).await.unwrap();
    let within: Vec<_> = within.iter().map(|decision| decision.id.0).collect();
    assert_eq!(within, [101, 102].map(id));
    assert!(reader.about_in(period).await.unwrap() >= 2);
    let later = Period { since: hours(48), until: hours(72) };
    assert_eq!(reader.about_in(later).await.unwrap(), 0);
}
