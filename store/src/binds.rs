//! The values of a statement, in the order of its columns.
//!
//! SQLite takes the values of rows one after the other. PostgreSQL takes an array for each column,
//! so that a statement is the same text for any number of rows.

use sqlx::{Arguments, postgres::PgArguments, sqlite::SqliteArguments};
use uuid::Uuid;

use domain::time::Timestamp;

use crate::{
    audit::{Canon, Key, Sums, is_sealed},
    link::Dialect,
    sheet::{Op, Sheet},
};

/// One value; also an absent one has a kind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A whole number.
    Int(Option<i64>),
    /// Yes or no.
    Yes(Option<bool>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// An id.
    Id(Option<Uuid>),
}

macro_rules! values {
    ($($type:ty => $kind:ident, $from:expr;)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self { Self::$kind(Some($from(value))) }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self { Self::$kind(value.map($from)) }
        }
    )*};
}
values! {
    i64 => Int, i64::from;
    bool => Yes, bool::from;
    String => Text, String::from;
    &str => Text, str::to_owned;
    Vec<u8> => Bytes, Vec::from;
    Uuid => Id, Uuid::from;
}

/// The values of one column.
#[derive(Debug)]
enum Column {
    /// None yet.
    New,
    Int(Vec<Option<i64>>),
    Yes(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Id(Vec<Option<Uuid>>),
}

impl Column {
    fn add(&mut self, value: Value) -> Result<(), sqlx::error::BoxDynError> {
        match (&mut *self, value) {
            (Self::Int(column), Value::Int(value)) => column.push(value),
            (Self::Yes(column), Value::Yes(value)) => column.push(value),
            (Self::Text(column), Value::Text(value)) => column.push(value),
            (Self::Bytes(column), Value::Bytes(value)) => column.push(value),
            (Self::Id(column), Value::Id(value)) => column.push(value),
            (Self::New, value) => {
                *self = match value {
                    Value::Int(value) => Self::Int(vec![value]),
                    Value::Yes(value) => Self::Yes(vec![value]),
                    Value::Text(value) => Self::Text(vec![value]),
                    Value::Bytes(value) => Self::Bytes(vec![value]),
                    Value::Id(value) => Self::Id(vec![value]),
                };
            }
            (_, value) => return Err(format!("`{value:?}` is of another kind").into()),
        }
        Ok(())
    }

    fn join(self, to: &mut PgArguments) -> Result<(), sqlx::error::BoxDynError> {
        match self {
            Self::New => Err("a column has no values".into()),
            Self::Int(column) => to.add(column),
            Self::Yes(column) => to.add(column),
            Self::Text(column) => to.add(column),
            Self::Bytes(column) => to.add(column),
            Self::Id(column) => to.add(column),
        }
    }
}

/// Values for a statement of one database.
#[derive(Debug)]
pub(crate) enum Bound {
    /// Of SQLite.
    Sqlite(SqliteArguments),
    /// Of PostgreSQL.
    Postgres(PgArguments),
}

/// Seals rows while their values are bound.
#[derive(Debug)]
struct Sealing {
    key: Key,
    row: Canon,
    /// Whether a row is being bound.
    open: bool,
    /// What the rows change of the sums of their tables.
    sums: Sums,
}

/// Values to bind, one after the other. The first that cannot be bound is remembered.
#[derive(Debug)]
pub(crate) struct Binds {
    bound: Bound,
    sealing: Option<Box<Sealing>>,
    /// The columns of the rows that are being bound, for PostgreSQL; none between rows.
    columns: Vec<Column>,
    next: usize,
    trouble: Option<sqlx::error::BoxDynError>,
}

impl Binds {
    /// For a statement of `dialect`.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let bound = match dialect {
            Dialect::Sqlite => Bound::Sqlite(SqliteArguments::default()),
            Dialect::Postgres => Bound::Postgres(PgArguments::default()),
        };
        Self { bound, sealing: None, columns: Vec::new(), next: 0, trouble: None }
    }

    /// Seals rows from here on with `key`.
    pub(crate) fn sealing(mut self, key: &Key) -> Self {
        let (row, sums) = (Canon::default(), Sums::default());
        self.sealing = Some(Box::new(Sealing { key: *key, row, open: false, sums }));
        self
    }

    /// Binds a row of `sheet`, which `op` writes or deletes, and its seal.
    pub(crate) fn row(&mut self, (sheet, op): (&Sheet, Op), bind: impl FnOnce(&mut Self)) {
        match self.sealing.as_mut().filter(|_| is_sealed(sheet)) {
            None => return bind(self),
            Some(sealing) => {
                sealing.row.begin(sheet.name, sheet.keys.len());
                sealing.open = true;
            }
        }
        bind(self);
        let Some(sealing) = &mut self.sealing else { return };
        sealing.open = false;
        sealing.sums.count(&sealing.key, (sheet, op), &sealing.row);
        if op == Op::Put {
            let seal = sealing.key.seal(&sealing.row);
            self.add(seal);
        }
    }

    /// What the bound rows changed of the sums of their tables.
    pub(crate) fn sums(&mut self) -> Sums {
        self.sealing.as_mut().map(|sealing| std::mem::take(&mut sealing.sums)).unwrap_or_default()
    }

    /// With room for `values`.
    pub(crate) fn with_room(dialect: Dialect, values: usize) -> Self {
        let mut binds = Self::new(dialect);
        if let Bound::Sqlite(arguments) = &mut binds.bound {
            arguments.reserve(values, 0);
        }
        binds
    }

    /// From here on the values of rows of `width` columns follow; single ones where it is 0.
    pub(crate) fn rows(&mut self, width: usize) {
        let Bound::Postgres(arguments) = &mut self.bound else { return };
        for column in self.columns.drain(..) {
            if let Err(error) = column.join(arguments) {
                self.trouble.get_or_insert(error);
            }
        }
        self.columns.extend((0..width).map(|_| Column::New));
        self.next = 0;
    }

    /// The next value.
    pub(crate) fn add(&mut self, value: impl Into<Value>) {
        let value = value.into();
        if let Some(sealing) = self.sealing.as_mut().filter(|sealing| sealing.open) {
            sealing.row.value(&value);
        }
        let added = match &mut self.bound {
            Bound::Sqlite(to) => match value {
                Value::Int(value) => to.add(value),
                Value::Yes(value) => to.add(value),
                Value::Text(value) => to.add(value),
                Value::Bytes(value) => to.add(value),
                Value::Id(value) => to.add(value),
            },
            Bound::Postgres(_) if !self.columns.is_empty() => {
                let place = self.next % self.columns.len();
                self.next += 1;
                self.columns.get_mut(place).map_or(Ok(()), |column| column.add(value))
            }
            Bound::Postgres(to) => match value {
                Value::Int(value) => to.add(value),
                Value::Yes(value) => to.add(value),
                Value::Text(value) => to.add(value),
                Value::Bytes(value) => to.add(value),
                Value::Id(value) => to.add(value),
            },
        };
        if let Err(error) = added {
            self.trouble.get_or_insert(error);
        }
    }
    /// Rows that a statement of SQLite skips.
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
        self.maybe_json(Some(value));
    }

    /// A value as JSON text, if there is one.
    pub(crate) fn maybe_json(&mut self, value: Option<&impl serde::Serialize>) {
        match value.map(serde_json::to_string).transpose() {
            Ok(text) => self.add(text),
            Err(error) => {
                self.trouble.get_or_insert(error.into());
            }
        }
    }

    /// The values for a statement.
    pub(crate) fn done(mut self) -> Result<Bound, sqlx::Error> {
        self.rows(0);
        self.trouble.map_or(Ok(self.bound), |error| Err(sqlx::Error::Encode(error)))
    }
}

/// A few values for a statement of `dialect`.
pub(crate) fn bound(
    dialect: Dialect,
    values: impl IntoIterator<Item = Value>,
) -> Result<Bound, sqlx::Error> {
    let mut binds = Binds::new(dialect);
    values.into_iter().for_each(|value| binds.add(value));
    binds.done()
}
