//! Tables written to files: CSV as RFC 4180 has it, and XLSX with typed cells.

use std::io::Write;

use domain::money::{Currency, Money};
use jiff::civil::Date;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet};
use store::reports::Cell;

use crate::import::source::FORMULA;

/// How cells are written.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// Dates, as `strftime` has them.
    pub(crate) date: String,
    /// The sign before the part of an amount.
    pub(crate) decimal: char,
    /// The sign between cells.
    pub(crate) delimiter: u8,
    /// Whether the file begins with the mark by which Excel knows UTF-8.
    pub(crate) mark: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { date: "%Y-%m-%d".to_owned(), decimal: '.', delimiter: b',', mark: false }
    }
}

impl Style {
    /// A cell as text.
    pub(crate) fn text(&self, cell: &Cell, currency: &Currency) -> String {
        match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Day(day) => day.strftime(&self.date).to_string(),
            Cell::Money(amount) => {
                let text = currency.exact(*amount).to_string();
                if self.decimal == '.' {
                    text
                } else {
                    text.replace('.', &self.decimal.to_string())
                }
            }
        }
    }
}

/// A file of rows.
pub(crate) enum Sheet<W: Write> {
    /// Comma-separated values.
    Csv(Box<csv::Writer<W>>, Style),
    /// A workbook of one sheet.
    Xlsx(Box<Book<W>>),
}

/// A workbook on its way into a file.
pub(crate) struct Book<W> {
    workbook: Workbook,
    rows: u32,
    to: W,
    money: Format,
    day: Format,
    bold: Format,
}

impl<W: Write> Sheet<W> {
    /// A CSV file.
    pub(crate) fn csv(mut to: W, style: Style) -> anyhow::Result<Self> {
        if style.mark {
            to.write_all("\u{feff}".as_bytes())?;
        }
        let writer = csv::WriterBuilder::new()
            .delimiter(style.delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        Ok(Self::Csv(Box::new(writer), style))
    }

    /// An XLSX file, whose amounts have so many digits.
    pub(crate) fn xlsx(to: W, digits: u8, date: &str) -> Self {
        let part = "0".repeat(usize::from(digits));
        let money = if digits == 0 { "0".to_owned() } else { format!("0.{part}") };
        let excel = date.replace("%Y", "yyyy").replace("%m", "mm").replace("%d", "dd");
        let mut workbook = Workbook::new();
        workbook.add_worksheet();
        Self::Xlsx(Box::new(Book {
            workbook,
            rows: 0,
            to,
            money: Format::new().set_num_format(money),
            day: Format::new().set_num_format(excel),
            bold: Format::new().set_bold(),
        }))
    }

    /// Writes the headings.
    pub(crate) fn headings(&mut self, headings: &[String]) -> anyhow::Result<()> {
        match self {
            Self::Csv(writer, _) => writer.write_record(headings.iter().map(|text| plain(text)))?,
            Self::Xlsx(book) => {
                let bold = book.bold.clone();
                let (sheet, row) = book.next()?;
                for (column, text) in (0_u16..).zip(headings) {
                    sheet.write_string_with_format(row, column, text, &bold)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Cell], currency: &Currency) -> anyhow::Result<()> {
        match self {
            Self::Csv(writer, style) => {
                let texts = cells.iter().map(|cell| match cell {
                    Cell::Text(text) => plain(text),
                    cell => style.text(cell, currency),
                });
                writer.write_record(texts)?;
            }
            Self::Xlsx(book) => book.row(cells, currency)?,
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Csv(mut writer, _) => writer.flush()?,
            Self::Xlsx(mut book) => {
                let bytes = book.workbook.save_to_buffer()?;
                book.to.write_all(&bytes)?;
                book.to.flush()?;
            }
        }
        Ok(())
    }
}

impl<W> Book<W> {
    fn next(&mut self) -> anyhow::Result<(&mut Worksheet, u32)> {
        let row = self.rows;
        self.rows += 1;
        anyhow::ensure!(
            row < 1_048_576,
            "a sheet has at most 1048576 rows; ask for a shorter time, or for csv"
        );
        Ok((self.workbook.worksheet_from_index(0)?, row))
    }

    fn row(&mut self, cells: &[Cell], currency: &Currency) -> anyhow::Result<()> {
        let (money, day) = (self.money.clone(), self.day.clone());
        let (sheet, row) = self.next()?;
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Empty => {}
                // Written as a string: no program takes it for a formula.
                Cell::Text(text) => drop(sheet.write_string(row, column, text)?),
                Cell::Count(count) => drop(sheet.write_number(row, column, *count as f64)?),
                Cell::Money(amount) => {
                    let number = number(*amount, currency)?;
                    sheet.write_number_with_format(row, column, number, &money)?;
                }
                Cell::Day(date) => {
                    sheet.write_datetime_with_format(row, column, &excel(*date)?, &day)?;
                }
            }
        }
        Ok(())
    }
}

/// The number that a spreadsheet keeps: exact up to fifteen digits, as all of its numbers are.
fn number(amount: Money, currency: &Currency) -> anyhow::Result<f64> {
    let text = currency.exact(amount).to_string();
    anyhow::ensure!(
        amount.minor().unsigned_abs() < 1_000_000_000_000_000,
        "{text} has more digits than a spreadsheet keeps; ask for csv"
    );
    Ok(text.parse()?)
}

fn excel(date: Date) -> anyhow::Result<ExcelDateTime> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    Ok(ExcelDateTime::from_ymd(year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs())?)
}

/// A text that no spreadsheet takes for a formula.
pub(crate) fn plain(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}
