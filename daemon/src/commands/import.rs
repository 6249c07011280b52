//! `kari import`: a table that somebody brings, checked as a whole and taken as one thing, by the
//! daemon that runs or by a loop of this command's own.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use domain::ids::ImportId;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use store::place::Place;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Exit, ImportArgs},
    clock::{RealClock, SiteClock},
    commands::run,
    config::Installation,
    import::{
        Line, Order, Outcome, Told,
        cells::Fault,
        kinds::Kind,
        mapping::{Mapping, Origin, Plan},
        report,
        source::{self, Cell, Row, Table, listed},
        translate::Translator,
        wire,
    },
    output,
    running::{self, Awake, Start},
};

mod preview;

/// The longest cell of our own format.
const CELL_MAX: usize = 1000;
/// So many bad rows are told one by one.
const TOLD_MAX: usize = 20;

/// A table with the way in which it is taken.
struct Brought {
    table: Table,
    mapping: Mapping,
    plan: Plan,
    id: ImportId,
}

/// Takes in a table.
pub(crate) async fn import(args: &ImportArgs, json: bool) -> anyhow::Result<Exit> {
    sensible(args)?;
    let installation = Installation::open(Some(&args.site))?;
    let brought = match bring(args)? {
        Ok(brought) => brought,
        Err(why) => {
            tell!("kari: {why}");
            return Ok(Exit::Invalid);
        }
    };
    if let Some(path) = &args.write_mapping {
        return write_mapping(path, &brought);
    }
    if !brought.plan.doubled.is_empty() {
        tell!("kari: {}", brought.plan.doubled.join("; "));
        return Ok(Exit::Invalid);
    }
    let rows = translated(&brought, &installation);
    if let Some(count) = args.preview {
        if let Some(path) = &args.errors {
            let path = path.display();
            tell!("kari: `--preview` writes no bad rows to `{path}`; `--dry-run` does");
        }
        preview::show(args, &installation, (&brought, rows), (count, json)).await?;
        return Ok(Exit::Done);
    }
    let missing = brought.plan.missing();
    if !missing.is_empty() {
        tell!(
            "kari: no column of the file was found for {}; headings are {}; \
             `--write-mapping FILE.toml` writes a mapping to correct",
            missing.join(", "),
            brought.table.named()
        );
        return Ok(Exit::Invalid);
    }
    let taken = take(args, &installation, &brought, rows).await?;
    write_bad(args, &installation, &brought, &taken)?;
    conclude(args, &brought, &taken, json)
}

/// Refuses what was asked for and cannot be meant, before anything is read.
fn sensible(args: &ImportArgs) -> anyhow::Result<()> {
    let inputs = [Some(args.file.as_path()), args.mapping.as_deref()];
    for output in [&args.errors, &args.write_mapping] {
        output::spares(&inputs, output.as_deref())?;
    }
    Ok(())
}

/// Writes a mapping to begin with; one that is there already may have been corrected by hand.
fn write_mapping(path: &Path, brought: &Brought) -> anyhow::Result<Exit> {
    let text = brought.plan.written(&brought.table);
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "`{}` is there already and stays as it is; name another file, or remove it first",
            path.display()
        ),
        written => written.with_context(|| format!("cannot write `{}`", path.display()))?,
    }
    tell!("kari: `{}` is written; correct it, then try `--preview 3`", path.display());
    Ok(Exit::Done)
}

/// Reads the file and finds its columns; the inner error is a mistake in what was brought.
fn bring(args: &ImportArgs) -> anyhow::Result<Result<Brought, String>> {
    let (mapping, text) = match &args.mapping {
        Some(path) => Mapping::read(path)?,
        None => (Mapping::default(), String::new()),
    };
    let Some(kind) = args.kind.or(mapping.kind) else {
        bail!("say what the rows are, such as `--as members`");
    };
    if args.beside && kind != Kind::Passes {
        bail!("`--beside` is about passes; leave it out for {}", kind.name());
    }
    let bytes = source::bytes(&args.file)?;
    let name = args.file.display();
    let table = match Table::read(&bytes, &mapping.dialect(args.sheet.as_deref())) {
        Ok(table) => table,
        Err(error) => return Ok(Err(format!("`{name}`: {error:#}"))),
    };
    let plan = match mapping.plan(kind, &table) {
        Ok(plan) => plan,
        Err(why) => return Ok(Err(why)),
    };
    let mut hash = blake3::Hasher::new();
    let beside = if args.beside { " beside" } else { "" };
    let how = format!("{} {:?} {:?}{beside}", kind.name(), args.existing, args.sheet);
    for part in [how.as_bytes(), text.as_bytes(), &bytes] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let id = ImportId::from(hash.finalize().to_hex().as_str());
    Ok(Ok(Brought { table, mapping, plan, id }))
}

/// What is to be said of a table though it is taken.
fn notes(brought: &Brought) -> Vec<String> {
    let unused = &brought.plan.unused;
    let unused = (!unused.is_empty()).then(|| format!("not used: `{}`", unused.join("`, `")));
    unused.into_iter().chain(brought.table.notes()).collect()
}

/// A row in our own format and the cells of it that are wrong, or why it is no row at all.
type Ours = Result<(Vec<String>, Vec<Fault>), String>;

/// Writes the rows that are bad. Those of an earlier try are gone from the file where none is bad
/// any more.
fn write_bad(
    args: &ImportArgs,
    installation: &Installation,
    brought: &Brought,
    taken: &Taken,
) -> anyhow::Result<()> {
    let Some(path) = &args.errors else { return Ok(()) };
    let was_checked = taken.outcome.before.is_none();
    if taken.bad.is_empty() && !(was_checked && path.is_file()) {
        return Ok(());
    }
    let translator = translator(brought, installation);
    let is_other_kind = |at: usize, cell: &Cell| {
        let mut columns = brought.plan.columns.iter();
        columns.any(|(column, origin)| {
            origin.places().contains(&at) && translator.is_other_kind(column, cell)
        })
    };
    report::write(path, (&brought.table, &is_other_kind), &taken.bad)?;
    if taken.bad.is_empty() {
        tell!("kari: no row is bad; `{}` has none any more", path.display());
    }
    Ok(())
}

/// Reads cells as the mapping and the site say.
fn translator<'a>(brought: &'a Brought, installation: &Installation) -> Translator<'a> {
    let today = domain::time::Clock::now(&RealClock).to_calendar();
    let year = today.to_zoned(installation.site.time_zone.clone()).year();
    let site = (&*installation.site, installation.country);
    Translator::new(&brought.mapping, site, year)
}

/// The rows in our own format.
fn translated(brought: &Brought, installation: &Installation) -> Vec<Ours> {
    let translator = translator(brought, installation);
    brought.table.rows.iter().map(|row| ours(&brought.plan, &translator, row)).collect()
}

fn ours(plan: &Plan, translator: &Translator<'_>, row: &Row) -> Ours {
    if let Some(why) = &row.broken {
        return Err(why.clone());
    }
    let mut faults = Vec::new();
    let mut cells = Vec::with_capacity(plan.columns.len());
    for (column, origin) in &plan.columns {
        let mut wrong = |why| faults.push(Fault { column: column.name.to_owned(), why });
        let cell = match origin {
            Origin::Constant(value) => value.clone(),
            Origin::Columns(places) => {
                let given = places.iter().filter_map(|at| row.cells.get(*at));
                let (mut parts, mut is_whole) = (Vec::new(), true);
                for part in given.map(|cell| translator.cell(column, cell)) {
                    match part {
                        Ok(part) => parts.push(part),
                        Err(why) => {
                            is_whole = false;
                            wrong(why);
                        }
                    }
                }
                let whole = parts.join(" ").trim().to_owned();
                if is_whole { whole } else { String::new() }
            }
        };
        if cell.chars().count() > CELL_MAX {
            wrong(format!("it has more than {CELL_MAX} signs"));
        }
        cells.push(cell);
    }
    Ok((cells, faults))
}

/// What became of the rows.
#[derive(Default)]
struct Taken {
    outcome: Outcome,
    /// Those that are bad, each with all that is wrong with it.
    bad: BTreeMap<u64, Vec<String>>,
    /// Those with cells that were worked out, each with its columns and values.
    worked_out: BTreeMap<u64, Vec<(String, String)>>,
}

/// Hands the rows to the site, and tells what became of them.
async fn take(
    args: &ImportArgs,
    installation: &Installation,
    brought: &Brought,
    rows: Vec<Ours>,
) -> anyhow::Result<Taken> {
    let mut taken = Taken::default();
    let mut good = Vec::with_capacity(rows.len());
    for (row, ours) in brought.table.rows.iter().zip(rows) {
        match ours {
            Ok((cells, faults)) => good.push(Line::Row(row.line, cells, faults)),
            Err(why) => drop(taken.bad.insert(row.line, vec![why])),
        }
    }
    let file = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let order = Order {
        id: brought.id.clone(),
        kind: brought.plan.kind,
        file,
        columns: brought.plan.columns.iter().map(|(column, _)| column.name.to_owned()).collect(),
        existing: args.existing,
        beside: args.beside,
        skip_bad: args.skip_bad,
        dry_run: args.dry_run || args.preview.is_some(),
        new_groups: brought.mapping.new_groups.clone(),
        bad: u64::try_from(taken.bad.len())?,
    };
    let total = u64::try_from(good.len())?;
    let (door, alone) = open(installation, order).await?;
    let (sender, told) = door;
    tokio::spawn(async move {
        for line in good.into_iter().chain([Line::End]) {
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    let listened = listen(args, told, total, &mut taken).await;
    if let Some(alone) = alone {
        alone.awake.sleep().await?;
        alone.apart.map_or(Ok(()), std::fs::remove_dir_all)?;
    }
    listened?;
    Ok(taken)
}

/// A loop of this command's own.
struct Alone {
    awake: Awake,
    /// Its state folder, where it is to go again.
    apart: Option<PathBuf>,
}

type Door = (mpsc::Sender<Line>, mpsc::Receiver<Told>);

/// The daemon that runs, or a loop of our own.
async fn open(installation: &Installation, order: Order) -> anyhow::Result<(Door, Option<Alone>)> {
    if let Some(door) = wire::send(&installation.socket(), order.clone()).await? {
        return Ok((door, None));
    }
    // A site that was never started is made in a folder that goes again, where nothing may change.
    let made = order.dry_run && !installation.has_database();
    let apart = std::env::temp_dir().join(format!("kari-import-{}", std::process::id()));
    let made_at = Place::file(apart.join("kari.db"));
    let (state, database) = match made {
        true => (&apart, &made_at),
        false => (&installation.state, &installation.database),
    };
    let start = Start {
        clock: SiteClock::Real(RealClock),
        seed: run::seed(),
        ended: CancellationToken::new(),
        new_database: false,
        waits: None,
    };
    let awake = running::wake(installation, (state, database), start).await?;
    let (rows, rows_in) = mpsc::channel(1024);
    let (told_out, told) = mpsc::channel(1024);
    tokio::spawn(awake.importer.clone().run(order, rows_in, told_out));
    Ok(((rows, told), Some(Alone { awake, apart: made.then_some(apart) })))
}

/// Hears how it goes, to its end.
async fn listen(
    args: &ImportArgs,
    mut told: mpsc::Receiver<Told>,
    total: u64,
    taken: &mut Taken,
) -> anyhow::Result<()> {
    let mut progress = Progress::new(args.progress, total)?;
    while let Some(one) = told.recv().await {
        match one {
            Told::Bad { line, why } => drop(taken.bad.insert(line, why)),
            Told::WorkedOut { line, cells } => drop(taken.worked_out.insert(line, cells)),
            Told::Checked { rows } => progress.at("checked", rows, total),
            Told::In { done, of } => progress.at("imported", u64::from(done), u64::from(of)),
            Told::Over(outcome) => {
                progress.bar.finish_and_clear();
                taken.outcome = outcome;
                return Ok(());
            }
            Told::Refused { why } => {
                progress.bar.finish_and_clear();
                bail!(why);
            }
        }
    }
    progress.bar.finish_and_clear();
    bail!(
        "the daemon went away before it said how the import ended; start it and import the same \
         file again: it says whether all of it is in"
    )
}

/// A bar where somebody watches, lines where they are asked for.
struct Progress {
    bar: ProgressBar,
    lines: bool,
    last: (&'static str, u64),
}

impl Progress {
    fn new(asked: bool, total: u64) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}")?;
        let bar = ProgressBar::new(total).with_style(style);
        Ok(Self { lines: asked && bar.is_hidden(), bar, last: ("", 0) })
    }

    fn at(&mut self, what: &'static str, done: u64, of: u64) {
        self.bar.set_message(what);
        self.bar.set_length(of);
        self.bar.set_position(done);
        let tenth = done.saturating_mul(10).checked_div(of).unwrap_or(10);
        if self.lines && self.last != (what, tenth) {
            tell!("{what} {done} of {of}");
            self.last = (what, tenth);
        }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a Path>,
    unused: &'a [String],
    notes: Vec<String>,
    worked_out: Vec<serde_json::Value>,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    row: u64,
    why: &'a [String],
}

/// Tells how it ended.
fn conclude(
    args: &ImportArgs,
    brought: &Brought,
    taken: &Taken,
    json: bool,
) -> anyhow::Result<Exit> {
    let Taken { outcome, bad, worked_out } = taken;
    let errors = args.errors.as_deref().filter(|_| !bad.is_empty());
    if json {
        let problems = bad.iter().map(|(row, why)| Problem { row: *row, why }).collect();
        let cells = worked_out.iter().map(|(row, cells)| worked_out_object(*row, cells));
        let summary = Summary {
            outcome,
            dry_run: args.dry_run,
            errors,
            unused: &brought.plan.unused,
            notes: brought.table.notes(),
            worked_out: cells.collect(),
            problems,
        };
        say!("{}", serde_json::to_string(&summary)?);
    }
    if let Some(before) = &outcome.before {
        tell!("kari: this file was imported on {before}, in the same way; nothing was done");
        return Ok(Exit::Done);
    }
    for note in notes(brought) {
        tell!("kari: {note}");
    }
    if !worked_out.is_empty() {
        let rows: Vec<u64> = worked_out.keys().copied().collect();
        tell!("kari: empty cells are worked out from the tariffs in rows {}", listed(&rows));
    }
    for (row, why) in bad.iter().take(TOLD_MAX).filter(|_| !json) {
        tell!("row {row}: {}", why.join("; "));
    }
    if bad.len() > TOLD_MAX && !json {
        tell!("… and {} more bad rows", bad.len() - TOLD_MAX);
    }
    if let Some(path) = errors {
        tell!("kari: the bad rows are in `{}`; correct them there and import it", path.display());
    }
    let Outcome { new, changed, skipped, .. } = outcome;
    let counted = format!("{new} new, {changed} changed, {skipped} passed over, {} bad", bad.len());
    let (what, exit) = match (outcome.imported, args.dry_run, bad.is_empty()) {
        (true, ..) => ("imported", Exit::Done),
        (_, true, true) => ("a dry run, nothing is changed; all rows are good", Exit::Done),
        (_, true, false) => ("a dry run, nothing is changed", Exit::Invalid),
        (_, _, true) => ("there is nothing to import", Exit::Done),
        (_, _, false) if args.skip_bad => ("no row is good, nothing is imported", Exit::Invalid),
        (..) => ("nothing is imported; correct the bad rows, or say `--skip-bad`", Exit::Invalid),
    };
    tell!("kari: {what}: {counted}");
    Ok(exit)
}

/// The cells of a row that were worked out.
fn worked_out_object(row: u64, cells: &[(String, String)]) -> serde_json::Value {
    let cells: BTreeMap<&String, &String> = cells.iter().map(|(name, cell)| (name, cell)).collect();
    serde_json::json!({ "row": row, "cells": cells })
}
