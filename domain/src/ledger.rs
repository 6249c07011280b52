//! Postings: every charge books two accounts, its own key, and the balances' rows.

use crate::{
    ids::{AccountId, TransactionId, VisitId},
    money::Money,
    rows::{Account, AccountKind, Charge, ENTRY_REVENUE, OPENING},
    state::{Posting, Transaction},
    step::Step,
    time::Timestamp,
};

impl Step<'_> {
    /// Books the entry price of a visit; the visit is the charge key, so that it is never charged
    /// twice.
    pub(crate) fn book_entry(&mut self, visit: VisitId, charge: Charge, at: Timestamp) {
        self.post(format!("entry:{visit}"), at, charge.account, (ENTRY_REVENUE, charge.amount));
    }

    /// Books the balance that a wallet brings along.
    pub(crate) fn book_opening(&mut self, wallet: AccountId, balance: Money) {
        if !balance.is_zero() {
            self.post(format!("opening:{wallet}"), self.now, OPENING, (wallet, balance));
        }
    }

    /// One transaction: `amount` goes from one account to the other.
    fn post(&mut self, key: String, at: Timestamp, from: AccountId, to: (AccountId, Money)) {
        let (to, amount) = to;
        let postings =
            vec![Posting { account: from, amount: -amount }, Posting { account: to, amount }];
        for posting in &postings {
            self.add(posting.account, posting.amount, at);
        }
        let id = TransactionId(self.state.ids.make(self.now));
        self.batch.transactions.push(Transaction { id, at, key, postings });
    }

    fn add(&mut self, id: AccountId, amount: Money, at: Timestamp) {
        let mut account = self.account(id);
        account.balance = account.balance + amount;
        account.debt_since = match account.kind {
            AccountKind::Wallet if account.balance < Money::ZERO => account.debt_since.or(Some(at)),
            _ => None,
        };
        self.state.tables.accounts.put(id, account);
    }

    /// Reserves `amount` of an account, or gives it back where it is negative.
    pub(crate) fn reserve_money(&mut self, id: AccountId, amount: Money) {
        let mut account = self.account(id);
        account.reserved = account.reserved + amount;
        self.state.tables.accounts.put(id, account);
    }

    fn account(&mut self, id: AccountId) -> Account {
        let kind = match id {
            ENTRY_REVENUE => AccountKind::EntryRevenue,
            OPENING => AccountKind::Opening,
            _ => AccountKind::Wallet,
        };
        let empty = Account { kind, balance: Money::ZERO, reserved: Money::ZERO, debt_since: None };
        self.state.tables.accounts.read(&id).cloned().unwrap_or(empty)
    }
}
