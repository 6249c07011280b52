//! Requests that wait: a child for an adult, a held child for a guardian, a face for an operator
//! (`decisions.md` 2 and 12 of the specification). What waits is a row; the awaited read or the
//! deadline decides.

use jiff::tz::TimeZone;

use crate::{
    combine::Combined,
    command::Action,
    event::Direction,
    expiry::Timer,
    facts::EventKind,
    gather::Gathered,
    ids::MemberId,
    judge::judge,
    look::{ACCOMPANIED, Asked},
    params::Param,
    reasons::{Class, Reason},
    rows::{CredentialState, Waiting, WaitingKey, WaitsFor},
    seen::Seen,
    state::Noted,
    step::{Message, Step},
    time::{Span, Timestamp},
    verdict::Outcome,
};

/// How long an operator has to compare a face with its photo (our choice).
const PHOTO_CHECK: Span = Span::seconds(60);

impl Step<'_> {
    /// Whether the request waits for somebody instead of being refused now.
    pub(crate) fn waits(
        &mut self,
        asked: &Asked,
        seen: &Seen,
        gathered: &Gathered,
        combined: &Combined,
    ) -> bool {
        let key = WaitingKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        let Some((on, time)) = awaited(seen, gathered, combined) else { return false };
        let until = asked.at.plus(time);
        let known = self.state.tables.waiting.read(&key).is_some();
        if !known {
            let row = Waiting { kind: asked.kind, since: asked.at, until, on, photo: false };
            self.state.tables.waiting.put(key.clone(), row);
            self.state.timers.start(until, Timer::Waiting(key));
        }
        self.remember_read_only(asked);
        let wait = Action::Wait { direction: asked.direction(), until };
        self.command(asked.device.clone(), None, wait);
        true
    }

    /// A held child may be let go by a guardian who reads within 15 s.
    pub(crate) fn awaits_guardian(&mut self, asked: &Asked) {
        let key = WaitingKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        let until = asked.at.plus(ACCOMPANIED);
        let (kind, on) = (asked.kind, WaitsFor::Guardian);
        self.forget_waiting(&key);
        let row = Waiting { kind, since: asked.at, until, on, photo: false };
        self.state.tables.waiting.put(key.clone(), row);
        self.state.timers.start(until, Timer::Waiting(key));
    }

    /// Nothing waits there any more.
    pub(crate) fn forget_waiting(&mut self, key: &WaitingKey) -> Option<Waiting> {
        let row = self.state.tables.waiting.read(key).cloned()?;
        self.state.timers.stop(row.until, Timer::Waiting(key.clone()));
        self.state.tables.waiting.remove(key.clone());
        Some(row)
    }

    /// The deadline: who waited is decided as things stand.
    pub(crate) fn waited(&mut self, key: &WaitingKey, at: Timestamp) {
        let Some(row) = self.forget_waiting(key) else { return };
        if row.on != WaitsFor::Guardian {
            self.decide_waiting(key, &row, at, true);
        }
    }

    /// Who waits at a gate for `on`, and may still be joined at `at`.
    fn waiting_at(&self, asked: &Asked, on: WaitsFor) -> Vec<(WaitingKey, Waiting)> {
        let rows = self.state.tables.waiting.iter();
        let here = rows.filter(|(key, row)| {
            key.gate == asked.device
                && key.uid != asked.uid
                && row.on == on
                && asked.at <= row.until
        });
        here.map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// Somebody was let in: a child that waited for that is let in as well.
    pub(crate) fn accompanied(&mut self, asked: &Asked) {
        if asked.direction() == Direction::Exit || self.state.tables.waiting.is_empty() {
            return;
        }
        for (key, row) in self.waiting_at(asked, WaitsFor::Adult) {
            self.decide_waiting(&key, &row, asked.at, false);
        }
    }

    /// An operator compared a face with its photo.
    pub(crate) fn photo_checked(&mut self, key: &WaitingKey, same: bool) {
        let Some(mut row) = self.forget_waiting(key) else { return };
        row.photo = same;
        self.decide_waiting(key, &row, self.now, true);
    }

    /// Decides for one who waits. Unless it is `last`, a refusal leaves things as they are.
    fn decide_waiting(&mut self, key: &WaitingKey, row: &Waiting, at: Timestamp, last: bool) {
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&key.gate) else { return };
        let (device, uid) = (key.gate.clone(), key.uid.clone());
        let asked = Asked::of(at, row.kind, device.clone(), uid);
        let mut seen = self.look(&asked, gate);
        if let Some(holder) = seen.holder.as_mut() {
            holder.photo = row.photo;
        }
        let (gathered, combined) = self.judged(&seen, &site.time_zone);
        if last || combined.outcome.opens() {
            self.forget_waiting(key);
            let message = Message::of(device, None, at);
            self.act(&message, &asked, seen, gathered, combined);
        }
    }

    /// Somebody reads at an exit where a child is held: a guardian lets it go, a stranger raises
    /// the alarm. Whether that was all the read was for: its holder stands outside.
    pub(crate) fn reads_for_child(&mut self, asked: &Asked, seen: &Seen) -> bool {
        if asked.direction() == Direction::Entry || self.state.tables.waiting.is_empty() {
            return false;
        }
        let held = self.waiting_at(asked, WaitsFor::Guardian);
        let Some(holder) = seen.holder.as_ref().filter(|_| !held.is_empty()) else {
            return false;
        };
        let outside = holder.presence.inside == 0;
        let known = holder.state == CredentialState::Active;
        let mut fetched = false;
        for (key, _) in &held {
            let Some(child) = self.state.tables.credentials.read(&key.uid).cloned() else {
                continue;
            };
            if !known || !self.is_guardian(holder.member, child.member) {
                continue;
            }
            fetched = true;
            self.remember_read_only(asked);
            self.forget_waiting(key);
            self.decide_hold_again(child.id, Some(&asked.device), false);
        }
        if !fetched && outside {
            for (key, _) in &held {
                let child = self.state.tables.credentials.read(&key.uid).map(|child| child.id);
                if let Some(child) = child {
                    self.decide_hold_again(child, Some(&asked.device), true);
                }
            }
        }
        if fetched {
            let noted = Noted::PickedUp { guardian: holder.member };
            let device = Some(asked.device.clone());
            let entry = crate::state::Entry { at: asked.at, device, source: None, noted };
            self.batch.journal.push(entry);
        }
        outside
    }

    fn is_guardian(&mut self, guardian: MemberId, child: MemberId) -> bool {
        let child = self.state.tables.members.read(&child);
        let kin = child.and_then(|child| child.kin.as_deref());
        kin.is_some_and(|kin| kin.guardians.contains(&guardian))
    }

    /// Gathers the facts and decides, once.
    pub(crate) fn judged(&self, seen: &Seen, zone: &TimeZone) -> (Gathered, Combined) {
        let gathered = Gathered::of(seen, &self.values, zone);
        let combined = judge(seen, &gathered, self.policy, zone);
        (gathered, combined)
    }
}

/// What would cure the refusal by itself within a while, if anything: it has to be the only reason.
fn awaited(seen: &Seen, gathered: &Gathered, combined: &Combined) -> Option<(WaitsFor, Span)> {
    if combined.outcome != Outcome::Deny || seen.kind != EventKind::Entry {
        return None;
    }
    let mut refusing = combined.reasons.iter().filter(|found| found.class == Class::Deny);
    let only = refusing.next().map(|found| found.reason).filter(|_| refusing.next().is_none())?;
    let holder = seen.holder.as_ref()?;
    match only {
        Reason::SupervisionRequired => {
            let others = holder.family.as_ref().map_or(&[][..], |family| &family.others);
            let may_come = others.iter().any(|one| one.adult && !one.behind);
            may_come.then_some((WaitsFor::Adult, ACCOMPANIED))
        }
        Reason::AuthFactorFailed => {
            let mode = gathered.value(Param::CredentialAuthenticationMode);
            let photo = mode.word() == "card_and_photo_check";
            photo.then_some((WaitsFor::Photo, PHOTO_CHECK))
        }
        _ => None,
    }
}
