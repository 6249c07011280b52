//! Rule files that were saved half, or hold anything at all: an error with a place. What means harm
//! is in `corpus.rs`.

use proptest::prelude::*;
use rules::{bundle::Bundle, load::load};

use crate::common::{HOURS, file, load_text, names, shipped, shown};

/// The text of the only file of one's own, loaded; what is wrong with it.
fn refused(text: &str) -> String {
    match load_text(text) {
        Ok(_) => panic!("was accepted: {text}"),
        Err(problems) => shown(&problems),
    }
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
