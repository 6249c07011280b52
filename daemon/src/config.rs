//! The installation: `site.toml` and `devices/*.toml` in the site's folder, read strictly.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use devices::{
    accounts::live::Live,
    config::{GateConfig, Links, LinksConfig, MqttConfig},
    profile::Profiles,
};
use domain::{
    ids::{DeviceId, GroupId, ZoneId},
    money::Currency,
    params::DefaultFor,
    site::{Gate, Site, TerminalKind},
};
use serde::{Deserialize, de::DeserializeOwned};
use store::place::Place;

use crate::registry::phones;

mod database;
mod money;
use database::{AuditPart, DatabasePart};
use money::MoneyPart;

/// Why an installation cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// There is no site where one was looked for.
    #[error(
        "there is no site.toml in {}; name a site's folder, or make one with `kari init DIR`",
        looked.join(", ")
    )]
    NoSite {
        /// The folders.
        looked: Vec<String>,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not as it must be.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The parts do not fit together.
    #[error("{}: {message}", path.display())]
    Meaning {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        message: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    site: SitePart,
    #[serde(default)]
    state: StatePart,
    #[serde(default)]
    money: MoneyPart,
    #[serde(default)]
    database: DatabasePart,
    #[serde(default)]
    audit: AuditPart,
    #[serde(default)]
    rules: RulesPart,
    #[serde(default)]
    admin: AdminPart,
    mqtt: Option<MqttConfig>,
    #[serde(default)]
    zone: Vec<ZonePart>,
    #[serde(default)]
    gate: Vec<GateConfig>,
    #[serde(default)]
    lockers: Vec<LockersPart>,
    #[serde(default)]
    group: Vec<GroupPart>,
    #[serde(default)]
    terminal: Vec<TerminalPart>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SitePart {
    name: String,
    time_zone: String,
    currency: String,
    /// The country of phones that are written without one, such as `GE`.
    country: Option<String>,
    #[serde(default)]
    responders: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatePart {
    folder: PathBuf,
}

impl Default for StatePart {
    fn default() -> Self {
        Self { folder: "state".into() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesPart {
    settle_ms: u64,
}

impl Default for RulesPart {
    fn default() -> Self {
        Self { settle_ms: 250 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdminPart {
    listen: SocketAddr,
}

impl Default for AdminPart {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8420)) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZonePart {
    id: String,
    parent: Option<String>,
    #[serde(default, rename = "name")]
    _name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockersPart {
    bank: String,
    zone: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupPart {
    id: String,
    class: DefaultFor,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TerminalPart {
    id: DeviceId,
    kind: TerminalKind,
    /// The gates that it watches, or that guests pay for there.
    #[serde(default)]
    gates: Vec<DeviceId>,
}

impl TerminalPart {
    /// Adds it to `site` and binds its gates.
    fn join(&self, site: &mut Site) -> Result<(), String> {
        let id = &self.id;
        if site.terminals.insert(id.clone(), self.kind).is_some() || site.gates.contains_key(id) {
            return Err(format!("`{id}` is described twice; give each device an id of its own"));
        }
        for gate in &self.gates {
            let Some(known) = site.gates.get_mut(gate) else {
                return Err(format!("terminal `{id}`: no gate is called `{gate}`"));
            };
            let place = match self.kind {
                TerminalKind::Desk => &mut known.desk,
                TerminalKind::PayPoint => &mut known.pay_point,
                TerminalKind::Till => {
                    return Err(format!("terminal `{id}`: a till watches no gate; make it a desk"));
                }
            };
            if place.replace(id.clone()).is_some() {
                return Err(format!("terminal `{id}`: gate `{gate}` has one of its kind already"));
            }
        }
        Ok(())
    }
}

/// A site's folder, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// What decisions need to know of it.
    pub(crate) site: Arc<Site>,
    /// The folder of socket and lock, and of the database where it is a file.
    pub(crate) state: PathBuf,
    /// The database.
    pub(crate) database: Place,
    /// How long edited rule files must rest.
    pub(crate) settle: Duration,
    /// Where health, metrics and the feed are served; loopback.
    pub(crate) admin: SocketAddr,
    /// Devices and broker, checked.
    pub(crate) links: Links,
    /// Files with passwords and keys.
    pub(crate) secret_files: Vec<PathBuf>,
    /// Banks of lockers.
    pub(crate) locker_banks: BTreeSet<String>,
    /// The country of phones that are written without one.
    pub(crate) country: Option<phonenumber::country::Id>,
}

impl Installation {
    /// Finds, reads and checks a site: `given`, else the current folder, else `/etc/kari`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(crate) fn open(given: Option<&Path>) -> Result<Self, ConfigError> {
        let installation = Self::read(given)?;
        installation.links.check_door().map_err(|error| ConfigError::Meaning {
            path: installation.folder.join("site.toml"),
            message: error.to_string(),
        })?;
        Ok(installation)
    }

    /// The same, though its devices may still need accounts.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(crate) fn read(given: Option<&Path>) -> Result<Self, ConfigError> {
        let folder = find(given)?;
        let path = folder.join("site.toml");
        let text = read(&path)?;
        let file: SiteFile = parse(&path, &text)?;
        let meaning = |message: String| ConfigError::Meaning { path: path.clone(), message };
        let site = file.site_of().map_err(&meaning)?;
        let own = folder.join("devices");
        let profiles = Profiles::load(own.is_dir().then_some(own.as_path()))
            .map_err(|error| meaning(error.to_string()))?;
        let mut site = site;
        file.money.join(&mut site).map_err(|(start, why)| syntax(&path, &text, start, why))?;
        let of_mqtt =
            file.mqtt.iter().flat_map(|it| [it.password_file.clone(), it.tls_key.clone()]);
        let secrets = of_mqtt.flatten().chain(file.database.password_file.clone());
        let secret_files = secrets.map(|secret| folder.join(secret)).collect();
        let links =
            LinksConfig { mqtt: file.mqtt.map(|mqtt| mqtt.within(&folder)), gates: file.gate };
        let mut links = links.check(&profiles).map_err(|error| meaning(error.to_string()))?;
        let accounts = Live::open(&folder).map_err(|error| meaning(error.to_string()))?;
        links.accounts = Arc::new(accounts);
        for gate in &links.gates {
            let known = site.gates.get_mut(&gate.config.id);
            if let Some(known) = known {
                known.drops_repeats = gate.profile.drops_repeats();
            }
        }
        if !file.admin.listen.ip().is_loopback() {
            let why = "`admin.listen` is a loopback address until sign-in and TLS are set up";
            return Err(meaning(why.to_owned()));
        }
        let country = file.site.country.as_deref().map(|code| {
            phones::country(code)
                .ok_or_else(|| meaning(format!("`{code}` is not a country such as GE")))
        });
        let state = folder.join(&file.state.folder);
        let database = file.database.place(&folder, &state).map_err(&meaning)?;
        let heads = file.audit.heads.iter().map(|head| folder.join(head)).collect();
        let database = database.with_heads(&state, heads);
        Ok(Self {
            country: country.transpose()?,
            state,
            database,
            settle: Duration::from_millis(file.rules.settle_ms),
            admin: file.admin.listen,
            locker_banks: file.lockers.into_iter().map(|bank| bank.bank).collect(),
            site: Arc::new(site),
            links,
            secret_files,
            folder,
        })
    }

    /// The folder of the rule files.
    pub(crate) fn rules(&self) -> PathBuf {
        self.folder.join("rules")
    }
    /// The folder of the first data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
    /// Whether there may be a database: else neither file nor state folder knows of one.
    pub(crate) fn has_database(&self) -> bool {
        crate::database::may_be_there(&self.database, &self.state)
    }
    /// The socket of a running daemon.
    pub(crate) fn socket(&self) -> PathBuf {
        self.state.join("kari.sock")
    }
}

impl SiteFile {
    fn site_of(&self) -> Result<Site, String> {
        let time_zone = jiff::tz::TimeZone::get(&self.site.time_zone).map_err(|_| {
            format!("`{}` is not a time zone such as Asia/Tbilisi", self.site.time_zone)
        })?;
        let currency = Currency::of(&self.site.currency).ok_or_else(|| {
            format!("`{}` is not a currency such as GEL, AMD or EUR", self.site.currency)
        })?;
        let zones = self.zones()?;
        let mut site = Site {
            zones,
            groups: self.groups()?,
            responders: self.site.responders.iter().map(|id| id.as_str().into()).collect(),
            daemon: self.database.number()?,
            ..Site::new(self.site.name.clone(), time_zone, currency)
        };
        for gate in &self.gate {
            let known = self.gate_of(gate, &site)?;
            site.gates.insert(gate.id.clone(), known);
        }
        for terminal in &self.terminal {
            terminal.join(&mut site)?;
        }
        for bank in &self.lockers {
            zone_of(&site, &bank.zone).map_err(|why| format!("lockers `{}`: {why}", bank.bank))?;
        }
        Ok(site)
    }

    /// Groups of people who swim or move with difficulty have defaults of their own.
    fn groups(&self) -> Result<BTreeMap<GroupId, DefaultFor>, String> {
        let mut groups = BTreeMap::new();
        for GroupPart { id, class } in &self.group {
            if !matches!(class, DefaultFor::SwimGroup | DefaultFor::ReducedMobility) {
                return Err(format!("group `{id}`: its class is swim_group or reduced_mobility"));
            }
            if groups.insert(GroupId::from(id.as_str()), *class).is_some() {
                return Err(format!("group `{id}` is described twice"));
            }
        }
        Ok(groups)
    }

    /// The tree: one root, every parent known, no circle.
    fn zones(&self) -> Result<BTreeMap<ZoneId, Option<ZoneId>>, String> {
        let mut zones = BTreeMap::new();
        for zone in &self.zone {
            let parent = zone.parent.as_deref().map(ZoneId::from);
            if zones.insert(ZoneId::from(zone.id.as_str()), parent).is_some() {
                return Err(format!("zone `{}` is described twice", zone.id));
            }
        }
        let roots = zones.values().filter(|parent| parent.is_none()).count();
        if roots != 1 {
            return Err(format!("{roots} zones have no `parent`; exactly one is the whole site"));
        }
        for (zone, parent) in &zones {
            if parent.as_ref().is_some_and(|parent| !zones.contains_key(parent)) {
                return Err(format!("the parent of zone `{zone}` is not described"));
            }
            let mut seen = BTreeSet::from([zone]);
            let mut above = parent.as_ref();
            while let Some(next) = above {
                if !seen.insert(next) {
                    return Err(format!("zone `{zone}` lies inside itself; correct its parents"));
                }
                above = zones.get(next).and_then(Option::as_ref);
            }
        }
        Ok(zones)
    }

    fn gate_of(&self, gate: &GateConfig, site: &Site) -> Result<Gate, String> {
        let told = |why| format!("gate `{}`: {why}", gate.id);
        let inner = zone_of(site, &gate.to).map_err(told)?;
        let outer = match gate.from.as_str() {
            "" => None,
            name => Some(zone_of(site, name).map_err(told)?),
        };
        // An exit leads to a zone that holds the one it leaves: only so is the way out never
        // refused.
        let inside = outer
            .as_ref()
            .is_none_or(|outer| outer != &inner && site.chain(Some(&inner)).contains(outer));
        if !inside {
            return Err(told(format!(
                "zone `{}` does not lie inside `{}`; say so by `parent`, or turn the gate round",
                gate.to, gate.from
            )));
        }
        Ok(Gate {
            egress_alternative: gate.egress_alternative,
            reports_passage: gate.reports_passage,
            ..Gate::new(outer, inner)
        })
    }
}

fn zone_of(site: &Site, name: &str) -> Result<ZoneId, String> {
    let zone = ZoneId::from(name);
    if site.zones.contains_key(&zone) {
        Ok(zone)
    } else {
        Err(format!("no zone is called `{name}`"))
    }
}

fn find(given: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let places = match given {
        Some(folder) => vec![folder.to_path_buf()],
        None => vec![PathBuf::from("."), PathBuf::from("/etc/kari")],
    };
    let found = places.iter().find(|folder| folder.join("site.toml").is_file()).cloned();
    found.ok_or_else(|| ConfigError::NoSite {
        looked: places.iter().map(|folder| format!("`{}`", folder.display())).collect(),
    })
}

/// Reads a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    plain_file::text(path, plain_file::SMALL)
        .map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })
}

/// Reads the TOML of a file.
///
/// # Errors
/// The first mistake, with its place.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        syntax(path, text, start, error.message().to_owned())
    })
}

/// A mistake at a place of a file.
fn syntax(path: &Path, text: &str, start: usize, message: String) -> ConfigError {
    let before = &text[..start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ConfigError::Syntax { path: path.to_path_buf(), line, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[site]\nname = 'x'\ntime_zone = 'Asia/Tbilisi'\ncurrency = 'GEL'\n[mqtt]\n\
        [[zone]]\nid = 'site'\n[[zone]]\nid = 'pool'\nparent = 'site'\n\
        [[gate]]\nid = 'gate-1'\nprofile = 'homie-gate'\nfrom = 'site'\nto = 'pool'\n";

    fn open(text: &str) -> Result<Installation, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("site.toml"), text).unwrap();
        Installation::open(Some(folder.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_site_is_read_with_what_was_left_out() {
        let got = open(GOOD).unwrap();
        assert_eq!(got.settle, Duration::from_millis(250));
        assert_eq!((got.site.gates.len(), got.site.daemon), (1, 1));
        let second = "[database]\nurl = 'postgres://a@c/d'\ndaemon = 2\n[mqtt]";
        assert_eq!(open(&GOOD.replace("[mqtt]", second)).unwrap().site.daemon, 2);
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_to_do() {
        for (from, to, expected) in [
            ("name = 'x'", "nome = 'x'", "site.toml:2:1: unknown field `nome`"),
            ("Asia/Tbilisi", "Asia/Tiflis", "is not a time zone"),
            ("'GEL'", "'GLD'", "is not a currency"),
            ("parent = 'site'", "parent = 'moon'", "the parent of zone `pool` is not described"),
            ("parent = 'site'", "", "2 zones have no `parent`"),
            ("from = 'site'\nto = 'pool'", "from = 'pool'\nto = 'site'", "turn the gate round"),
            ("to = 'pool'", "to = 'moon'", "no zone is called `moon`"),
            ("[mqtt]", "[mqtt]\n[database]\ndaemon = 2", "a file has one daemon"),
            ("[mqtt]", "[mqtt]\n[database]\nurl = 'postgres://a:b@c/d'", "holds a password"),
            (
                "[mqtt]",
                "[mqtt]\n[database]\nurl = 'postgres://a@c/d'\npassword_file = 'none'",
                "cannot read",
            ),
            ("[mqtt]", "[money]\nvat = '101'\n[mqtt]", "site.toml:6:7: `101` is not a tax"),
            ("[mqtt]", "[money]\ncash_step = '0'\n[mqtt]", "not an amount of GEL from 0.01 on"),
            ("[mqtt]", "[money]\nband_deposit = '-5'\n[mqtt]", "not an amount of GEL from 0.00"),
            ("[mqtt]", "[money]\ntax = '5'\n[mqtt]", "unknown field `tax`"),
            ("[mqtt]", "[mqtt]\n[[group]]\nid = 'a'\nclass = 'desk'", "its class is swim_group"),
            ("[mqtt]", "[mqtt]\nlisten = '0.0.0.0:1883'", "no device has an account"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let got = open(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(got.contains(expected), "expected `{expected}` in: {got}");
        }
    }
}
