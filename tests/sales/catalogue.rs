//! New terms of what is sold: for those who buy, for those who have bought, or for both.

use domain::{
    ids::TariffId,
    money::Money,
    order::What,
    registry::{Applies, Catalogue, Registry},
    rows::{Good, Lasts, Offer, Tariff, TariffKind},
    state::{Answer, ImportRow, Input},
    verdict::Outcome,
};

use crate::till::{Till, goods, money, pass, sale};

/// A month of the terms that `entry_price` tells apart.
fn month(entry_price: &str, price: &str) -> Tariff {
    let offer = Offer {
        name: "a month".to_owned(),
        kind: TariffKind::Period,
        price: money(price),
        lasts: Lasts::parse("P30D"),
        ..Offer::default()
    };
    Tariff { offer, ..Tariff::new(Box::new(["SITE".into()]), money(entry_price)) }
}

fn order(change: Catalogue) -> What {
    What::Registry(Box::new(Registry::Catalogue(change)))
}

/// A till whose month was sold to W1, and then got new terms.
fn after(applies: Applies) -> Till {
    let mut till = Till::new();
    let key = domain::rows::TariffKey { tariff: TariffId::from("gold"), version: 1 };
    till.take(Input::Import(vec![ImportRow::Tariff(key, month("0.00", "50.00"))]));
    till.sells(sale(Some("W1"), vec![pass("gold")], "50.00", "0.00"));
    let tariffs = vec![(TariffId::from("gold"), 1, month("3.00", "60.00"))];
    let change = Catalogue { tariffs, applies, ..Catalogue::default() };
    let answer = till.order("T1", order(change));
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    assert_eq!(till.world.decision.as_ref().unwrap().verdict.outcome, Outcome::Grant);
    till
}

/// What a visit of W1, who bought before, costs; and what W2, who buys now, pays and a visit of his
/// costs.
fn costs(mut till: Till) -> (Money, Money, Money) {
    let visit = |till: &mut Till, band: &str, minute: u32| {
        let before = till.wallet(band);
        till.run(&format!("15:{minute:02}:00 entry G1 {band}"));
        till.run(&format!("15:{minute:02}:02 passed G1 in"));
        before - till.wallet(band)
    };
    let old = visit(&mut till, "W1", 10);
    let top_up = crate::till::top_up("10.00");
    let order = sale(Some("W2"), vec![pass("gold"), top_up], "0.00", "0.00");
    let What::Sale { buyer, lines, .. } = order else { unreachable!() };
    let receipt = till.sells(What::Sale {
        buyer,
        lines,
        cash: Money::ZERO,
        card: Money::ZERO,
        rest: domain::order::Rest::Card,
        age_shown: None,
    });
    let price = receipt.total - money("10.00");
    let new = visit(&mut till, "W2", 20);
    till.check();
    (old, price, new)
}

#[test]
fn new_terms_reach_whom_they_are_for() {
    let (none, three) = (Money::ZERO, money("3.00"));
    assert_eq!(costs(after(Applies::New)), (none, money("60.00"), three));
    assert_eq!(costs(after(Applies::Sold)), (three, money("50.00"), none));
    assert_eq!(costs(after(Applies::Both)), (three, money("60.00"), three));
}

#[test]
fn a_second_change_for_all_reaches_what_was_sold_under_any_version() {
    let mut till = after(Applies::Sold);
    let tariffs = vec![(TariffId::from("gold"), 3, month("1.00", "70.00"))];
    let change = Catalogue { tariffs, applies: Applies::Both, ..Catalogue::default() };
    let answer = till.order("T1", order(change));
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    assert_eq!(costs(till), (money("1.00"), money("70.00"), money("1.00")));
}

#[test]
fn a_price_changes_at_once_and_what_makes_no_sense_changes_nothing() {
    let mut till = Till::new();
    let towel = |price: &str| ("towel".into(), Good { price: money(price), ..Good::default() });
    let change = Catalogue { goods: vec![towel("6.00")], ..Catalogue::default() };
    till.order("T1", order(change));
    let receipt = till.sells(sale(None, vec![goods("towel", 1, 0)], "6.00", "0.00"));
    assert_eq!(receipt.total, money("6.00"));
    let stale = vec![(TariffId::from("month"), 0, month("0.00", "1.00"))];
    let wrong = [
        (Catalogue::default(), "nothing changes"),
        (Catalogue { goods: vec![towel("-1.00")], ..Catalogue::default() }, "less than nothing"),
        (Catalogue { tariffs: stale, ..Catalogue::default() }, "changed meanwhile"),
        (
            Catalogue {
                tariffs: vec![(TariffId::from("new"), 0, {
                    Tariff { zones: Box::new(["MOON".into()]), ..month("0.00", "1.00") }
                })],
                ..Catalogue::default()
            },
            "no zone is called `MOON`",
        ),
    ];
    for (change, why) in wrong {
        let told = till.nonsense(order(change));
        assert!(told.contains(why), "{told}");
    }
}
