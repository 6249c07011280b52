//! What ends by itself: reservations whose passage was not made.

use std::collections::BTreeSet;

use crate::{
    rows::{ReservationKey, ReservationState},
    state::Tables,
    time::Timestamp,
};

/// The live reservations by the end of their time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    ends: BTreeSet<(Timestamp, ReservationKey)>,
}

impl Timers {
    /// The timers of the rows.
    pub(crate) fn of(tables: &Tables) -> Self {
        let live =
            tables.reservations.iter().filter(|(_, row)| row.state == ReservationState::Live);
        Self {
            ends: live.filter_map(|(key, row)| row.expires.map(|at| (at, key.clone()))).collect(),
        }
    }
    /// The earliest end.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }
    /// Starts a timer.
    pub(crate) fn start(&mut self, at: Timestamp, key: ReservationKey) {
        self.ends.insert((at, key));
    }
    /// Stops a timer.
    pub(crate) fn stop(&mut self, at: Timestamp, key: &ReservationKey) {
        self.ends.remove(&(at, key.clone()));
    }
    /// The first timer that ran out before `now`; at exactly its end a passage still counts.
    pub(crate) fn due(&self, now: Timestamp) -> Option<ReservationKey> {
        self.ends.first().filter(|(at, _)| *at < now).map(|(_, key)| key.clone())
    }
}
