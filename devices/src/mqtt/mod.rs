//! The link to a broker on the network: two connections, so that a full queue never holds a fire
//! input.
//!
//! The gates' connection carries requests, facts and states in and commands out. The fire road's
//! connection has its own thread and runtime, listens to `safety/fire` alone and publishes
//! releases.

mod decode;
pub(crate) mod encode;
pub(crate) mod gates;
mod link;
mod session;
mod shares;
pub(crate) mod topics;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use domain::{command::Command, ids::DeviceId, time::Clock};
use metrics::counter;
use rumqttc::v5::mqttbytes::{QoS, v5::Filter};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use encode::Message;
use gates::Gates;
use link::Deliveries;
use session::{Line, Spec};

use crate::pin::PinKey;
use crate::{
    arrival::Inlets,
    backoff::{Backoff, seed},
    config::Login,
    fire::{FireRoad, Outlet},
    nonsense::Nonsense,
    outcome::{Failures, Why},
    profile::MqttProfile,
    stamp::Boots,
};

/// How often commands that wait are looked at: the desk hears of them within a second.
const LOOK: Duration = Duration::from_millis(250);

/// What the link is given.
pub(crate) struct Setup {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) client_id: String,
    pub(crate) login: Option<Login>,
    pub(crate) gates: Vec<(DeviceId, MqttProfile)>,
    pub(crate) epoch: u64,
    pub(crate) pins: PinKey,
}

/// What the link and its neighbours share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) inlets: Inlets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) boots: Arc<Boots>,
    pub(crate) fire: Arc<FireRoad>,
    pub(crate) nonsense: Arc<Nonsense>,
    pub(crate) stop: CancellationToken,
}

/// The running link.
pub(crate) struct MqttLink {
    line: Arc<Line>,
    fire_line: Arc<Line>,
    failures: Arc<Failures>,
    profiles: HashMap<DeviceId, MqttProfile>,
    clock: Arc<dyn Clock>,
    task: Mutex<Option<JoinHandle<()>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl MqttLink {
    /// Starts both connections.
    pub(crate) fn start(setup: Setup, common: &Common) -> std::io::Result<Self> {
        let inlet = common.inlets.gates.clone();
        let failures = Arc::new(Failures::new(inlet, common.boots.connect()));
        let line = Line::new(Arc::clone(&common.clock), Some(Arc::clone(&failures)));
        let fire_line = Line::new(Arc::clone(&common.clock), None);
        let devices: Vec<DeviceId> = setup.gates.iter().map(|(device, _)| device.clone()).collect();
        let releases = Releases { line: Arc::clone(&fire_line), devices: devices.clone() };
        common.fire.add("mqtt", releases)?;
        let road = (Arc::clone(&line), Arc::clone(&failures));
        let task = start_gates(&setup, common, road, &devices);
        let thread = start_fire(&setup, common, Arc::clone(&fire_line), &devices)?;
        Ok(Self {
            line,
            fire_line,
            failures,
            profiles: setup.gates.into_iter().collect(),
            clock: Arc::clone(&common.clock),
            task: Mutex::new(Some(task)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Sends `command`; `false` where it was dropped.
    pub(crate) fn send(&self, command: &Command) -> bool {
        let Some(profile) = self.profiles.get(&command.device) else { return false };
        // Nobody waits for a lamp.
        let moves = command.action.moves();
        if !command.is_fresh(self.clock.now()) {
            counter!("kari_device_commands_dropped_total", "why" => "stale").increment(1);
            if moves {
                self.failures.failed(command, Why::Stale, "", "");
            }
            return false;
        }
        let Some(message) = encode::encode(command, *profile) else { return true };
        if moves {
            self.failures.remember(command, profile.results);
        }
        let sent = self.line.send(message);
        if !sent {
            counter!("kari_device_commands_dropped_total", "why" => "queue_full").increment(1);
            if moves {
                self.failures.failed(command, Why::QueueFull, "", "");
            }
        }
        sent
    }

    /// Whether both connections stand.
    pub(crate) fn is_up(&self) -> bool {
        self.line.is_up() && self.fire_line.is_up()
    }

    /// Waits for both connections to end; `stop` was called.
    pub(crate) async fn join(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the MQTT link had failed");
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(|| thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the MQTT link of the fire road had failed");
        }
    }
}

fn start_gates(
    setup: &Setup,
    common: &Common,
    (line, failures): (Arc<Line>, Arc<Failures>),
    devices: &[DeviceId],
) -> JoinHandle<()> {
    let mut filters: Vec<Filter> =
        topics::EVENTS.iter().map(|topic| Filter::new(*topic, QoS::AtLeastOnce)).collect();
    // Our own commands need not come back; what comes is a retained one at the start.
    let commands = Filter::new(topics::COMMANDS, QoS::AtMostOnce);
    filters.push(Filter { nolocal: true, ..commands });
    let spec = Spec { retained: Some(topics::COMMANDS), ..setup.spec("", filters) };
    let profiles = setup.gates.iter().cloned().collect();
    let all = (Arc::clone(&line), Arc::clone(&failures), profiles);
    tokio::spawn(look_after(all, common.clone()));
    let gates = Gates::new(devices, setup.pins.clone(), common).with_results(failures);
    let inlet = common.inlets.gates.clone();
    let clock = Arc::clone(&common.clock);
    let mut deliveries = Deliveries::new(gates, Arc::clone(&line), inlet, clock);
    let backoff = Backoff::new(seed("mqtt", setup.epoch));
    let stop = common.stop.clone();
    tokio::spawn(async move { session::run(spec, line, &mut deliveries, backoff, stop).await })
}

/// Ends commands whose time went by without a connection, or without their device's word, and sends
/// those again that were refused.
async fn look_after(
    (line, failures, profiles): (Arc<Line>, Arc<Failures>, HashMap<DeviceId, MqttProfile>),
    common: Common,
) {
    let mut look = tokio::time::interval(LOOK);
    while common.stop.run_until_cancelled(look.tick()).await.is_some() {
        line.give_up_stale();
        for command in failures.take_refused(common.clock.now()) {
            let profile = profiles.get(&command.device);
            let message = profile.and_then(|profile| encode::encode(&command, *profile));
            if !message.is_some_and(|message| line.send(message)) {
                failures.failed(&command, Why::QueueFull, "", "");
            }
        }
        failures.end_unconfirmed(common.clock.now());
    }
}

fn start_fire(
    setup: &Setup,
    common: &Common,
    line: Arc<Line>,
    devices: &[DeviceId],
) -> std::io::Result<thread::JoinHandle<()>> {
    let spec = setup.spec("-fire", vec![Filter::new(topics::FIRE, QoS::AtLeastOnce)]);
    let backoff = Backoff::new(seed("mqtt-fire", setup.epoch));
    let (common, devices) = (common.clone(), devices.to_vec());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("fire-mqtt-link".to_owned()).spawn(move || {
        runtime.block_on(async {
            // Nobody types a code into the fire panel.
            let gates = Gates::new(&devices, PinKey::default(), &common);
            let inlet = common.inlets.emergency.clone();
            let clock = Arc::clone(&common.clock);
            let mut deliveries = Deliveries::new(gates, Arc::clone(&line), inlet, clock);
            session::run(spec, line, &mut deliveries, backoff, common.stop.clone()).await;
        });
        runtime.shutdown_timeout(Duration::from_millis(200));
    })
}

impl Setup {
    fn spec(&self, suffix: &str, filters: Vec<Filter>) -> Spec {
        Spec {
            host: self.host.clone(),
            port: self.port,
            client_id: format!("{}{suffix}", self.client_id),
            login: self.login.clone(),
            filters,
            retained: None,
        }
    }
}

/// Every MQTT gate as the fire road sees it.
struct Releases {
    line: Arc<Line>,
    devices: Vec<DeviceId>,
}

impl Outlet for Releases {
    fn tell(&mut self, release: bool) -> bool {
        let payload: &'static [u8] = if release { b"panic" } else { b"controlled" };
        self.devices.iter().all(|device| {
            self.line.send_now(&Message {
                topic: topics::of(device, topics::MODE),
                payload: bytes::Bytes::from_static(payload),
                qos: QoS::AtLeastOnce,
                expiry: 5,
            })
        })
    }
}
