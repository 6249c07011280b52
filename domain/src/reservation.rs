//! What a grant promises: a seat, a visit, a charge, until the passage is made or the time is out.

use crate::{
    event::Direction,
    expiry::Timer,
    ids::{DecisionId, DeviceId, MemberId, ZoneId},
    money::Money,
    reasons::Condition,
    rows::{
        ChargeFor, Occupancy, Pass, Reservation, ReservationKey, ReservationState, Spending, Visits,
    },
    state::{Entry, Noted},
    step::Step,
    time::{Span, Timestamp},
    windows::local_date,
};

/// How long an unused grant is remembered for a passage whose message comes late (our choice).
const LAPSED_KEPT: Span = Span::seconds(86_400);

impl Step<'_> {
    /// Keeps a grant until its passage; a second one at the same gate and direction waits for its
    /// turn.
    pub(crate) fn reserve(&mut self, key: ReservationKey, mut row: Reservation) {
        let live = |row: &Reservation| row.state == ReservationState::Live;
        if self.first_at_gate(&key.device, key.direction, live).is_none() {
            self.start(&key, &mut row);
        }
        if !row.booked {
            self.promise_of(&key, &row);
        }
        let mut presence = self.presence_of(row.credential);
        presence.pending = Some(key.clone());
        self.state.tables.presence.put(row.credential, presence);
        self.state.tables.reservations.put(key, row);
    }

    /// Holds the seat and the money that a passage would take.
    fn promise_of(&mut self, key: &ReservationKey, row: &Reservation) {
        if key.direction == Direction::Entry {
            let entered = self.zones_crossed(&key.device);
            self.count(&entered, |zone| zone.reserved += 1);
        }
        for charge in &row.charges {
            self.reserve_money(charge.account, charge.taken);
        }
        if row.starts_visit.is_some() {
            self.visits(row, |sold| sold.visits_reserved = sold.visits_reserved.saturating_add(1));
        }
        if row.limited {
            self.tally(row.member, |visits| visits.promised = visits.promised.saturating_add(1));
        }
        if let Some(host) = row.host {
            self.tally_guests(host, |guests| guests.promised = guests.promised.saturating_add(1));
        }
        self.promise_spending(row, spent(row));
    }

    /// Changes what the limit of guests counts for a member.
    pub(crate) fn tally_guests(&mut self, host: MemberId, change: impl FnOnce(&mut Visits)) {
        let mut guests = self.state.tables.guests.read(&host).cloned().unwrap_or_default();
        change(&mut guests.0);
        self.state.tables.guests.put(host, guests);
    }

    /// What a member spent on the day of an instant, with `change` made to it.
    pub(crate) fn spending(
        &mut self,
        (member, at): (MemberId, Timestamp),
        change: impl FnOnce(&mut Spending),
    ) {
        let day = local_date(at, &self.state.site.time_zone);
        let known = self.state.tables.spending.read(&member).copied();
        if known.is_some_and(|known| known.day > day) {
            // A later day counts already.
            return;
        }
        let fresh = Spending { day, spent: Money::ZERO, promised: Money::ZERO };
        let mut spending = known.filter(|known| known.day == day).unwrap_or(fresh);
        change(&mut spending);
        self.state.tables.spending.put(member, spending);
    }

    /// Money that counts for the day once the passage is made.
    fn promise_spending(&mut self, row: &Reservation, amount: Money) {
        if !amount.is_zero() {
            self.spending((row.member, row.granted), |day| {
                day.promised = Money::ZERO.max(day.promised + amount)
            });
        }
    }

    /// Money that counts for the day on which it is booked, so that a correction finds it there.
    pub(crate) fn spend(&mut self, of: (MemberId, Timestamp), amount: Money) {
        self.spending(of, |day| day.spent = day.spent + amount);
    }

    /// Changes what limits of visits count for a member.
    pub(crate) fn tally(&mut self, member: MemberId, change: impl FnOnce(&mut Visits)) {
        let mut visits = self.state.tables.visits.read(&member).cloned().unwrap_or_default();
        change(&mut visits);
        self.state.tables.visits.put(member, visits);
    }

    /// Changes the visits of the pass that a reservation takes one from, where it counts them.
    pub(crate) fn visits(&mut self, row: &Reservation, change: impl FnOnce(&mut Pass)) {
        let Some(key) = row.takes_from else { return };
        let Some(mut sold) = self.state.tables.passes.read(&key).cloned() else { return };
        if sold.visits_left.is_some() {
            change(&mut sold);
            self.state.tables.passes.put(key, sold);
        }
    }

    /// The time of a reservation starts when its turn comes.
    fn start(&mut self, key: &ReservationKey, row: &mut Reservation) {
        let ends = row.granted.plus(row.timeout);
        row.expires = Some(ends);
        self.state.timers.start(ends, Timer::Passage(key.clone()));
    }

    /// Ends what ran out before `at`.
    pub(crate) fn close_expired(&mut self, at: Timestamp) {
        while let Some((ended, timer)) = self.state.timers.due(at) {
            // Whatever becomes of it, it ends once.
            self.state.timers.stop(ended, timer.clone());
            match timer {
                Timer::Passage(key) => self.lapse(&key, ended),
                Timer::Hold(credential) => self.hold_expired(credential, ended),
                Timer::IdentityHold(key) => self.identity_hold_expired(&key, ended),
                Timer::Door(device) => self.held_open(&device, ended),
                Timer::Strangers(device, way) => self.strangers_noted(&device, way, ended),
                Timer::Waiting(key) => self.waited(&key, ended),
                Timer::Earned(day) => self.earn_day(day),
                Timer::Thaw(key) => self.thaw(key, ended),
                Timer::Freeze(key) => self.freeze_begins(key, ended),
            }
        }
    }

    /// The passage was not made: everything provisional is rolled back.
    pub(crate) fn lapse(&mut self, key: &ReservationKey, at: Timestamp) {
        let Some(mut row) = self.state.tables.reservations.read(key).cloned() else { return };
        if row.state != ReservationState::Live {
            return;
        }
        self.stop(key, &row);
        if !row.booked {
            self.roll_back(key, &row);
        }
        let noted = Noted::Condition {
            condition: Condition::PassageNotMade,
            decision: Some(row.decision),
            direction: Some(key.direction),
            detail: String::new(),
        };
        let device = Some(key.device.clone());
        self.batch.journal.push(Entry { at, device, source: None, noted });
        row.state = ReservationState::Lapsed { at };
        row.expires = row.expires.or(Some(at));
        self.state.tables.reservations.put(key.clone(), row);
        self.forget_lapsed(key, at);
        self.call_next(key, at);
    }

    /// Gives back what was held: the grant lapsed, or the passage takes it for good.
    pub(crate) fn roll_back(&mut self, key: &ReservationKey, row: &Reservation) {
        if key.direction == Direction::Entry {
            let entered = self.zones_crossed(&key.device);
            self.count(&entered, |zone| zone.reserved -= 1);
        }
        for charge in &row.charges {
            self.reserve_money(charge.account, -charge.taken);
        }
        if row.starts_visit.is_some() {
            self.visits(row, |sold| sold.visits_reserved = sold.visits_reserved.saturating_sub(1));
        }
        if row.limited {
            self.tally(row.member, |visits| visits.promised = visits.promised.saturating_sub(1));
        }
        if let Some(host) = row.host {
            self.tally_guests(host, |guests| guests.promised = guests.promised.saturating_sub(1));
        }
        self.promise_spending(row, -spent(row));
    }

    /// Takes a live reservation off its timer and off its credential.
    pub(crate) fn stop(&mut self, key: &ReservationKey, row: &Reservation) {
        if let Some(ends) = row.expires {
            self.state.timers.stop(ends, Timer::Passage(key.clone()));
        }
        let mut presence = self.presence_of(row.credential);
        if presence.pending.as_ref() == Some(key) {
            presence.pending = None;
            self.state.tables.presence.put(row.credential, presence);
        }
    }

    /// The one that waited behind `key` may pass from `at` on.
    pub(crate) fn call_next(&mut self, key: &ReservationKey, at: Timestamp) {
        // The one whose time runs is the oldest live one, so the first live one tells.
        let live = |row: &Reservation| row.state == ReservationState::Live;
        let first = self.first_at_gate(&key.device, key.direction, live);
        let Some((next, mut row)) = first else { return };
        if row.expires.is_none() {
            let ends = at.max(row.granted).plus(row.timeout);
            row.expires = Some(ends);
            self.state.timers.start(ends, Timer::Passage(next.clone()));
            self.state.tables.reservations.put(next, row);
        }
    }

    fn forget_lapsed(&mut self, key: &ReservationKey, at: Timestamp) {
        let is_old = |row: &Reservation| match row.state {
            ReservationState::Lapsed { at: ended } => at.since(ended) > LAPSED_KEPT,
            ReservationState::Live => false,
        };
        let rows = self.at_gate(&key.device, key.direction, is_old);
        let old: Vec<_> = rows.map(|(key, _)| key.clone()).collect();
        for key in old {
            self.state.tables.reservations.remove(key);
        }
    }

    /// The reservations of a gate and direction that `wanted` asks for, in the order of their
    /// grants.
    pub(crate) fn at_gate<'a>(
        &'a self,
        device: &DeviceId,
        direction: Direction,
        wanted: impl Fn(&Reservation) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a ReservationKey, &'a Reservation)> {
        let key = |place| ReservationKey { device: device.clone(), direction, place };
        let rows = self.state.tables.reservations.range(key(0), key(u64::MAX));
        rows.filter(move |(_, row)| wanted(row))
    }

    /// The oldest of them.
    pub(crate) fn first_at_gate(
        &self,
        device: &DeviceId,
        direction: Direction,
        wanted: impl Fn(&Reservation) -> bool,
    ) -> Option<(ReservationKey, Reservation)> {
        let mut rows = self.at_gate(device, direction, wanted);
        rows.next().map(|(key, row)| (key.clone(), row.clone()))
    }

    /// The reservation of a decision at a gate.
    pub(crate) fn of_decision(
        &self,
        device: &DeviceId,
        direction: Direction,
        decision: DecisionId,
    ) -> Option<(ReservationKey, Reservation)> {
        self.first_at_gate(device, direction, |row| row.decision == decision)
    }

    /// The zones that an entry through the gate enters, and an exit leaves.
    pub(crate) fn zones_crossed(&self, device: &DeviceId) -> Vec<ZoneId> {
        let site = &self.state.site;
        let Some(gate) = site.gates.get(device) else { return Vec::new() };
        let outer = site.chain(gate.outer.as_ref());
        let inner = site.chain(Some(&gate.inner));
        inner.into_iter().filter(|zone| !outer.contains(zone)).collect()
    }

    /// Changes the count of each of `zones`.
    pub(crate) fn count(&mut self, zones: &[ZoneId], change: impl Fn(&mut Occupancy)) {
        for zone in zones {
            let mut row = self.occupancy_of(zone);
            change(&mut row);
            self.state.tables.occupancy.put(zone.clone(), row);
        }
    }

    /// The count of a zone.
    pub(crate) fn occupancy_of(&mut self, zone: &ZoneId) -> Occupancy {
        self.state.tables.occupancy.read(zone).copied().unwrap_or_default()
    }
}

/// What a grant would cost that counts for the day: an entry and surcharges, no overstay.
fn spent(row: &Reservation) -> Money {
    let counts = row.charges.iter().filter(|charge| charge.what != ChargeFor::Overstay);
    counts.map(|charge| charge.amount).sum()
}
