//! Whether the records are what was written: the journal's chain, and every decision that it names.

use futures_util::TryStreamExt;
use sqlx::Row;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    reader::Reader,
    records::{DecisionRow, JournalRow},
};

pub(crate) const LINES: &str = "SELECT
        j.daemon, j.seq, j.at, j.device, j.boot, j.device_seq, j.noted, j.decision, j.content,
        j.hash, d.id, d.at, d.kind, d.device, d.direction, d.outcome, d.reason, d.member,
        d.credential, d.consulted, d.tripped, d.rule_set, d.body
    FROM journal j LEFT JOIN decision d ON d.id = j.decision ORDER BY j.daemon, j.seq";
pub(crate) const ENDS: &str = "SELECT daemon, journal_seq, journal_hash FROM batch ORDER BY daemon";

/// What was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Lines of the journal.
    pub lines: u64,
    /// Decisions that they name.
    pub decisions: u64,
}

/// Why the records are not what was written.
#[derive(Debug, Error)]
pub enum VerifyError {
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
    let ends = sqlx::query(ENDS).fetch_all(&reader.pool).await.map_err(&failed)?;
    let ends: Vec<(i64, i64, Vec<u8>)> = ends
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, _>>()
        .map_err(&failed)?;
    let (mut names, mut verified) = (Names::default(), Verified::default());
    let mut walk = Walk { daemon: 0, seq: 0, hash: [0; 32] };
    let mut passed = vec![false; ends.len()];
    let mut rows = sqlx::query(LINES).fetch(&reader.pool);
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("journal", &row, &mut names)?;
        let line = JournalRow::read(&mut cells)?;
        walk.step(&line)?;
        verified.lines += 1;
        verified.decisions += u64::from(check_decision(&line, &mut cells)?);
        for ((daemon, seq, hash), passed) in ends.iter().zip(&mut passed) {
            *passed |= (*daemon, *seq) == (line.daemon, line.seq) && *hash == line.hash;
        }
    }
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
fn check_decision(line: &JournalRow, cells: &mut Cells<'_, '_>) -> Result<bool, VerifyError> {
    let Some(named) = line.decision else { return Ok(false) };
    let Some(found) = cells.take::<Option<Uuid>>()? else {
        return Err(broken(line.seq, format!("its decision `{named}` is missing")));
    };
    let content = DecisionRow::read(found, cells)?.content();
    if line.content.as_deref() != Some(content.as_slice()) {
        return Err(broken(
            line.seq,
            format!("its decision `{named}` is not the one that was made"),
        ));
    }
    Ok(true)
}
