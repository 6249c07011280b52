//! Parts and wholes: whatever comes back in pieces, the pieces are the whole, in every account, and
//! no guest gets back more than he paid; and what a session tells adds up.

use std::sync::Arc;

use domain::{
    ids::Uid,
    money::Money,
    order::{Line, Rest, Sells, What},
    rows::AccountKind,
    sales::Receipt,
    site::Site,
};

use crate::till::{GIVEN, Till, good, goods, money, pass, sale, top_up};

/// A till that may give any discount, with a good at any price and a guest who can pay anything.
pub(crate) fn any_till() -> Till {
    let given = GIVEN
        .replace(
            "{ band = \"W1\", wallet = \"20.00\" }",
            "{ band = \"W1\", wallet = \"5000000.00\" }",
        )
        .replace("wallet.max_balance\", \"150.00\"", "wallet.max_balance\", \"90000000.00\"")
        .replace("sale.max_discount_percent\", 20", "sale.max_discount_percent\", 100")
        .replace("\"500.00\", role", "\"500000.00\", role")
        .replace("cash.drawer_max\", \"5000.00\"", "cash.drawer_max\", \"90000000.00\"");
    Till::of(&given)
}

/// Changes what the site says of money.
pub(crate) fn set(till: &mut Till, change: impl FnOnce(&mut Site)) {
    let mut site = (*till.world.state.site).clone();
    change(&mut site);
    till.world.state.site = Arc::new(site);
}

fn at_price(count: u32, price: &str, discount: i64) -> Line {
    Line { count, discount, price: Some(money(price)), ..good("massage") }
}

/// A sale to nobody in particular, which is paid by one way alone.
pub(crate) fn paid(lines: Vec<Line>, (cash, rest): (Money, Rest)) -> What {
    let (buyer, card, age_shown) = (None, Money::ZERO, None);
    What::Sale { buyer, lines, cash, card, rest, age_shown }
}

fn by_card(lines: Vec<Line>) -> What {
    paid(lines, (Money::ZERO, Rest::Card))
}

fn in_cash(lines: Vec<Line>) -> What {
    paid(lines, (Money::ZERO, Rest::Cash))
}

pub(crate) fn back(receipt: &Receipt, counts: &[u32], cash: bool) -> What {
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

/// Amounts by their texts.
fn amounts(of: &[&str]) -> Vec<Money> {
    of.iter().map(|text| money(text)).collect()
}

/// What is given, with the signs turned, by so many of each line that come back each time.
fn returns(till: &mut Till, receipt: &Receipt, each: &[(&[u32], bool)]) -> Vec<Money> {
    let given = each.iter().map(|(counts, cash)| {
        let back = till.sells(back(receipt, counts, *cash));
        -(back.cash + back.card)
    });
    given.collect()
}

#[test]
fn seven_waters_and_three_caps_come_back_to_the_last_tetri() {
    // 10.50 holds 1.60 of tax.
    for (pieces, given, tax) in [
        (
            vec![1; 7],
            ["1.50", "1.50", "1.50", "1.50", "1.50", "1.50", "1.50"].as_slice(),
            ["0.23", "0.23", "0.23", "0.22", "0.23", "0.23", "0.23"].as_slice(),
        ),
        (vec![3, 4], &["4.50", "6.00"], &["0.69", "0.91"]),
    ] {
        let mut till = any_till();
        let sold = till.sells(by_card(vec![at_price(7, "1.50", 0)]));
        assert_eq!((sold.total, sold.lines[0].tax), (money("10.50"), money("1.60")));
        assert_eq!(till.balance(AccountKind::Vat, "18"), money("1.60"));
        for ((count, given), tax) in pieces.iter().zip(given).zip(tax) {
            let back = till.sells(back(&sold, &[*count], false));
            assert_eq!((back.card, back.lines[0].tax), (-money(given), -money(tax)));
        }
        assert_eq!(till.balance(AccountKind::Vat, "18"), Money::ZERO);
        till.check();
    }
    // 38.70 less 33 % is 25.93, of which 3.96 are tax; 12.77 are off, 10.82 without its tax.
    let mut till = any_till();
    let before = till.books();
    let sold = till.sells(by_card(vec![at_price(3, "12.90", 33)]));
    assert_eq!((sold.card, sold.lines[0].tax), (money("25.93"), money("3.96")));
    assert_eq!(till.balance(AccountKind::Discounts, ""), -money("10.82"));
    let given = pieces(&mut till, &sold, &[1, 1, 1], false);
    assert_eq!(given, amounts(&["8.64", "8.65", "8.64"]));
    assert_eq!(till.books(), before, "no 1.32, no tetri of anything");
    till.check();
}

#[test]
fn what_comes_back_is_the_rounded_share_of_all_so_far() {
    // Of how many, at which price and discount, in which pieces: what is given for each of them,
    // and the tax in it.
    for (of, pieces_of, given, tax) in [
        ((3, "0.10", 0), [1, 1, 1].as_slice(), ["0.10"; 3].as_slice(), ["0.02", "0.01", "0.02"]),
        ((3, "3.33", 10), &[1, 1, 1], &["3.00", "2.99", "3.00"], ["0.46", "0.45", "0.46"]),
        ((11, "7.77", 15), &[2, 3, 6], &["13.21", "19.81", "39.63"], ["2.01", "3.03", "6.04"]),
        ((6, "0.99", 50), &[1, 4, 1], &["0.50", "1.98", "0.49"], ["0.08", "0.30", "0.07"]),
        ((100, "0.07", 3), &[33, 33, 34], &["2.24", "2.24", "2.31"], ["0.34", "0.35", "0.35"]),
    ] {
        let (count, price, discount) = of;
        let mut till = any_till();
        let before = till.books();
        let sold = till.sells(by_card(vec![at_price(count, price, discount)]));
        let backs = pieces_of.iter().map(|count| till.sells(back(&sold, &[*count], false)));
        let backs: Vec<_> = backs.collect();
        let told: Vec<_> = backs.iter().map(|back| (-back.card, -back.lines[0].tax)).collect();
        let expected: Vec<_> = amounts(given).into_iter().zip(amounts(&tax)).collect();
        assert_eq!(told, expected, "{of:?}");
        assert_eq!(till.books(), before, "{of:?}");
        till.check();
    }
}

#[test]
fn cash_goes_back_in_the_coins_of_the_place() {
    // The coin, of how many at which price, in which pieces: what is paid, and given each time.
    for (coin, of, pieces_of, paid, given) in [
        (10, (5, "1.48"), vec![2, 3], "7.40", ["3.00", "4.40"].as_slice()),
        (50, (5, "1.48"), vec![1; 5], "7.50", &["1.50", "1.50", "1.50", "1.50", "1.50"]),
        (50, (3, "1.10"), vec![1, 2], "3.50", &["1.00", "2.50"]),
        (1, (3, "0.33"), vec![1, 1, 1], "0.99", &["0.33", "0.33", "0.33"]),
        (100, (4, "0.60"), vec![2, 1, 1], "2.00", &["1.00", "1.00", "0.00"]),
        (5, (7, "0.97"), vec![2, 3, 2], "6.80", &["1.95", "2.90", "1.95"]),
    ] {
        let mut till = any_till();
        set(&mut till, |site| site.cash_step = Money(coin));
        let before = till.books();
        let sold = till.sells(in_cash(vec![at_price(of.0, of.1, 0)]));
        assert_eq!(sold.cash, money(paid), "{coin} {of:?}");
        let told = pieces(&mut till, &sold, &pieces_of, true);
        assert_eq!(told, amounts(given), "{coin} {of:?}");
        assert_eq!(till.books(), before, "{coin} {of:?}");
        till.check();
    }
}

#[test]
fn cash_that_goes_back_for_two_lines_or_another_way_is_never_more_than_was_paid() {
    let two = || vec![at_price(2, "1.48", 0), at_price(3, "0.99", 0)];
    let lines: [(&[u32], bool); 3] = [(&[1, 0], true), (&[0, 2], true), (&[1, 1], true)];
    // 5.93 for 5.95: 1.48, then 3.46, then all of it.
    let mut till = any_till();
    let before = till.books();
    let sold = till.sells(in_cash(two()));
    assert_eq!((sold.total, sold.cash), (money("5.93"), money("5.95")));
    let given = returns(&mut till, &sold, &lines);
    assert_eq!(given, amounts(&["1.50", "1.95", "2.50"]));
    assert_eq!(till.books(), before);
    till.check();
    // By card, and back in cash: 5.93 are paid with 5.90 at the most; the 0.03 are rounded away.
    let mut till = any_till();
    let sold = till.sells(by_card(two()));
    let given = returns(&mut till, &sold, &lines);
    assert_eq!(given, amounts(&["1.50", "1.95", "2.45"]));
    assert_eq!(till.balance(AccountKind::Rounding, ""), money("0.03"));
    till.check();
    // The same, the last by card: all of it.
    let mut till = any_till();
    let sold = till.sells(by_card(two()));
    let given = returns(&mut till, &sold, &[lines[0], lines[1], (&[1, 1], false)]);
    assert_eq!(given, amounts(&["1.50", "1.95", "2.48"]));
    assert_eq!(till.balance(AccountKind::Rounding, ""), Money::ZERO);
    till.check();
    // From a wallet, and back in cash and by card.
    let mut till = any_till();
    let wallet = till.wallet("W1");
    let sold = till.sells(sale(Some("W1"), two(), "0.00", "0.00"));
    assert_eq!(till.wallet("W1"), wallet - money("5.93"));
    let given = returns(&mut till, &sold, &[lines[0], (&[0, 2], false), (&[1, 1], true)]);
    assert_eq!(given, amounts(&["1.50", "1.98", "2.45"]));
    assert_eq!(till.balance(AccountKind::Rounding, ""), Money::ZERO);
    till.check();
    // Cash, card and wallet: 2.00, 1.00 and 2.93.
    let mut till = any_till();
    let sold = till.sells(sale(Some("W1"), two(), "2.00", "1.00"));
    assert_eq!(sold.wallet, money("2.93"));
    let given = returns(&mut till, &sold, &[(&[2, 1], true), (&[0, 2], false)]);
    assert_eq!(given, amounts(&["3.95", "1.98"]));
    assert_eq!(till.balance(AccountKind::Rounding, ""), Money::ZERO);
    till.check();
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
