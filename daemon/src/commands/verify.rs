//! `kari verify`: the chains of journal and ledger, every other row, and the heads that are kept
//! outside the database.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use store::{
    reader::Reader,
    verify::{self, Finding, Progress, Report},
};

use crate::{
    cli::{Exit, SiteArg},
    config::Installation,
    database,
};

/// Between two steps of the bar.
const TICK: Duration = Duration::from_millis(200);
/// The most findings that are printed for people; `--json` has all of them.
const PRINTED_MAX: usize = 100;

/// Looks at the whole database, and names what is not what Kari wrote.
pub(crate) async fn verify(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(site.site.as_deref())?;
    let reader = database::reader(&installation).await?;
    let report = looked_at(&reader).await?;
    let found = report.findings();
    if json {
        say!("{}", as_json(&report, &found));
    } else {
        print(&report);
    }
    if found.is_empty() {
        return Ok(Exit::Done);
    }
    for finding in found.iter().take(PRINTED_MAX) {
        tell!("kari: {finding}");
    }
    if found.len() > PRINTED_MAX {
        tell!("kari: and {} more; `--json` names all of them", found.len() - PRINTED_MAX);
    }
    tell!(
        "kari: the database is not what Kari wrote; keep it as evidence, and restore the last \
         backup or ask who changed it"
    );
    Ok(Exit::Failed)
}

/// The report, with a bar while it is made.
async fn looked_at(reader: &Reader) -> anyhow::Result<Report> {
    // Where rows cannot be counted the report says why.
    let counts = reader.counts().await.unwrap_or_default();
    let template = "verifying {bar:30} {pos}/{len} rows, {eta} left";
    let bar = ProgressBar::new(counts.iter().map(|(_, rows)| rows).sum())
        .with_style(ProgressStyle::with_template(template)?);
    let progress = Arc::new(Progress::default());
    let mut ticks = tokio::time::interval(TICK);
    let mut work = std::pin::pin!(verify::all(reader, &progress));
    let report = loop {
        tokio::select! {
            report = &mut work => break report,
            _ = ticks.tick() => bar.set_position(progress.rows()),
        }
    };
    bar.finish_and_clear();
    Ok(report)
}

fn as_json(report: &Report, found: &[Finding]) -> serde_json::Value {
    let (journal, ledger) = (report.journal.as_ref().ok(), report.ledger.as_ref().ok());
    let rows = report.rows.as_ref().ok();
    let one = |found: &Finding| {
        let (table, row, why) = (&found.table, &found.row, &found.why);
        serde_json::json!({ "table": table, "row": row, "why": why })
    };
    serde_json::json!({
        "intact": found.is_empty(),
        "lines": journal.map(|journal| journal.lines),
        "forgotten": journal.map(|journal| journal.forgotten),
        "transactions": ledger.map(|ledger| ledger.transactions),
        "postings": ledger.map(|ledger| ledger.postings),
        "accounts": ledger.map(|ledger| ledger.accounts),
        "rows": rows.map(|rows| rows.rows),
        "tables": rows.map(|rows| rows.tables),
        "why": found.first().map(ToString::to_string),
        "findings": found.iter().map(one).collect::<Vec<_>>(),
    })
}

/// Says what is in order.
fn print(report: &Report) {
    if let Ok(journal) = &report.journal {
        say!("the journal is intact: {} lines, every hash right", journal.lines);
        if journal.forgotten > 0 {
            let forgotten = journal.forgotten;
            say!("{forgotten} records no longer tell who they were about, as the journal says");
        }
    }
    if let Ok(ledger) = &report.ledger {
        say!(
            "the ledger is intact: {} transactions, {} postings, {} balances right",
            ledger.transactions,
            ledger.postings,
            ledger.accounts
        );
    }
    if let Ok(rows) = &report.rows {
        say!(
            "all other rows are intact: {} rows, every seal right; {} tables, every sum right",
            rows.rows,
            rows.tables
        );
    }
    if report.heads.as_ref().is_ok_and(Vec::is_empty) {
        say!("the database has everything that the heads outside it stand for");
    }
}
