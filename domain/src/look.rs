//! Looks at the rows that a request depends on. Nothing else of a decision reads the state.

use std::cmp::Reverse;

use jiff::civil::Date;

use crate::{
    event::Direction,
    facts::EventKind,
    gather::age_on,
    ids::{CredentialId, DecisionId, DeviceId, FamilyId, LockerId, MemberId, PassId, Uid, ZoneId},
    lockers::SeenLocker,
    money::Money,
    params::DefaultFor,
    reasons::Reason,
    rows::{
        Account, Credential, CredentialState, Exempted, Exemption, Extras, LastRead, Member, Pass,
        PassKey, PinDigest, Presence, ReaderKey, Reservation, ReservationState, Tariff,
    },
    seen::{
        Holder, Relative, Seen, SeenFamily, SeenGate, SeenHost, SeenPin, SeenPresence, SeenWallet,
    },
    site::Gate,
    step::Step,
    time::{Span, Timestamp},
    windows::local_date,
};

/// So many people read at an exit within [`CROWD_TIME`] are a crowd (our choice).
const CROWD: usize = 10;
/// Within this time (our choice).
const CROWD_TIME: Span = Span::seconds(60);
/// Within this time another one's read counts as made together (general practice).
pub(crate) const ACCOMPANIED: Span = Span::seconds(15);
/// No more passes of one person are looked at, the ones that end last (our choice).
const PASSES_MAX: usize = 16;

/// A pass with the terms that it was sold under.
type Usable = (PassId, Pass, Tariff);
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
    /// What the keypad gave.
    pub(crate) pin: Option<PinDigest>,
    /// The locker, if one is asked for.
    pub(crate) locker: Option<LockerId>,
    /// Whether it is an operator's order at a till or desk.
    pub(crate) order: bool,
}

impl Asked {
    /// A credential is read at a device.
    pub(crate) const fn of(at: Timestamp, kind: EventKind, device: DeviceId, uid: Uid) -> Self {
        Self { at, kind, device, uid, pin: None, locker: None, order: false }
    }

    /// The side of the gate; a locker has one side.
    pub(crate) fn direction(&self) -> Direction {
        self.kind.direction().unwrap_or(Direction::Entry)
    }

    /// The reader: each locker has one of its own.
    pub(crate) fn reader(&self) -> ReaderKey {
        let device = match &self.locker {
            None => self.device.clone(),
            Some(locker) => DeviceId::from(format!("{}/{locker}", self.device)),
        };
        ReaderKey { device, direction: self.direction() }
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
        let own_seats = credential.as_ref().map(|held| self.own_seats(held.id));
        let own_seats = own_seats.unwrap_or_default();
        let holder = credential.and_then(|held| self.holder(asked, gate, &held));
        let entered = match asked.kind {
            EventKind::Entry => {
                let crossed = self.zones_crossed(&asked.device);
                crossed.into_iter().map(|zone| self.people_in(zone, &own_seats)).collect()
            }
            _ => Vec::new(),
        };
        let member = holder.as_ref().map(|(holder, _)| holder.member);
        let locker = asked.locker.as_ref();
        let locker = locker.and_then(|id| self.seen_locker(id, &asked.uid, member));
        let groups = holder.as_ref().map_or(&[][..], |(holder, _)| &holder.groups);
        let mut classes = site.classes(gate, groups);
        let slow = holder.as_ref().is_some_and(|(_, member)| member.reduced_mobility);
        classes.extend(slow.then_some(DefaultFor::ReducedMobility));
        Seen {
            at: asked.at,
            kind: asked.kind,
            gate: SeenGate {
                device: (!asked.order).then(|| asked.device.clone()),
                zones,
                from_street: gate.leads_outside(),
                target: gate.target(asked.direction()).cloned(),
                entered,
                egress_alternative: gate.egress_alternative,
                attended: self.is_attended(gate),
                desk: self.has_desk(gate),
                hold_spent: self.identity_hold_spent(asked),
                offline: self.is_offline(&asked.device),
                crowded: self.is_crowded(asked),
            },
            holder: holder.map(|(holder, _)| holder),
            locker,
            order: None,
            lifted: self.token_for(asked).map(|token| (token.operator, token.codes)),
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
        let kin = member.kin.as_deref().cloned().unwrap_or_default();
        let extras = held.extras.as_deref().cloned().unwrap_or_default();
        let from = held.valid_from.is_none_or(|from| from <= asked.at);
        let until = held.valid_until.is_none_or(|until| asked.at < until);
        let presence = self.presence_of(held.id);
        let visits = self.state.tables.visits.read(&held.member).cloned().unwrap_or_default();
        let (passes, shared) = self.usable_passes((held.member, kin.family), gate, today);
        let holder = Holder {
            credential: held.id,
            state: held.state,
            valid_now: from && until,
            party_size: held.party_size,
            member: held.member,
            groups: member.groups.clone(),
            age: member.birth.map(|birth| age_on(birth, today)),
            blocked: member.blocked || self.is_banned(held.member, today),
            protected: member.reduced_mobility || member.medical,
            certificate_until: member.certificate_until,
            kind: held.kind,
            adult: held.adult,
            collected: held.collected,
            pin: given(asked.pin.as_ref(), &extras),
            photo: false,
            failed: self.failures(&asked.uid),
            exempt: self.exempt(asked, gate, held.member, &member),
            spent: self.spent(held.member, today),
            family: kin.family.and_then(|family| self.family(asked, gate, family)),
            host: extras.host.and_then(|host| self.host(host, gate, today)),
            picked_up: self.is_picked_up(asked, &kin.guardians),
            lockers: self.lockers_of(asked, held.member, &presence),
            presence: self.seen_presence(asked, gate, presence),
            passes,
            shared,
            visits: visits.latest(VISITS_MAX),
            wallet: self.wallet(member.account),
        };
        Some((holder, member))
    }

    fn seen_presence(&self, asked: &Asked, gate: &Gate, presence: Presence) -> SeenPresence {
        let epoch = self.state.epoch;
        let pending = presence.pending.as_ref();
        let pending = pending.map(|key| self.state.tables.reservations.peek(key));
        SeenPresence {
            inside: presence.inside,
            behind: self.state.site.chain(presence.zone.as_ref()).contains(&gate.inner),
            entered: presence.entered,
            clock_uncertain: presence.visit.as_ref().is_some_and(|one| one.epoch != epoch),
            visit: presence.visit.map(|visit| visit.in_run(epoch)),
            left: presence.left,
            pending_since: pending.map(|row| row.map_or(asked.at, |row| row.granted)),
        }
    }

    /// The passes that a member may use here, his own and those that his family shares; and whose
    /// the latter are.
    fn usable_passes(
        &mut self,
        (own, family): (MemberId, Option<FamilyId>),
        gate: &Gate,
        today: Date,
    ) -> (Vec<Usable>, Vec<(PassId, MemberId)>) {
        let mut passes = self.passes(own, gate, today);
        let row = family.and_then(|id| self.state.tables.families.read(&id).cloned());
        let mut others: Vec<MemberId> = Vec::new();
        for uid in row.map(|row| row.people).unwrap_or_default() {
            let holder = self.state.tables.credentials.read(&uid).map(|held| held.member);
            others.extend(holder.filter(|member| *member != own && !others.contains(member)));
        }
        let mut shared = Vec::new();
        for member in others {
            let of_family = |pass: &Pass| pass.sale.as_deref().is_some_and(|sale| sale.family);
            let theirs = self.passes(member, gate, today).into_iter();
            for pass in theirs.filter(|(_, pass, _)| of_family(pass)) {
                shared.push((pass.0, member));
                passes.push(pass);
            }
        }
        (passes, shared)
    }

    /// The passes of a member that cover the zone behind the gate and have begun.
    fn passes(&mut self, member: MemberId, gate: &Gate, today: Date) -> Vec<Usable> {
        let (first, last) = PassKey::all_of(member);
        let rows = self.state.tables.passes.range(first, last);
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

    fn pass(&mut self, key: PassKey, gate: &Gate, today: Date) -> Option<Usable> {
        let mut pass = self.state.tables.passes.read(&key)?.clone();
        let (terms, tariff) = self.terms_of(&pass)?;
        pass.tariff_version = terms.version;
        let site = &self.state.site;
        let covers = tariff.zones.iter().any(|zone| site.chain(Some(zone)).contains(&gate.inner));
        (covers && pass.valid_from <= today).then_some((key.pass, pass, tariff))
    }

    fn lockers_of(
        &mut self,
        asked: &Asked,
        member: MemberId,
        presence: &Presence,
    ) -> Vec<SeenLocker> {
        let ids = presence.lockers.iter();
        ids.filter_map(|id| self.seen_locker(id, &asked.uid, Some(member))).collect()
    }

    /// The latest failures of the second factor.
    fn failures(&mut self, uid: &Uid) -> Vec<Timestamp> {
        if self.state.tables.attempts.is_empty() {
            return Vec::new();
        }
        self.state.tables.attempts.read(uid).map(|row| row.failed.clone()).unwrap_or_default()
    }

    /// The reasons that exemptions lift for this person here and today.
    fn exempt(&self, asked: &Asked, gate: &Gate, id: MemberId, member: &Member) -> Vec<Reason> {
        let site = &self.state.site;
        let today = local_date(asked.at, &site.time_zone);
        let zones = site.chain(Some(&gate.inner));
        let applies = |row: &Exemption| {
            let who = match &row.who {
                Exempted::Member(member) => *member == id,
                Exempted::Group(group) => member.groups.contains(group),
            };
            let here = row.zones.is_empty() || row.zones.iter().any(|zone| zones.contains(zone));
            who && here && (row.from..=row.until).contains(&today)
        };
        let rows = self.state.tables.exemptions.iter().map(|(_, row)| row);
        let mut codes: Vec<_> =
            rows.filter(|row| applies(row)).flat_map(|row| row.codes.iter().copied()).collect();
        codes.retain(|code| code.is_exemptible());
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn spent(&mut self, member: MemberId, today: Date) -> Money {
        let row = self.state.tables.spending.read(&member);
        row.filter(|row| row.day == today).map_or(Money::ZERO, |row| row.spent + row.promised)
    }

    fn family(&mut self, asked: &Asked, gate: &Gate, family: FamilyId) -> Option<SeenFamily> {
        let row = self.state.tables.families.read(&family).cloned()?;
        let others = row.people.iter().filter(|uid| **uid != asked.uid);
        let others = others.filter_map(|uid| self.relative(asked, gate, uid)).collect();
        Some(SeenFamily { wallet: self.wallet(row.account), others })
    }

    fn relative(&mut self, asked: &Asked, gate: &Gate, uid: &Uid) -> Option<Relative> {
        let held = self.state.tables.credentials.read(uid).cloned()?;
        let member = self.state.tables.members.read(&held.member).cloned()?;
        let today = local_date(asked.at, &self.state.site.time_zone);
        let presence = self.presence_of(held.id);
        let zones = self.state.site.chain(presence.zone.as_ref());
        let here = presence.inside > 0 && zones.contains(&gate.inner);
        let entering = presence.pending.as_ref().is_some_and(|key| {
            let row = self.state.tables.reservations.peek(key);
            let soon = |at: Timestamp| within(at, asked.at, ACCOMPANIED);
            key.device == asked.device
                && key.direction == Direction::Entry
                && row.is_some_and(|row| soon(row.granted))
        });
        let age = member.birth.map(|birth| age_on(birth, today));
        Some(Relative {
            age,
            adult: held.adult || age.is_none_or(|age| age >= 18),
            inside: presence.inside > 0,
            behind: here || entering,
        })
    }

    /// The host of a guest, with the tariff of the pass that ends first of those that are valid.
    fn host(&mut self, host: MemberId, gate: &Gate, today: Date) -> Option<SeenHost> {
        let member = self.state.tables.members.read(&host).cloned()?;
        let passes = self.passes(host, gate, today);
        let valid = passes.iter().map(|(_, pass, _)| pass);
        let end = |pass: &&Pass| pass.valid_until.unwrap_or(Date::MAX);
        let tariff = valid.filter(|pass| end(pass) >= today).min_by_key(end);
        let guests = self.state.tables.guests.read(&host).cloned().unwrap_or_default();
        Some(SeenHost {
            member: host,
            groups: member.groups.clone(),
            tariff: tariff.map(|pass| pass.tariff.clone()),
            guests: guests.0.latest(VISITS_MAX),
        })
    }

    /// Whether one of `guardians` was read at this gate's exit within 15 s before.
    fn is_picked_up(&mut self, asked: &Asked, guardians: &[MemberId]) -> bool {
        if guardians.is_empty() || asked.direction() == Direction::Entry {
            return false;
        }
        let reader = asked.reader();
        let recent = self.state.tables.last_reads.peek(&reader).map(|last| last.recent.clone());
        recent.into_iter().flatten().any(|(uid, at)| {
            let held = self.state.tables.credentials.read(&uid);
            within(at, asked.at, ACCOMPANIED)
                && held.is_some_and(|held| {
                    held.state == CredentialState::Active && guardians.contains(&held.member)
                })
        })
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

    /// The people in a zone, with the passages that others were granted into it.
    fn people_in(&mut self, zone: ZoneId, own_seats: &[ZoneId]) -> (ZoneId, i64) {
        let count = self.occupancy_of(&zone);
        let own = i64::from(own_seats.contains(&zone));
        (zone, count.inside.saturating_add(count.reserved).saturating_sub(own))
    }

    /// The zones in which a live grant keeps a seat for a credential: nobody is refused for the
    /// seat that is their own.
    fn own_seats(&mut self, credential: CredentialId) -> Vec<ZoneId> {
        let Some(key) = self.presence_of(credential).pending else { return Vec::new() };
        let row = self.state.tables.reservations.read(&key);
        let keeps = row.is_some_and(|row| row.state == ReservationState::Live && !row.booked);
        match key.direction {
            Direction::Entry if keeps => self.zones_crossed(&key.device),
            _ => Vec::new(),
        }
    }

    /// Whether a desk bound to the gate is signed in, or a pay point bound to it online.
    fn is_attended(&mut self, gate: &Gate) -> bool {
        let signed_in = self.has_desk(gate);
        let point = gate.pay_point.as_ref();
        let point = point.and_then(|id| self.state.tables.terminals.read(id));
        signed_in || point.is_some_and(|point| point.online)
    }

    /// Whether a desk bound to the gate is signed in.
    fn has_desk(&mut self, gate: &Gate) -> bool {
        let desk = gate.desk.as_ref().and_then(|id| self.state.tables.terminals.read(id));
        desk.is_some_and(|desk| desk.online && desk.operator.is_some())
    }

    fn is_offline(&mut self, device: &DeviceId) -> bool {
        self.state.tables.devices.read(device).is_some_and(|known| known.gone)
    }

    fn is_crowded(&self, asked: &Asked) -> bool {
        let reader = asked.reader();
        let last = self.state.tables.last_reads.peek(&reader);
        let others = last.map_or(0, |last| {
            let new = |(uid, at): &&(Uid, Timestamp)| *uid != asked.uid && in_crowd(*at, asked.at);
            last.recent.iter().filter(new).count()
        });
        others >= CROWD
    }

    /// Remembers a read that was accepted and decided nothing yet.
    pub(crate) fn remember_read_only(&mut self, asked: &Asked) {
        let reader = asked.reader();
        let place = self.state.tables.last_reads.peek(&reader).map_or(0, |last| last.next_place);
        self.remember_read(asked, place);
    }

    /// Remembers an accepted read of a reader.
    pub(crate) fn remember_read(&mut self, asked: &Asked, next_place: u64) {
        let reader = asked.reader();
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
        let (uid, at, refused) = (asked.uid.clone(), asked.at, None);
        let read = LastRead { uid, at, next_place, recent, refused };
        self.state.tables.last_reads.put(reader, read);
    }

    /// The gate did not open for this decision. Whoever reads again there, because it did not turn,
    /// does not say the same twice (parameter 22).
    pub(crate) fn forget_read(&mut self, reader: &ReaderKey, decision: DecisionId) {
        let Some(last) = self.state.tables.last_reads.read(reader).cloned() else { return };
        let of_last = |row: &Reservation| row.uid == last.uid && row.granted == last.at;
        let of = self.first_at_gate(&reader.device, reader.direction, of_last);
        if of.is_none_or(|(_, row)| row.decision == decision) {
            let nobody = LastRead { uid: Uid::from(""), ..last };
            self.state.tables.last_reads.put(reader.clone(), nobody);
        }
    }

    /// Remembers that the last read of a reader was refused.
    pub(crate) fn remember_refusal(&mut self, reader: &ReaderKey, decision: DecisionId) {
        let last_reads = &mut self.state.tables.last_reads;
        if let Some(last) = last_reads.read(reader).cloned() {
            last_reads.put(reader.clone(), LastRead { refused: Some(decision), ..last });
        }
    }
}

/// Whether two instants lie no further apart than `most`.
pub(crate) fn within(one: Timestamp, other: Timestamp, most: Span) -> bool {
    one.since(other) <= most && other.since(one) <= most
}

/// What a code comes to.
fn given(pin: Option<&PinDigest>, extras: &Extras) -> SeenPin {
    match pin {
        None => SeenPin::Absent,
        Some(_) if extras.pin.as_ref() == pin => SeenPin::Right,
        Some(_) if extras.duress.as_ref() == pin => SeenPin::Duress,
        Some(_) => SeenPin::Wrong,
    }
}

fn in_crowd(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) < CROWD_TIME
}
