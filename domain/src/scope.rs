//! Scopes: where a parameter value may be set, and which of several speaks.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, GroupId, MemberId, TariffId, ZoneId},
    params::{Merge, Param, Value},
};

/// A kind of scope, in order of precedence: the later is the more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// S: the site.
    Site,
    /// Z: a zone of the tree.
    Zone,
    /// D: a device.
    Device,
    /// P: a terminal.
    Terminal,
    /// T: a tariff.
    Tariff,
    /// G: a group of members.
    Group,
    /// M: a member.
    Member,
    /// O: an operator's role.
    Role,
}

impl ScopeKind {
    /// The word for it in rule files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Zone => "zone",
            Self::Device => "device",
            Self::Terminal => "terminal",
            Self::Tariff => "tariff",
            Self::Group => "group",
            Self::Member => "member",
            Self::Role => "role",
        }
    }
}

/// One place where a value is set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole site.
    Site,
    /// One zone and what lies in it.
    Zone(ZoneId),
    /// One device.
    Device(DeviceId),
    /// One terminal.
    Terminal(DeviceId),
    /// One tariff.
    Tariff(TariffId),
    /// One group.
    Group(GroupId),
    /// One member.
    Member(MemberId),
    /// One role of operators.
    Role(GroupId),
}

impl Scope {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ScopeKind {
        match self {
            Self::Site => ScopeKind::Site,
            Self::Zone(_) => ScopeKind::Zone,
            Self::Device(_) => ScopeKind::Device,
            Self::Terminal(_) => ScopeKind::Terminal,
            Self::Tariff(_) => ScopeKind::Tariff,
            Self::Group(_) => ScopeKind::Group,
            Self::Member(_) => ScopeKind::Member,
            Self::Role(_) => ScopeKind::Role,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().name();
        match self {
            Self::Site => f.write_str(kind),
            Self::Zone(id) => write!(f, "{kind} {id}"),
            Self::Device(id) | Self::Terminal(id) => write!(f, "{kind} {id}"),
            Self::Tariff(id) => write!(f, "{kind} {id}"),
            Self::Group(id) | Self::Role(id) => write!(f, "{kind} {id}"),
            Self::Member(id) => write!(f, "{kind} {id}"),
        }
    }
}

/// A value in force for one event, and the scope that supplied it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplied {
    /// Which parameter.
    pub param: Param,
    /// Its value.
    pub value: Value,
    /// Who supplied it; `None` is the catalogue's default.
    pub scope: Option<Scope>,
}

/// The scopes that match one event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The zone tree from the root to the zone being entered.
    pub zones: &'a [ZoneId],
    /// The device.
    pub device: Option<&'a DeviceId>,
    /// The tariff of the pass that speaks.
    pub tariff: Option<&'a TariffId>,
    /// The member's groups.
    pub groups: &'a [GroupId],
    /// The member.
    pub member: Option<MemberId>,
}

impl Place<'_> {
    /// The scopes that match this event, the least specific first.
    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let zones = self.zones.iter().map(|id| Scope::Zone(id.clone()));
        let device = self.device.map(|id| Scope::Device(id.clone()));
        let tariff = self.tariff.map(|id| Scope::Tariff(id.clone()));
        let groups = self.groups.iter().map(|id| Scope::Group(id.clone()));
        std::iter::once(Scope::Site)
            .chain(zones)
            .chain(device)
            .chain(tariff)
            .chain(groups)
            .chain(self.member.map(Scope::Member))
    }
}

/// Every value that is set somewhere, by parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamTable {
    rows: Vec<BTreeMap<Scope, Value>>,
}

impl ParamTable {
    /// Sets a value; for the same parameter and scope the later replaces the earlier.
    pub fn set(&mut self, param: Param, scope: Scope, value: Value) {
        let bit = usize::from(param.bit());
        if self.rows.len() <= bit {
            self.rows.resize(bit + 1, BTreeMap::new());
        }
        if let Some(row) = self.rows.get_mut(bit) {
            row.insert(scope, value);
        }
    }

    /// The value of `param` that is set at `scope` itself.
    #[must_use]
    pub fn at(&self, param: Param, scope: &Scope) -> Option<&Value> {
        self.rows.get(usize::from(param.bit()))?.get(scope)
    }

    /// The values of `param` that match `place`, the least specific first.
    #[must_use]
    pub fn matching<'a>(&'a self, param: Param, place: &Place<'_>) -> Vec<(&'a Scope, &'a Value)> {
        let Some(row) = self.rows.get(usize::from(param.bit())) else { return Vec::new() };
        if row.is_empty() {
            return Vec::new();
        }
        place.scopes().filter_map(|scope| row.get_key_value(&scope)).collect()
    }

    /// The value of `param` in force at `place`, by the merge of its row.
    #[must_use]
    pub fn resolve(&self, param: Param, place: &Place<'_>) -> Supplied {
        let supplied = |scope: Option<&Scope>, value: &Value| Supplied {
            param,
            value: value.clone(),
            scope: scope.cloned(),
        };
        let found = self.matching(param, place);
        let Some(&(first, _)) = found.first() else {
            return supplied(None, param.spec().default());
        };
        match param.spec().merge {
            Merge::Site => supplied(Some(first), found[0].1),
            Merge::MostSpecific => {
                let (scope, value) = most_specific(param, &found);
                supplied(Some(scope), value)
            }
            Merge::MostSpecificAboveSite => {
                let (scope, value) = most_specific(param, &found);
                let default = param.spec().default();
                let floor = found.iter().find(|(scope, _)| **scope == Scope::Site);
                let floor = floor.map_or((None, default), |(scope, value)| (Some(*scope), *value));
                match param.strictness(floor.1, value) {
                    Ordering::Greater => supplied(floor.0, floor.1),
                    _ => supplied(Some(scope), value),
                }
            }
            Merge::Strictest => {
                let (scope, value) = strictest(param, &found);
                supplied(Some(scope), value)
            }
            Merge::Intersection => {
                let last = found[found.len() - 1].0;
                let mut met = found[0].1.clone();
                for (_, value) in &found[1..] {
                    met = met.intersect(value);
                }
                supplied(Some(last), &met)
            }
        }
    }
}

/// The most specific of `found`; among groups of one level the stricter (the first of equals).
fn most_specific<'a>(param: Param, found: &[(&'a Scope, &'a Value)]) -> (&'a Scope, &'a Value) {
    let top = found.iter().map(|(scope, _)| scope.kind()).max();
    match top {
        Some(ScopeKind::Group) => {
            let groups: Vec<_> = found
                .iter()
                .filter(|(scope, _)| scope.kind() == ScopeKind::Group)
                .copied()
                .collect();
            strictest(param, &groups)
        }
        _ => found[found.len() - 1],
    }
}

/// The strictest of `found`; of equals the first.
fn strictest<'a>(param: Param, found: &[(&'a Scope, &'a Value)]) -> (&'a Scope, &'a Value) {
    let mut best = found[0];
    for &candidate in &found[1..] {
        if param.strictness(candidate.1, best.1) == Ordering::Greater {
            best = candidate;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{duration::Dur, money::Money};

    fn place<'a>(zones: &'a [ZoneId], groups: &'a [GroupId]) -> Place<'a> {
        Place { zones, groups, ..Place::default() }
    }

    #[test]
    fn the_most_specific_scope_speaks_and_inner_zones_beat_outer_ones() {
        let mut table = ParamTable::default();
        let zones = [ZoneId::from("site"), ZoneId::from("pool")];
        let soft = Value::parse(Param::AntiPassbackMode, "soft").unwrap();
        let hard = Value::parse(Param::AntiPassbackMode, "hard").unwrap();
        table.set(Param::AntiPassbackMode, Scope::Zone("pool".into()), soft.clone());
        table.set(Param::AntiPassbackMode, Scope::Zone("site".into()), hard);
        let got = table.resolve(Param::AntiPassbackMode, &place(&zones, &[]));
        assert_eq!((got.value, got.scope), (soft, Some(Scope::Zone("pool".into()))));
    }

    #[test]
    fn of_two_groups_the_stricter_value_speaks() {
        let mut table = ParamTable::default();
        let groups = [GroupId::from("students"), GroupId::from("staff")];
        table.set(Param::DebtEntryBlockAmount, Scope::Site, Value::Money(Money(900)));
        table.set(
            Param::DebtEntryBlockAmount,
            Scope::Group("staff".into()),
            Value::Money(Money(500)),
        );
        table.set(
            Param::DebtEntryBlockAmount,
            Scope::Group("students".into()),
            Value::Money(Money(200)),
        );
        let got = table.resolve(Param::DebtEntryBlockAmount, &place(&[], &groups));
        assert_eq!(got.value, Value::Money(Money(200)));
    }

    #[test]
    fn a_default_takes_no_part_in_the_merge() {
        let mut table = ParamTable::default();
        table.set(Param::DeviceEventMaxAge, Scope::Site, Value::Dur(Dur::seconds(60)));
        let got = table.resolve(Param::DeviceEventMaxAge, &Place::default());
        assert_eq!(got.value, Value::Dur(Dur::seconds(60)), "looser than the default, and set");
    }

    #[test]
    fn nobody_goes_below_the_site_s_wallet_floor() {
        let mut table = ParamTable::default();
        let groups = [GroupId::from("staff")];
        table.set(Param::WalletMinBalance, Scope::Group("staff".into()), Value::Money(Money(-500)));
        let got = table.resolve(Param::WalletMinBalance, &place(&[], &groups));
        assert_eq!((got.value, got.scope), (Value::Money(Money(0)), None));
        table.set(Param::WalletMinBalance, Scope::Site, Value::Money(Money(-300)));
        let got = table.resolve(Param::WalletMinBalance, &place(&[], &groups));
        assert_eq!(got.value, Value::Money(Money(-300)));
    }
}
