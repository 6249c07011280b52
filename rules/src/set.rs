//! A rule set in force: asked once for each event.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use domain::{
    facts::{EVENT_KINDS, EventKind, FACTS, Policy, PolicyFault, Question},
    params::{Param, ParamMask, Value},
    scope::{ParamTable, Scope as SetFor, Supplied},
    verdict::{Finding, Origin},
};
use rhai::{AST, ASTNode, Dynamic, EvalAltResult, Expr, Position, Scope, Stmt};

use crate::{
    compile::{self, terms_of},
    engine::{self, DEADLINE, OPERATIONS_MAX},
    host::{self, Raised, fact_value, param_value},
    layout::Layout,
    problem::cut,
    settings::SetAt,
    vocabulary::{Term, variable},
};

/// A checked rule set: settings, and compiled checks for each kind of event.
pub struct RuleSet {
    pub(crate) hash: String,
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) values: ParamTable,
    pub(crate) set_at: SetAt,
    pub(crate) layout: Layout,
    /// By the place of the kind in [`EVENT_KINDS`].
    pub(crate) kinds: Vec<Checks>,
}

/// The checks for one kind of event.
#[derive(Debug)]
pub(crate) struct Checks {
    compiled: Compiled,
    consulted: ParamMask,
    /// The parameters that they read.
    params: Vec<Param>,
    /// The same checks for values of these parameters that many requests share: what the values
    /// switch off is gone, and nothing of the rest is looked for by name.
    settled: Mutex<VecDeque<Settled>>,
}

/// Checks with the variables that they read.
#[derive(Debug)]
struct Compiled {
    ast: AST,
    /// What the checks read. A variable is looked for from the end, so the one that is read most
    /// stands last.
    terms: Vec<Term>,
    /// By the place of the fact in [`FACTS`]: whether a check reads it.
    facts: Vec<bool>,
}

/// Checks for these values of the parameters, once they were met often enough.
#[derive(Debug)]
struct Settled {
    values: Vec<Value>,
    met: u32,
    compiled: Option<Arc<Compiled>>,
}

/// How often values are met before checks are compiled for them, and for how many values. What one
/// member alone has set is not worth it.
const MET_OFTEN: u32 = 3;
const SETTLED_MAX: usize = 32;

/// What one thread fills anew for every event.
#[derive(Default)]
struct Workspace {
    scope: Scope<'static>,
    facts: Vec<Dynamic>,
}

impl Compiled {
    fn new(ast: AST) -> Self {
        let terms = terms_of(&ast);
        let mut facts = vec![false; FACTS.len()];
        for term in &terms {
            if let Term::Fact(place) = *term
                && let Some(read) = facts.get_mut(place)
            {
                *read = true;
            }
        }
        Self { ast, terms, facts }
    }

    /// Fills the scope with what the checks read. Everything is constant for a check: no file can
    /// change a fact or a parameter for the next one.
    fn fill(&self, space: &mut Workspace, question: &Question<'_>) {
        space.scope.clear();
        space.facts.clear();
        let mut read = self.facts.iter();
        question.facts.each(|_, fact| {
            let is_read = read.next() == Some(&true);
            space.facts.push(if is_read { fact_value(&fact) } else { Dynamic::UNIT });
        });
        for term in &self.terms {
            match *term {
                Term::Fact(place) => {
                    let value = space.facts.get_mut(place).map(Dynamic::take).unwrap_or_default();
                    let name = FACTS.get(place).map_or("", |spec| spec.name);
                    space.scope.push_constant_dynamic(name, value);
                }
                Term::Param(param) => {
                    let value = param_value(param, value_of(question, param));
                    space.scope.push_constant_dynamic(variable(param), value);
                }
                Term::Kind(kind) => {
                    space.scope.push_constant(kind.name(), kind == question.kind);
                }
            }
        }
    }
}

/// The value of `param` in force, or its default where the question has none.
fn value_of<'a>(question: &Question<'a>, param: Param) -> &'a Value {
    let is_it = |supplied: &&Supplied| supplied.param == param;
    let in_order = question.values.get(param as usize).filter(is_it);
    let found = in_order.or_else(|| question.values.iter().find(is_it));
    found.map_or_else(|| param.spec().default(), |found| &found.value)
}

impl Checks {
    /// The compiled checks `ast` of a kind of event.
    pub(crate) fn new(ast: AST, kind: EventKind) -> Self {
        let compiled = Compiled::new(ast);
        let (mut consulted, mut params) = (ParamMask::default(), Vec::new());
        for term in &compiled.terms {
            let read = match *term {
                Term::Kind(_) => &[][..],
                Term::Param(param) => {
                    params.push(param);
                    &[param]
                }
                Term::Fact(place) => FACTS.get(place).map_or(&[][..], |spec| spec.from),
            };
            // A fact may depend on parameters that are about other kinds of events.
            let about = read.iter().filter(|param| param.spec().events.contains(&kind.letter()));
            about.for_each(|param| consulted.insert(*param));
        }
        Self { compiled, consulted, params, settled: Mutex::default() }
    }

    /// The checks for the values of this question, if many questions have them.
    fn settled(&self, question: &Question<'_>) -> Option<Arc<Compiled>> {
        // Nobody panics while holding it; if somebody did, the checks work without.
        let mut all = self.settled.lock().ok()?;
        let values = || self.params.iter().map(|param| value_of(question, *param));
        let place = all.iter().position(|known| known.values.iter().eq(values()));
        let mut known = match place.and_then(|place| all.remove(place)) {
            Some(known) => known,
            None => Settled { values: values().cloned().collect(), met: 0, compiled: None },
        };
        known.met = known.met.saturating_add(1);
        if known.compiled.is_none() && known.met > MET_OFTEN {
            let values = self.params.iter().copied().zip(&known.values);
            let ast = compile::settled(self.compiled.ast.clone(), values);
            known.compiled = Some(Arc::new(Compiled::new(ast)));
        }
        let compiled = known.compiled.clone();
        // The latest stands first; what was not met for longest is forgotten.
        all.truncate(SETTLED_MAX - 1);
        all.push_front(known);
        compiled
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet").field("hash", &self.hash).finish_non_exhaustive()
    }
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

impl RuleSet {
    /// Names and texts of its files, rules first.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, String)> {
        self.texts.clone()
    }

    /// The file and the line that set `param` for `scope`, if one does.
    #[must_use]
    pub fn set_at(&self, param: Param, scope: &SetFor) -> Option<(&str, u16)> {
        let place = self.layout.line(*self.set_at.get(&(param, scope.clone()))?, 1);
        Some((place.file, place.line))
    }

    /// The parameters that a check reads for any kind of event.
    pub(crate) fn read_by_any(&self) -> ParamMask {
        self.kinds.iter().fold(ParamMask::default(), |all, checks| all.union(checks.consulted))
    }

    fn checks(&self, kind: EventKind) -> Option<&Checks> {
        let place = EVENT_KINDS.iter().position(|known| *known == kind)?;
        self.kinds.get(place)
    }

    fn run(&self, checks: &Checks, question: &Question<'_>) -> Result<(), PolicyFault> {
        // What an earlier run left behind is nobody's.
        drop(host::take_raised());
        let run = || {
            let settled = checks.settled(question);
            let compiled = settled.as_deref().unwrap_or(&checks.compiled);
            engine::start_deadline();
            WORKSPACE.with_borrow_mut(|space| {
                compiled.fill(space, question);
                engine::RUNNING.run_ast_with_scope(&mut space.scope, &compiled.ast)
            })
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fault(checks, *error)),
            Err(_) => Err(PolicyFault::Rule {
                file: "rules".to_owned(),
                line: 0,
                message: "the rule engine failed; tell the makers of Kari".to_owned(),
            }),
        }
    }

    fn fault(&self, checks: &Checks, error: EvalAltResult) -> PolicyFault {
        let (inner, position) = innermost(error);
        let place = self.layout.place(position.or_else(likely_place(&checks.compiled.ast)), 0);
        let (file, line) = (place.file.to_owned(), place.line);
        PolicyFault::Rule { file, line, message: explain(inner) }
    }

    fn finding(&self, raised: Raised) -> Finding {
        let place = self.layout.line(raised.line, 1);
        Finding {
            reason: raised.reason,
            class: raised.class,
            origin: Origin::Rule { file: place.file.to_owned(), line: place.line },
            alarm: raised.alarm,
            details: raised.details,
        }
    }
}

/// The error that happened, and the innermost place that is known.
fn innermost(mut error: EvalAltResult) -> (EvalAltResult, Position) {
    let mut position = error.position();
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = error {
        error = *inner;
        position = error.position().or_else(position);
    }
    (error, position)
}

/// Where a limit was most likely passed if the engine does not say where: it does not for the one
/// operation of taking an element, and a limit is passed in a loop.
fn likely_place(ast: &AST) -> Position {
    let (mut in_loop, mut anywhere) = (Position::NONE, Position::NONE);
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(expr @ Expr::Index(..))) = path.last() {
            let loops = |node: &ASTNode<'_>| {
                matches!(node, ASTNode::Stmt(Stmt::While(..) | Stmt::Do(..) | Stmt::For(..)))
            };
            anywhere = anywhere.or_else(expr.position());
            if path.iter().any(loops) {
                in_loop = in_loop.or_else(expr.position());
            }
        }
        in_loop.is_none()
    });
    in_loop.or_else(anywhere)
}

/// The error as a sentence, without a place, and what to do.
fn explain(mut error: EvalAltResult) -> String {
    use EvalAltResult::{
        ErrorArithmetic, ErrorArrayBounds, ErrorAssignmentToConstant, ErrorDataTooLarge,
        ErrorFunctionNotFound, ErrorIndexNotFound, ErrorNonPureMethodCallOnConstant,
        ErrorPropertyNotFound, ErrorRuntime, ErrorStackOverflow, ErrorStringBounds,
        ErrorTerminated, ErrorTooManyOperations,
    };
    let help = match error {
        ErrorTooManyOperations(_) => {
            return format!(
                "the checks need more than {OPERATIONS_MAX} operations; \
                 look for a loop that is too long"
            );
        }
        ErrorTerminated(..) => {
            return format!(
                "the checks take longer than {} ms; look for a loop that is too long",
                DEADLINE.as_millis()
            );
        }
        ErrorStackOverflow(_) => {
            return "a function calls itself too deeply; use a loop".to_owned();
        }
        // Raised by a function of ours, which says what to do.
        ErrorRuntime(message, _) if message.is_string() => return message.to_string(),
        ErrorDataTooLarge(..) => "keep texts, lists and maps short",
        ErrorArithmetic(..) => "test the numbers before",
        ErrorArrayBounds(..) | ErrorStringBounds(..) => "ask for the length before",
        ErrorIndexNotFound(..) | ErrorPropertyNotFound(..) => "test with `in` before",
        ErrorFunctionNotFound(..) => "it takes values of other kinds",
        ErrorAssignmentToConstant(..) | ErrorNonPureMethodCallOnConstant(..) => {
            "facts and parameters are read only: copy it with `let`"
        }
        _ => "correct the check",
    };
    error.clear_position();
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(char::to_lowercase).into_iter().flatten();
    format!("{}; {help}", cut(first.chain(letters).collect()))
}

impl Policy for RuleSet {
    fn hash(&self) -> &str {
        &self.hash
    }
    fn values(&self) -> &ParamTable {
        &self.values
    }
    fn consulted(&self, kind: EventKind) -> ParamMask {
        self.checks(kind).map(|checks| checks.consulted).unwrap_or_default()
    }
    fn judge(&self, question: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
        let checks = self.checks(question.kind).ok_or(PolicyFault::NoRuleSet)?;
        self.run(checks, question)?;
        Ok(host::take_raised().into_iter().map(|raised| self.finding(raised)).collect())
    }
}

#[cfg(test)]
mod tests {
    use domain::{facts::Facts, money::Money, params::CATALOGUE};

    use super::*;
    use crate::{
        bundle::{Bundle, SourceFile},
        cases::ordinary,
        load::{Names, load},
        shipped::SHIPPED,
    };

    fn shipped() -> RuleSet {
        let rules = SHIPPED.iter().filter(|(name, _)| name.ends_with(".rhai"));
        let files = rules.map(|&(name, text)| SourceFile { name: name.into(), text: text.into() });
        load(&Bundle::of(files), &Names::default()).unwrap().set
    }

    /// All values in force, the default where `set` has none.
    fn values(set: &[(Param, &str)]) -> Vec<Supplied> {
        let value = |param: Param| {
            let own = set.iter().find(|(one, _)| *one == param);
            own.map_or_else(
                || param.spec().default().clone(),
                |(_, text)| Value::parse(param, text).unwrap(),
            )
        };
        let supplied = |param| Supplied { param, value: value(param), scope: Some(SetFor::Site) };
        CATALOGUE.iter().map(|spec| supplied(spec.param)).collect()
    }

    #[test]
    fn checks_for_values_that_are_met_often_answer_as_all_checks_do() {
        let debtor = Facts { debt: Money(700), debt_age: 90_000, inside: true, ..ordinary() };
        for set in [
            &[][..],
            &[(Param::AntiPassbackMode, "hard"), (Param::DebtExitPolicy, "hold")],
            &[(Param::DebtEntryBlockAmount, "7.00"), (Param::AntiPassbackMode, "off")],
            &[(Param::DebtEntryBlockAmount, "6.99"), (Param::DebtExitPolicy, "allow")],
        ] {
            let (rules, values) = (shipped(), values(set));
            for kind in EVENT_KINDS {
                for facts in [&Facts::default(), &ordinary(), &debtor] {
                    let question = Question { kind: *kind, facts, values: &values };
                    let checks = rules.checks(*kind).unwrap();
                    let settled = || checks.settled.lock().unwrap()[0].compiled.clone();
                    let expected = shipped().judge(&question);
                    for _ in 0..=MET_OFTEN {
                        assert_eq!(rules.judge(&question), expected, "{kind:?} {set:?} {facts:?}");
                    }
                    let terms = &settled().unwrap().terms;
                    let params = terms.iter().filter(|term| matches!(term, Term::Param(_)));
                    assert_eq!(params.count(), 0, "{kind:?}: {terms:?}");
                }
            }
        }
    }

    #[test]
    fn values_that_were_not_met_for_long_are_forgotten() {
        let (rules, facts) = (shipped(), ordinary());
        for amount in 0..2 * SETTLED_MAX {
            let text = format!("{amount}.00");
            let values = values(&[(Param::DebtEntryBlockAmount, &text)]);
            let question = Question { kind: EventKind::Entry, facts: &facts, values: &values };
            rules.judge(&question).unwrap();
        }
        let settled = rules.checks(EventKind::Entry).unwrap().settled.lock().unwrap();
        assert_eq!(settled.len(), SETTLED_MAX);
        let latest = Value::Money(Money(100 * (2 * i64::try_from(SETTLED_MAX).unwrap() - 1)));
        assert!(settled[0].values.contains(&latest), "{:?}", settled[0].values);
    }
}
