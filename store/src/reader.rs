//! Reading beside the writer: for pages, the API and the command line.

use futures_util::{FutureExt, future::BoxFuture};
use std::time::Duration;

use sqlx::{
    ConnectOptions,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use domain::{
    decision::Decision,
    ids::{CredentialId, DecisionId, Uid},
    layered::Change,
    rows::{ParamKey, SetParam},
    state::Changes,
    time::{Span, Timestamp},
};
use uuid::Uuid;

use crate::{
    cells::{Cells, Names},
    error::{OpenError, ReadError},
    identity::{self, Expected},
    ledger::{POSTING, RECEIPT, TRANSACTION},
    link::{Dialect, Pool, Row},
    people::{HISTORY, PERSON, PERSON_WORD},
    place::{Database, Place},
    records::{DECISION, JOURNAL, OUTBOX, RULE_SET},
    server,
    sheet::{Op, Sheet, statement},
    tables::{Stored, each_table},
};

/// Connections that read at once.
const READERS: u32 = 4;
/// Rows that wait between a thread of SQLite and ours.
const ROWS_WAITING: usize = 512;
/// How long to wait for one of them.
const WAIT: Duration = Duration::from_secs(5);

const DECISION_BODY: &str = "SELECT body FROM decision WHERE id = $1 AND body IS NOT NULL";
const DECISIONS_AFTER: &str = "SELECT j.seq, d.body FROM journal j
    JOIN decision d ON d.id = j.decision
    WHERE j.daemon = $3 AND j.seq > $1 AND d.body IS NOT NULL
    ORDER BY j.seq LIMIT $2";
const LATEST: &str = "SELECT j.seq, d.body FROM journal j
    JOIN decision d ON d.id = j.decision
    WHERE j.daemon = $3 AND j.seq < $1 AND d.body IS NOT NULL
    ORDER BY j.seq DESC LIMIT $2";
const IN_PERIOD: &str = "SELECT body FROM decision
    WHERE id > $1 AND id <= $2 AND at >= $3 AND at < $4 AND body IS NOT NULL
    ORDER BY id LIMIT $5";
const COUNT_BETWEEN: &str = "SELECT count(*) FROM decision WHERE id > $1 AND id <= $2";
const REMAINS: &str = "SELECT at, outcome, reason FROM decision WHERE id = $1 AND body IS NULL";
const PARAM_VALUES: &str = "SELECT parameter, scope, body FROM param_value ORDER BY 1, 2";
const UID_OF: &str = "SELECT uid FROM credential WHERE id = $1 LIMIT 1";
const RULE_SET_OF: &str = "SELECT hash, texts FROM rule_set WHERE hash = $1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 9] = [
    DECISION_BODY,
    DECISIONS_AFTER,
    LATEST,
    IN_PERIOD,
    COUNT_BETWEEN,
    REMAINS,
    PARAM_VALUES,
    UID_OF,
    RULE_SET_OF,
];

/// How far the time of a decision's id, when it was recorded, may lie from the time that it was
/// decided for: late devices, and a clock that was set.
const RECORDED_WITHIN: Span = Span::seconds(24 * 60 * 60);

/// A time from an instant on, before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub since: Timestamp,
    /// The first instant that no longer belongs to it.
    pub until: Timestamp,
}

impl Period {
    /// All times.
    pub const ALWAYS: Self =
        Self { since: Timestamp::from_micros(0), until: Timestamp::from_micros(i64::MAX) };

    /// Ids before and at the end of those that a decision of this time can have: they begin with
    /// their milliseconds.
    fn ids(&self) -> (Uuid, Uuid) {
        let edge = |at: Timestamp, rest: u128| {
            let millis = u128::try_from(at.millis()).unwrap_or(0).min((1 << 48) - 1);
            Uuid::from_u128(millis << 80 | rest)
        };
        let first = self.since.minus(RECORDED_WITHIN);
        (edge(first, 0), edge(self.until.plus(RECORDED_WITHIN), (1 << 80) - 1))
    }
}

/// Reads a database that may have a writer; it never writes itself.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) pool: Pool,
    pub(crate) place: Place,
    daemon: i64,
}

impl Reader {
    /// Opens the database at `place` where it is the `expected` one.
    ///
    /// # Errors
    /// Where it is not there, is another one, or cannot be opened.
    pub fn open_expected(
        place: &Place,
        expected: Expected,
    ) -> BoxFuture<'_, Result<Self, OpenError>> {
        async move {
            if let Database::File(path) = &place.database {
                identity::check_file(place, path, expected)?;
                if !path.exists() {
                    return Err(OpenError::NotYet { place: place.clone() });
                }
            }
            let reader = Self::open(place).await?;
            if expected != Expected::Any {
                let failed =
                    |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
                let mut view = reader.pool.view().await.map_err(failed)?;
                identity::check(place, &mut view, expected).await?;
                view.close().await.map_err(failed)?;
            }
            Ok(reader)
        }
        .boxed()
    }

    /// Opens the database at `place`, which must exist.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(place: &Place) -> BoxFuture<'_, Result<Self, OpenError>> {
        async move {
            let pool = match &place.database {
                Database::File(path) => {
                    let options = SqliteConnectOptions::new()
                        .filename(path)
                        .read_only(true)
                        .busy_timeout(WAIT)
                        .row_buffer_size(ROWS_WAITING)
                        .disable_statement_logging();
                    // They are kept: where a limit of open files is reached, none could be opened.
                    let pool = SqlitePoolOptions::new()
                        .max_connections(READERS)
                        .min_connections(READERS)
                        .idle_timeout(None)
                        .acquire_timeout(WAIT);
                    pool.connect_with(options).await.map(Pool::Sqlite)
                }
                Database::Server(to) => {
                    let pool = PgPoolOptions::new().max_connections(READERS).acquire_timeout(WAIT);
                    server::readers(to, pool).await
                }
            };
            let own = |pool| Self { pool, place: place.clone(), daemon: place.daemon };
            pool.map(own).map_err(|source| OpenError::Connect {
                place: place.clone(),
                source: Box::new(source),
            })
        }
        .boxed()
    }

    /// The decision of this id; nothing where it is not there, or was forgotten.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, ReadError> {
        let row = self.pool.row(DECISION_BODY, [id.0.into()]).await;
        let row = row.map_err(ReadError::of("a decision"))?;
        let Some(row) = row else { return Ok(None) };
        Cells::of_row("decision", &row, &mut Names::default())?.json().map(Some)
    }

    /// The decisions after the journal's line `seq`, at most `limit`, oldest first, each with its
    /// line.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn decisions_after(
        &self,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Decision)>, ReadError> {
        let values = [seq.cast_signed(), limit.into(), self.daemon].map(Into::into);
        let rows = self.pool.rows(DECISIONS_AFTER, values).await;
        let rows = rows.map_err(ReadError::of("decisions"))?;
        rows.iter().map(numbered).collect()
    }

    /// The latest decisions, at most `limit`, newest first, each with its line of the journal;
    /// those before the line `before` where one is named.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn latest(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<(u64, Decision)>, ReadError> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        let values = [before, limit.into(), self.daemon].map(Into::into);
        let rows = self.pool.rows(LATEST, values).await.map_err(ReadError::of("decisions"))?;
        rows.iter().map(numbered).collect()
    }

    /// The decisions of `period` after the decision `after`, at most `limit`, in the order in
    /// which they were recorded.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn decisions_in(
        &self,
        period: Period,
        after: Option<DecisionId>,
        limit: u32,
    ) -> Result<Vec<Decision>, ReadError> {
        let (first, last) = period.ids();
        let first = after.map_or(first, |id| id.0.max(first));
        let (since, until) = (period.since.micros(), period.until.micros());
        let values =
            [first.into(), last.into(), since.into(), until.into(), i64::from(limit).into()];
        let rows = self.pool.rows(IN_PERIOD, values).await.map_err(ReadError::of("decisions"))?;
        let body = |row: &Row| Cells::of_row("decision", row, &mut Names::default())?.json();
        rows.iter().map(body).collect()
    }

    /// About how many decisions there are in `period`, for a bar: never too few.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn about_in(&self, period: Period) -> Result<u64, ReadError> {
        let (first, last) = period.ids();
        let count = self.pool.value(COUNT_BETWEEN, [first.into(), last.into()]).await;
        let count: i64 = count.map_err(ReadError::of("decisions"))?;
        Ok(count.cast_unsigned())
    }

    /// What remains of a decision that was forgotten: its time, its outcome, and the code of its
    /// primary reason.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn remains(
        &self,
        id: DecisionId,
    ) -> Result<Option<(Timestamp, String, String)>, ReadError> {
        let row = self.pool.row(REMAINS, [id.0.into()]).await;
        let Some(row) = row.map_err(ReadError::of("a decision"))? else { return Ok(None) };
        let mut names = Names::default();
        let mut cells = Cells::of_row("decision", &row, &mut names)?;
        Ok(Some((cells.at()?, cells.take()?, cells.take()?)))
    }

    /// The values of parameters that are kept in the database.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn params(&self) -> Result<Vec<(ParamKey, SetParam)>, ReadError> {
        let rows = self.pool.rows(PARAM_VALUES, []).await;
        let mut names = Names::default();
        let read = |row: &Row| {
            let mut cells = Cells::of_row("param_value", row, &mut names)?;
            Ok((SetParam::read_key(&mut cells)?, SetParam::read(&mut cells)?))
        };
        rows.map_err(ReadError::of("the values of parameters"))?.iter().map(read).collect()
    }

    /// The number of a credential.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn uid_of(&self, credential: CredentialId) -> Result<Option<Uid>, ReadError> {
        let row = self.pool.row(UID_OF, [credential.0.into()]).await;
        let Some(row) = row.map_err(ReadError::of("a credential"))? else { return Ok(None) };
        let mut names = Names::default();
        let mut cells = Cells::of_row("credential", &row, &mut names)?;
        Ok(Some(Uid::from(&*cells.text()?)))
    }

    /// The texts of the rule set of this hash, by file name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn rule_set(&self, hash: &str) -> Result<Option<Vec<(String, String)>>, ReadError> {
        let row = self.pool.row(RULE_SET_OF, [hash.into()]).await;
        let Some(row) = row.map_err(ReadError::of("a rule set"))? else { return Ok(None) };
        let mut names = Names::default();
        let mut cells = Cells::of_row("rule_set", &row, &mut names)?;
        cells.text()?;
        cells.json().map(Some)
    }

    /// How many rows each table has, by its name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn counts(&self) -> Result<Vec<(&'static str, u64)>, ReadError> {
        let mut counts = Vec::new();
        for sheet in sheets() {
            // Its text is the same everywhere.
            let text = statement(Dialect::Sqlite, &sheet, Op::Count, 0);
            let count: Result<i64, _> = self.pool.value(text, []).await;
            let count = count.map_err(ReadError::of(sheet.name))?;
            counts.push((sheet.name, count.cast_unsigned()));
        }
        Ok(counts)
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Every table that grows with the site.
pub(crate) fn sheets() -> Vec<Sheet> {
    /// The table behind a field of the changes.
    fn of<V: Stored>(_: impl Fn(Changes) -> Vec<Change<V::Key, V>>) -> Sheet {
        V::SHEET
    }
    macro_rules! states {
        ($($table:ident),*) => { vec![$(of(|rows| rows.$table)),*] };
    }
    let mut sheets = each_table!(states);
    sheets.extend([
        JOURNAL,
        DECISION,
        POSTING,
        TRANSACTION,
        RECEIPT,
        OUTBOX,
        PERSON,
        PERSON_WORD,
        HISTORY,
        RULE_SET,
    ]);
    sheets
}

fn numbered(row: &Row) -> Result<(u64, Decision), ReadError> {
    let mut names = Names::default();
    let mut cells = Cells::of_row("decision", row, &mut names)?;
    Ok((cells.bits()?, cells.json()?))
}
