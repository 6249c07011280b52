//! Sentences for a verdict, made when they are read, in the asked language.

use domain::{
    decision::Decision,
    event::Direction,
    facts::EventKind,
    money::Currency,
    params::Param,
    reasons::{Condition, Reason},
    scope::{Scope, Supplied},
    verdict::{Finding, Origin, Outcome},
};
use fluent_bundle::FluentArgs;
use jiff::tz::TimeZone;

mod audit;
mod blanks;
pub mod language;
mod remedy;
mod texts;
mod till;

use language::Language;
use texts::Texts;

/// Makes sentences in one language for one site.
#[derive(Clone, Debug)]
pub struct Wording {
    language: Language,
    texts: &'static Texts,
    currency: Currency,
    time_zone: TimeZone,
}

/// What the desk reads of one finding, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskFinding {
    /// The sentence.
    pub sentence: String,
    /// The values behind it: `parameter = value, from scope`.
    pub values: Vec<String>,
    /// The rule with its file and line, or that it is built in.
    pub origin: String,
}

impl Wording {
    /// Sentences in `language`, amounts in `currency`, times of `time_zone`.
    #[must_use]
    pub fn new(language: Language, currency: Currency, time_zone: TimeZone) -> Self {
        Self { language, texts: Texts::of(language), currency, time_zone }
    }

    /// The language.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The word for an outcome.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> String {
        self.word(&format!("outcome-{}", outcome.name()))
    }

    /// The sentence for a condition.
    #[must_use]
    pub fn condition(&self, condition: Condition) -> String {
        self.word(&format!("condition-{}", texts::code(&condition)))
    }

    /// A message without blanks, by its id.
    #[must_use]
    pub fn word(&self, id: &str) -> String {
        self.texts.say(id, &FluentArgs::new())
    }

    /// What the guest reads at the gate: the primary reason, without debts and names.
    #[must_use]
    pub fn guest(&self, decision: &Decision) -> String {
        let first = decision.verdict.reasons.first();
        let mut args = match first {
            Some(found) => self.blanks(decision, found, blanks::Style::Guest),
            None => FluentArgs::new(),
        };
        let place = match decision.kind {
            EventKind::LockerOpen | EventKind::LockerClose => "locker",
            _ => "till",
        };
        args.set("direction", decision.direction.map_or(place, Direction::name));
        args.set("gate", if decision.verdict.outcome.opens() { "open" } else { "closed" });
        let reason = first.map_or(Reason::Granted, |found| found.reason);
        self.texts.say(&format!("guest-{}", reason.code()), &args)
    }

    /// What the desk reads, a line for each reason: the sentence; the values behind it; the rule.
    #[must_use]
    pub fn desk(&self, decision: &Decision) -> Vec<String> {
        let verdict = &decision.verdict;
        let line = |found: &Finding| {
            let DeskFinding { sentence, values, origin } = self.desk_finding(decision, found);
            [vec![sentence], values, vec![origin]].concat().join("; ")
        };
        let also = verdict.also.iter().map(|found| self.with("also", "sentence", line(found)));
        let missing = verdict.missing.iter().map(|why| {
            let why = self.word(&format!("missing-{}", texts::code(why)));
            self.with("not-held", "why", why)
        });
        verdict.reasons.iter().map(line).chain(also).chain(missing).collect()
    }

    /// What the desk reads of one finding.
    #[must_use]
    pub fn desk_finding(&self, decision: &Decision, found: &Finding) -> DeskFinding {
        let named = found.reason.spec().params;
        let values = decision.verdict.values.iter().filter(|value| named.contains(&value.param));
        DeskFinding {
            sentence: self.desk_sentence(decision, found),
            values: values.map(|value| self.supplied(value)).collect(),
            origin: self.origin(&found.origin),
        }
    }

    /// One line for a terminal: time, gate, outcome, who, and the sentences.
    #[must_use]
    pub fn line(&self, decision: &Decision, name: Option<&str>) -> String {
        let place = format!("{} {}", decision.device, self.direction(decision));
        let width = self.outcome_width();
        let outcome = self.outcome(decision.verdict.outcome);
        let who = name.map_or_else(|| self.who(decision), str::to_owned);
        format!(
            "{}  {place:<14}  {outcome:<width$}  {who} · {}",
            self.clock_time(decision.at),
            self.summary(decision),
        )
    }

    /// The sentences of all reasons that made the outcome, in one line.
    #[must_use]
    pub fn summary(&self, decision: &Decision) -> String {
        let found = decision.verdict.reasons.iter();
        let sentences: Vec<_> = found.map(|found| self.desk_sentence(decision, found)).collect();
        sentences.join("; ")
    }

    /// Who asked: a member by the end of his key, or what was read.
    #[must_use]
    pub fn who(&self, decision: &Decision) -> String {
        if let Some(member) = decision.member {
            let key = member.to_string();
            return self.with("who-member", "id", key[key.len().saturating_sub(6)..].to_owned());
        }
        match &decision.unknown_uid {
            // An order may be about nobody.
            Some(uid) if !uid.as_str().is_empty() => self.with("who-card", "uid", uid.to_string()),
            _ => self.word("who-nobody"),
        }
    }

    /// The word for the way through the gate.
    #[must_use]
    pub fn direction(&self, decision: &Decision) -> String {
        let way = decision.direction.map_or(decision.kind.name(), Direction::name);
        self.word(&format!("direction-{way}"))
    }

    fn desk_sentence(&self, decision: &Decision, found: &Finding) -> String {
        if found.reason == Reason::Granted && is_order(decision.kind) {
            return self.word("order-granted");
        }
        let args = self.blanks(decision, found, blanks::Style::Desk);
        self.texts.say(&format!("desk-{}", found.reason.code()), &args)
    }

    fn outcome_width(&self) -> usize {
        const ALL: [Outcome; 6] = [
            Outcome::Grant,
            Outcome::GrantWithWarning,
            Outcome::Hold,
            Outcome::Deny,
            Outcome::Ignore,
            Outcome::Release,
        ];
        ALL.iter().map(|outcome| self.outcome(*outcome).chars().count()).max().unwrap_or(0)
    }

    /// `parameter = value, from scope`.
    fn supplied(&self, supplied: &Supplied) -> String {
        let mut args = FluentArgs::new();
        args.set("parameter", supplied.param.name());
        args.set("value", self.value(supplied.param, supplied));
        match &supplied.scope {
            Some(scope) => {
                args.set("scope", self.scope(scope));
                self.texts.say("value-set", &args)
            }
            None => self.texts.say("value-default", &args),
        }
    }

    fn value(&self, param: Param, supplied: &Supplied) -> String {
        match &supplied.value {
            domain::params::Value::Money(amount) => self.money(*amount),
            other => other.written(param),
        }
    }

    fn scope(&self, scope: &Scope) -> String {
        let name = match scope {
            Scope::Site | Scope::Member(_) => String::new(),
            Scope::Zone(id) => id.to_string(),
            Scope::Device(id) | Scope::Terminal(id) => id.to_string(),
            Scope::Tariff(id) => id.to_string(),
            Scope::Group(id) | Scope::Role(id) => id.to_string(),
        };
        self.with(&format!("scope-{}", scope.kind().name()), "name", name)
    }

    fn origin(&self, origin: &Origin) -> String {
        match origin {
            Origin::Floor => self.word("origin-floor"),
            Origin::Rule { file, line } => {
                let mut args = FluentArgs::new();
                args.set("file", file.as_str());
                args.set("line", line.to_string());
                self.texts.say("origin-rule", &args)
            }
        }
    }

    /// A message with one blank filled.
    pub(crate) fn with(&self, id: &str, blank: &str, value: String) -> String {
        let mut args = FluentArgs::new();
        args.set(blank.to_owned(), value);
        self.texts.say(id, &args)
    }
}

/// Whether it is an operator's order, where nobody passes a gate.
const fn is_order(kind: EventKind) -> bool {
    matches!(kind, EventKind::Sale | EventKind::Topup | EventKind::Refund | EventKind::Operator)
}

#[cfg(test)]
pub(crate) mod tests;
