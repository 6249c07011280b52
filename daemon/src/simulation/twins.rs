//! The gates of a simulation: one twin for each gate of the site, speaking its real protocol.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use devices::twin::{GateSetup, ModbusGate, MqttGate};
use domain::{
    event::Direction,
    ids::{DecisionId, DeviceId, Uid},
    time::{Clock, Timestamp},
};

use tokio::sync::Mutex;

use crate::config::Installation;

/// How long a twin waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a board's passage contact needs between two people: 0.3 s closed, and a poll of the
/// open one.
const CONTACT: Duration = Duration::from_millis(450);

/// One gate.
pub(crate) enum Twin {
    /// Over MQTT.
    Mqtt(MqttGate),
    /// A relay board over Modbus TCP, and when its passage contact is at rest again.
    Board(ModbusGate, Mutex<Instant>),
}

/// All gates of a site.
#[derive(Default)]
pub(crate) struct Twins {
    gates: BTreeMap<DeviceId, Twin>,
}

impl Twins {
    /// The boards, which listen where the site's file says.
    pub(crate) async fn boards(installation: &Installation) -> anyhow::Result<Self> {
        let mut twins = Self::default();
        for gate in &installation.links.gates {
            let Some(address) = &gate.config.address else { continue };
            let address: SocketAddr = address.parse().with_context(|| {
                format!(
                    "`{address}` of gate `{}` is not on this machine, so it cannot be simulated",
                    gate.config.id
                )
            })?;
            let unit = gate.config.unit.unwrap_or(1);
            let board = ModbusGate::listen(address, unit, &gate.profile).await?;
            twins
                .gates
                .insert(gate.config.id.clone(), Twin::Board(board, Mutex::new(Instant::now())));
        }
        Ok(twins)
    }

    /// The MQTT gates, which connect to `broker`.
    pub(crate) async fn connect(
        &mut self,
        installation: &Installation,
        broker: Option<SocketAddr>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        for gate in &installation.links.gates {
            let id = gate.config.id.clone();
            if self.gates.contains_key(&id) {
                continue;
            }
            let broker =
                broker.ok_or_else(|| anyhow!("gate `{id}` needs a broker on this machine"))?;
            let boot = u64::try_from(clock.now().millis()).unwrap_or(0);
            let setup = GateSetup { broker, id: id.clone(), boot, clock: Arc::clone(&clock) };
            self.gates.insert(id, Twin::Mqtt(MqttGate::connect(setup).await?));
        }
        Ok(())
    }

    /// The twin of a gate.
    pub(crate) fn of(&self, gate: &DeviceId) -> anyhow::Result<&Twin> {
        self.gates.get(gate).ok_or_else(|| anyhow!("gate `{gate}` has no twin"))
    }

    /// Switches all of them off.
    pub(crate) async fn stop(&self) {
        for twin in self.gates.values() {
            match twin {
                Twin::Mqtt(gate) => gate.stop().await,
                Twin::Board(board, _) => board.stop().await,
            }
        }
    }
}

impl Twin {
    /// Somebody holds a band to the reader.
    pub(crate) fn read(&self, direction: Direction, uid: &Uid, at: Timestamp) {
        match self {
            Self::Mqtt(gate) => {
                gate.read(direction, uid.as_str(), Some(at));
            }
            Self::Board(board, _) => board.read(direction, uid.as_str()),
        }
    }

    /// Waits for the answer to a read; whether it was to let the person through.
    pub(crate) async fn answered(&self, direction: Direction, opens: bool) -> bool {
        match self {
            Self::Mqtt(gate) => gate.answer(PATIENCE).await.open.is_some(),
            Self::Board(board, _) if opens => board.opened(direction, PATIENCE).await.is_some(),
            Self::Board(board, _) => {
                // A board without a red lamp stays dark on a refusal.
                board.refused(Duration::from_millis(300)).await;
                false
            }
        }
    }

    /// The person goes through.
    pub(crate) async fn pass(&self, direction: Direction, decision: DecisionId, at: Timestamp) {
        match self {
            Self::Mqtt(gate) => {
                gate.pass(direction, Some(decision), Some(at));
            }
            Self::Board(board, rests) => {
                let mut rests = rests.lock().await;
                tokio::time::sleep_until((*rests).into()).await;
                board.pass(direction);
                *rests = Instant::now() + CONTACT;
            }
        }
    }
}
