//! Wiring: store, state, rules, links, loop, API and socket of one site, started and stopped in
//! order.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
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
use devices::{arrival::Inlets, hub::Hub, pin::PinKey};
use domain::{
    command::Command,
    ids::{DeviceId, IdMaker},
    state::{Input, RuleSetNews, State},
    time::Clock,
};
use metrics_exporter_prometheus::PrometheusHandle;
use rules::load::Names;
use store::{
    Opened, Store,
    error::CommitError,
    news::{Changed, News, NewsError},
    place::Place,
    reader::Reader,
};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, oneshot},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SiteClock,
    config::Installation,
    data::{self, FirstData},
    import::{
        Importer,
        stage::{self, Rest},
    },
    intake::{Ask, Doors, Inbox, doors},
    names,
    outward::{Gates, Outward},
    pins, plain_pins,
    registry::Surroundings,
    reload::{self, FirstSet, Reloader},
    remedies::Remedies,
    retention::Retention,
    site_loop::SiteLoop,
    socket,
    storing::tell_news,
    values::{self, Checks},
};

/// How often the links are looked at for the health.
const LINKS_LOOK: Duration = Duration::from_millis(250);
/// Rhai needs a deep stack; so does nobody else.
const LOOP_STACK: usize = 16 * 1024 * 1024;

/// The loop's thread, and the fault that ended it.
pub(crate) type LoopThread = JoinHandle<Result<(), CommitError>>;

/// What a run is started with.
pub(crate) struct Options {
    /// The folder of socket and lock.
    pub(crate) state: PathBuf,
    /// The database.
    pub(crate) database: Place,
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

/// What a start finds on the disk.
struct Found {
    store: Store,
    opened: Opened,
    state: State,
    data: Option<FirstData>,
    names: Names,
    first: FirstSet,
    reader: Reader,
    news: Option<News>,
    pins: PinKey,
}

/// A site whose loop runs; no gate is let in yet.
pub(crate) struct Awake {
    /// What a start finds in the database.
    opened: Opened,
    undone: Undone,
    names: Names,
    first: FirstSet,
    gates: Arc<Gates>,
    health: Arc<Health>,
    feed: broadcast::Sender<Arc<FeedItem>>,
    inlets: Inlets,
    administration: mpsc::Sender<Ask>,
    ended: CancellationToken,
    site_loop: LoopThread,
    loop_done: oneshot::Receiver<()>,
    clock: Arc<dyn Clock>,
    /// What other daemons do, and where the loop hears of it.
    news: (Option<News>, mpsc::Sender<Result<Changed, NewsError>>),
    /// What takes imports.
    pub(crate) importer: Importer,
}

/// Opens the database of a site, starts its loop, and brings in what was promised: an import that
/// was cut short, or the first data.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) async fn wake(
    installation: &Installation,
    (folder, database): (&Path, &Place),
    (clock, seed): (SiteClock, u64),
) -> anyhow::Result<Awake> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the state folder `{}`", folder.display()))?;
    let clock = Arc::new(clock);
    let wall: Arc<dyn Clock> = clock.clone();
    let mut ids = IdMaker::new(seed);
    let found = find(installation, (folder, database), wall.as_ref(), &mut ids).await?;
    let Found { store, opened, state, data, names, first, reader, news, pins } = found;

    let ended = CancellationToken::new();
    let health = Arc::new(Health::default());
    let feed = feed();
    let Doors { inlets, administration, bulk, elsewhere, inbox } = doors(&ended);
    let gates = Arc::new(Gates::default());
    let outward = Outward::new(
        Arc::clone(&gates),
        feed.clone(),
        Arc::clone(&health),
        IdMaker::new(ids.fork()),
        opened.epoch,
    );
    let undone = Undone::of(&state, &opened);
    let unfinished = state.unfinished_import().map(|(id, import)| (id.clone(), import.clone()));
    let policy = Arc::clone(&first.policy);
    let watch = crate::clock::StepWatch::default();
    let retention = Retention::new(clock.now());
    let site_loop = SiteLoop { state, store, policy, clock, watch, outward, retention, batches: 0 };
    let (site_loop, loop_done) = spawn_loop(site_loop, inbox)?;
    let importer = Importer {
        bulk,
        reader,
        state: folder.to_path_buf(),
        site: Arc::clone(&installation.site),
        pins,
        clock: Arc::clone(&wall),
    };
    importer.bring_in(unfinished, data).await?;
    Ok(Awake {
        opened,
        undone,
        names,
        first,
        gates,
        health,
        feed,
        inlets,
        administration,
        ended,
        site_loop,
        loop_done,
        clock: wall,
        news: (news, elsewhere),
        importer,
    })
}

impl Awake {
    /// Lets it go to sleep again.
    ///
    /// # Errors
    /// The fault that ended the loop.
    pub(crate) async fn sleep(self) -> anyhow::Result<()> {
        self.ended.cancel();
        joined(self.site_loop).await
    }
}

/// Starts a site, and returns once it serves.
pub(crate) async fn start(
    installation: &Installation,
    options: Options,
) -> anyhow::Result<Running> {
    let Options { state: folder, database, clock, seed, prometheus } = options;
    let awake = wake(installation, (&folder, &database), (clock, seed)).await?;
    let Awake { opened, undone, names, first, gates, health, feed, inlets, .. } = awake;
    let Awake { administration, ended, site_loop, loop_done, clock, importer, news, .. } = awake;
    let live = announce(&first, &administration, &health, clock.now()).await?;

    // Gates are let in last, when everything that answers them is there.
    let mut links = installation.links.clone();
    links.pins = importer.pins.clone();
    gates.let_in();
    let started = Arc::new(Hub::start(links, inlets, Arc::clone(&clock), opened.epoch).await?);
    let hub = gates.connected(started);
    undone.make_up(hub, opened.epoch);
    health.database(true);
    let reader = importer.reader.clone();
    let (reload, reload_asked) = mpsc::channel(1);
    let reloader = Reloader {
        folder: installation.rules(),
        names: names.clone(),
        settle: installation.settle,
        administration: administration.clone(),
        health: Arc::clone(&health),
        clock: Arc::clone(&clock),
        reader: reader.clone(),
        live,
        refused: first.refused,
    };
    let tasks = TaskTracker::new();
    if let (Some(news), elsewhere) = news {
        tasks.spawn(tell_news(news, elsewhere, ended.clone()));
    }
    tasks.spawn(reloader.run(reload_asked, ended.clone()));
    tasks.spawn(watch_links(Arc::clone(hub), Arc::clone(&health), ended.clone()));
    let running =
        Running { hub: Arc::clone(hub), feed, reader, reload, ended, tasks, site_loop, loop_done };
    let people = People { administration, health, names, prometheus, clock, importer };
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
    importer: Importer,
}

/// Opens the database, and reads what is in it, in the site's data and in its rules.
async fn find(
    installation: &Installation,
    (folder, database): (&Path, &Place),
    clock: &dyn Clock,
    ids: &mut IdMaker,
) -> anyhow::Result<Found> {
    let (mut store, opened) = Store::open(database, clock.now()).await?;
    for why in &opened.lost {
        tracing::error!(
            %why,
            "the database is not the one that was written last; `kari verify` says more"
        );
    }
    let snapshot = store.load().await?;
    let news = store.news().await?;
    let seeds = (ids.fork(), ids.fork());
    let state = State::load(Arc::clone(&installation.site), snapshot, opened.epoch, seeds.1);
    let pins = pins_of(folder, &state, &opened, database)?;
    let data = match opened.is_empty && state.unfinished_import().is_none() {
        true => {
            let (folder_of_data, site) = (installation.data(), &installation.site);
            let read = || data::read(&folder_of_data, site, (seeds.0, &pins), clock.now());
            let mut data = read()?;
            // Only what was found right is touched; a simulation leaves the site's files alone.
            if folder == installation.state && plain_pins::hide(&folder_of_data, &pins)? {
                data = read()?;
            }
            // Tariffs without people are read once as well.
            Some(data).filter(|data| state.tables.imports.peek(&data.id).is_none())
        }
        false => None,
    };
    let mut names = names::of(installation, &state);
    data.iter().flat_map(|data| &data.rows).for_each(|row| names::learn(&mut names, row));
    if let Some((id, import)) = state.unfinished_import() {
        // A file that cannot be read is told of where it is to be brought in.
        let rest = Rest::open(folder, id, import).ok();
        let rows = rest.into_iter().flatten().map_while(Result::ok);
        rows.for_each(|row| names::learn(&mut names, &row));
    }
    let reader = Reader::open(database).await?;
    names.kept = values::of(&reader.params().await?);
    let first = reload::first(&installation.rules(), &names, opened.last_rule_set.clone());
    Ok(Found { store, opened, state, data, names, first, reader, news, pins })
}

/// The key of the site's PINs. A site that is in use has had one since its first start.
fn pins_of(
    folder: &Path,
    state: &State,
    opened: &Opened,
    database: &Place,
) -> anyhow::Result<PinKey> {
    let in_use = !opened.is_empty || state.tables.operators.iter().next().is_some();
    // A second daemon at a server is new where its own folder is new.
    let ran_before = database.path().is_some() || opened.epoch > 1;
    match in_use && ran_before {
        true => pins::kept(folder),
        false => pins::key(folder),
    }
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
pub(crate) fn spawn_loop(
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
    stage::ask(administration, Input::RuleSet(first.news.clone())).await?;
    Ok(live)
}

/// Waits for the loop's thread.
pub(crate) async fn joined(site_loop: LoopThread) -> anyhow::Result<()> {
    match tokio::task::spawn_blocking(move || site_loop.join()).await? {
        Ok(ended) => ended.context("the loop ended"),
        Err(_) => Err(anyhow!("the loop ended by a fault of ours; please report the log")),
    }
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
        let People { administration, health, names, prometheus, clock, importer } = people;
        let zone = installation.site.time_zone.clone();
        let remedies = Remedies::new(self.reader.clone(), zone);
        let desk = socket::Desk {
            administration,
            health: Arc::clone(&health),
            reader: self.reader.clone(),
            remedies: remedies.clone(),
            pins: importer.pins.clone(),
            importer,
            checks: Checks { names, health: Arc::clone(&health) },
            clock: Arc::clone(&clock),
            site: Surroundings {
                country: installation.country,
                time_zone: installation.site.time_zone.clone(),
                currency: installation.site.currency.clone(),
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
        let joined = joined(self.site_loop).await;
        self.hub.stop().await;
        self.tasks.wait().await;
        joined
    }
}
