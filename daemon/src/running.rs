//! Wiring: store, state, rules, links, loop, API and socket of one site, started and stopped in
//! order.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};

use admin_api::{
    feed::{FeedItem, feed},
    health::Health,
    server::{Shared, serve},
    wording::language::Language,
};
use anyhow::{Context, anyhow};
use devices::{arrival::Inlets, hub::Hub};
use domain::{
    command::Command,
    ids::{DeviceId, IdMaker},
    state::{Answer, IMPORT_PIECE, ImportRow, Input, RuleSetNews, State},
    time::Clock,
};
use indicatif::{ProgressBar, ProgressStyle};
use metrics_exporter_prometheus::PrometheusHandle;
use rules::load::Names;
use rustix::fs::Mode;
use store::{Opened, Store, error::CommitError, reader::Reader};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, oneshot},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SiteClock,
    config::Installation,
    data,
    outward::Outward,
    pins,
    registry::Surroundings,
    reload::{self, FirstSet, Reloader},
    remedies::Remedies,
    retention::Retention,
    site_loop::{Ask, Inbox, SiteLoop},
    socket,
    values::{self, Checks},
};

/// Requests and facts of gates that may wait; more than the brokers hand out unacknowledged.
const GATES_WAITING: usize = 2048;
/// Operators' requests that may wait.
const ASKS_WAITING: usize = 64;
/// The mark of an import that has not ended.
const IMPORTING: &str = "importing";
/// How often the links are looked at for the health.
const LINKS_LOOK: Duration = Duration::from_millis(250);
/// Rhai needs a deep stack; so does nobody else.
const LOOP_STACK: usize = 16 * 1024 * 1024;

/// The loop's thread, and the fault that ended it.
type LoopThread = JoinHandle<Result<(), CommitError>>;

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
    site_loop: LoopThread,
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

/// What a start finds on the disk.
struct Found {
    store: Store,
    opened: Opened,
    state: State,
    rows: Vec<ImportRow>,
    names: Names,
    first: FirstSet,
    reader: Reader,
}

/// Starts a site, and returns once it serves.
pub(crate) async fn start(
    installation: &Installation,
    options: Options,
) -> anyhow::Result<Running> {
    let Options { state: folder, clock, seed, prometheus } = options;
    // Database, socket and backups hold people's data: whatever is made is for its owner alone.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the state folder `{}`", folder.display()))?;
    let clock = Arc::new(clock);
    let wall: Arc<dyn Clock> = clock.clone();
    let mut ids = IdMaker::new(seed);
    let found = find(installation, &folder, wall.as_ref(), &mut ids).await?;
    let Found { store, opened, state, rows, names, first, reader } = found;

    let ended = CancellationToken::new();
    let health = Arc::new(Health::default());
    let feed = feed();
    let Doors { inlets, administration, bulk, inbox } = doors(&ended);
    let hub = Arc::new(OnceLock::new());
    let outward = Outward::new(
        Arc::clone(&hub),
        feed.clone(),
        Arc::clone(&health),
        IdMaker::new(ids.fork()),
        opened.epoch,
    );
    let undone = Undone::of(&state, &opened);
    let policy = Arc::clone(&first.policy);
    let watch = crate::clock::StepWatch::default();
    let retention = Retention::new(clock.now());
    let site_loop = SiteLoop { state, store, policy, clock, watch, outward, retention, batches: 0 };
    let (site_loop, loop_done) = spawn_loop(site_loop, inbox)?;
    import(&folder, rows, &bulk).await?;
    let live = announce(&first, &administration, &health, wall.now()).await?;

    // Gates are let in last, when everything that answers them is there.
    let mut links = installation.links.clone();
    links.pins = pins::key(&folder)?;
    let started = Arc::new(Hub::start(links, inlets, Arc::clone(&wall), opened.epoch).await?);
    let hub = hub.get_or_init(|| started);
    undone.make_up(hub, opened.epoch);
    health.database(true);
    let (reload, reload_asked) = mpsc::channel(1);
    let reloader = Reloader {
        folder: installation.rules(),
        names: names.clone(),
        settle: installation.settle,
        administration: administration.clone(),
        health: Arc::clone(&health),
        clock: Arc::clone(&wall),
        reader: reader.clone(),
        live,
        refused: first.refused,
    };
    let tasks = TaskTracker::new();
    tasks.spawn(reloader.run(reload_asked, ended.clone()));
    tasks.spawn(watch_links(Arc::clone(hub), Arc::clone(&health), ended.clone()));
    let running =
        Running { hub: Arc::clone(hub), feed, reader, reload, ended, tasks, site_loop, loop_done };
    let people = People { administration, health, names, prometheus, clock: wall };
    running.open_doors(installation, &folder, &opened, people).await?;
    running.tasks.close();
    Ok(running)
}

/// What people reach a running site through.
struct People {
    administration: mpsc::Sender<Ask>,
    health: Arc<Health>,
    names: Names,
    prometheus: PrometheusHandle,
    clock: Arc<dyn Clock>,
}

/// Opens the database, and reads what is in it, in the site's data and in its rules.
async fn find(
    installation: &Installation,
    folder: &Path,
    clock: &dyn Clock,
    ids: &mut IdMaker,
) -> anyhow::Result<Found> {
    let database = folder.join("kari.db");
    let (mut store, mut opened) = Store::open(&database, clock.now()).await?;
    let mark = folder.join(IMPORTING);
    if mark.exists() && !store.has_only_imports().await? {
        tracing::warn!("a mark of an unfinished import is left over; the database is in use");
        std::fs::remove_file(&mark)?;
    } else if mark.exists() {
        // The last start was cut short in the middle of the import; nothing else happened here.
        tracing::warn!("the import of the site's data was cut short; it begins again");
        store.close().await?;
        for suffix in ["", "-wal", "-shm"] {
            let file = folder.join(format!("kari.db{suffix}"));
            if file.exists() {
                std::fs::remove_file(file)?;
            }
        }
        (store, opened) = Store::open(&database, clock.now()).await?;
    }
    let rows = match opened.is_empty {
        true => {
            let seed = (ids.fork(), &pins::key(folder)?);
            data::read(&installation.data(), &installation.site, seed, clock.now())?
        }
        false => Vec::new(),
    };
    let snapshot = store.load().await?;
    let state = State::load(Arc::clone(&installation.site), snapshot, opened.epoch, ids.fork());
    let mut names = names(installation, &state, &rows);
    let reader = Reader::open(&database).await?;
    names.kept = values::of(&reader.params().await?);
    let first = reload::first(&installation.rules(), &names, opened.last_rule_set.clone());
    Ok(Found { store, opened, state, rows, names, first, reader })
}

/// Tells the health whether every link is up.
async fn watch_links(hub: Arc<Hub>, health: Arc<Health>, ended: CancellationToken) {
    loop {
        health.link("devices", hub.is_up());
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(LINKS_LOOK) => {}
        }
    }
}

/// The loop on its own thread, with the stack that rules need.
fn spawn_loop(
    site_loop: SiteLoop,
    inbox: Inbox,
) -> anyhow::Result<(LoopThread, oneshot::Receiver<()>)> {
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
struct Undone {
    emergency: Option<DeviceId>,
    commands: Vec<Command>,
}

impl Undone {
    fn of(state: &State, opened: &Opened) -> Self {
        let emergency = state.tables.emergency.peek(&()).map(|row| row.source.clone());
        // To a device that does not drop repeats it went at most once; its reservation lapses by
        // itself.
        let drops_repeats = |command: &&Command| {
            state.site.gates.get(&command.device).is_some_and(|gate| gate.drops_repeats)
        };
        let commands = opened.unsent.iter().filter(drops_repeats).cloned().collect();
        Self { emergency, commands }
    }

    fn make_up(self, hub: &Hub, epoch: u64) {
        if let Some(source) = &self.emergency {
            hub.emergency().raise(source);
        }
        for command in self.commands {
            let device = command.device.clone();
            if !hub.send(Command { epoch, ..command }) {
                tracing::warn!(%device, "a command of the last run could not be sent again");
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

/// Hands the first data to the loop, piece by piece; a mark in the folder tells of one that was cut
/// short.
async fn import(
    folder: &Path,
    rows: Vec<ImportRow>,
    bulk: &mpsc::Sender<Ask>,
) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mark = folder.join(IMPORTING);
    std::fs::File::create(&mark)?.sync_all()?;
    std::fs::File::open(folder)?.sync_all()?;
    let length = u64::try_from(rows.len())?;
    let style = ProgressStyle::with_template("reading the site's data {bar:30} {pos}/{len}")?;
    let bar = ProgressBar::new(length).with_style(style);
    for piece in rows.chunks(IMPORT_PIECE) {
        ask(bulk, Input::Import(piece.to_vec())).await?;
        bar.inc(u64::try_from(piece.len())?);
    }
    bar.finish_and_clear();
    std::fs::remove_file(mark)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// Hands an input to the loop, and returns once it is durable.
async fn ask(door: &mpsc::Sender<Ask>, input: Input) -> anyhow::Result<()> {
    let (reply, answer) = oneshot::channel();
    let ended = || anyhow!("the loop ended; the log says why");
    door.send(Ask { input, policy: None, reply }).await.map_err(|_| ended())?;
    match answer.await.map_err(|_| ended())? {
        Answer::Taken | Answer::Decided(_) => Ok(()),
        Answer::Refused(why) => Err(anyhow!(why)),
    }
}

/// The names that rule files may speak of, of the site and of what is about to be imported.
pub(crate) fn names(installation: &Installation, state: &State, rows: &[ImportRow]) -> Names {
    let site = &installation.site;
    let mut names = Names::of_site(site);
    names.devices.extend(installation.locker_banks.iter().cloned());
    let operators = state.tables.operators.iter();
    names.roles =
        operators.flat_map(|(_, one)| one.roles.iter()).map(ToString::to_string).collect();
    names.tariffs = state.tables.tariffs.iter().map(|(key, _)| key.tariff.to_string()).collect();
    let groups = state.tables.members.iter().flat_map(|(_, member)| member.groups.iter());
    names.groups = groups.map(ToString::to_string).collect::<BTreeSet<_>>();
    for row in rows {
        match row {
            ImportRow::Tariff(key, _) => {
                names.tariffs.insert(key.tariff.to_string());
            }
            ImportRow::Operator(_, operator) => {
                names.roles.extend(operator.roles.iter().map(ToString::to_string));
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
    /// The socket and the API.
    async fn open_doors(
        &self,
        installation: &Installation,
        folder: &Path,
        opened: &Opened,
        people: People,
    ) -> anyhow::Result<()> {
        let People { administration, health, names, prometheus, clock } = people;
        let zone = installation.site.time_zone.clone();
        let remedies = Remedies::new(self.reader.clone(), zone);
        let desk = socket::Desk {
            administration,
            health: Arc::clone(&health),
            reader: self.reader.clone(),
            remedies: remedies.clone(),
            pins: pins::key(folder)?,
            checks: Checks { names, health: Arc::clone(&health) },
            clock: Arc::clone(&clock),
            site: Surroundings {
                country: installation.country,
                time_zone: installation.site.time_zone.clone(),
                state: folder.to_path_buf(),
            },
        };
        let listener = socket::listen(&folder.join("kari.sock"))?;
        self.tasks.spawn(socket::serve(listener, desk, self.ended.clone()));
        let site = &installation.site;
        let shared = Shared {
            site: site.name.clone(),
            daemon: opened.daemon.unsigned_abs(),
            version: env!("CARGO_PKG_VERSION"),
            language: Language::En,
            feed: self.feed.clone(),
            health,
            records: Arc::new(self.reader.clone()),
            remedies: Arc::new(remedies),
            prometheus,
            currency: site.currency.clone(),
            time_zone: site.time_zone.clone(),
            clock,
            epoch: opened.epoch,
        };
        let api = TcpListener::bind(installation.admin).await.with_context(|| {
            format!("cannot listen on {}; is another daemon running?", installation.admin)
        })?;
        self.tasks.spawn(serve(api, shared, self.ended.clone()));
        Ok(())
    }

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
