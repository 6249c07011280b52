//! A scenario: what is given, what happens row by row, and what each row asks of it. How its file
//! is written says `tests/scenarios/README.md`.

mod checks;

use std::{collections::BTreeMap, path::PathBuf};

use domain::{money::Money, reasons::Reason};
use serde::Deserialize;

use crate::world::{Given, World};
use checks::differences;

/// One scenario.
pub struct Scenario {
    given: Given,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
pub struct Row {
    happens: Happens,
    wants: Wants,
}

/// What happens in a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happens {
    id: String,
    /// The row that it comes after.
    after: Option<String>,
    /// Settings of this row alone.
    #[serde(default)]
    rules: String,
    /// What happens; the last decision is the one that is asked about.
    #[serde(rename = "do")]
    does: Vec<String>,
}

/// What a row asks of what happened.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wants {
    pub(crate) outcome: Option<String>,
    pub(crate) reasons: Option<Vec<String>>,
    /// The reason that is told where only one can be.
    pub(crate) first: Option<String>,
    /// What was found beside the reasons of the last decision.
    pub(crate) also: Option<Vec<String>>,
    /// What is charged for an overstay by the last decision.
    pub(crate) charged: Option<String>,
    /// What the hold is for.
    pub(crate) due: Option<String>,
    /// Wallets and debts afterwards, by credential, and since when something is owed.
    pub(crate) wallet: BTreeMap<String, String>,
    pub(crate) debt: BTreeMap<String, String>,
    pub(crate) debt_since: BTreeMap<String, String>,
    /// Visits left afterwards, by credential.
    pub(crate) visits: BTreeMap<String, u32>,
    /// Passes afterwards, by credential: `month 2026-09-15..2026-10-14`.
    pub(crate) passes: BTreeMap<String, Vec<String>>,
    /// People inside afterwards, by credential.
    pub(crate) inside: BTreeMap<String, u16>,
    /// People inside afterwards, by zone.
    pub(crate) occupancy: BTreeMap<String, i64>,
    /// The cash in drawers afterwards, by till.
    pub(crate) drawer: BTreeMap<String, String>,
    /// The X report of a till's open session, or the Z report of the one just closed.
    pub(crate) session: BTreeMap<String, BTreeMap<String, String>>,
    /// The receipt of the last step.
    pub(crate) receipt: BTreeMap<String, String>,
    /// Details of the last decision's reasons, by name.
    pub(crate) details: BTreeMap<String, String>,
    /// Whether a reason of the last decision raised the alarm.
    pub(crate) alarm: Option<bool>,
    /// Lines of the journal that the last step made.
    pub(crate) journal: Option<Vec<String>>,
    /// Lines of the journal that all steps of the row made.
    pub(crate) noted: Option<Vec<String>>,
    /// Faults and states that are not over.
    pub(crate) stands: Option<Vec<String>>,
    /// A part of what was wrong with what the last step ordered, sent or loaded.
    pub(crate) says: Option<String>,
    /// Whether the last step opened a gate.
    pub(crate) opened: Option<bool>,
    /// Whether the last step told a collector to keep a band.
    pub(crate) captured: Option<bool>,
    /// Whether nobody knows for sure how long the visit of the last decision lasts.
    pub(crate) clock_uncertain: Option<bool>,
    /// The reason that the gate shows, or `nothing`.
    pub(crate) shown: Option<String>,
    /// Whether the gate is told to stay shut without power.
    pub(crate) fail_secure: Option<bool>,
    /// What would open the last decision, the least effort first.
    pub(crate) would_open: Option<Vec<String>>,
    /// The outcomes of all decisions of the last step, in order.
    pub(crate) all: Option<Vec<String>>,
    /// Lockers that are flagged abandoned afterwards, or not.
    pub(crate) abandoned: BTreeMap<String, bool>,
}

/// What a row has beside what it asks.
const ROW: [&str; 4] = ["id", "after", "rules", "do"];

/// The folder of the scenarios.
#[must_use]
pub fn folder() -> PathBuf {
    crate::root().join("tests/scenarios")
}

/// All scenarios, each with the name of its file.
///
/// # Panics
/// Where one is not understood.
#[must_use]
pub fn scenarios() -> Vec<(String, Scenario)> {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = Scenario::of(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        (name, scenario)
    };
    files.into_iter().map(read).collect()
}

impl Scenario {
    /// What is given and the rows stand in one file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(text: &str) -> Result<Self, String> {
        let mut table: toml::Table = toml::from_str(text).map_err(|why| why.to_string())?;
        let rows = table.remove("row").unwrap_or(toml::Value::Array(Vec::new()));
        let given = table.try_into().map_err(|why: toml::de::Error| why.to_string())?;
        let toml::Value::Array(rows) = rows else {
            return Err("rows are written `[[row]]`".to_owned());
        };
        let mut scenario = Self { given, rows: Vec::new() };
        for row in rows {
            let row = Row::of(row)?;
            let why = |why| format!("row `{}`: {why}", row.happens.id);
            scenario.may_follow(&row.happens).map_err(why)?;
            scenario.rows.push(row);
        }
        Ok(scenario)
    }

    /// What it is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.given.title
    }

    /// Whether a row may stand behind those that are there.
    fn may_follow(&self, row: &Happens) -> Result<(), String> {
        let is_there = |id: &String| self.rows.iter().any(|other| other.happens.id == *id);
        if is_there(&row.id) {
            return Err("another row is called so".to_owned());
        }
        match row.after.as_ref().filter(|after| !is_there(after)) {
            Some(after) => Err(format!("it comes after `{after}`, which no row above is called")),
            None => Ok(()),
        }
    }

    /// What differs from what its rows say, each with the row.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        self.rows.iter().flat_map(|row| self.wrong_in(row)).collect()
    }

    /// What differs from what a row of it says.
    #[must_use]
    pub fn wrong_in(&self, row: &Row) -> Vec<String> {
        let found = self.run(row).and_then(|mut world| match world.trial_balance() {
            Money::ZERO => Ok(differences(&mut world, &row.wants)),
            sum => Err(format!("the books add up to {}", world.shown(sum))),
        });
        let found = found.unwrap_or_else(|why| vec![why]);
        found.into_iter().map(|one| format!("row `{}`: {one}", row.happens.id)).collect()
    }

    /// The rows that `row` comes after, the first one first, and the row itself.
    fn chain<'a>(&'a self, row: &'a Row) -> Vec<&'a Happens> {
        let mut chain = vec![&row.happens];
        while let Some(id) = &chain.last().unwrap().after {
            let before = self.rows.iter().map(|other| &other.happens);
            chain.extend(before.filter(|other| other.id == *id));
        }
        chain.reverse();
        chain
    }

    fn run(&self, row: &Row) -> Result<World, String> {
        let chain = self.chain(row);
        let rules: String = chain.iter().map(|row| row.rules.as_str()).collect();
        let mut world = World::of(&self.given, &rules)?;
        let before = chain[..chain.len() - 1].iter().flat_map(|row| &row.does);
        for step in self.given.start.iter().chain(before) {
            step_of(&mut world, step)?;
        }
        drop(world.take_noted());
        for step in &row.happens.does {
            step_of(&mut world, step)?;
        }
        Ok(world)
    }
}

fn step_of(world: &mut World, step: &str) -> Result<(), String> {
    world.run(step).map_err(|why| format!("step `{step}`: {why}"))
}

impl Row {
    fn of(row: toml::Value) -> Result<Self, String> {
        let toml::Value::Table(mut asked) = row else {
            return Err("rows are written `[[row]]`".to_owned());
        };
        let id = asked.get("id").and_then(toml::Value::as_str).unwrap_or("without an id");
        let id = format!("row `{id}`");
        let parts = ROW.iter().filter_map(|key| asked.remove_entry(*key));
        let happens: toml::Table = parts.collect();
        let wrong = |why: toml::de::Error| format!("{id}: {why}");
        let happens = happens.try_into().map_err(wrong)?;
        if asked.is_empty() {
            return Err(format!("{id}: it asks for nothing, so that it could never fail"));
        }
        let wants: Wants = asked.try_into().map_err(wrong)?;
        let codes = wants.reasons.iter().chain(&wants.also).flatten().chain(&wants.first);
        match codes.into_iter().find(|code| Reason::of(code).is_none()) {
            Some(code) => Err(format!("{id}: `{code}` is the code of no reason")),
            None => Ok(Self { happens, wants }),
        }
    }
}
