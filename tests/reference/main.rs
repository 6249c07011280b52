//! An independent reference for the rules of money, time and combination: the text of the
//! specification written down a second time, in plain Rust, and held against the shipped rules on
//! random cases.
//!
//! 1,000 random profiles of parameters with 100 cases each; `KARI_REFERENCE_PROFILES` and
//! `KARI_REFERENCE_SEED` change that. The reference shares nothing with what it is compared to but
//! the rows that a case consists of. Clocks that change for summer time are held against a clock on
//! the wall in `domain/tests/window_reference.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod answer;
mod calendar;
mod cases;
mod entry;
mod money;
mod mutants;
mod order_cases;
mod orders;
mod passes;
mod profile;
mod remedies;
mod resolve;

use std::{collections::BTreeMap, thread};

use answer::Answer;
use cases::Maker;
use domain::{
    facts::{EVENT_KINDS, EventKind, Policy, PolicyFault, Question},
    gather::Gathered,
    judge::judge,
    params::ParamMask,
    scope::ParamTable,
    seen::Seen,
    verdict::Finding,
};
use fastrand::Rng;
use jiff::tz::TimeZone;
use profile::Profile;
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};

const CASES: usize = 100;

/// The shipped rules with the settings of a profile.
struct Profiled<'a> {
    rules: &'a RuleSet,
    table: &'a ParamTable,
}

impl Policy for Profiled<'_> {
    fn hash(&self) -> &str {
        self.rules.hash()
    }
    fn values(&self) -> &ParamTable {
        self.table
    }
    fn consulted(&self, kind: EventKind) -> ParamMask {
        self.rules.consulted(kind)
    }
    fn judge(&self, question: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
        self.rules.judge(question)
    }
}

/// The shipped checks, with `change` made to their text.
fn shipped(change: (&str, &str)) -> RuleSet {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let checks = |name: &str| name.ends_with(".rhai") && name != "00_site.rhai";
    let files = SHIPPED.iter().filter(|(name, _)| checks(name));
    let hours = file("00_hours.rhai", "set(\"time.access_windows\", \"always\");\n");
    let files =
        files.map(|(name, text)| file(name, &text.replace(change.0, change.1))).chain([hours]);
    match load(&Bundle::of(files), &Names::default()) {
        Ok(checked) => checked.set,
        Err(problems) => panic!("{problems:?}"),
    }
}

/// The answer of the system under test.
fn tested(seen: &Seen, gathered: &Gathered, rules: &RuleSet, drawn: &Drawn) -> Answer {
    let policy = Profiled { rules, table: &drawn.profile.table };
    let combined = judge(seen, gathered, &policy, &drawn.zone);
    let codes = |found: &[Finding]| found.iter().map(|one| one.reason.code().to_owned()).collect();
    Answer {
        outcome: combined.outcome.name().to_owned(),
        primary: combined.primary().code().to_owned(),
        reasons: codes(&combined.reasons),
        also: codes(&combined.also),
        overstay: gathered.facts.overstay_charge.0,
        debt: gathered.facts.debt.0,
        surcharge: gathered.facts.surcharge.0,
        lockers: gathered.facts.locker_charge.0,
    }
}

/// An instant of 2026, on a quarter of an hour of local time or next to it in every other case.
fn instant(rng: &mut Rng, ahead: i64) -> i64 {
    let day = 20_500 + rng.i64(0..250);
    let local = match rng.bool() {
        true => rng.i64(0..96) * 900 * calendar::SECOND,
        false => rng.i64(0..calendar::DAY),
    };
    let aside = match rng.bool() {
        true => 0,
        false => [-calendar::SECOND, -1, 1, calendar::SECOND][rng.usize(..4)],
    };
    day * calendar::DAY + local - ahead * calendar::SECOND + aside
}

/// How often each outcome and reason came about.
type Seldom = BTreeMap<String, u32>;

/// A profile and the cases that are drawn for it.
struct Drawn {
    profile: Profile,
    zone: TimeZone,
    seen: Vec<Seen>,
}

impl Drawn {
    fn of(seed: u64, number: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9).wrapping_add(number));
        let profile = Profile::random(&mut rng);
        let zone = TimeZone::get(profile.zone).unwrap();
        // Entries and exits are most of what is asked.
        let kinds = [EventKind::Entry, EventKind::Entry, EventKind::Exit, EventKind::Exit];
        let kinds: Vec<_> = kinds.iter().chain(EVENT_KINDS).copied().collect();
        let case = |_| {
            let at = instant(&mut rng, profile.ahead);
            let kind = kinds[rng.usize(..kinds.len())];
            Maker { ahead: profile.ahead, at, rng: &mut rng }.seen(kind)
        };
        let seen = (0..CASES).map(case).collect();
        Self { profile, zone, seen }
    }

    fn gathered(&self, seen: &Seen) -> Gathered {
        Gathered::of(seen, &self.profile.table, &self.zone)
    }
}

/// Compares all cases of one profile; a text tells of the first difference.
fn compare(seed: u64, number: u64, rules: &RuleSet, told: &mut Seldom) -> Result<(), String> {
    let drawn = Drawn::of(seed, number);
    for (case, seen) in drawn.seen.iter().enumerate() {
        let expected = answer::answer(seen, &drawn.profile);
        let got = tested(seen, &drawn.gathered(seen), rules, &drawn);
        let named = expected.reasons.iter().map(String::as_str).chain([expected.outcome.as_str()]);
        for word in named {
            *told.entry(word.to_owned()).or_default() += 1;
        }
        if expected != got {
            let json = serde_json::to_string_pretty(seen).unwrap();
            let settings = drawn.profile.told();
            return Err(format!(
                "seed {seed}, profile {number}, case {case}: the shipped rules differ from the \
                 reference\nseen {json}\nsettings:\n{settings}\nreference: {expected:#?}\nshipped \
                 rules: {got:#?}\nrepeat with KARI_REFERENCE_SEED={seed}"
            ));
        }
    }
    Ok(())
}

fn asked(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => otherwise,
    }
}

#[test]
fn the_shipped_rules_answer_as_the_reference_does() {
    let seed = asked("KARI_REFERENCE_SEED", 20_260_915);
    let profiles = asked("KARI_REFERENCE_PROFILES", 1000);
    let rules = shipped(("unchanged", "unchanged"));
    let threads = 2;
    let part = |first: u64| {
        let mut told = Seldom::new();
        let wrong: Vec<String> = (first..profiles)
            .step_by(usize::try_from(threads).unwrap())
            .filter_map(|number| compare(seed, number, &rules, &mut told).err())
            .take(20)
            .collect();
        (told, wrong)
    };
    let mut told = Seldom::new();
    let mut wrong = Vec::new();
    thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        for one in started {
            let (counts, more) = one.join().unwrap();
            wrong.extend(more);
            for (word, count) in counts {
                *told.entry(word).or_default() += count;
            }
        }
    });
    println!("{profiles} profiles, {CASES} cases each, seed {seed}: {told:?}");
    assert!(wrong.is_empty(), "{} profiles differ; the first:\n{}", wrong.len(), wrong[0]);
}

#[test]
fn a_rule_that_is_off_by_one_is_found() {
    for change in [
        ("overstay > tariff_overstay_grace", "overstay >= tariff_overstay_grace"),
        ("debt > debt_entry_block_amount", "debt >= debt_entry_block_amount"),
        ("zone_people + 1 > zone_max_occupancy", "zone_people > zone_max_occupancy"),
    ] {
        let rules = shipped(change);
        let found = (0..100).any(|number| compare(1, number, &rules, &mut Seldom::new()).is_err());
        assert!(found, "nobody noticed {change:?}");
    }
}
