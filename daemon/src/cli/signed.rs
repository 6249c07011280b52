//! Arguments of orders that somebody signs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What can be done about an emergency.
#[derive(Debug, Subcommand)]
pub(crate) enum EmergencyCommand {
    /// End it, after the fire system is at rest: two operators, the second by `kari confirm`.
    #[command(after_help = "Example:
  kari emergency reset my-pool --operator nino --terminal desk-1
  kari confirm my-pool desk-1 --operator levan --terminal till-1   within a minute")]
    Reset {
        /// The site's folder.
        #[arg(value_name = "DIR")]
        site: PathBuf,
        /// Who.
        #[command(flatten)]
        signature: Signature,
    },
}

/// Who acts where; the PIN is asked for, or is the first line of the input.
#[derive(Clone, Debug, Args)]
pub(crate) struct Signature {
    /// The operator's login.
    #[arg(long, value_name = "LOGIN")]
    pub(crate) operator: String,
    /// The terminal at which he acts, one of site.toml.
    #[arg(long, value_name = "ID")]
    pub(crate) terminal: String,
}

/// What `kari confirm` takes.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    /// The site's folder.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The terminal where it was ordered.
    #[arg(value_name = "TERMINAL")]
    pub(crate) ordered_at: String,
    /// The decision that is confirmed, by its id; without it what waits there is shown first.
    pub(crate) decision: Option<String>,
    /// Who.
    #[command(flatten)]
    pub(crate) signature: Signature,
}

/// What `kari override` takes.
#[derive(Debug, Args)]
pub(crate) struct OverrideArgs {
    /// The site's folder.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The decision that refused or held, by its id.
    pub(crate) decision: String,
    /// The code of a reason to lift; may be given several times.
    #[arg(long = "code", required = true, value_name = "CODE")]
    pub(crate) codes: Vec<String>,
    /// Why, one of the closed list; `other` needs `--text`.
    #[arg(long)]
    pub(crate) reason: String,
    /// Why, in words.
    #[arg(long, default_value = "")]
    pub(crate) text: String,
    /// What is waived of the debt.
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub(crate) waive: Option<String>,
    /// Who.
    #[command(flatten)]
    pub(crate) signature: Signature,
}
