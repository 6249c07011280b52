//! The lines of the journal: what happened, in the order in which it was decided.

use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    ids::{
        AccountId, CredentialId, DecisionId, DeviceId, GroupId, ImportId, MemberId, OperatorId,
        PassId, VisitId,
    },
    money::Money,
    order::{OverrideReason, Second},
    params::Value,
    reasons::{Condition, Reason},
    retention::Record,
    rows::{ParamKey, Session, Terminal},
    time::Timestamp,
    verdict::Outcome,
};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The event's effective time.
    pub at: Timestamp,
    /// The device behind it.
    pub device: Option<DeviceId>,
    /// Boot and sequence of the device's message.
    pub source: Option<(u64, u64)>,
    /// What happened.
    pub noted: Noted,
}

/// What the journal notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "noted", rename_all = "snake_case")]
pub enum Noted {
    /// A request was decided; the decision's own row has the rest.
    Decided {
        /// Which decision.
        decision: DecisionId,
        /// Its outcome.
        outcome: Outcome,
    },
    /// Something happened that decides nothing.
    Condition {
        /// What.
        condition: Condition,
        /// The decision that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<DecisionId>,
        /// Which way, at a gate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Direction>,
        /// What the device reported, or what was wrong.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// Reads of unknown credentials, beyond those of a device that have lines of their own.
    Strangers {
        /// On which side of the gate.
        direction: Direction,
        /// How many.
        count: u64,
        /// The device's own number of the first; the line's source has that of the last.
        first: u64,
    },
    /// A hold is over.
    HoldEnded {
        /// The decision that began it.
        decision: DecisionId,
        /// How it ended.
        how: HoldEnd,
    },
    /// Somebody who may do so picked up a child that was held.
    PickedUp {
        /// Who.
        guardian: MemberId,
    },
    /// An operator did something.
    Acted {
        /// The decision that allowed it.
        decision: DecisionId,
        /// Who.
        operator: OperatorId,
        /// Who confirmed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<OperatorId>,
        /// What.
        action: String,
    },
    /// A cashier's session ended.
    SessionClosed {
        /// What went through it.
        session: Box<Session>,
        /// The cash that the drawer should have held.
        expected: Money,
        /// The cash that was counted.
        counted: Money,
    },
    /// An operator set the value of a parameter, or took it away.
    ParameterSet {
        /// The decision that allowed it.
        decision: DecisionId,
        /// Who.
        operator: OperatorId,
        /// Which, and where.
        key: ParamKey,
        /// What the database said before.
        before: Option<Value>,
        /// What it says now.
        after: Option<Value>,
    },
    /// An operator changed what is known of people and what they carry. Names are not in it.
    Changed {
        /// The decision that allowed it.
        decision: DecisionId,
        /// Who.
        operator: OperatorId,
        /// Who confirmed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<OperatorId>,
        /// What, one of the words of [`crate::registry::Registry::name`].
        what: String,
        /// Whom it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
        /// The credential that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<CredentialId>,
        /// The fields that changed.
        fields: Vec<Changed>,
    },
    /// A frozen pass goes on, as the day came that its freeze ends on.
    Thawed {
        /// Whose.
        member: MemberId,
        /// Which.
        pass: PassId,
    },
    /// A pass rests, as the day came that its freeze was ordered for.
    Rests {
        /// Whose.
        member: MemberId,
        /// Which.
        pass: PassId,
    },
    /// A refusal was lifted.
    Overridden {
        /// The decision that allowed it.
        decision: DecisionId,
        /// The decision that refused.
        original: DecisionId,
        /// Who.
        operator: OperatorId,
        /// Who confirmed it, where and when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<Second>,
        /// The operator's roles.
        #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
        roles: Box<[GroupId]>,
        /// The reasons that were lifted.
        codes: Vec<Reason>,
        /// Why.
        reason: OverrideReason,
        /// Why, in words.
        text: String,
        /// What was waived of the debt.
        waived: Money,
        /// What was owed before and after.
        owed: [Money; 2],
        /// Until when it opens.
        until: Timestamp,
    },
    /// A read used up the token that an override issued.
    OverrideUsed {
        /// The decision that allowed the override.
        decision: DecisionId,
        /// The decision of the read.
        read: DecisionId,
    },
    /// What an overstay would have cost if no emergency had ended the visit.
    Unbilled {
        /// The visit.
        visit: VisitId,
        /// The member.
        member: MemberId,
        /// How much.
        amount: Money,
    },
    /// A debt was paid at a terminal.
    Paid {
        /// The wallet.
        account: AccountId,
        /// How much.
        amount: Money,
    },
    /// A terminal came, went, or somebody signed in there or out.
    TerminalChanged {
        /// What is known of it now.
        state: Terminal,
    },
    /// A rule set went live.
    RuleSetLive {
        /// Its hash.
        hash: String,
    },
    /// A rule set was refused.
    RuleSetRefused {
        /// What is wrong with it.
        message: String,
    },
    /// Rows were imported.
    Imported {
        /// How many.
        rows: usize,
        /// Of which import.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        import: Option<ImportId>,
    },
    /// Records lose who they were about, where they are older than this (parameter 63).
    Pseudonymised {
        /// Movements from before this.
        movements: Timestamp,
        /// Operators' acts and money from before this.
        audit: Timestamp,
    },
    /// Two operators ended an emergency.
    EmergencyReset {
        /// Their names.
        operators: [String; 2],
    },
}

/// A field that changed. Of what tells who somebody is, only that it changed is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Which.
    pub field: String,
    /// What it was; nothing where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The kinds of lines that tell of people, by the names of [`Noted::kind`].
pub const PERSONAL: &[(&str, Record)] = &[
    ("message_refused", Record::Movement),
    ("picked_up", Record::Movement),
    ("unbilled", Record::Movement),
    ("acted", Record::Audit),
    ("parameter_set", Record::Audit),
    ("changed", Record::Audit),
    ("thawed", Record::Audit),
    ("rests", Record::Audit),
    ("overridden", Record::Audit),
    ("paid", Record::Audit),
    ("terminal_changed", Record::Audit),
    ("emergency_reset", Record::Audit),
];

impl Noted {
    /// Its kind, which stays on record when the rest is forgotten.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Decided { .. } => "decided",
            // It repeats what a device said, which may be the number of a card.
            Self::Condition { condition: Condition::MessageRefused, .. } => "message_refused",
            // The explanation of a decision looks for it.
            Self::Condition { condition: Condition::CommandFailed, .. } => "command_failed",
            Self::Condition { .. } => "condition",
            Self::Strangers { .. } => "strangers",
            Self::HoldEnded { .. } => "hold_ended",
            Self::PickedUp { .. } => "picked_up",
            Self::Acted { .. } => "acted",
            Self::ParameterSet { .. } => "parameter_set",
            Self::Changed { .. } => "changed",
            Self::Thawed { .. } => "thawed",
            Self::Rests { .. } => "rests",
            Self::Overridden { .. } => "overridden",
            Self::OverrideUsed { .. } => "override_used",
            Self::Unbilled { .. } => "unbilled",
            Self::Paid { .. } => "paid",
            Self::SessionClosed { .. } => "session_closed",
            Self::TerminalChanged { .. } => "terminal_changed",
            Self::RuleSetLive { .. } => "rule_set_live",
            Self::RuleSetRefused { .. } => "rule_set_refused",
            Self::Imported { .. } => "imported",
            Self::Pseudonymised { .. } => "pseudonymised",
            Self::EmergencyReset { .. } => "emergency_reset",
        }
    }
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    /// What it was for is settled.
    Settled,
    /// Its time is used up: the next read is let out, with an alarm.
    Expired,
    /// The guest turned back.
    TurnedBack,
    /// The guest is out on the street by a passage that another grant allowed.
    Left,
    /// Staff let the guest out.
    Released,
    /// It goes on, and has lasted longer than one should: a child nobody picked up.
    Escalated,
    /// An emergency: nobody is held.
    Emergency,
}
