//! What is known of people: found by every word of it and in either script, changed without a
//! trace of what it was, and the history of what they carry, which only grows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use domain::{
    ids::{CredentialId, HeldId, ImportId, MemberId, Uid},
    retention::Keeps,
    rows::{FoundBy, Held, HeldEvent, Import, Person},
    state::{Batch, Changes},
    time::Timestamp,
};
use store::{Store, reader::Reader};
use support::*;

on_both!(
    people_are_found_by_words_in_either_script_without_case_and_accents,
    who_is_called_otherwise_is_found_by_the_new_name_alone,
    a_newcomer_is_found_once_the_words_are_there_which_may_come_until_the_import_ends,
    a_card_has_all_that_the_desk_is_shown,
    the_history_of_a_band_only_grows_and_forgets_who_when_it_is_old,
);

fn named(name: &str, latin: &str) -> Person {
    Person { name: name.to_owned(), name_latin: latin.to_owned(), ..Person::default() }
}

async fn written(store: &mut Store, number: u64, people: Vec<(u128, Person)>) {
    let people = people.into_iter().map(|(member, person)| (MemberId(id(member)), person));
    let batch = Batch { people: people.collect(), ..Batch::default() };
    store.commit(&sealed(number, batch, Changes::default())).await.unwrap();
}

async fn found(reader: &Reader, text: &str) -> Vec<u128> {
    let mut found = reader.named(text, 10).await.unwrap();
    found.sort();
    let base = id(0).as_u128();
    found.into_iter().map(|member| member.0.as_u128() - base).collect()
}

async fn people_are_found_by_words_in_either_script_without_case_and_accents(home: Home) {
    let (mut store, _) = home.open().await;
    let nino = Person {
        phones: vec!["+995555000001".to_owned()],
        email: "n.b@example.ge".to_owned(),
        ..named("ნინო ბერიძე", "Nino Beridze")
    };
    let people = vec![
        (1, nino),
        (2, named("ნინო გელაშვილი", "Nino Gelashvili")),
        (3, named("Фёдор Ёлкин", "Fedor Elkin")),
        (4, named("Zoë Müller", "Zoë Müller")),
    ];
    written(&mut store, 1, people).await;
    let reader = home.reader().await;
    for (text, who) in [
        ("ნინო", &[1, 2][..]),
        ("NINO", &[1, 2]),
        ("nin ber", &[1]),
        ("beridze, nino", &[1]),
        ("ბერ ნინ", &[1]),
        ("федор", &[3]),
        ("ЁЛК", &[3]),
        ("zoe muller", &[4]),
        ("MÜLLER", &[4]),
        ("+99555500", &[1]),
        ("N.B@example", &[1]),
        ("nino schmidt", &[]),
        ("%", &[]),
        ("", &[]),
    ] {
        assert_eq!(found(&reader, text).await, who, "{text}");
    }
}

async fn who_is_called_otherwise_is_found_by_the_new_name_alone(home: Home) {
    let (mut store, _) = home.open().await;
    let before = named("ნინო ბერიძე", "Nino Beridze");
    let after = named("ნინო გელაშვილი", "Nino Gelashvili");
    written(&mut store, 1, vec![(1, before.clone())]).await;
    let batch = Batch {
        people: vec![(MemberId(id(1)), after.clone())],
        people_before: vec![(MemberId(id(1)), before)],
        ..Batch::default()
    };
    store.commit(&sealed(2, batch, Changes::default())).await.unwrap();
    let reader = home.reader().await;
    assert_eq!(found(&reader, "beridze").await, []);
    assert_eq!(found(&reader, "ბერიძე").await, []);
    assert_eq!(found(&reader, "nino gel").await, [1]);
    assert_eq!(reader.person(MemberId(id(1))).await.unwrap(), Some(after));
    store::verify::rows(&reader).await.unwrap();
}

async fn a_newcomer_is_found_once_the_words_are_there_which_may_come_until_the_import_ends(
    home: Home,
) {
    let (mut store, _) = home.open().await;
    let reader = home.reader().await;
    let (zoe, key) = (named("Zoë", "Zoë Müller"), ImportId::from("1f"));
    let progress = |version: u32, import: Import| Changes {
        imports: vec![change(key.clone(), version, import)],
        ..Changes::default()
    };
    let newcomers = vec![(MemberId(id(1)), zoe.clone())];
    let came = Batch { newcomers, ..Batch::default() };
    let begun = Import { done: 1, ended: None, ..import() };
    store.commit(&sealed(1, came, progress(1, begun))).await.unwrap();
    assert_eq!(reader.person(MemberId(id(1))).await.unwrap(), Some(zoe.clone()));
    assert_eq!(found(&reader, "zoe").await, []);
    store::verify::rows(&reader).await.unwrap();

    // A word of somebody else is found even then.
    let strange = home.sql(
        "INSERT INTO person_word (word, member, what)
            VALUES ('ann', x'00000000000000000000000000000009', 'name')",
        "INSERT INTO person_word (word, member, what) VALUES ('ann', gen_random_uuid(), 'name')",
    );
    home.meddle(strange).await.unwrap();
    let why = store::verify::rows(&reader).await.unwrap_err().to_string();
    assert!(why.contains("ann/") && why.contains("it is no word that this person"), "{why}");
    home.meddle("DELETE FROM person_word").await.unwrap();

    let member = MemberId(id(1));
    let word = |(word, what)| FoundBy { word, member, what };
    let words: Vec<_> = store::people::words(&zoe).into_iter().map(word).collect();
    assert_eq!(words.len(), 2);
    let brought = Batch { words: words.clone(), ..Batch::default() };
    store.commit(&sealed(2, brought, progress(2, import()))).await.unwrap();
    assert_eq!(found(&reader, "zoe mull").await, [1]);
    store::verify::rows(&reader).await.unwrap();
    home.meddle("DELETE FROM person_word WHERE word = 'zoe'").await.unwrap();
    let why = store::verify::rows(&reader).await.unwrap_err().to_string();
    assert!(why.contains("zoe/") && why.contains("it is missing"), "{why}");
}

async fn a_card_has_all_that_the_desk_is_shown(home: Home) {
    let mut store = home.filled().await;
    written(&mut store, 2, vec![(1, person())]).await;
    let reader = home.reader().await;
    let one = reader.numbered(7).await.unwrap().unwrap();
    let card = reader.card(one).await.unwrap().unwrap();
    assert_eq!((card.version, card.member.clone(), card.person), (1, member(7), person()));
    assert_eq!(card.carries.len(), 1);
    assert_eq!(card.ban.unwrap().reason, "pushed");
    assert_eq!(reader.holder(&Uid::from("04A1")).await.unwrap(), Some(one));
    assert_eq!(reader.numbered(99).await.unwrap(), None);
    assert_eq!(reader.exemptions().await.unwrap().len(), 1);
}

fn held(uid: &str, member: u128, event: HeldEvent, at: Timestamp) -> Held {
    Held {
        uid: Uid::from(uid),
        credential: CredentialId(id(member + 500)),
        member: Some(MemberId(id(member))),
        event,
        at,
        operator: Some("nino".into()),
        decision: None,
        reason: Some("at the desk".to_owned()),
    }
}

async fn the_history_of_a_band_only_grows_and_forgets_who_when_it_is_old(home: Home) {
    let (mut store, _) = home.open().await;
    let at = |day: i64| Timestamp::from_micros(NOW.micros() + day * 86_400_000_000);
    let lines = [
        held("B1", 1, HeldEvent::Issued, at(-500)),
        held("B1", 1, HeldEvent::Returned, at(-400)),
        held("B2", 3, HeldEvent::Issued, at(-300)),
        held("B1", 2, HeldEvent::Issued, at(-200)),
    ];
    let numbered = lines.iter().cloned().zip(1..).map(|(held, line)| (HeldId(id(line)), held));
    let batch = Batch { held: numbered.collect(), ..Batch::default() };
    store.commit(&sealed(1, batch, Changes::default())).await.unwrap();
    let reader = home.reader().await;
    let history = reader.history(&Uid::from("B1")).await.unwrap();
    assert_eq!(history, [lines[0].clone(), lines[1].clone(), lines[3].clone()]);
    for sql in [
        "DELETE FROM credential_history",
        "UPDATE credential_history SET event = 'lost'",
        home.sql(
            "UPDATE credential_history SET member = x'00'",
            "UPDATE credential_history SET member = gen_random_uuid()",
        ),
        "UPDATE credential_history SET member = NULL",
    ] {
        let refused = home.meddle(sql).await.unwrap_err().to_string();
        assert!(refused.contains("only grows"), "{sql}: {refused}");
    }
    let keeps = Keeps { movements: at(-90), audit: at(-365) };
    assert!(store.keeps_too_long(&keeps).await.unwrap());
    assert_eq!(store.pseudonymise(&keeps, 50, NOW).await.unwrap(), 2);
    assert!(!store.keeps_too_long(&keeps).await.unwrap());
    let history = reader.history(&Uid::from("B1")).await.unwrap();
    let gone = |line: &Held| Held { member: None, operator: None, reason: None, ..line.clone() };
    assert_eq!(history, [gone(&lines[0]), gone(&lines[1]), lines[3].clone()]);
    store::verify::rows(&reader).await.unwrap();
}
