//! How others reach a connection: they wake it, or end it.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::sync::Notify;

/// Why a connection is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ending {
    /// It goes on.
    None = 0,
    /// The same client has come again.
    TakenOver,
    /// It gives way to somebody who says who they are.
    GivesWay,
    /// The daemon stops.
    Stop,
}

/// One connection, as others see it.
#[derive(Debug)]
pub(crate) struct Handle {
    /// Its number; no other connection of this run has it.
    pub(crate) number: u64,
    /// Where it comes from.
    pub(crate) address: IpAddr,
    news: Notify,
    ending: AtomicU8,
}

impl Handle {
    pub(crate) fn new(number: u64, address: IpAddr) -> Self {
        Self { number, address, news: Notify::new(), ending: AtomicU8::new(0) }
    }

    /// There is something for its client.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Ends it.
    pub(crate) fn end(&self, why: Ending) {
        self.ending.store(why as u8, Ordering::Release);
        self.news.notify_one();
    }

    /// Whether, and why, it shall end.
    pub(crate) fn ending(&self) -> Ending {
        match self.ending.load(Ordering::Acquire) {
            1 => Ending::TakenOver,
            2 => Ending::GivesWay,
            3 => Ending::Stop,
            _ => Ending::None,
        }
    }

    /// Waits for [`Self::wake`] or [`Self::end`].
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }
}
