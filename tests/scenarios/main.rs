//! The worked scenarios of the specification, row by row, to the unit: `tests/scenarios/*.toml`.
//!
//! Each file says what is given and what happens; a row is run from the beginning of its scenario,
//! with the rows that it says it comes after. The rules are the shipped ones, with the settings of
//! the scenario as one more file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod pairs;

use domain::money::Money;
use tests::{
    rows::{differences, run, scenarios},
    world::World,
};

#[test]
fn every_row_of_every_scenario_comes_out() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (file, scenario) in scenarios() {
        for row in &scenario.row {
            rows += 1;
            let mut world = run(&scenario, row, World::of);
            assert_eq!(world.trial_balance(), Money::ZERO, "{file} {}", row.id);
            for difference in differences(&mut world, row) {
                wrong.push(format!("{} (row {}): {difference}", scenario.given.title, row.id));
            }
        }
    }
    println!("{rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
