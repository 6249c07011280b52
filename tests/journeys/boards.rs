//! A gate on a relay board, played by a Modbus server that is not ours.

use domain::reasons::Condition;
use tests::{
    daemon::{Daemon, eventually},
    peers::Pymodbus,
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
