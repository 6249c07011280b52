//! The rows of an import that is accepted, in a file of their own until they are in.
//!
//! The file is whole and durable before the import's row says that it has begun, and goes only when
//! that row says that it has ended. So whatever ends the daemon in between, the next start finds
//! the row and the file, and goes on after the last piece that is in.
//!
//! The words that newcomers are found by stand behind them, in the order of the index. Those of one
//! piece would lie all over it: each would write a page of its own, and those pages, written again
//! and again, would be most of what an import writes.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Lines, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use domain::{
    ids::{ImportId, MemberId},
    import::WORDS_OF_ROW,
    rows::{FoundBy, Import, Person},
    state::{Answer, IMPORT_PIECE, ImportRow, Input},
    time::Clock,
};
use store::people;
use tokio::sync::{mpsc, oneshot};

use crate::intake::Ask;

/// The folder of such files, in the state folder.
const FOLDER: &str = "imports";

/// How many words wait until they are written in their order: some 70 MB, those of 200,000 people.
const WORDS_WAITING: usize = 1 << 20;

/// Where the rows of an import stand.
fn place(state: &Path, id: &ImportId) -> PathBuf {
    state.join(FOLDER).join(format!("{id}.rows"))
}

/// A file that is being written.
pub(crate) struct Stage {
    draft: PathBuf,
    file: BufWriter<File>,
    rows: u32,
    /// Somebody who was there before, whose row comes next.
    known: Option<MemberId>,
    /// The words of newcomers that are not written yet.
    words: Vec<FoundBy>,
}

impl Stage {
    /// Begins the file of this import; what an earlier try left is gone.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn begin(state: &Path, id: &ImportId) -> anyhow::Result<Self> {
        let draft = place(state, id).with_extension("draft");
        let folder = state.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let file = File::create(&draft)
            .with_context(|| format!("cannot write `{}`; check its rights", draft.display()))?;
        let file = BufWriter::new(file);
        Ok(Self { draft, file, rows: 0, known: None, words: Vec::new() })
    }

    /// Adds a row. What was known of somebody comes right before what is known now; whoever comes
    /// without it is a newcomer.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn push(&mut self, row: ImportRow) -> anyhow::Result<()> {
        let known = self.known.take();
        match row {
            ImportRow::Member(id, member, person) if known != Some(id) => {
                self.found_by(id, &person);
                self.write(&ImportRow::Newcomer(id, member, person))?;
                if self.words.len() >= WORDS_WAITING {
                    self.write_words()?;
                }
                Ok(())
            }
            ImportRow::Before(id, _) => {
                self.known = Some(id);
                self.write(&row)
            }
            row => self.write(&row),
        }
    }

    fn found_by(&mut self, member: MemberId, person: &Person) {
        let words = people::words(person).into_iter();
        self.words.extend(words.map(|(word, what)| FoundBy { word, member, what }));
    }

    fn write_words(&mut self) -> anyhow::Result<()> {
        let mut words = std::mem::take(&mut self.words);
        words.sort_unstable();
        words.chunks(WORDS_OF_ROW).try_for_each(|words| self.write(&ImportRow::Words(words.into())))
    }

    fn write(&mut self, row: &ImportRow) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.file, row)?;
        self.file.write_all(b"\n")?;
        self.rows = self.rows.checked_add(1).context("the import has too many rows")?;
        Ok(())
    }

    /// Makes the file durable; how many rows it has.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn finish(mut self) -> anyhow::Result<u32> {
        self.write_words()?;
        let file = self.file.into_inner().map_err(|error| anyhow!("{error}"))?;
        file.sync_all()?;
        std::fs::rename(&self.draft, self.draft.with_extension("rows"))?;
        if let Some(folder) = self.draft.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.rows)
    }

    /// Removes the file: the import does not begin.
    pub(crate) fn give_up(self) {
        remove(&self.draft);
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a file of an import cannot be removed");
    }
}

/// Removes the files of imports that did not begin or have ended.
pub(crate) fn tidy(state: &Path, unfinished: Option<&ImportId>) {
    let keep = unfinished.map(|id| place(state, id));
    let Ok(files) = std::fs::read_dir(state.join(FOLDER)) else { return };
    for file in files.filter_map(Result::ok).map(|entry| entry.path()) {
        if Some(&file) != keep.as_ref() {
            remove(&file);
        }
    }
}

/// The rows of an import that are not in yet.
pub(crate) struct Rest {
    lines: Lines<BufReader<File>>,
    path: PathBuf,
}

impl Rest {
    /// Opens the file of an import and goes to the first row that is not in.
    ///
    /// # Errors
    /// The file is gone or cannot be read.
    pub(crate) fn open(state: &Path, id: &ImportId, import: &Import) -> anyhow::Result<Self> {
        let path = place(state, id);
        let file = plain_file::open(&path).with_context(|| {
            format!(
                "the import of `{}` stopped after {} of {} rows, and `{}` with the others cannot \
                 be read; restore it from the last backup and start again",
                import.file,
                import.done,
                import.rows,
                path.display()
            )
        })?;
        let mut lines = BufReader::new(file).lines();
        for _ in 0..import.done {
            lines.next().transpose()?;
        }
        Ok(Self { lines, path })
    }

    /// The next rows, as many as one piece takes.
    fn piece(&mut self) -> anyhow::Result<Vec<ImportRow>> {
        self.take(IMPORT_PIECE - 1).collect()
    }
}

impl Iterator for Rest {
    type Item = anyhow::Result<ImportRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next()?;
        let row = line.map_err(anyhow::Error::from);
        let row = row.and_then(|line| serde_json::from_str(&line).map_err(anyhow::Error::from));
        Some(row.with_context(|| format!("`{}` is damaged; restore it", self.path.display())))
    }
}

/// Begins an import whose file is durable: from now on all of it comes.
///
/// # Errors
/// The loop refuses it.
pub(crate) async fn promise(
    bulk: &mpsc::Sender<Ask>,
    (id, import): (&ImportId, &Import),
) -> anyhow::Result<()> {
    ask(bulk, Input::piece(Vec::new(), id.clone(), import.clone())).await.map(drop)
}

/// Hands the rows that are not in yet to the loop, piece by piece, and removes the file after them.
///
/// # Errors
/// The loop ended, or the file cannot be read; the next start goes on from there.
pub(crate) async fn feed(
    (state, clock): (&Path, &dyn Clock),
    bulk: &mpsc::Sender<Ask>,
    (id, import): (&ImportId, Import),
    mut told: impl FnMut(&Import),
) -> anyhow::Result<()> {
    let mut rest = Rest::open(state, id, &import)?;
    let mut import = import;
    while import.ended.is_none() {
        let rows = rest.piece()?;
        if rows.is_empty() {
            bail!("`{}` has fewer rows than it had; restore it", rest.path.display());
        }
        import = import.after(rows.len(), clock.now());
        ask(bulk, Input::piece(rows, id.clone(), import.clone())).await?;
        told(&import);
    }
    remove(&rest.path);
    Ok(())
}

/// Hands an input to the loop, and returns its answer once it is durable.
///
/// # Errors
/// The loop ended, or refuses it.
pub(crate) async fn ask(door: &mpsc::Sender<Ask>, input: Input) -> anyhow::Result<Answer> {
    let (reply, answer) = oneshot::channel();
    let ended = || anyhow!("the loop ended; the log says why");
    door.send(Ask { input, policy: None, reply }).await.map_err(|_| ended())?;
    match answer.await.map_err(|_| ended())? {
        Answer::Refused(why) => Err(anyhow!(why)),
        answer => Ok(answer),
    }
}
