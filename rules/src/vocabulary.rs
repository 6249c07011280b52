//! The names that rule files know: kinds of events, facts, parameters and functions.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::{
    facts::{EVENT_KINDS, EventKind, FACTS},
    params::{CATALOGUE, Param},
    reasons::Class,
};

/// What a name of the vocabulary stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A kind of event: a constant, true for the kind that is being decided.
    Kind(EventKind),
    /// A fact, by its place in [`FACTS`].
    Fact(usize),
    /// A parameter.
    Param(Param),
}

/// Where a function may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// As a statement of its own at the top of a file, read when the set is loaded.
    Setting,
    /// As an argument of `set`.
    Scope,
    /// In a check: raises a reason of this class.
    Reason(Class),
    /// In a check.
    Check,
}

/// A function that Kari adds to the language.
#[derive(Debug)]
pub struct FunctionSpec {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arguments: &'static [usize],
    /// What it takes, each with its type; the last ones may be left out, as `arguments` says.
    pub parameters: &'static [&'static str],
    /// How it is written.
    pub signature: &'static str,
    /// What it does.
    pub sentence: &'static str,
    /// Where it may be called.
    pub used: Use,
}

/// What may be handed on beside a reason.
pub const DETAILS: &str = "Details are at most 8 named values: amounts, numbers, instants, spans \
    and texts of at most 64 characters. `alarm: true` raises an alarm with the reason.";

/// Every function that Kari adds.
pub const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "set",
        arguments: &[2, 3],
        parameters: &["parameter: String", "value: ?", "scope: scope"],
        signature: "set(parameter, value, scope)",
        sentence: "sets a parameter; without a scope for the whole site",
        used: Use::Setting,
    },
    scope("site", &[0], "site()", "the whole site"),
    scope("zone", &[1], "zone(\"pool\")", "a zone and what lies in it"),
    scope("device", &[1], "device(\"gate-1\")", "a device"),
    scope("terminal", &[1], "terminal(\"desk-1\")", "a terminal"),
    scope("tariff", &[1], "tariff(\"morning\")", "a tariff"),
    scope("group", &[1], "group(\"staff\")", "a group of members"),
    scope("role", &[1], "role(\"manager\")", "a role of operators"),
    scope("member", &[1], "member(\"0198...\")", "one member, by id"),
    FunctionSpec {
        name: "deny",
        arguments: &[1, 2],
        parameters: &["code: String", "details: Map"],
        signature: "deny(code, details)",
        sentence: "refuses an entry; on an exit the floor makes it a hold or a warning",
        used: Use::Reason(Class::Deny),
    },
    FunctionSpec {
        name: "warn",
        arguments: &[1, 2],
        parameters: &["code: String", "details: Map"],
        signature: "warn(code, details)",
        sentence: "lets pass, and warns the desk",
        used: Use::Reason(Class::Warn),
    },
    FunctionSpec {
        name: "hold",
        arguments: &[1, 2],
        parameters: &["code: String", "details: Map"],
        signature: "hold(code, details)",
        sentence: "keeps an exit closed for now, if the floor's conditions are met",
        used: Use::Reason(Class::Hold),
    },
    FunctionSpec {
        name: "charge",
        arguments: &[1, 2],
        parameters: &["code: String", "details: Map"],
        signature: "charge(code, details)",
        sentence: "tells of a charge; the floor books it, by the amount of its own fact",
        used: Use::Reason(Class::Charge),
    },
    FunctionSpec {
        name: "note",
        arguments: &[1, 2],
        parameters: &["code: String", "details: Map"],
        signature: "note(code, details)",
        sentence: "keeps in the record what nobody at the gate shall see",
        used: Use::Reason(Class::Grant),
    },
    FunctionSpec {
        name: "span",
        arguments: &[1],
        parameters: &["seconds: int"],
        signature: "span(seconds)",
        sentence: "a span of time, to be handed on as a detail",
        used: Use::Check,
    },
];

const fn scope(
    name: &'static str,
    arguments: &'static [usize],
    signature: &'static str,
    sentence: &'static str,
) -> FunctionSpec {
    let parameters = &["id: String"];
    FunctionSpec { name, arguments, parameters, signature, sentence, used: Use::Scope }
}

/// The function of this name that Kari adds, if there is one.
#[must_use]
pub fn function(name: &str) -> Option<&'static FunctionSpec> {
    FUNCTIONS.iter().find(|spec| spec.name == name)
}

/// The name of `param` as a variable: `anti_passback.mode` is `anti_passback_mode`.
#[must_use]
pub fn variable(param: Param) -> &'static str {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| CATALOGUE.iter().map(|spec| spec.name.replace('.', "_")).collect());
    NAMES.get(param as usize).map_or("", String::as_str)
}

static TERMS: LazyLock<BTreeMap<&'static str, Term>> = LazyLock::new(|| {
    let kinds = EVENT_KINDS.iter().map(|kind| (kind.name(), Term::Kind(*kind)));
    let facts = FACTS.iter().enumerate().map(|(place, fact)| (fact.name, Term::Fact(place)));
    let params = CATALOGUE.iter().map(|spec| (variable(spec.param), Term::Param(spec.param)));
    kinds.chain(facts).chain(params).collect()
});

/// What the variable `name` stands for.
#[must_use]
pub fn term(name: &str) -> Option<Term> {
    TERMS.get(name).copied()
}

/// The name and what it stands for, if the vocabulary has `name`.
pub(crate) fn named(name: &str) -> Option<(&'static str, Term)> {
    TERMS.get_key_value(name).map(|(name, term)| (*name, *term))
}

/// Every variable of the vocabulary, by name.
pub fn terms() -> impl Iterator<Item = (&'static str, Term)> {
    TERMS.iter().map(|(name, term)| (*name, *term))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_words_of_the_vocabulary_share_a_name() {
        assert_eq!(TERMS.len(), EVENT_KINDS.len() + FACTS.len() + CATALOGUE.len());
        // A scope such as `zone("pool")` is only ever written inside `set`, so it may share a
        // fact's name.
        for spec in FUNCTIONS.iter().filter(|spec| spec.used != Use::Scope) {
            assert_eq!(term(spec.name), None, "{}", spec.name);
        }
    }

    #[test]
    fn each_function_names_as_much_as_it_takes() {
        for spec in FUNCTIONS {
            let most = spec.arguments.last().copied().unwrap_or_default();
            let named = if most == 0 { 0 } else { spec.parameters.len() };
            assert_eq!(named, most, "{}", spec.name);
        }
    }

    #[test]
    fn each_parameter_is_found_by_its_variable() {
        assert_eq!(term("anti_passback_mode"), Some(Term::Param(Param::AntiPassbackMode)));
        for spec in CATALOGUE {
            assert_eq!(term(variable(spec.param)), Some(Term::Param(spec.param)));
        }
    }
}
