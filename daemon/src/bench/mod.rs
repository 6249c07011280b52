//! `kari bench`: measures this machine's floors and the daemon on top of them, in one run.
//!
//! Every figure is judged as a ratio against a floor of the same run: a broker that only echoes, a
//! commit of the same rows without a daemon, a loop without callers. Rounds of floor and daemon
//! alternate, after a warm-up, and the median of the rounds' ratios counts.

mod commit;
mod hostile;
mod money;
mod process;
mod report;
mod site;
mod traffic;

use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::{
        Exit,
        bench::{BenchArgs, Measures},
    },
    driven::databases::Databases,
};
use report::{Goal, Report};
use site::BenchSite;

/// What a run of the benchmark is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Rounds of floor and daemon.
    rounds: usize,
    /// How long each load lasts.
    span: Duration,
    /// People of the site.
    people: u32,
}

/// More reads in a second than a machine answers, all loads together (our choice); each uses up a
/// band.
const READS: u64 = 15_000;
/// Gates of the fleet.
pub(crate) const GATES: u32 = 200;
/// Reads in a second of the paced load.
pub(crate) const PACE: u32 = 1000;

impl Plan {
    /// How many bands the loads through so many brokers use up at most.
    fn bands(&self, brokers: usize) -> u32 {
        let loads = u64::try_from(brokers * (self.rounds + 1)).unwrap_or(u64::MAX);
        let bands = loads.saturating_mul(self.span.as_secs()).saturating_mul(READS);
        u32::try_from(bands).unwrap_or(u32::MAX)
    }

    fn of(args: &BenchArgs) -> Self {
        let (rounds, span) =
            if args.quick { (3, Duration::from_secs(1)) } else { (5, Duration::from_secs(2)) };
        Self { rounds, span, people: args.people }
    }
}

/// Measures everything, and prints a table or JSON.
pub(crate) async fn bench(args: BenchArgs, json: bool) -> anyhow::Result<Exit> {
    let plan = Plan::of(&args);
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let report = match args.what {
        Measures::Gates => gates(plan, &bar).await?,
        Measures::Money => money(plan, args.server.as_deref(), &bar).await?,
    };
    bar.finish_and_clear();
    report.print(json)?;
    let missed = report.goals.iter().filter(|goal| !goal.met()).count();
    if missed > 0 {
        tell!("kari: {missed} of {} goals are missed on this machine", report.goals.len());
    }
    Ok(Exit::Done)
}

/// The loop on both databases.
async fn money(plan: Plan, server: Option<&str>, bar: &ProgressBar) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut all = vec![Databases::file(std::env::temp_dir())?];
    match server {
        Some(url) => all.push(Databases::server(url)?),
        None => tell!("kari: only SQLite is measured; --server postgres://… names a PostgreSQL"),
    }
    for databases in all {
        let measured = money::measure(&databases, plan, bar).await?;
        report.goals.extend(measured.goals());
        report.figures.extend(measured.figures());
    }
    Ok(report)
}

/// The whole way of an event, through each broker.
async fn gates(plan: Plan, bar: &ProgressBar) -> anyhow::Result<Report> {
    let mut report = Report::default();
    bar.set_message("the example site's memory");
    report.goals.push(process::example_memory().await?);
    bar.set_message("rules that mean harm");
    report.goals.push(hostile::measure(plan.rounds)?);

    bar.set_message(format!("a site of {} people", plan.people));
    let brokers = traffic::Broker::all();
    let site = BenchSite::make(plan.people, plan.bands(brokers.len())).await;
    let mut site = site.context("cannot make the site to measure")?;
    for broker in brokers {
        bar.set_message(format!("{} gates through {}", GATES, broker.name()));
        let measured = traffic::measure(&mut site, broker, plan, bar).await?;
        report.take(broker, measured);
    }
    site.remove()?;
    Ok(report)
}

/// The bare echo that `kari bench` measures against, in a process of its own.
pub(crate) async fn peer(broker: std::net::SocketAddr) -> anyhow::Result<Exit> {
    devices::twin::fleet::echo(broker).await?;
    Ok(Exit::Done)
}
