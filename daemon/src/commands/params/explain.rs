//! `kari params explain`: which value is in force at one place, and how it came about.

use anyhow::bail;
use domain::{
    ids::{DeviceId, GroupId, MemberId, TariffId, ZoneId},
    params::{DefaultFor, ParamSpec},
    scope::{Explained, Place, Scope, ScopeKind},
};
use serde::Serialize;

use super::{Loaded, SetValue, find, in_brackets, load, print_rows};
use crate::{
    cli::{Exit, PlaceArgs},
    config::Installation,
};

/// Where and for whom a value is asked.
#[derive(Default)]
struct Spot {
    zones: Vec<ZoneId>,
    device: Option<DeviceId>,
    terminal: Option<DeviceId>,
    tariff: Option<TariffId>,
    groups: Vec<GroupId>,
    member: Option<MemberId>,
    roles: Vec<GroupId>,
    classes: Vec<DefaultFor>,
    /// The scopes as they were named.
    named: Vec<Scope>,
}

impl Spot {
    /// The place that the command line names.
    ///
    /// # Errors
    /// A name that the site does not have, with what to do.
    fn of(args: &PlaceArgs, loaded: &Loaded) -> anyhow::Result<Self> {
        let one = |kind, id: &Option<String>| id.clone().map(|id| (kind, id));
        let each = |kind, ids: &[String]| ids.iter().map(move |id| (kind, id.clone())).collect();
        let groups: Vec<_> = each(ScopeKind::Group, &args.groups);
        let roles: Vec<_> = each(ScopeKind::Role, &args.roles);
        let named = [
            one(ScopeKind::Zone, &args.zone),
            one(ScopeKind::Device, &args.device),
            one(ScopeKind::Terminal, &args.terminal),
            one(ScopeKind::Tariff, &args.tariff),
            one(ScopeKind::Member, &args.member),
        ];
        let mut spot = Self::default();
        for (kind, id) in named.into_iter().flatten().chain(groups).chain(roles) {
            match loaded.names.scope(kind, &id) {
                Ok(scope) => spot.add(scope, &loaded.installation),
                Err((message, help)) => bail!("{message}\n  help: {help}"),
            }
        }
        spot.surroundings(&loaded.installation);
        Ok(spot)
    }

    fn add(&mut self, scope: Scope, installation: &Installation) {
        match scope.clone() {
            Scope::Site => {}
            Scope::Zone(id) => self.zones = installation.site.chain(Some(&id)),
            Scope::Device(id) => self.device = Some(id),
            Scope::Terminal(id) => self.terminal = Some(id),
            Scope::Tariff(id) => self.tariff = Some(id),
            Scope::Group(id) => self.groups.push(id),
            Scope::Member(id) => self.member = Some(id),
            Scope::Role(id) => self.roles.push(id),
        }
        self.named.push(scope);
    }

    /// A gate stands somewhere, and gates and groups may have defaults of their own.
    fn surroundings(&mut self, installation: &Installation) {
        let site = &installation.site;
        let gate = self.device.as_ref().and_then(|id| site.gates.get(id));
        if let Some(gate) = gate {
            self.classes = site.classes(gate, &self.groups);
            if self.zones.is_empty() {
                self.zones = site.chain(Some(&gate.inner));
            }
        } else {
            let own = self.groups.iter().filter_map(|id| site.groups.get(id).copied());
            self.classes = own.collect();
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            zones: &self.zones,
            device: self.device.as_ref(),
            terminal: self.terminal.as_ref(),
            tariff: self.tariff.as_ref(),
            groups: &self.groups,
            member: self.member,
            roles: &self.roles,
            classes: &self.classes,
        }
    }

    /// What was named, and the zones around it.
    fn in_words(&self) -> String {
        let named = self.named.iter().filter(|scope| scope.kind() != ScopeKind::Zone);
        let mut words: Vec<_> = named.map(ToString::to_string).collect();
        if let [around @ .., inner] = self.zones.as_slice() {
            let around = around.iter().rev().map(|zone| format!(" in {zone}"));
            words.insert(0, format!("zone {inner}{}", around.collect::<String>()));
        }
        if words.is_empty() { "the whole site".to_owned() } else { words.join(", ") }
    }

    /// What was named and cannot change this parameter.
    fn notes(&self, spec: &ParamSpec) -> Vec<String> {
        let zone_named = self.named.iter().any(|scope| scope.kind() == ScopeKind::Zone);
        // A gate alone says which zone is entered.
        let tells_zone = |kind| {
            kind == ScopeKind::Device && !zone_named && spec.scopes.contains(&ScopeKind::Zone)
        };
        let changes = |kind| spec.scopes.contains(&kind) || tells_zone(kind);
        let foreign = self.named.iter().filter(|scope| !changes(scope.kind()));
        let note = |scope: &Scope| {
            let (name, kind, scopes) = (spec.name, scope.kind().name(), spec.scope_names());
            let why = format!("`{name}` is never set for a {kind}, so {scope} changes nothing");
            format!("{why}; it is set for: {scopes}")
        };
        foreign.map(note).collect()
    }
}

/// How the value at one place came about.
#[derive(Serialize)]
struct Account {
    number: u8,
    name: &'static str,
    /// The scopes that were named.
    named: Vec<Scope>,
    /// The zones, from the root to the one that is entered.
    zones: Vec<ZoneId>,
    value: String,
    unit: &'static str,
    /// Who supplied it; nothing is the default.
    scope: Option<Scope>,
    default: String,
    /// The classes of the place that have defaults of their own.
    classes: Vec<DefaultFor>,
    /// The values that match, the least specific first.
    found: Vec<FoundValue>,
    why: String,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct FoundValue {
    #[serde(flatten)]
    set: SetValue,
    /// Whether the value in force is this one, or made of it and others.
    counts: bool,
}

/// Says which value is in force at a place.
pub(super) async fn explain(args: &PlaceArgs, json: bool) -> anyhow::Result<Exit> {
    let param = find(&args.name)?;
    let Some(loaded) = load(Some(&args.site)).await? else { return Ok(Exit::Invalid) };
    let spot = Spot::of(args, &loaded)?;
    let explained = loaded.values.explain(param, &spot.place());
    let account = account(&loaded, param.spec(), &spot, &explained);
    if json {
        say!("{}", serde_json::to_string(&account)?);
    } else {
        print_account(&account, &spot);
    }
    Ok(Exit::Done)
}

fn account(loaded: &Loaded, spec: &ParamSpec, spot: &Spot, explained: &Explained<'_>) -> Account {
    let param = spec.param;
    let found = explained.found.iter().map(|found| FoundValue {
        set: SetValue::of(loaded, param, found.scope, found.value),
        counts: found.counts,
    });
    let has_own = |class: &&DefaultFor| spec.special().any(|(own, _)| own == **class);
    Account {
        number: spec.number,
        name: spec.name,
        named: spot.named.clone(),
        zones: spot.zones.clone(),
        value: explained.in_force.value.written(param),
        unit: spec.unit,
        scope: explained.in_force.scope.clone(),
        default: spec.default_for(&spot.classes).written(param),
        classes: spot.classes.iter().filter(has_own).copied().collect(),
        found: found.collect(),
        why: explained.why(),
        notes: spot.notes(spec),
    }
}

fn print_account(account: &Account, spot: &Spot) {
    say!("{} is {}{}", account.name, account.value, in_brackets(account.unit));
    say!("for {}: {}\n", spot.in_words(), account.why);
    let classes: Vec<_> = account.classes.iter().map(|class| class.in_words()).collect();
    let of = if classes.is_empty() { String::new() } else { format!(" of {}", classes.join(", ")) };
    let mark = |counts: bool| if counts { "counts" } else { "" };
    let default = [
        format!("default{of}"),
        account.default.clone(),
        String::new(),
        mark(account.scope.is_none()).to_owned(),
    ];
    let found = account.found.iter().map(|found| found.set.row(mark(found.counts)));
    print_rows(&std::iter::once(default).chain(found).collect::<Vec<_>>());
    for note in &account.notes {
        tell!("note: {note}");
    }
}
