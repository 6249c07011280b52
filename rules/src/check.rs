//! The check of one file's code: names, calls, declarations. Looks at every branch, whatever the
//! kind of event.

use std::{any::TypeId, collections::BTreeMap, sync::LazyLock};

use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

use crate::{
    comparisons::Comparisons,
    engine::{CHECKING, REFUSED_FUNCTIONS, REFUSED_WORDS},
    host::reason_for,
    layout::Layout,
    letters::is_mixed,
    load::Names,
    problem::{PROBLEMS_MAX, Problem, did_you_mean},
    vocabulary::{FUNCTIONS, Use, function, term},
};

/// A function of the rule files.
#[derive(Debug)]
struct Function {
    arguments: usize,
    file: usize,
}

/// The names that the files of a set declare, and the check of each file against them.
pub(crate) struct Check<'a> {
    layout: &'a Layout,
    names: &'a Names,
    /// Functions of the language, by name: how many arguments they take.
    language: BTreeMap<String, Vec<usize>>,
    functions: BTreeMap<String, Vec<Function>>,
    /// Names declared at the top of a file, and which file.
    declared: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

/// How many arguments the functions of the language take; none at all where rule files do without.
/// Those that call others are left out: a text is enough for them to find one, so that the check
/// would not see which.
static LANGUAGE: LazyLock<BTreeMap<String, Vec<usize>>> = LazyLock::new(|| {
    let each = |found: rhai::FuncInfo<'_>| {
        let calls = found.metadata.param_types.contains(&TypeId::of::<FnPtr>());
        Some((found.metadata.name.to_string(), found.metadata.num_params, calls))
    };
    let all = CHECKING.collect_fn_metadata(None, each, true);
    let mut language: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (name, arguments, _) in &all {
        let refused = REFUSED_WORDS.iter().chain(REFUSED_FUNCTIONS).any(|word| word == name);
        let counts = language.entry(name.clone()).or_default();
        if !refused && !all.contains(&(name.clone(), *arguments, true)) {
            counts.push(*arguments);
        }
    }
    language
});

impl<'a> Check<'a> {
    pub(crate) fn new(layout: &'a Layout, names: &'a Names) -> Self {
        let mut language = LANGUAGE.clone();
        for spec in FUNCTIONS {
            language.insert(spec.name.to_owned(), spec.arguments.to_vec());
        }
        Self {
            layout,
            names,
            language,
            functions: BTreeMap::new(),
            declared: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// What is wrong with the files that were looked at.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn report(&mut self, at: Position, file: usize, message: String, help: impl Into<String>) {
        self.problems.push(self.layout.problem(at, file, message, help));
    }

    /// A file that cannot be looked at.
    pub(crate) fn unreadable(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes what the file declares; all files are declared before the first is checked, because a
    /// function may be called from any of them.
    pub(crate) fn declare(&mut self, ast: &AST, file: usize) {
        for found in ast.iter_fn_def() {
            let name = found.name.to_string();
            let at = body_position(ast, &name, found.params.len());
            if term(&name).is_some() || self.language.contains_key(&name) {
                self.report(
                    at,
                    file,
                    format!("the function `{name}` has the name of something that Kari knows"),
                    "give it another name",
                );
            }
            let same = Function { arguments: found.params.len(), file };
            let known = self.functions.entry(name.clone()).or_default();
            if known.iter().any(|other| other.file != file && other.arguments == same.arguments) {
                self.report(
                    at,
                    file,
                    format!("the function `{name}` is declared in another file as well"),
                    "give one of them another name, or call the other file's",
                );
            } else {
                known.push(same);
            }
            self.alphabets(&name, at, file);
            for param in &found.params {
                self.own_name(param, at, file);
            }
        }
        for stmt in ast.statements() {
            let Stmt::Var(var, ..) = stmt else { continue };
            let name = var.0.name.to_string();
            match self.declared.get(&name) {
                Some(other) if *other != file => self.report(
                    var.0.pos,
                    file,
                    format!("`{name}` is declared at the top of another file as well"),
                    "give one of them another name",
                ),
                _ => {
                    self.declared.insert(name, file);
                }
            }
        }
    }

    /// Checks the code of a file.
    pub(crate) fn look(&mut self, ast: &AST, text: &str, file: usize) {
        for stmt in ast.statements() {
            stmt.walk(&mut Vec::new(), &mut |path| self.node(path, file, false));
        }
        ast.clone_functions_only().walk(&mut |path| self.node(path, file, true));
        self.comparisons(ast, text, file);
    }

    /// Comparisons that can never be true. A set that was in force once is not asked again.
    fn comparisons(&mut self, ast: &AST, text: &str, file: usize) {
        if self.names.any {
            return;
        }
        let text = self.layout.moved(file, text);
        let comparisons = Comparisons::of(ast, &text, self.names);
        let mut look = |path: &[ASTNode<'_>]| {
            if let Some((at, message, help)) = path.last().and_then(|node| comparisons.look(node)) {
                self.report(at, file, message, help);
            }
            self.problems.len() < PROBLEMS_MAX
        };
        for stmt in ast.statements() {
            stmt.walk(&mut Vec::new(), &mut look);
        }
        ast.clone_functions_only().walk(&mut look);
    }

    fn node(&mut self, path: &[ASTNode<'_>], file: usize, in_function: bool) -> bool {
        if self.problems.len() >= PROBLEMS_MAX {
            return false;
        }
        match path.last() {
            Some(ASTNode::Stmt(stmt)) => self.stmt(stmt, path.len() == 1, file, in_function),
            Some(ASTNode::Expr(expr)) => {
                let own = matches!(path, [ASTNode::Stmt(Stmt::Expr(_)), _]);
                if in_function {
                    self.outside(expr, file);
                }
                self.expr(expr, own && !in_function, file);
            }
            _ => {}
        }
        true
    }

    fn stmt(&mut self, stmt: &Stmt, at_top: bool, file: usize, in_function: bool) {
        match stmt {
            Stmt::FnCall(call, at) => self.call(call, *at, at_top && !in_function, file),
            Stmt::Var(var, ..) => {
                if function(&var.0.name).is_some() {
                    self.taken(&var.0.name, var.0.pos, file);
                }
                self.own_name(&var.0.name, var.0.pos, file);
            }
            Stmt::For(parts, _) => {
                for name in std::iter::once(&parts.0).chain(parts.1.as_ref()) {
                    self.own_name(&name.name, name.pos, file);
                }
            }
            Stmt::Assignment(parts) => self.assignment(&parts.1.lhs, parts.0.position(), file),
            Stmt::Return(_, flags, at) if !in_function && !flags.contains(ASTFlags::BREAK) => self
                .report(
                    *at,
                    file,
                    "`return` outside a function would skip the checks of the files after this one"
                        .to_owned(),
                    "put the rest into an `if`",
                ),
            // The walk does not see the value, so nothing could be said about it.
            Stmt::BreakLoop(Some(_), _, at) => self.report(
                *at,
                file,
                "`break` hands out a value".to_owned(),
                "put the value into a variable before `break`",
            ),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr, at_top: bool, file: usize) {
        match expr {
            Expr::FnCall(call, at) => self.call(call, *at, at_top, file),
            Expr::MethodCall(call, at) => {
                if let Some(spec) = function(&call.name) {
                    self.report(
                        *at,
                        file,
                        format!("`{}` is written as a method", call.name),
                        format!("write `{}`", spec.signature),
                    );
                } else {
                    self.arguments(&call.name, call.args.len() + 1, *at, file);
                }
            }
            Expr::Variable(parts, _, at) if !parts.2.is_empty() => {
                self.report(
                    *at,
                    file,
                    format!("`{}` is reached through `{}`", parts.1, parts.2),
                    "hand it to the function as an argument",
                );
            }
            Expr::Variable(parts, _, at) if self.functions.contains_key(parts.1.as_str()) => {
                self.report(
                    *at,
                    file,
                    format!("`{}` is a function and no value", parts.1),
                    "call it with its arguments, or give the variable another name",
                );
            }
            _ => {}
        }
    }

    /// Compiling lets a function name what only the top of a file can read.
    fn outside(&mut self, expr: &Expr, file: usize) {
        if let Expr::Variable(parts, _, at) = expr
            && parts.2.is_empty()
            && term(&parts.1).is_some()
        {
            let message = format!("a function does not see `{}`", parts.1);
            self.report(*at, file, message, "hand it over as an argument");
        }
    }

    fn call(&mut self, call: &FnCallExpr, at: Position, at_top: bool, file: usize) {
        if call.is_operator_call() {
            return;
        }
        let name = call.name.as_str();
        if call.is_qualified() {
            self.report(
                at,
                file,
                format!("`{}::{name}` belongs to a module, and there are none", call.namespace),
                "call a function of the rule files by its name alone",
            );
            return;
        }
        if !self.arguments(name, call.args.len(), at, file) {
            return;
        }
        match function(name).map(|spec| spec.used) {
            Some(Use::Setting) if !at_top => self.report(
                at,
                file,
                "`set` stands inside other code".to_owned(),
                "settings are read once, when the files are loaded: put it on a line of its own, \
                 outside `if`, loops and functions",
            ),
            Some(Use::Reason(class)) => {
                let Some(Expr::StringConstant(code, at)) = call.args.first() else { return };
                if let Err((message, help)) = reason_for(name, class, code) {
                    self.report(*at, file, message, help);
                }
            }
            // What `set` is given is judged where settings are read.
            _ => {}
        }
    }

    /// Whether a function `name` takes this many arguments; else the problem is noted.
    fn arguments(&mut self, name: &str, count: usize, at: Position, file: usize) -> bool {
        let own = self.functions.get(name).into_iter().flatten().map(|found| found.arguments);
        let language = self.language.get(name).into_iter().flatten().copied();
        let mut takes: Vec<usize> = own.chain(language).collect();
        takes.sort_unstable();
        takes.dedup();
        if takes.contains(&count) {
            return true;
        }
        if takes.is_empty() && self.language.contains_key(name) {
            let help = "write the check without it, with `if` and `for`";
            self.report(at, file, format!("`{name}` is not available in rule files"), help);
        } else if takes.is_empty() {
            let language = self.language.iter().filter(|(_, counts)| !counts.is_empty());
            let known = language.map(|(name, _)| name).chain(self.functions.keys());
            let known = known.map(String::as_str);
            let help = did_you_mean(name, known, || {
                "the functions are listed in the rule reference".to_owned()
            });
            self.report(at, file, format!("no function is called `{name}`"), help);
        } else {
            let counts: Vec<_> = takes.iter().map(ToString::to_string).collect();
            let help = function(name).map_or_else(
                || format!("`{name}` takes {}", counts.join(" or ")),
                |spec| format!("write `{}`: {}", spec.signature, spec.sentence),
            );
            let arguments = if count == 1 { "argument" } else { "arguments" };
            self.report(at, file, format!("`{name}` is given {count} {arguments}"), help);
        }
        false
    }

    /// Checks the name of a variable or a parameter of the file's own.
    fn own_name(&mut self, name: &str, at: Position, file: usize) {
        self.alphabets(name, at, file);
        if term(name).is_some() {
            self.taken(name, at, file);
        }
    }

    fn alphabets(&mut self, name: &str, at: Position, file: usize) {
        if is_mixed(name) {
            self.report(
                at,
                file,
                format!("`{name}` has letters of two alphabets in one word"),
                "it may look like another name: write each word in one alphabet",
            );
        }
    }

    fn taken(&mut self, name: &str, at: Position, file: usize) {
        self.report(
            at,
            file,
            format!("`{name}` is a name that Kari knows already"),
            "give yours another name",
        );
    }

    fn assignment(&mut self, target: &Expr, at: Position, file: usize) {
        let mut root = target;
        let mut indexed = false;
        while let Expr::Index(parts, ..) | Expr::Dot(parts, ..) = root {
            indexed |= matches!(root, Expr::Index(..)) || contains_index(&parts.rhs);
            root = &parts.lhs;
        }
        if let Expr::Variable(parts, ..) = root
            && term(&parts.1).is_some()
        {
            self.report(
                at,
                file,
                format!("`{}` is changed", parts.1),
                "facts and parameters are read only; set a parameter with `set(...)`",
            );
        } else if indexed {
            // The engine does not bound a map that grows by its index.
            self.report(
                at,
                file,
                "an element is changed by its index".to_owned(),
                "write the list or the map in one piece",
            );
        }
    }
}

fn contains_index(expr: &Expr) -> bool {
    match expr {
        Expr::Index(..) => true,
        Expr::Dot(parts, ..) => contains_index(&parts.lhs) || contains_index(&parts.rhs),
        _ => false,
    }
}

/// The first place in the body of a function; the engine keeps none of its own for it.
fn body_position(ast: &AST, name: &str, arguments: usize) -> Position {
    let mut first = Position::NONE;
    ast.clone_functions_only_filtered(|_, _, _, found, count| found == name && count == arguments)
        .walk(&mut |path| {
            first = path.first().map_or(Position::NONE, ASTNode::position);
            false
        });
    first
}
