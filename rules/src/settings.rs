//! Settings: the `set(...)` statements of the files, read once into a table of values.
//!
//! They are read out of the compiled files and never run: a setting is a literal or a `const`, so
//! that it can be checked, shown and compared without asking what it depends on.

use std::collections::BTreeMap;

use domain::{
    params::{CATALOGUE, Param, Value},
    scope::{ParamTable, Scope, ScopeKind},
    windows::Windows,
};
use rhai::{AST, Dynamic, Expr, FnCallExpr, Position, Stmt};

use crate::{
    layout::Layout,
    load::Names,
    problem::{PROBLEMS_MAX, Problem, did_you_mean},
    vocabulary::{FUNCTIONS, Use, function},
};

/// Reads the settings of all files of a set.
pub(crate) struct Settings<'a> {
    layout: &'a Layout,
    names: &'a Names,
    table: ParamTable,
    set_at: SetAt,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Where each value in force was set: the line in the numbering that the files of the set share.
pub(crate) type SetAt = BTreeMap<(Param, Scope), u16>;

/// What was read.
pub(crate) struct Outcome {
    pub(crate) table: ParamTable,
    pub(crate) set_at: SetAt,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

/// Something wrong with one argument: where, what, and what to do.
type Wrong = (Position, String, String);

/// The call if `stmt` is a setting.
pub(crate) fn setting(stmt: &Stmt) -> Option<(&FnCallExpr, Position)> {
    let (call, at) = match stmt {
        Stmt::FnCall(call, at) => (call, at),
        Stmt::Expr(expr) => match &**expr {
            Expr::FnCall(call, at) => (call, at),
            _ => return None,
        },
        _ => return None,
    };
    let is_set = function(&call.name).is_some_and(|spec| spec.used == Use::Setting);
    is_set.then_some((call, *at))
}

impl<'a> Settings<'a> {
    pub(crate) fn new(layout: &'a Layout, names: &'a Names) -> Self {
        Self {
            layout,
            names,
            table: ParamTable::default(),
            set_at: SetAt::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads the settings of one file.
    pub(crate) fn read(&mut self, ast: &AST, file: usize) {
        for (call, at) in ast.statements().iter().filter_map(setting) {
            if self.problems.len() >= PROBLEMS_MAX {
                return;
            }
            match self.one(call, at) {
                Ok((param, scope, value)) => self.keep(param, scope, value, at, file),
                Err((at, message, help)) => {
                    self.problems.push(self.layout.problem(at, file, message, help));
                }
            }
        }
    }

    fn keep(&mut self, param: Param, scope: Scope, value: Value, at: Position, file: usize) {
        let line = at.line().and_then(|line| u16::try_from(line).ok()).unwrap_or_default();
        let earlier = self.set_at.insert((param, scope.clone()), line);
        if let Some(earlier) = earlier.filter(|_| self.warnings.len() < PROBLEMS_MAX) {
            let message = format!("`{param}` is set for {scope} a second time");
            let earlier = self.layout.line(earlier, 1);
            let (name, line) = (earlier.file, earlier.line);
            let help = format!("the value at {name}:{line} has no effect; remove one of the two");
            self.warnings.push(self.layout.problem(at, file, message, help));
        }
        self.table.set(param, scope, value);
    }

    fn one(&self, call: &FnCallExpr, at: Position) -> Result<(Param, Scope, Value), Wrong> {
        let (Some(name), Some(value)) = (call.args.first(), call.args.get(1)) else {
            return Err((at, "`set` is given too few arguments".to_owned(), String::new()));
        };
        let param = read_param(name)?;
        let text = read_text(value)?;
        let scope = call.args.get(2).map_or(Ok(Scope::Site), |scope| self.scope(scope))?;
        let spec = param.spec();
        if !spec.scopes.contains(&scope.kind()) {
            let at = call.args.get(2).map_or(at, Expr::start_position);
            let message = format!("`{param}` cannot be set for {scope}");
            return Err((at, message, format!("it is set for: {}", spec.scope_names())));
        }
        let value_at = value.start_position();
        let parsed = Value::parse(param, &text)
            .map_err(|message| (value_at, message, format!("`{param}`: {}", spec.sentence)))?;
        match contradicts(&parsed, &text) {
            Some((message, help)) => Err((value_at, message, help)),
            None => Ok((param, scope, parsed)),
        }
    }

    fn scope(&self, expr: &Expr) -> Result<Scope, Wrong> {
        let shape = || {
            let scopes = FUNCTIONS.iter().filter(|spec| spec.used == Use::Scope);
            let shown: Vec<_> = scopes.map(|spec| format!("`{}`", spec.signature)).collect();
            (
                expr.start_position(),
                "the third argument of `set` is not a scope".to_owned(),
                format!("write one of {}", shown.join(", ")),
            )
        };
        let Expr::FnCall(call, _) = expr else { return Err(shape()) };
        if call.name.as_str() == "site" {
            return Ok(Scope::Site);
        }
        let Some(Expr::StringConstant(id, at)) = call.args.first() else { return Err(shape()) };
        let kind = ScopeKind::of(call.name.as_str()).ok_or_else(shape)?;
        self.names.scope(kind, id).map_err(|(message, help)| (*at, message, help))
    }

    /// What was read; a set without hours for the site is refused.
    pub(crate) fn finish(mut self) -> Outcome {
        let windows = Param::TimeAccessWindows;
        if self.problems.len() < PROBLEMS_MAX && self.table.at(windows, &Scope::Site).is_none() {
            let message = format!("no file sets `{windows}` for the site, which is required");
            let help = format!("write set(\"{windows}\", \"Mon-Sun 07:00-23:00\");");
            let mut problem = self.layout.problem(Position::START, 0, message, help);
            if problem.file.is_empty() {
                "00_site.rhai".clone_into(&mut problem.file);
            }
            self.problems.push(problem);
        }
        let Self { table, set_at, problems, warnings, .. } = self;
        Outcome { table, set_at, problems, warnings }
    }
}

/// Hours that contradict themselves: what is wrong, and what to do.
fn contradicts(value: &Value, text: &str) -> Option<(String, String)> {
    let never = |help: &str| Some((format!("the windows `{text}` never open"), help.to_owned()));
    match value {
        Value::Windows(all) if text.trim() != "never" && all.iter().any(Windows::is_never) => {
            never("write \"never\" if nobody may enter, or give it hours")
        }
        Value::Scheduled(parts, _) if parts.iter().any(|(_, hours)| hours.is_never()) => {
            never("give each part hours that come, or leave the part out")
        }
        Value::Scheduled(parts, _) if parts.iter().any(|(_, hours)| hours.is_always()) => Some((
            format!("what stands after `always` in `{text}` never counts"),
            "write the word alone if it always counts, or give that part hours".to_owned(),
        )),
        _ => None,
    }
}

fn read_param(expr: &Expr) -> Result<Param, Wrong> {
    let at = expr.start_position();
    let Expr::StringConstant(name, _) = expr else {
        let help = "write it as text, such as \"gate.mode\"".to_owned();
        return Err((at, "the first argument of `set` is not a parameter's name".to_owned(), help));
    };
    Param::of(name).ok_or_else(|| {
        let help = did_you_mean(name, CATALOGUE.iter().map(|spec| spec.name), || {
            "the parameters are listed in the rule reference".to_owned()
        });
        (at, format!("no parameter is called `{name}`"), help)
    })
}

/// The value's text: from a text, a whole number or an amount.
fn read_text(expr: &Expr) -> Result<String, Wrong> {
    if let Expr::FnCall(call, _) = expr
        && call.is_operator_call()
        && call.name.as_str() == "-"
        && let [inner] = call.args.as_slice()
    {
        return read_text(inner).map(|text| format!("-{text}"));
    }
    let text = expr.get_literal_value(None).and_then(|value: Dynamic| {
        let plain = value.is_string() || value.is_int() || value.is_decimal();
        plain.then(|| value.to_string())
    });
    text.ok_or_else(|| {
        let message = "the value is not a text, a whole number or an amount".to_owned();
        let help = "write the value itself or a `const`; a setting depends on nothing".to_owned();
        (expr.start_position(), message, help)
    })
}
