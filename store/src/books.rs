//! The books as reports and exports read them: one view of all accounts and transactions, however
//! long they are read and whatever is committed meanwhile.

use std::collections::{BTreeMap, HashMap};

use domain::{
    ids::{AccountId, TransactionId},
    ledger::Purpose,
    money::{CurrencyCode, Money},
    rows::{AccountKind, Earning, Pass},
    sales::Receipt,
    state::Noted,
    time::Timestamp,
};
use futures_util::TryStreamExt;
use jiff::civil::Date;
use uuid::Uuid;

use crate::{
    binds::{Value, bound},
    cells::{Cells, Names},
    error::ReadError,
    link::{Link, Row},
    reader::{Period, Reader},
    tables::Stored as _,
};

const ACCOUNTS: &str = "SELECT id, kind, subject, currency, balance, debt_since FROM account";
const ENTRIES: &str = "SELECT
        t.id, t.daemon, t.seq, t.at, t.charge_key, t.purpose, t.device, t.operator, t.note,
        p.account, p.amount, r.body
    FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id
    LEFT JOIN receipt r ON r.decision = t.decision AND r.transaction_id = t.id AND p.line = 1
    WHERE t.at >= $1 AND t.at < $2
    ORDER BY t.at, t.daemon, t.seq, p.line";
const COUNT: &str = "SELECT count(*) FROM ledger_transaction WHERE at >= $1 AND at < $2";
const FIRST: &str = "SELECT min(at) FROM ledger_transaction";
const MOVEMENTS: &str = "SELECT
        a.kind, a.subject, a.currency, t.purpose, CAST(sum(p.amount) AS BIGINT)
    FROM posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    JOIN account a ON a.id = p.account
    WHERE t.at >= $1 AND t.at < $2
    GROUP BY a.kind, a.subject, a.currency, t.purpose";
const BALANCES: &str = "SELECT p.account, CAST(sum(p.amount) AS BIGINT)
    FROM posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    WHERE t.at < $1
    GROUP BY p.account";
const PASSES: &str = "SELECT
        m.number, p.tariff, p.tariff_version, p.state, p.valid_from, p.valid_until,
        p.visits_left, p.visits_reserved, p.paid, p.sale
    FROM pass p JOIN member m ON m.id = p.member";
const EARNINGS: &str = "SELECT day, body FROM earning";
const NOTED: &str = "SELECT at, device, noted FROM journal
    WHERE kind = 'condition' AND at >= $1 AND at < $2 AND noted IS NOT NULL";
const MEMBERS: &str = "SELECT account, number FROM member";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 10] =
    [ACCOUNTS, ENTRIES, COUNT, FIRST, MOVEMENTS, BALANCES, MEMBERS, PASSES, EARNINGS, NOTED];

/// An account, with the balance that stands in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookAccount {
    /// What it is for.
    pub kind: AccountKind,
    /// Which of its kind; several daemons of a site have one each of the same kind and subject.
    pub subject: Box<str>,
    /// Its currency.
    pub currency: CurrencyCode,
    /// Its balance now.
    pub balance: Money,
    /// Since when there is a debt behind it.
    pub debt_since: Option<Timestamp>,
}

/// The accounts by their ids.
pub type Accounts = HashMap<AccountId, BookAccount>;

/// A transaction with its postings.
#[derive(Clone, Debug)]
pub struct BookEntry {
    /// Its id.
    pub id: TransactionId,
    /// Whose chain it is in.
    pub daemon: i64,
    /// Its place there.
    pub seq: i64,
    /// When it was booked.
    pub at: Timestamp,
    /// Its charge key.
    pub key: String,
    /// What it is about.
    pub purpose: Purpose,
    /// The gate or terminal.
    pub device: Option<String>,
    /// Who did it.
    pub operator: Option<String>,
    /// Why, where somebody said so.
    pub note: String,
    /// What was added to which account.
    pub postings: Vec<(AccountId, Money)>,
    /// The receipt that it stands on.
    pub receipt: Option<Box<Receipt>>,
}

/// What identifies accounts that belong together, and what moved them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// The kind of account.
    pub kind: AccountKind,
    /// Its subject.
    pub subject: Box<str>,
    /// Its currency.
    pub currency: CurrencyCode,
    /// What the transactions were about.
    pub purpose: Purpose,
}

/// A pass, and who holds it.
#[derive(Clone, Debug)]
pub struct BookPass {
    /// The number of its holder.
    pub member: u32,
    /// The pass.
    pub pass: Pass,
}

/// The books, as they were when they were opened.
#[derive(Debug)]
pub struct Books {
    view: Link,
    /// The accounts.
    pub accounts: Accounts,
}

impl Books {
    /// Opens the books.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn open(reader: &Reader) -> Result<Self, ReadError> {
        let failed = ReadError::of("the ledger");
        let mut view = reader.pool.view().await.map_err(&failed)?;
        let mut accounts = HashMap::new();
        let mut names = Names::default();
        let none = bound(reader.pool.dialect(), []).map_err(&failed)?;
        let mut rows = view.stream(ACCOUNTS, none);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let mut cells = Cells::of_row("account", &row, &mut names)?;
            let id = AccountId(cells.id()?);
            let account = BookAccount {
                kind: cells.word(AccountKind::of)?,
                subject: cells.text()?.as_ref().into(),
                currency: cells.word(CurrencyCode::of)?,
                balance: Money(cells.take()?),
                debt_since: cells.maybe_at()?,
            };
            accounts.insert(id, account);
        }
        drop(rows);
        Ok(Self { view, accounts })
    }

    /// How many transactions there are in a period.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count(&mut self, period: Period) -> Result<u64, ReadError> {
        let count: i64 =
            self.view.value(COUNT, times(period)).await.map_err(ReadError::of("the ledger"))?;
        Ok(count.cast_unsigned())
    }

    /// When the first transaction was booked.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn first(&mut self) -> Result<Option<Timestamp>, ReadError> {
        let at: Option<i64> =
            self.view.value(FIRST, []).await.map_err(ReadError::of("the ledger"))?;
        Ok(at.map(Timestamp::from_micros))
    }

    /// Walks along the transactions of a period in the order of their time. Only one of them is in
    /// memory at once.
    ///
    /// # Errors
    /// Where the database cannot be read, or `each` fails.
    pub async fn walk<E: From<ReadError>>(
        &mut self,
        period: Period,
        mut each: impl FnMut(&Accounts, BookEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = ReadError::of("the ledger");
        let mut names = Names::default();
        let values = bound(self.view.dialect(), times(period)).map_err(&failed)?;
        let mut rows = self.view.stream(ENTRIES, values);
        let mut open: Option<BookEntry> = None;
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let mut cells = Cells::of_row("ledger_transaction", &row, &mut names)?;
            let (entry, posting) = read_entry(&mut cells)?;
            match open.take() {
                Some(mut known) if known.id == entry.id => {
                    known.postings.push(posting);
                    open = Some(known);
                }
                before => {
                    if let Some(before) = before {
                        each(&self.accounts, before)?;
                    }
                    open = Some(BookEntry { postings: vec![posting], ..entry });
                }
            }
        }
        open.map_or(Ok(()), |last| each(&self.accounts, last))
    }

    /// What moved the accounts in a period, added up by the database.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn movements(&mut self, period: Period) -> Result<BTreeMap<Moved, Money>, ReadError> {
        let failed = ReadError::of("the ledger");
        let rows = self.view.rows(MOVEMENTS, times(period)).await.map_err(&failed)?;
        let mut names = Names::default();
        let mut all = BTreeMap::new();
        for row in &rows {
            let mut cells = Cells::of_row("posting", row, &mut names)?;
            let moved = Moved {
                kind: cells.word(AccountKind::of)?,
                subject: cells.text()?.as_ref().into(),
                currency: cells.word(CurrencyCode::of)?,
                purpose: cells.word(Purpose::of)?,
            };
            all.insert(moved, Money(cells.take()?));
        }
        Ok(all)
    }

    /// The balances at an instant: sums of the postings before it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn balances(
        &mut self,
        before: Timestamp,
    ) -> Result<HashMap<AccountId, Money>, ReadError> {
        let failed = ReadError::of("the ledger");
        let values = bound(self.view.dialect(), [before.micros().into()]).map_err(&failed)?;
        let mut rows = self.view.stream(BALANCES, values);
        let mut names = Names::default();
        let mut all = HashMap::new();
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let mut cells = Cells::of_row("posting", &row, &mut names)?;
            all.insert(AccountId(cells.id()?), Money(cells.take()?));
        }
        Ok(all)
    }

    /// Walks along all passes, in no order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn passes(&mut self, mut each: impl FnMut(BookPass)) -> Result<(), ReadError> {
        let failed = ReadError::of("the passes");
        let values = bound(self.view.dialect(), []).map_err(&failed)?;
        let mut names = Names::default();
        let mut rows = self.view.stream(PASSES, values);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let mut cells = Cells::of_row("pass", &row, &mut names)?;
            each(BookPass { member: cells.int()?, pass: Pass::read(&mut cells)? });
        }
        Ok(())
    }

    /// What days that are not closed yet will earn, and the first of them.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn planned(&mut self) -> Result<(Money, Option<Date>), ReadError> {
        let failed = ReadError::of("what passes earn");
        let rows = self.view.rows(EARNINGS, []).await.map_err(&failed)?;
        let mut names = Names::default();
        let (mut sum, mut first) = (Money::ZERO, None::<Date>);
        for row in &rows {
            let mut cells = Cells::of_row("earning", row, &mut names)?;
            let (day, earning): (Date, Earning) = (cells.date()?, cells.json()?);
            sum = sum + earning.amount;
            first = Some(first.map_or(day, |first| first.min(day)));
        }
        Ok((sum, first))
    }

    /// Walks along the conditions that the journal notes of a period, in no order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn noted(
        &mut self,
        period: Period,
        mut each: impl FnMut(Timestamp, Option<&str>, &Noted),
    ) -> Result<(), ReadError> {
        let failed = ReadError::of("the journal");
        let values = bound(self.view.dialect(), times(period)).map_err(&failed)?;
        let mut names = Names::default();
        let mut rows = self.view.stream(NOTED, values);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let mut cells = Cells::of_row("journal", &row, &mut names)?;
            let (at, device): (Timestamp, Option<String>) = (cells.at()?, cells.take()?);
            let noted: Noted = cells.json()?;
            each(at, device.as_deref(), &noted);
        }
        Ok(())
    }

    /// The numbers of members, by their wallets.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn owners(&mut self) -> Result<HashMap<AccountId, u32>, ReadError> {
        let failed = ReadError::of("the members");
        let rows: Vec<Row> = self.view.rows(MEMBERS, []).await.map_err(&failed)?;
        let mut names = Names::default();
        let mut all = HashMap::new();
        for row in &rows {
            let mut cells = Cells::of_row("member", row, &mut names)?;
            all.insert(AccountId(cells.id()?), cells.int()?);
        }
        Ok(all)
    }
}

/// The values of a period in a statement.
fn times(period: Period) -> [Value; 2] {
    [period.since.micros().into(), period.until.micros().into()]
}

fn read_entry(cells: &mut Cells<'_, '_>) -> Result<(BookEntry, (AccountId, Money)), ReadError> {
    let id: Uuid = cells.take()?;
    let mut entry = BookEntry {
        id: TransactionId(id),
        daemon: cells.take()?,
        seq: cells.take()?,
        at: cells.at()?,
        key: cells.take()?,
        purpose: cells.word(Purpose::of)?,
        device: cells.take()?,
        operator: cells.take()?,
        note: cells.take()?,
        postings: Vec::new(),
        receipt: None,
    };
    let posting = (AccountId(cells.id()?), Money(cells.take()?));
    entry.receipt = cells.maybe_json()?;
    Ok((entry, posting))
}
