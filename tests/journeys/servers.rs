//! Daemons on a PostgreSQL: one that loses its connection, and two that share a database.

use std::time::Duration;

use devices::twin::MqttGate;
use domain::{
    event::Direction::{Entry, Exit},
    reasons::Reason,
};
use tests::{
    daemon::{Daemon, eventually},
    peers::Postgres,
    records::Whereabouts,
    site::{Guest, Plan, uid},
};

use crate::{
    ask,
    imports::{CROWD, begun, crowd, ends, import, in_order},
    walk,
};

/// Wallets that are raced for, one in each round.
const ROUNDS: u32 = 25;
/// Cards of each wallet, each at a gate of its own.
const CARDS: u32 = 4;

/// Whether the gate let somebody in; who is let in goes through.
async fn entered(gate: &MqttGate, card: &str) -> bool {
    let answer = ask(gate, Entry, card).await;
    let decision = answer.open.and_then(|open| open.decision);
    if decision.is_some() {
        gate.pass(Entry, decision, None);
    }
    decision.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_goes_in_and_out_over_connections_that_break() {
    let name = "a_member_goes_in_and_out_over_connections_that_break";
    let Some(server) = Postgres::start(name).await else { return };
    let guests = vec![Guest::member(1), Guest::paying(2, "100.00")];
    let plan = Plan { guests, server: Some(server.url.clone()), ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let gate = daemon.gate("gate-1").await;
    for number in 0..6 {
        let card = uid(number % 2 + 1);
        walk(&gate, Entry, &card).await;
        walk(&gate, Exit, &card).await;
        server.cut_off().await;
    }
    let records = daemon.records().await;
    let outside =
        async || (records.whereabouts(&uid(2)).await == Whereabouts::default()).then_some(());
    eventually("the last one is outside", outside).await;
    assert_eq!(records.wallet(2).await, (10_000 - 3 * 800, 0));
    let decided = records.decisions().await.into_iter().map(|one| one.verdict);
    let (opened, refused): (Vec<_>, Vec<_>) = decided.partition(|one| one.outcome.opens());
    assert_eq!(opened.len(), 12);
    // Nobody was refused for any other cause than a machine that was late.
    let codes = refused.iter().flat_map(|one| &one.reasons).map(|found| found.reason);
    assert!(codes.into_iter().all(|code| code == Reason::PolicyUnavailable), "{refused:?}");
    gate.stop().await;
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
    // What is kept there is found again by the next run.
    daemon.spawn();
    daemon.ready().await;
    daemon.stop().await;
    records.close().await;
}

/// Two daemons with two gates each, on one database.
async fn two(server: &Postgres, guests: Vec<Guest>) -> (Daemon, Daemon, Vec<MqttGate>) {
    let url = Some(server.url.clone());
    let first = Plan { gates: 2, guests, server: url, ..Plan::default() };
    let second = Plan { daemon: 2, guests: Vec::new(), ..first.clone() };
    let (first, second) = (Daemon::start(&first).await, Daemon::start(&second).await);
    let mut gates = Vec::new();
    for (daemon, number) in [(&first, 1), (&first, 2), (&second, 3), (&second, 4)] {
        gates.push(daemon.gate(&format!("gate-{number}")).await);
    }
    (first, second, gates)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_gates_of_two_daemons_race_for_pays_what_it_can() {
    let name = "a_wallet_that_gates_of_two_daemons_race_for_pays_what_it_can";
    let Some(server) = Postgres::start(name).await else { return };
    // Each wallet has two visits' money and four cards.
    let guest = |number| Guest { cards: CARDS, ..Guest::paying(number, "16.00") };
    let (mut first, mut second, gates) = two(&server, (1..=ROUNDS).map(guest).collect()).await;
    for number in 1..=ROUNDS {
        let cards: Vec<_> = guest(number).uids().collect();
        let (one, two, three, four) = tokio::join!(
            entered(&gates[0], &cards[0]),
            entered(&gates[1], &cards[1]),
            entered(&gates[2], &cards[2]),
            entered(&gates[3], &cards[3]),
        );
        let let_in = [one, two, three, four];
        let count = let_in.iter().filter(|entered| **entered).count();
        assert_eq!(count, 2, "round {number}: {let_in:?}");
    }
    let records = first.records().await;
    let paid = async || (records.charges().await == i64::from(ROUNDS) * 2).then_some(());
    eventually("all are charged", paid).await;
    for number in 1..=ROUNDS {
        assert_eq!(records.wallet(number).await, (0, 0), "{number}");
    }
    for gate in gates {
        gate.stop().await;
    }
    first.stop().await;
    second.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_in_by_one_daemon_goes_out_by_the_other() {
    let name = "who_goes_in_by_one_daemon_goes_out_by_the_other";
    let Some(server) = Postgres::start(name).await else { return };
    let (mut first, mut second, gates) = two(&server, vec![Guest::with_visits(1, 9)]).await;
    let records = first.records().await;
    for round in 0..4 {
        let (entry, exit) = if round % 2 == 0 { (0, 2) } else { (3, 1) };
        walk(&gates[entry], Entry, &uid(1)).await;
        let inside = async || records.whereabouts(&uid(1)).await.visiting.then_some(());
        eventually("the visit has begun", inside).await;
        // The other daemon knows by now, or within a moment.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(ask(&gates[(entry + 2) % 4], Entry, &uid(1)).await.open.is_none(), "{round}");
        walk(&gates[exit], Exit, &uid(1)).await;
        let outside = async || (!records.whereabouts(&uid(1)).await.visiting).then_some(());
        eventually("the visit has ended", outside).await;
    }
    assert_eq!(records.visits_left(1).await, Some(5));
    for gate in gates {
        gate.stop().await;
    }
    // A second process with a number that is in use does not start.
    let mut again = Daemon::of(tests::site::Folder::write(&Plan {
        daemon: 2,
        server: Some(server.url.clone()),
        ..Plan::default()
    }));
    again.spawn();
    assert_ne!(again.ended().await, Some(0));
    assert!(again.messages().contains("another daemon 2 works on"), "{}", again.messages());
    first.stop().await;
    second.stop().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_cut_is_carried_on_by_the_daemon_that_took_it_and_by_no_other() {
    let name = "an_import_that_was_cut_is_carried_on_by_the_daemon_that_took_it_and_by_no_other";
    let Some(server) = Postgres::start(name).await else { return };
    let (mut first, mut second, gates) = two(&server, vec![Guest::member(1)]).await;
    for gate in gates {
        gate.stop().await;
    }
    second.stop().await;
    let records = first.records().await;
    let before = records.members().await;
    let (one, other) = (first.site.path().to_owned(), second.site.path().to_owned());
    let file = crowd(&one, 1);
    let mut asking = begun(&one, &file, &["--as", "members"]);
    let came = async || (records.members().await > before).then_some(());
    eventually("the first piece", came).await;
    first.kill();
    asking.wait().unwrap();
    let half = records.members().await;
    assert!(half - before < i64::from(CROWD), "it was not cut in the middle");

    // Somebody copied the folder: the other daemon has the rows as well.
    let folder = other.join("state/imports");
    std::fs::create_dir_all(&folder).unwrap();
    for rows in std::fs::read_dir(one.join("state/imports")).unwrap() {
        let rows = rows.unwrap();
        std::fs::copy(rows.path(), folder.join(rows.file_name())).unwrap();
    }
    second.spawn();
    second.ready().await;
    assert!(second.messages().contains("the daemon that took it"), "{}", second.messages());
    assert_eq!(records.members().await, half, "it is left alone");
    let told = ends(&import(&other, &crowd(&other, 2), &["--as", "members"]), 1);
    assert!(told.contains("another import is under way"), "{told}");

    first.spawn();
    first.ready().await;
    assert_eq!(records.members().await, before + i64::from(CROWD));
    let free = async || {
        let tried = import(&other, &crowd(&other, 2), &["--as", "members", "--dry-run"]);
        (tried.status.code() == Some(0)).then_some(())
    };
    eventually("the other daemon knows that it has ended", free).await;
    first.stop().await;
    second.stop().await;
    in_order(&one);
    records.check_ledger().await;
    records.close().await;
}
