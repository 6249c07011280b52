//! The loop's dealings with the store that may take long: another program that holds it, a server
//! that does not answer, a batch that others came before.

use std::time::Duration;

use domain::{
    command::Command,
    ids::CommandId,
    state::{Reads, Snapshot},
};
use store::{
    Sealed, Store,
    error::{CommitError, ReadError},
    news::{Changed, News, NewsError},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often rows are read again over a connection that broke.
const TRIES: u32 = 5;
/// Between two tries while another program holds the database.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Between two tries to reach a server that does not answer.
const AWAY_PAUSE: Duration = Duration::from_millis(250);

/// What became of a batch.
pub(crate) enum Ended {
    Durable,
    /// It left no trace; these are its rows as they are now.
    Lost {
        why: String,
        rows: Box<Snapshot>,
    },
}

/// Stores a batch, however long another program holds the database; where nobody knows whether it
/// is stored, its own row tells.
pub(crate) async fn stored(
    store: &mut Store,
    sealed: &Sealed,
    keeps_turn: bool,
) -> Result<Ended, CommitError> {
    let why = loop {
        match store.commit(sealed).await {
            Ok(()) => return Ok(Ended::Durable),
            Err(CommitError::Lost { why, .. }) => break why,
            Err(CommitError::Busy { why }) => {
                tracing::warn!(why, "another program holds the database; it is tried again");
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            Err(CommitError::Unknown { source }) => {
                tracing::warn!(%source, "nobody knows whether a batch is durable; it is looked up");
                if came_through(store, (sealed.epoch, sealed.number)).await? {
                    return Ok(Ended::Durable);
                }
                break source.to_string();
            }
            Err(fatal) => return Err(fatal),
        }
    };
    // Where it does not answer any more, reading the rows says so.
    if keeps_turn && let Err(why) = store.keep_turn().await {
        tracing::warn!(%why, "the turn cannot be kept");
    }
    let batch = (sealed.epoch, sealed.number);
    let rows = Box::new(reloaded(store, &sealed.reads, batch).await?);
    Ok(Ended::Lost { why, rows })
}

/// Whether a batch came through, however long the server takes to answer.
async fn came_through(store: &mut Store, (epoch, number): (u64, u64)) -> Result<bool, CommitError> {
    loop {
        match store.was_committed(epoch, number).await {
            Err(CommitError::Away { why }) => {
                tracing::warn!(why, "the database does not answer; it is asked again");
                tokio::time::sleep(AWAY_PAUSE).await;
            }
            found => return found,
        }
    }
}

/// Rows as they are now, over a connection that may have to be made anew first.
async fn reloaded(
    store: &mut Store,
    reads: &Reads,
    batch: (u64, u64),
) -> Result<Snapshot, CommitError> {
    let mut tries = 0;
    loop {
        match store.reload(reads).await {
            Ok(rows) => return Ok(rows),
            Err(error) if tries == TRIES => return Err(storage_failed(error)),
            Err(error) => tracing::warn!(%error, "the rows are read again"),
        }
        tries += 1;
        came_through(store, batch).await?;
    }
}

/// What another daemon changed, as it is now, and those of its commands that are ours to send.
pub(crate) async fn taken_over(
    store: &mut Store,
    changed: &Changed,
    ours: &[CommandId],
    batch: (u64, u64),
) -> Result<(Snapshot, Vec<Command>), CommitError> {
    let rows = reloaded(store, &changed.rows, batch).await?;
    let commands = store.commands(ours).await.map_err(storage_failed)?;
    Ok((rows, commands))
}

/// A database that cannot be read is as good as none.
fn storage_failed(error: ReadError) -> CommitError {
    CommitError::Fatal { why: error.to_string() }
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
