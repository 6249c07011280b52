//! What the daemon tells live readers, after it is durable.

use std::sync::Arc;

use domain::{
    decision::Decision,
    ids::{DecisionId, DeviceId},
    reasons::Condition,
    time::Timestamp,
};
use tokio::sync::broadcast;

/// How many items wait for a slow reader before it falls back to the store.
pub const FEED_CAPACITY: usize = 1024;

/// One item of the live feed.
#[derive(Clone, Debug)]
pub struct FeedItem {
    /// The item's number in the daemon's journal; decisions and conditions count together.
    pub seq: u64,
    /// What happened.
    pub news: News,
}

/// What a live reader is told.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "items live behind an `Arc`, and nearly all of them are decisions"
)]
pub enum News {
    /// A request was decided.
    Decided(Decision),
    /// Something happened that decides nothing. Told live only: a replay has decisions.
    Noted {
        /// When.
        at: Timestamp,
        /// The device behind it.
        device: Option<DeviceId>,
        /// What.
        condition: Condition,
        /// The decision that it belongs to.
        decision: Option<DecisionId>,
        /// What was wrong, where that helps at the desk.
        detail: String,
    },
}

/// A feed of [`FEED_CAPACITY`] items. Sending never waits for a reader.
#[must_use]
pub fn feed() -> broadcast::Sender<Arc<FeedItem>> {
    broadcast::channel(FEED_CAPACITY).0
}
