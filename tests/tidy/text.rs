//! What any text must not contain, and how long lines may be.

use crate::tree::File;

/// Columns of a line.
const COLUMNS_MAX: usize = 100;
/// Files whose lines are judged; tables of prose and data are wider by nature.
const NARROW: &[&str] = &["rs", "rhai", "sql", "sh", "py", "run"];

/// Lines wider than a screen next to another.
pub(crate) fn wide_lines(file: &File) -> Vec<String> {
    if !file.is(NARROW) && file.path != ".ci/run" {
        return Vec::new();
    }
    let wide = file.numbered().filter(|(_, line)| line.chars().count() > COLUMNS_MAX);
    wide.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

/// Words that say that something is not finished. They are put together here, so that this file
/// itself has none.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
];

/// Work left over.
pub(crate) fn leftovers(file: &File) -> Vec<String> {
    words(file, UNFINISHED)
}

/// Places that exist on one machine only.
const MACHINES: &[&str] =
    &[concat!("/", "work"), concat!("/", "root"), concat!("/", "home"), concat!("../", "shared")];

/// Paths that mean nothing to another reader. Each is a whole first component.
pub(crate) fn machine_paths(file: &File) -> Vec<String> {
    words(file, MACHINES)
}

/// The reviewed files that may escape from static SQL: one applies the migrations' own texts, two
/// make databases for tests by names of their own.
const REVIEWED_SQL: &[&str] =
    &["store/tests/migrations.rs", "store/tests/support/home.rs", "tests/support/peers.rs"];

/// The escape from static SQL.
pub(crate) fn unsafe_sql(file: &File) -> Vec<String> {
    if REVIEWED_SQL.contains(&file.path.as_str()) {
        return Vec::new();
    }
    words(file, &[concat!("AssertSql", "Safe")])
}

/// Rooms where an amount, a rate or an instant may be near.
const WITHOUT_FLOATS: &[&str] = &["domain", "store", "rules"];

/// Floats near money: in the code, not in what comments say of them.
pub(crate) fn floats(file: &File) -> Vec<String> {
    if !file.is(&["rs"]) || !WITHOUT_FLOATS.contains(&file.room()) {
        return Vec::new();
    }
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let code = file.text.lines().map(code).collect::<Vec<_>>().join("\n");
    words(&File::of(&file.path, &code), &["f64", "f32"])
}

/// The lines where one of `forbidden` stands as a word of its own.
fn words(file: &File, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in file.numbered() {
        for word in forbidden {
            if has_word(line, word) {
                found.push(format!("{}:{number}: `{word}`", file.path));
            }
        }
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    // A slash or a dot before makes it a part of another path.
    let path = word.starts_with('/');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !before.is_some_and(|c| joins(c) || (path && "/.-~$}*>".contains(c)));
        let ends = word.ends_with('!') || !after.is_some_and(|c| joins(c) || (path && c == '-'));
        starts && ends
    })
}

/// The names of migrations that one database has and the other has not.
pub(crate) fn lonely_migrations(paths: &[String]) -> Vec<String> {
    let of = |folder: &str| -> Vec<String> {
        let names = paths.iter().filter_map(|path| path.strip_prefix(folder));
        names.filter(|name| name.ends_with(".sql")).map(str::to_owned).collect()
    };
    let (sqlite, postgres) = (of("migrations/sqlite/"), of("migrations/postgres/"));
    let lonely = |names: &[String], others: &[String], where_to: &str| -> Vec<String> {
        let missing = names.iter().filter(|name| !others.contains(name));
        missing.map(|name| format!("migrations/{where_to}/{name} is missing")).collect()
    };
    [lonely(&sqlite, &postgres, "postgres"), lonely(&postgres, &sqlite, "sqlite")].concat()
}
