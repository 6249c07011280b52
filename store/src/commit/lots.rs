//! A batch as lots: the rows of one table that are written in the same way.

use domain::layered::Change;

use super::compare::Compared;
use crate::{
    Sealed,
    audit::{Key, Sums},
    binds::{Binds, Bound},
    ledger::{self, POSTING, RECEIPT, TRANSACTION},
    link::Dialect,
    people::{self, HISTORY, PERSON, PERSON_WORD},
    pseudonyms::PSEUDONYM_KEY,
    records::{DECISION, JOURNAL, OUTBOX, RULE_SET, Records},
    sheet::{Kinds, MOST_ROWS, Op, SMALL, Sheet, statement, whole},
    tables::{Stored, each_table},
};

/// Binds the row of a place.
type Bind<'a> = Box<dyn Fn(usize, &mut Binds) + 'a>;

/// Rows of one table.
pub(super) struct Lot<'a> {
    sheet: Sheet,
    op: Op,
    rows: usize,
    bind: Bind<'a>,
}

/// A text and its values.
pub(super) type Piece = (&'static str, Bound);

impl<'a> Lot<'a> {
    fn put<T>(sheet: Sheet, rows: &'a [T], bind: impl Fn(&'a T, &mut Binds) + 'a) -> Self {
        let bind = move |place: usize, to: &mut Binds| {
            if let Some(row) = rows.get(place) {
                bind(row, to);
            }
        };
        Self { sheet, op: Op::Put, rows: rows.len(), bind: Box::new(bind) }
    }

    /// Binds the rows of `range`, and nulls up to `size`.
    fn bind(&self, range: std::ops::Range<usize>, size: usize, to: &mut Binds) {
        let bound = range.len();
        to.rows(self.sheet.width(self.op));
        range.for_each(|place| to.row((&self.sheet, self.op), |to| (self.bind)(place, to)));
        to.nulls((size - bound) * self.sheet.width(self.op));
    }

    /// All its rows.
    fn bind_all(&self, to: &mut Binds) {
        self.bind(0..self.rows, self.rows, to);
    }
}

/// The lots of a batch that have rows, in the order in which they are written, each with its place
/// among all lots.
pub(super) fn lots<'a>(
    daemon: i64,
    sealed: &'a Sealed,
    records: &'a Records<'_>,
) -> Vec<(u32, Lot<'a>)> {
    let over = Lot {
        sheet: OUTBOX,
        op: Op::Delete,
        rows: records.over.len(),
        bind: Box::new(|place, to| {
            if let Some(id) = records.over.get(place) {
                to.id(*id);
            }
        }),
    };
    let mut lots = vec![
        over,
        Lot::put(DECISION, &records.decisions, |row, to| row.bind(to)),
        Lot::put(JOURNAL, &records.journal, |row, to| row.bind(to)),
        Lot::put(OUTBOX, &records.outbox, move |(command, action), to| {
            to.id(command.id.0);
            to.int(daemon);
            to.text(command.device.as_str());
            to.add(command.decision.map(|decision| decision.0));
            to.at(command.issued);
            to.int(command.ttl.0);
            to.bits(command.epoch);
            to.at(command.issued.plus(command.ttl));
            to.text(action.as_str());
        }),
        Lot::put(PSEUDONYM_KEY, &records.keys, |(day, key), to| {
            to.int(*day);
            to.add(key.clone());
        }),
        Lot::put(RULE_SET, &records.rule_sets, |(hash, version, texts), to| {
            to.text(*hash);
            to.int(*version);
            to.text(texts.as_str());
            to.at(sealed.committed_at);
        }),
    ];
    lots.extend(of_people(records));
    macro_rules! states {
        ($($table:ident),*) => {$(
            lots.push(removed(&sealed.changes.$table));
            lots.push(changed(&sealed.changes.$table));
        )*};
    }
    each_table!(states);
    lots.push(Lot::put(POSTING, &records.postings, |row, to| row.bind(to)));
    lots.push(Lot::put(TRANSACTION, &records.transactions, |row, to| row.bind(to)));
    lots.push(Lot::put(RECEIPT, &sealed.batch.receipts, ledger::bind_receipt));
    (0..).zip(lots).filter(|(_, lot)| lot.rows > 0).collect()
}

/// What is known of people and of what they carried.
fn of_people<'a>(records: &'a Records<'_>) -> [Lot<'a>; 4] {
    [
        Lot::put(PERSON, &records.people.people, |(member, version, person), to| {
            to.id(member.0);
            to.int(*version);
            people::bind(person, to);
        }),
        Lot {
            sheet: PERSON_WORD,
            op: Op::Delete,
            rows: records.people.gone.len(),
            bind: Box::new(|place, to| {
                if let Some((word, member)) = records.people.gone.get(place) {
                    to.text(word.as_str());
                    to.id(member.0);
                }
            }),
        },
        Lot::put(PERSON_WORD, &records.people.new, |((word, member), what), to| {
            to.text(word.as_str());
            to.id(member.0);
            to.text(what.name());
        }),
        Lot::put(HISTORY, records.held, |(id, held), to| {
            to.id(id.0);
            people::bind_held(held, to);
        }),
    ]
}

/// The rows of a table that are gone. A row that came and went within one batch was never written.
fn removed<V: Stored>(changes: &[Change<V::Key, V>]) -> Lot<'_> {
    let rows: Vec<_> =
        changes.iter().filter(|row| row.value.is_none() && row.version > 1).collect();
    Lot {
        sheet: V::SHEET,
        op: Op::Delete,
        rows: rows.len(),
        bind: Box::new(move |place, to| {
            if let Some(row) = rows.get(place) {
                V::bind_key(&row.key, to);
                to.int(row.version - 1);
            }
        }),
    }
}

/// The rows of a table that are new or changed.
fn changed<V: Stored>(changes: &[Change<V::Key, V>]) -> Lot<'_> {
    let mut rows: Vec<_> =
        changes.iter().filter_map(|row| row.value.as_ref().map(|value| (row, value))).collect();
    rows.sort_by_key(|(_, value)| value.rank());
    Lot {
        sheet: V::SHEET,
        op: Op::Put,
        rows: rows.len(),
        bind: Box::new(move |place, to| {
            if let Some((row, value)) = rows.get(place) {
                V::bind_key(&row.key, to);
                to.int(row.version);
                value.bind(to);
            }
        }),
    }
}

/// How many rows `lots` have together.
pub(super) fn row_count(lots: &[(u32, Lot<'_>)]) -> i64 {
    lots.iter().map(|(_, lot)| i64::try_from(lot.rows).unwrap_or(i64::MAX)).sum()
}

/// One text for the whole of a small batch of SQLite, between `begin` and `end`, with the values of
/// `lots`, whose rows `key` seals.
pub(super) fn together(
    lots: &[(u32, Lot<'_>)],
    key: &Key,
    (begin, end): (&'static str, &'static str),
) -> Option<(&'static str, Binds)> {
    let fits = |events: usize| lots.iter().all(|(_, lot)| lot.rows <= events * lot.sheet.weight);
    let events = SMALL.into_iter().find(|events| fits(*events))?;
    let kinds = Kinds { events, lots: present(lots), compared: 0 };
    let text = whole(Dialect::Sqlite, kinds, || {
        let statements = lots.iter().map(|(_, lot)| {
            statement(Dialect::Sqlite, &lot.sheet, lot.op, events * lot.sheet.weight)
        });
        let parts: Vec<&str> = std::iter::once(begin).chain(statements).chain([end]).collect();
        parts.join(";\n")
    })?;
    let mut binds = Binds::with_room(Dialect::Sqlite, lots.len() * 16 * events).sealing(key);
    for (_, lot) in lots {
        lot.bind(0..lot.rows, events * lot.sheet.weight, &mut binds);
    }
    Some((text, binds))
}

/// One text for the whole of a batch of PostgreSQL, with the values of `lots` and `compared`: `end`
/// makes its last statement, from what the text counted and the place of its own first value.
///
/// The lots are written in their order, because the sum asks for one after the other.
pub(super) fn at_once(
    lots: &[(u32, Lot<'_>)],
    (compared, key): (&[(u32, Compared<'_>)], &Key),
    end: impl FnOnce(&Counted, usize) -> String,
) -> Option<(&'static str, Binds)> {
    let places = compared.iter().fold(0_u128, |bits, (place, _)| bits | 1 << place);
    let kinds = Kinds { events: 0, lots: present(lots), compared: places };
    let text = whole(Dialect::Postgres, kinds, || {
        let (mut first, mut written, mut differing) = (1, Vec::new(), Vec::new());
        for (place, lot) in lots {
            let text = lot.sheet.for_postgres(lot.op, first);
            first += lot.sheet.width(lot.op);
            written.push((format!("lot_{place}"), text));
        }
        for (_, table) in compared {
            differing.push(table.sheet.for_postgres(Op::Differ, first));
            first += table.sheet.width(Op::Differ);
        }
        let (names, texts): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        let with = names.iter().zip(texts);
        let with = with.map(|(name, text)| format!("{name} AS ({text} RETURNING 1)"));
        let sum = |parts: Vec<String>| match parts.is_empty() {
            true => "0".to_owned(),
            false => parts.join(" + "),
        };
        let counts = names.iter().map(|name| format!("(SELECT count(*) FROM {name})"));
        let counted = Counted {
            with: with.collect(),
            written: sum(counts.collect()),
            differing: sum(differing.iter().map(|text| format!("({text})")).collect()),
        };
        end(&counted, first)
    })?;
    let mut binds = Binds::new(Dialect::Postgres).sealing(key);
    lots.iter().for_each(|(_, lot)| lot.bind_all(&mut binds));
    compared.iter().for_each(|(_, table)| table.bind(&mut binds));
    binds.rows(0);
    Some((text, binds))
}

/// What a text for a whole batch counts.
pub(super) struct Counted {
    /// The statements that write, each with a name.
    pub(super) with: Vec<String>,
    /// How many rows they wrote.
    pub(super) written: String,
    /// How many rows are not what the batch takes them for.
    pub(super) differing: String,
}

fn present(lots: &[(u32, Lot<'_>)]) -> u128 {
    lots.iter().fold(0, |bits, (place, _)| bits | 1 << place)
}

/// The statements of `lots`, each of at most [`MOST_ROWS`] rows, and what they change of the sums.
pub(super) fn one_by_one(
    dialect: Dialect,
    lots: &[(u32, Lot<'_>)],
    key: &Key,
) -> Result<(Vec<Piece>, Sums), sqlx::Error> {
    let (mut pieces, mut sums) = (Vec::new(), Sums::default());
    for (_, lot) in lots {
        for from in (0..lot.rows).step_by(MOST_ROWS) {
            let range = from..lot.rows.min(from + MOST_ROWS);
            let size = match dialect {
                Dialect::Sqlite => lot.sheet.size_for(range.len()),
                Dialect::Postgres => range.len(),
            };
            let room = size * lot.sheet.width(lot.op);
            let mut binds = Binds::with_room(dialect, room).sealing(key);
            lot.bind(range, size, &mut binds);
            sums.join(&binds.sums());
            pieces.push((statement(dialect, &lot.sheet, lot.op, size), binds.done()?));
        }
    }
    Ok((pieces, sums))
}
