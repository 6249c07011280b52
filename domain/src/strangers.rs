//! Reads of credentials that nobody knows. A few are decided and recorded like all others; a flood
//! of them fills no disk: it is answered all the same, and counted on one line a minute of the
//! journal. Until that line is written the count stands in the row of the device.

use std::collections::BTreeMap;

use crate::{
    command::Action,
    event::Direction,
    expiry::Timer,
    ids::DeviceId,
    look::Asked,
    rows::{DeviceState, StrangersCounted},
    seen::Seen,
    state::{Entry, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
};

/// How many have lines of their own on one side of a gate.
struct Bound {
    /// So many at a stretch.
    saved: i64,
    /// In this time one more.
    one_more: Span,
}

/// Of those who want in (our choice): a family with the cards of another house. Nobody of them gets
/// anything, so the others lose nothing by being a number.
const WAY_IN: Bound = Bound { saved: 10, one_more: Span::seconds(3) };
/// Of those who want out (our choice): each of them is held or let out, so it is on record by
/// itself as long as the disk bears it.
const WAY_OUT: Bound = Bound { saved: 6_000, one_more: Span::millis(500) };
/// All others of this time have one line (our choice).
const COUNTED: Span = Span::seconds(60);

/// How many reads of strangers a device may still have on lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    /// So many are saved up.
    saved: i64,
    /// As of this instant.
    since: Timestamp,
}

/// One side of a gate.
type Reader = (DeviceId, Direction);

/// The budgets of all readers. They are no rows: a new run begins with full ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strangers {
    budgets: BTreeMap<Reader, Budget>,
    /// Those that the batch in hand took of, as they were before it.
    before: BTreeMap<Reader, Option<Budget>>,
}

impl Strangers {
    /// Takes one line from the budget of a reader, or says that there is none left.
    fn take(&mut self, device: &DeviceId, way: Direction, at: Timestamp) -> bool {
        let bound = match way {
            Direction::Entry => WAY_IN,
            Direction::Exit => WAY_OUT,
        };
        let full = Budget { saved: bound.saved, since: at };
        let reader = (device.clone(), way);
        self.before.entry(reader.clone()).or_insert_with(|| self.budgets.get(&reader).copied());
        let budget = self.budgets.entry(reader).or_insert(full);
        let more = at.since(budget.since).0 / bound.one_more.0;
        if more > 0 {
            budget.saved = (budget.saved + more).min(bound.saved);
            budget.since = budget.since.plus(Span(more * bound.one_more.0));
        } else if more < 0 || budget.saved == bound.saved {
            // A clock that is set back gives nothing, and takes nothing.
            budget.since = at;
        }
        let has = budget.saved > 0;
        budget.saved -= i64::from(has);
        has
    }

    /// The batch is durable.
    pub(crate) fn commit(&mut self) {
        self.before.clear();
    }

    /// The batch is lost: what is decided again takes its lines again.
    pub(crate) fn discard(&mut self) {
        for (reader, before) in std::mem::take(&mut self.before) {
            match before {
                Some(before) => _ = self.budgets.insert(reader, before),
                None => _ = self.budgets.remove(&reader),
            }
        }
    }
}

impl Step<'_> {
    /// Whether a read is one of a stranger too many to have a line of its own.
    pub(crate) fn is_surplus(&mut self, message: &Message, way: Direction, seen: &Seen) -> bool {
        let (device, at) = (&message.device, message.received);
        // An operator lifted something for them, once: that is no flood.
        let unknown = seen.holder.is_none() && seen.lifted.is_none();
        unknown && !self.state.strangers.take(device, way, at)
    }

    /// Answers as the rules do for a stranger, and counts.
    pub(crate) fn count_stranger(&mut self, message: &Message, asked: &Asked, seen: &Seen) {
        self.count_on_line(message, asked.direction());
        if self.ingest(message, asked, seen).is_some() {
            return;
        }
        let zone = self.state.site.time_zone.clone();
        let (gathered, combined) = self.judged(seen, &zone);
        self.remember_read_only(asked);
        let (device, direction) = (asked.device.clone(), asked.direction());
        if combined.outcome.opens() {
            let passage_timeout = crate::request::passage_timeout(&gathered);
            let open = Action::OpenOnce { direction, passage_timeout };
            self.command(device.clone(), None, open);
        }
        let (outcome, reason, amount) = (combined.outcome, None, None);
        let shown = Action::Indicate { direction, outcome, reason, amount };
        self.command(device, None, shown);
    }
}

impl Step<'_> {
    /// One more on the line of this minute for this reader.
    fn count_on_line(&mut self, message: &Message, way: Direction) {
        let (device, last) = (&message.device, message.source);
        let counted = self.strangers_counted(device, way).unwrap_or_else(|| {
            let until = message.received.plus(COUNTED);
            self.state.timers.start(until, Timer::Strangers(device.clone(), way));
            StrangersCounted { until, count: 0, first: last.map_or(0, |(_, seq)| seq), last }
        });
        let counted = StrangersCounted { count: counted.count + 1, last, ..counted };
        self.device_state(device, |known| *known.strangers_mut(way) = Some(counted));
    }

    fn strangers_counted(&mut self, device: &DeviceId, way: Direction) -> Option<StrangersCounted> {
        self.state.tables.devices.read(device)?.strangers(way)
    }

    /// The line of the strangers that were counted at a reader: their minute is over.
    pub(crate) fn strangers_noted(&mut self, device: &DeviceId, way: Direction, at: Timestamp) {
        let Some(counted) = self.strangers_counted(device, way) else { return };
        self.state.timers.stop(counted.until, Timer::Strangers(device.clone(), way));
        self.device_state(device, |known| *known.strangers_mut(way) = None);
        let StrangersCounted { count, first, last, .. } = counted;
        let noted = Noted::Strangers { direction: way, count, first };
        let device = Some(device.clone());
        self.batch.journal.push(Entry { at, device, source: last, noted });
    }
}

impl DeviceState {
    /// The strangers that are counted on one side of the gate.
    pub(crate) const fn strangers(&self, way: Direction) -> Option<StrangersCounted> {
        match way {
            Direction::Entry => self.strangers_in,
            Direction::Exit => self.strangers_out,
        }
    }

    const fn strangers_mut(&mut self, way: Direction) -> &mut Option<StrangersCounted> {
        match way {
            Direction::Entry => &mut self.strangers_in,
            Direction::Exit => &mut self.strangers_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Direction::{Entry, Exit};

    /// How many of so many `reads` at once have lines of their own.
    fn taken(strangers: &mut Strangers, way: Direction, second: i64, reads: u32) -> u32 {
        let at = Timestamp::from_millis(1_700_000_000_000).plus(Span::seconds(second));
        (0..reads).map(|_| u32::from(strangers.take(&"gate-1".into(), way, at))).sum()
    }

    #[test]
    fn a_few_have_lines_of_their_own_and_a_flood_has_few() {
        for (way, at_a_stretch, an_hour) in [(Entry, 10, 1_200), (Exit, 6_000, 7_200)] {
            let mut strangers = Strangers::default();
            assert_eq!((0..120).map(|at| taken(&mut strangers, way, at * 3, 1)).sum::<u32>(), 120);
            let mut strangers = Strangers::default();
            assert_eq!(taken(&mut strangers, way, 0, 8000), at_a_stretch);
            let flood: u32 = (1..=3600).map(|at| taken(&mut strangers, way, at, 8000)).sum();
            assert_eq!(flood, an_hour, "{way:?}");
            let at = Timestamp::from_millis(1_700_000_000_000);
            assert!(strangers.take(&"gate-2".into(), way, at), "another gate has its own");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_empties_no_budget() {
        let mut strangers = Strangers::default();
        assert_eq!(taken(&mut strangers, Entry, 3600, 4), 4);
        assert_eq!(taken(&mut strangers, Entry, 0, 200), 6, "what was left");
        assert_eq!(taken(&mut strangers, Entry, 30, 200), 10, "and it fills from there");
    }
}
