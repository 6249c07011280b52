//! Imports: what was brought along, and how far it is.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An import. Its rows stand in a file of their own until they are in; this row says how many are,
/// and changes in the transaction that takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What it brings, such as `members`.
    pub what: String,
    /// The name of the file that it came from.
    pub file: String,
    /// The daemon that took it and has its rows: no other one carries it on.
    pub daemon: u32,
    /// How many rows it has.
    pub rows: u32,
    /// How many of them are in.
    pub done: u32,
    /// When it was accepted.
    pub began: Timestamp,
    /// When the last row was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl Import {
    /// The same once `more` of its rows are in as well.
    #[must_use]
    pub fn after(&self, more: usize, now: Timestamp) -> Self {
        let done = self.done.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        Self { done, ended: (done == self.rows).then_some(now), ..self.clone() }
    }
}
