//! The program under test: found beside the test, built where it is missing or old.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::SystemTime,
};

use crate::root;

/// What the program is made of.
const PARTS: &[&str] = &[
    "plain-file",
    "domain",
    "rules",
    "plugins",
    "devices",
    "store",
    "admin-api",
    "daemon",
    "migrations",
    "Cargo.lock",
];

/// The program.
///
/// # Panics
/// Where it cannot be built.
pub fn kari() -> &'static Path {
    static KARI: OnceLock<PathBuf> = OnceLock::new();
    KARI.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let program = profile.join("kari");
        if changed(&program).is_none_or(|built| built < newest(&root())) {
            build(profile);
        }
        program
    })
}

fn build(profile: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(["build", "--quiet", "-p", "daemon", "--bin", "kari"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    command.env("CARGO_TARGET_DIR", profile.parent().unwrap());
    assert!(command.status().unwrap().success(), "the program cannot be built");
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|known| known.modified()).ok()
}

/// When the last of its parts was changed.
fn newest(root: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    let mut waiting: Vec<PathBuf> = PARTS.iter().map(|part| root.join(part)).collect();
    while let Some(path) = waiting.pop() {
        if let Ok(folder) = fs::read_dir(&path) {
            // What stands in a crate's own folder of tests is not part of the program.
            let inside = folder.filter_map(Result::ok).filter(|entry| entry.file_name() != "tests");
            waiting.extend(inside.map(|entry| entry.path()));
        } else if let Some(time) = changed(&path) {
            newest = newest.max(time);
        }
    }
    newest
}

/// Runs a command of the program to its end.
///
/// # Panics
/// Where it does not start.
pub fn run<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    let mut command = Command::new(kari());
    command.args(arguments).env("NO_COLOR", "1").env_remove("KARI_SITE").env_remove("RUST_LOG");
    command.output().unwrap()
}

/// Runs a command with a line of input: the PIN of whoever acts.
///
/// # Panics
/// Where it does not start.
pub fn run_with_pin<I: AsRef<std::ffi::OsStr>>(
    pin: &str,
    arguments: impl IntoIterator<Item = I>,
) -> Output {
    let mut command = Command::new(kari());
    command.args(arguments).env("NO_COLOR", "1").env_remove("KARI_SITE").env_remove("RUST_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{pin}").unwrap();
    child.wait_with_output().unwrap()
}

/// What a command printed, as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
