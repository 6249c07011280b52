//! The decision itself: what the rules find, what the floor finds below them, and what both come
//! to. Pure, so that a record can be asked again.

use crate::{
    combine::{Combined, combine, floor},
    facts::{EventKind, Policy, PolicyFault, Question},
    gather::Gathered,
    hold::VISIT_HOLDS,
    params::Param,
    reasons::{Class, Reason},
    rows::CredentialState,
    seen::{Holder, Seen},
    time::Span,
    verdict::{Detail, Finding, HoldCondition, Outcome},
};
use jiff::tz::TimeZone;

/// Decides on what was `seen`, from P2 on: an emergency and what is late or repeated were answered
/// before.
#[must_use]
pub fn judge(seen: &Seen, gathered: &Gathered, policy: &dyn Policy, zone: &TimeZone) -> Combined {
    let mode = gathered.value(Param::GateMode).at(seen.at, zone).word().to_owned();
    if mode == "free" && !seen.stalled && seen.kind.direction().is_some() {
        return Combined::only(Outcome::Grant, floor(Reason::GrantedFreeMode, Class::Grant));
    }
    let pending = pending(seen, gathered.value(Param::ClockMaxDrift).span());
    if let Some(finding) = &pending
        && finding.class == Class::Ignore
    {
        return Combined::only(Outcome::Ignore, finding.clone());
    }
    let question = Question { kind: seen.kind, facts: &gathered.facts, values: &gathered.values };
    let judged = match seen.stalled {
        true => Err(PolicyFault::StoreStalled),
        false => policy.judge(&question),
    };
    let answered = judged.is_ok();
    let mut findings = judged.unwrap_or_else(|fault| vec![unavailable(&fault)]);
    findings.extend(gate_state(seen, &mode));
    findings.extend(pending);
    findings.extend(offline(seen, gathered));
    if seen.order.is_some() {
        findings.extend(offer(seen, &findings));
        findings.extend(approved(seen, gathered, &findings));
    }
    findings.extend(identity(seen, &findings));
    findings.extend(person(seen));
    if answered {
        findings.extend(charged(gathered, &findings));
    }
    let exempt = seen.holder.as_ref().map_or(&[][..], |holder| &holder.exempt);
    findings.retain(|found| !exempt.contains(&found.reason));
    lift(seen, gathered, &mut findings);
    if seen.holder.is_none() && seen.order.is_none() {
        let told = |found: &Finding| found.reason == Reason::GrantedOverride;
        findings.retain(|found| found.reason.spec().phase <= 3 || told(found));
    }
    let mut combined = combine(seen.kind, findings, &missing_for_hold(seen, gathered, &mode));
    tell_ends(seen, gathered, &mut combined);
    combined
}

/// Until when the hold of a visit runs, for the desk (parameter 26). A child's has no end.
fn tell_ends(seen: &Seen, gathered: &Gathered, combined: &mut Combined) {
    let Some(visit) = seen.visit() else { return };
    let most = gathered.hold_max();
    let running = visit.hold.as_ref().and_then(|hold| hold.until);
    let until = running.unwrap_or_else(|| seen.at.plus(visit.hold_left(most, seen.at)));
    let held = combined.reasons.iter_mut().filter(|found| found.class == Class::Hold);
    for found in held.filter(|found| VISIT_HOLDS.contains(&found.reason)) {
        found.details.push(("until".to_owned(), Detail::Time(until)));
    }
}

/// What an operator lifts does not come back as a warning; that he did is told, as is what a second
/// person confirmed.
fn lift(seen: &Seen, gathered: &Gathered, findings: &mut Vec<Finding>) {
    let refuses = |found: &Finding| matches!(found.class, Class::Deny | Class::Hold);
    let lifted = |found: &Finding| {
        refuses(found)
            && found.reason.is_liftable(seen.kind)
            && gathered.lifted.contains(&found.reason)
    };
    let before = findings.len();
    findings.retain(|found| !lifted(found));
    let order = seen.order.as_ref();
    let facts = &gathered.facts;
    let two = matches!(seen.kind, EventKind::Operator | EventKind::Refund);
    let confirmed = two && facts.second_needed && facts.second_confirmed;
    let second = order.filter(|_| confirmed);
    let second = second.and_then(|order| order.second.as_ref());
    if findings.len() < before || second.is_some() {
        let token = seen.lifted.as_ref().map(|(operator, _)| operator);
        let approver = order.and_then(|order| order.approver.as_ref());
        let whose = token.or(approver.map(|approver| &approver.login));
        let whose = whose.or(second.map(|second| &second.operator.login));
        let details = whose.map(|login| ("operator".to_owned(), Detail::Word(login.to_string())));
        let details = details.into_iter().collect();
        findings.push(Finding { details, ..floor(Reason::GrantedOverride, Class::Grant) });
    }
}

/// P2: what a request of a device is answered that is offline (parameter 58); an exit is never
/// refused for it.
fn offline(seen: &Seen, gathered: &Gathered) -> Option<Finding> {
    let (part, offline) = match seen.kind {
        EventKind::Entry => ("entry", seen.gate.offline),
        EventKind::LockerOpen | EventKind::LockerClose => ("locker", seen.gate.offline),
        EventKind::Sale => ("sale", seen.order.as_ref().is_some_and(|order| !order.online)),
        _ => return None,
    };
    let policy = gathered.value(Param::DeviceOfflinePolicy).part(part)?;
    (offline && policy.word() == "deny").then(|| floor(Reason::DeviceOffline, Class::Deny))
}

/// No verdict at all: an entry is refused, an exit opens with a warning.
fn unavailable(fault: &PolicyFault) -> Finding {
    let why = vec![("why".to_owned(), Detail::Word(fault.to_string()))];
    Finding { details: why, alarm: true, ..floor(Reason::PolicyUnavailable, Class::Deny) }
}

/// P2: `locked` binds an exit only beside a declared alternative, `out_of_service` never (I12).
fn gate_state(seen: &Seen, mode: &str) -> Option<Finding> {
    let locked = mode == "locked";
    let refused = locked || mode == "out_of_service";
    match seen.kind {
        EventKind::Entry if refused => Some(floor(Reason::GateLocked, Class::Deny)),
        EventKind::Exit if locked && seen.gate.egress_alternative => {
            Some(floor(Reason::GateLocked, Class::Hold))
        }
        _ => None,
    }
}

/// P6: while a passage is in progress, this credential gets no second one.
fn pending(seen: &Seen, drift: Span) -> Option<Finding> {
    let since = seen.holder.as_ref()?.presence.pending_since?;
    let class = match seen.kind {
        EventKind::Entry => Class::Deny,
        // A wall clock that was set back keeps nobody in.
        EventKind::Exit if since <= seen.at.plus(drift) => Class::Ignore,
        _ => return None,
    };
    Some(floor(Reason::PassagePending, class))
}

/// P3: what no rule file can grant. The rules name these first, with their own place; the floor
/// makes sure.
fn identity(seen: &Seen, found: &[Finding]) -> Option<Finding> {
    if seen.order.is_some() {
        return None;
    }
    let exit = seen.kind == EventKind::Exit;
    let reason = match &seen.holder {
        None => Reason::CredentialUnknown,
        Some(holder) => match holder.state {
            CredentialState::Lost | CredentialState::Stolen => Reason::CredentialLostStolen,
            _ if exit || holder.is_valid() => return presence_repair(seen),
            _ => Reason::CredentialNotValidNow,
        },
    };
    let named = found.iter().any(|one| one.reason == reason && one.class != Class::Warn);
    (!named).then(|| floor(reason, Class::Deny))
}

/// I7: a missing entry record never keeps a person in; it is corrected.
fn presence_repair(seen: &Seen) -> Option<Finding> {
    let presence = &seen.holder.as_ref()?.presence;
    let recorded = presence.inside > 0 && presence.behind;
    let repair = seen.kind == EventKind::Exit && !recorded;
    repair.then(|| floor(Reason::ExitRecordCorrected, Class::Grant))
}

/// P4: a house ban is judged on the way in, below the rules.
fn person(seen: &Seen) -> Option<Finding> {
    let blocked = seen.holder.as_ref().is_some_and(|holder| holder.blocked);
    let judged = blocked && seen.kind == EventKind::Entry;
    judged.then(|| floor(Reason::MemberBlocked, Class::Deny))
}

/// Nothing is paid from a wallet that nobody knows, and no wallet passes its bound without a rule
/// saying so: the floor makes sure.
fn offer(seen: &Seen, found: &[Finding]) -> Option<Finding> {
    let order = seen.order.as_ref()?;
    let needs_wallet = match seen.kind {
        EventKind::Sale => !order.wallet.is_zero(),
        EventKind::Topup => true,
        EventKind::Refund => order.from_wallet,
        _ => false,
    };
    let reason = match &seen.holder {
        None if needs_wallet => Reason::CredentialUnknown,
        Some(holder) => match holder.state {
            CredentialState::Lost | CredentialState::Stolen => Reason::CredentialLostStolen,
            CredentialState::Active => return None,
            _ if needs_wallet => Reason::CredentialNotValidNow,
            _ => return None,
        },
        None => return None,
    };
    let named = found.iter().any(|one| one.reason == reason);
    (needs_wallet && !named).then(|| floor(reason, Class::Deny))
}

/// P10: nobody approves what favours himself or his family, nor alone what two have to confirm
/// (I11). The rules name these first; the floor makes sure.
fn approved(seen: &Seen, gathered: &Gathered, found: &[Finding]) -> Vec<Finding> {
    let operator = seen.order.as_ref().and_then(|order| order.operator.as_ref());
    let facts = &gathered.facts;
    let two = matches!(seen.kind, EventKind::Operator | EventKind::Refund);
    let second = seen.order.as_ref().and_then(|order| order.second.as_ref());
    // Whoever comes too late or may not confirm it confirms nothing, needed or not.
    let asked = found.iter().any(|one| one.reason == Reason::DiscountNeedsApproval);
    let lacks = (two && facts.second_needed && !facts.second_confirmed)
        || (!asked && second.is_some_and(|second| !second.counts));
    let missing = [
        (operator.is_none_or(|one| one.favoured), Reason::OperatorNotPermitted),
        (lacks, Reason::SecondOperatorRequired),
    ];
    let named = |reason: Reason| found.iter().any(|one| one.reason == reason);
    let missing = missing.into_iter().filter(|(lacks, reason)| *lacks && !named(*reason));
    missing.map(|(_, reason)| floor(reason, Class::Deny)).collect()
}

/// P8: a charge that is booked is told, whatever the rules say of it.
fn charged(gathered: &Gathered, found: &[Finding]) -> Option<Finding> {
    let reason = Reason::OverstayCharged;
    let charge = gathered.bill.charge;
    let told = charge.is_zero() || found.iter().any(|one| one.reason == reason);
    let amount = vec![("amount".to_owned(), Detail::Money(charge))];
    (!told).then(|| Finding { details: amount, ..floor(reason, Class::Charge) })
}

/// The conditions of a hold that are not met here (section 8.1 of `decisions.md` of the
/// specification).
fn missing_for_hold(seen: &Seen, gathered: &Gathered, mode: &str) -> Vec<HoldCondition> {
    let gate = &seen.gate;
    let holder = seen.holder.as_ref();
    let spared = holder.is_some_and(|holder| holder.is_minor() || holder.protected);
    let child = holder.is_some_and(Holder::is_minor);
    let doubt = holder.is_none_or(|holder| {
        matches!(holder.state, CredentialState::Lost | CredentialState::Stolen)
    });
    let visit = seen.visit().filter(|_| holder.is_some_and(|holder| holder.presence.inside > 0));
    let most = gathered.hold_max();
    let left = visit.map(|visit| visit.hold_left(most, seen.at).0 > 0);
    [
        (gate.egress_alternative, HoldCondition::EgressAlternative),
        (gate.attended, HoldCondition::DeskOrPayPoint),
        (!spared, HoldCondition::MayBeHeld),
        (mode != "out_of_service" && !gate.crowded, HoldCondition::CalmExit),
        (left != Some(false), HoldCondition::TimeLeft),
        (!gate.hold_spent, HoldCondition::IdentityTimeLeft),
        (left.is_some(), HoldCondition::EntryOnRecord),
        (gate.desk, HoldCondition::Desk),
        (child, HoldCondition::KnownChild),
        (doubt, HoldCondition::IdentityInDoubt),
    ]
    .into_iter()
    .filter_map(|(met, condition)| (!met).then_some(condition))
    .collect()
}
