//! Which pass speaks, what state it is in, and whether it is open (rows 7, 8, 10, 11, 18).

use domain::{
    facts::EventKind,
    ids::PassId,
    rows::{Left, Pass, Tariff},
    scope::Scope,
};

use crate::{
    answer::Asked,
    calendar::{self, SECOND},
    profile::Val,
    resolve::Who,
};

/// What an entry makes of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    GoesOn,
    ComesBack,
    Begins,
}

/// The pass that speaks.
pub(crate) struct Speaks<'a> {
    pub(crate) id: PassId,
    pub(crate) pass: &'a Pass,
    pub(crate) tariff: &'a Tariff,
    pub(crate) state: &'static str,
    pub(crate) allowed: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn left(&self) -> Option<&'a Left> {
        let presence = &self.seen.holder.as_ref()?.presence;
        presence.left.as_ref().filter(|_| presence.visit.is_none())
    }

    /// What an entry makes of the visit by the values of `who` (row 18).
    fn stay_of(&self, who: &Who<'_>) -> Stay {
        let open = self.seen.holder.as_ref().is_some_and(|one| one.presence.visit.is_some());
        if !self.is(EventKind::Entry) || open {
            return Stay::GoesOn;
        }
        let window = self.profile.seconds(18, who) * SECOND;
        let back = |left: &Left| window > 0 && self.at - left.at.micros() <= window;
        if self.left().is_some_and(back) { Stay::ComesBack } else { Stay::Begins }
    }
    pub(crate) fn stay(&self) -> Stay {
        self.stay_of(&self.who)
    }

    /// At a locker rows 7, 8 and 10 are judged as at the entry of the open visit.
    pub(crate) fn judged_at(&self) -> i64 {
        let visit = self.seen.holder.as_ref().and_then(|one| one.presence.visit.as_ref());
        let visit = visit.filter(|_| self.is(EventKind::LockerOpen));
        visit.map_or(self.at, |visit| visit.granted.micros())
    }

    /// Whether the site's own hours are open, and whether all others are.
    pub(crate) fn open(&self, who: &Who<'_>, at: i64) -> (bool, bool) {
        let own = self.profile.settings[11].iter().find(|set| set.scope == Scope::Site);
        let own = match own.map(|set| &set.val) {
            Some(Val::Dur(days, seconds)) => days * 86_400 + seconds,
            _ => 0,
        };
        let others = self.profile.seconds(11, who);
        let mut open = (true, true);
        for (_, set) in self.profile.matching(10, who) {
            let Val::Hours(all) = &set.val else { continue };
            let site = set.scope == Scope::Site;
            let margin = if site { own } else { others };
            let ahead = self.profile.ahead;
            let inside = all.iter().all(|hours| calendar::is_open(hours, at, margin, ahead));
            match site {
                true => open.0 &= inside,
                false => open.1 &= inside,
            }
        }
        open
    }

    fn state(&self, who: &Who<'_>, pass: &Pass, visiting: bool) -> &'static str {
        let made = pass.state.name();
        // A freeze that begins during a visit is for the next one.
        let inside = visiting
            && self.seen.holder.as_ref().is_some_and(|holder| holder.presence.visit.is_some());
        if made != "active" && !(made == "frozen" && inside) {
            return made;
        }
        let today = calendar::day_of(self.judged_at(), self.profile.ahead);
        let Val::Dur(grace, _) = self.profile.value(8, who) else { return "expired" };
        let over = pass.valid_until.map_or(0, |last| today - calendar::of(last));
        let none_left = pass.visits_left.is_some_and(|left| left <= pass.visits_reserved);
        if over > 0 && over > grace {
            "expired"
        } else if none_left && !visiting {
            "depleted"
        } else if over > 0 {
            "grace"
        } else {
            "active"
        }
    }

    /// The open visit's, then those that would grant, then the earliest end, the fewest visits
    /// left, the lowest id.
    pub(crate) fn speaking(&self) -> Option<Speaks<'a>> {
        let holder = self.seen.holder.as_ref()?;
        let candidates = holder.passes.iter().map(|(id, pass, tariff)| {
            let who = Who { tariff: Some(&pass.tariff), ..self.who.clone() };
            let visiting = match &holder.presence.visit {
                Some(visit) => visit.pass == Some(*id),
                None => {
                    let same = self.left().is_some_and(|left| left.visit.pass == Some(*id));
                    same && self.stay_of(&who) == Stay::ComesBack
                }
            };
            let state = self.state(&who, pass, visiting);
            let allowed = self.profile.names(7, &who, state);
            let would = allowed && self.open(&who, self.at) == (true, true);
            let end = pass.valid_until.map_or(i64::MAX, calendar::of);
            let left = pass.visits_left.map(|left| left.saturating_sub(pass.visits_reserved));
            let order = (!visiting, !would, end, left.unwrap_or(u32::MAX), *id);
            (order, Speaks { id: *id, pass, tariff, state, allowed })
        });
        candidates.min_by_key(|(order, _)| *order).map(|(_, speaks)| speaks)
    }
}
