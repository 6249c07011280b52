//! Rows of the ledger that somebody changed, took away or put in behind the daemon's back are found
//! and named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::path::Path;

use domain::{
    ids::AccountId,
    layered::Change,
    rows::{Account, AccountKind},
    state::{Batch, Changes, Transaction},
};
use store::{Store, reader::Reader, verify};
use support::*;

/// Account 3 pays account 4, transaction by transaction.
fn paid(number: u128, amount: i64) -> Transaction {
    let mut paid = transaction(number, &format!("visit:{number}"), [-amount, amount]);
    paid.postings[1].account = AccountId(id(4));
    paid
}

async fn books(folder: &Path) {
    let mut store = store(folder).await;
    let mut balances = [0, 0];
    for batch in 1..=3_u32 {
        let amounts = [i64::from(batch) * 100, 50];
        for amount in amounts {
            balances = [balances[0] - amount, balances[1] + amount];
        }
        let row = |number: u128, balance| Change {
            key: AccountId(id(number)),
            version: batch,
            value: Some(Account { floor: None, ..account(AccountKind::Wallet, balance) }),
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

async fn store(folder: &Path) -> Store {
    Store::open(&folder.join("kari.db"), NOW).await.unwrap().0
}

async fn found(folder: &Path) -> Result<u64, String> {
    let reader = Reader::open(&folder.join("kari.db")).await.unwrap();
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

#[tokio::test]
async fn what_was_done_to_the_ledger_is_found_and_named() {
    for &(sql, named) in DONE {
        let folder = tempfile::tempdir().unwrap();
        books(folder.path()).await;
        assert_eq!(found(folder.path()).await, Ok(6));
        meddle(folder.path(), FREE).await.unwrap();
        meddle(folder.path(), sql).await.unwrap();
        let why = found(folder.path()).await.unwrap_err();
        assert!(why.contains(named), "{sql}: {why}");
    }
}
