//! The rows that a batch depends on, as they are in the database now.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use domain::{
    ids::MemberId,
    layered::{Change, Read},
    state::{Batch, Changes, Reads, Snapshot},
};
use futures_util::TryStreamExt;

use crate::{
    binds::Binds,
    cells::{Cells, Names, unpack},
    error::ReadError,
    link::{Dialect, Link},
    people::PERSON,
    records::{RULE_SET, Versions},
    sheet::{MOST_ROWS, Op, Sheet, statement},
    tables::{Stored, each_table},
};

pub(super) const HIGHEST: &str = "SELECT CAST(coalesce(max(number), 0) AS bigint) FROM member";
pub(super) const HAS_NUMBER: &str = "SELECT count(*) FROM member WHERE number = $1";

/// Of these numbers of members those that are taken, and the highest of all that are.
pub(super) async fn taken(link: &mut Link, numbers: Vec<u32>) -> Result<Vec<u32>, ReadError> {
    let mut taken = Vec::new();
    if numbers.is_empty() {
        return Ok(taken);
    }
    let failed = ReadError::of("the numbers of members");
    for number in numbers {
        let members: i64 =
            link.value(HAS_NUMBER, [i64::from(number).into()]).await.map_err(&failed)?;
        taken.extend((members > 0).then_some(number));
    }
    let highest: i64 = link.value(HIGHEST, []).await.map_err(&failed)?;
    taken.extend(u32::try_from(highest));
    Ok(taken)
}

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

/// The versions of the rows of `sheet` that `bind` binds the keys of, as `read` reads them.
async fn versions_of<K: Eq + Hash>(
    link: &mut Link,
    sheet: &Sheet,
    (count, bind): (usize, impl Fn(usize, &mut Binds)),
    read: impl Fn(&mut Cells<'_, '_>) -> Result<K, ReadError>,
) -> Result<HashMap<K, u32>, ReadError> {
    let (dialect, mut names) = (link.dialect(), Names::default());
    let (failed, mut found) = (ReadError::of(sheet.name), HashMap::new());
    for from in (0..count).step_by(MOST_ROWS) {
        let places = from..count.min(from + MOST_ROWS);
        let (width, rows) = (sheet.width(Op::Versions), places.len());
        let size = if dialect == Dialect::Sqlite { sheet.size_for(rows) } else { rows };
        let mut binds = Binds::with_room(dialect, size * width);
        binds.rows(width);
        places.for_each(|place| bind(place, &mut binds));
        binds.nulls((size - rows) * width);
        let bound = binds.done().map_err(&failed)?;
        let text = statement(dialect, sheet, Op::Versions, size);
        let mut take = |cells: &mut Cells<'_, '_>| {
            found.insert(read(cells)?, cells.int()?);
            Ok(())
        };
        if dialect == Dialect::Postgres {
            let mut rows = link.stream(text, bound);
            while let Some(row) = rows.try_next().await.map_err(&failed)? {
                take(&mut Cells::of_row(sheet.name, &row, &mut names)?)?;
            }
            continue;
        }
        let packed = link.packed(text, bound).await.map_err(&failed)?;
        let shape = Sheet { values: &[], ..*sheet };
        unpack(&shape, &packed, &mut names, take)?;
    }
    Ok(found)
}

/// The versions of what a batch writes and no decision read.
pub(super) async fn versions(link: &mut Link, batch: &Batch) -> Result<Versions, ReadError> {
    let (people, rule_sets) = (&batch.people, &batch.rule_sets);
    if people.is_empty() && rule_sets.is_empty() {
        return Ok(Versions::default());
    }
    let member = |place: usize, to: &mut Binds| {
        to.add(people.get(place).map(|(member, _)| member.0));
    };
    let hash = |place: usize, to: &mut Binds| {
        to.add(rule_sets.get(place).map(|(hash, _)| hash.clone()));
    };
    let read = |from: &mut Cells<'_, '_>| from.id().map(MemberId);
    let people = versions_of(link, &PERSON, (people.len(), member), read).await?;
    let read = |from: &mut Cells<'_, '_>| from.take();
    let rule_sets = versions_of(link, &RULE_SET, (rule_sets.len(), hash), read).await?;
    Ok(Versions { people, rule_sets })
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
