//! What the desk asks of the ledger about one guest: the latest movements of his wallet, and one
//! transaction with what took it back.

use domain::{
    ids::{AccountId, DecisionId, MemberId, OperatorId, TransactionId},
    ledger::Purpose,
    money::Money,
    state::{Posting, Transaction},
    time::Timestamp,
};

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    reader::Reader,
};

const ENTRY: &str = "SELECT
        t.at, t.charge_key, t.purpose, t.device, t.operator, t.decision, t.reverses, t.note,
        p.account, p.amount
    FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id
    WHERE t.id = $1 ORDER BY p.line";
const REVERSAL: &str = "SELECT id FROM ledger_transaction WHERE reverses = $1";
const BALANCE: &str = "SELECT balance FROM account WHERE id = $1";
const MOVED: &str = "SELECT
        t.id, t.at, t.purpose, t.device, t.operator, t.note, back.id,
        CAST(sum(CASE WHEN p.account = $1 THEN p.amount ELSE 0 END) AS BIGINT),
        CAST(sum(CASE WHEN p.account = $1 THEN 0 ELSE p.amount END) AS BIGINT)
    FROM posting p JOIN ledger_transaction t ON t.id = p.transaction_id
    LEFT JOIN ledger_transaction back ON back.reverses = t.id
    WHERE p.account IN ($1, $2)
    GROUP BY t.id, t.at, t.daemon, t.seq, t.purpose, t.device, t.operator, t.note, back.id
    ORDER BY t.at DESC, t.daemon DESC, t.seq DESC LIMIT $3";
const WAIVED: &str = "SELECT CAST(coalesce(sum(w.amount), 0) AS BIGINT)
    FROM posting w JOIN account a ON a.id = w.account
    JOIN ledger_transaction t ON t.id = w.transaction_id
    WHERE a.kind = 'write_offs' AND t.at >= $3 AND EXISTS (SELECT 1 FROM posting p
        WHERE p.transaction_id = w.transaction_id AND p.account IN ($1, $2))";
const WHOSE: &str = "SELECT id FROM member WHERE account = $1 ORDER BY number LIMIT 1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 6] = [ENTRY, REVERSAL, BALANCE, MOVED, WAIVED, WHOSE];

/// A movement of a wallet, or of what is owed behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transaction.
    pub entry: TransactionId,
    /// When it was booked.
    pub at: Timestamp,
    /// What it is about.
    pub purpose: Purpose,
    /// The gate or terminal.
    pub device: Option<String>,
    /// Who did it.
    pub operator: Option<OperatorId>,
    /// Why, where somebody said so.
    pub note: String,
    /// What reversed it.
    pub reversed_by: Option<TransactionId>,
    /// What came into the wallet; below zero what left it.
    pub wallet: Money,
    /// What of a debt was paid or waived; below zero what is owed since.
    pub owed: Money,
}

/// A wallet with its latest movements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is in the wallet.
    pub balance: Money,
    /// What is owed beside it; below zero.
    pub owed: Money,
    /// The movements, the latest first.
    pub movements: Vec<Movement>,
}

impl Reader {
    /// A transaction of the ledger as it is on record.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>, ReadError> {
        let rows = self.pool.rows(ENTRY, [id.0.into()]).await;
        let rows = rows.map_err(ReadError::of("a transaction"))?;
        let mut found: Option<Transaction> = None;
        for row in &rows {
            let mut names = Names::default();
            let mut cells = Cells::of_row("ledger_transaction", row, &mut names)?;
            let at = cells.at()?;
            let (key, purpose) = (cells.take()?, cells.word(Purpose::of)?);
            let device = cells.maybe_name()?;
            let operator = cells.take::<Option<String>>()?.map(OperatorId::from);
            let decision = cells.maybe_id()?.map(DecisionId);
            let reverses = cells.maybe_id()?.map(TransactionId);
            let note = cells.take()?;
            let postings = Vec::new();
            let whole = found.get_or_insert(Transaction {
                id,
                at,
                key,
                purpose,
                device,
                operator,
                decision,
                reverses,
                note,
                postings,
            });
            let (account, amount) = (AccountId(cells.id()?), Money(cells.take()?));
            whole.postings.push(Posting { account, amount });
        }
        Ok(found)
    }

    /// What reversed a transaction.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn reversal_of(&self, id: TransactionId) -> Result<Option<TransactionId>, ReadError> {
        let row = self.pool.row(REVERSAL, [id.0.into()]).await;
        let Some(row) = row.map_err(ReadError::of("a reversal"))? else { return Ok(None) };
        let id = Cells::of_row("ledger_transaction", &row, &mut Names::default())?.id()?;
        Ok(Some(TransactionId(id)))
    }

    /// What was waived of the debt behind a wallet since then, less what was taken back of it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn waived(&self, account: AccountId, since: Timestamp) -> Result<Money, ReadError> {
        let values = [account.0.into(), account.beside().0.into(), since.micros().into()];
        let row = self.pool.row(WAIVED, values).await.map_err(ReadError::of("what was waived"))?;
        let Some(row) = row else { return Ok(Money::ZERO) };
        let written_off = Cells::of_row("posting", &row, &mut Names::default())?.take()?;
        Ok(Money::ZERO.max(-Money(written_off)))
    }

    /// A member whose wallet an account is, or what is owed beside it.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn whose(&self, account: AccountId) -> Result<Option<MemberId>, ReadError> {
        for account in [account, account.beside()] {
            let row = self.pool.row(WHOSE, [account.0.into()]).await;
            if let Some(row) = row.map_err(ReadError::of("a member"))? {
                let id = Cells::of_row("member", &row, &mut Names::default())?.id()?;
                return Ok(Some(MemberId(id)));
            }
        }
        Ok(None)
    }

    /// A wallet with its latest movements, at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn statement(&self, wallet: AccountId, limit: u32) -> Result<Statement, ReadError> {
        let failed = ReadError::of("a wallet");
        let beside = wallet.beside();
        let mut balances = [Money::ZERO; 2];
        for (balance, account) in balances.iter_mut().zip([wallet, beside]) {
            let row = self.pool.row(BALANCE, [account.0.into()]).await.map_err(&failed)?;
            if let Some(row) = row {
                let mut names = Names::default();
                *balance = Money(Cells::of_row("account", &row, &mut names)?.take()?);
            }
        }
        let values = [wallet.0.into(), beside.0.into(), i64::from(limit).into()];
        let rows = self.pool.rows(MOVED, values).await.map_err(&failed)?;
        let movements = rows.iter().map(|row| {
            let mut names = Names::default();
            let mut cells = Cells::of_row("ledger_transaction", row, &mut names)?;
            Ok(Movement {
                entry: TransactionId(cells.id()?),
                at: cells.at()?,
                purpose: cells.word(Purpose::of)?,
                device: cells.take()?,
                operator: cells.take::<Option<String>>()?.map(OperatorId::from),
                note: cells.take()?,
                reversed_by: cells.maybe_id()?.map(TransactionId),
                wallet: Money(cells.take()?),
                owed: Money(cells.take()?),
            })
        });
        let movements = movements.collect::<Result<_, ReadError>>()?;
        let [balance, owed] = balances;
        Ok(Statement { balance, owed, movements })
    }
}
