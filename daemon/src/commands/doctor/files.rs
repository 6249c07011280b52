//! What `kari doctor` says of files: whom they are open to, and what stands in them in plain.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::Found;
use crate::{commands::device::SECRETS, config::Installation, plain_pins};

/// So many are named one by one.
const NAMED: usize = 5;
/// More than a site has in these folders; what lies beyond is not looked at.
const LOOKED_AT: usize = 100_000;

/// Whether what holds secrets and people's data is for its owner alone.
pub(super) fn rights(installation: &Installation) -> Found {
    let folder = &installation.folder;
    let mut secret = vec![
        installation.state.clone(),
        folder.join(SECRETS),
        folder.join(devices::accounts::FILE),
    ];
    secret.extend(installation.secret_files.iter().cloned());
    let data = open_to_others(&installation.data());
    let warnings = data.map(|open| format!("people's data: {open}")).into_iter().collect();
    let open: Vec<_> = secret.iter().filter_map(|root| open_to_others(root)).collect();
    let told = match open.is_empty() {
        true => Ok("state and secrets are for their owner alone".to_owned()),
        false => Err(open.join("; ")),
    };
    Found { told, warnings }
}

/// Whether no PIN stands in a file of the site as it is typed.
pub(super) fn pins(installation: &Installation) -> Found {
    let plain = plain_pins::files(&installation.data());
    let names: Vec<_> = plain.iter().map(|path| format!("`{}`", path.display())).collect();
    let mut warnings = Vec::new();
    if !names.is_empty() {
        warnings.push(format!(
            "PINs can be read in {}; the first start of the daemon puts hashes in their place, and \
             later ones are to be taken out by hand",
            names.join(", ")
        ));
    }
    Found { told: Ok("looked for in `data`".to_owned()), warnings }
}

/// What is open to others than its owner below `root`, with the line that shuts it.
fn open_to_others(root: &Path) -> Option<String> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop()
        && looked_at < LOOKED_AT
    {
        looked_at += 1;
        let Ok(known) = fs::symlink_metadata(&path) else { continue };
        // The mode of a link says nothing.
        if !known.is_symlink() && known.mode() & 0o077 != 0 {
            found.push(path.clone());
        }
        if known.is_dir() {
            waiting.extend(inside(&path).unwrap_or_default());
        }
    }
    found.sort();
    let named: Vec<_> =
        found.iter().take(NAMED).map(|path| format!("`{}`", path.display())).collect();
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let line = format!("chmod -R go= {}", shell(root));
    (!found.is_empty()).then(|| format!("others reach {}{more}; run: {line}", named.join(", ")))
}

fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// A path as a shell takes it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+@".contains(sign);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_others_may_read_is_found_and_the_line_shuts_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("the state");
        fs::create_dir(&state).unwrap();
        fs::write(state.join("kari.db"), "x").unwrap();
        let shut = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        shut(&state, 0o700);
        shut(&state.join("kari.db"), 0o604);
        let told = open_to_others(&state).unwrap();
        assert!(told.contains("kari.db`; run: chmod"), "{told}");
        let line = told.split("run: ").nth(1).unwrap();
        assert!(std::process::Command::new("sh").args(["-c", line]).status().unwrap().success());
        assert_eq!(open_to_others(&state), None, "{line}");
        assert_eq!(open_to_others(&folder.path().join("none")), None);
    }
}
