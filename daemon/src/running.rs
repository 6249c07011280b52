//! Wiring: store, state, rules, links, loop, API and socket of one site, started and stopped in
//! order.

use std::{
    collections::VecDeque,
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
use devices::{arrival::Inlets, hub::Hub};
use domain::{
    ids::IdMaker,
    state::{Input, RuleSetNews},
    time::Clock,
};
use metrics_exporter_prometheus::PrometheusHandle;
use rules::load::Names;
use store::{
    Opened,
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
    clock::{SiteClock, StepWatch},
    config::Installation,
    database,
    finding::{self, Found, Search},
    import::{Importer, stage},
    intake::{Ask, Doors, Inbox, Taken, doors},
    outward::{Gates, Outward},
    registry::Surroundings,
    reload::{FirstSet, Reloader},
    remedies::Remedies,
    retention::Retention,
    site_loop::SiteLoop,
    socket,
    spill::Keeper,
    stall::Standstill,
    storing::tell_news,
    undone::Undone,
    values::Checks,
    waiting::{self, LetIn, Waiting},
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
    /// Ends the run.
    pub(crate) ended: CancellationToken,
    /// Whether a new database may be begun.
    pub(crate) new_database: bool,
    /// Whether it serves without its database until that is there.
    pub(crate) waits: bool,
}

/// How a site is woken.
pub(crate) struct Start {
    /// The clock.
    pub(crate) clock: SiteClock,
    /// What ids depend on.
    pub(crate) seed: u64,
    /// Ends the run.
    pub(crate) ended: CancellationToken,
    /// Whether a new database may be begun.
    pub(crate) new_database: bool,
    /// Where it serves without its database until that is there: the metrics.
    pub(crate) waits: Option<PrometheusHandle>,
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

/// A site whose loop runs; no gate is let in yet.
pub(crate) struct Awake {
    /// What a start finds in the database.
    opened: Opened,
    undone: Undone,
    names: Names,
    first: FirstSet,
    gates: Arc<Gates>,
    /// The links, where gates had to be let in before the database was there.
    let_in: Option<LetIn>,
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
    start: Start,
) -> anyhow::Result<Awake> {
    make_folder(folder)?;
    let met = meet(installation, (folder, database), start).await?;
    let Met { found, let_in, outward, held, spill, standstill, .. } = met;
    let Met { doors, gates, feed, health, clock, ended, .. } = met;
    let Doors { inlets, administration, bulk, elsewhere, inbox } = doors;
    let wall: Arc<dyn Clock> = clock.clone();
    let Found { store, opened, state, data, names, first, reader, news, pins } = found;
    let undone = Undone::of(&state, &opened, &held);
    let unfinished = state.unfinished_import().map(|(id, import)| (id.clone(), import.clone()));
    let site_loop = SiteLoop {
        state,
        store,
        policy: Arc::clone(&first.policy),
        watch: StepWatch::default(),
        outward,
        standstill,
        held,
        spill,
        retention: Retention::new(clock.now()),
        clock,
        batches: 0,
    };
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
        let_in,
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

/// What a start has in hand before its loop runs.
struct Met {
    found: Found,
    let_in: Option<LetIn>,
    outward: Outward,
    held: VecDeque<Taken>,
    spill: Option<Keeper>,
    standstill: Standstill,
    doors: Doors,
    gates: Arc<Gates>,
    feed: broadcast::Sender<Arc<FeedItem>>,
    health: Arc<Health>,
    clock: Arc<SiteClock>,
    ended: CancellationToken,
}

/// Finds the database, or serves without it until it is there.
async fn meet(
    installation: &Installation,
    (folder, database): (&Path, &Place),
    start: Start,
) -> anyhow::Result<Met> {
    let Start { clock, seed, ended, new_database, waits } = start;
    let clock = Arc::new(clock);
    let wall: Arc<dyn Clock> = clock.clone();
    let mut ids = IdMaker::new(seed);
    let health = Arc::new(Health::default());
    let standstill = Standstill::new(Arc::clone(&health));
    let feed = feed();
    let mut doors = doors(&ended);
    let gates = Arc::new(Gates::default());
    let search = Search {
        installation: Arc::new(installation.clone()),
        folder: folder.to_path_buf(),
        database: database.clone(),
        known: database::known(folder)?,
        expected: database::expected(folder, new_database)?,
        clock: Arc::clone(&wall),
        seed: ids.fork(),
    };
    let maker = IdMaker::new(ids.fork());
    let live = (feed.clone(), Arc::clone(&health));
    let mut outward = Outward::new(Arc::clone(&gates), live, maker, search.epoch());
    let mut held = VecDeque::new();
    let mut spill = Keeper::start(folder, &mut held);
    let waiting = Waiting {
        installation,
        folder: folder.to_path_buf(),
        gates: &gates,
        inlets: doors.inlets.clone(),
        outward: &mut outward,
        inbox: &mut doors.inbox,
        held: &mut held,
        spill: &mut spill,
        standstill: standstill.clone(),
        health: Arc::clone(&health),
        clock: Arc::clone(&clock),
    };
    let (found, let_in) = waiting.find(search, waits).await?;
    outward.begin_epoch(found.opened.epoch);
    Ok(Met {
        found,
        let_in,
        outward,
        held,
        spill,
        standstill,
        doors,
        gates,
        feed,
        health,
        clock,
        ended,
    })
}

/// Makes the state folder.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the state folder `{}`", folder.display()))
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
    let Options { state: folder, database, clock, seed, prometheus, .. } = options;
    let Options { ended, new_database, waits, .. } = options;
    let waits = waits.then(|| prometheus.clone());
    let start = Start { clock, seed, ended, new_database, waits };
    let awake = wake(installation, (&folder, &database), start).await?;
    let Awake { opened, undone, names, first, gates, let_in, health, feed, inlets, .. } = awake;
    let Awake { administration, ended, site_loop, loop_done, clock, importer, news, .. } = awake;
    let live = announce(&first, &administration, &health, clock.now()).await?;
    finding::note_gaps(&opened.lost, &administration).await?;

    // Gates are let in last, when everything that answers them is there.
    let (hub, raised) = match let_in {
        Some(LetIn { hub, raised }) => (hub, raised),
        None => {
            gates.let_in();
            let begun = (Arc::clone(&clock), opened.epoch);
            let links = waiting::links(installation, &folder, inlets, begun).await?;
            (gates.connected(links).clone(), None)
        }
    };
    undone.make_up(&hub, raised, opened.epoch);
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
    tasks.spawn(watch_links(Arc::clone(&hub), Arc::clone(&health), ended.clone()));
    let running = Running { hub, feed, reader, reload, ended, tasks, site_loop, loop_done };
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

/// Tells the health whether every link is up.
pub(crate) async fn watch_links(hub: Arc<Hub>, health: Arc<Health>, ended: CancellationToken) {
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
        tracing::error!(condition = "RULES_DEGRADED", "the rule set was refused:\n{message}");
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
