//! A batch as lots: the rows of one table that are written in the same way.

use sqlx::sqlite::SqliteArguments;

use domain::layered::Change;

use crate::{
    Sealed,
    binds::Binds,
    ledger::{self, POSTING, RECEIPT, TRANSACTION},
    people::{self, HISTORY, PERSON, PERSON_WORD},
    records::{DECISION, JOURNAL, OUTBOX, RULE_SET, Records},
    sheet::{MOST_ROWS, Op, SMALL, Sheet, statement, whole},
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
pub(super) type Piece = (&'static str, SqliteArguments);

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
        range.for_each(|place| (self.bind)(place, to));
        to.nulls((size - bound) * self.sheet.width(self.op));
    }
}

/// The lots of a batch that have rows, in the order in which they are written, each with its place
/// among all lots.
pub(super) fn lots<'a>(sealed: &'a Sealed, records: &'a Records<'_>) -> Vec<(u32, Lot<'a>)> {
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
        Lot::put(OUTBOX, &records.outbox, |(command, action), to| {
            to.id(command.id.0);
            to.text(command.device.as_str());
            to.add(command.decision.map(|decision| decision.0));
            to.at(command.issued);
            to.int(command.ttl.0);
            to.bits(command.epoch);
            to.at(command.issued.plus(command.ttl));
            to.text(action.as_str());
        }),
        Lot::put(RULE_SET, &records.rule_sets, |(hash, texts), to| {
            to.text(*hash);
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
        Lot::put(PERSON, &records.people.people, |(member, person), to| {
            to.id(member.0);
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
            to.text(*what);
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

/// One text for the whole of a small batch, between `begin` and `end`, with the values of `lots`.
pub(super) fn together(
    lots: &[(u32, Lot<'_>)],
    begin: &'static str,
    end: &'static str,
) -> Option<(&'static str, Binds)> {
    let fits = |events: usize| lots.iter().all(|(_, lot)| lot.rows <= events * lot.sheet.weight);
    let events = SMALL.into_iter().find(|events| fits(*events))?;
    let present = lots.iter().fold(0_u128, |bits, (place, _)| bits | 1 << place);
    let text = whole(events, present, || {
        let statements =
            lots.iter().map(|(_, lot)| statement(&lot.sheet, lot.op, events * lot.sheet.weight));
        std::iter::once(begin).chain(statements).chain([end]).collect()
    })?;
    let mut binds = Binds::with_room(lots.len() * 16 * events);
    for (_, lot) in lots {
        lot.bind(0..lot.rows, events * lot.sheet.weight, &mut binds);
    }
    Some((text, binds))
}

/// The statements of `lots`, each of at most [`MOST_ROWS`] rows.
pub(super) fn one_by_one(lots: &[(u32, Lot<'_>)]) -> Result<Vec<Piece>, sqlx::Error> {
    let mut pieces = Vec::new();
    for (_, lot) in lots {
        for from in (0..lot.rows).step_by(MOST_ROWS) {
            let range = from..lot.rows.min(from + MOST_ROWS);
            let size = lot.sheet.size_for(range.len());
            let mut binds = Binds::with_room(size * lot.sheet.width(lot.op));
            lot.bind(range, size, &mut binds);
            pieces.push((statement(&lot.sheet, lot.op, size), binds.done()?));
        }
    }
    Ok(pieces)
}
