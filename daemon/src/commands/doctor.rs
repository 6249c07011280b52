//! `kari doctor`: looks at an installation, and names what is not in order. Each check has its own
//! exit code.

pub(crate) mod door;
mod files;

use std::path::Path;

use serde::Serialize;
use store::verify;

use crate::{
    cli::{Exit, SiteArg},
    commands::check,
    config::Installation,
    database,
    socket::{self, Question, Reply},
};

/// Below this much free room the database may soon stand still (our choice), in MiB.
const ROOM_MIB: u64 = 512;

/// What only people can look at; the daemon mirrors it and is never the only path (I2, I4).
const BY_HAND: &[&str] = &[
    "fire panel, green break-glass and panic hardware act on the lock supply directly",
    "each turnstile turns freely without power, or a free exit stands beside it",
    "the fire input was tested this month",
    "Modbus boards stand on a network of their own",
];

#[derive(Serialize)]
struct Look {
    code: u8,
    check: &'static str,
    ok: bool,
    told: String,
    warnings: Vec<String>,
}

/// What a look came to: in order or not, and what people should know besides.
struct Found {
    told: Result<String, String>,
    warnings: Vec<String>,
}

impl From<Result<String, String>> for Found {
    fn from(told: Result<String, String>) -> Self {
        Self { told, warnings: Vec::new() }
    }
}

/// Looks at everything; the first failed check gives the exit code.
pub(crate) async fn doctor(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let mut looks = Vec::new();
    let installation = match Installation::open(site.site.as_deref()) {
        Ok(installation) => {
            let gates = installation.site.gates.len();
            looks.push(look(10, "configuration", Ok(format!("{gates} gates"))));
            Some(installation)
        }
        Err(error) => {
            looks.push(look(10, "configuration", Err(error.to_string())));
            None
        }
    };
    if let Some(installation) = &installation {
        looks.push(look(11, "rules", rules_of(installation).await));
        looks.push(look(12, "state folder", state_folder(&installation.state)));
        looks.push(look(13, "disk", room(&installation.state)));
        looks.push(look(14, "database", database(installation).await));
        looks.push(look(15, "daemon", daemon(installation).await));
        looks.push(look(16, "file rights", files::rights(installation)));
        looks.push(look(17, "plain PINs", files::pins(installation)));
        looks.push(look(18, "devices' door", door::look(installation)));
    }
    print(&looks, installation.as_ref(), json)?;
    let failed = looks.iter().find(|look| !look.ok);
    Ok(failed.map_or(Exit::Done, |look| Exit::Check(look.code)))
}

fn look(code: u8, check: &'static str, found: impl Into<Found>) -> Look {
    let Found { told, warnings } = found.into();
    let ok = told.is_ok();
    Look { code, check, ok, told: told.unwrap_or_else(|why| why), warnings }
}

fn print(looks: &[Look], installation: Option<&Installation>, json: bool) -> anyhow::Result<()> {
    let open_exits: Vec<_> = installation
        .iter()
        .flat_map(|installation| &installation.site.gates)
        .filter(|(_, gate)| gate.egress_alternative)
        .map(|(id, _)| id.to_string())
        .collect();
    if json {
        let told = serde_json::json!({
            "checks": looks,
            "by_hand": BY_HAND,
            "gates_with_a_free_exit_beside_them": open_exits,
            "acl": installation.and_then(door::acl),
        });
        say!("{}", serde_json::to_string(&told)?);
        return Ok(());
    }
    for look in looks {
        let mark = if look.ok { "ok    " } else { "FAILED" };
        say!("{mark}  {:<13}  {}", look.check, look.told);
        look.warnings.iter().for_each(|warning| say!("warn    {:<13}  {warning}", ""));
    }
    if let Some(acl) = installation.and_then(door::acl) {
        say!("\nfor the file of rights (`acl_file`) of a Mosquitto:\n{acl}");
    }
    say!("\nto be looked at by people:");
    BY_HAND.iter().for_each(|line| say!("  - {line}"));
    if !open_exits.is_empty() {
        say!("  - a free, signed, alarmed exit stands beside {}", open_exits.join(", "));
    }
    Ok(())
}

async fn rules_of(installation: &Installation) -> Result<String, String> {
    let looked = check::look(installation).await.map_err(|error| error.to_string())?;
    let files = looked.bundle.rules.len();
    match looked.loaded {
        Ok(checked) => Ok(format!("{files} files, {} warnings", checked.warnings.len())),
        Err(problems) => Err(format!("{} mistakes; `kari check` shows them", problems.len())),
    }
}

fn state_folder(folder: &Path) -> Result<String, String> {
    let probe = folder.join(".doctor");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"x"))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Ok(format!("`{}` can be written", folder.display())),
        Err(error) => Err(format!("`{}` cannot be written: {error}", folder.display())),
    }
}

fn room(folder: &Path) -> Result<String, String> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    let mib = stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024);
    let told = format!("{mib} MiB free");
    if mib >= ROOM_MIB {
        Ok(told)
    } else {
        Err(format!("{told}; make room, or the database stops"))
    }
}

async fn database(installation: &Installation) -> Result<String, String> {
    if !installation.has_database() {
        return Ok("none yet; the first start makes it".to_owned());
    }
    let reader = database::reader(installation).await.map_err(|error| error.to_string())?;
    let heads = verify::heads(&reader).await.map_err(|error| error.to_string())?;
    if let Some(head) = heads.first() {
        return Err(format!("{head}; run `kari verify`"));
    }
    match verify::chain(&reader).await {
        Ok(verified) => Ok(format!("{} lines in the journal, every hash right", verified.lines)),
        Err(error) => Err(error.to_string()),
    }
}

async fn daemon(installation: &Installation) -> Result<String, String> {
    let asked = socket::ask_daemon(&installation.socket(), &Question::Status).await;
    match asked.map_err(|error| error.to_string())? {
        None => Ok("does not run; `kari run` starts it".to_owned()),
        Some(Reply::Status { missing, refused, version, .. }) => {
            if !missing.is_empty() {
                return Err(format!("runs and is not ready: {}", missing.join(", ")));
            }
            match refused {
                Some(why) => Err(format!("decides by the last good rules; the new ones: {why}")),
                None => Ok(format!("version {version} runs and is ready")),
            }
        }
        Some(_) => Err("answered something else".to_owned()),
    }
}
