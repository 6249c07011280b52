//! The record of a decision: everything that is needed to explain it, and to ask it again.

use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    facts::{EventKind, Facts},
    ids::{CredentialId, DecisionId, DeviceId, MemberId, Uid},
    reasons::Reason,
    seen::Seen,
    time::Timestamp,
    verdict::{Outcome, Verdict},
};

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The request's effective time, which it was decided for.
    pub at: Timestamp,
    /// When the request reached us.
    pub received: Timestamp,
    /// The kind of event.
    pub kind: EventKind,
    /// The gate, or the bank of lockers, that asked.
    pub device: DeviceId,
    /// Which way, at a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The member, by the key that the journal knows people by.
    pub member: Option<MemberId>,
    /// The credential.
    pub credential: Option<CredentialId>,
    /// What was read, where it belongs to nobody.
    pub unknown_uid: Option<Uid>,
    /// What was decided, and why.
    pub verdict: Verdict,
    /// The facts, where the pipeline came as far as gathering them.
    pub facts: Option<Facts>,
    /// What the facts were made of, to be asked again with other rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// The version of the facts' names.
    pub facts_version: u32,
    /// The hash of the rule set that decided.
    pub rule_set: String,
}

impl Decision {
    /// Whether nothing but a second person is lacking, who confirms it or, at a sale, approves the
    /// discount.
    #[must_use]
    pub fn waits_for_second(&self) -> bool {
        use Reason::{DiscountNeedsApproval, RefundNeedsApproval, SecondOperatorRequired};
        let lacks = |reason| {
            matches!(reason, SecondOperatorRequired | RefundNeedsApproval | DiscountNeedsApproval)
        };
        self.kind.direction().is_none()
            && self.verdict.outcome == Outcome::Deny
            && self.verdict.reasons.iter().all(|found| lacks(found.reason))
    }
}
