//! What devices tell: requests that need a decision, and facts that are booked even when late.

use serde::{Deserialize, Serialize};

use crate::{
    command::CommandFailed,
    ids::{DecisionId, DeviceId, LockerId, Uid},
    order::Order,
    rows::PinDigest,
    time::{Span, Timestamp},
};

/// Which way through a gate. Each direction of a gate leads from one zone to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the site or deeper into it.
    Entry,
    /// Towards the street; never denied (I5).
    Exit,
}

impl Direction {
    /// The name in files, topics and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
        }
    }
}

/// One message of a device, decoded by its profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// Who speaks.
    pub device: DeviceId,
    /// The device's boot count; the connection's epoch for a polled device.
    pub boot: u64,
    /// The device's own counter within that boot.
    pub seq: u64,
    /// The device's own time, if it has a clock.
    pub device_time: Option<Timestamp>,
    /// When the message reached us.
    pub received: Timestamp,
    /// How it came.
    #[serde(default, skip_serializing_if = "Transit::is_straight")]
    pub transit: Transit,
    /// What it says.
    pub happening: Happening,
}

/// Within this time of a new link a device has said again what it had to (our choice).
const REPEATED_WITHIN: Span = Span::seconds(10);

/// What a link knows of how long a message was on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transit {
    /// Nothing on the way keeps messages: it came when it was sent.
    #[default]
    Straight,
    /// Something on the way keeps messages for a link that is down: a broker, a session that goes
    /// on. A message that was delivered before is one that came with a link just made.
    Kept {
        /// How long the link had been up when the message came by it.
        up_for: Span,
        /// What is left of the expiry that its sender gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_in: Option<Span>,
    },
}

impl Transit {
    /// Whether nothing on the way keeps messages.
    #[must_use]
    pub const fn is_straight(&self) -> bool {
        matches!(self, Self::Straight)
    }

    /// Whether the message may be one that its device had said before: a link that has just been
    /// made brings again whatever nobody acknowledged by the one before.
    #[must_use]
    pub fn may_repeat(&self) -> bool {
        match self {
            Self::Straight => false,
            Self::Kept { up_for, .. } => *up_for < REPEATED_WITHIN,
        }
    }

    /// Whether the message may be older than `max_age`, as far as its link can say.
    ///
    /// A device gives a request `device.event_max_age` as its expiry (6.2 of `device-events.md` of
    /// the specification). Where more than that is left, its expiry says nothing of its age.
    #[must_use]
    pub fn may_have_waited(&self, max_age: Span) -> bool {
        match *self {
            Self::Straight => false,
            Self::Kept { up_for, expires_in } => {
                up_for < max_age && expires_in.is_none_or(|left| left > max_age)
            }
        }
    }
}

/// What a device can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A request: a credential was read at one of the gate's readers.
    CredentialRead {
        /// The side of the gate that the reader stands on.
        direction: Direction,
        /// What was read.
        uid: Uid,
        /// What the keypad gave with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<PinDigest>,
    },
    /// A request: a locker shall open, or close and be occupied.
    LockerRequest {
        /// Which.
        locker: LockerId,
        /// What was read at it.
        uid: Uid,
        /// Whether it shall open.
        opens: bool,
    },
    /// A fact: a lock reports its state.
    LockerState {
        /// Which.
        locker: LockerId,
        /// The state.
        state: LockerState,
    },
    /// A request: an operator asks for something at a till or desk.
    Order(Box<Order>),
    /// A fact: the slot for bands took one.
    Collected {
        /// Which.
        uid: Uid,
    },
    /// A fact: one person went through.
    PassageMade {
        /// Which way.
        direction: Direction,
        /// The decision that the device says it acted on.
        decision: Option<DecisionId>,
    },
    /// A fact: the grant was withdrawn before anybody passed.
    PassageAborted {
        /// Which way.
        direction: Direction,
        /// The decision that the device says it acted on.
        decision: Option<DecisionId>,
    },
    /// A fact: somebody went through without a grant, or the wrong way.
    PassageUnexpected {
        /// Which way.
        direction: Direction,
    },
    /// A fact: the gate reports its mode.
    ModeChanged {
        /// The mode as the gate names it.
        mode: GateMode,
    },
    /// A life-safety input changed. Never aged out, de-duplicated or queued behind requests.
    FireInput {
        /// Whether the input is active now.
        active: bool,
    },
    /// A fact: a door was opened or closed.
    Door {
        /// Whether it is open now.
        open: bool,
    },
    /// A fact: a door was opened by force.
    DoorForced,
    /// A fact about the device itself: tamper, battery, power.
    Health {
        /// Which sensor.
        what: HealthItem,
        /// What it reports, as the device writes it, at most 64 characters.
        value: String,
    },
    /// A fact: a command took no effect, as its link or the device itself says.
    CommandFailed(Box<CommandFailed>),
    /// The device came or went, by its own state topic, its last will, or the link's supervision.
    Presence {
        /// Whether it can be spoken to.
        online: bool,
    },
}

impl Happening {
    /// Whether the device counts this message, so that a repeat is told from a second one. States
    /// are not counted: they are retained and come again at every connect.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        match self {
            Self::CredentialRead { .. }
            | Self::PassageMade { .. }
            | Self::PassageAborted { .. }
            | Self::PassageUnexpected { .. }
            | Self::Collected { .. }
            | Self::Door { .. }
            | Self::DoorForced
            | Self::Order(_)
            | Self::LockerRequest { .. }
            | Self::LockerState { .. } => true,
            Self::CommandFailed(failed) => failed.reported,
            Self::ModeChanged { .. }
            | Self::FireInput { .. }
            | Self::Health { .. }
            | Self::Presence { .. } => false,
        }
    }
}

/// A gate's mode, from lax to strict (parameter 56).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateMode {
    /// Turns for everybody; passages are recorded.
    Free,
    /// Turns on a grant.
    Controlled,
    /// Refuses entries; binds an exit only beside a declared alternative.
    Locked,
    /// Broken or being repaired: refuses entries, never binds an exit.
    OutOfService,
}

impl GateMode {
    /// The mode of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "free" => Self::Free,
            "controlled" => Self::Controlled,
            "locked" => Self::Locked,
            "out_of_service" => Self::OutOfService,
            _ => return None,
        })
    }
}

/// What a lock reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockerState {
    /// Nothing is in it.
    Free,
    /// It is closed and occupied.
    Occupied,
    /// Its bolt does not move.
    Jammed,
    /// It was broken open.
    Forced,
}

/// What a device reports of its own health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthItem {
    /// The housing was opened or moved.
    Tamper,
    /// Charge in percent.
    Battery,
    /// Mains or supply state.
    Power,
}
