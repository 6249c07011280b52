//! The rows that a batch depends on, as they are in the database now.

use std::collections::BTreeMap;

use domain::{
    layered::{Change, Read},
    state::{Changes, Reads, Snapshot},
};
use futures_util::TryStreamExt;

use crate::{
    binds::Binds,
    cells::{Cells, Names, unpack},
    error::ReadError,
    link::{Dialect, Link},
    sheet::{MOST_ROWS, Op, Sheet, statement},
    tables::{Stored, each_table},
};

/// The rows of `keys`, with their versions.
async fn fetch<V: Stored>(
    link: &mut Link,
    keys: &[&V::Key],
) -> Result<Vec<(V::Key, u32, V)>, ReadError> {
    let (sheet, dialect, mut names) = (V::SHEET, link.dialect(), Names::default());
    let (failed, mut found) = (ReadError::of(sheet.name), Vec::new());
    for keys in keys.chunks(MOST_ROWS) {
        let size = sheet.size_for(keys.len());
        let mut binds = Binds::with_room(dialect, size * sheet.width(Op::Fetch));
        binds.rows(sheet.width(Op::Fetch));
        keys.iter().for_each(|key| V::bind_key(key, &mut binds));
        if dialect == Dialect::Sqlite {
            binds.nulls((size - keys.len()) * sheet.width(Op::Fetch));
        }
        let bound = binds.done().map_err(&failed)?;
        let text = statement(dialect, &sheet, Op::Fetch, size);
        if dialect == Dialect::Postgres {
            let mut rows = link.stream(text, bound);
            while let Some(row) = rows.try_next().await.map_err(&failed)? {
                let mut cells = Cells::of_row(sheet.name, &row, &mut names)?;
                found.push((V::read_key(&mut cells)?, cells.int()?, V::read(&mut cells)?));
            }
            continue;
        }
        let packed = link.packed(text, bound).await.map_err(&failed)?;
        unpack(&sheet, &packed, &mut names, |cells| {
            found.push((V::read_key(cells)?, cells.int()?, V::read(cells)?));
            Ok(())
        })?;
    }
    Ok(found)
}

/// Whether a row is another version than the batch takes it for.
fn differs<K: Ord, V>(reads: &[Read<K>], found: &[(K, u32, V)]) -> bool {
    let found: BTreeMap<&K, u32> = found.iter().map(|(key, version, _)| (key, *version)).collect();
    reads.iter().any(|read| found.get(&read.key).copied().unwrap_or(0) != read.version)
}

/// The tables with rows that are not what the batch takes them for.
pub(super) async fn differing(
    link: &mut Link,
    reads: &Reads,
) -> Result<Vec<&'static str>, ReadError> {
    let (found, mut tables) = (rows_of(link, reads).await?, Vec::new());
    macro_rules! compare {
        ($($table:ident),*) => {$(
            if differs(&reads.$table, &found.$table) {
                tables.push(stringify!($table));
            }
        )*};
    }
    each_table!(compare);
    Ok(tables)
}

/// Rows of one table that a text compares by itself, with their versions.
pub(super) struct Compared<'a> {
    pub(super) sheet: Sheet,
    bind: Box<dyn Fn(&mut Binds) + Send + 'a>,
}

impl Compared<'_> {
    /// Binds the values of [`Op::Differ`].
    pub(super) fn bind(&self, to: &mut Binds) {
        to.rows(self.sheet.width(Op::Differ));
        (self.bind)(to);
    }
}

/// The tables of which `reads` has rows, each with its place among all.
pub(super) fn compared(reads: &Reads) -> Vec<(u32, Compared<'_>)> {
    /// The rows of one table, which a field of the changes tells.
    fn of<'a, V: Stored>(
        reads: &'a [Read<V::Key>],
        _: impl Fn(&Changes) -> &Vec<Change<V::Key, V>>,
    ) -> Option<Compared<'a>>
    where
        V::Key: Sync,
    {
        let bind = move |to: &mut Binds| {
            for read in reads {
                V::bind_key(&read.key, to);
                to.int(read.version);
            }
        };
        (!reads.is_empty()).then(|| Compared { sheet: V::SHEET, bind: Box::new(bind) })
    }
    macro_rules! states {
        ($($table:ident),*) => { [$(of(&reads.$table, |rows| &rows.$table)),*] };
    }
    let each = each_table!(states);
    (0..).zip(each).filter_map(|(place, one)| Some((place, one?))).collect()
}

/// The rows of `reads` as they are now.
pub(super) async fn rows_of(link: &mut Link, reads: &Reads) -> Result<Snapshot, ReadError> {
    macro_rules! fetch_all {
        ($($table:ident),*) => {
            Snapshot {$($table: {
                let keys: Vec<_> = reads.$table.iter().map(|read| &read.key).collect();
                Box::pin(fetch(&mut *link, &keys)).await?
            },)*}
        };
    }
    Ok(each_table!(fetch_all))
}
