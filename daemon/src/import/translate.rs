//! From a cell as somebody wrote it to a cell of our own format.

mod amounts;
mod dates;

use jiff::tz::TimeZone;

use domain::{ids::Uid, money::Currency, site::Site};
use phonenumber::country;

use super::{
    kinds::{Column, Sort},
    mapping::Mapping,
    source::Cell,
};
use crate::{registry::phones, unseen};

const YES: &[&str] = &["true", "yes", "y", "1", "x", "+", "✓", "да", "კი", "დიახ", "այո"];
const NO: &[&str] = &["false", "no", "n", "0", "-", "нет", "არა", "ոչ"];

/// How cells of a table are read.
pub(crate) struct Translator<'a> {
    mapping: &'a Mapping,
    currency: Currency,
    zone: TimeZone,
    this_year: i16,
    /// The country of phones that name none.
    home: Option<country::Id>,
}

impl<'a> Translator<'a> {
    /// A translator for tables of `site`, whose phones are of `home` where they name no country.
    pub(crate) fn new(
        mapping: &'a Mapping,
        (site, home): (&Site, Option<country::Id>),
        this_year: i16,
    ) -> Self {
        let (currency, zone) = (site.currency.clone(), site.time_zone.clone());
        let named = mapping.country.as_deref().and_then(phones::country_of);
        let spent = match currency.code.as_str() {
            "GEL" => phones::country("GE"),
            "AMD" => phones::country("AM"),
            "RUB" => phones::country("RU"),
            _ => None,
        };
        Self { mapping, currency, zone, this_year, home: named.or(home).or(spent) }
    }

    /// The cell in our own format.
    ///
    /// # Errors
    /// Why it cannot be understood, and what to do.
    pub(crate) fn cell(&self, column: &Column, cell: &Cell) -> Result<String, String> {
        if let Some(why) = cell.no_value() {
            return Err(why);
        }
        let text = cell.shown().trim();
        let words = self.mapping.words.get(column.name);
        let known = words.and_then(|words| same(words.iter(), text));
        if let Some(ours) = known {
            return Ok(ours.clone());
        }
        if text.is_empty() {
            return Ok(String::new());
        }
        let native = !matches!(cell, Cell::Text(_));
        if let Some(why) = other_kind(column, cell) {
            return Err(format!("`{text}`: {why}"));
        }
        if !matches!(column.sort, Sort::Name | Sort::Phone)
            && let Some(sign) = unseen::first(text)
        {
            return Err(format!(
                "it has {sign} in it, a sign that nobody sees; type the cell again"
            ));
        }
        match column.sort {
            Sort::Text => Ok(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            Sort::Name => Ok(unseen::name(text)),
            Sort::Whole => Ok(without_part(text).to_owned()),
            Sort::Amount if native => Ok(text.to_owned()),
            Sort::Amount => self.amount(text),
            Sort::Date => self.date(text).map(|date| date.to_string()),
            Sort::Since => self.instant(text, false),
            Sort::Until => self.instant(text, true),
            Sort::YesNo => self.yes_no(text),
            Sort::Phone => phones::complete(text, self.home),
            Sort::Uid => {
                let uid = Uid::carried(text).map_err(|why| format!("`{text}`: {why}"))?;
                Ok(uid.as_str().to_owned())
            }
            Sort::List => {
                let parts = text.split([';', ',']).map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.collect::<Vec<_>>().join(";"))
            }
            Sort::Word(words) => same(words.iter().map(|word| (word, word)), text)
                .map(|word| (*word).to_owned())
                .ok_or_else(|| {
                    format!(
                        "`{text}` is none of {}; write what it means under `[words.{}]` of the \
                             mapping",
                        words.join(", "),
                        column.name
                    )
                }),
        }
    }

    /// Whether the cell is of a kind that the column does not hold, so that only its words would be
    /// right there.
    pub(crate) fn is_other_kind(&self, column: &Column, cell: &Cell) -> bool {
        other_kind(column, cell).is_some() && self.cell(column, cell).is_err()
    }

    fn yes_no(&self, text: &str) -> Result<String, String> {
        let (yes, no) = (&self.mapping.yes, &self.mapping.no);
        let word = folded(text);
        let is = |own: &[String], known: &[&str]| {
            known.contains(&word.as_str()) || own.iter().any(|own| folded(own) == word)
        };
        match (is(yes, &[]), is(no, &[]), is(yes, YES), is(no, NO)) {
            (true, false, ..) | (false, false, true, _) => Ok("true".to_owned()),
            (false, true, ..) | (false, false, _, true) => Ok("false".to_owned()),
            _ => Err(format!(
                "`{text}` is neither yes nor no; list it under `yes` or `no` of the mapping"
            )),
        }
    }
}

/// A whole number that a program took for an amount, such as `1001.0`, without its part. Three
/// zeros may be thousands.
fn without_part(text: &str) -> &str {
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0"));
    let is_whole =
        |whole: &&str| !whole.is_empty() && whole.bytes().all(|sign| sign.is_ascii_digit());
    whole.filter(is_whole).unwrap_or(text)
}

/// Why a cell of this kind cannot stand in the column, where it cannot.
const fn other_kind(column: &Column, cell: &Cell) -> Option<&'static str> {
    match (cell, column.sort) {
        (Cell::Date(_), Sort::Date | Sort::Since | Sort::Until)
        | (Cell::Switch(_), Sort::YesNo)
        | (Cell::Text(_) | Cell::Wrong(..), _) => None,
        (Cell::Date(_), _) => Some("it is a date; give the column the format text, and correct it"),
        (Cell::Switch(_), _) => Some("it is yes or no, which this column does not hold"),
        (Cell::Number(_), Sort::Name) => Some("it is a number; write the words as text"),
        (Cell::Number(_), _) => None,
    }
}

/// The second of the pair whose first is the same word, whatever the letters' size.
fn same<'a, T: AsRef<str> + ?Sized + 'a, V>(
    mut pairs: impl Iterator<Item = (&'a T, V)>,
    text: &str,
) -> Option<V> {
    let text = folded(text);
    pairs.find(|(word, _)| folded(word.as_ref()) == text).map(|(_, value)| value)
}

/// A word in small letters, with single spaces, without what nobody sees: as headings and words are
/// compared.
pub(crate) fn folded(text: &str) -> String {
    let text = unseen::name(text).replace('_', " ").to_lowercase().replace('ё', "е");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
