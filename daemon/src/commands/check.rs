//! `kari check`: configuration, data and rules, with file, line, column and what to do; nothing is changed.

use domain::{
    state::{Snapshot, State},
    time::Clock,
};
use rules::{bundle::Bundle, problem::Problem};
use serde::Serialize;

use crate::{
    cli::{Exit, SiteArg},
    clock::RealClock,
    config::Installation,
    data, running,
};

#[derive(Serialize)]
struct Report {
    valid: bool,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    notes: Vec<String>,
    rule_set: Option<String>,
}

/// Checks a site's folder.
pub(crate) fn check(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(site.site.as_deref())?;
    let rows = data::read(&installation.data(), &installation.site, 0, RealClock.now())?;
    let state = State::load(installation.site.clone(), Snapshot::default(), 0, 0);
    let names = running::names(&installation, &state, &rows);
    let bundle = Bundle::read(&installation.rules())?;
    let notes = installation.links.notes();
    let report = match rules::load::load(&bundle, &names) {
        Ok(checked) => Report {
            valid: true,
            problems: Vec::new(),
            warnings: checked.warnings,
            notes,
            rule_set: Some(bundle.hash()),
        },
        Err(problems) => {
            Report { valid: false, problems, warnings: Vec::new(), notes, rule_set: None }
        }
    };
    let valid = report.valid;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&installation, &report, rows.len());
    }
    Ok(if valid { Exit::Done } else { Exit::Invalid })
}

fn print(installation: &Installation, report: &Report, rows: usize) {
    for problem in &report.problems {
        eprintln!("error: {}/{problem}", installation.rules().display());
    }
    for warning in &report.warnings {
        eprintln!("warning: {}/{warning}", installation.rules().display());
    }
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    match &report.rule_set {
        Some(hash) => println!(
            "{}: {} gates, {} zones, {rows} rows of data, rule set {}: in order",
            installation.folder.display(),
            installation.site.gates.len(),
            installation.site.zones.len(),
            crate::reload::short(hash),
        ),
        None => println!(
            "{}: {} in the rule files; nothing was changed",
            installation.folder.display(),
            match report.problems.len() {
                1 => "1 mistake".to_owned(),
                many => format!("{many} mistakes"),
            },
        ),
    }
}
