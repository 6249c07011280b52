//! All rows of the site's state, once, at the start.

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use domain::state::Snapshot;

use crate::{
    Store,
    cells::{Cells, Names},
    commit::counters,
    error::ReadError,
    sheet::{Op, statement},
    tables::{Stored, each_table},
};

/// The rows of one table, in order of their keys.
async fn rows<V: Stored>(
    connection: &mut SqliteConnection,
    names: &mut Names,
) -> Result<Vec<(V::Key, u32, V)>, ReadError> {
    let sheet = V::SHEET;
    let failed = ReadError::of(sheet.name);
    let count: i64 = sqlx::query_scalar(statement(&sheet, Op::Count, 0))
        .fetch_one(&mut *connection)
        .await
        .map_err(&failed)?;
    let mut loaded = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut stream = sqlx::query(statement(&sheet, Op::Load, 0)).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(&failed)? {
        let mut cells = Cells::new(sheet.name, &row, names);
        loaded.push((V::read_key(&mut cells)?, cells.int()?, V::read(&mut cells)?));
    }
    Ok(loaded)
}

async fn snapshot(connection: &mut SqliteConnection) -> Result<Snapshot, ReadError> {
    let mut names = Names::default();
    macro_rules! load {
        ($($table:ident),*) => {
            Snapshot {$($table: rows(&mut *connection, &mut names).await?,)*}
        };
    }
    Ok(each_table!(load))
}

impl Store {
    /// The whole state of the site as of one instant. From here on the store knows whether somebody
    /// else wrote.
    ///
    /// # Errors
    /// Where the database cannot be read, or holds a value that does not belong there.
    pub async fn load(&mut self) -> Result<Snapshot, ReadError> {
        let failed = ReadError::of("the state of the site");
        sqlx::query("BEGIN").execute(&mut self.connection).await.map_err(&failed)?;
        let counters = counters(&mut self.connection).await;
        let snapshot = snapshot(&mut self.connection).await;
        sqlx::query("ROLLBACK").execute(&mut self.connection).await.map_err(&failed)?;
        self.counters = counters.map_err(&failed)?;
        self.shared = false;
        snapshot
    }
}
