//! What can be asked about what is sold.

use clap::{Args, Subcommand, ValueEnum};

use super::registry::{Looked, Nothing, Ordered};

/// What can be done about what is sold.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogueCommand {
    /// Tell what `data/tariffs.toml` and `data/goods.toml` would change, who gains and who loses.
    #[command(after_help = "Example, after editing the files:
  kari catalogue compare my-pool --applies both")]
    Compare(Looked<Change>),
    /// Carry that out, whole or not at all.
    #[command(after_help = "Example:
  kari catalogue apply my-pool --applies new --operator levan --terminal desk-1

A sold pass keeps the terms that it was sold under, unless `--applies` is sold or both. What the
files no longer name stays as it is; `withdrawn = true` takes it from sale. After `--applies sold`
the terms that are for sale are put back into `data/tariffs.toml`.")]
    Apply(Ordered<Change>),
    /// Put the terms that are for sale back into `data/tariffs.toml`, and leave all else as it is.
    #[command(
        after_help = "Example, after new terms for what was sold were confirmed by somebody else:
  kari catalogue restore my-pool"
    )]
    Restore(Looked<Nothing>),
}

/// Whom new terms are for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Change {
    /// Whom the new terms of a tariff are for: those who buy from now on, those who have bought, or
    /// both.
    #[arg(long, value_enum, default_value = "new")]
    pub(crate) applies: Whom,
}

/// Whom new terms are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// Who buys from now on.
    New,
    /// Who has bought.
    Sold,
    /// Both.
    Both,
}
