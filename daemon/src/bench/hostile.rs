//! How long an event is kept waiting by a rule that means harm: the limits of the engine end it,
//! and the request falls to its safe answer.

use std::time::Instant;

use anyhow::{anyhow, ensure};
use domain::{
    facts::{EventKind, Facts, Policy as _, Question},
    params::CATALOGUE,
    scope::{Place, Supplied},
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{self, Names},
    set::RuleSet,
    shipped::SHIPPED,
};

use super::report::Goal;

/// Nobody waits longer (in hundredths of a millisecond).
const BOUND: u64 = 50 * 100;
/// How often each is asked in a round.
const ASKS: usize = 20;

/// What each tries, once somebody comes.
const HOSTILE: &[(&str, &str)] = &[
    ("endless loop", "loop { }"),
    ("nested loops", "for a in 0..900 { for b in 0..900 { for c in 0..900 { let n = c; } } }"),
    ("doubling text", "let s = \"ab\"; while true { s += s; }"),
    ("doubling list", "let a = [1, 2]; while true { a += a; }"),
    ("endless recursion", "down(0);"),
];

/// The slowest answer of each round.
pub(crate) fn measure(rounds: usize) -> anyhow::Result<Goal> {
    let sets = HOSTILE.iter().map(|(what, body)| set(what, body));
    let sets = sets.collect::<anyhow::Result<Vec<_>>>()?;
    let rounds = (0..rounds).map(|_| {
        let each = sets.iter().map(slowest).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(each.into_iter().max().unwrap_or(0))
    });
    Ok(Goal {
        name: format!("slowest answer of {} hostile rules", HOSTILE.len()),
        bound: BOUND,
        at_least: false,
        unit: " ms",
        rounds: rounds.collect::<anyhow::Result<_>>()?,
    })
}

/// The shipped rules with a hostile one that lies in wait beside them.
fn set(what: &str, body: &str) -> anyhow::Result<RuleSet> {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let checks = |name: &&(&str, &str)| name.0.ends_with(".rhai") && name.0 != "00_site.rhai";
    let shipped = SHIPPED.iter().filter(checks).map(|(name, text)| file(name, text));
    let hours = file("00_hours.rhai", "set(\"time.access_windows\", \"always\");\n");
    let text = format!("fn down(n) {{ down(n + 1) }}\nif zone_people == 999 {{ {body} }}\n");
    let bundle = Bundle::of(shipped.chain([hours, file("95_hostile.rhai", &text)]));
    let loaded = load::load(&bundle, &Names::default());
    loaded.map(|checked| checked.set).map_err(|problems| {
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        anyhow!("the hostile rule `{what}` did not even load: {}", told.join("; "))
    })
}

/// How long the slowest of some answers took, in hundredths of a millisecond.
fn slowest(set: &RuleSet) -> anyhow::Result<u64> {
    let facts = Facts { zone_people: 999, ..Facts::default() };
    let place = Place::default();
    let values: Vec<Supplied> =
        CATALOGUE.iter().map(|spec| set.values().resolve(spec.param, &place)).collect();
    let question = Question { kind: EventKind::Entry, facts: &facts, values: &values };
    let mut slowest = 0;
    for _ in 0..ASKS {
        let asked = Instant::now();
        let answer = set.judge(&question);
        let took = u64::try_from(asked.elapsed().as_micros() / 10)?;
        ensure!(answer.is_err(), "the hostile rule was not ended by a limit");
        slowest = slowest.max(took);
    }
    Ok(slowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hostile_rule_loads_and_is_ended_by_a_limit() {
        for (what, body) in HOSTILE {
            assert!(slowest(&set(what, body).unwrap()).is_ok(), "{what}");
        }
    }
}
