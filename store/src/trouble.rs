//! Why a database does not serve for now, recognised from what its driver says, and what to do
//! about each cause.

use sqlx::postgres::PgDatabaseError;

/// A cause that keeps a database from serving. Each has advice of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The disk has no room left.
    Full,
    /// Nothing may be written: a read-only file, file system, server or database.
    ReadOnly,
    /// The disk or the file system reports an error.
    Io,
    /// The file cannot be opened.
    Unopened,
    /// Another program or session holds the database.
    Locked,
    /// The server cannot be reached, or it ended the session.
    Unreachable,
    /// The server has no connection, memory or other resource left.
    Exhausted,
    /// A statement took longer than the server or a pooler lets it.
    Timeout,
    /// A pooler hands out another session for each transaction.
    Pooled,
    /// The role lacks a right.
    Right,
    /// The server refuses the role or its password.
    Login,
    /// The server has no database of that name.
    NoDatabase,
    /// The database does not keep its texts in UTF-8.
    Encoding,
    /// One side of the connection expects TLS, and the other one does not.
    Tls,
    /// The database is not the one of this site, or its tables are gone.
    Foreign,
    /// The file was removed or replaced while it was in use.
    Moved,
    /// The database refuses even a line of the journal.
    Refuses,
    /// The data is damaged.
    Damaged,
    /// The disk could not confirm what was written: what it holds is unknown.
    Unflushed,
    /// Nothing of the above.
    Other,
}

impl Trouble {
    /// A word for it, in metrics and health.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "disk full",
            Self::ReadOnly => "read-only",
            Self::Io => "input/output error",
            Self::Unopened => "cannot be opened",
            Self::Locked => "locked",
            Self::Unreachable => "unreachable",
            Self::Exhausted => "out of resources",
            Self::Timeout => "statement timeout",
            Self::Pooled => "transaction pooling",
            Self::Right => "missing right",
            Self::Login => "login refused",
            Self::NoDatabase => "no such database",
            Self::Encoding => "encoding",
            Self::Tls => "TLS",
            Self::Foreign => "foreign",
            Self::Moved => "file replaced",
            Self::Refuses => "refuses",
            Self::Damaged => "damaged",
            Self::Unflushed => "not flushed",
            Self::Other => "fails",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Full => "the disk is full; make room on it",
            Self::ReadOnly => {
                "it is read-only; make the file and its folder writable, or on a server end \
                 `default_transaction_read_only` or connect to the primary"
            }
            Self::Io => "the disk reports an error; look at it and at the kernel's log",
            Self::Unopened => {
                "its file cannot be opened; check that its folder is there and may be written, \
                 and the limit of open files"
            }
            Self::Locked => "another program or session holds it; end that one, or wait for it",
            Self::Unreachable => {
                "the server does not answer; start it, and check address, port and network"
            }
            Self::Exhausted => {
                "the server is out of connections, memory or disk; free some, or raise its limits"
            }
            Self::Timeout => {
                "a statement took longer than it may; raise `statement_timeout` and \
                 `lock_timeout` of the role, the database or the pooler, or set them to 0"
            }
            Self::Pooled => {
                "a pooler in transaction mode stands before it, which loses locks and prepared \
                 statements; set `pool_mode = session` for this database, or connect to \
                 PostgreSQL itself"
            }
            Self::Right => {
                "the role lacks a right; make it the owner of database and tables, or grant it \
                 CREATE and USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on the tables"
            }
            Self::Login => {
                "the server refuses the role; check user, password and `pg_hba.conf` of the server"
            }
            Self::NoDatabase => "the server has no such database; make it by `createdb`",
            Self::Encoding => {
                "it is not in UTF-8; make a database by `createdb --encoding UTF8 --template \
                 template0` and move the data there"
            }
            Self::Tls => {
                "one side expects TLS and the other does not; set `?sslmode=require` in \
                 `database.url`, or name the port that PostgreSQL listens on"
            }
            Self::Foreign => {
                "it is not the database of this site, or its tables are gone; correct \
                 `[database]` in site.toml, or restore the last backup"
            }
            Self::Moved => {
                "its file was removed or replaced while it was in use; put that file back, or \
                 stop Kari, put the right file in its place and start again"
            }
            Self::Refuses => {
                "it refuses every line of the journal; look for triggers or constraints that \
                 were added to the tables, and remove them"
            }
            Self::Damaged => "its data is damaged; restore the last backup",
            Self::Unflushed => {
                "the disk did not confirm a write, so nothing on it can be relied on; check the \
                 disk, then start again"
            }
            Self::Other => "look at the cause, and run `kari doctor`",
        }
    }

    /// Whether a site that was in use goes on without its database, and asks again until it is
    /// back. Whatever needs a decision of people first (another database, damaged data) ends the
    /// start instead.
    #[must_use]
    pub const fn passes(self) -> bool {
        !matches!(self, Self::Foreign | Self::Damaged | Self::Encoding | Self::Other)
    }

    /// Whether it can pass without a change of the settings.
    #[must_use]
    pub const fn passes_by_itself(self) -> bool {
        matches!(
            self,
            Self::Full
                | Self::ReadOnly
                | Self::Io
                | Self::Unopened
                | Self::Locked
                | Self::Unreachable
                | Self::Exhausted
                | Self::Timeout
        )
    }

    /// What the driver's error says of the database; nothing where it speaks of a statement or of
    /// its values alone.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Database(why) => {
                let code = why.code().unwrap_or_default();
                match why.try_downcast_ref::<PgDatabaseError>() {
                    Some(refusal) => of_server(&code, refusal.message()),
                    None if why.message().starts_with("no such table") => Some(Self::Foreign),
                    None => code.parse().ok().and_then(of_file),
                }
            }
            sqlx::Error::Io(why) => Some(Self::of_io(why)),
            sqlx::Error::Tls(_) => Some(Self::Tls),
            sqlx::Error::Protocol(why) if why.contains("SSLRequest") => Some(Self::Tls),
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Some(Self::Unreachable),
            _ => None,
        }
    }

    /// What an error of the system says.
    #[must_use]
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full,
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly,
            Kind::InvalidData => Self::Tls,
            _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Self::Io,
            _ => Self::Unreachable,
        }
    }
}

/// What a code of PostgreSQL says.
fn of_server(code: &str, message: &str) -> Option<Trouble> {
    let trouble = match code {
        "25006" => Trouble::ReadOnly,
        "53100" => Trouble::Full,
        "58030" => Trouble::Io,
        "55P03" => Trouble::Locked,
        "57014" => Trouble::Timeout,
        // A pooler that takes no settings of a session, or mixes up prepared statements.
        "08P01" if message.contains("startup parameter") => Trouble::Pooled,
        "26000" | "42P05" => Trouble::Pooled,
        "42501" => Trouble::Right,
        "28000" if message.contains("no encryption") || message.contains("SSL off") => Trouble::Tls,
        "3D000" => Trouble::NoDatabase,
        "22P05" => Trouble::Encoding,
        "42P01" | "42703" | "3F000" => Trouble::Foreign,
        "XX001" | "XX002" => Trouble::Damaged,
        // The server stops, starts, gave up on a session that stood still, or the transaction is
        // void.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P02" | "25P03" | "25P04" => Trouble::Unreachable,
        _ => match code.get(..2)? {
            "08" => Trouble::Unreachable,
            "28" => Trouble::Login,
            "53" => Trouble::Exhausted,
            "58" => Trouble::Io,
            "XX" => Trouble::Other,
            _ => return None,
        },
    };
    Some(trouble)
}

/// What a result code of SQLite says.
fn of_file(code: i32) -> Option<Trouble> {
    use libsqlite3_sys as c;
    let trouble = match code {
        c::SQLITE_IOERR_FSYNC | c::SQLITE_IOERR_DIR_FSYNC => Trouble::Unflushed,
        c::SQLITE_IOERR_CORRUPTFS | c::SQLITE_IOERR_DATA => Trouble::Damaged,
        c::SQLITE_READONLY_DBMOVED => Trouble::Moved,
        _ => match code & 0xFF {
            c::SQLITE_FULL => Trouble::Full,
            c::SQLITE_READONLY | c::SQLITE_PERM | c::SQLITE_AUTH => Trouble::ReadOnly,
            c::SQLITE_BUSY | c::SQLITE_LOCKED | c::SQLITE_PROTOCOL => Trouble::Locked,
            c::SQLITE_CORRUPT => Trouble::Damaged,
            c::SQLITE_NOTADB => Trouble::Foreign,
            c::SQLITE_NOMEM => Trouble::Exhausted,
            c::SQLITE_IOERR => Trouble::Io,
            c::SQLITE_CANTOPEN => Trouble::Unopened,
            _ => return None,
        },
    };
    Some(trouble)
}
