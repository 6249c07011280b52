//! `kari device`: accounts of devices and readers at the MQTT server inside, and what devices say
//! that nobody understands.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, bail};
use devices::accounts::{self, Account, Accounts, SALT_BYTES, SECRET_BYTES, Secret};
use domain::{
    ids::DeviceId,
    state::Noted,
    time::{Clock as _, Span},
};
use rustix::fs::{FlockOperation, flock};
use store::reader::Reader;

use crate::{
    cli::{
        Exit, SiteArg,
        device::{AddArgs, DeviceCommand, MessagesArgs, NamedArgs, RenewArgs},
    },
    clock::RealClock,
    config::Installation,
    output, random,
};

/// The folder of what installers are given.
pub(crate) const SECRETS: &str = "secrets";

/// Does what is asked about devices.
pub(crate) async fn device(what: DeviceCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        DeviceCommand::Add(args) => add(args, json),
        DeviceCommand::List(site) => list(&site, json),
        DeviceCommand::Remove(args) => remove(&args, json),
        DeviceCommand::Renew(args) => renew(&args, json),
        DeviceCommand::Messages(args) => messages(args, json).await,
    }
}

fn add(args: AddArgs, json: bool) -> anyhow::Result<Exit> {
    let AddArgs { account: NamedArgs { site, id }, may_read, may_publish, print } = args;
    let installation = Installation::read(site.as_deref())?;
    let reads_others = !may_read.is_empty() || !may_publish.is_empty();
    if !reads_others && !named(&installation).any(|known| known == id) {
        let known: Vec<_> = named(&installation).collect();
        bail!(
            "no gate or terminal of site.toml is called `{id}`; known are {}; an account that \
             reads topics of others needs `--may-read FILTER`",
            known.join(", ")
        );
    }
    let secret = secret()?;
    let file = change(&installation, |accounts| {
        accounts.add(&id, &secret, (may_read, may_publish)).map_err(anyhow::Error::msg)?;
        (!print).then(|| hand_over(&installation, &id, &secret)).transpose()
    })?;
    show(&installation, (&id, &secret), file, json);
    Ok(Exit::Done)
}

fn renew(args: &RenewArgs, json: bool) -> anyhow::Result<Exit> {
    let RenewArgs { account: NamedArgs { site, id }, grace_hours, print } = args;
    let installation = Installation::read(site.as_deref())?;
    let secret = secret()?;
    let until = RealClock.now().plus(Span::seconds(i64::from(*grace_hours) * 3600));
    let file = change(&installation, |accounts| {
        accounts.renew(id, &secret, until).map_err(anyhow::Error::msg)?;
        (!print).then(|| hand_over(&installation, id, &secret)).transpose()
    })?;
    if *grace_hours > 0 {
        tell!("kari: the old secret counts until {until}");
    }
    show(&installation, (id, &secret), file, json);
    Ok(Exit::Done)
}

fn remove(args: &NamedArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::read(args.site.as_deref())?;
    let left = change(&installation, |accounts| {
        accounts.remove(&args.id).map_err(anyhow::Error::msg)?;
        Ok(accounts.iter().count())
    })?;
    if left == 0 {
        tell!("kari: it was the last account; from now on every local program may come in");
    }
    if json {
        say!("{}", serde_json::json!({ "removed": args.id, "left": left }));
    } else {
        say!("`{}` has no account any more", args.id);
    }
    Ok(Exit::Done)
}

fn list(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::read(site.site.as_deref())?;
    let accounts = installation.links.accounts.current();
    let without: Vec<_> = without_account(&installation, &accounts).collect();
    if json {
        let rows = accounts.iter().map(|(name, account)| {
            let ends = account.ends().map(|until| until.map(|until| until.to_string()));
            serde_json::json!({
                "name": name,
                "is_device": named(&installation).any(|known| known == name),
                "secrets_end": ends.collect::<Vec<_>>(),
                "may_read": account.may_read,
                "may_publish": account.may_publish,
            })
        });
        let rows: Vec<_> = rows.collect();
        say!("{}", serde_json::json!({ "accounts": rows, "without": without }));
        return Ok(Exit::Done);
    }
    for (name, account) in accounts.iter() {
        say!("{name:20}  {}", words(account));
    }
    if accounts.is_empty() {
        say!("no accounts: every program on this machine may come in");
    } else if !without.is_empty() {
        say!("without an account, so that they cannot come in: {}", without.join(", "));
    }
    Ok(Exit::Done)
}

/// Lists what nobody understood, as the journal keeps it: topic, reason and payload.
async fn messages(args: MessagesArgs, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(args.site.as_deref())?;
    let reader = Reader::open(&installation.database).await?;
    let since = RealClock.now().plus(Span::seconds(-3600 * i64::from(args.hours)));
    let device = args.device.map(DeviceId::from);
    for line in reader.refused_messages(device.as_ref(), (since, args.limit)).await? {
        let Noted::Condition { detail, .. } = &line.noted else { continue };
        let device = line.device.as_ref().map_or("", DeviceId::as_str);
        if json {
            let at = line.at.to_string();
            say!("{}", serde_json::json!({ "at": at, "device": device, "message": detail }));
        } else {
            say!("{}  {device:12}  {detail}", line.at);
        }
    }
    Ok(Exit::Done)
}

fn words(account: &Account) -> String {
    let mut words = vec!["its own topics".to_owned()];
    words.extend(account.may_read.iter().map(|filter| format!("reads `{filter}`")));
    words.extend(account.may_publish.iter().map(|filter| format!("publishes `{filter}`")));
    let ends = account.ends().flatten();
    words.extend(ends.map(|until| format!("an old secret counts until {until}")));
    words.join("; ")
}

/// The ids of gates and terminals.
fn named(installation: &Installation) -> impl Iterator<Item = &str> {
    let site = &installation.site;
    site.gates.keys().chain(site.terminals.keys()).map(|id| id.as_str())
}

/// The gates over MQTT that cannot come in any more once there are accounts.
pub(crate) fn without_account<'a>(
    installation: &'a Installation,
    accounts: &'a Accounts,
) -> impl Iterator<Item = &'a str> {
    let gates = installation.links.gates.iter().filter(|gate| gate.profile.mqtt.is_some());
    let ids = gates.map(|gate| gate.config.id.as_str());
    ids.filter(|id| !accounts.is_empty() && accounts.get(id).is_none())
}

fn secret() -> anyhow::Result<Secret> {
    Ok(Secret::of(&random::bytes::<SECRET_BYTES>()?, random::bytes::<SALT_BYTES>()?))
}

/// Changes the accounts of a site. Two who change them at once wait for each other.
fn change<T>(
    installation: &Installation,
    how: impl FnOnce(&mut Accounts) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = &installation.folder;
    let held = File::open(folder)?;
    flock(&held, FlockOperation::LockExclusive).context("cannot lock the site's folder")?;
    let mut accounts = Accounts::read(folder)?;
    accounts.forget_ended(RealClock.now());
    let done = how(&mut accounts)?;
    let text = accounts.text().map_err(anyhow::Error::msg)?;
    output::write_in_site(folder, &folder.join(accounts::FILE), text.as_bytes())?;
    Ok(done)
}

/// Writes a secret for whoever sets the device up. That comes before it counts: a secret that
/// counts and that nobody has would shut a gate out.
fn hand_over(installation: &Installation, id: &str, secret: &Secret) -> anyhow::Result<PathBuf> {
    let folder = installation.folder.join(SECRETS);
    output::folder_in_site(&installation.folder, &folder)?;
    let path = folder.join(format!("{id}.mqtt"));
    let text = format!(
        "# For whoever sets `{id}` up. Delete this file when that is done: the site keeps a hash \
         alone,\n# and `kari device renew {id}` makes a new secret.\n{}\n",
        lines(installation, id, secret)
    );
    output::write_in_site(&installation.folder, &path, text.as_bytes())?;
    Ok(path)
}

/// What is typed into a device.
fn lines(installation: &Installation, id: &str, secret: &Secret) -> String {
    let at = installation.links.broker_address();
    let at = at.map_or("the broker of site.toml".to_owned(), |at| at.to_string());
    let password = secret.text();
    format!("broker    {at}\nuser      {id}\npassword  {password}\ntopics    homie/5/{id}/…")
}

fn show(
    installation: &Installation,
    (id, secret): (&str, &Secret),
    file: Option<PathBuf>,
    json: bool,
) {
    match (file, json) {
        (Some(file), true) => say!("{}", serde_json::json!({ "account": id, "file": file })),
        (Some(file), false) => {
            say!("`{id}` has an account; user name and password are in {}", file.display());
        }
        (None, true) => {
            say!("{}", serde_json::json!({ "account": id, "password": secret.text() }));
        }
        (None, false) => say!("{}", lines(installation, id, secret)),
    }
}
