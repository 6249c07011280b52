//! All links of a site, as the daemon sees them.

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc};
#[cfg(feature = "embedded-broker")]
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::{command::Command, ids::DeviceId, time::Clock};
use metrics::counter;
#[cfg(feature = "embedded-broker")]
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::broker::{self, BrokerError};
#[cfg(feature = "embedded-broker")]
use crate::pin::PinKey;
use crate::{
    arrival::Inlets,
    config::{Broker, BrokerPlace, Links},
    fire::FireRoad,
    modbus::{BoardLink, BoardSetup},
    mqtt::{self, Common, MqttLink},
    profile::Kind,
    stamp::Boots,
};

/// Why the links did not start.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The broker inside the daemon.
    #[cfg(feature = "embedded-broker")]
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// This build has no broker inside.
    #[cfg(not(feature = "embedded-broker"))]
    #[error("this build has no embedded broker; say `broker = \"mqtt://host:1883\"`")]
    NoBroker,
    /// The system gave no thread.
    #[error("cannot start a thread for the links: {0}; look at the limits of the system")]
    Thread(#[from] io::Error),
}

/// The running links.
pub struct Hub {
    routes: HashMap<DeviceId, Route>,
    mqtt: Option<Arc<MqttLink>>,
    fire: Arc<FireRoad>,
    stop: CancellationToken,
    address: Option<SocketAddr>,
    #[cfg(feature = "embedded-broker")]
    broker: Mutex<Option<broker::Broker>>,
}

enum Route {
    Mqtt(Arc<MqttLink>),
    Modbus(Arc<BoardLink>),
}

impl Hub {
    /// Starts all links; they connect by themselves and go on trying. `epoch` is this run's.
    ///
    /// # Errors
    /// When the embedded broker cannot listen, or no thread is to be had.
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
            stop: CancellationToken::new(),
        };
        let mut hub = Self {
            routes: HashMap::new(),
            mqtt: None,
            fire: Arc::clone(&common.fire),
            stop: common.stop.clone(),
            address: None,
            #[cfg(feature = "embedded-broker")]
            broker: Mutex::new(None),
        };
        if let Err(error) = hub.start_links(links, &common, epoch).await {
            hub.stop().await;
            return Err(error);
        }
        Ok(hub)
    }

    async fn start_links(
        &mut self,
        links: Links,
        common: &Common,
        epoch: u64,
    ) -> Result<(), HubError> {
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
            self.start_mqtt((broker, links.pins), over_mqtt, common, epoch).await?;
        }
        Ok(())
    }

    async fn start_mqtt(
        &mut self,
        (broker, pins): (Broker, PinKey),
        gates: Vec<(DeviceId, crate::profile::MqttProfile)>,
        common: &Common,
        epoch: u64,
    ) -> Result<(), HubError> {
        let (host, port, login) = match broker.place {
            BrokerPlace::Remote(host, port) => (host, port, broker.login),
            BrokerPlace::Embedded(listen) => {
                let (address, login) = self.start_broker(listen, &broker.client_id).await?;
                self.address = Some(address);
                (host_of(address), address.port(), Some(login))
            }
        };
        let devices: Vec<DeviceId> = gates.iter().map(|(device, _)| device.clone()).collect();
        let setup = mqtt::Setup {
            host,
            port,
            client_id: broker.client_id,
            login,
            gates,
            epoch,
            pins,
            #[cfg(feature = "embedded-broker")]
            held: self.broker.get_mut().as_ref().map(broker::Broker::held),
        };
        let link = Arc::new(MqttLink::start(setup, common)?);
        for device in devices {
            self.routes.insert(device, Route::Mqtt(Arc::clone(&link)));
        }
        #[cfg(feature = "embedded-broker")]
        if let Some(broker) = self.broker.get_mut() {
            tokio::spawn(open_doors(Arc::clone(&link), broker.doors(), common.stop.clone()));
        }
        self.mqtt = Some(link);
        Ok(())
    }

    #[cfg(feature = "embedded-broker")]
    async fn start_broker(
        &mut self,
        listen: SocketAddr,
        client_id: &str,
    ) -> Result<(SocketAddr, crate::config::Login), HubError> {
        let login = broker::own_login();
        let broker = broker::Broker::start(listen, client_id, &login).await?;
        let address = broker.address();
        *self.broker.get_mut() = Some(broker);
        Ok((address, login))
    }

    #[cfg(not(feature = "embedded-broker"))]
    async fn start_broker(
        &mut self,
        _listen: SocketAddr,
        _client_id: &str,
    ) -> Result<(SocketAddr, crate::config::Login), HubError> {
        Err(HubError::NoBroker)
    }

    /// Sends `command` to its device without waiting; `false` where it was dropped and counted.
    pub fn send(&self, command: Command) -> bool {
        match self.routes.get(&command.device) {
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

    /// Where the embedded broker listens, if there is one.
    #[must_use]
    pub const fn broker_address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether the broker is connected and every board answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.routes.values().all(|route| match route {
            Route::Mqtt(link) => link.is_up(),
            Route::Modbus(link) => link.is_up(),
        }) && self.mqtt.as_ref().is_none_or(|link| link.is_up())
    }

    /// Ends all links and waits for them. Gates stay as they are; nothing unacknowledged is lost.
    pub async fn stop(&self) {
        self.stop.cancel();
        for route in self.routes.values() {
            match route {
                Route::Mqtt(link) => link.join().await,
                Route::Modbus(link) => link.join().await,
            }
        }
        if let Some(link) = &self.mqtt {
            link.join().await;
        }
        let fire = Arc::clone(&self.fire);
        if tokio::task::spawn_blocking(move || fire.stop()).await.is_err() {
            tracing::error!("the fire road did not end in order");
        }
        self.stop_broker().await;
    }

    #[cfg(feature = "embedded-broker")]
    async fn stop_broker(&self) {
        if let Some(broker) = self.broker.lock().await.take() {
            broker.stop().await;
        }
    }

    #[cfg(not(feature = "embedded-broker"))]
    async fn stop_broker(&self) {}
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The host as a client writes it: IPv6 in brackets.
fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// Lets gates in at the embedded broker as soon as somebody listens to them.
#[cfg(feature = "embedded-broker")]
async fn open_doors(link: Arc<MqttLink>, doors: Arc<AtomicBool>, stop: CancellationToken) {
    while !link.is_up() {
        let waited = tokio::time::sleep(Duration::from_millis(5));
        if stop.run_until_cancelled(waited).await.is_none() {
            return;
        }
    }
    doors.store(true, Ordering::Release);
}
