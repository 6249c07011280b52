//! One record, decided again by another policy from what it saw. Pure.

use domain::{
    decision::Decision,
    facts::{EventKind, Facts, Policy},
    gather::Gathered,
    judge::judge,
    money::Money,
    reasons::Reason,
    scope::ParamTable,
    verdict::{Finding, Outcome},
};
use jiff::tz::TimeZone;
use serde::Serialize;

/// An outcome with its primary reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Answer {
    /// What was decided.
    pub(crate) outcome: Outcome,
    /// The reason that stands first.
    pub(crate) reason: Reason,
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    /// The answer.
    pub(crate) answer: Answer,
    /// What it charges at the gate or the locker.
    pub(crate) charged: Money,
}

/// What a record came to, and what it comes to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// As it was recorded.
    pub(crate) before: Came,
    /// As the other policy decides.
    pub(crate) after: Came,
}

/// Decides again; nothing where the record was answered before any rule, or without its facts.
pub(crate) fn decide(
    decision: &Decision,
    (policy, values): (&dyn Policy, &ParamTable),
    zone: &TimeZone,
) -> Option<Again> {
    let (seen, facts) = (decision.seen.as_ref()?, decision.facts.as_ref()?);
    let verdict = &decision.verdict;
    let answer = Answer { outcome: verdict.outcome, reason: verdict.primary() };
    let before = Came { answer, charged: charged(decision, answer, &verdict.reasons, facts) };
    let gathered = Gathered::of(seen, values, zone);
    let combined = judge(seen, &gathered, policy, zone);
    let answer = Answer { outcome: combined.outcome, reason: combined.primary() };
    let charged = charged(decision, answer, &combined.reasons, &gathered.facts);
    Some(Again { before, after: Came { answer, charged } })
}

/// What is charged with this answer. A hold charges the overstay at once; nothing is charged where
/// nothing was checked, or nobody could tell the guest.
fn charged(decision: &Decision, answer: Answer, reasons: &[Finding], facts: &Facts) -> Money {
    let unchecked = [Reason::GrantedFreeMode, Reason::PolicyUnavailable];
    if reasons.iter().any(|found| unchecked.contains(&found.reason)) {
        return Money::ZERO;
    }
    let gate = [facts.entry_price, facts.surcharge, facts.overstay_charge, facts.locker_charge];
    let is_locker = matches!(decision.kind, EventKind::LockerOpen | EventKind::LockerClose);
    match (decision.direction, answer.outcome) {
        (Some(_), outcome) if outcome.opens() => gate.into_iter().sum(),
        (Some(_), Outcome::Hold) => facts.overstay_charge,
        (None, outcome) if outcome.opens() && is_locker => facts.locker_charge,
        _ => Money::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        combine::floor,
        event::Direction,
        facts::{PolicyFault, Question},
        ids::DecisionId,
        params::ParamMask,
        reasons::Class,
        seen::{Seen, SeenGate},
        time::Timestamp,
        verdict::Verdict,
    };

    use super::*;

    /// A policy that finds one thing, or nothing.
    struct Finds(Option<(Reason, Class)>, ParamTable);

    impl Policy for Finds {
        fn hash(&self) -> &'static str {
            "test"
        }
        fn values(&self) -> &ParamTable {
            &self.1
        }
        fn consulted(&self, _: EventKind) -> ParamMask {
            ParamMask::default()
        }
        fn judge(&self, _: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
            Ok(self.0.iter().map(|(reason, class)| floor(*reason, *class)).collect())
        }
    }

    fn again(decision: &Decision, policy: &Finds) -> Option<Again> {
        decide(decision, (policy, &policy.1), &TimeZone::UTC)
    }

    fn finds(found: Option<(Reason, Class)>) -> Finds {
        Finds(found, ParamTable::default())
    }

    /// An unknown card at an exit beside a free one, which opened; or a band at a locker.
    fn record(kind: EventKind, direction: Option<Direction>) -> Decision {
        let gate = SeenGate { device: Some("G1".into()), ..SeenGate::default() };
        let at = Timestamp::from_millis(1_800_000_000_000);
        let (holder, locker, order, lifted) = (None, None, None, None);
        let classes = Vec::new();
        let seen = Seen { at, kind, gate, holder, locker, order, lifted, classes, stalled: false };
        let verdict = Verdict {
            outcome: Outcome::GrantWithWarning,
            reasons: vec![floor(Reason::CredentialUnknown, Class::Warn)],
            also: Vec::new(),
            missing: Vec::new(),
            consulted: ParamMask::default(),
            tripped: ParamMask::default(),
            values: Vec::new(),
        };
        Decision {
            id: DecisionId(uuid::Uuid::nil()),
            at,
            received: at,
            kind,
            device: "G1".into(),
            direction,
            member: None,
            credential: None,
            unknown_uid: None,
            verdict,
            facts: Some(Facts::default()),
            seen: Some(seen),
            facts_version: 1,
            rule_set: "old".to_owned(),
        }
    }

    #[test]
    fn the_same_rules_decide_the_same_and_other_rules_what_they_find() {
        let decision = record(EventKind::Exit, Some(Direction::Exit));
        let got = again(&decision, &finds(None)).unwrap();
        assert_eq!(got.before, got.after);
        let entry = record(EventKind::Entry, Some(Direction::Entry));
        let refuses = finds(Some((Reason::CredentialUnknown, Class::Deny)));
        let got = again(&entry, &refuses).unwrap();
        let answer = Answer { outcome: Outcome::Deny, reason: Reason::CredentialUnknown };
        assert_eq!(got.after, Came { answer, charged: Money::ZERO });
        assert_ne!(got.before, got.after);
    }

    #[test]
    fn what_was_answered_before_any_rule_is_not_asked() {
        let mut decision = record(EventKind::Exit, Some(Direction::Exit));
        decision.facts = None;
        assert_eq!(again(&decision, &finds(None)), None);
        decision = record(EventKind::Exit, Some(Direction::Exit));
        decision.seen = None;
        assert_eq!(again(&decision, &finds(None)), None);
    }

    #[test]
    fn an_opening_charges_all_a_hold_the_overstay_and_a_refusal_nothing() {
        let facts = Facts {
            entry_price: Money(800),
            surcharge: Money(200),
            overstay_charge: Money(50),
            locker_charge: Money(7),
            ..Facts::default()
        };
        let gate = record(EventKind::Exit, Some(Direction::Exit));
        let locker = record(EventKind::LockerOpen, None);
        let sale = record(EventKind::Sale, None);
        let reason = Reason::Granted;
        for (decision, outcome, reason, comes_to) in [
            (&gate, Outcome::Grant, reason, 1057),
            (&gate, Outcome::GrantWithWarning, reason, 1057),
            (&gate, Outcome::Hold, Reason::DebtExitHold, 50),
            (&gate, Outcome::Deny, Reason::SiteClosed, 0),
            (&gate, Outcome::Ignore, Reason::PassagePending, 0),
            (&gate, Outcome::Grant, Reason::GrantedFreeMode, 0),
            (&gate, Outcome::GrantWithWarning, Reason::PolicyUnavailable, 0),
            (&locker, Outcome::Grant, reason, 7),
            (&locker, Outcome::Deny, Reason::SiteClosed, 0),
            (&sale, Outcome::Grant, reason, 0),
        ] {
            let reasons = [floor(reason, Class::Warn)];
            let answer = Answer { outcome, reason };
            assert_eq!(charged(decision, answer, &reasons, &facts), Money(comes_to), "{outcome:?}");
        }
    }
}
