//! The worked scenarios of the specification, row by row, to the unit: `tests/scenarios/*.toml`.
//!
//! Each file says what is given and what happens; a row is run from the beginning of its scenario,
//! with the rows that it says it comes after. The rules are the shipped ones, with the settings of
//! the scenario as one more file. How such a file is written says `tests/scenarios/README.md`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod manual;
mod mistakes;
mod pairs;

use tests::scenarios::scenarios;

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
