//! What a link hands over: an input, and the way to acknowledge it once it is durable.

use std::fmt;

use domain::state::Input;

use crate::queue::Sender;

/// The acknowledgement that a message waits for.
///
/// Dropping it sends nothing: the message comes again with the next connection. Our own server ends
/// the connection for it, once the loop takes others of it again and all of them are acknowledged.
pub struct Ack(Option<Box<dyn FnOnce() + Send>>);

impl Ack {
    /// For a message that nobody waits to see acknowledged.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls `send` when the message is done; it must not block.
    pub fn new(send: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(send)))
    }

    /// The message is durable. To be called after the commit, never before.
    pub fn done(self) {
        if let Some(send) = self.0 {
            send();
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Ack(waits)" } else { "Ack(none)" })
    }
}

/// One thing that a link has to say.
#[derive(Debug)]
pub struct Arrival {
    /// `Input::Device` or `Input::Unreadable`.
    pub input: Input,
    /// Done after the commit.
    pub ack: Ack,
}

/// The two doors into the loop. Both are bounded, and fair between devices.
#[derive(Clone, Debug)]
pub struct Inlets {
    /// Life-safety inputs; nothing else comes here, so nothing else can fill it.
    pub emergency: Sender,
    /// Everything else of gates.
    pub gates: Sender,
}
