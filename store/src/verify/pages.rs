//! Many rows as one value, for walks along whole tables.
//!
//! The driver of SQLite copies each value of each row, and hands each row from thread to thread:
//! for a million lines of the journal that takes longer than reading and hashing them. So SQLite
//! joins the rows of a page itself, and the next page is read while this one is looked at.
//!
//! A row begins with whether each value is of the kind of its column, since these tables take
//! values of any kind. A number is written as digits and ends in `;`, a text or bytes have their
//! length and `:` before them; where there is no value, there are no digits.

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::error::BoxDynError;

use super::VerifyError;
use crate::{
    cells::{Cell, Cells, Names},
    error::ReadError,
    link::Link,
};

/// The most rows of a page that may become many, by a join.
pub(super) const ROWS: usize = 256;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// A column of a packed row.
#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    kind: Kind,
    may_be_null: bool,
}

/// A query whose rows come packed.
#[derive(Debug)]
pub(super) struct Packed {
    /// The table that errors name.
    table: &'static str,
    /// The columns of its own rows, and those of the rows that are joined to them.
    columns: [Vec<Column>; 2],
    names: Vec<&'static str>,
    /// The rows of a page: of a daemon, from a place in its chain on; and the last of their places.
    pub(super) page: &'static str,
    /// The first daemon from a number on.
    pub(super) daemon: &'static str,
}

/// A column that is given with its kind before it: `i` of a number, `t` of a text, `b` of bytes,
/// and `?` behind that where it may be empty.
fn column(given: &'static str) -> Column {
    let (kind, name) = given.split_once(' ').unwrap_or(("b", given));
    let may_be_null = kind.ends_with('?');
    let kind = match kind.trim_end_matches('?') {
        "i" => Kind::Int,
        "t" => Kind::Text,
        _ => Kind::Bytes,
    };
    Column { name, kind, may_be_null }
}

impl Packed {
    /// These columns (as [`column`] takes them) of the rows that `from` names, `$1` being a daemon
    /// and `$2` a place in the chain that `table` is, there called `short`. The second columns are
    /// those of a row that may be joined to the first: its own first column is empty where it is
    /// not.
    pub(super) fn new(
        (table, short): (&'static str, &str),
        columns: [&'static str; 2],
        from: &str,
    ) -> Self {
        let columns = columns.map(|given| given.split(", ").map(column).collect::<Vec<_>>());
        let [own, joined] = &columns;
        let (alone, both) = (right(own.iter()), right(own.iter().chain(joined)));
        let (own, joined_forms) = (forms(own), forms(joined));
        let first = joined.first().map_or("NULL", |column| column.name);
        let page = format!(
            "SELECT CAST(max(seq) AS INTEGER), CAST(group_concat(line, '') AS BLOB)
                FROM (SELECT {short}.seq AS seq, CASE WHEN {first} IS NULL
                    THEN concat({alone}, ';', {own}, ';')
                    ELSE concat({both}, ';', {own}, '1;', {joined_forms}) END AS line {from})"
        );
        let daemon = format!("SELECT min(daemon) FROM {table} WHERE daemon >= $1");
        let mut names = vec!["any"];
        for group in &columns {
            names.extend(group.iter().map(|column| column.name));
        }
        Self { table, names, columns, page: String::leak(page), daemon: String::leak(daemon) }
    }

    /// Reads a row of a page, and leaves what is behind it.
    fn row<'a>(&self, from: &mut &'a [u8], to: &mut Vec<Cell<'a>>) -> Result<(), BoxDynError> {
        let [own, joined] = &self.columns;
        to.push(value(from, Kind::Int)?);
        for column in own {
            to.push(value(from, column.kind)?);
        }
        if let Cell::Null = value(from, Kind::Int)? {
            to.extend(joined.iter().map(|_| Cell::Null));
            return Ok(());
        }
        for column in joined {
            to.push(value(from, column.kind)?);
        }
        Ok(())
    }
}

fn forms(columns: &[Column]) -> String {
    let form = |Column { name, kind, .. }: &Column| match kind {
        Kind::Int => format!("{name}, ';'"),
        Kind::Text | Kind::Bytes => format!("octet_length({name}), ':', {name}"),
    };
    columns.iter().map(form).collect::<Vec<_>>().join(", ")
}

/// Whether each value is of the kind of its column: numbers come before texts, texts before bytes.
/// Nothing where one is empty that must not be.
fn right<'a>(columns: impl Iterator<Item = &'a Column> + Clone) -> String {
    let all = |of: Kind, empty: &str| {
        let given = |Column { name, may_be_null, .. }: &Column| match may_be_null {
            true => format!("coalesce({name}, {empty})"),
            false => (*name).to_owned(),
        };
        let of = columns.clone().filter(|column| column.kind == of);
        of.map(given).collect::<Vec<_>>().join(", ")
    };
    let (ints, texts) = (all(Kind::Int, "0"), all(Kind::Text, "''"));
    let bytes = all(Kind::Bytes, "x''");
    format!(
        "(max({ints}) < '' AND min({texts}) >= '' AND max({texts}) < x'' AND min({bytes}) >= x'')"
    )
}

fn value<'a>(from: &mut &'a [u8], kind: Kind) -> Result<Cell<'a>, BoxDynError> {
    let end = from.iter().position(|byte| matches!(byte, b';' | b':')).ok_or("it is cut off")?;
    let (digits, rest) = from.split_at_checked(end).ok_or("it is cut off")?;
    let rest = rest.get(1..).unwrap_or_default();
    *from = rest;
    if digits.is_empty() {
        return Ok(Cell::Null);
    }
    let number: i64 = std::str::from_utf8(digits)?.parse().map_err(|_| "it is no whole number")?;
    if kind == Kind::Int {
        return Ok(Cell::Int(number));
    }
    let (value, rest) = rest.split_at_checked(usize::try_from(number)?).ok_or("it is cut off")?;
    *from = rest;
    match kind {
        Kind::Text => Ok(Cell::Text(std::str::from_utf8(value)?.into())),
        _ => Ok(Cell::Blob(value)),
    }
}

/// Calls `f` with each row, daemon by daemon in the order of its chain.
pub(super) fn each<'a>(
    view: &'a mut Link,
    packed: &'a Packed,
    f: &'a mut (dyn FnMut(&mut Cells<'_, '_>) -> Result<(), VerifyError> + Send),
) -> BoxFuture<'a, Result<(), VerifyError>> {
    walk(view, packed, f).boxed()
}

async fn walk(
    view: &mut Link,
    packed: &Packed,
    f: &mut (dyn FnMut(&mut Cells<'_, '_>) -> Result<(), VerifyError> + Send),
) -> Result<(), VerifyError> {
    let failed = ReadError::of(packed.table);
    let mut from = Some(i64::MIN);
    while let Some(least) = from {
        let daemon: Option<i64> =
            view.value(packed.daemon, [least.into()]).await.map_err(&failed)?;
        let Some(daemon) = daemon else { break };
        let mut page = fetch(view, packed, (daemon, Some(i64::MIN))).await?;
        while let Some((last, rows)) = page {
            let next = fetch(view, packed, (daemon, last.checked_add(1)));
            // The first is asked for before the second begins, and comes while that is at work.
            let read = async { unpack(packed, &rows, f) };
            let (next, read) = futures_util::future::join(next, read).await;
            read?;
            page = next?;
        }
        from = daemon.checked_add(1);
    }
    Ok(())
}

/// A page: its last place, and its rows.
type Page = (i64, Vec<u8>);

/// The page of a daemon from a place on; nothing where there is no such place.
async fn fetch(
    view: &mut Link,
    packed: &Packed,
    (daemon, place): (i64, Option<i64>),
) -> Result<Option<Page>, ReadError> {
    let failed = ReadError::of(packed.table);
    let Some(place) = place else { return Ok(None) };
    let row = view.row(packed.page, [daemon.into(), place.into()]).await.map_err(&failed)?;
    let row = row.ok_or(sqlx::Error::RowNotFound).map_err(&failed)?;
    let mut names = Names::default();
    let mut cells = Cells::of_row(packed.table, &row, &mut names)?;
    let last: Option<i64> = cells.take()?;
    last.map(|last| Ok((last, cells.take()?))).transpose()
}

fn unpack(
    packed: &Packed,
    rows: &[u8],
    f: &mut (dyn FnMut(&mut Cells<'_, '_>) -> Result<(), VerifyError> + Send),
) -> Result<(), VerifyError> {
    let mut names = Names::default();
    let mut cells = Cells::listed(packed.table, &packed.names, &mut names);
    let mut rest = rows;
    while !rest.is_empty() {
        cells.refill(|values| packed.row(&mut rest, values))?;
        f(&mut cells)?;
    }
    Ok(())
}
