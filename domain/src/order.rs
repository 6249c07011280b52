//! What operators ask for at tills and desks: sales, top-ups, refunds, acts and overrides.

use serde::{Deserialize, Serialize};

use crate::{
    facts::EventKind,
    ids::{DecisionId, DeviceId, LockerId, MemberId, OperatorId, Uid},
    money::Money,
    params::Value,
    reasons::Reason,
    registry::Registry,
    rows::ParamKey,
    time::Timestamp,
};

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
        /// Whose wallet pays what cash and card do not, if anybody's.
        buyer: Option<Uid>,
        /// The lines.
        lines: Vec<Line>,
        /// The part that is paid in cash.
        cash: Money,
        /// The part that is paid by card.
        card: Money,
        /// The age that a document shows, where the buyer is not known.
        age_shown: Option<i64>,
        /// Who approved what the operator may not do alone.
        approved_by: Option<OperatorId>,
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
    /// Something else that an operator does, one of [`crate::params::ACTIONS`].
    Act(Act),
    /// A change of what is known of people and what they carry.
    Registry(Box<Registry>),
    /// Lifting the reasons of a refusal once.
    Override(Override),
}

/// One line of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What is sold; of a lost band its number.
    pub item: String,
    /// What it costs without a discount.
    pub price: Money,
    /// The discount in percent.
    pub discount: i64,
    /// The category of goods, such as `alcohol`, or empty; `lost_band` is the fee for a band.
    pub category: String,
}

impl Line {
    /// The price less the discount, half up to the minor unit.
    #[must_use]
    pub const fn discounted(&self) -> Money {
        let hundredths = self.price.minor().saturating_mul(100 - self.discount);
        Money((hundredths.saturating_add(50)).div_euclid(100))
    }
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
            Self::Refund { .. } => EventKind::Refund,
            Self::Act(_) | Self::Registry(_) | Self::Override(_) => EventKind::Operator,
        }
    }
    /// What makes no sense of it, whoever orders it.
    #[must_use]
    pub fn nonsense(&self) -> Option<&'static str> {
        let none = Money::ZERO;
        match self {
            Self::Sale { lines, cash, card, .. } => {
                let total: Money = lines.iter().map(Line::discounted).sum();
                let fits = |line: &Line| line.price >= none && (0..=100).contains(&line.discount);
                let sums = *cash >= none && *card >= none && *cash + *card <= total;
                (!sums || !lines.iter().all(fits)).then_some(
                    "a price, a discount from 0 to 100 %, and what is paid, up to the total, are \
                     not below zero; pay back with a refund",
                )
            }
            Self::Topup { amount, .. } | Self::Refund { amount, .. } => {
                (*amount <= none).then_some("the amount is above zero")
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
    /// The action that the operator needs the right to.
    #[must_use]
    pub fn action(&self) -> &str {
        match self {
            Self::Sale { .. } => "sale",
            Self::Topup { .. } => "topup",
            Self::Refund { .. } => "refund",
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
            Self::Topup { holder, .. } | Self::Refund { holder, .. } => Some(holder),
            Self::Override(lifts) => Some(&lifts.uid),
            Self::Act(_) | Self::Registry(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_are_rounded_half_up_by_line() {
        for (price, discount, left) in
            [(980, 15, 833), (1, 50, 1), (3, 50, 2), (100, 0, 100), (100, 100, 0), (999, 10, 899)]
        {
            let line = Line {
                item: String::new(),
                price: Money(price),
                discount,
                category: String::new(),
            };
            assert_eq!(line.discounted(), Money(left), "{price} less {discount} %");
        }
    }
}
