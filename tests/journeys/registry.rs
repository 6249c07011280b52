//! The desk from the command line: a child is registered, gets a band and a guardian, is let in and
//! kept out, loses the band and gets another one; everything is on record and found again.

use domain::{
    event::Direction::{Entry, Exit},
    reasons::Reason,
    verdict::Outcome,
};
use serde_json::Value;
use tests::{
    daemon::{Daemon, eventually},
    program,
    site::{Guest, Plan, uid},
};

use crate::{granted, told, walk};

/// What managers may do about people, and a cashier may not.
const RIGHTS: &str = r#"
const ALL = `override, register_member, edit_member, block_member, unblock_member,
    issue_credential, block_credential, grant_exemption`;
set("operator.allowed_actions", ALL, role("manager"));
set("operator.allowed_terminals", "till-1, till-2", role("manager"));
set("operator.allowed_terminals", "till-1, till-2", role("cashier"));
set("terminal.allowed_actions", ALL, terminal("till-1"));
set("terminal.allowed_actions", ALL, terminal("till-2"));
"#;

/// The commands of a desk.
pub(crate) struct Office {
    /// The site's folder.
    pub(crate) folder: String,
}

impl Office {
    /// Nino, a manager, does something at the first till.
    pub(crate) fn does(&self, command: [&str; 2], words: &[&str]) -> Value {
        let done = self.tries(command, words);
        assert!(done.0 == Some(0), "{command:?} {words:?}: {done:?}");
        serde_json::from_str(done.1.lines().next().unwrap()).unwrap()
    }

    pub(crate) fn tries(&self, command: [&str; 2], words: &[&str]) -> (Option<i32>, String) {
        self.as_somebody(("nino", "1111", "till-1"), command, words)
    }

    pub(crate) fn as_somebody(
        &self,
        (login, pin, till): (&str, &str, &str),
        command: [&str; 2],
        words: &[&str],
    ) -> (Option<i32>, String) {
        let before = ["--json", command[0], command[1], &self.folder];
        let after = ["--operator", login, "--terminal", till];
        let done = program::run_with_pin(pin, before.iter().chain(words).chain(&after));
        (done.status.code(), program::text(&done.stdout) + &program::text(&done.stderr))
    }

    pub(crate) fn looks(&self, command: [&str; 2], words: &[&str]) -> Value {
        let before = ["--json", command[0], command[1], &self.folder];
        let done = program::run(before.iter().chain(words));
        let text = program::text(&done.stdout) + &program::text(&done.stderr);
        assert!(done.status.success(), "{command:?} {words:?}: {text}");
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    }
}

async fn office() -> (Daemon, Office) {
    let (guests, settings) = (vec![Guest::member(1)], RIGHTS.to_owned());
    let daemon = Daemon::start(&Plan { guests, settings, ..Plan::default() }).await;
    let folder = daemon.site.path().to_str().unwrap().to_owned();
    (daemon, Office { folder })
}

const ANNA: [&str; 6] =
    ["--name", "ანა ბერიძე", "--birth", "2018-03-01", "--phone", "555 12 34 56"];
const BAND: &str = "0400AA01";
const OTHER: &str = "0400AA02";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_comes_with_a_band_loses_it_and_goes_with_another() {
    let (mut daemon, office) = office().await;
    let gate = daemon.gate("gate-1").await;
    let anna = office.does(["member", "add"], &ANNA);
    assert_eq!(
        (&anna["member"]["number"], &anna["member"]["name_latin"]),
        (&Value::from(2), &Value::from("Ana Beridze"),)
    );
    office.does(["member", "guardian"], &["2", "1"]);
    let issued = office.does(["credential", "issue"], &["2", "04:00:aa:01"]);
    assert_eq!(issued["uid"], BAND);
    let refused = told(&gate, Entry, BAND).await;
    assert_eq!(
        (refused.outcome, refused.reason),
        (Outcome::Deny, Some(Reason::NoAccessRights),),
        "she has no pass yet"
    );
    let codes = ["--code", "NO_ACCESS_RIGHTS", "--code", "MEMBERSHIP_NOT_ACTIVE"];
    let why = ["--until", "2099-12-31", "--reason", "a first look", "--member", "2"];
    office.does(
        ["exemption", "grant"],
        &[codes, ["--zone", "hall", "--zone", "site"]]
            .concat()
            .into_iter()
            .chain(why)
            .collect::<Vec<_>>(),
    );
    assert_eq!(office.looks(["exemption", "list"], &[])[0]["granted_by"], "nino");
    walk(&gate, Entry, BAND).await;
    let records = daemon.records().await;
    eventually("she is inside", async || (records.occupancy("hall").await.0 == 1).then_some(()))
        .await;
    let back = office.tries(["credential", "return"], &[BAND]);
    assert!(back.0 == Some(1) && back.1.contains("after the exit"), "{back:?}");
    let lost = ["--reason", "lost in the pool"];
    office.does(["credential", "replace"], &[BAND, OTHER, lost[0], lost[1]]);
    let old = told(&gate, Entry, BAND).await;
    assert_eq!(old.outcome, Outcome::Deny, "nobody comes in by what was lost");
    walk(&gate, Exit, OTHER).await;
    eventually("she is out", async || (records.occupancy("hall").await.0 == 0).then_some(())).await;
    bans(&gate, &office).await;
    let history = office.looks(["credential", "history"], &[BAND]);
    let lines: Vec<_> = history.as_array().unwrap().iter().collect();
    let told = |line: &Value| {
        (line["event"].clone(), line["holder"]["number"].clone(), line["operator"].clone())
    };
    assert_eq!(
        lines.iter().map(|line| told(line)).collect::<Vec<_>>(),
        [("issued".into(), 2.into(), "nino".into()), ("replaced".into(), 2.into(), "nino".into()),]
    );
    gate.stop().await;
    daemon.stop().await;
    daemon.spawn();
    daemon.ready().await;
    let shown = office.looks(["member", "show"], &["2"]);
    assert_eq!(shown["phones"], serde_json::json!(["+995555123456"]));
    assert_eq!(shown["guardians"][0]["number"], 1);
    let state = |place: usize| shown["carries"][place][2].clone();
    assert_eq!((state(0), state(1)), ("lost".into(), "active".into()));
    daemon.stop().await;
    let verified = program::run(["verify", &office.folder]);
    assert!(verified.status.success(), "{}", program::text(&verified.stderr));
    let records = daemon.records().await;
    records.check_ledger().await;
    records.check_chain().await;
}

/// A ban keeps her out, and two people lift it.
async fn bans(gate: &devices::twin::MqttGate, office: &Office) {
    office.does(["member", "ban"], &["2", "--reason", "pushed somebody"]);
    let kept_out = told(gate, Entry, OTHER).await;
    assert_eq!((kept_out.outcome, kept_out.reason), (Outcome::Deny, Some(Reason::MemberBlocked),));
    let unban = ["2", "--reason", "we talked"];
    let alone = office.tries(["member", "unban"], &unban);
    assert!(alone.0 == Some(1) && alone.1.contains("SECOND_OPERATOR_REQUIRED"), "{alone:?}");
    let words =
        ["confirm", &office.folder, "till-1", "--operator", "levan", "--terminal", "till-2"];
    let confirmed = program::run_with_pin("2222", words);
    assert!(confirmed.status.success(), "{}", program::text(&confirmed.stderr));
    let decision = granted(gate, Entry, OTHER).await;
    gate.pass(Entry, Some(decision), None);
    walk(gate, Exit, OTHER).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_with_a_key_is_carried_out_once_and_bad_ones_change_nothing() {
    let (mut daemon, office) = office().await;
    let keyed = [&ANNA[..], &["--key", "k-1"]].concat();
    let first = office.does(["member", "add"], &keyed);
    let again = office.does(["member", "add"], &keyed);
    assert_eq!(first, again, "the same answer");
    let other = ["--name", "Eka", "--key", "k-1"];
    let reused = office.tries(["member", "add"], &other);
    assert!(reused.0 == Some(1) && reused.1.contains("another order"), "{reused:?}");
    let cashier = office.as_somebody(("maka", "3333", "till-1"), ["member", "add"], &ANNA);
    assert!(cashier.0 == Some(1) && cashier.1.contains("OPERATOR_NOT_PERMITTED"), "{cashier:?}");
    for (command, words, why) in [
        (["member", "add"], &["--latin", "Eka"][..], "has a name"),
        (["member", "add"], &["--name", "山田"], "with `--latin`"),
        (["member", "add"], &["--name", "Eka", "--phone", "12"], "not a phone"),
        (["member", "add"], &["--name", "Eka", "--number", "2"], "number 2 is taken"),
        (["member", "add"], &["--name", "Eka", "--birth", "soon"], "not a date"),
        (["member", "set"], &["2", "--email", "nobody"], "not an e-mail"),
        (["member", "set"], &["2", "--language", "fr"], "ka, hy, ru, en"),
        (["member", "set"], &["99", "--email", "a@b.ge"], "number 99"),
        (["member", "ban"], &["2", "--until", "2020-01-01", "--reason", "x"], "ends before"),
        (["member", "guardian"], &["2", "2"], "picks himself up"),
        (["member", "document"], &["2", "--kind", "poem"], "no kind of document"),
        (["member", "document"], &["2", "--remove", "4"], "no place 4"),
        (["credential", "issue"], &["2"], "hold it to a reader"),
        (["credential", "issue"], &["2", &uid(1)], "given out and active"),
        (["credential", "issue"], &["2", BAND, "--kind", "stone"], "no kind of credential"),
        (["credential", "lost"], &[BAND], "nobody was given"),
        (["family", "leave"], &["2"], "no family"),
        (
            ["exemption", "grant"],
            &["--group", "g", "--code", "DURESS", "--until", "2099-01-01", "--reason", "x"],
            "nobody can be exempted",
        ),
    ] {
        let refused = office.tries(command, words);
        assert!(refused.0 == Some(1) && refused.1.contains(why), "{words:?}: {refused:?}");
    }
    let (photo, text) = (daemon.site.path().join("me.jpg"), daemon.site.path().join("me.txt"));
    std::fs::write(&photo, b"\xff\xd8\xff and so on").unwrap();
    std::fs::write(&text, "no photo").unwrap();
    let none = office.tries(["member", "photo"], &["2", text.to_str().unwrap()]);
    assert!(none.1.contains("none of jpg"), "{none:?}");
    let files = || std::fs::read_dir(daemon.site.path().join("state/files")).unwrap().count();
    office.does(["member", "photo"], &["2", photo.to_str().unwrap()]);
    let nobody = office.tries(["member", "photo"], &["99", photo.to_str().unwrap()]);
    assert!(nobody.0 == Some(1) && files() == 1, "{nobody:?}");
    let until = ["--kind", "medical_certificate", "--until", "2099-03-01"];
    office.does(["member", "document"], &[&["2"], &until[..]].concat());
    let ticket = office.does(["credential", "issue"], &["2", "--kind", "ticket"]);
    assert_eq!(ticket["uid"].as_str().unwrap().len(), 32);
    office.does(["family", "join"], &["2", "1"]);
    let shown = office.looks(["member", "show"], &["2"]);
    assert_eq!(shown["certificate_until"], "2099-03-01");
    assert!(shown["photo"].as_str().unwrap().ends_with(".jpg"));
    assert_eq!(shown["family"][0]["number"], 1);
    let ticket = ticket["uid"].as_str().unwrap();
    for text in ["ბერ ან", "ANA BERIDZE", "555123456", "+995555123456", "2", ticket] {
        let found = office.looks(["member", "find"], &[text]);
        assert_eq!(
            (&found[0]["number"], found.as_array().unwrap().len()),
            (&2.into(), 1),
            "{text}"
        );
    }
    daemon.stop().await;
    daemon.records().await.check_chain().await;
}
