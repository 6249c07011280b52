//! The tables of the rule reference and the definitions for editors are made from the vocabulary;
//! these tests keep them true.

use std::{collections::BTreeSet, fmt::Write as _};

use domain::{
    facts::{EVENT_KINDS, FACTS, FactKind},
    params::{
        ACTIONS,
        manual::{self, Entry},
    },
    reasons::REASONS,
};
use rules::{
    definitions::{self, definitions},
    vocabulary::{DETAILS, FUNCTIONS, terms},
};

const START: &str = "<!-- words: KARI_REGENERATE=1 cargo test -p rules reference -->\n";
const END: &str = "<!-- end of words -->";

fn words() -> String {
    let mut text = String::from("\n### Kinds of events\n\nExactly one of these is true.\n\n");
    for kind in EVENT_KINDS {
        writeln!(text, "- `{}`", kind.name()).unwrap();
    }
    text.push_str("\n### Facts\n\n| name | kind | what it says |\n|---|---|---|\n");
    for fact in FACTS {
        let kind = match fact.kind {
            FactKind::Bool => "true or false",
            FactKind::Int => "whole number",
            FactKind::Money => "amount",
            FactKind::Word => "text",
            FactKind::Time => "instant or `()`",
        };
        writeln!(text, "| `{}` | {kind} | {} |", fact.name, fact.sentence).unwrap();
    }
    text.push_str("\n### Functions\n\n| written | what it does |\n|---|---|\n");
    for spec in FUNCTIONS {
        writeln!(text, "| `{}` | {} |", spec.signature, spec.sentence).unwrap();
    }
    writeln!(text, "\n{DETAILS} An example: `#{{ amount: debt }}`.").unwrap();
    text.push_str("\n### Reasons that a check may raise\n\n| code | by |\n|---|---|\n");
    for spec in REASONS.iter().filter(|spec| !spec.by_rule.is_empty()) {
        let by: Vec<_> =
            spec.by_rule.iter().map(|class| format!("`{class:?}`").to_lowercase()).collect();
        writeln!(text, "| `{}` | {} |", spec.code, by.join(", ")).unwrap();
    }
    parameters(&mut text);
    text.push('\n');
    text
}

fn parameters(text: &mut String) {
    text.push_str("\n### Parameters\n\nIn a check a dot is written as `_`. A duration is a whole ");
    text.push_str(
        "number of seconds there; what lists actions, states, terminals or codes is a list of ",
    );
    text.push_str(
        "texts, without the actions that are denied. Words of which one is chosen stand ",
    );
    text.push_str(
        "from lax to strict. Where several scopes set a value, *several* says what is in force, ",
    );
    text.push_str("and *stricter* which of two values is the stricter one.\n\n");
    text.push_str(
        "`kari params get` tells the same of one of them, with the values that a site sets; ",
    );
    text.push_str("`kari params explain` which value is in force at a place, and why.\n");
    let mut group = "";
    for entry in manual::entries() {
        if entry.group != group {
            group = entry.group;
            writeln!(text, "\n#### {group}\n").unwrap();
            text.push_str("| no. | name | what it does | values | default | set for | several | ");
            text.push_str("stricter | events |\n|---|---|---|---|---|---|---|---|---|\n");
        }
        row(text, &entry);
    }
    writeln!(text, "\nThe actions of operators and terminals: {}.", ACTIONS.join(", ")).unwrap();
}

fn row(text: &mut String, entry: &Entry) {
    let unit = if entry.unit.is_empty() { String::new() } else { format!(" ({})", entry.unit) };
    let values = entry.values_in_words.replace(&ACTIONS.join(", "), "the actions below");
    let mut default = format!("`{}`", entry.default);
    for own in &entry.class_defaults {
        write!(default, "; {} `{}`", own.class_in_words, own.value).unwrap();
    }
    let scopes: Vec<_> = entry.scopes.iter().map(|kind| kind.name()).collect();
    let events: Vec<_> = entry.events.iter().map(|letter| letter.name()).collect();
    let cells = [
        entry.number.to_string(),
        format!("`{}`", entry.name),
        entry.sentence.to_owned(),
        format!("{values}{unit}"),
        default,
        scopes.join(", "),
        entry.merge_in_words.clone(),
        entry.stricter_in_words.to_owned(),
        if events.is_empty() { "–".to_owned() } else { events.join(", ") },
    ];
    writeln!(text, "| {} |", cells.join(" | ")).unwrap();
}

/// Holds a generated file against what it is made from; or makes it anew.
fn keep(name: &str, wanted: impl Fn(&str) -> String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let wanted = wanted(&text);
    if std::env::var_os("KARI_REGENERATE").is_some() {
        std::fs::write(path, wanted).unwrap();
    } else {
        let help = "run `KARI_REGENERATE=1 cargo test -p rules reference` and commit";
        assert!(text == wanted, "{name}: {help}");
    }
}

#[test]
fn the_reference_lists_every_word_as_the_vocabulary_has_it() {
    keep("README.md", |text| {
        let (before, rest) = text.split_once(START).expect("the mark where the words begin");
        let (_, after) = rest.split_once(END).expect("the mark where the words end");
        format!("{before}{START}{}{END}{after}", words())
    });
}

#[test]
fn the_definitions_for_editors_are_those_of_the_vocabulary() {
    keep(definitions::FILE, |_| definitions());
}

/// Rhai has no reader for definitions; this is the grammar of its language server, as far as the
/// file needs it. Gives the declaration as a script would write it.
fn script_of(line: &str) -> Option<String> {
    let types = ["bool", "int", "Decimal", "String", "Array", "Map", "scope", "span", "?"];
    let typed = |text: &str| {
        let (name, kind) = text.split_once(": ")?;
        types.contains(&kind).then(|| name.to_owned())
    };
    let declared = line.strip_suffix(';')?;
    if let Some(constant) = declared.strip_prefix("const ") {
        return Some(format!("const {} = 1;", typed(constant)?));
    }
    let (name, rest) = declared.strip_prefix("fn ")?.split_once('(')?;
    let (taken, returned) = rest.split_once(')')?;
    if !returned.is_empty() && !types.contains(&returned.strip_prefix(" -> ")?) {
        return None;
    }
    let taken = taken.split(", ").filter(|one| !one.is_empty());
    let taken = taken.map(typed).collect::<Option<Vec<_>>>()?;
    Some(format!("fn {name}({}) {{}}", taken.join(", ")))
}

#[test]
fn the_definitions_can_be_read_and_name_what_rule_files_know() {
    let text = definitions();
    let mut lines = text.lines().skip_while(|line| line.starts_with("///"));
    assert_eq!(lines.next(), Some("module static;"), "only documentation stands before it");
    let mut scripts = Vec::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
        scripts.push(script_of(line).unwrap_or_else(|| panic!("not a declaration: {line}")));
    }
    // The parser refuses what is no name, and a function that is declared twice.
    let ast = rhai::Engine::new_raw().compile(scripts.join("\n")).unwrap();
    let constants: Vec<_> = ast.iter_literal_variables(true, false).map(|found| found.0).collect();
    let known: BTreeSet<_> = terms().map(|(name, _)| name).collect();
    assert_eq!(constants.len(), known.len(), "each once");
    assert_eq!(constants.into_iter().collect::<BTreeSet<_>>(), known);
    for spec in FUNCTIONS {
        let mut declared: Vec<_> = ast
            .iter_functions()
            .filter(|found| found.name == spec.name)
            .map(|found| found.params.len())
            .collect();
        declared.sort_unstable();
        assert_eq!(declared, spec.arguments, "{}", spec.name);
    }
    for name in ["len", "max", "contains", "to_string"] {
        assert!(ast.iter_functions().any(|found| found.name == name), "{name}");
    }
}
