//! One mad device: it waits, and nobody else does.

use std::{
    env,
    io::{self, Read, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use domain::event::Direction::{Entry, Exit};
use tests::{
    daemon::{Daemon, PATIENCE, eventually},
    flood::{connect, publish},
    late::Measured,
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

use crate::{Through, ask, site};

/// What a flood sends; the daemon takes what it can.
const A_SECOND: u64 = 20_000;
/// What it sends through a broker, which hands out all messages in one row: the daemon has to keep
/// up with it, as nobody can hold one device back there.
const A_SECOND_BY_A_BROKER: u64 = 2000;
/// People who leave in turns, so that none of them holds a card to the reader twice at once.
const GUESTS: u32 = 60;
/// People who come to another gate in turns, from the next number on.
const COMING: u32 = 600;
/// An exit opens within this, whatever one device does.
const OPENS_WITHIN: Duration = Duration::from_millis(150);

fn seconds() -> u64 {
    env::var("KARI_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Reads bands that nobody has at gate-1 as fast as it can, until it is over.
struct Flood {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: thread::JoinHandle<io::Result<()>>,
}

impl Flood {
    fn start(broker: SocketAddr, qos: u8, a_second: u64) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let (stop, count) = (Arc::clone(&over), Arc::clone(&sent));
        let mut stream = connect(broker, &format!("mad-{qos}"), true).unwrap();
        stream.set_read_timeout(None).unwrap();
        let mut answers = stream.try_clone().unwrap();
        thread::spawn(move || io::copy(&mut answers, &mut io::sink()));
        let thread = thread::spawn(move || {
            stream.set_write_timeout(Some(Duration::from_millis(50)))?;
            let start = Instant::now();
            while !stop.load(Ordering::Acquire) {
                let number = count.load(Ordering::Acquire);
                let due = u64::try_from(start.elapsed().as_millis()).unwrap() * a_second / 1000;
                if number >= due {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                let said = format!(
                    r#"{{"v":1,"boot":{qos},"seq":{},"uid":"{:X}"}}"#,
                    number + 1,
                    0xF000_0000 + number
                );
                let id = u16::try_from(number % 65_000 + 1).unwrap();
                let mut rest: &[u8] =
                    &publish("homie/5/gate-1/reader-in/uid", qos << 1, id, said.as_bytes());
                while !rest.is_empty() && !stop.load(Ordering::Acquire) {
                    match stream.write(rest) {
                        Ok(written) => rest = &rest[written..],
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
                count.fetch_add(1, Ordering::AcqRel);
            }
            Ok(())
        });
        Self { over, sent, thread }
    }

    fn stop(self) -> u64 {
        self.over.store(true, Ordering::Release);
        self.thread.join().unwrap().expect("the flood is held back, not cut off");
        self.sent.load(Ordering::Acquire)
    }
}

async fn one_mad_device(qos: u8, through: Through) {
    let guests = (1..=GUESTS + COMING).map(Guest::member).collect();
    let plan = Plan { gates: 3, guests, ..Plan::default() };
    let Some((mut daemon, _broker)) = site(through, plan).await else { return };
    let (exit, busy) = (daemon.gate("gate-2").await, daemon.gate("gate-3").await);
    assert!(ask(&exit, Exit, &uid(1)).await.open.is_some());
    let a_second = match through {
        Through::Embedded => A_SECOND,
        Through::Mosquitto(_) => A_SECOND_BY_A_BROKER,
    };
    let flood = Flood::start(daemon.site.broker, qos, a_second);
    let end = Instant::now() + Duration::from_secs(seconds());
    let (mut took, mut said) = (Vec::new(), 0);
    while Instant::now() < end {
        for _ in 0..10 {
            busy.read(Entry, &uid(GUESTS + 1 + said % COMING), None);
            said += 1;
            sleep(Duration::from_millis(20)).await;
        }
        exit.forget_answers().await;
        let (measured, start) = (Measured::start(&[daemon.process()]), Instant::now());
        let guest = u32::try_from(took.len()).unwrap() % (GUESTS - 1) + 2;
        exit.read(Exit, &uid(guest), None);
        let open = exit.answer(PATIENCE).await.open.expect("an exit opens");
        measured.assert_within(OPENS_WITHIN, open.came, "an exit opens");
        took.push(open.came - start);
        exit.pass(Exit, open.decision, None);
    }
    let sent = flood.stop();
    took.sort_unstable();
    println!(
        "{sent} messages of QoS {qos} in {} s; {} exits: p50 {:?}, max {:?}",
        seconds(),
        took.len(),
        took[took.len() / 2],
        took[took.len() - 1],
    );
    let acknowledged = async || (busy.unacknowledged() == 0).then_some(());
    eventually("what the other gate said is acknowledged", acknowledged).await;
    let records = daemon.records().await;
    let recorded = async || {
        let decisions = records.decisions().await.into_iter();
        let here = decisions.filter(|one| one.device.as_str() == "gate-3").count();
        let here = u32::try_from(here).unwrap();
        assert!(here <= said, "what was acknowledged is on record once");
        (here == said).then_some(())
    };
    eventually("what was acknowledged is on record", recorded).await;
    daemon.stop().await;
    records.check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mad_device_keeps_no_exit_shut_and_loses_nothing_of_others() {
    one_mad_device(1, Through::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mad_device_without_acknowledgements_does_not_either() {
    one_mad_device(0, Through::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mad_device_behind_mosquitto_keeps_no_exit_shut() {
    let name = "one_mad_device_behind_mosquitto_keeps_no_exit_shut";
    one_mad_device(1, Through::Mosquitto(name)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fire_that_was_acknowledged_is_latched_over_a_kill() {
    let rounds = env::var("KARI_FIRE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    for round in 1..=rounds {
        let plan = Plan { gates: 2, ..Plan::default() };
        let mut daemon = Daemon::start(&plan).await;
        let mut panel = connect(daemon.site.broker, "panel", true).unwrap();
        panel.write_all(&publish("homie/5/gate-1/safety/fire", 2, 7, b"true")).unwrap();
        let mut answer = [0; 4];
        panel.read_exact(&mut answer).unwrap();
        daemon.kill();
        assert_eq!(answer, *b"\x40\x02\0\x07", "it is acknowledged");
        daemon.spawn();
        daemon.ready().await;
        let gate = daemon.gate("gate-2").await;
        let released = async || gate.is_released().then_some(());
        eventually(&format!("round {round}: the gate is released again"), released).await;
    }
}
