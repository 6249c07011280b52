//! Which crate may know which other, ours and foreign, and how dependencies are written down.

use toml::{Table, Value};

use crate::tree::File;

/// Our crates, and which of ours each may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("plain-file", &[]),
    ("domain", &[]),
    ("rules", &["domain", "plain-file"]),
    ("devices", &["domain", "plain-file"]),
    ("store", &["domain", "plain-file"]),
    ("plugins", &["rules", "plain-file"]),
    ("admin-api", &["store", "domain"]),
    ("daemon", &["plain-file", "domain", "rules", "plugins", "devices", "store", "admin-api"]),
    ("tests", &["domain", "rules", "plugins", "devices", "store", "admin-api", "daemon"]),
    ("benchmarks", &["domain", "rules"]),
];

/// Crates that may use nothing foreign but what is listed.
const CLOSED: &[(&str, &[&str])] = &[("domain", &["serde", "uuid", "jiff", "thiserror"])];

/// Foreign crates that have one home. The crate of journeys may use what it needs.
const HOMES: &[(&str, &[&str])] = &[
    ("rhai", &["rules", "plugins"]),
    ("sqlx", &["store"]),
    ("libsqlite3-sys", &["store"]),
    ("axum", &["admin-api"]),
    ("hyper", &["admin-api"]),
    ("fluent-bundle", &["admin-api"]),
    ("rumqttc", &["devices"]),
    ("rmqtt-codec", &["devices"]),
    ("tokio-rustls", &["devices"]),
    ("tokio-modbus", &["devices"]),
    ("tikv-jemallocator", &["daemon"]),
];

/// Features of the rule engine that lift its limits or are experiments.
const FORBIDDEN_FEATURES: &[(&str, &[&str])] = &[("rhai", &["unchecked", "grain", "unstable"])];

/// The tables of a manifest that go into what is shipped.
const SHIPPED: &[&str] = &["dependencies", "build-dependencies"];
/// All tables of dependencies.
const TABLES: &[&str] = &["dependencies", "build-dependencies", "dev-dependencies"];

/// The manifest of a crate; cargo has read it before us, so that it can be read.
pub(crate) struct Manifest {
    name: String,
    path: String,
    table: Table,
}

impl Manifest {
    pub(crate) fn read(file: &File) -> Self {
        let table: Table = file.text.parse().unwrap_or_default();
        let name = table.get("package").and_then(|package| package.get("name"));
        let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { name, path: file.path.clone(), table }
    }

    /// The manifests of all crates; the root has a workspace instead.
    pub(crate) fn all(files: &[File]) -> Vec<Self> {
        let manifests = files.iter().filter(|file| file.path.ends_with("/Cargo.toml"));
        manifests.map(Self::read).collect()
    }

    /// What it depends on by `tables`, for any target.
    fn dependencies(&self, tables: &[&str]) -> Vec<(&str, &Value)> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut found = Vec::new();
        for place in std::iter::once(&self.table).chain(targets) {
            for name in tables {
                let table = place.get(*name).and_then(Value::as_table);
                found.extend(table.into_iter().flatten().map(|(name, value)| (&**name, value)));
            }
        }
        found
    }
}

fn entry<'a>(table: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// Arrows between our crates that the map does not have.
pub(crate) fn wrong_arrows(manifest: &Manifest) -> Vec<String> {
    let Some(allowed) = entry(ARROWS, &manifest.name) else {
        return vec![format!("{}: `{}` is not on the map of crates", manifest.path, manifest.name)];
    };
    let ours = |name: &str| entry(ARROWS, name).is_some();
    let used = manifest.dependencies(SHIPPED).into_iter().map(|(name, _)| name);
    used.filter(|name| ours(name) && !allowed.contains(name))
        .map(|name| format!("{}: `{}` must not know `{name}`", manifest.path, manifest.name))
        .collect()
}

/// Foreign crates outside of their homes.
pub(crate) fn wrong_homes(manifest: &Manifest) -> Vec<String> {
    let name = manifest.name.as_str();
    let mut found = Vec::new();
    for (used, _) in manifest.dependencies(SHIPPED) {
        let closed = entry(CLOSED, name).is_some_and(|allowed| !allowed.contains(&used));
        let homeless = entry(HOMES, used).is_some_and(|homes| !homes.contains(&name));
        if closed || (homeless && name != "tests") {
            found.push(format!("{}: `{used}` has no place in `{name}`", manifest.path));
        }
    }
    found
}

/// Versions that a crate states itself instead of taking the workspace's.
pub(crate) fn own_versions(manifest: &Manifest) -> Vec<String> {
    let inherits =
        |value: &Value| value.get("workspace").and_then(Value::as_bool).unwrap_or_default();
    let own = manifest.dependencies(TABLES).into_iter().filter(|(_, value)| !inherits(value));
    own.map(|(name, _)| format!("{}: write `{name}.workspace = true`", manifest.path)).collect()
}

/// Whether the crate stands behind the lint wall.
pub(crate) fn without_lints(manifest: &Manifest) -> Vec<String> {
    let lints = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
    if lints.and_then(Value::as_bool) == Some(true) {
        return Vec::new();
    }
    vec![format!("{}: write `[lints]` and `workspace = true`", manifest.path)]
}

/// Features that must stay off, in any table of any manifest.
pub(crate) fn forbidden_features(file: &File) -> Vec<String> {
    let table: Table = file.text.parse().unwrap_or_default();
    let mut manifest = Manifest { name: String::new(), path: file.path.clone(), table };
    if let Some(Value::Table(workspace)) = manifest.table.get("workspace") {
        manifest.table = workspace.clone();
    }
    let mut found = Vec::new();
    for (name, value) in manifest.dependencies(TABLES) {
        let features = value.get("features").and_then(Value::as_array);
        for feature in features.into_iter().flatten().filter_map(Value::as_str) {
            if entry(FORBIDDEN_FEATURES, name).is_some_and(|bad| bad.contains(&feature)) {
                found.push(format!("{}: feature `{feature}` of `{name}`", file.path));
            }
        }
    }
    found
}

/// Lines of the table of versions that no comment above them, in the same block, explains.
pub(crate) fn unexplained_versions(workspace: &File) -> Vec<String> {
    let (mut inside, mut explained) = (false, false);
    let mut found = Vec::new();
    for (number, line) in workspace.numbered() {
        if line.starts_with('[') {
            (inside, explained) = (line == "[workspace.dependencies]", false);
        } else if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if inside && !explained && line.contains('=') {
            found.push(format!("{}:{number}: say in a comment what it is for", workspace.path));
        }
    }
    found
}
