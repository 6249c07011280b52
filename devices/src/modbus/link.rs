//! The poll loop of one board: commands first, then inputs, then registers.

use std::{
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
    state::Input,
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
    queue::Sender,
    stamp::Stamp,
};

/// Commands that wait for the board.
const COMMANDS: usize = 64;
/// So many polls in a row may fail, and so long may nothing be heard, before it is offline.
const MISSED: u32 = 3;
const SILENCE: Duration = Duration::from_secs(1);
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
        let worker = Worker {
            scan: Scan::new(Arc::clone(&setup.map)),
            gates: common.inlets.gates.clone(),
            emergency: common.inlets.emergency.clone(),
            stamp: common.boots.connect(),
            common: common.clone(),
            commands: waiting,
            online: Arc::clone(&online),
            told: None,
            heard: Instant::now(),
            missed: 0,
            released: false,
            setup,
        };
        Ok(Self { commands, online, task: Mutex::new(Some(tokio::spawn(worker.run()))) })
    }

    /// Queues `command`; `false` where it was dropped.
    pub(crate) fn send(&self, command: Command) -> bool {
        let sent = self.commands.try_send(command).is_ok();
        if !sent {
            counter!("kari_device_commands_dropped_total", "why" => "queue_full").increment(1);
        }
        sent
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

    /// Waits for the next try, and says in time that the board is offline.
    async fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        self.judge();
        if self.told != Some(false) && self.heard + SILENCE < until {
            sleep_until(self.heard + SILENCE).await;
            self.judge();
        }
        sleep_until(until).await;
    }

    fn judge(&mut self) {
        if self.missed >= MISSED || self.heard.elapsed() >= SILENCE {
            self.presence(false);
        }
    }

    fn presence(&mut self, online: bool) {
        self.online.store(online, Ordering::Release);
        if self.told.replace(online) != Some(online) {
            if !online {
                tracing::warn!(device = %self.setup.device, "the board is offline");
            }
            self.tell(Found::Happening(Happening::Presence { online }));
        }
    }

    /// One connection, to its end; `None` where the daemon stops.
    async fn serve(&mut self, mut wire: Wire) -> Option<Trouble> {
        self.stamp = self.common.boots.connect();
        self.scan.connected();
        self.released = false;
        let mut tick = interval(self.setup.map.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.common.stop.clone();
        loop {
            let done = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(&mut wire, &command).await,
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
        while let Ok(command) = self.commands.try_recv() {
            self.obey(wire, &command).await?;
        }
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

    /// Carries out one command, at most once: a pulse that may have happened is not tried again.
    async fn obey(&self, wire: &mut Wire, command: &Command) -> Result<(), Trouble> {
        if !command.is_fresh(self.common.clock.now()) {
            counter!("kari_device_commands_dropped_total", "why" => "stale").increment(1);
            return Ok(());
        }
        let map = &self.setup.map;
        match command.action {
            Action::OpenOnce { direction: Direction::Entry, .. } => {
                pulse(wire, map.open_entry).await
            }
            Action::OpenOnce { direction: Direction::Exit, .. } => pulse(wire, map.open_exit).await,
            Action::Indicate { outcome: Outcome::Deny | Outcome::Hold, .. } => match map.red {
                Some(red) => pulse(wire, red).await,
                None => Ok(()),
            },
            Action::Capture => match map.capture {
                Some(capture) => pulse(wire, capture).await,
                None => Ok(()),
            },
            // A board shows red alone, and drives no locks.
            _ => Ok(()),
        }
    }

    fn tell(&mut self, found: Found) {
        let device = &self.setup.device;
        let happening = match found {
            Found::Happening(happening) => happening,
            Found::Unreadable(why) => {
                counter!("kari_device_messages_unreadable_total").increment(1);
                let input = Input::Unreadable { device: device.clone(), why };
                self.put(false, Arrival { input, ack: Ack::none() });
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

async fn pulse(wire: &mut Wire, flash: Flash) -> Result<(), Trouble> {
    wire.write_coil(flash.address, flash.ticks).await
}
