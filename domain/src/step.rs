//! One input, one step: the only place where a site's state changes.

use std::sync::Arc;

use crate::{
    clock::Settled,
    event::{DeviceEvent, Direction, Happening},
    facts::Policy,
    ids::DeviceId,
    order::What,
    reasons::Condition,
    rows::{DeviceState, MarkKey, Taken},
    scope::{ParamTable, Place},
    state::{Answer, Batch, Entry, Input, Noted, RuleSetNews, State},
    time::{Span, Timestamp},
};

/// Boots of one device whose messages are still told apart (our choice).
const BOOTS_KEPT: usize = 4;

/// Takes one input: its effects go into the overlay of `state` and into `batch`.
///
/// `now` is the daemon's time. One input uses one `policy` from start to end.
pub fn step(
    state: &mut State,
    batch: &mut Batch,
    input: Input,
    now: Timestamp,
    policy: &dyn Policy,
) -> Answer {
    let answered = matches!(input, Input::Unanswered(_));
    let signed = matches!(input, Input::SignedOrder { .. } | Input::Confirm { .. });
    let values = state.values(policy);
    let mut step = Step { state, batch, policy, values, now, answered, signed };
    match input {
        Input::Device(event) | Input::Unanswered(event) => step.device(event),
        Input::Import(rows) => return step.import(rows),
        Input::ImportLook(look) => return step.import_look(look),
        Input::RuleSet(news) => step.rule_set(news),
        Input::SignedOrder { terminal, order, pin, key } => {
            return step.signed_order(terminal, (*order, &pin), key);
        }
        Input::Confirm { terminal, ordered_at, decision, operator, pin } => {
            let places = (&terminal, &ordered_at);
            return step.signed_confirmation(places, decision, (&operator, &pin));
        }
        Input::Waits { ordered_at } => return step.waits_for_second(&ordered_at),
        Input::ClockStepped { by } => step.clock_stepped(by),
        Input::Terminal { terminal, state } => step.terminal(terminal, state),
        Input::PhotoChecked { waiting, same } => step.photo_checked(&waiting, same),
        Input::Payment(payment) => return step.payment(payment),
        Input::Unreadable { device, why } => step.unreadable(device, why),
        Input::RecordsMissing { why } => step.condition(Condition::AuditGap, why),
        Input::Pseudonymise => step.pseudonymise(),
        Input::Tick => step.close_expired(now),
    }
    Answer::Taken
}

/// One step, with everything that it may use.
pub(crate) struct Step<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) batch: &'a mut Batch,
    pub(crate) policy: &'a dyn Policy,
    /// The values in force for this input from start to end.
    pub(crate) values: Arc<ParamTable>,
    pub(crate) now: Timestamp,
    /// Whether the device has its answer already, by the road for a store that stands still.
    pub(crate) answered: bool,
    /// Whether somebody signed it at a terminal, which is heard of therefore.
    pub(crate) signed: bool,
}

/// A message of a device, once its time and its source are settled.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) device: DeviceId,
    /// Boot and sequence of the device's message, if it was a message.
    pub(crate) source: Option<(u64, u64)>,
    /// The instant that it counts for.
    pub(crate) at: Timestamp,
    pub(crate) received: Timestamp,
    /// How old it was when it came; nothing where nobody knows.
    pub(crate) age: Option<Span>,
}

impl Message {
    /// Something that happens at `at`, here and not at a device.
    pub(crate) const fn of(device: DeviceId, source: Option<(u64, u64)>, at: Timestamp) -> Self {
        Self { device, source, at, received: at, age: Some(Span(0)) }
    }
}

impl Step<'_> {
    fn device(&mut self, event: DeviceEvent) {
        if event.happening.is_counted() && !self.take(&event) {
            return;
        }
        let was_off = self.clock_is_off(&event.device);
        let Settled { at, age, clock } = self.settle_time(&event);
        let (source, received) = (Some((event.boot, event.seq)), event.received);
        let message = Message { device: event.device.clone(), source, at, received, age };
        if let Some(told) = event.device_time.filter(|_| clock.is_off() && !was_off) {
            self.note_clock(told, &message);
        }
        // A device that is a little ahead ends nobody's grant early.
        self.close_expired(at.min(self.now));
        match event.happening {
            Happening::CredentialRead { direction, uid, pin } => {
                self.request(&message, direction, uid, pin);
            }
            // What was sold is on record; no device tells it.
            Happening::Order(order)
                if matches!(
                    order.what,
                    What::Void { .. } | What::Return { .. } | What::Correct { .. }
                ) =>
            {
                let why = "what is on record is taken back at a desk, not by a device".to_owned();
                self.unreadable(message.device, why);
            }
            Happening::Order(order) => {
                self.order_answered(&message, *order, None);
            }
            Happening::LockerRequest { locker, uid, opens } => {
                self.locker_request(&message, (locker, uid), opens);
            }
            Happening::LockerState { locker, state } => {
                self.locker_state(&message, &locker, state);
            }
            Happening::Collected { uid } => self.collected(&message, &uid),
            Happening::PassageMade { direction, decision } => {
                self.passage(&message, direction, decision)
            }
            Happening::PassageAborted { direction, decision } => {
                self.aborted(&message, direction, decision);
            }
            Happening::PassageUnexpected { direction } => self.unexpected(&message, direction),
            Happening::ModeChanged { mode } => {
                self.device_state(&message.device, |known| known.mode = Some(mode));
            }
            Happening::FireInput { active } => self.fire_input(&message, active),
            Happening::Health { what, value } => self.health(&message, what, value),
            Happening::Door { open } => self.door(&message, open),
            Happening::DoorForced => {
                self.note(&message, Condition::ForcedOpen, String::new());
            }
            Happening::CommandFailed(failed) => self.command_failed(&message, *failed),
            Happening::Presence { online } => self.device_presence(&message, online),
        }
    }

    /// Whether the message takes effect: it is the first time that it is seen. Where its sequence
    /// tells nothing, and it is nothing that a new link brings again, the journal says so, and only
    /// a read on the way out is answered: nobody stays in because a device counts wrongly.
    fn take(&mut self, event: &DeviceEvent) -> bool {
        let DeviceEvent { device, boot, seq, happening, .. } = event;
        let (boot, seq) = (*boot, *seq);
        let key = MarkKey { device: device.clone(), boot };
        let marks = &mut self.state.tables.marks;
        let known = marks.read(&key).copied();
        let mark = known.unwrap_or_default();
        let why = match mark.take(seq) {
            Taken::New(next) => {
                marks.put(key, next);
                if known.is_none() {
                    self.forget_old_boots(device, boot);
                }
                return true;
            }
            Taken::Before => return false,
            // Messages of a device are taken in their order, so that those so far below were.
            Taken::Unknown if event.transit.may_repeat() => return false,
            Taken::Unknown => "too far below",
            Taken::Leap => "too far above",
        };
        let high = mark.high;
        let why = format!("sequence {seq} is {why} {high}, so the device counts wrongly");
        self.unreadable(device.clone(), why);
        matches!(happening, Happening::CredentialRead { direction: Direction::Exit, .. })
    }

    fn forget_old_boots(&mut self, device: &DeviceId, current: u64) {
        let key = |boot| MarkKey { device: device.clone(), boot };
        let marks = &mut self.state.tables.marks;
        let boots: Vec<u64> = marks.range(key(0), key(u64::MAX)).map(|(key, _)| key.boot).collect();
        let surplus = boots.len().saturating_sub(BOOTS_KEPT);
        for boot in boots.iter().filter(|boot| **boot != current).take(surplus) {
            marks.remove(key(*boot));
        }
    }

    pub(crate) fn device_state(
        &mut self,
        device: &DeviceId,
        change: impl FnOnce(&mut DeviceState),
    ) -> bool {
        let devices = &mut self.state.tables.devices;
        let known = devices.read(device).copied().unwrap_or_default();
        let mut next = known;
        change(&mut next);
        if next == known && devices.peek(device).is_some() {
            return false;
        }
        devices.put(device.clone(), next);
        true
    }

    fn device_presence(&mut self, message: &Message, online: bool) {
        if self.device_state(&message.device, |known| {
            (known.online, known.gone) = (online, !online);
        }) {
            let condition = if online { Condition::DeviceOnline } else { Condition::DeviceOffline };
            self.note(message, condition, String::new());
            if online {
                self.tell_fail_mode(&message.device);
            }
        }
    }

    pub(crate) fn unreadable(&mut self, device: DeviceId, why: String) {
        let condition = Condition::MessageRefused;
        let noted = Noted::Condition { condition, decision: None, direction: None, detail: why };
        let entry = Entry { at: self.now, device: Some(device), source: None, noted };
        self.batch.journal.push(entry);
    }

    fn rule_set(&mut self, news: RuleSetNews) {
        let noted = match news {
            RuleSetNews::Live { hash, texts } => {
                self.batch.rule_sets.push((hash.clone(), texts));
                Noted::RuleSetLive { hash }
            }
            RuleSetNews::Restored { hash } => Noted::RuleSetLive { hash },
            RuleSetNews::Refused { message } => {
                let first = message.lines().next().unwrap_or_default().to_owned();
                self.condition(Condition::RulesDegraded, first);
                Noted::RuleSetRefused { message }
            }
        };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
    }

    /// Writes a condition of the site itself into the journal.
    pub(crate) fn condition(&mut self, condition: Condition, detail: String) {
        let noted = Noted::Condition { condition, decision: None, direction: None, detail };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
    }

    /// Writes a condition of a device into the journal.
    pub(crate) fn note(&mut self, message: &Message, condition: Condition, detail: String) {
        let noted = Noted::Condition { condition, decision: None, direction: None, detail };
        self.journal(message, noted);
    }

    /// Writes a line of a device into the journal.
    pub(crate) fn journal(&mut self, message: &Message, noted: Noted) {
        self.batch.journal.push(Entry {
            at: message.at,
            device: Some(message.device.clone()),
            source: message.source,
            noted,
        });
    }

    /// The value of a parameter that depends on the place alone.
    pub(crate) fn at_place(
        &self,
        param: crate::params::Param,
        place: &Place<'_>,
    ) -> crate::params::Value {
        self.values.resolve(param, place).value
    }
}
