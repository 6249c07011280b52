//! What is wrong with a rule set: the place, the trouble, and what to do.

use std::fmt;

use serde::Serialize;

/// The most problems that are told of one set; who corrects these is told the next ones.
pub(crate) const PROBLEMS_MAX: usize = 100;
/// The most characters of a message; a longer one is cut.
const MESSAGE_CHARS_MAX: usize = 400;
/// The most characters of a name that is shown, or compared with the known ones.
const NAME_CHARS_MAX: usize = 64;

/// One thing that is wrong, or worth a look, in a site's rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Name of the file in the rules folder.
    pub file: String,
    /// Line in the file, from 1.
    pub line: u16,
    /// Column in the line in characters, from 1.
    pub column: u16,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "\n  help: {}", self.help) }
    }
}

/// `message`, cut where it is longer than anybody reads: it may repeat what a file holds.
pub(crate) fn cut(message: String) -> String {
    shortened(message, MESSAGE_CHARS_MAX)
}

/// `name` as a message shows it.
pub(crate) fn short(name: &str) -> String {
    shortened(name.to_owned(), NAME_CHARS_MAX)
}

fn shortened(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// The known name that `name` was most likely meant to be.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().nth(NAME_CHARS_MAX).is_some() {
        return None;
    }
    let wanted = name.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wanted, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= 2.max(word.len() / 3))
        .min()
        .map(|(_, word)| word)
}

/// `did you mean ...`, or else `otherwise`.
#[must_use]
pub fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(name, known).map_or_else(otherwise, |word| format!("did you mean `{word}`?"))
}

/// `did you mean ...`, or all the words there are.
pub(crate) fn one_of<'a>(word: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    did_you_mean(word, words.clone(), || {
        let all: Vec<String> = words.map(|word| format!("`{word}`")).collect();
        format!("it is one of {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant_and_a_foreign_one_finds_none() {
        let known = ["debt", "debt_age", "wallet_balance"];
        for (name, meant) in
            [("dept", Some("debt")), ("Debt_Age", Some("debt_age")), ("humidity", None)]
        {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
    }

    #[test]
    fn what_is_longer_than_anybody_reads_is_cut_and_not_compared() {
        assert_eq!(short("debt"), "debt");
        assert_eq!(short(&"ვ".repeat(65)), format!("{} ...", "ვ".repeat(64)));
        assert_eq!(nearest(&"debt".repeat(10_000), ["debt"]), None);
    }

    #[test]
    fn a_problem_is_shown_with_its_place_and_what_to_do() {
        let problem = Problem {
            file: "60_money.rhai".to_owned(),
            line: 7,
            column: 3,
            message: "`dept` is not a name".to_owned(),
            help: "did you mean `debt`?".to_owned(),
        };
        assert_eq!(
            problem.to_string(),
            "60_money.rhai:7:3: `dept` is not a name\n  help: did you mean `debt`?"
        );
    }
}
