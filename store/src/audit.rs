//! What binds every row to the batch that wrote it, beside the chains of journal and ledger.
//!
//! Each row has a **seal**: a hash of the whole row under a key that is not in the file. For each
//! table there is a **sum**: of what stands for the key and version of each row, under a second
//! key. The sums stand in the row of the batch, beside the ends of the chains and under a seal of
//! its own. So a changed row is known by its seal; one that is missing, was added or is older than
//! what was written last, by the sum of its table. The **heads**, which are kept outside the
//! database, know a database that is shorter or older as a whole.

mod canon;
mod end;
pub mod heads;
mod key;
mod sums;

pub(crate) use canon::{Canon, KeyName};
pub(crate) use end::{EACH, End, OF_DAEMON, REWRITE, latest};
pub(crate) use key::Key;
pub(crate) use sums::{Sum, Sums};

#[cfg(test)]
pub(crate) use end::STATEMENTS;

use std::sync::LazyLock;

use crate::{
    people::HISTORY,
    pseudonyms::PSEUDONYM_KEY,
    sheet::{Kind, Sheet},
};

/// The tables whose rows the chains hold, and the words, which are made of the people.
const OTHERWISE: [&str; 5] =
    ["journal", "decision", "ledger_transaction", "posting", "person_word"];

/// Whether the rows of a table are sealed.
pub(crate) fn is_sealed(sheet: &Sheet) -> bool {
    !OTHERWISE.contains(&sheet.name)
}

/// The tables whose rows are sealed.
pub(crate) fn sealed() -> &'static [Sheet] {
    static SEALED: LazyLock<Vec<Sheet>> = LazyLock::new(|| {
        let mut sheets = crate::reader::sheets();
        sheets.push(PSEUDONYM_KEY);
        sheets.retain(is_sealed);
        sheets
    });
    &SEALED
}

/// The version that stands for a row in the sum of its table: rows that have none count as the
/// first.
pub(crate) fn version(sheet: &Sheet, row: &Canon) -> i64 {
    if sheet.kind == Kind::State { row.version() } else { 1 }
}

/// The seal of a daemon's own row.
pub(crate) fn daemon_seal(key: &Key, id: i64, epoch: i64) -> Vec<u8> {
    let mut row = Canon::default();
    row.begin("daemon", 1);
    row.int(id);
    row.int(epoch);
    key.seal(&row)
}

/// The seal of a line of the history of credentials that was forgotten: what `row` has, and
/// nothing of people.
pub(crate) fn forgotten_seal(key: &Key, bind: impl FnOnce(&mut Canon)) -> Vec<u8> {
    let mut row = Canon::default();
    row.begin(HISTORY.name, HISTORY.keys.len());
    bind(&mut row);
    (0..3).for_each(|_| row.null());
    key.seal(&row)
}
