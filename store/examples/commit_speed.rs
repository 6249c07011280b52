//! How long a bare durable commit takes, for batches of 1, 8, 32 and 128 typical events.
//!
//! `cargo run --release -p store --example commit_speed [FOLDER | postgres://…]`: the folder
//! decides on the disk; the database of PostgreSQL is an empty one.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::time::{Duration, Instant};

use domain::{
    event::Direction,
    ids::{CredentialId, DeviceId, Uid, ZoneId},
    layered::Change,
    rows::{LastRead, Mark, MarkKey, Occupancy, Presence, ReaderKey, ReservationState},
    state::{Batch, Changes},
};
use store::Store;
use support::{change, id, place, reservation, sealed};

#[path = "../tests/support/mod.rs"]
mod support;

const GATES: u64 = 200;

/// A batch of `events` grants from event number `first` on, each at the next gate. All rows that
/// are changed again count their versions by themselves.
fn batch(first: u64, events: u64, versions: &mut Versions) -> (Batch, Changes) {
    let (mut batch, mut changes) = (Batch::default(), Changes::default());
    for number in first..first + events {
        let one = support::granted(u128::from(number));
        batch.journal.extend(one.journal);
        batch.decisions.extend(one.decisions);
        batch.commands.extend(one.commands);
        let gate = format!("gate-{}", number % GATES);
        let credential = CredentialId(id(u128::from(number)));
        let live = reservation(ReservationState::Live, u128::from(number));
        changes.reservations.push(change(place(&gate, number), 1, live));
        let pending = Some(place(&gate, number));
        let presence = Presence { pending, ..Presence::default() };
        changes.presence.push(change(credential, 1, presence));
        let device = DeviceId::from(gate.as_str());
        let version = u32::try_from(number / GATES + 1).unwrap();
        let reader = ReaderKey { device: device.clone(), direction: Direction::Entry };
        let uid = Uid::from(format!("04A1{number:08}"));
        let last = LastRead {
            uid,
            at: support::NOW,
            next_place: number,
            recent: Vec::new(),
            refused: None,
        };
        changes.last_reads.push(change(reader, version, last));
        let mark = Mark { high: number, window: 1 };
        changes.marks.push(change(MarkKey { device, boot: 1 }, version, mark));
    }
    versions.occupancy += 1;
    let full = Occupancy { inside: 0, reserved: 1 };
    changes.occupancy.push(change(ZoneId::from("pool"), versions.occupancy, full));
    if first >= GATES * 2 {
        let old = first - GATES..first - GATES + events;
        let gone = |number: u64| Change {
            key: place(&format!("gate-{}", number % GATES), number),
            version: 2,
            value: None,
        };
        changes.reservations.extend(old.filter(|number| *number < first).map(gone));
    }
    (batch, changes)
}

#[derive(Default)]
struct Versions {
    occupancy: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let given = std::env::args().nth(1);
    let (mut store, _) =
        Store::open(&support::at(given, temporary.path()), support::NOW).await.unwrap();
    let (mut next, mut versions, mut number) = (0, Versions::default(), 0);
    for round in 0..4 {
        for (events, commits) in [(1, 2000_u64), (8, 500), (32, 200), (128, 100)] {
            let mut took: Vec<Duration> = Vec::new();
            for _ in 0..commits {
                let (batch, changes) = batch(next, events, &mut versions);
                next += events;
                number += 1;
                // Late enough that each batch takes commands of earlier ones away.
                let committed_at = support::NOW.plus(domain::time::Span::seconds(60));
                let sealed = store::Sealed { committed_at, ..sealed(number, batch, changes) };
                let begun = Instant::now();
                store.commit(&sealed).await.unwrap();
                took.push(begun.elapsed());
            }
            took.sort();
            let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
            let rate = events * 1_000_000 / u64::try_from(p50.as_micros()).unwrap().max(1);
            println!(
                "round {round}: {events:>3} events: p50 {:>6} us, p99 {:>6} us, {rate:>6} events/s",
                p50.as_micros(),
                p99.as_micros(),
            );
        }
    }
    store.close().await.unwrap();
}
