//! Lockers: who may use which, for how long, and what is left in them at the exit (parameters 41
//! to 45).

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    combine::{Combined, floor},
    command::Action,
    event::LockerState,
    facts::{EventKind, Facts},
    ids::{CredentialId, DecisionId, DeviceId, LockerId, MemberId, Uid},
    ledger::Charged,
    look::Asked,
    money::Money,
    params::{Param, Value},
    reasons::{Class, Condition, Reason},
    rows::{Charge, ChargeFor, Locker},
    scope::{ParamTable, Place, Supplied},
    seen::Seen,
    site::Gate,
    step::{Message, Step},
    time::{Span, Timestamp},
    verdict::Outcome,
    windows::local_date,
};

/// A locker as it concerns whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLocker {
    /// Which.
    pub id: LockerId,
    /// Its bank.
    pub bank: DeviceId,
    /// Whether this credential has it.
    pub own: bool,
    /// Whether another credential has it.
    pub taken: bool,
    /// Whether it was given to this member, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Since when it is occupied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether the desk released it from its time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// What its overstay cost so far.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub charged: Money,
}

/// Until when a locker is given to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The last local day, included; nothing has no end.
    pub until: Option<jiff::civil::Date>,
}

/// What the lockers of a request come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockerBill {
    /// What each costs now.
    pub(crate) charges: Vec<(LockerId, Money)>,
}

impl LockerBill {
    /// Tells the rules about the lockers of what was `seen`.
    pub(crate) fn of(
        seen: &Seen,
        place: &Place<'_>,
        table: &ParamTable,
        values: &mut [Supplied],
        (zone, facts): (&TimeZone, &mut Facts),
    ) -> Self {
        let mut bill = Self::default();
        let asked = seen.locker.as_ref();
        let held = seen.holder.as_ref().map_or(&[][..], |holder| &holder.lockers);
        if let Some(locker) = asked {
            facts.locker = locker.id.to_string();
            let others = held.iter().filter(|one| one.id != locker.id && one.bank == locker.bank);
            facts.lockers_held = i64::try_from(others.count()).unwrap_or(i64::MAX);
            let mode = &values[Param::LockerAssignmentMode as usize].value;
            facts.locker_mine = locker.is_mine(mode.word(), seen.at, zone);
        } else {
            facts.lockers_occupied = i64::try_from(held.len()).unwrap_or(i64::MAX);
            facts.locker = held.first().map(|one| one.id.to_string()).unwrap_or_default();
        }
        // The one that is over for longest speaks, with the values of its own bank.
        let timed = asked.into_iter().filter(|one| one.own).chain(match asked {
            Some(_) => &[][..],
            None => held,
        });
        for locker in timed {
            let at = table.layers(&Place { device: Some(&locker.bank), ..*place });
            let most = at.resolve(Param::LockerMaxDuration);
            let over = locker.over(seen, most.value.span());
            let action = at.resolve(Param::LockerOverstayAction);
            if action.value.word() == "charge" {
                bill.charge(locker, over, &values[Param::TariffOverstayRate as usize].value);
            }
            let seconds = -Span(-over.0).whole_seconds();
            if seconds > facts.locker_over {
                facts.locker_over = seconds;
                facts.locker = locker.id.to_string();
                values[Param::LockerMaxDuration as usize] = most;
                values[Param::LockerOverstayAction as usize] = action;
            }
        }
        facts.locker_charge = bill.charges.iter().map(|(_, amount)| *amount).sum();
        bill
    }

    fn charge(&mut self, locker: &SeenLocker, over: Span, rate: &Value) {
        let total = rate.rate().map_or(Money::ZERO, |rate| rate.charge(over));
        let now = Money::ZERO.max(total - locker.charged);
        if !now.is_zero() {
            self.charges.push((locker.id.clone(), now));
        }
    }
}

impl SeenLocker {
    /// Whether it may be used by whoever asks (parameter 41).
    fn is_mine(&self, mode: &str, at: Timestamp, zone: &TimeZone) -> bool {
        let today = local_date(at, zone);
        let given = self.given.is_some_and(|given| given.until.is_none_or(|until| today <= until));
        match mode {
            "free" => self.own || !self.taken,
            "dynamic" => self.own || (given && !self.taken),
            _ => given,
        }
    }

    /// How much longer than `most` it is occupied; with nothing set, since the visit ended.
    fn over(&self, seen: &Seen, most: Span) -> Span {
        let Some(since) = self.since.filter(|_| !self.released) else { return Span(0) };
        if most.0 > 0 {
            return Span((seen.at.since(since).0 - most.0).max(0));
        }
        let presence = seen.holder.as_ref().map(|holder| &holder.presence);
        let left = presence.filter(|presence| presence.visit.is_none());
        let left = left.and_then(|presence| presence.left.as_ref());
        left.map_or(Span(0), |left| Span(seen.at.since(left.at.max(since)).0.max(0)))
    }
}

impl Step<'_> {
    /// A locker shall open, or close and be occupied.
    pub(crate) fn locker_request(
        &mut self,
        message: &Message,
        (locker, uid): (LockerId, Uid),
        opens: bool,
    ) {
        let Some(row) = self.state.tables.lockers.read(&locker).cloned() else {
            let why = format!("`{locker}` is not a locker of this site");
            return self.unreadable(message.device.clone(), why);
        };
        let kind = if opens { EventKind::LockerOpen } else { EventKind::LockerClose };
        let device = row.bank.clone();
        let asked = Asked { locker: Some(locker), ..Asked::of(message.at, kind, device, uid) };
        let gate = Gate::new(None, row.zone);
        let seen = self.look(&asked, &gate);
        let emergency = self.state.tables.emergency.read(&()).is_some();
        if emergency && !opens {
            let closed = floor(Reason::EmergencyEntryClosed, Class::Deny);
            return self.decide_alone(message, &asked, Combined::only(Outcome::Deny, closed), seen);
        }
        if let Some(finding) = self.ingest(message, &asked, &seen) {
            let ignored = Combined::only(Outcome::Ignore, finding);
            return self.decide_alone(message, &asked, ignored, seen);
        }
        let zone = self.state.site.time_zone.clone();
        let (gathered, combined) = self.judged(&seen, &zone);
        self.act(message, &asked, seen, gathered, combined);
    }

    /// The lock moves: what was granted takes effect, and what was refused is told.
    pub(crate) fn answer_locker(
        &mut self,
        asked: &Asked,
        (credential, decision): (Option<CredentialId>, DecisionId),
        (outcome, reason): (Outcome, Reason),
    ) {
        let Some(locker) = asked.locker.clone() else { return };
        let device = asked.device.clone();
        let (opens, granted) = (asked.kind == EventKind::LockerOpen, outcome.opens());
        let action = match (granted, opens) {
            (true, true) => Action::LockerUnlock { locker: locker.clone() },
            (true, false) => Action::LockerLock { locker: locker.clone() },
            (false, _) => Action::LockerRefuse { locker: locker.clone(), reason },
        };
        self.command(device, Some(decision), action);
        let Some(credential) = credential.filter(|_| granted) else { return };
        if opens {
            self.free_locker(&locker);
            // Whoever goes back to his locker has turned back at the exit.
            let mut presence = self.presence_of(credential);
            if let Some(visit) = presence.visit.as_mut() {
                self.turned_back(credential, visit, asked.at);
                self.state.tables.presence.put(credential, presence);
            }
        } else {
            self.occupy(&locker, &asked.uid, credential, asked.at);
        }
    }

    fn occupy(&mut self, locker: &LockerId, uid: &Uid, credential: CredentialId, at: Timestamp) {
        let Some(mut row) = self.state.tables.lockers.read(locker).cloned() else { return };
        row.holder = Some(uid.clone());
        (row.since, row.charged) = (Some(at), Money::ZERO);
        (row.released, row.abandoned) = (false, false);
        self.state.tables.lockers.put(locker.clone(), row);
        let mut presence = self.presence_of(credential);
        if !presence.lockers.contains(locker) {
            presence.lockers.push(locker.clone());
            self.state.tables.presence.put(credential, presence);
        }
    }

    /// Nobody has the locker any more.
    fn free_locker(&mut self, locker: &LockerId) {
        let Some(mut row) = self.state.tables.lockers.read(locker).cloned() else { return };
        let held = row.holder.take();
        (row.since, row.released, row.abandoned) = (None, false, false);
        self.state.tables.lockers.put(locker.clone(), row);
        let held = held.and_then(|uid| self.state.tables.credentials.read(&uid).cloned());
        let Some(held) = held else { return };
        let mut presence = self.presence_of(held.id);
        presence.lockers.retain(|id| id != locker);
        self.state.tables.presence.put(held.id, presence);
    }

    /// A lock reports its state; one that reports free holds nothing.
    pub(crate) fn locker_state(&mut self, message: &Message, id: &LockerId, state: LockerState) {
        let condition = match state {
            LockerState::Free => return self.free_locker(id),
            LockerState::Occupied => return,
            LockerState::Jammed => Condition::LockFault,
            LockerState::Forced => Condition::ForcedOpen,
        };
        self.note(message, condition, format!("locker {id}"));
    }

    /// The lockers of somebody who was let out with a hold that ran out are abandoned.
    pub(crate) fn abandon_lockers(&mut self, credential: CredentialId) {
        for id in self.presence_of(credential).lockers {
            let row = self.state.tables.lockers.read(&id).cloned();
            if let Some(row) = row.filter(|row| !row.abandoned) {
                self.state.tables.lockers.put(id, Locker { abandoned: true, ..row });
            }
        }
    }

    /// Books what lockers cost that are occupied for too long.
    pub(crate) fn charge_lockers(&mut self, bill: &LockerBill, wallet: crate::ids::AccountId) {
        if self.in_emergency(self.now) {
            return;
        }
        for (id, amount) in &bill.charges {
            let Some(mut row) = self.state.tables.lockers.read(id).cloned() else { continue };
            let since = row.since.unwrap_or(self.now);
            let free = Money::ZERO.max(self.balance(wallet));
            let what = ChargeFor::Locker(id.clone(), since);
            let taken = free.min(*amount);
            let charge = Charge { account: wallet, amount: *amount, taken, what, tariff: None };
            self.book_charge(&Charged::default(), &charge, row.charged, self.now);
            row.charged = row.charged + *amount;
            self.state.tables.lockers.put(id.clone(), row);
        }
    }

    /// A locker as it concerns a credential.
    pub(crate) fn seen_locker(
        &mut self,
        id: &LockerId,
        uid: &Uid,
        member: Option<MemberId>,
    ) -> Option<SeenLocker> {
        let row = self.state.tables.lockers.read(id)?;
        let own = row.holder.as_ref() == Some(uid);
        let given = row.owner.filter(|owner| Some(*owner) == member);
        Some(SeenLocker {
            id: id.clone(),
            bank: row.bank.clone(),
            own,
            taken: row.holder.is_some() && !own,
            given: given.map(|_| Given { until: row.owner_until }),
            since: row.since,
            released: row.released,
            charged: row.charged,
        })
    }
}
