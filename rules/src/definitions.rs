//! What rule files may name, as a definition file for editors that speak Rhai's language server.
//!
//! The file is made from the vocabulary; `kari.d.rhai` of this crate is its committed copy, which a
//! test keeps true. It holds no rules: `*.d.rhai` in a rules folder is left alone.

use std::collections::BTreeMap;

use domain::{
    facts::{EVENT_KINDS, FACTS, FactKind},
    params::{CATALOGUE, Kind, Merge, ParamSpec},
    reasons::{Class, REASONS},
};
use rhai::FuncInfo;

use crate::{
    engine::{CHECKING, REFUSED_WORDS},
    vocabulary::{DETAILS, FUNCTIONS, FunctionSpec, Use, function, variable},
};

/// The name of the file in a site's rules folder.
pub const FILE: &str = "kari.d.rhai";
/// The columns of a line.
const COLUMNS: usize = 100;
/// What a line of documentation begins with.
const DOC: &str = "///";

/// The text of the file.
#[must_use]
pub fn definitions() -> String {
    let mut text = String::new();
    doc(&mut text, "What rule files of Kari may name, for editors. It holds no rules.");
    text.push_str("module static;\n");
    heading(&mut text, "Kinds of events: exactly one of them is true.");
    for kind in EVENT_KINDS {
        let about = format!("Whether this event is of the kind `{}`.", kind.name());
        constant(&mut text, kind.name(), "bool", vec![about]);
    }
    heading(&mut text, "Facts: what is known of the event.");
    for fact in FACTS {
        constant(&mut text, fact.name, fact_type(fact.kind), vec![sentence(fact.sentence)]);
    }
    heading(&mut text, "Parameters: the values in force for the event.");
    for param in CATALOGUE.iter().map(|spec| spec.param) {
        let kind = &param.spec().kind;
        constant(&mut text, variable(param), param_type(kind), about_param(param.spec()));
    }
    heading(&mut text, "Functions that Kari adds.");
    for spec in FUNCTIONS {
        kari_function(&mut text, spec);
    }
    heading(&mut text, "Functions of the language; see https://rhai.rs/book/language/");
    text.push('\n');
    language(&mut text);
    text
}

fn heading(text: &mut String, line: &str) {
    text.push_str(&format!("\n// {line}\n"));
}

/// One paragraph of documentation, in lines that fit.
fn doc(text: &mut String, paragraph: &str) {
    let mut line = DOC.to_owned();
    for word in paragraph.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > COLUMNS {
            text.push_str(&format!("{line}\n"));
            DOC.clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&format!("{line}\n"));
}

/// A declaration below its paragraphs of documentation.
fn item(text: &mut String, about: &[String], declared: &str) {
    text.push('\n');
    for (place, paragraph) in about.iter().enumerate() {
        if place > 0 {
            doc(text, "");
        }
        doc(text, paragraph);
    }
    text.push_str(&format!("{declared};\n"));
}

fn constant(text: &mut String, name: &str, kind: &str, mut about: Vec<String>) {
    // An editor shows one of two things of the same name.
    if let Some(spec) = function(name) {
        about.push(format!("In `set`, `{}` is {}.", spec.signature, spec.sentence));
    }
    item(text, &about, &format!("const {name}: {kind}"));
}

/// `words` with a capital at the beginning and a full stop at the end.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn about_param(spec: &ParamSpec) -> Vec<String> {
    let entry = spec.entry();
    let written = match spec.kind {
        Kind::Dur(_) => " In a check it is a whole number of seconds.",
        Kind::Rights(_) => " In a check it is a list of texts, without what is denied.",
        Kind::Set(_) | Kind::Names(_) | Kind::Codes => " In a check it is a list of texts.",
        _ => "",
    };
    let unit = if spec.unit.is_empty() { String::new() } else { format!(" ({})", spec.unit) };
    let (name, values, default) = (entry.name, entry.values_in_words, entry.default);
    vec![
        sentence(entry.sentence),
        format!("`{name}`: {values}{unit}. The default is `{default}`.{written}"),
        match spec.merge {
            Merge::Site => "Set for the site only.".to_owned(),
            _ => {
                let (scopes, merge) = (spec.scope_names(), entry.merge_in_words);
                format!("Set for {scopes}. Where several match, {merge}.")
            }
        },
    ]
}

const fn fact_type(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Bool => "bool",
        FactKind::Int => "int",
        FactKind::Money => "Decimal",
        FactKind::Word => "String",
        // An instant, or `()`.
        FactKind::Time => "?",
    }
}

/// The type that [`crate::host::param_value`] hands to checks.
const fn param_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Int(..) | Kind::Dur(_) => "int",
        Kind::Money(..) => "Decimal",
        // An amount, or `()`.
        Kind::Cap(..) => "?",
        Kind::Set(_) | Kind::Rights(_) | Kind::Names(_) | Kind::Codes => "Array",
        _ => "String",
    }
}

fn kari_function(text: &mut String, spec: &FunctionSpec) {
    let mut about = vec![sentence(spec.sentence)];
    match spec.used {
        Use::Setting => {
            let names: Vec<_> = CATALOGUE.iter().map(|spec| format!("`{}`", spec.name)).collect();
            about.push(format!("Parameters are {}.", names.join(", ")));
        }
        Use::Reason(class) => about.extend(about_reasons(class)),
        Use::Scope | Use::Check => {}
    }
    let returns = match spec.used {
        Use::Setting | Use::Reason(_) => "",
        Use::Scope => " -> scope",
        Use::Check => " -> span",
    };
    for count in spec.arguments {
        let taken = spec.parameters.get(..*count).unwrap_or_default().join(", ");
        item(text, &about, &format!("fn {}({taken}){returns}", spec.name));
    }
}

/// The reasons that a check may raise with `class`, and the details beside them.
fn about_reasons(class: Class) -> [String; 2] {
    let codes = REASONS.iter().filter(|spec| spec.by_rule.contains(&class));
    let codes: Vec<_> = codes.map(|spec| format!("`{}`", spec.code)).collect();
    let codes = format!("Codes are {}.", codes.join(", "));
    [codes, format!("{DETAILS} An example: `#{{ amount: debt, alarm: true }}`.")]
}

/// Functions of the language, by name and number of arguments; without those that take a function,
/// because rule files have no functions as values.
fn language(text: &mut String) {
    let each = |found: FuncInfo<'_>| {
        let about = &found.metadata;
        let params: Vec<_> = about.params_info.iter().map(ToString::to_string).collect();
        Some((about.name.to_string(), about.num_params, params))
    };
    let mut known: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
    for (name, count, params) in CHECKING.collect_fn_metadata(None, each, true) {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_kari_s = function(&name).is_some() || REFUSED_WORDS.contains(&name.as_str());
        let takes_function = params.iter().any(|param| param.contains("FnPtr"));
        if is_word && !is_kari_s && !takes_function {
            let names: Vec<_> = (0..count).map(|place| argument(&params, place)).collect();
            // The engine tells overloads in no order; the first by name speaks for all.
            let spoken = known.entry((name, count)).or_insert_with(|| names.clone());
            *spoken = std::mem::take(spoken).min(names);
        }
    }
    for ((name, _), names) in known {
        text.push_str(&format!("fn {name}({}) -> ?;\n", names.join(", ")));
    }
}

/// The name of an argument; its type differs from one overload to the next.
fn argument(params: &[String], place: usize) -> String {
    let name = params.get(place).and_then(|info| info.split(':').next()).unwrap_or_default();
    let name = name.split(' ').next_back().unwrap_or_default().trim_matches('_');
    if name.is_empty() { format!("value{}: ?", place + 1) } else { format!("{name}: ?") }
}

#[cfg(test)]
mod tests {
    use rhai::Dynamic;

    use super::*;
    use crate::host::{fact_blank, param_value};

    /// The type of `value` as definitions write it.
    fn type_of(value: &Dynamic) -> &'static str {
        match value {
            _ if value.is_bool() => "bool",
            _ if value.is_int() => "int",
            _ if value.is_decimal() => "Decimal",
            _ if value.is_string() => "String",
            _ if value.is_array() => "Array",
            _ => "?",
        }
    }

    #[test]
    fn each_name_has_the_type_that_a_check_sees() {
        for fact in FACTS {
            assert_eq!(fact_type(fact.kind), type_of(&fact_blank(fact.kind)), "{}", fact.name);
        }
        for param in CATALOGUE.iter().map(|spec| spec.param) {
            let seen = type_of(&param_value(param, param.spec().default()));
            assert_eq!(param_type(&param.spec().kind), seen, "{param}");
        }
    }
}
