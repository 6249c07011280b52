use domain::{
    ids::{AccountId, CredentialId, GroupId, MemberId, PassId, TariffId},
    money::{Currency, CurrencyCode},
    rows::{Account, AccountKind, Language, Lasts, Offer, PassKey, PassState, Person, TariffKind},
};
use uuid::Uuid;

use super::{credentials::blank, members::nobody, *};
use crate::import::{cells::Places, passes::sold};

mod passes;

fn site() -> Site {
    let zones = [("hall".into(), None)].into();
    let gel = Currency::of("GEL").unwrap();
    Site { zones, ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel) }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Member 1 with a wallet of 25.00, the card `AAAA` and a month from 1 September 2026; member 2
/// has nothing; the group `staff`.
fn known() -> Known {
    let (one, two) = (MemberId(id(1)), MemberId(id(2)));
    let (rich, poor) = (AccountId(id(11)), AccountId(id(12)));
    let month = sold(TariffId::from("month"), 1, day(2026, 9, 1));
    let mut known = Known::default();
    known.numbers.extend([(1, one), (2, two)]);
    known.tariffs.insert(TariffId::from("month"), (3, Offer::default()));
    let lasts = Lasts::parse("P1M");
    let offer = |kind| Offer { kind, ..Offer::default() };
    for (name, offer) in [
        ("monthly", Offer { lasts, ..offer(TariffKind::Period) }),
        ("pack", Offer { visits: Some(10), ..offer(TariffKind::Visits) }),
        (
            "waiting",
            Offer { visits: Some(10), lasts, from_first_use: true, ..offer(TariffKind::Visits) },
        ),
        ("course", Offer { lasts, visits: Some(8), ..offer(TariffKind::Course) }),
        ("term", Offer { lasts, ..offer(TariffKind::Course) }),
        ("day", Offer { lasts: Lasts::parse("P1D"), ..offer(TariffKind::SingleEntry) }),
        ("once", offer(TariffKind::Timed)),
        ("minute", offer(TariffKind::PerMinute)),
    ] {
        known.tariffs.insert(TariffId::from(name), (1, offer));
    }
    known.groups = Some([GroupId::from("staff")].into());
    known.families.insert("the Beridzes".to_owned(), domain::ids::FamilyId(id(21)));
    known.members.extend([(one, nobody(1, rich)), (two, nobody(2, poor))]);
    known.wallets.insert(rich, wallet(2500));
    known.wallets.insert(poor, wallet(0));
    known.credentials.insert(Uid::from("AAAA"), blank(CredentialId(id(31)), Some(one)));
    let key = PassKey { member: one, pass: PassId(id(41)) };
    known.passes.insert(one, vec![(key, month)]);
    let person = Person {
        name: "ნინო".to_owned(),
        name_latin: "Nino".to_owned(),
        phones: vec!["+995555000001".to_owned()],
        ..Person::default()
    };
    known.persons.insert(one, person);
    known
}

fn wallet(minor: i64) -> Account {
    let empty = Account::new(AccountKind::Wallet, "", CurrencyCode::NONE);
    Account { balance: Money(minor), ..empty }
}

/// What becomes of each row of a table.
fn all(kind: Kind, existing: Existing, table: &str) -> Vec<Result<Made, Wrong>> {
    all_of(kind, (existing, Beside::Refused("say `--beside`")), table)
}

fn all_of(
    kind: Kind,
    (existing, beside): (Existing, Beside),
    table: &str,
) -> Vec<Result<Made, Wrong>> {
    let (site, pins) = (site(), PinKey::default());
    let now: jiff::Timestamp = "2026-09-15T12:00:00Z".parse().unwrap();
    let mut reading = Reading {
        site: &site,
        pins: &pins,
        ids: IdMaker::new(1),
        now: now.into(),
        known: known(),
        existing,
        beside,
        import: "one".to_owned(),
    };
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names = reader.headers().unwrap().clone();
    let places: Places = names.iter().map(str::to_owned).zip(0..).collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let row = |(line, record)| reading.row(kind, line, Cells::new(&places, record, &[]));
    (2..).zip(&rows).map(row).collect()
}

/// Rows of one kind under one heading, each with a part of what is wrong with it; nothing where
/// it is good.
fn check(kind: Kind, heading: &str, rows: &[(&str, &[&str])]) {
    for (row, expected) in rows {
        let got = all(kind, Existing::Refuse, &format!("{heading}\n{row}\n"));
        match (got.into_iter().next().unwrap(), expected) {
            (Ok(Made::New(_)), []) => {}
            (Err(why), expected) => {
                assert_eq!(why.len(), expected.len(), "{row}: {why:?}");
                for part in *expected {
                    let found = why.iter().any(|why| why.contains(part));
                    assert!(found, "`{part}` is not in {why:?} of {row}");
                }
            }
            (made, _) => panic!("{row}: {made:?}"),
        }
    }
}

#[test]
fn each_row_of_members_is_good_or_told_what_is_wrong_with_it() {
    check(
        Kind::Members,
        "number,name,birth,language,phone,groups,blocked,balance,family",
        &[
            ("3,Ann,1990-05-17,en,+995555123456,staff,false,12.50,the Beridzes", &[]),
            ("3,Ann,,,,,,,", &[]),
            (",Ann,,,,,,,", &["number: it is missing"]),
            ("-3,Ann,,,,,,,", &["number: `-3` is not a whole number"]),
            ("0,Ann,,,,,,,", &["number: `0` is no member's number; they begin with 1"]),
            ("4294967296,Ann,,,,,,,", &["number: `4294967296`"]),
            ("1,Ann,,,,,,,", &["number: that member is there already"]),
            ("3,,,,,,,,", &["name: it is missing"]),
            ("3,A\u{7}nn,,,,,,,", &[]),
            ("3,\u{200b}\u{7},,,,,,,", &["name: it is missing"]),
            ("3\u{200b},Ann,,,,,,,", &["number: it has U+200B in it"]),
            ("3,Ann,,,,st\u{202e}aff,,,", &["groups: it has U+202E in it"]),
            ("3,Ann,2026-09-16,,,,,,", &["birth: `2026-09-16` is not a day from"]),
            ("3,Ann,1890-01-01,,,,,,", &["birth: `1890-01-01` is not a day from"]),
            ("3,Ann,17.05.1990,,,,,,", &["birth: `17.05.1990` is not a date"]),
            ("3,Ann,,de,,,,,", &["language: `de` is none of ka, hy, ru, en"]),
            ("3,Ann,,,555123456,,,,", &["phone: `555123456` is not a phone"]),
            ("3,Ann,,,+0955512345,,,,", &["phone: `+0955512345`"]),
            ("3,Ann,,,,stuff,,,", &["groups: no group is called `stuff`; did you mean `staff`?"]),
            ("3,Ann,,,,,maybe,,", &["blocked: `maybe` is neither"]),
            ("3,Ann,,,,,,-7.00,", &[]),
            ("3,Ann,,,,,,1.005,", &["balance: `1.005` is not an amount"]),
            ("3,Ann,,,,,,99999999999999999999,", &["balance: `99999999999999999999`"]),
            ("3,Ann,,,,,,100000000.01,", &["balance: `100000000.01` is more than"]),
            ("3,Ann,,,,,,,the Nobodies", &["family: no family is called `the Nobodies`"]),
            ("x,,,,,,,y,", &["number: `x`", "name: it is missing", "balance: `y`"]),
        ],
    );
}

#[test]
fn a_debt_of_a_newcomer_is_one_and_has_begun() {
    check(
        Kind::Members,
        "number,name,balance,debt_since",
        &[
            ("3,Ann,-5.00,2026-09-01T00:00:00Z", &[]),
            ("3,Ann,-5.00,2027-09-01T00:00:00Z", &["debt_since: `2027-09-01T00:00:00Z` is yet"]),
            ("3,Ann,5.00,2026-09-01T00:00:00Z", &["debt_since: nothing is owed"]),
            ("3,Ann,,2026-09-01T00:00:00Z", &["debt_since: nothing is owed"]),
        ],
    );
}

#[test]
fn each_row_of_credentials_is_good_or_told_what_is_wrong_with_it() {
    check(
        Kind::Credentials,
        "uid,member,state,valid_from,valid_until,party_size,host,pin",
        &[
            ("04b1,2,lost,2026-09-01T00:00:00Z,2026-10-01T00:00:00Z,3,1,1234", &[]),
            ("04b1,2,,,,,,", &[]),
            ("AAAA,1,,,,,,", &["uid: that credential is there already"]),
            (",2,,,,,,", &["uid: it is missing"]),
            ("=1+1,2,,,,,,", &["uid: `=1+1`: it has `=` in it"]),
            ("0x04b1,2,,,,,,", &[]),
            ("04:b1,2,,,,,,", &[]),
            ("12345.0,2,,,,,,", &["uid: `12345.0`: a program has made an amount of it"]),
            ("0xB1,2,,,,,,", &["uid: `0xB1`: a card's number has at least 4 signs"]),
            ("04B1,7,,,,,,", &["member: no member has the number 7"]),
            ("04B1,2,gone,,,,,", &["state: `gone` is none of active"]),
            ("04B1,2,,2026-09-02T00:00:00Z,2026-09-01T00:00:00Z,,,", &["ends before it begins"]),
            ("04B1,2,,,,0,,", &["party_size: it is at least 1"]),
            ("04B1,2,,,,70000,,", &["party_size: `70000` is not a whole number"]),
            ("04B1,2,,,,,7,", &["host: no member has the number 7"]),
            ("04B1,2,,,,,,12", &["pin: a PIN has 4 to 12 digits"]),
        ],
    );
}

#[test]
fn everything_that_is_wrong_with_a_row_is_said_at_once_and_nothing_that_follows_from_it() {
    check(
        Kind::Passes,
        "member,tariff,state,valid_from,valid_until,visits_left,paid",
        &[
            (
                "x,none,dead,y,z,w,-1",
                &["member: ", "tariff: ", "state: ", "valid_from: ", "until: ", "left: ", "paid"],
            ),
            ("1,month,dead,2026-09-01,,,", &["is there already", "state: `dead`"]),
            (",,,,,,", &["member: it is", "tariff: it is", "valid_from: it is"]),
        ],
    );
    check(
        Kind::Credentials,
        "uid,member,state,party_size,pin,duress_pin",
        &[
            ("x,y,dead,0,1,1", &["uid: ", "member: ", "state: ", "size: ", "pin: ", "duress"]),
            ("AAAA,2,dead,,,", &["that credential is there already", "state: `dead`"]),
        ],
    );
    check(
        Kind::Balances,
        "member,balance,debt_since",
        &[("7,x,y", &["member: ", "balance: ", "debt_since: "])],
    );
    check(
        Kind::Exemptions,
        "member,group,codes,valid_from,valid_until,reason",
        &[(
            "9,,X,y,z,",
            &["member: ", "codes: ", "valid_from: ", "valid_until: ", "reason: it is missing"],
        )],
    );
    check(
        Kind::Operators,
        "login,band,pin,member",
        &[(",x,y,9", &["login: it is missing", "band: ", "pin: ", "member: "])],
    );
    check(Kind::Lockers, "id,bank,zone", &[(",,hell", &["id: it", "bank: it", "zone: no zone"])]);
    check(Kind::Families, "name,balance", &[(",x", &["name: it is missing", "balance: `x`"])]);
    check(Kind::Guardians, "child,guardian", &[("x,9", &["child: `x`", "guardian: no member"])]);
    check(
        Kind::Members,
        "number,name,birth,phone,balance",
        &[("1,,x,y,z", &["number: that member", "birth: ", "phone: ", "balance: "])],
    );
}

#[test]
fn money_and_a_family_that_stay_as_they_are_keep_no_row_of_members_out() {
    let heading = "number,name,balance,debt_since,family";
    for (row, expected) in [
        ("1,Nino,25.00,,", None),
        ("1,Nino,25,,", None),
        ("2,Two,0,,", None),
        ("1,Nino,25.01,,", Some("balance: no import of members changes the wallet")),
        ("2,Two,-1,,", Some("balance: no import of members changes the wallet")),
        ("1,Nino,25.00,2026-09-01T00:00:00Z,", Some("debt_since: no import of members")),
        ("1,Nino,25.00,,the Beridzes", Some("family: no import of members changes the family")),
    ] {
        let got = all(Kind::Members, Existing::Update, &format!("{heading}\n{row}\n"));
        match (&got[0], expected) {
            (Ok(Made::Changed(_)), None) => {}
            (Err(why), Some(part)) => {
                assert!(why.len() == 1 && why[0].contains(part), "{why:?}")
            }
            (other, _) => panic!("{row}: {other:?}"),
        }
    }
    let same = all(Kind::Balances, Existing::Update, "member,balance\n1,25.00\n");
    assert!(matches!(&same[..], [Ok(Made::Skipped)]), "{same:?}");
    let dated = "member,balance,debt_since\n1,-25.00,2026-09-01T00:00:00Z\n";
    let dated = all(Kind::Balances, Existing::Update, dated);
    assert!(matches!(&dated[..], [Ok(Made::Changed(_))]), "{dated:?}");
}

#[test]
fn each_row_of_the_other_tables_is_good_or_told_what_is_wrong_with_it() {
    check(
        Kind::Balances,
        "member,balance,debt_since",
        &[
            ("2,-12.50,2026-09-01T00:00:00Z", &[]),
            ("1,12.50,", &["balance: a balance of 25.00 is there already"]),
            ("2,,", &["balance: it is missing"]),
            ("7,1.00,", &["member: no member has the number 7"]),
            ("2,1.00,yesterday", &["debt_since: `yesterday` is not an instant"]),
            ("2,-1.00,2026-09-15T12:00:00Z", &[]),
            ("2,-1.00,2026-09-15T12:00:01Z", &["debt_since: `2026-09-15T12:00:01Z` is yet to"]),
            ("2,1.00,2026-09-01T00:00:00Z", &["debt_since: nothing is owed; leave it empty"]),
            ("2,0.00,2026-09-01T00:00:00Z", &["debt_since: nothing is owed; leave it empty"]),
            ("2,x,2026-09-01T00:00:00Z", &["balance: `x`"]),
        ],
    );
    check(
        Kind::Families,
        "name,balance",
        &[("the Lomidzes,-5.00", &[]), ("the Beridzes,", &["name: that family is there already"])],
    );
    check(
        Kind::Guardians,
        "child,guardian",
        &[
            ("1,2", &[]),
            ("1,1", &["nobody picks themselves up"]),
            ("1,", &["guardian: it is missing"]),
        ],
    );
    check(
        Kind::Lockers,
        "id,bank,zone",
        &[
            ("A1,bank,hall", &[]),
            ("A1,bank,hell", &["zone: no zone is called `hell`; did you mean `hall`?"]),
        ],
    );
    let codes = "member,group,codes,valid_from,valid_until,reason";
    check(
        Kind::Exemptions,
        codes,
        &[
            ("1,,SUPERVISION_REQUIRED,2026-09-01,2026-09-30,coach", &[]),
            (",,SUPERVISION_REQUIRED,2026-09-01,2026-09-30,coach", &["either a `member`"]),
            ("1,,NOT_A_CODE,2026-09-01,2026-09-30,coach", &["codes: no reason has the code"]),
            ("1,,SUPERVISION_REQUIRED,2026-09-30,2026-09-01,coach", &["ends before it begins"]),
        ],
    );
    check(
        Kind::Operators,
        "login,roles,band,pin,member",
        &[
            ("nino,manager,0A01,1111,1", &[]),
            ("nino,manager,0A01,x,7", &["pin: a PIN has", "number 7"]),
        ],
    );
}

#[test]
fn what_stands_in_a_table_twice_is_taken_once() {
    for (kind, table) in [
        (Kind::Members, "number,name\n3,Ann\n3,Ben\n"),
        (Kind::Credentials, "uid,member\n04b1,2\n0x04-B1,1\n"),
        (Kind::Passes, "member,tariff,valid_from\n2,month,2026-09-01\n2,month,2026-09-01\n"),
        (Kind::Balances, "member,balance\n2,1.00\n2,1.00\n"),
        (Kind::Families, "name\nA\nA\n"),
        (Kind::Lockers, "id,bank,zone\nA1,b,hall\nA1,b,hall\n"),
    ] {
        let got = all(kind, Existing::Refuse, table);
        assert!(matches!(&got[0], Ok(Made::New(_))), "{kind:?}: {got:?}");
        let again = got[1].as_ref().unwrap_err();
        let expected = "stands in the table twice, first in row 2";
        assert!(again[0].ends_with(expected), "{kind:?}: {again:?}");
    }
}

#[test]
fn what_is_there_is_passed_over_or_changed_in_the_cells_that_are_not_empty() {
    let members = "number,name,language,phone\n1,,ru,\n";
    let skipped = all(Kind::Members, Existing::Skip, members);
    assert!(matches!(&skipped[..], [Ok(Made::Skipped)]), "{skipped:?}");
    let changed = all(Kind::Members, Existing::Update, members);
    let Ok(Made::Changed(rows)) = &changed[0] else { panic!("{changed:?}") };
    let [ImportRow::Before(_, _), ImportRow::Member(who, member, person)] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!((who.0, member.number, member.language), (id(1), 1, Language::Ru));
    assert_eq!(
        (person.name.as_str(), person.phones.join(",")),
        ("ნინო", "+995555000001".to_owned())
    );
    let money = all(Kind::Members, Existing::Update, "number,name,balance\n1,,5.00\n");
    assert!(money[0].as_ref().unwrap_err()[0].contains("--as balances"), "{money:?}");

    let balance = all(Kind::Balances, Existing::Update, "member,balance\n1,30.00\n");
    let Ok(Made::Changed(rows)) = &balance[0] else { panic!("{balance:?}") };
    let [ImportRow::Opening { key, amount, .. }] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((key.as_str(), *amount), ("one:2", Money(500)), "the difference to 25.00");

    let pass = "member,tariff,valid_from,state\n1,month,2026-09-01,frozen\n";
    let pass = all(Kind::Passes, Existing::Update, pass);
    let Ok(Made::Changed(rows)) = &pass[0] else { panic!("{pass:?}") };
    let [ImportRow::Pass(key, row)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((key.pass.0, row.state, row.tariff_version), (id(41), PassState::Frozen, 1));

    let theirs = all(Kind::Credentials, Existing::Update, "uid,member\nAAAA,2\n");
    assert!(theirs[0].as_ref().unwrap_err()[0].contains("somebody else"), "{theirs:?}");
}
