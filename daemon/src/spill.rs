//! The spill journal: what devices said while the store takes nothing. What stands here is durable
//! and acknowledged; it is cleared once the database has it, or the next start takes it in. Its
//! room is taken while the disk has some, so that a full disk does not keep it from being written.

mod keeper;
mod latch;

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use domain::{
    event::{DeviceEvent, Happening},
    ids::DeviceId,
    state::Input,
};
pub(crate) use keeper::Keeper;
use rustix::{
    fs::{FallocateFlags, FlockOperation},
    io::Errno,
};
use serde::{Deserialize, Serialize};

/// The name of its file.
const FILE: &str = "spill.jsonl";
/// Its size: some 12,000 events.
const SIZE: u64 = 4 * 1024 * 1024;

/// The open file: JSON lines, and zeros after them.
#[derive(Debug)]
struct Spill {
    file: File,
    used: u64,
}

/// A line of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Event(DeviceEvent),
    Unreadable { unreadable: DeviceId, why: String },
}

impl Line {
    /// What is kept of an input; nothing of one that no device gave.
    fn of(input: &Input) -> Option<Self> {
        match input {
            Input::Device(event) | Input::Unanswered(event) => Some(Self::Event(event.clone())),
            Input::Unreadable { device, why } => {
                Some(Self::Unreadable { unreadable: device.clone(), why: why.clone() })
            }
            _ => None,
        }
    }

    /// A request comes back as one that was answered without the rules: nothing opens by it later.
    /// A fact is booked as ever.
    fn input(self) -> Input {
        match self {
            Self::Unreadable { unreadable: device, why } => Input::Unreadable { device, why },
            Self::Event(event) => match event.happening {
                Happening::CredentialRead { .. }
                | Happening::LockerRequest { .. }
                | Happening::Order(_) => Input::Unanswered(event),
                _ => Input::Device(event),
            },
        }
    }
}

impl Spill {
    /// Opens the spill journal of a state folder, for its owner alone, with its room; and what the
    /// last run left there.
    ///
    /// # Errors
    /// The folder cannot be written or has no room, or another daemon has the file.
    fn open(state: &Path) -> io::Result<(Self, Vec<Input>)> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(state.join(FILE))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, SIZE) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file)?,
            // What is there already can still be read and written.
            Err(error) if file.metadata()?.len() < SIZE => return Err(error.into()),
            Err(_) => {}
        }
        let mut spill = Self { file, used: 0 };
        let left = spill.read()?;
        Ok((spill, left))
    }

    /// What is there. A last line that was cut short was never acknowledged.
    fn read(&mut self) -> io::Result<Vec<Input>> {
        let mut bytes = vec![0; usize::try_from(SIZE).unwrap_or(0)];
        let mut read = 0;
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        let whole = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut left = Vec::new();
        for line in whole.split_inclusive(|byte| *byte == b'\n') {
            let Ok(kept) = serde_json::from_slice::<Line>(line) else { break };
            self.used += line.len() as u64;
            left.push(kept.input());
        }
        Ok(left)
    }

    /// Adds lines; they are durable when this returns.
    ///
    /// # Errors
    /// They do not fit, or the disk does not take them.
    fn add<'a>(&mut self, kept: impl Iterator<Item = &'a Line>) -> io::Result<()> {
        let mut lines = Vec::new();
        for line in kept {
            serde_json::to_writer(&mut lines, line)?;
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        let end = self.used + lines.len() as u64;
        if end > SIZE {
            return Err(io::Error::new(ErrorKind::StorageFull, "the spill journal is full"));
        }
        self.file.write_all_at(&lines, self.used)?;
        self.file.sync_data()?;
        self.used = end;
        Ok(())
    }

    /// Forgets what is there: the database has it.
    ///
    /// # Errors
    /// The disk does not take it; then the events are found to be known at the next start.
    fn clear(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.file.write_all_at(&vec![0; usize::try_from(self.used).unwrap_or(0)], 0)?;
            self.file.sync_data()?;
            self.used = 0;
        }
        Ok(())
    }

    const fn is_empty(&self) -> bool {
        self.used == 0
    }
}

/// Takes the room of a file where the system cannot do so by itself.
fn fill(file: &File) -> io::Result<()> {
    let known = file.metadata()?.len();
    let missing = usize::try_from(SIZE.saturating_sub(known)).unwrap_or(0);
    file.write_all_at(&vec![0; missing], known)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use domain::{
        event::{Direction, Transit},
        time::Timestamp,
    };

    use super::*;

    fn event(seq: u64, happening: Happening) -> DeviceEvent {
        DeviceEvent {
            device: "gate-1".into(),
            boot: 7,
            seq,
            device_time: None,
            received: Timestamp::default(),
            transit: Transit::Straight,
            happening,
        }
    }

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_requests_open_nothing_then() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spill, left) = Spill::open(folder.path()).unwrap();
        assert!(left.is_empty());
        let read =
            Happening::CredentialRead { direction: Direction::Exit, uid: "04A1".into(), pin: None };
        let passed = Happening::PassageMade { direction: Direction::Exit, decision: None };
        let (read, passed) = (event(1, read), event(2, passed));
        let nonsense = Input::Unreadable { device: "gate-1".into(), why: "no JSON".to_owned() };
        for input in [Input::Device(read.clone()), Input::Device(passed.clone()), nonsense.clone()]
        {
            spill.add(Line::of(&input).iter()).unwrap();
        }
        drop(spill);
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (spill, left) = Spill::open(folder.path()).unwrap();
        assert_eq!(left, [Input::Unanswered(read.clone()), Input::Device(passed), nonsense]);
        // A line that a power cut left half written is none, and the next one takes its place.
        let line = serde_json::to_vec(&read).unwrap();
        spill.file.write_all_at(&line[..20], spill.used).unwrap();
        drop(spill);
        let (mut spill, left) = Spill::open(folder.path()).unwrap();
        assert_eq!(left.len(), 3);
        spill.clear().unwrap();
        drop(spill);
        assert!(Spill::open(folder.path()).unwrap().1.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused_whole_and_not_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spill, _) = Spill::open(folder.path()).unwrap();
        let door = Line::Event(event(1, Happening::Door { open: true }));
        let many = std::iter::repeat_n(&door, 100_000);
        assert_eq!(spill.add(many).unwrap_err().kind(), ErrorKind::StorageFull);
        let other = Spill::open(folder.path()).map(|_| ());
        assert!(other.is_err(), "the file is of one daemon at a time");
        drop(spill);
        assert!(Spill::open(folder.path()).unwrap().1.is_empty());
        let size = fs::metadata(folder.path().join(FILE)).unwrap().len();
        assert_eq!(size, SIZE, "its room is taken before it is needed");
    }
}
