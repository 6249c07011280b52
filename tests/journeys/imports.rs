//! Tables that somebody brings: checked as a whole, taken as one thing, whatever ends the daemon.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use domain::event::Direction::Entry;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use tests::{
    daemon::{Daemon, eventually},
    program,
    records::Records,
    site::{Guest, Plan},
};
use tokio::time::sleep;

use crate::{
    command_line::{code, json},
    granted,
};

/// The rows of an import that is killed: some pieces of them.
pub(crate) const CROWD: u32 = 2000;

fn command(site: &Path, file: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program::kari());
    command.arg("import").arg(site).arg(file).args(more);
    command.env("NO_COLOR", "1").env_remove("KARI_SITE").env_remove("RUST_LOG");
    command
}

pub(crate) fn import(site: &Path, file: &Path, more: &[&str]) -> Output {
    command(site, file, more).output().unwrap()
}

pub(crate) fn begun(site: &Path, file: &Path, more: &[&str]) -> Child {
    command(site, file, more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[track_caller]
pub(crate) fn ends(output: &Output, expected: i32) -> String {
    let told = program::text(&output.stderr);
    assert_eq!(code(output), expected, "{told}");
    told
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Two people of whom one is there already, one good row, and rows that are wrong in many ways.
const MIXED: &str = "№;ФИО;Дата рождения;Телефон;Баланс;Абонемент\n\
    11;Иван Петров;17.05.1990;555 12 34 56;12,50;\n\
    12;Ольга;31.02.1991;;;\n\
    13;=cmd();;;1e9;\n\
    1;Нино;;;;\n\
    11;Ещё раз;;;;\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_names_every_bad_row_and_changes_nothing_and_good_rows_come_alone() {
    let plan = Plan { guests: vec![Guest::member(1)], ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let site = daemon.site.path().to_owned();
    let file = write(&site, "people.csv", MIXED);
    let errors = site.join("bad.csv");
    let all = ["--as", "members", "--errors", errors.to_str().unwrap()];
    let records = daemon.records().await;
    let before = records.journal().await;

    let dry = import(&site, &file, &[&all[..], &["--dry-run", "--json"]].concat());
    ends(&dry, 3);
    let told = json(&dry);
    assert_eq!(
        (&told["new"], &told["bad"], &told["imported"]),
        (&1.into(), &4.into(), &false.into())
    );
    let bad = fs::read_to_string(&errors).unwrap();
    let lines: Vec<&str> = bad.lines().collect();
    for (line, parts) in lines[1..].iter().zip([
        ["3;12;Ольга;31.02.1991;", "birth: `31.02.1991` is not a date written as dd.mm.yyyy"],
        ["4;13;'=cmd();;;1e9;", "balance: `1e9` is not an amount"],
        ["5;1;Нино;", "number: that member is there already; say `--existing skip`"],
        ["6;11;Ещё раз;", "number: member 11 stands in the table twice"],
    ]) {
        assert!(line.starts_with(parts[0]) && line.contains(parts[1]), "{line}");
    }
    assert_eq!(lines.len(), 5);
    ends(&import(&site, &file, &all), 3);
    let told = ends(&import(&site, &file, &[&all[..], &["--existing", "skip"]].concat()), 3);
    assert!(told.contains("nothing is imported; correct the bad rows") && !told.contains("row 5"));
    assert_eq!(records.journal().await, before, "nothing was changed");

    // The good rows alone, then what was corrected.
    let told = ends(&import(&site, &file, &[&all[..], &["--skip-bad"]].concat()), 0);
    assert!(told.contains("imported: 1 new, 0 changed, 0 passed over, 4 bad"), "{told}");
    assert_eq!((records.members().await, records.wallet(11).await), (2, (1250, 0)));
    let corrected: Vec<String> = bad
        .lines()
        .take(3)
        .map(|line| line.replace("31.02", "28.02").replace("1e9", "-3,20"))
        .collect();
    let corrected = write(&site, "corrected.csv", corrected.join("\n"));
    ends(&import(&site, &corrected, &["--as", "members"]), 0);
    assert_eq!((records.members().await, records.wallet(13).await), (4, (-320, 0)));
    let person = records.name(13).await;
    assert_eq!(person, "=cmd()", "the apostrophe was for spreadsheets");

    // The same file twice does nothing, with the daemon and without it.
    for _ in 0..2 {
        let journal = records.journal().await.len();
        let told = ends(&import(&site, &corrected, &["--as", "members"]), 0);
        assert!(told.contains("this file was imported on"), "{told}");
        assert_eq!(records.journal().await.len(), journal);
        if daemon.get("/healthz").await.is_some() {
            daemon.stop().await;
        }
    }
    assert_eq!(fs::read_dir(site.join("state/imports")).unwrap().count(), 0, "no file is left");
    records.check_ledger().await;
    records.check_chain().await;
}

/// Three sheets as somebody keeps them: people, what they carry, what they bought.
fn club(path: &Path) {
    let mut book = Workbook::new();
    let day = Format::new().set_num_format("dd.mm.yyyy");
    let when = |text| ExcelDateTime::parse_from_str(text).unwrap();
    let people = book.add_worksheet();
    people.set_name("წევრები").unwrap();
    for (at, name) in (0..).zip(["ნომერი", "სახელი", "გვარი", "დაბადება", "ტელეფონი", "სტატუსი"])
    {
        people.write_string(0, at, name).unwrap();
    }
    for (row, number) in (1..).zip([21.0, 22.0]) {
        people.write_number(row, 0, number).unwrap();
        people.write_string(row, 1, "ანა").unwrap();
        people.write_string(row, 2, "ბერიძე").unwrap();
        people.write_datetime_with_format(row, 3, when("1990-05-17"), &day).unwrap();
        people.write_number(row, 4, 555_123_456.0).unwrap();
        people.write_string(row, 5, "აქტიური").unwrap();
    }
    let cards = book.add_worksheet();
    cards.set_name("ბარათები").unwrap();
    for (at, name) in (0..).zip(["ბარათი", "წევრი", "სტატუსი"])
    {
        cards.write_string(0, at, name).unwrap();
    }
    for (row, number) in (1..).zip([21.0, 22.0]) {
        cards.write_string(row, 0, format!("04:00:00:00:{number}")).unwrap();
        cards.write_number(row, 1, number).unwrap();
        cards.write_string(row, 2, "აქტიური").unwrap();
    }
    let passes = book.add_worksheet();
    passes.set_name("აბონემენტები").unwrap();
    for (at, name) in (0..).zip(["წევრი", "ტარიფი", "დაწყება", "ფასი"])
    {
        passes.write_string(0, at, name).unwrap();
    }
    passes.write_number(1, 0, 21.0).unwrap();
    passes.write_string(1, 1, "თვე").unwrap();
    passes.write_datetime_with_format(1, 2, when("2026-01-01"), &day).unwrap();
    passes.write_number(1, 3, 80.5).unwrap();
    passes.write_number(2, 0, 22.0).unwrap();
    passes.write_string(2, 1, "თვე").unwrap();
    passes.write_formula(2, 2, Formula::new("=TODAY()").set_result("46000")).unwrap();
    book.save(path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_spreadsheet_enter_while_the_daemon_runs() {
    let daemon = Daemon::start(&Plan::default()).await;
    let site = daemon.site.path().to_owned();
    let file = site.join("club.xlsx");
    club(&file);
    let members = write(
        &site,
        "members.toml",
        "as = \"members\"\nsheet = \"წევრები\"\n\
        [columns]\nnumber = \"ნომერი\"\nname = [\"სახელი\", \"გვარი\"]\nbirth = \"დაბადება\"\n\
        phone = \"ტელეფონი\"\n[constants]\nlanguage = \"ka\"\n",
    );
    let shown = import(&site, &file, &["--mapping", members.to_str().unwrap(), "--preview", "1"]);
    ends(&shown, 0);
    let words = program::text(&shown.stdout);
    for part in
        ["2 rows of members", "ანა ბერიძე", "1990-05-17", "+995555123456", "not used: `სტატუსი`"]
    {
        assert!(words.contains(part), "`{part}` is missing in:\n{words}");
    }
    ends(&import(&site, &file, &["--mapping", members.to_str().unwrap()]), 0);
    let words = "[words.state]\n\"აქტიური\" = \"active\"\n[words.tariff]\n\"თვე\" = \"month\"\n";
    let cards = write(&site, "cards.toml", words.split("[words.tariff]").next().unwrap());
    let cards =
        ["--as", "credentials", "--sheet", "ბარათები", "--mapping", cards.to_str().unwrap()];
    ends(&import(&site, &file, &cards), 0);
    let passes = write(
        &site,
        "passes.toml",
        format!("[words.tariff]{}", words.split("[words.tariff]").nth(1).unwrap()),
    );
    let errors = site.join("bad.xlsx");
    let passes = [
        "--as",
        "passes",
        "--sheet",
        "აბონემენტები",
        "--mapping",
        passes.to_str().unwrap(),
        "--skip-bad",
        "--errors",
        errors.to_str().unwrap(),
    ];
    let told = ends(&import(&site, &file, &passes), 0);
    assert!(told.contains("row 3: valid_from: `46000`: it is a formula; put its value"), "{told}");
    assert!(fs::read(&errors).unwrap().starts_with(b"PK"), "a spreadsheet again");

    let gate = daemon.gate("gate-1").await;
    granted(&gate, Entry, "0400000021").await;
    let records = daemon.records().await;
    assert_eq!(records.name(21).await, "ანა ბერიძე");
    records.check_ledger().await;
    gate.stop().await;
}

/// A table of many people, each with a balance of its own.
pub(crate) fn crowd(folder: &Path, round: u32) -> PathBuf {
    let mut text = "number,name,balance\n".to_owned();
    for number in first(round)..first(round) + CROWD {
        writeln!(text, "{number},N{number},{}.50", number % 100).unwrap();
    }
    write(folder, &format!("crowd-{round}.csv"), text)
}

const fn first(round: u32) -> u32 {
    100_000 * (round + 1)
}

/// All of them are in, each once, or nobody is.
async fn all_or_nothing(records: &Records, round: u32, before: i64) -> bool {
    let there = records.members().await - before;
    assert!(there == 0 || there == i64::from(CROWD), "round {round}: {there} of {CROWD} are in");
    if there > 0 {
        for number in [first(round), first(round) + CROWD - 1] {
            assert_eq!(records.wallet(number).await, (i64::from(number % 100) * 100 + 50, 0));
        }
    }
    there > 0
}

/// The books are in order.
pub(crate) fn in_order(site: &Path) {
    let verified = program::run(["verify".as_ref(), site.as_os_str()]);
    assert_eq!(code(&verified), 0, "{}", program::text(&verified.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_in_the_middle_comes_in_whole_or_not_at_all() {
    let mut daemon = Daemon::start(&Plan::default()).await;
    let site = daemon.site.path().to_owned();
    let mut random = fastrand::Rng::with_seed(5);
    let (mut came, mut cut) = (0, 0);
    for round in 0..4 {
        let file = crowd(&site, round);
        let records = daemon.records().await;
        let before = records.members().await;
        let mut asking = begun(&site, &file, &["--as", "members"]);
        // Early, while it is checked, or once its first piece is in.
        match round % 2 {
            0 => sleep(Duration::from_millis(random.u64(0..150))).await,
            _ => {
                eventually("the first piece", async || {
                    (records.members().await > before).then_some(())
                })
                .await
            }
        }
        daemon.kill();
        let half = records.members().await - before;
        cut += u32::from(half > 0 && half < i64::from(CROWD));
        asking.wait().unwrap();
        daemon.spawn();
        daemon.ready().await;
        came += u32::from(all_or_nothing(&records, round, before).await);
        let again = import(&site, &file, &["--as", "members"]);
        ends(&again, 0);
        assert!(all_or_nothing(&records, round, before).await, "at last");
        in_order(&site);
        records.close().await;
    }
    assert!(cut > 0 && came >= cut, "no import was cut in the middle: {cut} cut, {came} came");
    println!("4 kills: {cut} cut an import in the middle, {came} imports went on to their end");

    // Without a daemon it is the command itself that is killed.
    daemon.stop().await;
    let (file, records) = (crowd(&site, 9), daemon.records().await);
    let before = records.members().await;
    let mut asking = begun(&site, &file, &["--as", "members"]);
    eventually("the first piece", async || (records.members().await > before).then_some(())).await;
    asking.kill().unwrap();
    asking.wait().unwrap();
    assert!(records.members().await - before < i64::from(CROWD), "cut in the middle");
    in_order(&site);
    daemon.spawn();
    daemon.ready().await;
    assert!(all_or_nothing(&records, 9, before).await, "a promise was made");
    in_order(&site);
}
