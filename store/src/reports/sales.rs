//! Sales by tariff and item.

use std::collections::BTreeMap;

use domain::{basket::LOST_BAND, ledger::Purpose, money::Money, order::Sells, rows::AccountKind};

use super::{Asked, Cell, Name, Report, ReportError, moved};
use crate::{
    books::{Accounts, BookEntry, Books},
    error::ReadError,
};

type Key = (AccountKind, String);

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    count: i64,
    sold: Money,
    back: Money,
}

/// The accounts that a sale moves, besides how it is paid and its tax.
const KINDS: [AccountKind; 7] = [
    AccountKind::SalesRevenue,
    AccountKind::Deferred,
    AccountKind::PassRevenue,
    AccountKind::EntryRevenue,
    AccountKind::SurchargeRevenue,
    AccountKind::OverstayRevenue,
    AccountKind::Discounts,
];

pub(super) async fn sales(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let mut lines: BTreeMap<Key, Line> = BTreeMap::new();
    books
        .walk(asked.period, |accounts, entry| {
            if is_sale(entry.purpose) {
                count(&mut lines, &entry);
                add(&mut lines, accounts, &entry);
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = ["what", "item", "count", "sold", "taken back", "net"];
    let mut report = Report::new(Name::Sales, asked, &columns);
    let movements = books.movements(asked.period).await?;
    for kind in KINDS {
        let of = lines.iter().filter(|((of, _), _)| *of == kind);
        let sum = of.map(|(_, line)| line.sold + line.back).sum();
        let ledger = moved(&movements, |of| of == kind, is_sale);
        if lines.keys().any(|(of, _)| *of == kind) || !ledger.is_zero() {
            report.tie(format!("{} accounts, without tax, by sales", kind.name()), sum, ledger);
        }
    }
    for ((kind, item), line) in lines {
        report.rows.push(vec![
            Cell::text(what(kind)),
            Cell::Text(item),
            Cell::Count(line.count),
            Cell::Money(line.sold),
            Cell::Money(line.back),
            Cell::Money(line.sold + line.back),
        ]);
    }
    Ok(report)
}

/// What moves these accounts and is no sale: what is earned later, and what an import brought.
const fn is_sale(purpose: Purpose) -> bool {
    !matches!(purpose, Purpose::Recognition | Purpose::Opening)
}

const fn what(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::SalesRevenue => "goods",
        AccountKind::Deferred => "pass",
        AccountKind::PassRevenue => "pass, earned at once",
        AccountKind::EntryRevenue => "entry",
        AccountKind::SurchargeRevenue => "surcharge",
        AccountKind::OverstayRevenue => "overstay",
        _ => "discount",
    }
}

fn add(lines: &mut BTreeMap<Key, Line>, accounts: &Accounts, entry: &BookEntry) {
    for (id, amount) in &entry.postings {
        let Some(account) = accounts.get(id).filter(|account| KINDS.contains(&account.kind)) else {
            continue;
        };
        let line = lines.entry((account.kind, account.subject.to_string())).or_default();
        // A discount lessens what was sold; one that is taken back comes with what comes back.
        if (*amount > Money::ZERO) == (account.kind != AccountKind::Discounts) {
            line.sold = line.sold + *amount;
        } else {
            line.back = line.back + *amount;
        }
        if entry.receipt.is_none() {
            line.count += amount.minor().signum();
        }
    }
}

fn count(lines: &mut BTreeMap<Key, Line>, entry: &BookEntry) {
    let Some(receipt) = &entry.receipt else { return };
    let sign = if receipt.takes_back.is_some() { -1 } else { 1 };
    for line in &receipt.lines {
        let key = match &line.sells {
            Sells::Good(good) => (AccountKind::SalesRevenue, good.to_string()),
            Sells::LostBand { .. } => (AccountKind::SalesRevenue, LOST_BAND.to_owned()),
            Sells::Tariff { tariff, .. } => (AccountKind::Deferred, tariff.to_string()),
            _ => continue,
        };
        lines.entry(key).or_default().count += i64::from(line.count) * sign;
    }
}
