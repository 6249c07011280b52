//! What a batch adds to the records: journal lines with their chain, decisions, ledger, outbox,
//! rule sets.

use std::collections::HashMap;

use uuid::Uuid;

use domain::{
    command::Command,
    decision::Decision,
    event::Direction,
    ids::DecisionId,
    state::{Batch, Entry, Noted, Posting, Transaction},
};

use crate::{
    Head, Sealed,
    binds::Binds,
    cells::Cells,
    error::{CommitError, ReadError},
    sheet::{Kind, Sheet},
};

const fn append(
    name: &'static str,
    keys: &'static [&'static str],
    values: &'static [&'static str],
    weight: usize,
) -> Sheet {
    Sheet { name, keys, values, ids: &[], kind: Kind::Append, weight }
}

/// Lines of the journal.
pub(crate) const JOURNAL: Sheet = append(
    "journal",
    &["daemon", "seq"],
    &["at", "device", "boot", "device_seq", "noted", "decision", "content", "hash"],
    2,
);
/// Decisions.
pub(crate) const DECISION: Sheet = append(
    "decision",
    &["id"],
    &[
        "at",
        "kind",
        "device",
        "direction",
        "outcome",
        "reason",
        "member",
        "credential",
        "consulted",
        "tripped",
        "rule_set",
        "body",
    ],
    1,
);
/// Postings, which come before their transaction.
pub(crate) const POSTING: Sheet =
    append("posting", &["transaction_id", "line"], &["account", "amount"], 2);
/// Transactions of the ledger.
pub(crate) const TRANSACTION: Sheet =
    append("ledger_transaction", &["id"], &["at", "charge_key"], 1);
/// Commands that leave after the commit.
pub(crate) const OUTBOX: Sheet = append(
    "outbox",
    &["id"],
    &["device", "decision", "issued", "ttl", "epoch", "expires", "action"],
    2,
);
/// Names and phones.
pub(crate) const PERSON: Sheet = Sheet {
    name: "person",
    keys: &["member"],
    values: &["name", "name_latin", "phone"],
    ids: &[],
    kind: Kind::Replace,
    weight: 1,
};
/// Texts of rule sets.
pub(crate) const RULE_SET: Sheet = Sheet {
    name: "rule_set",
    keys: &["hash"],
    values: &["texts", "live_at"],
    ids: &[],
    kind: Kind::Replace,
    weight: 1,
};

/// Hashes the values of a row: each with its kind and length, so that no two rows look the same.
struct Fields(blake3::Hasher);

impl Fields {
    fn bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            None => self.0.update(&[0]),
            Some(bytes) => {
                self.0.update(&[1]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes)
            }
        };
        self
    }
    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(Some(text.as_bytes()))
    }
    fn int(&mut self, number: Option<i64>) -> &mut Self {
        self.bytes(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }
    fn id(&mut self, id: Option<Uuid>) -> &mut Self {
        self.bytes(id.as_ref().map(|id| id.as_bytes().as_slice()))
    }
    fn done(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// A line of the journal as the database keeps it.
#[derive(Debug)]
pub(crate) struct JournalRow {
    /// Whose chain it is.
    pub(crate) daemon: i64,
    /// Its place there, from 1.
    pub(crate) seq: i64,
    at: i64,
    device: Option<String>,
    boot: Option<i64>,
    device_seq: Option<i64>,
    noted: String,
    /// The decision that it records.
    pub(crate) decision: Option<Uuid>,
    /// The hash of that decision's row.
    pub(crate) content: Option<Vec<u8>>,
    /// The hash of the line before and of this one.
    pub(crate) hash: Vec<u8>,
}

impl JournalRow {
    /// What the hash of this line must be after a line of hash `before`.
    pub(crate) fn chained(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut fields = Fields(blake3::Hasher::new());
        fields.bytes(Some(before)).int(Some(self.daemon)).int(Some(self.seq)).int(Some(self.at));
        fields.bytes(self.device.as_ref().map(String::as_bytes));
        fields.int(self.boot).int(self.device_seq).text(&self.noted);
        fields.id(self.decision).bytes(self.content.as_deref()).done()
    }

    pub(crate) fn bind(&self, to: &mut Binds) {
        to.int(self.daemon);
        to.int(self.seq);
        to.int(self.at);
        to.add(self.device.clone());
        to.add(self.boot);
        to.add(self.device_seq);
        to.text(self.noted.as_str());
        to.add(self.decision);
        to.add(self.content.clone());
        to.add(self.hash.clone());
    }

    /// Reads the columns of [`JOURNAL`].
    pub(crate) fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            daemon: from.take()?,
            seq: from.take()?,
            at: from.take()?,
            device: from.take()?,
            boot: from.take()?,
            device_seq: from.take()?,
            noted: from.take()?,
            decision: from.take()?,
            content: from.take()?,
            hash: from.take()?,
        })
    }
}

/// A decision as the database keeps it.
#[derive(Debug)]
pub(crate) struct DecisionRow {
    id: Uuid,
    at: i64,
    kind: String,
    device: String,
    direction: String,
    outcome: String,
    reason: String,
    member: Option<Uuid>,
    credential: Option<Uuid>,
    consulted: i64,
    tripped: i64,
    rule_set: String,
    body: String,
}

impl DecisionRow {
    fn of(decision: &Decision) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: decision.id.0,
            at: decision.at.micros(),
            kind: decision.kind.name().to_owned(),
            device: decision.device.to_string(),
            direction: decision.direction.map_or("", Direction::name).to_owned(),
            outcome: decision.verdict.outcome.name().to_owned(),
            reason: decision.verdict.primary().code().to_owned(),
            member: decision.member.map(|member| member.0),
            credential: decision.credential.map(|credential| credential.0),
            consulted: decision.verdict.consulted.0.cast_signed(),
            tripped: decision.verdict.tripped.0.cast_signed(),
            rule_set: decision.rule_set.clone(),
            body: serde_json::to_string(decision)?,
        })
    }

    /// The hash of the whole row.
    pub(crate) fn content(&self) -> [u8; 32] {
        let mut fields = Fields(blake3::Hasher::new());
        fields.id(Some(self.id)).int(Some(self.at)).text(&self.kind).text(&self.device);
        fields.text(&self.direction).text(&self.outcome).text(&self.reason);
        fields.id(self.member).id(self.credential);
        fields.int(Some(self.consulted)).int(Some(self.tripped));
        fields.text(&self.rule_set).text(&self.body).done()
    }

    pub(crate) fn bind(&self, to: &mut Binds) {
        to.id(self.id);
        to.int(self.at);
        for text in [&self.kind, &self.device, &self.direction, &self.outcome, &self.reason] {
            to.text(text.as_str());
        }
        to.add(self.member);
        to.add(self.credential);
        to.int(self.consulted);
        to.int(self.tripped);
        to.text(self.rule_set.as_str());
        to.text(self.body.as_str());
    }

    /// Reads the columns of [`DECISION`] after its `id`.
    pub(crate) fn read(id: Uuid, from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            id,
            at: from.take()?,
            kind: from.take()?,
            device: from.take()?,
            direction: from.take()?,
            outcome: from.take()?,
            reason: from.take()?,
            member: from.take()?,
            credential: from.take()?,
            consulted: from.take()?,
            tripped: from.take()?,
            rule_set: from.take()?,
            body: from.take()?,
        })
    }
}

/// The records of one batch, ready to be bound.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    pub(crate) journal: Vec<JournalRow>,
    pub(crate) decisions: Vec<DecisionRow>,
    pub(crate) outbox: Vec<(&'a Command, String)>,
    pub(crate) rule_sets: Vec<(&'a str, String)>,
    pub(crate) transactions: &'a [Transaction],
    pub(crate) postings: Vec<(Uuid, i64, Posting)>,
    /// Commands that leave the outbox because their time is over.
    pub(crate) over: Vec<Uuid>,
    /// The end of the journal after them.
    pub(crate) head: Head,
}

impl<'a> Records<'a> {
    /// The records of `sealed`, with the journal going on after `head`; the commands of `over` go.
    pub(crate) fn of(
        daemon: i64,
        head: Head,
        sealed: &'a Sealed,
        over: Vec<Uuid>,
    ) -> Result<Self, CommitError> {
        let batch = &sealed.batch;
        let decisions = decision_rows(batch).map_err(CommitError::refused)?;
        let contents: HashMap<Uuid, [u8; 32]> =
            decisions.iter().map(|row| (row.id, row.content())).collect();
        let (journal, head) = chain(daemon, head, &batch.journal, &contents)?;
        let outbox = batch.commands.iter().map(|command| {
            let action = serde_json::to_string(&command.action);
            action.map(|action| (command, action))
        });
        let rule_sets = batch.rule_sets.iter().map(|(hash, texts)| {
            let texts = serde_json::to_string(texts);
            texts.map(|texts| (hash.as_str(), texts))
        });
        let lines = |transaction: &Transaction| {
            let id = transaction.id.0;
            let postings = transaction.postings.clone().into_iter().zip(1_i64..);
            postings.map(move |(posting, line)| (id, line, posting))
        };
        Ok(Self {
            journal,
            decisions,
            outbox: outbox.collect::<Result<_, _>>().map_err(CommitError::refused)?,
            rule_sets: rule_sets.collect::<Result<_, _>>().map_err(CommitError::refused)?,
            transactions: &batch.transactions,
            postings: batch.transactions.iter().flat_map(lines).collect(),
            over,
            head,
        })
    }
}

fn decision_rows(batch: &Batch) -> Result<Vec<DecisionRow>, serde_json::Error> {
    batch.decisions.iter().map(DecisionRow::of).collect()
}

/// The lines of `entries` after `head`, and the new end of the journal.
fn chain(
    daemon: i64,
    mut head: Head,
    entries: &[Entry],
    contents: &HashMap<Uuid, [u8; 32]>,
) -> Result<(Vec<JournalRow>, Head), CommitError> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        head.seq += 1;
        let decided = match entry.noted {
            Noted::Decided { decision: DecisionId(id), .. } => Some(id),
            _ => None,
        };
        let content = decided.and_then(|id| contents.get(&id));
        if let (Some(id), None) = (decided, content) {
            let why = format!("the journal names the decision `{id}`, which is not in its batch");
            return Err(CommitError::refused(why));
        }
        let mut row = JournalRow {
            daemon,
            seq: head.seq.cast_signed(),
            at: entry.at.micros(),
            device: entry.device.as_ref().map(ToString::to_string),
            boot: entry.source.map(|(boot, _)| boot.cast_signed()),
            device_seq: entry.source.map(|(_, seq)| seq.cast_signed()),
            noted: serde_json::to_string(&entry.noted).map_err(CommitError::refused)?,
            decision: decided,
            content: content.map(|hash| hash.to_vec()),
            hash: Vec::new(),
        };
        head.hash = row.chained(&head.hash);
        row.hash = head.hash.to_vec();
        rows.push(row);
    }
    Ok((rows, head))
}
