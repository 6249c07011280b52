//! `kari params`, as a person or a script uses it: beside no daemon, on a site's folder alone.

use std::process::Output;

use tests::{
    program,
    site::{Folder, Plan},
};

use crate::command_line::{code, json};

/// Lines 6 to 8 of `00_site.rhai`; line 2 sets the mode of the whole site to `hard`.
const SETTINGS: &str = "set(\"anti_passback.mode\", \"soft\", zone(\"hall\"));\n\
    set(\"anti_passback.mode\", \"off\", zone(\"pool\"));\n\
    set(\"tariff.max_visits\", \"2/P1D\", tariff(\"month\"));";

fn site() -> Folder {
    Folder::write(&Plan { settings: SETTINGS.to_owned(), ..Plan::default() })
}

/// Asks about parameters of `site`, and of `words` where there are some.
fn params(what: &str, site: &Folder, words: &[&str]) -> Output {
    let folder = site.path().to_str().unwrap();
    program::run(["params", what, folder].iter().chain(words))
}

/// What a command that went well printed, and nothing beside it.
fn told(output: &Output) -> String {
    assert_eq!(code(output), 0, "{}", program::text(&output.stderr));
    program::text(&output.stdout)
}

/// The words of the line that begins with `first`.
fn line<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = lines.filter(|words| words.first() == Some(&first));
    found.next().unwrap_or_else(|| panic!("no line begins with `{first}`:\n{text}"))
}

#[test]
fn all_parameters_are_listed_with_their_values_and_where_those_are_set() {
    let site = site();
    let all = told(&params("list", &site, &[]));
    let more = ["19", "anti_passback.mode", "00_site.rhai:2", "and", "2", "more", "hard"];
    assert_eq!(line(&all, "19"), more);
    assert_eq!(
        line(&all, "17"),
        ["17", "tariff.max_visits", "default", "and", "1", "more", "none"]
    );
    assert_eq!(line(&all, "32"), ["32", "zone.max_occupancy", "default", "0", "(persons)"]);
    assert!(line(&all, "63").join(" ").contains("default movements P90D"), "{all}");
    assert!(all.contains("\nC. Presence and anti-passback\n"), "{all}");
    for (group, rows) in [("C", 4), ("c", 4), ("debt", 5)] {
        let listed = json(&params("list", &site, &["--group", group, "--json"]));
        assert_eq!(listed.as_array().unwrap().len(), rows, "{group}");
    }
    let listed = json(&params("list", &site, &["--json"]));
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 64);
    assert_eq!((&listed[18]["number"], &listed[18]["value"]), (&19.into(), &"hard".into()));
    assert_eq!(listed[18]["set"].as_array().unwrap().len(), 3);
}

#[test]
fn one_parameter_is_told_with_everything_that_is_known_of_it() {
    let site = site();
    let text = told(&params("get", &site, &["anti_passback.mode"]));
    for part in [
        "19  anti_passback.mode\nwhat a second entry without an exit causes",
        "off, soft, timed, hard (from lax to strict)",
        "site, zone, device, group",
        "the most specific scope wins",
        "gate.entry, gate.exit",
        "anti_passback_mode",
    ] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
    assert_eq!(line(&text, "default"), ["default", "soft"]);
    assert_eq!(line(&text, "site"), ["site", "hard", "00_site.rhai:2"]);
    assert_eq!(line(&text, "zone"), ["zone", "hall", "soft", "00_site.rhai:6"]);
    let one = json(&params("get", &site, &["anti_passback.mode", "--json"]));
    assert_eq!(one["values"]["words"][3], "hard");
    assert_eq!((&one["merge"], &one["stricter"]), (&"most_specific".into(), &"later".into()));
    let set = serde_json::json!(
        { "scope": { "zone": "pool" }, "value": "off", "file": "00_site.rhai", "line": 7 }
    );
    assert_eq!(one["set"][2], set);
    let text = told(&params("get", &site, &["privacy.display_detail"]));
    assert!(text.contains("full for a screen of the staff"), "{text}");
}

#[test]
fn the_value_in_force_at_a_place_is_told_with_what_it_came_from() {
    let site = site();
    let name = "anti_passback.mode";
    for (place, value, why) in [
        (&[][..], "hard", "for the whole site: it is the only value that matches"),
        (
            &["--device", "gate-1"],
            "soft",
            "for zone hall in site, device gate-1: the most specific",
        ),
        (&["--zone", "pool"], "off", "for zone pool in hall in site: the most specific"),
        (&["--zone", "pool", "--device", "gate-1"], "off", "zone pool in hall in site, device"),
    ] {
        let words: Vec<_> = [name].iter().chain(place).copied().collect();
        let text = told(&params("explain", &site, &words));
        let first = format!("anti_passback.mode is {value}");
        assert_eq!(text.lines().next(), Some(first.as_str()), "{place:?}: {text}");
        assert!(text.contains(why), "{place:?}: {text}");
        assert_eq!(line(&text, "default"), ["default", "soft"]);
        assert_eq!(text.matches("counts").count(), 1, "{text}");
    }
    let account = json(&params("explain", &site, &[name, "--device", "gate-1", "--json"]));
    assert_eq!(account["value"], "soft");
    assert_eq!(account["scope"], serde_json::json!({ "zone": "hall" }));
    assert_eq!(account["zones"], serde_json::json!(["site", "hall"]));
    let counts: Vec<_> = account["found"].as_array().unwrap().iter().collect();
    assert_eq!(counts.len(), 2, "{account}");
    assert_eq!((&counts[0]["scope"], &counts[0]["counts"]), (&"site".into(), &false.into()));
    assert_eq!((&counts[1]["line"], &counts[1]["counts"]), (&6.into(), &true.into()));
    let unset = json(&params("explain", &site, &["zone.max_occupancy", "--json"]));
    assert_eq!((&unset["scope"], &unset["value"]), (&serde_json::Value::Null, &"0".into()));
    let unset = told(&params("explain", &site, &["zone.max_occupancy"]));
    assert_eq!(line(&unset, "default"), ["default", "0", "counts"]);
}

#[test]
fn a_scope_where_a_parameter_is_never_set_is_noted_and_changes_nothing() {
    let site = site();
    let output = params("explain", &site, &["anti_passback.mode", "--tariff", "month"]);
    assert_eq!(told(&output).lines().next(), Some("anti_passback.mode is hard"));
    let note = program::text(&output.stderr);
    for part in ["never set for a tariff", "tariff month changes nothing", "site, zone, device"] {
        assert!(note.contains(part), "`{part}` is missing in: {note}");
    }
    let words = ["anti_passback.mode", "--tariff", "month", "--json"];
    let account = json(&params("explain", &site, &words));
    assert_eq!(account["notes"].as_array().unwrap().len(), 1, "{account}");
}

#[test]
fn a_wrong_name_gets_help_and_wrong_rules_are_told() {
    let site = site();
    for (what, words, message, help) in [
        ("get", &["gate.mod"][..], "no parameter is called `gate.mod`", "mean `gate.mode`?"),
        ("get", &["humidity"], "no parameter is called `humidity`", "`kari params list`"),
        ("explain", &["anti_passback_mode"], "is called `anti_passback_mode`", "mean `anti_pass"),
        ("list", &["--group", "dept"], "no group of parameters is called `dept`", "`debt`"),
        ("list", &["--group", "K"], "no group of parameters is called `K`", "A to J"),
        ("explain", &["gate.mode", "--zone", "hal"], "no zone is called `hal`", "mean `hall`?"),
        ("explain", &["gate.mode", "--zone", "gate-1"], "`gate-1`", "a device, not a zone"),
        ("explain", &["gate.mode", "--terminal", "x"], "terminal is called `x`", "till-1, till-2"),
        ("explain", &["gate.mode", "--member", "7"], "`7` is not the id", "member's page"),
    ] {
        let output = params(what, &site, words);
        let told = program::text(&output.stderr);
        assert_eq!(code(&output), 1, "{words:?}: {told}");
        assert!(told.contains(message), "{words:?}: {told}");
        assert!(told.contains("\n  help: ") && told.contains(help), "{words:?}: {told}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(code(&params("get", &site, &[])), 2, "a name is missing");
    site.save_rule("70_own.rhai", "set(\"gate.mode\", \"ajar\", zone(\"hall\"));\n");
    for (what, words) in [("list", &[][..]), ("get", &["gate.mode"]), ("explain", &["gate.mode"])] {
        let output = params(what, &site, words);
        assert_eq!(code(&output), 3, "{what}");
        let told = program::text(&output.stderr);
        assert!(told.contains("70_own.rhai:1:18: `ajar` is not one of"), "{what}: {told}");
    }
}
