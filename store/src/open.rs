//! Opening and closing: the lock, the settings that durability rests on, migrations, the epoch.

use futures_util::{FutureExt, future::BoxFuture};
use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use sqlx::{
    ConnectOptions, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use domain::{
    command::Command,
    ids::{CommandId, DecisionId},
    time::{Span, Timestamp},
};

use crate::{
    Ends, Lost, Opened, Store,
    audit::{
        self, End, Key,
        heads::{self, Heads},
    },
    cells::{Cells, Names},
    commit::{counters, outbox::Outbox},
    error::{ConnectError, OpenError, ReadError},
    faults::Faults,
    identity::{self, Expected, FileMark, Identity},
    link::{Dialect, Link, first},
    place::{Database, Place, Server},
    pseudonyms::Pseudonyms,
    server,
};

/// The first SQLite without the bug that corrupts a log which two connections reset at once.
const SQLITE_OLDEST: [u32; 3] = [3, 51, 3];
/// More statements than there are texts: none is ever prepared twice.
const STATEMENTS_MAX: usize = 1024;
/// Rows that wait between the thread of SQLite and ours.
const ROWS_WAITING: usize = 256;
/// How long to wait for a lock that another process holds on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const RAISE_EPOCH: &str = "INSERT INTO daemon (id, epoch, seal) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, seal = excluded.seal";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM member)";
const LAST_RULE_SET: &str = "SELECT hash, texts FROM rule_set ORDER BY live_at DESC, hash LIMIT 1";
const UNSENT: &str = "SELECT id, device, decision, issued, ttl, epoch, action FROM outbox
    WHERE expires >= $1 AND daemon = $2 ORDER BY issued, id";
const COMMAND: &str = "SELECT id, device, decision, issued, ttl, epoch, action FROM outbox
    WHERE id = $1";
pub(crate) const EPOCH: &str = "SELECT epoch FROM daemon WHERE id = $1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 6] =
    [RAISE_EPOCH, IS_EMPTY, LAST_RULE_SET, UNSENT, COMMAND, EPOCH];

impl Store {
    /// Opens the database at `place`, makes it where there is none, brings its tables up to date
    /// and raises the epoch, all of it durable. `now` tells which commands of earlier runs may
    /// still take effect.
    ///
    /// # Errors
    /// [`OpenError`], one variant for each step.
    pub async fn open(place: &Place, now: Timestamp) -> Result<(Self, Opened), OpenError> {
        Self::open_expected(place, Expected::Any, now).await
    }

    /// The same, where only the `expected` database is taken.
    ///
    /// # Errors
    /// [`OpenError`], one variant for each step.
    pub async fn open_expected(
        place: &Place,
        expected: Expected,
        now: Timestamp,
    ) -> Result<(Self, Opened), OpenError> {
        let (mut link, lock) = match &place.database {
            Database::File(path) => {
                let lock = lock(path)?;
                (open_file(place, path, expected).await?, Some(lock))
            }
            Database::Server(to) => (open_server(place, to, expected).await?, None),
        };
        let key = Key::open(place, &mut link).await?;
        let last = end(&mut link, place.daemon).await?.map(Arc::new);
        if expected == Expected::New {
            heads::set_aside(place);
        }
        let (gone, lost) = heads::lost(place, &mut link).await?;
        // From here on the kept head says that somebody may be writing.
        let heads = Heads::open(place, last.clone(), gone);
        let failed = |source| OpenError::Epoch { place: place.clone(), source: Box::new(source) };
        let identity = identity::make(&mut link).await.map_err(failed)?;
        let epoch = raise_epoch(&mut link, place.daemon, &key).await;
        let epoch = epoch.map_err(|source| OpenError::Epoch {
            place: place.clone(),
            source: Box::new(source),
        })?;
        let ends = last.as_ref().map(|end| end.ends).unwrap_or_default();
        let run = (place.daemon, epoch.cast_unsigned());
        let opened = opened(&mut link, run, (ends, lost, identity), now).await?;
        let latest = audit::latest(&mut link).await;
        let (turn, sums) = latest.map_err(ReadError::of("the sums of the tables"))?;
        let outbox = Outbox::load(&mut link, place.daemon).await;
        let outbox = outbox.map_err(ReadError::of("the outbox"))?;
        let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
        let counters = counters(&mut link).await.map_err(failed)?;
        let pseudonyms = Pseudonyms::open(&mut link).await.map_err(failed)?;
        let process = process(&mut link).await.map_err(failed)?;
        let store = Self {
            link,
            place: place.clone(),
            daemon: place.daemon,
            epoch: opened.epoch,
            identity,
            file: FileMark::of(place),
            faults: Faults::default(),
            process,
            ends: opened.ends,
            counters,
            shared: false,
            has_turn: false,
            heard: 0,
            failed: None,
            key,
            turn,
            sums,
            last,
            next: None,
            heads,
            outbox,
            pseudonyms,
            _lock: lock,
        };
        Ok((store, opened))
    }

    /// Writes what is in the log back to the database and closes it.
    ///
    /// # Errors
    /// Where that fails; nothing is lost then, the next start does it.
    pub fn close(mut self) -> BoxFuture<'static, Result<(), sqlx::Error>> {
        async move {
            if self.link.dialect() == Dialect::Sqlite {
                self.link.run("PRAGMA wal_checkpoint(TRUNCATE)", []).await?;
            }
            self.heads.stop(self.last.as_ref());
            self.link.close().await
        }
        .boxed()
    }

    /// Connects anew. What others wrote to a file meanwhile is not known, so rows are compared from
    /// here on.
    pub(crate) fn reconnect(&mut self) -> BoxFuture<'_, Result<(), ConnectError>> {
        async move {
            match &self.place.database {
                Database::File(path) => {
                    FileMark::check(self.file, &self.place).map_err(|trouble| {
                        OpenError::Unfit { place: self.place.clone(), trouble }
                    })?;
                    self.link = Link::Sqlite(connect(path).await?);
                }
                Database::Server(to) => {
                    let mut link = server::connect(&self.place, to, false).await?;
                    let expected = Expected::Known(self.identity);
                    identity::check(&self.place, &mut link, expected).await?;
                    let epoch: i64 = link.value(EPOCH, [self.daemon.into()]).await?;
                    let taken = epoch.cast_unsigned() == self.epoch
                        && server::take_number(&mut link, self.daemon, self.process).await?;
                    if !taken {
                        return Err(ConnectError::Replaced);
                    }
                    self.process = process(&mut link).await?;
                    self.link = link;
                }
            }
            self.has_turn = false;
            self.counters = counters(&mut self.link).await?;
            self.shared = true;
            Ok(())
        }
        .boxed()
    }
}

static OF_SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static OF_POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Opens the file, and brings its tables up to date.
async fn open_file(place: &Place, path: &Path, expected: Expected) -> Result<Link, OpenError> {
    identity::check_file(place, path, expected)?;
    let mut connection = connect(path)
        .await
        .map_err(|source| OpenError::Connect { place: place.clone(), source: Box::new(source) })?;
    check_settings(place, &mut connection).await?;
    let mut link = Link::Sqlite(connection);
    identity::check(place, &mut link, expected).await?;
    identity::migrate(&mut link, &OF_SQLITE)
        .await
        .map_err(|source| OpenError::Migrate { place: place.clone(), source: Box::new(source) })?;
    Ok(link)
}

/// Connects to the server under the lock of the daemon's number, and brings the tables up to date.
async fn open_server(place: &Place, to: &Server, expected: Expected) -> Result<Link, OpenError> {
    let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
    let mut link = server::connect(place, to, true).await?;
    if !server::take_number(&mut link, place.daemon, None).await.map_err(failed)? {
        return Err(OpenError::Held { place: place.clone() });
    }
    identity::check(place, &mut link, expected).await?;
    identity::migrate(&mut link, &OF_POSTGRES)
        .await
        .map_err(|source| OpenError::Migrate { place: place.clone(), source: Box::new(source) })?;
    Ok(link)
}

/// Raises the epoch. On a server that is a turn of its own: a batch that is committed later finds
/// this daemon, and leaves news for it.
async fn raise_epoch(link: &mut Link, daemon: i64, key: &Key) -> Result<i64, sqlx::Error> {
    match link.dialect() {
        Dialect::Sqlite => link.run("BEGIN IMMEDIATE", []).await.map(drop)?,
        Dialect::Postgres => link.run_all(server::BEGIN_TURN).await?,
    }
    let before: i64 = match link.row(EPOCH, [daemon.into()]).await? {
        None => 0,
        row => first(row)?,
    };
    let epoch = before.saturating_add(1);
    let seal = audit::daemon_seal(key, daemon, epoch);
    link.run(RAISE_EPOCH, [daemon.into(), epoch.into(), seal.into()]).await?;
    link.run("COMMIT", []).await?;
    Ok(epoch)
}

/// The process that serves us, where there is one of our own.
async fn process(link: &mut Link) -> Result<Option<i64>, sqlx::Error> {
    match link.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::Postgres => link.value(server::PROCESS, []).await.map(Some),
    }
}

/// Takes the lock of the database; the kernel gives it back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file_path = PathBuf::from(name);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&file_path);
    let file = file.map_err(|source| OpenError::LockFile { path: file_path, source })?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| OpenError::Held { place: Place::file(path) })?;
    Ok(file)
}

/// A connection to a file, with the settings that durability rests on.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Statements that a trigger may undo keep their journal there, not in a file.
        .pragma("temp_store", "memory")
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROWS_WAITING)
        .disable_statement_logging()
        .connect()
        .await
}

/// Reads the settings back: a file system that cannot do what was asked says so only here.
async fn check_settings(place: &Place, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
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

/// The row of a daemon's last batch, if there was one.
pub(crate) async fn end(link: &mut Link, daemon: i64) -> Result<Option<End>, ReadError> {
    let row = link.row(audit::OF_DAEMON, [daemon.into()]).await;
    let row = row.map_err(ReadError::of("the last batch"))?;
    row.as_ref().map(End::read).transpose().map(|read| read.map(|(end, _)| end))
}

async fn opened(
    link: &mut Link,
    (daemon, epoch): (i64, u64),
    (ends, lost, identity): (Ends, Vec<Lost>, Identity),
    now: Timestamp,
) -> Result<Opened, ReadError> {
    let what = "what the last run left";
    let is_empty = link.value(IS_EMPTY, []).await;
    let last = link.row(LAST_RULE_SET, []).await;
    let last_rule_set = match last.map_err(ReadError::of(what))? {
        None => None,
        Some(row) => {
            let mut names = Names::default();
            let mut cells = Cells::of_row("rule_set", &row, &mut names)?;
            Some((cells.take()?, cells.json()?))
        }
    };
    let rows = link.rows(UNSENT, [now.micros().into(), daemon.into()]).await;
    let rows = rows.map_err(ReadError::of("unsent commands"))?;
    let mut names = Names::default();
    let unsent = rows.iter().map(|row| command(&mut Cells::of_row("outbox", row, &mut names)?));
    Ok(Opened {
        epoch,
        daemon,
        identity,
        ends,
        is_empty: is_empty.map_err(ReadError::of(what))?,
        last_rule_set,
        unsent: unsent.collect::<Result<_, _>>()?,
        lost,
    })
}

impl Store {
    /// The commands of these ids that stand in the outbox.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn commands(&mut self, ids: &[CommandId]) -> Result<Vec<Command>, ReadError> {
        let (mut names, mut found) = (Names::default(), Vec::new());
        for id in ids {
            let row = self.link.row(COMMAND, [id.0.into()]).await;
            if let Some(row) = row.map_err(ReadError::of("commands"))? {
                found.push(command(&mut Cells::of_row("outbox", &row, &mut names)?)?);
            }
        }
        Ok(found)
    }
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
