//! What the sealed tables hold together.
//!
//! A row stands in the sum of its table as a hash of key and version. When it changes, what stood
//! for it before is known without the row: its version is one less. So a batch works out the new
//! sums from what it writes, and nobody who has not the key can find other rows of the same sum.

use std::collections::BTreeMap;

use super::{Canon, Key, KeyName};
use crate::sheet::{Kind, Op, Sheet};

/// What the rows of one table come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How many there are.
    pub(crate) rows: i64,
    /// What stands for them, added up.
    pub(crate) sum: u128,
    /// Their keys, laid over each other.
    pub(crate) names: KeyName,
}

impl Sum {
    /// One row more.
    pub(crate) fn add(&mut self, share: u128, name: &KeyName) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(share);
        self.names.lay(name);
    }

    /// One row less.
    pub(crate) fn take(&mut self, share: u128, name: &KeyName) {
        self.rows -= 1;
        self.sum = self.sum.wrapping_sub(share);
        self.names.lay(name);
    }

    /// This one without what is in `other`.
    pub(crate) fn less(mut self, other: &Self) -> Self {
        self.rows -= other.rows;
        self.sum = self.sum.wrapping_sub(other.sum);
        self.names.lay(&other.names);
        self
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
        self.names.lay(&other.names);
    }
}

/// The sums of all tables, or what a batch changes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<&'static str, Sum>);

impl Sums {
    /// The sum of a table.
    pub(crate) fn of(&self, table: &str) -> Sum {
        self.0.get(table).copied().unwrap_or_default()
    }

    /// A row that `op` writes or deletes.
    pub(crate) fn count(&mut self, key: &Key, (sheet, op): (&Sheet, Op), row: &Canon) {
        let version = super::version(sheet, row);
        let sum = self.0.entry(sheet.name).or_default();
        let share = key.share(row, version);
        match op {
            Op::Delete => sum.take(share, &row.name()),
            _ if sheet.kind == Kind::State && version > 1 => {
                let before = key.share(row, version - 1);
                sum.sum = sum.sum.wrapping_add(share).wrapping_sub(before);
            }
            _ => sum.add(share, &row.name()),
        }
    }

    /// Adds what a batch changed.
    pub(crate) fn join(&mut self, changed: &Self) {
        for (table, sum) in &changed.0 {
            self.0.entry(table).or_default().join(sum);
        }
    }

    /// As bytes: each table with its name.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 80);
        for (table, sum) in self.0.iter().filter(|(_, sum)| **sum != Sum::default()) {
            bytes.push(u8::try_from(table.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(table.as_bytes());
            bytes.extend_from_slice(&sum.rows.to_le_bytes());
            bytes.extend_from_slice(&sum.sum.to_le_bytes());
            bytes.extend_from_slice(&sum.names.0);
        }
        bytes
    }

    /// Reads the bytes; nothing where they are no sums.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let (known, mut sums) = (super::sealed(), Self::default());
        while let Some((length, rest)) = bytes.split_first() {
            let (table, rest) = rest.split_at_checked(usize::from(*length))?;
            let table = known.iter().find(|sheet| sheet.name.as_bytes() == table)?.name;
            let (rows, rest) = rest.split_first_chunk()?;
            let (sum, rest) = rest.split_first_chunk()?;
            let (names, rest) = rest.split_first_chunk()?;
            let (rows, sum) = (i64::from_le_bytes(*rows), u128::from_le_bytes(*sum));
            sums.0.insert(table, Sum { rows, sum, names: KeyName(*names) });
            bytes = rest;
        }
        Some(sums)
    }
}
