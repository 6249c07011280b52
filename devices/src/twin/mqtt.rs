//! A gate that speaks our Homie profile: what people and tests do at it, and what they see of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    event::{Direction, GateMode},
    ids::{CommandId, DecisionId, DeviceId},
    reasons::Reason,
    time::{Clock, Timestamp},
    verdict::Outcome,
};
use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    TwinError,
    gate::{Gate, Told},
};
use crate::mqtt::topics;

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
    /// Why, where the display may show it.
    pub reason: Option<Reason>,
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
    /// Opening commands that it said it could not carry out.
    pub refused: u32,
}

/// A gate.
pub struct MqttGate {
    gate: Arc<Gate>,
    told: tokio::sync::Mutex<mpsc::Receiver<Told>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl MqttGate {
    /// Connects and says that it is ready.
    ///
    /// # Errors
    /// When there is no broker within 5 s.
    pub async fn connect(setup: GateSetup) -> Result<Self, TwinError> {
        let (telling, told) = mpsc::channel(1024);
        let id = setup.id.clone();
        let gate = Gate::new(setup, telling);
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

    /// Waits for the answer to the last read: the shown answer and, where it allows the passage,
    /// the opening command of the same decision. After `patience` whatever came is the answer.
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

    /// What it says went wrong with each opening command, instead of opening; `None` to obey
    /// again.
    pub fn refuse(&self, error: Option<&str>) {
        self.gate.lock().refuses = error.map(str::to_owned);
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

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
