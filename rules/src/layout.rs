//! Where each file lies in the numbering of lines that the files of a set share.
//!
//! A place in Rhai is a line and a column and names no file. So each file gets lines of its own:
//! before it is compiled, as many empty lines are put in front of it as the files before it have.

use rhai::Position;

use crate::{
    bundle::SourceFile,
    problem::{Problem, cut},
};

/// The most lines of a set; places are 16 bits wide.
const LINES_MAX: usize = 60_000;

#[derive(Debug)]
struct Stretch {
    name: String,
    /// Lines before its first one.
    before: u16,
    lines: u16,
}

/// The stretches of lines of a set's files, in order.
#[derive(Debug)]
pub(crate) struct Layout {
    files: Vec<Stretch>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The file's name.
    pub(crate) file: &'a str,
    /// The line, from 1.
    pub(crate) line: u16,
    /// The column, from 1.
    pub(crate) column: u16,
}

impl Layout {
    /// Lays out `files`.
    pub(crate) fn of(files: &[SourceFile]) -> Result<Self, Problem> {
        let mut before = 0;
        let mut stretches = Vec::with_capacity(files.len());
        for file in files {
            let lines = file.text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let fits = (before + lines <= LINES_MAX)
                .then(|| Some((u16::try_from(before).ok()?, u16::try_from(lines).ok()?)))
                .flatten();
            let Some((first, count)) = fits else {
                return Err(Problem {
                    file: file.name.clone(),
                    line: 1,
                    column: 1,
                    message: format!("the rule files have more than {LINES_MAX} lines in all"),
                    help: "make them shorter".to_owned(),
                });
            };
            stretches.push(Stretch { name: file.name.clone(), before: first, lines: count });
            before += lines;
        }
        Ok(Self { files: stretches })
    }

    /// The text of the file at `index`, moved to its own lines.
    pub(crate) fn moved(&self, index: usize, text: &str) -> String {
        let before = self.files.get(index).map_or(0, |file| usize::from(file.before));
        format!("{}{text}", "\n".repeat(before))
    }

    /// The position of a place in the file at `index`.
    pub(crate) fn position(&self, index: usize, line: usize, column: usize) -> Position {
        let before = self.files.get(index).map_or(0, |file| usize::from(file.before));
        let [line, column] =
            [before + line, column].map(|number| u16::try_from(number).unwrap_or(u16::MAX));
        Position::new(line, column)
    }

    /// The place that `position` means; the end of the file at `index` where it means none.
    pub(crate) fn place(&self, position: Position, index: usize) -> Place<'_> {
        let column = position.position().unwrap_or(1);
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        match position.line().and_then(|line| u16::try_from(line).ok()) {
            Some(line) => self.line(line, column),
            None => self.files.get(index).map_or(Place { file: "", line: 1, column: 1 }, |file| {
                Place { file: &file.name, line: file.lines, column: 1 }
            }),
        }
    }

    /// The place at `line` of the shared numbering.
    pub(crate) fn line(&self, line: u16, column: u16) -> Place<'_> {
        let after = self.files.partition_point(|file| file.before < line);
        let file = after.checked_sub(1).and_then(|index| self.files.get(index));
        file.map_or(Place { file: "", line, column }, |file| Place {
            file: &file.name,
            line: line - file.before,
            column,
        })
    }

    /// A problem at `position`, or at the end of the file at `index`.
    pub(crate) fn problem(
        &self,
        position: Position,
        index: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let place = self.place(position, index);
        Problem {
            file: place.file.to_owned(),
            line: place.line,
            column: place.column,
            message: cut(message.into()),
            help: cut(help.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn each_line_of_the_set_belongs_to_one_file() {
        let files = [file("a", "1\n2\n"), file("b", ""), file("c", "1\n2")];
        let layout = Layout::of(&files).unwrap();
        let wanted = [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("c", 2)];
        for (line, (name, own)) in (1..).zip(wanted) {
            let place = layout.line(line, 1);
            assert_eq!((place.file, place.line), (name, own), "line {line}");
        }
        assert_eq!(layout.place(Position::NONE, 2).line, 2, "no place is the end of the file");
        assert_eq!(layout.moved(2, "x").lines().count(), 5);
    }

    #[test]
    fn a_set_with_more_lines_than_places_can_tell_apart_is_refused() {
        let long = "\n".repeat(30_000);
        assert!(Layout::of(&[file("a", &long)]).is_ok());
        let refused = Layout::of(&[file("a", &long), file("b", &long)]).unwrap_err();
        assert_eq!(refused.file, "b");
    }
}
