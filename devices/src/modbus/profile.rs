//! The Modbus part of a profile: as people write it, and as the link uses it.

use std::{collections::BTreeSet, time::Duration};

use domain::event::Direction;
use serde::Deserialize;

/// What a board is, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModbusProfile {
    /// How the file's addresses count: 0, 1, or 40001 for the old notation.
    #[serde(default)]
    pub address_base: u32,
    /// The order of bytes in pairs of registers.
    #[serde(default)]
    pub byte_order: ByteOrder,
    /// Time between two polls of readers and inputs, at most 100 ms.
    #[serde(default = "poll_ms")]
    pub poll_ms: u64,
    /// Time between two polls of inputs while a fire mirror is among them, at most 50 ms.
    #[serde(default = "fire_poll_ms")]
    pub fire_poll_ms: u64,
    /// Time that one answer may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Coils and discrete inputs.
    pub points: Points,
    /// The readers.
    #[serde(default)]
    pub readers: Sides<Reader>,
    /// Input registers that count passages (32 bits); better than pulses, which a poll may miss.
    #[serde(default)]
    pub counters: Sides<u32>,
    /// Where the board differs from others.
    #[serde(default)]
    pub quirks: Quirks,
}

/// A gate takes a contact that is held for longer as a call for free passage (our choice: below the
/// 6.5 s of one that is sold).
const SWITCHED_MAX_MS: u64 = 6000;

const fn poll_ms() -> u64 {
    100
}
const fn fire_poll_ms() -> u64 {
    50
}
const fn timeout_ms() -> u64 {
    150
}

/// One thing for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides<T> {
    /// At the way in.
    pub entry: Option<T>,
    /// At the way out.
    pub exit: Option<T>,
}

impl<T> Default for Sides<T> {
    fn default() -> Self {
        Self { entry: None, exit: None }
    }
}

impl<T> Sides<T> {
    /// Both, with their directions, where they exist.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Direction, &T)> {
        let entry = self.entry.iter().map(|it| (Direction::Entry, it));
        entry.chain(self.exit.iter().map(|it| (Direction::Exit, it)))
    }
}

/// The order of the bytes of two registers; A is the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ByteOrder {
    /// High word first, high byte first: what the protocol means.
    #[default]
    #[serde(rename = "ABCD")]
    Abcd,
    /// Low word first.
    #[serde(rename = "CDAB")]
    Cdab,
    /// Low byte first in each word.
    #[serde(rename = "BADC")]
    Badc,
    /// Low word first, low byte first.
    #[serde(rename = "DCBA")]
    Dcba,
}

/// The points of one gate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Lets one person in.
    pub open_entry: Pulse,
    /// Lets one person out.
    pub open_exit: Pulse,
    /// The lamp of a refusal.
    pub indicate_red: Option<Pulse>,
    /// Makes the collector keep the band in its slot.
    pub capture: Option<Pulse>,
    /// Coils that are held while an emergency is latched.
    pub release: Vec<u32>,
    /// One pulse for each entry.
    pub passage_entry: Option<Contact>,
    /// One pulse for each exit.
    pub passage_exit: Option<Contact>,
    /// Follows the fire panel's contact.
    pub fire_mirror: Option<Contact>,
    /// The housing.
    pub tamper: Option<Contact>,
}

/// A coil that is switched on for a while: by the board itself, where it has such a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// The coil.
    pub coil: u32,
    /// How long, in steps of 100 ms.
    pub pulse_ms: u64,
    /// Whether the daemon switches it on and off again, as the board has no pulse of its own.
    #[serde(default)]
    pub switched: bool,
}

/// A discrete input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Its address.
    pub input: u32,
    /// Whether it is wired so that 0 means active.
    #[serde(default)]
    pub normally_closed: bool,
}

/// The input registers of one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// Counts the reads; wraps at 65,535.
    pub count: u32,
    /// How many bytes the last read has.
    pub length: u32,
    /// First register of those bytes.
    pub uid: u32,
    /// How many registers they have, 1 to 32.
    pub uid_words: u16,
}

/// Where a board differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// First address of the pulse function.
    pub flash_base: u16,
    /// Wait after connecting.
    pub pause_after_connect_ms: u64,
    /// Wait between two requests.
    pub pause_between_requests_ms: u64,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { flash_base: 0x0200, pause_after_connect_ms: 0, pause_between_requests_ms: 0 }
    }
}

/// A pulse as it is written: address and value of one FC05.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    pub(crate) address: u16,
    /// In 100 ms.
    pub(crate) ticks: u16,
    /// Whether it is switched on, and off again after that time.
    pub(crate) switched: bool,
}

impl Flash {
    /// How long the coil is on.
    pub(crate) fn length(self) -> Duration {
        Duration::from_millis(100 * u64::from(self.ticks))
    }
}

/// A discrete input with its protocol address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) address: u16,
    pub(crate) normally_closed: bool,
}

/// A reader with protocol addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReaderMap {
    pub(crate) count: u16,
    pub(crate) length: u16,
    pub(crate) uid: u16,
    pub(crate) uid_words: u16,
}

/// A board with protocol addresses: what the link works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) byte_order: ByteOrder,
    pub(crate) poll: Duration,
    pub(crate) timeout: Duration,
    pub(crate) open_entry: Flash,
    pub(crate) open_exit: Flash,
    pub(crate) red: Option<Flash>,
    pub(crate) capture: Option<Flash>,
    pub(crate) release: Vec<u16>,
    pub(crate) passage: Sides<Input>,
    pub(crate) fire: Option<Input>,
    pub(crate) tamper: Option<Input>,
    pub(crate) readers: Sides<ReaderMap>,
    pub(crate) counters: Sides<u16>,
    pub(crate) pause_after_connect: Duration,
    pub(crate) pause_between: Duration,
    /// First address and number of the inputs, read in one request.
    pub(crate) inputs: Option<(u16, u16)>,
    /// First address and number of the registers, read in one request.
    pub(crate) registers: Option<(u16, u16)>,
    /// What `kari check` shows.
    pub(crate) notes: Vec<String>,
}

impl Map {
    /// The coils that the daemon itself switches off again.
    pub(crate) fn switched(&self) -> impl Iterator<Item = u16> + '_ {
        let all = [Some(self.open_entry), Some(self.open_exit), self.red, self.capture];
        all.into_iter().flatten().filter(|flash| flash.switched).map(|flash| flash.address)
    }
}

impl ModbusProfile {
    /// The profile with protocol addresses, or everything that is wrong with it.
    pub(crate) fn map(&self) -> Result<Map, Vec<String>> {
        let mut reading = Reading { base: self.address_base, ..Reading::default() };
        self.check_numbers(&mut reading);
        let points = &self.points;
        let flash_base = self.quirks.flash_base;
        let mut map = Map {
            byte_order: self.byte_order,
            poll: Duration::from_millis(match points.fire_mirror {
                Some(_) => self.fire_poll_ms,
                None => self.poll_ms,
            }),
            timeout: Duration::from_millis(self.timeout_ms),
            open_entry: reading.flash(points.open_entry, flash_base),
            open_exit: reading.flash(points.open_exit, flash_base),
            red: points.indicate_red.map(|pulse| reading.flash(pulse, flash_base)),
            capture: points.capture.map(|pulse| reading.flash(pulse, flash_base)),
            release: points.release.iter().map(|coil| reading.coil(*coil)).collect(),
            passage: Sides {
                entry: points.passage_entry.map(|contact| reading.input(contact)),
                exit: points.passage_exit.map(|contact| reading.input(contact)),
            },
            fire: points.fire_mirror.map(|contact| reading.input(contact)),
            tamper: points.tamper.map(|contact| reading.input(contact)),
            readers: Sides {
                entry: self.readers.entry.map(|reader| reading.reader(reader)),
                exit: self.readers.exit.map(|reader| reading.reader(reader)),
            },
            counters: Sides {
                entry: self.counters.entry.map(|at| reading.register(at, 2)),
                exit: self.counters.exit.map(|at| reading.register(at, 2)),
            },
            pause_after_connect: Duration::from_millis(self.quirks.pause_after_connect_ms),
            pause_between: Duration::from_millis(self.quirks.pause_between_requests_ms),
            inputs: None,
            registers: None,
            notes: Vec::new(),
        };
        map.inputs = reading.span("discrete inputs", &reading.inputs.clone(), 64);
        map.registers = reading.span("registers", &reading.registers.clone(), 120);
        if reading.problems.is_empty() {
            map.notes = reading.notes;
            return Ok(map);
        }
        reading.problems.dedup();
        Err(reading.problems)
    }

    fn check_numbers(&self, reading: &mut Reading) {
        let mut ask = |fine: bool, problem: &str| {
            if !fine {
                reading.problems.push(problem.to_owned());
            }
        };
        ask(
            [0, 1, 40_001].contains(&self.address_base),
            "`address_base` is 0, 1 or 40001; say how the manual counts",
        );
        ask((10..=100).contains(&self.poll_ms), "`poll_ms` is at least 10 and at most 100");
        ask((10..=50).contains(&self.fire_poll_ms), "`fire_poll_ms` is at least 10 and at most 50");
        ask((20..=1000).contains(&self.timeout_ms), "`timeout_ms` is at least 20 and at most 1000");
        ask(
            !self.points.release.is_empty() && self.points.release.len() <= 16,
            "`release` names 1 to 16 coils; name those that free the way out, e.g. `release = [1]`",
        );
        ask(
            self.points.open_entry.coil != self.points.open_exit.coil,
            &format!("entry and exit share coil {}; wire them apart", self.points.open_exit.coil),
        );
        ask(
            self.readers.entry.is_some() || self.readers.exit.is_some(),
            "there is no reader; add `[modbus.readers.entry]` or `[modbus.readers.exit]`",
        );
        ask(
            self.quirks.pause_after_connect_ms <= 2000
                && self.quirks.pause_between_requests_ms <= 100,
            "pauses are at most 2000 ms after connecting and 100 ms between requests",
        );
        let pulses = [Some(self.points.open_entry), Some(self.points.open_exit)];
        let more = [self.points.indicate_red, self.points.capture];
        for pulse in pulses.into_iter().chain(more).flatten() {
            ask(
                (100..=6500).contains(&pulse.pulse_ms),
                "`pulse_ms` is 100 to 6500 ms; gates take a longer contact for free passage",
            );
            ask(
                !pulse.switched || pulse.pulse_ms <= SWITCHED_MAX_MS,
                "`pulse_ms` of a coil that is `switched` must be at most 6000 ms",
            );
            ask(pulse.pulse_ms % 100 == 0, "`pulse_ms` goes in steps of 100 ms; round it");
        }
    }
}

/// Converts addresses and collects what is to be said about them.
#[derive(Default)]
struct Reading {
    base: u32,
    inputs: BTreeSet<u16>,
    registers: BTreeSet<u16>,
    problems: Vec<String>,
    notes: Vec<String>,
}

impl Reading {
    /// `at` of the file as protocol address; `first` is the old notation's first number.
    fn address(&mut self, what: &str, at: u32, first: u32) -> u16 {
        let base = match self.base {
            0 => return self.in_range(what, at),
            1 => 1,
            _ => first,
        };
        let Some(address) = at.checked_sub(base) else {
            let hint = format!("{what} {at} lies below {base}; this file counts from {base}");
            self.problems.push(hint);
            return 0;
        };
        self.notes.push(format!("{what} {at} of the manual is protocol address {address}"));
        self.in_range(what, address)
    }

    fn in_range(&mut self, what: &str, at: u32) -> u16 {
        u16::try_from(at).unwrap_or_else(|_| {
            self.problems.push(format!("{what} {at} is beyond 65535; look up its address again"));
            0
        })
    }

    fn coil(&mut self, at: u32) -> u16 {
        self.address("coil", at, 1)
    }

    fn flash(&mut self, pulse: Pulse, base: u16) -> Flash {
        let coil = self.coil(pulse.coil);
        if coil > 0xFF {
            self.problems.push(format!("coil {coil} cannot be pulsed; boards have at most 256"));
        }
        let ticks = u16::try_from(pulse.pulse_ms / 100).unwrap_or(u16::MAX);
        let base = if pulse.switched { 0 } else { base };
        Flash { address: base.saturating_add(coil), ticks, switched: pulse.switched }
    }

    fn input(&mut self, contact: Contact) -> Input {
        let address = self.address("discrete input", contact.input, 10_001);
        self.inputs.insert(address);
        Input { address, normally_closed: contact.normally_closed }
    }

    fn register(&mut self, at: u32, words: u16) -> u16 {
        let address = self.address("input register", at, 30_001);
        self.registers.extend(address..=address.saturating_add(words.saturating_sub(1)));
        address
    }

    fn reader(&mut self, reader: Reader) -> ReaderMap {
        if !(1..=32).contains(&reader.uid_words) {
            self.problems.push("`uid_words` is 1 to 32".to_owned());
        }
        ReaderMap {
            count: self.register(reader.count, 1),
            length: self.register(reader.length, 1),
            uid: self.register(reader.uid, reader.uid_words.min(32)),
            uid_words: reader.uid_words,
        }
    }

    /// The one request that reads them all.
    fn span(&mut self, what: &str, addresses: &BTreeSet<u16>, most: u16) -> Option<(u16, u16)> {
        let (first, last) = (*addresses.first()?, *addresses.last()?);
        let count = last - first;
        if count >= most {
            self.problems.push(format!(
                "the {what} {first} to {last} cannot be read in one request of at most {most}; \
                 move them together on the board"
            ));
            return None;
        }
        Some((first, count + 1))
    }
}
