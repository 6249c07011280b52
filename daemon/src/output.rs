//! Where a command writes what it was asked for: a file whole or not at all, or standard output.
//!
//! A new file is for its owner alone. One that is replaced keeps its mode, its owner and the links
//! that lead to it. What is no plain file (a pipe, a terminal, `/dev/stdout`) is written to as it
//! stands and never replaced.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::{
        fd::AsFd,
        unix::fs::{
            DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown,
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::fs::OFlags;

/// How long a named pipe is given to find its reader.
const READER_WAIT: Duration = Duration::from_secs(5);
/// Between two looks for that reader.
const READER_LOOK: Duration = Duration::from_millis(50);

/// What a command writes into.
pub(crate) struct Output {
    to: BufWriter<Box<dyn Write>>,
    shown: String,
    /// What takes the place of a file once it is whole.
    draft: Option<Draft>,
}

struct Draft {
    part: PathBuf,
    target: PathBuf,
    file: File,
}

impl Output {
    /// Opens `path`; without one it is standard output.
    ///
    /// # Errors
    /// It cannot be written, or is a folder or a disk.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::straight(Box::new(io::stdout()), None)) };
        let failed = || format!("cannot write `{}`", path.display());
        let known = match fs::metadata(path) {
            Ok(known) => Some(known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(failed),
        };
        if known.as_ref().is_some_and(is_stdout) {
            return Ok(Self::straight(Box::new(io::stdout()), None));
        }
        let kind = known.as_ref().map(fs::Metadata::file_type);
        match kind {
            Some(kind) if kind.is_dir() => bail!("`{}` is a folder; name a file", path.display()),
            Some(kind) if kind.is_block_device() => {
                bail!("`{}` is a disk; name a file", path.display())
            }
            Some(kind) if !kind.is_file() => {
                let file = open_as_it_stands(path, kind.is_fifo()).with_context(failed)?;
                Ok(Self::straight(Box::new(file), Some(path)))
            }
            _ => {
                let like = known.as_ref().map(Like::of);
                let draft = Draft::new(path, like).with_context(failed)?;
                let to: Box<dyn Write> = Box::new(draft.file.try_clone()?);
                let shown = format!("`{}`", path.display());
                Ok(Self { to: BufWriter::new(to), shown, draft: Some(draft) })
            }
        }
    }

    fn straight(to: Box<dyn Write>, path: Option<&Path>) -> Self {
        let named = path.map(|path| format!("`{}`", path.display()));
        let shown = named.unwrap_or_else(|| "standard output".to_owned());
        Self { to: BufWriter::new(to), shown, draft: None }
    }

    /// Ends it after `written`: the file takes its place, or is gone without a trace.
    ///
    /// # Errors
    /// That of `written`, or what was written cannot be kept. A reader that has seen enough, as in
    /// `kari report … | head`, is none.
    pub(crate) fn end(mut self, written: anyhow::Result<()>) -> anyhow::Result<()> {
        let written = written.and_then(|()| Ok(self.to.flush()?));
        // What is left in the buffer after an error would only fail again.
        drop(self.to.into_parts());
        match (written, self.draft) {
            (Ok(()), Some(draft)) => draft.put_in_place().inspect_err(|_| draft.remove()),
            (Err(error), Some(draft)) => {
                draft.remove();
                Err(error)
            }
            (Err(error), None) if is_closed(&error) => Ok(()),
            (written, None) => written,
        }
        .with_context(|| format!("cannot write {}", self.shown))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Refuses standard output for what only a file can be.
///
/// # Errors
/// There is no file.
pub(crate) fn needs_file(path: Option<&Path>, is_spreadsheet: bool) -> anyhow::Result<()> {
    let missing = is_spreadsheet && path.is_none();
    anyhow::ensure!(!missing, "say where the spreadsheet goes: --output FILE");
    Ok(())
}

/// Refuses to write into a file that the same command reads, by whatever name or link.
///
/// # Errors
/// `output` is one of `inputs`.
pub(crate) fn spares(inputs: &[Option<&Path>], output: Option<&Path>) -> anyhow::Result<()> {
    // A terminal or a pipe is read and written, and loses nothing by it.
    let file = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_file);
    let place = |known: fs::Metadata| (known.dev(), known.ino());
    let Some(path) = output else { return Ok(()) };
    let Some(written) = file(path).map(place) else { return Ok(()) };
    let read = inputs.iter().flatten().find(|input| file(input).map(place) == Some(written));
    if let Some(read) = read {
        let which = match *read == path {
            true => "a file".to_owned(),
            false => format!("the file `{}`", read.display()),
        };
        let path = path.display();
        bail!("`{path}` is {which}, which this command reads; name another one to write into");
    }
    Ok(())
}

/// Writes a file whole or not at all, or standard output.
///
/// # Errors
/// That of `write`, or the file cannot be written.
pub(crate) fn write_to(
    path: Option<&Path>,
    write: impl FnOnce(&mut Output) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut output = Output::open(path)?;
    let written = write(&mut output);
    output.end(written)
}

/// Puts `text` in the place of a file of the site in `folder`: whole, durable, with the mode that
/// it had or for its owner alone. What root writes belongs to the folder's owner, who is to read
/// it.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_in_site(folder: &Path, path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let written = || {
        let like = match fs::metadata(path) {
            Ok(before) => Like::of(&before),
            Err(_) => Like { mode: 0o600, ..Like::of(&fs::metadata(folder)?) },
        };
        let draft = Draft::new(path, Some(like))?;
        let kept = (&draft.file).write_all(text).map_err(anyhow::Error::from);
        kept.and_then(|()| draft.put_in_place()).inspect_err(|_| draft.remove())
    };
    written().with_context(|| format!("cannot write `{}`", path.display()))
}

/// Makes a folder of the site in `folder`, with the owner of that one.
///
/// # Errors
/// It cannot be made.
pub(crate) fn folder_in_site(folder: &Path, path: &Path) -> anyhow::Result<()> {
    if !path.is_dir() {
        let made = || {
            let owner = fs::metadata(folder)?;
            fs::DirBuilder::new().mode(0o700).create(path)?;
            give(&File::open(path)?, &Like::of(&owner));
            Ok::<_, io::Error>(())
        };
        made().with_context(|| format!("cannot make the folder `{}`", path.display()))?;
    }
    Ok(())
}

/// Owner and mode of a file.
struct Like {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl Like {
    fn of(known: &fs::Metadata) -> Self {
        Self { uid: known.uid(), gid: known.gid(), mode: known.mode() & 0o777 }
    }
}

/// Gives a file to its owner where the caller may: root alone can give files away, and what anybody
/// else replaces becomes theirs.
fn give(file: &File, like: &Like) {
    if let Err(error) = fchown(file, Some(like.uid), Some(like.gid)) {
        tracing::debug!(%error, "a file keeps the owner who writes it");
    }
}

impl Draft {
    fn new(path: &Path, like: Option<Like>) -> io::Result<Self> {
        let target = match path.exists() {
            true => fs::canonicalize(path)?,
            false => end_of_links(path)?,
        };
        let mut part = target.clone().into_os_string();
        part.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        let draft = Self { part, target, file };
        if let Some(like) = like {
            give(&draft.file, &like);
            let mode = fs::Permissions::from_mode(like.mode);
            draft.file.set_permissions(mode).inspect_err(|_| draft.remove())?;
        }
        Ok(draft)
    }

    fn put_in_place(&self) -> anyhow::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
    }

    fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.part) {
            tracing::warn!(file = %self.part.display(), %error, "a draft cannot be removed");
        }
    }
}

/// Where a link leads whose end does not exist yet.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    // As many as the kernel follows.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().map_or(next.clone(), |folder| folder.join(&next));
    }
    Err(io::Error::other("too many links"))
}

/// Whether this is where our standard output goes, as `/dev/stdout` is.
fn is_stdout(known: &fs::Metadata) -> bool {
    let own = rustix::fs::fstat(io::stdout().as_fd());
    own.is_ok_and(|own| own.st_dev == known.dev() && own.st_ino == known.ino())
}

/// Opens a pipe, a terminal or another device. A pipe that nobody reads would hold us for ever.
fn open_as_it_stands(path: &Path, is_pipe: bool) -> io::Result<File> {
    let mut waited = Duration::ZERO;
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            Ok(file) => break file,
            Err(error) if is_pipe && error.raw_os_error() == Some(NO_READER) => {
                if waited >= READER_WAIT {
                    return Err(io::Error::other("nobody reads this pipe; start its reader first"));
                }
            }
            Err(error) => return Err(error),
        }
        std::thread::sleep(READER_LOOK);
        waited += READER_LOOK;
    };
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

/// What the system answers where a pipe has no reader.
const NO_READER: i32 = rustix::io::Errno::NXIO.raw_os_error();

/// Whether nobody reads any more: `kari report … | head`.
fn is_closed(error: &anyhow::Error) -> bool {
    let io = match error.downcast_ref::<csv::Error>().map(csv::Error::kind) {
        Some(csv::ErrorKind::Io(io)) => Some(io),
        _ => error.downcast_ref::<io::Error>(),
    };
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::symlink};

    use super::*;

    fn write(path: &Path, text: &str) -> anyhow::Result<()> {
        write_to(Some(path), |to| Ok(to.write_all(text.as_bytes())?))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_and_a_replaced_one_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        write(&path, "first").unwrap();
        assert_eq!(mode(&path), 0o600);
        for kept in [0o640, 0o604, 0o600] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            write(&path, &format!("{kept}")).unwrap();
            assert_eq!(mode(&path), kept);
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{kept}"));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_link_is_followed_and_stays_whether_its_end_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (link, end) = (folder.path().join("link"), folder.path().join("deep/end"));
        fs::create_dir(folder.path().join("deep")).unwrap();
        symlink("deep/end", &link).unwrap();
        for text in ["new", "replaced"] {
            write(&link, text).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&end).unwrap(), text);
        }
    }

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let from = path.clone();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            File::open(from).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        // More than a pipe holds: whoever writes waits for whoever reads.
        let text = "row\n".repeat(50_000);
        write(&path, &text).unwrap();
        assert_eq!(reader.join().unwrap(), text);
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    }

    #[test]
    fn what_fails_leaves_the_file_of_before_and_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, "before").unwrap();
        let failed = write_to(Some(&path), |to| {
            to.write_all(b"half")?;
            bail!("no more")
        });
        assert!(format!("{:#}", failed.unwrap_err()).contains("no more"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_read_is_not_written_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let [table, link, hard, other] =
            ["table", "link", "hard", "other"].map(|name| folder.path().join(name));
        fs::write(&table, "rows").unwrap();
        fs::write(&other, "rows").unwrap();
        symlink("table", &link).unwrap();
        fs::hard_link(&table, &hard).unwrap();
        let crooked = folder.path().join("../").join(folder.path()).join("./table");
        let check = |input: &Path, output: &Path| spares(&[None, Some(input)], Some(output));
        for same in [&table, &link, &hard, &crooked] {
            let why = check(&table, same).unwrap_err().to_string();
            assert!(why.contains("which this command reads; name another"), "{why}");
            check(same, &table).unwrap_err();
        }
        for free in [&other, &folder.path().join("new"), Path::new("/dev/null")] {
            check(&table, free).unwrap();
        }
        spares(&[Some(&table)], None).unwrap();
        spares(&[None], Some(&table)).unwrap();
    }

    #[test]
    fn a_folder_is_refused_and_a_full_device_fails_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), "x").unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{error}");
        let error = format!("{:#}", write(Path::new("/dev/full"), "x").unwrap_err());
        assert!(error.contains("cannot write `/dev/full`"), "{error}");
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
        let nowhere = folder.path().join("none/file");
        let error = format!("{:#}", write(&nowhere, "x").unwrap_err());
        assert!(error.contains("none/file"), "{error}");
    }
}
