//! A daemon as a process of its own, on a site's folder.

use std::{
    fs::{self, File},
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use devices::twin::{GateSetup, MqttGate};
use domain::time::{Clock, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixStream},
    time::{sleep, timeout},
};

use crate::{
    program,
    records::Records,
    site::{Folder, Plan},
};

/// How long anything may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The machine's own clock, by which twins judge what is fresh.
#[derive(Clone, Copy, Debug)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "journeys run in real time")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// A site with its daemon, which is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    /// The folder.
    pub site: Folder,
    child: Option<Child>,
}

impl Daemon {
    /// A site made by `plan`, whose daemon is ready.
    pub async fn start(plan: &Plan) -> Self {
        let mut daemon = Self::of(Folder::write(plan));
        daemon.spawn();
        daemon.ready().await;
        daemon
    }

    /// A site without a running daemon.
    #[must_use]
    pub const fn of(site: Folder) -> Self {
        Self { site, child: None }
    }

    /// Starts it; its messages go to `log` in the site's folder.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn spawn(&mut self) {
        self.spawn_with(&[]);
    }

    /// The same with more arguments.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn spawn_with(&mut self, arguments: &[&str]) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.command();
        command.arg("--quiet").args(arguments).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Starts it; decisions and messages go into `output`.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn spawn_into(&mut self, output: &impl AsFd) {
        let output = || output.as_fd().try_clone_to_owned().unwrap();
        self.child = Some(self.command().stdout(output()).stderr(output()).spawn().unwrap());
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program::kari());
        command.arg("run").arg(self.site.path()).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("KARI_SITE").env_remove("RUST_LOG");
        command
    }

    /// Waits until it is ready: database, rules and listeners.
    ///
    /// # Panics
    /// Where it ends, or takes too long.
    pub async fn ready(&mut self) {
        self.serves("/readyz").await;
    }

    /// Waits until `path` is answered by 200.
    ///
    /// # Panics
    /// Where the daemon ends, or takes too long.
    pub async fn serves(&mut self, path: &str) {
        let start = Instant::now();
        while self.get(path).await.is_none_or(|(status, _)| status != 200) {
            let child = self.child.as_mut().expect("it was started");
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "the daemon ended:\n{}", self.messages());
            assert!(start.elapsed() < PATIENCE, "no answer on {path}:\n{}", self.messages());
            sleep(Duration::from_millis(4)).await;
        }
    }

    fn log(&self) -> PathBuf {
        self.site.path().join("log")
    }

    /// What it has said so far.
    #[must_use]
    pub fn messages(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Ends it at once, as a power failure does.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Its process.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Waits for its end; the exit code.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            if start.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("it does not end:\n{}", self.messages());
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// Where it ends otherwise.
    pub async fn stop(&mut self) {
        self.signal(Signal::TERM);
        let code = self.ended().await;
        assert_eq!(code, Some(0), "{}", self.messages());
    }

    /// Asks over HTTP; status and body, where somebody answers.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let host = self.site.admin;
        let ask = async {
            let mut stream = TcpStream::connect(host).await?;
            let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let answer = timeout(Duration::from_secs(6), ask).await.ok()?.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Asks over the socket, as the commands do.
    ///
    /// # Panics
    /// Where nobody answers.
    pub async fn ask(&self, question: &Value) -> Value {
        ask_at(&self.socket(), question).await.unwrap()
    }

    /// Where it answers commands.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.site.path().join("state/kari.sock")
    }

    /// A gate that is connected to the site's broker.
    ///
    /// # Panics
    /// Where it finds no broker.
    pub async fn gate(&self, id: &str) -> MqttGate {
        let setup = GateSetup {
            broker: self.site.broker,
            id: id.into(),
            boot: 1,
            clock: Arc::new(WallClock),
        };
        MqttGate::connect(setup).await.unwrap()
    }

    /// The records of the site.
    pub async fn records(&self) -> Records {
        Records::open(&self.site).await
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; either way it is gone afterwards.
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            eprintln!("--- the daemon said:\n{}", self.messages());
        }
    }
}

/// Asks the daemon of a socket, as the commands do.
///
/// # Errors
/// Where nobody answers, or not to the end.
pub async fn ask_at(socket: &Path, question: &Value) -> io::Result<Value> {
    let ask = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{question}\n").as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok(serde_json::from_str(&line)?)
    };
    timeout(PATIENCE, ask).await?
}

/// Waits until `look` finds something.
///
/// # Panics
/// Where it does not in time.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not in time");
        sleep(Duration::from_millis(4)).await;
    }
}
