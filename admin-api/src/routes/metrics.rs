//! `GET /metrics`: Prometheus text.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::server::App;

/// The metrics in the text format 0.0.4.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    metrics::gauge!("kari_live_feeds").set(u32::try_from(app.streams_open()).unwrap_or(u32::MAX));
    let text = app.shared.prometheus.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
