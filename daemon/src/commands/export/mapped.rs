//! Tables of postings whose columns an accountant chooses: CSV and XLSX by a mapping file.

use std::{collections::BTreeMap, io::Write, path::Path};

use domain::money::{Currency, Money};
use jiff::civil::Date;
use serde::Deserialize;
use store::{books::BookEntry, reports::Cell};

use super::{Export, Line, chart::Charted, number};
use crate::{
    config,
    sheet::{Sheet, Style},
};

/// The mapping that is used where none is given; it stands in `examples/` as well.
const SHIPPED: &str = include_str!("../../../../examples/accounting/mapping.toml");

/// Which columns a table has, and how its cells are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    #[serde(default)]
    file: FileStyle,
    columns: Vec<Column>,
    /// Codes of accounts by Kari's words, `cash/till-1` before `cash`.
    #[serde(default)]
    codes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileStyle {
    date: String,
    decimal: char,
    separator: char,
    mark: bool,
}

impl Default for FileStyle {
    fn default() -> Self {
        Self { date: "%Y-%m-%d".to_owned(), decimal: '.', separator: ',', mark: false }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    heading: String,
    holds: Field,
    /// What stands in every row of a column that holds `text`.
    #[serde(default)]
    text: String,
}

/// What a column can hold.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    Date,
    Number,
    Key,
    Purpose,
    Terminal,
    Operator,
    Receipt,
    Note,
    Account,
    Code,
    Kind,
    Subject,
    Debit,
    Credit,
    /// Debit above zero, credit below.
    Amount,
    Currency,
    Text,
}

impl Mapping {
    /// Reads a mapping; without a file, the shipped one.
    pub(super) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let mapping: Self = match path {
            Some(path) => config::parse(path, &config::read(path)?)?,
            None => config::parse(Path::new("examples/accounting/mapping.toml"), SHIPPED)?,
        };
        anyhow::ensure!(!mapping.columns.is_empty(), "the mapping has no columns; add [[columns]]");
        anyhow::ensure!(
            mapping.file.separator.is_ascii() && mapping.file.separator != '"',
            "`separator` is one sign such as ; or ,"
        );
        let today = jiff::civil::date(2026, 1, 1);
        let written = jiff::fmt::strtime::format(&mapping.file.date, today);
        anyhow::ensure!(
            written.is_ok(),
            "`date` is no form such as %d.%m.%Y: {}",
            mapping.file.date
        );
        Ok(mapping)
    }

    fn style(&self) -> Style {
        Style {
            date: self.file.date.clone(),
            decimal: self.file.decimal,
            delimiter: u8::try_from(self.file.separator).unwrap_or(b','),
            mark: self.file.mark,
        }
    }

    fn code(&self, account: &Charted) -> Cell {
        let own = self.codes.get(&account.own()).or_else(|| self.codes.get(account.kind.name()));
        own.map_or(Cell::Empty, |code| Cell::Text(code.clone()))
    }

    fn cells(&self, day: Date, entry: &BookEntry, account: &Charted, line: &Line) -> Vec<Cell> {
        let text = |text: &Option<String>| text.clone().map_or(Cell::Empty, Cell::Text);
        let side = |amount: Money| match amount > Money::ZERO {
            true => Cell::Money(amount),
            false => Cell::Empty,
        };
        let cell = |column: &Column| match column.holds {
            Field::Date => Cell::Day(day),
            Field::Number => Cell::Text(number(entry)),
            Field::Key => Cell::Text(entry.key.clone()),
            Field::Purpose => Cell::Text(entry.purpose.name().to_owned()),
            Field::Terminal => text(&entry.device),
            Field::Operator => text(&entry.operator),
            Field::Receipt => text(&entry.receipt.as_ref().map(|of| of.key.to_string())),
            Field::Note => Cell::Text(entry.note.clone()),
            Field::Account => Cell::Text(account.name.clone()),
            Field::Code => self.code(account),
            Field::Kind => Cell::Text(account.kind.name().to_owned()),
            Field::Subject => Cell::Text(account.subject.clone()),
            Field::Debit => side(line.amount),
            Field::Credit => side(-line.amount),
            Field::Amount => Cell::Money(line.amount),
            Field::Currency => Cell::Text(account.currency.to_string()),
            Field::Text => Cell::Text(column.text.clone()),
        };
        self.columns.iter().map(cell).collect()
    }
}

/// Writes a CSV file.
pub(super) async fn csv(
    export: &mut Export<'_>,
    mapping: &Mapping,
    to: &mut dyn Write,
) -> anyhow::Result<()> {
    rows(export, mapping, Sheet::csv(to, mapping.style())?).await
}

/// Writes an XLSX file.
pub(super) async fn xlsx(
    export: &mut Export<'_>,
    mapping: &Mapping,
    to: &mut dyn Write,
) -> anyhow::Result<()> {
    let sheet = Sheet::xlsx(to, export.currency.minor_digits, &mapping.file.date);
    rows(export, mapping, sheet).await
}

async fn rows<W: Write>(
    export: &mut Export<'_>,
    mapping: &Mapping,
    mut sheet: Sheet<W>,
) -> anyhow::Result<()> {
    let headings: Vec<String> =
        mapping.columns.iter().map(|column| column.heading.clone()).collect();
    sheet.headings(&headings)?;
    let (chart, own) = (export.chart, export.currency.clone());
    export
        .walk(|day, entry, lines| {
            for line in lines {
                let Some(account) = chart.accounts.get(line.account) else { continue };
                let currency = Currency::of(account.currency.as_str());
                let cells = mapping.cells(day, entry, account, line);
                sheet.row(&cells, currency.as_ref().unwrap_or(&own))?;
            }
            Ok(())
        })
        .await?;
    sheet.close()
}
