//! What the loop does while the store stands still: exits open and entries are refused at once,
//! without rules; devices' events are held; tills and desks are refused in words.

use std::{
    collections::{BTreeMap, VecDeque},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use admin_api::health::Health;
use devices::arrival::Arrival;
use domain::{
    state::{Answer, Input},
    time::Clock,
};
use store::{Sealed, error::CommitError, trouble::Trouble};
use tokio::{sync::Notify, time::Instant};

use crate::{
    clock::SiteClock,
    intake::{Ask, Inbox, Owed, Taken, answer, asked, taken},
    outward::Outward,
    site_loop::SiteLoop,
    spill::Keeper,
    storing::reloaded,
};

/// The most inputs that a stalled store may keep waiting: what eighty devices may have on their
/// way, some 30 MiB. Beyond it a request is answered and not kept: nobody stays in because a list
/// is full.
pub(crate) const HELD_MAX: usize = 64 * 1024;
/// Beyond so many, devices are acknowledged by the database alone: they say less then, and what one
/// of them says is never taken after a hole in it.
const HELD_EARLY: usize = 8 * 1024;
/// Places of the list that only life-safety inputs may use.
const HELD_RESERVE: usize = 64;
/// The first pause before the store is tried again, and the longest: each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often what devices wait for meanwhile is kept in the spill journal.
const SPILL_EVERY: Duration = Duration::from_millis(100);
/// A store that stands still for so long is away, even where nothing says why, or only that another
/// session holds it, as that of a killed daemon does for a moment.
const AWAY_AFTER: Duration = Duration::from_secs(4);
/// How often one cause is said at most.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// How long a stop waits for a store that stands still.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Why the loop ends early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The storage cannot be relied on any more.
    Store(CommitError),
    /// It was stopped while the store stood still.
    Stopped,
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        Self::Store(error)
    }
}

/// What is known of a store that stands still.
#[derive(Clone)]
pub(crate) struct Standstill {
    health: Arc<Health>,
    known: Arc<Mutex<Known>>,
    reported: Arc<Notify>,
}

#[derive(Default)]
struct Known {
    /// Whether it stands still.
    stalled: bool,
    /// Since when.
    since: Option<Instant>,
    /// The cause, once there is one.
    trouble: Option<Trouble>,
    /// When each cause was said last, and how often it came up since.
    said: BTreeMap<Trouble, (Instant, u64)>,
    /// How often the store was tried again since it last stored something.
    tries: u32,
}

impl Standstill {
    /// Of a store that serves.
    pub(crate) fn new(health: Arc<Health>) -> Self {
        Self { health, known: Arc::default(), reported: Arc::default() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        // Nothing under the lock can panic half way.
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The store stands still.
    pub(crate) fn begin(&self) {
        let begins = self.change(|known| {
            known.since = known.since.or_else(|| Some(Instant::now()));
            !std::mem::replace(&mut known.stalled, true)
        });
        if begins {
            self.health.database(false);
            metrics::counter!("kari_store_stalls_total").increment(1);
            tracing::error!(
                "the database stands still: exits open, entries are refused until it answers"
            );
        }
    }

    /// The store stands still for this cause, which is logged once a minute at most.
    pub(crate) fn report(&self, trouble: Trouble, why: &str) {
        self.begin();
        let now = Instant::now();
        let unsaid = self.change(|known| {
            known.trouble = Some(trouble);
            let entry = known.said.get(&trouble).copied();
            if let Some((at, count)) = entry.filter(|(at, _)| now - *at < SAID_EVERY) {
                known.said.insert(trouble, (at, count + 1));
                return None;
            }
            known.said.insert(trouble, (now, 0));
            Some(entry.map_or(0, |(_, count)| count))
        });
        self.reported.notify_one();
        self.health.database_trouble(trouble.name());
        let cause = trouble.name();
        metrics::counter!("kari_store_troubles_total", "cause" => cause).increment(1);
        if let Some(unsaid) = unsaid {
            tracing::warn!(cause, why, unsaid, "the database stores nothing: {}", trouble.advice());
        }
    }

    /// Waits until there is a cause why it stands still.
    pub(crate) async fn has_cause(&self) {
        while self.trouble().is_none() {
            self.reported.notified().await;
        }
    }

    /// The store stands still because of this error.
    pub(crate) fn report_error(&self, error: &CommitError) {
        match error {
            CommitError::Away { trouble, why } => self.report(*trouble, why),
            CommitError::Unknown { source } => {
                let trouble = Trouble::of(source).unwrap_or(Trouble::Unreachable);
                self.report(trouble, &source.to_string());
            }
            CommitError::Lost { why, .. } => self.report(Trouble::Refuses, why),
            CommitError::Fatal { why } => self.report(Trouble::Damaged, why),
        }
    }

    /// The store stored something.
    pub(crate) fn end(&self) {
        let ends = self.change(|known| {
            (known.trouble, known.tries, known.since) = (None, 0, None);
            std::mem::take(&mut known.stalled)
        });
        if ends {
            self.health.database(true);
            tracing::info!("the database answers again");
        }
    }

    /// Whether it stands still.
    pub(crate) fn lasts(&self) -> bool {
        self.change(|known| known.stalled)
    }

    /// Whether it is more than slow.
    fn is_away(&self) -> bool {
        self.change(|known| {
            known.trouble.is_some_and(|trouble| trouble != Trouble::Locked)
                || known.since.is_some_and(|at| at.elapsed() > AWAY_AFTER)
        })
    }

    /// The cause, where one is known.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.change(|known| known.trouble)
    }

    /// How long to wait before the store is tried again.
    pub(crate) fn pause(&self) -> Duration {
        let tries = self.change(|known| {
            known.tries = known.tries.saturating_add(1);
            known.tries
        });
        PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(tries - 1)).min(PAUSE_MAX)
    }

    /// What a till or desk is answered meanwhile.
    fn refusal(&self) -> String {
        let (cause, advice) = match self.trouble() {
            Some(trouble) => (trouble.name(), trouble.advice()),
            None => ("it does not answer", Trouble::Locked.advice()),
        };
        format!("nothing was done: the database stores nothing now ({cause}): {advice}")
    }
}

/// What answers while the store stands still.
pub(crate) struct StandIn<'a> {
    /// Devices.
    pub(crate) outward: &'a mut Outward,
    /// The time.
    pub(crate) clock: &'a SiteClock,
    /// What is known of the store.
    pub(crate) standstill: &'a Standstill,
    /// Where what devices say is kept meanwhile.
    pub(crate) spill: Option<&'a mut Keeper>,
    /// What else devices wait for, beside what is held.
    pub(crate) waiting: Vec<&'a mut Taken>,
}

impl<'a> StandIn<'a> {
    /// Of a loop, with nothing that waits but what is held.
    pub(crate) fn new(
        outward: &'a mut Outward,
        clock: &'a SiteClock,
        standstill: &'a Standstill,
        spill: &'a mut Option<Keeper>,
    ) -> Self {
        Self { outward, clock, standstill, spill: spill.as_mut(), waiting: Vec::new() }
    }

    /// Waits for `work` of a store that stands still: requests are answered without the rules, and
    /// what devices say is held. An order at a till is refused once a cause is known, for only then
    /// will it take longer than a moment.
    ///
    /// # Errors
    /// [`Fault::Stopped`], where a stop was asked for and the store had its time.
    pub(crate) async fn wait_for<T>(
        &mut self,
        mut work: Pin<&mut impl Future<Output = T>>,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
    ) -> Result<T, Fault> {
        let shutdown = inbox.shutdown.clone();
        let mut stopped = pin!(async move {
            shutdown.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        });
        let mut spills = tokio::time::interval_at(Instant::now() + SPILL_EVERY, SPILL_EVERY);
        spills.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = &mut stopped => return Err(Fault::Stopped),
                _ = spills.tick() => self.keep(held),
                Some(arrival) = inbox.emergency.recv(), if held.len() < HELD_MAX + HELD_RESERVE => {
                    held.push_front(taken(arrival));
                }
                Some(arrival) = inbox.gates.recv() => self.hold(arrival, held),
                Some(ask) = inbox.administration.recv(), if self.standstill.trouble().is_some() => {
                    self.put_off(ask, held);
                }
            }
        }
    }

    /// Has kept what devices wait for: many of them say nothing more until they are acknowledged.
    fn keep(&mut self, held: &mut VecDeque<Taken>) {
        if let Some(spill) = &mut self.spill
            && held.len() < HELD_EARLY
            && self.standstill.is_away()
        {
            spill.keep(self.waiting.iter_mut().map(|taken| &mut **taken).chain(held));
        }
    }

    /// Answers a request, and keeps it to be recorded once the store goes on.
    fn hold(&mut self, arrival: Arrival, held: &mut VecDeque<Taken>) {
        let mut taken = taken(arrival);
        self.answer(&mut taken.input);
        if held.len() < HELD_MAX {
            held.push_back(taken);
        } else {
            // Without its acknowledgement it comes again.
            metrics::counter!("kari_events_not_held_total").increment(1);
        }
    }

    /// Refuses what somebody at a till or desk asks for; a rule set waits.
    fn put_off(&self, ask: Ask, held: &mut VecDeque<Taken>) {
        let kept = self.refuse(asked(ask));
        held.extend(kept);
    }

    /// Answers a request without the rules, to be recorded once the store goes on.
    pub(crate) fn answer(&mut self, input: &mut Input) {
        if let Input::Device(event) = input
            && self.outward.answer_unavailable(event, self.clock.now())
        {
            *input = Input::Unanswered(event.clone());
        }
    }

    /// Refuses an order that nobody else will give again; everything else is handed back.
    fn refuse(&self, taken: Taken) -> Option<Taken> {
        let again = taken.policy.is_some()
            || matches!(taken.input, Input::RuleSet(_) | Input::Import(_) | Input::ImportLook(_));
        match taken.owed {
            Owed::Reply(reply) if !again => {
                answer(reply, Answer::Refused(self.standstill.refusal()));
                None
            }
            owed => Some(Taken { owed, ..taken }),
        }
    }

    /// What is left to decide of the inputs of a batch that left no trace: devices have their
    /// answers, orders are refused.
    pub(crate) fn stand_by(&mut self, inputs: Vec<Taken>) -> Vec<Taken> {
        let mut left = Vec::with_capacity(inputs.len());
        for mut taken in inputs {
            self.answer(&mut taken.input);
            left.extend(self.refuse(taken));
        }
        left
    }
}

impl SiteLoop {
    /// Tries the store again and again until it stores something. Then the rows of a batch that was
    /// under way are read as they are now: nobody may know whether it came through.
    ///
    /// # Errors
    /// A storage that cannot be relied on any more, or the end of the run.
    pub(crate) async fn until_it_stores(
        &mut self,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
        batch: Option<&Sealed>,
        waiting: Vec<&mut Taken>,
    ) -> Result<(), Fault> {
        let Self { state, store, outward, clock, standstill, spill, .. } = self;

        let mut work = pin!(async {
            loop {
                tokio::time::sleep(standstill.pause()).await;
                match store.probe().await {
                    Ok(()) => match batch {
                        Some(batch) => return reloaded(store, batch, standstill).await.map(Some),
                        None => return Ok(None),
                    },
                    Err(fatal @ CommitError::Fatal { .. }) => return Err(fatal),
                    Err(error) => standstill.report_error(&error),
                }
            }
        });
        let mut stand_in = StandIn { waiting, ..StandIn::new(outward, clock, standstill, spill) };
        let rows = stand_in.wait_for(work.as_mut(), inbox, held).await??;
        if let (Some(batch), Some(rows)) = (batch, rows) {
            state.reload(&batch.reads, rows, clock.now());
        }
        Ok(())
    }
}
