//! CEL: one expression, a list with a map for each reason that holds.

use std::{hint::black_box, sync::Arc};

use anyhow::{Result, bail};
use cel::{Context, Program, Value, objects::Key};
use domain::facts::{EventKind, Question};

use super::{Kinds, Peer};
use crate::{
    input::{Plain, Reads},
    told::Told,
};

pub(crate) struct Cel {
    /// The functions of the language, made once.
    root: Context<'static, 'static>,
    kinds: Kinds<Expression>,
}

struct Expression {
    program: Program,
    reads: Reads,
    names: Vec<&'static str>,
}

impl Expression {
    fn new(_: EventKind, text: &str) -> Result<Self> {
        let program = Program::compile(text)?;
        let reads = Reads::of(text);
        Ok(Self { program, names: reads.names(), reads })
    }
}

impl Cel {
    pub(crate) fn new() -> Result<Self> {
        let texts =
            [include_str!("../../policies/entry.cel"), include_str!("../../policies/exit.cel")];
        let kinds = Kinds::of(texts[0], texts[1], Expression::new)?;
        Ok(Self { root: Context::default(), kinds })
    }

    fn answer(&self, question: &Question<'_>) -> Result<Value> {
        let expression = self.kinds.get(question.kind);
        let mut scope = self.root.new_inner_scope();
        let mut names = expression.names.iter();
        expression.reads.each(question, |value| {
            let value = match value {
                Plain::None => Value::Null,
                Plain::Bool(yes) => Value::Bool(yes),
                Plain::Int(number) => Value::Int(number),
                Plain::Word(word) => Value::String(Arc::new(word.to_owned())),
            };
            scope.add_variable_from_value(names.next().copied().unwrap_or_default(), value);
        });
        Ok(expression.program.execute(&scope)?)
    }
}

impl Peer for Cel {
    fn name(&self) -> &'static str {
        "cel"
    }
    fn goal(&self) -> u64 {
        250
    }
    fn tells_details(&self) -> bool {
        true
    }
    fn ask(&self, question: &Question<'_>) -> Result<()> {
        black_box(self.answer(question)?);
        Ok(())
    }
    fn told(&self, question: &Question<'_>) -> Result<Vec<Told>> {
        let Value::List(list) = self.answer(question)? else { bail!("CEL answered no list") };
        let reasons = list.iter().filter_map(|reason| match reason {
            Value::Map(map) => Some(map),
            _ => None,
        });
        reasons
            .map(|map| {
                let pairs = map.map.iter().map(|(name, value)| (key(name), text(value)));
                Told::of_pairs(pairs)
            })
            .collect()
    }
}

fn key(name: &Key) -> String {
    match name {
        Key::String(name) => name.to_string(),
        other => format!("{other:?}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(word) => word.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => "null".to_owned(),
    }
}
