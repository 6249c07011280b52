//! The worked scenarios of the specification, row by row, to the unit: `tests/scenarios/*.toml`.
//!
//! Each file says what is given and what happens; a row is run from the beginning of its scenario,
//! with the rows that it says it comes after. The rules are the shipped ones, with the settings of
//! the scenario as one more file. How such a file is written says `tests/scenarios/README.md`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod checks;
mod manual;
mod mistakes;
mod pairs;
mod scenario;

use scenario::Scenario;

/// The folder of the scenarios.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");

/// Every scenario by the name of its file.
fn scenarios() -> Vec<(String, Scenario)> {
    let mut files: Vec<_> = std::fs::read_dir(FOLDER)
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

#[test]
fn every_row_of_every_scenario_comes_out() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (file, scenario) in scenarios() {
        rows += scenario.rows.len();
        wrong.extend(scenario.wrong().into_iter().map(|why| format!("{file}, {why}")));
    }
    println!("{rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
