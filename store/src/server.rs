//! PostgreSQL: the connection and the settings that durability rests on, the lock of a daemon's
//! number, and the turn in which batches are committed.

use std::time::Duration;

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    error::OpenError,
    link::{Link, Pool},
    place::{Place, Server},
    trouble::Trouble,
};

/// What our sessions are called at the server.
const NAME: &str = "kari";
/// More statements than there are texts: none is ever prepared twice.
const STATEMENTS_MAX: usize = 1024;
/// The oldest PostgreSQL that is still looked after by its makers.
const OLDEST: i64 = 140_000;
/// How long a server may take to let us in.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// How long a connection of ours that broke may hold the lock of our number.
const OLD_CONNECTION: Duration = Duration::from_secs(10);
/// How long the session of a daemon that was killed may: the server learns late that it is gone.
const KILLED: Duration = Duration::from_secs(3);
/// Between two tries for the lock.
const PAUSE: Duration = Duration::from_millis(50);

/// What a session is told. Durability is the session's own setting. The plans of the few texts are
/// made once, and go by the keys' indexes whatever the tables' statistics say at that moment. A
/// daemon that stands still in the middle of a batch gives its turn back. The server's own time for
/// a statement counts for people who ask by hand, not for a batch; whoever waits for a lock of
/// somebody else learns so in time to refuse a sale.
const SETTINGS: &str = "
    SET synchronous_commit = 'on';
    SET plan_cache_mode = 'force_generic_plan';
    SET enable_seqscan = 'off';
    SET enable_hashjoin = 'off';
    SET enable_mergejoin = 'off';
    SET jit = 'off';
    SET idle_in_transaction_session_timeout = '5s';
    SET idle_session_timeout = '0';
    SET statement_timeout = '0';
    SET lock_timeout = '5s';
    SET client_min_messages = 'error';";

/// What a session is told that only reads.
const SETTINGS_OF_READERS: &str = "
    SET default_transaction_read_only = 'on';
    SET client_min_messages = 'error';";

/// The lock of a daemon's number, held by its session. The first number is ours alone: "Kari".
pub(crate) const TAKE_NUMBER: &str = "SELECT pg_try_advisory_lock(1264677481, $1::int)";
/// A session of ours that the server has not missed yet, by its process.
pub(crate) const END_SESSION: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1264677481 AND objid = $1::int::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid = $2::int";
pub(crate) const PROCESS: &str = "SELECT pg_backend_pid()::bigint";
/// Begins a transaction in which nobody else commits a batch: the numbers of daemons begin at 1.
/// What it gives last is the turn of the batch before, 0 where there was none.
pub(crate) const BEGIN_TURN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1264677481, 0);
    SELECT coalesce(max(turn), 0) FROM batch";
const VERSION: &str = "SELECT current_setting('server_version_num')::bigint";
const SETTING: &str = "SELECT CASE $1 WHEN 'in_recovery' THEN pg_is_in_recovery()::text
    ELSE current_setting($1) END";
const MARK_SESSION: &str = "SELECT set_config('kari.session', gen_random_uuid()::text, false)";
const SESSION_MARK: &str = "SELECT current_setting('kari.session', true)";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] =
    [TAKE_NUMBER, END_SESSION, PROCESS, VERSION, SETTING, MARK_SESSION, SESSION_MARK];

/// How a session of this name is opened. A pooler knows few settings at the start of a session, so
/// ours come after it.
fn options(server: &Server, name: &str) -> PgConnectOptions {
    let options = server.options.clone().application_name(name).extra_float_digits(None);
    options.statement_cache_capacity(STATEMENTS_MAX).disable_statement_logging()
}

/// A pool whose sessions have these settings.
async fn pool(
    (server, name): (&Server, &str),
    options_of_pool: PgPoolOptions,
    settings: &'static str,
) -> Result<PgPool, sqlx::Error> {
    let pool = options_of_pool.after_connect(move |session, _| {
        Box::pin(async move { sqlx::raw_sql(settings).execute(session).await.map(drop) })
    });
    pool.connect_with(options(server, name)).await
}

/// The writer's connection, with its settings read back. The `first` one of a run finds out whether
/// there is a pooler that forgets them.
pub(crate) async fn connect(
    place: &Place,
    server: &Server,
    first: bool,
) -> Result<Link, OpenError> {
    let failed = |source| OpenError::Connect { place: place.clone(), source: Box::new(source) };
    let connected = tokio::time::timeout(CONNECT_MAX, options(server, NAME).connect()).await;
    let connected = connected.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut));
    let mut connection: PgConnection = connected.map_err(failed)?;
    if first && is_pooled(&mut connection, server).await.map_err(failed)? {
        return Err(OpenError::Unfit { place: place.clone(), trouble: Trouble::Pooled });
    }
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await.map_err(failed)?;
    let mut link = Link::Postgres(connection);
    let version: i64 = link.value(VERSION, []).await.map_err(failed)?;
    if version < OLDEST {
        return Err(OpenError::OldPostgres { found: version / 10_000 });
    }
    for (name, safe) in [
        ("in_recovery", "false"),
        ("server_encoding", "UTF8"),
        ("transaction_read_only", "off"),
        ("synchronous_commit", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
    ] {
        let found: String = link.value(SETTING, [name.into()]).await.map_err(failed)?;
        let forgets = matches!(name, "fsync" | "full_page_writes") && server.may_forget;
        if found == safe || forgets {
            continue;
        }
        let trouble = match name {
            "in_recovery" | "transaction_read_only" => Trouble::ReadOnly,
            "server_encoding" => Trouble::Encoding,
            _ => return Err(OpenError::ServerSetting { name, found }),
        };
        return Err(OpenError::Unfit { place: place.clone(), trouble });
    }
    Ok(link)
}

/// Whether a pooler stands before the server that hands out another session for each transaction:
/// then what one connection of ours sets in its session is there for another one of ours.
async fn is_pooled(link: &mut PgConnection, server: &Server) -> Result<bool, sqlx::Error> {
    // Without a prepared statement: those are what such a pooler mixes up.
    let own: String = sqlx::raw_sql(MARK_SESSION).fetch_one(link).await?.try_get(0)?;
    let mut other = options(server, NAME).connect().await?;
    let seen: Option<String> =
        sqlx::raw_sql(SESSION_MARK).fetch_one(&mut other).await?.try_get(0)?;
    other.close().await?;
    Ok(seen == Some(own))
}

/// Takes the lock of the daemon's number. A `before` session of this process that the server still
/// knows is ended: once the lock is ours, nothing that it began can still be committed.
pub(crate) async fn take_number(
    link: &mut Link,
    daemon: i64,
    before: Option<i64>,
) -> Result<bool, sqlx::Error> {
    if let Some(before) = before {
        link.value::<i64>(END_SESSION, [daemon.into(), before.into()]).await?;
    }
    let patience = if before.is_some() { OLD_CONNECTION } else { KILLED };
    let begun = std::time::Instant::now();
    loop {
        if link.value(TAKE_NUMBER, [daemon.into()]).await? {
            return Ok(true);
        }
        if begun.elapsed() > patience {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Connections that read at once, and never write.
pub(crate) async fn readers(server: &Server, options: PgPoolOptions) -> Result<Pool, sqlx::Error> {
    pool((server, "kari reader"), options, SETTINGS_OF_READERS).await.map(Pool::Postgres)
}

/// Connections that hear what other daemons do.
pub(crate) async fn listeners(
    server: &Server,
    options: PgPoolOptions,
) -> Result<PgPool, sqlx::Error> {
    pool((server, NAME), options, SETTINGS).await
}
