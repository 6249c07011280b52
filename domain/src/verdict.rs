//! The verdict: an outcome, the reasons that made it, the values consulted. Never a bare bool.

use serde::{Deserialize, Serialize};

use crate::{
    params::ParamMask,
    reasons::{Class, Reason},
    scope::Supplied,
};

/// What was decided, weakest first; the strongest reason wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Allowed.
    Grant,
    /// Allowed, with at least one warning.
    GrantWithWarning,
    /// An exit that stays closed for now, staff called, timer running.
    Hold,
    /// Refused; never an exit (I5).
    Deny,
    /// Duplicate or stale: no command, no counter, only a record.
    Ignore,
    /// Life safety: the exit is open, no identity needed, nothing charged.
    Release,
}

impl Outcome {
    /// The name in records, topics and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::GrantWithWarning => "grant_with_warning",
            Self::Hold => "hold",
            Self::Deny => "deny",
            Self::Ignore => "ignore",
            Self::Release => "release",
        }
    }
    /// Whether the gate opens.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self, Self::Grant | Self::GrantWithWarning | Self::Release)
    }
}

/// Where a reason was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By a rule: the file's name and the line in it.
    Rule {
        /// Name of the rule file.
        file: String,
        /// Line in the file, from 1.
        line: u16,
    },
    /// By the floor below the rules, which no file can change.
    Floor,
}

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The code.
    pub reason: Reason,
    /// What it did to the outcome.
    pub class: Class,
    /// Who raised it.
    pub origin: Origin,
    /// Whether an alarm goes with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alarm: bool,
    /// What fills the blanks of its sentence, by name: amounts, counts, instants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, Detail)>,
}

/// A value that fills a blank of a reason's sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "snake_case")]
pub enum Detail {
    /// An amount in minor units of the site's currency.
    Money(crate::money::Money),
    /// A count.
    Count(i64),
    /// An instant, shown in site-local time.
    Time(crate::time::Timestamp),
    /// A span.
    Span(crate::time::Span),
    /// A word: a state, a zone, a name of the vocabulary.
    Word(String),
}

/// A condition of a hold that was not met, so that the hold became a warning
/// (`decisions.md` 8.1 of the specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCondition {
    /// 1: a free alternative exit is declared beside the gate, which is no required means of
    /// egress.
    EgressAlternative,
    /// 2: a bound desk is signed in, or a bound pay point is online.
    DeskOrPayPoint,
    /// 3: the person is not known to be a minor, and no flag spares him.
    MayBeHeld,
    /// 4: no emergency, nothing out of service, no crowding at the exit.
    CalmExit,
    /// 5: the time that the holds of the visit have in all is not used up (parameter 26).
    TimeLeft,
    /// The time of this credential's hold at this gate is not used up.
    IdentityTimeLeft,
    /// An entry is on record: a missing one keeps nobody in (I7).
    EntryOnRecord,
    /// The bound desk is signed in: a child that waits for a guardian is not left alone.
    Desk,
    /// The person is known to be under 18: nobody else waits for a guardian.
    KnownChild,
    /// The credential is unknown, lost or stolen: no other identity is in doubt.
    IdentityInDoubt,
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// The reasons that made the outcome, by phase and then by their order in the catalogue.
    pub reasons: Vec<Finding>,
    /// Warnings found on the way to a refusal, for the desk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Finding>,
    /// Conditions that were missing where a hold became a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<HoldCondition>,
    /// The parameters that the checks of this kind of event read.
    pub consulted: ParamMask,
    /// The parameters that the reasons name.
    pub tripped: ParamMask,
    /// Each consulted value and the scope that supplied it.
    pub values: Vec<Supplied>,
}

impl Verdict {
    /// The reason that is shown when only one can be: the first of the winning class.
    #[must_use]
    pub fn primary(&self) -> Reason {
        self.reasons.first().map_or(Reason::Granted, |found| found.reason)
    }
}
