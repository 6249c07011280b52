//! Limits, periods and rates: how often within which time, and how much for each started unit.

use std::{cmp::Ordering, fmt};

use jiff::{
    ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{
    duration::Dur,
    money::Money,
    time::{Span, Timestamp},
    windows::{instant, local_date},
};

/// The most units of a period.
const UNITS_MAX: i64 = 9999;
/// The largest count of a limit.
pub(crate) const COUNT_MAX: u16 = 1000;

/// The time over which something is counted or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// The elapsed time just before the event, such as `PT24H`.
    Sliding(Dur),
    /// So many local days, the last being today.
    Days(i64),
    /// So many weeks from Monday to Sunday, the last being this one.
    Weeks(i64),
    /// So many months of the calendar, the last being this one.
    Months(i64),
    /// So many years of the calendar, the last being this one.
    Years(i64),
}

impl Period {
    /// Reads `PT24H`, which slides, or `P1D`, `P30D`, `P1W`, `P1M`, `P1Y`, which follow the
    /// calendar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('T') {
            let elapsed = Dur::parse(text).filter(|dur| dur.span() > Span(0))?;
            return Some(Self::Sliding(elapsed));
        }
        let body = text.strip_prefix('P')?;
        let unit = body.chars().next_back().filter(char::is_ascii_alphabetic)?;
        let digits = body.strip_suffix(unit)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: i64 = digits.parse().ok().filter(|count| (1..=UNITS_MAX).contains(count))?;
        Some(match unit {
            'D' => Self::Days(count),
            'W' => Self::Weeks(count),
            'M' => Self::Months(count),
            'Y' => Self::Years(count),
            _ => return None,
        })
    }

    /// Whether what `happened` belongs to the period that ends at `now`.
    #[must_use]
    pub fn counts(self, happened: Timestamp, now: Timestamp, zone: &TimeZone) -> bool {
        match self {
            Self::Sliding(elapsed) => now.since(happened) < elapsed.span(),
            _ => self.first(local_date(now, zone)) <= local_date(happened, zone),
        }
    }

    /// The first local date of the period whose last one is `today`; of one that slides, an early
    /// enough one.
    #[must_use]
    pub fn first(self, today: Date) -> Date {
        let back = |from: Date, span: jiff::Span| from.saturating_sub(span);
        match self {
            Self::Sliding(elapsed) => {
                let days = elapsed.span().whole_seconds() / 86_400;
                back(today, (days.min(UNITS_MAX) + 1).days())
            }
            Self::Days(count) => back(today, (count - 1).days()),
            Self::Weeks(count) => {
                let monday = i64::from(today.weekday().to_monday_zero_offset());
                back(today, (monday + (count - 1) * 7).days())
            }
            Self::Months(count) => back(today.first_of_month(), (count - 1).months()),
            Self::Years(count) => back(today.first_of_year(), (count - 1).years()),
        }
    }

    /// The first instant at which what `happened` no longer belongs to the period.
    #[must_use]
    pub fn over(self, happened: Timestamp, zone: &TimeZone) -> Timestamp {
        let day = local_date(happened, zone);
        let date = match self {
            Self::Sliding(elapsed) => return happened.plus(elapsed.span()),
            Self::Days(count) => day.saturating_add(count.days()),
            Self::Weeks(count) => {
                let monday = i64::from(day.weekday().to_monday_zero_offset());
                day.saturating_add((count * 7 - monday).days())
            }
            Self::Months(count) => day.first_of_month().saturating_add(count.months()),
            Self::Years(count) => day.first_of_year().saturating_add(count.years()),
        };
        instant(date, Time::midnight(), zone, false)
    }

    /// The last local date that is older than the period: what is from then or earlier is no longer
    /// kept.
    #[must_use]
    pub fn expired(self, today: Date) -> Date {
        let span = match self {
            Self::Sliding(_) => return self.first(today),
            Self::Days(count) => count.days(),
            Self::Weeks(count) => count.weeks(),
            Self::Months(count) => count.months(),
            Self::Years(count) => count.years(),
        };
        today.saturating_sub(span).saturating_sub(1.day())
    }

    /// Its length in days, for comparisons: a month is 31, a year 366.
    #[must_use]
    pub const fn days(self) -> i64 {
        match self {
            Self::Sliding(elapsed) => elapsed.span().whole_seconds() / 86_400,
            Self::Days(count) => count,
            Self::Weeks(count) => count * 7,
            Self::Months(count) => count * 31,
            Self::Years(count) => count * 366,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sliding(elapsed) => write!(f, "{elapsed}"),
            Self::Days(count) => write!(f, "P{count}D"),
            Self::Weeks(count) => write!(f, "P{count}W"),
            Self::Months(count) => write!(f, "P{count}M"),
            Self::Years(count) => write!(f, "P{count}Y"),
        }
    }
}

/// How often something may happen within a period; with a lock, how many failures start it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// How often.
    pub count: i64,
    /// Within which time.
    pub period: Period,
    /// How long a lock lasts, where the limit starts one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Dur>,
}

impl Limit {
    /// Reads `2/P1D`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, period) = text.split_once('/')?;
        let count: i64 =
            count.trim().parse().ok().filter(|n| (0..=i64::from(COUNT_MAX)).contains(n))?;
        Some(Self { count, period: Period::parse(period.trim())?, lock: None })
    }

    /// Reads `5/PT5M, locked for PT5M`.
    #[must_use]
    pub fn parse_lockout(text: &str) -> Option<Self> {
        let (limit, lock) = text.split_once(", locked for ")?;
        let limit = Self::parse(limit.trim()).filter(|limit| limit.count > 0)?;
        let lock = Dur::parse(lock.trim()).filter(|lock| lock.span() > Span(0))?;
        Some(Self { lock: Some(lock), ..limit })
    }

    /// Whether one more is too many after `counted` within the period.
    #[must_use]
    pub const fn is_reached(&self, counted: i64) -> bool {
        counted >= self.count
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period)?;
        match self.lock {
            Some(lock) => write!(f, ", locked for {lock}"),
            None => Ok(()),
        }
    }
}

/// An amount for each started duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How much.
    pub amount: Money,
    /// For which time; longer than nothing.
    pub per: Dur,
}

impl Rate {
    /// The started units of `time`; none where it is not longer than nothing.
    #[must_use]
    pub fn units(&self, time: Span) -> i64 {
        let unit = self.per.span().0.max(1);
        let whole = time.0.max(0) / unit;
        whole + i64::from(time.0.max(0) % unit != 0)
    }

    /// What `time` costs, started units counted whole.
    #[must_use]
    pub fn charge(&self, time: Span) -> Money {
        Money(self.amount.minor().saturating_mul(self.units(time)))
    }

    /// Compares the money for each second, exactly.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let cross = |one: &Self, other: &Self| {
            i128::from(one.amount.minor()) * i128::from(other.per.span().whole_seconds())
        };
        cross(self, other).cmp(&cross(other, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    #[test]
    fn limits_are_read_and_written() {
        for text in ["2/PT24H", "0/P1M", "3/P7D", "2/P1W"] {
            assert_eq!(Limit::parse(text).unwrap().to_string(), text);
        }
        let text = "5/PT5M, locked for PT5M";
        assert_eq!(Limit::parse_lockout(text).unwrap().to_string(), text);
        for bad in ["", "2", "2/", "-1/P1D", "2/PT0S", "2/P0D", "2/P1D1W", "2/1D", "1001/P1D"] {
            assert_eq!(Limit::parse(bad), None, "{bad}");
        }
        for bad in ["5/PT5M", "0/PT5M, locked for PT5M", "5/PT5M, locked for PT0S"] {
            assert_eq!(Limit::parse_lockout(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_slides_and_a_date_follows_the_calendar() {
        let utc = TimeZone::UTC;
        // 2026-09-15 is a Tuesday.
        let now = at("2026-09-15T12:00:00Z");
        for (period, counted, past) in [
            ("PT24H", "2026-09-14T12:00:01Z", "2026-09-14T12:00:00Z"),
            ("P1D", "2026-09-15T00:00:00Z", "2026-09-14T23:59:59Z"),
            ("P3D", "2026-09-13T00:00:00Z", "2026-09-12T23:59:59Z"),
            ("P1W", "2026-09-14T00:00:00Z", "2026-09-13T23:59:59Z"),
            ("P1M", "2026-09-01T00:00:00Z", "2026-08-31T23:59:59Z"),
            ("P2M", "2026-08-01T00:00:00Z", "2026-07-31T23:59:59Z"),
            ("P1Y", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
        ] {
            let read = Period::parse(period).unwrap();
            assert!(read.counts(at(counted), now, &utc), "{period}");
            assert!(!read.counts(at(past), now, &utc), "{period}");
        }
    }

    #[test]
    fn what_happened_counts_until_the_instant_at_which_it_is_over() {
        let moment = Span(1);
        for name in ["UTC", "Asia/Tbilisi", "America/New_York", "Africa/Cairo"] {
            let zone = TimeZone::get(name).unwrap();
            for text in ["PT24H", "PT90M", "P1D", "P3D", "P1W", "P2W", "P1M", "P5M", "P1Y"] {
                let period = Period::parse(text).unwrap();
                for hour in 0..24 * 60 {
                    let happened = at("2026-01-01T00:17:00Z").plus(Span::seconds(hour * 21_600));
                    let over = period.over(happened, &zone);
                    assert!(over > happened, "{text} {name}");
                    assert!(!period.counts(happened, over, &zone), "{text} {name} {happened:?}");
                    let before = over.minus(moment);
                    assert!(period.counts(happened, before, &zone), "{text} {name} {happened:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_for_a_year_is_kept_to_the_day() {
        let today: Date = "2026-09-15".parse().unwrap();
        for (period, last_gone) in
            [("P90D", "2026-06-16"), ("P1Y", "2025-09-14"), ("P6M", "2026-03-14")]
        {
            let gone = Period::parse(period).unwrap().expired(today);
            assert_eq!(gone.to_string(), last_gone, "{period}");
        }
    }

    #[test]
    fn each_started_unit_costs_whole() {
        let rate = Rate { amount: Money(20), per: Dur::seconds(60) };
        for (seconds, units) in [(-1, 0), (0, 0), (1, 1), (60, 1), (61, 2), (301, 6), (2427, 41)] {
            assert_eq!(rate.units(Span::seconds(seconds)), units, "{seconds}");
        }
        assert_eq!(rate.charge(Span::seconds(2427)), Money(820));
        let same = Rate { amount: Money(200), per: Dur::seconds(600) };
        assert_eq!(rate.compare(&same), Ordering::Equal);
        let less = Rate { amount: Money(199), per: Dur::seconds(600) };
        assert_eq!(rate.compare(&less), Ordering::Greater);
    }
}
