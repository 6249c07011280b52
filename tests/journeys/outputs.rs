//! Output stops nobody: whoever reads what a daemon prints may stop reading.

use std::{
    io::{self, Read as _, Write as _},
    thread,
    time::{Duration, Instant},
};

use domain::event::Direction::{Entry, Exit};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use tests::{
    daemon::{Daemon, eventually},
    late::worked,
    site::{Folder, Guest, Plan, uid},
};

use crate::{ask, walk};

fn plan() -> Plan {
    Plan { gates: 1, guests: vec![Guest::member(1)], ..Plan::default() }
}

/// Decides an entry and an exit, answers people, and ends in time.
async fn goes_on(mut daemon: Daemon) {
    daemon.ready().await;
    let gate = daemon.gate("gate-1").await;
    walk(&gate, Entry, &uid(1)).await;
    let answer = ask(&gate, Exit, &uid(1)).await;
    assert!(answer.open.is_some(), "{answer:?}");
    // A rule set that is refused is a message.
    daemon.site.save_rule("99_bad.rhai", "if entry {");
    let refused = async || {
        let (_, status) = daemon.get("/api/v1/status").await?;
        status.contains("99_bad.rhai").then_some(())
    };
    eventually("the rule set is refused", refused).await;
    assert_eq!(daemon.get("/healthz").await.unwrap().0, 200);
    let since = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0));
    let took = since.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?} to end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_whose_output_nobody_reads_goes_on_and_ends_in_time() {
    let (mut reads, writes) = io::pipe().unwrap();
    let mut daemon = Daemon::of(Folder::write(&plan()));
    daemon.spawn_into(&writes);
    // Whatever room the pipe has is taken, and all that the daemon leaves.
    let filler = thread::spawn(move || drop((&writes).write_all(&[b'.'; 1 << 20])));
    goes_on(daemon).await;
    let mut printed = Vec::new();
    reads.read_to_end(&mut printed).unwrap();
    filler.join().unwrap();
    assert!(printed.len() >= 1 << 20, "nobody read before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_whose_output_cannot_be_written_goes_on() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut daemon = Daemon::of(Folder::write(&plan()));
    daemon.spawn_into(&full);
    daemon.ready().await;
    let lost = async || {
        let (_, metrics) = daemon.get("/metrics").await?;
        metrics.contains("kari_output_lines_lost_total{").then_some(())
    };
    eventually("the lost lines are counted", lost).await;
    goes_on(daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_rules_are_tried_ends_in_time() {
    let mut daemon = Daemon::of(Folder::write(&plan()));
    daemon.spawn();
    daemon.ready().await;
    // Each case takes a while, and all of them far longer than may be.
    let slow = "if entry { let turns = 0; while turns < 400 { turns += 1; } }\n";
    daemon.site.save_rule("98_slow.rhai", slow);
    let case =
        |number| format!("[[case]]\nname = \"{number}\"\nevent = \"entry\"\noutcome = \"grant\"\n");
    for file in 0..3 {
        let name = format!("98_slow_{file}.cases.toml");
        daemon.site.save_rule(&name, (0..2_500).map(case).collect::<String>());
    }
    let before = worked(daemon.process());
    let busy = async || (worked(daemon.process()) > before + Duration::from_secs(1)).then_some(());
    eventually("the cases are tried", busy).await;
    let since = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.messages());
    let took = since.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?} to end");
    let said = daemon.messages();
    assert!(!said.contains("rule set was refused") && !said.contains("is live"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_among_the_rule_files_is_named_and_stops_nothing() {
    let mut daemon = Daemon::of(Folder::write(&plan()));
    let pipe = daemon.site.rules().join("x.rhai");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    daemon.spawn();
    daemon.serves("/healthz").await;
    let gate = daemon.gate("gate-1").await;
    assert!(ask(&gate, Exit, &uid(1)).await.open.is_some());
    assert!(daemon.messages().contains("x.rhai"), "{}", daemon.messages());
    std::fs::remove_file(&pipe).unwrap();
    daemon.ready().await;
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let refused = async || {
        let (_, status) = daemon.get("/api/v1/status").await?;
        status.contains("no plain file").then_some(())
    };
    eventually("the pipe is refused", refused).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_in_the_place_of_a_file_of_the_site_is_named_and_nobody_waits_for_it() {
    for name in ["accounts.toml", "devices/own.toml", "data/operators.csv"] {
        is_named(Daemon::of(Folder::write(&plan())), name).await;
    }
    for name in ["state/pin.key", "state/database.json", "state/audit.key"] {
        let mut daemon = Daemon::start(&plan()).await;
        daemon.stop().await;
        is_named(daemon, name).await;
    }
}

/// Puts a pipe in the place of a file of a site that is to start.
async fn is_named(mut daemon: Daemon, name: &str) {
    let path = daemon.site.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    drop(std::fs::remove_file(&path));
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    daemon.spawn();
    assert_ne!(daemon.ended().await, Some(0), "{name}");
    let said = daemon.messages();
    assert!(said.contains(name) && said.contains("no plain file"), "{name}: {said}");
}
