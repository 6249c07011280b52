//! `plugins/<name>/manifest.toml`: what a plugin says of itself.

use std::{collections::BTreeMap, path::Path};

use rules::problem::Problem;
use serde::Deserialize;
use toml::Spanned;

use crate::{
    capability::Capability,
    files,
    place::{MANIFEST, Places, whole},
};

/// The version of the interface that plugins are written for.
pub const API: u32 = 1;

/// Bounds of a plugin's process (the specification's hard limits, and the defaults).
const DEADLINE_MS_MAX: u32 = 50;
const MEMORY_MIB_MAX: u32 = 256;
const LIST_MAX: usize = 32;
const TEXT_MAX: usize = 200;

/// A manifest that was read and found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The plugin's name, which is also its folder's.
    pub id: String,
    /// Its version: three numbers.
    pub version: String,
    /// Who wrote it and answers for it.
    pub author: String,
    /// When it wants to be asked.
    pub hooks: Vec<Hook>,
    /// What it asks the owner for.
    pub capabilities: Vec<Capability>,
    /// What it may use up.
    pub limits: Limits,
    /// Its files with their BLAKE3 hashes, as hexadecimal digits.
    pub files: BTreeMap<String, String>,
}

/// When a plugin may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// At an entry, for proposals beside the site's own rules.
    Entry,
    /// At a sale.
    Sale,
}

/// What one call of a plugin may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds for an answer.
    pub deadline_ms: u32,
    /// Mebibytes of memory.
    pub memory_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline_ms: DEADLINE_MS_MAX, memory_mib: MEMORY_MIB_MAX }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: Spanned<String>,
    version: Spanned<String>,
    author: Spanned<String>,
    api: Spanned<u32>,
    hooks: Spanned<Vec<Spanned<String>>>,
    capabilities: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    limits: RawLimits,
    files: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    deadline_ms: Option<Spanned<u32>>,
    memory_mib: Option<Spanned<u32>>,
}

/// Reads and checks the plugin in the folder `dir`, all of it before anything is used.
///
/// # Errors
/// Everything that is wrong, with file, line, column and what to do.
pub fn read(dir: &Path) -> Result<Manifest, Vec<Problem>> {
    let text = text_of(&dir.join(MANIFEST)).map_err(|problem| vec![problem])?;
    let places = Places(&text);
    let raw: Raw = toml::from_str(&text).map_err(|error| {
        let help =
            "a manifest has id, version, author, api, hooks, capabilities, [limits], [files]";
        vec![places.problem(&error.span().unwrap_or_default(), error.message(), help)]
    })?;
    let mut problems = Vec::new();
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
    named(&raw, name.as_deref().unwrap_or_default(), places, &mut problems);
    let hooks = hooks(&raw.hooks, places, &mut problems);
    let capabilities = capabilities(&raw.capabilities, places, &mut problems);
    let limits = limits(&raw.limits, places, &mut problems);
    if raw.files.get_ref().is_empty() {
        let help = "list each file as `\"main.rhai\" = \"<BLAKE3>\"`";
        problems.push(places.problem(&raw.files.span(), "the plugin has no file", help));
    }
    files::check(dir, raw.files.get_ref(), places, &mut problems);
    if !problems.is_empty() {
        problems.sort();
        return Err(problems);
    }
    let files = raw.files.into_inner().into_iter();
    Ok(Manifest {
        id: raw.id.into_inner(),
        version: raw.version.into_inner(),
        author: raw.author.into_inner(),
        hooks,
        capabilities,
        limits,
        files: files.map(|(name, hash)| (name.into_inner(), hash.into_inner())).collect(),
    })
}

fn text_of(path: &Path) -> Result<String, Problem> {
    let help = "a plugin is a folder with a `manifest.toml`";
    plain_file::text(path, files::FILE_SIZE_MAX)
        .map_err(|error| whole(MANIFEST, format!("the manifest cannot be read: {error}"), help))
}

/// `[a-z0-9_]+`, at most 64.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
}

fn named(raw: &Raw, folder: &str, places: Places<'_>, problems: &mut Vec<Problem>) {
    let mut wrong = |span, message: String, help: &str| {
        problems.push(places.problem(&span, message, help));
    };
    let (id, version, author) = (raw.id.get_ref(), raw.version.get_ref(), raw.author.get_ref());
    if !is_id(id) {
        let message = format!("`{id}` is not an id");
        wrong(raw.id.span(), message, "use small letters, digits and `_`, at most 64");
    } else if id != folder {
        let message = format!("the id is `{id}`, but the folder is called `{folder}`");
        wrong(raw.id.span(), message, "give both the same name");
    }
    let parts: Vec<_> = version.split('.').collect();
    if parts.len() != 3 || !parts.iter().all(|part| is_number(part)) {
        let message = format!("`{version}` is not a version");
        wrong(raw.version.span(), message, "write three numbers, such as `1.4.0`");
    }
    if author.trim().is_empty() || author.len() > TEXT_MAX {
        let message = "the author is missing or too long".to_owned();
        wrong(raw.author.span(), message, "name who answers for the plugin, in at most 200 bytes");
    }
    let api = *raw.api.get_ref();
    if api != API {
        let message = format!("the plugin is written for version {api} of the interface");
        wrong(raw.api.span(), message, "this Kari speaks version 1: use a plugin made for it");
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number.to_string() == text)
}

fn hooks(
    raw: &Spanned<Vec<Spanned<String>>>,
    places: Places<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Hook> {
    let mut hooks = Vec::new();
    if raw.get_ref().is_empty() || raw.get_ref().len() > LIST_MAX {
        let help = "name one or both of `entry` and `sale`";
        problems.push(places.problem(&raw.span(), "the list of hooks does not fit", help));
        return hooks;
    }
    for name in raw.get_ref() {
        match hook(name.get_ref()) {
            Ok(hook) if hooks.contains(&hook) => problems.push(places.problem(
                &name.span(),
                format!("`{}` is listed twice", name.get_ref()),
                "remove one of them",
            )),
            Ok(hook) => hooks.push(hook),
            Err((message, help)) => problems.push(places.problem(&name.span(), message, help)),
        }
    }
    hooks
}

fn hook(name: &str) -> Result<Hook, (String, &'static str)> {
    match name {
        "entry" => Ok(Hook::Entry),
        "sale" => Ok(Hook::Sale),
        "exit" | "fire" | "locker_open" => Err((
            format!("no plugin is ever asked at `{name}`"),
            "remove it: exits, fires and lockers opened by their holder wait for nobody",
        )),
        _ => Err((format!("no hook is called `{name}`"), "there are `entry` and `sale`")),
    }
}

fn capabilities(
    raw: &Spanned<Vec<Spanned<String>>>,
    places: Places<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Capability> {
    if raw.get_ref().len() > LIST_MAX {
        let help = "32 are allowed";
        problems.push(places.problem(&raw.span(), "there are too many capabilities", help));
        return Vec::new();
    }
    let mut capabilities = Vec::new();
    for text in raw.get_ref() {
        match Capability::parse(text.get_ref()) {
            Ok(capability) if capabilities.contains(&capability) => problems.push(places.problem(
                &text.span(),
                format!("`{}` is listed twice", text.get_ref()),
                "remove one of them",
            )),
            Ok(capability) => capabilities.push(capability),
            Err((message, help)) => problems.push(places.problem(&text.span(), message, help)),
        }
    }
    capabilities
}

fn limits(raw: &RawLimits, places: Places<'_>, problems: &mut Vec<Problem>) -> Limits {
    let mut bounded = |value: &Option<Spanned<u32>>, name: &str, max: u32| match value {
        Some(asked) if !(1..=max).contains(asked.get_ref()) => {
            let message = format!("`{name}` is {}", asked.get_ref());
            problems.push(places.problem(&asked.span(), message, format!("from 1 to {max}")));
            max
        }
        Some(asked) => *asked.get_ref(),
        None => max,
    };
    Limits {
        deadline_ms: bounded(&raw.deadline_ms, "deadline_ms", DEADLINE_MS_MAX),
        memory_mib: bounded(&raw.memory_mib, "memory_mib", MEMORY_MIB_MAX),
    }
}

#[cfg(test)]
mod tests;
