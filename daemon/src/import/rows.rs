//! Rows of tables in our own format, read and checked: members, what they carry, what they have
//! bought and what they have paid in.

mod balances;
mod credentials;
mod members;

use devices::pin::PinKey;
use domain::{
    ids::{IdMaker, Uid},
    money::Money,
    rows::PinDigest,
    site::Site,
    state::ImportRow,
    time::Timestamp,
};
use jiff::civil::{Date, date as day};
use serde::{Deserialize, Serialize};

use super::{
    cells::{Cells, date},
    kinds::Kind,
    known::Known,
    passes::Beside,
};

/// The largest amount of one row, in minor units: a sum of millions of rows stays a number.
const AMOUNT_MAX: i64 = 10_000_000_000;
/// Passes and certificates are of these times.
pub(super) const DAYS: (Date, Date) = (day(1990, 1, 1), day(2100, 12, 31));

/// What is done with a row about something that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Existing {
    /// It is a bad row.
    #[default]
    Refuse,
    /// Cells that are not empty replace what is there.
    Update,
    /// It is passed over.
    Skip,
}

/// What became of a row.
#[derive(Debug)]
pub(crate) enum Made {
    /// These rows of the site, new ones.
    New(Vec<ImportRow>),
    /// These rows of the site, in place of others.
    Changed(Vec<ImportRow>),
    /// It is about something that is there already, and is passed over.
    Skipped,
}

/// Why a row cannot be taken: everything that is wrong with it.
pub(crate) type Wrong = Vec<String>;

/// Makes rows of the site out of rows of tables.
pub(crate) struct Reading<'a> {
    /// The site.
    pub(crate) site: &'a Site,
    /// The key of the PINs.
    pub(crate) pins: &'a PinKey,
    /// Makes ids.
    pub(crate) ids: IdMaker,
    /// The time at which the next rows are read. New ids sort by it: what comes in together lies
    /// together in the database.
    pub(crate) now: Timestamp,
    /// What there is.
    pub(crate) known: Known,
    /// What is done about it.
    pub(crate) existing: Existing,
    /// What is done about passes of one tariff that count at the same time.
    pub(crate) beside: Beside,
    /// What tells this import's bookings from those of others.
    pub(crate) import: String,
}

impl Reading<'_> {
    /// Reads a row; `line` is where it stands in its file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn row(&mut self, kind: Kind, line: u64, cells: Cells<'_>) -> Result<Made, Wrong> {
        match kind {
            Kind::Members => self.member(line, cells),
            Kind::Credentials => self.credential(line, cells),
            Kind::Passes => self.pass(line, cells),
            Kind::Balances => self.balance(line, cells),
            Kind::Families => self.family(line, cells),
            Kind::Guardians => self.guardian(line, cells),
            Kind::Operators => self.operator(line, cells),
            Kind::Exemptions => self.exemption(cells),
            Kind::Lockers => self.locker(line, cells),
        }
    }

    /// Notes that an earlier row tells of the same thing.
    pub(super) fn once(&mut self, cells: &mut Cells<'_>, (key, line): (String, u64), what: &str) {
        if let Some(first) = self.known.earlier(key, line) {
            cells.wrong(format!("{what} stands in the table twice, first in row {first}"));
        }
    }

    /// Whether a row about something that is there already is passed over.
    pub(super) fn there(&self, cells: &mut Cells<'_>, column: &str, what: &str) -> bool {
        if self.existing == Existing::Refuse {
            let help = "say `--existing skip` or `--existing update`, or take the row out";
            cells.wrong(format!("{column}: {what} is there already; {help}"));
        }
        self.existing == Existing::Skip
    }

    /// Reads an amount of the site's currency.
    pub(crate) fn amount(&self, text: &str) -> Result<Money, String> {
        let currency = &self.site.currency;
        let amount = currency.parse(text);
        let amount = amount
            .ok_or_else(|| format!("`{text}` is not an amount such as 12.50 {}", currency.code))?;
        match amount.minor().unsigned_abs() <= AMOUNT_MAX.unsigned_abs() {
            true => Ok(amount),
            false => Err(format!("`{text}` is more than any wallet can hold")),
        }
    }

    /// Reads an amount that is not below zero.
    pub(crate) fn price(&self, text: &str) -> Result<Money, String> {
        let amount = self.amount(text)?;
        if amount < Money::ZERO { Err(format!("`{text}` is below zero")) } else { Ok(amount) }
    }

    /// The digest of the code that belongs to a holder; where the code has several holders, with
    /// the place of this one among them.
    pub(crate) fn pin(&self, holder: (&str, usize), code: &str) -> Result<PinDigest, String> {
        self.pins.read(holder, code).map_err(str::to_owned)
    }
}

pub(super) fn date_within(text: &str, (first, last): (Date, Date)) -> Result<Date, String> {
    let read = date(text)?;
    match (first..=last).contains(&read) {
        true => Ok(read),
        false => Err(format!("`{text}` is not a day from {first} to {last}")),
    }
}

/// An id as it stands; what nobody sees in it was refused before.
pub(super) fn id(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// The number of a card.
pub(super) fn uid(text: &str) -> Result<Uid, String> {
    Uid::carried(text).map_err(|why| format!("`{text}`: {why}"))
}

#[cfg(test)]
mod tests;
