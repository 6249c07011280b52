//! How long a changed rule set takes, from the settled save to the swap.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::{Result, bail};
use domain::facts::{NoPolicy, Policy};
use rules::{
    bundle::Bundle,
    load::{Names, load},
};

use crate::{
    measure::{median, spent},
    report::{Goal, Report},
};

const ROUNDS: usize = 41;

/// What the settings of the example speak of.
fn names() -> Names {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Names {
        zones: set(&["site", "hall", "pool", "gym", "sauna"]),
        devices: set(&["gate-6"]),
        tariffs: set(&["morning", "swim-school", "month"]),
        ..Names::default()
    }
}

/// Reads the folder, hashes, parses, checks, compiles, tries the cases where there are some, and
/// puts the set in the place of another.
fn reload(folder: &Path, with_cases: bool, live: &Mutex<Arc<dyn Policy>>) -> Result<u128> {
    let start = spent();
    let mut bundle = Bundle::read(folder)?;
    if !with_cases {
        bundle.cases.clear();
    }
    let set = match load(&bundle, &names()) {
        Ok(checked) => checked.set,
        Err(problems) => bail!("{problems:?}"),
    };
    let old = match live.lock() {
        Ok(mut live) => std::mem::replace(&mut *live, Arc::new(set)),
        Err(_) => bail!("a reload panicked"),
    };
    let took = spent() - start;
    drop(old);
    Ok(took)
}

/// Times both, and holds them against their goals.
pub(crate) fn time(report: &mut Report) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/swimming-pool/rules");
    let live: Mutex<Arc<dyn Policy>> = Mutex::new(Arc::new(NoPolicy::default()));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (with_cases, times) in [false, true].into_iter().zip(&mut times) {
            times.push(reload(&folder, with_cases, &live)?);
        }
    }
    let whats = ["read, parse, check, compile and swap", "the same with the bundled cases"];
    for ((what, mut times), most) in whats.into_iter().zip(times).zip([5, 300]) {
        let nanos = median(&mut times);
        report.figure("reload of one profile", what, nanos);
        report.goals.push(Goal {
            what: format!("reload: {what}"),
            reached: nanos / 10_000,
            goal: most * 100,
            at_least: false,
            unit: "ms",
        });
    }
    Ok(())
}
