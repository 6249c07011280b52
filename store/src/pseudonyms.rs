//! Pseudonyms of people, and the seals of what is forgotten later.
//!
//! A person has one pseudonym for a day of UTC: the hash of the member's id under that day's key.
//! The key goes when the day is over for good, so that nobody can compute it again; the pseudonym
//! stays in the record, under the chain. What tells of the person is sealed by a hash with a salt
//! of its own. Both go together; the seal stays, so that the chain holds and tells nothing.

use std::collections::BTreeMap;

use domain::{retention::DAY, time::Timestamp};
use uuid::Uuid;

use crate::{
    link::{Dialect, Link, first},
    records::append,
    sheet::Sheet,
};

/// The keys of the last days, which the first batch of a day brings along.
pub(crate) const PSEUDONYM_KEY: Sheet = append("pseudonym_key", &["day"], &["key"], 1);

/// A key of 32 bytes that nobody can guess: the database makes it, from chance of its machine.
pub(crate) const CHANCE: &str = "SELECT randomblob(32)";
pub(crate) const CHANCE_OF_SERVER: &str =
    "SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
        || uuid_send(gen_random_uuid()))";
/// The day's key where there is one already, made by another run or daemon.
const KEY_OF: &str = "SELECT key FROM pseudonym_key WHERE day = $1";
const DAYS_OVER: &str = "SELECT day FROM pseudonym_key WHERE day < $1";
const KEYS_OVER: &str = "DELETE FROM pseudonym_key WHERE day < $1";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [KEY_OF, DAYS_OVER, KEYS_OVER];
/// How many days a key is kept beside today's: devices may be a day late, and as much ahead.
const DAYS_KEPT: i64 = 2;

/// What pseudonyms and salts of this run are made with.
#[derive(Debug)]
pub(crate) struct Pseudonyms {
    salts: [u8; 32],
    days: BTreeMap<i64, [u8; 32]>,
    /// Those that are new, and come with the next batch.
    new: Vec<(i64, Vec<u8>)>,
}

impl Pseudonyms {
    /// New ones for a run.
    pub(crate) async fn open(link: &mut Link) -> Result<Self, sqlx::Error> {
        Ok(Self { salts: key(chance(link).await?)?, days: BTreeMap::new(), new: Vec::new() })
    }

    /// The days of `instants` whose key is not known yet.
    pub(crate) fn unknown(&self, instants: impl Iterator<Item = Timestamp>) -> Vec<i64> {
        let mut days: Vec<i64> =
            instants.map(day_of).filter(|day| !self.days.contains_key(day)).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Reads the key of a day, or makes it.
    pub(crate) async fn learn(&mut self, day: i64, link: &mut Link) -> Result<(), sqlx::Error> {
        let found = match link.row(KEY_OF, [day.into()]).await? {
            Some(row) => first(Some(row))?,
            None => {
                let new = chance(link).await?;
                self.new.push((day, new.clone()));
                new
            }
        };
        self.days.insert(day, key(found)?);
        Ok(())
    }

    /// The keys that the next batch brings along.
    pub(crate) fn new_keys(&self) -> &[(i64, Vec<u8>)] {
        &self.new
    }

    /// The batch is durable, and the new keys with it.
    pub(crate) fn committed(&mut self) {
        self.new.clear();
    }

    /// The keys of this run's days may not be durable: they are read again.
    pub(crate) fn doubt(&mut self) {
        self.days.clear();
        self.new.clear();
    }

    /// Forgets the keys of days that are over for good at `now`; which days those were.
    pub(crate) async fn forget(
        &mut self,
        now: Timestamp,
        link: &mut Link,
    ) -> Result<Vec<i64>, sqlx::Error> {
        let oldest = day_of(now) - DAYS_KEPT;
        self.days.retain(|day, _| *day >= oldest);
        let rows = link.rows(DAYS_OVER, [oldest.into()]).await?;
        let days = rows.into_iter().map(|row| first(Some(row))).collect::<Result<_, _>>()?;
        link.run(KEYS_OVER, [oldest.into()]).await?;
        Ok(days)
    }

    /// What stands for `member` on the day of `at`; nothing where that day's key was not learnt.
    pub(crate) fn of(&self, member: Uuid, at: Timestamp) -> Option<Vec<u8>> {
        let key = self.days.get(&day_of(at))?;
        Some(blake3::keyed_hash(key, member.as_bytes()).as_bytes()[..16].to_vec())
    }

    /// The salt of the record of this id; nobody can compute it again after this run.
    pub(crate) fn salt(&self, record: &[u8]) -> Vec<u8> {
        blake3::keyed_hash(&self.salts, record).as_bytes()[..16].to_vec()
    }
}

/// Bytes that nobody can guess.
pub(crate) async fn chance(link: &mut Link) -> Result<Vec<u8>, sqlx::Error> {
    let text = match link.dialect() {
        Dialect::Sqlite => CHANCE,
        Dialect::Postgres => CHANCE_OF_SERVER,
    };
    link.value(text, []).await
}

const fn day_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(DAY.0)
}

fn key(bytes: Vec<u8>) -> Result<[u8; 32], sqlx::Error> {
    let wrong = |bytes: Vec<u8>| format!("a key has {} bytes, not 32", bytes.len());
    bytes.try_into().map_err(|bytes| sqlx::Error::Decode(wrong(bytes).into()))
}
