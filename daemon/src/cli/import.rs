//! What `kari import` takes.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::yes_no;
use crate::import::{kinds::Kind, rows::Existing};

/// What `kari import` takes.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The table: .csv or .xlsx.
    pub(crate) file: PathBuf,
    /// What its rows are; the mapping may say it.
    #[arg(long = "as", value_name = "WHAT")]
    pub(crate) kind: Option<Kind>,
    /// Which column is which, and how cells are written.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) mapping: Option<PathBuf>,
    /// Write a mapping for this table, to be corrected by hand, and import nothing.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) write_mapping: Option<PathBuf>,
    /// The sheet of a spreadsheet.
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Show the first rows as they would be taken, and import nothing.
    #[arg(long, value_name = "N")]
    pub(crate) preview: Option<usize>,
    /// Check every row, and import nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What is done with a row about something that is there already.
    #[arg(long, value_name = "HOW", default_value = "refuse")]
    pub(crate) existing: Existing,
    /// Passes may count at the same time as another one of their tariff that the member has.
    #[arg(long, value_name = "YES", action = ArgAction::Set, value_parser = yes_no)]
    #[arg(num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", default_value = "no", hide_default_value = true)]
    pub(crate) beside: bool,
    /// Import the good rows though others are bad.
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Write the bad rows here, each with what to do about it; of the same form as the table.
    #[arg(long, value_name = "FILE")]
    pub(crate) errors: Option<PathBuf>,
    /// Tell how far it is, where no bar can be shown.
    #[arg(long)]
    pub(crate) progress: bool,
}
