//! What the cases of a `switch` are, as they are written: the parsed code keeps no more of a case
//! than its hash.

use rhai::{Position, Token};

use crate::engine::CHECKING;

/// A case that is written as a constant, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Case {
    Bool,
    Number,
    Text(String),
}

impl Case {
    /// What a text says; nothing of others.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool | Self::Number => None,
        }
    }
}

/// The constants among the cases of the `switch` at `at` in `text`; none where it is not found.
pub(crate) fn cases(text: &str, at: Position) -> Vec<(Case, Position)> {
    let text = [text];
    let (tokens, _control) = CHECKING.lex(&text);
    let is_it = |token: &Token, found: Position| *token == Token::Switch && found == at;
    // At its end the engine's lexer says so again and again.
    let tokens = tokens.take_while(|(token, _)| *token != Token::EOF);
    let mut tokens = tokens.skip_while(|(token, found)| !is_it(token, *found));
    let mut depth = 0_usize;
    // Up to the brace that begins the cases.
    for (token, _) in tokens.by_ref() {
        match token {
            Token::LeftBrace if depth == 0 => break,
            token => depth = after(&token, depth),
        }
    }
    let (mut found, mut is_case, mut depth) = (Vec::new(), true, 1_usize);
    let mut ends_block = false;
    for (token, place) in tokens {
        let before = depth;
        depth = after(&token, depth);
        if depth == 0 {
            break;
        }
        match &token {
            Token::DoubleArrow | Token::If if depth == 1 => is_case = false,
            Token::Comma if depth == 1 => is_case = true,
            // A block needs no comma behind it.
            Token::RightBrace if depth == 1 => ends_block = true,
            _ if before == 1 && std::mem::take(&mut ends_block) && starts_case(&token) => {
                is_case = true;
            }
            _ => {}
        }
        if is_case && depth == 1 {
            found.extend(constant(token).map(|case| (case, place)));
        }
    }
    found
}

/// How many brackets are open after a token.
fn after(token: &Token, depth: usize) -> usize {
    match token {
        Token::LeftBrace | Token::LeftParen | Token::LeftBracket | Token::MapStart => depth + 1,
        Token::RightBrace | Token::RightParen | Token::RightBracket => depth.saturating_sub(1),
        _ => depth,
    }
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
    )
}

fn constant(token: Token) -> Option<Case> {
    match token {
        Token::True | Token::False => Some(Case::Bool),
        Token::IntegerConstant(_) | Token::DecimalConstant(_) => Some(Case::Number),
        Token::StringConstant(text) => Some(Case::Text(text.to_string())),
        Token::CharConstant(letter) => Some(Case::Text(letter.to_string())),
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
                    3 => f(\"no\", 4), true => { let c = \"no\"; }\n'q' => \"no\", _ => 8\n}\n\
                    switch 2 { \"other\" => 1 }";
        let text_of = |text: &str| Case::Text(text.to_owned());
        let found = cases(text, Position::new(2, 1));
        let told: Vec<_> = found.into_iter().map(|(case, at)| (case, at.line().unwrap())).collect();
        assert_eq!(
            told,
            [
                (text_of("one"), 3),
                (text_of("two"), 3),
                (Case::Number, 4),
                (Case::Bool, 4),
                (text_of("q"), 5),
            ]
        );
        let found = cases(text, Position::new(7, 1));
        assert_eq!(found, [(text_of("other"), Position::new(7, 12))]);
        assert_eq!(cases(text, Position::new(9, 1)), []);
    }
}
