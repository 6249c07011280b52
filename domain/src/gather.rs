//! Gathers the facts of a request: everything that rules may ask, whatever they do ask.

use jiff::{ToSpan, civil::Date};

use crate::{
    event::Direction,
    facts::Facts,
    ids::{CredentialId, GroupId, MemberId, Uid, ZoneId},
    limit::Limit,
    money::Money,
    params::{CATALOGUE, DefaultFor, Param, Value},
    rows::{Credential, Member, Pass, PassKey, Presence, Tariff, TariffKey},
    scope::{Place, Scope, Supplied},
    step::Step,
    time::{Span, Timestamp},
    windows::{Windows, local_date, next_open_of_all},
};

/// In timed mode the re-entry lock lasts this long where no scope sets one (parameter 20).
const TIMED_LOCK: Span = Span::seconds(600);

/// One request on its way through the pipeline.
pub(crate) struct Asked {
    pub(crate) at: Timestamp,
    pub(crate) direction: Direction,
    pub(crate) uid: Uid,
    pub(crate) gate: crate::site::Gate,
    pub(crate) device: crate::ids::DeviceId,
    /// The zones from the root to the zone that the passage leads to.
    pub(crate) chain: Vec<ZoneId>,
    /// The zones that the passage enters.
    pub(crate) entered: Vec<ZoneId>,
    pub(crate) credential: Option<Credential>,
    pub(crate) member: Option<Member>,
    pub(crate) presence: Presence,
    /// The zones from the root to the one that presence has the credential in.
    pub(crate) presence_chain: Vec<ZoneId>,
    /// What has defaults of its own here.
    pub(crate) classes: Vec<DefaultFor>,
    /// When the passage in progress was granted; the request's own time where there is none.
    pub(crate) pending_since: Timestamp,
}

/// The pass that speaks for a request, and what it comes to.
#[derive(Clone, Debug)]
pub(crate) struct Speaking {
    pub(crate) key: PassKey,
    pub(crate) pass: Pass,
    pub(crate) tariff: Tariff,
    state: &'static str,
    allowed: bool,
    open: bool,
}

impl Asked {
    /// The scopes that match this request; `tariff` is that of the pass that speaks.
    pub(crate) fn place<'a>(&'a self, tariff: Option<&'a crate::ids::TariffId>) -> Place<'a> {
        Place {
            zones: &self.chain,
            device: Some(&self.device),
            tariff,
            groups: self.groups(),
            member: self.credential.as_ref().map(|credential| credential.member),
            classes: &self.classes,
            ..Place::default()
        }
    }

    fn groups(&self) -> &[GroupId] {
        self.member.as_ref().map_or(&[], |member| &member.groups)
    }

    fn member_id(&self) -> Option<MemberId> {
        self.credential.as_ref().map(|credential| credential.member)
    }
}

/// The facts of a request, the values in force for it, and the pass that speaks.
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(crate) values: Vec<Supplied>,
    pub(crate) speaking: Option<Speaking>,
}

impl Gathered {
    /// The value in force of a parameter.
    pub(crate) fn value(&self, param: Param) -> &Value {
        &self.values[param as usize].value
    }
}

impl Step<'_> {
    /// Where the people on a credential are.
    pub(crate) fn presence_of(&mut self, credential: CredentialId) -> Presence {
        self.state.tables.presence.read(&credential).cloned().unwrap_or_default()
    }

    /// Gathers everything for a request.
    pub(crate) fn gather(&mut self, asked: &Asked) -> Gathered {
        let speaking = self.speaking_pass(asked);
        let tariff = speaking.as_ref().map(|speaking| &speaking.pass.tariff);
        let place = asked.place(tariff);
        let table = self.policy.values();
        let mut values: Vec<Supplied> =
            CATALOGUE.iter().map(|spec| table.resolve(spec.param, &place)).collect();

        let mut facts = Facts {
            device: asked.device.as_str().to_owned(),
            zone: asked.chain.last().map(ToString::to_string).unwrap_or_default(),
            leaves_site: asked.direction == Direction::Exit && asked.gate.leads_outside(),
            credential_state: asked
                .credential
                .as_ref()
                .map_or("unknown", |c| c.state.name())
                .into(),
            member_age: self.age(asked),
            ..Facts::default()
        };
        self.pass_facts(asked, speaking.as_ref(), &mut facts);
        self.certificate(asked, &mut facts);
        self.limit_facts(asked, values[Param::TariffMaxVisits as usize].value.limits(), &mut facts);
        self.time_facts(asked, &place, &mut facts);
        presence_facts(asked, &values, &mut facts);
        self.zone_facts(asked, &mut values, &mut facts);
        self.money_facts(asked, speaking.as_ref(), &mut facts);
        Gathered { facts, values, speaking }
    }

    fn age(&self, asked: &Asked) -> i64 {
        let birth = asked.member.as_ref().and_then(|member| member.birth);
        let today = local_date(asked.at, &self.state.site.time_zone);
        birth.map_or(-1, |birth| age_on(birth, today))
    }

    fn pass_facts(&self, asked: &Asked, speaking: Option<&Speaking>, facts: &mut Facts) {
        let Some(speaking) = speaking else { return };
        facts.has_pass = true;
        facts.membership_state = speaking.state.to_owned();
        facts.membership_allowed = speaking.allowed;
        facts.takes_visit = asked.direction == Direction::Entry && asked.presence.visit.is_none();
        facts.counts_visits = speaking.pass.visits_left.is_some();
        facts.visits_left = speaking.pass.visits_free().map_or(0, i64::from);
    }

    /// Of the limits that are reached, the one that lasts longest speaks (parameter 17).
    fn limit_facts(&mut self, asked: &Asked, limits: &[Limit], facts: &mut Facts) {
        let Some(member) = asked.member_id().filter(|_| facts.takes_visit) else { return };
        if limits.is_empty() {
            return;
        }
        let visits = self.state.tables.visits.read(&member).cloned().unwrap_or_default();
        let zone = &self.state.site.time_zone;
        // What never ends lasts longest.
        let mut longest = None;
        for limit in limits {
            let counts = |begun: &&Timestamp| limit.period.counts(**begun, asked.at, zone);
            let mut counted: Vec<Timestamp> = visits.begun.iter().filter(counts).copied().collect();
            let all = i64::try_from(counted.len()).unwrap_or(i64::MAX);
            if !limit.is_reached(all.saturating_add(i64::from(visits.promised))) {
                continue;
            }
            counted.sort_unstable();
            // So many of the oldest have to be over until there is room for one more.
            let last = usize::try_from(all - limit.count).ok().and_then(|place| counted.get(place));
            let again = last.map(|begun| limit.period.over(*begun, zone));
            longest = longest.max(Some((limit.count == 0, again, limit.count)));
        }
        if let Some((_, again, count)) = longest {
            facts.visit_limit_reached = true;
            (facts.visit_limit, facts.visit_again_at) = (count, again);
        }
    }

    /// A certificate is valid through its date, that day included (parameter 38).
    fn certificate(&self, asked: &Asked, facts: &mut Facts) {
        let until = asked.member.as_ref().and_then(|member| member.certificate_until);
        let Some(until) = until else {
            facts.certificate = "missing".to_owned();
            return;
        };
        let today = local_date(asked.at, &self.state.site.time_zone);
        let days = today.until(until).map_or(0, |left| i64::from(left.get_days()));
        facts.certificate = if days < 0 { "ended" } else { "valid" }.to_owned();
        facts.certificate_days = days.abs();
    }

    fn time_facts(&self, asked: &Asked, place: &Place<'_>, facts: &mut Facts) {
        let zone = &self.state.site.time_zone;
        let found = self.policy.values().matching(Param::TimeAccessWindows, place);
        let sets = found.iter().filter_map(|(scope, value)| match value {
            Value::Windows(windows) => Some((**scope == Scope::Site, windows)),
            _ => None,
        });
        let margins = self.margins(place);
        let mut all: Vec<(&Windows, Span)> = Vec::new();
        (facts.site_open, facts.windows_open) = (true, true);
        for (is_site, windows) in sets {
            let margin = if is_site { margins.0 } else { margins.1 };
            let open = windows.iter().all(|set| set.is_open_early(asked.at, margin, zone));
            *(if is_site { &mut facts.site_open } else { &mut facts.windows_open }) &= open;
            all.extend(windows.iter().map(|set| (set, margin)));
        }
        if !(facts.site_open && facts.windows_open) {
            facts.opens_at = next_open_of_all(&all, asked.at, zone);
        }
    }

    /// How much earlier the site's own windows start, and all others (parameter 11): the site opens
    /// earlier only by what is set for the site itself.
    fn margins(&self, place: &Place<'_>) -> (Span, Span) {
        let (table, margin) = (self.policy.values(), Param::TimeEarlyEntryMargin);
        let own = table.at(margin, &Scope::Site).map_or(Span::default(), Value::span);
        (own, table.resolve(margin, place).value.span())
    }

    /// The fullest of the zones entered speaks, with the values of its own place.
    fn zone_facts(&mut self, asked: &Asked, values: &mut [Supplied], facts: &mut Facts) {
        let mut tightest: Option<i64> = None;
        for zone in &asked.entered {
            let depth = asked.chain.iter().position(|id| id == zone).unwrap_or(0);
            let place = Place { zones: &asked.chain[..=depth], ..asked.place(None) };
            let table = self.policy.values();
            let limit = table.resolve(Param::ZoneMaxOccupancy, &place);
            let mode = table.resolve(Param::ZoneOccupancyMode, &place);
            let count = self.occupancy_of(zone);
            let people = count.inside.saturating_add(count.reserved);
            let limited = limit.value.int() > 0 && mode.value.word() != "count_only";
            let free = if limited { limit.value.int().saturating_sub(people) } else { i64::MAX };
            if tightest.is_none_or(|least| free < least) {
                tightest = Some(free);
                facts.zone_name = zone.to_string();
                facts.zone_people = people;
                values[Param::ZoneMaxOccupancy as usize] = limit;
                values[Param::ZoneOccupancyMode as usize] = mode;
            }
        }
    }

    fn money_facts(&mut self, asked: &Asked, speaking: Option<&Speaking>, facts: &mut Facts) {
        if let Some(speaking) = speaking.filter(|_| facts.takes_visit) {
            facts.entry_price = speaking.tariff.entry_price;
        }
        let Some(account) = asked.member.as_ref().map(|member| member.account) else { return };
        let Some(row) = self.state.tables.accounts.read(&account) else { return };
        facts.wallet_balance = row.balance - row.reserved;
        facts.debt = Money::ZERO.max(-row.balance);
        let since = row.debt_since.map(|since| asked.at.since(since).whole_seconds());
        facts.debt_age = since.unwrap_or(0).max(0);
    }

    /// Which pass speaks: the open visit's, then those that would grant, then the earliest end, the
    /// fewest visits left, the lowest id. If none grants, the first one gives the reasons.
    fn speaking_pass(&mut self, asked: &Asked) -> Option<Speaking> {
        let member = asked.member_id()?;
        let key =
            |id: u128| PassKey { member, pass: crate::ids::PassId(uuid::Uuid::from_u128(id)) };
        let held: Vec<PassKey> =
            self.state.tables.passes.range(key(0), key(u128::MAX)).map(|(key, _)| *key).collect();
        let candidates = held.into_iter().filter_map(|key| self.candidate(asked, key));
        let visiting = asked.presence.visit.as_ref().and_then(|visit| visit.pass);
        candidates.min_by_key(|one| {
            let pass = &one.pass;
            (
                visiting != Some(one.key.pass),
                !(one.allowed && one.open),
                pass.valid_until.unwrap_or(Date::MAX),
                pass.visits_free().unwrap_or(u32::MAX),
                one.key.pass,
            )
        })
    }

    /// The pass, if it covers the zone and has begun.
    fn candidate(&mut self, asked: &Asked, key: PassKey) -> Option<Speaking> {
        let pass = self.state.tables.passes.read(&key)?.clone();
        let version = TariffKey { tariff: pass.tariff.clone(), version: pass.tariff_version };
        let tariff = self.state.tables.tariffs.read(&version)?.clone();
        // An exit to the street leads to no zone: the zone that is left counts.
        let target = asked.chain.last().unwrap_or(&asked.gate.inner);
        let site = &self.state.site;
        let covers = tariff.zones.iter().any(|zone| site.chain(Some(zone)).contains(target));
        let zone = &self.state.site.time_zone;
        let today = local_date(asked.at, zone);
        if !covers || pass.valid_from > today {
            return None;
        }
        let place = asked.place(Some(&pass.tariff));
        let table = self.policy.values();
        let grace = table.resolve(Param::MembershipExpiryGrace, &place).value;
        let visiting = asked.presence.visit.as_ref().and_then(|visit| visit.pass) == Some(key.pass);
        let state = membership_state(&pass, today, &grace, visiting);
        let allowed = table.resolve(Param::MembershipAllowedStates, &place).value;
        let (site, others) = self.margins(&place);
        let open = table.matching(Param::TimeAccessWindows, &place).iter().all(|(scope, value)| {
            let Value::Windows(sets) = value else { return false };
            let margin = if **scope == Scope::Site { site } else { others };
            sets.iter().all(|set| set.is_open_early(asked.at, margin, zone))
        });
        let allowed = allowed.names(Param::MembershipAllowedStates, state);
        Some(Speaking { key, pass, tariff, state, allowed, open })
    }
}

/// What dates and visits make of a pass.
fn membership_state(pass: &Pass, today: Date, grace: &Value, visiting: bool) -> &'static str {
    use crate::rows::PassState::Active;
    if pass.state != Active {
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

fn presence_facts(asked: &Asked, values: &[Supplied], facts: &mut Facts) {
    let reset = &values[Param::AntiPassbackResetAfter as usize];
    let timed = values[Param::AntiPassbackMode as usize].value.word() == "timed";
    let lock = if timed && reset.scope.is_none() { TIMED_LOCK } else { reset.value.span() };
    let presence = &asked.presence;
    // What restricts is over at exactly the limit; a limit of zero never ends.
    let lasts = |since: Timestamp| lock.0 == 0 || asked.at.since(since) < lock;
    let party = asked.credential.as_ref().map_or(1, |credential| credential.party_size);
    let remembered = timed || presence.entered.is_some_and(lasts);
    facts.inside = asked.inside_target() && remembered && presence.inside >= party;
    facts.reentry_locked = presence.entered.is_some_and(lasts);
}

impl Asked {
    /// Whether presence has the credential in the zone that the passage leads to, or deeper.
    fn inside_target(&self) -> bool {
        self.direction == Direction::Entry && self.presence_chain.contains(&self.gate.inner)
    }
}

/// The age in years on `today`; a birthday on 29 February counts from 1 March in a common year.
fn age_on(birth: Date, today: Date) -> i64 {
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
        };
        let grace = Value::parse(Param::MembershipExpiryGrace, "P3D").unwrap();
        for (today, state) in [
            ("2026-09-10", "active"),
            ("2026-09-11", "grace"),
            ("2026-09-13", "grace"),
            ("2026-09-14", "expired"),
        ] {
            assert_eq!(membership_state(&pass, date(today), &grace, false), state, "{today}");
        }
    }
}
