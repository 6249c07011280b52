//! A bare commit of one read.

use std::{path::Path, sync::Arc};

use anyhow::bail;
use domain::{state::Input, time::Clock};
use store::place::Place;

use super::{GATES, report::median, site};
use crate::{
    clock::RealClock,
    driven::{bare::Bare, shop},
};

/// Commits before the clock counts, and commits that count.
const WARM_UP: usize = 200;
const COMMITS: usize = 1000;

/// A store with a state above it, which commits one read after the other.
pub(crate) struct BareCommit {
    bare: Bare,
    seq: u32,
}

impl BareCommit {
    /// A database of its own beside the measured one, with as many people as the commits need.
    pub(crate) async fn open(folder: &Path, people: u32) -> anyhow::Result<Self> {
        let folder = folder.join("commit");
        std::fs::create_dir_all(&folder)?;
        let database = Place::file(folder.join("kari.db"));
        site::fill(&database, (people, people)).await?;
        let site = Arc::new(shop::site(GATES, 0)?);
        let bare =
            Bare::open(&database, &site, &shop::policy(&site)?, (RealClock.now(), 1)).await?;
        Ok(Self { bare, seq: 0 })
    }

    /// The median of the commits of one read each, and what one in a hundred exceeds, in
    /// microseconds.
    pub(crate) async fn micros(&mut self) -> anyhow::Result<(u64, u64)> {
        let mut micros = Vec::with_capacity(COMMITS);
        for place in 0..WARM_UP + COMMITS {
            self.seq += 1;
            let gate = shop::gate(self.seq % GATES + 1);
            let read = shop::read(site::band(self.seq));
            let event = shop::event(gate, (1, u64::from(self.seq)), read);
            let now = RealClock.now();
            self.bare.take(Input::Device(event), now);
            let sealed = self.bare.seal(now);
            let took = self.bare.keep(&sealed).await?;
            if place >= WARM_UP {
                micros.push(u64::try_from(took.as_micros())?);
            }
            if sealed.batch.commands.len() < 2 {
                bail!("a read of the floor was not granted; this is a fault of the benchmark");
            }
        }
        micros.sort_unstable();
        let p99 = micros.get(micros.len() * 99 / 100).copied().unwrap_or(0);
        Ok((median(&micros), p99))
    }
}

/// How many bands the commits of `rounds` rounds use.
pub(crate) fn people_for(rounds: usize) -> u32 {
    u32::try_from(rounds.saturating_mul(WARM_UP + COMMITS)).unwrap_or(u32::MAX).saturating_add(2)
}
