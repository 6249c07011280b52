//! `kari export`: the journal of the ledger for other programs.

mod chart;
mod mapped;
mod plain;

use std::collections::HashMap;

use anyhow::Context;
use domain::{
    money::{Currency, Money},
    time::{Clock as _, Timestamp},
};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use store::{
    books::{BookEntry, Books},
    reader::Period,
};

use crate::{
    cli::{Exit, ExportArgs, ExportAs},
    clock::RealClock,
    commands::report::period,
    config::Installation,
    database,
    output::{self, Output},
};
use chart::Chart;

/// What an export is made of.
struct Export<'a> {
    books: &'a mut Books,
    chart: &'a Chart,
    zone: TimeZone,
    period: Period,
    /// The site's name.
    title: &'a str,
    /// The site's currency.
    currency: &'a Currency,
    /// The balances before the period, by account; empty where it begins with the ledger.
    opening: Vec<Money>,
    /// The balances at its end, as Kari keeps them.
    closing: Vec<Money>,
    bar: ProgressBar,
}

/// Exports the journal.
pub(crate) async fn export(args: &ExportArgs) -> anyhow::Result<Exit> {
    output::spares(&[args.mapping.as_deref()], args.output.as_deref())?;
    let installation = Installation::open(Some(&args.site))?;
    output::needs_file(args.output.as_deref(), args.target == ExportAs::Xlsx)?;
    let site = &installation.site;
    let asked = period(args.from, args.until, &site.time_zone)?;
    let mapping = mapped::Mapping::read(args.mapping.as_deref())?;
    let reader = database::reader(&installation).await?;
    let mut books = Books::open(&reader).await?;
    let owners = if args.people { books.owners().await? } else { HashMap::new() };
    let chart = Chart::of(&books.accounts, args.people.then_some(&owners));
    let opening = match asked.since == Period::ALWAYS.since {
        true => chart.sums(&HashMap::new()),
        false => chart.sums(&books.balances(asked.since).await?),
    };
    let closing = if asked.until == Period::ALWAYS.until {
        let rows = books.accounts.iter().map(|(id, row)| (*id, row.balance));
        chart.sums(&rows.collect())
    } else {
        chart.sums(&books.balances(asked.until).await?)
    };
    let template = "exporting {bar:30} {pos}/{len}, {eta} left";
    let bar = ProgressBar::new(books.count(asked).await?);
    let mut export = Export {
        books: &mut books,
        chart: &chart,
        zone: site.time_zone.clone(),
        period: asked,
        title: &site.name,
        currency: &site.currency,
        opening,
        closing,
        bar: bar.with_style(ProgressStyle::with_template(template)?),
    };
    let mut output = Output::open(args.output.as_deref())?;
    let to = &mut output;
    let written = match args.target {
        ExportAs::Hledger => plain::hledger(&mut export, to).await,
        ExportAs::Beancount => plain::beancount(&mut export, to).await,
        ExportAs::Csv => mapped::csv(&mut export, &mapping, to).await,
        ExportAs::Xlsx => mapped::xlsx(&mut export, &mapping, to).await,
    };
    export.bar.finish_and_clear();
    // The view holds a connection, and closing waits for all of them.
    drop(books);
    reader.close().await;
    output.end(written)?;
    Ok(Exit::Done)
}

impl Export<'_> {
    /// Calls `each` with the transactions in the order of their time, each with its local day;
    /// then holds what they add up to against Kari's balances.
    async fn walk(
        &mut self,
        mut each: impl FnMut(Date, &BookEntry, &[Line]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Date>> {
        let mut sums = self.opening.clone();
        let mut last = None;
        let (chart, zone, bar) = (self.chart, &self.zone, &self.bar);
        let walked = self.books.walk(self.period, |_, entry| {
            let lines: anyhow::Result<Vec<Line>> =
                entry.postings.iter().map(|(id, amount)| chart.line(*id, *amount)).collect();
            let lines = lines?;
            for line in &lines {
                let sum = sums.get_mut(line.account).context("an account is missing")?;
                *sum = *sum - line.amount;
            }
            let day = domain::windows::local_date(entry.at, zone);
            last = Some(day);
            bar.inc(1);
            each(day, &entry, &lines)
        });
        walked.await?;
        for (account, (sum, balance)) in chart.accounts.iter().zip(sums.iter().zip(&self.closing)) {
            anyhow::ensure!(
                sum == balance,
                "the transactions of {} come to {} minor units and its balance is {}; nothing \
                 was exported; run `kari verify`",
                account.name,
                sum.minor(),
                balance.minor()
            );
        }
        Ok(last)
    }

    fn day(&self, at: Timestamp) -> Date {
        domain::windows::local_date(at, &self.zone)
    }

    /// The day of the first transaction, or that on which the period begins.
    async fn first_day(&mut self) -> anyhow::Result<Date> {
        if self.period.since != Period::ALWAYS.since {
            return Ok(self.day(self.period.since));
        }
        let first = self.books.first().await?;
        Ok(self.day(first.unwrap_or_else(|| RealClock.now())))
    }

    /// The last day of the period; where it has no end, that of the last transaction.
    fn last_day(&self, last: Option<Date>, first: Date) -> Date {
        if self.period.until == Period::ALWAYS.until {
            return last.unwrap_or(first);
        }
        let before = Timestamp::from_micros(self.period.until.micros() - 1);
        self.day(before).max(last.unwrap_or(first))
    }
}

/// A posting as other programs have it: what the site has and is owed is above zero.
struct Line {
    account: usize,
    amount: Money,
}

/// The day after a day.
fn next(day: Date) -> Date {
    day.saturating_add(1.day())
}

/// The number of a transaction: the daemon, and its place in the chain.
fn number(entry: &BookEntry) -> String {
    format!("{}-{}", entry.daemon, entry.seq)
}
