//! A small site with rows in every table, which is put back after each change.

use std::{fs, path::PathBuf};

use domain::{
    ids::{AccountId, CredentialId, HeldId, MemberId, Uid},
    layered::Change,
    money::Money,
    rows::{Account, AccountKind, Held, HeldEvent, Person, ReceiptKey},
    sales::Receipt,
    state::{Batch, Changes},
};
use store::Sealed;

use super::{change::Table, support::*};

/// What the tables were before the changes.
pub(crate) struct Site {
    /// The file of SQLite.
    file: Option<(PathBuf, Vec<u8>)>,
    tables: Vec<String>,
}

fn receipt(number: u64) -> Receipt {
    Receipt {
        key: ReceiptKey { till: "till-1".into(), number },
        at: NOW,
        session: 3,
        operator: "nino".into(),
        decision: domain::ids::DecisionId(id(50)),
        transaction: None,
        takes_back: None,
        member: None,
        lines: Vec::new(),
        total: Money(500),
        cash: Money(500),
        card: Money(0),
        wallet: Money(0),
        rounding: Money(0),
        passes: Vec::new(),
        postings: Vec::new(),
        owed: Vec::new(),
    }
}

fn held(number: u128) -> (HeldId, Held) {
    let held = Held {
        uid: Uid::from("B1"),
        credential: CredentialId(id(number + 500)),
        member: Some(MemberId(id(number))),
        event: HeldEvent::Issued,
        at: NOW,
        operator: Some("nino".into()),
        decision: None,
        reason: None,
    };
    (HeldId(id(number)), held)
}

fn wallets(version: u32, balance: i64) -> Vec<Change<AccountId, Account>> {
    let row = |number: u128, balance| {
        let row = Account { floor: None.into(), ..account(AccountKind::Wallet, balance) };
        change(AccountId(id(number)), version, row)
    };
    vec![row(3, -balance), row(4, balance)]
}

fn paid(number: u128, amount: i64) -> domain::state::Transaction {
    let mut paid = transaction(number, &format!("visit:{number}"), [-amount, amount]);
    paid.postings[1].account = AccountId(id(4));
    paid
}

/// The first batch: a row of each kind.
fn first() -> (Batch, Changes) {
    let nino = Person { name: "ნინო".to_owned(), ..person() };
    let batch = Batch {
        people: vec![(MemberId(id(1)), person()), (MemberId(id(2)), nino)],
        rule_sets: vec![("f00d".to_owned(), vec![("a.rhai".to_owned(), "fn a() {}".to_owned())])],
        transactions: vec![paid(60, 100), paid(61, 200), paid(62, 300)],
        receipts: (1..6).map(receipt).collect(),
        held: (1..4).map(held).collect(),
        ..granted(50)
    };
    (batch, Changes { accounts: wallets(1, 600), ..every_row() })
}

impl Site {
    /// Fills a database, and remembers it.
    #[allow(dead_code, reason = "each test program uses its own part")]
    pub(crate) async fn make(home: &Home) -> Self {
        let (mut store, opened) = home.open().await;
        let (batch, changes) = first();
        store.commit(&sealed(1, batch, changes)).await.unwrap();
        store.close().await.unwrap();
        let tables = names(home).await;
        // What stood there once, for whoever puts it back.
        for table in &tables {
            home.meddle(format!("CREATE TABLE old_{table} AS SELECT * FROM {table}").leak())
                .await
                .unwrap();
        }
        let (mut store, again) = home.open().await;
        assert_eq!(again.epoch, opened.epoch + 1);
        for number in 2..6_u32 {
            let rest = Changes {
                accounts: wallets(number, 600 + i64::from(number - 1) * 10),
                members: vec![change(MemberId(id(1)), number, member(number + 100))],
                operators: vec![change("nino".into(), number, domain::rows::Operator::default())],
                ..Changes::default()
            };
            let batch = Batch {
                transactions: vec![paid(u128::from(number) + 70, 10)],
                people: vec![(MemberId(id(1)), person())],
                people_before: vec![(MemberId(id(1)), person())],
                ..granted(u128::from(number) + 100)
            };
            let sealed = Sealed { epoch: again.epoch, ..sealed(number.into(), batch, rest) };
            store.commit(&sealed).await.unwrap();
        }
        store.close().await.unwrap();
        let file = match home.is_postgres() {
            true => {
                for table in &tables {
                    let sql = format!("CREATE TABLE now_{table} AS SELECT * FROM {table}");
                    home.meddle(sql.leak()).await.unwrap();
                }
                None
            }
            false => {
                let path = home.folder().join("kari.db");
                let bytes = fs::read(&path).unwrap();
                Some((path, bytes))
            }
        };
        Self { file, tables }
    }

    /// Remembers a database of another making, which nobody knows younger.
    #[allow(dead_code, reason = "each test program uses its own part")]
    pub(crate) async fn adopt(home: &Home) -> Self {
        let tables = names(home).await;
        for table in &tables {
            let sql = format!("CREATE TABLE old_{table} AS SELECT * FROM {table} WHERE false");
            home.meddle(sql.leak()).await.unwrap();
        }
        home.meddle("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        let path = home.folder().join("kari.db");
        let bytes = fs::read(&path).unwrap();
        Self { file: Some((path, bytes)), tables }
    }

    /// The tables that have rows, and those that must have some.
    pub(crate) async fn tables(&self, home: &Home) -> Vec<Table> {
        let mut tables = Vec::new();
        for name in &self.tables {
            let columns = match home.is_postgres() {
                true => format!(
                    "SELECT column_name::text, data_type::text, coalesce((SELECT 'key' FROM
                        information_schema.key_column_usage k WHERE k.table_name = c.table_name
                        AND k.column_name = c.column_name AND k.constraint_name LIKE '%_pkey'), '')
                    FROM information_schema.columns c WHERE table_name = '{name}'
                    ORDER BY ordinal_position"
                ),
                false => format!(
                    "SELECT name, type, CASE WHEN pk > 0 THEN 'key' ELSE '' END
                    FROM pragma_table_info('{name}') ORDER BY cid"
                ),
            };
            let columns = home.texts(&columns, 3).await;
            let keys = columns.iter().filter(|column| column[2] == "key");
            let keys: Vec<_> = keys.map(|column| column[0].clone()).collect();
            let columns = columns.into_iter().map(|row| (row[0].clone(), row[1].clone()));
            let count = format!("SELECT count(*), count(*) FROM {name}");
            let rows = usize::try_from(home.numbers(count.leak()).await[0].0).unwrap();
            tables.push(Table { name: name.clone(), columns: columns.collect(), keys, rows });
        }
        // One daemon leaves no news, and a file has its key beside it.
        let may_be_empty = |table: &Table| {
            table.name == "news" || table.name == "audit_key" && !home.is_postgres()
        };
        // Which database it is says the site's folder: who opens another one is told so.
        tables.retain(|table| table.name != "identity");
        tables.retain(|table| table.rows > 0 || !may_be_empty(table));
        tables
    }

    /// Undoes what was done to `changed`.
    pub(crate) async fn restore(&self, home: &Home, changed: impl IntoIterator<Item = &String>) {
        if let Some((path, bytes)) = &self.file {
            for rest in ["kari.db-wal", "kari.db-shm"] {
                drop(fs::remove_file(path.with_file_name(rest)));
            }
            fs::write(path, bytes).unwrap();
            return;
        }
        for table in changed {
            let sql = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM now_{table}");
            home.tamper(&sql).await.unwrap();
        }
    }
}

async fn names(home: &Home) -> Vec<String> {
    let sql = home.sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
            AND name NOT LIKE '_sqlx%' ORDER BY name",
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'
            AND tablename NOT LIKE '_sqlx%' ORDER BY tablename",
    );
    home.texts(sql, 1).await.into_iter().map(|mut row| row.remove(0)).collect()
}
