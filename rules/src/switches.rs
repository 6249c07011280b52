//! What the cases of a `switch` are, as they are written: the parsed code keeps no more of a case
//! than its hash.

use rhai::{Position, Token, TokenIterator, TokenizerControl};

use crate::engine::CHECKING;

/// A case that is written as a constant, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Case {
    Bool,
    Whole,
    Decimal,
    /// A range of whole numbers, which amounts lie in as well.
    Range,
    /// One sign in single quotes, which is no text.
    Letter,
    Text(String),
}

impl Case {
    /// What a text says; nothing of others.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The tokens of a text. Where the code within a text in backticks ends, the lexer is told that the
/// text goes on, as the parser does.
struct Tokens<'a> {
    lexer: TokenIterator<'a>,
    control: TokenizerControl,
    depth: usize,
    /// The brackets that were open where each text in backticks was interrupted.
    interrupted: Vec<usize>,
    /// Whether what comes next is the rest of such a text.
    goes_on: bool,
}

impl Iterator for Tokens<'_> {
    type Item = (Token, Position, usize);

    /// A token, where it is, and how many brackets are open after it.
    fn next(&mut self) -> Option<Self::Item> {
        let (mut token, at) = self.lexer.next()?;
        // At its end the engine's lexer says so again and again.
        if token == Token::EOF {
            return None;
        }
        let rest = std::mem::take(&mut self.goes_on);
        match &token {
            Token::InterpolatedString(_) => self.interrupted.push(self.depth),
            // The rest of a text is no text of its own.
            Token::StringConstant(text) if rest => token = Token::InterpolatedString(text.clone()),
            _ => {}
        }
        self.depth = match token {
            Token::LeftBrace | Token::LeftParen | Token::LeftBracket | Token::MapStart => {
                self.depth + 1
            }
            Token::RightBrace | Token::RightParen | Token::RightBracket => {
                self.depth.saturating_sub(1)
            }
            _ => self.depth,
        };
        if token == Token::RightBrace && self.interrupted.last() == Some(&self.depth) {
            self.interrupted.pop();
            self.control.borrow_mut().is_within_text = true;
            self.goes_on = true;
        }
        Some((token, at, self.depth))
    }
}

/// The constants among the cases of the `switch` at `at` in `text`; none where it is not found.
pub(crate) fn cases(text: &str, at: Position) -> Vec<(Case, Position)> {
    let text = [text];
    let (lexer, control) = CHECKING.lex(&text);
    let mut tokens = Tokens { lexer, control, depth: 0, interrupted: Vec::new(), goes_on: false };
    let begins = tokens.find(|(token, found, _)| *token == Token::Switch && *found == at);
    let Some((_, _, outside)) = begins else { return Vec::new() };
    let inside = outside + 1;
    // Up to the brace that begins the cases.
    if tokens.all(|(token, _, depth)| token != Token::LeftBrace || depth != inside) {
        return Vec::new();
    }
    let (mut found, mut is_case, mut ends_block) = (Vec::new(), true, false);
    // A case may stand in parentheses, and be a range.
    let (mut parens, mut first, mut in_range) = (0, 0, false);
    for (token, place, depth) in tokens {
        if depth == outside {
            break;
        }
        // A block needs no comma behind it.
        if std::mem::take(&mut ends_block) && starts_case(&token) {
            is_case = true;
        }
        match &token {
            Token::DoubleArrow | Token::If if depth == inside => is_case = false,
            Token::Comma if depth == inside => is_case = true,
            Token::RightBrace if depth == inside => ends_block = true,
            Token::LeftParen if is_case => parens += 1,
            Token::RightParen if is_case => parens -= 1,
            _ => {}
        }
        if !is_case || (depth == inside && matches!(token, Token::Comma | Token::Pipe)) {
            (first, in_range) = (found.len(), false);
        }
        if !is_case || in_range || depth != inside + parens {
            continue;
        }
        in_range = matches!(token, Token::ExclusiveRange | Token::InclusiveRange);
        if in_range {
            // The number before it was no case of its own.
            let begins = found.get(first).map_or(place, |(_, place)| *place);
            found.truncate(first);
            found.push((Case::Range, begins));
        } else {
            found.extend(constant(token).map(|case| (case, place)));
        }
    }
    found
}

/// Whether a case may begin so, and the rest of an expression not.
const fn starts_case(token: &Token) -> bool {
    matches!(
        token,
        Token::StringConstant(_)
            | Token::CharConstant(_)
            | Token::IntegerConstant(_)
            | Token::DecimalConstant(_)
            | Token::True
            | Token::False
            | Token::Underscore
            | Token::LeftParen
    )
}

fn constant(token: Token) -> Option<Case> {
    match token {
        Token::True | Token::False => Some(Case::Bool),
        Token::IntegerConstant(_) => Some(Case::Whole),
        Token::DecimalConstant(_) => Some(Case::Decimal),
        Token::StringConstant(text) => Some(Case::Text(text.to_string())),
        Token::CharConstant(_) => Some(Case::Letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_as_they_are_written() {
        let text = "let a = #{ b: 1 };\nswitch (if a.b == 1 { \"x\" } else { \"y\" }) {\n\
                    \"one\" | \"two\" if a.b == 5 => switch 1 { 7 => {} _ => \"no\" }\n\
                    3 => f(\"no\", 4), true => { let c = \"no\"; }\n'q' => \"no\", _ => 8\n}";
        let text_of = |text: &str| Case::Text(text.to_owned());
        let found = cases(text, Position::new(2, 1));
        let told: Vec<_> = found.into_iter().map(|(case, at)| (case, at.line().unwrap())).collect();
        assert_eq!(
            told,
            [
                (text_of("one"), 3),
                (text_of("two"), 3),
                (Case::Whole, 4),
                (Case::Bool, 4),
                (Case::Letter, 5),
            ]
        );
        let text = "let s = `x ${1 + 1} \"no\" ${ #{ a: `y ${2}` } } =>`;\n\
                    switch a { (\"one\") | 1.5 => `a ${b} \\\"no`, \
                    \"two\" => `${if c { 1 } else { 2 }}`, \
                    [\"no\"] => {} ((\"three\")) => 1 }";
        let found = cases(text, Position::new(2, 1));
        let told: Vec<_> = found.into_iter().map(|(case, _)| case).collect();
        assert_eq!(told, [text_of("one"), Case::Decimal, text_of("two"), text_of("three")]);
        let text =
            "\nswitch 2 { 0..5 => 1, 6 | (7..=9) | 10 => 1, -3..-1 if a in 1..2 => {} 7..9 => 4 }";
        let found = cases(text, Position::new(2, 1));
        let told: Vec<_> = found.iter().map(|(case, at)| (case, at.position().unwrap())).collect();
        let of = [Case::Range, Case::Whole, Case::Range, Case::Whole, Case::Range, Case::Range];
        assert_eq!(told, of.iter().zip([12, 23, 28, 37, 46, 72]).collect::<Vec<_>>());
        let text = "\nswitch 2 { \"other\" => 1 }";
        let found = cases(text, Position::new(2, 1));
        assert_eq!(found, [(text_of("other"), Position::new(2, 12))]);
        assert_eq!(cases(text, Position::new(9, 1)), []);
    }
}
