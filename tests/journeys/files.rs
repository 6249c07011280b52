//! What commands write: for its owner alone whatever the caller's umask, and never in the place of
//! what is no file.

use std::{
    fs::{self, File},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tests::{
    daemon::Daemon,
    program,
    site::{Folder, Guest, Plan},
};

use crate::command_line::code;

/// A command by somebody who lets everybody read and write what they make.
fn carelessly(arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program::kari()).args(arguments);
    command.env("NO_COLOR", "1").env_remove("KARI_SITE").env_remove("RUST_LOG");
    command.stdin(Stdio::null());
    command
}

fn does(arguments: &[&str]) -> Output {
    let output = carelessly(arguments).output().unwrap();
    assert_eq!(code(&output), 0, "{arguments:?}: {}", program::text(&output.stderr));
    output
}

/// Everything below a folder that others may look at.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let known = fs::symlink_metadata(&path).unwrap();
        if known.mode() & 0o077 != 0 {
            found.push(format!("{:o} {}", known.mode() & 0o777, path.display()));
        }
        if known.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

/// A daemon of the careless caller, which ends with this.
struct Running(Child);

impl Running {
    fn of(site: &str, log: &Path) -> Self {
        let mut command = carelessly(&["run", "--quiet", site]);
        command.stdout(Stdio::null()).stderr(File::create(log).unwrap());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn whatever_a_command_makes_is_its_owners_whatever_the_umask() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (new, site) = (path("new"), Folder::write(&Plan::default()));
    does(&["init", "--demo", &new]);
    // The example's ports belong to whoever runs it; the rest happens at a site with ports of its
    // own, which this test wrote itself.
    let folder = site.path().to_str().unwrap();
    let table = path("people.csv");
    fs::write(&table, "number,name\n7,Nino\nx,Bad\n").unwrap();
    let import = ["import", folder, &table, "--as", "members"];
    does(&[&import[..], &["--write-mapping", &path("mapping.toml")]].concat());
    does(&[&import[..], &["--skip-bad", "--errors", &path("bad.csv")]].concat());

    let log = home.path().join("log");
    let running = Running::of(folder, &log);
    let socket = site.path().join("state/kari.sock");
    tests::daemon::eventually("the socket", async || {
        std::os::unix::net::UnixStream::connect(&socket).ok()
    })
    .await;
    for (target, name) in [("csv", "book.csv"), ("xlsx", "book.xlsx"), ("hledger", "journal")] {
        does(&["export", folder, "--as", target, "--people", "--output", &path(name)]);
    }
    does(&["report", folder, "wallets", "--format", "xlsx", "--output", &path("wallets.xlsx")]);

    // What the test itself made is not looked at.
    for (name, mode) in [("", 0o700), ("log", 0o600), ("people.csv", 0o600)] {
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    assert_eq!(open_to_others(home.path()), Vec::<String>::new());
    let state = open_to_others(&site.path().join("state"));
    assert_eq!(state, Vec::<String>::new(), "while the daemon runs");
    for name in ["kari.db", "kari.db-wal", "kari.sock", "pin.key", "imports"] {
        assert!(site.path().join("state").join(name).exists(), "{name} was looked at");
    }
    drop(running);
}

#[test]
fn what_is_no_file_is_never_replaced_and_what_is_one_keeps_its_mode() {
    let site = Folder::write(&Plan { guests: vec![Guest::member(1)], ..Plan::default() });
    let folder = site.path().to_str().unwrap();
    let table = site.path().join("people.csv");
    fs::write(&table, "number,name\n7,Nino\n").unwrap();
    does(&["import", folder, table.to_str().unwrap(), "--as", "members"]);
    let plain = does(&["export", folder, "--as", "csv"]).stdout;
    let place = |name: &str| site.path().join(name);
    let export = |to: &Path| {
        does(&["export", folder, "--as", "csv", "--output", to.to_str().unwrap()]);
    };

    fs::write(place("private"), "before").unwrap();
    fs::set_permissions(place("private"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("private", place("link")).unwrap();
    export(&place("link"));
    assert!(fs::symlink_metadata(place("link")).unwrap().is_symlink());
    assert_eq!(fs::read(place("private")).unwrap(), plain);
    assert_eq!(fs::metadata(place("private")).unwrap().mode() & 0o777, 0o640);

    let through: PathBuf = "/dev/stdout".into();
    let output = does(&["export", folder, "--as", "csv", "--output", through.to_str().unwrap()]);
    assert_eq!(output.stdout, plain, "standard output by its other name");
    export(Path::new("/dev/null"));
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn every_command_writes_into_a_pipe_and_through_a_link_as_they_stand() {
    let site = Folder::write(&Plan { guests: vec![Guest::member(1)], ..Plan::default() });
    let folder = site.path().to_str().unwrap();
    let place = |name: &str| site.path().join(name).to_str().unwrap().to_owned();
    // The same table is imported once.
    let table = |number: u32| {
        fs::write(place("people.csv"), format!("number,name\n{number},Nino\nx,Bad\n")).unwrap();
    };
    fs::write(place("private"), "before").unwrap();
    fs::set_permissions(place("private"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("private", place("link")).unwrap();
    let pipe = place("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let import = ["import", folder, &place("people.csv"), "--as", "members", "--skip-bad"];
    for arguments in [
        &[&import[..], &["--errors"]].concat()[..],
        &["report", folder, "wallets", "--format", "csv", "--output"],
        &["export", folder, "--as", "csv", "--output"],
    ] {
        table(7);
        does(&[arguments, &[&place("link")]].concat());
        let written = fs::read(place("private")).unwrap();
        assert!(written.len() > 10, "{arguments:?}");
        let private = fs::symlink_metadata(place("private")).unwrap();
        assert_eq!(private.mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(place("link")).unwrap().is_symlink());

        let from = pipe.clone();
        let reader = std::thread::spawn(move || fs::read(from).unwrap());
        table(8);
        does(&[arguments, &[&pipe]].concat());
        assert_eq!(reader.join().unwrap(), written, "{arguments:?}");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }
}

#[test]
fn what_a_command_reads_it_never_writes_by_whatever_name() {
    let site = Folder::write(&Plan::default());
    let folder = site.path().to_str().unwrap();
    let place = |name: &str| site.path().join(name).to_str().unwrap().to_owned();
    let mapping = "as = \"members\"\n";
    let chart = "[[column]]\nheading = \"a\"\n";
    for (name, text) in [("people.csv", "number,name\nx,Bad\n"), ("m.toml", mapping)] {
        fs::write(place(name), text).unwrap();
    }
    fs::write(place("chart.toml"), chart).unwrap();
    symlink("people.csv", place("link")).unwrap();
    fs::hard_link(place("m.toml"), place("hard")).unwrap();
    let import = ["import", folder, &place("people.csv"), "--mapping", &place("m.toml")];
    let refused = |arguments: &[&str], part: &str| {
        let output = carelessly(arguments).output().unwrap();
        let told = program::text(&output.stderr);
        assert!(code(&output) == 1 && told.contains(part), "{arguments:?}: {told}");
    };
    let same = "which this command reads; name another one to write into";
    for name in ["people.csv", "link", "m.toml", "hard"] {
        for flag in ["--errors", "--write-mapping"] {
            for way in [&[][..], &["--dry-run"], &["--skip-bad"]] {
                refused(&[&import[..], &[flag, &place(name)], way].concat(), same);
            }
        }
    }
    let export = ["export", folder, "--as", "csv", "--mapping", &place("chart.toml"), "--output"];
    refused(&[&export[..], &[&place("chart.toml")]].concat(), same);
    assert_eq!(fs::read_to_string(place("people.csv")).unwrap(), "number,name\nx,Bad\n");
    assert_eq!(fs::read_to_string(place("m.toml")).unwrap(), mapping);
    assert_eq!(fs::read_to_string(place("chart.toml")).unwrap(), chart);

    // A mapping that is there stays, and an older file of bad rows has none once none is bad.
    fs::write(place("old.toml"), "mine").unwrap();
    let stays = "is there already and stays as it is; name another file";
    refused(&[&import[..], &["--write-mapping", &place("old.toml")]].concat(), stays);
    let bad = ["--errors", &place("bad.csv")];
    let told = carelessly(&[&import[..], &bad, &["--preview", "1"]].concat()).output().unwrap();
    assert!(program::text(&told.stderr).contains("`--preview` writes no bad rows to"), "said");
    assert!(!site.path().join("bad.csv").exists());
    carelessly(&[&import[..], &bad].concat()).output().unwrap();
    assert!(fs::read_to_string(place("bad.csv")).unwrap().contains("x,Bad"));
    fs::write(place("people.csv"), "number,name\n7,Good\n").unwrap();
    let told = does(&[&import[..], &bad].concat()).stderr;
    assert!(program::text(&told).contains("no row is bad; `"), "{}", program::text(&told));
    assert_eq!(fs::read_to_string(place("bad.csv")).unwrap().lines().count(), 1);
    fs::remove_file(place("bad.csv")).unwrap();
    does(&[&import[..], &bad].concat());
    assert!(!site.path().join("bad.csv").exists(), "none is made for no row");
}

#[test]
fn standard_output_that_is_full_fails_the_command_with_one_message() {
    let site = Folder::write(&Plan::default());
    let folder = site.path().to_str().unwrap();
    let table = site.path().join("people.csv");
    fs::write(&table, "number,name\n7,Nino\n").unwrap();
    does(&["import", folder, table.to_str().unwrap(), "--as", "members"]);
    for arguments in [
        &["version"][..],
        &["--help"],
        &["help", "till"],
        &["till", "sell", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["check", folder],
        &["params", "list", folder],
        &["--json", "params", "list", folder],
        &["report", folder],
        &["report", folder, "wallets"],
        &["export", folder, "--as", "csv"],
        &["export", folder, "--as", "hledger"],
        &["verify", folder],
        &["doctor", folder],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = carelessly(arguments).stdout(full).output().unwrap();
        let told = program::text(&output.stderr);
        assert_eq!(code(&output), 1, "{arguments:?}: {told}");
        let about: Vec<_> = told.lines().filter(|line| line.contains("cannot write")).collect();
        assert_eq!(about.len(), 1, "{arguments:?}: {told}");
        assert!(about[0].contains("standard output"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pins_of_the_tables_are_hashed_at_the_first_start_and_prove_themselves_after_it() {
    let mut daemon = Daemon::of(Folder::write(&Plan::default()));
    let table = daemon.site.path().join("data/operators.csv");
    let plain = fs::read_to_string(&table).unwrap();
    let folder = daemon.site.path().to_str().unwrap().to_owned();
    let doctor = || program::text(&program::run(["doctor", &folder]).stdout);
    assert!(doctor().contains("PINs can be read"), "{}", doctor());
    daemon.spawn();
    daemon.ready().await;
    let hashed = fs::read_to_string(&table).unwrap();
    let pins = [",1111", ",2222", ",3333"];
    assert!(pins.iter().all(|pin| plain.contains(pin) && !hashed.contains(pin)), "{hashed}");
    assert!(!doctor().contains("PINs can be read"), "{}", doctor());
    let before = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.rsplit_once(',')?.0.to_owned())).collect()
    };
    assert_eq!(before(&hashed), before(&plain), "the other columns stay");
    let order = ["emergency", "reset", &folder, "--operator", "nino", "--terminal", "till-1"];
    for (pin, is_right) in [("1112", false), ("1111", true)] {
        let said = program::text(&program::run_with_pin(pin, order).stderr);
        assert_eq!(said.contains("is not the PIN"), !is_right, "{pin}: {said}");
    }
    daemon.stop().await;

    // The key is gone, and with it what the PINs are proved by.
    let key = daemon.site.path().join("state/pin.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let refused = program::run(["run", &folder]);
    let said = program::text(&refused.stderr);
    assert_eq!(code(&refused), 1, "{said}");
    assert!(said.contains("pin.key` is missing") && said.contains("--new-pin-key"), "{said}");
    assert!(!key.exists(), "nothing was put in its place");
    fs::write(&key, &kept).unwrap();
    daemon.spawn();
    daemon.ready().await;
    daemon.stop().await;
}

#[test]
fn a_table_with_pins_that_cannot_be_rewritten_keeps_the_daemon_from_starting() {
    const TEST: &str = "a_table_with_pins_that_cannot_be_rewritten_keeps_the_daemon_from_starting";
    let site = Folder::write(&Plan::default());
    let data = site.path().join("data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = carelessly(&["run", site.path().to_str().unwrap()]);
    if rustix::process::getuid().is_root() {
        // Root writes everywhere, so it is nobody who starts it.
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let given = Command::new("chown").args(["-R", "65534:65534"]).arg(site.path()).status();
        assert!(given.unwrap().success());
        let mut probe = Command::new("setpriv");
        probe.args(nobody).arg(program::kari()).arg("version").stdout(Stdio::null());
        if !probe.status().is_ok_and(|status| status.success()) {
            tests::left_out(TEST, "nobody cannot start the program where it lies");
            return;
        }
        command = Command::new("setpriv");
        command.args(nobody).arg(program::kari()).arg("run").arg(site.path());
    }
    let refused = command.output().unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let said = program::text(&refused.stderr);
    assert_eq!(code(&refused), 1, "{said}");
    assert!(said.contains("operators.csv` and it cannot be rewritten"), "{said}");
}

#[test]
fn the_doctor_names_what_others_may_read_and_the_line_shuts_it() {
    let site = Folder::write(&Plan::default());
    let folder = site.path().to_str().unwrap();
    let table = site.path().join("people.csv");
    fs::write(&table, "number,name\n7,Nino\n").unwrap();
    does(&["import", folder, table.to_str().unwrap(), "--as", "members"]);
    let database = site.database();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    let looked = program::run(["doctor", folder]);
    let said = program::text(&looked.stdout);
    assert_eq!(code(&looked), 16, "{said}");
    let named = said.lines().find(|line| line.contains("file rights")).unwrap();
    assert!(named.contains(database.to_str().unwrap()), "{said}");
    let line = named.split("run: ").nth(1).unwrap();
    assert!(Command::new("sh").args(["-c", line]).status().unwrap().success(), "{line}");
    let again = program::run(["doctor", folder]);
    assert_eq!(code(&again), 0, "{}", program::text(&again.stdout));
    assert_eq!(fs::metadata(&database).unwrap().mode() & 0o777, 0o600);
}
