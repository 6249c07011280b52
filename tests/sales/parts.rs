//! Parts and wholes: whatever comes back in pieces, the pieces are the whole, in every account, and
//! no guest gets back more than he paid; and what a session tells adds up.

use std::collections::BTreeMap;

use domain::{
    ids::Uid,
    money::{Money, Vat},
    order::{Line, Rest, Sells, What},
    rows::{AccountKind, Good},
    sales::Receipt,
    state::{ImportRow, Input},
};

use crate::till::{GIVEN, Till, good, goods, money, pass, sale, top_up};

/// Receipts of a run, each taken back in random pieces.
const RECEIPTS: u64 = 20_000;
/// Runs that once failed.
const FAILED: [u64; 0] = [];

/// A till that may give any discount, with a good at any price.
fn any_till() -> Till {
    let given = GIVEN
        .replace("sale.max_discount_percent\", 20", "sale.max_discount_percent\", 100")
        .replace("\"500.00\", role", "\"500000.00\", role")
        .replace("cash.drawer_max\", \"5000.00\"", "cash.drawer_max\", \"90000000.00\"");
    Till::of(&given)
}

fn at_price(count: u32, price: &str, discount: i64) -> Line {
    Line { count, discount, price: Some(money(price)), ..good("massage") }
}

/// A sale to nobody in particular, which is paid by one way alone.
fn paid(lines: Vec<Line>, (cash, rest): (Money, Rest)) -> What {
    let (buyer, card, age_shown) = (None, Money::ZERO, None);
    What::Sale { buyer, lines, cash, card, rest, age_shown }
}

fn by_card(lines: Vec<Line>) -> What {
    paid(lines, (Money::ZERO, Rest::Card))
}

fn in_cash(lines: Vec<Line>) -> What {
    paid(lines, (Money::ZERO, Rest::Cash))
}

fn back(receipt: &Receipt, counts: &[u32], cash: bool) -> What {
    let (receipt, counts) = (Box::new(receipt.clone()), counts.to_vec());
    What::Return { receipt, counts, cash, reason: "back".to_owned() }
}

/// What is given back for each piece.
fn pieces(till: &mut Till, receipt: &Receipt, counts: &[u32], cash: bool) -> Vec<Money> {
    let each = counts.iter().map(|count| {
        let back = till.sells(back(receipt, &[*count], cash));
        -(back.cash + back.card)
    });
    each.collect()
}

fn sum(of: &[Money]) -> Money {
    of.iter().copied().sum()
}

#[test]
fn goods_that_come_back_in_pieces_take_their_tax_and_their_discount_with_them() {
    for (count, price, discount, pieces_of) in [
        (7, "1.50", 0, vec![1; 7]),
        (7, "1.50", 0, vec![3, 4]),
        (3, "12.90", 33, vec![1, 1, 1]),
        (3, "12.90", 33, vec![2, 1]),
        (9, "0.99", 7, vec![4, 1, 4]),
        (11, "0.05", 50, vec![5, 6]),
        (13, "19.99", 99, vec![1, 5, 7]),
        (1000, "0.01", 0, vec![1, 998, 1]),
    ] {
        let mut till = any_till();
        let before = till.books();
        let receipt = till.sells(by_card(vec![at_price(count, price, discount)]));
        let given = pieces(&mut till, &receipt, &pieces_of, false);
        assert_eq!(sum(&given), receipt.card, "{count} x {price} less {discount} %: {given:?}");
        assert_eq!(till.books(), before, "{count} x {price} less {discount} %");
        till.check();
    }
}

#[test]
fn cash_that_goes_back_in_pieces_is_rounded_over_all_of_them() {
    for (count, price, expected) in [
        (5, "1.48", ["1.50", "1.45", "1.50", "1.45", "1.50"].as_slice()),
        (5, "1.47", &["1.45", "1.50", "1.45", "1.50", "1.45"]),
        (5, "0.03", &["0.05", "0.00", "0.05", "0.00", "0.05"]),
        (3, "1.01", &["1.00", "1.00", "1.05"]),
        (2, "0.02", &["0.00", "0.05"]),
        (4, "0.01", &["0.00", "0.00", "0.05", "0.00"]),
    ] {
        let mut till = any_till();
        let before = till.books();
        let receipt = till.sells(in_cash(vec![at_price(count, price, 0)]));
        let given = pieces(&mut till, &receipt, &vec![1; count as usize], true);
        let expected: Vec<_> = expected.iter().map(|amount| money(amount)).collect();
        assert_eq!(given, expected, "{count} x {price}");
        assert_eq!(sum(&given), receipt.cash, "{count} x {price}");
        assert_eq!(till.books(), before, "{count} x {price}");
        till.check();
    }
}

#[test]
fn nobody_gets_back_more_than_was_paid_whatever_the_way() {
    let mut till = any_till();
    // 7.38, of which 5.00 are paid in cash and 2.38 by card: 7.40 would be too much.
    let lines = vec![at_price(6, "1.23", 0)];
    let receipt = till.sells(sale(None, lines, "5.00", "2.38"));
    let back = till.sells(back(&receipt, &[6], true));
    assert_eq!(back.cash, -money("7.35"));
    assert_eq!(till.balance(AccountKind::Rounding, ""), money("0.03"));
    till.check();
}

/// A receipt of random goods that is paid somehow, and taken back in random pieces.
fn taken_back_at_random(till: &mut Till, random: &mut fastrand::Rng) {
    let before = till.books();
    let mut lines = Vec::new();
    for _ in 0..random.usize(1..4) {
        let price = format!("{}.{:02}", random.u32(0..60), random.u32(0..100));
        let name = ["a", "b", "c"][random.usize(0..3)];
        let discount = if random.bool() { random.i64(0..101) } else { 0 };
        let count = random.u32(1..9);
        lines.push(Line { count, discount, price: Some(money(&price)), ..good(name) });
    }
    let ways = match random.u8(0..3) {
        0 => (Money::ZERO, Rest::Cash),
        1 => (Money::ZERO, Rest::Card),
        _ => (Money(random.i64(0..20) * 5), Rest::Card),
    };
    let count = till.receipts.len();
    till.order("T1", paid(lines, ways));
    let Some(receipt) = till.receipts.get(count).cloned() else { return };
    let paid = receipt.cash + receipt.card;
    let mut left: Vec<u32> = receipt.lines.iter().map(|line| line.count).collect();
    let (mut given, mut worth) = (Money::ZERO, Money::ZERO);
    while left.iter().any(|count| *count > 0) {
        let mut counts: Vec<u32> = left.iter().map(|count| random.u32(0..=*count)).collect();
        if counts.iter().all(|count| *count == 0) {
            counts.clone_from(&left);
        }
        for (left, count) in left.iter_mut().zip(&counts) {
            *left -= count;
        }
        let last = left.iter().all(|count| *count == 0);
        let back = till.sells(back(&receipt, &counts, !last && random.bool()));
        given = given - back.cash - back.card;
        worth = worth - back.total;
        assert!(given <= paid, "{given:?} of {paid:?} for {receipt:?}");
    }
    assert_eq!(worth, receipt.total, "{receipt:?}");
    assert_eq!(given, paid, "{receipt:?}");
    let moved = |books: &BTreeMap<String, Money>| -> Vec<(String, Money)> {
        let taken = |name: &str| name.starts_with("cash:") || name.starts_with("card:");
        let all = books.iter().filter(|(name, _)| !taken(name));
        all.map(|(name, amount)| (name.clone(), *amount)).collect()
    };
    assert_eq!(moved(&till.books()), moved(&before), "{receipt:?}");
}

#[test]
fn whatever_comes_back_in_whatever_pieces_leaves_nothing_in_any_account() {
    let first = tests::seeds::fresh("KARI_PARTS_SEED");
    let seeds = FAILED.iter().copied().chain(first..first + RECEIPTS / 200);
    for seed in seeds {
        println!("run {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut till = any_till();
        for (name, vat) in [("a", 1800), ("b", 0), ("c", random.u16(1..3000))] {
            let row = Good { open_price: true, vat: Some(Vat(vat)), ..Good::default() };
            till.take(Input::Import(vec![ImportRow::Good(name.into(), row)]));
        }
        for _ in 0..200 {
            taken_back_at_random(&mut till, &mut random);
        }
        till.check();
    }
}

#[test]
fn a_session_tells_what_was_sold_apart_from_money_that_only_changes_its_place() {
    let mut till = Till::new();
    till.sells(sale(Some("W1"), vec![top_up("20.00")], "20.00", "0.00"));
    till.sells(sale(Some("W1"), vec![goods("juice", 5, 0)], "0.00", "0.00"));
    let blocks = till.session().unwrap().blocks;
    assert_eq!((blocks.sold(), blocks.top_ups, blocks.total()), {
        (money("15.00"), money("20.00"), money("35.00"))
    });
    let out = What::Refund { holder: "W1".into(), amount: money("10.00"), cash: true };
    till.sells(out);
    let deposit = Line::of(Sells::Deposit { uid: Uid::from("04D1") });
    let month = till.sells(sale(Some("W1"), vec![pass("month"), deposit], "110.00", "0.00"));
    let deposit_back = Line::of(Sells::DepositBack { uid: Uid::from("04D1") });
    till.sells(sale(None, vec![deposit_back], "-10.00", "0.00"));
    let blocks = till.session().unwrap().blocks;
    let expected = [
        (blocks.goods, "15.00"),
        (blocks.passes, "100.00"),
        (blocks.returned, "0.00"),
        (blocks.top_ups, "20.00"),
        (blocks.paid_out, "10.00"),
        (blocks.deposits, "10.00"),
        (blocks.deposits_back, "10.00"),
        (blocks.prepaid(), "10.00"),
        (blocks.total(), "125.00"),
    ];
    for (amount, text) in expected {
        assert_eq!(amount, money(text), "{blocks:?}");
    }
    assert!(till.nonsense(void(&month)).contains("went back already"));
    let load = till.sells(sale(Some("W2"), vec![top_up("5.00")], "5.00", "0.00"));
    till.sells(void(&load));
    let towel = till.sells(in_cash(vec![goods("towel", 2, 0)]));
    assert_eq!(till.session().unwrap().blocks.rounding, -money("0.02"));
    till.sells(back(&towel, &[1], true));
    let blocks = till.session().unwrap().blocks;
    assert_eq!((blocks.top_ups, blocks.returned), (money("20.00"), money("4.99")));
    till.check();
}

fn void(receipt: &Receipt) -> What {
    What::Void { receipt: Box::new(receipt.clone()), reason: "a mistake".to_owned() }
}
