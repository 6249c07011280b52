//! The ledger's rows: transactions with a chain of their own, and their postings.

use uuid::Uuid;

use domain::state::{Batch, Transaction};

use crate::{
    Head,
    binds::Binds,
    cells::Cells,
    error::ReadError,
    records::{Fields, append},
    sheet::Sheet,
};

/// Postings, which come before their transaction.
pub(crate) const POSTING: Sheet =
    append("posting", &["transaction_id", "line"], &["account", "amount"], 2);
/// Transactions of the ledger.
pub(crate) const TRANSACTION: Sheet = append(
    "ledger_transaction",
    &["id"],
    &[
        "daemon",
        "seq",
        "at",
        "charge_key",
        "purpose",
        "device",
        "operator",
        "decision",
        "reverses",
        "note",
        "hash",
    ],
    1,
);

/// A transaction as the database keeps it.
#[derive(Debug)]
pub(crate) struct TransactionRow {
    pub(crate) id: Uuid,
    /// Whose chain it is.
    pub(crate) daemon: i64,
    /// Its place there, from 1.
    pub(crate) seq: i64,
    at: i64,
    charge_key: String,
    purpose: String,
    device: Option<String>,
    operator: Option<String>,
    decision: Option<Uuid>,
    reverses: Option<Uuid>,
    note: String,
    /// The hash of the transaction before and of this one.
    pub(crate) hash: Vec<u8>,
}

/// A posting as the database keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostingRow {
    pub(crate) transaction: Uuid,
    /// Its place in the transaction, from 1.
    pub(crate) line: i64,
    pub(crate) account: Uuid,
    pub(crate) amount: i64,
}

impl TransactionRow {
    fn of((daemon, seq): (i64, u64), transaction: &Transaction) -> Self {
        Self {
            id: transaction.id.0,
            daemon,
            seq: seq.cast_signed(),
            at: transaction.at.micros(),
            charge_key: transaction.key.clone(),
            purpose: transaction.purpose.name().to_owned(),
            device: transaction.device.as_ref().map(ToString::to_string),
            operator: transaction.operator.as_ref().map(ToString::to_string),
            decision: transaction.decision.map(|decision| decision.0),
            reverses: transaction.reverses.map(|reversed| reversed.0),
            note: transaction.note.clone(),
            hash: Vec::new(),
        }
    }

    /// What the hash of this transaction must be after one of hash `before`.
    pub(crate) fn chained(&self, before: &[u8; 32], postings: &[PostingRow]) -> [u8; 32] {
        let mut fields = Fields::new();
        fields.bytes(Some(before)).int(Some(self.daemon)).int(Some(self.seq)).id(Some(self.id));
        fields.int(Some(self.at)).text(&self.charge_key).text(&self.purpose);
        fields.bytes(self.device.as_ref().map(String::as_bytes));
        fields.bytes(self.operator.as_ref().map(String::as_bytes));
        fields.id(self.decision).id(self.reverses).text(&self.note);
        for posting in postings {
            fields.int(Some(posting.line)).id(Some(posting.account)).int(Some(posting.amount));
        }
        fields.done()
    }

    pub(crate) fn bind(&self, to: &mut Binds) {
        to.id(self.id);
        to.int(self.daemon);
        to.int(self.seq);
        to.int(self.at);
        to.text(self.charge_key.as_str());
        to.text(self.purpose.as_str());
        to.add(self.device.clone());
        to.add(self.operator.clone());
        to.add(self.decision);
        to.add(self.reverses);
        to.text(self.note.as_str());
        to.add(self.hash.clone());
    }

    /// Reads the columns of [`TRANSACTION`].
    pub(crate) fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            id: from.take()?,
            daemon: from.take()?,
            seq: from.take()?,
            at: from.take()?,
            charge_key: from.take()?,
            purpose: from.take()?,
            device: from.take()?,
            operator: from.take()?,
            decision: from.take()?,
            reverses: from.take()?,
            note: from.take()?,
            hash: from.take()?,
        })
    }
}

impl PostingRow {
    pub(crate) fn bind(&self, to: &mut Binds) {
        to.id(self.transaction);
        to.int(self.line);
        to.id(self.account);
        to.int(self.amount);
    }
}

/// The transactions of a batch after the end of a daemon's ledger, and its new end.
pub(crate) fn chain(
    (daemon, mut end): (i64, Head),
    batch: &Batch,
) -> (Vec<TransactionRow>, Vec<PostingRow>, Head) {
    let mut rows = Vec::with_capacity(batch.transactions.len());
    let mut postings = Vec::with_capacity(batch.transactions.len() * 3);
    for transaction in &batch.transactions {
        end.seq += 1;
        let mut row = TransactionRow::of((daemon, end.seq), transaction);
        let first = postings.len();
        let lines = transaction.postings.iter().zip(1_i64..);
        postings.extend(lines.map(|(posting, line)| PostingRow {
            transaction: row.id,
            line,
            account: posting.account.0,
            amount: posting.amount.minor(),
        }));
        end.hash = row.chained(&end.hash, &postings[first..]);
        row.hash = end.hash.to_vec();
        rows.push(row);
    }
    (rows, postings, end)
}
