//! How long it takes to find somebody among a million people, each with a name in two scripts and a
//! phone.
//!
//! `cargo run --release -p store --example find_speed FOLDER [PEOPLE]` fills the folder once, then
//! looks for people.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::{path::PathBuf, time::Instant};

use domain::{
    ids::MemberId,
    rows::Person,
    state::{Batch, Changes},
};
use store::{Store, place::Place, reader::Reader};
use support::{NOW, id, sealed};

#[path = "../tests/support/mod.rs"]
mod support;

const PIECE: u32 = 512;
/// A few first names are very common, as everywhere.
const FIRST: [(&str, &str); 8] = [
    ("ნინო", "Nino"),
    ("გიორგი", "Giorgi"),
    ("მარიამი", "Mariami"),
    ("დავითი", "Daviti"),
    ("ანა", "Ana"),
    ("ლევანი", "Levani"),
    ("თამარი", "Tamari"),
    ("ირაკლი", "Irakli"),
];
const SYLLABLES: [(&str, &str); 10] = [
    ("ბე", "be"),
    ("რი", "ri"),
    ("კა", "ka"),
    ("ლა", "la"),
    ("მო", "mo"),
    ("ნა", "na"),
    ("სუ", "su"),
    ("ტე", "te"),
    ("გო", "go"),
    ("ჯა", "ja"),
];

/// One of eight first names and a thousand last names.
fn person(number: u32) -> Person {
    let (first, first_latin) = FIRST[number as usize % FIRST.len()];
    let part = |place: u32| SYLLABLES[(number / 8 / 10_u32.pow(place)) as usize % 10];
    let ((a, x), (b, y), (c, z)) = (part(0), part(1), part(2));
    Person {
        name: format!("{first} {a}{b}{c}ძე"),
        name_latin: format!("{first_latin} {x}{y}{z}dze"),
        phones: vec![format!("+9955{number:08}")],
        ..Person::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let people_in_all: u32 = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let place = Place::file(folder.join("kari.db"));
    let (mut store, opened) = Store::open(&place, NOW).await.unwrap();
    if opened.is_empty {
        let begun = Instant::now();
        for (number, from) in (1..).zip((0..people_in_all).step_by(PIECE as usize)) {
            let piece = from..people_in_all.min(from + PIECE);
            let people = piece.map(|n| (MemberId(id(u128::from(n))), person(n))).collect();
            let batch = Batch { people, ..Batch::default() };
            store.commit(&sealed(number, batch, Changes::default())).await.unwrap();
        }
        println!("filled with {people_in_all} people in {:?}", begun.elapsed());
    }
    store.close().await.unwrap();
    let reader = Reader::open(&place).await.unwrap();
    for text in [
        "nino",
        "ნინო ბერიკაძე",
        "kalamodze",
        "irakli ka",
        "n b",
        "giorgi nobody",
        "nobody at all",
        "+995500012345",
    ] {
        let mut times: Vec<_> = Vec::new();
        let mut found = 0;
        for _ in 0..20 {
            let begun = Instant::now();
            found = reader.named(text, 20).await.unwrap().len();
            times.push(begun.elapsed());
        }
        let first = times[0];
        times.sort();
        println!("{text:<20} {found:>3} found, first {first:?}, worst of 20 {:?}", times[19]);
    }
}
