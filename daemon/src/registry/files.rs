//! Photos and copies of documents: files of the state folder, named by the hash of their content.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, anyhow, bail};
use domain::rows::FileName;

/// The folder below the state folder.
pub(crate) const FOLDER: &str = "files";
/// The largest photo, in bytes (our choice).
const PHOTO_MAX: u64 = 2 * 1024 * 1024;
/// The largest copy of a document, in bytes (our choice).
const COPY_MAX: u64 = 10 * 1024 * 1024;

/// Keeps a photo; the name that it is kept under, and whether it is new.
///
/// # Errors
/// It is too large, no photo, or cannot be read or kept.
pub(crate) fn keep_photo(state: &Path, file: &Path) -> anyhow::Result<(FileName, bool)> {
    keep(state, file, (&FileName::PHOTOS, PHOTO_MAX))
}

/// Keeps a copy of a document.
///
/// # Errors
/// It is too large, of another type, or cannot be read or kept.
pub(crate) fn keep_copy(state: &Path, file: &Path) -> anyhow::Result<(FileName, bool)> {
    keep(state, file, (&FileName::COPIES, COPY_MAX))
}

/// Removes what was kept for an order that was refused.
pub(crate) fn drop_kept(state: &Path, name: &FileName) {
    if let Err(error) = fs::remove_file(state.join(FOLDER).join(name.as_str())) {
        tracing::warn!(%error, file = name.as_str(), "a file that nobody needs stays");
    }
}

/// Whether a file of this name is kept.
pub(crate) fn is_kept(state: &Path, name: &FileName) -> bool {
    state.join(FOLDER).join(name.as_str()).is_file()
}

fn keep(
    state: &Path,
    file: &Path,
    (types, most): (&[&str], u64),
) -> anyhow::Result<(FileName, bool)> {
    let shown = file.display();
    let content =
        plain_file::bytes(file, most).map_err(|why| anyhow!("cannot read `{shown}`: {why}"))?;
    let kind = type_of(&content).filter(|kind| types.contains(kind));
    let Some(kind) = kind else { bail!("`{shown}` is none of {}", types.join(", ")) };
    let name = format!("{}.{kind}", blake3::hash(&content).to_hex());
    let name = FileName::of(&name).context("a hash is no name of a file")?;
    if is_kept(state, &name) {
        return Ok((name, false));
    }
    let folder = state.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let draft = folder.join(format!("{}.draft-{}", name.as_str(), std::process::id()));
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("cannot write `{}`", draft.display()))?;
    out.write_all(&content)?;
    out.sync_all()?;
    fs::rename(&draft, folder.join(name.as_str()))?;
    fs::File::open(&folder)?.sync_all()?;
    Ok((name, true))
}

/// The type that the first bytes tell, whatever the file is called.
fn type_of(content: &[u8]) -> Option<&'static str> {
    let webp = content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP");
    match content {
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("png"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("pdf"),
        _ => webp.then_some("webp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once_under_the_name_of_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let photo = write("me.txt", b"\xff\xd8\xff and so on");
        let (name, new) = keep_photo(&state, &photo).unwrap();
        assert!(new && name.as_str().ends_with(".jpg") && is_kept(&state, &name));
        assert_eq!(keep_photo(&state, &photo).unwrap(), (name.clone(), false));
        let pdf = write("scan.jpg", b"%PDF-1.7");
        let refused = keep_photo(&state, &pdf).unwrap_err().to_string();
        assert!(refused.contains("is none of jpg, png, webp"), "{refused}");
        assert!(keep_copy(&state, &pdf).unwrap().0.as_str().ends_with(".pdf"));
        let large = [&b"\xff\xd8\xff"[..], &vec![0; 2 * 1024 * 1024]].concat();
        let refused = keep_photo(&state, &write("big.jpg", &large)).unwrap_err().to_string();
        assert!(refused.contains("larger than 2 MiB"), "{refused}");
        drop_kept(&state, &name);
        assert!(!is_kept(&state, &name));
    }
}
