//! Wrong charges of gates: an entry that reverses them stands beside them, once, with a reason.

use domain::{
    ids::Uid,
    ledger::Purpose,
    money::Money,
    order::{Line, Order, What},
    rows::{Account, AccountKind, PinDigest},
    state::{Answer, Batch, Input, Transaction},
    step::step,
    verdict::Outcome,
};

use crate::till::{GIVEN, Till, good, money, sale, top_up};

/// A pool where a visit costs 8.00 and each minute above 90 another 0.20; a debt holds at the exit.
fn pool() -> Till {
    pool_with("set(\"operator.two_person_actions\", \"refund_over_limit\");")
}

fn pool_with(more: &str) -> Till {
    pool_where(more, ("10.00", "8.00", "0.20"))
}

/// A pool of other prices for a visit and for each minute above 90, where a debt keeps nobody in or
/// out; a guest with so much in the wallet.
pub(crate) fn pool_of(wallet: &str, price: &str, minute: &str) -> Till {
    let more = r#"set("operator.two_person_actions", "refund_over_limit");
set("debt.entry_block_amount", "9000.00");
set("debt.exit_policy", "warn", tariff("PAID"));"#;
    pool_where(more, (wallet, price, minute))
}

fn pool_where(more: &str, (wallet, price, minute): (&str, &str, &str)) -> Till {
    let rules = r#"
set("tariff.included_duration", "PT90M", tariff("PAID"));
set("tariff.overstay_mode", "per_unit", tariff("PAID"));
set("tariff.overstay_rate", "MINUTE/PT1M", tariff("PAID"));
set("debt.exit_policy", "hold");
set("debt.exit_hold_max", "PT10M");
set("debt.auto_settle", "partial");
'''"#;
    let rules = rules.replace("MINUTE", minute);
    let person = format!("{{ band = \"P1\", wallet = \"{wallet}\", tariff = \"PAID\" }},");
    let tariff = format!("PAID = {{ zones = [\"SITE\"], price = \"{price}\" }}");
    let given = GIVEN
        .replacen("'''\ntills", &format!("{more}{rules}\ntills"), 1)
        .replace("take_payment, ", "take_payment, balance_adjust, ")
        .replace("people = [", &format!("people = [\n    {person}"))
        .replace("[tariffs]", &format!("[tariffs]\n{tariff}"));
    Till::of(&given)
}

pub(crate) fn corrects(till: &Till, charge: &Transaction, reason: &str) -> What {
    let (charge, reason) = (Box::new(charge.clone()), reason.to_owned());
    let member = Some(till.member("P1"));
    What::Correct { charge, member, waived: Money::ZERO, reason }
}

/// Carries a correction out, and gives the entry that it made.
fn corrected(till: &mut Till, charge: &Transaction) -> Transaction {
    let order = corrects(till, charge, "the gate did not turn");
    let count = till.transactions.len();
    let answer = till.order("T1", order);
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
    assert_eq!(till.transactions.len(), count + 1);
    let made = till.transactions.last().unwrap().clone();
    assert_eq!((made.purpose, made.reverses), (Purpose::Reversal, Some(charge.id)));
    assert_eq!((made.note.as_str(), made.operator.is_some()), ("the gate did not turn", true));
    till.check();
    made
}

fn spent(till: &Till) -> Money {
    till.world.state.tables.spending.peek(&till.member("P1")).map_or(Money::ZERO, |day| day.spent)
}

#[test]
fn a_corrected_entry_leaves_the_books_as_they_were() {
    let mut till = pool();
    let before = (till.books(), till.wallet("P1"), spent(&till));
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    let charge = till.transactions.last().unwrap().clone();
    assert_eq!((charge.purpose, till.wallet("P1")), (Purpose::Entry, money("2.00")));
    assert_eq!(spent(&till), money("8.00"));
    corrected(&mut till, &charge);
    assert_eq!((till.books(), till.wallet("P1"), spent(&till)), before);
    // The visit goes on, and is not charged again on the way out.
    till.run("13:30:00 exit G1 P1");
    till.run("13:30:02 passed G1 out");
    assert_eq!(till.wallet("P1"), money("10.00"));
    till.check();
}

#[test]
fn what_is_given_back_is_taken_from_the_day_that_it_counted_on() {
    let mut till = pool();
    till.run("2026-09-15 23:59:58 entry G1 P1");
    till.run("2026-09-16 00:00:01 passed G1 in");
    let charge = till.transactions.last().unwrap().clone();
    let day = |till: &Till| {
        let day = till.world.state.tables.spending.peek(&till.member("P1")).unwrap();
        (day.day.to_string(), day.spent)
    };
    assert_eq!(day(&till), ("2026-09-16".to_owned(), money("8.00")));
    corrected(&mut till, &charge);
    assert_eq!(day(&till), ("2026-09-16".to_owned(), Money::ZERO));
}

#[test]
fn what_was_owed_is_owed_no_more_and_the_hold_for_it_ends() {
    let mut till = pool();
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    // 60 minutes too long: 12.00, of which 2.00 are in the wallet and 5.00 may be borrowed.
    till.run("15:30:02 exit G1 P1");
    assert_eq!(till.world.decision.as_ref().unwrap().verdict.outcome, Outcome::Hold);
    let overstays = |one: &&Transaction| one.purpose == Purpose::Overstay;
    let charge = till.transactions.iter().rfind(overstays).unwrap().clone();
    assert_eq!(till.world.debt("P1"), money("10.00"));
    corrected(&mut till, &charge);
    assert_eq!((till.world.debt("P1"), till.wallet("P1")), (Money::ZERO, money("2.00")));
    let presence = &till.world.state.tables.presence;
    let held = presence.iter().filter_map(|(_, row)| row.visit.as_ref()?.hold.as_ref()).count();
    assert_eq!(held, 0, "what it was held for is settled");
    till.run("15:31:00 exit G1 P1");
    assert!(till.world.decision.as_ref().unwrap().verdict.outcome.opens());
}

#[test]
fn what_was_paid_meanwhile_goes_into_the_wallet() {
    let mut till = pool();
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    till.run("15:30:02 exit G1 P1");
    let overstays = |one: &&Transaction| one.purpose == Purpose::Overstay;
    let charge = till.transactions.iter().rfind(overstays).unwrap().clone();
    let owed = till.world.debt("P1");
    let pays = What::Settle { holder: Uid::from("P1"), amount: owed, cash: true };
    assert!(matches!(till.order("T1", pays), Answer::Decided(_)));
    assert_eq!(till.world.debt("P1"), Money::ZERO);
    let before = till.wallet("P1");
    corrected(&mut till, &charge);
    assert_eq!(till.wallet("P1"), before + money("12.00"));
    assert_eq!(till.world.debt("P1"), Money::ZERO);
}

#[test]
fn what_was_waived_meanwhile_is_written_off_no_more_and_nobodys_money() {
    let mut till = pool();
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    till.run("15:30:02 exit G1 P1");
    let overstays = |one: &&Transaction| one.purpose == Purpose::Overstay;
    let charge = till.transactions.iter().rfind(overstays).unwrap().clone();
    // 12.00, of which 2.00 were paid, 5.00 borrowed and 5.00 are owed: as if an override had
    // waived all that.
    let (wallet, write_offs) = (till.world.account("P1"), money("10.00"));
    for account in [wallet, wallet.beside()] {
        let accounts = &mut till.world.state.tables.accounts;
        let waived = Account { balance: Money::ZERO, ..accounts.peek(&account).unwrap().clone() };
        accounts.put(account, waived);
    }
    let before = till.balance(AccountKind::WriteOffs, "");
    let (charge, reason) = (Box::new(charge), "a mistake".to_owned());
    let order = What::Correct { charge, member: None, waived: write_offs, reason };
    assert!(matches!(till.order("T1", order), Answer::Decided(_)));
    assert_eq!(till.wallet("P1"), money("2.00"), "what was paid");
    assert_eq!(till.balance(AccountKind::WriteOffs, ""), before + write_offs);
}

#[test]
fn only_a_charge_is_corrected_once_by_somebody_else_and_with_a_reason() {
    let mut till = pool();
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    let charge = till.transactions.last().unwrap().clone();
    let order = corrects(&till, &charge, " ");
    assert!(till.nonsense(order).contains("say why"));
    till.sells(sale(Some("W1"), vec![top_up("5.00")], "5.00", "0.00"));
    let sold = till.transactions.last().unwrap().clone();
    let order = corrects(&till, &sold, "a mistake");
    assert!(till.nonsense(order).contains("only a charge"));
    // Nobody in his own favour.
    let nino = till.world.state.tables.operators.peek(&"nino".into()).unwrap().clone();
    let own = domain::rows::Operator { member: Some(till.member("P1")), ..nino.clone() };
    till.world.state.tables.operators.put("nino".into(), own);
    let order = corrects(&till, &charge, "a mistake");
    assert_eq!(till.refused(order), [("OPERATOR_NOT_PERMITTED", None)]);
    till.world.state.tables.operators.put("nino".into(), nino);
    let order = corrects(&till, &charge, "a mistake");
    let mut batch = Batch::default();
    let mut asks = || {
        let order = Order { operator: "nino".into(), second: None, what: order.clone() };
        let (terminal, order, pin) = ("T1".into(), Box::new(order), PinDigest("2468".into()));
        let input = Input::SignedOrder { terminal, order, pin, key: None };
        let world = &mut till.world;
        step(&mut world.state, &mut batch, input, world.now, &*world.rules)
    };
    let (first, second) = (asks(), asks());
    assert!(matches!(first, Answer::Decided(_)), "{first:?}");
    assert!(matches!(&second, Answer::Refused(why) if why.contains("already")), "{second:?}");
}

#[test]
fn a_payment_and_its_void_leave_a_debt_as_old_as_it_was() {
    let mut till = pool();
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    till.run("15:30:02 exit G1 P1");
    let since = |till: &Till| {
        let account = till.world.account("P1");
        till.world.state.tables.accounts.peek(&account).and_then(|row| row.debt_since)
    };
    let (owed, old) = (till.world.debt("P1"), since(&till));
    assert!(old.is_some());
    till.run("18:00:00 waits");
    let receipt = till.sells(What::Settle { holder: Uid::from("P1"), amount: owed, cash: true });
    assert_eq!((till.world.debt("P1"), since(&till)), (Money::ZERO, None));
    till.run("19:00:00 waits");
    let receipt = Box::new(receipt);
    till.sells(What::Void { receipt, reason: "a mistake".to_owned() });
    assert_eq!((till.world.debt("P1"), since(&till)), (owed, old), "as if nobody had paid");
    // Two payments, and the first of them void.
    let half = Money(owed.minor() / 2);
    let pays = |amount| What::Settle { holder: Uid::from("P1"), amount, cash: false };
    let first = till.sells(pays(half));
    till.sells(pays(owed - half));
    till.run("19:30:00 waits");
    let receipt = Box::new(first);
    till.sells(What::Void { receipt, reason: "a mistake".to_owned() });
    assert_eq!((till.world.debt("P1"), since(&till)), (half, old), "as old as it was");
    let receipt = Box::new(till.receipts[till.receipts.len() - 2].clone());
    till.sells(What::Void { receipt, reason: "a mistake".to_owned() });
    assert_eq!((till.world.debt("P1"), since(&till)), (owed, old));
    // What is owed anew is as old as it is.
    let receipt = till.sells(What::Settle { holder: Uid::from("P1"), amount: owed, cash: true });
    assert!(!receipt.owed.is_empty());
    till.run("20:00:00 waits");
    till.sells(sale(Some("P1"), vec![top_up("3.00")], "3.00", "0.00"));
    let spends = Line { price: Some(money("8.00")), ..good("massage") };
    till.sells(sale(Some("P1"), vec![spends.clone()], "0.00", "0.00"));
    assert_eq!(since(&till), Some(till.world.now));
}

#[test]
fn of_two_corrections_that_wait_one_is_carried_out() {
    let more = "set(\"terminal.allowed_actions\", \"balance_adjust\", terminal(\"T2\"));";
    let mut till = pool_with(more);
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    let charge = till.transactions.last().unwrap().clone();
    let levan = till.world.state.tables.operators.peek(&"nino".into()).unwrap().clone();
    let levan = domain::rows::Operator { uid: None, ..levan };
    till.world.state.tables.operators.put("levan".into(), levan);
    for terminal in ["T1", "T2"] {
        let order = corrects(&till, &charge, "a mistake");
        assert!(matches!(till.order(terminal, order), Answer::Decided(_)));
        assert!(till.world.decision.as_ref().unwrap().waits_for_second());
    }
    let count = till.transactions.len();
    let mut confirms = |terminal: &str, ordered_at: &str| {
        let (operator, pin) = ("levan".into(), PinDigest("2468".into()));
        let (terminal, ordered_at) = (terminal.into(), ordered_at.into());
        till.take(Input::Confirm { terminal, ordered_at, decision: None, operator, pin })
    };
    assert!(matches!(confirms("T2", "T1"), Answer::Decided(_)));
    let second = confirms("T1", "T2");
    let told = matches!(&second, Answer::Refused(why) if why.contains("done meanwhile"));
    assert!(told, "{second:?}");
    assert_eq!(till.transactions.len(), count + 1);
}

#[test]
fn two_people_correct_unless_the_rules_say_otherwise() {
    let mut till = pool_with("");
    till.run("13:00:00 entry G1 P1");
    till.run("13:00:02 passed G1 in");
    let charge = till.transactions.last().unwrap().clone();
    let order = corrects(&till, &charge, "a mistake");
    assert_eq!(till.refused(order), [("SECOND_OPERATOR_REQUIRED", None)]);
    assert!(till.world.decision.as_ref().unwrap().waits_for_second());
}
