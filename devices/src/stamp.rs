//! Identities for events whose device has no counter of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use domain::{
    event::{DeviceEvent, Happening, Transit},
    ids::DeviceId,
    state::Input,
    time::{Clock, Timestamp},
};

/// Gives every connection a boot number: the microseconds of its time, and always a greater one.
pub(crate) struct Boots {
    last: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl Boots {
    /// Numbers after `clock`.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { last: AtomicU64::new(0), clock }
    }

    /// The counter of a new connection.
    pub(crate) fn connect(&self) -> Stamp {
        let now = u64::try_from(self.clock.now().micros()).unwrap_or(0);
        let grow = |last: u64| Some(now.max(last + 1));
        let last = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow);
        let boot = now.max(last.unwrap_or_else(|last| last) + 1);
        Stamp { boot, seq: 0, clock: Arc::clone(&self.clock) }
    }
}

/// Counts the events of one connection.
pub(crate) struct Stamp {
    boot: u64,
    seq: u64,
    clock: Arc<dyn Clock>,
}

impl Stamp {
    /// The number of the connection.
    pub(crate) const fn boot(&self) -> u64 {
        self.boot
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `happening` at `device` with the next number of this connection.
    pub(crate) fn event(&mut self, device: &DeviceId, happening: Happening) -> Input {
        self.seq += 1;
        Input::Device(DeviceEvent {
            device: device.clone(),
            boot: self.boot,
            seq: self.seq,
            device_time: None,
            received: self.clock.now(),
            transit: Transit::Straight,
            happening,
        })
    }
}
