//! Which commands of the outbox are over: each batch takes some of their rows away, so that the
//! table stays as small as the lives of its commands and no batch pays for many.

use std::collections::VecDeque;

use uuid::Uuid;

use domain::{command::Command, time::Timestamp};

use crate::{
    Sealed,
    cells::{Cells, Names},
    error::ReadError,
    link::{Link, Row},
};

/// The least that a batch takes away, where there is so much.
const LEAST: usize = 2;
pub(crate) const IN_OUTBOX: &str =
    "SELECT id, expires FROM outbox WHERE daemon = $1 ORDER BY expires, id";

/// The rows of the outbox: the last instant of each command, and its id.
#[derive(Debug, Default)]
pub(crate) struct Outbox(VecDeque<(Timestamp, Uuid)>);

impl Outbox {
    /// What `daemon` left there.
    pub(crate) async fn load(link: &mut Link, daemon: i64) -> Result<Self, sqlx::Error> {
        let rows = link.rows(IN_OUTBOX, [daemon.into()]).await?;
        let mut names = Names::default();
        let row = |row: &Row| {
            let mut cells = Cells::of_row("outbox", row, &mut names)?;
            let id = cells.id()?;
            Ok((cells.at()?, id))
        };
        let read: Result<_, ReadError> = rows.iter().map(row).collect();
        read.map(Self).map_err(|error| sqlx::Error::Decode(error.into()))
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
