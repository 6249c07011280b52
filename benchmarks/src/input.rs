//! What a peer is told of one event: the facts and the values in force that its policies read, in
//! plain words and numbers.

use std::collections::BTreeSet;

use domain::{
    facts::{FACTS, Fact, Question},
    params::{CATALOGUE, Param, Value},
};
use rules::vocabulary::variable;

/// A value that every engine knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain<'a> {
    /// Nothing, such as an instant that never comes.
    None,
    /// Yes or no.
    Bool(bool),
    /// A count, minor units of money, seconds of a span, microseconds of an instant.
    Int(i64),
    /// A word.
    Word(&'a str),
}

/// The facts and parameters that the policies of one kind of event read; Kari's own checks are told
/// no more either.
#[derive(Debug)]
pub(crate) struct Reads {
    /// By the place of the fact.
    facts: Vec<bool>,
    params: Vec<Param>,
}

impl Reads {
    /// The words of the vocabulary that `policy` names.
    pub(crate) fn of(policy: &str) -> Self {
        let named: BTreeSet<&str> =
            policy.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let params = CATALOGUE.iter().map(|spec| spec.param);
        Self {
            facts: FACTS.iter().map(|fact| named.contains(fact.name)).collect(),
            params: params.filter(|param| named.contains(variable(*param))).collect(),
        }
    }

    /// Their names, in the order of [`Self::each`].
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let facts = FACTS.iter().zip(&self.facts).filter(|(_, read)| **read);
        let params = self.params.iter().map(|param| variable(*param));
        facts.map(|(fact, _)| fact.name).chain(params).collect()
    }

    /// Calls `take` with each value.
    pub(crate) fn each<'a>(&self, question: &Question<'a>, mut take: impl FnMut(Plain<'a>)) {
        let mut read = self.facts.iter();
        question.facts.each(|_, fact| {
            if read.next() == Some(&true) {
                take(plain(&fact));
            }
        });
        for param in &self.params {
            take(question.values.get(*param as usize).map_or(Plain::None, |one| of(&one.value)));
        }
    }
}

fn plain<'a>(fact: &Fact<'a>) -> Plain<'a> {
    match fact {
        Fact::Bool(yes) => Plain::Bool(*yes),
        Fact::Int(number) => Plain::Int(*number),
        Fact::Money(amount) => Plain::Int(amount.minor()),
        Fact::Word(word) => Plain::Word(word),
        Fact::Time(at) => at.map_or(Plain::None, |at| Plain::Int(at.micros())),
    }
}

/// The checks of entries and exits read no value of another kind.
fn of(value: &Value) -> Plain<'_> {
    match value {
        Value::Choice(_, word) => Plain::Word(word),
        Value::Int(number) => Plain::Int(*number),
        Value::Dur(dur) => Plain::Int(dur.span().whole_seconds()),
        Value::Money(amount) => Plain::Int(amount.minor()),
        _ => Plain::None,
    }
}
