//! `kari params set`: a value in the database, above those of the rule files.

use anyhow::bail;
use domain::{
    order::{Act, Setting, What},
    params::{Param, Value},
    rows::ParamKey,
    scope::{Scope, ScopeKind},
};
use rules::load::Names;

use super::find;
use crate::{
    cli::{Exit, SetArgs},
    commands::{check, signed},
    config::Installation,
};

/// Sets a value, or takes it away.
pub(super) async fn set(args: &SetArgs, json: bool) -> anyhow::Result<Exit> {
    let param = find(&args.name)?;
    let installation = Installation::open(Some(&args.site))?;
    let names = check::look(&installation).await?.names;
    // What is set for something that is gone can still be taken away.
    let names = Names { any: args.value.is_none(), ..names };
    let scope = scope(args, &names)?;
    let value = match &args.value {
        Some(text) => Some(value(param, text)?),
        None => None,
    };
    if let Some(why) = param.spec().refuses_scope(scope.kind()) {
        bail!(why);
    }
    let key = ParamKey { param, scope };
    // The daemon tries it with every check of a reload before it counts.
    let setting = Some(Setting { key, value });
    let act = Act { action: "set_parameter".to_owned(), setting, ..Act::default() };
    signed::order(&installation, &args.signature, What::Act(act), json).await
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
fn scope(args: &SetArgs, names: &Names) -> anyhow::Result<Scope> {
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
    names.scope(kind, id).map_err(|(why, help)| anyhow::anyhow!("{why}\n  help: {help}"))
}
