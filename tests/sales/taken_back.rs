//! What is taken back: a reversing entry stands beside what it reverses, once.

use domain::{
    ids::Uid,
    ledger::Purpose,
    money::Money,
    order::{CashOrder, Line, Sells, What},
    registry::Registry,
    rows::{AccountKind, Credential, CredentialState, HeldEvent, PassState},
    sales::Receipt,
    state::{Answer, ImportRow, Input},
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

fn of_band(uid: &str, sells: fn(Uid) -> Sells) -> Vec<Line> {
    vec![Line::of(sells(Uid::from(uid)))]
}

const fn deposit(uid: Uid) -> Sells {
    Sells::Deposit { uid }
}

const fn deposit_back(uid: Uid) -> Sells {
    Sells::DepositBack { uid }
}

const fn lost_band(uid: Uid) -> Sells {
    Sells::LostBand { uid }
}

#[test]
fn a_deposit_goes_back_once_whatever_is_voided() {
    let mut till = Till::new();
    let paid = till.sells(sale(None, of_band("04D1", deposit), "10.00", "0.00"));
    let back = till.sells(sale(None, of_band("04D1", deposit_back), "-10.00", "0.00"));
    assert_eq!(
        till.nonsense(void(&paid)),
        "the deposit for `04D1` went back already",
        "the guest has it"
    );
    let anew = till.sells(sale(Some("W1"), of_band("04D1", deposit), "10.00", "0.00"));
    let why = till.nonsense(void(&paid));
    assert_eq!(why, "another deposit is paid for `04D1` since then");
    let why = till.nonsense(void(&back));
    assert_eq!(why, "a new deposit is paid for `04D1`; give that back first");
    till.check();
    // Backwards all of it can be undone: then each is there as its receipt left it.
    till.sells(void(&anew));
    let undone = till.sells(void(&back));
    assert!(till.nonsense(void(&undone)).contains("takes something back itself"));
    till.sells(void(&paid));
    assert_eq!(till.balance(AccountKind::Deposits, ""), Money::ZERO);
    assert_eq!(till.balance(AccountKind::Cash, "T1"), Money::ZERO);
    till.check();
}

#[test]
fn a_deposit_that_is_there_again_is_given_back_once() {
    let mut till = Till::new();
    let paid = till.sells(sale(Some("W1"), of_band("04D1", deposit), "0.00", "10.00"));
    let back = till.sells(sale(None, of_band("04D1", deposit_back), "-10.00", "0.00"));
    till.sells(void(&back));
    let row = till.world.state.tables.deposits.peek(&"04D1".into()).unwrap();
    assert_eq!((row.member, row.receipt.as_ref()), (paid.member, Some(&paid.key)));
    till.sells(sale(None, of_band("04D1", deposit_back), "-10.00", "0.00"));
    assert!(till.nonsense(void(&paid)).contains("went back already"));
    assert_eq!(till.balance(AccountKind::Cash, "T1"), money("10.00"));
    till.check();
}

fn turned(uid: &str, event: HeldEvent) -> What {
    let (uid, reason) = (uid.into(), "at the desk".to_owned());
    What::Registry(Box::new(Registry::Credential { uid, event, reason }))
}

#[test]
fn a_band_that_is_lost_forfeits_its_deposit_once() {
    for event in [HeldEvent::Lost, HeldEvent::Stolen] {
        let mut till = Till::new();
        let paid = till.sells(sale(Some("W1"), of_band("W1", deposit), "10.00", "0.00"));
        assert!(matches!(till.order("T1", turned("W1", event)), Answer::Decided(_)));
        // 10.00 holds 1.53 of tax.
        assert_eq!(till.balance(AccountKind::Deposits, ""), Money::ZERO);
        assert_eq!(till.balance(AccountKind::SalesRevenue, "lost-band"), money("8.47"));
        assert_eq!(till.balance(AccountKind::Vat, "18"), money("1.53"));
        assert!(till.nonsense(void(&paid)).contains("kept when the band was lost"));
        let back = sale(None, of_band("W1", deposit_back), "-10.00", "0.00");
        assert!(till.nonsense(back).contains("no deposit is paid for `W1`"));
        till.order("T1", turned("W1", HeldEvent::Returned));
        assert_eq!(till.posted(Purpose::Forfeit), 1, "once");
        till.check();
    }
}

#[test]
fn no_deposit_is_paid_or_comes_back_for_a_band_that_is_lost() {
    let mut till = Till::new();
    let paid = till.sells(sale(Some("W1"), of_band("W1", deposit), "10.00", "0.00"));
    let back = till.sells(sale(None, of_band("W1", deposit_back), "-10.00", "0.00"));
    till.order("T1", turned("W1", HeldEvent::Lost));
    assert_eq!(till.posted(Purpose::Forfeit), 0, "there is none");
    assert_eq!(till.nonsense(void(&back)), "`W1` was lost since its deposit went back");
    assert!(till.nonsense(void(&paid)).contains("kept when the band was lost"));
    let anew = sale(Some("W2"), of_band("W1", deposit), "10.00", "0.00");
    assert!(till.nonsense(anew).contains("`W1` is lost"));
    till.check();
    // Given back and out again, it is a band as any other.
    till.order("T1", turned("W1", HeldEvent::Returned));
    till.sells(sale(Some("W2"), of_band("W1", deposit), "10.00", "0.00"));
    till.check();
}

#[test]
fn a_table_that_brings_that_a_band_is_lost_forfeits_its_deposit_once() {
    let mut till = Till::new();
    till.sells(sale(Some("W1"), of_band("W1", deposit), "10.00", "0.00"));
    let held = till.world.state.tables.credentials.peek(&"W1".into()).unwrap().clone();
    for _ in 0..2 {
        let lost = Credential { state: CredentialState::Lost, ..held.clone() };
        till.take(Input::Import(vec![ImportRow::Credential("W1".into(), lost)]));
        assert_eq!(till.balance(AccountKind::Deposits, ""), Money::ZERO);
        assert_eq!(till.posted(Purpose::Forfeit), 1);
    }
    till.check();
}

#[test]
fn a_replaced_band_forfeits_its_deposit_and_a_blocked_one_does_not() {
    let mut till = Till::new();
    till.sells(sale(Some("W1"), of_band("W1", deposit), "10.00", "0.00"));
    for event in [HeldEvent::Blocked, HeldEvent::Unblocked] {
        till.order("T1", turned("W1", event));
        assert_eq!(till.balance(AccountKind::Deposits, ""), money("10.00"));
    }
    let (uid, with, reason) = ("W1".into(), "W9TT".into(), "lost".to_owned());
    till.order("T1", What::Registry(Box::new(Registry::Replace { uid, with, reason })));
    assert_eq!(till.balance(AccountKind::Deposits, ""), Money::ZERO);
    // The new one has a deposit of its own, which goes back with it.
    till.sells(sale(Some("W9TT"), of_band("W9TT", deposit), "10.00", "0.00"));
    till.sells(sale(None, of_band("W9TT", deposit_back), "-10.00", "0.00"));
    assert_eq!(till.balance(AccountKind::Cash, "T1"), money("-10.00"));
    till.check();
}

#[test]
fn the_terms_on_which_a_deposit_was_paid_say_whether_it_waits_for_the_band() {
    use domain::deposits::IfLost::{self, Kept, Returned};
    // What the site says, what the tariff of the day guest says, and what counts.
    for (site, tariff, kept) in [
        (Kept, None, true),
        (Returned, None, false),
        (Kept, Some(Returned), false),
        (Returned, Some(Kept), true),
    ] {
        let mut till = Till::new();
        let says = |till: &mut Till, what: IfLost| {
            let mut site = (*till.world.state.site).clone();
            site.deposit_if_lost = what;
            till.world.state.site = std::sync::Arc::new(site);
        };
        says(&mut till, site);
        till.day_guest("guest", money("7.00"), tariff);
        let lines = [of_band("W1", deposit), vec![pass("guest")]].concat();
        till.sells(sale(Some("W1"), lines, "27.00", "0.00"));
        // Terms that change later do not reach what was paid.
        says(&mut till, if kept { Returned } else { Kept });
        till.order("T1", turned("W1", HeldEvent::Lost));
        let left = if kept { "0.00" } else { "7.00" };
        assert_eq!(till.balance(AccountKind::Deposits, ""), money(left), "{site:?} {tariff:?}");
        till.check();
        let back = sale(None, of_band("W1", deposit_back), "-7.00", "0.00");
        if kept {
            till.nonsense(back);
        } else {
            till.order("T1", turned("W1", HeldEvent::Returned));
            till.sells(back);
        }
    }
}

#[test]
fn of_two_guests_of_a_day_the_greater_deposit_says_what_becomes_of_it() {
    use domain::deposits::IfLost::Returned;
    let mut till = Till::new();
    till.day_guest("dear", money("10.00"), None);
    till.day_guest("cheap", money("5.00"), Some(Returned));
    let lines = [of_band("W1", deposit), vec![pass("cheap"), pass("dear")]].concat();
    till.sells(sale(Some("W1"), lines, "50.00", "0.00"));
    till.order("T1", turned("W1", HeldEvent::Lost));
    assert_eq!(till.balance(AccountKind::Deposits, ""), Money::ZERO, "kept, as the site says");
    till.check();
}

#[test]
fn the_fee_for_a_lost_band_is_taken_back_only_before_it_lets_its_holder_go() {
    // A band that has to come back at G1.
    let given = crate::till::GIVEN
        .replace("{ band = \"W1\",", "{ band = \"W1\", kind = \"band\", tariff = \"OPEN\",")
        .replace("rules = '''", "rules = '''\nset(\"credential.return_at_exit\", \"hold\");");
    let mut till = Till::of(&given);
    till.run("13:00:00 entry G1 W1");
    till.run("13:00:02 passed G1 in");
    let fee = till.sells(sale(None, of_band("W1", lost_band), "15.00", "0.00"));
    assert!(
        till.nonsense(sale(None, of_band("W1", lost_band), "15.00", "0.00"))
            .contains("its loss is paid already")
    );
    till.sells(void(&fee));
    till.run("13:10:00 exit G1 W1");
    let verdict = &till.world.decision.as_ref().unwrap().verdict;
    assert_eq!(verdict.outcome, domain::verdict::Outcome::Hold, "it is to come back again");
    let fee = till.sells(sale(None, of_band("W1", lost_band), "15.00", "0.00"));
    till.run("13:11:00 exit G1 W1");
    assert!(till.nonsense(void(&fee)).contains("is passing a gate"));
    till.run("13:11:02 passed G1 out");
    assert!(till.nonsense(void(&fee)).contains("used, replaced or given back"));
    till.check();
}

#[test]
fn the_fee_for_a_band_that_was_replaced_or_found_stays() {
    let mut till = Till::new();
    let fee = till.sells(sale(None, of_band("W1", lost_band), "15.00", "0.00"));
    let (uid, with, reason) = ("W1".into(), "W9TT".into(), "lost".to_owned());
    let replaced = domain::registry::Registry::Replace { uid, with, reason };
    assert!(matches!(till.order("T1", What::Registry(Box::new(replaced))), Answer::Decided(_)));
    assert!(till.nonsense(void(&fee)).contains("used, replaced or given back"));
    let fee = till.sells(sale(None, of_band("W2", lost_band), "15.00", "0.00"));
    let (uid, reason) = ("W2".into(), "found".to_owned());
    let event = domain::rows::HeldEvent::Returned;
    let found = domain::registry::Registry::Credential { uid, event, reason };
    assert!(matches!(till.order("T1", What::Registry(Box::new(found))), Answer::Decided(_)));
    assert!(till.nonsense(void(&fee)).contains("used, replaced or given back"));
    till.check();
}

#[test]
fn a_pass_is_taken_back_only_as_it_was_sold() {
    let mut till = Till::new();
    let month = till.sells(sale(Some("W1"), vec![pass("month")], "100.00", "0.00"));
    let once = till.sells(sale(Some("W2"), vec![pass("once")], "8.00", "0.00"));
    // It is granted and nobody went through yet.
    till.run("13:00:00 entry G1 W1");
    assert!(till.nonsense(void(&month)).contains("used already"));
    till.run("13:00:02 passed G1 in");
    till.run("13:10:00 exit G1 W1");
    till.run("13:10:02 passed G1 out");
    // It earns by the day, so that nothing of its price is used yet; but its guest was in.
    assert!(till.nonsense(void(&month)).contains("used already"));
    till.sells(void(&once));
    till.check();
}

#[test]
fn a_pass_that_cost_nothing_is_not_taken_back_after_its_use() {
    let mut till = Till::new();
    let offer = domain::rows::Offer {
        kind: domain::rows::TariffKind::Visits,
        visits: Some(2),
        ..domain::rows::Offer::default()
    };
    let row = domain::rows::Tariff {
        offer,
        ..domain::rows::Tariff::new(Box::new(["SITE".into()]), Money::ZERO)
    };
    let key = domain::rows::TariffKey { tariff: "gift".into(), version: 1 };
    let gift = domain::state::ImportRow::Tariff(key, row);
    till.take(domain::state::Input::Import(vec![gift]));
    let receipt = till.sells(sale(Some("W2"), vec![pass("gift")], "0.00", "0.00"));
    till.run("13:00:00 entry G1 W2");
    till.run("13:00:02 passed G1 in");
    assert!(till.nonsense(void(&receipt)).contains("used already"));
}
