//! `kari replay`: what is on record, decided again with other rules.

use std::{fs, path::Path, process::Command};

use domain::event::Direction::Entry;
use serde_json::{Value, json};
use tests::{
    daemon::Daemon,
    program,
    site::{Guest, Plan, uid},
};

use crate::{
    ask,
    command_line::{code, json, small_example},
};

/// A copy of the rule files of `site`, with another text in the place of each first one.
fn other_rules(site: &Path, changes: &[(&str, &str)]) -> tempfile::TempDir {
    let other = tempfile::tempdir().unwrap();
    for file in fs::read_dir(site.join("rules")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), other.path().join(file.file_name())).unwrap();
    }
    let settings = other.path().join("00_site.rhai");
    let mut text = fs::read_to_string(&settings).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "`{old}` is missing in:\n{text}");
        text = text.replace(old, new);
    }
    fs::write(settings, text).unwrap();
    other
}

/// Replays with the rules of `other`.
fn replay(site: &Path, other: &Path, words: &[&str]) -> std::process::Output {
    let (site, other) = (site.to_str().unwrap(), other.to_str().unwrap());
    program::run(["replay", site, "--rules", other].iter().chain(words))
}

/// The numbers for a program.
fn numbers(site: &Path, other: &Path, words: &[&str]) -> Value {
    let output = replay(site, other, &[&["--json"], words].concat());
    assert_eq!(code(&output), 0, "{}", program::text(&output.stderr));
    json(&output)
}

fn gel(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "GEL" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_amounts_refuse_whom_they_concern_and_cost_what_they_would_have_paid() {
    let owing = Guest { balance: "-5.00", debt_since: "2026-01-05T10:00:00Z", ..Guest::member(3) };
    let guests = vec![Guest::member(1), Guest::paying(2, "20.00"), owing];
    let mut daemon = Daemon::start(&Plan { guests, ..Plan::default() }).await;
    let gate = daemon.gate("gate-1").await;
    for number in [1, 2, 3, 99] {
        ask(&gate, Entry, &uid(number)).await;
    }
    let site = daemon.site.path().to_path_buf();
    let own = numbers(&site, &daemon.site.rules(), &[]);
    assert_eq!((&own["asked"], &own["changed"]), (&4.into(), &0.into()), "{own}");
    assert_eq!(own["charged"]["before"], gel("8.00"));
    assert_eq!(own["charged"]["after"], gel("8.00"));
    let none = numbers(&site, &daemon.site.rules(), &["--until", "2026-01-01"]);
    assert_eq!(none["asked"], 0);

    let more = "set(\"wallet.daily_spend_limit\", 5.00);\nset(\"debt.entry_block_amount\", 4.00)";
    let other = other_rules(&site, &[("set(\"debt.entry_block_amount\", 10.00)", more)]);
    let told = numbers(&site, other.path(), &["--since", "2026-01-01T00:00+04:00"]);
    let change = |from: [&str; 2], to: [&str; 2]| {
        let answer = |[outcome, reason]: [&str; 2]| json!({ "outcome": outcome, "reason": reason });
        json!({ "from": answer(from), "to": answer(to), "count": 1 })
    };
    let changes = [
        change(["grant", "GRANTED"], ["deny", "DAILY_SPEND_LIMIT"]),
        change(["grant_with_warning", "DEBT_WARNING"], ["deny", "DEBT_ENTRY_BLOCKED"]),
    ];
    assert_eq!(told["changes"], json!(changes), "{told}");
    let money = &told["charged"];
    assert_eq!((&money["lost"], &money["gained"]), (&gel("8.00"), &gel("0.00")));
    assert_eq!(told["members_changed"], 2);
    let refused = &told["refused"].as_array().unwrap();
    let sum = |side| refused.iter().map(|row| row[side].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("before"), sum("after")), (1, 3), "the unknown card, and two more");

    daemon.stop().await;
    let text = program::text(&replay(&site, other.path(), &[]).stdout);
    for part in ["changed: 2 of 4", "DEBT_ENTRY_BLOCKED", "N3", "8.00", "not played again"] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[tokio::test]
async fn rules_that_do_not_load_are_refused_with_their_place() {
    let site = tests::site::Folder::write(&Plan::default());
    let other = other_rules(site.path(), &[]);
    let output = replay(site.path(), other.path(), &[]);
    assert_eq!(code(&output), 1);
    assert!(program::text(&output.stderr).contains("no records"), "nothing ran yet");
    fs::write(other.path().join("70_own.rhai"), "if exti { warn(\"DEBT_WARNING\"); }\n").unwrap();
    let output = replay(site.path(), other.path(), &["--json"]);
    let told = program::text(&output.stderr);
    assert_eq!(code(&output), 3, "{told}");
    assert!(told.contains("70_own.rhai:1:4") && output.stdout.is_empty(), "{told}");
    let missing = replay(site.path(), &other.path().join("none"), &[]);
    assert_eq!(code(&missing), 1);
    assert!(program::text(&missing.stderr).contains("cannot read the rule files"));
    assert_eq!(code(&replay(site.path(), other.path(), &["--since", "noon"])), 2);
}

#[test]
fn a_simulated_day_with_its_own_rules_is_decided_the_same_and_with_other_hours_as_they_say() {
    let place = small_example();
    let mut command = Command::new(program::kari());
    command.arg("run").arg(place.path()).args(["--simulate", "--speed", "0", "--quiet"]);
    let played = command.env("NO_COLOR", "1").output().unwrap();
    assert_eq!(played.status.code(), Some(0), "{}", program::text(&played.stderr));
    let own = numbers(place.path(), &place.path().join("rules"), &["--simulated"]);
    assert!(own["asked"].as_u64().unwrap() > 50, "{own}");
    assert_eq!((&own["changes"], &own["only_amount_changed"]), (&json!([]), &0.into()), "{own}");
    assert_eq!(own["charged"]["before"], own["charged"]["after"]);

    let hours = "Mon-Fri 07:00-23:00; Sat,Sun 08:00-22:00; 2027-01-01 closed";
    let other = other_rules(place.path(), &[(hours, "Mon-Sun 12:00-24:00")]);
    let told = numbers(place.path(), other.path(), &["--simulated"]);
    assert!(told["changed"].as_u64().unwrap() > 0, "{told}");
    for change in told["changes"].as_array().unwrap() {
        assert_eq!(change["to"], json!({ "outcome": "deny", "reason": "SITE_CLOSED" }), "{told}");
    }
    for row in told["refused"].as_array().unwrap() {
        let is_early = row["hour"].as_u64().unwrap() < 12;
        assert!(is_early || row["before"] == row["after"], "{row}");
    }
    assert_eq!(told["charged"]["gained"], gel("0.00"));
}
