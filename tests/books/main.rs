//! A simulated month of a small site: its journal in the hands of independent programs, and its
//! reports held against the ledger.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod month;
mod tampers;
#[path = "../sales/till.rs"]
#[expect(dead_code, reason = "shared with the sales, which use all of it")]
mod till;

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use domain::money::Money;
use month::{Month, amounts, asked};
use store::{
    reports::{Cell, Name, Report},
    statements::Standing,
};
use tests::{
    left_out,
    program::{run, text},
    python,
};
use till::money;

/// What ran well, or the test ends with what was said.
#[track_caller]
fn well(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn export(month: &Month, what: &[&str], file: &str) -> std::path::PathBuf {
    let path = month.folder.path().join(file);
    let site = month.site();
    let mut arguments = vec!["export", site.to_str().unwrap(), "--output", path.to_str().unwrap()];
    arguments.extend(what);
    well(&run(arguments));
    path
}

/// The names of exported accounts, by Kari's words for them.
fn names(journal: &str) -> BTreeMap<String, String> {
    let account = |line: &str| {
        let (name, own) = line.strip_prefix("account ")?.split_once("  ; kari: ")?;
        Some((own.to_owned(), name.to_owned()))
    };
    journal.lines().filter_map(account).collect()
}

fn hledger(arguments: &[&str], journal: &Path) -> Output {
    Command::new("hledger").arg("-f").arg(journal).args(arguments).output().unwrap()
}

#[test]
fn hledger_accepts_a_month_and_its_balances_are_ours() {
    const TEST: &str = "hledger_accepts_a_month_and_its_balances_are_ours";
    if Command::new("hledger").arg("--version").output().is_err() {
        return left_out(TEST, "hledger is not installed");
    }
    for (month, from) in [(Month::kept(1), "2026-09-25"), (Month::example(), "2026-09-10")] {
        hledger_agrees(&month, from);
    }
}

fn hledger_agrees(month: &Month, from: &str) {
    let whole = export(month, &["--as", "hledger"], "whole.journal");
    let half = ["--as", "hledger", "--from", from, "--people"];
    let half = export(month, &half, "half.journal");
    for (journal, people) in [(&whole, false), (&half, true)] {
        well(&hledger(&["check", "--strict"], journal));
        let told = well(&hledger(&["bal", "--flat", "-N", "-E", "-O", "csv"], journal));
        let mut told: BTreeMap<String, Money> = told
            .lines()
            .skip(1)
            .map(|line| {
                let (name, amount) = line.split_once(',').unwrap();
                let amount = amount.trim_matches('"').trim_end_matches(" GEL");
                (
                    name.trim_matches('"').to_owned(),
                    money(if amount == "0" { "0.00" } else { amount }),
                )
            })
            .collect();
        let names = names(&std::fs::read_to_string(journal).unwrap());
        let own = month.balances(people);
        assert!(own.len() > 12, "{own:?}");
        for (account, balance) in own {
            let told = told.remove(&names[&account]).unwrap_or(Money::ZERO);
            assert_eq!(told, -balance, "{account}");
        }
        told.retain(|_, balance| !balance.is_zero());
        assert_eq!(told, BTreeMap::new(), "accounts that Kari does not have");
    }
}

const BALANCES: &str = r#"
import sys
from beancount import loader
from beancount.core import data
entries, errors, options = loader.load_file(sys.argv[1])
assert not errors, errors
own, sums = {}, {}
for entry in entries:
    if isinstance(entry, data.Open):
        own[entry.account] = entry.meta["kari"]
        sums[entry.account] = 0
    if isinstance(entry, data.Transaction):
        for posting in entry.postings:
            assert posting.units.currency == "GEL"
            sums[posting.account] += posting.units.number
for account, total in sums.items():
    print(own[account], format(total, ".2f"), sep="\t")
"#;

#[test]
fn beancount_accepts_a_month_and_its_balances_are_ours() {
    const TEST: &str = "beancount_accepts_a_month_and_its_balances_are_ours";
    let known = Command::new(python()).args(["-c", "import beancount"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        return left_out(TEST, "python3 with beancount is not installed");
    }
    for (month, from) in [(Month::kept(2), "2026-09-20"), (Month::example(), "2026-09-10")] {
        beancount_agrees(&month, from);
    }
}

fn beancount_agrees(month: &Month, from: &str) {
    for (what, people) in [
        (&["--as", "beancount"][..], false),
        (&["--as", "beancount", "--people", "--from", from][..], true),
    ] {
        let ledger = export(month, what, "month.beancount");
        let check = Path::new(&python()).with_file_name("bean-check");
        if check.exists() {
            well(&Command::new(check).arg(&ledger).output().unwrap());
        }
        let told = Command::new(python()).args(["-c", BALANCES]).arg(&ledger).output().unwrap();
        let told: BTreeMap<String, Money> = well(&told)
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .map(|(own, sum)| (own.to_owned(), -money(if sum == "-0.00" { "0.00" } else { sum })))
            .collect();
        assert_eq!(told, month.balances(people));
    }
}

#[test]
fn a_table_for_an_accountant_has_the_same_sums() {
    let month = Month::kept(3);
    let table = export(&month, &["--as", "csv"], "month.csv");
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    for row in csv::Reader::from_path(&table).unwrap().records() {
        let row = row.unwrap();
        let amount = |place: usize| row.get(place).filter(|cell| !cell.is_empty()).map(money);
        let debit = amount(5).unwrap_or_default() - amount(6).unwrap_or_default();
        let sum = sums.entry(row[4].to_owned()).or_default();
        *sum = *sum + debit;
        assert!(!row[3].is_empty() && &row[7] == "GEL", "{row:?}");
    }
    let balance = |kind: &str| month.balances(false)[kind];
    assert_eq!(sums["Assets:Cash:T1"], -balance("cash/T1"));
    assert_eq!(sums["Liabilities:Wallet"], -balance("wallet"));
    assert_eq!(sums.values().copied().sum::<Money>(), Money::ZERO);
    let sheet = export(&month, &["--as", "xlsx"], "month.xlsx");
    assert!(std::fs::read(sheet).unwrap().starts_with(b"PK"));
}

#[test]
fn days_add_up_to_the_month_and_to_the_ledger() {
    for seed in 4..7 {
        let month = Month::kept(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        for name in [Name::Takings, Name::Sales, Name::Vat] {
            let whole = amounts(&month.report(name, asked("2026-09-01", "2026-11-01")));
            let (mut day, mut sums) = (1_i64, BTreeMap::new());
            while day < 62 {
                let next = (day + random.i64(1..5)).min(62);
                let part = month.report(name, asked(&date(day), &date(next)));
                for (key, amount) in amounts(&part) {
                    let sum: &mut Money = sums.entry(key).or_default();
                    *sum = *sum + amount;
                }
                day = next;
            }
            assert_eq!(sums, whole, "{name:?}, seed {seed}");
            assert!(whole.values().any(|sum| !sum.is_zero()));
        }
        for name in [Name::Wallets, Name::Deferred, Name::Debts] {
            // Of now from the accounts' rows, of the same instant from postings.
            let now = month.report(name, asked("2026-09-01", "2027-09-01"));
            let past = month.report(name, asked("2026-09-01", "2026-11-01"));
            assert_eq!(now.totals, past.totals, "{name:?}, seed {seed}");
        }
    }
}

/// The day of a number, from 1 September on.
fn date(day: i64) -> String {
    use jiff::ToSpan;
    jiff::civil::date(2026, 8, 31).checked_add(day.days()).unwrap().to_string()
}

/// The amount of the lines of a report that have these words in their first columns.
fn net(report: &Report, words: &[&str]) -> Money {
    let column = report.columns.iter().position(|column| *column == "net");
    let is = |cell: &Cell, word: &&str| matches!(cell, Cell::Text(text) if text == word);
    let rows = report.rows.iter().filter(|row| row.iter().zip(words).all(|(a, b)| is(a, b)));
    rows.map(|row| amount(&row[column.unwrap()])).sum()
}

const fn amount(cell: &Cell) -> Money {
    match cell {
        Cell::Money(amount) => *amount,
        _ => Money::ZERO,
    }
}

#[test]
fn a_drawer_and_the_reports_of_the_ledger_are_of_one_mind() {
    let first = tests::seeds::fresh("KARI_BOOKS_SEED");
    for seed in first..first + 4 {
        println!("seed {seed}");
        let month = Month::kept(seed);
        let all = || asked("2026-09-01", "2026-11-01");
        let sales = month.report(Name::Sales, all());
        let session = month.session.as_ref().unwrap();
        let of = &session.blocks;
        let line = |words: &[&str]| net(&sales, words);
        let sold = of.goods + of.passes - of.returned;
        // What the gates charged has no receipt.
        let gates = ["entry", "surcharge", "overstay"].map(|what| line(&["sold", what]));
        assert_eq!(gates.into_iter().sum::<Money>(), Money::ZERO);
        for (what, drawer, ledger) in [
            ("sold", sold - of.rounding, line(&["sold"])),
            ("rounding", -of.rounding, line(&["sold", "cash rounding"])),
            ("top-ups", of.top_ups, line(&["prepaid", "top-up"])),
            ("pay-outs", -of.paid_out, line(&["prepaid", "pay-out"])),
            ("deposits", of.deposits, line(&["prepaid", "deposit"])),
            ("deposits back", -of.deposits_back, line(&["prepaid", "deposit returned"])),
            ("prepaid", of.prepaid(), line(&["prepaid"])),
            ("debts", of.debts, line(&["debts"])),
            ("tax", session.vat.values().copied().sum(), line(&["sold", "tax"])),
            ("all", of.total(), line(&["paid"])),
        ] {
            assert_eq!(drawer, ledger, "{what}, seed {seed}");
        }
        let takings = month.report(Name::Takings, all());
        for way in ["cash", "card", "wallet"] {
            let paid = session.paid.get(way).copied().unwrap_or_default();
            let of_way = |row: &&Vec<Cell>| row[3] == Cell::Text(way.to_owned());
            let taken: Money = takings.rows.iter().filter(of_way).map(|row| amount(&row[6])).sum();
            assert_eq!((paid, paid), (line(&["paid", way]), taken), "{way}, seed {seed}");
        }
    }
}

#[test]
fn what_stood_before_and_the_lines_of_a_statement_come_to_what_stands_now() {
    let first = tests::seeds::fresh("KARI_STATEMENTS_SEED");
    let (mut owing, mut split) = (0, 0);
    for seed in first..first + 4 {
        println!("seed {seed}");
        let month = Month::kept(seed);
        for (wallet, held, receivable) in month.wallets() {
            for limit in [1, 2, 5, 1_000] {
                let told = month.statement(wallet, limit);
                let (wallet, owed): (Vec<_>, Vec<_>) =
                    told.movements.iter().map(|moved| (moved.wallet, moved.owed)).unzip();
                let sum = |all: Vec<Money>| all.into_iter().sum::<Money>();
                assert_eq!(told.before.balance + sum(wallet), told.now.balance, "seed {seed}");
                assert_eq!(told.before.owed + sum(owed), told.now.owed, "seed {seed}");
                assert_eq!(told.now.balance - told.now.owed, held + receivable, "seed {seed}");
                assert!(told.now.balance >= Money::ZERO && told.now.owed >= Money::ZERO);
                if limit == 1_000 {
                    assert_eq!(told.before, Standing::default(), "seed {seed}");
                    let entries = told.movements.windows(2);
                    split += entries.filter(|two| two[0].entry == two[1].entry).count();
                    owing += told.movements.iter().filter(|moved| !moved.owed.is_zero()).count();
                }
            }
        }
    }
    assert!(owing > 0 && split > 0, "{owing} movements of debts, {split} entries in parts");
}

#[test]
fn reports_of_a_small_day_are_right_to_the_unit() {
    let month = Month::small();
    let asked = || asked("2026-09-15", "2026-09-16");
    let cells = |name| -> Vec<String> {
        let report = month.report(name, asked());
        let cell = |cell: &Cell| match cell {
            Cell::Money(amount) => {
                domain::money::Currency::of("GEL").unwrap().exact(*amount).to_string()
            }
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Day(day) => day.to_string(),
            Cell::Empty => String::new(),
        };
        report.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect()
    };
    assert_eq!(
        cells(Name::Takings),
        [
            "2026-09-15|||wallet|0.00|0.00|0.00|-70.00|-70.00",
            "2026-09-15|T1|nino|cash|105.00|-5.00|100.00|0.00|100.00",
            "2026-09-15|T1|nino|card|19.96|0.00|19.96|0.00|19.96",
            "2026-09-15|T1|nino|wallet|9.00|0.00|9.00|0.00|9.00",
        ]
    );
    // 4.99 holds 0.76 of tax, 19.96 holds 3.04, 100.00 holds 15.25.
    assert_eq!(
        cells(Name::Sales),
        [
            "sold|pass|month|1|84.75|0.00|84.75",
            "sold|goods|juice|3|9.00|0.00|9.00",
            "sold|goods|towel|4|21.15|-4.23|16.92",
            "sold|tax|18 %||19.05|-0.76|18.29",
            "sold|cash rounding|||0.01|-0.01|0.00",
            "paid|cash|||105.00|-5.00|100.00",
            "paid|card|||19.96|0.00|19.96",
            "paid|wallet|||9.00|0.00|9.00",
        ]
    );
    assert_eq!(
        cells(Name::Vat),
        ["0 %|9.00|0.00|0.00|0.00|9.00|0.00", "18 %|105.90|19.05|-4.23|-0.76|101.67|18.29"]
    );
}
