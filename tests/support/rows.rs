//! The worked scenarios as rows of files, `tests/scenarios/*.toml`: read, run and held against what
//! the rows say.

use std::collections::BTreeMap;

use domain::{
    reasons::Reason,
    verdict::{Detail, Finding},
};
use serde::Deserialize;

use crate::world::{Given, World};

/// One scenario.
pub struct Scenario {
    /// What is given.
    pub given: Given,
    /// What happens then, and what comes of it.
    pub row: Vec<Row>,
}

impl Scenario {
    /// What is given and the rows stand in one file.
    fn of(text: &str) -> Result<Self, toml::de::Error> {
        let mut table: toml::Table = toml::from_str(text)?;
        let row = table.remove("row").unwrap_or(toml::Value::Array(Vec::new()));
        Ok(Self { given: table.try_into()?, row: row.try_into()? })
    }
}

/// One row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it is called; no other row of its scenario is called so.
    pub id: String,
    /// The row that it comes after.
    after: Option<String>,
    /// Settings of this row alone.
    #[serde(default)]
    rules: String,
    /// What happens; the last decision is the one that is asked about.
    #[serde(rename = "do")]
    does: Vec<String>,
    outcome: Option<String>,
    reasons: Option<Vec<String>>,
    /// What was found beside the reasons of the last decision.
    also: Option<Vec<String>>,
    /// What is charged for an overstay by the last decision.
    charged: Option<String>,
    /// What the hold is for.
    due: Option<String>,
    /// Wallets and debts afterwards, by credential.
    #[serde(default)]
    wallet: BTreeMap<String, String>,
    #[serde(default)]
    debt: BTreeMap<String, String>,
    /// Visits left afterwards, by credential.
    #[serde(default)]
    visits: BTreeMap<String, u32>,
    /// People inside afterwards, by credential.
    #[serde(default)]
    inside: BTreeMap<String, u16>,
    /// Details of the last decision's reasons, by name.
    #[serde(default)]
    details: BTreeMap<String, String>,
    /// Whether a reason of the last decision raised the alarm.
    alarm: Option<bool>,
    /// Lines of the journal that the last step made.
    journal: Option<Vec<String>>,
    /// Whether the last step opened a gate.
    opened: Option<bool>,
    /// Whether the last step told a collector to keep a band.
    captured: Option<bool>,
    /// Whether nobody knows for sure how long the visit of the last decision lasts.
    clock_uncertain: Option<bool>,
    /// The reason that the gate shows, or `nothing`.
    shown: Option<String>,
    /// Whether the gate is told to stay shut without power.
    fail_secure: Option<bool>,
    /// What would open the last decision, the least effort first.
    would_open: Option<Vec<String>>,
    /// The outcomes of all decisions of the last step, in order.
    all: Option<Vec<String>>,
    /// Lockers that are flagged abandoned afterwards, or not.
    #[serde(default)]
    abandoned: BTreeMap<String, bool>,
}

/// All scenarios, each with the name of its file.
#[must_use]
pub fn scenarios() -> Vec<(String, Scenario)> {
    let folder = crate::root().join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = Scenario::of(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        (name, scenario)
    };
    files.into_iter().map(read).collect()
}

/// The rows that `row` comes after, the first one first, and the row itself.
fn chain<'a>(scenario: &'a Scenario, row: &'a Row) -> Vec<&'a Row> {
    let mut chain = vec![row];
    while let Some(id) = &chain.last().unwrap().after {
        let before = scenario.row.iter().find(|other| other.id == *id);
        chain.push(before.unwrap_or_else(|| panic!("no row is called `{id}`")));
    }
    chain.reverse();
    chain
}

/// The world in which `row` and those that it comes after happened; `begin` makes it of what is
/// given and the settings of the rows.
pub fn run(scenario: &Scenario, row: &Row, begin: impl FnOnce(&Given, &str) -> World) -> World {
    let chain = chain(scenario, row);
    let rules: String = chain.iter().map(|row| row.rules.as_str()).collect();
    let mut world = begin(&scenario.given, &rules);
    let does = chain.iter().flat_map(|row| &row.does);
    for step in scenario.given.start.iter().chain(does) {
        world.run(step);
    }
    world
}

/// What differs from what the row says.
pub fn differences(world: &mut World, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, wanted: String, got: String| {
        if wanted != got {
            wrong.push(format!("{what}: expected {wanted}, got {got}"));
        }
    };
    let verdict = world.decision.as_ref().map(|decision| &decision.verdict);
    let found: &[Finding] = verdict.map_or(&[], |verdict| &verdict.reasons);
    if let Some(outcome) = &row.outcome {
        let got = verdict.map_or("nothing", |verdict| verdict.outcome.name());
        same("outcome", outcome.clone(), got.to_owned());
    }
    if let Some(wanted) = &row.reasons {
        let mut wanted = wanted.clone();
        wanted.sort();
        let mut got = codes(found);
        got.sort_unstable();
        same("reasons", wanted.join(", "), got.join(", "));
    }
    let also: &[Finding] = verdict.map_or(&[], |verdict| &verdict.also);
    if let Some(wanted) = &row.also {
        same("also", wanted.join(", "), codes(also).join(", "));
    }
    let detail = |reason: Option<Reason>, name: &str| {
        let mut all = found.iter().filter(|one| reason.is_none_or(|known| one.reason == known));
        let all = all.by_ref().flat_map(|one| &one.details);
        let found = all.into_iter().find(|(known, _)| known == name);
        found.map_or_else(|| "nothing".to_owned(), |(_, detail)| shown(world, detail))
    };
    if let Some(wanted) = &row.charged {
        let charge = detail(Some(Reason::OverstayCharged), "amount");
        let got = if charge == "nothing" { "0.00".to_owned() } else { charge };
        same("charged", wanted.clone(), got);
    }
    if let Some(wanted) = &row.due {
        same("due", wanted.clone(), detail(Some(Reason::DebtExitHold), "amount"));
    }
    for (name, wanted) in &row.details {
        same(name, wanted.clone(), detail(None, name));
    }
    if let Some(wanted) = row.alarm {
        same(
            "alarm",
            wanted.to_string(),
            found.iter().chain(also).any(|one| one.alarm).to_string(),
        );
    }
    if let Some(wanted) = row.opened {
        same("opened", wanted.to_string(), world.opened().to_string());
    }
    if let Some(wanted) = &row.all {
        same("all outcomes", wanted.join(", "), world.outcomes().join(", "));
    }
    if let Some(wanted) = &row.would_open {
        same("would open", wanted.join(", "), world.would_open().join(", "));
    }
    let uncertain = ("clock uncertain", row.clock_uncertain, world.clock_uncertain());
    for (what, wanted, got) in [("captured", row.captured, world.captured()), uncertain] {
        same(what, wanted.unwrap_or(got).to_string(), got.to_string());
    }
    if let Some(wanted) = &row.shown {
        same("shown", wanted.clone(), world.shown_at_gate());
    }
    if let Some(wanted) = row.fail_secure {
        same("fail secure", format!("{:?}", Some(wanted)), format!("{:?}", world.fail_secure()));
    }
    left(world, row, &mut same);
    wrong
}

fn codes(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|one| one.reason.code()).collect()
}

/// What is left in the rows.
fn left(world: &World, row: &Row, same: &mut impl FnMut(&str, String, String)) {
    if let Some(wanted) = &row.journal {
        same("journal", wanted.join(", "), world.journal().join(", "));
    }
    for (locker, wanted) in &row.abandoned {
        let got = world.abandoned(locker).to_string();
        same(&format!("locker {locker} abandoned"), wanted.to_string(), got);
    }
    for (uid, wanted) in &row.wallet {
        same(&format!("wallet of {uid}"), wanted.clone(), world.shown(world.wallet(uid)));
    }
    for (uid, wanted) in &row.debt {
        same(&format!("debt of {uid}"), wanted.clone(), world.shown(world.debt(uid)));
    }
    for (uid, wanted) in &row.visits {
        same(&format!("visits of {uid}"), wanted.to_string(), world.visits_left(uid).to_string());
    }
    for (uid, wanted) in &row.inside {
        same(&format!("inside on {uid}"), wanted.to_string(), world.inside(uid).to_string());
    }
}

fn shown(world: &World, detail: &Detail) -> String {
    match detail {
        Detail::Money(amount) => world.shown(*amount),
        Detail::Count(count) => count.to_string(),
        Detail::Time(at) => world.local(*at),
        Detail::Span(span) => format!("{} s", span.whole_seconds()),
        Detail::Word(word) => word.clone(),
    }
}
