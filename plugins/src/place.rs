//! From a place in a text to a problem with line and column.

use std::ops::Range;

use rules::problem::Problem;

/// The manifest's name, as problems show it.
pub(crate) const MANIFEST: &str = "manifest.toml";

/// Makes problems that point into one text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a>(pub(crate) &'a str);

impl Places<'_> {
    /// A problem at `span`, in bytes of the text.
    pub(crate) fn problem(
        self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let before = self.0.get(..span.start).unwrap_or(self.0);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        Problem {
            file: MANIFEST.to_owned(),
            line: short(line),
            column: short(column),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// A problem of a whole file, shown at its beginning.
pub(crate) fn whole(file: &str, message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem {
        file: file.to_owned(),
        line: 1,
        column: 1,
        message: message.into(),
        help: help.into(),
    }
}
