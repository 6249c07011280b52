//! All links of a site, as the daemon sees them.

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc};

use domain::{command::Command, ids::DeviceId, time::Clock};
use metrics::counter;
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::live::Live,
    arrival::Inlets,
    config::{Broker, BrokerPlace, Links},
    fire::FireRoad,
    modbus::{BoardLink, BoardSetup},
    mqtt::{self, Common, MqttLink},
    nonsense::Nonsense,
    pin::PinKey,
    profile::{Kind, MqttProfile},
    server::{self, Server, ServerError, rights::Rights},
    stamp::Boots,
};

/// Why the links did not start.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The MQTT server of our own.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The system gave no thread.
    #[error("cannot start a thread for the links: {0}; look at the limits of the system")]
    Thread(#[from] io::Error),
}

/// The running links.
pub struct Hub {
    routes: HashMap<DeviceId, Route>,
    /// The way of all gates that speak MQTT, were there one or none.
    mqtt: Option<Route>,
    fire: Arc<FireRoad>,
    stop: CancellationToken,
}

#[derive(Clone)]
enum Route {
    /// Through the server of our own.
    Server(Arc<Server>),
    /// Through a broker on the network.
    Mqtt(Arc<MqttLink>),
    Modbus(Arc<BoardLink>),
}

impl Hub {
    /// Starts all links; they connect by themselves and go on trying. `epoch` is this run's.
    ///
    /// # Errors
    /// When the MQTT server cannot listen, or no thread is to be had.
    pub async fn start(
        links: Links,
        inlets: Inlets,
        clock: Arc<dyn Clock>,
        epoch: u64,
    ) -> Result<Self, HubError> {
        let common = Common {
            inlets,
            boots: Arc::new(Boots::new(Arc::clone(&clock))),
            clock,
            fire: FireRoad::new(),
            nonsense: Arc::new(Nonsense::new()),
            stop: CancellationToken::new(),
        };
        let mut hub = Self {
            routes: HashMap::new(),
            mqtt: None,
            fire: Arc::clone(&common.fire),
            stop: common.stop.clone(),
        };
        if let Err(error) = hub.start_links(links, &common, epoch) {
            hub.stop().await;
            return Err(error);
        }
        Ok(hub)
    }

    fn start_links(&mut self, links: Links, common: &Common, epoch: u64) -> Result<(), HubError> {
        let mut over_mqtt = Vec::new();
        for gate in links.gates {
            let device = gate.config.id;
            match gate.kind {
                Kind::Mqtt(profile) => over_mqtt.push((device, profile)),
                Kind::Modbus(map) => {
                    let setup = BoardSetup {
                        device: device.clone(),
                        address: gate.config.address.unwrap_or_default(),
                        unit: gate.config.unit.unwrap_or(1),
                        map,
                        epoch,
                    };
                    let link = Arc::new(BoardLink::start(setup, common)?);
                    self.routes.insert(device, Route::Modbus(link));
                }
            }
        }
        if let Some(broker) = links.broker {
            let secrets = (links.pins, links.accounts);
            self.start_mqtt((broker, secrets), over_mqtt, common, epoch)?;
        }
        Ok(())
    }

    fn start_mqtt(
        &mut self,
        (broker, (pins, accounts)): (Broker, (PinKey, Arc<Live>)),
        gates: Vec<(DeviceId, MqttProfile)>,
        common: &Common,
        epoch: u64,
    ) -> Result<(), HubError> {
        let devices: Vec<DeviceId> = gates.iter().map(|(device, _)| device.clone()).collect();
        let route = match broker.place {
            BrokerPlace::Embedded(listen) => {
                tokio::spawn(Arc::clone(&accounts).watch(common.stop.clone()));
                let ours = (broker.client_id, devices.clone());
                let rights = Rights::new(ours, accounts, Arc::clone(&common.clock));
                let setup = server::Setup { listen, tls: broker.tls, gates, rights, pins };
                Route::Server(Arc::new(Server::start(setup, common)?))
            }
            BrokerPlace::Remote(host, port) => {
                let (client_id, login) = (broker.client_id, broker.login);
                let setup = mqtt::Setup { host, port, client_id, login, gates, epoch, pins };
                Route::Mqtt(Arc::new(MqttLink::start(setup, common)?))
            }
        };
        self.routes.extend(devices.into_iter().map(|device| (device, route.clone())));
        self.mqtt = Some(route);
        Ok(())
    }

    /// Sends `command` to its device without waiting; `false` where it was dropped and counted.
    pub fn send(&self, command: Command) -> bool {
        match self.routes.get(&command.device) {
            Some(Route::Server(server)) => server.send(&command),
            Some(Route::Mqtt(link)) => link.send(&command),
            Some(Route::Modbus(link)) => link.send(command),
            None => {
                counter!("kari_device_commands_dropped_total", "why" => "unknown_device")
                    .increment(1);
                false
            }
        }
    }

    /// The emergency release.
    #[must_use]
    pub fn emergency(&self) -> Arc<FireRoad> {
        Arc::clone(&self.fire)
    }

    /// Where the MQTT server of our own listens, if there is one.
    #[must_use]
    pub fn broker_address(&self) -> Option<SocketAddr> {
        match &self.mqtt {
            Some(Route::Server(server)) => Some(server.address()),
            _ => None,
        }
    }

    /// Whether the server runs or the broker is connected, and every board answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.all().all(Route::is_up)
    }

    fn all(&self) -> impl Iterator<Item = &Route> {
        self.routes.values().chain(&self.mqtt)
    }

    /// Ends all links and waits for them. Gates stay as they are; nothing unacknowledged is lost.
    pub async fn stop(&self) {
        self.stop.cancel();
        for route in self.all() {
            route.join().await;
        }
        let fire = Arc::clone(&self.fire);
        if tokio::task::spawn_blocking(move || fire.stop()).await.is_err() {
            tracing::error!("the fire road did not end in order");
        }
    }
}

impl Route {
    fn is_up(&self) -> bool {
        match self {
            Self::Server(server) => server.is_up(),
            Self::Mqtt(link) => link.is_up(),
            Self::Modbus(link) => link.is_up(),
        }
    }

    async fn join(&self) {
        match self {
            Self::Server(server) => server.join().await,
            Self::Mqtt(link) => link.join().await,
            Self::Modbus(link) => link.join().await,
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
