use super::*;
use crate::import::kinds::Kind;

fn site(currency: &str) -> Site {
    let zone = TimeZone::get("Asia/Tbilisi").unwrap();
    Site::new(String::new(), zone, Currency::of(currency).unwrap())
}

fn read(mapping: &Mapping, currency: &str, sort: Sort, cell: Cell) -> Result<String, String> {
    let column = Column { name: "state", sort, needed: false, headings: &[] };
    Translator::new(mapping, (&site(currency), None), 2026).cell(&column, &cell)
}

/// Cells as people write them, and what they are in our own format; nothing where they are
/// refused.
fn check(mapping: &str, currency: &str, sort: Sort, cells: &[(&str, Option<&str>)]) {
    let mapping: Mapping = toml::from_str(mapping).unwrap();
    for (cell, expected) in cells {
        let got = read(&mapping, currency, sort, Cell::Text((*cell).to_owned()));
        assert_eq!(got.as_ref().ok().map(String::as_str), *expected, "{cell}: {got:?}");
    }
}

#[test]
fn amounts_are_read_as_people_write_them_or_refused_where_there_is_a_doubt() {
    let amounts = Sort::Amount;
    check(
        "",
        "GEL",
        amounts,
        &[
            ("12.50", Some("12.50")),
            ("12,5", Some("12.5")),
            ("-3,20 ₾", Some("-3.20")),
            ("−3,20", Some("-3.20")),
            ("+7", Some("7")),
            ("GEL 12.50", Some("12.50")),
            ("1 234,50", Some("1234.50")),
            ("1\u{a0}234,50 ლარი", Some("1234.50")),
            ("1.234,50", Some("1234.50")),
            ("1,234.50", Some("1234.50")),
            ("1'234.50", Some("1234.50")),
            ("1,234", None),
            ("1.234.567", Some("1234567")),
            ("", Some("")),
            ("12.50 $", None),
            ("12.50 USD", None),
            ("free", None),
            ("=1+1", None),
        ],
    );
    check("decimal = ','", "GEL", amounts, &[("1.234", Some("1234")), ("1,5", Some("1.5"))]);
    check("decimal = '.'", "GEL", amounts, &[("1,234", Some("1234")), ("1,23", None)]);
    check(
        "decimal = ','",
        "GEL",
        amounts,
        &[("12.5", None), ("12.50", None), ("1.2", None), ("1.234.567,5", Some("1234567.5"))],
    );
    check("", "AMD", amounts, &[("5 000 ֏", Some("5000")), ("5000 դր.", Some("5000"))]);
}

#[test]
fn digits_that_are_grouped_otherwise_than_in_threes_are_no_amount_and_the_words_say_why() {
    let groups = "part thousands in threes";
    let minus = "write a minus in front";
    let sides = "write digits on both sides of the point";
    for (cell, expected) in [
        ("12..5", groups),
        ("1,2,3", groups),
        ("1.2.3,5", groups),
        ("1 2 3,4 5", groups),
        ("12  500", groups),
        ("1,234.5.6", "may be read in two ways"),
        ("1.234 567,00", groups),
        ("1234.567,00", groups),
        ("1,23,456.00", groups),
        ("1234 567", groups),
        ("1'23", groups),
        ("(12.50)", minus),
        ("12.50-", minus),
        ("12.50-13", minus),
        ("--5", minus),
        ("5.", sides),
        ("5,", sides),
        (".5", sides),
        ("-.5", sides),
        ("500.-", sides),
        ("12:50", "is not an amount"),
    ] {
        let text = Cell::Text(cell.to_owned());
        let why = read(&Mapping::default(), "GEL", Sort::Amount, text).unwrap_err();
        assert!(why.contains(expected) && why.contains(cell), "{cell}: {why}");
    }
    check(
        "",
        "GEL",
        Sort::Amount,
        &[
            ("1\u{202f}234\u{202f}567", Some("1234567")),
            ("1'234'567,5", Some("1234567.5")),
            ("1 234,567", Some("1234.567")),
            ("12.3456", Some("12.3456")),
            ("- 3", Some("-3")),
            ("5 руб.", None),
        ],
    );
    check("", "RUB", Sort::Amount, &[("5 руб.", Some("5")), ("руб. 1 500", Some("1500"))]);
}

#[test]
fn dates_are_read_as_the_mapping_says_they_are_written() {
    check(
        "",
        "GEL",
        Sort::Date,
        &[
            ("2026-09-15", Some("2026-09-15")),
            ("15.09.2026", Some("2026-09-15")),
            ("5.9.2026", Some("2026-09-05")),
            ("15.09.2026 00:00:00", Some("2026-09-15")),
            ("15.09.2026 0:00:00", Some("2026-09-15")),
            ("15.09.2026 0:00", Some("2026-09-15")),
            ("2026-09-15T00:00:00Z", Some("2026-09-15")),
            ("2026-09-15T00:00:00.000", Some("2026-09-15")),
            ("2026-09-15 00:00:00.000Z", Some("2026-09-15")),
            ("2026-09-15T00:00", Some("2026-09-15")),
            ("15 09.2026", None),
            ("15x09.2026", None),
            ("15.09/2026", None),
            ("15..09.2026", None),
            ("15x09x2026.", None),
            ("31.02.2026", None),
            ("15.09.26", None),
            ("09/15/2026", None),
            ("46280", None),
            ("2026-09-15T18:30:00", None),
        ],
    );
    check(
        "dates = 'mm/dd/yyyy'",
        "GEL",
        Sort::Date,
        &[
            ("09/15/2026", Some("2026-09-15")),
            ("2026-09-15", Some("2026-09-15")),
            ("09-15-2026", Some("2026-09-15")),
            ("09 15 2026 0:00:00", Some("2026-09-15")),
            ("15/09/2026", None),
            ("09x15x2026", None),
        ],
    );
    check(
        "dates = 'dd.mm.yy'",
        "GEL",
        Sort::Date,
        &[("15.09.26", Some("2026-09-15")), ("15.09.87", Some("1987-09-15"))],
    );
    check("dates = 'dd. mm. yyyy'", "GEL", Sort::Date, &[("5. 9. 2026", Some("2026-09-05"))]);
    check(
        "dates = 'yyyymmdd'",
        "GEL",
        Sort::Date,
        &[("20260915", Some("2026-09-15")), ("2026915", None)],
    );
    check(
        "",
        "GEL",
        Sort::Since,
        &[
            ("2026-09-15T18:30:00Z", Some("2026-09-15T18:30:00Z")),
            ("15.09.2026", Some("2026-09-14T20:00:00Z")),
            ("15.09.2026 18:30", Some("2026-09-15T14:30:00Z")),
            ("15.09.2026 8:30:00", Some("2026-09-15T04:30:00Z")),
            ("15.09.2026 0:00:00", Some("2026-09-14T20:00:00Z")),
            ("15.09.2026 25:00", None),
        ],
    );
    check("", "GEL", Sort::Until, &[("15.09.2026", Some("2026-09-15T20:00:00Z"))]);
}

#[test]
fn a_day_with_a_time_is_named_as_one_where_a_day_belongs() {
    for cell in ["15.09.2026 18:30", "2026-09-15T18:30:00", "2026-09-15 18:30:00Z"] {
        for cell_of in [Cell::Text, Cell::Date] {
            let told = read(&Mapping::default(), "GEL", Sort::Date, cell_of(cell.to_owned()));
            let why = told.unwrap_err();
            assert!(why.contains(cell) && why.contains("has a time with it"), "{why}");
        }
    }
}

#[test]
fn a_whole_number_loses_the_part_that_a_program_gave_it() {
    check(
        "",
        "GEL",
        Sort::Whole,
        &[
            ("1001", Some("1001")),
            ("1001.0", Some("1001")),
            ("1001,0", Some("1001")),
            ("1.000", Some("1.000")),
            ("1001.5", Some("1001.5")),
            ("x.0", Some("x.0")),
            (".0", Some(".0")),
        ],
    );
}

#[test]
fn phones_get_the_country_of_the_site() {
    check(
        "",
        "GEL",
        Sort::Phone,
        &[
            ("+995 555 12-34-56", Some("+995555123456")),
            ("00995555123456", Some("+995555123456")),
            ("995555123456", Some("+995555123456")),
            ("555 12 34 56", Some("+995555123456")),
            ("0555123456", Some("+995555123456")),
            ("555123456, 555123457 Ann", None),
            ("+995555123456 +995555123457", None),
        ],
    );
    check("", "AMD", Sort::Phone, &[("(091) 12-34-56", Some("+37491123456"))]);
    check("country = '+7'", "GEL", Sort::Phone, &[("8 916 123 45 67", Some("+79161234567"))]);
    check(
        "",
        "EUR",
        Sort::Phone,
        &[("030 12345678", None), ("+493012345678", Some("+493012345678"))],
    );
}

#[test]
fn a_cell_of_another_kind_is_never_a_card_a_name_or_an_amount() {
    let date = Cell::Date("2026-09-15".to_owned());
    let moment = Cell::Date("2026-09-15T18:30:00".to_owned());
    let number = |text: &str| Cell::Number(text.to_owned());
    let wrong = Cell::Wrong("2".to_owned(), "it is a formula");
    let words = Sort::Word(&["active", "true"]);
    for (sort, cell, expected) in [
        (Sort::Date, date.clone(), Some("2026-09-15")),
        (Sort::Since, moment.clone(), Some("2026-09-15T14:30:00Z")),
        (Sort::Date, moment, None),
        (Sort::Name, date.clone(), None),
        (Sort::Text, date.clone(), None),
        (Sort::Uid, date.clone(), None),
        (Sort::Amount, date.clone(), None),
        (Sort::Whole, date.clone(), None),
        (Sort::Phone, date.clone(), None),
        (Sort::List, date.clone(), None),
        (Sort::YesNo, date, None),
        (Sort::YesNo, Cell::Switch(true), Some("true")),
        (Sort::Name, Cell::Switch(true), None),
        (Sort::Uid, Cell::Switch(false), None),
        (Sort::Amount, Cell::Switch(true), None),
        (Sort::Whole, Cell::Switch(true), None),
        (words, Cell::Switch(true), None),
        (Sort::Name, number("12"), None),
        (Sort::Uid, number("12345678"), Some("12345678")),
        (Sort::Uid, number("12345.5"), None),
        (Sort::Uid, number("-12345"), None),
        (Sort::Phone, number("555100001"), Some("+995555100001")),
        (Sort::Amount, number("12.5"), Some("12.5")),
        (Sort::Whole, number("1001"), Some("1001")),
        (Sort::Name, wrong.clone(), None),
        (Sort::Uid, wrong.clone(), None),
        (Sort::Date, wrong, None),
    ] {
        let got = read(&Mapping::default(), "GEL", sort, cell.clone());
        assert_eq!(got.as_ref().ok().map(String::as_str), expected, "{sort:?} {cell:?}: {got:?}");
    }
}

#[test]
fn what_nobody_sees_is_taken_out_of_names_and_refused_elsewhere() {
    let name = &[("\u{200e}Ni\u{200b}no\u{a0} B", Some("Nino B")), ("И\u{306}", Some("Й"))];
    check("", "GEL", Sort::Name, name);
    check("", "GEL", Sort::Phone, &[("\u{202a}555 12 34 56\u{202c}", Some("+995555123456"))]);
    let hidden = "a\u{200b}b";
    for sort in [Sort::Text, Sort::Whole, Sort::Amount, Sort::Date, Sort::Uid, Sort::List] {
        let why = read(&Mapping::default(), "GEL", sort, Cell::Text(hidden.to_owned()));
        let why = why.unwrap_err();
        assert!(why.contains("U+200B"), "{sort:?}: {why}");
    }
}

#[test]
fn words_are_ours_or_those_of_the_mapping() {
    check(
        "",
        "GEL",
        Sort::YesNo,
        &[("Да", Some("true")), ("კი", Some("true")), ("ոչ", Some("false")), ("maybe", None)],
    );
    check(
        "yes = ['v']\nno = ['x']",
        "GEL",
        Sort::YesNo,
        &[("V", Some("true")), ("x", Some("false")), ("yes", Some("true"))],
    );
    let states = Sort::Word(&["active", "lost"]);
    check(
        "[words.state]\n'действует' = 'active'",
        "GEL",
        states,
        &[("Действует", Some("active")), ("LOST", Some("lost")), ("утерян", None)],
    );
    check("", "GEL", Sort::List, &[("staff, kids ;coach", Some("staff;kids;coach"))]);
    check("", "GEL", Sort::Uid, &[("04:a1-b2 c3", Some("04A1B2C3"))]);
    let wrong = Cell::Wrong("#REF!".to_owned(), "it is an error");
    let told = read(&Mapping::default(), "GEL", Sort::Text, wrong).unwrap_err();
    assert_eq!(told, "`#REF!`: it is an error");
    let native = Cell::Number("12.5".to_owned());
    let comma: Mapping = toml::from_str("decimal = ','").unwrap();
    assert_eq!(read(&comma, "GEL", Sort::Amount, native).unwrap(), "12.5");
}

#[test]
fn every_heading_is_written_as_headings_are_compared_and_stands_once_in_its_table() {
    let kinds = [
        Kind::Members,
        Kind::Credentials,
        Kind::Passes,
        Kind::Balances,
        Kind::Families,
        Kind::Guardians,
        Kind::Operators,
        Kind::Exemptions,
        Kind::Lockers,
    ];
    for kind in kinds {
        let mut seen = std::collections::BTreeSet::new();
        for column in kind.columns() {
            for heading in column.headings {
                assert_eq!(*heading, folded(heading), "{kind:?}");
                assert!(seen.insert(*heading), "{kind:?}: `{heading}` may mean two columns");
            }
        }
    }
}
