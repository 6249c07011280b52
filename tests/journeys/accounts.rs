//! Accounts of devices: real clients at the server inside, and at a Mosquitto by the rights that
//! `kari doctor` prints.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use domain::time::Clock as _;
use serde_json::{Value, json};
use tests::{
    daemon::{Daemon, WallClock, eventually},
    left_out,
    peers::Mosquitto,
    program::{self, text},
    site::{Folder, Guest, Plan, uid},
};

use crate::command_line::{code, json};

/// An account of a client.
#[derive(Clone)]
struct Login {
    name: String,
    password: String,
}

/// Makes an account; its secret is read from the file that an installer is given.
fn add(site: &Folder, name: &str, more: &[&str]) -> Login {
    let folder = site.path().to_str().unwrap();
    let made = program::run([&["device", "add", folder, name], more].concat());
    assert_eq!(code(&made), 0, "{}", text(&made.stderr));
    let path = site.path().join("secrets").join(format!("{name}.mqtt"));
    assert!(text(&made.stdout).contains(path.to_str().unwrap()), "{}", text(&made.stdout));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    login(&path)
}

fn login(path: &Path) -> Login {
    let handed = fs::read_to_string(path).unwrap();
    let value = |what: &str| {
        let line = handed.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("no {what} in {handed}")).trim().to_owned()
    };
    Login { name: value("user "), password: value("password ") }
}

/// `mosquitto_pub` or `mosquitto_sub` at the site's server.
fn client(program: &str, site: &Folder, login: Option<&Login>, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &site.broker.port().to_string(), "-V", "5"]);
    if let Some(Login { name, password }) = login {
        command.args(["-u", name, "-P", password]);
    }
    command.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn publish(site: &Folder, login: Option<&Login>, topic: &str, payload: &Value) -> Output {
    let payload = payload.to_string();
    let words = ["-q", "1", "-t", topic, "-m", &payload];
    client("mosquitto_pub", site, login, &words).output().unwrap()
}

/// Somebody who listens, and what came until the end.
struct Listener(Child);

impl Listener {
    fn of(site: &Folder, login: Option<&Login>, filter: &str, more: &[&str]) -> Self {
        // Nobody waits for ever for what does not come.
        let words = [&["-v", "-W", "20", "-t", filter], more].concat();
        Self(client("mosquitto_sub", site, login, &words).spawn().unwrap())
    }

    async fn end(self) -> Output {
        let ended = tokio::task::spawn_blocking(|| self.0.wait_with_output().unwrap());
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap()
    }
}

/// A read with its own time: at a broker nobody knows how long one without it has waited.
fn read(seq: u64, uid: &str) -> Value {
    let now = WallClock.now().micros() / 1000;
    json!({ "v": 1, "boot": 1, "seq": seq, "t": now, "uid": uid })
}

fn is_missing(test: &str) -> bool {
    let missing = Command::new("mosquitto_pub").arg("--help").output().is_err();
    if missing {
        left_out(test, "mosquitto_pub is not installed");
    }
    missing
}

/// A daemon with accounts of both gates and of a reader of passages.
async fn with_accounts() -> (Daemon, [Login; 3]) {
    let plan = Plan { gates: 2, guests: (1..=9).map(Guest::member).collect(), ..Plan::default() };
    let site = Folder::write(&plan);
    let (first, second) = (add(&site, "gate-1", &[]), add(&site, "gate-2", &[]));
    let reader = add(&site, "reader", &["--may-read", "homie/5/+/gate/#"]);
    let mut daemon = Daemon::of(site);
    daemon.spawn();
    daemon.ready().await;
    (daemon, [first, second, reader])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_has_its_own_topics_and_a_named_reader_what_its_rights_cover() {
    if is_missing("a_device_has_its_own_topics_and_a_named_reader_what_its_rights_cover") {
        return;
    }
    let (daemon, [first, second, reader]) = with_accounts().await;
    let site = &daemon.site;
    let at = "homie/5/gate-1/reader-in/uid";

    let heard = Listener::of(site, Some(&first), "homie/5/gate-1/gate/+/set", &["-C", "1"]);
    let read_by_name = Listener::of(site, Some(&reader), "homie/5/+/gate/passage", &["-C", "1"]);
    tokio::time::sleep(Duration::from_millis(700)).await;

    let wrong = Login { password: second.password.clone(), ..first.clone() };
    for login in [None, Some(&wrong), Some(&Login { name: "nobody".into(), ..first.clone() })] {
        let refused = publish(site, login, at, &read(1, &uid(1)));
        assert_ne!(code(&refused), 0, "{}", text(&refused.stderr));
    }
    // With another's secret nobody speaks for the gate, and nobody takes its client id.
    publish(site, Some(&second), at, &read(2, &uid(2)));
    let words = ["-i", "gate-1", "-t", "homie/5/gate-2/#", "-W", "3"];
    let taken = client("mosquitto_sub", site, Some(&second), &words).output().unwrap();
    assert!(text(&taken.stderr).to_lowercase().contains("authori"), "{}", text(&taken.stderr));
    // Nor may one account take over what another one holds under a client id of its own choice.
    let more = ["-i", "shared", "-W", "8"];
    let holds = Listener::of(site, Some(&reader), "homie/5/+/gate/mode", &more);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let words = ["-i", "shared", "-t", "homie/5/gate-2/#", "-W", "3"];
    let taken = client("mosquitto_sub", site, Some(&second), &words).output().unwrap();
    assert!(text(&taken.stderr).to_lowercase().contains("authori"), "{}", text(&taken.stderr));
    for (login, filter) in [
        (&second, "homie/5/gate-1/#"),
        (&second, "homie/5/+/reader-in/uid"),
        (&second, "#"),
        (&reader, "homie/5/+/+/uid"),
        (&reader, "#"),
    ] {
        let refused = Listener::of(site, Some(login), filter, &["-W", "3"]).end().await;
        let said = text(&refused.stderr);
        assert!(said.contains("denied"), "{} {filter}: {said}", login.name);
    }

    let granted = publish(site, Some(&first), at, &read(3, &uid(3)));
    assert_eq!(code(&granted), 0, "{}", text(&granted.stderr));
    let opened = heard.end().await;
    assert!(text(&opened.stdout).starts_with("homie/5/gate-1/gate/open/set"), "{opened:?}");
    let passage = json!({ "v": 1, "boot": 1, "seq": 4, "direction": "entry" });
    publish(site, Some(&first), "homie/5/gate-1/gate/passage", &passage);
    let seen = read_by_name.end().await;
    assert!(text(&seen.stdout).starts_with("homie/5/gate-1/gate/passage"), "{seen:?}");

    let held = text(&holds.end().await.stderr).to_lowercase();
    assert!(held.contains("timed out") || held.is_empty(), "it was not taken over: {held}");
    let decisions = daemon.records().await.decisions().await;
    assert_eq!(decisions.len(), 1, "of all reads the gate's own alone came in: {decisions:?}");
    let said = daemon.messages() + &fs::read_to_string(site.path().join("accounts.toml")).unwrap();
    for login in [first, second, reader] {
        assert!(!said.contains(&login.password), "no secret of {} is kept", login.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_change_while_the_daemon_runs() {
    if is_missing("accounts_change_while_the_daemon_runs") {
        return;
    }
    let (daemon, [first, second, _]) = with_accounts().await;
    let site = &daemon.site;
    let folder = site.path().to_str().unwrap();
    let connected = Listener::of(site, Some(&second), "homie/5/gate-2/#", &["-i", "gate-2"]);
    let stays = Listener::of(site, Some(&first), "homie/5/gate-1/gate/+/set", &["-C", "1"]);
    tokio::time::sleep(Duration::from_millis(700)).await;

    assert_eq!(code(&program::run(["device", "remove", folder, "gate-2"])), 0);
    // Its connection is cut, and nobody comes back by its secret.
    let cut = connected.end().await;
    let said = text(&cut.stderr).to_lowercase();
    assert!(!said.contains("timed out"), "{said}");
    let back = publish(site, Some(&second), "homie/5/gate-2/gate/mode", &json!("free"));
    assert_ne!(code(&back), 0, "{}", text(&back.stderr));

    assert_eq!(code(&program::run(["device", "renew", folder, "gate-1"])), 0);
    let renewed = login(&site.path().join("secrets/gate-1.mqtt"));
    assert_ne!(renewed.password, first.password);
    let at = "homie/5/gate-1/reader-in/uid";
    let comes_in = async || {
        let answer = publish(site, Some(&renewed), at, &read(1, &uid(1)));
        (code(&answer) == 0).then_some(())
    };
    eventually("the new secret counts", comes_in).await;
    let opened = stays.end().await;
    assert!(text(&opened.stdout).contains("gate/open/set"), "who was in stayed in: {opened:?}");
    let old = publish(site, Some(&first), at, &read(2, &uid(2)));
    assert_eq!(code(&old), 0, "the old secret counts for a day more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_loopback_nothing_listens_without_accounts() {
    let site = Folder::write(&Plan::default());
    let (path, port) = (site.path().join("site.toml"), site.broker.port());
    let configuration = fs::read_to_string(&path).unwrap();
    let open = configuration.replace(&site.broker.to_string(), &format!("0.0.0.0:{port}"));
    assert_ne!(open, configuration);
    fs::write(&path, open).unwrap();
    let folder = site.path().to_str().unwrap().to_owned();
    for command in ["check", "run"] {
        let refused = program::run([command, &folder]);
        assert_eq!(code(&refused), 3, "{command}");
        assert!(text(&refused.stderr).contains("kari device add ID"), "{}", text(&refused.stderr));
    }
    let looked = program::run(["doctor", &folder]);
    assert!(text(&looked.stdout).contains("no device has an account"), "{}", text(&looked.stdout));
    add(&site, "gate-1", &[]);
    assert_eq!(code(&program::run(["check", &folder])), 0);
    let mut daemon = Daemon::of(site);
    daemon.spawn();
    daemon.ready().await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_accounts_each_start_and_the_doctor_say_so() {
    let daemon = Daemon::start(&Plan::default()).await;
    assert!(daemon.messages().contains("without accounts"), "{}", daemon.messages());
    let folder = daemon.site.path().to_str().unwrap();
    let looked = program::run(["doctor", folder]);
    assert!(text(&looked.stdout).contains("without accounts"), "{}", text(&looked.stdout));
    for (words, expected) in [
        (&["add", folder, "gate-7"][..], "no gate or terminal"),
        (&["add", folder, "x", "--may-publish", "homie/5/gate-1/x"], "belong to devices"),
        (&["add", folder, "x", "--may-read", "a/#/b"], "must be the last level"),
        (&["remove", folder, "gate-1"], "has no account"),
        (&["renew", folder, "gate-1"], "has no account"),
    ] {
        let refused = program::run([&["device"], words].concat());
        assert_ne!(code(&refused), 0, "{words:?}");
        assert!(text(&refused.stderr).contains(expected), "{}", text(&refused.stderr));
    }
    assert!(!daemon.site.path().join("accounts.toml").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_that_the_doctor_prints_hold_in_a_mosquitto() {
    const TEST: &str = "the_rights_that_the_doctor_prints_hold_in_a_mosquitto";
    let Some(mut broker) = Mosquitto::start(TEST) else { return };
    let guests = vec![Guest::member(1), Guest::member(2)];
    let plan = Plan { gates: 2, broker: Some(broker.address), guests, ..Plan::default() };
    let mut daemon = Daemon::of(Folder::write(&plan));
    let site = &daemon.site;
    let folder = site.path().to_str().unwrap().to_owned();
    let doctor = json(&program::run(["--json", "doctor", &folder]));
    let door = doctor["checks"].as_array().unwrap().iter().find(|look| look["code"] == 18);
    assert!(door.unwrap()["warnings"].as_array().unwrap().len() >= 4, "{doctor}");
    let words = |name: &str| Login { name: name.to_owned(), password: format!("secret-{name}") };
    let names = ["kari", "gate-1", "gate-2"];
    let logins = names.map(words);
    let passwords: Vec<_> =
        logins.iter().map(|it| (it.name.as_str(), it.password.as_str())).collect();
    broker.guard(doctor["acl"].as_str().unwrap(), &passwords);
    let path = site.path().join("site.toml");
    let configuration = fs::read_to_string(&path).unwrap();
    let login = "[mqtt]\nusername = \"kari\"\npassword_file = \"broker-password\"";
    let password = site.path().join("broker-password");
    fs::write(&password, "secret-kari\n").unwrap();
    let login = login.replace("broker-password", password.to_str().unwrap());
    fs::write(&path, configuration.replace("[mqtt]", &login)).unwrap();
    daemon.spawn();
    daemon.ready().await;
    let site = &daemon.site;

    let at = "homie/5/gate-1/reader-in/uid";
    let [_, first, second] = &logins;
    let heard = Listener::of(site, Some(first), "homie/5/gate-1/gate/+/set", &["-C", "1"]);
    let overheard = Listener::of(site, Some(second), "homie/5/#", &["-W", "4"]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    publish(site, Some(second), at, &read(1, &uid(1)));
    publish(site, Some(first), at, &read(2, &uid(2)));
    let opened = heard.end().await;
    assert!(text(&opened.stdout).contains("gate/open/set"), "{opened:?}");
    assert_eq!(text(&overheard.end().await.stdout), "", "another gate hears nothing of it");
    let decisions = daemon.records().await.decisions().await;
    assert_eq!(decisions.len(), 1, "the gate's own read alone came in: {decisions:?}");
    let forged = publish(site, Some(first), "homie/5/gate-1/gate/open/set", &json!({}));
    assert!(text(&forged.stderr).to_lowercase().contains("authori"), "{forged:?}");
    daemon.stop().await;
}
