//! Plain files, and nothing else: whoever opens a pipe among them would wait for somebody who
//! writes, and a device gives whatever it likes.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// What configuration, keys and passwords may take, in bytes: no honest one comes near.
pub const SMALL: u64 = 1024 * 1024;

/// Opens a plain file for reading, without waiting for anybody. A link to one is one.
///
/// # Errors
/// It cannot be read, or is no plain file.
pub fn open(path: &Path) -> io::Result<File> {
    plain(&found(path)?)?;
    // It may have been replaced since.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    plain(&file.metadata()?)?;
    Ok(file)
}

/// Reads such a file of at most so many bytes.
///
/// # Errors
/// As [`open`], or it is larger.
pub fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let text = match (most >> 20, most % (1 << 20)) {
            (mib, 0) if mib > 0 => format!("it is larger than {mib} MiB"),
            _ => format!("it is larger than {most} bytes"),
        };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// The same as a text.
///
/// # Errors
/// As [`bytes`], or it is not UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(bytes(path, most)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let text = format!("it is not UTF-8 at byte {place}; save it as UTF-8");
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

/// What stands at `path`, through links.
fn found(path: &Path) -> io::Result<fs::Metadata> {
    fs::metadata(path).map_err(|error| {
        let nowhere = error.kind() == io::ErrorKind::NotFound
            && fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink());
        let text = "it is a link that leads nowhere; put back what it leads to, or take it away";
        if nowhere { io::Error::new(error.kind(), text) } else { error }
    })
}

fn plain(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let text = "it is no plain file but a folder, a pipe, a socket or a device; take it away";
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, time::Instant};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn what_is_no_plain_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("device")).unwrap();
        std::os::unix::fs::symlink("pipe", path("link")).unwrap();
        let since = Instant::now();
        for name in ["pipe", "socket", "folder", "device", "link"] {
            let why = bytes(&path(name), 100).unwrap_err().to_string();
            assert!(why.contains("no plain file"), "{name}: {why}");
        }
        std::os::unix::fs::symlink("gone", path("lost")).unwrap();
        let lost = bytes(&path("lost"), 100).unwrap_err();
        assert!(lost.to_string().contains("a link that leads nowhere"), "{lost}");
        assert_eq!(lost.kind(), io::ErrorKind::NotFound, "as of a file that is not there");
        assert!(since.elapsed().as_secs() < 2, "nobody waited: {:?}", since.elapsed());
    }

    #[test]
    fn a_plain_file_and_a_link_to_one_are_read_within_their_bound() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "1234").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert_eq!(text(&file, 4).unwrap(), "1234");
        assert_eq!(text(&link, 4).unwrap(), "1234");
        assert!(text(&file, 3).unwrap_err().to_string().contains("larger than 3 bytes"));
    }
}
