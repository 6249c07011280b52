//! The daemon's health, as the daemon sets it and as readers see it.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use tokio::sync::watch;

/// The health of a running daemon. Setting it wakes live readers.
#[derive(Debug)]
pub struct Health {
    state: watch::Sender<HealthState>,
}

/// One look at the health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthState {
    /// Whether the database takes writes.
    pub database: bool,
    /// What keeps it from that, where it is known.
    pub database_trouble: Option<&'static str>,
    /// The rules.
    pub rules: RulesState,
    /// The links to devices, by name; `true` is up.
    pub links: BTreeMap<String, bool>,
    /// Commands to devices that failed in this run.
    pub failures: Failures,
}

/// Commands to devices that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The last one: when, of which device, and why.
    pub last: Option<(Timestamp, String, String)>,
}

/// The rule set in force and the last one refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesState {
    /// The set in force: its hash, and since when.
    pub live: Option<(String, Timestamp)>,
    /// Why the last change was refused, and when; nothing once a set went live again.
    pub refused: Option<(String, Timestamp)>,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: watch::channel(HealthState::default()).0 }
    }
}

impl Health {
    /// Whether the database takes writes.
    pub fn database(&self, up: bool) {
        self.change(|state| {
            state.database = up;
            if up {
                state.database_trouble = None;
            }
        });
    }

    /// The database takes no writes, for this cause.
    pub fn database_trouble(&self, trouble: &'static str) {
        self.change(|state| {
            state.database = false;
            state.database_trouble = Some(trouble);
        });
    }

    /// A rule set went live at `at`.
    pub fn rules_live(&self, hash: &str, at: Timestamp) {
        self.change(|state| {
            state.rules = RulesState { live: Some((hash.to_owned(), at)), refused: None };
        });
    }

    /// A change of the rules was refused at `at`: `message` has file, line and what to do.
    pub fn rules_refused(&self, message: &str, at: Timestamp) {
        self.change(|state| state.rules.refused = Some((message.to_owned(), at)));
    }

    /// The link `name` came up or went down. Links are named in the site's files: there are few.
    pub fn link(&self, name: &str, up: bool) {
        self.change(|state| {
            state.links.insert(name.to_owned(), up);
        });
    }

    /// A command to `device` failed at `at`.
    pub fn command_failed(&self, at: Timestamp, device: &str, why: &str) {
        self.change(|state| {
            state.failures.count += 1;
            state.failures.last = Some((at, device.to_owned(), why.to_owned()));
        });
    }

    /// The health now.
    #[must_use]
    pub fn look(&self) -> HealthState {
        self.state.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<HealthState> {
        self.state.subscribe()
    }

    /// Readers are woken by a change only, so that a daemon may report as often as it likes.
    fn change(&self, set: impl FnOnce(&mut HealthState)) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            set(state);
            *state != before
        });
    }
}

impl HealthState {
    /// What keeps the daemon from deciding as it should; nothing when it is ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if !self.database {
            missing.push(match self.database_trouble {
                Some(trouble) => format!("database ({trouble})"),
                None => "database".to_owned(),
            });
        }
        if self.rules.live.is_none() {
            missing.push("rules".to_owned());
        }
        let down = self.links.iter().filter(|(_, up)| !**up);
        missing.extend(down.map(|(name, _)| format!("link:{name}")));
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_database_rules_and_every_link() {
        let health = Health::default();
        assert_eq!(health.look().missing(), ["database", "rules"]);
        health.database_trouble("read-only");
        assert_eq!(health.look().missing(), ["database (read-only)", "rules"]);
        health.database(true);
        health.link("mqtt", false);
        health.rules_live("a3", Timestamp::default());
        assert_eq!(health.look().missing(), ["link:mqtt"]);
        health.link("mqtt", true);
        assert!(health.look().missing().is_empty());
    }

    #[test]
    fn a_refused_set_leaves_the_good_one_in_force_until_the_next_good_one() {
        let health = Health::default();
        health.rules_live("a3", Timestamp::default());
        health.rules_refused("rules/a.rhai:3: unknown name", Timestamp::default());
        let rules = health.look().rules;
        assert!(rules.live.is_some() && rules.refused.is_some());
        health.rules_live("b4", Timestamp::default());
        assert_eq!(health.look().rules.refused, None);
    }

    #[test]
    fn readers_are_woken_by_changes_alone() {
        let health = Health::default();
        let mut reader = health.watch();
        health.database(false);
        assert!(!reader.has_changed().unwrap());
        health.database(true);
        assert!(reader.has_changed().unwrap());
        reader.mark_unchanged();
    }
}
