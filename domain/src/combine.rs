//! Collect all, then decide: how findings become an outcome. No rule can change this.

use crate::{
    facts::EventKind,
    reasons::{Class, Reason},
    verdict::{Finding, HoldCondition, Origin, Outcome},
};

/// What the findings of one request come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combined {
    /// The outcome.
    pub outcome: Outcome,
    /// The reasons that made it, in order of precedence.
    pub reasons: Vec<Finding>,
    /// Warnings found beside a refusal.
    pub also: Vec<Finding>,
    /// Conditions that were missing where a hold became a warning.
    pub missing: Vec<HoldCondition>,
}

/// A finding of the floor.
#[must_use]
pub const fn floor(reason: Reason, class: Class) -> Finding {
    Finding { reason, class, origin: Origin::Floor, alarm: false, details: Vec::new() }
}

/// Combines the findings of a request.
///
/// On an exit nothing is refused (I5): a refusal of an identity becomes a hold, any other a
/// warning, and a hold with a condition `missing` becomes a warning too.
#[must_use]
pub fn combine(kind: EventKind, mut findings: Vec<Finding>, missing: &[HoldCondition]) -> Combined {
    let mut degraded = false;
    for found in &mut findings {
        match (kind, found.class) {
            (EventKind::Exit, Class::Deny | Class::Hold) => {
                let may_hold = found.class == Class::Hold
                    || found.reason.spec().by_rule.contains(&Class::Hold);
                degraded |= may_hold && !missing.is_empty();
                found.class =
                    if may_hold && missing.is_empty() { Class::Hold } else { Class::Warn };
            }
            (EventKind::Entry, Class::Hold) => found.class = Class::Deny,
            _ => {}
        }
    }
    findings.sort_by_key(|found| found.reason);
    findings.dedup_by_key(|found| (found.reason, found.class));

    let strongest = findings.iter().map(|found| found.class).max().unwrap_or(Class::Grant);
    let outcome = match strongest {
        Class::Grant => Outcome::Grant,
        Class::Warn => Outcome::GrantWithWarning,
        Class::Hold => Outcome::Hold,
        Class::Deny => Outcome::Deny,
        Class::Ignore => Outcome::Ignore,
        Class::Release => Outcome::Release,
    };
    let refuses = matches!(strongest, Class::Hold | Class::Deny);
    let (mut reasons, also) = if refuses {
        let (made, rest): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|found| found.class == strongest);
        (made, rest.into_iter().filter(|found| found.class != Class::Grant).collect())
    } else {
        (findings, Vec::new())
    };
    if reasons.is_empty() {
        reasons.push(floor(Reason::Granted, Class::Grant));
    }
    // The primary reason is the first one of the winning class.
    reasons.sort_by_key(|found| (found.class != strongest, found.reason));
    let missing = if degraded { missing.to_vec() } else { Vec::new() };
    Combined { outcome, reasons, also, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(found: &[Finding]) -> Vec<&'static str> {
        found.iter().map(|found| found.reason.code()).collect()
    }

    #[test]
    fn all_reasons_of_the_winning_class_are_told_and_warnings_stand_beside() {
        let got = combine(
            EventKind::Entry,
            vec![
                floor(Reason::DebtEntryBlocked, Class::Deny),
                floor(Reason::VisitsLow, Class::Warn),
                floor(Reason::SiteClosed, Class::Deny),
            ],
            &[],
        );
        assert_eq!(got.outcome, Outcome::Deny);
        assert_eq!(codes(&got.reasons), ["SITE_CLOSED", "DEBT_ENTRY_BLOCKED"]);
        assert_eq!(codes(&got.also), ["VISITS_LOW"]);
    }

    #[test]
    fn nothing_found_is_a_grant() {
        let got = combine(EventKind::Entry, Vec::new(), &[]);
        assert_eq!((got.outcome, codes(&got.reasons)), (Outcome::Grant, vec!["GRANTED"]));
    }

    #[test]
    fn an_exit_is_never_refused_whatever_is_found() {
        for spec in crate::reasons::REASONS {
            for class in [Class::Deny, Class::Hold, Class::Warn, Class::Grant] {
                for missing in [&[][..], &[HoldCondition::DeskOrPayPoint]] {
                    let got = combine(EventKind::Exit, vec![floor(spec.reason, class)], missing);
                    assert_ne!(got.outcome, Outcome::Deny, "{} {class:?}", spec.code);
                    assert!(
                        missing.is_empty() || got.outcome != Outcome::Hold,
                        "{} {class:?}",
                        spec.code
                    );
                }
            }
        }
    }
}
