//! Filters of topics, as rights are written: `homie/5/+/gate/passage`, `weather/#`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest filter, in bytes (our choice; topics of devices have some 60).
const LENGTH: usize = 256;
/// The first levels of what belongs to devices and to the daemon.
const TAKEN: [&str; 2] = ["homie", "kari"];

/// A filter that was checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter(String);

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("`{text}` cannot be a filter: {why}"));
        if text.is_empty() || text.len() > LENGTH {
            return bad("it must have 1 to 256 bytes");
        }
        if text.chars().any(char::is_control) {
            return bad("it must have no control characters");
        }
        if text.starts_with('$') {
            return bad("topics of the server itself are nobody's");
        }
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            if level.contains(['+', '#']) && level.len() > 1 {
                return bad("`+` and `#` must stand alone in their level");
            }
            if level == "#" && levels.peek().is_some() {
                return bad("`#` must be the last level");
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether everything that `other` matches is matched by this one as well; `other` is a topic
    /// or a filter.
    #[must_use]
    pub fn covers(&self, other: &str) -> bool {
        // A wildcard in the first level does not reach the server's own topics.
        let own = other.starts_with('$');
        let mut levels = self.0.split('/');
        let mut others = other.split('/');
        let mut first = true;
        loop {
            match (levels.next(), others.next()) {
                (Some("#"), _) => return !(first && own),
                (None, None) => return true,
                // `a/b/#` matches `a/b` too, and so does not lie within `a/b`.
                (Some("+"), Some(level)) if level != "#" && !(first && own) => {}
                (Some(level), Some(other)) if level == other => {}
                _ => return false,
            }
            first = false;
        }
    }

    /// Whether no topic of a device or of the daemon is reached.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let first = self.0.split('/').next().unwrap_or_default();
        !first.is_empty() && !first.contains(['+', '#']) && !TAKEN.contains(&first)
    }

    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.0
    }
}

impl std::str::FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_covers_topics_and_narrower_filters_and_nothing_else() {
        let cases = [
            ("homie/5/+/gate/passage", "homie/5/gate-1/gate/passage", true),
            ("homie/5/+/gate/passage", "homie/5/+/gate/passage", true),
            ("homie/5/+/gate/passage", "homie/5/#", false),
            ("homie/5/+/gate/passage", "homie/5/+/gate/#", false),
            ("homie/5/+/gate/passage", "homie/5/gate-1/gate", false),
            ("homie/5/+/gate/passage", "homie/5/gate-1/gate/passage/x", false),
            ("homie/#", "homie", true),
            ("homie/#", "homie/5/+/+/uid", true),
            ("homie/#", "homie/#", true),
            ("homie/#", "+/5", false),
            ("homie/#", "#", false),
            ("#", "homie/5/x", true),
            ("#", "#", true),
            ("#", "$SYS/broker", false),
            ("+/broker", "$SYS/broker", false),
            ("+/broker", "a/broker", true),
            ("+", "#", false),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("a/b", "a/b", true),
            ("a/b", "a/b/#", false),
            ("a/b/+", "a/b/#", false),
        ];
        for (right, asked, expected) in cases {
            let filter = Filter::parse(right).unwrap();
            assert_eq!(filter.covers(asked), expected, "{right} covers {asked}");
        }
    }

    /// Whether a topic is matched, by the words of the specification, written down once more.
    fn matches(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            ([level, filter @ ..], [part, topic @ ..]) => {
                (*level == "+" || level == part) && matches(filter, topic)
            }
            _ => false,
        }
    }

    #[test]
    fn what_is_covered_is_matched_for_every_short_filter_and_topic() {
        let words = ["a", "b", "+", "#"];
        let lengths = 1..=3_u32;
        let texts: Vec<Vec<&str>> = lengths
            .flat_map(|length| (0..4_usize.pow(length)).map(move |number| (length, number)))
            .map(|(length, number)| {
                (0..length).map(|at| words[number / 4_usize.pow(at) % 4]).collect()
            })
            .collect();
        let is_filter = |text: &Vec<&str>| Filter::parse(&text.join("/")).is_ok();
        let is_topic = |text: &Vec<&str>| !text.iter().any(|word| "+#".contains(word));
        for right in texts.iter().filter(|text| is_filter(text)) {
            let filter = Filter::parse(&right.join("/")).unwrap();
            for asked in texts.iter().filter(|text| is_filter(text)) {
                let mut topics = texts.iter().filter(|text| is_topic(text));
                let within = topics.all(|topic| !matches(asked, topic) || matches(right, topic));
                let covered = filter.covers(&asked.join("/"));
                assert!(within || !covered, "{right:?} covers {asked:?}");
                assert!(covered || !is_topic(asked) || !within, "{right:?} misses {asked:?}");
            }
        }
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_the_reason() {
        for (text, expected) in [
            ("", "1 to 256 bytes"),
            ("a/#/b", "must be the last level"),
            ("a/b#", "must stand alone"),
            ("a+/b", "must stand alone"),
            ("$SYS/#", "are nobody's"),
            ("a\u{0}b", "control characters"),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(Filter::parse(&"x".repeat(257)).is_err());
    }

    #[test]
    fn what_belongs_to_devices_and_the_daemon_is_not_free() {
        for (text, expected) in [
            ("weather/#", true),
            ("zigbee2mqtt/+/state", true),
            ("homie/5/gate-1/gate/passage", false),
            ("homie/#", false),
            ("kari/x", false),
            ("#", false),
            ("+/5/gate-1/gate/passage", false),
            ("/x", false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().is_free(), expected, "{text}");
        }
    }
}
