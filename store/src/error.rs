//! What can go wrong with the database, one variant for each thing that was tried.

use std::path::PathBuf;

use sqlx::{migrate::MigrateError, postgres::PgDatabaseError};
use thiserror::Error;

use crate::{place::Place, trouble::Trouble};

/// What to do about a failed query.
fn advice(source: &sqlx::Error) -> &'static str {
    Trouble::of(source).unwrap_or(Trouble::Other).advice()
}

/// Why tables could not be brought up to date.
fn of_migration(source: &MigrateError) -> Option<Trouble> {
    match source {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            Trouble::of(source)
        }
        _ => None,
    }
}

/// What to do where tables could not be brought up to date.
fn migration_advice(source: &MigrateError) -> &'static str {
    match source {
        MigrateError::VersionMissing(_)
        | MigrateError::VersionMismatch(_)
        | MigrateError::VersionTooOld(..)
        | MigrateError::VersionTooNew(..) => {
            "they were made by another version of Kari; start that version, or the newest one"
        }
        _ => of_migration(source).unwrap_or(Trouble::Other).advice(),
    }
}

/// The database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder of the database could not be made.
    #[error("cannot make the folder `{path}`: {}", Trouble::of_io(source).advice())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The lock file could not be opened.
    #[error("cannot open the lock file `{path}`: {}", Trouble::of_io(source).advice())]
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
    #[error("cannot open the database `{place}`: {}", advice(source))]
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
    /// The database answers, and cannot serve as it is.
    #[error("the database `{place}` cannot be used as it is: {}", trouble.advice())]
    Unfit {
        /// The database.
        place: Place,
        /// Why.
        trouble: Trouble,
    },
    /// The site was never started.
    #[error("there is no database `{place}` yet; `kari run` makes it")]
    NotYet {
        /// The database.
        place: Place,
    },
    /// The database of a site that was in use is not there any more.
    #[error(
        "the database `{place}` of this site is {found}, and it was in use before; put it back, \
         or restore the last backup; `kari run --new-database` begins anew without anything that \
         was on record"
    )]
    Missing {
        /// The database.
        place: Place,
        /// What was found in its place.
        found: &'static str,
    },
    /// Another database stands where the one of this site was.
    #[error(
        "`{place}` is another database than the one of this site ({wanted}); put that one back, \
         restore the last backup, or correct `[database]` in site.toml"
    )]
    Another {
        /// The database.
        place: Place,
        /// The identity of the one that was in use.
        wanted: String,
    },
    /// The database holds the tables of another program.
    #[error(
        "`{place}` holds tables of another program; name a database of Kari's own by \
         `[database]` in site.toml, or move that file away"
    )]
    OfAnotherProgram {
        /// The database.
        place: Place,
    },
    /// A new database was asked for where there is one in use.
    #[error(
        "the database `{place}` is there and holds records; start without `--new-database`, or \
         move it away first"
    )]
    NotNew {
        /// The database.
        place: Place,
    },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of `{place}` up to date: {}", migration_advice(source))]
    Migrate {
        /// The database.
        place: Place,
        /// Why.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// The new epoch could not be written.
    #[error("cannot write to the database `{place}`: {}", advice(source))]
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

impl OpenError {
    /// The cause, where it is one that the database may get over.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Folder { source, .. } | Self::LockFile { source, .. } => {
                Some(Trouble::of_io(source))
            }
            Self::Connect { source, .. } | Self::Epoch { source, .. } => Trouble::of(source),
            Self::Migrate { source, .. } => of_migration(source),
            Self::Read(ReadError::Query { source, .. }) => Trouble::of(source),
            Self::Missing { .. } | Self::Another { .. } => Some(Trouble::Foreign),
            Self::Unfit { trouble, .. } => Some(*trouble),
            _ => None,
        }
    }
}

/// Rows could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The query failed.
    #[error("cannot read {what} from the database: {}", advice(source))]
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

impl ReadError {
    /// What it means for whoever needs the rows.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Query { source, .. } => Trouble::of(source).unwrap_or(Trouble::Other),
            Self::Value { .. } => Trouble::Damaged,
        }
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
    /// The database takes nothing for now, and nothing of the batch was stored; it may be asked
    /// again.
    #[error("the database stores nothing now ({why}): {}", trouble.advice())]
    Away {
        /// The cause.
        trouble: Trouble,
        /// What the database says.
        why: String,
    },
    /// Nobody knows whether the batch is durable; ask [`crate::Store::was_committed`].
    #[error("the connection to the database broke; look up whether the batch came through")]
    Unknown {
        /// What broke.
        source: sqlx::Error,
    },
    /// The storage failed: nothing may be acknowledged any more.
    #[error("the database can no longer be relied on: {why}")]
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
    #[must_use]
    pub fn raced(tables: Vec<&'static str>) -> Self {
        Self::Lost { why: "rows changed since they were read".to_owned(), tables }
    }

    /// The database takes nothing for now.
    pub(crate) fn away(trouble: Trouble, why: impl ToString) -> Self {
        Self::Away { trouble, why: why.to_string() }
    }

    /// What the driver's error means for a batch.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        let refusal = match &error {
            sqlx::Error::Database(refusal) => refusal,
            sqlx::Error::Encode(why) => return Self::refused(why),
            _ => return Self::Unknown { source: error },
        };
        match Trouble::of(&error) {
            Some(Trouble::Unreachable) => Self::Unknown { source: error },
            Some(trouble @ (Trouble::Damaged | Trouble::Unflushed)) => {
                Self::Fatal { why: format!("{refusal}: {}", trouble.advice()) }
            }
            Some(trouble) => Self::away(trouble, refusal),
            None => match refusal.try_downcast_ref::<PgDatabaseError>() {
                Some(refusal) => Self::refused(told(refusal)),
                None => Self::refused(refusal),
            },
        }
    }
}

/// A refusal of PostgreSQL with the table and the constraint that it names.
fn told(refusal: &PgDatabaseError) -> String {
    let parts = [Some(refusal.message()), refusal.table(), refusal.constraint()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
