//! Rule files that mean harm, or were saved half: an error with a place, never a hung or dead
//! daemon.

use std::time::{Duration, Instant};

use domain::facts::{EventKind, PolicyFault};
use proptest::prelude::*;
use rules::{bundle::Bundle, load::load};

use crate::common::{HOURS, file, judge, load_text, names, ordinary, set_of, shipped, shown};

/// The text of the only file of one's own, loaded; what is wrong with it.
fn refused(text: &str) -> String {
    match load_text(text) {
        Ok(_) => panic!("was accepted: {text}"),
        Err(problems) => shown(&problems),
    }
}

/// Runs only where there is a debt, so that loading succeeds and the event shows the limit.
fn fault(body: &str) -> (u16, String) {
    let set = set_of(&format!("\nif debt > 0.00 {{\n{body}\n}}\n"));
    let mut facts = ordinary();
    facts.debt = domain::money::Money(1);
    let start = Instant::now();
    let result = judge(&set, EventKind::Entry, &facts);
    assert!(start.elapsed() < Duration::from_secs(2), "{body}");
    match result {
        Err(PolicyFault::Rule { file, line, message }) => {
            assert_eq!(file, "50_own.rhai", "{body}: {message}");
            // The thread is as good as before.
            assert_eq!(judge(&set, EventKind::Entry, &ordinary()), Ok(Vec::new()));
            (line, message)
        }
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn what_reaches_out_of_the_rules_is_refused_at_load() {
    for text in [
        "import \"/etc/passwd\" as p;",
        "import \"../secret\" as p;",
        "export let x = 1;",
        "eval(\"1\");",
        "sleep(10);",
        "let t = timestamp();",
        "let r = rand();",
        "exit();",
        "let f = Fn(\"deny\");",
        "let f = |x| x + 1;",
        "call(\"deny\", \"ZONE_FULL\");",
        "let m = parse_json(\"{}\");",
        "let f = open_file(\"x\");",
        "print(\"x\");",
        "debug(\"x\");",
        "try { deny(\"ZONE_FULL\"); } catch { }",
        "throw \"x\";",
        "let x = global::entry;",
        "let x = std::entry;",
        "let x = is_def_var(\"debt\");",
        "let x = debt.curry();",
        "fn f() { this }",
        "fn f() { call(\"f\") }",
        "let f = get_fn_metadata_list();",
    ] {
        let problems = refused(text);
        assert!(problems.starts_with("50_own.rhai:1:"), "{text}: {problems}");
        assert!(problems.contains("help: "), "{text}: {problems}");
    }
}

#[test]
fn what_would_hide_other_checks_is_refused_at_load() {
    for (text, because) in [
        ("return;", "would skip the checks"),
        ("if entry { return; }", "would skip the checks"),
        ("debt = 0.00;", "`debt` is changed"),
        ("debt -= 1.00;", "`debt` is changed"),
        ("debt_entry_block_amount = 900.00;", "is changed"),
        ("let debt = 0.00;", "knows already"),
        ("if entry { let debt = 0.00; }", "knows already"),
        ("for debt in 0..3 { }", "knows already"),
        ("const entry = true;", "knows already"),
        ("fn deny(code) { }", "the name of something that Kari knows"),
        ("fn max(a, b) { a }", "the name of something that Kari knows"),
        ("fn f(debt) { debt }", "knows already"),
        ("let deny = 1;", "knows already"),
        ("if entry { set(\"gate.mode\", \"locked\", device(\"gate-1\")); }", "inside other code"),
        ("fn f() { set(\"gate.mode\", \"free\", device(\"gate-1\")); }", "inside other code"),
        ("let x = loop { break 5; };", "`break` hands out a value"),
        ("let m = #{}; m[\"a\"] = 1;", "by its index"),
        ("let m = #{ a: [1] }; m.a[0] = 1;", "by its index"),
    ] {
        let problems = refused(text);
        assert!(problems.contains(because), "{text}: {problems}");
    }
}

#[test]
fn a_list_of_the_vocabulary_cannot_be_emptied_for_the_next_check() {
    let (_, message) = fault("membership_allowed_states.clear();");
    assert!(message.contains("constant"), "{message}");
}

#[test]
fn every_limit_ends_as_a_fault_with_a_place() {
    for (body, because) in [
        ("while true { }", "look for a loop"),
        ("loop { }", "look for a loop"),
        ("do { } while true;", "look for a loop"),
        ("let n = 0; for x in 0..9000000000 { n += 1; }", "look for a loop"),
        ("let s = \"ab\"; while true { s += s; }", ""),
        ("let s = \"ab\"; s.pad(100000000, 'x');", ""),
        ("let a = [1]; while true { a.push(a); }", ""),
        ("let a = []; a.pad(100000000, 0);", ""),
        ("let a = [1, 2]; while true { a += a; }", ""),
        ("let n = 1; while true { n *= 3; }", "overflow"),
        ("let n = 1 / 0;", "zero"),
        ("let n = 1.0 / 0.0;", "zero"),
        ("let n = 79228162514264337593543950335.0 * 10.0;", "overflow"),
        ("let m = #{ a: 1 }; let x = m.b;", "b"),
        ("let a = [1]; let x = a[5];", ""),
        ("let x = \"a\" - 1;", "function not found"),
        ("for x in 0..100 { warn(\"VISITS_LOW\"); }", "more than 64 reasons"),
        ("warn(\"VISITS\" + \"_LO\");", "did you mean `VISITS_LOW`"),
        ("deny(\"EMERGENCY_\" + \"RELEASE\");", "only Kari itself"),
        ("warn(\"VISITS_LOW\", #{a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1});", "at most 8"),
        ("warn(\"VISITS_LOW\", #{ left: [1] });", "`array`"),
        (
            "let w = \"x\"; w.pad(65, 'x'); warn(\"VISITS_LOW\", #{ left: w });",
            "more than 64 characters",
        ),
        ("warn(\"VISITS_LOW\", #{ alarm: 1 });", "true or false"),
        ("warn(\"VISITS_LOW\", #{ left: 900000000000000000.00 });", "too large"),
    ] {
        let (line, message) = fault(body);
        assert!(message.contains(because), "{body}: {message}");
        assert!((2..=4).contains(&line), "{body}: line {line}");
    }
}

#[test]
fn a_function_that_calls_itself_for_ever_is_stopped() {
    let text = "fn f(n) { f(n + 1) }\nif debt > 0.00 { f(0); }\n";
    let set = set_of(text);
    let mut facts = ordinary();
    facts.debt = domain::money::Money(1);
    let Err(PolicyFault::Rule { message, .. }) = judge(&set, EventKind::Entry, &facts) else {
        panic!("it came back")
    };
    assert!(message.contains("too deeply"), "{message}");
}

#[test]
fn a_check_that_cannot_run_on_an_ordinary_entry_is_refused_at_load() {
    let problems = refused("if entry {\n  while true { }\n}");
    assert!(problems.contains("on an ordinary entry"), "{problems}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("let x = {}1{};", "(".repeat(500), ")".repeat(500)),
        format!("let x = {}1{};", "[".repeat(500), "]".repeat(500)),
        format!("{}{}", "if entry {".repeat(500), "}".repeat(500)),
        format!("let x = {}1;", "-".repeat(5000)),
        format!("let x = 1{};", " + 1".repeat(5000)),
        format!("let x = {}true;", "!".repeat(5000)),
    ] {
        assert!(!refused(&text).is_empty());
    }
}

#[test]
fn too_many_functions_and_variables_are_refused() {
    let functions: String = (0..300).map(|n| format!("fn f{n}() {{ {n} }}\n")).collect();
    refused(&functions);
    let variables: String = (0..600).map(|n| format!("let v{n} = {n};\n")).collect();
    refused(&variables);
}

#[test]
fn a_half_written_file_says_where_it_stops() {
    for (text, line) in [
        ("if entry {\n  deny(\"ZONE_FULL\");\n", 3),
        ("if entry && \n", 2),
        ("deny(\"ZONE_FU", 1),
        ("deny(\"ZONE_FULL\", #{ a: 1", 1),
        ("// a note\n/* a longer note\nthat is cut", 3),
        ("fn f(", 1),
    ] {
        let problems = refused(text);
        assert!(problems.starts_with(&format!("50_own.rhai:{line}:")), "{text}: {problems}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A shipped set cut anywhere either loads whole or says what is wrong; it never panics.
    #[test]
    fn a_set_cut_at_any_byte_loads_or_is_refused_with_a_place(
        which in 0_usize..13,
        cut in 0_usize..3000,
    ) {
        let mut bundle = shipped();
        let count = bundle.rules.len();
        let files = &mut bundle.rules;
        let file = &mut files[which % count];
        let mut end = cut.min(file.text.len());
        while !file.text.is_char_boundary(end) { end -= 1; }
        file.text.truncate(end);
        if let Err(problems) = load(&bundle, &names()) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(!problem.file.is_empty() && problem.line > 0, "{}", problem);
            }
        }
    }

    /// Whatever stands in a file, loading comes back.
    #[test]
    fn any_text_is_loaded_or_refused(text in "[a-z0-9(){}\\[\\];.,\"'#|&<>=!+*/ \n:_-]{0,200}") {
        let bundle = Bundle::of([file("a.rhai", HOURS), file("b.rhai", &text)]);
        if let Err(problems) = load(&bundle, &names()) {
            prop_assert!(!problems.is_empty());
        }
    }
}
