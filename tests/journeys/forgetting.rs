//! Old records lose who they were about while the daemon runs, and it goes on serving.

use domain::{
    decision::Decision,
    event::Direction::{Entry, Exit},
    ids::DecisionId,
    state::{Batch, Changes, Entry as Line, Noted, Reads},
    time::{Span, Timestamp},
};
use store::{Sealed, Store};
use tests::{
    daemon::{Daemon, eventually},
    records::Whereabouts,
    site::{Guest, Plan, uid},
};

use crate::{granted, walk};

/// How old a record is kept by default, and a day more.
const OLD: Span = Span::seconds(92 * 86_400);

/// The record of `decision`, as if it had been made long ago.
fn long_ago(decision: &Decision, number: u64, epoch: u64) -> (Sealed, DecisionId) {
    let at = Timestamp::from_micros(decision.at.micros() - OLD.0);
    let id: DecisionId = format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap();
    let old = Decision { id, at, ..decision.clone() };
    let noted = Noted::Decided { decision: id, outcome: old.verdict.outcome };
    let line = Line { at, device: Some(old.device.clone()), source: None, noted };
    let batch = Batch { journal: vec![line], decisions: vec![old], ..Batch::default() };
    let (changes, reads) = (Changes::default(), Reads::default());
    (Sealed { number, epoch, batch, changes, reads, committed_at: at }, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_lose_their_people_while_gates_are_served() {
    let plan = Plan { gates: 2, guests: vec![Guest::member(1)], ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let gate = daemon.gate("gate-1").await;
    let recent = granted(&gate, Entry, &uid(1)).await;
    gate.pass(Entry, Some(recent), None);
    walk(&gate, Exit, &uid(1)).await;
    let records = daemon.records().await;
    let outside =
        async || (records.whereabouts(&uid(1)).await == Whereabouts::default()).then_some(());
    eventually("he is outside", outside).await;
    gate.stop().await;
    daemon.stop().await;
    let decision = records.decision(recent).await.unwrap();

    let (mut store, opened) = Store::open(&daemon.site.place(), decision.at).await.unwrap();
    let mut old = Vec::new();
    for number in 1..=120 {
        let (sealed, id) = long_ago(&decision, number, opened.epoch);
        store.commit(&sealed).await.unwrap();
        old.push(id);
    }
    store.close().await.unwrap();
    assert!(records.decision(old[0]).await.is_some());

    daemon.spawn();
    daemon.ready().await;
    // A gate of its own: one that counts from the beginning again would only repeat itself.
    let gate = daemon.gate("gate-2").await;
    let forgotten = async || {
        let mut named = 0;
        for id in &old {
            named += usize::from(records.decision(*id).await.is_some());
        }
        (named == 0).then_some(())
    };
    eventually("old records without people", forgotten).await;
    assert!(records.decision(recent).await.is_some(), "what is recent stays");
    walk(&gate, Entry, &uid(1)).await;
    walk(&gate, Exit, &uid(1)).await;
    gate.stop().await;
    daemon.stop().await;
    records.check_chain().await;
    let said = records.journal().await.into_iter();
    let said = said.filter(|noted| matches!(noted, Noted::Pseudonymised { .. })).count();
    assert_eq!(said, 1, "the journal says it once");
}
