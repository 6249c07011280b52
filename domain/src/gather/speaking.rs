//! Which of a holder's passes speaks for a request.

use jiff::{ToSpan, civil::Date, tz::TimeZone};

use super::{Hours, Stay};
use crate::{
    ids::PassId,
    params::{Param, Value},
    rows::{Pass, Tariff, TariffKey},
    scope::{Layers, ParamTable},
    seen::Seen,
    windows::local_date,
};

/// The pass that speaks for a request, and what it comes to.
#[derive(Clone, Debug)]
pub(crate) struct Speaking {
    pub(crate) id: PassId,
    pub(crate) pass: Pass,
    pub(crate) tariff: Tariff,
    /// Whether its visit is open, or goes on.
    pub(super) visiting: bool,
    pub(super) state: &'static str,
    pub(super) allowed: bool,
    pub(super) open: bool,
}

impl Speaking {
    /// The tariff version that the pass was sold under.
    pub(crate) fn tariff_key(&self) -> TariffKey {
        TariffKey { tariff: self.pass.tariff.clone(), version: self.pass.tariff_version }
    }
}

/// Which pass speaks: the open visit's, then those that would grant, then the earliest end, the
/// fewest visits left, the lowest id. If none grants, the first one gives the reasons.
pub(super) fn speaking<'a>(
    seen: &'a Seen,
    table: &'a ParamTable,
    zone: &TimeZone,
) -> Option<(Speaking, Layers<'a>)> {
    let holder = seen.holder.as_ref()?;
    let all = holder.passes.iter();
    let candidates =
        all.map(|(id, pass, tariff)| candidate(seen, (*id, pass, tariff), table, zone));
    candidates.min_by_key(|(one, _)| {
        (
            !one.visiting,
            !(one.allowed && one.open),
            one.pass.valid_until.unwrap_or(Date::MAX),
            one.pass.visits_free().unwrap_or(u32::MAX),
            one.id,
        )
    })
}

/// A pass that could speak, and what is set for whoever asks with it.
fn candidate<'a>(
    seen: &'a Seen,
    (id, pass, tariff): (PassId, &'a Pass, &Tariff),
    table: &'a ParamTable,
    zone: &TimeZone,
) -> (Speaking, Layers<'a>) {
    let layers = table.layers(&seen.place(Some(&pass.tariff)));
    let visiting = match seen.visit() {
        Some(visit) => visit.pass == Some(id),
        None => {
            let left = seen.holder.as_ref().and_then(|holder| holder.presence.left.as_ref());
            let window = layers.resolve(Param::TariffReentryWindow).value.span();
            let back = Stay::of(seen, window) == Stay::ComesBack;
            back && left.is_some_and(|left| left.visit.pass == Some(id))
        }
    };
    let grace = layers.resolve(Param::MembershipExpiryGrace).value;
    let inside = visiting && seen.visit().is_some();
    let today = local_date(seen.judged_at(), zone);
    let state = membership_state(pass, today, &grace, (visiting, inside));
    let allowed = layers.resolve(Param::MembershipAllowedStates).value;
    // Of several passes one that is open speaks; of one there is nothing to choose.
    let several = seen.holder.as_ref().is_some_and(|holder| holder.passes.len() > 1);
    let open = several && {
        let hours = Hours::of(&layers);
        hours.open(seen.at, zone, true) && hours.open(seen.at, zone, false)
    };
    let speaking = Speaking {
        id,
        pass: pass.clone(),
        tariff: tariff.clone(),
        visiting,
        state,
        allowed: allowed.names(Param::MembershipAllowedStates, state),
        open,
    };
    (speaking, layers)
}

/// What dates and visits make of a pass.
fn membership_state(
    pass: &Pass,
    today: Date,
    grace: &Value,
    (visiting, inside): (bool, bool),
) -> &'static str {
    use crate::rows::PassState::{Active, Frozen};
    // A freeze that begins during a visit is for the next one.
    if pass.state != Active && !(inside && pass.state == Frozen) {
        return pass.state.name();
    }
    let days = match grace {
        Value::Dur(dur) => dur.days,
        _ => 0,
    };
    let ended = pass.valid_until.filter(|last| *last < today);
    if ended.is_some_and(|last| last.saturating_add(days.days()) < today) {
        return "expired";
    }
    if pass.visits_free() == Some(0) && !visiting {
        return "depleted";
    }
    if ended.is_some() { "grace" } else { "active" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn grace_counts_whole_days_after_the_last_one() {
        let pass = Pass {
            tariff: "month".into(),
            tariff_version: 1,
            state: crate::rows::PassState::Active,
            valid_from: date("2026-01-01"),
            valid_until: Some(date("2026-09-10")),
            visits_left: None,
            visits_reserved: 0,
            paid: crate::money::Money::ZERO,
            sale: None,
        };
        let grace = Value::parse(Param::MembershipExpiryGrace, "P3D").unwrap();
        for (today, state) in [
            ("2026-09-10", "active"),
            ("2026-09-11", "grace"),
            ("2026-09-13", "grace"),
            ("2026-09-14", "expired"),
        ] {
            assert_eq!(
                membership_state(&pass, date(today), &grace, (false, false)),
                state,
                "{today}"
            );
        }
    }
}
