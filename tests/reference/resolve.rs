//! Which of several values counts: section 6 of `decisions.md` and the legend of `parameters.md`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use domain::{
    ids::{DeviceId, GroupId, MemberId, TariffId, ZoneId},
    params::DefaultFor,
    scope::Scope,
};

use crate::profile::{Hours, Lim, Per, Profile, Setting, Val, words};

/// Whom and where a value is asked for.
#[derive(Clone, Default)]
pub(crate) struct Who<'a> {
    pub(crate) zones: &'a [ZoneId],
    pub(crate) device: Option<&'a DeviceId>,
    pub(crate) terminal: Option<&'a DeviceId>,
    pub(crate) tariff: Option<&'a TariffId>,
    pub(crate) groups: &'a [GroupId],
    pub(crate) member: Option<MemberId>,
    pub(crate) roles: &'a [GroupId],
    pub(crate) classes: Vec<DefaultFor>,
}

impl Who<'_> {
    /// How specific a scope is, where it matches at all: S < Z (outer) < Z (inner) < D < P < T <
    /// G < M.
    fn rank(&self, scope: &Scope) -> Option<usize> {
        match scope {
            Scope::Site => Some(0),
            Scope::Zone(id) => self.zones.iter().position(|zone| zone == id).map(|at| at + 1),
            Scope::Device(id) => (self.device == Some(id)).then_some(100),
            Scope::Terminal(id) => (self.terminal == Some(id)).then_some(101),
            Scope::Tariff(id) => (self.tariff == Some(id)).then_some(102),
            Scope::Group(id) => self.groups.contains(id).then_some(103),
            Scope::Member(id) => (self.member == Some(*id)).then_some(104),
            Scope::Role(id) => self.roles.contains(id).then_some(105),
        }
    }
}

/// How strict a value is: the larger, the stricter.
fn strictness(number: usize, val: &Val) -> i128 {
    let size = match val {
        Val::Word(place) => i128::try_from(*place).unwrap(),
        Val::Int(count) => i128::from(*count),
        Val::Dur(days, seconds) => i128::from(days * 86_400 + seconds),
        Val::Money(amount) => i128::from(*amount),
        // Money per second: all units divide an hour.
        Val::Rate(amount, seconds) => i128::from(*amount) * i128::from(3600 / seconds),
        Val::NoCap => i128::MAX / 2,
        Val::Set(set) => i128::try_from(set.len()).unwrap(),
        _ => 0,
    };
    match number {
        7 | 8 | 11 | 13 | 18 | 24 | 26 | 16 | 23 | 29 | 36 | 42 | 46 | 47 | 49 => -size,
        // Nothing is no limit, and so the laxest.
        12 | 43 | 30 | 32 => {
            if size == 0 {
                i128::MIN + 1
            } else {
                -size
            }
        }
        // Nothing is never, and so the strictest.
        20 if size == 0 => i128::MAX,
        _ => size,
    }
}

/// The strictest of several, or all of them together.
fn strictest(number: usize, found: &[&Setting]) -> (Val, Option<Scope>) {
    let first = found[0];
    let val = match &first.val {
        Val::Limits(_) => {
            let limits = |set: &&Setting| match &set.val {
                Val::Limits(limits) => limits.clone(),
                _ => Vec::new(),
            };
            Val::Limits(found.iter().flat_map(limits).collect())
        }
        Val::Ages(_) => {
            let mut all = BTreeMap::new();
            for set in found {
                if let Val::Ages(ages) = &set.val {
                    for (name, age) in ages {
                        let known = all.entry(name.clone()).or_insert(*age);
                        *known = (*known).max(*age);
                    }
                }
            }
            Val::Ages(all)
        }
        Val::Offline(_) => {
            let mut all = [0; 3];
            for set in found {
                if let Val::Offline(parts) = set.val {
                    all = [0, 1, 2].map(|part| all[part].max(parts[part]));
                }
            }
            Val::Offline(all)
        }
        _ => {
            let best = found
                .iter()
                .enumerate()
                .max_by_key(|(at, set)| (strictness(number, &set.val), Reverse(*at)));
            let best = best.map_or(first, |(_, set)| set);
            return (best.val.clone(), Some(best.scope.clone()));
        }
    };
    (val, Some(first.scope.clone()))
}

/// What all allow.
fn meet(found: &[&Setting]) -> Val {
    let mut hours: Vec<Hours> = Vec::new();
    let mut set: Option<BTreeSet<String>> = None;
    for one in found {
        match &one.val {
            Val::Hours(more) => hours.extend(more.iter().cloned()),
            Val::Set(more) => {
                set = Some(match set {
                    Some(known) => known.intersection(more).cloned().collect(),
                    None => more.clone(),
                });
            }
            _ => {}
        }
    }
    set.map_or(Val::Hours(hours), Val::Set)
}

/// What any allows, without what any denies.
fn join(found: &[&Setting]) -> Val {
    let (mut allowed, mut denied) = (BTreeSet::new(), BTreeSet::new());
    for one in found {
        match &one.val {
            Val::Set(more) => allowed.extend(more.iter().cloned()),
            Val::Rights(more, never) => {
                allowed.extend(more.iter().cloned());
                denied.extend(never.iter().cloned());
            }
            _ => {}
        }
    }
    Val::Set(allowed.difference(&denied).cloned().collect())
}

/// The safe default of a row.
fn default(number: usize, classes: &[DefaultFor]) -> Val {
    let is = |class| classes.contains(&class);
    let word = |text: &str| Val::Word(words(number).iter().position(|word| *word == text).unwrap());
    let set = |all: &[&str]| Val::Set(all.iter().map(|&word| word.to_owned()).collect());
    match number {
        1 => word("deny"),
        2 => word("deny_and_alarm"),
        3 => word("card"),
        4 => Val::Limits(vec![Lim { count: 5, per: Per::Slide(300), lock: 300 }]),
        5 => word(if is(DefaultFor::StaffDoor) { "grant_silent_alarm" } else { "off" }),
        6 => word(if is(DefaultFor::DayGuest) { "hold" } else { "off" }),
        7 => set(&["active", "grace"]),
        9 | 36 => Val::Int(2),
        13 => Val::Dur(0, 300),
        14 | 25 | 44 | 45 => word("warn"),
        15 => Val::Rate(0, 60),
        16 => Val::NoCap,
        17 => Val::Limits(Vec::new()),
        19 => word("soft"),
        20 => Val::Dur(0, 43_200),
        26 => Val::Dur(0, 600),
        27 => word("partial"),
        29 => Val::Money(15_000),
        31 => word("member"),
        33 => word("hard"),
        35 if is(DefaultFor::PoolZone) => Val::Int(8),
        38 => word(if is(DefaultFor::SwimGroup) { "deny" } else { "off" }),
        40 => Val::Limits(vec![Lim { count: 0, per: Per::Months(1), lock: 0 }]),
        41 => word("free"),
        42 => Val::Int(1),
        48 => Val::Ages([("alcohol".to_owned(), 18), ("tobacco".to_owned(), 18)].into()),
        49 => Val::Money(30_000),
        50..=52 | 54 => set(&[]),
        53 => set(&["debt_write_off", "emergency_reset", "unblock_member"]),
        56 => word("controlled"),
        58 => Val::Offline([2, 1, 2]),
        23 | 28 | 30 | 37 | 47 => Val::Money(0),
        32 | 34 | 35 | 39 | 46 => Val::Int(0),
        10 => Val::Hours(Vec::new()),
        _ => Val::Dur(0, 0),
    }
}

impl Profile {
    /// The settings that match, the least specific first.
    pub(crate) fn matching(&self, number: usize, who: &Who<'_>) -> Vec<(usize, &Setting)> {
        let all = self.settings[number].iter();
        let mut found: Vec<_> = all.filter_map(|set| Some((who.rank(&set.scope)?, set))).collect();
        // Of equally strict groups the one that the member names first counts.
        let named = |scope: &Scope| match scope {
            Scope::Group(id) => who.groups.iter().position(|known| known == id),
            Scope::Role(id) => who.roles.iter().position(|known| known == id),
            _ => None,
        };
        found.sort_by_key(|(rank, set)| (*rank, named(&set.scope)));
        found
    }

    /// The value in force, and who set it.
    pub(crate) fn sourced(&self, number: usize, who: &Who<'_>) -> (Val, Option<Scope>) {
        let ranked = self.matching(number, who);
        let found: Vec<&Setting> = ranked.iter().map(|(_, set)| *set).collect();
        let Some((top, last)) = ranked.last() else {
            return (default(number, &who.classes), None);
        };
        let source = Some(last.scope.clone());
        let level = || -> Vec<&Setting> {
            ranked.iter().filter(|(rank, _)| rank == top).map(|(_, set)| *set).collect()
        };
        match number {
            7 | 10 | 51 | 52 | 54 => (meet(&found), source),
            50 | 53 => (join(&found), source),
            1..=4 | 16 | 17 | 26 | 29 | 30 | 32 | 34..=36 | 38 | 39 | 43 | 46..=49 | 58 => {
                strictest(number, &found)
            }
            28 => {
                // Never below the site's value; where the site sets none, 0.00 is its value.
                let (Val::Money(own), scope) = strictest(number, &level()) else {
                    return (Val::Money(0), None);
                };
                let site = found.iter().find(|set| set.scope == Scope::Site);
                let site = match site.map(|set| &set.val) {
                    Some(Val::Money(site)) => *site,
                    _ => 0,
                };
                (Val::Money(own.max(site)), scope)
            }
            _ => strictest(number, &level()),
        }
    }

    /// The value in force.
    pub(crate) fn value(&self, number: usize, who: &Who<'_>) -> Val {
        self.sourced(number, who).0
    }
    pub(crate) fn word(&self, number: usize, who: &Who<'_>) -> &'static str {
        match self.value(number, who) {
            Val::Word(place) => words(number)[place],
            _ => "",
        }
    }
    /// A whole number or an amount.
    pub(crate) fn int(&self, number: usize, who: &Who<'_>) -> i64 {
        match self.value(number, who) {
            Val::Int(count) | Val::Money(count) => count,
            _ => 0,
        }
    }
    /// A duration in seconds, a day having 24 hours.
    pub(crate) fn seconds(&self, number: usize, who: &Who<'_>) -> i64 {
        match self.value(number, who) {
            Val::Dur(days, seconds) => days * 86_400 + seconds,
            _ => 0,
        }
    }
    pub(crate) fn limits(&self, number: usize, who: &Who<'_>) -> Vec<Lim> {
        match self.value(number, who) {
            Val::Limits(limits) => limits,
            _ => Vec::new(),
        }
    }
    /// Whether a set names a word.
    pub(crate) fn names(&self, number: usize, who: &Who<'_>, word: &str) -> bool {
        match self.value(number, who) {
            Val::Set(set) => set.contains(word),
            _ => false,
        }
    }
}
