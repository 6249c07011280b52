//! `kari bench`.

use clap::{Args, ValueEnum};

/// What `kari bench` takes.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// What is measured.
    #[arg(value_enum, default_value_t = Measures::Gates)]
    pub(crate) what: Measures,
    /// Shorter runs, for a first look.
    #[arg(long)]
    pub(crate) quick: bool,
    /// How many people the measured site has.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub(crate) people: u32,
    /// The PostgreSQL where `money` makes a database of its own.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// What `kari bench` measures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Measures {
    /// The way from an event at a gate to its command, memory and start.
    Gates,
    /// Durable sales and entries through the loop, against commits without it and pgbench.
    Money,
}
