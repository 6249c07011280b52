//! Daemons, brokers and echoes as processes of their own, and what they weigh.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{Goal, site::free_port};
use crate::{commands::init::write_site, config::Installation, simulation::Twins};

/// The longest that a process may take until it serves.
const READY_MAX: Duration = Duration::from_secs(120);

/// A process that ends with its owner.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

impl Process {
    /// Starts a command of this same binary.
    pub(crate) fn kari(arguments: &[&str]) -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?;
        Self::start(Command::new(binary).args(arguments).env("RUST_LOG", "error"))
    }

    /// Starts a broker with a configuration made for measuring.
    pub(crate) fn mosquitto(folder: &Path, listen: SocketAddr) -> anyhow::Result<Self> {
        let file = folder.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
             max_inflight_messages 1024\nmax_queued_messages 100000\n",
            listen.port()
        );
        std::fs::write(&file, text)?;
        let binary = mosquitto().context("mosquitto is not installed")?;
        let process = Self::start(Command::new(binary).arg("-c").arg(file))?;
        wait_for(|| TcpStream::connect(listen).ok().map(drop))?;
        Ok(process)
    }

    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(quiet.spawn()?))
    }

    /// Resident memory in KiB, as the kernel tells it.
    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no VmRSS")?;
        Ok(kib.parse()?)
    }
}

/// Where Mosquitto is, if it is installed.
pub(crate) fn mosquitto() -> Option<&'static str> {
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"]
        .into_iter()
        .find(|path| Path::new(path).exists())
}

/// A daemon that serves, and how long it took.
pub(crate) fn daemon(folder: &Path, admin: SocketAddr) -> anyhow::Result<(Process, Duration)> {
    let folder = folder.to_str().context("the temporary folder's name is not text")?;
    let started = Instant::now();
    let mut process = Process::kari(&["run", folder, "--quiet"])?;
    let ended = wait_for(|| match process.0.try_wait() {
        Ok(None) => ready(admin).then_some(None),
        Ok(Some(status)) => Some(Some(status)),
        Err(_) => None,
    })?;
    if let Some(status) = ended {
        bail!("the daemon of `{folder}` ended ({status}); `kari run {folder}` says why");
    }
    Ok((process, started.elapsed()))
}

/// Whether `/readyz` says yes.
fn ready(admin: SocketAddr) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(admin)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    while started.elapsed() < READY_MAX {
        if let Some(found) = look() {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("a process did not serve within {} s", READY_MAX.as_secs())
}

/// The example site, as `kari init --demo` makes it, and what it weighs.
pub(crate) async fn example_memory() -> anyhow::Result<Goal> {
    let folder = std::env::temp_dir().join(format!("kari-bench-demo-{}", std::process::id()));
    write_site(&folder, true)?;
    let (admin, broker, board) = (free_port()?, free_port()?, free_port()?);
    let file = folder.join("site.toml");
    let text = std::fs::read_to_string(&file)?
        .replace("127.0.0.1:8420", &admin.to_string())
        .replace("127.0.0.1:1883", &broker.to_string())
        .replace("127.0.0.1:1502", &board.to_string());
    std::fs::write(&file, text)?;
    let boards = Twins::boards(&Installation::open(Some(&folder))?).await?;
    let (process, _) = daemon(&folder, admin)?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mib = process.resident_kib()? * 100 / 1024;
    drop(process);
    boards.stop().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(Goal {
        name: "memory of the running example".to_owned(),
        bound: 4_000,
        at_least: false,
        unit: " MiB",
        rounds: vec![mib],
    })
}
