//! What a database is known by, so that a missing, emptied or foreign one is not taken for that of
//! the site; and whether the file that was opened still stands at its place.

use std::{fmt, fs, io, os::unix::fs::MetadataExt, path::Path};

use serde::{Deserialize, Serialize};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use uuid::Uuid;

use crate::{
    error::OpenError,
    link::{Dialect, Link},
    place::{Database, Place},
    pseudonyms,
    trouble::Trouble,
};

const TABLES: &str = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
    AND type = 'table' AND name <> '_sqlx_migrations'";
const TABLES_OF_SERVER: &str = "SELECT count(*) FROM pg_tables
    WHERE schemaname = current_schema() AND tablename <> '_sqlx_migrations'";
/// Tables that only Kari has together.
const OURS: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
    AND name IN ('batch', 'journal', 'ledger_transaction', 'identity')";
const OURS_OF_SERVER: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()
    AND tablename IN ('batch', 'journal', 'ledger_transaction', 'identity')";
const IDENTITY: &str = "SELECT id FROM identity";
const MAKE: &str = "INSERT INTO identity (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [IDENTITY, MAKE];

/// A number by chance that a database keeps from its first start on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity(Uuid);

impl fmt::Display for Identity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.0.simple())
    }
}

/// Which database is expected at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing is known: whatever is Kari's, or a new one.
    Any,
    /// The one that was in use.
    Known(Identity),
    /// A new one, and none that is in use.
    New,
}

/// What stands at a place.
enum Found {
    /// No tables.
    Nothing,
    /// Those of Kari, with what the database is known by.
    Ours(Option<Identity>),
    /// Those of others.
    Others,
}

async fn find(link: &mut Link) -> Result<Found, sqlx::Error> {
    let (tables, ours) = match link.dialect() {
        Dialect::Sqlite => (TABLES, OURS),
        Dialect::Postgres => (TABLES_OF_SERVER, OURS_OF_SERVER),
    };
    let (tables, ours): (i64, i64) = (link.value(tables, []).await?, link.value(ours, []).await?);
    match (tables, ours) {
        (0, _) => Ok(Found::Nothing),
        (_, 4) => Ok(Found::Ours(identity(link).await?)),
        _ => Ok(Found::Others),
    }
}

/// What the database is known by.
async fn identity(link: &mut Link) -> Result<Option<Identity>, sqlx::Error> {
    let row = link.row(IDENTITY, []).await?;
    let Some(row) = row else { return Ok(None) };
    let mut names = crate::cells::Names::default();
    let id = crate::cells::Cells::of_row("identity", &row, &mut names)
        .and_then(|mut cells| cells.id())
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(Identity(id)))
}

/// Looks at a file before it is opened: whether there is something where something must be.
pub(crate) fn check_file(place: &Place, path: &Path, expected: Expected) -> Result<(), OpenError> {
    let Expected::Known(_) = expected else { return Ok(()) };
    let missing = |found| OpenError::Missing { place: place.clone(), found };
    match fs::metadata(path) {
        Ok(known) if known.len() == 0 => Err(missing("empty (0 bytes)")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing("missing")),
        // The next step says why it cannot be read.
        Err(_) => Ok(()),
    }
}

/// Refuses what is not the database that is expected, before anything is changed in it.
pub(crate) async fn check(
    place: &Place,
    link: &mut Link,
    expected: Expected,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
    let place = place.clone();
    match (find(link).await.map_err(failed)?, expected) {
        (Found::Nothing, Expected::Known(_)) => {
            Err(OpenError::Missing { place, found: "without its tables" })
        }
        (Found::Others, Expected::Known(wanted)) => {
            Err(OpenError::Another { place, wanted: wanted.to_string() })
        }
        (Found::Others, _) => Err(OpenError::OfAnotherProgram { place }),
        (Found::Ours(None), Expected::Known(_)) => {
            Err(OpenError::Missing { place, found: "emptied" })
        }
        (Found::Ours(Some(found)), Expected::Known(wanted)) if found != wanted => {
            Err(OpenError::Another { place, wanted: wanted.to_string() })
        }
        (Found::Ours(Some(_)), Expected::New) => Err(OpenError::NotNew { place }),
        _ => Ok(()),
    }
}

/// What the database is known by from now on.
pub(crate) async fn make(link: &mut Link) -> Result<Identity, sqlx::Error> {
    if let Some(known) = identity(link).await? {
        return Ok(known);
    }
    let chance = pseudonyms::chance(link).await?;
    let bytes = chance.first_chunk::<16>().ok_or(sqlx::Error::RowNotFound)?;
    let new = uuid::Builder::from_random_bytes(*bytes).into_uuid();
    link.run(MAKE, [new.into()]).await?;
    identity(link).await?.ok_or(sqlx::Error::RowNotFound)
}

/// Brings the tables up to date. Where they are already, nothing is written: a server that only
/// reads, or a role that may make no tables, is good enough then.
pub(crate) async fn migrate(link: &mut Link, migrator: &Migrator) -> Result<(), MigrateError> {
    let done = match link {
        Link::Sqlite(to) => is_up_to_date(to, migrator).await,
        Link::Postgres(to) => is_up_to_date(to, migrator).await,
    };
    match link {
        _ if done => Ok(()),
        Link::Sqlite(to) => migrator.run(to).await,
        Link::Postgres(to) => migrator.run(to).await,
    }
}

async fn is_up_to_date(to: &mut impl Migrate, migrator: &Migrator) -> bool {
    let table = &migrator.table_name;
    let (Ok(None), Ok(applied)) =
        (to.dirty_version(table).await, to.list_applied_migrations(table).await)
    else {
        return false;
    };
    let wanted: Vec<_> = migrator.iter().map(|one| (one.version, &one.checksum)).collect();
    applied.iter().map(|one| (one.version, &one.checksum)).eq(wanted)
}

/// The file that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMark {
    device: u64,
    inode: u64,
}

impl FileMark {
    /// The file at `path`, which has at least so many bytes.
    fn at(path: &Path, least: u64) -> Option<Self> {
        let known = fs::metadata(path).ok().filter(|known| known.len() >= least)?;
        Some(Self { device: known.dev(), inode: known.ino() })
    }

    /// The file at `place`, where it is one.
    pub(crate) fn of(place: &Place) -> Option<[Self; 2]> {
        match &place.database {
            Database::File(path) => Some([Self::at(path, 1)?, Self::at(&log_of(path), 0)?]),
            Database::Server(_) => None,
        }
    }

    /// Whether file and log still stand where they were opened.
    pub(crate) fn check(marks: Option<[Self; 2]>, place: &Place) -> Result<(), Trouble> {
        match marks {
            Some(_) if Self::of(place) != marks => Err(Trouble::Moved),
            _ => Ok(()),
        }
    }
}

/// The write-ahead log of a file.
fn log_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
