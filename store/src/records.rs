//! What a batch adds to the records: journal lines with their chain, decisions, ledger, outbox,
//! rule sets.

use std::{borrow::Cow, collections::HashMap};

use uuid::Uuid;

use domain::{
    command::Command,
    decision::Decision,
    event::Direction,
    ids::{DecisionId, HeldId, MemberId},
    journal::PERSONAL,
    rows::Held,
    state::{Entry, Noted},
};

use crate::{
    Ends, Head, Sealed,
    binds::Binds,
    cells::Cells,
    error::{CommitError, ReadError},
    ledger::{self, PostingRow, TransactionRow},
    people::Words,
    pseudonyms::Pseudonyms,
    sheet::{Kind, Sheet},
};

pub(crate) const fn append(
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
    &[
        "at",
        "device",
        "boot",
        "device_seq",
        "kind",
        "noted",
        "salt",
        "seal",
        "decision",
        "content",
        "hash",
    ],
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
        "consulted",
        "tripped",
        "rule_set",
        "pseudonym",
        "seal",
        "salt",
        "member",
        "credential",
        "body",
    ],
    1,
);
/// Commands that leave after the commit.
pub(crate) const OUTBOX: Sheet = append(
    "outbox",
    &["id"],
    &["daemon", "device", "decision", "issued", "ttl", "epoch", "expires", "action"],
    2,
);
/// Texts of rule sets.
pub(crate) const RULE_SET: Sheet = Sheet {
    name: "rule_set",
    keys: &["hash"],
    values: &["texts", "live_at"],
    ids: &[],
    kind: Kind::State,
    weight: 1,
};

/// The versions of rows that no decision knows: people beside the rows that decide, and rule sets.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) people: HashMap<MemberId, u32>,
    pub(crate) rule_sets: HashMap<String, u32>,
}

/// The values of a row, to be hashed: each with its kind and length, so that no two rows look the
/// same. They are laid side by side first: hashing them at once takes half as long as bit by bit.
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(512))
    }
    pub(crate) fn bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        let Some(bytes) = bytes else {
            self.0.push(0);
            return self;
        };
        self.0.push(1);
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(Some(text.as_bytes()))
    }
    pub(crate) fn int(&mut self, number: Option<i64>) -> &mut Self {
        self.bytes(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }
    pub(crate) fn id(&mut self, id: Option<Uuid>) -> &mut Self {
        self.bytes(id.as_ref().map(|id| id.as_bytes().as_slice()))
    }
    pub(crate) fn done(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

/// A line of the journal as the database keeps it.
#[derive(Debug)]
pub(crate) struct JournalRow<'a> {
    /// Whose chain it is.
    pub(crate) daemon: i64,
    /// Its place there, from 1.
    pub(crate) seq: i64,
    /// Its effective time.
    pub(crate) at: i64,
    device: Option<Cow<'a, str>>,
    boot: Option<i64>,
    device_seq: Option<i64>,
    /// What kind of line it is.
    pub(crate) kind: Cow<'a, str>,
    /// Nothing once a line that told of people is forgotten.
    pub(crate) noted: Option<Cow<'a, str>>,
    salt: Option<Cow<'a, [u8]>>,
    /// The seal of a line that tells of people.
    seal: Option<Cow<'a, [u8]>>,
    /// The decision that it records.
    pub(crate) decision: Option<Uuid>,
    /// The hash of that decision's row.
    pub(crate) content: Option<Cow<'a, [u8]>>,
    /// The hash of the line before and of this one.
    pub(crate) hash: Cow<'a, [u8]>,
}

impl<'a> JournalRow<'a> {
    /// What the hash of this line must be after a line of hash `before`.
    pub(crate) fn chained(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut fields = Fields::new();
        fields.bytes(Some(before)).int(Some(self.daemon)).int(Some(self.seq)).int(Some(self.at));
        fields.bytes(self.device.as_deref().map(str::as_bytes));
        fields.int(self.boot).int(self.device_seq).text(&self.kind);
        // What tells of people is behind its seal, so that it can go.
        let noted = self.noted.as_deref().filter(|_| self.seal.is_none());
        fields.bytes(self.seal.as_deref()).bytes(noted.map(str::as_bytes));
        fields.id(self.decision).bytes(self.content.as_deref()).done()
    }

    /// What became of the part that tells of people.
    pub(crate) fn part(&self) -> Part {
        let noted = self.noted.as_deref();
        match (&self.seal, &self.salt) {
            (None, None) if noted.is_some() => Part::There,
            (Some(_), None) if noted.is_none() => Part::Forgotten,
            (Some(seal), Some(salt)) => {
                let noted = noted.unwrap_or_default();
                Part::held(**seal == seal_of(salt, |fields| _ = fields.text(noted)))
            }
            _ => Part::Changed,
        }
    }

    pub(crate) fn bind(&self, to: &mut Binds) {
        to.int(self.daemon);
        to.int(self.seq);
        to.int(self.at);
        to.add(self.device.as_deref().map(str::to_owned));
        to.add(self.boot);
        to.add(self.device_seq);
        to.text(&*self.kind);
        to.add(self.noted.as_deref().map(str::to_owned));
        to.add(self.salt.as_deref().map(<[u8]>::to_vec));
        to.add(self.seal.as_deref().map(<[u8]>::to_vec));
        to.add(self.decision);
        to.add(self.content.as_deref().map(<[u8]>::to_vec));
        to.add(self.hash.to_vec());
    }

    /// Reads the columns of [`JOURNAL`].
    pub(crate) fn read(from: &mut Cells<'a, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            daemon: from.take()?,
            seq: from.take()?,
            at: from.take()?,
            device: from.take()?,
            boot: from.take()?,
            device_seq: from.take()?,
            kind: from.take()?,
            noted: from.take()?,
            salt: from.take()?,
            seal: from.take()?,
            decision: from.take()?,
            content: from.take()?,
            hash: from.take()?,
        })
    }
}

/// A decision as the database keeps it.
#[derive(Debug)]
pub(crate) struct DecisionRow<'a> {
    id: Uuid,
    at: i64,
    kind: Cow<'a, str>,
    device: Cow<'a, str>,
    direction: Cow<'a, str>,
    outcome: Cow<'a, str>,
    reason: Cow<'a, str>,
    consulted: i64,
    tripped: i64,
    rule_set: Cow<'a, str>,
    pseudonym: Option<Cow<'a, [u8]>>,
    seal: Cow<'a, [u8]>,
    salt: Option<Cow<'a, [u8]>>,
    person: Person<'a>,
}

/// What a decision tells of people, which goes when it is forgotten.
#[derive(Debug, PartialEq, Eq)]
struct Person<'a> {
    member: Option<Uuid>,
    credential: Option<Uuid>,
    body: Option<Cow<'a, str>>,
}

impl Person<'_> {
    const FORGOTTEN: Self = Self { member: None, credential: None, body: None };

    fn sealed(&self, salt: &[u8]) -> [u8; 32] {
        seal_of(salt, |fields| {
            let body = self.body.as_deref().map(str::as_bytes);
            fields.id(self.member).id(self.credential).bytes(body);
        })
    }
}

/// What became of the part of a row that tells of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is what was written.
    There,
    /// It is gone, seal and all else as they were.
    Forgotten,
    /// It is something else.
    Changed,
}

impl Part {
    const fn held(holds: bool) -> Self {
        if holds { Self::There } else { Self::Changed }
    }
}

/// The seal of what `tell` hashes.
fn seal_of(salt: &[u8], tell: impl FnOnce(&mut Fields)) -> [u8; 32] {
    let mut fields = Fields::new();
    fields.bytes(Some(salt));
    tell(&mut fields);
    fields.done()
}

impl<'a> DecisionRow<'a> {
    fn of(decision: &'a Decision, pseudonyms: &Pseudonyms) -> Result<Self, serde_json::Error> {
        let member = decision.member.map(|member| member.0);
        let person = Person {
            member,
            credential: decision.credential.map(|credential| credential.0),
            body: Some(serde_json::to_string(decision)?.into()),
        };
        let salt = pseudonyms.salt(decision.id.0.as_bytes());
        Ok(Self {
            id: decision.id.0,
            at: decision.at.micros(),
            kind: decision.kind.name().into(),
            device: decision.device.as_str().into(),
            direction: decision.direction.map_or("", Direction::name).into(),
            outcome: decision.verdict.outcome.name().into(),
            reason: decision.verdict.primary().code().into(),
            consulted: decision.verdict.consulted.0.cast_signed(),
            tripped: decision.verdict.tripped.0.cast_signed(),
            rule_set: decision.rule_set.as_str().into(),
            pseudonym: member.and_then(|member| pseudonyms.of(member, decision.at)).map(Into::into),
            seal: person.sealed(&salt).to_vec().into(),
            salt: Some(salt.into()),
            person,
        })
    }

    /// The kind of event, and the time that it was decided for.
    pub(crate) fn kind_and_time(&self) -> (&str, i64) {
        (&self.kind, self.at)
    }

    /// What became of the part that tells of people.
    pub(crate) fn part(&self) -> Part {
        match &self.salt {
            Some(salt) => Part::held(*self.seal == self.person.sealed(salt)),
            None if self.person == Person::FORGOTTEN => Part::Forgotten,
            None => Part::Changed,
        }
    }

    /// The hash of the row, of what tells of people only its seal.
    pub(crate) fn content(&self) -> [u8; 32] {
        let mut fields = Fields::new();
        fields.id(Some(self.id)).int(Some(self.at)).text(&self.kind).text(&self.device);
        fields.text(&self.direction).text(&self.outcome).text(&self.reason);
        fields.int(Some(self.consulted)).int(Some(self.tripped)).text(&self.rule_set);
        fields.bytes(self.pseudonym.as_deref()).bytes(Some(&self.seal)).done()
    }

    pub(crate) fn bind(&self, to: &mut Binds) {
        to.id(self.id);
        to.int(self.at);
        for text in [&self.kind, &self.device, &self.direction, &self.outcome, &self.reason] {
            to.text(&**text);
        }
        to.int(self.consulted);
        to.int(self.tripped);
        to.text(&*self.rule_set);
        to.add(self.pseudonym.as_deref().map(<[u8]>::to_vec));
        to.add(self.seal.to_vec());
        to.add(self.salt.as_deref().map(<[u8]>::to_vec));
        to.add(self.person.member);
        to.add(self.person.credential);
        to.add(self.person.body.as_deref().map(str::to_owned));
    }

    /// Reads the columns of [`DECISION`] after its `id`.
    pub(crate) fn read(id: Uuid, from: &mut Cells<'a, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            id,
            at: from.take()?,
            kind: from.take()?,
            device: from.take()?,
            direction: from.take()?,
            outcome: from.take()?,
            reason: from.take()?,
            consulted: from.take()?,
            tripped: from.take()?,
            rule_set: from.take()?,
            pseudonym: from.take()?,
            seal: from.take()?,
            salt: from.take()?,
            person: Person { member: from.take()?, credential: from.take()?, body: from.take()? },
        })
    }
}

/// The records of one batch, ready to be bound.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    pub(crate) journal: Vec<JournalRow<'a>>,
    pub(crate) decisions: Vec<DecisionRow<'a>>,
    pub(crate) outbox: Vec<(&'a Command, String)>,
    /// Hash, version and texts.
    pub(crate) rule_sets: Vec<(&'a str, u32, String)>,
    /// New keys of days.
    pub(crate) keys: Vec<(i64, Vec<u8>)>,
    /// What is known of people, and the words that they are found by.
    pub(crate) people: Words<'a>,
    /// What became of credentials.
    pub(crate) held: &'a [(HeldId, Held)],
    pub(crate) transactions: Vec<TransactionRow>,
    pub(crate) postings: Vec<PostingRow>,
    /// Commands that leave the outbox because their time is over.
    pub(crate) over: Vec<Uuid>,
    /// The ends of the chains after them.
    pub(crate) ends: Ends,
}

impl<'a> Records<'a> {
    /// The records of `sealed`, with a daemon's chains going on after `ends`; the commands of
    /// `over` go.
    pub(crate) fn of(
        (daemon, ends): (i64, Ends),
        sealed: &'a Sealed,
        (over, known): (Vec<Uuid>, &Versions),
        pseudonyms: &Pseudonyms,
    ) -> Result<Self, CommitError> {
        let batch = &sealed.batch;
        let decisions = batch.decisions.iter().map(|row| DecisionRow::of(row, pseudonyms));
        let decisions: Vec<_> =
            decisions.collect::<Result<_, _>>().map_err(CommitError::refused)?;
        let contents: HashMap<Uuid, [u8; 32]> =
            decisions.iter().map(|row| (row.id, row.content())).collect();
        let (journal, end) = chain((daemon, ends.journal), &batch.journal, &contents, pseudonyms)?;
        let (transactions, postings, ledger) = ledger::chain((daemon, ends.ledger), batch);
        let outbox = batch.commands.iter().map(|command| {
            let action = serde_json::to_string(&command.action);
            action.map(|action| (command, action))
        });
        let rule_sets = batch.rule_sets.iter().map(|(hash, texts)| {
            let version = known.rule_sets.get(hash).copied().unwrap_or(0).saturating_add(1);
            let texts = serde_json::to_string(texts);
            texts.map(|texts| (hash.as_str(), version, texts))
        });
        Ok(Self {
            journal,
            decisions,
            outbox: outbox.collect::<Result<_, _>>().map_err(CommitError::refused)?,
            rule_sets: rule_sets.collect::<Result<_, _>>().map_err(CommitError::refused)?,
            keys: pseudonyms.new_keys().to_vec(),
            people: Words::of(batch, &known.people),
            held: &batch.held,
            transactions,
            postings,
            over,
            ends: Ends { journal: end, ledger },
        })
    }
}

/// The lines of `entries` after the end of a daemon's journal, and its new end.
fn chain<'a>(
    (daemon, mut head): (i64, Head),
    entries: &'a [Entry],
    contents: &HashMap<Uuid, [u8; 32]>,
    pseudonyms: &Pseudonyms,
) -> Result<(Vec<JournalRow<'a>>, Head), CommitError> {
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
        let kind = entry.noted.kind();
        let noted = serde_json::to_string(&entry.noted).map_err(CommitError::refused)?;
        let personal = PERSONAL.iter().any(|(name, _)| *name == kind);
        let salt = personal.then(|| pseudonyms.salt(&head.seq.to_le_bytes()));
        let seal = salt.as_ref().map(|salt| seal_of(salt, |fields| _ = fields.text(&noted)));
        let mut row = JournalRow {
            daemon,
            seq: head.seq.cast_signed(),
            at: entry.at.micros(),
            device: entry.device.as_ref().map(|device| device.as_str().into()),
            boot: entry.source.map(|(boot, _)| boot.cast_signed()),
            device_seq: entry.source.map(|(_, seq)| seq.cast_signed()),
            kind: kind.into(),
            noted: Some(noted.into()),
            salt: salt.map(Into::into),
            seal: seal.map(|seal| seal.to_vec().into()),
            decision: decided,
            content: content.map(|hash| hash.to_vec().into()),
            hash: Cow::Borrowed(&[]),
        };
        head.hash = row.chained(&head.hash);
        row.hash = head.hash.to_vec().into();
        rows.push(row);
    }
    Ok((rows, head))
}
