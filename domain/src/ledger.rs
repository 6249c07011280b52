//! Postings: every charge books its accounts, its own key, and the balances' rows.

use crate::{
    ids::{AccountId, DecisionId, TransactionId, VisitId},
    money::Money,
    rows::{
        Account, AccountKind, Charge, ChargeFor, ENTRY_REVENUE, OPENING, OVERSTAY_REVENUE,
        SALES_REVENUE, SURCHARGE_REVENUE, TAKINGS, WRITE_OFFS,
    },
    state::{Posting, Transaction},
    step::Step,
    time::Timestamp,
};

impl Step<'_> {
    /// Books a charge, mostly of a visit; `so_far` is what was charged for the same before. Its
    /// key says what for, so that the same is never charged twice.
    pub(crate) fn book_charge(
        &mut self,
        visit: Option<VisitId>,
        charge: &Charge,
        so_far: Money,
        at: Timestamp,
    ) {
        let visit = visit.map(|visit| visit.to_string()).unwrap_or_default();
        let (key, earned) = match &charge.what {
            ChargeFor::Entry => (format!("entry:{visit}"), ENTRY_REVENUE),
            ChargeFor::Surcharge(zone) => (format!("surcharge:{visit}:{zone}"), SURCHARGE_REVENUE),
            ChargeFor::Locker(locker, since) => {
                let total = (so_far + charge.amount).minor();
                (format!("locker:{locker}:{}:{total}", since.micros()), OVERSTAY_REVENUE)
            }
            ChargeFor::Overstay => {
                let total = (so_far + charge.amount).minor();
                (format!("overstay:{visit}:{total}"), OVERSTAY_REVENUE)
            }
        };
        let unpaid = charge.amount - charge.taken;
        let account = charge.account;
        let postings =
            [(account, -charge.taken), (account.beside(), -unpaid), (earned, charge.amount)];
        self.post(key, at, &postings);
    }

    /// Books what a wallet pays of charges made before (parameter 27).
    pub(crate) fn book_settling(&mut self, decision: DecisionId, wallet: AccountId, paid: Money) {
        let postings = [(wallet, -paid), (wallet.beside(), paid)];
        self.post(format!("settled:{decision}"), self.now, &postings);
    }

    /// Books the balance that a wallet brings along.
    pub(crate) fn book_opening(&mut self, wallet: AccountId, balance: Money) {
        let postings = [(OPENING, -balance), (wallet, balance)];
        self.post(format!("opening:{wallet}"), self.now, &postings);
    }

    /// One transaction; postings of nothing are left out, and a transaction of nothing is none.
    pub(crate) fn post(&mut self, key: String, at: Timestamp, postings: &[(AccountId, Money)]) {
        let postings: Vec<Posting> = postings
            .iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(|(account, amount)| Posting { account: *account, amount: *amount })
            .collect();
        if postings.is_empty() {
            return;
        }
        for posting in &postings {
            let mut account = self.account(posting.account);
            account.balance = account.balance + posting.amount;
            self.state.tables.accounts.put(posting.account, account);
        }
        for posting in &postings {
            self.age_debt(posting.account, at);
        }
        let id = TransactionId(self.state.ids.make(self.now));
        self.batch.transactions.push(Transaction { id, at, key, postings });
    }

    /// Keeps when the wallet behind an account last stopped being free of debt.
    fn age_debt(&mut self, id: AccountId, at: Timestamp) {
        let wallet = match self.account(id).kind {
            AccountKind::Wallet => id,
            AccountKind::Receivable => id.beside(),
            _ => return,
        };
        let owes = self.debt_of(wallet) > Money::ZERO;
        let mut account = self.account(wallet);
        let since = owes.then(|| account.debt_since.unwrap_or(at));
        if since != account.debt_since {
            account.debt_since = since;
            self.state.tables.accounts.put(wallet, account);
        }
    }

    /// Unpaid charges, and what the wallet is below zero.
    pub(crate) fn debt_of(&mut self, wallet: AccountId) -> Money {
        let owed = |balance: Money| Money::ZERO.max(-balance);
        owed(self.balance(wallet)) + owed(self.balance(wallet.beside()))
    }

    /// The sum of an account's postings.
    pub(crate) fn balance(&mut self, id: AccountId) -> Money {
        self.state.tables.accounts.read(&id).map_or(Money::ZERO, |account| account.balance)
    }

    /// Reserves `amount` of an account, or gives it back where it is negative.
    pub(crate) fn reserve_money(&mut self, id: AccountId, amount: Money) {
        let mut account = self.account(id);
        account.reserved = account.reserved + amount;
        self.state.tables.accounts.put(id, account);
    }

    fn account(&mut self, id: AccountId) -> Account {
        if let Some(account) = self.state.tables.accounts.read(&id) {
            return account.clone();
        }
        let beside = self.state.tables.accounts.peek(&id.beside());
        let kind = match id {
            ENTRY_REVENUE => AccountKind::EntryRevenue,
            OVERSTAY_REVENUE => AccountKind::OverstayRevenue,
            SURCHARGE_REVENUE => AccountKind::SurchargeRevenue,
            SALES_REVENUE => AccountKind::SalesRevenue,
            WRITE_OFFS => AccountKind::WriteOffs,
            TAKINGS => AccountKind::Takings,
            OPENING => AccountKind::Opening,
            _ if beside.is_some_and(|row| row.kind == AccountKind::Wallet) => {
                AccountKind::Receivable
            }
            _ => AccountKind::Wallet,
        };
        Account { kind, balance: Money::ZERO, reserved: Money::ZERO, debt_since: None }
    }
}
