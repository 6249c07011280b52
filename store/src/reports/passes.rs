//! Passes that run out: those whose last day comes soon, and packs with few visits left.

use domain::{
    money::Money,
    rows::{AccountKind, PassState},
};
use jiff::{ToSpan, civil::Date};

use super::{Asked, Cell, Name, Report, ReportError};
use crate::{
    books::{BookPass, Books},
    reader::Period,
};

/// Where no period is named, what ends within so many days runs out (our choice).
const DAYS: i64 = 30;
/// So many visits left are few (our choice).
const FEW: u32 = 2;

pub(super) async fn passes(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let columns = ["member", "tariff", "state", "last day", "visits left", "still to earn"];
    let mut report = Report::new(Name::Passes, asked, &columns);
    let today = asked.day(asked.now);
    let (from, until) = period(asked, today);
    let (planned, earned) = books.planned().await?;
    let mut waiting = Money::ZERO;
    let mut rows: Vec<(Option<Date>, u32, Vec<Cell>)> = Vec::new();
    books
        .passes(|found| {
            if !found.pass.earns_by_day() {
                waiting = waiting + found.pass.prepaid();
            }
            if runs_out(&found, (from, until), today) {
                let last = found.pass.valid_until;
                rows.push((last, found.member, line(&found, earned)));
            }
        })
        .await?;
    rows.sort_by_key(|(last, member, _)| (last.unwrap_or(Date::MAX), *member));
    report.rows = rows.into_iter().map(|(_, _, row)| row).collect();
    let accounts = books.accounts.values();
    let deferred = accounts.filter(|account| account.kind == AccountKind::Deferred);
    let ledger = deferred.map(|account| account.balance).sum();
    report.tie(
        "what all passes have still to earn, in deferred accounts",
        waiting + planned,
        ledger,
    );
    Ok(report)
}

/// The last days that count, and the first that no longer does.
fn period(asked: &Asked, today: Date) -> (Date, Date) {
    let from = match asked.period.since {
        since if since == Period::ALWAYS.since => today,
        since => asked.day(since),
    };
    let until = match asked.period.until {
        until if until == Period::ALWAYS.until => from.max(today).saturating_add(DAYS.days()),
        until => asked.day(until),
    };
    (from, until)
}

fn runs_out(found: &BookPass, (from, until): (Date, Date), today: Date) -> bool {
    let pass = &found.pass;
    let ends = pass.valid_until.is_some_and(|last| last >= from && last < until);
    let goes_on = pass.valid_until.is_none_or(|last| last >= today);
    let few = pass.visits_free().is_some_and(|left| (1..=FEW).contains(&left));
    pass.state != PassState::Cancelled && (ends || (few && goes_on))
}

fn line(found: &BookPass, earned: Option<Date>) -> Vec<Cell> {
    let pass = &found.pass;
    let left = match pass.earns_by_day() {
        false => pass.prepaid(),
        true => {
            let days = pass.earnings().into_iter();
            let to_come = days.filter(|(day, _)| earned.is_some_and(|next| *day >= next));
            to_come.map(|(_, amount)| amount).sum()
        }
    };
    vec![
        Cell::text(found.member.to_string()),
        Cell::text(pass.tariff.to_string()),
        Cell::text(pass.state.name()),
        pass.valid_until.map_or(Cell::Empty, Cell::Day),
        pass.visits_free().map_or(Cell::Empty, |left| Cell::text(left.to_string())),
        Cell::Money(left),
    ]
}
