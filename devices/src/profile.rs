//! Profiles: what a device type is, apart from where a device stands.
//!
//! A profile is a TOML file. Two are shipped; a site's own files in its `devices` folder add to
//! them and replace them by name. To add a device type, write such a file; `kari check` reads it.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde::Deserialize;

use crate::modbus::profile::{Map, ModbusProfile};

const SHIPPED: [(&str, &str); 2] = [
    ("homie-gate.toml", include_str!("../profiles/homie-gate.toml")),
    ("relay-gate.toml", include_str!("../profiles/relay-gate.toml")),
];

/// What is wrong with a profile, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read `{path}`: {source}; check that it exists and may be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The text is no profile.
    #[error("device profile `{file}`: {message}")]
    Parse {
        /// Which file.
        file: String,
        /// What the reader says, with line and column.
        message: String,
    },
    /// The profile reads well but cannot work.
    #[error("device profile `{file}`: {}", .problems.join("; "))]
    Check {
        /// Which file.
        file: String,
        /// Each with what to do.
        problems: Vec<String>,
    },
}

/// A device type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, by which gates refer to it.
    pub name: String,
    /// Set for a device that speaks MQTT.
    pub mqtt: Option<MqttProfile>,
    /// Set for a device behind a Modbus board.
    pub modbus: Option<ModbusProfile>,
}

/// What is particular about an MQTT device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttProfile {
    /// Whether it drops repeats of one command id; otherwise opening commands go out at QoS 0.
    pub drops_repeats: bool,
    /// Whether it shows or sounds answers.
    pub indicator: bool,
    /// Whether a collector beside it keeps bands when it is told to.
    #[serde(default)]
    pub collector: bool,
    /// Whether it confirms each command that moves something (`gate/result`).
    #[serde(default)]
    pub results: bool,
}

/// A checked profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Over MQTT.
    Mqtt(MqttProfile),
    /// Over Modbus, with protocol addresses.
    Modbus(Arc<Map>),
}

impl Profile {
    /// Reads and checks one profile; `file` is its name for messages.
    ///
    /// # Errors
    /// When the text is no profile or cannot work.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(|error| ProfileError::Parse {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        profile
            .check()
            .map_err(|problems| ProfileError::Check { file: file.to_owned(), problems })?;
        Ok(profile)
    }

    /// Whether the profile can work; notes for people (such as converted addresses) if it can.
    ///
    /// # Errors
    /// Each problem with what to do.
    pub fn check(&self) -> Result<Vec<String>, Vec<String>> {
        match self.kind()? {
            Kind::Mqtt(_) => Ok(Vec::new()),
            Kind::Modbus(map) => Ok(map.notes.clone()),
        }
    }

    /// Whether the device drops repeats of one command id. A Modbus board cannot, and needs not:
    /// a pulse is written once and never tried again.
    #[must_use]
    pub fn drops_repeats(&self) -> bool {
        self.mqtt.is_some_and(|mqtt| mqtt.drops_repeats)
    }

    pub(crate) fn kind(&self) -> Result<Kind, Vec<String>> {
        match (&self.mqtt, &self.modbus) {
            (Some(mqtt), None) => Ok(Kind::Mqtt(*mqtt)),
            (None, Some(modbus)) => modbus.map().map(|map| Kind::Modbus(Arc::new(map))),
            (None, None) => {
                Err(vec!["it says neither `[mqtt]` nor `[modbus]`; add one".to_owned()])
            }
            (Some(_), Some(_)) => Err(vec![
                "it says both `[mqtt]` and `[modbus]`; make two profiles of it".to_owned(),
            ]),
        }
    }
}

/// All profiles of a site, by name.
#[derive(Clone, Debug, Default)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// The shipped profiles and those of the site's `folder`, which is allowed to be missing.
    ///
    /// # Errors
    /// At the first file that cannot be read or cannot work.
    pub fn load(folder: Option<&Path>) -> Result<Self, ProfileError> {
        let mut profiles = Self::default();
        for (file, text) in SHIPPED {
            profiles.add(file, text)?;
        }
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            profiles.add_folder(folder)?;
        }
        Ok(profiles)
    }

    /// The profile of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.0.values()
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let profile = Profile::parse(file, text)?;
        self.0.insert(profile.name.clone(), profile);
        Ok(())
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), ProfileError> {
        let failed =
            |path: &Path, source| ProfileError::Read { path: path.display().to_string(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
            let path = entry.map_err(|error| failed(folder, error))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let text =
                plain_file::text(&path, plain_file::SMALL).map_err(|error| failed(&path, error))?;
            self.add(&path.display().to_string(), &text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_profiles_work() {
        let profiles = Profiles::load(None).unwrap();
        assert_eq!(profiles.iter().count(), 2);
        assert!(profiles.get("homie-gate").unwrap().drops_repeats());
        assert!(!profiles.get("relay-gate").unwrap().drops_repeats());
    }

    #[test]
    fn a_site_s_own_file_replaces_a_shipped_profile_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let own = "name = 'homie-gate'\n[mqtt]\ndrops_repeats = false\nindicator = true\n";
        fs::write(folder.path().join("own.toml"), own).unwrap();
        fs::write(folder.path().join("notes.txt"), "no profile").unwrap();
        let profiles = Profiles::load(Some(folder.path())).unwrap();
        assert!(!profiles.get("homie-gate").unwrap().drops_repeats());
    }

    #[test]
    fn what_is_wrong_with_a_profile_is_said_with_what_to_do() {
        let relay = SHIPPED[1].1;
        let cases = [
            ("name = 'x'", "neither `[mqtt]` nor `[modbus]`"),
            ("name = 'x'\n[mqtt]\ndrops_repeats = true\nindicator = true\nlamp = 1", "lamp"),
            (&relay.replace("ABCD\"\n", "ABDC\"\n"), "ABDC"),
            (&relay.replace("poll_ms = 100\nfire", "poll_ms = 400\nfire"), "at most 100"),
            (&relay.replace("fire_poll_ms = 50", "fire_poll_ms = 90"), "at most 50"),
            (&relay.replace("pulse_ms = 500", "pulse_ms = 7000"), "6500 ms"),
            (&relay.replace("pulse_ms = 500", "pulse_ms = 450"), "steps of 100 ms"),
            (&relay.replace("release = [1]", "release = []"), "release"),
            (&relay.replace("coil = 1", "coil = 0"), "coil 0"),
            (&relay.replace("address_base = 0", "address_base = 7"), "0, 1 or 40001"),
            (&relay.replace("address_base = 0", "address_base = 1"), "counts from 1"),
            (&relay.replace("uid_words = 8", "uid_words = 80"), "1 to 32"),
            (&relay.replace("uid = 18", "uid = 900"), "in one request"),
        ];
        for (text, expected) in cases {
            let error = Profile::parse("x.toml", text).unwrap_err().to_string();
            assert!(error.contains(expected), "expected `{expected}` in: {error}");
        }
    }

    #[test]
    fn addresses_of_manuals_are_converted_and_the_conversion_is_shown() {
        let modicon = SHIPPED[1]
            .1
            .replace("address_base = 0", "address_base = 40001")
            .replace("coil = 2", "coil = 3")
            .replace("coil = 1\n", "coil = 2\n")
            .replace("coil = 0\n", "coil = 1\n")
            .replace("release = [1]", "release = [2]");
        let mut modicon = modicon;
        for input in (0..4).rev() {
            let from = format!("{{ input = {input} }}");
            modicon = modicon.replace(&from, &format!("{{ input = {} }}", 10_001 + input));
        }
        for (name, at) in [("count", 0), ("length", 1), ("uid", 2)] {
            for base in [0, 16] {
                let from = format!("\n{name} = {}\n", base + at);
                modicon = modicon.replace(&from, &format!("\n{name} = {}\n", 30_001 + base + at));
            }
        }
        let converted = Profile::parse("x.toml", &modicon).unwrap();
        let plain = Profile::parse("y.toml", SHIPPED[1].1).unwrap();
        let (Ok(Kind::Modbus(one)), Ok(Kind::Modbus(two))) = (converted.kind(), plain.kind())
        else {
            panic!("both are Modbus profiles")
        };
        assert_eq!(Map { notes: Vec::new(), ..(*one).clone() }, *two);
        assert!(
            converted
                .check()
                .unwrap()
                .contains(&"discrete input 10001 of the manual is protocol address 0".to_owned())
        );
    }
}
