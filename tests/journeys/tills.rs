//! A day at a till from the command line: a drawer is opened, a basket with a pass is sold and a
//! gate opens for it, a wallet pays, receipts are taken back, a debt is paid, the drawer counted.

use std::path::Path;

use domain::{event::Direction::Entry, money::Currency, reasons::Reason, verdict::Outcome};
use serde_json::Value;
use tests::{
    daemon::Daemon,
    program,
    site::{Folder, Guest, Plan, uid},
};

use crate::{registry::Office, told, walk};

const RIGHTS: &str = r#"
const SELLS = `sale, topup, refund, void, take_payment, cash_session`;
const ALL = `sale, topup, refund, void, take_payment, cash_session, cash_pickup, edit_member,
    edit_tariff, balance_adjust, issue_credential, block_credential`;
set("operator.allowed_actions", SELLS, role("cashier"));
set("operator.allowed_actions", ALL, role("manager"));
set("operator.allowed_terminals", "till-1, till-2", role("cashier"));
set("operator.allowed_terminals", "till-1, till-2", role("manager"));
set("terminal.allowed_actions", ALL, terminal("till-1"));
set("terminal.allowed_actions", "sale", terminal("till-2"));
set("sale.max_discount_percent", 20, role("cashier"));
set("sale.max_discount_percent", 50, role("manager"));
set("operator.override_codes", "DISCOUNT_NEEDS_APPROVAL", role("manager"));
set("sale.refund_max_amount", 100.00, role("cashier"));
"#;

const MONEY: &str = r#"
[money]
vat = "18"
band_deposit = "10.00"
cash_step = "0.05"
"#;

const GOODS: &str = r#"
good = [
    { id = "towel", name = "Towel", price = "4.99" },
    { id = "juice", name = "Juice", price = "3.00", vat = "0" },
    { id = "beer", name = "Beer", price = "6.00", category = "alcohol" },
    { id = "massage", name = "Massage", open_price = true },
]
"#;

const SOLD: &str = r#"
[[tariff]]
id = "swim"
name = "A month of swimming"
zones = ["pool"]
entry_price = "0.00"
kind = "period"
price = "100.00"
lasts = "P1M"
"#;

/// A site with a till, and three guests: one with a wallet, one whose visits are used up, one who
/// owes.
async fn tills() -> (Daemon, Office) {
    let guests = vec![
        Guest::paying(1, "50.00"),
        Guest::with_visits(2, 0),
        Guest { balance: "-18.50", debt_since: "2026-01-05T10:00:00Z", ..Guest::member(3) },
    ];
    let plan = Plan { guests, settings: RIGHTS.to_owned(), ..Plan::default() };
    let site = Folder::write(&plan);
    let more = |name: &str, text: &str| {
        let path = site.path().join(name);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, before + text).unwrap();
    };
    more("site.toml", MONEY);
    more("data/goods.toml", GOODS);
    more("data/tariffs.toml", SOLD);
    let mut daemon = Daemon::of(site);
    daemon.spawn();
    daemon.ready().await;
    let folder = daemon.site.path().to_str().unwrap().to_owned();
    (daemon, Office { folder })
}

const MAKA: (&str, &str, &str) = ("maka", "3333", "till-1");

/// Maka, a cashier, does something at the first till.
fn does(office: &Office, what: &str, words: &str) -> Value {
    let words: Vec<&str> = words.split(' ').collect();
    let (exit, text) = office.as_somebody(MAKA, ["till", what], &words);
    assert_eq!(exit, Some(0), "{what} {words:?}: {text}");
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}

fn minor(amount: &Value) -> i64 {
    let gel = Currency::of("GEL").unwrap();
    gel.parse(amount.as_str().unwrap()).unwrap().minor()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_at_a_till_adds_up_to_its_z_report_and_the_takings() {
    let (mut daemon, office) = tills().await;
    let gate = daemon.gate("gate-1").await;
    does(&office, "open", "--float 50.00");
    let used_up = told(&gate, Entry, &uid(2)).await;
    assert_eq!((used_up.outcome, used_up.reason), (Outcome::Deny, Some(Reason::VisitsExhausted)));
    let basket = format!(
        "--item towel=3 --discount 10 --pass swim --deposit --to {} --cash 50.00 --card --key k-1",
        uid(2)
    );
    let sold = does(&office, "sell", &basket);
    for _ in 0..2 {
        assert_eq!(does(&office, "sell", &basket), sold, "the same order, the same answer");
    }
    let receipt = &sold["receipt"];
    // 14.97 less 10 % is 13.47; 100.00; 10.00.
    assert_eq!((&receipt["number"], &receipt["total"]), (&"till-1/1".into(), &"123.47".into()));
    assert_eq!((&receipt["cash"], &receipt["card"]), (&"50.00".into(), &"73.47".into()));
    walk(&gate, Entry, &uid(2)).await;

    let drinks = does(&office, "sell", &format!("--item juice=2 --to {} --wallet", uid(1)));
    assert_eq!(drinks["receipt"]["number"], "till-1/2", "the basket was sold once");
    assert_eq!(drinks["receipt"]["wallet"], "6.00");
    assert_eq!(daemon.records().await.wallet(1).await, (4400, 0));
    does(&office, "sell", "--item juice --cash");
    let voided = does(&office, "void", "till-1/3 --reason mistyped");
    assert_eq!(voided["receipt"]["takes_back"], "till-1/3");
    // A towel cost 4.49; 4.50 is the nearest coin.
    let back = does(&office, "return", "till-1/1 1=1 --cash --reason torn");
    assert_eq!(
        (&back["receipt"]["total"], &back["receipt"]["cash"]),
        (&"-4.49".into(), &"-4.50".into())
    );
    does(&office, "topup", &format!("{} 20.00 --card", uid(1)));
    does(&office, "pay-debt", &format!("{} 8.50 --cash", uid(3)));
    does(&office, "in", "10.00 --reason coins");
    let safe = ["30.00", "--reason", "to the safe"];
    office.does(["till", "out"], &safe);

    walk(&gate, Entry, &uid(1)).await;
    let x = office.looks(["till", "x"], &["till-1"]);
    // 50.00, 50.00 and 8.50 in, 4.50 out; 10.00 put in, 30.00 taken out.
    assert_eq!((&x["expected"], &x["voids"]), (&"84.00".into(), &1.into()), "{x}");
    let counted = office.looks(["till", "count"], &["till-1", "83.50"]);
    assert_eq!(counted["difference"], "-0.50");
    assert_eq!(office.looks(["till", "x"], &["till-1"]), x, "counting books nothing");
    let closed = does(&office, "close", "--counted 83.50");
    let z = office.looks(["till", "z"], &["till-1"]);
    assert_eq!((&closed["session"], &z["difference"]), (&z, &"-0.50".into()));
    takings_are_those_of(&z, &office);
    passes_and_visits_are_reported(&office);
    prints(&office);
    gate.stop().await;
    daemon.stop().await;
    assert_eq!(office.looks(["till", "z"], &["till-1", "--session", "1"]), z, "without a daemon");
    let verified = program::run(["verify", &office.folder]);
    assert!(verified.status.success(), "{}", program::text(&verified.stderr));
    let records = daemon.records().await;
    records.check_ledger().await;
    records.check_chain().await;
}

fn reported(office: &Office, words: &[&str]) -> Value {
    let report = program::run(["--json", "report", &office.folder].iter().chain(words));
    assert!(report.status.success(), "{}", program::text(&report.stderr));
    serde_json::from_slice(&report.stdout).unwrap()
}

/// Two entries, one of which paid 8.00 with 1.22 of tax; and the month that was sold.
fn passes_and_visits_are_reported(office: &Office) {
    let visits = reported(office, &["visits"]);
    let totals = &visits["totals"];
    assert_eq!((&totals["entries"], &totals["exits"]), (&2.into(), &0.into()), "{visits}");
    assert_eq!(totals["paid_at_the_gate"], "6.78");
    let passes = reported(office, &["passes", "--until", "2099-01-01"]);
    let rows = passes["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["tariff"], &rows[0]["member"]),
        (1, &"swim".into(), &"2".into())
    );
    assert_eq!(rows[0]["still_to_earn"], "84.75");
    assert_eq!(passes["ties"][0]["ledger"], "84.75");
}

/// The report of the ledger tells of each method what the Z report tells.
fn takings_are_those_of(z: &Value, office: &Office) {
    let report = reported(office, &["takings"]);
    let mut taken = std::collections::BTreeMap::<&str, i64>::new();
    for row in report["rows"].as_array().unwrap() {
        if row["terminal"] == "till-1" {
            *taken.entry(row["method"].as_str().unwrap()).or_default() += minor(&row["taken"]);
        }
    }
    let paid = z["paid"].as_object().unwrap();
    let paid = paid.iter().map(|(way, amount)| (way.as_str(), minor(amount))).collect();
    assert_eq!(taken, paid);
    assert_eq!(taken["cash"], 5400);
}

/// Receipts and reports are printed in the language that is asked for.
fn prints(office: &Office) {
    let words = |words: &[&str]| {
        let printed = program::run(["till"].iter().chain(words));
        program::text(&printed.stdout)
    };
    let (folder, number) = (office.folder.as_str(), "till-1/1");
    let english = words(&["receipt", folder, number]);
    for part in ["Receipt till-1/1", "3 × 4,99\u{a0}₾ −10 %", "123,47\u{a0}₾", "VAT 18 %"] {
        assert!(english.contains(part), "`{part}` is missing in:\n{english}");
    }
    let georgian = words(&["receipt", folder, number, "--language", "ka"]);
    assert!(georgian.contains("ჩეკი till-1/1") && georgian.contains("სამაჯურის დეპოზიტი"));
    let z = words(&["z", folder, "till-1", "--language", "ru"]);
    assert!(z.contains("Z-отчёт") && z.contains("-0,50\u{a0}₾"), "{z}");
}

/// Baskets that cannot be sold, and what is told.
const BASKETS: [(&str, &str); 26] = [
    ("--cash", "between 1 and 200 lines"),
    ("--item juice --cash -3.00", "the sign of the total"),
    ("--item juice --cash 3.00USD", "write it in GEL as 12.50"),
    ("--item juice --cash 99999999999999999999", "is not an amount"),
    ("--item juice --cash 2.99", "whole multiples of 0.05"),
    ("--item juice --discount 101 --cash", "line 1: a discount is between 0 and 100 %"),
    ("--item juice --discount -5 --cash", "not -5 %"),
    ("--item juice=0 --cash", "between 1 and 10000 of a thing"),
    ("--item towel --item nothing --cash", "line 2: `nothing` is not for sale"),
    ("--item juice --card 4.00", "more is paid than the 3.00"),
    ("--item juice --card 1.00", "2.00 is not paid of 3.00"),
    ("--item juice", "3.00 is not paid of 3.00"),
    ("--item juice --price 2.00 --cash", "costs 3.00"),
    ("--item massage --cash", "say what"),
    ("--item massage --price 9999999999.00 --cash", "absurdly high"),
    ("--item massage --price -1.00 --cash", "not below zero"),
    ("--item juice --wallet", "say whose with `--to BAND`"),
    ("--item juice --cash --card", "only one of"),
    ("--pass swim --cash", "say to whom"),
    ("--pass swim --to 0400FFFF --cash", "line 1: nobody holds `0400FFFF`; give it out first"),
    ("--pass month --cash", "`month` is not for sale"),
    ("--pass swim --for 99 --cash", "line 1: no member has the number 99"),
    ("--item juice --for 1 --cash", "only a pass is for somebody else"),
    ("--deposit-back 0400AA09 --cash", "no deposit is paid"),
    ("--item juice --item beer --age 17 --cash", "Line 2: buyer under the legal age of 18"),
    ("--item towel --item juice --discount 50 --cash", "Line 2: discount of 50%"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_till_cannot_do_is_told_and_changes_nothing() {
    let (mut daemon, office) = tills().await;
    does(&office, "open", "--float 50.00");
    does(&office, "sell", "--item towel=2 --cash");
    let before = office.looks(["till", "x"], &["till-1"]);
    let (rich, band) = (uid(1), uid(2));
    let refused = |what: &str, words: &str, why: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let got = office.as_somebody(MAKA, ["till", what], &words);
        assert!(got.0 == Some(1) && got.1.contains(why), "{what} {words:?}: {got:?}");
    };
    for (words, why) in BASKETS {
        refused("sell", words, why);
    }
    let to = |words: &str| format!("{words} --to {rich}");
    refused("sell", &to("--topup -5.00 --cash"), "above zero");
    refused("sell", &to("--topup 5.00 --wallet"), "not topped up from itself");
    refused("sell", &to("--item juice=20 --wallet"), "available");
    for (amount, why) in
        [("-5.00", "above zero"), ("0.00", "above zero"), ("9999999999.00", "no amount is so high")]
    {
        for what in ["topup", "refund", "pay-debt"] {
            refused(what, &format!("{rich} {amount} --card"), why);
        }
    }
    refused("pay-debt", &format!("{} 18.55 --cash", uid(3)), "18.50 is owed");
    refused("refund", &format!("{band} 5.00 --cash"), "available");
    for (what, words, why) in [
        ("open", "--float 50.00", "close it first"),
        ("close", "--counted -1.00", "at the least"),
        ("close", "--counted 9999999999.00", "no amount is so high"),
        ("in", "0.01 --reason coins", "no coin is so small"),
        ("out", "10.00 --reason safe", "OPERATOR_NOT_PERMITTED"),
        ("void", "till-1/99 --reason x", "no receipt has the number till-1/99"),
        ("void", "17 --reason x", "is no receipt such as till-1/17"),
        ("return", "till-1/1 1=0 --cash --reason x", "such as 1=2"),
        ("return", "till-1/1 2=1 --cash --reason x", "no line 2"),
        ("return", "till-1/1 1=3 --cash --reason x", "2 can come back, not 3"),
    ] {
        refused(what, words, why);
    }
    for (terminal, why) in
        [("gate-1", "is not a terminal of this site"), ("till-9", "is not a terminal of this site")]
    {
        let sale = ["--item", "juice", "--cash"];
        let got = office.as_somebody(("maka", "3333", terminal), ["till", "sell"], &sale);
        assert!(got.0 == Some(1) && got.1.contains(why), "{terminal}: {got:?}");
    }
    assert_eq!(office.looks(["till", "x"], &["till-1"]), before);
    daemon.stop().await;
    let records = daemon.records().await;
    assert_eq!((records.wallet(1).await, records.wallet(3).await), ((5000, 0), (-1850, 0)));
    records.check_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_approves_a_discount_at_another_till() {
    let (mut daemon, office) = tills().await;
    let ordered = |percent: &str| {
        let words = ["--item", "towel=2", "--discount", percent, "--cash"];
        office.as_somebody(MAKA, ["till", "sell"], &words)
    };
    let confirms = |(login, pin, till): (&str, &str, &str)| {
        let words = ["confirm", &office.folder, "till-1", "--operator", login, "--terminal", till];
        let done = program::run_with_pin(pin, words);
        (done.status.code(), program::text(&done.stdout) + &program::text(&done.stderr))
    };
    assert_eq!(ordered("40").0, Some(1));
    let nobody = confirms(("maka", "3333", "till-2"));
    assert_eq!(nobody.0, Some(1));
    assert!(nobody.1.contains("above your limit of 20%"), "nobody approves his own: {nobody:?}");
    let there = confirms(("levan", "2222", "till-1"));
    assert_eq!(there.0, Some(1));
    assert!(there.1.contains("above your limit of 20%"), "at another terminal: {there:?}");
    let (exit, text) = confirms(("levan", "2222", "till-2"));
    assert!(exit == Some(0) && text.contains("Receipt till-1/1"), "{text}");
    assert!(text.contains("5,99"), "9.98 less 40 % is 5.99: {text}");
    let again = confirms(("levan", "2222", "till-2"));
    assert!(again.1.contains("nothing waits"), "once: {again:?}");
    assert_eq!(ordered("60").0, Some(1));
    let (exit, text) = confirms(("levan", "2222", "till-2"));
    assert!(exit == Some(1) && text.contains("60%"), "more than the manager may: {text}");
    let x = office.looks(["till", "x"], &["till-1"]);
    assert_eq!((&x["receipts"], &x["discounts"]), (&1.into(), &"3.99".into()), "{x}");
    daemon.stop().await;
    daemon.records().await.check_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_charge_is_found_on_the_statement_and_goes_back_once() {
    let (mut daemon, office) = tills().await;
    let gate = daemon.gate("gate-1").await;
    walk(&gate, Entry, &uid(1)).await;
    let statement = || office.looks(["till", "statement"], &[&uid(1)]);
    // The passage is booked once it has come.
    let mut before = statement();
    for _ in 0..100 {
        if before["movements"][0]["purpose"] == "entry" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        before = statement();
    }
    assert_eq!((&before["balance"], &before["owed"]), (&"42.00".into(), &"0.00".into()));
    let charge = &before["movements"][0];
    assert_eq!((&charge["purpose"], &charge["wallet"]), (&"entry".into(), &"-8.00".into()));
    let entry = charge["entry"].as_str().unwrap();
    let nino = ("nino", "1111", "till-1");
    let corrects = |who, entry: &str, reason: &str| {
        office.as_somebody(who, ["till", "correct"], &[entry, "--reason", reason])
    };
    let opening = before["movements"][1]["entry"].as_str().unwrap();
    for (who, entry, reason, why) in [
        (MAKA, entry, "x", "OPERATOR_NOT_PERMITTED"),
        (nino, entry, " ", "say why"),
        (nino, opening, "x", "only a charge"),
        (nino, "17", "x", "not the number of an entry"),
        (nino, "01890a5d-ac96-774b-bcce-b302099a8057", "x", "no entry of the ledger"),
    ] {
        let got = corrects(who, entry, reason);
        assert!(got.0 == Some(1) && got.1.contains(why), "{entry} {reason}: {got:?}");
    }
    let waits = corrects(nino, entry, "the gate did not turn");
    assert!(waits.0 == Some(1) && waits.1.contains("SECOND_OPERATOR_REQUIRED"), "{waits:?}");
    let words =
        ["confirm", &office.folder, "till-1", "--operator", "levan", "--terminal", "till-2"];
    let confirmed = program::run_with_pin("2222", words);
    assert!(confirmed.status.success(), "{}", program::text(&confirmed.stdout));
    let after = statement();
    let [back, charge] = [&after["movements"][0], &after["movements"][1]];
    assert_eq!((&after["balance"], &back["wallet"]), (&"50.00".into(), &"8.00".into()));
    assert_eq!(
        (&back["purpose"], &back["note"]),
        (&"reversal".into(), &"the gate did not turn".into())
    );
    assert_eq!((&charge["entry"], &charge["reversed_by"]), (&entry.into(), &back["entry"]));
    let again = corrects(nino, entry, "again");
    assert!(again.0 == Some(1) && again.1.contains("corrected already"), "{again:?}");
    for (language, word) in
        [("ka", "საფულეშია"), ("hy", "Հակադարձ"), ("ru", "Сторно"), ("en", "Reversal")]
    {
        let words = ["till", "statement", &office.folder, &uid(1), "--language", language];
        let text = program::text(&program::run(words).stdout);
        assert!(text.contains(word) && text.contains(entry), "{text}");
    }
    gate.stop().await;
    daemon.stop().await;
    let verified = program::run(["verify", &office.folder]);
    assert!(verified.status.success(), "{}", program::text(&verified.stderr));
    daemon.records().await.check_ledger().await;
}

/// What is written for those who have bought is carried out, and gone from the file afterwards.
fn new_terms_for_what_was_sold_leave_the_file_as_it_was(office: &Office, file: &Path) {
    let before = std::fs::read_to_string(file).unwrap();
    let before = before.replace("freeze_days = 5", "freeze_days = 5 # as agreed in spring");
    let wanted = "price = \"50.00\"\nfamily = true";
    let edited = before.replace("price = \"110.00\"", wanted).replace("= 5 #", "= 9 #");
    assert!(edited.contains("= 9 #") && edited.contains("family"), "{edited}");
    std::fs::write(file, &edited).unwrap();
    office.does(["catalogue", "apply"], &["--applies", "sold"]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), before, "comments and all");
    let compared = office.looks(["catalogue", "compare"], &["--applies", "both"]);
    assert_eq!(compared["tariffs"], serde_json::json!([]));
    // Whatever else stood in the file is put back on demand.
    let odd = before.replace("price = \"110.00\"", "price = \"1.00\"");
    std::fs::write(file, odd).unwrap();
    let restored = program::run(["catalogue", "restore", &office.folder]);
    assert!(program::text(&restored.stdout).contains("again: swim"), "{restored:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sold_pass_gets_new_terms_rests_is_handed_on_and_cancelled() {
    let (mut daemon, office) = tills().await;
    does(&office, "sell", &format!("--pass swim --to {} --card", uid(1)));
    let passes = |member: &str| {
        let list = office.looks(["pass", "list"], &[member]);
        let swim = list.as_array().unwrap().iter().filter(|pass| pass["tariff"] == "swim");
        swim.cloned().collect::<Vec<_>>()
    };
    let id = passes("1")[0]["id"].as_str().unwrap().to_owned();
    let own = ["1", "--pass", &id];
    let no_freeze = office.tries(["pass", "freeze"], &own);
    assert!(no_freeze.1.contains("its tariff has no freeze"), "{no_freeze:?}");

    let file = daemon.site.path().join("data/tariffs.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let new = "price = \"110.00\"\nfreeze_days = 5\ntransferable = true";
    std::fs::write(&file, text.replace("price = \"100.00\"", new)).unwrap();
    let told = office.looks(["catalogue", "compare"], &["--applies", "both"]);
    let tariffs = told["tariffs"].as_array().unwrap();
    assert_eq!((tariffs.len(), &tariffs[0]["tariff"]), (1, &"swim".into()), "{told}");
    assert_eq!(tariffs[0]["price"], serde_json::json!({ "old": "100.00", "new": "110.00" }));
    let bought = serde_json::json!([{
        "members": [1],
        "gain": ["handing it on", "5 days of freeze instead of 0"],
        "lose": [],
    }]);
    assert_eq!(tariffs[0]["bought"], bought);
    office.does(["catalogue", "apply"], &["--applies", "both"]);
    let again = office.looks(["catalogue", "compare"], &[]);
    assert_eq!(again["tariffs"], serde_json::json!([]), "it is carried out");

    new_terms_for_what_was_sold_leave_the_file_as_it_was(&office, &file);

    let (band, another) = (uid(2), "0400AA77");
    does(&office, "sell", &format!("--deposit --to {band} --card"));
    let lost = ["--reason", "lost in the pool"];
    let replaced = office.does(["credential", "replace"], &[&band, another, lost[0], lost[1]]);
    assert_eq!(replaced["deposit_kept"], "10.00", "the desk is told");
    let no_more = office.tries(["credential", "lost"], &[another, lost[0], lost[1]]);
    assert!(no_more.0 == Some(0) && !no_more.1.contains("deposit"), "once: {no_more:?}");

    office.does(["pass", "freeze"], &own);
    assert_eq!(passes("1")[0]["state"], "frozen");
    office.does(["pass", "unfreeze"], &own);
    office.does(["pass", "transfer"], &["1", "--pass", &id, "--to", "3"]);
    assert_eq!((passes("1").len(), passes("3")[0]["state"].as_str()), (0, Some("active")));
    let before = daemon.records().await.wallet(3).await.0;
    let cancel = ["3", "--pass", &id, "--refund", "40.00", "--reason", "moved away"];
    office.does(["pass", "cancel"], &cancel);
    let records = daemon.records().await;
    assert_eq!(records.wallet(3).await.0, before + 4000);
    assert_eq!(passes("3")[0]["state"], "cancelled");
    records.check_ledger().await;
    daemon.stop().await;
}
