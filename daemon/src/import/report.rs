//! The rows that cannot be taken, as a file of the same form: where each stood, its cells, and what
//! to do. It can be corrected and imported in its turn.

use std::{collections::BTreeMap, io::Write, path::Path};

use anyhow::Context;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet};

use super::source::{Cell, FORMULA, Form, ROW, Row, Table, WHY};
use crate::output::{self, Output};

/// The sheet of a workbook that comes from a table without sheets.
const SHEET: &str = "Sheet1";

/// Whether a cell of a column is of another kind than those that the column holds.
pub(crate) type IsOther<'a> = &'a dyn Fn(usize, &Cell) -> bool;

/// Writes the bad rows of a table, each with what is wrong with it: in the form that the ending of
/// the file names, else in that of the table. Text has no kinds of cells, so that one
/// `is_other_kind` than its column is marked there.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(
    path: &Path,
    (table, is_other_kind): (&Table, IsOther<'_>),
    bad: &BTreeMap<u64, Vec<String>>,
) -> anyhow::Result<()> {
    let rows = table.rows.iter().filter_map(|row| Some((row, bad.get(&row.line)?)));
    let written = output::write_to(Some(path), |to| match form(path, &table.form) {
        Form::Csv(separator) => csv(to, (table, is_other_kind), separator, rows),
        Form::Xlsx(sheet) => xlsx(to, table, &sheet, rows),
    });
    written.with_context(|| format!("cannot write the bad rows to `{}`", path.display()))
}

/// The form in which they are written.
fn form(path: &Path, table: &Form) -> Form {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match (ending.to_str(), table) {
        (Some("xlsx"), Form::Csv(_)) => Form::Xlsx(SHEET.to_owned()),
        (Some("csv"), Form::Xlsx(_)) => Form::Csv(b','),
        (_, form) => form.clone(),
    }
}

/// The headings that are written: those of an earlier such file are not doubled.
fn headings(table: &Table) -> Vec<(usize, &str)> {
    let all = table.headings.iter().map(String::as_str).enumerate();
    all.filter(|(_, name)| ![ROW, WHY].contains(name)).collect()
}

fn csv<'a>(
    file: &mut Output,
    (table, is_other_kind): (&Table, IsOther<'_>),
    separator: u8,
    rows: impl Iterator<Item = (&'a Row, &'a Vec<String>)>,
) -> anyhow::Result<()> {
    // Without it a spreadsheet takes Georgian for Latin-1.
    file.write_all("\u{feff}".as_bytes())?;
    let mut writer =
        csv::WriterBuilder::new().delimiter(separator).flexible(true).from_writer(file);
    let columns = headings(table);
    let names = columns.iter().map(|(_, name)| (*name).to_owned());
    writer.write_record(
        [ROW.to_owned()].into_iter().chain(names.map(guarded)).chain([WHY.to_owned()]),
    )?;
    for (row, why) in rows {
        let cell = |at: usize| match row.cells.get(at) {
            Some(cell) if cell.no_value().is_some() || is_other_kind(at, cell) => cell.as_wrong(),
            cell => cell.map_or("", Cell::shown).to_owned(),
        };
        let cells = columns.iter().map(|(at, _)| guarded(cell(*at)));
        let line = [row.line.to_string()].into_iter().chain(cells);
        writer.write_record(line.chain([guarded(why.join("; "))]))?;
    }
    writer.flush()?;
    Ok(())
}

/// A cell that no spreadsheet takes for a formula. Numbers and phones are none.
fn guarded(cell: String) -> String {
    let number = cell.trim_start_matches(['+', '-']);
    let is_number = number.len() + 1 >= cell.len()
        && !number.is_empty()
        && number.bytes().all(|sign| sign.is_ascii_digit() || b" .,".contains(&sign));
    match cell.starts_with(FORMULA) && !is_number {
        true => format!("'{cell}"),
        false => cell,
    }
}

fn xlsx<'a>(
    file: &mut Output,
    table: &Table,
    sheet: &str,
    rows: impl Iterator<Item = (&'a Row, &'a Vec<String>)>,
) -> anyhow::Result<()> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name(sheet)?;
    let columns = headings(table);
    page.write_string(0, 0, ROW)?;
    for (at, (_, name)) in (1..).zip(&columns) {
        page.write_string(0, at, *name)?;
    }
    let last = u16::try_from(columns.len() + 1)?;
    page.write_string(0, last, WHY)?;
    for (line, (row, why)) in (1..).zip(rows) {
        page.write_number(line, 0, u32::try_from(row.line)?)?;
        for (at, (from, _)) in (1..).zip(&columns) {
            if let Some(cell) = row.cells.get(*from) {
                put(page, (line, at), cell)?;
            }
        }
        page.write_string(line, last, why.join("; "))?;
    }
    Ok(file.write_all(&book.save_to_buffer()?)?)
}

/// Writes a cell as what it was. Words are words, whatever they begin with.
fn put(page: &mut Worksheet, (line, at): (u32, u16), cell: &Cell) -> anyhow::Result<()> {
    let day = |text: &str| ExcelDateTime::parse_from_str(text).ok();
    match cell {
        Cell::Text(text) => page.write_string(line, at, text)?,
        Cell::Wrong(..) => page.write_string(line, at, cell.as_wrong())?,
        Cell::Switch(on) => page.write_boolean(line, at, *on)?,
        Cell::Number(text) => match text.parse::<f64>() {
            Ok(number) => page.write_number(line, at, number)?,
            Err(_) => page.write_string(line, at, text)?,
        },
        Cell::Date(text) => match day(text) {
            Some(when) => {
                let form = if text.contains('T') { "dd.mm.yyyy hh:mm" } else { "dd.mm.yyyy" };
                let format = Format::new().set_num_format(form);
                page.write_datetime_with_format(line, at, &when, &format)?
            }
            None => page.write_string(line, at, text)?,
        },
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::{Dialect, Hidden};

    fn bad(lines: &[u64]) -> BTreeMap<u64, Vec<String>> {
        lines.iter().map(|line| (*line, vec!["=why".to_owned(), "and why".to_owned()])).collect()
    }

    fn as_it_is(_: usize, _: &Cell) -> bool {
        false
    }

    #[test]
    fn what_was_no_value_is_none_in_the_file_of_bad_rows_either() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = |text: &str| Cell::Wrong(text.to_owned(), "it is a formula");
        let cells = vec![
            Cell::Date("1990-05-17".to_owned()),
            Cell::Switch(true),
            Cell::Date("1990-05-17".to_owned()),
            wrong("2"),
            wrong(""),
            wrong("#REF!"),
        ];
        let headings = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
        let row = Row { line: 2, cells, given: 6, broken: None };
        let form = Form::Xlsx("S".to_owned());
        let table = Table { form, headings, rows: vec![row], hidden: Hidden::default() };
        let is_other_kind = |at: usize, _: &Cell| at < 2;
        for name in ["bad.csv", "bad.xlsx"] {
            let path = folder.path().join(name);
            write(&path, (&table, &is_other_kind), &bad(&[2])).unwrap();
            // And the same once more: what is marked is marked once.
            let mut again =
                Table::read(&std::fs::read(&path).unwrap(), &Dialect::default()).unwrap();
            again.rows[0].line = 2;
            write(&path, (&again, &as_it_is), &bad(&[2])).unwrap();
            let read = Table::read(&std::fs::read(&path).unwrap(), &Dialect::default()).unwrap();
            let cells = &read.rows[0].cells[1..7];
            let is_value = |cell: &Cell| cell.no_value().is_none();
            let values: Vec<bool> = cells.iter().map(is_value).collect();
            let native = name == "bad.xlsx";
            assert_eq!(values, [native, native, true, false, false, false], "{name}");
            let shown: Vec<&str> = cells.iter().map(Cell::shown).collect();
            assert_eq!(shown[3..], ["kari: correct 2", "kari: correct", "#REF!"], "{name}");
        }
    }

    #[test]
    fn the_bad_rows_are_a_table_of_the_same_form_with_row_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad");
        let text = "№;имя;счет\n1;a;-3,20\n2;=1+1;+995 555\n3;@x;-\n4;-cmd|' /C calc'!A0;'=ok\n";
        let table = Table::read(text.as_bytes(), &Dialect::default()).unwrap();
        write(&path, (&table, &as_it_is), &bad(&[2, 3, 4, 5])).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        let expected = "\u{feff}kari: row;№;имя;счет;kari: what to do\n\
             2;1;a;-3,20;\"'=why; and why\"\n\
             3;2;'=1+1;+995 555;\"'=why; and why\"\n\
             4;3;'@x;'-;\"'=why; and why\"\n\
             5;4;'-cmd|' /C calc'!A0;'=ok;\"'=why; and why\"\n";
        assert_eq!(written, expected);
        // What was written is read as it was, and its own columns are not doubled.
        let again = Table::read(written.as_bytes(), &Dialect::default()).unwrap();
        for (row, before) in again.rows.iter().zip(&table.rows) {
            assert_eq!(row.cells[1..4], before.cells[..]);
        }
        write(&path, (&again, &as_it_is), &bad(&[2])).unwrap();
        let twice = std::fs::read_to_string(&path).unwrap();
        assert_eq!(twice.lines().next(), expected.lines().next());
        assert_eq!(twice.lines().count(), 2);
    }

    #[test]
    fn cells_of_a_spreadsheet_stay_what_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.xlsx");
        let cells = vec![
            Cell::Text("=HYPERLINK(\"x\")".to_owned()),
            Cell::Number("-12.5".to_owned()),
            Cell::Date("1990-05-17".to_owned()),
            Cell::Switch(false),
            Cell::Date("2026-09-15T18:30:00".to_owned()),
        ];
        let row = Row { line: 7, cells: cells.clone(), given: 5, broken: None };
        let headings = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let form = Form::Xlsx("Лист1".to_owned());
        let table = Table { form, headings, rows: vec![row], hidden: Hidden::default() };
        write(&path, (&table, &as_it_is), &bad(&[7])).unwrap();
        let again = Table::read(&std::fs::read(&path).unwrap(), &Dialect::default()).unwrap();
        assert_eq!(again.form, table.form);
        assert_eq!(again.rows[0].cells[1..6], cells[..]);
        assert_eq!(again.rows[0].cells[0], Cell::Number("7".to_owned()));
        assert_eq!(again.rows[0].cells[6], Cell::Text("=why; and why".to_owned()));
    }

    #[test]
    fn the_ending_of_the_file_says_in_which_form_bad_rows_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let text = "number;name;uid\n1;A;0004\n2;=1+1;+995 555\n";
        let csv = Table::read(text.as_bytes(), &Dialect::default()).unwrap();
        let read = |path: &Path, header: Option<u64>| {
            let dialect = Dialect { header, ..Dialect::default() };
            Table::read(&std::fs::read(path).unwrap(), &dialect).unwrap()
        };
        for (name, is_workbook) in [("bad.xlsx", true), ("BAD.XLSX", true), ("bad", false)] {
            let path = folder.path().join(name);
            write(&path, (&csv, &as_it_is), &bad(&[2, 3])).unwrap();
            // A mapping may say that the headings of the first file stood further down.
            let again = read(&path, Some(4));
            assert_eq!(matches!(again.form, Form::Xlsx(_)), is_workbook, "{name}");
            let lines: Vec<_> = again.rows.iter().map(|row| row.cells[0].shown()).collect();
            assert_eq!(lines, ["2", "3"], "{name}");
            for (row, was) in again.rows.iter().zip(&csv.rows) {
                assert_eq!(row.cells[1..4], was.cells[..], "{name}: zeros in front stay");
            }
            // And a table of a workbook goes into a file of text where that is asked for.
            let plain = folder.path().join(format!("{name}.csv"));
            write(&plain, (&again, &as_it_is), &bad(&[2])).unwrap();
            assert!(matches!(read(&plain, None).form, Form::Csv(_)), "{name}");
        }
    }
}
