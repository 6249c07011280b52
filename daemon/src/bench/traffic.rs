//! Echo and daemon under the same three loads, in turns, through one broker.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::bail;
use devices::twin::fleet::{Bands, Fleet, Road, Samples};
use domain::time::Clock;
use indicatif::ProgressBar;

use super::{
    Goal, PACE, Plan,
    commit::{BareCommit, people_for},
    process::{self, Process},
    report::hundredths,
    site::{BenchSite, free_port, gates},
};
use crate::clock::RealClock;

/// Through which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broker {
    /// The one inside the daemon.
    Embedded,
    /// A Mosquitto of its own.
    Mosquitto,
}

impl Broker {
    /// Those that this machine has.
    pub(crate) fn all() -> Vec<Self> {
        if process::mosquitto().is_none() {
            tell!("kari: mosquitto is not installed; only the embedded broker is measured");
            return vec![Self::Embedded];
        }
        vec![Self::Embedded, Self::Mosquitto]
    }
    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Mosquitto => "mosquitto",
        }
    }
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    OneGate,
    Paced,
    AllGates,
}

const LOADS: [Load; 3] = [Load::OneGate, Load::Paced, Load::AllGates];

impl Load {
    const fn name(self) -> &'static str {
        match self {
            Self::OneGate => "1 gate, closed loop",
            Self::Paced => "200 gates, 1,000 events/s",
            Self::AllGates => "200 gates, closed loop",
        }
    }
}

/// One load in one round: p50 µs, p99 µs, events/s, reads that were not opened within 5 s.
pub(crate) type Line = (u64, u64, u64, u64);

/// One round.
#[derive(Debug)]
struct Round {
    /// p50 and p99 of a bare commit.
    commit: (u64, u64),
    echo: [Line; 3],
    kari: [Line; 3],
}

/// Everything that was measured through one broker.
#[derive(Debug)]
pub(crate) struct Measured {
    rounds: Vec<Round>,
    ready: Duration,
    resident_kib: u64,
    people: u32,
    tcp: Option<(Vec<u64>, Vec<u64>)>,
}

/// Measures all loads through `broker`.
pub(crate) async fn measure(
    site: &mut BenchSite,
    broker: Broker,
    plan: Plan,
    bar: &ProgressBar,
) -> anyhow::Result<Measured> {
    let address = free_port()?;
    let _mosquitto = match broker {
        Broker::Embedded => {
            site.use_broker(&format!("broker = \"embedded\"\nlisten = \"{address}\""))?;
            None
        }
        Broker::Mosquitto => {
            site.use_broker(&format!("broker = \"mqtt://{address}\""))?;
            Some(Process::mosquitto(&site.folder, address)?)
        }
    };
    let (daemon, ready) = process::daemon(&site.folder, site.admin)?;
    let resident_kib = daemon.resident_kib()?;
    let broker_at = address.to_string();
    let _echo = Process::kari(&["bench-peer", &broker_at])?;
    let boot = u64::from(std::process::id()) * 10 + u64::from(broker == Broker::Embedded);
    let begun = (boot, Arc::new(RealClock) as Arc<dyn Clock>);
    let mut kari = Fleet::connect(address, &gates(), Road::Kari, begun.clone()).await?;
    let mut echo = Fleet::connect(address, &gates(), Road::Echo, begun).await?;
    let bands = Bands::from(site.bands);
    let unused = Bands::from(0);
    let mut commit = bare_commit(&site.folder, broker, plan).await?;
    for fleet in [(&mut echo, &unused), (&mut kari, &bands)] {
        checked(fleet.0.closed_loop(gates().len(), plan.span / 2, fleet.1).await)?;
    }
    let mut rounds = Vec::new();
    for number in 1..=plan.rounds {
        bar.set_message(format!("round {number} of {} through {}", plan.rounds, broker.name()));
        let mut round = Round {
            commit: commit.micros().await?,
            echo: [(0, 0, 0, 0); 3],
            kari: [(0, 0, 0, 0); 3],
        };
        for (place, load) in LOADS.into_iter().enumerate() {
            round.echo[place] = run(&mut echo, load, plan.span, &unused).await?;
            round.kari[place] = run(&mut kari, load, plan.span, &bands).await?;
        }
        rounds.push(round);
    }
    let tcp = match broker {
        Broker::Embedded => Some(against_tcp(&mut echo, plan, &unused).await?),
        Broker::Mosquitto => None,
    };
    let used = bands.used() - site.bands;
    if used > site.bands_left() {
        let people = (site.bands + used) * 2;
        bail!("the site has too few bands for this machine; say `--people {people}`");
    }
    site.bands += used;
    Ok(Measured { rounds, ready, resident_kib, people: plan.people, tcp })
}

async fn bare_commit(folder: &Path, broker: Broker, plan: Plan) -> anyhow::Result<BareCommit> {
    BareCommit::open(&folder.join(broker.name()), people_for(plan.rounds)).await
}

async fn run(fleet: &mut Fleet, load: Load, span: Duration, bands: &Bands) -> anyhow::Result<Line> {
    let samples = match load {
        Load::OneGate => fleet.closed_loop(1, span, bands).await,
        Load::Paced => fleet.paced(PACE, span, bands).await,
        Load::AllGates => fleet.closed_loop(gates().len(), span, bands).await,
    };
    let samples = checked(samples)?;
    let (p50, p99) = (samples.percentile(50), samples.percentile(99));
    Ok((p50, p99, samples.per_second(), samples.unanswered))
}

/// Figures of nothing would be of no use; what was not opened stands in the table.
fn checked(samples: Samples) -> anyhow::Result<Samples> {
    if samples.micros.is_empty() {
        bail!("none of {} reads was opened; look at the daemon's messages", samples.unanswered);
    }
    Ok(samples)
}

/// Medians of a QoS 1 round trip through the embedded broker and of a bare TCP echo, in turns.
async fn against_tcp(
    echo: &mut Fleet,
    plan: Plan,
    bands: &Bands,
) -> anyhow::Result<(Vec<u64>, Vec<u64>)> {
    let mut tcp = TcpEcho::start().await?;
    let (mut through, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        bare.push(tcp.p50_micros().await?);
        through.push(run(echo, Load::OneGate, plan.span / 2, bands).await?.0);
    }
    Ok((through, bare))
}

/// The floor of every round trip: 200 bytes there and back, nothing else.
struct TcpEcho {
    stream: tokio::net::TcpStream,
}

impl TcpEcho {
    const BYTES: usize = 200;
    const TRIPS: usize = 3000;

    async fn start() -> anyhow::Result<Self> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut bytes = [0; Self::BYTES];
            if stream.set_nodelay(true).is_err() {
                return;
            }
            while stream.read_exact(&mut bytes).await.is_ok() {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        });
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    async fn p50_micros(&mut self) -> anyhow::Result<u64> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut bytes = [0; Self::BYTES];
        let mut micros = Vec::with_capacity(Self::TRIPS);
        for _ in 0..Self::TRIPS {
            let started = std::time::Instant::now();
            self.stream.write_all(&bytes).await?;
            self.stream.read_exact(&mut bytes).await?;
            micros.push(u64::try_from(started.elapsed().as_micros())?);
        }
        Ok(super::report::median(&micros))
    }
}

impl Measured {
    /// The goals that these rounds speak of.
    pub(crate) fn goals(&self, broker: Broker) -> Vec<Goal> {
        let name = |what: &str| format!("{}: {what}", broker.name());
        let above = |place: usize| {
            let beyond = |round: &Round| round.kari[place].0.saturating_sub(round.echo[place].0);
            self.rounds.iter().map(|round| hundredths(beyond(round), round.commit.0)).collect()
        };
        let of_echo = |figure: fn(&Line) -> u64, place: usize| {
            let ratio =
                |round: &Round| hundredths(figure(&round.kari[place]), figure(&round.echo[place]));
            self.rounds.iter().map(ratio).collect()
        };
        let goal = |what: &str, bound, at_least, unit, rounds: Vec<u64>| Goal {
            name: name(what),
            bound,
            at_least,
            unit,
            rounds,
        };
        let mut goals = vec![
            goal("1 gate, (p50 − echo p50) ÷ commit p50", 160, false, "", above(0)),
            goal("1,000 events/s, (p50 − echo p50) ÷ commit p50", 250, false, "", above(1)),
            goal("1,000 events/s, p99 ÷ echo p99", 200, false, "", of_echo(|line| line.1, 1)),
            goal("closed loop, events/s ÷ echo events/s", 75, true, "", of_echo(|line| line.2, 2)),
        ];
        if let Some((through, bare)) = &self.tcp {
            let ratios = through.iter().zip(bare).map(|(a, b)| hundredths(*a, *b)).collect();
            goals.push(goal("QoS 1 round trip ÷ bare TCP echo", 500, false, "", ratios));
        }
        if broker == Broker::Embedded {
            let people = self.people;
            let mib = self.resident_kib * 100 / 1024;
            let what = format!("memory with {people} people");
            goals.push(goal(&what, 60_000, false, " MiB", vec![mib]));
            let seconds = u64::try_from(self.ready.as_millis() / 10).unwrap_or(u64::MAX);
            let what = format!("ready with {people} people");
            goals.push(goal(&what, 1_000, false, " s", vec![seconds]));
        }
        goals
    }

    /// Who reached what under which load, a line each.
    pub(crate) fn lines(&self) -> Vec<(&'static str, &'static str, Vec<Line>)> {
        let mut lines = Vec::new();
        for (place, load) in LOADS.into_iter().enumerate() {
            let of = |pick: fn(&Round) -> &[Line; 3]| {
                self.rounds.iter().map(|round| pick(round)[place]).collect::<Vec<_>>()
            };
            lines.push((load.name(), "echo", of(|round| &round.echo)));
            lines.push((load.name(), "kari", of(|round| &round.kari)));
        }
        let commits = self.rounds.iter().map(|round| {
            let (p50, p99) = round.commit;
            (p50, p99, 1_000_000 / p50.max(1), 0)
        });
        lines.push(("one read a commit", "bare commit", commits.collect()));
        lines
    }
}
