//! Sales at tills, to the unit: baskets, passes, deposits, sessions, what is taken back, and what
//! is earned when.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod catalogue;
mod corrections;
mod earned;
#[cfg(feature = "whole")]
mod paper;
mod parts;
mod passes;
mod random;
mod random_corrections;
mod random_passes;
mod random_returns;
mod renewal;
mod taken_back;
mod till;
mod waiting;

use domain::{
    ids::Uid,
    ledger::Purpose,
    money::Money,
    order::{CashOrder, Line, Sells, What},
    rows::{AccountKind, PinDigest, PriceList},
    state::{Answer, Input},
};
use till::{GIVEN, Till, good, goods, money, pass, sale, top_up};

/// Balances by name, written as amounts.
fn books(of: &[(&str, &str)]) -> std::collections::BTreeMap<String, Money> {
    of.iter().map(|(name, amount)| ((*name).to_owned(), money(amount))).collect()
}

#[test]
fn a_basket_is_posted_to_the_unit_and_paid_in_three_ways() {
    let mut till = Till::new();
    let before = till.books();
    let lines = vec![
        goods("towel", 3, 10),
        goods("juice", 2, 0),
        pass("once"),
        top_up("20.00"),
        Line::of(Sells::Deposit { uid: Uid::from("04D1") }),
    ];
    // 14.97 less 10 % is 13.47; 6.00; 8.00; 20.00; 10.00: 57.47 in all.
    let receipt = till.sells(sale(Some("W1"), lines, "30.00", "20.00"));
    assert_eq!((receipt.total, receipt.wallet), (money("57.47"), money("7.47")));
    assert_eq!(till.wallet("W1"), money("20.00") - money("7.47") + money("20.00"));
    let mut expected = books(&[
        ("cash:T1", "-30.00"),
        ("card:T1", "-20.00"),
        // 13.47 holds 2.05 of tax, 8.00 holds 1.22.
        ("vat:18", "3.27"),
        ("sales_revenue:towel", "12.69"),
        ("discounts", "-1.27"),
        ("sales_revenue:juice", "6.00"),
        ("deferred:once", "6.78"),
        ("deposits", "10.00"),
    ]);
    expected.extend(before);
    assert_eq!(till.books(), expected);
    assert_eq!((receipt.lines[0].gross, receipt.lines[0].tax), (money("13.47"), money("2.05")));
    assert_eq!(till.bought("W1").len(), 1);
    till.check();
}

#[test]
fn cash_is_rounded_to_the_smallest_coin_and_the_rest_is_booked() {
    let mut till = Till::new();
    // 4.99 is paid with a coin of 5.00, 9.98 less 2 % = 9.78 with 9.80.
    till.sells(sale(None, vec![good("towel")], "5.00", "0.00"));
    assert_eq!(till.balance(AccountKind::Rounding, ""), money("0.01"));
    till.sells(sale(None, vec![goods("towel", 2, 2)], "9.80", "0.00"));
    assert_eq!(till.balance(AccountKind::Rounding, ""), money("0.03"));
    let why = till.nonsense(sale(None, vec![good("towel")], "4.99", "0.00"));
    assert!(why.contains("whole multiples of 0.05"), "{why}");
    let why = till.nonsense(sale(None, vec![good("towel")], "5.05", "0.00"));
    assert!(why.contains("more is paid"), "{why}");
    till.check();
}

#[test]
fn receipts_are_numbered_by_each_till_without_gaps_and_a_repeat_makes_none() {
    let mut till = Till::new();
    let one = || sale(None, vec![good("juice")], "3.00", "0.00");
    let first = till.sells(one());
    till.nonsense(sale(None, vec![good("nothing")], "3.00", "0.00"));
    till.refused(sale(None, vec![good("beer")], "6.00", "0.00"));
    let second = till.sells(one());
    assert!(matches!(till.order("T2", one()), Answer::Decided(_)));
    let numbers: Vec<_> = till.receipts.iter().map(|one| one.key.to_string()).collect();
    assert_eq!(numbers, ["T1/1", "T1/2", "T2/1"]);
    assert_eq!((first.session, second.session), (1, 1));
    till.check();
}

#[test]
fn what_makes_no_sense_is_told_and_changes_nothing() {
    let mut till = Till::new();
    let priced = |price: &str| Line { price: Some(money(price)), ..good("massage") };
    let back = |uid: &str| Line::of(Sells::DepositBack { uid: Uid::from(uid) });
    let deposit = |uid: &str| Line::of(Sells::Deposit { uid: Uid::from(uid) });
    let huge = Line { price: Some(Money(i64::MAX)), ..good("massage") };
    let cases: Vec<(Vec<Line>, &str)> = vec![
        (vec![], "between 1 and 200 lines"),
        (vec![good("nothing")], "line 1: `nothing` is not for sale"),
        (vec![good("juice"), good("old")], "line 2: `old` is not for sale"),
        (vec![pass("gone")], "not for sale"),
        (vec![pass("OPEN")], "not for sale"),
        (vec![goods("juice", 1, 101)], "line 1: a discount is between 0 and 100 %, not 101 %"),
        (vec![goods("juice", 1, -1)], "not -1 %"),
        (vec![goods("juice", 0, 0)], "between 1 and 10000 of a thing"),
        (vec![goods("juice", 10_001, 0)], "between 1 and 10000"),
        (vec![priced("-5.00")], "not below zero"),
        (vec![huge], "absurdly high"),
        (vec![good("massage")], "say what"),
        (vec![Line { price: Some(money("1.00")), ..good("juice") }], "costs 3.00"),
        (vec![top_up("0.00")], "above zero"),
        (vec![top_up("-5.00")], "above zero"),
        (vec![Line { discount: 5, ..top_up("5.00") }], "without a discount"),
        (vec![top_up("5.00")], "not topped up from itself"),
        (vec![back("04D1")], "no deposit is paid"),
        (vec![deposit("04D1"), deposit("04D1")], "line 2: that band is in the basket"),
        (vec![Line::of(Sells::LostBand { uid: Uid::from("none") })], "no band"),
    ];
    for (lines, names) in cases {
        let why = till.nonsense(sale(Some("W1"), lines.clone(), "0.00", "0.00"));
        assert!(why.contains(names), "{lines:?}: {why}");
    }
    for (cash, card, names) in [
        ("-3.00", "0.00", "the sign of the total"),
        ("0.00", "-3.00", "the sign of the total"),
        ("0.00", "4.00", "more is paid"),
        ("0.00", "1.00", "2.00 is not paid"),
    ] {
        let why = till.nonsense(sale(None, vec![good("juice")], cash, card));
        assert!(why.contains(names), "{cash} {card}: {why}");
    }
    let why = till.nonsense(sale(None, vec![pass("once")], "8.00", "0.00"));
    assert!(why.contains("say to whom"), "{why}");
    for amount in ["0.00", "-1.00"] {
        let (holder, amount) = (Uid::from("W1"), money(amount));
        till.nonsense(What::Topup { holder: holder.clone(), amount, cash: true });
        till.nonsense(What::Settle { holder, amount, cash: true });
    }
    till.check();
}

#[test]
fn a_basket_has_a_line_and_two_hundred_at_the_most() {
    let mut till = Till::new();
    let lines = |count| sale(None, vec![good("juice"); count], "0.00", "0.00");
    for count in [0, 201, 202] {
        assert!(till.nonsense(lines(count)).contains("between 1 and 200 lines"), "{count}");
    }
    till.sells(sale(None, vec![good("juice"); 200], "600.00", "0.00"));
    till.check();
}

#[test]
fn a_basket_is_refused_as_a_whole_and_the_reason_names_the_line() {
    let mut till = Till::new();
    let lines = vec![good("juice"), good("beer"), pass("once")];
    let reasons = till.refused(sale(Some("C1"), lines, "0.00", "17.00"));
    assert_eq!(reasons, [("AGE_RESTRICTED_ITEM", Some(2))]);
    let lines = vec![good("juice"), goods("towel", 1, 20), goods("juice", 2, 25)];
    let reasons = till.refused(sale(None, lines, "0.00", "11.49"));
    assert_eq!(reasons, [("DISCOUNT_NEEDS_APPROVAL", Some(3))]);
    assert_eq!(till.bought("C1").len(), 0);
    // The wallet has 20.00 and may go to -5.00; what it is topped up with may not pass 150.00.
    let wallet = |count| sale(Some("W1"), vec![goods("juice", count, 0)], "0.00", "0.00");
    assert_eq!(till.refused(wallet(9)), [("WALLET_LIMIT_EXCEEDED", None)]);
    till.sells(wallet(8));
    assert_eq!(till.wallet("W1"), money("-4.00"));
    let load = |amount: &str| sale(Some("W1"), vec![top_up(amount)], amount, "0.00");
    assert_eq!(till.refused(load("154.05")), [("WALLET_MAX_EXCEEDED", None)]);
    till.sells(load("154.00"));
    assert_eq!(till.wallet("W1"), money("150.00"));
    till.check();
}

#[test]
fn an_order_that_waits_is_refused_in_words_where_its_price_changed() {
    let more = r#"
set("operator.allowed_actions", "sale", role("manager"));
set("operator.allowed_terminals", "T1, T2", role("manager"));
set("operator.override_codes", "DISCOUNT_NEEDS_APPROVAL", role("manager"));
set("sale.max_discount_percent", 50, role("manager"));
'''"#;
    let given = GIVEN
        .replacen("'''\ntills", &format!("{more}\ntills"), 1)
        .replace("nino = [\"cashier\"]", "nino = [\"cashier\"]\nlevan = [\"manager\"]");
    for changed in [false, true] {
        let mut till = Till::of(&given);
        let order = sale(None, vec![goods("juice", 2, 25)], "0.00", "4.50");
        assert_eq!(till.refused(order), [("DISCOUNT_NEEDS_APPROVAL", Some(1))]);
        if changed {
            let prices = [("juice".to_owned(), money("2.50"))].into();
            let windows = "Mon-Sun 00:00-24:00".to_owned();
            till.list("cheap", PriceList { windows, rank: 1, prices });
        }
        let (operator, pin) = ("levan".into(), PinDigest("2468".into()));
        let (terminal, ordered_at) = ("T2".into(), "T1".into());
        let answer =
            till.take(Input::Confirm { terminal, ordered_at, decision: None, operator, pin });
        match answer {
            Answer::Refused(why) if changed => assert!(why.contains("price changed"), "{why}"),
            Answer::Decided(_) if !changed => assert_eq!(till.receipts.len(), 1),
            other => panic!("{changed}: {other:?}"),
        }
        till.check();
    }
}

#[test]
fn of_the_price_lists_in_force_the_highest_rank_counts() {
    let mut till = Till::new();
    let list = |windows: &str, rank, price: &str| PriceList {
        windows: windows.to_owned(),
        rank,
        prices: [("juice".to_owned(), money(price)), ("ten".to_owned(), money("60.00"))].into(),
    };
    till.list("afternoon", list("Mon-Sun 12:00-18:00", 1, "2.50"));
    till.list("happy", list("Tue 13:00-14:00", 2, "1.50"));
    let paid = |till: &mut Till| till.sells(sale(Some("W2"), vec![good("juice")], "0.00", "0.00"));
    till.sells(sale(Some("W2"), vec![top_up("100.00")], "100.00", "0.00"));
    // The fifteenth of September 2026 is a Tuesday.
    for (time, price) in
        [("12:30:00", "2.50"), ("13:00:00", "1.50"), ("14:00:00", "2.50"), ("18:00:00", "3.00")]
    {
        till.at(time);
        assert_eq!(paid(&mut till).total, money(price), "{time}");
    }
    till.check();
}

#[test]
fn a_session_tells_what_went_through_it_and_books_what_is_missing() {
    let mut till = Till::new();
    let open = CashOrder::Open { float: money("50.00") };
    assert!(matches!(till.cash(open.clone()), Answer::Decided(_)));
    assert!(matches!(till.cash(open), Answer::Refused(why) if why.contains("close it first")));
    till.sells(sale(None, vec![goods("towel", 2, 0)], "10.00", "0.00"));
    till.sells(sale(Some("W1"), vec![good("juice"), top_up("20.00")], "0.00", "20.00"));
    let reason = "to the bank".to_owned();
    let taken = CashOrder::TakeOut { amount: money("30.00"), reason: reason.clone() };
    assert!(matches!(till.cash(taken), Answer::Decided(_)));
    let much = CashOrder::TakeOut { amount: money("30.05"), reason };
    assert!(matches!(till.cash(much), Answer::Refused(why) if why.contains("holds 30.00")));
    let session = till.session().unwrap();
    assert_eq!((session.receipts, session.blocks.sold()), (2, money("13.00")));
    assert_eq!((session.expected(), session.vat["18"]), (money("30.00"), money("1.52")));
    assert_eq!(session.paid["wallet"], money("3.00"));
    let counted = CashOrder::Close { counted: money("29.00") };
    assert!(matches!(till.cash(counted), Answer::Decided(_)));
    assert_eq!(till.session(), None);
    assert_eq!(till.balance(AccountKind::CashDifference, "T1"), money("-1.00"));
    assert_eq!(till.balance(AccountKind::Cash, "T1"), money("-29.00"));
    assert_eq!(till.balance(AccountKind::Safe, ""), money("20.00"));
    till.check();
}

#[test]
fn a_deposit_comes_back_once_and_a_debt_is_paid_in_part() {
    let mut till = Till::new();
    let uid = Uid::from("04D1");
    let deposit = Line::of(Sells::Deposit { uid: uid.clone() });
    let back = Line::of(Sells::DepositBack { uid });
    till.sells(sale(None, vec![deposit.clone()], "10.00", "0.00"));
    assert!(till.nonsense(sale(None, vec![deposit], "10.00", "0.00")).contains("paid already"));
    let receipt = till.sells(sale(None, vec![back.clone()], "-10.00", "0.00"));
    assert_eq!(receipt.total, money("-10.00"));
    till.nonsense(sale(None, vec![back], "-10.00", "0.00"));
    assert_eq!(till.books().get("cash:T1"), None);
    till.sells(sale(Some("W2"), vec![good("juice")], "0.00", "0.00"));
    let pays = |amount: &str| {
        let (holder, amount) = (Uid::from("W2"), money(amount));
        What::Settle { holder, amount, cash: true }
    };
    assert!(till.nonsense(pays("3.05")).contains("3.00 is owed"));
    for (amount, left) in [("1.00", "2.00"), ("2.00", "0.00")] {
        assert!(matches!(till.order("T1", pays(amount)), Answer::Decided(_)));
        assert_eq!(till.world.debt("W2"), money(left));
    }
    assert_eq!(till.posted(Purpose::Payment), 2);
    // The second payment was a mistake: its receipt is voided, and the 2.00 are owed again.
    let receipt = Box::new(till.receipts.last().unwrap().clone());
    assert_eq!((receipt.total, receipt.cash), (money("2.00"), money("2.00")));
    let before = till.balance(AccountKind::Cash, "T1");
    till.sells(What::Void { receipt, reason: "a mistake".to_owned() });
    assert_eq!(till.world.debt("W2"), money("2.00"));
    assert_eq!(till.balance(AccountKind::Cash, "T1"), before + money("2.00"));
    till.check();
}
