//! The values of a statement, in the order of its columns.

use sqlx::{Arguments, Encode, Sqlite, Type, sqlite::SqliteArguments};
use uuid::Uuid;

use domain::time::Timestamp;

/// Values to bind, one after the other. The first that cannot be bound is remembered.
#[derive(Debug, Default)]
pub(crate) struct Binds {
    arguments: SqliteArguments,
    trouble: Option<sqlx::error::BoxDynError>,
}

impl Binds {
    /// With room for `values`.
    pub(crate) fn with_room(values: usize) -> Self {
        let mut binds = Self::default();
        binds.arguments.reserve(values, 0);
        binds
    }

    /// The next value.
    pub(crate) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        if let Err(error) = self.arguments.add(value) {
            self.trouble.get_or_insert(error);
        }
    }
    /// Values that a statement skips, or that are absent.
    pub(crate) fn nulls(&mut self, count: usize) {
        for _ in 0..count {
            self.add(None::<i64>);
        }
    }
    /// An id.
    pub(crate) fn id(&mut self, id: Uuid) {
        self.add(id);
    }
    /// A text.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.add(text.into());
    }
    /// A whole number.
    pub(crate) fn int(&mut self, number: impl Into<i64>) {
        self.add(number.into());
    }
    /// 64 bits without a sign, as the same bits with one.
    pub(crate) fn bits(&mut self, bits: u64) {
        self.add(bits.cast_signed());
    }
    /// An instant.
    pub(crate) fn at(&mut self, at: Timestamp) {
        self.add(at.micros());
    }
    /// An instant, if there is one.
    pub(crate) fn maybe_at(&mut self, at: Option<Timestamp>) {
        self.add(at.map(Timestamp::micros));
    }

    /// A value as JSON text.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.text(text),
            Err(error) => {
                self.trouble.get_or_insert(error.into());
            }
        }
    }

    /// A value as JSON text, if there is one.
    pub(crate) fn maybe_json(&mut self, value: Option<&impl serde::Serialize>) {
        match value {
            Some(value) => self.json(value),
            None => self.nulls(1),
        }
    }

    /// The values for a statement.
    pub(crate) fn done(self) -> Result<SqliteArguments, sqlx::Error> {
        self.trouble.map_or(Ok(self.arguments), |error| Err(sqlx::Error::Encode(error)))
    }
}
