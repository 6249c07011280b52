//! A site's first data: `data/*.csv`, `data/tariffs.toml` and `data/goods.toml`, read into an empty
//! database in the import's own format.
//!
//! The whole of it is read and checked before the first row is handed to the loop, so that a broken
//! row imports nothing at all.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use devices::pin::PinKey;
use domain::{
    ids::{IdMaker, ImportId},
    site::Site,
    state::ImportRow,
    time::Timestamp,
};

use crate::import::{
    cells::{Cells, Fault, Places},
    kinds::Kind,
    known::Known,
    passes::Beside,
    rows::{Existing, Made, Reading},
    source::{Cell, Dialect, Row, Table, listed},
};

mod goods;
mod source;
pub(crate) mod tariffs;
pub(crate) mod written;

use goods::GoodsFile;
use source::Source;
use tariffs::TariffFile;

/// The most bytes of a file of first data (our choice).
pub(crate) const FILE_MAX: u64 = 128 << 20;

/// What to do about passes of one tariff that count at the same time.
const BESIDE: &str = "correct the days; if both are to count, bring one of them later by \
                      `kari import --as passes --beside`";

/// The tables of the folder, in the order in which they need each other.
const TABLES: [Kind; 8] = [
    Kind::Families,
    Kind::Members,
    Kind::Guardians,
    Kind::Operators,
    Kind::Exemptions,
    Kind::Credentials,
    Kind::Passes,
    Kind::Lockers,
];

/// A row that cannot be taken, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {why}", file.display())]
pub(crate) struct BadRow {
    file: PathBuf,
    line: u64,
    why: String,
}

/// The data of a folder.
pub(crate) struct FirstData {
    /// A hash of its files.
    pub(crate) id: ImportId,
    /// Its rows.
    pub(crate) rows: Vec<ImportRow>,
}

/// Reads the data folder of a site; a folder that is missing is an empty site.
///
/// # Errors
/// The first row that cannot be taken, with its file and line.
pub(crate) fn read(
    folder: &Path,
    site: &Site,
    (seed, pins): (u64, &PinKey),
    now: Timestamp,
) -> Result<FirstData, BadRow> {
    let mut first = Reader::new(site, (seed, pins), now);
    first.tariffs(&folder.join("tariffs.toml"))?;
    first.goods(&folder.join("goods.toml"))?;
    for kind in TABLES {
        first.table(kind, &folder.join(format!("{}.csv", kind.name())))?;
    }
    let id = ImportId::from(first.hash.finalize().to_hex().as_str());
    Ok(FirstData { id, rows: first.rows })
}

/// Reads what the files of a data folder say is sold: tariffs, goods and price lists.
///
/// # Errors
/// The first row that cannot be taken, with its file and line.
pub(crate) fn catalogue(folder: &Path, site: &Site) -> Result<Vec<ImportRow>, BadRow> {
    let pins = PinKey::default();
    let mut reader = Reader::new(site, (0, &pins), Timestamp::default());
    reader.tariffs(&folder.join("tariffs.toml"))?;
    reader.goods(&folder.join("goods.toml"))?;
    Ok(reader.rows)
}

struct Reader<'a> {
    reading: Reading<'a>,
    hash: blake3::Hasher,
    rows: Vec<ImportRow>,
}

impl<'a> Reader<'a> {
    fn new(site: &'a Site, (seed, pins): (u64, &'a PinKey), now: Timestamp) -> Self {
        let reading = Reading {
            site,
            pins,
            ids: IdMaker::new(seed),
            now,
            known: Known::default(),
            existing: Existing::Refuse,
            beside: Beside::Refused(BESIDE),
            import: String::new(),
        };
        Self { reading, hash: blake3::Hasher::new(), rows: Vec::new() }
    }

    /// The text of a file, or nothing where there is none.
    fn text(&mut self, file: &Path) -> Result<Option<String>, BadRow> {
        if !file.exists() {
            return Ok(None);
        }
        let why = |error: std::io::Error| error.to_string();
        let bad = |why| BadRow { file: file.to_path_buf(), line: 0, why };
        let text = plain_file::text(file, FILE_MAX).map_err(|error| bad(why(error)))?;
        self.hash.update(text.as_bytes());
        Ok(Some(text))
    }

    /// Takes each row of a table.
    fn table(&mut self, kind: Kind, file: &Path) -> Result<(), BadRow> {
        let Some(text) = self.text(file)? else { return Ok(()) };
        if text.trim().is_empty() {
            return Ok(());
        }
        let bad = |line, why| BadRow { file: file.to_path_buf(), line, why };
        // Its cells stand between commas, whatever they look like: PINs are hidden in it like that.
        let dialect = Dialect { separator: Some(','), ..Dialect::default() };
        let table = Table::read(text.as_bytes(), &dialect);
        let table = table.map_err(|error| bad(1, format!("{error:#}")))?;
        let places = places(kind, &table.headings).map_err(|why| bad(1, why))?;
        let mut worked_out = Vec::new();
        for row in &table.rows {
            let columns = table.headings.len();
            let short = || {
                let why = format!("it has {} cells under {columns} headings", row.given);
                (row.given < columns).then_some(why)
            };
            if let Some(why) = row.broken.clone().or_else(short) {
                return Err(bad(row.line, why));
            }
            let record: StringRecord = row.cells.iter().map(Cell::shown).collect();
            let faults = faults(&table.headings, row);
            let cells = || Cells::new(&places, &record, &faults);
            match self.reading.row(kind, row.line, cells()) {
                Ok(Made::New(rows) | Made::Changed(rows)) => {
                    let found = self.reading.worked_out(&cells(), &rows);
                    worked_out.extend((!found.is_empty()).then_some(row.line));
                    self.rows.extend(rows);
                }
                Ok(Made::Skipped) => {}
                Err(why) => return Err(bad(row.line, why.join("; "))),
            }
        }
        if !worked_out.is_empty() {
            let rows = listed(&worked_out);
            let file = file.display();
            tracing::info!(%file, rows, "valid_until is worked out from the tariff");
        }
        Ok(())
    }

    fn tariffs(&mut self, file: &Path) -> Result<(), BadRow> {
        let Some(text) = self.text(file)? else { return Ok(()) };
        let source = Source { file, text: &text };
        for row in source.parse::<TariffFile>()?.tariff {
            let row = row.row(&mut self.reading).map_err(|wrong| source.bad(wrong))?;
            self.rows.push(row);
        }
        Ok(())
    }

    fn goods(&mut self, file: &Path) -> Result<(), BadRow> {
        let Some(text) = self.text(file)? else { return Ok(()) };
        let source = Source { file, text: &text };
        let goods: GoodsFile = source.parse()?;
        self.rows.extend(goods.rows(&self.reading).map_err(|wrong| source.bad(wrong))?);
        Ok(())
    }
}

/// Where each column of a table stands.
fn places(kind: Kind, headings: &[String]) -> Result<Places, String> {
    let mut places = Places::new();
    for (at, name) in headings.iter().enumerate() {
        if kind.column(name).is_none() {
            return Err(format!("no column of {} is called `{name}`", kind.name()));
        }
        if let Some(first) = places.insert(name.clone(), at) {
            let (first, second) = (first + 1, at + 1);
            return Err(format!("columns {first} and {second} are both called `{name}`"));
        }
    }
    Ok(places)
}

/// Cells that are no values.
fn faults(headings: &[String], row: &Row) -> Vec<Fault> {
    let fault = |(column, cell): (&String, &Cell)| {
        Some(Fault { column: column.clone(), why: cell.no_value()? })
    };
    headings.iter().zip(&row.cells).filter_map(fault).collect()
}

/// The longest id, in characters (our choice).
const ID_MAX: usize = 40;

/// An id that can be written on a command line and stand in a rule file.
fn id_of<Id: for<'a> From<&'a str>>(text: &str) -> Result<Id, String> {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    let fits = (1..=ID_MAX).contains(&text.len()) && text.chars().all(plain);
    fits.then(|| Id::from(text)).ok_or_else(|| {
        format!("`{text}` is no id; an id is 1 to {ID_MAX} Latin letters, digits, -, _ and .")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let gel = domain::money::Currency::of("GEL").unwrap();
        Site {
            zones: [("hall".into(), None)].into(),
            ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel)
        }
    }

    fn refusal(file: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let tariffs =
            "[[tariff]]\nid = \"month\"\nname = \"\"\nzones = [\"hall\"]\nentry_price = \"0\"\n";
        let members = "number,name,name_latin,birth,language,phone,groups,blocked,balance,\
                       debt_since\n\
                       1,N,N,,ka,,,false,0,\n";
        std::fs::write(folder.path().join("tariffs.toml"), tariffs).unwrap();
        std::fs::write(folder.path().join("members.csv"), members).unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        read(folder.path(), &site(), (1, &PinKey::default()), Timestamp::default())
            .err()
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_broken_row_is_named_with_its_file_line_and_reason() {
        let passes = "member,tariff,state,valid_from,valid_until,visits_left\n";
        for (file, text, expected) in [
            (
                "passes.csv",
                format!("{passes}1,month,active,2026-09-10,2026-09-01,\n"),
                "ends before",
            ),
            ("passes.csv", format!("{passes}7,month,active,2026-09-10,,\n"), "number 7"),
            (
                "passes.csv",
                format!("{passes}1,year,active,2026-09-10,,\n"),
                "no tariff is called `year`",
            ),
            (
                "passes.csv",
                format!("{passes}1,month,active,2026-09-01,2026-09-30,\n1,month,,2026-09-30,,\n"),
                ":3: valid_from: a pass of `month` in row 2 counts from 2026-09-01 to \
                 2026-09-30, and this one from 2026-09-30 without an end; correct the days; if \
                 both are to count, bring one of them later by `kari import --as passes --beside`",
            ),
            ("lockers.csv", "id,bank,zone\n1,a,moon\n".to_owned(), "no zone is called `moon`"),
            ("credentials.csv", "uid\nABCD\n".to_owned(), "member: it is missing"),
        ] {
            let got = refusal(file, &text);
            let line = if expected.starts_with(":3: ") { "" } else { ":2: " };
            let expected_place = format!("{file}{line}");
            assert!(got.contains(&expected_place) && got.contains(expected), "{got}");
        }
    }

    #[test]
    fn the_terms_of_what_is_sold_are_those_of_its_kind() {
        let tariff = |terms: &str| {
            let begin = "[[tariff]]\nid = \"t\"\nname = \"T\"\nzones = [\"hall\"]\n";
            format!("{begin}entry_price = \"0\"\n{terms}\n")
        };
        for (terms, line, expected) in [
            ("price = \"5.00\"", 6, "say what that is"),
            ("kind = \"period\"\nprice = \"5.00\"", 6, "needs a `lasts`, as lasts = \"P1M\""),
            ("kind = \"visits\"\nprice = \"5.00\"", 6, "needs a `visits`"),
            ("kind = \"per_minute\"", 6, "needs a `minute`, as minute = \"0.20/PT1M\""),
            ("kind = \"single_entry\"\nprice = \"5.00\"\nvisits = 2", 8, "has no `visits`"),
            ("kind = \"day_guest\"\nprice = \"5.00\"", 6, "has a deposit"),
            ("kind = \"day_guest\"\nprice = \"5.00\"\nlasts = \"P2D\"", 8, "has no `lasts`"),
            ("kind = \"year\"\nprice = \"5.00\"", 6, "unknown variant `year`"),
            ("kind = \"timed\"\nprice = \"-5.00\"", 7, "`-5.00` is below zero"),
            ("kind = \"timed\"\nprice = \"5.00 USD\"", 7, "not an amount such as 12.50 GEL"),
            ("kind = \"timed\"\nprice = \"99999999999.00\"", 7, "more than any wallet"),
            ("kind = \"visits\"\nprice = \"5.00\"\nvisits = 0", 8, "1 to 10000 visits"),
            ("kind = \"period\"\nprice = \"5.00\"\nlasts = \"P0D\"", 8, "is no time such as P1M"),
            ("kind = \"visits\"\nprice = \"5\"\nvisits = 3\nfrom_first_use = true", 9, "say lasts"),
            ("vat = \"101\"", 6, "a tax in percent, from 0 to 100"),
            ("kind = \"per_minute\"\nminute = \"0.20\"", 7, "is not a rate"),
            ("kind = \"per_minute\"\nminute = \"0.00/PT1M\"", 7, "costs nothing"),
            ("tax = \"18\"", 6, "unknown field `tax`"),
            ("tiers = { PT60M = \"5\", PT1H = \"6\" }", 6, "`PT60M` is a length that has a price"),
        ] {
            let got = refusal("tariffs.toml", &tariff(terms));
            let place = format!("tariffs.toml:{line}: ");
            assert!(got.contains(&place) && got.contains(expected), "{terms}: {got}");
        }
        let twice = tariff("").replace("[\"hall\"]", "[\"hall\", \"hall\"]");
        let got = refusal("tariffs.toml", &twice);
        assert!(got.contains("tariffs.toml:4: zone `hall` is named twice"), "{got}");
    }

    #[test]
    fn goods_and_price_lists_are_refused_at_their_line() {
        let good = "[[good]]\nid = \"tea\"\nname = \"Tea\"\nprice = \"2.00\"\n";
        let list = |id: &str, windows: &str, prices: &str| {
            format!(
                "{good}[[price_list]]\nid = \"{id}\"\nwindows = \"{windows}\"\n\
                 prices = {{ {prices} }}\n"
            )
        };
        let twice = list("a", "Mon 07:00-12:00", "tea = \"1.00\"")
            + "[[price_list]]\nid = \"b\"\nwindows = \"Mon-Fri 11:00-13:00\"\n\
               prices = { tea = \"1.50\" }\n";
        for (text, line, expected) in [
            ("[[good]]\nid = \"tea\"\nname = \"Tea\"\n".to_owned(), 2, "say what it costs"),
            (good.replace("2.00", "-2.00"), 4, "is below zero"),
            (good.replace("2.00", "2,00"), 4, "is not an amount"),
            (good.replace("\"tea\"", "\"a tea\""), 2, "is no id"),
            (good.replace("\"tea\"", "\"month\""), 2, "is a tariff"),
            (good.replace("\"Tea\"", "\"\""), 2, "give it a name"),
            (format!("{good}open_price = true\n"), 2, "take `price` out"),
            (format!("{good}vat = \"-1\"\n"), 5, "a tax in percent"),
            (format!("{good}{good}"), 6, "is another good"),
            (list("a", "Mon 25:00-26:00", "tea = \"1.00\""), 7, "25:00"),
            (list("a", "always", "milk = \"1.00\""), 8, "no good and no tariff is called `milk`"),
            (list("a", "always", "tea = \"-1.00\""), 8, "is below zero"),
            (list("a", "always", ""), 8, "it has no prices"),
            (twice, 11, "`a` prices `tea` at the same time"),
        ] {
            let got = refusal("goods.toml", &text);
            let place = format!("goods.toml:{line}: ");
            assert!(got.contains(&place) && got.contains(expected), "{text}: {got}");
        }
    }
}
