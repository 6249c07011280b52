//! What the variables of a file may be: of which kind, and what they stand for.
//!
//! Whatever is not certain is unknown here, so that no comparison is refused that may be true.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    facts::{FACTS, FactKind},
    params::Kind as ParamKind,
};
use rhai::{AST, ASTNode, Dynamic, Expr, FnCallExpr, Stmt, Token};

use crate::vocabulary::{Term, function, named};

/// How often kinds are learned from each other before none is taken for known (our choice): honest
/// files need two or three rounds.
const ROUNDS_MAX: usize = 32;
/// How many names may stand for each other, one behind the next.
const HOPS_MAX: usize = 32;
/// Functions of the language that leave their first argument as it is. Any other may change a
/// variable that it is given.
const UNCHANGING: &[&str] = &[
    "abs",
    "contains",
    "ends_with",
    "is_empty",
    "len",
    "max",
    "min",
    "starts_with",
    "sub_string",
    "to_lower",
    "to_string",
    "to_upper",
];

/// What kind of value an expression has, as far as comparisons tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// A whole number or an amount.
    Number,
    /// A text, or a letter in single quotes.
    Text,
    /// An instant, which is only handed on.
    Time,
    List,
    Map,
    /// `()`, which only an instant or an amount without a cap may be.
    Nothing,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "a yes or no",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Time => "an instant",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Nothing => "nothing",
        }
    }

    fn of_value(value: &Dynamic) -> Option<Self> {
        if value.is_bool() {
            Some(Self::Bool)
        } else if value.is_int() || value.is_decimal() {
            Some(Self::Number)
        } else if value.is_string() || value.is_char() {
            Some(Self::Text)
        } else if value.is_array() {
            Some(Self::List)
        } else if value.is_map() {
            Some(Self::Map)
        } else {
            None
        }
    }

    const fn of_fact(kind: FactKind) -> Self {
        match kind {
            FactKind::Bool => Self::Bool,
            FactKind::Int | FactKind::Money => Self::Number,
            FactKind::Word => Self::Text,
            FactKind::Time => Self::Time,
        }
    }

    /// The kind of a parameter's value in rule files; nothing where it may be of several.
    const fn of_param(kind: &ParamKind) -> Option<Self> {
        match kind {
            ParamKind::Int(..) | ParamKind::Dur(_) | ParamKind::Money(..) => Some(Self::Number),
            ParamKind::Set(_) | ParamKind::Rights(_) | ParamKind::Names(_) | ParamKind::Codes => {
                Some(Self::List)
            }
            ParamKind::Cap(..) => None,
            _ => Some(Self::Text),
        }
    }
}

/// What is known of the variables of one file. Variables of one name are taken together, wherever
/// they are declared.
#[derive(Default)]
pub(crate) struct Variables {
    /// Nothing where a name has several kinds, or one that nobody can say.
    kinds: BTreeMap<String, Option<Kind>>,
    /// The constants, facts, parameters and other variables that names stand for.
    meant: BTreeMap<String, Expr>,
}

/// What a file does with its variables.
#[derive(Default)]
struct Uses {
    /// The values that they are given, in order; nothing where nobody can say.
    given: Vec<(String, Option<Expr>)>,
    /// Those that are changed after they were declared.
    changed: BTreeSet<String>,
}

impl Uses {
    fn of(ast: &AST) -> Self {
        let mut this = Self::default();
        for param in ast.iter_fn_def().flat_map(|found| &found.params) {
            this.given.push((param.to_string(), None));
        }
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(stmt)) => this.stmt(stmt),
                Some(ASTNode::Expr(expr)) => this.expr(expr),
                _ => {}
            }
            true
        });
        this
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Var(var, ..) => self.given.push((var.0.name.to_string(), Some(var.1.clone()))),
            Stmt::For(parts, _) => {
                self.given.push((parts.0.name.to_string(), None));
                if let Some(counter) = &parts.1 {
                    let number = Expr::IntegerConstant(0, counter.pos);
                    self.given.push((counter.name.to_string(), Some(number)));
                    self.changed.insert(counter.name.to_string());
                }
            }
            Stmt::Assignment(parts) => {
                let target = &parts.1.lhs;
                self.change(target);
                if let Some(name) = written(target) {
                    self.given.push((name.to_owned(), Some(parts.1.rhs.clone())));
                }
            }
            Stmt::FnCall(call, _) => self.call(call),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::FnCall(call, _) => self.call(call),
            Expr::Dot(parts, ..) | Expr::Index(parts, ..) if changes(&parts.rhs) => {
                self.change(&parts.lhs);
            }
            _ => {}
        }
    }

    /// `push(list, item)` changes the list as `list.push(item)` does.
    fn call(&mut self, call: &FnCallExpr) {
        if let Some(first) = call.args.first()
            && !call.is_operator_call()
            && may_change(call)
        {
            self.change(first);
        }
    }

    /// Notes that the variable changes of which `part` is a part, or all.
    fn change(&mut self, part: &Expr) {
        let mut whole = part;
        while let Expr::Index(parts, ..) | Expr::Dot(parts, ..) = whole {
            whole = &parts.lhs;
        }
        self.changed.extend(written(whole).map(ToOwned::to_owned));
    }
}

/// Whether a function may change the variable that it is given first.
fn may_change(call: &FnCallExpr) -> bool {
    function(&call.name).is_none() && !UNCHANGING.contains(&call.name.as_str())
}

/// Whether a chain of methods, such as `[0].push(item)`, may change what it begins with.
fn changes(chain: &Expr) -> bool {
    match chain {
        Expr::MethodCall(call, _) => may_change(call),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => changes(&parts.lhs) || changes(&parts.rhs),
        _ => false,
    }
}

/// The variable that an expression is, by its name.
pub(crate) fn written(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Variable(parts, ..) => Some(&parts.1),
        _ => None,
    }
}

/// Whether a name may stand for `value`: it is the same whenever it is asked for.
fn is_fixed(value: &Expr) -> bool {
    match value {
        Expr::StringConstant(..)
        | Expr::CharConstant(..)
        | Expr::DynamicConstant(..)
        | Expr::Variable(..) => true,
        Expr::Array(items, _) => items.iter().all(Expr::is_constant),
        _ => false,
    }
}

impl Variables {
    /// What `ast`, the code of a file, says of its variables.
    pub(crate) fn of(ast: &AST) -> Self {
        let Uses { given, changed } = Uses::of(ast);
        let mut this = Self::default();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        given.iter().for_each(|(name, _)| *times.entry(name).or_default() += 1);
        let once = |name: &str| times.get(name) == Some(&1) && named(name).is_none();
        let kept = given.iter().filter(|(name, _)| once(name) && !changed.contains(name));
        let fixed = |(name, value): &(String, Option<Expr>)| {
            Some((name.clone(), value.clone().filter(is_fixed)?))
        };
        this.meant = kept.filter_map(fixed).collect();
        this.learn(&given);
        this
    }

    /// Learns kinds until nothing changes: in a loop a variable may be given what another one
    /// becomes further down.
    fn learn(&mut self, given: &[(String, Option<Expr>)]) {
        for _ in 0..ROUNDS_MAX {
            let before = self.kinds.clone();
            for (name, value) in given {
                let kind = value.as_ref().and_then(|value| self.kind(value));
                let known = self.kinds.entry(name.clone()).or_insert(kind);
                if *known != kind {
                    *known = None;
                }
            }
            if self.kinds == before {
                return;
            }
        }
        self.kinds.clear();
    }

    /// The constant, the fact or the parameter that a name stands for, or the expression itself.
    pub(crate) fn meant<'b>(&'b self, expr: &'b Expr) -> &'b Expr {
        let mut meant = expr;
        for _ in 0..HOPS_MAX {
            let Some(next) = written(meant).and_then(|name| self.meant.get(name)) else { break };
            meant = next;
        }
        meant
    }

    /// The kind of an expression; nothing where it may be of several.
    pub(crate) fn kind(&self, expr: &Expr) -> Option<Kind> {
        match expr {
            Expr::BoolConstant(..) | Expr::And(..) | Expr::Or(..) => Some(Kind::Bool),
            Expr::IntegerConstant(..) => Some(Kind::Number),
            Expr::StringConstant(..) | Expr::CharConstant(..) | Expr::InterpolatedString(..) => {
                Some(Kind::Text)
            }
            Expr::Array(..) => Some(Kind::List),
            Expr::Map(..) => Some(Kind::Map),
            Expr::Unit(..) => Some(Kind::Nothing),
            Expr::DynamicConstant(value, _) => Kind::of_value(value),
            Expr::Variable(parts, ..) => match named(&parts.1) {
                Some((_, Term::Kind(_))) => Some(Kind::Bool),
                Some((_, Term::Fact(place))) => Some(Kind::of_fact(FACTS[place].kind)),
                Some((_, Term::Param(param))) => Kind::of_param(&param.spec().kind),
                None => self.kinds.get(parts.1.as_str()).copied().flatten(),
            },
            Expr::FnCall(call, _) => self.result(call),
            Expr::Dot(parts, ..) => match &parts.rhs {
                Expr::MethodCall(call, _) => (call.name == "len").then_some(Kind::Number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The kind of what a function or an operator gives.
    fn result(&self, call: &FnCallExpr) -> Option<Kind> {
        use Token::{
            Bang, Divide, EqualsTo, GreaterThan, GreaterThanEqualsTo, LessThan, LessThanEqualsTo,
            Minus, Modulo, Multiply, NotEqualsTo, Plus, UnaryMinus, UnaryPlus,
        };
        match (&call.op_token, &call.args[..]) {
            (Some(UnaryMinus | UnaryPlus | Minus | Plus), [one]) => self.kind(one),
            (
                Some(
                    Bang | EqualsTo | NotEqualsTo | LessThan | LessThanEqualsTo | GreaterThan
                    | GreaterThanEqualsTo,
                ),
                _,
            ) => Some(Kind::Bool),
            (Some(operator @ (Plus | Minus | Multiply | Divide | Modulo)), [one, other]) => {
                match [self.kind(one)?, self.kind(other)?] {
                    [Kind::Number, Kind::Number] => Some(Kind::Number),
                    [Kind::Text, Kind::Text] => (*operator == Plus).then_some(Kind::Text),
                    _ => None,
                }
            }
            (None, [_]) => (call.name == "len").then_some(Kind::Number),
            _ => None,
        }
    }
}
