//! What people owe and spend: accounts of the ledger, and the day's spending.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ids::AccountId,
    money::{CurrencyCode, Money},
    time::Timestamp,
};

/// What one person spent on one local day (parameter 30).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The day.
    pub day: Date,
    /// Spent.
    pub spent: Money,
    /// Granted and not yet spent.
    pub promised: Money,
}

/// An account of the ledger, with its balance. What the site owes and what it earned is above
/// zero, what it has and what it is owed below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What it is for.
    pub kind: AccountKind,
    /// Which of its kind: a tariff, an item, a terminal, a rate; empty where there is but one, and
    /// for accounts of people.
    pub subject: Subject,
    /// The currency of every posting to it.
    pub currency: CurrencyCode,
    /// The sum of its postings.
    pub balance: Money,
    /// Provisional charges, not yet posted.
    pub reserved: Money,
    /// The balance never goes below this: the wallet's bound as it was when it last paid.
    pub floor: Floor,
    /// When the account last stopped being free of debt.
    pub debt_since: Option<Timestamp>,
}

/// Which of its kind an account is: a text that the many accounts of people do not have, and have
/// no room for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(Option<Arc<Box<str>>>);

impl Subject {
    /// The subject of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self((!name.is_empty()).then(|| Arc::new(name.into())))
    }
}
impl std::ops::Deref for Subject {
    type Target = str;
    fn deref(&self) -> &str {
        self.0.as_ref().map_or("", |name| name)
    }
}

/// How far down a balance may go; nothing where nothing bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Money>", into = "Option<Money>")]
pub struct Floor(Money);

impl Floor {
    /// Nothing bounds the balance: no balance goes below this.
    pub const NONE: Self = Self(Money(i64::MIN));

    /// The bound, which every balance is above where there is none.
    #[must_use]
    pub const fn bound(self) -> Money {
        self.0
    }
}
impl From<Option<Money>> for Floor {
    fn from(bound: Option<Money>) -> Self {
        bound.map_or(Self::NONE, Self)
    }
}
impl From<Floor> for Option<Money> {
    fn from(floor: Floor) -> Self {
        (floor != Floor::NONE).then_some(floor.0)
    }
}

impl Account {
    /// An account without postings.
    #[must_use]
    pub fn new(kind: AccountKind, subject: &str, currency: CurrencyCode) -> Self {
        Self {
            kind,
            subject: Subject::of(subject),
            currency,
            balance: Money::ZERO,
            reserved: Money::ZERO,
            floor: Floor::NONE,
            debt_since: None,
        }
    }
}

/// Where an account stands in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountClass {
    /// What the site has or is owed.
    Asset,
    /// What the site owes.
    Liability,
    /// Where it began.
    Equity,
    /// What it earned, and what lessens that.
    Income,
    /// What it cost.
    Expense,
}

macro_rules! account_kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal, $class:ident;)*) => {
        /// What an account is for.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum AccountKind {
            $($(#[$doc])* $kind,)*
        }

        impl AccountKind {
            /// Every kind, in the order of a balance sheet.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The word for it in the database, in reports and in exports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }
            /// Where it stands in the books.
            #[must_use]
            pub const fn class(self) -> AccountClass {
                match self { $(Self::$kind => AccountClass::$class,)* }
            }
        }
    };
}

account_kinds! {
    /// Cash in a drawer, by terminal.
    Cash = "cash", Asset;
    /// Cash that was taken out of drawers.
    Safe = "safe", Asset;
    /// Payments by card that the bank still has to settle, by terminal.
    Card = "card", Asset;
    /// Payments online that a provider still has to settle, by provider.
    Online = "online", Asset;
    /// What a member was charged and has not paid.
    Receivable = "receivable", Asset;
    /// What the site owes a member, or the member the site.
    Wallet = "wallet", Liability;
    /// Passes that are paid and not used up, by tariff.
    Deferred = "deferred", Liability;
    /// Deposits for bands.
    Deposits = "deposits", Liability;
    /// Value added tax that is owed, by rate.
    Vat = "vat", Liability;
    /// Where balances came from that an import brought along.
    Opening = "opening", Equity;
    /// What entries that are paid at the gate earned, by tariff.
    EntryRevenue = "entry_revenue", Income;
    /// What passes earned, by tariff.
    PassRevenue = "pass_revenue", Income;
    /// What overstays earned, by tariff; lockers kept too long by the word `locker`.
    OverstayRevenue = "overstay_revenue", Income;
    /// What surcharges earned, by zone.
    SurchargeRevenue = "surcharge_revenue", Income;
    /// What goods and services earned, by item.
    SalesRevenue = "sales_revenue", Income;
    /// What was taken off prices.
    Discounts = "discounts", Income;
    /// What rounding of cash gave and took.
    Rounding = "rounding", Expense;
    /// What was waived.
    WriteOffs = "write_offs", Expense;
    /// What counted drawers had too little or too much, by terminal.
    CashDifference = "cash_difference", Expense;
}

impl AccountKind {
    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == word)
    }
    /// Whether there is one for each member or family.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Wallet | Self::Receivable)
    }
}

/// What tells a receivable from its wallet.
const RECEIVABLE: u128 = 1 << 48;

/// The name space of the site's own accounts (RFC 9562, version 5).
const SITE_ACCOUNTS: Uuid = Uuid::from_u128(0x6b61_7269_2d61_8363_8f75_6e74_7300_0001);

impl AccountId {
    /// The account beside a wallet of what is still to be paid; of that account the wallet.
    #[must_use]
    pub const fn beside(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128() ^ RECEIVABLE))
    }

    /// The site's own account of a kind and subject. Each daemon of a site has its own, so that
    /// daemons that share a database do not wait for each other.
    #[must_use]
    pub fn of_site(kind: AccountKind, subject: &str, daemon: u32) -> Self {
        let name = format!("{}/{daemon}/{subject}", kind.name());
        Self(Uuid::new_v5(&SITE_ACCOUNTS, name.as_bytes()))
    }
}
