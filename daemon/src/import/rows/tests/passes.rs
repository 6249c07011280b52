//! Rows of passes: their terms, and those that count at the same time.

use super::*;

#[test]
fn each_row_of_passes_is_good_or_told_what_is_wrong_with_it() {
    check(
        Kind::Passes,
        "member,tariff,state,valid_from,valid_until,visits_left,paid",
        &[
            ("2,month,frozen,2026-09-01,2026-09-30,10,50.00", &[]),
            ("1,month,,2026-10-01,,,", &["valid_from: a pass of `month` that the member has"]),
            ("1,month,cancelled,2026-10-01,,,", &[]),
            ("1,month,,2026-08-01,2026-08-31,,", &[]),
            ("1,month,,2026-09-01,,,", &["tariff: that pass of that day is there already"]),
            ("2,months,,2026-09-01,,,", &["tariff: no tariff is called `months`; did you mean"]),
            ("2,month,dead,2026-09-01,,,", &["state: `dead` is none of"]),
            ("2,month,,2026-09-10,2026-09-09,,", &["valid_until: the pass ends before it begins"]),
            ("2,month,,1926-09-10,,,", &["valid_from: `1926-09-10` is not a day from"]),
            ("2,month,,2026-09-01,,-1,", &["visits_left: `-1` is not a whole number"]),
            ("2,month,,2026-09-01,,,-50.00", &["paid: `-50.00` is below zero"]),
            ("7,month,,2026-09-01,,,", &["member: no member has the number 7"]),
            ("2,monthly,,2026-09-01,,3,", &["visits_left: a pass of `monthly` counts no visits"]),
            ("2,monthly,,2026-09-01,,x,", &["visits_left: `x` is not a whole number"]),
            ("2,monthly,,2026-09-01,,,", &[]),
        ],
    );
    let got = all(
        Kind::Passes,
        Existing::Refuse,
        "member,tariff,valid_from,visits_left\n\
        2,monthly,2026-09-01,0\n",
    );
    let Ok(Made::New(rows)) = &got[0] else { panic!("{got:?}") };
    let [ImportRow::Pass(_, pass)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(pass.visits_left, None, "it opens, as all passes of its tariff do");
}

#[test]
fn an_empty_cell_is_without_end_only_where_the_tariff_is() {
    const NO_VISITS: &str = "visits_left: it is missing; a pass of";
    const NO_END: &str = "valid_until: it is missing; a pass of `waiting` lasts P1M from its";
    check(
        Kind::Passes,
        "member,tariff,valid_from,valid_until,visits_left",
        &[
            ("2,month,2026-09-01,,", &[]),
            ("2,minute,2026-09-01,,", &[]),
            ("2,pack,2026-09-01,2027-02-01,", &[NO_VISITS]),
            ("2,pack,2026-09-01,,", &[NO_VISITS]),
            ("2,pack,2026-09-01,,3", &[]),
            ("2,pack,2026-09-01,,0", &[]),
            ("2,pack,2026-09-01,,10", &[]),
            ("2,pack,2026-09-01,,11", &["visits_left: a pass of `pack` has at most 10 visits"]),
            ("2,pack,2026-09-01,,x", &["visits_left: `x` is not a whole number"]),
            ("2,pack,,,", &["valid_from: it is missing", NO_VISITS]),
            ("7,pack,2026-09-01,,", &["member: no member has the number 7", NO_VISITS]),
            ("2,waiting,2026-09-01,,3", &[NO_END]),
            ("2,waiting,2026-09-01,,", &[NO_END, NO_VISITS]),
            ("2,waiting,2026-09-01,2026-12-01,3", &[]),
            ("2,course,2026-09-01,,", &[NO_VISITS]),
            ("2,day,2026-09-01,,", &[NO_VISITS]),
            ("2,once,2026-09-01,2026-09-01,", &[NO_VISITS]),
            ("2,once,2026-09-01,,2", &["visits_left: a pass of `once` has at most 1 visits"]),
            ("2,monthly,2026-09-10,2026-09-09,", &["ends before it begins"]),
        ],
    );
    for (tariff, from, visits, expected) in [
        ("monthly", "2026-09-01", "", "2026-09-30"),
        ("monthly", "2020-01-01", "", "2020-01-31"),
        ("term", "2026-12-15", "", "2027-01-14"),
        ("course", "2026-09-10", "8", "2026-10-09"),
        ("day", "2026-11-20", "1", "2026-11-20"),
    ] {
        let table = format!("member,tariff,valid_from,visits_left\n2,{tariff},{from},{visits}\n");
        let got = all(Kind::Passes, Existing::Refuse, &table);
        let Ok(Made::New(rows)) = &got[0] else { panic!("{tariff}: {got:?}") };
        let [ImportRow::Pass(_, pass)] = &rows[..] else { panic!("{rows:?}") };
        let until = pass.valid_until.map(|last| last.to_string());
        assert_eq!(until.as_deref(), Some(expected), "{tariff} from {from}");
    }
}

#[test]
fn passes_of_one_tariff_that_count_at_once_are_refused_unless_that_is_asked_for() {
    let heading = "member,tariff,valid_from,valid_until,visits_left,state\n";
    let refused = Beside::Refused("say `--beside`");
    let clash = |rows: &str, how| {
        let got = all_of(Kind::Passes, how, &format!("{heading}{rows}"));
        let wrong = got.into_iter().enumerate().filter_map(|(at, row)| Some((at, row.err()?)));
        wrong.map(|(at, why)| (at + 2, why.join("; "))).collect::<Vec<_>>()
    };
    let row = "1,month,2026-10-01,2026-10-31,,\n";
    assert_eq!(
        clash(row, (Existing::Refuse, refused)),
        [(
            2,
            "valid_from: a pass of `month` that the member has counts from 2026-09-01 without an \
             end, and this one from 2026-10-01 to 2026-10-31; say `--beside`"
                .to_owned()
        )]
    );
    assert_eq!(clash(row, (Existing::Refuse, Beside::Asked)), []);
    // Of the rows of one table the later one is refused, and one that is bad itself counts not.
    for (rows, expected) in [
        ("2,monthly,2026-09-01,,,\n2,monthly,2026-09-15,,,\n", Some("in row 2 counts from 2026-")),
        (
            "2,monthly,2026-09-15,,,\n2,monthly,2026-09-01,,,\n",
            Some("and this one from 2026-09-01"),
        ),
        ("2,monthly,2026-09-01,,,\n2,monthly,2026-10-01,,,\n", None),
        ("2,monthly,2026-09-01,,,\n2,term,2026-09-15,,,\n", None),
        ("2,monthly,2024-01-01,,,\n2,monthly,2024-01-15,,,\n", None),
        ("2,monthly,2024-01-01,,,\n2,monthly,2024-01-15,2026-12-31,,\n", None),
        ("2,monthly,2026-09-01,,,cancelled\n2,monthly,2026-09-15,,,\n", None),
        ("2,course,2026-09-01,,0,\n2,course,2026-09-15,,8,\n", None),
        ("2,course,2026-09-01,,1,\n2,course,2026-09-15,,8,\n", Some("`course` in row 2")),
        ("2,pack,2026-09-01,,1,\n2,pack,2026-09-15,,8,\n", None),
        ("2,day,2026-09-01,2026-09-09,1,\n2,day,2026-09-02,,1,\n", None),
        ("2,waiting,2026-09-01,2026-10-01,1,\n2,waiting,2026-09-02,2026-10-02,1,\n", None),
        ("2,monthly,2026-09-01,,,dead\n2,monthly,2026-09-15,,,\n", Some("state: `dead`")),
        ("2,monthly,2026-09-01,,,\n2,monthly,2026-09-15,x,,\n", Some("valid_until: `x`")),
    ] {
        let wrong = clash(rows, (Existing::Refuse, refused));
        match expected {
            None => assert_eq!(wrong, [], "{rows}"),
            Some(part) => {
                assert!(wrong.len() == 1 && wrong[0].1.contains(part), "{rows}: {wrong:?}");
            }
        }
    }
    // One that is changed is in nobody's way but that of others.
    for (rows, bad) in [
        ("1,month,2026-09-01,2026-09-30,,\n", 0),
        ("1,month,2026-09-01,,,frozen\n", 0),
        ("1,month,2026-09-01,2026-09-30,,\n1,month,2026-10-01,,,\n", 0),
        ("1,month,2026-09-01,,,cancelled\n1,month,2026-10-01,,,\n", 0),
        ("1,month,2026-09-01,2026-09-30,,\n1,month,2026-09-30,,,\n", 1),
    ] {
        assert_eq!(clash(rows, (Existing::Update, refused)).len(), bad, "{rows}");
    }
}
