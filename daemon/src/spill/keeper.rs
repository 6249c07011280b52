//! The thread that writes the spill journal while the store stands still: no disk holds the loop
//! up, and no device waits for its acknowledgement until the database is back.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use domain::rows::Emergency;

use super::{FILE, Line, Spill, latch::Latch};
use crate::intake::{EarlyAck, Owed, Taken};

/// So many inputs are written at once.
const AT_ONCE: usize = 1024;
/// How often it is said at most that something could not be kept.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What is to be kept, and who waits for it.
type Kept = (Line, Option<EarlyAck>);

/// What the thread is told.
enum Work {
    Keep(Vec<Kept>),
    Clear,
    /// The emergency that is latched now.
    Latch(Option<Emergency>),
    /// The run ends: what is left, and how many inputs that were.
    End(Vec<Kept>, usize),
}

/// Hands the thread what it is to keep. It never waits.
pub(crate) struct Keeper {
    to: SyncSender<Work>,
    /// Whether the thread has something to keep in hand.
    busy: Arc<AtomicBool>,
    /// Whether something may stand in the journal.
    used: bool,
    /// The emergency that is kept beside the database.
    latched: Option<Emergency>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Opens the spill journal of a state folder, and puts what the last run left there before
    /// everything else.
    pub(crate) fn start(state: &Path, held: &mut VecDeque<Taken>) -> Option<Self> {
        match Self::open(state, held) {
            Ok(keeper) => Some(keeper),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tracing::warn!("another daemon of this state folder has its spill journal");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "there is no room for the spill journal");
                None
            }
        }
    }

    fn open(state: &Path, held: &mut VecDeque<Taken>) -> io::Result<Self> {
        let (spill, left) = Spill::open(state)?;
        let (latch, latched) = Latch::open(state)?;
        let used = !left.is_empty();
        if used {
            tracing::warn!(events = left.len(), "events of the spill journal are taken in");
        }
        let nobody = |input| Taken { input, policy: None, owed: Owed::Nothing };
        left.into_iter().map(nobody).rev().for_each(|taken| held.push_front(taken));
        // One piece of work at a time, a clearing after it, and the end.
        let (to, work) = sync_channel(8);
        let busy = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&busy);
        let thread = thread::Builder::new().name("spill".to_owned());
        let thread = thread.spawn(move || serve(spill, &latch, &work, &done))?;
        Ok(Self { to, busy, used, latched, thread })
    }

    /// Has what devices still wait for kept, and acknowledged once it is durable here.
    pub(crate) fn keep<'a>(&mut self, waiting: impl Iterator<Item = &'a mut Taken>) {
        if self.busy.load(Ordering::Acquire) {
            return;
        }
        let mut lines = Vec::new();
        for taken in waiting {
            if let Owed::Ack(_) = taken.owed
                && let Some(line) = Line::of(&taken.input)
            {
                lines.push((line, taken.owed.early()));
                if lines.len() == AT_ONCE {
                    break;
                }
            }
        }
        if !lines.is_empty() {
            self.used = true;
            self.busy.store(true, Ordering::Release);
            // Where the thread is gone, the database acknowledges.
            drop(self.to.try_send(Work::Keep(lines)));
        }
    }

    /// The database has everything.
    pub(crate) fn clear(&mut self) {
        if self.used && self.to.try_send(Work::Clear).is_ok() {
            self.used = false;
        }
    }

    /// The emergency that is kept beside the database; at a start, the last run's.
    pub(crate) const fn latched(&self) -> Option<&Emergency> {
        self.latched.as_ref()
    }

    /// Keeps the emergency of the site, or that there is none any more.
    pub(crate) fn latch(&mut self, now: Option<&Emergency>) {
        if self.latched.as_ref() != now && self.to.try_send(Work::Latch(now.cloned())).is_ok() {
            self.latched = now.cloned();
        }
    }

    /// Keeps what is not stored at the end of a run, and says so.
    pub(crate) fn end(self, left: Vec<Taken>) {
        let lines = left.into_iter().filter_map(|mut taken| {
            let line = Line::of(&taken.input)?;
            let early = taken.owed.early();
            let kept = early.as_ref().is_some_and(EarlyAck::is_given);
            (!kept).then_some((line, early))
        });
        let lines: Vec<_> = lines.collect();
        let count = lines.len();
        if self.to.send(Work::End(lines, count)).is_err() || self.thread.join().is_err() {
            tracing::error!(count, "the thread of the spill journal had failed");
        }
    }
}

fn serve(mut spill: Spill, latch: &Latch, work: &Receiver<Work>, busy: &AtomicBool) {
    let mut said: Option<Instant> = None;
    while let Ok(next) = work.recv() {
        match next {
            Work::Keep(lines) => {
                let count = lines.len();
                if let Err(error) = keep(&mut spill, lines)
                    && said.is_none_or(|at| at.elapsed() >= SAID_EVERY)
                {
                    said = Some(Instant::now());
                    tracing::warn!(
                        %error,
                        count,
                        "events wait for the database without being kept; devices are not \
                         acknowledged before it is back"
                    );
                }
                busy.store(false, Ordering::Release);
            }
            Work::Clear => {
                if let Err(error) = spill.clear() {
                    tracing::warn!(%error, "the spill journal could not be emptied");
                }
            }
            Work::Latch(emergency) => {
                if let Err(error) = latch.keep(emergency.as_ref()) {
                    tracing::warn!(%error, "the emergency is kept in the database alone");
                }
            }
            Work::End(lines, count) => return end(&mut spill, lines, count),
        }
    }
}

fn end(spill: &mut Spill, lines: Vec<Kept>, count: usize) {
    match keep(spill, lines) {
        Ok(()) if spill.is_empty() => {}
        Ok(()) => tracing::warn!(
            "events that are not in the database wait in `{FILE}`; the next start takes them in"
        ),
        Err(error) => tracing::error!(
            %error,
            count,
            "events that are not in the database could not be kept; devices send again what was \
             not acknowledged"
        ),
    }
}

/// Writes lines, and acknowledges them; nothing is acknowledged where that fails.
fn keep(spill: &mut Spill, lines: Vec<Kept>) -> io::Result<()> {
    spill.add(lines.iter().map(|(line, _)| line))?;
    lines.into_iter().filter_map(|(_, early)| early).for_each(|early| early.done());
    Ok(())
}
