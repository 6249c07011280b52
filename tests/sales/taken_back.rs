//! What is taken back: a reversing entry stands beside what it reverses, once.

use domain::{
    ids::Uid,
    ledger::Purpose,
    money::Money,
    order::{CashOrder, Line, Sells, What},
    rows::{AccountKind, PassState},
    sales::Receipt,
    state::Answer,
};

use crate::till::{Till, good, goods, money, pass, sale, top_up};

fn void(receipt: &Receipt) -> What {
    What::Void { receipt: Box::new(receipt.clone()), reason: "a mistake".to_owned() }
}

fn back(receipt: &Receipt, counts: &[u32], cash: bool) -> What {
    let (receipt, counts) = (Box::new(receipt.clone()), counts.to_vec());
    What::Return { receipt, counts, cash, reason: "torn".to_owned() }
}

#[test]
fn a_voided_receipt_leaves_the_books_as_they_were() {
    let mut till = Till::new();
    let before = (till.books(), till.wallet("W1"));
    let lines = vec![
        goods("towel", 2, 10),
        pass("month"),
        top_up("20.00"),
        Line::of(Sells::Deposit { uid: Uid::from("04D1") }),
    ];
    let receipt = till.sells(sale(Some("W1"), lines, "100.00", "35.00"));
    let voided = till.sells(void(&receipt));
    assert_eq!((till.books(), till.wallet("W1")), before);
    assert_eq!(voided.takes_back.as_ref(), Some(&receipt.key));
    let reversal = till.transactions.last().unwrap();
    assert_eq!((reversal.purpose, reversal.reverses), (Purpose::Reversal, receipt.transaction));
    assert_eq!(reversal.note, "a mistake");
    assert_eq!(till.bought("W1")[0].state, PassState::Cancelled);
    assert!(till.nonsense(void(&receipt)).contains("already"));
    assert!(till.nonsense(void(&voided)).contains("takes something back itself"));
    till.check();
    till.at("2026-12-01 00:00:00");
    assert_eq!(till.posted(Purpose::Recognition), 0, "a voided pass earns nothing");
    till.check();
}

#[test]
fn a_receipt_is_voided_in_its_own_session_and_before_it_is_used() {
    let mut till = Till::new();
    let ten = till.sells(sale(Some("W2"), vec![pass("ten")], "70.00", "0.00"));
    till.run("13:00:00 entry G1 W2");
    till.run("13:00:02 passed G1 in");
    assert!(till.nonsense(void(&ten)).contains("used already"));
    let load = till.sells(sale(Some("W2"), vec![top_up("10.00")], "10.00", "0.00"));
    till.sells(sale(Some("W2"), vec![good("juice")], "0.00", "0.00"));
    assert!(till.nonsense(void(&load)).contains("spent already"));
    let juice = till.sells(sale(None, vec![good("juice")], "3.00", "0.00"));
    let held = till.world.state.tables.terminals.peek(&"T1".into()).unwrap().drawer;
    assert!(matches!(till.cash(CashOrder::Close { counted: held }), Answer::Decided(_)));
    assert!(till.nonsense(void(&juice)).contains("before its session is closed"));
    till.check();
}

#[test]
fn goods_come_back_line_by_line() {
    let mut till = Till::new();
    let lines = vec![goods("towel", 3, 10), goods("juice", 2, 0), top_up("10.00")];
    let sold = till.sells(sale(Some("W1"), lines, "0.00", "29.47"));
    for (counts, names) in [
        (vec![1, 0], "of each line"),
        (vec![0, 0, 0], "of each line"),
        (vec![4, 0, 0], "line 1: 3 can come back, not 4"),
        (vec![0, 0, 1], "line 3: only goods"),
    ] {
        let why = till.nonsense(back(&sold, &counts, true));
        assert!(why.contains(names), "{why}");
    }
    // 13.47 for three: one is worth 4.49, in cash 4.50.
    let first = till.sells(back(&sold, &[1, 0, 0], true));
    assert_eq!((first.total, first.cash), (money("-4.49"), money("-4.50")));
    let why = till.nonsense(back(&sold, &[3, 0, 0], true));
    assert!(why.contains("2 can come back, not 3"), "{why}");
    till.sells(back(&sold, &[2, 2, 0], false));
    assert_eq!(till.balance(AccountKind::SalesRevenue, "juice"), Money::ZERO);
    assert!(till.nonsense(back(&sold, &[0, 1, 0], false)).contains("0 can come back"));
    assert!(till.nonsense(void(&sold)).contains("already"));
    assert_eq!(till.posted(Purpose::Return), 2);
    till.check();
}
