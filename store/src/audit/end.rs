//! The row of a daemon's last batch: where its chains end, and what all tables hold together.

use super::{Canon, Key, Sums};
use crate::{
    Ends, Head,
    binds::Binds,
    cells::{Cells, Names},
    error::ReadError,
    link::{Link, Row},
};

pub(crate) const OF_DAEMON: &str = "SELECT daemon, epoch, number, committed_at, journal_seq,
    journal_hash, ledger_seq, ledger_hash, row_count, turn, sums, seal FROM batch
    WHERE daemon = $1";
pub(crate) const EACH: &str = "SELECT daemon, epoch, number, committed_at, journal_seq,
    journal_hash, ledger_seq, ledger_hash, row_count, turn, sums, seal FROM batch ORDER BY daemon";
/// The turn and the sums of the batch that was committed last, whoever did it.
pub(crate) const LATEST: &str = "SELECT turn, sums FROM batch ORDER BY turn DESC LIMIT 1";
pub(crate) const IS_USED: &str = "SELECT EXISTS (SELECT 1 FROM batch)";
/// Writes the row anew between two batches.
pub(crate) const REWRITE: &str =
    "UPDATE batch SET turn = $1, sums = $2, seal = $3 WHERE daemon = $4";
/// The statements of this module and of its neighbours, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] = [
    OF_DAEMON,
    EACH,
    LATEST,
    IS_USED,
    REWRITE,
    super::key::OF_SERVER,
    super::key::KEEP,
    super::heads::LINE,
    super::heads::TRANSACTION,
];

/// The row, without its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) daemon: i64,
    pub(crate) epoch: i64,
    pub(crate) number: i64,
    pub(crate) committed_at: i64,
    pub(crate) ends: Ends,
    pub(crate) rows: i64,
    /// Its place among the batches of all daemons.
    pub(crate) turn: i64,
    /// The sums of all tables, as bytes.
    pub(crate) sums: Vec<u8>,
}

impl End {
    fn canon(&self) -> Canon {
        let mut row = Canon::default();
        row.begin("batch", 1);
        for number in [self.daemon, self.epoch, self.number, self.committed_at] {
            row.int(number);
        }
        for end in [self.ends.journal, self.ends.ledger] {
            row.int(end.seq.cast_signed());
            row.blob(&end.hash);
        }
        row.int(self.rows);
        row.int(self.turn);
        row.blob(&self.sums);
        row
    }

    /// The seal that belongs to it.
    pub(crate) fn seal(&self, key: &Key) -> Vec<u8> {
        key.seal(&self.canon())
    }

    /// What a head that is kept elsewhere knows it by.
    pub(crate) fn hash(&self) -> blake3::Hash {
        blake3::hash(self.canon().bytes())
    }

    /// Binds the first eight columns.
    pub(crate) fn bind_first(&self, to: &mut Binds) {
        for number in [self.daemon, self.epoch, self.number, self.committed_at] {
            to.int(number);
        }
        for end in [self.ends.journal, self.ends.ledger] {
            to.bits(end.seq);
            to.add(end.hash.to_vec());
        }
    }

    /// Binds the last three.
    pub(crate) fn bind_last(&self, key: &Key, to: &mut Binds) {
        to.int(self.turn);
        to.add(self.sums.clone());
        to.add(self.seal(key));
    }

    /// Reads the row and its seal.
    pub(crate) fn read(row: &Row) -> Result<(Self, Vec<u8>), ReadError> {
        let mut names = Names::default();
        let mut from = Cells::of_row("batch", row, &mut names)?;
        let (daemon, epoch, number) = (from.take()?, from.take()?, from.take()?);
        let committed_at = from.take()?;
        let journal = head(&mut from, "journal_hash")?;
        let ledger = head(&mut from, "ledger_hash")?;
        let (rows, turn, sums) = (from.take()?, from.take()?, from.take()?);
        let ends = Ends { journal, ledger };
        let end = Self { daemon, epoch, number, committed_at, ends, rows, turn, sums };
        Ok((end, from.take()?))
    }
}

fn head(from: &mut Cells<'_, '_>, column: &'static str) -> Result<Head, ReadError> {
    let seq = from.bits()?;
    let hash: Vec<u8> = from.take()?;
    let hash = hash.try_into().map_err(|_| ReadError::Value {
        table: "batch",
        column: column.to_owned(),
        why: "it is not 32 bytes long".to_owned(),
    })?;
    Ok(Head { seq, hash })
}

/// The turn and the sums that the next batch goes on from.
pub(crate) async fn latest(link: &mut Link) -> Result<(i64, Sums), sqlx::Error> {
    let Some(row) = link.row(LATEST, []).await? else { return Ok(Default::default()) };
    let mut names = Names::default();
    let read = Cells::of_row("batch", &row, &mut names)
        .and_then(|mut from| Ok((from.take()?, from.take()?)));
    let (turn, sums): (i64, Vec<u8>) =
        read.map_err(|error: ReadError| sqlx::Error::Decode(error.into()))?;
    Ok((turn, known(&sums)))
}

/// The sums; those that somebody damaged count as none, which `kari verify` says of each table.
fn known(sums: &[u8]) -> Sums {
    Sums::decode(sums).unwrap_or_else(|| {
        tracing::error!("the sums of the last batch are damaged; run `kari verify`");
        Sums::default()
    })
}
