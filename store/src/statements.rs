//! What the desk asks of the ledger about one guest: the latest movements of a wallet, and one
//! transaction with what took it back.

use domain::{
    deposits::forfeit_key,
    ids::{AccountId, DecisionId, MemberId, OperatorId, TransactionId},
    ledger::Purpose,
    money::Money,
    order::Sells,
    sales::Receipt,
    state::{Posting, Transaction},
    time::Timestamp,
};

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    link::Row,
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
        m.id, m.at, m.purpose, m.device, m.operator, m.note, m.back, r.body, m.wallet, m.owed
    FROM (SELECT
            t.id, t.at, t.daemon, t.seq, t.decision, t.purpose, t.device, t.operator, t.note,
            back.id AS back,
            CAST(sum(CASE WHEN p.account = $1 THEN p.amount ELSE 0 END) AS BIGINT) AS wallet,
            CAST(sum(CASE WHEN p.account = $1 THEN 0 ELSE p.amount END) AS BIGINT) AS owed
        FROM posting p JOIN ledger_transaction t ON t.id = p.transaction_id
        LEFT JOIN ledger_transaction back ON back.reverses = t.id
        WHERE p.account IN ($1, $2)
        GROUP BY t.id, t.at, t.daemon, t.seq, t.decision, t.purpose, t.device, t.operator,
            t.note, back.id
        ORDER BY t.at DESC, t.daemon DESC, t.seq DESC LIMIT $3) m
    LEFT JOIN receipt r ON r.decision = m.decision AND r.transaction_id = m.id
    ORDER BY m.at DESC, m.daemon DESC, m.seq DESC";
const WAIVED: &str = "SELECT CAST(coalesce(sum(w.amount), 0) AS BIGINT)
    FROM posting w JOIN account a ON a.id = w.account
    JOIN ledger_transaction t ON t.id = w.transaction_id
    WHERE a.kind = 'write_offs' AND t.at >= $3 AND EXISTS (SELECT 1 FROM posting p
        WHERE p.transaction_id = w.transaction_id AND p.account IN ($1, $2))";
const KEPT: &str = "SELECT p.amount
    FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id
    JOIN account a ON a.id = p.account
    WHERE t.charge_key = $1 AND a.kind = 'deposits'";
const WHOSE: &str = "SELECT id FROM member WHERE account = $1 ORDER BY number LIMIT 1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] = [ENTRY, REVERSAL, BALANCE, MOVED, WAIVED, KEPT, WHOSE];

/// A movement of a wallet, or of what is owed behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transaction; one that topped up, paid a debt and paid for goods has a movement for each.
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
    /// What is owed since; below zero what was paid or waived of it.
    pub owed: Money,
}

/// What somebody has with the site: a sum in the wallet, or one that is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is in the wallet, never below zero.
    pub balance: Money,
    /// Everything that is owed, a wallet below zero included (section 16 of the decisions).
    pub owed: Money,
}

impl Standing {
    /// Of the balances of a wallet and of the receivable beside it.
    fn of(accounts: [Money; 2]) -> Self {
        let [wallet, receivable] = accounts;
        let balance = wallet.max(Money::ZERO);
        Self { balance, owed: balance - wallet - receivable }
    }
}

/// A wallet with its latest movements: what stood before and the movements come to what stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How things stand now.
    pub now: Standing,
    /// How they stood before the earliest of the movements.
    pub before: Standing,
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

    /// The deposit that was kept by a decision on a band that is lost.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn deposit_kept(&self, decision: DecisionId) -> Result<Option<Money>, ReadError> {
        let row = self.pool.row(KEPT, [forfeit_key(decision).into()]).await;
        let Some(row) = row.map_err(ReadError::of("a deposit"))? else { return Ok(None) };
        let amount = Cells::of_row("posting", &row, &mut Names::default())?.take()?;
        Ok(Some(-Money(amount)))
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
        // Whatever is booked meanwhile is in none of it.
        let mut view = self.pool.view().await.map_err(&failed)?;
        let beside = wallet.beside();
        let mut balances = [Money::ZERO; 2];
        for (balance, account) in balances.iter_mut().zip([wallet, beside]) {
            let row = view.row(BALANCE, [account.0.into()]).await.map_err(&failed)?;
            if let Some(row) = row {
                let mut names = Names::default();
                *balance = Money(Cells::of_row("account", &row, &mut names)?.take()?);
            }
        }
        let values = [wallet.0.into(), beside.0.into(), i64::from(limit).into()];
        let rows = view.rows(MOVED, values).await.map_err(&failed)?;
        let now = Standing::of(balances);
        let (mut after, mut movements) = (balances, Vec::with_capacity(rows.len()));
        for row in &rows {
            movements.extend(moved(row, &mut after)?);
        }
        Ok(Statement { now, before: Standing::of(after), movements })
    }
}

/// The movements of a transaction, the last one first; `after` is what the wallet and the
/// receivable held after it, and then what they held before.
fn moved(row: &Row, after: &mut [Money; 2]) -> Result<Vec<Movement>, ReadError> {
    let mut names = Names::default();
    let mut cells = Cells::of_row("ledger_transaction", row, &mut names)?;
    let whole = Movement {
        entry: TransactionId(cells.id()?),
        at: cells.at()?,
        purpose: cells.word(Purpose::of)?,
        device: cells.take()?,
        operator: cells.take::<Option<String>>()?.map(OperatorId::from),
        note: cells.take()?,
        reversed_by: cells.maybe_id()?.map(TransactionId),
        wallet: Money::ZERO,
        owed: Money::ZERO,
    };
    let receipt: Option<Receipt> = cells.maybe_json()?;
    let posted = [Money(cells.take()?), Money(cells.take()?)];
    let mut parts = parts(whole.purpose, receipt.as_ref(), posted);
    parts.reverse();
    let movements = parts.into_iter().map(|(purpose, amounts)| {
        let since = Standing::of(*after);
        *after = [after[0] - amounts[0], after[1] - amounts[1]];
        let before = Standing::of(*after);
        let (wallet, owed) = (since.balance - before.balance, since.owed - before.owed);
        Movement { purpose, wallet, owed, ..whole.clone() }
    });
    Ok(movements.collect())
}

/// What a transaction posted to a wallet and the receivable beside it, by what it was for: a top-up
/// or a pay-out, a debt that was paid, and the rest.
fn parts(
    purpose: Purpose,
    receipt: Option<&Receipt>,
    posted: [Money; 2],
) -> Vec<(Purpose, [Money; 2])> {
    let Some(receipt) = receipt.filter(|receipt| receipt.takes_back.is_none()) else {
        return vec![(purpose, posted)];
    };
    let of = |sells: &Sells| -> Money {
        let lines = receipt.lines.iter().filter(|line| line.sells == *sells);
        lines.map(|line| line.gross).sum()
    };
    let (topped_up, debts) = (of(&Sells::TopUp), of(&Sells::Debt));
    let [wallet, receivable] = posted;
    let of_debts = [debts - receivable, receivable];
    let paid = [wallet - topped_up - of_debts[0], Money::ZERO];
    let loads = if topped_up < Money::ZERO { Purpose::Refund } else { Purpose::TopUp };
    let all = [(loads, [topped_up, Money::ZERO]), (Purpose::Payment, of_debts), (purpose, paid)];
    all.into_iter().filter(|(_, amounts)| amounts.iter().any(|it| !it.is_zero())).collect()
}
