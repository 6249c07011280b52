//! Decisions as the API and the page show them: codes for programs beside words for people.

use domain::{
    decision::Decision,
    event::Direction,
    facts::{Fact, Facts},
    money::Currency,
    verdict::{Finding, Origin},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::wording::Wording;

/// One decision. Times are RFC 3339 in UTC; `time` and `date` are local, for people.
#[derive(Debug, Serialize)]
pub(crate) struct DecisionView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_id: Option<String>,
    at: String,
    received: String,
    date: String,
    time: String,
    gate: String,
    direction: &'static str,
    direction_word: String,
    outcome: &'static str,
    outcome_word: String,
    opens: bool,
    who: String,
    sentence: String,
    guest: String,
    reasons: Vec<ReasonView>,
    also: Vec<ReasonView>,
    rule_set: String,
}

/// One reason.
#[derive(Debug, Serialize)]
struct ReasonView {
    code: &'static str,
    class: domain::reasons::Class,
    alarm: bool,
    sentence: String,
    values: Vec<String>,
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Value>,
}

impl DecisionView {
    /// `decision` in words; `feed_id` where it comes from the feed or a list.
    pub(crate) fn new(decision: &Decision, feed_id: Option<String>, words: &Wording) -> Self {
        let verdict = &decision.verdict;
        let reason = |found: &Finding| ReasonView::new(decision, found, words);
        let date_time = words.date_time(decision.at);
        Self {
            id: decision.id.to_string(),
            feed_id,
            at: decision.at.to_string(),
            received: decision.received.to_string(),
            date: date_time.split(' ').next().unwrap_or_default().to_owned(),
            time: words.clock_time(decision.at),
            gate: decision.device.to_string(),
            direction: decision.direction.map_or(decision.kind.name(), Direction::name),
            direction_word: words.direction(decision),
            outcome: verdict.outcome.name(),
            outcome_word: words.outcome(verdict.outcome),
            opens: verdict.outcome.opens(),
            who: words.who(decision),
            sentence: words.summary(decision),
            guest: words.guest(decision),
            reasons: verdict.reasons.iter().map(reason).collect(),
            also: verdict.also.iter().map(reason).collect(),
            rule_set: decision.rule_set.clone(),
        }
    }
}

impl ReasonView {
    fn new(decision: &Decision, found: &Finding, words: &Wording) -> Self {
        let desk = words.desk_finding(decision, found);
        let rule = match &found.origin {
            Origin::Rule { file, line } => Some(json!({ "file": file, "line": line })),
            Origin::Floor => None,
        };
        Self {
            code: found.reason.code(),
            class: found.class,
            alarm: found.alarm,
            sentence: desk.sentence,
            values: desk.values,
            origin: desk.origin,
            rule,
        }
    }
}

/// The facts by name; amounts with their currency.
pub(crate) fn facts(facts: &Facts, currency: &Currency) -> Value {
    let mut all = Map::new();
    facts.each(|name, fact| {
        let value = match fact {
            Fact::Bool(yes) => json!(yes),
            Fact::Int(number) => json!(number),
            Fact::Money(amount) => {
                json!({ "amount": currency.exact(amount).to_string(), "currency": currency.code })
            }
            Fact::Word(word) => json!(word),
            Fact::Time(at) => json!(at.map(|at| at.to_string())),
        };
        all.insert(name.to_owned(), value);
    });
    Value::Object(all)
}
