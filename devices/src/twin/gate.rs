//! The inside of the MQTT twin: its connection, its memory, and how it obeys.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    ids::CommandId,
    time::{Span, Timestamp},
};
use rumqttc::{
    NetworkOptions, Outgoing,
    v5::{
        AsyncClient, Event as Polled, EventLoop, MqttOptions,
        mqttbytes::{
            QoS,
            v5::{Filter, LastWill, Packet, PubAck, PubAckReason, Publish, PublishProperties},
        },
    },
};
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    mqtt::{Actuation, GateSetup, IndicateSeen, OpenSeen, Tally},
    outbox::{Event, Outbox},
};
use crate::{
    backoff::{Backoff, seed},
    mqtt::{
        encode::{Indicate, Open, Shown},
        topics,
    },
};

/// Commands and actuations that a twin remembers.
const REMEMBERED: usize = 10_000;
const QUEUE: usize = 8192;
/// When an event is said again that nobody listened to.
const SAID_AGAIN: Duration = Duration::from_millis(300);

/// What came for whoever waits for an answer.
#[derive(Clone, Copy)]
pub(super) enum Told {
    Open(OpenSeen),
    Indicate(IndicateSeen),
}

/// A gate, shared by its task and its handle.
pub(super) struct Gate {
    pub(super) setup: GateSetup,
    telling: mpsc::Sender<Told>,
    inner: Mutex<Inner>,
}

/// What changes.
pub(super) struct Inner {
    pub(super) client: Option<AsyncClient>,
    /// Cancelled to cut this connection.
    pub(super) connection: CancellationToken,
    pub(super) outbox: Outbox,
    pub(super) seq: u64,
    pub(super) fire: bool,
    pub(super) mode: &'static str,
    pub(super) epoch: u64,
    pub(super) commands: VecDeque<CommandId>,
    pub(super) known: HashSet<CommandId>,
    pub(super) actuations: VecDeque<Actuation>,
    pub(super) tally: Tally,
    pub(super) duplicate: bool,
    pub(super) silent: bool,
    /// What it says went wrong with each opening command, instead of opening.
    pub(super) refuses: Option<String>,
    pub(super) slow: Duration,
}

impl Inner {
    fn new() -> Self {
        Self {
            client: None,
            connection: CancellationToken::new(),
            outbox: Outbox::default(),
            seq: 0,
            fire: false,
            mode: "controlled",
            epoch: 0,
            commands: VecDeque::new(),
            known: HashSet::new(),
            actuations: VecDeque::new(),
            tally: Tally::default(),
            duplicate: false,
            silent: false,
            refuses: None,
            slow: Duration::ZERO,
        }
    }

    /// Whether this command is new; remembers it.
    fn is_first(&mut self, command: CommandId) -> bool {
        if !self.known.insert(command) {
            return false;
        }
        self.commands.push_back(command);
        if self.commands.len() > REMEMBERED
            && let Some(oldest) = self.commands.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Gate {
    /// A gate that is not connected yet; what comes for it is told to `telling`.
    pub(super) fn new(setup: GateSetup, telling: mpsc::Sender<Told>) -> Arc<Self> {
        Arc::new(Self { setup, telling, inner: Mutex::new(Inner::new()) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topic(&self, rest: &str) -> String {
        topics::of(&self.setup.id, rest)
    }

    /// Keeps an event and sends it.
    pub(super) fn say(
        self: &Arc<Self>,
        rest: &str,
        expiry: Option<u32>,
        payload: impl FnOnce(u64) -> String,
    ) -> u64 {
        let mut inner = self.lock();
        inner.seq += 1;
        let seq = inner.seq;
        let event = Event { seq, topic: self.topic(rest), payload: payload(seq), expiry };
        inner.outbox.keep(event.clone());
        let (slow, duplicate) = (inner.slow, inner.duplicate);
        drop(inner);
        if slow.is_zero() {
            self.emit(&event);
        } else {
            let (gate, event) = (Arc::clone(self), event.clone());
            tokio::spawn(async move {
                sleep(slow).await;
                gate.emit(&event);
            });
        }
        if duplicate {
            self.emit(&event);
        }
        seq
    }

    pub(super) fn emit(&self, event: &Event) {
        let payload = event.payload.clone().into_bytes();
        self.publish(&event.topic, payload, false, event.expiry, Some(event.seq));
    }

    pub(super) fn state(&self, rest: &str, value: &str) {
        self.publish(&self.topic(rest), value.as_bytes().to_vec(), true, None, None);
    }

    pub(super) fn publish(
        &self,
        topic: &str,
        payload: Vec<u8>,
        retain: bool,
        expiry: Option<u32>,
        seq: Option<u64>,
    ) {
        let mut inner = self.lock();
        if inner.silent {
            return;
        }
        let Some(client) = &inner.client else { return };
        let properties =
            PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        let sent = client.try_publish_with_properties(
            topic,
            QoS::AtLeastOnce,
            retain,
            payload,
            properties,
        );
        if sent.is_ok() {
            inner.outbox.queued(seq);
        }
    }

    /// Connects again and again until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut backoff = Backoff::new(seed(self.setup.id.as_str(), self.setup.boot));
        while !stop.is_cancelled() {
            let connection = stop.child_token();
            if connection.run_until_cancelled(self.connection(&connection)).await == Some(true) {
                backoff.reset();
            }
            self.lock().client = None;
            if stop.run_until_cancelled(sleep(backoff.next())).await.is_none() {
                return;
            }
        }
    }

    /// One connection, to its end; whether there was one.
    async fn connection(self: &Arc<Self>, connection: &CancellationToken) -> bool {
        let (client, mut events) = AsyncClient::new(self.options(), QUEUE);
        loop {
            match events.poll().await {
                Ok(Polled::Incoming(Packet::ConnAck(_))) => break,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        self.introduce(client, connection.clone());
        self.obey_until_the_end(&mut events).await;
        true
    }

    fn introduce(&self, client: AsyncClient, connection: CancellationToken) {
        let filter = Filter::new(self.topic("gate/+/set"), QoS::AtLeastOnce);
        if client.try_subscribe_many([filter]).is_err() {
            return;
        }
        let (again, fire, mode) = {
            let mut inner = self.lock();
            inner.client = Some(client);
            inner.connection = connection;
            (inner.outbox.reconnected(), inner.fire, inner.mode)
        };
        let nodes = ["reader-in", "reader-out", "gate", "safety", "health"];
        let nodes = nodes.map(|node| format!(r#""{node}":{{}}"#)).join(",");
        let id = &self.setup.id;
        let description =
            format!(r#"{{"homie":"5.0","version":1,"name":"{id}","nodes":{{{nodes}}}}}"#);
        self.state("$description", &description);
        self.state("gate/mode", mode);
        self.state("safety/fire", if fire { "true" } else { "false" });
        self.state("$state", "ready");
        for event in &again {
            self.emit(event);
        }
    }

    async fn obey_until_the_end(self: &Arc<Self>, events: &mut EventLoop) {
        while let Ok(event) = events.poll().await {
            match event {
                Polled::Outgoing(Outgoing::Publish(id)) if id > 0 => self.lock().outbox.sent(id),
                Polled::Outgoing(Outgoing::AwaitAck(id)) => self.lock().outbox.held_back(id),
                Polled::Incoming(Packet::PubAck(ack)) => self.acknowledged(&ack),
                Polled::Incoming(Packet::Publish(publish)) => {
                    let slow = self.lock().slow;
                    if slow.is_zero() {
                        self.obey(&publish);
                    } else {
                        let gate = Arc::clone(self);
                        tokio::spawn(async move {
                            sleep(slow).await;
                            gate.obey(&publish);
                        });
                    }
                }
                _ => {}
            }
        }
    }

    fn acknowledged(self: &Arc<Self>, ack: &PubAck) {
        if ack.reason != PubAckReason::NoMatchingSubscribers {
            self.lock().outbox.acknowledged(ack.pkid);
            return;
        }
        let Some(event) = self.lock().outbox.unheard(ack.pkid) else { return };
        let gate = Arc::clone(self);
        tokio::spawn(async move {
            sleep(SAID_AGAIN).await;
            gate.emit(&event);
        });
    }

    fn obey(self: &Arc<Self>, publish: &Publish) {
        if publish.payload.is_empty() || self.lock().silent {
            return;
        }
        if publish.retain {
            self.lock().tally.retained += 1;
            return;
        }
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        if topic.ends_with(topics::OPEN) {
            self.read_command(&publish.payload, Self::open);
        } else if topic.ends_with(topics::INDICATE) {
            self.read_command(&publish.payload, Self::indicate);
        } else if topic.ends_with(topics::MODE) {
            let mode = if publish.payload == b"panic".as_slice() { "panic" } else { "controlled" };
            self.lock().mode = mode;
            self.state("gate/mode", mode);
        }
    }

    fn read_command<T: DeserializeOwned>(
        self: &Arc<Self>,
        payload: &[u8],
        then: impl FnOnce(&Arc<Self>, T),
    ) {
        match serde_json::from_slice(payload) {
            Ok(command) => then(self, command),
            Err(_) => self.lock().tally.unreadable += 1,
        }
    }

    /// Whether a command may still take effect.
    fn is_live(&self, inner: &mut Inner, id: CommandId, issued: i64, ttl_ms: i64) -> bool {
        let end = Timestamp::from_millis(issued).plus(Span::millis(ttl_ms));
        if self.setup.clock.now() > end {
            inner.tally.expired += 1;
            return false;
        }
        let first = inner.is_first(id);
        inner.tally.repeats += u32::from(!first);
        first
    }

    fn open(self: &Arc<Self>, open: Open) {
        let came = Instant::now();
        let mut inner = self.lock();
        if open.epoch < inner.epoch {
            inner.tally.old_epoch += 1;
            return;
        }
        if !self.is_live(&mut inner, open.cmd_id, open.issued, open.ttl_ms) {
            return;
        }
        inner.epoch = open.epoch;
        if let Some(error) = inner.refuses.clone() {
            inner.tally.refused += 1;
            drop(inner);
            let (boot, id) = (self.setup.boot, open.cmd_id);
            self.say(topics::RESULT, None, |seq| {
                let result = serde_json::json!({
                    "v": 1, "boot": boot, "seq": seq, "cmd_id": id, "error": error,
                });
                result.to_string()
            });
            return;
        }
        let (command, decision) = (open.cmd_id, open.decision);
        let seen = OpenSeen { command, decision, direction: open.direction, came };
        if inner.actuations.len() >= REMEMBERED {
            inner.actuations.pop_front();
        }
        inner.actuations.push_back(Actuation { at: self.setup.clock.now(), open: seen });
        drop(inner);
        self.tell(Told::Open(seen));
    }

    fn indicate(self: &Arc<Self>, shown: Indicate) {
        let came = Instant::now();
        let mut inner = self.lock();
        if !self.is_live(&mut inner, shown.cmd_id, shown.issued, shown.ttl_ms) {
            return;
        }
        drop(inner);
        let decision = shown.decision;
        let direction = shown.direction;
        // Whoever waits is told later what was decided.
        if let Shown::Decided(outcome) = shown.outcome {
            let reason = shown.reason;
            let seen = IndicateSeen { decision, direction, outcome, reason, came };
            self.tell(Told::Indicate(seen));
        }
    }

    fn tell(&self, told: Told) {
        if self.telling.try_send(told).is_err() {
            tracing::debug!(gate = %self.setup.id, "nobody asks for the answers of this twin");
        }
    }

    fn options(&self) -> MqttOptions {
        let id = &self.setup.id;
        let (host, port) = (self.setup.broker.ip().to_string(), self.setup.broker.port());
        let mut options = MqttOptions::new(id.as_str(), host, port);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        let will = LastWill::new(self.topic("$state"), "lost", QoS::AtLeastOnce, true, None);
        options
            .set_network_options(network)
            .set_keep_alive(Duration::from_secs(10))
            .set_clean_start(false)
            .set_session_expiry_interval(Some(60))
            .set_max_packet_size(Some(16 * 1024))
            .set_outgoing_inflight_upper_limit(1000)
            .set_last_will(will);
        options
    }
}
