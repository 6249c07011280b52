//! Plays a day: one event after the other, each answered before the clock goes on.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
    time::{Duration, Instant},
};

use admin_api::feed::{FeedItem, News};
use anyhow::bail;
use domain::{
    event::Direction,
    ids::{DecisionId, DeviceId},
    reasons::Condition,
    time::{Clock, Span, Timestamp},
    verdict::Outcome,
};
use fastrand::Rng;
use store::verify::Verified;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    day::{Guest, Leg},
    twins::{PATIENCE, Twins},
};
use crate::clock::{RealClock, SimulatedClock};

/// Of a hundred who may pass, so many turn round and try again a little later.
const TURN_ROUND: u32 = 3;

/// What came of a day.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// People who came.
    pub(crate) people: usize,
    /// Decisions by outcome.
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    /// Refusals by their primary reason.
    pub(crate) refusals: BTreeMap<&'static str, u64>,
    /// Passages made.
    pub(crate) passages: u64,
    /// Grants that nobody used.
    pub(crate) unused: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Everything that a day needs.
pub(crate) struct Day<'a> {
    /// The clock, which this day owns.
    pub(crate) clock: SimulatedClock,
    /// Simulated seconds for a real one; 0 is as fast as it can.
    pub(crate) speed: u32,
    /// The gates.
    pub(crate) twins: &'a Twins,
    /// What the daemon decided.
    pub(crate) feed: broadcast::Receiver<Arc<FeedItem>>,
    /// What chance depends on.
    pub(crate) seed: u64,
}

/// What somebody does next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Holds the band to the reader.
    Read,
    /// Goes through on this decision.
    Pass(DecisionId),
}

/// Who does what: the instant, then the order in which it was planned.
type Plan = BinaryHeap<Reverse<(Timestamp, usize, Act)>>;

impl Day<'_> {
    /// Plays until everybody has gone home.
    pub(crate) async fn play(mut self, guests: &[Guest]) -> anyhow::Result<Tally> {
        let mut rng = Rng::with_seed(self.seed ^ 0x5EED);
        let mut tally = Tally { people: guests.len(), ..Tally::default() };
        let mut legs = vec![0_usize; guests.len()];
        let plan = |(guest, one): (usize, &Guest)| Reverse((one.comes, guest, Act::Read));
        let mut plan: Plan = guests.iter().enumerate().map(plan).collect();
        let started = Instant::now();
        while let Some(Reverse((at, guest, act))) = plan.pop() {
            self.reach(at).await;
            let Some(leg) = guests[guest].legs.get(legs[guest]) else { continue };
            let next = match act {
                Act::Read => self.read(&guests[guest], leg, at, &mut rng, &mut tally).await?,
                Act::Pass(decision) => {
                    self.pass(leg, decision, at, &mut tally).await?;
                    legs[guest] += 1;
                    let next = guests[guest].legs.get(legs[guest]);
                    next.map(|leg| (at.plus(leg.after), Act::Read))
                }
            };
            if let Some((at, act)) = next {
                plan.push(Reverse((at, guest, act)));
            }
        }
        // The last grant may still lapse.
        self.reach(self.clock.now().plus(Span::seconds(60))).await;
        tally.took = started.elapsed();
        Ok(tally)
    }

    /// Lets the clock go on to `at`, at the pace that was asked for.
    async fn reach(&self, at: Timestamp) {
        let span = at.since(self.clock.now());
        if self.speed > 0 && span.0 > 0 {
            let micros = u64::try_from(span.0).unwrap_or(0) / u64::from(self.speed);
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
        self.clock.advance(at);
    }

    async fn read(
        &mut self,
        guest: &Guest,
        leg: &Leg,
        at: Timestamp,
        rng: &mut Rng,
        tally: &mut Tally,
    ) -> anyhow::Result<Option<(Timestamp, Act)>> {
        let twin = self.twins.of(&leg.gate)?;
        twin.read(leg.direction, &guest.uid, at);
        let (decision, outcome, reason) = self.decided(&leg.gate, tally).await?;
        if outcome == Outcome::Ignore {
            return Ok(None);
        }
        let opened = twin.answered(leg.direction, outcome.opens()).await;
        if opened != outcome.opens() {
            bail!("gate `{}` was told something else than decision {decision} says", leg.gate);
        }
        if !opened {
            *tally.refusals.entry(reason).or_default() += 1;
            return Ok(None);
        }
        let turns_round = rng.u32(0..100) < TURN_ROUND;
        Ok(Some(if turns_round {
            (at.plus(Span::seconds(30)), Act::Read)
        } else {
            (at.plus(Span::millis(rng.i64(1500..4500))), Act::Pass(decision))
        }))
    }

    async fn pass(
        &mut self,
        leg: &Leg,
        decision: DecisionId,
        at: Timestamp,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        self.twins.of(&leg.gate)?.pass(leg.direction, decision, at).await;
        loop {
            let item = self.next(&leg.gate, tally).await?;
            if let News::Noted { condition: Condition::PassageMade, .. } = item.news {
                return Ok(());
            }
        }
    }

    /// The decision of the read that was just made.
    async fn decided(
        &mut self,
        gate: &DeviceId,
        tally: &mut Tally,
    ) -> anyhow::Result<(DecisionId, Outcome, &'static str)> {
        loop {
            let item = self.next(gate, tally).await?;
            if let News::Decided(decision) = &item.news {
                let verdict = &decision.verdict;
                return Ok((decision.id, verdict.outcome, verdict.primary().code()));
            }
        }
    }

    /// What the daemon tells of a gate next; everything is counted on the way.
    async fn next(&mut self, gate: &DeviceId, tally: &mut Tally) -> anyhow::Result<Arc<FeedItem>> {
        loop {
            let item = match tokio::time::timeout(PATIENCE, self.feed.recv()).await {
                Ok(Ok(item)) => item,
                Ok(Err(RecvError::Lagged(_))) => continue,
                Ok(Err(RecvError::Closed)) => bail!("the daemon ended in the middle of the day"),
                Err(_) => bail!("gate `{gate}` was not answered within {} s", PATIENCE.as_secs()),
            };
            tally.count(&item);
            let about = match &item.news {
                News::Decided(decision) => Some(&decision.device),
                News::Noted { device, .. } => device.as_ref(),
            };
            if about == Some(gate) {
                return Ok(item);
            }
        }
    }
}

impl Tally {
    fn count(&mut self, item: &FeedItem) {
        match &item.news {
            News::Decided(decision) => {
                *self.outcomes.entry(decision.verdict.outcome.name()).or_default() += 1;
            }
            News::Noted { condition: Condition::PassageMade, .. } => self.passages += 1,
            News::Noted { condition: Condition::PassageNotMade, .. } => self.unused += 1,
            News::Noted { .. } => {}
        }
    }

    /// Prints the day.
    pub(crate) fn print(&self, verified: &Verified, json: bool) -> anyhow::Result<()> {
        let decisions: u64 = self.outcomes.values().sum();
        if json {
            let day = serde_json::json!({
                "people": self.people,
                "decisions": self.outcomes,
                "refusals": self.refusals,
                "passages": self.passages,
                "unused_grants": self.unused,
                "journal_lines": verified.lines,
            });
            say!("{}", serde_json::to_string(&day)?);
            return Ok(());
        }
        say!("\nThe day is over: {} people, {decisions} decisions", self.people);
        for (outcome, count) in &self.outcomes {
            say!("  {count:>6}  {outcome}");
        }
        say!("  {:>6}  passages, {} grants unused", self.passages, self.unused);
        if !self.refusals.is_empty() {
            say!("Refused:");
            for (reason, count) in &self.refusals {
                say!("  {count:>6}  {reason}");
            }
        }
        say!("Journal: {} lines, every hash right", verified.lines);
        tell!("kari: played in {:.1?}", self.took);
        Ok(())
    }
}

/// People at the gates of a daemon that runs elsewhere.
pub(crate) struct Outside<'a> {
    /// The gates.
    pub(crate) twins: &'a Twins,
    /// How long after the last one the next comes.
    pub(crate) pause: Duration,
}

impl Outside<'_> {
    /// Sends everybody to his first gate, and through it where it opens.
    pub(crate) async fn play(&self, guests: &[Guest]) -> Tally {
        let mut tally = Tally { people: guests.len(), ..Tally::default() };
        let started = Instant::now();
        for guest in guests {
            if let Some(leg) = guest.legs.first() {
                self.visit(guest, leg, &mut tally).await;
            }
            tokio::time::sleep(self.pause).await;
        }
        tally.took = started.elapsed();
        tally
    }

    async fn visit(&self, guest: &Guest, leg: &Leg, tally: &mut Tally) {
        use super::twins::Twin;
        let Ok(twin) = self.twins.of(&leg.gate) else { return };
        twin.read(leg.direction, &guest.uid, RealClock.now());
        let opened = match twin {
            Twin::Mqtt(gate) => {
                let answer = gate.answer(PATIENCE).await;
                let outcome = answer.indicate.map_or("no answer", |told| told.outcome.name());
                *tally.outcomes.entry(outcome).or_default() += 1;
                answer.open.and_then(|open| open.decision)
            }
            Twin::Board(board, _) => {
                let opened = board.opened(leg.direction, Duration::from_secs(1)).await.is_some();
                let outcome = if opened { "opened" } else { "not opened" };
                *tally.outcomes.entry(outcome).or_default() += 1;
                opened.then(|| DecisionId(uuid::Uuid::nil()))
            }
        };
        if let Some(decision) = opened {
            twin.pass(Direction::Entry, decision, RealClock.now()).await;
            tally.passages += 1;
        }
    }
}
