//! The words that people are found by: they are made of what is known of people, and of nothing
//! else.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};
use uuid::Uuid;

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
pub(super) const WORDS: &str = "SELECT member, word, what FROM person_word";
pub(super) const WORDS_OF: &str = "SELECT word, what FROM person_word WHERE member = $1";
/// What is said of all words of a person whose row is not what it was, and of those of all people
/// where nobody knows whose rows are not.
const UNKNOWN: &str = "which words belong here cannot be known without the row of the person";
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
    let failed = ReadError::of("the words of people");
    let (mut names, mut row) = (Names::default(), Canon::default());
    let mut left: HashMap<Uuid, u128> = HashMap::new();
    let (mut damaged, mut found) = (HashSet::new(), Vec::new());
    let people = bound(view.dialect(), []).map_err(&failed)?;
    let all = bound(view.dialect(), []).map_err(&failed)?;
    let mut rows = view.stream(PEOPLE, people);
    while let Some(one) = rows.try_next().await.map_err(&failed)? {
        let mut cells = Cells::of_row("person", &one, &mut names)?;
        let member = cells.id()?;
        let person = match people::read(&mut cells) {
            Ok(person) => person,
            Err(why) => {
                let (table, row) = ("person".to_owned(), Some(member.to_string()));
                found.push(Finding { table, row, why: why.to_string() });
                damaged.insert(member);
                continue;
            }
        };
        let sum = people::words(&person).into_iter().fold(0_u128, |sum, (word, what)| {
            sum.wrapping_add(share(key, &mut row, (member, &word, what)))
        });
        left.insert(member, sum);
    }
    drop(rows);
    let mut rows = view.stream(WORDS, all);
    while let Some(one) = rows.try_next().await.map_err(&failed)? {
        progress.step();
        let mut cells = Cells::of_row("person_word", &one, &mut names)?;
        let member = cells.id()?;
        let (word, what): (String, String) = (cells.take()?, cells.take()?);
        let share = share(key, &mut row, (member, &word, &what));
        let sum = left.entry(member).or_default();
        *sum = sum.wrapping_sub(share);
    }
    drop(rows);
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
        if wanted.get(&word).is_some_and(|kind| **kind == *what) {
            wanted.remove(&word);
        } else {
            let why = "it is no word that this person is found by";
            found.push(finding(Some(format!("{word}/{member}")), why));
        }
    }
    let missing = wanted.into_keys();
    found.extend(missing.map(|word| finding(Some(format!("{word}/{member}")), "it is missing")));
    Ok(found)
}
