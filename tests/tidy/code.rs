//! How large files and functions are, and which attributes they carry.

use crate::tree::File;

/// Lines of a file, its tests not counted.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Files above the limit that wait to be split. It is a ratchet: it only ever gets shorter.
const LARGE_FILES: &[&str] = &[];

/// Files that nobody can hold in the head. Definitions for editors are made, and looked up word by
/// word.
pub(crate) fn large_files(file: &File) -> Vec<String> {
    let is_read = file.is(&["rs", "rhai", "py", "sh"]) && !file.is(&["d.rhai"]);
    if !is_read || LARGE_FILES.contains(&&*file.path) {
        return Vec::new();
    }
    let lines = lines_without_tests(&file.text);
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, split it by subject", file.path)]
}

/// The lines of a Rust file up to and after its `mod tests`, which formatted code closes by a brace
/// in the first column.
fn lines_without_tests(text: &str) -> usize {
    let (mut count, mut inside, mut before) = (0, false, "");
    for line in text.lines() {
        if before == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{') {
            inside = true;
            count -= 1;
        }
        count += usize::from(!inside);
        inside = inside && line != "}";
        before = line;
    }
    count
}

/// Functions that do not fit on a screen.
pub(crate) fn large_functions(file: &File) -> Vec<String> {
    if !file.is(&["rs"]) {
        return Vec::new();
    }
    let lines: Vec<_> = file.text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let length = function_length(&lines[at..]);
        if length > FUNCTION_LINES_MAX {
            found.push(format!("{}:{}: `{name}` has {length} lines", file.path, at + 1));
        }
    }
    found
}

/// The name of the function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let (before, rest) = match line.trim_start().strip_prefix("fn ") {
        Some(rest) => ("", rest),
        None => line.trim_start().split_once(" fn ")?,
    };
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern"];
    let is_function = before.split(' ').all(|word| word.is_empty() || qualifiers.contains(&word));
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_function && end > 0).then_some(&rest[..end])
}

/// The lines from the first one of a formatted function to its closing brace, which stands in the
/// column of the first. Declarations and functions of one line have one.
fn function_length(lines: &[&str]) -> usize {
    let first = lines[0];
    if first.ends_with(';') || first.ends_with('}') {
        return 1;
    }
    let indent = &first[..first.len() - first.trim_start().len()];
    let ends = |line: &&str| {
        let rest = line.strip_prefix(indent).unwrap_or_default();
        rest.starts_with('}') || (rest.starts_with(')') && rest.ends_with(';'))
    };
    lines.iter().skip(1).position(ends).map_or(lines.len(), |place| place + 2)
}

/// Exceptions from lints, and tests left out, that do not say why.
pub(crate) fn without_reason(file: &File) -> Vec<String> {
    if !file.is(&["rs"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for opening in [concat!("[all", "ow("), concat!("[exp", "ect(")] {
        for (at, _) in file.text.match_indices(opening).filter(|(at, _)| attribute(&file.text, *at))
        {
            let attribute = file.text[at..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason = ") {
                found.push(format!("{}: `#{attribute})]` has no reason", place(file, at)));
            }
        }
    }
    let ignored = concat!("[ign", "ore]");
    let bare = file.text.match_indices(ignored).filter(|(at, _)| attribute(&file.text, *at));
    found.extend(bare.map(|(at, _)| format!("{}: `#{ignored}` has no reason", place(file, at))));
    found
}

/// Whether the bracket at `at` opens an attribute.
fn attribute(text: &str, at: usize) -> bool {
    text[..at].ends_with('#') || text[..at].ends_with("#!")
}

fn place(file: &File, at: usize) -> String {
    format!("{}:{}", file.path, file.text[..at].lines().count())
}

/// Tests whose name is not a sentence but says once more that it is a test.
pub(crate) fn test_names(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for (number, line) in file.numbered().filter(|_| file.is(&["rs"])) {
        let name = function_name(line).filter(|_| is_test);
        let is_sentence = |name: &str| name.contains('_') && !name.starts_with("test_");
        if let Some(name) = name.filter(|name| !is_sentence(name)) {
            found.push(format!("{}:{number}: `{name}` is no sentence", file.path));
        }
        let line = line.trim_start();
        is_test = line.starts_with("#[test]")
            || line.starts_with("#[tokio::test")
            || (is_test && line.starts_with("#["));
    }
    found
}
