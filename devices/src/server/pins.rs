//! A message that carries a PIN is for the daemon alone, whoever has subscribed to its topic.

use serde_json::Value;

/// How deep a payload is looked into; ours have one level.
const DEPTH: u32 = 8;

/// Whether a message of a device carries a PIN, or may carry one that nobody can tell.
pub(crate) fn carries_pin(topic: &str, payload: &[u8]) -> bool {
    let Some((_, rest)) = topic.strip_prefix("homie/5/").and_then(|it| it.split_once('/')) else {
        return false;
    };
    // A description names properties, and a command is the daemon's own.
    if rest.starts_with('$') || !mentions(payload) {
        return false;
    }
    match serde_json::from_slice::<Value>(payload) {
        Ok(value) => has_pin(&value, DEPTH),
        Err(_) => true,
    }
}

/// Whether the word is there, or an escape that could hide it.
fn mentions(payload: &[u8]) -> bool {
    payload.windows(3).any(|three| three.eq_ignore_ascii_case(b"pin"))
        || payload.windows(2).any(|two| two == b"\\u")
}

fn has_pin(value: &Value, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.trim().eq_ignore_ascii_case("pin") || has_pin(value, depth)),
        Value::Array(values) => values.iter().any(|value| has_pin(value, depth)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_found_however_it_is_written() {
        let reader = "homie/5/gate-1/reader-in/uid";
        let deep = format!("{}{{\"pin\":1}}{}", "[".repeat(20), "]".repeat(20));
        let cases = [
            (reader, r#"{"v":1,"uid":"0A","pin":"2222"}"#, true),
            (reader, r#"{"v":1,"uid":"0A","PIN":"2222"}"#, true),
            (reader, r#"{"v":1,"uid":"0A","\u0070in":"2222"}"#, true),
            (reader, r#"{"v":1,"uid":"0A","more":[{"pin":"2222"}]}"#, true),
            (reader, r#"{"v":1,"uid":"0A","pin":"2222""#, true),
            (reader, &deep, true),
            ("homie/5/nobody/keypad/code", r#"{"pin":"2222"}"#, true),
            (reader, r#"{"v":1,"uid":"0A"}"#, false),
            (reader, r#"{"v":1,"uid":"SPIN"}"#, false),
            ("homie/5/gate-1/$description", r#"{"nodes":{"pin":{}}}"#, false),
            ("elsewhere/x", r#"{"pin":"2222"}"#, false),
        ];
        for (topic, payload, expected) in cases {
            assert_eq!(carries_pin(topic, payload.as_bytes()), expected, "{payload}");
        }
    }
}
