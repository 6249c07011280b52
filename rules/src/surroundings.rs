//! What settings need of the site's gates and hours: checked over all files and the installation
//! together, once every setting is read.

use domain::{
    params::{Param, Value},
    scope::{ParamTable, Scope},
    time::Span,
    windows::Windows,
};

use crate::{
    layout::Layout,
    load::{GateNames, Names},
    problem::Problem,
    settings::SetAt,
};

/// The rows that can hold somebody at an exit for the visit (section 8.1 of `decisions.md` of the
/// specification).
const HOLDS: &[Param] =
    &[Param::CredentialReturnAtExit, Param::DebtExitPolicy, Param::LockerExitCheck];

/// The settings of a set, beside what they are set for.
pub(crate) struct Surroundings<'a> {
    pub(crate) table: &'a ParamTable,
    pub(crate) set_at: &'a SetAt,
    pub(crate) layout: &'a Layout,
    pub(crate) names: &'a Names,
}

impl Surroundings<'_> {
    /// What keeps the set from being used here.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.holds();
        problems.extend(self.pickups());
        problems.extend(self.terminals());
        problems
    }

    fn told(&self, param: Param, scope: &Scope, message: String, help: String) -> Problem {
        if self.names.kept.iter().any(|(one, at, _)| (*one, at) == (param, scope)) {
            let message = format!("{message} (a value of the database)");
            return Problem { file: "database".to_owned(), line: 0, column: 0, message, help };
        }
        let line = self.set_at.get(&(param, scope.clone())).copied().unwrap_or_default();
        let place = self.layout.line(line, 1);
        let (line, column) = (place.line, place.column);
        Problem { file: place.file.to_owned(), line, column, message, help }
    }

    /// A hold that is set for one gate, which has no other way out beside it. At a wider scope it
    /// is a warning at that gate.
    fn holds(&self) -> Vec<Problem> {
        let refused = |param: Param, scope: &Scope, value: &Value| {
            let Scope::Device(id) = scope else { return None };
            let gate = self.names.gates.get(id.as_str())?;
            if value.word() != "hold" || gate.egress_alternative {
                return None;
            }
            let message =
                format!("`{param}` holds people at {id}, and no other exit stands beside it");
            let help = "write \"warn\" here, or set the hold for the site or a zone, where it is a \
                        warning at this gate; `egress_alternative = true` in site.toml is for a \
                        gate with a free, alarmed exit beside it";
            Some(self.told(param, scope, message, help.to_owned()))
        };
        let each = |param: &Param| {
            let param = *param;
            self.table.all(param).filter_map(move |(scope, value)| refused(param, scope, value))
        };
        HOLDS.iter().flat_map(each).collect()
    }

    /// Terminals of operators that the site does not have: nobody could act anywhere.
    fn terminals(&self) -> Vec<Problem> {
        let param = Param::OperatorAllowedTerminals;
        let unknown = self.table.all(param).filter_map(|(scope, value)| {
            let Value::Names(named) = value else { return None };
            let known = |name: &str| self.names.any || self.names.terminals.contains(name);
            let name = named.iter().find(|name| !known(name))?;
            let message = format!("no terminal is called `{name}`");
            let all: Vec<&str> = self.names.terminals.iter().map(String::as_str).collect();
            let help = match all.as_slice() {
                [] => "the site has no terminal yet; add a [[terminal]] to site.toml".to_owned(),
                all => format!("the site has {}", all.join(", ")),
            };
            Some(self.told(param, scope, message, help))
        });
        unknown.collect()
    }

    /// A pickup check that reaches a gate to the street without a desk: nobody could end the hold.
    fn pickups(&self) -> Vec<Problem> {
        let param = Param::GuardianPickupUnderAge;
        let set = self.table.all(param).filter(|(_, value)| value.int() > 0);
        let refused = set.filter_map(|(scope, _)| {
            let lacks =
                |gate: &GateNames| gate.leads_outside && !gate.has_desk && gate.lies_in(scope);
            let lacking = self.names.gates.iter().filter(|(_, gate)| lacks(gate));
            let lacking: Vec<&str> = lacking.map(|(id, _)| id.as_str()).collect();
            let gates = match lacking.as_slice() {
                [] => return None,
                [one] => format!("{one}, which has no desk"),
                many => format!("{}, which have no desk", many.join(", ")),
            };
            let message = format!("`{param}` for {scope} reaches {gates}");
            let help = "name each such gate in `gates` of a [[terminal]] with kind = \"desk\" in \
                        site.toml, or set the age only where every gate has one";
            Some(self.told(param, scope, message, help.to_owned()))
        });
        refused.collect()
    }

    /// Hours that never meet the site's: nobody could ever enter by them.
    pub(crate) fn hours_that_never_meet(&self) -> Vec<Problem> {
        let param = Param::TimeAccessWindows;
        let Some(site) = self.table.at(param, &Scope::Site).and_then(only) else {
            return Vec::new();
        };
        let margins = self.table.all(Param::TimeEarlyEntryMargin).map(|(_, value)| value.span());
        let margin = margins.max().unwrap_or(Span(0));
        let others = self.table.all(param).filter(|(scope, _)| **scope != Scope::Site);
        let never = others.filter_map(|(scope, value)| {
            let own = only(value)?;
            if own.is_never() || site.is_never() || own.meets(site, margin) {
                return None;
            }
            let line = self.set_at.get(&(param, Scope::Site)).copied().unwrap_or_default();
            let at = self.layout.line(line, 1);
            let message = format!(
                "the hours of {scope} (`{own}`) never meet those of the site (`{site}`), so nobody \
                 enters by them"
            );
            let help = format!(
                "change one of the two; the site's stand at {}:{}, and \"never\" says that nobody \
                 shall enter",
                at.file, at.line
            );
            Some(self.told(param, scope, message, help))
        });
        never.collect()
    }
}

/// The windows of one setting.
fn only(value: &Value) -> Option<&Windows> {
    match value {
        Value::Windows(all) => all.first(),
        _ => None,
    }
}
