//! One batch, one transaction.
//!
//! On SQLite the row in `batch` comes last and seals the transaction: it can only be written where
//! SQLite counted as many written rows as the batch has, and where nobody else committed since the
//! rows were loaded ([`file`]). On PostgreSQL, where other daemons write too, it can only be
//! written where every row that the batch read is still of the version that it read ([`turn`]).

mod compare;
mod file;
mod lots;
pub(crate) mod outbox;
mod turn;

use std::sync::Arc;

use domain::{
    reasons::Condition,
    state::{Entry, Noted, Reads},
};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    Sealed, Store,
    audit::{self, End, Sums},
    error::{CommitError, ConnectError, ReadError},
    identity::FileMark,
    link::Dialect,
    records::Records,
    server::BEGIN_TURN,
    trouble::Trouble,
};
pub(crate) use file::counters;
#[cfg(test)]
pub(crate) use file::{COUNTERS, SEAL};
use outbox::Outbox;

const ROLLBACK: &str = "ROLLBACK";
const COMMITTED: &str =
    "SELECT count(*) FROM batch WHERE daemon = $1 AND epoch = $2 AND number >= $3";
/// A write that changes nothing.
const TOUCH: &str = "UPDATE daemon SET epoch = epoch WHERE id = $1";
/// The most numbers of one batch that are looked up: a desk gives one.
const NEWCOMERS_MAX: usize = 64;
/// The statements of SQLite, for the test that prepares them all.
#[cfg(test)]
pub(crate) const OF_SQLITE: [&str; 2] = [SEAL, COUNTERS];
/// Those of both databases.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [COMMITTED, TOUCH, compare::HIGHEST, compare::HAS_NUMBER];

/// What could not be read before a batch was begun.
fn unread(error: ReadError) -> CommitError {
    match error {
        ReadError::Query { source, .. } => CommitError::of(source),
        value @ ReadError::Value { .. } => CommitError::refused(value),
    }
}

impl Store {
    /// Makes a batch durable, whole, or leaves no trace of it. Let it run to its end: a batch that
    /// is dropped half way counts as unknown.
    ///
    /// # Errors
    /// [`CommitError`] says which of the three ends it is that is not durable for sure.
    pub fn commit<'a>(&'a mut self, sealed: &'a Sealed) -> BoxFuture<'a, Result<(), CommitError>> {
        let faults = self.faults.clone();
        let work = async move {
            if let Some(why) = &self.failed {
                return Err(CommitError::Fatal { why: why.clone() });
            }
            self.check_file()?;
            self.learn_days(sealed).await?;
            let known = compare::versions(&mut self.link, &sealed.batch).await;
            let known = known.map_err(unread)?;
            let over = self.outbox.over(sealed);
            let own = (self.daemon, self.ends);
            let records = Records::of(own, sealed, (over, &known), &self.pseudonyms)?;
            let result = match self.link.dialect() {
                Dialect::Sqlite => self.write_file(sealed, &records).await,
                Dialect::Postgres => self.write_in_turn(sealed, &records).await,
            };
            if let Err(away @ CommitError::Away { .. }) = result {
                self.pseudonyms.doubt();
                return self.after_away(sealed, away).await;
            }
            match &result {
                Ok(()) => {
                    self.ends = records.ends;
                    self.outbox.committed(records.over.len(), &sealed.batch.commands);
                    self.pseudonyms.committed();
                    self.keep_end();
                }
                Err(CommitError::Fatal { why }) => self.failed = Some(why.clone()),
                // A day's key may have come with this batch, or been learnt in its turn.
                Err(_) => self.pseudonyms.doubt(),
            }
            result
        }
        .boxed();
        faults.around(work)
    }

    /// What an error means that may have come after the batch was durable: the database is asked,
    /// and where it does not answer nobody knows.
    async fn after_away(&mut self, sealed: &Sealed, away: CommitError) -> Result<(), CommitError> {
        match self.find_batch(sealed.epoch, sealed.number).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(away),
            Err(ReadError::Query { source, .. }) => Err(CommitError::Unknown { source }),
            Err(value) => {
                let why = value.to_string();
                self.failed = Some(why.clone());
                Err(CommitError::Fatal { why })
            }
        }
    }

    /// Whether the file that was opened still stands at its place: what goes into a file that was
    /// removed is lost.
    fn check_file(&self) -> Result<(), CommitError> {
        FileMark::check(self.file, &self.place)
            .map_err(|trouble| CommitError::away(trouble, &self.place))
    }

    /// Looks whether the database is still there, without writing.
    ///
    /// # Errors
    /// As those of [`Self::commit`].
    pub fn look(&mut self) -> BoxFuture<'_, Result<(), CommitError>> {
        let faults = self.faults.clone();
        let work = async move {
            self.check_file()?;
            match self.link.dialect() {
                Dialect::Sqlite => Ok(()),
                Dialect::Postgres => {
                    let asked = self.link.value::<i64>(crate::server::PROCESS, []).await;
                    asked.map(drop).map_err(CommitError::of)
                }
            }
        }
        .boxed();
        faults.around(work)
    }

    /// Whether other daemons may have changed what a batch read.
    #[must_use]
    pub fn may_differ(&self, sealed: &Sealed) -> bool {
        self.link.dialect() == Dialect::Postgres && sealed.reads != Reads::default()
    }

    /// Whether the rows that a batch read are still those that the database holds.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn agrees(&mut self, sealed: &Sealed) -> Result<bool, ReadError> {
        let faults = self.faults.clone();
        let differing = compare::differing(&mut self.link, &sealed.reads).boxed();
        faults.around(differing).await.map(|tables| tables.is_empty())
    }

    /// Makes sure that each day of the batch's decisions has its key.
    async fn learn_days(&mut self, sealed: &Sealed) -> Result<(), CommitError> {
        let instants = sealed.batch.decisions.iter().map(|decision| decision.at);
        let days = self.pseudonyms.unknown(instants);
        for day in days {
            let learnt = self.pseudonyms.learn(day, &mut self.link).await;
            learnt.map_err(CommitError::of)?;
        }
        Ok(())
    }

    /// The row that is to end a batch of so many `rows`, which change the sums of their tables so.
    fn end_of(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
        (rows, changed): (i64, &Sums),
    ) -> End {
        let mut sums = self.sums.clone();
        sums.join(changed);
        let end = End {
            daemon: self.daemon,
            epoch: sealed.epoch.cast_signed(),
            number: sealed.number.cast_signed(),
            committed_at: sealed.committed_at.micros(),
            ends: records.ends,
            rows,
            turn: self.turn + 1,
            sums: sums.encode(),
        };
        let gap = |entry: &Entry| {
            matches!(&entry.noted, Noted::Condition { condition: Condition::AuditGap, .. })
        };
        let notes_gaps = sealed.batch.journal.iter().any(gap);
        self.next = Some((Arc::new(end.clone()), sums, notes_gaps));
        end
    }

    /// The row that was written last is durable.
    pub(crate) fn keep_end(&mut self) {
        if let Some((end, sums, notes_gaps)) = self.next.take() {
            (self.turn, self.sums) = (end.turn, sums);
            self.heads.committed(&end, notes_gaps);
            self.last = Some(end);
        }
    }

    async fn write_pieces(&mut self, pieces: Vec<lots::Piece>) -> Result<u64, sqlx::Error> {
        let mut written = 0;
        for (text, bound) in pieces {
            written += self.link.execute(text, bound).await?;
        }
        Ok(written)
    }

    /// Ends a transaction that was refused. SQLite ends some of them itself and then knows of none.
    pub(crate) async fn roll_back(&mut self) -> Result<(), CommitError> {
        self.has_turn = false;
        match self.link.run(ROLLBACK, []).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(why)) if why.message().contains("no transaction") => Ok(()),
            Err(source) if Trouble::of(&source) == Some(Trouble::Unflushed) => {
                Err(CommitError::of(source))
            }
            Err(source) => Err(CommitError::Unknown { source }),
        }
    }

    /// Whether the batch of this number came through, after [`CommitError::Unknown`] or
    /// [`CommitError::Away`]. It connects anew where the connection is gone.
    ///
    /// # Errors
    /// [`CommitError::Away`] where the database does not answer now; it may be asked again.
    pub fn was_committed(
        &mut self,
        epoch: u64,
        number: u64,
    ) -> BoxFuture<'_, Result<bool, CommitError>> {
        let faults = self.faults.clone();
        let work = async move {
            if self.roll_back().await.is_err() {
                self.reconnect().await.map_err(|error| self.away(error))?;
            }
            let found = self.find_batch(epoch, number).await;
            found.map_err(|error| self.unread(error))
        }
        .boxed();
        faults.around(work)
    }

    /// Tries whether the database stores something, by a write that changes nothing, and learns
    /// where its chains end. It connects anew where the connection is gone.
    ///
    /// # Errors
    /// As those of [`Self::commit`].
    pub fn probe(&mut self) -> BoxFuture<'_, Result<(), CommitError>> {
        let faults = self.faults.clone();
        let work = async move {
            if let Some(why) = &self.failed {
                return Err(CommitError::Fatal { why: why.clone() });
            }
            self.check_file()?;
            // It may be another server by now that answers at this address.
            let anew = self.link.dialect() == Dialect::Postgres;
            if anew || self.roll_back().await.is_err() {
                self.reconnect().await.map_err(|error| self.away(error))?;
            }
            let begin = match self.link.dialect() {
                Dialect::Sqlite => file::BEGIN,
                Dialect::Postgres => BEGIN_TURN,
            };
            let written = match self.link.run_all(begin).await {
                Ok(()) => self.link.run(TOUCH, [self.daemon.into()]).await,
                Err(error) => Err(error),
            };
            let ended = match written {
                Ok(0) => return Err(CommitError::away(Trouble::Foreign, "its tables are empty")),
                Ok(_) => self.link.run("COMMIT", []).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                let error = CommitError::of(error);
                self.roll_back().await?;
                return Err(error);
            }
            let found = self.find_batch(self.epoch, 0).await;
            found.map(drop).map_err(|error| self.unread(error))
        }
        .boxed();
        faults.around(work)
    }

    async fn find_batch(&mut self, epoch: u64, number: u64) -> Result<bool, ReadError> {
        let what = ReadError::of("whether a batch came through");
        let values = [self.daemon, epoch.cast_signed(), number.cast_signed()];
        let found: i64 = self.link.value(COMMITTED, values.map(Into::into)).await.map_err(&what)?;
        self.read_end().await?;
        self.outbox = Outbox::load(&mut self.link, self.daemon).await.map_err(&what)?;
        self.count_again().await.map_err(&what)?;
        Ok(found > 0)
    }

    /// Reads the row of the last batch again, and the sums that the next one goes on from.
    async fn read_end(&mut self) -> Result<(), ReadError> {
        let end = crate::open::end(&mut self.link, self.daemon).await?;
        self.ends = end.as_ref().map(|end| end.ends).unwrap_or_default();
        self.last = end.map(Arc::new);
        let latest = audit::latest(&mut self.link).await;
        (self.turn, self.sums) = latest.map_err(ReadError::of("the sums of the tables"))?;
        Ok(())
    }

    /// What rows that cannot be read mean for a batch.
    fn unread(&self, error: ReadError) -> CommitError {
        match error {
            ReadError::Query { source, .. } => self.away(ConnectError::Query(source)),
            value @ ReadError::Value { .. } => CommitError::Fatal { why: value.to_string() },
        }
    }

    /// What a connection that cannot be made, or does not answer, means for a batch.
    fn away(&self, error: ConnectError) -> CommitError {
        match error {
            ConnectError::Query(source) => match CommitError::of(source) {
                fatal @ CommitError::Fatal { .. } => fatal,
                CommitError::Away { trouble, why } => CommitError::away(trouble, why),
                CommitError::Unknown { source } => {
                    let trouble = Trouble::of(&source).unwrap_or(Trouble::Unreachable);
                    CommitError::away(trouble, source)
                }
                refused @ CommitError::Lost { .. } => CommitError::away(Trouble::Other, refused),
            },
            ConnectError::Open(error) => {
                let why = match std::error::Error::source(&error) {
                    Some(source) => source.to_string(),
                    None => error.to_string(),
                };
                CommitError::away(error.trouble().unwrap_or(Trouble::Other), why)
            }
            ConnectError::Replaced => CommitError::Fatal { why: error.to_string() },
        }
    }

    /// The rows behind `reads` as they are now, after a batch was lost or others changed them. A
    /// row that is not among them is gone.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn reload(&mut self, reads: &Reads) -> Result<domain::state::Snapshot, ReadError> {
        let faults = self.faults.clone();
        faults.around(compare::rows_of(&mut self.link, reads).boxed()).await
    }

    /// Of the numbers that a lost batch gives to newcomers, those that others have, and the highest
    /// of all: rows that it could not read.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn taken_numbers(&mut self, sealed: &Sealed) -> Result<Vec<u32>, ReadError> {
        let rows = sealed.changes.members.iter().filter(|change| change.version == 1);
        let numbers = rows.filter_map(|change| Some(change.value.as_ref()?.number));
        let work = compare::taken(&mut self.link, numbers.take(NEWCOMERS_MAX).collect()).boxed();
        self.faults.clone().around(work).await
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
        retention::Keeps,
        state::{Batch, Changes, Entry, Noted, Reads},
        time::Timestamp,
    };

    use super::*;
    use crate::place::Place;

    fn imported(number: u64) -> Sealed {
        let entry = |rows| Entry {
            at: Timestamp::default(),
            device: None,
            source: None,
            noted: Noted::Imported { rows, import: None },
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
    async fn a_full_disk_stores_nothing_until_there_is_room_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::file(folder.path().join("kari.db"));
        let (mut store, _) = Store::open(&place, Timestamp::default()).await.unwrap();
        store.commit(&imported(1)).await.unwrap();
        store.link.run("PRAGMA max_page_count = 1", []).await.unwrap();
        let mut number = 2;
        let full = loop {
            match store.commit(&imported(number)).await {
                Ok(()) => number += 1,
                Err(error) => break error,
            }
        };
        let is_full =
            |error: &CommitError| matches!(error, CommitError::Away { trouble: Trouble::Full, .. });
        assert!(is_full(&full), "{full:?}");
        let again = store.commit(&imported(number)).await.unwrap_err();
        assert!(is_full(&again), "{again:?}");
        assert!(!store.was_committed(1, number).await.unwrap());
        store.link.run("PRAGMA max_page_count = 9999", []).await.unwrap();
        store.probe().await.unwrap();
        store.commit(&imported(number)).await.unwrap();
        assert_eq!(store.head().seq, number * 200);
        let reader = crate::reader::Reader::open(&place).await.unwrap();
        assert_eq!(crate::verify::chain(&reader).await.unwrap().lines, number * 200);
    }

    #[tokio::test]
    async fn a_file_that_may_not_be_written_is_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::file(folder.path().join("kari.db"));
        let (mut store, _) = Store::open(&place, Timestamp::default()).await.unwrap();
        store.link.run("PRAGMA query_only = ON", []).await.unwrap();
        let of_probe = store.probe().await.unwrap_err();
        let mut small = imported(1);
        small.batch.journal.truncate(1);
        let of_batch = store.commit(&small).await.unwrap_err();
        for error in [of_probe, of_batch] {
            assert!(
                matches!(&error, CommitError::Away { trouble: Trouble::ReadOnly, .. }),
                "{error:?}"
            );
        }
        store.link.run("PRAGMA query_only = OFF", []).await.unwrap();
        store.probe().await.unwrap();
        // Forgetting goes on before the batch comes again, and takes no end of it for its own.
        let keeps = Keeps { movements: Timestamp::default(), audit: Timestamp::default() };
        let before = store.last.as_ref().map(|end| end.number);
        store.pseudonymise(&keeps, 10, Timestamp::default()).await.unwrap();
        assert_eq!(store.last.as_ref().map(|end| end.number), before);
        store.commit(&small).await.unwrap();
        let reader = crate::reader::Reader::open(&place).await.unwrap();
        crate::verify::rows(&reader).await.unwrap();
    }

    #[tokio::test]
    async fn a_broken_connection_leaves_a_question_that_the_store_can_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kari.db");
        let (mut store, _) = Store::open(&Place::file(&path), Timestamp::default()).await.unwrap();
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
        let reader = crate::reader::Reader::open(&Place::file(&path)).await.unwrap();
        let verified = crate::verify::chain(&reader).await.unwrap();
        assert_eq!(verified.lines, (durable + 1) * 200);
    }
}
