//! What is decided: random requests as the independent reference makes them, with all 64 parameters
//! set.

use anyhow::{Context as _, Result};
use domain::{
    facts::{EventKind, Policy, Question},
    gather::Gathered,
    judge::judge,
    params::{CATALOGUE, ParamSpec, Value},
    scope::{ParamTable, Scope, ScopeKind},
    seen::Seen,
    verdict::Outcome,
};
use fastrand::Rng;
use jiff::tz::TimeZone;

use crate::{
    calendar::{DAY, SECOND},
    cases::Maker,
    profile::{DEVICES, GROUPS, Profile, ROLES, TARIFFS, TERMINALS, one, uuid},
};

/// A request, and its facts.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) seen: Seen,
    pub(crate) gathered: Gathered,
}

impl Case {
    pub(crate) fn question(&self) -> Question<'_> {
        let Gathered { facts, values, .. } = &self.gathered;
        Question { kind: self.seen.kind, facts, values }
    }
}

/// Cases of one sort.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// A site: its parameters and its clock.
pub(crate) struct Site {
    pub(crate) table: ParamTable,
    pub(crate) zone: TimeZone,
    ahead: i64,
}

impl Site {
    /// The one that is timed.
    pub(crate) fn timed() -> Result<Self> {
        let texts: toml::Table = include_str!("../policies/parameters.toml").parse()?;
        let mut table = ParamTable::default();
        for spec in CATALOGUE {
            let text = texts.get(spec.name).and_then(toml::Value::as_str);
            let text = text.with_context(|| format!("`{}` is not set", spec.name))?;
            let value = Value::parse(spec.param, text).map_err(anyhow::Error::msg)?;
            for scope in widest(spec) {
                table.set(spec.param, scope, value.clone());
            }
        }
        Ok(Self { table, zone: TimeZone::get("Asia/Tbilisi")?, ahead: 4 * 3600 })
    }

    /// One with parameters at random, at any scope.
    pub(crate) fn random(rng: &mut Rng) -> Result<Self> {
        let profile = Profile::random(rng);
        let (table, ahead) = (profile.table, profile.ahead);
        Ok(Self { table, zone: TimeZone::get(profile.zone)?, ahead })
    }

    /// A random request.
    pub(crate) fn case(&self, kind: EventKind, rng: &mut Rng) -> Case {
        let local = rng.i64(20_500..20_750) * DAY + rng.i64(0..96) * 900 * SECOND;
        let at = local - self.ahead * SECOND;
        let seen = Maker { ahead: self.ahead, at, rng }.seen(kind);
        let gathered = Gathered::of(&seen, &self.table, &self.zone);
        Case { seen, gathered }
    }

    /// Cases of each sort, so many of each.
    pub(crate) fn workloads(
        &self,
        policy: &dyn Policy,
        count: usize,
        rng: &mut Rng,
    ) -> Vec<Workload> {
        let mut loads = ["entry that opens", "entry refused", "exit"]
            .map(|name| Workload { name, cases: Vec::with_capacity(count) });
        while loads.iter().any(|load| load.cases.len() < count) {
            let kind = one(rng, &[EventKind::Entry, EventKind::Exit]);
            let case = self.case(kind, rng);
            let found = judge(&case.seen, &case.gathered, policy, &self.zone);
            let place = match (kind, found.outcome) {
                (EventKind::Exit, _) => 2,
                (_, Outcome::Deny) => 1,
                _ => 0,
            };
            let load = &mut loads[place];
            if load.cases.len() < count && found.outcome != Outcome::Ignore {
                load.cases.push(case);
            }
        }
        loads.into()
    }
}

/// The widest scopes at which a parameter may be set: the site, or everything of the first kind
/// that it knows.
fn widest(spec: &ParamSpec) -> Vec<Scope> {
    let ids = |ids: &[&'static str], scope: fn(&'static str) -> Scope| -> Vec<Scope> {
        ids.iter().map(|id| scope(id)).collect()
    };
    match spec.scopes.first() {
        Some(ScopeKind::Zone) => vec![Scope::Zone("site".into())],
        Some(ScopeKind::Device) => ids(DEVICES, |id| Scope::Device(id.into())),
        Some(ScopeKind::Terminal) => ids(TERMINALS, |id| Scope::Terminal(id.into())),
        Some(ScopeKind::Tariff) => ids(TARIFFS, |id| Scope::Tariff(id.into())),
        Some(ScopeKind::Group) => ids(GROUPS, |id| Scope::Group(id.into())),
        Some(ScopeKind::Member) => vec![Scope::Member(uuid(1)), Scope::Member(uuid(2))],
        Some(ScopeKind::Role) => ids(ROLES, |id| Scope::Role(id.into())),
        Some(ScopeKind::Site) | None => vec![Scope::Site],
    }
}
