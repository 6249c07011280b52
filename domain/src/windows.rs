//! Windows of local time: days, midnight crossing, special dates, daylight saving.
//!
//! A window starts inclusively and ends exclusively, and belongs to the day that it starts on.
//! Where clocks go back, a start takes the first occurrence and an end the second; where they go
//! forward, both take the first valid instant after the gap.

use std::{collections::BTreeMap, fmt};

use jiff::{
    civil::{Date, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::time::{Span, Timestamp};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How many days ahead the next opening is looked for (our choice).
const HORIZON_DAYS: i64 = 400;

/// One window of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days that it starts on, Monday first, one bit each.
    days: u8,
    /// Start, inclusive.
    from: Time,
    /// End, exclusive; at or before `from` it is on the next day.
    to: Time,
}

/// All windows that one scope sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    weekly: Vec<Window>,
    special: BTreeMap<Date, Vec<Window>>,
    always: bool,
}

impl Windows {
    /// Open at any time.
    #[must_use]
    pub fn always() -> Self {
        Self { always: true, ..Self::default() }
    }

    /// Reads `always`, `never`, or parts separated by `;`: `Mon-Fri 07:00-22:00`, `Sat, Sun
    /// 09:00-20:00`,
    /// `2026-12-31 09:00-15:00`, `2027-01-01 closed`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which part.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "always" => return Ok(Self::always()),
            "never" => return Ok(Self::default()),
            "" => {
                return Err("windows are empty; write `always`, `never`, or `Mon-Fri 07:00-22:00`"
                    .to_owned());
            }
            _ => {}
        }
        let mut windows = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            windows.add(part)?;
        }
        Ok(windows)
    }

    fn add(&mut self, part: &str) -> Result<(), String> {
        let shape = || {
            format!("`{part}` is not a window such as `Mon-Fri 07:00-22:00` or `2027-01-01 closed`")
        };
        let (when, hours) = part.rsplit_once(' ').ok_or_else(shape)?;
        let when = when.trim();
        if when.starts_with(|first: char| first.is_ascii_digit()) {
            let date = when.parse().ok().filter(|_| when.len() == 10);
            let date: Date =
                date.ok_or_else(|| format!("`{when}` is not a date such as 2026-12-31"))?;
            let is_closed = hours == "closed";
            if self.special.get(&date).is_some_and(|list| list.is_empty() != is_closed) {
                return Err(format!("{date} is closed in one part and open in another"));
            }
            let list = self.special.entry(date).or_default();
            if !is_closed {
                let (from, to) = parse_hours(hours)?;
                list.push(Window { days: 0, from, to });
            }
            return Ok(());
        }
        let (from, to) = parse_hours(hours)?;
        self.weekly.push(Window { days: parse_days(when)?, from, to });
        Ok(())
    }

    /// Whether no instant can ever be inside: a rule file with such windows is a mistake, unless it
    /// says `never`.
    #[must_use]
    pub fn is_never(&self) -> bool {
        !self.always && self.weekly.is_empty() && self.special.values().all(Vec::is_empty)
    }

    /// Whether they say `always`.
    #[must_use]
    pub const fn is_always(&self) -> bool {
        self.always
    }

    /// Whether some instant can be inside both, where each window starts earlier by `margin`.
    ///
    /// It looks at a week without special dates and at every special date of the two with its
    /// neighbours; changes of the clock are left aside.
    #[must_use]
    pub fn meets(&self, other: &Self, margin: Span) -> bool {
        if self.always || other.always {
            return !self.is_never() && !other.is_never();
        }
        let weekly = |windows: &Self| Self { special: BTreeMap::new(), ..windows.clone() };
        let (own, others) = (weekly(self), weekly(other));
        // The week of 5 January 1970, a Monday; any other would do.
        let ordinary = (4..12).map(|day| shifted(Date::constant(1970, 1, 1), day));
        let special = self.special.keys().chain(other.special.keys()).copied();
        own.meets_on(&others, ordinary, margin) || self.meets_on(other, special, margin)
    }

    /// Whether an opening of one of `dates` overlaps one of the other's on that date or beside it.
    fn meets_on(&self, other: &Self, dates: impl Iterator<Item = Date>, margin: Span) -> bool {
        let utc = TimeZone::UTC;
        let around = |windows: &Self, date: Date| {
            let days = -2..=2;
            let openings = days.flat_map(|day| windows.openings_of(shifted(date, day), &utc));
            openings.map(|(from, to)| (from.minus(margin), to)).collect::<Vec<_>>()
        };
        let mut dates = dates;
        dates.any(|date| {
            let theirs = around(other, date);
            around(self, date)
                .into_iter()
                .any(|(from, to)| theirs.iter().any(|(start, end)| from < *end && *start < to))
        })
    }

    /// The end of the opening that `at` lies in; `None` where it is closed.
    ///
    /// Openings that touch or overlap count as one; one that runs on for more than a week is cut
    /// there.
    #[must_use]
    pub fn open_until(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.always {
            return Some(at.plus(Span::seconds(8 * 86_400)));
        }
        let today = local_date(at, zone);
        let end = self.open_until_within(at, today, 2, zone)?;
        // What starts two days after the end does not prolong it.
        if local_date(end, zone) <= shifted(today, 1) {
            return Some(end);
        }
        self.open_until_within(at, today, 8, zone)
    }

    /// The same by the openings that start up to so many days after today.
    fn open_until_within(
        &self,
        at: Timestamp,
        today: Date,
        days: i64,
        zone: &TimeZone,
    ) -> Option<Timestamp> {
        let all = (-2..=days).flat_map(|day| self.openings_of(shifted(today, day), zone));
        let mut openings: Vec<_> = all.collect();
        let around = openings.iter().filter(|(from, to)| *from <= at && at < *to);
        let mut end = around.map(|(_, to)| *to).max()?;
        openings.sort_unstable();
        for (from, to) in openings {
            if from <= end && to > end {
                end = to;
            }
        }
        Some(end)
    }

    /// Whether `at` is inside.
    #[must_use]
    pub fn is_open(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.is_open_early(at, Span::default(), zone)
    }

    /// Whether `at` is inside, where each window starts earlier by `margin`, a day at the most
    /// (parameter 11).
    #[must_use]
    pub fn is_open_early(&self, at: Timestamp, margin: Span, zone: &TimeZone) -> bool {
        if self.always {
            return true;
        }
        let today = local_date(at, zone);
        // Two days back, although a window ends on its next day: where clocks go back over
        // midnight, a part of yesterday is still to come. Today first, as it most often says yes.
        [0, -1, 1, -2, 2].into_iter().any(|day| {
            self.openings_of(shifted(today, day), zone)
                .any(|(from, to)| from.minus(margin) <= at && at < to)
        })
    }

    /// The first instant from `at` on that is inside, `at` included, where each window starts
    /// earlier by `margin`; `None` where there is none for a year.
    #[must_use]
    pub fn next_open(&self, at: Timestamp, margin: Span, zone: &TimeZone) -> Option<Timestamp> {
        if self.is_open_early(at, margin, zone) {
            return Some(at);
        }
        let today = local_date(at, zone);
        (0..=HORIZON_DAYS).find_map(|day| {
            let openings = self.openings_of(shifted(today, day), zone);
            let early = openings.map(|(from, to)| (from.minus(margin), to));
            // One that lies in a gap of the clock lasts no time: nobody could enter.
            early.filter(|(from, to)| at <= *from && from < to).map(|(from, _)| from).min()
        })
    }

    /// The openings that start on the local date `day`, as instants.
    fn openings_of(
        &self,
        day: Date,
        zone: &TimeZone,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let (listed, bit) = match self.special.get(&day) {
            Some(list) => (list, 0),
            None => (&self.weekly, 1 << day.weekday().to_monday_zero_offset()),
        };
        let of_day = listed.iter().filter(move |window| bit == 0 || window.days & bit != 0);
        of_day.map(move |window| {
            let last = if window.to <= window.from { shifted(day, 1) } else { day };
            (instant(day, window.from, zone, false), instant(last, window.to, zone, true))
        })
    }
}

/// The first instant from `at` on that is inside all of `sets`, each with its margin; `None` where
/// there is none for a year.
#[must_use]
pub fn next_open_of_all(
    sets: &[(&Windows, Span)],
    at: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let limit = at.plus(Span::seconds(HORIZON_DAYS * 86_400));
    let mut candidate = at;
    while candidate <= limit {
        let latest = sets
            .iter()
            .map(|(set, margin)| set.next_open(candidate, *margin, zone))
            .try_fold(candidate, |latest: Timestamp, next| next.map(|next| latest.max(next)))?;
        if latest == candidate {
            return Some(candidate);
        }
        candidate = latest;
    }
    None
}

/// The local date at `at`.
#[must_use]
pub fn local_date(at: Timestamp, zone: &TimeZone) -> Date {
    zone.to_datetime(at.to_calendar()).date()
}

fn shifted(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// The instant of a local time: in a gap its end, in an overlap the first or, for an end, the
/// second.
pub(crate) fn instant(date: Date, time: Time, zone: &TimeZone, is_end: bool) -> Timestamp {
    let local = date.to_datetime(time);
    let offset = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, after } => {
            if is_end {
                after
            } else {
                before
            }
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset after the gap, the local time lies just before the change.
            let just_before = after.to_timestamp(local).unwrap_or(jiff::Timestamp::MAX);
            return match zone.following(just_before).next() {
                Some(change) => Timestamp::from(change.timestamp()),
                None => Timestamp::from(just_before),
            };
        }
    };
    offset.to_timestamp(local).map_or(Timestamp::from(jiff::Timestamp::MAX), Timestamp::from)
}

fn parse_hours(text: &str) -> Result<(Time, Time), String> {
    let wrong = || format!("`{text}` are not hours such as 07:00-22:00");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let time = |text: &str| {
        let is_time = matches!(text.len(), 5 | 8) && text.get(2..3) == Some(":");
        is_time.then(|| text.parse::<Time>().ok()).flatten()
    };
    let end = if to == "24:00" { Some(Time::midnight()) } else { time(to) };
    Ok((time(from).ok_or_else(wrong)?, end.ok_or_else(wrong)?))
}

fn parse_days(text: &str) -> Result<u8, String> {
    let place = |name: &str| {
        let found = DAYS.iter().position(|day| *day == name.trim());
        found.ok_or_else(|| format!("`{}` is not a day; days are {}", name.trim(), DAYS.join(", ")))
    };
    let mut days = 0_u8;
    for part in text.split(',') {
        match part.split_once('-') {
            None => days |= 1 << place(part)?,
            Some((first, last)) => {
                let (first, last) = (place(first)?, place(last)?);
                let count = (last + 7 - first) % 7;
                (0..=count).for_each(|step| days |= 1 << ((first + step) % 7));
            }
        }
    }
    Ok(days)
}

/// The weekday's name as windows write it.
#[must_use]
pub fn day_name(day: Weekday) -> &'static str {
    DAYS[usize::from(day.to_monday_zero_offset().unsigned_abs()) % 7]
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.always {
            return f.write_str("always");
        }
        let time = |at: Time| at.strftime(if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" });
        let hours = |window: &Window| format!("{}-{}", time(window.from), time(window.to));
        let mut parts = Vec::new();
        for window in &self.weekly {
            let names =
                DAYS.iter().enumerate().filter(|(place, _)| window.days & (1 << place) != 0);
            let names: Vec<_> = names.map(|(_, name)| *name).collect();
            parts.push(format!("{} {}", names.join(","), hours(window)));
        }
        for (date, list) in &self.special {
            if list.is_empty() {
                parts.push(format!("{date} closed"));
            }
            parts.extend(list.iter().map(|window| format!("{date} {}", hours(window))));
        }
        f.write_str(if parts.is_empty() { "never" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}

impl Serialize for Windows {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }
    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn a_night_window_belongs_to_the_day_it_starts_on() {
        let night = Windows::parse("Mon-Fri 22:00-06:00").unwrap();
        let tbilisi = zone("Asia/Tbilisi");
        // Local times of scenario S4 of the specification, four hours ahead of UTC.
        for (utc, open) in [
            ("2026-09-18T17:59:59Z", false),
            ("2026-09-18T18:00:00Z", true),
            ("2026-09-19T01:59:59Z", true),
            ("2026-09-19T02:00:00Z", false),
            ("2026-09-19T18:30:00Z", false),
            ("2026-09-20T20:30:00Z", false),
        ] {
            assert_eq!(night.is_open(at(utc), &tbilisi), open, "{utc}");
        }
        let next = night.next_open(at("2026-09-19T02:00:00Z"), Span::default(), &tbilisi);
        assert_eq!(next, Some(at("2026-09-21T18:00:00Z")));
        assert_eq!(
            night.open_until(at("2026-09-18T18:00:00Z"), &tbilisi),
            Some(at("2026-09-19T02:00:00Z"))
        );
    }

    #[test]
    fn clock_changes_move_starts_and_ends_as_specified() {
        let berlin = zone("Europe/Berlin");
        let small_hours = Windows::parse("Sun 02:15-02:45").unwrap();
        // Forward on 2026-03-29: 02:15 and 02:45 do not exist, both are 03:00 local, so nothing
        // opens.
        assert!(!small_hours.is_open(at("2026-03-29T01:00:00Z"), &berlin));
        let next = small_hours.next_open(at("2026-03-28T12:00:00Z"), Span::default(), &berlin);
        assert_eq!(next, Some(at("2026-04-05T00:15:00Z")));
        let from_gap = Windows::parse("Sun 02:15-04:00").unwrap();
        assert!(!from_gap.is_open(at("2026-03-29T00:59:59Z"), &berlin));
        assert!(from_gap.is_open(at("2026-03-29T01:00:00Z"), &berlin));
        // Back on 2026-10-25: the start is the first 02:15, the end the second 02:45.
        assert!(small_hours.is_open(at("2026-10-25T00:15:00Z"), &berlin));
        assert!(small_hours.is_open(at("2026-10-25T01:44:59Z"), &berlin));
        assert!(!small_hours.is_open(at("2026-10-25T01:45:00Z"), &berlin));
    }

    #[test]
    fn a_special_date_replaces_the_windows_that_would_start_on_it() {
        let windows =
            Windows::parse("Mon-Sun 22:00-06:00; 2026-12-31 closed; 2027-01-01 10:00-12:00")
                .unwrap();
        let utc = TimeZone::UTC;
        assert!(windows.is_open(at("2026-12-31T05:59:00Z"), &utc), "the evening before runs on");
        assert!(!windows.is_open(at("2026-12-31T22:30:00Z"), &utc));
        assert!(windows.is_open(at("2027-01-01T10:00:00Z"), &utc));
    }

    #[test]
    fn all_windows_together_open_at_the_first_instant_inside_each() {
        let site = Windows::parse("Mon-Sun 07:00-22:00").unwrap();
        let tariff = Windows::parse("Mon,Wed 06:00-09:00").unwrap();
        let next = |tariff: &Windows, margin| {
            let sets = [(&site, Span::default()), (tariff, Span::seconds(margin))];
            next_open_of_all(&sets, at("2026-09-15T08:00:00Z"), &TimeZone::UTC)
        };
        assert_eq!(next(&tariff, 0), Some(at("2026-09-16T07:00:00Z")));
        assert_eq!(next(&Windows::default(), 0), None);
        let evening = Windows::parse("Tue 18:00-20:00").unwrap();
        assert_eq!(next(&evening, 900), Some(at("2026-09-15T17:45:00Z")), "a margin of its own");
    }

    #[test]
    fn a_margin_moves_starts_and_no_end_over_midnight_too() {
        let utc = TimeZone::UTC;
        let evening = Windows::parse("Tue 17:00-17:45; Wed 00:10-01:00").unwrap();
        let open = |time, margin| evening.is_open_early(at(time), Span::seconds(margin), &utc);
        for (time, margin, expected) in [
            ("2026-09-15T16:44:59Z", 900, false),
            ("2026-09-15T16:45:00Z", 900, true),
            ("2026-09-15T16:59:59Z", 0, false),
            ("2026-09-15T17:44:59Z", 900, true),
            ("2026-09-15T17:45:00Z", 900, false),
            ("2026-09-15T23:55:00Z", 900, true),
            ("2026-09-15T00:10:00Z", 86_400, true),
        ] {
            assert_eq!(open(time, margin), expected, "{time} {margin}");
        }
    }

    #[test]
    fn windows_meet_where_some_instant_lies_in_both() {
        for (one, other, margin, meet) in [
            ("Mon-Fri 07:00-12:00", "Mon-Fri 12:00-18:00", 0, false),
            ("Mon-Fri 07:00-12:00", "Mon-Fri 12:00-18:00", 60, true),
            ("Mon-Fri 07:00-12:00", "Fri 11:59-18:00", 0, true),
            ("Mon-Fri 07:00-12:00", "Sat,Sun 07:00-12:00", 0, false),
            ("Sun 22:00-06:00", "Mon 05:00-07:00", 0, true),
            ("Sun 22:00-06:00", "Mon 06:00-07:00", 0, false),
            ("Mon 08:00-08:00", "Tue 07:00-07:30", 0, true),
            ("Mon 07:00-12:00", "2027-01-02 10:00-11:00", 0, false),
            ("Mon 07:00-12:00; 2027-01-02 08:00-10:30", "2027-01-02 10:00-11:00", 0, true),
            ("Sat 22:00-02:00; 2027-01-03 closed", "2027-01-03 01:00-05:00", 0, true),
            ("Sun 01:00-05:00; 2027-01-03 closed", "2027-01-03 01:00-05:00", 0, false),
            ("always", "Mon 07:00-08:00", 0, true),
            ("always", "never", 0, false),
        ] {
            let (a, b) = (Windows::parse(one).unwrap(), Windows::parse(other).unwrap());
            let margin = Span::seconds(margin);
            assert_eq!(a.meets(&b, margin), meet, "{one} and {other}");
            assert_eq!(b.meets(&a, margin), meet, "{other} and {one}");
        }
    }

    #[test]
    fn windows_are_written_as_they_are_read() {
        for text in [
            "always",
            "never",
            "Mon,Tue,Wed 07:00-22:00; 2027-01-01 closed",
            "Mon 07:00:30-22:00; 2027-01-01 10:00-12:00; 2027-01-01 14:00-23:59:59",
        ] {
            assert_eq!(Windows::parse(text).unwrap().to_string(), text);
        }
        for bad in [
            "",
            "Mon",
            "Mon 7-22",
            "Mo 07:00-22:00",
            "Mon 07:00-25:00",
            "Mon 24:00-07:00",
            "Mon T0700-T0900",
            "2026-13-01 closed",
            "2026-12-31T10:00 closed",
            "2026-12-31 closed; 2026-12-31 09:00-15:00",
            "2026-12-31 09:00-15:00; 2026-12-31 closed",
        ] {
            assert!(Windows::parse(bad).is_err(), "{bad}");
        }
    }
}
