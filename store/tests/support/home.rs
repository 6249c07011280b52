//! Databases for tests, of either kind.

use std::{
    io::Write,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection};
use store::{Opened, Store, place::Place, reader::Reader};

use super::{NOW, every_row, granted, sealed};

/// The database that was `given` as a folder or an address, else one in `folder`.
pub(crate) fn at(given: Option<String>, folder: &Path) -> Place {
    match given {
        Some(url) if url.starts_with("postgres") => Place::server(&url, None).unwrap(),
        Some(folder) => Place::file(Path::new(&folder).join("kari.db")),
        None => Place::file(folder.join("kari.db")),
    }
}

/// What SQLite has and the tests use.
const BLOBS: &str = "CREATE OR REPLACE FUNCTION zeroblob(int) RETURNS bytea LANGUAGE sql AS
        $$ SELECT decode(repeat('00', $1), 'hex') $$;
    CREATE OR REPLACE FUNCTION randomblob(int) RETURNS bytea LANGUAGE sql AS
        $$ SELECT substr(sha256(uuid_send(gen_random_uuid())), 1, $1) $$";

/// A database for one test, of either kind, gone with it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    /// The database on the server, and the address of the one that it was made from.
    server: Option<(String, String)>,
}

/// Runs each test on SQLite and on PostgreSQL.
#[allow(unused_macros, reason = "each test file uses its own part")]
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $test() { super::$test(super::Home::sqlite()).await; })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $test() {
                if let Some(home) = super::Home::postgres().await { super::$test(home).await; }
            })*
        }
    };
}
#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use on_both;

impl Home {
    /// On SQLite.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// On the PostgreSQL that the test command starts; nothing where there is none.
    #[allow(clippy::explicit_write, reason = "the harness swallows eprintln of a test that passes")]
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(url) = std::env::var("KARI_TEST_POSTGRES_URL") else {
            let left_out = "LEFT OUT: set KARI_TEST_POSTGRES_URL to test PostgreSQL as well";
            writeln!(std::io::stderr(), "{left_out}").unwrap();
            assert!(std::env::var_os("KARI_TESTS_ALL").is_none(), "there is no PostgreSQL");
            return None;
        };
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kari_{}_{number}", std::process::id());
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        Some(Self { folder: tempfile::tempdir().unwrap(), server: Some((name, url)) })
    }

    /// Another one of the same kind.
    pub(crate) async fn another(&self) -> Self {
        match &self.server {
            None => Self::sqlite(),
            Some(_) => Self::postgres().await.unwrap(),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    /// The text for this database.
    pub(crate) fn sql(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        if self.is_postgres() { postgres } else { sqlite }
    }

    fn url(&self) -> String {
        let (name, url) = self.server.as_ref().unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }

    /// Where it is, for the daemon of this number.
    pub(crate) fn place(&self, daemon: i64) -> Place {
        let place = match &self.server {
            None => Place::file(self.folder.path().join("kari.db")),
            Some(_) => Place::server(&self.url(), None).unwrap().that_may_forget(),
        };
        // Each daemon has a state folder of its own.
        let folder = self.folder.path().join(format!("daemon-{daemon}"));
        std::fs::create_dir_all(&folder).unwrap();
        place.for_daemon(daemon).with_heads(folder, Vec::new())
    }

    /// Where it is, of a daemon that takes no server without a safe disk.
    pub(crate) fn strict(&self) -> Place {
        Place::server(&self.url(), None).unwrap()
    }

    pub(crate) async fn open(&self) -> (Store, Opened) {
        Store::open(&self.place(1), NOW).await.unwrap()
    }

    pub(crate) async fn reader(&self) -> Reader {
        Reader::open(&self.place(1)).await.unwrap()
    }

    /// Holds every kind of row from now on.
    pub(crate) async fn filled(&self) -> Store {
        let (mut store, _) = self.open().await;
        store.commit(&sealed(1, granted(50), every_row())).await.unwrap();
        store
    }

    /// Somebody at the database behind our back: a connection that checks nothing. `sql` stands in
    /// the tests.
    pub(crate) async fn meddle(&self, sql: &'static str) -> Result<u64, sqlx::Error> {
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url()).await?;
            sqlx::raw_sql(BLOBS).execute(&mut connection).await?;
            let result = sqlx::raw_sql(sql).execute(&mut connection).await?;
            connection.close().await?;
            return Ok(result.rows_affected());
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.folder.path().join("kari.db"))
            .create_if_missing(true)
            .foreign_keys(true);
        let mut connection = options.connect().await?;
        let result = sqlx::raw_sql(sql).execute(&mut connection).await?;
        connection.close().await?;
        Ok(result.rows_affected())
    }

    /// Where the head of daemon 1 is kept.
    #[allow(dead_code, reason = "each test file uses its own part")]
    pub(crate) fn head(&self) -> std::path::PathBuf {
        let folder = self.folder.path();
        let folder =
            if self.is_postgres() { folder.join("daemon-1") } else { folder.to_path_buf() };
        folder.join("audit.head")
    }

    /// The folder of the database, or of what is kept beside it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody at the database whom no trigger and no rule of it holds up; the triggers are put
    /// back.
    pub(crate) async fn tamper(&self, sql: &str) -> Result<u64, sqlx::Error> {
        let (mut before, mut after) = (String::new(), String::new());
        if self.is_postgres() {
            before.push_str("SET session_replication_role = replica;");
        } else {
            before.push_str("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;");
            let triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";
            for trigger in self.texts(triggers, 2).await {
                before.push_str(&format!("DROP TRIGGER {};", trigger[0]));
                after.push_str(&format!("{};", trigger[1]));
            }
        }
        let sql = format!("{before} BEGIN; {sql}; {after} COMMIT;");
        self.meddle(sql.leak()).await
    }

    /// Rows of texts.
    pub(crate) async fn texts(&self, sql: &str, width: usize) -> Vec<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            return rows.iter().map(|row| (0..width).map(|at| row.get(at)).collect()).collect();
        }
        let url = format!("sqlite://{}", self.folder.path().join("kari.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        let texts = rows.iter().map(|row| (0..width).map(|at| row.get(at)).collect()).collect();
        connection.close().await.unwrap();
        texts
    }

    /// Numbers, two in each row.
    pub(crate) async fn numbers(&self, sql: &'static str) -> Vec<(i64, i64)> {
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            return rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        }
        let url = format!("sqlite://{}", self.folder.path().join("kari.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Takes the triggers of journal and decisions out of the way.
    pub(crate) async fn drop_triggers(&self) {
        let sql = self.sql(
            "DROP TRIGGER journal_is_not_changed; DROP TRIGGER journal_is_not_deleted;
             DROP TRIGGER decision_is_not_changed; DROP TRIGGER decision_is_not_deleted;",
            "ALTER TABLE journal DISABLE TRIGGER USER; ALTER TABLE decision DISABLE TRIGGER USER;",
        );
        self.meddle(sql).await.unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Some((name, url)) = self.server.take() else { return };
        let gone = async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let sql = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
            drop(sqlx::raw_sql(sql).execute(&mut connection).await);
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        drop(std::thread::spawn(move || runtime().unwrap().block_on(gone)).join());
    }
}
