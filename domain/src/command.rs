//! What we tell devices. Commands are imperatives, carry an expiry, and are never retained.

use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    ids::{CommandId, DecisionId, DeviceId, LockerId},
    money::Money,
    reasons::Reason,
    time::{Span, Timestamp},
    verdict::Outcome,
};

/// How long a command may take effect after it was issued (our choice: 5 s).
pub const COMMAND_TTL: Span = Span::seconds(5);

/// One command to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its own id; a device that drops repeats drops them by this.
    pub id: CommandId,
    /// Who shall act.
    pub device: DeviceId,
    /// The decision behind it.
    pub decision: Option<DecisionId>,
    /// When it was made.
    pub issued: Timestamp,
    /// After `issued + ttl` it must not take effect any more.
    pub ttl: Span,
    /// The daemon's epoch: a restart or a restore voids older commands.
    pub epoch: u64,
    /// What to do.
    pub action: Action,
}

impl Command {
    /// Whether the command may still take effect at `now`; the last instant is included.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now <= self.issued.plus(self.ttl)
    }
}

/// A command that took no effect, or of which nobody knows whether it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandFailed {
    /// Which command.
    pub command: CommandId,
    /// The decision behind it, where the link still knows it.
    pub decision: Option<DecisionId>,
    /// The way that it would have opened, if it opens one.
    pub opens: Option<Direction>,
    /// What was to be done, at which point, and what went wrong.
    pub why: String,
    /// Whether the device may have obeyed all the same.
    pub may_have_acted: bool,
    /// Whether the device said so itself, in a message that it counts.
    pub reported: bool,
}

/// What a device can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Let one person through.
    OpenOnce {
        /// Which way.
        direction: Direction,
        /// How long the gate waits for the passage (parameter 59).
        passage_timeout: Span,
    },
    /// Keep the band that lies in the slot, and hand it to nobody (parameter 2).
    Capture,
    /// Open a locker.
    LockerUnlock {
        /// Which.
        locker: LockerId,
    },
    /// Close a locker.
    LockerLock {
        /// Which.
        locker: LockerId,
    },
    /// Show that a locker stays as it is.
    LockerRefuse {
        /// Which.
        locker: LockerId,
        /// The primary reason.
        reason: Reason,
    },
    /// Tell a till what became of an order.
    Till {
        /// What was decided.
        outcome: Outcome,
        /// The primary reason.
        reason: Reason,
    },
    /// Show that the request waits for somebody: an adult, an operator.
    Wait {
        /// Which side of the gate.
        direction: Direction,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// Show and sound the answer to a request; every evaluated request gets one.
    Indicate {
        /// Which side of the gate.
        direction: Direction,
        /// What was decided.
        outcome: Outcome,
        /// The primary reason, where parameter 64 lets the display show it.
        reason: Option<Reason>,
        /// The amount that it is about, where the display may show that.
        amount: Option<Money>,
    },
    /// How the gate stands when it loses its supply or us; its exit is always free then.
    FailMode {
        /// Whether its entry stays shut.
        entry_secure: bool,
    },
}

impl Action {
    /// Whether the action opens a gate: such a command takes effect at most once.
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(self, Self::OpenOnce { .. })
    }

    /// The way that it opens, if it opens one.
    #[must_use]
    pub const fn way(&self) -> Option<Direction> {
        match self {
            Self::OpenOnce { direction, .. } => Some(*direction),
            _ => None,
        }
    }

    /// Whether it moves something, so that somebody waits for it; the others show or set something.
    #[must_use]
    pub const fn moves(&self) -> bool {
        matches!(
            self,
            Self::OpenOnce { .. }
                | Self::Capture
                | Self::LockerUnlock { .. }
                | Self::LockerLock { .. }
        )
    }
}
