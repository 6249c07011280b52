//! What is around the gates, as it was told to the site: fires, terminals, crowds, the real time.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    decision::Decision,
    event::{DeviceEvent, Happening},
    facts::EventKind,
    rows::Terminal,
    time::{Span, Timestamp},
    verdict::Outcome,
};

/// A crowd is more than ten people within a minute.
const CROWD: usize = 11;
const MINUTE: i64 = 60_000_000;

/// What was told.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// What our clock was set by.
    stepped: i64,
    was_set: bool,
    fires: BTreeSet<String>,
    terminals: BTreeMap<String, (bool, bool)>,
    /// Who was read at an exit, and when.
    reads: BTreeMap<String, Vec<(String, i64)>>,
    /// When the emergency began that is latched.
    pub(crate) emergency: Option<i64>,
    /// Emergencies that are over.
    past: Vec<(i64, i64)>,
}

impl Surroundings {
    /// The real time of an instant of our clock.
    pub(crate) const fn real(&self, at: Timestamp) -> i64 {
        at.micros() - self.stepped
    }

    pub(crate) const fn stepped(&mut self, by: Span) {
        self.stepped += by.0;
        self.was_set = true;
    }

    /// Whether somebody ever set the clock.
    pub(crate) const fn is_set(&self) -> bool {
        self.was_set
    }

    pub(crate) fn told(&mut self, event: &DeviceEvent) {
        if let Happening::FireInput { active } = event.happening {
            let gate = event.device.to_string();
            if active {
                self.fires.insert(gate);
            } else {
                self.fires.remove(&gate);
            }
        }
    }

    pub(crate) fn terminal(&mut self, id: &str, state: &Terminal) {
        self.terminals.insert(id.to_owned(), (state.online, state.operator.is_some()));
    }

    pub(crate) fn is_burning(&self) -> bool {
        !self.fires.is_empty()
    }

    pub(crate) fn emergency_is_over(&mut self, now: Timestamp) {
        if let Some(began) = self.emergency.take() {
            self.past.push((began, self.real(now)));
        }
    }

    /// Whether an instant lies in an emergency.
    pub(crate) fn in_emergency(&self, at: i64) -> bool {
        self.emergency.is_some_and(|began| at >= began)
            || self.past.iter().any(|(began, over)| (*began..*over).contains(&at))
    }

    /// Whether somebody is at the gate's desk.
    pub(crate) fn has_desk(&self, gate: &str) -> bool {
        let (online, signed_in) = self.terminals.get("desk-1").copied().unwrap_or((true, true));
        gate != "SIDE" && gate != "BARE" && online && signed_in
    }

    /// Whether one can pay at the gate.
    pub(crate) fn is_attended(&self, gate: &str) -> bool {
        let (online, _) = self.terminals.get("pay-1").copied().unwrap_or_default();
        self.has_desk(gate) || (gate == "SIDE" && online)
    }

    /// A read that was answered.
    pub(crate) fn read_at(&mut self, decision: &Decision, who: &str) {
        let counted = [Outcome::Grant, Outcome::GrantWithWarning, Outcome::Hold];
        if decision.kind == EventKind::Exit && counted.contains(&decision.verdict.outcome) {
            let at = self.real(decision.at);
            let reads = self.reads.entry(decision.device.to_string()).or_default();
            reads.push((who.to_owned(), at));
        }
    }

    /// Whether people crowd at the exit. Where messages came out of their order or somebody set the
    /// clock, nobody can tell.
    pub(crate) fn is_crowded(&self, decision: &Decision, who: &str) -> bool {
        let now = self.real(decision.at);
        let Some(reads) = self.reads.get(decision.device.as_str()) else { return false };
        let recent = reads.iter().filter(|(_, at)| now - at < MINUTE);
        let others: BTreeSet<_> =
            recent.map(|(uid, _)| uid.as_str()).filter(|uid| *uid != who).collect();
        let ordered = reads.iter().all(|(_, at)| *at <= now) && !self.was_set;
        ordered && others.len() + 1 >= CROWD
    }
}
