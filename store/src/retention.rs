//! Forgetting: records that are older than parameter 63 keeps them lose who they were about, a few
//! rows at a time. Each piece is a transaction of its own, so that a crash between two of them
//! loses nothing, and the next one goes on where they ended.

use std::sync::Arc;

use domain::{
    facts::EVENT_KINDS,
    journal::PERSONAL,
    retention::{Keeps, Record},
    rows::HELD_EVENTS,
    time::Timestamp,
};

use crate::{
    Store,
    audit::{self, Canon, End, REWRITE},
    binds::Value,
    cells::{Cells, Names},
    error::{CommitError, ReadError},
    link::Dialect,
    pseudonyms::PSEUDONYM_KEY,
    sheet::Op,
};

const BEGIN: &str = "BEGIN IMMEDIATE";
/// What was said of people is to be gone from the file as well, not only from its rows. PostgreSQL
/// has no such setting: its vacuum takes the old rows away.
const OVERWRITE: &str = "PRAGMA secure_delete = ON";
const NO_OVERWRITE: &str = "PRAGMA secure_delete = OFF";
pub(crate) const DECISIONS: &str =
    "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL
    WHERE id IN (SELECT id FROM decision
        WHERE salt IS NOT NULL AND kind = $1 AND at < $2 LIMIT $3)";
pub(crate) const LINES: &str = "UPDATE journal SET noted = NULL, salt = NULL
    WHERE (daemon, seq) IN (SELECT daemon, seq FROM journal
        WHERE salt IS NOT NULL AND kind = $1 AND at < $2 LIMIT $3)";
pub(crate) const HOLDERS: &str = "SELECT id, uid, credential, at, event, decision
    FROM credential_history WHERE member IS NOT NULL AND event = $1 AND at < $2 LIMIT $3";
pub(crate) const FORGET_HOLDER: &str = "UPDATE credential_history
    SET member = NULL, operator = NULL, reason = NULL, seal = $2 WHERE id = $1";
pub(crate) const OLD_HOLDER: &str = "SELECT EXISTS
    (SELECT 1 FROM credential_history WHERE member IS NOT NULL AND event = $1 AND at < $2)";
pub(crate) const OLD_DECISION: &str =
    "SELECT EXISTS (SELECT 1 FROM decision WHERE salt IS NOT NULL AND kind = $1 AND at < $2)";
pub(crate) const OLD_LINE: &str =
    "SELECT EXISTS (SELECT 1 FROM journal WHERE salt IS NOT NULL AND kind = $1 AND at < $2)";

/// A kind of rows: the statement that forgets, the one that looks, the kind, what record it is.
type Rows = (&'static str, &'static str, &'static str, Record);

fn each_kind() -> impl Iterator<Item = Rows> {
    let decisions =
        EVENT_KINDS.iter().map(|kind| (DECISIONS, OLD_DECISION, kind.name(), kind.record()));
    let lines = PERSONAL.iter().map(|(kind, record)| (LINES, OLD_LINE, *kind, *record));
    let holders = HELD_EVENTS.iter();
    let holders = holders.map(|event| (HOLDERS, OLD_HOLDER, event.name(), Record::Audit));
    decisions.chain(lines).chain(holders)
}

impl Store {
    /// Whether records still tell of people that `keeps` has no room for.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn keeps_too_long(&mut self, keeps: &Keeps) -> Result<bool, ReadError> {
        for (_, old, kind, record) in each_kind() {
            let first = keeps.first(record).micros();
            let asked = self.link.value(old, [kind.into(), first.into()]).await;
            if asked.map_err(ReadError::of("old records"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Forgets who at most `rows` of the records were about that `keeps` has no room for, and the
    /// keys of days that are over at `now`; how many rows there were. Nothing is left at 0.
    ///
    /// The journal says so first ([`domain::journal::Noted::Pseudonymised`]): [`crate::verify`]
    /// takes a record without its person only where a line allows it.
    ///
    /// # Errors
    /// Where the piece is not durable; it left no trace then, and may be tried again.
    pub async fn pseudonymise(
        &mut self,
        keeps: &Keeps,
        rows: u32,
        now: Timestamp,
    ) -> Result<u64, CommitError> {
        if let Some(why) = &self.failed {
            return Err(CommitError::Fatal { why: why.clone() });
        }
        let done = self.try_pseudonymise(keeps, rows, now).await;
        if done.is_err() {
            self.roll_back().await?;
        }
        // What was written here belongs to no batch.
        self.count_again().await.map_err(CommitError::of)?;
        done.map_err(CommitError::of)
    }

    /// Forgets who held which credential. The lines get new seals: theirs were of the whole row.
    async fn forget_holders(&mut self, values: [Value; 3]) -> Result<u64, sqlx::Error> {
        let rows = self.link.rows(HOLDERS, values).await?;
        let mut names = Names::default();
        for row in &rows {
            let cells = Cells::of_row("credential_history", row, &mut names);
            let mut cells = cells.map_err(|error| sqlx::Error::Decode(error.into()))?;
            let seal = audit::forgotten_seal(&self.key, |row| {
                cells.values().iter().for_each(|cell| row.cell(cell));
            });
            let id = cells.id().map_err(|error| sqlx::Error::Decode(error.into()))?;
            self.link.run(FORGET_HOLDER, [id.into(), seal.into()]).await?;
        }
        Ok(rows.len() as u64)
    }

    /// Forgets the keys of days that are over, and takes them out of the sum of their table.
    async fn forget_days(&mut self, now: Timestamp) -> Result<(), sqlx::Error> {
        let Some(last) = self.last.clone() else { return Ok(()) };
        let days = self.pseudonyms.forget(now, &mut self.link).await?;
        if days.is_empty() {
            return Ok(());
        }
        let (mut sums, mut row) = (self.sums.clone(), Canon::default());
        for day in days {
            row.begin(PSEUDONYM_KEY.name, PSEUDONYM_KEY.keys.len());
            row.int(day);
            sums.count(&self.key, (&PSEUDONYM_KEY, Op::Delete), &row);
        }
        let end = End { turn: self.turn + 1, sums: sums.encode(), ..(*last).clone() };
        let (turn, bytes) = (end.turn, end.sums.clone());
        let values = [turn.into(), bytes.into(), end.seal(&self.key).into(), end.daemon.into()];
        self.link.run(REWRITE, values).await?;
        self.next = Some((Arc::new(end), sums, false));
        Ok(())
    }

    async fn try_pseudonymise(
        &mut self,
        keeps: &Keeps,
        rows: u32,
        now: Timestamp,
    ) -> Result<u64, sqlx::Error> {
        // What a batch that failed was to end with is no end of ours.
        self.next = None;
        let file = self.link.dialect() == Dialect::Sqlite;
        if file {
            self.link.run(OVERWRITE, []).await?;
            self.link.run(BEGIN, []).await?;
        } else {
            self.begin_turn().await?;
        }
        let mut left = u64::from(rows);
        for (forget, _, kind, record) in each_kind() {
            if left == 0 {
                break;
            }
            let first = keeps.first(record).micros();
            let values = [kind.into(), first.into(), left.cast_signed().into()];
            let forgotten = match forget == HOLDERS {
                true => self.forget_holders(values).await?,
                false => self.link.run(forget, values).await?,
            };
            left = left.saturating_sub(forgotten);
        }
        self.forget_days(now).await?;
        self.link.run("COMMIT", []).await?;
        self.keep_end();
        if file {
            self.link.run(NO_OVERWRITE, []).await?;
        }
        Ok(u64::from(rows) - left)
    }
}
