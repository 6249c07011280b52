//! The bare verdict: the shipped checks without anything that is not needed to know whether the
//! gate opens.

/// The functions that refuse, and those that only tell.
const REFUSES: &[&str] = &["deny", "hold"];
const TELLS: &[&str] = &["warn", "charge", "note"];

/// The text of a rule file in which refusals have no details, and nothing else is told.
pub(crate) fn stripped(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    // Comments speak of calls too.
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut rest = code.as_str();
    while let Some((before, name, call)) = next_call(rest) {
        made.push_str(before);
        let end = closing(call);
        let code = call[1..end].split(',').next().unwrap_or_default();
        if REFUSES.contains(&name) {
            made.push_str(&format!("{name}({code})"));
        } else {
            made.push_str("()");
        }
        rest = &call[end + 1..];
    }
    made + rest
}

/// What stands before the next call, its function, and the text from its parenthesis on.
fn next_call(text: &str) -> Option<(&str, &'static str, &str)> {
    let names = REFUSES.iter().chain(TELLS);
    let found = names.filter_map(|name| Some((text.find(&format!("{name}(\""))?, *name)));
    let (at, name) = found.min()?;
    Some((&text[..at], name, &text[at + name.len()..]))
}

/// The place of the parenthesis that closes the first one.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted) = (0, false);
    for (place, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    text.len() - 1
}
