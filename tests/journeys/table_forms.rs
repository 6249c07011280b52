//! Random tables, damaged and odd, through preview, dry run and import: the three say the same of
//! every row, and what is taken is taken whole.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Output,
    time::{Duration, Instant},
};

use fastrand::Rng;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::Value;
use tests::{program, records::Records, seeds};

use crate::{
    command_line::{code, json},
    tables::{daemon, run},
};

/// How long the test runs where nobody says how many tables.
const BUDGET: Duration = Duration::from_secs(5);

/// A kind of table: our word for it, and its columns, each with the headings that it goes by and
/// what people write in it.
type Kind = (&'static str, &'static [(&'static [&'static str], &'static [&'static str])]);

/// What stands for a number that no table had before.
const FRESH: &str = "fresh";

const NAMES: &[&str] = &[
    "Нино Беридзе",
    "A\u{301}nna",
    "\u{feff}Ann\u{200b}",
    "Ann\tB",
    "two\nlines",
    "say \"hi\"",
    "a;b,c",
    "=1+1",
    "'=1",
    "#REF!",
    "x",
    "",
];
const DATES: &[&str] = &[
    "1990-05-17",
    "17.05.1990",
    "",
    "31.02.1991",
    "2999-01-01",
    "1990-05-17T00:00:00",
    "\u{200e}17.05.1990",
    "#N/A",
    "46280",
    "",
    "",
];
const STARTS: &[&str] = &["2026-09-01", "01.09.2026", "2026-10-31", "", "soon", "1926-09-01"];
const AMOUNTS: &[&str] =
    &["12.50", "12,50", "-3", "1,234", "1 234,50 ₾", "x", "1e9", "", "0", "5 USD", "12.505"];
const PHONES: &[&str] = &[
    "555100001",
    "+995 555 10-00-01",
    "555100001.0",
    "9.95555E+11",
    "8 916 123-45-67",
    "555100001; 599100002",
    "x",
    "",
];
const NUMBERS: &[&str] = &[
    FRESH,
    FRESH,
    FRESH,
    FRESH,
    FRESH,
    FRESH,
    FRESH,
    "1",
    "777777",
    "",
    "x",
    "-3",
    "4294967296",
    "12\u{200b}",
    "1.5",
];
const MEMBERS: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "77", "", "x"];

const KINDS: &[Kind] = &[
    (
        "members",
        &[
            (&["number", "№", "ID", "ნომერი"], NUMBERS),
            (&["name", "ФИО", "Full Name", "სახელი გვარი"], NAMES),
            (&["birth", "Дата рождения"], DATES),
            (&["phone", "Телефон", "Mobile"], PHONES),
            (&["balance", "Баланс"], AMOUNTS),
            (&["language"], &["ru", "ka", "", "de", "\u{200d}en"]),
            (&["Фамилия", "Surname"], &["Петров", "", "\u{202e}X"]),
            (&["whatever", "Цвет", ""], &["", "red"]),
        ],
    ),
    (
        "credentials",
        &[
            (
                &["uid", "Card", "карта"],
                &[FRESH, FRESH, FRESH, "0x04A2B3C4", "12345.0", "5E+12", "#N/A", "0", "", "Ф11"],
            ),
            (&["member", "№", "клиент"], MEMBERS),
            (&["state", "status"], &["active", "LOST", "", "gone"]),
            (&["valid_from", "from"], DATES),
            (&["party_size"], &["1", "", "3", "0", "70000", "x"]),
        ],
    ),
    (
        "passes",
        &[
            (&["member", "клиент"], MEMBERS),
            (&["tariff", "абонемент"], &["month", "monthly", "day", "pack-10", "none", ""]),
            (&["valid_from", "начало"], STARTS),
            (&["valid_until", "expires"], &["", "2027-01-31", "", "2020-01-01", "x"]),
            (&["visits_left", "visits"], &["1", "", "1", "3", "10", "11", "-1", "x"]),
        ],
    ),
    ("balances", &[(&["member", "№"], MEMBERS), (&["balance", "ნაშთი"], AMOUNTS)]),
];

/// A table by chance, as a file.
struct Made {
    what: &'static str,
    bytes: Vec<u8>,
}

struct Maker<'a> {
    random: &'a mut Rng,
    /// Numbers that no table had.
    next: u32,
}

impl Maker<'_> {
    fn one<'a, T: ?Sized>(&mut self, of: &'a [&'a T]) -> &'a T {
        of[self.random.usize(..of.len())]
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.u32(..100) < percent
    }

    /// A table of one kind, with its headings above it.
    fn table(&mut self) -> Made {
        let (what, columns) = KINDS[self.random.usize(..KINDS.len())];
        let mut chosen = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            // What is needed stands first; the plans of phones take a second to be read.
            let kept = match (at, column.1 == PHONES) {
                (0..=2, _) => 97,
                (_, true) => 8,
                (_, false) => 60,
            };
            if self.chance(kept) {
                chosen.push(column);
            }
        }
        let headings = chosen.iter().map(|(names, _)| self.one(names).to_owned());
        let mut rows: Vec<Vec<String>> = vec![headings.collect()];
        if self.chance(4) {
            // A heading that may mean the same as another one.
            rows[0] = [rows[0].clone(), vec!["Name".to_owned(), "ID".to_owned()]].concat();
        }
        for _ in 0..self.random.usize(..12) {
            let mut row: Vec<String> = Vec::new();
            for (_, cells) in &chosen {
                // What is good stands first, and more often.
                let good = &cells[..cells.len().min(3)];
                let cell = if self.chance(65) { self.one(good) } else { self.one(cells) };
                row.push(match cell {
                    FRESH => self.fresh(what),
                    cell => cell.to_owned(),
                });
            }
            if self.chance(4) {
                row.push("over".to_owned());
            }
            if self.chance(6) {
                row.pop();
            }
            rows.push(row);
        }
        let bytes = match self.chance(30) {
            true => self.workbook(&rows),
            false => self.text(&rows),
        };
        Made { what, bytes }
    }

    fn fresh(&mut self, what: &str) -> String {
        // Now and then the one of the row before.
        self.next += u32::from(!self.chance(8));
        match what {
            "credentials" => format!("04:{:02X}:{:04X}", self.next % 256, self.next),
            _ => self.next.to_string(),
        }
    }

    fn text(&mut self, rows: &[Vec<String>]) -> Vec<u8> {
        let separator = *self.one(&[&",", &";", &"\t"]);
        let end = *self.one(&[&"\n", &"\r\n", &"\r"]);
        let mut text = String::new();
        for row in rows {
            if self.chance(10) {
                text.push_str(end);
            }
            for (at, cell) in row.iter().enumerate() {
                text.push_str(if at > 0 { separator } else { "" });
                let quoted = self.chance(10) || cell.contains([',', ';', '\t', '"', '\n']);
                match quoted {
                    true => write!(text, "\"{}\"", cell.replace('"', "\"\"")).unwrap(),
                    false => text.push_str(cell),
                }
            }
            text.push_str(end);
        }
        // Damage: a sign that is lost, doubled or put in.
        if self.chance(12) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = places[self.random.usize(..places.len())];
            match self.random.u32(..3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, '"'),
                _ => text.truncate(at),
            }
        }
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| {
            ["\u{feff}", text].concat().encode_utf16().flat_map(bytes).collect()
        };
        match self.random.u32(..10) {
            0 => wide(&text, u16::to_le_bytes),
            1 => wide(&text, u16::to_be_bytes),
            2 => ["\u{feff}", &text].concat().into_bytes(),
            3 if self.chance(30) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            3 if self.chance(30) => text.bytes().map(|byte| byte | 0x80).collect(),
            _ => text.into_bytes(),
        }
    }

    fn workbook(&mut self, rows: &[Vec<String>]) -> Vec<u8> {
        let mut book = Workbook::new();
        let page = book.add_worksheet();
        for (line, row) in (0..).zip(rows) {
            for (at, cell) in (0..).zip(row) {
                self.cell(page, (line, at), cell);
            }
            if line > 0 && self.chance(10) {
                page.set_row_hidden(line).unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    }

    fn cell(&mut self, page: &mut Worksheet, (line, at): (u32, u16), cell: &str) {
        let day = Format::new().set_num_format("dd.mm.yyyy");
        let number = cell.parse::<i32>().ok().filter(|_| line > 0);
        let odd = if line > 0 { self.random.u32(..30) } else { 30 };
        let written = match (odd, number) {
            (0, _) => page.write_boolean(line, at, true),
            (1, _) => page.write_formula(line, at, Formula::new("=1+1").set_result("2")),
            (2, _) => {
                let date = ExcelDateTime::parse_from_str("2026-09-15").unwrap();
                page.write_datetime_with_format(line, at, &date, &day)
            }
            (3, _) => page.write_number(line, at, 12345.5),
            (_, Some(number)) if self.chance(60) => page.write_number(line, at, number),
            (_, _) if cell.is_empty() => Ok(page),
            (_, _) => page.write_string(line, at, cell),
        };
        written.map(drop).unwrap();
    }
}

/// What one way of taking a table says of it.
fn told(output: &Output) -> Result<Value, String> {
    match output.stdout.is_empty() {
        true => Err(program::text(&output.stderr)),
        false => Ok(json(output)),
    }
}

/// The bad rows, each with all that is wrong with it.
fn wrong(told: &Value, rows: &str, why: &str) -> Vec<(u64, Value)> {
    let rows = told[rows].as_array().unwrap().iter().filter(|row| !row[why].is_null());
    rows.map(|row| (row["row"].as_u64().unwrap(), row[why].clone())).collect()
}

fn count(told: &Value, what: &str) -> u64 {
    told[what].as_u64().unwrap()
}

/// Takes a table each way, and holds the answers against each other; whether rows of it came in.
async fn check(site: &Path, made: &Made, records: &Records) -> u64 {
    let file = site.join("random-table");
    fs::write(&file, &made.bytes).unwrap();
    let go = |more: &[&str]| run(site, &file, &[&["--as", made.what, "--json"], more].concat());
    let before = records.members().await;
    let shown = told(&go(&["--preview", "1000"]));
    let dry_run = go(&["--dry-run"]);
    let dry = told(&dry_run);
    assert_eq!(records.members().await, before, "a dry run changes nothing");
    let import = go(&["--skip-bad"]);
    let taken = told(&import);
    let (dry, taken) = match (dry, taken) {
        (Ok(dry), Ok(taken)) => (dry, taken),
        (Err(dry), Err(taken)) => {
            // A mistake of the file: all say the same, and nothing is taken.
            assert_eq!((code(&dry_run), code(&import), &dry), (3, 3, &taken));
            let missing = dry.contains("no column of the file was found");
            match shown {
                Err(shown) => assert!(shown == dry && !missing, "{shown} {dry}"),
                Ok(shown) => assert!(missing && shown["missing"] != Value::Array(Vec::new())),
            }
            assert_eq!(records.members().await, before);
            return 0;
        }
        (dry, taken) => panic!("{dry:?}\n{taken:?}"),
    };
    if !dry["before"].is_null() {
        // Chance made a table that was here before.
        return 0;
    }
    let shown = shown.unwrap();
    let bad = wrong(&dry, "problems", "why");
    assert_eq!(bad, wrong(&taken, "problems", "why"), "dry run and import");
    assert_eq!(bad, wrong(&shown, "rows", "wrong"), "dry run and preview");
    for what in ["new", "changed", "skipped", "bad", "unused", "notes", "worked_out"] {
        assert_eq!(dry[what], taken[what], "{what}");
    }
    for what in ["unused", "notes"] {
        assert_eq!(dry[what], shown[what], "{what}");
    }
    let worked_out = |row: &&Value| row["worked_out"].as_object().is_some_and(|it| !it.is_empty());
    let rows = shown["rows"].as_array().unwrap();
    let found: Vec<_> = rows.iter().filter(worked_out).map(|row| &row["row"]).collect();
    let known: Vec<_> =
        dry["worked_out"].as_array().unwrap().iter().map(|row| &row["row"]).collect();
    assert_eq!(found, known, "what is worked out is shown");
    let (new, all) = (count(&taken, "new"), u64::try_from(rows.len()).unwrap());
    let good = new + count(&taken, "changed") + count(&taken, "skipped");
    assert_eq!(
        (good + count(&taken, "bad"), bad.len()),
        (all, usize::try_from(all - good).unwrap())
    );
    assert_eq!(taken["imported"], Value::Bool(new > 0), "{taken}");
    if made.what == "members" {
        let came = records.members().await - before;
        assert_eq!(came, i64::try_from(new).unwrap(), "each good row, and no bad one");
    }
    if made.what != "balances" {
        let again = told(&go(&["--dry-run", "--existing", "skip"])).unwrap();
        assert_eq!((count(&again, "new"), count(&again, "changed")), (0, 0), "all of it is in");
        assert!(count(&again, "skipped") >= new, "{again}");
    }
    new
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preview_dry_run_and_import_say_the_same_of_every_row_of_random_tables() {
    let tables = std::env::var("KARI_TABLES").ok().map(|count| count.parse::<u32>().unwrap());
    let seed = seeds::fresh("KARI_TABLES_SEED");
    let daemon = daemon().await;
    let records = daemon.records().await;
    let (began, mut tried, mut came) = (Instant::now(), 0, 0);
    let mut random = Rng::with_seed(seed);
    let mut maker = Maker { random: &mut random, next: 10_000 };
    while tables.map_or(began.elapsed() < BUDGET, |count| tried < count) {
        let made = maker.table();
        println!("table {tried} of {}, {} bytes", made.what, made.bytes.len());
        came += check(daemon.site.path(), &made, &records).await;
        tried += 1;
    }
    println!("{tried} tables; {came} rows came in");
    assert!(came > 0 || tried < 100, "no row of {tried} tables was good");
    records.check_ledger().await;
    let verified = program::run(["verify".as_ref(), daemon.site.path().as_os_str()]);
    assert_eq!(code(&verified), 0, "{}", program::text(&verified.stderr));
}
