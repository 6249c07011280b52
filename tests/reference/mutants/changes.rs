//! Every change in one place that is planted in a rule file: a comparison made another one, `&&`
//! and `||` exchanged, `!` left out, a sum made a difference, a number one more or one less, `true`
//! and `false` exchanged, a reason raised in another class or not at all, a branch taken always or
//! never.

/// A change of a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    /// The file.
    pub(crate) file: &'static str,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// What the line was.
    pub(crate) was: String,
    /// What it is now, or what is done to what begins there.
    pub(crate) is: String,
    /// The whole text with the change.
    pub(crate) text: String,
}

/// All changes of the file `file` with this `text`.
pub(crate) fn changes(file: &'static str, text: &str) -> Vec<Change> {
    let tokens = tokens(text);
    let planted = (0..tokens.len()).flat_map(|at| Around { text, tokens: &tokens, at }.edits());
    planted.map(|edit| edit.made(file, text)).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Text,
    Sign,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    from: usize,
    to: usize,
    kind: Kind,
}

/// The signs of two letters.
const PAIRS: &[&str] = &["&&", "||", "==", "!=", "<=", ">=", "#{"];

/// The tokens of a rule file, without what people write beside them.
fn tokens(text: &str) -> Vec<Token> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(first) = text[from..].chars().next() {
        let rest = &text[from..];
        let while_any = |is: fn(char) -> bool| rest.find(|letter| !is(letter));
        let (kind, long) = match first {
            _ if first.is_whitespace() || rest.starts_with("//") => {
                let comment = rest.starts_with("//");
                let blank = if comment { rest.find('\n') } else { while_any(char::is_whitespace) };
                from += blank.unwrap_or(rest.len());
                continue;
            }
            '"' => (Kind::Text, rest[1..].find('"').map(|end| end + 2)),
            '0'..='9' => (Kind::Number, while_any(|one| one.is_ascii_digit() || one == '.')),
            _ if first.is_alphabetic() => {
                (Kind::Word, while_any(|one| one.is_alphanumeric() || one == '_'))
            }
            _ if PAIRS.iter().any(|pair| rest.starts_with(pair)) => (Kind::Sign, Some(2)),
            _ => (Kind::Sign, Some(first.len_utf8())),
        };
        let to = from + long.unwrap_or(rest.len());
        all.push(Token { from, to, kind });
        from = to;
    }
    all
}

/// What is put in the place of a part of the text; a part of many lines is given by a name.
struct Edit {
    from: usize,
    to: usize,
    with: String,
    named: Option<&'static str>,
}

impl Edit {
    fn made(self, file: &'static str, text: &str) -> Change {
        let changed = format!("{}{}{}", &text[..self.from], self.with, &text[self.to..]);
        let line = text[..self.from].matches('\n').count();
        let of = |text: &str| text.lines().nth(line).unwrap_or_default().trim().to_owned();
        let is = self.named.map_or_else(|| of(&changed), ToOwned::to_owned);
        Change { file, line: line + 1, was: of(text), is, text: changed }
    }
}

/// A token among its neighbours.
#[derive(Clone, Copy)]
struct Around<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
}

/// The words that raise a reason.
const VERBS: &[&str] = &["note", "charge", "warn", "hold", "deny"];

impl Around<'_> {
    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.from..token.to])
    }

    fn edits(&self) -> Vec<Edit> {
        let own = self.token(self.at);
        match self.tokens[self.at].kind {
            Kind::Sign => self.instead(signs(own)),
            Kind::Number => self.instead(&numbers(own)),
            Kind::Word if own == "true" => self.instead(&["false"]),
            Kind::Word if own == "false" => self.instead(&["true"]),
            Kind::Word if own == "if" => self.branch(),
            Kind::Word if own == "else" && self.token(self.at + 1) == "{" => {
                vec![self.without(self.at, self.end_of_block(self.at + 1), "`else` is never taken")]
            }
            Kind::Word if VERBS.contains(&own) && self.token(self.at + 1) == "(" => self.raised(),
            Kind::Word | Kind::Text => Vec::new(),
        }
    }

    /// The token made each of `others`.
    fn instead<S: AsRef<str>>(&self, others: &[S]) -> Vec<Edit> {
        let Token { from, to, .. } = self.tokens[self.at];
        let edit = |with: &S| Edit { from, to, with: with.as_ref().to_owned(), named: None };
        others.iter().map(edit).collect()
    }

    /// What stands from one token to another left out.
    fn without(&self, first: usize, last: usize, named: &'static str) -> Edit {
        let (from, to) = (self.tokens[first].from, self.tokens[last].to);
        Edit { from, to, with: String::new(), named: Some(named) }
    }

    /// A reason raised in another class, or not at all.
    fn raised(&self) -> Vec<Edit> {
        let own = self.token(self.at);
        let others: Vec<_> = VERBS.iter().filter(|verb| **verb != own).collect();
        let end = self.end(self.at + 1, &["("], &[")"]) + 1;
        let mut edits = self.instead(&others);
        edits.push(self.without(self.at, end, "the reason is not raised"));
        edits
    }

    /// A branch that is always taken, or never.
    fn branch(&self) -> Vec<Edit> {
        let block = (self.at..self.tokens.len()).find(|at| self.token(*at) == "{");
        let Some(block) = block else { return Vec::new() };
        let (first, last) = (self.tokens[self.at + 1], self.tokens[block - 1]);
        let always = Edit {
            from: first.from,
            to: last.to,
            with: "true".to_owned(),
            named: Some("the branch is always taken"),
        };
        let end = self.end_of_block(block);
        let goes_on = self.token(end + 1) == "else";
        let follows = self.at > 0 && self.token(self.at - 1) == "else";
        let from = if follows && !goes_on { self.at - 1 } else { self.at };
        let to = if goes_on { end + 1 } else { end };
        vec![always, self.without(from, to, "the branch is never taken")]
    }

    fn end_of_block(&self, open: usize) -> usize {
        self.end(open, &["{", "#{"], &["}"])
    }

    /// The token that closes what `open` opens.
    fn end(&self, open: usize, opening: &[&str], closing: &[&str]) -> usize {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            let own = self.token(at);
            depth += usize::from(opening.contains(&own));
            depth -= usize::from(closing.contains(&own));
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len() - 1
    }
}

/// What a sign is made.
fn signs(own: &str) -> &'static [&'static str] {
    match own {
        "<" => &["<=", ">", "=="],
        "<=" => &["<", ">", "=="],
        ">" => &[">=", "<", "=="],
        ">=" => &[">", "<", "=="],
        "==" => &["!="],
        "!=" => &["=="],
        "&&" => &["||"],
        "||" => &["&&"],
        "!" => &[""],
        "+" | "*" => &["-"],
        "-" => &["+"],
        _ => &[],
    }
}

/// A number made one less and one more; an amount by its smallest unit.
fn numbers(own: &str) -> [String; 2] {
    let decimals = own.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = 10_i64.pow(u32::try_from(decimals).unwrap());
    let whole: i64 = own.replace('.', "").parse().unwrap();
    [whole - 1, whole + 1].map(|one| {
        let sign = if one < 0 { "-" } else { "" };
        let (before, after) = (one.abs() / unit, one.abs() % unit);
        match decimals {
            0 => format!("{sign}{before}"),
            _ => format!("{sign}{before}.{after:0decimals$}"),
        }
    })
}

#[test]
fn a_small_file_is_changed_in_every_place() {
    let text =
        "// a > b\nif !a && b > 9 {\n    deny(\"X\", #{ n: 0.00 });\n} else { warn(\"Y\"); }\n";
    let all: Vec<_> = changes("x", text).into_iter().map(|one| (one.line, one.is)).collect();
    let line = |is: &str| (2, is.to_owned());
    for expected in [
        line("if a && b > 9 {"),
        line("if !a || b > 9 {"),
        line("if !a && b >= 9 {"),
        line("if !a && b < 9 {"),
        line("if !a && b == 9 {"),
        line("if !a && b > 8 {"),
        line("if !a && b > 10 {"),
        line("the branch is always taken"),
        line("the branch is never taken"),
        (3, "warn(\"X\", #{ n: 0.00 });".to_owned()),
        (3, "deny(\"X\", #{ n: -0.01 });".to_owned()),
        (3, "deny(\"X\", #{ n: 0.01 });".to_owned()),
        (3, "the reason is not raised".to_owned()),
        (4, "`else` is never taken".to_owned()),
        (4, "} else { deny(\"Y\"); }".to_owned()),
    ] {
        assert!(all.contains(&expected), "{expected:?} is not among {all:#?}");
    }
    assert_eq!(all.len(), 9 + 7 + 6, "{all:#?}");
    let never = changes("x", text).into_iter().find(|one| one.is == "the branch is never taken");
    assert_eq!(never.unwrap().text, "// a > b\n { warn(\"Y\"); }\n");
}
