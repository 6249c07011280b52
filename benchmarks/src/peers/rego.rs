//! regorus: the reasons are a set of objects, on its virtual machine, which is its fast road.

use std::{cell::RefCell, collections::BTreeMap, hint::black_box};

use anyhow::{Context as _, Result};
use domain::facts::{EventKind, Question};
use regorus::{Engine, Rc, Value, languages::rego::compiler::Compiler, rvm::RegoVM};

use super::{Kinds, Peer};
use crate::{
    input::{Plain, Reads},
    told::Told,
};

pub(crate) struct Rego {
    kinds: Kinds<Machine>,
}

struct Machine {
    vm: RefCell<RegoVM>,
    reads: Reads,
    /// The names of the input, made once.
    names: Vec<Value>,
}

impl Machine {
    fn new(kind: EventKind, text: &str) -> Result<Self> {
        let mut engine = Engine::new();
        engine.add_policy(format!("{}.rego", kind.name()), text.to_owned())?;
        let entry: Rc<str> = format!("data.kari.{}.reasons", kind.name()).into();
        let policy = engine.compile_with_entrypoint(&entry)?;
        let program = Compiler::compile_from_policy(&policy, &[&entry])?;
        let mut vm = RegoVM::new();
        vm.load_program(program);
        let reads = Reads::of(text);
        let names = reads.names().into_iter().map(Value::from).collect();
        Ok(Self { vm: RefCell::new(vm), reads, names })
    }

    fn answer(&self, question: &Question<'_>) -> Result<Value> {
        let mut input = BTreeMap::new();
        let mut names = self.names.iter();
        self.reads.each(question, |value| {
            let value = match value {
                Plain::None => Value::Null,
                Plain::Bool(yes) => Value::from(yes),
                Plain::Int(number) => Value::from(number),
                Plain::Word(word) => Value::from(word),
            };
            input.insert(names.next().cloned().unwrap_or(Value::Null), value);
        });
        let mut vm = self.vm.borrow_mut();
        vm.set_input(Value::from(input));
        Ok(vm.execute()?)
    }
}

impl Rego {
    pub(crate) fn new() -> Result<Self> {
        let texts =
            [include_str!("../../policies/entry.rego"), include_str!("../../policies/exit.rego")];
        Ok(Self { kinds: Kinds::of(texts[0], texts[1], Machine::new)? })
    }
}

impl Peer for Rego {
    fn name(&self) -> &'static str {
        "regorus"
    }
    fn goal(&self) -> u64 {
        250
    }
    fn tells_details(&self) -> bool {
        true
    }
    fn ask(&self, question: &Question<'_>) -> Result<()> {
        black_box(self.kinds.get(question.kind).answer(question)?);
        Ok(())
    }
    fn told(&self, question: &Question<'_>) -> Result<Vec<Told>> {
        let answer = self.kinds.get(question.kind).answer(question)?;
        let text = |value: &Value| match value {
            Value::String(word) => word.to_string(),
            other => other.to_string(),
        };
        let reasons = answer.as_set().context("the answer of regorus is no set")?.iter();
        let pairs = reasons.map(|reason| {
            let object = reason.as_object()?;
            Told::of_pairs(object.iter().map(|(name, value)| (text(name), text(value))))
        });
        pairs.collect()
    }
}
