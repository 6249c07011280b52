//! What other daemons changed: each batch on a PostgreSQL with several of them leaves the keys of
//! its rows in `news`, and wakes whoever listens.
//!
//! Batches are committed one after the other there, so the numbers of the news are in their order,
//! and nobody who read up to a number misses one before it.

use futures_util::{FutureExt, future::BoxFuture};
use std::time::{Duration, Instant};

use domain::{
    ids::{CommandId, DeviceId},
    state::Reads,
};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPoolOptions};
use thiserror::Error;

use crate::{
    Sealed, Store,
    cells::{Cells, Names},
    error::{OpenError, ReadError},
    link::{Link, Pool, Row},
    place::{Database, Place},
    server,
};

/// The channel that a batch wakes the others through.
const CHANNEL: &str = "kari_news";
/// How long to wait for a call before looking by oneself.
const POLL: Duration = Duration::from_millis(200);
/// How often it is said at most that they cannot be read.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// The most news that are read at once.
const AT_ONCE: i64 = 256;
/// How many news are kept. Who is behind them reads everything again, by starting again.
const KEPT: i64 = 100_000;

const POSITION: &str = "SELECT coalesce(max(seq), 0) FROM news";
const AFTER: &str = "SELECT seq, CASE WHEN daemon <> $2 THEN rows END FROM news WHERE seq > $1
    ORDER BY seq LIMIT $3";
pub(crate) const PRUNE: &str = "DELETE FROM news WHERE seq <= (SELECT max(seq) FROM news) - $1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [POSITION, AFTER, PRUNE];

/// What changed elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The rows, each with its version then; 0 where it is gone.
    #[serde(default)]
    pub rows: Reads,
    /// Commands that wait in the outbox, with the devices that they are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<(DeviceId, CommandId)>,
}

impl Changed {
    /// What others have to know of a batch.
    pub(crate) fn by(sealed: &Sealed) -> Self {
        let commands = sealed.batch.commands.iter();
        Self {
            rows: sealed.changes.after(),
            commands: commands.map(|one| (one.device.clone(), one.id)).collect(),
        }
    }

    fn extend(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.commands.extend(later.commands);
    }
}

/// Why news end.
#[derive(Debug, Error)]
pub enum NewsError {
    /// The connection was gone for too long.
    #[error("this daemon missed what others changed; start it again, so that it reads everything")]
    Missed,
}

/// Where the news end now.
pub(crate) async fn position(link: &mut Link) -> Result<i64, sqlx::Error> {
    link.value(POSITION, []).await
}

/// How many news are pruned up to.
pub(crate) const fn kept() -> i64 {
    KEPT
}

/// The news of other daemons, from what [`Store::load`] saw on.
#[derive(Debug)]
pub struct News {
    place: Place,
    pool: Pool,
    listener: PgListener,
    heard: i64,
    /// When it was said last that they cannot be read.
    said: Option<Instant>,
}

impl Store {
    /// The news of other daemons after the last [`Store::load`]; none where this one is the only
    /// one that can be, on a file.
    ///
    /// # Errors
    /// Where the database cannot be reached.
    pub fn news(&self) -> BoxFuture<'_, Result<Option<News>, OpenError>> {
        async move {
            let Database::Server(to) = &self.place.database else { return Ok(None) };
            let failed =
                |source| OpenError::Connect { place: self.place.clone(), source: Box::new(source) };
            let options = PgPoolOptions::new().max_connections(2);
            let pool = server::listeners(to, options).await.map_err(failed)?;
            let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
            listener.listen(CHANNEL).await.map_err(failed)?;
            let (place, pool, heard) = (self.place.clone(), Pool::Postgres(pool), self.heard);
            Ok(Some(News { place, pool, listener, heard, said: None }))
        }
        .boxed()
    }
}

impl News {
    /// Waits for what others change next.
    ///
    /// # Errors
    /// Where something was missed.
    pub async fn next(&mut self) -> Result<Changed, NewsError> {
        loop {
            match self.look().await {
                Ok(None) => {
                    // A call only saves the wait; where it fails the next look tells.
                    drop(tokio::time::timeout(POLL, self.listener.recv()).await);
                }
                Ok(Some(changed)) => return changed,
                Err(why) => {
                    if self.said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
                        self.said = Some(Instant::now());
                        tracing::warn!(
                            %why,
                            "the news of other daemons cannot be read; tried again"
                        );
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    /// What came since the last look, if there is something.
    async fn look(&mut self) -> Result<Option<Result<Changed, NewsError>>, ReadError> {
        let failed = ReadError::of("the news of other daemons");
        let mut changed: Option<Changed> = None;
        loop {
            let values = [self.heard.into(), self.place.daemon.into(), AT_ONCE.into()];
            let rows = self.pool.rows(AFTER, values).await.map_err(&failed)?;
            let (before, last) = (self.heard, rows.len() < usize::try_from(AT_ONCE).unwrap_or(0));
            for row in &rows {
                let (seq, news) = read(row)?;
                self.heard = seq;
                if let Some(news) = news {
                    changed.get_or_insert_default().extend(news);
                }
            }
            if before > 0 && self.heard - before > KEPT {
                return Ok(Some(Err(NewsError::Missed)));
            }
            if last {
                return Ok(changed.map(Ok));
            }
        }
    }
}

fn read(row: &Row) -> Result<(i64, Option<Changed>), ReadError> {
    let mut names = Names::default();
    let mut cells = Cells::of_row("news", row, &mut names)?;
    Ok((cells.take()?, cells.maybe_json()?))
}
