//! The house rules, as tests. Each rule is checked over the whole repository, and each is shown to
//! fail on a small bad example, so that no rule is silent because it is broken.

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/prose.rs"]
mod prose;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use arrows::Manifest;
use tree::File;

/// Fails with one finding a line.
#[track_caller]
fn none(findings: impl IntoIterator<Item = String>) {
    let findings: Vec<_> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// Holds a rule against every file.
#[track_caller]
fn all_files(rule: fn(&File) -> Vec<String>) {
    none(tree::files().iter().flat_map(rule));
}

/// Holds a rule against every crate.
#[track_caller]
fn all_crates(rule: fn(&Manifest) -> Vec<String>) {
    let manifests = Manifest::all(&tree::files());
    assert!(manifests.len() >= 8, "only {} crates were found", manifests.len());
    none(manifests.iter().flat_map(rule));
}

/// Shows that `rule` finds something in each bad text and nothing in each good one.
fn tells_apart(path: &str, rule: fn(&File) -> Vec<String>, bad: &[&str], good: &[&str]) {
    for text in bad {
        assert_eq!(rule(&File::of(path, text)).len(), 1, "not found in {path}: {text}");
    }
    for text in good {
        assert_eq!(rule(&File::of(path, text)), Vec::<String>::new(), "{path}: {text}");
    }
}

/// The same for a rule of manifests: the text follows the name of the crate.
fn tells_crates_apart(
    rule: fn(&Manifest) -> Vec<String>,
    bad: &[(&str, &str)],
    good: &[(&str, &str)],
) {
    let findings = |name: &str, text: &str| {
        let text = format!("[package]\nname = \"{name}\"\n{text}");
        rule(&Manifest::read(&File::of(&format!("{name}/Cargo.toml"), &text))).len()
    };
    for (name, text) in bad {
        assert_eq!(findings(name, text), 1, "not found in {name}: {text}");
    }
    for (name, text) in good {
        assert_eq!(findings(name, text), 0, "wrongly found in {name}: {text}");
    }
}

#[test]
fn crates_know_only_what_the_map_allows() {
    all_crates(arrows::wrong_arrows);
    tells_crates_apart(
        arrows::wrong_arrows,
        &[
            ("domain", "[dependencies]\nrules.workspace = true"),
            ("rules", "[dependencies]\nstore.workspace = true"),
            ("devices", "[build-dependencies]\nstore.workspace = true"),
            ("admin-api", "[target.'cfg(unix)'.dependencies]\ndevices.workspace = true"),
            ("kitchen", ""),
        ],
        &[
            ("rules", "[dependencies]\ndomain.workspace = true\nserde.workspace = true"),
            ("daemon", "[dependencies]\nadmin-api.workspace = true"),
            ("store", "[dev-dependencies]\nrules.workspace = true"),
        ],
    );
}

#[test]
fn foreign_crates_stay_in_their_homes() {
    all_crates(arrows::wrong_homes);
    tells_crates_apart(
        arrows::wrong_homes,
        &[
            ("domain", "[dependencies]\ntokio.workspace = true"),
            ("daemon", "[dependencies]\nrhai.workspace = true"),
            ("daemon", "[dependencies]\nsqlx.workspace = true"),
            ("store", "[dependencies]\naxum.workspace = true"),
            ("daemon", "[dependencies]\nrumqttc.workspace = true"),
        ],
        &[
            ("domain", "[dependencies]\nserde.workspace = true\njiff.workspace = true"),
            ("store", "[dependencies]\nsqlx.workspace = true"),
            ("tests", "[dependencies]\nsqlx.workspace = true\nrumqttc.workspace = true"),
        ],
    );
}

#[test]
fn versions_stand_in_the_workspace_alone() {
    all_crates(arrows::own_versions);
    tells_crates_apart(
        arrows::own_versions,
        &[
            ("store", "[dependencies]\nserde = \"1\""),
            ("store", "[dev-dependencies]\ntempfile = { version = \"3\" }"),
            ("store", "[dependencies]\ndomain = { path = \"../domain\" }"),
        ],
        &[("store", "[dependencies]\njiff = { workspace = true, features = [\"alloc\"] }")],
    );
}

#[test]
fn every_version_says_what_it_is_for() {
    let files = tree::files();
    let workspace = files.iter().filter(|file| file.path == "Cargo.toml");
    none(workspace.flat_map(arrows::unexplained_versions));
    tells_apart(
        "Cargo.toml",
        arrows::unexplained_versions,
        &[
            "[workspace.dependencies]\nserde = \"1\"",
            "[workspace.dependencies]\n# rows\nserde = \"1\"\n\nbytes = \"1\"",
        ],
        &[
            "[workspace.dependencies]\n# rows, records\nserde = \"1\"\nserde_json = \"1\"",
            "[workspace.package]\nversion = \"1\"",
        ],
    );
}

#[test]
fn the_rule_engine_keeps_its_limits() {
    let rule = |file: &File| match file.path.ends_with("Cargo.toml") {
        true => arrows::forbidden_features(file),
        false => Vec::new(),
    };
    all_files(rule);
    tells_apart(
        "Cargo.toml",
        rule,
        &[
            "[workspace.dependencies]\nrhai = { version = \"1\", features = [\"unchecked\"] }",
            "[dependencies]\nrhai = { workspace = true, features = [\"sync\", \"grain\"] }",
            "[dev-dependencies]\nrhai = { workspace = true, features = [\"unstable\"] }",
        ],
        &["[dependencies]\nrhai = { workspace = true, features = [\"sync\"] }"],
    );
}

#[test]
fn every_crate_stands_behind_the_lint_wall() {
    all_crates(arrows::without_lints);
    tells_crates_apart(
        arrows::without_lints,
        &[("store", ""), ("store", "[lints.clippy]\nall = \"allow\"")],
        &[("store", "[lints]\nworkspace = true")],
    );
}

#[test]
fn files_are_short_enough_to_read() {
    all_files(code::large_files);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    let a = 1;\n".repeat(600));
    tells_apart(
        "store/src/lib.rs",
        code::large_files,
        &[&"let a = 1;\n".repeat(501), &format!("{tests}{}", "let a = 1;\n".repeat(501))],
        &[&format!("{}{tests}", "let a = 1;\n".repeat(500))],
    );
}

#[test]
fn functions_fit_on_a_screen() {
    all_files(code::large_functions);
    let of = |head: &str, lines: usize| {
        format!("impl A {{\n    {head} {{\n{}    }}\n}}\n", "        a();\n".repeat(lines))
    };
    tells_apart(
        "store/src/lib.rs",
        code::large_functions,
        &[&of("fn long()", 69), &of("pub(crate) const async fn long<T>()", 69)],
        &[
            &of("fn short()", 68),
            &format!("    fn declared();\n    fn one() {{}}\n{}", of("fn short()", 68)),
            "trait T {\n    fn declared(\n        a: u8,\n    );\n}\n",
        ],
    );
}

#[test]
fn lines_have_at_most_100_columns() {
    all_files(text::wide_lines);
    tells_apart(
        "store/src/lib.rs",
        text::wide_lines,
        &[&"a".repeat(101)],
        &[&"a".repeat(100), &"კ".repeat(100)],
    );
}

#[test]
fn no_work_is_left_over() {
    all_files(text::leftovers);
    tells_apart(
        "store/src/lib.rs",
        text::leftovers,
        &[
            concat!("// TO", "DO: later"),
            concat!("// FIX", "ME"),
            concat!("/* XX", "X */"),
            concat!("let a = to", "do!();"),
            concat!("unimpl", "emented!()"),
        ],
        &["let mastodon = 1;", "// a method", "XXXL"],
    );
}

#[test]
fn exceptions_and_ignored_tests_give_a_reason() {
    all_files(code::without_reason);
    tells_apart(
        "store/src/lib.rs",
        code::without_reason,
        &[
            concat!("#[all", "ow(dead_code)]"),
            concat!("#![all", "ow(\n    dead_code,\n)]"),
            concat!("#[exp", "ect(dead_code)]"),
            concat!("#[test]\n#[ign", "ore]\nfn a() {}"),
        ],
        &[
            concat!("#[all", "ow(\n    dead_code,\n    reason = \"why\"\n)]"),
            concat!("#[ign", "ore = \"needs a week\"]"),
            "words[allow(a)]",
        ],
    );
}

#[test]
fn the_name_of_a_test_is_a_sentence() {
    all_files(code::test_names);
    tells_apart(
        "store/src/lib.rs",
        code::test_names,
        &[
            "#[test]\nfn test_a_debtor_stays_out() {}",
            "#[tokio::test]\nasync fn works() {}",
            "#[test]\n#[should_panic]\nfn fails() {}",
        ],
        &["#[test]\nfn a_debtor_stays_out() {}", "fn works() {}"],
    );
}

#[test]
fn every_path_in_prose_exists() {
    let paths = tree::paths();
    none(tree::files().iter().flat_map(|file| prose::missing_paths(file, &paths)));

    let there =
        ["store/", "store/src/", "store/src/lib.rs", "x/site.toml", "x/data/", "x/data/a.csv"];
    let there = there.map(str::to_owned);
    let missing = |text: &str| prose::missing_paths(&File::of("store/A.md", text), &there).len();
    for bad in [
        "see `store/src/load.rs`",
        "see `load.rs`",
        "see [the loader](src/load.rs#top)",
        "run `bash store/run.sh`",
        "```\ncat store/src/load.rs\n```",
        "`store/src/{lib,load}.rs`",
        "`store/src/lo*.rs`",
        "`stores/`",
    ] {
        assert_eq!(missing(bad), 1, "not found: {bad}");
    }
    for good in [
        "see `store/src/lib.rs:12`, `lib.rs`, `src/lib.rs`, `store/src`, `store/` and `data/*.csv`",
        "see [the library](src/lib.rs), [the site](https://example.org/a.rs) and [below](#below)",
        "topic `homie/5/gate-1/gate/open/set`, route `/api/v1`, type `application/json`",
        "`Store::open(path)`, `gate.mode`, `a / b`, `plugins/<name>/`",
        "at most `2/P1D` for `0.20/PT1M`",
        "```\nmosquitto_pub -t homie/5/gate-1/reader-in/uid\nother/thing.rs\n```",
    ] {
        assert_eq!(missing(good), 0, "wrongly found: {good}");
    }
}

#[test]
fn no_text_names_a_place_of_one_machine() {
    all_files(text::machine_paths);
    tells_apart(
        "README.md",
        text::machine_paths,
        &[
            concat!("cd /wo", "rk/main"),
            concat!("`/ro", "ot/.cargo`"),
            concat!("in /ho", "me/anna"),
            concat!("see ../sha", "red/design.md"),
        ],
        &["https://example.org/home", "target/root", "/workspace", "$HOME", "/api/rooted"],
    );
}

#[test]
fn all_sql_is_static() {
    all_files(text::unsafe_sql);
    let bad = concat!("query(AssertSql", "Safe(text))");
    tells_apart("store/src/lib.rs", text::unsafe_sql, &[bad], &["query(TEXT)"]);
}

#[test]
fn no_float_is_near_money() {
    all_files(text::floats);
    let bad: &[&str] = &["let price: f64 = 1.0;", "fn rate() -> Vec<f32> {"];
    tells_apart("domain/src/a.rs", text::floats, bad, &["// never an f64", "let f640 = 1;"]);
    tells_apart("devices/src/a.rs", text::floats, &[], bad);
}

#[test]
fn both_databases_have_the_same_migrations() {
    none(text::lonely_migrations(&tree::paths()));
    let found = |names: &[&str]| {
        text::lonely_migrations(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        found(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_b.sql"]),
        ["migrations/postgres/0001_a.sql is missing", "migrations/sqlite/0001_b.sql is missing"]
    );
    assert!(found(&["migrations/sqlite/0001_a.sql", "migrations/postgres/0001_a.sql"]).is_empty());
}
