//! The loop's dealings with the store that may take long: another program that holds it, a server
//! that does not answer, a batch that others came before.

use domain::{
    command::Command,
    ids::CommandId,
    state::{Reads, Snapshot},
};
use store::{
    Sealed, Store,
    error::{CommitError, ReadError},
    news::{Changed, News, NewsError},
    trouble::Trouble,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::stall::Standstill;

/// After so many losses of a batch nobody else commits until it is decided and stored.
const KEEPS_TURN: u32 = 2;

/// What became of a batch.
pub(crate) enum Ended {
    /// It is durable.
    Durable,
    /// It left no trace; these are its rows as they are now.
    Lost {
        /// What refused it.
        why: String,
        /// The rows.
        rows: Box<Snapshot>,
        /// Numbers of members that others have.
        taken: Vec<u32>,
    },
    /// It left no trace, and the store takes nothing for now.
    Away,
}

/// Stores a batch that was lost `lost` times before; one that changes nothing is lost where what it
/// answers rests on rows that are others by now. Where nobody knows whether it is stored, its
/// own row says so, however long the database takes to answer.
pub(crate) async fn stored(
    store: &mut Store,
    sealed: &Sealed,
    lost: u32,
    standstill: &Standstill,
) -> Result<Ended, CommitError> {
    let batch = (sealed.epoch, sealed.number);
    let changes_nothing = sealed.batch.is_empty() && sealed.changes.is_empty();
    if changes_nothing && still_so(store, sealed, standstill).await {
        store.give_turn_back().await;
        return Ok(Ended::Durable);
    }
    let committed = match changes_nothing {
        true => Err(CommitError::raced(Vec::new())),
        false => store.commit(sealed).await,
    };
    let why = match committed {
        Ok(()) => {
            standstill.end();
            return Ok(Ended::Durable);
        }
        Err(CommitError::Lost { why, .. }) => why,
        Err(CommitError::Away { trouble, why }) => {
            standstill.report(trouble, &why);
            return Ok(Ended::Away);
        }
        Err(CommitError::Unknown { source }) => {
            let trouble = Trouble::of(&source).unwrap_or(Trouble::Unreachable);
            tracing::warn!(%source, "nobody knows whether a batch is durable; it is looked up");
            return match came_through(store, batch, standstill).await? {
                true => {
                    standstill.end();
                    Ok(Ended::Durable)
                }
                // A connection that broke and was made anew is no reason to refuse anybody.
                false if lost < KEEPS_TURN => {
                    lost_for(store, sealed, source.to_string(), standstill).await
                }
                false => {
                    standstill.report(trouble, &source.to_string());
                    Ok(Ended::Away)
                }
            };
        }
        Err(fatal) => return Err(fatal),
    };
    // Where it does not answer any more, reading the rows says so.
    if lost >= KEEPS_TURN
        && let Err(why) = store.keep_turn().await
    {
        tracing::warn!(%why, "the turn cannot be kept");
    }
    lost_for(store, sealed, why, standstill).await
}

/// Whether what a batch answers that changes nothing is so still.
async fn still_so(store: &mut Store, sealed: &Sealed, standstill: &Standstill) -> bool {
    if !store.may_differ(sealed) {
        return true;
    }
    match store.agrees(sealed).await {
        Ok(agrees) => {
            standstill.end();
            agrees
        }
        Err(error) => {
            // The next batch finds out what is wrong, and waits.
            tracing::warn!(%error, "an answer rests on rows that cannot be read again");
            true
        }
    }
}

/// A lost batch, with what is true by now of what it depends on.
async fn lost_for(
    store: &mut Store,
    sealed: &Sealed,
    why: String,
    standstill: &Standstill,
) -> Result<Ended, CommitError> {
    let rows = Box::new(reloaded(store, sealed, standstill).await?);
    // Where that cannot be read, it is lost once more.
    let taken = store.taken_numbers(sealed).await.unwrap_or_default();
    Ok(Ended::Lost { why, rows, taken })
}

/// Whether a batch came through, however long the database takes to answer.
async fn came_through(
    store: &mut Store,
    (epoch, number): (u64, u64),
    standstill: &Standstill,
) -> Result<bool, CommitError> {
    loop {
        match store.was_committed(epoch, number).await {
            Err(CommitError::Away { trouble, why }) => {
                standstill.report(trouble, &why);
                tokio::time::sleep(standstill.pause()).await;
            }
            found => return found,
        }
    }
}

/// The rows of a batch as they are now.
pub(crate) async fn reloaded(
    store: &mut Store,
    sealed: &Sealed,
    standstill: &Standstill,
) -> Result<Snapshot, CommitError> {
    read_again(store, &sealed.reads, (sealed.epoch, sealed.number), standstill).await
}

/// Rows as they are now, over a connection that may have to be made anew first.
async fn read_again(
    store: &mut Store,
    reads: &Reads,
    batch: (u64, u64),
    standstill: &Standstill,
) -> Result<Snapshot, CommitError> {
    loop {
        let error = match store.reload(reads).await {
            Ok(rows) => return Ok(rows),
            Err(error) => error,
        };
        wait_to_read(error, standstill).await?;
        came_through(store, batch, standstill).await?;
    }
}

/// Pauses after rows could not be read.
async fn wait_to_read(error: ReadError, standstill: &Standstill) -> Result<(), CommitError> {
    match error.trouble() {
        Trouble::Damaged => Err(CommitError::Fatal { why: error.to_string() }),
        trouble => {
            standstill.report(trouble, &error.to_string());
            tokio::time::sleep(standstill.pause()).await;
            Ok(())
        }
    }
}

/// What another daemon changed, as it is now, and those of its commands that are ours to send.
pub(crate) async fn taken_over(
    store: &mut Store,
    changed: &Changed,
    ours: &[CommandId],
    batch: (u64, u64),
    standstill: &Standstill,
) -> Result<(Snapshot, Vec<Command>), CommitError> {
    loop {
        let rows = read_again(store, &changed.rows, batch, standstill).await?;
        match store.commands(ours).await {
            Ok(commands) => return Ok((rows, commands)),
            Err(error) => wait_to_read(error, standstill).await?,
        }
    }
}

/// Hands the loop what other daemons changed.
pub(crate) async fn tell_news(
    mut news: News,
    elsewhere: mpsc::Sender<Result<Changed, NewsError>>,
    ended: CancellationToken,
) {
    loop {
        let next = tokio::select! {
            () = ended.cancelled() => return,
            next = news.next() => next,
        };
        let missed = next.is_err();
        if elsewhere.send(next).await.is_err() || missed {
            return;
        }
    }
}
