//! `kari`: the daemon of a site, and the commands beside it.

#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they panic on a closed pipe: `say!`")]

#[macro_use]
mod say;

mod bench;
mod cli;
mod clock;
mod commands;
mod config;
mod data;
mod database;
mod driven;
mod finding;
mod import;
mod intake;
mod names;
mod orders;
mod output;
mod outward;
mod pins;
mod plain_pins;
mod print;
mod random;
mod registry;
mod release;
mod reload;
mod remedies;
mod retention;
mod retries;
mod running;
mod sheet;
mod simulation;
mod site_loop;
mod socket;
mod spill;
mod spool;
mod stall;
mod storing;
mod till;
mod undone;
mod unseen;
mod values;
mod waiting;

use std::{
    io::{ErrorKind, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use rustix::fs::Mode;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Exit};

/// It gives memory back once a flood is over, which the system's own keeps in pieces.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long the end of a command waits for work and for output that is left.
const REST: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // Databases, sockets, exports and drafts hold people's data: whatever a command makes is for
    // its owner alone, from its first byte.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(print_usage(&error)),
    };
    log(cli.json);
    let is_daemon = matches!(cli.command, Command::Run(_));
    let ended = runtime().and_then(|runtime| {
        let ended = runtime.block_on(command(cli));
        // Whatever a rule set that is being tried still costs is not waited for.
        runtime.shutdown_timeout(REST);
        ended
    });
    let exit = match ended {
        Ok(exit) => exit,
        Err(error) => {
            // The chain of causes is printed once, here at the edge.
            tell!("kari: {error:#}");
            exit_of(&error)
        }
    };
    // A daemon goes on whatever becomes of its output; a command has failed.
    let exit = if !is_daemon && say::has_failed() { Exit::Failed } else { exit };
    spool::flush(REST);
    ExitCode::from(exit.code())
}

/// Prints the help that was asked for, the version, or what is wrong with the command line; returns
/// the exit code.
fn print_usage(error: &clap::Error) -> u8 {
    let printed = error.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(failed) if !error.use_stderr() && failed.kind() != ErrorKind::BrokenPipe => {
            tell!("kari: cannot write standard output: {failed}");
            Exit::Failed.code()
        }
        _ => u8::try_from(error.exit_code()).unwrap_or(u8::MAX),
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    let invalid = error.is::<config::ConfigError>() || error.is::<data::BadRow>();
    if invalid { Exit::Invalid } else { Exit::Failed }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Messages go to stderr; `RUST_LOG` changes how many.
fn log(json: bool) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,kari=info,devices=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| spool::Log);
    // It would be told on the same closed pipe.
    let builder = builder.log_internal_errors(false);
    if json {
        builder.json().init();
    } else {
        let colour = std::env::var_os("NO_COLOR").is_none()
            && std::io::IsTerminal::is_terminal(&std::io::stderr());
        builder.with_target(false).with_ansi(colour).init();
    }
}

/// What a command does: each is a future of its own, as one of all would take minutes to compile.
async fn command(cli: Cli) -> anyhow::Result<Exit> {
    let json = cli.json;
    match cli.command {
        Command::Run(args) => Box::pin(commands::run::run(args, json)).await,
        Command::Check(site) => Box::pin(commands::check::check(&site, json)).await,
        Command::Init(args) => Box::pin(commands::init::init(&args, json)).await,
        Command::Simulate(args) => Box::pin(commands::simulate::simulate(args, json)).await,
        Command::Explain(args) => Box::pin(commands::explain::explain(&args, json)).await,
        Command::Replay(args) => Box::pin(commands::replay::replay(&args, json)).await,
        Command::Params(what) => Box::pin(commands::params::params(what, json)).await,
        Command::Doctor(site) => Box::pin(commands::doctor::doctor(&site, json)).await,
        Command::Verify(site) => Box::pin(commands::verify::verify(&site, json)).await,
        Command::Import(args) => Box::pin(commands::import::import(&args, json)).await,
        Command::Report(args) => Box::pin(commands::report::report(&args, json)).await,
        Command::Export(args) => Box::pin(commands::export::export(&args)).await,
        Command::Bench(args) => Box::pin(bench::bench(args, json)).await,
        Command::BenchPeer { broker } => Box::pin(bench::peer(broker)).await,
        Command::Device(what) => Box::pin(commands::device::device(what, json)).await,
        Command::Member(what) => Box::pin(commands::registry::member(what, json)).await,
        Command::Credential(what) => Box::pin(commands::registry::credential(what, json)).await,
        Command::Till(args) => Box::pin(commands::till::till(args, json)).await,
        Command::Catalogue(what) => Box::pin(commands::catalogue::catalogue(what, json)).await,
        Command::Pass(what) => Box::pin(commands::registry::pass(what, json)).await,
        Command::Family(what) => Box::pin(commands::registry::family(what, json)).await,
        Command::Exemption(what) => Box::pin(commands::registry::exemption(what, json)).await,
        Command::Emergency(what) => Box::pin(commands::signed::emergency(&what, json)).await,
        Command::Confirm(args) => Box::pin(commands::signed::confirm(&args, json)).await,
        Command::Override(args) => Box::pin(commands::signed::lift(&args, json)).await,
        Command::Completions { shell } => Ok(commands::version::completions(shell)),
        Command::Version => commands::version::version(json),
    }
}
