//! `kari params set`: a value in the database, above those of the rule files.

use anyhow::bail;
use domain::{
    order::{Act, Setting, What},
    params::{Param, Value},
    rows::ParamKey,
    scope::{Scope, ScopeKind},
};
use rules::{bundle::Bundle, load};

use super::{Loaded, find, load};
use crate::{
    cli::{Exit, SetArgs},
    commands::signed,
};

/// Sets a value, or takes it away, once every check of a reload is passed with it.
pub(super) async fn set(args: &SetArgs, json: bool) -> anyhow::Result<Exit> {
    let param = find(&args.name)?;
    let Some(loaded) = load(Some(&args.site)).await? else { return Ok(Exit::Invalid) };
    let scope = scope(args, &loaded)?;
    let value = match &args.value {
        Some(text) => Some(value(param, text)?),
        None => None,
    };
    if let Some(why) = param.spec().refuses_scope(scope.kind()) {
        bail!(why);
    }
    let key = ParamKey { param, scope };
    if let Some(value) = &value
        && let Err(told) = tried(&loaded, &key, value)
    {
        tell!("kari: nothing was set:\n{told}");
        return Ok(Exit::Invalid);
    }
    let setting = Some(Setting { key, value });
    let act = Act { action: "set_parameter".to_owned(), setting, ..Act::default() };
    signed::order(&loaded.installation, &args.signature, What::Act(act), json).await
}

fn value(param: Param, text: &str) -> anyhow::Result<Value> {
    match Value::parse(param, text) {
        Ok(value) => Ok(value),
        Err(why) => {
            bail!("{why}\n  help: `kari params get DIR {}` says what it takes", param.name())
        }
    }
}

/// The one scope that was named; else the whole site.
fn scope(args: &SetArgs, loaded: &Loaded) -> anyhow::Result<Scope> {
    let named = [
        (ScopeKind::Zone, &args.zone),
        (ScopeKind::Device, &args.device),
        (ScopeKind::Terminal, &args.at_terminal),
        (ScopeKind::Tariff, &args.tariff),
        (ScopeKind::Group, &args.group),
        (ScopeKind::Member, &args.member),
        (ScopeKind::Role, &args.role),
    ];
    let mut named = named.iter().filter_map(|(kind, id)| id.as_ref().map(|id| (*kind, id)));
    let Some((kind, id)) = named.next() else { return Ok(Scope::Site) };
    loaded.names.scope(kind, id).map_err(|(why, help)| anyhow::anyhow!("{why}\n  help: {help}"))
}

/// The load checks with the new value beside the others.
fn tried(loaded: &Loaded, key: &ParamKey, value: &Value) -> Result<(), String> {
    let mut names = loaded.names.clone();
    names.kept.push((key.param, key.scope.clone(), value.clone()));
    let bundle = Bundle::read(&loaded.installation.rules()).map_err(|error| error.to_string())?;
    let problems = match load::load(&bundle, &names) {
        Ok(_) => return Ok(()),
        Err(problems) => problems,
    };
    Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
