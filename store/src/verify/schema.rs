//! Tables, indexes and triggers: those that Kari makes, as it makes them.

use std::collections::BTreeMap;

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{Connection, SqliteConnection};

use super::Finding;
use crate::{
    cells::{Cells, Names},
    error::ReadError,
    link::{Dialect, Link},
};

const OBJECTS: &str = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master
    WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%'";
const TRIGGERS: &str = "SELECT 'trigger ' || tgname, '' FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_table_is_visible(tgrelid)";

/// What is missing, is another one, or is a trigger that Kari does not make.
pub(super) async fn objects(view: &mut Link) -> Result<Vec<Finding>, ReadError> {
    let failed = ReadError::of("the tables");
    let (text, wanted) = match view.dialect() {
        Dialect::Sqlite => (OBJECTS, of_sqlite().await.map_err(&failed)?),
        Dialect::Postgres => (TRIGGERS, of_postgres()),
    };
    let there = read(view, text).await?;
    let mut found = Vec::new();
    let mut say = |object: &str, why: &str| {
        found.push(Finding { table: object.to_owned(), row: None, why: why.to_owned() });
    };
    for (object, sql) in &wanted {
        match there.get(object) {
            None => say(object, "it is missing"),
            Some(other) if other != sql => say(object, "it is another one than Kari makes"),
            Some(_) => {}
        }
    }
    let strange = there.keys().filter(|object| object.starts_with("trigger "));
    for object in strange.filter(|object| !wanted.contains_key(*object)) {
        say(object, "it is none of Kari's: it may change what is written");
    }
    Ok(found)
}

async fn read(view: &mut Link, text: &'static str) -> Result<BTreeMap<String, String>, ReadError> {
    let mut names = Names::default();
    let rows = view.rows(text, []).await.map_err(ReadError::of("the tables"))?;
    let mut pair = |row| {
        let mut cells = Cells::of_row("sqlite_master", row, &mut names)?;
        Ok((cells.take()?, cells.take()?))
    };
    rows.iter().map(&mut pair).collect()
}

fn of_sqlite() -> BoxFuture<'static, Result<BTreeMap<String, String>, sqlx::Error>> {
    async move {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
        for migration in sqlx::migrate!("../migrations/sqlite").iter() {
            sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await?;
        }
        let mut link = Link::Sqlite(connection);
        let wanted = read(&mut link, OBJECTS).await;
        link.close().await?;
        wanted.map_err(|error| sqlx::Error::Decode(error.into()))
    }
    .boxed()
}

/// The triggers that the migrations make there.
fn of_postgres() -> BTreeMap<String, String> {
    let migrations = sqlx::migrate!("../migrations/postgres");
    let texts: Vec<&str> = migrations.iter().map(|one| one.sql.as_str()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let names = lines.filter_map(|line| line.strip_prefix("CREATE TRIGGER ")?.split(' ').next());
    names.map(|name| (format!("trigger {name}"), String::new())).collect()
}
