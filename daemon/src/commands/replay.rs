//! `kari replay`: the decisions on record, decided again with other rules. Nothing is written.

mod again;
mod report;

use anyhow::Context;
use domain::{facts::Policy as _, scope::ParamTable, time::Timestamp};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{civil::DateTime, tz::TimeZone};
use rules::set::RuleSet;
use store::{
    identity::Expected,
    place::Place,
    reader::{Period, Reader},
};

use crate::{
    cli::{Exit, ReplayArgs},
    commands::check,
    config::Installation,
    database, values,
};
use report::Report;

/// So many records are in memory at once.
const PAGE: u32 = 500;

/// A time on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// An instant.
    Instant(jiff::Timestamp),
    /// What a clock of the site shows.
    Local(DateTime),
}

impl When {
    /// A date, a date and time, or an instant with its offset.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        let local = text.parse().map(Self::Local);
        local.map_err(|_| {
            "write a date such as 2026-07-01, a time such as 2026-07-01T08:00, or one with its \
             offset such as 2026-07-01T08:00+04:00"
                .to_owned()
        })
    }

    /// The instant, by the clock of a zone.
    pub(crate) fn at(self, zone: &TimeZone) -> anyhow::Result<Timestamp> {
        Ok(match self {
            Self::Instant(instant) => instant.into(),
            Self::Local(local) => zone.to_timestamp(local)?.into(),
        })
    }
}

/// Decides the records again, and tells what changes.
pub(crate) async fn replay(args: &ReplayArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(args.site.site.as_deref())?;
    let looked = check::look_at(&installation, &args.rules).await?;
    let set = match looked.loaded {
        Ok(checked) => checked.set,
        Err(problems) => {
            check::complain(&args.rules, &problems);
            tell!("kari: nothing was decided again; correct the rule files and try again");
            return Ok(Exit::Invalid);
        }
    };
    let period = period(args, &installation.site.time_zone)?;
    let simulated = installation.state.join("simulation");
    let (place, state) = match args.simulated {
        true => (&Place::file(simulated.join("kari.db")), &simulated),
        false => (&installation.database, &installation.state),
    };
    anyhow::ensure!(
        database::may_be_there(place, state),
        "there are no records at `{place}` yet; start the site by `kari run`"
    );
    let reader = match args.simulated {
        true => Reader::open_expected(place, Expected::Any).await?,
        false => database::reader(&installation).await?,
    };
    let values = values::above(set.values(), &looked.kept);
    let mut report = ask(&reader, period, (&set, &values), &installation).await?;
    report.name(&reader).await?;
    reader.close().await;
    if json {
        say!("{}", serde_json::to_string(&report.told())?);
    } else {
        report.print(&installation, &args.rules);
    }
    Ok(Exit::Done)
}

fn period(args: &ReplayArgs, zone: &TimeZone) -> anyhow::Result<Period> {
    let at = |when: Option<When>, else_at| when.map_or(Ok(else_at), |when| when.at(zone));
    let since = at(args.since, Period::ALWAYS.since)?;
    let until = at(args.until, Period::ALWAYS.until)?;
    anyhow::ensure!(since < until, "--since is not before --until; exchange them");
    Ok(Period { since, until })
}

/// Asks page by page.
async fn ask(
    reader: &Reader,
    period: Period,
    (set, values): (&RuleSet, &ParamTable),
    installation: &Installation,
) -> anyhow::Result<Report> {
    let site = &installation.site;
    let template = "deciding again {bar:30} {pos}/{len}, {eta} left";
    let style = ProgressStyle::with_template(template)?;
    let bar = ProgressBar::new(reader.about_in(period).await?).with_style(style);
    let mut report = Report::new(set.hash(), &site.currency);
    let mut after = None;
    loop {
        let page = reader.decisions_in(period, after, PAGE).await;
        let page = page.context("cannot read the records")?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for decision in &page {
            let again = again::decide(decision, (set, values), &site.time_zone);
            report.take(decision, again, &site.time_zone);
        }
        bar.inc(u64::try_from(page.len())?);
    }
    bar.finish_and_clear();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_sites_clock_unless_they_name_an_offset() {
        let zone = TimeZone::get("Asia/Tbilisi").unwrap();
        let noon: Timestamp = "2026-07-01T08:00:00Z".parse::<jiff::Timestamp>().unwrap().into();
        for text in ["2026-07-01T12:00", "2026-07-01 12:00:00", "2026-07-01T12:00+04:00"] {
            assert_eq!(When::parse(text).unwrap().at(&zone).unwrap(), noon, "{text}");
        }
        let midnight = When::parse("2026-07-01").unwrap().at(&zone).unwrap();
        assert_eq!(noon.since(midnight).whole_seconds(), 12 * 3600);
        for text in ["", "yesterday", "2026-13-01", "12:00"] {
            assert!(When::parse(text).is_err(), "{text}");
        }
    }
}
