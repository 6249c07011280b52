//! Reports from the ledger. Each adds up the postings line by line, and is told only where its
//! totals are those that the database finds in the accounts behind it.

mod balances;
mod passes;
mod sales;
mod takings;
mod vat;
mod visits;

use std::collections::BTreeMap;

use domain::{
    ids::{DeviceId, ZoneId},
    ledger::Purpose,
    money::{CurrencyCode, Money},
    rows::AccountKind,
    time::Timestamp,
};
use jiff::{civil::Date, tz::TimeZone};
use thiserror::Error;

use crate::{
    books::{Books, Moved},
    error::ReadError,
    reader::{Period, Reader},
};

/// What can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Takings of the day by terminal, operator and method.
    Takings,
    /// Sales by tariff and item.
    Sales,
    /// Value added tax by rate.
    Vat,
    /// Debts by age.
    Debts,
    /// What wallets are owed, and what moved it.
    Wallets,
    /// Prepaid passes that are not earned yet, by tariff.
    Deferred,
    /// Passes that run out.
    Passes,
    /// Visits by hour and zone.
    Visits,
}

impl Name {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Takings,
        Self::Sales,
        Self::Vat,
        Self::Debts,
        Self::Wallets,
        Self::Deferred,
        Self::Passes,
        Self::Visits,
    ];

    /// Its name on the command line, and what it tells.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Takings => ("takings", "takings of each day by terminal, operator and method"),
            Self::Sales => ("sales", "sales by tariff and item"),
            Self::Vat => ("vat", "value added tax by rate"),
            Self::Debts => ("debts", "debts by age, at the end of the period"),
            Self::Wallets => ("wallets", "what wallets are owed, and what moved it"),
            Self::Deferred => ("deferred", "prepaid passes that are not earned yet, by tariff"),
            Self::Passes => ("passes", "passes that run out: within 30 days, or 2 visits left"),
            Self::Visits => ("visits", "visits by hour and zone, with what was paid at the gate"),
        }
    }

    /// The report of this name.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.words().0 == word)
    }
}

/// The heading of a first column that names the parts of a report that add up by themselves.
const BLOCK: &str = "block";

/// A cell of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A word or a name.
    Text(String),
    /// How many.
    Count(i64),
    /// An amount of the report's currency.
    Money(Money),
    /// A local day.
    Day(Date),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// What the lines of a report come to, and what the ledger says of the same accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// Which accounts, and which of their movements.
    pub what: String,
    /// The sum of the report's lines.
    pub lines: Money,
    /// The ledger's own sum.
    pub ledger: Money,
}

/// A report whose totals are the ledger's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which one.
    pub name: Name,
    /// The currency of its amounts.
    pub currency: CurrencyCode,
    /// The headings.
    pub columns: Vec<&'static str>,
    /// The lines.
    pub rows: Vec<Vec<Cell>>,
    /// The sums of the columns of amounts and counts: of all rows, or of each block where a report
    /// has blocks, whose first column names them.
    pub totals: Vec<Vec<Cell>>,
    /// The proof.
    pub ties: Vec<Tie>,
}

/// Of which time, and by whose clock.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The period; balances are those at its end.
    pub period: Period,
    /// The zone of the site's local days.
    pub zone: TimeZone,
    /// The present.
    pub now: Timestamp,
    /// The currency of the site.
    pub currency: CurrencyCode,
    /// The gates, with the zone behind each.
    pub gates: BTreeMap<DeviceId, ZoneId>,
}

impl Asked {
    /// The instant of balances: the end of the period, or now where it is not over.
    fn end(&self) -> Timestamp {
        self.period.until.min(self.now)
    }
    /// Whether balances are those of now, which stand in the rows of accounts.
    fn is_now(&self) -> bool {
        self.period.until > self.now
    }
    /// The same for postings: what is told to happen later is in no balance of the past.
    fn end_of_postings(&self) -> Timestamp {
        if self.is_now() { Period::ALWAYS.until } else { self.end() }
    }
    fn day(&self, at: Timestamp) -> Date {
        domain::windows::local_date(at, &self.zone)
    }
}

/// A report cannot be told.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The database could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lines are not what the ledger says.
    #[error(
        "{what}: the lines come to {lines} minor units and the ledger to {ledger}; this is no \
         report; run `kari verify`, and tell those who maintain Kari"
    )]
    Untied {
        /// Which accounts.
        what: String,
        /// The sum of the lines.
        lines: i64,
        /// What the ledger says.
        ledger: i64,
    },
    /// There are accounts that the report would have to leave out.
    #[error("there are accounts in {other}; reports add up {site} alone, so export the journal")]
    Currencies {
        /// The other currency.
        other: CurrencyCode,
        /// The site's.
        site: CurrencyCode,
    },
}

/// What moved the accounts of some kinds, for some purposes.
fn moved(
    movements: &BTreeMap<Moved, Money>,
    kind: impl Fn(AccountKind) -> bool,
    purpose: impl Fn(Purpose) -> bool,
) -> Money {
    let of = movements.iter().filter(|(key, _)| kind(key.kind) && purpose(key.purpose));
    of.map(|(_, amount)| *amount).sum()
}

/// Makes a report.
///
/// # Errors
/// Where the database cannot be read, or the lines do not come to what the ledger says.
pub async fn report(reader: &Reader, name: Name, asked: &Asked) -> Result<Report, ReportError> {
    let mut books = Books::open(reader).await?;
    let other = books.accounts.values().find(|account| account.currency != asked.currency);
    if let Some(other) = other {
        return Err(ReportError::Currencies { other: other.currency, site: asked.currency });
    }
    let mut report = match name {
        Name::Takings => takings::takings(&mut books, asked).await?,
        Name::Sales => sales::sales(&mut books, asked).await?,
        Name::Vat => vat::vat(&mut books, asked).await?,
        Name::Debts => balances::debts(&mut books, asked).await?,
        Name::Wallets => balances::wallets(&mut books, asked).await?,
        Name::Deferred => balances::deferred(&mut books, asked).await?,
        Name::Passes => passes::passes(&mut books, asked).await?,
        Name::Visits => visits::visits(&mut books, asked).await?,
    };
    report.add_up();
    match report.ties.iter().find(|tie| tie.lines != tie.ledger) {
        None => Ok(report),
        Some(tie) => Err(ReportError::Untied {
            what: tie.what.clone(),
            lines: tie.lines.minor(),
            ledger: tie.ledger.minor(),
        }),
    }
}

impl Report {
    fn new(name: Name, asked: &Asked, columns: &[&'static str]) -> Self {
        let (columns, currency) = (columns.to_vec(), asked.currency);
        Self { name, currency, columns, rows: Vec::new(), totals: Vec::new(), ties: Vec::new() }
    }

    fn tie(&mut self, what: impl Into<String>, lines: Money, ledger: Money) {
        self.ties.push(Tie { what: what.into(), lines, ledger });
    }

    /// Whether it has parts that add up by themselves.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        self.columns.first() == Some(&BLOCK)
    }

    /// A total of a column of amounts or counts, whichever comes first.
    #[must_use]
    pub fn totals_have(&self, place: usize) -> Option<&Cell> {
        let totals = self.totals.iter().filter_map(|row| row.get(place));
        totals.into_iter().find(|cell| matches!(cell, Cell::Money(_) | Cell::Count(_)))
    }

    fn add_up(&mut self) {
        if !self.has_blocks() {
            self.totals = vec![self.totals_of(&self.rows)];
            return;
        }
        let blocks = self.rows.chunk_by(|one, next| one.first() == next.first());
        let total = |rows: &[Vec<Cell>]| {
            let mut total = self.totals_of(rows);
            if let Some((total, block)) = total.first_mut().zip(rows[0].first()) {
                *total = block.clone();
            }
            total
        };
        self.totals = blocks.map(total).collect();
    }

    fn totals_of(&self, rows: &[Vec<Cell>]) -> Vec<Cell> {
        let total = |place: usize| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            cells.fold(Cell::Empty, |sum, cell| match (sum, cell) {
                (Cell::Empty, Cell::Money(amount)) => Cell::Money(*amount),
                (Cell::Money(sum), Cell::Money(amount)) => Cell::Money(sum + *amount),
                (Cell::Empty, Cell::Count(count)) => Cell::Count(*count),
                (Cell::Count(sum), Cell::Count(count)) => Cell::Count(sum + count),
                (sum, _) => sum,
            })
        };
        (0..self.columns.len()).map(total).collect()
    }
}
