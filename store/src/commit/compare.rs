//! The rows that a batch depends on, as they are in the database now.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use domain::{
    layered::Read,
    state::{Reads, Snapshot},
};

use crate::{
    binds::Binds,
    cells::{Names, unpack},
    error::ReadError,
    sheet::{MOST_ROWS, Op, statement},
    tables::{Stored, each_table},
};

/// The rows of `keys`, with their versions.
async fn fetch<V: Stored>(
    connection: &mut SqliteConnection,
    keys: &[&V::Key],
) -> Result<Vec<(V::Key, u32, V)>, ReadError> {
    let (sheet, mut names, mut found) = (V::SHEET, Names::default(), Vec::new());
    for keys in keys.chunks(MOST_ROWS) {
        let size = sheet.size_for(keys.len());
        let mut binds = Binds::with_room(size * sheet.width(Op::Fetch));
        keys.iter().for_each(|key| V::bind_key(key, &mut binds));
        binds.nulls((size - keys.len()) * sheet.width(Op::Fetch));
        let failed = ReadError::of(sheet.name);
        let arguments = binds.done().map_err(&failed)?;
        let text = statement(&sheet, Op::Fetch, size);
        let packed = sqlx::query_scalar_with(text, arguments).fetch_one(&mut *connection).await;
        let packed: String = packed.map_err(&failed)?;
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
    connection: &mut SqliteConnection,
    reads: &Reads,
) -> Result<Vec<&'static str>, ReadError> {
    let (found, mut tables) = (rows_of(connection, reads).await?, Vec::new());
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

/// The rows of `reads` as they are now.
pub(super) async fn rows_of(
    connection: &mut SqliteConnection,
    reads: &Reads,
) -> Result<Snapshot, ReadError> {
    macro_rules! fetch_all {
        ($($table:ident),*) => {
            Snapshot {$($table: {
                let keys: Vec<_> = reads.$table.iter().map(|read| &read.key).collect();
                fetch(&mut *connection, &keys).await?
            },)*}
        };
    }
    Ok(each_table!(fetch_all))
}
