//! What must be true after every step, whatever happened and whatever the rules say.
//!
//! It keeps books of its own from what went in and what came out, and asks nothing of the code that
//! decides. Time is real time here: what our clock shows, less what somebody set it by.

mod commands;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    decision::Decision,
    event::Happening,
    facts::EventKind,
    ids::{DecisionId, VisitId},
    order::What,
    reasons::{Class, Reason},
    state::{Answer, Batch, HoldEnd, Input, Noted},
    time::Timestamp,
    verdict::{Outcome, Verdict},
};
use tests::world::World;

use crate::{books::Books, policies::Drawn, rows, surroundings::Surroundings};

/// Holds that are bounded by the visit.
const VISIT_HOLDS: &[Reason] =
    &[Reason::CredentialNotReturned, Reason::DebtExitHold, Reason::LockerOccupiedAtExit];
const IDENTITY_HOLDS: &[Reason] = &[Reason::CredentialUnknown, Reason::CredentialLostStolen];
/// No rule makes a hold longer, in seconds.
const HOLD_MOST: i64 = 1800;
/// Who is spared a hold for money: known to be under 18 and not typed an adult, or protected.
const SPARED: &[&str] = &["minor", "almost", "child", "slow", "ill"];
/// Who is known to be under 18.
const CHILDREN: &[&str] = &["minor", "almost", "child"];
/// The birthday on which `almost` is 18.
const ALMOST: &str = "2026-09-17 00:00:00";
const SECOND: i64 = 1_000_000;

/// An override that is asked for.
#[derive(Clone)]
pub(crate) struct Lifted {
    pub(crate) uid: String,
    pub(crate) gate: String,
    pub(crate) kind: EventKind,
}

/// One step that was made.
pub(crate) struct Step<'a> {
    pub(crate) world: &'a World,
    pub(crate) rules: &'a Drawn,
    pub(crate) lifted: Option<Lifted>,
    pub(crate) answer: &'a Answer,
}

impl Step<'_> {
    fn batch(&self) -> &Batch {
        &self.world.last
    }
}

/// The holds of one visit.
#[derive(Default)]
struct Held {
    /// What those that are over lasted.
    before: i64,
    /// When the one that runs began.
    since: Option<i64>,
}

/// What was seen so far.
pub(crate) struct Oracle {
    pub(crate) tally: BTreeMap<String, u64>,
    around: Surroundings,
    books: Books,
    /// The step begins or ends an emergency, so that its requests belong to neither.
    changing: bool,
    orders_reset: Option<(String, Option<String>)>,
    unanswered: bool,
    visits: BTreeMap<VisitId, Held>,
    held_visit: BTreeMap<DecisionId, VisitId>,
    /// When each credential was first held at a gate for its identity, and for how long at most.
    identity: BTreeMap<(String, String), (i64, i64)>,
    stolen: BTreeSet<String>,
    /// Cards that a slot took: whoever stole them, they came back.
    collected: BTreeSet<String>,
    tokens: Vec<(Lifted, Vec<Reason>, i64)>,
}

impl Oracle {
    pub(crate) fn new() -> Self {
        Self {
            tally: BTreeMap::new(),
            around: Surroundings::default(),
            books: Books::default(),
            changing: false,
            orders_reset: None,
            unanswered: false,
            visits: BTreeMap::new(),
            held_visit: BTreeMap::new(),
            identity: BTreeMap::new(),
            stolen: BTreeSet::from(["stolen".to_owned()]),
            collected: BTreeSet::new(),
            tokens: Vec::new(),
        }
    }

    /// What a site begins with.
    pub(crate) fn begins(&mut self, world: &World) {
        self.books.begins(world);
    }

    fn counted(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    /// What goes in.
    pub(crate) fn before(&mut self, input: &Input) {
        self.changing = false;
        self.orders_reset = None;
        self.unanswered = matches!(input, Input::Unanswered(_));
        match input {
            Input::Device(event) => {
                self.changing = matches!(event.happening, Happening::FireInput { .. });
                if let Happening::Order(order) = &event.happening
                    && let What::Act(act) = &order.what
                    && act.action == "emergency_reset"
                {
                    let second = order.second.as_ref().map(|second| second.operator.to_string());
                    self.orders_reset = Some((order.operator.to_string(), second));
                    self.changing = true;
                }
                if let Happening::Collected { uid } = &event.happening {
                    self.collected.insert(uid.to_string());
                }
                self.around.told(event);
            }
            Input::Terminal { terminal, state } => {
                self.around.terminal(terminal.as_str(), state);
            }
            Input::ClockStepped { by } => self.around.stepped(*by),
            _ => {}
        }
        let name = format!("{input:?}");
        let name = match input {
            Input::Device(event) => format!("{:?}", event.happening),
            _ => name,
        };
        let word = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        self.counted(format!("in: {word}"));
    }

    /// A card was reported.
    pub(crate) fn reported(&mut self, who: &str, stolen: bool) {
        if stolen {
            self.stolen.insert(who.to_owned());
        } else {
            self.stolen.remove(who);
        }
    }

    /// A message that came before changes nothing.
    pub(crate) fn comes_again(&mut self, batch: &Batch) -> Result<(), String> {
        self.counted("in: again");
        let nothing =
            batch.is_empty() && batch.transactions.is_empty() && batch.commands.is_empty();
        if nothing { Ok(()) } else { Err(format!("a repeat took effect: {batch:?}")) }
    }

    /// One step was made.
    pub(crate) fn looks(&mut self, step: &Step<'_>) -> Result<(), String> {
        self.emergency(step)?;
        for entry in &step.batch().journal {
            self.notes(step, entry.at, &entry.noted)?;
        }
        for decision in &step.batch().decisions {
            self.decided(step, decision).map_err(|why| told(&why, decision))?;
        }
        self.held_on(step)?;
        self.commands(step)?;
        self.books.booked(step.world, &self.around, &mut self.tally)?;
        rows::presence(step.world)
    }

    /// Released stays released until the inputs rest and two people say so (I3).
    fn emergency(&mut self, step: &Step<'_>) -> Result<(), String> {
        let latched = step.world.state.tables.emergency.peek(&());
        match (self.around.emergency, latched) {
            (None, Some(row)) if self.around.is_burning() => {
                self.counted("emergencies");
                self.around.emergency = Some(self.around.real(row.started));
                Ok(())
            }
            (None, Some(_)) => Err("an emergency that nobody reported".to_owned()),
            (Some(_), None) => {
                let (one, other) =
                    self.orders_reset.clone().ok_or("an emergency ended by itself")?;
                let other = other.unwrap_or_default();
                let two = !one.trim().is_empty() && !other.trim().is_empty() && one != other;
                if !two || self.around.is_burning() {
                    return Err(format!("wrongly reset: by `{one}` and `{other}`"));
                }
                self.counted("resets");
                self.around.emergency_is_over(step.world.now);
                Ok(())
            }
            (None, None) if self.around.is_burning() && self.changing => {
                Err("a fire is no emergency".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn notes(&mut self, step: &Step<'_>, at: Timestamp, noted: &Noted) -> Result<(), String> {
        match noted {
            Noted::HoldEnded { decision, how } => {
                self.counted(format!("hold ended: {how:?}"));
                let held = self.held_visit.get(decision).and_then(|id| self.visits.get_mut(id));
                if let Some(held) = held.filter(|_| *how != HoldEnd::Escalated)
                    && let Some(since) = held.since.take()
                {
                    held.before += (self.around.real(at) - since).max(0);
                }
                Ok(())
            }
            Noted::Overridden { operator, second, codes, until, .. } => {
                self.counted("overrides");
                let lifted = step.lifted.clone().ok_or("an override that nobody asked for")?;
                let own = |login: &str| {
                    login == "mother" && ["mother", "father", "child"].contains(&&*lifted.uid)
                };
                let second = second.as_ref().map(|one| one.operator.as_str());
                let two = [
                    Reason::MemberBlocked,
                    Reason::ZoneFull,
                    Reason::PickupNotAuthorised,
                    Reason::RefundNeedsApproval,
                    Reason::CashDrawerLimit,
                ];
                if own(operator.as_str()) {
                    return Err(format!("lifts what favours the own family: `{operator}`"));
                }
                if codes.iter().any(|code| two.contains(code))
                    && second.is_none_or(|second| second == operator.as_str() || own(second))
                {
                    return Err(format!(
                        "not two people: `{operator}` and {second:?} lift {codes:?}"
                    ));
                }
                let until = self.around.real(*until);
                self.tokens.push((lifted, codes.clone(), until));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn decided(&mut self, step: &Step<'_>, decision: &Decision) -> Result<(), String> {
        let outcome = decision.verdict.outcome;
        self.counted(format!("out: {} {}", decision.kind.name(), outcome.name()));
        for found in &decision.verdict.reasons {
            self.counted(format!("reason: {}", found.reason.code()));
        }
        match outcome {
            Outcome::Deny if decision.kind == EventKind::Exit => {
                return Err("an exit is refused".to_owned());
            }
            Outcome::Hold if decision.kind != EventKind::Exit => {
                return Err("something else than an exit is held".to_owned());
            }
            Outcome::Release if decision.kind != EventKind::Exit => {
                return Err("something else than an exit is released".to_owned());
            }
            _ => {}
        }
        let who = uid_of(step.world, decision);
        self.lifts(decision, &who)?;
        if self.around.emergency.is_some() && !self.changing {
            match (decision.kind, outcome) {
                (EventKind::Exit, Outcome::Release) | (EventKind::Entry, Outcome::Deny) => {}
                (EventKind::Exit | EventKind::Entry, _) => {
                    return Err("not what an emergency answers".to_owned());
                }
                _ => {}
            }
        }
        if decision.kind == EventKind::Entry && outcome.opens() {
            self.let_in(step, decision, &who)?;
        }
        if outcome == Outcome::Hold {
            self.holds(step, decision, &who)?;
        }
        self.around.read_at(decision, &who);
        Ok(())
    }

    /// Nothing is lifted without a token that lifts it, and nothing that cannot be.
    fn lifts(&mut self, decision: &Decision, who: &str) -> Result<(), String> {
        let gate = matches!(decision.kind, EventKind::Entry | EventKind::Exit);
        if !gate || !has(&decision.verdict, Reason::GrantedOverride) {
            return Ok(());
        }
        self.counted("override used");
        match self.token(decision, who) {
            Some(_) => Ok(()),
            None => Err("an override without a token".to_owned()),
        }
    }

    fn token(&self, decision: &Decision, who: &str) -> Option<Vec<Reason>> {
        let at = self.around.real(decision.at);
        let fits = |one: &&(Lifted, Vec<Reason>, i64)| {
            one.0.uid == who
                && one.0.gate == decision.device.as_str()
                && one.0.kind == decision.kind
                && at <= one.2
        };
        let codes: Vec<_> = self.tokens.iter().filter(fits).flat_map(|one| one.1.clone()).collect();
        (!codes.is_empty()).then_some(codes)
    }

    /// Nobody comes in with a credential that is not valid.
    fn let_in(&self, step: &Step<'_>, decision: &Decision, who: &str) -> Result<(), String> {
        if step.rules.mode(decision.device.as_str()) == "free" {
            return Ok(());
        }
        let stolen = self.stolen.contains(who) && !self.collected.contains(who);
        if who == "nobody" || who.starts_with("stranger") || stolen {
            return Err("let in with a credential that nobody may lift".to_owned());
        }
        let at = decision.at;
        let needs = match who {
            "ended" if at >= step.world.time("2026-09-15 10:00:00") => {
                Reason::CredentialNotValidNow
            }
            "early" if at < step.world.time("2026-12-01 00:00:00") => Reason::CredentialNotValidNow,
            _ => return Ok(()),
        };
        let token = self.token(decision, who).unwrap_or_default();
        if token.contains(&needs) {
            return Ok(());
        }
        Err(format!("let in against {}", needs.code()))
    }

    /// What a hold needs, whatever a rule wants.
    fn holds(&mut self, step: &Step<'_>, decision: &Decision, who: &str) -> Result<(), String> {
        let held = |reason: &Reason| {
            let mut all = decision.verdict.reasons.iter();
            all.any(|found| found.reason == *reason && found.class == Class::Hold)
        };
        let gate = decision.device.as_str();
        let mode = step.rules.mode(gate);
        let locked = held(&Reason::GateLocked);
        let pickup = held(&Reason::PickupNotAuthorised);
        let money = VISIT_HOLDS.iter().any(held);
        let identity = IDENTITY_HOLDS.iter().any(held);
        if !(locked || pickup || money || identity) {
            return Err("held for what holds nobody".to_owned());
        }
        if locked && mode != "locked" {
            return Err("held at a gate that is not locked".to_owned());
        }
        if (locked || money || identity) && !["FRONT", "SIDE", "DEEP", "INNER"].contains(&gate) {
            return Err("held without another way out".to_owned());
        }
        if (money || identity) && !self.around.is_attended(gate) {
            return Err("held where nobody can help".to_owned());
        }
        if pickup && !self.around.has_desk(gate) {
            return Err("a child is held without a desk".to_owned());
        }
        let calm = mode != "out_of_service" && !self.around.is_crowded(decision, who);
        if (money || identity || pickup) && !calm {
            return Err("held in a crowd, or at a gate out of service".to_owned());
        }
        let grown = who == "almost" && decision.at >= step.world.time(ALMOST);
        if money && SPARED.contains(&who) && !grown {
            return Err("somebody who is spared is held for money".to_owned());
        }
        if pickup && (!CHILDREN.contains(&who) || grown) {
            return Err("somebody who is no child is held to be picked up".to_owned());
        }
        if identity && !(who == "nobody" || who.starts_with("str") || self.stolen.contains(who)) {
            return Err("held for an identity that is in no doubt".to_owned());
        }
        let most = step.rules.hold_max(gate) * SECOND;
        if money || pickup {
            self.holds_visit(decision, (money, most))?;
        }
        if identity {
            self.holds_identity(decision, (who, most))?;
        }
        Ok(())
    }

    fn holds_visit(
        &mut self,
        decision: &Decision,
        (money, most): (bool, i64),
    ) -> Result<(), String> {
        let holder = decision.seen.as_ref().and_then(|seen| seen.holder.as_ref());
        let visit = holder.and_then(|holder| holder.presence.visit.as_ref());
        let Some(visit) = visit else {
            let why = "held for money without an entry on record";
            return if money { Err(why.to_owned()) } else { Ok(()) };
        };
        self.held_visit.insert(decision.id, visit.id);
        if !money {
            return Ok(());
        }
        let at = self.around.real(decision.at);
        let held = self.visits.entry(visit.id).or_default();
        let total = held.before + held.since.map_or(0, |since| (at - since).max(0));
        if total >= most {
            return Err(format!("held after {} s of {}", total / SECOND, most / SECOND));
        }
        held.since.get_or_insert(at);
        Ok(())
    }

    fn holds_identity(
        &mut self,
        decision: &Decision,
        (who, most): (&str, i64),
    ) -> Result<(), String> {
        let at = self.around.real(decision.at);
        let key = (who.to_owned(), decision.device.to_string());
        let (since, bound) = *self.identity.entry(key.clone()).or_insert((at, most));
        // What is long over may be forgotten.
        if at - since >= bound + 3600 * SECOND {
            self.identity.insert(key, (at, most));
        } else if at > since && at - since >= bound {
            let lasted = (at - since) / SECOND;
            return Err(format!("held for an identity after {lasted} s of {}", bound / SECOND));
        }
        Ok(())
    }

    /// No hold of a visit goes on without an end.
    fn held_on(&self, step: &Step<'_>) -> Result<(), String> {
        let now = self.around.real(step.world.now);
        let tables = &step.world.state.tables;
        let kept = |id: &VisitId| {
            let mut all = tables.presence.iter().filter_map(|(_, row)| row.visit.as_ref());
            all.any(|visit| visit.id == *id && visit.hold.as_ref().is_some_and(|hold| hold.pickup))
        };
        let too_long = self.visits.iter().find(|(id, held)| {
            held.since.is_some_and(|since| now - since > HOLD_MOST * SECOND) && !kept(id)
        });
        match too_long {
            // The tick of the same step ends it.
            Some((id, _)) if step.batch().is_empty() => Err(format!("held on for ever: {id}")),
            _ => Ok(()),
        }
    }

    /// In the end nothing waits, holds or is promised any more.
    pub(crate) fn nothing_lasts(&self, world: &World) -> Result<(), String> {
        rows::nothing_lasts(world, &self.around)
    }
}

fn has(verdict: &Verdict, reason: Reason) -> bool {
    verdict.reasons.iter().chain(&verdict.also).any(|found| found.reason == reason)
}

fn uid_of(world: &World, decision: &Decision) -> String {
    match &decision.unknown_uid {
        Some(uid) => uid.to_string(),
        None => world.uid_of(decision).unwrap().to_string(),
    }
}

fn told(why: &str, decision: &Decision) -> String {
    let verdict = &decision.verdict;
    let codes: Vec<_> = verdict
        .reasons
        .iter()
        .map(|found| format!("{} {:?}", found.reason.code(), found.class))
        .collect();
    let (kind, gate) = (decision.kind.name(), &decision.device);
    format!("{why}: {kind} at {gate} {}: {:?} of {codes:?}", decision.at, verdict.outcome)
}
