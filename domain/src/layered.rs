//! A table with the batch's overlay on top: reads see the batch, a lost batch leaves no trace.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};

/// A row with its version, which counts the changes of that row from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row<V> {
    version: u32,
    value: V,
}

/// One changed row of a batch, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<K, V> {
    /// The row's key.
    pub key: K,
    /// Its version after the change.
    pub version: u32,
    /// What it is now; `None` where the row is gone.
    pub value: Option<V>,
}

impl<K: Clone, V> Change<K, V> {
    /// The row before the change.
    pub(crate) fn before(&self) -> Read<K> {
        Read { key: self.key.clone(), version: self.version.saturating_sub(1) }
    }
    /// The row after the change.
    pub(crate) fn after(&self) -> Read<K> {
        let version = if self.value.is_some() { self.version } else { 0 };
        Read { key: self.key.clone(), version }
    }
}

/// One row that a batch read, for its validation inside the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read<K> {
    /// The row's key.
    pub key: K,
    /// The version that was read; 0 where there was no row.
    pub version: u32,
}

/// A table of the site's state: committed rows, and above them the rows of the batch being decided.
#[derive(Debug)]
pub struct Layered<K, V> {
    base: BTreeMap<K, Row<V>>,
    overlay: BTreeMap<K, (u32, Option<V>)>,
    reads: BTreeMap<K, u32>,
}

impl<K, V> Default for Layered<K, V> {
    fn default() -> Self {
        Self { base: BTreeMap::new(), overlay: BTreeMap::new(), reads: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Layered<K, V> {
    /// A table of committed rows: key, version, value.
    pub fn load(rows: impl IntoIterator<Item = (K, u32, V)>) -> Self {
        let row = |(key, version, value)| (key, Row { version, value });
        Self { base: rows.into_iter().map(row).collect(), ..Self::default() }
    }

    /// The row, remembered as read: the batch is valid only while the row has this version.
    pub fn read(&mut self, key: &K) -> Option<&V> {
        self.remember(key);
        self.peek(key)
    }

    /// The row, for views that decide nothing.
    #[must_use]
    pub fn peek(&self, key: &K) -> Option<&V> {
        match self.overlay.get(key) {
            Some((_, value)) => value.as_ref(),
            None => self.base.get(key).map(|row| &row.value),
        }
    }

    /// The row's version as the batch sees it; 0 where there is no row.
    #[must_use]
    pub fn version(&self, key: &K) -> u32 {
        let committed = || self.base.get(key).map_or(0, |row| row.version);
        self.overlay.get(key).map_or_else(committed, |(version, _)| *version)
    }

    /// The rows that the batch changed and did not remove.
    pub fn pending(&self) -> impl Iterator<Item = (&K, &V)> {
        self.overlay.iter().filter_map(|(key, (_, value))| Some((key, value.as_ref()?)))
    }

    /// Replaces the row.
    pub fn put(&mut self, key: K, value: V) {
        self.change(key, Some(value));
    }

    /// Removes the row.
    pub fn remove(&mut self, key: K) {
        self.change(key, None);
    }

    /// Remembers the version of a row that the batch depends on.
    fn remember(&mut self, key: &K) -> u32 {
        if let Some(version) = self.reads.get(key) {
            return *version;
        }
        let version = self.base.get(key).map_or(0, |row| row.version);
        self.reads.insert(key.clone(), version);
        version
    }

    fn change(&mut self, key: K, value: Option<V>) {
        let committed = self.remember(&key);
        self.overlay.insert(key, (committed + 1, value));
    }

    /// The rows from `from` to `to`, both included, in order.
    pub fn range(&self, from: K, to: K) -> impl Iterator<Item = (&K, &V)> {
        let keys = from..=to;
        let base = self.base.range(keys.clone()).map(|(key, row)| (key, Some(&row.value)));
        let over = self.overlay.range(keys).map(|(key, (_, value))| (key, value.as_ref()));
        merge(base, over)
    }

    /// All rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let base = self.base.iter().map(|(key, row)| (key, Some(&row.value)));
        let over = self.overlay.iter().map(|(key, (_, value))| (key, value.as_ref()));
        merge(base, over)
    }

    /// How many rows are committed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.base.len()
    }
    /// Whether there is no row, neither a committed one nor one of the batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.base.is_empty() && self.overlay.is_empty()
    }

    /// The changed rows of the batch.
    #[must_use]
    pub fn changes(&self) -> Vec<Change<K, V>> {
        let change = |(key, (version, value)): (&K, &(u32, Option<V>))| Change {
            key: key.clone(),
            version: *version,
            value: value.clone(),
        };
        self.overlay.iter().map(change).collect()
    }

    /// The rows that the batch read or changed, each with its committed version.
    #[must_use]
    pub fn reads(&self) -> Vec<Read<K>> {
        self.reads
            .iter()
            .map(|(key, version)| Read { key: key.clone(), version: *version })
            .collect()
    }

    /// Makes the batch's rows the committed ones.
    pub fn commit(&mut self) {
        self.reads.clear();
        for (key, (version, value)) in std::mem::take(&mut self.overlay) {
            match (value, self.base.entry(key)) {
                (Some(value), Entry::Occupied(mut row)) => *row.get_mut() = Row { version, value },
                (Some(value), Entry::Vacant(place)) => {
                    place.insert(Row { version, value });
                }
                (None, Entry::Occupied(row)) => {
                    row.remove();
                }
                (None, Entry::Vacant(_)) => {}
            }
        }
    }

    /// Forgets the batch.
    pub fn discard(&mut self) {
        self.reads.clear();
        self.overlay.clear();
    }

    /// Takes a row as somebody else committed it.
    pub fn reload(&mut self, key: K, row: Option<(u32, V)>) {
        match row {
            Some((version, value)) => self.base.insert(key, Row { version, value }),
            None => self.base.remove(&key),
        };
    }
}

/// Two ordered walks as one; where both have a key, the second speaks.
fn merge<'a, K: Ord + 'a, V: 'a>(
    base: impl Iterator<Item = (&'a K, Option<&'a V>)>,
    over: impl Iterator<Item = (&'a K, Option<&'a V>)>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    let (mut base, mut over) = (base.peekable(), over.peekable());
    std::iter::from_fn(move || {
        loop {
            let order = match (base.peek(), over.peek()) {
                (Some((left, _)), Some((right, _))) => left.cmp(right),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, _) => std::cmp::Ordering::Greater,
            };
            let next = match order {
                std::cmp::Ordering::Less => base.next(),
                std::cmp::Ordering::Greater => over.next(),
                std::cmp::Ordering::Equal => {
                    base.next();
                    over.next()
                }
            };
            match next {
                Some((key, Some(value))) => return Some((key, value)),
                Some((_, None)) => {}
                None => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_batch_leaves_no_trace_and_a_committed_one_counts_versions() {
        let mut table = Layered::load([("a", 3, 10), ("b", 1, 20)]);
        table.put("a", 11);
        table.remove("b");
        table.put("c", 30);
        assert_eq!(table.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), [("a", 11), ("c", 30)]);
        table.discard();
        assert_eq!(table.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), [("a", 10), ("b", 20)]);
        table.put("a", 12);
        table.put("a", 13);
        assert_eq!(table.changes(), [Change { key: "a", version: 4, value: Some(13) }]);
        table.commit();
        assert_eq!(table.peek(&"a"), Some(&13));
        assert_eq!(table.range("a", "a").count(), 1);
    }

    #[test]
    fn a_batch_remembers_what_it_read_and_what_it_changed_unread() {
        let mut table = Layered::load([("a", 3, 10)]);
        table.read(&"a");
        table.read(&"x");
        table.put("y", 1);
        table.read(&"y");
        let versions: Vec<_> = table.reads().iter().map(|read| (read.key, read.version)).collect();
        assert_eq!(versions, [("a", 3), ("x", 0), ("y", 0)]);
    }
}
