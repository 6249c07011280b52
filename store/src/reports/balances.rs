//! What stands in accounts of people and of passes: debts, wallets, deferred revenue.

use std::collections::{BTreeMap, HashMap};

use domain::{ids::AccountId, ledger::Purpose, money::Money, rows::AccountKind, time::Timestamp};

use super::{Asked, Cell, Name, Report, ReportError, moved};
use crate::{
    books::{Accounts, Books},
    error::ReadError,
    reader::Period,
};

/// The last days of the ages of debts; what is older is in the last column.
const AGES: [i64; 3] = [7, 30, 90];

/// A debt, and since when it is there.
#[derive(Clone, Copy, Debug, Default)]
struct Debt {
    wallet: Money,
    unpaid: Money,
    since: Option<Timestamp>,
}

impl Debt {
    fn amount(&self) -> Money {
        let owed = |balance: Money| Money::ZERO.max(-balance);
        owed(self.wallet) + owed(self.unpaid)
    }
}

pub(super) async fn debts(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let debts = match asked.is_now() {
        true => debts_now(&books.accounts),
        false => debts_at(books, asked.end()).await?,
    };
    let owners = books.owners().await?;
    let columns = [
        "member",
        "account",
        "since",
        "days",
        "up to 7 days",
        "8 to 30",
        "31 to 90",
        "over 90",
        "owed",
    ];
    let mut report = Report::new(Name::Debts, asked, &columns);
    let mut rows: Vec<(i64, AccountId, Debt)> = Vec::new();
    for (id, debt) in debts.into_iter().filter(|(_, debt)| debt.amount() > Money::ZERO) {
        let age = debt.since.map_or(0, |since| asked.end().since(since).whole_seconds() / 86_400);
        rows.push((age, id, debt));
    }
    rows.sort_by_key(|(age, id, _)| (-age, *id));
    let sum: Money = rows.iter().map(|(_, _, debt)| debt.amount()).sum();
    for (age, id, debt) in rows {
        let place = AGES.iter().position(|last| age <= *last).unwrap_or(AGES.len());
        let column = |of: usize| if of == place { debt.amount() } else { Money::ZERO };
        let number = owners.get(&id).map_or(Cell::Empty, |number| Cell::text(number.to_string()));
        let since = debt.since.map_or(Cell::Empty, |since| Cell::Day(asked.day(since)));
        let mut row = vec![number, Cell::text(id.to_string()), since, Cell::text(age.to_string())];
        row.extend((0..=AGES.len()).map(|of| Cell::Money(column(of))));
        row.push(Cell::Money(debt.amount()));
        report.rows.push(row);
    }
    let sums = books.balances(asked.end_of_postings()).await?;
    let personal = |id: &AccountId| books.accounts.get(id).is_some_and(|of| of.kind.is_personal());
    let below = sums.iter().filter(|(id, sum)| personal(id) && **sum < Money::ZERO);
    let ledger: Money = below.map(|(_, sum)| -*sum).sum();
    report.tie("postings of wallets and receivables that are below zero, turned", sum, ledger);
    Ok(report)
}

fn debts_now(accounts: &Accounts) -> HashMap<AccountId, Debt> {
    let wallets = accounts.iter().filter(|(_, row)| row.kind == AccountKind::Wallet);
    let debt = |(id, row): (&AccountId, &crate::books::BookAccount)| {
        let unpaid = accounts.get(&id.beside()).map_or(Money::ZERO, |row| row.balance);
        (*id, Debt { wallet: row.balance, unpaid, since: row.debt_since })
    };
    wallets.map(debt).collect()
}

/// The debts at an instant of the past, from the postings until then.
async fn debts_at(
    books: &mut Books,
    end: Timestamp,
) -> Result<HashMap<AccountId, Debt>, ReportError> {
    let before = Period { since: Period::ALWAYS.since, until: end };
    let mut debts: HashMap<AccountId, Debt> = HashMap::new();
    books
        .walk(before, |accounts, entry| {
            let kind_of = |id: &AccountId| accounts.get(id).map(|account| account.kind);
            let mut touched = Vec::new();
            for (id, amount) in &entry.postings {
                match kind_of(id) {
                    Some(AccountKind::Wallet) => {
                        let debt = debts.entry(*id).or_default();
                        debt.wallet = debt.wallet + *amount;
                        touched.push(*id);
                    }
                    Some(AccountKind::Receivable) => {
                        let debt = debts.entry(id.beside()).or_default();
                        debt.unpaid = debt.unpaid + *amount;
                        touched.push(id.beside());
                    }
                    _ => {}
                }
            }
            for id in touched {
                let debt = debts.entry(id).or_default();
                let owes = debt.amount() > Money::ZERO;
                debt.since = owes.then(|| debt.since.unwrap_or(entry.at));
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    Ok(debts)
}

pub(super) async fn wallets(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let is_wallet = |kind| kind == AccountKind::Wallet;
    let before = Period { since: Period::ALWAYS.since, until: asked.period.since };
    let start = moved(&books.movements(before).await?, is_wallet, |_| true);
    let mut lines: BTreeMap<Purpose, (i64, Money, Money)> = BTreeMap::new();
    books
        .walk(asked.period, |accounts, entry| {
            for (id, amount) in &entry.postings {
                if accounts.get(id).is_some_and(|account| is_wallet(account.kind)) {
                    let (count, up, down) = lines.entry(entry.purpose).or_default();
                    *count += 1;
                    let side = if *amount > Money::ZERO { up } else { down };
                    *side = *side + *amount;
                }
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = ["what", "postings", "more owed", "less owed", "owed"];
    let mut report = Report::new(Name::Wallets, asked, &columns);
    let at_start = [Cell::text("at the start"), Cell::Empty, Cell::Empty, Cell::Empty];
    report.rows.push(at_start.into_iter().chain([Cell::Money(start)]).collect());
    let mut end = start;
    for (purpose, (count, up, down)) in lines {
        end = end + up + down;
        report.rows.push(vec![
            Cell::text(purpose.name()),
            Cell::Count(count),
            Cell::Money(up),
            Cell::Money(down),
            Cell::Money(up + down),
        ]);
    }
    let balances = balances(books, asked, is_wallet).await?;
    let sum = |of: fn(&Money) -> bool| balances.values().filter(|row| of(row)).copied().sum();
    let above: Money = sum(|row| *row > Money::ZERO);
    let below: Money = sum(|row| *row < Money::ZERO);
    report.tie("balances of wallets at the end", end, above + below);
    report.tie("balances of wallets that are above zero", end - below, above);
    Ok(report)
}

/// The balances at the end of what was asked: of now as they stand in the accounts, of the past by
/// the postings.
async fn balances(
    books: &mut Books,
    asked: &Asked,
    kind: impl Fn(AccountKind) -> bool,
) -> Result<HashMap<AccountId, Money>, ReportError> {
    if asked.is_now() {
        let rows = books.accounts.iter().filter(|(_, row)| kind(row.kind));
        return Ok(rows.map(|(id, row)| (*id, row.balance)).collect());
    }
    let mut sums = books.balances(asked.end()).await?;
    sums.retain(|id, _| books.accounts.get(id).is_some_and(|row| kind(row.kind)));
    Ok(sums)
}

pub(super) async fn deferred(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let is_deferred = |kind| kind == AccountKind::Deferred;
    let before = Period { since: Period::ALWAYS.since, until: asked.period.since };
    // At the start, sold, taken back, earned.
    let mut lines: BTreeMap<String, [Money; 4]> = BTreeMap::new();
    for (moved, amount) in books.movements(before).await? {
        if is_deferred(moved.kind) {
            let line = lines.entry(moved.subject.into()).or_default();
            line[0] = line[0] + amount;
        }
    }
    books
        .walk(asked.period, |accounts, entry| {
            for (id, amount) in &entry.postings {
                let Some(account) = accounts.get(id).filter(|row| is_deferred(row.kind)) else {
                    continue;
                };
                let place = match entry.purpose {
                    Purpose::Recognition => 3,
                    _ if *amount > Money::ZERO => 1,
                    _ => 2,
                };
                let line = lines.entry(account.subject.to_string()).or_default();
                line[place] = line[place] + *amount;
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = ["tariff", "at the start", "sold", "taken back", "earned", "still to earn"];
    let mut report = Report::new(Name::Deferred, asked, &columns);
    let mut end = Money::ZERO;
    for (tariff, amounts) in lines {
        let left: Money = amounts.into_iter().sum();
        end = end + left;
        let cells = amounts.into_iter().chain([left]).map(Cell::Money);
        report.rows.push([Cell::Text(tariff)].into_iter().chain(cells).collect());
    }
    let ledger = balances(books, asked, is_deferred).await?.into_values().sum();
    report.tie("balances of deferred accounts at the end", end, ledger);
    Ok(report)
}
