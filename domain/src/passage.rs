//! Passages: facts that commit what a grant promised. Fact beats permission.

use crate::{
    event::Direction,
    ids::{DecisionId, Uid, VisitId},
    ledger::Charged,
    money::Money,
    reasons::Condition,
    rows::{
        ChargeFor, Credential, CredentialState, Left, Reservation, ReservationKey,
        ReservationState, Visit,
    },
    state::{HoldEnd, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
};

/// A passage this soon after a grant ended is still booked to its credential (our choice).
const NEAR_MISS: Span = Span::seconds(10);

impl Step<'_> {
    /// One person went through.
    pub(crate) fn passage(
        &mut self,
        message: &Message,
        direction: Direction,
        decision: Option<DecisionId>,
    ) {
        match self.reservation_of(message, direction, decision) {
            Some((key, row)) => {
                self.booked(message, &key, &row, Condition::PassageMade);
            }
            None => self.passed_unexpected(message, direction, decision),
        }
    }

    /// The reservation that a passage at this time uses: the one of the decision that it names,
    /// else the oldest.
    fn reservation_of(
        &self,
        message: &Message,
        direction: Direction,
        decision: Option<DecisionId>,
    ) -> Option<(ReservationKey, Reservation)> {
        let in_time = |row: &Reservation| match (row.state, row.expires) {
            (ReservationState::Live, None) => decision.is_some(),
            (_, Some(ends)) => row.granted <= message.at && message.at <= ends,
            (ReservationState::Lapsed { .. }, None) => false,
        };
        if let Some(decision) = decision {
            let named = self.of_decision(&message.device, direction, decision);
            return named.filter(|(_, row)| in_time(row));
        }
        // Live ones first: a late message of a lapsed grant comes without a decision only from
        // simple devices.
        let is_live = |row: &Reservation| row.state == ReservationState::Live;
        let live = |row: &Reservation| is_live(row) && in_time(row);
        let lapsed = |row: &Reservation| !is_live(row) && in_time(row);
        self.first_at_gate(&message.device, direction, live)
            .or_else(|| self.first_at_gate(&message.device, direction, lapsed))
    }

    /// Somebody went through without a grant, or after it had ended.
    pub(crate) fn unexpected(&mut self, message: &Message, direction: Direction) {
        self.passed_unexpected(message, direction, None);
    }

    /// A passage that names its decision is nobody else's, however late it is. Where the device
    /// has no clock, its message may have waited for a connection, and tells nothing of when the
    /// passage was made: then it is booked to whom it names.
    fn passed_unexpected(
        &mut self,
        message: &Message,
        direction: Direction,
        decision: Option<DecisionId>,
    ) {
        let timeless = decision.is_some() && message.at == message.received;
        let near = self.first_at_gate(&message.device, direction, |row| {
            decision.is_none_or(|named| row.decision == named)
                && row.ended().is_some_and(|ended| {
                    let late = message.at.since(ended);
                    late.0 > 0 && (timeless || late < NEAR_MISS)
                })
        });
        if let Some((key, row)) = near {
            self.booked(message, &key, &row, Condition::PassageUnexpected);
            return;
        }
        let zones = self.zones_crossed(&message.device);
        let step = if direction == Direction::Entry { 1 } else { -1 };
        self.count(&zones, |zone| zone.inside += step);
        self.passage_noted(message, direction, None, Condition::PassageUnexpected);
    }

    /// The device withdrew a grant before anybody passed.
    pub(crate) fn aborted(
        &mut self,
        message: &Message,
        direction: Direction,
        decision: Option<DecisionId>,
    ) {
        let found = match decision {
            Some(decision) => self.of_decision(&message.device, direction, decision),
            None => {
                let live = |row: &Reservation| row.state == ReservationState::Live;
                self.first_at_gate(&message.device, direction, live)
            }
        };
        if let Some((key, _)) = found {
            self.lapse(&key, message.at);
        }
    }

    fn passage_noted(
        &mut self,
        message: &Message,
        direction: Direction,
        decision: Option<DecisionId>,
        condition: Condition,
    ) {
        let direction = Some(direction);
        let noted = Noted::Condition { condition, decision, direction, detail: String::new() };
        self.journal(message, noted);
    }

    /// Books a passage to its reservation, once: the row is gone afterwards.
    fn booked(
        &mut self,
        message: &Message,
        key: &ReservationKey,
        row: &Reservation,
        condition: Condition,
    ) {
        let live = row.state == ReservationState::Live;
        if live {
            self.stop(key, row);
        }
        if !row.booked {
            if live {
                self.roll_back(key, row);
            }
            self.book(key, row, message.at);
        }
        self.state.tables.reservations.remove(key.clone());
        self.passage_noted(message, key.direction, Some(row.decision), condition);
        if live {
            self.call_next(key, message.at);
        }
    }

    /// The effects of a passage: presence, occupancy, visit, charge.
    pub(crate) fn book(&mut self, key: &ReservationKey, row: &Reservation, at: Timestamp) {
        self.use_token(&row.uid, &key.device);
        let crossed = self.zones_crossed(&key.device);
        let mut presence = self.presence_of(row.credential);
        let gate = self.state.site.gates.get(&key.device).cloned();
        match key.direction {
            Direction::Entry => {
                self.count(&crossed, |zone| zone.inside += 1);
                let from_outside = gate.as_ref().is_some_and(crate::site::Gate::leads_outside);
                if from_outside || presence.inside == 0 {
                    // Who comes in twice on one card is inside once: it counts its people.
                    let known = self.state.tables.credentials.read(&row.uid);
                    let people = known.map_or(1, |known| known.party_size.max(1));
                    presence.inside = presence.inside.saturating_add(1).min(people);
                }
                presence.zone = gate.map(|gate| gate.inner);
                presence.entered = Some(at);
                if let Some(visit) = presence.visit.as_mut() {
                    self.turned_back(row.credential, visit, at);
                }
                if presence.visit.is_none() && row.comes_back {
                    presence.visit = presence.left.take().map(|left| left.visit);
                }
                // A visit that began meanwhile, by another grant, is not begun and paid again.
                if let Some(id) = row.starts_visit.filter(|_| presence.visit.is_none()) {
                    presence.visit = Some(self.begin_visit((key, id), row, at));
                    presence.left = None;
                } else if let Some(visit) = presence.visit.as_mut() {
                    self.book_surcharges((key, visit), row, at);
                }
                if let Some(visit) = presence.visit.as_mut().filter(|_| from_outside) {
                    visit.entries = visit.entries.saturating_add(1);
                }
            }
            Direction::Exit => {
                self.count(&crossed, |zone| zone.inside -= 1);
                let outer = gate.and_then(|gate| gate.outer);
                let outer_is_street = outer.is_none();
                if outer_is_street {
                    presence.inside = presence.inside.saturating_sub(1);
                }
                if outer.is_some() || presence.inside == 0 {
                    presence.zone = outer;
                }
                if let Some(visit) = presence.visit.as_mut().filter(|_| outer_is_street) {
                    self.book_overstay((key, visit), row, at);
                }
                if outer_is_street {
                    self.unlink(&row.uid);
                }
                if presence.inside == 0 {
                    let mut visit = presence.visit.take();
                    if let Some(visit) = visit.as_mut() {
                        self.end_hold(row.credential, visit, at, (HoldEnd::Left, Span(0)));
                    }
                    presence.left = visit.map(|visit| Left { at, visit });
                }
            }
        }
        self.state.tables.presence.put(row.credential, presence);
    }

    /// A visit begins: it is taken from the pass and paid, unless nothing is charged now.
    fn begin_visit(
        &mut self,
        (key, id): (&ReservationKey, VisitId),
        row: &Reservation,
        at: Timestamp,
    ) -> Visit {
        let mut visit = Visit::new(id, row.uid.clone(), at, row.takes_from.map(|key| key.pass));
        (visit.hours_end, visit.granted) = (row.hours_end, row.granted);
        visit.epoch = self.state.epoch;
        if !self.in_emergency(at) {
            self.take_visit(id, row, at);
            self.tally(row.member, |visits| visits.begin(at));
            if let Some(host) = row.host {
                self.tally_guests(host, |guests| guests.begin(at));
            }
            for charge in row.charges.iter().filter(|charge| charge.what == ChargeFor::Entry) {
                self.book_charge(&charged_to(key, &visit, row), charge, Money::ZERO, at);
                self.spend((row.member, at), charge.amount);
                visit.paid = visit.paid + charge.amount;
            }
            self.book_surcharges((key, &mut visit), row, at);
        }
        visit
    }

    /// The zones entered are charged, once each.
    fn book_surcharges(
        &mut self,
        (key, visit): (&ReservationKey, &mut Visit),
        row: &Reservation,
        at: Timestamp,
    ) {
        if self.in_emergency(at) {
            return;
        }
        for charge in &row.charges {
            let ChargeFor::Surcharge(zone) = &charge.what else { continue };
            if !visit.surcharged.contains(zone) {
                self.book_charge(&charged_to(key, visit, row), charge, Money::ZERO, at);
                self.spend((row.member, at), charge.amount);
                visit.surcharged.push(zone.clone());
            }
        }
    }

    /// A band that was given back belongs to nobody from the exit on.
    fn unlink(&mut self, uid: &Uid) {
        let credentials = &mut self.state.tables.credentials;
        let Some(held) = credentials.read(uid).filter(|held| held.collected) else { return };
        let mut returned =
            Credential { state: CredentialState::Returned, collected: false, ..held.clone() };
        returned.forget_loss_paid();
        credentials.put(uid.clone(), returned);
    }

    /// The overstay that the passage ends is charged.
    fn book_overstay(
        &mut self,
        (key, visit): (&ReservationKey, &mut Visit),
        row: &Reservation,
        at: Timestamp,
    ) {
        if self.in_emergency(at) {
            return;
        }
        for charge in row.charges.iter().filter(|charge| charge.what == ChargeFor::Overstay) {
            self.book_charge(&charged_to(key, visit, row), charge, visit.overstay, at);
            visit.overstay = visit.overstay + charge.amount;
        }
    }

    fn take_visit(&mut self, visit: VisitId, row: &Reservation, at: Timestamp) {
        self.visits(row, |sold| sold.visits_left = sold.visits_left.map(|n| n.saturating_sub(1)));
        if let Some(key) = row.takes_from {
            self.first_use(key, at);
            self.earn_visit(key, (visit, row.decision), at);
        }
    }

    /// Whether something at `at` falls into an emergency, in which nothing is charged and no visit
    /// taken (I6).
    pub(crate) fn in_emergency(&mut self, at: Timestamp) -> bool {
        let over = self.state.beside.last_emergency;
        over.is_some_and(|(started, reset)| started <= at && at < reset)
            || self.state.tables.emergency.read(&()).is_some_and(|row| at >= row.started)
    }
}

/// Where the charges of a reservation come from.
fn charged_to(key: &ReservationKey, visit: &Visit, row: &Reservation) -> Charged {
    Charged {
        visit: Some(visit.id),
        reversed: visit.reversed,
        gate: Some(key.device.clone()),
        decision: Some(row.decision),
    }
}
