//! All rows of the site's state, once, at the start.

use sqlx::SqliteConnection;

use domain::state::Snapshot;

use crate::{
    Store,
    binds::Binds,
    cells::{Names, unpack},
    commit::counters,
    error::ReadError,
    sheet::{MOST_ROWS, Op, statement},
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
    let count = usize::try_from(count).unwrap_or(0);
    let mut loaded: Vec<(V::Key, u32, V)> = Vec::with_capacity(count);
    loop {
        let (op, mut binds) = (loaded.last().map_or(Op::First, |_| Op::Next), Binds::default());
        if let Some((last, ..)) = loaded.last() {
            V::bind_key(last, &mut binds);
        }
        let arguments = binds.done().map_err(&failed)?;
        let text = statement(&sheet, op, 1);
        let packed = sqlx::query_scalar_with(text, arguments).fetch_one(&mut *connection).await;
        let (packed, before): (String, _) = (packed.map_err(&failed)?, loaded.len());
        unpack(&sheet, &packed, names, |cells| {
            loaded.push((V::read_key(cells)?, cells.int()?, V::read(cells)?));
            Ok(())
        })?;
        if loaded.len() < before + MOST_ROWS {
            break;
        }
    }
    // Pages follow each other by the last key, which holds only while a page comes in order.
    match loaded.len() == count {
        true => Ok(loaded),
        false => Err(ReadError::Value {
            table: sheet.name,
            column: sheet.keys.join(", "),
            why: format!("{} of {count} rows were found in order", loaded.len()),
        }),
    }
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
