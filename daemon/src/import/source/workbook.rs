//! A sheet of a spreadsheet (.xlsx): values, never formulas.

use std::io::{Cursor, Read};

use anyhow::{Context, anyhow, bail};
use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx};
use jiff::civil::{Date, DateTime};

use super::{COLUMNS_MAX, Cell, Form, Hidden, Row, bounded, hidden};

/// The most that a spreadsheet may unpack to.
pub(super) const UNPACKED_MAX: u64 = 512 << 20;
/// A spreadsheet keeps 15 digits of a number.
const DIGITS: i32 = 15;

/// Reads all rows that are not empty, and what the sheet hides.
pub(super) fn rows(bytes: &[u8], sheet: Option<&str>) -> anyhow::Result<(Form, Vec<Row>, Hidden)> {
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
                let mut row = Row { line, cells: Vec::new(), given: 0, broken: None };
                row.put(at, cell);
                rows.push(row);
                bounded(&rows)?;
            }
        }
    }
    let hidden = hidden::of(bytes, &name)?;
    Ok((Form::Xlsx(name), rows, hidden))
}

impl Row {
    fn put(&mut self, at: usize, cell: Cell) {
        while self.cells.len() <= at {
            self.cells.push(Cell::Text(String::new()));
        }
        self.cells[at] = cell;
        self.given = self.cells.len();
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
        DataRef::String(text) => Cell::of_words(text.trim()),
        DataRef::SharedString(text) => Cell::of_words(text.trim()),
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => self::number(*number),
        DataRef::Bool(on) => Cell::Switch(*on),
        DataRef::DateTime(when) if when.is_datetime() => moment(*when),
        DataRef::DateTimeIso(text) => iso(text),
        DataRef::DateTime(_) | DataRef::DurationIso(_) => {
            Cell::Wrong(String::new(), "it is a length of time, which no column holds")
        }
        DataRef::Error(error) => {
            Cell::Wrong(error.to_string(), "it is an error of the spreadsheet; put a value there")
        }
    }
}

/// A day of a spreadsheet that counts days from 1900 or 1904.
fn moment(when: ExcelDateTime) -> Cell {
    let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
    if year < 1900 {
        let shown = format!("{hour:02}:{minute:02}:{second:02}");
        return Cell::Wrong(shown, "it is a time of a day without the day; write the date");
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => Cell::Date(day),
        _ => Cell::Date(format!("{day}T{hour:02}:{minute:02}:{second:02}")),
    }
}

/// A day as other programs write it into a spreadsheet: `1990-05-17`, with a time behind it or not.
fn iso(text: &str) -> Cell {
    let text = text.trim();
    if let Ok(day) = text.parse::<Date>()
        && text.len() == "1990-05-17".len()
    {
        return Cell::Date(day.to_string());
    }
    // A sheet has no zones: what stands behind the time is the writer's habit.
    let local = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    match local.parse::<DateTime>() {
        Ok(when) if when.time() == jiff::civil::Time::midnight() => {
            Cell::Date(when.date().to_string())
        }
        Ok(when) if local.contains(['T', 't', ' ']) => {
            Cell::Date(when.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        }
        _ => Cell::Wrong(
            text.to_owned(),
            "it is a date or time that cannot be understood; write it as 2026-09-15",
        ),
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
    use std::io::Write;

    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

    use super::*;
    use crate::import::source::{Dialect, Table};

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
            sheet.write_string(14, 0, " #DIV/0! ").unwrap();
            sheet.write_string(15, 0, "#1").unwrap();
            sheet.write_string(16, 0, "kari: correct 1990-05-17").unwrap();
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
            Cell::Wrong(
                "#DIV/0!".to_owned(),
                "it is an error of the spreadsheet that wrote it; put a value there",
            ),
            text("#1"),
            Cell::Wrong(
                "kari: correct 1990-05-17".to_owned(),
                "an earlier import could not take it; put what belongs there in its place",
            ),
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

    /// A workbook as other programs than Excel write it: what stands before its rows, and the cells
    /// of column A from row 2 on, each as XML.
    fn foreign(before: &str, cells: &[&str]) -> Vec<u8> {
        let spread = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        let mut rows =
            "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>a</t></is></c></row>".to_owned();
        for (line, cell) in (2..).zip(cells) {
            rows.push_str(&format!(
                "<row r=\"{line}\">{}</row>",
                cell.replace("@", &format!("A{line}"))
            ));
        }
        let parts = [
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" \
                     Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{spread}\" xmlns:r=\"{office}\"><sheets><sheet \
                     name=\"S &amp; T\" \
                     sheetId=\"1\" r:id=\"r7\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"r7\" \
                     Type=\"{office}/worksheet\" Target=\"worksheets/other.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/worksheets/other.xml",
                format!(
                    "<worksheet xmlns=\"{spread}\">{before}<sheetData>{rows}</sheetData>\
                     </worksheet>"
                ),
            ),
        ];
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn days_of_other_writers_are_days_and_no_words() {
        let is = |text: &str| format!("<c r=\"@\" t=\"d\"><v>{text}</v></c>");
        let dates = [
            ("1990-05-17", Some("1990-05-17")),
            ("1990-05-17T00:00:00", Some("1990-05-17")),
            ("1990-05-17T00:00:00.000", Some("1990-05-17")),
            ("1990-05-17T00:00:00.000Z", Some("1990-05-17")),
            ("2026-09-15T18:30:00", Some("2026-09-15T18:30:00")),
            ("2026-09-15T18:30", Some("2026-09-15T18:30:00")),
            ("18:30:00", None),
            ("PT18H", None),
            ("1990-13-17", None),
            ("soon", None),
        ];
        let cells: Vec<String> = dates.iter().map(|(text, _)| is(text)).collect();
        let bytes = foreign("", &cells.iter().map(String::as_str).collect::<Vec<_>>());
        let table = Table::read(&bytes, &Dialect::default()).unwrap();
        for (row, (text, expected)) in table.rows.iter().zip(dates) {
            match (&row.cells[0], expected) {
                (Cell::Date(got), Some(day)) => assert_eq!(got, day, "{text}"),
                (Cell::Wrong(..), None) => {}
                (cell, _) => panic!("{text}: {cell:?}"),
            }
        }
        assert_eq!(table.rows.len(), dates.len());
    }

    #[test]
    fn formulas_errors_and_times_without_a_day_are_no_values() {
        let bytes = foreign(
            "",
            &[
                "<c r=\"@\"><f t=\"shared\" ref=\"A2:A3\" si=\"0\">1+1</f><v>2</v></c>",
                "<c r=\"@\"><f t=\"shared\" si=\"0\"/><v>2</v></c>",
                "<c r=\"@\" t=\"str\"><f>\"a\"</f><v>a</v></c>",
                "<c r=\"@\" t=\"e\"><v>#DIV/0!</v></c>",
                "<c r=\"@\" t=\"b\"><v>1</v></c>",
                "<c r=\"@\" t=\"str\"><v>plain</v></c>",
            ],
        );
        let table = Table::read(&bytes, &Dialect::default()).unwrap();
        let is_wrong = |row: &Row| matches!(row.cells[0], Cell::Wrong(..));
        let wrong: Vec<bool> = table.rows.iter().map(is_wrong).collect();
        assert_eq!(wrong, [true, true, true, true, false, false], "{:?}", table.rows);
        let kind = calamine::ExcelDateTimeType::DateTime;
        let time = moment(calamine::ExcelDateTime::new(0.75, kind, false));
        assert!(matches!(&time, Cell::Wrong(text, _) if text == "18:00:00"), "{time:?}");
    }

    #[test]
    fn rows_and_columns_that_nobody_sees_are_known() {
        let cell = "<c r=\"@\"><v>1</v></c>";
        let bytes = foreign("<cols><col min=\"1\" max=\"3\" hidden=\"1\"/></cols>", &[cell; 3]);
        let table = Table::read(&bytes, &Dialect::default()).unwrap();
        assert_eq!(table.hidden, Hidden { rows: vec![], columns: vec![0] });
        let flat = "<cols><col min=\"2\" max=\"2\" width=\"0\"/><col min=\"3\" max=\"3\" \
                    width=\"9.5\"/></cols>";
        let bytes = foreign(flat, &[cell; 3]);
        let hidden = super::hidden::of(&bytes, "S & T").unwrap();
        assert_eq!(hidden, Hidden { rows: vec![], columns: vec![1] }, "a column of no width");
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..4 {
            sheet.write_number(row, 0, row).unwrap();
        }
        sheet.set_row_height(2, 0).unwrap();
        let table = Table::read(&book.save_to_buffer().unwrap(), &Dialect::default()).unwrap();
        assert_eq!(table.hidden.rows, [3], "a row of no height");
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..6 {
            sheet.write_number(row, 0, row).unwrap();
            sheet.write_string(row, 1, "x").unwrap();
        }
        sheet.autofilter(0, 0, 5, 0).unwrap();
        let filter = rust_xlsxwriter::FilterCondition::new();
        let greater = rust_xlsxwriter::FilterCriteria::GreaterThan;
        sheet.filter_column(0, &filter.add_custom_filter(greater, 3)).unwrap();
        // Row 9 is hidden and has nothing in it.
        sheet.set_row_hidden(8).unwrap();
        let table = Table::read(&book.save_to_buffer().unwrap(), &Dialect::default()).unwrap();
        assert_eq!(table.hidden.rows, [2, 3, 4], "those that the filter leaves out");
        let notes = table.notes();
        assert!(
            notes[0].contains("as a filter does") && notes[0].ends_with(": 2, 3, 4"),
            "{notes:?}"
        );
    }
}
