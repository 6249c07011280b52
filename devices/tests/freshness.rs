//! What a link says of how long a message may have waited: at the door of our own, and behind a
//! broker. What becomes of it is a matter of the domain (`domain/tests/freshness.rs`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{Mosquitto, Proxy, Site, device_event, mqtt_site};
use domain::{event::Transit, time::Span};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, MqttOptions,
    mqttbytes::{
        QoS,
        v5::{Packet, PublishProperties},
    },
};
use tokio::time::{sleep, timeout};

const READER: &str = "homie/5/gate-1/reader-in/uid";
/// How old a request may be in these tests.
const MAX_AGE: Span = Span::seconds(10);

/// A client of version 5 of a library.
struct Reader {
    client: AsyncClient,
    seq: u64,
    polling: tokio::task::JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.polling.abort();
    }
}

async fn connected(events: &mut EventLoop) {
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events.poll().await.unwrap() {
            return;
        }
    }
}

impl Reader {
    async fn connect(broker: SocketAddr, clean: bool) -> Self {
        let mut options = MqttOptions::new("a-reader", broker.ip().to_string(), broker.port());
        options.set_clean_start(clean).set_session_expiry_interval(Some(60));
        let (client, mut events) = AsyncClient::new(options, 64);
        timeout(Duration::from_secs(5), connected(&mut events)).await.expect("it is let in");
        let polling = tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Self { client, seq: 0, polling }
    }

    /// Reads, with what the sender says of how long that is of use.
    async fn reads(&mut self, expiry: Option<u32>) {
        self.seq += 1;
        let said = format!(r#"{{"v":1,"boot":3,"seq":{},"uid":"A1"}}"#, self.seq);
        let known =
            PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        let sent =
            self.client.publish_with_properties(READER, QoS::AtLeastOnce, false, said, known);
        sent.await.unwrap();
    }
}

/// How the next read came.
async fn transit(site: &mut Site) -> Transit {
    let arrival = site.event().await;
    let transit = device_event(&arrival).transit;
    arrival.ack.done();
    transit
}

#[tokio::test]
async fn a_first_session_at_our_own_door_brings_nothing_old_and_one_after_a_break_may() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    let door = site.hub.broker_address().unwrap();
    let mut reader = Reader::connect(door, true).await;
    reader.reads(None).await;
    assert_eq!(transit(&mut site).await, Transit::Straight);
    // It leaves in order, with nothing left to say.
    reader.client.disconnect().await.unwrap();
    sleep(Duration::from_millis(300)).await;
    drop(reader);
    let mut reader = Reader::connect(door, true).await;
    reader.reads(None).await;
    assert_eq!(transit(&mut site).await, Transit::Straight);
    // Its connection breaks: what it said meanwhile it kept, and brings with a new session.
    drop(reader);
    sleep(Duration::from_millis(300)).await;
    let mut reader = Reader::connect(door, true).await;
    reader.reads(None).await;
    assert!(transit(&mut site).await.may_have_waited(MAX_AGE), "it had been cut off");
    drop(reader);
    let mut reader = Reader::connect(door, false).await;
    reader.reads(None).await;
    assert!(transit(&mut site).await.may_have_waited(MAX_AGE), "nobody knows since when it waits");
    // Its sender gave it as long as a request may be old: so it is no older.
    reader.reads(Some(10)).await;
    assert!(!transit(&mut site).await.may_have_waited(MAX_AGE));
    reader.reads(Some(3600)).await;
    assert!(transit(&mut site).await.may_have_waited(MAX_AGE), "an hour proves nothing");
    // The connection has been up for as long as a request may be old.
    sleep(Duration::from_millis(400)).await;
    reader.reads(None).await;
    let came = transit(&mut site).await;
    assert!(!came.may_have_waited(Span::millis(400)) && came.may_have_waited(MAX_AGE), "{came:?}");
    site.hub.stop().await;
}

#[tokio::test]
async fn what_is_said_again_at_our_own_door_may_be_old() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    let proxy = Proxy::to(site.hub.broker_address().unwrap()).await;
    let gate = common::gate(proxy.address, "gate-1", &site.clock).await;
    site.hears_no_fire().await;
    gate.pass(domain::event::Direction::Entry, None, None);
    // It is not durable when the connection breaks, and comes again with the next.
    drop(site.event().await);
    proxy.cut();
    let again = site.event().await;
    assert!(device_event(&again).transit.may_have_waited(MAX_AGE));
    site.hub.stop().await;
}

#[tokio::test]
async fn what_a_broker_kept_may_be_old_until_the_link_is_up_long_enough() {
    let Some(broker) = Mosquitto::start().await else { return };
    let mut site = Site::start(&mqtt_site(&broker.address.to_string(), &["gate-1"])).await;
    site.up().await;
    let mut reader = Reader::connect(broker.address, true).await;
    reader.reads(None).await;
    assert!(transit(&mut site).await.may_have_waited(MAX_AGE), "the link has just come up");
    reader.reads(Some(10)).await;
    assert!(!transit(&mut site).await.may_have_waited(MAX_AGE));
    // The clock of the daemon goes on, and so has the link been up.
    site.clock.advance(Duration::from_secs(10));
    reader.reads(None).await;
    assert!(!transit(&mut site).await.may_have_waited(MAX_AGE));
    site.hub.stop().await;
}
