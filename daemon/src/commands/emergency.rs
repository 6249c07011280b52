//! `kari emergency reset`.

use anyhow::bail;

use crate::{
    cli::{EmergencyCommand, Exit},
    config::Installation,
    socket::{self, Question, Reply},
};

/// Ends an emergency, through the running daemon.
pub(crate) async fn emergency(what: &EmergencyCommand, json: bool) -> anyhow::Result<Exit> {
    let EmergencyCommand::Reset { site, operators } = what;
    let installation = Installation::open(Some(site))?;
    let Ok(operators) = <[String; 2]>::try_from(operators.clone()) else {
        bail!("an emergency is reset by two operators; say `--operator` twice");
    };
    let question = Question::ResetEmergency { operators };
    match socket::ask_daemon(&installation.socket(), &question).await? {
        Some(Reply::Done) => {
            if json {
                say!("{}", serde_json::json!({ "reset": true }));
            } else {
                say!("the emergency is reset: gates are controlled again, everybody is out");
            }
            Ok(Exit::Done)
        }
        Some(Reply::Refused { why }) => bail!(why),
        Some(_) => bail!("the daemon answered something else"),
        None => {
            tell!("kari: no daemon runs at `{}`; start it first", installation.socket().display());
            Ok(Exit::Unreachable)
        }
    }
}
