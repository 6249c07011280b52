//! `kari explain`: one decision, three explanations.

use admin_api::wording::{Wording, language};
use anyhow::{Context, bail};
use domain::{decision::Decision, reasons::Condition, remedy::Remedy};
use serde::Serialize;

use crate::{
    cli::{Exit, ExplainArgs},
    config::Installation,
    database,
    remedies::Remedies,
    socket::{self, Question, Reply},
};

/// The record, and what would have opened it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_open: Option<&'a Remedy>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    commands_failed: &'a [String],
}

/// Explains a decision: beside a daemon through its socket, without one from the database.
pub(crate) async fn explain(args: &ExplainArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&args.site))?;
    let decision = match &args.decision {
        Some(text) => {
            Some(text.parse().with_context(|| format!("`{text}` is not the id of a decision"))?)
        }
        None => None,
    };
    let Some(language) = language::parse(&args.language) else {
        bail!("`{}` is not a language; languages are ka, hy, ru, en", args.language);
    };
    let asked = socket::ask_daemon(&installation.socket(), &Question::Explain { decision }).await?;
    let reply = match asked {
        Some(reply) => reply,
        None => {
            let reader = database::reader(&installation).await?;
            let remedies = Remedies::new(reader.clone(), installation.site.time_zone.clone());
            socket::explain(&reader, &remedies, decision).await
        }
    };
    match reply {
        Reply::Decision { decision, person, remedy, failed } => {
            if json {
                let commands_failed = failed.as_slice();
                let would_open = remedy.as_ref();
                let told = Told { decision: &decision, would_open, commands_failed };
                say!("{}", serde_json::to_string(&told)?);
            } else {
                let site = &installation.site;
                let wording = Wording::new(language, site.currency.clone(), site.time_zone.clone());
                let name = person.map(|person| person.name);
                print(&wording, &decision, name.as_deref(), (remedy.as_ref(), &failed));
            }
            Ok(Exit::Done)
        }
        Reply::Refused { why } => bail!(why),
        _ => bail!("the daemon answered something else"),
    }
}

fn print(
    wording: &Wording,
    decision: &Decision,
    name: Option<&str>,
    (remedy, failed): (Option<&Remedy>, &[String]),
) {
    say!("{}\n", wording.line(decision, name));
    say!("{}", wording.guest(decision));
    say!();
    for line in wording.desk(decision) {
        say!("- {line}");
    }
    if !failed.is_empty() {
        say!("\n{}", wording.word("command-heading"));
        for why in failed {
            say!("- {}: {why}", wording.condition(Condition::CommandFailed));
        }
    }
    if let Some(remedy) = remedy {
        say!("\n{}", wording.word("opens-heading"));
        for line in wording.would_open(decision, remedy) {
            say!("- {line}");
        }
    }
    say!("\n{}", wording.auditor(decision));
}
