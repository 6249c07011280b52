//! The rules of a scenario: the shipped ones with the settings of the scenario, and others that
//! take their place in the middle of it.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use domain::{
    facts::Policy as _,
    site::Site,
    state::{Input, RuleSetNews},
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};

use super::{Given, World, made::Ids};

thread_local! {
    /// Rule sets by the scenario's title and text: most rows share theirs.
    static LOADED: RefCell<BTreeMap<(String, String), Arc<RuleSet>>> = const {
        RefCell::new(BTreeMap::new())
    };
    /// The shipped rules as they are changed for a time.
    static CHANGED: RefCell<Option<Vec<SourceFile>>> = const { RefCell::new(None) };
}

/// Does `work` while the worlds of this thread have these rules in the place of the shipped ones.
pub fn with_shipped<T>(rules: Vec<SourceFile>, work: impl FnOnce() -> T) -> T {
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            CHANGED.take();
            LOADED.take();
        }
    }
    let _back = Back;
    LOADED.take();
    CHANGED.replace(Some(rules));
    work()
}

impl World {
    /// The rules that the scenario has by this name are put into the folder: those of its own with
    /// them, in the place of what its rows added.
    pub(super) fn reload(&mut self, name: &str) -> Result<(), String> {
        let names: Vec<_> = self.given.rule_sets.keys().cloned().collect();
        let Some(text) = self.given.rule_sets.get(name) else {
            return Err(format!("no rules are called `{name}`; there are {}", names.join(", ")));
        };
        let ids = Ids::of(&self.given, self.beginning);
        let site = &self.state.site;
        let news = match rule_set(&self.given, site, &ids, text) {
            Ok(set) => {
                let hash = set.hash().to_owned();
                let same = self.rules.hash() == hash;
                let restored = std::mem::take(&mut self.degraded);
                let texts = set.texts();
                self.rules = set;
                match (same, restored) {
                    (true, false) => return Ok(()),
                    (true, true) => RuleSetNews::Restored { hash },
                    (false, _) => RuleSetNews::Live { hash, texts },
                }
            }
            Err(message) => {
                self.degraded = true;
                RuleSetNews::Refused { message }
            }
        };
        self.take(Input::RuleSet(news));
        Ok(())
    }
}

/// The shipped rules with those of the scenario and `more`.
pub(super) fn rule_set(
    given: &Given,
    site: &Site,
    ids: &Ids,
    more: &str,
) -> Result<Arc<RuleSet>, String> {
    let mut rules = format!("{}\n{more}", given.rules);
    // Nobody knows the id of a member that a scenario makes: who holds the band is meant.
    for (band, member) in &ids.members {
        let called = format!("member(\"{band}\")");
        rules = rules.replace(&called, &format!("member(\"{member}\")"));
    }
    let key = (given.title.clone(), rules);
    if let Some(known) = LOADED.with_borrow(|loaded| loaded.get(&key).cloned()) {
        return Ok(known);
    }
    let hours = "set(\"time.access_windows\", \"always\");\n";
    let changed = CHANGED.with_borrow(Clone::clone);
    let rules = changed.unwrap_or_else(|| shipped().collect());
    let own = [file("00_hours.rhai", hours), file("90_given.rhai", &key.1)];
    let set = Arc::new(try_files(given, site, rules.into_iter().chain(own))?);
    LOADED.with_borrow_mut(|loaded| loaded.insert(key, set.clone()));
    Ok(set)
}

/// The shipped rules without their settings; the cases of the files are run by their own tests.
pub fn shipped() -> impl Iterator<Item = SourceFile> {
    let is_rule = |name: &str| name != "00_site.rhai" && name.ends_with(".rhai");
    SHIPPED.iter().filter(move |(name, _)| is_rule(name)).map(|(name, text)| file(name, text))
}

/// A rule file.
#[must_use]
pub fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

/// Loads rule files for a site.
pub fn load_files(given: &Given, site: &Site, files: impl Iterator<Item = SourceFile>) -> RuleSet {
    try_files(given, site, files).unwrap_or_else(|why| panic!("{}: {why}", given.title))
}

/// Loads rule files for a site, or says what is wrong with them.
fn try_files(
    given: &Given,
    site: &Site,
    files: impl Iterator<Item = SourceFile>,
) -> Result<RuleSet, String> {
    let problems = match load(&Bundle::of(files), &names(given, site)) {
        Ok(checked) => return Ok(checked.set),
        Err(problems) => problems,
    };
    let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Err(found.join("\n"))
}

/// The names that rules of the site may use.
fn names(given: &Given, site: &Site) -> Names {
    let groups = given.people.iter().flat_map(|person| person.groups.clone());
    let mut names = Names {
        tariffs: given.tariffs.keys().cloned().collect(),
        groups: groups.collect(),
        roles: given.operators.values().flatten().cloned().collect(),
        ..Names::of_site(site)
    };
    names.devices.extend(given.lockers.values().cloned());
    names
}
