//! What devices say too late, and what nobody understands.

use std::{io::Write as _, time::Duration};

use domain::{
    event::Direction::Entry,
    reasons::{Condition, Reason},
    time::Clock as _,
    verdict::Outcome,
};
use tests::{
    daemon::{Daemon, WallClock, eventually},
    flood::{connect, publish},
    program::{run, text},
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

use crate::{Through, ask, site};

const READER: &str = "homie/5/gate-1/reader-in/uid";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_waited_at_the_broker_opens_nothing() {
    let guests = vec![Guest::paying(1, "20.00"), Guest::paying(2, "20.00")];
    let settings = r#"set("device.event_max_age", "PT2S");"#.to_owned();
    let plan = Plan { gates: 1, guests, settings, ..Plan::default() };
    let through = Through::Mosquitto("a_read_that_waited_at_the_broker_opens_nothing");
    let Some((mut daemon, Some(_broker))) = site(through, plan).await else { return };
    let gate = daemon.gate("gate-1").await;
    daemon.stop().await;
    let read =
        |seq: u64, number| format!(r#"{{"v":1,"boot":70,"seq":{seq},"uid":"{}"}}"#, uid(number));
    gate.publish_raw(READER, read(1, 1).as_bytes(), false);
    sleep(Duration::from_millis(300)).await;
    daemon.spawn();
    daemon.ready().await;
    let records = daemon.records().await;
    let decided = async |count: usize| {
        let all = records.decisions().await;
        (all.len() == count).then_some(all)
    };
    let all = eventually("the read is on record", async || decided(1).await).await;
    let verdict = &all[0].verdict;
    assert_eq!((verdict.outcome, verdict.primary()), (Outcome::Ignore, Reason::EventStale));
    assert!(gate.actuations().is_empty(), "nobody stands there any more");
    // The link has to be up for as long as a request may be old.
    sleep(Duration::from_millis(2500)).await;
    gate.publish_raw(READER, read(2, 2).as_bytes(), false);
    let all = eventually("the next read is on record", async || decided(2).await).await;
    assert!(all[1].verdict.outcome.opens(), "{:?}", all[1].verdict);
    let opened = async || (gate.actuations().len() == 1).then_some(());
    eventually("it opens", opened).await;
    daemon.stop().await;
}

/// A handheld reader, whose session goes on, says what it has just read, or read before.
async fn only_what_is_proven_young_opens(through: Through) {
    let settings = r#"set("device.event_max_age", "PT2S");"#.to_owned();
    let guests = (1..=4).map(Guest::member).collect();
    let plan = Plan { gates: 1, guests, settings, ..Plan::default() };
    let Some((mut daemon, _broker)) = site(through, plan).await else { return };
    let records = daemon.records().await;
    let mut says = connect(daemon.site.broker, "handheld", false).unwrap();
    let mut seq = 0;
    let mut decided = async |reader: &str, number, told: Option<i64>| {
        seq += 1;
        let told = told.map(|t| format!(r#","t":{t}"#)).unwrap_or_default();
        let said = format!(r#"{{"v":1,"boot":70,"seq":{seq}{told},"uid":"{}"}}"#, uid(number));
        let topic = format!("homie/5/gate-1/{reader}/uid");
        says.write_all(&publish(&topic, 2, seq, said.as_bytes())).unwrap();
        let next = async || records.decisions().await.into_iter().nth(usize::from(seq) - 1);
        let verdict = eventually("the read is on record", next).await.verdict;
        (verdict.outcome.opens(), verdict.primary())
    };
    let now = || WallClock.now().micros() / 1000;
    if matches!(through, Through::Embedded) {
        let old = decided("reader-in", 1, None).await;
        assert_eq!(old, (false, Reason::EventStale), "nobody knows how old it is");
        let (opens, why) = decided("reader-in", 2, Some(now())).await;
        assert!(opens, "its own time says that it is young: {why:?}");
    }
    sleep(Duration::from_millis(2500)).await;
    let (opens, why) = decided("reader-in", 3, None).await;
    assert!(opens, "the link has been up for as long as a request may be old: {why:?}");
    let (opens, why) = decided("reader-out", 4, Some(now() - 3_600_000)).await;
    assert!(opens, "no clock that is an hour behind keeps anybody in: {why:?}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_proven_young_opens_at_our_own_door() {
    only_what_is_proven_young_opens(Through::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_proven_young_opens_through_mosquitto() {
    let name = "only_what_is_proven_young_opens_through_mosquitto";
    only_what_is_proven_young_opens(Through::Mosquitto(name)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_paid_at_the_grant_of_a_gate_that_did_not_turn_gets_it_back_and_reads_again() {
    let settings = r#"set("anti_passback.confirm_by", "grant");
        set("presence.duplicate_read_window", "PT30S");"#;
    let guests = vec![Guest::paying(1, "20.00")];
    let plan = Plan { gates: 1, guests, settings: settings.to_owned(), ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let (gate, records) = (daemon.gate("gate-1").await, daemon.records().await);
    gate.refuse(Some("motor blocked"));
    gate.read(Entry, &uid(1), None);
    let failed = async || {
        let noted = records.conditions().await;
        noted.iter().any(|one| one.condition == Condition::CommandFailed).then_some(())
    };
    eventually("the failure is on record", failed).await;
    assert_eq!(records.wallet(1).await, (2000, 0), "nothing is paid");
    assert_eq!(records.whereabouts(&uid(1)).await.inside, 0, "nobody is inside");
    assert_eq!((gate.actuations().len(), gate.tally().refused), (0, 3));
    gate.refuse(None);
    gate.forget_answers().await;
    let open = ask(&gate, Entry, &uid(1)).await.open.expect("it opens");
    gate.pass(Entry, open.decision, None);
    let booked = async || (gate.unacknowledged() == 0).then_some(());
    eventually("the passage is booked", booked).await;
    assert_eq!(records.wallet(1).await, (1200, 0));
    assert_eq!(records.whereabouts(&uid(1)).await.inside, 1);
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_understands_is_said_and_listed_and_what_is_meant_is_taken() {
    let guests = (1..=3).map(Guest::member).collect();
    let daemon = Daemon::start(&Plan { guests, ..Plan::default() }).await;
    let gate = daemon.gate("gate-1").await;
    for said in [
        r#"{"v":1,"boot":9,"seq":1,"uid":1561520282}"#,
        "5D12E89A",
        r#"{"v":1,"boot":9,"seq":2,"uid":"5D12E89A","pin":4321,"factor":"x"}"#,
    ] {
        gate.publish_raw(READER, said.as_bytes(), false);
    }
    // A reader that ends what it reads like a keyboard, one with spaces, one that says more.
    let now = WallClock.now().micros() / 1000;
    let meant = [
        format!(r#"{{"v":1,"boot":9,"seq":5,"t":{now},"uid":"{}\r\n"}}"#, uid(1)),
        format!(r#"{{"v":1,"boot":9,"seq":6,"t":{now},"uid":" {} "}}"#, uid(2)),
        format!(r#"{{"v":1,"boot":9,"seq":7,"t":{now},"uid":"{}","extra":1}}"#, uid(3)),
    ];
    for said in &meant {
        gate.publish_raw(READER, said.as_bytes(), false);
    }
    let records = daemon.records().await;
    let decided = async || (records.decisions().await.len() == meant.len()).then_some(());
    eventually("three reads are decided", decided).await;
    let known = records.decisions().await.iter().filter(|one| one.member.is_some()).count();
    assert_eq!(known, meant.len(), "each band is known");
    let opened = async || (!gate.actuations().is_empty()).then_some(());
    eventually("it opens", opened).await;
    assert!(daemon.messages().contains("kari device messages"), "{}", daemon.messages());
    let folder = daemon.site.path().to_str().unwrap();
    let listed = async || {
        let listed = text(&run(["device", "messages", folder, "gate-1"]).stdout);
        (listed.lines().count() == 3).then_some(listed)
    };
    let listed = eventually("three messages are listed", listed).await;
    assert!(listed.contains("1561520282") && listed.contains(READER), "{listed}");
    assert!(!listed.contains("4321"), "no code of a keypad is shown: {listed}");
    assert_eq!(text(&run(["device", "messages", folder, "gate-2"]).stdout), "");
}
