//! What devices report of themselves: health, doors, faults that release an exit (parameters 55, 57
//! and 62).

use crate::{
    command::{Action, CommandFailed},
    event::HealthItem,
    expiry::Timer,
    ids::{DeviceId, GroupId},
    params::{DefaultFor, Param},
    reasons::Condition,
    rows::{DeviceState, ReaderKey},
    scope::Place,
    state::{Entry, Noted},
    step::{Message, Step},
    time::Timestamp,
};

/// At or below this charge a battery is low, in percent (general practice).
const BATTERY_LOW: u32 = 20;

impl Step<'_> {
    /// A command took no effect. Where nothing can open any more, what was promised with it ends at
    /// once: whoever stood there gets seat and money back, also what was booked at the grant, and
    /// may read again.
    pub(crate) fn command_failed(&mut self, message: &Message, failed: CommandFailed) {
        let CommandFailed { decision, opens, why, may_have_acted, .. } = failed;
        let condition = Condition::CommandFailed;
        let noted = Noted::Condition { condition, decision, direction: opens, detail: why };
        self.journal(message, noted);
        let promised = decision.zip(opens).filter(|_| !may_have_acted);
        let Some((decision, direction)) = promised else { return };
        let device = message.device.clone();
        self.forget_read(&ReaderKey { device, direction }, decision);
        let Some((key, _)) = self.of_decision(&message.device, direction, decision) else { return };
        self.lapse(&key, message.at);
        let Some((key, mut row)) = self.of_decision(&message.device, direction, decision) else {
            return;
        };
        if row.undo.is_some() {
            self.undo(&key, &mut row, message.at);
            self.state.tables.reservations.put(key, row);
        }
    }

    pub(crate) fn health(&mut self, message: &Message, what: HealthItem, value: String) {
        let (condition, bad) = match what {
            HealthItem::Tamper => (Condition::Tamper, value == "true"),
            HealthItem::Power => (Condition::PowerLost, value == "false"),
            HealthItem::Battery => {
                let low = value.parse().is_ok_and(|left: u32| left <= BATTERY_LOW);
                (Condition::BatteryLow, low)
            }
        };
        let changed = self.device_state(&message.device, |known| match what {
            HealthItem::Tamper => known.tampered = bad,
            HealthItem::Power => known.unpowered = bad,
            HealthItem::Battery => known.battery_low = bad,
        });
        if bad && changed {
            self.note(message, condition, value);
        }
    }

    /// Whether faults of a gate release its exit for as long as they last (parameter 55): in
    /// category C none does, in B the loss of power, in A practically any.
    pub(crate) fn is_released_by_fault(&self, device: &DeviceId) -> bool {
        let known = self.state.tables.devices.peek(device).copied().unwrap_or_default();
        let place = Place { device: Some(device), ..Place::default() };
        match self.at_place(Param::EmergencyReleaseCategory, &place).word() {
            "A" => known.unpowered || known.tampered || known.battery_low,
            "B" => known.unpowered,
            _ => false,
        }
    }

    /// A gate came: it is told how it stands when it loses power or us (parameter 57). Its exit is
    /// always free then.
    pub(crate) fn tell_fail_mode(&mut self, device: &DeviceId) {
        if !self.state.site.gates.contains_key(device) {
            return;
        }
        let place = Place { device: Some(device), ..Place::default() };
        let entry_secure = self.at_place(Param::GateFailMode, &place).word() == "fail_secure";
        self.command(device.clone(), None, Action::FailMode { entry_secure });
    }

    /// A door was opened or closed; one that stands open for too long raises the alarm.
    pub(crate) fn door(&mut self, message: &Message, open: bool) {
        let known = self.state.tables.devices.peek(&message.device).copied().unwrap_or_default();
        if let Some(due) = known.alarm_at {
            self.state.timers.stop(due, Timer::Door(message.device.clone()));
        }
        let due = open.then(|| message.at.plus(self.held_open_time(&message.device)));
        self.device_state(&message.device, |known| known.alarm_at = due);
        if let Some(due) = due {
            self.state.timers.start(due, Timer::Door(message.device.clone()));
        }
    }

    /// How long a door may stand open: as long as the last one who was let through may need.
    fn held_open_time(&mut self, device: &DeviceId) -> crate::time::Span {
        let tables = &mut self.state.tables;
        let reads = tables.last_reads.iter().filter(|(key, _)| key.device == *device);
        let last = reads.max_by_key(|(_, read)| read.at).map(|(_, read)| read.uid.clone());
        let held = last.and_then(|uid| tables.credentials.read(&uid).cloned());
        let member = held.and_then(|held| tables.members.read(&held.member).cloned());
        let groups: &[GroupId] = member.as_ref().map_or(&[], |member| &member.groups);
        let slow = member.as_ref().is_some_and(|member| member.reduced_mobility);
        let site = &self.state.site;
        let mut classes: Vec<DefaultFor> =
            groups.iter().filter_map(|id| site.groups.get(id).copied()).collect();
        classes.extend(slow.then_some(DefaultFor::ReducedMobility));
        let place = Place { device: Some(device), groups, classes: &classes, ..Place::default() };
        self.at_place(Param::AlarmHeldOpenTime, &place).span()
    }

    /// The door still stands open.
    pub(crate) fn held_open(&mut self, device: &DeviceId, at: Timestamp) {
        self.state.timers.stop(at, Timer::Door(device.clone()));
        self.device_state(device, |known: &mut DeviceState| known.alarm_at = None);
        let noted = Noted::Condition {
            condition: Condition::HeldOpen,
            decision: None,
            direction: None,
            detail: String::new(),
        };
        let device = Some(device.clone());
        self.batch.journal.push(Entry { at, device, source: None, noted });
    }
}
