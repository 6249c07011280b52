//! What tills sell and keep: goods, price lists, drawers, deposits, and what is still to be earned.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    deposits::IfLost,
    ids::{MemberId, OperatorId, TariffId},
    money::{Money, Vat},
    order::Sells,
    time::Timestamp,
};

/// Something that is sold at tills and is no pass: goods and services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Good {
    /// What people call it.
    pub name: String,
    /// What one of it costs, before any price list.
    pub price: Money,
    /// Whether the cashier says what it costs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open_price: bool,
    /// Its category, such as `alcohol` (parameter 48), or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// The value added tax that its price includes, where it is not the site's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat: Option<Vat>,
    /// Whether it is sold no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// Other prices for a time: mornings, weekends, holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceList {
    /// When it is in force, written as windows are (parameter 10): `Mon-Fri 07:00-12:00`.
    pub windows: String,
    /// Of several lists that are in force and price the same, the one of the highest rank counts.
    pub rank: i64,
    /// The prices, by the item or tariff.
    pub prices: BTreeMap<String, Money>,
}

/// A till's drawer and its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawer {
    /// The last receipt that was numbered here.
    pub receipts: u64,
    /// The last session.
    pub sessions: u64,
    /// The session that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// What receipts were about: what is sold and money that only changes its place are never one sum
/// (section 15 of the decisions). Together they are what was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Blocks {
    /// Goods and services sold, tax included.
    pub goods: Money,
    /// Passes sold.
    pub passes: Money,
    /// What was taken back of both.
    pub returned: Money,
    /// What rounding of cash gave the guests; below zero what it took.
    pub rounding: Money,
    /// What was put into wallets.
    pub top_ups: Money,
    /// Deposits that were paid.
    pub deposits: Money,
    /// What was paid out of wallets.
    pub paid_out: Money,
    /// Deposits that went back.
    pub deposits_back: Money,
    /// Debts that were paid.
    pub debts: Money,
}

impl Blocks {
    /// Of nothing.
    pub const NONE: Self = Self {
        goods: Money::ZERO,
        passes: Money::ZERO,
        returned: Money::ZERO,
        rounding: Money::ZERO,
        top_ups: Money::ZERO,
        deposits: Money::ZERO,
        paid_out: Money::ZERO,
        deposits_back: Money::ZERO,
        debts: Money::ZERO,
    };

    /// What was sold less what was taken back and rounded.
    #[must_use]
    pub fn sold(&self) -> Money {
        self.goods + self.passes - self.returned - self.rounding
    }

    /// What was prepaid less what of it was paid out.
    #[must_use]
    pub fn prepaid(&self) -> Money {
        self.top_ups + self.deposits - self.paid_out - self.deposits_back
    }

    /// What was paid in all, whatever the way.
    #[must_use]
    pub fn total(&self) -> Money {
        self.sold() + self.prepaid() + self.debts
    }

    /// Counts a line of a receipt; `back` where that takes something back. Prepaid money and debts
    /// that are taken back count less in their own line.
    pub(crate) fn count(&mut self, sells: &Sells, gross: Money, back: bool) {
        let (part, amount) = match sells {
            Sells::TopUp if (gross < Money::ZERO) == back => (&mut self.top_ups, gross),
            Sells::TopUp => (&mut self.paid_out, -gross),
            Sells::Deposit { .. } => (&mut self.deposits, gross),
            Sells::DepositBack { .. } => (&mut self.deposits_back, -gross),
            Sells::Debt => (&mut self.debts, gross),
            Sells::Good(_) | Sells::LostBand { .. } | Sells::Tariff { .. } if back => {
                (&mut self.returned, -gross)
            }
            Sells::Good(_) | Sells::LostBand { .. } => (&mut self.goods, gross),
            Sells::Tariff { .. } => (&mut self.passes, gross),
        };
        *part = *part + amount;
    }
}

/// A cashier's session at a till, with what went through it: what an X report tells, and a Z report
/// at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number at this till, from 1.
    pub number: u64,
    /// Who opened it.
    pub operator: OperatorId,
    /// Since when.
    pub opened: Timestamp,
    /// The cash that it began with.
    pub float: Money,
    /// Cash that was put in beside sales.
    pub cash_in: Money,
    /// Cash that was taken out beside refunds.
    pub cash_out: Money,
    /// Receipts.
    pub receipts: u64,
    /// Receipts taken back.
    pub voids: u64,
    /// What its receipts were about.
    #[serde(flatten)]
    pub blocks: Blocks,
    /// What was taken off prices.
    pub discounts: Money,
    /// What was paid, by the way it was paid: `cash`, `card`, `wallet`.
    pub paid: BTreeMap<String, Money>,
    /// The tax in it, by rate.
    pub vat: BTreeMap<String, Money>,
}

impl Session {
    /// A session that nothing went through yet.
    #[must_use]
    pub const fn new(number: u64, operator: OperatorId, opened: Timestamp, float: Money) -> Self {
        Self {
            number,
            operator,
            opened,
            float,
            cash_in: Money::ZERO,
            cash_out: Money::ZERO,
            receipts: 0,
            voids: 0,
            blocks: Blocks::NONE,
            discounts: Money::ZERO,
            paid: BTreeMap::new(),
            vat: BTreeMap::new(),
        }
    }

    /// The cash that the drawer should hold.
    #[must_use]
    pub fn expected(&self) -> Money {
        let cash = self.paid.get("cash").copied().unwrap_or(Money::ZERO);
        self.float + cash + self.cash_in - self.cash_out
    }
}

/// What was taken back of a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// How many of each line, in the order of the lines.
    pub counts: Vec<u32>,
    /// How often something was taken back.
    pub times: u32,
    /// What was given back for it in cash.
    #[serde(default)]
    pub cash: Money,
    /// And over the card terminal.
    #[serde(default)]
    pub card: Money,
    /// When last.
    pub at: Timestamp,
}

/// A deposit that was paid for a band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandDeposit {
    /// How much.
    pub amount: Money,
    /// By whom, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// When.
    pub at: Timestamp,
    /// The receipt that it was paid on; deposits of earlier versions do not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptKey>,
    /// What becomes of it when the band is lost, by the terms on which it was paid.
    #[serde(default, skip_serializing_if = "IfLost::is_default")]
    pub if_lost: IfLost,
}

/// Which prepaid money is earned on which day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EarningKey {
    /// The local day.
    pub day: Date,
    /// Of which tariff's passes.
    pub tariff: TariffId,
}

/// What is earned once a day is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earning {
    /// How much, without tax.
    pub amount: Money,
    /// The end of the day.
    pub due: Timestamp,
}

/// The number of a receipt: each till counts its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// The till.
    pub till: crate::ids::DeviceId,
    /// Its number there, from 1.
    pub number: u64,
}

impl std::fmt::Display for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.till, self.number)
    }
}

impl std::str::FromStr for ReceiptKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('/');
        let read = parts.and_then(|(till, number)| {
            Some(Self { till: till.into(), number: number.parse().ok()? })
        });
        read.ok_or_else(|| format!("`{text}` is no receipt such as till-1/17"))
    }
}
