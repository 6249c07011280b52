//! What the specification says to a case: the checks of all phases, and what they come to.

use std::collections::BTreeSet;

use domain::{
    facts::EventKind,
    params::DefaultFor,
    rows::{CredentialKind, CredentialState},
    seen::{Holder, Seen},
};

use crate::{
    money::Bill,
    passes::Speaks,
    profile::{Profile, Val},
    resolve::Who,
};

/// What a reason does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Grant,
    Charge,
    Warn,
    Hold,
    Deny,
    Ignore,
}

/// An answer, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) outcome: String,
    pub(crate) primary: String,
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) also: BTreeSet<String>,
    pub(crate) overstay: i64,
    pub(crate) debt: i64,
    pub(crate) surcharge: i64,
    pub(crate) lockers: i64,
}

/// Codes in the order of `reasons.md`: phase, code, and how many people may lift it.
const CODES: &[(u8, &str, u8)] = &[
    (11, "GRANTED", 0),
    (2, "GRANTED_FREE_MODE", 0),
    (10, "GRANTED_OVERRIDE", 0),
    (6, "EXIT_RECORD_CORRECTED", 0),
    (4, "MEMBERSHIP_IN_GRACE", 0),
    (4, "VISITS_LOW", 0),
    (4, "MEDICAL_CERTIFICATE_EXPIRING", 0),
    (6, "ANTI_PASSBACK_SOFT", 0),
    (8, "OVERSTAY_WARNING", 0),
    (8, "OVERSTAY_CHARGED", 1),
    (8, "DEBT_WARNING", 0),
    (3, "CREDENTIAL_UNKNOWN", 0),
    (3, "CREDENTIAL_LOST_STOLEN", 0),
    (3, "CREDENTIAL_NOT_VALID_NOW", 1),
    (3, "CREDENTIAL_LOCKED_OUT", 1),
    (3, "CREDENTIAL_NOT_RETURNED", 1),
    (3, "AUTH_FACTOR_FAILED", 1),
    (3, "DURESS", 0),
    (4, "MEMBER_BLOCKED", 2),
    (4, "MEMBERSHIP_NOT_ACTIVE", 1),
    (4, "VISITS_EXHAUSTED", 1),
    (4, "VISIT_LIMIT_REACHED", 1),
    (4, "MEDICAL_CERTIFICATE_INVALID", 1),
    (5, "SITE_CLOSED", 1),
    (5, "OUTSIDE_TARIFF_WINDOW", 1),
    (4, "NO_ACCESS_RIGHTS", 1),
    (5, "REENTRY_NOT_ALLOWED", 1),
    (6, "ANTI_PASSBACK", 1),
    (6, "PASSAGE_PENDING", 0),
    (7, "ZONE_FULL", 2),
    (7, "AGE_BELOW_MINIMUM", 0),
    (7, "SUPERVISION_REQUIRED", 1),
    (7, "PICKUP_NOT_AUTHORISED", 2),
    (7, "GUEST_LIMIT_REACHED", 1),
    (8, "DEBT_ENTRY_BLOCKED", 1),
    (8, "DEBT_EXIT_HOLD", 1),
    (8, "DEBT_EXIT_RELEASED", 0),
    (8, "WALLET_LIMIT_EXCEEDED", 1),
    (8, "WALLET_MAX_EXCEEDED", 0),
    (8, "DAILY_SPEND_LIMIT", 0),
    (8, "DISCOUNT_NEEDS_APPROVAL", 1),
    (8, "REFUND_NEEDS_APPROVAL", 2),
    (8, "AGE_RESTRICTED_ITEM", 0),
    (8, "CASH_DRAWER_LIMIT", 2),
    (9, "LOCKER_OCCUPIED_AT_EXIT", 1),
    (9, "LOCKER_LIMIT_REACHED", 1),
    (9, "LOCKER_NOT_YOURS", 1),
    (9, "LOCKER_TIME_EXCEEDED", 1),
    (10, "OPERATOR_NOT_PERMITTED", 0),
    (10, "TERMINAL_NOT_PERMITTED", 0),
    (10, "OVERRIDE_NOT_ALLOWED", 0),
    (10, "SECOND_OPERATOR_REQUIRED", 0),
    (2, "GATE_LOCKED", 1),
    (2, "DEVICE_OFFLINE", 1),
];

/// How many people it takes to lift a code; none where nobody may.
pub(crate) fn lifts(code: &str) -> u8 {
    CODES.iter().find(|(_, known, _)| *known == code).map_or(0, |(.., people)| *people)
}

fn place(code: &str) -> (u8, usize) {
    let at = CODES.iter().position(|(_, known, _)| *known == code);
    at.map_or((99, 0), |at| (CODES[at].0, at))
}

/// A case while it is answered.
pub(crate) struct Asked<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) profile: &'a Profile,
    pub(crate) who: Who<'a>,
    pub(crate) speaks: Option<Speaks<'a>>,
    pub(crate) bill: Bill,
    pub(crate) found: BTreeSet<(&'static str, Class)>,
    /// Microseconds.
    pub(crate) at: i64,
}

/// Answers a case.
pub(crate) fn answer(seen: &Seen, profile: &Profile) -> Answer {
    let holder = seen.holder.as_ref();
    let order = seen.order.as_ref();
    let who = Who {
        zones: &seen.gate.zones,
        device: seen.gate.device.as_ref(),
        terminal: order.map(|order| &order.terminal),
        tariff: None,
        groups: holder.map_or(&[], |holder| &holder.groups),
        member: holder.map(|holder| holder.member),
        roles: order.and_then(|order| order.operator.as_ref()).map_or(&[], |one| &one.roles),
        classes: seen.classes.clone(),
    };
    let at = seen.at.micros();
    let (found, bill) = (BTreeSet::new(), Bill::default());
    let mut asked = Asked { seen, profile, who, speaks: None, bill, found, at };
    asked.speaks = asked.speaking();
    if let Some(speaks) = &asked.speaks {
        asked.who.tariff = Some(&speaks.pass.tariff);
        asked.who.classes.extend(speaks.tariff.day_guest.then_some(DefaultFor::DayGuest));
    }
    asked.bill = asked.billed();
    asked.decide()
}

impl<'a> Asked<'a> {
    pub(crate) fn find(&mut self, code: &'static str, class: Class) {
        self.found.insert((code, class));
    }
    pub(crate) fn value(&self, number: usize) -> Val {
        self.profile.value(number, &self.who)
    }
    pub(crate) fn word(&self, number: usize) -> &'static str {
        self.profile.word(number, &self.who)
    }
    pub(crate) fn int(&self, number: usize) -> i64 {
        self.profile.int(number, &self.who)
    }
    /// In microseconds.
    pub(crate) fn micros(&self, number: usize) -> i64 {
        self.profile.seconds(number, &self.who) * crate::calendar::SECOND
    }
    pub(crate) fn names(&self, number: usize, word: &str) -> bool {
        self.profile.names(number, &self.who, word)
    }
    pub(crate) fn is(&self, kind: EventKind) -> bool {
        self.seen.kind == kind
    }
    /// Whether an exit here ends the visit.
    pub(crate) fn leaves(&self) -> bool {
        self.is(EventKind::Exit) && self.seen.gate.target.is_none()
    }

    fn decide(mut self) -> Answer {
        let seen = self.seen;
        let gate = matches!(seen.kind, EventKind::Entry | EventKind::Exit);
        let mode = self.word(56);
        let pending = seen.holder.as_ref().is_some_and(|one| one.presence.pending_since.is_some());
        if gate && mode == "free" {
            self.find("GRANTED_FREE_MODE", Class::Grant);
            return self.combined();
        }
        if pending && self.is(EventKind::Exit) {
            self.find("PASSAGE_PENDING", Class::Ignore);
            return self.combined();
        }
        if pending && self.is(EventKind::Entry) {
            self.find("PASSAGE_PENDING", Class::Deny);
        }
        self.state_of_gate(mode);
        match (&seen.holder, &seen.order) {
            (_, Some(order)) => self.order(order),
            (None, None) => self.hold_or_deny("CREDENTIAL_UNKNOWN", mode),
            (Some(holder), None) => {
                self.identity(holder, mode);
                match seen.kind {
                    EventKind::Entry => self.entry(holder),
                    EventKind::Exit => self.exit(holder, mode),
                    _ => self.locker(holder),
                }
            }
        }
        self.lift();
        self.combined()
    }

    /// P2: rows 56 and 58.
    fn state_of_gate(&mut self, mode: &str) {
        let gate = &self.seen.gate;
        let shut = mode == "locked" || mode == "out_of_service";
        if self.is(EventKind::Entry) && shut {
            self.find("GATE_LOCKED", Class::Deny);
        }
        if self.is(EventKind::Exit) && mode == "locked" && gate.egress_alternative {
            self.find("GATE_LOCKED", Class::Hold);
        }
        let Val::Offline([entry, locker, _]) = self.value(58) else { return };
        let refused = match self.seen.kind {
            EventKind::Entry => entry == 2,
            EventKind::LockerOpen | EventKind::LockerClose => locker == 2,
            _ => false,
        };
        if gate.offline && refused {
            self.find("DEVICE_OFFLINE", Class::Deny);
        }
    }

    /// P3: whose credential it is, and whether it opens.
    fn identity(&mut self, holder: &Holder, mode: &str) {
        match holder.state {
            CredentialState::Lost | CredentialState::Stolen => {
                self.hold_or_deny("CREDENTIAL_LOST_STOLEN", mode);
            }
            _ if self.is(EventKind::Exit) => {
                let presence = &holder.presence;
                if presence.inside == 0 || !presence.behind {
                    self.find("EXIT_RECORD_CORRECTED", Class::Grant);
                }
            }
            state if state != CredentialState::Active || !holder.valid_now => {
                self.find("CREDENTIAL_NOT_VALID_NOW", Class::Deny);
            }
            _ => {}
        }
    }

    /// An identity that is refused, or held on an exit under conditions 1, 2 and 4.
    fn hold_or_deny(&mut self, code: &'static str, mode: &str) {
        let gate = &self.seen.gate;
        let held =
            gate.egress_alternative && gate.attended && self.is_calm(mode) && !gate.hold_spent;
        let class = match (self.is(EventKind::Exit), held) {
            (false, _) => Class::Deny,
            (true, true) => Class::Hold,
            (true, false) => Class::Warn,
        };
        self.find(code, class);
    }

    /// Condition 4.
    fn is_calm(&self, mode: &str) -> bool {
        mode != "out_of_service" && !self.seen.gate.crowded
    }

    /// An exit: rows 6, 12 to 16, 25, 39 and 45 where it leads to the street; 43 and 44 anywhere.
    fn exit(&mut self, holder: &Holder, mode: &str) {
        self.locker_time();
        if !self.leaves() {
            return;
        }
        let (may, time_left) = self.may_hold(holder, mode);
        let held = if may && time_left { Class::Hold } else { Class::Warn };
        if holder.kind == CredentialKind::Band && !holder.collected {
            match self.word(6) {
                "hold" => self.find("CREDENTIAL_NOT_RETURNED", held),
                "warn" => self.find("CREDENTIAL_NOT_RETURNED", Class::Warn),
                _ => {}
            }
        }
        let young = holder.age.is_some_and(|age| age < self.int(39));
        if young && !holder.picked_up {
            let child = !holder.adult && holder.age.is_some_and(|age| age < 18);
            let desk = self.seen.gate.desk && self.is_calm(mode) && child;
            self.find("PICKUP_NOT_AUTHORISED", if desk { Class::Hold } else { Class::Warn });
        }
        if !holder.lockers.is_empty() {
            match self.word(45) {
                "hold" => self.find("LOCKER_OCCUPIED_AT_EXIT", held),
                "warn" => self.find("LOCKER_OCCUPIED_AT_EXIT", Class::Warn),
                _ => {}
            }
        }
        self.overstayed();
        if self.bill.debt <= 0 {
            return;
        }
        // Exemptions and overrides name the hold, whatever it degrades to.
        let lifted = self.is_exempt("DEBT_EXIT_HOLD") || self.is_lifted("DEBT_EXIT_HOLD");
        match self.word(25) {
            "hold" if self.is_due(holder) && lifted => {
                self.find("DEBT_EXIT_HOLD", Class::Hold);
            }
            "hold" if self.is_due(holder) => match (may, time_left) {
                (true, true) => self.find("DEBT_EXIT_HOLD", Class::Hold),
                (_, false) => self.find("DEBT_EXIT_RELEASED", Class::Grant),
                (false, true) => self.find("DEBT_WARNING", Class::Warn),
            },
            "allow" => {}
            _ => self.find("DEBT_WARNING", Class::Warn),
        }
    }

    /// Whether conditions 1 to 4 hold with an entry on record, and condition 5.
    fn may_hold(&self, holder: &Holder, mode: &str) -> (bool, bool) {
        let gate = &self.seen.gate;
        let visit = holder.presence.visit.as_ref().filter(|_| holder.presence.inside > 0);
        let minor = !holder.adult && holder.age.is_some_and(|age| age < 18);
        let may = gate.egress_alternative
            && gate.attended
            && !minor
            && !holder.protected
            && self.is_calm(mode)
            && visit.is_some();
        let left = visit.is_none_or(|visit| {
            let open = visit.hold.as_ref();
            let ran = open.map_or(0, |hold| self.at - hold.since.micros());
            let expired = open.is_some_and(|hold| hold.expired);
            !expired && visit.held.0 + ran < self.micros(26)
        });
        (may, left)
    }

    fn is_exempt(&self, code: &str) -> bool {
        let holder = self.seen.holder.as_ref();
        holder.is_some_and(|holder| holder.exempt.iter().any(|known| known.code() == code))
    }

    /// Whether a token or the approver of a sale lifts a code.
    fn is_lifted(&self, code: &str) -> bool {
        let token = self.seen.lifted.as_ref();
        let token = token.is_some_and(|(_, codes)| codes.iter().any(|one| one.code() == code));
        let held = matches!(code, "CREDENTIAL_UNKNOWN" | "CREDENTIAL_LOST_STOLEN");
        let may = lifts(code) > 0 || (held && self.seen.kind == EventKind::Exit);
        may && (token || self.is_approved(code))
    }

    /// What exemptions and operators lift.
    fn lift(&mut self) {
        let mut kept = std::mem::take(&mut self.found);
        kept.retain(|(code, _)| !self.is_exempt(code));
        let before = kept.len();
        // A hold that degraded is lifted as the hold that it was.
        let degraded = |code: &str, class: Class| {
            let holds = ["CREDENTIAL_NOT_RETURNED", "LOCKER_OCCUPIED_AT_EXIT"];
            class == Class::Warn
                && (matches!(code, "PICKUP_NOT_AUTHORISED" | "CREDENTIAL_UNKNOWN")
                    || code == "CREDENTIAL_LOST_STOLEN"
                    || (code == holds[0] && self.word(6) == "hold")
                    || (code == holds[1] && self.word(45) == "hold"))
        };
        kept.retain(|(code, class)| {
            let refuses = matches!(class, Class::Deny | Class::Hold) || degraded(code, *class);
            !(refuses && self.is_lifted(code))
        });
        if kept.len() < before || self.is_seconded() {
            kept.insert(("GRANTED_OVERRIDE", Class::Grant));
        }
        // One word for the state of a pass.
        if kept.contains(&("MEMBERSHIP_NOT_ACTIVE", Class::Deny)) {
            kept.remove(&("VISITS_EXHAUSTED", Class::Deny));
        }
        self.found = kept;
    }

    /// Section 4 of `decisions.md`.
    fn combined(self) -> Answer {
        let strongest = self.found.iter().map(|(_, class)| *class).max();
        let strongest = strongest.unwrap_or(Class::Grant);
        let outcome = match strongest {
            Class::Grant | Class::Charge => "grant",
            Class::Warn => "grant_with_warning",
            Class::Hold => "hold",
            Class::Deny => "deny",
            Class::Ignore => "ignore",
        };
        let refuses = matches!(strongest, Class::Hold | Class::Deny);
        let mut answer = Answer { outcome: outcome.to_owned(), ..Answer::default() };
        for (code, class) in &self.found {
            if !refuses || *class == strongest || *class == Class::Charge {
                answer.reasons.insert((*code).to_owned());
            } else if *class != Class::Grant {
                answer.also.insert((*code).to_owned());
            }
        }
        if self.found.is_empty() {
            answer.reasons.insert("GRANTED".to_owned());
        }
        let winning = self.found.iter().filter(|(_, class)| *class == strongest);
        let primary = winning.map(|(code, _)| *code).min_by_key(|code| place(code));
        answer.primary = primary.unwrap_or("GRANTED").to_owned();
        (answer.overstay, answer.debt) = (self.bill.charge, self.bill.debt);
        answer.surcharge = self.surcharge();
        answer.lockers = self.locker_charge();
        answer
    }
}
