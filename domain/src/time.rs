//! Time as a value: nothing in this crate asks a clock.

use std::{fmt, num::NonZeroU64};

use serde::{Deserialize, Serialize};

/// An instant of the wall clock: microseconds of UTC since 1970.
///
/// Many rows have instants that may be absent, of which each takes eight bytes all the same: what
/// is kept is the count from the smallest number, which is no instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Timestamp(NonZeroU64);

/// The smallest number, from which instants are counted.
const BEFORE_ALL: u64 = 1 << 63;

/// A span of time in microseconds; negative where the end lies before the start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    /// `seconds` as a span.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }
    /// `millis` as a span.
    #[must_use]
    pub const fn millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }
    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
    /// Whole seconds, rounded towards the past.
    #[must_use]
    pub const fn whole_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
    /// Whole milliseconds, rounded towards the past.
    #[must_use]
    pub const fn whole_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Timestamp {
    /// From microseconds of UTC since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        match NonZeroU64::new(micros.cast_unsigned() ^ BEFORE_ALL) {
            Some(since) => Self(since),
            None => Self(NonZeroU64::MIN),
        }
    }
    /// From milliseconds of UTC since 1970, as devices send them.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }
    /// Microseconds of UTC since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        (self.0.get() ^ BEFORE_ALL).cast_signed()
    }
    /// Milliseconds of UTC since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.micros().div_euclid(1000)
    }
    /// This instant moved by `span`.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self::from_micros(self.micros().saturating_add(span.0))
    }
    /// This instant moved back by `span`.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self::from_micros(self.micros().saturating_sub(span.0))
    }
    /// The span since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.micros().saturating_sub(earlier.micros()))
    }
    /// The same instant for calendar questions; instants beyond the calendar are cut to its ends.
    #[must_use]
    pub fn to_calendar(self) -> jiff::Timestamp {
        let micros = self.micros();
        let edge = if micros < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(micros).unwrap_or(edge)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self::from_micros(instant.as_microsecond())
    }
}

impl From<i64> for Timestamp {
    fn from(micros: i64) -> Self {
        Self::from_micros(micros)
    }
}

impl From<Timestamp> for i64 {
    fn from(instant: Timestamp) -> Self {
        instant.micros()
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::from_micros(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_calendar())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_calendar())
    }
}

/// Tells the time. The daemon has a real one, a simulation owns its own.
pub trait Clock: Send + Sync {
    /// The instant now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_order_and_an_absent_one_takes_no_more_room() {
        let all = [i64::MIN + 1, -1_000_001, -1, 0, 1, 1_789_000_000_000_000, i64::MAX];
        let instants = all.map(Timestamp::from_micros);
        assert_eq!(instants.map(Timestamp::micros), all);
        assert!(instants.is_sorted() && instants[3] == Timestamp::default());
        assert_eq!(Timestamp::from_micros(i64::MIN), instants[0], "the first is cut to the next");
        assert_eq!(instants[0].minus(Span(5)), instants[0]);
        assert_eq!(instants[6].plus(Span(5)), instants[6]);
        assert_eq!(serde_json::to_string(&instants[2]).unwrap(), "-1");
        assert_eq!(serde_json::from_str::<Timestamp>("-1").unwrap(), instants[2]);
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
    }
}
