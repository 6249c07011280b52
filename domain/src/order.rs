//! What operators ask for at tills and desks: sales, top-ups, refunds, acts and overrides.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    facts::EventKind,
    ids::{DecisionId, DeviceId, GoodId, LockerId, MemberId, OperatorId, TariffId, Uid},
    ledger::Purpose,
    money::Money,
    params::Value,
    reasons::Reason,
    registry::Registry,
    rows::ParamKey,
    sales::Receipt,
    state::Transaction,
    time::Timestamp,
};

/// No amount or price is above this, in minor units (our choice).
pub const AMOUNT_MAX: Money = Money(100_000_000_000);

/// One order. It is known by (terminal, session, receipt), as a device's message is by (device,
/// boot, sequence), so that it takes effect once however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who acts.
    pub operator: OperatorId,
    /// The second person, where one confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Second>,
    /// What is asked.
    pub what: What,
}

/// A second person's confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Who.
    pub operator: OperatorId,
    /// The terminal or reader where it was given.
    pub terminal: DeviceId,
    /// When.
    pub at: Timestamp,
}

/// What is asked at a till.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Goods and services.
    Sale {
        /// Who buys, if that is known.
        buyer: Option<Uid>,
        /// The lines.
        lines: Vec<Line>,
        /// The part that is paid in cash.
        cash: Money,
        /// The part that is paid by card.
        card: Money,
        /// Who pays what is left then.
        #[serde(default)]
        rest: Rest,
        /// The age that a document shows, where the buyer is not known.
        age_shown: Option<i64>,
    },
    /// Money into a wallet.
    Topup {
        /// Whose.
        holder: Uid,
        /// How much.
        amount: Money,
        /// Whether it is paid in cash.
        cash: bool,
    },
    /// Money back from a wallet.
    Refund {
        /// Whose.
        holder: Uid,
        /// How much.
        amount: Money,
        /// Whether it is paid out in cash.
        cash: bool,
    },
    /// A receipt is taken back as a whole, in the session that it was made in.
    Void {
        /// The receipt, as it is on record.
        receipt: Box<Receipt>,
        /// Why.
        reason: String,
    },
    /// Goods come back.
    Return {
        /// The receipt, as it is on record.
        receipt: Box<Receipt>,
        /// How many of each line.
        counts: Vec<u32>,
        /// Whether it is paid out in cash, else by card.
        cash: bool,
        /// Why.
        reason: String,
    },
    /// Cash goes in or out, or is counted.
    Cash(CashOrder),
    /// A debt is paid, in whole or in part, the oldest first.
    Settle {
        /// Whose.
        holder: Uid,
        /// How much.
        amount: Money,
        /// Whether it is paid in cash.
        cash: bool,
    },
    /// A wrong charge of a gate or locker is taken back.
    Correct {
        /// The charge, as it is on record.
        charge: Box<Transaction>,
        /// Who was charged, as far as that is on record.
        member: Option<MemberId>,
        /// What was waived since of the debt behind that wallet.
        waived: Money,
        /// Why.
        reason: String,
    },
    /// Something else that an operator does, one of [`crate::params::ACTIONS`].
    Act(Act),
    /// A change of what is known of people and what they carry.
    Registry(Box<Registry>),
    /// Lifting the reasons of a refusal once.
    Override(Override),
}

/// Who pays what the amounts that were named leave of a sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// The buyer's wallet.
    #[default]
    Wallet,
    /// The buyer in cash, rounded to the smallest coin.
    Cash,
    /// The buyer by card.
    Card,
    /// Nobody: nothing is left.
    Nobody,
}

/// One line of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What is sold.
    pub sells: Sells,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// What one costs, where the cashier says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The discount in percent.
    #[serde(default)]
    pub discount: i64,
}

const fn one() -> u32 {
    1
}

impl Line {
    /// One of a thing at the price that the list says.
    #[must_use]
    pub const fn of(sells: Sells) -> Self {
        Self { sells, count: 1, price: None, discount: 0 }
    }
}

/// What a line sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sells {
    /// Goods or a service.
    Good(GoodId),
    /// A pass of a tariff.
    Tariff {
        /// The tariff.
        tariff: TariffId,
        /// Whose pass it is; nothing is the buyer's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
        /// From when.
        #[serde(default, skip_serializing_if = "Begins::is_usual")]
        begins: Begins,
    },
    /// Money into the buyer's wallet.
    TopUp,
    /// What the buyer owes, in whole or in part; only on the receipts of [`What::Settle`].
    Debt,
    /// The deposit for a band.
    Deposit {
        /// The band.
        uid: Uid,
    },
    /// The deposit for a band that came back.
    DepositBack {
        /// The band.
        uid: Uid,
    },
    /// The fee for a lost band.
    LostBand {
        /// The band.
        uid: Uid,
    },
}

/// From when a pass counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Begins {
    /// The first day; nothing is today, or the day after the pass of the tariff that its holder
    /// has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Whether it may count beside another pass of the tariff.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

impl Begins {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Sells {
    /// Whether it is about one band in particular.
    pub(crate) const fn is_of_one_band(&self) -> bool {
        matches!(self, Self::Deposit { .. } | Self::DepositBack { .. } | Self::LostBand { .. })
    }
}

/// What is done with a drawer beside selling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashOrder {
    /// A session begins with so much cash.
    Open {
        /// The float.
        float: Money,
    },
    /// Cash is put in.
    PutIn {
        /// How much.
        amount: Money,
        /// Why.
        reason: String,
    },
    /// Cash is taken out.
    TakeOut {
        /// How much.
        amount: Money,
        /// Why.
        reason: String,
    },
    /// The session ends, and this is what was counted.
    Close {
        /// The cash in the drawer.
        counted: Money,
    },
}

/// A value of a parameter that is set or taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Which, and where.
    pub key: ParamKey,
    /// The value; nothing takes away what the database says, so that the rule files count again.
    pub value: Option<Value>,
}

/// Something that an operator does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Which of the actions.
    pub action: String,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The locker that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locker: Option<LockerId>,
    /// The value that it sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
}

/// An override: it lifts the named reasons of one decision, once (`decisions.md` 9 of the
/// specification).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The decision that refused.
    pub decision: DecisionId,
    /// Its gate.
    pub gate: DeviceId,
    /// What was read there.
    pub uid: Uid,
    /// What was asked there.
    pub kind: EventKind,
    /// The reasons that it lifts.
    pub codes: Vec<Reason>,
    /// Why.
    pub reason: OverrideReason,
    /// Why, in words; needed where the reason is `other`.
    pub text: String,
    /// What is waived of the debt.
    pub waived: Money,
}

/// Why a refusal is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideReason {
    /// The gate did not turn.
    PassageFailed,
    /// It was paid somewhere else.
    PaymentConfirmedElsewhere,
    /// A document was shown.
    DocumentShown,
    /// A mistake of the staff.
    StaffError,
    /// A device does not work.
    DeviceFault,
    /// For a child's sake.
    ChildWelfare,
    /// The person moves with difficulty.
    ReducedMobility,
    /// Police or ambulance.
    PoliceOrAmbulance,
    /// A favour.
    Goodwill,
    /// A test.
    Test,
    /// Something else, told in words.
    Other,
}

/// The least that `other` has to be explained with (our choice).
pub const OTHER_CHARS_MIN: usize = 10;

impl Override {
    /// Whether it says why.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        let told = self.text.trim().chars().count() >= OTHER_CHARS_MIN;
        told || self.reason != OverrideReason::Other
    }
}

impl What {
    /// The kind of decision that it asks for.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Sale { .. } => EventKind::Sale,
            Self::Topup { .. } => EventKind::Topup,
            Self::Refund { .. } | Self::Return { .. } => EventKind::Refund,
            Self::Void { .. }
            | Self::Cash(_)
            | Self::Settle { .. }
            | Self::Correct { .. }
            | Self::Act(_)
            | Self::Registry(_)
            | Self::Override(_) => EventKind::Operator,
        }
    }
    /// What makes no sense of it, whoever orders it.
    #[must_use]
    pub fn nonsense(&self) -> Option<&'static str> {
        let none = Money::ZERO;
        let above = |amount: &Money| (*amount <= none).then_some("the amount is above zero");
        let least =
            |amount: &Money| (*amount < none).then_some("a drawer holds nothing at the least");
        let most = |amount: &Money| (*amount > AMOUNT_MAX).then_some("no amount is so high");
        match self {
            Self::Topup { amount, .. }
            | Self::Refund { amount, .. }
            | Self::Settle { amount, .. }
            | Self::Cash(CashOrder::PutIn { amount, .. } | CashOrder::TakeOut { amount, .. }) => {
                above(amount).or(most(amount))
            }
            Self::Cash(
                CashOrder::Open { float: amount } | CashOrder::Close { counted: amount },
            ) => least(amount).or(most(amount)),
            Self::Void { reason, .. }
            | Self::Return { reason, .. }
            | Self::Correct { reason, .. } => {
                reason.trim().is_empty().then_some("say why it is taken back")
            }
            Self::Override(lifts) if lifts.codes.is_empty() => {
                Some("name the reasons that are lifted")
            }
            Self::Override(lifts) if lifts.waived < none => {
                Some("what is waived is not below zero")
            }
            Self::Override(lifts) if !lifts.is_explained() => {
                Some("an override for `other` is explained in ten characters at least")
            }
            _ => None,
        }
    }
    /// What its transaction is about.
    pub(crate) const fn purpose(&self) -> Purpose {
        match self {
            Self::Topup { .. } => Purpose::TopUp,
            Self::Refund { .. } => Purpose::Refund,
            Self::Void { .. } | Self::Correct { .. } => Purpose::Reversal,
            Self::Return { .. } => Purpose::Return,
            Self::Cash(CashOrder::Close { .. }) => Purpose::CashCount,
            Self::Cash(_) => Purpose::CashMove,
            Self::Settle { .. } => Purpose::Payment,
            Self::Override(_) => Purpose::WriteOff,
            Self::Sale { .. } | Self::Act(_) | Self::Registry(_) => Purpose::Sale,
        }
    }
    /// The action that the operator needs the right to.
    #[must_use]
    pub fn action(&self) -> &str {
        match self {
            Self::Sale { .. } => "sale",
            Self::Topup { .. } => "topup",
            Self::Refund { .. } | Self::Return { .. } => "refund",
            Self::Void { .. } => "void",
            Self::Cash(CashOrder::TakeOut { .. }) => "cash_pickup",
            Self::Cash(_) => "cash_session",
            Self::Settle { .. } => "take_payment",
            Self::Correct { .. } => "balance_adjust",
            Self::Act(act) => &act.action,
            Self::Registry(change) => change.action(),
            Self::Override(_) => "override",
        }
    }
    /// Whose money or passage it is about.
    #[must_use]
    pub const fn holder(&self) -> Option<&Uid> {
        match self {
            Self::Sale { buyer, .. } => buyer.as_ref(),
            Self::Topup { holder, .. }
            | Self::Refund { holder, .. }
            | Self::Settle { holder, .. } => Some(holder),
            Self::Override(lifts) => Some(&lifts.uid),
            Self::Act(_)
            | Self::Registry(_)
            | Self::Void { .. }
            | Self::Return { .. }
            | Self::Correct { .. }
            | Self::Cash(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_above_zero_and_no_higher_than_any_account_holds() {
        let nonsense = |amount| {
            let of = |what: What| what.nonsense().is_some();
            let holder = Uid::from("W1");
            [
                of(What::Topup { holder: holder.clone(), amount, cash: true }),
                of(What::Refund { holder: holder.clone(), amount, cash: true }),
                of(What::Settle { holder, amount, cash: true }),
                of(What::Cash(CashOrder::PutIn { amount, reason: "coins".to_owned() })),
            ]
        };
        for amount in [Money(1), AMOUNT_MAX] {
            assert_eq!(nonsense(amount), [false; 4], "{amount:?}");
        }
        for amount in [Money(-1), Money::ZERO, AMOUNT_MAX + Money(1)] {
            assert_eq!(nonsense(amount), [true; 4], "{amount:?}");
        }
    }
}
