//! Rows of what operators order, and of what waits for a second person.

use domain::{
    facts::EventKind,
    ids::{DecisionId, OperatorId},
    money::Money,
    order::{Act, Order, What},
    params::{Param, Value},
    reasons::Reason,
    rows::{AnswerKey, Answered, OrderKey, ParamKey, PendingOrder, SetParam, Token},
    scope::Scope,
};

use super::{NOW, id};

pub(super) fn answer_key() -> AnswerKey {
    AnswerKey { operator: "nino".into(), key: "k-1".to_owned() }
}

pub(super) fn answered() -> Answered {
    Answered { content: "beef".into(), decision: DecisionId(id(50)), at: NOW }
}

pub(super) fn limit() -> ParamKey {
    ParamKey { param: Param::ZoneMaxOccupancy, scope: Scope::Zone("pool".into()) }
}

pub(super) fn twelve() -> SetParam {
    let value = Value::parse(Param::ZoneMaxOccupancy, "12").unwrap();
    SetParam { value, by: "nino".into(), at: NOW }
}

pub(super) fn pending_order() -> PendingOrder {
    let act = Act { action: "emergency_reset".to_owned(), ..Act::default() };
    let order = Order { operator: "nino".into(), second: None, what: What::Act(act) };
    let key = Some(OrderKey { key: "k-1".to_owned(), content: "beef".into() });
    PendingOrder {
        order,
        decision: DecisionId(id(78)),
        price: Some(Money(499)),
        at: NOW,
        source: Some((u64::MAX, 3)),
        key,
    }
}

pub(super) fn token() -> Token {
    Token {
        original: DecisionId(id(51)),
        used: true,
        decision: DecisionId(id(50)),
        kind: EventKind::Entry,
        codes: vec![Reason::AntiPassback],
        operator: OperatorId::from("nino"),
        until: NOW,
    }
}
