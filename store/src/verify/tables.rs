//! The rows of one table: which were changed, added, taken away, or replaced by older ones.

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};

use super::{Finding, Progress};
use crate::{
    audit::{self, Canon, Key, KeyName, Sum},
    binds::bound,
    cells::{Cell, given},
    error::ReadError,
    link::{Link, Row},
    sheet::{Op, Sheet, statement},
};

/// What is wrong with a row that has not the seal that belongs to it.
pub(super) const NOT_WRITTEN: &str = "it is not what Kari wrote";
const ADDED: &str = "it was added: Kari never wrote it";
const CHANGED: &str = "it was changed: it is not what Kari wrote";
const MISSING: &str = "it is missing";
const BACK: &str = "it was deleted, and stands here again";
const OLDER: &str = "it is an older version of itself";
/// The most rows that are named one by one.
const NAMED_MAX: usize = 1000;
/// The most rows without their seal among which those that were only changed are told apart from
/// added ones.
const SORTED_MAX: usize = 10;
/// How far back an older version of a row is looked for, and how high the version of a missing one.
const VERSIONS_BACK: i64 = 64;
const VERSION_MAX: i64 = 1 << 16;

/// A row that has not its seal, and what stands for it in the sum.
struct Wrong {
    name: KeyName,
    share: u128,
}

/// Looks at the rows of a table, whose sum must be `expected` where that is known: how many there
/// are, and what is wrong with them.
pub(super) fn table<'a>(
    view: &'a mut Link,
    of: (&'a Key, &'a Sheet),
    expected: Option<Sum>,
    progress: &'a Progress,
) -> BoxFuture<'a, Result<(u64, Vec<Finding>), ReadError>> {
    look(view, of, expected, progress).boxed()
}

async fn look(
    view: &mut Link,
    (key, sheet): (&Key, &Sheet),
    expected: Option<Sum>,
    progress: &Progress,
) -> Result<(u64, Vec<Finding>), ReadError> {
    let (mut found, mut wrong) = (Sum::default(), Vec::new());
    let mut row = Canon::default();
    each(view, sheet, &mut |cells| {
        progress.step();
        let sealed = take(sheet, cells, &mut row);
        let (share, name) = (key.share(&row, audit::version(sheet, &row)), row.name());
        found.add(share, &name);
        if sealed.as_deref() != Some(key.seal(&row).as_slice()) {
            wrong.push(Wrong { name, share });
        }
    })
    .await?;
    let (rows, known) = (found.rows.cast_unsigned(), expected.is_some());
    let expected = expected.unwrap_or(found);
    if wrong.is_empty() && found == expected {
        return Ok((rows, Vec::new()));
    }
    let mut sorted = Sorted { key, sheet, findings: Vec::new() };
    let without = wrong.iter().fold(found, |mut sum, one| {
        sum.take(one.share, &one.name);
        sum
    });
    sorted.sort(&wrong, without, expected.less(&without));
    if sorted.findings.is_empty() && known {
        let gap = expected.less(&found).sum;
        let older = older(view, (key, sheet), gap).await?;
        match older {
            Some(name) => sorted.say(Some(&name), OLDER),
            None => sorted.say(None, "rows are older versions of themselves"),
        }
    }
    Ok((rows, sorted.findings))
}

/// Calls `f` with each row of a table.
async fn each(
    view: &mut Link,
    sheet: &Sheet,
    f: &mut (dyn FnMut(&Row) + Send),
) -> Result<(), ReadError> {
    let (failed, dialect) = (ReadError::of(sheet.name), view.dialect());
    let none = bound(dialect, []).map_err(&failed)?;
    let mut rows = view.stream(statement(dialect, sheet, Op::All, 0), none);
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        f(&row);
    }
    Ok(())
}

/// Takes the values of a row; what its seal is.
fn take(sheet: &Sheet, cells: &Row, row: &mut Canon) -> Option<Vec<u8>> {
    row.begin(sheet.name, sheet.keys.len());
    let last = cells.len().saturating_sub(1);
    for place in 0..last {
        match given(cells, place) {
            Ok(cell) => row.cell(&cell),
            // A kind of value that stands nowhere has no seal.
            Err(why) => row.text(&why.to_string()),
        }
    }
    match given(cells, last) {
        Ok(Cell::Blob(seal)) => Some(seal.to_vec()),
        _ => None,
    }
}

/// The row that is an older version of itself by `gap`, if it is one.
async fn older(
    view: &mut Link,
    (key, sheet): (&Key, &Sheet),
    gap: u128,
) -> Result<Option<KeyName>, ReadError> {
    let (mut row, mut found) = (Canon::default(), None);
    each(view, sheet, &mut |cells| {
        if found.is_some() {
            return;
        }
        take(sheet, cells, &mut row);
        let version = audit::version(sheet, &row);
        let wanted = key.share(&row, version).wrapping_add(gap);
        let newer = version.saturating_add(1)..=version.saturating_add(VERSIONS_BACK);
        found = newer.into_iter().find(|next| key.share(&row, *next) == wanted).map(|_| row.name());
    })
    .await?;
    Ok(found)
}

/// What is found of one table.
struct Sorted<'a> {
    key: &'a Key,
    sheet: &'a Sheet,
    findings: Vec<Finding>,
}

impl Sorted<'_> {
    fn say(&mut self, row: Option<&KeyName>, why: &str) {
        if self.findings.len() <= NAMED_MAX {
            let (table, row) = (self.sheet.name.to_owned(), row.map(ToString::to_string));
            self.findings.push(Finding { table, row, why: why.to_owned() });
        }
    }

    /// `wrong` are the rows without their seal, `good` the others, `gap` what these lack.
    fn sort(&mut self, wrong: &[Wrong], good: Sum, gap: Sum) {
        if wrong.is_empty() {
            return self.missing(good, gap);
        }
        let sets = if wrong.len() <= SORTED_MAX { 1_u32 << wrong.len() } else { 0 };
        // Changed rows have the key and the version that was written; the rest was added.
        for changed in (0..sets).rev() {
            let is_changed = |place: usize| changed >> place & 1 == 1;
            let rest = (0..).zip(wrong).filter(|(place, _)| is_changed(*place)).fold(
                gap,
                |mut rest, (_, one)| {
                    rest.take(one.share, &one.name);
                    rest
                },
            );
            let gone = rest.rows == 1 && self.is_row(&rest);
            if rest != Sum::default() && !gone {
                continue;
            }
            for (place, one) in (0..).zip(wrong) {
                let version_too = gone && one.name == rest.names;
                let why = if is_changed(place) || version_too { CHANGED } else { ADDED };
                self.say(Some(&one.name), why);
            }
            if gone && wrong.iter().all(|one| one.name != rest.names) {
                self.say(Some(&rest.names), MISSING);
            }
            return;
        }
        wrong.iter().for_each(|one| self.say(Some(&one.name), NOT_WRITTEN));
        let (rows, here) = (gap.rows, wrong.len());
        if usize::try_from(rows).ok() != Some(here) {
            let why = format!(
                "{here} rows are not what Kari wrote, and {rows} rows that it wrote are not here"
            );
            self.say(None, &why);
        }
    }

    /// No row is without its seal, and yet the sum is another one.
    fn missing(&mut self, good: Sum, gap: Sum) {
        match gap.rows {
            1 => self.say(Some(&gap.names), MISSING),
            -1 => self.say(Some(&gap.names), BACK),
            0 if gap.names == KeyName::default() => {}
            0 => self.say(None, "rows are missing, and others that were deleted stand here again"),
            rows if rows > 0 && good.rows == 0 => {
                self.say(None, &format!("it was emptied: all {rows} rows are missing"));
            }
            rows if rows > 0 => self.say(None, &format!("{rows} rows are missing")),
            rows => self.say(None, &format!("{} rows that were deleted are back", -rows)),
        }
    }

    /// Whether this is what one row leaves, of whatever version.
    fn is_row(&self, one: &Sum) -> bool {
        let Some(row) = one.names.row(self.sheet.name) else { return true };
        (1..=VERSION_MAX).any(|version| self.key.share(&row, version) == one.sum)
    }
}
