//! A rule set in force: asked once for each event.

use std::{
    cell::RefCell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use domain::{
    facts::{EVENT_KINDS, EventKind, FACTS, Policy, PolicyFault, Question},
    params::{Param, ParamMask},
    scope::{ParamTable, Scope as SetFor},
    verdict::{Finding, Origin},
};
use rhai::{AST, ASTNode, Dynamic, EvalAltResult, Expr, Position, Scope, Stmt};

use crate::{
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
    ast: AST,
    /// What the checks read. A variable is looked for from the end, so the one that is read most
    /// stands last.
    terms: Vec<Term>,
    /// By the place of the fact in [`FACTS`]: whether a check reads it.
    facts: Vec<bool>,
    consulted: ParamMask,
}

/// What one thread fills anew for every event.
#[derive(Default)]
struct Workspace {
    scope: Scope<'static>,
    facts: Vec<Dynamic>,
}

impl Checks {
    /// The compiled checks `ast`, which read the variables `terms`.
    pub(crate) fn new(ast: AST, terms: Vec<Term>, kind: EventKind) -> Self {
        let mut facts = vec![false; FACTS.len()];
        let mut consulted = ParamMask::default();
        // A fact may depend on parameters that are about other kinds of events.
        let mut consult = |param: Param| {
            if param.spec().events.contains(&kind.letter()) {
                consulted.insert(param);
            }
        };
        for term in &terms {
            match *term {
                Term::Kind(_) => {}
                Term::Param(param) => consult(param),
                Term::Fact(place) => {
                    let from = FACTS.get(place).map_or(&[][..], |spec| spec.from);
                    from.iter().copied().for_each(&mut consult);
                    if let Some(read) = facts.get_mut(place) {
                        *read = true;
                    }
                }
            }
        }
        Self { ast, terms, facts, consulted }
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
                    let found = question.values.iter().find(|supplied| supplied.param == param);
                    let value = found.map_or_else(|| param.spec().default(), |found| &found.value);
                    space.scope.push_constant_dynamic(variable(param), param_value(param, value));
                }
                Term::Kind(kind) => {
                    space.scope.push_constant(kind.name(), kind == question.kind);
                }
            }
        }
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
        engine::start_deadline();
        let run = || {
            WORKSPACE.with_borrow_mut(|space| {
                checks.fill(space, question);
                engine::RUNNING.run_ast_with_scope(&mut space.scope, &checks.ast)
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
        let place = self.layout.place(position.or_else(likely_place(&checks.ast)), 0);
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
