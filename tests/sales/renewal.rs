//! From when passes count: one after the other, unless somebody says otherwise.

use domain::{
    money::Money,
    order::{Begins, Line, Sells, What},
    rows::{Lasts, Offer, PassState, Tariff, TariffKey, TariffKind},
    state::{ImportRow, Input},
};
use jiff::civil::Date;

use crate::till::{Till, pass, sale};

fn offered(till: &mut Till, id: &str, kind: TariffKind, lasts: &str) {
    let lasts = (!lasts.is_empty()).then(|| Lasts::parse(lasts).unwrap());
    let visits = (kind == TariffKind::Visits).then_some(10);
    let offer = Offer { kind, lasts, visits, price: Money(1000), ..Offer::default() };
    let row = Tariff { offer, ..Tariff::new(Box::new(["SITE".into()]), Money::ZERO) };
    let key = TariffKey { tariff: id.into(), version: 1 };
    till.take(Input::Import(vec![ImportRow::Tariff(key, row)]));
}

fn from(tariff: &str, from: &str, beside: bool) -> Line {
    let from = (!from.is_empty()).then(|| from.parse().unwrap());
    let begins = Begins { from, beside };
    Line::of(Sells::Tariff { tariff: tariff.into(), member: None, begins })
}

fn buys(line: Line) -> What {
    sale(Some("W1"), vec![line], "10.00", "0.00")
}

fn days(till: &Till) -> Vec<(String, String)> {
    let told = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
    let all = till.bought("W1").into_iter().filter(|pass| pass.state != PassState::Cancelled);
    let mut all: Vec<_> =
        all.map(|pass| (pass.valid_from.to_string(), told(pass.valid_until))).collect();
    all.sort();
    all
}

/// A till at which a month is sold, at noon of a day.
fn on(day: &str, kind: TariffKind, lasts: &str) -> Till {
    let mut till = Till::new();
    offered(&mut till, "m", kind, lasts);
    till.at(&format!("{day} 12:00:00"));
    till
}

fn are(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(from, until)| ((*from).to_owned(), (*until).to_owned())).collect()
}

#[test]
fn months_end_on_the_day_before_or_on_the_last_day_of_a_shorter_month() {
    for (first, lasts, last) in [
        ("2027-01-31", "P1M", "2027-02-28"),
        ("2028-01-31", "P1M", "2028-02-29"),
        ("2027-01-28", "P1M", "2027-02-27"),
        ("2027-01-29", "P1M", "2027-02-28"),
        ("2028-01-30", "P1M", "2028-02-29"),
        ("2027-02-28", "P1M", "2027-03-27"),
        ("2027-03-31", "P1M", "2027-04-30"),
        ("2027-08-31", "P6M", "2028-02-29"),
        ("2027-12-31", "P2M", "2028-02-29"),
        ("2028-02-29", "P1Y", "2029-02-28"),
        ("2027-01-01", "P1M", "2027-01-31"),
        ("2027-01-31", "P1M3D", "2027-03-03"),
        ("2027-01-31", "P30D", "2027-03-01"),
        ("2027-05-15", "P1M1D", "2027-06-15"),
    ] {
        let told = Lasts::parse(lasts).unwrap().last_day(first.parse().unwrap()).to_string();
        assert_eq!(told, last, "{lasts} from {first}");
    }
}

#[test]
fn a_renewal_begins_on_the_day_after_the_pass_that_still_runs() {
    let mut till = Till::new();
    offered(&mut till, "m", TariffKind::Period, "P1M");
    let receipt = till.sells(buys(pass("m")));
    let dates = |line: &domain::basket::Priced| (line.from, line.until);
    let day = |text: &str| text.parse::<Date>().ok();
    assert_eq!(dates(&receipt.lines[0]), (day("2026-09-15"), day("2026-10-14")));
    let receipt = till.sells(buys(pass("m")));
    assert_eq!(dates(&receipt.lines[0]), (day("2026-10-15"), day("2026-11-14")));
    // Two lines of one basket, one of them with two passes, follow each other as well.
    let two = Line { count: 2, ..pass("m") };
    till.sells(sale(Some("W1"), vec![two, pass("m")], "30.00", "0.00"));
    let expected = are(&[
        ("2026-09-15", "2026-10-14"),
        ("2026-10-15", "2026-11-14"),
        ("2026-11-15", "2026-12-14"),
        ("2026-12-15", "2027-01-14"),
        ("2027-01-15", "2027-02-14"),
    ]);
    assert_eq!(days(&till), expected);
    till.check();
    // What was sold for later is voided like everything else.
    let last = till.receipts.last().unwrap().clone();
    till.sells(What::Void { receipt: Box::new(last), reason: "a mistake".to_owned() });
    assert_eq!(days(&till), expected[..2]);
    // Once everything is over a pass begins at once.
    till.at("2026-12-24 10:00:00");
    till.sells(buys(pass("m")));
    assert_eq!(days(&till).last(), are(&[("2026-12-24", "2027-01-23")]).first());
    till.check();
}

#[test]
fn a_start_that_is_asked_for_counts_and_two_at_once_are_refused_unless_in_words() {
    let mut till = Till::new();
    offered(&mut till, "m", TariffKind::Period, "P1M");
    till.sells(buys(from("m", "2026-10-01", false)));
    assert_eq!(days(&till), are(&[("2026-10-01", "2026-10-31")]));
    let why = till.nonsense(buys(from("m", "2026-10-31", false)));
    assert!(why.contains("from 2026-10-01 to 2026-10-31"), "{why}");
    assert!(why.contains("begins on 2026-11-01"), "{why}");
    let why = till.nonsense(buys(from("m", "2026-09-15", false)));
    assert!(why.contains("from 2026-10-01"), "its end would overlap: {why}");
    till.sells(buys(from("m", "2026-10-31", true)));
    till.sells(buys(from("m", "2027-01-01", false)));
    assert!(till.nonsense(buys(from("m", "2026-09-14", false))).contains("begins today or"));
    assert!(till.nonsense(buys(from("m", "2030-01-01", false))).contains("begins today or"));
    let expected =
        [("2026-10-01", "2026-10-31"), ("2026-10-31", "2026-11-30"), ("2027-01-01", "2027-01-31")];
    assert_eq!(days(&till), are(&expected));
    till.check();
}

#[test]
fn tickets_and_passes_that_wait_follow_nothing_and_one_without_an_end_is_enough() {
    let mut till = Till::new();
    offered(&mut till, "ticket", TariffKind::SingleEntry, "P1D");
    offered(&mut till, "endless", TariffKind::Period, "");
    till.sells(buys(pass("ticket")));
    till.sells(buys(pass("ticket")));
    assert_eq!(days(&till), are(&[("2026-09-15", "2026-09-15"); 2]));
    till.sells(sale(Some("W2"), vec![pass("later"), pass("later")], "200.00", "0.00"));
    till.sells(buys(pass("endless")));
    till.sells(sale(Some("W2"), vec![pass("ten"), pass("ten")], "140.00", "0.00"));
    let why = till.nonsense(buys(pass("endless")));
    assert!(why.contains("without an end"), "{why}");
    till.sells(buys(from("endless", "", true)));
    till.check();
}

#[test]
fn three_of_a_pass_that_are_sold_on_one_day_follow_each_other_to_the_day() {
    for (day, lasts, expected) in [
        (
            "2027-01-31",
            "P1M",
            [
                ("2027-01-31", "2027-02-28"),
                ("2027-03-01", "2027-03-31"),
                ("2027-04-01", "2027-04-30"),
            ],
        ),
        (
            "2028-01-31",
            "P1M",
            [
                ("2028-01-31", "2028-02-29"),
                ("2028-03-01", "2028-03-31"),
                ("2028-04-01", "2028-04-30"),
            ],
        ),
        (
            "2027-01-28",
            "P1M",
            [
                ("2027-01-28", "2027-02-27"),
                ("2027-02-28", "2027-03-27"),
                ("2027-03-28", "2027-04-27"),
            ],
        ),
        (
            "2026-12-31",
            "P2M",
            [
                ("2026-12-31", "2027-02-28"),
                ("2027-03-01", "2027-04-30"),
                ("2027-05-01", "2027-06-30"),
            ],
        ),
        (
            "2027-01-31",
            "P30D",
            [
                ("2027-01-31", "2027-03-01"),
                ("2027-03-02", "2027-03-31"),
                ("2027-04-01", "2027-04-30"),
            ],
        ),
        (
            "2027-02-28",
            "P1Y",
            [
                ("2027-02-28", "2028-02-27"),
                ("2028-02-28", "2029-02-27"),
                ("2029-02-28", "2030-02-27"),
            ],
        ),
    ] {
        let mut till = on(day, TariffKind::Period, lasts);
        for (place, (first, last)) in expected.iter().enumerate() {
            let receipt = till.sells(buys(pass("m")));
            let line = &receipt.lines[0];
            let told = (line.from.unwrap().to_string(), line.until.unwrap().to_string());
            let on = (day, lasts, place);
            assert_eq!(told, ((*first).to_owned(), (*last).to_owned()), "{on:?}");
            assert_eq!(days(&till), are(&expected[..=place]), "{on:?}");
        }
        till.check();
    }
}

#[test]
fn a_renewal_loses_no_day_and_one_that_waits_for_its_first_use_takes_none() {
    // Five days before the end.
    let mut till = on("2027-01-31", TariffKind::Period, "P1M");
    till.sells(buys(pass("m")));
    till.at("2027-02-23 12:00:00");
    till.sells(buys(pass("m")));
    let months = [("2027-01-31", "2027-02-28"), ("2027-03-01", "2027-03-31")];
    assert_eq!(days(&till), are(&months));
    // On its last day, and on the day after.
    till.at("2027-03-31 12:00:00");
    till.sells(buys(pass("m")));
    till.at("2027-05-01 12:00:00");
    till.sells(buys(pass("m")));
    let more = [("2027-04-01", "2027-04-30"), ("2027-05-01", "2027-05-31")];
    assert_eq!(days(&till), are(&[months, more].concat()));
    till.check();
    // Three that begin with their first use: each has all of its days then, and only then.
    let mut till = on("2027-01-31", TariffKind::Period, "P1M");
    for _ in 0..3 {
        till.sells(sale(Some("W1"), vec![pass("later")], "100.00", "0.00"));
    }
    assert_eq!(days(&till), are(&[("2027-01-31", ""); 3]));
    till.run("2027-02-10 10:00:00 entry G1 W1");
    till.run("2027-02-10 10:00:02 passed G1 in");
    let begun = [("2027-01-31", ""), ("2027-01-31", ""), ("2027-01-31", "2027-03-11")];
    assert_eq!(days(&till), are(&begun));
    till.check();
}
