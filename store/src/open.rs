//! Opening and closing: the lock, the settings that durability rests on, migrations, the epoch.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use domain::{
    command::Command,
    ids::{CommandId, DecisionId},
    time::{Span, Timestamp},
};

use crate::{
    Ends, Head, Opened, Store,
    cells::{Cells, Names},
    commit::{counters, outbox::Outbox},
    error::{OpenError, ReadError},
    pseudonyms::Pseudonyms,
};

/// The daemon of a database of its own.
const DAEMON: i64 = 1;
/// The first SQLite without the bug that corrupts a log which two connections reset at once.
const SQLITE_OLDEST: [u32; 3] = [3, 51, 3];
/// More statements than there are texts: none is ever prepared twice.
const STATEMENTS_MAX: usize = 1024;
/// Rows that wait between the thread of SQLite and ours.
const ROWS_WAITING: usize = 256;
/// How long to wait for a lock that another process holds on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const RAISE_EPOCH: &str = "INSERT INTO daemon (id, epoch) VALUES ($1, 1)
    ON CONFLICT (id) DO UPDATE SET epoch = daemon.epoch + 1 RETURNING epoch";
const ENDS: &str = "SELECT journal_seq, journal_hash, ledger_seq, ledger_hash FROM batch
    WHERE daemon = $1";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM member)";
const ONLY_IMPORTS: &str = "SELECT NOT EXISTS
    (SELECT 1 FROM journal WHERE kind <> 'imported')";
const LAST_RULE_SET: &str = "SELECT hash, texts FROM rule_set ORDER BY live_at DESC, hash LIMIT 1";
const UNSENT: &str = "SELECT id, device, decision, issued, ttl, epoch, action FROM outbox
    WHERE expires >= $1 ORDER BY issued, id";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 6] =
    [RAISE_EPOCH, ENDS, IS_EMPTY, ONLY_IMPORTS, LAST_RULE_SET, UNSENT];

impl Store {
    /// Opens the database at `path`, makes it where there is none, brings its tables up to date and
    /// raises the epoch, all of it durable. `now` tells which commands of earlier runs may still
    /// take effect.
    ///
    /// # Errors
    /// [`OpenError`], one variant for each step.
    pub async fn open(path: &Path, now: Timestamp) -> Result<(Self, Opened), OpenError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        }
        let lock = lock(path)?;
        let mut connection = connect(path)
            .await
            .map_err(|source| OpenError::Connect { path: path.to_owned(), source })?;
        check_settings(path, &mut connection).await?;
        sqlx::migrate!("../migrations/sqlite")
            .run(&mut connection)
            .await
            .map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        let epoch = sqlx::query_scalar(RAISE_EPOCH).bind(DAEMON).fetch_one(&mut connection).await;
        let epoch: i64 =
            epoch.map_err(|source| OpenError::Epoch { path: path.to_owned(), source })?;
        let opened = opened(&mut connection, epoch.cast_unsigned(), now).await?;
        let outbox = Outbox::load(&mut connection).await;
        let outbox = outbox.map_err(ReadError::of("the outbox"))?;
        let counters = counters(&mut connection)
            .await
            .map_err(|source| OpenError::Connect { path: path.to_owned(), source })?;
        let pseudonyms = Pseudonyms::open(&mut connection).await;
        let pseudonyms =
            pseudonyms.map_err(|source| OpenError::Connect { path: path.to_owned(), source })?;
        let store = Self {
            connection,
            path: path.to_owned(),
            daemon: DAEMON,
            ends: opened.ends,
            counters,
            shared: false,
            failed: None,
            outbox,
            pseudonyms,
            _lock: lock,
        };
        Ok((store, opened))
    }

    /// Whether nothing ever happened here but imports.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn has_only_imports(&mut self) -> Result<bool, ReadError> {
        let asked = sqlx::query_scalar(ONLY_IMPORTS).fetch_one(&mut self.connection).await;
        asked.map_err(ReadError::of("whether there are only imports"))
    }

    /// Writes what is in the log back to the database and closes it.
    ///
    /// # Errors
    /// Where that fails; nothing is lost then, the next start does it.
    pub async fn close(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await?;
        self.connection.close().await
    }

    /// Connects anew. What others wrote meanwhile is not known, so rows are compared from here on.
    pub(crate) async fn reconnect(&mut self) -> Result<(), sqlx::Error> {
        self.connection = connect(&self.path).await?;
        self.counters = counters(&mut self.connection).await?;
        self.shared = true;
        Ok(())
    }
}

/// Takes the lock of the database; the kernel gives it back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file_path = PathBuf::from(name);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&file_path);
    let file = file.map_err(|source| OpenError::LockFile { path: file_path, source })?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| OpenError::Held { path: path.to_owned() })?;
    Ok(file)
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROWS_WAITING)
        .disable_statement_logging()
        .connect()
        .await
}

/// Reads the settings back: a file system that cannot do what was asked says so only here.
async fn check_settings(path: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let failed = |source| OpenError::Connect { path: path.to_owned(), source };
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() < SQLITE_OLDEST.as_slice() {
        return Err(OpenError::OldSqlite { found: version });
    }
    for (name, query, wanted) in [
        ("journal_mode", "SELECT journal_mode FROM pragma_journal_mode", "wal"),
        ("synchronous", "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "2"),
        ("foreign_keys", "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys", "1"),
    ] {
        let found: String =
            sqlx::query_scalar(query).fetch_one(&mut *connection).await.map_err(failed)?;
        if found != wanted {
            return Err(OpenError::Setting { name, found });
        }
    }
    Ok(())
}

/// The ends of a daemon's chains.
pub(crate) async fn ends(
    connection: &mut SqliteConnection,
    daemon: i64,
) -> Result<Ends, ReadError> {
    let row = sqlx::query(ENDS).bind(daemon).fetch_optional(connection).await;
    let Some(row) = row.map_err(ReadError::of("the ends of the chains"))? else {
        return Ok(Ends::default());
    };
    let mut names = Names::default();
    let mut cells = Cells::of_row("batch", &row, &mut names)?;
    Ok(Ends {
        journal: head(&mut cells, "journal_hash")?,
        ledger: head(&mut cells, "ledger_hash")?,
    })
}

fn head(cells: &mut Cells<'_, '_>, column: &'static str) -> Result<Head, ReadError> {
    let seq = cells.bits()?;
    let hash: Vec<u8> = cells.take()?;
    let hash = hash.try_into().map_err(|_| ReadError::Value {
        table: "batch",
        column: column.to_owned(),
        why: "it is not 32 bytes long".to_owned(),
    })?;
    Ok(Head { seq, hash })
}

async fn opened(
    connection: &mut SqliteConnection,
    epoch: u64,
    now: Timestamp,
) -> Result<Opened, ReadError> {
    let what = "what the last run left";
    let ends = ends(connection, DAEMON).await?;
    let is_empty = sqlx::query_scalar(IS_EMPTY).fetch_one(&mut *connection).await;
    let last = sqlx::query(LAST_RULE_SET).fetch_optional(&mut *connection).await;
    let last_rule_set = match last.map_err(ReadError::of(what))? {
        None => None,
        Some(row) => {
            let mut names = Names::default();
            let mut cells = Cells::of_row("rule_set", &row, &mut names)?;
            Some((cells.take()?, cells.json()?))
        }
    };
    let rows = sqlx::query(UNSENT).bind(now.micros()).fetch_all(connection).await;
    let rows = rows.map_err(ReadError::of("unsent commands"))?;
    let mut names = Names::default();
    let unsent = rows.iter().map(|row| command(&mut Cells::of_row("outbox", row, &mut names)?));
    Ok(Opened {
        epoch,
        daemon: DAEMON,
        ends,
        is_empty: is_empty.map_err(ReadError::of(what))?,
        last_rule_set,
        unsent: unsent.collect::<Result<_, _>>()?,
    })
}

fn command(from: &mut Cells<'_, '_>) -> Result<Command, ReadError> {
    Ok(Command {
        id: from.id().map(CommandId)?,
        device: from.name()?,
        decision: from.maybe_id()?.map(DecisionId),
        issued: from.at()?,
        ttl: from.int().map(Span)?,
        epoch: from.bits()?,
        action: from.json()?,
    })
}
