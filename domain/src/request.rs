//! A credential was read: the pipeline from P0 to P11, and the answer to the device.

use crate::{
    combine::{Combined, combine, floor},
    command::Action,
    decision::Decision,
    event::Direction,
    facts::{EventKind, FACTS_VERSION, Facts, PolicyFault, Question},
    gather::{Asked, Gathered},
    ids::{DecisionId, DeviceId, Uid, VisitId},
    params::{FLOOR_READS, Param, ParamMask},
    reasons::{Class, Reason},
    rows::{
        Charge, CredentialState, LastRead, Presence, ReaderKey, Reservation, ReservationKey,
        ReservationState,
    },
    scope::{Place, Supplied},
    state::Noted,
    step::{CLOCK_DRIFT, Message, Step},
    time::Span,
    verdict::{Detail, Finding, HoldCondition, Outcome, Verdict},
};

/// No gate can be passed in less (our choice).
const PASSAGE_MIN: Span = Span::seconds(1);

/// What was found out about a request on the way.
struct Known {
    asked: Asked,
    facts: Option<Facts>,
    values: Vec<Supplied>,
    consulted: ParamMask,
}

impl Known {
    /// A request that needed no facts.
    fn of(asked: Asked) -> Self {
        Self { asked, facts: None, values: Vec::new(), consulted: ParamMask::default() }
    }
}

impl Step<'_> {
    /// Decides a read, and answers the device unless the read is ignored.
    pub(crate) fn request(&mut self, message: &Message, direction: Direction, uid: Uid) {
        let Some(asked) = self.asked(message, direction, uid) else {
            let why = format!("`{}` is not a gate of this site", message.device);
            return self.unreadable(message.device.clone(), why);
        };
        if let Some((outcome, finding)) = self.emergency_answer(direction) {
            let combined = only(outcome, finding);
            self.decide(message, combined, Known::of(asked));
            return;
        }
        if let Some(finding) = self.ingest(message, &asked) {
            let combined = only(Outcome::Ignore, finding);
            self.decide(message, combined, Known::of(asked));
            return;
        }
        self.evaluate(message, asked);
    }

    fn asked(&mut self, message: &Message, direction: Direction, uid: Uid) -> Option<Asked> {
        let gate = self.state.site.gates.get(&message.device)?.clone();
        let chain = self.state.site.chain(gate.target(direction));
        let entered = match direction {
            Direction::Entry => self.zones_crossed(&message.device),
            Direction::Exit => Vec::new(),
        };
        let tables = &mut self.state.tables;
        let credential = tables.credentials.read(&uid).cloned();
        let member =
            credential.as_ref().and_then(|held| tables.members.read(&held.member)).cloned();
        let presence = match &credential {
            Some(credential) => self.presence_of(credential.id),
            None => Presence::default(),
        };
        let presence_chain = self.state.site.chain(presence.zone.as_ref());
        let device = message.device.clone();
        let at = message.at;
        let pending = presence.pending.as_ref();
        let pending = pending.and_then(|key| self.state.tables.reservations.peek(key));
        let pending_since = pending.map_or(at, |row| row.granted);
        let groups = member.as_ref().map_or(&[][..], |member| &member.groups);
        let classes = self.state.site.classes(&gate, groups);
        Some(Asked {
            at,
            direction,
            uid,
            gate,
            device,
            chain,
            entered,
            credential,
            member,
            presence,
            presence_chain,
            classes,
            pending_since,
        })
    }

    /// P0: a request that is too old or was just answered takes no effect.
    fn ingest(&mut self, message: &Message, asked: &Asked) -> Option<Finding> {
        let place = Place { zones: &asked.chain, device: Some(&asked.device), ..Place::default() };
        let mut max_age = self.at_place(Param::DeviceEventMaxAge, &place).span();
        if asked.direction == Direction::Exit {
            // No rule file shuts an exit by calling every read of it stale.
            max_age = max_age.max(Param::DeviceEventMaxAge.spec().default().span());
        }
        let age = message.received.since(asked.at);
        if age > max_age {
            let details = vec![("limit".to_owned(), Detail::Span(max_age))];
            return Some(Finding { details, ..floor(Reason::EventStale, Class::Ignore) });
        }
        let window = self.at_place(Param::PresenceDuplicateReadWindow, &place).span();
        let reader = reader_key(&asked.device, asked.direction);
        let last = self.state.tables.last_reads.read(&reader)?;
        let soon = asked.at.since(last.at) < window && last.at.since(asked.at) < window;
        let again = last.uid == asked.uid && soon;
        let limit = vec![("limit".to_owned(), Detail::Span(window))];
        again.then(|| Finding { details: limit, ..floor(Reason::DuplicateRead, Class::Ignore) })
    }

    /// P2 to P10: collect all reasons, then combine.
    fn evaluate(&mut self, message: &Message, asked: Asked) {
        let kind = kind_of(asked.direction);
        let gathered = self.gather(&asked);
        let mode = gathered.value(Param::GateMode).at(asked.at, &self.state.site.time_zone);
        let mode = mode.word().to_owned();
        let mut consulted = self.policy.consulted(kind);
        FLOOR_READS.iter().for_each(|param| consulted.insert(*param));
        let combined = if mode == "free" && !self.answered {
            only(Outcome::Grant, floor(Reason::GrantedFreeMode, Class::Grant))
        } else {
            self.judged(kind, &asked, &gathered, &mode)
        };
        let reader = reader_key(&asked.device, asked.direction);
        let place = self.state.tables.last_reads.peek(&reader).map_or(0, |last| last.next_place);
        let opens = combined.outcome.opens();
        if combined.outcome != Outcome::Ignore {
            let next_place = place + u64::from(opens);
            let read = LastRead { uid: asked.uid.clone(), at: asked.at, next_place };
            self.state.tables.last_reads.put(reader, read);
        }
        let timeout = gathered.value(Param::GatePassageTimeout).span().max(PASSAGE_MIN);
        let confirm_by_grant = gathered.value(Param::AntiPassbackConfirmBy).word() == "grant";
        let promised = opens.then(|| self.promise(&asked, &gathered, timeout)).flatten();
        let facts = Some(gathered.facts);
        let direction = asked.direction;
        let known = Known { asked, facts, values: gathered.values, consulted };
        let decision = self.decide(message, combined, known);
        if opens {
            let device = message.device.clone();
            let open = Action::OpenOnce { direction, passage_timeout: timeout };
            self.command(device.clone(), Some(decision), open);
            if let Some(mut row) = promised {
                row.decision = decision;
                row.booked = confirm_by_grant;
                self.keep(ReservationKey { device, direction, place }, row);
            }
        }
    }

    fn judged(
        &mut self,
        kind: EventKind,
        asked: &Asked,
        gathered: &Gathered,
        mode: &str,
    ) -> Combined {
        if let Some(finding) = pending(asked).filter(|_| kind == EventKind::Exit) {
            return only(Outcome::Ignore, finding);
        }
        let question = Question { kind, facts: &gathered.facts, values: &gathered.values };
        let judged = match self.answered {
            true => Err(PolicyFault::StoreStalled),
            false => self.policy.judge(&question),
        };
        let mut findings = judged.unwrap_or_else(|fault| vec![unavailable(&fault)]);
        findings.extend(gate_state(asked, mode));
        findings.extend(pending(asked));
        findings.extend(identity(asked, &findings));
        findings.extend(person(asked));
        if asked.credential.is_none() {
            findings.retain(|found| found.reason.spec().phase <= 3);
        }
        combine(kind, findings, &missing_for_hold(asked, mode))
    }

    /// What a grant promises; an unknown person on an exit is promised nothing but the way out.
    fn promise(
        &mut self,
        asked: &Asked,
        gathered: &Gathered,
        timeout: crate::time::Span,
    ) -> Option<Reservation> {
        let credential = asked.credential.as_ref()?;
        let member = asked.member.as_ref()?;
        let takes = gathered.facts.takes_visit;
        let price = gathered.facts.entry_price;
        let speaking = gathered.speaking.as_ref().filter(|_| takes);
        let limits = gathered.value(Param::TariffMaxVisits).limits();
        let starts = asked.direction == Direction::Entry && asked.presence.visit.is_none();
        let starts_visit = starts.then(|| VisitId(self.state.ids.make(self.now)));
        let charge =
            (!price.is_zero()).then_some(Charge { account: member.account, amount: price });
        Some(Reservation {
            decision: DecisionId(uuid::Uuid::nil()),
            uid: asked.uid.clone(),
            credential: credential.id,
            member: credential.member,
            granted: asked.at,
            timeout,
            expires: None,
            state: ReservationState::Live,
            starts_visit,
            takes_from: speaking.map(|speaking| speaking.key.pass),
            charge,
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

    /// P11: the record, and the answer to the device.
    fn decide(&mut self, message: &Message, combined: Combined, known: Known) -> DecisionId {
        let asked = known.asked;
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
                direction: asked.direction,
                outcome: verdict.outcome,
                reason: verdict.primary(),
            };
            self.command(message.device.clone(), Some(id), action);
        }
        self.journal(message, Noted::Decided { decision: id, outcome: verdict.outcome });
        let unknown_uid = asked.credential.is_none().then(|| asked.uid.clone());
        self.batch.decisions.push(Decision {
            id,
            at: asked.at,
            received: message.received,
            kind: kind_of(asked.direction),
            device: asked.device,
            direction: asked.direction,
            member: asked.credential.as_ref().map(|credential| credential.member),
            credential: asked.credential.as_ref().map(|credential| credential.id),
            unknown_uid,
            verdict,
            facts: known.facts,
            facts_version: FACTS_VERSION,
            rule_set: self.policy.hash().to_owned(),
        });
        id
    }
}

/// The values that a scope supplied; where none did, the catalogue's default stands, which the
/// record names.
fn set_somewhere(values: Vec<Supplied>, consulted: ParamMask) -> Vec<Supplied> {
    values
        .into_iter()
        .filter(|supplied| supplied.scope.is_some() && consulted.contains(supplied.param))
        .collect()
}

fn kind_of(direction: Direction) -> EventKind {
    match direction {
        Direction::Entry => EventKind::Entry,
        Direction::Exit => EventKind::Exit,
    }
}

fn reader_key(device: &DeviceId, direction: Direction) -> ReaderKey {
    ReaderKey { device: device.clone(), direction }
}

/// A single finding that decides alone.
fn only(outcome: Outcome, finding: Finding) -> Combined {
    Combined { outcome, reasons: vec![finding], also: Vec::new(), missing: Vec::new() }
}

/// No verdict at all: an entry is refused, an exit opens with a warning.
fn unavailable(fault: &PolicyFault) -> Finding {
    let why = vec![("why".to_owned(), Detail::Word(fault.to_string()))];
    Finding { details: why, alarm: true, ..floor(Reason::PolicyUnavailable, Class::Deny) }
}

/// P2: `locked` binds an exit only beside a declared alternative, `out_of_service` never (I12).
fn gate_state(asked: &Asked, mode: &str) -> Option<Finding> {
    let locked = mode == "locked";
    let refused = locked || mode == "out_of_service";
    match asked.direction {
        Direction::Entry if refused => Some(floor(Reason::GateLocked, Class::Deny)),
        Direction::Exit if locked && asked.gate.egress_alternative => {
            Some(floor(Reason::GateLocked, Class::Hold))
        }
        _ => None,
    }
}

/// P6: while a passage is in progress, this credential gets no second one.
fn pending(asked: &Asked) -> Option<Finding> {
    asked.presence.pending.as_ref()?;
    // A wall clock that was set back keeps nobody in.
    if asked.direction == Direction::Exit && asked.pending_since > asked.at.plus(CLOCK_DRIFT) {
        return None;
    }
    let class = match asked.direction {
        Direction::Entry => Class::Deny,
        Direction::Exit => Class::Ignore,
    };
    Some(floor(Reason::PassagePending, class))
}

/// P3: what no rule file can grant. The rules name these first, with their own place; the floor
/// makes sure.
fn identity(asked: &Asked, found: &[Finding]) -> Option<Finding> {
    let state = asked.credential.as_ref().map(|credential| credential.state);
    let reason = match state {
        None => Reason::CredentialUnknown,
        Some(CredentialState::Lost | CredentialState::Stolen) => Reason::CredentialLostStolen,
        Some(CredentialState::Active) if valid_now(asked) => return presence_repair(asked),
        Some(_) if asked.direction == Direction::Exit => return presence_repair(asked),
        Some(_) => Reason::CredentialNotValidNow,
    };
    let named = found.iter().any(|one| one.reason == reason && one.class != Class::Warn);
    (!named).then(|| floor(reason, Class::Deny))
}

fn valid_now(asked: &Asked) -> bool {
    let Some(credential) = &asked.credential else { return false };
    credential.valid_from.is_none_or(|from| from <= asked.at)
        && credential.valid_until.is_none_or(|until| asked.at < until)
}

/// I7: a missing entry record never keeps a person in; it is corrected.
fn presence_repair(asked: &Asked) -> Option<Finding> {
    let recorded = asked.presence.inside > 0 && asked.presence_chain.contains(&asked.gate.inner);
    let repair = asked.direction == Direction::Exit && !recorded;
    repair.then(|| floor(Reason::ExitRecordCorrected, Class::Grant))
}

/// P4: a house ban is judged on the way in, below the rules.
fn person(asked: &Asked) -> Option<Finding> {
    let blocked = asked.member.as_ref().is_some_and(|member| member.blocked);
    let judged = blocked && asked.direction == Direction::Entry;
    judged.then(|| floor(Reason::MemberBlocked, Class::Deny))
}

/// The conditions of a hold that are not met here. No desk can sign in yet, so that no hold is
/// effective.
fn missing_for_hold(asked: &Asked, mode: &str) -> Vec<HoldCondition> {
    let mut missing = Vec::new();
    if !asked.gate.egress_alternative {
        missing.push(HoldCondition::EgressAlternative);
    }
    missing.push(HoldCondition::DeskOrPayPoint);
    if mode == "out_of_service" {
        missing.push(HoldCondition::CalmExit);
    }
    missing
}
