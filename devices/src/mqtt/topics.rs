//! The tree of topics: `homie/5/<device>/<node>/<property>`.

use domain::{
    event::{Direction, HealthItem},
    ids::DeviceId,
};

/// What a device's topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// An event: a credential was read at the reader of this side.
    Read(Direction),
    /// An event: something about a passage.
    Passage,
    /// An event: what became of a command.
    Result,
    /// A state: the gate's mode.
    Mode,
    /// A state: the life-safety input.
    Fire,
    /// A state: the device's health.
    Health(HealthItem),
    /// A state: Homie's `$state`, `lost` by the last will.
    State,
    /// A command of ours.
    Command,
}

impl Part {
    /// Whether it is state, which may be retained, or an event, which may not.
    pub(crate) const fn is_state(self) -> bool {
        !matches!(self, Self::Read(_) | Self::Passage | Self::Result)
    }
}

/// Device and part of a topic; `None` for topics that we do not read.
pub(crate) fn parse(topic: &str) -> Option<(&str, Part)> {
    let (device, rest) = topic.strip_prefix("homie/5/")?.split_once('/')?;
    let part = match rest {
        "reader-in/uid" => Part::Read(Direction::Entry),
        "reader-out/uid" => Part::Read(Direction::Exit),
        "gate/passage" => Part::Passage,
        RESULT => Part::Result,
        "gate/mode" => Part::Mode,
        "safety/fire" => Part::Fire,
        "health/tamper" => Part::Health(HealthItem::Tamper),
        "health/battery" => Part::Health(HealthItem::Battery),
        "health/power" => Part::Health(HealthItem::Power),
        "$state" => Part::State,
        _ if rest.ends_with("/set") => Part::Command,
        _ => return None,
    };
    Some((device, part))
}

/// The device of a topic that nobody reads, where it is one of an event: a property of a node.
pub(crate) fn device(topic: &str) -> Option<&str> {
    let (device, rest) = topic.strip_prefix("homie/5/")?.split_once('/')?;
    let own = rest.contains('/') && !rest.contains('$');
    own.then_some(device)
}

/// The topic of a device's `node/property`.
pub(crate) fn of(device: &DeviceId, rest: &str) -> String {
    format!("homie/5/{device}/{rest}")
}

/// Where a read of this side is told.
pub(crate) const fn reader(direction: Direction) -> &'static str {
    match direction {
        Direction::Entry => "reader-in/uid",
        Direction::Exit => "reader-out/uid",
    }
}

/// The command that lets one person through.
pub(crate) const OPEN: &str = "gate/open/set";
/// The command that says how the gate stands without its supply.
pub(crate) const FAIL_MODE: &str = "gate/fail-mode/set";
/// Where a collector is told to keep a band.
pub(crate) const CAPTURE: &str = "collector/capture/set";
/// Where a device says what became of a command.
pub(crate) const RESULT: &str = "gate/result";
/// The command that shows an answer.
pub(crate) const INDICATE: &str = "gate/indicate/set";
/// The command that sets the mode: `panic` frees the way out, `controlled` ends that.
pub(crate) const MODE: &str = "gate/mode/set";
/// What everybody but the fire road listens to, of all devices.
pub(crate) const EVENTS: [&str; 4] =
    ["homie/5/+/+/uid", "homie/5/+/gate/+", "homie/5/+/health/+", "homie/5/+/$state"];
/// Commands: a retained one is found and cleared.
pub(crate) const COMMANDS: &str = "homie/5/+/gate/+/set";
/// What the fire road listens to.
pub(crate) const FIRE: &str = "homie/5/+/safety/fire";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read() {
        let cases = [
            ("homie/5/gate-1/reader-in/uid", Some(("gate-1", Part::Read(Direction::Entry)))),
            ("homie/5/gate-1/reader-out/uid", Some(("gate-1", Part::Read(Direction::Exit)))),
            ("homie/5/gate-1/gate/passage", Some(("gate-1", Part::Passage))),
            ("homie/5/gate-1/safety/fire", Some(("gate-1", Part::Fire))),
            ("homie/5/gate-1/health/power", Some(("gate-1", Part::Health(HealthItem::Power)))),
            ("homie/5/gate-1/$state", Some(("gate-1", Part::State))),
            ("homie/5/gate-1/gate/open/set", Some(("gate-1", Part::Command))),
            ("homie/5/gate-1/$description", None),
            ("homie/5/gate-1", None),
            ("homie/4/gate-1/gate/passage", None),
            ("", None),
        ];
        for (topic, expected) in cases {
            assert_eq!(parse(topic), expected, "{topic}");
        }
    }
}
