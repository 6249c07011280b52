//! The commands beside a daemon, as a person or a script uses them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use domain::event::Direction::Entry;
use serde_json::Value;
use tests::{
    daemon::Daemon,
    ports, program, root,
    site::{Folder, Guest, Plan, uid},
};

use crate::granted;

fn run(arguments: &[&str], folder: &Path) -> Output {
    let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(|word| (*word).as_ref()).collect();
    all.push(folder.as_os_str());
    program::run(all)
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", program::text(&output.stdout)))
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(path) = waiting.pop() {
        match fs::read_dir(&path) {
            Ok(inside) => waiting.extend(inside.map(|entry| entry.unwrap().path())),
            Err(_) => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

/// What a command says on stderr, and its code, where nobody reads its stdout.
fn unread(arguments: &[&str]) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(program::kari()).args(arguments).stdout(writer).output().unwrap();
    (code(&output), program::text(&output.stderr))
}

#[test]
fn a_closed_pipe_ends_no_command_with_a_panic() {
    let site = root().join("examples/swimming-pool");
    let site = site.to_str().unwrap();
    for arguments in [
        &["version"][..],
        &["completions", "bash"],
        &["check", site],
        &["params", "list", site, "--json"],
        &["params", "list", site],
        &["init", "--help"],
    ] {
        let (code, told) = unread(arguments);
        assert_eq!((code, told.as_str()), (0, ""), "{arguments:?}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut wrong = Command::new(program::kari());
    let status = wrong.args(["check", "/nowhere"]).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(3), "stderr too, and the code is the command's own");
}

#[test]
fn a_new_site_is_made_and_is_in_order() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("my-pool");
    let made = run(&["init", "--demo"], &folder);
    assert_eq!(code(&made), 0, "{}", program::text(&made.stderr));
    let checked = run(&["check"], &folder);
    assert_eq!(code(&checked), 0, "{}", program::text(&checked.stderr));
    assert!(program::text(&checked.stdout).contains("in order"));
    let definitions = fs::read_to_string(folder.join("rules/kari.d.rhai")).unwrap();
    assert!(definitions.contains("\nmodule static;\n"), "for editors");
    let again = run(&["init"], &folder);
    assert_eq!(code(&again), 1);
    assert!(program::text(&again.stderr).contains("name another folder"));
    let looked = run(&["--json", "doctor"], &folder);
    assert_eq!(code(&looked), 0, "{}", program::text(&looked.stdout));
    assert!(json(&looked)["checks"].as_array().unwrap().len() >= 6);
}

#[test]
fn a_mistake_in_a_rule_file_is_shown_with_its_place_and_changes_nothing() {
    let site = Folder::write(&Plan::default());
    for (text, parts) in [
        ("if entry {\n    deny(\"DEBT_BLOCKED\");\n}\n", ["rhai:2:10", "DEBT_BLOCKED"]),
        ("if exti { warn(\"DEBT_WARNING\"); }\n", ["rhai:1:4", "`exti`"]),
        ("if exit {\n", ["rhai:2:1", "70_own"]),
        (
            "switch credential_state {\n  \"active\" => (),\n  \
             \"lsot\" => warn(\"DEBT_WARNING\"),\n}\n",
            ["rhai:3:3", "`lost`"],
        ),
        (
            "switch visits_left { \"2\" => warn(\"DEBT_WARNING\"), _ => () }\n",
            ["rhai:1:22", "write 2 without quotes"],
        ),
    ] {
        site.save_rule("70_own.rhai", text);
        let before = files(site.path());
        let checked = run(&["check"], site.path());
        assert_eq!(code(&checked), 3);
        let told = program::text(&checked.stderr);
        for part in parts.iter().chain(&["70_own.rhai:", "help: "]) {
            assert!(told.contains(part), "`{part}` is missing in:\n{told}");
        }
        let report = json(&run(&["--json", "check"], site.path()));
        assert_eq!(report["valid"], false);
        assert_eq!(report["problems"].as_array().unwrap().len(), 1);
        assert_eq!(files(site.path()), before, "nothing was changed");
    }
    fs::write(site.path().join("site.toml"), "[site]\nnome = 'x'\n").unwrap();
    let checked = run(&["check"], site.path());
    assert_eq!(code(&checked), 3);
    let told = program::text(&checked.stderr);
    assert!(told.contains("site.toml:2:1: unknown field `nome`"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_beside_a_daemon_tell_what_it_did() {
    let guests = vec![Guest::member(1)];
    let mut daemon = Daemon::start(&Plan { guests, ..Plan::default() }).await;
    let folder = daemon.site.path().to_path_buf();
    let gate = daemon.gate("gate-1").await;
    let decision = granted(&gate, Entry, &uid(1)).await;
    let explained = run(&["--json", "explain"], &folder);
    assert_eq!(json(&explained)["id"], decision.to_string(), "the latest one");
    for language in ["ka", "hy", "ru", "en"] {
        let explained = run(&["explain", "--language", language], &folder);
        assert_eq!(code(&explained), 0);
        assert!(program::text(&explained.stdout).contains("GRANTED"), "for the auditor");
    }
    let nothing = "00000000-0000-0000-0000-000000000000";
    let unknown = program::run(["explain", folder.to_str().unwrap(), nothing]);
    assert_eq!(code(&unknown), 1);
    let looked = json(&run(&["--json", "doctor"], &folder));
    let daemon_is = &looked["checks"][5];
    assert!(daemon_is["told"].as_str().unwrap().ends_with("is ready"), "{daemon_is}");
    let verified = json(&run(&["--json", "verify"], &folder));
    assert_eq!(verified["intact"], true);
    let second = run(&["run", "--quiet"], &folder);
    assert_eq!(code(&second), 1);
    assert!(program::text(&second.stderr).contains("another daemon 1 works on"));
    daemon.stop().await;
    let alone = run(&["--json", "explain"], &folder);
    assert_eq!(json(&alone)["id"], decision.to_string(), "without a daemon too");
    let arguments = ["emergency", "reset", folder.to_str().unwrap()];
    let who = ["--operator", "nino", "--terminal", "till-1"];
    let unreachable = program::run_with_pin("1111", arguments.into_iter().chain(who));
    assert_eq!(code(&unreachable), 4);
    assert!(program::text(&unreachable.stderr).contains("start it first"));
}

#[test]
fn version_completions_and_help_are_there() {
    let version = json(&program::run(["version", "--json"]));
    assert_eq!(version["version"], "0.1.0");
    assert!(version["time_zones"].as_u64().unwrap() > 300);
    let completions = program::run(["completions", "bash"]);
    assert!(program::text(&completions.stdout).contains("complete -F _kari"));
    assert_eq!(code(&program::run(["no-such-command"])), 2);
    for word in
        ["run", "check", "init", "simulate", "explain", "replay", "params", "doctor", "verify"]
    {
        let help = program::text(&program::run([word, "--help"]).stdout);
        assert!(help.contains("Example"), "{word}: {help}");
    }
}

/// A copy of the example with fewer people and ports of its own.
pub(crate) fn small_example() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let example = root().join("examples/swimming-pool");
    for name in ["rules", "data"] {
        fs::create_dir(place.path().join(name)).unwrap();
        for file in fs::read_dir(example.join(name)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), place.path().join(name).join(file.file_name())).unwrap();
        }
    }
    let mut text = fs::read_to_string(example.join("site.toml")).unwrap();
    for address in ["127.0.0.1:8420", "127.0.0.1:1883", "127.0.0.1:1502"] {
        assert!(text.contains(address), "{address}");
        text = text.replace(address, &ports::free().to_string());
    }
    fs::write(place.path().join("site.toml"), text).unwrap();
    let data = place.path().join("data");
    let numbers = keep(&data.join("members.csv"), |number, _| number, 60, &[]);
    keep(&data.join("credentials.csv"), |_, second| second, usize::MAX, &numbers);
    keep(&data.join("passes.csv"), |number, _| number, usize::MAX, &numbers);
    place
}

/// Keeps at most `most` rows of a file, and of them those of `members`; the members that are left.
fn keep(
    file: &Path,
    member: impl for<'a> Fn(&'a str, &'a str) -> &'a str,
    most: usize,
    members: &[String],
) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let of = |line: &str| {
        let mut columns = line.split(',');
        let (first, second) = (columns.next().unwrap(), columns.next().unwrap());
        member(first, second).to_owned()
    };
    let known = |line: &&str| members.is_empty() || members.contains(&of(line));
    let rows: Vec<&str> = text.lines().skip(1).filter(known).take(most).collect();
    let kept = format!("{}\n{}\n", text.lines().next().unwrap(), rows.join("\n"));
    fs::write(file, kept).unwrap();
    rows.into_iter().map(of).collect()
}

#[test]
fn the_example_plays_its_day_and_ends() {
    let place = small_example();
    let mut command = Command::new(program::kari());
    command.arg("run").arg(place.path()).args(["--simulate", "--speed", "0", "--quiet"]);
    let played = command.env("NO_COLOR", "1").output().unwrap();
    let (out, messages) = (program::text(&played.stdout), program::text(&played.stderr));
    assert_eq!(played.status.code(), Some(0), "{out}{messages}");
    let decisions = messages.lines().chain(out.lines());
    assert!(decisions.clone().count() > 0, "it says what it did");
}
