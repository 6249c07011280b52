//! Clocks that are wrong: a device's, and our own when somebody sets it (parameter 61 and section
//! 13 of `decisions.md` of the specification).

use std::cmp::Ordering;

use crate::{
    event::{DeviceEvent, Direction, Happening},
    ids::{CredentialId, DeviceId},
    params::Param,
    reasons::Condition,
    rows::{
        Dated, DeviceClock, DeviceState, Emergency, Guests, Hold, Locker, PendingOrder, Presence,
        Reservation, ReservationState, Token, Visit, Visits, Waiting,
    },
    scope::Place,
    state::{Entry, Input, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
};

/// No limit slides over a longer time (parameters 17 and 40 count longer ones by the calendar).
const SLIDES_MOST: Span = Span::seconds(366 * 86_400);

/// What an event counts for, once its time is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The instant that it counts for.
    pub(crate) at: Timestamp,
    /// How old it was when it came; nothing where nobody knows.
    pub(crate) age: Option<Span>,
    /// What is known of its device's clock now.
    pub(crate) clock: DeviceClock,
}

/// Settles the time of an event of a device of whose clock `clock` is known. It counts for the
/// device's own time, unless its clock is off; then for that of its receipt.
///
/// What came straight from an exit is new, whatever its time says: no clock keeps anybody in.
pub(crate) fn settle(
    event: &DeviceEvent,
    clock: DeviceClock,
    (drift, max_age): (Span, Span),
) -> Settled {
    let received = event.received;
    let exit =
        matches!(event.happening, Happening::CredentialRead { direction: Direction::Exit, .. });
    // No rule file shuts an exit, neither by a short age nor by a long one.
    let usual = Param::DeviceEventMaxAge.spec().default().span();
    let waited = |age| event.transit.may_have_waited(age);
    let may_have_waited = waited(max_age) && (!exit || waited(usual));
    let new = Settled { at: received, age: (!may_have_waited).then_some(Span(0)), clock };
    let Some(told) = event.device_time else { return new };
    let dated = Dated { told, received, may_have_waited, exit };
    let after = clock.after(&dated, drift);
    let late = dated.late();
    let is_new = !may_have_waited && (after.is_off() || (exit && late > drift));
    if is_new {
        return Settled { clock: after, ..new };
    }
    let at = if after.is_off() { received } else { told };
    let age = if may_have_waited { clock.age(&dated, drift) } else { Some(late) };
    Settled { at, age: age.map(|age| age.max(Span(0))), clock: after }
}

/// The instant that an event counts for where nothing is known of its device's clock.
#[must_use]
pub fn effective_time(event: &DeviceEvent, drift: Span) -> Timestamp {
    settle(event, DeviceClock::Unknown, (drift, Span(0))).at
}

/// Which of two inputs of one batch is taken first: life safety, then everything but events, then
/// events by effective time, device and sequence; a tick last, so that no passage of its own batch
/// comes too late for it. A clock may be off by `drift`.
#[must_use]
pub fn turn(left: &Input, right: &Input, drift: Span) -> Ordering {
    match (left, right) {
        (Input::Device(a) | Input::Unanswered(a), Input::Device(b) | Input::Unanswered(b)) => {
            rank(a, drift).cmp(&rank(b, drift))
        }
        (a, b) => class(a).cmp(&class(b)),
    }
}

fn rank(event: &DeviceEvent, drift: Span) -> (bool, Timestamp, &DeviceId, u64, u64) {
    (!is_fire(event), effective_time(event, drift), &event.device, event.boot, event.seq)
}

const fn is_fire(event: &DeviceEvent) -> bool {
    matches!(event.happening, Happening::FireInput { active: true })
}

const fn class(input: &Input) -> u8 {
    match input {
        Input::Device(event) if is_fire(event) => 0,
        Input::Device(_) | Input::Unanswered(_) => 2,
        Input::Tick => 3,
        _ => 1,
    }
}

/// How old an event was when it came, where nothing is known of its device's clock; nothing where
/// nobody knows. `max_age` is how old a request may be.
#[must_use]
pub fn age_at_receipt(event: &DeviceEvent, drift: Span, max_age: Span) -> Option<Span> {
    settle(event, DeviceClock::Unknown, (drift, max_age)).age
}

impl Step<'_> {
    /// How far a clock may be off.
    pub(crate) fn drift(&self) -> Span {
        self.at_place(Param::ClockMaxDrift, &Place::default()).span()
    }

    /// Settles the time of an event, and remembers what it says of its device's clock. A clock that
    /// is off is noted once, until it is right again.
    pub(crate) fn settle_time(&mut self, event: &DeviceEvent) -> Settled {
        let known = self.state.tables.devices.peek(&event.device).copied().unwrap_or_default();
        let max_age = self.request_age_max(event);
        let settled = settle(event, known.clock, (self.drift(), max_age));
        if settled.clock != known.clock {
            self.device_state(&event.device, |known| known.clock = settled.clock);
        }
        settled
    }

    /// Whether a device's clock is known to be off.
    pub(crate) fn clock_is_off(&self, device: &DeviceId) -> bool {
        self.state.tables.devices.peek(device).is_some_and(|known| known.clock.is_off())
    }

    /// Notes that a device's clock is found to be off.
    pub(crate) fn note_clock(&mut self, told: Timestamp, message: &Message) {
        let by = told.since(message.received).whole_seconds();
        self.note(message, Condition::ClockStep, format!("{by} s"));
    }

    /// How old a request of this device may be (parameter 60).
    fn request_age_max(&self, event: &DeviceEvent) -> Span {
        let place = Place { device: Some(&event.device), ..Place::default() };
        self.at_place(Param::DeviceEventMaxAge, &place).span()
    }

    /// Our own clock jumped: what lasts goes on as if it had not (I10). A step within the drift is
    /// no alarm.
    pub(crate) fn clock_stepped(&mut self, by: Span) {
        if by.0.abs() > self.drift().0 {
            self.note_step(by);
        }
        self.move_people(by);
        self.move_reads(by);
        self.move_things(by);
        self.state.timers.rebuild(&self.state.tables);
    }

    fn note_step(&mut self, by: Span) {
        let noted = Noted::Condition {
            condition: Condition::ClockStep,
            decision: None,
            direction: None,
            detail: format!("{} s", by.whole_seconds()),
        };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
    }

    fn move_people(&mut self, by: Span) {
        let tables = &mut self.state.tables;
        let people: Vec<(CredentialId, Presence)> =
            tables.presence.iter().map(|(key, row)| (*key, row.clone())).collect();
        for (key, row) in people {
            let moved = moved_presence(row.clone(), by);
            if moved != row {
                tables.presence.put(key, moved);
            }
        }
        let grants: Vec<_> =
            tables.reservations.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in grants {
            tables.reservations.put(key, moved_grant(row, by));
        }
        let waiting: Vec<_> =
            tables.waiting.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in waiting {
            let (since, until) = (row.since.plus(by), row.until.plus(by));
            tables.waiting.put(key, Waiting { since, until, ..row });
        }
        let holds: Vec<_> =
            tables.holds.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in holds {
            tables.holds.put(key, moved_hold(row, by));
        }
    }

    /// What was read, failed and begun lately, as far as a duration counts from it.
    fn move_reads(&mut self, by: Span) {
        let since = self.now.minus(SLIDES_MOST);
        let tables = &mut self.state.tables;
        let reads: Vec<_> =
            tables.last_reads.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, mut row) in reads {
            let recent = row.recent.iter_mut().map(|(_, at)| at);
            for at in recent.chain([&mut row.at]) {
                *at = at.plus(by);
            }
            tables.last_reads.put(key, row);
        }
        let failures: Vec<_> =
            tables.attempts.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, mut row) in failures {
            row.failed.iter_mut().for_each(|at| *at = at.plus(by));
            tables.attempts.put(key, row);
        }
        let orders: Vec<_> =
            tables.pending_orders.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in orders {
            tables.pending_orders.put(key, PendingOrder { at: row.at.plus(by), ..row });
        }
        let begun = |visits: &Visits| {
            let mut moved = visits.clone();
            moved.step(since, by);
            (moved != *visits).then_some(moved)
        };
        let visits: Vec<_> =
            tables.visits.iter().filter_map(|(key, row)| Some((*key, begun(row)?))).collect();
        for (key, row) in visits {
            tables.visits.put(key, row);
        }
        let guests: Vec<_> =
            tables.guests.iter().filter_map(|(key, row)| Some((*key, begun(&row.0)?))).collect();
        for (key, row) in guests {
            tables.guests.put(key, Guests(row));
        }
    }

    /// Lockers in use, tokens of overrides, doors that stand open, the emergency.
    fn move_things(&mut self, by: Span) {
        let over = self.state.beside.last_emergency;
        let moved = over.map(|(started, reset)| (started.plus(by), reset.plus(by)));
        self.state.beside.last_emergency = moved;
        let tables = &mut self.state.tables;
        if let Some(row) = tables.emergency.read(&()).cloned() {
            let started = row.started.plus(by);
            tables.emergency.put((), Emergency { started, ..row });
        }
        let lockers = tables.lockers.iter().filter(|(_, row)| row.since.is_some());
        let lockers: Vec<_> = lockers.map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in lockers {
            let since = row.since.map(|since| since.plus(by));
            tables.lockers.put(key, Locker { since, ..row });
        }
        let tokens: Vec<_> =
            tables.tokens.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        for (key, row) in tokens {
            let until = row.until.plus(by);
            tables.tokens.put(key, Token { until, ..row });
        }
        let devices: Vec<_> = tables.devices.iter().map(|(key, row)| (key.clone(), *row)).collect();
        for (key, row) in devices {
            let clock = row.clock.stepped(by);
            let mut moved = DeviceState { clock, ..row };
            let strangers = [&mut moved.strangers_in, &mut moved.strangers_out];
            let strangers = strangers.into_iter().flatten().map(|counted| &mut counted.until);
            for end in moved.alarm_at.iter_mut().chain(strangers) {
                *end = end.plus(by);
            }
            if moved != row {
                tables.devices.put(key, moved);
            }
        }
    }
}

impl Visit {
    /// As a run of `epoch` may count it. In a later run than its own nobody knows how long it
    /// lasts: by the clocks as they were seen, or by the wall clock alone; the shorter counts.
    #[must_use]
    pub fn in_run(mut self, epoch: u64) -> Self {
        if self.epoch != epoch {
            let spared = Span(self.stepped.0.min(0).saturating_neg());
            self.started = self.started.plus(spared);
            self.hours_end = self.hours_end.map(|end| end.plus(spared));
        }
        self
    }
}

fn moved_presence(mut row: Presence, by: Span) -> Presence {
    row.entered = row.entered.map(|at| at.plus(by));
    row.visit = row.visit.map(|visit| moved_visit(visit, by));
    row.left = row.left.map(|mut left| {
        left.at = left.at.plus(by);
        left.visit = moved_visit(left.visit, by);
        left
    });
    row
}

/// The end of the hours was made a time that is left when the visit began, so it moves too.
fn moved_visit(mut visit: Visit, by: Span) -> Visit {
    visit.started = visit.started.plus(by);
    visit.stepped.0 = visit.stepped.0.saturating_add(by.0);
    visit.hours_end = visit.hours_end.map(|end| end.plus(by));
    visit.hold = visit.hold.map(|hold| moved_hold(hold, by));
    if let Some(allowance) = visit.allowance.as_mut() {
        allowance.counted = allowance.counted.plus(by);
        allowance.until = allowance.until.plus(by);
    }
    visit
}

fn moved_hold(mut hold: Hold, by: Span) -> Hold {
    hold.since = hold.since.plus(by);
    hold.until = hold.until.map(|until| until.plus(by));
    hold
}

fn moved_grant(mut row: Reservation, by: Span) -> Reservation {
    row.granted = row.granted.plus(by);
    row.expires = row.expires.map(|at| at.plus(by));
    if let ReservationState::Lapsed { at } = &mut row.state {
        *at = at.plus(by);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::VisitId, rows::Left};

    #[test]
    fn a_visit_that_was_left_moves_with_the_clock() {
        let at = |seconds| Timestamp::from_micros(0).plus(Span::seconds(seconds));
        let visit = Visit::new(VisitId(uuid::Uuid::nil()), "W1".into(), at(100), None);
        let left = Some(Left { at: at(200), visit });
        let moved = moved_presence(Presence { left, ..Presence::default() }, Span::seconds(3600));
        let left = moved.left.unwrap();
        assert_eq!((left.at, left.visit.started), (at(3800), at(3700)));
    }

    #[test]
    fn of_a_batch_life_safety_is_taken_first_then_orders_then_events_and_a_tick_last() {
        let said = |device: &str, seconds: i64, happening| {
            let at = Timestamp::from_micros(1_000_000 * seconds);
            Input::Device(DeviceEvent {
                device: device.into(),
                boot: 1,
                seq: 1,
                device_time: Some(at),
                received: at,
                transit: crate::event::Transit::Straight,
                happening,
            })
        };
        let door = |device, seconds| said(device, seconds, Happening::Door { open: true });
        let fire = |active| said("gate-9", 90, Happening::FireInput { active });
        let look = Input::ImportLook(crate::import::ImportLook::Open);
        let sorted = [
            fire(true),
            look.clone(),
            door("gate-2", 10),
            door("gate-1", 20),
            fire(false),
            Input::Tick,
        ];
        for turned in 0..sorted.len() {
            let mut inputs = sorted.clone();
            inputs.rotate_left(turned);
            inputs.sort_by(|left, right| turn(left, right, Span::seconds(5)));
            assert_eq!(inputs, sorted);
        }
    }
}
