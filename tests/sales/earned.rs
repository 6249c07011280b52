//! Prepaid money is earned per visit or per day, each day its part of the whole.

use domain::{ledger::Purpose, money::Money, rows::AccountKind};

use crate::till::{Till, goods, money, pass, sale, top_up};

#[test]
fn a_month_is_earned_by_the_day_and_its_days_are_the_whole() {
    let mut till = Till::new();
    till.sells(sale(Some("W1"), vec![pass("month")], "100.00", "0.00"));
    // 100.00 holds 15.25 of tax; 84.75 in 30 days are 2.825 each: so many days
    // have earned so many of them, rounded.
    assert_eq!(till.balance(AccountKind::Deferred, "month"), money("84.75"));
    let bought = till.bought("W1").remove(0);
    assert_eq!(bought.valid_until.unwrap().to_string(), "2026-10-14");
    till.at("23:59:59");
    assert_eq!(till.balance(AccountKind::PassRevenue, "month"), Money::ZERO);
    for (date, earned) in [
        ("2026-09-16 00:00:01", "2.83"),
        ("2026-09-18 09:00:00", "8.48"),
        ("2026-10-14 23:00:00", "81.93"),
        ("2026-10-15 00:00:01", "84.75"),
    ] {
        till.at(date);
        assert_eq!(till.balance(AccountKind::PassRevenue, "month"), money(earned), "{date}");
        till.check();
    }
    assert_eq!(till.posted(Purpose::Recognition), 30);
    assert_eq!(till.balance(AccountKind::Deferred, "month"), Money::ZERO);
}

#[test]
fn two_passes_of_a_line_share_its_price_and_days_add_up() {
    let mut till = Till::new();
    let two = domain::order::Line { count: 2, discount: 7, ..pass("month") };
    till.sells(sale(Some("W1"), vec![two], "186.00", "0.00"));
    assert_eq!(till.bought("W1").len(), 2);
    till.check();
    till.at("2026-12-01 00:00:00");
    let net = money("186.00") - money("28.37");
    assert_eq!(till.balance(AccountKind::PassRevenue, "month"), net);
    till.check();
}

#[test]
fn visits_earn_their_share_and_the_last_one_the_rest() {
    let mut till = Till::new();
    till.sells(sale(Some("W2"), vec![pass("ten")], "70.00", "0.00"));
    // 70.00 holds 10.68 of tax; 59.32 in ten visits.
    let visit = |till: &mut Till, hour: u32| {
        till.run(&format!("{hour:02}:00:00 entry G1 W2"));
        till.run(&format!("{hour:02}:00:02 passed G1 in"));
        till.run(&format!("{hour:02}:30:00 exit G1 W2"));
        till.run(&format!("{hour:02}:30:02 passed G1 out"));
    };
    visit(&mut till, 13);
    if till.balance(AccountKind::PassRevenue, "ten").is_zero() {
        panic!("{:?}", till.world.everything());
    }
    assert_eq!(till.balance(AccountKind::PassRevenue, "ten"), money("5.93"));
    till.check();
    for hour in 14..22 {
        visit(&mut till, hour);
        till.check();
    }
    assert_eq!(till.bought("W2")[0].visits_left, Some(1));
    visit(&mut till, 22);
    assert_eq!(till.balance(AccountKind::PassRevenue, "ten"), money("59.32"));
    assert_eq!(till.balance(AccountKind::Deferred, "ten"), Money::ZERO);
    till.check();
}

#[test]
fn a_pass_that_begins_with_its_first_use_earns_from_then_on() {
    let mut till = Till::new();
    till.sells(sale(Some("W2"), vec![pass("later"), top_up("10.00")], "110.00", "0.00"));
    assert_eq!(till.bought("W2")[0].valid_until, None);
    till.at("2026-09-20 09:00:00");
    assert_eq!(till.balance(AccountKind::PassRevenue, "later"), Money::ZERO);
    till.run("2026-09-20 10:00:00 entry G1 W2");
    till.run("2026-09-20 10:00:02 passed G1 in");
    let bought = till.bought("W2").remove(0);
    assert_eq!(bought.valid_until.map(|day| day.to_string()).as_deref(), Some("2026-10-19"));
    till.at("2026-09-21 00:00:01");
    assert_eq!(till.balance(AccountKind::PassRevenue, "later"), money("2.83"));
    till.check();
}

#[test]
fn what_was_sold_in_advance_is_no_revenue_of_goods() {
    let mut till = Till::new();
    till.sells(sale(Some("W1"), vec![pass("once"), goods("juice", 1, 0)], "11.00", "0.00"));
    assert_eq!(till.balance(AccountKind::SalesRevenue, "juice"), money("3.00"));
    assert_eq!(till.balance(AccountKind::PassRevenue, "once"), Money::ZERO);
    till.check();
}
