//! What all connections of the server share. Only the server's own thread takes its locks, and
//! never across a wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    event::{Happening, Transit},
    state::Input,
};
use tokio::time::Instant;

use super::{
    board::Board,
    limits::{QUIET, RATE_IN_ALL, WAITING_BYTES_IN_ALL},
    message::Message,
    outbox::Pool,
    pins::carries_pin,
    registry::Registry,
    rights::Rights,
    routes::SessionKey,
    session::Will,
};
use crate::{
    arrival::{Ack, Arrival, Inlets},
    mqtt::gates::{Gates, Heard, Meaning},
    rate::Bucket,
};

/// A line about the same client and cause is not written again before this.
const SAID_AGAIN: Duration = Duration::from_secs(60);
/// Lines in that time, of all clients.
const REMEMBERED: usize = 64;

/// The middle of the server.
pub(crate) struct Exchange {
    board: Mutex<Board>,
    gates: Mutex<Gates>,
    registry: Mutex<Registry>,
    all: Mutex<Bucket>,
    said: Mutex<HashMap<(Box<str>, &'static str), Instant>>,
    /// What the loop listens to.
    pub(crate) inlets: Inlets,
    /// Who may do what.
    pub(crate) rights: Rights,
    /// Bytes of messages behind the shares of their clients.
    pub(crate) waiting: Arc<Pool>,
}

/// What a message of a client came to.
pub(crate) struct Published {
    /// What the loop is to hear.
    pub(crate) input: Option<Input>,
    /// Whether it was heard, though it is no news.
    pub(crate) heard: bool,
    /// Who else heard it.
    pub(crate) reached: usize,
    /// Whether it could not be retained as asked.
    pub(crate) refused: bool,
}

impl Exchange {
    pub(crate) fn new(gates: Gates, inlets: Inlets, rights: Rights, connections: usize) -> Self {
        let now = Instant::now();
        Self {
            board: Mutex::new(Board::new(rights.clone())),
            gates: Mutex::new(gates),
            registry: Mutex::new(Registry::new(connections)),
            all: Mutex::new(Bucket::new(RATE_IN_ALL, RATE_IN_ALL, now)),
            said: Mutex::new(HashMap::new()),
            inlets,
            rights,
            waiting: Pool::of(WAITING_BYTES_IN_ALL),
        }
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn gates(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a client that has sent `spent` messages in this second may send another.
    pub(crate) fn may_send(&self, spent: u32, now: Instant) -> bool {
        spent <= QUIET || self.all().has_some(now)
    }

    /// A client has sent `cost` messages.
    pub(crate) fn spend(&self, cost: u32) {
        self.all().take(cost);
    }

    fn all(&self) -> MutexGuard<'_, Bucket> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message is published: the loop's part of it, and everybody else's, unless these had it
    /// before. What carries a PIN is for the loop alone.
    pub(crate) fn publish(
        &self,
        message: &Arc<Message>,
        (from, again, transit): (SessionKey, bool, Transit),
    ) -> Published {
        // It comes now, whether it is also kept or not.
        let (topic, payload) = (&*message.topic, &*message.payload);
        let heard = Heard { topic, payload, retain: false, transit };
        let (input, heard) = match self.gates().message(&heard) {
            Meaning::Input(input) => (Some(input), true),
            Meaning::Heard => (None, true),
            Meaning::Nothing | Meaning::RetainedCommand => (None, false),
        };
        if again {
            return Published { input, heard, reached: 1, refused: false };
        }
        let secret = carries_pin(&message.topic, &message.payload);
        let mut board = self.board();
        let refused = message.retain && !secret && !board.retain(message, from);
        let reached = if secret { 0 } else { board.route(message, false) };
        Published { input, heard, reached, refused }
    }

    /// Wills are published like messages of their clients; nobody waits for an answer.
    pub(crate) fn publish_wills(&self, wills: Vec<Will>) {
        for will in wills {
            let from = will.message.from.unwrap_or_default();
            let said = (from, false, Transit::Straight);
            let Published { input, .. } = self.publish(&will.message, said);
            let Some(input) = input else { continue };
            let arrival = Arrival { input, ack: Ack::none() };
            let inlet =
                if is_fire(&arrival.input) { &self.inlets.emergency } else { &self.inlets.gates };
            if let Err(arrival) = inlet.put(arrival) {
                self.gates().not_taken(&arrival.input);
            }
        }
    }

    /// Writes a line about a client and a cause, at most once a minute.
    pub(crate) fn say(&self, client: &str, why: &'static str) {
        let now = Instant::now();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= REMEMBERED {
            said.retain(|_, at| *at + SAID_AGAIN > now);
        }
        let key = (Box::from(client), why);
        let again = said.get(&key).is_some_and(|at| *at + SAID_AGAIN > now);
        if again || said.len() >= REMEMBERED {
            return;
        }
        said.insert(key, now);
        drop(said);
        tracing::warn!(client, why, "an MQTT client is held back or was refused something");
    }
}

/// Whether an input concerns life safety.
pub(crate) const fn is_fire(input: &Input) -> bool {
    match input {
        Input::Device(event) => matches!(event.happening, Happening::FireInput { .. }),
        _ => false,
    }
}
