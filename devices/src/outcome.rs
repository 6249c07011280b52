//! What becomes of commands. One that took no effect is said on the log, counted, and handed to the
//! loop, which ends what was promised with it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use domain::{
    command::{Action, Command, CommandFailed},
    event::{Direction, Happening},
    ids::{CommandId, DecisionId, DeviceId, IdMaker},
    time::Timestamp,
};
use metrics::counter;

use crate::{
    arrival::{Ack, Arrival},
    queue::Sender,
    seldom::Seldom,
    stamp::Stamp,
};

/// So many commands on their way are remembered: more than any site sends within their time.
const REMEMBERED: usize = 2048;
/// A command that its device refused is sent again so often, each time at the next look of its
/// link: whoever stands there waits, and the desk hears within a second of what did not work.
const TRIES_AGAIN: usize = 2;
/// So often a minute one kind of failure of one device is said.
const SAID: u32 = 10;

/// What went wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The device refused it outright.
    Refused,
    /// Its connection broke while it was written.
    Lost,
    /// The device did not answer in time.
    Late,
    /// It could not be written within its time.
    Stale,
    /// Too many waited before it.
    QueueFull,
    /// Nobody listens where it was sent.
    Unheard,
    /// The device says that it failed.
    Reported,
    /// The device said nothing within its time.
    Unconfirmed,
}

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::QueueFull => "queue_full",
            Self::Unheard => "unheard",
            Self::Reported => "reported",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// Whether the device may have obeyed all the same.
    pub(crate) const fn may_have_acted(self) -> bool {
        matches!(self, Self::Lost | Self::Late | Self::Unconfirmed)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the device refuses it",
            Self::Lost => "the connection broke while it was written",
            Self::Late => "the device did not answer in time",
            Self::Stale => "it could not be written within its time to live",
            Self::QueueFull => "too many commands waited before it",
            Self::Unheard => "nobody listens to its topic",
            Self::Reported => "the device says that it failed",
            Self::Unconfirmed => "the device did not confirm it within its time to live",
        })
    }
}

/// What a command is about, as a point of the device.
pub(crate) const fn point(action: &Action) -> &'static str {
    match action {
        Action::OpenOnce { direction: Direction::Entry, .. } => "open_entry",
        Action::OpenOnce { direction: Direction::Exit, .. } => "open_exit",
        Action::Capture => "capture",
        Action::Indicate { .. } | Action::Wait { .. } | Action::Till { .. } => "indicate",
        Action::FailMode { .. } => "fail_mode",
        Action::LockerUnlock { .. } => "unlock",
        Action::LockerLock { .. } => "lock",
        Action::LockerRefuse { .. } => "refuse",
    }
}

/// What is kept of a command on its way.
#[derive(Clone, Debug)]
struct OnItsWay {
    command: Command,
    /// Its ids when it was sent before.
    earlier: Vec<CommandId>,
    /// Whether its device confirms what it does.
    confirms: bool,
}

impl OnItsWay {
    const fn of(command: Command, confirms: bool) -> Self {
        Self { command, earlier: Vec::new(), confirms }
    }

    /// The id by which the loop knows it.
    fn first(&self) -> CommandId {
        self.earlier.first().copied().unwrap_or(self.command.id)
    }

    /// The same to be sent once more, where that is safe at `now`: its device refused it outright.
    /// A device drops repeats of an id, so it gets one of its own.
    fn again(mut self, now: Timestamp, ids: &mut IdMaker) -> Option<Self> {
        if self.earlier.len() >= TRIES_AGAIN || !self.command.is_fresh(now) {
            return None;
        }
        self.earlier.push(self.command.id);
        self.command.id = CommandId(ids.make(now));
        Some(self)
    }
}

/// Where failures of commands go.
pub(crate) struct Failures {
    inlet: Sender,
    stamp: Mutex<Stamp>,
    said: Seldom,
    sent: Mutex<VecDeque<OnItsWay>>,
    /// What its device refused and why, which is sent again.
    refused: Mutex<VecDeque<(OnItsWay, String)>>,
    ids: Mutex<IdMaker>,
}

impl Failures {
    /// Failures go to the loop by `inlet`, as events that `stamp` numbers.
    pub(crate) fn new(inlet: Sender, stamp: Stamp) -> Self {
        let (sent, refused) = (Mutex::default(), Mutex::default());
        let ids = Mutex::new(IdMaker::new(stamp.boot()));
        Self { inlet, stamp: Mutex::new(stamp), said: Seldom::new(SAID), sent, refused, ids }
    }

    /// Remembers a command, so that its device's answer finds the decision behind it; `confirms`:
    /// the device answers each.
    pub(crate) fn remember(&self, command: &Command, confirms: bool) {
        self.keep(OnItsWay::of(command.clone(), confirms));
    }

    fn keep(&self, known: OnItsWay) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(known);
    }

    /// What is to be sent again at `now`; it is remembered as sent. What is too late for that has
    /// failed.
    pub(crate) fn take_refused(&self, now: Timestamp) -> Vec<Command> {
        let refused =
            std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let mut commands = Vec::with_capacity(refused.len());
        for (known, error) in refused {
            if known.command.is_fresh(now) {
                commands.push(known.command.clone());
                self.keep(known);
            } else {
                self.end(known, Why::Reported, ("", &error));
            }
        }
        commands
    }

    /// Whether a command was sent again since it had this id.
    fn was_tried_again(&self, device: &DeviceId, id: CommandId) -> bool {
        let was = |known: &OnItsWay| known.command.device == *device && known.earlier.contains(&id);
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = refused.iter().any(|(known, _)| was(known));
        drop(refused);
        waits || self.sent.lock().unwrap_or_else(PoisonError::into_inner).iter().any(was)
    }

    /// Forgets a command, and returns what was remembered of it.
    fn forget(&self, device: &DeviceId, id: CommandId) -> Option<OnItsWay> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &OnItsWay| known.command.id == id && known.command.device == *device;
        let place = sent.iter().position(is_it)?;
        sent.remove(place)
    }

    /// Its device confirms a command.
    pub(crate) fn confirmed(&self, device: &DeviceId, id: CommandId) {
        self.forget(device, id);
    }

    /// What a device reports of a command that failed, as something that happened; nothing where it
    /// is tried again first.
    pub(crate) fn reported(
        &self,
        device: &DeviceId,
        id: CommandId,
        error: &str,
    ) -> Option<Happening> {
        let known = self.forget(device, id);
        if known.is_none() && self.was_tried_again(device, id) {
            return None;
        }
        let now = self.stamp.lock().unwrap_or_else(PoisonError::into_inner).now();
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = known.clone().and_then(|known| known.again(now, &mut ids)) {
            let point = point(&again.command.action);
            tracing::info!(%device, error, "`{point}` was refused, and is tried again");
            counter!("kari_device_commands_tried_again_total").increment(1);
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.push_back((again, error.to_owned()));
            return None;
        }
        let command = known.as_ref().map(|known| &known.command);
        let (decision, opens) = command.map_or((None, None), |it| (it.decision, it.action.way()));
        let point = command.map_or("command", |command| point(&command.action));
        let why = format!("`{point}`: {}: {error}", Why::Reported);
        self.say(device, decision, (Why::Reported, &why));
        Some(Happening::CommandFailed(Box::new(CommandFailed {
            command: known.as_ref().map_or(id, OnItsWay::first),
            decision,
            opens,
            why,
            may_have_acted: Why::Reported.may_have_acted(),
            reported: true,
        })))
    }

    /// A command failed; `place` and `detail` say at which address, and what the device said.
    pub(crate) fn failed(&self, command: &Command, why: Why, place: &str, detail: &str) {
        let known = self.forget(&command.device, command.id);
        let known = known.unwrap_or_else(|| OnItsWay::of(command.clone(), false));
        self.end(known, why, (place, detail));
    }

    /// A command of this id failed, of which only that is known.
    pub(crate) fn failed_by_id(&self, device: &DeviceId, id: CommandId, why: Why) {
        if let Some(known) = self.forget(device, id) {
            self.end(known, why, ("", ""));
        }
    }

    /// Ends what was not confirmed within its time.
    pub(crate) fn end_unconfirmed(&self, now: Timestamp) {
        let late = {
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            let is_late = |known: &OnItsWay| known.confirms && !known.command.is_fresh(now);
            let (late, rest): (VecDeque<_>, VecDeque<_>) = sent.drain(..).partition(is_late);
            *sent = rest;
            late
        };
        late.into_iter().for_each(|known| self.end(known, Why::Unconfirmed, ("", "")));
    }

    fn end(&self, known: OnItsWay, why: Why, (place, detail): (&str, &str)) {
        let first = known.first();
        let Command { device, decision, action, .. } = known.command;
        let (opens, point) = (action.way(), point(&action));
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        let text = format!("`{point}`{place}: {why}{detail}");
        self.say(&device, decision, (why, &text));
        let failed = CommandFailed {
            command: first,
            decision,
            opens,
            why: text,
            may_have_acted: why.may_have_acted(),
            reported: false,
        };
        let happening = Happening::CommandFailed(Box::new(failed));
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let input = stamp.event(&device, happening);
        drop(stamp);
        if !self.inlet.put_or_drop(Arrival { input, ack: Ack::none() }) {
            tracing::error!(%device, "a failure of a command found no place in the loop");
        }
    }

    fn say(&self, device: &DeviceId, decision: Option<DecisionId>, (why, text): (Why, &str)) {
        counter!("kari_device_commands_failed_total", "why" => why.name()).increment(1);
        let cause = format!("{device} {}", why.name());
        let Some(more) = self.said.happened(&cause, Instant::now()) else { return };
        let decision = decision.map(|id| id.to_string()).unwrap_or_default();
        tracing::error!(%device, decision, more, "a command failed: {text}");
    }
}
