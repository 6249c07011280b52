//! Output that stops nobody: while a daemon runs, its lines go through a bounded queue to a thread
//! of their own for each stream, which alone waits where nobody reads. A paused terminal, a full
//! pipe, a full disk behind a log file or a journal that stands still cost lines and nothing else;
//! the lost ones are counted, and told once lines get through again.

use std::{
    fmt::Arguments,
    io::{self, Write},
    os::fd::AsFd,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// So many lines wait for a stream at most.
const LINES_MAX: usize = 8192;
/// So many bytes of them.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a stream that would block is left alone before it is tried again.
const AGAIN: Duration = Duration::from_millis(20);

static OUT: OnceLock<Stream> = OnceLock::new();
static ERR: OnceLock<Stream> = OnceLock::new();

/// A stream of this process, with what waits to be written to it.
#[derive(Debug)]
struct Stream {
    name: &'static str,
    lines: SyncSender<Vec<u8>>,
    /// The bytes that were taken and are neither written nor lost yet.
    waiting: AtomicUsize,
    /// The lines that were lost and not told yet.
    lost: AtomicU64,
    /// Whether it is told that nothing can be written.
    broken: AtomicBool,
}

/// From now on nobody waits for standard output or standard error.
///
/// # Errors
/// There are no threads.
pub(crate) fn detach() -> io::Result<()> {
    begin(&OUT, "stdout", io::stdout())?;
    begin(&ERR, "stderr", io::stderr())?;
    // Whoever panics waits for the stream as little as anybody else.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}

/// Gives what still waits so much time to be written.
pub(crate) fn flush(within: Duration) {
    let since = Instant::now();
    let waits = |stream: &OnceLock<Stream>| {
        stream.get().is_some_and(|stream| stream.waiting.load(Ordering::Acquire) > 0)
    };
    while (waits(&OUT) || waits(&ERR)) && since.elapsed() < within {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Queues a line for standard output; `false` where it is not detached.
pub(crate) fn out(text: Arguments<'_>) -> bool {
    OUT.get().map(|stream| stream.take(format!("{text}\n").into_bytes())).is_some()
}

/// The same for standard error.
pub(crate) fn err(text: Arguments<'_>) -> bool {
    ERR.get().map(|stream| stream.take(format!("{text}\n").into_bytes())).is_some()
}

/// Where the log writes, a line at a time.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match ERR.get() {
            Some(stream) => stream.take(line.to_vec()),
            None => io::stderr().lock().write_all(line)?,
        }
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn begin(
    place: &'static OnceLock<Stream>,
    name: &'static str,
    to: impl AsFd + Send + 'static,
) -> io::Result<()> {
    let (lines, queue) = sync_channel(LINES_MAX);
    let (waiting, lost, broken) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let stream = place.get_or_init(|| Stream { name, lines, waiting, lost, broken });
    thread::Builder::new().name(name.to_owned()).spawn(move || stream.run(&queue, &to))?;
    Ok(())
}

impl Stream {
    /// Queues a line, or loses it.
    fn take(&self, line: Vec<u8>) {
        let size = line.len();
        let before = self.waiting.fetch_add(size, Ordering::AcqRel);
        if before.saturating_add(size) > BYTES_MAX || self.lines.try_send(line).is_err() {
            self.waiting.fetch_sub(size, Ordering::AcqRel);
            self.lose();
        }
    }

    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("kari_output_lines_lost_total", "stream" => self.name).increment(1);
    }

    /// Writes what comes, for as long as the process lives.
    fn run(&self, queue: &Receiver<Vec<u8>>, to: &impl AsFd) {
        while let Ok(line) = queue.recv() {
            match write_all(to, &line) {
                Ok(()) => self.broken.store(false, Ordering::Relaxed),
                Err(error) => {
                    self.lose();
                    if !self.broken.swap(true, Ordering::Relaxed) {
                        let stream = self.name;
                        tracing::warn!(%error, stream, "what is printed there is lost from now on");
                    }
                }
            }
            let left = self.waiting.fetch_sub(line.len(), Ordering::AcqRel) - line.len();
            // Only once all of the queue got through: then it is told once.
            if left == 0 && !self.broken.load(Ordering::Relaxed) {
                let lost = self.lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let stream = self.name;
                    tracing::warn!(stream, "{lost} lines were lost, as nobody took them");
                }
            }
        }
    }
}

/// Writes all of a line past the lock of the standard library, which a thread that waits for its
/// stream would keep from everybody else.
fn write_all(to: &impl AsFd, mut line: &[u8]) -> io::Result<()> {
    use rustix::io::Errno;
    while !line.is_empty() {
        match rustix::io::write(to, line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => line = line.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => thread::sleep(AGAIN),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
