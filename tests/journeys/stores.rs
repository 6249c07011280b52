//! Whatever the database does: exits open, entries and tills are refused, and when it is back
//! everything is on record.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use devices::twin::MqttGate;
use domain::{
    event::Direction::{Entry, Exit},
    reasons::{Condition, Reason},
    verdict::Outcome,
};
use rustix::process::Signal;
use serde_json::json;
use tests::{
    daemon::{Daemon, eventually},
    peers::Postgres,
    program,
    site::{Guest, Plan, uid},
};

use crate::{ask, told, walk};

/// More exits than any client may leave unacknowledged.
const EXITS: u32 = 1100;
/// What a stop may take.
const STOP: Duration = Duration::from_secs(10);

fn plan(server: Option<&Postgres>) -> Plan {
    let guests = (1..=8).map(Guest::member).collect();
    Plan { gates: 2, guests, server: server.map(|server| server.url.clone()), ..Plan::default() }
}

/// An exit opens and an entry is refused, without a reason that anybody could know; `/readyz` names
/// the cause.
async fn exits_only(
    daemon: &Daemon,
    gates: [&MqttGate; 2],
    (leaves, enters): (u32, u32),
    cause: &str,
) {
    let answer = ask(gates[0], Exit, &uid(leaves)).await;
    assert!(answer.open.is_some(), "{answer:?}");
    let shown = told(gates[1], Entry, &uid(enters)).await;
    assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, None));
    let named = async || {
        let (status, body) = daemon.get("/readyz").await.unwrap();
        assert_eq!(status, 503, "{body}");
        // A connection that broke is made anew before its server says what is wrong with it.
        body.contains(cause).then_some(())
    };
    eventually("the cause is named", named).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_read_only_shuts_no_exit_and_takes_everything_afterwards() {
    let name = "a_server_that_turns_read_only_shuts_no_exit_and_takes_everything_afterwards";
    let Some(server) = Postgres::start(name).await else { return };
    let mut daemon = Daemon::start(&plan(Some(&server))).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    walk(&gate, Entry, &uid(1)).await;
    server.read_only(true).await;
    let unready = async || daemon.get("/readyz").await.filter(|(status, _)| *status == 503);
    eventually("an idle daemon notices", unready).await;
    for round in 0..3 {
        exits_only(&daemon, [&gate, &other], (1 + round, 5 + round), "read-only").await;
    }
    let advice = || daemon.messages().matches("stores nothing: it is read-only").count();
    // The log is written behind the daemon's back.
    eventually("the cause is said", async || (advice() > 0).then_some(())).await;
    assert_eq!(advice(), 1, "a cause is said once a minute: {}", daemon.messages());
    server.read_only(false).await;
    daemon.ready().await;
    let records = daemon.records().await;
    let all = async || {
        let decisions = records.decisions().await;
        let unavailable = |outcome| {
            let of = decisions.iter().filter(|one| one.verdict.outcome == outcome);
            of.filter(|one| one.verdict.primary() == Reason::PolicyUnavailable).count()
        };
        let (left, refused) = (unavailable(Outcome::GrantWithWarning), unavailable(Outcome::Deny));
        (decisions.len() == 7).then_some((left, refused))
    };
    // An exit that was on its way when the server turned may be decided by the rules after all.
    let (left, refused) = eventually("everything is on record once", all).await;
    assert!(left <= 3 && refused == 3, "{left} left, {refused} were refused");
    assert_eq!(told(&other, Entry, &uid(8)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_read_only_server_serves_exits_and_what_a_stop_left_is_taken_in() {
    let name = "a_start_on_a_read_only_server_serves_exits_and_what_a_stop_left_is_taken_in";
    let Some(server) = Postgres::start(name).await else { return };
    let mut daemon = Daemon::start(&plan(Some(&server))).await;
    daemon.stop().await;
    server.read_only(true).await;
    daemon.spawn();
    daemon.serves("/healthz").await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    exits_only(&daemon, [&gate, &other], (1, 2), "read-only").await;
    let status = daemon.ask(&json!({ "ask": "status" })).await;
    assert!(status.to_string().contains("read-only"), "{status}");
    let refused = daemon.ask(&json!({ "ask": "exemptions" })).await;
    assert!(refused.to_string().contains("waits for its database"), "{refused}");
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.messages());
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    assert!(daemon.messages().contains("spill.jsonl"), "{}", daemon.messages());
    // Once more, and this time the server comes back.
    daemon.spawn();
    daemon.serves("/healthz").await;
    exits_only(&daemon, [&gate, &other], (3, 4), "read-only").await;
    server.read_only(false).await;
    daemon.ready().await;
    let records = daemon.records().await;
    let all = async || (records.decisions().await.len() == 4).then_some(());
    eventually("what was said in both runs is on record once", all).await;
    assert_eq!(told(&other, Entry, &uid(8)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_nothing_can_be_stored_ends_in_time_and_keeps_what_was_said() {
    let name = "a_stop_while_nothing_can_be_stored_ends_in_time_and_keeps_what_was_said";
    let Some(server) = Postgres::start(name).await else { return };
    let mut daemon = Daemon::start(&plan(Some(&server))).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    let inside = walk(&gate, Entry, &uid(1)).await;
    server.read_only(true).await;
    exits_only(&daemon, [&gate, &other], (1, 2), "read-only").await;
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.messages());
    assert!(begun.elapsed() < STOP, "{:?}", begun.elapsed());
    server.read_only(false).await;
    daemon.spawn();
    daemon.ready().await;
    let records = daemon.records().await;
    let all = async || {
        let passed = records.passages().await.contains(&inside);
        (records.decisions().await.len() == 3 && passed).then_some(())
    };
    eventually("everything is on record once", all).await;
    daemon.stop().await;
    records.check_chain().await;
    records.close().await;
}

/// A long outage: many devices say nothing more once so many of their messages are unacknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_many_exits_acknowledges_what_the_spill_journal_holds_over_kill_9() {
    let name = "an_outage_of_many_exits_acknowledges_what_the_spill_journal_holds_over_kill_9";
    let Some(server) = Postgres::start(name).await else { return };
    let mut daemon = Daemon::start(&plan(Some(&server))).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    walk(&other, Entry, &uid(8)).await;
    server.read_only(true).await;
    exits_only(&daemon, [&gate, &other], (1, 2), "read-only").await;
    for number in 0..EXITS {
        let answer = ask(&gate, Exit, &uid(1 + number % 7)).await;
        assert!(answer.open.is_some(), "exit {number} of an outage: {answer:?}");
    }
    let acknowledged = async || (gate.unacknowledged() == 0).then_some(());
    eventually("what is in the spill journal is acknowledged", acknowledged).await;
    daemon.kill();
    server.read_only(false).await;
    daemon.spawn();
    daemon.ready().await;
    let records = daemon.records().await;
    let all = async || (records.decisions().await.len() as u32 == EXITS + 3).then_some(());
    eventually("each of them is on record once", all).await;
    daemon.stop().await;
    // What the database has is in the journal no more.
    let spill = fs::read(daemon.site.path().join("state/spill.jsonl")).unwrap();
    assert!(spill.iter().all(|byte| *byte == 0));
    assert_eq!(records.decisions().await.len() as u32, EXITS + 3);
    records.check_chain().await;
    records.close().await;
}

/// A small disk of its own in the place of a folder, with what the folder held.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where this machine lets nobody mount one.
    fn at(folder: &Path) -> Option<Self> {
        let aside = folder.with_extension("aside");
        fs::rename(folder, &aside).unwrap();
        fs::create_dir(folder).unwrap();
        let size = ["-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs"];
        let mounted = Command::new("mount").args(size).arg(folder).output().ok()?;
        if !mounted.status.success() {
            eprintln!("LEFT OUT: a full disk: {}", program::text(&mounted.stderr));
            return None;
        }
        let disk = Self(folder.to_owned());
        for file in fs::read_dir(aside).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), folder.join(file.file_name())).unwrap();
            }
        }
        Some(disk)
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for piece in [1 << 16, 512, 1] {
            while file.write(&vec![7; piece]).is_ok_and(|written| written > 0) {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_disk_serves_exits_and_the_rest_once_there_is_room() {
    let mut daemon = Daemon::start(&plan(None)).await;
    daemon.stop().await;
    let state = daemon.site.database().parent().unwrap().to_owned();
    let Some(disk) = Disk::at(&state) else { return };
    let filler = disk.fill();
    daemon.spawn();
    daemon.serves("/healthz").await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    for round in 0..3 {
        exits_only(&daemon, [&gate, &other], (1 + round, 5 + round), "full").await;
    }
    fs::remove_file(filler).unwrap();
    daemon.ready().await;
    assert_eq!(told(&other, Entry, &uid(8)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    let records = daemon.records().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_file_that_is_gone_is_missed_and_only_begun_anew_by_order() {
    let mut daemon = Daemon::start(&plan(None)).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    let path = daemon.site.database();
    let away = path.with_extension("away");
    fs::rename(&path, &away).unwrap();
    let unready =
        async || daemon.get("/readyz").await.filter(|(_, body)| body.contains("file replaced"));
    eventually("an idle daemon misses its file", unready).await;
    exits_only(&daemon, [&gate, &other], (1, 2), "file replaced").await;
    fs::rename(&away, &path).unwrap();
    daemon.ready().await;
    assert_eq!(told(&other, Entry, &uid(3)).await.outcome, Outcome::Grant);
    daemon.stop().await;

    fs::write(&path, "").unwrap();
    let site = daemon.site.path().as_os_str().to_owned();
    for missing in ["empty (0 bytes)", "missing"] {
        daemon.spawn();
        assert_eq!(daemon.ended().await, Some(1), "{}", daemon.messages());
        assert!(daemon.messages().contains(missing), "{}", daemon.messages());
        for command in ["verify", "doctor"] {
            let output = program::run([command.as_ref(), site.as_os_str()]);
            assert!(!output.status.success(), "{command}");
            let said = program::text(&output.stdout) + &program::text(&output.stderr);
            assert!(said.contains(missing) && said.contains("--new-database"), "{command}: {said}");
        }
        drop(fs::remove_file(&path));
    }
    daemon.spawn_with(&["--new-database"]);
    daemon.ready().await;
    assert_eq!(told(&other, Entry, &uid(4)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    daemon.spawn_with(&["--new-database"]);
    assert_eq!(daemon.ended().await, Some(1), "{}", daemon.messages());
    assert!(daemon.messages().contains("holds records"), "{}", daemon.messages());
    // The new one is without nothing: the head of the old one is put aside.
    daemon.spawn();
    daemon.ready().await;
    assert!(!daemon.messages().contains("AUDIT_GAP"), "{}", daemon.messages());
    assert!(path.with_file_name("audit.head.before-1").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_missing_are_put_on_record_once_and_said_at_each_start() {
    let mut daemon = Daemon::start(&plan(None)).await;
    let gate = daemon.gate("gate-1").await;
    daemon.stop().await;
    let path = daemon.site.database();
    let old = fs::read(&path).unwrap();
    daemon.spawn();
    daemon.ready().await;
    assert_eq!(told(&gate, Entry, &uid(1)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    fs::write(&path, &old).unwrap();
    let site = daemon.site.path().as_os_str().to_owned();
    for start in ["the first", "the second"] {
        daemon.spawn();
        daemon.ready().await;
        let said = daemon.messages();
        assert!(said.contains("AUDIT_GAP") && said.contains("the database is behind"), "{said}");
        let records = daemon.records().await;
        let gaps = records.conditions().await.into_iter();
        let gaps = gaps.filter(|noticed| noticed.condition == Condition::AuditGap).count();
        assert_eq!(gaps, 1, "{start}");
        let (_, counted) = daemon.get("/metrics").await.unwrap();
        assert_eq!(counted.contains("kari_audit_gaps_total 1"), start == "the first", "{counted}");
        daemon.stop().await;
        records.close().await;
        let verified = program::run(["verify".as_ref(), site.as_os_str()]);
        assert!(!verified.status.success(), "{}", program::text(&verified.stdout));
    }
}
