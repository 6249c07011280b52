//! The loop without devices: callers stand where links, tills and desks would, and what it sends
//! goes nowhere. The tests of money race for it, and `kari bench money` measures it.

pub(crate) mod bare;
pub(crate) mod databases;
pub(crate) mod shop;

#[cfg(test)]
mod corrections;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod newcomers;
#[cfg(test)]
mod races;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod testing;

use std::{collections::VecDeque, sync::Arc};

use admin_api::{
    feed::{FeedItem, feed},
    health::Health,
};
use anyhow::{Context, bail};
use devices::{
    arrival::{Ack, Arrival},
    queue,
};
use domain::{
    event::DeviceEvent,
    facts::Policy,
    ids::IdMaker,
    money::Money,
    rows::Terminal,
    site::Site,
    state::{Answer, IMPORT_PIECE, ImportRow, Input, State},
    time::Clock,
};
use store::{Store, faults::Faults, place::Place};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{RealClock, SiteClock, StepWatch},
    intake::{Ask, doors},
    outward::{Gates, Outward},
    retention::Retention,
    running::{LoopThread, joined, spawn_loop},
    site_loop::SiteLoop,
    stall::Standstill,
    storing::tell_news,
};

/// A loop that runs.
pub(crate) struct Driven {
    /// Whom it hears.
    pub(crate) caller: Caller,
    /// What it decided.
    pub(crate) feed: broadcast::Sender<Arc<FeedItem>>,
    ended: CancellationToken,
    site_loop: LoopThread,
}

/// Somebody who says something to the loop, and waits until that is durable.
#[derive(Clone)]
pub(crate) struct Caller {
    gates: queue::Sender,
    administration: mpsc::Sender<Ask>,
    bulk: mpsc::Sender<Ask>,
}

impl Driven {
    /// Starts the loop of `site` on a database; ids come of `seed`.
    pub(crate) async fn start(
        database: &Place,
        site: &Arc<Site>,
        policy: &Arc<dyn Policy>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        Self::start_with(database, site, policy, seed, Arc::default()).await.map(|(one, _)| one)
    }

    /// The same with gates, and what can fail in the store.
    pub(crate) async fn start_with(
        database: &Place,
        site: &Arc<Site>,
        policy: &Arc<dyn Policy>,
        seed: u64,
        gates: Arc<Gates>,
    ) -> anyhow::Result<(Self, Faults)> {
        let clock = Arc::new(SiteClock::Real(RealClock));
        let (mut store, opened) = Store::open(database, clock.now()).await?;
        let snapshot = store.load().await?;
        let news = store.news().await?;
        let mut ids = IdMaker::new(seed);
        let state = State::load(Arc::clone(site), snapshot, opened.epoch, ids.fork());
        let ended = CancellationToken::new();
        let doors = doors(&ended);
        let feed = feed();
        let health = Arc::new(Health::default());
        let live = (feed.clone(), Arc::clone(&health));
        let outward = Outward::new(gates, live, IdMaker::new(ids.fork()), opened.epoch);
        let site_loop = SiteLoop {
            state,
            store,
            policy: Arc::clone(policy),
            watch: StepWatch::default(),
            outward,
            standstill: Standstill::new(health),
            held: VecDeque::new(),
            spill: None,
            retention: Retention::new(clock.now()),
            clock,
            batches: 0,
        };
        let faults = site_loop.store.faults.clone();
        let (site_loop, _) = spawn_loop(site_loop, doors.inbox)?;
        if let Some(news) = news {
            tokio::spawn(tell_news(news, doors.elsewhere, ended.clone()));
        }
        let (administration, bulk) = (doors.administration, doors.bulk);
        let caller = Caller { gates: doors.inlets.gates, administration, bulk };
        Ok((Self { caller, feed, ended, site_loop }, faults))
    }

    /// The tills of its site come on line.
    pub(crate) async fn opens(&self, site: &Site) -> anyhow::Result<()> {
        for terminal in site.terminals.keys().cloned() {
            let state = Terminal { online: true, operator: None, drawer: Money::ZERO };
            self.caller.asks(Input::Terminal { terminal, state }).await?;
        }
        Ok(())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// The fault that ended the loop.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.ended.cancel();
        joined(self.site_loop).await
    }
}

impl Caller {
    /// A device says something.
    pub(crate) async fn tells(&self, event: DeviceEvent) -> anyhow::Result<()> {
        let (done, durable) = oneshot::channel();
        // Who has gone away misses nothing.
        let ack = Ack::new(move || _ = done.send(()));
        let arrival = Arrival { input: Input::Device(event), ack };
        self.gates.put(arrival).ok().context("the loop has ended")?;
        durable.await.context("the loop ended before it was durable")
    }

    /// Somebody at a desk asks for something.
    pub(crate) async fn asks(&self, input: Input) -> anyhow::Result<Answer> {
        answered(&self.administration, input).await
    }

    /// Rows come in, piece by piece.
    ///
    /// # Errors
    /// Where they are refused.
    pub(crate) async fn brings(
        &self,
        rows: impl IntoIterator<Item = ImportRow>,
    ) -> anyhow::Result<()> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let piece = rows.by_ref().take(IMPORT_PIECE).collect();
            let answer = answered(&self.bulk, Input::Import(piece)).await?;
            if let Answer::Refused(why) = answer {
                bail!("rows were refused: {why}");
            }
        }
        Ok(())
    }
}

async fn answered(door: &mpsc::Sender<Ask>, input: Input) -> anyhow::Result<Answer> {
    let (reply, answer) = oneshot::channel();
    let ask = Ask { input, policy: None, reply };
    door.send(ask).await.ok().context("the loop has ended")?;
    answer.await.context("the loop ended before it answered")
}
