//! Five kinds of mad client at once: the daemon's memory stays bounded and is given back, and exits
//! open in time meanwhile.

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use domain::event::Direction::Exit;
use tests::{
    daemon::{Daemon, PATIENCE},
    flood::{connect, hello, publish, subscribe},
    late::Measured,
    site::{Guest, Plan, uid},
};
use tokio::time::sleep;

/// The daemon keeps within this, whatever comes.
const MEMORY_MIB: u64 = 200;
/// An exit opens within this.
const OPENS_WITHIN: Duration = Duration::from_millis(150);
const GUESTS: u32 = 60;
/// Sockets that one kind of client holds.
const HELD: usize = 300;

fn seconds() -> u64 {
    env::var("KARI_MAD_SECONDS").ok().map_or(10, |text| text.parse().expect("a number"))
}

/// One mad client: where, whether it is over, and what it did.
#[derive(Clone)]
struct Mad {
    broker: SocketAddr,
    over: Arc<AtomicBool>,
    did: Arc<AtomicU64>,
}

impl Mad {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// Connects, once somebody lets it in.
    fn connects(&self, name: &str, clean: bool) -> Option<TcpStream> {
        while self.goes_on() {
            if let Ok(stream) = connect(self.broker, name, clean) {
                stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
                return Some(stream);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Writes all of it, however long nobody reads it; whether it could.
    fn writes(&self, stream: &mut TcpStream, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match stream.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.goes_on() => {}
                Err(_) => return false,
            }
        }
        self.did.fetch_add(1, Ordering::AcqRel);
        true
    }

    /// Reads what comes, in a thread of its own, until the connection ends or all is over. So
    /// connections that nobody needs any more stay, as many as the daemon lets.
    fn reads_all(&self, stream: &TcpStream) {
        let (mad, mut answers) = (self.clone(), stream.try_clone().unwrap());
        answers.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let waits = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
        thread::spawn(move || {
            while mad.goes_on() {
                match answers.read(&mut [0; 65536]) {
                    Ok(0) => return,
                    Err(error) if !waits(&error) => return,
                    _ => {}
                }
            }
        });
    }
}

/// As many messages as a socket takes: reads of nobody, and topics of nobody.
fn too_many(mad: &Mad) {
    let mut number = 0_u64;
    while let Some(mut stream) = mad.connects("mad-messages", true) {
        mad.reads_all(&stream);
        while mad.goes_on() {
            number += 1;
            let id = u16::try_from(number % 60_000 + 1).unwrap();
            let uid = 0xF000_0000 + number;
            let said = format!(r#"{{"v":1,"boot":1,"seq":{number},"uid":"{uid:X}"}}"#);
            let reader = publish("homie/5/gate-1/reader-in/uid", 2, id, said.as_bytes());
            let other = publish(&format!("mad/{}", number % 100), 0, 0, said.as_bytes());
            if !mad.writes(&mut stream, &reader) || !mad.writes(&mut stream, &other) {
                break;
            }
        }
    }
}

/// Packets as large as may be, larger ones, and ones that say that they are.
fn too_large(mad: &Mad) {
    let mut number = 0_u64;
    while let Some(mut stream) = mad.connects("mad-bytes", true) {
        mad.reads_all(&stream);
        loop {
            number += 1;
            let large = vec![b'x'; 15_000];
            let (topic, reader) = ("large/one", "homie/5/gate-1/reader-out/uid");
            let mut bytes = publish(topic, 0, 0, &large);
            bytes.extend(publish(reader, 2, 7, &large));
            if number.is_multiple_of(500) {
                bytes.extend([0x30, 0xFF, 0xFF, 0xFF, 0x7F]);
                bytes.extend(&large);
            }
            if !mad.goes_on() || !mad.writes(&mut stream, &bytes) {
                break;
            }
        }
    }
}

/// Connections that say half a word, nothing, or good day a thousand times.
fn storms(mad: &Mad) {
    let mut held = Vec::new();
    let mut number = 0_u64;
    while mad.goes_on() {
        number += 1;
        let Ok(mut stream) = TcpStream::connect(mad.broker) else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let words = hello(&format!("mad-storm-{number}"), true);
        let said: &[u8] = match number % 4 {
            0 => &[],
            1 => &words[..5],
            2 => &[0x10, 0xFF, 0xFF, 0xFF],
            _ => &words,
        };
        mad.writes(&mut stream, said);
        held.push(stream);
        if held.len() >= HELD {
            held.drain(..HELD / 2);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Retained messages and subscriptions without end, each on a topic of its own.
fn retains(mad: &Mad) {
    let mut number = 0_u64;
    while mad.goes_on() {
        number += 1;
        let name = format!("mad-keeper-{}", number % 2000);
        let Some(mut stream) = mad.connects(&name, true) else { return };
        mad.reads_all(&stream);
        for _ in 0..200 {
            number += 1;
            let mut bytes = publish(&format!("kept/{number}"), 1, 0, &[b'k'; 2000]);
            bytes.extend(subscribe(9, &format!("kept/{number}/+/#")));
            if !mad.goes_on() || !mad.writes(&mut stream, &bytes) {
                break;
            }
        }
    }
}

/// Sessions that nobody comes back for, and readers that never read.
fn leaves(mad: &Mad) {
    let mut held = Vec::new();
    let mut number = 0_u64;
    while mad.goes_on() {
        number += 1;
        let Some(mut stream) = mad.connects(&format!("mad-gone-{number}"), false) else { return };
        for filter in ["mad/#", "large/#", "kept/#"] {
            mad.writes(&mut stream, &subscribe(3, filter));
        }
        if number.is_multiple_of(2) {
            held.push(stream);
        }
        if held.len() > HELD / 3 {
            held.remove(0);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

type Kind = (&'static str, fn(&Mad));
const KINDS: [Kind; 5] = [
    ("too many messages", too_many),
    ("large payloads", too_large),
    ("connect storms", storms),
    ("retained topics and subscriptions", retains),
    ("sessions left behind, readers that never read", leaves),
];

/// Resident memory of a process, in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|text| text.parse().ok()).expect("it runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_kinds_of_mad_clients_fill_no_memory_and_keep_no_exit_shut() {
    let guests = (1..=GUESTS).map(Guest::member).collect();
    let mut daemon = Daemon::start(&Plan { gates: 2, guests, ..Plan::default() }).await;
    let (gate, process) = (daemon.gate("gate-2").await, daemon.process());
    // What ordinary work takes is no part of what a flood leaves behind.
    let calm = if env::var_os("KARI_MAD_SECONDS").is_some() { 300 } else { 1 };
    for guest in 0..calm {
        gate.forget_answers().await;
        gate.read(Exit, &uid(guest % GUESTS + 1), None);
        let open = gate.answer(PATIENCE).await.open.expect("an exit opens");
        gate.pass(Exit, open.decision, None);
        sleep(Duration::from_millis(100)).await;
    }
    let before = resident(process);
    let over = Arc::new(AtomicBool::new(false));
    let mad: Vec<_> = KINDS
        .into_iter()
        .map(|(name, kind)| {
            let (over, did) = (Arc::clone(&over), Arc::default());
            let mad = Mad { broker: daemon.site.broker, over, did };
            let at_work = mad.clone();
            (name, mad, thread::spawn(move || kind(&at_work)))
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(seconds());
    let (mut took, mut most) = (Vec::new(), before);
    while Instant::now() < end {
        sleep(Duration::from_millis(100)).await;
        gate.forget_answers().await;
        let (measured, start) = (Measured::start(&[process]), Instant::now());
        let guest = u32::try_from(took.len()).unwrap() % (GUESTS - 1) + 2;
        gate.read(Exit, &uid(guest), None);
        let open = gate.answer(PATIENCE).await.open.expect("an exit opens");
        measured.assert_within(OPENS_WITHIN, open.came, "an exit opens");
        took.push(open.came - start);
        gate.pass(Exit, open.decision, None);
        most = most.max(resident(process));
        assert!(most < MEMORY_MIB * 1024, "{most} KiB after {} exits", took.len());
    }
    over.store(true, Ordering::Release);
    for (name, mad, thread) in mad {
        thread.join().unwrap();
        let did = mad.did.load(Ordering::Acquire);
        println!("{name}: {did}");
        assert!(did > 10, "{name}: {did} are no flood");
    }
    took.sort_unstable();
    println!(
        "{} s: {} exits p50 {:?}, max {:?}; resident {before} KiB before, {most} at most",
        seconds(),
        took.len(),
        took[took.len() / 2],
        took[took.len() - 1]
    );
    if env::var_os("KARI_MAD_SECONDS").is_some() {
        sleep(Duration::from_secs(60)).await;
        let after = resident(process);
        println!("{after} KiB a minute after");
        assert!(after * 10 <= before * 11, "{before} KiB before, {after} a minute after");
    }
    daemon.stop().await;
}
