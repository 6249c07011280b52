//! What the server remembers of a client, whether it is connected or away.

use std::{collections::HashMap, num::NonZeroU16, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{handle::Handle, message::Message, outbox::Outbox, rights::Who, routes::Wish};

/// A QoS 2 message of a client whose delivery to us is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It waits to be durable, and came by the connection of this number.
    Waits(u64),
    /// It is durable.
    Stored,
}

/// What is published when a client is lost.
#[derive(Clone, Debug)]
pub(crate) struct Will {
    pub(crate) message: Arc<Message>,
    pub(crate) delay: Duration,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client_id: Box<str>,
    pub(crate) who: Who,
    /// Whether it belongs to a device, or has spoken for one.
    pub(crate) known: bool,
    pub(crate) handle: Option<Arc<Handle>>,
    /// How long it waits for its client.
    pub(crate) expiry: Duration,
    /// Since when its client is away.
    pub(crate) away: Option<Instant>,
    pub(crate) filters: HashMap<Box<str>, Wish>,
    pub(crate) outbox: Outbox,
    pub(crate) received: HashMap<NonZeroU16, Received>,
    pub(crate) will: Option<Will>,
    /// When the will of a client that is away is published.
    pub(crate) will_due: Option<Instant>,
}

impl Session {
    pub(crate) fn new(client_id: &str, who: Who, outbox: Outbox) -> Self {
        Self {
            client_id: client_id.into(),
            known: who.is_known(),
            who,
            handle: None,
            expiry: Duration::ZERO,
            away: None,
            filters: HashMap::new(),
            outbox,
            received: HashMap::new(),
            will: None,
            will_due: None,
        }
    }

    /// Whether this connection is the session's.
    pub(crate) fn is_of(&self, number: u64) -> bool {
        self.handle.as_ref().is_some_and(|handle| handle.number == number)
    }

    /// Whether nobody will come for it any more.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.away.is_some_and(|since| since + self.expiry <= now)
    }
}
