//! Each cause that keeps a PostgreSQL from serving is named with its own advice, exits open
//! meanwhile, and once it is over everybody is let in again.

use std::fs;

use domain::{
    event::Direction::{Entry, Exit},
    verdict::Outcome,
};
use tests::{
    daemon::{Daemon, eventually},
    peers::{AWAY, BACK, CUT_OFF, Pooler, Postgres},
    site::{Guest, Plan, uid},
};

use crate::{ask, told};

/// A cause, how it comes about, how it ends, and what is to be named.
struct Cause {
    name: &'static str,
    begins: &'static [&'static str],
    ends: &'static [&'static str],
}

const WHILE_IT_RUNS: [Cause; 5] = [
    Cause {
        name: "missing right",
        begins: &["REVOKE INSERT ON journal FROM {role}"],
        ends: &["GRANT INSERT ON journal TO {role}"],
    },
    Cause {
        name: "out of resources",
        begins: &["ALTER ROLE {role} CONNECTION LIMIT 0", CUT_OFF],
        ends: &["ALTER ROLE {role} CONNECTION LIMIT -1"],
    },
    Cause {
        name: "login refused",
        begins: &["ALTER ROLE {role} NOLOGIN", CUT_OFF],
        ends: &["ALTER ROLE {role} LOGIN"],
    },
    Cause {
        name: "no such database",
        begins: &["ALTER DATABASE {database} CONNECTION LIMIT 0", CUT_OFF, AWAY],
        ends: &[BACK, OPEN_AGAIN],
    },
    Cause {
        name: "foreign",
        begins: &["ALTER TABLE journal RENAME TO another"],
        ends: &["ALTER TABLE another RENAME TO journal"],
    },
];

const OPEN_AGAIN: &str = "ALTER DATABASE {database} CONNECTION LIMIT -1";

fn plan(url: &str) -> Plan {
    let guests = (1..=5).map(Guest::member).collect();
    Plan { gates: 2, guests, server: Some(url.to_owned()), ..Plan::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_cause_of_a_server_is_named_and_exits_open_until_it_is_over() {
    let name = "each_cause_of_a_server_is_named_and_exits_open_until_it_is_over";
    let Some(server) = Postgres::start(name).await else { return };
    let url = server.for_a_role_of_its_own().await;
    let mut daemon = Daemon::start(&plan(&url)).await;
    let (gate, other) = (daemon.gate("gate-1").await, daemon.gate("gate-2").await);
    for (cause, guest) in WHILE_IT_RUNS.iter().zip(1..) {
        server.order(cause.begins).await;
        let named = async || {
            // Somebody has to come where only writing shows it.
            let open = ask(&gate, Exit, &uid(guest)).await.open;
            assert!(open.is_some(), "{}: an exit stays shut", cause.name);
            let (_, body) = daemon.get("/readyz").await?;
            body.contains(cause.name).then_some(())
        };
        eventually(cause.name, named).await;
        let shown = told(&other, Entry, &uid(guest)).await;
        assert_eq!((shown.outcome, shown.reason), (Outcome::Deny, None), "{}", cause.name);
        server.order(cause.ends).await;
        daemon.ready().await;
        let advice = format!("cause=\"{}\"", cause.name);
        let said = async || daemon.messages().contains(&advice).then_some(());
        eventually("the log names it", said).await;
        let let_in = async || {
            let shown = told(&other, Entry, &uid(guest)).await;
            (shown.outcome == Outcome::Grant).then_some(())
        };
        eventually("people are let in again", let_in).await;
        // Out again, for the next cause.
        other.pass(Entry, None, None);
    }
    daemon.stop().await;
    let records = daemon.records().await;
    records.check_chain().await;
    records.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_serves_by_sessions_and_is_named_where_it_mixes_them() {
    let name = "a_pooler_serves_by_sessions_and_is_named_where_it_mixes_them";
    let Some(server) = Postgres::start(name).await else { return };
    let Some(mut pooler) = Pooler::start(name, &server) else { return };
    let mut daemon = Daemon::start(&plan(&pooler.url)).await;
    let gate = daemon.gate("gate-1").await;
    assert_eq!(told(&gate, Entry, &uid(1)).await.outcome, Outcome::Grant);
    daemon.stop().await;
    pooler.begin("transaction");
    daemon.spawn();
    daemon.serves("/healthz").await;
    let named = async || {
        let (_, body) = daemon.get("/readyz").await?;
        body.contains("transaction pooling").then_some(())
    };
    eventually("the pooler is named", named).await;
    assert!(ask(&gate, Exit, &uid(2)).await.open.is_some());
    let advice = async || daemon.messages().contains("pool_mode = session").then_some(());
    eventually("what to do is said", advice).await;
    pooler.begin("session");
    daemon.ready().await;
    assert_eq!(told(&gate, Entry, &uid(3)).await.outcome, Outcome::Grant);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_that_one_side_alone_expects_is_named() {
    let name = "tls_that_one_side_alone_expects_is_named";
    let Some(server) = Postgres::start(name).await else { return };
    let mut daemon = Daemon::start(&plan(&server.url)).await;
    daemon.stop().await;
    let file = daemon.site.path().join("site.toml");
    let text = fs::read_to_string(&file).unwrap();
    let secret = format!("{}?sslmode=require", server.url);
    fs::write(&file, text.replace(&server.url, &secret)).unwrap();
    daemon.spawn();
    daemon.serves("/healthz").await;
    let named = async || {
        let (_, body) = daemon.get("/readyz").await?;
        body.contains("TLS").then_some(())
    };
    eventually("TLS is named", named).await;
    let gate = daemon.gate("gate-1").await;
    assert!(ask(&gate, Exit, &uid(1)).await.open.is_some());
    daemon.stop().await;
}
