//! The one loop: it alone steps the site's state, and it moves nothing before the batch is durable.
//!
//! Inputs come through bounded channels, one for each class, and are taken in the order emergency,
//! gates, administration, bulk. While a batch is being made durable the next one gathers in the
//! channels.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use domain::{
    event::Direction,
    facts::Policy,
    params::Param,
    scope::Place,
    state::{Answer, Batch, Input, State},
    step::step,
    time::{Clock, Span, Timestamp},
};
use store::{
    Sealed, Store,
    error::CommitError,
    news::{Changed, NewsError},
};

use crate::{
    clock::{SiteClock, StepWatch},
    intake::{BATCH_MAX, Inbox, Owed, Taken, asked, drain, order, settle, take_asks, taken},
    outward::Outward,
    retention::Retention,
    retries::Attempt,
    spill::Keeper,
    stall::{Fault, HELD_MAX, StandIn, Standstill},
    storing::{Ended, stored, taken_over},
};

/// A batch is closed once deciding it took so long: its exits have to be in time.
const DECIDE_MAX: Span = Span::millis(50);
/// An exit opens this long after its read at the latest, durable or not (the exit rule).
#[cfg(test)]
pub(crate) const EXIT_DEADLINE: Duration = Duration::from_millis(150);
/// How long a read waits for the store: what is left of the 150 ms is for the way to the gate.
pub(crate) const EXIT_PATIENCE: Duration = Duration::from_millis(125);
/// How often an idle loop looks whether its database is still there.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the loop turns to next.
enum Next {
    /// Something to decide.
    Input(Taken),
    /// A moment without anything to do: whether the database is still there.
    Look,
    /// News of another daemon.
    Elsewhere(Box<Result<Changed, NewsError>>),
}

/// What the loop has in hand: what comes to it, and what waits.
struct Desk<'a> {
    inbox: &'a mut Inbox,
    held: &'a mut VecDeque<Taken>,
}

/// The loop with everything that it owns.
pub(crate) struct SiteLoop {
    /// The state.
    pub(crate) state: State,
    /// The database.
    pub(crate) store: Store,
    /// The rules in force.
    pub(crate) policy: Arc<dyn Policy>,
    /// The clock.
    pub(crate) clock: Arc<SiteClock>,
    /// Whether somebody sets it.
    pub(crate) watch: StepWatch,
    /// Devices, feed, counters.
    pub(crate) outward: Outward,
    /// What is known of a store that stands still.
    pub(crate) standstill: Standstill,
    /// What came before the loop began, and at its end what is not stored.
    pub(crate) held: VecDeque<Taken>,
    /// Where what devices say goes while the store takes nothing.
    pub(crate) spill: Option<Keeper>,
    /// Where forgetting is.
    pub(crate) retention: Retention,
    /// The number of the last batch of this epoch.
    pub(crate) batches: u64,
}

impl SiteLoop {
    /// Runs until the shutdown is asked for and what waited then is done. Where the store ends it
    /// earlier, exits open first.
    ///
    /// # Errors
    /// A storage that cannot be relied on any more: the process must end and start again from the
    /// disk.
    pub(crate) async fn run(mut self, mut inbox: Inbox) -> Result<(), CommitError> {
        let mut held = std::mem::take(&mut self.held);
        let ended = self.decide_all(&mut Desk { inbox: &mut inbox, held: &mut held }).await;
        let fault = match ended {
            Ok(()) => {
                if let Err(error) = self.store.close().await {
                    tracing::warn!(
                        %error,
                        "the database was not closed; it recovers at the next start"
                    );
                }
                return Ok(());
            }
            Err(fault) => fault,
        };
        held.extend(std::mem::take(&mut self.held));
        let waiting = std::iter::from_fn(|| {
            inbox.emergency.try_recv().or_else(|| inbox.gates.try_recv()).map(taken)
        });
        held.extend(waiting);
        let mut stand_in = self.stand_in();
        held.iter_mut().for_each(|taken| stand_in.answer(&mut taken.input));
        if let Some(spill) = self.spill {
            spill.end(held.into());
        }
        match fault {
            Fault::Store(error) => {
                tracing::error!(%error, "the loop ends; exits are open");
                Err(error)
            }
            Fault::Stopped => Ok(()),
        }
    }

    async fn decide_all(&mut self, desk: &mut Desk<'_>) -> Result<(), Fault> {
        loop {
            if let Some(spill) = &mut self.spill {
                spill.latch(self.state.tables.emergency.peek(&()));
            }
            if self.standstill.lasts() {
                self.until_it_stores(desk.inbox, desk.held, None, Vec::new()).await?;
                if desk.held.is_empty() {
                    self.standstill.end();
                }
            } else if desk.held.is_empty()
                && let Some(spill) = &mut self.spill
            {
                spill.clear();
            }
            self.follow_emergency(desk);
            let first = match desk.held.pop_front() {
                Some(first) => Some(Next::Input(first)),
                None => self.wait(desk.inbox).await,
            };
            let first = match first {
                Some(Next::Input(first)) => first,
                Some(Next::Look) => {
                    self.look(desk).await?;
                    continue;
                }
                Some(Next::Elsewhere(changed)) => {
                    self.elsewhere(*changed, desk).await?;
                    continue;
                }
                None => break,
            };
            let stepped = self.watch.stepped(&self.clock).map(|by| Input::ClockStepped { by });
            let stepped = stepped.map(|input| Taken { input, policy: None, owed: Owed::Nothing });
            let mut inputs: Vec<Taken> = stepped.into_iter().chain([first]).collect();
            drain(desk.inbox, desk.held, &mut inputs);
            self.turn(inputs, desk).await?;
            // However busy the gates are, an operator or a reload waits for one batch at the most.
            let mut asks = Vec::new();
            take_asks(desk.inbox, desk.held, &mut asks);
            if !asks.is_empty() {
                self.turn(asks, desk).await?;
            }
            if let Ok(changed) = desk.inbox.elsewhere.try_recv() {
                self.elsewhere(changed, desk).await?;
            }
            if let Some(input) = self.forget(desk.inbox, desk.held).await? {
                let line = Taken { input, policy: None, owed: Owed::Nothing };
                self.turn(vec![line], desk).await?;
            }
        }
        // What waits at this moment is still decided; what comes later finds a closed door.
        let gates = &mut desk.inbox.gates;
        let waiting = std::iter::from_fn(|| gates.try_recv().map(taken));
        desk.held.extend(waiting.take(HELD_MAX));
        while !desk.held.is_empty() {
            let next = desk.held.drain(..desk.held.len().min(BATCH_MAX)).collect();
            self.turn(next, desk).await?;
        }
        Ok(())
    }

    /// The fire road follows what is on record by now, however it came there.
    fn follow_emergency(&mut self, desk: &Desk<'_>) {
        let raised = self.outward.raised();
        let all_taken = desk.held.is_empty() && desk.inbox.emergency.is_empty();
        self.outward.follow(self.state.tables.emergency.peek(&()), (raised, all_taken));
    }

    /// What answers while the store stands still.
    pub(crate) fn stand_in(&mut self) -> StandIn<'_> {
        let Self { outward, clock, standstill, spill, .. } = self;
        StandIn::new(outward, clock, standstill, spill)
    }

    /// The next input, by class; nothing once the run is over.
    async fn wait(&mut self, inbox: &mut Inbox) -> Option<Next> {
        let next = self.retention.next();
        let expiry = self.state.next_expiry().map_or(next, |expiry| expiry.min(next));
        let clock = Arc::clone(&self.clock);
        let tick = async move { clock.pass(expiry).await };
        let input = tokio::select! {
            biased;
            Some(arrival) = inbox.emergency.recv() => taken(arrival),
            () = inbox.shutdown.cancelled() => return None,
            // Before gates: what they ask next is decided by what is known elsewhere.
            Some(news) = inbox.elsewhere.recv() => return Some(Next::Elsewhere(Box::new(news))),
            Some(arrival) = inbox.gates.recv() => taken(arrival),
            () = tokio::time::sleep(LOOK_EVERY) => return Some(Next::Look),
            () = tick => Taken { input: Input::Tick, policy: None, owed: Owed::Nothing },
            Some(ask) = inbox.administration.recv() => asked(ask),
            Some(ask) = inbox.bulk.recv() => asked(ask),
        };
        Some(Next::Input(input))
    }

    /// Looks whether the database is still there while nobody asks for anything.
    async fn look(&mut self, desk: &mut Desk<'_>) -> Result<(), Fault> {
        let Self { store, outward, clock, standstill, spill, .. } = self;
        let mut work = pin!(store.look());
        let looked = match tokio::time::timeout(EXIT_PATIENCE, &mut work).await {
            Ok(looked) => looked,
            Err(_) => {
                standstill.begin();
                let mut stand_in = StandIn::new(outward, clock, standstill, spill);
                let looked = stand_in.wait_for(work, desk.inbox, desk.held).await?;
                if looked.is_ok() {
                    standstill.end();
                }
                looked
            }
        };
        match looked {
            Err(fatal @ CommitError::Fatal { .. }) => return Err(fatal.into()),
            Err(error) => standstill.report_error(&error),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Takes over what another daemon committed: its rows, its emergency, and the commands that it
    /// left for devices of ours.
    async fn elsewhere(
        &mut self,
        changed: Result<Changed, NewsError>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Fault> {
        let changed = changed.map_err(|error| CommitError::Fatal { why: error.to_string() })?;
        let Self { state, store, outward, clock, standstill, spill, batches, .. } = self;
        let ours =
            changed.commands.iter().filter(|(device, _)| state.site.gates.contains_key(device));
        let ours: Vec<_> = ours.map(|(_, command)| *command).collect();
        let batch = (state.epoch, *batches);
        let mut work = pin!(taken_over(store, &changed, &ours, batch, standstill));
        let (rows, commands) = match tokio::time::timeout(EXIT_PATIENCE, &mut work).await {
            Ok(done) => done?,
            Err(_) => {
                standstill.begin();
                let mut stand_in = StandIn::new(outward, clock, standstill, spill);
                stand_in.wait_for(work, desk.inbox, desk.held).await??
            }
        };
        state.reload(&changed.rows, rows, clock.now());
        let epoch = state.epoch;
        commands.into_iter().for_each(|command| outward.send_as(epoch, command));
        Ok(())
    }

    /// Decides, commits and delivers a batch, or several where deciding takes long.
    async fn turn(&mut self, mut inputs: Vec<Taken>, desk: &mut Desk<'_>) -> Result<(), Fault> {
        let values = self.state.values(self.policy.as_ref());
        let drift = values.resolve(Param::ClockMaxDrift, &Place::default());
        order(&mut inputs, drift.value.span());
        let mut queue = VecDeque::from([Attempt::new(inputs)]);
        let ended = self.store_all(&mut queue, desk).await;
        // At the end of the run nothing of it may be lost.
        self.held.extend(queue.into_iter().flat_map(|attempt| attempt.inputs));
        if ended.is_ok() && desk.held.is_empty() {
            self.outward.caught_up();
        }
        ended
    }

    async fn store_all(
        &mut self,
        queue: &mut VecDeque<Attempt>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Fault> {
        while let Some(Attempt { mut inputs, lost, instead_of }) = queue.pop_front() {
            let before = Arc::clone(&self.policy);
            let raised = self.outward.raised();
            let (sealed, answers) = self.decide(&inputs);
            let rest = inputs.split_off(answers.len());
            if !rest.is_empty() {
                queue.push_front(Attempt { inputs: rest, lost, instead_of: None });
            }
            let ended = match self.durable(&sealed, (&mut inputs, lost), desk, queue).await {
                Ok(ended) => ended,
                Err(fault) => {
                    self.outward.open_exits(&sealed.batch);
                    queue.push_front(Attempt { inputs, lost, instead_of });
                    return Err(fault);
                }
            };
            match ended {
                Ended::Durable => {
                    self.state.commit();
                    self.retention.said(&sealed.batch, sealed.committed_at);
                    self.outward.deliver(&sealed, self.store.head().seq, raised);
                    settle(inputs, answers);
                }
                Ended::Lost { why, rows, taken } => {
                    tracing::warn!(batch = sealed.number, why, "a batch was lost; it comes again");
                    self.policy = before;
                    self.state.discard();
                    self.state.reload(&sealed.reads, *rows, self.clock.now());
                    self.state.numbers_are_taken(taken);
                    let attempt = Attempt { inputs, lost: lost + 1, instead_of };
                    if !self.again(attempt, &why, queue) {
                        self.stand_still(&sealed, desk, queue).await?;
                    }
                }
                Ended::Away => {
                    self.policy = before;
                    self.state.discard();
                    self.outward.open_exits(&sealed.batch);
                    let mut stand_in = self.stand_in();
                    for attempt in queue.iter_mut() {
                        attempt.inputs = stand_in.stand_by(std::mem::take(&mut attempt.inputs));
                    }
                    let inputs = stand_in.stand_by(inputs);
                    queue.push_front(Attempt { inputs, lost: 0, instead_of });
                    queue.retain(|attempt| !attempt.inputs.is_empty());
                    if !queue.is_empty() {
                        self.stand_still(&sealed, desk, queue).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until the store stores something, with what is left to decide.
    async fn stand_still(
        &mut self,
        sealed: &Sealed,
        desk: &mut Desk<'_>,
        queue: &mut VecDeque<Attempt>,
    ) -> Result<(), Fault> {
        let waiting = queue.iter_mut().flat_map(|attempt| &mut attempt.inputs).collect();
        self.until_it_stores(desk.inbox, desk.held, Some(sealed), waiting).await
    }

    /// Steps the inputs, and seals what came of them. Those after the last answer were not reached
    /// in time.
    fn decide(&mut self, inputs: &[Taken]) -> (Sealed, Vec<Answer>) {
        let mut batch = Batch::default();
        let mut answers = Vec::with_capacity(inputs.len());
        let now = self.clock.now();
        for taken in inputs {
            if !answers.is_empty() && self.clock.now().since(now) > DECIDE_MAX {
                break;
            }
            if let Some(policy) = &taken.policy {
                self.policy = Arc::clone(policy);
            }
            let input = taken.input.clone();
            answers.push(step(&mut self.state, &mut batch, input, now, self.policy.as_ref()));
        }
        self.batches += 1;
        (Sealed::of(&self.state, self.batches, batch, now), answers)
    }

    /// Makes the batch durable. Where that takes too long, exits open and entries are refused
    /// meanwhile.
    async fn durable(
        &mut self,
        sealed: &Sealed,
        (inputs, lost): (&mut [Taken], u32),
        desk: &mut Desk<'_>,
        queue: &mut VecDeque<Attempt>,
    ) -> Result<Ended, Fault> {
        let Self { store, outward, clock, standstill, spill, .. } = self;
        let stored = stored(store, sealed, lost, standstill);
        tokio::pin!(stored);
        let patience = patience(sealed, clock.now());
        tokio::select! {
            biased;
            done = &mut stored => return Ok(done?),
            () = tokio::time::sleep(patience) => {}
            () = standstill.has_cause() => {}
        }
        let mut stand_in = StandIn::new(outward, clock, standstill, spill);
        // While a site's first data comes in there are no gates yet that could wait.
        if stand_in.outward.has_gates() {
            standstill.begin();
            stand_in.outward.open_exits(&sealed.batch);
            for waiting in queue.iter_mut().flat_map(|attempt| &mut attempt.inputs) {
                stand_in.answer(&mut waiting.input);
            }
            let behind = queue.iter_mut().flat_map(|attempt| &mut attempt.inputs);
            stand_in.waiting = inputs.iter_mut().chain(behind).collect();
        }
        Ok(stand_in.wait_for(stored, desk.inbox, desk.held).await??)
    }
}

/// How long the store may take before the exits of the batch, or those behind it, cannot wait any
/// more.
fn patience(sealed: &Sealed, now: Timestamp) -> Duration {
    let exits = sealed.batch.decisions.iter().filter(|one| one.direction == Some(Direction::Exit));
    let waited = exits.map(|exit| now.since(exit.received)).max().unwrap_or_default();
    let waited = u64::try_from(waited.0).map(Duration::from_micros).unwrap_or_default();
    EXIT_PATIENCE.saturating_sub(waited)
}
