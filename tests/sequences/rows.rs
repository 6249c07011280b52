//! What the rows of a site must come to: people, seats and, in the end, nothing that lasts.

use domain::{
    event::Direction,
    rows::{Reservation, ReservationState},
};
use tests::world::World;

use crate::{books::Books, surroundings::Surroundings};

/// In the end nothing waits, holds or is promised any more.
pub(crate) fn nothing_lasts(world: &World, around: &Surroundings) -> Result<(), String> {
    let tables = &world.state.tables;
    let live = |row: &Reservation| row.state == ReservationState::Live;
    if let Some((key, row)) = tables.reservations.iter().find(|(_, row)| live(row)) {
        return Err(format!("a grant never ended: {key:?} {row:?}"));
    }
    if let Some((key, row)) = tables.waiting.iter().next() {
        return Err(format!("still waits: {key:?} {row:?}"));
    }
    if let Some((key, row)) = tables.holds.iter().find(|(_, row)| !row.expired) {
        return Err(format!("still held: {key:?} {row:?}"));
    }
    let held = tables.presence.iter().find(|(_, row)| {
        let hold = row.visit.as_ref().and_then(|visit| visit.hold.as_ref());
        hold.is_some_and(|hold| !hold.expired && !hold.pickup) || row.pending.is_some()
    });
    if let Some((_, row)) = held {
        return Err(format!("still held, or on the way: {row:?}"));
    }
    if let Some(at) = world.state.next_expiry() {
        return Err(format!("something still ends at {at}"));
    }
    Books::nothing_promised(world, around)
}

/// People are inside as often as there are people, and a seat is promised to each grant.
pub(crate) fn presence(world: &World) -> Result<(), String> {
    let tables = &world.state.tables;
    for (id, row) in tables.presence.iter() {
        let held = tables.credentials.iter().find(|(_, held)| held.id == *id);
        let size = held.map_or(0, |(_, held)| held.party_size);
        if row.inside > size {
            return Err(format!("{} of {size} are inside: {row:?}", row.inside));
        }
    }
    let promised = |zone: &str| {
        let live = tables.reservations.iter().filter(|(key, row)| {
            let enters = match key.device.as_str() {
                "DEEP" => "POOL",
                "INNER" => "SAUNA",
                _ => "HALL",
            };
            row.state == ReservationState::Live
                && !row.booked
                && key.direction == Direction::Entry
                && enters == zone
        });
        i64::try_from(live.count()).unwrap()
    };
    for (zone, count) in tables.occupancy.iter() {
        if count.reserved != promised(zone.as_str()) {
            let seats = promised(zone.as_str());
            return Err(format!("{zone} has {} seats promised of {seats}", count.reserved));
        }
    }
    Ok(())
}
