//! Whether the database is what was written: the journal's chain, and every decision that it
//! names; the ledger; every other row; and the heads that are kept outside the database.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    facts::EVENT_KINDS,
    journal::{Noted, PERSONAL},
    retention::Record,
};
use futures_util::TryStreamExt;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    binds::bound,
    cells::{Cells, Names},
    error::{KeyError, ReadError},
    link::{Link, Row, first},
    reader::Reader,
    records::{DecisionRow, JournalRow, Part},
};

mod kept;
mod ledger;
mod rows;
mod schema;
mod tables;
mod words;

#[cfg(test)]
pub(crate) use ledger::STATEMENTS as LEDGER_STATEMENTS;
pub use {kept::heads, ledger::ledger, rows::rows};

const LINES: &str = "SELECT
        j.daemon, j.seq, j.at, j.device, j.boot, j.device_seq, j.kind, j.noted, j.salt, j.seal,
        j.decision, j.content, j.hash, d.id, d.at, d.kind, d.device, d.direction, d.outcome,
        d.reason, d.consulted, d.tripped, d.rule_set, d.pseudonym, d.seal, d.salt, d.member,
        d.credential, d.body
    FROM journal j LEFT JOIN decision d ON d.id = j.decision ORDER BY j.daemon, j.seq";
const ENDS: &str = "SELECT daemon, journal_seq, journal_hash FROM batch ORDER BY daemon";

const DECISIONS: &str = "SELECT count(*) FROM decision";
const STRANGERS: &str = "SELECT id FROM decision
    WHERE id NOT IN (SELECT decision FROM journal WHERE decision IS NOT NULL) LIMIT 100";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] = [
    LINES,
    ENDS,
    DECISIONS,
    STRANGERS,
    rows::DAEMONS,
    rows::NEWS,
    words::PEOPLE,
    words::WORDS,
    words::WORDS_OF,
];

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
    let journal = tokio::spawn(async move { chain_with(&journal.0, &journal.1).await });
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

/// Where the walk along one chain is.
struct Walk {
    daemon: i64,
    seq: i64,
    hash: [u8; 32],
}

/// Walks along the journal of each daemon from its first line.
///
/// # Errors
/// [`VerifyError::Broken`] names the first line that is not what was written.
pub async fn chain(reader: &Reader) -> Result<Verified, VerifyError> {
    chain_with(reader, &Progress::default()).await
}

async fn chain_with(reader: &Reader, progress: &Progress) -> Result<Verified, VerifyError> {
    let failed = ReadError::of("the journal");
    // One view of all of it, however long the walk takes and whatever is committed meanwhile.
    let mut view = reader.pool.view().await.map_err(&failed)?;
    let ends = view.rows(ENDS, []).await.map_err(&failed)?;
    let mut names = Names::default();
    let mut end = |row: &Row| {
        let mut cells = Cells::of_row("batch", row, &mut names)?;
        Ok((cells.take()?, cells.take()?, cells.take()?))
    };
    let ends: Vec<(i64, i64, Vec<u8>)> =
        ends.iter().map(&mut end).collect::<Result<_, ReadError>>()?;
    let (mut forgotten, mut verified) = (Forgotten::default(), Verified::default());
    let mut walk = Walk { daemon: 0, seq: 0, hash: [0; 32] };
    let mut last: HashMap<i64, (i64, Vec<u8>)> = HashMap::new();
    let none = bound(reader.pool.dialect(), []).map_err(&failed)?;
    let mut rows = view.stream(LINES, none);
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("journal", &row, &mut names)?;
        let line = JournalRow::read(&mut cells)?;
        walk.step(&line)?;
        verified.lines += 1;
        progress.step();
        forgotten.line(&line)?;
        verified.decisions += u64::from(check_decision(&line, &mut cells, &mut forgotten)?);
        last.insert(line.daemon, (line.seq, line.hash));
    }
    drop(rows);
    verified.forgotten = forgotten.judged()?;
    for (daemon, seq, hash) in ends {
        let found = last.remove(&daemon).unwrap_or_else(|| (0, vec![0; 32]));
        if found != (seq, hash) {
            let why = match found.0 > seq {
                true => "lines were added behind the end of the journal",
                false => "the end of the journal is not there",
            };
            return Err(broken(seq.max(found.0), why));
        }
    }
    if let Some((daemon, (seq, _))) = last.into_iter().next() {
        return Err(broken(seq, format!("the last batch of daemon {daemon} is not there")));
    }
    strangers(&mut view, verified.decisions).await?;
    Ok(verified)
}

/// Finds decisions that no line names, where there are more than the `named` ones.
async fn strangers(view: &mut Link, named: u64) -> Result<(), VerifyError> {
    let failed = ReadError::of("decisions");
    let all: i64 = view.value(DECISIONS, []).await.map_err(&failed)?;
    if all.cast_unsigned() == named {
        return Ok(());
    }
    let rows = view.rows(STRANGERS, []).await.map_err(&failed)?;
    let finding = |row: Row| {
        let id: Uuid = first(Some(row)).map_err(&failed)?;
        let why = "no line of the journal names it: Kari did not decide it".to_owned();
        Ok(Finding { table: "decision".to_owned(), row: Some(id.to_string()), why })
    };
    let found = rows.into_iter().map(finding).collect::<Result<_, ReadError>>()?;
    Err(VerifyError::Rows(found))
}

fn broken(seq: i64, why: impl Into<String>) -> VerifyError {
    VerifyError::Broken { seq: seq.cast_unsigned(), why: why.into() }
}

impl Walk {
    fn step(&mut self, line: &JournalRow) -> Result<(), VerifyError> {
        if line.daemon != self.daemon {
            *self = Self { daemon: line.daemon, seq: 0, hash: [0; 32] };
        }
        if line.seq != self.seq + 1 {
            return Err(broken(self.seq + 1, "it is missing"));
        }
        self.seq = line.seq;
        self.hash = line.chained(&self.hash);
        if line.hash != self.hash {
            return Err(broken(line.seq, "its hash does not follow from what it says"));
        }
        Ok(())
    }
}

/// Whether the line names a decision, which then must be the one that was made.
fn check_decision(
    line: &JournalRow,
    cells: &mut Cells<'_, '_>,
    forgotten: &mut Forgotten,
) -> Result<bool, VerifyError> {
    let Some(named) = line.decision else { return Ok(false) };
    let Some(found) = cells.take::<Option<Uuid>>()? else {
        return Err(broken(line.seq, format!("its decision `{named}` is missing")));
    };
    let decision = DecisionRow::read(found, cells)?;
    let part = decision.part();
    if line.content.as_deref() != Some(decision.content().as_slice()) || part == Part::Changed {
        return Err(broken(
            line.seq,
            format!("its decision `{named}` is not the one that was made"),
        ));
    }
    if part == Part::Forgotten {
        let (kind, at) = decision.kind_and_time();
        let known = EVENT_KINDS.iter().find(|known| known.name() == kind);
        forgotten.found(line.seq, at, known.map(|known| known.record()));
    }
    Ok(true)
}

/// What no longer tells who it was about, and what the journal says of it.
#[derive(Default)]
struct Forgotten {
    rows: u64,
    /// The latest of each kind of record, and the line that names it.
    latest: [Option<(i64, i64)>; 2],
    /// Until when the journal says that records of each kind were forgotten.
    before: [i64; 2],
}

impl Forgotten {
    fn line(&mut self, line: &JournalRow) -> Result<(), VerifyError> {
        match line.part() {
            Part::Changed => return Err(broken(line.seq, "what it notes is not what was written")),
            Part::Forgotten => {
                let known = PERSONAL.iter().find(|(kind, _)| *kind == line.kind);
                self.found(line.seq, line.at, known.map(|(_, record)| *record));
            }
            Part::There => {}
        }
        let noted = line.noted.as_deref().filter(|_| line.kind == "pseudonymised");
        let noted = noted.and_then(|noted| serde_json::from_str(noted).ok());
        if let Some(Noted::Pseudonymised { movements, audit }) = noted {
            let [known_movements, known_audit] = &mut self.before;
            *known_movements = movements.micros().max(*known_movements);
            *known_audit = audit.micros().max(*known_audit);
        }
        Ok(())
    }

    /// A row of time `at`; of a kind that is never forgotten it counts as the latest of all.
    fn found(&mut self, seq: i64, at: i64, record: Option<Record>) {
        self.rows += 1;
        let at = if record.is_some() { at } else { i64::MAX };
        let place = usize::from(record == Some(Record::Audit));
        self.latest[place] = self.latest[place].max(Some((at, seq)));
    }

    /// How many rows there are, where each is older than the journal says.
    fn judged(&self) -> Result<u64, VerifyError> {
        for (latest, before) in self.latest.iter().zip(self.before) {
            if let Some((at, seq)) = latest
                && *at >= before
            {
                let why = "who it was about is gone, and no line says that it was to be forgotten";
                return Err(broken(*seq, why));
            }
        }
        Ok(self.rows)
    }
}
