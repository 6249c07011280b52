//! A day of people: who comes when, through which gates, for how long. It depends on its seed
//! alone.

use std::collections::BTreeMap;

use domain::{
    event::Direction,
    ids::{DeviceId, Uid},
    site::Site,
    state::ImportRow,
    time::{Span, Timestamp},
};
use fastrand::Rng;
use jiff::civil::Date;

/// One person of the day.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// The band.
    pub(crate) uid: Uid,
    /// When the first gate is reached.
    pub(crate) comes: Timestamp,
    /// The gates, one after the other.
    pub(crate) legs: Vec<Leg>,
}

/// One gate on a person's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    /// The gate.
    pub(crate) gate: DeviceId,
    /// Which way.
    pub(crate) direction: Direction,
    /// How long after the leg before it.
    pub(crate) after: Span,
}

/// Of a hundred holders of a band, so many come on one day.
const COME: u32 = 70;
/// Hours at which people like to come, with how many of a hundred do.
const RUSH: &[(i64, u32)] =
    &[(7, 14), (8, 12), (9, 8), (11, 10), (14, 9), (16, 12), (17, 15), (18, 14), (19, 6)];

/// The day on which most of the passes are valid; today where there are none.
pub(crate) fn busiest(rows: &[ImportRow], today: Date) -> Date {
    let mut starts = BTreeMap::new();
    for row in rows {
        let ImportRow::Pass(_, pass) = row else { continue };
        *starts.entry(pass.valid_from).or_insert(0_i64) += 1;
        if let Some(last) = pass.valid_until {
            *starts.entry(last.saturating_add(jiff::Span::new().days(1))).or_insert(0) -= 1;
        }
    }
    let mut valid = 0;
    let mut best = (0, today);
    for (date, change) in starts {
        valid += change;
        if valid > best.0 {
            best = (valid, date);
        }
    }
    best.1
}

/// The guests of `day`, in the order of their coming.
pub(crate) fn guests(site: &Site, rows: &[ImportRow], day: Date, seed: u64) -> Vec<Guest> {
    let mut rng = Rng::with_seed(seed);
    let midnight = site.time_zone.to_timestamp(day.at(0, 0, 0, 0));
    let midnight = midnight.map_or(Timestamp::default(), Timestamp::from);
    let mut guests = Vec::new();
    for row in rows {
        let ImportRow::Credential(uid, _) = row else { continue };
        if rng.u32(0..100) < COME {
            guests.push(guest(site, uid.clone(), midnight, &mut rng));
        }
    }
    for stranger in 0..guests.len() / 100 {
        let uid =
            Uid::from(format!("{:08X}", 0xBAD0_0000_u32 + u32::try_from(stranger).unwrap_or(0)));
        guests.push(guest(site, uid, midnight, &mut rng));
    }
    guests.sort_by(|a, b| (a.comes, &a.uid).cmp(&(b.comes, &b.uid)));
    guests
}

fn guest(site: &Site, uid: Uid, midnight: Timestamp, rng: &mut Rng) -> Guest {
    let comes = midnight.plus(Span::seconds(hour(rng) * 3600 + rng.i64(0..3600)));
    Guest { uid, comes, legs: legs(site, rng) }
}

fn hour(rng: &mut Rng) -> i64 {
    let mut left = rng.u32(0..100);
    for (hour, share) in RUSH {
        if left < *share {
            return *hour;
        }
        left -= share;
    }
    12
}

/// In from the street, mostly on to a room inside, and out again the same way.
fn legs(site: &Site, rng: &mut Rng) -> Vec<Leg> {
    let mut way = Vec::new();
    let mut here = None;
    for depth in 0..3 {
        let onward: Vec<_> = site.gates.iter().filter(|(_, gate)| gate.outer == here).collect();
        // Nobody stays at the street; a fifth stays in the first room, most in the second.
        let goes_on = [100, 80, 15][depth];
        if onward.is_empty() || rng.u32(0..100) >= goes_on {
            break;
        }
        let (id, gate) = onward[rng.usize(0..onward.len())];
        way.push(id.clone());
        here = Some(gate.inner.clone());
    }
    let minutes = |rng: &mut Rng, from: i64, to: i64| Span::seconds(rng.i64(from * 60..to * 60));
    let mut legs = Vec::new();
    for (depth, gate) in way.iter().enumerate() {
        let after = if depth == 0 { Span(0) } else { minutes(rng, 4, 12) };
        legs.push(Leg { gate: gate.clone(), direction: Direction::Entry, after });
    }
    for (depth, gate) in way.iter().rev().enumerate() {
        let after = if depth == 0 { minutes(rng, 40, 110) } else { minutes(rng, 3, 15) };
        legs.push(Leg { gate: gate.clone(), direction: Direction::Exit, after });
    }
    legs
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ids::ZoneId, site::Gate};

    fn site() -> Site {
        let gate =
            |outer: Option<&str>, inner: &str| Gate::new(outer.map(ZoneId::from), inner.into());
        let gel = domain::money::Currency::of("GEL").unwrap();
        Site {
            zones: [("hall".into(), None), ("pool".into(), Some("hall".into()))].into(),
            gates: [
                ("gate-1".into(), gate(None, "hall")),
                ("gate-2".into(), gate(Some("hall"), "pool")),
            ]
            .into(),
            ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel)
        }
    }

    #[test]
    fn everybody_leaves_by_the_gates_that_he_came_in_by() {
        let mut rng = Rng::with_seed(3);
        for _ in 0..50 {
            let legs = legs(&site(), &mut rng);
            let (entries, exits) = legs.split_at(legs.len() / 2);
            let ins: Vec<_> = entries.iter().map(|leg| &leg.gate).collect();
            let outs: Vec<_> = exits.iter().rev().map(|leg| &leg.gate).collect();
            assert_eq!(ins, outs);
            assert!(entries.iter().all(|leg| leg.direction == Direction::Entry));
        }
    }

    #[test]
    fn a_day_depends_on_its_seed_alone() {
        let member = domain::ids::MemberId(uuid::Uuid::from_u128(1));
        let credential = domain::rows::Credential {
            id: domain::ids::CredentialId(uuid::Uuid::from_u128(2)),
            member,
            state: domain::rows::CredentialState::Active,
            valid_from: None,
            valid_until: None,
            party_size: 1,
            kind: domain::rows::CredentialKind::Band,
            adult: false,
            collected: false,
            extras: None,
        };
        let row = |n: u32| ImportRow::Credential(format!("{n:08X}").into(), credential.clone());
        let rows: Vec<_> = (0..200).map(row).collect();
        let day = "2026-09-15".parse().unwrap();
        let day = |seed| format!("{:?}", guests(&site(), &rows, day, seed));
        assert_eq!(day(1), day(1));
        assert_ne!(day(1), day(2));
    }
}
