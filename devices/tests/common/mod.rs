//! What the tests of the links share.
#![expect(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use devices::{
    arrival::{Arrival, Inlets},
    config::LinksConfig,
    hub::Hub,
    profile::Profiles,
    queue,
    twin::{GateSetup, MqttGate},
};
use domain::{
    command::{Action, COMMAND_TTL, Command},
    event::{DeviceEvent, Direction, Happening},
    ids::{DecisionId, DeviceId, IdMaker},
    reasons::Reason,
    state::Input,
    time::{Clock, Span, Timestamp},
    verdict::Outcome,
};
use tokio::{
    net::{TcpListener as AsyncListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// A clock that runs, and can be put forward.
pub struct TestClock {
    start: Instant,
    ahead_ms: AtomicI64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), ahead_ms: AtomicI64::new(0) })
    }
    pub fn advance(&self, span: Duration) {
        self.ahead_ms.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let ran = Span(self.start.elapsed().as_micros() as i64);
        let ahead = Span::millis(self.ahead_ms.load(Ordering::SeqCst));
        Timestamp::from_millis(1_790_000_000_000).plus(ran).plus(ahead)
    }
}

/// A hub with the loop's end of its inlets.
pub struct Site {
    pub hub: Hub,
    pub gates: queue::Receiver,
    pub emergency: queue::Receiver,
    pub clock: Arc<TestClock>,
    ids: IdMaker,
}

pub const EPOCH: u64 = 3;

impl Site {
    pub async fn start(text: &str) -> Self {
        Self::start_with(text, 256, TestClock::new()).await
    }

    pub async fn start_with(text: &str, places: usize, clock: Arc<TestClock>) -> Self {
        Self::start_as(text, places, clock, &Profiles::load(None).unwrap()).await
    }

    pub async fn start_as(
        text: &str,
        places: usize,
        clock: Arc<TestClock>,
        profiles: &Profiles,
    ) -> Self {
        let config: LinksConfig = toml::from_str(text).unwrap();
        let links = config.check(profiles).unwrap();
        let (to_gates, gates) = queue::bounded(places, 16 * places);
        let (to_emergency, emergency) = queue::bounded(places, 16 * places);
        let inlets = Inlets { emergency: to_emergency, gates: to_gates };
        let hub = Hub::start(links, inlets, clock.clone(), EPOCH).await.unwrap();
        Self { hub, gates, emergency, clock, ids: IdMaker::new(7) }
    }

    pub async fn up(&self) {
        let waiting = async {
            while !self.hub.is_up() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(12), waiting).await.expect("the links come up");
    }

    pub async fn gate(&self, id: &str) -> MqttGate {
        gate(self.hub.broker_address().unwrap(), id, &self.clock).await
    }

    /// Acknowledges what a gate that came says of its fire input; what it says next is not
    /// acknowledged before.
    pub async fn hears_no_fire(&mut self) {
        let arrival = timeout(Duration::from_secs(3), self.emergency.recv()).await;
        let arrival = arrival.expect("its fire input is told").unwrap();
        let rests = Happening::FireInput { active: false };
        assert_eq!(device_event(&arrival).happening, rests);
        arrival.ack.done();
    }

    /// The next arrival that is no state, within 3 s; states on the way are acknowledged.
    pub async fn event(&mut self) -> Arrival {
        self.event_within(Duration::from_secs(3)).await.expect("an event comes")
    }

    pub async fn event_within(&mut self, patience: Duration) -> Option<Arrival> {
        let waiting = async {
            loop {
                let arrival = self.gates.recv().await?;
                if !is_state(&arrival) {
                    return Some(arrival);
                }
                arrival.ack.done();
            }
        };
        timeout(patience, waiting).await.ok().flatten()
    }

    /// The next state of this device's presence, within 5 s.
    pub async fn presence(&mut self, id: &str) -> bool {
        let waiting = async {
            loop {
                let arrival = self.gates.recv().await.unwrap();
                let found = match &arrival.input {
                    Input::Device(event) => match event.happening {
                        Happening::Presence { online } if event.device.as_str() == id => {
                            Some(online)
                        }
                        _ => None,
                    },
                    _ => None,
                };
                arrival.ack.done();
                if let Some(online) = found {
                    return online;
                }
            }
        };
        timeout(Duration::from_secs(5), waiting).await.expect("its presence is told")
    }

    pub fn decision(&mut self) -> DecisionId {
        DecisionId(self.ids.make(self.clock.now()))
    }

    pub fn command(&mut self, id: &str, decision: DecisionId, action: Action) -> Command {
        Command {
            id: domain::ids::CommandId(self.ids.make(self.clock.now())),
            device: id.into(),
            decision: Some(decision),
            issued: self.clock.now(),
            ttl: COMMAND_TTL,
            epoch: EPOCH,
            action,
        }
    }

    /// Grants: an opening command and the answer that is shown.
    pub fn grant(&mut self, id: &str, direction: Direction) -> DecisionId {
        let decision = self.decision();
        let open = self.command(id, decision, open(direction));
        let shown = show(direction, Outcome::Grant, Reason::Granted);
        let shown = self.command(id, decision, shown);
        assert!(self.hub.send(open) && self.hub.send(shown));
        decision
    }

    pub fn refuse(&mut self, id: &str, direction: Direction) -> DecisionId {
        let decision = self.decision();
        let shown = show(direction, Outcome::Deny, Reason::CredentialUnknown);
        let shown = self.command(id, decision, shown);
        assert!(self.hub.send(shown));
        decision
    }
}

pub fn open(direction: Direction) -> Action {
    Action::OpenOnce { direction, passage_timeout: Span::seconds(5) }
}

pub fn show(direction: Direction, outcome: Outcome, reason: Reason) -> Action {
    Action::Indicate { direction, outcome, reason: Some(reason), amount: None }
}

pub async fn gate(broker: SocketAddr, id: &str, clock: &Arc<TestClock>) -> MqttGate {
    let setup = GateSetup { broker, id: id.into(), boot: 7, clock: clock.clone() };
    MqttGate::connect(setup).await.unwrap()
}

pub fn device_event(arrival: &Arrival) -> &DeviceEvent {
    match &arrival.input {
        Input::Device(event) => event,
        other => panic!("no event of a device: {other:?}"),
    }
}

pub fn is_state(arrival: &Arrival) -> bool {
    match &arrival.input {
        Input::Device(event) => matches!(
            event.happening,
            Happening::Presence { .. } | Happening::ModeChanged { .. } | Happening::Health { .. }
        ),
        _ => false,
    }
}

pub fn read_of(uid: &str, direction: Direction) -> Happening {
    Happening::CredentialRead { direction, uid: uid.into(), pin: None }
}

/// The site's file with `gates` at `broker`.
pub fn mqtt_site(broker: &str, gates: &[&str]) -> String {
    let mut text = match broker {
        "embedded" => "[mqtt]\nlisten = '127.0.0.1:0'\n".to_owned(),
        broker => format!("[mqtt]\nbroker = 'mqtt://{broker}'\nclient_id = 'daemon'\n"),
    };
    for gate in gates {
        text += &format!("[[gate]]\nid = '{gate}'\nprofile = 'homie-gate'\nto = 'hall'\n");
    }
    text
}

pub fn board_gate(id: &str, address: SocketAddr) -> String {
    format!(
        "[[gate]]\nid = '{id}'\nprofile = 'relay-gate'\nto = 'hall'\n\
         address = '{address}'\nunit = 1\n"
    )
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The Python of the test peers: `KARI_TEST_PYTHON`, which the test command sets, or `python3`.
pub fn python() -> std::ffi::OsString {
    std::env::var_os("KARI_TEST_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Says loudly that `what` is missing, or fails where all tests are wanted.
pub fn left_out(what: &str) -> bool {
    assert!(std::env::var("KARI_TESTS_ALL").is_err(), "`{what}` is not installed; install it");
    eprintln!("LEFT OUT: `{what}` is not installed, so this test proves nothing");
    true
}

/// A real Mosquitto with the shipped configuration, on a port of its own.
pub struct Mosquitto {
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    process: Child,
}

impl Mosquitto {
    /// `None` where it is not installed.
    pub async fn start() -> Option<Self> {
        let installed = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let Some(program) = installed.iter().map(PathBuf::from).find(|path| path.exists()) else {
            left_out("mosquitto");
            return None;
        };
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let shipped = include_str!("../../mosquitto.conf");
        let config = shipped.replace("listener 1883", &format!("listener {port}"));
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let process = Self::spawn(&program, &folder);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let broker = Self { address, folder, process };
        broker.listening().await;
        Some(broker)
    }

    fn spawn(program: &PathBuf, folder: &tempfile::TempDir) -> Child {
        Process::new(program)
            .arg("-c")
            .arg(folder.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn listening(&self) {
        for _ in 0..500 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("Mosquitto does not listen");
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub async fn back(&mut self) {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let program = program.iter().map(PathBuf::from).find(|path| path.exists()).unwrap();
        self.process = Self::spawn(&program, &self.folder);
        self.listening().await;
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A wire between two ends that can be cut.
pub struct Proxy {
    pub address: SocketAddr,
    cut: std::sync::Mutex<CancellationToken>,
}

impl Proxy {
    pub async fn to(target: SocketAddr) -> Arc<Self> {
        let listener = AsyncListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Arc::new(Self { address, cut: std::sync::Mutex::default() });
        let keeper = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let cut = keeper.cut.lock().unwrap().clone();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else { return };
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let copying = tokio::io::copy_bidirectional(&mut near, &mut far);
                    drop(cut.run_until_cancelled(copying).await);
                });
            }
        });
        proxy
    }

    /// Cuts every connection; new ones are let through.
    pub fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }
}

pub fn device(id: &str) -> DeviceId {
    id.into()
}
