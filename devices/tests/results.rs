//! What devices say of commands: an opening that they refuse is tried again, and then has failed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Mosquitto, Site, device_event, gate, mqtt_site, open};
use domain::{
    event::{Direction::Entry, Happening},
    time::Span,
};
use tokio::time::sleep;

#[tokio::test]
async fn a_gate_says_that_it_could_not_open() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    gate.refuse(Some("motor blocked"));
    let decision = site.grant("gate-1", Entry);
    let start = Instant::now();
    let arrival = site.event().await;
    assert!(start.elapsed() < Duration::from_secs(1), "the desk hears within a second");
    assert_eq!(gate.tally().refused, 3, "it was tried twice more");
    let event = device_event(&arrival);
    let Happening::CommandFailed(failed) = &event.happening else { panic!("{event:?}") };
    assert_eq!((failed.decision, failed.opens), (Some(decision), Some(Entry)));
    assert!(failed.reported && !failed.may_have_acted && event.happening.is_counted());
    assert!(failed.why.contains("motor blocked"), "{}", failed.why);
    assert_eq!((event.boot, gate.actuations().len()), (7, 0));
    arrival.ack.done();
    gate.refuse(None);
    site.grant("gate-1", Entry);
    assert!(gate.answer(Duration::from_secs(2)).await.open.is_some());
    site.hub.stop().await;
}

/// A gate that refuses an opening and opens when it is asked again.
async fn a_refused_opening_is_tried_again(mut site: Site, gate: devices::twin::MqttGate) {
    gate.refuse(Some("motor hot"));
    let decision = site.grant("gate-1", Entry);
    let start = Instant::now();
    while gate.tally().refused == 0 {
        assert!(start.elapsed() < Duration::from_secs(3), "it is asked");
        sleep(Duration::from_millis(1)).await;
    }
    gate.refuse(None);
    let answer = gate.answer(Duration::from_secs(2)).await;
    assert_eq!(answer.open.and_then(|open| open.decision), Some(decision));
    assert_eq!((gate.actuations().len(), gate.tally().repeats), (1, 0));
    assert!(site.event_within(Duration::from_millis(900)).await.is_none(), "nothing has failed");
    assert_eq!(gate.actuations().len(), 1, "once");
    // A command whose time is over is not tried again.
    gate.refuse(Some("motor hot"));
    let mut late = site.command("gate-1", decision, open(Entry));
    late.ttl = Span::millis(200);
    assert!(site.hub.send(late));
    let arrival = site.event().await;
    assert!(matches!(device_event(&arrival).happening, Happening::CommandFailed(_)));
    let refused = gate.tally().refused;
    assert!(refused < 1 + 3, "{refused}");
    site.hub.stop().await;
}

#[tokio::test]
async fn a_refused_opening_is_tried_again_by_the_server() {
    let site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    site.up().await;
    let gate = site.gate("gate-1").await;
    a_refused_opening_is_tried_again(site, gate).await;
}

#[tokio::test]
async fn a_refused_opening_is_tried_again_through_mosquitto() {
    let Some(broker) = Mosquitto::start().await else { return };
    let site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let gate = gate(broker.address, "gate-1", &site.clock).await;
    a_refused_opening_is_tried_again(site, gate).await;
}
