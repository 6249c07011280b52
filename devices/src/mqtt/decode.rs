//! From a payload to what happened. Nothing here trusts the device.

use std::{borrow::Cow, fmt};

use domain::{
    event::{Direction, GateMode, Happening, HealthItem},
    ids::{CommandId, DecisionId, Uid},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::topics::Part;
use crate::pin::PinKey;

/// The longest payload that is looked at.
pub(crate) const PAYLOAD_BYTES: usize = 4096;
const VALUE_CHARS: usize = 64;
const RESULT_CHARS: usize = 120;
/// The end of the year 9999 in milliseconds.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// What a payload says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// An event with the device's own numbers.
    Event {
        /// Its boot count.
        boot: u64,
        /// Its counter.
        seq: u64,
        /// Its clock.
        at: Option<Timestamp>,
        /// What happened.
        happening: Happening,
    },
    /// What became of a command.
    Result {
        /// Its boot count.
        boot: u64,
        /// Its counter.
        seq: u64,
        /// Its clock.
        at: Option<Timestamp>,
        /// Which command.
        command: CommandId,
        /// What went wrong, if something did.
        error: Option<String>,
    },
    /// A state, which has no number.
    State(Happening),
    /// Nothing that anybody needs to know.
    Nothing,
}

/// Reads the payload of `part`, a code only as its digest under `pins`; the error is for the
/// journal and holds no more than 200 characters.
pub(crate) fn decode(part: Part, payload: &[u8], pins: &PinKey) -> Result<Decoded, String> {
    if payload.len() > PAYLOAD_BYTES {
        return Err(format!("{} bytes are too many; at most {PAYLOAD_BYTES}", payload.len()));
    }
    let decoded = match part {
        Part::Read(direction) => read(direction, payload, pins),
        Part::Passage => passage(payload),
        Part::Result => result(payload),
        Part::Command => Ok(Decoded::Nothing),
        Part::Mode | Part::Fire | Part::Health(_) | Part::State => state(part, text(payload)?),
    };
    decoded.map_err(|why| why.chars().take(200).collect())
}

/// A read. What a device says beyond that is its own affair.
#[derive(Deserialize)]
struct ReadMessage<'a> {
    v: u32,
    boot: u64,
    seq: u64,
    t: Option<i64>,
    #[serde(borrow, deserialize_with = "uid_text")]
    uid: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "pin_text")]
    pin: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct PassageMessage {
    v: u32,
    boot: u64,
    seq: u64,
    t: Option<i64>,
    direction: Direction,
    decision: Option<DecisionId>,
    #[serde(default)]
    kind: PassageKind,
}

/// What a device says became of a command.
#[derive(Deserialize)]
struct ResultMessage {
    v: u32,
    boot: u64,
    seq: u64,
    t: Option<i64>,
    cmd_id: CommandId,
    #[serde(default)]
    ok: Option<bool>,
    #[serde(default)]
    error: Option<String>,
}

fn uid_text<'de, D: Deserializer<'de>>(source: D) -> Result<Cow<'de, str>, D::Error> {
    source.deserialize_any(Quoted("`uid` as text in quotes, such as \"04A2B3\""))
}

/// The value itself is never part of the error: it is a secret.
fn pin_text<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    let text = source.deserialize_any(Quoted("`pin` as text in quotes"))?;
    Ok((!text.is_empty()).then_some(text))
}

/// Takes text alone; whatever else comes is refused with these words.
struct Quoted(&'static str);

impl<'de> Visitor<'de> for Quoted {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(E::custom(format!("true or false, expected {}", self.0)))
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::custom(format!("a number, expected {}", self.0)))
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(format!("a number, expected {}", self.0)))
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(format!("a number, expected {}", self.0)))
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PassageKind {
    #[default]
    Made,
    Aborted,
    Unexpected,
}

fn read(direction: Direction, payload: &[u8], pins: &PinKey) -> Result<Decoded, String> {
    let message: ReadMessage<'_> = from_json(payload)?;
    // Many readers end what they read by CR LF.
    let uid = Uid::read(&message.uid).map_err(|why| format!("`uid`: {why}"))?;
    let pin = message.pin.map(|code| {
        // The code itself is told to nobody, not even in an error.
        pins.digest(uid.as_str(), &code).ok_or("`pin` has 4 to 12 digits")
    });
    let happening = Happening::CredentialRead { direction, uid, pin: pin.transpose()? };
    event(message.v, (message.boot, message.seq), message.t, happening)
}

fn passage(payload: &[u8]) -> Result<Decoded, String> {
    let message: PassageMessage = from_json(payload)?;
    let (direction, decision) = (message.direction, message.decision);
    let happening = match message.kind {
        PassageKind::Made => Happening::PassageMade { direction, decision },
        PassageKind::Aborted => Happening::PassageAborted { direction, decision },
        PassageKind::Unexpected => Happening::PassageUnexpected { direction },
    };
    event(message.v, (message.boot, message.seq), message.t, happening)
}

fn result(payload: &[u8]) -> Result<Decoded, String> {
    let message: ResultMessage = from_json(payload)?;
    let error = match (message.ok, message.error) {
        (Some(true), None) => None,
        (Some(false), None) => Some("no reason given".to_owned()),
        (None | Some(false), Some(error)) => Some(error),
        (None, None) | (Some(true), Some(_)) => {
            return Err("a result must be either `ok` or an `error`".to_owned());
        }
    };
    let error = error.map(|error| {
        let error: String = error.chars().filter(|sign| !sign.is_control()).collect();
        error.chars().take(RESULT_CHARS).collect()
    });
    let (boot, seq, at) = numbers(message.v, (message.boot, message.seq), message.t)?;
    Ok(Decoded::Result { boot, seq, at, command: message.cmd_id, error })
}

/// Reads JSON. What is wrong is said without the value that is wrong: it may be a code.
fn from_json<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| {
        let why = error.to_string();
        let Some((found, expected)) = why.split_once(", expected ") else { return why };
        match found.split_once(": ") {
            Some((what, _)) if what.starts_with("invalid ") => {
                format!("{what}, expected {expected}")
            }
            _ => why,
        }
    })
}

fn event(
    version: u32,
    (boot, seq): (u64, u64),
    millis: Option<i64>,
    happening: Happening,
) -> Result<Decoded, String> {
    let (boot, seq, at) = numbers(version, (boot, seq), millis)?;
    Ok(Decoded::Event { boot, seq, at, happening })
}

/// The numbers that every event carries.
fn numbers(
    version: u32,
    (boot, seq): (u64, u64),
    millis: Option<i64>,
) -> Result<(u64, u64, Option<Timestamp>), String> {
    if version != 1 {
        return Err(format!("version `{version}` is not known; send `v` 1"));
    }
    if i64::try_from(boot).is_err() || i64::try_from(seq).is_err() {
        return Err("`boot` and `seq` have at most 63 bits".to_owned());
    }
    if millis.is_some_and(|millis| !(0..=LAST_MILLIS).contains(&millis)) {
        return Err("`t` is no time in milliseconds since 1970".to_owned());
    }
    Ok((boot, seq, millis.map(Timestamp::from_millis)))
}

fn state(part: Part, value: &str) -> Result<Decoded, String> {
    let shown: String = value.chars().take(40).collect();
    let happening = match part {
        Part::Fire => Happening::FireInput { active: boolean(value)? },
        Part::State => Happening::Presence { online: value == "ready" || value == "alert" },
        // Our own release coming back; the site's mode of operation is another thing.
        Part::Mode if value == "panic" || value.is_empty() => return Ok(Decoded::Nothing),
        Part::Mode => Happening::ModeChanged {
            mode: GateMode::parse(value).ok_or_else(|| format!("mode `{shown}` is not known"))?,
        },
        Part::Health(_) if value.is_empty() => return Ok(Decoded::Nothing),
        Part::Health(what) => Happening::Health { what, value: health(what, value)? },
        Part::Read(_) | Part::Passage | Part::Result | Part::Command => {
            return Ok(Decoded::Nothing);
        }
    };
    Ok(Decoded::State(happening))
}

fn health(what: HealthItem, value: &str) -> Result<String, String> {
    let fits = match what {
        HealthItem::Tamper => boolean(value).is_ok(),
        HealthItem::Battery => value.parse::<u8>().is_ok_and(|percent| percent <= 100),
        HealthItem::Power => {
            value.chars().count() <= VALUE_CHARS && !value.chars().any(char::is_control)
        }
    };
    let hint = match what {
        HealthItem::Tamper => "tamper is `true` or `false`",
        HealthItem::Battery => "battery is 0 to 100",
        HealthItem::Power => "power has at most 64 printable characters",
    };
    if fits { Ok(value.to_owned()) } else { Err(hint.to_owned()) }
}

fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("the value is `true` or `false`".to_owned()),
    }
}

fn text(payload: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(payload).map_err(|_| "the payload is no UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Part = Part::Read(Direction::Entry);

    #[test]
    fn a_read_is_decoded_and_its_uid_normalised() {
        for uid in ["04a2b3", "04:A2:b3", "04-a2-B3", "04 A2 B3"] {
            let payload = format!(
                r#"{{"v":1,"boot":7,"seq":9,"t":1700000000123,"uid":"{uid}","format":"hex"}}"#
            );
            let expected = Decoded::Event {
                boot: 7,
                seq: 9,
                at: Some(Timestamp::from_millis(1_700_000_000_123)),
                happening: Happening::CredentialRead {
                    direction: Direction::Entry,
                    uid: "04A2B3".into(),
                    pin: None,
                },
            };
            assert_eq!(decode(READ, payload.as_bytes(), &PinKey::default()), Ok(expected), "{uid}");
        }
    }

    #[test]
    fn a_code_comes_through_as_its_digest_alone() {
        let pins = PinKey::new([9; 32]);
        let payload =
            r#"{"v":1,"boot":7,"seq":9,"uid":"04a2b3","factor":"card_and_pin","pin":"1234"}"#;
        let Ok(Decoded::Event { happening, .. }) = decode(READ, payload.as_bytes(), &pins) else {
            panic!("it is a read")
        };
        let Happening::CredentialRead { pin, .. } = happening else { panic!("it is a read") };
        assert_eq!(pin, pins.digest("04A2B3", "1234"));
        assert_ne!(pin, None);
        for wrong in ["12", "12a4", "1234567890123"] {
            let payload = payload.replace("1234", wrong);
            let why = decode(READ, payload.as_bytes(), &pins).unwrap_err();
            assert_eq!(why, "`pin` has 4 to 12 digits");
        }
        for wrong in ["1234", "[\"1234\"]", "{\"1234\":1}", "12.34e2", "true"] {
            let payload = payload.replace("\"1234\"", wrong);
            let why = decode(READ, payload.as_bytes(), &pins).unwrap_err();
            assert!(!why.contains("12") && why.contains("expected"), "{payload}: {why}");
        }
        let why = decode(READ, b"1234", &pins).unwrap_err();
        assert!(!why.contains("1234"), "a keypad that sends bare digits: {why}");
    }

    #[test]
    fn a_passage_has_three_kinds() {
        let decision: DecisionId = "0190a5c0-0000-7000-8000-000000000001".parse().unwrap();
        let made = Happening::PassageMade { direction: Direction::Exit, decision: Some(decision) };
        let aborted = Happening::PassageAborted { direction: Direction::Exit, decision: None };
        let unexpected = Happening::PassageUnexpected { direction: Direction::Exit };
        let known = format!(r#","decision":"{decision}""#);
        let cases = [
            (known.as_str(), made),
            (r#","decision":null,"kind":"aborted""#, aborted),
            (r#","kind":"unexpected""#, unexpected),
        ];
        for (more, expected) in cases {
            let payload = format!(r#"{{"v":1,"boot":1,"seq":2,"direction":"exit"{more}}}"#);
            let Ok(Decoded::Event { happening, at: None, .. }) =
                decode(Part::Passage, payload.as_bytes(), &PinKey::default())
            else {
                panic!("{payload}")
            };
            assert_eq!(happening, expected);
        }
    }

    #[test]
    fn a_uid_with_space_around_it_and_a_field_too_many_are_taken() {
        for payload in [
            r#"{"v":1,"boot":1,"seq":6,"uid":"5D12E89A\r\n"}"#,
            r#"{"v":1,"boot":1,"seq":7,"uid":" 5d12e89a "}"#,
            r#"{"v":1,"boot":1,"seq":8,"uid":"5D12E89A","extra":1,"mac":"x","pin":null}"#,
        ] {
            let decoded = decode(READ, payload.as_bytes(), &PinKey::default());
            let Ok(Decoded::Event { happening, .. }) = decoded else { panic!("{decoded:?}") };
            let Happening::CredentialRead { uid, pin, .. } = happening else { panic!("no read") };
            assert_eq!((uid.as_str(), pin), ("5D12E89A", None), "{payload}");
        }
    }

    #[test]
    fn no_error_repeats_the_code_of_a_keypad() {
        for pin in ["4711", "4711.5", "-4711", "\"47\"", "[4711]", "{\"4711\":1}"] {
            let payload = format!(r#"{{"v":1,"boot":1,"seq":1,"uid":"A","pin":{pin}}}"#);
            let why = decode(READ, payload.as_bytes(), &PinKey::default()).unwrap_err();
            assert!(!why.contains("47"), "{why}");
        }
    }

    #[test]
    fn a_device_says_what_became_of_a_command() {
        let id = "0190a5c0-0000-7000-8000-000000000002";
        let decoded = |rest: &str| {
            let payload = format!(r#"{{"v":1,"boot":1,"seq":2,"cmd_id":"{id}"{rest}}}"#);
            match decode(Part::Result, payload.as_bytes(), &PinKey::default())? {
                Decoded::Result { error, .. } => Ok::<_, String>(error),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(decoded(r#","ok":true"#), Ok(None));
        assert_eq!(decoded(r#","error":"motor blocked""#), Ok(Some("motor blocked".to_owned())));
        assert_eq!(decoded(r#","ok":false"#), Ok(Some("no reason given".to_owned())));
        assert!(decoded("").unwrap_err().contains("either `ok` or an `error`"));
    }

    #[test]
    fn states_are_plain_words() {
        let tamper = Happening::Health { what: HealthItem::Tamper, value: "true".to_owned() };
        let cases = [
            (Part::Fire, "true", Decoded::State(Happening::FireInput { active: true })),
            (Part::State, "ready", Decoded::State(Happening::Presence { online: true })),
            (Part::State, "lost", Decoded::State(Happening::Presence { online: false })),
            (Part::State, "", Decoded::State(Happening::Presence { online: false })),
            (Part::Mode, "free", Decoded::State(Happening::ModeChanged { mode: GateMode::Free })),
            (Part::Mode, "panic", Decoded::Nothing),
            (Part::Health(HealthItem::Tamper), "true", Decoded::State(tamper)),
        ];
        for (part, payload, expected) in cases {
            assert_eq!(
                decode(part, payload.as_bytes(), &PinKey::default()),
                Ok(expected),
                "{payload}"
            );
        }
    }

    #[test]
    fn what_is_malformed_is_refused_with_a_reason() {
        let long = format!(r#"{{"v":1,"boot":1,"seq":1,"uid":"{}"}}"#, "A".repeat(65));
        let huge = vec![b' '; 5000];
        let cases: Vec<(Part, &[u8], &str)> = vec![
            (READ, b"", "EOF"),
            (READ, b"\xff\xfe", "expected value"),
            (READ, b"04A2B3", "invalid number"),
            (READ, br#""A1""#, "invalid type"),
            (READ, br#"{"v":1,"boot":1,"seq":1}"#, "missing field `uid`"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":""}"#, "`uid`"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":"A/B"}"#, "`uid`"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":1561520282}"#, "in quotes, such as"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":"A","pin":4711}"#, "a number, expected `pin`"),
            (Part::Result, br#"{"v":1,"boot":1,"seq":1}"#, "cmd_id"),
            (READ, br#"{"v":2,"boot":1,"seq":1,"uid":"A"}"#, "version `2`"),
            (READ, br#"{"v":1,"boot":-1,"seq":1,"uid":"A"}"#, "invalid value"),
            (READ, br#"{"v":1,"boot":1,"seq":18446744073709551615,"uid":"A"}"#, "63 bits"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":"A","t":-5}"#, "`t`"),
            (READ, br#"{"v":1,"boot":1,"seq":1,"uid":"A"} x"#, "trailing"),
            (READ, long.as_bytes(), "`uid`"),
            (READ, &huge, "too many"),
            (Part::Passage, br#"{"v":1,"boot":1,"seq":1,"direction":"in"}"#, "unknown variant"),
            (Part::Fire, b"1", "`true` or `false`"),
            (Part::Mode, b"party", "mode `party`"),
            (Part::Health(HealthItem::Battery), b"101", "0 to 100"),
            (Part::Health(HealthItem::Power), b"a\nb", "printable"),
        ];
        for (part, payload, expected) in cases {
            let why = decode(part, payload, &PinKey::default()).unwrap_err();
            assert!(why.contains(expected), "expected `{expected}` in: {why}");
            assert!(why.chars().count() <= 200);
        }
    }
}
