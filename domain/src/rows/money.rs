//! What people owe and spend: accounts of the ledger, and the day's spending.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ids::AccountId, money::Money, time::Timestamp};

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

/// An account of the ledger, with its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What it is for.
    pub kind: AccountKind,
    /// The sum of its postings.
    pub balance: Money,
    /// Provisional charges, not yet posted.
    pub reserved: Money,
    /// When the account last stopped being free of debt.
    pub debt_since: Option<Timestamp>,
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// What the site owes a member, or the member the site.
    Wallet,
    /// What a member was charged and has not paid.
    Receivable,
    /// What entries earned.
    EntryRevenue,
    /// What overstays earned.
    OverstayRevenue,
    /// What surcharges of zones earned.
    SurchargeRevenue,
    /// What sales earned.
    SalesRevenue,
    /// What was waived.
    WriteOffs,
    /// Where payments at desks and pay points come from.
    Takings,
    /// Where balances came from that an import brought along.
    Opening,
}

impl AccountKind {
    /// The word for it in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Receivable => "receivable",
            Self::EntryRevenue => "entry_revenue",
            Self::OverstayRevenue => "overstay_revenue",
            Self::SurchargeRevenue => "surcharge_revenue",
            Self::SalesRevenue => "sales_revenue",
            Self::WriteOffs => "write_offs",
            Self::Takings => "takings",
            Self::Opening => "opening",
        }
    }
    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let debts = [Self::Wallet, Self::Receivable];
        let earned =
            [Self::EntryRevenue, Self::OverstayRevenue, Self::SurchargeRevenue, Self::SalesRevenue];
        let site = earned.into_iter().chain([Self::Takings, Self::Opening, Self::WriteOffs]);
        debts.into_iter().chain(site).find(|kind| kind.name() == word)
    }
}

/// What tells a receivable from its wallet.
const RECEIVABLE: u128 = 1 << 48;

impl AccountId {
    /// The account beside a wallet of what is still to be paid; of that account the wallet.
    #[must_use]
    pub const fn beside(self) -> Self {
        Self(uuid::Uuid::from_u128(self.0.as_u128() ^ RECEIVABLE))
    }
}

/// The site's account for what entries earned.
pub const ENTRY_REVENUE: AccountId = AccountId(uuid::Uuid::from_u128(1));
/// The site's account behind imported balances.
pub const OPENING: AccountId = AccountId(uuid::Uuid::from_u128(2));
/// The site's account for what overstays earned.
pub const OVERSTAY_REVENUE: AccountId = AccountId(uuid::Uuid::from_u128(3));
/// The site's account for what surcharges of zones earned.
pub const SURCHARGE_REVENUE: AccountId = AccountId(uuid::Uuid::from_u128(5));
/// The site's account for what sales earned.
pub const SALES_REVENUE: AccountId = AccountId(uuid::Uuid::from_u128(6));
/// The site's account for what was waived.
pub const WRITE_OFFS: AccountId = AccountId(uuid::Uuid::from_u128(7));
/// The site's account behind payments at desks and pay points.
pub const TAKINGS: AccountId = AccountId(uuid::Uuid::from_u128(4));
