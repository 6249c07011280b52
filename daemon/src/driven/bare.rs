//! The state machine above its store, without a loop, a queue or callers: the floor that a
//! measurement is held against, and what a past is made with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    facts::Policy,
    site::Site,
    state::{Answer, Batch, Input, State},
    step::step,
    time::Timestamp,
};
use store::{Opened, Sealed, Store, place::Place};

/// A state above a store.
pub(crate) struct Bare {
    store: Store,
    state: State,
    policy: Arc<dyn Policy>,
    number: u64,
    /// What was found of the database.
    pub(crate) opened: Opened,
    /// What is decided and not sealed yet.
    batch: Batch,
}

impl Bare {
    /// Opens a database.
    pub(crate) async fn open(
        database: &Place,
        site: &Arc<Site>,
        policy: &Arc<dyn Policy>,
        (now, seed): (Timestamp, u64),
    ) -> anyhow::Result<Self> {
        let (mut store, opened) = Store::open(database, now).await?;
        let snapshot = store.load().await?;
        let state = State::load(Arc::clone(site), snapshot, opened.epoch, seed);
        let (policy, batch) = (Arc::clone(policy), Batch::default());
        Ok(Self { store, state, policy, number: 0, opened, batch })
    }

    /// The state, with all that is decided.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// What is decided and not sealed yet.
    pub(crate) const fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Decides an input as part of the open batch.
    pub(crate) fn take(&mut self, input: Input, now: Timestamp) -> Answer {
        step(&mut self.state, &mut self.batch, input, now, self.policy.as_ref())
    }

    /// Closes the open batch.
    pub(crate) fn seal(&mut self, now: Timestamp) -> Sealed {
        self.number += 1;
        Sealed::of(&self.state, self.number, std::mem::take(&mut self.batch), now)
    }

    /// Makes a batch durable, and tells how long that took.
    pub(crate) async fn keep(&mut self, sealed: &Sealed) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.store.commit(sealed).await?;
        let took = started.elapsed();
        self.state.commit();
        Ok(took)
    }

    /// Closes the database.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(self.store.close().await?)
    }
}
