//! The poll loop of one board: commands first, then inputs, then registers.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    command::{Action, Command},
    event::{Direction, Happening},
    ids::DeviceId,
    verdict::Outcome,
};
use metrics::counter;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    profile::{Flash, Map},
    scan::{Found, Scan},
    wire::{Trouble, Wire},
};
use crate::{
    arrival::{Ack, Arrival},
    backoff::{Backoff, seed},
    fire::Board,
    mqtt::Common,
    nonsense::Heard,
    outcome::{Failures, Why},
    queue::Sender,
    stamp::Stamp,
};

/// Commands that wait for the board.
const COMMANDS: usize = 64;
/// So many polls in a row may fail, and so long may nothing be heard, before it is offline.
const MISSED: u32 = 3;
const SILENCE: Duration = Duration::from_secs(1);
/// A busy board is asked again for so long: whoever stands there waits, and the desk hears within a
/// second of what did not work.
const BUSY: Duration = Duration::from_millis(600);
/// How often commands that wait for a connection are looked at.
const LOOK: Duration = Duration::from_millis(200);
const ON: u16 = 0xFF00;
const OFF: u16 = 0x0000;

/// Where a board stands.
pub(crate) struct BoardSetup {
    pub(crate) device: DeviceId,
    pub(crate) address: String,
    pub(crate) unit: u8,
    pub(crate) map: Arc<Map>,
    pub(crate) epoch: u64,
}

/// The running link.
pub(crate) struct BoardLink {
    commands: mpsc::Sender<Command>,
    online: Arc<AtomicBool>,
    failures: Arc<Failures>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl BoardLink {
    /// Starts the poll loop, and the board's own worker on the fire road.
    pub(crate) fn start(setup: BoardSetup, common: &Common) -> std::io::Result<Self> {
        let board = Board {
            address: setup.address.clone(),
            unit: setup.unit,
            coils: setup.map.release.clone(),
            stream: None,
            failing: false,
        };
        common.fire.add(setup.device.as_str(), board)?;
        let (commands, waiting) = mpsc::channel(COMMANDS);
        let online = Arc::new(AtomicBool::new(false));
        let gates = common.inlets.gates.clone();
        let failures = Arc::new(Failures::new(gates.clone(), common.boots.connect()));
        let worker = Worker {
            scan: Scan::new(Arc::clone(&setup.map)),
            gates,
            emergency: common.inlets.emergency.clone(),
            stamp: common.boots.connect(),
            common: common.clone(),
            commands: waiting,
            waiting: VecDeque::new(),
            on: Vec::new(),
            failures: Arc::clone(&failures),
            online: Arc::clone(&online),
            told: None,
            heard: Instant::now(),
            missed: 0,
            released: false,
            setup,
        };
        let task = Mutex::new(Some(tokio::spawn(worker.run())));
        Ok(Self { commands, online, failures, task })
    }

    /// Queues `command`; `false` where it was dropped.
    pub(crate) fn send(&self, command: Command) -> bool {
        let Err(refused) = self.commands.try_send(command) else { return true };
        counter!("kari_device_commands_dropped_total", "why" => "queue_full").increment(1);
        let command = refused.into_inner();
        if command.action.moves() {
            self.failures.failed(&command, Why::QueueFull, "", "");
        }
        false
    }

    /// Whether the board answers.
    pub(crate) fn is_up(&self) -> bool {
        self.online.load(Ordering::Acquire)
    }

    /// Waits for the poll loop to end; `stop` was called.
    pub(crate) async fn join(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("a Modbus link had failed");
        }
    }
}

struct Worker {
    setup: BoardSetup,
    common: Common,
    commands: mpsc::Receiver<Command>,
    /// Commands that wait for a connection, or for a board that is busy.
    waiting: VecDeque<Waiting>,
    /// Coils that are on, and when they are to be switched off.
    on: Vec<(Instant, u16)>,
    failures: Arc<Failures>,
    gates: Sender,
    emergency: Sender,
    scan: Scan,
    stamp: Stamp,
    online: Arc<AtomicBool>,
    /// What was last said of the board's presence.
    told: Option<bool>,
    heard: Instant,
    missed: u32,
    /// Whether this connection holds the release coils.
    released: bool,
}

/// A command that waits.
struct Waiting {
    command: Command,
    /// Until when a busy board is asked again, once it was asked.
    busy_until: Option<Instant>,
}

impl Worker {
    async fn run(mut self) {
        let stop = self.common.stop.clone();
        let mut backoff = Backoff::new(seed(self.setup.device.as_str(), self.setup.epoch));
        while !stop.is_cancelled() {
            let polls_before = self.heard;
            let trouble = match self.connect().await {
                Ok(wire) => self.serve(wire).await,
                Err(trouble) => Some(trouble),
            };
            let Some(trouble) = trouble else { return };
            if self.heard > polls_before {
                backoff.reset();
            }
            counter!("kari_board_connections_failed_total").increment(1);
            tracing::debug!(device = %self.setup.device, %trouble, "the board's connection ended");
            self.missed += 1;
            let resting = self.rest(backoff.next());
            if stop.run_until_cancelled(resting).await.is_none() {
                return;
            }
        }
    }

    async fn connect(&mut self) -> Result<Wire, Trouble> {
        let map = &self.setup.map;
        let (address, unit) = (self.setup.address.as_str(), self.setup.unit);
        let wire = Wire::connect(address, unit, map.timeout, map.pause_between).await?;
        sleep(map.pause_after_connect).await;
        Ok(wire)
    }

    /// Waits for the next try, says in time that the board is offline, and gives up commands whose
    /// time is over.
    async fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        loop {
            self.judge();
            self.give_up_stale();
            let now = Instant::now();
            if now >= until {
                return;
            }
            let mut next = until;
            if self.told != Some(false) && self.heard + SILENCE > now {
                next = next.min(self.heard + SILENCE);
            }
            if !self.waiting.is_empty() {
                next = next.min(now + LOOK);
            }
            let room = self.waiting.len() < COMMANDS;
            tokio::select! {
                Some(command) = self.commands.recv(), if room => self.keep(command),
                () = sleep_until(next) => {}
            }
        }
    }

    fn keep(&mut self, command: Command) {
        self.waiting.push_back(Waiting { command, busy_until: None });
    }

    fn give_up_stale(&mut self) {
        let now = self.common.clock.now();
        let (fresh, stale): (VecDeque<_>, VecDeque<_>) =
            self.waiting.drain(..).partition(|waiting: &Waiting| waiting.command.is_fresh(now));
        self.waiting = fresh;
        for waiting in stale {
            self.stale(&waiting.command);
        }
    }

    fn stale(&self, command: &Command) {
        counter!("kari_device_commands_dropped_total", "why" => "stale").increment(1);
        // What the board cannot do was not left out.
        if self.flash(&command.action).is_some() {
            self.failures.failed(command, Why::Stale, "", "");
        }
    }

    fn judge(&mut self) {
        if self.missed >= MISSED || self.heard.elapsed() >= SILENCE {
            self.presence(false);
        }
    }

    fn presence(&mut self, online: bool) {
        self.online.store(online, Ordering::Release);
        if self.told.replace(online) != Some(online) {
            let device = &self.setup.device;
            match online {
                true => tracing::info!(%device, "the board is online"),
                false => tracing::warn!(%device, "the board is offline"),
            }
            self.tell(Found::Happening(Happening::Presence { online }));
        }
    }

    /// One connection, to its end; `None` where the daemon stops.
    async fn serve(&mut self, mut wire: Wire) -> Option<Trouble> {
        self.stamp = self.common.boots.connect();
        self.scan.connected();
        self.released = false;
        // A coil that was on when a connection was lost, or when an earlier run ended.
        let coils: Vec<u16> = self.setup.map.switched().collect();
        self.on.clear();
        for coil in coils {
            if let Err(trouble) = self.switch_off(&mut wire, coil).await {
                return Some(trouble);
            }
        }
        let mut tick = interval(self.setup.map.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.common.stop.clone();
        loop {
            let due = self.on.iter().map(|(at, _)| *at).min();
            let room = self.waiting.len() < COMMANDS;
            let done = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.switch_off_due(&mut wire, None).await.ok();
                    return None;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.switch_off_due(&mut wire, Some(Instant::now())).await
                }
                command = self.commands.recv(), if room => match command {
                    Some(command) => {
                        self.keep(command);
                        self.obey_waiting(&mut wire).await
                    }
                    None => return None,
                },
                _ = tick.tick() => self.poll(&mut wire).await,
            };
            if let Err(trouble) = done {
                return Some(trouble);
            }
        }
    }

    async fn poll(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        if let Some((first, count)) = self.setup.map.inputs {
            let bits = wire.inputs(first, count).await?;
            for found in self.scan.inputs(&bits) {
                self.tell(found);
            }
        }
        self.mirror_release(wire).await?;
        while self.waiting.len() < COMMANDS
            && let Ok(command) = self.commands.try_recv()
        {
            self.keep(command);
        }
        self.obey_waiting(wire).await?;
        if let Some((first, count)) = self.setup.map.registers {
            let words = wire.registers(first, count).await?;
            for found in self.scan.registers(&words) {
                self.tell(found);
            }
        }
        self.heard = Instant::now();
        self.missed = 0;
        self.presence(true);
        Ok(())
    }

    /// The fire road has its own connection; a board that has only one hears it by this one.
    async fn mirror_release(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        let latched = self.common.fire.is_latched();
        if latched == self.released {
            return Ok(());
        }
        self.hold(wire, latched).await?;
        self.released = latched;
        Ok(())
    }

    async fn hold(&self, wire: &mut Wire, on: bool) -> Result<(), Trouble> {
        for coil in &self.setup.map.release {
            wire.write_coil(*coil, if on { ON } else { OFF }).await?;
        }
        Ok(())
    }

    /// Carries out what waits, each command at most once: a pulse that may have happened is not
    /// tried again. A board that is busy is asked again a little later.
    async fn obey_waiting(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        for _ in 0..self.waiting.len() {
            let Some(Waiting { command, busy_until }) = self.waiting.pop_front() else { break };
            let Err(trouble) = self.obey(wire, &command).await else { continue };
            let until = busy_until.unwrap_or_else(|| Instant::now() + BUSY);
            if trouble.is_busy() && Instant::now() < until {
                self.waiting.push_back(Waiting { command, busy_until: Some(until) });
                continue;
            }
            let why = match trouble {
                Trouble::Refused(_) => Why::Refused,
                Trouble::Late(_) => Why::Late,
                Trouble::Connect(_) | Trouble::Protocol(_) | Trouble::Mismatch => Why::Lost,
            };
            let flash = self.flash(&command.action);
            let place = flash.map(|flash| format!("coil {:#06x}", flash.address));
            let detail = trouble.to_string();
            self.failures.failed(&command, why, &place.unwrap_or_default(), &detail);
            if !trouble.is_refusal() {
                return Err(trouble);
            }
        }
        Ok(())
    }

    async fn obey(&mut self, wire: &mut Wire, command: &Command) -> Result<(), Trouble> {
        if !command.is_fresh(self.common.clock.now()) {
            self.stale(command);
            return Ok(());
        }
        let Some(flash) = self.flash(&command.action) else { return Ok(()) };
        if !flash.switched {
            return wire.write_coil(flash.address, flash.ticks).await;
        }
        // Whether it went on or not, it is switched off in time.
        self.on.retain(|(_, coil)| *coil != flash.address);
        self.on.push((Instant::now() + flash.length(), flash.address));
        wire.write_coil(flash.address, ON).await
    }

    /// The pulse that carries out an action, where the board has one.
    fn flash(&self, action: &Action) -> Option<Flash> {
        let map = &self.setup.map;
        match action {
            Action::OpenOnce { direction: Direction::Entry, .. } => Some(map.open_entry),
            Action::OpenOnce { direction: Direction::Exit, .. } => Some(map.open_exit),
            Action::Indicate { outcome: Outcome::Deny | Outcome::Hold, .. } => map.red,
            Action::Capture => map.capture,
            // A board shows red alone, and drives no locks.
            _ => None,
        }
    }

    /// Switches off the coils whose time is over at `now`, or all.
    async fn switch_off_due(
        &mut self,
        wire: &mut Wire,
        now: Option<Instant>,
    ) -> Result<(), Trouble> {
        let is_due = |at: Instant| now.is_none_or(|now| at <= now);
        let due: Vec<u16> =
            self.on.iter().filter(|(at, _)| is_due(*at)).map(|(_, coil)| *coil).collect();
        for coil in due {
            self.switch_off(wire, coil).await?;
            self.on.retain(|(_, on)| *on != coil);
        }
        Ok(())
    }

    /// Switches a coil off, unless it frees the way out of an emergency. A board that refuses even
    /// that is connected anew.
    async fn switch_off(&self, wire: &mut Wire, coil: u16) -> Result<(), Trouble> {
        if self.common.fire.is_latched() && self.setup.map.release.contains(&coil) {
            return Ok(());
        }
        let off = wire.write_coil(coil, OFF).await;
        if let Err(trouble) = &off {
            let device = &self.setup.device;
            tracing::error!(%device, coil, %trouble, "a coil could not be switched off");
        }
        off
    }

    fn tell(&mut self, found: Found) {
        let device = &self.setup.device;
        let happening = match found {
            Found::Happening(happening) => happening,
            Found::Unreadable(why) => {
                let (device, topic) = (device.as_str(), "registers");
                let heard = Heard { device, topic, payload: &[], why: &why };
                if let Some(input) = self.common.nonsense.hear(&heard) {
                    self.put(false, Arrival { input, ack: Ack::none() });
                }
                return;
            }
        };
        let emergency = matches!(happening, Happening::FireInput { .. });
        if happening == (Happening::FireInput { active: true }) {
            self.common.fire.raise(device);
        }
        let input = self.stamp.event(device, happening);
        self.put(emergency, Arrival { input, ack: Ack::none() });
    }

    fn put(&self, emergency: bool, arrival: Arrival) {
        let inlet = if emergency { &self.emergency } else { &self.gates };
        if !inlet.put_or_drop(arrival) {
            tracing::error!(device = %self.setup.device, "an event of a board found no place");
        }
    }
}
