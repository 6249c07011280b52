//! The fire road: from a life-safety input to every released gate, on threads of its own.
//!
//! It needs no runtime, no database and no rule. What is wanted (released or not) is a value with a
//! number; every worker brings its gates to the newest number and tries until it is done. While an
//! emergency is latched, each gate is told again every second, so that a board or a gate that lost
//! its power comes back released.

mod board;
mod frames;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use domain::ids::DeviceId;
use metrics::counter;

pub(crate) use board::Board;

/// Between two tries that failed.
const RETRY: Duration = Duration::from_millis(50);
/// Between two tellings of what is known, while latched.
const REPEAT: Duration = Duration::from_secs(1);
/// A worker needs little: no runtime, no recursion.
const STACK_BYTES: usize = 256 * 1024;

/// Somewhere that gates can be told to release.
pub(crate) trait Outlet: Send + 'static {
    /// Tells all its gates, waiting no longer than a fraction of a second; `false`: try again.
    fn tell(&mut self, release: bool) -> bool;
}

/// The emergency release of all gates of all links.
#[derive(Debug)]
pub struct FireRoad {
    shared: Arc<Shared>,
    workers: Mutex<Vec<thread::JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    news: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    /// Whether gates shall be released.
    release: bool,
    /// Counts the raises.
    raised: u64,
    /// Grows with every order; 0: nothing was ever ordered.
    order: u64,
    stop: bool,
}

impl FireRoad {
    /// A road that leads to no gate yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { shared: Arc::new(Shared::default()), workers: Mutex::new(Vec::new()) })
    }

    /// Releases every gate in the egress direction, now and until [`Self::lift`].
    ///
    /// Also to be called at start, with the device that is on record, when an emergency is latched.
    pub fn raise(&self, source: &DeviceId) {
        let mut first = false;
        self.shared.order(|wanted| {
            first = !wanted.release;
            (wanted.release, wanted.raised) = (true, wanted.raised + 1);
        });
        if first {
            counter!("kari_emergencies_total").increment(1);
            tracing::error!(device = %source, "emergency: every gate is released");
        }
    }

    /// The same for an emergency of an earlier run of which nobody knows whether it goes on: what
    /// to tell [`Self::lift`] once it is known to have ended. Nothing where gates are released
    /// already.
    pub fn raise_again(&self, source: &DeviceId) -> Option<u64> {
        let mut raised = None;
        self.shared.order(|wanted| {
            if !wanted.release {
                (wanted.release, wanted.raised) = (true, wanted.raised + 1);
                raised = Some(wanted.raised);
            }
        });
        if raised.is_some() {
            tracing::error!(device = %source, "emergency of the last run: every gate is released");
        }
        raised
    }

    /// How often [`Self::raise`] was called.
    #[must_use]
    pub fn raised(&self) -> u64 {
        self.shared.lock().raised
    }

    /// The emergency was reset by somebody who knew of `raised` raises: gates go back to controlled
    /// passage, unless there was another one since.
    pub fn lift(&self, raised: u64) {
        let mut lifted = false;
        self.shared.order(|wanted| {
            lifted = wanted.raised == raised;
            wanted.release &= !lifted;
        });
        match lifted {
            true => tracing::warn!("emergency lifted: gates go back to controlled passage"),
            false => tracing::error!("the reset came too late for a new emergency; it goes on"),
        }
    }

    /// Whether an emergency is latched.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.shared.lock().release
    }

    /// A link is back: it shall hear at once what is wanted, if anything ever was.
    pub(crate) fn link_is_up(&self) {
        if self.shared.lock().order > 0 {
            self.shared.order(|_| ());
        }
    }

    /// Gives `outlet` a thread of its own, so that a dead board never delays another.
    pub(crate) fn add(&self, name: &str, outlet: impl Outlet) -> std::io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let worker = thread::Builder::new()
            .name(format!("fire-{name}"))
            .stack_size(STACK_BYTES)
            .spawn(move || shared.work(outlet))?;
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        Ok(())
    }

    /// Ends the workers. Gates stay as they are.
    pub(crate) fn stop(&self) {
        self.shared.order(|wanted| wanted.stop = true);
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for worker in workers.drain(..) {
            if worker.join().is_err() {
                tracing::error!("a worker of the fire road had failed");
            }
        }
    }
}

impl Drop for FireRoad {
    fn drop(&mut self) {
        self.shared.order(|wanted| wanted.stop = true);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, change: impl FnOnce(&mut Wanted)) {
        let mut wanted = self.lock();
        change(&mut wanted);
        wanted.order += 1;
        drop(wanted);
        self.news.notify_all();
    }

    /// Waits at most `patience` for an order after `known`.
    fn next(&self, known: u64, patience: Duration) -> Wanted {
        let news = |wanted: &mut Wanted| wanted.order == known && !wanted.stop;
        let waited = self.news.wait_timeout_while(self.lock(), patience, news);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn work(&self, mut outlet: impl Outlet) {
        let mut done = 0;
        let mut patience = REPEAT;
        loop {
            let wanted = self.next(done, patience);
            if wanted.stop {
                return;
            }
            if wanted.order == done && !wanted.release {
                patience = REPEAT;
                continue;
            }
            if outlet.tell(wanted.release) {
                (done, patience) = (wanted.order, REPEAT);
            } else {
                counter!("kari_emergency_retries_total").increment(1);
                thread::sleep(RETRY);
                patience = Duration::ZERO;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    struct Probe {
        failures: u32,
        heard: mpsc::Sender<bool>,
    }

    impl Outlet for Probe {
        fn tell(&mut self, release: bool) -> bool {
            if self.failures > 0 {
                self.failures -= 1;
                return false;
            }
            self.heard.send(release).is_ok()
        }
    }

    #[test]
    fn every_outlet_hears_of_a_raise_and_of_a_lift_even_beside_a_stuck_one() {
        struct Stuck;
        impl Outlet for Stuck {
            fn tell(&mut self, _: bool) -> bool {
                thread::sleep(Duration::from_millis(300));
                false
            }
        }
        let road = FireRoad::new();
        road.add("stuck", Stuck).unwrap();
        let (heard, hears) = mpsc::channel();
        road.add("sound", Probe { failures: 2, heard }).unwrap();
        assert!(hears.recv_timeout(Duration::from_millis(100)).is_err(), "nothing was ordered");
        let start = Instant::now();
        road.raise(&"gate-1".into());
        assert_eq!(hears.recv_timeout(Duration::from_millis(250)), Ok(true));
        assert!(road.is_latched() && start.elapsed() < Duration::from_millis(250));
        assert_eq!(hears.recv_timeout(Duration::from_millis(1500)), Ok(true), "told again");
        road.link_is_up();
        assert_eq!(hears.recv_timeout(Duration::from_millis(250)), Ok(true), "and at once");
        road.lift(road.raised() - 1);
        assert!(road.is_latched(), "there was another raise since");
        assert_eq!(hears.recv_timeout(Duration::from_millis(250)), Ok(true));
        road.lift(road.raised());
        assert_eq!(hears.recv_timeout(Duration::from_millis(250)), Ok(false));
        assert!(hears.recv_timeout(Duration::from_millis(1200)).is_err(), "a lift is said once");
        road.stop();
    }
}
