//! Windows against a reference that walks the clock minute by minute, around every clock change
//! from 1990 to 2037 in twelve zones.
//!
//! The reference shares nothing with what it judges. It asks the zone for one thing, the offset at
//! an instant; from that it writes down what a clock on the wall shows in each minute of twelve
//! days, and finds starts and ends by looking for them there.
//!
//! Around each change twelve sets of windows are tried. A release build walks with each of them
//! through every minute. The slower build for development takes half of them, in turn; it walks
//! with one through every minute, and asks the others where their answers change, around the
//! clock's change and around midnight.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]
use std::{collections::BTreeMap, ops::RangeInclusive};

use domain::{
    time::{Span, Timestamp},
    windows::{Windows, next_open_of_all},
};
use jiff::{civil, tz::TimeZone};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
/// 1990-01-01 and 2038-01-01, in minutes of UTC since 1970.
const FROM: i64 = 7_305 * DAY;
const TO: i64 = 24_837 * DAY;
/// How much of the clock is written down before a change and after it.
const BEFORE: i64 = 2 * DAY;
const AFTER: i64 = 10 * DAY;
/// How far an opening and its end are looked for, in minutes.
const AHEAD: usize = 8 * 1440;
const AHEAD_END: usize = 6 * 1440;
/// How many sets of windows are made up for each change, beside those that are laid around it.
const MADE_UP: usize = 2;
/// The margins that are tried, in minutes; a day is the longest that there is.
const MARGINS: &[i64] = &[0, 1, 15, 45, 90, DAY];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const EVERY_DAY: u8 = 0x7f;

/// The instant at which a minute of UTC begins.
fn instant(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute * 60_000_000)
}

/// What the zone adds to UTC in this minute.
fn offset(minute: i64, zone: &TimeZone) -> i64 {
    let seconds = i64::from(zone.to_offset(instant(minute).to_calendar()).seconds());
    assert_eq!(seconds % 60, 0, "the offset is no whole number of minutes");
    seconds / 60
}

/// The first minute of every new offset. No zone changes twice within a day.
fn changes(zone: &TimeZone) -> Vec<i64> {
    let mut found = Vec::new();
    for day in FROM / DAY..TO / DAY {
        let (mut old, mut new) = (day * DAY, (day + 1) * DAY);
        if offset(old, zone) == offset(new, zone) {
            continue;
        }
        let before = offset(old, zone);
        while new - old > 1 {
            let middle = i64::midpoint(old, new);
            if offset(middle, zone) == before { old = middle } else { new = middle }
        }
        found.push(new);
    }
    found
}

/// What a clock on the wall shows in each minute around a change, as minutes since 1970 began
/// there.
struct Wall {
    /// The minute of UTC at the first place.
    first: i64,
    /// The place at which the change happens.
    change: usize,
    shown: Vec<i64>,
    /// For each minute that the wall could show, beginning with `lowest`: the first and the last
    /// place that show it.
    places: Vec<Option<(usize, usize)>>,
    lowest: i64,
}

impl Wall {
    fn around(change: i64, zone: &TimeZone) -> Self {
        let first = change - BEFORE;
        let mut shown: Vec<i64> = Vec::new();
        for hour in (first..change + AFTER).step_by(60) {
            let (offset_now, next) = (offset(hour, zone), offset(hour + 60, zone));
            let of = |minute| if offset_now == next { offset_now } else { offset(minute, zone) };
            shown.extend((hour..hour + 60).map(|minute| minute + of(minute)));
        }
        let (lowest, highest) = (*shown.iter().min().unwrap(), *shown.iter().max().unwrap());
        let mut places: Vec<Option<(usize, usize)>> =
            vec![None; usize::try_from(highest - lowest).unwrap() + 1];
        for (place, minute) in shown.iter().enumerate() {
            let known = &mut places[usize::try_from(minute - lowest).unwrap()];
            *known = Some((known.map_or(place, |(first, _)| first), place));
        }
        let change = usize::try_from(BEFORE).unwrap();
        Self { first, change, shown, places, lowest }
    }

    /// The first and the last place that show `minute`; where none does, the first one after it,
    /// twice.
    fn places(&self, minute: i64) -> (usize, usize) {
        let Ok(from) = usize::try_from(minute - self.lowest) else { return (0, 0) };
        let rest = self.places.get(from..).unwrap_or_default();
        match rest.iter().flatten().next() {
            Some((first, last)) if rest[0].is_some() => (*first, *last),
            Some((first, _)) => (*first, *first),
            None => (self.shown.len(), self.shown.len()),
        }
    }

    fn instant(&self, place: usize) -> Timestamp {
        instant(self.first + i64::try_from(place).unwrap())
    }

    /// The days that the wall shows, and one on either side, counted from 1970-01-01.
    fn days(&self) -> RangeInclusive<i64> {
        self.lowest / DAY - 1..=self.shown.last().unwrap() / DAY + 1
    }

    /// Whether the place lies within so many minutes of the change, or of a midnight.
    fn is_near(&self, place: usize, change: usize, midnight: i64) -> bool {
        let of_day = self.shown[place] % DAY;
        place.abs_diff(self.change) <= change || !(midnight..DAY - midnight).contains(&of_day)
    }

    /// The places where answers are compared: three hours on either side of the change, and some
    /// minutes around the midnights nearby.
    fn compared(&self) -> Vec<usize> {
        let day = 1440 + 60;
        let places = self.change - day..self.change + day;
        places.filter(|place| self.is_near(*place, 180, 5)).collect()
    }
}

/// Hours of a day in minutes since its midnight; an end at or before the start is on the next day.
#[derive(Clone, Copy)]
struct Hours {
    from: i64,
    to: i64,
}

/// A set of windows as the reference has it.
#[derive(Clone, Default)]
struct Plan {
    weekly: Vec<(u8, Hours)>,
    /// By the day since 1970-01-01.
    special: BTreeMap<i64, Vec<Hours>>,
}

impl Plan {
    fn daily(hours: &[(i64, i64)]) -> Self {
        let weekly = hours.iter().map(|(from, to)| (EVERY_DAY, Hours::around(*from, *to)));
        Self { weekly: weekly.collect(), ..Self::default() }
    }

    fn with_special(mut self, day: i64, hours: &[(i64, i64)]) -> Self {
        let list = hours.iter().map(|(from, to)| Hours::around(*from, *to));
        self.special.insert(day, list.collect());
        self
    }

    /// As an operator writes it.
    fn text(&self) -> String {
        let mut parts = Vec::new();
        for (days, hours) in &self.weekly {
            let named = DAYS.iter().enumerate().filter(|(place, _)| days & (1 << place) != 0);
            let names: Vec<_> = named.map(|(_, name)| *name).collect();
            parts.push(format!("{} {}", names.join(","), hours.text()));
        }
        for (day, list) in &self.special {
            let date = civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(*day));
            if list.is_empty() {
                parts.push(format!("{date} closed"));
            }
            parts.extend(list.iter().map(|hours| format!("{date} {}", hours.text())));
        }
        if parts.is_empty() { "never".to_owned() } else { parts.join("; ") }
    }

    fn on(&self, day: i64) -> Vec<Hours> {
        // The first day of 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        let weekly = self.weekly.iter().filter(|(days, _)| days & (1 << weekday) != 0);
        let usual = || weekly.map(|(_, hours)| *hours).collect();
        self.special.get(&day).cloned().unwrap_or_else(usual)
    }

    /// Whether it is open in each minute of the wall, where starts lie earlier by `margin` minutes.
    fn open(&self, wall: &Wall, margin: i64) -> Vec<bool> {
        let mut open = vec![false; wall.shown.len()];
        for day in wall.days() {
            for hours in self.on(day) {
                let last_day = if hours.to <= hours.from { day + 1 } else { day };
                let (start, _) = wall.places(day * DAY + hours.from);
                let (first_end, second_end) = wall.places(last_day * DAY + hours.to);
                assert!(first_end <= second_end);
                let start = start.saturating_sub(usize::try_from(margin).unwrap());
                if start < second_end {
                    open[start..second_end].fill(true);
                }
            }
        }
        open
    }
}

impl Hours {
    /// Hours at any minutes, moved into a day.
    fn around(from: i64, to: i64) -> Self {
        Self { from: from.rem_euclid(DAY), to: to.rem_euclid(DAY) }
    }

    fn text(self) -> String {
        let [from, to] =
            [self.from, self.to].map(|time| format!("{:02}:{:02}", time / 60, time % 60));
        format!("{from}-{to}")
    }
}

/// Sets of windows that start, end and touch where the wall jumps from `from` to `to`.
fn laid_around(from: i64, to: i64) -> Vec<Plan> {
    let (low, high) = (from.min(to), from.max(to));
    let third = (high - low) / 3;
    let day = low.div_euclid(DAY);
    let only_then = (1 << (day + 3).rem_euclid(7), Hours::around(low - 30, high + 30));
    vec![
        Plan::default(),
        Plan::daily(&[(low + third, high - third)]),
        Plan::daily(&[(low + third, high + 60), (low - 60, high - third)]),
        Plan::daily(&[(low - 60, low), (low, high), (high, high + 60)]),
        Plan::daily(&[(high - 1, low + 1)]),
        Plan::daily(&[(low - 5 * HOUR, low + third)]),
        Plan { weekly: vec![only_then], ..Plan::default() },
        Plan::daily(&[(low - 7 * HOUR, low + third)]).with_special(day, &[]),
        Plan::default().with_special(day, &[(low + third, high - third), (high + 90, low)]),
        Plan::daily(&[(0, 0)]).with_special(day + 1, &[(low, high), (23 * HOUR, low)]),
    ]
}

/// Small, seeded, the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// A minute: often near one of the two that the wall jumps between.
    fn minute(&mut self, jump: (i64, i64)) -> i64 {
        match self.below(4) {
            0 => self.below(DAY),
            1 => jump.0 + self.below(5) - 2,
            2 => jump.1 + self.below(5) - 2,
            _ => jump.0.min(jump.1) + self.below(4 * HOUR) - 2 * HOUR,
        }
    }

    fn plan(&mut self, jump: (i64, i64)) -> Plan {
        let mut plan = Plan::default();
        for _ in 0..=self.below(4) {
            let days = u8::try_from(1 + self.below(i64::from(EVERY_DAY))).unwrap();
            let hours = Hours::around(self.minute(jump), self.minute(jump));
            plan.weekly.push((days, hours));
        }
        for _ in 0..self.below(3) {
            let day = jump.0.div_euclid(DAY) + self.below(4) - 1;
            let hours: Vec<_> =
                (0..self.below(3)).map(|_| (self.minute(jump), self.minute(jump))).collect();
            plan = plan.with_special(day, &hours);
        }
        plan
    }
}

/// One set of windows with its margin: as it is judged, and what the reference makes of it.
struct Judged {
    text: String,
    windows: Windows,
    margin: i64,
    /// Open in each minute of the wall.
    open: Vec<bool>,
    /// Open with the margin.
    early: Vec<bool>,
}

impl Judged {
    fn of(plan: &Plan, margin: i64, wall: &Wall) -> Self {
        let text = plan.text();
        let windows = Windows::parse(&text).unwrap();
        let (open, early) = (plan.open(wall, 0), plan.open(wall, margin));
        Self { text, windows, margin, open, early }
    }

    /// Whether an answer changes in this place.
    fn turns(&self, place: usize) -> bool {
        self.open[place] != self.open[place - 1] || self.early[place] != self.early[place - 1]
    }

    fn span(&self) -> Span {
        Span::seconds(self.margin * 60)
    }
}

/// One change of one zone.
struct Around<'a> {
    name: &'a str,
    zone: &'a TimeZone,
    wall: Wall,
    seed: u64,
}

impl Around<'_> {
    /// Where it was, should an answer be wrong.
    fn at(&self, at: Timestamp, sets: &[&Judged]) -> String {
        let of = |set: &&Judged| format!("`{}` early by {} min", set.text, set.margin);
        let sets: Vec<_> = sets.iter().map(of).collect();
        format!("{} at {at:?}, seed {:#x}, {}", self.name, self.seed, sets.join(" and "))
    }

    /// Whether it is open: in all places or only in those that matter most, and to the microsecond
    /// where the answer changes.
    fn compare_open(&self, set: &Judged, places: &[usize], all: bool) {
        let same = |at: Timestamp, place: usize| {
            let found = set.windows.is_open(at, self.zone);
            assert_eq!(found, set.open[place], "open: {}", self.at(at, &[set]));
        };
        let same_early = |at: Timestamp, place: usize| {
            let found = set.windows.is_open_early(at, set.span(), self.zone);
            assert_eq!(found, set.early[place], "early: {}", self.at(at, &[set]));
        };
        for (&place, odd) in places.iter().zip((0..60_000_000).step_by(7_919_017).cycle()) {
            let at = self.wall.instant(place);
            let odd = at.plus(Span(odd));
            if set.turns(place) {
                for (at, place) in [(at, place), (at.minus(Span(1)), place - 1)] {
                    same(at, place);
                    if set.margin != 0 {
                        same_early(at, place);
                    }
                }
            } else if all || place % 61 == 0 || self.wall.is_near(place, 1, 1) {
                if place % 2 == 0 { same(odd, place) } else { same_early(odd, place) }
            }
        }
    }

    /// The end of an opening, and the next one of one set and of two.
    fn compare_ahead(&self, one: &Judged, other: &Judged, places: &[usize], all: bool) {
        let open = one.early.iter().zip(if all { &other.early[..] } else { &[] });
        let both: Vec<_> = open.map(|(one, other)| *one && *other).collect();
        for (&place, number) in places.iter().zip(0_usize..) {
            let close = place.abs_diff(self.wall.change) <= 1;
            if !close && number % 331 != 0 && !(all && one.turns(place)) {
                continue;
            }
            let odd = Span(if number % 2 == 0 { 0 } else { 59_999_999 });
            let at = self.wall.instant(place).plus(odd);
            self.same_next(&[one], &one.early[place..place + AHEAD], place, at);
            if all {
                self.same_next(&[one, other], &both[place..place + AHEAD], place, at);
            }
            let ends = one.open[place..place + AHEAD_END].iter().position(|open| !open);
            match (ends, one.windows.open_until(at, self.zone)) {
                (Some(0), found) => assert_eq!(found, None, "until: {}", self.at(at, &[one])),
                (Some(minutes), found) => {
                    let end = self.wall.instant(place + minutes);
                    assert_eq!(found, Some(end), "until: {}", self.at(at, &[one]));
                }
                (None, found) => assert!(found.is_some(), "until: {}", self.at(at, &[one])),
            }
        }
    }

    /// The first instant from `at` on that is inside all `sets`: `open` says of the minutes from
    /// `place` on whether it is.
    fn same_next(&self, sets: &[&Judged], open: &[bool], place: usize, at: Timestamp) {
        let next = open.iter().position(|open| *open);
        // Where none comes, a year is looked through, which takes its time.
        if next.is_none() && cfg!(debug_assertions) && !self.seed.is_multiple_of(8) {
            return;
        }
        let asked: Vec<_> = sets.iter().map(|set| (&set.windows, set.span())).collect();
        let found = next_open_of_all(&asked, at, self.zone);
        match next {
            Some(0) => assert_eq!(found, Some(at), "next: {}", self.at(at, sets)),
            Some(minutes) => {
                let next = self.wall.instant(place + minutes);
                assert_eq!(found, Some(next), "next: {}", self.at(at, sets));
            }
            None => {
                let end = self.wall.instant(place + AHEAD);
                let later = found.is_none_or(|next| next >= end);
                assert!(later, "next: {found:?}, {}", self.at(at, sets));
            }
        }
    }
}

/// Compares everything around each change of the zone; there are at least so many.
fn agrees(name: &str, changes_min: usize) {
    let zone = TimeZone::get(name).unwrap();
    let changes = changes(&zone);
    assert!(changes.len() >= changes_min, "{name} has only {} changes", changes.len());
    for (change, number) in changes.into_iter().zip(0_usize..) {
        let seed = name.bytes().fold(change.cast_unsigned(), |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        let around = Around { name, zone: &zone, wall: Wall::around(change, &zone), seed };
        let jump = (change + offset(change - 1, &zone), change + offset(change, &zone));
        let mut dice = Dice(seed);
        let mut plans = laid_around(jump.0, jump.1);
        plans.extend((0..MADE_UP).map(|_| dice.plan(jump)));
        let margin = |dice: &mut Dice| MARGINS[usize::try_from(dice.next() % 6).unwrap()];
        let sets: Vec<_> =
            plans.iter().map(|plan| Judged::of(plan, margin(&mut dice), &around.wall)).collect();
        let places = around.wall.compared();
        // By pairs, because clocks go forward and back in turn.
        let turn = number / 2;
        for (place, set) in sets.iter().enumerate() {
            let all = !cfg!(debug_assertions) || turn % sets.len() == place;
            if !all && (turn + place) % 2 == 1 {
                continue;
            }
            around.compare_open(set, &places, all);
            around.compare_ahead(set, &sets[(place + 1) % sets.len()], &places, all);
        }
    }
}

#[test]
fn tbilisi_changed_its_mind_about_summer_time_until_2005() {
    agrees("Asia/Tbilisi", 20);
}

#[test]
fn yerevan_had_summer_time_until_2011() {
    agrees("Asia/Yerevan", 30);
}

#[test]
fn berlin_changes_on_the_last_sundays_of_march_and_october() {
    agrees("Europe/Berlin", 96);
}

#[test]
fn london_changes_at_one_in_the_morning() {
    agrees("Europe/London", 96);
}

#[test]
fn new_york_changed_its_dates_in_2007() {
    agrees("America/New_York", 96);
}

#[test]
fn sao_paulo_changed_at_midnight() {
    agrees("America/Sao_Paulo", 50);
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    agrees("Australia/Lord_Howe", 90);
}

#[test]
fn casablanca_goes_back_for_ramadan() {
    agrees("Africa/Casablanca", 50);
}

#[test]
fn tehran_changed_at_midnight_of_its_own_calendar() {
    agrees("Asia/Tehran", 50);
}

#[test]
fn apia_skipped_a_whole_day_in_2011() {
    agrees("Pacific/Apia", 15);
}

#[test]
fn santiago_changes_at_midnight_in_the_south() {
    agrees("America/Santiago", 90);
}

#[test]
fn saint_johns_changed_one_minute_after_midnight_and_once_by_two_hours() {
    agrees("America/St_Johns", 96);
}
