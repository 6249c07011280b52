//! Random days at a till: whatever is ordered, the books stay in order.

use domain::{
    ids::Uid,
    order::{CashOrder, Line, Sells, What},
    registry::Registry,
    rows::HeldEvent,
    state::Answer,
};

use crate::till::{Till, goods, money, pass, sale, top_up};

const GOODS: [&str; 5] = ["towel", "juice", "beer", "lost", "old"];
const PASSES: [&str; 5] = ["month", "later", "ten", "once", "gone"];
/// Days that once failed.
const FAILED: [u64; 0] = [];
const PEOPLE: [&str; 4] = ["W1", "W2", "C1", "nobody"];

fn line(random: &mut fastrand::Rng) -> Line {
    let uid = Uid::from(["04D1", "04D2", "W1", "C1"][random.usize(0..4)]);
    match random.u8(0..19) {
        0..=7 => {
            let discount = random.i64(0..30);
            goods(GOODS[random.usize(0..5)], random.u32(0..5), discount)
        }
        8..=11 => pass(PASSES[random.usize(0..5)]),
        12 | 13 => top_up(&format!("{}.{:02}", random.u8(0..60), random.u8(0..100))),
        14 | 15 => Line::of(Sells::Deposit { uid }),
        16 | 17 => Line::of(Sells::DepositBack { uid }),
        _ => Line::of(Sells::LostBand { uid: PEOPLE[random.usize(0..2)].into() }),
    }
}

fn amount(random: &mut fastrand::Rng) -> String {
    format!("{}.{}", random.u16(0..150), ["00", "05", "50", "95"][random.usize(0..4)])
}

pub(crate) fn ordered(till: &Till, random: &mut fastrand::Rng) -> What {
    let who = PEOPLE[random.usize(0..4)];
    let receipt = |random: &mut fastrand::Rng| {
        let all = &till.receipts;
        (!all.is_empty()).then(|| Box::new(all[random.usize(0..all.len())].clone()))
    };
    let reason = || "random".to_owned();
    match random.u8(0..21) {
        0..=8 => {
            let lines = (0..random.usize(1..5)).map(|_| line(random)).collect();
            let buyer = random.bool().then_some(who);
            let cash = if random.bool() { amount(random) } else { "0.00".to_owned() };
            let card = if random.bool() { amount(random) } else { "0.00".to_owned() };
            sale(buyer, lines, &cash, &card)
        }
        9 => What::Topup { holder: who.into(), amount: money(&amount(random)), cash: true },
        10 => What::Refund { holder: who.into(), amount: money(&amount(random)), cash: false },
        11 => What::Settle { holder: who.into(), amount: money(&amount(random)), cash: true },
        12 => What::Cash(CashOrder::Open { float: money(&amount(random)) }),
        13 => What::Cash(CashOrder::Close { counted: money(&amount(random)) }),
        14 => {
            let amount = money(&amount(random));
            What::Cash(CashOrder::PutIn { amount, reason: reason() })
        }
        20 => {
            let amount = money(&amount(random));
            What::Cash(CashOrder::TakeOut { amount, reason: reason() })
        }
        15 if random.u8(0..4) == 0 => {
            let event = [HeldEvent::Lost, HeldEvent::Stolen][random.usize(0..2)];
            let (uid, reason) = ("C1".into(), reason());
            What::Registry(Box::new(Registry::Credential { uid, event, reason }))
        }
        16 | 17 => match receipt(random) {
            Some(receipt) => What::Void { receipt, reason: reason() },
            None => What::Cash(CashOrder::Open { float: money("10.00") }),
        },
        _ => match receipt(random) {
            Some(receipt) => {
                let counts = receipt.lines.iter().map(|_| random.u32(0..3)).collect();
                What::Return { receipt, counts, cash: random.bool(), reason: reason() }
            }
            None => What::Cash(CashOrder::Open { float: money("10.00") }),
        },
    }
}

#[test]
fn whatever_is_ordered_the_books_stay_in_order() {
    let days: u64 = std::env::var("KARI_TILL_DAYS").ok().map_or(100, |days| days.parse().unwrap());
    let (mut done, mut refused) = (0, 0);
    let first = tests::seeds::fresh("KARI_TILL_SEED");
    for seed in FAILED.iter().copied().chain(first..first + days) {
        println!("day {seed}");
        let mut till = Till::new();
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..120 {
            let what = ordered(&till, &mut random);
            match till.order("T1", what.clone()) {
                Answer::Decided(_) => done += 1,
                Answer::Refused(_) => refused += 1,
                other => panic!("{what:?}: {other:?}"),
            }
            if random.u8(0..8) == 0 {
                let who = PEOPLE[random.usize(0..2)];
                till.passes(who);
            }
            if random.u8(0..12) == 0 {
                let later = till.world.now.plus(domain::time::Span::seconds(20_000));
                till.world.wait(later);
                till.transactions.append(&mut till.world.last.transactions);
            }
            till.check();
        }
    }
    println!("{done} orders decided, {refused} made no sense");
    assert!(done > days * 30 && refused > days * 5, "{done} {refused}");
}
