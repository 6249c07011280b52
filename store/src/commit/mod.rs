//! One batch, one transaction.
//!
//! The row in `batch` comes last and seals the transaction: it can only be written where SQLite
//! counted as many written rows as the batch has, and where nobody else committed since the rows
//! were loaded. So a row of another version, which a statement silently leaves alone, undoes the
//! whole batch; and a small batch needs only one trip to the thread that SQLite runs on.
//!
//! Once somebody else wrote, every row that a batch read or changed is compared inside its
//! transaction, until all rows are loaded again.

mod compare;
mod lots;
pub(crate) mod outbox;

use sqlx::{Row, SqliteConnection};

use domain::state::Reads;

use crate::{
    Counters, Sealed, Store,
    binds::Binds,
    error::{CommitError, ReadError},
    records::Records,
};
use lots::{lots, one_by_one, row_count, together};
use outbox::Outbox;

const BEGIN: &str = "BEGIN IMMEDIATE";
const ROLLBACK: &str = "ROLLBACK";
/// Writes the seal where the counts agree, and ends the transaction.
pub(crate) const SEAL: &str = "INSERT INTO batch
    (daemon, epoch, number, committed_at, journal_seq, journal_hash, ledger_seq, ledger_hash,
    row_count)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN total_changes() = ? AND data_version = ? THEN ? END
FROM pragma_data_version WHERE true
ON CONFLICT (daemon) DO UPDATE SET epoch = excluded.epoch, number = excluded.number,
    committed_at = excluded.committed_at, journal_seq = excluded.journal_seq,
    journal_hash = excluded.journal_hash, ledger_seq = excluded.ledger_seq,
    ledger_hash = excluded.ledger_hash, row_count = excluded.row_count;
COMMIT";
/// What SQLite says where the counts do not agree.
const SEAL_REFUSED: &str = "NOT NULL constraint failed: batch.row_count";
/// What SQLite counts.
pub(crate) const COUNTERS: &str =
    "SELECT total_changes() AS written, data_version AS others FROM pragma_data_version";
const COMMITTED: &str =
    "SELECT count(*) FROM batch WHERE daemon = $1 AND epoch = $2 AND number >= $3";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [SEAL, COUNTERS, COMMITTED];

/// Reads what SQLite counts.
pub(crate) async fn counters(connection: &mut SqliteConnection) -> Result<Counters, sqlx::Error> {
    let row = sqlx::query(COUNTERS).fetch_one(connection).await?;
    Ok(Counters { written: row.try_get(0)?, others: row.try_get(1)? })
}

impl Store {
    /// Makes a batch durable, whole, or leaves no trace of it. Let it run to its end: a batch that
    /// is dropped half way counts as unknown.
    ///
    /// # Errors
    /// [`CommitError`] says which of the three ends it is that is not durable for sure.
    pub async fn commit(&mut self, sealed: &Sealed) -> Result<(), CommitError> {
        if let Some(why) = &self.failed {
            return Err(CommitError::Fatal { why: why.clone() });
        }
        self.learn_days(sealed).await?;
        let over = self.outbox.over(sealed);
        let records = Records::of((self.daemon, self.ends), sealed, over, &self.pseudonyms)?;
        let result = self.write(sealed, &records).await;
        match &result {
            Ok(()) => {
                self.ends = records.ends;
                self.outbox.committed(records.over.len(), &sealed.batch.commands);
            }
            Err(CommitError::Fatal { why }) => self.failed = Some(why.clone()),
            Err(_) => {}
        }
        result
    }

    /// Makes sure that each day of the batch's decisions has its key.
    async fn learn_days(&mut self, sealed: &Sealed) -> Result<(), CommitError> {
        let instants = sealed.batch.decisions.iter().map(|decision| decision.at);
        let days = self.pseudonyms.unknown(instants);
        if days.is_empty() {
            return Ok(());
        }
        for day in days {
            let learnt = self.pseudonyms.learn(day, &mut self.connection).await;
            learnt.map_err(CommitError::of)?;
        }
        self.count_again().await.map_err(CommitError::of)
    }

    async fn write(&mut self, sealed: &Sealed, records: &Records<'_>) -> Result<(), CommitError> {
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
        if !matches!(refused, CommitError::Lost { .. } | CommitError::Busy { .. }) {
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
        let (rows, whole, pieces) = {
            let lots = lots(sealed, records);
            let rows = row_count(&lots);
            match together(&lots, BEGIN, SEAL) {
                Some((text, mut binds)) => {
                    self.bind_seal(sealed, records, rows, &mut binds);
                    (rows, Some((text, binds.done()?)), Vec::new())
                }
                None => (rows, None, one_by_one(&lots)?),
            }
        };
        match whole {
            Some((text, arguments)) => {
                sqlx::query_with(text, arguments).execute(&mut self.connection).await?;
            }
            None => {
                sqlx::query(BEGIN).execute(&mut self.connection).await?;
                self.write_pieces(pieces).await?;
                self.seal(sealed, records, rows).await?;
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
        if let Err(CommitError::Lost { .. } | CommitError::Busy { .. }) = &result {
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
        sqlx::query(BEGIN).execute(&mut self.connection).await.map_err(CommitError::of)?;
        self.count_again().await.map_err(CommitError::of)?;
        let connection = &mut self.connection;
        let tables = compare::differing(connection, &sealed.reads).await;
        let tables = tables.map_err(|error| match error {
            ReadError::Query { source, .. } => CommitError::of(source),
            value @ ReadError::Value { .. } => CommitError::refused(value),
        })?;
        if !tables.is_empty() {
            let why = "rows changed since they were read".to_owned();
            return Err(CommitError::Lost { why, tables });
        }
        let (rows, pieces) = {
            let lots = lots(sealed, records);
            (row_count(&lots), one_by_one(&lots).map_err(CommitError::of)?)
        };
        self.write_pieces(pieces).await.map_err(CommitError::of)?;
        self.seal(sealed, records, rows).await.map_err(CommitError::of)?;
        self.counters.written += rows + 1;
        Ok(())
    }

    async fn write_pieces(&mut self, pieces: Vec<lots::Piece>) -> Result<(), sqlx::Error> {
        for (text, arguments) in pieces {
            sqlx::query_with(text, arguments).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn seal(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
        rows: i64,
    ) -> Result<(), sqlx::Error> {
        let mut binds = Binds::default();
        self.bind_seal(sealed, records, rows, &mut binds);
        sqlx::query_with(SEAL, binds.done()?).execute(&mut self.connection).await?;
        Ok(())
    }

    fn bind_seal(&self, sealed: &Sealed, records: &Records<'_>, rows: i64, to: &mut Binds) {
        to.int(self.daemon);
        to.bits(sealed.epoch);
        to.bits(sealed.number);
        to.at(sealed.committed_at);
        for end in [records.ends.journal, records.ends.ledger] {
            to.bits(end.seq);
            to.add(end.hash.to_vec());
        }
        to.int(self.counters.written + rows);
        to.int(self.counters.others);
        to.int(rows);
    }

    /// Takes what SQLite counts now, what was rolled back included, and notices whether somebody
    /// else wrote.
    pub(crate) async fn count_again(&mut self) -> Result<(), sqlx::Error> {
        let now = counters(&mut self.connection).await?;
        if now.others != self.counters.others && !self.shared {
            self.shared = true;
            tracing::warn!(
                "somebody else wrote to the database; from now on each batch is compared row by row"
            );
        }
        self.counters = now;
        Ok(())
    }

    /// Ends a transaction that was refused. SQLite ends some of them itself and then knows of none.
    pub(crate) async fn roll_back(&mut self) -> Result<(), CommitError> {
        match sqlx::query(ROLLBACK).execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(why)) if why.message().contains("no transaction") => Ok(()),
            Err(error) => Err(CommitError::Fatal { why: error.to_string() }),
        }
    }

    /// Whether the batch of this number came through, after [`CommitError::Unknown`]. It connects
    /// anew where the connection is gone.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn was_committed(&mut self, epoch: u64, number: u64) -> Result<bool, ReadError> {
        let what = "whether a batch came through";
        if self.roll_back().await.is_err() {
            self.reconnect().await.map_err(ReadError::of(what))?;
        }
        let found: i64 = sqlx::query_scalar(COMMITTED)
            .bind(self.daemon)
            .bind(epoch.cast_signed())
            .bind(number.cast_signed())
            .fetch_one(&mut self.connection)
            .await
            .map_err(ReadError::of(what))?;
        self.ends = crate::open::ends(&mut self.connection, self.daemon).await?;
        self.outbox = Outbox::load(&mut self.connection).await.map_err(ReadError::of(what))?;
        self.count_again().await.map_err(ReadError::of(what))?;
        Ok(found > 0)
    }

    /// The rows behind `reads` as they are now, after a batch was lost. A row that is not among
    /// them is gone.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn reload(&mut self, reads: &Reads) -> Result<domain::state::Snapshot, ReadError> {
        let outbox = Outbox::load(&mut self.connection).await;
        self.outbox = outbox.map_err(ReadError::of("the outbox"))?;
        compare::rows_of(&mut self.connection, reads).await
    }

    /// The end of the journal: the last durable line.
    #[must_use]
    pub const fn head(&self) -> crate::Head {
        self.ends.journal
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        state::{Batch, Changes, Entry, Noted, Reads},
        time::Timestamp,
    };

    use super::*;

    fn imported(number: u64) -> Sealed {
        let entry = |rows| Entry {
            at: Timestamp::default(),
            device: None,
            source: None,
            noted: Noted::Imported { rows },
        };
        Sealed {
            number,
            epoch: 1,
            batch: Batch { journal: (0..200).map(entry).collect(), ..Batch::default() },
            changes: Changes::default(),
            reads: Reads::default(),
            committed_at: Timestamp::default(),
        }
    }

    #[tokio::test]
    async fn a_full_disk_stops_the_store_and_loses_nothing_that_was_durable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kari.db");
        let (mut store, _) = Store::open(&path, Timestamp::default()).await.unwrap();
        store.commit(&imported(1)).await.unwrap();
        let limit = sqlx::query("PRAGMA max_page_count = 1").execute(&mut store.connection);
        limit.await.unwrap();
        let mut number = 2;
        while store.commit(&imported(number)).await.is_ok() {
            number += 1;
        }
        sqlx::query("PRAGMA max_page_count = 9999").execute(&mut store.connection).await.unwrap();
        let again = store.commit(&imported(number)).await;
        assert!(matches!(again, Err(CommitError::Fatal { .. })), "{again:?}");
        drop(store);
        let (_store, opened) = Store::open(&path, Timestamp::default()).await.unwrap();
        assert_eq!(opened.ends.journal.seq, (number - 1) * 200);
    }

    #[tokio::test]
    async fn a_broken_connection_leaves_a_question_that_the_store_can_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kari.db");
        let (mut store, _) = Store::open(&path, Timestamp::default()).await.unwrap();
        let mut durable = 0;
        for number in 1..40 {
            let sealed = imported(number);
            let patience = async {
                for _ in 0..number % 7 * 50 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                _ = store.commit(&sealed) => {}
                () = patience => {}
            }
            let committed = store.was_committed(1, number).await.unwrap();
            durable += u64::from(committed);
            assert_eq!(store.head().seq, durable * 200, "batch {number}: {committed}");
            if number % 10 == 0 {
                store.reconnect().await.unwrap();
            }
        }
        store.commit(&imported(40)).await.unwrap();
        let reader = crate::reader::Reader::open(&path).await.unwrap();
        let verified = crate::verify::chain(&reader).await.unwrap();
        assert_eq!(verified.lines, (durable + 1) * 200);
    }
}
