//! The Modbus link against the twin, and against pymodbus as a server that is not ours.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use common::{Site, TestClock, board_gate, device_event, left_out, open, read_of};
use devices::{profile::Profiles, twin::ModbusGate};
use domain::{
    command::CommandFailed,
    event::{Direction::*, Happening},
};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

async fn board() -> ModbusGate {
    let profiles = Profiles::load(None).unwrap();
    let profile = profiles.get("relay-gate").unwrap();
    ModbusGate::listen("127.0.0.1:0".parse().unwrap(), 1, profile).await.unwrap()
}

async fn site(board: &ModbusGate) -> Site {
    let site = Site::start(&board_gate("gate-2", board.address())).await;
    site.up().await;
    site
}

#[tokio::test]
async fn people_are_let_in_and_refused_through_a_board() {
    let board = board().await;
    board.read(Entry, "0BAD");
    let mut site = site(&board).await;
    board.read(Entry, "04A2B3");
    let arrival = site.event().await;
    let first = device_event(&arrival).clone();
    assert_eq!(first.happening, read_of("04A2B3", Entry), "what was there before is no read");
    let start = Instant::now();
    site.grant("gate-2", Entry);
    let pulse = board.opened(Entry, SECOND).await.unwrap();
    assert!(pulse.came.duration_since(start) < Duration::from_millis(100), "commands come first");
    assert_eq!((pulse.coil, pulse.length), (0, Duration::from_millis(500)));
    board.pass(Entry);
    let arrival = site.event().await;
    let made = Happening::PassageMade { direction: Entry, decision: None };
    assert_eq!(device_event(&arrival).happening, made);
    assert_eq!(device_event(&arrival).boot, first.boot);
    assert!(device_event(&arrival).seq > first.seq);
    board.read(Exit, "0001");
    assert_eq!(device_event(&site.event().await).happening, read_of("0001", Exit));
    site.refuse("gate-2", Exit);
    let red = board.refused(SECOND).await.unwrap();
    assert_eq!(red.coil, 2);
    assert_eq!(board.pulses().len(), 2);
    site.hub.stop().await;
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_a_fresh_one() {
    let board = board().await;
    let mut site = site(&board).await;
    let mut boots = Vec::new();
    for round in 0..3 {
        board.slow(Duration::from_millis(220));
        sleep(Duration::from_millis(400)).await;
        board.read(Entry, &format!("AA0{round}"));
        board.slow(Duration::ZERO);
        sleep(Duration::from_millis(500)).await;
        board.read(Entry, &format!("BB0{round}"));
        let arrival = site.event().await;
        // What was read while the link was down is stale by then: the first thing seen is state.
        if device_event(&arrival).happening != read_of(&format!("BB0{round}"), Entry) {
            assert_eq!(device_event(&arrival).happening, read_of(&format!("AA0{round}"), Entry));
            let arrival = site.event().await;
            assert_eq!(device_event(&arrival).happening, read_of(&format!("BB0{round}"), Entry));
        }
        boots.push(device_event(&arrival).boot);
    }
    boots.dedup();
    assert!(boots.len() > 1 && boots.is_sorted(), "each connection has an epoch: {boots:?}");
    site.hub.stop().await;
}

#[tokio::test]
async fn a_silent_board_is_offline_within_a_second_or_so_and_comes_back() {
    let board = board().await;
    let mut site = site(&board).await;
    assert!(site.presence("gate-2").await);
    board.silent(true);
    let start = Instant::now();
    assert!(!site.presence("gate-2").await);
    assert!(start.elapsed() < Duration::from_millis(1700), "{:?}", start.elapsed());
    assert!(!site.hub.is_up());
    let decision = site.decision();
    let late = site.command("gate-2", decision, open(Entry));
    assert!(site.hub.send(late), "it waits");
    site.clock.advance(Duration::from_secs(6));
    board.silent(false);
    assert!(site.presence("gate-2").await);
    assert_eq!(board.pulses(), [], "it was stale by then");
    board.wrong(true);
    assert!(!site.presence("gate-2").await, "too short an answer is none");
    site.hub.stop().await;
}

/// The failure of a command that the site hears of next.
async fn failure(site: &mut Site) -> CommandFailed {
    let arrival = site.event().await;
    let Happening::CommandFailed(failed) = &device_event(&arrival).happening else {
        panic!("{arrival:?}")
    };
    (**failed).clone()
}

#[tokio::test]
async fn a_board_that_refuses_is_heard_of_at_once_and_keeps_its_connection() {
    let board = board().await;
    let mut site = site(&board).await;
    board.refuse(2);
    let decision = site.grant("gate-2", Entry);
    let failed = failure(&mut site).await;
    assert_eq!((failed.decision, failed.opens), (Some(decision), Some(Entry)));
    assert!(!failed.may_have_acted);
    for part in ["`open_entry`", "coil 0x0200", "exception 02"] {
        assert!(failed.why.contains(part), "expected {part} in: {}", failed.why);
    }
    assert!(site.hub.is_up());
    board.refuse(0);
    board.read(Exit, "0001");
    assert_eq!(device_event(&site.event().await).happening, read_of("0001", Exit));
    site.grant("gate-2", Exit);
    assert_eq!(board.opened(Exit, SECOND).await.unwrap().coil, 1);
    assert_eq!(board.pulses().len(), 1, "what was refused is not tried again");
    site.hub.stop().await;
}

#[tokio::test]
async fn a_busy_board_is_asked_again_for_a_moment() {
    let board = board().await;
    let mut site = site(&board).await;
    board.refuse(6);
    site.grant("gate-2", Entry);
    sleep(Duration::from_millis(150)).await;
    board.refuse(0);
    assert_eq!(board.opened(Entry, SECOND).await.unwrap().coil, 0);
    assert!(site.event_within(Duration::from_millis(100)).await.is_none(), "no failure");
    board.refuse(6);
    site.grant("gate-2", Entry);
    let failed = failure(&mut site).await;
    assert!(failed.why.contains("exception 06") && !failed.may_have_acted, "{}", failed.why);
    site.hub.stop().await;
}

#[tokio::test]
async fn a_command_that_a_board_never_answers_may_have_acted_and_one_too_late_has_not() {
    let board = board().await;
    let mut site = site(&board).await;
    board.silent(true);
    site.grant("gate-2", Entry);
    let failed = failure(&mut site).await;
    // A poll may have come before the command: then it waits, and nothing was written.
    assert!(failed.opens == Some(Entry), "{failed:?}");
    while site.presence("gate-2").await {}
    site.grant("gate-2", Exit);
    site.clock.advance(Duration::from_secs(6));
    let failed = failure(&mut site).await;
    assert_eq!((failed.opens, failed.may_have_acted), (Some(Exit), false));
    assert!(failed.why.contains("within its time to live"), "{}", failed.why);
    site.hub.stop().await;
}

#[tokio::test]
async fn a_coil_without_a_pulse_of_its_own_is_switched_off_again_whatever_breaks() {
    let text = include_str!("../profiles/relay-gate.toml");
    let text = text.replace("pulse_ms = 500", "pulse_ms = 500\nswitched = true");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay-gate.toml"), text).unwrap();
    let profiles = Profiles::load(Some(folder.path())).unwrap();
    let profile = profiles.get("relay-gate").unwrap();
    let board = ModbusGate::listen("127.0.0.1:0".parse().unwrap(), 1, profile).await.unwrap();
    let place = board_gate("gate-2", board.address());
    let mut site = Site::start_as(&place, 256, TestClock::new(), &profiles).await;
    site.up().await;
    site.grant("gate-2", Entry);
    let pulse = board.opened(Entry, SECOND).await.unwrap();
    assert!(board.is_on(0) && !board.is_on(1));
    sleep(Duration::from_millis(300)).await;
    assert!(board.is_on(0), "for half a second");
    sleep(Duration::from_millis(600)).await;
    assert!(!board.is_on(0), "after {:?}", pulse.came.elapsed());
    site.grant("gate-2", Entry);
    board.opened(Entry, SECOND).await.unwrap();
    board.drop_connections(false);
    assert!(board.is_on(0), "nobody switched it off yet");
    let start = Instant::now();
    while board.is_on(0) {
        assert!(start.elapsed() < 5 * SECOND, "first thing after the connection");
        sleep(Duration::from_millis(5)).await;
    }
    site.hub.emergency().raise(&"gate-2".into());
    while !board.is_on(1) {
        assert!(start.elapsed() < 10 * SECOND, "released");
        sleep(Duration::from_millis(5)).await;
    }
    site.grant("gate-2", Exit);
    board.opened(Exit, SECOND).await.unwrap();
    sleep(Duration::from_millis(900)).await;
    assert!(board.is_on(1), "in an emergency it stays on");
    site.hub.stop().await;
}

/// pymodbus as a relay board, driven by lines on its standard input.
struct Pymodbus {
    process: Child,
    orders: ChildStdin,
    answers: mpsc::Receiver<String>,
    port: u16,
}

impl Pymodbus {
    fn start() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pymodbus_board.py");
        let known = Command::new(common::python()).args(["-c", "import pymodbus"]).output();
        if !known.is_ok_and(|output| output.status.success()) {
            left_out("python3 with pymodbus");
            return None;
        }
        let port = common::free_port();
        let mut process = Command::new(common::python())
            .args([script, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (heard, answers) = mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| heard.send(line)).ok();
        });
        let board = Self { process, orders, answers, port };
        assert_eq!(board.line(), "ready");
        Some(board)
    }

    fn order(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        assert_eq!(self.line(), "ok");
    }

    fn line(&self) -> String {
        self.answers.recv_timeout(5 * SECOND).expect("pymodbus says something")
    }
}

impl Drop for Pymodbus {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_let_in_and_fire_is_heard_through_pymodbus() {
    let Some(mut board) = Pymodbus::start() else { return };
    let address = format!("127.0.0.1:{}", board.port).parse().unwrap();
    let mut site = Site::start(&board_gate("gate-2", address)).await;
    site.up().await;
    board.order("read 0 04A2B3");
    assert_eq!(device_event(&site.event().await).happening, read_of("04A2B3", Entry));
    site.grant("gate-2", Entry);
    assert_eq!(board.line(), "pulse 0 5");
    board.order("input 0 1");
    let made = Happening::PassageMade { direction: Entry, decision: None };
    assert_eq!(device_event(&site.event().await).happening, made);
    site.refuse("gate-2", Exit);
    assert_eq!(board.line(), "pulse 2 10");
    board.order("input 2 1");
    assert_eq!(board.line(), "coil 1 1", "released");
    let arrival = loop {
        let arrival = site.emergency.recv().await.unwrap();
        if device_event(&arrival).happening == (Happening::FireInput { active: true }) {
            break arrival;
        }
    };
    assert_eq!(device_event(&arrival).device.as_str(), "gate-2");
    assert!(site.hub.emergency().is_latched());
    site.hub.stop().await;
}
