//! Comparisons that can never be true: of two kinds of value, and with a word that a fact or a
//! parameter never is. Such a check would go quietly unheard for everybody.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    facts::{FACTS, FactKind, Words},
    params::Kind as ParamKind,
};
use rhai::{AST, ASTNode, Dynamic, Expr, FnCallExpr, Position, Stmt, SwitchCasesCollection, Token};

use crate::{
    load::Names,
    problem::did_you_mean,
    switches::{self, Case},
    vocabulary::{Term, named},
};

/// A problem before its file is known: where, what, and what to do.
pub(crate) type Found = (Position, String, String);

/// What kind of value an expression has, as far as comparisons tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    /// A whole number or an amount.
    Number,
    Text,
    /// An instant, which is only handed on.
    Time,
    List,
    /// `()`, which only an instant or an amount without a cap may be.
    Nothing,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bool => "a yes or no",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Time => "an instant",
            Self::List => "a list",
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
        } else {
            None
        }
    }

    const fn of_case(case: &Case) -> Self {
        match case {
            Case::Bool => Self::Bool,
            Case::Whole | Case::Decimal => Self::Number,
            Case::Letter => Self::Text,
            Case::Text(_) => Self::Text,
        }
    }

    fn of_fact(kind: FactKind) -> Self {
        match kind {
            FactKind::Bool => Self::Bool,
            FactKind::Int | FactKind::Money => Self::Number,
            FactKind::Word => Self::Text,
            FactKind::Time => Self::Time,
        }
    }

    /// The kind of a parameter's value in rule files; nothing where it may be of several.
    fn of_param(kind: &ParamKind) -> Option<Self> {
        match kind {
            ParamKind::Int(..) | ParamKind::Dur(_) | ParamKind::Money(..) => Some(Self::Number),
            ParamKind::Set(_) => Some(Self::List),
            ParamKind::Cap(..) => None,
            _ => Some(Self::Text),
        }
    }
}

/// What the code of a set says of its own variables, and the names that its site has.
pub(crate) struct Comparisons<'a> {
    names: &'a Names,
    /// The text of the file, on the lines that its positions mean.
    text: &'a str,
    /// The kinds of the variables of one file; nothing where a name has several.
    own: BTreeMap<String, Option<Kind>>,
    /// The constants that names of the file stand for; nothing where a name has several values.
    constants: BTreeMap<String, Option<Expr>>,
}

impl<'a> Comparisons<'a> {
    /// Learns the kinds of the variables of a file.
    pub(crate) fn of(ast: &AST, text: &'a str, names: &'a Names) -> Self {
        let mut this = Self { names, text, own: BTreeMap::new(), constants: BTreeMap::new() };
        for found in ast.iter_fn_def() {
            for param in &found.params {
                this.own.insert(param.to_string(), None);
                this.constants.insert(param.to_string(), None);
            }
        }
        let mut each = |path: &[ASTNode<'_>]| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(var, ..))) => {
                    let kind = this.kind(&var.1);
                    this.learn(&var.0.name, kind);
                    this.stands_for(&var.0.name, Some(&var.1));
                }
                Some(ASTNode::Stmt(Stmt::For(parts, _))) => {
                    this.learn(&parts.0.name, None);
                    this.stands_for(&parts.0.name, None);
                    if let Some(counter) = &parts.1 {
                        this.learn(&counter.name, Some(Kind::Number));
                    }
                }
                Some(ASTNode::Stmt(Stmt::Assignment(parts))) => {
                    // Whatever of it is set: `names[0] = "x"` changes the list as well.
                    let mut changed = &parts.1.lhs;
                    while let Expr::Index(inner, ..) | Expr::Dot(inner, ..) = changed {
                        changed = &inner.lhs;
                    }
                    if let Expr::Variable(variable, ..) = changed {
                        this.stands_for(&variable.1, None);
                    }
                    if let Expr::Variable(variable, ..) = &parts.1.lhs {
                        let kind = this.kind(&parts.1.rhs);
                        this.learn(&variable.1, kind);
                    }
                }
                // A method may change what it is called on.
                Some(ASTNode::Expr(Expr::Dot(parts, ..))) => {
                    let changes = |call: &FnCallExpr| call.name != "contains" && call.name != "len";
                    if let (Expr::Variable(variable, ..), Expr::MethodCall(call, _)) =
                        (&parts.lhs, &parts.rhs)
                        && changes(call)
                    {
                        this.stands_for(&variable.1, None);
                    }
                }
                _ => {}
            }
            true
        };
        for stmt in ast.statements() {
            stmt.walk(&mut Vec::new(), &mut each);
        }
        ast.clone_functions_only().walk(&mut each);
        this
    }

    fn learn(&mut self, name: &str, kind: Option<Kind>) {
        let known = self.own.entry(name.to_owned()).or_insert(kind);
        if *known != kind {
            *known = None;
        }
    }

    /// A name stands for a constant where it has this value alone.
    fn stands_for(&mut self, name: &str, value: Option<&Expr>) {
        let is_constant = |value: &&Expr| match value {
            Expr::StringConstant(..) | Expr::DynamicConstant(..) => true,
            Expr::Array(items, _) => items.iter().all(Expr::is_constant),
            _ => false,
        };
        let value = value.filter(is_constant).cloned();
        let known = self.constants.entry(name.to_owned());
        // Declared twice, it may be either.
        known.and_modify(|known| *known = None).or_insert(value);
    }

    /// The constant that a name stands for, or the expression itself.
    fn constant<'b>(&'b self, expr: &'b Expr) -> &'b Expr {
        let name = written(expr).filter(|name| named(name).is_none());
        let known = name.and_then(|name| self.constants.get(name)?.as_ref());
        known.unwrap_or(expr)
    }

    /// What is wrong with one place of the code.
    pub(crate) fn look(&self, node: &ASTNode<'_>) -> Option<Found> {
        match node {
            ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)) => {
                self.call(call, *at)
            }
            ASTNode::Expr(Expr::Dot(parts, ..)) => {
                let Expr::MethodCall(call, at) = &parts.rhs else { return None };
                let [item] = &call.args[..] else { return None };
                (call.name == "contains").then(|| self.within(&parts.lhs, item, *at))?
            }
            ASTNode::Stmt(Stmt::Switch(parts, at)) => self.switch(&parts.0, &parts.1, *at),
            _ => None,
        }
    }

    fn call(&self, call: &FnCallExpr, at: Position) -> Option<Found> {
        let [left, right] = &call.args[..] else { return None };
        match (&call.op_token, call.name.as_str()) {
            (Some(Token::EqualsTo | Token::NotEqualsTo), _) => {
                let kinds = self.two_kinds(left, right, at);
                kinds.or_else(|| self.word(left, right)).or_else(|| self.word(right, left))
            }
            (
                Some(
                    Token::LessThan
                    | Token::LessThanEqualsTo
                    | Token::GreaterThan
                    | Token::GreaterThanEqualsTo,
                ),
                operator,
            ) => {
                let times = [left, right].map(|side| self.kind(side) == Some(Kind::Time));
                if times.contains(&true) {
                    let message = format!("`{operator}` compares an instant");
                    let help = "instants are only handed on, as details of a reason; compare a \
                                fact that counts, such as `debt_age`";
                    return Some((at, message, help.to_owned()));
                }
                self.two_kinds(left, right, at)
            }
            (_, "contains") => self.within(left, right, at),
            _ => None,
        }
    }

    /// `item in container`.
    fn within(&self, container: &Expr, item: &Expr, at: Position) -> Option<Found> {
        let found = |each: &Expr| {
            let kinds = self.two_kinds(item, each, at);
            kinds.or_else(|| self.word(item, each))
        };
        match self.constant(container) {
            Expr::Array(items, _) => items.iter().find_map(found),
            Expr::DynamicConstant(value, at) => {
                let items = value.as_array_ref().ok()?;
                let constants = items.iter().map(|item| Expr::from_dynamic(item.clone(), *at));
                constants.collect::<Vec<_>>().iter().find_map(found)
            }
            Expr::FnCall(range, _)
                if matches!(
                    range.op_token,
                    Some(Token::ExclusiveRange | Token::InclusiveRange)
                ) =>
            {
                range.args.iter().find_map(|bound| self.two_kinds(item, bound, at))
            }
            Expr::Variable(parts, ..) => {
                let Some((name, Term::Param(param))) = named(&parts.1) else { return None };
                let ParamKind::Set(words) = param.spec().kind else { return None };
                let Expr::StringConstant(word, at) = self.constant(item) else { return None };
                let never = || format!("`{name}` never lists \"{word}\"");
                let known = words.contains(&word.as_str());
                (!known).then(|| (*at, never(), one_of(word, words.iter().copied())))
            }
            _ => None,
        }
    }

    /// A comparison of two kinds.
    fn two_kinds(&self, left: &Expr, right: &Expr, at: Position) -> Option<Found> {
        let (one, other) = (self.kind(left)?, self.kind(right)?);
        let may_be_nothing = [one, other].contains(&Kind::Time);
        if one == other || (may_be_nothing && [one, other].contains(&Kind::Nothing)) {
            return None;
        }
        let what = match (written(left), written(right)) {
            (Some(name), _) => {
                format!("`{name}` is {} and is compared with {}", one.name(), other.name())
            }
            (None, Some(name)) => {
                format!("`{name}` is {} and is compared with {}", other.name(), one.name())
            }
            (None, None) => format!("{} is compared with {}", one.name(), other.name()),
        };
        let text = [left, right].into_iter().find_map(|side| match side {
            Expr::StringConstant(text, _) => Some(text.as_str()),
            _ => None,
        });
        Some((at, what, never_equal(text, [one, other])))
    }

    /// A fact or a parameter beside a word that it never is.
    fn word(&self, variable: &Expr, word: &Expr) -> Option<Found> {
        let Expr::StringConstant(word, at) = self.constant(word) else { return None };
        let name = written(variable)?;
        let words = self.words(variable)?;
        if word.is_empty() || words.contains(word.as_str()) {
            return None;
        }
        let help = one_of(word, words.iter().copied());
        Some((*at, format!("`{name}` is never \"{word}\""), help))
    }

    /// A `switch` over the words of a fact or a parameter.
    fn switch(&self, subject: &Expr, cases: &SwitchCasesCollection, at: Position) -> Option<Found> {
        let name = written(subject)?;
        let kind = self.kind(subject)?;
        if kind != Kind::Number && !cases.ranges.is_empty() {
            let message = format!("`{name}` is {} and is compared with a number", kind.name());
            return Some((at, message, never_equal(None, [kind, Kind::Number])));
        }
        let words = self.words(subject);
        let counts = self.is_whole(subject);
        switches::cases(self.text, at).into_iter().find_map(|(case, at)| {
            let other = Kind::of_case(&case);
            if kind != other {
                let message =
                    format!("`{name}` is {} and is compared with {}", kind.name(), other.name());
                return Some((at, message, never_equal(case.text(), [kind, other])));
            }
            match (case, &words, counts) {
                (Case::Text(word), Some(words), _) => {
                    let known = word.is_empty() || words.contains(word.as_str());
                    let never = || format!("`{name}` is never \"{word}\"");
                    (!known).then(|| (at, never(), one_of(&word, words.iter().copied())))
                }
                (Case::Letter, ..) => {
                    let message = format!("`{name}` is a text and is compared with a letter");
                    let help = "a `switch` tells the two apart: write it in double quotes";
                    Some((at, message, help.to_owned()))
                }
                (Case::Whole, _, Some(false)) => {
                    let message = format!("`{name}` is an amount, and this case a whole number");
                    let help = "a `switch` tells the two apart: write it as an amount, such as 5.0";
                    Some((at, message, help.to_owned()))
                }
                (Case::Decimal, _, Some(true)) => {
                    let message = format!("`{name}` is a whole number, and this case an amount");
                    let help = "a `switch` tells the two apart: write it without a point";
                    Some((at, message, help.to_owned()))
                }
                _ => None,
            }
        })
    }

    /// Whether a number is a whole one, or an amount; nothing where nobody can say.
    fn is_whole(&self, variable: &Expr) -> Option<bool> {
        let Expr::Variable(parts, ..) = variable else { return None };
        match named(&parts.1)?.1 {
            Term::Fact(place) => match FACTS[place].kind {
                FactKind::Int => Some(true),
                FactKind::Money => Some(false),
                _ => None,
            },
            Term::Param(param) => match param.spec().kind {
                ParamKind::Int(..) | ParamKind::Dur(_) => Some(true),
                ParamKind::Money(..) => Some(false),
                _ => None,
            },
            Term::Kind(_) => None,
        }
    }

    /// The words that a variable is one of; nothing where they are open.
    fn words(&self, variable: &Expr) -> Option<BTreeSet<&str>> {
        let Expr::Variable(parts, ..) = variable else { return None };
        let (_, term) = named(&parts.1)?;
        let site = |names: &'a BTreeSet<String>| {
            let closed = !self.names.any && !names.is_empty();
            closed.then(|| names.iter().map(String::as_str).collect())
        };
        match term {
            Term::Kind(_) => None,
            Term::Param(param) => match param.spec().kind {
                ParamKind::Choice(words) | ParamKind::Scheduled(&ParamKind::Choice(words)) => {
                    Some(words.iter().copied().collect())
                }
                _ => None,
            },
            Term::Fact(place) => match FACTS[place].words() {
                Words::Open => None,
                Words::Listed(words) => Some(words.iter().copied().collect()),
                Words::Zones => site(&self.names.zones),
                Words::Devices => site(&self.names.devices),
            },
        }
    }

    fn kind(&self, expr: &Expr) -> Option<Kind> {
        match expr {
            Expr::BoolConstant(..) | Expr::And(..) | Expr::Or(..) => Some(Kind::Bool),
            Expr::IntegerConstant(..) => Some(Kind::Number),
            Expr::StringConstant(..) | Expr::CharConstant(..) | Expr::InterpolatedString(..) => {
                Some(Kind::Text)
            }
            Expr::Array(..) => Some(Kind::List),
            Expr::Unit(..) => Some(Kind::Nothing),
            Expr::DynamicConstant(value, _) => Kind::of_value(value),
            Expr::Variable(parts, ..) => match named(&parts.1) {
                Some((_, Term::Kind(_))) => Some(Kind::Bool),
                Some((_, Term::Fact(place))) => Some(Kind::of_fact(FACTS[place].kind)),
                Some((_, Term::Param(param))) => Kind::of_param(&param.spec().kind),
                None => self.own.get(parts.1.as_str()).copied().flatten(),
            },
            Expr::FnCall(call, _) => match (&call.op_token, &call.args[..]) {
                (
                    Some(Token::UnaryMinus | Token::UnaryPlus | Token::Minus | Token::Plus),
                    [one],
                ) => self.kind(one),
                (Some(Token::Bang), _) => Some(Kind::Bool),
                (
                    Some(
                        Token::Plus
                        | Token::Minus
                        | Token::Multiply
                        | Token::Divide
                        | Token::Modulo,
                    ),
                    [one, other],
                ) => {
                    let both = [self.kind(one)?, self.kind(other)?];
                    (both == [Kind::Number; 2]).then_some(Kind::Number)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// What to do about a comparison of two kinds, one of which may be written as a text.
fn never_equal(text: Option<&str>, kinds: [Kind; 2]) -> String {
    let number = |text: &&str| text.parse::<rust_decimal::Decimal>().is_ok();
    match text.filter(number) {
        Some(text) if kinds.contains(&Kind::Number) => {
            format!("the two are never equal: write {text} without quotes")
        }
        _ => "the two are never equal: compare it with a value of its own kind".to_owned(),
    }
}

/// The variable that an expression is, by its name.
fn written(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Variable(parts, ..) => Some(&parts.1),
        _ => None,
    }
}

/// `did you mean ...`, or the words there are.
fn one_of<'a>(word: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    did_you_mean(word, words.clone(), || {
        let all: Vec<String> = words.map(|word| format!("`{word}`")).collect();
        format!("it is one of {}", all.join(", "))
    })
}
