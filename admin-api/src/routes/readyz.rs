//! `GET /readyz`: whether the daemon can decide as it should; else what is missing.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::server::App;

/// 200 when database, rules and links are there, else 503 with the names of what is missing.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let missing = app.shared.health.look().missing();
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": missing.is_empty(), "missing": missing }))).into_response()
}
