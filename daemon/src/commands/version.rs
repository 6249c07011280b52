//! `kari version` and `kari completions`.

use clap::CommandFactory;

use crate::cli::{Cli, Exit};

/// Prints the version and what was built in.
pub(crate) fn version(json: bool) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    let tzdata = jiff::tz::db().available().count();
    if json {
        let parts = serde_json::json!({
            "version": version,
            "facts": domain::facts::FACTS_VERSION,
            "parameters": domain::params::CATALOGUE.len(),
            "time_zones": tzdata,
        });
        say!("{}", serde_json::to_string(&parts)?);
    } else {
        say!("kari {version}");
        say!("facts version {}", domain::facts::FACTS_VERSION);
        say!("{} parameters, {tzdata} time zones", domain::params::CATALOGUE.len());
    }
    Ok(Exit::Done)
}

/// Prints the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kari", &mut text);
    say!("{}", String::from_utf8_lossy(&text).trim_end());
    Exit::Done
}
