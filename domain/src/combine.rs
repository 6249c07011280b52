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

impl Combined {
    /// The reason that is shown when only one can be.
    #[must_use]
    pub fn primary(&self) -> Reason {
        self.reasons.first().map_or(Reason::Granted, |found| found.reason)
    }
    /// A single finding that decides alone.
    #[must_use]
    pub fn only(outcome: Outcome, finding: Finding) -> Self {
        Self { outcome, reasons: vec![finding], also: Vec::new(), missing: Vec::new() }
    }
}

/// The conditions that a hold for this reason needs (sections 8.1 and 8.2 of `decisions.md` of the
/// specification).
const fn needed(reason: Reason) -> &'static [HoldCondition] {
    use HoldCondition::{
        CalmExit, Desk, DeskOrPayPoint, EgressAlternative, EntryOnRecord, IdentityInDoubt,
        IdentityTimeLeft, KnownChild, MayBeHeld, TimeLeft,
    };
    match reason {
        Reason::GateLocked => &[EgressAlternative],
        // A child waits for a guardian, without a bound: somebody has to be there.
        Reason::PickupNotAuthorised => &[Desk, CalmExit, KnownChild],
        Reason::CredentialUnknown | Reason::CredentialLostStolen => {
            &[EgressAlternative, DeskOrPayPoint, CalmExit, IdentityTimeLeft, IdentityInDoubt]
        }
        _ => &[EgressAlternative, DeskOrPayPoint, MayBeHeld, CalmExit, TimeLeft, EntryOnRecord],
    }
}

/// What an exit does with a finding that would refuse or hold it (I5): an identity is held, any
/// other refusal is a warning, and so is a hold with a condition `missing`.
fn at_exit(found: &mut Finding, missing: &[HoldCondition]) -> Vec<HoldCondition> {
    let may_hold = found.class == Class::Hold || found.reason.spec().by_rule.contains(&Class::Hold);
    if !may_hold {
        found.class = Class::Warn;
        return Vec::new();
    }
    let needed = needed(found.reason);
    let lacks: Vec<_> =
        missing.iter().copied().filter(|condition| needed.contains(condition)).collect();
    found.class = if lacks.is_empty() { Class::Hold } else { Class::Warn };
    found.alarm |= lacks.contains(&HoldCondition::IdentityTimeLeft);
    if found.reason == Reason::DebtExitHold && !lacks.is_empty() {
        // The hold's own time being used up is told as such; else it is the warning that it
        // would be without a hold.
        if lacks.contains(&HoldCondition::TimeLeft) {
            (found.reason, found.class) = (Reason::DebtExitReleased, Class::Grant);
            found.alarm = true;
        } else {
            found.reason = Reason::DebtWarning;
        }
    }
    lacks
}

/// The state of a pass is told by one word, the first that holds; the next one counts where that
/// was taken away.
const PASS_STATE: [Reason; 2] = [Reason::MembershipNotActive, Reason::VisitsExhausted];

fn one_word(findings: &mut Vec<Finding>) {
    let [first, next] = PASS_STATE;
    if findings.iter().any(|found| found.reason == first && found.class == Class::Deny) {
        findings.retain(|found| found.reason != next);
    }
}

/// Combines the findings of a request; `missing` are the conditions of a hold that are not met.
///
/// On an exit nothing is refused (I5), and nowhere else is anything held.
#[must_use]
pub fn combine(kind: EventKind, mut findings: Vec<Finding>, missing: &[HoldCondition]) -> Combined {
    let mut lacking = Vec::new();
    one_word(&mut findings);
    for found in &mut findings {
        match (kind, found.class) {
            (EventKind::Exit, Class::Deny | Class::Hold) => {
                lacking.extend(at_exit(found, missing));
            }
            (_, Class::Hold) => found.class = Class::Deny,
            _ => {}
        }
    }
    findings.sort_by_key(|found| found.reason);
    findings.dedup_by_key(|found| (found.reason, found.class));
    lacking.sort_unstable();
    lacking.dedup();

    let strongest = findings.iter().map(|found| found.class).max().unwrap_or(Class::Grant);
    let outcome = match strongest {
        Class::Grant | Class::Charge => Outcome::Grant,
        Class::Warn => Outcome::GrantWithWarning,
        Class::Hold => Outcome::Hold,
        Class::Deny => Outcome::Deny,
        Class::Ignore => Outcome::Ignore,
        Class::Release => Outcome::Release,
    };
    let refuses = matches!(strongest, Class::Hold | Class::Deny);
    let (mut reasons, also) = if refuses {
        // A charge that is booked stands beside what refuses.
        let made = |found: &Finding| found.class == strongest || found.class == Class::Charge;
        let (made, rest): (Vec<_>, Vec<_>) = findings.into_iter().partition(made);
        (made, rest.into_iter().filter(|found| found.class != Class::Grant).collect())
    } else {
        (findings, Vec::new())
    };
    if reasons.is_empty() {
        reasons.push(floor(Reason::Granted, Class::Grant));
    }
    // The primary reason is the first one of the winning class.
    reasons.sort_by_key(|found| (found.class != strongest, found.reason));
    Combined { outcome, reasons, also, missing: lacking }
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
                let bare = [
                    HoldCondition::EgressAlternative,
                    HoldCondition::DeskOrPayPoint,
                    HoldCondition::Desk,
                ];
                for missing in [&[][..], &bare] {
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
