//! The values of a row, in the order of its columns. Nothing in a file is trusted: a value of the
//! wrong kind is an error that names its table and column.

use std::{borrow::Borrow, collections::HashSet, fmt::Display, hash::Hash};

use jiff::civil::Date;
use sqlx::{Column, Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

use domain::{
    event::Direction,
    ids::{DeviceId, GroupId, TariffId, ZoneId},
    time::Timestamp,
};

use crate::error::ReadError;

/// Names that many rows share, each kept once in memory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    zones: HashSet<ZoneId>,
    tariffs: HashSet<TariffId>,
    groups: HashSet<GroupId>,
    devices: HashSet<DeviceId>,
}

/// A name that is kept once.
pub(crate) trait Shared: Clone + Eq + Hash + Borrow<str> + for<'a> From<&'a str> {
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

/// The values of one row, read one after the other.
#[derive(Debug)]
pub(crate) struct Cells<'a> {
    row: &'a SqliteRow,
    names: &'a mut Names,
    table: &'static str,
    next: usize,
}

impl<'a> Cells<'a> {
    /// The values of `row` of `table`.
    pub(crate) const fn new(table: &'static str, row: &'a SqliteRow, names: &'a mut Names) -> Self {
        Self { row, names, table, next: 0 }
    }

    /// The next value.
    pub(crate) fn take<T: Decode<'a, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, ReadError> {
        let place = self.next;
        self.next += 1;
        self.row.try_get(place).map_err(|error| self.wrong(error))
    }

    /// The error for the value that was read last.
    fn wrong(&self, why: impl Display) -> ReadError {
        let column = self.row.try_column(self.next.saturating_sub(1));
        ReadError::Value {
            table: self.table,
            column: column.map_or_else(|_| "?".to_owned(), |column| column.name().to_owned()),
            why: why.to_string(),
        }
    }

    /// An id.
    pub(crate) fn id(&mut self) -> Result<Uuid, ReadError> {
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
        let text: &str = self.take()?;
        text.parse().map_err(|error| self.wrong(error))
    }
    /// A date of the calendar, if there is one.
    pub(crate) fn maybe_date(&mut self) -> Result<Option<Date>, ReadError> {
        let text: Option<&str> = self.take()?;
        text.map(str::parse).transpose().map_err(|error| self.wrong(error))
    }
    /// A name that many rows share.
    pub(crate) fn name<T: Shared>(&mut self) -> Result<T, ReadError> {
        let text: &str = self.take()?;
        Ok(self.names.keep(text))
    }
    /// A name that many rows share, if there is one.
    pub(crate) fn maybe_name<T: Shared>(&mut self) -> Result<Option<T>, ReadError> {
        let text: Option<&str> = self.take()?;
        Ok(text.map(|text| self.names.keep(text)))
    }
    /// A JSON array of names that many rows share.
    pub(crate) fn name_list<T: Shared>(&mut self) -> Result<Box<[T]>, ReadError> {
        let text: &str = self.take()?;
        if text == "[]" {
            return Ok(Box::default());
        }
        let list: Vec<String> = serde_json::from_str(text).map_err(|error| self.wrong(error))?;
        Ok(list.iter().map(|name| self.names.keep(name)).collect())
    }
    /// A word of a closed list.
    pub(crate) fn word<T>(&mut self, of: impl Fn(&str) -> Option<T>) -> Result<T, ReadError> {
        let text: &str = self.take()?;
        of(text).ok_or_else(|| self.wrong(format!("`{text}` is not a word that stands here")))
    }
    /// A word of a closed list, if there is one.
    pub(crate) fn maybe_word<T>(
        &mut self,
        of: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        match self.take::<Option<&str>>()? {
            None => Ok(None),
            Some(text) => of(text)
                .map(Some)
                .ok_or_else(|| self.wrong(format!("`{text}` is not a word that stands here"))),
        }
    }
    /// A value kept as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ReadError> {
        let text: &str = self.take()?;
        serde_json::from_str(text).map_err(|error| self.wrong(error))
    }
}

/// The direction of this word.
pub(crate) fn direction(word: &str) -> Option<Direction> {
    [Direction::Entry, Direction::Exit].into_iter().find(|direction| direction.name() == word)
}
