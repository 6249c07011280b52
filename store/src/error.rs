//! What can go wrong with the database, one variant for each thing that was tried.

use std::path::PathBuf;

use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

use crate::place::Place;

/// The database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder of the database could not be made.
    #[error("cannot make the folder `{path}`; check the path and its rights")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The lock file could not be opened.
    #[error("cannot open the lock file `{path}`; check the rights of its folder")]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another daemon works on this database.
    #[error(
        "another daemon {} works on `{place}`; stop it first, or give this one a folder or a \
         number of its own",
        place.daemon
    )]
    Held {
        /// The database.
        place: Place,
    },
    /// It could not be opened as a database.
    #[error("cannot open the database `{place}`; check its rights, or restore the last backup")]
    Connect {
        /// The database.
        place: Place,
        /// Why.
        source: Box<sqlx::Error>,
    },
    /// The SQLite library is too old to be safe.
    #[error("SQLite `{found}` can lose data; build with 3.51.3 or newer")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// The server is too old.
    #[error("PostgreSQL `{found}` is not looked after any more; use 14 or newer")]
    OldPostgres {
        /// Its version.
        found: i64,
    },
    /// A setting did not take effect.
    #[error("the database keeps `{name} = {found}`, which is not safe; move it to a local disk")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
    },
    /// A setting of the server is not safe.
    #[error("PostgreSQL has `{name} = {found}`, which is not safe; correct it in its settings")]
    ServerSetting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
    },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of `{place}` up to date; restore the last backup")]
    Migrate {
        /// The database.
        place: Place,
        /// Why.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// The new epoch could not be written.
    #[error("cannot write to the database `{place}`; check its rights and the room on its disk")]
    Epoch {
        /// The database.
        place: Place,
        /// Why.
        source: Box<sqlx::Error>,
    },
    /// There is no key for the seals of rows.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What the last run left could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The key of the seals could not be had.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The database is in use, and its key is not there.
    #[error(
        "the key that the rows of `{place}` are sealed with is gone; bring the file `audit.key` \
         back from the backup that the database is from, into the folder of the database"
    )]
    Gone {
        /// The database.
        place: Place,
    },
    /// It is no key.
    #[error("{place} must hold a key of 64 hexadecimal digits, and does not; bring it back")]
    Wrong {
        /// Where it is kept.
        place: String,
    },
    /// Its file could not be read or written.
    #[error("cannot read or write the key `{path}`; check its rights")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The table that keeps it could not be read.
    #[error("cannot read the key of the seals from the database; run `kari doctor`")]
    Query(#[from] sqlx::Error),
    /// What the table holds could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Rows could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The query failed.
    #[error("cannot read {what} from the database; run `kari doctor`")]
    Query {
        /// What was asked for.
        what: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A value is not what its column holds.
    #[error(
        "the column `{column}` of the table `{table}` holds something wrong: {why}; \
         restore the last backup"
    )]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ReadError {
    /// For `map_err`: the query for `what` failed.
    pub(crate) const fn of(what: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Query { what, source }
    }
}

/// A connection could not be made anew.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// The database does not answer.
    #[error(transparent)]
    Query(#[from] sqlx::Error),
    /// It does not let us in.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Somebody else works under our number by now.
    #[error("another process took over the number of this daemon")]
    Replaced,
}

/// A batch was not made durable.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The batch was rolled back for sure: a row changed elsewhere, or a constraint refused it.
    #[error("the batch is rolled back: {why}; read the rows of `{}` again", tables.join("`, `"))]
    Lost {
        /// What refused it.
        why: String,
        /// The tables whose rows are not what the batch took them for; empty where a constraint
        /// refused it.
        tables: Vec<&'static str>,
    },
    /// Somebody else holds the database; nothing was written, and the batch may be tried again.
    #[error("another program holds the database: {why}; end it, or wait for it")]
    Busy {
        /// What SQLite says.
        why: String,
    },
    /// The database does not answer for now; it may be asked again.
    #[error("the database does not answer: {why}; start it, or wait for it")]
    Away {
        /// What was found instead of it.
        why: String,
    },
    /// Nobody knows whether the batch is durable; ask [`crate::Store::was_committed`].
    #[error("the connection to the database broke; look up whether the batch came through")]
    Unknown {
        /// What broke.
        source: sqlx::Error,
    },
    /// The storage failed: nothing may be acknowledged any more.
    #[error("the database cannot store: {why}; check the disk and its room, then start again")]
    Fatal {
        /// What failed.
        why: String,
    },
}

impl CommitError {
    /// A batch that was refused for a reason other than changed rows.
    pub(crate) fn refused(why: impl ToString) -> Self {
        Self::Lost { why: why.to_string(), tables: Vec::new() }
    }

    /// A batch that read rows which are others by now.
    pub(crate) fn raced(tables: Vec<&'static str>) -> Self {
        Self::Lost { why: "rows changed since they were read".to_owned(), tables }
    }

    /// What the driver's error means for a batch.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        let why = match &error {
            sqlx::Error::Database(refusal) => refusal,
            sqlx::Error::Encode(why) => return Self::refused(why),
            _ => return Self::Unknown { source: error },
        };
        let code = why.code().unwrap_or_default().into_owned();
        match why.try_downcast_ref::<PgDatabaseError>() {
            Some(refusal) => match of_postgres(&code) {
                Meaning::Storage => Self::Fatal { why: refusal.to_string() },
                Meaning::Gone => Self::Unknown { source: error },
                Meaning::Refused => Self::refused(told(refusal)),
            },
            None => match code.parse::<i32>() {
                Ok(code) if is_storage(code) => Self::Fatal { why: why.to_string() },
                Ok(code) if is_busy(code) => Self::Busy { why: why.to_string() },
                _ => Self::refused(why),
            },
        }
    }
}

/// What a refusal of PostgreSQL means for a batch.
enum Meaning {
    /// The storage failed.
    Storage,
    /// The session ended; the batch may have come through.
    Gone,
    /// The batch is rolled back. Also where the server broke off a deadlock or a statement that
    /// took too long: those go through when they are tried again.
    Refused,
}

/// What a code of PostgreSQL means.
fn of_postgres(code: &str) -> Meaning {
    match code {
        // The server stops, starts, or gave up on a session that stood still.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Meaning::Gone,
        // A server that only reads: it became somebody's copy.
        "25006" => Meaning::Storage,
        _ => match code.get(..2) {
            // The connection; room, memory; input and output; inside.
            Some("08") => Meaning::Gone,
            Some("53" | "58" | "XX") => Meaning::Storage,
            _ => Meaning::Refused,
        },
    }
}

/// A refusal of PostgreSQL with the table and the constraint that it names.
fn told(refusal: &PgDatabaseError) -> String {
    let parts = [Some(refusal.message()), refusal.table(), refusal.constraint()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Whether a result code of SQLite says that somebody else holds the file.
const fn is_busy(code: i32) -> bool {
    use libsqlite3_sys as c;
    matches!(code & 0xFF, c::SQLITE_BUSY | c::SQLITE_LOCKED)
}

/// Whether a result code of SQLite says that the storage failed, whatever its extension says.
const fn is_storage(code: i32) -> bool {
    use libsqlite3_sys as c;
    matches!(
        code & 0xFF,
        c::SQLITE_NOMEM
            | c::SQLITE_READONLY
            | c::SQLITE_IOERR
            | c::SQLITE_CORRUPT
            | c::SQLITE_FULL
            | c::SQLITE_CANTOPEN
            | c::SQLITE_PROTOCOL
            | c::SQLITE_NOTADB
    )
}
