//! What is known of devices, and of their clocks.

use serde::{Deserialize, Serialize};

use crate::{
    event::GateMode,
    time::{Span, Timestamp},
};

/// No message waits longer than this on its way to us (our choice).
const LATE_MAX: Span = Span::seconds(86_400);

/// What is known of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Whether it can be spoken to.
    pub online: bool,
    /// The mode that it reports, if it does.
    pub mode: Option<GateMode>,
    /// Whether its life-safety input is active.
    pub fire: bool,
    /// Whether it went: it said so, or its last will did. A device that nobody heard of is not
    /// gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// Whether its housing is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tampered: bool,
    /// Whether it lost its supply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpowered: bool,
    /// Whether its battery is low.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub battery_low: bool,
    /// What its messages say of its clock.
    #[serde(default, skip_serializing_if = "DeviceClock::is_unknown")]
    pub clock: DeviceClock,
    /// When its door, which stands open, raises the alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_at: Option<Timestamp>,
    /// Reads of strangers on the way in that wait for their line of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strangers_in: Option<StrangersCounted>,
    /// The same on the way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strangers_out: Option<StrangersCounted>,
}

/// Reads of strangers within one minute that get one line of the journal at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrangersCounted {
    /// When the minute ends.
    pub until: Timestamp,
    /// How many.
    pub count: u64,
    /// The device's own number of the first.
    pub first: u64,
    /// The run of the device that the last was made in, and its number there.
    pub last: Option<(u64, u64)>,
}

/// What a device's messages say of its clock. How late a message is: how much earlier than its
/// receipt it says that it was made; below zero where the clock is ahead.
///
/// A row of it changes only when the answer does, so an ordinary message costs no write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClock {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It is within what a clock may be off.
    Right,
    /// A message that did not wait on its way was late: the device kept it, or its clock is behind.
    Doubted {
        /// How late.
        late: Span,
        /// When it came.
        received: Timestamp,
    },
    /// It is off by more than may be.
    Off {
        /// How late a message is that did not wait; nothing where all may have waited.
        late: Option<Span>,
    },
}

/// A message as far as it says something of its device's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dated {
    /// When the device says that it was made.
    pub(crate) told: Timestamp,
    /// When it came.
    pub(crate) received: Timestamp,
    /// Whether it may have waited on its way.
    pub(crate) may_have_waited: bool,
    /// Whether it asks for the way out, where a doubt counts for whoever stands there.
    pub(crate) exit: bool,
}

impl Dated {
    /// How late it is by its own time.
    pub(crate) const fn late(&self) -> Span {
        self.received.since(self.told)
    }
}

impl DeviceClock {
    /// Whether nothing is known of it.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether it is off by more than may be.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        matches!(self, Self::Off { .. })
    }

    /// What is known of the clock after `message`, where it may be off by `drift`.
    ///
    /// A time that is ahead, or more than a day behind, no message explains that waited. One that
    /// is behind by less is the clock's where nothing on the way keeps messages: at an exit at
    /// once, as somebody stands there; elsewhere when two messages that came some time
    /// apart are equally late, which is not how a device sends what it kept.
    pub(crate) fn after(self, message: &Dated, drift: Span) -> Self {
        let late = message.late();
        if late.0.abs() <= drift.0 {
            return Self::Right;
        }
        if late.0 < 0 || late > LATE_MAX {
            return self.off(late, message.may_have_waited, drift);
        }
        if message.may_have_waited {
            return self;
        }
        match self {
            Self::Off { .. } => self.off(late, false, drift),
            _ if message.exit => Self::Off { late: Some(late) },
            Self::Doubted { late: before, received } if is_near(before, late, drift) => {
                if message.received.since(received) > drift {
                    Self::Off { late: Some(late) }
                } else {
                    self
                }
            }
            _ => Self::Doubted { late, received: message.received },
        }
    }

    /// It is off, and one more message says by how much. The least late one waited least.
    const fn off(self, late: Span, may_have_waited: bool, drift: Span) -> Self {
        match self {
            Self::Off { late: Some(known) } if late.0 >= known.0 - drift.0 => self,
            _ if may_have_waited => match self {
                Self::Off { .. } => self,
                _ => Self::Off { late: None },
            },
            _ => Self::Off { late: Some(late) },
        }
    }

    /// How old `message` is by the device's own time, as its clock was known before it; nothing
    /// where nobody knows.
    pub(crate) fn age(self, message: &Dated, drift: Span) -> Option<Span> {
        match self {
            Self::Off { late } => {
                let age = Span(message.late().0 - late?.0);
                (age.0 >= -drift.0).then_some(age)
            }
            _ => Some(message.late()).filter(|late| late.0 >= -drift.0),
        }
    }

    /// Our own clock was set by so much.
    pub(crate) const fn stepped(self, by: Span) -> Self {
        match self {
            Self::Doubted { late, received } => Self::Doubted {
                late: Span(late.0.saturating_add(by.0)),
                received: received.plus(by),
            },
            Self::Off { late: Some(late) } => {
                Self::Off { late: Some(Span(late.0.saturating_add(by.0))) }
            }
            _ => self,
        }
    }
}

/// Whether two messages are equally late, as far as a clock may be off.
const fn is_near(one: Span, other: Span, drift: Span) -> bool {
    one.0.abs_diff(other.0) <= drift.0.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIFT: Span = Span::seconds(5);

    /// A message that is `late` and comes at `received`, both in seconds.
    fn message(late: i64, received: i64) -> Dated {
        let received = Timestamp::from_millis(1_700_000_000_000).plus(Span::seconds(received));
        let told = received.minus(Span::seconds(late));
        Dated { told, received, may_have_waited: false, exit: false }
    }

    fn waited(late: i64, received: i64) -> Dated {
        Dated { may_have_waited: true, ..message(late, received) }
    }

    fn after(messages: &[Dated]) -> DeviceClock {
        messages.iter().fold(DeviceClock::Unknown, |known, one| known.after(one, DRIFT))
    }

    const fn off(late: i64) -> DeviceClock {
        DeviceClock::Off { late: Some(Span::seconds(late)) }
    }

    #[test]
    fn a_clock_that_is_ahead_is_off_at_once_and_one_behind_when_a_second_message_says_so() {
        assert_eq!(after(&[message(-6, 0)]), off(-6));
        assert_eq!(after(&[message(-5, 0)]), DeviceClock::Right);
        assert!(!after(&[message(15, 0)]).is_off());
        assert_eq!(after(&[message(15, 0), message(16, 6)]), off(16));
        assert_eq!(after(&[message(15, 0), message(16, 6), message(1, 9)]), DeviceClock::Right);
    }

    #[test]
    fn what_a_device_kept_and_sends_at_once_says_nothing_of_its_clock() {
        assert!(!after(&[message(40, 0), message(38, 1), message(36, 2)]).is_off());
        assert!(!after(&[message(60, 0), message(30, 20), message(10, 40)]).is_off());
        assert!(!after(&[waited(15, 0), waited(15, 60)]).is_off());
    }

    #[test]
    fn an_exit_puts_the_blame_on_the_clock_at_once() {
        let exit = |late, received| Dated { exit: true, ..message(late, received) };
        assert_eq!(after(&[exit(15, 0)]), off(15));
        assert_eq!(after(&[message(0, 0), exit(15, 60), exit(18, 70)]), off(15));
        let kept = Dated { may_have_waited: true, ..exit(15, 60) };
        assert!(!after(&[kept]).is_off());
    }

    #[test]
    fn age_is_reckoned_against_what_the_clock_is_off_by() {
        let age = |known: DeviceClock, late| known.age(&waited(late, 100), DRIFT);
        assert_eq!(age(off(15), 18), Some(Span::seconds(3)));
        assert_eq!(age(off(-20), 10), Some(Span::seconds(30)), "ahead, and it waited");
        assert_eq!(age(off(15), 0), None, "it was set meanwhile");
        assert_eq!(age(DeviceClock::Off { late: None }, 0), None);
        assert_eq!(age(DeviceClock::Unknown, 30), Some(Span::seconds(30)));
        assert_eq!(age(DeviceClock::Unknown, -6), None);
    }

    #[test]
    fn the_message_that_waited_least_says_what_the_clock_is_off_by() {
        let known = after(&[waited(-20, 0), message(-21, 5), message(-10, 9), message(-40, 12)]);
        assert_eq!(known, off(-40));
        assert_eq!(off(15).stepped(Span::seconds(-3600)), off(15 - 3600));
    }
}
