//! Whether anybody notices a change of a shipped rule: each change in one place is planted, and the
//! set has to fall foul of a case beside the rules, of the reference, or of a row of a scenario.
//!
//! Some of them are tried each time, others each time; `KARI_MUTANTS` is how many, or `all`, and
//! `KARI_MUTANTS_SEED` repeats what a run printed. What nobody can notice because the rules answer
//! as before stands in `tests/reference/mutants/alike.toml`, with the reason.

mod changes;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use changes::{Change, changes};
use domain::gather::Gathered;
use fastrand::Rng;
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};
use serde::Deserialize;
use tests::{
    scenarios::{Scenario, scenarios},
    seeds::fresh,
    world::{file, with_shipped},
};

use crate::{Answer, Drawn, answer, tested};

/// So many are tried each time.
const SAMPLE: usize = 25;
/// So many profiles of the reference, of a hundred cases each, are asked about each change.
const PROFILES: u64 = 60;
/// Of a hundred changes so many are noticed at least.
const NOTICED_MIN: usize = 95;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It is no rule set, and the operator is told so.
    Refused,
    ByACase,
    ByTheReference,
    ByARow,
    Survived,
}

/// A change that makes no difference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alike {
    file: String,
    was: String,
    is: String,
    why: String,
}

impl Alike {
    fn means(&self, change: &Change) -> bool {
        (&*self.file, &self.was, &self.is) == (change.file, &change.was, &change.is)
    }
}

fn alike() -> Vec<Alike> {
    #[derive(Deserialize)]
    struct File {
        alike: Vec<Alike>,
    }
    let file: File = toml::from_str(include_str!("mutants/alike.toml")).unwrap();
    file.alike
}

/// A profile of the reference with what it expects.
struct Expected {
    drawn: Drawn,
    answers: Vec<(Gathered, Answer)>,
}

impl Expected {
    fn of(number: u64) -> Self {
        let drawn = Drawn::of(20_260_915, number);
        let answers = drawn.seen.iter();
        let answers =
            answers.map(|seen| (drawn.gathered(seen), answer::answer(seen, &drawn.profile)));
        let answers = answers.collect();
        Self { drawn, answers }
    }

    fn notices(&self, rules: &RuleSet) -> bool {
        let mut asked = self.drawn.seen.iter().zip(&self.answers);
        asked.any(|(seen, (gathered, expected))| {
            tested(seen, gathered, rules, &self.drawn) != *expected
        })
    }
}

/// Everything that a change is held against.
struct Judges {
    expected: Vec<Expected>,
    scenarios: Vec<(String, Scenario)>,
}

impl Judges {
    fn new() -> Self {
        Self { expected: (0..PROFILES).map(Expected::of).collect(), scenarios: scenarios() }
    }

    fn fate(&self, change: &Change) -> Fate {
        let hours = file("00_site.rhai", "set(\"time.access_windows\", \"always\");\n");
        let is_case = |file: &str| file.ends_with(".cases.toml");
        let cases = SHIPPED.iter().filter(|(name, _)| is_case(name));
        let cases = cases.map(|(name, text)| file(name, text));
        let files = checks(change).chain(cases).chain([hours]);
        let rules = match load(&Bundle::of(files), &Names::default()) {
            Ok(checked) => checked.set,
            Err(problems) if problems.iter().all(|one| is_case(&one.file)) => return Fate::ByACase,
            Err(_) => return Fate::Refused,
        };
        if self.expected.iter().any(|expected| expected.notices(&rules)) {
            Fate::ByTheReference
        } else if self.a_row_notices(change) {
            Fate::ByARow
        } else {
            Fate::Survived
        }
    }

    /// A world that cannot go on is noticed as well.
    fn a_row_notices(&self, change: &Change) -> bool {
        let mut rows =
            self.scenarios.iter().flat_map(|(_, one)| one.rows.iter().map(move |row| (one, row)));
        with_shipped(checks(change).collect(), || {
            rows.any(|(scenario, row)| {
                let noticed = || !scenario.wrong_in(row).is_empty();
                catch_unwind(AssertUnwindSafe(noticed)).unwrap_or(true)
            })
        })
    }
}

/// The shipped checks, one of them changed.
fn checks(change: &Change) -> impl Iterator<Item = SourceFile> {
    let changed =
        |name: &str, text: &str| file(name, if name == change.file { &change.text } else { text });
    let is_check = |name: &str| name != "00_site.rhai" && name.ends_with(".rhai");
    SHIPPED
        .iter()
        .filter(move |(name, _)| is_check(name))
        .map(move |(name, text)| changed(name, text))
}

/// Every change of every shipped check.
fn planted() -> Vec<Change> {
    let checks = SHIPPED.iter().filter(|(name, _)| name.ends_with(".rhai"));
    checks.flat_map(|(name, text)| changes(name, text)).collect()
}

/// The fates of the first `most` of `changes` that are rule sets.
fn fates(changes: &[Change], most: usize) -> Vec<(&Change, Fate)> {
    if most == 0 {
        return Vec::new();
    }
    let judges = Judges::new();
    let (next, counted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut done = Vec::new();
        while counted.load(Ordering::Relaxed) < most {
            let Some(change) = changes.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let fate = judges.fate(change);
            if fate != Fate::Refused {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            done.push((change, fate));
        }
        done
    };
    // A row that fails already would notice everything.
    let unchanged = judges.fate(&Change::default());
    assert_eq!(unchanged, Fate::Survived, "the shipped rules as they are");
    let halves = thread::scope(|scope| {
        let halves = [scope.spawn(work), scope.spawn(work)];
        halves.map(|half| half.join().unwrap())
    });
    halves.into_iter().flatten().collect()
}

#[test]
fn a_change_of_a_shipped_rule_is_noticed() {
    let asked = std::env::var("KARI_MUTANTS").ok();
    let most = match asked.as_deref() {
        None => SAMPLE,
        Some("all") => usize::MAX,
        Some(count) => count.parse().unwrap(),
    };
    let mut planted = planted();
    Rng::with_seed(fresh("KARI_MUTANTS_SEED")).shuffle(&mut planted);
    let alike = alike();
    let mut wrong = String::new();
    for one in alike.iter().filter(|one| !planted.iter().any(|change| one.means(change))) {
        writeln!(wrong, "no change of {} makes `{}` of `{}`", one.file, one.is, one.was).unwrap();
    }
    let mut count: BTreeMap<Fate, usize> = BTreeMap::new();
    let mut fates = fates(&planted, most);
    fates.sort();
    for (change, fate) in fates {
        *count.entry(fate).or_default() += 1;
        let known = alike.iter().find(|one| one.means(change));
        let told = match (fate, known) {
            (Fate::Survived, None) => "nobody notices",
            (Fate::Survived, Some(_)) | (_, None) => continue,
            (_, Some(_)) => "not alike, as it says there",
        };
        let Change { file, line, was, is, .. } = change;
        writeln!(wrong, "{told}: rules/shipped/{file}:{line}\n    was: {was}\n    is:  {is}")
            .unwrap();
    }
    let of = |fate: Fate| count.get(&fate).copied().unwrap_or_default();
    let all = count.values().sum::<usize>() - of(Fate::Refused);
    let noticed = all - of(Fate::Survived);
    println!("{noticed} of {all} noticed: {count:?}; {} are alike in all", alike.len());
    assert!(wrong.is_empty(), "{wrong}");
    assert!(alike.iter().all(|one| one.why.len() > 20), "a change that is alike needs its reason");
    if most == usize::MAX {
        assert!(noticed * 100 >= all * NOTICED_MIN, "{noticed} of {all} are too few");
    }
}
