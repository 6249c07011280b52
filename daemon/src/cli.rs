//! The command line. Data goes to stdout, messages to stderr; exit codes are those of [`Exit`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::replay::When;

pub(crate) mod bench;
mod books;
pub(crate) mod catalogue;
pub(crate) mod device;
mod import;
pub(crate) mod passes;
pub(crate) mod registry;
mod signed;
pub(crate) mod till;

pub(crate) use books::{ExportArgs, ExportAs, ReportArgs, ReportFormat};
pub(crate) use import::ImportArgs;
pub(crate) use signed::{ConfirmArgs, EmergencyCommand, OverrideArgs, Signature};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Ordered, and it waits for a second person.
    Waits,
    /// The configuration or the rule files are not valid.
    Invalid,
    /// The daemon cannot be reached.
    Unreachable,
    /// A check of `kari doctor` failed; each has a code of its own, from 10 up.
    Check(u8),
}

impl Exit {
    /// The exit code; 2 is a mistake on the command line.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed | Self::Waits => 1,
            Self::Invalid => 3,
            Self::Unreachable => 4,
            Self::Check(code) => code,
        }
    }
}

/// Kari decides every gate, locker and sale event of a site by rule files that can be changed while
/// it runs.
#[derive(Debug, Parser)]
#[command(name = "kari", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  kari init my-pool --demo                       a site with rules, people and gates
  kari run my-pool --simulate                    a day of people through its gates
  kari run my-pool                               wait for real devices
  kari check my-pool                             are configuration, data and rules right?
  kari params list my-pool                       what can be set, and what is set here
  kari explain my-pool 0199…                     why was this decided?
  kari replay my-pool --rules new-rules          what would other rules have decided?";

const PARAMS: &str = "Examples:
  kari params list my-pool
  kari params get my-pool debt.entry_block_amount
  kari params explain my-pool debt.entry_block_amount --device gate-1 --group staff";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon of a site.
    #[command(after_help = "Examples:
  kari run examples/swimming-pool --simulate             a simulated day at 300 times its pace
  kari run examples/swimming-pool --simulate --speed 0   as fast as it can
  kari run /etc/kari                                     a real site")]
    Run(RunArgs),
    /// Check configuration, data and rule files, and change nothing.
    #[command(after_help = "Example:
  kari check examples/swimming-pool")]
    Check(SiteArg),
    /// Make the folder of a new site.
    #[command(after_help = "Examples:
  kari init my-pool          configuration and the shipped rules
  kari init my-pool --demo   with people, tariffs and lockers to try
  kari init my-pool --demo --month
                             with a month of visits and sales to report on")]
    Init(InitArgs),
    /// Send a day of people through the gates of a daemon that runs.
    #[command(after_help = "Example, beside `kari run examples/swimming-pool`:
  kari simulate examples/swimming-pool --people 50")]
    Simulate(SimulateArgs),
    /// Say why something was decided: to the guest, to the desk, to the auditor.
    #[command(after_help = "Examples:
  kari explain examples/swimming-pool                    the latest decision
  kari explain examples/swimming-pool 0199a1b2-…         that decision
  kari explain examples/swimming-pool --language ka")]
    Explain(ExplainArgs),
    /// Decide again what is on record, with other rules, and tell what would have changed.
    ///
    /// Every record is asked for itself, with what was seen then. What would have come of it later
    /// is not played again: somebody refused by the new rules would not have been inside
    /// afterwards, and yet his later reads are asked as they were recorded. Who would have had to
    /// wait for an adult or a photo check counts as refused. Nothing is written.
    #[command(after_help = "Examples:
  kari replay my-pool --rules new-rules
  kari replay my-pool --rules new-rules --since 2026-07-01 --until 2026-08-01
  kari replay my-pool --rules new-rules --simulated     on the last day of `run --simulate`
  kari replay my-pool --rules new-rules --json          the same numbers for a program

The new rules are a folder like `my-pool/rules`: copy that one and change the copy.")]
    Replay(ReplayArgs),
    /// Look up parameters: what they do, what they are here, and why.
    #[command(subcommand, after_help = PARAMS)]
    Params(ParamsCommand),
    /// Look at the installation and name what is not in order.
    #[command(after_help = "Example:
  kari doctor examples/swimming-pool")]
    Doctor(SiteArg),
    /// Look for rows that somebody changed, added or took away.
    ///
    /// The journal's chain, the ledger with its balances, the seal of every other row, the sums of
    /// all tables, and the heads that are kept outside the database. Each row that is not what Kari
    /// wrote is named, and the command ends with code 1. `docs/verify.md` of the source says what
    /// can be found and what cannot.
    #[command(after_help = "Examples:
  kari verify examples/swimming-pool
  kari verify examples/swimming-pool --json")]
    Verify(SiteArg),
    /// Take in a table of members, of what they carry, have bought or have paid in: CSV or XLSX.
    ///
    /// All rows are checked first. Where one is bad nothing is imported, unless `--skip-bad` leaves
    /// the bad ones out. What has begun comes in whole, whatever ends it in the middle. The same
    /// file twice does nothing the second time. `docs/import.md` of the source tells the rest.
    #[command(after_help = "Examples:
  kari import my-pool people.xlsx --as members --preview 3            how it would be taken
  kari import my-pool people.xlsx --as members --write-mapping m.toml a mapping to begin with
  kari import my-pool people.xlsx --mapping m.toml --dry-run --errors bad.xlsx
  kari import my-pool people.xlsx --mapping m.toml --skip-bad --errors bad.xlsx
  kari import my-pool cards.csv --as credentials --existing skip")]
    Import(ImportArgs),
    /// What the ledger says, added up: takings, sales, tax, debts, wallets, passes.
    ///
    /// Each report is held against the ledger's accounts before it is printed. Without a name the
    /// reports are listed.
    #[command(after_help = "Examples:
  kari report my-pool
  kari report my-pool takings --from 2026-09-15 --until 2026-09-16    one day
  kari report my-pool vat --from 2026-09-01 --until 2026-10-01 --format xlsx --output vat.xlsx

A period begins with --from and ends before --until, by the site's clock.")]
    Report(ReportArgs),
    /// The journal of the ledger for hledger, Beancount, or as a table for another program.
    #[command(after_help = "Examples:
  kari export my-pool --as hledger --output pool.journal
  kari export my-pool --as beancount --from 2026-09-01 --until 2026-10-01
  kari export my-pool --as xlsx --mapping mapping.toml --output pool.xlsx")]
    Export(ExportArgs),
    /// Measure this machine: broker, commit, hostile rules, the loop, the way of an event.
    #[command(after_help = "Examples:
  kari bench                 the way from an event to its command, as a table
  kari bench --quick         shorter runs
  kari bench --json          for every goal its bound and what was measured
  kari bench money --server postgres://kari@localhost/postgres
                             sales and entries on SQLite and on that server, which gets a
                             database for the time of the run")]
    Bench(bench::BenchArgs),
    /// The bare echo that `kari bench` measures against.
    #[command(hide = true)]
    BenchPeer {
        /// The broker.
        broker: std::net::SocketAddr,
    },
    /// Lift the reasons of one refusal or hold, once, as an operator who may.
    #[command(after_help = "Example, with the PIN asked for:
  kari override my-pool 0199a1b2-… --code SITE_CLOSED --reason goodwill \\
      --operator nino --terminal desk-1

What the code needs a second person for waits 60 seconds for `kari confirm`.")]
    Override(OverrideArgs),
    /// Confirm, as a second person at another terminal, what somebody ordered within a minute.
    #[command(after_help = "Example:
  kari confirm my-pool desk-1 --operator levan --terminal till-1

What waits at desk-1 is shown first, and that alone is confirmed. Its decision may be named, too:
  kari confirm my-pool desk-1 0199a1b2-… --operator levan --terminal till-1")]
    Confirm(ConfirmArgs),
    /// Give gates and readers accounts at the MQTT server inside.
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Register people, change what is known of them, find them, ban them.
    #[command(subcommand)]
    Member(registry::MemberCommand),
    /// Give out bands, cards and tickets, take them back, report them lost, replace them.
    #[command(subcommand)]
    Credential(registry::CredentialCommand),
    /// Sell, take money in and back, open and close drawers, print receipts and reports.
    Till(till::TillArgs),
    /// Change what is sold: tariffs, goods, prices.
    #[command(subcommand)]
    Catalogue(catalogue::CatalogueCommand),
    /// Let sold passes rest, hand them on, cancel them.
    #[command(subcommand)]
    Pass(passes::PassCommand),
    /// Let people share a wallet.
    #[command(subcommand)]
    Family(registry::FamilyCommand),
    /// Grant and end exemptions.
    #[command(subcommand)]
    Exemption(registry::ExemptionCommand),
    /// What to do about an emergency.
    #[command(subcommand)]
    Emergency(EmergencyCommand),
    /// Print the completions of a shell.
    #[command(after_help = "Example:
  kari completions bash > /etc/bash_completion.d/kari")]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the version and what was built in.
    Version,
}

/// A site's folder.
#[derive(Clone, Debug, Args)]
pub(crate) struct SiteArg {
    /// The site's folder, which holds site.toml; else `KARI_SITE`, the current folder, /etc/kari.
    #[arg(value_name = "DIR", env = "KARI_SITE")]
    pub(crate) site: Option<PathBuf>,
}

/// What `kari run` takes.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The site.
    #[command(flatten)]
    pub(crate) site: SiteArg,
    /// Play a day of people on simulated gates; its database is made new and kept beside the real
    /// one.
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Simulated seconds for each real one; 0 is as fast as it can.
    #[arg(long, default_value_t = 300, requires = "simulate", value_name = "N")]
    pub(crate) speed: u32,
    /// What the simulated day depends on.
    #[arg(long, default_value_t = 1, requires = "simulate")]
    pub(crate) seed: u64,
    /// Print no decisions.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Begin with another key for PINs, as the site's `pin.key` is lost: no PIN stays right.
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) new_pin_key: bool,
    /// Begin anew with an empty database where the one of this site is gone; nothing that was on
    /// record is there then.
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) new_database: bool,
}

/// What `kari init` takes.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder to make.
    pub(crate) dir: PathBuf,
    /// With people, tariffs and lockers to try.
    #[arg(long)]
    pub(crate) demo: bool,
    /// The demo with a month of visits and sales behind it: for reports and the accounting export.
    #[arg(long, requires = "demo")]
    pub(crate) month: bool,
}

/// What `kari simulate` takes.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The site.
    #[command(flatten)]
    pub(crate) site: SiteArg,
    /// How many people come.
    #[arg(long, default_value_t = 20)]
    pub(crate) people: u32,
    /// Milliseconds between two of them.
    #[arg(long, default_value_t = 500)]
    pub(crate) pause_ms: u64,
    /// What the order of people depends on.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What `kari explain` takes.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The decision; the latest one where none is named.
    pub(crate) decision: Option<String>,
    /// The language: ka, hy, ru or en.
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
}

/// What `kari replay` takes.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The site.
    #[command(flatten)]
    pub(crate) site: SiteArg,
    /// The folder of the other rule files.
    #[arg(long, value_name = "OTHER")]
    pub(crate) rules: PathBuf,
    /// Only decisions from this time on: a date, or a date and time, of the site's clock, or with
    /// an offset such as 2026-07-01T08:00+04:00.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) since: Option<When>,
    /// Only decisions before this time.
    #[arg(long, value_name = "T", value_parser = When::parse)]
    pub(crate) until: Option<When>,
    /// The decisions of the last simulated day, not the real ones.
    #[arg(long)]
    pub(crate) simulated: bool,
}

/// What can be asked about parameters.
#[derive(Debug, Subcommand)]
pub(crate) enum ParamsCommand {
    /// List all parameters, with the value for the whole site and where it is set.
    #[command(after_help = "Examples:
  kari params list my-pool
  kari params list my-pool --group debt
  kari params list my-pool --group D
  kari params list my-pool --json")]
    List {
        /// The site.
        #[command(flatten)]
        site: SiteArg,
        /// Only these: a letter from A to J, or the first part of their names.
        #[arg(long)]
        group: Option<String>,
    },
    /// Tell what a parameter does, which values it takes, and where this site sets it.
    #[command(after_help = "Example:
  kari params get my-pool anti_passback.mode")]
    Get {
        /// The site's folder, which holds site.toml.
        #[arg(value_name = "DIR")]
        site: PathBuf,
        /// The parameter's name.
        name: String,
    },
    /// Say which value is in force at a place, and how it came about.
    #[command(after_help = "Examples:
  kari params explain my-pool anti_passback.mode                      for the whole site
  kari params explain my-pool anti_passback.mode --device gate-1      an entry through that gate
  kari params explain my-pool debt.entry_block_amount --group staff")]
    Explain(PlaceArgs),
    /// Set a value in the database, above what the rule files say; without a value, take it away.
    ///
    /// The daemon runs, the operator has the right `set_parameter`, and every check of a reload is
    /// passed with the new value; else nothing changes. It counts from the next event on.
    #[command(after_help = "Examples, with the PIN asked for:
  kari params set my-pool debt.entry_block_amount 5.00 --operator nino --terminal desk-1
  kari params set my-pool zone.max_occupancy 12 --zone sauna --operator nino --terminal desk-1
  kari params set my-pool zone.max_occupancy --zone sauna --operator nino --terminal desk-1")]
    Set(SetArgs),
}

/// What `kari params set` takes.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The parameter's name.
    pub(crate) name: String,
    /// The value, as a rule file writes it; without one, what the database says is taken away.
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// For a zone.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) zone: Option<String>,
    /// For a gate, or a bank of lockers.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) device: Option<String>,
    /// For a till, a desk or a kiosk.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) at_terminal: Option<String>,
    /// For a tariff.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) tariff: Option<String>,
    /// For a group of members.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) group: Option<String>,
    /// For a member, by id.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) member: Option<String>,
    /// For a role of operators.
    #[arg(long, value_name = "ID", group = "scope")]
    pub(crate) role: Option<String>,
    /// Who sets it.
    #[command(flatten)]
    pub(crate) signature: Signature,
}

/// What `kari params explain` takes: a parameter, and where and for whom it is asked.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The site's folder, which holds site.toml.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// The parameter's name.
    pub(crate) name: String,
    /// The zone that is entered; with a gate alone, the one that its entry leads to.
    #[arg(long, value_name = "ID")]
    pub(crate) zone: Option<String>,
    /// The gate, or the bank of lockers.
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<String>,
    /// The till, the desk or the kiosk.
    #[arg(long, value_name = "ID")]
    pub(crate) terminal: Option<String>,
    /// The tariff of the pass.
    #[arg(long, value_name = "ID")]
    pub(crate) tariff: Option<String>,
    /// A group of the member; may be given several times.
    #[arg(long = "group", value_name = "ID")]
    pub(crate) groups: Vec<String>,
    /// The member, by id.
    #[arg(long, value_name = "ID")]
    pub(crate) member: Option<String>,
    /// A role of the operator; may be given several times.
    #[arg(long = "role", value_name = "ID")]
    pub(crate) roles: Vec<String>,
}

/// Reads yes or no, as a flag may say it.
pub(crate) fn yes_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(format!("`{text}` is neither `yes` nor `no`")),
    }
}
