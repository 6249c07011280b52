//! The broker killed and back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use devices::twin::MqttGate;
use domain::event::Direction::{Entry, Exit};
use tests::{
    daemon::eventually,
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

use crate::{Through, granted, site};

const OUTAGES: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_killed_and_back() {
    let guests = (1..=20).map(|number| Guest::paying(number, "50.00")).collect();
    let settings = r#"set("gate.passage_timeout", "PT1S", device("gate-2"));"#.to_owned();
    let plan = Plan { gates: 2, guests, settings, ..Plan::default() };
    let through = Through::Mosquitto("the_broker_killed_and_back");
    let Some((mut daemon, Some(mut broker))) = site(through, plan).await else { return };
    let (quiet, busy) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    let (over, walks) = (AtomicBool::new(false), AtomicU32::new(0));
    let outages = async {
        for outage in 1..=OUTAGES {
            // One is granted before the outage and goes through in it, one comes in it.
            let (before, amid) = (uid(outage * 2), uid(outage * 2 + 1));
            let decision = granted(&quiet, Entry, &before).await;
            quiet.forget_answers().await;
            broker.kill();
            quiet.pass(Entry, Some(decision), None);
            quiet.read(Entry, &amid, None);
            sleep(Duration::from_millis(100)).await;
            broker.restart();
            let answer = quiet.answer(Duration::from_secs(10)).await;
            let open = answer.open.expect("an unanswered read is said again");
            quiet.pass(Entry, open.decision, None);
            let before = walks.load(Ordering::Acquire);
            let more = async || (walks.load(Ordering::Acquire) > before).then_some(());
            eventually("people go through the other gate again", more).await;
        }
        over.store(true, Ordering::Release);
    };
    tokio::join!(crowd(&busy, &over, &walks), outages);
    let records = daemon.records().await;
    let wallets = (2..2 + OUTAGES * 2).map(|number| (number, (4200, 0)));
    for (number, paid_once) in wallets.clone() {
        let booked = async || (records.wallet(number).await == paid_once).then_some(());
        eventually("what was said in an outage is booked", booked).await;
    }
    // What a gate says again after a reconnect comes soon.
    sleep(Duration::from_millis(400)).await;
    for (number, paid_once) in wallets {
        assert_eq!(records.wallet(number).await, paid_once, "of {number}");
    }
    let passages = records.passages().await;
    let once: BTreeSet<_> = passages.iter().collect();
    assert_eq!(once.len(), passages.len(), "{passages:?}");
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
}

/// One person goes in and out until it is over. What the broker had taken over and not yet
/// delivered when it was killed is gone with it, and is said anew.
async fn crowd(gate: &MqttGate, over: &AtomicBool, walks: &AtomicU32) {
    let mut inside = false;
    while !over.load(Ordering::Acquire) {
        let direction = if inside { Exit } else { Entry };
        gate.read(direction, &uid(20), None);
        let answer = gate.answer(Duration::from_millis(700)).await;
        if let Some(open) = answer.open {
            gate.pass(open.direction, open.decision, None);
            walks.fetch_add(1, Ordering::AcqRel);
        }
        inside = answer.open.map_or(!inside, |open| open.direction == Entry);
        sleep(Duration::from_millis(10)).await;
    }
}
