//! Durations as parameters write them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A duration as ISO 8601 writes it: either whole days or seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dur {
    /// Days of a date duration, such as `P3D`.
    pub days: i64,
    /// Seconds of a time duration, such as `PT5M`.
    pub seconds: i64,
}

impl Dur {
    /// `seconds` as a time duration.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self { days: 0, seconds }
    }
    /// Elapsed time, a day being 24 hours.
    #[must_use]
    pub const fn span(self) -> Span {
        Span::seconds(self.days * 86_400 + self.seconds)
    }

    /// Reads `P3D`, `P2W`, `PT90M`, `PT1H30M`, `P1DT12H`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix('P')?;
        let (date, time) = match body.split_once('T') {
            Some((date, time)) if !time.is_empty() => (date, time),
            Some(_) => return None,
            None => (body, ""),
        };
        if body.is_empty() {
            return None;
        }
        let days = units(date, &[('W', 7), ('D', 1)])?;
        let seconds = units(time, &[('H', 3600), ('M', 60), ('S', 1)])?;
        Some(Self { days, seconds })
    }
}

/// Adds up `12H30M` by `units`, each at most once and in order.
fn units(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut sum: i64 = 0;
    for (letter, worth) in units {
        let Some((number, rest)) = text.split_once(*letter) else { continue };
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(*worth)?)?;
        text = rest;
    }
    (text.is_empty() && sum < 1_000_000_000_000).then_some(sum)
}

impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) =
            (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        f.write_str("P")?;
        if self.days != 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds != 0 || self.days == 0 {
            f.write_str("T")?;
            for (number, letter) in [(hours, 'H'), (minutes, 'M')] {
                if number != 0 {
                    write!(f, "{number}{letter}")?;
                }
            }
            if seconds != 0 || self.seconds == 0 {
                write!(f, "{seconds}S")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_iso_8601() {
        for text in ["PT5M", "P3D", "PT1H30M", "P1DT12H", "PT0S", "PT45S"] {
            assert_eq!(Dur::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Dur::parse("P2W"), Some(Dur { days: 14, seconds: 0 }));
        for bad in ["", "P", "PT", "5M", "PT5", "PT-5M", "PT5M3H", "P1Y", "PT99999999999999H"] {
            assert_eq!(Dur::parse(bad), None, "{bad}");
        }
    }
}
