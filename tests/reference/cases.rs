//! Cases: what a request saw, at random, and mostly on a limit or next to it.

use domain::{
    facts::EventKind,
    ids::{GroupId, LockerId, PassId, VisitId, ZoneId},
    lockers::{Given, SeenLocker},
    money::Money,
    params::DefaultFor,
    reasons::Reason,
    rows::{
        Allowance, Begun, CredentialKind, CredentialState, Hold, Left, Pass, PassState, Tariff,
        Visit, Visits,
    },
    seen::{
        Holder, Relative, Seen, SeenFamily, SeenGate, SeenHost, SeenPin, SeenPresence, SeenWallet,
    },
    time::{Span, Timestamp},
};
use fastrand::Rng;

use crate::{
    calendar::{self, DAY, SECOND},
    profile::{AMOUNTS, CODES, GROUPS, LENGTHS, TARIFFS, one, some, uuid},
};

/// Makes cases.
pub(crate) struct Maker<'a> {
    pub(crate) rng: &'a mut Rng,
    /// Seconds that local time is ahead.
    pub(crate) ahead: i64,
    /// The instant of the case.
    pub(crate) at: i64,
}

impl Maker<'_> {
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    /// An instant at which something happened that long ago, or just before or after.
    fn ago(&mut self) -> Timestamp {
        let long = one(self.rng, LENGTHS) * one(self.rng, &[1, 1, 1, 2, 3]);
        let many = if self.chance(15) { self.rng.i64(0..40) * DAY } else { 0 };
        self.near(self.at - long * SECOND - many)
    }

    /// Exactly then, or a second or a microsecond either side.
    fn near(&mut self, at: i64) -> Timestamp {
        let aside = one(self.rng, &[0, 0, -1, 1, -SECOND, SECOND, 61 * SECOND]);
        Timestamp::from_micros((at + aside).min(self.at))
    }

    pub(crate) fn amount(&mut self) -> Money {
        let sum = one(self.rng, AMOUNTS) + one(self.rng, &[0, 0, 100, 500]);
        Money((sum + one(self.rng, &[-1, 0, 0, 1])).max(0))
    }

    fn age(&mut self) -> Option<i64> {
        let age = one(self.rng, &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 21, 40, 70]);
        let grown = if self.chance(50) { 30 } else { age };
        (!self.chance(8)).then_some(grown)
    }

    fn groups(&mut self) -> Box<[GroupId]> {
        let mut all: Vec<_> = some(self.rng, GROUPS, 35).into_iter().collect();
        self.rng.shuffle(&mut all);
        all.into_iter().map(GroupId::from).collect()
    }

    fn wallet(&mut self, account: u64) -> SeenWallet {
        let balance = self.amount();
        let balance = if self.chance(25) { -balance } else { balance };
        let reserved = if self.chance(15) { self.amount() } else { Money::ZERO };
        let unpaid = if self.chance(40) { self.amount() } else { Money::ZERO };
        let debt_since = self.chance(90).then(|| self.ago());
        SeenWallet { account: Some(uuid(account)), balance, reserved, unpaid, debt_since }
    }

    fn visits(&mut self) -> Visits {
        let mut begun: Vec<_> = (0..self.rng.usize(..6))
            .map(|_| match self.rng.u32(..3) {
                0 => {
                    // The first instant of a local day, or the last of the day before.
                    let back = self.rng.i64(0..70);
                    let day = calendar::day_of(self.at, self.ahead) - back;
                    self.near(day * DAY - self.ahead * SECOND)
                }
                _ => self.ago(),
            })
            .collect();
        begun.sort();
        let mut begun: Vec<_> = begun.into_iter().map(Begun::new).collect();
        for one in &mut begun {
            if self.chance(10) {
                one.stepped = Span::seconds(self.rng.i64(-7200..7200));
            }
        }
        Visits { begun, promised: u32::from(self.chance(15)) }
    }

    fn pass(&mut self, number: u64) -> (PassId, Pass, Tariff) {
        let today = calendar::day_of(self.at, self.ahead);
        let tariff = one(self.rng, TARIFFS);
        let state = match self.rng.u32(..20) {
            0 => PassState::PastDue,
            1 => PassState::Frozen,
            2 => PassState::Suspended,
            3 => PassState::Cancelled,
            _ => PassState::Active,
        };
        let end = today + one(self.rng, &[-5, -4, -3, -2, -1, 0, 1, 30, 30, 300, 300]);
        let visits_left = self.chance(55).then(|| self.rng.u32(..7));
        let pass = Pass {
            tariff: tariff.into(),
            tariff_version: 1,
            state,
            valid_from: calendar::date(today - 60),
            valid_until: self.chance(75).then(|| calendar::date(end)),
            visits_left,
            visits_reserved: u32::from(self.chance(15)).min(visits_left.unwrap_or(0)),
            paid: if self.chance(30) { self.amount() } else { Money::ZERO },
            sale: None,
        };
        let price = if self.chance(40) { self.amount() } else { Money::ZERO };
        let mut version = Tariff::new([ZoneId::from("site")].into(), price);
        version.single_entry = self.chance(35);
        version.day_guest = self.chance(25);
        if self.chance(60) {
            let tiers = [(3600, 500), (7200, 900), (14_400, 1500)];
            version.tiers = tiers.map(|(long, price)| (Span::seconds(long), Money(price))).into();
        }
        (uuid(number), pass, version)
    }

    fn visit(&mut self, passes: &[(PassId, Pass, Tariff)]) -> Visit {
        let started = self.ago();
        let pass = match passes.first() {
            Some((id, ..)) if self.chance(80) => Some(*id),
            _ => None,
        };
        let mut visit = Visit::new(uuid::<VisitId>(60), "W1".into(), started, pass);
        visit.granted = started.minus(Span::seconds(self.rng.i64(0..4)));
        visit.hours_end = self.chance(60).then(|| self.ago());
        visit.entries = 1;
        visit.surcharged =
            some(self.rng, &["site", "hall", "pool"], 25).into_iter().map(ZoneId::from).collect();
        visit.paid = if self.chance(30) { self.amount() } else { Money::ZERO };
        visit.overstay = if self.chance(25) { self.amount() } else { Money::ZERO };
        visit.held = if self.chance(25) { Span::seconds(one(self.rng, LENGTHS)) } else { Span(0) };
        if self.chance(30) {
            let since = self.ago();
            visit.hold = Some(Hold {
                since,
                until: Some(since.plus(Span::seconds(600))),
                gate: "G1".into(),
                decision: uuid(61),
                expired: self.chance(25),
                pickup: false,
            });
        } else if self.chance(25) {
            let until = self.near(self.at).plus(Span(one(self.rng, &[0, 1, -1, SECOND])));
            visit.allowance = Some(Allowance { counted: self.ago(), until });
        }
        visit
    }

    fn presence(&mut self, kind: EventKind, passes: &[(PassId, Pass, Tariff)]) -> SeenPresence {
        let likely = if kind == EventKind::Entry { 30 } else { 85 };
        let visit = self.chance(likely).then(|| self.visit(passes));
        let inside = match visit {
            Some(_) if self.chance(92) => self.rng.u16(1..4),
            _ => u16::from(self.chance(10)),
        };
        let left = (visit.is_none() && self.chance(55)).then(|| {
            let mut visit = self.visit(passes);
            (visit.hold, visit.allowance) = (None, None);
            Left { at: self.ago(), visit }
        });
        SeenPresence {
            inside,
            behind: self.chance(if inside > 0 { 75 } else { 15 }),
            entered: self.chance(85).then(|| self.ago()),
            visit,
            left,
            pending_since: self.chance(4).then(|| self.ago()),
            clock_uncertain: false,
        }
    }

    fn family(&mut self) -> SeenFamily {
        let others = (0..self.rng.usize(..5)).map(|_| {
            let age = self.age();
            let adult = age.is_some_and(|age| age >= 18);
            let inside = self.chance(50);
            Relative { age, adult, inside, behind: inside && self.chance(70) }
        });
        let others = others.collect();
        SeenFamily { wallet: self.wallet(71), others }
    }

    fn host(&mut self) -> SeenHost {
        let tariff = self.chance(80).then(|| one(self.rng, TARIFFS).into());
        SeenHost { member: uuid(9), groups: self.groups(), tariff, guests: self.visits() }
    }

    pub(crate) fn locker(&mut self, number: usize, own: bool) -> SeenLocker {
        let today = calendar::day_of(self.at, self.ahead);
        let end = today + one(self.rng, &[-1, 0, 1]);
        let until = self.chance(70).then(|| calendar::date(end));
        SeenLocker {
            id: LockerId::from(number.to_string()),
            bank: one(self.rng, &["L1", "L2"]).into(),
            own,
            taken: !own && self.chance(30),
            given: self.chance(50).then_some(Given { until }),
            since: (own || self.chance(20)).then(|| self.ago()),
            released: self.chance(12),
            charged: if self.chance(20) { self.amount() } else { Money::ZERO },
        }
    }

    fn codes(&mut self) -> Vec<Reason> {
        let named = some(self.rng, CODES, 20);
        named.iter().filter_map(|code| Reason::of(code)).collect()
    }

    fn holder(&mut self, kind: EventKind) -> Holder {
        let today = calendar::day_of(self.at, self.ahead);
        let passes: Vec<_> = (0..one(self.rng, &[0, 1, 1, 1, 1, 2, 3]))
            .map(|number| self.pass(30 + number))
            .collect();
        let age = self.age();
        let days = one(self.rng, &[-1, 0, 1, 13, 14, 15, 100]);
        let exempt = if self.chance(6) { self.codes() } else { Vec::new() };
        let held = (0..one(self.rng, &[0, 0, 0, 1, 2])).map(|number| self.locker(number + 1, true));
        Holder {
            lockers: held.collect(),
            credential: uuid(50),
            state: match self.rng.u32(..40) {
                0 => CredentialState::Lost,
                1 => CredentialState::Stolen,
                2 => CredentialState::Blocked,
                3 => CredentialState::Returned,
                _ => CredentialState::Active,
            },
            valid_now: !self.chance(4),
            party_size: one(self.rng, &[1, 1, 1, 2, 3]),
            member: uuid(self.rng.u64(1..3)),
            groups: self.groups(),
            age,
            blocked: self.chance(3),
            protected: self.chance(10),
            certificate_until: self.chance(70).then(|| calendar::date(today + days)),
            kind: one(self.rng, &[CredentialKind::Card, CredentialKind::Band]),
            adult: age.is_some_and(|age| age >= 18) || (age == Some(17) && self.chance(50)),
            collected: self.chance(30),
            pin: match self.rng.u32(..8) {
                0 => SeenPin::Wrong,
                1 => SeenPin::Absent,
                2 => SeenPin::Duress,
                _ => SeenPin::Right,
            },
            photo: self.chance(70),
            failed: if self.chance(12) { self.failures() } else { Vec::new() },
            exempt: exempt.into_iter().filter(|code| code.is_exemptible()).collect(),
            spent: if self.chance(50) { self.amount() } else { Money::ZERO },
            family: self.chance(55).then(|| self.family()),
            host: self.chance(8).then(|| self.host()),
            picked_up: self.chance(30),
            presence: self.presence(kind, &passes),
            passes,
            shared: Vec::new(),
            visits: self.visits(),
            wallet: self.wallet(70),
        }
    }

    fn failures(&mut self) -> Vec<Timestamp> {
        let mut all: Vec<_> = (0..self.rng.usize(1..6))
            .map(|_| {
                let back = one(self.rng, &[0, 30, 60, 120, 300, 360, 600, 900]);
                self.near(self.at - back * SECOND)
            })
            .collect();
        all.sort();
        all
    }

    fn gate(&mut self, kind: EventKind) -> SeenGate {
        let chains: &[&[&str]] =
            &[&["site"], &["site", "hall"], &["site", "hall", "pool"], &["site", "sauna"]];
        let chain = one(self.rng, chains);
        let zones: Vec<ZoneId> = chain.iter().map(|&id| id.into()).collect();
        let device = match kind {
            EventKind::LockerOpen | EventKind::LockerClose => None,
            EventKind::Entry | EventKind::Exit => Some(one(self.rng, &["G1", "G2"]).into()),
            _ => return SeenGate { zones: vec!["site".into()], ..SeenGate::default() },
        };
        let mut entered = Vec::new();
        let mut target = None;
        if kind == EventKind::Entry {
            let first = self.rng.usize(..zones.len());
            let people = |zone: &ZoneId, rng: &mut Rng| {
                (zone.clone(), one(rng, &[0, 0, 1, 3, 4, 5, 6, 9, 10, 11]))
            };
            entered = zones[first..].iter().map(|zone| people(zone, self.rng)).collect();
            target = zones.last().cloned();
        } else if kind == EventKind::Exit && self.chance(25) {
            target = Some("site".into());
        }
        SeenGate {
            device,
            from_street: target.is_some() && entered.len() == zones.len(),
            zones,
            target,
            entered,
            egress_alternative: self.chance(80),
            attended: self.chance(85),
            desk: self.chance(70),
            hold_spent: self.chance(15),
            offline: self.chance(8),
            crowded: self.chance(6),
        }
    }

    /// A case of a kind.
    pub(crate) fn seen(&mut self, kind: EventKind) -> Seen {
        let mut gate = self.gate(kind);
        let holder = self.chance(96).then(|| self.holder(kind));
        let locker = matches!(kind, EventKind::LockerOpen | EventKind::LockerClose).then(|| {
            let own = self.chance(50) && holder.is_some();
            self.locker(5, own)
        });
        if let Some(locker) = &locker {
            gate.device = Some(locker.bank.clone());
        }
        let is_order = !matches!(
            kind,
            EventKind::Entry | EventKind::Exit | EventKind::LockerOpen | EventKind::LockerClose
        );
        let order = is_order.then(|| self.order(kind, holder.is_some()));
        let mut classes = Vec::new();
        for (class, percent) in
            [(DefaultFor::PoolZone, 30), (DefaultFor::SwimGroup, 15), (DefaultFor::StaffDoor, 15)]
        {
            classes.extend(self.chance(percent).then_some(class));
        }
        let lifted = self.chance(6).then(|| ("nino".into(), self.codes()));
        Seen {
            at: Timestamp::from_micros(self.at),
            kind,
            gate,
            holder,
            locker,
            order,
            lifted,
            classes,
            stalled: false,
        }
    }
}
