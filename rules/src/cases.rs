//! Cases: what a rule set must answer. They are run on every reload, before the swap.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use domain::{
    combine::{Combined, combine},
    facts::{
        EVENT_KINDS, EventKind, FACTS, FactKind, FactSpec, Facts, Policy as _, Question, Words,
    },
    money::Money,
    params::{CATALOGUE, Param, Value},
    reasons::{Class, REASONS, Reason},
    scope::Supplied,
    time::Timestamp,
    verdict::{Detail, Outcome},
};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    bundle::SourceFile,
    host,
    load::Names,
    problem::{PROBLEMS_MAX, Problem, cut, did_you_mean, one_of},
    set::RuleSet,
};

/// The most cases of a set.
const CASES_MAX: usize = 10_000;
/// The longest that trying all of them may take (our choice).
const TIME_MAX: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    base: Base,
    #[serde(default, rename = "case")]
    cases: Vec<Spanned<Case>>,
}

/// What all cases of a file share.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    #[serde(default)]
    set: BTreeMap<String, toml::Value>,
    #[serde(default)]
    facts: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    event: String,
    #[serde(default)]
    set: BTreeMap<String, toml::Value>,
    #[serde(default)]
    facts: BTreeMap<String, toml::Value>,
    outcome: String,
    /// Compared as a set; left out where only the outcome counts.
    reasons: Option<Vec<String>>,
    /// The same for the warnings beside a refusal.
    also: Option<Vec<String>>,
    /// What is charged in all; left out where it does not matter.
    charged: Option<String>,
}

/// An ordinary member with a valid pass at an open gate, to whom nothing speaks against; at a till
/// an operator with all rights.
pub(crate) fn ordinary() -> Facts {
    Facts {
        device: "gate-1".to_owned(),
        zone: "pool".to_owned(),
        leaves_site: true,
        credential_state: "active".to_owned(),
        member_age: 30,
        has_pass: true,
        membership_state: "active".to_owned(),
        membership_allowed: true,
        takes_visit: true,
        certificate: "missing".to_owned(),
        site_open: true,
        windows_open: true,
        zone_name: "pool".to_owned(),
        action: "sale".to_owned(),
        action_allowed: true,
        terminal_listed: true,
        terminal_allows: true,
        override_listed: true,
        ..Facts::default()
    }
}

/// What came of trying all cases.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tried {
    /// Cases that fail, or that nobody can read.
    pub(crate) problems: Vec<Problem>,
    /// Cases about places that the site does not have.
    pub(crate) warnings: Vec<Problem>,
}

/// Runs all cases against `set`, at a site that has `names`.
pub(crate) fn run(set: &RuleSet, files: &[SourceFile], names: &Names) -> Tried {
    within(TIME_MAX, set, files, names)
}

fn within(most: Duration, set: &RuleSet, files: &[SourceFile], names: &Names) -> Tried {
    let mut tried = Tried::default();
    let Tried { problems, warnings } = &mut tried;
    let mut count = 0;
    let since = Instant::now();
    for source in files {
        let file: File = match toml::from_str(&source.text) {
            Ok(file) => file,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let help = "the form of a case is in the rule reference";
                problems.push(problem(source, offset, error.message(), help));
                continue;
            }
        };
        count += file.cases.len();
        if count > CASES_MAX {
            let message = format!("there are more than {CASES_MAX} cases");
            problems.push(problem(source, 0, &message, "remove some"));
            break;
        }
        for case in &file.cases {
            if since.elapsed() > most {
                let seconds = most.as_secs();
                let message = format!("the cases take longer than {seconds} s to try");
                problems.push(problem(source, case.span().start, &message, "remove some"));
                return tried;
            }
            if problems.len() >= PROBLEMS_MAX {
                return tried;
            }
            let told = |(message, help): Wrong| {
                let message = format!("case `{}`: {message}", case.get_ref().name);
                problem(source, case.span().start, &message, &help)
            };
            problems.extend(one(set, &file.base, case.get_ref()).err().map(told));
            if warnings.len() < PROBLEMS_MAX {
                warnings.extend(elsewhere(&file.base, case.get_ref(), names).map(told));
            }
        }
    }
    tried
}

/// A place that the site does not have: cases may be shared among sites, so they are only warned
/// of.
fn elsewhere(base: &Base, case: &Case, names: &Names) -> Option<Wrong> {
    let mut given = base.facts.iter().chain(&case.facts);
    given.find_map(|(name, value)| {
        let spec = FACTS.iter().find(|spec| spec.name == name)?;
        never(spec, value, names)
    })
}

/// What is wrong with a word that a fact never is.
fn never(spec: &FactSpec, value: &toml::Value, names: &Names) -> Option<Wrong> {
    let word = value.as_str().filter(|word| !word.is_empty())?;
    let words = names.words(spec).filter(|words| !words.contains(word))?;
    Some((format!("`{}` is never \"{word}\"", spec.name), one_of(word, words.iter().copied())))
}

fn problem(source: &SourceFile, offset: usize, message: &str, help: &str) -> Problem {
    let before = source.text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Problem {
        file: source.name.clone(),
        line: u16::try_from(line).unwrap_or(u16::MAX),
        column: u16::try_from(column).unwrap_or(u16::MAX),
        message: cut(message.to_owned()),
        help: cut(help.to_owned()),
    }
}

/// What is wrong, and what to do.
type Wrong = (String, String);

fn one(set: &RuleSet, base: &Base, case: &Case) -> Result<(), Wrong> {
    let kind = kind(&case.event)?;
    let facts = facts(base.facts.iter().chain(&case.facts))?;
    let values = values(base.set.iter().chain(&case.set))?;
    let wanted = outcome(&case.outcome)?;
    let wanted_codes =
        [codes(case.reasons.as_deref())?, codes(case.also.as_deref())?].map(|codes| {
            codes.map(|mut codes| {
                codes.sort_unstable();
                codes
            })
        });
    let question = Question { kind, facts: &facts, values: &values };
    let found = set.judge(&question).map_err(|fault| {
        (fault.to_string(), "correct the check that the place names".to_owned())
    })?;
    let got = combine(kind, found, &[]);
    let lists = [&got.reasons, &got.also];
    if let Some(text) = &case.charged {
        charged(text, &got)?;
    }
    let same = got.outcome == wanted
        && wanted_codes.iter().zip(lists).all(|(wanted, got)| {
            let mut got: Vec<_> = got.iter().map(|found| found.reason).collect();
            got.sort_unstable();
            wanted.as_ref().is_none_or(|wanted| *wanted == got)
        });
    if same { Ok(()) } else { Err(differs(wanted, &wanted_codes, &got)) }
}

/// Whether the charges that the reasons tell of come to the amount `text`.
fn charged(text: &str, got: &Combined) -> Result<(), Wrong> {
    let wanted = host::money_of(text)
        .ok_or_else(|| (format!("`charged` is `{text}`"), shape(FactKind::Money).to_owned()))?;
    let charges = got.reasons.iter().filter(|found| found.class == Class::Charge);
    let amounts = charges.flat_map(|found| &found.details).filter_map(|(name, detail)| {
        match (name.as_str(), detail) {
            ("amount", Detail::Money(amount)) => Some(*amount),
            _ => None,
        }
    });
    let sum: Money = amounts.sum();
    if sum == wanted {
        return Ok(());
    }
    let shown = host::to_decimal(sum);
    let help = "correct the check, or the case if the charge is wanted now".to_owned();
    Err((format!("expected a charge of {text}; got {shown}"), help))
}

fn differs(outcome: Outcome, codes: &[Option<Vec<Reason>>; 2], got: &Combined) -> Wrong {
    let list = |reasons: &mut dyn Iterator<Item = Reason>| {
        let codes: Vec<_> = reasons.map(Reason::code).collect();
        if codes.is_empty() { "nothing".to_owned() } else { codes.join(", ") }
    };
    let mut wanted = outcome.name().to_owned();
    for (codes, word) in codes.iter().zip(["for", "beside"]) {
        if let Some(codes) = codes {
            wanted = format!("{wanted} {word} {}", list(&mut codes.iter().copied()));
        }
    }
    let reasons = list(&mut got.reasons.iter().map(|found| found.reason));
    let mut given = format!("{} for {reasons}", got.outcome.name());
    if codes[1].is_some() {
        given = format!("{given} beside {}", list(&mut got.also.iter().map(|found| found.reason)));
    }
    let message = format!("expected {wanted}; got {given}");
    (message, "correct the check, or the case if the answer is wanted now".to_owned())
}

fn kind(name: &str) -> Result<EventKind, Wrong> {
    let known = || EVENT_KINDS.iter().map(|kind| kind.name());
    EVENT_KINDS.iter().find(|kind| kind.name() == name).copied().ok_or_else(|| {
        let names = known().collect::<Vec<_>>().join(", ");
        let help = did_you_mean(name, known(), || format!("events are {names}"));
        (format!("no event is called `{name}`"), help)
    })
}

fn outcome(name: &str) -> Result<Outcome, Wrong> {
    let all = [Outcome::Grant, Outcome::GrantWithWarning, Outcome::Hold, Outcome::Deny];
    all.into_iter().find(|outcome| outcome.name() == name).ok_or_else(|| {
        let names = all.map(Outcome::name);
        let help = format!("rules can lead to {}", names.join(", "));
        (format!("no outcome of rules is called `{name}`"), help)
    })
}

fn codes(names: Option<&[String]>) -> Result<Option<Vec<Reason>>, Wrong> {
    let code = |name: &String| {
        Reason::of(name).ok_or_else(|| {
            let known = REASONS.iter().map(|spec| spec.code);
            let help = did_you_mean(name, known, || "reasons are listed with the rules".to_owned());
            (format!("no reason has the code `{name}`"), help)
        })
    };
    names.map(|names| names.iter().map(code).collect()).transpose()
}

/// The catalogue's defaults, with the values that the case sets: cases try the checks, not a site's
/// settings.
fn values<'a>(
    set: impl Iterator<Item = (&'a String, &'a toml::Value)>,
) -> Result<Vec<Supplied>, Wrong> {
    let default = |spec: &domain::params::ParamSpec| Supplied {
        param: spec.param,
        value: spec.default().clone(),
        scope: None,
    };
    let mut values: Vec<_> = CATALOGUE.iter().map(default).collect();
    for (name, value) in set {
        let param = Param::of(name).ok_or_else(|| {
            let known = CATALOGUE.iter().map(|spec| spec.name);
            let help = did_you_mean(name, known, || "parameters are listed with the rules".into());
            (format!("no parameter is called `{name}`"), help)
        })?;
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let value = Value::parse(param, &text).map_err(|message| {
            (format!("`{name}`: {message}"), param.spec().sentence.to_owned())
        })?;
        if let Some(slot) = values.iter_mut().find(|slot| slot.param == param) {
            slot.value = value;
        }
    }
    Ok(values)
}

/// An ordinary member's facts, with those that the case names.
fn facts<'a>(named: impl Iterator<Item = (&'a String, &'a toml::Value)>) -> Result<Facts, Wrong> {
    static ORDINARY: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::to_value(ordinary()).unwrap_or_default());
    let mut rows = ORDINARY.clone();
    for (name, value) in named {
        let spec = FACTS.iter().find(|spec| spec.name == name).ok_or_else(|| {
            let known = FACTS.iter().map(|spec| spec.name);
            let help = did_you_mean(name, known, || "facts are listed with the rules".to_owned());
            (format!("no fact is called `{name}`"), help)
        })?;
        // No site has other words than these.
        let wrong = never(spec, value, &Names::default());
        if let Some(wrong) = wrong.filter(|_| matches!(spec.words(), Words::Listed(_))) {
            return Err(wrong);
        }
        let value = fact(spec, value).ok_or_else(|| {
            (format!("`{value}` is not a value of the fact `{name}`"), shape(spec.kind).to_owned())
        })?;
        rows[name.as_str()] = value;
    }
    serde_json::from_value(rows).map_err(|error| (error.to_string(), String::new()))
}

const fn shape(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Bool => "write true or false",
        FactKind::Int => "write a whole number",
        FactKind::Money => "write an amount as text, such as \"3.20\"",
        FactKind::Word => "write a text",
        FactKind::Time => "write an instant such as 2026-09-18T18:00:00Z, or \"none\"",
    }
}

/// The fact's value as a record has it.
fn fact(spec: &FactSpec, value: &toml::Value) -> Option<serde_json::Value> {
    Some(match spec.kind {
        FactKind::Bool => value.as_bool()?.into(),
        FactKind::Int => value.as_integer()?.into(),
        FactKind::Money => host::money_of(value.as_str()?)?.minor().into(),
        FactKind::Word => value.as_str()?.into(),
        FactKind::Time if value.as_str() == Some("none") => serde_json::Value::Null,
        FactKind::Time => {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            Timestamp::from(text.parse::<jiff::Timestamp>().ok()?).micros().into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bundle::Bundle, load::load, shipped::SHIPPED};

    #[test]
    fn cases_that_take_too_long_are_a_problem_of_the_set_with_its_place() {
        let files = SHIPPED
            .iter()
            .map(|&(name, text)| SourceFile { name: name.to_owned(), text: text.to_owned() });
        let bundle = Bundle::of(files);
        let set = load(&bundle, &Names::default()).unwrap().set;
        let within = |most| super::within(most, &set, &bundle.cases, &Names::default());
        assert_eq!(within(TIME_MAX), Tried::default());
        let problems = within(Duration::ZERO).problems;
        assert_eq!(problems.len(), 1, "the rest is not tried");
        let Problem { file, line, message, .. } = &problems[0];
        assert_eq!((file.as_str(), *line), (bundle.cases[0].name.as_str(), 1));
        assert!(message.contains("take longer than 0 s"), "{problems:?}");
    }
}
