//! How long a round trip at QoS 1 takes through the embedded broker, against a bare TCP echo.
//!
//! `cargo run --release -p devices --example echo`: both in one run, warm-up first, in turns; the
//! table has the median of the rounds' medians.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use devices::{arrival::Inlets, config::LinksConfig, hub::Hub, profile::Profiles};
use domain::time::{Clock, Timestamp};
use rumqttc::{
    NetworkOptions,
    v5::{
        AsyncClient, Event, EventLoop, MqttOptions,
        mqttbytes::{QoS, v5::Packet},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const BYTES: usize = 200;
const WARM_UP: usize = 300;
const TRIPS: usize = 3000;
const ROUNDS: usize = 5;

/// Nothing here depends on the time.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1)
    }
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let (gates, _gates) = mpsc::channel(16);
    let (emergency, _emergency) = mpsc::channel(16);
    let config: LinksConfig = toml::from_str("[mqtt]\nlisten = '127.0.0.1:0'")?;
    let links = config.check(&Profiles::load(None)?)?;
    let hub = Hub::start(links, Inlets { emergency, gates }, Arc::new(NoClock), 1).await?;
    while !hub.is_up() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let broker = hub.broker_address().ok_or("no broker")?;
    let mut bare = bare_peer().await?;
    let (asker, mut answers) = peer(broker, "asker", "echo/answer").await?;
    let (echoer, mut questions) = peer(broker, "echoer", "echo/question").await?;
    tokio::spawn(async move {
        while questions.recv().await.is_some() {
            if echoer.try_publish("echo/answer", QoS::AtLeastOnce, false, vec![0; BYTES]).is_err() {
                return;
            }
        }
    });
    let (mut plain, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(bare_round(&mut bare).await?);
        through.push(broker_round(&asker, &mut answers).await?);
    }
    let (plain, through) = (median(plain), median(through));
    let ratio = 100 * through.as_nanos() / plain.as_nanos();
    println!("bare TCP echo, {BYTES} B         {plain:?}");
    println!("QoS 1 both ways, embedded    {through:?}");
    println!("ratio                        {}.{:02} (goal: at most 5)", ratio / 100, ratio % 100);
    hub.stop().await;
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

async fn bare_peer() -> Outcome<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let mut bytes = [0; BYTES];
        if stream.set_nodelay(true).is_err() {
            return;
        }
        while stream.read_exact(&mut bytes).await.is_ok() {
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn bare_round(stream: &mut TcpStream) -> Outcome<Duration> {
    let mut bytes = [0; BYTES];
    let mut times = Vec::with_capacity(TRIPS);
    for trip in 0..WARM_UP + TRIPS {
        let start = Instant::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        if trip >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    Ok(median(times))
}

async fn broker_round(asker: &AsyncClient, answers: &mut mpsc::Receiver<()>) -> Outcome<Duration> {
    let mut times = Vec::with_capacity(TRIPS);
    for trip in 0..WARM_UP + TRIPS {
        let start = Instant::now();
        asker.publish("echo/question", QoS::AtLeastOnce, false, vec![0; BYTES]).await?;
        answers.recv().await.ok_or("the broker ended")?;
        if trip >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    Ok(median(times))
}

async fn peer(
    broker: SocketAddr,
    id: &str,
    topic: &str,
) -> Outcome<(AsyncClient, mpsc::Receiver<()>)> {
    let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    let (client, mut events) = AsyncClient::new(options, 64);
    client.subscribe(topic, QoS::AtLeastOnce).await?;
    subscribed(&mut events).await?;
    let (heard, hears) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            if matches!(event, Event::Incoming(Packet::Publish(_))) && heard.send(()).await.is_err()
            {
                return;
            }
        }
    });
    Ok((client, hears))
}

async fn subscribed(events: &mut EventLoop) -> Outcome<()> {
    loop {
        if matches!(events.poll().await?, Event::Incoming(Packet::SubAck(_))) {
            return Ok(());
        }
    }
}
