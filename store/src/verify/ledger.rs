//! Whether the ledger is what was written: its chains, its postings, and the balances that they
//! make.

use std::{collections::HashMap, sync::LazyLock};

use futures_util::TryStreamExt;
use uuid::Uuid;

use super::{
    Progress, VerifiedLedger, VerifyError,
    pages::{self, Packed},
};
use crate::{
    binds::bound,
    cells::{Cells, Names},
    error::ReadError,
    ledger::{PostingRow, TransactionRow},
    link::Dialect,
    reader::Reader,
};

/// The transactions and their postings; that each value is of its kind is certain here.
const TRANSACTIONS: &str = "SELECT
        true, t.id, t.daemon, t.seq, t.at, t.charge_key, t.purpose, t.device, t.operator,
        t.decision, t.reverses, t.note, t.hash, p.line, p.account, p.amount
    FROM ledger_transaction t LEFT JOIN posting p ON p.transaction_id = t.id
    ORDER BY t.daemon, t.seq, p.line";
/// The same, as SQLite packs them.
pub(super) static PACKED: LazyLock<Packed> = LazyLock::new(|| {
    let transaction = "b t.id, i t.daemon, i t.seq, i t.at, t t.charge_key, t t.purpose, \
        t? t.device, t? t.operator, b? t.decision, b? t.reverses, t t.note, b t.hash";
    let posting = "i p.line, b p.account, i p.amount";
    let from = format!(
        "FROM (SELECT * FROM ledger_transaction WHERE daemon = $1 AND seq >= $2
                ORDER BY seq LIMIT {}) t
            LEFT JOIN posting p ON p.transaction_id = t.id ORDER BY t.seq, p.line",
        pages::ROWS
    );
    Packed::new(("ledger_transaction", "t"), [transaction, posting], &from)
});
const ENDS: &str = "SELECT daemon, ledger_seq, ledger_hash FROM batch ORDER BY daemon";
const ORPHAN: &str = "SELECT transaction_id, line FROM posting
    WHERE NOT EXISTS (SELECT 1 FROM ledger_transaction WHERE id = transaction_id) LIMIT 1";
const ACCOUNTS: &str = "SELECT id, kind, subject, currency, balance FROM account ORDER BY id";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 4] = [TRANSACTIONS, ENDS, ORPHAN, ACCOUNTS];

/// Walks along the ledger of each daemon, and adds up every account.
///
/// # Errors
/// [`VerifyError::Ledger`] names the first row that is not what was written.
pub async fn ledger(reader: &Reader) -> Result<VerifiedLedger, VerifyError> {
    ledger_with(reader, &Progress::default()).await
}

pub(super) async fn ledger_with(
    reader: &Reader,
    progress: &Progress,
) -> Result<VerifiedLedger, VerifyError> {
    let failed = ReadError::of("the ledger");
    // One view of all of it, however long the walk takes and whatever is committed meanwhile.
    let mut view = reader.pool.view().await.map_err(&failed)?;
    let ends = super::ends(&mut view, ENDS).await?;
    let mut names = Names::default();
    let mut walk = Walk::default();
    let none = || bound(reader.pool.dialect(), []).map_err(&failed);
    if view.dialect() == Dialect::Sqlite {
        let mut row = |cells: &mut Cells<'_, '_>| {
            progress.step();
            walk.read(cells)
        };
        pages::each(&mut view, &PACKED, &mut row).await?;
    } else {
        let mut rows = view.stream(TRANSACTIONS, none()?);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            progress.step();
            walk.read(&mut Cells::of_row("ledger_transaction", &row, &mut names)?)?;
        }
    }
    walk.close()?;
    walk.reaches(ends)?;
    let orphan = view.row(ORPHAN, []).await.map_err(&failed)?;
    if let Some(row) = orphan {
        let mut cells = Cells::of_row("posting", &row, &mut names)?;
        let (transaction, line): (Uuid, i64) = (cells.take()?, cells.take()?);
        let row = format!("posting {line} of transaction `{transaction}`");
        return Err(broken(row, "it belongs to no transaction"));
    }
    let mut accounts = view.stream(ACCOUNTS, none()?);
    while let Some(row) = accounts.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("account", &row, &mut names)?;
        let (id, kind, subject): (Uuid, String, String) =
            (cells.take()?, cells.take()?, cells.take()?);
        let (currency, balance): (String, i64) = (cells.take()?, cells.take()?);
        let posted = walk.sums.remove(&id).unwrap_or(0);
        if posted != i128::from(balance) {
            let row = format!("account `{id}` ({kind} {subject})");
            let why = format!(
                "its balance is {balance} and its postings add up to {posted} minor units of \
                 {currency}"
            );
            return Err(broken(row, why));
        }
        walk.verified.accounts += 1;
    }
    match walk.sums.into_keys().next() {
        Some(id) => Err(broken(format!("account `{id}`"), "it has postings and is not there")),
        None => Ok(walk.verified),
    }
}

fn broken(row: impl Into<String>, why: impl Into<String>) -> VerifyError {
    VerifyError::Ledger { row: row.into(), why: why.into() }
}

/// Where the walk is.
#[derive(Default)]
struct Walk {
    open: Option<(TransactionRow, Vec<PostingRow>)>,
    /// The last transaction of each chain.
    ends: HashMap<i64, (i64, Vec<u8>)>,
    sums: HashMap<Uuid, i128>,
    verified: VerifiedLedger,
}

impl Walk {
    /// Each chain ends where the last batch of its daemon says, and no other is there.
    fn reaches(&mut self, ends: Vec<(i64, i64, Vec<u8>)>) -> Result<(), VerifyError> {
        for (daemon, seq, hash) in ends {
            let found = self.ends.remove(&daemon).unwrap_or_else(|| (0, vec![0; 32]));
            if found.0 > seq {
                let row = format!("transaction {} of daemon {daemon}", found.0);
                return Err(broken(row, "it was added behind the end of the ledger"));
            }
            if found != (seq, hash) {
                let row = format!("transaction {seq} of daemon {daemon}");
                return Err(broken(row, "it is the last one, and it is not there"));
            }
        }
        match self.ends.iter().next() {
            Some((daemon, (seq, _))) => {
                let row = format!("transaction {seq} of daemon {daemon}");
                Err(broken(row, "the last batch of that daemon is not there"))
            }
            None => Ok(()),
        }
    }

    /// Looks at the next row: a transaction with one of its postings.
    fn read(&mut self, cells: &mut Cells<'_, '_>) -> Result<(), VerifyError> {
        let of_their_kind: bool = cells.take()?;
        let transaction = TransactionRow::read(cells)?;
        if !of_their_kind {
            let TransactionRow { id, daemon, seq, .. } = transaction;
            let row = format!("transaction {seq} of daemon {daemon} (`{id}`)");
            return Err(broken(row, "a value of it or of its postings is of another kind"));
        }
        let line: Option<i64> = cells.take()?;
        let posting = match line {
            None => None,
            Some(line) => {
                let (account, amount) = (cells.take()?, cells.take()?);
                Some(PostingRow { transaction: transaction.id, line, account, amount })
            }
        };
        self.row(transaction, posting)
    }

    fn row(
        &mut self,
        transaction: TransactionRow,
        posting: Option<PostingRow>,
    ) -> Result<(), VerifyError> {
        if self.open.as_ref().is_none_or(|(open, _)| open.id != transaction.id) {
            self.close()?;
            self.open = Some((transaction, Vec::new()));
        }
        if let (Some((_, postings)), Some(posting)) = (&mut self.open, posting) {
            postings.push(posting);
        }
        Ok(())
    }

    /// All postings of a transaction were read.
    fn close(&mut self) -> Result<(), VerifyError> {
        let Some((transaction, postings)) = self.open.take() else { return Ok(()) };
        let TransactionRow { id, daemon, seq, .. } = transaction;
        let named = || format!("transaction {seq} of daemon {daemon} (`{id}`)");
        let (before, hash) = self.ends.get(&daemon).cloned().unwrap_or((0, vec![0; 32]));
        if seq != before + 1 {
            let row = format!("transaction {} of daemon {daemon}", before + 1);
            return Err(broken(row, "it is missing"));
        }
        if postings.len() < 2 {
            return Err(broken(named(), "it has fewer than two postings"));
        }
        let hash: [u8; 32] = hash.try_into().unwrap_or_default();
        let told = transaction.chained(&hash, &postings);
        if transaction.hash != told {
            let why = "its hash does not follow from what it and its postings say";
            return Err(broken(named(), why));
        }
        self.ends.insert(daemon, (seq, transaction.hash));
        for posting in &postings {
            *self.sums.entry(posting.account).or_default() += i128::from(posting.amount);
        }
        self.verified.transactions += 1;
        self.verified.postings += postings.len() as u64;
        Ok(())
    }
}
