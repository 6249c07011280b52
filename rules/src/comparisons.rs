//! Comparisons that can never be true: of two kinds of value, and with a word that a fact or a
//! parameter never is. Such a check would go quietly unheard for everybody.

use std::collections::BTreeSet;

use domain::{
    facts::{FACTS, FactKind},
    params::{Kind as ParamKind, Param},
    reasons::REASONS,
    scope::ScopeKind,
};
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt, Token};

use crate::{
    load::Names,
    problem::one_of,
    switches::{self, Case},
    variables::{Kind, Variables, written},
    vocabulary::{Term, named},
};

/// A problem before its file is known: where, what, and what to do.
pub(crate) type Found = (Position, String, String);

/// What the code of a file says of its own variables, and the names that its site has.
pub(crate) struct Comparisons<'a> {
    names: &'a Names,
    /// The text of the file, on the lines that its positions mean.
    text: &'a str,
    variables: Variables,
}

impl<'a> Comparisons<'a> {
    /// Learns what the variables of a file are.
    pub(crate) fn of(ast: &AST, text: &'a str, names: &'a Names) -> Self {
        Self { names, text, variables: Variables::of(ast) }
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
            ASTNode::Stmt(Stmt::Switch(parts, at)) => self.switch(&parts.0, *at),
            _ => None,
        }
    }

    fn call(&self, call: &FnCallExpr, at: Position) -> Option<Found> {
        let [left, right] = &call.args[..] else { return None };
        match (&call.op_token, call.name.as_str()) {
            (Some(Token::EqualsTo | Token::NotEqualsTo), _) => self.equal(left, right, at),
            (
                Some(
                    Token::LessThan
                    | Token::LessThanEqualsTo
                    | Token::GreaterThan
                    | Token::GreaterThanEqualsTo,
                ),
                operator,
            ) => {
                let times = [left, right].map(|side| self.variables.kind(side) == Some(Kind::Time));
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

    /// Two values that are never equal.
    fn equal(&self, left: &Expr, right: &Expr, at: Position) -> Option<Found> {
        let never = |one, other| {
            let word = self.word(one, other).or_else(|| self.list(one, other));
            word.or_else(|| self.fraction(one, other))
        };
        let kinds = self.two_kinds(left, right, at);
        kinds.or_else(|| never(left, right)).or_else(|| never(right, left))
    }

    /// `item in container`.
    fn within(&self, container: &Expr, item: &Expr, at: Position) -> Option<Found> {
        if let Some(items) = self.items(container) {
            return items.iter().find_map(|each| self.equal(item, each, at));
        }
        match self.variables.meant(container) {
            Expr::FnCall(range, _)
                if matches!(
                    range.op_token,
                    Some(Token::ExclusiveRange | Token::InclusiveRange)
                ) =>
            {
                range.args.iter().find_map(|bound| self.two_kinds(item, bound, at))
            }
            listing => self.listed(listing, item),
        }
    }

    /// The values of a list that is written out.
    fn items(&self, list: &Expr) -> Option<Vec<Expr>> {
        match self.variables.meant(list) {
            Expr::Array(items, _) => Some(items.to_vec()),
            Expr::DynamicConstant(value, at) => {
                let items = value.as_array_ref().ok()?;
                Some(items.iter().map(|item| Expr::from_dynamic(item.clone(), *at)).collect())
            }
            _ => None,
        }
    }

    /// A parameter that lists words beside one that it never lists.
    fn listed(&self, listing: &Expr, item: &Expr) -> Option<Found> {
        let (name, Term::Param(param)) = named(written(self.variables.meant(listing))?)? else {
            return None;
        };
        let words = self.list_words(param)?;
        if let Some(kind) = self.variables.kind(item).filter(|kind| *kind != Kind::Text) {
            let message = format!("`{name}` lists texts, and never {}", kind.name());
            let help = "write one of its words, in double quotes".to_owned();
            return Some((item.start_position(), message, help));
        }
        let (word, at) = self.text_of(item)?;
        let never = || format!("`{name}` never lists \"{word}\"");
        let known = words.contains(word.as_str());
        (!known).then(|| (at, never(), one_of(&word, words.iter().copied())))
    }

    /// A parameter that lists words beside a list with one that it never lists.
    fn list(&self, listing: &Expr, list: &Expr) -> Option<Found> {
        self.items(list)?.iter().find_map(|item| self.listed(listing, item))
    }

    /// A whole number beside one that is not whole.
    fn fraction(&self, variable: &Expr, number: &Expr) -> Option<Found> {
        let name = written(variable).filter(|_| self.is_whole(variable) == Some(true))?;
        let Expr::DynamicConstant(number, at) = self.variables.meant(number) else { return None };
        let number = number.as_decimal().ok().filter(|number| !number.is_integer())?;
        let message = format!("`{name}` is a whole number and is compared with {number}");
        Some((*at, message, "the two are never equal: write a whole number".to_owned()))
    }

    /// The text that an expression is, or the letter, which is equal to the text that it makes.
    fn text_of(&self, expr: &Expr) -> Option<(String, Position)> {
        match self.variables.meant(expr) {
            Expr::StringConstant(text, at) => Some((text.to_string(), *at)),
            Expr::CharConstant(letter, at) => Some((letter.to_string(), *at)),
            _ => None,
        }
    }

    /// A comparison of two kinds.
    fn two_kinds(&self, left: &Expr, right: &Expr, at: Position) -> Option<Found> {
        let (one, other) = (self.variables.kind(left)?, self.variables.kind(right)?);
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
        let (word, at) = self.text_of(word)?;
        let name = written(variable)?;
        let words = self.words(variable)?;
        if word.is_empty() || words.contains(word.as_str()) {
            return None;
        }
        let help = one_of(&word, words.iter().copied());
        Some((at, format!("`{name}` is never \"{word}\""), help))
    }

    /// A `switch` over the words of a fact or a parameter.
    fn switch(&self, subject: &Expr, at: Position) -> Option<Found> {
        let name = written(subject)?;
        let kind = self.variables.kind(subject)?;
        let words = self.words(subject);
        let counts = self.is_whole(subject);
        switches::cases(self.text, at).into_iter().find_map(|(case, at)| {
            let other = kind_of(&case);
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
                // What a fact or a parameter says is no letter; another variable may be one.
                (Case::Letter, ..) if self.term(subject).is_some() => {
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

    /// The fact or the parameter that a variable stands for.
    fn term(&self, variable: &Expr) -> Option<Term> {
        Some(named(written(self.variables.meant(variable))?)?.1)
    }

    /// Whether a number is a whole one, or an amount; nothing where nobody can say.
    fn is_whole(&self, variable: &Expr) -> Option<bool> {
        match self.term(variable)? {
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

    /// The words of which a parameter lists some; nothing where it is no list, or they are open.
    fn list_words(&self, param: Param) -> Option<BTreeSet<&'a str>> {
        match param.spec().kind {
            ParamKind::Set(words) | ParamKind::Rights(words) => {
                Some(words.iter().copied().collect())
            }
            ParamKind::Names(ScopeKind::Terminal) => self.names.closed(&self.names.terminals),
            ParamKind::Codes => Some(REASONS.iter().map(|spec| spec.code).collect()),
            _ => None,
        }
    }

    /// The words that a variable is one of; nothing where they are open.
    fn words(&self, variable: &Expr) -> Option<BTreeSet<&'a str>> {
        match self.term(variable)? {
            Term::Kind(_) => None,
            Term::Param(param) => match param.spec().kind {
                ParamKind::Choice(words) | ParamKind::Scheduled(&ParamKind::Choice(words)) => {
                    Some(words.iter().copied().collect())
                }
                _ => None,
            },
            Term::Fact(place) => self.names.words(&FACTS[place]),
        }
    }
}

/// The kind of the values that a case is for.
const fn kind_of(case: &Case) -> Kind {
    match case {
        Case::Bool => Kind::Bool,
        Case::Whole | Case::Decimal | Case::Range => Kind::Number,
        Case::Letter | Case::Text(_) => Kind::Text,
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
