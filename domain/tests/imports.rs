//! Imports: pieces follow each other, each is taken once, and nobody else changes people meanwhile.

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

use domain::{
    ids::{ImportId, MemberId},
    import::{ImportLook, WORDS_OF_ROW},
    rows::{FoundBy, Import, Member, Person, WordKind},
    state::{Answer, Batch, IMPORT_PIECE, ImportRow, Input},
    step::step,
};

#[expect(dead_code, reason = "each test file uses its own part of it")]
mod world;
use world::{CREDENTIAL, MEMBER, PASS, WALLET, World, at, band};

/// What the loop answers; what a taken input changes is durable then.
fn answer(world: &mut World, input: Input) -> Answer {
    let mut batch = Batch::default();
    let answer = step(&mut world.state, &mut batch, input, at("09:00:00"), &world.policy);
    world.state.commit();
    answer
}

fn refused(world: &mut World, input: Input) -> String {
    match answer(world, input) {
        Answer::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn id(name: &str) -> ImportId {
    ImportId::from(name)
}

fn import(rows: u32) -> Import {
    let (what, file) = ("members".to_owned(), "people.csv".to_owned());
    Import { what, file, daemon: 1, rows, done: 0, began: at("08:59:00"), ended: None }
}

fn opening(row: u32, amount: i64) -> ImportRow {
    let (key, amount) = (format!("one:{row}"), domain::money::Money(amount));
    ImportRow::Opening { key, account: WALLET, amount, debt_since: None }
}

#[test]
fn a_piece_is_taken_where_it_follows_and_only_there() {
    let mut world = World::new(800);
    let begun = import(3);
    let piece = |rows: Vec<ImportRow>, after: &Import| Input::piece(rows, id("one"), after.clone());
    let (first, last) = (begun.after(2, at("09:00:00")), begun.after(3, at("09:00:00")));
    assert_eq!((first.ended, last.ended), (None, Some(at("09:00:00"))));
    let early = refused(&mut world, piece(vec![opening(1, 100), opening(2, 200)], &first));
    assert!(early.contains("begins before its first rows"), "{early}");
    assert_eq!(answer(&mut world, piece(Vec::new(), &begun)), Answer::Taken);
    let other = refused(&mut world, Input::piece(Vec::new(), id("two"), import(1)));
    assert!(other.contains("`people.csv` has not ended"), "{other}");
    for wrong in [
        piece(vec![opening(1, 100)], &first),
        piece(vec![opening(3, 300)], &last),
        piece(Vec::new(), &begun.after(1, at("09:00:00"))),
    ] {
        let why = refused(&mut world, wrong);
        assert!(why.contains("not the next one"), "{why}");
    }
    let two = piece(vec![opening(1, 100), opening(2, 200)], &first);
    assert_eq!(answer(&mut world, two.clone()), Answer::Taken);
    assert_eq!(world.wallet(), (5300, 0));
    refused(&mut world, two);
    assert_eq!(world.wallet(), (5300, 0), "a piece that comes twice is taken once");
    assert_eq!(world.state.unfinished_import(), Some((&id("one"), &first)));
    assert_eq!(answer(&mut world, piece(vec![opening(3, 300)], &last)), Answer::Taken);
    assert_eq!((world.wallet(), world.state.unfinished_import()), ((5600, 0), None));
    refused(&mut world, piece(vec![opening(4, 400)], &last));
    let large = vec![opening(1, 1); IMPORT_PIECE + 1];
    assert!(refused(&mut world, Input::Import(large)).contains("at most 512 rows"));
}

#[test]
fn nobody_else_changes_people_from_the_look_to_the_last_row() {
    let mut world = World::new(800);
    let look = |look| Input::ImportLook(look);
    let close = look(ImportLook::Close(id("one")));
    assert!(matches!(answer(&mut world, close.clone()), Answer::Looked(_)));
    assert!(world.state.people_are_closed());
    assert!(refused(&mut world, close.clone()).contains("another import is under way"));
    answer(&mut world, look(ImportLook::Open));
    assert!(!world.state.people_are_closed());
    answer(&mut world, Input::piece(Vec::new(), id("one"), import(1)));
    assert!(world.state.people_are_closed());
    refused(&mut world, close.clone());
    let ended = import(1).after(1, at("09:00:00"));
    answer(&mut world, Input::piece(vec![opening(1, 1)], id("one"), ended.clone()));
    let Answer::Looked(site) = answer(&mut world, close) else { panic!() };
    assert_eq!(site.import, Some(ended), "the same file is known");
}

#[test]
fn a_look_finds_people_with_what_they_have() {
    let mut world = World::new(800);
    let look = ImportLook::People { after: None };
    let Answer::Looked(people) = answer(&mut world, Input::ImportLook(look)) else { panic!() };
    assert_eq!(people.numbers, [(1, MEMBER)]);
    let after = ImportLook::People { after: Some(MEMBER) };
    let Answer::Looked(rest) = answer(&mut world, Input::ImportLook(after)) else { panic!() };
    assert!(rest.numbers.is_empty());
    let uids = vec!["W1".into(), "W9".into()];
    let rows = ImportLook::Rows { members: vec![MEMBER], uids };
    let Answer::Looked(rows) = answer(&mut world, Input::ImportLook(rows)) else { panic!() };
    assert_eq!((rows.members.len(), rows.wallets[0].0), (1, WALLET));
    assert_eq!((rows.passes[0].0, rows.credentials[0].1.id), (PASS, CREDENTIAL));
    assert_eq!(rows.credentials.len(), 1);
}

#[test]
fn a_row_that_replaces_another_keeps_what_gates_made_of_it() {
    let mut world = World::new(0);
    world.read("G1", domain::event::Direction::Entry, "W1", "09:00:00");
    let pass = world.state.tables.passes.peek(&PASS).cloned().unwrap();
    assert_eq!(pass.visits_reserved, 1);
    let fewer = domain::rows::Pass { visits_left: Some(3), visits_reserved: 0, ..pass };
    let swallowed = domain::rows::Credential { collected: true, ..band(CREDENTIAL, 1) };
    world.take(
        Input::Import(vec![
            ImportRow::Pass(PASS, fewer),
            ImportRow::Credential("W1".into(), swallowed),
            ImportRow::Credential("W1".into(), band(CREDENTIAL, 1)),
        ]),
        at("09:00:01"),
    );
    let pass = world.state.tables.passes.peek(&PASS).unwrap();
    assert_eq!((pass.visits_left, pass.visits_reserved), (Some(3), 1));
    assert!(world.state.tables.credentials.peek(&"W1".into()).unwrap().collected);
}

#[test]
fn an_import_that_another_daemon_took_is_left_to_it() {
    let mut world = World::new(0);
    let theirs = Import { daemon: 2, ..import(2) };
    let promise = |import: &Import| Input::piece(Vec::new(), id("one"), import.clone());
    refused(&mut world, promise(&theirs));
    // It was taken there, and this daemon hears of it.
    world.state.tables.imports.reload(id("one"), Some((1, theirs.clone())));
    assert!(world.state.people_are_closed());
    let next = Input::piece(vec![opening(1, 100)], id("one"), theirs.after(1, at("09:00:00")));
    let why = refused(&mut world, next);
    assert!(why.contains("was taken by daemon 2, which alone"), "{why}");
    assert_eq!(world.wallet(), (5000, 0));
    // One of our own is the one that a start goes on with.
    let ours = import(1);
    world.state.tables.imports.reload(id("two"), Some((1, ours.clone())));
    assert_eq!(world.state.unfinished_import(), Some((&id("two"), &ours)));
}

#[test]
fn the_words_of_a_newcomer_come_in_rows_of_their_own() {
    let mut world = World::new(0);
    let member = world.state.tables.members.peek(&MEMBER).cloned().unwrap();
    let (who, row) = (MemberId(uuid::Uuid::from_u128(77)), Member { number: 77, ..member });
    let person = Person { name: "Ann".to_owned(), ..Person::default() };
    let word = FoundBy { word: "ann".to_owned(), member: who, what: WordKind::Name };
    let newcomer = ImportRow::Newcomer(who, row.clone(), person.clone());
    world.take(Input::Import(vec![newcomer]), at("09:00:00"));
    assert_eq!(world.state.tables.members.peek(&who), Some(&row));
    assert_eq!((&world.last.newcomers, world.last.people.len()), (&vec![(who, person)], 0));
    assert!(!world.last.is_empty() && world.last.words.is_empty());
    world.take(Input::Import(vec![ImportRow::Words(vec![word.clone()])]), at("09:00:01"));
    assert_eq!(world.last.words, std::slice::from_ref(&word));
    let many = vec![word; WORDS_OF_ROW + 1];
    let why = refused(&mut world, Input::Import(vec![ImportRow::Words(many)]));
    assert!(why.contains("at most 8 words"), "{why}");
}
