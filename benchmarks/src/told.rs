//! What an engine answered, in a form in which answers can be compared.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use domain::{
    combine::combine,
    facts::EventKind,
    reasons::{Class, Reason},
    verdict::{Detail, Finding, Origin, Outcome},
};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) class: String,
    pub(crate) code: String,
    /// Amounts, counts and times as numbers; whether an alarm goes with it.
    pub(crate) details: BTreeMap<String, String>,
}

impl Told {
    /// What a peer says of one reason: a class, a code, and details.
    pub(crate) fn of_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut details: BTreeMap<_, _> = pairs.into_iter().collect();
        let class = details.remove("class").context("a reason has no class")?;
        let code = details.remove("code").context("a reason has no code")?;
        details.retain(|name, value| value != "null" && (name != "alarm" || value == "true"));
        Ok(Self { class, code, details })
    }

    /// What Kari's own checks say.
    pub(crate) fn of_finding(found: &Finding) -> Self {
        let text = |detail: &Detail| match detail {
            Detail::Money(amount) => amount.minor().to_string(),
            Detail::Count(count) => count.to_string(),
            Detail::Time(at) => at.micros().to_string(),
            Detail::Span(span) => span.whole_seconds().to_string(),
            Detail::Word(word) => word.clone(),
        };
        let details = found.details.iter().map(|(name, detail)| (name.clone(), text(detail)));
        let alarm = found.alarm.then(|| ("alarm".to_owned(), "true".to_owned()));
        Self {
            class: name_of(found.class).to_owned(),
            code: found.reason.code().to_owned(),
            details: details.chain(alarm).collect(),
        }
    }

    fn finding(&self) -> Result<Finding> {
        let reason = Reason::of(&self.code).with_context(|| format!("no reason {}", self.code))?;
        let class = CLASSES.iter().find(|(_, name)| *name == self.class);
        let (class, _) = class.with_context(|| format!("no class {}", self.class))?;
        let (origin, details) = (Origin::Floor, Vec::new());
        Ok(Finding { reason, class: *class, origin, alarm: false, details })
    }
}

const CLASSES: &[(Class, &str)] = &[
    (Class::Deny, "deny"),
    (Class::Hold, "hold"),
    (Class::Warn, "warn"),
    (Class::Charge, "charge"),
    (Class::Grant, "note"),
];

fn name_of(class: Class) -> &'static str {
    CLASSES.iter().find(|(known, _)| *known == class).map_or("", |(_, name)| name)
}

/// What the reasons of an answer come to.
pub(crate) fn outcome(kind: EventKind, told: &[Told]) -> Result<Outcome> {
    let findings = told.iter().map(Told::finding).collect::<Result<Vec<_>>>()?;
    Ok(combine(kind, findings, &[]).outcome)
}
