//! The files of the repository, as text.

use std::{fs, path::Path};

/// One file: its path from the root of the repository, with `/`, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// A file made up by a test.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
    /// Whether its name ends with one of these endings.
    pub(crate) fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(&format!(".{ending}")))
    }
    /// Its lines, counted from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(place, line)| (place + 1, line))
    }
    /// The room that it lies in: the first folder, or nothing at the root.
    pub(crate) fn room(&self) -> &str {
        self.path.split_once('/').map_or("", |(room, _)| room)
    }
}

/// What is made by running and building, and is nobody's text.
const MADE: &[&str] = &["target", "state", ".git"];
/// Endings of files that people write.
const WRITTEN: &[&str] =
    &["rs", "toml", "md", "rhai", "sql", "sh", "py", "ftl", "csv", "html", "css", "js", "run"];

/// Every written file, in the order of the paths.
pub(crate) fn files() -> Vec<File> {
    let mut found = Vec::new();
    walk(&tests::root(), "", &mut |path, full| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        if ending.is_some_and(|ending| WRITTEN.contains(&ending)) || path == ".ci/run" {
            // A file that somebody is just renaming is not there any more: the next run sees it.
            if let Ok(text) = fs::read_to_string(full) {
                found.push(File { path: path.to_owned(), text });
            }
        }
    });
    assert!(found.len() > 20, "the walk found only {} files", found.len());
    found
}

/// The path of everything there is, folders with a `/` at their end.
pub(crate) fn paths() -> Vec<String> {
    let mut found = Vec::new();
    walk(&tests::root(), "", &mut |path, full| {
        found.push(if full.is_dir() { format!("{path}/") } else { path.to_owned() });
    });
    found
}

fn walk(folder: &Path, prefix: &str, visit: &mut impl FnMut(&str, &Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for full in entries {
        let Some(name) = full.file_name().and_then(|name| name.to_str()) else { continue };
        if MADE.contains(&name) || full.is_symlink() {
            continue;
        }
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        visit(&path, &full);
        if full.is_dir() {
            walk(&full, &path, visit);
        }
    }
}
