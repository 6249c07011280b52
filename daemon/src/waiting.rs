//! A start without its database: gates are let in, exits open and entries are refused, health and
//! socket say what is missing, and the database is asked again until it is there.

use std::{collections::VecDeque, path::PathBuf, pin::pin, sync::Arc};

use admin_api::{
    health::Health,
    records::{Answer, Records, RecordsFault, Remedies},
    server::{Shared, serve},
    wording::language::Language,
};
use anyhow::Context;
use devices::{arrival::Inlets, hub::Hub};
use domain::{decision::Decision, ids::DecisionId, remedy::Remedy, time::Clock};
use futures_util::{FutureExt, future::BoxFuture};
use metrics_exporter_prometheus::PrometheusHandle;
use store::{
    error::{OpenError, ReadError},
    trouble::Trouble,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, UnixListener, UnixStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SiteClock,
    config::Installation,
    database::Known,
    finding::{Found, Search},
    intake::{Inbox, Taken},
    outward::{Gates, Outward},
    pins,
    running::watch_links,
    socket::{self, LINE_MAX, Question, Reply},
    spill::Keeper,
    stall::{StandIn, Standstill},
    undone,
};

/// What is there before the database is.
pub(crate) struct Waiting<'a> {
    /// The site.
    pub(crate) installation: &'a Installation,
    /// The state folder.
    pub(crate) folder: PathBuf,
    /// The gates, which are let in then.
    pub(crate) gates: &'a Gates,
    /// Where what they say goes.
    pub(crate) inlets: Inlets,
    /// What answers devices.
    pub(crate) outward: &'a mut Outward,
    /// What comes in.
    pub(crate) inbox: &'a mut Inbox,
    /// What is to be decided afterwards.
    pub(crate) held: &'a mut VecDeque<Taken>,
    /// Where it is kept until then.
    pub(crate) spill: &'a mut Option<Keeper>,
    /// What is known of the database.
    pub(crate) standstill: Standstill,
    /// The health.
    pub(crate) health: Arc<Health>,
    /// The time.
    pub(crate) clock: Arc<SiteClock>,
}

/// The links of a start that waited for its database.
pub(crate) struct LetIn {
    /// The links.
    pub(crate) hub: Arc<Hub>,
    /// The release for an emergency of the last run, where nobody knows whether it goes on.
    pub(crate) raised: Option<u64>,
}

/// The cause of an error that a start gets over by waiting. A site that never ran waits only for
/// what passes by itself: whoever sets it up looks at it and corrects the settings.
pub(crate) fn cause(error: &anyhow::Error, known: Option<&Known>) -> Option<Trouble> {
    let opening = error.downcast_ref::<OpenError>().and_then(OpenError::trouble);
    let reading = || error.downcast_ref::<ReadError>().map(ReadError::trouble);
    let trouble = opening.or_else(reading)?;
    let passes = if known.is_some() { trouble.passes() } else { trouble.passes_by_itself() };
    passes.then_some(trouble)
}

impl Waiting<'_> {
    /// Finds what a start needs. Where the database is away and there are metrics to serve, gates
    /// are let in without it, and their links come back with what was found.
    ///
    /// # Errors
    /// Something that does not pass, or a stop.
    pub(crate) async fn find(
        self,
        search: Search,
        metrics: Option<PrometheusHandle>,
    ) -> anyhow::Result<(Found, Option<LetIn>)> {
        let error = match search.clone().find().await {
            Ok(found) => return Ok((found, None)),
            Err(error) => error,
        };
        let cause = cause(&error, search.known.as_ref());
        let (Some(trouble), Some(prometheus)) = (cause, metrics) else { return Err(error) };
        self.gates.let_in();
        let begun = (Arc::clone(&search.clock), search.epoch());
        let links = links(self.installation, &self.folder, self.inlets.clone(), begun).await?;
        let hub = Arc::clone(self.gates.connected(links));
        // Whether it goes on the database knows; until then released stays released.
        let source = undone::fire(self.held)
            .or_else(|| self.spill.as_ref()?.latched().map(|row| row.source.clone()));
        let raised = source.and_then(|source| hub.emergency().raise_again(&source));
        match self.wait((trouble, error), search, (&hub, prometheus)).await {
            Ok(found) => Ok((found, Some(LetIn { hub, raised }))),
            Err(error) => {
                hub.stop().await;
                Err(error)
            }
        }
    }

    /// Serves without the database until `search` finds it.
    async fn wait(
        self,
        (trouble, error): (Trouble, anyhow::Error),
        search: Search,
        (hub, prometheus): (&Arc<Hub>, PrometheusHandle),
    ) -> anyhow::Result<Found> {
        self.standstill.report(trouble, &format!("{error:#}"));
        tell!(
            "kari: {} waits for its database; exits open, entries and tills are refused",
            self.installation.site.name
        );
        let over = self.inbox.shutdown.child_token();
        let tasks = TaskTracker::new();
        self.open_doors(prometheus, &tasks, &over).await;
        let known = search.known;
        let standstill = self.standstill.clone();
        let mut work = pin!(async {
            loop {
                tokio::time::sleep(standstill.pause()).await;
                // Reading a large site takes its time, and gates are answered meanwhile.
                let (search, runtime) = (search.clone(), tokio::runtime::Handle::current());
                let found = tokio::task::spawn_blocking(move || runtime.block_on(search.find()));
                let error = match found.await? {
                    Ok(found) => return Ok(found),
                    Err(error) => error,
                };
                let Some(trouble) = cause(&error, known.as_ref()) else { return Err(error) };
                standstill.report(trouble, &format!("{error:#}"));
            }
        });
        tasks.spawn(watch_links(Arc::clone(hub), Arc::clone(&self.health), over.clone()));
        let clock = self.clock.as_ref();
        let mut stand_in =
            StandIn::new(&mut *self.outward, clock, &self.standstill, &mut *self.spill);
        let found = stand_in.wait_for(work.as_mut(), self.inbox, self.held).await;
        over.cancel();
        tasks.close();
        tasks.wait().await;
        match found {
            Ok(found) => found,
            Err(_) => {
                if let Some(spill) = self.spill.take() {
                    spill.end(std::mem::take(self.held).into());
                }
                anyhow::bail!("it was stopped while it waited for its database")
            }
        }
    }

    /// Health, metrics and the socket. Where one of them cannot be had, the gates go on without.
    async fn open_doors(
        &self,
        prometheus: PrometheusHandle,
        tasks: &TaskTracker,
        over: &CancellationToken,
    ) {
        let site = &self.installation.site;
        let shared = Shared {
            site: site.name.clone(),
            daemon: 0,
            version: env!("CARGO_PKG_VERSION"),
            language: Language::En,
            feed: admin_api::feed::feed(),
            health: Arc::clone(&self.health),
            records: Arc::new(Nothing),
            remedies: Arc::new(Nothing),
            prometheus,
            currency: site.currency.clone(),
            time_zone: site.time_zone.clone(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            epoch: 0,
        };
        match TcpListener::bind(self.installation.admin).await {
            Ok(api) => drop(tasks.spawn(serve(api, shared, over.clone()))),
            Err(error) => tracing::warn!(%error, "health and metrics cannot be served"),
        }
        match socket::listen(&self.folder.join("kari.sock")) {
            Ok(listener) => {
                drop(tasks.spawn(refuse(listener, Arc::clone(&self.health), over.clone())));
            }
            Err(error) => tracing::warn!(%error, "commands cannot be answered"),
        }
    }
}

/// The records of a database that is away.
struct Nothing;

fn away<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, RecordsFault>> {
    async { Err(RecordsFault("the database is away".to_owned())) }.boxed()
}

impl Records for Nothing {
    fn decision(&self, _: DecisionId) -> BoxFuture<'_, Result<Option<Decision>, RecordsFault>> {
        away()
    }

    fn after(&self, _: u64, _: u32) -> BoxFuture<'_, Answer> {
        away()
    }

    fn latest(&self, _: u32, _: Option<u64>) -> BoxFuture<'_, Answer> {
        away()
    }
}

impl Remedies for Nothing {
    fn of(&self, _: &Decision) -> BoxFuture<'_, Option<Remedy>> {
        async { None }.boxed()
    }
}

/// Answers commands: how it is, and that nothing else can be done.
async fn refuse(listener: UnixListener, health: Arc<Health>, over: CancellationToken) {
    while let Some(Ok((stream, _))) = over.run_until_cancelled(listener.accept()).await {
        // One after the other: each has its second.
        let brief = tokio::time::timeout(std::time::Duration::from_secs(1), reply(stream, &health));
        if !matches!(brief.await, Ok(Ok(()))) {
            tracing::debug!("a caller of the socket went away");
        }
    }
}

async fn reply(mut stream: UnixStream, health: &Health) -> anyhow::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(LINE_MAX)).read_line(&mut line).await?;
    let look = health.look();
    let reply = match serde_json::from_str::<Question>(&line) {
        Ok(Question::Status) => Reply::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            missing: look.missing(),
            rule_set: None,
            refused: None,
        },
        _ => {
            let cause = look.database_trouble.unwrap_or("away");
            let why = format!(
                "nothing was done: the daemon waits for its database ({cause}); the log says \
                 what to do"
            );
            Reply::Refused { why }
        }
    };
    let text = format!("{}\n", serde_json::to_string(&reply)?);
    write.write_all(text.as_bytes()).await.context("the answer cannot be written")
}

/// The links of a site that waits for its database.
///
/// # Errors
/// They cannot be started.
pub(crate) async fn links(
    installation: &Installation,
    folder: &std::path::Path,
    inlets: Inlets,
    (clock, epoch): (Arc<dyn Clock>, u64),
) -> anyhow::Result<Arc<Hub>> {
    let mut links = installation.links.clone();
    links.pins = pins::key(folder)?;
    Ok(Arc::new(Hub::start(links, inlets, clock, epoch).await?))
}
