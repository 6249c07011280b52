//! `kari params`: what the parameters do, what this site sets them to, and which value is in force
//! at one place. Read from the site's folder and database, as `kari check` does; a daemon is needed
//! only to set one.

mod explain;
mod set;

use std::path::Path;

use anyhow::bail;
use domain::{
    facts::Policy as _,
    params::{
        CATALOGUE, Param, ParamSpec, Value,
        manual::{Entry, Shape},
    },
    rows::{ParamKey, SetParam},
    scope::{ParamTable, Place, Scope, ScopeKind},
};
use rules::{load::Names, problem::did_you_mean, set::RuleSet, vocabulary::variable};
use serde::Serialize;

use crate::{
    cli::{Exit, ParamsCommand},
    commands::check,
    config::Installation,
    values,
};

/// What is told of one parameter: its row, and what the site makes of it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    entry: Entry,
    /// Its name as a check writes it.
    in_checks: &'static str,
    /// The value in force where nothing more than the site is known.
    value: String,
    /// Every value that the rule files and the database set.
    set: Vec<SetValue>,
}

/// One value that a rule file or the database sets.
#[derive(Serialize)]
struct SetValue {
    scope: Scope,
    value: String,
    /// The rule file, or `database`.
    file: String,
    line: u16,
    /// Who set it in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl SetValue {
    fn of(loaded: &Loaded, param: Param, scope: &Scope, value: &Value) -> Self {
        let is_this = |key: &ParamKey| key.param == param && key.scope == *scope;
        let kept = loaded.kept.iter().find(|(key, _)| is_this(key));
        let (file, line) = match kept {
            Some(_) => ("database", 0),
            None => loaded.set.set_at(param, scope).unwrap_or_default(),
        };
        let by = kept.map(|(_, row)| row.by.to_string());
        let value = value.written(param);
        Self { scope: scope.clone(), value, file: file.to_owned(), line, by }
    }

    fn place(&self) -> String {
        match &self.by {
            Some(by) => format!("database, by {by}"),
            None => format!("{}:{}", self.file, self.line),
        }
    }

    fn row(&self, mark: &str) -> [String; 4] {
        [self.scope.to_string(), self.value.clone(), self.place(), mark.to_owned()]
    }
}

/// Answers a question about parameters.
pub(crate) async fn params(what: ParamsCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        ParamsCommand::List { site, group } => {
            list(site.site.as_deref(), group.as_deref(), json).await
        }
        ParamsCommand::Get { site, name } => get(&site, &name, json).await,
        ParamsCommand::Explain(args) => explain::explain(&args, json).await,
        ParamsCommand::Set(args) => set::set(&args, json).await,
    }
}

/// A site whose rule files are in order.
struct Loaded {
    installation: Installation,
    names: Names,
    set: RuleSet,
    /// What the database sets.
    kept: Vec<(ParamKey, SetParam)>,
    /// All values: those of the files, and above them those of the database.
    values: ParamTable,
}

/// Reads a site; nothing where its rule files are not in order, which is told.
async fn load(site: Option<&Path>) -> anyhow::Result<Option<Loaded>> {
    let installation = Installation::open(site)?;
    let check::Looked { names, kept, loaded, .. } = check::look(&installation).await?;
    match loaded {
        Ok(checked) => {
            let values = values::above(checked.set.values(), &kept);
            Ok(Some(Loaded { installation, names, set: checked.set, kept, values }))
        }
        Err(problems) => {
            check::complain(&installation.rules(), &problems);
            Ok(None)
        }
    }
}

/// The parameter of this name.
fn find(name: &str) -> anyhow::Result<Param> {
    let Some(param) = Param::of(name) else {
        let help = did_you_mean(name, CATALOGUE.iter().map(|spec| spec.name), || {
            "`kari params list` names them all".to_owned()
        });
        bail!("no parameter is called `{name}`\n  help: {help}");
    };
    Ok(param)
}

fn told(loaded: &Loaded, spec: &ParamSpec) -> Told {
    let (param, table) = (spec.param, &loaded.values);
    let value = table.resolve(param, &Place::default()).value.written(param);
    let all = table.all(param).map(|(scope, value)| SetValue::of(loaded, param, scope, value));
    Told { entry: spec.entry(), in_checks: variable(param), value, set: all.collect() }
}

async fn list(site: Option<&Path>, group: Option<&str>, json: bool) -> anyhow::Result<Exit> {
    let chosen = chosen(group)?;
    let Some(loaded) = load(site).await? else { return Ok(Exit::Invalid) };
    let all: Vec<_> = chosen.into_iter().map(|spec| told(&loaded, spec)).collect();
    if json {
        say!("{}", serde_json::to_string(&all)?);
        return Ok(Exit::Done);
    }
    let mut group = "";
    for told in &all {
        if told.entry.group != group {
            say!("{}{}", if group.is_empty() { "" } else { "\n" }, told.entry.group);
            group = told.entry.group;
        }
        let unit = in_brackets(told.entry.unit);
        let Entry { number, name, .. } = told.entry;
        say!("{number:>4}  {name:<32}  {:<28}  {}{unit}", source(told), told.value);
    }
    Ok(Exit::Done)
}

/// The rows of a group: its letter, or the first part of the names.
fn chosen(group: Option<&str>) -> anyhow::Result<Vec<&'static ParamSpec>> {
    let Some(group) = group else { return Ok(CATALOGUE.iter().collect()) };
    let letter = format!("{}. ", group.to_ascii_uppercase());
    let first = |spec: &ParamSpec| spec.name.split('.').next().unwrap_or_default();
    let is_chosen = |spec: &&ParamSpec| spec.group.starts_with(&letter) || first(spec) == group;
    let chosen: Vec<_> = CATALOGUE.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        let help = did_you_mean(group, CATALOGUE.iter().map(first), || {
            "write a letter from A to J, or the first part of a name, such as `debt`".to_owned()
        });
        bail!("no group of parameters is called `{group}`\n  help: {help}");
    }
    Ok(chosen)
}

/// Where the value of the whole site comes from.
fn source(told: &Told) -> String {
    let own = told.set.iter().find(|set| set.scope == Scope::Site);
    let own_place = own.map_or_else(|| "default".to_owned(), SetValue::place);
    match told.set.len() - usize::from(own.is_some()) {
        0 => own_place,
        more => format!("{own_place} and {more} more"),
    }
}

fn in_brackets(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" ({unit})") }
}

async fn get(site: &Path, name: &str, json: bool) -> anyhow::Result<Exit> {
    let param = find(name)?;
    let Some(loaded) = load(Some(site)).await? else { return Ok(Exit::Invalid) };
    let told = told(&loaded, param.spec());
    if json {
        say!("{}", serde_json::to_string(&told)?);
        return Ok(Exit::Done);
    }
    let entry = &told.entry;
    say!("{}  {}\n{}\n", entry.number, entry.name, entry.sentence);
    let kinds =
        |kinds: &[ScopeKind]| kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let events: Vec<_> = entry.events.iter().map(|letter| letter.name()).collect();
    let mut lines = vec![
        ("values", values(entry)),
        ("unit", entry.unit.to_owned()),
        ("default", entry.default.clone()),
    ];
    for own in &entry.class_defaults {
        lines.push(("", format!("{} for {}", own.value, own.class_in_words)));
    }
    lines.extend([
        ("set for", kinds(entry.scopes)),
        ("several", entry.merge_in_words.clone()),
        ("stricter", entry.stricter_in_words.to_owned()),
        ("events", events.join(", ")),
        ("in checks", told.in_checks.to_owned()),
    ]);
    for (what, text) in lines.iter().filter(|(_, text)| !text.is_empty()) {
        say!("{what:<9}  {text}");
    }
    say!();
    if told.set.is_empty() {
        say!("neither a rule file nor the database sets it");
    }
    let rows: Vec<_> = told.set.iter().map(|set| set.row("")).collect();
    print_rows(&rows);
    Ok(Exit::Done)
}

/// The values of a row for people; those of a list stand from lax to strict.
fn values(entry: &Entry) -> String {
    let is_list = matches!(entry.values, Shape::Choice { .. });
    let order = if is_list { " (from lax to strict)" } else { "" };
    format!("{}{order}", entry.values_in_words)
}

/// Rows of scope, value, place and mark, in columns.
fn print_rows(rows: &[[String; 4]]) {
    let widths: [usize; 4] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        say!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
