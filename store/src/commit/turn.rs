//! A batch on PostgreSQL, where other daemons of the site write too.
//!
//! Batches are committed in turn, under one lock of the database: whoever has the turn sees all
//! that was committed before, and nothing changes under it. So it is enough to compare the version
//! of each row that the batch read, rows that were not there included, and no two daemons can wait
//! for each other. A batch that is not what the database holds by now is rolled back and decided
//! again; where that happens again and again the daemon keeps its turn meanwhile
//! ([`Store::keep_turn`]).
//!
//! A batch is one text: comparing, writing, the news for other daemons, and last the seal, which
//! can only be written where everything agrees and where no later run took over this daemon's
//! number.

use sqlx::Row as _;

use super::{
    compare::compared,
    lots::{Counted, at_once, lots, one_by_one, row_count},
};
use crate::{
    Sealed, Store,
    audit::{self, End},
    binds::{Binds, Bound},
    error::CommitError,
    link::Dialect,
    news::{self, Changed},
    open::EPOCH,
    records::Records,
    server::BEGIN_TURN,
    trouble::Trouble,
};

/// How often one daemon takes old news away, in batches.
const PRUNED_EVERY: u64 = 1024;
/// A row of the seal that says how many rows there are, of a batch where something does not agree.
const DISAGREES: &str = "row_count";

/// What a try came to.
enum Tried {
    /// It is written, but not yet committed.
    Sealed,
    /// A row is not what the batch takes it for.
    Disagrees,
    /// A later run has this daemon's number.
    Replaced,
}

/// The statement that ends a text: news where there are other daemons, and the seal.
fn end(counted: &Counted, first: usize) -> String {
    let value = |place: usize| format!("${}", first + place);
    let (daemon, epoch, row_count, news) = (value(0), value(1), value(8), value(9));
    let told = format!(
        "told AS (INSERT INTO news (daemon, rows) SELECT {daemon}, {news}
            WHERE EXISTS (SELECT 1 FROM daemon WHERE id <> {daemon})
            RETURNING pg_notify('kari_news', ''))"
    );
    let with: Vec<String> = counted.with.iter().cloned().chain([told]).collect();
    let sealed: Vec<String> = (2..8).map(value).collect();
    format!(
        "WITH {with}
        INSERT INTO batch
            (daemon, epoch, number, committed_at, journal_seq, journal_hash, ledger_seq,
            ledger_hash, row_count, turn, sums, seal)
        SELECT d.id, d.epoch, {sealed}, CASE WHEN {differing} = 0 AND {written} = {check}
            AND (SELECT count(*) FROM told) >= 0 THEN {row_count} END,
            {turn}, {sums}, {seal}
        FROM daemon AS d WHERE d.id = {daemon} AND d.epoch = {epoch}
        ON CONFLICT (daemon) DO UPDATE SET epoch = excluded.epoch, number = excluded.number,
            committed_at = excluded.committed_at, journal_seq = excluded.journal_seq,
            journal_hash = excluded.journal_hash, ledger_seq = excluded.ledger_seq,
            ledger_hash = excluded.ledger_hash, row_count = excluded.row_count,
            turn = excluded.turn, sums = excluded.sums, seal = excluded.seal",
        with = with.join(",\n"),
        sealed = sealed.join(", "),
        differing = counted.differing,
        written = counted.written,
        check = value(10),
        turn = value(11),
        sums = value(12),
        seal = value(13),
    )
}

impl Store {
    /// Writes a batch in its turn.
    pub(super) async fn write_in_turn(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), CommitError> {
        let result = self.try_in_turn(sealed, records).await;
        self.has_turn = false;
        if let Err(why) = &result {
            match why {
                // What ends the run is not hidden by what comes after it.
                CommitError::Fatal { .. } => drop(self.roll_back().await),
                CommitError::Unknown { .. } => {}
                _ => self.roll_back().await?,
            }
        }
        result
    }

    async fn try_in_turn(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<(), CommitError> {
        if !self.has_turn {
            self.begin_turn().await.map_err(CommitError::of)?;
        }
        match self.try_sealing(sealed, records).await.map_err(CommitError::of)? {
            Tried::Sealed => {}
            Tried::Replaced => return Err(self.replaced().await),
            Tried::Disagrees => {
                // The rest of the transaction is void; what differs is looked for in a new turn.
                self.roll_back().await?;
                self.link.run_all(BEGIN_TURN).await.map_err(CommitError::of)?;
                let tables = self.differing(sealed).await?;
                return Err(CommitError::raced(tables));
            }
        }
        if sealed.number.is_multiple_of(PRUNED_EVERY) {
            let pruned = self.link.run(news::PRUNE, [news::kept().into()]).await;
            pruned.map_err(CommitError::of)?;
        }
        self.link.run("COMMIT", []).await.map_err(CommitError::of)?;
        Ok(())
    }

    /// Why the row of this daemon is not what it was: somebody else has its number, or the tables
    /// are emptied.
    async fn replaced(&mut self) -> CommitError {
        let row = self.link.row(EPOCH, [self.daemon.into()]).await;
        match row {
            Ok(Some(_)) => {
                let why = "another process took over the number of this daemon".to_owned();
                CommitError::Fatal { why }
            }
            Ok(None) => CommitError::away(Trouble::Foreign, "its tables are emptied"),
            Err(error) => CommitError::of(error),
        }
    }

    async fn try_sealing(
        &mut self,
        sealed: &Sealed,
        records: &Records<'_>,
    ) -> Result<Tried, sqlx::Error> {
        let news = serde_json::to_string(&Changed::by(sealed));
        let news = news.map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (rows, whole, (pieces, changed)) = {
            let (lots, tables) = (lots(self.daemon, sealed, records), compared(&sealed.reads));
            let rows = row_count(&lots);
            let whole = match at_once(&lots, (&tables, &self.key), end) {
                Some((text, mut binds)) => {
                    let end = self.end_of(sealed, records, (rows, &binds.sums()));
                    self.bind_end(&end, (rows, &news), &mut binds);
                    Some((text, binds.done()?))
                }
                None => None,
            };
            let pieces = match whole {
                Some(_) => <_>::default(),
                None => one_by_one(Dialect::Postgres, &lots, &self.key)?,
            };
            (rows, whole, pieces)
        };
        let (text, values) = match whole {
            Some(whole) => whole,
            None => {
                // Too many kinds of batches: this one goes statement by statement.
                let agrees = self.differing(sealed).await.is_ok_and(|tables| tables.is_empty());
                let written = self.write_pieces(pieces).await?;
                if !agrees || i64::try_from(written).ok() != Some(rows) {
                    return Ok(Tried::Disagrees);
                }
                let nothing = || sqlx::Error::Encode("there is no text for a seal".into());
                let (text, mut binds) = at_once(&[], (&[], &self.key), end).ok_or_else(nothing)?;
                let end = self.end_of(sealed, records, (rows, &changed));
                self.bind_end(&end, (0, &news), &mut binds);
                (text, binds.done()?)
            }
        };
        self.seal_in_turn(text, values).await
    }

    async fn seal_in_turn(
        &mut self,
        text: &'static str,
        values: Bound,
    ) -> Result<Tried, sqlx::Error> {
        match self.link.execute(text, values).await {
            Ok(0) => Ok(Tried::Replaced),
            Ok(_) => Ok(Tried::Sealed),
            Err(sqlx::Error::Database(why))
                if why.table() == Some("batch") && why.message().contains(DISAGREES) =>
            {
                Ok(Tried::Disagrees)
            }
            Err(error) => Err(error),
        }
    }

    fn bind_end(&self, end: &End, (check, news): (i64, &str), to: &mut Binds) {
        end.bind_first(to);
        to.int(end.rows);
        to.text(news);
        to.int(check);
        end.bind_last(&self.key, to);
    }

    /// Begins the turn, and learns what the tables hold together by now where another daemon had
    /// the turn before.
    pub(crate) async fn begin_turn(&mut self) -> Result<(), sqlx::Error> {
        let latest = self.link.run_and_read(BEGIN_TURN).await?.ok_or(sqlx::Error::RowNotFound)?;
        if latest.try_get::<i64, _>(0)? != self.turn {
            (self.turn, self.sums) = audit::latest(&mut self.link).await?;
        }
        Ok(())
    }

    /// Gives a turn back that was kept for a batch which has nothing to store. Where that fails the
    /// next batch finds out.
    pub async fn give_turn_back(&mut self) {
        if std::mem::take(&mut self.has_turn) {
            drop(self.roll_back().await);
        }
    }

    /// Keeps the turn from here to the end of the next batch, so that nobody else comes between:
    /// for a daemon that lost again and again. On a file there is nobody else.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn keep_turn(&mut self) -> Result<(), CommitError> {
        if self.link.dialect() == Dialect::Postgres && !self.has_turn {
            self.begin_turn().await.map_err(CommitError::of)?;
            self.has_turn = true;
        }
        Ok(())
    }
}
