//! What can happen, drawn by chance.

use domain::{event::Direction, order::OverrideReason};
use fastrand::Rng;

pub(crate) const PEOPLE: &[&str] = &[
    "adult", "debtor", "hourly", "minor", "almost", "typed", "slow", "ill", "ageless", "party",
    "guest", "ticket", "mother", "father", "child", "banned", "ended", "early", "stolen", "nobody",
];
pub(crate) const STREET: &[&str] = &["FRONT", "SIDE", "NARROW", "BARE"];
pub(crate) const GATES: &[&str] = &["FRONT", "SIDE", "NARROW", "BARE", "DEEP", "INNER"];
const OPERATORS: &[&str] = &["boss", "levan", "nino", "mother"];

/// Those whose visits cost something.
const PAYING: &[&str] = &["hourly", "father", "guest", "minor", "slow"];

type Name = &'static str;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// So many seconds go by.
    Wait(i64),
    /// A read, whose message took so many seconds.
    Read {
        gate: Name,
        way: Direction,
        who: Name,
        late: i64,
    },
    /// A read, and the passage if it was let through.
    Walk {
        gate: Name,
        way: Direction,
        who: Name,
    },
    /// The same when the store stands still.
    Unanswered {
        gate: Name,
        way: Direction,
        who: Name,
    },
    /// Somebody went through; the gate names its decision, or not.
    Passed {
        gate: Name,
        way: Direction,
        named: bool,
        late: i64,
        kept_back: bool,
    },
    Aborted {
        gate: Name,
        way: Direction,
    },
    Unexpected {
        gate: Name,
        way: Direction,
    },
    /// The messages that were kept back come.
    Arrives,
    /// A message of before comes again.
    Again {
        back: usize,
    },
    Locker {
        locker: Name,
        who: Name,
        opens: bool,
    },
    Collected {
        gate: Name,
        who: Name,
    },
    Sale {
        who: Name,
        cents: i64,
        cash: bool,
    },
    Topup {
        who: Name,
        cents: i64,
    },
    Refund {
        who: Name,
        cents: i64,
        second: Option<Name>,
    },
    Pays {
        who: Name,
        percent: i64,
        at: Name,
    },
    /// An operator lifts a refusal of before.
    Lifts {
        back: usize,
        operator: Name,
        second: Option<Name>,
        all: bool,
        why: OverrideReason,
    },
    Acts {
        action: Name,
        operator: Name,
        second: Option<Name>,
        who: Name,
    },
    Fire {
        gate: Name,
        on: bool,
    },
    Reset {
        other: Name,
    },
    /// The fire system is at rest, and two people say so.
    AllClear,
    Fault {
        gate: Name,
        power: bool,
        bad: bool,
    },
    /// Somebody sets our clock.
    ClockSet(i64),
    Terminal {
        id: Name,
        online: bool,
        signed_in: bool,
    },
    Online {
        gate: Name,
        online: bool,
    },
    Door {
        gate: Name,
        open: bool,
    },
    /// Twelve people whom nobody knows are read at an exit.
    Crowd {
        gate: Name,
    },
    /// The photo of whoever waits is compared.
    Photo {
        same: bool,
    },
    /// Somebody's card is reported.
    Reported {
        who: Name,
        stolen: bool,
    },
    /// Other rules come into force.
    Rules(u64),
}

fn one<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

fn way(rng: &mut Rng) -> Direction {
    if rng.usize(..3) == 0 { Direction::Entry } else { Direction::Exit }
}

fn second(rng: &mut Rng) -> Option<Name> {
    rng.bool().then(|| one(rng, OPERATORS))
}

fn money(rng: &mut Rng) -> i64 {
    one(rng, &[1, 250, 1000, 4999, 14_999])
}

/// The events of one sequence.
pub(crate) fn draw(rng: &mut Rng) -> Vec<Event> {
    let mut events = vec![Event::Rules(rng.u64(..))];
    // Few people and few gates, so that what happens concerns them more than once.
    let mut people: Vec<Name> = (0..rng.usize(2..6)).map(|_| one(rng, PEOPLE)).collect();
    people.push(one(rng, PAYING));
    let streets: Vec<Name> = (0..2).map(|_| one(rng, STREET)).collect();
    for who in &people {
        if rng.usize(..5) > 0 {
            let (gate, way) = (one(rng, &streets), Direction::Entry);
            events.push(Event::Walk { gate, way, who });
            events.push(Event::Wait(one(rng, &[4, 4, 61])));
        }
    }
    for _ in 0..rng.usize(10..60) {
        let gate = match rng.usize(..6) {
            0 => one(rng, GATES),
            _ => one(rng, &streets),
        };
        let who = if rng.usize(..12) == 0 { one(rng, PEOPLE) } else { one(rng, &people) };
        if rng.usize(..60) == 0 {
            // Somebody stands in the gate when the alarm comes.
            let way = Direction::Entry;
            events.push(Event::Read { gate, way, who, late: 0 });
            events.push(Event::Fire { gate, on: true });
            events.push(Event::Passed { gate, way, named: true, late: 0, kept_back: false });
        }
        events.push(event(rng, gate, who));
    }
    events
}

fn event(rng: &mut Rng, gate: Name, who: Name) -> Event {
    match rng.usize(..100) {
        0..22 => {
            Event::Wait(one(rng, &[1, 3, 5, 15, 60, 61, 300, 599, 601, 900, 1800, 7200, 90_000]))
        }
        22..47 => {
            let late = one(rng, &[0, 0, 0, 0, 0, 1, 8, 30, 4000]);
            Event::Read { gate, way: way(rng), who, late }
        }
        47..57 => Event::Walk { gate, way: way(rng), who },
        57..69 => passage(rng, gate),
        69..89 => around(rng, gate, who),
        _ => disturbance(rng, gate, who),
    }
}

fn passage(rng: &mut Rng, gate: Name) -> Event {
    let way = way(rng);
    match rng.usize(..12) {
        0 => Event::Aborted { gate, way },
        1 => Event::Unexpected { gate, way },
        2 => Event::Arrives,
        3 | 4 => Event::Again { back: rng.usize(1..20) },
        _ => {
            let (named, late) = (rng.bool(), one(rng, &[0, 0, 2, 20, 3000]));
            Event::Passed { gate, way, named, late, kept_back: rng.usize(..5) == 0 }
        }
    }
}

fn around(rng: &mut Rng, gate: Name, who: Name) -> Event {
    match rng.usize(..24) {
        0..4 => {
            let locker = one(rng, &["1", "2", "3"]);
            Event::Locker { locker, who, opens: rng.usize(..3) == 0 }
        }
        4 => Event::Collected { gate, who },
        5 => Event::Sale { who, cents: money(rng), cash: rng.usize(..4) == 0 },
        6 | 7 => Event::Topup { who, cents: money(rng) },
        8 => Event::Refund { who, cents: money(rng), second: second(rng) },
        9..12 => {
            let at = one(rng, &["desk-1", "desk-1", "pay-1"]);
            Event::Pays { who, percent: one(rng, &[100, 100, 50, 101]), at }
        }
        12..19 => Event::Lifts {
            back: rng.usize(..3),
            operator: one(rng, OPERATORS),
            second: second(rng),
            all: rng.usize(..4) > 0,
            why: one(rng, &[OverrideReason::Goodwill, OverrideReason::Other]),
        },
        19 => {
            let action = one(rng, &["block_member", "unblock_member", "release_locker"]);
            Event::Acts { action, operator: one(rng, OPERATORS), second: second(rng), who }
        }
        20 | 21 => Event::Photo { same: rng.usize(..3) > 0 },
        _ => Event::Crowd { gate },
    }
}

fn disturbance(rng: &mut Rng, gate: Name, who: Name) -> Event {
    match rng.usize(..20) {
        0 | 1 => Event::Fire { gate, on: true },
        2 | 3 => Event::AllClear,
        4 => Event::Fire { gate, on: false },
        5 => Event::Reset { other: one(rng, &["levan", "boss", ""]) },
        6 => {
            let (action, operator) = ("emergency_reset", one(rng, OPERATORS));
            Event::Acts { action, operator, second: second(rng), who }
        }
        7 => Event::Fault { gate, power: rng.bool(), bad: rng.bool() },
        8 | 9 => Event::ClockSet(one(rng, &[-86_400, -3600, -500, -4, 4, 500, 3600, 86_400])),
        10..13 => Event::Terminal {
            id: one(rng, &["desk-1", "desk-1", "pay-1"]),
            online: rng.usize(..4) > 0,
            signed_in: rng.usize(..4) > 0,
        },
        13 => Event::Online { gate, online: rng.bool() },
        14 => Event::Door { gate, open: rng.bool() },
        15 => Event::Unanswered { gate, way: way(rng), who },
        16 | 17 => Event::Reported { who, stolen: rng.bool() },
        _ => Event::Rules(rng.u64(..)),
    }
}
