//! Tills and desks: who is signed in, what waits for a second person, which refusals are lifted.

use serde::{Deserialize, Serialize};

use crate::{
    facts::EventKind,
    ids::{DecisionId, OperatorId},
    money::Money,
    order::Order,
    reasons::Reason,
    time::Timestamp,
};

/// A till, a desk or a pay point, as far as gates depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Whether it is heard of.
    pub online: bool,
    /// Who is signed in.
    pub operator: Option<String>,
    /// The cash in its drawer.
    #[serde(default)]
    pub drawer: Money,
}

/// An order that lacks nothing but a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingOrder {
    /// What is asked.
    pub order: Order,
    /// The decision that found nothing else lacking: who confirms names it.
    #[serde(default = "no_decision")]
    pub decision: DecisionId,
    /// What it came to when it was ordered, where that may change meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Since when it waits.
    pub at: Timestamp,
    /// Boot and sequence of the terminal's message.
    pub source: Option<(u64, u64)>,
    /// Its own key, if its sender gave it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<OrderKey>,
}

/// Of a row that was written before orders that wait named theirs.
const fn no_decision() -> DecisionId {
    DecisionId(uuid::Uuid::nil())
}

/// The token of an override: it lifts the reasons of one refusal once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The decision that refused: it is lifted once.
    pub original: DecisionId,
    /// Whether somebody went through by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
    /// The decision that issued it.
    pub decision: DecisionId,
    /// What was refused.
    pub kind: EventKind,
    /// The reasons that it lifts.
    pub codes: Vec<Reason>,
    /// Who issued it.
    pub operator: OperatorId,
    /// The last instant at which it opens.
    pub until: Timestamp,
}

/// What tells an order that was sent again from another one: the key that its sender gave it, and
/// what it was about, as a digest under the site's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    /// The key.
    pub key: String,
    /// The digest.
    pub content: Box<str>,
}

/// The key of an answer that was given: keys are each operator's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnswerKey {
    /// Who ordered.
    pub operator: OperatorId,
    /// The key of the order.
    pub key: String,
}

/// An answer that was given; the same order again gets it again and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What the order was about, as a digest.
    pub content: Box<str>,
    /// The decision on it.
    pub decision: DecisionId,
    /// When.
    pub at: Timestamp,
}
