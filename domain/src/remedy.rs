//! What would open it: for a request that was refused or held, the smallest set of changes with
//! which it would have been granted.
//!
//! Nothing is guessed: each change is made to what the request saw, and the same rules decide
//! again; all of them together, and without each of them in turn. The record is enough for it, so
//! it is worked out when somebody asks, never in the loop. Pure.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    combine::Combined,
    facts::{EventKind, Policy},
    gather::Gathered,
    ids::GroupId,
    judge::judge,
    money::Money,
    params::Param,
    reasons::{Class, Reason},
    scope::{ParamTable, Scope},
    seen::Seen,
    time::{Span, Timestamp},
    verdict::Outcome,
    windows::local_date,
};

mod change;

pub use change::{Change, Effort};

/// Nobody is told to wait for longer (our choice: 15 minutes).
const WAIT_MAX: Span = Span::seconds(15 * 60);
/// More adults than these are asked of no party.
const ADULTS_MAX: u8 = 4;

/// What would open it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Together they open; without any of them it stays shut. The least effort first; none where
    /// nothing would open.
    pub changes: Vec<Change>,
    /// The reasons that nothing lifts; empty where the changes open.
    pub stuck: Vec<Reason>,
}

/// What would have opened the request that saw this, by these rules and values; `None` where it
/// opens as it is, or is ignored.
///
/// Of each reason the change of least effort is taken that lifts it and brings no other; what is
/// superfluous beside the others is dropped, the greatest effort first.
#[must_use]
pub fn remedy(
    seen: &Seen,
    (policy, values): (&dyn Policy, &ParamTable),
    zone: &TimeZone,
) -> Option<Remedy> {
    let gathered = Gathered::of(seen, values, zone);
    let refused = judge(seen, &gathered, policy, zone);
    if refused.outcome.opens() || refused.outcome == Outcome::Ignore {
        return None;
    }
    let search = Search { seen: gathered.booked(seen), policy, values, zone, facts: &gathered };
    let mut left = refusing(&refused);
    let (mut changes, mut stuck) = (Vec::new(), Vec::new());
    while let Some(&reason) = left.iter().find(|reason| !stuck.contains(*reason)) {
        match search.change_for(reason, &changes, &left) {
            Some(change) => {
                changes.push(change);
                left = search.left(&changes);
            }
            None => stuck.push(reason),
        }
    }
    if !stuck.is_empty() {
        return Some(Remedy { changes: Vec::new(), stuck });
    }
    changes.sort_by_key(Change::effort);
    for place in (0..changes.len()).rev() {
        let mut fewer = changes.clone();
        fewer.remove(place);
        if search.left(&fewer).is_empty() {
            changes = fewer;
        }
    }
    Some(Remedy { changes, stuck })
}

/// The reasons that keep it shut.
fn refusing(combined: &Combined) -> Vec<Reason> {
    let shuts = |class: Class| matches!(class, Class::Deny | Class::Hold | Class::Ignore);
    let found = combined.reasons.iter().filter(|found| shuts(found.class));
    found.map(|found| found.reason).collect()
}

/// Looks for changes.
struct Search<'a> {
    seen: Seen,
    policy: &'a dyn Policy,
    values: &'a ParamTable,
    zone: &'a TimeZone,
    facts: &'a Gathered,
}

impl Search<'_> {
    /// The reasons that are left with these changes.
    fn left(&self, changes: &[Change]) -> Vec<Reason> {
        let mut seen = self.seen.clone();
        changes.iter().for_each(|change| change.apply(&mut seen));
        let gathered = Gathered::of(&seen, self.values, self.zone);
        refusing(&judge(&seen, &gathered, self.policy, self.zone))
    }

    /// Whether a change lifts a reason and brings no other, beside the changes that are made.
    fn lifts(&self, change: &Change, reason: Reason, (made, left): (&[Change], &[Reason])) -> bool {
        let with: Vec<Change> = made.iter().chain([change]).cloned().collect();
        let then = self.left(&with);
        !then.contains(&reason) && then.iter().all(|one| left.contains(one))
    }

    /// The change of least effort that lifts a reason.
    fn change_for(&self, reason: Reason, made: &[Change], left: &[Reason]) -> Option<Change> {
        let by_hand = self.waits().chain(self.by_hand(reason));
        let tried = |change: &Change| self.lifts(change, reason, (made, left));
        by_hand
            .into_iter()
            .find(tried)
            .or_else(|| self.paid(reason, (made, left)))
            .or_else(|| self.by_staff(reason).into_iter().find(tried))
    }

    /// The instants within the next minutes at which something ends or begins.
    fn waits(&self) -> impl Iterator<Item = Change> {
        let (at, today) = (self.seen.at, local_date(self.seen.at, self.zone));
        // What else a new day changes is not on record; and the end of a hold is its bound, no
        // way out of it.
        let near = move |until: &Timestamp| {
            *until > at && until.since(at) <= WAIT_MAX && local_date(*until, self.zone) == today
        };
        let mut all = Vec::new();
        if self.seen.kind != EventKind::Exit {
            let facts = &self.facts.facts;
            all.extend([facts.opens_at, facts.visit_again_at, facts.locked_until]);
            let presence = self.seen.holder.as_ref().map(|holder| &holder.presence);
            let lock = self.facts.reentry_lock();
            let entered = presence.and_then(|presence| presence.entered);
            all.push(entered.map(|entered| entered.plus(lock)));
            let timeout = self.facts.value(Param::GatePassageTimeout).span();
            let pending = presence.and_then(|presence| presence.pending_since);
            all.push(pending.map(|since| since.plus(timeout)));
        }
        let mut instants: Vec<Timestamp> = all.into_iter().flatten().filter(near).collect();
        instants.sort_unstable();
        instants.into_iter().map(|until| Change::Wait { until })
    }

    /// What guests, and whoever stands at the till, can do about a reason at once.
    fn by_hand(&self, reason: Reason) -> Vec<Change> {
        let lockers = self.seen.holder.iter().flat_map(|holder| &holder.lockers);
        let lockers: Vec<_> = lockers.map(|locker| locker.id.clone()).collect();
        let facts = &self.facts.facts;
        match reason {
            Reason::AuthFactorFailed => vec![Change::EnterPin],
            Reason::CredentialNotReturned => vec![Change::ReturnBand],
            Reason::SupervisionRequired => {
                (1..=ADULTS_MAX).map(|adults| Change::BringAdults { adults }).collect()
            }
            Reason::PickupNotAuthorised => vec![Change::FetchGuardian],
            Reason::LockerOccupiedAtExit => vec![Change::FreeLockers { lockers }],
            Reason::LockerLimitReached => {
                lockers.into_iter().map(|one| Change::FreeLockers { lockers: vec![one] }).collect()
            }
            // Whoever is known to be too young shows nothing else by a document.
            Reason::AgeRestrictedItem if facts.buyer_age < 0 => {
                vec![Change::ShowDocument { age: facts.required_age }]
            }
            _ => Vec::new(),
        }
    }

    /// The least that has to be paid, or the most that may be loaded.
    fn paid(&self, reason: Reason, beside: (&[Change], &[Reason])) -> Option<Change> {
        let facts = &self.facts.facts;
        let account = self.facts.bill.account();
        let order = self.seen.order.as_ref();
        let asked = facts.costs + facts.entry_price + facts.surcharge;
        let least = |most: Money, change: &dyn Fn(Money) -> Change| {
            let lifts = |amount: Money| self.lifts(&change(amount), reason, beside);
            least(most, lifts).map(change)
        };
        let otherwise = || {
            let change = Change::PayOtherwise { amount: facts.costs };
            let may = self.seen.kind == EventKind::Sale && self.lifts(&change, reason, beside);
            may.then_some(change)
        };
        match reason {
            Reason::DebtEntryBlocked | Reason::DebtExitHold => {
                let account = account?;
                least(facts.debt, &|amount| Change::Pay { account, amount })
            }
            Reason::WalletLimitExceeded => otherwise().or_else(|| {
                let account = account.filter(|_| self.seen.kind != EventKind::Refund)?;
                let bound = self.facts.value(Param::WalletMinBalance).amount();
                let most = asked + Money::ZERO.max(bound - facts.wallet_balance);
                least(most, &|amount| Change::TopUp { account, amount })
            }),
            Reason::DailySpendLimit => otherwise(),
            Reason::WalletMaxExceeded => {
                let wanted = order?.wallet;
                least(wanted, &|less| Change::LoadAtMost { amount: wanted - less })
            }
            Reason::MembershipNotActive | Reason::VisitsExhausted | Reason::ReentryNotAllowed => {
                let like = self.facts.speaking.as_ref()?.id;
                let change = Change::BuyPass { like };
                self.lifts(&change, reason, beside).then_some(change)
            }
            _ => None,
        }
    }

    /// What the staff can do about a reason.
    fn by_staff(&self, reason: Reason) -> Vec<Change> {
        let action = &self.facts.facts.action;
        let mut all = Vec::new();
        match reason {
            Reason::AuthFactorFailed => all.push(Change::CheckPhoto),
            Reason::MedicalCertificateInvalid => all.push(Change::RecordCertificate),
            Reason::LockerTimeExceeded => {
                let locker = self.seen.locker.iter().map(|locker| locker.id.clone());
                all.extend(locker.map(|locker| Change::ReleaseLocker { locker }));
            }
            Reason::CashDrawerLimit => all.push(Change::PickUpCash),
            Reason::CredentialUnknown | Reason::CredentialLostStolen => {
                all.push(Change::CheckIdentity { reason });
            }
            Reason::OperatorNotPermitted | Reason::OverrideNotAllowed => {
                let may = self.roles_that(Param::OperatorAllowedActions, action);
                all.extend(each(may, |roles| Change::OtherOperator { roles }));
            }
            Reason::SecondOperatorRequired | Reason::RefundNeedsApproval => {
                let may = self.roles_that(Param::OperatorAllowedActions, action);
                all.extend(each(may, |roles| Change::SecondPerson { roles }));
            }
            _ => {}
        }
        if reason.is_overridable() && self.seen.kind != EventKind::Operator {
            let mut roles = self.roles_that(Param::OperatorOverrideCodes, reason.code());
            let sells = self.seen.order.is_some();
            let may = self.roles_that(Param::OperatorAllowedActions, "override");
            roles.retain(|role| sells || may.contains(role));
            all.extend(each(roles, |roles| Change::Lift { reason, roles }));
        }
        all
    }

    /// The roles for which `param` names this word.
    fn roles_that(&self, param: Param, word: &str) -> Vec<GroupId> {
        let set = self.values.all(param);
        let named = set.filter(|(_, value)| value.names(param, word));
        let roles = named.filter_map(|(scope, _)| match scope {
            Scope::Role(role) => Some(role.clone()),
            _ => None,
        });
        roles.collect()
    }
}

/// All roles in one change, and then each by itself: one alone may have a lower limit.
fn each(roles: Vec<GroupId>, change: impl Fn(Vec<GroupId>) -> Change) -> Vec<Change> {
    let alone = roles.iter().map(|role| vec![role.clone()]);
    let together = Some(roles.clone()).filter(|roles| roles.len() > 1);
    together.into_iter().chain(alone).map(change).collect()
}

/// The least amount up to `most` that does, where a larger one always does as well.
fn least(most: Money, does: impl Fn(Money) -> bool) -> Option<Money> {
    if most <= Money::ZERO || !does(most) {
        return None;
    }
    let (mut low, mut high) = (0, most.minor());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if does(Money(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(Money(high))
}
