//! The values of parameters that are kept in the database, for whoever looks from outside of the
//! loop, and what a new one has to pass.

use std::sync::Arc;

use admin_api::health::Health;
use domain::{
    params::{Param, Value},
    rows::{ParamKey, SetParam},
    scope::{ParamTable, Scope},
};
use rules::load::Names;
use store::reader::Reader;

use crate::{config::Installation, database, reload};

/// The values in the site's database; none where there is no database yet.
pub(crate) async fn kept(installation: &Installation) -> anyhow::Result<Vec<(ParamKey, SetParam)>> {
    if !installation.has_database() {
        return Ok(Vec::new());
    }
    let reader = database::reader(installation).await?;
    let kept = reader.params().await?;
    reader.close().await;
    Ok(kept)
}

/// The same as the load checks take them.
pub(crate) fn of(kept: &[(ParamKey, SetParam)]) -> Vec<(Param, Scope, Value)> {
    kept.iter().map(|(key, row)| (key.param, key.scope.clone(), row.value.clone())).collect()
}

/// The values of rule files with those of the database above them.
pub(crate) fn above(files: &ParamTable, kept: &[(ParamKey, SetParam)]) -> ParamTable {
    let mut values = files.clone();
    for (param, scope, value) in of(kept) {
        values.set(param, scope, value);
    }
    values
}

/// The checks that a new value passes before it is ordered: those of a reload, with the rules that
/// are live.
#[derive(Clone)]
pub(crate) struct Checks {
    /// The names of the site.
    pub(crate) names: Names,
    /// What is live.
    pub(crate) health: Arc<Health>,
}

impl Checks {
    /// Whether the value may stand beside the others.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(crate) async fn pass(
        &self,
        reader: &Reader,
        (key, value): (&ParamKey, &Value),
    ) -> Result<(), String> {
        let live = self.health.look().rules.live.map(|(hash, _)| hash).unwrap_or_default();
        let texts = reader.rule_set(&live).await.map_err(|error| error.to_string())?;
        let texts = texts.ok_or("no rules are in force; correct the rule files first")?;
        let others = reader.params().await.map_err(|error| error.to_string())?;
        let mut names = self.names.clone();
        names.kept = of(&others);
        names.kept.retain(|(param, scope, _)| (*param, scope) != (key.param, &key.scope));
        let named = named(&names, &key.scope);
        named?;
        names.kept.push((key.param, key.scope.clone(), value.clone()));
        let bundle = reload::bundle_of(texts);
        let loaded = tokio::task::spawn_blocking(move || rules::load::load(&bundle, &names)).await;
        match loaded {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(problems)) => Err(reload::listed(&problems)),
            Err(error) => Err(format!("the check itself failed: {error}")),
        }
    }
}

/// Whether the site has what a scope names.
fn named(names: &Names, scope: &Scope) -> Result<(), String> {
    let id = match scope {
        Scope::Site | Scope::Member(_) => return Ok(()),
        Scope::Zone(id) => id.to_string(),
        Scope::Device(id) | Scope::Terminal(id) => id.to_string(),
        Scope::Tariff(id) => id.to_string(),
        Scope::Group(id) | Scope::Role(id) => id.to_string(),
    };
    let found = names.scope(scope.kind(), &id);
    found.map(|_| ()).map_err(|(message, help)| format!("{message}\n  help: {help}"))
}
