//! The fire road: whatever else happens, every gate is free.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Site, TestClock, board_gate, device_event, mqtt_site};
use devices::{
    profile::Profiles,
    twin::{ModbusGate, MqttGate},
};
use domain::event::{Direction::*, Happening};
use tokio::time::sleep;

async fn board() -> ModbusGate {
    let profiles = Profiles::load(None).unwrap();
    let profile = profiles.get("relay-gate").unwrap();
    ModbusGate::listen("127.0.0.1:0".parse().unwrap(), 1, profile).await.unwrap()
}

/// Three gates of one kind and two of the other, with queues that nobody empties.
async fn stuffed() -> (Site, Vec<MqttGate>, Vec<ModbusGate>) {
    let boards = vec![board().await, board().await];
    let mut text = mqtt_site("embedded", &["gate-1", "gate-2", "gate-3"]);
    for (id, board) in ["board-1", "board-2"].iter().zip(&boards) {
        text += &board_gate(id, board.address());
    }
    let dead = "127.0.0.1:9".parse().unwrap();
    text += &board_gate("board-dead", dead);
    let site = Site::start_with(&text, 1, TestClock::new()).await;
    let mut gates = Vec::new();
    for id in ["gate-1", "gate-2", "gate-3"] {
        gates.push(site.gate(id).await);
    }
    sleep(Duration::from_millis(150)).await;
    for n in 0..700 {
        for gate in &gates {
            gate.read(Entry, &format!("{n}"), None);
        }
        boards[n % 2].read(Exit, "0102");
    }
    // The server has it all, and more of it than the loop takes: every queue is full.
    sleep(Duration::from_millis(500)).await;
    assert!(gates.iter().all(|gate| gate.unacknowledged() == 700), "nothing was stored");
    (site, gates, boards)
}

async fn all_released(gates: &[MqttGate], boards: &[ModbusGate], released: bool) -> Duration {
    let start = Instant::now();
    loop {
        let done = gates.iter().all(|gate| gate.is_released() == released)
            && boards.iter().all(|board| board.is_released() == released);
        if done {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(5), "not all gates in 5 s");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fire_input_of_a_gate_releases_all_gates_past_stuffed_queues() {
    let (mut site, gates, boards) = stuffed().await;
    gates[1].set_fire(true);
    let took = all_released(&gates, &boards, true).await;
    assert!(took <= Duration::from_millis(250), "{took:?}");
    let told = loop {
        let arrival = site.emergency.recv().await.unwrap();
        let event = device_event(&arrival).clone();
        arrival.ack.done();
        if event.happening == (Happening::FireInput { active: true }) {
            break event;
        }
    };
    assert_eq!(told.device.as_str(), "gate-2");
    assert!(site.gates.try_recv().is_some(), "the ordinary queue was full all the time");

    // It stays so: through an end of the alarm, a board without power, a gate without connection.
    gates[1].set_fire(false);
    boards[0].drop_connections(true);
    gates[0].drop_connection();
    sleep(Duration::from_millis(300)).await;
    gates[0].online().await;
    all_released(&gates, &boards, true).await;
    assert!(site.hub.emergency().is_latched());
    let road = site.hub.emergency();
    road.lift(road.raised());
    all_released(&gates, &boards, false).await;
    sleep(Duration::from_millis(1200)).await;
    assert!(!boards[0].is_released() && !gates[0].is_released(), "and it stays lifted");
    site.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fire_mirror_at_a_board_releases_all_gates_past_stuffed_queues() {
    let (site, gates, boards) = stuffed().await;
    boards[1].set_fire(true);
    let took = all_released(&gates, &boards, true).await;
    assert!(took <= Duration::from_millis(250), "{took:?}");
    site.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_that_was_latched_before_the_start_releases_gates_as_they_come() {
    let board = board().await;
    let text = mqtt_site("embedded", &["gate-1"]) + &board_gate("board-1", board.address());
    let site = Site::start(&text).await;
    site.hub.emergency().raise(&common::device("gate-1"));
    sleep(Duration::from_millis(100)).await;
    let gates = [site.gate("gate-1").await];
    let took = all_released(&gates, &[board], true).await;
    assert!(took <= Duration::from_millis(1300), "{took:?}");
    site.hub.stop().await;
}
