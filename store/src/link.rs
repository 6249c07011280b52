//! A connection to either database, with one set of methods: texts are the same, values and rows
//! are our own kinds. Futures that leave this crate, and those of the driver within it, are boxed:
//! else each crate above would compile the driver anew.

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Column, Connection, PgConnection, PgPool, Row as _, SqliteConnection, SqlitePool,
    postgres::PgRow, sqlite::SqliteRow,
};

use crate::{
    binds::{Bound, Value, bound},
    cells::{Cells, FromCell, Names},
    faults,
};

/// Which database it is: where texts differ, this decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// A row of either database.
#[derive(Debug)]
pub(crate) enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        }
    }

    /// The name of a column.
    pub(crate) fn column(&self, place: usize) -> Option<String> {
        match self {
            Self::Sqlite(row) => row.try_column(place).ok().map(|column| column.name().to_owned()),
            Self::Postgres(row) => {
                row.try_column(place).ok().map(|column| column.name().to_owned())
            }
        }
    }
}

/// The writer's connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// To SQLite.
    Sqlite(SqliteConnection),
    /// To PostgreSQL.
    Postgres(PgConnection),
}

/// The connections of readers.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// To SQLite.
    Sqlite(SqlitePool),
    /// To PostgreSQL.
    Postgres(PgPool),
}

/// Values of the other database, which only a mistake of ours makes.
fn mixed() -> sqlx::Error {
    sqlx::Error::Encode("the values were bound for the other database".into())
}

/// The first value of a row that there must be.
pub(crate) fn first<T: for<'a> FromCell<'a>>(row: Option<Row>) -> Result<T, sqlx::Error> {
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    let mut names = Names::default();
    let value = Cells::of_row("", &row, &mut names).and_then(|mut cells| cells.take());
    value.map_err(|error| sqlx::Error::Decode(error.into()))
}

macro_rules! asks {
    ($self:expr, $text:expr, $bound:expr, $method:ident) => {
        match ($self, $bound) {
            (Self::Sqlite(to), Bound::Sqlite(values)) => {
                sqlx::query_with($text, values).$method(to).await?.map(Row::Sqlite)
            }
            (Self::Postgres(to), Bound::Postgres(values)) => {
                sqlx::query_with($text, values).$method(to).await?.map(Row::Postgres)
            }
            _ => return Err(mixed()),
        }
    };
}

/// The same methods for the writer and for readers.
macro_rules! reads {
    ($($how:tt)+) => {
        /// Which database it is.
        pub(crate) const fn dialect(&self) -> Dialect {
            match self {
                Self::Sqlite(_) => Dialect::Sqlite,
                Self::Postgres(_) => Dialect::Postgres,
            }
        }

        /// The rows of a query, one after the other.
        pub(crate) fn stream(
            $($how)+ self,
            text: &'static str,
            values: Bound,
        ) -> BoxStream<'_, Result<Row, sqlx::Error>> {
            match (self, values) {
                (Self::Sqlite(to), Bound::Sqlite(values)) => {
                    sqlx::query_with(text, values).fetch(to).map_ok(Row::Sqlite).boxed()
                }
                (Self::Postgres(to), Bound::Postgres(values)) => {
                    sqlx::query_with(text, values).fetch(to).map_ok(Row::Postgres).boxed()
                }
                _ => futures_util::stream::once(async { Err(mixed()) }).boxed(),
            }
        }

        /// The rows of a query.
        pub(crate) async fn rows(
            $($how)+ self,
            text: &'static str,
            values: impl IntoIterator<Item = Value>,
        ) -> Result<Vec<Row>, sqlx::Error> {
            let values = bound(self.dialect(), values)?;
            faults::run(self.stream(text, values).try_collect()).await
        }

        /// The row of a query, if there is one.
        pub(crate) async fn row(
            $($how)+ self,
            text: &'static str,
            values: impl IntoIterator<Item = Value>,
        ) -> Result<Option<Row>, sqlx::Error> {
            let values = bound(self.dialect(), values)?;
            self.optional(text, values).await
        }

        fn optional(
            $($how)+ self,
            text: &'static str,
            values: Bound,
        ) -> BoxFuture<'_, Result<Option<Row>, sqlx::Error>> {
            faults::run(async move { Ok(asks!(self, text, values, fetch_optional)) }).boxed()
        }

        /// The one value of a query.
        pub(crate) async fn value<T: for<'a> FromCell<'a>>(
            $($how)+ self,
            text: &'static str,
            values: impl IntoIterator<Item = Value>,
        ) -> Result<T, sqlx::Error> {
            first(self.row(text, values).await?)
        }
    };
}

impl Link {
    reads!(&mut);

    /// Runs a statement; tells how many rows it wrote.
    pub(crate) fn execute(
        &mut self,
        text: &'static str,
        values: Bound,
    ) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
        faults::run(async move {
            match (self, values) {
                (Self::Sqlite(to), Bound::Sqlite(values)) => {
                    Ok(sqlx::query_with(text, values).execute(to).await?.rows_affected())
                }
                (Self::Postgres(to), Bound::Postgres(values)) => {
                    Ok(sqlx::query_with(text, values).execute(to).await?.rows_affected())
                }
                _ => Err(mixed()),
            }
        })
        .boxed()
    }

    /// Runs a statement with a few values.
    pub(crate) async fn run(
        &mut self,
        text: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, sqlx::Error> {
        let values = bound(self.dialect(), values)?;
        self.execute(text, values).await
    }

    /// Begins to see the database as it is now, until the transaction ends.
    pub(crate) async fn begin_view(&mut self) -> Result<(), sqlx::Error> {
        let begin = match self.dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.run(begin, []).await.map(|_| ())
    }

    /// Packed rows.
    pub(crate) fn packed(
        &mut self,
        text: &'static str,
        values: Bound,
    ) -> BoxFuture<'_, Result<String, sqlx::Error>> {
        async move { first(asks!(self, text, values, fetch_optional)) }.boxed()
    }

    /// A page of packed rows, and the key of its last one where another page may follow.
    pub(crate) fn page(
        &mut self,
        text: &'static str,
        values: Bound,
    ) -> BoxFuture<'_, Result<(Option<String>, String), sqlx::Error>> {
        async move {
            let Some(row) = asks!(self, text, values, fetch_optional) else {
                return Err(sqlx::Error::RowNotFound);
            };
            let mut names = Names::default();
            let cells = Cells::of_row("", &row, &mut names);
            let page = cells.and_then(|mut cells| Ok((cells.take()?, cells.take()?)));
            page.map_err(|error| sqlx::Error::Decode(error.into()))
        }
        .boxed()
    }

    /// Runs statements without values, several of them in one trip.
    pub(crate) fn run_all(&mut self, text: &'static str) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        faults::run(async move {
            match self {
                Self::Sqlite(to) => sqlx::raw_sql(text).execute(to).await.map(|_| ()),
                Self::Postgres(to) => sqlx::raw_sql(text).execute(to).await.map(|_| ()),
            }
        })
        .boxed()
    }

    /// Runs statements without values in one trip, and reads the last row that they give, whose
    /// values come as text.
    pub(crate) fn run_and_read(
        &mut self,
        text: &'static str,
    ) -> BoxFuture<'_, Result<Option<PgRow>, sqlx::Error>> {
        async move {
            match self {
                Self::Sqlite(_) => Err(mixed()),
                Self::Postgres(to) => Ok(sqlx::raw_sql(text).fetch_all(to).await?.pop()),
            }
        }
        .boxed()
    }

    /// Closes the connection.
    pub(crate) fn close(self) -> BoxFuture<'static, Result<(), sqlx::Error>> {
        async move {
            match self {
                Self::Sqlite(connection) => connection.close().await,
                Self::Postgres(connection) => connection.close().await,
            }
        }
        .boxed()
    }
}

impl Pool {
    reads!(&);

    /// A connection that sees the database as it is now, whatever is committed meanwhile.
    pub(crate) fn view(&self) -> BoxFuture<'_, Result<Link, sqlx::Error>> {
        async move {
            let mut view = match self {
                Self::Sqlite(pool) => Link::Sqlite(pool.acquire().await?.detach()),
                Self::Postgres(pool) => Link::Postgres(pool.acquire().await?.detach()),
            };
            view.begin_view().await?;
            Ok(view)
        }
        .boxed()
    }

    /// Closes the connections.
    pub(crate) fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            match self {
                Self::Sqlite(pool) => pool.close().await,
                Self::Postgres(pool) => pool.close().await,
            }
        }
        .boxed()
    }
}
