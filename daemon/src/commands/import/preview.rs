//! `kari import --preview`: how columns were found, and the first rows as the import would take
//! them, checked like those of a dry run.

use std::collections::BTreeMap;

use super::{Brought, Ours, Taken, notes, take};
use crate::{
    cli::ImportArgs,
    config::Installation,
    import::{
        mapping::{Origin, Plan},
        source::Row,
    },
};

/// Shows how the table would be taken.
pub(super) async fn show(
    args: &ImportArgs,
    installation: &Installation,
    (brought, mut rows): (&Brought, Vec<Ours>),
    (count, json): (usize, bool),
) -> anyhow::Result<()> {
    let Brought { table, plan, .. } = brought;
    rows.truncate(count);
    // Where a needed column comes from nowhere every row would be wrong for that alone.
    let taken = match plan.missing().is_empty() && !rows.is_empty() {
        true => take(args, installation, brought, rows.clone()).await?,
        false => Taken::default(),
    };
    let shown = table.rows.iter().zip(&rows).map(|(row, ours)| Shown::of(row, ours, &taken));
    if json {
        let rows: Vec<_> = shown.map(|row| row.in_json(plan)).collect();
        let columns: BTreeMap<&str, &Origin> =
            plan.columns.iter().map(|(column, origin)| (column.name, origin)).collect();
        let all = serde_json::json!({
            "as": plan.kind.name(), "headings": table.headings, "columns": columns,
            "missing": plan.missing(), "unused": plan.unused, "notes": table.notes(),
            "rows": rows,
        });
        say!("{all}");
        return Ok(());
    }
    say!("{} rows of {}", table.rows.len(), plan.kind.name());
    columns(brought);
    for note in notes(brought) {
        say!("  {note}");
    }
    if let Some(before) = &taken.outcome.before {
        say!("  this file was imported on {before}, in the same way");
    }
    shown.for_each(|row| row.print(plan));
    Ok(())
}

/// Prints where each column comes from.
fn columns(Brought { table, plan, .. }: &Brought) {
    for (column, origin) in &plan.columns {
        let from = match origin {
            Origin::Constant(value) => format!("is always `{value}`"),
            Origin::Columns(places) => {
                let names = places.iter().filter_map(|at| table.headings.get(*at));
                let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
                format!("from {}", names.join(" and "))
            }
        };
        say!("  {:<18} {from}", column.name);
    }
    for name in plan.missing() {
        say!("  {name:<18} is needed and comes from nowhere");
    }
}

/// A row as it would be taken.
struct Shown<'a> {
    line: u64,
    cells: &'a [String],
    wrong: Vec<String>,
    worked_out: &'a [(String, String)],
}

impl<'a> Shown<'a> {
    fn of(row: &Row, ours: &'a Ours, taken: &'a Taken) -> Self {
        let told = taken.bad.get(&row.line).cloned();
        let (cells, wrong) = match ours {
            Ok((cells, faults)) => {
                let faults = faults.iter().map(|it| format!("{}: {}", it.column, it.why));
                (&cells[..], told.unwrap_or_else(|| faults.collect()))
            }
            Err(why) => (&[][..], vec![why.clone()]),
        };
        let worked_out = taken.worked_out.get(&row.line).map_or(&[][..], Vec::as_slice);
        Self { line: row.line, cells, wrong, worked_out }
    }

    fn in_json(&self, plan: &Plan) -> serde_json::Value {
        if !self.wrong.is_empty() {
            return serde_json::json!({ "row": self.line, "wrong": self.wrong });
        }
        let names = plan.columns.iter().map(|(column, _)| column.name);
        let cells: BTreeMap<&str, &String> = names.zip(self.cells).collect();
        let found: BTreeMap<&String, &String> =
            self.worked_out.iter().map(|(name, cell)| (name, cell)).collect();
        serde_json::json!({ "row": self.line, "cells": cells, "worked_out": found })
    }

    fn print(&self, plan: &Plan) {
        say!("row {}", self.line);
        for why in &self.wrong {
            say!("  wrong: {why}");
        }
        if !self.wrong.is_empty() {
            return;
        }
        for ((column, _), cell) in plan.columns.iter().zip(self.cells) {
            say!("  {:<18} {cell}", column.name);
        }
        for (name, cell) in self.worked_out {
            say!("  {name:<18} {cell}, worked out from the tariff");
        }
    }
}
