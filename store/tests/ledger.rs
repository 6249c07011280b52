//! Rows of the ledger that somebody changed, took away or put in behind the daemon's back are found
//! and named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::{
    ids::AccountId,
    layered::Change,
    rows::{Account, AccountKind},
    state::{Batch, Changes, Transaction},
};
use store::verify;
use support::*;

on_both!(what_was_done_to_the_ledger_is_found_and_named);

/// Account 3 pays account 4, transaction by transaction.
fn paid(number: u128, amount: i64) -> Transaction {
    let mut paid = transaction(number, &format!("visit:{number}"), [-amount, amount]);
    paid.postings[1].account = AccountId(id(4));
    paid
}

async fn books(home: &Home) {
    let mut store = home.open().await.0;
    let mut balances = [0, 0];
    for batch in 1..=3_u32 {
        let amounts = [i64::from(batch) * 100, 50];
        for amount in amounts {
            balances = [balances[0] - amount, balances[1] + amount];
        }
        let row = |number: u128, balance| Change {
            key: AccountId(id(number)),
            version: batch,
            value: Some(Account { floor: None.into(), ..account(AccountKind::Wallet, balance) }),
        };
        let accounts = vec![row(3, balances[0]), row(4, balances[1])];
        let first = u128::from(batch) * 2 + 60;
        let transactions = vec![paid(first, amounts[0]), paid(first + 1, amounts[1])];
        let journal = vec![happened("money")];
        let records = Batch { journal, transactions, ..Batch::default() };
        let changes = Changes { accounts, ..Changes::default() };
        store.commit(&sealed(u64::from(batch), records, changes)).await.unwrap();
    }
    store.close().await.unwrap();
}

async fn found(home: &Home) -> Result<u64, String> {
    let reader = home.reader().await;
    let verified = verify::ledger(&reader).await;
    reader.close().await;
    verified.map(|verified| verified.transactions).map_err(|broken| broken.to_string())
}

/// Nothing in the way of who owns the file.
const FREE: &str = "DROP TRIGGER posting_is_not_changed; DROP TRIGGER posting_is_not_deleted;
    DROP TRIGGER posting_joins_no_sealed_transaction;
    DROP TRIGGER ledger_transaction_is_not_changed;
    DROP TRIGGER ledger_transaction_is_not_deleted;
    DROP TRIGGER ledger_transaction_is_balanced;";

const FREE_POSTGRES: &str = "ALTER TABLE posting DISABLE TRIGGER ALL;
    ALTER TABLE ledger_transaction DISABLE TRIGGER ALL;
    ALTER TABLE account DISABLE TRIGGER ALL";

/// The same as PostgreSQL says it.
fn of_postgres(sql: &str) -> &'static str {
    let of_file = [
        ("PRAGMA foreign_keys = OFF;", ""),
        ("min(id)", "(array_agg(id ORDER BY id))[1]"),
        ("max(id)", "(array_agg(id ORDER BY id DESC))[1]"),
        ("x'0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d'", "'0a0b0c0d-0a0b-0c0d-0a0b-0c0d0a0b0c0d'::uuid"),
    ];
    of_file.iter().fold(sql.to_owned(), |sql, (from, to)| sql.replace(from, to)).leak()
}

macro_rules! done {
    ($sql:literal) => {
        concat!(
            "PRAGMA foreign_keys = OFF; CREATE TEMP TABLE third AS
            SELECT t.id, a.first, a.last FROM ledger_transaction t,
                (SELECT min(id) AS first, max(id) AS last FROM account WHERE kind = 'wallet') a
            WHERE t.seq = 3; ",
            $sql
        )
    };
}

/// What is done, and which row is named.
const DONE: &[(&str, &str)] = &[
    (
        done!(
            "UPDATE posting SET amount = amount * 2
                WHERE transaction_id = (SELECT id FROM third)"
        ),
        "transaction 3 ",
    ),
    (done!("UPDATE ledger_transaction SET at = at + 1 WHERE seq = 4"), "transaction 4 "),
    (done!("UPDATE ledger_transaction SET operator = 'maka' WHERE seq = 3"), "transaction 3 "),
    (
        done!(
            "DELETE FROM posting
                WHERE transaction_id = (SELECT id FROM third) AND line = 2"
        ),
        "transaction 3 ",
    ),
    (
        done!(
            "DELETE FROM posting WHERE transaction_id = (SELECT id FROM third);
                DELETE FROM ledger_transaction WHERE seq = 3"
        ),
        "transaction 3 ",
    ),
    (
        done!(
            "DELETE FROM posting WHERE transaction_id =
                    (SELECT id FROM ledger_transaction WHERE seq = 6);
                DELETE FROM ledger_transaction WHERE seq = 6"
        ),
        "transaction 6 ",
    ),
    (
        done!(
            "INSERT INTO posting SELECT id, 3, first, 10 FROM third
                UNION SELECT id, 4, last, -10 FROM third"
        ),
        "transaction 3 ",
    ),
    (
        done!(
            "INSERT INTO posting SELECT x'0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d', 1, first, 10
                FROM third"
        ),
        "posting 1 of",
    ),
    (
        done!(
            "INSERT INTO posting SELECT x'0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d', 1, first, 7
                    FROM third;
                INSERT INTO posting SELECT x'0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d', 2, last, -7
                    FROM third;
                INSERT INTO ledger_transaction SELECT x'0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d', daemon,
                    7, at, 'new', purpose, device, operator, decision, reverses, note, hash
                    FROM ledger_transaction WHERE seq = 6"
        ),
        "transaction 7 ",
    ),
    (
        done!("UPDATE account SET balance = balance + 1 WHERE id = (SELECT last FROM third)"),
        "(wallet ",
    ),
    (done!("DELETE FROM account WHERE id = (SELECT last FROM third)"), "account `"),
];

async fn what_was_done_to_the_ledger_is_found_and_named(home: Home) {
    for &(sql, named) in DONE {
        let home = home.another().await;
        books(&home).await;
        assert_eq!(found(&home).await, Ok(6));
        home.meddle(home.sql(FREE, FREE_POSTGRES)).await.unwrap();
        let sql = if home.is_postgres() { of_postgres(sql) } else { sql };
        home.meddle(sql).await.unwrap();
        let why = found(&home).await.unwrap_err();
        assert!(why.contains(named), "{sql}: {why}");
    }
}
