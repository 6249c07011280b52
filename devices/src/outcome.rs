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
    ids::{CommandId, DecisionId, DeviceId},
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
    id: CommandId,
    device: DeviceId,
    decision: Option<DecisionId>,
    opens: Option<Direction>,
    point: &'static str,
    /// The last instant at which it may take effect, where its device confirms what it does.
    confirmed_by: Option<Timestamp>,
}

/// Where failures of commands go.
pub(crate) struct Failures {
    inlet: Sender,
    stamp: Mutex<Stamp>,
    said: Seldom,
    sent: Mutex<VecDeque<OnItsWay>>,
}

impl Failures {
    /// Failures go to the loop by `inlet`, as events that `stamp` numbers.
    pub(crate) fn new(inlet: Sender, stamp: Stamp) -> Self {
        let (stamp, sent) = (Mutex::new(stamp), Mutex::new(VecDeque::new()));
        Self { inlet, stamp, said: Seldom::new(SAID), sent }
    }

    /// Remembers a command, so that its device's answer finds the decision behind it; `confirms`:
    /// the device answers each.
    pub(crate) fn remember(&self, command: &Command, confirms: bool) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(OnItsWay {
            id: command.id,
            device: command.device.clone(),
            decision: command.decision,
            opens: command.action.way(),
            point: point(&command.action),
            confirmed_by: confirms.then(|| command.issued.plus(command.ttl)),
        });
    }

    /// Forgets a command, and returns what was remembered of it.
    fn forget(&self, device: &DeviceId, id: CommandId) -> Option<OnItsWay> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let place = sent.iter().position(|known| known.id == id && known.device == *device)?;
        sent.remove(place)
    }

    /// Its device confirms a command.
    pub(crate) fn confirmed(&self, device: &DeviceId, id: CommandId) {
        self.forget(device, id);
    }

    /// What a device reports of a command that failed, as something that happened.
    pub(crate) fn reported(&self, device: &DeviceId, id: CommandId, error: &str) -> Happening {
        let known = self.forget(device, id);
        let (decision, opens) = known.as_ref().map_or((None, None), |it| (it.decision, it.opens));
        let point = known.as_ref().map_or("command", |known| known.point);
        let why = format!("`{point}`: {}: {error}", Why::Reported);
        self.say(device, decision, (Why::Reported, &why));
        Happening::CommandFailed(Box::new(CommandFailed {
            command: id,
            decision,
            opens,
            why,
            may_have_acted: Why::Reported.may_have_acted(),
            reported: true,
        }))
    }

    /// A command failed; `place` and `detail` say at which address, and what the device said.
    pub(crate) fn failed(&self, command: &Command, why: Why, place: &str, detail: &str) {
        self.forget(&command.device, command.id);
        let known = OnItsWay {
            id: command.id,
            device: command.device.clone(),
            decision: command.decision,
            opens: command.action.way(),
            point: point(&command.action),
            confirmed_by: None,
        };
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
            let is_late = |known: &OnItsWay| known.confirmed_by.is_some_and(|by| by < now);
            let (late, rest): (VecDeque<_>, VecDeque<_>) = sent.drain(..).partition(is_late);
            *sent = rest;
            late
        };
        late.into_iter().for_each(|known| self.end(known, Why::Unconfirmed, ("", "")));
    }

    fn end(&self, known: OnItsWay, why: Why, (place, detail): (&str, &str)) {
        let OnItsWay { id, device, decision, opens, point, .. } = known;
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        let text = format!("`{point}`{place}: {why}{detail}");
        self.say(&device, decision, (why, &text));
        let failed = CommandFailed {
            command: id,
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
