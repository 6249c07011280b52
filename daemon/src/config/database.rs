//! Where the database is.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use store::place::{ONLY_DAEMON, Place};

/// Without an address it is a file in the state folder.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DatabasePart {
    /// A PostgreSQL, as `postgres://user@host/database`.
    url: Option<String>,
    /// A file with its password, in the site's folder or where systemd puts credentials.
    pub(super) password_file: Option<PathBuf>,
    /// The number of this daemon among those that share the database.
    daemon: i64,
}

impl Default for DatabasePart {
    fn default() -> Self {
        Self { url: None, password_file: None, daemon: ONLY_DAEMON }
    }
}

impl DatabasePart {
    /// The number of this daemon among those that share the database.
    pub(super) fn number(&self) -> Result<u32, String> {
        let number = u32::try_from(self.daemon).ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("`database.daemon` is {}; daemons count from 1", self.daemon))
    }

    /// The database of the site in `folder`, with its state in `state`.
    pub(super) fn place(&self, folder: &Path, state: &Path) -> Result<Place, String> {
        self.number()?;
        let Some(url) = &self.url else {
            if self.password_file.is_some() || self.daemon != ONLY_DAEMON {
                return Err("a file has one daemon and no password; `database.url` names a \
                            PostgreSQL"
                    .to_owned());
            }
            return Ok(Place::file(state.join("kari.db")));
        };
        // What stands between `//` and `@` is who asks, and after a colon the password.
        let who = url.split_once("//").and_then(|(_, rest)| rest.split_once('@'));
        if who.is_some_and(|(who, _)| who.contains(':')) {
            return Err("`database.url` holds a password; put it into a file and name that by \
                        `database.password_file`"
                .to_owned());
        }
        let password = self.password_file.as_ref().map(|file| secret(folder, file)).transpose()?;
        let place = Place::server(url, password.as_deref());
        let place = place.map_err(|error| {
            format!("`database.url` is no address such as postgres://kari@localhost/kari: {error}")
        })?;
        let place = place.for_daemon(self.daemon);
        // The test command starts a server that does not wait for its disk, and says so.
        Ok(match std::env::var_os("KARI_TEST_POSTGRES_URL") {
            Some(_) => place.that_may_forget(),
            None => place,
        })
    }
}

/// Where the head of the records is kept beside the state folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditPart {
    /// Files, such as on another disk; relative to the site's folder.
    #[serde(default)]
    pub(super) heads: Vec<PathBuf>,
}

/// What is in a file that holds a secret.
fn secret(folder: &Path, file: &Path) -> Result<String, String> {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(|given| Path::new(&given).join(file));
    let path = given.filter(|path| path.is_file()).unwrap_or_else(|| folder.join(file));
    let text = plain_file::text(&path, plain_file::SMALL);
    let text = text.map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
