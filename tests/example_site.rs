//! The example site is whole: every name that a file of it uses is declared in another, every value
//! is of its kind, and the people are made by the script that says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use domain::{
    money::{Currency, Money},
    rows::{CredentialState, Language, PassState},
};
use jiff::{Timestamp, civil::Date};
use rules::{
    bundle::Bundle,
    load::{Names, load},
};
use toml::{Table, Value};

fn site() -> PathBuf {
    tests::root().join("examples/swimming-pool")
}

fn text(path: impl AsRef<Path>) -> String {
    let path = site().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

/// The rows of a file of `data/`, each a map from column to text.
fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(format!("data/{name}"));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap_or_default).collect()
}

fn column(rows: &[BTreeMap<String, String>], name: &str) -> Vec<String> {
    rows.iter().map(|row| row.get(name).cloned().unwrap_or_default()).collect()
}

/// The values of `key` in the tables that stand under `list`.
fn named(file: &str, list: &str, key: &str) -> Vec<String> {
    let table: Table = text(file).parse().unwrap_or_default();
    let entries = table.get(list).and_then(Value::as_array).into_iter().flatten();
    let value = |entry: &Value| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    entries.map(|entry| value(entry).unwrap_or_default()).collect()
}

fn money(text: &str) -> Option<Money> {
    Currency::of("GEL").and_then(|currency| currency.parse(text))
}

fn empty_or(text: &str, is: impl Fn(&str) -> bool) -> bool {
    text.is_empty() || is(text)
}

#[test]
fn the_people_are_made_again_byte_for_byte() {
    let made = tempfile::tempdir().unwrap();
    let mut command = Command::new(tests::python());
    let script = tests::root().join("examples/generate.py");
    let Ok(run) = command.arg(script).arg(made.path()).status() else {
        return tests::left_out("the example's people", "python3 is not installed");
    };
    assert!(run.success());
    for name in ["members.csv", "credentials.csv", "passes.csv", "lockers.csv"] {
        let again = fs::read_to_string(made.path().join(name)).unwrap();
        let help = "run `python3 examples/generate.py` and commit what it writes";
        assert!(again == text(format!("data/{name}")), "{name} differs: {help}");
    }
}

#[test]
fn zones_are_one_tree_and_gates_stand_between_them() {
    let (zones, parents) = (named("site.toml", "zone", "id"), named("site.toml", "zone", "parent"));
    assert_eq!(parents.iter().filter(|parent| parent.is_empty()).count(), 1, "one root");
    for (place, parent) in parents.iter().enumerate() {
        let declared = zones[..place].contains(parent);
        assert!(parent.is_empty() || declared, "`{parent}` is declared before its inner zones");
    }

    let (from, to) = (named("site.toml", "gate", "from"), named("site.toml", "gate", "to"));
    for (from, to) in from.iter().zip(&to) {
        assert!(from.is_empty() || zones.contains(from), "from `{from}`");
        assert!(zones.contains(to) && from != to, "to `{to}`");
    }
    let gates = named("site.toml", "gate", "id");
    assert_eq!(gates, ["gate-1", "gate-2", "gate-3", "gate-4", "gate-5", "gate-6"]);
    let profiles = named("site.toml", "gate", "profile");
    assert_eq!(profiles.iter().filter(|name| *name == "homie-gate").count(), 5);
    assert_eq!(profiles.last().map(String::as_str), Some("relay-gate"));
    for profile in profiles {
        let file = tests::root().join(format!("devices/profiles/{profile}.toml"));
        assert!(file.exists(), "profile `{profile}`");
    }
}

#[test]
fn every_member_is_readable() {
    let members = rows("members.csv");
    assert_eq!(members.len(), 500);
    let numbers: BTreeSet<_> = column(&members, "number").into_iter().collect();
    assert_eq!(numbers.len(), members.len(), "numbers are unique");
    for member in &members {
        let phone = member["phone"].strip_prefix("+9955");
        let phone = phone.is_some_and(|p| p.len() == 8 && p.bytes().all(|b| b.is_ascii_digit()));
        assert!(member["number"].parse::<u32>().is_ok(), "{member:?}");
        assert!(!member["name"].is_empty() && !member["name_latin"].is_empty(), "{member:?}");
        assert!(member["birth"].parse::<Date>().is_ok(), "{member:?}");
        assert!(Language::of(&member["language"]).is_some(), "{member:?}");
        assert!(member["phone"].is_empty() || phone, "{member:?}");
        assert!(["true", "false"].contains(&&*member["blocked"]), "{member:?}");
        let balance = money(&member["balance"]).unwrap();
        let since = member["debt_since"].parse::<Timestamp>();
        assert_eq!(balance < Money::ZERO, since.is_ok(), "a debt has a beginning: {member:?}");
    }
}

#[test]
fn every_credential_has_a_holder_and_a_uid_of_its_own() {
    let numbers: BTreeSet<_> = column(&rows("members.csv"), "number").into_iter().collect();
    let credentials = rows("credentials.csv");
    let uids: BTreeSet<_> = column(&credentials, "uid").into_iter().collect();
    assert_eq!(uids.len(), credentials.len(), "uids are unique");
    for credential in &credentials {
        let uid = &credential["uid"];
        let digits = uid.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        assert!(digits && [8, 14].contains(&uid.len()), "{credential:?}");
        assert!(numbers.contains(&credential["member"]), "{credential:?}");
        assert!(CredentialState::of(&credential["state"]).is_some(), "{credential:?}");
        assert!(credential["party_size"].parse::<u16>().is_ok_and(|size| size > 0));
        for limit in ["valid_from", "valid_until"] {
            let instant = |text: &str| text.parse::<Timestamp>().is_ok();
            assert!(empty_or(&credential[limit], instant), "{credential:?}");
        }
    }
}

#[test]
fn every_pass_was_sold_under_a_tariff_that_opens_zones() {
    let zones = named("site.toml", "zone", "id");
    let tariffs = named("data/tariffs.toml", "tariff", "id");
    let table: Table = text("data/tariffs.toml").parse().unwrap();
    for tariff in table["tariff"].as_array().unwrap() {
        let opened = tariff["zones"].as_array().unwrap();
        let known = |zone: &Value| zones.iter().any(|id| Some(id.as_str()) == zone.as_str());
        assert!(!opened.is_empty() && opened.iter().all(known), "{tariff}");
        assert!(tariff["entry_price"].as_str().and_then(money).is_some(), "{tariff}");
    }
    let numbers: BTreeSet<_> = column(&rows("members.csv"), "number").into_iter().collect();
    for pass in rows("passes.csv") {
        assert!(numbers.contains(&pass["member"]) && tariffs.contains(&pass["tariff"]), "{pass:?}");
        assert!(PassState::of(&pass["state"]).is_some(), "{pass:?}");
        let first = pass["valid_from"].parse::<Date>().unwrap();
        let after = |text: &str| text.parse::<Date>().is_ok_and(|last| last >= first);
        assert!(empty_or(&pass["valid_until"], after), "{pass:?}");
        assert!(empty_or(&pass["visits_left"], |text| text.parse::<u32>().is_ok()), "{pass:?}");
        assert_eq!(pass["tariff"] == "pack-10", !pass["visits_left"].is_empty(), "{pass:?}");
    }
}

#[test]
fn there_are_120_lockers_in_two_banks() {
    let banks = named("site.toml", "lockers", "bank");
    let lockers = rows("lockers.csv");
    let ids: BTreeSet<_> = column(&lockers, "id").into_iter().collect();
    assert_eq!((lockers.len(), ids.len(), banks.len()), (120, 120, 2));
    let zones = named("site.toml", "zone", "id");
    for locker in &lockers {
        assert!(banks.contains(&locker["bank"]) && zones.contains(&locker["zone"]), "{locker:?}");
    }
}

#[test]
fn the_rules_are_the_shipped_ones_and_the_sites_own_settings() {
    let names = |folder: &Path| -> BTreeSet<_> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect()
    };
    let shipped = tests::root().join("rules/shipped");
    assert_eq!(names(&shipped), names(&site().join("rules")));
    for name in names(&shipped) {
        let (theirs, ours) = (shipped.join(&name), site().join("rules").join(&name));
        let same = fs::read(theirs).unwrap() == fs::read(ours).unwrap();
        let help = "copy it from rules/shipped; settings of the site go into 00_site.rhai";
        assert!(same || name == "00_site.rhai", "{name:?} differs: {help}");
    }
}

#[test]
fn the_rules_pass_their_check_without_a_warning() {
    let set = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    let groups = column(&rows("members.csv"), "groups");
    let groups = groups.iter().flat_map(|groups| groups.split(';').map(str::to_owned)).collect();
    let names = Names {
        zones: set(named("site.toml", "zone", "id")),
        devices: set(named("site.toml", "gate", "id")),
        tariffs: set(named("data/tariffs.toml", "tariff", "id")),
        groups: set(groups),
        terminals: set(named("site.toml", "terminal", "id")),
        roles: set(column(&rows("operators.csv"), "roles")),
        ..Names::default()
    };
    let bundle = Bundle::read(&site().join("rules")).unwrap();
    assert!(bundle.rules.len() > 5 && bundle.cases.len() > 4);
    let warnings = match load(&bundle, &names) {
        Ok(checked) => checked.warnings,
        Err(problems) => problems,
    };
    let said: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn the_readme_introduces_people_who_are_there() {
    let uids: BTreeSet<_> = column(&rows("credentials.csv"), "uid").into_iter().collect();
    let readme = text("README.md");
    let bands = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let bands: Vec<_> = bands.collect();
    assert!(bands.len() > 15, "{bands:?}");
    for band in bands {
        assert_eq!(uids.contains(band), band != "0000000000", "{band}");
    }
}
