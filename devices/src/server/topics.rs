//! Topics and filters as MQTT has them.

use super::limits::LEVELS;

/// Whether a message may be published to `topic`: no wildcard, no U+0000, not too deep.
pub(crate) fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0']) && is_shallow(topic)
}

/// A filter of a subscription, with the name of its group where it is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filter<'a> {
    /// What is matched.
    pub(crate) of: &'a str,
    /// `name` of `$share/name/...`.
    pub(crate) group: Option<&'a str>,
}

/// Reads a filter; nothing where it is none.
pub(crate) fn filter(text: &str) -> Option<Filter<'_>> {
    let (group, of) = match text.strip_prefix("$share/") {
        Some(rest) => {
            let (group, of) = rest.split_once('/')?;
            (Some(group), of)
        }
        None => (None, text),
    };
    let named = group.is_none_or(|name| !name.is_empty() && !name.contains(['+', '#']));
    (named && is_filter(of)).then_some(Filter { of, group })
}

fn is_filter(of: &str) -> bool {
    let levels = of.split('/').count();
    let fits = |(place, level): (usize, &str)| match level {
        "+" => true,
        "#" => place + 1 == levels,
        level => !level.contains(['+', '#']),
    };
    !of.is_empty() && !of.contains('\0') && is_shallow(of) && of.split('/').enumerate().all(fits)
}

fn is_shallow(text: &str) -> bool {
    text.split('/').count() <= LEVELS
}

/// Whether `filter` matches `topic`; wildcards do not match what begins with `$`.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let plain = |of| Some(Filter { of, group: None });
        let deep = "a/".repeat(40);
        let cases = [
            ("a/b", plain("a/b")),
            ("#", plain("#")),
            ("+/+/#", plain("+/+/#")),
            ("/", plain("/")),
            ("$share/g/a/+", Some(Filter { of: "a/+", group: Some("g") })),
            ("$share/g", None),
            ("$share//a", None),
            ("$share/+/a", None),
            ("$share/g/", None),
            ("a/#/b", None),
            ("a#", None),
            ("a/b+", None),
            ("a\0b", None),
            ("", None),
            (&deep, None),
        ];
        for (text, expected) in cases {
            assert_eq!(filter(text), expected, "{text}");
        }
        assert!(is_topic("a//b") && !is_topic("a/+") && !is_topic("") && !is_topic(&deep));
    }

    #[test]
    fn filters_match_as_the_specification_says() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("+/+", "/x", true),
            ("+", "/x", false),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("a/b", "a/b/c", false),
        ];
        for (filter, topic, expected) in cases {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }
}
