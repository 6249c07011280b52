//! The only place that asks the machine for the time, and the clock that a simulation owns.

use domain::time::{Clock, Span, Timestamp};
use tokio::sync::watch;

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// A clock that goes on only when its owner says so.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedClock {
    hand: watch::Sender<Timestamp>,
}

impl SimulatedClock {
    /// A clock that stands at `start`.
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { hand: watch::Sender::new(start) }
    }

    /// Moves the hand forward; it never goes back.
    pub(crate) fn advance(&self, to: Timestamp) {
        self.hand.send_if_modified(|hand| {
            let moved = to > *hand;
            *hand = to.max(*hand);
            moved
        });
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        *self.hand.borrow()
    }
}

/// The clock of a run: everything that waits for an instant asks it.
#[derive(Clone, Debug)]
pub(crate) enum SiteClock {
    /// A real site.
    Real(RealClock),
    /// A simulation.
    Simulated(SimulatedClock),
}

impl SiteClock {
    /// Waits until `at` has gone by: until a grant that ends then can no longer be used.
    pub(crate) async fn pass(&self, at: Timestamp) {
        match self {
            Self::Real(clock) => {
                let left = at.plus(Span::millis(1)).since(clock.now());
                let micros = u64::try_from(left.0).unwrap_or(0);
                tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
            }
            Self::Simulated(clock) => {
                let mut hand = clock.hand.subscribe();
                // The owner of the clock outlives the run: an error means that the run is over.
                if hand.wait_for(|now| *now > at).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl Clock for SiteClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Real(clock) => clock.now(),
            Self::Simulated(clock) => clock.now(),
        }
    }
}

/// Watches the machine's clock against its monotonic one: a difference that grows by more than a
/// second between two looks is a step, and no drift.
#[derive(Debug, Default)]
pub(crate) struct StepWatch {
    last: Option<(std::time::Instant, Timestamp)>,
}

impl StepWatch {
    /// How far a real clock was set since the last look, if it was. A simulation's clock is its
    /// owner's.
    pub(crate) fn stepped(&mut self, clock: &SiteClock) -> Option<Span> {
        let SiteClock::Real(clock) = clock else { return None };
        let (elapsed, wall) = (std::time::Instant::now(), clock.now());
        let (before, then) = self.last.replace((elapsed, wall))?;
        by_how_much(elapsed.duration_since(before), wall.since(then))
    }
}

/// The step in a span that the wall clock shows, where `elapsed` went by.
fn by_how_much(elapsed: std::time::Duration, shown: Span) -> Option<Span> {
    let elapsed = i64::try_from(elapsed.as_micros()).ok()?;
    let by = Span(shown.0.saturating_sub(elapsed));
    (by.0.abs() > Span::seconds(1).0).then_some(by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_drifts() {
        for (elapsed, shown, by) in [
            (10_000, 10_000, None),
            (10_000, 10_900, None),
            (10_000, 13_610_000, Some(13_600_000)),
            (10_000, -3_590_000, Some(-3_600_000)),
        ] {
            let got = by_how_much(Duration::from_millis(elapsed), Span::millis(shown));
            assert_eq!(got, by.map(Span::millis), "{elapsed} {shown}");
        }
    }
}
