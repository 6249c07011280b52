//! The emergency floor: released stays released until the fire system is at rest and two operators
//! confirm (I3).
//!
//! The gates themselves are released on the fire road of `devices`, before this runs; here it is
//! recorded, and everything that follows from it: nothing is charged, visits end, entries stay
//! shut.

use crate::{
    combine::Combined,
    command::{Action, COMMAND_TTL, Command},
    event::Direction,
    facts::EventKind,
    gather::Gathered,
    ids::{CommandId, DeviceId},
    look::Asked,
    money::Money,
    reasons::{Class, Condition, Reason},
    rows::{
        Emergency, Occupancy, Presence, ReservationKey, ReservationState, Visit, WaitingKey,
        WaitsFor,
    },
    seen::{Holder, Seen},
    state::{Entry, HoldEnd, Noted},
    step::{Message, Step},
    time::Span,
    verdict::{Finding, Outcome},
};

impl Step<'_> {
    /// What an active emergency answers to a request, before anything else is asked (P1).
    pub(crate) fn emergency_answer(&mut self, direction: Direction) -> Option<(Outcome, Finding)> {
        self.state.tables.emergency.read(&())?;
        let floor = crate::combine::floor;
        Some(match direction {
            Direction::Exit => (Outcome::Release, floor(Reason::EmergencyRelease, Class::Release)),
            Direction::Entry => (Outcome::Deny, floor(Reason::EmergencyEntryClosed, Class::Deny)),
        })
    }

    /// What an emergency answers, and what is to be known with it.
    pub(crate) fn released(&mut self, seen: &Seen, answer: (Outcome, Finding)) -> Combined {
        let (outcome, finding) = answer;
        let also = self.leaves_alone(seen);
        Combined { also, ..Combined::only(outcome, finding) }
    }

    /// A child that an emergency lets out without its guardian: the alarm that somebody looks for
    /// it (parameter 39).
    fn leaves_alone(&mut self, seen: &Seen) -> Vec<Finding> {
        let child = seen.holder.as_ref().is_some_and(Holder::is_minor);
        if !child || seen.kind != EventKind::Exit {
            return Vec::new();
        }
        let zone = self.state.site.time_zone.clone();
        let (_, combined) = self.judged(seen, &zone);
        let found = combined.reasons.into_iter().chain(combined.also);
        let alone = found.filter(|found| found.reason == Reason::PickupNotAuthorised);
        alone.map(|found| Finding { class: Class::Warn, alarm: true, ..found }).collect()
    }

    pub(crate) fn fire_input(&mut self, message: &Message, active: bool) {
        let changed = self.device_state(&message.device, |known| known.fire = active);
        if !active {
            if changed && self.state.tables.emergency.peek(&()).is_some() {
                self.note(message, Condition::EmergencyInputCleared, String::new());
            }
            return;
        }
        if self.state.tables.emergency.read(&()).is_some() {
            return;
        }
        let row = Emergency { started: message.at, source: message.device.clone() };
        self.state.tables.emergency.put((), row);
        self.note(message, Condition::EmergencyStarted, String::new());
        self.drop_live_reservations(message);
        self.answer_waiting(message);
        self.end_visits(message);
    }

    /// Nobody waits for anybody any more: the emergency answers.
    fn answer_waiting(&mut self, message: &Message) {
        let waiting: Vec<WaitingKey> =
            self.state.tables.waiting.iter().map(|(key, _)| key.clone()).collect();
        for key in waiting {
            let Some(row) = self.forget_waiting(&key) else { continue };
            let asked = Asked::of(message.at, row.kind, key.gate.clone(), key.uid);
            if row.on != WaitsFor::Guardian {
                let message = Message { device: key.gate, source: None, ..message.clone() };
                self.answered_by_emergency(&message, &asked);
            }
        }
    }

    /// Whether an emergency answers a request that is decided once more.
    pub(crate) fn answered_by_emergency(&mut self, message: &Message, asked: &Asked) -> bool {
        let site = self.state.site.clone();
        let Some((outcome, finding)) = self.emergency_answer(asked.direction()) else {
            return false;
        };
        if let Some(gate) = site.gates.get(&asked.device) {
            let seen = self.look(asked, gate);
            let combined = self.released(&seen, (outcome, finding));
            self.decide_alone(message, asked, combined, seen);
        }
        true
    }

    /// Every visit ends here, and every hold: nothing is charged, and what an overstay would have
    /// cost is only noted (I6).
    fn end_visits(&mut self, message: &Message) {
        let tables = &self.state.tables;
        let open = tables.presence.iter().filter(|(_, row)| row.visit.is_some());
        let open: Vec<_> = open.map(|(credential, _)| *credential).collect();
        for credential in open {
            let mut presence = self.presence_of(credential);
            let Some(mut visit) = presence.visit.clone() else { continue };
            self.note_unbilled(&visit, message);
            let how = (HoldEnd::Emergency, Span(0));
            self.end_hold(credential, &mut visit, message.at, how);
            presence.visit = None;
            self.state.tables.presence.put(credential, presence);
        }
    }

    fn note_unbilled(&mut self, visit: &Visit, message: &Message) {
        let site = self.state.site.clone();
        let street = site.gates.iter().find(|(_, gate)| gate.leads_outside());
        let Some((device, gate)) = street else { return };
        let (at, kind, uid) = (message.at, EventKind::Exit, visit.uid.clone());
        let asked = Asked::of(at, kind, device.clone(), uid);
        let seen = self.look(&asked, gate);
        let Some(member) = seen.holder.as_ref().map(|holder| holder.member) else { return };
        let gathered = Gathered::of(&seen, &self.values, &site.time_zone);
        let amount = gathered.facts.overstay_charge;
        if amount > Money::ZERO {
            self.journal(message, Noted::Unbilled { visit: visit.id, member, amount });
        }
    }

    /// Whoever was granted a passage is not charged for it: the gates stand open.
    fn drop_live_reservations(&mut self, message: &Message) {
        let live: Vec<ReservationKey> = self
            .state
            .tables
            .reservations
            .iter()
            .filter(|(_, row)| row.state == ReservationState::Live)
            .map(|(key, _)| key.clone())
            .collect();
        for key in live {
            self.lapse(&key, message.at);
        }
    }

    /// Two operators end the emergency. Presence counts everybody as out, and anti-passback is
    /// forgiven.
    pub(crate) fn reset_emergency(&mut self, operators: [String; 2]) {
        if self.reset_obstacle().is_some() {
            return;
        }
        let started = self.state.tables.emergency.read(&()).map(|row| row.started);
        self.state.beside.last_emergency = started.map(|started| (started, self.now));
        self.state.tables.emergency.remove(());
        self.forget_grants();
        self.everybody_is_out();
        let noted = Noted::EmergencyReset { operators };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
    }

    /// What keeps an emergency from being reset, whoever asks.
    pub(crate) fn reset_obstacle(&mut self) -> Option<String> {
        if self.state.tables.emergency.read(&()).is_none() {
            return Some("there is no emergency to reset".to_owned());
        }
        let burning = self.state.tables.devices.iter().find(|(_, known)| known.fire);
        burning.map(|(device, _)| {
            format!("the fire input of `{device}` is still active; reset the fire system first")
        })
    }

    /// What was granted before belongs to nobody any more: a late message about it begins no visit
    /// and costs nothing.
    fn forget_grants(&mut self) {
        let reservations = &mut self.state.tables.reservations;
        let keys: Vec<ReservationKey> = reservations.iter().map(|(key, _)| key.clone()).collect();
        for key in keys {
            reservations.remove(key);
        }
    }

    fn everybody_is_out(&mut self) {
        let tables = &mut self.state.tables;
        let known = |(key, row): (&_, &Presence)| (*row != Presence::default()).then_some(*key);
        let people: Vec<_> = tables.presence.iter().filter_map(known).collect();
        for credential in people {
            tables.presence.put(credential, Presence::default());
        }
        let zones: Vec<_> = tables.occupancy.iter().map(|(zone, _)| zone.clone()).collect();
        for zone in zones {
            tables.occupancy.put(zone, Occupancy::default());
        }
    }

    /// Puts a command into the outbox.
    pub(crate) fn command(
        &mut self,
        device: DeviceId,
        decision: Option<crate::ids::DecisionId>,
        action: Action,
    ) {
        if self.answered {
            return;
        }
        let id = CommandId(self.state.ids.make(self.now));
        let epoch = self.state.epoch;
        let command =
            Command { id, device, decision, issued: self.now, ttl: COMMAND_TTL, epoch, action };
        self.batch.commands.push(command);
    }
}
