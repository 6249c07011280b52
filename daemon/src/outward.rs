//! What leaves the loop: commands, the live feed, counters; and the answers of a store that stands
//! still.

use std::sync::{Arc, OnceLock};

use admin_api::{
    feed::{FeedItem, News},
    health::Health,
};
use devices::hub::Hub;
use domain::{
    command::{Action, COMMAND_TTL, Command},
    event::{DeviceEvent, Direction, Happening},
    ids::{CommandId, IdMaker},
    params::Param,
    reasons::{Condition, Reason},
    state::{Batch, Entry, Noted},
    time::Timestamp,
    verdict::Outcome,
};
use store::Sealed;
use tokio::sync::broadcast;

/// Everything that the loop sends to.
pub(crate) struct Outward {
    /// The devices; nothing while the first data is read, before gates are let in.
    hub: Arc<OnceLock<Arc<Hub>>>,
    feed: broadcast::Sender<Arc<FeedItem>>,
    health: Arc<Health>,
    /// Whether the exits of the batch that is being committed are open already.
    exits_open: bool,
    ids: IdMaker,
    epoch: u64,
}

/// Whether a command lets somebody out.
const fn opens_exit(command: &Command) -> bool {
    matches!(command.action, Action::OpenOnce { direction: Direction::Exit, .. })
}

impl Outward {
    /// The ends of everything that the loop sends to.
    pub(crate) fn new(
        hub: Arc<OnceLock<Arc<Hub>>>,
        feed: broadcast::Sender<Arc<FeedItem>>,
        health: Arc<Health>,
        ids: IdMaker,
        epoch: u64,
    ) -> Self {
        Self { hub, feed, health, exits_open: false, ids, epoch }
    }

    /// Sends what a durable batch says. `last_seq` is the number of its last line in the journal.
    pub(crate) fn deliver(&mut self, sealed: &Sealed, last_seq: u64) {
        let exits_open = std::mem::take(&mut self.exits_open);
        self.follow_emergency(&sealed.batch.journal);
        // Whoever stands at a gate waits for the opening, not for the lamp.
        let (open, rest): (Vec<_>, Vec<_>) =
            sealed.batch.commands.iter().partition(|command| command.action.opens());
        for command in open.into_iter().chain(rest) {
            if !(exits_open && opens_exit(command)) {
                self.send(command.clone());
            }
        }
        let lines = u64::try_from(sealed.batch.journal.len()).unwrap_or(0);
        self.tell(&sealed.batch, (last_seq + 1).saturating_sub(lines));
        metrics::counter!("kari_batches_total").increment(1);
    }

    /// The fire road follows the journal, in its order: a fire after a reset releases again.
    fn follow_emergency(&self, journal: &[Entry]) {
        let Some(hub) = self.hub.get() else { return };
        for entry in journal {
            match (&entry.noted, &entry.device) {
                (Noted::EmergencyReset { .. }, _) => hub.emergency().lift(),
                (Noted::Condition { condition: Condition::EmergencyStarted, .. }, Some(device)) => {
                    hub.emergency().raise(device)
                }
                _ => {}
            }
        }
    }

    fn send(&self, command: Command) {
        if !self.hub.get().is_some_and(|hub| hub.send(command)) {
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
                Noted::Condition { condition, decision, .. } => Some(News::Noted {
                    at: entry.at,
                    device: entry.device.clone(),
                    condition: *condition,
                    decision: *decision,
                }),
                _ => None,
            };
            if let Some(news) = news {
                // No reader is no fault: the store has everything.
                drop(self.feed.send(Arc::new(FeedItem { seq, news })));
            }
        }
    }

    /// The store stands still, or goes on.
    pub(crate) fn stalled(&self, stalled: bool) {
        self.health.database(!stalled);
        if stalled {
            metrics::counter!("kari_store_stalls_total").increment(1);
            tracing::error!(
                "the database stands still: exits open, entries are refused until it answers"
            );
        } else {
            tracing::info!("the database answers again");
        }
    }

    /// An exit's command does not wait for its commit.
    pub(crate) fn open_exits(&mut self, sealed: &Sealed) {
        for command in sealed.batch.commands.iter().filter(|command| opens_exit(command)) {
            self.send(command.clone());
        }
        self.exits_open = true;
    }

    /// Answers a request while nothing can be decided durably: an exit opens, an entry stays shut.
    pub(crate) fn answer_unavailable(&mut self, event: &DeviceEvent, now: Timestamp) {
        let Happening::CredentialRead { direction, .. } = event.happening else { return };
        let outcome = match direction {
            Direction::Exit => Outcome::GrantWithWarning,
            Direction::Entry => Outcome::Deny,
        };
        if direction == Direction::Exit {
            let timeout = Param::GatePassageTimeout.spec().default().span();
            self.command(event, now, Action::OpenOnce { direction, passage_timeout: timeout });
        }
        let reason = Reason::PolicyUnavailable;
        self.command(event, now, Action::Indicate { direction, outcome, reason });
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
