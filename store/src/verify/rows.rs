//! Every row that the chains do not hold: its seal, and the sums of the tables.

use futures_util::{FutureExt, future::BoxFuture};

use super::{Finding, Progress, VerifiedRows, VerifyError, schema, tables, words};
use crate::{
    audit::{self, EACH, End, Key, Sums},
    cells::{Cells, Names},
    error::ReadError,
    link::Link,
    reader::Reader,
};

pub(super) const DAEMONS: &str = "SELECT id, epoch, seal FROM daemon ORDER BY id";
pub(super) const NEWS: &str = "SELECT count(*) FROM news WHERE (SELECT count(*) FROM daemon) < 2";

/// Looks at every row that the chains do not hold.
///
/// # Errors
/// [`VerifyError::Rows`] names each row that is not what was written, as far as can be known.
pub async fn rows(reader: &Reader) -> Result<VerifiedRows, VerifyError> {
    rows_with(reader, &Progress::default()).await
}

pub(super) fn rows_with<'a>(
    reader: &'a Reader,
    progress: &'a Progress,
) -> BoxFuture<'a, Result<VerifiedRows, VerifyError>> {
    look(reader, progress).boxed()
}

async fn look(reader: &Reader, progress: &Progress) -> Result<VerifiedRows, VerifyError> {
    let failed = ReadError::of("the tables");
    let key = Key::read(&reader.place, &reader.pool).await?;
    // One view of all of it, however long it takes and whatever is committed meanwhile.
    let mut view = reader.pool.view().await.map_err(&failed)?;
    let mut found = schema::objects(&mut view).await?;
    let sums = ends(&mut view, &key, &mut found).await?;
    let mut verified = VerifiedRows::default();
    for sheet in audit::sealed() {
        let expected = sums.as_ref().map(|sums| sums.of(sheet.name));
        let rows = tables::table(&mut view, (&key, sheet), expected, progress);
        let (rows, wrong) = rows.await?;
        verified.rows += rows;
        verified.tables += 1;
        found.extend(wrong);
    }
    if sums.is_none() && verified.rows > 0 {
        let why =
            "the row of the last batch is missing or damaged: what else is missing cannot be \
                   known"
                .to_owned();
        found.push(Finding { table: "batch".to_owned(), row: None, why });
    }
    found.extend(words::words(&mut view, &key, progress).await?);
    found.extend(words::unknown(&found));
    match found.is_empty() {
        true => Ok(verified),
        false => Err(VerifyError::Rows(found)),
    }
}

/// The rows of daemons and of their last batches; the sums that the last of all left, if they are
/// there.
async fn ends(
    view: &mut Link,
    key: &Key,
    found: &mut Vec<Finding>,
) -> Result<Option<Sums>, ReadError> {
    let failed = ReadError::of("the last batches");
    let mut say = |table: &str, row: i64, why: &str| {
        let (table, row) = (table.to_owned(), Some(row.to_string()));
        found.push(Finding { table, row, why: why.to_owned() });
    };
    let (mut latest, mut damaged): (Option<End>, Vec<Finding>) = (None, Vec::new());
    let mut batches = Vec::new();
    for row in view.rows(EACH, []).await.map_err(&failed)? {
        let (end, seal) = match End::read(&row) {
            Ok(read) => read,
            Err(why) => {
                let (table, row) = ("batch".to_owned(), None);
                damaged.push(Finding { table, row, why: why.to_string() });
                continue;
            }
        };
        if seal != end.seal(key) {
            say("batch", end.daemon, tables::NOT_WRITTEN);
        }
        batches.push((end.daemon, end.epoch));
        if latest.as_ref().is_none_or(|latest| latest.turn < end.turn) {
            latest = Some(end);
        }
    }
    let (mut names, mut daemons) = (Names::default(), Vec::new());
    for row in view.rows(DAEMONS, []).await.map_err(&failed)? {
        let mut cells = Cells::of_row("daemon", &row, &mut names)?;
        let (id, epoch, seal): (i64, i64, Vec<u8>) = (cells.take()?, cells.take()?, cells.take()?);
        if seal != audit::daemon_seal(key, id, epoch) {
            say("daemon", id, tables::NOT_WRITTEN);
        }
        daemons.push((id, epoch));
    }
    for (daemon, epoch) in batches {
        match daemons.iter().find(|(id, _)| *id == daemon) {
            None => say("daemon", daemon, "it is missing"),
            Some((_, last)) if *last < epoch => say("daemon", daemon, "its epoch is an older one"),
            Some(_) => {}
        }
    }
    let news: i64 = view.value(NEWS, []).await.map_err(&failed)?;
    if news > 0 {
        let why = "there is one daemon, and it leaves no news for others".to_owned();
        found.push(Finding { table: "news".to_owned(), row: None, why });
    }
    found.extend(damaged);
    Ok(latest.and_then(|end| Sums::decode(&end.sums)))
}
