//! What ends by itself: reservations whose passage was not made, holds whose time is used up.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::{
    ids::{CredentialId, DeviceId},
    rows::{HoldKey, ReservationKey, ReservationState, WaitingKey},
    state::Tables,
    time::Timestamp,
};

/// What ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The time of a passage.
    Passage(ReservationKey),
    /// The hold of a visit.
    Hold(CredentialId),
    /// The hold of a credential that has no visit.
    IdentityHold(HoldKey),
    /// A request that waits for somebody.
    Waiting(WaitingKey),
    /// A door that stands open.
    Door(DeviceId),
    /// A day that earns.
    Earned(Date),
}

/// What ends, by its end.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    ends: BTreeSet<(Timestamp, Timer)>,
}

impl Timers {
    /// The timers of the rows.
    pub(crate) fn of(tables: &Tables) -> Self {
        let live =
            tables.reservations.iter().filter(|(_, row)| row.state == ReservationState::Live);
        let passages =
            live.filter_map(|(key, row)| row.expires.map(|at| (at, Timer::Passage(key.clone()))));
        let held = tables.presence.iter().filter_map(|(credential, row)| {
            let hold = row.visit.as_ref()?.hold.as_ref()?;
            let until = hold.until.filter(|_| !hold.expired)?;
            Some((until, Timer::Hold(*credential)))
        });
        let unknown = tables.holds.iter().filter_map(|(key, hold)| {
            let until = hold.until.filter(|_| !hold.expired)?;
            Some((until, Timer::IdentityHold(key.clone())))
        });
        let waiting = tables.waiting.iter();
        let waiting = waiting.map(|(key, row)| (row.until, Timer::Waiting(key.clone())));
        let doors = tables.devices.iter();
        let doors =
            doors.filter_map(|(id, row)| row.alarm_at.map(|at| (at, Timer::Door(id.clone()))));
        let days = tables.earnings.iter();
        let days = days.map(|(key, row)| (row.due, Timer::Earned(key.day)));
        let ends = passages.chain(held).chain(unknown).chain(waiting).chain(doors).chain(days);
        Self { ends: ends.collect() }
    }
    /// The earliest end.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }
    /// Starts a timer.
    pub(crate) fn start(&mut self, at: Timestamp, timer: Timer) {
        self.ends.insert((at, timer));
    }
    /// Stops a timer.
    pub(crate) fn stop(&mut self, at: Timestamp, timer: Timer) {
        self.ends.remove(&(at, timer));
    }
    /// The first timer that ran out before `now`; at exactly its end a passage still counts.
    pub(crate) fn due(&self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        self.ends.first().filter(|(at, _)| *at < now).cloned()
    }
    /// The credentials whose visits are held with a bound.
    pub(crate) fn held(&self) -> Vec<CredentialId> {
        let holds = self.ends.iter().filter_map(|(_, timer)| match timer {
            Timer::Hold(credential) => Some(*credential),
            _ => None,
        });
        holds.collect()
    }
}
