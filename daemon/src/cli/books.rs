//! What `kari report` and `kari export` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::replay::When;

/// What `kari report` takes.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// Which report.
    pub(crate) name: Option<String>,
    /// From this day or time on, by the site's clock.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) from: Option<When>,
    /// Before this day or time; balances are those at its beginning.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) until: Option<When>,
    /// How it is written; a table, or JSON with `--json`.
    #[arg(long, value_enum)]
    pub(crate) format: Option<ReportFormat>,
    /// Into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Table,
    /// Comma-separated values.
    Csv,
    /// A spreadsheet.
    Xlsx,
    /// For programs.
    Json,
}

/// What `kari export` takes.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// For which program.
    #[arg(long = "as", value_enum)]
    pub(crate) target: ExportAs,
    /// From this day or time on, by the site's clock; balances before it are brought along.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) from: Option<When>,
    /// Before this day or time.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) until: Option<When>,
    /// Which columns a table has.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// An account for each member's wallet and debts, by his number, not one for all.
    #[arg(long)]
    pub(crate) people: bool,
    /// Into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// For which program a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportAs {
    /// A journal of hledger.
    Hledger,
    /// A ledger of Beancount.
    Beancount,
    /// Comma-separated values.
    Csv,
    /// A spreadsheet.
    Xlsx,
}
