//! Twins: gates that speak the real protocols over real sockets, and misbehave on command.
//!
//! The simulation, the journeys and the benchmark use them; choosing a twin is configuration, since
//! the daemon cannot tell one from a gate of metal.

pub mod fleet;
mod gate;
mod modbus;
mod mqtt;
mod outbox;

pub use modbus::{ModbusGate, PulseSeen};
pub use mqtt::{Actuation, Answer, GateSetup, IndicateSeen, MqttGate, OpenSeen, Tally};

/// Why a twin did not start.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The twin's board cannot listen.
    #[error("the twin cannot listen on `{address}`: {source}; choose another port")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The profile is none of a Modbus board.
    #[error("profile `{0}` describes no Modbus board; choose one that does")]
    Profile(String),
    /// No connection in time.
    #[error("the twin of `{0}` found no broker within 5 s; is it running?")]
    Broker(domain::ids::DeviceId),
}
