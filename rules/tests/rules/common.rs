//! What the tests of rule sets share.

use std::collections::BTreeMap;

use domain::{
    facts::{EventKind, Facts, Policy as _, PolicyFault, Question},
    params::{CATALOGUE, Param, Value},
    scope::Supplied,
    verdict::Finding,
};
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Checked, GateNames, Names, load},
    problem::Problem,
    set::RuleSet,
    shipped::SHIPPED,
};

/// The line that every set needs.
pub(crate) const HOURS: &str = "set(\"time.access_windows\", \"Mon-Sun 07:00-23:00\");\n";

pub(crate) fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

/// A gate to the street, with or without a desk and a free exit beside it.
fn gate(zones: &[&str], attended: bool) -> GateNames {
    GateNames {
        zones: zones.iter().map(|zone| (*zone).into()).collect(),
        leads_outside: true,
        egress_alternative: attended,
        has_desk: attended,
    }
}

pub(crate) fn names() -> Names {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Names {
        zones: set(&["pool", "sauna"]),
        devices: set(&["gate-1", "gate-2"]),
        tariffs: set(&["morning"]),
        groups: set(&["staff", "students"]),
        terminals: set(&["desk-1"]),
        roles: set(&["manager"]),
        kept: Vec::new(),
        any: false,
        gates: BTreeMap::from([
            ("gate-1".to_owned(), gate(&["pool"], false)),
            ("gate-2".to_owned(), gate(&["pool", "sauna"], true)),
        ]),
    }
}

pub(crate) fn shipped() -> Bundle {
    Bundle::of(SHIPPED.iter().map(|(name, text)| file(name, text)))
}

/// Loads the line with the hours and `text` as the second file.
pub(crate) fn load_text(text: &str) -> Result<Checked, Vec<Problem>> {
    load(&Bundle::of([file("00_site.rhai", HOURS), file("50_own.rhai", text)]), &names())
}

pub(crate) fn set_of(text: &str) -> RuleSet {
    load_text(text).unwrap_or_else(|problems| panic!("{}: {text}", shown(&problems))).set
}

pub(crate) fn shown(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Text of a file, line:column, a part of the message, a part of the help.
pub(crate) type Wrong = (&'static str, &'static str, &'static str, &'static str);

/// Each of these texts is refused as a file of its own, for one reason.
#[track_caller]
pub(crate) fn refused_at(wrong: &[Wrong]) {
    let is_other = |(text, place, message, help): &Wrong| {
        let told = load_text(text).err().unwrap_or_default();
        let is_it = |one: &Problem| {
            one.file == "50_own.rhai"
                && format!("{}:{}", one.line, one.column) == *place
                && one.message.contains(message)
                && one.help.contains(help)
        };
        let is_right = matches!(told.as_slice(), [only] if is_it(only));
        (!is_right).then(|| format!("{text}\n{place} was wanted, and is told:\n{}", shown(&told)))
    };
    let others: Vec<_> = wrong.iter().filter_map(is_other).collect();
    assert!(others.is_empty(), "{} of {}:\n{}", others.len(), wrong.len(), others.join("\n\n"));
}

/// An ordinary member's facts.
pub(crate) fn ordinary() -> Facts {
    Facts {
        credential_state: "active".to_owned(),
        has_pass: true,
        membership_state: "active".to_owned(),
        membership_allowed: true,
        takes_visit: true,
        action_allowed: true,
        terminal_listed: true,
        terminal_allows: true,
        override_listed: true,
        site_open: true,
        windows_open: true,
        leaves_site: true,
        zone: "pool".to_owned(),
        zone_name: "pool".to_owned(),
        ..Facts::default()
    }
}

/// The catalogue's defaults, with these values.
pub(crate) fn values(set: &[(Param, &str)]) -> Vec<Supplied> {
    let value = |param: Param| {
        let own = set.iter().find(|(own, _)| *own == param);
        own.map_or_else(
            || param.spec().default().clone(),
            |(_, text)| Value::parse(param, text).unwrap(),
        )
    };
    CATALOGUE
        .iter()
        .map(|spec| Supplied { param: spec.param, value: value(spec.param), scope: None })
        .collect()
}

pub(crate) fn judge(
    set: &RuleSet,
    kind: EventKind,
    facts: &Facts,
) -> Result<Vec<Finding>, PolicyFault> {
    set.judge(&Question { kind, facts, values: &values(&[]) })
}
