//! What can go wrong with the database, one variant for each thing that was tried.

use std::path::PathBuf;

use thiserror::Error;

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
        "another daemon works on `{path}`; stop it first, or give this one a folder of its own"
    )]
    Held {
        /// The database.
        path: PathBuf,
    },
    /// The file could not be opened as a database.
    #[error("cannot open the database `{path}`; check its rights, or restore the last backup")]
    Connect {
        /// The database.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The SQLite library is too old to be safe.
    #[error("SQLite `{found}` can lose data; build with 3.51.3 or newer")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A setting did not take effect.
    #[error("the database keeps `{name} = {found}`, which is not safe; move it to a local disk")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
    },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of `{path}` up to date; restore the last backup")]
    Migrate {
        /// The database.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The new epoch could not be written.
    #[error("cannot write to the database `{path}`; check its rights and the room on its disk")]
    Epoch {
        /// The database.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// What the last run left could not be read.
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

    /// What the driver's error means for a batch.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => {
                let code = refusal.code().and_then(|code| code.parse::<i32>().ok());
                if code.is_some_and(is_storage) {
                    Self::Fatal { why: refusal.to_string() }
                } else if code.is_some_and(is_busy) {
                    Self::Busy { why: refusal.to_string() }
                } else {
                    Self::refused(refusal)
                }
            }
            sqlx::Error::Encode(why) => Self::refused(why),
            _ => Self::Unknown { source: error },
        }
    }
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
