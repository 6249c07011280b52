//! All rows of the site's state, once, at the start.

use std::{
    collections::BTreeSet,
    fmt::Display,
    sync::{Mutex, PoisonError},
};

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};

use domain::state::Snapshot;
use tokio::sync::mpsc;

use crate::{
    Store,
    binds::{Binds, bound},
    cells::{Cells, Names, unpack},
    commit::counters,
    error::ReadError,
    link::{Dialect, Link},
    news,
    open::connect,
    place::{Database, Place},
    sheet::{Op, Sheet, statement},
    tables::{Stored, each_table},
};

/// Rows as they are loaded: key, version, value.
type Loaded<V> = Vec<(<V as Stored>::Key, u32, V)>;

/// The rows of one table, in order of their keys.
async fn rows<V: Stored>(
    link: &mut Link,
    mut names: Names,
) -> Result<(Loaded<V>, Names), ReadError> {
    match link.dialect() {
        Dialect::Sqlite => packed(link, names).await,
        Dialect::Postgres => Ok((streamed(link, &mut names).await?, names)),
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

/// Pages that wait to be unpacked, at most.
const PAGES_AHEAD: usize = 4;

/// The rows of a table, which SQLite packs page by page; while one is unpacked, on a thread of its
/// own, the next ones are read.
async fn packed<V: Stored>(link: &mut Link, names: Names) -> Result<(Loaded<V>, Names), ReadError> {
    let sheet = V::SHEET;
    let failed = ReadError::of(sheet.name);
    let text = |op, rows| statement(Dialect::Sqlite, &sheet, op, rows);
    let count: i64 = link.value(text(Op::Count, 0), []).await.map_err(&failed)?;
    let count = usize::try_from(count).unwrap_or(0);
    let (pages, waiting) = mpsc::channel(PAGES_AHEAD);
    let unpacked = tokio::task::spawn_blocking(move || unpacked::<V>(waiting, (count, names)));
    let (mut ends, mut last) = (Names::default(), None::<V::Key>);
    loop {
        let op = last.as_ref().map_or(Op::First, |_| Op::Next);
        let mut binds = Binds::new(Dialect::Sqlite);
        if let Some(last) = &last {
            V::bind_key(last, &mut binds);
        }
        let bound = binds.done().map_err(&failed)?;
        let (end, page) = link.page(text(op, 1), bound).await.map_err(&failed)?;
        // Who unpacks no more tells why.
        let goes_on = pages.send(page).await.is_ok();
        let Some(end) = end.filter(|_| goes_on) else { break };
        unpack(&sheet, &end, &mut ends, |cells| {
            last = Some(V::read_key(cells)?);
            Ok(())
        })?;
    }
    drop(pages);
    let (loaded, names) = unpacked.await.map_err(|error| wrong(&sheet, error))??;
    // Pages follow each other by the last key, which holds only while a page comes in order.
    let found = loaded.len();
    match found == count {
        true => Ok((loaded, names)),
        false => Err(wrong(&sheet, format!("{found} of {count} rows were found in order"))),
    }
}

fn wrong(sheet: &Sheet, why: impl Display) -> ReadError {
    ReadError::Value { table: sheet.name, column: sheet.keys.join(", "), why: why.to_string() }
}

/// The rows of the pages that come.
fn unpacked<V: Stored>(
    mut pages: mpsc::Receiver<String>,
    (count, mut names): (usize, Names),
) -> Result<(Loaded<V>, Names), ReadError> {
    let mut loaded: Loaded<V> = Vec::with_capacity(count);
    while let Some(page) = pages.blocking_recv() {
        unpack(&V::SHEET, &page, &mut names, |cells| {
            loaded.push((V::read_key(cells)?, cells.int()?, V::read(cells)?));
            Ok(())
        })?;
    }
    Ok((loaded, names))
}

/// The tables that one of several readers has taken.
#[derive(Default)]
struct Taken(Mutex<BTreeSet<&'static str>>);

impl Taken {
    /// Takes a table, unless another reader did.
    fn take(&self, table: &'static str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table)
    }
}

/// The tables that nobody else has taken, one after the other.
async fn part(link: &mut Link, taken: &Taken) -> Result<Snapshot, ReadError> {
    let (mut part, mut names) = (Snapshot::default(), Names::default());
    macro_rules! load {
        ($($table:ident),*) => {$(
            if taken.take(stringify!($table)) {
                // One future for all tables would be a machine of thousands of states to compile.
                (part.$table, names) = Box::pin(rows(&mut *link, names)).await?;
            }
        )*};
    }
    each_table!(load);
    drop(names);
    Ok(part)
}

/// All tables. A file is read by two connections, as SQLite packs on one thread for each; while the
/// first one has begun to write, nobody commits, and both see the same.
async fn snapshot(link: &mut Link, place: &Place) -> Result<Snapshot, ReadError> {
    let taken = Taken::default();
    let Database::File(path) = &place.database else { return part(link, &taken).await };
    let failed = ReadError::of("the state of the site");
    let mut other = Link::Sqlite(connect(path).await.map_err(&failed)?);
    other.begin_view().await.map_err(&failed)?;
    let (one, two) = tokio::join!(part(link, &taken), part(&mut other, &taken));
    other.close().await.map_err(&failed)?;
    let (mut one, two) = (one?, two?);
    macro_rules! join {
        ($($table:ident),*) => {$(
            if one.$table.is_empty() {
                one.$table = two.$table;
            }
        )*};
    }
    each_table!(join);
    Ok(one)
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
            let begun = match self.link.dialect() {
                Dialect::Sqlite => self.link.run("BEGIN IMMEDIATE", []).await.map(drop),
                Dialect::Postgres => self.link.begin_view().await,
            };
            begun.map_err(&failed)?;
            let counters = counters(&mut self.link).await;
            let position = news::position(&mut self.link).await;
            let snapshot = snapshot(&mut self.link, &self.place).await;
            self.link.run("ROLLBACK", []).await.map_err(&failed)?;
            self.counters = counters.map_err(&failed)?;
            self.heard = position.map_err(&failed)?;
            self.shared = false;
            snapshot
        }
        .boxed()
    }
}
