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
    decision::Decision,
    event::{DeviceEvent, Direction, Happening},
    ids::{CommandId, CredentialId, DecisionId, DeviceId, IdMaker, Uid},
    params::Param,
    reasons::Condition,
    rows::Emergency,
    state::{Batch, Entry, Noted},
    time::Timestamp,
    verdict::Outcome,
};
use store::Sealed;
use tokio::sync::broadcast;

use crate::release::Followed;

/// What a decision is about, whatever its id is when it is decided again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// A read: device, boot and sequence.
    Read(DeviceId, u64, u64),
    /// Somebody who read before and waited there: whose card it is, or which card nobody has.
    Waited(DeviceId, Option<CredentialId>, Option<Uid>),
    /// A command without a decision.
    Command(CommandId),
}

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
    followed: Followed,
    ids: IdMaker,
    epoch: u64,
}

/// Whether a command lets somebody out.
const fn opens_exit(command: &Command) -> bool {
    matches!(command.action, Action::OpenOnce { direction: Direction::Exit, .. })
}

/// What the decisions of a batch are about.
fn sources(batch: &Batch) -> HashMap<DecisionId, Source> {
    let reads = batch.journal.iter().filter_map(|entry| match (&entry.noted, entry.source) {
        (Noted::Decided { decision, .. }, Some((boot, seq))) => {
            Some((*decision, Source::Read(entry.device.clone()?, boot, seq)))
        }
        _ => None,
    });
    let waited = |one: &Decision| {
        let card = one.unknown_uid.clone();
        (one.id, Source::Waited(one.device.clone(), one.credential, card))
    };
    batch.decisions.iter().map(waited).chain(reads).collect()
}

/// What a command is about.
fn source(command: &Command, sources: &HashMap<DecisionId, Source>) -> Source {
    let decided = command.decision.and_then(|decision| sources.get(&decision));
    decided.cloned().unwrap_or(Source::Command(command.id))
}

impl Outward {
    /// The ends of everything that the loop sends to.
    pub(crate) fn new(
        gates: Arc<Gates>,
        (feed, health): (broadcast::Sender<Arc<FeedItem>>, Arc<Health>),
        ids: IdMaker,
        epoch: u64,
    ) -> Self {
        let (let_out, followed) = <_>::default();
        Self { gates, feed, health, let_out, followed, ids, epoch }
    }

    /// Commands are of this run from now on.
    pub(crate) const fn begin_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Sends what a durable batch says. `raised` is [`Self::raised`] as it was before the batch was
    /// decided.
    pub(crate) fn deliver(&mut self, sealed: &Sealed, last_seq: u64, raised: u64) {
        if let Some(hub) = self.gates.hub.get() {
            self.followed.batch(&hub.emergency(), &sealed.batch.journal, raised);
        }
        // Whoever stands at a gate waits for the opening, not for the lamp.
        let (open, rest): (Vec<_>, Vec<_>) =
            sealed.batch.commands.iter().partition(|command| command.action.opens());
        let sources = match self.let_out.is_empty() {
            true => HashMap::new(),
            false => sources(&sealed.batch),
        };
        for command in open.into_iter().chain(rest) {
            let is_open = opens_exit(command) && self.let_out.contains(&source(command, &sources));
            if !is_open {
                self.send(command.clone());
            }
        }
        // From here on their marks keep them from being taken again.
        for source in sources.values() {
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

    /// The fire road follows the emergency on record; what it is told besides is that of
    /// [`Followed::record`].
    pub(crate) fn follow(&mut self, now: Option<&Emergency>, seen: (u64, bool)) {
        if let Some(hub) = self.gates.hub.get() {
            self.followed.record(&hub.emergency(), now, seen);
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
            if self.let_out.insert(source(command, &sources)) {
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
        let source = Source::Read(event.device.clone(), event.boot, event.seq);
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

#[cfg(test)]
mod tests {
    use domain::{
        facts::EventKind,
        state::{Changes, Reads},
        verdict::Verdict,
    };
    use uuid::Uuid;

    use super::*;

    /// A batch in which an exit opens for a card; `read` is what was read there, where somebody
    /// did not wait.
    fn lets_out(id: u128, card: u128, read: Option<(u64, u64)>) -> Sealed {
        let (gate, now, way) = (DeviceId::from("gate-1"), Timestamp::default(), Direction::Exit);
        let id = DecisionId(Uuid::from_u128(id));
        let outcome = Outcome::Grant;
        let decision = Decision {
            id,
            at: now,
            received: now,
            kind: EventKind::Exit,
            device: gate.clone(),
            direction: Some(way),
            member: None,
            credential: Some(CredentialId(Uuid::from_u128(card))),
            unknown_uid: None,
            verdict: Verdict {
                outcome,
                reasons: Vec::new(),
                also: Vec::new(),
                missing: Vec::new(),
                consulted: <_>::default(),
                tripped: <_>::default(),
                values: Vec::new(),
            },
            facts: None,
            seen: None,
            facts_version: 1,
            rule_set: String::new(),
        };
        let noted = Noted::Decided { decision: id, outcome };
        let entry = Entry { at: now, device: Some(gate.clone()), source: read, noted };
        let command = Command {
            id: CommandId(Uuid::from_u128(id.0.as_u128() + 100)),
            device: gate,
            decision: Some(id),
            issued: now,
            ttl: COMMAND_TTL,
            epoch: 1,
            action: Action::OpenOnce { direction: way, passage_timeout: COMMAND_TTL },
        };
        let batch = Batch {
            journal: vec![entry],
            decisions: vec![decision],
            commands: vec![command],
            ..Batch::default()
        };
        let (changes, reads) = (Changes::default(), Reads::default());
        Sealed { number: 1, epoch: 1, batch, changes, reads, committed_at: now }
    }

    #[test]
    fn an_exit_that_did_not_wait_for_the_store_opens_once_however_often_it_is_decided() {
        for read in [Some((1, 7)), None] {
            let gates = Arc::new(Gates::default());
            let (heard_by, mut heard) = tokio::sync::mpsc::unbounded_channel();
            gates.heard_by.set(heard_by).unwrap();
            gates.let_in();
            let live = (admin_api::feed::feed(), Arc::default());
            let mut outward = Outward::new(gates, live, IdMaker::new(1), 1);
            let (first, again) = (lets_out(1, 5, read), lets_out(2, 5, read));
            // It takes long, is away, and comes again under another id.
            outward.open_exits(&first.batch);
            outward.open_exits(&first.batch);
            outward.open_exits(&again.batch);
            outward.deliver(&again, 1, 0);
            assert!(heard.try_recv().is_ok() && heard.try_recv().is_err(), "{read:?}: once");
            let mut stranger = lets_out(5, 5, None);
            stranger.batch.decisions[0].credential = None;
            stranger.batch.decisions[0].unknown_uid = Some("X1".into());
            outward.open_exits(&stranger.batch);
            stranger.batch.decisions[0].unknown_uid = Some("X2".into());
            outward.open_exits(&stranger.batch);
            assert!(heard.try_recv().is_ok() && heard.try_recv().is_ok(), "two strangers");
            // Of a flood of strangers nobody is decided for by name.
            stranger.batch.commands[0].decision = None;
            outward.open_exits(&stranger.batch);
            outward.deliver(&stranger, 1, 0);
            assert!(heard.try_recv().is_ok() && heard.try_recv().is_err(), "once");
            outward.caught_up();
            let other = lets_out(3, 6, read.map(|(boot, seq)| (boot, seq + 1)));
            outward.open_exits(&other.batch);
            assert!(heard.try_recv().is_ok(), "{read:?}: somebody else");
            outward.deliver(&lets_out(4, 5, None), 2, 0);
            assert!(heard.try_recv().is_ok(), "{read:?}: a later one");
        }
    }
}
