//! The listener: who may connect, for how long, and all routes on one page.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, middleware, routing::get};
use domain::{
    money::Currency,
    time::{Clock, Timestamp},
};
use futures_util::future::BoxFuture;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jiff::tz::TimeZone;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
    task::{AbortHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::FeedItem,
    guard::guard,
    health::Health,
    records::{Records, RecordsFault, Remedies},
    routes,
    wording::{Wording, language::Language},
};

/// Live feeds at one time; a browser tab holds one.
pub const STREAMS_MAX: usize = 64;
/// Connections at one time; what is above the live feeds is left for health and metrics.
pub const CONNECTIONS_MAX: usize = 256;

/// From a connection to the end of a request's head, and between two requests of a connection.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// Between two tries while the system gives no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A cause that lasts is told this often.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// How long the store may take.
const RECORDS_DEADLINE: Duration = Duration::from_secs(5);
/// How long open connections may take to end at a stop.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// The handles that the daemon fills.
pub struct Shared {
    /// The site's name for people.
    pub site: String,
    /// This daemon's number in the database: the first half of every feed id.
    pub daemon: u64,
    /// The epoch of this run.
    pub epoch: u64,
    /// The program's version.
    pub version: &'static str,
    /// The language for those who ask for none.
    pub language: Language,
    /// The currency of the site's money.
    pub currency: Currency,
    /// The zone of the site's local time.
    pub time_zone: TimeZone,
    /// What is told live, after the commit.
    pub feed: broadcast::Sender<Arc<FeedItem>>,
    /// The health.
    pub health: Arc<Health>,
    /// The records.
    pub records: Arc<dyn Records>,
    /// What would open.
    pub remedies: Arc<dyn Remedies>,
    /// The metrics.
    pub prometheus: PrometheusHandle,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why the listener cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is reachable from other machines.
    #[error("`{0}` is reachable from other machines; use 127.0.0.1 or [::1] for the read-only API")]
    NotLoopback(std::net::SocketAddr),
    /// The listener's address cannot be read.
    #[error("the address of the API's listener cannot be read: {0}")]
    Address(#[source] io::Error),
}

/// What every request sees.
pub(crate) struct App {
    pub(crate) shared: Shared,
    pub(crate) started: Timestamp,
    pub(crate) stop: CancellationToken,
    streams: Arc<Semaphore>,
}

impl App {
    /// Sentences in `language` for this site.
    pub(crate) fn words(&self, language: Language) -> Wording {
        let shared = &self.shared;
        Wording::new(language, shared.currency.clone(), shared.time_zone.clone())
    }

    /// A place for a live feed, if one is free.
    pub(crate) fn stream_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// How many live feeds are open.
    pub(crate) fn streams_open(&self) -> usize {
        STREAMS_MAX.saturating_sub(self.streams.available_permits())
    }

    /// Asks the records, for a bounded time.
    pub(crate) async fn ask<T>(
        &self,
        answer: BoxFuture<'_, Result<T, RecordsFault>>,
    ) -> Result<T, crate::problem::Refusal> {
        let fault = match tokio::time::timeout(RECORDS_DEADLINE, answer).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(%fault, "the records cannot be read");
        Err(crate::problem::Refusal::RecordsUnavailable)
    }
}

/// Serves until `stop` is cancelled, then ends open connections.
///
/// # Errors
/// When the listener is not on a loopback address. A failed `accept` is logged, once a minute, and
/// tried again.
pub async fn serve(
    listener: TcpListener,
    shared: Shared,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Address)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let started = shared.clock.now();
    let streams = Arc::new(Semaphore::new(STREAMS_MAX));
    let router = router(Arc::new(App { shared, started, stop: stop.clone(), streams }));
    let mut connections = JoinSet::new();
    // Those that have not asked for anything yet, the oldest first.
    let mut silent: VecDeque<(Arc<AtomicBool>, AbortHandle)> = VecDeque::new();
    let mut told: Option<Instant> = None;
    loop {
        silent.retain(|(asked, task)| !asked.load(Ordering::Relaxed) && !task.is_finished());
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let full = connections.len() >= CONNECTIONS_MAX;
                    // Whoever has asked for nothing gives way.
                    let place = !full || silent.pop_front().is_some_and(|(_, oldest)| {
                        oldest.abort();
                        true
                    });
                    if full {
                        metrics::counter!("kari_http_connections_refused_total").increment(1);
                    }
                    if place {
                        let asked = Arc::new(AtomicBool::new(false));
                        let service = (router.clone(), Arc::clone(&asked));
                        let task = connections.spawn(connection(stream, service, stop.clone()));
                        silent.push_back((asked, task));
                    }
                }
                Err(error) => {
                    if told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
                        told = Some(Instant::now());
                        tracing::warn!(%error, "the API takes no connection; it is tried again");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_DEADLINE, ended).await.is_err() {
        tracing::debug!("open connections to the API are cut");
    }
    Ok(())
}

/// Every route.
fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(routes::page::page))
        .route("/assets/desk.css", get(routes::page::style))
        .route("/assets/door.svg", get(routes::page::icon))
        .route("/assets/desk.js", get(routes::page::script))
        .route("/healthz", get(routes::healthz::healthz))
        .route("/readyz", get(routes::readyz::readyz))
        .route("/metrics", get(routes::metrics::metrics))
        .route("/api/v1/status", get(routes::status::status))
        .route("/api/v1/decisions", get(routes::decisions::decisions))
        .route("/api/v1/decisions/live", get(routes::live::live))
        .route("/api/v1/decisions/{id}", get(routes::decision::decision))
        .fallback(routes::not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Serves one connection. `axum::serve` would set no limit for the head of a request.
async fn connection(
    stream: TcpStream,
    (router, asked): (Router, Arc<AtomicBool>),
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection to the API ended at once");
        return;
    }
    let router = router.layer(middleware::map_request(move |request: Request| {
        asked.store(true, Ordering::Relaxed);
        std::future::ready(request)
    }));
    let service = TowerToHyperService::new(router);
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API ended early");
    }
}

#[cfg(test)]
mod tests;
