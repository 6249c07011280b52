//! The accounts that are in force: read again while the daemon runs, as soon as the file changes.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{Accounts, AccountsError, FILE};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The accounts of a site that runs.
#[derive(Debug, Default)]
pub struct Live {
    /// The site's folder; without one nobody has an account.
    folder: Option<PathBuf>,
    current: RwLock<Arc<Accounts>>,
    seen: Mutex<Seen>,
}

/// By what a changed file is known, and what was said of a bad one.
#[derive(Debug, Default)]
struct Seen {
    mark: Option<Mark>,
    complaint: String,
}

/// Size, time and inode: a file that is put in the place of another one has at least a new inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u64, Option<SystemTime>, u64);

impl Live {
    /// The accounts of the site in `folder`.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, AccountsError> {
        let folder = folder.into();
        // The mark is taken first: what changes in between is read once more.
        let seen = Seen { mark: mark(&folder), complaint: String::new() };
        let current = RwLock::new(Arc::new(Accounts::read(&folder)?));
        Ok(Self { folder: Some(folder), current, seen: Mutex::new(seen) })
    }

    /// What is in force.
    #[must_use]
    pub fn current(&self) -> Arc<Accounts> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again where it has changed. One that is bad or gone changes nothing: nobody
    /// loses or gains a right by a mistake in a file.
    pub fn refresh(&self) {
        let Some(folder) = &self.folder else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = mark(folder);
        if mark == seen.mark {
            return;
        }
        let before = self.current();
        let read = match mark {
            None if !before.is_empty() => Err(format!("`{}` is gone", folder.join(FILE).display())),
            _ => Accounts::read(folder).map_err(|error| error.to_string()),
        };
        match read {
            Ok(accounts) => {
                seen.mark = mark;
                seen.complaint.clear();
                report(&before, &accounts);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(accounts);
            }
            Err(complaint) => {
                if seen.complaint != complaint {
                    tracing::error!("{complaint}; the accounts of before stay in force");
                    seen.complaint = complaint;
                }
            }
        }
    }

    /// Looks at the file until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            self.refresh();
        }
    }
}

fn mark(folder: &std::path::Path) -> Option<Mark> {
    use std::os::unix::fs::MetadataExt;
    let known = fs::metadata(folder.join(FILE)).ok()?;
    Some(Mark(known.len(), known.modified().ok(), known.ino()))
}

/// Says on the log what has changed, so that nobody gets a right in silence.
fn report(before: &Accounts, after: &Accounts) {
    let named = |wanted: &dyn Fn(&str) -> bool, all: &Accounts| {
        let names = all.iter().map(|(name, _)| name).filter(|name| wanted(name));
        names.collect::<Vec<_>>().join(", ")
    };
    let added = named(&|name| before.get(name).is_none(), after);
    let removed = named(&|name| after.get(name).is_none(), before);
    let changed =
        named(&|name| before.get(name).is_some_and(|b| Some(b) != after.get(name)), after);
    tracing::info!(added, removed, changed, "accounts of devices were changed");
    if after.is_empty() && !before.is_empty() {
        tracing::warn!("no device has an account any more: every local program may come in");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{SALT_BYTES, SECRET_BYTES, Secret},
        *,
    };
    use domain::time::Timestamp;

    fn save(folder: &std::path::Path, accounts: &Accounts) {
        let draft = folder.join("draft");
        fs::write(&draft, accounts.text().unwrap()).unwrap();
        fs::rename(draft, folder.join(FILE)).unwrap();
    }

    #[test]
    fn a_changed_file_counts_and_a_bad_or_missing_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let live = Live::open(folder.path()).unwrap();
        assert!(live.current().is_empty());

        let secret = Secret::of(&[1; SECRET_BYTES], [2; SALT_BYTES]);
        let mut accounts = Accounts::default();
        accounts.add("gate-1", &secret, (Vec::new(), Vec::new())).unwrap();
        save(folder.path(), &accounts);
        live.refresh();
        assert_eq!(*live.current(), accounts);

        fs::write(folder.path().join(FILE), "nonsense").unwrap();
        live.refresh();
        assert_eq!(*live.current(), accounts, "a bad file");
        fs::remove_file(folder.path().join(FILE)).unwrap();
        live.refresh();
        assert_eq!(*live.current(), accounts, "a file that is gone lets nobody in");

        accounts.remove("gate-1").unwrap();
        save(folder.path(), &accounts);
        live.refresh();
        assert!(live.current().prove("gate-1", b"x", Timestamp::default()).is_none());
        assert!(live.current().is_empty(), "the last account was removed in words");
    }

    #[test]
    fn a_site_without_a_folder_has_no_accounts() {
        let live = Live::default();
        live.refresh();
        assert!(live.current().is_empty());
    }
}
