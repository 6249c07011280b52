//! The names that rule files may speak of: those of the site and of its database, and those that an
//! import is about to bring.

use std::collections::BTreeSet;

use domain::state::{ImportRow, State};
use rules::load::Names;

use crate::config::Installation;

/// The names that rule files may speak of.
pub(crate) fn of(installation: &Installation, state: &State) -> Names {
    let site = &installation.site;
    let mut names = Names::of_site(site);
    names.devices.extend(installation.locker_banks.iter().cloned());
    let operators = state.tables.operators.iter();
    names.roles =
        operators.flat_map(|(_, one)| one.roles.iter()).map(ToString::to_string).collect();
    names.tariffs = state.tables.tariffs.iter().map(|(key, _)| key.tariff.to_string()).collect();
    let groups = state.tables.members.iter().flat_map(|(_, member)| member.groups.iter());
    names.groups = groups.map(ToString::to_string).collect::<BTreeSet<_>>();
    names
}

/// Adds the names that an import is about to bring.
pub(crate) fn learn(names: &mut Names, row: &ImportRow) {
    match row {
        ImportRow::Tariff(key, _) => {
            names.tariffs.insert(key.tariff.to_string());
        }
        ImportRow::Operator(_, operator) => {
            names.roles.extend(operator.roles.iter().map(ToString::to_string));
        }
        ImportRow::Member(_, member, _) | ImportRow::Newcomer(_, member, _) => {
            names.groups.extend(member.groups.iter().map(ToString::to_string));
        }
        _ => {}
    }
}
