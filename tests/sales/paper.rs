//! What a till prints of a session, as X and as Z report: whoever adds up the paper comes to what
//! stands on it.

use admin_api::wording::{
    Wording,
    language::{LANGUAGES, Language},
};
use domain::{
    ids::Uid,
    money::{Currency, Money},
    order::{CashOrder, Line, Sells, What},
    sales::Receipt,
    state::{Answer, Noted},
};
use jiff::tz::TimeZone;

use crate::{
    random,
    till::{GIVEN, Till, good, goods, money, pass, sale, top_up},
};

/// Days of random orders.
const DAYS: u64 = 100;
/// Days that once failed.
const FAILED: [u64; 0] = [];

/// A block of lines between two rules: each a word and an amount.
type Block = Vec<(String, Money)>;

/// A printed amount: `-1 234,50 ₾`.
fn amount(text: &str) -> Option<Money> {
    let digits = text.strip_suffix('₾')?.chars().filter(|sign| !sign.is_whitespace());
    Currency::of("GEL").unwrap().parse(&digits.collect::<String>().replace(',', "."))
}

/// The blocks below the head; a word that is too long stands above its amount.
fn blocks(paper: &[String]) -> Vec<Block> {
    let text = paper.join("\n");
    let rule = "-".repeat(42);
    let body = text.split(&rule).skip(1).map(|block| {
        let mut told = Block::new();
        let mut above = "";
        for line in block.lines().filter(|line| !line.is_empty()) {
            let found = line.rsplit_once(' ').and_then(|(word, at)| Some((word, amount(at)?)));
            match found {
                Some((word, amount)) => {
                    told.push((format!("{above}{}", word.trim_end()), amount));
                    above = "";
                }
                None => above = line,
            }
        }
        assert_eq!(above, "", "{text}");
        told
    });
    body.collect()
}

fn sum(block: &[(String, Money)]) -> Money {
    block.iter().map(|(_, amount)| *amount).sum()
}

/// Adds a printed report up: each block by itself, the blocks to the total, the ways of payment to
/// the same total, and the cash to what the drawer should hold.
fn add_up(paper: &[String], words: &Wording) {
    let told = paper.join("\n");
    let all = blocks(paper);
    let (cash, rest) = all.split_last().unwrap();
    let (paid, blocks) = rest.split_last().unwrap();
    let mut total = Money::ZERO;
    for block in blocks {
        let counted = block.iter().filter(|(word, _)| !word.starts_with('(')).cloned();
        let counted: Block = counted.collect();
        let ((_, own), each) = counted.split_last().unwrap();
        assert!(each.is_empty() || sum(each) == *own, "a block adds up:\n{told}");
        total = total + *own;
    }
    let ((_, paid_in_all), ways) = paid.split_first().unwrap();
    assert_eq!(total, *paid_in_all, "the blocks are the total:\n{told}");
    assert_eq!(sum(ways), *paid_in_all, "what was paid is the total:\n{told}");
    let in_cash = words.word("pay-cash");
    let in_cash = ways.iter().filter(|(word, _)| *word == in_cash);
    let in_cash: Money = in_cash.map(|(_, amount)| *amount).sum();
    assert_eq!(sum(&cash[..3]) + in_cash, cash[3].1, "the drawer:\n{told}");
    if let [_, _, _, expected, counted, difference] = &cash[..] {
        assert_eq!(counted.1 - expected.1, difference.1, "the difference:\n{told}");
    }
}

fn words(language: Language) -> Wording {
    Wording::new(language, Currency::of("GEL").unwrap(), TimeZone::UTC)
}

/// The X report of the open session.
fn x(till: &Till, words: &Wording) -> Vec<String> {
    words.session(&"T1".into(), &till.session().unwrap(), None)
}

/// The Z report of the session that the last order closed.
fn z(till: &Till, words: &Wording) -> Option<Vec<String>> {
    till.world.last.journal.iter().find_map(|entry| match &entry.noted {
        Noted::SessionClosed { session, expected, counted } => {
            Some(words.session(&"T1".into(), session, Some((*expected, *counted))))
        }
        _ => None,
    })
}

/// The report holds these blocks, and adds up.
#[track_caller]
fn reads(paper: &[String], expected: &[&[(&str, &str)]]) {
    let told = blocks(paper);
    let expected: Vec<Block> = expected
        .iter()
        .map(|block| block.iter().map(|(word, of)| ((*word).to_owned(), money(of))).collect())
        .collect();
    assert_eq!(told[..told.len() - 1], expected, "{}", paper.join("\n"));
    add_up(paper, &words(Language::En));
}

/// Counts the drawer to the coin, in which nothing is at the least; the Z report says what the X
/// report said.
#[track_caller]
fn closes(till: &mut Till) {
    let english = words(Language::En);
    let x = x(till, &english);
    let expected = till.session().unwrap().expected();
    let counted = expected.max(Money::ZERO);
    assert!(matches!(till.cash(CashOrder::Close { counted }), Answer::Decided(_)));
    let z = z(till, &english).unwrap();
    let (x, z_blocks) = (blocks(&x), blocks(&z));
    let head = x.len() - 1;
    assert_eq!(z_blocks[..head], x[..head], "X and Z say the same");
    assert_eq!(z_blocks[head][..4], x[head][..4]);
    let more = counted - expected;
    let counted = [("Cash counted".to_owned(), counted), ("Difference".to_owned(), more)];
    assert_eq!(z_blocks[head][4..], counted);
    add_up(&z, &english);
}

fn void(receipt: &Receipt) -> What {
    What::Void { receipt: Box::new(receipt.clone()), reason: "a mistake".to_owned() }
}

fn opened() -> Till {
    let given = GIVEN
        .replace("{ band = \"W1\", wallet = \"20.00\" }", "{ band = \"W1\", wallet = \"50.00\" }");
    let mut till = Till::of(&given);
    let answer = till.cash(CashOrder::Open { float: Money::ZERO });
    assert!(matches!(answer, Answer::Decided(_)));
    till
}

/// Coffee, which is a service at any price here.
fn coffee(count: u32) -> Line {
    Line { count, price: Some(money("4.00")), ..good("massage") }
}

#[test]
fn coffee_paid_by_a_wallet_is_sold_once_and_what_fills_the_wallet_is_not() {
    let mut till = opened();
    till.sells(What::Topup { holder: "W1".into(), amount: money("20.00"), cash: true });
    till.sells(sale(Some("W1"), vec![coffee(5)], "0.00", "0.00"));
    let english = words(Language::En);
    let sold = [("Goods and services", "20.00"), ("Sold", "20.00"), ("(of it VAT 18 %)", "3.05")];
    let topped_up: &[_] = &[("Top-ups", "20.00"), ("Prepaid", "20.00")];
    let paid: &[_] = &[("Paid in all", "40.00"), ("Cash", "20.00"), ("Wallet", "20.00")];
    reads(&x(&till, &english), &[&sold, topped_up, paid]);
    till.sells(What::Refund { holder: "W1".into(), amount: money("30.00"), cash: true });
    let prepaid: &[_] = &[("Top-ups", "20.00"), ("Paid out", "-30.00"), ("Prepaid", "-10.00")];
    let paid: &[_] = &[("Paid in all", "10.00"), ("Cash", "-10.00"), ("Wallet", "20.00")];
    reads(&x(&till, &english), &[&sold, prepaid, paid]);
    till.check();
    closes(&mut till);
}

#[test]
fn money_that_only_changes_its_place_has_lines_of_its_own() {
    let english = words(Language::En);
    let band = |sells: fn(Uid) -> Sells| Line::of(sells(Uid::from("04D1")));
    let deposit = || band(|uid| Sells::Deposit { uid });
    let back = || band(|uid| Sells::DepositBack { uid });
    // A deposit alone.
    let mut till = opened();
    till.sells(sale(None, vec![deposit()], "10.00", "0.00"));
    let kept: &[_] = &[("Deposits", "10.00"), ("Prepaid", "10.00")];
    let paid: &[_] = &[("Paid in all", "10.00"), ("Cash", "10.00")];
    reads(&x(&till, &english), &[&[("Sold", "0.00")], kept, paid]);
    closes(&mut till);
    // A pass, and a deposit that goes back.
    let mut till = opened();
    till.sells(sale(Some("W2"), vec![pass("month"), deposit()], "0.00", "110.00"));
    till.sells(sale(None, vec![back()], "-10.00", "0.00"));
    let sold: &[_] = &[("Passes", "100.00"), ("Sold", "100.00"), ("(of it VAT 18 %)", "15.25")];
    let moved: &[_] =
        &[("Deposits", "10.00"), ("Deposits returned", "-10.00"), ("Prepaid", "0.00")];
    let paid: &[_] = &[("Paid in all", "100.00"), ("Card", "110.00"), ("Cash", "-10.00")];
    reads(&x(&till, &english), &[sold, moved, paid]);
    closes(&mut till);
    // A debt that is made and paid.
    let mut till = opened();
    till.sells(sale(Some("W2"), vec![goods("juice", 1, 0)], "0.00", "0.00"));
    till.sells(What::Settle { holder: "W2".into(), amount: money("3.00"), cash: true });
    let sold: &[_] = &[("Goods and services", "3.00"), ("Sold", "3.00")];
    let paid: &[_] = &[("Paid in all", "6.00"), ("Cash", "3.00"), ("Wallet", "3.00")];
    reads(&x(&till, &english), &[sold, &[("Debts paid", "3.00")], paid]);
    closes(&mut till);
}

#[test]
fn what_is_taken_back_or_rounded_stands_beside_what_was_sold() {
    let english = words(Language::En);
    // Two towels in cash, of which one comes back: 9.98 for 10.00, and 4.99 for 5.00.
    let mut till = opened();
    let towels = till.sells(sale(None, vec![goods("towel", 2, 0)], "10.00", "0.00"));
    let receipt = Box::new(towels);
    let back = What::Return { receipt, counts: vec![1], cash: true, reason: "torn".to_owned() };
    till.sells(back);
    let sold: &[_] = &[
        ("Goods and services", "9.98"),
        ("Taken back", "-4.99"),
        ("Rounding", "0.01"),
        ("Sold", "5.00"),
        ("(of it VAT 18 %)", "0.76"),
    ];
    let paid: &[_] = &[("Paid in all", "5.00"), ("Cash", "5.00")];
    reads(&x(&till, &english), &[sold, paid]);
    closes(&mut till);
    // A top-up that was a mistake, beside a basket of everything at a discount.
    let mut till = opened();
    let mistake = till.sells(sale(Some("W1"), vec![top_up("15.00")], "15.00", "0.00"));
    till.sells(void(&mistake));
    let basket = vec![goods("towel", 3, 10), pass("once"), top_up("10.00")];
    till.sells(sale(Some("W1"), basket, "0.00", "31.47"));
    let sold: &[_] = &[
        ("Goods and services", "13.47"),
        ("Passes", "8.00"),
        ("Sold", "21.47"),
        ("(Discounts)", "1.50"),
        ("(of it VAT 18 %)", "3.27"),
    ];
    let topped_up: &[_] = &[("Top-ups", "10.00"), ("Prepaid", "10.00")];
    let paid: &[_] = &[("Paid in all", "31.47"), ("Card", "31.47"), ("Cash", "0.00")];
    reads(&x(&till, &english), &[sold, topped_up, paid]);
    closes(&mut till);
}

#[test]
fn whatever_was_ordered_the_printed_reports_add_up_in_every_language() {
    let all = LANGUAGES.map(words);
    let (mut papers, mut closed) = (0, 0);
    let first = tests::seeds::fresh("KARI_PAPER_SEED");
    for seed in FAILED.iter().copied().chain(first..first + DAYS) {
        println!("day {seed}");
        let mut till = Till::new();
        let mut random = fastrand::Rng::with_seed(seed);
        for step in 0..120 {
            let what = random::ordered(&till, &mut random);
            till.order("T1", what);
            let words = &all[step % all.len()];
            if let Some(paper) = z(&till, words) {
                closed += 1;
                add_up(&paper, words);
            }
            if till.session().is_some() {
                papers += 1;
                add_up(&x(&till, words), words);
            }
        }
        till.check();
    }
    println!("{papers} X reports and {closed} Z reports");
    assert!(papers > DAYS * 60 && closed > DAYS, "{papers} {closed}");
}
