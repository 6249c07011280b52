//! Clocks that are wrong: a device's, and our own when somebody sets it (parameter 61 and section
//! 13 of `decisions.md` of the specification).

use crate::{
    event::DeviceEvent,
    ids::CredentialId,
    params::Param,
    reasons::Condition,
    rows::{DeviceState, Emergency, Hold, Locker, Presence, Reservation, Token, Visit, Waiting},
    scope::Place,
    state::{Entry, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
};

/// No message waits longer than this on its way to us (our choice).
const LATE_MAX: Span = Span::seconds(86_400);

/// The instant that an event counts for: the device's own time, unless its clock is off by more
/// than `drift`.
///
/// A message may wait for as long as a broker keeps it; what is older still, or from the future,
/// was stamped by a clock that is off.
#[must_use]
pub fn effective_time(event: &DeviceEvent, drift: Span) -> Timestamp {
    event.device_time.filter(|told| !is_off(*told, event.received, drift)).unwrap_or(event.received)
}

fn is_off(told: Timestamp, received: Timestamp, drift: Span) -> bool {
    told > received.plus(drift) || received.since(told) > LATE_MAX
}

impl Step<'_> {
    /// How far a clock may be off.
    pub(crate) fn drift(&self) -> Span {
        self.at_place(Param::ClockMaxDrift, &Place::default()).span()
    }

    /// A device whose clock is off is told of once, until it is right again.
    pub(crate) fn watch_clock(&mut self, event: &DeviceEvent, message: &Message) {
        let Some(told) = event.device_time else { return };
        let off = is_off(told, event.received, self.drift());
        let known = self.state.tables.devices.peek(&event.device);
        if known.is_some_and(|known| known.clock_off) == off {
            return;
        }
        self.device_state(&event.device, |known| known.clock_off = off);
        if off {
            let by = told.since(event.received).whole_seconds();
            self.note(message, Condition::ClockStep, format!("{by} s"));
        }
    }

    /// Our own clock jumped: what lasts goes on as if it had not (I10). A step within the drift is
    /// no alarm.
    pub(crate) fn clock_stepped(&mut self, by: Span) {
        if by.0.abs() > self.drift().0 {
            self.note_step(by);
        }
        self.move_people(by);
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

    /// Lockers in use, tokens of overrides, doors that stand open, the emergency.
    fn move_things(&mut self, by: Span) {
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
        let doors = tables.devices.iter().filter(|(_, row)| row.alarm_at.is_some());
        let doors: Vec<_> = doors.map(|(key, row)| (key.clone(), *row)).collect();
        for (key, row) in doors {
            let alarm_at = row.alarm_at.map(|at| at.plus(by));
            tables.devices.put(key, DeviceState { alarm_at, ..row });
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
}
