//! The files of a plugin: those that its manifest lists, as they were when it was written, and no
//! others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use rules::problem::Problem;
use toml::Spanned;

use crate::place::{MANIFEST, Places, whole};

/// Bounds of a plugin's folder (our choice).
const FILES_MAX: usize = 64;
pub(crate) const FILE_SIZE_MAX: u64 = 1024 * 1024;
const DEPTH_MAX: usize = 4;

/// Holds the files below `dir` against the list of the manifest: name, and BLAKE3 as hexadecimal
/// digits.
pub(crate) fn check(
    dir: &Path,
    listed: &BTreeMap<Spanned<String>, Spanned<String>>,
    places: Places<'_>,
    problems: &mut Vec<Problem>,
) {
    for (name, hash) in listed {
        if !is_name(name.get_ref()) {
            problems.push(places.problem(
                &name.span(),
                format!("`{}` is not a name of a plugin's file", name.get_ref()),
                "use small letters, digits and `_`, folders with `/`, and the ending `.rhai`",
            ));
            continue;
        }
        if let Err((message, help)) = matches(dir, name.get_ref(), hash.get_ref()) {
            problems.push(places.problem(&hash.span(), message, help));
        }
    }
    let names = listed.keys().map(|name| name.get_ref().as_str()).collect();
    let mut found = Vec::new();
    if let Err(error) = walk(dir, "", 0, &mut found) {
        problems.push(whole(MANIFEST, format!("the folder cannot be read: {error}"), ""));
    }
    unlisted(&found, &names, problems);
}

fn unlisted(found: &[String], listed: &BTreeSet<&str>, problems: &mut Vec<Problem>) {
    if found.len() > FILES_MAX {
        let message = format!("the folder has more than {FILES_MAX} files");
        problems.push(whole(MANIFEST, message, "leave what the plugin does not need"));
        return;
    }
    for name in found.iter().filter(|name| *name != MANIFEST && !listed.contains(name.as_str())) {
        let help = "list it in `[files]` with its BLAKE3 hash, or remove it";
        problems.push(whole(name, "the manifest does not list this file", help));
    }
}

/// `[a-z0-9_]+(/[a-z0-9_]+)*.rhai`
fn is_name(name: &str) -> bool {
    name.strip_suffix(".rhai").is_some_and(|stem| {
        stem.split('/').count() <= DEPTH_MAX && stem.split('/').all(crate::manifest::is_id)
    })
}

fn matches(dir: &Path, name: &str, hash: &str) -> Result<(), (String, String)> {
    let path = dir.join(name);
    let unreadable = |error: io::Error| {
        (
            format!("`{name}` cannot be read: {error}"),
            "add the file, or take it off the list".into(),
        )
    };
    let meta = fs::symlink_metadata(&path).map_err(unreadable)?;
    if !meta.is_file() {
        let help = "put the file itself into the folder";
        return Err((format!("`{name}` is not a plain file"), help.into()));
    }
    if meta.len() > FILE_SIZE_MAX {
        let help = format!("at most {FILE_SIZE_MAX} bytes are allowed");
        return Err((format!("`{name}` is too large"), help));
    }
    let text = plain_file::bytes(&path, FILE_SIZE_MAX).map_err(unreadable)?;
    let found = blake3::hash(&text).to_hex();
    if found.as_str() == hash {
        return Ok(());
    }
    let message = format!("`{name}` is not the file that the manifest was written for");
    Err((message, format!("if the change is wanted, write `{found}`")))
}

/// The names of everything below `dir` that is no folder; stops a little after the bound.
fn walk(dir: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), &format!("{name}/"), depth + 1, found)?;
        } else {
            found.push(name);
        }
        if found.len() > FILES_MAX {
            break;
        }
    }
    found.sort();
    Ok(())
}
