//! A gate on a relay board, played by a Modbus server that is not ours.

use domain::reasons::Condition;
use tests::{
    daemon::{Daemon, eventually},
    peers::Pymodbus,
    program,
    site::{Guest, Plan, uid},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_enters_over_a_relay_board() {
    let Some(mut board) = Pymodbus::start("somebody_enters_over_a_relay_board") else { return };
    let guests = vec![Guest::paying(1, "20.00")];
    let plan = Plan { gates: 0, boards: vec![board.address], guests, ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let records = daemon.records().await;
    eventually("the board is connected", async || {
        let noted = records.conditions().await;
        noted.iter().any(|noted| noted.condition == Condition::DeviceOnline).then_some(())
    })
    .await;
    board.order(&format!("read 0 {}", uid(1)));
    assert_eq!(board.line(), "pulse 0 5", "half a second of the relay of the way in");
    board.order("input 0 1");
    let there = async || (records.whereabouts(&uid(1)).await.inside == 1).then_some(());
    eventually("the passage is booked", there).await;
    board.order("input 0 0");
    assert_eq!(records.wallet(1).await, (1200, 0));
    board.order(&format!("read 16 {}", uid(1)));
    assert_eq!(board.line(), "pulse 1 5", "the way out");
    board.order("input 1 1");
    let gone = async || (records.whereabouts(&uid(1)).await.inside == 0).then_some(());
    eventually("the exit is booked", gone).await;
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_that_refuses_to_open_is_said_everywhere_and_costs_nothing() {
    let test = "a_board_that_refuses_to_open_is_said_everywhere_and_costs_nothing";
    let Some(mut board) = Pymodbus::start(test) else { return };
    let guests = vec![Guest::paying(1, "20.00")];
    let plan = Plan { gates: 0, boards: vec![board.address], guests, ..Plan::default() };
    let mut daemon = Daemon::start(&plan).await;
    let records = daemon.records().await;
    let noted = async |wanted: Condition| {
        let noted = records.conditions().await;
        noted.into_iter().find(|noted| noted.condition == wanted)
    };
    eventually("the board is connected", async || noted(Condition::DeviceOnline).await).await;
    board.order("refuse 2");
    board.order(&format!("read 0 {}", uid(1)));
    let failed = async || noted(Condition::CommandFailed).await;
    let failed = eventually("the failure is on record", failed).await;
    let decision = records.decision(failed.decision.unwrap()).await.unwrap();
    assert!(decision.verdict.outcome.opens(), "it was granted");
    let gone = async || (!records.whereabouts(&uid(1)).await.pending).then_some(());
    eventually("nothing is promised any more", gone).await;
    assert_eq!(records.wallet(1).await, (2000, 0));
    let site = daemon.site.path().to_str().unwrap().to_owned();
    let said = program::run(["explain", &site, &decision.id.to_string()]);
    let said = program::text(&said.stdout);
    for part in ["What became of its command", "`open_entry` (coil 0x0200)", "exception 02"] {
        assert!(said.contains(part), "expected {part} in: {said}");
    }
    let counted = async || {
        let (_, text) = daemon.get("/metrics").await?;
        text.contains("kari_commands_failed_total 1").then_some(())
    };
    eventually("it is counted", counted).await;
    let (_, status) = daemon.get("/api/v1/status").await.unwrap();
    assert!(status.contains("exception 02"), "{status}");
    let log = daemon.messages();
    for part in ["the board is online", "a command failed", "coil 0x0200"] {
        assert!(log.contains(part), "expected {part} in: {log}");
    }
    board.order("refuse 0");
    daemon.stop().await;
    records.check_ledger().await;
    records.check_chain().await;
}
