//! All rows of the site's state, once, at the start.

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};

use domain::state::Snapshot;

use crate::{
    Store,
    binds::{Binds, bound},
    cells::{Cells, Names, unpack},
    commit::counters,
    error::ReadError,
    link::{Dialect, Link},
    news,
    sheet::{MOST_ROWS, Op, statement},
    tables::{Stored, each_table},
};

/// Rows as they are loaded: key, version, value.
type Loaded<V> = Vec<(<V as Stored>::Key, u32, V)>;

/// The rows of one table, in order of their keys.
async fn rows<V: Stored>(link: &mut Link, names: &mut Names) -> Result<Loaded<V>, ReadError> {
    match link.dialect() {
        Dialect::Sqlite => packed(link, names).await,
        Dialect::Postgres => streamed(link, names).await,
    }
}

/// The rows of a table as PostgreSQL gives them.
async fn streamed<V: Stored>(link: &mut Link, names: &mut Names) -> Result<Loaded<V>, ReadError> {
    let sheet = V::SHEET;
    let failed = ReadError::of(sheet.name);
    let none = bound(Dialect::Postgres, []).map_err(&failed)?;
    let mut rows = link.stream(statement(Dialect::Postgres, &sheet, Op::First, 0), none);
    let mut loaded = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row(sheet.name, &row, names)?;
        loaded.push((V::read_key(&mut cells)?, cells.int()?, V::read(&mut cells)?));
    }
    loaded.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    Ok(loaded)
}

/// The rows of a table, which SQLite packs page by page.
async fn packed<V: Stored>(link: &mut Link, names: &mut Names) -> Result<Loaded<V>, ReadError> {
    let sheet = V::SHEET;
    let failed = ReadError::of(sheet.name);
    let text = |op, rows| statement(Dialect::Sqlite, &sheet, op, rows);
    let count: i64 = link.value(text(Op::Count, 0), []).await.map_err(&failed)?;
    let count = usize::try_from(count).unwrap_or(0);
    let mut loaded: Loaded<V> = Vec::with_capacity(count);
    loop {
        let op = loaded.last().map_or(Op::First, |_| Op::Next);
        let mut binds = Binds::new(Dialect::Sqlite);
        if let Some((last, ..)) = loaded.last() {
            V::bind_key(last, &mut binds);
        }
        let bound = binds.done().map_err(&failed)?;
        let packed = link.packed(text(op, 1), bound).await;
        let (packed, before) = (packed.map_err(&failed)?, loaded.len());
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

async fn snapshot(link: &mut Link) -> Result<Snapshot, ReadError> {
    let mut names = Names::default();
    macro_rules! load {
        ($($table:ident),*) => {
            // One future for all tables would be a machine of thousands of states to compile.
            Snapshot {$($table: Box::pin(rows(&mut *link, &mut names)).await?,)*}
        };
    }
    Ok(each_table!(load))
}

impl Store {
    /// The whole state of the site as of one instant. From here on the store knows whether somebody
    /// else wrote, and what other daemons did after this instant comes as [`crate::news::News`].
    ///
    /// # Errors
    /// Where the database cannot be read, or holds a value that does not belong there.
    pub fn load(&mut self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        async move {
            let failed = ReadError::of("the state of the site");
            self.link.begin_view().await.map_err(&failed)?;
            let counters = counters(&mut self.link).await;
            let position = news::position(&mut self.link).await;
            let snapshot = snapshot(&mut self.link).await;
            self.link.run("ROLLBACK", []).await.map_err(&failed)?;
            self.counters = counters.map_err(&failed)?;
            self.heard = position.map_err(&failed)?;
            self.shared = false;
            snapshot
        }
        .boxed()
    }
}
