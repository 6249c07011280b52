//! A credential was read: the pipeline from P0 to P11, and the answer to the device.

use crate::{
    combine::{Combined, floor},
    command::Action,
    decision::Decision,
    event::Direction,
    facts::{EventKind, FACTS_VERSION, Facts},
    gather::{Gathered, starts_visit},
    ids::{DecisionId, Uid, VisitId},
    judge::judge,
    look::{Asked, reader_key},
    params::{FLOOR_READS, Param, ParamMask},
    reasons::{Class, Reason},
    rows::{Charge, ChargeFor, Reservation, ReservationKey, ReservationState},
    scope::{Place, Supplied},
    seen::Seen,
    state::Noted,
    step::{Message, Step},
    time::Span,
    verdict::{Detail, Finding, Outcome, Verdict},
};

/// No gate can be passed in less (our choice).
const PASSAGE_MIN: Span = Span::seconds(1);

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
    pub(crate) fn request(&mut self, message: &Message, direction: Direction, uid: Uid) {
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&message.device) else {
            let why = format!("`{}` is not a gate of this site", message.device);
            return self.unreadable(message.device.clone(), why);
        };
        let kind = match direction {
            Direction::Entry => EventKind::Entry,
            Direction::Exit => EventKind::Exit,
        };
        let asked = Asked { at: message.at, kind, device: message.device.clone(), uid };
        let seen = self.look(&asked, gate);
        if let Some((outcome, finding)) = self.emergency_answer(direction) {
            self.decide(message, &asked, Combined::only(outcome, finding), Known::of(seen));
            return;
        }
        if let Some(finding) = self.ingest(message, &asked, &seen) {
            let ignored = Combined::only(Outcome::Ignore, finding);
            self.decide(message, &asked, ignored, Known::of(seen));
            return;
        }
        let gathered = Gathered::of(&seen, self.policy.values(), &site.time_zone);
        let combined = judge(&seen, &gathered, self.policy, &site.time_zone);
        self.act(message, &asked, seen, gathered, combined);
    }

    /// P0: a request that is too old or was just answered takes no effect.
    fn ingest(&mut self, message: &Message, asked: &Asked, seen: &Seen) -> Option<Finding> {
        let zones = &seen.gate.zones;
        let place = Place { zones, device: Some(&asked.device), ..Place::default() };
        let mut max_age = self.at_place(Param::DeviceEventMaxAge, &place).span();
        if asked.direction() == Direction::Exit {
            // No rule file shuts an exit by calling every read of it stale.
            max_age = max_age.max(Param::DeviceEventMaxAge.spec().default().span());
        }
        let age = message.received.since(asked.at);
        if age > max_age {
            let details = vec![("limit".to_owned(), Detail::Span(max_age))];
            return Some(Finding { details, ..floor(Reason::EventStale, Class::Ignore) });
        }
        let window = self.at_place(Param::PresenceDuplicateReadWindow, &place).span();
        let reader = reader_key(&asked.device, asked.direction());
        let last = self.state.tables.last_reads.read(&reader)?;
        let soon = asked.at.since(last.at) < window && last.at.since(asked.at) < window;
        let again = last.uid == asked.uid && soon;
        let limit = vec![("limit".to_owned(), Detail::Span(window))];
        again.then(|| Finding { details: limit, ..floor(Reason::DuplicateRead, Class::Ignore) })
    }

    /// P11: the record, the answer, and what follows from the outcome.
    pub(crate) fn act(
        &mut self,
        message: &Message,
        asked: &Asked,
        seen: Seen,
        gathered: Gathered,
        combined: Combined,
    ) {
        let opens = combined.outcome.opens();
        let reader = reader_key(&asked.device, asked.direction());
        let place = self.state.tables.last_reads.peek(&reader).map_or(0, |last| last.next_place);
        if combined.outcome != Outcome::Ignore {
            self.remember_read(asked, place + u64::from(opens));
        }
        let books = books_money(&combined);
        let promised = opens.then(|| self.promise(asked, &seen, &gathered, books)).flatten();
        let found = combined.reasons.clone();
        let mut consulted = self.policy.consulted(asked.kind);
        let asks = |param: &&Param| param.spec().events.contains(&asked.kind.letter());
        FLOOR_READS.iter().filter(asks).for_each(|param| consulted.insert(*param));
        let credential = seen.holder.as_ref().map(|holder| holder.credential);
        let facts = Some(gathered.facts.clone());
        let known = Known { seen, facts, values: gathered.values.clone(), consulted };
        let outcome = combined.outcome;
        let decision = self.decide(message, asked, combined, known);
        if books && outcome != Outcome::Ignore {
            self.settle(&gathered, decision, outcome);
        }
        if outcome == Outcome::Hold {
            self.begin_hold(asked, credential, &gathered, &found, decision);
        }
        if opens {
            if let Some(credential) = credential.filter(|_| asked.kind == EventKind::Exit) {
                self.settled(credential, &gathered);
            }
            self.open(asked, &gathered, decision, (promised, place));
        }
    }

    /// What the wallet pays now: charges made before, and a new one where the exit stays closed. A
    /// new one of an exit that opens is booked with the passage.
    fn settle(&mut self, gathered: &Gathered, decision: DecisionId, outcome: Outcome) {
        let bill = &gathered.bill;
        if let Some(wallet) = bill.account().filter(|_| !bill.settled.is_zero()) {
            self.book_settling(decision, wallet, bill.settled);
        }
        if outcome == Outcome::Hold
            && let (Some(charge), Some(credential)) = (bill.charges(), bill.credential)
        {
            let mut presence = self.presence_of(credential);
            if let Some(visit) = presence.visit.as_mut() {
                self.book_charge(visit.id, &charge, visit.overstay, self.now);
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
        let starts_visit = starts_visit(seen).then(|| VisitId(self.state.ids.make(self.now)));
        let entry = holder.wallet.account.filter(|_| books && !price.is_zero());
        let entry = entry.map(|account| Charge {
            account,
            amount: price,
            taken: price,
            what: ChargeFor::Entry,
        });
        let overstay = gathered.bill.charges().filter(|_| books);
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
            takes_from: speaking.map(|speaking| speaking.id),
            hours_end: gathered.hours_end.filter(|_| starts_visit.is_some()),
            charges: entry.into_iter().chain(overstay).collect(),
            booked: false,
            limited: starts_visit.is_some() && !limits.is_empty(),
        })
    }

    /// Keeps the promise until the passage, or books it at once where the site counts the grant.
    fn keep(&mut self, key: ReservationKey, row: Reservation) {
        if row.booked {
            self.book(&key, &row, row.granted);
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
        if verdict.outcome != Outcome::Ignore {
            let action = Action::Indicate {
                direction: asked.direction(),
                outcome: verdict.outcome,
                reason: verdict.primary(),
            };
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
            direction: asked.direction(),
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
    let unchecked = [Reason::GrantedFreeMode, Reason::PolicyUnavailable];
    !combined.reasons.iter().any(|found| unchecked.contains(&found.reason))
}

fn passage_timeout(gathered: &Gathered) -> Span {
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
