//! The MQTT server as any client sees it, beside a real Mosquitto.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{Mosquitto, Site, device_event, free_port, left_out, mqtt_site, python, read_of};
use domain::event::Direction::*;
use tokio::time::{sleep, timeout};

/// Runs the checks against `address`; the names of those that failed.
async fn failed_checks(address: SocketAddr, prefix: &str) -> Option<Vec<String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mqtt_checks.py");
    let (port, prefix) = (address.port().to_string(), prefix.to_owned());
    let run = move || Command::new(python()).args([script, &port, &prefix]).output();
    let Ok(output) = tokio::task::spawn_blocking(run).await.unwrap() else {
        left_out("python3");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(" of 47"), "the checks did not run to their end");
    let failed = text.lines().filter_map(|line| line.strip_prefix("FAIL "));
    Some(failed.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn the_server_keeps_to_the_specification() {
    let site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    let failed = failed_checks(site.hub.broker_address().unwrap(), "own").await;
    assert_eq!(failed.unwrap_or_default(), Vec::<String>::new());
    site.hub.stop().await;
}

#[tokio::test]
async fn mosquitto_fails_only_where_it_was_given_no_rights() {
    let Some(broker) = Mosquitto::start().await else { return };
    let Some(mut failed) = failed_checks(broker.address, "beside").await else { return };
    failed.retain(|name| !OF_MOSQUITTO.contains(&name.as_str()));
    assert_eq!(failed, Vec::<String>::new());
}

/// What a Mosquitto without a list of rights does otherwise, and where it is more lenient.
const OF_MOSQUITTO: &[&str] = &[
    "commands_are_the_daemons_and_5_hears_so",
    "a_command_of_a_client_reaches_nobody",
    "an_unknown_level_is_answered_with_1",
    // It looks every five seconds.
    "a_will_is_published_for_who_is_silent",
    "overlapping_subscriptions_give_the_highest_quality",
    "the_largest_packet_that_a_client_takes_is_exactly_what_it_said",
];

/// A Mosquitto that is a bridge, with its defaults.
struct Bridge {
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn a_bridge_of_mosquitto_connects_with_its_defaults() {
    let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
    let Some(program) = program.iter().find(|path| Path::new(path).exists()) else {
        left_out("mosquitto");
        return;
    };
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    let address = site.hub.broker_address().unwrap();
    let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
    // Defaults but for the wait after the first answer, which says no to the level of bridges.
    let config = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nconnection to-kari\naddress {address}\n\
         bridge_protocol_version mqttv311\nrestart_timeout 1\n\
         topic homie/5/# out 1\ntopic homie/5/+/+/+/set in 1\n"
    );
    let file = folder.path().join("bridge.conf");
    std::fs::write(&file, config).unwrap();
    let process = Command::new(program)
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _bridge = Bridge { process, _folder: folder };
    let far = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..500 {
        if TcpStream::connect(far).is_ok() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    // A gate at the far end of the bridge is heard, and obeys.
    let gate = common::gate(far, "gate-1", &site.clock).await;
    let heard = async {
        loop {
            let seq = gate.read(Entry, "A1", None);
            if let Some(arrival) = site.event_within(Duration::from_millis(700)).await {
                return (seq, arrival);
            }
        }
    };
    let (_, arrival) = timeout(Duration::from_secs(15), heard).await.expect("the bridge stands");
    assert_eq!(device_event(&arrival).happening, read_of("A1", Entry));
    arrival.ack.done();
    site.grant("gate-1", Entry);
    assert!(gate.answer(Duration::from_secs(3)).await.open.is_some());
    site.hub.stop().await;
}

fn hello(name: &str) -> Vec<u8> {
    hello_of(5, 1, name)
}

/// A CONNECT of this version.
fn hello_of(version: u8, clean: u8, name: &str) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', version, clean << 1, 0, 0];
    body.extend((version == 5).then_some(0));
    body.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
    body.extend(name.as_bytes());
    let mut packet = vec![0x10, u8::try_from(body.len()).unwrap()];
    packet.append(&mut body);
    packet
}

/// A PUBLISH; of quality 1 where it has an id.
fn said(version: u8, id: u16, topic: &str, payload: &str) -> Vec<u8> {
    let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend(id.to_be_bytes().into_iter().filter(|_| id > 0));
    body.extend((version == 5).then_some(0));
    body.extend(payload.as_bytes());
    let first = if id > 0 { 0x32 } else { 0x30 };
    let mut packet = vec![first, u8::try_from(body.len()).unwrap()];
    packet.append(&mut body);
    packet
}

/// A client that was let in, with its own bytes.
struct Raw {
    stream: TcpStream,
    version: u8,
}

impl Raw {
    fn connect(address: SocketAddr, version: u8, name: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&hello_of(version, 1, name)).unwrap();
        let mut raw = Self { stream, version };
        assert_eq!(raw.next(2000).unwrap()[0], 0x20);
        raw
    }

    fn say(&mut self, id: u16, topic: &str, payload: &str) {
        self.stream.write_all(&said(self.version, id, topic, payload)).unwrap();
    }

    /// A passage of `gate-1`, counted by its packet id.
    fn passes(&mut self, id: u16) {
        let payload = format!(r#"{{"v":1,"boot":1,"seq":{id},"direction":"entry"}}"#);
        self.say(id, "homie/5/gate-1/gate/passage", &payload);
    }

    /// The next packet; `None` where none comes in time, or the connection ends.
    fn next(&mut self, patience_ms: u64) -> Option<Vec<u8>> {
        self.stream.set_read_timeout(Some(Duration::from_millis(patience_ms))).unwrap();
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        let mut packet = head.to_vec();
        packet.resize(2 + usize::from(head[1]), 0);
        self.stream.read_exact(&mut packet[2..]).ok()?;
        Some(packet)
    }

    /// The ids of so many PUBACKs, and no other packet.
    fn acknowledged(&mut self, count: usize) -> Vec<u16> {
        let acknowledged = (0..count).map(|_| {
            let packet = self.next(2000).expect("it is acknowledged");
            assert_eq!(packet[0], 0x40, "{packet:?}");
            u16::from_be_bytes([packet[2], packet[3]])
        });
        acknowledged.collect()
    }
}

/// What waits for the loop, as the device counted it.
async fn waits(site: &mut Site, count: usize) -> Vec<(u64, devices::arrival::Ack)> {
    let mut all = Vec::new();
    for _ in 0..count {
        let arrival = site.event().await;
        all.push((device_event(&arrival).seq, arrival.ack));
    }
    all
}

#[tokio::test]
async fn acknowledgements_leave_in_the_order_in_which_messages_came() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    for version in [4, 5] {
        let address = site.hub.broker_address().unwrap();
        let mut says = Raw::connect(address, version, &format!("says-{version}"));
        for id in [31, 7, 12] {
            says.passes(id);
        }
        // Nobody has to make this one durable.
        says.say(5, "weather/outside", "rain");
        says.passes(40);
        let mut all = waits(&mut site, 4).await;
        assert_eq!(all.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [31, 7, 12, 40]);
        let (_, first) = all.remove(0);
        all.into_iter().rev().for_each(|(_, ack)| ack.done());
        assert_eq!(says.next(150), None, "version {version}: the first is not durable");
        first.done();
        assert_eq!(says.acknowledged(5), [31, 7, 12, 5, 40], "version {version}");
    }
    site.hub.stop().await;
}

#[tokio::test]
async fn a_message_that_the_loop_lets_go_holds_no_other_back_and_comes_again() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"])).await;
    let address = site.hub.broker_address().unwrap();
    let mut says = Raw::connect(address, 4, "says");
    // More than its share, one after another: none of them keeps its place.
    for id in 1..=1000 {
        says.passes(id);
    }
    for _ in 0..999 {
        drop(site.event().await);
    }
    says.passes(2000);
    let kept = waits(&mut site, 2).await;
    kept.into_iter().for_each(|(_, ack)| ack.done());
    assert_eq!(says.acknowledged(2), [1000, 2000]);
    // Only another connection brings the rest again.
    let ended = tokio::task::spawn_blocking(move || says.next(3000)).await.unwrap();
    assert_eq!(ended, None);
    site.hub.stop().await;
}

/// Opens connections that say `first`, until the system or the server has no more.
fn crowd(address: SocketAddr, count: usize, first: impl Fn(usize) -> Vec<u8>) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for number in 0..count {
        let Ok(mut stream) = TcpStream::connect(address) else { break };
        if stream.write_all(&first(number)).is_err() {
            break;
        }
        all.push(stream);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowds_of_strangers_keep_no_gate_out() {
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1", "gate-2"])).await;
    let address = site.hub.broker_address().unwrap();
    let first = site.gate("gate-1").await;
    let half_open = crowd(address, 1000, |_| vec![0x10]);
    let idle = crowd(address, 2060, |number| hello(&format!("idle-{number}")));
    println!("{} half-open and {} idle connections", half_open.len(), idle.len());
    assert!(half_open.len() + idle.len() > 400, "the limit of open files is too low for this");
    let mut last = idle.last().unwrap().try_clone().unwrap();
    let answered = tokio::task::spawn_blocking(move || last.read_exact(&mut [0; 4]));
    answered.await.unwrap().expect("the whole crowd is in its place");
    let start = Instant::now();
    let second = site.gate("gate-2").await;
    for gate in [&first, &second] {
        gate.read(Entry, "A1", None);
        site.event().await.ack.done();
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    site.hub.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let site = Site::start(&mqtt_site("embedded", &[])).await;
    let mut silent = TcpStream::connect(site.hub.broker_address().unwrap()).unwrap();
    silent.write_all(b"\x10").unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(7))).unwrap();
    let start = Instant::now();
    let ended = tokio::task::spawn_blocking(move || silent.read(&mut [0; 10])).await.unwrap();
    assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|it| it.kind() != ErrorKind::WouldBlock));
    assert!(start.elapsed() >= Duration::from_secs(4), "{:?}", start.elapsed());
    site.hub.stop().await;
}

/// A certificate for this machine and its key, made by OpenSSL.
fn certificate(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (chain, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .stderr(Stdio::null())
        .status();
    made.is_ok_and(|status| status.success()).then_some((chain, key))
}

#[tokio::test]
async fn a_read_comes_by_tls_and_a_foreign_certificate_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let Some((chain, key)) = certificate(folder.path()) else {
        left_out("openssl");
        return;
    };
    let port = free_port();
    let tls = format!(
        "[mqtt]\ntls_listen = '127.0.0.1:{port}'\ntls_certificate = '{}'\ntls_key = '{}'\n",
        chain.display(),
        key.display()
    );
    let mut site = Site::start(&mqtt_site("embedded", &["gate-1"]).replace("[mqtt]\n", &tls)).await;
    let says = |chain: PathBuf| {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "localhost", "-p", &port.to_string(), "-q", "1", "--cafile"]);
        command.arg(chain).args(["-t", "homie/5/gate-1/reader-in/uid", "-m"]);
        command.arg(r#"{"v":1,"boot":1,"seq":1,"uid":"A1"}"#);
        tokio::task::spawn_blocking(move || command.stderr(Stdio::null()).status())
    };
    let said = says(chain);
    let Some(arrival) = site.event_within(Duration::from_secs(5)).await else {
        assert!(said.await.unwrap().is_err(), "the read did not come");
        left_out("mosquitto_pub");
        return;
    };
    assert_eq!(device_event(&arrival).happening, read_of("A1", Entry));
    arrival.ack.done();
    assert!(said.await.unwrap().unwrap().success(), "it was acknowledged");
    let other = tempfile::tempdir().unwrap();
    let (foreign, _) = certificate(other.path()).unwrap();
    assert!(!says(foreign).await.unwrap().unwrap().success());
    // Whoever speaks in plain there, or nothing at all, is sent away.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(&hello("plain")).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut answer = Vec::new();
    tokio::task::spawn_blocking(move || {
        plain.read_to_end(&mut answer).ok();
        assert!(!answer.starts_with(b"\x20"), "nobody was let in: {answer:?}");
    })
    .await
    .unwrap();
    site.hub.stop().await;
}
