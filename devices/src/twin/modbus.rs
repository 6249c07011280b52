//! A relay and input board with reader registers: a real Modbus TCP server.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::event::Direction;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_modbus::{
    ExceptionCode, Request, Response, SlaveRequest,
    server::{Service, tcp::Server},
};
use tokio_util::sync::CancellationToken;

use super::TwinError;
use crate::{
    modbus::{
        profile::{Flash, Input, Map},
        wire::{RAW_WRITE_COIL, Renamed},
    },
    profile::{Kind, Profile},
};

const POINTS: usize = 256;
const REGISTERS: usize = 512;
const REMEMBERED: usize = 10_000;
/// How long a passage contact stays closed.
const PASSAGE: Duration = Duration::from_millis(300);

/// One pulse that the board gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PulseSeen {
    /// The coil.
    pub coil: u16,
    /// How long, as it was told.
    pub length: Duration,
    /// When it was told, on the monotonic clock.
    pub came: Instant,
}

/// A board with one gate.
pub struct ModbusGate {
    board: Arc<Board>,
    address: SocketAddr,
    pulses: tokio::sync::Mutex<mpsc::Receiver<PulseSeen>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Board {
    map: Arc<Map>,
    flash_base: u16,
    unit: u8,
    telling: mpsc::Sender<PulseSeen>,
    inner: Mutex<Inner>,
}

struct Inner {
    coils: Vec<bool>,
    inputs: Vec<bool>,
    registers: Vec<u16>,
    seen: VecDeque<PulseSeen>,
    silent: bool,
    wrong: bool,
    /// The exception by which it refuses what is written.
    refuses: Option<ExceptionCode>,
    slow: Duration,
    /// Cancelled to cut all connections.
    connections: CancellationToken,
}

impl ModbusGate {
    /// A board as `profile` describes it, listening on `address` (port 0 for any) as `unit`.
    ///
    /// # Errors
    /// When the address is taken, or the profile describes no board.
    pub async fn listen(
        address: SocketAddr,
        unit: u8,
        profile: &Profile,
    ) -> Result<Self, TwinError> {
        let Ok(Kind::Modbus(map)) = profile.kind() else {
            return Err(TwinError::Profile(profile.name.clone()));
        };
        let flash_base = profile.modbus.as_ref().map_or(0, |modbus| modbus.quirks.flash_base);
        let failed = |source| TwinError::Listen { address: address.to_string(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (telling, pulses) = mpsc::channel(1024);
        let inner = Mutex::new(Inner::new(&map));
        let board = Arc::new(Board { map, flash_base, unit, telling, inner });
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(Arc::clone(&board), listener, stop.clone()));
        Ok(Self {
            board,
            address,
            pulses: tokio::sync::Mutex::new(pulses),
            stop,
            task: Mutex::new(Some(task)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Somebody holds a credential, in hexadecimal, to the reader of this side.
    pub fn read(&self, direction: Direction, uid: &str) {
        let digits: Vec<u16> =
            uid.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u16).collect();
        let bytes: Vec<u16> = digits.as_chunks::<2>().0.iter().map(|[h, l]| h << 4 | l).collect();
        let readers = &self.board.map.readers;
        let Some(reader) = (match direction {
            Direction::Entry => readers.entry,
            Direction::Exit => readers.exit,
        }) else {
            return;
        };
        let mut inner = self.board.lock();
        for (at, pair) in bytes.chunks(2).take(usize::from(reader.uid_words)).enumerate() {
            let low = pair.get(1).copied().unwrap_or(0);
            inner.set_register(usize::from(reader.uid) + at, pair[0] << 8 | low);
        }
        inner.set_register(usize::from(reader.length), u16::try_from(bytes.len()).unwrap_or(0));
        let count = inner.registers.get(usize::from(reader.count)).copied().unwrap_or(0);
        inner.set_register(usize::from(reader.count), count.wrapping_add(1));
    }

    /// Somebody goes through: the contact of this side closes for 0.3 s.
    pub fn pass(&self, direction: Direction) {
        let contacts = &self.board.map.passage;
        let contact = match direction {
            Direction::Entry => contacts.entry,
            Direction::Exit => contacts.exit,
        };
        let Some(contact) = contact else { return };
        self.board.set_input(contact, true);
        let board = Arc::clone(&self.board);
        tokio::spawn(async move {
            sleep(PASSAGE).await;
            board.set_input(contact, false);
        });
    }

    /// The fire panel's contact.
    pub fn set_fire(&self, active: bool) {
        if let Some(contact) = self.board.map.fire {
            self.board.set_input(contact, active);
        }
    }

    /// The housing's contact.
    pub fn set_tamper(&self, active: bool) {
        if let Some(contact) = self.board.map.tamper {
            self.board.set_input(contact, active);
        }
    }

    /// Waits for the next pulse of the relay that lets people through this way.
    pub async fn opened(&self, direction: Direction, patience: Duration) -> Option<PulseSeen> {
        let map = &self.board.map;
        let flash = match direction {
            Direction::Entry => map.open_entry,
            Direction::Exit => map.open_exit,
        };
        self.pulsed(self.board.coil(flash), patience).await
    }

    /// Waits for the next pulse of the red lamp.
    pub async fn refused(&self, patience: Duration) -> Option<PulseSeen> {
        let red = self.board.map.red?;
        self.pulsed(self.board.coil(red), patience).await
    }

    async fn pulsed(&self, coil: u16, patience: Duration) -> Option<PulseSeen> {
        let mut pulses = self.pulses.lock().await;
        let waiting = async {
            loop {
                let pulse = pulses.recv().await?;
                if pulse.coil == coil {
                    return Some(pulse);
                }
            }
        };
        timeout(patience, waiting).await.ok().flatten()
    }

    /// Every pulse that it gave, oldest first; the last 10,000.
    #[must_use]
    pub fn pulses(&self) -> Vec<PulseSeen> {
        self.board.lock().seen.iter().copied().collect()
    }

    /// Whether the release coils are held.
    #[must_use]
    pub fn is_released(&self) -> bool {
        let inner = self.board.lock();
        let held = |coil: &u16| inner.coils.get(usize::from(*coil)).copied().unwrap_or(false);
        self.board.map.release.iter().all(held)
    }

    /// Whether a coil is on.
    #[must_use]
    pub fn is_on(&self, coil: u16) -> bool {
        self.board.lock().coils.get(usize::from(coil)).copied().unwrap_or(false)
    }

    /// The exception by which it refuses everything that is written, such as 2 or 6; 0 for none.
    pub fn refuse(&self, exception: u8) {
        self.board.lock().refuses = (exception > 0).then(|| ExceptionCode::new(exception));
    }

    /// Whether it takes requests and never answers.
    pub fn silent(&self, on: bool) {
        self.board.lock().silent = on;
    }

    /// How late its answers are.
    pub fn slow(&self, delay: Duration) {
        self.board.lock().slow = delay;
    }

    /// Whether it answers with too little.
    pub fn wrong(&self, on: bool) {
        self.board.lock().wrong = on;
    }

    /// Cuts all connections, as a board does that loses its power; with `reset` its coils fall off.
    pub fn drop_connections(&self, reset: bool) {
        let mut inner = self.board.lock();
        if reset {
            inner.coils.fill(false);
        }
        let old = std::mem::take(&mut inner.connections);
        old.cancel();
    }

    /// Switches it off.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.drop_connections(false);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("a twin had failed");
        }
    }
}

impl Drop for ModbusGate {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(board: Arc<Board>, listener: TcpListener, stop: CancellationToken) {
    let server = Server::new(listener);
    let connected = |stream: TcpStream, _peer: SocketAddr| {
        let board = Arc::clone(&board);
        async move {
            stream.set_nodelay(true)?;
            Ok(Some((Arc::new(Connection(board)), Renamed::new(stream))))
        }
    };
    let lost = |error: io::Error| tracing::debug!(%error, "a connection to a twin ended");
    while !stop.is_cancelled() {
        let cut = board.lock().connections.clone();
        // The server's connections end with its future.
        tokio::select! {
            () = stop.cancelled() => return,
            () = cut.cancelled() => {}
            Err(error) = server.serve(&connected, lost) => {
                tracing::warn!(%error, "a twin cannot take connections");
                return;
            }
        }
    }
}

impl Inner {
    fn new(map: &Map) -> Self {
        let mut inner = Self {
            coils: vec![false; POINTS],
            inputs: vec![false; POINTS],
            registers: vec![0; REGISTERS],
            seen: VecDeque::new(),
            silent: false,
            wrong: false,
            refuses: None,
            slow: Duration::ZERO,
            connections: CancellationToken::new(),
        };
        let contacts = [map.passage.entry, map.passage.exit, map.fire, map.tamper];
        for contact in contacts.into_iter().flatten() {
            inner.set_input(contact, false);
        }
        inner
    }

    fn set_register(&mut self, at: usize, value: u16) {
        if let Some(register) = self.registers.get_mut(at) {
            *register = value;
        }
    }

    fn set_input(&mut self, contact: Input, active: bool) {
        if let Some(input) = self.inputs.get_mut(usize::from(contact.address)) {
            *input = active != contact.normally_closed;
        }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_input(&self, contact: Input, active: bool) {
        self.lock().set_input(contact, active);
    }

    fn answer(&self, request: &Request<'_>) -> Result<Response, ExceptionCode> {
        let illegal = ExceptionCode::IllegalDataAddress;
        let mut inner = self.lock();
        let count = |count: u16| usize::from(count.saturating_sub(u16::from(inner.wrong)));
        match request {
            Request::ReadCoils(at, n) => {
                part(&inner.coils, *at, count(*n)).map(Response::ReadCoils).ok_or(illegal)
            }
            Request::ReadDiscreteInputs(at, n) => {
                part(&inner.inputs, *at, count(*n)).map(Response::ReadDiscreteInputs).ok_or(illegal)
            }
            Request::ReadInputRegisters(at, n) => part(&inner.registers, *at, count(*n))
                .map(Response::ReadInputRegisters)
                .ok_or(illegal),
            Request::Custom(RAW_WRITE_COIL, body) => {
                let [a, b, c, d] = **body else { return Err(ExceptionCode::IllegalDataValue) };
                let (at, value) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                self.write_coil(&mut inner, at, value)?;
                Ok(Response::Custom(RAW_WRITE_COIL, body.to_vec().into()))
            }
            Request::WriteMultipleCoils(at, values) => {
                let start = usize::from(*at);
                let coils = inner.coils.get_mut(start..start + values.len()).ok_or(illegal)?;
                coils.copy_from_slice(values);
                let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
                Ok(Response::WriteMultipleCoils(*at, count))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }

    /// The coil of a pulse.
    fn coil(&self, flash: Flash) -> u16 {
        if flash.switched { flash.address } else { flash.address - self.flash_base }
    }

    fn write_coil(&self, inner: &mut Inner, at: u16, value: u16) -> Result<(), ExceptionCode> {
        if let Some(exception) = inner.refuses {
            return Err(exception);
        }
        if let Some(coil) = at.checked_sub(self.flash_base).filter(|coil| *coil < 0x100) {
            let length = Duration::from_millis(100 * u64::from(value));
            self.pulse(inner, PulseSeen { coil, length, came: Instant::now() });
            return Ok(());
        }
        let coil = inner.coils.get_mut(usize::from(at)).ok_or(ExceptionCode::IllegalDataAddress)?;
        *coil = match value {
            0xFF00 => true,
            0x0000 => false,
            _ => return Err(ExceptionCode::IllegalDataValue),
        };
        let all = [Some(self.map.open_entry), Some(self.map.open_exit), self.map.red];
        let mut switched = all.into_iter().flatten().filter(|flash| flash.switched);
        if value == 0xFF00
            && let Some(flash) = switched.find(|flash| flash.address == at)
        {
            let pulse = PulseSeen { coil: at, length: flash.length(), came: Instant::now() };
            self.pulse(inner, pulse);
        }
        Ok(())
    }

    fn pulse(&self, inner: &mut Inner, pulse: PulseSeen) {
        if inner.seen.len() >= REMEMBERED {
            inner.seen.pop_front();
        }
        inner.seen.push_back(pulse);
        if self.telling.try_send(pulse).is_err() {
            tracing::debug!("nobody asks for the pulses of this twin");
        }
    }
}

fn part<T: Clone>(all: &[T], at: u16, count: usize) -> Option<Vec<T>> {
    let start = usize::from(at);
    all.get(start..start + count).map(<[T]>::to_vec)
}

/// The board as the server asks it.
struct Connection(Arc<Board>);

impl Service for Connection {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future =
        Pin<Box<dyn Future<Output = Result<Option<Response>, ExceptionCode>> + Send + 'static>>;

    fn call(&self, asked: Self::Request) -> Self::Future {
        let board = Arc::clone(&self.0);
        Box::pin(async move {
            let (silent, slow) = {
                let inner = board.lock();
                (inner.silent, inner.slow)
            };
            if silent || asked.slave != board.unit {
                return Ok(None);
            }
            sleep(slow).await;
            board.answer(&asked.request).map(Some)
        })
    }
}
