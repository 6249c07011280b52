//! Members who are registered at many desks at once: each has a number of their own.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    order::What,
    registry::{Details, Registry},
    rows::Person,
    state::Answer,
};
use store::{place::Place, reader::Reader};
use tokio::task::JoinSet;

use super::{
    Driven, shop,
    testing::{checked, postgres, sqlite},
};

/// Desks at which somebody is registered at once.
const DESKS: u32 = 8;
/// How often.
const ROUNDS: u32 = 12;

fn newcomer(number: Option<u32>, name: String) -> What {
    let person = Person { name: name.clone(), name_latin: name, ..Person::default() };
    let details = Details::default();
    What::Registry(Box::new(Registry::Register { number, details, person }))
}

/// Everybody registers somebody without a number, and the last ones all with the same number.
async fn at_once(places: &[Place]) {
    let site = Arc::new(shop::site(1, DESKS).unwrap());
    let policy = shop::policy(&site).unwrap();
    let mut daemons = Vec::new();
    for (number, place) in (1..).zip(places) {
        daemons.push(Driven::start(place, &site, &policy, number).await.unwrap());
    }
    daemons[0].opens(&site).await.unwrap();
    daemons[0].caller.brings(shop::catalogue()).await.unwrap();
    for round in 1..=ROUNDS {
        let same = (round == ROUNDS).then_some(7_000);
        let mut desks = JoinSet::new();
        for desk in 1..=DESKS {
            let caller = daemons[desk as usize % daemons.len()].caller.clone();
            let what = newcomer(same, format!("N{round} {desk}"));
            desks.spawn(async move { caller.asks(shop::signed(shop::till(desk), what)).await });
        }
        let answers = desks.join_all().await;
        let (mut registered, mut refused) = (0, Vec::new());
        for answer in answers {
            match answer.unwrap() {
                Answer::Decided(_) => registered += 1,
                Answer::Refused(why) => refused.push(why),
                other => panic!("{other:?}"),
            }
        }
        if same.is_some() {
            assert_eq!(registered, 1, "{refused:?}");
            assert!(refused.iter().all(|why| why.contains("7000 is taken")), "{refused:?}");
        } else {
            assert_eq!((registered, refused), (DESKS, Vec::new()), "round {round}");
        }
    }
    for daemon in daemons {
        daemon.stop().await.unwrap();
    }
    let reader = Reader::open(&places[0]).await.unwrap();
    checked(&reader).await;
    let mut numbers = BTreeSet::new();
    for number in 1..=DESKS * (ROUNDS - 1) {
        numbers.extend(reader.numbered(number).await.unwrap().map(|_| number));
    }
    assert_eq!(numbers.len() as u32, DESKS * (ROUNDS - 1), "one number after the other");
    reader.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_of_many_desks_have_numbers_of_their_own_on_sqlite() {
    let databases = sqlite();
    at_once(&[databases.place(1).unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_of_two_daemons_have_numbers_of_their_own_on_postgres() {
    let Some(databases) = postgres() else { return };
    at_once(&[databases.place(1).unwrap(), databases.place(2).unwrap()]).await;
}
