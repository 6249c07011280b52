//! Days, local time and opening hours, worked out by arithmetic alone.

use jiff::civil::Date;

use crate::profile::{Hours, Lim, Per};

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// Year, month and day of a day by its number since 1970 (after Howard Hinnant's algorithm).
pub(crate) const fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

/// The number of a day since 1970.
pub(crate) const fn number(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The number of a date.
pub(crate) fn of(date: Date) -> i64 {
    number(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

/// The date of a number.
pub(crate) fn date(day: i64) -> Date {
    let (year, month, date) = civil(day);
    let part = |part: i64| i8::try_from(part).unwrap();
    Date::new(i16::try_from(year).unwrap(), part(month), part(date)).unwrap()
}

/// The local day of an instant, where local time is so many seconds ahead of UTC.
pub(crate) const fn day_of(at: i64, ahead: i64) -> i64 {
    (at + ahead * SECOND).div_euclid(DAY)
}

/// Whether `at` is inside the hours, each opening of which starts so many seconds earlier.
pub(crate) fn is_open(hours: &Hours, at: i64, margin: i64, ahead: i64) -> bool {
    hours.always || {
        let today = day_of(at, ahead);
        (today - 1..=today + 2).any(|day| {
            openings(hours, day).into_iter().any(|(from, to)| {
                let instant = |minutes: i64| day * DAY + (minutes * 60 - ahead) * SECOND;
                instant(from) - margin * SECOND <= at && at < instant(to)
            })
        })
    }
}

/// The openings that start on a day, in minutes of it; one that ends the next day ends after 1440.
fn openings(hours: &Hours, day: i64) -> Vec<(i64, i64)> {
    // Day 0 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    let whole = |from: i64, to: i64| (from, if to <= from { to + 1440 } else { to });
    if let Some(own) = hours.special.get(&day) {
        return own.iter().map(|&(from, to)| whole(from, to)).collect();
    }
    let on = hours.weekly.iter().filter(|(days, ..)| days.contains(&weekday));
    on.map(|&(_, from, to)| whole(from, to)).collect()
}

/// Whether what happened at `then` counts at `now`.
fn counts(per: Per, then: i64, now: i64, ahead: i64) -> bool {
    let (today, day) = (day_of(now, ahead), day_of(then, ahead));
    match per {
        Per::Slide(seconds) => then > now - seconds * SECOND,
        Per::Days(count) => day > today - count,
        Per::Weeks(count) => day >= today - (today + 3).rem_euclid(7) - 7 * (count - 1),
        Per::Months(count) => {
            let months = |day: i64| civil(day).0 * 12 + civil(day).1;
            months(day) > months(today) - count
        }
    }
}

/// Whether one of the limits has no room for one more.
pub(crate) fn is_reached(
    limits: &[Lim],
    begun: &[(i64, i64)],
    promised: i64,
    (now, ahead): (i64, i64),
) -> bool {
    limits.iter().any(|limit| {
        // By the clock as it goes now, or by the calendar as it was.
        let slides = matches!(limit.per, Per::Slide(_));
        let then = |(at, stepped): &(i64, i64)| at + if slides { *stepped } else { 0 };
        let counted = begun.iter().filter(|one| counts(limit.per, then(one), now, ahead)).count();
        i64::try_from(counted).unwrap() + promised >= limit.count
    })
}

/// Whether failures have started a lock that still runs.
pub(crate) fn is_locked(limits: &[Lim], failed: &[i64], (now, ahead): (i64, i64)) -> bool {
    limits.iter().any(|limit| {
        failed.iter().any(|nth| {
            let before = |then: &&i64| **then <= *nth && counts(limit.per, **then, *nth, ahead);
            let all = failed.iter().filter(before).count();
            i64::try_from(all).unwrap() >= limit.count && now < nth + limit.lock * SECOND
        })
    })
}
