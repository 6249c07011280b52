//! What an operator does from the command line: he names himself and his terminal, proves it by his
//! PIN, and the running daemon decides as it does at any desk.

use std::io::{BufRead, IsTerminal};

use admin_api::wording::{Wording, language::Language};
use anyhow::{Context, bail};
use domain::{
    decision::Decision,
    order::{Act, What},
    reasons::Reason,
};

use crate::{
    cli::{ConfirmArgs, EmergencyCommand, Exit, OverrideArgs, Signature},
    commands::till,
    config::Installation,
    socket::{self, Question, Reply},
};

/// Ends an emergency: the first of two.
pub(crate) async fn emergency(what: &EmergencyCommand, json: bool) -> anyhow::Result<Exit> {
    let EmergencyCommand::Reset { site, signature } = what;
    let installation = Installation::open(Some(site))?;
    let act = Act { action: "emergency_reset".to_owned(), ..Act::default() };
    order(&installation, signature, What::Act(act), json).await
}

/// Confirms what somebody else ordered at another terminal.
pub(crate) async fn confirm(args: &ConfirmArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&args.site))?;
    let decision = match &args.decision {
        Some(text) => text.parse().with_context(|| format!("`{text}` is not an id"))?,
        None => match waits(&installation, &args.ordered_at).await? {
            Some(Reply::Decision { decision, .. }) => {
                told_first(&installation, &decision);
                decision.id
            }
            reply => return answered(&installation, reply, json),
        },
    };
    let Signature { operator, terminal } = args.signature.clone();
    let (ordered_at, pin) = (args.ordered_at.clone(), pin(&args.signature)?);
    let decision = Some(decision);
    let question = Question::Confirm { ordered_at, decision, terminal, operator, pin };
    match socket::ask_daemon(&installation.socket(), &question).await? {
        // What was confirmed may be a sale, whose receipt is printed.
        Some(Reply::Decision { decision, .. }) if !json => {
            till::became_of(installation, &decision).await
        }
        reply => answered(&installation, reply, json),
    }
}

/// What waits at a terminal for a second person.
async fn waits(installation: &Installation, ordered_at: &str) -> anyhow::Result<Option<Reply>> {
    let question = Question::Waits { ordered_at: ordered_at.to_owned() };
    socket::ask_daemon(&installation.socket(), &question).await
}

/// What is about to be confirmed, before the PIN is asked for.
fn told_first(installation: &Installation, decision: &Decision) {
    let site = &installation.site;
    let (currency, time_zone) = (site.currency.clone(), site.time_zone.clone());
    let wording = Wording::new(Language::En, currency, time_zone);
    tell!("confirms decision {}: {}", decision.id, wording.line(decision, None));
}

/// Lifts reasons of a refusal, once.
pub(crate) async fn lift(args: &OverrideArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&args.site))?;
    let decision = args.decision.parse();
    let decision = decision.with_context(|| format!("`{}` is not an id", args.decision))?;
    let code = |code: &String| {
        Reason::of(code).with_context(|| {
            format!("`{code}` is not the code of a reason; `kari explain` names those of a refusal")
        })
    };
    let codes = args.codes.iter().map(code).collect::<Result<Vec<_>, _>>()?;
    let reason = serde_json::from_value(args.reason.as_str().into());
    let reason = reason.with_context(|| {
        format!(
            "`{}` is not a reason of an override; reasons are passage_failed, \
             payment_confirmed_elsewhere, document_shown, staff_error, device_fault, \
             child_welfare, reduced_mobility, police_or_ambulance, goodwill, test, other",
            args.reason
        )
    })?;
    let waived = match &args.waive {
        Some(text) => installation.site.currency.parse(text).with_context(|| {
            format!("`{text}` is not an amount in {}", installation.site.currency.code)
        })?,
        None => domain::money::Money::ZERO,
    };
    let Signature { operator, terminal } = args.signature.clone();
    let (text, pin) = (args.text.clone(), pin(&args.signature)?);
    let question =
        Question::Override { terminal, operator, pin, decision, codes, reason, text, waived };
    let done = send(&installation, &question, json).await?;
    if done == Exit::Done && !json {
        return still_refused(&installation).await;
    }
    Ok(done)
}

/// Whether the gate opened for it; else something that was not lifted refuses still.
async fn still_refused(installation: &Installation) -> anyhow::Result<Exit> {
    let question = Question::Explain { decision: None };
    let latest = socket::ask_daemon(&installation.socket(), &question).await?;
    match latest {
        Some(Reply::Decision { decision, .. }) if decision.kind.direction().is_some() => {
            told(installation, &decision);
            Ok(Exit::Done)
        }
        _ => {
            tell!(
                "kari: it is lifted for 60 seconds, and the gate stays shut: another reason \
                 refuses still; `kari explain DIR ID` of the refusal lists them all"
            );
            Ok(Exit::Failed)
        }
    }
}

/// Hands an order to the daemon.
pub(crate) async fn order(
    installation: &Installation,
    signature: &Signature,
    what: What,
    json: bool,
) -> anyhow::Result<Exit> {
    let Signature { operator, terminal } = signature.clone();
    let question = Question::Order { terminal, operator, pin: pin(signature)?, what };
    send(installation, &question, json).await
}

/// The PIN: asked for at a terminal, else the first line of the input.
pub(crate) fn pin(signature: &Signature) -> anyhow::Result<String> {
    let input = std::io::stdin();
    let text = if input.is_terminal() {
        rpassword::prompt_password(format!("PIN of {}: ", signature.operator))?
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line)?;
        line
    };
    let text = text.trim();
    if text.is_empty() {
        bail!(
            "give the PIN of `{}` at the prompt, or as the first line of the input",
            signature.operator
        );
    }
    Ok(text.to_owned())
}

async fn send(
    installation: &Installation,
    question: &Question,
    json: bool,
) -> anyhow::Result<Exit> {
    let reply = socket::ask_daemon(&installation.socket(), question).await?;
    answered(installation, reply, json)
}

fn answered(installation: &Installation, reply: Option<Reply>, json: bool) -> anyhow::Result<Exit> {
    match reply {
        Some(Reply::Decision { decision, .. }) => {
            if json {
                say!("{}", serde_json::to_string(&decision)?);
            } else {
                told(installation, &decision);
            }
            Ok(if decision.verdict.outcome.opens() { Exit::Done } else { Exit::Failed })
        }
        Some(Reply::Refused { why }) => bail!(why),
        Some(_) => bail!("the daemon answered something else"),
        None => Ok(no_daemon(installation)),
    }
}

/// Nobody is there who could decide.
pub(crate) fn no_daemon(installation: &Installation) -> Exit {
    let socket = installation.socket();
    tell!("kari: no daemon runs at `{}`; start it first", socket.display());
    Exit::Unreachable
}

/// The decision in words; where nothing but a second person is lacking, what he does.
pub(crate) fn told(installation: &Installation, decision: &Decision) {
    let site = &installation.site;
    let (currency, time_zone) = (site.currency.clone(), site.time_zone.clone());
    told_in(&Wording::new(Language::En, currency, time_zone), decision);
}

/// The same in the words of a language.
pub(crate) fn told_in(wording: &Wording, decision: &Decision) {
    say!("{}", wording.line(decision, None));
    if decision.waits_for_second() {
        say!(
            "it waits 60 seconds for a second person, at another terminal: \
             `kari confirm DIR {} {}`, or band and PIN at the reader of a gate that this desk \
             watches",
            decision.device,
            decision.id
        );
    }
}
