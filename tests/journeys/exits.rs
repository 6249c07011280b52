//! The way out opens, whatever the rules say and whatever the database does.

use std::{fs, time::Duration};

use domain::{
    event::Direction::{Entry, Exit},
    reasons::Reason,
    verdict::Outcome,
};
use sqlx::Connection;
use tests::{
    daemon::{Daemon, eventually},
    late::Measured,
    records,
    site::{Folder, Guest, Plan, uid},
};

use crate::{ask, told, walk};

fn plan() -> Plan {
    Plan { gates: 2, guests: vec![Guest::member(1), Guest::member(2)], ..Plan::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_is_never_denied_by_rules_that_deny_everything() {
    let daemon = Daemon::of(Folder::write(&plan()));
    let deny =
        "if exit { deny(\"NO_ACCESS_RIGHTS\"); }\nif entry { deny(\"NO_ACCESS_RIGHTS\"); }\n";
    daemon.site.save_rule("99_nobody.rhai", deny);
    // The shipped cases would not have it.
    for file in fs::read_dir(daemon.site.rules()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            fs::remove_file(path).unwrap();
        }
    }
    let mut daemon = daemon;
    daemon.spawn();
    daemon.ready().await;
    let gate = daemon.gate("gate-1").await;
    let shown = told(&gate, Entry, &uid(1)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, Some(Reason::NoAccessRights)));
    for card in [&uid(1), "0BAD"] {
        let answer = ask(&gate, Exit, card).await;
        assert!(answer.open.is_some(), "{card}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_opens_without_any_rules() {
    let mut daemon = Daemon::of(Folder::write(&plan()));
    let good = fs::read_to_string(daemon.site.rules().join("60_money.rhai")).unwrap();
    daemon.site.save_rule("60_money.rhai", "if entry {");
    daemon.spawn();
    daemon.serves("/healthz").await;
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 503, "it is not ready, and says so");
    let gate = daemon.gate("gate-1").await;
    let shown = told(&gate, Entry, &uid(1)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, None));
    let answer = ask(&gate, Exit, &uid(1)).await;
    assert!(answer.open.is_some(), "{answer:?}");
    daemon.site.save_rule("60_money.rhai", good);
    daemon.ready().await;
    assert_eq!(told(&gate, Entry, &uid(2)).await.outcome, Outcome::Grant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_opens_while_the_database_stands_still() {
    let mut daemon = Daemon::start(&plan()).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    walk(&gate, Entry, &uid(1)).await;
    let records = daemon.records().await;
    let inside = async || (records.whereabouts(&uid(1)).await.inside == 1).then_some(());
    eventually("somebody is inside", inside).await;
    let before = records.decisions().await.len();

    let lock = records::lock(&daemon.site.database()).await;
    let start = Measured::start(&[daemon.process()]);
    gate.read(Exit, &uid(1), None);
    let twice = async || (gate.actuations().len() == 2).then_some(());
    eventually("the exit opens", twice).await;
    let opened = gate.actuations()[1].open.came;
    start.assert_within(Duration::from_millis(500), opened, "the exit opens");
    let shown = told(&other, Entry, &uid(2)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, None));
    start.assert_within(Duration::from_secs(1), shown.came, "answered while it stands still");
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 503, "it says so");
    assert_eq!(records.decisions().await.len(), before, "nothing is durable yet");
    lock.close().await.unwrap();

    let recorded = async || {
        let decisions = records.decisions().await;
        let new: Vec<_> = decisions[before..].iter().map(|one| one.direction).collect();
        (new == [Some(Exit), Some(Entry)]).then(|| decisions[before + 1].verdict.clone())
    };
    let entry = eventually("both are recorded afterwards", recorded).await;
    assert_eq!((entry.outcome, entry.primary()), (Outcome::Deny, Reason::PolicyUnavailable));
    assert_eq!(gate.actuations().len(), 2, "the exit opened once");
    let open = gate.actuations()[1].open;
    gate.pass(Exit, open.decision, None);
    let outside = async || (records.whereabouts(&uid(1)).await.inside == 0).then_some(());
    eventually("the passage finds its grant", outside).await;
    daemon.ready().await;
    assert_eq!(told(&other, Entry, &uid(2)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    records.check_chain().await;
}
