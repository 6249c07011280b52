//! The SQL of a table, made once from its fixed names, for a few fixed numbers of rows.
//!
//! A row a statement is far too slow, and a statement for each number of rows would fill the cache
//! of prepared statements. So a statement is made for a few sizes, a batch takes the smallest one
//! that its rows fit in, and what is left over is bound as nulls, which the statement skips. The
//! texts are made of the names below and of nothing else; each is leaked once, because sqlx takes
//! only static text as safe, and their number is bounded.
//!
//! Placeholders are a bare `?`: SQLite looks a numbered one up by its name, which is quadratic in a
//! statement of thousands.
//!
//! PostgreSQL takes one array for each column instead, so its statements are the same for any
//! number of rows.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::{audit::is_sealed, link::Dialect};

/// How rows of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A versioned row: replaced only by the next version of itself.
    State,
    /// A row that is never changed.
    Append,
    /// A row that replaces whatever was there.
    Replace,
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// Written, by all columns.
    Put,
    /// Removed, by key, and by version where the row has one.
    Delete,
    /// Read again, by key, packed.
    Fetch,
    /// The first [`MOST_ROWS`] in order of keys, packed; has no rows of its own.
    First,
    /// Those after a key, packed.
    Next,
    /// Counted; has no rows of its own.
    Count,
    /// Those of other versions than are given by key, counted (PostgreSQL).
    Differ,
    /// Read with their seals, all of them; has no rows of its own.
    All,
    /// Keys and versions read, by key, packed on SQLite.
    Versions,
}

/// A table: its name and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet {
    /// The table.
    pub(crate) name: &'static str,
    /// The columns of the key.
    pub(crate) keys: &'static [&'static str],
    /// The other columns, the version aside.
    pub(crate) values: &'static [&'static str],
    /// Those of its columns that are ids, where SQLite reads rows packed.
    pub(crate) ids: &'static [&'static str],
    /// How its rows are written.
    pub(crate) kind: Kind,
    /// How many rows one event typically writes.
    pub(crate) weight: usize,
}

/// Numbers of rows beyond those of small batches: at most half of a statement's values are nulls.
/// 512 rows of the widest table stay below the 32,766 values that SQLite binds.
const LARGE: [usize; 6] = [16, 32, 64, 128, 256, MOST_ROWS];
/// Events of a small batch: all its statements go as one text.
pub(crate) const SMALL: [usize; 2] = [1, 8];
/// The most rows of one statement.
pub(crate) const MOST_ROWS: usize = 512;

impl Sheet {
    /// All columns in the order in which they are written and read: key, version, values.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let version: &[&str] = if self.kind == Kind::State { &["version"] } else { &[] };
        [self.keys, version, self.values].concat()
    }

    /// All columns with the seal behind them, where the rows are sealed.
    pub(crate) fn written(&self) -> Vec<&'static str> {
        let seal: &[&str] = if is_sealed(self) { &["seal"] } else { &[] };
        [self.columns().as_slice(), seal].concat()
    }

    /// How many values a row of `op` has.
    pub(crate) fn width(&self, op: Op) -> usize {
        match op {
            Op::Put => self.written().len(),
            Op::Delete => self.keys.len() + usize::from(self.kind == Kind::State),
            Op::Fetch | Op::Next | Op::Versions => self.keys.len(),
            Op::Differ => self.keys.len() + 1,
            Op::First | Op::Count | Op::All => 0,
        }
    }

    /// The smallest size that `rows` fit in.
    pub(crate) fn size_for(&self, rows: usize) -> usize {
        let small = SMALL.map(|events| events * self.weight);
        small.into_iter().chain(LARGE).find(|size| *size >= rows).unwrap_or(MOST_ROWS)
    }

    fn compose(&self, op: Op, rows: usize) -> String {
        let values = {
            let row = format!("({})", vec!["?"; self.width(op)].join(", "));
            vec![row; rows].join(", ")
        };
        let (name, keys, columns) = (self.name, self.keys.join(", "), self.written().join(", "));
        match op {
            Op::Put => {
                let rows = match (rows, self.kind) {
                    (1, _) => format!("VALUES {values}"),
                    _ => format!("SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL"),
                };
                format!("INSERT INTO {name} ({columns}) {rows}{}", self.conflict())
            }
            Op::Delete => {
                let version = if self.kind == Kind::State { ", version" } else { "" };
                format!("DELETE FROM {name} WHERE ({keys}{version}) IN (VALUES {values})")
            }
            Op::Fetch => {
                self.packed(&self.columns(), &format!("WHERE ({keys}) IN (VALUES {values})"))
            }
            Op::Versions => {
                let columns = [self.keys, &["version"]].concat();
                self.packed(&columns, &format!("WHERE ({keys}) IN (VALUES {values})"))
            }
            Op::First => self.page(""),
            Op::Next => {
                let after: Vec<String> =
                    (1..=self.keys.len()).map(|place| format!("?{place}")).collect();
                self.page(&format!("WHERE ({keys}) > ({})", after.join(", ")))
            }
            Op::Count | Op::Differ | Op::All => self.for_postgres(op, 1),
        }
    }

    /// The statement for PostgreSQL, whose first value is the `first` of its text.
    pub(crate) fn for_postgres(&self, op: Op, first: usize) -> String {
        let values: Vec<String> =
            (first..first + self.width(op)).map(|place| format!("${place}")).collect();
        let rows = format!("unnest({})", values.join(", "));
        let (name, keys, columns) = (self.name, self.keys.join(", "), self.columns().join(", "));
        match op {
            Op::Put => {
                let (conflict, columns) = (self.conflict(), self.written().join(", "));
                format!("INSERT INTO {name} ({columns}) SELECT * FROM {rows}{conflict}")
            }
            Op::Delete => {
                let version: &[&str] = if self.kind == Kind::State { &["version"] } else { &[] };
                let found = [self.keys, version].concat();
                let same: Vec<_> =
                    found.iter().map(|column| format!("t.{column} = r.{column}")).collect();
                let (found, same) = (found.join(", "), same.join(" AND "));
                format!("DELETE FROM {name} AS t USING {rows} AS r({found}) WHERE {same}")
            }
            Op::Fetch => {
                format!("SELECT {columns} FROM {rows} AS r({keys}) JOIN {name} USING ({keys})")
            }
            Op::Versions => {
                format!(
                    "SELECT {keys}, version FROM {rows} AS r({keys}) JOIN {name} USING ({keys})"
                )
            }
            Op::First | Op::Next => format!("SELECT {columns} FROM {name}"),
            Op::All => format!("SELECT {} FROM {name}", self.written().join(", ")),
            Op::Count => format!("SELECT count(*) FROM {name}"),
            Op::Differ => format!(
                "SELECT count(*) FROM {rows} AS r({keys}, seen) LEFT JOIN {name} AS t \
                 USING ({keys}) WHERE coalesce(t.version, 0) <> r.seen"
            ),
        }
    }

    /// These columns of the rows that `which` names, as one JSON text.
    fn packed(&self, columns: &[&'static str], which: &str) -> String {
        let (forms, name) = (self.forms(columns), self.name);
        format!("SELECT json_group_array(json_array({forms})) FROM (SELECT * FROM {name} {which})")
    }

    /// The first [`MOST_ROWS`] rows in order of keys of those that `which` tells, and beside them
    /// the key of the last one, where there are so many.
    fn page(&self, which: &str) -> String {
        let (name, keys) = (self.name, self.keys.join(", "));
        let rows =
            self.packed(&self.columns(), &format!("{which} ORDER BY {keys} LIMIT {MOST_ROWS}"));
        let (all, last) = (rows.replacen("SELECT ", "", 1), MOST_ROWS - 1);
        let key = format!("json_array(json_array({}))", self.forms(self.keys));
        format!(
            "SELECT (SELECT {key} FROM {name} {which} ORDER BY {keys} LIMIT 1 OFFSET {last}), {all}"
        )
    }

    /// Columns as they stand in JSON, which has no bytes: ids are digits there.
    fn forms(&self, columns: &[&'static str]) -> String {
        let form = |column: &&'static str| match self.ids.contains(column) {
            true => format!("hex({column})"),
            false => (*column).to_owned(),
        };
        columns.iter().map(form).collect::<Vec<_>>().join(", ")
    }

    fn conflict(&self) -> String {
        let keys = self.keys.join(", ");
        let set = |columns: &[&str]| {
            let set = |column: &&str| format!("{column} = excluded.{column}");
            columns.iter().map(set).collect::<Vec<_>>().join(", ")
        };
        let seal: &[&str] = if is_sealed(self) { &["seal"] } else { &[] };
        match self.kind {
            Kind::Append => String::new(),
            Kind::Replace => {
                format!(
                    " ON CONFLICT ({keys}) DO UPDATE SET {}",
                    set(&[self.values, seal].concat())
                )
            }
            Kind::State => format!(
                " ON CONFLICT ({keys}) DO UPDATE SET {} WHERE {}.version = excluded.version - 1",
                set(&[&["version"], self.values, seal].concat()),
                self.name
            ),
        }
    }
}

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    /// One statement of one table.
    One(Dialect, &'static str, Op, usize),
    /// A whole small batch.
    Whole(Dialect, Kinds),
}

/// What a text for a whole batch has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kinds {
    /// How many events it is sized for, where that matters.
    pub(crate) events: usize,
    /// A bit for each lot that has rows.
    pub(crate) lots: u128,
    /// A bit for each table of which rows are compared.
    pub(crate) compared: u128,
}

static TEXTS: LazyLock<Mutex<HashMap<Purpose, &'static str>>> = LazyLock::new(Mutex::default);
/// How many kinds of small batches have a text of their own; any others go statement by statement.
const WHOLE_MAX: usize = 128;

/// The statement of `dialect` for `rows` rows of `sheet`; that of PostgreSQL is the same for any
/// number.
pub(crate) fn statement(dialect: Dialect, sheet: &Sheet, op: Op, rows: usize) -> &'static str {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = if dialect == Dialect::Sqlite { rows } else { 0 };
    let purpose = Purpose::One(dialect, sheet.name, op, rows);
    texts.entry(purpose).or_insert_with(|| {
        String::leak(match dialect {
            Dialect::Sqlite => sheet.compose(op, rows),
            Dialect::Postgres => sheet.for_postgres(op, 1),
        })
    })
}

/// The text of a whole batch; `None` where there are too many kinds already. That of a batch which
/// is written piece by piece is always there: without it nothing could be stored any more.
pub(crate) fn whole(
    dialect: Dialect,
    kinds: Kinds,
    text: impl FnOnce() -> String,
) -> Option<&'static str> {
    let purpose = Purpose::Whole(dialect, kinds);
    {
        let texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = texts.get(&purpose) {
            return Some(text);
        }
        let of_dialect =
            |known: &&Purpose| matches!(known, Purpose::Whole(of, _) if *of == dialect);
        let piecemeal = kinds.lots == 0 && kinds.compared == 0;
        if !piecemeal && texts.keys().filter(of_dialect).count() >= WHOLE_MAX {
            return None;
        }
    }
    let text: &'static str = String::leak(text());
    TEXTS.lock().unwrap_or_else(PoisonError::into_inner).insert(purpose, text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Executor, SqlSafeStr, SqliteConnection};

    use super::{Kind, LARGE, Op, SMALL, statement};
    use crate::{
        commit, link::Dialect, news, open, people, pseudonyms, reader, retention, server, verify,
    };

    #[tokio::test]
    async fn every_statement_is_one_that_the_tables_understand() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::migrate!("../migrations/sqlite").run(&mut connection).await.unwrap();
        let mut texts: Vec<&'static str> = Vec::new();
        for sheet in reader::sheets() {
            let statement = |op, rows| statement(Dialect::Sqlite, &sheet, op, rows);
            let sizes: Vec<usize> =
                SMALL.map(|events| events * sheet.weight).into_iter().chain(LARGE).collect();
            for rows in sizes {
                texts.push(statement(Op::Put, rows));
                texts.push(statement(Op::Delete, rows));
                if sheet.kind == Kind::State {
                    texts.push(statement(Op::Fetch, rows));
                    texts.push(statement(Op::Versions, rows));
                }
            }
            texts.push(statement(Op::All, 0));
            if sheet.kind == Kind::State {
                texts.push(statement(Op::First, 0));
                texts.push(statement(Op::Next, 1));
            }
            texts.push(statement(Op::Count, 0));
        }
        texts.extend(commit::OF_SQLITE);
        texts.push(pseudonyms::CHANCE);
        texts.extend(of_both());
        texts.extend(verify::packed());
        for text in texts {
            let prepared = connection.prepare(text.into_sql_str()).await;
            assert!(prepared.is_ok(), "{}: {:?}", &text[..text.len().min(300)], prepared.err());
        }
    }

    /// The texts that both databases are asked with.
    fn of_both() -> Vec<&'static str> {
        let mut texts = Vec::new();
        texts.extend(commit::STATEMENTS);
        texts.push(commit::outbox::IN_OUTBOX);
        texts.extend(crate::notes::STATEMENTS);
        texts.extend(open::STATEMENTS);
        texts.extend(crate::identity::STATEMENTS);
        texts.extend(news::STATEMENTS);
        texts.extend(reader::STATEMENTS);
        texts.extend(verify::STATEMENTS);
        texts.extend(crate::audit::STATEMENTS);
        texts.extend(verify::LEDGER_STATEMENTS);
        texts.extend(crate::books::STATEMENTS);
        texts.extend(pseudonyms::STATEMENTS);
        texts.extend([retention::DECISIONS, retention::LINES]);
        texts.extend([retention::OLD_DECISION, retention::OLD_LINE]);
        texts.extend([retention::HOLDERS, retention::FORGET_HOLDER, retention::OLD_HOLDER]);
        texts.extend(people::STATEMENTS);
        texts.extend(crate::tills::STATEMENTS);
        texts.extend(crate::catalogue::STATEMENTS);
        texts.extend(crate::statements::STATEMENTS);
        texts
    }

    #[tokio::test]
    async fn postgres_understands_the_statements_too() {
        let Ok(url) = std::env::var("KARI_TEST_POSTGRES_URL") else { return };
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let setup = "CREATE SCHEMA kari_statements; SET LOCAL search_path TO kari_statements";
        sqlx::raw_sql(setup).execute(&mut *transaction).await.unwrap();
        for migration in sqlx::migrate!("../migrations/postgres").iter() {
            sqlx::raw_sql(migration.sql.clone()).execute(&mut *transaction).await.unwrap();
        }
        let mut texts = of_both();
        texts.extend(server::STATEMENTS);
        texts.push(pseudonyms::CHANCE_OF_SERVER);
        for text in texts {
            let prepared = transaction.prepare(text.into_sql_str()).await;
            assert!(prepared.is_ok(), "{text}: {:?}", prepared.err());
        }
    }
}
