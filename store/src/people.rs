//! People beside the rows that decide: what is known of them, the words that they are found by, and
//! who held which band.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use domain::{
    ids::{CredentialId, DecisionId, ExemptionId, FamilyId, MemberId, OperatorId, PassId, Uid},
    rows::{Ban, Credential, Exemption, Family, Held, HeldEvent, Member, Pass, Person, WordKind},
    state::Batch,
};

use crate::{
    binds::{Binds, Value},
    cells::{Cells, Names},
    error::ReadError,
    reader::Reader,
    sheet::{Kind, Sheet},
    tables::Stored,
};

/// What is known of people.
pub(crate) const PERSON: Sheet = Sheet {
    name: "person",
    keys: &["member"],
    values: &[
        "name",
        "name_latin",
        "folded",
        "phones",
        "email",
        "photo",
        "notes",
        "documents",
        "pickups",
    ],
    ids: &["member"],
    kind: Kind::State,
    weight: 1,
};
/// The words that they are found by.
pub(crate) const PERSON_WORD: Sheet = Sheet {
    name: "person_word",
    keys: &["word", "member"],
    values: &["what"],
    ids: &[],
    kind: Kind::Replace,
    weight: 8,
};
/// Who held which credential.
pub(crate) const HISTORY: Sheet = Sheet {
    name: "credential_history",
    keys: &["id"],
    values: &["uid", "credential", "at", "event", "decision", "member", "operator", "reason"],
    ids: &[],
    kind: Kind::Append,
    weight: 2,
};

pub(crate) const PERSON_OF: &str =
    "SELECT name, name_latin, folded, phones, email, photo, notes, documents,
    pickups FROM person WHERE member = $1";
const MEMBER_OF: &str = "SELECT id, version, number, birth, blocked, language, groups, account,
    certificate_until, reduced_mobility, medical, kin FROM member WHERE id = $1";
const NUMBER_OF: &str = "SELECT number FROM member WHERE id = $1";
const NUMBERED: &str = "SELECT id FROM member WHERE number = $1";
const CARRIED: &str = "SELECT uid, version, id, member, state, valid_from, valid_until,
    party_size, kind, adult, collected, extras FROM credential WHERE member = $1 ORDER BY id";
const PASSES_OF: &str = "SELECT member, id, version, tariff, tariff_version, state, valid_from,
    valid_until, visits_left, visits_reserved, paid, sale FROM pass WHERE member = $1 ORDER BY id";
const HOLDER: &str = "SELECT member FROM credential WHERE uid = $1";
const BAN_OF: &str = "SELECT member, version, body FROM ban WHERE member = $1";
const FAMILY_OF: &str = "SELECT id, version, body FROM family WHERE id = $1";
const EXEMPTIONS: &str = "SELECT id, version, body FROM exemption ORDER BY id";
const HISTORY_OF: &str = "SELECT uid, credential, at, event, decision, member, operator, reason
    FROM credential_history WHERE uid = $1 ORDER BY at, id";
const NAMED_AS: &str =
    "SELECT count(*) FROM (SELECT 1 FROM person_word WHERE word >= $1 AND word < $2 LIMIT 2000) w";
const NAMED: &str = "SELECT DISTINCT w.member FROM person_word w
    JOIN person p ON p.member = w.member
    WHERE w.word >= $1 AND w.word < $2 AND p.folded LIKE $3 AND p.folded LIKE $4
        AND p.folded LIKE $5
    LIMIT $6";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 13] = [
    NUMBER_OF, PERSON_OF, MEMBER_OF, NUMBERED, CARRIED, PASSES_OF, HOLDER, BAN_OF, FAMILY_OF,
    EXEMPTIONS, HISTORY_OF, NAMED_AS, NAMED,
];

/// The most words that one search goes by beside its rarest.
const FURTHER_WORDS: usize = 3;

/// Binds the columns of a person but the key.
pub(crate) fn bind(person: &Person, to: &mut Binds) {
    to.text(person.name.as_str());
    to.text(person.name_latin.as_str());
    let folded = words(person).into_keys();
    to.text(folded.fold(String::new(), |text, word| text + " " + &word));
    to.json(&person.phones);
    to.text(person.email.as_str());
    to.add(person.photo.as_ref().map(|photo| photo.as_str().to_owned()));
    to.text(person.notes.as_str());
    to.json(&person.documents);
    to.json(&person.pickups);
}

pub(crate) fn read(from: &mut Cells<'_, '_>) -> Result<Person, ReadError> {
    let (name, name_latin) = (from.take()?, from.take()?);
    from.text()?;
    Ok(Person {
        name,
        name_latin,
        phones: from.json()?,
        email: from.take()?,
        photo: from.maybe_word(domain::rows::FileName::of)?,
        notes: from.take()?,
        documents: from.json()?,
        pickups: from.json()?,
    })
}

/// Binds the columns of a line of the history but the key.
pub(crate) fn bind_held(held: &Held, to: &mut Binds) {
    to.text(held.uid.as_str());
    to.id(held.credential.0);
    to.at(held.at);
    to.text(held.event.name());
    to.add(held.decision.map(|decision| decision.0));
    to.add(held.member.map(|member| member.0));
    to.add(held.operator.as_ref().map(ToString::to_string));
    to.add(held.reason.clone());
}

fn read_held(from: &mut Cells<'_, '_>) -> Result<Held, ReadError> {
    Ok(Held {
        uid: from.text().map(|uid| Uid::from(&*uid))?,
        credential: from.id().map(CredentialId)?,
        at: from.at()?,
        event: from.word(HeldEvent::of)?,
        decision: from.take::<Option<_>>()?.map(DecisionId),
        member: from.take::<Option<_>>()?.map(MemberId),
        operator: from.take::<Option<String>>()?.map(OperatorId::from),
        reason: from.take()?,
    })
}

/// What a batch changes of the words that people are found by.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    /// What is known of people, each once, with the version that it becomes.
    pub(crate) people: Vec<(MemberId, u32, &'a Person)>,
    /// Words that nobody is found by any more.
    pub(crate) gone: Vec<(String, MemberId)>,
    /// Words that are new.
    pub(crate) new: Vec<((String, MemberId), WordKind)>,
}

impl<'a> Words<'a> {
    /// The words of `batch`; `known` are the versions of the people that are there.
    pub(crate) fn of(batch: &'a Batch, known: &HashMap<MemberId, u32>) -> Self {
        let each = |people: &'a [(MemberId, Person)]| {
            people.iter().map(|(member, person)| (*member, person)).collect::<BTreeMap<_, _>>()
        };
        let mut people = each(&batch.people);
        let of = |member: MemberId, person: &Person| {
            words(person).into_iter().map(move |(word, what)| ((word, member), what))
        };
        let before = batch.people_before.iter().flat_map(|(member, was)| of(*member, was));
        let before: BTreeMap<_, _> = before.collect();
        let after = people.iter().flat_map(|(member, person)| of(*member, person));
        let mut after: BTreeMap<_, _> = after.collect();
        after.extend(batch.words.iter().map(|one| ((one.word.clone(), one.member), one.what)));
        people.append(&mut each(&batch.newcomers));
        let gone = before.keys().filter(|word| !after.contains_key(*word)).cloned().collect();
        let new = after.into_iter().filter(|(word, what)| before.get(word) != Some(what));
        let next = |(member, person)| {
            (member, known.get(&member).copied().unwrap_or(0).saturating_add(1), person)
        };
        Self { gone, new: new.collect(), people: people.into_iter().map(next).collect() }
    }
}

/// The words that a person is found by, and what each is. Whoever changes them makes the index of
/// every site anew: an edit takes the words of before out.
#[must_use]
pub fn words(person: &Person) -> BTreeMap<String, WordKind> {
    let names = [&person.name, &person.name_latin].into_iter().flat_map(|name| split(name));
    let phones = person.phones.iter().map(|phone| (phone.clone(), WordKind::Phone));
    let email = (!person.email.is_empty()).then(|| (fold(&person.email), WordKind::Email));
    phones.chain(email).chain(names.map(|word| (word, WordKind::Name))).collect()
}

/// The words of a text, without case and accents.
fn split(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let words: BTreeSet<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// A text without case and accents.
fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// A member, with all that the desk is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Who.
    pub id: MemberId,
    /// The version of the row that decides.
    pub version: u32,
    /// What decides.
    pub member: Member,
    /// What else is known.
    pub person: Person,
    /// What this person carries, or carried last.
    pub carries: Vec<(Uid, Credential)>,
    /// The passes, also those that ended.
    pub passes: Vec<(PassId, Pass)>,
    /// The house ban, also one that is over.
    pub ban: Option<Ban>,
}

impl Reader {
    /// What is known of a member beside the row that decides.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn person(&self, member: MemberId) -> Result<Option<Person>, ReadError> {
        let found = self.rows(PERSON_OF, "person", member.0, read).await?;
        Ok(found.into_iter().next())
    }

    /// A member with all that the desk is shown.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn card(&self, id: MemberId) -> Result<Option<Card>, ReadError> {
        // The row that decides comes first: who edits by its version sees no older person.
        let row = self.rows(MEMBER_OF, "member", id.0, |from| {
            Member::read_key(from)?;
            Ok((from.int()?, Member::read(from)?))
        });
        let Some((version, member)) = row.await?.into_iter().next() else { return Ok(None) };
        let carries = self.rows(CARRIED, "credential", id.0, |from| {
            let uid = Credential::read_key(from)?;
            from.int::<u32>()?;
            Ok((uid, Credential::read(from)?))
        });
        let passes = self.rows(PASSES_OF, "pass", id.0, |from| {
            let key = Pass::read_key(from)?;
            from.int::<u32>()?;
            Ok((key.pass, Pass::read(from)?))
        });
        Ok(Some(Card {
            id,
            version,
            member,
            person: self.person(id).await?.unwrap_or_default(),
            carries: carries.await?,
            passes: passes.await?,
            ban: self.rows(BAN_OF, "ban", id.0, whole::<Ban>).await?.pop().map(|(_, ban)| ban),
        }))
    }

    /// The member of this number.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn numbered(&self, number: u32) -> Result<Option<MemberId>, ReadError> {
        let found = self.rows(NUMBERED, "member", i64::from(number), |from| from.id()).await?;
        Ok(found.first().copied().map(MemberId))
    }

    /// The number of a member.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn number_of(&self, member: MemberId) -> Result<Option<u32>, ReadError> {
        let found = self.rows(NUMBER_OF, "member", member.0, |from| from.int()).await?;
        Ok(found.first().copied())
    }

    /// Who holds a credential, or held it last.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn holder(&self, uid: &Uid) -> Result<Option<MemberId>, ReadError> {
        let uid = uid.as_str().to_owned();
        let found = self.rows(HOLDER, "credential", uid, |from| from.id()).await?;
        Ok(found.first().copied().map(MemberId))
    }

    /// A family.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn family(&self, id: FamilyId) -> Result<Option<Family>, ReadError> {
        let found = self.rows(FAMILY_OF, "family", id.0, whole::<Family>).await?;
        Ok(found.into_iter().next().map(|(_, family)| family))
    }

    /// All exemptions.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn exemptions(&self) -> Result<Vec<(ExemptionId, Exemption)>, ReadError> {
        let rows = self.pool.rows(EXEMPTIONS, []).await;
        let rows = rows.map_err(ReadError::of("exemptions"))?;
        let mut names = Names::default();
        let read = |row| whole::<Exemption>(&mut Cells::of_row("exemption", row, &mut names)?);
        rows.iter().map(read).collect()
    }

    /// What became of a credential, the oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn history(&self, uid: &Uid) -> Result<Vec<Held>, ReadError> {
        let uid = uid.as_str().to_owned();
        self.rows(HISTORY_OF, "credential_history", uid, read_held).await
    }

    /// Members whose names, phones or e-mail addresses have words that begin so, in any order and
    /// either script, without regard to case and accents; at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn named(&self, text: &str, limit: u32) -> Result<Vec<MemberId>, ReadError> {
        let whole = fold(text.trim());
        let one = whole.starts_with('+') || whole.contains('@');
        let words: Vec<String> = if one { vec![whole] } else { split(text).collect() };
        let mut counted = Vec::new();
        for word in words.into_iter().take(FURTHER_WORDS + 1) {
            let between = [word.clone().into(), after(&word).into()];
            let count: Result<i64, _> = self.pool.value(NAMED_AS, between).await;
            let count = count.map_err(ReadError::of("people"))?;
            counted.push((count, word));
        }
        counted.sort();
        let Some((_, rarest)) = counted.first().cloned() else { return Ok(Vec::new()) };
        let like = |place: usize| {
            let word = counted.get(place).map(|(_, word)| format!("% {word}%"));
            Value::from(word.unwrap_or_else(|| "%".to_owned()))
        };
        let between = [rarest.clone().into(), after(&rarest).into()];
        let further = (1..=FURTHER_WORDS).map(like);
        let values = between.into_iter().chain(further).chain([i64::from(limit).into()]);
        let rows = self.pool.rows(NAMED, values).await.map_err(ReadError::of("people"))?;
        let mut names = Names::default();
        let id = |row| Cells::of_row("person", row, &mut names)?.id().map(MemberId);
        rows.iter().map(id).collect()
    }

    /// The rows of a query that goes by one value.
    async fn rows<T>(
        &self,
        query: &'static str,
        table: &'static str,
        by: impl Into<Value>,
        read: impl Fn(&mut Cells<'_, '_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let rows = self.pool.rows(query, [by.into()]).await;
        let mut names = Names::default();
        let rows = rows.map_err(ReadError::of(table))?;
        rows.iter().map(|row| read(&mut Cells::of_row(table, row, &mut names)?)).collect()
    }
}

/// A row that is kept whole, with its key.
fn whole<V: Stored>(from: &mut Cells<'_, '_>) -> Result<(V::Key, V), ReadError> {
    let key = V::read_key(from)?;
    from.int::<u32>()?;
    Ok((key, V::read(from)?))
}

/// The first text after all that begin with `word`.
fn after(word: &str) -> String {
    format!("{word}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_no_case_and_no_accents() {
        let person = Person {
            name: "ᲜᲘᲜᲝ Ёлкина-Müller".to_owned(),
            name_latin: "Nino Elkina-Muller".to_owned(),
            phones: vec!["+995555000001".to_owned()],
            email: "Nino@Example.ge".to_owned(),
            ..Person::default()
        };
        let found: Vec<_> =
            words(&person).into_iter().map(|(word, what)| (word, what.name())).collect();
        let expected = [
            ("+995555000001", "phone"),
            ("elkina", "name"),
            ("muller", "name"),
            ("nino", "name"),
            ("nino@example.ge", "email"),
            ("елкина", "name"),
            ("ნინო", "name"),
        ];
        assert_eq!(found, expected.map(|(word, what)| (word.to_owned(), what)));
    }
}
