//! A site's first data: `data/*.csv` and `data/tariffs.toml`, read into an empty database in the
//! import's own format.
//!
//! The whole of it is read and checked before the first row is handed to the loop, so that a broken
//! row imports nothing at all.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use devices::pin::PinKey;
use domain::{
    duration::Dur,
    ids::{IdMaker, ImportId, TariffId},
    rows::{Tariff, TariffKey},
    site::Site,
    state::ImportRow,
    time::Timestamp,
};

use crate::import::{
    cells::{Cells, Places},
    kinds::Kind,
    known::Known,
    rows::{Existing, Made, Reading},
};

mod tariffs;
use tariffs::{TariffFile, TariffRow};

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
    let reading = Reading {
        site,
        pins,
        ids: IdMaker::new(seed),
        now,
        known: Known::default(),
        existing: Existing::Refuse,
        import: String::new(),
    };
    let mut first = Reader { reading, hash: blake3::Hasher::new(), rows: Vec::new() };
    first.tariffs(&folder.join("tariffs.toml"))?;
    for kind in TABLES {
        first.table(kind, &folder.join(format!("{}.csv", kind.name())))?;
    }
    let id = ImportId::from(first.hash.finalize().to_hex().as_str());
    Ok(FirstData { id, rows: first.rows })
}

struct Reader<'a> {
    reading: Reading<'a>,
    hash: blake3::Hasher,
    rows: Vec<ImportRow>,
}

impl Reader<'_> {
    /// The text of a file, or nothing where there is none.
    fn text(&mut self, file: &Path) -> Result<Option<String>, BadRow> {
        if !file.exists() {
            return Ok(None);
        }
        let why = |error: std::io::Error| error.to_string();
        let bad = |why| BadRow { file: file.to_path_buf(), line: 0, why };
        let text = std::fs::read_to_string(file).map_err(|error| bad(why(error)))?;
        self.hash.update(text.as_bytes());
        Ok(Some(text))
    }

    /// Takes each row of a table.
    fn table(&mut self, kind: Kind, file: &Path) -> Result<(), BadRow> {
        let Some(text) = self.text(file)? else { return Ok(()) };
        let bad = |line, why| BadRow { file: file.to_path_buf(), line, why };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| bad(1, error.to_string()))?;
        let places: Places = (0..).zip(headers).map(|(at, name)| (name.to_owned(), at)).collect();
        let unknown = places.keys().find(|name| kind.column(name).is_none());
        if let Some(name) = unknown {
            return Err(bad(1, format!("no column of {} is called `{name}`", kind.name())));
        }
        let mut record = StringRecord::new();
        loop {
            let line = reader.position().line();
            let more = reader.read_record(&mut record);
            if !more.map_err(|error| bad(line, error.to_string()))? {
                return Ok(());
            }
            let line = record.position().map_or(line, csv::Position::line);
            match self.reading.row(kind, line, Cells::new(&places, &record)) {
                Ok(Made::New(rows) | Made::Changed(rows)) => self.rows.extend(rows),
                Ok(Made::Skipped) => {}
                Err(why) => return Err(bad(line, why.join("; "))),
            }
        }
    }

    fn tariffs(&mut self, file: &Path) -> Result<(), BadRow> {
        let bad = |line, why| BadRow { file: file.to_path_buf(), line, why };
        let Some(text) = self.text(file)? else { return Ok(()) };
        let table: TariffFile = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            bad(u64::try_from(line + 1).unwrap_or(0), error.message().to_owned())
        })?;
        for row in table.tariff {
            let id = row.id.clone();
            self.tariff(row).map_err(|why| bad(0, format!("tariff `{id}`: {why}")))?;
        }
        Ok(())
    }

    fn tariff(&mut self, row: TariffRow) -> Result<(), String> {
        let zones = row.zones.iter().map(|zone| self.reading.zone(zone));
        let zones = zones.collect::<Result<Box<[_]>, _>>()?;
        let tariff = TariffId::from(row.id);
        if self.reading.known.tariffs.insert(tariff.clone(), 1).is_some() {
            return Err("is listed twice; give each tariff an id of its own".to_owned());
        }
        let entry_price = self.reading.price(&row.entry_price)?;
        let mut tiers = Vec::new();
        for (length, price) in &row.tiers {
            let dur = Dur::parse(length)
                .ok_or_else(|| format!("`{length}` is not the length of a stay such as PT90M"))?;
            tiers.push((dur.span(), self.reading.price(price)?));
        }
        tiers.sort_unstable();
        let key = TariffKey { tariff, version: 1 };
        let (single_entry, day_guest) = (row.single_entry, row.day_guest);
        let tiers = tiers.into();
        let tariff = Tariff { tiers, single_entry, day_guest, ..Tariff::new(zones, entry_price) };
        self.rows.push(ImportRow::Tariff(key, tariff));
        Ok(())
    }
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
            ("lockers.csv", "id,bank,zone\n1,a,moon\n".to_owned(), "no zone is called `moon`"),
            ("credentials.csv", "uid\nABCD\n".to_owned(), "member: it is missing"),
        ] {
            let got = refusal(file, &text);
            assert!(got.contains(&format!("{file}:2: ")) && got.contains(expected), "{got}");
        }
    }
}
