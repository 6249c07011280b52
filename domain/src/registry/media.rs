//! Bands, cards and tickets: given out, given back, lost, blocked, replaced. Each change is a line
//! of a history that only grows.
//!
//! What somebody is inside with is given to nobody else: it is given back after the exit. Where it
//! is lost meanwhile, another one takes its place with the visit, the lockers and the hold.

use super::{Carried, Issue, Report, short};
use crate::{
    expiry::Timer,
    ids::{CredentialId, HeldId, MemberId, Uid},
    rows::{Credential, CredentialKind, CredentialState, Extras, Held, HeldEvent, Presence},
    step::Step,
};

/// How long what a reader reports may be.
const UID_LENGTH: std::ops::RangeInclusive<usize> = 4..=64;
/// The most people of a party card (our choice).
const PARTY_MAX: u16 = 500;

impl Step<'_> {
    pub(super) fn may_issue(&mut self, issue: &Issue) -> Result<(), String> {
        self.member(issue.member)?;
        if let Some(host) = issue.host {
            let known = self.member(host).is_ok() && host != issue.member;
            known.then_some(()).ok_or("the host is another member")?;
        }
        let party = issue.kind == CredentialKind::PartyCard;
        let sizes = if party { 2..=PARTY_MAX } else { 1..=1 };
        if !sizes.contains(&issue.party_size) {
            return Err(format!(
                "a party card is for 2 to {PARTY_MAX} people, everything else for one"
            ));
        }
        let late = issue.valid_until.is_some_and(|until| until <= self.now);
        let empty = issue.valid_from.zip(issue.valid_until).is_some_and(|(from, to)| to <= from);
        if late || empty {
            return Err("it would never be valid; its end lies after its beginning".to_owned());
        }
        short(&issue.reason)?;
        self.is_free(&issue.uid)
    }

    /// Whether a band may be given out: nobody knows it, or it was given back.
    fn is_free(&mut self, uid: &Uid) -> Result<(), String> {
        let letters = uid.as_str().bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !letters || !UID_LENGTH.contains(&uid.as_str().len()) {
            return Err(format!(
                "`{uid}` is nothing that a reader reports: 4 to 64 of 0-9 and A-Z"
            ));
        }
        let Some(held) = self.state.tables.credentials.read(uid).cloned() else { return Ok(()) };
        if held.state != CredentialState::Returned {
            let state = held.state.name();
            return Err(format!("`{uid}` is given out and {state}; it is given back first"));
        }
        self.is_unused(&held)
    }

    /// Nobody is inside by it, on the way, or has a locker closed with it.
    fn is_unused(&mut self, held: &Credential) -> Result<(), String> {
        let presence = self.presence_of(held.id);
        if presence.inside > 0 {
            return Err("its holder is inside; it is given back after the exit. If it is lost, \
                        give out another one in its place"
                .to_owned());
        }
        self.is_still(&presence)?;
        match presence.lockers.first() {
            Some(locker) => Err(format!("the locker {locker} is closed with it; open that first")),
            None => Ok(()),
        }
    }

    /// No passage is under way.
    fn is_still(&self, presence: &Presence) -> Result<(), String> {
        let still = presence.pending.is_none();
        still.then_some(()).ok_or_else(|| {
            "somebody is passing a gate with it; wait some seconds, then repeat it".to_owned()
        })
    }

    fn held(&mut self, uid: &Uid) -> Result<Credential, String> {
        let held = self.state.tables.credentials.read(uid).cloned();
        held.ok_or_else(|| format!("nobody was given `{uid}`"))
    }

    pub(super) fn may_turn(
        &mut self,
        uid: &Uid,
        event: HeldEvent,
        reason: &str,
    ) -> Result<(), String> {
        use CredentialState::{Active, Blocked, Lost, Stolen};
        let held = self.held(uid)?;
        short(reason)?;
        let from: &[CredentialState] = match event {
            HeldEvent::Returned => &[Active, Blocked, Lost, Stolen],
            HeldEvent::Lost => &[Active, Blocked],
            HeldEvent::Stolen => &[Active, Blocked, Lost],
            HeldEvent::Blocked => &[Active],
            HeldEvent::Unblocked => &[Blocked],
            HeldEvent::Issued | HeldEvent::Replaced => &[],
        };
        if !from.contains(&held.state) {
            let (state, event) = (held.state.name(), event.name());
            return Err(format!("`{uid}` is {state}, so it cannot be {event}"));
        }
        match event {
            HeldEvent::Returned => self.is_unused(&held),
            _ => Ok(()),
        }
    }

    pub(super) fn may_replace(
        &mut self,
        uid: &Uid,
        with: &Uid,
        reason: &str,
    ) -> Result<(), String> {
        use CredentialState::{Active, Lost, Stolen};
        let held = self.held(uid)?;
        short(reason)?;
        if !matches!(held.state, Active | Lost | Stolen) {
            let state = held.state.name();
            return Err(format!("`{uid}` is {state}; only what is lost or stolen is replaced"));
        }
        let replaced = held.extras.as_ref().and_then(|extras| extras.replaced_by.as_ref());
        if let Some(other) = replaced {
            return Err(format!("`{other}` was given out in its place already"));
        }
        let presence = self.presence_of(held.id);
        self.is_still(&presence)?;
        self.is_free(with)
    }

    pub(super) fn issue_credential(&mut self, carried: &Carried<'_>, issue: &Issue) -> Report {
        let Some(id) = carried.about.credential else { return Report::default() };
        let host = issue.host.map(|host| Extras { host: Some(host), ..Extras::default() });
        let row = Credential {
            id,
            member: issue.member,
            state: CredentialState::Active,
            valid_from: issue.valid_from,
            valid_until: issue.valid_until,
            party_size: issue.party_size,
            kind: issue.kind,
            adult: issue.adult,
            collected: false,
            extras: host.map(Box::new),
        };
        self.give_out(carried, &issue.uid, row, &issue.reason)
    }

    /// From now on `row` is what a reader sees as `uid`; who held it before has nothing to do with
    /// it any more.
    fn give_out(
        &mut self,
        carried: &Carried<'_>,
        uid: &Uid,
        row: Credential,
        reason: &str,
    ) -> Report {
        let tables = &mut self.state.tables;
        let before = tables.credentials.read(uid).map(|held| held.id);
        if let Some(before) = before
            && tables.presence.read(&before).is_some()
        {
            tables.presence.remove(before);
        }
        if tables.attempts.read(uid).is_some() {
            tables.attempts.remove(uid.clone());
        }
        let (id, member, kind) = (row.id, row.member, row.kind);
        tables.credentials.put(uid.clone(), row);
        self.join_family(uid, member);
        self.carries_otherwise(member);
        self.remember(carried, (uid, id, member), HeldEvent::Issued, reason);
        let active = Some(CredentialState::Active.name().to_owned());
        let kind = Some(kind.name().to_owned());
        Report::default().told("state", None, active).told("kind", None, kind).why(reason)
    }

    pub(super) fn turn(
        &mut self,
        carried: &Carried<'_>,
        uid: &Uid,
        event: HeldEvent,
        reason: &str,
    ) -> Report {
        let Ok(held) = self.held(uid) else { return Report::default() };
        let state = match event {
            HeldEvent::Returned => CredentialState::Returned,
            HeldEvent::Lost => CredentialState::Lost,
            HeldEvent::Stolen => CredentialState::Stolen,
            HeldEvent::Blocked => CredentialState::Blocked,
            HeldEvent::Unblocked => CredentialState::Active,
            HeldEvent::Issued | HeldEvent::Replaced => held.state,
        };
        let returned = state == CredentialState::Returned;
        let (before, id, member) = (held.state, held.id, held.member);
        let mut row = Credential { state, collected: held.collected || returned, ..held };
        if returned {
            row.forget_loss_paid();
        }
        self.state.tables.credentials.put(uid.clone(), row);
        let kept = match event {
            HeldEvent::Lost | HeldEvent::Stolen => self.keep_deposit(carried, uid),
            _ => None,
        };
        if returned {
            if self.state.tables.presence.read(&id).is_some() {
                self.state.tables.presence.remove(id);
            }
            self.in_family_of(member, |people| people.retain(|known| known != uid));
        }
        self.carries_otherwise(member);
        self.remember(carried, (uid, id, member), event, reason);
        let words = [before, state].map(|state| Some(state.name().to_owned()));
        let [before, after] = words;
        let report = Report::default().told("state", before, after);
        report.told("deposit_kept", None, kept).why(reason)
    }

    /// The deposit of a band that is lost, as it is told where it was kept.
    fn keep_deposit(&mut self, carried: &Carried<'_>, uid: &Uid) -> Option<String> {
        let by = (&carried.order.operator, carried.decision);
        let kept = self.forfeit_deposit(uid, Some(by))?;
        Some(self.state.site.currency.exact(kept).to_string())
    }

    pub(super) fn replace(
        &mut self,
        carried: &Carried<'_>,
        (uid, with): (&Uid, &Uid),
        reason: &str,
    ) -> Report {
        let (Some(id), Ok(held)) = (carried.about.credential, self.held(uid)) else {
            return Report::default();
        };
        let host = held.extras.as_ref().and_then(|extras| extras.host);
        // Codes belong to the number of a card, so that a new card begins without one.
        let extras = host.map(|host| Box::new(Extras { host: Some(host), ..Extras::default() }));
        let state = CredentialState::Active;
        let row = Credential { id, state, collected: false, extras, ..held.clone() };
        let mut old = held.clone();
        if old.state == CredentialState::Active {
            old.state = CredentialState::Lost;
        }
        old.forget_loss_paid();
        old.extras.get_or_insert_default().replaced_by = Some(with.clone());
        self.remember(carried, (uid, old.id, old.member), HeldEvent::Replaced, reason);
        self.state.tables.credentials.put(uid.clone(), old);
        self.in_family_of(held.member, |people| people.retain(|known| known != uid));
        let kept = self.keep_deposit(carried, uid);
        let report = self.give_out(carried, with, row, reason);
        self.take_over(held.id, (id, with));
        report.told("deposit_kept", None, kept).told("replaces", None, Some(held.id.to_string()))
    }

    /// Whoever is inside stays so, with visit, hold and lockers, and leaves by the new credential.
    fn take_over(&mut self, from: CredentialId, (to, with): (CredentialId, &Uid)) {
        let Some(mut presence) = self.state.tables.presence.read(&from).cloned() else { return };
        if let Some(visit) = presence.visit.as_mut() {
            visit.uid = with.clone();
            let hold = visit.hold.as_ref().filter(|hold| !hold.expired);
            if let Some(until) = hold.and_then(|hold| hold.until) {
                self.state.timers.stop(until, Timer::Hold(from));
                self.state.timers.start(until, Timer::Hold(to));
            }
        }
        if let Some(left) = presence.left.as_mut() {
            left.visit.uid = with.clone();
        }
        for id in &presence.lockers {
            if let Some(mut locker) = self.state.tables.lockers.read(id).cloned() {
                locker.holder = Some(with.clone());
                self.state.tables.lockers.put(id.clone(), locker);
            }
        }
        self.state.tables.presence.remove(from);
        self.state.tables.presence.put(to, presence);
    }

    fn in_family_of(&mut self, member: MemberId, change: impl FnOnce(&mut Vec<Uid>)) {
        let kin = self.state.tables.members.read(&member).and_then(|row| row.kin.as_deref());
        if let Some(family) = kin.and_then(|kin| kin.family) {
            self.change_people(family, change);
        }
    }

    /// A line of the history.
    fn remember(
        &mut self,
        carried: &Carried<'_>,
        (uid, credential, member): (&Uid, CredentialId, MemberId),
        event: HeldEvent,
        reason: &str,
    ) {
        let id = HeldId(self.state.ids.make(self.now));
        let held = Held {
            uid: uid.clone(),
            credential,
            member: Some(member),
            event,
            at: carried.message.at,
            operator: Some(carried.order.operator.clone()),
            decision: Some(carried.decision),
            reason: Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty()),
        };
        self.batch.held.push((id, held));
    }
}
