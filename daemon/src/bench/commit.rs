//! The floor of durability: the same rows, statements, tables, triggers and driver, without a
//! daemon around them.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use anyhow::{Context, bail};
use domain::{
    event::{DeviceEvent, Direction, Happening},
    money::Currency,
    site::{Gate, Site},
    state::{Batch, Input, State},
    step::step,
    time::Clock,
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
};
use store::{Sealed, Store, place::Place};

use super::{report::median, site};
use crate::{clock::RealClock, commands::init::SITE_SETTINGS};

/// Commits before the clock counts, and commits that count.
const WARM_UP: usize = 200;
const COMMITS: usize = 1000;

/// A store with a state above it, which commits one read after the other.
pub(crate) struct BareCommit {
    store: Store,
    state: State,
    policy: RuleSet,
    number: u64,
    seq: u64,
}

impl BareCommit {
    /// A database of its own beside the measured one, with as many people as the commits need.
    pub(crate) async fn open(folder: &Path, people: u32) -> anyhow::Result<Self> {
        let folder = folder.join("commit");
        std::fs::create_dir_all(&folder)?;
        let database = Place::file(folder.join("kari.db"));
        site::fill(&database, people).await?;
        let (mut store, opened) = Store::open(&database, RealClock.now()).await?;
        let snapshot = store.load().await?;
        let state = State::load(Arc::new(site_of()?), snapshot, opened.epoch, 1);
        Ok(Self { store, state, policy: policy()?, number: 0, seq: 0 })
    }

    /// The median of the commits of one read each, and what one in a hundred exceeds, in
    /// microseconds.
    pub(crate) async fn micros(&mut self) -> anyhow::Result<(u64, u64)> {
        let mut micros = Vec::with_capacity(COMMITS);
        for place in 0..WARM_UP + COMMITS {
            let sealed = self.one_read();
            let started = Instant::now();
            self.store.commit(&sealed).await?;
            let took = u64::try_from(started.elapsed().as_micros())?;
            self.state.commit();
            if place >= WARM_UP {
                micros.push(took);
            }
            if sealed.batch.commands.len() < 2 {
                bail!("a read of the floor was not granted; this is a fault of the benchmark");
            }
        }
        micros.sort_unstable();
        let p99 = micros.get(micros.len() * 99 / 100).copied().unwrap_or(0);
        Ok((median(&micros), p99))
    }

    fn one_read(&mut self) -> Sealed {
        self.seq += 1;
        self.number += 1;
        let now = RealClock.now();
        let uid = format!("04{:010}", self.seq);
        let event = DeviceEvent {
            device: format!("gate-{}", self.seq % 200 + 1).into(),
            boot: 1,
            seq: self.seq,
            device_time: None,
            received: now,
            happening: Happening::CredentialRead {
                direction: Direction::Entry,
                uid: uid.into(),
                pin: None,
            },
        };
        let mut batch = Batch::default();
        step(&mut self.state, &mut batch, Input::Device(event), now, &self.policy);
        Sealed {
            number: self.number,
            epoch: self.state.epoch,
            changes: self.state.tables.changes(),
            reads: self.state.tables.reads(),
            batch,
            committed_at: now,
        }
    }
}

/// How many bands the commits of `rounds` rounds use.
pub(crate) fn people_for(rounds: usize) -> u32 {
    u32::try_from(rounds.saturating_mul(WARM_UP + COMMITS)).unwrap_or(u32::MAX).saturating_add(2)
}

fn site_of() -> anyhow::Result<Site> {
    let gate = |id| {
        let gate = Gate { drops_repeats: true, ..Gate::new(None, "site".into()) };
        (id, gate)
    };
    let zone = jiff::tz::TimeZone::get("Asia/Tbilisi")?;
    let currency = Currency::of("GEL").context("no GEL")?;
    Ok(Site {
        zones: BTreeMap::from([("site".into(), None)]),
        gates: site::gates().into_iter().map(gate).collect(),
        ..Site::new("bench".to_owned(), zone, currency)
    })
}

fn policy() -> anyhow::Result<RuleSet> {
    let file = |(name, text): &(&str, &str)| {
        let text = if *name == SITE_SETTINGS { site::settings() } else { (*text).to_owned() };
        SourceFile { name: (*name).to_owned(), text }
    };
    let devices = site::gates().iter().map(ToString::to_string).collect();
    let names = Names { devices, ..Names::default() };
    let bundle = Bundle::of(rules::shipped::SHIPPED.iter().map(file));
    match load(&bundle, &names) {
        Ok(checked) => Ok(checked.set),
        Err(problems) => bail!("the shipped rules do not load: {problems:?}"),
    }
}
