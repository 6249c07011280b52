//! Makes facts of what a request saw: everything that rules may ask, whatever they do ask.
//!
//! Pure: the same request with the same values gives the same facts, today and when a record is
//! asked again.

use jiff::{civil::Date, tz::TimeZone};

use crate::{
    bill::Bill,
    facts::{EventKind, Facts},
    ids::ZoneId,
    limit::{Limit, Period},
    lockers::LockerBill,
    money::Money,
    params::{CATALOGUE, DefaultFor, Param, Value},
    reasons::Reason,
    rows::{CredentialKind, Visits},
    scope::{Layers, ParamTable, Place, Scope, Supplied},
    seen::{Seen, SeenPin},
    time::{Span, Timestamp},
    windows::{local_date, next_open_of_all},
};

mod hours;
mod speaking;

use hours::Hours;
pub(crate) use speaking::Speaking;
use speaking::speaking;

/// No hold lasts longer (section 5 of `decisions.md` of the specification).
const HOLD_MAX: Span = Span::seconds(30 * 60);

/// In timed mode the re-entry lock lasts this long where no scope sets one (parameter 20).
const TIMED_LOCK: Span = Span::seconds(600);

/// The facts of a request, the values in force for it, the pass that speaks, and the money.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The facts, as rules see them.
    pub facts: Facts,
    /// The value in force of each parameter, in the order of the catalogue.
    pub values: Vec<Supplied>,
    pub(crate) speaking: Option<Speaking>,
    pub(crate) bill: Bill,
    /// When the hours end that a visit would be begun in.
    pub(crate) hours_end: Option<Timestamp>,
    pub(crate) stay: Stay,
    /// What each zone costs that the visit was not charged for yet.
    pub(crate) surcharges: Vec<(ZoneId, Money)>,
    pub(crate) lockers: LockerBill,
    /// The reasons that an operator lifts.
    pub(crate) lifted: Vec<Reason>,
}

/// What an entry makes of the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// One is open and goes on; an exit begins none either.
    GoesOn,
    /// The one that was left goes on: its holder came back in time (parameter 18).
    ComesBack,
    /// A new one begins.
    Begins,
}

impl Stay {
    fn of(seen: &Seen, window: Span) -> Self {
        if seen.kind != EventKind::Entry || seen.visit().is_some() {
            return Self::GoesOn;
        }
        let left = seen.holder.as_ref().and_then(|holder| holder.presence.left.as_ref());
        // The last instant is included; PT0S is never.
        let back = left.is_some_and(|left| window.0 > 0 && seen.at.since(left.at) <= window);
        if back { Self::ComesBack } else { Self::Begins }
    }
}

impl Gathered {
    /// Gathers everything for what was `seen`, by the values of `table`.
    #[must_use]
    pub fn of(seen: &Seen, table: &ParamTable, zone: &TimeZone) -> Self {
        let (speaking, layers) = speaking(seen, table, zone).unzip();
        let guest = speaking.as_ref().is_some_and(|speaking| speaking.tariff.day_guest);
        let mut classes = seen.classes.clone();
        classes.extend(guest.then_some(DefaultFor::DayGuest));
        let tariff = speaking.as_ref().map(|speaking| &speaking.pass.tariff);
        let place = Place { classes: &classes, ..seen.place(tariff) };
        let layers = layers.unwrap_or_else(|| table.layers(&place)).with_classes(&classes);
        // Whatever follows a schedule is what it is now, for rules as for the floor.
        let now = |Supplied { param, value, scope }| {
            let follows = matches!(value, Value::Scheduled(..));
            let value = if follows { value.at(seen.at, zone).clone() } else { value };
            Supplied { param, value, scope }
        };
        let values = CATALOGUE.iter().map(|spec| layers.resolve(spec.param));
        let values: Vec<_> = values.map(now).collect();
        let stay = Stay::of(seen, values[Param::TariffReentryWindow as usize].value.span());
        let facts = Facts::default();
        let mut gathering = Gathering { seen, table, zone, place, layers, values, stay, facts };
        gathering.who();
        gathering.factors();
        gathering.pass(speaking.as_ref());
        gathering.certificate();
        gathering.limits();
        let hours_end = gathering.hours();
        gathering.presence();
        gathering.zones();
        gathering.people();
        let surcharges = gathering.surcharges();
        let Gathering { mut facts, mut values, .. } = gathering;
        let lockers = LockerBill::of(seen, &place, table, &mut values, (zone, &mut facts));
        if let Some(speaking) = speaking.as_ref().filter(|_| facts.takes_visit) {
            facts.entry_price = speaking.tariff.entry_price;
        }
        facts.surcharge = surcharges.iter().map(|(_, amount)| *amount).sum();
        facts.spent_today = seen.holder.as_ref().map_or(Money::ZERO, |holder| holder.spent);
        let bill = Bill::of(seen, &values, speaking.as_ref());
        bill.tell(seen.at, &mut facts);
        let mut lifted = seen.lifted.clone().map(|(_, codes)| codes).unwrap_or_default();
        if let Some(order) = &seen.order {
            let value = |param: Param| values[param as usize].value.clone();
            order.tell(&place, table, value, &mut facts);
            lifted.extend(order.lifted(&place, table));
        }
        Self { facts, values, speaking, bill, hours_end, stay, surcharges, lockers, lifted }
    }

    /// What was seen once the wallet has settled what it can, and the overstay is charged, as a
    /// hold books it.
    #[must_use]
    pub fn booked(&self, seen: &Seen) -> Seen {
        let mut seen = seen.clone();
        self.bill.book(&mut seen);
        seen
    }

    /// Whether a wallet pays something of it, now or with the passage.
    pub(crate) fn pays(&self) -> bool {
        let at_gate = [self.facts.entry_price, self.facts.surcharge, self.facts.costs];
        let all = at_gate.into_iter().chain([self.bill.settled, self.bill.charge]);
        all.into_iter().any(|amount| !amount.is_zero())
    }

    /// How long a hold may last in all (parameter 26): half an hour at most, whoever set it.
    pub(crate) fn hold_max(&self) -> Span {
        self.value(Param::DebtExitHoldMax).span().min(HOLD_MAX)
    }

    /// How long an entry is remembered against another one; zero never ends (parameter 20).
    pub(crate) fn reentry_lock(&self) -> Span {
        reentry_lock(&self.values).1
    }

    /// The value in force of a parameter.
    #[must_use]
    pub fn value(&self, param: Param) -> &Value {
        &self.values[param as usize].value
    }
}

/// One request while its facts are gathered.
struct Gathering<'a> {
    seen: &'a Seen,
    table: &'a ParamTable,
    zone: &'a TimeZone,
    place: Place<'a>,
    layers: Layers<'a>,
    values: Vec<Supplied>,
    stay: Stay,
    facts: Facts,
}

impl Gathering<'_> {
    fn value(&self, param: Param) -> &Value {
        &self.values[param as usize].value
    }

    fn who(&mut self) {
        let seen = self.seen;
        let facts = &mut self.facts;
        facts.device = seen.gate.device.as_ref().map(ToString::to_string).unwrap_or_default();
        facts.zone = seen.gate.target.as_ref().map(ToString::to_string).unwrap_or_default();
        facts.leaves_site = seen.leaves_site();
        let unnamed = seen.order.as_ref().is_some_and(|order| !order.named);
        let nobody = if unnamed { "none" } else { "unknown" };
        let state = seen.holder.as_ref().map_or(nobody, |holder| holder.state.name());
        facts.credential_state = state.to_owned();
        facts.member_age = seen.holder.as_ref().and_then(|holder| holder.age).unwrap_or(-1);
    }

    /// What the person showed beside the card (parameters 3 to 6).
    fn factors(&mut self) {
        let Some(holder) = &self.seen.holder else { return };
        let limits = self.value(Param::CredentialFailedAttemptLimit).limits();
        let lock = locked_until(limits, &holder.failed, self.seen.at, self.zone);
        let facts = &mut self.facts;
        facts.pin_right = matches!(holder.pin, SeenPin::Right | SeenPin::Duress);
        facts.duress = holder.pin == SeenPin::Duress;
        facts.photo_confirmed = holder.photo;
        facts.returnable = holder.kind == CredentialKind::Band;
        facts.band_returned = holder.collected;
        (facts.locked_out, facts.locked_until) = (lock.is_some(), lock);
    }

    fn pass(&mut self, speaking: Option<&Speaking>) {
        let Some(speaking) = speaking else { return };
        let facts = &mut self.facts;
        facts.has_pass = true;
        facts.membership_state = speaking.state.to_owned();
        facts.membership_allowed = speaking.allowed;
        facts.takes_visit = self.stay == Stay::Begins;
        let left = self.seen.holder.as_ref().and_then(|holder| holder.presence.left.as_ref());
        let used = left.is_some_and(|left| left.visit.pass == Some(speaking.id));
        facts.ticket_used = speaking.tariff.single_entry && used && facts.takes_visit;
        facts.counts_visits = speaking.pass.visits_left.is_some();
        facts.visits_left = speaking.pass.visits_free().map_or(0, i64::from);
    }

    /// Of the limits that are reached, the one that lasts longest speaks (parameter 17).
    fn limits(&mut self) {
        let Some(holder) = self.seen.holder.as_ref().filter(|_| self.facts.takes_visit) else {
            return;
        };
        let limits = self.value(Param::TariffMaxVisits).limits();
        if let Some((count, again)) = self.reached(limits, &holder.visits) {
            self.facts.visit_limit_reached = true;
            (self.facts.visit_limit, self.facts.visit_again_at) = (count, again);
        }
        let Some(host) = &holder.host else { return };
        // The limit is the host's (parameter 40).
        let place = Place {
            tariff: host.tariff.as_ref(),
            groups: &host.groups,
            member: Some(host.member),
            ..self.place
        };
        let limit = self.table.resolve(Param::GuestMaxPerHost, &place);
        self.facts.is_guest = true;
        if let Some((count, _)) = self.reached(limit.value.limits(), &host.guests) {
            self.facts.guest_limit_reached = true;
            self.facts.guest_limit = count;
        }
        self.values[Param::GuestMaxPerHost as usize] = limit;
    }

    /// How many the limit allows that is reached and lasts longest, and when it allows another.
    fn reached(&self, limits: &[Limit], visits: &Visits) -> Option<(i64, Option<Timestamp>)> {
        let now = self.seen.at;
        // What never ends lasts longest.
        let mut longest = None;
        for limit in limits {
            let slides = matches!(limit.period, Period::Sliding(_));
            let counts = |begun: &Timestamp| limit.period.counts(*begun, now, self.zone);
            let begun = visits.begun.iter();
            let begun = begun.map(|begun| if slides { begun.elapsing() } else { begun.at });
            let mut counted: Vec<Timestamp> = begun.filter(counts).collect();
            let all = i64::try_from(counted.len()).unwrap_or(i64::MAX);
            if !limit.is_reached(all.saturating_add(i64::from(visits.promised))) {
                continue;
            }
            counted.sort_unstable();
            // So many of the oldest have to be over until there is room for one more.
            let last = usize::try_from(all - limit.count).ok().and_then(|place| counted.get(place));
            let again = last.map(|begun| limit.period.over(*begun, self.zone));
            longest = longest.max(Some((limit.count == 0, again, limit.count)));
        }
        longest.map(|(_, again, count)| (count, again))
    }

    /// A certificate is valid through its date, that day included (parameter 38).
    fn certificate(&mut self) {
        let until = self.seen.holder.as_ref().and_then(|holder| holder.certificate_until);
        let Some(until) = until else {
            self.facts.certificate = "missing".to_owned();
            return;
        };
        let today = local_date(self.seen.at, self.zone);
        let days = today.until(until).map_or(0, |left| i64::from(left.get_days()));
        self.facts.certificate = if days < 0 { "ended" } else { "valid" }.to_owned();
        self.facts.certificate_days = days.abs();
    }

    /// Whether it is open, and when it closes or opens.
    fn hours(&mut self) -> Option<Timestamp> {
        let (at, zone) = (self.seen.judged_at(), self.zone);
        let hours = Hours::of(&self.layers);
        self.facts.site_open = hours.open(at, zone, true);
        self.facts.windows_open = hours.open(at, zone, false);
        if self.facts.site_open && self.facts.windows_open {
            // Only a visit that begins here is told when its hours end.
            return if self.stay == Stay::Begins { hours.end(at, zone) } else { None };
        }
        let all: Vec<_> = hours.sets.iter().map(|(_, set, margin)| (*set, *margin)).collect();
        self.facts.opens_at = next_open_of_all(&all, at, zone);
        None
    }

    fn presence(&mut self) {
        let Some(holder) = &self.seen.holder else { return };
        let (timed, lock) = reentry_lock(&self.values);
        let presence = &holder.presence;
        // What restricts is over at exactly the limit; a limit of zero never ends.
        let lasts = |since: Timestamp| lock.0 == 0 || self.seen.at.since(since) < lock;
        let remembered = timed || presence.entered.is_some_and(lasts);
        let entry = self.seen.kind == EventKind::Entry;
        let everybody = presence.behind && presence.inside >= holder.party_size;
        self.facts.inside = entry && everybody && remembered;
        self.facts.reentry_locked = presence.entered.is_some_and(lasts);
    }

    /// Of the zones entered a full one that refuses speaks, else one that warns, else the fullest;
    /// each is judged by the values of its own place.
    fn zones(&mut self) {
        let mut tightest = None;
        let gate = &self.seen.gate;
        for (zone, people) in &gate.entered {
            let layers = self.layers_of(zone);
            let limit = layers.resolve(Param::ZoneMaxOccupancy);
            let mode = layers.resolve(Param::ZoneOccupancyMode);
            let word = mode.value.word();
            let limited = limit.value.int() > 0 && word != "count_only";
            let free = if limited { limit.value.int().saturating_sub(*people) } else { i64::MAX };
            let rank = (free > 0, free <= 0 && word != "hard", free);
            if tightest.is_none_or(|least| rank < least) {
                tightest = Some(rank);
                self.facts.zone_name = zone.to_string();
                self.facts.zone_people = *people;
                self.values[Param::ZoneMaxOccupancy as usize] = limit;
                self.values[Param::ZoneOccupancyMode as usize] = mode;
            }
        }
    }

    /// What is set where `zone` is the innermost one.
    fn layers_of(&self, zone: &ZoneId) -> Layers<'_> {
        let zones = &self.seen.gate.zones;
        let depth = zones.iter().position(|id| id == zone).unwrap_or(0);
        let deeper = &zones[depth + 1..];
        self.layers.only(|scope| !matches!(scope, Scope::Zone(id) if deeper.contains(id)))
    }

    /// The party: who accompanies whom, and from whom a shared debt is due (parameters 31, 35, 36
    /// and 39).
    fn people(&mut self) {
        let Some(holder) = &self.seen.holder else { return };
        let others = holder.family.as_ref().map_or(&[][..], |family| &family.others);
        let below = self.value(Param::ZoneSupervisedUnderAge).int();
        let is_child = |age: Option<i64>| age.is_some_and(|age| age < below);
        let behind = || others.iter().filter(|one| one.behind);
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let adults = count(behind().filter(|one| one.adult).count());
        let own = usize::from(is_child(holder.age) && !holder.adult);
        let children = behind().filter(|one| !one.adult && is_child(one.age)).count();
        let shared = self.value(Param::WalletSharedWith).word() == "family";
        let family = holder.family.is_some() && shared;
        let others_stay = others.iter().any(|one| one.adult && one.inside);
        let facts = &mut self.facts;
        (facts.adults_present, facts.children_present) = (adults, count(children + own));
        facts.pickup_authorised = holder.picked_up;
        facts.due_here = !family || (!holder.is_minor() && !others_stay);
    }

    /// What each zone costs that the visit was not charged for yet (parameter 37): a value of an
    /// outer zone is charged once, however many zones lie in it.
    fn surcharges(&self) -> Vec<(ZoneId, Money)> {
        let charged = match self.stay {
            Stay::Begins => &[][..],
            Stay::GoesOn => self.seen.visit().map_or(&[][..], |visit| &visit.surcharged),
            Stay::ComesBack => {
                let left = self.seen.holder.as_ref().and_then(|one| one.presence.left.as_ref());
                left.map_or(&[][..], |left| &left.visit.surcharged)
            }
        };
        let mut found: Vec<(ZoneId, Money)> = Vec::new();
        for (zone, _) in &self.seen.gate.entered {
            let supplied = self.layers_of(zone).resolve(Param::ZoneSurcharge);
            let whose = match supplied.scope {
                Some(Scope::Zone(outer)) => outer,
                _ => zone.clone(),
            };
            let amount = supplied.value.amount();
            let known = charged.contains(&whose) || found.iter().any(|(zone, _)| *zone == whose);
            if amount > Money::ZERO && !known {
                found.push((whose, amount));
            }
        }
        found
    }
}

/// When the lock ends that failed attempts started; nothing where none holds (parameter 4).
pub(crate) fn locked_until(
    limits: &[Limit],
    failed: &[Timestamp],
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let locks = limits.iter().filter_map(|limit| {
        let lock = limit.lock?.span();
        // Each failure that is the n-th within the time starts the lock anew.
        let nth = failed.iter().filter(|at| {
            let counts = |one: &&Timestamp| **one <= **at && limit.period.counts(**one, **at, zone);
            let all = failed.iter().filter(counts).count();
            limit.is_reached(i64::try_from(all).unwrap_or(i64::MAX))
        });
        nth.map(|at| at.plus(lock)).max()
    });
    locks.max().filter(|until| now < *until)
}

/// Whether anti-passback is timed, and how long an entry is remembered (parameters 19 and 20).
fn reentry_lock(values: &[Supplied]) -> (bool, Span) {
    let reset = &values[Param::AntiPassbackResetAfter as usize];
    let timed = values[Param::AntiPassbackMode as usize].value.word() == "timed";
    (timed, if timed && reset.scope.is_none() { TIMED_LOCK } else { reset.value.span() })
}

/// The age in years on `today`; a birthday on 29 February counts from 1 March in a common year.
pub(crate) fn age_on(birth: Date, today: Date) -> i64 {
    let years = i64::from(today.year()) - i64::from(birth.year());
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    years - i64::from(!had_birthday)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_leap_day_child_has_its_birthday_on_1_march() {
        for (birth, today, age) in [
            ("2018-05-10", "2026-05-09", 7),
            ("2018-05-10", "2026-05-10", 8),
            ("2016-02-29", "2026-02-28", 9),
            ("2016-02-29", "2026-03-01", 10),
        ] {
            assert_eq!(age_on(date(birth), date(today)), age, "{birth} on {today}");
        }
    }
}
