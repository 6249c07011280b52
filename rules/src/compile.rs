//! From texts to compiled files: what they are compiled against, and what a parse error means.

use std::collections::BTreeMap;

use domain::{
    facts::{EVENT_KINDS, EventKind, FACTS},
    params::{CATALOGUE, Param, Value},
};
use rhai::{
    AST, ASTNode, Expr, LexError, OptimizationLevel, ParseError, ParseErrorType, Position, Scope,
};

use crate::{
    engine::{CHECKING, REFUSED_WORDS, RUNNING},
    host::{fact_blank, param_value},
    layout::Layout,
    letters::hidden,
    problem::{Problem, did_you_mean},
    settings::setting,
    vocabulary::{Term, named, terms, variable},
};

/// The variables to compile against.
pub(crate) fn scope() -> Scope<'static> {
    let mut scope = Scope::new();
    for kind in EVENT_KINDS {
        scope.push(kind.name(), false);
    }
    for fact in FACTS {
        scope.push_dynamic(fact.name, fact_blank(fact.kind));
    }
    for param in CATALOGUE.iter().map(|spec| spec.param) {
        scope.push_dynamic(variable(param), param_value(param, param.spec().default()));
    }
    scope
}

/// Parses the file at `index` unpruned, against `scope`.
pub(crate) fn whole(
    layout: &Layout,
    index: usize,
    text: &str,
    scope: &Scope<'_>,
) -> Result<AST, Problem> {
    if let Some((line, column, letter)) = hidden(text) {
        let help = match letter {
            '\u{feff}' => "save the file as UTF-8 without a byte order mark",
            _ => "remove it, or write the line anew",
        };
        let message = format!("a character that cannot be seen, U+{:04X}", u32::from(letter));
        return Err(layout.problem(layout.position(index, line, column), index, message, help));
    }
    let text = layout.moved(index, text);
    let ast = CHECKING
        .compile_with_scope(scope, &text)
        .map_err(|error| problem(&error, layout, index))?;
    // The engine takes the end of a file for the end of a comment, and a file that was saved half
    // would pass. So something wrong is put behind it: if that goes unseen, the comment is still
    // open.
    if text.contains("/*") && CHECKING.compile_with_scope(scope, format!("{text}\n)")).is_ok() {
        let message = "the file ends in the middle of a comment";
        return Err(layout.problem(Position::NONE, index, message, "close it with `*/`"));
    }
    Ok(ast)
}

/// Prunes away what other kinds of events need.
pub(crate) fn pruned(ast: AST, kind: EventKind) -> AST {
    let mut kinds = Scope::new();
    for known in EVENT_KINDS {
        kinds.push_constant(known.name(), *known == kind);
    }
    RUNNING.optimize_ast(&kinds, ast, OptimizationLevel::Simple)
}

/// Prunes away what these values of parameters switch off; the others become constants.
pub(crate) fn settled<'a>(ast: AST, values: impl Iterator<Item = (Param, &'a Value)>) -> AST {
    let mut params = Scope::new();
    for (param, value) in values {
        params.push_constant_dynamic(variable(param), param_value(param, value));
    }
    RUNNING.optimize_ast(&params, ast, OptimizationLevel::Simple)
}

/// The file without its settings.
pub(crate) fn only_checks(ast: &AST) -> AST {
    let checks = ast.statements().iter().filter(|stmt| setting(stmt).is_none()).cloned();
    AST::new(checks.collect::<Vec<_>>(), ast.shared_lib().clone())
}

/// The variables of the vocabulary that `ast` reads, the one with the most places last.
pub(crate) fn terms_of(ast: &AST) -> Vec<Term> {
    let mut places: BTreeMap<&str, (usize, Term)> = BTreeMap::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::Variable(parts, ..))) = path.last()
            && let Some((name, term)) = named(&parts.1)
        {
            places.entry(name).or_insert((0, term)).0 += 1;
        }
        true
    });
    let mut terms: Vec<_> = places.into_values().collect();
    terms.sort_by_key(|(count, _)| *count);
    terms.into_iter().map(|(_, term)| term).collect()
}

fn problem(error: &ParseError, layout: &Layout, index: usize) -> Problem {
    let (message, help) = explain(error.err_type());
    layout.problem(error.position(), index, message, help)
}

/// A parse error as a sentence, and what to do.
fn explain(error: &ParseErrorType) -> (String, String) {
    match error {
        ParseErrorType::VariableUndefined(name) => {
            let help = did_you_mean(name, terms().map(|(name, _)| name), || {
                "declare it with `let`; a function sees only its own arguments".to_owned()
            });
            (format!("no fact, parameter or variable is called `{name}`"), help)
        }
        ParseErrorType::Reserved(word)
        | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _))
            if REFUSED_WORDS.contains(&word.as_str()) =>
        {
            (
                format!("`{word}` is not available in rule files"),
                "the functions are listed in the rule reference".to_owned(),
            )
        }
        ParseErrorType::ExprTooDeep => (
            "this goes too deep, one thing inside another".to_owned(),
            "put parts of it into variables or functions".to_owned(),
        ),
        ParseErrorType::UnexpectedEOF => (
            "the file ends in the middle of something".to_owned(),
            "close what is open: a bracket, a brace, a text".to_owned(),
        ),
        other => {
            let text = other.to_string().replace('\'', "`");
            let mut letters = text.chars();
            let lower = letters.next().map(char::to_lowercase).into_iter().flatten();
            (lower.chain(letters).collect(), "correct the line and save the file".to_owned())
        }
    }
}
