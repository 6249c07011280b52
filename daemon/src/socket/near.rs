//! The socket by a name that is short enough. The kernel takes no more than 107 bytes for the path
//! of a socket, and a site's folder may lie deeper; through its open folder the name is short.

use std::{
    fs::File,
    io,
    os::{
        fd::AsRawFd,
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tokio::net::{UnixListener, UnixStream};

/// The most bytes of a socket's path (`sun_path` of unix(7), less the zero at its end).
const PATH_BYTES_MAX: usize = 107;

/// A name of a socket, which counts as long as it is held.
struct Near {
    name: PathBuf,
    _folder: Option<File>,
}

impl Near {
    fn to(path: &Path) -> io::Result<Self> {
        let (Some(folder), Some(own)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
            return Ok(Self { name: path.to_owned(), _folder: None });
        }
        let flags = (OFlags::PATH | OFlags::DIRECTORY).bits().cast_signed();
        let folder = File::options().read(true).custom_flags(flags).open(folder)?;
        let name = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(own);
        Ok(Self { name, _folder: Some(folder) })
    }
}

/// Makes the socket `path`.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let near = Near::to(path)?;
    UnixListener::bind(&near.name)
}

/// Calls whoever listens at the socket `path`.
pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let near = Near::to(path)?;
    UnixStream::connect(&near.name).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_socket_is_reached_however_deep_its_folder_lies() {
        let top = tempfile::tempdir().unwrap();
        for depth in [0, 1, 5] {
            let folder = top.path().join("a-long-name-of-a-folder/".repeat(depth));
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join("kari.sock");
            let listener = bind(&path).unwrap();
            assert!(path.exists(), "{}", path.display());
            let mut caller = connect(&path).await.unwrap();
            let (mut called, _) = listener.accept().await.unwrap();
            caller.write_all(b"?").await.unwrap();
            assert_eq!(called.read_u8().await.unwrap(), b'?');
        }
    }
}
