//! The journal's chain, and every decision that it names.

use std::sync::LazyLock;

use domain::{
    facts::EVENT_KINDS,
    journal::{Noted, PERSONAL},
    retention::Record,
};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::{
    Finding, Progress, Verified, VerifyError,
    pages::{self, Packed},
};
use crate::{
    binds::bound,
    cells::{Cells, Names},
    error::ReadError,
    link::{Dialect, Link, Row, first},
    reader::Reader,
    records::{DecisionRow, JournalRow, Part},
};

/// The lines and their decisions; that each value is of its kind is certain here.
pub(super) const LINES: &str = "SELECT
        true, j.daemon, j.seq, j.at, j.device, j.boot, j.device_seq, j.kind, j.noted, j.salt,
        j.seal, j.decision, j.content, j.hash, d.id, d.at, d.kind, d.device, d.direction,
        d.outcome, d.reason, d.consulted, d.tripped, d.rule_set, d.pseudonym, d.seal, d.salt,
        d.member, d.credential, d.body
    FROM journal j LEFT JOIN decision d ON d.id = j.decision ORDER BY j.daemon, j.seq";
/// The same, as SQLite packs them.
pub(super) static PACKED: LazyLock<Packed> = LazyLock::new(|| {
    let line = "i j.daemon, i j.seq, i j.at, t? j.device, i? j.boot, i? j.device_seq, t j.kind, \
        t? j.noted, b? j.salt, b? j.seal, b? j.decision, b? j.content, b j.hash";
    let decision = "b d.id, i d.at, t d.kind, t d.device, t d.direction, t d.outcome, t d.reason, \
        i d.consulted, i d.tripped, t d.rule_set, b? d.pseudonym, b d.seal, b? d.salt, \
        b? d.member, b? d.credential, t? d.body";
    let from = format!(
        "FROM journal j LEFT JOIN decision d ON d.id = j.decision
            WHERE j.daemon = $1 AND j.seq >= $2 ORDER BY j.seq LIMIT {}",
        pages::ROWS
    );
    Packed::new(("journal", "j"), [line, decision], &from)
});
pub(super) const ENDS: &str = "SELECT daemon, journal_seq, journal_hash FROM batch ORDER BY daemon";

pub(super) const DECISIONS: &str = "SELECT count(*) FROM decision";
pub(super) const STRANGERS: &str = "SELECT id FROM decision
    WHERE id NOT IN (SELECT decision FROM journal WHERE decision IS NOT NULL) LIMIT 100";

/// Where the walk is.
struct Walk<'a> {
    daemon: i64,
    seq: i64,
    hash: [u8; 32],
    /// Where the chains of the daemons before end.
    ends: Vec<(i64, i64, [u8; 32])>,
    forgotten: Forgotten,
    verified: Verified,
    progress: &'a Progress,
}

/// Walks along the journal of each daemon from its first line.
///
/// # Errors
/// [`VerifyError::Broken`] names the first line that is not what was written.
pub async fn chain(reader: &Reader) -> Result<Verified, VerifyError> {
    chain_with(reader, &Progress::default()).await
}

pub(super) async fn chain_with(
    reader: &Reader,
    progress: &Progress,
) -> Result<Verified, VerifyError> {
    let failed = ReadError::of("the journal");
    // One view of all of it, however long the walk takes and whatever is committed meanwhile.
    let mut view = reader.pool.view().await.map_err(&failed)?;
    let ends = super::ends(&mut view, ENDS).await?;
    let mut names = Names::default();
    let mut walk = Walk::new(progress);
    if view.dialect() == Dialect::Sqlite {
        pages::each(&mut view, &PACKED, &mut |cells| walk.row(cells)).await?;
    } else {
        let none = bound(view.dialect(), []).map_err(&failed)?;
        let mut rows = view.stream(LINES, none);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            walk.row(&mut Cells::of_row("journal", &row, &mut names)?)?;
        }
    }
    let verified = walk.reaches(ends)?;
    strangers(&mut view, verified.decisions).await?;
    Ok(verified)
}

/// Finds decisions that no line names, where there are more than the `named` ones.
async fn strangers(view: &mut Link, named: u64) -> Result<(), VerifyError> {
    let failed = ReadError::of("decisions");
    let all: i64 = view.value(DECISIONS, []).await.map_err(&failed)?;
    if all.cast_unsigned() == named {
        return Ok(());
    }
    let rows = view.rows(STRANGERS, []).await.map_err(&failed)?;
    let finding = |row: Row| {
        let id: Uuid = first(Some(row)).map_err(&failed)?;
        let why = "no line of the journal names it: Kari did not decide it".to_owned();
        Ok(Finding { table: "decision".to_owned(), row: Some(id.to_string()), why })
    };
    let found = rows.into_iter().map(finding).collect::<Result<_, ReadError>>()?;
    Err(VerifyError::Rows(found))
}

fn broken(seq: i64, why: impl Into<String>) -> VerifyError {
    VerifyError::Broken { seq: seq.cast_unsigned(), why: why.into() }
}

impl<'a> Walk<'a> {
    fn new(progress: &'a Progress) -> Self {
        let (ends, forgotten, verified) = (Vec::new(), Forgotten::default(), Verified::default());
        Self { daemon: 0, seq: 0, hash: [0; 32], ends, forgotten, verified, progress }
    }

    /// Looks at the next line and its decision.
    fn row(&mut self, cells: &mut Cells<'_, '_>) -> Result<(), VerifyError> {
        let of_their_kind: bool = cells.take()?;
        let line = JournalRow::read(cells)?;
        if !of_their_kind {
            let why = "a value of it or of its decision is of another kind";
            return Err(broken(line.seq, why));
        }
        self.step(&line)?;
        self.verified.lines += 1;
        self.progress.step();
        self.forgotten.line(&line)?;
        let decided = check_decision(&line, cells, &mut self.forgotten)?;
        self.verified.decisions += u64::from(decided);
        Ok(())
    }

    fn step(&mut self, line: &JournalRow<'_>) -> Result<(), VerifyError> {
        if line.daemon != self.daemon {
            self.close();
            (self.daemon, self.seq, self.hash) = (line.daemon, 0, [0; 32]);
        }
        if line.seq != self.seq + 1 {
            return Err(broken(self.seq + 1, "it is missing"));
        }
        self.seq = line.seq;
        self.hash = line.chained(&self.hash);
        if *line.hash != self.hash {
            return Err(broken(line.seq, "its hash does not follow from what it says"));
        }
        Ok(())
    }

    /// The chain of the daemon is read to its end.
    fn close(&mut self) {
        if self.seq > 0 {
            self.ends.push((self.daemon, self.seq, self.hash));
        }
    }

    /// Each chain ends where the last batch of its daemon says, and no other is there.
    fn reaches(mut self, ends: Vec<(i64, i64, Vec<u8>)>) -> Result<Verified, VerifyError> {
        self.close();
        self.verified.forgotten = self.forgotten.judged()?;
        for (daemon, seq, hash) in ends {
            let found = self.ends.iter().position(|(of, ..)| *of == daemon);
            let (_, last, found) = found.map_or((daemon, 0, [0; 32]), |at| self.ends.remove(at));
            if (last, found.as_slice()) != (seq, hash.as_slice()) {
                let why = match last > seq {
                    true => "lines were added behind the end of the journal",
                    false => "the end of the journal is not there",
                };
                return Err(broken(seq.max(last), why));
            }
        }
        match self.ends.first() {
            Some((daemon, seq, _)) => {
                Err(broken(*seq, format!("the last batch of daemon {daemon} is not there")))
            }
            None => Ok(self.verified),
        }
    }
}

/// Whether the line names a decision, which then must be the one that was made.
fn check_decision(
    line: &JournalRow<'_>,
    cells: &mut Cells<'_, '_>,
    forgotten: &mut Forgotten,
) -> Result<bool, VerifyError> {
    let Some(named) = line.decision else { return Ok(false) };
    let Some(found) = cells.take::<Option<Uuid>>()? else {
        return Err(broken(line.seq, format!("its decision `{named}` is missing")));
    };
    let decision = DecisionRow::read(found, cells)?;
    let part = decision.part();
    if line.content.as_deref() != Some(&decision.content()) || part == Part::Changed {
        return Err(broken(
            line.seq,
            format!("its decision `{named}` is not the one that was made"),
        ));
    }
    if part == Part::Forgotten {
        let (kind, at) = decision.kind_and_time();
        let known = EVENT_KINDS.iter().find(|known| known.name() == kind);
        forgotten.found(line.seq, at, known.map(|known| known.record()));
    }
    Ok(true)
}

/// What no longer tells who it was about, and what the journal says of it.
#[derive(Default)]
struct Forgotten {
    rows: u64,
    /// The latest of each kind of record, and the line that names it.
    latest: [Option<(i64, i64)>; 2],
    /// Until when the journal says that records of each kind were forgotten.
    before: [i64; 2],
}

impl Forgotten {
    fn line(&mut self, line: &JournalRow<'_>) -> Result<(), VerifyError> {
        match line.part() {
            Part::Changed => return Err(broken(line.seq, "what it notes is not what was written")),
            Part::Forgotten => {
                let known = PERSONAL.iter().find(|(kind, _)| *kind == line.kind);
                self.found(line.seq, line.at, known.map(|(_, record)| *record));
            }
            Part::There => {}
        }
        let noted = line.noted.as_deref().filter(|_| line.kind == "pseudonymised");
        let noted = noted.and_then(|noted| serde_json::from_str(noted).ok());
        if let Some(Noted::Pseudonymised { movements, audit }) = noted {
            let [known_movements, known_audit] = &mut self.before;
            *known_movements = movements.micros().max(*known_movements);
            *known_audit = audit.micros().max(*known_audit);
        }
        Ok(())
    }

    /// A row of time `at`; of a kind that is never forgotten it counts as the latest of all.
    fn found(&mut self, seq: i64, at: i64, record: Option<Record>) {
        self.rows += 1;
        let at = if record.is_some() { at } else { i64::MAX };
        let place = usize::from(record == Some(Record::Audit));
        self.latest[place] = self.latest[place].max(Some((at, seq)));
    }

    /// How many rows there are, where each is older than the journal says.
    fn judged(&self) -> Result<u64, VerifyError> {
        for (latest, before) in self.latest.iter().zip(self.before) {
            if let Some((at, seq)) = latest
                && *at >= before
            {
                let why = "who it was about is gone, and no line says that it was to be forgotten";
                return Err(broken(*seq, why));
            }
        }
        Ok(self.rows)
    }
}
