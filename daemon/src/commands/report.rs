//! `kari report`: what the ledger says, added up for people.

use std::io::Write;

use domain::{
    money::{Currency, Money},
    time::Clock as _,
};
use jiff::tz::TimeZone;
use store::{
    reader::Period,
    reports::{self, Asked, Cell, Name, Report},
};

use crate::{
    cli::{Exit, ReportArgs, ReportFormat},
    clock::RealClock,
    commands::replay::When,
    config::Installation,
    database, output,
    sheet::{Sheet, Style},
};

/// Makes a report, or lists them.
pub(crate) async fn report(args: &ReportArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&args.site))?;
    let Some(name) = args.name.as_deref() else {
        list(json);
        return Ok(Exit::Done);
    };
    let Some(name) = Name::of(name) else {
        anyhow::bail!("there is no report `{name}`; `kari report DIR` lists them");
    };
    let site = &installation.site;
    let asked = Asked {
        period: period(args.from, args.until, &site.time_zone)?,
        zone: site.time_zone.clone(),
        now: RealClock.now(),
        currency: site.currency.code,
        gates: site.gates.iter().map(|(id, gate)| (id.clone(), gate.inner.clone())).collect(),
    };
    let reader = database::reader(&installation).await?;
    let report = reports::report(&reader, name, &asked).await?;
    reader.close().await;
    let format = args.format.unwrap_or(if json { ReportFormat::Json } else { ReportFormat::Table });
    output::needs_file(args.output.as_deref(), format == ReportFormat::Xlsx)?;
    output::write_to(args.output.as_deref(), |to| told(&report, format, &site.currency, to))?;
    Ok(Exit::Done)
}

fn list(json: bool) {
    let words = Name::ALL.iter().map(|name| name.words());
    if json {
        let rows: Vec<_> = words
            .map(|(name, tells)| serde_json::json!({ "name": name, "tells": tells }))
            .collect();
        say!("{}", serde_json::Value::from(rows));
        return;
    }
    for (name, tells) in words {
        say!("{name:10} {tells}");
    }
}

/// A time from a day or instant on, before another one.
pub(crate) fn period(
    from: Option<When>,
    until: Option<When>,
    zone: &TimeZone,
) -> anyhow::Result<Period> {
    let at = |when: Option<When>, else_at| when.map_or(Ok(else_at), |when| when.at(zone));
    let since = at(from, Period::ALWAYS.since)?;
    let until = at(until, Period::ALWAYS.until)?;
    anyhow::ensure!(since < until, "--from is not before --until; exchange them");
    Ok(Period { since, until })
}

fn told(
    report: &Report,
    format: ReportFormat,
    currency: &Currency,
    mut to: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut sheet = match format {
        ReportFormat::Table => return table(report, currency, to),
        ReportFormat::Json => return Ok(writeln!(to, "{}", object(report, currency))?),
        ReportFormat::Csv => Sheet::csv(&mut to, Style::default())?,
        ReportFormat::Xlsx => Sheet::xlsx(&mut to, currency.minor_digits, "%Y-%m-%d"),
    };
    sheet.headings(&headings(report))?;
    for row in &report.rows {
        sheet.row(row, currency)?;
    }
    sheet.close()
}

/// The headings, with the currency where there are amounts.
fn headings(report: &Report) -> Vec<String> {
    let heading = |(place, column): (usize, &&str)| match report.totals_have(place) {
        Some(Cell::Money(_)) => format!("{column}, {}", report.currency),
        _ => (*column).to_owned(),
    };
    report.columns.iter().enumerate().map(heading).collect()
}

fn object(report: &Report, currency: &Currency) -> serde_json::Value {
    let amount = |money: Money| currency.exact(money).to_string();
    let value = |cell: &Cell| match cell {
        Cell::Empty => serde_json::Value::Null,
        Cell::Count(count) => (*count).into(),
        cell => Style::default().text(cell, currency).into(),
    };
    let named = |row: &Vec<Cell>| -> serde_json::Map<String, serde_json::Value> {
        let columns = report.columns.iter().map(|column| column.replace([' ', ','], "_"));
        columns.zip(row.iter().map(value)).collect()
    };
    let ties = report.ties.iter().map(|tie| {
        let (lines, ledger) = (amount(tie.lines), amount(tie.ledger));
        serde_json::json!({ "what": tie.what, "lines": lines, "ledger": ledger })
    });
    // One object of totals, or one for each block.
    let mut totals: Vec<serde_json::Value> =
        report.totals.iter().map(named).map(serde_json::Value::from).collect();
    let totals = match report.has_blocks() {
        true => totals.into(),
        false => totals.pop().unwrap_or_default(),
    };
    serde_json::json!({
        "report": report.name.words().0,
        "currency": report.currency.as_str(),
        "rows": report.rows.iter().map(named).collect::<Vec<_>>(),
        "totals": totals,
        "ties": ties.collect::<Vec<_>>(),
    })
}

/// A table for people: amounts to the right, the totals below a line, then the proof.
fn table(report: &Report, currency: &Currency, to: &mut dyn Write) -> anyhow::Result<()> {
    let style = Style::default();
    let text = |row: &Vec<Cell>| -> Vec<String> {
        row.iter().map(|cell| style.text(cell, currency)).collect()
    };
    let headings = headings(report);
    let rows: Vec<Vec<String>> = report.rows.iter().map(text).collect();
    let totals: Vec<Vec<String>> = report.totals.iter().map(text).collect();
    let width = |place: usize| {
        let all = rows.iter().chain(&totals).chain([&headings]);
        let cells = all.filter_map(|row| row.get(place));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(place, (cell, width))| match report.totals_have(place) {
            Some(Cell::Money(_) | Cell::Count(_)) => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(to, "{}", line(&headings))?;
    let mut rest = rows.iter().zip(&report.rows).peekable();
    for (total, block) in totals.iter().zip(&report.totals) {
        let is_of = |row: &Vec<Cell>| !report.has_blocks() || row.first() == block.first();
        while let Some((row, _)) = rest.next_if(|(_, row)| is_of(row)) {
            writeln!(to, "{}", line(row))?;
        }
        writeln!(to, "{}", "-".repeat(widths.iter().sum::<usize>() + widths.len() * 2))?;
        writeln!(to, "{}", line(total))?;
        if report.has_blocks() {
            writeln!(to)?;
        }
    }
    for tie in &report.ties {
        let (lines, ledger) = (currency.exact(tie.lines), currency.exact(tie.ledger));
        writeln!(to, "{}: {lines} here, {ledger} in the ledger", tie.what)?;
    }
    Ok(())
}
