//! Whether the database is what was written: the journal's chain, and every decision that it
//! names; the ledger; every other row; and the heads that are kept outside the database.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;

use crate::{
    cells::{Cells, Names},
    error::{KeyError, ReadError},
    link::{Link, Row},
    reader::Reader,
};

mod journal;
mod kept;
mod ledger;
mod pages;
mod rows;
mod schema;
mod tables;
mod words;

#[cfg(test)]
pub(crate) use ledger::STATEMENTS as LEDGER_STATEMENTS;
pub use {journal::chain, kept::heads, ledger::ledger, rows::rows};

/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 10] = [
    journal::LINES,
    journal::ENDS,
    journal::DECISIONS,
    journal::STRANGERS,
    rows::DAEMONS,
    rows::NEWS,
    words::PEOPLE,
    words::IMPORTS,
    words::WORDS,
    words::WORDS_OF,
];

/// The statements that SQLite packs rows by, for the same test.
#[cfg(test)]
pub(crate) fn packed() -> [&'static str; 4] {
    let (lines, transactions) = (&journal::PACKED, &ledger::PACKED);
    [lines.page, lines.daemon, transactions.page, transactions.daemon]
}

/// How far it is, for a bar.
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// How many rows were looked at.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Something that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// The key of the row, where it is known.
    pub row: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) => write!(to, "`{}`, row `{row}`: {}", self.table, self.why),
            None => write!(to, "`{}`: {}", self.table, self.why),
        }
    }
}

/// What was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Lines of the journal.
    pub lines: u64,
    /// Decisions that they name.
    pub decisions: u64,
    /// Lines and decisions that no longer tell who they were about, as the journal says.
    pub forgotten: u64,
}

/// What was verified of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifiedLedger {
    /// Transactions.
    pub transactions: u64,
    /// Their postings.
    pub postings: u64,
    /// Accounts, whose balances are the sums of their postings.
    pub accounts: u64,
}

/// What was verified of all other rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifiedRows {
    /// Rows, each under its seal.
    pub rows: u64,
    /// Tables, each with its sum.
    pub tables: u64,
}

/// Why the records are not what was written.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Rows are not what was written.
    #[error(
        "{}{}; keep this database as evidence and restore the last backup",
        .0.first().map(ToString::to_string).unwrap_or_default(),
        if .0.len() > 1 { format!(" (and {} more)", .0.len() - 1) } else { String::new() }
    )]
    Rows(Vec<Finding>),
    /// There is no key for the seals.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A row of the ledger is not what was written.
    #[error(
        "the ledger is broken at {row}: {why}; \
         keep this database as evidence and restore the last backup"
    )]
    Ledger {
        /// The row: a transaction, a posting or an account.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// A line is not what was written.
    #[error(
        "the journal is broken at line {seq}: {why}; \
         keep this database as evidence and restore the last backup"
    )]
    Broken {
        /// The first broken line.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The records cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What was found of a whole database.
#[derive(Debug)]
pub struct Report {
    /// The journal's chain, and its decisions.
    pub journal: Result<Verified, VerifyError>,
    /// The ledger.
    pub ledger: Result<VerifiedLedger, VerifyError>,
    /// Every other row.
    pub rows: Result<VerifiedRows, VerifyError>,
    /// What the database is without, by the heads that are kept outside it.
    pub heads: Result<Vec<Finding>, ReadError>,
}

impl Report {
    /// Everything that is not what was written; none where the database is whole.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = match &self.heads {
            Ok(heads) => heads.clone(),
            Err(error) => vec![unreadable(error)],
        };
        let failed =
            [self.journal.as_ref().err(), self.ledger.as_ref().err(), self.rows.as_ref().err()];
        for error in failed.into_iter().flatten() {
            found.extend(of_error(error));
        }
        found
    }
}

/// Where the chains of all daemons end by their last batches: daemon, number and hash.
async fn ends(view: &mut Link, query: &'static str) -> Result<Vec<(i64, i64, Vec<u8>)>, ReadError> {
    let rows = view.rows(query, []).await.map_err(ReadError::of("the last batches"))?;
    let mut names = Names::default();
    let end = |row: &Row| {
        let mut cells = Cells::of_row("batch", row, &mut names)?;
        Ok((cells.take()?, cells.take()?, cells.take()?))
    };
    rows.iter().map(end).collect()
}

fn of_error(error: &VerifyError) -> Vec<Finding> {
    let one = |table: &str, row: Option<String>, why: &str| {
        vec![Finding { table: table.to_owned(), row, why: why.to_owned() }]
    };
    match error {
        VerifyError::Rows(found) => found.clone(),
        VerifyError::Broken { seq, why } => one("journal", Some(seq.to_string()), why),
        VerifyError::Ledger { row, why } => one("ledger", Some(row.clone()), why),
        VerifyError::Key(why) => one("audit_key", None, &why.to_string()),
        VerifyError::Read(error) => vec![unreadable(error)],
    }
}

fn unreadable(error: &ReadError) -> Finding {
    let table = match error {
        ReadError::Query { what, .. } => *what,
        ReadError::Value { table, .. } => *table,
    };
    Finding { table: table.to_owned(), row: None, why: error.to_string() }
}

/// Verifies everything, chains, tables and heads at once.
pub async fn all(reader: &Reader, progress: &Arc<Progress>) -> Report {
    let own = || (reader.clone(), Arc::clone(progress));
    let journal = own();
    let journal = tokio::spawn(async move { journal::chain_with(&journal.0, &journal.1).await });
    let books = own();
    let books = tokio::spawn(async move { ledger::ledger_with(&books.0, &books.1).await });
    let tables = own();
    let tables = tokio::spawn(async move { rows::rows_with(&tables.0, &tables.1).await });
    let heads = kept::heads(reader).await;
    let broke = |why: tokio::task::JoinError| {
        let why = sqlx::Error::Io(std::io::Error::other(why));
        VerifyError::Read(ReadError::Query { what: "everything", source: why })
    };
    Report {
        journal: journal.await.map_err(broke).and_then(|done| done),
        ledger: books.await.map_err(broke).and_then(|done| done),
        rows: tables.await.map_err(broke).and_then(|done| done),
        heads,
    }
}
