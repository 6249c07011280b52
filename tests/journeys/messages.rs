//! What devices say too late, and what nobody understands.

use std::time::Duration;

use domain::{reasons::Reason, verdict::Outcome};
use tests::{
    daemon::eventually,
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
