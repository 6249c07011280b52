//! Holds: exits that stay closed for now, with staff called and a timer running (section 8.2 of
//! `decisions.md` of the specification).

use serde::{Deserialize, Serialize};

use crate::{
    event::Direction,
    expiry::Timer,
    facts::EventKind,
    gather::Gathered,
    ids::{AccountId, CredentialId, DecisionId, DeviceId, Uid},
    ledger::{Booking, Purpose},
    look::Asked,
    money::Money,
    params::Param,
    reasons::{Class, Condition, Reason},
    rows::{AccountKind, Allowance, Hold, HoldKey, Terminal, Visit},
    state::{Answer, Entry, HoldEnd, Noted},
    step::{Message, Step},
    time::Timestamp,
    verdict::Finding,
};

/// The reasons of holds that end with the visit's own time (parameter 26).
pub(crate) const VISIT_HOLDS: &[Reason] =
    &[Reason::CredentialNotReturned, Reason::DebtExitHold, Reason::LockerOccupiedAtExit];

/// How long an identity hold whose time is used up is remembered, so that the next read is let out
/// (our choice: 1 h).
const REMEMBERED: crate::time::Span = crate::time::Span::seconds(3600);

/// A payment against a debt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The key under which it is booked once, however often it is sent.
    pub key: String,
    /// The wallet whose debt it is.
    pub account: AccountId,
    /// How much; not more than is owed.
    pub amount: Money,
    /// Where it was paid.
    pub terminal: DeviceId,
}

impl Step<'_> {
    /// Begins the hold that a decision came to, or goes on with the one that runs.
    pub(crate) fn begin_hold(
        &mut self,
        asked: &Asked,
        credential: Option<CredentialId>,
        gathered: &Gathered,
        found: &[Finding],
        decision: DecisionId,
    ) {
        let most = gathered.hold_max();
        let held = |reason: Reason| {
            found.iter().any(|one| one.reason == reason && one.class == Class::Hold)
        };
        let gate = asked.device.clone();
        let pickup = held(Reason::PickupNotAuthorised);
        let hold = Hold { since: asked.at, until: None, gate, decision, expired: false, pickup };
        if pickup {
            self.awaits_guardian(asked);
        }
        if held(Reason::CredentialUnknown) || held(Reason::CredentialLostStolen) {
            self.begin_identity_hold(asked, &hold, most);
        }
        if pickup || VISIT_HOLDS.iter().any(|reason| held(*reason)) {
            let Some(credential) = credential else { return };
            let mut presence = self.presence_of(credential);
            let Some(visit) = presence.visit.as_mut().filter(|visit| visit.hold.is_none()) else {
                return;
            };
            let until = asked.at.plus(visit.hold_left(most, asked.at));
            visit.hold = Some(Hold { until: Some(until), ..hold });
            self.state.tables.presence.put(credential, presence);
            self.state.timers.start(until, Timer::Hold(credential));
        }
    }

    /// Its time runs from the first held read, whatever else holds the visit.
    fn begin_identity_hold(&mut self, asked: &Asked, hold: &Hold, most: crate::time::Span) {
        let key = HoldKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        if self.state.tables.holds.read(&key).is_some() {
            return;
        }
        let until = asked.at.plus(most);
        let hold = Hold { until: Some(until), pickup: false, ..hold.clone() };
        self.state.tables.holds.put(key.clone(), hold);
        self.state.timers.start(until, Timer::IdentityHold(key));
    }

    /// The slot for bands took one: whoever was held for it is decided again, and somebody who
    /// threw it in first is let out as if it had been read.
    pub(crate) fn collected(&mut self, message: &Message, uid: &Uid) {
        let Some(mut held) = self.state.tables.credentials.read(uid).cloned() else {
            let why = format!("no band has the number `{uid}`");
            return self.unreadable(message.device.clone(), why);
        };
        held.collected = true;
        held.forget_loss_paid();
        self.state.tables.credentials.put(uid.clone(), held.clone());
        self.note(message, Condition::BandCollected, String::new());
        let visit = self.presence_of(held.id).visit;
        if visit.is_some_and(|visit| visit.hold.is_some_and(|hold| hold.gate == message.device)) {
            self.decide_hold_again(held.id, Some(&message.device), false);
        } else {
            self.request(message, Direction::Exit, uid.clone(), None);
        }
    }

    /// The time of a visit's hold is used up: the alarm; the gate opens at the next read.
    pub(crate) fn hold_expired(&mut self, credential: CredentialId, at: Timestamp) {
        self.state.timers.stop(at, Timer::Hold(credential));
        let mut presence = self.presence_of(credential);
        let Some(visit) = presence.visit.as_mut() else { return };
        let Some(hold) = visit.hold.as_mut() else { return };
        if hold.pickup {
            // Nobody lets a child go because time went by.
            hold.until = None;
            let (decision, gate) = (hold.decision, hold.gate.clone());
            self.state.tables.presence.put(credential, presence);
            return self.hold_noted(at, gate, decision, HoldEnd::Escalated);
        }
        hold.expired = true;
        visit.held.0 += at.since(hold.since).0.max(0);
        let (decision, gate) = (hold.decision, hold.gate.clone());
        self.state.tables.presence.put(credential, presence);
        self.hold_noted(at, gate, decision, HoldEnd::Expired);
    }

    /// The same for a credential without a visit.
    pub(crate) fn identity_hold_expired(&mut self, key: &HoldKey, at: Timestamp) {
        self.state.timers.stop(at, Timer::IdentityHold(key.clone()));
        let Some(mut hold) = self.state.tables.holds.read(key).cloned() else { return };
        hold.expired = true;
        self.state.tables.holds.put(key.clone(), hold.clone());
        self.hold_noted(at, key.gate.clone(), hold.decision, HoldEnd::Expired);
        let old = |(key, hold): (&HoldKey, &Hold)| {
            let over = hold.until.is_some_and(|until| at.since(until) > REMEMBERED);
            (hold.expired && over).then(|| key.clone())
        };
        let old: Vec<HoldKey> = self.state.tables.holds.iter().filter_map(old).collect();
        for key in old {
            self.state.tables.holds.remove(key);
        }
    }

    /// Whether the time of an identity hold is used up here.
    pub(crate) fn identity_hold_spent(&mut self, asked: &Asked) -> bool {
        if self.state.tables.holds.is_empty() {
            return false;
        }
        let key = HoldKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        let row = self.state.tables.holds.read(&key);
        row.is_some_and(|hold| hold.until.is_some_and(|until| until <= asked.at))
    }

    /// Ends the hold of a visit, if one runs, and cancels what was left of an earlier allowance.
    /// `allowance` is the time to leave that settling gives.
    pub(crate) fn end_hold(
        &mut self,
        credential: CredentialId,
        visit: &mut Visit,
        at: Timestamp,
        (how, allowance): (HoldEnd, crate::time::Span),
    ) {
        let Some(hold) = visit.hold.take() else {
            if how == HoldEnd::TurnedBack {
                visit.allowance = None;
            }
            return;
        };
        if let Some(until) = hold.until.filter(|_| !hold.expired) {
            self.state.timers.stop(until, Timer::Hold(credential));
            visit.held.0 += at.since(hold.since).0.max(0);
        }
        let still_to_leave = !matches!(how, HoldEnd::TurnedBack | HoldEnd::Left);
        visit.allowance =
            still_to_leave.then(|| Allowance { counted: hold.since, until: at.plus(allowance) });
        if !hold.expired {
            let over = hold.until.is_some_and(|until| until <= at);
            let how = if over { HoldEnd::Expired } else { how };
            self.hold_noted(at, hold.gate, hold.decision, how);
        }
    }

    /// The guest turned back: the real time counts again.
    pub(crate) fn turned_back(
        &mut self,
        credential: CredentialId,
        visit: &mut Visit,
        at: Timestamp,
    ) {
        self.end_hold(credential, visit, at, (HoldEnd::TurnedBack, crate::time::Span(0)));
    }

    fn hold_noted(&mut self, at: Timestamp, gate: DeviceId, decision: DecisionId, how: HoldEnd) {
        let noted = Noted::HoldEnded { decision, how };
        self.batch.journal.push(Entry { at, device: Some(gate), source: None, noted });
    }

    /// A till, a desk or a pay point changed.
    pub(crate) fn terminal(&mut self, terminal: DeviceId, state: Terminal) {
        let known = self.state.tables.terminals.read(&terminal);
        // Nobody empties a drawer by signing in.
        let drawer = known.map_or(Money::ZERO, |known| known.drawer);
        let state = Terminal { drawer, ..state };
        if known == Some(&state) {
            return;
        }
        self.state.tables.terminals.put(terminal.clone(), state.clone());
        let noted = Noted::TerminalChanged { state };
        let entry = Entry { at: self.now, device: Some(terminal), source: None, noted };
        self.batch.journal.push(entry);
    }

    /// Somebody pays what is owed; holds that were for it are decided again at once.
    pub(crate) fn payment(&mut self, payment: Payment) -> Answer {
        let owed = self.debt_of(payment.account);
        if payment.amount <= Money::ZERO || payment.amount > owed {
            let why = "the amount is not between nothing and what is owed; pay what is owed, \
                       and book the rest as a top-up";
            return Answer::Refused(why.to_owned());
        }
        self.take_payment(&payment);
        self.paid_up(payment.account, payment.amount, &payment.terminal);
        Answer::Taken
    }

    /// Somebody paid: holds that were for it are decided again at once.
    pub(crate) fn paid_up(&mut self, account: AccountId, amount: Money, terminal: &DeviceId) {
        let noted = Noted::Paid { account, amount };
        let device = Some(terminal.clone());
        self.batch.journal.push(Entry { at: self.now, device, source: None, noted });
        self.decide_holds_again(account, terminal);
    }

    /// Less is owed behind a wallet: what is held for it is decided again.
    pub(crate) fn decide_holds_again(&mut self, wallet: AccountId, terminal: &DeviceId) {
        for credential in self.state.timers.held() {
            if self.wallets_of(credential).contains(&Some(wallet)) {
                self.decide_hold_again(credential, Some(terminal), false);
            }
        }
    }

    /// The wallets that may pay for who is inside: his own, and that of his family.
    fn wallets_of(&mut self, credential: CredentialId) -> [Option<AccountId>; 2] {
        let visit = self.presence_of(credential).visit;
        let tables = &mut self.state.tables;
        let held = visit.and_then(|visit| tables.credentials.read(&visit.uid));
        let member = held.map(|held| held.member);
        let Some(member) = member.and_then(|id| tables.members.read(&id)) else {
            return [None, None];
        };
        let (own, kin) = (member.account, member.kin.as_deref());
        let family = kin.and_then(|kin| kin.family);
        let shared = family.and_then(|id| tables.families.read(&id)).map(|family| family.account);
        [Some(own), shared]
    }

    /// Decides a held read again. Where nothing holds it any more the hold is over; the gate opens
    /// without a second read if `terminal` is bound to it. With `alarm` it is told in any case.
    pub(crate) fn decide_hold_again(
        &mut self,
        credential: CredentialId,
        terminal: Option<&DeviceId>,
        alarm: bool,
    ) {
        let presence = self.presence_of(credential);
        let Some(visit) = presence.visit else { return };
        let Some(hold) = visit.hold else { return };
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&hold.gate) else { return };
        let (at, kind) = (self.now, EventKind::Exit);
        let asked = Asked::of(at, kind, hold.gate.clone(), visit.uid);
        let seen = self.look(&asked, gate);
        let (gathered, mut combined) = self.judged(&seen, &site.time_zone);
        let message = Message::of(hold.gate.clone(), None, at);
        if alarm {
            combined.reasons.iter_mut().for_each(|found| found.alarm = true);
            self.act_on(&message, &asked, seen, gathered, combined);
            return;
        }
        if !combined.outcome.opens() {
            return;
        }
        let bound = terminal
            .is_some_and(|id| *id == hold.gate || site.bound_to(id).any(|gate| *gate == hold.gate));
        if bound {
            self.act_on(&message, &asked, seen, gathered, combined);
        } else {
            self.settled(credential, (&gathered, HoldEnd::Settled));
        }
    }

    /// What a visit was held for is settled.
    pub(crate) fn settled(
        &mut self,
        credential: CredentialId,
        (gathered, how): (&Gathered, HoldEnd),
    ) {
        let mut presence = self.presence_of(credential);
        let Some(visit) = presence.visit.as_mut().filter(|visit| visit.hold.is_some()) else {
            return;
        };
        let grace = gathered.value(Param::TariffOverstayGrace).span();
        self.end_hold(credential, visit, self.now, (how, grace));
        self.state.tables.presence.put(credential, presence);
    }

    /// Money that came over the card terminal of a pay point, for what is owed.
    fn take_payment(&mut self, payment: &Payment) {
        let Payment { key, account, amount, terminal } = payment;
        let taken = self.site_account(AccountKind::Card, terminal.as_str());
        let booking = Booking::new(Purpose::Payment, format!("payment:{key}"), self.now);
        let [owed, rest] = self.paid_of(*account, *amount);
        self.post(booking.at_device(terminal), &[(taken, -*amount), owed, rest]);
    }

    /// What an amount pays of a debt: unpaid charges first, then the negative wallet.
    pub(crate) fn paid_of(&mut self, wallet: AccountId, amount: Money) -> [(AccountId, Money); 2] {
        let owed = wallet.beside();
        let first = amount.min(Money::ZERO.max(-self.balance(owed)));
        [(owed, first), (wallet, amount - first)]
    }
}
