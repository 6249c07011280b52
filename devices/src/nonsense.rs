//! What devices say and nobody understands: a warning, a count, and a line of the journal that
//! `kari device messages` lists.

use std::time::Instant;

use domain::{ids::DeviceId, state::Input};
use metrics::counter;

use crate::seldom::Seldom;

/// So many of one device and reason are kept on record within a minute, the rest is counted.
const KEPT: u32 = 10;
/// So many of all devices together: names cost nothing.
const KEPT_IN_ALL: u32 = 120;
const PAYLOAD_CHARS: usize = 200;
const TOPIC_CHARS: usize = 100;
const DEVICE_CHARS: usize = 64;
/// Between topic, reason and payload of a line.
pub const BETWEEN: &str = " · ";

/// Counts what makes no sense, and says so now and then.
pub(crate) struct Nonsense {
    said: Seldom,
    kept: Seldom,
    all: Seldom,
}

/// A message that makes no sense.
pub(crate) struct Heard<'a> {
    /// Who it says that it is of.
    pub(crate) device: &'a str,
    /// Where it came.
    pub(crate) topic: &'a str,
    /// What it says.
    pub(crate) payload: &'a [u8],
    /// Why nobody understands it.
    pub(crate) why: &'a str,
}

impl Nonsense {
    pub(crate) const fn new() -> Self {
        Self { said: Seldom::new(1), kept: Seldom::new(KEPT), all: Seldom::new(KEPT_IN_ALL) }
    }

    /// Counts `heard`, and warns; what is to be kept on record, if that is not too much.
    pub(crate) fn hear(&self, heard: &Heard<'_>) -> Option<Input> {
        counter!("kari_device_messages_unreadable_total").increment(1);
        let now = Instant::now();
        let device: String = visible(heard.device).chars().take(DEVICE_CHARS).collect();
        // What a reason quotes of a message is no reason of its own.
        let reason = heard.why.split('`').next().unwrap_or_default();
        let cause = format!("{device} {reason}");
        if let Some(more) = self.said.happened(&cause, now) {
            let (topic, why) = (visible(heard.topic), visible(heard.why));
            tracing::warn!(
                device,
                topic,
                why,
                more,
                "a message of a device makes no sense; `kari device messages` lists them"
            );
        }
        self.all.happened("", now)?;
        let more = self.kept.happened(&cause, now)?;
        let topic: String = plain(heard.topic).chars().take(TOPIC_CHARS).collect();
        let mut why = [topic, plain(heard.why), shown(heard.payload)].join(BETWEEN);
        if more > 0 {
            why.push_str(&format!(" (and {more} more like it before)"));
        }
        Some(Input::Unreadable { device: DeviceId::from(device), why })
    }
}

/// Visible text in which nothing separates the parts of a line.
fn plain(text: &str) -> String {
    visible(text).replace('·', ".")
}

/// A payload for people: no control characters, nothing that hides, no code of a keypad.
fn shown(payload: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(payload) else {
        let bytes = payload.get(..payload.len().min(PAYLOAD_CHARS / 4)).unwrap_or_default();
        return bytes.escape_ascii().to_string();
    };
    let short: String = text.chars().take(PAYLOAD_CHARS).collect();
    let lower = short.to_ascii_lowercase();
    // Whoever writes letters as numbers may write these as well.
    let code = [lower.find("pin"), lower.find("\\u")].into_iter().flatten().min();
    let (open, secret) = short.split_at(code.unwrap_or(short.len()));
    let hidden = secret.replace(|sign: char| sign.is_ascii_digit(), "*");
    let more = if text.len() > short.len() { "…" } else { "" };
    format!("{}{more}", visible(&format!("{open}{hidden}")))
}

/// The text with what nobody sees written out.
fn visible(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                sign.escape_unicode().to_string()
            }
            sign if sign.is_control() => sign.escape_default().to_string(),
            sign => sign.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(nonsense: &Nonsense, device: &str, payload: &[u8]) -> Option<String> {
        let topic = "homie/5/gate-1/reader-in/uid";
        let heard = Heard { device, topic, payload, why: "missing field `uid`" };
        match nonsense.hear(&heard)? {
            Input::Unreadable { why, .. } => Some(why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_has_topic_reason_and_payload_and_nothing_that_hides_or_is_secret() {
        let cases: [(&[u8], &str); 6] = [
            (b"5D12E89A\r\n", "5D12E89A\\r\\n"),
            (br#"{"v":1,"uid":7,"pin":"4711"}"#, r#"{"v":1,"uid":7,"pin":"****"}"#),
            (br#"{"uid":"A1","PIN" : 4711, "x":5}"#, r#"{"uid":"A1","PIN" : ****, "x":*}"#),
            (br#"{"\u0070in":"4711"}"#, r#"{"\u****in":"****"}"#),
            (b"\xff\x1b[2J", r"\xff\x1b[2J"),
            ("a\u{202e}b·c".as_bytes(), "a\\u{202e}b·c"),
        ];
        for (payload, expected) in cases {
            let line = kept(&Nonsense::new(), "gate-1", payload).unwrap();
            let parts: Vec<&str> = line.splitn(3, BETWEEN).collect();
            assert_eq!(parts, ["homie/5/gate-1/reader-in/uid", "missing field `uid`", expected]);
        }
        let long = kept(&Nonsense::new(), "gate-1", &vec![b'x'; 5000]).unwrap();
        assert!(long.chars().count() < 300 && long.ends_with('…'), "{long}");
    }

    #[test]
    fn a_flood_leaves_ten_lines_and_a_count() {
        let nonsense = Nonsense::new();
        let lines = (0..5000).filter(|_| kept(&nonsense, "gate-1", b"x").is_some()).count();
        assert_eq!(lines, 10);
        let strangers = (0..5000).filter_map(|number| kept(&nonsense, &number.to_string(), b"x"));
        assert!(strangers.count() <= 110);
    }
}
