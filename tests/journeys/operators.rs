//! Operators from the command line: an override that opens, and a value that is set above the
//! files.

use domain::{event::Direction::Entry, verdict::Outcome};
use serde_json::Value;
use tests::{
    daemon::Daemon,
    program,
    site::{Guest, Plan, RIGHTS, uid},
};

use crate::told;

const NINO: [&str; 4] = ["--operator", "nino", "--terminal", "till-1"];

fn owing() -> Guest {
    Guest { balance: "-18.50", debt_since: "2026-01-05T10:00:00Z", ..Guest::member(7) }
}

async fn site_with_a_debtor() -> Daemon {
    let settings = RIGHTS.to_owned();
    Daemon::start(&Plan { guests: vec![owing()], settings, ..Plan::default() }).await
}

fn run(pin: &str, words: &[&str]) -> (Option<i32>, String) {
    let done = program::run_with_pin(pin, words.iter().chain(&NINO));
    (done.status.code(), program::text(&done.stdout) + &program::text(&done.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_override_opens_once_and_is_on_record() {
    let daemon = site_with_a_debtor().await;
    let folder = daemon.site.path().to_str().unwrap().to_owned();
    let gate = daemon.gate("gate-1").await;
    let refused = told(&gate, Entry, &uid(7)).await.decision.unwrap().to_string();
    let words = |code| ["override", &folder, &refused, "--code", code, "--reason", "goodwill"];
    let wrong = run("1111", &words("DEBT"));
    assert!(wrong.1.contains("`DEBT` is not the code of a reason"), "{wrong:?}");
    let foreign = run("1111", &words("MEMBER_BLOCKED"));
    assert!(foreign.0 == Some(1) && foreign.1.contains("no reason that refused"), "{foreign:?}");
    assert!(gate.actuations().is_empty(), "it stays shut");
    let granted = ["override", &folder, "--code", "SITE_CLOSED", "--reason", "goodwill"];
    let unlisted = run("1111", &[&granted[..2], &[refused.as_str()], &granted[2..]].concat());
    assert!(unlisted.1.contains("is no reason that refused there"), "{unlisted:?}");
    let opened = run("1111", &words("DEBT_ENTRY_BLOCKED"));
    assert_eq!(opened.0, Some(0), "{opened:?}");
    tests::daemon::eventually("it opens", async || (!gate.actuations().is_empty()).then_some(()))
        .await;
    let again = run("1111", &words("DEBT_ENTRY_BLOCKED"));
    assert!(again.1.contains("was lifted already"), "{again:?}");
    let explained = program::run(["--json", "explain", &folder]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["verdict"]["reasons"][0]["reason"], "GRANTED_OVERRIDE", "{explained}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_the_database_stands_above_the_files_and_outlives_the_daemon() {
    let mut daemon = site_with_a_debtor().await;
    let folder = daemon.site.path().to_str().unwrap().to_owned();
    let gate = daemon.gate("gate-1").await;
    assert_eq!(told(&gate, Entry, &uid(7)).await.outcome, Outcome::Deny);
    let set = |words: &[&str]| run("1111", &[&["params", "set", &folder], words].concat());
    for (words, why) in [
        (&["debt.entry_block_amont", "20.00"][..], "mean `debt.entry_block_amount`?"),
        (&["debt.entry_block_amount", "a lot"], "help: "),
        (&["debt.entry_block_amount", "20.00", "--device", "gate-1"], "never set for a device"),
        (&["debt.entry_block_amount", "20.00", "--tariff", "moth"], "mean `month`?"),
        (&["guardian.pickup_under_age", "10"], "desk"),
        (&["operator.allowed_terminals", "nope", "--role", "manager"], "till-1, till-2"),
        (&["wallet.min_balance", "5.00"], "help: "),
    ] {
        let refused = set(words);
        assert!(refused.0 != Some(0) && refused.1.contains(why), "{words:?}: {refused:?}");
    }
    assert_eq!(told(&gate, Entry, &uid(7)).await.outcome, Outcome::Deny, "nothing was changed");
    let done = set(&["debt.entry_block_amount", "20.00"]);
    assert_eq!(done.0, Some(0), "{done:?}");
    let shown = told(&gate, Entry, &uid(7)).await;
    assert_eq!(shown.outcome, Outcome::GrantWithWarning, "he still owes, and is told");
    let get = || {
        program::text(
            &program::run(["params", "explain", &folder, "debt.entry_block_amount"]).stdout,
        )
    };
    assert!(get().contains("debt.entry_block_amount is 20.00"), "{}", get());
    assert!(get().contains("database, by nino"), "{}", get());
    gate.stop().await;
    daemon.stop().await;
    daemon.spawn();
    daemon.ready().await;
    assert!(get().contains("20.00"), "it is kept");
    let taken = set(&["debt.entry_block_amount"]);
    assert_eq!(taken.0, Some(0), "{taken:?}");
    assert!(get().contains("00_site.rhai:") && !get().contains("database"), "{}", get());
    daemon.stop().await;
    let refused = set(&["debt.entry_block_amount", "20.00"]);
    assert!(refused.0 == Some(4) && refused.1.contains("start it first"), "{refused:?}");
    daemon.records().await.check_chain().await;
}
