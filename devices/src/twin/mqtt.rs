//! A gate that speaks our Homie profile: a real MQTT client with the memory of a careful device.

use std::{
    collections::{HashSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    event::{Direction, GateMode},
    ids::{CommandId, DecisionId, DeviceId},
    reasons::Reason,
    time::{Clock, Span, Timestamp},
    verdict::Outcome,
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
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    TwinError,
    outbox::{Event, Outbox},
};
use crate::{
    backoff::{Backoff, seed},
    mqtt::{
        encode::{Indicate, Open},
        topics,
    },
};

/// Commands and actuations that a twin remembers.
const REMEMBERED: usize = 10_000;
const QUEUE: usize = 8192;
/// When an event is said again that nobody listened to.
const SAID_AGAIN: Duration = Duration::from_millis(300);
/// A request is of no use after this.
const REQUEST_SECONDS: u32 = 10;

/// Where a gate stands.
pub struct GateSetup {
    /// The broker.
    pub broker: SocketAddr,
    /// Its id.
    pub id: DeviceId,
    /// Its boot count.
    pub boot: u64,
    /// Its clock, by which it judges whether a command is still fresh.
    pub clock: Arc<dyn Clock>,
}

/// An opening command that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSeen {
    /// Its id.
    pub command: CommandId,
    /// The decision behind it.
    pub decision: Option<DecisionId>,
    /// Which way.
    pub direction: Direction,
    /// When it came, on the monotonic clock.
    pub came: Instant,
}

/// An answer that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndicateSeen {
    /// The decision behind it.
    pub decision: Option<DecisionId>,
    /// Which way.
    pub direction: Direction,
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// When it came, on the monotonic clock.
    pub came: Instant,
}

/// What came in answer to a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The opening command, if one came.
    pub open: Option<OpenSeen>,
    /// The shown answer, if one came.
    pub indicate: Option<IndicateSeen>,
}

/// One time that the gate was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actuation {
    /// By the gate's clock.
    pub at: Timestamp,
    /// What opened it.
    pub open: OpenSeen,
}

/// What a gate ignored, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The same command id again.
    pub repeats: u32,
    /// Retained commands.
    pub retained: u32,
    /// Commands whose time was over.
    pub expired: u32,
    /// Commands of an earlier epoch.
    pub old_epoch: u32,
    /// What could not be read.
    pub unreadable: u32,
}

/// A gate.
pub struct MqttGate {
    gate: Arc<Gate>,
    told: tokio::sync::Mutex<mpsc::Receiver<Told>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone, Copy)]
enum Told {
    Open(OpenSeen),
    Indicate(IndicateSeen),
}

struct Gate {
    setup: GateSetup,
    telling: mpsc::Sender<Told>,
    inner: Mutex<Inner>,
}

struct Inner {
    client: Option<AsyncClient>,
    /// Cancelled to cut this connection.
    connection: CancellationToken,
    outbox: Outbox,
    seq: u64,
    fire: bool,
    mode: &'static str,
    epoch: u64,
    commands: VecDeque<CommandId>,
    known: HashSet<CommandId>,
    actuations: VecDeque<Actuation>,
    tally: Tally,
    duplicate: bool,
    silent: bool,
    slow: Duration,
}

impl MqttGate {
    /// Connects and says that it is ready.
    ///
    /// # Errors
    /// When there is no broker within 5 s.
    pub async fn connect(setup: GateSetup) -> Result<Self, TwinError> {
        let (telling, told) = mpsc::channel(1024);
        let id = setup.id.clone();
        let gate = Arc::new(Gate { setup, telling, inner: Mutex::new(Inner::new()) });
        let stop = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&gate).run(stop.clone()));
        let twin =
            Self { gate, told: tokio::sync::Mutex::new(told), stop, task: Mutex::new(Some(task)) };
        if timeout(Duration::from_secs(5), twin.online()).await.is_err() {
            twin.stop().await;
            return Err(TwinError::Broker(id));
        }
        Ok(twin)
    }

    /// Waits until there is a connection.
    pub async fn online(&self) {
        while self.gate.lock().client.is_none() {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &DeviceId {
        &self.gate.setup.id
    }

    /// Somebody holds a credential to the reader of this side; the event's sequence number.
    pub fn read(&self, direction: Direction, uid: &str, at: Option<Timestamp>) -> u64 {
        #[derive(Serialize)]
        struct Read<'a> {
            v: u32,
            boot: u64,
            seq: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            t: Option<i64>,
            uid: &'a str,
        }
        let boot = self.gate.setup.boot;
        let t = at.map(Timestamp::millis);
        self.gate.say(topics::reader(direction), Some(REQUEST_SECONDS), |seq| {
            to_json(&Read { v: 1, boot, seq, t, uid })
        })
    }

    /// Somebody goes through; the event's sequence number.
    pub fn pass(
        &self,
        direction: Direction,
        decision: Option<DecisionId>,
        at: Option<Timestamp>,
    ) -> u64 {
        self.passage("made", direction, decision, at)
    }

    /// The grant is withdrawn before anybody passed; the event's sequence number.
    pub fn abort(
        &self,
        direction: Direction,
        decision: Option<DecisionId>,
        at: Option<Timestamp>,
    ) -> u64 {
        self.passage("aborted", direction, decision, at)
    }

    fn passage(
        &self,
        kind: &'static str,
        direction: Direction,
        decision: Option<DecisionId>,
        at: Option<Timestamp>,
    ) -> u64 {
        #[derive(Serialize)]
        struct Passage {
            v: u32,
            boot: u64,
            seq: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            t: Option<i64>,
            direction: Direction,
            #[serde(skip_serializing_if = "Option::is_none")]
            decision: Option<DecisionId>,
            kind: &'static str,
        }
        let boot = self.gate.setup.boot;
        let t = at.map(Timestamp::millis);
        self.gate.say("gate/passage", None, |seq| {
            to_json(&Passage { v: 1, boot, seq, t, direction, decision, kind })
        })
    }

    /// Waits for the answer to the last read: the shown answer and, where it allows the passage, the
    /// opening command of the same decision. After `patience` whatever came is the answer.
    pub async fn answer(&self, patience: Duration) -> Answer {
        let mut told = self.told.lock().await;
        let mut answer = Answer::default();
        let waiting = async {
            while let Some(news) = told.recv().await {
                match news {
                    Told::Open(open) => answer.open = Some(open),
                    Told::Indicate(indicate) => answer.indicate = Some(indicate),
                }
                if answer.is_whole() {
                    return;
                }
            }
        };
        // Silence is an answer too: an incomplete one.
        let whole = timeout(patience, waiting).await.is_ok();
        tracing::trace!(whole, "answered");
        answer
    }

    /// Forgets answers that came and were not asked for.
    pub async fn forget_answers(&self) {
        let mut told = self.told.lock().await;
        while told.try_recv().is_ok() {}
    }

    /// The life-safety input follows the fire panel.
    pub fn set_fire(&self, active: bool) {
        self.gate.lock().fire = active;
        self.gate.state("safety/fire", if active { "true" } else { "false" });
    }

    /// The mode that the gate reports.
    pub fn set_mode(&self, mode: GateMode) {
        let name = match mode {
            GateMode::Free => "free",
            GateMode::Controlled => "controlled",
            GateMode::Locked => "locked",
            GateMode::OutOfService => "out_of_service",
        };
        self.gate.lock().mode = name;
        self.gate.state("gate/mode", name);
    }

    /// Reports a property of its health: `tamper`, `battery` or `power`.
    pub fn set_health(&self, property: &str, value: &str) {
        self.gate.state(&format!("health/{property}"), value);
    }

    /// Publishes anything on one of its own topics, as a broken or hostile device would.
    pub fn publish_raw(&self, topic: &str, payload: &[u8], retain: bool) {
        self.gate.publish(topic, payload.to_vec(), retain, None, None);
    }

    /// Whether it sends every event twice.
    pub fn duplicate(&self, on: bool) {
        self.gate.lock().duplicate = on;
    }

    /// Whether it says nothing and obeys nothing, with its connection alive. What it had to say is
    /// said when this ends.
    pub fn silent(&self, on: bool) {
        let again = {
            let mut inner = self.gate.lock();
            inner.silent = on;
            if on { Vec::new() } else { inner.outbox.reconnected() }
        };
        for event in &again {
            self.gate.emit(event);
        }
    }

    /// How long it takes before it says or obeys anything.
    pub fn slow(&self, delay: Duration) {
        self.gate.lock().slow = delay;
    }

    /// Loses its connection without a word, and comes back by itself.
    pub fn drop_connection(&self) {
        let connection = self.gate.lock().connection.clone();
        connection.cancel();
    }

    /// Whether it is released in an emergency.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.gate.lock().mode == "panic"
    }

    /// Every time that it was opened, oldest first; the last 10,000.
    #[must_use]
    pub fn actuations(&self) -> Vec<Actuation> {
        self.gate.lock().actuations.iter().copied().collect()
    }

    /// What it ignored.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.gate.lock().tally
    }

    /// Events that nobody has acknowledged yet.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.gate.lock().outbox.len()
    }

    /// Switches it off; its last will says that it is lost.
    pub async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("a twin had failed");
        }
    }
}

impl Drop for MqttGate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Answer {
    fn is_whole(&self) -> bool {
        self.indicate.is_some_and(|shown| {
            !shown.outcome.opens() || self.open.is_some_and(|open| open.decision == shown.decision)
        })
    }
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
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topic(&self, rest: &str) -> String {
        topics::of(&self.setup.id, rest)
    }

    /// Keeps an event and sends it.
    fn say(
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

    fn emit(&self, event: &Event) {
        let payload = event.payload.clone().into_bytes();
        self.publish(&event.topic, payload, false, event.expiry, Some(event.seq));
    }

    fn state(&self, rest: &str, value: &str) {
        self.publish(&self.topic(rest), value.as_bytes().to_vec(), true, None, None);
    }

    fn publish(
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

    async fn run(self: Arc<Self>, stop: CancellationToken) {
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
        let description = format!(
            r#"{{"homie":"5.0","version":1,"name":"{}","nodes":{{"reader-in":{{}},"reader-out":{{}},"gate":{{}},"safety":{{}},"health":{{}}}}}}"#,
            self.setup.id
        );
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

    fn obey(&self, publish: &Publish) {
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

    fn read_command<T: DeserializeOwned>(&self, payload: &[u8], then: impl FnOnce(&Self, T)) {
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

    fn open(&self, open: Open) {
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
        let (command, decision) = (open.cmd_id, open.decision);
        let seen = OpenSeen { command, decision, direction: open.direction, came };
        if inner.actuations.len() >= REMEMBERED {
            inner.actuations.pop_front();
        }
        inner.actuations.push_back(Actuation { at: self.setup.clock.now(), open: seen });
        drop(inner);
        self.tell(Told::Open(seen));
    }

    fn indicate(&self, shown: Indicate) {
        let came = Instant::now();
        let mut inner = self.lock();
        if !self.is_live(&mut inner, shown.cmd_id, shown.issued, shown.ttl_ms) {
            return;
        }
        drop(inner);
        self.tell(Told::Indicate(IndicateSeen {
            decision: shown.decision,
            direction: shown.direction,
            outcome: shown.outcome,
            reason: shown.reason,
            came,
        }));
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
            .set_outgoing_inflight_upper_limit(256)
            .set_last_will(will);
        options
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
