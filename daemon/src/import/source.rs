//! The file that somebody brings: CSV in many dialects, or XLSX, as rows of cells.

use std::io::{Cursor, Read};

use anyhow::{Context, anyhow, bail};
use calamine::{DataRef, Reader as _, Xlsx};
use encoding_rs::{Encoding, UTF_8};

use super::ROWS_MAX;

/// The largest file, and the most that a spreadsheet may unpack to.
const FILE_MAX: u64 = 128 << 20;
const UNPACKED_MAX: u64 = 512 << 20;
/// The most columns, and the longest cell.
const COLUMNS_MAX: usize = 256;
const CELL_MAX: usize = 1000;
/// A spreadsheet keeps 15 digits of a number.
const DIGITS: i32 = 15;

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

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// A row as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Where it stands, from 1.
    pub(crate) line: u64,
    /// Its cells.
    pub(crate) cells: Vec<Cell>,
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
        let (form, rows) = match bytes {
            [b'P', b'K', ..] => xlsx(bytes, dialect.sheet.as_deref())?,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => {
                bail!("it is an old or a locked spreadsheet; save it as .xlsx without a password")
            }
            _ => csv(bytes, dialect)?,
        };
        Self::of(form, rows, dialect.header)
    }

    /// Finds the headings among the rows.
    fn of(form: Form, rows: Vec<Row>, header: Option<u64>) -> anyhow::Result<Self> {
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
        let rows = rows.map(|row| row.checked(headings.len())).collect();
        Ok(Self { form, headings, rows })
    }
}

impl Row {
    fn of(line: u64, mut cells: Vec<Cell>) -> Self {
        while cells.last().is_some_and(Cell::is_empty) {
            cells.pop();
        }
        Self { line, cells, broken: None }
    }

    /// Notes what makes it no row of a table with so many columns.
    fn checked(mut self, columns: usize) -> Self {
        let long = self.cells.iter().position(|cell| cell.shown().chars().count() > CELL_MAX);
        if let Some(at) = long {
            let why =
                format!("cell {} has more than {CELL_MAX} signs; is a quote not closed?", at + 1);
            self.broken = Some(why);
        } else if self.cells.len() > columns {
            let cells = self.cells.len();
            self.broken = Some(format!(
                "it has {cells} cells under {columns} headings; put a cell with the separator in \
                 it into quotes"
            ));
        }
        self
    }
}

/// Refuses what has more rows than an import may have.
fn bounded(rows: &[Row]) -> anyhow::Result<()> {
    if rows.len() as u64 > ROWS_MAX {
        bail!("a table has at most {ROWS_MAX} rows; cut it in parts");
    }
    Ok(())
}

fn csv(bytes: &[u8], dialect: &Dialect) -> anyhow::Result<(Form, Vec<Row>)> {
    let text = decoded(bytes, dialect.encoding.as_deref())?;
    let (told, body, before) =
        match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
            Some((sign, body)) => (sign.bytes().next(), body, 1),
            None => (None, &*text, 0),
        };
    let named = dialect.separator.map(u8::try_from).transpose();
    let named = named.ok().context("a separator is one plain sign such as `;`")?;
    let separator = named.or(told).unwrap_or_else(|| separator(body));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(body.as_bytes());
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| anyhow!("{error}"))? {
        let line = record.position().map_or(0, csv::Position::line) + before;
        let cells = record.iter().map(|cell| Cell::Text(unguarded(cell.trim()).to_owned()));
        let row = Row::of(line, cells.collect());
        if !row.cells.is_empty() {
            rows.push(row);
        }
        bounded(&rows)?;
    }
    Ok((Form::Csv(separator), rows))
}

/// The text of a file: by its mark, by the encoding that was named, else UTF-8.
fn decoded<'a>(bytes: &'a [u8], named: Option<&str>) -> anyhow::Result<std::borrow::Cow<'a, str>> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let named = match named {
        Some(name) => Some(Encoding::for_label(name.as_bytes()).with_context(|| {
            format!("`{name}` is not an encoding such as utf-8, windows-1251 or utf-16le")
        })?),
        None => None,
    };
    let encoding = marked.or(named).unwrap_or(UTF_8);
    let (text, _, damaged) = encoding.decode(bytes);
    if damaged {
        bail!(
            "it is not text in {}; name its encoding in the mapping, such as \
             `encoding = \"windows-1251\"`, or save it as UTF-8",
            encoding.name()
        );
    }
    Ok(text)
}

/// The sign that parts the headings: the most frequent of the three, outside of quotes.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    for sign in first.bytes() {
        quoted ^= sign == b'"';
        for (known, count) in &mut counts {
            *count += usize::from(!quoted && sign == *known);
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0);
    most.map_or(b',', |(sign, _)| *sign)
}

/// Signs with which a formula begins.
pub(crate) const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r'];

/// Takes away the apostrophe that keeps a spreadsheet from reading a cell as a formula.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => cell,
    }
}

fn xlsx(bytes: &[u8], sheet: Option<&str>) -> anyhow::Result<(Form, Vec<Row>)> {
    unpacked_within(bytes, UNPACKED_MAX)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))
        .map_err(|error| anyhow!("it cannot be read as a spreadsheet (.xlsx): {error}"))?;
    let sheets = book.sheet_names();
    let name = match sheet {
        Some(name) => sheets.iter().find(|known| known.as_str() == name).cloned(),
        None if sheets.len() > 1 => {
            bail!("it has the sheets `{}`; name one by `--sheet`", sheets.join("`, `"))
        }
        None => sheets.first().cloned(),
    };
    let name =
        name.with_context(|| format!("there is no such sheet; it has `{}`", sheets.join("`, `")))?;
    let broken = |error| anyhow!("the sheet `{name}` cannot be read: {error}");
    let mut cells = book.worksheet_cells_reader(&name).map_err(broken)?;
    let mut rows: Vec<Row> = Vec::new();
    while let Some(found) = cells.next_cell_with_formula_metadata().map_err(broken)? {
        let cell = match found.formula {
            Some(_) => Cell::Wrong(
                value(&found.value).shown().to_owned(),
                "it is a formula; put its value in its place",
            ),
            None => value(&found.value),
        };
        if cell.is_empty() {
            continue;
        }
        let (line, at) = (u64::from(found.pos.0) + 1, usize::try_from(found.pos.1)?);
        if at >= COLUMNS_MAX {
            bail!("row {line} has a cell in column {}; take it out", at + 1);
        }
        match rows.last_mut() {
            Some(row) if row.line == line => row.put(at, cell),
            Some(row) if row.line > line => bail!("the rows of `{name}` are not in order"),
            _ => {
                let mut row = Row { line, cells: Vec::new(), broken: None };
                row.put(at, cell);
                rows.push(row);
                bounded(&rows)?;
            }
        }
    }
    Ok((Form::Xlsx(name), rows))
}

impl Row {
    fn put(&mut self, at: usize, cell: Cell) {
        while self.cells.len() <= at {
            self.cells.push(Cell::Text(String::new()));
        }
        self.cells[at] = cell;
    }
}

/// Refuses what unpacks to more than memory should hold. What the archive says of itself is not
/// asked: everything is unpacked once, into nothing.
fn unpacked_within(bytes: &[u8], most: u64) -> anyhow::Result<()> {
    let broken = |error| anyhow!("it is not a whole spreadsheet (.xlsx): {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut left = most;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(broken)?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.context("it is not a whole spreadsheet (.xlsx)")?;
        left = left.checked_sub(unpacked).with_context(|| {
            format!("it unpacks to more than {} MiB; cut it in parts", most >> 20)
        })?;
    }
    Ok(())
}

/// The value of a spreadsheet's cell.
fn value(cell: &DataRef<'_>) -> Cell {
    match cell {
        DataRef::Empty => Cell::Text(String::new()),
        DataRef::String(text) => Cell::Text(text.trim().to_owned()),
        DataRef::SharedString(text) => Cell::Text(text.trim().to_owned()),
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => self::number(*number),
        DataRef::Bool(on) => Cell::Switch(*on),
        DataRef::DateTime(when) if when.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
            let day = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => Cell::Date(day),
                _ => Cell::Date(format!("{day}T{hour:02}:{minute:02}:{second:02}")),
            }
        }
        DataRef::DateTimeIso(text) => Cell::Date(text.clone()),
        DataRef::DateTime(_) | DataRef::DurationIso(_) => {
            Cell::Wrong(String::new(), "it is a length of time, which no column holds")
        }
        DataRef::Error(error) => {
            Cell::Wrong(error.to_string(), "it is an error of the spreadsheet; put a value there")
        }
    }
}

/// A number with the digits that people see: a spreadsheet keeps 15 of them.
fn number(value: f64) -> Cell {
    let written = format!("{value:.14e}");
    let (digits, power) = written.split_once('e').unwrap_or((&written, "0"));
    let power: i32 = power.parse().unwrap_or(i32::MAX);
    if !(-DIGITS..DIGITS).contains(&power) {
        return Cell::Wrong(
            value.to_string(),
            "a spreadsheet rounds numbers of more than 15 digits; make it a text",
        );
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let whole = usize::try_from(power + 1).unwrap_or(0);
    let zeros = usize::try_from(-(power + 1)).unwrap_or(0);
    let (before, after) = digits.split_at(whole.min(digits.len()));
    let after = format!("{}{after}", "0".repeat(zeros));
    let after = after.trim_end_matches('0');
    let before = if before.is_empty() { "0" } else { before };
    let text = match after {
        "" => before.to_owned(),
        after => format!("{before}.{after}"),
    };
    Cell::Number(if text == "0" { text } else { format!("{sign}{text}") })
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

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
    fn what_is_no_table_is_refused_with_what_to_do() {
        let long = format!("a\n\"{}\n", "x".repeat(2000));
        let cut = {
            let mut book = book(|_| ());
            book.truncate(book.len() / 2);
            book
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

    /// A spreadsheet of one sheet with the heading `a`.
    fn book(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "a").unwrap();
        fill(sheet);
        book.save_to_buffer().unwrap()
    }

    #[test]
    fn cells_of_a_spreadsheet_are_what_people_see_in_them() {
        let day = Format::new().set_num_format("dd.mm.yyyy");
        let when = |text| ExcelDateTime::parse_from_str(text).unwrap();
        let bytes = book(|sheet| {
            sheet.write_string(1, 0, "=not a formula").unwrap();
            sheet.write_number(2, 0, 1001.0).unwrap();
            sheet.write_number(3, 0, 0.1 + 0.2).unwrap();
            sheet.write_number(4, 0, -12.5).unwrap();
            sheet.write_number(5, 0, 995_555_123_456.0).unwrap();
            sheet.write_number(6, 0, 1e15).unwrap();
            sheet.write_datetime_with_format(7, 0, when("1990-05-17"), &day).unwrap();
            sheet.write_datetime_with_format(8, 0, when("2026-09-15T18:30:00"), &day).unwrap();
            sheet.write_boolean(9, 0, true).unwrap();
            sheet.write_formula(11, 0, Formula::new("=1+1").set_result("2")).unwrap();
            sheet.write_number(12, 0, 0.05).unwrap();
            sheet.write_number(13, 0, 0.0).unwrap();
        });
        let table = Table::read(&bytes, &Dialect::default()).unwrap();
        let text = |text: &str| Cell::Text(text.to_owned());
        let number = |text: &str| Cell::Number(text.to_owned());
        let date = |text: &str| Cell::Date(text.to_owned());
        let expected = [
            text("=not a formula"),
            number("1001"),
            number("0.3"),
            number("-12.5"),
            number("995555123456"),
            Cell::Wrong(
                "1000000000000000".to_owned(),
                "a spreadsheet rounds numbers of more than 15 digits; make it a text",
            ),
            date("1990-05-17"),
            date("2026-09-15T18:30:00"),
            Cell::Switch(true),
            Cell::Wrong("2".to_owned(), "it is a formula; put its value in its place"),
            number("0.05"),
            number("0"),
        ];
        let got: Vec<_> = table.rows.iter().map(|row| row.cells[0].clone()).collect();
        assert_eq!(got, expected);
        assert_eq!(table.rows[9].line, 12, "an empty row is passed over, and counted");
    }

    #[test]
    fn a_sheet_is_named_where_there_are_several() {
        let mut book = Workbook::new();
        for name in ["one", "two"] {
            let sheet = book.add_worksheet();
            sheet.set_name(name).unwrap();
            sheet.write_string(0, 0, name).unwrap();
        }
        let bytes = book.save_to_buffer().unwrap();
        let read = |sheet: Option<&str>| {
            let sheet = sheet.map(str::to_owned);
            Table::read(&bytes, &Dialect { sheet, ..Dialect::default() })
        };
        assert_eq!(read(Some("two")).unwrap().headings, ["two"]);
        assert!(read(None).unwrap_err().to_string().contains("`one`, `two`; name one"));
        assert!(read(Some("six")).unwrap_err().to_string().contains("no such sheet"));
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_is_refused_unread() {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let zeros = vec![0_u8; 1 << 19];
        let packed = zip::write::SimpleFileOptions::default();
        archive.start_file("xl/workbook.xml", packed).unwrap();
        archive.write_all(&zeros).unwrap();
        archive.start_file("xl/sharedStrings.xml", packed).unwrap();
        archive.write_all(&zeros).unwrap();
        archive.write_all(b"0").unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 8192, "{}", bytes.len());
        let error = unpacked_within(&bytes, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than 1 MiB"), "{error}");
        unpacked_within(&bytes, (1 << 20) + 1).unwrap();
    }
}
