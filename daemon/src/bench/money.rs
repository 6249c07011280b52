//! Durable sales and gate decisions: through the loop with its queue and callers, through a loop
//! without them, as bare commits of the same rows, and beside what `pgbench` makes of the same
//! PostgreSQL.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use admin_api::feed::{FeedItem, News};
use anyhow::{Context, bail, ensure};
use domain::{
    event::Happening, facts::Policy, money::Money, site::Site, state::Input, time::Clock,
};
use indicatif::ProgressBar;
use store::{place::Place, reader::Reader, verify};
use tokio::{
    sync::broadcast::{Receiver, error::TryRecvError},
    task::JoinSet,
};

use super::{
    Goal, Plan,
    report::{Figure, hundredths, median},
};
use crate::{
    clock::RealClock,
    driven::{Caller, Driven, bare::Bare, databases::Databases, shop},
    intake::BATCH_MAX,
};

/// Who call the loop at once, and how often all of them together in one round.
const CALLERS: [(u32, u32, &str); 3] =
    [(1, 1000, "1 caller"), (8, 4000, "8 callers"), (200, 12_000, "200 callers")];
/// A gate and a till for each caller.
const PLACES: u32 = 200;
/// Before the clock counts: so many inputs of all callers.
const WARM_UP: u32 = 1000;
/// What each guest begins with: an entry that is held, and a towel.
const BALANCE: Money = Money(2000);

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// Its name in tables.
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What was measured in each round: p50 and p99 in microseconds, and inputs in a second.
type Rounds = Vec<(u64, u64, u64)>;

/// Everything that was measured on one database.
pub(crate) struct Measured {
    kind: Kind,
    loops: [Rounds; CALLERS.len()],
    /// One input a commit, and its time without the deciding.
    single: Rounds,
    /// Full batches: decided and committed, and committed alone.
    group: Rounds,
    group_commit: Rounds,
    pgbench: Rounds,
}

/// A site that is measured, and where everybody is.
struct Bench {
    place: Place,
    site: Arc<Site>,
    policy: Arc<dyn Policy>,
    /// Guests who did nothing yet.
    next: u32,
    /// What was sold.
    sales: u32,
    /// Devices start anew for each load.
    boot: u64,
}

/// The inputs of a load: a guest is let in at a gate, then buys a towel at a till, and so on with
/// the next guest.
struct Inputs {
    guest: u32,
    boot: u64,
    seq: u64,
}

impl Inputs {
    /// The next one, at the gate or till of this number.
    fn next(&mut self, place: u32) -> Input {
        let card = shop::card(self.guest, 0);
        self.seq += 1;
        let (device, happening) = if self.seq.is_multiple_of(2) {
            self.guest += 1;
            (shop::till(place), Happening::Order(shop::order(shop::towel(card))))
        } else {
            (shop::gate(place), shop::read(card))
        };
        Input::Device(shop::event(device, (self.boot, self.seq), happening))
    }
}

impl Bench {
    async fn make(place: Place, guests: u32) -> anyhow::Result<Self> {
        let site = Arc::new(shop::site(PLACES, PLACES)?);
        let policy = shop::policy(&site)?;
        let driven = Driven::start(&place, &site, &policy, 1).await?;
        driven.caller.brings(shop::catalogue()).await?;
        let rows = |one| shop::person(one, BALANCE, None, shop::cards(one, 1));
        driven.caller.brings((0..guests).flat_map(rows)).await?;
        driven.opens(&site).await?;
        driven.stop().await?;
        Ok(Self { place, site, policy, next: 0, sales: 0, boot: 0 })
    }

    /// The inputs of somebody who brings so many.
    fn inputs(&mut self, count: u32) -> Inputs {
        let guest = self.next;
        self.next += count.div_ceil(2);
        self.sales += count / 2;
        Inputs { guest, boot: self.boot, seq: 0 }
    }

    /// All callers at once, each as soon as its last input is durable.
    async fn calls(
        &mut self,
        driven: &Driven,
        callers: u32,
        count: u32,
    ) -> anyhow::Result<(u64, u64, u64)> {
        self.boot += 1;
        let (each, mut running) = (count / callers, JoinSet::new());
        let feed = tokio::spawn(granted(driven.feed.subscribe(), each * callers));
        let started = Instant::now();
        for number in 1..=callers {
            let (caller, inputs) = (driven.caller.clone(), self.inputs(each));
            running.spawn(one_caller(caller, inputs, number, each));
        }
        let mut micros = Vec::new();
        while let Some(ended) = running.join_next().await {
            micros.extend(ended??);
        }
        let took = started.elapsed();
        feed.await??;
        Ok(figures(micros, took))
    }

    /// Batches of so many inputs without a loop: what deciding and committing took, and what the
    /// commits alone took.
    async fn bare(
        &mut self,
        bare: &mut Bare,
        size: u32,
        count: u32,
    ) -> anyhow::Result<[(u64, u64, u64); 2]> {
        self.boot += 1;
        let mut inputs = self.inputs(count / size * size);
        let (mut both, mut commits, mut committing) = (Vec::new(), Vec::new(), Duration::ZERO);
        let started = Instant::now();
        for batch in 0..count / size {
            let decided = Instant::now();
            let now = RealClock.now();
            for one in 0..size {
                bare.take(inputs.next((batch * size + one) / 2 % PLACES + 1), now);
            }
            let sealed = bare.seal(now);
            let commit = bare.keep(&sealed).await?;
            committing += commit;
            commits.push(u64::try_from(commit.as_micros())?);
            both.push(u64::try_from(decided.elapsed().as_micros())?);
            let granted = sealed.batch.decisions.iter().filter(|one| one.verdict.outcome.opens());
            let granted = granted.count();
            ensure!(granted == size as usize, "{granted} of {size} were granted without a loop");
        }
        let (started, inputs) = (started.elapsed(), u64::from(count / size * size));
        let per_second = |(p50, p99, _), took: Duration| (p50, p99, rate(inputs, took));
        Ok([
            per_second(figures(both, started), started),
            per_second(figures(commits, committing), committing),
        ])
    }
}

async fn one_caller(
    caller: Caller,
    mut inputs: Inputs,
    place: u32,
    count: u32,
) -> anyhow::Result<Vec<u64>> {
    let mut micros = Vec::new();
    for _ in 0..count {
        let Input::Device(event) = inputs.next(place) else { bail!("no event") };
        let said = Instant::now();
        caller.tells(event).await?;
        micros.push(u64::try_from(said.elapsed().as_micros())?);
    }
    Ok(micros)
}

/// A load of refusals would measure something else.
async fn granted(mut feed: Receiver<Arc<FeedItem>>, count: u32) -> anyhow::Result<()> {
    let mut left = count;
    while left > 0 {
        let item = feed.recv().await.context("a load was told faster than it can be counted")?;
        if let News::Decided(decision) = &item.news {
            ensure!(decision.verdict.outcome.opens(), "a load was refused: {:?}", decision.verdict);
            left -= 1;
        }
    }
    match feed.try_recv() {
        Err(TryRecvError::Empty) => Ok(()),
        _ => bail!("a load was decided more than once"),
    }
}

fn rate(count: u64, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000_000) / micros
}

fn figures(mut micros: Vec<u64>, took: Duration) -> (u64, u64, u64) {
    micros.sort_unstable();
    let at = |percent: usize| micros.get(micros.len() * percent / 100).copied().unwrap_or(0);
    (at(50), at(99), rate(micros.len() as u64, took))
}

/// How many inputs a load of single commits and one of full batches have.
const SINGLES: u32 = 1000;
const GROUP: u32 = 12_800;

/// The guests that so many rounds need, each of whom does two things.
fn guests(rounds: u32) -> u32 {
    let loops: u32 = CALLERS.iter().map(|(_, count, _)| count).sum();
    (loops + WARM_UP * 2 + SINGLES + GROUP) / 2 * rounds + PLACES * rounds
}

/// Measures one database.
pub(crate) async fn measure(
    databases: &Databases,
    plan: Plan,
    bar: &ProgressBar,
) -> anyhow::Result<Measured> {
    let kind = if databases.url().is_some() { Kind::Postgres } else { Kind::Sqlite };
    let rounds = u32::try_from(plan.rounds)?;
    bar.set_message(format!("{} guests on {}", guests(rounds), kind.name()));
    let mut bench = Bench::make(databases.place(1)?, guests(rounds)).await?;
    let none = || Rounds::new();
    let mut told = Measured {
        kind,
        loops: [none(), none(), none()],
        single: none(),
        group: none(),
        group_commit: none(),
        pgbench: none(),
    };
    let tpcb = databases.url().map(|url| TpcB::make(&url)).transpose()?;
    for round in 1..=plan.rounds {
        bar.set_message(format!("round {round} of {} on {}", plan.rounds, kind.name()));
        let driven = Driven::start(&bench.place, &bench.site, &bench.policy, bench.boot).await?;
        bench.calls(&driven, PLACES, WARM_UP).await?;
        for (rounds, (callers, count, _)) in told.loops.iter_mut().zip(CALLERS) {
            rounds.push(bench.calls(&driven, callers, count).await?);
        }
        driven.stop().await?;
        let begun = (RealClock.now(), bench.boot);
        let mut bare = Bare::open(&bench.place, &bench.site, &bench.policy, begun).await?;
        let batch = u32::try_from(BATCH_MAX)?;
        bench.bare(&mut bare, batch, WARM_UP).await?;
        let [_, single] = bench.bare(&mut bare, 1, SINGLES).await?;
        let [group, group_commit] = bench.bare(&mut bare, batch, GROUP).await?;
        bare.close().await?;
        told.single.push(single);
        told.group.push(group);
        told.group_commit.push(group_commit);
        if let Some(tpcb) = &tpcb {
            told.pgbench.push(tpcb.run(plan.span)?);
        }
    }
    bar.set_message(format!("the books of {}", kind.name()));
    let reader = Reader::open(&bench.place).await?;
    let books = verify::ledger(&reader).await?;
    reader.close().await;
    // Each sale is booked once, and so is the opening of each guest's wallet.
    let booked = u64::from(bench.sales) + u64::from(guests(rounds));
    ensure!(books.transactions == booked, "{} of {booked} transactions", books.transactions);
    Ok(told)
}

impl Measured {
    /// The goals of this database.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let name = self.kind.name();
        let [one, _, all] = &self.loops;
        let rate = |rounds: &Rounds| rounds.iter().map(|one| one.2).collect::<Vec<_>>();
        let p50 = |rounds: &Rounds| rounds.iter().map(|one| one.0).collect::<Vec<_>>();
        let ratio = |part: Vec<u64>, whole: Vec<u64>| {
            part.into_iter().zip(whole).map(|(part, whole)| hundredths(part, whole)).collect()
        };
        let goal = |name: String, bound, at_least, rounds| Goal {
            name,
            bound,
            at_least,
            unit: "",
            rounds,
        };
        let mut goals = vec![
            goal(
                format!("{name}, 200 callers: rate against a loop without them"),
                60,
                true,
                ratio(rate(all), rate(&self.group)),
            ),
            goal(
                format!("{name}, 1 caller: p50 against a bare commit"),
                160,
                false,
                ratio(p50(one), p50(&self.single)),
            ),
        ];
        if !self.pgbench.is_empty() {
            let rounds = ratio(rate(all), rate(&self.pgbench));
            let name = format!("{name}, 200 callers: rate against pgbench with one client");
            goals.push(goal(name, 1000, true, rounds));
        }
        goals
    }

    /// The figures behind them.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let loops = CALLERS.iter().zip(&self.loops);
        let mut lines: Vec<_> =
            loops.map(|((.., load), rounds)| self.figure(load, "kari", rounds)).collect();
        lines.extend([
            self.figure("one by one", "bare commit", &self.single),
            self.figure("batches of 64", "bare loop", &self.group),
            self.figure("batches of 64", "bare commit", &self.group_commit),
        ]);
        if !self.pgbench.is_empty() {
            lines.push(self.figure("TPC-B, 1 client", "pgbench", &self.pgbench));
        }
        lines
    }

    fn figure(&self, load: &'static str, who: &'static str, rounds: &Rounds) -> Figure {
        let of =
            |get: fn(&(u64, u64, u64)) -> u64| median(&rounds.iter().map(get).collect::<Vec<_>>());
        Figure {
            on: self.kind.name(),
            load,
            who,
            p50_micros: of(|one| one.0),
            p99_micros: of(|one| one.1),
            per_second: of(|one| one.2),
            not_opened: 0,
        }
    }
}

/// `pgbench` with its own tables, beside ours.
struct TpcB {
    url: String,
    program: String,
}

impl TpcB {
    /// Branches of its tables: 100,000 accounts each.
    const SCALE: &str = "10";

    fn make(url: &str) -> anyhow::Result<Self> {
        let made = Self { url: url.to_owned(), program: pgbench()? };
        made.said(&["-i", "-q", "-s", Self::SCALE])?;
        Ok(made)
    }

    /// One client for a while, its transactions in a second, and what one of them took.
    fn run(&self, span: Duration) -> anyhow::Result<(u64, u64, u64)> {
        let seconds = (span.as_secs() * 2).max(1).to_string();
        let said = self.said(&["-n", "-c", "1", "-T", &seconds])?;
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps.and_then(|rest| rest.split(['.', ' ']).next()).and_then(|n| n.parse().ok());
        let tps: u64 = tps.with_context(|| format!("pgbench told no rate: {said}"))?;
        Ok((1_000_000 / tps.max(1), 0, tps))
    }

    fn said(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ended = Command::new(&self.program).args(arguments).arg(&self.url).output()?;
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        let failed = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "pgbench failed: {said}{failed}");
        Ok(said)
    }
}

/// Where `pgbench` is: Debian keeps it beside its server, the newest one counts.
fn pgbench() -> anyhow::Result<String> {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|found| found.flatten().map(|one| one.path().join("bin/pgbench")).collect())
        .unwrap_or_default();
    versions.retain(|path| path.exists());
    versions.sort();
    let program = match versions.last().and_then(|path| path.to_str()) {
        Some(path) => path.to_owned(),
        None => "pgbench".to_owned(),
    };
    let there = Command::new(&program).arg("--version").output();
    there.context("pgbench is not installed; Debian has it in the package postgresql")?;
    Ok(program)
}
