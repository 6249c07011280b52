//! Journeys: the real program on a site's folder, gates that speak the real protocols, and what the
//! database says afterwards. Every journey has its own folder, ports and peers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts;
mod acknowledged;
mod boards;
mod brokers;
mod cashier;
mod causes;
mod command_line;
mod crashes;
mod exits;
mod files;
mod fire;
mod floods;
mod forgetting;
mod imports;
mod mad_clients;
mod messages;
mod operators;
mod outputs;
mod parameters;
mod people;
mod registry;
mod reloads;
mod replays;
mod servers;
mod stores;
mod table_forms;
mod tables;
mod tills;

use std::time::Duration;

use devices::twin::{Answer, IndicateSeen, MqttGate};
use domain::{event::Direction, ids::DecisionId, reasons::Reason, verdict::Outcome};
use tests::{
    daemon::{Daemon, PATIENCE},
    late::Measured,
    peers::Mosquitto,
    site::Plan,
};
use tokio::time::sleep;

/// Which broker a journey goes through.
#[derive(Clone, Copy)]
enum Through {
    /// The one inside the daemon.
    Embedded,
    /// A real Mosquitto; the name is that of the test, which is left out where there is none.
    Mosquitto(&'static str),
}

/// A running site, and the broker beside it.
async fn site(through: Through, plan: Plan) -> Option<(Daemon, Option<Mosquitto>)> {
    let Through::Mosquitto(test) = through else {
        return Some((Daemon::start(&plan).await, None));
    };
    let mosquitto = Mosquitto::start(test)?;
    let daemon = Daemon::start(&Plan { broker: Some(mosquitto.address), ..plan }).await;
    Some((daemon, Some(mosquitto)))
}

/// How late the machine has to have been for nothing to be decided in time.
const LATE: Duration = Duration::from_millis(100);

/// Somebody holds a card to a reader; what the gate is told.
async fn ask(gate: &MqttGate, direction: Direction, uid: &str) -> Answer {
    gate.forget_answers().await;
    gate.read(direction, uid, None);
    gate.answer(PATIENCE).await
}

/// The same, where an answer is shown.
async fn told(gate: &MqttGate, direction: Direction, uid: &str) -> IndicateSeen {
    let answer = ask(gate, direction, uid).await;
    answer.indicate.unwrap_or_else(|| panic!("{} got no answer: {answer:?}", gate.id()))
}

/// Somebody is let through and goes; the decision.
async fn walk(gate: &MqttGate, direction: Direction, uid: &str) -> DecisionId {
    let decision = granted(gate, direction, uid).await;
    gate.pass(direction, Some(decision), None);
    decision
}

/// Somebody is let through; the decision. Where the store stands still, whoever stands there reads
/// again, and that happens only on a machine that is late.
async fn granted(gate: &MqttGate, direction: Direction, uid: &str) -> DecisionId {
    let measured = Measured::start(&[]);
    let mut answer = ask(gate, direction, uid).await;
    while let Some(shown) = &answer.indicate
        && (shown.outcome, shown.reason) == (Outcome::Deny, None)
    {
        measured.assert_late(LATE, "nothing was decided");
        sleep(LATE).await;
        answer = ask(gate, direction, uid).await;
    }
    let (open, shown) = (answer.open.unwrap(), answer.indicate.unwrap());
    assert_eq!((shown.outcome, shown.reason), (Outcome::Grant, Some(Reason::Granted)), "{uid}");
    assert_eq!((open.decision, open.direction), (shown.decision, direction));
    shown.decision.unwrap()
}
