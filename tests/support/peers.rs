//! Programs of others that a journey needs: a Mosquitto, and a Modbus server made of pymodbus.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::{left_out, ports, python, root};

/// A database of its own on the PostgreSQL that the test command starts; it goes with this.
#[derive(Debug)]
pub struct Postgres {
    /// Its address.
    pub url: String,
    name: String,
    server: String,
}

/// Orders to a server: ends all that is connected to a database.
pub const CUT_OFF: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'";
/// Takes a database away.
pub const AWAY: &str = "ALTER DATABASE {database} RENAME TO {database}_away";
/// Brings it back.
pub const BACK: &str = "ALTER DATABASE {database}_away RENAME TO {database}";

impl Postgres {
    /// Makes one; where there is no server, the test is left out.
    ///
    /// # Panics
    /// Where the server does not make it.
    pub async fn start(test: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let Ok(server) = std::env::var("KARI_TEST_POSTGRES_URL") else {
            left_out(test, "KARI_TEST_POSTGRES_URL names no PostgreSQL");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kari_journey_{}_{number}", std::process::id());
        run(&server, format!("CREATE DATABASE {name}")).await.unwrap();
        let (host, _) = server.rsplit_once('/').unwrap();
        Some(Self { url: format!("{host}/{name}"), name, server })
    }

    /// Lets nobody write to it any more, as after a failover, or lets them again.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub async fn read_only(&self, on: bool) {
        let value = if on { "on" } else { "off" };
        let sql =
            format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", self.name);
        run(&self.server, sql).await.unwrap();
        self.cut_off().await;
    }

    /// Its address for a role that owns it, and may do no more than that.
    ///
    /// # Panics
    /// Where the server does not make it.
    pub async fn for_a_role_of_its_own(&self) -> String {
        self.order(&["CREATE ROLE {role} LOGIN", "ALTER DATABASE {database} OWNER TO {role}"])
            .await;
        let (_, host) = self.url.split_once('@').unwrap();
        format!("postgres://{}@{host}", self.role())
    }

    fn role(&self) -> String {
        format!("{}_role", self.name)
    }

    /// Has the server do this, for `{database}` and its `{role}`: what is about tables in the
    /// database itself, everything else outside of it.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn order(&self, statements: &[&str]) {
        for statement in statements {
            let sql = statement.replace("{database}", &self.name).replace("{role}", &self.role());
            let inside = ["TABLE", "GRANT", "REVOKE"].iter().any(|word| sql.contains(word));
            let at = if inside { &self.url } else { &self.server };
            run(at, sql).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Ends all that is connected to it, as a server does that starts again.
    ///
    /// # Panics
    /// Where the server does not answer.
    pub async fn cut_off(&self) {
        self.order(&[CUT_OFF]).await;
    }
}

async fn run(server: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(|_| ())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let gone = async move {
            run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            run(&server, format!("DROP ROLE IF EXISTS {name}_role")).await.unwrap();
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        drop(std::thread::spawn(move || runtime().unwrap().block_on(gone)).join());
    }
}

/// A PgBouncer before a server.
#[derive(Debug)]
pub struct Pooler {
    /// The address of the database through it.
    pub url: String,
    port: u16,
    server: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Pooler {
    /// Starts one that hands out sessions; where it is not installed, the test is left out.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn start(test: &str, server: &Postgres) -> Option<Self> {
        let port = ports::free().port();
        let (before, database) = server.url.rsplit_once('/').unwrap();
        let (role, to) = before.rsplit_once(':').unwrap();
        let folder = tempfile::Builder::new().prefix("kari-pooler-").tempdir().unwrap();
        // Started by root it runs as a user of its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let url = format!("{role}:{port}/{database}");
        let mut pooler = Self { url, port, server: to.parse().unwrap(), folder, child: None };
        if pooler.spawn("session") {
            return Some(pooler);
        }
        left_out(test, "pgbouncer is not installed");
        None
    }

    /// Starts it again in another mode.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn begin(&mut self, mode: &str) {
        self.end();
        assert!(self.spawn(mode), "it was installed before");
    }

    fn spawn(&mut self, mode: &str) -> bool {
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=kari\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {}\nauth_type = any\npool_mode = {mode}\n\
             unix_socket_dir =\n",
            self.server, self.port
        );
        let file = self.folder.path().join("pgbouncer.ini");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let mut command = Command::new("pgbouncer");
        if rustix::process::getuid().is_root() {
            command.args(["-u", "postgres"]);
        }
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else { return false };
        self.child = Some(child);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(5), "pgbouncer does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.end();
    }
}

/// A Mosquitto with the settings that we ship.
#[derive(Debug)]
pub struct Mosquitto {
    /// Where it listens.
    pub address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts one; where it is not installed, the test is left out.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let address = ports::free();
        let folder = tempfile::Builder::new().prefix("kari-mosquitto-").tempdir().unwrap();
        let ours = fs::read_to_string(root().join("devices/mosquitto.conf")).unwrap();
        let listener = format!("listener {} 127.0.0.1", address.port());
        let text = ours.replace("listener 1883 127.0.0.1", &listener);
        assert_ne!(ours, text, "the shipped settings have the listener that is replaced here");
        fs::write(folder.path().join("conf"), text).unwrap();
        let mut broker = Self { address, folder, child: None };
        if broker.spawn() {
            return Some(broker);
        }
        left_out(test, "mosquitto is not installed");
        None
    }

    /// Starts it again.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn restart(&mut self) {
        assert!(self.spawn(), "it was installed before");
    }

    fn spawn(&mut self) -> bool {
        // Debian keeps servers off the path of ordinary users.
        let names = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];
        let configuration = self.folder.path().join("conf");
        let child = names.iter().find_map(|name| {
            let mut command = Command::new(name);
            command.arg("-c").arg(&configuration).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().ok()
        });
        let Some(child) = child else { return false };
        self.child = Some(child);
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(5), "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Lets nobody in any more but by these accounts, with the rights of `acl`; it starts again.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn guard(&mut self, acl: &str, accounts: &[(&str, &str)]) {
        self.kill();
        let place = |name: &str| self.folder.path().join(name);
        let (passwords, rights) = (place("passwords"), place("acl"));
        fs::write(&rights, acl).unwrap();
        fs::write(&passwords, "").unwrap();
        for (name, password) in accounts {
            let mut command = Command::new("mosquitto_passwd");
            let made = command.arg("-b").arg(&passwords).args([name, password]).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        // Started by root it reads them as a user of its own.
        fs::set_permissions(&passwords, fs::Permissions::from_mode(0o644)).unwrap();
        let text = fs::read_to_string(place("conf")).unwrap();
        let ours = text.replace("allow_anonymous true", "allow_anonymous false");
        assert_ne!(ours, text, "the shipped settings let everybody in, which is replaced here");
        let (passwords, rights) = (passwords.display(), rights.display());
        let more = format!("{ours}\npassword_file {passwords}\nacl_file {rights}\n");
        fs::write(place("conf"), more).unwrap();
        self.restart();
    }

    /// Ends it at once; what it knew is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A relay and input board made of pymodbus, driven by lines.
#[derive(Debug)]
pub struct Pymodbus {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    orders: ChildStdin,
    answers: mpsc::Receiver<String>,
}

impl Pymodbus {
    /// Starts one; where pymodbus is not installed, the test is left out.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let known = Command::new(python()).args(["-c", "import pymodbus"]).output();
        if !known.is_ok_and(|output| output.status.success()) {
            left_out(test, "python3 with pymodbus is not installed");
            return None;
        }
        let address = ports::free();
        let mut child = Command::new(python())
            .arg(root().join("devices/tests/pymodbus_board.py"))
            .arg(address.port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (heard, answers) = mpsc::channel();
        std::thread::spawn(move || {
            // The test may have ended before the board says its last word.
            drop(lines.map_while(Result::ok).try_for_each(|line| heard.send(line)));
        });
        let board = Self { address, child, orders, answers };
        assert_eq!(board.line(), "ready");
        Some(board)
    }

    /// Tells it what happens at the gate.
    ///
    /// # Panics
    /// Where it does not do so.
    pub fn order(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        assert_eq!(self.line(), "ok");
    }

    /// The next thing that it says.
    ///
    /// # Panics
    /// Where it says nothing.
    #[must_use]
    pub fn line(&self) -> String {
        self.answers.recv_timeout(Duration::from_secs(10)).unwrap()
    }
}

impl Drop for Pymodbus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
