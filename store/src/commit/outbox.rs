//! Which commands of the outbox are over: each batch takes some of their rows away, so that the
//! table stays as small as the lives of its commands and no batch pays for many.

use std::collections::VecDeque;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use domain::{command::Command, time::Timestamp};

use crate::Sealed;

/// The least that a batch takes away, where there is so much.
const LEAST: usize = 2;
pub(crate) const IN_OUTBOX: &str = "SELECT id, expires FROM outbox ORDER BY expires, id";

/// The rows of the outbox: the last instant of each command, and its id.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<(Timestamp, Uuid)>);

impl Outbox {
    /// What stands there now.
    pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(IN_OUTBOX).fetch_all(connection).await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            Ok((Timestamp::from_micros(row.try_get(1)?), row.try_get(0)?))
        };
        rows.iter().map(row).collect::<Result<_, sqlx::Error>>().map(Self)
    }

    /// The commands that are over when `sealed` is committed, no more than the batch adds itself.
    pub(super) fn over(&self, sealed: &Sealed) -> Vec<Uuid> {
        let most = sealed.batch.commands.len().max(LEAST);
        let over = self.0.iter().take_while(|(last, _)| *last < sealed.committed_at);
        over.take(most).map(|(_, id)| *id).collect()
    }

    /// The batch is durable: it took the first `gone` away and added `commands`.
    pub(super) fn committed(&mut self, gone: usize, commands: &[Command]) {
        self.0.drain(..gone.min(self.0.len()));
        self.0.extend(commands.iter().map(|one| (one.issued.plus(one.ttl), one.id.0)));
    }
}
