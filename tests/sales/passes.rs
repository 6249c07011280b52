//! What becomes of sold passes: they rest, are handed on, shared, cancelled; and packs that end
//! with visits left.

use domain::{
    duration::Dur,
    ids::{PassId, TariffId},
    ledger::Purpose,
    limit::Rate,
    money::Money,
    order::What,
    registry::{Carrier, PassChange, Registry},
    rows::{AccountKind, Lasts, Offer, PassState, Tariff, TariffKey, TariffKind},
    state::{Answer, ImportRow, Input},
    verdict::Outcome,
};

use crate::till::{Till, money, pass, sale};

/// A month that may rest for ten days, be handed on and shared; and ten visits within a month.
fn offers(till: &mut Till) {
    let tariff = |id: &str, offer: Offer| {
        let row = Tariff { offer, ..Tariff::new(Box::new(["SITE".into()]), Money::ZERO) };
        ImportRow::Tariff(TariffKey { tariff: TariffId::from(id), version: 1 }, row)
    };
    let lasts = Lasts::parse("P30D");
    let month = Offer {
        name: "a month".to_owned(),
        kind: TariffKind::Period,
        price: money("100.00"),
        lasts,
        freeze_days: 10,
        transferable: true,
        family: true,
        ..Offer::default()
    };
    let pack = Offer {
        kind: TariffKind::Visits,
        price: money("70.00"),
        visits: Some(10),
        freeze_days: 0,
        transferable: false,
        family: false,
        ..month.clone()
    };
    till.take(Input::Import(vec![tariff("free", month), tariff("pack", pack)]));
}

/// The pass that begins first of those that were sold.
fn first_pass(till: &Till, band: &str) -> PassId {
    let member = till.member(band);
    let rows = till.world.state.tables.passes.iter();
    let own = rows.filter(|(key, row)| key.member == member && row.sale.is_some());
    own.min_by_key(|(_, row)| row.valid_from).unwrap().0.pass
}

fn carrier(till: &Till, band: &str) -> Carrier {
    let member = till.member(band);
    let version = till.world.state.tables.members.version(&member);
    Carrier { member, version, carries: vec![band.into()] }
}

fn change(till: &Till, band: &str, change: PassChange) -> What {
    let (who, pass) = (carrier(till, band), first_pass(till, band));
    let reason = "he asked for it".to_owned();
    What::Registry(Box::new(Registry::Pass { who, pass, change, reason }))
}

#[track_caller]
pub(crate) fn does(till: &mut Till, band: &str, what: PassChange) {
    let order = change(till, band, what);
    let answer = till.order("T1", order);
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    let verdict = &till.world.decision.as_ref().unwrap().verdict;
    assert_eq!(verdict.outcome, Outcome::Grant, "{verdict:?}");
}

#[track_caller]
pub(crate) fn refused(till: &mut Till, band: &str, what: PassChange) -> String {
    let order = change(till, band, what);
    till.nonsense(order)
}

#[test]
fn a_pass_that_rests_earns_nothing_and_ends_later() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    till.at("2026-09-20 12:00:00");
    assert_eq!(till.balance(AccountKind::PassRevenue, "free"), money("14.13"), "five days");
    does(&mut till, "W1", PassChange::Freeze);
    assert_eq!(
        refused(&mut till, "W1", PassChange::Freeze),
        "only a pass that is in use is frozen"
    );
    till.run("2026-09-21 10:00:00 entry G1 W1");
    assert_eq!(till.world.decision.as_ref().unwrap().verdict.outcome, Outcome::Deny);
    till.at("2026-09-24 12:00:00");
    assert_eq!(till.balance(AccountKind::PassRevenue, "free"), money("14.13"), "it rests");
    till.check();
    does(&mut till, "W1", PassChange::Unfreeze);
    let row = till.bought("W1").remove(0);
    assert_eq!(
        (row.state, row.valid_until.unwrap().to_string()),
        (PassState::Active, "2026-10-18".into())
    );
    till.at("2026-10-18 12:00:00");
    till.check();
    till.at("2026-10-19 00:00:01");
    assert_eq!(till.balance(AccountKind::PassRevenue, "free"), money("84.75"));
    assert_eq!(till.balance(AccountKind::Deferred, "free"), Money::ZERO);
    till.check();
}

#[test]
fn a_void_of_a_pass_that_rests_says_so() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    does(&mut till, "W1", PassChange::Freeze);
    let receipt = Box::new(till.receipts[0].clone());
    let why = till.nonsense(What::Void { receipt, reason: "mistyped".to_owned() });
    assert!(why.contains("rests, or will from a later day on"), "{why}");
}

#[test]
fn a_visit_that_was_wrongly_taken_goes_back_with_what_it_earned() {
    let given = crate::till::GIVEN.replace("edit_member, ", "edit_member, balance_adjust, ");
    let more = "set(\"operator.two_person_actions\", \"refund_over_limit\");\n'''\ntills";
    let mut till = Till::of(&given.replacen("'''\ntills", more, 1));
    offers(&mut till);
    let key = TariffKey { tariff: TariffId::from("pack"), version: 1 };
    let mut rests = till.world.state.tables.tariffs.peek(&key).unwrap().clone();
    rests.offer.freeze_days = 10;
    till.take(Input::Import(vec![ImportRow::Tariff(key, rests)]));
    till.sells(sale(Some("W1"), vec![pass("pack")], "70.00", "0.00"));
    let all = "all of its 10 visits are there";
    assert_eq!(refused(&mut till, "W1", PassChange::GiveBack), all);
    let state = |till: &Till| {
        let row = till.bought("W1").remove(0);
        let earned = till.balance(AccountKind::PassRevenue, "pack");
        (row.visits_left.unwrap(), earned, till.balance(AccountKind::Deferred, "pack"))
    };
    let mut before = vec![state(&till)];
    for day in 16..=25 {
        for step in ["10:00:00 entry", "10:00:02 passed", "11:00:00 exit", "11:00:02 passed"] {
            let (time, what) = step.split_once(' ').unwrap();
            let rest = match (what, &time[..2]) {
                ("passed", "10") => "G1 in",
                ("passed", _) => "G1 out",
                _ => "G1 W1",
            };
            till.run(&format!("2026-09-{day} {time} {what} {rest}"));
        }
        before.push(state(&till));
    }
    assert_eq!(before.last().unwrap().0, 0);
    // Back through all of them, to the unit.
    while let Some(was) = before.pop() {
        let now = state(&till);
        assert_eq!(now, was);
        till.check();
        if !before.is_empty() {
            does(&mut till, "W1", PassChange::GiveBack);
        }
    }
    assert_eq!(refused(&mut till, "W1", PassChange::GiveBack), all);
    // One that rests meanwhile.
    till.run("2026-09-26 10:00:00 entry G1 W1");
    till.run("2026-09-26 10:00:02 passed G1 in");
    till.run("2026-09-26 11:00:00 exit G1 W1");
    till.run("2026-09-26 11:00:02 passed G1 out");
    does(&mut till, "W1", PassChange::Freeze);
    does(&mut till, "W1", PassChange::GiveBack);
    till.check();
    till.at("2026-09-28 12:00:00");
    does(&mut till, "W1", PassChange::Unfreeze);
    till.at("2026-10-25 12:00:00");
    assert_eq!(till.balance(AccountKind::Deferred, "pack"), Money::ZERO);
    till.check();
}

#[test]
fn a_freeze_may_be_ordered_for_a_later_day_and_taken_back() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    let from = |day: &str| PassChange::FreezeFrom { from: day.parse().unwrap() };
    assert!(refused(&mut till, "W1", from("2026-09-14")).contains("a later day"));
    assert!(refused(&mut till, "W1", from("2026-10-15")).contains("over by then"));
    does(&mut till, "W1", from("2026-09-18"));
    let again = refused(&mut till, "W1", from("2026-09-19"));
    assert!(again.contains("takes that back"), "{again}");
    does(&mut till, "W1", PassChange::Unfreeze);
    does(&mut till, "W1", from("2026-09-20"));
    till.run("2026-09-19 23:59:58 entry G1 W1");
    assert!(till.world.decision.as_ref().unwrap().verdict.outcome.opens(), "it does not rest yet");
    till.at("2026-09-20 00:00:01");
    assert!(till.world.journal().contains(&"Rests".to_owned()));
    assert_eq!(till.bought("W1")[0].state, PassState::Frozen);
    till.check();
    // As an order on that day would have done.
    let mut other = Till::new();
    offers(&mut other);
    other.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    other.at("2026-09-20 12:00:00");
    does(&mut other, "W1", PassChange::Freeze);
    for day in ["2026-09-25 12:00:00", "2026-10-05 12:00:00", "2026-10-30 12:00:00"] {
        till.at(day);
        other.at(day);
        let of = |till: &Till| {
            let row = till.bought("W1").remove(0);
            let earned = till.balance(AccountKind::PassRevenue, "free");
            (row.state, row.valid_until, earned, till.balance(AccountKind::Deferred, "free"))
        };
        assert_eq!(of(&till), of(&other), "{day}");
        till.check();
    }
}

#[test]
fn a_freeze_ends_by_itself_once_its_days_are_used() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    does(&mut till, "W1", PassChange::Freeze);
    till.at("2026-09-24 23:59:59");
    assert_eq!(till.bought("W1")[0].state, PassState::Frozen);
    till.at("2026-09-25 00:00:01");
    let row = till.bought("W1").remove(0);
    assert_eq!(
        (row.state, row.valid_until.unwrap().to_string()),
        (PassState::Active, "2026-10-24".into())
    );
    assert_eq!(
        refused(&mut till, "W1", PassChange::Freeze),
        "all of its 10 days of freeze are used"
    );
    till.at("2026-10-25 00:00:01");
    assert_eq!(till.balance(AccountKind::PassRevenue, "free"), money("84.75"));
    till.check();
}

#[test]
fn a_pass_is_handed_on_where_its_terms_allow_it_and_nobody_is_inside_by_it() {
    let mut till = Till::new();
    offers(&mut till);
    let to = till.member("W2");
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    till.run("13:00:00 entry G1 W1");
    till.run("13:00:02 passed G1 in");
    assert_eq!(
        refused(&mut till, "W1", PassChange::Transfer { to }),
        "somebody is inside by it; change it after the exit"
    );
    till.run("14:00:00 exit G1 W1");
    till.run("14:00:02 passed G1 out");
    does(&mut till, "W1", PassChange::Transfer { to });
    assert_eq!((till.bought("W1").len(), till.bought("W2").len()), (0, 1));
    till.run("15:00:00 entry G1 W2");
    assert_eq!(till.world.decision.as_ref().unwrap().verdict.outcome, Outcome::Grant);
    let mut other = Till::new();
    other.sells(sale(Some("W1"), vec![pass("month")], "100.00", "0.00"));
    let to = other.member("W2");
    assert_eq!(
        refused(&mut other, "W1", PassChange::Transfer { to }),
        "its tariff does not let it be handed to somebody else"
    );
}

#[test]
fn a_cancelled_pass_pays_back_what_is_not_used_with_its_tax() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W2"), vec![pass("free")], "100.00", "0.00"));
    let tax = till.balance(AccountKind::Vat, "18");
    assert_eq!(tax, money("15.25"));
    till.at("2026-09-24 12:00:00");
    // Ten of thirty days are used: twenty are left, and two thirds of what was paid.
    let much = PassChange::Cancel { refund: Some(money("66.68")) };
    assert!(refused(&mut till, "W2", much).starts_with("between 0 and 66.67 can be paid back"));
    does(&mut till, "W2", PassChange::Cancel { refund: None });
    assert_eq!(till.wallet("W2"), money("66.67"));
    assert_eq!(till.balance(AccountKind::Vat, "18"), tax - money("10.17"));
    assert_eq!(till.posted(Purpose::Cancellation), 1);
    till.check();
    till.at("2026-11-01 00:00:00");
    assert_eq!(till.balance(AccountKind::Deferred, "free"), Money::ZERO);
    assert_eq!(till.balance(AccountKind::PassRevenue, "free"), money("28.25"));
    till.check();
}

#[test]
fn what_is_not_paid_back_of_a_cancelled_pass_is_revenue() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W2"), vec![pass("pack")], "70.00", "0.00"));
    does(&mut till, "W2", PassChange::Cancel { refund: Some(money("20.00")) });
    assert_eq!(till.wallet("W2"), money("20.00"));
    // 70.00 holds 10.68 of tax, 20.00 holds 3.05.
    assert_eq!(till.balance(AccountKind::Vat, "18"), money("7.63"));
    assert_eq!(till.balance(AccountKind::PassRevenue, "pack"), money("42.37"));
    till.at("2026-12-01 00:00:00");
    assert_eq!(till.balance(AccountKind::Deferred, "pack"), Money::ZERO);
    till.check();
}

#[test]
fn the_visits_that_nobody_took_are_earned_when_a_pack_ends() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W2"), vec![pass("pack")], "70.00", "0.00"));
    till.run("13:00:00 entry G1 W2");
    till.run("13:00:02 passed G1 in");
    till.run("13:30:00 exit G1 W2");
    till.run("13:30:02 passed G1 out");
    assert_eq!(till.balance(AccountKind::PassRevenue, "pack"), money("5.93"));
    till.at("2026-10-14 23:59:59");
    assert_eq!(till.balance(AccountKind::PassRevenue, "pack"), money("5.93"));
    till.check();
    till.at("2026-10-15 00:00:01");
    assert_eq!(till.balance(AccountKind::PassRevenue, "pack"), money("59.32"));
    assert_eq!(till.balance(AccountKind::Deferred, "pack"), Money::ZERO);
    till.check();
}

#[test]
fn a_family_shares_a_pass_that_is_sold_so_and_its_visits_are_the_buyers() {
    let mut till = Till::new();
    offers(&mut till);
    till.sells(sale(Some("W1"), vec![pass("free")], "100.00", "0.00"));
    let outcome = |till: &Till| till.world.decision.as_ref().unwrap().verdict.outcome;
    till.run("13:00:00 entry G1 W2");
    assert_eq!(outcome(&till), Outcome::Deny, "nobody's family yet");
    let join = Registry::Join { who: carrier(&till, "W2"), with: carrier(&till, "W1") };
    let answer = till.order("T1", What::Registry(Box::new(join)));
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    till.run("13:10:00 entry G1 W2");
    assert_eq!(outcome(&till), Outcome::Grant);
    till.run("13:10:02 passed G1 in");
    assert_eq!(
        refused(&mut till, "W1", PassChange::Freeze),
        "somebody is inside by it; change it after the exit"
    );
    till.run("14:00:00 exit G1 W2");
    assert_eq!(outcome(&till), Outcome::Grant);
    till.check();
}

#[test]
fn a_stay_that_is_paid_by_the_minute_costs_its_started_minutes_at_the_exit() {
    let mut till = Till::new();
    let offer = Offer {
        name: "by the minute".to_owned(),
        kind: TariffKind::PerMinute,
        minute: Some(Rate { amount: money("0.20"), per: Dur::seconds(60) }),
        ..Offer::default()
    };
    let row = Tariff { offer, ..Tariff::new(Box::new(["SITE".into()]), Money::ZERO) };
    let key = TariffKey { tariff: TariffId::from("minutes"), version: 1 };
    till.take(Input::Import(vec![ImportRow::Tariff(key, row)]));
    till.sells(sale(Some("W1"), vec![pass("minutes")], "0.00", "0.00"));
    till.run("13:00:00 entry G1 W1");
    till.run("13:00:02 passed G1 in");
    assert_eq!(till.wallet("W1"), money("20.00"), "nothing is paid at the entry");
    till.run("13:35:03 exit G1 W1");
    assert!(till.world.decision.as_ref().unwrap().verdict.outcome.opens());
    till.run("13:35:05 passed G1 out");
    assert_eq!(till.wallet("W1"), money("12.80"), "36 started minutes");
    assert_eq!(till.balance(AccountKind::OverstayRevenue, "minutes"), money("6.10"));
    till.check();
}
