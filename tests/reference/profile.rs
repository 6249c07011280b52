//! Profiles: what a site has set, in the reference's own words, and the same as files write it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    str::FromStr,
};

use domain::{
    ids::MemberId,
    params::{CATALOGUE, Value},
    scope::{ParamTable, Scope},
};
use fastrand::Rng;

/// An id that is always the same for `number`.
pub(crate) fn uuid<T: FromStr<Err: fmt::Debug>>(number: u64) -> T {
    format!("00000000-0000-4000-8000-{number:012}").parse().unwrap()
}

/// The time in which something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    /// So many seconds just before.
    Slide(i64),
    /// So many local days, today the last.
    Days(i64),
    /// So many weeks from Monday.
    Weeks(i64),
    /// So many months of the calendar.
    Months(i64),
}

/// A limit, with the seconds that it locks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lim {
    pub(crate) count: i64,
    pub(crate) per: Per,
    pub(crate) lock: i64,
}

/// Opening hours: days of the week from Monday, and minutes of the day; special days by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) always: bool,
    pub(crate) weekly: Vec<(Vec<i64>, i64, i64)>,
    pub(crate) special: BTreeMap<i64, Vec<(i64, i64)>>,
}

/// A value in the reference's own words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    /// A place in the list of words.
    Word(usize),
    Int(i64),
    /// Days, or seconds.
    Dur(i64, i64),
    Money(i64),
    NoCap,
    /// Money for so many seconds.
    Rate(i64, i64),
    Limits(Vec<Lim>),
    Hours(Vec<Hours>),
    Set(BTreeSet<String>),
    Rights(BTreeSet<String>, BTreeSet<String>),
    Ages(BTreeMap<String, i64>),
    /// Entry, locker, sale.
    Offline([usize; 3]),
}

/// Where one value is set.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) scope: Scope,
    pub(crate) val: Val,
}

/// What a site has set.
pub(crate) struct Profile {
    /// Seconds that local time is ahead of UTC, and the name of the time zone.
    pub(crate) ahead: i64,
    pub(crate) zone: &'static str,
    /// By the parameter's number.
    pub(crate) settings: Vec<Vec<Setting>>,
    /// The same for the system under test.
    pub(crate) table: ParamTable,
}

/// Time zones without summer time.
const ZONES: &[(&str, i64)] = &[("Asia/Tbilisi", 14_400), ("UTC", 0), ("Asia/Kolkata", 19_800)];

/// The rows that are judged: number, and the scopes at which each may be set.
pub(crate) const ROWS: &[(usize, &str)] = &[
    (1, "SZD"),
    (2, "SZD"),
    (3, "SZDGP"),
    (4, "SDP"),
    (5, "SZDGP"),
    (6, "SDTG"),
    (7, "SZG"),
    (8, "STGM"),
    (9, "STG"),
    (10, "SZDTGM"),
    (11, "SZTG"),
    (12, "TGM"),
    (13, "STG"),
    (14, "TG"),
    (15, "TG"),
    (16, "TG"),
    (17, "STGM"),
    (18, "TG"),
    (19, "SZDG"),
    (20, "SZDT"),
    (23, "SZTGM"),
    (24, "SZTGM"),
    (25, "SZDTGM"),
    (26, "SD"),
    (27, "STGM"),
    (28, "SGM"),
    (29, "SG"),
    (30, "SGM"),
    (31, "GM"),
    (32, "SZ"),
    (33, "Z"),
    (34, "ZT"),
    (35, "ZG"),
    (36, "ZG"),
    (37, "ZTG"),
    (38, "SZTG"),
    (39, "SZG"),
    (40, "TGM"),
    (41, "D"),
    (42, "DTGM"),
    (43, "DTG"),
    (44, "DT"),
    (45, "SZD"),
    (46, "OP"),
    (47, "OP"),
    (48, "S"),
    (49, "SP"),
    (50, "O"),
    (51, "O"),
    (52, "O"),
    (53, "SP"),
    (54, "P"),
    (56, "ZD"),
    (58, "SDP"),
];

/// The words of a row, from lax to strict.
pub(crate) fn words(number: usize) -> &'static [&'static str] {
    match number {
        1 => &["deny", "deny_and_alarm"],
        2 => &["deny", "deny_and_alarm", "deny_and_capture"],
        3 => &["card_or_pin", "card", "card_and_photo_check", "card_and_pin"],
        5 => &["off", "grant_silent_alarm", "deny_silent_alarm"],
        6 | 38 | 45 => match number {
            38 => &["off", "warn", "deny"],
            _ => &["off", "warn", "hold"],
        },
        14 => &["off", "warn", "per_unit", "next_tier", "fixed"],
        19 => &["off", "soft", "timed", "hard"],
        25 => &["allow", "warn", "hold"],
        27 => &["off", "full_only", "partial"],
        31 => &["family", "member"],
        33 => &["count_only", "soft", "hard"],
        41 => &["free", "dynamic", "rental", "personal"],
        44 => &["warn", "charge", "block"],
        56 => &["free", "controlled", "locked", "out_of_service"],
        58 => &["allow", "cached", "deny"],
        _ => &[],
    }
}

pub(crate) const DEVICES: &[&str] = &["G1", "G2", "L1", "L2"];
pub(crate) const TERMINALS: &[&str] = &["T1", "T2"];
pub(crate) const TARIFFS: &[&str] = &["day", "month", "ticket"];
pub(crate) const GROUPS: &[&str] = &["kids", "staff", "swim"];
pub(crate) const ROLES: &[&str] = &["cashier", "manager"];
pub(crate) const STATES: &[&str] =
    &["active", "grace", "past_due", "frozen", "suspended", "cancelled", "expired", "depleted"];
pub(crate) const ACTS: &[&str] = &[
    "sale",
    "topup",
    "refund",
    "override",
    "debt_write_off",
    "emergency_reset",
    "unblock_member",
    "release_hold",
];
pub(crate) const CODES: &[&str] = &[
    "SITE_CLOSED",
    "OUTSIDE_TARIFF_WINDOW",
    "MEMBERSHIP_NOT_ACTIVE",
    "DEBT_ENTRY_BLOCKED",
    "DEBT_EXIT_HOLD",
    "ZONE_FULL",
    "WALLET_LIMIT_EXCEEDED",
    "DISCOUNT_NEEDS_APPROVAL",
    "LOCKER_OCCUPIED_AT_EXIT",
    "ANTI_PASSBACK",
    "VISITS_EXHAUSTED",
    "CREDENTIAL_UNKNOWN",
    "AGE_BELOW_MINIMUM",
];
/// Seconds that settings and cases both choose from, so that cases lie on limits.
pub(crate) const LENGTHS: &[i64] = &[0, 60, 300, 600, 1800, 3600, 5400, 43_200, 86_400];
/// Amounts that settings and cases both choose from.
pub(crate) const AMOUNTS: &[i64] = &[0, 1, 100, 250, 500, 800, 1000, 2000, 5000, 15_000, 30_000];

/// One of `all`.
pub(crate) fn one<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}

/// Some of `all`.
pub(crate) fn some(rng: &mut Rng, all: &[&str], percent: u32) -> BTreeSet<String> {
    all.iter().filter(|_| rng.u32(..100) < percent).map(|&word| word.to_owned()).collect()
}

fn hours(rng: &mut Rng) -> Hours {
    if rng.u32(..100) < 55 {
        return Hours { always: true, ..Hours::default() };
    }
    let mut made = Hours::default();
    for _ in 0..rng.usize(1..3) {
        let days: Vec<i64> = (0..7).filter(|_| rng.u32(..100) < 92).collect();
        let days = if days.is_empty() { vec![0] } else { days };
        // Mostly long hours, some over midnight, some a whole day.
        let (from, long) = (rng.i64(0..96) * 15, rng.i64(40..=96) * 15);
        made.weekly.push((days, from, (from + long) % 1440));
    }
    if rng.u32(..100) < 20 {
        let day = 20_500 + rng.i64(0..250);
        let own = if rng.bool() { vec![] } else { vec![(rng.i64(20..60) * 15, 1200)] };
        made.special.insert(day, own);
    }
    made
}

fn limit(rng: &mut Rng) -> Val {
    if rng.u32(..100) < 15 {
        return Val::Limits(Vec::new());
    }
    let per = match rng.u32(..6) {
        0 => Per::Slide(86_400),
        1 => Per::Slide(3600),
        2 => Per::Days(rng.i64(1..4)),
        3 => Per::Weeks(rng.i64(1..3)),
        _ => Per::Months(rng.i64(1..3)),
    };
    Val::Limits(vec![Lim { count: rng.i64(0..5), per, lock: 0 }])
}

/// A random value of a row.
fn value(rng: &mut Rng, number: usize) -> Val {
    match number {
        3 => Val::Word(one(rng, &[0, 1, 1, 1, 2, 3])),
        4 => {
            let per = Per::Slide(one(rng, &[60, 300, 600]));
            Val::Limits(vec![Lim { count: rng.i64(1..4), per, lock: one(rng, &[60, 300, 600]) }])
        }
        7 => {
            let mut set = some(rng, STATES, 40);
            set.extend((rng.u32(..10) > 0).then(|| "active".to_owned()));
            Val::Set(set)
        }
        8 => Val::Dur(rng.i64(0..5), 0),
        9 => Val::Int(rng.i64(0..5)),
        10 => Val::Hours(vec![hours(rng)]),
        11 => Val::Dur(0, one(rng, &[0, 900, 3600])),
        12 | 13 | 18 | 20 | 43 => Val::Dur(0, one(rng, LENGTHS)),
        15 => Val::Rate(one(rng, &[0, 20, 150, 200, 1000]), one(rng, &[30, 60, 600, 3600])),
        16 if rng.u32(..4) == 0 => Val::NoCap,
        17 | 40 => limit(rng),
        24 => match rng.bool() {
            true => Val::Dur(rng.i64(0..4), 0),
            false => Val::Dur(0, one(rng, LENGTHS)),
        },
        26 => Val::Dur(0, one(rng, &[0, 60, 300, 600, 1800])),
        28 => Val::Money(-one(rng, &[0, 100, 500, 2000])),
        16 | 23 | 29 | 30 | 47 | 49 => Val::Money(one(rng, AMOUNTS)),
        37 => Val::Money(one(rng, &[0, 100, 500, 1000])),
        32 => Val::Int(one(rng, &[0, 1, 5, 10])),
        34 | 39 => Val::Int(one(rng, &[0, 6, 10, 14])),
        35 => Val::Int(one(rng, &[0, 8, 12])),
        36 | 42 => Val::Int(rng.i64(0..4)),
        46 => Val::Int(one(rng, &[0, 10, 15, 100])),
        48 => {
            let mut ages = BTreeMap::from([("alcohol".to_owned(), one(rng, &[16, 18, 21]))]);
            ages.extend(rng.bool().then(|| ("games".to_owned(), one(rng, &[0, 12]))));
            Val::Ages(ages)
        }
        50 => Val::Rights(some(rng, ACTS, 85), some(rng, ACTS, 8)),
        51 => Val::Set(some(rng, TERMINALS, 90)),
        52 => Val::Set(some(rng, CODES, 75)),
        53 => Val::Set(some(rng, ACTS, 25)),
        54 => Val::Set(some(rng, ACTS, 90)),
        56 => Val::Word(one(rng, &[0, 1, 1, 1, 1, 2, 3])),
        58 => Val::Offline([rng.usize(..3), rng.usize(..3), rng.usize(..3)]),
        _ => Val::Word(rng.usize(..words(number).len())),
    }
}

/// Where a row can be set, by the letters of its scopes.
fn places(letters: &str) -> Vec<Scope> {
    let mut all = Vec::new();
    for letter in letters.chars() {
        match letter {
            'S' => all.push(Scope::Site),
            'Z' => all.extend(["site", "hall", "pool", "sauna"].map(|id| Scope::Zone(id.into()))),
            'D' => all.extend(DEVICES.iter().map(|&id| Scope::Device(id.into()))),
            'P' => all.extend(TERMINALS.iter().map(|&id| Scope::Terminal(id.into()))),
            'T' => all.extend(TARIFFS.iter().map(|&id| Scope::Tariff(id.into()))),
            'G' => all.extend(GROUPS.iter().map(|&id| Scope::Group(id.into()))),
            'M' => all.extend([1, 2, 9].map(|id| Scope::Member(uuid::<MemberId>(id)))),
            _ => all.extend(ROLES.iter().map(|&id| Scope::Role(id.into()))),
        }
    }
    all
}

impl Profile {
    /// A random one.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let (zone, ahead) = one(rng, ZONES);
        let density: u32 = one(rng, &[4, 12, 30]);
        let mut settings = vec![Vec::new(); 65];
        let mut table = ParamTable::default();
        for &(number, letters) in ROWS {
            for scope in places(letters) {
                let percent = match (number, &scope) {
                    (10, Scope::Site) => 100,
                    (50..=52 | 54, _) => 92,
                    (7 | 10 | 17 | 30 | 47 | 56 | 58, _) => density / 3,
                    (12 | 14..=16, _) => 50,
                    _ => density,
                };
                if rng.u32(..100) >= percent {
                    continue;
                }
                let val = value(rng, number);
                let param = CATALOGUE[number - 1].param;
                let text = written(number, &val);
                let parsed = Value::parse(param, &text);
                let parsed = parsed.unwrap_or_else(|why| panic!("{}: {why}", param.name()));
                table.set(param, scope.clone(), parsed);
                settings[number].push(Setting { scope, val });
            }
        }
        Self { ahead, zone, settings, table }
    }

    /// Every setting, a line each.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("time zone {}\n", self.zone);
        for &(number, _) in ROWS {
            for set in &self.settings[number] {
                let name = CATALOGUE[number - 1].name;
                writeln!(text, "{name} = {} at {}", written(number, &set.val), set.scope).unwrap();
            }
        }
        text
    }
}

fn money(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", amount.abs() / 100, amount.abs() % 100)
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let all: Vec<_> = words.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn hours_written(hours: &Hours) -> String {
    if hours.always {
        return "always".to_owned();
    }
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let mut parts = Vec::new();
    for (days, from, to) in &hours.weekly {
        let days: Vec<_> = names
            .iter()
            .zip(0..)
            .filter(|(_, day)| days.contains(day))
            .map(|(name, _)| *name)
            .collect();
        parts.push(format!("{} {}-{}", days.join(","), clock(*from), clock(*to)));
    }
    for (day, own) in &hours.special {
        let (year, month, date) = crate::calendar::civil(*day);
        let date = format!("{year:04}-{month:02}-{date:02}");
        if own.is_empty() {
            parts.push(format!("{date} closed"));
        }
        let own = own.iter().map(|(from, to)| format!("{date} {}-{}", clock(*from), clock(*to)));
        parts.extend(own);
    }
    parts.join("; ")
}

/// A value as files write it.
pub(crate) fn written(number: usize, val: &Val) -> String {
    match val {
        Val::Word(place) => words(number)[*place].to_owned(),
        Val::Int(count) => count.to_string(),
        Val::Dur(days, 0) if *days > 0 => format!("P{days}D"),
        Val::Dur(_, seconds) => format!("PT{seconds}S"),
        Val::Money(amount) => money(*amount),
        Val::NoCap => "none".to_owned(),
        Val::Rate(amount, seconds) => format!("{}/PT{seconds}S", money(*amount)),
        Val::Limits(all) => listed(all.iter().map(|limit| {
            let per = match limit.per {
                Per::Slide(seconds) => format!("PT{seconds}S"),
                Per::Days(count) => format!("P{count}D"),
                Per::Weeks(count) => format!("P{count}W"),
                Per::Months(count) => format!("P{count}M"),
            };
            let lock = match limit.lock {
                0 => String::new(),
                lock => format!(", locked for PT{lock}S"),
            };
            format!("{}/{per}{lock}", limit.count)
        })),
        Val::Hours(all) => listed(all.iter().map(hours_written)),
        Val::Set(set) => listed(set.iter().cloned()),
        Val::Rights(allowed, denied) => {
            listed(allowed.iter().cloned().chain(denied.iter().map(|word| format!("!{word}"))))
        }
        Val::Ages(ages) => listed(ages.iter().map(|(name, age)| format!("{name}:{age}"))),
        Val::Offline(parts) => {
            let [entry, locker, sale] = parts.map(|place| words(58)[place]);
            format!("entry {entry}, locker {locker}, sale {sale}")
        }
    }
}
