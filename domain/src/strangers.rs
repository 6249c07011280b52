//! Reads of credentials that nobody knows. A few are decided and recorded like all others; a flood
//! of them fills no disk: it is answered all the same, and counted on a line of the journal.

use std::collections::BTreeMap;

use crate::{
    command::Action,
    event::Direction,
    ids::DeviceId,
    look::Asked,
    seen::Seen,
    state::{Entry, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
};

/// So many within a second have lines of their own (our choice): more than any reader can read.
const A_SECOND: u32 = 100;
/// So many may be saved up (our choice): a minute of that.
const SAVED_MAX: i64 = 6_000;
/// So many a second are added (our choice): what a busy gate of a site with other people's cards
/// reads, and no more than a disk bears for years.
const ADDED: i64 = 2;

/// How many reads of strangers a device may still have on lines of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    /// The second that runs began here.
    second: Timestamp,
    /// So many came in it.
    came: u32,
    /// What is saved up.
    saved: i64,
}

/// The budgets of all devices. They are no rows: a new run begins with full ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strangers(BTreeMap<DeviceId, Budget>);

impl Strangers {
    /// Takes one line from the budget of `device`, or says that there is none left.
    fn take(&mut self, device: &DeviceId, at: Timestamp) -> bool {
        let full = Budget { second: at, came: 0, saved: SAVED_MAX };
        let budget = self.0.entry(device.clone()).or_insert(full);
        let passed = at.since(budget.second);
        if passed >= Span::seconds(1) || passed.0 < 0 {
            let seconds = passed.whole_seconds().clamp(0, SAVED_MAX);
            budget.saved = (budget.saved + seconds * ADDED).min(SAVED_MAX);
            (budget.second, budget.came) = (at, 0);
        }
        let has = budget.saved > 0 && budget.came < A_SECOND;
        if has {
            budget.saved -= 1;
            budget.came += 1;
        }
        has
    }
}

impl Step<'_> {
    /// Whether a read is one of a stranger too many to have a line of its own.
    pub(crate) fn is_surplus(&mut self, message: &Message, seen: &Seen) -> bool {
        seen.holder.is_none() && !self.state.strangers.take(&message.device, message.received)
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
    /// One more on the line of this batch for this reader.
    fn count_on_line(&mut self, message: &Message, way: Direction) {
        let source = message.source;
        let here = |entry: &&mut Entry| {
            let same = entry.device.as_ref() == Some(&message.device)
                && entry.source.map(|(boot, _)| boot) == source.map(|(boot, _)| boot);
            same && matches!(entry.noted, Noted::Strangers { direction, .. } if direction == way)
        };
        if let Some(line) = self.batch.journal.iter_mut().rev().find(here)
            && let Noted::Strangers { count, .. } = &mut line.noted
        {
            *count += 1;
            (line.at, line.source) = (message.at, source);
            return;
        }
        let first = source.map_or(0, |(_, seq)| seq);
        self.journal(message, Noted::Strangers { direction: way, count: 1, first });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(strangers: &mut Strangers, second: i64, reads: u32) -> u32 {
        let at = Timestamp::from_millis(1_700_000_000_000).plus(Span::seconds(second));
        (0..reads).map(|_| u32::from(strangers.take(&"gate-1".into(), at))).sum()
    }

    #[test]
    fn a_slow_gate_has_lines_for_minutes_and_a_flood_has_few() {
        let mut strangers = Strangers::default();
        assert_eq!((0..120).map(|at| taken(&mut strangers, at, 50)).sum::<u32>(), 6000);
        let mut strangers = Strangers::default();
        assert_eq!(taken(&mut strangers, 0, 8000), 100, "within one second");
        let flood: u32 = (1..3600).map(|at| taken(&mut strangers, at, 8000)).sum();
        assert!(flood < 6000 + 2 * 3600, "{flood}");
        let at = Timestamp::from_millis(1_700_000_000_000);
        assert!(strangers.take(&"gate-2".into(), at), "another gate has its own");
    }

    #[test]
    fn a_clock_that_is_set_back_empties_no_budget() {
        let mut strangers = Strangers::default();
        assert_eq!(taken(&mut strangers, 3600, 200), 100);
        assert_eq!(taken(&mut strangers, 0, 200), 100);
    }
}
