//! The latched emergency, beside the database: a start that has to wait for its database releases
//! the gates all the same. Like the spill journal it takes its room while the disk has some.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use domain::{ids::DeviceId, rows::Emergency, time::Timestamp};

/// The name of its file.
const FILE: &str = "emergency.json";
/// Its size: one sector, which a disk writes whole or not at all.
const SIZE: usize = 512;

/// The open file: the emergency as JSON, or nothing, and zeros after it.
#[derive(Debug)]
pub(super) struct Latch(File);

impl Latch {
    /// Opens the latch of a state folder, for its owner alone, and reads what the last run left.
    ///
    /// # Errors
    /// The folder cannot be written or has no room.
    pub(super) fn open(state: &Path) -> io::Result<(Self, Option<Emergency>)> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(state.join(FILE))?;
        let mut bytes = [0; SIZE];
        let read = file.read_at(&mut bytes, 0)?;
        let latch = Self(file);
        if read < SIZE {
            latch.keep(None)?;
        }
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let left = match text {
            [] => None,
            // What cannot be read was written for an emergency.
            text => Some(serde_json::from_slice(text).unwrap_or_else(|_| Emergency {
                started: Timestamp::default(),
                source: DeviceId::from(FILE),
            })),
        };
        Ok((latch, left))
    }

    /// Keeps an emergency, or that there is none; durable when this returns.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(super) fn keep(&self, emergency: Option<&Emergency>) -> io::Result<()> {
        let mut bytes = emergency.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        bytes.resize(SIZE, 0);
        self.0.write_all_at(&bytes, 0)?;
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn an_emergency_is_kept_until_it_is_taken_back_and_what_is_cut_short_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let left = || Latch::open(folder.path()).unwrap();
        let (latch, none) = left();
        assert_eq!(none, None);
        let path = folder.path().join(FILE);
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, SIZE as u64));
        let longest = DeviceId::from("g".repeat(64).as_str());
        let emergency = Emergency { started: Timestamp::default(), source: longest };
        latch.keep(Some(&emergency)).unwrap();
        assert_eq!(left().1, Some(emergency));
        latch.keep(None).unwrap();
        assert_eq!(left().1, None);
        fs::write(&path, r#"{"started":"#).unwrap();
        assert_eq!(left().1.unwrap().source, DeviceId::from(FILE));
    }
}
