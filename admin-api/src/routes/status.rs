//! `GET /api/v1/status`: the rule set in force, the last one refused, links, uptime.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::{guard::Asked, health::HealthState, server::App, wording::Wording};

/// The daemon's state now.
pub(crate) async fn status(State(app): State<Arc<App>>, asked: Asked) -> Json<Value> {
    Json(view(&app, &app.shared.health.look(), &asked.words))
}

/// The same for the page's banner, which the live feed keeps up to date.
pub(super) fn view(app: &App, health: &HealthState, words: &Wording) -> Value {
    let shared = &app.shared;
    let when = |at: &Timestamp| json!({ "at": at.to_string(), "local": words.date_time(*at) });
    let links = health.links.iter().map(|(name, up)| json!({ "name": name, "up": up }));
    json!({
        "site": shared.site,
        "version": shared.version,
        "daemon": shared.daemon.to_string(),
        "epoch": shared.epoch,
        "started": app.started.to_string(),
        "uptime_seconds": shared.clock.now().since(app.started).whole_seconds(),
        "database": health.database,
        "links": links.collect::<Vec<_>>(),
        "missing": health.missing(),
        "rules": {
            "live": health.rules.live.as_ref().map(|(hash, since)| json!({
                "hash": hash, "since": when(since),
            })),
            "refused": health.rules.refused.as_ref().map(|(message, at)| json!({
                "message": message, "when": when(at),
            })),
        },
        "commands_failed": {
            "count": health.failures.count,
            "last": health.failures.last.as_ref().map(|(at, device, why)| json!({
                "when": when(at), "device": device, "why": why,
            })),
        },
        "live_feeds": app.streams_open(),
    })
}
