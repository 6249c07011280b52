//! What ends by itself: reservations whose passage was not made, holds whose time is used up.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::{
    event::Direction,
    ids::{CredentialId, DeviceId},
    layered::Read,
    rows::{
        DeviceState, Hold, HoldKey, Pass, PassKey, Presence, Reservation, ReservationKey,
        ReservationState, Waiting, WaitingKey,
    },
    state::{Reads, Tables},
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
    /// The minute of strangers that are counted on one line.
    Strangers(DeviceId, Direction),
    /// A day that earns.
    Earned(Date),
    /// The end of a freeze of a pass.
    Thaw(PassKey),
    /// A freeze of a pass that was ordered for a later day.
    Freeze(PassKey),
}

/// What ends, by its end.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    ends: BTreeSet<End>,
    /// What the batch started, and what it stopped, in order.
    changed: Vec<(End, bool)>,
    /// All of them before the batch, where it made them anew.
    before: Option<BTreeSet<End>>,
}

/// A timer, and when it ends.
type End = (Timestamp, Timer);

fn passage(key: &ReservationKey, row: &Reservation) -> Option<End> {
    let at = row.expires.filter(|_| row.state == ReservationState::Live)?;
    Some((at, Timer::Passage(key.clone())))
}

fn held(credential: CredentialId, row: &Presence) -> Option<End> {
    let hold = row.visit.as_ref()?.hold.as_ref()?;
    Some((hold.until.filter(|_| !hold.expired)?, Timer::Hold(credential)))
}

fn unknown(key: &HoldKey, hold: &Hold) -> Option<End> {
    Some((hold.until.filter(|_| !hold.expired)?, Timer::IdentityHold(key.clone())))
}

fn waiting(key: &WaitingKey, row: &Waiting) -> End {
    (row.until, Timer::Waiting(key.clone()))
}

fn door(device: &DeviceId, row: &DeviceState) -> Option<End> {
    Some((row.alarm_at?, Timer::Door(device.clone())))
}

fn strangers(device: &DeviceId, row: &DeviceState) -> impl Iterator<Item = End> {
    let (device, row) = (device.clone(), *row);
    [Direction::Entry, Direction::Exit].into_iter().filter_map(move |way| {
        let counted = row.strangers(way)?;
        Some((counted.until, Timer::Strangers(device.clone(), way)))
    })
}

fn thaw(key: &PassKey, row: &Pass) -> Option<End> {
    Some((row.sale.as_deref()?.thaws?, Timer::Thaw(*key)))
}

fn freeze(key: &PassKey, row: &Pass) -> Option<End> {
    Some((row.sale.as_deref()?.freezes?, Timer::Freeze(*key)))
}

/// The timers of those rows of `tables` that `reads` names.
fn ends_of(tables: &Tables, reads: &Reads) -> Vec<End> {
    let mut ends = Vec::new();
    for Read { key, .. } in &reads.reservations {
        ends.extend(tables.reservations.peek(key).and_then(|row| passage(key, row)));
    }
    for Read { key, .. } in &reads.presence {
        ends.extend(tables.presence.peek(key).and_then(|row| held(*key, row)));
    }
    for Read { key, .. } in &reads.holds {
        ends.extend(tables.holds.peek(key).and_then(|row| unknown(key, row)));
    }
    for Read { key, .. } in &reads.waiting {
        ends.extend(tables.waiting.peek(key).map(|row| waiting(key, row)));
    }
    for Read { key, .. } in &reads.devices {
        ends.extend(tables.devices.peek(key).and_then(|row| door(key, row)));
        ends.extend(tables.devices.peek(key).into_iter().flat_map(|row| strangers(key, row)));
    }
    for Read { key, .. } in &reads.passes {
        ends.extend(tables.passes.peek(key).and_then(|row| thaw(key, row)));
        ends.extend(tables.passes.peek(key).and_then(|row| freeze(key, row)));
    }
    for Read { key, .. } in &reads.earnings {
        ends.extend(tables.earnings.peek(key).map(|row| (row.due, Timer::Earned(key.day))));
    }
    ends
}

impl Timers {
    /// The timers of the rows.
    pub(crate) fn of(tables: &Tables) -> Self {
        let passages = tables.reservations.iter().filter_map(|(key, row)| passage(key, row));
        let held = tables.presence.iter().filter_map(|(key, row)| held(*key, row));
        let unknown = tables.holds.iter().filter_map(|(key, row)| unknown(key, row));
        let waiting = tables.waiting.iter().map(|(key, row)| waiting(key, row));
        let doors = tables.devices.iter().filter_map(|(key, row)| door(key, row));
        let strangers = tables.devices.iter().flat_map(|(key, row)| strangers(key, row));
        let days = tables.earnings.iter().map(|(key, row)| (row.due, Timer::Earned(key.day)));
        let thaws = tables.passes.iter().filter_map(|(key, row)| thaw(key, row));
        let freezes = tables.passes.iter().filter_map(|(key, row)| freeze(key, row));
        let visits = passages.chain(held).chain(unknown);
        let ends = visits
            .chain(waiting)
            .chain(doors)
            .chain(strangers)
            .chain(days)
            .chain(thaws)
            .chain(freezes);
        Self { ends: ends.collect(), ..Self::default() }
    }
    /// Stops the timers of the rows of `reads`, which others take the place of.
    pub(crate) fn stop_those_of(&mut self, tables: &Tables, reads: &Reads) {
        // A day's timer is that of all its rows; one that finds nothing to do does no harm.
        let own = ends_of(tables, reads);
        let own = own.iter().filter(|(_, timer)| !matches!(timer, Timer::Earned(_)));
        own.for_each(|end| _ = self.ends.remove(end));
    }
    /// Starts the timers of the rows of `reads`.
    pub(crate) fn start_those_of(&mut self, tables: &Tables, reads: &Reads) {
        self.ends.extend(ends_of(tables, reads));
    }
    /// The earliest end.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }
    /// Starts a timer.
    pub(crate) fn start(&mut self, at: Timestamp, timer: Timer) {
        let end = (at, timer);
        if self.ends.insert(end.clone()) {
            self.changed.push((end, true));
        }
    }
    /// Stops a timer.
    pub(crate) fn stop(&mut self, at: Timestamp, timer: Timer) {
        let end = (at, timer);
        if self.ends.remove(&end) {
            self.changed.push((end, false));
        }
    }
    /// The batch that started and stopped timers is durable.
    pub(crate) fn commit(&mut self) {
        self.changed.clear();
        self.before = None;
    }
    /// Makes all of them anew, as the rows have other ends.
    pub(crate) fn rebuild(&mut self, tables: &Tables) {
        let made = Self::of(tables).ends;
        let before = self.before.take();
        self.discard();
        self.before = before.or_else(|| Some(std::mem::take(&mut self.ends)));
        self.ends = made;
    }
    /// The batch is lost: what it started is stopped, and what it stopped runs again.
    pub(crate) fn discard(&mut self) {
        if let Some(before) = self.before.take() {
            self.ends = before;
            self.changed.clear();
        }
        while let Some((end, started)) = self.changed.pop() {
            match started {
                true => _ = self.ends.remove(&end),
                false => _ = self.ends.insert(end),
            }
        }
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
