//! Whether the records are what was written: the journal's chain, and every decision that it names.

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
    error::ReadError,
    link::Row,
    reader::Reader,
    records::{DecisionRow, JournalRow, Part},
};

mod ledger;

#[cfg(test)]
pub(crate) use ledger::STATEMENTS as LEDGER_STATEMENTS;
pub use ledger::ledger;

pub(crate) const LINES: &str = "SELECT
        j.daemon, j.seq, j.at, j.device, j.boot, j.device_seq, j.kind, j.noted, j.salt, j.seal,
        j.decision, j.content, j.hash, d.id, d.at, d.kind, d.device, d.direction, d.outcome,
        d.reason, d.consulted, d.tripped, d.rule_set, d.pseudonym, d.seal, d.salt, d.member,
        d.credential, d.body
    FROM journal j LEFT JOIN decision d ON d.id = j.decision ORDER BY j.daemon, j.seq";
pub(crate) const ENDS: &str = "SELECT daemon, journal_seq, journal_hash FROM batch ORDER BY daemon";

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

/// Why the records are not what was written.
#[derive(Debug, Error)]
pub enum VerifyError {
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
    let failed = ReadError::of("the journal");
    // Ends first: what is committed during the walk only makes the chains longer.
    let ends = reader.pool.rows(ENDS, []).await.map_err(&failed)?;
    let mut names = Names::default();
    let mut end = |row: &Row| {
        let mut cells = Cells::of_row("batch", row, &mut names)?;
        Ok((cells.take()?, cells.take()?, cells.take()?))
    };
    let ends: Vec<(i64, i64, Vec<u8>)> =
        ends.iter().map(&mut end).collect::<Result<_, ReadError>>()?;
    let (mut forgotten, mut verified) = (Forgotten::default(), Verified::default());
    let mut walk = Walk { daemon: 0, seq: 0, hash: [0; 32] };
    let mut passed = vec![false; ends.len()];
    let none = bound(reader.pool.dialect(), []).map_err(&failed)?;
    let mut rows = reader.pool.stream(LINES, none);
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("journal", &row, &mut names)?;
        let line = JournalRow::read(&mut cells)?;
        walk.step(&line)?;
        verified.lines += 1;
        forgotten.line(&line)?;
        verified.decisions += u64::from(check_decision(&line, &mut cells, &mut forgotten)?);
        for ((daemon, seq, hash), passed) in ends.iter().zip(&mut passed) {
            *passed |= (*daemon, *seq) == (line.daemon, line.seq) && *hash == line.hash;
        }
    }
    verified.forgotten = forgotten.judged()?;
    let missing = ends.iter().zip(passed).find(|((_, seq, _), passed)| *seq > 0 && !passed);
    match missing {
        Some(((_, seq, _), _)) => Err(broken(*seq, "the end of the journal is not there")),
        None => Ok(verified),
    }
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
