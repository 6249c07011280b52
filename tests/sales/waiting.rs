//! Orders that wait for a second person, and what became of their subject meanwhile.

use domain::{
    ids::{DeviceId, TariffId},
    import::ImportLook,
    money::Money,
    order::{Act, Begins, Line, Sells, What},
    registry::{Carrier, PassChange, Registry},
    rows::{Operator, PassKey, PinDigest, Tariff, TariffKey},
    state::{Answer, ImportRow, Input},
    verdict::Outcome,
};

use crate::{
    corrections::corrects,
    till::{GIVEN, Till, good, goods, money, pass, sale},
};

/// A pool where two people give anything back: nino, and levan who may do the same.
fn pool() -> Till {
    let rules = r#"set("operator.two_person_actions", "refund, void, balance_adjust");
set("debt.entry_block_amount", "9000.00");
set("debt.exit_policy", "warn", tariff("PAID"));
set("tariff.included_duration", "PT90M", tariff("PAID"));
set("tariff.overstay_mode", "per_unit", tariff("PAID"));
set("tariff.overstay_rate", "0.20/PT1M", tariff("PAID"));
'''
tills"#;
    let person = r#"{ band = "P1", wallet = "10.00", tariff = "PAID" },"#;
    let tariff = r#"PAID = { zones = ["SITE"], price = "8.00" }"#;
    let given = GIVEN
        .replacen("'''\ntills", rules, 1)
        .replace("sale, topup", "sale, balance_adjust, block_member, topup")
        .replace("\"sale, void\"", "\"sale, void, refund, balance_adjust, take_payment\"")
        .replace("people = [", &format!("people = [\n    {person}"))
        .replace("[tariffs]", &format!("[tariffs]\n{tariff}"));
    let mut till = Till::of(&given);
    let nino = till.world.state.tables.operators.peek(&"nino".into()).unwrap().clone();
    till.world.state.tables.operators.put("levan".into(), Operator { uid: None, ..nino });
    till
}

/// What nino orders there waits.
#[track_caller]
fn waits(till: &mut Till, there: &str, what: What) {
    let answer = till.order(there, what);
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    let decision = till.world.decision.as_ref().unwrap();
    assert!(decision.waits_for_second(), "{:?}", decision.verdict);
}

/// Levan confirms at the other till what was ordered there: what it was refused with, if it was.
#[track_caller]
fn confirms(till: &mut Till, there: &str) -> Option<String> {
    let other: DeviceId = if there == "T1" { "T2" } else { "T1" }.into();
    let (operator, pin) = ("levan".into(), PinDigest("2468".into()));
    let ordered_at = there.into();
    let confirms = Input::Confirm { terminal: other, ordered_at, decision: None, operator, pin };
    match till.take(confirms) {
        Answer::Refused(why) => Some(why),
        Answer::Decided(_) => {
            let decision = till.world.decision.as_ref().unwrap();
            assert_eq!(decision.verdict.outcome, Outcome::Grant, "{:?}", decision.verdict);
            None
        }
        other => panic!("{other:?}"),
    }
}

fn pass_of(till: &Till, band: &str) -> PassKey {
    let member = till.member(band);
    let mut rows = till.world.state.tables.passes.iter();
    *rows.find(|(key, row)| key.member == member && row.sale.is_some()).unwrap().0
}

fn changes(till: &Till, band: &str, change: PassChange) -> What {
    let PassKey { member, pass } = pass_of(till, band);
    let version = till.world.state.tables.members.version(&member);
    let who = Carrier { member, version, carries: vec![band.into()] };
    let reason = "he asked for it".to_owned();
    What::Registry(Box::new(Registry::Pass { who, pass, change, reason }))
}

fn walks(till: &mut Till, band: &str) {
    let now = till.world.time("13:00:00");
    till.world.wait(now);
    for step in [format!("entry G1 {band}"), "passed G1 in".to_owned()] {
        till.run(&format!("13:00:01 {step}"));
    }
    till.run(&format!("13:05:00 exit G1 {band}"));
    till.run("13:05:01 passed G1 out");
}

/// An order that gives something back, as nino gives it.
type Gives = fn(&mut Till) -> What;

/// What happens while it waits.
type Happens = fn(&mut Till);

const GIVES: [(&str, Gives); 6] = [
    ("a visit", |till| changes(till, "W1", PassChange::GiveBack)),
    ("a pass", |till| changes(till, "W1", PassChange::Cancel { refund: None })),
    ("part of a pass", |till| {
        changes(till, "W1", PassChange::Cancel { refund: Some(money("9.00")) })
    }),
    ("a receipt", |till| {
        let receipt = Box::new(till.receipts[1].clone());
        What::Void { receipt, reason: "mistyped".to_owned() }
    }),
    ("goods", |till| {
        let receipt = Box::new(till.receipts[1].clone());
        What::Return { receipt, counts: vec![2], cash: true, reason: "torn".to_owned() }
    }),
    ("a charge", |till| {
        let charge = till.transactions.iter().rfind(|one| one.purpose.is_charge()).unwrap();
        corrects(till, &charge.clone(), "a mistake")
    }),
];

/// A pack of ten visits, one of them used; three towels; a charge at the gate.
fn busy() -> Till {
    let mut till = pool();
    till.sells(sale(Some("W1"), vec![pass("ten")], "70.00", "0.00"));
    till.sells(sale(None, vec![goods("towel", 3, 0)], "14.95", "0.00"));
    walks(&mut till, "W1");
    stays_too_long(&mut till);
    till
}

/// Somebody stays longer than he can pay.
fn stays_too_long(till: &mut Till) {
    till.run("14:00:00 entry G1 P1");
    till.run("14:00:02 passed G1 in");
    till.run("17:00:00 exit G1 P1");
    till.run("17:00:02 passed G1 out");
}

#[test]
fn what_two_people_wait_to_give_back_goes_back_once() {
    for (what, gives) in GIVES {
        let mut till = busy();
        for there in ["T1", "T2"] {
            // A receipt is voided at its own till.
            if (what, there) != ("a receipt", "T2") {
                let order = gives(&mut till);
                waits(&mut till, there, order);
            }
        }
        assert_eq!(confirms(&mut till, "T1"), None, "{what}");
        let after = (till.books(), till.receipts.len(), till.bought("W1"));
        let why = confirms(&mut till, "T2");
        assert!(why.is_some(), "{what}");
        assert_eq!((till.books(), till.receipts.len(), till.bought("W1")), after, "{what}");
        till.check();
    }
}

#[test]
fn what_is_given_back_is_what_it_came_to_when_it_was_ordered_or_nothing() {
    // Two towels come back at the other till, a visit is used, or the charge is paid.
    let changed: [(&str, Gives, Happens); 3] = [
        (
            "goods",
            |till| {
                let receipt = Box::new(till.receipts[1].clone());
                What::Return { receipt, counts: vec![1], cash: true, reason: "torn".to_owned() }
            },
            |till| {
                let receipt = Box::new(till.receipts[1].clone());
                let reason = "torn".to_owned();
                let back = What::Return { receipt, counts: vec![2], cash: true, reason };
                waits(till, "T2", back);
                assert_eq!(confirms(till, "T2"), None);
            },
        ),
        (
            "a pass",
            |till| changes(till, "W1", PassChange::Cancel { refund: None }),
            |till| {
                till.run("17:10:00 entry G1 W1");
                till.run("17:10:01 passed G1 in");
                till.run("17:10:02 exit G1 W1");
                till.run("17:10:03 passed G1 out");
            },
        ),
        (
            "a charge",
            |till| {
                let charge = till.transactions.iter().rfind(|one| one.purpose.is_charge()).unwrap();
                corrects(till, &charge.clone(), "a mistake")
            },
            |till| {
                let pays = What::Settle { holder: "P1".into(), amount: money("8.00"), cash: true };
                assert!(matches!(till.order("T2", pays), Answer::Decided(_)));
            },
        ),
    ];
    for (what, gives, meanwhile) in changed {
        for happens in [false, true] {
            let mut till = busy();
            till.run("17:09:50 waits");
            let order = gives(&mut till);
            waits(&mut till, "T1", order);
            if happens {
                meanwhile(&mut till);
            }
            let why = confirms(&mut till, "T1");
            let told = why.as_ref().is_some_and(|why| why.contains("order it again"));
            assert_eq!((told, why.is_some()), (happens, happens), "{what}: {why:?}");
            till.check();
        }
    }
}

#[test]
fn nobody_is_blocked_while_rows_come_in_that_would_undo_it() {
    let mut till = pool();
    let block = |till: &Till| {
        let member = Some(till.member("W2"));
        What::Act(Act { action: "block_member".to_owned(), member, ..Act::default() })
    };
    till.take(Input::ImportLook(ImportLook::Close("members.csv".into())));
    let order = block(&till);
    assert!(till.nonsense(order).contains("import is under way"));
}

#[test]
fn a_pass_rests_from_its_first_day_on_at_the_earliest() {
    let mut till = Till::new();
    let key = TariffKey { tariff: TariffId::from("month"), version: 1 };
    let known = till.world.state.tables.tariffs.peek(&key).unwrap().clone();
    let offer = domain::rows::Offer { freeze_days: 10, ..known.offer.clone() };
    till.take(Input::Import(vec![ImportRow::Tariff(key, Tariff { offer, ..known })]));
    let begins = Begins { from: Some("2026-10-01".parse().unwrap()), beside: false };
    let later = Line::of(Sells::Tariff { tariff: TariffId::from("month"), member: None, begins });
    till.sells(sale(Some("W1"), vec![later, good("juice")], "103.00", "0.00"));
    let order = changes(&till, "W1", PassChange::Freeze);
    assert!(till.nonsense(order).contains("begins on 2026-10-01"));
    let from = |day: &str| PassChange::FreezeFrom { from: day.parse().unwrap() };
    let order = changes(&till, "W1", from("2026-09-30"));
    assert!(till.nonsense(order).contains("begins on 2026-10-01"));
    let order = changes(&till, "W1", from("2026-10-01"));
    assert!(matches!(till.order("T1", order), Answer::Decided(_)));
    till.at("2026-10-05 12:00:00");
    let order = changes(&till, "W1", PassChange::Unfreeze);
    assert!(matches!(till.order("T1", order), Answer::Decided(_)));
    till.at("2026-12-01 12:00:00");
    till.check();
    assert_eq!(till.world.debt("W1"), Money::ZERO);
}
