//! The words of a step, taken from the left or by the name that stands before them.

use domain::time::Span;

use super::{steps::PARTS, times::OCCURRENCES};

/// What is left of a step.
pub(super) struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub(super) const fn from(words: Vec<&'a str>) -> Self {
        Self(words)
    }

    pub(super) fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().collect())
    }

    /// What stands before each `between`, and behind the last one.
    pub(super) fn split(self, between: &str) -> Vec<Self> {
        self.0.split(|word| *word == between).map(|part| Self(part.to_vec())).collect()
    }

    pub(super) fn first(&self) -> Option<&'a str> {
        self.0.first().copied()
    }

    /// The next word, which is `what`.
    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.take_at(0, what)
    }

    /// The next word, which is one of these.
    pub(super) fn one_of(&mut self, all: &[&'static str]) -> Result<&'static str, String> {
        let all_of_them = all.join(" or ");
        let word = self.next(&all_of_them)?;
        let known = all.iter().find(|one| **one == word);
        known.copied().ok_or_else(|| format!("`{word}` is not {all_of_them}"))
    }

    /// Whether `flag` is there; it is taken away.
    pub(super) fn flag(&mut self, flag: &str) -> bool {
        self.behind(flag).is_some()
    }

    /// The word behind `name`; both are taken away.
    pub(super) fn option(&mut self, name: &str) -> Result<Option<&'a str>, String> {
        let Some(place) = self.behind(name) else { return Ok(None) };
        self.take_at(place, &format!("what stands behind `{name}`")).map(Some)
    }

    /// Where the word behind `name` stands, which is taken away.
    pub(super) fn behind(&mut self, name: &str) -> Option<usize> {
        assert!(PARTS.iter().any(|part| part.name() == name), "`{name}` stands in no list");
        let place = self.0.iter().position(|word| *word == name)?;
        self.0.remove(place);
        Some(place)
    }

    /// The word at a place, which is `what`.
    pub(super) fn take_at(&mut self, place: usize, what: &str) -> Result<&'a str, String> {
        match place < self.0.len() {
            true => Ok(self.0.remove(place)),
            false => Err(format!("{what} is missing")),
        }
    }

    /// The words of the local time that comes next: a date if there is one, a time, and which of
    /// two it is.
    pub(super) fn time(&mut self) -> String {
        self.time_at(0)
    }

    /// Those of the local time behind `name`.
    pub(super) fn time_behind(&mut self, name: &str) -> Option<String> {
        self.behind(name).map(|place| self.time_at(place))
    }

    /// Those of the local time at a place.
    pub(super) fn time_at(&mut self, place: usize) -> String {
        let behind = |count: usize| self.0.get(place + count).copied();
        let dated = behind(0).is_some_and(|word| word.contains('-'));
        let mut count = if dated { 2 } else { 1 };
        count += usize::from(behind(count).is_some_and(|word| OCCURRENCES.contains(&word)));
        let end = self.0.len().min(place + count);
        self.0.drain(place.min(end)..end).collect::<Vec<_>>().join(" ")
    }

    /// All words that are left.
    pub(super) fn rest(&mut self) -> Vec<&'a str> {
        std::mem::take(&mut self.0)
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(_) => Err(format!("`{}` is not understood", self.0.join(" "))),
        }
    }
}

/// Seconds, with thousandths if need be.
pub(super) fn seconds(text: &str) -> Result<Span, String> {
    let wrong = || format!("`{text}` is no number of seconds");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let below = whole.starts_with('-');
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let part: i64 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    Ok(Span::millis(whole * 1000 + if below { -part } else { part }))
}

/// A number of any kind.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number that fits here"))
}
