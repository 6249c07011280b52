//! Scopes: where a parameter value may be set, and which of several speaks.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, GroupId, MemberId, TariffId, ZoneId},
    params::{DefaultFor, Merge, Param, ParamMask, Value},
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
    /// Every kind, in order of precedence.
    pub const ALL: &[Self] = &[
        Self::Site,
        Self::Zone,
        Self::Device,
        Self::Terminal,
        Self::Tariff,
        Self::Group,
        Self::Member,
        Self::Role,
    ];

    /// The kind of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

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
    /// The terminal: a till, a desk, a kiosk.
    pub terminal: Option<&'a DeviceId>,
    /// The tariff of the pass that speaks.
    pub tariff: Option<&'a TariffId>,
    /// The member's groups.
    pub groups: &'a [GroupId],
    /// The member.
    pub member: Option<MemberId>,
    /// The operator's roles.
    pub roles: &'a [GroupId],
    /// What has defaults of its own here.
    pub classes: &'a [DefaultFor],
}

impl Place<'_> {
    /// The scopes that match this event, the least specific first.
    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let zones = self.zones.iter().map(|id| Scope::Zone(id.clone()));
        let device = self.device.map(|id| Scope::Device(id.clone()));
        let terminal = self.terminal.map(|id| Scope::Terminal(id.clone()));
        let tariff = self.tariff.map(|id| Scope::Tariff(id.clone()));
        let groups = self.groups.iter().map(|id| Scope::Group(id.clone()));
        let roles = self.roles.iter().map(|id| Scope::Role(id.clone()));
        std::iter::once(Scope::Site)
            .chain(zones)
            .chain(device)
            .chain(terminal)
            .chain(tariff)
            .chain(groups)
            .chain(self.member.map(Scope::Member))
            .chain(roles)
    }
}

/// Every value that is set somewhere, by scope: a decision looks up the few scopes that match it
/// once, for all parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamTable {
    layers: BTreeMap<Scope, Layer>,
}

/// The values that one scope sets, in the order of the bits of their parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Layer {
    set: ParamMask,
    values: Vec<Value>,
}

impl Layer {
    /// How many parameters with lower bits are set here.
    const fn place(&self, param: Param) -> usize {
        (self.set.0 & ((1 << param.bit()) - 1)).count_ones() as usize
    }

    fn get(&self, param: Param) -> Option<&Value> {
        self.set.contains(param).then(|| self.values.get(self.place(param)))?
    }

    fn set(&mut self, param: Param, value: Value) {
        let place = self.place(param);
        if self.set.contains(param) {
            self.values[place] = value;
        } else {
            self.set.insert(param);
            self.values.insert(place, value);
        }
    }
}

impl ParamTable {
    /// Sets a value; for the same parameter and scope the later replaces the earlier.
    pub fn set(&mut self, param: Param, scope: Scope, value: Value) {
        self.layers.entry(scope).or_default().set(param, value);
    }

    /// The value of `param` that is set at `scope` itself.
    #[must_use]
    pub fn at(&self, param: Param, scope: &Scope) -> Option<&Value> {
        self.layers.get(scope)?.get(param)
    }

    /// Every scope that sets `param`, the least specific kind first, with the value.
    pub fn all(&self, param: Param) -> impl Iterator<Item = (&Scope, &Value)> {
        self.layers.iter().filter_map(move |(scope, layer)| Some((scope, layer.get(param)?)))
    }

    /// What the scopes set that match `place`.
    #[must_use]
    pub fn layers<'a>(&'a self, place: &Place<'a>) -> Layers<'a> {
        let found = place.scopes().filter_map(|scope| self.layers.get_key_value(&scope));
        Layers::of(found, place.classes)
    }

    /// The value of `param` in force at `place`, by the merge of its row.
    #[must_use]
    pub fn resolve(&self, param: Param, place: &Place<'_>) -> Supplied {
        self.layers(place).resolve(param)
    }

    /// The value of `param` in force at `place`, and every value that it was made from or chosen
    /// among.
    #[must_use]
    pub fn explain<'a>(&'a self, param: Param, place: &Place<'a>) -> Explained<'a> {
        let layers = self.layers(place);
        let in_force = layers.resolve(param);
        let matching: Vec<_> = layers.matching(param).collect();
        let counting = counting(&in_force, &matching);
        let found = matching
            .iter()
            .zip(counting)
            .map(|(&(scope, value), counts)| Found { scope, value, counts })
            .collect();
        Explained { in_force, found }
    }
}

/// What the scopes set that match one place, the least specific first.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    found: Vec<(&'a Scope, &'a Layer)>,
    /// What more than one of them sets.
    several: ParamMask,
    classes: &'a [DefaultFor],
}

impl<'a> Layers<'a> {
    fn of(layers: impl Iterator<Item = (&'a Scope, &'a Layer)>, classes: &'a [DefaultFor]) -> Self {
        let mut found = Vec::with_capacity(8);
        let (mut once, mut several) = (ParamMask::default(), ParamMask::default());
        for (scope, layer) in layers {
            several.0 |= once.0 & layer.set.0;
            once.0 |= layer.set.0;
            found.push((scope, layer));
        }
        Self { found, several, classes }
    }

    /// The same scopes, where these classes have defaults of their own.
    #[must_use]
    pub fn with_classes<'b>(self, classes: &'b [DefaultFor]) -> Layers<'b>
    where
        'a: 'b,
    {
        Layers { classes, ..self }
    }

    /// The values of `param` that match, the least specific first.
    pub fn matching(&self, param: Param) -> impl Iterator<Item = (&'a Scope, &'a Value)> {
        self.found.iter().filter_map(move |&(scope, layer)| Some((scope, layer.get(param)?)))
    }

    /// The same without the scopes that `keep` refuses.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Scope) -> bool) -> Self {
        Self::of(self.found.iter().copied().filter(|(scope, _)| keep(scope)), self.classes)
    }

    /// The value of `param` in force, by the merge of its row.
    #[must_use]
    pub fn resolve(&self, param: Param) -> Supplied {
        let default = || param.spec().default_for(self.classes);
        let supplied = |scope: Option<&Scope>, value: Value| {
            let value = if value.has_parts() { value.filled(default()) } else { value };
            Supplied { param, value, scope: scope.cloned() }
        };
        let Some((first, value)) = self.matching(param).next() else {
            return supplied(None, default().clone());
        };
        let merge = param.spec().merge;
        // Most often one scope sets it, and there is nothing to choose or to put together.
        if !self.several.contains(param) && merge != Merge::MostSpecificAboveSite {
            return supplied(Some(first), value.clone());
        }
        let found: Vec<_> = self.matching(param).collect();
        let (scope, value) = match merge {
            Merge::Site => (first, Cow::Borrowed(value)),
            Merge::MostSpecific => most_specific(param, &found),
            Merge::MostSpecificAboveSite => {
                let (scope, value) = most_specific(param, &found);
                let floor = found.iter().find(|(scope, _)| **scope == Scope::Site);
                let floor = floor.map(|(scope, value)| (Some(*scope), *value));
                let floor = floor.unwrap_or_else(|| (None, default()));
                match param.strictness(floor.1, &value) {
                    Ordering::Greater => return supplied(floor.0, floor.1.clone()),
                    _ => (scope, value),
                }
            }
            Merge::Strictest => strictest(param, &found),
            Merge::Intersection => folded(&found, Value::intersect),
            Merge::Union => folded(&found, Value::unite),
        };
        supplied(Some(scope), value.into_owned())
    }
}

/// How a value came to be in force at one place.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    /// The value.
    pub in_force: Supplied,
    /// The values that match the place, the least specific first.
    pub found: Vec<Found<'a>>,
}

/// One of the values that match a place.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Where it is set.
    pub scope: &'a Scope,
    /// The value.
    pub value: &'a Value,
    /// Whether the value in force is this one, or made of it and others.
    pub counts: bool,
}

impl Explained<'_> {
    /// Why this value is in force, in words.
    #[must_use]
    pub fn why(&self) -> String {
        let spec = self.in_force.param.spec();
        let floor = spec.merge == Merge::MostSpecificAboveSite;
        match (&self.in_force.scope, self.found.as_slice()) {
            (None, []) => "no scope that matches sets it, so the default counts".to_owned(),
            (None, _) => "nothing goes below the site, where the default counts".to_owned(),
            (Some(_), [_]) => "it is the only value that matches".to_owned(),
            (Some(Scope::Site), _) if floor => "nothing goes below the site's value".to_owned(),
            (Some(_), _) => spec.merge_in_words(),
        }
    }
}

/// Which of `found` the value in force is made of, by the merge of its row.
fn counting(in_force: &Supplied, found: &[(&Scope, &Value)]) -> Vec<bool> {
    let Some(&(last, value)) = found.last() else { return Vec::new() };
    let param = in_force.param;
    let merge = param.spec().merge;
    let together =
        matches!(merge, Merge::Intersection | Merge::Union) || value.both(param, value).is_some();
    let several = matches!(last.kind(), ScopeKind::Group | ScopeKind::Role);
    let speaks = |scope: &Scope| match merge {
        Merge::MostSpecific if several => scope.kind() == last.kind(),
        Merge::MostSpecific => scope == last,
        _ => true,
    };
    let counts =
        |scope: &Scope| speaks(scope) && (together || in_force.scope.as_ref() == Some(scope));
    found.iter().map(|(scope, _)| counts(scope)).collect()
}

/// All of `found` put together by `both`; the most specific scope stands for them.
fn folded<'a>(
    found: &[(&'a Scope, &'a Value)],
    both: fn(&Value, &Value) -> Value,
) -> (&'a Scope, Cow<'a, Value>) {
    let mut all = (found[0].0, Cow::Borrowed(found[0].1));
    for &(scope, value) in &found[1..] {
        all = (scope, Cow::Owned(both(&all.1, value)));
    }
    all
}

/// The most specific of `found`; among groups or roles of one level the stricter (the first of
/// equals).
fn most_specific<'a>(
    param: Param,
    found: &[(&'a Scope, &'a Value)],
) -> (&'a Scope, Cow<'a, Value>) {
    let last = found[found.len() - 1];
    let top = last.0.kind();
    if !matches!(top, ScopeKind::Group | ScopeKind::Role) {
        return (last.0, Cow::Borrowed(last.1));
    }
    let level: Vec<_> = found.iter().filter(|(scope, _)| scope.kind() == top).copied().collect();
    strictest(param, &level)
}

/// The strictest of `found`, of equals the first; what must hold together is put together.
fn strictest<'a>(param: Param, found: &[(&'a Scope, &'a Value)]) -> (&'a Scope, Cow<'a, Value>) {
    let mut best = (found[0].0, Cow::Borrowed(found[0].1));
    for &(scope, value) in &found[1..] {
        if let Some(both) = best.1.both(param, value) {
            best = (scope, Cow::Owned(both));
        } else if param.strictness(value, &best.1) == Ordering::Greater {
            best = (scope, Cow::Borrowed(value));
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

    fn resolved(param: Param, place: &Place<'_>, set: &[(Scope, &str)]) -> String {
        let mut table = ParamTable::default();
        for (scope, text) in set {
            table.set(param, scope.clone(), Value::parse(param, text).unwrap());
        }
        table.resolve(param, place).value.written(param)
    }

    #[test]
    fn limits_of_all_places_hold_together_and_of_two_groups_both() {
        let groups = [GroupId::from("a"), GroupId::from("b")];
        let tariff = TariffId::from("season");
        let at = Place { tariff: Some(&tariff), groups: &groups, ..Place::default() };
        let (a, b) = (Scope::Group("a".into()), Scope::Group("b".into()));
        let guests = [(Scope::Tariff("season".into()), "9/P1Y"), (a, "2/P1M"), (b, "1/P1D")];
        assert_eq!(resolved(Param::GuestMaxPerHost, &at, &guests), "2/P1M and 1/P1D");
        let visits = [(Scope::Site, "2/PT24H"), (Scope::Tariff("season".into()), "10/P1M")];
        assert_eq!(resolved(Param::TariffMaxVisits, &at, &visits), "2/PT24H and 10/P1M");
    }

    #[test]
    fn roles_unite_what_they_may_do_and_share_where_they_may() {
        let roles = [GroupId::from("cashier"), GroupId::from("manager")];
        let at = Place { roles: &roles, ..Place::default() };
        let (one, other) = (Scope::Role("cashier".into()), Scope::Role("manager".into()));
        let acts = [(one.clone(), "sale, topup"), (other.clone(), "refund, !topup")];
        let acts = resolved(Param::OperatorAllowedActions, &at, &acts);
        assert_eq!(acts, "sale, topup, refund, !topup");
        let places = [(one, "till-1, till-2"), (other, "till-2, desk-1")];
        assert_eq!(resolved(Param::OperatorAllowedTerminals, &at, &places), "till-2");
    }

    #[test]
    fn a_policy_of_several_parts_is_judged_part_by_part() {
        let device = DeviceId::from("gate-1");
        let at = Place { device: Some(&device), ..Place::default() };
        let set =
            [(Scope::Site, "entry cached, sale allow"), (Scope::Device(device.clone()), "deny")];
        let got = resolved(Param::DeviceOfflinePolicy, &at, &set);
        assert_eq!(got, "entry deny, locker deny, sale deny");
    }

    #[test]
    fn a_class_has_its_own_default_and_a_set_value_replaces_it() {
        let classes = [DefaultFor::PoolZone];
        let zones = [ZoneId::from("pool")];
        let at = Place { zones: &zones, classes: &classes, ..Place::default() };
        let param = Param::ZoneSupervisedUnderAge;
        assert_eq!(resolved(param, &at, &[]), "8");
        assert_eq!(resolved(param, &at, &[(Scope::Zone("pool".into()), "3")]), "3");
    }

    /// A parameter, its values, which of them count, and a part of why.
    type Merged = (Param, Vec<(Scope, &'static str)>, &'static [bool], &'static str);

    /// Values that show each merge.
    fn merges() -> Vec<Merged> {
        let (zone, pool) = (Scope::Zone("site".into()), Scope::Zone("pool".into()));
        let (a, b) = (Scope::Group("a".into()), Scope::Group("b".into()));
        let nobody = Scope::Group("nobody".into());
        vec![
            (Param::AntiPassbackMode, vec![], &[], "the default"),
            (Param::AntiPassbackMode, vec![(nobody, "hard")], &[], "the default"),
            (Param::AntiPassbackMode, vec![(pool.clone(), "hard")], &[true], "the only value"),
            (
                Param::AntiPassbackMode,
                vec![(Scope::Site, "hard"), (zone.clone(), "off"), (pool.clone(), "soft")],
                &[false, false, true],
                "the most specific",
            ),
            (
                Param::DebtEntryBlockAmount,
                vec![(Scope::Site, "1.00"), (a.clone(), "9.00"), (b.clone(), "5.00")],
                &[false, false, true],
                "of two groups the stricter",
            ),
            (
                Param::GuestMaxPerHost,
                vec![(a.clone(), "9/P1Y"), (b, "2/P1M")],
                &[true, true],
                "both hold",
            ),
            (
                Param::ZoneMaxOccupancy,
                vec![(zone, "40"), (pool, "60")],
                &[true, false],
                "the strictest value",
            ),
            (
                Param::TariffMaxVisits,
                vec![(Scope::Site, "2/P1D"), (a.clone(), "9/P1M")],
                &[true, true],
                "all of them hold",
            ),
            (
                Param::MembershipAllowedStates,
                vec![(Scope::Site, "active, grace"), (a.clone(), "active")],
                &[true, true],
                "what all of them name counts",
            ),
            (
                Param::WalletMinBalance,
                vec![(Scope::Site, "-3.00"), (a.clone(), "-9.00")],
                &[true, false],
                "below the site's value",
            ),
            (Param::WalletMinBalance, vec![(a, "-9.00")], &[false], "where the default counts"),
        ]
    }

    #[test]
    fn what_counts_is_what_the_value_in_force_is_made_of() {
        let zones = [ZoneId::from("site"), ZoneId::from("pool")];
        let groups = [GroupId::from("a"), GroupId::from("b")];
        let at = place(&zones, &groups);
        for (param, set, counts, why) in merges() {
            let (mut table, mut counting) = (ParamTable::default(), ParamTable::default());
            for (scope, text) in &set {
                table.set(param, scope.clone(), Value::parse(param, text).unwrap());
            }
            let told = table.explain(param, &at);
            assert_eq!(told.in_force, table.resolve(param, &at), "{param} {set:?}");
            let got: Vec<_> = told.found.iter().map(|found| found.counts).collect();
            assert_eq!(got, counts, "{param} {set:?}");
            assert!(told.why().contains(why), "{param} {set:?}: {}", told.why());
            for found in told.found.iter().filter(|found| found.counts) {
                counting.set(param, found.scope.clone(), found.value.clone());
            }
            assert_eq!(counting.resolve(param, &at).value, told.in_force.value, "{param} {set:?}");
            assert_eq!(table.all(param).count(), set.len());
        }
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
