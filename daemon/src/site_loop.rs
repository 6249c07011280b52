//! The one loop: it alone steps the site's state, and it moves nothing before the batch is durable.
//!
//! Inputs come through bounded channels, one for each class, and are taken in the order emergency,
//! gates, administration, bulk. While a batch is being made durable the next one gathers in the
//! channels.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use devices::arrival::Arrival;
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
    intake::{
        BATCH_MAX, Inbox, Owed, Taken, answer, asked, drain, order, settle, take_asks, taken,
    },
    outward::Outward,
    retention::Retention,
    storing::{Ended, stored, taken_over},
};

/// A batch is closed once deciding it took so long: its exits have to be in time.
const DECIDE_MAX: Span = Span::millis(50);
/// An exit opens this long after its read, durable or not (the exit rule).
pub(crate) const EXIT_DEADLINE: Duration = Duration::from_millis(150);
/// How often a lost batch is decided again as a whole, and then each of its inputs by itself.
const RETRIES: u32 = 5;
/// After so many losses of a batch nobody else commits until it is decided and stored.
const KEEPS_TURN: u32 = 2;
/// The most inputs that a stalled store may keep waiting; beyond it the channels fill and devices
/// wait.
const HELD_MAX: usize = 4096;

/// What the loop turns to next.
enum Next {
    /// Something to decide.
    Input(Taken),
    /// News of another daemon.
    Elsewhere(Box<Result<Changed, NewsError>>),
}

/// Inputs that are decided as one batch, and how often that batch was lost.
struct Attempt {
    inputs: Vec<Taken>,
    lost: u32,
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
    /// Where forgetting is.
    pub(crate) retention: Retention,
    /// The number of the last batch of this epoch.
    pub(crate) batches: u64,
}

impl SiteLoop {
    /// Runs until the shutdown is asked for and what waited then is done.
    ///
    /// # Errors
    /// A storage that cannot be trusted any more: the process must end and start again from the
    /// disk.
    pub(crate) async fn run(mut self, mut inbox: Inbox) -> Result<(), CommitError> {
        let mut held = VecDeque::new();
        loop {
            let first = match held.pop_front() {
                Some(first) => Some(Next::Input(first)),
                None => self.wait(&mut inbox).await,
            };
            let first = match first {
                Some(Next::Input(first)) => first,
                Some(Next::Elsewhere(changed)) => {
                    self.elsewhere(*changed, &mut inbox, &mut held).await?;
                    continue;
                }
                None => break,
            };
            let stepped = self.watch.stepped(&self.clock).map(|by| Input::ClockStepped { by });
            let stepped = stepped.map(|input| Taken { input, policy: None, owed: Owed::Nothing });
            let mut inputs: Vec<Taken> = stepped.into_iter().chain([first]).collect();
            drain(&mut inbox, &mut held, &mut inputs);
            self.turn(inputs, &mut inbox, &mut held).await?;
            // However busy the gates are, an operator or a reload waits for one batch at the most.
            let mut asks = Vec::new();
            take_asks(&mut inbox, &mut held, &mut asks);
            if !asks.is_empty() {
                self.turn(asks, &mut inbox, &mut held).await?;
            }
            if let Ok(changed) = inbox.elsewhere.try_recv() {
                self.elsewhere(changed, &mut inbox, &mut held).await?;
            }
            if let Some(input) = self.forget(&mut inbox, &mut held).await? {
                let line = Taken { input, policy: None, owed: Owed::Nothing };
                self.turn(vec![line], &mut inbox, &mut held).await?;
            }
        }
        // What waits at this moment is still decided; what comes later finds a closed door.
        let waiting = std::iter::from_fn(|| inbox.gates.try_recv().map(taken));
        let mut left: VecDeque<Taken> = waiting.take(HELD_MAX).collect();
        while !left.is_empty() {
            let next = left.drain(..left.len().min(BATCH_MAX)).collect();
            self.turn(next, &mut inbox, &mut left).await?;
        }
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the database was not closed; it recovers at the next start");
        }
        Ok(())
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
            () = tick => Taken { input: Input::Tick, policy: None, owed: Owed::Nothing },
            Some(ask) = inbox.administration.recv() => asked(ask),
            Some(ask) = inbox.bulk.recv() => asked(ask),
        };
        Some(Next::Input(input))
    }

    /// Takes over what another daemon committed: its rows, its emergency, and the commands that it
    /// left for devices of ours.
    async fn elsewhere(
        &mut self,
        changed: Result<Changed, NewsError>,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
    ) -> Result<(), CommitError> {
        let changed = changed.map_err(|error| CommitError::Fatal { why: error.to_string() })?;
        let Self { state, store, outward, clock, batches, .. } = self;
        let ours =
            changed.commands.iter().filter(|(device, _)| state.site.gates.contains_key(device));
        let ours: Vec<_> = ours.map(|(_, command)| *command).collect();
        let mut work = pin!(taken_over(store, &changed, &ours, (state.epoch, *batches)));
        let (rows, commands) = match tokio::time::timeout(EXIT_DEADLINE, &mut work).await {
            Ok(done) => done?,
            Err(_) => {
                outward.stalled(true);
                let done = meanwhile(work, inbox, held, (outward, clock.as_ref())).await;
                outward.stalled(false);
                done?
            }
        };
        let before = state.tables.emergency.peek(&()).cloned();
        state.reload(&changed.rows, rows);
        outward.follow_elsewhere(before.as_ref(), state.tables.emergency.peek(&()));
        let epoch = state.epoch;
        commands.into_iter().for_each(|command| outward.send_as(epoch, command));
        Ok(())
    }

    /// Decides, commits and delivers a batch, or several where deciding takes long.
    async fn turn(
        &mut self,
        mut inputs: Vec<Taken>,
        inbox: &mut Inbox,
        held: &mut VecDeque<Taken>,
    ) -> Result<(), CommitError> {
        let values = self.state.values(self.policy.as_ref());
        let drift = values.resolve(Param::ClockMaxDrift, &Place::default());
        order(&mut inputs, drift.value.span());
        let mut queue = VecDeque::from([Attempt { inputs, lost: 0 }]);
        while let Some(Attempt { mut inputs, lost }) = queue.pop_front() {
            let before = Arc::clone(&self.policy);
            let raised = self.outward.raised();
            let (sealed, answers) = self.decide(&inputs);
            let rest = inputs.split_off(answers.len());
            if !rest.is_empty() {
                queue.push_front(Attempt { inputs: rest, lost });
            }
            match self.durable(&sealed, lost, (inbox, held), &mut queue).await? {
                Ended::Durable => {
                    self.state.commit();
                    self.retention.said(&sealed.batch, sealed.committed_at);
                    self.outward.deliver(&sealed, self.store.head().seq, raised);
                    settle(inputs, answers);
                }
                Ended::Lost { why, rows } => {
                    tracing::warn!(batch = sealed.number, why, "a batch was lost; it comes again");
                    self.policy = before;
                    self.state.discard();
                    self.state.reload(&sealed.reads, *rows);
                    self.again(inputs, lost + 1, &why, &mut queue)?;
                }
            }
        }
        if held.is_empty() {
            self.outward.caught_up();
        }
        Ok(())
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
        lost: u32,
        (inbox, held): (&mut Inbox, &mut VecDeque<Taken>),
        queue: &mut VecDeque<Attempt>,
    ) -> Result<Ended, CommitError> {
        let Self { store, outward, clock, .. } = self;
        if sealed.batch.is_empty() && sealed.changes.is_empty() {
            store.give_turn_back().await;
            return Ok(Ended::Durable);
        }
        let stored = stored(store, sealed, lost >= KEEPS_TURN);
        tokio::pin!(stored);
        let patience = patience(sealed, clock.now());
        if let Ok(done) = tokio::time::timeout(patience, &mut stored).await {
            return done;
        }
        // While a site's first data comes in there are no gates yet that could wait.
        let gates = outward.has_gates();
        if gates {
            outward.stalled(true);
            outward.open_exits(&sealed.batch);
            for waiting in queue.iter_mut().flat_map(|attempt| &mut attempt.inputs) {
                answer_now(&mut waiting.input, outward, clock);
            }
        }
        let done = meanwhile(stored, inbox, held, (outward, clock.as_ref())).await;
        if gates {
            outward.stalled(false);
        }
        done
    }

    /// What becomes of the inputs of a lost batch: again, one by one, or given up.
    fn again(
        &mut self,
        inputs: Vec<Taken>,
        lost: u32,
        why: &str,
        queue: &mut VecDeque<Attempt>,
    ) -> Result<(), CommitError> {
        if lost <= RETRIES {
            queue.push_front(Attempt { inputs, lost });
            return Ok(());
        }
        let alone = inputs.len() == 1;
        for one in inputs.into_iter().rev() {
            let next = if alone { self.give_up(one, why)? } else { Some(one) };
            if let Some(next) = next {
                queue.push_front(Attempt { inputs: vec![next], lost: 0 });
            }
        }
        Ok(())
    }

    /// An input that cannot be durable leaves a line in the journal in its place.
    fn give_up(&mut self, one: Taken, why: &str) -> Result<Option<Taken>, CommitError> {
        tracing::error!(input = ?one.input, why, "an input cannot be durable; it is left out");
        self.outward.given_up();
        match (one.input, one.owed) {
            (Input::Device(event) | Input::Unanswered(event), owed) => {
                self.outward.answer_unavailable(&event, self.clock.now());
                let why = format!("it could not be stored, so it is left out: {why}");
                let input = Input::Unreadable { device: event.device, why };
                Ok(Some(Taken { input, policy: None, owed }))
            }
            // A database that takes no line at all is none.
            (Input::Unreadable { .. }, _) => Err(CommitError::Fatal { why: why.to_owned() }),
            (_, Owed::Reply(reply)) => {
                answer(reply, Answer::Refused(why.to_owned()));
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// Waits for the store while it stands still: what comes is answered without the rules, and held.
pub(crate) async fn meanwhile<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    inbox: &mut Inbox,
    held: &mut VecDeque<Taken>,
    (outward, clock): (&mut Outward, &SiteClock),
) -> T {
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            Some(arrival) = inbox.emergency.recv(), if held.len() < HELD_MAX => {
                held.push_front(taken(arrival));
            }
            Some(arrival) = inbox.gates.recv(), if held.len() < HELD_MAX => {
                held.push_back(answered(arrival, outward, clock));
            }
        }
    }
}

/// How long the store may take before the exits of the batch, or those behind it, cannot wait any
/// more.
fn patience(sealed: &Sealed, now: Timestamp) -> Duration {
    let exits = sealed.batch.decisions.iter().filter(|one| one.direction == Some(Direction::Exit));
    let waited = exits.map(|exit| now.since(exit.received)).max().unwrap_or_default();
    let waited = u64::try_from(waited.0).map(Duration::from_micros).unwrap_or_default();
    EXIT_DEADLINE.saturating_sub(waited)
}

/// What came while the store stands still, a request answered without the rules.
fn answered(arrival: Arrival, outward: &mut Outward, clock: &SiteClock) -> Taken {
    let mut taken = taken(arrival);
    answer_now(&mut taken.input, outward, clock);
    taken
}

/// Answers a request without the rules, to be recorded once the store goes on.
fn answer_now(input: &mut Input, outward: &mut Outward, clock: &SiteClock) {
    if let Input::Device(event) = input
        && outward.answer_unavailable(event, clock.now())
    {
        *input = Input::Unanswered(event.clone());
    }
}
