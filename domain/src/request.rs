//! A credential was read: the pipeline from P0 to P11, and the answer to the device.

use crate::{
    combine::{Combined, floor},
    command::Action,
    decision::Decision,
    event::Direction,
    facts::{EventKind, FACTS_VERSION, Facts},
    gather::{Gathered, Speaking, Stay},
    ids::{DecisionId, DeviceId, Uid, VisitId, ZoneId},
    ledger::Charged,
    look::Asked,
    money::Money,
    params::{FLOOR_READS, Param, ParamMask},
    reasons::{Class, Condition, Reason},
    rows::{Charge, ChargeFor, PinDigest, Reservation, ReservationKey, ReservationState},
    scope::{Place, Supplied},
    seen::Seen,
    state::{HoldEnd, Noted},
    step::{Message, Step},
    time::{Span, Timestamp},
    verdict::{Detail, Finding, Outcome, Verdict},
};

/// No gate can be passed in less (our choice).
const PASSAGE_MIN: Span = Span::seconds(1);

/// So many failures of one credential are remembered (our choice): more than a limit may count.
const ATTEMPTS_KEPT: usize = 100;

/// What was found out about a request on the way.
struct Known {
    seen: Seen,
    facts: Option<Facts>,
    values: Vec<Supplied>,
    consulted: ParamMask,
}

impl Known {
    /// A request that needed no facts.
    fn of(seen: Seen) -> Self {
        Self { seen, facts: None, values: Vec::new(), consulted: ParamMask::default() }
    }
}

impl Step<'_> {
    /// Decides a read, and answers the device unless the read is ignored.
    pub(crate) fn request(
        &mut self,
        message: &Message,
        direction: Direction,
        uid: Uid,
        pin: Option<PinDigest>,
    ) {
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&message.device) else {
            let why = format!("`{}` is not a gate of this site", message.device);
            return self.unreadable(message.device.clone(), why);
        };
        let kind = match direction {
            Direction::Entry => EventKind::Entry,
            Direction::Exit => EventKind::Exit,
        };
        let device = message.device.clone();
        let asked = Asked { pin, ..Asked::of(message.at, kind, device, uid) };
        if self.reads_as_operator(&asked) {
            return;
        }
        let seen = self.look(&asked, gate);
        let released = direction == Direction::Exit && self.is_released_by_fault(&message.device);
        let emergency = self.emergency_answer(direction);
        if let Some((outcome, finding)) = emergency {
            if direction == Direction::Entry && seen.is_of_a_responder(&site) {
                return self.let_responder_in(message, &asked, seen);
            }
            let combined = self.released(&seen, (outcome, finding));
            if direction == Direction::Exit {
                // A guardian may go first.
                self.remember_read_only(&asked);
            }
            return self.decide_alone(message, &asked, combined, seen);
        }
        if self.is_surplus(message, direction, &seen) {
            return self.count_stranger(message, &asked, &seen);
        }
        if let Some(finding) = self.ingest(message, &asked, &seen) {
            let ignored = Combined::only(Outcome::Ignore, finding);
            return self.decide_alone(message, &asked, ignored, seen);
        }
        self.watch_for_copies(message, &asked);
        if released {
            return self.release_by_fault(message, &asked, seen);
        }
        if self.reads_for_child(&asked, &seen) {
            return;
        }
        let (gathered, combined) = self.judged(&seen, &site.time_zone);
        if self.waits(&asked, &seen, &gathered, &combined) {
            return;
        }
        self.act(message, &asked, seen, gathered, combined);
    }

    /// A decision that opens nothing by itself: an operator's order.
    pub(crate) fn record(
        &mut self,
        message: &Message,
        asked: &Asked,
        seen: Seen,
        gathered: Gathered,
        combined: Combined,
    ) -> DecisionId {
        let consulted = self.policy.consulted(asked.kind);
        let facts = Some(gathered.facts);
        let known = Known { seen, facts, values: gathered.values, consulted };
        self.decide(message, asked, combined, known)
    }

    /// The gate has a fault that releases its exit: it opens for everybody, and nothing is charged.
    fn release_by_fault(&mut self, message: &Message, asked: &Asked, seen: Seen) {
        let zone = self.state.site.time_zone.clone();
        let gathered = Gathered::of(&seen, &self.values, &zone);
        let finding = floor(Reason::EmergencyRelease, Class::Release);
        let combined = Combined::only(Outcome::Release, finding);
        self.act(message, asked, seen, gathered, combined);
    }

    /// The fire brigade goes in while everybody else is kept out: nothing is asked of it, charged
    /// or promised.
    fn let_responder_in(&mut self, message: &Message, asked: &Asked, seen: Seen) {
        let zone = self.state.site.time_zone.clone();
        let gathered = Gathered::of(&seen, &self.values, &zone);
        let combined = Combined::only(Outcome::Grant, floor(Reason::Granted, Class::Grant));
        let decision = self.decide(message, asked, combined, Known::of(seen));
        self.open(asked, &gathered, decision, (None, 0));
    }

    /// P6: one credential cannot be at two readers at once; where it is, one may be a copy. Nobody
    /// is refused for it (parameter 22).
    fn watch_for_copies(&mut self, message: &Message, asked: &Asked) {
        let zones = self.zones_of(&asked.device);
        let place = Place { zones: &zones, device: Some(&asked.device), ..Place::default() };
        let window = self.at_place(Param::PresenceDuplicateReadWindow, &place).span();
        let reader = asked.reader();
        let elsewhere = self.state.tables.last_reads.iter().find(|(other, last)| {
            **other != reader && last.uid == asked.uid && is_within(window, last.at, asked.at)
        });
        if let Some((other, _)) = elsewhere {
            let detail = format!("also at {}, {}", other.device, other.direction.name());
            self.note(message, Condition::ConcurrentUse, detail);
        }
    }

    fn zones_of(&self, device: &DeviceId) -> Vec<ZoneId> {
        let site = &self.state.site;
        site.gates.get(device).map(|gate| site.chain(Some(&gate.inner))).unwrap_or_default()
    }

    /// A request that is answered without its facts.
    pub(crate) fn decide_alone(
        &mut self,
        message: &Message,
        asked: &Asked,
        combined: Combined,
        seen: Seen,
    ) {
        self.decide(message, asked, combined, Known::of(seen));
    }

    /// P0: a request that is too old or was just answered takes no effect.
    pub(crate) fn ingest(
        &mut self,
        message: &Message,
        asked: &Asked,
        seen: &Seen,
    ) -> Option<Finding> {
        let zones = &seen.gate.zones;
        let place = Place { zones, device: Some(&asked.device), ..Place::default() };
        let mut max_age = self.at_place(Param::DeviceEventMaxAge, &place).span();
        if asked.direction() == Direction::Exit {
            // No rule file shuts an exit by calling every read of it stale.
            max_age = max_age.max(Param::DeviceEventMaxAge.spec().default().span());
        }
        if message.age.is_none_or(|age| age > max_age) {
            let limit = ("limit".to_owned(), Detail::Span(max_age));
            // Of what nobody knows, no limit is told.
            let details = message.age.map(|_| limit).into_iter().collect();
            return Some(Finding { details, ..floor(Reason::EventStale, Class::Ignore) });
        }
        let window = self.at_place(Param::PresenceDuplicateReadWindow, &place).span();
        let reader = asked.reader();
        let last = self.state.tables.last_reads.read(&reader)?;
        let again = last.uid == asked.uid && is_within(window, last.at, asked.at);
        let limit = vec![("limit".to_owned(), Detail::Span(window))];
        again.then(|| Finding { details: limit, ..floor(Reason::DuplicateRead, Class::Ignore) })
    }

    /// Acts on a read. Whatever it comes to, it uses up the token that lifted something for it.
    pub(crate) fn act(
        &mut self,
        message: &Message,
        asked: &Asked,
        seen: Seen,
        gathered: Gathered,
        combined: Combined,
    ) {
        let uses_token = seen.lifted.is_some() && combined.outcome != Outcome::Ignore;
        let read = self.act_on(message, asked, seen, gathered, combined);
        if uses_token {
            self.token_used_by(asked, read);
        }
    }

    /// P11: the record, the answer, and what follows from the outcome.
    pub(crate) fn act_on(
        &mut self,
        message: &Message,
        asked: &Asked,
        seen: Seen,
        gathered: Gathered,
        combined: Combined,
    ) -> DecisionId {
        let opens = combined.outcome.opens();
        let reader = asked.reader();
        let place = self.state.tables.last_reads.peek(&reader).map_or(0, |last| last.next_place);
        if combined.outcome != Outcome::Ignore {
            self.remember_read(asked, place + u64::from(opens));
        }
        let books = books_money(&combined);
        let through = opens && asked.locker.is_none();
        let promised = through.then(|| self.promise(asked, &seen, &gathered, books)).flatten();
        let found = combined.reasons.clone();
        let is_found = |reason| found.iter().any(|found| found.reason == reason);
        // What is given while the card is locked does not lock it for longer.
        if is_found(Reason::AuthFactorFailed) && !is_found(Reason::CredentialLockedOut) {
            self.failed_factor(asked);
        }
        let mut consulted = self.policy.consulted(asked.kind);
        let asks = |param: &&Param| param.spec().events.contains(&asked.kind.letter());
        FLOOR_READS.iter().filter(asks).for_each(|param| consulted.insert(*param));
        let credential = seen.holder.as_ref().map(|holder| holder.credential);
        let facts = Some(gathered.facts.clone());
        let known = Known { seen, facts, values: gathered.values.clone(), consulted };
        let (outcome, primary) = (combined.outcome, shown(combined.primary(), combined.outcome));
        let decision = self.decide(message, asked, combined, known);
        if matches!(outcome, Outcome::Deny | Outcome::Hold) {
            self.remember_refusal(&reader, decision);
        }
        let keeps = gathered.value(Param::CredentialLostStolenAction).word() == "deny_and_capture";
        if keeps && found.iter().any(|found| found.reason == Reason::CredentialLostStolen) {
            self.command(asked.device.clone(), Some(decision), Action::Capture);
        }
        if books && outcome != Outcome::Ignore {
            self.settle(&gathered, &asked.device, (decision, outcome));
        }
        if outcome == Outcome::Hold {
            self.begin_hold(asked, credential, &gathered, &found, decision);
        }
        if let Some(wallet) = gathered.bill.account().filter(|_| books && opens) {
            self.charge_lockers(&gathered.lockers, wallet);
        }
        if asked.locker.is_some() {
            self.answer_locker(asked, (credential, decision), (outcome, primary));
        } else if opens {
            if let Some(credential) = credential.filter(|_| asked.kind == EventKind::Exit) {
                if found.iter().any(|found| found.reason == Reason::LockerOccupiedAtExit) {
                    self.abandon_lockers(credential);
                }
                let lifted = found.iter().any(|one| one.reason == Reason::GrantedOverride);
                let how = if lifted { HoldEnd::Released } else { HoldEnd::Settled };
                self.settled(credential, (&gathered, how));
            }
            self.open(asked, &gathered, decision, (promised, place));
            self.accompanied(asked);
        }
        decision
    }

    /// Remembers a failure of the second factor, as long as a limit may count it (parameter 4).
    pub(crate) fn failed_factor(&mut self, asked: &Asked) {
        let attempts = &mut self.state.tables.attempts;
        let mut row = attempts.read(&asked.uid).cloned().unwrap_or_default();
        row.failed.push(asked.at);
        let surplus = row.failed.len().saturating_sub(ATTEMPTS_KEPT);
        row.failed.drain(..surplus);
        attempts.put(asked.uid.clone(), row);
    }

    /// What the wallet pays now: charges made before, and a new one where the exit stays closed. A
    /// new one of an exit that opens is booked with the passage.
    fn settle(
        &mut self,
        gathered: &Gathered,
        gate: &DeviceId,
        (decision, outcome): (DecisionId, Outcome),
    ) {
        let bill = &gathered.bill;
        let bound = gathered.value(Param::WalletMinBalance).amount();
        if let Some(wallet) = bill.account().filter(|_| gathered.pays()) {
            self.bound_wallet(wallet, bound);
        }
        if let Some(wallet) = bill.account().filter(|_| !bill.settled.is_zero()) {
            self.book_settling(decision, wallet, bill.settled);
        }
        if outcome == Outcome::Hold
            && let (Some(charge), Some(credential)) = (bill.charges(), bill.credential)
        {
            let mut presence = self.presence_of(credential);
            if let Some(visit) = presence.visit.as_mut() {
                let gate = Some(gate.clone());
                let origin = Charged {
                    visit: Some(visit.id),
                    reversed: visit.reversed,
                    gate,
                    decision: Some(decision),
                };
                self.book_charge(&origin, &charge, visit.overstay, self.now);
                visit.overstay = visit.overstay + charge.amount;
                self.state.tables.presence.put(credential, presence);
            }
        }
    }

    /// Lets one person through, and keeps what that promises.
    fn open(
        &mut self,
        asked: &Asked,
        gathered: &Gathered,
        decision: DecisionId,
        (promised, place): (Option<Reservation>, u64),
    ) {
        let (device, direction) = (asked.device.clone(), asked.direction());
        let passage_timeout = passage_timeout(gathered);
        let open = Action::OpenOnce { direction, passage_timeout };
        self.command(device.clone(), Some(decision), open);
        if let Some(mut row) = promised {
            row.decision = decision;
            row.booked = gathered.value(Param::AntiPassbackConfirmBy).word() == "grant";
            self.keep(ReservationKey { device, direction, place }, row);
        }
    }

    /// What a grant promises; an unknown person on an exit is promised nothing but the way out.
    fn promise(
        &mut self,
        asked: &Asked,
        seen: &Seen,
        gathered: &Gathered,
        books: bool,
    ) -> Option<Reservation> {
        let holder = seen.holder.as_ref()?;
        let takes = gathered.facts.takes_visit && books;
        let price = gathered.facts.entry_price;
        let speaking = gathered.speaking.as_ref().filter(|_| takes);
        let limits = gathered.value(Param::TariffMaxVisits).limits();
        let starts = gathered.stay == Stay::Begins;
        let starts_visit = starts.then(|| VisitId(self.state.ids.make(self.now)));
        let wallet = gathered.bill.account().filter(|_| books);
        let charge = |(what, amount): (ChargeFor, Money)| {
            let account = wallet.filter(|_| !amount.is_zero())?;
            let tariff = gathered.speaking.as_ref().map(Speaking::tariff_key);
            Some(Charge { account, amount, taken: amount, what, tariff })
        };
        let surcharges = gathered.surcharges.iter();
        let surcharges = surcharges.map(|(zone, cost)| (ChargeFor::Surcharge(zone.clone()), *cost));
        let charges = std::iter::once((ChargeFor::Entry, price)).chain(surcharges);
        let overstay = gathered.bill.charges().filter(|_| books);
        let host = holder.host.as_ref().filter(|_| starts).map(|host| host.member);
        Some(Reservation {
            decision: DecisionId(uuid::Uuid::nil()),
            uid: asked.uid.clone(),
            credential: holder.credential,
            member: holder.member,
            granted: asked.at,
            timeout: passage_timeout(gathered),
            expires: None,
            state: ReservationState::Live,
            starts_visit,
            takes_from: speaking.map(|speaking| holder.key_of(speaking.id)),
            hours_end: gathered.hours_end.filter(|_| starts_visit.is_some()),
            charges: charges.filter_map(charge).chain(overstay).collect(),
            booked: false,
            host,
            comes_back: gathered.stay == Stay::ComesBack,
            limited: starts_visit.is_some() && !limits.is_empty(),
            undo: None,
        })
    }

    /// Keeps the promise until the passage, or books it at once where the site counts the grant.
    fn keep(&mut self, key: ReservationKey, mut row: Reservation) {
        if row.booked {
            row.undo = Some(Box::new(self.book_at_grant(&key, &row)));
        }
        self.reserve(key, row);
    }

    /// The record, and the answer to the device.
    fn decide(
        &mut self,
        message: &Message,
        asked: &Asked,
        combined: Combined,
        known: Known,
    ) -> DecisionId {
        let id = DecisionId(self.state.ids.make(self.now));
        let found = combined.reasons.iter().chain(&combined.also);
        let tripped = found
            .flat_map(|found| found.reason.spec().params.iter().copied())
            .collect::<ParamMask>();
        let verdict = Verdict {
            outcome: combined.outcome,
            reasons: combined.reasons,
            also: combined.also,
            missing: combined.missing,
            consulted: known.consulted,
            tripped: ParamMask(tripped.0 & known.consulted.0),
            values: set_somewhere(known.values, known.consulted),
        };
        if verdict.outcome != Outcome::Ignore && asked.kind.direction().is_some() {
            let (reason, amount) = self.shown_at_gate(asked, &verdict);
            let (direction, outcome) = (asked.direction(), verdict.outcome);
            let action = Action::Indicate { direction, outcome, reason, amount };
            self.command(message.device.clone(), Some(id), action);
        }
        self.journal(message, Noted::Decided { decision: id, outcome: verdict.outcome });
        let holder = known.seen.holder.as_ref();
        let unknown_uid = holder.is_none().then(|| asked.uid.clone());
        self.batch.decisions.push(Decision {
            id,
            at: asked.at,
            received: message.received,
            kind: asked.kind,
            device: asked.device.clone(),
            direction: asked.kind.direction(),
            member: holder.map(|holder| holder.member),
            credential: holder.map(|holder| holder.credential),
            unknown_uid,
            verdict,
            facts: known.facts,
            seen: Some(known.seen),
            facts_version: FACTS_VERSION,
            rule_set: self.policy.hash().to_owned(),
        });
        id
    }
}

/// Whether the decision costs anything: nothing was checked at a gate in free mode, and nobody told
/// the guest where the rules could not answer.
fn books_money(combined: &Combined) -> bool {
    let unchecked = [Reason::GrantedFreeMode, Reason::PolicyUnavailable, Reason::EmergencyRelease];
    !combined.reasons.iter().any(|found| unchecked.contains(&found.reason))
}

impl Step<'_> {
    /// What the screen of a gate may show of a verdict (parameter 64). A gate is public: of health,
    /// debt and threats it shows nothing, however much may be shown.
    fn shown_at_gate(&self, asked: &Asked, verdict: &Verdict) -> (Option<Reason>, Option<Money>) {
        let place = Place { device: Some(&asked.device), ..Place::default() };
        let level = self.at_place(Param::PrivacyDisplayDetail, &place);
        let reason = shown(verdict.primary(), verdict.outcome);
        if level.word() == "pictogram" || reason.is_private() {
            return (None, None);
        }
        let details = verdict.reasons.iter().take(1).flat_map(|found| &found.details);
        let amount = details.into_iter().find_map(|(name, detail)| match detail {
            Detail::Money(amount) if name == "amount" || name == "needed" => Some(*amount),
            _ => None,
        });
        (Some(reason), amount.filter(|_| level.word() != "reason_code"))
    }
}

/// The reason that the screen of a gate may show: of a threat it shows nothing.
const fn shown(primary: Reason, outcome: Outcome) -> Reason {
    match (primary, outcome) {
        (Reason::Duress, Outcome::Deny) => Reason::AuthFactorFailed,
        (Reason::Duress, _) => Reason::Granted,
        _ => primary,
    }
}

pub(crate) fn passage_timeout(gathered: &Gathered) -> Span {
    gathered.value(Param::GatePassageTimeout).span().max(PASSAGE_MIN)
}

/// The values that a scope supplied; where none did, the catalogue's default stands, which the
/// record names.
fn set_somewhere(values: Vec<Supplied>, consulted: ParamMask) -> Vec<Supplied> {
    values
        .into_iter()
        .filter(|supplied| supplied.scope.is_some() && consulted.contains(supplied.param))
        .collect()
}

/// Whether two instants lie less than `window` apart: at exactly its end it is over.
fn is_within(window: Span, one: Timestamp, other: Timestamp) -> bool {
    one.since(other) < window && other.since(one) < window
}
