//! What the state folder knows of the site's database: which one it is, so that another one, or
//! none, is not taken for it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use store::{
    Opened,
    identity::{Expected, Identity},
    place::Place,
    reader::Reader,
};

use crate::config::Installation;

/// The name of its file.
const FILE: &str = "database.json";

/// What is known of a database that was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What it is known by.
    pub(crate) identity: Identity,
    /// The epoch of the last run.
    pub(crate) epoch: u64,
}

/// The database that was in use by the site of this state folder; nothing before the first start.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn known(state: &Path) -> anyhow::Result<Option<Known>> {
    let path = state.join(FILE);
    let text = match plain_file::text(&path, plain_file::SMALL) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
        }
    };
    let known = serde_json::from_str(&text).with_context(|| {
        format!(
            "`{}` does not say which database belongs to this site; restore it from a backup, or \
             remove it if the database beside it is the right one",
            path.display()
        )
    })?;
    Ok(Some(known))
}

/// Whether a database may be at `place`, or was.
pub(crate) fn may_be_there(place: &Place, state: &Path) -> bool {
    place.path().is_none_or(Path::exists) || !matches!(known(state), Ok(None))
}

/// Which database may be opened: the known one, or a `new` one where that is asked for.
///
/// # Errors
/// As those of [`known`].
pub(crate) fn expected(state: &Path, new: bool) -> anyhow::Result<Expected> {
    Ok(match (new, known(state)?) {
        (true, _) => Expected::New,
        (false, Some(known)) => Expected::Known(known.identity),
        (false, None) => Expected::Any,
    })
}

/// Keeps which database is in use; durable when this returns.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn keep(state: &Path, opened: &Opened) -> io::Result<()> {
    let known = Known { identity: opened.identity, epoch: opened.epoch };
    let draft = state.join("database.json.draft");
    let mut file = OpenOptions::new();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", serde_json::to_string(&known)?)?;
    file.sync_all()?;
    fs::rename(&draft, state.join(FILE))?;
    File::open(state)?.sync_all()
}

/// The records of a site, for a command: those of the database that was in use.
///
/// # Errors
/// It is not there, is another one, or cannot be opened.
pub(crate) async fn reader(installation: &Installation) -> anyhow::Result<Reader> {
    let expected = expected(&installation.state, false)?;
    Ok(Reader::open_expected(&installation.database, expected).await?)
}
