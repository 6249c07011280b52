//! A file of a site's first data in TOML, whose mistakes are told with their line.

use std::{ops::Range, path::Path};

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::BadRow;

/// A file and its text.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

/// What is wrong at a place of a file.
#[derive(Debug)]
pub(super) struct Misplaced {
    pub(super) span: Range<usize>,
    pub(super) why: String,
}

impl Misplaced {
    /// Something is wrong with a value.
    pub(super) fn at<V>(value: &Spanned<V>, why: String) -> Self {
        Self { span: value.span(), why }
    }
}

/// Reads a value; what is wrong with it is told where it stands.
pub(super) fn read<V, T>(
    value: &Spanned<V>,
    read: impl FnOnce(&V) -> Result<T, String>,
) -> Result<T, Misplaced> {
    read(value.as_ref()).map_err(|why| Misplaced::at(value, why))
}

/// The same where it may be left out.
pub(super) fn maybe<V, T>(
    value: Option<&Spanned<V>>,
    how: impl FnOnce(&V) -> Result<T, String>,
) -> Result<Option<T>, Misplaced> {
    value.map(|value| read(value, how)).transpose()
}

impl Source<'_> {
    /// Reads all of it.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, BadRow> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            self.bad(Misplaced { span, why: error.message().to_owned() })
        })
    }

    /// A mistake with its line.
    pub(super) fn bad(&self, Misplaced { span, why }: Misplaced) -> BadRow {
        let before = self.text.bytes().take(span.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        let file = self.file.to_path_buf();
        BadRow { file, line: u64::try_from(line).unwrap_or(0), why }
    }
}
