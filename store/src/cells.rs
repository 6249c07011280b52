//! The values of a row, in the order of its columns. Nothing in a file is trusted: a value of the
//! wrong kind is an error that names its table and column.
//!
//! Rows come in two forms: one by one from the driver, or packed, many of them as one JSON text.
//! SQLite's driver copies each value of each row and hands each row from thread to thread; for a
//! million people that takes longer than a start may.

use std::{borrow::Cow, collections::HashSet, fmt::Display, hash::Hash};

use jiff::civil::Date;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use sqlx::{
    Decode, Postgres, Row as _, Sqlite, TypeInfo, ValueRef, error::BoxDynError,
    sqlite::SqliteValueRef,
};
use uuid::Uuid;

use domain::{
    event::Direction,
    ids::{DeviceId, GroupId, TariffId, ZoneId},
    time::Timestamp,
};

use crate::{error::ReadError, link::Row, sheet::Sheet};

/// Names that many rows share, each kept once in memory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    zones: HashSet<ZoneId>,
    tariffs: HashSet<TariffId>,
    groups: HashSet<GroupId>,
    devices: HashSet<DeviceId>,
}

/// A name that is kept once.
pub(crate) trait Shared:
    Clone + Eq + Hash + std::borrow::Borrow<str> + for<'a> From<&'a str>
{
    /// Where names of this kind are kept.
    fn kept(names: &mut Names) -> &mut HashSet<Self>;
}
macro_rules! shared {
    ($($name:ident in $field:ident),*) => {$(
        impl Shared for $name {
            fn kept(names: &mut Names) -> &mut HashSet<Self> { &mut names.$field }
        }
    )*};
}
shared!(ZoneId in zones, TariffId in tariffs, GroupId in groups, DeviceId in devices);

impl Names {
    /// The name, from the kept ones where it is known.
    fn keep<T: Shared>(&mut self, name: &str) -> T {
        let kept = T::kept(self);
        if let Some(known) = kept.get(name) {
            return known.clone();
        }
        let new = T::from(name);
        kept.insert(new.clone());
        new
    }
}

/// One value.
#[derive(Debug)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number, or yes and no as 1 and 0.
    Int(i64),
    /// A text; in packed rows an id as well, in hexadecimal digits, an absent one empty.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(&'a [u8]),
}

/// What a value can be read as; `None` where it is of another kind.
pub(crate) trait FromCell<'a>: Sized {
    /// Reads the value.
    fn from_cell(cell: Cell<'a>) -> Option<Self>;
}
impl FromCell<'_> for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Int(number) = cell { Some(number) } else { None }
    }
}
impl FromCell<'_> for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Int(number @ 0..=1) = cell { Some(number == 1) } else { None }
    }
}
impl<'a> FromCell<'a> for Cow<'a, str> {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text) } else { None }
    }
}
impl FromCell<'_> for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.into_owned()) } else { None }
    }
}
impl<'a> FromCell<'a> for Cow<'a, [u8]> {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        if let Cell::Blob(bytes) = cell { Some(bytes.into()) } else { None }
    }
}
impl FromCell<'_> for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(bytes) = cell { Some(bytes.to_vec()) } else { None }
    }
}
impl FromCell<'_> for Uuid {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Self::from_slice(bytes).ok(),
            Cell::Text(digits) => Self::try_parse(&digits).ok(),
            Cell::Null | Cell::Int(_) => None,
        }
    }
}
impl<'a, T: FromCell<'a>> FromCell<'a> for Option<T> {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        if let Cell::Null = cell { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}

/// Who knows the names of the columns.
#[derive(Debug)]
enum Columns<'a> {
    Row(&'a Row),
    Sheet(&'a Sheet),
    Listed(&'a [&'static str]),
}

/// The values of one row, read one after the other.
#[derive(Debug)]
pub(crate) struct Cells<'a, 'b> {
    values: Vec<Cell<'a>>,
    names: &'b mut Names,
    table: &'static str,
    columns: Columns<'b>,
    next: usize,
}

impl<'a, 'b> Cells<'a, 'b> {
    /// The values of `row`, which the driver gave, of `table`.
    pub(crate) fn of_row(
        table: &'static str,
        row: &'a Row,
        names: &'b mut Names,
    ) -> Result<Self, ReadError>
    where
        'a: 'b,
    {
        let (values, columns) = (Vec::with_capacity(row.len()), Columns::Row(row));
        let mut cells = Self { values, names, table, columns, next: 0 };
        for place in 0..row.len() {
            cells.next = place + 1;
            let value = given(row, place).map_err(|error| cells.wrong(error))?;
            cells.values.push(value);
        }
        cells.next = 0;
        Ok(cells)
    }

    /// Room for the values of rows of `table`, one row after the other.
    pub(crate) const fn listed(
        table: &'static str,
        columns: &'b [&'static str],
        names: &'b mut Names,
    ) -> Self {
        Self { values: Vec::new(), names, table, columns: Columns::Listed(columns), next: 0 }
    }

    /// Goes on to the next row, whose values `fill` adds.
    pub(crate) fn refill(
        &mut self,
        fill: impl FnOnce(&mut Vec<Cell<'a>>) -> Result<(), BoxDynError>,
    ) -> Result<(), ReadError> {
        self.values.clear();
        let filled = fill(&mut self.values);
        self.next = self.values.len() + 1;
        filled.map_err(|error| self.wrong(error))?;
        self.next = 0;
        Ok(())
    }

    /// The next value.
    pub(crate) fn take<T: FromCell<'a>>(&mut self) -> Result<T, ReadError> {
        let place = self.next;
        self.next += 1;
        let value = self.values.get_mut(place).map(|cell| std::mem::replace(cell, Cell::Null));
        value.and_then(T::from_cell).ok_or_else(|| self.wrong("it is of another kind"))
    }

    /// Those that were not taken yet.
    pub(crate) fn values(&self) -> &[Cell<'a>] {
        self.values.get(self.next..).unwrap_or_default()
    }

    /// The error for the value that was read last.
    fn wrong(&self, why: impl Display) -> ReadError {
        let place = self.next.saturating_sub(1);
        let column = match self.columns {
            Columns::Row(row) => row.column(place),
            Columns::Sheet(sheet) => sheet.columns().get(place).map(ToString::to_string),
            Columns::Listed(columns) => columns.get(place).map(ToString::to_string),
        };
        ReadError::Value {
            table: self.table,
            column: column.unwrap_or_default(),
            why: why.to_string(),
        }
    }

    /// An id.
    pub(crate) fn id(&mut self) -> Result<Uuid, ReadError> {
        self.take()
    }
    /// An id, if there is one.
    pub(crate) fn maybe_id(&mut self) -> Result<Option<Uuid>, ReadError> {
        match self.values.get(self.next) {
            Some(Cell::Text(digits)) if digits.is_empty() => {
                self.next += 1;
                Ok(None)
            }
            _ => self.take(),
        }
    }
    /// A text.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.take()
    }
    /// A whole number that fits `T`.
    pub(crate) fn int<T: TryFrom<i64>>(&mut self) -> Result<T, ReadError>
    where
        T::Error: Display,
    {
        let number: i64 = self.take()?;
        T::try_from(number).map_err(|error| self.wrong(error))
    }
    /// A whole number that fits `T`, if there is one.
    pub(crate) fn maybe_int<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, ReadError>
    where
        T::Error: Display,
    {
        let number: Option<i64> = self.take()?;
        number.map(T::try_from).transpose().map_err(|error| self.wrong(error))
    }
    /// 64 bits without a sign, kept as the same bits with one.
    pub(crate) fn bits(&mut self) -> Result<u64, ReadError> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }
    /// An instant.
    pub(crate) fn at(&mut self) -> Result<Timestamp, ReadError> {
        Ok(Timestamp::from_micros(self.take()?))
    }
    /// An instant, if there is one.
    pub(crate) fn maybe_at(&mut self) -> Result<Option<Timestamp>, ReadError> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_micros))
    }
    /// A date of the calendar.
    pub(crate) fn date(&mut self) -> Result<Date, ReadError> {
        self.text()?.parse().map_err(|error| self.wrong(error))
    }
    /// A date of the calendar, if there is one.
    pub(crate) fn maybe_date(&mut self) -> Result<Option<Date>, ReadError> {
        let text: Option<Cow<'_, str>> = self.take()?;
        text.map(|text| text.parse()).transpose().map_err(|error| self.wrong(error))
    }
    /// A name that many rows share.
    pub(crate) fn name<T: Shared>(&mut self) -> Result<T, ReadError> {
        let text = self.text()?;
        Ok(self.names.keep(&text))
    }
    /// A name that many rows share, if there is one.
    pub(crate) fn maybe_name<T: Shared>(&mut self) -> Result<Option<T>, ReadError> {
        let text: Option<Cow<'_, str>> = self.take()?;
        Ok(text.map(|text| self.names.keep(&text)))
    }
    /// A JSON array of names that many rows share.
    pub(crate) fn name_list<T: Shared>(&mut self) -> Result<Box<[T]>, ReadError> {
        let text = self.text()?;
        if text == "[]" {
            return Ok(Box::default());
        }
        let list: Vec<String> = serde_json::from_str(&text).map_err(|error| self.wrong(error))?;
        Ok(list.iter().map(|name| self.names.keep(name)).collect())
    }
    /// A word of a closed list.
    pub(crate) fn word<T>(&mut self, of: impl Fn(&str) -> Option<T>) -> Result<T, ReadError> {
        let text = self.text()?;
        of(&text).ok_or_else(|| self.wrong(format!("`{text}` is not a word that stands here")))
    }
    /// A word of a closed list, if there is one.
    pub(crate) fn maybe_word<T>(
        &mut self,
        of: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        if let Some(Cell::Null) = self.values.get(self.next) {
            return self.take::<Option<i64>>().map(|_| None);
        }
        self.word(of).map(Some)
    }
    /// A value kept as JSON, if there is one.
    pub(crate) fn maybe_json<T: serde::de::DeserializeOwned>(
        &mut self,
    ) -> Result<Option<T>, ReadError> {
        let text: Option<Cow<'a, str>> = self.take()?;
        let read = |text: Cow<'_, str>| serde_json::from_str(&text);
        text.map(read).transpose().map_err(|error| self.wrong(error))
    }
    /// A value kept as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ReadError> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|error| self.wrong(error))
    }
}

/// A value as the driver gives it.
pub(crate) fn given(row: &Row, place: usize) -> Result<Cell<'_>, BoxDynError> {
    match row {
        Row::Sqlite(row) => {
            let value = row.try_get_raw(place)?;
            if value.is_null() {
                return Ok(Cell::Null);
            }
            // Told apart first: decoding takes the value, and its name with it.
            let decode: fn(SqliteValueRef<'_>) -> Result<Cell<'_>, BoxDynError> =
                match value.type_info().name() {
                    "INTEGER" => |value| Ok(Cell::Int(<i64 as Decode<Sqlite>>::decode(value)?)),
                    "TEXT" => |value| {
                        Ok(Cell::Text(Cow::Borrowed(<&str as Decode<Sqlite>>::decode(value)?)))
                    },
                    "BLOB" => |value| Ok(Cell::Blob(<&[u8] as Decode<Sqlite>>::decode(value)?)),
                    kind => return Err(unknown(kind)),
                };
            decode(value)
        }
        Row::Postgres(row) => {
            let value = row.try_get_raw(place)?;
            if value.is_null() {
                return Ok(Cell::Null);
            }
            let kind = value.type_info().into_owned();
            Ok(match kind.name() {
                "INT8" => Cell::Int(<i64 as Decode<Postgres>>::decode(value)?),
                "BOOL" => Cell::Int(<bool as Decode<Postgres>>::decode(value)?.into()),
                "TEXT" => Cell::Text(Cow::Borrowed(value.as_str()?)),
                "BYTEA" | "UUID" => Cell::Blob(value.as_bytes()?),
                kind => return Err(unknown(kind)),
            })
        }
    }
}

fn unknown(kind: &str) -> BoxDynError {
    format!("`{kind}` is no kind of value that stands anywhere").into()
}

/// Reads packed rows: calls `each` with the values of one after the other.
pub(crate) fn unpack<'a, 'b>(
    sheet: &'b Sheet,
    packed: &'a str,
    names: &'b mut Names,
    mut each: impl FnMut(&mut Cells<'a, '_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let columns = Columns::Sheet(sheet);
    let mut cells = Cells { values: Vec::new(), names, table: sheet.name, columns, next: 0 };
    let mut failed = None;
    let step =
        |cells: &mut Cells<'a, '_>| each(cells).map_err(|error| failed = Some(error)).is_ok();
    let read = serde_json::Deserializer::from_str(packed)
        .deserialize_seq(Rows { cells: &mut cells, each: step });
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(cells.wrong(error)),
        (None, Ok(())) => Ok(()),
    }
}

/// An array of rows.
struct Rows<'a, 'b, 'c, F> {
    cells: &'c mut Cells<'a, 'b>,
    each: F,
}
impl<'a, 'b, F: FnMut(&mut Cells<'a, 'b>) -> bool> Visitor<'a> for Rows<'a, 'b, '_, F> {
    type Value = ();
    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("rows")
    }
    fn visit_seq<A: SeqAccess<'a>>(mut self, mut rows: A) -> Result<(), A::Error> {
        loop {
            self.cells.values.clear();
            self.cells.next = 0;
            if rows.next_element_seed(OneRow(&mut self.cells.values))?.is_none() {
                return Ok(());
            }
            if !(self.each)(self.cells) {
                return Err(A::Error::custom("a row is wrong"));
            }
        }
    }
}

/// An array of values, put where the last row's were.
struct OneRow<'a, 'c>(&'c mut Vec<Cell<'a>>);
impl<'a> DeserializeSeed<'a> for OneRow<'a, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}
impl<'a> Visitor<'a> for OneRow<'a, '_> {
    type Value = ();
    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a row")
    }
    fn visit_seq<A: SeqAccess<'a>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element_seed(OneValue)? {
            self.0.push(value);
        }
        Ok(())
    }
}

/// One value of a packed row.
struct OneValue;
impl<'a> DeserializeSeed<'a> for OneValue {
    type Value = Cell<'a>;
    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Cell<'a>, D::Error> {
        from.deserialize_any(self)
    }
}
impl<'a> Visitor<'a> for OneValue {
    type Value = Cell<'a>;
    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a whole number, a text or nothing")
    }
    fn visit_unit<E>(self) -> Result<Cell<'a>, E> {
        Ok(Cell::Null)
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell<'a>, E> {
        Ok(Cell::Int(number))
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Cell<'a>, E> {
        i64::try_from(number).map(Cell::Int).map_err(E::custom)
    }
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Cell<'a>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell<'a>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
}

/// The direction of this word.
pub(crate) fn direction(word: &str) -> Option<Direction> {
    [Direction::Entry, Direction::Exit].into_iter().find(|direction| direction.name() == word)
}
