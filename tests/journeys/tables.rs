//! Tables as people bring them: what is damaged or may be read in two ways is said with its place
//! before anything is taken, and nothing that is missing becomes "without end".

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use serde_json::Value;
use tests::{
    daemon::Daemon,
    program,
    site::{Folder, Guest, Plan},
};

use crate::command_line::{code, json};

/// What is sold beside the tariffs of every site of a journey.
const KINDS: &str = r#"
[[tariff]]
id = "monthly"
name = "a month"
zones = ["pool"]
entry_price = "0.00"
kind = "period"
price = "80.00"
lasts = "P1M"

[[tariff]]
id = "pack-10"
name = "ten visits"
zones = ["pool"]
entry_price = "0.00"
kind = "visits"
price = "70.00"
visits = 10
lasts = "P3M"
from_first_use = true

[[tariff]]
id = "day"
name = "a day"
zones = ["pool"]
entry_price = "0.00"
kind = "single_entry"
price = "10.00"
lasts = "P1D"
"#;

/// A site whose members 1 to 9 have nothing but a card, with a daemon.
pub(crate) async fn daemon() -> Daemon {
    let guests = (1..=9).map(Guest::member).collect();
    let site = Folder::write(&Plan { guests, ..Plan::default() });
    let tariffs = site.path().join("data/tariffs.toml");
    let text = fs::read_to_string(&tariffs).unwrap();
    fs::write(&tariffs, text + KINDS).unwrap();
    let mut daemon = Daemon::of(site);
    daemon.spawn();
    daemon.ready().await;
    daemon
}

pub(crate) fn run(site: &Path, file: &Path, more: &[&str]) -> Output {
    let (command, site, file) = ("import".as_ref(), site.as_os_str(), file.as_os_str());
    program::run([command, site, file].into_iter().chain(more.iter().map(AsRef::as_ref)))
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// The bad rows of a dry run, each with all that is wrong with it.
fn bad_rows(told: &Value) -> Vec<(u64, String)> {
    let rows = told["problems"].as_array().unwrap().iter();
    let why = |row: &Value| {
        let all = row["why"].as_array().unwrap().iter().map(|why| why.as_str().unwrap());
        all.collect::<Vec<_>>().join("; ")
    };
    rows.map(|row| (row["row"].as_u64().unwrap(), why(row))).collect()
}

/// Each bad row of a table, and a part of what is wrong with it.
#[track_caller]
fn check(site: &Path, what: &str, text: impl AsRef<[u8]>, expected: &[(u64, &str)]) {
    let file = write(site, "table", text);
    let dry = run(site, &file, &["--as", what, "--dry-run", "--json"]);
    let told = program::text(&dry.stderr);
    assert_eq!(code(&dry), if expected.is_empty() { 0 } else { 3 }, "{told}");
    let bad = bad_rows(&json(&dry));
    let rows: Vec<u64> = bad.iter().map(|(row, _)| *row).collect();
    let known: Vec<u64> = expected.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, known, "{bad:?}");
    for ((row, why), (_, part)) in bad.iter().zip(expected) {
        assert!(why.contains(part), "row {row}: `{part}` is not in {why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_has_the_number_of_its_line_whatever_ends_lines() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let ten: String = (1..=10)
        .map(|at| {
            format!("30{at:02};N{at};{}\n", if at % 5 == 0 || at == 1 { "2030-01-01" } else { "" })
        })
        .collect();
    let ten = format!("number;name;birth\n{ten}");
    let gaps = "\n\n\nnumber;name;birth\n\n\n2001;A;\n\n2002;B;2030-01-01\n2003;D\n";
    let cells =
        "number;name;birth\n4001;\"A\nB\";\n4002;C;2030-01-01\n\n4003;\"D\n\nE\";2030-01-01";
    for end in ["\n", "\r\n", "\r"] {
        let with = |text: &str| text.replace('\n', end);
        let birth = "birth: `2030-01-01` is not a day";
        check(site, "members", with(&ten), &[(2, birth), (6, birth), (11, birth)]);
        check(site, "members", with(gaps), &[(9, birth)]);
        check(site, "members", with(cells), &[(4, birth), (6, birth)]);
        check(
            site,
            "members",
            with("sep=;\nnumber;name\n1;A\nx;B\n"),
            &[(3, "there already"), (4, "number: `x`")],
        );
    }
    // Two bad rows are two, in the file of bad rows as well, and the good one alone is taken.
    for (end, second) in [("\r", 4), ("\n", 5), ("\r\n", 5)] {
        let gap = if end == "\r" { "" } else { end };
        let text =
            format!("Number,Name,Balance{end}9001,A B,1.00{end}9002,C D,x{end}{gap}9004,E F,y");
        let (file, errors) = (write(site, "rows.csv", text), site.join("bad.csv"));
        let more = ["--as", "members", "--dry-run", "--json", "--errors", errors.to_str().unwrap()];
        let told = json(&run(site, &file, &more));
        let rows: Vec<u64> = bad_rows(&told).into_iter().map(|(row, _)| row).collect();
        assert_eq!((rows, told["new"].as_u64()), (vec![3, second], Some(1)), "{end:?}");
        let bad = fs::read_to_string(&errors).unwrap();
        let lines: Vec<&str> = bad.lines().skip(1).map(|line| &line[..7]).collect();
        assert_eq!(lines, ["3,9002,", &format!("{second},9004,")], "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_of_the_file_is_said_with_its_place_and_nothing_is_taken() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let records = daemon.records().await;
    let before = records.journal().await;
    for (text, expected) in [
        ("number,name\n3002,\"Unclosed\n3003,Lost\n", "quote that begins in row 2 is never closed"),
        ("number;name\r\n1;A\r\n\r\n3002;\"B\r\n3003;C\r\n", "begins in row 4 is never closed"),
        ("number,name\r5,\"A\r6,B\r", "begins in row 2 is never closed"),
        ("number\tname\n7\t\"A \"B\" C\"\n", "row 2 ends in the middle of a cell in row 2"),
        ("\"number,name\n3002,A\n", "begins in row 1 is never closed"),
        ("Number,Name,Phone,Mobile\n3002,A,,\n", "`Phone` (column 3) and `Mobile` (column 4) mean"),
        ("Номер;ID;Имя\n3002;1;A\n", "`Номер` (column 1) and `ID` (column 2) mean the same"),
        ("number,name,name\n3002,A,B\n", "mean the same, which is name"),
        ("n\0u\0m\0", "sign 0 in it"),
    ] {
        let file = write(site, "table.csv", text);
        let ways: [&[&str]; 3] = [&["--preview", "9"], &["--dry-run"], &["--skip-bad"]];
        for way in ways {
            let output = run(site, &file, &[&["--as", "members"], way].concat());
            let told = program::text(&output.stderr);
            assert_eq!(code(&output), 3, "{text:?} {way:?}: {told}");
            assert!(told.contains(expected), "{text:?} {way:?}: {told}");
        }
    }
    assert_eq!(records.journal().await, before, "nothing was changed");
    // What can be taken is said beside it, by all three alike.
    let text = "Номер;Имя;Цвет;;Размер\n3101;A;;x;\n3102;B\n3103;C;red;;M\n";
    let file = write(site, "table.csv", text);
    let ways: [&[&str]; 3] = [&["--preview", "9"], &["--dry-run"], &[]];
    for way in ways {
        let output = run(site, &file, &[&["--as", "members"], way].concat());
        let told = program::text(&output.stdout) + &program::text(&output.stderr);
        for part in [
            "not used: `Цвет`, `column 4, which has no heading`, `Размер`",
            "rows of fewer cells than there are headings, what is missing counts as empty: 3",
        ] {
            assert!(code(&output) == 0 && told.contains(part), "{way:?}: {told}");
        }
    }
    assert_eq!(records.name(3102).await, "B");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_cell_makes_no_pass_that_opens_for_ever() {
    let mut daemon = daemon().await;
    let site = daemon.site.path().to_owned();
    let heading = "member,tariff,state,valid_from,valid_until,visits_left\n";
    let visits = "visits_left: it is missing; a pass of `pack-10` counts visits";
    let end = "valid_until: it is missing; a pass of `pack-10` lasts P3M from its first use";
    for (row, expected) in [
        ("3,pack-10,active,2026-11-01,2027-02-01,", Some(visits)),
        ("3,pack-10,active,2026-11-01,,4", Some(end)),
        ("3,pack-10,active,2026-11-01,,99999", Some("has at most 10 visits, not 99999")),
        ("3,pack-10,active,2026-11-01,2027-02-01,99999", Some("has at most 10 visits")),
        ("4,day,active,2026-11-20,,", Some("visits_left: it is missing; a pass of `day`")),
        ("5,month,active,2026-11-20,,", Some("valid_from: a pass of `month` that the member")),
        ("5,month,active,2025-11-20,2025-12-31,", None),
        ("5,single,active,2026-11-20,,", None),
        ("3,pack-10,active,2026-11-01,2027-02-01,4", None),
    ] {
        let bad = expected.map(|part| (2, part));
        check(&site, "passes", format!("{heading}{row}\n"), &bad.into_iter().collect::<Vec<_>>());
    }
    // Worked out, shown by each of the three, and kept.
    let text = format!("{heading}6,monthly,active,2026-10-31,,\n7,day,active,2026-11-20,,1\n");
    let file = write(&site, "passes.csv", text);
    let shown = run(&site, &file, &["--as", "passes", "--preview", "5"]);
    let words = program::text(&shown.stdout);
    let last = if words.contains("2026-11-30") { "2026-11-30" } else { "2026-11-29" };
    assert!(words.contains(&format!("{last}, worked out from the tariff")), "{words}");
    assert!(words.contains("2026-11-20, worked out from the tariff"), "{words}");
    for way in [&["--dry-run", "--json"][..], &["--json"]] {
        let told = json(&run(&site, &file, &[&["--as", "passes"], way].concat()));
        let found = |row, day| serde_json::json!({ "row": row, "cells": { "valid_until": day } });
        let expected = serde_json::json!([found(2, last), found(3, "2026-11-20")]);
        assert_eq!(told["worked_out"], expected, "{way:?}: {told}");
    }
    let listed = program::run(["pass".as_ref(), "list".as_ref(), site.as_os_str(), "6".as_ref()]);
    let listed = program::text(&listed.stdout);
    assert!(listed.contains("monthly") && listed.contains(last), "{listed}");
    daemon.stop().await;
    // The same of a site's first data: whoever writes it is told before anything is in.
    let guests = vec![Guest::member(1)];
    let fresh = Folder::write(&Plan { guests, ..Plan::default() });
    let data = fresh.path().join("data");
    let tariffs = fs::read_to_string(data.join("tariffs.toml")).unwrap();
    fs::write(data.join("tariffs.toml"), tariffs + KINDS).unwrap();
    for (row, expected) in [
        ("1,pack-10,active,2026-11-01,2027-02-01,", visits),
        ("1,pack-10,active,2026-11-01,,4", end),
        ("1,day,,2026-11-01,,", "visits_left: it is missing"),
        ("\"1,month,,2026-11-01,,", "the quote that begins in row 2 is never closed"),
        ("1,month,,2026-11-01", "it has 4 cells under 6 headings"),
    ] {
        fs::write(data.join("passes.csv"), format!("{heading}{row}\n")).unwrap();
        let checked = program::run(["check".as_ref(), fresh.path().as_os_str()]);
        let told = program::text(&checked.stderr) + &program::text(&checked.stdout);
        assert!(code(&checked) != 0 && told.contains(expected), "{row}: {told}");
    }
    fs::write(data.join("passes.csv"), format!("{heading}1,monthly,,2026-11-01,,\n")).unwrap();
    let checked = program::run(["check".as_ref(), fresh.path().as_os_str()]);
    assert_eq!(code(&checked), 0, "{}", program::text(&checked.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_of_one_tariff_that_count_at_once_come_in_where_that_is_asked_for() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let text = "member,tariff,valid_from,valid_until\n3,month,2026-11-20,\n\
                4,monthly,2026-11-01,2026-11-30\n4,monthly,2026-11-30,2026-12-29\n";
    let file = write(site, "passes.csv", text);
    let held = "valid_from: a pass of `month` that the member has counts from 2026-01-01 without \
                an end, and this one from 2026-11-20 without an end; correct the days, or say \
                `--beside` if both are to count";
    let row = "valid_from: a pass of `monthly` in row 3 counts from 2026-11-01 to 2026-11-30, and \
               this one from 2026-11-30 to 2026-12-29; correct the days, or say `--beside` if both \
               are to count";
    let expected = vec![(2, held.to_owned()), (4, row.to_owned())];
    for way in ["--dry-run", "--beside=no"] {
        let told = json(&run(site, &file, &["--as", "passes", "--json", way]));
        assert_eq!(bad_rows(&told), expected, "{way}");
    }
    let shown = json(&run(site, &file, &["--as", "passes", "--json", "--preview", "9"]));
    let wrong: Vec<&Value> = (0..3).map(|at| &shown["rows"][at]["wrong"][0]).collect();
    assert_eq!(wrong, [&Value::from(held), &Value::Null, &Value::from(row)]);
    assert_eq!(code(&run(site, &file, &["--as", "members", "--beside"])), 1, "of passes alone");
    assert_eq!(code(&run(site, &file, &["--as", "passes", "--beside=maybe"])), 2);
    let both = run(site, &file, &["--as", "passes", "--json", "--beside"]);
    assert_eq!(json(&both)["new"], 3, "{}", program::text(&both.stderr));
    assert_eq!(json(&run(site, &file, &["--as", "passes", "--json", "--beside"]))["new"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phones_and_cards_that_other_programs_spoiled_are_mended_or_refused_in_words() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let phones = "Number,Name,Phone\n9001,A,9.95555E+11\n9002,A,\"9,95555E+11\"\n9003,A,555100001\n\
        9004,A,0555100001\n9005,A,995555100001\n9006,A,+995 (555) 10-00-01\n\
        9007,A,00995555100001\n9008,A,8 916 123-45-67\n9009,A,+37410123456\n\
        9010,A,555-10-00-01; 599-10-00-02\n9011,A,555100001.0\n9012,A,x\n";
    check(
        site,
        "members",
        phones,
        &[
            (2, "phone: `9.95555E+11` was rounded by a spreadsheet"),
            (3, "phone: `9,95555E+11` was rounded by a spreadsheet"),
            (9, "in Russia and Kazakhstan people write 8 in place of +7; write +79161234567"),
            (11, "is more than one phone"),
            (13, "phone: `x` is not a phone"),
        ],
    );
    let file = write(site, "mended.csv", "Number,Name,Phone\n9011,A,555100001.0\n");
    assert_eq!(code(&run(site, &file, &["--as", "members"])), 0);
    let shown = program::run(["member", "show", "--json", site.to_str().unwrap(), "9011"]);
    assert_eq!(json(&shown)["phones"], serde_json::json!(["+995555100001"]));
    let cards = "Card,Member\n5.00E+12,1\n\"4,16E+13\",1\n04:A2:B3:C4,1\n0x04A2B3C4,1\n\
        04 A2 B3 C5,1\n4A2B3C4,1\n#N/A,1\n0,1\n12345.0,1\nФ11,1\n0x04-A2-B3-C6,2\n12-345,2\n";
    check(
        site,
        "credentials",
        cards,
        &[
            (2, "a program has made an amount of it"),
            (3, "a program has made an amount of it"),
            (5, "uid: `04A2B3C4` stands in the table twice, first in row 4"),
            (8, "uid: `#N/A`: it is an error of the spreadsheet"),
            (9, "a card's number has at least 4 signs"),
            (10, "uid: `12345.0`: a program has made an amount of it"),
            (11, "it has the sign U+0424 in it"),
            (13, "must be pairs of hexadecimal digits"),
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_joined_composed_and_without_what_nobody_sees() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let records = daemon.records().await;
    for (text, number, expected) in [
        ("Номер;Имя;Фамилия;Телефон\n9001;Нино;Ёеридзе;555100001\n", 9001, "Нино Ёеридзе"),
        ("Фамилия;Имя;Отчество;Номер\nПетров;Иван;Ильич;9002\n", 9002, "Иван Ильич Петров"),
        ("ნომერი,გვარი,სახელი\n9003,ბერიძე,ანა\n", 9003, "ანა ბერიძე"),
        ("Համար,Անուն,Ազգանուն\n9004,Անի,Գրիգորյան\n", 9004, "Անի Գրիգորյան"),
        ("ID,Last name,First name\n9005,Smith,Jo\n", 9005, "Jo Smith"),
        ("ID,Name\n9006,\u{202e}Zoe\u{308}\u{200b}\u{a0}\u{feff} K\n", 9006, "Zo\u{eb} K"),
        ("ID,Surname,Name\n9007,,Plato\n", 9007, "Plato"),
    ] {
        let file = write(site, &format!("{number}.csv"), text);
        let output = run(site, &file, &["--as", "members"]);
        assert_eq!(code(&output), 0, "{text:?}: {}", program::text(&output.stderr));
        assert_eq!(records.name(number).await, expected, "{text:?}");
    }
    check(
        site,
        "members",
        "ID,Name,Group\n9100\u{200b},A,\n9101,A,st\u{ad}aff\n9102,\u{200b},\n",
        &[
            (2, "number: it has U+200B in it"),
            (3, "groups: it has U+00AD in it"),
            (4, "name: it is missing"),
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_is_read_as_people_see_it_and_bad_rows_come_back_as_one() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let day = Format::new().set_num_format("dd.mm.yyyy");
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    for (at, name) in (0..).zip(["Number", "Name", "Birth", "Balance", "Secret"]) {
        page.write_string(0, at, name).unwrap();
    }
    for row in 1..=8 {
        page.write_number(row, 0, 9000.0 + f64::from(row)).unwrap();
        page.write_string(row, 1, format!("N{row}")).unwrap();
    }
    let date = ExcelDateTime::parse_from_str("1990-05-17").unwrap();
    page.write_datetime_with_format(1, 2, &date, &day).unwrap();
    page.write_datetime_with_format(2, 1, &date, &day).unwrap();
    page.write_datetime_with_format(3, 3, &date, &day).unwrap();
    page.write_boolean(4, 1, true).unwrap();
    page.write_boolean(5, 3, false).unwrap();
    page.write_formula(6, 0, Formula::new("=1+1").set_result("9")).unwrap();
    page.write_number(7, 1, 12.0).unwrap();
    page.set_row_hidden(3).unwrap();
    page.set_row_hidden(8).unwrap();
    page.set_column_hidden(4).unwrap();
    let file = site.join("book.xlsx");
    book.save(&file).unwrap();
    let errors = site.join("bad.csv");
    let more = ["--as", "members", "--dry-run", "--json", "--errors", errors.to_str().unwrap()];
    let told = json(&run(site, &file, &more));
    let parts = [
        (3, "name: `1990-05-17`: it is a date"),
        (4, "balance: `1990-05-17`: it is a date"),
        (5, "name: `true`: it is yes or no"),
        (6, "balance: `false`: it is yes or no"),
        (7, "number: `9`: it is a formula"),
        (8, "name: `12`: it is a number"),
    ];
    let bad = bad_rows(&told);
    assert_eq!(bad.len(), parts.len(), "{bad:?}");
    for ((row, why), (expected, part)) in bad.iter().zip(parts) {
        assert!(*row == expected && why.contains(part), "{row}: {why}");
    }
    let notes = told["notes"].to_string();
    assert!(notes.contains("rows that the sheet hides") && notes.contains(": 4, 9\""), "{notes}");
    assert!(
        notes.contains("columns that the sheet hides") && notes.contains("`Secret`"),
        "{notes}"
    );
    let text = fs::read_to_string(&errors).unwrap();
    assert!(text.contains("3,9002,kari: correct 1990-05-17,"), "text: {text}");
    stays_bad(site, &parts.map(|(_, part)| part));
    // And text gives a workbook, whose zeros in front are still there.
    let plain = write(site, "cards.csv", "Card;Member\n00012345;77\n0004;1\n");
    let errors = site.join("bad.xlsx");
    let more = ["--as", "credentials", "--skip-bad", "--errors", errors.to_str().unwrap()];
    assert_eq!(code(&run(site, &plain, &more)), 0);
    assert!(fs::read(&errors).unwrap().starts_with(b"PK"));
    let again = json(&run(site, &errors, &["--as", "credentials", "--dry-run", "--json"]));
    assert_eq!(bad_rows(&again).len(), 1, "{again}");
    let shown = run(site, &errors, &["--as", "credentials", "--preview", "1", "--json"]);
    assert_eq!(json(&shown)["unused"], serde_json::json!([]), "{}", json(&shown));
}

/// What was of another kind in a workbook is no value in the text of its bad rows either, nor in a
/// workbook of that.
fn stays_bad(site: &Path, parts: &[&str]) {
    for (name, again) in [("bad.csv", "again.xlsx"), ("again.xlsx", "again.csv")] {
        let (file, again) = (site.join(name), site.join(again));
        let more = ["--as", "members", "--dry-run", "--json", "--errors", again.to_str().unwrap()];
        let found = bad_rows(&json(&run(site, &file, &more)));
        assert_eq!(found.len(), parts.len(), "{found:?}");
        for ((row, (at, why)), part) in (2..).zip(&found).zip(parts) {
            let (column, _) = part.split_once(':').unwrap();
            let is_marked = why.contains(&format!("{column}: `kari: correct "));
            assert!(*at == row && is_marked, "{name}, row {at}: {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_as_it_is_keeps_no_row_out_and_what_is_wrong_is_said_at_once() {
    let daemon = daemon().await;
    let site = daemon.site.path();
    let records = daemon.records().await;
    let file = write(site, "first.csv", "number,name,balance\n8001,A,12.50\n8002,B,-3\n8003,C,\n");
    assert_eq!(code(&run(site, &file, &["--as", "members"])), 0);
    for (text, expected) in [
        ("number,name,balance\n8001,A1,12.50\n8002,B1,\"-3,00\"\n8003,C1,0\n", 0),
        ("number,name,balance\n8001,A2,12.50\n8002,B2,-2\n", 3),
        ("number,balance\n8001,12.51\n", 3),
    ] {
        let file = write(site, "again.csv", text);
        let output = run(site, &file, &["--as", "members", "--existing", "update"]);
        assert_eq!(code(&output), expected, "{text}: {}", program::text(&output.stderr));
    }
    assert_eq!((records.name(8002).await, records.wallet(8002).await), ("B1".into(), (-300, 0)));
    let ledger = records.journal().await.len();
    let same = write(site, "same.csv", "member,balance\n8001,12.50\n8002,-3\n");
    let output = run(site, &same, &["--as", "balances", "--existing", "update", "--json"]);
    assert_eq!((code(&output), json(&output)["skipped"].as_u64()), (0, Some(2)));
    assert_eq!(records.journal().await.len(), ledger, "nothing is booked");
    records.check_ledger().await;
    // All of it, the same by each of the three, and nothing that only follows.
    let text = "Number;Name;Birth;Phone;Balance;Group\nx;;31.02.1990;1;y;nobody\n1;;x;;;\n";
    let file = write(site, "wrong.csv", text);
    let shown = run(site, &file, &["--as", "members", "--preview", "9", "--json"]);
    let rows = json(&shown)["rows"].clone();
    for way in [&["--dry-run"][..], &["--skip-bad"]] {
        let told = json(&run(site, &file, &[&["--as", "members", "--json"], way].concat()));
        for (row, problem) in
            rows.as_array().unwrap().iter().zip(told["problems"].as_array().unwrap())
        {
            assert_eq!((&row["row"], &row["wrong"]), (&problem["row"], &problem["why"]), "{way:?}");
        }

        assert_eq!(told["problems"][0]["why"].as_array().unwrap().len(), 6, "{told}");
        assert_eq!(told["problems"][1]["why"].as_array().unwrap().len(), 2, "{told}");
    }
}
