//! The part of a site's file that says which device stands where, and over which broker.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::ids::DeviceId;
use serde::Deserialize;

use crate::accounts::live::Live;
use crate::pin::PinKey;
use crate::profile::{Kind, Profile, Profiles};
use crate::server::tls::Certificate;

/// The links of a site, as `site.toml` has them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinksConfig {
    /// The broker; needed where a gate speaks MQTT.
    pub mqtt: Option<MqttConfig>,
    /// The gates.
    #[serde(default, rename = "gate")]
    pub gates: Vec<GateConfig>,
}

/// The broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttConfig {
    /// `embedded`, or `mqtt://host:port`.
    #[serde(default = "embedded")]
    pub broker: String,
    /// Where the server inside listens; beyond loopback only where devices have accounts.
    #[serde(default = "loopback")]
    pub listen: SocketAddr,
    /// Our name at the broker, which keeps our session: two daemons at one broker need two.
    #[serde(default = "client_id")]
    pub client_id: String,
    /// Our account at a broker on the network.
    pub username: Option<String>,
    /// The file with its password.
    pub password_file: Option<PathBuf>,
    /// Where the server inside listens for TLS, beside `listen`.
    pub tls_listen: Option<SocketAddr>,
    /// The file of its certificate chain.
    pub tls_certificate: Option<PathBuf>,
    /// The file of the certificate's key.
    pub tls_key: Option<PathBuf>,
}

fn embedded() -> String {
    "embedded".to_owned()
}
fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1883))
}
fn client_id() -> String {
    "kari".to_owned()
}

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateConfig {
    /// Its id: lower-case letters, digits, hyphens.
    pub id: DeviceId,
    /// The name of its profile.
    pub profile: String,
    /// The zone that an entry comes from; empty is the street.
    #[serde(default)]
    pub from: String,
    /// The zone that an entry leads to.
    pub to: String,
    /// Whether a free, signed, alarmed exit stands beside it.
    #[serde(default)]
    pub egress_alternative: bool,
    /// Whether it tells that somebody went through; a simple door does not.
    #[serde(default = "yes")]
    pub reports_passage: bool,
    /// Where its board listens (Modbus): host and port.
    pub address: Option<String>,
    /// The board's unit id (Modbus), 1 to 247.
    pub unit: Option<u8>,
}

const fn yes() -> bool {
    true
}

/// What is wrong with the links of a site, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A gate cannot work as it is described.
    #[error("gate `{gate}`: {problem}")]
    Gate {
        /// Which.
        gate: DeviceId,
        /// With what to do.
        problem: String,
    },
    /// The broker's part cannot work.
    #[error("`[mqtt]`: {0}")]
    Mqtt(String),
    /// The password file cannot be read.
    #[error("cannot read the broker's password from `{path}`: {source}; check path and rights")]
    Password {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A gate whose description was checked.
#[derive(Clone, Debug)]
pub struct Gate {
    /// As it stands in the file.
    pub config: GateConfig,
    /// Its profile.
    pub profile: Profile,
    pub(crate) kind: Kind,
}

/// Links that were checked: everything that the hub needs.
#[derive(Clone, Debug)]
pub struct Links {
    pub(crate) broker: Option<Broker>,
    /// The gates, in the file's order.
    pub gates: Vec<Gate>,
    /// The key under which codes of keypads are made digests.
    pub pins: PinKey,
    /// The accounts at the server inside.
    pub accounts: Arc<Live>,
}

/// Which broker.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) place: BrokerPlace,
    pub(crate) client_id: String,
    pub(crate) login: Option<Login>,
    /// Where the one in this process listens for TLS.
    pub(crate) tls: Option<(SocketAddr, Certificate)>,
}

/// Where it is.
#[derive(Clone, Debug)]
pub(crate) enum BrokerPlace {
    /// In this process.
    Embedded(SocketAddr),
    /// On the network.
    Remote(String, u16),
}

/// An account at a broker.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.username)
    }
}

impl LinksConfig {
    /// Checks everything that can be checked without touching a device.
    ///
    /// # Errors
    /// At the first thing that cannot work.
    pub fn check(self, profiles: &Profiles) -> Result<Links, ConfigError> {
        let mut gates = Vec::with_capacity(self.gates.len());
        let mut seen = BTreeMap::new();
        for config in self.gates {
            if seen.insert(config.id.clone(), ()).is_some() {
                let problem = "it is described twice; give each gate an id of its own".to_owned();
                return Err(ConfigError::Gate { gate: config.id, problem });
            }
            gates.push(check_gate(config, profiles)?);
        }
        let needs_broker = gates.iter().any(|gate| matches!(gate.kind, Kind::Mqtt(_)));
        let broker = match (self.mqtt, needs_broker) {
            (Some(mqtt), _) => Some(mqtt.check()?),
            (None, false) => None,
            (None, true) => {
                let hint = "a gate speaks MQTT; say `broker = \"embedded\"` or where the broker is";
                return Err(ConfigError::Mqtt(hint.to_owned()));
            }
        };
        Ok(Links { broker, gates, pins: PinKey::default(), accounts: Arc::default() })
    }
}

impl Links {
    /// Where the broker listens, if that is on this machine.
    #[must_use]
    pub fn broker_address(&self) -> Option<SocketAddr> {
        match &self.broker.as_ref()?.place {
            BrokerPlace::Embedded(address) => Some(*address),
            BrokerPlace::Remote(host, port) => {
                let host = if host == "localhost" { "127.0.0.1" } else { host };
                host.parse().ok().map(|ip| SocketAddr::new(ip, *port))
            }
        }
    }

    /// Whether the broker is one on the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(&self.broker, Some(Broker { place: BrokerPlace::Remote(..), .. }))
    }

    /// Our account at a broker on the network.
    #[must_use]
    pub fn login_name(&self) -> Option<&str> {
        Some(self.broker.as_ref()?.login.as_ref()?.username.as_str())
    }

    /// Where the server inside lets in everybody, as no device has an account.
    #[must_use]
    pub fn open_door(&self) -> Option<SocketAddr> {
        let broker = self.broker.as_ref()?;
        let BrokerPlace::Embedded(address) = broker.place else { return None };
        let tls = broker.tls.as_ref().map(|(address, _)| *address);
        let seen = tls.filter(|at| !at.ip().is_loopback() && address.ip().is_loopback());
        self.accounts.current().is_empty().then_some(seen.unwrap_or(address))
    }

    /// Refuses a door that is open to other machines.
    ///
    /// # Errors
    /// It is, with what to do.
    pub fn check_door(&self) -> Result<(), ConfigError> {
        let Some(address) = self.open_door().filter(|at| !at.ip().is_loopback()) else {
            return Ok(());
        };
        Err(ConfigError::Mqtt(format!(
            "other machines reach {address}, and no device has an account; give each one its own \
             by `kari device add ID`, or say `listen = \"127.0.0.1:{}\"`",
            address.port()
        )))
    }

    /// The same links for a simulation, whose gates have no accounts: on this machine alone.
    #[must_use]
    pub fn simulated(mut self) -> Self {
        self.accounts = Arc::default();
        if let Some(Broker { place: BrokerPlace::Embedded(address), tls, .. }) = &mut self.broker {
            *tls = None;
            if !address.ip().is_loopback() {
                address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
        }
        self
    }

    /// What `kari check` tells people besides errors.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for gate in &self.gates {
            let found = gate.profile.check().unwrap_or_default();
            notes.extend(found.into_iter().map(|note| format!("`{}`: {note}", gate.profile.name)));
        }
        notes.dedup();
        notes
    }
}

fn check_gate(config: GateConfig, profiles: &Profiles) -> Result<Gate, ConfigError> {
    let failed = |problem: String| ConfigError::Gate { gate: config.id.clone(), problem };
    if !is_topic_id(config.id.as_str()) {
        let hint = "an id has 1 to 64 lower-case letters, digits and hyphens; rename it";
        return Err(failed(hint.to_owned()));
    }
    let Some(profile) = profiles.get(&config.profile) else {
        let known: Vec<_> = profiles.iter().map(|profile| format!("`{}`", profile.name)).collect();
        let hint = format!(
            "there is no profile `{}`; known are {}; own ones stand in the site's `devices` folder",
            config.profile,
            known.join(", ")
        );
        return Err(failed(hint));
    };
    let kind = profile.kind().map_err(|problems| failed(problems.join("; ")))?;
    match (&kind, config.address.is_some()) {
        (Kind::Modbus(_), false) => {
            return Err(failed("a Modbus gate needs `address = \"host:502\"`".to_owned()));
        }
        (Kind::Mqtt(_), true) => {
            let hint =
                "an MQTT gate has no address; take `address` out, it finds the broker itself";
            return Err(failed(hint.to_owned()));
        }
        _ => {}
    }
    if config.unit.is_some_and(|unit| !(1..=247).contains(&unit)) {
        return Err(failed("`unit` is 1 to 247; unit 0 would never answer".to_owned()));
    }
    Ok(Gate { profile: profile.clone(), kind, config })
}

/// Whether `id` can be one level of a topic as Homie allows it.
pub(crate) fn is_topic_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(fits)
}

impl MqttConfig {
    /// The same, with files that are named from the site's `folder`.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        for file in [&mut self.password_file, &mut self.tls_certificate, &mut self.tls_key] {
            *file = file.take().map(|file| folder.join(file));
        }
        self
    }

    fn check(self) -> Result<Broker, ConfigError> {
        let failed = |hint: &str| Err(ConfigError::Mqtt(hint.to_owned()));
        if !is_topic_id(&self.client_id) {
            return failed("`client_id` has 1 to 64 lower-case letters, digits and hyphens");
        }
        let place = if self.broker == "embedded" {
            BrokerPlace::Embedded(self.listen)
        } else {
            let Some((host, port)) = remote(&self.broker) else {
                return failed("`broker` is `embedded` or `mqtt://host:1883`");
            };
            BrokerPlace::Remote(host, port)
        };
        let login = match (self.username, self.password_file) {
            (None, None) => None,
            (Some(username), Some(path)) => {
                let password = plain_file::text(&path, plain_file::SMALL)
                    .map_err(|source| ConfigError::Password { path, source })?;
                Some(Login { username, password: password.trim_end().to_owned() })
            }
            _ => return failed("`username` and `password_file` go together; give both or none"),
        };
        if login.is_some() && matches!(place, BrokerPlace::Embedded(_)) {
            return failed("`username` is for a broker on the network; take it out");
        }
        let tls = match (self.tls_listen, self.tls_certificate, self.tls_key) {
            (None, None, None) => None,
            (Some(_), ..) if matches!(place, BrokerPlace::Remote(..)) => {
                return failed("`tls_listen` is of the server inside; take it out");
            }
            (Some(address), Some(chain), Some(key)) => {
                let read = Certificate::read(&chain, &key);
                let read = read.map_err(|error| ConfigError::Mqtt(error.to_string()))?;
                Some((address, read))
            }
            _ => {
                return failed(
                    "`tls_listen`, `tls_certificate` and `tls_key` go together; give all or none",
                );
            }
        };
        Ok(Broker { place, client_id: self.client_id, login, tls })
    }
}

fn remote(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("mqtt://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (rest, 1883),
    };
    (!host.is_empty() && !host.contains('/')).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(text: &str) -> Result<Links, String> {
        let config: LinksConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check(&Profiles::load(None).unwrap()).map_err(|error| error.to_string())
    }

    const MQTT: &str = "[mqtt]\n[[gate]]\nid = 'gate-1'\nprofile = 'homie-gate'\nto = 'hall'\n";

    #[test]
    fn links_of_both_kinds_are_read() {
        let board = "[[gate]]\nid = 'gate-2'\nprofile = 'relay-gate'\nfrom = 'hall'\nto = 'pool'\n\
                     address = '127.0.0.1:1502'\nunit = 1\n";
        let links = check(&format!("{MQTT}{board}")).unwrap();
        assert_eq!(links.gates.len(), 2);
        assert_eq!(links.gates[0].config.from, "");
        assert!(links.gates[0].profile.drops_repeats());
        let place = links.broker.unwrap().place;
        assert!(matches!(place, BrokerPlace::Embedded(at) if at.port() == 1883));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let gate = |more: &str| MQTT.replace("to = 'hall'", &format!("to = 'hall'\n{more}"));
        let mqtt = |more: &str| MQTT.replace("[mqtt]", &format!("[mqtt]\n{more}"));
        let cases = [
            (MQTT.replace("[mqtt]", ""), "say `broker = \"embedded\"`"),
            (format!("{MQTT}{}", MQTT.replace("[mqtt]", "")), "described twice"),
            (MQTT.replace("gate-1", "Gate 1"), "lower-case"),
            (MQTT.replace("homie-gate", "homey"), "known are `homie-gate`, `relay-gate`"),
            (MQTT.replace("homie-gate", "relay-gate"), "needs `address"),
            (gate("address = 'x:1'"), "take `address` out"),
            (gate("colour = 'red'"), "colour"),
            (mqtt("broker = 'http://x'"), "mqtt://host:1883"),
            (mqtt("username = 'x'"), "go together"),
            (mqtt("client_id = 'a/b'"), "client_id"),
            (mqtt("tls_listen = '127.0.0.1:8883'"), "go together"),
            (
                mqtt("tls_listen = '127.0.0.1:1'\ntls_certificate = 'none'\ntls_key = 'none'"),
                "cannot read `none`",
            ),
        ];
        for (text, expected) in cases {
            let error = check(&text).unwrap_err();
            assert!(error.contains(expected), "expected `{expected}` in: {error}");
        }
    }

    #[test]
    fn a_door_that_others_reach_needs_accounts() {
        let mqtt = |more: &str| check(&MQTT.replace("[mqtt]", &format!("[mqtt]\n{more}"))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut accounts = crate::accounts::Accounts::default();
        let secret = crate::accounts::Secret::of(&[1; 32], [2; 16]);
        accounts.add("gate-1", &secret, (Vec::new(), Vec::new())).unwrap();
        fs::write(folder.path().join(crate::accounts::FILE), accounts.text().unwrap()).unwrap();
        for (listen, open, refused) in [
            ("listen = '0.0.0.0:1883'", true, true),
            ("listen = '192.168.1.5:1883'", true, true),
            ("listen = '[::]:1883'", true, true),
            ("listen = '127.0.0.1:1883'", true, false),
            ("listen = '[::1]:1883'", true, false),
            ("broker = 'mqtt://192.168.1.5'", false, false),
        ] {
            let mut links = mqtt(listen);
            assert_eq!(links.open_door().is_some(), open, "{listen}");
            let error = links.check_door().err().map(|error| error.to_string());
            assert_eq!(error.is_some(), refused, "{listen}: {error:?}");
            assert!(error.is_none_or(|error| error.contains("`kari device add ID`")));
            links.accounts = Arc::new(Live::open(folder.path()).unwrap());
            assert!(links.check_door().is_ok() && links.open_door().is_none(), "{listen}");
            let simulated = links.simulated();
            assert!(simulated.check_door().is_ok(), "a simulation is on this machine: {listen}");
            assert!(simulated.accounts.current().is_empty());
        }
    }

    #[test]
    fn a_broker_on_the_network_has_a_host_and_a_port() {
        let cases = [
            ("mqtt://broker.local:1884", Some(("broker.local", 1884))),
            ("mqtt://broker.local", Some(("broker.local", 1883))),
            ("mqtt://[::1]:1883/", Some(("[::1]", 1883))),
            ("mqtt://:1883", None),
            ("mqtt://x:99999", None),
            ("broker.local", None),
        ];
        for (url, expected) in cases {
            let found = remote(url);
            assert_eq!(
                found.as_ref().map(|(host, port)| (host.as_str(), *port)),
                expected,
                "{url}"
            );
        }
    }
}
