//! The MQTT link against two brokers: the one inside the daemon and a real Mosquitto.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Mosquitto, Proxy, Site, device_event, gate, mqtt_site, open, read_of};
use devices::arrival::Arrival;
use domain::{
    event::{Direction::*, Happening},
    state::Input,
    time::Span,
    verdict::Outcome,
};
use tokio::time::sleep;

/// Somebody is let in, somebody else is not, and both are told.
async fn round_trip(mut site: Site, gate: &devices::twin::MqttGate) {
    let seq = gate.read(Entry, "04:a2:b3", Some(domain::time::Clock::now(&*site.clock)));
    let arrival = site.event().await;
    let event = device_event(&arrival).clone();
    assert_eq!((event.boot, event.seq), (7, seq));
    assert_eq!(event.happening, read_of("04A2B3", Entry));
    assert!(event.device_time.is_some());
    arrival.ack.done();
    let decision = site.grant("gate-1", Entry);
    let answer = gate.answer(Duration::from_secs(2)).await;
    assert_eq!(
        answer.open.map(|open| (open.decision, open.direction)),
        Some((Some(decision), Entry))
    );
    assert_eq!(answer.indicate.map(|shown| shown.outcome), Some(Outcome::Grant));

    gate.pass(Entry, Some(decision), None);
    let arrival = site.event().await;
    let made = Happening::PassageMade { direction: Entry, decision: Some(decision) };
    assert_eq!(device_event(&arrival).happening, made);
    arrival.ack.done();

    gate.read(Exit, "999", None);
    site.event().await.ack.done();
    let decision = site.refuse("gate-1", Exit);
    let answer = gate.answer(Duration::from_secs(2)).await;
    assert_eq!(answer.open, None);
    let shown = answer.indicate.unwrap();
    assert_eq!((shown.decision, shown.outcome), (Some(decision), Outcome::Deny));
    assert_eq!(gate.actuations().len(), 1);
    assert_eq!(gate.tally(), devices::twin::Tally::default());
    gate.stop().await;
    assert!(!site.presence("gate-1").await, "its last will");
    site.hub.stop().await;
}

#[tokio::test]
async fn people_are_let_in_and_refused_through_the_embedded_broker() {
    let site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    round_trip(site, &gate).await;
}

#[tokio::test]
async fn people_are_let_in_and_refused_through_mosquitto() {
    let Some(broker) = Mosquitto::start().await else { return };
    let site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    round_trip(site, &gate).await;
}

/// A gate that has said something and hears whether it is stored.
async fn said(site: &mut Site, gate: &devices::twin::MqttGate) -> Arrival {
    gate.pass(Entry, None, None);
    let arrival = site.event().await;
    sleep(Duration::from_millis(20)).await;
    assert_eq!(gate.unacknowledged(), 1, "nobody has stored it yet");
    arrival
}

async fn acknowledged(gate: &devices::twin::MqttGate) {
    let start = Instant::now();
    while gate.unacknowledged() > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "it is never acknowledged");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn the_embedded_broker_acknowledges_what_is_stored() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    site.hears_no_fire().await;
    said(&mut site, &gate).await.ack.done();
    acknowledged(&gate).await;
    assert!(site.event_within(Duration::from_millis(300)).await.is_none(), "once is enough");
    gate.stop().await;
    site.hub.stop().await;
}

#[tokio::test]
async fn while_nothing_is_stored_nothing_is_acknowledged_and_the_gate_obeys() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    let first = said(&mut site, &gate).await;
    let start = Instant::now();
    site.grant("gate-1", Exit);
    assert!(gate.answer(Duration::from_secs(2)).await.open.is_some());
    assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    for _ in 0..200 {
        gate.pass(Entry, None, None);
    }
    // A fire input passes all that waits before it, and is acknowledged when it is stored.
    gate.set_fire(true);
    let fire = loop {
        let arrival = site.emergency.recv().await.unwrap();
        if device_event(&arrival).happening == (Happening::FireInput { active: true }) {
            break arrival;
        }
        arrival.ack.done();
    };
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(site.hub.emergency().is_latched());
    sleep(Duration::from_millis(300)).await;
    assert_eq!(gate.unacknowledged(), 201, "time alone makes nothing durable");
    fire.ack.done();
    first.ack.done();
    for _ in 0..200 {
        site.event().await.ack.done();
    }
    acknowledged(&gate).await;
    gate.stop().await;
    site.hub.stop().await;
}

/// What was not acknowledged when the connection broke comes again; what was does not.
async fn comes_again(broker: std::net::SocketAddr) {
    let proxy = Proxy::to(broker).await;
    let mut site = Site::start(&mqtt_site(&proxy.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker, "gate-1", &site.clock).await;
    gate.read(Entry, "A1", None);
    site.event().await.ack.done();
    let kept = gate.read(Entry, "A2", None);
    let first = site.event().await;
    let late = gate.read(Entry, "A3", None);
    let second = site.event().await;
    sleep(Duration::from_millis(50)).await;
    proxy.cut();
    let again = site.event().await;
    assert_eq!(device_event(&again), &stamped(device_event(&again), device_event(&first)));
    assert_eq!(device_event(&again).seq, kept);
    again.ack.done();
    // Acknowledgements of the old connection go nowhere, and nowhere wrong.
    first.ack.done();
    let again = site.event().await;
    assert_eq!(device_event(&again).seq, late);
    again.ack.done();
    second.ack.done();
    sleep(Duration::from_millis(50)).await;
    proxy.cut();
    assert!(site.event_within(Duration::from_millis(900)).await.is_none(), "all was acknowledged");
    site.hub.stop().await;
}

/// `other` as it came with `event`.
fn stamped(
    event: &domain::event::DeviceEvent,
    other: &domain::event::DeviceEvent,
) -> domain::event::DeviceEvent {
    domain::event::DeviceEvent { received: event.received, transit: event.transit, ..other.clone() }
}

#[tokio::test]
async fn an_unacknowledged_message_comes_again_from_mosquitto() {
    let Some(broker) = Mosquitto::start().await else { return };
    comes_again(broker.address).await;
}

#[tokio::test]
async fn an_unacknowledged_message_comes_again_from_the_embedded_broker() {
    let host = Site::start(&mqtt_site("embedded", &[])).await;
    comes_again(host.hub.broker_address().unwrap()).await;
    host.hub.stop().await;
}

#[tokio::test]
async fn a_message_that_was_not_done_outlives_the_daemon() {
    let Some(broker) = Mosquitto::start().await else { return };
    let text = mqtt_site(&broker.address.to_string(), &["gate-1"]);
    let mut site = Site::start(&text).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    let seq = gate.pass(Exit, None, None);
    drop(site.event().await);
    site.hub.stop().await;
    let unheard = gate.pass(Exit, None, None);
    let mut site = Site::start(&text).await;
    for expected in [seq, unheard] {
        let arrival = site.event().await;
        assert_eq!(device_event(&arrival).seq, expected);
        arrival.ack.done();
    }
    site.hub.stop().await;
}

#[tokio::test]
async fn retained_commands_are_cleared_and_retained_events_are_none() {
    let Some(broker) = Mosquitto::start().await else { return };
    let clock = common::TestClock::new();
    let other = gate(broker.address, "other", &clock).await;
    let command = "homie/5/gate-1/gate/open/set";
    other.publish_raw(command, b"{}", true);
    let read = br#"{"v":1,"boot":1,"seq":1,"uid":"A1"}"#;
    other.publish_raw("homie/5/gate-1/reader-in/uid", read, true);
    sleep(Duration::from_millis(100)).await;
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let none = site.event_within(Duration::from_millis(300)).await;
    assert!(none.is_none(), "a retained read is no read: {none:?}");
    let gate = gate(broker.address, "gate-1", &clock).await;
    gate.read(Entry, "A2", None);
    site.event().await.ack.done();
    assert_eq!(gate.tally().retained, 0, "the retained command was cleared before the gate came");
    site.hub.stop().await;
}

#[tokio::test]
async fn only_the_daemon_commands_gates_at_the_embedded_broker() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    let thief = site.gate("thief").await;
    thief.publish_raw("homie/5/gate-1/gate/mode/set", b"panic", false);
    thief.publish_raw("kari/kari/canary", b"alive", false);
    gate.read(Entry, "A1", None);
    site.event().await.ack.done();
    site.grant("gate-1", Entry);
    assert!(gate.answer(Duration::from_secs(2)).await.open.is_some());
    assert!(!gate.is_released(), "the thief's command did not arrive");
    site.hub.stop().await;
}

#[tokio::test]
async fn a_stale_command_is_not_sent_neither_now_nor_after_an_outage() {
    let Some(mut broker) = Mosquitto::start().await else { return };
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    let decision = site.decision();
    let mut stale = site.command("gate-1", decision, open(Entry));
    stale.issued = stale.issued.plus(Span::millis(-5_001));
    assert!(!site.hub.send(stale));

    broker.kill();
    while site.hub.is_up() {
        sleep(Duration::from_millis(5)).await;
    }
    let waits = site.command("gate-1", decision, open(Entry));
    assert!(site.hub.send(waits), "it waits for the connection");
    site.clock.advance(Duration::from_secs(6));
    let fresh = site.decision();
    let open_fresh = site.command("gate-1", fresh, open(Exit));
    assert!(site.hub.send(open_fresh));
    broker.back().await;
    site.up().await;
    gate.online().await;
    for _ in 0..300 {
        // The gate comes back by itself; a command of ours may be there before it.
        if !gate.actuations().is_empty() {
            break;
        }
        let again = site.command("gate-1", fresh, open(Exit));
        site.hub.send(again);
        sleep(Duration::from_millis(20)).await;
    }
    let opened: Vec<_> = gate.actuations().iter().map(|it| it.open.direction).collect();
    assert!(!opened.is_empty() && opened.iter().all(|direction| *direction == Exit), "{opened:?}");
    site.hub.stop().await;
}

#[tokio::test]
async fn a_killed_broker_comes_back_and_nothing_that_a_gate_said_is_lost() {
    let Some(mut broker) = Mosquitto::start().await else { return };
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    assert!(site.presence("gate-1").await);
    broker.kill();
    let said = [gate.pass(Exit, None, None), gate.pass(Exit, None, None)];
    assert!(!site.presence("gate-1").await, "the link says so where no broker can");
    assert_eq!(gate.unacknowledged(), 2);
    broker.back().await;
    for expected in said {
        let arrival = site.event_within(Duration::from_secs(8)).await.expect("it is said again");
        assert_eq!((device_event(&arrival).boot, device_event(&arrival).seq), (7, expected));
        arrival.ack.done();
    }
    site.up().await;
    gate.read(Entry, "A1", None);
    site.event().await.ack.done();
    site.grant("gate-1", Entry);
    assert!(gate.answer(Duration::from_secs(2)).await.open.is_some());
    site.hub.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_the_link_lives_on() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    let reader = "homie/5/gate-1/reader-in/uid";
    let large = vec![b'x'; 5000];
    let cases: [(&str, &[u8], &str); 6] = [
        (reader, b"04A2B3", "invalid number"),
        (reader, b"{\"v\":1", "EOF"),
        (reader, b"\xff\x00", "expected value"),
        (reader, &large, "too many"),
        ("homie/5/gate-1/gate/passage", b"{}", "missing field"),
        ("homie/5/gate-1/gate/mode", b"party", "not known"),
    ];
    for (topic, payload, expected) in cases {
        gate.publish_raw(topic, payload, false);
        let arrival = site.event().await;
        let Input::Unreadable { device, why } = &arrival.input else { panic!("{arrival:?}") };
        assert_eq!(device.as_str(), "gate-1");
        assert!(why.contains(expected), "expected `{expected}` in: {why}");
        arrival.ack.done();
    }
    let good = br#"{"v":1,"boot":1,"seq":1,"uid":"A1"}"#;
    for quiet in ["homie/5/gate-1/$log", "homie/5/gate-9/$state", "elsewhere/x"] {
        gate.publish_raw(quiet, good, false);
    }
    let lost = [
        ("homie/5/gate-9/reader-in/uid", "gate-9", "no gate of this name"),
        ("homie/5/gate-1/reader/uid", "gate-1", "this topic is not read"),
    ];
    for (topic, of, expected) in lost {
        gate.publish_raw(topic, good, false);
        let arrival = site.event().await;
        let Input::Unreadable { device, why } = &arrival.input else { panic!("{arrival:?}") };
        assert_eq!(device.as_str(), of);
        assert!(why.starts_with(topic) && why.contains(expected), "{why}");
        arrival.ack.done();
    }
    // Too large for us; the broker is told so and keeps it, or cuts the sender off.
    gate.publish_raw(reader, &vec![b'x'; 15_000], false);
    let arrival = site.event().await;
    assert!(matches!(arrival.input, Input::Unreadable { .. }));
    arrival.ack.done();
    gate.read(Entry, "A1", None);
    let arrival = site.event().await;
    assert_eq!(device_event(&arrival).happening, read_of("A1", Entry));
    site.hub.stop().await;
}

#[tokio::test]
async fn a_message_of_a_mebibyte_poisons_nothing() {
    let Some(broker) = Mosquitto::start().await else { return };
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    for size in [20_000, 1 << 20] {
        gate.publish_raw("homie/5/gate-1/reader-in/uid", &vec![b'x'; size], false);
    }
    gate.read(Entry, "A1", None);
    let arrival = site.event().await;
    assert_eq!(device_event(&arrival).happening, read_of("A1", Entry));
    assert!(site.hub.is_up());
    site.hub.stop().await;
}

#[tokio::test]
async fn a_twin_misbehaves_on_command() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    site.hears_no_fire().await;
    gate.duplicate(true);
    let seq = gate.read(Entry, "A1", None);
    for _ in 0..2 {
        let arrival = site.event().await;
        assert_eq!(device_event(&arrival).seq, seq);
        arrival.ack.done();
    }
    gate.duplicate(false);
    gate.silent(true);
    let kept = gate.read(Entry, "A2", None);
    assert!(site.event_within(Duration::from_millis(100)).await.is_none());
    gate.silent(false);
    let arrival = site.event().await;
    assert_eq!(device_event(&arrival).seq, kept);
    arrival.ack.done();
    gate.slow(Duration::from_millis(150));
    let start = Instant::now();
    gate.read(Entry, "A3", None);
    site.event().await.ack.done();
    assert!(start.elapsed() >= Duration::from_millis(150));
    gate.slow(Duration::ZERO);

    let decision = site.decision();
    let command = site.command("gate-1", decision, open(Entry));
    let mut old = site.command("gate-1", decision, open(Exit));
    old.epoch -= 1;
    for command in [command.clone(), command, old] {
        assert!(site.hub.send(command));
    }
    site.refuse("gate-1", Entry);
    gate.answer(Duration::from_secs(2)).await;
    let tally = gate.tally();
    assert_eq!((tally.repeats, tally.old_epoch), (1, 1));
    assert_eq!(gate.actuations().len(), 1, "at most once");
    gate.drop_connection();
    assert!(!site.presence("gate-1").await, "its last will");
    assert!(site.presence("gate-1").await);
    site.hub.stop().await;
}

#[tokio::test]
async fn a_command_that_nobody_hears_or_that_waits_too_long_for_a_broker_has_failed() {
    let Some(mut broker) = Mosquitto::start().await else { return };
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let failed = |arrival: Arrival| match &device_event(&arrival).happening {
        Happening::CommandFailed(failed) => (**failed).clone(),
        other => panic!("{other:?}"),
    };
    // The link listens for retained commands itself until the first canary is back.
    let mut granted = Vec::new();
    let arrival = loop {
        granted.push(site.grant("gate-1", Entry));
        if let Some(arrival) = site.event_within(Duration::from_millis(200)).await {
            break arrival;
        }
        assert!(granted.len() < 60, "nobody listens, and nobody says so");
    };
    let failure = failed(arrival);
    assert!(failure.decision.is_some_and(|one| granted.contains(&one)), "{failure:?}");
    assert!(!failure.may_have_acted);
    assert!(failure.why.contains("nobody listens"), "{}", failure.why);
    broker.kill();
    let start = Instant::now();
    while site.hub.is_up() {
        assert!(start.elapsed() < Duration::from_secs(10), "the link ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One of the two connections may end a moment before the other.
    for round in 0.. {
        let waits = site.grant("gate-1", Exit);
        site.clock.advance(Duration::from_secs(6));
        // What nobody heard before may be told late.
        let failure = loop {
            let failure = failed(site.event().await);
            if failure.decision == Some(waits) {
                break failure;
            }
        };
        assert_eq!(failure.opens, Some(Exit));
        if failure.why.contains("within its time to live") {
            break;
        }
        assert!(failure.why.contains("connection broke") && round < 20, "{}", failure.why);
    }
    site.hub.stop().await;
}
