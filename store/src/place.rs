//! Where the database of a site is, and which of its daemons works there.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use sqlx::postgres::PgConnectOptions;

/// The daemon of a site that has only one.
pub const ONLY_DAEMON: i64 = 1;

/// A database, and the number of the daemon that works with it.
#[derive(Clone)]
pub struct Place {
    pub(crate) database: Database,
    pub(crate) daemon: i64,
    /// The state folder of a daemon whose database is elsewhere.
    pub(crate) folder: Option<PathBuf>,
    /// The files beyond the state folder that the heads of the records are kept in.
    pub(crate) heads: Vec<PathBuf>,
}

/// Either of the two databases.
#[derive(Clone)]
pub(crate) enum Database {
    /// A file of SQLite.
    File(PathBuf),
    /// A PostgreSQL.
    Server(Box<Server>),
}

/// How a PostgreSQL is reached.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) options: PgConnectOptions,
    /// Whether it may be one that forgets what it wrote when its machine stops: for tests.
    pub(crate) may_forget: bool,
}

impl Place {
    /// The file of SQLite at `path`.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let database = Database::File(path.into());
        Self { database, daemon: ONLY_DAEMON, folder: None, heads: Vec::new() }
    }

    /// The PostgreSQL of a `postgres://` address. Without a password of its own it asks as every
    /// client does: by `PGPASSWORD` and `.pgpass`.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn server(url: &str, password: Option<&str>) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = match password {
            Some(password) => options.password(password),
            None => options,
        };
        let server = Box::new(Server { options, may_forget: false });
        let database = Database::Server(server);
        Ok(Self { database, daemon: ONLY_DAEMON, folder: None, heads: Vec::new() })
    }

    /// The same database, with the head of its records kept in `folder`, where it is no file, and
    /// in the files `heads`.
    #[must_use]
    pub fn with_heads(self, folder: impl Into<PathBuf>, heads: Vec<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), heads, ..self }
    }

    /// The same database, for the daemon of this number.
    #[must_use]
    pub fn for_daemon(self, daemon: i64) -> Self {
        Self { daemon, ..self }
    }

    /// The same database, which may be a server that does not wait for its disk (`fsync = off`):
    /// tests start one, and keep nothing of it.
    #[must_use]
    pub fn that_may_forget(mut self) -> Self {
        if let Database::Server(server) = &mut self.database {
            server.may_forget = true;
        }
        self
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.database {
            Database::File(path) => Some(path),
            Database::Server(_) => None,
        }
    }
}

/// Without its password.
impl fmt::Display for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            Database::File(path) => write!(to, "{}", path.display()),
            Database::Server(server) => {
                let options = &server.options;
                let (user, host) = (options.get_username(), options.get_host());
                let database = options.get_database().unwrap_or(user);
                write!(to, "postgres://{user}@{host}:{}/{database}", options.get_port())
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{self} (daemon {})", self.daemon)
    }
}
