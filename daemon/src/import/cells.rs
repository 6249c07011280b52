//! A row in our own format: cells by the names of their columns, and everything that is wrong with
//! them.

use std::collections::BTreeMap;

use csv::StringRecord;

/// Where each column stands.
pub(crate) type Places = BTreeMap<String, usize>;

/// A row of the import's own format. What cannot be taken is collected, not the first of it alone.
pub(crate) struct Cells<'a> {
    places: &'a Places,
    record: &'a StringRecord,
    wrong: Vec<String>,
}

impl<'a> Cells<'a> {
    /// The cells of a row.
    pub(crate) const fn new(places: &'a Places, record: &'a StringRecord) -> Self {
        Self { places, record, wrong: Vec::new() }
    }

    /// The cell, or nothing where it is empty or there is no such column.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let cell = self.places.get(column).and_then(|place| self.record.get(*place));
        cell.unwrap_or_default().trim()
    }

    /// Something is wrong with the row.
    pub(crate) fn wrong(&mut self, why: impl Into<String>) {
        self.wrong.push(why.into());
    }

    /// Reads a cell that may be empty.
    pub(crate) fn read<T>(
        &mut self,
        column: &str,
        read: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(column);
        if text.is_empty() {
            return None;
        }
        match read(text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(format!("{column}: {why}"));
                None
            }
        }
    }

    /// Reads a cell that no row is without.
    pub(crate) fn need<T>(
        &mut self,
        column: &str,
        read: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        if self.text(column).is_empty() {
            self.wrong(format!("{column}: it is missing; each row has one"));
            return None;
        }
        self.read(column, read)
    }

    /// Whether nothing is wrong so far.
    pub(crate) const fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }

    /// What is wrong with the row, if anything is.
    pub(crate) fn finish(self) -> Result<(), Vec<String>> {
        if self.wrong.is_empty() { Ok(()) } else { Err(self.wrong) }
    }
}

/// The parts of a cell that are separated by semicolons.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

/// Reads a whole number from 0.
pub(crate) fn whole<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number of its size"))
}

/// Reads `true` or `false`.
pub(crate) fn yes_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("`{text}` is neither `true` nor `false`"))
}

/// Reads a day.
pub(crate) fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a date such as 2026-09-15"))
}

/// Reads an instant with its offset.
pub(crate) fn instant(text: &str) -> Result<domain::time::Timestamp, String> {
    let read = text.parse::<jiff::Timestamp>().map(domain::time::Timestamp::from);
    read.map_err(|_| format!("`{text}` is not an instant such as 2026-09-15T18:30:00+04:00"))
}

/// Reads a word of a closed list.
pub(crate) fn word<T>(
    of: impl Fn(&str) -> Option<T>,
    words: &'static str,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| of(text).ok_or_else(|| format!("`{text}` is none of {words}"))
}
