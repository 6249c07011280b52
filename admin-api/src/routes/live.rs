//! `GET /api/v1/decisions/live`: decisions as they fall (server-sent events).
//!
//! A reader that comes back with `Last-Event-ID` gets what it missed from the records, then the
//! live feed. One that is too slow for the feed is told so by a `gap` event and catches up from the
//! records. Nothing is kept for a reader beside the feed's own ring and one page of records.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use domain::decision::Decision;
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError, watch};

use super::status;
use crate::{
    feed::{FeedItem, News},
    guard::Asked,
    health::HealthState,
    problem::{Problem, Refusal},
    server::App,
    view::DecisionView,
    wording::Wording,
};

const HEARTBEAT: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(2);
const PAGE: u32 = 100;

/// What may be asked.
#[derive(Debug, Deserialize)]
pub(crate) struct From {
    after: Option<String>,
}

/// Opens a live feed; `?after=` is for a first connection, for which a browser sends no
/// `Last-Event-ID`.
pub(crate) async fn live(
    State(app): State<Arc<App>>,
    asked: Asked,
    headers: HeaderMap,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let after = place(&headers, query).map_err(|refusal| asked.problem(refusal))?;
    let place = app.stream_place().ok_or_else(|| asked.problem(Refusal::TooManyStreams))?;
    let reader = Reader::open(app, asked.words.clone(), place, after).await;
    let reader = reader.map_err(|refusal| asked.problem(refusal))?;
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// The feed id that the reader saw last: daemon and number.
fn place(
    headers: &HeaderMap,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Option<(u64, u64)>, Refusal> {
    let bad = |detail: String| Refusal::BadRequest { part: "after", detail };
    let Query(From { after }) = query.map_err(|fault| bad(fault.body_text()))?;
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?").to_owned());
    let Some(text) = header.or(after).filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = text
        .split_once('-')
        .and_then(|(daemon, seq)| Some((daemon.parse().ok()?, seq.parse().ok()?)));
    read.map(Some).ok_or_else(|| bad("is the id of an event of this feed, such as `1-42`".into()))
}

/// One reader of the feed.
struct Reader {
    app: Arc<App>,
    words: Wording,
    feed: broadcast::Receiver<Arc<FeedItem>>,
    health: watch::Receiver<HealthState>,
    /// The number of the last decision that was told.
    last: u64,
    /// Whether the records may have decisions after `last` that the feed does not bring any more.
    behind: bool,
    ready: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Subscribes first and looks at the records after, so that nothing falls in between.
    async fn open(
        app: Arc<App>,
        words: Wording,
        place: OwnedSemaphorePermit,
        after: Option<(u64, u64)>,
    ) -> Result<Self, Refusal> {
        let feed = app.shared.feed.subscribe();
        let health = app.shared.health.watch();
        let newest = app.ask(app.shared.records.latest(1, None)).await?;
        let newest = newest.first().map_or(0, |(seq, _)| *seq);
        let known = after.filter(|(daemon, seq)| *daemon == app.shared.daemon && *seq <= newest);
        let mut reader = Self {
            app,
            words,
            feed,
            health,
            last: known.map_or(newest, |(_, seq)| seq),
            behind: known.is_some(),
            ready: VecDeque::new(),
            _place: place,
        };
        reader.tell_status(Some(RETRY));
        if after.is_some() && known.is_none() {
            // An id of another daemon, or of records that were restored to an older state.
            reader.tell("gap", json!({ "skipped": null }));
        }
        Ok(reader)
    }

    /// The next event; none once the daemon stops.
    async fn next(&mut self) -> Option<Event> {
        let app = Arc::clone(&self.app);
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.behind {
                if self.catch_up().await.is_err() {
                    return None;
                }
                continue;
            }
            tokio::select! {
                () = app.stop.cancelled() => return None,
                changed = self.health.changed() => {
                    changed.ok()?;
                    self.tell_status(None);
                }
                item = self.feed.recv() => match item {
                    Ok(item) => self.tell_item(&item),
                    Err(RecvError::Lagged(skipped)) => {
                        metrics::counter!("kari_live_gaps_total").increment(1);
                        self.tell("gap", json!({ "skipped": skipped }));
                        self.behind = true;
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// One page from the records; the reader comes back by its last id if they cannot be read.
    async fn catch_up(&mut self) -> Result<(), Refusal> {
        let app = Arc::clone(&self.app);
        let found = app.ask(app.shared.records.after(self.last, PAGE)).await?;
        self.behind = found.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        for (seq, decision) in &found {
            self.tell_decision(*seq, decision);
        }
        Ok(())
    }

    fn tell_item(&mut self, item: &FeedItem) {
        match &item.news {
            News::Decided(decision) if item.seq > self.last => {
                self.tell_decision(item.seq, decision);
            }
            News::Decided(_) => {}
            News::Noted { at, device, condition, decision, detail } => {
                let mut sentence = self.words.condition(*condition);
                if !detail.is_empty() {
                    sentence = format!("{sentence}: {detail}");
                }
                let view = json!({
                    "at": at.to_string(),
                    "time": self.words.clock_time(*at),
                    "gate": device.as_ref().map(ToString::to_string),
                    "condition": condition,
                    "sentence": sentence,
                    "decision": decision.map(|id| id.to_string()),
                });
                self.tell("condition", view);
            }
        }
    }

    fn tell_decision(&mut self, seq: u64, decision: &Decision) {
        let id = format!("{}-{seq}", self.app.shared.daemon);
        let view = DecisionView::new(decision, Some(id.clone()), &self.words);
        self.last = seq;
        match Event::default().event("decision").id(id).json_data(view) {
            Ok(event) => self.ready.push_back(event),
            Err(error) => tracing::error!(%error, "a decision could not be written as JSON"),
        }
    }

    fn tell_status(&mut self, retry: Option<Duration>) {
        let health = self.health.borrow_and_update().clone();
        let view = status::view(&self.app, &health, &self.words);
        let mut event = Event::default().event("status").data(view.to_string());
        if let Some(pause) = retry {
            event = event.retry(pause);
        }
        self.ready.push_back(event);
    }

    fn tell(&mut self, name: &str, data: Value) {
        self.ready.push_back(Event::default().event(name).data(data.to_string()));
    }
}
