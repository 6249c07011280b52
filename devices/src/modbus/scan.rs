//! From polled bits and words to what happened. No I/O, so that every case is a small test.

use std::sync::Arc;

use domain::{
    event::{Direction, Happening, HealthItem},
    ids::Uid,
};
use metrics::counter;

use super::profile::{ByteOrder, Input, Map, ReaderMap, Sides};

/// A jump of a passage counter beyond this is a broken board, not a crowd.
const PASSAGES_AT_ONCE: u32 = 1000;

/// What a poll found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Something happened.
    Happening(Happening),
    /// A register makes no sense.
    Unreadable(String),
}

/// What was seen last, so that only what is new is told.
pub(crate) struct Scan {
    map: Arc<Map>,
    /// Passage contacts of this connection.
    passage: Sides<bool>,
    /// Read counters of this connection.
    counts: Sides<u16>,
    /// Passage counters; they outlive a connection, so that nothing is lost with it.
    totals: Sides<u32>,
    /// Last told.
    fire: Option<bool>,
    tamper: Option<bool>,
}

impl Scan {
    pub(crate) fn new(map: Arc<Map>) -> Self {
        Self {
            map,
            passage: Sides::default(),
            counts: Sides::default(),
            totals: Sides::default(),
            fire: None,
            tamper: None,
        }
    }

    /// A new connection: what its first poll sees is state, neither a read nor a passage.
    pub(crate) fn connected(&mut self) {
        self.passage = Sides::default();
        self.counts = Sides::default();
    }

    /// The discrete inputs of one poll, from the map's first address on.
    pub(crate) fn inputs(&mut self, bits: &[bool]) -> Vec<Found> {
        let map = Arc::clone(&self.map);
        let first = map.inputs.map_or(0, |(first, _)| first);
        let active = |input: Input| {
            let bit = bits.get(usize::from(input.address.saturating_sub(first)));
            bit.is_some_and(|bit| *bit != input.normally_closed)
        };
        let mut found = Vec::new();
        // The state of the fire panel is told at once, even if it is the first thing seen.
        if let Some(now) = map.fire.map(active)
            && self.fire.replace(now) != Some(now)
        {
            found.push(Found::Happening(Happening::FireInput { active: now }));
        }
        for (direction, contact) in map.passage.iter() {
            let now = active(*contact);
            let before = slot(&mut self.passage, direction).replace(now);
            let counted = side(&map.counters, direction).is_some();
            if before == Some(false) && now && !counted {
                found.push(passage(direction));
            }
        }
        if let Some(now) = map.tamper.map(active)
            && self.tamper.replace(now) != Some(now)
        {
            let (what, value) = (HealthItem::Tamper, now.to_string());
            found.push(Found::Happening(Happening::Health { what, value }));
        }
        found
    }

    /// The input registers of one poll, from the map's first address on.
    pub(crate) fn registers(&mut self, words: &[u16]) -> Vec<Found> {
        let map = Arc::clone(&self.map);
        let first = map.registers.map_or(0, |(first, _)| first);
        let mut found = Vec::new();
        for (direction, counter) in map.counters.iter() {
            let bytes = bytes(map.byte_order, slice(words, first, *counter, 2));
            if let Ok(total) = <[u8; 4]>::try_from(bytes) {
                self.count(direction, u32::from_be_bytes(total), &mut found);
            }
        }
        for (direction, reader) in map.readers.iter() {
            let Some(&count) = slice(words, first, reader.count, 1).first() else { continue };
            let Some(before) = slot(&mut self.counts, direction).replace(count) else { continue };
            let new = count.wrapping_sub(before);
            if new > 1 {
                counter!("kari_device_reads_overwritten_total").increment(u64::from(new - 1));
            }
            if new > 0 {
                found.push(read(direction, reader, map.byte_order, words, first));
            }
        }
        found
    }

    fn count(&mut self, direction: Direction, total: u32, found: &mut Vec<Found>) {
        let before = slot(&mut self.totals, direction).replace(total);
        // A smaller total is a board that restarted: what it counted before was told then.
        let new = before.and_then(|before| total.checked_sub(before)).unwrap_or(0);
        if new > PASSAGES_AT_ONCE {
            let why = format!("the {} counter jumped by {new}", direction.name());
            found.push(Found::Unreadable(why));
            return;
        }
        found.extend((0..new).map(|_| passage(direction)));
    }
}

const fn passage(direction: Direction) -> Found {
    Found::Happening(Happening::PassageMade { direction, decision: None })
}

fn read(
    direction: Direction,
    reader: &ReaderMap,
    order: ByteOrder,
    words: &[u16],
    first: u16,
) -> Found {
    let length = slice(words, first, reader.length, 1).first().copied().unwrap_or(0);
    let bytes = bytes(order, slice(words, first, reader.uid, reader.uid_words));
    match bytes.get(..usize::from(length)) {
        Some(uid) if !uid.is_empty() => {
            let text: String = uid.iter().map(|byte| format!("{byte:02X}")).collect();
            Found::Happening(Happening::CredentialRead {
                direction,
                uid: Uid::from(text),
                pin: None,
            })
        }
        _ => Found::Unreadable(format!(
            "the {} reader says that its read has {length} bytes; it has 1 to {}",
            direction.name(),
            bytes.len()
        )),
    }
}

fn slice(words: &[u16], first: u16, at: u16, count: u16) -> &[u16] {
    let start = usize::from(at.saturating_sub(first));
    words.get(start..start + usize::from(count)).unwrap_or_default()
}

/// The bytes of `words` in the order in which they are meant.
fn bytes(order: ByteOrder, words: &[u16]) -> Vec<u8> {
    let mut words = words.to_vec();
    if matches!(order, ByteOrder::Cdab | ByteOrder::Dcba) {
        words.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
    }
    let low_first = matches!(order, ByteOrder::Badc | ByteOrder::Dcba);
    let bytes = |word: u16| if low_first { word.to_le_bytes() } else { word.to_be_bytes() };
    words.into_iter().flat_map(bytes).collect()
}

const fn slot<T>(sides: &mut Sides<T>, direction: Direction) -> &mut Option<T> {
    match direction {
        Direction::Entry => &mut sides.entry,
        Direction::Exit => &mut sides.exit,
    }
}

const fn side<T>(sides: &Sides<T>, direction: Direction) -> &Option<T> {
    match direction {
        Direction::Entry => &sides.entry,
        Direction::Exit => &sides.exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Kind, Profile};

    const RELAY: &str = include_str!("../../profiles/relay-gate.toml");

    fn scan(text: &str) -> Scan {
        let profile = Profile::parse("x.toml", text).unwrap();
        let Ok(Kind::Modbus(map)) = profile.kind() else { panic!("a Modbus profile") };
        Scan::new(map)
    }

    fn reader(count: u16, uid: &[u16], length: u16) -> Vec<u16> {
        let mut words = vec![0; 26];
        (words[0], words[1]) = (count, length);
        words[2..2 + uid.len()].copy_from_slice(uid);
        words
    }

    fn uid(text: &str) -> Vec<Found> {
        let (direction, uid) = (Direction::Entry, text.into());
        vec![Found::Happening(Happening::CredentialRead { direction, uid, pin: None })]
    }

    #[test]
    fn what_a_connection_sees_first_is_state_and_no_read() {
        let mut scan = scan(RELAY);
        assert_eq!(scan.registers(&reader(41, &[0x04A2, 0xB300], 3)), []);
        assert_eq!(scan.registers(&reader(41, &[0x04A2, 0xB300], 3)), []);
        assert_eq!(scan.registers(&reader(42, &[0x04A2, 0xB300], 3)), uid("04A2B3"));
        assert_eq!(scan.registers(&reader(43, &[0x04A2, 0xB300], 3)), uid("04A2B3"), "again");
        scan.connected();
        assert_eq!(scan.registers(&reader(44, &[0x04A2, 0xB300], 3)), []);
    }

    #[test]
    fn a_counter_that_wraps_is_one_read() {
        let mut scan = scan(RELAY);
        assert_eq!(scan.registers(&reader(u16::MAX, &[0x1122], 2)), []);
        assert_eq!(scan.registers(&reader(0, &[0x1122], 2)), uid("1122"));
    }

    #[test]
    fn a_uid_is_read_in_the_order_of_the_profile() {
        let cases = [
            ("ABCD", [0x0102, 0x0304]),
            ("BADC", [0x0201, 0x0403]),
            ("CDAB", [0x0304, 0x0102]),
            ("DCBA", [0x0403, 0x0201]),
        ];
        for (order, words) in cases {
            let mut scan = scan(&RELAY.replace("\"ABCD\"", &format!("\"{order}\"")));
            scan.registers(&reader(1, &words, 4));
            assert_eq!(scan.registers(&reader(2, &words, 4)), uid("01020304"), "{order}");
        }
    }

    #[test]
    fn a_length_beyond_the_registers_is_unreadable() {
        for length in [0, 17, u16::MAX] {
            let mut scan = scan(RELAY);
            scan.registers(&reader(1, &[0x0102], length));
            let found = scan.registers(&reader(2, &[0x0102], length));
            assert!(matches!(&found[..], [Found::Unreadable(why)] if why.contains("1 to 16")));
        }
    }

    #[test]
    fn contacts_are_told_when_they_rise_and_the_fire_panel_at_once() {
        let fire = |active| Found::Happening(Happening::FireInput { active });
        let tamper = |value: &str| {
            let (what, value) = (HealthItem::Tamper, value.to_owned());
            Found::Happening(Happening::Health { what, value })
        };
        let mut scan = scan(RELAY);
        assert_eq!(scan.inputs(&[true, false, true, false]), [fire(true), tamper("false")]);
        assert_eq!(scan.inputs(&[true, false, true, false]), []);
        assert_eq!(
            scan.inputs(&[false, true, false, false]),
            [fire(false), passage(Direction::Exit)]
        );
        assert_eq!(
            scan.inputs(&[true, false, false, true]),
            [passage(Direction::Entry), tamper("true")]
        );
        scan.connected();
        assert_eq!(scan.inputs(&[true, false, false, true]), [], "still in the pulse");
    }

    #[test]
    fn a_contact_wired_normally_closed_is_active_at_zero() {
        let wired = "fire_mirror = { input = 2, normally_closed = true }";
        let mut scan = scan(&RELAY.replace("fire_mirror = { input = 2 }", wired));
        let found = scan.inputs(&[false, false, false, false]);
        assert_eq!(found[0], Found::Happening(Happening::FireInput { active: true }));
    }

    #[test]
    fn a_passage_counter_loses_nothing_and_replaces_the_pulse() {
        let text = format!("{RELAY}\n[modbus.counters]\nentry = 26\n");
        let mut scan = scan(&text);
        let mut words = vec![0; 28];
        let mut at = |total: u32, scan: &mut Scan| {
            words[26..].copy_from_slice(&[(total >> 16) as u16, total as u16]);
            scan.registers(&words).len()
        };
        assert_eq!(at(65_535, &mut scan), 0, "the first total is state");
        assert_eq!(at(65_537, &mut scan), 2);
        scan.connected();
        assert_eq!(at(65_540, &mut scan), 3, "nobody is lost with a connection");
        assert_eq!(at(1, &mut scan), 0, "the board restarted");
        assert_eq!(at(9_000, &mut scan), 1, "one unreadable");
        assert_eq!(at(9_001, &mut scan), 1);
        assert_eq!(scan.inputs(&[false; 4]).len(), 2);
        assert_eq!(scan.inputs(&[true, false, false, false]), [], "counted, so not pulsed");
    }
}
