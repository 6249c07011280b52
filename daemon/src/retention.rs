//! Forgetting in the loop: once a day, and soon after each start, records that are older than
//! parameter 63 keeps them lose who they were about, a few rows at a time, while no gate waits.

use std::{collections::VecDeque, pin::pin};

use domain::{
    retention::Keeps,
    state::{Batch, Input, Noted},
    time::{Clock, Span, Timestamp},
    windows::Windows,
};
use store::error::CommitError;

use crate::{
    intake::{Inbox, Taken},
    site_loop::{EXIT_PATIENCE, SiteLoop},
    stall::{Fault, StandIn},
};

/// How long after a start it is looked whether there is something to forget (our choice).
const AFTER_START: Span = Span::seconds(10);
/// When it is looked again each day, in local time (our choice).
const QUIET: &str = "Mon-Sun 03:30-03:31";
/// The most rows of one piece: few, because gates wait while it is written.
const PIECE: u32 = 50;
/// Between two pieces.
const PAUSE: Span = Span::millis(50);
/// How long to wait where gates are busy, or the database is.
const LATER: Span = Span::seconds(5);

/// Where forgetting is.
#[derive(Debug)]
pub(crate) struct Retention {
    /// When something is to be done next.
    next: Timestamp,
    /// What the journal said is kept; nothing while nothing is to be forgotten.
    keeps: Option<Keeps>,
    /// How many rows were forgotten since that line.
    rows: u64,
}

impl Retention {
    /// Of a run that starts at `now`.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { next: now.plus(AFTER_START), keeps: None, rows: 0 }
    }

    /// What a durable batch says is to be forgotten; it is begun only after that.
    pub(crate) fn said(&mut self, batch: &Batch, now: Timestamp) {
        for entry in &batch.journal {
            if let Noted::Pseudonymised { movements, audit } = entry.noted {
                *self = Self { next: now, keeps: Some(Keeps { movements, audit }), rows: 0 };
            }
        }
    }

    /// When something is to be done next.
    pub(crate) const fn next(&self) -> Timestamp {
        self.next
    }
}

impl SiteLoop {
    /// The next step of forgetting, if it is time for one and no gate waits. Where it is time to
    /// say in the journal what is to be forgotten, the input that says it.
    ///
    /// # Errors
    /// A storage that cannot be relied on any more, or the end of the run.
    pub(crate) async fn forget(
        &mut self,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
    ) -> Result<Option<Input>, Fault> {
        let now = self.clock.now();
        if now <= self.retention.next {
            return Ok(None);
        }
        if !(held.is_empty() && inbox.emergency.is_empty() && inbox.gates.is_empty()) {
            self.retention.next = now.plus(LATER);
            return Ok(None);
        }
        let Some(keeps) = self.retention.keeps else { return Ok(self.begin(now).await) };
        match self.piece(&keeps, inbox, held).await? {
            Ok(0) => {
                tracing::info!(rows = self.retention.rows, "old records tell no names any more");
                let next = self.tonight(now);
                self.retention = Retention { next, keeps: None, rows: 0 };
            }
            Ok(rows) => {
                self.retention.rows += rows;
                self.retention.next = now.plus(PAUSE);
            }
            Err(fatal @ CommitError::Fatal { .. }) => return Err(fatal.into()),
            Err(why) => {
                tracing::warn!(%why, "old records still tell names; it is tried again");
                self.retention.next = now.plus(LATER);
            }
        }
        Ok(None)
    }

    /// One piece; while the store stands still, exits open.
    async fn piece(
        &mut self,
        keeps: &Keeps,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
    ) -> Result<Result<u64, CommitError>, Fault> {
        let now = self.clock.now();
        let Self { store, outward, clock, standstill, spill, .. } = self;
        let mut work = pin!(store.pseudonymise(keeps, PIECE, now));
        if let Ok(done) = tokio::time::timeout(EXIT_PATIENCE, &mut work).await {
            return Ok(done);
        }
        standstill.begin();
        let mut stand_in = StandIn::new(outward, clock, standstill, spill);
        let done = stand_in.wait_for(work, inbox, held).await?;
        if done.is_ok() {
            standstill.end();
        }
        Ok(done)
    }

    async fn begin(&mut self, now: Timestamp) -> Option<Input> {
        let values = self.state.values(self.policy.as_ref());
        let keeps = Keeps::at(now, &values, &self.state.site.time_zone);
        match self.store.keeps_too_long(&keeps).await {
            Ok(true) => {
                self.retention.next = now.plus(LATER);
                Some(Input::Pseudonymise)
            }
            Ok(false) => {
                self.retention.next = self.tonight(now);
                None
            }
            Err(why) => {
                tracing::warn!(%why, "cannot look for records to forget; it is tried again");
                self.retention.next = now.plus(LATER);
                None
            }
        }
    }

    /// The next quiet hour after `now`.
    fn tonight(&self, now: Timestamp) -> Timestamp {
        let zone = &self.state.site.time_zone;
        let tomorrow = now.plus(Span::seconds(86_400));
        let quiet = Windows::parse(QUIET).ok();
        let next = quiet.and_then(|quiet| {
            let from = now.plus(Span::seconds(120));
            quiet.next_open(from, Span::default(), zone)
        });
        next.unwrap_or(tomorrow)
    }
}
