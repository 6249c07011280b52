//! The tables of the rule reference are made from the vocabulary; this test keeps them true.

use std::fmt::Write as _;

use domain::{
    facts::{EVENT_KINDS, FACTS, FactKind},
    params::{CATALOGUE, Kind},
    reasons::REASONS,
};
use rules::vocabulary::{FUNCTIONS, variable};

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
    text.push_str("\n### Parameters\n\nIn a check a dot is written as `_`. A duration is a whole ");
    text.push_str("number of seconds there, a set a list of texts.\n\n");
    text.push_str("| no. | in settings | in checks | values | default | scopes | what it does |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for spec in CATALOGUE.iter().filter(|spec| spec.param.is_judged()) {
        let values = values_of(&spec.kind);
        writeln!(
            text,
            "| {} | `{}` | `{}` | {values} | `{}` | {} | {} |",
            spec.number,
            spec.name,
            variable(spec.param),
            spec.default().written(spec.param),
            spec.scope_names(),
            spec.sentence
        )
        .unwrap();
    }
    text.push_str("\n### Functions\n\n| written | what it does |\n|---|---|\n");
    for spec in FUNCTIONS {
        writeln!(text, "| `{}` | {} |", spec.signature, spec.sentence).unwrap();
    }
    text.push_str("\nDetails are at most 8 named values, `#{ amount: debt }`: ");
    text.push_str("amounts, numbers, instants, spans and texts of at most 64 characters. ");
    text.push_str("`alarm: true` raises an alarm with the reason.\n");
    text.push_str("\n### Reasons that a check may raise\n\n| code | by |\n|---|---|\n");
    for spec in REASONS.iter().filter(|spec| !spec.by_rule.is_empty()) {
        let by: Vec<_> =
            spec.by_rule.iter().map(|class| format!("`{class:?}`").to_lowercase()).collect();
        writeln!(text, "| `{}` | {} |", spec.code, by.join(", ")).unwrap();
    }
    text.push('\n');
    text
}

fn values_of(kind: &Kind) -> String {
    match kind {
        Kind::Choice(words) => words.join(", "),
        Kind::Set(words) => format!("any of {}", words.join(", ")),
        Kind::Rights(words) => format!("any of {}; `!` before one denies it", words.join(", ")),
        Kind::Names(kind) => format!("ids of {}s", kind.name()),
        Kind::Codes => "codes of reasons".to_owned(),
        Kind::Int(from, to) => format!("{from} to {to}"),
        Kind::Dur(_) => "duration, such as PT5M or P3D".to_owned(),
        Kind::Money(..) => "amount".to_owned(),
        Kind::Cap(..) => "amount, or none".to_owned(),
        Kind::Rate(_) => "amount for each started duration, such as 0.20/PT1M".to_owned(),
        Kind::Limit => "so many within a time, such as 2/P1D, or none".to_owned(),
        Kind::Lockout => "such as 5/PT5M, locked for PT5M".to_owned(),
        Kind::Windows => "hours".to_owned(),
        Kind::Ages => "ages by category, such as alcohol:18".to_owned(),
        Kind::Retention => "days, weeks, months or years, such as P90D".to_owned(),
        Kind::Each(words, kind) => format!("for each of {}: {}", words.join(", "), values_of(kind)),
        Kind::Scheduled(kind) => {
            format!("{}; or by the hour, `locked Mon-Sun 22:00-07:00 else free`", values_of(kind))
        }
    }
}

#[test]
fn the_reference_lists_every_word_as_the_vocabulary_has_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(START).expect("the mark where the words begin");
    let (_, after) = rest.split_once(END).expect("the mark where the words end");
    let wanted = format!("{before}{START}{}{END}{after}", words());
    if std::env::var_os("KARI_REGENERATE").is_some() {
        std::fs::write(path, wanted).unwrap();
    } else {
        assert!(text == wanted, "run `KARI_REGENERATE=1 cargo test -p rules reference` and commit");
    }
}
