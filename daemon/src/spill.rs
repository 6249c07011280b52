//! The spill journal: what devices said and the store did not take before the daemon had to end.
//! Its room is taken while the disk has some, so that a full disk does not keep it from being
//! written; the next start takes in what is there.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use domain::{
    event::{DeviceEvent, Happening},
    state::Input,
};
use rustix::{fs::FallocateFlags, io::Errno};

use crate::intake::{Owed, Taken};

/// The name of its file.
pub(crate) const FILE: &str = "spill.jsonl";
/// Its size: some 6,000 events.
const SIZE: u64 = 2 * 1024 * 1024;

/// The open file: JSON lines, and zeros after them.
#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    used: u64,
}

/// A request comes back as one that was answered without the rules: nothing opens by it later. A
/// fact is booked as ever.
fn input(event: DeviceEvent) -> Input {
    match event.happening {
        Happening::CredentialRead { .. }
        | Happening::LockerRequest { .. }
        | Happening::Order(_) => Input::Unanswered(event),
        _ => Input::Device(event),
    }
}

impl Spill {
    /// Opens the spill journal of a state folder, for its owner alone, with its room; and what the
    /// last run left there.
    ///
    /// # Errors
    /// The folder cannot be written, or has no room.
    pub(crate) fn open(state: &Path) -> io::Result<(Self, Vec<Input>)> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(state.join(FILE))?;
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
            let Ok(event) = serde_json::from_slice::<DeviceEvent>(line) else { break };
            self.used += line.len() as u64;
            left.push(input(event));
        }
        Ok(left)
    }

    /// Adds events; they are durable when this returns.
    ///
    /// # Errors
    /// They do not fit, or the disk does not take them.
    pub(crate) fn add<'a>(
        &mut self,
        events: impl Iterator<Item = &'a DeviceEvent>,
    ) -> io::Result<()> {
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, event)?;
            lines.push(b'\n');
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
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.file.write_all_at(&vec![0; usize::try_from(self.used).unwrap_or(0)], 0)?;
            self.file.sync_data()?;
            self.used = 0;
        }
        Ok(())
    }

    /// Keeps what of these is an event, and acknowledges it; how many there were.
    ///
    /// # Errors
    /// As those of [`Self::add`]; nothing is acknowledged then, so that devices say it again.
    pub(crate) fn keep(&mut self, inputs: impl IntoIterator<Item = Taken>) -> io::Result<usize> {
        let mut events = Vec::new();
        for taken in inputs {
            if let Input::Device(event) | Input::Unanswered(event) = taken.input {
                events.push((event, taken.owed));
            }
        }
        if events.is_empty() {
            return Ok(0);
        }
        self.add(events.iter().map(|(event, _)| event))?;
        let count = events.len();
        for (_, owed) in events {
            if let Owed::Ack(ack) = owed {
                ack.done();
            }
        }
        Ok(count)
    }
}

/// Opens the spill journal at a start, and puts what is there before everything else.
pub(crate) fn take_in(state: &Path, held: &mut VecDeque<Taken>) -> Option<Spill> {
    match Spill::open(state) {
        Ok((spill, left)) => {
            if !left.is_empty() {
                tracing::warn!(events = left.len(), "events of the spill journal are taken in");
            }
            let nobody = |input| Taken { input, policy: None, owed: Owed::Nothing };
            left.into_iter().map(nobody).rev().for_each(|taken| held.push_front(taken));
            Some(spill)
        }
        Err(error) => {
            tracing::warn!(%error, "there is no room for the spill journal");
            None
        }
    }
}

/// Keeps what is not stored at the end of a run, and says so.
pub(crate) fn end(spill: Option<Spill>, left: impl IntoIterator<Item = Taken>) {
    let left: Vec<Taken> = left.into_iter().collect();
    let count = left.len();
    let kept = match spill {
        Some(mut spill) => spill.keep(left),
        None if left.is_empty() => Ok(0),
        None => Err(io::Error::new(ErrorKind::NotFound, "there is no spill journal")),
    };
    match kept {
        Ok(0) => {}
        Ok(events) => tracing::warn!(
            events,
            "events that are not in the database wait in `{FILE}`; the next start takes them in"
        ),
        Err(error) => tracing::error!(
            %error,
            count,
            "events that are not in the database could not be kept; devices send again what was \
             not acknowledged"
        ),
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
        spill.add([&read].into_iter()).unwrap();
        spill.add([&passed].into_iter()).unwrap();
        drop(spill);
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (spill, left) = Spill::open(folder.path()).unwrap();
        assert_eq!(left, [Input::Unanswered(read.clone()), Input::Device(passed)]);
        // A line that a power cut left half written is none, and the next one takes its place.
        let line = serde_json::to_vec(&read).unwrap();
        spill.file.write_all_at(&line[..20], spill.used).unwrap();
        let (mut spill, left) = Spill::open(folder.path()).unwrap();
        assert_eq!(left.len(), 2);
        spill.clear().unwrap();
        assert!(Spill::open(folder.path()).unwrap().1.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused_whole_and_not_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spill, _) = Spill::open(folder.path()).unwrap();
        let door = event(1, Happening::Door { open: true });
        let many = std::iter::repeat_n(&door, 100_000);
        assert_eq!(spill.add(many).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(Spill::open(folder.path()).unwrap().1.is_empty());
        let size = fs::metadata(folder.path().join(FILE)).unwrap().len();
        assert_eq!(size, SIZE, "its room is taken before it is needed");
    }
}
