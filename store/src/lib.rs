//! The database: what a site remembers, and the only place where it is written.
//!
//! The store decides nothing. The daemon's loop hands it one batch after the other; each becomes
//! durable in one transaction or not at all. Reports and pages read through a [`reader::Reader`] of
//! their own.

use std::{fs::File, sync::Arc};

use domain::{
    command::Command,
    state::{Batch, Changes, Reads, State},
    time::Timestamp,
};

pub mod audit;
mod binds;
pub mod books;
pub mod catalogue;
mod cells;
mod commit;
pub mod error;
pub mod faults;
pub mod identity;
mod ledger;
mod link;
mod load;
pub mod news;
mod notes;
mod open;
pub mod people;
pub mod place;
mod pseudonyms;
pub mod reader;
mod records;
pub mod reports;
mod retention;
mod server;
mod sheet;
pub mod statements;
mod tables;
pub mod tills;
pub mod trouble;
pub mod verify;

/// The database of one site, held by one of its daemons.
#[derive(Debug)]
pub struct Store {
    link: link::Link,
    place: place::Place,
    daemon: i64,
    epoch: u64,
    /// What the database is known by.
    identity: identity::Identity,
    /// What tests make fail.
    pub faults: faults::Faults,
    /// The file that was opened, and its log.
    file: Option<[identity::FileMark; 2]>,
    /// The server's process that serves us.
    process: Option<i64>,
    ends: Ends,
    counters: Counters,
    /// Whether somebody else wrote to the file since the rows were loaded: then each batch is
    /// compared row by row.
    shared: bool,
    /// Whether the turn among the daemons of a server is kept for the next batch.
    has_turn: bool,
    /// The last of the news that the loaded rows have in them.
    heard: i64,
    /// Why the storage is not to be trusted any more.
    failed: Option<String>,
    /// What rows are sealed with.
    key: audit::Key,
    /// The place of the last batch among those of all daemons.
    turn: i64,
    /// What all tables hold together after it.
    sums: audit::Sums,
    /// The row of our own last batch.
    last: Option<Arc<audit::End>>,
    /// What both become once the batch that is being written is durable.
    next: Option<(Arc<audit::End>, audit::Sums, bool)>,
    /// Keeps the head of the records outside the database.
    heads: audit::heads::Heads,
    /// The commands that stand in the outbox.
    outbox: commit::outbox::Outbox,
    /// What people are called in records that outlive their names.
    pseudonyms: pseudonyms::Pseudonyms,
    /// Held as long as the store lives: its lock keeps other daemons out of the file. That of a
    /// server is held by the connection.
    _lock: Option<File>,
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
#[derive(Clone, Copy, Debug, Default)]
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
    /// What the database is known by.
    pub identity: identity::Identity,
    /// The ends of journal and ledger.
    pub ends: Ends,
    /// Whether there are no members yet, so that a site's first data may be imported.
    pub is_empty: bool,
    /// Hash and texts of the rule set that went live last.
    pub last_rule_set: Option<(String, Vec<(String, String)>)>,
    /// Commands of earlier runs that may still take effect.
    pub unsent: Vec<Command>,
    /// What the database is found to be without, by the heads that are kept outside it.
    pub lost: Vec<Lost>,
}

/// What a database is without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What, as far as its head tells.
    pub why: String,
    /// Whether it is a gap that no start has put on record yet, by a line of the journal that says
    /// [`domain::reasons::Condition::AuditGap`].
    pub is_new: bool,
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

impl Sealed {
    /// What came of a batch at a state, before that state keeps it.
    #[must_use]
    pub fn of(state: &State, number: u64, batch: Batch, committed_at: Timestamp) -> Self {
        let (changes, reads) = (state.tables.changes(), state.tables.reads());
        Self { number, epoch: state.epoch, batch, changes, reads, committed_at }
    }
}
