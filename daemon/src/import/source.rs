//! The file that somebody brings: CSV in many dialects, or XLSX, as rows of cells.

use std::io::Read;

use anyhow::{Context, bail};

use super::ROWS_MAX;

mod hidden;
mod text;
mod workbook;

/// The largest file, and the most that a spreadsheet may unpack to.
const FILE_MAX: u64 = 128 << 20;
/// The most columns, and the longest cell.
const COLUMNS_MAX: usize = 256;
const CELL_MAX: usize = 1000;
/// So many rows are named one by one where something is said of many.
const NAMED_MAX: usize = 20;

/// Signs with which a formula begins.
pub(crate) const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r'];
/// The heading above the numbers of rows in a file of bad rows.
pub(crate) const ROW: &str = "kari: row";
/// What stands there in front of a cell that was of another kind than its column.
const CORRECT: &str = "kari: correct";
/// The heading above what is wrong there.
pub(crate) const WHY: &str = "kari: what to do";

/// What programs write where a formula has no value.
const ERRORS: &[&str] = &[
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#BLOCKED!",
    "#FIELD!",
    "#CONNECT!",
    "#GETTING_DATA",
    "#Н/Д",
    "#ССЫЛКА!",
    "#ЗНАЧ!",
    "#ДЕЛ/0!",
    "#ИМЯ?",
    "#ПУСТО!",
    "#ЧИСЛО!",
];

/// A cell as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Words, digits, whatever was typed.
    Text(String),
    /// A number of a spreadsheet, with a dot.
    Number(String),
    /// A day of a spreadsheet, with its time where that is not midnight, as ISO 8601 writes them.
    Date(String),
    /// A switch of a spreadsheet.
    Switch(bool),
    /// What is not a value: what is shown of it, and why.
    Wrong(String, &'static str),
}

impl Cell {
    /// What is shown of it.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Date(text) | Self::Wrong(text, _) => text,
            Self::Switch(true) => "true",
            Self::Switch(false) => "false",
        }
    }

    /// What words of a file are: some stand for no value.
    fn of_words(text: &str) -> Self {
        let is_hashes = text.len() > 2 && text.bytes().all(|sign| sign == b'#');
        if ERRORS.contains(&text) || is_hashes {
            return Self::Wrong(
                text.to_owned(),
                "it is an error of the spreadsheet that wrote it; put a value there",
            );
        }
        match text.starts_with(CORRECT) {
            true => Self::Wrong(
                text.to_owned(),
                "an earlier import could not take it; put what belongs there in its place",
            ),
            false => Self::Text(text.to_owned()),
        }
    }

    /// What a file of bad rows says of a cell that is no value: so that it is none there either.
    pub(crate) fn as_wrong(&self) -> String {
        let shown = self.shown();
        match Self::of_words(shown) {
            Self::Wrong(..) => shown.to_owned(),
            _ => format!("{CORRECT} {shown}").trim_end().to_owned(),
        }
    }

    /// Why it is no value, where it is none.
    pub(crate) fn no_value(&self) -> Option<String> {
        match self {
            Self::Wrong(shown, why) if shown.is_empty() => Some((*why).to_owned()),
            Self::Wrong(shown, why) => Some(format!("`{shown}`: {why}")),
            _ => None,
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// A row as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The line in which it begins, from 1, as the program shows it that wrote the file.
    pub(crate) line: u64,
    /// Its cells, without empty ones at the end.
    pub(crate) cells: Vec<Cell>,
    /// How many cells stand in the file, empty ones included.
    pub(crate) given: usize,
    /// Why it cannot be a row of the table.
    pub(crate) broken: Option<String>,
}

/// What kind of file it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text, with this sign between cells.
    Csv(u8),
    /// A sheet of a spreadsheet.
    Xlsx(String),
}

/// How a file is to be read, where it does not tell itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialect {
    /// The encoding of text.
    pub(crate) encoding: Option<String>,
    /// The sign between cells.
    pub(crate) separator: Option<char>,
    /// The row with the headings, from 1.
    pub(crate) header: Option<u64>,
    /// The sheet.
    pub(crate) sheet: Option<String>,
}

/// A table: its headings and the rows below them.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What kind of file it is from.
    pub(crate) form: Form,
    /// The headings.
    pub(crate) headings: Vec<String>,
    /// The rows that are not empty.
    pub(crate) rows: Vec<Row>,
    /// What nobody sees of its sheet.
    pub(crate) hidden: Hidden,
}

/// Rows and columns of a sheet that nobody sees, by hand or by a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// Rows, from 1.
    pub(crate) rows: Vec<u64>,
    /// Columns, from 0.
    pub(crate) columns: Vec<usize>,
}

/// Reads the bytes of a file, as far as a file may be long.
///
/// # Errors
/// It cannot be read, or is too long.
pub(crate) fn bytes(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path);
    let file = file.with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX {
        bail!("`{}` is larger than {} MiB; cut it in parts", path.display(), FILE_MAX >> 20);
    }
    Ok(bytes)
}

impl Table {
    /// Makes a table of the bytes of a file.
    ///
    /// # Errors
    /// What is wrong with the file as a whole, and what to do.
    pub(crate) fn read(bytes: &[u8], dialect: &Dialect) -> anyhow::Result<Self> {
        let (form, rows, hidden) = match bytes {
            [b'P', b'K', ..] => workbook::rows(bytes, dialect.sheet.as_deref())?,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => {
                bail!("it is an old or a locked spreadsheet; save it as .xlsx without a password")
            }
            _ => {
                let (form, rows) = text::rows(bytes, dialect)?;
                (form, rows, Hidden::default())
            }
        };
        let mut table = Self::of(form, rows, dialect.header)?;
        let is_row = |line: &u64| table.rows.binary_search_by_key(line, |row| row.line).is_ok();
        let rows = hidden.rows.into_iter().filter(is_row).collect();
        let columns = hidden.columns.into_iter().filter(|at| *at < table.headings.len()).collect();
        table.hidden = Hidden { rows, columns };
        Ok(table)
    }

    /// Finds the headings among the rows.
    fn of(form: Form, rows: Vec<Row>, header: Option<u64>) -> anyhow::Result<Self> {
        // A file of bad rows has its headings at the top, wherever those of the first file were.
        let is_ours = rows.first().and_then(|row| row.cells.first());
        let header = header.filter(|_| is_ours.is_none_or(|cell| cell.shown() != ROW));
        let mut rows = rows.into_iter();
        let is_header = |row: &Row| header.is_none_or(|line| row.line == line);
        let heading = rows.by_ref().find(is_header).context("there are no headings in it")?;
        let mut headings: Vec<String> =
            heading.cells.iter().map(|cell| cell.shown().trim().to_owned()).collect();
        while headings.last().is_some_and(String::is_empty) {
            headings.pop();
        }
        if headings.is_empty() || headings.len() > COLUMNS_MAX {
            bail!("a table has 1 to {COLUMNS_MAX} columns, this one has {}", headings.len());
        }
        let separator = match form {
            Form::Csv(separator) => Some(char::from(separator)),
            Form::Xlsx(_) => None,
        };
        let rows = rows.map(|row| row.checked(headings.len(), separator)).collect();
        Ok(Self { form, headings, rows, hidden: Hidden::default() })
    }

    /// Its headings, for people.
    pub(crate) fn named(&self) -> String {
        let names = self.headings.iter().filter(|name| !name.is_empty());
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// What is to be said of it, though its rows can be taken: rows that are shorter than others,
    /// and what nobody sees.
    pub(crate) fn notes(&self) -> Vec<String> {
        let columns = self.headings.len();
        let short = self.rows.iter().filter(|row| row.given < columns && row.broken.is_none());
        let short: Vec<u64> = match self.form {
            Form::Csv(_) => short.map(|row| row.line).collect(),
            Form::Xlsx(_) => Vec::new(),
        };
        let mut notes = Vec::new();
        if !short.is_empty() {
            notes.push(format!(
                "rows of fewer cells than there are headings, what is missing counts as empty: {}",
                listed(&short)
            ));
        }
        if !self.hidden.rows.is_empty() {
            notes.push(format!(
                "rows that the sheet hides, as a filter does, are taken like all others: {}",
                listed(&self.hidden.rows)
            ));
        }
        if !self.hidden.columns.is_empty() {
            let name = |at: &usize| match self.headings.get(*at).filter(|name| !name.is_empty()) {
                Some(name) => format!("`{name}`"),
                None => format!("column {}, which has no heading", at + 1),
            };
            let names: Vec<_> = self.hidden.columns.iter().map(name).collect();
            notes.push(format!(
                "columns that the sheet hides are taken like all others: {}",
                names.join(", ")
            ));
        }
        notes
    }
}

/// The first of many rows, and how many there are.
pub(crate) fn listed(lines: &[u64]) -> String {
    let named: Vec<String> = lines.iter().take(NAMED_MAX).map(u64::to_string).collect();
    match lines.len().checked_sub(NAMED_MAX) {
        None | Some(0) => named.join(", "),
        Some(more) => format!("{} and {more} more", named.join(", ")),
    }
}

impl Row {
    fn of(line: u64, mut cells: Vec<Cell>) -> Self {
        let given = cells.len();
        while cells.last().is_some_and(Cell::is_empty) {
            cells.pop();
        }
        Self { line, cells, given, broken: None }
    }

    /// Notes what makes it no row of a table with so many columns.
    fn checked(mut self, columns: usize, separator: Option<char>) -> Self {
        let long = self.cells.iter().position(|cell| cell.shown().chars().count() > CELL_MAX);
        if let Some(at) = long {
            let why =
                format!("cell {} has more than {CELL_MAX} signs; is a quote not closed?", at + 1);
            self.broken = Some(why);
        } else if self.cells.len() > columns {
            let (cells, first) = (self.cells.len(), self.first_beyond(columns));
            self.broken = Some(match separator {
                Some(_) => format!(
                    "it has {cells} cells under {columns} headings; put a cell with the separator \
                     in it into quotes"
                ),
                None => format!(
                    "it has a cell in column {}, which has no heading; give it one, or take the \
                     cell out",
                    letters(first)
                ),
            });
        } else if let Some(at) = separator.and_then(|sign| self.swallowed(columns, sign)) {
            self.broken = Some(format!(
                "cell {} goes over several lines, and one of them is a row of its own; is a quote \
                 not closed?",
                at + 1
            ));
        }
        self
    }

    /// The first cell with something in it that stands beyond so many columns.
    fn first_beyond(&self, columns: usize) -> usize {
        let beyond = self.cells.iter().skip(columns).position(|cell| !cell.is_empty());
        columns + beyond.unwrap_or_default()
    }

    /// The cell that has a line in it with as many cells as a row.
    fn swallowed(&self, columns: usize, separator: char) -> Option<usize> {
        let is_row = |line: &str| columns > 1 && line.matches(separator).count() >= columns - 1;
        self.cells.iter().position(|cell| cell.shown().split(['\r', '\n']).skip(1).any(is_row))
    }
}

/// A column as a spreadsheet names it: A to Z, then AA.
fn letters(mut column: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = u8::try_from(column % 26).unwrap_or_default();
        name.insert(0, char::from(b'A' + letter));
        match column / 26 {
            0 => return name,
            left => column = left - 1,
        }
    }
}

/// Refuses what has more rows than an import may have.
fn bounded(rows: &[Row]) -> anyhow::Result<()> {
    if rows.len() as u64 > ROWS_MAX {
        bail!("a table has at most {ROWS_MAX} rows; cut it in parts");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::Workbook;

    use super::*;

    fn shown(table: &Table) -> Vec<Vec<&str>> {
        table.rows.iter().map(|row| row.cells.iter().map(Cell::shown).collect()).collect()
    }

    #[test]
    fn text_is_read_in_the_dialects_of_spreadsheets() {
        let cyrillic = encoding_rs::WINDOWS_1251.encode("имя;a\nИван;1\n").0.into_owned();
        let mut wide = vec![0xFF, 0xFE];
        wide.extend("имя\ta\nИван\t1\n".encode_utf16().flat_map(u16::to_le_bytes));
        let named =
            |encoding: &str| Dialect { encoding: Some(encoding.to_owned()), ..Dialect::default() };
        for (bytes, dialect, separator) in [
            ("имя,a\nИван,1\n".as_bytes().to_vec(), Dialect::default(), b','),
            ("\u{feff}имя;a\r\nИван;1\r\n".into(), Dialect::default(), b';'),
            ("имя\ta\n\nИван\t1".into(), Dialect::default(), b'\t'),
            ("sep=;\nимя;a\nИван;1\n".into(), Dialect::default(), b';'),
            ("\"имя\";\"a\"\n\"Иван\";1\n".into(), Dialect::default(), b';'),
            (
                "имя|a\nИван|1\n".into(),
                Dialect { separator: Some('|'), ..Dialect::default() },
                b'|',
            ),
            (
                "a list of ours\nимя,a\nИван,1".into(),
                Dialect { header: Some(2), ..Dialect::default() },
                b',',
            ),
            (cyrillic, named("windows-1251"), b';'),
            (wide, Dialect::default(), b'\t'),
        ] {
            let table = Table::read(&bytes, &dialect).unwrap();
            assert_eq!(table.headings, ["имя", "a"], "{dialect:?}");
            assert_eq!(shown(&table), [["Иван", "1"]], "{dialect:?}");
            if dialect.header.is_none() {
                assert_eq!(table.form, Form::Csv(separator));
            }
        }
    }

    #[test]
    fn rows_of_another_length_and_rows_that_a_quote_swallowed_are_said() {
        let read = |text: &str| Table::read(text.as_bytes(), &Dialect::default()).unwrap();
        for (text, broken, short) in [
            ("a,b,c\n1,2,3\n1,2\n1,2,\n1\n", None, Some("3, 5")),
            ("a,b\n1,2\n", None, None),
            ("a,b\n1,2,3\n", Some((2, "3 cells under 2 headings")), None),
            ("a,b\n1,\"x\n2,y\"\n", Some((2, "is a row of its own")), None),
            ("a,b\r\n3,z\r\n1,\"x\r\n2,y\"\r\n", Some((3, "is a row of its own")), None),
            ("a,b,c\n1,\"Street 1,\nTbilisi, Georgia\",2\n", None, None),
        ] {
            let table = read(text);
            let found = table.rows.iter().find_map(|row| Some((row.line, row.broken.as_ref()?)));
            match (found, broken) {
                (Some((line, why)), Some((expected, part))) => {
                    assert!(line == expected && why.contains(part), "{text:?}: {line}: {why}");
                }
                (found, broken) => {
                    assert!(found.is_none() && broken.is_none(), "{text:?}: {found:?}")
                }
            }
            let notes = table.notes().concat();
            match short {
                Some(rows) => assert!(notes.ends_with(&format!(": {rows}")), "{text:?}: {notes}"),
                None => assert_eq!(notes, "", "{text:?}"),
            }
        }
        let many: Vec<u64> = (2..30).collect();
        assert!(listed(&many).ends_with("20, 21 and 8 more"), "{}", listed(&many));
    }

    #[test]
    fn a_cell_beyond_the_headings_of_a_sheet_is_named_by_its_column() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "a").unwrap();
        sheet.write_string(1, 0, "1").unwrap();
        sheet.write_string(1, 27, "stray").unwrap();
        let table = Table::read(&book.save_to_buffer().unwrap(), &Dialect::default()).unwrap();
        let why = table.rows[0].broken.as_deref().unwrap();
        assert!(why.starts_with("it has a cell in column AB, which has no heading"), "{why}");
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (255, "IV")]
        {
            assert_eq!(letters(column), name);
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_what_to_do() {
        let long = format!("a\n\"{}\"\n", "x".repeat(2000));
        let cut = {
            let mut book = Workbook::new();
            book.add_worksheet().write_string(0, 0, "a").unwrap();
            let mut bytes = book.save_to_buffer().unwrap();
            bytes.truncate(bytes.len() / 2);
            bytes
        };
        for (bytes, expected) in [
            (&b""[..], "there are no headings"),
            (b"\xC0\xFF,a\n", "name its encoding"),
            (b"PK\x03\x04 not an archive", "not a whole spreadsheet"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1", "save it as .xlsx"),
            (&cut, "not a whole spreadsheet"),
        ] {
            let error = Table::read(bytes, &Dialect::default()).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
        let table = Table::read(long.as_bytes(), &Dialect::default()).unwrap();
        assert!(table.rows[0].broken.as_ref().unwrap().contains("a quote not closed"));
        let table = Table::read(b"a,b\n1,2,3\n1,2,\n1\n", &Dialect::default()).unwrap();
        let broken: Vec<_> = table.rows.iter().map(|row| row.broken.is_some()).collect();
        assert_eq!(broken, [true, false, false]);
    }
}
