//! The key of the site's PINs: made at the first start, kept beside the database.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use devices::pin::PinKey;

/// The name of its file.
const FILE: &str = "pin.key";

/// Reads the key in the state folder, or makes one.
///
/// # Errors
/// The folder cannot be written, or the file is no key.
pub(crate) fn key(state: &Path) -> anyhow::Result<PinKey> {
    let path = state.join(FILE);
    if !path.exists() {
        let mut bytes = [0; 32];
        fs::File::open("/dev/urandom")
            .and_then(|mut file| io_read(&mut file, &mut bytes))
            .context("the system gives no random bytes")?;
        let draft = state.join("pin.key.draft");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        fs::File::open(state)?.sync_all()?;
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| {
        anyhow::anyhow!(
            "`{}` is not a key of 32 bytes; restore it from a backup, or remove it and set all \
             PINs anew",
            path.display()
        )
    })?;
    Ok(PinKey::new(bytes))
}

fn io_read(file: &mut fs::File, bytes: &mut [u8]) -> std::io::Result<()> {
    std::io::Read::read_exact(file, bytes)
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
        assert!(key(folder.path()).unwrap_err().to_string().contains("32 bytes"));
    }
}
