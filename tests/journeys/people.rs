//! People at gates: in and out, refused, not gone through, and twice at once.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    event::Direction::{Entry, Exit},
    reasons::{Condition, Reason},
    verdict::{Origin, Outcome},
};
use tests::{
    daemon::{Daemon, eventually},
    program,
    records::{Records, Whereabouts},
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

use crate::{Through, granted, site, told, walk};

fn in_the_hall() -> Whereabouts {
    Whereabouts { zone: Some("hall".to_owned()), inside: 1, visiting: true, pending: false }
}

async fn arrives(records: &Records, card: &str, place: &Whereabouts) {
    let there = async || (records.whereabouts(card).await == *place).then_some(());
    eventually("where somebody is", there).await;
}

async fn in_and_out(through: Through) {
    let guests = vec![Guest::member(1), Guest::paying(2, "20.00"), Guest::with_visits(3, 5)];
    let plan = Plan { guests: guests.clone(), ..Plan::default() };
    let Some((mut daemon, _broker)) = site(through, plan).await else { return };
    let gate = daemon.gate("gate-1").await;
    // A device that says everything twice is no reason to charge twice.
    gate.duplicate(true);
    let records = daemon.records().await;
    for guest in &guests {
        let decision = granted(&gate, Entry, &guest.uid()).await;
        assert!(records.decision(decision).await.is_some(), "durable before it is told");
        assert!(records.whereabouts(&guest.uid()).await.pending);
        gate.pass(Entry, Some(decision), None);
        arrives(&records, &guest.uid(), &in_the_hall()).await;
    }
    assert_eq!(records.occupancy("hall").await, (3, 0));
    assert_eq!(records.wallet(2).await, (1200, 0), "8.00 of 20.00");
    assert_eq!((records.visits_left(3).await, records.charges().await), (Some(4), 1));
    let outside = Whereabouts::default();
    for guest in &guests {
        walk(&gate, Exit, &guest.uid()).await;
        arrives(&records, &guest.uid(), &outside).await;
    }
    assert_eq!(records.occupancy("hall").await, (0, 0));
    assert_eq!(records.wallet(2).await, (1200, 0), "an exit costs nothing");
    assert_eq!((records.visits_left(3).await, records.charges().await), (Some(4), 1));
    let passages = records.passages().await;
    let once: BTreeSet<_> = passages.iter().collect();
    assert_eq!((once.len(), passages.len()), (6, 6), "each once");
    gate.stop().await;
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_enters_and_leaves() {
    in_and_out(Through::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_enters_and_leaves_through_mosquitto() {
    in_and_out(Through::Mosquitto("a_member_enters_and_leaves_through_mosquitto")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debtor_stays_out_and_is_told() {
    let owing = Guest { balance: "-18.50", debt_since: "2026-01-05T10:00:00Z", ..Guest::member(7) };
    let daemon = Daemon::start(&Plan { guests: vec![owing], ..Plan::default() }).await;
    let gate = daemon.gate("gate-1").await;
    let shown = told(&gate, Entry, &uid(7)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, None));
    assert!(gate.actuations().is_empty(), "it stays shut");

    let decision = daemon.records().await.decision(shown.decision.unwrap()).await.unwrap();
    let rules = std::fs::read_to_string(daemon.site.rules().join("60_money.rhai")).unwrap();
    let line = 1 + rules.lines().position(|line| line.contains("DEBT_ENTRY_BLOCKED")).unwrap();
    let origin = Origin::Rule { file: "60_money.rhai".into(), line: u16::try_from(line).unwrap() };
    assert_eq!(decision.verdict.reasons[0].origin, origin);

    let folder = daemon.site.path().to_str().unwrap();
    let id = decision.id.to_string();
    let json = program::run(["--json", "explain", folder, &id]);
    let mut json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let would_open = json.as_object_mut().unwrap().remove("would_open").unwrap();
    assert_eq!(json, serde_json::to_value(&decision).unwrap());
    assert_eq!(would_open["changes"][0]["change"], "pay", "{would_open}");
    assert_eq!(would_open["changes"][0]["amount"], 850, "what is above the 10.00 that may be owed");
    let words = program::text(&program::run(["explain", folder, &id]).stdout);
    let place = format!("60_money.rhai:{line}");
    for part in ["DEBT_ENTRY_BLOCKED", &place, "debt.entry_block_amount", "10,00", "site", "18,50"]
    {
        assert!(words.contains(part), "`{part}` is missing in:\n{words}");
    }
    assert!(words.contains("What would open it\n- Pay 8,50\u{a0}₾ of what is owed"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passage_not_made_rolls_back() {
    let guests = vec![Guest::paying(1, "20.00"), Guest::with_visits(2, 5)];
    let settings = r#"set("gate.passage_timeout", "PT1S", device("gate-1"));"#.to_owned();
    let daemon = Daemon::start(&Plan { guests, settings, ..Plan::default() }).await;
    let gate = daemon.gate("gate-1").await;
    let records = daemon.records().await;
    let paying = granted(&gate, Entry, &uid(1)).await;
    assert_eq!(records.wallet(1).await, (2000, 800), "reserved, not posted");
    assert_eq!(records.occupancy("hall").await, (0, 1));
    let counting = granted(&gate, Entry, &uid(2)).await;
    eventually("both passages are given up", async || {
        let noted = records.conditions().await.into_iter();
        let given_up: Vec<_> = noted
            .filter(|noted| noted.condition == Condition::PassageNotMade)
            .filter_map(|noted| noted.decision)
            .collect();
        (given_up == [paying, counting]).then_some(())
    })
    .await;
    assert_eq!(records.wallet(1).await, (2000, 0));
    assert_eq!(records.occupancy("hall").await, (0, 0));
    assert_eq!((records.visits_left(2).await, records.charges().await), (Some(5), 0));
    for card in [uid(1), uid(2)] {
        assert_eq!(records.whereabouts(&card).await, Whereabouts::default());
    }
    records.check_ledger().await;
    walk(&gate, Entry, &uid(1)).await;
    arrives(&records, &uid(1), &in_the_hall()).await;
    assert_eq!(records.wallet(1).await, (1200, 0), "nothing stands in the way of the next try");
}

const RACES: u32 = 20;

async fn two_gates_at_once(through: Through) {
    let guests = (1..=RACES).map(|number| Guest::paying(number, "50.00")).collect();
    let plan = Plan { gates: 2, guests, ..Plan::default() };
    let Some((daemon, _broker)) = site(through, plan).await else { return };
    let gates = [daemon.gate("gate-1").await, daemon.gate("gate-2").await];
    let mut random = fastrand::Rng::with_seed(4);
    for race in 1..=RACES {
        let card = uid(race);
        let skew = Duration::from_micros(random.u64(0..5000));
        let (first, second) = if random.bool() { (0, 1) } else { (1, 0) };
        let late = async {
            sleep(skew).await;
            told(&gates[second], Entry, &card).await
        };
        let (early, late) = tokio::join!(told(&gates[first], Entry, &card), late);
        let (won, lost, winner) = match early.outcome {
            Outcome::Grant => (early, late, first),
            _ => (late, early, second),
        };
        assert_eq!(won.outcome, Outcome::Grant, "race {race}");
        let refused = (Outcome::Deny, Some(Reason::PassagePending));
        assert_eq!((lost.outcome, lost.reason), refused, "race {race}, skew {skew:?}");
        gates[winner].pass(Entry, won.decision, None);
    }
    let records = daemon.records().await;
    let all_in = async || (records.charges().await == i64::from(RACES)).then_some(());
    eventually("everybody pays once", all_in).await;
    assert_eq!(records.occupancy("hall").await, (i64::from(RACES), 0));
    let opened: usize = gates.iter().map(|gate| gate.actuations().len()).sum();
    assert_eq!(opened, usize::try_from(RACES).unwrap());
    records.check_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_band_at_two_gates_at_once_gets_one_grant() {
    two_gates_at_once(Through::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_band_at_two_gates_at_once_gets_one_grant_through_mosquitto() {
    let name = "the_same_band_at_two_gates_at_once_gets_one_grant_through_mosquitto";
    two_gates_at_once(Through::Mosquitto(name)).await;
}
