//! Many operators who correct the same wrong charge at once: it goes back once.

use std::sync::Arc;

use domain::{
    event::{Direction, Happening},
    ledger::Purpose,
    money::Money,
    order::What,
    state::{Answer, Transaction},
};
use store::{
    books::Books,
    place::Place,
    reader::{Period, Reader},
};
use tokio::task::JoinSet;

use super::{
    Driven, shop,
    testing::{News, checked, postgres, sqlite},
};

/// Operators who correct the same charge at once.
const OPERATORS: u32 = 8;
/// What the guest had.
const BALANCE: Money = Money(5000);

/// The charge of an entry, as it is on record.
async fn charge(reader: &Reader) -> Transaction {
    let mut found = None;
    let mut books = Books::open(reader).await.unwrap();
    let walked = books.walk(Period::ALWAYS, |_, entry| {
        found = found.or((entry.purpose == Purpose::Entry).then_some(entry.id));
        Ok::<_, store::error::ReadError>(())
    });
    walked.await.unwrap();
    drop(books);
    reader.transaction(found.unwrap()).await.unwrap().unwrap()
}

/// Somebody pays for an entry at the first daemon; then everybody corrects it.
async fn corrected_by_all(places: &[Place]) {
    let site = Arc::new(shop::site(1, OPERATORS).unwrap());
    let policy = shop::policy(&site).unwrap();
    let mut daemons = Vec::new();
    for (number, place) in (1..).zip(places) {
        daemons.push(Driven::start(place, &site, &policy, number).await.unwrap());
    }
    daemons[0].opens(&site).await.unwrap();
    let mut news = News::of(&daemons[0]);
    let caller = daemons[0].caller.clone();
    let mut rows = shop::catalogue();
    rows.extend(shop::person(1, BALANCE, None, shop::cards(1, 2)));
    caller.brings(rows).await.unwrap();
    let (gate, read) = (shop::gate(1), shop::read(shop::card(1, 0)));
    caller.tells(shop::event(gate.clone(), (1, 1), read)).await.unwrap();
    let decision = news.decisions().last().map(|decision| decision.id);
    let made = Happening::PassageMade { direction: Direction::Entry, decision };
    caller.tells(shop::event(gate, (1, 2), made)).await.unwrap();
    let reader = Reader::open(&places[0]).await.unwrap();
    let charge = charge(&reader).await;
    let wallet = |books: &Books| books.accounts[&shop::wallet(1)].balance;
    assert_eq!(wallet(&Books::open(&reader).await.unwrap()), BALANCE - shop::PRICE);
    let mut callers = JoinSet::new();
    for number in 1..=OPERATORS {
        let caller = daemons[number as usize % daemons.len()].caller.clone();
        let (charge, reason) = (Box::new(charge.clone()), "a mistake".to_owned());
        let what = What::Correct { charge, member: None, waived: Money::ZERO, reason };
        callers.spawn(async move { caller.asks(shop::signed(shop::till(number), what)).await });
    }
    let answers = callers.join_all().await;
    let granted = answers.iter().filter(|answer| matches!(answer, Ok(Answer::Decided(_)))).count();
    assert_eq!(granted, 1, "{answers:?}");
    for daemon in daemons {
        daemon.stop().await.unwrap();
    }
    assert!(reader.reversal_of(charge.id).await.unwrap().is_some());
    assert_eq!(wallet(&checked(&reader).await.books), BALANCE, "it went back once");
    reader.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_many_correct_at_once_goes_back_once_on_sqlite() {
    let databases = sqlite();
    corrected_by_all(&[databases.place(1).unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_many_correct_at_two_daemons_goes_back_once_on_postgres() {
    let Some(databases) = postgres() else { return };
    corrected_by_all(&[databases.place(1).unwrap(), databases.place(2).unwrap()]).await;
}
