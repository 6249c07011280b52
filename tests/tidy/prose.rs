//! Every path that a Markdown file names exists.

use crate::tree::File;

/// First components of words that look like paths and are none: topics, media types, time zones,
/// numbers of receipts, and what only a running daemon or a build makes.
const NO_PATHS: &[&str] = &[
    "homie",
    "kari",
    "application",
    "text",
    "image",
    "Asia",
    "Europe",
    "America",
    "state",
    "target",
    "till-1",
    "mqtt:",
    "http:",
    "https:",
    "DIR",
];
/// Endings that make a path of a word without a slash.
const ENDINGS: &[&str] = &["rs", "toml", "md", "rhai", "sh", "sql", "ftl", "py", "csv"];

/// Paths in backticks, in links and in blocks of code that do not exist.
pub(crate) fn missing_paths(file: &File, paths: &[String]) -> Vec<String> {
    if !file.is(&["md"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut in_block = false;
    for (number, line) in file.numbered() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let named = if in_block { rooted(line, paths) } else { named(line) };
        for path in named.iter().flat_map(|path| braces(path)) {
            if !exists(&path, folder(&file.path), paths) {
                found.push(format!("{}:{number}: `{path}` does not exist", file.path));
            }
        }
    }
    found
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The paths that a line of prose names.
fn named(line: &str) -> Vec<String> {
    let spans = line.split('`').skip(1).step_by(2);
    let words = spans.flat_map(str::split_whitespace).filter(|word| is_path(word));
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|link| !link.contains(':') && !link.starts_with(['#', '/']));
    let links = links.map(|link| link.split('#').next().unwrap_or(link));
    words.chain(links).map(without_line).collect()
}

/// The paths of a line of code: only those whose first component is a folder of the repository.
fn rooted(line: &str, paths: &[String]) -> Vec<String> {
    let is_rooted = |word: &&str| {
        let first = word.split_once('/').map(|(first, _)| format!("{first}/"));
        is_path(word) && first.is_some_and(|first| paths.contains(&first))
    };
    line.split_whitespace().filter(is_rooted).map(without_line).collect()
}

fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./*{},:".contains(c);
    let first = word.split('/').next().unwrap_or(word);
    let ending = word.rsplit_once('.').map(|(_, ending)| ending.split(':').next());
    let has_ending = ending.flatten().is_some_and(|ending| ENDINGS.contains(&ending));
    // `0.20/PT1M` is an amount for a duration.
    let per_time = word.split_once('/').is_some_and(|(amount, time)| {
        amount.starts_with(|first: char| first.is_ascii_digit()) && time.starts_with('P')
    });
    word.chars().all(plain)
        && !per_time
        && !word.starts_with(['/', '-', '.', '*'])
        && !word.contains("::")
        && !NO_PATHS.contains(&first)
        && (has_ending || (word.contains('/') && word.chars().any(char::is_alphabetic)))
}

/// `domain/src/site.rs:12` without the line.
fn without_line(word: &str) -> String {
    let word = word.trim_end_matches([',', '.', ':']);
    match word.split_once(':') {
        Some((path, line)) if line.bytes().all(|b| b.is_ascii_digit()) => path.to_owned(),
        _ => word.to_owned(),
    }
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn braces(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(before, rest)| {
        rest.split_once('}').map(|(choices, after)| (before, choices, after))
    });
    match parts {
        Some((before, choices, after)) => {
            choices.split(',').map(|choice| format!("{before}{choice}{after}")).collect()
        }
        None => vec![path.to_owned()],
    }
}

/// Whether `path` is there: seen from the root, from the folder of the text, or from the folder of
/// an example site, whose layout the texts speak of. A name alone may lie anywhere.
fn exists(path: &str, from: &str, paths: &[String]) -> bool {
    let is_name = !path.contains('/');
    let mut bases = vec![String::new(), format!("{from}/")];
    let sites = paths.iter().filter_map(|path| path.strip_suffix("site.toml"));
    bases.extend(sites.map(str::to_owned));
    paths.iter().any(|there| {
        let name = there.rsplit('/').next().unwrap_or(there);
        bases.iter().any(|base| {
            let wanted = format!("{}{path}", base.trim_start_matches('/'));
            matches(there, &wanted) || there.strip_suffix('/').is_some_and(|t| matches(t, &wanted))
        }) || (is_name && matches(name, path))
    })
}

/// Whether `path` fits `pattern`, where `*` is any part of one component.
fn matches(path: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => path == pattern,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            let end = rest.find('/').unwrap_or(rest.len());
            (0..=end).any(|at| rest.is_char_boundary(at) && matches(&rest[at..], after))
        }),
    }
}
