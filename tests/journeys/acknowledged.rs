//! Devices that flood, and a daemon that is killed again and again among it: whatever was
//! acknowledged is on record once, and every passage is charged once.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use domain::{event::Direction::Exit, ids::DecisionId, reasons::Condition, state::Noted};
use tests::{
    daemon::{Daemon, eventually},
    flood::{Device, Pace},
    records::Records,
    seeds::fresh,
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

/// Devices that there are; between one of them and all say something at a time.
const DEVICES: u32 = 50;
/// People who pay at each device for every visit.
const GUESTS: u32 = 4;
/// What all devices say in a second, at the most.
const A_SECOND: u64 = 20_000;

/// How often the daemon is killed, and how much is said at least.
fn extent() -> (u32, u64) {
    let asked = |name| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let kills = asked("KARI_FLOOD_KILLS").unwrap_or(2);
    (u32::try_from(kills).unwrap(), kills * 1000)
}

/// What the devices are told.
#[derive(Default)]
struct Orders {
    /// How many of them say something.
    devices: AtomicU32,
    /// What each of those says in a thousand seconds.
    pace: AtomicU64,
    said: AtomicU64,
    over: AtomicBool,
}

/// What one device says: its guests come and go, on their own grants.
fn says(number: u32, seed: u64) -> impl FnMut(u64, u64) -> (String, String) + Send {
    let mut random = fastrand::Rng::with_seed(seed + u64::from(number));
    move |boot, seq| {
        let guest = uid(number * GUESTS + random.u32(0..GUESTS));
        let (way, reader) =
            if random.bool() { ("entry", "reader-in") } else { ("exit", "reader-out") };
        if random.u32(0..3) > 0 {
            let said = format!(r#"{{"v":1,"boot":{boot},"seq":{seq},"uid":"{guest}"}}"#);
            return (format!("homie/5/gate-{number}/{reader}/uid"), said);
        }
        let said = format!(r#"{{"v":1,"boot":{boot},"seq":{seq},"direction":"{way}"}}"#);
        (format!("homie/5/gate-{number}/gate/passage"), said)
    }
}

/// A device in a thread of its own, until it is over and everything is acknowledged.
fn start(number: u32, mut device: Device, orders: Arc<Orders>) -> JoinHandle<Device> {
    thread::spawn(move || {
        let mut pace = Pace::default();
        let mut ends = None;
        loop {
            device.turn();
            if orders.over.load(Ordering::Acquire) {
                let end = *ends.get_or_insert_with(|| Instant::now() + Duration::from_secs(120));
                if device.is_done() {
                    return device;
                }
                assert!(Instant::now() < end, "gate-{number} is never acknowledged");
            } else if number <= orders.devices.load(Ordering::Acquire) {
                for _ in 0..pace.due(orders.pace.load(Ordering::Acquire)) {
                    orders.said.fetch_add(u64::from(device.say()), Ordering::AcqRel);
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    })
}

/// What each message of a device came to, by device, boot and sequence: decisions and passages.
async fn on_record(records: &Records) -> BTreeMap<(String, u64, u64), u32> {
    let mut found = BTreeMap::new();
    for (source, noted) in records.told().await {
        let counts = match noted {
            Noted::Decided { .. } => true,
            Noted::Condition { condition, .. } => {
                assert_ne!(condition, Condition::MessageRefused, "{source:?}");
                matches!(condition, Condition::PassageMade | Condition::PassageUnexpected)
            }
            _ => false,
        };
        if counts {
            *found.entry(source).or_default() += 1;
        }
    }
    found
}

fn short(gate: u32) -> String {
    format!("set(\"gate.passage_timeout\", \"PT2S\", device(\"gate-{gate}\"));\n")
}

/// Each visit cost one price, and nothing else did.
async fn check_charges(records: &Records) {
    let all = records.decisions().await.into_iter();
    let decisions: BTreeMap<DecisionId, _> = all.map(|one| (one.id, one)).collect();
    let (mut inside, mut visits) = (BTreeSet::new(), BTreeMap::<_, i64>::new());
    let passages = records.passages().await;
    let once: BTreeSet<_> = passages.iter().collect();
    assert_eq!(once.len(), passages.len(), "a grant is used once");
    for decision in &passages {
        let Some(passed) = decisions.get(decision) else { continue };
        let Some(who) = passed.member else { continue };
        if passed.direction == Some(Exit) {
            inside.remove(&who);
        } else if inside.insert(who) {
            *visits.entry(who).or_default() += 1;
        }
    }
    let mut paid = 0;
    for number in GUESTS..(DEVICES + 1) * GUESTS {
        let came = visits.get(&records.member(number).await).copied().unwrap_or(0);
        let (balance, reserved) = records.wallet(number).await;
        assert_eq!((100_000_000 - balance, reserved), (800 * came, 0), "guest {number}");
        paid += came;
    }
    assert_eq!(records.charges().await, paid);
    println!("{} passages on grants, {paid} of them paid", passages.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_in_a_flood_among_kills_is_on_record_once() {
    let (kills, events) = extent();
    let seed = fresh("KARI_FLOOD_SEED");
    let mut random = fastrand::Rng::with_seed(seed);
    let guests = GUESTS..(DEVICES + 1) * GUESTS;
    let plan = Plan {
        gates: usize::try_from(DEVICES).unwrap(),
        guests: guests.map(|number| Guest::paying(number, "1000000.00")).collect(),
        settings: (1..=DEVICES).map(short).collect(),
        ..Plan::default()
    };
    let mut daemon = Daemon::start(&plan).await;
    let orders = Arc::new(Orders::default());
    let devices: Vec<_> = (1..=DEVICES)
        .map(|number| {
            let name = format!("gate-{number}");
            let device = Device::new(
                daemon.site.broker,
                (&name, u8::from(!number.is_multiple_of(3))),
                says(number, seed),
            );
            start(number, device, Arc::clone(&orders))
        })
        .collect();
    let (begin, mut killed) = (Instant::now(), 0);
    while killed < kills || orders.said.load(Ordering::Acquire) < events {
        let count = random.u32(1..=DEVICES);
        // Seldom many, often few.
        let most = A_SECOND >> random.u32(0..14);
        let rate = random.u64(1..=most);
        let pace = rate * 1000 / u64::from(count);
        orders.pace.store(pace, Ordering::Release);
        orders.devices.store(count, Ordering::Release);
        sleep(Duration::from_millis(random.u64(200..1200))).await;
        if killed < kills {
            daemon.kill();
            daemon.spawn();
            daemon.ready().await;
            killed += 1;
        }
    }
    orders.over.store(true, Ordering::Release);
    let devices = tokio::task::spawn_blocking(|| {
        devices.into_iter().map(|device| device.join().unwrap()).collect::<Vec<_>>()
    });
    let devices = devices.await.unwrap();
    let records = daemon.records().await;
    let ended = async || (records.occupancy("hall").await.1 == 0).then_some(());
    eventually("grants whose passage does not come end by themselves", ended).await;
    daemon.stop().await;
    check(&records, &devices).await;
    check_charges(&records).await;
    records.check_ledger().await;
    records.check_chain().await;
    let said = orders.said.load(Ordering::Acquire);
    println!("{said} events in {:?}, {killed} kills among them", begin.elapsed());
}

/// What was acknowledged is on record once, and nothing is there twice.
async fn check(records: &Records, devices: &[Device]) {
    let found = on_record(records).await;
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "on record more than once: {} such as {:?}", twice.len(), twice[0]);
    let mut acknowledged = 0;
    for (number, device) in (1..).zip(devices) {
        let lost = |seq: &&u64| !found.contains_key(&(format!("gate-{number}"), 1, **seq));
        let lost: Vec<_> = device.acknowledged.iter().filter(lost).collect();
        assert!(lost.is_empty(), "acknowledged and lost at gate-{number}: {lost:?}");
        acknowledged += device.acknowledged.len();
    }
    assert!(acknowledged > 0);
    println!("{acknowledged} acknowledged, {} on record", found.len());
}
