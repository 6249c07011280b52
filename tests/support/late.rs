//! By how much the machine was late: what has to be quick in real time is measured on a machine
//! that may be busy with something else, and the kernel counts how long each thread waited for a
//! processor, and how long the disk took for a write of our own beside it.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

/// Measures from now on, with the waits of these processes and of the test itself.
#[derive(Debug)]
pub struct Measured {
    start: Instant,
    processes: Vec<u32>,
    waits: BTreeMap<String, Duration>,
    /// How long the disk took for one durable write, once it is done.
    disk: Arc<OnceLock<Duration>>,
}

impl Measured {
    /// From now on.
    #[must_use]
    pub fn start(others: &[u32]) -> Self {
        let mut processes = others.to_vec();
        processes.push(std::process::id());
        let (waits, disk) = (waits(&processes), Arc::new(OnceLock::new()));
        let written = Arc::clone(&disk);
        thread::spawn(move || written.set(durable_write()));
        Self { start: Instant::now(), processes, waits, disk }
    }

    /// Asserts that something that came at `came` came in time: within `bound`, the time that
    /// threads of these processes waited for a processor, and that of a durable write, as nothing
    /// is answered before it is durable. On a machine that is not busy that is next to nothing.
    ///
    /// # Panics
    /// Where it came later.
    #[track_caller]
    pub fn assert_within(&self, bound: Duration, came: Instant, what: &str) {
        let took = came.duration_since(self.start);
        if took >= bound {
            let late = self.late();
            assert!(took < bound + late, "{what}: {took:?}, and the machine was {late:?} late");
            println!("{what}: {took:?}, as the machine was {late:?} late");
        }
    }

    /// Asserts that the machine was late by so much since the start, where it had to be.
    ///
    /// # Panics
    /// Where it was not.
    #[track_caller]
    pub fn assert_late(&self, by: Duration, what: &str) {
        if !by.is_zero() {
            let late = self.waited();
            assert!(late >= by, "{what}: {by:?}, and the machine was only {late:?} late");
            println!("{what}: {by:?}, as the machine was {late:?} late");
        }
    }

    /// How long the threads waited for a processor since the start, and one of us for the disk.
    fn late(&self) -> Duration {
        self.waited() + *self.disk.wait()
    }

    /// How long the threads waited for a processor since the start.
    fn waited(&self) -> Duration {
        let before = |thread: &String| self.waits.get(thread).copied().unwrap_or_default();
        let now = waits(&self.processes);
        now.iter().map(|(thread, waited)| waited.saturating_sub(before(thread))).sum()
    }
}

/// How long one durable write takes, in the folder where sites of tests lie.
fn durable_write() -> Duration {
    let start = Instant::now();
    let mut file = tempfile::tempfile().expect("a folder for files of tests");
    file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("a disk with room");
    start.elapsed()
}

/// How long the threads of a process ever had a processor.
#[must_use]
pub fn worked(process: u32) -> Duration {
    told(&[process], 0).values().sum()
}

/// How long each thread of these processes ever waited for a processor.
fn waits(processes: &[u32]) -> BTreeMap<String, Duration> {
    told(processes, 1)
}

/// What the kernel counts for each thread, in the order of its file.
fn told(processes: &[u32], place: usize) -> BTreeMap<String, Duration> {
    let tasks = processes.iter().filter_map(|id| fs::read_dir(format!("/proc/{id}/task")).ok());
    let threads = tasks.flatten().filter_map(Result::ok);
    let told = threads.filter_map(|thread| {
        let path = thread.path().join("schedstat");
        let text = fs::read_to_string(&path).ok()?;
        let told = text.split_whitespace().nth(place)?.parse().ok()?;
        Some((path.display().to_string(), Duration::from_nanos(told)))
    });
    told.collect()
}
