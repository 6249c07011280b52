//! Kari's decisions beside the same checks in Cedar, regorus and CEL: one run, the same facts.
//! What is compared, and what is not alike, stands in the README beside it.

#[path = "../../tests/reference/calendar.rs"]
#[expect(dead_code, reason = "the reference uses more of it")]
mod calendar;
#[path = "../../tests/reference/cases.rs"]
mod cases;
#[path = "../../tests/reference/order_cases.rs"]
mod order_cases;
#[path = "../../tests/reference/profile.rs"]
#[expect(dead_code, reason = "the reference uses more of it")]
mod profile;

mod agree;
mod bare;
mod input;
mod measure;
mod peers;
mod reload;
mod report;
mod told;
mod workload;

use std::{hint::black_box, process::ExitCode};

use anyhow::{Result, bail};
use domain::{facts::Policy as _, gather::Gathered, judge::judge, reasons::Class};
use fastrand::Rng;
use measure::{Asked, interleaved};
use peers::Peer;
use report::{Goal, Report};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};
use workload::{Site, Workload};

/// Cases of each workload.
const CASES: usize = 100;

/// The shipped rules, each text changed by `change`.
fn shipped(change: fn(&str) -> String) -> Result<RuleSet> {
    let rules = SHIPPED.iter().filter(|(name, _)| name.ends_with(".rhai"));
    let files = rules.map(|&(name, text)| SourceFile { name: name.into(), text: change(text) });
    match load(&Bundle::of(files), &Names::default()) {
        Ok(checked) => Ok(checked.set),
        Err(problems) => bail!("the rules do not load: {problems:?}"),
    }
}

/// Everything that takes part.
struct Field {
    site: Site,
    rules: RuleSet,
    bare: RuleSet,
    peers: Vec<Box<dyn Peer>>,
}

const FULL: &str = "Kari, a full decision";
const RULES: &str = "Kari, its rules alone";
const BARE: &str = "Kari, a bare verdict";

impl Field {
    /// The engines for one workload, in the order of [`Self::names`].
    fn engines<'a>(&'a self, load: &'a Workload) -> Vec<Asked<'a>> {
        let cases = &load.cases;
        let Site { table, zone, .. } = &self.site;
        let mut engines: Vec<Asked<'_>> = vec![
            Box::new(|case| {
                let seen = &cases[case].seen;
                let gathered = Gathered::of(seen, table, zone);
                let combined = judge(seen, &gathered, &self.rules, zone);
                black_box((gathered, combined));
                Ok(())
            }),
            Box::new(|case| {
                black_box(self.rules.judge(&cases[case].question())?);
                Ok(())
            }),
            Box::new(|case| {
                let found = self.bare.judge(&cases[case].question())?;
                let refuses = |class| matches!(class, Class::Deny | Class::Hold);
                black_box(found.iter().any(|found| refuses(found.class)));
                Ok(())
            }),
        ];
        for peer in &self.peers {
            engines.push(Box::new(|case| peer.ask(&cases[case].question())));
        }
        engines
    }

    fn names(&self) -> Vec<&'static str> {
        [FULL, RULES, BARE].into_iter().chain(self.peers.iter().map(|peer| peer.name())).collect()
    }

    /// Times one workload, and holds the figures against the goals.
    fn time(&self, load: &Workload, report: &mut Report) -> Result<()> {
        let times = interleaved(&self.engines(load), load.cases.len())?;
        for (name, nanos) in self.names().into_iter().zip(&times) {
            report.figure(load.name, name, *nanos);
        }
        let (full, rules, bare) = (times[0], times[1], times[2]);
        for (own, what) in [(full, "full decision"), (rules, "rules alone")] {
            for (peer, nanos) in self.peers.iter().zip(&times[3..]) {
                report.goals.push(Goal {
                    what: format!("{}: {what}, faster than {}", load.name, peer.name()),
                    reached: nanos * 100 / own.max(1),
                    goal: u128::from(peer.goal()),
                    at_least: true,
                    unit: "x",
                });
            }
        }
        report.goals.push(Goal {
            what: format!("{}: a full decision against a bare one", load.name),
            reached: full * 100 / bare.max(1),
            goal: 200,
            at_least: false,
            unit: "x",
        });
        Ok(())
    }
}

fn run() -> Result<Report> {
    let field = Field {
        site: Site::timed()?,
        rules: shipped(str::to_owned)?,
        bare: shipped(bare::stripped)?,
        peers: peers::all()?,
    };
    let mut rng = Rng::with_seed(20_260_915);
    let loads = field.site.workloads(&field.rules, CASES, &mut rng);
    let mut report = Report::default();
    report.compared = agree::check(&field.rules, &field.bare, &field.peers, &loads, &mut rng)?;
    for load in &loads {
        field.time(load, &mut report)?;
    }
    reload::time(&mut report)?;
    Ok(report)
}

fn main() -> ExitCode {
    let as_json = std::env::args().any(|word| word == "--json");
    match run() {
        Ok(report) if as_json => println!("{:#}", report.json()),
        Ok(report) => print!("{}", report.text()),
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
