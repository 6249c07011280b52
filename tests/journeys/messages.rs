//! What devices say too late, and what nobody understands.

use std::time::Duration;

use domain::{reasons::Reason, time::Clock as _, verdict::Outcome};
use tests::{
    daemon::{Daemon, WallClock, eventually},
    program::{run, text},
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

use crate::{Through, site};

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
