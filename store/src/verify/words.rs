//! The words that people are found by: they are made of what is known of people, and of nothing
//! else. An import brings those of newcomers behind the people: until it has ended, words may be
//! missing, but none may be there that is nobody's.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};
use uuid::Uuid;

use domain::rows::{Import, Person};

use super::{Finding, Progress};
use crate::{
    audit::{Canon, Key},
    binds::bound,
    cells::{Cells, Names},
    error::ReadError,
    link::Link,
    people,
};

pub(super) const PEOPLE: &str = "SELECT member, name, name_latin, folded, phones, email, photo,
    notes, documents, pickups FROM person";
pub(super) const IMPORTS: &str = "SELECT body FROM import";
pub(super) const WORDS: &str = "SELECT member, word, what FROM person_word";
pub(super) const WORDS_OF: &str = "SELECT word, what FROM person_word WHERE member = $1";
/// What is said of all words of a person whose row is not what it was, and of those of all people
/// where nobody knows whose rows are not.
const UNKNOWN: &str = "which words belong here cannot be known without the row of the person";
/// What is said of a word that is not there for its person.
const NO_WORD: &str = "it is no word that this person is found by";
/// The most people whose words are named one by one.
const NAMED_MAX: usize = 20;

/// What stands for a word of a person.
fn share(key: &Key, row: &mut Canon, (member, word, what): (Uuid, &str, &str)) -> u128 {
    row.begin("person_word", 3);
    row.blob(member.as_bytes());
    row.text(word);
    row.text(what);
    key.share(row, 1)
}

/// What is to be said of the words of people whose rows are found to be wrong.
pub(super) fn unknown(found: &[Finding]) -> Vec<Finding> {
    let of_people = found.iter().filter(|one| one.table == "person");
    let rows: BTreeSet<_> = of_people.map(|one| one.row.clone()).collect();
    rows.into_iter().map(|row| finding(row, UNKNOWN)).collect()
}

/// Holds the words against the people.
pub(super) fn words<'a>(
    view: &'a mut Link,
    key: &'a Key,
    progress: &'a Progress,
) -> BoxFuture<'a, Result<Vec<Finding>, ReadError>> {
    look(view, key, progress).boxed()
}

async fn look(view: &mut Link, key: &Key, progress: &Progress) -> Result<Vec<Finding>, ReadError> {
    match is_coming_in(view).await? {
        true => strangers(view, key, progress).await,
        false => all(view, key, progress).await,
    }
}

/// Whether an import has not ended: newcomers may be there without their words.
async fn is_coming_in(view: &mut Link) -> Result<bool, ReadError> {
    let rows = view.rows(IMPORTS, []).await.map_err(ReadError::of("imports"))?;
    let mut names = Names::default();
    // A damaged row is found where the tables are looked at.
    let imports = rows.iter().filter_map(|row| {
        let mut cells = Cells::of_row("import", row, &mut names).ok()?;
        cells.json::<Import>().ok()
    });
    Ok(imports.into_iter().any(|import| import.ended.is_none()))
}

/// Reads all people. Each is handed over; those whose rows cannot be read come back, and are found.
async fn each_person(
    view: &mut Link,
    found: &mut Vec<Finding>,
    mut each: impl FnMut(Uuid, &Person),
) -> Result<HashSet<Uuid>, ReadError> {
    let failed = ReadError::of("the words of people");
    let (mut names, mut damaged) = (Names::default(), HashSet::new());
    let people = bound(view.dialect(), []).map_err(&failed)?;
    let mut rows = view.stream(PEOPLE, people);
    while let Some(one) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("person", &one, &mut names)?;
        let member = cells.id()?;
        match people::read(&mut cells) {
            Ok(person) => each(member, &person),
            Err(why) => {
                let (table, row) = ("person".to_owned(), Some(member.to_string()));
                found.push(Finding { table, row, why: why.to_string() });
                damaged.insert(member);
            }
        }
    }
    Ok(damaged)
}

/// Reads all words, and hands over whose each is, with what stands for it.
async fn each_word(
    view: &mut Link,
    (key, progress): (&Key, &Progress),
    mut each: impl FnMut(Uuid, &str, u128),
) -> Result<(), ReadError> {
    let failed = ReadError::of("the words of people");
    let (mut names, mut row) = (Names::default(), Canon::default());
    let all = bound(view.dialect(), []).map_err(&failed)?;
    let mut rows = view.stream(WORDS, all);
    while let Some(one) = rows.try_next().await.map_err(&failed)? {
        progress.step();
        let mut cells = Cells::of_row("person_word", &one, &mut names)?;
        let member = cells.id()?;
        let (word, what): (String, String) = (cells.take()?, cells.take()?);
        each(member, &word, share(key, &mut row, (member, &word, &what)));
    }
    Ok(())
}

/// Each person is found by all words of theirs, and by no others.
async fn all(view: &mut Link, key: &Key, progress: &Progress) -> Result<Vec<Finding>, ReadError> {
    let (mut row, mut found) = (Canon::default(), Vec::new());
    let mut left: HashMap<Uuid, u128> = HashMap::new();
    let damaged = each_person(view, &mut found, |member, person| {
        let sum = people::words(person).into_iter().fold(0_u128, |sum, (word, what)| {
            sum.wrapping_add(share(key, &mut row, (member, &word, what.name())))
        });
        left.insert(member, sum);
    });
    let damaged = damaged.await?;
    let words = each_word(view, (key, progress), |member, _, share| {
        let sum = left.entry(member).or_default();
        *sum = sum.wrapping_sub(share);
    });
    words.await?;
    left.retain(|member, sum| *sum != 0 && !damaged.contains(member));
    for member in left.keys().take(NAMED_MAX) {
        found.extend(of(view, *member).await?);
    }
    if left.len() > NAMED_MAX {
        let why = format!("{} people are found by other words than theirs", left.len());
        found.push(finding(None, why));
    }
    Ok(found)
}

/// Each word is one of its person's. Those that an import has not brought yet are missing.
async fn strangers(
    view: &mut Link,
    key: &Key,
    progress: &Progress,
) -> Result<Vec<Finding>, ReadError> {
    let (mut row, mut found, mut wanted) = (Canon::default(), Vec::new(), HashSet::new());
    let damaged = each_person(view, &mut found, |member, person| {
        let words = people::words(person).into_iter();
        wanted.extend(words.map(|(word, kind)| share(key, &mut row, (member, &word, kind.name()))));
    });
    let damaged = damaged.await?;
    let mut more = 0;
    let words = each_word(view, (key, progress), |member, word, share| {
        if wanted.contains(&share) || damaged.contains(&member) {
            return;
        }
        match found.len() < NAMED_MAX {
            true => found.push(finding(Some(format!("{word}/{member}")), NO_WORD)),
            false => more += 1,
        }
    });
    words.await?;
    if more > 0 {
        found.push(finding(None, format!("{more} more words are none of their people's")));
    }
    Ok(found)
}

fn finding(row: Option<String>, why: impl Into<String>) -> Finding {
    Finding { table: "person_word".to_owned(), row, why: why.into() }
}

/// The words of one person that should be there or not.
async fn of(view: &mut Link, member: Uuid) -> Result<Vec<Finding>, ReadError> {
    let failed = ReadError::of("the words of people");
    let mut names = Names::default();
    let text = people::PERSON_OF;
    let mut wanted = match view.row(text, [member.into()]).await.map_err(&failed)? {
        None => <_>::default(),
        Some(row) => {
            let mut cells = Cells::of_row("person", &row, &mut names)?;
            people::words(&people::read(&mut cells)?)
        }
    };
    let mut found = Vec::new();
    for row in view.rows(WORDS_OF, [member.into()]).await.map_err(&failed)? {
        let mut cells = Cells::of_row("person_word", &row, &mut names)?;
        let (word, what): (String, String) = (cells.take()?, cells.take()?);
        if wanted.get(&word).is_some_and(|kind| kind.name() == what) {
            wanted.remove(&word);
        } else {
            found.push(finding(Some(format!("{word}/{member}")), NO_WORD));
        }
    }
    let missing = wanted.into_keys();
    found.extend(missing.map(|word| finding(Some(format!("{word}/{member}")), "it is missing")));
    Ok(found)
}
