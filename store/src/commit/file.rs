//! A batch on SQLite, where nobody else writes as a rule: then the seal's counts say that each row
//! was of the version that the batch takes it for. A row of another version, which a statement
//! silently leaves alone, undoes the whole batch; and a small batch needs only one trip to the
//! thread that SQLite runs on.
//!
//! Once somebody else wrote, every row that a batch read or changed is compared inside its
//! transaction, until all rows are loaded again.

use super::{
    compare,
    lots::{lots, one_by_one, row_count, together},
};
use crate::{
    Counters, Sealed, Store,
    audit::End,
    binds::Binds,
    cells::{Cells, Names},
    error::{CommitError, ReadError},
    link::{Dialect, Link},
    records::Records,
};

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
/// Writes the seal where the counts agree, and ends the transaction.
pub(crate) const SEAL: &str = "INSERT INTO batch
    (daemon, epoch, number, committed_at, journal_seq, journal_hash, ledger_seq, ledger_hash,
    row_count, turn, sums, seal)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN total_changes() = ? AND data_version = ? THEN ? END,
    ?, ?, ?
FROM pragma_data_version WHERE true
ON CONFLICT (daemon) DO UPDATE SET epoch = excluded.epoch, number = excluded.number,
    committed_at = excluded.committed_at, journal_seq = excluded.journal_seq,
    journal_hash = excluded.journal_hash, ledger_seq = excluded.ledger_seq,
    ledger_hash = excluded.ledger_hash, row_count = excluded.row_count,
    turn = excluded.turn, sums = excluded.sums, seal = excluded.seal;
COMMIT";
/// What SQLite says where the counts do not agree.
const SEAL_REFUSED: &str = "NOT NULL constraint failed: batch.row_count";
/// What SQLite counts.
pub(crate) const COUNTERS: &str =
    "SELECT total_changes() AS written, data_version AS others FROM pragma_data_version";

/// Reads what SQLite counts; PostgreSQL counts nothing for us.
pub(crate) async fn counters(link: &mut Link) -> Result<Counters, sqlx::Error> {
    if link.dialect() == Dialect::Postgres {
        return Ok(Counters::default());
    }
    let row = link.row(COUNTERS, []).await?.ok_or(sqlx::Error::RowNotFound)?;
    let mut names = Names::default();
    let counted =
        |mut cells: Cells<'_, '_>| Ok(Counters { written: cells.take()?, others: cells.take()? });
    let counted = Cells::of_row("pragma_data_version", &row, &mut names).and_then(counted);
    counted.map_err(|error: ReadError| sqlx::Error::Decode(error.into()))
}

impl Store {
    /// Writes a batch to the file.
    pub(super) async fn write_file(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), CommitError> {
        if self.shared {
            return self.write_compared(sealed, records).await;
        }
        let refused = match self.write_alone(sealed, records).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let sealed_out =
            matches!(&refused, sqlx::Error::Database(why) if why.message() == SEAL_REFUSED);
        let refused = CommitError::of(refused);
        if !matches!(refused, CommitError::Lost { .. } | CommitError::Away { .. }) {
            return Err(refused);
        }
        self.roll_back().await?;
        self.count_again().await.map_err(CommitError::of)?;
        if sealed_out || (self.shared && matches!(refused, CommitError::Lost { .. })) {
            return self.write_compared(sealed, records).await;
        }
        Err(refused)
    }

    /// Writes where nobody else does.
    async fn write_alone(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), sqlx::Error> {
        let (rows, whole, (pieces, changed)) = {
            let lots = lots(self.daemon, sealed, records);
            let rows = row_count(&lots);
            match together(&lots, &self.key, (BEGIN, SEAL)) {
                Some((text, mut binds)) => {
                    let end = self.end_of(sealed, records, (rows, &binds.sums()));
                    self.bind_counted(&end, &mut binds);
                    (rows, Some((text, binds.done()?)), <_>::default())
                }
                None => (rows, None, one_by_one(Dialect::Sqlite, &lots, &self.key)?),
            }
        };
        match whole {
            Some((text, values)) => {
                self.link.execute(text, values).await?;
            }
            None => {
                self.link.run(BEGIN, []).await?;
                self.write_pieces(pieces).await?;
                let end = self.end_of(sealed, records, (rows, &changed));
                self.seal(&end).await?;
            }
        }
        self.counters.written += rows + 1;
        Ok(())
    }

    /// Writes where others write too: every row that the batch read or changed is compared first.
    async fn write_compared(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), CommitError> {
        let result = self.try_compared(sealed, records).await;
        if let Err(CommitError::Lost { .. } | CommitError::Away { .. }) = &result {
            self.roll_back().await?;
            self.count_again().await.map_err(CommitError::of)?;
        }
        result
    }

    async fn try_compared(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), CommitError> {
        self.link.run(BEGIN, []).await.map_err(CommitError::of)?;
        self.count_again().await.map_err(CommitError::of)?;
        let tables = self.differing(sealed).await?;
        if !tables.is_empty() {
            return Err(CommitError::raced(tables));
        }
        let (rows, pieces, changed) = {
            let lots = lots(self.daemon, sealed, records);
            let pieces = one_by_one(Dialect::Sqlite, &lots, &self.key);
            let (pieces, changed) = pieces.map_err(CommitError::of)?;
            (row_count(&lots), pieces, changed)
        };
        self.write_pieces(pieces).await.map_err(CommitError::of)?;
        let end = self.end_of(sealed, records, (rows, &changed));
        self.seal(&end).await.map_err(CommitError::of)?;
        self.counters.written += rows + 1;
        Ok(())
    }

    /// The tables with rows that are not what the batch takes them for.
    pub(super) async fn differing(
        &mut self,
        sealed: &Sealed,
    ) -> Result<Vec<&'static str>, CommitError> {
        let tables = compare::differing(&mut self.link, &sealed.reads).await;
        tables.map_err(super::unread)
    }

    async fn seal(&mut self, end: &End) -> Result<(), sqlx::Error> {
        let mut binds = Binds::new(Dialect::Sqlite);
        self.bind_counted(end, &mut binds);
        self.link.execute(SEAL, binds.done()?).await?;
        Ok(())
    }

    fn bind_counted(&self, end: &End, to: &mut Binds) {
        end.bind_first(to);
        to.int(self.counters.written + end.rows);
        to.int(self.counters.others);
        to.int(end.rows);
        end.bind_last(&self.key, to);
    }

    /// Takes what SQLite counts now, what was rolled back included, and notices whether somebody
    /// else wrote.
    pub(crate) async fn count_again(&mut self) -> Result<(), sqlx::Error> {
        let now = counters(&mut self.link).await?;
        if now.others != self.counters.others && !self.shared {
            self.shared = true;
            tracing::warn!(
                "somebody else wrote to the database; from now on each batch is compared row by row"
            );
        }
        self.counters = now;
        Ok(())
    }
}
