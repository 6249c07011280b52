//! Raw MQTT clients, which speak as no library would: as fast as a socket takes it, or not at all.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A packet of up to two bytes of length.
///
/// # Panics
/// Where it is longer than 16 KiB; so with all packets here.
#[must_use]
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut packet = vec![first];
    if length < 128 {
        packet.push(u8::try_from(length).unwrap());
    } else {
        packet.push(u8::try_from(length % 128 + 128).unwrap());
        packet.push(u8::try_from(length / 128).unwrap());
    }
    packet.extend(body);
    packet
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    into.extend(text.as_bytes());
}

/// A CONNECT of 3.1.1, with a session that ends with the connection or goes on.
#[must_use]
pub fn hello(name: &str, clean: bool) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04".to_vec();
    body.extend([u8::from(clean) << 1, 0, 0]);
    text(&mut body, name);
    packet(0x10, &body)
}

/// A SUBSCRIBE to one filter, with QoS 1.
#[must_use]
pub fn subscribe(id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    text(&mut body, filter);
    body.push(1);
    packet(0x82, &body)
}

/// A PUBLISH; `flags` are those of its first byte, the quality among them.
#[must_use]
pub fn publish(topic: &str, flags: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic);
    if flags & 6 > 0 {
        body.extend(id.max(1).to_be_bytes());
    }
    body.extend(payload);
    packet(0x30 | flags, &body)
}

/// A connection that was let in.
///
/// # Errors
/// Where there is nobody, or nobody is let in.
pub fn connect(broker: SocketAddr, name: &str, clean: bool) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(broker)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(&hello(name, clean))?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    match answer {
        [0x20, 2, _, 0] => Ok(stream),
        _ => Err(io::Error::other(format!("{answer:?}"))),
    }
}

/// One thing that a device said.
#[derive(Clone, Copy, Debug)]
struct Unacknowledged {
    seq: u64,
    id: u16,
}

/// A device that says what it is given as fast as it is told, over any number of connections: what
/// nobody acknowledged it says again, in the same order, before anything else.
pub struct Device {
    broker: SocketAddr,
    name: String,
    qos: u8,
    /// What it says with this boot and sequence: topic and payload.
    says: Box<dyn FnMut(u64, u64) -> (String, String) + Send>,
    stream: Option<TcpStream>,
    said: VecDeque<(Unacknowledged, Vec<u8>)>,
    outgoing: VecDeque<u8>,
    incoming: Vec<u8>,
    boot: u64,
    seq: u64,
    next_id: u16,
    /// The last that this connection acknowledged: acknowledgements leave in order.
    last: u64,
    /// Every sequence of QoS 1 that was acknowledged, in order.
    pub acknowledged: Vec<u64>,
    /// How much it said in all.
    pub count: u64,
}

/// Unacknowledged messages of a device: more than the daemon may have undurable of it.
const WINDOW: usize = 900;
/// Bytes that wait for a slow socket.
const OUTGOING: usize = 64 * 1024;

impl Device {
    /// A device that is not connected yet.
    #[must_use]
    pub fn new(
        broker: SocketAddr,
        (name, qos): (&str, u8),
        says: impl FnMut(u64, u64) -> (String, String) + Send + 'static,
    ) -> Self {
        Self {
            broker,
            name: name.to_owned(),
            qos,
            says: Box::new(says),
            stream: None,
            said: VecDeque::new(),
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            boot: 1,
            seq: 0,
            next_id: 0,
            last: 0,
            acknowledged: Vec::new(),
            count: 0,
        }
    }

    /// Whether everything that it said is acknowledged.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.said.is_empty()
    }

    /// Says one thing more, where there is a connection that takes it; whether it did.
    pub fn say(&mut self) -> bool {
        if self.stream.is_none() || self.outgoing.len() > OUTGOING || self.said.len() >= WINDOW {
            return false;
        }
        (self.seq, self.count) = (self.seq + 1, self.count + 1);
        let (topic, payload) = (self.says)(self.boot, self.seq);
        self.next_id = self.next_id % 60_000 + 1;
        let id = self.next_id;
        let bytes = publish(&topic, self.qos << 1, id, payload.as_bytes());
        self.outgoing.extend(&bytes);
        if self.qos > 0 {
            self.said.push_back((Unacknowledged { seq: self.seq, id }, bytes));
        }
        true
    }

    /// Writes and reads what can be without waiting; connects where there is no connection.
    pub fn turn(&mut self) {
        if self.stream.is_none() {
            self.reconnect();
            return;
        }
        if self.exchange().is_err() {
            self.stream = None;
        }
    }

    fn reconnect(&mut self) {
        let Ok(stream) = connect(self.broker, &self.name, true) else { return };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        self.incoming.clear();
        self.outgoing.clear();
        self.last = 0;
        let commands = format!("homie/5/{}/gate/+/set", self.name);
        self.outgoing.extend(subscribe(1, &commands));
        if self.qos == 0 {
            // What was lost on the way is lost: it starts anew.
            (self.boot, self.seq) = (self.boot + 1, 0);
        }
        for (_, bytes) in &mut self.said {
            bytes[0] |= 8;
            self.outgoing.extend(bytes.iter());
        }
        self.stream = Some(stream);
    }

    fn exchange(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !self.outgoing.is_empty() {
            match stream.write(self.outgoing.as_slices().0) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let mut buffer = [0; 8192];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.incoming.extend(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        while let Some(packet) = take_packet(&mut self.incoming) {
            self.take(&packet);
        }
        Ok(())
    }

    fn take(&mut self, packet: &[u8]) {
        match packet {
            [0x40, 2, high, low] => {
                let id = u16::from_be_bytes([*high, *low]);
                let place = self.said.iter().position(|(said, _)| said.id == id);
                let place = place.unwrap_or_else(|| panic!("{id} was not waited for"));
                let seq = self.said.remove(place).map_or(0, |(said, _)| said.seq);
                assert!(seq > self.last, "{seq} is acknowledged after {}", self.last);
                self.last = seq;
                self.acknowledged.push(seq);
            }
            // A command of QoS 1: its device obeys, and says so.
            [0x32 | 0x3A, ..] => {
                let body =
                    &packet[packet.iter().skip(1).position(|byte| *byte < 128).unwrap() + 2..];
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                self.outgoing.extend([0x40, 2, body[2 + topic], body[3 + topic]]);
            }
            _ => {}
        }
    }
}

/// The next whole packet of what came, with its head.
fn take_packet(incoming: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (mut length, mut head) = (0, 1);
    loop {
        let byte = *incoming.get(head)?;
        length |= usize::from(byte & 127) << (7 * (head - 1));
        head += 1;
        if byte < 128 {
            break;
        }
    }
    (incoming.len() >= head + length).then(|| incoming.drain(..head + length).collect())
}

/// Counts what is due by a rate that may change.
#[derive(Debug)]
pub struct Pace {
    since: Instant,
    /// In thousandths of millionths.
    due: u128,
}

/// One that is due.
const ONE: u128 = 1_000_000_000;

impl Default for Pace {
    fn default() -> Self {
        Self { since: Instant::now(), due: 0 }
    }
}

impl Pace {
    /// How many are due now at so many in a thousand seconds, no more than those of a second.
    pub fn due(&mut self, in_a_thousand_seconds: u64) -> u128 {
        let now = Instant::now();
        let rate = u128::from(in_a_thousand_seconds);
        self.due += now.duration_since(self.since).as_micros() * rate;
        self.since = now;
        let count = (self.due / ONE).min(rate / 1000 + 1);
        self.due %= ONE;
        count
    }
}
