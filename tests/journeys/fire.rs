//! Fire: released stays released, whatever the rules, the daemon or the network do.

use std::{
    fs,
    process::Output,
    time::{Duration, Instant},
};

use devices::{
    profile::Profiles,
    twin::{IndicateSeen, ModbusGate, MqttGate},
};
use domain::{
    event::Direction::{self, Entry, Exit},
    reasons::Reason,
    verdict::Outcome,
};
use rustix::process::Signal;
use serde_json::json;
use tests::{
    daemon::{Daemon, eventually},
    peers::{AWAY, BACK, CUT_OFF, Postgres},
    program,
    site::{Guest, Plan, RIGHTS, uid},
};

use crate::{told, walk};

async fn board() -> ModbusGate {
    let profiles = Profiles::load(None).unwrap();
    let profile = profiles.get("relay-gate").unwrap();
    ModbusGate::listen("127.0.0.1:0".parse().unwrap(), 1, profile).await.unwrap()
}

fn told_of(done: &Output) -> (Option<i32>, String) {
    (done.status.code(), program::text(&done.stdout) + &program::text(&done.stderr))
}

fn site_of(daemon: &Daemon) -> &str {
    daemon.site.path().to_str().unwrap()
}

/// The first of two.
fn reset(daemon: &Daemon, operator: &str, pin: &str) -> (Option<i32>, String) {
    let who = ["--operator", operator, "--terminal", "till-1"];
    let what = ["emergency", "reset", site_of(daemon)];
    told_of(&program::run_with_pin(pin, what.into_iter().chain(who)))
}

/// The second, at a till.
fn confirm(daemon: &Daemon, operator: &str, pin: &str, till: &str) -> (Option<i32>, String) {
    let who = ["--operator", operator, "--terminal", till];
    let what = ["confirm", site_of(daemon), "till-1"];
    told_of(&program::run_with_pin(pin, what.into_iter().chain(who)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fire_releases_every_gate_until_two_people_reset_it() {
    let board = board().await;
    let guests = vec![Guest::member(1), Guest::paying(2, "20.00")];
    let (settings, boards) = (RIGHTS.to_owned(), vec![board.address()]);
    let plan = Plan { gates: 2, boards, guests, settings, ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let (burning, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    walk(&other, Entry, &uid(1)).await;
    daemon.site.save_rule("60_money.rhai", "if entry {");
    eventually("the broken rules are refused", async || {
        let status = daemon.ask(&json!({ "ask": "status" })).await;
        status["refused"].is_string().then_some(())
    })
    .await;

    burning.set_fire(true);
    let all = async || {
        (burning.is_released() && other.is_released() && board.is_released()).then_some(())
    };
    eventually("every gate is released", all).await;
    in_an_emergency(&other).await;

    daemon.kill();
    // A gate that lost its power meanwhile comes back shut.
    board.drop_connections(true);
    assert!(!board.is_released());
    daemon.spawn();
    daemon.ready().await;
    eventually("every gate is released again", all).await;
    other.online().await;
    in_an_emergency(&other).await;

    let refused = reset(&daemon, "nino", "1111");
    assert!(refused.0 == Some(1) && refused.1.contains("gate-1"), "it burns: {refused:?}");
    burning.set_fire(false);
    let wrong = reset(&daemon, "nino", "2222");
    assert!(wrong.0 == Some(1) && wrong.1.contains("not the PIN of `nino`"), "{wrong:?}");
    let unknown = reset(&daemon, "nobody", "1111");
    assert!(unknown.1.contains("no operator is called `nobody`"), "{unknown:?}");
    let cashier = reset(&daemon, "maka", "3333");
    assert!(cashier.0 == Some(1) && cashier.1.contains("Your role may not"), "{cashier:?}");
    let waits = async || {
        let first = reset(&daemon, "nino", "1111");
        assert_eq!(first.0, Some(1), "{first:?}");
        first.1.contains("waits 60 seconds for a second person").then_some(())
    };
    eventually("the reset waits for a second person", waits).await;
    for (operator, pin, till) in [("nino", "1111", "till-2"), ("levan", "2222", "till-1")] {
        let refused = confirm(&daemon, operator, pin, till);
        let lacks = refused.1.contains("waits 60 seconds for a second person");
        assert!(refused.0 == Some(1) && lacks, "{operator} at {till}: {refused:?}");
    }
    assert!(burning.is_released() && board.is_released(), "released stays released");
    let confirmed = confirm(&daemon, "levan", "2222", "till-2");
    assert_eq!(confirmed.0, Some(0), "{confirmed:?}");
    let none = async || {
        (!burning.is_released() && !other.is_released() && !board.is_released()).then_some(())
    };
    eventually("every gate is controlled again", none).await;
    walk(&other, Entry, &uid(1)).await;
    daemon.stop().await;
    let records = daemon.records().await;
    assert_eq!(records.charges().await, 0, "an emergency charges nothing");
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_database_is_away_releases_what_the_last_run_had_released() {
    let name = "a_start_whose_database_is_away_releases_what_the_last_run_had_released";
    let Some(server) = Postgres::start(name).await else { return };
    let board = board().await;
    let (settings, boards) = (RIGHTS.to_owned(), vec![board.address()]);
    let url = Some(server.url.clone());
    let plan = Plan { gates: 1, boards, settings, server: url, ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let gate = daemon.gate("gate-1").await;
    let released = async || board.is_released().then_some(());
    let controlled = async || (!board.is_released()).then_some(());
    gate.set_fire(true);
    eventually("every gate is released", released).await;
    let noted = async || {
        let latched = fs::read_to_string(daemon.site.path().join("state/emergency.json")).ok()?;
        latched.contains("gate-1").then_some(())
    };
    eventually("it is known beside the database", noted).await;
    // Nobody says any more that it burns.
    drop(gate);
    daemon.kill();
    server.order(&[CUT_OFF, AWAY]).await;
    board.drop_connections(true);
    assert!(!board.is_released());
    daemon.spawn();
    daemon.serves("/healthz").await;
    eventually("it is released without the database", released).await;
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.messages());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    daemon.spawn();
    daemon.serves("/healthz").await;
    server.order(&[BACK]).await;
    daemon.ready().await;
    assert!(board.is_released(), "the database says so, too");

    let gate = daemon.gate("gate-1").await;
    gate.set_fire(false);
    let waits = async || {
        let first = reset(&daemon, "nino", "1111");
        first.1.contains("waits 60 seconds for a second person").then_some(())
    };
    eventually("the reset waits for a second person", waits).await;
    let confirmed = confirm(&daemon, "levan", "2222", "till-2");
    assert_eq!(confirmed.0, Some(0), "{confirmed:?}");
    eventually("every gate is controlled again", controlled).await;
    // As if the run had ended between the reset and what is kept of it beside the database.
    daemon.stop().await;
    let left = r#"{"started":"2026-01-05T10:00:00Z","source":"gate-1"}"#;
    fs::write(daemon.site.path().join("state/emergency.json"), left).unwrap();
    server.order(&[CUT_OFF, AWAY]).await;
    daemon.spawn();
    daemon.serves("/healthz").await;
    eventually("nobody knows that it is over", released).await;
    server.order(&[BACK]).await;
    daemon.ready().await;
    eventually("the database knows", controlled).await;
    daemon.stop().await;
}

async fn in_an_emergency(gate: &MqttGate) {
    let shown = self::shown(gate, Exit, &uid(1)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Release, Some(Reason::EmergencyRelease)));
    let shown = told(gate, Entry, &uid(2)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, Some(Reason::EmergencyEntryClosed)));
    let shown = self::shown(gate, Exit, "0BAD").await;
    assert_eq!(shown.outcome, Outcome::Release, "nobody is asked who they are");
}

/// What is shown for a read at a released gate, which needs no command to open.
async fn shown(gate: &MqttGate, direction: Direction, uid: &str) -> IndicateSeen {
    gate.forget_answers().await;
    gate.read(direction, uid, None);
    let answer = async || gate.answer(Duration::from_millis(200)).await.indicate;
    eventually("an answer is shown", answer).await
}
