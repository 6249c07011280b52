//! From a command to a message. Commands are never retained and always expire.

use bytes::Bytes;
use domain::{
    command::{Action, Command},
    event::Direction,
    ids::{CommandId, DecisionId, DeviceId},
    money::Money,
    reasons::Reason,
    time::Timestamp,
    verdict::Outcome,
};
use rumqttc::v5::mqttbytes::QoS;
use serde::{Deserialize, Serialize};

use super::topics;
use crate::profile::MqttProfile;

/// One message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: QoS,
    /// Seconds after which the broker forgets it.
    pub(crate) expiry: u32,
}

/// `gate/open/set`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) v: u32,
    pub(crate) cmd_id: CommandId,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) direction: Direction,
    /// UTC milliseconds.
    pub(crate) issued: i64,
    pub(crate) ttl_ms: i64,
    pub(crate) epoch: u64,
    /// How long the gate waits for the passage.
    pub(crate) passage_timeout_ms: i64,
}

/// `collector/capture/set`.
#[derive(Debug, Serialize)]
struct Capture {
    v: u32,
    cmd_id: CommandId,
    decision: Option<DecisionId>,
    issued: i64,
    ttl_ms: i64,
    epoch: u64,
}

/// `gate/fail-mode/set`.
#[derive(Debug, Serialize)]
struct FailMode {
    v: u32,
    cmd_id: CommandId,
    entry_secure: bool,
    /// Never: an exit is free without power.
    exit_secure: bool,
}

/// What a gate shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    /// What was decided.
    Decided(Outcome),
    /// That it is not decided yet.
    Waits(Waits),
}

/// The word for a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Waits {
    #[serde(rename = "wait")]
    Wait,
}

/// `gate/indicate/set`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Indicate {
    pub(crate) v: u32,
    pub(crate) cmd_id: CommandId,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) direction: Direction,
    pub(crate) outcome: Shown,
    /// What was decided for, where the display may show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// The amount in minor units, where the display may show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Money>,
    pub(crate) issued: i64,
    pub(crate) ttl_ms: i64,
}

/// The message of `command`; `None` where the device has nothing that could obey it.
pub(crate) fn encode(command: &Command, profile: MqttProfile) -> Option<Message> {
    let (rest, payload, qos) = match command.action {
        Action::OpenOnce { direction, passage_timeout } => {
            let open = Open {
                v: 1,
                cmd_id: command.id,
                decision: command.decision,
                direction,
                issued: command.issued.millis(),
                ttl_ms: command.ttl.whole_millis(),
                epoch: command.epoch,
                passage_timeout_ms: passage_timeout.whole_millis(),
            };
            let once = if profile.drops_repeats { QoS::AtLeastOnce } else { QoS::AtMostOnce };
            (topics::OPEN, serde_json::to_vec(&open).ok()?, once)
        }
        Action::Indicate { direction, outcome, reason, amount } => {
            indicate(command, profile, direction, (Shown::Decided(outcome), reason, amount))?
        }
        Action::FailMode { entry_secure } => {
            let mode = FailMode { v: 1, cmd_id: command.id, entry_secure, exit_secure: false };
            (topics::FAIL_MODE, serde_json::to_vec(&mode).ok()?, QoS::AtLeastOnce)
        }
        Action::Wait { direction, .. } => {
            indicate(command, profile, direction, (Shown::Waits(Waits::Wait), None, None))?
        }
        Action::Capture if profile.collector => {
            let capture = Capture {
                v: 1,
                cmd_id: command.id,
                decision: command.decision,
                issued: command.issued.millis(),
                ttl_ms: command.ttl.whole_millis(),
                epoch: command.epoch,
            };
            (topics::CAPTURE, serde_json::to_vec(&capture).ok()?, QoS::AtLeastOnce)
        }
        // No profile drives locks, and tills are answered through the API.
        Action::Capture
        | Action::Till { .. }
        | Action::LockerUnlock { .. }
        | Action::LockerLock { .. }
        | Action::LockerRefuse { .. } => {
            return None;
        }
    };
    let seconds = command.ttl.0.saturating_add(999_999) / 1_000_000;
    Some(Message {
        topic: topics::of(&command.device, rest),
        payload: payload.into(),
        qos,
        expiry: u32::try_from(seconds).unwrap_or(1).max(1),
    })
}

/// The message that shows something at a gate.
fn indicate(
    command: &Command,
    profile: MqttProfile,
    direction: Direction,
    (outcome, reason, amount): (Shown, Option<Reason>, Option<Money>),
) -> Option<(&'static str, Vec<u8>, QoS)> {
    if !profile.indicator {
        return None;
    }
    let indicate = Indicate {
        v: 1,
        cmd_id: command.id,
        decision: command.decision,
        direction,
        outcome,
        reason,
        amount,
        issued: command.issued.millis(),
        ttl_ms: command.ttl.whole_millis(),
    };
    Some((topics::INDICATE, serde_json::to_vec(&indicate).ok()?, QoS::AtLeastOnce))
}

/// Whether a command that was on its way when the connection broke may still be sent at `now`.
pub(crate) fn is_fresh(topic: &[u8], payload: &[u8], now: Timestamp) -> bool {
    #[derive(Deserialize)]
    struct Life {
        issued: i64,
        ttl_ms: i64,
    }
    if !topic.ends_with(b"/set") || payload.is_empty() {
        return false;
    }
    if topic.ends_with(topics::MODE.as_bytes()) {
        return true;
    }
    serde_json::from_slice::<Life>(payload)
        .is_ok_and(|life| now.millis() <= life.issued.saturating_add(life.ttl_ms))
}

/// The device and the id of the command that a message carries, where it moves something.
pub(crate) fn command_of(topic: &str, payload: &[u8]) -> Option<(DeviceId, CommandId)> {
    #[derive(Deserialize)]
    struct Id {
        cmd_id: CommandId,
    }
    let (device, rest) = topic.strip_prefix("homie/5/")?.split_once('/')?;
    if rest != topics::OPEN && rest != topics::CAPTURE {
        return None;
    }
    let id: Id = serde_json::from_slice(payload).ok()?;
    Some((DeviceId::from(device), id.cmd_id))
}

#[cfg(test)]
mod tests {
    use domain::time::Span;

    use super::*;

    const PLAIN: MqttProfile =
        MqttProfile { drops_repeats: true, indicator: true, collector: false, results: false };

    fn command(action: Action) -> Command {
        Command {
            id: "0190a5c0-0000-7000-8000-000000000002".parse().unwrap(),
            device: "gate-1".into(),
            decision: Some("0190a5c0-0000-7000-8000-000000000001".parse().unwrap()),
            issued: Timestamp::from_millis(1_700_000_000_000),
            ttl: Span::millis(4_500),
            epoch: 3,
            action,
        }
    }

    fn open() -> Command {
        let direction = Direction::Entry;
        command(Action::OpenOnce { direction, passage_timeout: Span::seconds(5) })
    }

    #[test]
    fn an_opening_command_is_what_the_profile_says() {
        let message = encode(&open(), PLAIN).unwrap();
        assert_eq!(message.topic, "homie/5/gate-1/gate/open/set");
        let expected = concat!(
            r#"{"v":1,"cmd_id":"0190a5c0-0000-7000-8000-000000000002","#,
            r#""decision":"0190a5c0-0000-7000-8000-000000000001","direction":"entry","#,
            r#""issued":1700000000000,"ttl_ms":4500,"epoch":3,"passage_timeout_ms":5000}"#
        );
        assert_eq!(message.payload, expected);
        assert_eq!((message.qos, message.expiry), (QoS::AtLeastOnce, 5));
    }

    #[test]
    fn a_device_that_does_not_drop_repeats_gets_opening_commands_once() {
        let careless = MqttProfile { drops_repeats: false, ..PLAIN };
        assert_eq!(encode(&open(), careless).unwrap().qos, QoS::AtMostOnce);
    }

    #[test]
    fn a_device_without_a_lamp_gets_no_answers() {
        let answer = command(Action::Indicate {
            direction: Direction::Exit,
            outcome: Outcome::Deny,
            reason: Some(Reason::CredentialUnknown),
            amount: None,
        });
        assert_eq!(encode(&answer, MqttProfile { indicator: false, ..PLAIN }), None);
        let message = encode(&answer, PLAIN).unwrap();
        let text = std::str::from_utf8(&message.payload).unwrap();
        assert!(text.contains(r#""outcome":"deny","reason":"CREDENTIAL_UNKNOWN""#), "{text}");
    }

    #[test]
    fn only_a_device_with_a_collector_is_told_to_keep_a_band() {
        let capture = command(Action::Capture);
        assert_eq!(encode(&capture, PLAIN), None);
        let told = encode(&capture, MqttProfile { collector: true, ..PLAIN }).unwrap();
        assert_eq!(told.topic, "homie/5/gate-1/collector/capture/set");
        assert_eq!((told.qos, told.expiry), (QoS::AtLeastOnce, 5));
        let body: serde_json::Value = serde_json::from_slice(&told.payload).unwrap();
        assert_eq!(body["cmd_id"], serde_json::to_value(capture.id).unwrap());
    }

    #[test]
    fn what_was_on_its_way_is_sent_again_only_while_fresh() {
        let message = encode(&open(), PLAIN).unwrap();
        let topic = message.topic.as_bytes();
        let at = |millis: i64| Timestamp::from_millis(1_700_000_000_000 + millis);
        assert!(is_fresh(topic, &message.payload, at(4_500)));
        assert!(!is_fresh(topic, &message.payload, at(4_501)));
        assert!(is_fresh(b"homie/5/gate-1/gate/mode/set", b"panic", at(0)));
        assert!(!is_fresh(b"kari/kari/canary", b"1", at(0)));
        assert!(!is_fresh(topic, b"", at(0)), "a cleared topic");
    }
}
