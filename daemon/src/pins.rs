//! The key of the site's PINs: made at the first start, kept beside the database.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use devices::pin::PinKey;

use crate::{output, random};

/// The name of its file.
const FILE: &str = "pin.key";

/// Reads the key in the state folder, or makes one for a site that is new.
///
/// # Errors
/// The folder cannot be written, or the file is no key.
pub(crate) fn key(state: &Path) -> anyhow::Result<PinKey> {
    if !state.join(FILE).exists() {
        make(state)?;
    }
    read(state)
}

/// Reads the key of a site that is in use: another one would prove none of its PINs.
///
/// # Errors
/// The file is gone or is no key.
pub(crate) fn kept(state: &Path) -> anyhow::Result<PinKey> {
    let path = state.join(FILE);
    if !path.exists() {
        bail!(
            "`{}` is missing, by which alone the PINs of this site are proved; {ADVICE}",
            path.display()
        );
    }
    read(state)
}

/// What to do where the key of a site is lost.
const ADVICE: &str = "restore it from a backup; if there is none, begin with another one by \
     `kari run --new-pin-key`: then no PIN is right any more, and each is set anew by \
     `kari import` (`--as credentials --existing update`, `--as operators` under new logins)";

/// Makes another key for a site whose key is lost.
///
/// # Errors
/// There is a key, or the folder cannot be written.
pub(crate) fn begin_anew(state: &Path) -> anyhow::Result<()> {
    let path = state.join(FILE);
    if path.exists() {
        bail!("there is a key in `{}`; move it away first if it is the wrong one", path.display());
    }
    fs::create_dir_all(state)
        .with_context(|| format!("cannot make the state folder `{}`", state.display()))?;
    tracing::warn!("a new pin.key is made; no PIN of before is right any more");
    make(state)
}

/// Gives a simulation the key of its site, whose data may be hashed under it.
///
/// # Errors
/// The simulation's folder cannot be written.
pub(crate) fn lend(state: &Path, simulation: &Path) -> anyhow::Result<()> {
    match plain_file::bytes(&state.join(FILE), plain_file::SMALL) {
        Ok(bytes) => {
            fs::create_dir_all(simulation)?;
            write(simulation, &bytes)
        }
        // A site that was never started has none, and nothing is hashed.
        Err(_) => Ok(()),
    }
}

fn make(state: &Path) -> anyhow::Result<()> {
    write(state, &random::bytes::<32>()?)
}

fn write(state: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    output::write_in_site(state, &state.join(FILE), bytes)
}

fn read(state: &Path) -> anyhow::Result<PinKey> {
    let path = state.join(FILE);
    let bytes = plain_file::bytes(&path, plain_file::SMALL)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let bytes = <[u8; 32]>::try_from(bytes).map_err(|bytes| {
        anyhow::anyhow!(
            "`{}` must be a key of 32 bytes and has {}; {ADVICE}",
            path.display(),
            bytes.len()
        )
    })?;
    Ok(PinKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let made = key(folder.path()).unwrap();
        assert_eq!(key(folder.path()).unwrap(), made);
        let file = folder.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "short").unwrap();
        let short = key(folder.path()).unwrap_err().to_string();
        assert!(short.contains("32 bytes and has 5") && short.contains("--new-pin-key"), "{short}");
    }

    #[test]
    fn a_key_that_is_gone_is_made_anew_in_words_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let gone = kept(&state).unwrap_err().to_string();
        assert!(gone.contains("is missing") && gone.contains("--new-pin-key"), "{gone}");
        begin_anew(&state).unwrap();
        let made = kept(&state).unwrap();
        assert!(begin_anew(&state).unwrap_err().to_string().contains("move it away"));
        let simulation = state.join("simulation");
        lend(&state, &simulation).unwrap();
        assert_eq!(key(&simulation).unwrap(), made);
        lend(&folder.path().join("new"), &folder.path().join("other")).unwrap();
    }
}
