//! `kari check`: configuration, data, rules and plugins, with file, line, column and what to do;
//! nothing is changed.

use std::path::Path;

use anyhow::Context;
use devices::pin::PinKey;
use domain::{
    rows::{ParamKey, SetParam},
    state::{Snapshot, State},
    time::Clock,
};
use rules::{
    bundle::Bundle,
    load::{Checked, Names},
    problem::Problem,
};
use serde::Serialize;

use crate::{
    cli::{Exit, SiteArg},
    clock::RealClock,
    config::Installation,
    data, names, values,
};

#[derive(Serialize)]
struct Report {
    valid: bool,
    problems: Vec<Problem>,
    plugins: Vec<Problem>,
    warnings: Vec<Problem>,
    notes: Vec<String>,
    rule_set: Option<String>,
}

/// A site's data and rule files, read without a daemon.
pub(crate) struct Looked {
    /// How many rows of data there are.
    pub(crate) rows: usize,
    /// The rule files.
    pub(crate) bundle: Bundle,
    /// What they may speak of.
    pub(crate) names: Names,
    /// The values of the database.
    pub(crate) kept: Vec<(ParamKey, SetParam)>,
    /// What they come to.
    pub(crate) loaded: Result<Checked, Vec<Problem>>,
}

/// Reads the data and the rule files of a site.
pub(crate) async fn look(installation: &Installation) -> anyhow::Result<Looked> {
    look_at(installation, &installation.rules()).await
}

/// The same with the rule files of another `folder`.
pub(crate) async fn look_at(installation: &Installation, folder: &Path) -> anyhow::Result<Looked> {
    let rows = data::read(
        &installation.data(),
        &installation.site,
        (0, &PinKey::default()),
        RealClock.now(),
    )?
    .rows;
    let state = State::load(installation.site.clone(), Snapshot::default(), 0, 0);
    let mut names = names::of(installation, &state);
    rows.iter().for_each(|row| names::learn(&mut names, row));
    let kept = values::kept(installation).await.unwrap_or_else(|error| {
        tracing::warn!("the values of the database cannot be read: {error:#}");
        Vec::new()
    });
    names.kept = values::of(&kept);
    let bundle = Bundle::read(folder)
        .with_context(|| format!("cannot read the rule files of `{}`", folder.display()))?;
    let loaded = rules::load::load(&bundle, &names);
    Ok(Looked { rows: rows.len(), bundle, names, kept, loaded })
}

/// Checks a site's folder.
pub(crate) async fn check(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(site.site.as_deref())?;
    let Looked { rows, bundle, loaded, .. } = look(&installation).await?;
    let plugins = plugins(&installation.folder.join("plugins"))?;
    let report = Report {
        valid: loaded.is_ok() && plugins.is_empty(),
        rule_set: loaded.is_ok().then(|| bundle.hash()),
        notes: installation.links.notes(),
        plugins,
        warnings: loaded.as_ref().map(|checked| checked.warnings.clone()).unwrap_or_default(),
        problems: loaded.err().unwrap_or_default(),
    };
    let valid = report.valid;
    if json {
        say!("{}", serde_json::to_string(&report)?);
    } else {
        print(&installation, &report, rows);
    }
    Ok(if valid { Exit::Done } else { Exit::Invalid })
}

/// What is wrong with the manifests of the site's plugins.
fn plugins(folder: &Path) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    if !folder.is_dir() {
        return Ok(problems);
    }
    for entry in std::fs::read_dir(folder)? {
        let plugin = entry?.path();
        if plugin.is_dir()
            && let Err(found) = plugins::manifest::read(&plugin)
        {
            problems.extend(found);
        }
    }
    problems.sort();
    Ok(problems)
}

/// Tells what is wrong with the rule files, one under the other.
pub(crate) fn complain(folder: &Path, problems: &[Problem]) {
    for problem in problems {
        tell!("error: {}/{problem}", folder.display());
    }
}

fn print(installation: &Installation, report: &Report, rows: usize) {
    complain(&installation.rules(), &report.problems);
    for problem in &report.plugins {
        tell!("error: {}/plugins/{problem}", installation.folder.display());
    }
    for warning in &report.warnings {
        tell!("warning: {}/{warning}", installation.rules().display());
    }
    for note in &report.notes {
        tell!("note: {note}");
    }
    match report.rule_set.as_ref().filter(|_| report.valid) {
        Some(hash) => say!(
            "{}: {} gates, {} zones, {rows} rows of data, rule set {}: in order",
            installation.folder.display(),
            installation.site.gates.len(),
            installation.site.zones.len(),
            crate::reload::short(hash),
        ),
        None => say!(
            "{}: {} in the rule files and plugins; nothing was changed",
            installation.folder.display(),
            match report.problems.len() + report.plugins.len() {
                1 => "1 mistake".to_owned(),
                many => format!("{many} mistakes"),
            },
        ),
    }
}
