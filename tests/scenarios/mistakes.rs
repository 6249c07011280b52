//! Whoever writes a scenario wrongly is told where, and what there is instead.

use tests::world::STEPS;

use tests::scenarios::Scenario;

const GIVEN: &str = r#"
title = "Mistakes"
time_zone = "Europe/Berlin"
currency = "EUR"
date = "2026-10-25"
rules = ""
tills = ["T1"]
zones = { SITE = "" }
gates = { G1 = "street > SITE" }
tariffs = { DAY = { zones = ["SITE"] } }
lockers = { 12 = "bank" }
people = [{ band = "W1", tariff = "DAY" }]
operators = { nino = ["cashier"] }
"#;

/// What is said of a scenario with this text behind what is given.
fn said(text: &str) -> Vec<String> {
    match Scenario::of(&format!("{GIVEN}{text}")) {
        Ok(scenario) => scenario.wrong(),
        Err(why) => vec![why],
    }
}

/// What is said of a row that does this and is granted.
fn said_of(step: &str) -> Vec<String> {
    said(&format!("[[row]]\nid = \"a\"\ndo = ['{step}']\noutcome = \"grant\""))
}

#[test]
fn a_right_row_has_no_mistake() {
    assert_eq!(said_of("10:00:00 entry G1 W1"), [""; 0]);
}

#[test]
fn a_step_that_there_is_not_names_those_that_there_are() {
    let [said] = &said_of("10:00:00 enters G1 W1")[..] else { panic!() };
    assert!(said.starts_with("row `a`: step `10:00:00 enters G1 W1`: no step is called `enters`"));
    for step in STEPS {
        assert!(said.contains(step.form), "{said}");
    }
}

#[test]
fn each_mistake_of_a_step_is_said() {
    for (step, part) in [
        ("entry G1 W1", "`entry` is no local time"),
        ("10:00:00", "a verb is missing"),
        ("10:00:00 entry G1", "a band is missing; it is written `entry GATE BAND"),
        ("10:00:00 entry G9 W1", "no gate is called `G9`; there are G1"),
        ("10:00:00 entry G1 W1 pinn 1", "`pinn 1` is not understood"),
        ("10:00:00 entry G1 W1 pin", "what stands behind `pin` is missing"),
        ("10:00:00 entry G1 W1 late soon", "`soon` is no number of seconds"),
        ("10:00:00 entry G1 W1 late 3 untimed", "three ways to say one thing"),
        ("10:00:00 entry G1 W1 expires 3", "`expires` goes with `kept`"),
        ("10:00:00 entry G1 W1 again", "`G1` said nothing that could come again"),
        ("02:30:00 entry G1 W1", "comes twice"),
        ("2026-03-29 02:30:00 entry G1 W1", "does not exist"),
        ("10:00:00 passed G1 through", "`through` is not in or out"),
        ("10:00:00 opens 13 W1", "no locker is called `13`"),
        ("10:00:00 offline G9", "no gate, till or bank of lockers is called `G9`"),
        ("10:00:00 pays W9 1.00", "nobody holds `W9`"),
        ("10:00:00 pays W1 1.00", "pay what is owed"),
        ("10:00:00 pays W1 much", "`much` is no amount"),
        ("10:00:00 sale T1 nino W1 5.00 discuont 10", "`discuont 10` is not understood"),
        ("10:00:00 sale T1 nino W1 plus 5.00", "what is sold is missing"),
        ("10:00:00 sale T1 nino W1 5.00 rest later", "nobody pays the rest by `later`"),
        ("10:00:00 lifts desk-1 nino ZONE_FUL goodwill", "`ZONE_FUL` is the code of no reason"),
        ("10:00:00 lifts desk-1 nino ZONE_FULL whim", "`whim` is no reason for an override"),
        ("10:00:00 lifts desk-1 nino ZONE_FULL goodwill", "nothing was refused at a gate before"),
        ("10:00:00 acts desk-1 nino dance", "`dance` is none of the actions"),
        ("10:00:00 sets desk-1 nino debt.age 1", "`debt.age` is no parameter"),
        ("10:00:00 sets desk-1 nino zone.min_age young", "young"),
        ("10:00:00 turns desk-1 nino eaten W1", "no band is ever `eaten`"),
        ("10:00:00 certificate desk-1 nino W1 soon", "`soon` is no date"),
        ("10:00:00 rules STRICT", "no rules are called `STRICT`"),
        ("10:00:00 entry G1 W1 and waits", "only messages come together in one batch"),
        ("10:00:00 entry G1 W1 and", "a verb is missing"),
    ] {
        let said = said_of(step);
        let [one] = &said[..] else { panic!("{step}: {said:?}") };
        assert!(one.starts_with(&format!("row `a`: step `{step}`: ")), "{one}");
        assert!(one.contains(part), "{step}: {one}");
    }
}

#[test]
fn each_mistake_of_a_row_is_said() {
    let row = |rest: &str| format!("[[row]]\nid = \"a\"\ndo = []\n{rest}");
    for (text, part) in [
        (row(""), "row `a`: it asks for nothing"),
        (row("outcom = \"grant\""), "row `a`: unknown field `outcom`, expected one of `outcome`"),
        (row("outcome = 1"), "row `a`: invalid type"),
        (row("reasons = [\"ZONE_FUL\"]"), "row `a`: `ZONE_FUL` is the code of no reason"),
        (row("after = \"b\"\nopened = true"), "comes after `b`, which no row above is called"),
        (format!("{0}\n{0}", row("opened = false")), "row `a`: another row is called so"),
        ("[[row]]\nid = \"a\"\nopened = true".to_owned(), "row `a`: missing field `do`"),
        ("rule_set = 1".to_owned(), "unknown field `rule_set`, expected one of `title`"),
        (row("opened = true"), "row `a`: opened: expected true, got false"),
        (row("wallet.W9 = \"1.00\""), "expected 1.00, got nobody holds `W9`"),
        (row("occupancy.POOL = 1"), "inside POOL: expected 1, got no zone"),
        (row("receipt.sum = \"1.00\""), "receipt: sum: expected 1.00, got nothing"),
    ] {
        let said = said(&text);
        assert!(said.len() == 1 && said[0].contains(part), "{text}: {said:?}");
    }
}

#[test]
fn time_does_not_go_back_by_a_slip() {
    let said =
        said("[[row]]\nid = \"a\"\ndo = ['10:00:00 waits', '09:00:00 waits']\nopened = false");
    assert!(said[0].contains("09:00:00 is before the step that comes before it"), "{said:?}");
}

#[test]
fn each_mistake_of_what_is_given_is_said() {
    for (from, to, part) in [
        ("rules = \"\"", "rules = 'set(\"zone.min_ag\", 3);'", "zone.min_ag"),
        ("rules = \"\"", "rules = 'set(\"debt.exit_policy\", \"hold\", member(\"W9\"));'", "W9"),
        ("band = \"W1\"", "band = \"W1\", flags = [\"tall\"]", "`tall` is none of the flags"),
        ("band = \"W1\"", "band = \"W1\", born = \"May\"", "`W1`: `May` is no date"),
        ("band = \"W1\"", "band = \"W1\", hostt = \"W1\"", "unknown field `hostt`"),
        ("band = \"W1\"", "band = \"W1\", host = \"W2\"", "nobody holds `W2`"),
        ("band = \"W1\"", "band = \"W1\", family = \"F\"", "no family is called `F`"),
        ("band = \"W1\"", "band = \"W1\", debt_since = \"2026-01-01\"", "a wallet below zero"),
        ("Europe/Berlin", "Europe/Atlantis", "Europe/Atlantis"),
        ("EUR", "Euro", "`Euro`"),
        ("street > SITE", "street", "`street`"),
    ] {
        let given = GIVEN.replace(from, to);
        let row = "[[row]]\nid = \"a\"\ndo = []\nopened = false";
        let said = match Scenario::of(&format!("{given}{row}")) {
            Ok(scenario) => scenario.wrong().concat(),
            Err(why) => why,
        };
        assert!(said.contains(part), "{to}: {said}");
    }
}
