//! `kari member`, `kari credential`, `kari pass`, `kari family`, `kari exemption`: what the desk
//! does about people and what they carry. An operator signs each change; the running daemon
//! decides.

use anyhow::bail;
use clap::Args;
use domain::rows::FileName;
use serde::Serialize;

use crate::{
    cli::{
        Exit, Signature,
        passes::PassCommand,
        registry::{
            Change, CredentialCommand, ExemptionCommand, FamilyCommand, MemberCommand, Ordered,
        },
    },
    commands::signed,
    config::Installation,
    registry::{
        files,
        show::{Done, ExemptionLine, HeldLine, Line, PassLine, Shown},
    },
    socket::{self, Question, Reply},
};

/// `kari member`.
pub(crate) async fn member(what: MemberCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        MemberCommand::Add(order) => send(order, Change::Add, json).await,
        MemberCommand::Set(order) => send(order, Change::Set, json).await,
        MemberCommand::Ban(order) => send(order, Change::Ban, json).await,
        MemberCommand::Unban(order) => send(order, Change::Unban, json).await,
        MemberCommand::Guardian(order) => send(order, Change::Guardian, json).await,
        MemberCommand::Pickup(order) => send(order, Change::Pickup, json).await,
        MemberCommand::Document(mut order) => {
            let state = Installation::open(Some(&order.site))?.state;
            let file = order.asked.file.take();
            let kept = file.map(|file| files::keep_copy(&state, &file)).transpose()?;
            order.asked.kept = kept.as_ref().map(|(name, _)| name.clone());
            send_with(order, Change::Document, kept, json).await
        }
        MemberCommand::Photo(mut order) => {
            let state = Installation::open(Some(&order.site))?.state;
            let file = order.asked.file.take();
            let kept = file.map(|file| files::keep_photo(&state, &file)).transpose()?;
            order.asked.kept = kept.as_ref().map(|(name, _)| name.clone());
            send_with(order, Change::Photo, kept, json).await
        }
        MemberCommand::Show(look) => {
            let installation = Installation::open(Some(&look.site))?;
            ask(&installation, Question::Member { number: look.asked.member }, json).await
        }
        MemberCommand::Find(look) => {
            let installation = Installation::open(Some(&look.site))?;
            ask(&installation, Question::Find { text: look.asked.text }, json).await
        }
    }
}

/// `kari credential`.
pub(crate) async fn credential(what: CredentialCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        CredentialCommand::Issue(order) => send(order, Change::Issue, json).await,
        CredentialCommand::Return(order) => send(order, Change::Return, json).await,
        CredentialCommand::Lost(order) => send(order, Change::Lost, json).await,
        CredentialCommand::Stolen(order) => send(order, Change::Stolen, json).await,
        CredentialCommand::Block(order) => send(order, Change::Block, json).await,
        CredentialCommand::Unblock(order) => send(order, Change::Unblock, json).await,
        CredentialCommand::Replace(order) => send(order, Change::Replace, json).await,
        CredentialCommand::History(look) => {
            let installation = Installation::open(Some(&look.site))?;
            ask(&installation, Question::History { uid: look.asked.uid }, json).await
        }
    }
}

/// `kari pass`.
pub(crate) async fn pass(what: PassCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        PassCommand::Freeze(order) => send(order, Change::Freeze, json).await,
        PassCommand::Unfreeze(order) => send(order, Change::Unfreeze, json).await,
        PassCommand::GiveBack(order) => send(order, Change::GiveBack, json).await,
        PassCommand::Transfer(order) => send(order, Change::Transfer, json).await,
        PassCommand::Cancel(order) => send(order, Change::Cancel, json).await,
        PassCommand::List(look) => {
            let installation = Installation::open(Some(&look.site))?;
            let question = Question::Member { number: look.asked.member };
            match socket::ask_daemon(&installation.socket(), &question).await? {
                Some(Reply::Member { shown }) => {
                    told(json, &shown.passes, |passes| passes_in_words(passes))
                }
                other => answered(&installation, other, json),
            }
        }
    }
}

/// `kari family`.
pub(crate) async fn family(what: FamilyCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        FamilyCommand::Join(order) => send(order, Change::Join, json).await,
        FamilyCommand::Leave(order) => send(order, Change::Leave, json).await,
    }
}

/// `kari exemption`.
pub(crate) async fn exemption(what: ExemptionCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        ExemptionCommand::Grant(order) => send(order, Change::Grant, json).await,
        ExemptionCommand::End(order) => send(order, Change::EndExemption, json).await,
        ExemptionCommand::List(look) => {
            let installation = Installation::open(Some(&look.site))?;
            ask(&installation, Question::Exemptions, json).await
        }
    }
}

pub(crate) async fn send<T: Args>(
    order: Ordered<T>,
    change: impl FnOnce(T) -> Change,
    json: bool,
) -> anyhow::Result<Exit> {
    send_with(order, change, None, json).await
}

/// Sends a change. A file that was kept for it goes with it, where it came to nothing.
async fn send_with<T: Args>(
    order: Ordered<T>,
    change: impl FnOnce(T) -> Change,
    kept: Option<(FileName, bool)>,
    json: bool,
) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&order.site))?;
    let pin = signed::pin(&order.signature)?;
    let Signature { operator, terminal } = order.signature;
    let (key, what) = (order.key, Box::new(change(order.asked)));
    let question = Question::Change { terminal, operator, pin, key, what };
    let reply = socket::ask_daemon(&installation.socket(), &question).await?;
    let needed =
        |done: &Done| done.decision.verdict.outcome.opens() || done.decision.waits_for_second();
    let useful = matches!(&reply, Some(Reply::Changed { done }) if needed(done));
    if let Some((name, true)) = kept.filter(|_| !useful) {
        files::drop_kept(&installation.state, &name);
    }
    answered(&installation, reply, json)
}

async fn ask(installation: &Installation, question: Question, json: bool) -> anyhow::Result<Exit> {
    let reply = socket::ask_daemon(&installation.socket(), &question).await?;
    answered(installation, reply, json)
}

fn answered(installation: &Installation, reply: Option<Reply>, json: bool) -> anyhow::Result<Exit> {
    match reply {
        Some(Reply::Changed { done }) => changed(installation, &done, json),
        Some(Reply::Member { shown }) => told(json, &*shown, member_in_words),
        Some(Reply::Found { members }) => told(json, &members, |members| found_in_words(members)),
        Some(Reply::History { lines }) => {
            let zone = installation.site.time_zone.clone();
            told(json, &lines, |lines| history_in_words(lines, &zone))
        }
        Some(Reply::Exemptions { list }) => told(json, &list, exemptions_in_words),
        Some(Reply::Refused { why }) => bail!(why),
        Some(_) => bail!("the daemon answered something else"),
        None => Ok(signed::no_daemon(installation)),
    }
}

fn told<T: Serialize>(json: bool, what: &T, words: impl Fn(&T)) -> anyhow::Result<Exit> {
    if json {
        say!("{}", serde_json::to_string(what)?);
    } else {
        words(what);
    }
    Ok(Exit::Done)
}

/// What became of a change: the decision, and whom or what it was about.
fn changed(installation: &Installation, done: &Done, json: bool) -> anyhow::Result<Exit> {
    let opens = done.decision.verdict.outcome.opens();
    if json {
        say!("{}", serde_json::to_string(done)?);
    } else {
        signed::told(installation, &done.decision);
        if let Some(line) = done.member.as_ref().filter(|_| opens) {
            say!("{}", in_one_line(line));
        }
        if let Some(uid) = done.uid.as_ref().filter(|_| opens) {
            say!("credential {uid}");
        }
        if let Some(kept) = &done.deposit_kept {
            say!("its deposit of {kept} is kept");
        }
    }
    Ok(match () {
        () if opens => Exit::Done,
        () if done.decision.waits_for_second() => Exit::Waits,
        () => Exit::Failed,
    })
}

fn in_one_line(line: &Line) -> String {
    let Line { number, name, name_latin } = line;
    match name == name_latin {
        true => format!("member {number}: {name}"),
        false => format!("member {number}: {name} · {name_latin}"),
    }
}

fn found_in_words(members: &[Line]) {
    if members.is_empty() {
        tell!("kari: nobody is found by that");
    }
    members.iter().for_each(|line| say!("{}", in_one_line(line)));
}

fn passes_in_words(passes: &[PassLine]) {
    if passes.is_empty() {
        tell!("kari: this member has no pass");
    }
    passes.iter().for_each(|pass| say!("{} {}", pass.id, pass_in_words(pass)));
}

fn pass_in_words(pass: &PassLine) -> String {
    let until = pass.until.map_or_else(|| "no end".to_owned(), |day| format!("to {day}"));
    let left = pass.visits_left.map(|left| format!(", {left} visits left")).unwrap_or_default();
    format!("{} {}, from {} {until}{left}", pass.tariff, pass.state, pass.from)
}

fn member_in_words(shown: &Shown) {
    say!("{}", in_one_line(&shown.line));
    let line = |what: &str, text: String| {
        if !text.is_empty() {
            say!("  {what:<12}{text}");
        }
    };
    let day = |date: Option<jiff::civil::Date>| date.map_or(String::new(), |day| day.to_string());
    let people = |list: &[Line]| list.iter().map(in_one_line).collect::<Vec<_>>().join("; ");
    line("born", day(shown.birth));
    line("language", shown.language.tag().to_owned());
    line("phones", shown.phones.join(", "));
    line("e-mail", shown.email.clone());
    line("groups", shown.groups.join(", "));
    line("photo", shown.photo.clone().unwrap_or_default());
    let flags = [("reduced mobility", shown.reduced_mobility), ("medical", shown.medical)];
    let set = flags.into_iter().filter_map(|(flag, set)| set.then_some(flag));
    line("flags", set.collect::<Vec<_>>().join(", "));
    line("certificate", day(shown.certificate_until));
    line("blocked", if shown.blocked { "yes".to_owned() } else { String::new() });
    if let Some((from, until, reason, by)) = &shown.ban {
        line("banned", format!("{from} to {}, by {by}: {reason}", day(*until)));
    }
    line("guardians", people(&shown.guardians));
    for (place, one) in (1..).zip(&shown.pickups) {
        let about = [one.relation.as_str(), &one.phone].join(" ");
        line(&format!("pickup {place}"), format!("{} {} {}", one.name, about, day(one.until)));
    }
    line("family", shown.family.as_deref().map(people).unwrap_or_default());
    for (uid, kind, state) in &shown.carries {
        line(kind, format!("{uid} {state}"));
    }
    for pass in &shown.passes {
        line("pass", pass_in_words(pass));
    }
    for (place, one) in (1..).zip(&shown.documents) {
        let (kind, number) = (one.kind.name(), &one.number);
        let dates = format!("{} to {}", day(one.from), day(one.until));
        let file = one.file.as_ref().map(FileName::as_str).unwrap_or_default();
        line(&format!("document {place}"), format!("{kind} {number} {dates} {file}"));
    }
    line("notes", shown.notes.clone());
}

fn history_in_words(lines: &Vec<HeldLine>, zone: &jiff::tz::TimeZone) {
    if lines.is_empty() {
        tell!("kari: nothing happened to it since it was imported, or nobody knows it");
    }
    for held in lines {
        let at = held.at.to_calendar().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
        let holder = held.holder.as_ref().map_or_else(|| "forgotten".to_owned(), in_one_line);
        let by = held.operator.as_ref().map_or_else(String::new, |by| format!(", by {by}"));
        let why = held.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        say!("{at}  {:<10} {holder}{by}{why}", held.event);
    }
}

fn exemptions_in_words(list: &Vec<ExemptionLine>) {
    for line in list {
        let ExemptionLine { id, member, exemption } = line;
        let who = match (member, &exemption.who) {
            (Some(member), _) => in_one_line(member),
            (None, domain::rows::Exempted::Group(group)) => format!("group {group}"),
            (None, domain::rows::Exempted::Member(member)) => member.to_string(),
        };
        let codes: Vec<&str> = exemption.codes.iter().map(|code| code.code()).collect();
        let (from, until, by) = (exemption.from, exemption.until, &exemption.granted_by);
        say!("{id}  {who}  {}  {from} to {until}, by {by}: {}", codes.join(", "), exemption.reason);
    }
}
