//! What this crate asks of the records.

use std::fmt;

use domain::{decision::Decision, ids::DecisionId, remedy::Remedy};
use futures_util::future::BoxFuture;
use store::{error::ReadError, reader::Reader};

/// Reads decisions. The store's reader is one; a test has its own.
pub trait Records: Send + Sync {
    /// One decision.
    fn decision(&self, id: DecisionId) -> BoxFuture<'_, Result<Option<Decision>, RecordsFault>>;
    /// The decisions after `seq`, the oldest first, at most `limit`.
    fn after(&self, seq: u64, limit: u32) -> BoxFuture<'_, Answer>;
    /// The decisions before `before`, or all, the latest first, at most `limit`.
    fn latest(&self, limit: u32, before: Option<u64>) -> BoxFuture<'_, Answer>;
}

/// Works out what would open it, by the rules that decided.
pub trait Remedies: Send + Sync {
    /// What would have opened this decision; `None` where it opened, was decided without its
    /// facts, or its rules are not on record.
    fn of(&self, decision: &Decision) -> BoxFuture<'_, Option<Remedy>>;
}

/// Decisions with their numbers in the journal.
pub type Answer = Result<Vec<(u64, Decision)>, RecordsFault>;

/// Why the records could not be read.
#[derive(Debug)]
pub struct RecordsFault(pub String);

impl fmt::Display for RecordsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ReadError> for RecordsFault {
    fn from(error: ReadError) -> Self {
        // The whole chain: it is for the log alone.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self(format!("{error}{}", cause.unwrap_or_default()))
    }
}

impl Records for Reader {
    fn decision(&self, id: DecisionId) -> BoxFuture<'_, Result<Option<Decision>, RecordsFault>> {
        Box::pin(async move { Ok(Self::decision(self, id).await?) })
    }

    fn after(&self, seq: u64, limit: u32) -> BoxFuture<'_, Answer> {
        Box::pin(async move { Ok(self.decisions_after(seq, limit).await?) })
    }

    fn latest(&self, limit: u32, before: Option<u64>) -> BoxFuture<'_, Answer> {
        Box::pin(async move { Ok(Self::latest(self, limit, before).await?) })
    }
}
