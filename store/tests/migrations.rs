//! The migrations of both databases have the same numbers and names, and make the same tables and
//! columns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

fn files(database: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(database);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database| files(database).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

type Columns = BTreeSet<(String, String, bool)>;

async fn of_sqlite() -> Columns {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    for (_, sql) in files("sqlite") {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let columns = "SELECT t.name, c.name, c.\"notnull\" FROM pragma_table_list t
        JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let rows = sqlx::query(columns).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn both_databases_get_the_same_tables_and_columns() {
    let Ok(url) = std::env::var("KARI_TEST_POSTGRES_URL") else {
        // Not `eprintln`: the harness swallows that of a test that passes.
        let left_out = "LEFT OUT: set KARI_TEST_POSTGRES_URL to compare the tables of PostgreSQL";
        writeln!(std::io::stderr(), "{left_out}").unwrap();
        return;
    };
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let setup = "CREATE SCHEMA kari_migrations_test; SET LOCAL search_path TO kari_migrations_test";
    sqlx::raw_sql(setup).execute(&mut *transaction).await.unwrap();
    for (name, sql) in files("postgres") {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await;
        assert!(done.is_ok(), "{name}: {done:?}");
    }
    let columns = "SELECT table_name::text, column_name::text, is_nullable = 'NO'
        FROM information_schema.columns WHERE table_schema = 'kari_migrations_test'";
    let rows = sqlx::query(columns).fetch_all(&mut *transaction).await.unwrap();
    let found: Columns = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(found, of_sqlite().await);

    let id = "'00000000-0000-0000-0000-000000000001'";
    // A record is forgotten as a whole, and changed in no other way.
    let forget = "UPDATE decision SET member = NULL, credential = NULL, body = NULL, salt = NULL";
    let record = format!(
        "INSERT INTO decision VALUES ({id}, 0, 'entry', 'gate-1', 'entry', 'grant', 'GRANTED', 0,
            0, 'f00d', NULL, 'seal', 'salt', {id}, {id}, '{{}}')"
    );
    sqlx::raw_sql(AssertSqlSafe(record)).execute(&mut *transaction).await.unwrap();
    for change in ["UPDATE decision SET member = NULL".to_owned(), format!("{forget}, at = 1")] {
        let mut inner = transaction.begin().await.unwrap();
        let refused = sqlx::raw_sql(AssertSqlSafe(change.clone())).execute(&mut *inner).await;
        assert!(refused.unwrap_err().to_string().contains("never changed"), "{change}");
        inner.rollback().await.unwrap();
    }
    sqlx::raw_sql(AssertSqlSafe(forget)).execute(&mut *transaction).await.unwrap();

    let ledger = format!(
        "INSERT INTO account VALUES ({id}, 1, 'seal', 'wallet', '', 'GEL', 0, 0, NULL, NULL);
         INSERT INTO posting VALUES ({id}, 1, {id}, 5), ({id}, 2, {id}, -4);
         INSERT INTO ledger_transaction VALUES ({id}, 1, 1, 0, 'visit', 'entry', NULL, NULL, NULL,
            NULL, '', decode(repeat('00', 32), 'hex'))"
    );
    let refused = sqlx::raw_sql(AssertSqlSafe(ledger)).execute(&mut *transaction).await;
    assert!(refused.unwrap_err().to_string().contains("add up to nothing"));
    transaction.rollback().await.unwrap();
}
