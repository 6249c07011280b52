//! The MQTT server for devices: a door of our own, so that what is acknowledged is durable.
//!
//! It has a thread and a runtime of its own. Each connection is one task: what it reads goes
//! straight into the loop's queue, and is acknowledged by that connection alone once it is durable.
//! Commands go straight to the sockets of those who have subscribed to them. Decoding and encoding
//! are a library's; ours are sessions, topics, rights and bounds.

mod accept;
mod board;
mod connection;
mod exchange;
mod handle;
mod handshake;
mod intake;
mod limits;
mod message;
mod order;
mod outbox;
mod packet;
mod pins;
mod registry;
mod retained;
pub(crate) mod rights;
mod routes;
mod session;
pub(crate) mod tls;
mod topics;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use domain::{
    command::Command,
    ids::DeviceId,
    time::{Clock, Timestamp},
};
use metrics::counter;
use rmqtt_codec::types::QoS;
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{Instant, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    exchange::Exchange,
    limits::{COMMANDS, GOODBYE, connections},
    message::{Message, own},
    rights::Rights,
    tls::Certificate,
};
use crate::{
    fire::Outlet,
    mqtt::{Common, encode, gates::Gates, topics as ours},
    outcome::{Failures, Why},
    pin::PinKey,
    profile::MqttProfile,
};

/// How often what came to its end is looked for.
const SWEEP: Duration = Duration::from_millis(250);
/// Orders of the fire road on their way: the newest counts, and they are given again and again.
const RELEASES: usize = 8;
/// A release that a gate does not get in this time is sent again by the fire road.
const RELEASE_SECONDS: u64 = 5;

/// What the server is given.
pub(crate) struct Setup {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Where it listens for TLS, and by which certificate.
    pub(crate) tls: Option<(SocketAddr, Certificate)>,
    /// The gates that speak MQTT.
    pub(crate) gates: Vec<(DeviceId, MqttProfile)>,
    /// Who may do what.
    pub(crate) rights: Rights,
    /// The key of PINs.
    pub(crate) pins: PinKey,
}

/// The running server.
pub(crate) struct Server {
    address: SocketAddr,
    commands: mpsc::Sender<Arc<Message>>,
    /// What only shows something: where it is full, nothing that opens is.
    lamps: mpsc::Sender<Arc<Message>>,
    profiles: HashMap<DeviceId, MqttProfile>,
    failures: Arc<Failures>,
    clock: Arc<dyn Clock>,
    runs: Arc<AtomicBool>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[error("the MQTT server cannot listen on {address}: {source}; is another broker there?")]
pub struct ServerError {
    address: SocketAddr,
    source: io::Error,
}

impl Server {
    /// Listens, and starts the thread. It ends with the stop of `common`.
    pub(crate) fn start(setup: Setup, common: &Common) -> Result<Self, ServerError> {
        let failed = |source| ServerError { address: setup.listen, source };
        let listener = accept::listen(setup.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = setup.tls.map(|(address, certificate)| {
            let failed = |source| ServerError { address, source };
            Ok((accept::listen(address).map_err(failed)?, certificate))
        });
        let tls = tls.transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let devices: Vec<DeviceId> = setup.gates.iter().map(|(device, _)| device.clone()).collect();
        let (commands, to_send) = mpsc::channel(COMMANDS);
        let (lamps, to_show) = mpsc::channel(COMMANDS);
        let (releases, to_release) = mpsc::channel(RELEASES);
        common.fire.add("mqtt", Releases(releases)).map_err(failed)?;
        let inlet = common.inlets.gates.clone();
        let failures = Arc::new(Failures::new(inlet, common.boots.connect()));
        let gates = Gates::new(&devices, setup.pins, common).with_results(Arc::clone(&failures));
        let profiles: HashMap<DeviceId, MqttProfile> = setup.gates.into_iter().collect();
        let blame = Blame {
            failures: Arc::clone(&failures),
            profiles: profiles.clone(),
            time: Arc::clone(&common.clock),
        };
        let (inlets, rights) = (common.inlets.clone(), setup.rights);
        let stop = common.stop.clone();
        let runs = Arc::new(AtomicBool::new(true));
        let running = Arc::clone(&runs);
        let thread = thread::Builder::new().name("mqtt-server".to_owned()).spawn(move || {
            runtime.block_on(async {
                let exchange = Arc::new(Exchange::new(gates, inlets, rights, connections()));
                let orders = Orders {
                    commands: to_send,
                    lamps: to_show,
                    releases: to_release,
                    devices,
                    blame,
                };
                run((listener, tls), exchange, orders, stop).await;
            });
            running.store(false, Ordering::Release);
            runtime.shutdown_timeout(Duration::from_millis(200));
        });
        Ok(Self {
            address,
            commands,
            lamps,
            profiles,
            failures,
            clock: Arc::clone(&common.clock),
            runs,
            thread: Mutex::new(Some(thread.map_err(failed)?)),
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether its thread runs.
    pub(crate) fn is_up(&self) -> bool {
        self.runs.load(Ordering::Acquire)
    }

    /// Sends `command`; `false` where it was dropped.
    pub(crate) fn send(&self, command: &Command) -> bool {
        let Some(profile) = self.profiles.get(&command.device) else { return false };
        let now = self.clock.now();
        // Nobody waits for a lamp.
        let moves = command.action.moves();
        if !command.is_fresh(now) {
            dropped("stale");
            if moves {
                self.failures.failed(command, Why::Stale, "", "");
            }
            return false;
        }
        let Some(message) = message_of(command, *profile, now) else { return true };
        if moves {
            self.failures.remember(command, profile.results);
        }
        let queue = if moves { &self.commands } else { &self.lamps };
        let sent = queue.try_send(message).is_ok();
        if !sent {
            dropped("queue_full");
            if moves {
                self.failures.failed(command, Why::QueueFull, "", "");
            }
        }
        sent
    }

    /// Waits for its end; its stop was asked for.
    pub(crate) async fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(|| thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the MQTT server had failed");
        }
    }
}

/// The message of a command; `None` where its device has nothing that could obey it.
fn message_of(command: &Command, profile: MqttProfile, now: Timestamp) -> Option<Arc<Message>> {
    let message = encode::encode(command, profile)?;
    let left = command.issued.plus(command.ttl).since(now);
    let left = Duration::from_micros(u64::try_from(left.0).unwrap_or(0));
    let qos = match message.qos {
        rumqttc::v5::mqttbytes::QoS::AtMostOnce => QoS::AtMostOnce,
        _ => QoS::AtLeastOnce,
    };
    Some(own(message.topic, message.payload, qos, Some(Instant::now() + left)))
}

fn dropped(why: &'static str) {
    counter!("kari_device_commands_dropped_total", "why" => why).increment(1);
}

/// What the daemon has to say to devices.
struct Orders {
    commands: mpsc::Receiver<Arc<Message>>,
    lamps: mpsc::Receiver<Arc<Message>>,
    releases: mpsc::Receiver<bool>,
    devices: Vec<DeviceId>,
    blame: Blame,
}

/// What becomes of commands.
#[derive(Clone)]
struct Blame {
    failures: Arc<Failures>,
    profiles: HashMap<DeviceId, MqttProfile>,
    time: Arc<dyn Clock>,
}

type Listener = std::net::TcpListener;

async fn run(
    (listener, tls): (Listener, Option<(Listener, Certificate)>),
    exchange: Arc<Exchange>,
    orders: Orders,
    stop: CancellationToken,
) {
    exchange.gates().up();
    let tasks = TaskTracker::new();
    let tls = tls.map(|(listener, certificate)| (listener, Some(certificate.acceptor())));
    for (listener, tls) in std::iter::once((listener, None)).chain(tls) {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "the MQTT server cannot take connections");
                return;
            }
        };
        let exchange = Arc::clone(&exchange);
        tasks.spawn(accept::accept((listener, tls), exchange, tasks.clone(), stop.clone()));
    }
    tasks.spawn(sweep(Arc::clone(&exchange), orders.blame.clone(), stop.clone()));
    tasks.spawn(obey(orders, Arc::clone(&exchange), stop.clone()));
    stop.cancelled().await;
    tasks.close();
    if timeout(2 * GOODBYE, tasks.wait()).await.is_err() {
        tracing::debug!("some clients did not wait for the end of the MQTT server");
    }
}

/// Sends what the daemon says, releases first, and ends all connections with the run.
async fn obey(mut orders: Orders, exchange: Arc<Exchange>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            Some(release) = orders.releases.recv() => {
                say_releases(&orders.devices, release, &exchange);
            }
            Some(command) = orders.commands.recv() => orders.carry_out(&command, &exchange),
            Some(lamp) = orders.lamps.recv() => orders.carry_out(&lamp, &exchange),
            () = stop.cancelled() => break,
        }
    }
    orders.carry_out_waiting(&exchange);
    exchange.registry().end_all();
}

impl Orders {
    /// Sends a command, and all that wait behind it: among a thousand busy connections the turn of
    /// this task comes seldom.
    fn carry_out(&mut self, command: &Arc<Message>, exchange: &Exchange) {
        command_devices(command, exchange, &self.blame.failures);
        self.carry_out_waiting(exchange);
    }

    fn carry_out_waiting(&mut self, exchange: &Exchange) {
        for _ in 0..2 * COMMANDS {
            let next = self.commands.try_recv().or_else(|_| self.lamps.try_recv());
            let Ok(next) = next else { return };
            command_devices(&next, exchange, &self.blame.failures);
        }
    }
}

fn command_devices(command: &Arc<Message>, exchange: &Exchange, failures: &Failures) {
    let reached = exchange.board().route(command, false);
    if reached == 0 {
        dropped("nobody_listens");
        if let Some((device, id)) = encode::command_of(&command.topic, &command.payload) {
            failures.failed_by_id(&device, id, Why::Unheard);
        }
    }
}

fn say_releases(devices: &[DeviceId], release: bool, exchange: &Exchange) {
    let payload: &'static [u8] = if release { b"panic" } else { b"controlled" };
    let expires = release.then(|| Instant::now() + Duration::from_secs(RELEASE_SECONDS));
    let mut board = exchange.board();
    for device in devices {
        let topic = ours::of(device, ours::MODE);
        let message = own(topic, Bytes::from_static(payload), QoS::AtLeastOnce, expires);
        board.route(&message, true);
    }
}

async fn sweep(exchange: Arc<Exchange>, blame: Blame, stop: CancellationToken) {
    let Blame { failures, profiles, time } = blame;
    let mut beat = interval(SWEEP);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        let wills = exchange.board().sweep(Instant::now());
        exchange.publish_wills(wills);
        let now = time.now();
        for command in failures.take_refused(now) {
            let profile = profiles.get(&command.device);
            let message = profile.and_then(|profile| message_of(&command, *profile, now));
            message.iter().for_each(|message| command_devices(message, &exchange, &failures));
        }
        failures.end_unconfirmed(now);
    }
}

/// Every MQTT gate as the fire road sees it.
struct Releases(mpsc::Sender<bool>);

impl Outlet for Releases {
    fn tell(&mut self, release: bool) -> bool {
        self.0.try_send(release).is_ok()
    }
}
