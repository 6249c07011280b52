//! How long the shipped rules take for one event: `cargo run --release -p rules --example
//! judge_speed`.

use std::{hint::black_box, time::Instant};

use domain::{
    facts::{EventKind, Facts, Policy as _, Question},
    money::Money,
    params::CATALOGUE,
    scope::Supplied,
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};

/// Short rounds, many of them: what else the machine does then falls on few.
const EVENTS: u32 = 100;
const ROUNDS: usize = 2_001;

fn ordinary() -> Facts {
    Facts {
        device: "gate-1".to_owned(),
        zone: "pool".to_owned(),
        credential_state: "active".to_owned(),
        member_age: 30,
        has_pass: true,
        membership_state: "active".to_owned(),
        membership_allowed: true,
        takes_visit: true,
        counts_visits: true,
        visits_left: 9,
        site_open: true,
        windows_open: true,
        zone_name: "pool".to_owned(),
        zone_people: 12,
        ..Facts::default()
    }
}

/// The least and the median of the rounds, in nanoseconds an event.
fn measure(set: &RuleSet, kind: EventKind, facts: &Facts, values: &[Supplied]) -> (u128, u128) {
    let question = Question { kind, facts, values };
    let round = || {
        let start = Instant::now();
        for _ in 0..EVENTS {
            drop(black_box(set.judge(black_box(&question))));
        }
        start.elapsed().as_nanos() / u128::from(EVENTS)
    };
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_unstable();
    (rounds[0], rounds[ROUNDS / 2])
}

fn main() {
    let file = |&(name, text): &(&str, &str)| SourceFile { name: name.into(), text: text.into() };
    let bundle = Bundle::of(SHIPPED.iter().map(file));
    let start = Instant::now();
    let set = match load(&bundle, &Names::default()) {
        Ok(checked) => checked.set,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            std::process::exit(1);
        }
    };
    println!("first load, with its cases   {:>6} us", start.elapsed().as_micros());
    let start = Instant::now();
    drop(black_box(load(&bundle, &Names::default())));
    println!("second load, with its cases  {:>6} us", start.elapsed().as_micros());

    let default = |spec: &domain::params::ParamSpec| Supplied {
        param: spec.param,
        value: spec.default().clone(),
        scope: None,
    };
    let values: Vec<_> = CATALOGUE.iter().map(default).collect();
    let debtor = Facts { debt: Money(320), debt_age: 90_000, ..ordinary() };
    let unknown = Facts { credential_state: "unknown".to_owned(), ..Facts::default() };
    for (name, kind, facts) in [
        ("entry of a member", EventKind::Entry, &ordinary()),
        ("entry of a debtor", EventKind::Entry, &debtor),
        ("entry of an unknown card", EventKind::Entry, &unknown),
        ("exit of a member", EventKind::Exit, &ordinary()),
    ] {
        let (least, median) = measure(&set, kind, facts, &values);
        println!("{name:<28} {least:>6} ns at least, {median:>6} ns median");
    }
}
