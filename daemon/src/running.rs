//! Wiring: store, state, rules, links, loop, API and socket of one site, started and stopped in
//! order.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, thread::JoinHandle};

use admin_api::{
    feed::{FeedItem, feed},
    health::Health,
    server::{Shared, serve},
    wording::language::Language,
};
use anyhow::{Context, anyhow};
use devices::{arrival::Inlets, hub::Hub};
use domain::{
    ids::IdMaker,
    state::{Answer, IMPORT_PIECE, ImportRow, Input, RuleSetNews, State},
    time::Clock,
};
use indicatif::{ProgressBar, ProgressStyle};
use metrics_exporter_prometheus::PrometheusHandle;
use rules::load::Names;
use store::{Opened, Store, error::CommitError, reader::Reader};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SiteClock,
    config::Installation,
    data,
    outward::Outward,
    reload::{self, FirstSet, Reloader},
    site_loop::{Ask, Inbox, SiteLoop},
    socket,
};

/// Requests and facts of gates that may wait; more than the brokers hand out unacknowledged.
const GATES_WAITING: usize = 2048;
/// Operators' requests that may wait.
const ASKS_WAITING: usize = 64;
/// Rhai needs a deep stack; so does nobody else.
const LOOP_STACK: usize = 16 * 1024 * 1024;

/// What a run is started with.
pub(crate) struct Options {
    /// The folder of database, socket and lock.
    pub(crate) state: PathBuf,
    /// The clock.
    pub(crate) clock: SiteClock,
    /// What ids and jitter depend on.
    pub(crate) seed: u64,
    /// Where metrics are read from.
    pub(crate) prometheus: PrometheusHandle,
}

/// A site that runs.
pub(crate) struct Running {
    /// The devices.
    pub(crate) hub: Arc<Hub>,
    /// The live feed.
    pub(crate) feed: broadcast::Sender<Arc<FeedItem>>,
    /// The records.
    pub(crate) reader: Reader,
    /// Asks for a reload.
    pub(crate) reload: mpsc::Sender<()>,
    ended: CancellationToken,
    tasks: TaskTracker,
    site_loop: JoinHandle<Result<(), CommitError>>,
    loop_done: oneshot::Receiver<()>,
}

/// The loop's own ends of its channels, and everybody else's.
struct Doors {
    inlets: Inlets,
    administration: mpsc::Sender<Ask>,
    bulk: mpsc::Sender<Ask>,
    inbox: Inbox,
}

fn doors(ended: &CancellationToken) -> Doors {
    let (emergency, emergency_in) = mpsc::channel(ASKS_WAITING);
    let (gates, gates_in) = mpsc::channel(GATES_WAITING);
    let (administration, administration_in) = mpsc::channel(ASKS_WAITING);
    let (bulk, bulk_in) = mpsc::channel(2);
    Doors {
        inlets: Inlets { emergency, gates },
        administration,
        bulk,
        inbox: Inbox {
            emergency: emergency_in,
            gates: gates_in,
            administration: administration_in,
            bulk: bulk_in,
            shutdown: ended.clone(),
        },
    }
}

/// Starts a site, and returns once it serves.
pub(crate) async fn start(
    installation: &Installation,
    options: Options,
) -> anyhow::Result<Running> {
    let Options { state: folder, clock, seed, prometheus } = options;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the state folder `{}`", folder.display()))?;
    let clock = Arc::new(clock);
    let database = folder.join("kari.db");
    let (mut store, opened) = Store::open(&database, clock.now()).await?;
    let mut ids = IdMaker::new(seed);
    let rows = match opened.is_empty {
        true => data::read(&installation.data(), &installation.site, ids.fork(), clock.now())?,
        false => Vec::new(),
    };
    let snapshot = store.load().await?;
    let site = Arc::clone(&installation.site);
    let state = State::load(site, snapshot, opened.epoch, ids.fork());
    let names = names(installation, &state, &rows);
    let first = reload::first(&installation.rules(), &names, opened.last_rule_set.clone());
    let reader = Reader::open(&database).await?;

    let ended = CancellationToken::new();
    let tasks = TaskTracker::new();
    let health = Arc::new(Health::default());
    let feed = feed();
    let Doors { inlets, administration, bulk, inbox } = doors(&ended);
    let wall: Arc<dyn Clock> = clock.clone();
    let hub = Hub::start(installation.links.clone(), inlets, wall.clone(), opened.epoch).await?;
    let hub = Arc::new(hub);
    restore(&hub, &state, &opened);

    let outward = Outward::new(
        Arc::clone(&hub),
        feed.clone(),
        Arc::clone(&health),
        IdMaker::new(ids.fork()),
        opened.epoch,
    );
    let policy = Arc::clone(&first.policy);
    let site_loop = SiteLoop { state, store, policy, clock: clock.clone(), outward, batches: 0 };
    let (site_loop, loop_done) = spawn_loop(site_loop, inbox)?;
    health.database(true);

    let live = announce(&first, &administration, &health, clock.now()).await?;
    import(rows, &bulk).await?;
    let (reload, reload_asked) = mpsc::channel(1);
    let reloader = Reloader {
        folder: installation.rules(),
        names,
        settle: installation.settle,
        administration: administration.clone(),
        health: Arc::clone(&health),
        clock: wall.clone(),
        live,
        refused: String::new(),
    };
    tasks.spawn(reloader.run(reload_asked, ended.clone()));
    let desk = socket::Desk {
        administration,
        reload: reload.clone(),
        health: Arc::clone(&health),
        reader: reader.clone(),
    };
    let listener = socket::listen(&folder.join("kari.sock"))?;
    tasks.spawn(socket::serve(listener, desk, ended.clone()));
    let shared = Shared {
        site: installation.site.name.clone(),
        daemon: opened.daemon.unsigned_abs(),
        version: env!("CARGO_PKG_VERSION"),
        language: Language::En,
        feed: feed.clone(),
        health: Arc::clone(&health),
        records: Arc::new(reader.clone()),
        prometheus,
        currency: installation.site.currency.clone(),
        time_zone: installation.site.time_zone.clone(),
        clock: wall,
        epoch: opened.epoch,
    };
    let api = tokio::net::TcpListener::bind(installation.admin).await.with_context(|| {
        format!("cannot listen on {}; is another daemon running?", installation.admin)
    })?;
    tasks.spawn(serve(api, shared, ended.clone()));
    tasks.close();
    Ok(Running { hub, feed, reader, reload, ended, tasks, site_loop, loop_done })
}

/// The loop on its own thread, with the stack that rules need.
fn spawn_loop(
    site_loop: SiteLoop,
    inbox: Inbox,
) -> anyhow::Result<(JoinHandle<Result<(), CommitError>>, oneshot::Receiver<()>)> {
    let (done, loop_done) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("site-loop".into()).stack_size(LOOP_STACK);
    let handle = thread.spawn(move || {
        let ended = runtime.block_on(site_loop.run(inbox));
        if done.send(()).is_err() {
            tracing::debug!("nobody waits for the end of the loop any more");
        }
        ended
    })?;
    Ok((handle, loop_done))
}

/// What an earlier run left undone: a latched emergency, and commands that may still take effect.
fn restore(hub: &Hub, state: &State, opened: &Opened) {
    if let Some(emergency) = state.tables.emergency.peek(&()) {
        hub.emergency().raise(&emergency.source);
    }
    for command in &opened.unsent {
        let gate = state.site.gates.get(&command.device);
        // To others it went at most once; their reservation lapses by itself.
        if gate.is_some_and(|gate| gate.drops_repeats) {
            let again = domain::command::Command { epoch: opened.epoch, ..command.clone() };
            if !hub.send(again) {
                tracing::warn!(device = %command.device, "a command of the last run could not be sent again");
            }
        }
    }
}

/// Tells the journal and the health what the first reload came to; returns the hash of the live
/// set.
async fn announce(
    first: &FirstSet,
    administration: &mpsc::Sender<Ask>,
    health: &Health,
    now: domain::time::Timestamp,
) -> anyhow::Result<String> {
    for warning in &first.warnings {
        tracing::warn!("{warning}");
    }
    let live = first.policy.hash().to_owned();
    if !live.is_empty() {
        health.rules_live(&live, now);
    }
    if let RuleSetNews::Refused { message } = &first.news {
        tracing::error!("the rule set was refused:\n{message}");
        health.rules_refused(message, now);
    }
    ask(administration, Input::RuleSet(first.news.clone())).await?;
    Ok(live)
}

/// Hands the first data to the loop, piece by piece.
async fn import(rows: Vec<ImportRow>, bulk: &mpsc::Sender<Ask>) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let length = u64::try_from(rows.len())?;
    let style = ProgressStyle::with_template("reading the site's data {bar:30} {pos}/{len}")?;
    let bar = ProgressBar::new(length).with_style(style);
    for piece in rows.chunks(IMPORT_PIECE) {
        ask(bulk, Input::Import(piece.to_vec())).await?;
        bar.inc(u64::try_from(piece.len())?);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Hands an input to the loop, and returns once it is durable.
async fn ask(door: &mpsc::Sender<Ask>, input: Input) -> anyhow::Result<()> {
    let (reply, answer) = oneshot::channel();
    let ended = || anyhow!("the loop ended; the log says why");
    door.send(Ask { input, policy: None, reply }).await.map_err(|_| ended())?;
    match answer.await.map_err(|_| ended())? {
        Answer::Taken => Ok(()),
        Answer::Refused(why) => Err(anyhow!(why)),
    }
}

/// The names that rule files may speak of, of the site and of what is about to be imported.
pub(crate) fn names(installation: &Installation, state: &State, rows: &[ImportRow]) -> Names {
    let site = &installation.site;
    let mut names = Names {
        zones: site.zones.keys().map(ToString::to_string).collect(),
        devices: site.gates.keys().map(ToString::to_string).collect(),
        ..Names::default()
    };
    names.devices.extend(installation.locker_banks.iter().cloned());
    names.tariffs = state.tables.tariffs.iter().map(|(key, _)| key.tariff.to_string()).collect();
    let groups = state.tables.members.iter().flat_map(|(_, member)| member.groups.iter());
    names.groups = groups.map(ToString::to_string).collect::<BTreeSet<_>>();
    for row in rows {
        match row {
            ImportRow::Tariff(key, _) => {
                names.tariffs.insert(key.tariff.to_string());
            }
            ImportRow::Member(_, member, _) => {
                names.groups.extend(member.groups.iter().map(ToString::to_string));
            }
            _ => {}
        }
    }
    names
}

impl Running {
    /// Waits for the loop to end by itself, which it does only on a fault.
    pub(crate) async fn ended(&mut self) {
        drop((&mut self.loop_done).await);
    }

    /// Stops in order: no new requests, the rest decided and sent, then the links.
    ///
    /// # Errors
    /// The fault that ended the loop.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.ended.cancel();
        let joined = tokio::task::spawn_blocking(move || self.site_loop.join()).await?;
        self.hub.stop().await;
        self.tasks.wait().await;
        match joined {
            Ok(ended) => ended.context("the loop ended"),
            Err(_) => Err(anyhow!("the loop ended by a fault of ours; please report the log")),
        }
    }
}
