//! The head of a daemon's records, kept outside the database: in a file of the state folder, on the
//! log, and wherever else the site says. Who shortens the database, or puts an old one in its
//! place, does not have these.
//!
//! The files are written by a thread of their own, at most once a second: a disk that stands still
//! holds up nobody.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::End;
use crate::{
    Lost,
    cells::{Cells, Names},
    error::ReadError,
    link::Link,
    place::{Database, Place},
};

pub(crate) const LINE: &str = "SELECT hash FROM journal WHERE daemon = $1 AND seq = $2";
pub(crate) const TRANSACTION: &str =
    "SELECT hash FROM ledger_transaction WHERE daemon = $1 AND seq = $2";

/// The file in the folder of the database.
const FILE: &str = "audit.head";
/// Between two writes.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the end of a daemon waits for its last head to be kept.
const LAST_WAIT: Duration = Duration::from_secs(3);
/// Between two lines of the log.
const LOGGED_EVERY: Duration = Duration::from_secs(3600);
/// Between two warnings about a file that cannot be written.
const WARNED_EVERY: Duration = Duration::from_secs(60);
/// The most heads that a file keeps of databases that were not there any more.
const LOST_MAX: usize = 16;

/// A head, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose records.
    pub daemon: i64,
    /// The run.
    pub epoch: i64,
    /// The batch of that run.
    pub batch: i64,
    /// Its place among the batches of all daemons.
    pub turn: i64,
    /// Its instant, in microseconds of UTC.
    pub at: i64,
    /// How many lines the journal has.
    pub lines: u64,
    /// The hash of the last one.
    pub line: String,
    /// How many transactions the ledger has.
    pub transactions: u64,
    /// The hash of the last one.
    pub transaction: String,
    /// The hash of the whole row of the batch, the sums of all tables in it.
    pub end: String,
    /// Whether the daemon ended with it.
    #[serde(default)]
    pub stopped: bool,
    /// Whether the journal says that the database is without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
}

impl Kept {
    pub(crate) fn of(end: &End, stopped: bool) -> Self {
        let digits = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_hex().to_string();
        Self {
            daemon: end.daemon,
            epoch: end.epoch,
            batch: end.number,
            turn: end.turn,
            at: end.committed_at,
            lines: end.ends.journal.seq,
            line: digits(end.ends.journal.hash),
            transactions: end.ends.ledger.seq,
            transaction: digits(end.ends.ledger.hash),
            end: end.hash().to_hex().to_string(),
            stopped,
            noted: false,
        }
    }
}

/// How far a database is from a head; nothing where it has what the head stands for.
pub(crate) async fn lacks(link: &mut Link, kept: &Kept) -> Result<Option<String>, ReadError> {
    let Some(end) = crate::open::end(link, kept.daemon).await? else {
        return Ok(Some(format!(
            "nothing of daemon {} is left in the database; {} lines and {} transactions were \
             written",
            kept.daemon, kept.lines, kept.transactions
        )));
    };
    let (lines, transactions) = (end.ends.journal.seq, end.ends.ledger.seq);
    if lines < kept.lines || transactions < kept.transactions || end.turn < kept.turn {
        return Ok(Some(format!(
            "the database is behind: the last {} lines of the journal (it ends at {lines}, {} \
             were written), {} transactions and {} batches are missing; the last one was \
             written at {}",
            kept.lines.saturating_sub(lines),
            kept.lines,
            kept.transactions.saturating_sub(transactions),
            kept.turn.saturating_sub(end.turn),
            domain::time::Timestamp::from_micros(kept.at),
        )));
    }
    for (text, what, seq, hash) in [
        (LINE, "line", kept.lines, &kept.line),
        (TRANSACTION, "transaction", kept.transactions, &kept.transaction),
    ] {
        if seq > 0 && hash_of(link, text, kept.daemon, seq).await?.as_ref() != Some(hash) {
            return Ok(Some(format!("{what} {seq} is not the one that was written")));
        }
    }
    if end.turn == kept.turn && end.hash().to_hex().as_str() != kept.end {
        let why = "the row of the last batch, with the sums of all tables, is another one";
        return Ok(Some(why.to_owned()));
    }
    if kept.stopped && end.turn > kept.turn {
        let more = end.turn - kept.turn;
        return Ok(Some(format!("{more} batches were written after the daemon had ended")));
    }
    Ok(None)
}

async fn hash_of(
    link: &mut Link,
    text: &'static str,
    daemon: i64,
    seq: u64,
) -> Result<Option<String>, ReadError> {
    let row = link.row(text, [daemon.into(), seq.cast_signed().into()]).await;
    let Some(row) = row.map_err(ReadError::of("a hash"))? else { return Ok(None) };
    let mut names = Names::default();
    let hash: Vec<u8> = Cells::of_row("journal", &row, &mut names)?.take()?;
    let hash = <[u8; 32]>::try_from(hash).ok();
    Ok(hash.map(|hash| blake3::Hash::from_bytes(hash).to_hex().to_string()))
}

/// The heads in our own file that the database is without, and what is to be said of each. A file
/// that cannot be read is no reason not to start.
pub(crate) async fn lost(
    place: &Place,
    link: &mut Link,
) -> Result<(Vec<Kept>, Vec<Lost>), ReadError> {
    let (mut lost, mut said) = (Vec::new(), Vec::new());
    let Some(path) = files(place).into_iter().next() else { return Ok((lost, said)) };
    let kept = read(&path).unwrap_or_else(|why| {
        let why = format!("`{}` cannot be read: {why}", path.display());
        said.push(Lost { why, is_new: false });
        Vec::new()
    });
    for head in kept.into_iter().filter(|head| head.daemon == place.daemon) {
        if let Some(why) = lacks(link, &head).await? {
            said.push(Lost { why, is_new: !head.noted });
            lost.push(Kept { stopped: false, ..head });
        }
    }
    Ok((lost, said))
}

/// Puts the heads of the database that was there before aside, under names that nothing stands
/// under yet: a new one is begun in its place, and is without nothing.
pub(crate) fn set_aside(place: &Place) {
    for path in files(place).into_iter().filter(|path| path.exists()) {
        let name = |number: u32| PathBuf::from(format!("{}.before-{number}", path.display()));
        let Some(free) = (1..).map(name).find(|path| !path.exists()) else { continue };
        if let Err(why) = fs::rename(&path, &free) {
            let path = path.display();
            tracing::warn!(%path, %why, "the head of the database before cannot be put aside");
        }
    }
}

/// The files that heads of `place` are kept in.
pub(crate) fn files(place: &Place) -> Vec<PathBuf> {
    let own = match &place.database {
        Database::File(path) => Some(path.with_file_name(FILE)),
        Database::Server(_) => place.folder.as_ref().map(|folder| folder.join(FILE)),
    };
    own.into_iter().chain(place.heads.iter().cloned()).collect()
}

/// The heads in a file, the last one first; none where there is no such file.
///
/// # Errors
/// Where it cannot be read, or is no such file.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<Kept>> {
    let text = match plain_file::text(path, plain_file::SMALL) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let line = |line: &str| serde_json::from_str(line).map_err(std::io::Error::from);
    text.lines().map(line).collect()
}

/// Writes a file anew: nobody ever sees half of it, and nobody else reads it.
fn write(path: &Path, heads: &[Kept]) -> std::io::Result<()> {
    let draft = PathBuf::from(format!("{}.draft", path.display()));
    let mut file = OpenOptions::new();
    let mut file = file.create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
    for head in heads {
        writeln!(file, "{}", serde_json::to_string(head)?)?;
    }
    file.sync_data()?;
    fs::rename(&draft, path)
}

/// Whether it is time to say that this file cannot be written. A start that waits for its database
/// opens it again and again, so that this outlives each keeper.
fn is_to_be_said(path: &Path) -> bool {
    static SAID: Mutex<BTreeMap<PathBuf, Instant>> = Mutex::new(BTreeMap::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.get(path).is_some_and(|said| said.elapsed() < WARNED_EVERY) {
        return false;
    }
    said.insert(path.to_owned(), Instant::now());
    true
}

/// What is to be written next.
#[derive(Debug, Default)]
struct Slot {
    next: Option<Arc<End>>,
    /// Whether the lost heads are on record now.
    noted: bool,
    over: bool,
    stopped: bool,
    done: bool,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the head of one store.
#[derive(Debug)]
pub(crate) struct Heads {
    shared: Arc<Shared>,
}

impl Heads {
    /// Begins to keep heads of `place`, from `first` on. `lost` are heads that the database is
    /// found to be without: they stay where they are kept.
    pub(crate) fn open(place: &Place, first: Option<Arc<End>>, lost: Vec<Kept>) -> Self {
        let mut keeper = Keeper { files: files(place), lost, logged: None };
        keeper.lost.truncate(LOST_MAX);
        let shared = Arc::new(Shared::default());
        if let Some(first) = first {
            // Our own file says so before anything is written; the others may be far away.
            keeper.keep_in(0..1, &Kept::of(&first, false));
            shared.lock().next = Some(first);
        }
        let thread = std::thread::Builder::new().name("audit-heads".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keeper.run(&shared)
        });
        if let Err(why) = thread {
            tracing::error!(%why, "the heads of the records are not kept outside the database");
            shared.lock().done = true;
        }
        Self { shared }
    }

    /// A batch is durable, which may put on record that the lost heads are lost.
    pub(crate) fn committed(&self, end: &Arc<End>, notes_gaps: bool) {
        {
            let mut slot = self.shared.lock();
            slot.next = Some(Arc::clone(end));
            slot.noted |= notes_gaps;
        }
        self.shared.changed.notify_one();
    }

    /// Nothing more is written: the last head is kept as such, unless its files let us wait.
    pub(crate) fn stop(self, last: Option<&Arc<End>>) {
        let mut slot = self.shared.lock();
        (slot.next, slot.stopped, slot.over) = (last.cloned(), true, true);
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(slot, LAST_WAIT, |slot| !slot.done);
        if !waited.unwrap_or_else(PoisonError::into_inner).0.done {
            tracing::error!("the last head of the records is not kept everywhere");
        }
    }
}

impl Drop for Heads {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

/// The thread's own.
struct Keeper {
    files: Vec<PathBuf>,
    lost: Vec<Kept>,
    logged: Option<Instant>,
}

impl Keeper {
    fn run(mut self, shared: &Shared) {
        loop {
            let (next, noted, over, stopped) = {
                let mut slot = shared.lock();
                while slot.next.is_none() && !slot.over {
                    slot = shared.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
                }
                (slot.next.take(), slot.noted, slot.over, slot.stopped)
            };
            self.lost.iter_mut().for_each(|head| head.noted |= noted);
            if let Some(end) = next {
                self.keep(&Kept::of(&end, stopped));
            }
            if over {
                shared.lock().done = true;
                shared.changed.notify_all();
                return;
            }
            let slot = shared.lock();
            let waited = shared.changed.wait_timeout_while(slot, PAUSE, |slot| !slot.over);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Writes a head to the files of these places. Only our own, the first, says that the daemon
    /// ended: the others may be late.
    fn keep_in(&mut self, places: Range<usize>, head: &Kept) {
        for (place, path) in self.files.iter().enumerate().filter(|(at, _)| places.contains(at)) {
            let head = Kept { stopped: head.stopped && place == 0, ..head.clone() };
            let heads: Vec<Kept> = std::iter::once(head).chain(self.lost.clone()).collect();
            let Err(why) = write(path, &heads) else { continue };
            if is_to_be_said(path) {
                let path = path.display();
                tracing::warn!(%path, %why, "the head of the records cannot be kept there");
            }
        }
    }

    /// Writes a head to each file, and to the log where it is time.
    fn keep(&mut self, head: &Kept) {
        self.keep_in(0..self.files.len(), head);
        if head.stopped || self.logged.is_none_or(|logged| logged.elapsed() >= LOGGED_EVERY) {
            self.logged = Some(Instant::now());
            tracing::info!(
                daemon = head.daemon,
                lines = head.lines,
                line = head.line,
                transactions = head.transactions,
                transaction = head.transaction,
                end = head.end,
                "the head of the records"
            );
        }
    }
}
