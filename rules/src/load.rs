//! Loading a rule set: read, parse, check, cases. All of a reload but the swap.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    facts::{EVENT_KINDS, EventKind, FactSpec, Policy as _, PolicyFault, Question, Words},
    ids::ZoneId,
    params::{CATALOGUE, FLOOR_GATHERS, FLOOR_READS, Param, Value},
    scope::{Scope, ScopeKind},
    site::Site,
};
use rhai::AST;

use crate::{
    bundle::{Bundle, LeftAlone, SourceFile},
    cases,
    check::Check,
    compile::{only_checks, pruned, scope, whole},
    layout::Layout,
    problem::{Problem, did_you_mean},
    set::{Checks, RuleSet},
    settings::{Outcome, Settings},
    surroundings::Surroundings,
    vocabulary::variable,
};

/// The names that settings may speak of, as the site has them now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Zones.
    pub zones: BTreeSet<String>,
    /// Devices.
    pub devices: BTreeSet<String>,
    /// Tariffs.
    pub tariffs: BTreeSet<String>,
    /// Groups of members.
    pub groups: BTreeSet<String>,
    /// Terminals.
    pub terminals: BTreeSet<String>,
    /// Roles of operators.
    pub roles: BTreeSet<String>,
    /// Values that the database sets above those of the files.
    pub kept: Vec<(Param, Scope, Value)>,
    /// Whether any other name is taken as well.
    pub any: bool,
    /// The gates among the devices, with what settings need of them.
    pub gates: BTreeMap<String, GateNames>,
}

/// A gate, as far as it matters whether a setting may be set for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateNames {
    /// The zones whose values count here, from the root to the one it leads to.
    pub zones: Vec<ZoneId>,
    /// Whether an exit through it leads to the street.
    pub leads_outside: bool,
    /// Whether a free, signed, alarmed exit stands beside it.
    pub egress_alternative: bool,
    /// Whether a desk is bound to it.
    pub has_desk: bool,
}

impl GateNames {
    /// Whether what is set for `scope` counts for somebody here.
    pub(crate) fn lies_in(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Zone(zone) => self.zones.contains(zone),
            _ => true,
        }
    }
}

impl Names {
    /// What the installation alone tells: zones, gates and terminals.
    #[must_use]
    pub fn of_site(site: &Site) -> Self {
        let gates = site.gates.iter().map(|(id, gate)| {
            let known = GateNames {
                zones: site.chain(Some(&gate.inner)),
                leads_outside: gate.leads_outside(),
                egress_alternative: gate.egress_alternative,
                has_desk: gate.desk.is_some(),
            };
            (id.to_string(), known)
        });
        Self {
            zones: site.zones.keys().map(ToString::to_string).collect(),
            devices: site.gates.keys().map(ToString::to_string).collect(),
            terminals: site.terminals.keys().map(ToString::to_string).collect(),
            gates: gates.collect(),
            ..Self::default()
        }
    }

    /// The names of this kind; the site has no others, and of members no names at all.
    fn of(&self, kind: ScopeKind) -> Option<&BTreeSet<String>> {
        match kind {
            ScopeKind::Zone => Some(&self.zones),
            ScopeKind::Device => Some(&self.devices),
            ScopeKind::Terminal => Some(&self.terminals),
            ScopeKind::Tariff => Some(&self.tariffs),
            ScopeKind::Group => Some(&self.groups),
            ScopeKind::Role => Some(&self.roles),
            ScopeKind::Site | ScopeKind::Member => None,
        }
    }

    /// These names, if the site has no others.
    pub(crate) fn closed<'a>(&self, names: &'a BTreeSet<String>) -> Option<BTreeSet<&'a str>> {
        let closed = !self.any && !names.is_empty();
        closed.then(|| names.iter().map(String::as_str).collect())
    }

    /// The words that `fact` is one of, beside none at all; nothing where they are open.
    pub(crate) fn words(&self, fact: &FactSpec) -> Option<BTreeSet<&str>> {
        match fact.words() {
            Words::Open => None,
            Words::Listed(words) => Some(words.iter().copied().collect()),
            Words::Zones => self.closed(&self.zones),
            Words::Devices => self.closed(&self.devices),
        }
    }

    /// The scope of this kind and id.
    ///
    /// # Errors
    /// What is wrong with the id, and what to do about it.
    pub fn scope(&self, kind: ScopeKind, id: &str) -> Result<Scope, (String, String)> {
        if let Some(known) = self.of(kind)
            && !known.contains(id)
            && !self.any
        {
            let message = format!("no {} is called `{id}`", kind.name());
            return Err((message, self.help(kind, id, known)));
        }
        match kind {
            ScopeKind::Site => Ok(Scope::Site),
            ScopeKind::Zone => Ok(Scope::Zone(id.into())),
            ScopeKind::Device => Ok(Scope::Device(id.into())),
            ScopeKind::Terminal => Ok(Scope::Terminal(id.into())),
            ScopeKind::Tariff => Ok(Scope::Tariff(id.into())),
            ScopeKind::Group => Ok(Scope::Group(id.into())),
            ScopeKind::Role => Ok(Scope::Role(id.into())),
            ScopeKind::Member => id.parse().map(Scope::Member).map_err(|_| {
                let help = "write the id as the member's page shows it".to_owned();
                (format!("`{id}` is not the id of a member"), help)
            }),
        }
    }

    fn help(&self, kind: ScopeKind, id: &str, known: &BTreeSet<String>) -> String {
        let named = |kind: &&ScopeKind| self.of(**kind).is_some_and(|names| names.contains(id));
        if let Some(other) = ScopeKind::ALL.iter().find(named) {
            return format!("`{id}` is a {}, not a {}", other.name(), kind.name());
        }
        did_you_mean(id, known.iter().map(String::as_str), || {
            if known.is_empty() {
                return format!("the site has no {} yet", kind.name());
            }
            let some: Vec<_> = known.iter().take(10).map(String::as_str).collect();
            format!("the site has {}", some.join(", "))
        })
    }
}

/// A rule set that passed every check.
#[derive(Debug)]
pub struct Checked {
    /// The set, ready to be swapped in.
    pub set: RuleSet,
    /// What is worth a look, but keeps nothing from working.
    pub warnings: Vec<Problem>,
}

/// Loads `bundle` for a site that has `names`.
///
/// # Errors
/// Everything that is wrong, in the order of files and lines. Nothing of the set is used then.
pub fn load(bundle: &Bundle, names: &Names) -> Result<Checked, Vec<Problem>> {
    let layout = Layout::of(&bundle.rules).map_err(|problem| vec![problem])?;
    let parsed = check(bundle, &layout, names)?;

    let mut settings = Settings::new(&layout, names);
    let mut kinds = Vec::with_capacity(EVENT_KINDS.len());
    for kind in EVENT_KINDS {
        let files: Vec<_> = parsed.iter().map(|ast| pruned(ast.clone(), *kind)).collect();
        if kinds.is_empty() {
            // Settings are the same for every kind; they are read from the first.
            files.iter().enumerate().for_each(|(file, ast)| settings.read(ast, file));
        }
        let merged = files.iter().fold(AST::empty(), |all, ast| all.merge(&only_checks(ast)));
        kinds.push(Checks::new(merged, *kind));
    }
    let Outcome { table, set_at, mut problems, mut warnings } = settings.finish();
    let mut all = table.clone();
    for (param, scope, value) in names.kept.clone() {
        all.set(param, scope, value);
    }
    let around = Surroundings { table: &all, set_at: &set_at, layout: &layout, names };
    problems.extend(around.problems());
    problems.extend(around.hours_that_never_meet());
    sorted(problems)?;

    let texts = bundle.rules.iter().chain(&bundle.cases);
    let texts = texts.map(|file| (file.name.clone(), file.text.clone())).collect();
    let set = RuleSet { hash: bundle.hash(), texts, values: table, set_at, layout, kinds };
    warnings.extend(unread(&set, bundle));
    warnings.extend(bundle.left_alone.iter().map(not_read));
    sorted(trial(&set))?;
    let tried = cases::run(&set, &bundle.cases, names);
    sorted(tried.problems)?;
    warnings.extend(tried.warnings);
    warnings.sort();
    Ok(Checked { set, warnings })
}

/// Loads the `texts` of a set that was in force once, whatever the site has been called since.
///
/// # Errors
/// As [`load`]: a later version of this program may read the language otherwise.
pub fn recorded(texts: Vec<(String, String)>) -> Result<RuleSet, Vec<Problem>> {
    let files = texts.into_iter().map(|(name, text)| SourceFile { name, text });
    let bundle = Bundle { cases: Vec::new(), ..Bundle::of(files) };
    let names = Names { any: true, ..Names::default() };
    load(&bundle, &names).map(|checked| checked.set)
}

fn sorted(mut problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    problems.sort();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Parses each file unpruned and looks at all of its code.
fn check(bundle: &Bundle, layout: &Layout, names: &Names) -> Result<Vec<AST>, Vec<Problem>> {
    let mut check = Check::new(layout, names);
    let scope = scope();
    let mut parsed = Vec::with_capacity(bundle.rules.len());
    for (file, source) in bundle.rules.iter().enumerate() {
        match whole(layout, file, &source.text, &scope) {
            Ok(ast) => parsed.push((file, &source.text, ast)),
            Err(problem) => check.unreadable(problem),
        }
    }
    for (file, _, ast) in &parsed {
        check.declare(ast, *file);
    }
    for (file, text, ast) in &parsed {
        check.look(ast, text, *file);
    }
    sorted(check.into_problems())?;
    Ok(parsed.into_iter().map(|(.., ast)| ast).collect())
}

/// Parameters that neither a check nor the floor reads: setting them changes nothing.
fn unread(set: &RuleSet, bundle: &Bundle) -> Vec<Problem> {
    let read = set.read_by_any();
    let file = bundle.rules.first().map(|file| file.name.clone()).unwrap_or_default();
    let warning = |name: &str, variable: &str| Problem {
        file: file.clone(),
        line: 1,
        column: 1,
        message: format!("no check reads `{name}`, so it has no effect"),
        help: format!("copy the shipped check that reads `{variable}`, or leave it"),
    };
    let floor = |param| FLOOR_READS.contains(&param) || FLOOR_GATHERS.contains(&param);
    CATALOGUE
        .iter()
        .filter(|spec| !read.contains(spec.param) && !floor(spec.param))
        .map(|spec| warning(spec.name, variable(spec.param)))
        .collect()
}

/// A file that was left alone, and whoever wrote it may wait for its rules.
fn not_read(left: &LeftAlone) -> Problem {
    let (name, message, help) = match left {
        LeftAlone::File { name, meant } => {
            let message = "it is no rule file by its name, and was not read";
            (name, message, format!("name it `{meant}`"))
        }
        LeftAlone::Folder { name } => {
            let message = "it is a folder, and the rule files in it were not read";
            (name, message, "move them out of it, beside the others".to_owned())
        }
    };
    Problem { file: name.clone(), line: 1, column: 1, message: message.to_owned(), help }
}

/// Asks the set once for every kind of event, so that a check that cannot run is found before
/// anybody waits.
fn trial(set: &RuleSet) -> Vec<Problem> {
    let facts = cases::ordinary();
    let fails = |kind: &EventKind| {
        let question = Question { kind: *kind, facts: &facts, values: &[] };
        match set.judge(&question).err()? {
            PolicyFault::Rule { file, line, message } => Some(Problem {
                file,
                line,
                column: 1,
                message: format!("on an ordinary {}, {message}", kind.name()),
                help: "correct the check; until then the rules that were in force stay".to_owned(),
            }),
            PolicyFault::NoRuleSet | PolicyFault::StoreStalled => None,
        }
    };
    let mut problems: Vec<_> = EVENT_KINDS.iter().filter_map(fails).collect();
    problems.dedup_by_key(|problem| (problem.file.clone(), problem.line));
    problems
}
