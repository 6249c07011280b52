//! The database: what a site remembers, and the only place where it is written.
//!
//! The store decides nothing. The daemon's loop hands it one batch after the other; each becomes
//! durable in one transaction or not at all. Reports and pages read through a [`reader::Reader`] of
//! their own.

use std::{fs::File, path::PathBuf};

use sqlx::SqliteConnection;

use domain::{
    command::Command,
    state::{Batch, Changes, Reads},
    time::Timestamp,
};

mod binds;
mod cells;
mod commit;
pub mod error;
mod ledger;
mod load;
mod open;
pub mod people;
mod pseudonyms;
pub mod reader;
mod records;
mod retention;
mod sheet;
mod tables;
pub mod verify;

/// The database of one site, held by its only writer.
#[derive(Debug)]
pub struct Store {
    connection: SqliteConnection,
    path: PathBuf,
    daemon: i64,
    ends: Ends,
    counters: Counters,
    /// Whether somebody else wrote since the rows were loaded: then each batch is compared row by
    /// row.
    shared: bool,
    /// Why the storage is not to be trusted any more.
    failed: Option<String>,
    /// The commands that stand in the outbox.
    outbox: commit::outbox::Outbox,
    /// What people are called in records that outlive their names.
    pseudonyms: pseudonyms::Pseudonyms,
    /// Held as long as the store lives: its lock keeps other daemons out.
    _lock: File,
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The sequence of the last line; 0 before the first.
    pub seq: u64,
    /// The hash of that line; zeros before the first.
    pub hash: [u8; 32],
}

/// The ends of a daemon's chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The journal's.
    pub journal: Head,
    /// The ledger's.
    pub ledger: Head,
}

/// What SQLite counts on the writer's connection.
#[derive(Clone, Copy, Debug)]
struct Counters {
    /// Rows that this connection wrote since it was opened.
    written: i64,
    /// Changes when another connection commits, and never by our own commits.
    others: i64,
}

/// What a store finds when it is opened.
#[derive(Debug)]
pub struct Opened {
    /// The epoch of this run, durable already.
    pub epoch: u64,
    /// The daemon whose journal this is.
    pub daemon: i64,
    /// The ends of journal and ledger.
    pub ends: Ends,
    /// Whether there are no members yet, so that a site's first data may be imported.
    pub is_empty: bool,
    /// Hash and texts of the rule set that went live last.
    pub last_rule_set: Option<(String, Vec<(String, String)>)>,
    /// Commands of earlier runs that may still take effect.
    pub unsent: Vec<Command>,
}

/// A batch that is to become durable.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its number within the epoch, growing by one.
    pub number: u64,
    /// The epoch of the run.
    pub epoch: u64,
    /// What happened.
    pub batch: Batch,
    /// The rows that changed.
    pub changes: Changes,
    /// The rows that its decisions read.
    pub reads: Reads,
    /// The instant of the commit.
    pub committed_at: Timestamp,
}
