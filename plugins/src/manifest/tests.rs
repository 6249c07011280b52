use std::fs;

use tempfile::TempDir;

use super::*;

const MAIN: &str = "fn entry(facts) { note(\"welcome\") }\n";

const GOOD: &str = r#"id = "greeting"
version = "1.4.0"
author = "Nino Beridze, Tbilisi"
api = 1
hooks = ["entry", "sale"]
capabilities = ["read:member.basic", "notify:sms<=100/day"]

[limits]
deadline_ms = 20

[files]
"main.rhai" = "HASH"
"#;

/// A plugin's folder `greeting` with `manifest`, in which `HASH` stands for the hash of
/// `main.rhai`.
fn plugin(manifest: &str) -> TempDir {
    let site = tempfile::tempdir().unwrap();
    let dir = site.path().join("greeting");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("main.rhai"), MAIN).unwrap();
    let hash = blake3::hash(MAIN.as_bytes()).to_hex();
    fs::write(dir.join(MANIFEST), manifest.replace("HASH", hash.as_str())).unwrap();
    site
}

fn read_from(site: &TempDir) -> Result<Manifest, Vec<Problem>> {
    read(&site.path().join("greeting"))
}

#[test]
fn a_good_manifest_is_read_with_limits_filled_up() {
    let manifest = read_from(&plugin(GOOD)).unwrap();
    assert_eq!(manifest.id, "greeting");
    assert_eq!(manifest.hooks, [Hook::Entry, Hook::Sale]);
    let capabilities = [Capability::ReadMemberBasic, Capability::NotifySms { per_day: 100 }];
    assert_eq!(manifest.capabilities, capabilities);
    assert_eq!(manifest.limits, Limits { deadline_ms: 20, memory_mib: 256 });
    assert_eq!(manifest.files.keys().collect::<Vec<_>>(), ["main.rhai"]);
}

/// What replaces what in the good manifest, and the problem: line, column, a part of its message.
const BAD: &[(&str, &str, (u16, u16), &str)] = &[
    ("id = \"greeting\"", "id = \"Greeting!\"", (1, 6), "`Greeting!` is not an id"),
    ("id = \"greeting\"", "id = \"other\"", (1, 6), "the folder is called `greeting`"),
    ("id = \"greeting\"\n", "", (1, 1), "missing field `id`"),
    ("id = \"greeting\"", "id = \"greeting", (1, 15), "invalid basic string"),
    ("1.4.0", "1.4", (2, 11), "not a version"),
    ("1.4.0", "1.04.0", (2, 11), "not a version"),
    ("Nino Beridze, Tbilisi", " ", (3, 10), "author is missing"),
    ("api = 1", "api = 2", (4, 7), "version 2 of the interface"),
    ("api = 1", "api = 1\ncolour = 3", (5, 1), "unknown field `colour`"),
    ("\"sale\"]", "\"exit\"]", (5, 19), "no plugin is ever asked at `exit`"),
    ("\"sale\"]", "\"fire\"]", (5, 19), "no plugin is ever asked at `fire`"),
    ("\"sale\"]", "\"locker_open\"]", (5, 19), "no plugin is ever asked at `locker_open`"),
    ("\"sale\"]", "\"tick\"]", (5, 19), "no hook is called `tick`"),
    ("\"sale\"]", "\"entry\"]", (5, 19), "listed twice"),
    ("[\"entry\", \"sale\"]", "[]", (5, 9), "the list of hooks"),
    ("read:member.basic", "read:health", (6, 17), "about health"),
    ("read:member.basic", "sql:*", (6, 17), "no capability is called `sql:*`"),
    ("notify:sms<=100/day", "read:member.basic", (6, 38), "listed twice"),
    ("deadline_ms = 20", "deadline_ms = 51", (9, 15), "`deadline_ms` is 51"),
    ("deadline_ms = 20", "memory_mib = 0", (9, 14), "`memory_mib` is 0"),
    ("deadline_ms = 20", "threads = 4", (9, 1), "unknown field `threads`"),
    ("\"HASH\"", "\"00\"", (12, 15), "not the file that the manifest was written for"),
    ("\"main.rhai\" = \"HASH\"", "", (11, 1), "no file"),
    ("\"main.rhai\"", "\"../main.rhai\"", (12, 1), "not a name of a plugin's file"),
    ("\"main.rhai\"", "\"/etc/passwd\"", (12, 1), "not a name of a plugin's file"),
    ("\"main.rhai\"", "\"gone.rhai\"", (12, 15), "`gone.rhai` cannot be read"),
];

#[test]
fn a_bad_manifest_is_refused_at_its_place_with_help() {
    for (from, to, (line, column), message) in BAD {
        assert!(GOOD.contains(from), "{from}");
        let problems = read_from(&plugin(&GOOD.replace(from, to))).unwrap_err();
        let found = problems.iter().find(|problem| problem.message.contains(message));
        let found = found.unwrap_or_else(|| panic!("{to}: {problems:?}"));
        assert_eq!((found.line, found.column), (*line, *column), "{to}: {found}");
        assert!(found.file == MANIFEST && !found.help.is_empty(), "{found}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let bad = GOOD.replace("1.4.0", "new").replace("api = 1", "api = 9").replace("sale", "exit");
    assert_eq!(read_from(&plugin(&bad)).unwrap_err().len(), 3);
}

#[test]
fn a_file_that_nobody_listed_is_refused() {
    let site = plugin(GOOD);
    fs::create_dir(site.path().join("greeting/lib")).unwrap();
    fs::write(site.path().join("greeting/lib/extra.rhai"), "").unwrap();
    let problems = read_from(&site).unwrap_err();
    assert_eq!(problems[0].file, "lib/extra.rhai");
    assert!(problems[0].message.contains("does not list"));
}

#[cfg(unix)]
#[test]
fn a_link_to_another_file_is_not_followed() {
    let site = plugin(GOOD);
    let main = site.path().join("greeting/main.rhai");
    fs::rename(&main, site.path().join("outside.rhai")).unwrap();
    std::os::unix::fs::symlink(site.path().join("outside.rhai"), &main).unwrap();
    let problems = read_from(&site).unwrap_err();
    assert!(problems[0].message.contains("not a plain file"), "{problems:?}");
}

#[test]
fn a_folder_without_a_manifest_and_one_with_too_many_files_are_refused() {
    let site = tempfile::tempdir().unwrap();
    assert!(read(site.path()).unwrap_err()[0].message.contains("cannot be read"));
    let site = plugin(GOOD);
    for number in 0..80 {
        fs::write(site.path().join(format!("greeting/f{number}.rhai")), "").unwrap();
    }
    let problems = read_from(&site).unwrap_err();
    assert!(problems.len() == 1 && problems[0].message.contains("more than 64"), "{problems:?}");
}

#[test]
fn no_cut_of_a_manifest_is_taken_for_a_whole_one() {
    let site = plugin(GOOD);
    let path = site.path().join("greeting").join(MANIFEST);
    let whole = fs::read_to_string(&path).unwrap();
    for end in 0..whole.len() - 1 {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(read_from(&site).is_err(), "{}", &whole[..end]);
    }
}
