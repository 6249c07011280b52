//! The table of pairs: for each of the 64 parameters two runs that differ in that parameter alone,
//! and whose verdict, condition, command, shown text or kept rows differ.

use std::fmt::Write as _;

use domain::params::{CATALOGUE, Param};
use serde::Deserialize;
use tests::world::{Given, World};

/// One pair.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// The parameter's number.
    number: u8,
    /// Its name, for readers.
    name: String,
    /// The two values, as settings write them.
    one: String,
    other: String,
    /// Where they are set; the site where nothing is said.
    #[serde(default)]
    at: String,
    /// Settings that both runs have.
    #[serde(default)]
    with: String,
    /// What happens in both.
    #[serde(rename = "do")]
    does: Vec<String>,
    /// What differs, for readers.
    differs: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    site: Given,
    pair: Vec<Pair>,
}

/// Everything that a run shows: verdicts, commands, conditions, and the rows that are left.
fn run(site: &Given, pair: &Pair, value: &str) -> String {
    let at = if pair.at.is_empty() { String::new() } else { format!(", {}", pair.at) };
    let rules = format!("{}\nset(\"{}\", {value}{at});", pair.with, pair.name);
    let mut world = World::of(site, &rules).unwrap_or_else(|why| panic!("{}: {why}", pair.name));
    let mut shown = String::new();
    for step in site.start.iter().chain(&pair.does) {
        world.run(step).unwrap_or_else(|why| panic!("{}: {step}: {why}", pair.name));
        writeln!(shown, "{}", world.everything()).unwrap();
    }
    shown
}

#[test]
fn each_parameter_makes_a_difference() {
    let text = include_str!("pairs/table.toml");
    let table: Table = toml::from_str(text).unwrap_or_else(|why| panic!("{why}"));
    let mut wrong = Vec::new();
    for pair in &table.pair {
        let param = Param::of(&pair.name).unwrap_or_else(|| panic!("{}", pair.name));
        assert_eq!(param.spec().number, pair.number, "{}", pair.name);
        assert!(!pair.differs.is_empty(), "{}", pair.name);
        let (one, other) = (run(&table.site, pair, &pair.one), run(&table.site, pair, &pair.other));
        if one == other {
            wrong.push(format!("{} {}: both runs are alike:\n{one}", pair.number, pair.name));
        }
        assert_eq!(one, run(&table.site, pair, &pair.one), "{}: not the same twice", pair.name);
    }
    for spec in CATALOGUE {
        let has = table.pair.iter().any(|pair| pair.number == spec.number);
        if !has {
            wrong.push(format!("{} {} has no pair", spec.number, spec.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
