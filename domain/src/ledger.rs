//! Postings: every charge books its accounts, its own key, and the balances' rows.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, DecisionId, DeviceId, OperatorId, TransactionId, VisitId},
    money::{Money, Vat},
    rows::{Account, AccountKind, Charge, ChargeFor, Floor},
    state::{Posting, Transaction},
    step::Step,
    time::Timestamp,
};

macro_rules! purposes {
    ($($(#[$doc:meta])* $purpose:ident = $word:literal;)*) => {
        /// What a transaction is about.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Purpose {
            $($(#[$doc])* $purpose,)*
        }

        impl Purpose {
            /// Every purpose.
            pub const ALL: &[Self] = &[$(Self::$purpose),*];

            /// The word for it in the database, in reports and in exports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$purpose => $word,)* }
            }

            /// The purpose of this word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|purpose| purpose.name() == word)
            }
        }
    };
}

purposes! {
    /// An entry that is paid at the gate.
    Entry = "entry";
    /// A zone that costs extra.
    Surcharge = "surcharge";
    /// A stay longer than what was paid.
    Overstay = "overstay";
    /// A locker kept longer than allowed.
    Locker = "locker";
    /// A sale at a till.
    Sale = "sale";
    /// Money into a wallet.
    TopUp = "top_up";
    /// Money back from a wallet.
    Refund = "refund";
    /// A debt paid by the wallet.
    Settlement = "settlement";
    /// A debt paid at a desk or pay point.
    Payment = "payment";
    /// A debt that is waived.
    WriteOff = "write_off";
    /// A balance that an import brought along.
    Opening = "opening";
    /// Prepaid money that is earned.
    Recognition = "recognition";
    /// Goods that came back.
    Return = "return";
    /// A pass that ends early.
    Cancellation = "cancellation";
    /// Cash put into a drawer, or taken out of it.
    CashMove = "cash_move";
    /// What a counted drawer had too little or too much.
    CashCount = "cash_count";
    /// The deposit of a band that was lost, kept by the site.
    Forfeit = "forfeit";
    /// The reverse of an earlier transaction.
    Reversal = "reversal";
}

impl Purpose {
    /// Whether somebody was charged at a gate or a locker.
    #[must_use]
    pub const fn is_charge(self) -> bool {
        matches!(self, Self::Entry | Self::Surcharge | Self::Overstay | Self::Locker)
    }
}

/// A transaction before it has an id and postings.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    /// What it is about.
    pub(crate) purpose: Purpose,
    /// The charge key.
    pub(crate) key: String,
    /// When it is booked.
    pub(crate) at: Timestamp,
    /// The gate or terminal.
    pub(crate) device: Option<DeviceId>,
    /// Who did it.
    pub(crate) operator: Option<OperatorId>,
    /// The decision behind it.
    pub(crate) decision: Option<DecisionId>,
    /// What it takes back.
    pub(crate) reverses: Option<TransactionId>,
    /// Why, where somebody said so.
    pub(crate) note: String,
}

impl Booking {
    /// A booking that nobody in particular made.
    pub(crate) const fn new(purpose: Purpose, key: String, at: Timestamp) -> Self {
        let (device, operator, decision) = (None, None, None);
        Self { purpose, key, at, device, operator, decision, reverses: None, note: String::new() }
    }

    /// The same, made at a gate or terminal.
    pub(crate) fn at_device(self, device: &DeviceId) -> Self {
        Self { device: Some(device.clone()), ..self }
    }

    /// The same, made by a decision.
    pub(crate) fn decided(self, decision: DecisionId) -> Self {
        Self { decision: Some(decision), ..self }
    }

    /// The same, made by an operator.
    pub(crate) fn by(self, operator: &OperatorId) -> Self {
        Self { operator: Some(operator.clone()), ..self }
    }
}

/// Where a charge comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charged {
    /// The visit that it is for.
    pub(crate) visit: Option<VisitId>,
    /// How often charges of that visit were reversed.
    pub(crate) reversed: u32,
    /// The gate.
    pub(crate) gate: Option<DeviceId>,
    /// The decision that granted it.
    pub(crate) decision: Option<DecisionId>,
}

/// The subject of what lockers earn that are kept too long.
const LOCKERS: &str = "locker";

impl Step<'_> {
    /// Books a charge; `so_far` is what was charged for the same
    /// before. Its key says what for, so that the same is never charged twice.
    pub(crate) fn book_charge(
        &mut self,
        origin: &Charged,
        charge: &Charge,
        so_far: Money,
        at: Timestamp,
    ) {
        let visit = origin.visit.map(|visit| visit.to_string()).unwrap_or_default();
        let again = match origin.reversed {
            0 => String::new(),
            reversed => format!(":again{reversed}"),
        };
        let total = (so_far + charge.amount).minor();
        let tariff = charge.tariff.as_ref();
        let name = tariff.map_or("", |key| key.tariff.as_str());
        let (purpose, key, kind, subject) = match &charge.what {
            ChargeFor::Entry => {
                (Purpose::Entry, format!("entry:{visit}"), AccountKind::EntryRevenue, name)
            }
            ChargeFor::Surcharge(zone) => {
                let key = format!("surcharge:{visit}:{zone}{again}");
                (Purpose::Surcharge, key, AccountKind::SurchargeRevenue, zone.as_str())
            }
            ChargeFor::Locker(locker, since) => {
                let key = format!("locker:{locker}:{}:{total}", since.micros());
                (Purpose::Locker, key, AccountKind::OverstayRevenue, LOCKERS)
            }
            ChargeFor::Overstay => {
                let key = format!("overstay:{visit}:{total}{again}");
                (Purpose::Overstay, key, AccountKind::OverstayRevenue, name)
            }
        };
        let sold_as = tariff.and_then(|key| self.state.tables.tariffs.read(key));
        let vat = sold_as.and_then(|tariff| tariff.vat).unwrap_or(self.state.site.vat);
        let earned = self.site_account(kind, subject);
        let (account, (net, tax)) = (charge.account, vat.within(charge.amount));
        // A passage that is told late may find less than it was granted on: the rest is owed.
        let taken = charge.taken.min(self.spendable(account));
        let unpaid = charge.amount - taken;
        let mut postings = vec![(account, -taken), (account.beside(), -unpaid), (earned, net)];
        postings.extend(self.tax(vat, tax));
        let booking = Booking::new(purpose, key, at);
        let Charged { gate, decision, .. } = origin.clone();
        self.post(Booking { device: gate, decision, ..booking }, &postings);
    }

    /// The posting of a tax, where there is any.
    pub(crate) fn tax(&mut self, vat: Vat, tax: Money) -> Option<(AccountId, Money)> {
        (!tax.is_zero()).then(|| (self.site_account(AccountKind::Vat, &vat.to_string()), tax))
    }

    /// Books what a wallet pays of charges made before (parameter 27).
    pub(crate) fn book_settling(&mut self, decision: DecisionId, wallet: AccountId, paid: Money) {
        let key = format!("settled:{decision}");
        let booking = Booking::new(Purpose::Settlement, key, self.now).decided(decision);
        self.post(booking, &[(wallet, -paid), (wallet.beside(), paid)]);
    }

    /// Books a balance that an import brings along; `what` tells it from all others.
    pub(crate) fn book_opening(&mut self, what: &str, wallet: AccountId, balance: Money) {
        let opening = self.site_account(AccountKind::Opening, "");
        let booking = Booking::new(Purpose::Opening, format!("opening:{what}"), self.now);
        self.post(booking, &[(opening, -balance), (wallet, balance)]);
    }

    /// One transaction; postings of nothing are left out, and a transaction of nothing is none.
    pub(crate) fn post(
        &mut self,
        booking: Booking,
        postings: &[(AccountId, Money)],
    ) -> Option<TransactionId> {
        let postings: Vec<Posting> = postings
            .iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(|(account, amount)| Posting { account: *account, amount: *amount })
            .collect();
        if postings.is_empty() {
            return None;
        }
        for posting in &postings {
            let mut account = self.account(posting.account);
            account.balance = account.balance + posting.amount;
            self.state.tables.accounts.put(posting.account, account);
        }
        for posting in &postings {
            self.age_debt(posting.account, booking.at);
        }
        let id = TransactionId(self.state.ids.make(self.now));
        let Booking { purpose, key, at, device, operator, decision, reverses, note } = booking;
        let transaction = Transaction {
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
        };
        self.batch.transactions.push(transaction);
        Some(id)
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

    /// What paid a debt is void: it is as old as it was.
    pub(crate) fn owed_before(&mut self, wallet: AccountId, since: Timestamp) {
        let mut account = self.account(wallet);
        if account.debt_since.is_some_and(|known| since < known) {
            account.debt_since = Some(since);
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

    /// How much a wallet can pay before it is at its bound.
    fn spendable(&mut self, id: AccountId) -> Money {
        let account = self.account(id);
        Money::ZERO.max(account.balance - account.floor.bound())
    }

    /// Keeps how far down a wallet may go that is about to pay, so that the database refuses what
    /// would take it further; one that is below already may stay there.
    pub(crate) fn bound_wallet(&mut self, id: AccountId, bound: Money) {
        let mut account = self.account(id);
        let floor = Floor::from(Some(bound.min(account.balance)));
        if account.floor != floor {
            account.floor = floor;
            self.state.tables.accounts.put(id, account);
        }
    }

    /// The site's own account of a kind and subject, which is opened where there is none yet.
    pub(crate) fn site_account(&mut self, kind: AccountKind, subject: &str) -> AccountId {
        let id = AccountId::of_site(kind, subject, self.state.site.daemon);
        let currency = self.state.site.currency.code;
        let accounts = &mut self.state.tables.accounts;
        if accounts.read(&id).is_none() {
            accounts.put(id, Account::new(kind, subject, currency));
        }
        id
    }

    pub(crate) fn account(&mut self, id: AccountId) -> Account {
        if let Some(account) = self.state.tables.accounts.read(&id) {
            return account.clone();
        }
        let beside = self.state.tables.accounts.peek(&id.beside());
        let owes = beside.is_some_and(|row| row.kind == AccountKind::Wallet);
        let kind = if owes { AccountKind::Receivable } else { AccountKind::Wallet };
        Account::new(kind, "", self.state.site.currency.code)
    }
}
