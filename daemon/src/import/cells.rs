//! A row in our own format: cells by the names of their columns, and everything that is wrong with
//! them.

use std::collections::BTreeMap;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use crate::unseen;

/// Where each column stands.
pub(crate) type Places = BTreeMap<String, usize>;

/// A cell that could not be brought into our own format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// Its column.
    pub(crate) column: String,
    /// Why, and what to do.
    pub(crate) why: String,
}

/// A row of the import's own format. What cannot be taken is collected, not the first of it alone,
/// and a cell that is known to be wrong is not found to be missing as well.
pub(crate) struct Cells<'a> {
    places: &'a Places,
    record: &'a StringRecord,
    faults: &'a [Fault],
    wrong: Vec<String>,
}

impl<'a> Cells<'a> {
    /// The cells of a row, and those of them that could not be brought into our own format.
    pub(crate) fn new(places: &'a Places, record: &'a StringRecord, faults: &'a [Fault]) -> Self {
        let wrong = faults.iter().map(|fault| format!("{}: {}", fault.column, fault.why));
        Self { places, record, faults, wrong: wrong.collect() }
    }

    /// The cell, or nothing where it is empty or there is no such column.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let cell = self.places.get(column).and_then(|place| self.record.get(*place));
        cell.unwrap_or_default().trim()
    }

    /// Whether something stands there, be it wrong.
    pub(crate) fn is_given(&self, column: &str) -> bool {
        self.is_wrong(column) || !self.text(column).is_empty()
    }

    fn is_wrong(&self, column: &str) -> bool {
        self.faults.iter().any(|fault| fault.column == column)
    }

    /// Whether something is wrong with one of these columns.
    pub(crate) fn is_bad(&self, columns: &[&str]) -> bool {
        let of = |why: &String, column: &str| why.split(':').next() == Some(column);
        self.wrong.iter().any(|why| columns.iter().any(|column| of(why, column)))
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
        if text.is_empty() || self.is_wrong(column) {
            return None;
        }
        if let Some(sign) = unseen::first(text) {
            let why = "a sign that nobody sees; type the cell again";
            self.wrong(format!("{column}: it has {sign} in it, {why}"));
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
        if !self.is_given(column) {
            self.wrong(format!("{column}: it is missing; each row has one"));
            return None;
        }
        self.read(column, read)
    }

    /// Reads a name or a sentence that may be left out: as it is kept.
    pub(crate) fn name(&self, column: &str) -> Option<String> {
        let name = unseen::name(self.text(column));
        (!name.is_empty() && !self.is_wrong(column)).then_some(name)
    }

    /// Reads a name that no row is without.
    pub(crate) fn need_name(&mut self, column: &str) -> Option<String> {
        let name = self.name(column);
        if name.is_none() && !self.is_wrong(column) {
            self.wrong(format!("{column}: it is missing; each row has one"));
        }
        name
    }

    /// What is wrong with the row, if anything is, each of it once, in the order of the columns.
    pub(crate) fn finish(self) -> Result<(), Vec<String>> {
        let mut told: Vec<String> = Vec::new();
        for why in self.wrong {
            if !told.contains(&why) {
                told.push(why);
            }
        }
        let place = |why: &String| {
            let column = why.split(':').next().unwrap_or_default();
            self.places.get(column).copied()
        };
        told.sort_by_key(|why| place(why).unwrap_or(usize::MAX));
        if told.is_empty() { Ok(()) } else { Err(told) }
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
