//! What leaves the loop: commands, the live feed, counters; and the answers of a store that stands
//! still.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use admin_api::{
    feed::{FeedItem, News},
    health::Health,
};
use devices::hub::Hub;
use domain::{
    clock::age_at_receipt,
    command::{Action, COMMAND_TTL, Command},
    event::{DeviceEvent, Direction, Happening},
    ids::{CommandId, DecisionId, DeviceId, IdMaker},
    params::Param,
    reasons::Condition,
    rows::Emergency,
    state::{Batch, Entry, Noted},
    time::Timestamp,
    verdict::Outcome,
};
use store::Sealed;
use tokio::sync::broadcast;

/// What tells a read from every other: device, boot and sequence.
type Source = (DeviceId, u64, u64);

/// The gates. Before they are let in, and where an import runs without a daemon, there are none,
/// and what they would be told is dropped.
#[derive(Default)]
pub(crate) struct Gates {
    let_in: AtomicBool,
    hub: OnceLock<Arc<Hub>>,
    /// Who hears commands in the place of gates.
    #[cfg(test)]
    pub(crate) heard_by: OnceLock<tokio::sync::mpsc::UnboundedSender<Command>>,
}

impl Gates {
    /// From now on gates may ask, and answers wait for the links that carry them.
    pub(crate) fn let_in(&self) {
        self.let_in.store(true, Ordering::Release);
    }

    /// The links are there.
    pub(crate) fn connected(&self, hub: Arc<Hub>) -> &Arc<Hub> {
        self.hub.get_or_init(|| hub)
    }

    fn are_let_in(&self) -> bool {
        self.let_in.load(Ordering::Acquire)
    }
}

/// Everything that the loop sends to.
pub(crate) struct Outward {
    gates: Arc<Gates>,
    feed: broadcast::Sender<Arc<FeedItem>>,
    health: Arc<Health>,
    /// The exit reads that were let out without waiting for the store, so that none opens twice.
    let_out: BTreeSet<Source>,
    ids: IdMaker,
    epoch: u64,
}

/// Whether a command lets somebody out.
const fn opens_exit(command: &Command) -> bool {
    matches!(command.action, Action::OpenOnce { direction: Direction::Exit, .. })
}

/// The reads behind the decisions of a batch.
fn sources(batch: &Batch) -> HashMap<DecisionId, Source> {
    let source = |entry: &Entry| match (&entry.noted, &entry.device, entry.source) {
        (Noted::Decided { decision, .. }, Some(device), Some((boot, seq))) => {
            Some((*decision, (device.clone(), boot, seq)))
        }
        _ => None,
    };
    batch.journal.iter().filter_map(source).collect()
}

impl Outward {
    /// The ends of everything that the loop sends to.
    pub(crate) fn new(
        gates: Arc<Gates>,
        (feed, health): (broadcast::Sender<Arc<FeedItem>>, Arc<Health>),
        ids: IdMaker,
        epoch: u64,
    ) -> Self {
        Self { gates, feed, health, let_out: BTreeSet::new(), ids, epoch }
    }

    /// Commands are of this run from now on.
    pub(crate) const fn begin_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Sends what a durable batch says. `raised` is [`Self::raised`] as it was before the batch was
    /// decided.
    pub(crate) fn deliver(&mut self, sealed: &Sealed, last_seq: u64, raised: u64) {
        self.follow_emergency(&sealed.batch.journal, raised);
        // Whoever stands at a gate waits for the opening, not for the lamp.
        let (open, rest): (Vec<_>, Vec<_>) =
            sealed.batch.commands.iter().partition(|command| command.action.opens());
        let out = if self.let_out.is_empty() { HashMap::new() } else { sources(&sealed.batch) };
        for command in open.into_iter().chain(rest) {
            let source =
                command.decision.filter(|_| opens_exit(command)).and_then(|id| out.get(&id));
            if !source.is_some_and(|source| self.let_out.contains(source)) {
                self.send(command.clone());
            }
        }
        // From here on their marks keep them from being taken again.
        for source in out.values() {
            self.let_out.remove(source);
        }
        let lines = u64::try_from(sealed.batch.journal.len()).unwrap_or(0);
        self.tell(&sealed.batch, (last_seq + 1).saturating_sub(lines));
        metrics::counter!("kari_batches_total").increment(1);
    }

    /// Whether there are gates that could wait.
    pub(crate) fn has_gates(&self) -> bool {
        self.gates.are_let_in()
    }

    /// How often the fire road was told to release.
    pub(crate) fn raised(&self) -> u64 {
        self.gates.hub.get().map_or(0, |hub| hub.emergency().raised())
    }

    /// The fire road follows the journal, in its order: a fire after a reset releases again, and a
    /// reset ends no release that it did not know of.
    fn follow_emergency(&self, journal: &[Entry], raised: u64) {
        let Some(hub) = self.gates.hub.get() else { return };
        let road = hub.emergency();
        for entry in journal {
            match (&entry.noted, &entry.device) {
                (Noted::EmergencyReset { .. }, _) => road.lift(raised),
                (Noted::Condition { condition: Condition::EmergencyStarted, .. }, Some(device))
                    if !road.is_latched() =>
                {
                    road.raise(device);
                }
                _ => {}
            }
        }
    }

    /// What another daemon's emergency, or the end of one, means for our gates.
    pub(crate) fn follow_elsewhere(&self, before: Option<&Emergency>, now: Option<&Emergency>) {
        let Some(hub) = self.gates.hub.get() else { return };
        let road = hub.emergency();
        match (before, now) {
            (None, Some(started)) if !road.is_latched() => road.raise(&started.source),
            (Some(_), None) => road.lift(self.raised()),
            _ => {}
        }
    }

    /// Sends a command that another daemon left for a device of ours, as one of this run.
    pub(crate) fn send_as(&self, epoch: u64, command: Command) {
        self.send(Command { epoch, ..command });
    }

    fn send(&self, command: Command) {
        #[cfg(test)]
        if let Some(heard_by) = self.gates.heard_by.get() {
            return drop(heard_by.send(command));
        }
        // Who is to be told is known a moment after the links began.
        if !self.gates.are_let_in() || !self.gates.hub.wait().send(command) {
            metrics::counter!("kari_commands_dropped_total").increment(1);
        }
    }

    /// The live feed; without readers it costs nothing but the counters.
    fn tell(&self, batch: &Batch, first_seq: u64) {
        let mut decisions = batch.decisions.iter();
        for (entry, seq) in batch.journal.iter().zip(first_seq..) {
            let news = match &entry.noted {
                Noted::Decided { outcome, .. } => {
                    let outcome = outcome.name();
                    metrics::counter!("kari_decisions_total", "outcome" => outcome).increment(1);
                    decisions
                        .next()
                        .filter(|_| self.feed.receiver_count() > 0)
                        .cloned()
                        .map(News::Decided)
                }
                Noted::RuleSetLive { .. } => {
                    metrics::gauge!("kari_rules_degraded").set(0.0);
                    None
                }
                Noted::Condition { condition, decision, detail, .. } => {
                    Some(self.noticed(entry, *condition, *decision, detail))
                }
                _ => None,
            };
            if let Some(news) = news {
                // No reader is no fault: the store has everything.
                drop(self.feed.send(Arc::new(FeedItem { seq, news })));
            }
        }
    }

    /// What live readers hear of a condition; some are counted as well.
    fn noticed(
        &self,
        entry: &Entry,
        condition: Condition,
        decision: Option<DecisionId>,
        detail: &str,
    ) -> News {
        match condition {
            Condition::CommandFailed => {
                metrics::counter!("kari_commands_failed_total").increment(1);
                let device = entry.device.as_ref().map_or("", DeviceId::as_str);
                self.health.command_failed(entry.at, device, detail);
            }
            Condition::RulesDegraded => metrics::gauge!("kari_rules_degraded").set(1.0),
            Condition::AuditGap => metrics::counter!("kari_audit_gaps_total").increment(1),
            _ => {}
        }
        // What others report may repeat the number of a card.
        let is_shown = matches!(
            condition,
            Condition::CommandFailed | Condition::RulesDegraded | Condition::AuditGap
        );
        let detail = if is_shown { detail.to_owned() } else { String::new() };
        News::Noted { at: entry.at, device: entry.device.clone(), condition, decision, detail }
    }

    /// The exits of a batch do not wait any more for its commit.
    pub(crate) fn open_exits(&mut self, batch: &Batch) {
        let sources = sources(batch);
        for command in batch.commands.iter().filter(|command| opens_exit(command)) {
            let source = command.decision.and_then(|id| sources.get(&id));
            if source.is_none_or(|source| self.let_out.insert(source.clone())) {
                // The batch may yet be lost and decided again under another id.
                self.send(Command { decision: None, ..command.clone() });
            }
        }
    }

    /// Nothing is left of what came while the store stood still.
    pub(crate) fn caught_up(&mut self) {
        self.let_out.clear();
    }

    /// Answers a request while nothing can be decided durably: an exit opens, an entry stays shut,
    /// and a read that may be too old gets no answer. Tells whether it was answered.
    pub(crate) fn answer_unavailable(&mut self, event: &DeviceEvent, now: Timestamp) -> bool {
        let Happening::CredentialRead { direction, .. } = event.happening else { return false };
        if !self.has_gates() {
            // Nobody stands there: whoever asks waits for the rules.
            return false;
        }
        let max_age = Param::DeviceEventMaxAge.spec().default().span();
        let drift = Param::ClockMaxDrift.spec().default().span();
        if age_at_receipt(event, drift, max_age).is_none_or(|age| age > max_age) {
            return false;
        }
        let outcome = match direction {
            Direction::Exit => Outcome::GrantWithWarning,
            Direction::Entry => Outcome::Deny,
        };
        let source = (event.device.clone(), event.boot, event.seq);
        if direction == Direction::Exit && self.let_out.insert(source) {
            let timeout = Param::GatePassageTimeout.spec().default().span();
            self.command(event, now, Action::OpenOnce { direction, passage_timeout: timeout });
        }
        // Nobody knows what the display may show.
        let (reason, amount) = (None, None);
        self.command(event, now, Action::Indicate { direction, outcome, reason, amount });
        true
    }

    fn command(&mut self, event: &DeviceEvent, now: Timestamp, action: Action) {
        let id = CommandId(self.ids.make(now));
        let command = Command {
            id,
            device: event.device.clone(),
            decision: None,
            issued: now,
            ttl: COMMAND_TTL,
            epoch: self.epoch,
            action,
        };
        self.send(command);
    }

    /// An input could not be made durable, whatever was tried.
    pub(crate) fn given_up(&self) {
        metrics::counter!("kari_inputs_given_up_total").increment(1);
    }
}
