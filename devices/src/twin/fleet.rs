//! A fleet of lean gates for measurements: each reads a band and waits to be opened, nothing else.
//!
//! The same fleet speaks to Kari and to a bare echo, so that the two differ in what is between.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{ids::DeviceId, time::Clock};
use rumqttc::{
    NetworkOptions,
    v5::{
        AsyncClient, Event, EventLoop, MqttOptions,
        mqttbytes::{QoS, v5::Packet},
    },
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::TwinError;

/// Who answers the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// The daemon.
    Kari,
    /// [`echo`].
    Echo,
}

/// The answer of an echo is as long as an opening command.
const ECHO_BYTES: usize = 260;
const QUEUE: usize = 8192;
const PATIENCE: Duration = Duration::from_secs(5);

/// Bands that nobody has used before: `04` and ten digits, counted up.
#[derive(Debug)]
pub struct Bands(AtomicU64);

impl Bands {
    /// From the band with the number `first` on.
    #[must_use]
    pub const fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }
    /// How many were used, counted from 0.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
    fn next(&self) -> String {
        format!("04{:010}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Microseconds from a read to its opening, sorted.
    pub micros: Vec<u64>,
    /// Reads that were not answered within 5 s.
    pub unanswered: u64,
    /// How long it took.
    pub took: Duration,
}

impl Samples {
    /// The latency that `percent` of the reads stay below.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> u64 {
        let place = self.micros.len() * percent / 100;
        self.micros.get(place.min(self.micros.len().saturating_sub(1))).copied().unwrap_or(0)
    }
    /// Answered reads in a second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        let micros = self.took.as_micros().max(1);
        u64::try_from(self.micros.len() as u128 * 1_000_000 / micros).unwrap_or(0)
    }
}

/// Gates that read and wait.
pub struct Fleet {
    gates: Vec<Gate>,
}

struct Gate {
    client: AsyncClient,
    topic: String,
    boot: u64,
    seq: u64,
    clock: Arc<dyn Clock>,
    opened: mpsc::Receiver<Instant>,
}

impl Fleet {
    /// Connects a gate for each of `ids`.
    ///
    /// # Errors
    /// When one of them finds no broker.
    pub async fn connect(
        broker: SocketAddr,
        ids: &[DeviceId],
        road: Road,
        (boot, clock): (u64, Arc<dyn Clock>),
    ) -> Result<Self, TwinError> {
        let mut gates = Vec::with_capacity(ids.len());
        for id in ids {
            let (topic, answers, name) = match road {
                Road::Kari => (
                    format!("homie/5/{id}/reader-in/uid"),
                    format!("homie/5/{id}/gate/open/set"),
                    id.to_string(),
                ),
                Road::Echo => {
                    (format!("bench/{id}/read"), format!("bench/{id}/open"), format!("echo-{id}"))
                }
            };
            let connected = listen(broker, &name, &answers).await;
            let (client, events) = connected.ok_or_else(|| TwinError::Broker(id.clone()))?;
            let (telling, opened) = mpsc::channel(16);
            tokio::spawn(hear(events, telling));
            let clock = Arc::clone(&clock);
            gates.push(Gate { client, topic, boot, seq: 0, clock, opened });
        }
        Ok(Self { gates })
    }

    /// The first `gates` gates read, wait, and read again, for `span`.
    pub async fn closed_loop(&mut self, gates: usize, span: Duration, bands: &Bands) -> Samples {
        self.forget();
        let started = Instant::now();
        let loops = self.gates.iter_mut().take(gates).map(|gate| async move {
            let mut samples = Samples::default();
            while started.elapsed() < span {
                gate.read(bands, &mut samples).await;
            }
            samples
        });
        gathered(loops.collect(), started).await
    }

    /// All gates read in turns, `per_second` reads in all, for `span`.
    pub async fn paced(&mut self, per_second: u32, span: Duration, bands: &Bands) -> Samples {
        self.forget();
        let count = u32::try_from(self.gates.len()).unwrap_or(1);
        let every = Duration::from_secs(1) * count / per_second;
        let started = Instant::now();
        let loops = self.gates.iter_mut().zip(0_u32..).map(|(gate, place)| async move {
            let mut samples = Samples::default();
            let mut due = started + every * place / count;
            while due < started + span {
                tokio::time::sleep_until(due.into()).await;
                gate.read(bands, &mut samples).await;
                due += every;
            }
            samples
        });
        gathered(loops.collect(), started).await
    }

    /// Forgets openings that nobody waits for: those that a daemon sends again when it starts.
    fn forget(&mut self) {
        for gate in &mut self.gates {
            while gate.opened.try_recv().is_ok() {}
        }
    }
}

/// Runs the gates' loops side by side and puts their samples together.
async fn gathered<F: Future<Output = Samples>>(loops: Vec<F>, started: Instant) -> Samples {
    let mut all = Samples::default();
    for samples in futures_util::future::join_all(loops).await {
        all.micros.extend(samples.micros);
        all.unanswered += samples.unanswered;
    }
    all.took = started.elapsed();
    all.micros.sort_unstable();
    all
}

impl Gate {
    async fn read(&mut self, bands: &Bands, samples: &mut Samples) {
        self.seq += 1;
        let payload = format!(
            r#"{{"v":1,"boot":{},"seq":{},"t":{},"uid":"{}"}}"#,
            self.boot,
            self.seq,
            // A link that is new takes only what proves its age.
            self.clock.now().millis(),
            bands.next()
        );
        let sent = Instant::now();
        let topic = self.topic.as_str();
        let published = self.client.publish(topic, QoS::AtLeastOnce, false, payload).await;
        let came = match published {
            Ok(()) => timeout(PATIENCE, self.opened.recv()).await.ok().flatten(),
            Err(_) => None,
        };
        match came {
            Some(came) => {
                let micros = came.saturating_duration_since(sent).as_micros();
                samples.micros.push(u64::try_from(micros).unwrap_or(u64::MAX));
            }
            None => samples.unanswered += 1,
        }
    }
}

/// Tells the instant of every message.
async fn hear(mut events: EventLoop, telling: mpsc::Sender<Instant>) {
    while let Ok(event) = events.poll().await {
        let opened = matches!(event, Event::Incoming(Packet::Publish(_)));
        if opened && telling.send(Instant::now()).await.is_err() {
            return;
        }
    }
}

/// A client that hears `topic`.
async fn listen(broker: SocketAddr, name: &str, topic: &str) -> Option<(AsyncClient, EventLoop)> {
    let mut options = MqttOptions::new(name, broker.ip().to_string(), broker.port());
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network).set_receive_maximum(Some(1024));
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    client.subscribe(topic, QoS::AtLeastOnce).await.ok()?;
    let subscribed = async {
        loop {
            if let Event::Incoming(Packet::SubAck(_)) = events.poll().await.ok()? {
                return Some(());
            }
        }
    };
    timeout(PATIENCE, subscribed).await.ok()??;
    Some((client, events))
}

/// The floor: answers every read of a fleet at once, and decides nothing. Runs until the broker
/// ends.
///
/// # Errors
/// When there is no broker.
pub async fn echo(broker: SocketAddr) -> Result<(), TwinError> {
    let unknown = || TwinError::Broker(DeviceId::from("echo"));
    let (client, mut events) = listen(broker, "echo", "bench/+/read").await.ok_or_else(unknown)?;
    let (asked, mut asks) = mpsc::channel::<String>(QUEUE);
    let mut tasks = JoinSet::new();
    // Polling and publishing stand apart, as in every client that must not freeze.
    tasks.spawn(async move {
        while let Some(topic) = asks.recv().await {
            let payload = vec![b'x'; ECHO_BYTES];
            if client.publish(topic, QoS::AtLeastOnce, false, payload).await.is_err() {
                return;
            }
        }
    });
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Packet::Publish(publish)) = event {
            let topic = String::from_utf8_lossy(&publish.topic).replace("/read", "/open");
            if asked.send(topic).await.is_err() {
                break;
            }
        }
    }
    Ok(())
}
