//! The key of a site's seals: beside a file of SQLite a file of its own, else in the database.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use futures_util::{FutureExt, future::BoxFuture};

use super::Canon;
use crate::{
    error::{KeyError, OpenError},
    link::{Link, Pool},
    place::{Database, Place},
    pseudonyms::{CHANCE_OF_SERVER, chance},
};

/// The file of the key, in the folder of the database.
const FILE: &str = "audit.key";
/// The key of a server, where there is one.
pub(crate) const OF_SERVER: &str = "SELECT key FROM audit_key WHERE id = 1";
/// Keeps a new one, unless another daemon did.
pub(crate) const KEEP: &str =
    "INSERT INTO audit_key (id, key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
/// How long a seal is.
const SEAL: usize = 16;

/// What rows are sealed with, and what stands for them in the sums.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    seals: [u8; 32],
    sums: [u8; 32],
}

/// Without the key.
impl std::fmt::Debug for Key {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Key")
    }
}

impl Key {
    fn of(secret: &[u8; 32]) -> Self {
        Self {
            seals: blake3::derive_key("Kari 2026-11 seals of rows", secret),
            sums: blake3::derive_key("Kari 2026-11 sums of tables", secret),
        }
    }

    /// The seal of a row.
    pub(crate) fn seal(&self, row: &Canon) -> Vec<u8> {
        let hash = blake3::keyed_hash(&self.seals, row.bytes());
        hash.as_bytes().iter().take(SEAL).copied().collect()
    }

    /// What stands for the row of this key and version in the sum of its table.
    pub(crate) fn share(&self, row: &Canon, version: i64) -> u128 {
        let mut hasher = blake3::Hasher::new_keyed(&self.sums);
        let hash = hasher.update(row.key()).update(&version.to_le_bytes()).finalize();
        let first = hash.as_bytes().first_chunk().copied();
        first.map_or(0, u128::from_le_bytes)
    }

    /// The key of `place`; a new one where the database is new as well.
    pub(crate) async fn open(place: &Place, link: &mut Link) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
        let Database::File(path) = &place.database else {
            if let Some(found) = of_server(link.row(OF_SERVER, []).await.map_err(failed)?)? {
                return Ok(found);
            }
            let new: Vec<u8> = link.value(CHANCE_OF_SERVER, []).await.map_err(failed)?;
            link.run(KEEP, [new.into()]).await.map_err(failed)?;
            let kept = of_server(link.row(OF_SERVER, []).await.map_err(failed)?)?;
            return kept.ok_or(OpenError::Key(KeyError::Gone { place: place.clone() }));
        };
        if let Some(found) = of_file(path)? {
            return Ok(found);
        }
        let used: bool = link.value(super::end::IS_USED, []).await.map_err(failed)?;
        if used {
            return Err(OpenError::Key(KeyError::Gone { place: place.clone() }));
        }
        let new: Vec<u8> = chance(link).await.map_err(failed)?;
        keep(path, &new)?;
        of_file(path)?.ok_or(OpenError::Key(KeyError::Gone { place: place.clone() }))
    }

    /// The key of `place`, for who only reads.
    pub(crate) fn read<'a>(
        place: &'a Place,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<Self, KeyError>> {
        async move {
            let found = match &place.database {
                Database::File(path) => of_file(path)?,
                Database::Server(_) => of_server(pool.row(OF_SERVER, []).await?)?,
            };
            found.ok_or(KeyError::Gone { place: place.clone() })
        }
        .boxed()
    }
}

fn of_server(row: Option<crate::link::Row>) -> Result<Option<Key>, KeyError> {
    let Some(row) = row else { return Ok(None) };
    let mut names = crate::cells::Names::default();
    let key: Vec<u8> = crate::cells::Cells::of_row("audit_key", &row, &mut names)?.take()?;
    let wrong = |_| KeyError::Wrong { place: "the table `audit_key`".to_owned() };
    key.try_into().map(|key| Some(Key::of(&key))).map_err(wrong)
}

fn of_file(database: &Path) -> Result<Option<Key>, KeyError> {
    let path = database.with_file_name(FILE);
    let wrong = || KeyError::Wrong { place: format!("`{}`", path.display()) };
    match plain_file::text(&path, plain_file::SMALL) {
        Ok(text) => {
            let key = blake3::Hash::from_hex(text.trim()).map_err(|_| wrong())?;
            Ok(Some(Key::of(key.as_bytes())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::File { path, source }),
    }
}

/// Keeps a new key in a file that nobody else reads.
fn keep(database: &Path, key: &[u8]) -> Result<(), KeyError> {
    let path = database.with_file_name(FILE);
    let draft = path.with_extension("key.draft");
    let write = || {
        let mut file = OpenOptions::new();
        let mut file = file.create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
        let key: [u8; 32] = key.try_into().map_err(|_| ErrorKind::InvalidData)?;
        writeln!(file, "{}", blake3::Hash::from_bytes(key).to_hex())?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    write().map_err(|source| KeyError::File { path: path.clone(), source })
}
