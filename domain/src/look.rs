//! Looks at the rows that a request depends on. Nothing else of a decision reads the state.

use std::cmp::Reverse;

use jiff::civil::Date;

use crate::{
    event::Direction,
    facts::EventKind,
    gather::age_on,
    ids::{CredentialId, DeviceId, MemberId, PassId, Uid},
    params::DefaultFor,
    rows::{Account, Credential, LastRead, Member, Pass, PassKey, Presence, Tariff, TariffKey},
    seen::{Holder, Seen, SeenGate, SeenPresence, SeenWallet},
    site::Gate,
    step::Step,
    time::{Span, Timestamp},
    windows::local_date,
};

/// So many people read at an exit within [`CROWD_TIME`] are a crowd (our choice).
const CROWD: usize = 10;
/// Within this time (our choice).
const CROWD_TIME: Span = Span::seconds(60);
/// No more passes of one person are looked at, the ones that end last (our choice).
const PASSES_MAX: usize = 16;
/// No more visits are looked at, the latest (our choice): a limit that counts more of them than
/// this within its time does not exist in practice.
const VISITS_MAX: usize = 366;

/// Who asks where: what is known before any row is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Timestamp,
    pub(crate) kind: EventKind,
    pub(crate) device: DeviceId,
    pub(crate) uid: Uid,
}

impl Asked {
    pub(crate) const fn direction(&self) -> Direction {
        self.kind.direction()
    }
}

impl Step<'_> {
    /// Where the people on a credential are.
    pub(crate) fn presence_of(&mut self, credential: CredentialId) -> Presence {
        self.state.tables.presence.read(&credential).cloned().unwrap_or_default()
    }

    /// Everything that the request depends on.
    pub(crate) fn look(&mut self, asked: &Asked, gate: &Gate) -> Seen {
        let site = self.state.site.clone();
        let zones = site.chain(Some(&gate.inner));
        let credential = self.state.tables.credentials.read(&asked.uid).cloned();
        let holder = credential.and_then(|held| self.holder(asked, gate, &held));
        let entered = match asked.direction() {
            Direction::Entry => {
                let crossed = self.zones_crossed(&asked.device);
                crossed.into_iter().map(|zone| self.people_in(zone)).collect()
            }
            Direction::Exit => Vec::new(),
        };
        let groups = holder.as_ref().map_or(&[][..], |(holder, _)| &holder.groups);
        let mut classes = site.classes(gate, groups);
        let slow = holder.as_ref().is_some_and(|(_, member)| member.reduced_mobility);
        classes.extend(slow.then_some(DefaultFor::ReducedMobility));
        Seen {
            at: asked.at,
            kind: asked.kind,
            gate: SeenGate {
                device: Some(asked.device.clone()),
                zones,
                target: gate.target(asked.direction()).cloned(),
                entered,
                egress_alternative: gate.egress_alternative,
                attended: self.is_attended(gate),
                hold_spent: self.identity_hold_spent(asked),
                crowded: self.is_crowded(asked),
            },
            holder: holder.map(|(holder, _)| holder),
            classes,
            stalled: self.answered,
        }
    }

    fn holder(
        &mut self,
        asked: &Asked,
        gate: &Gate,
        held: &Credential,
    ) -> Option<(Holder, Member)> {
        let member = self.state.tables.members.read(&held.member).cloned()?;
        let today = local_date(asked.at, &self.state.site.time_zone);
        let from = held.valid_from.is_none_or(|from| from <= asked.at);
        let until = held.valid_until.is_none_or(|until| asked.at < until);
        let presence = self.presence_of(held.id);
        let visits = self.state.tables.visits.read(&held.member).cloned().unwrap_or_default();
        let holder = Holder {
            credential: held.id,
            state: held.state,
            valid_now: from && until,
            party_size: held.party_size,
            member: held.member,
            groups: member.groups.clone(),
            age: member.birth.map(|birth| age_on(birth, today)),
            blocked: member.blocked,
            protected: member.reduced_mobility || member.medical,
            certificate_until: member.certificate_until,
            presence: self.seen_presence(asked, gate, presence),
            passes: self.passes(held.member, gate, today),
            visits: visits.latest(VISITS_MAX),
            wallet: self.wallet(member.account),
        };
        Some((holder, member))
    }

    fn seen_presence(&self, asked: &Asked, gate: &Gate, presence: Presence) -> SeenPresence {
        let pending = presence.pending.as_ref();
        let pending = pending.map(|key| self.state.tables.reservations.peek(key));
        SeenPresence {
            inside: presence.inside,
            behind: self.state.site.chain(presence.zone.as_ref()).contains(&gate.inner),
            entered: presence.entered,
            visit: presence.visit,
            pending_since: pending.map(|row| row.map_or(asked.at, |row| row.granted)),
        }
    }

    /// The passes of a member that cover the zone behind the gate and have begun.
    fn passes(
        &mut self,
        member: MemberId,
        gate: &Gate,
        today: Date,
    ) -> Vec<(PassId, Pass, Tariff)> {
        let key = |id: u128| PassKey { member, pass: PassId(uuid::Uuid::from_u128(id)) };
        let rows = self.state.tables.passes.range(key(0), key(u128::MAX));
        let held: Vec<PassKey> = rows.map(|(key, _)| *key).collect();
        let mut passes: Vec<_> =
            held.into_iter().filter_map(|key| self.pass(key, gate, today)).collect();
        if passes.len() > PASSES_MAX {
            passes.sort_by_key(|(_, pass, _)| Reverse(pass.valid_until.unwrap_or(Date::MAX)));
            passes.truncate(PASSES_MAX);
            passes.sort_by_key(|(id, ..)| *id);
        }
        passes
    }

    fn pass(&mut self, key: PassKey, gate: &Gate, today: Date) -> Option<(PassId, Pass, Tariff)> {
        let pass = self.state.tables.passes.read(&key)?.clone();
        let version = TariffKey { tariff: pass.tariff.clone(), version: pass.tariff_version };
        let tariff = self.state.tables.tariffs.read(&version)?.clone();
        let site = &self.state.site;
        let covers = tariff.zones.iter().any(|zone| site.chain(Some(zone)).contains(&gate.inner));
        (covers && pass.valid_from <= today).then_some((key.pass, pass, tariff))
    }

    fn wallet(&mut self, account: crate::ids::AccountId) -> SeenWallet {
        let accounts = &mut self.state.tables.accounts;
        let unpaid =
            accounts.read(&account.beside()).map_or_else(Default::default, |row| -row.balance);
        let row: Option<Account> = accounts.read(&account).cloned();
        row.map_or_else(SeenWallet::default, |row| SeenWallet {
            account: Some(account),
            balance: row.balance,
            reserved: row.reserved,
            unpaid,
            debt_since: row.debt_since,
        })
    }

    fn people_in(&mut self, zone: crate::ids::ZoneId) -> (crate::ids::ZoneId, i64) {
        let count = self.occupancy_of(&zone);
        (zone, count.inside.saturating_add(count.reserved))
    }

    /// Whether a desk bound to the gate is signed in, or a pay point bound to it online.
    fn is_attended(&mut self, gate: &Gate) -> bool {
        let terminals = &mut self.state.tables.terminals;
        let desk = gate.desk.as_ref().and_then(|id| terminals.read(id));
        let signed_in = desk.is_some_and(|desk| desk.online && desk.operator.is_some());
        signed_in
            || gate
                .pay_point
                .as_ref()
                .and_then(|id| terminals.read(id))
                .is_some_and(|point| point.online)
    }

    fn is_crowded(&self, asked: &Asked) -> bool {
        let reader = reader_key(&asked.device, asked.direction());
        let last = self.state.tables.last_reads.peek(&reader);
        let others = last.map_or(0, |last| {
            let new = |(uid, at): &&(Uid, Timestamp)| *uid != asked.uid && in_crowd(*at, asked.at);
            last.recent.iter().filter(new).count()
        });
        others >= CROWD
    }

    /// Remembers an accepted read of a reader.
    pub(crate) fn remember_read(&mut self, asked: &Asked, next_place: u64) {
        let reader = reader_key(&asked.device, asked.direction());
        let mut recent = Vec::new();
        if asked.direction() == Direction::Exit {
            let last = self.state.tables.last_reads.peek(&reader);
            recent = last.map(|last| last.recent.clone()).unwrap_or_default();
            recent.retain(|(uid, at)| *uid != asked.uid && in_crowd(*at, asked.at));
            recent.push((asked.uid.clone(), asked.at));
            if recent.len() > CROWD + 1 {
                recent.remove(0);
            }
        }
        let read = LastRead { uid: asked.uid.clone(), at: asked.at, next_place, recent };
        self.state.tables.last_reads.put(reader, read);
    }
}

fn in_crowd(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) < CROWD_TIME
}

pub(crate) fn reader_key(device: &DeviceId, direction: Direction) -> crate::rows::ReaderKey {
    crate::rows::ReaderKey { device: device.clone(), direction }
}
