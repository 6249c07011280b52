//! `GET /api/v1/decisions?limit=&cursor=`: decisions, the latest first.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    guard::Asked,
    problem::{Problem, Refusal},
    server::App,
    view::DecisionView,
};

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// What may be asked.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    limit: Option<String>,
    cursor: Option<String>,
}

/// A page of decisions, and the cursor of the next one.
pub(crate) async fn decisions(
    State(app): State<Arc<App>>,
    asked: Asked,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Problem> {
    let (limit, before) = read(query).map_err(|refusal| asked.problem(refusal))?;
    let found = app.ask(app.shared.records.latest(limit, before)).await;
    let found = found.map_err(|refusal| asked.problem(refusal))?;
    let daemon = app.shared.daemon;
    let view = |(seq, decision): &(u64, _)| {
        DecisionView::new(decision, Some(format!("{daemon}-{seq}")), &asked.words)
    };
    let items: Vec<_> = found.iter().map(view).collect();
    let full = items.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|(seq, _)| seq.to_string());
    let body = Json(json!({ "items": items, "next_cursor": next }));
    Ok(match next {
        Some(next) => {
            let link = format!("</api/v1/decisions?limit={limit}&cursor={next}>; rel=\"next\"");
            ([(header::LINK, link)], body).into_response()
        }
        None => body.into_response(),
    })
}

fn read(query: Result<Query<Page>, QueryRejection>) -> Result<(u32, Option<u64>), Refusal> {
    let bad = |part, detail: String| Refusal::BadRequest { part, detail };
    let Query(page) = query.map_err(|fault| bad("query", fault.body_text()))?;
    let limit = match page.limit.as_deref() {
        None => LIMIT,
        Some(text) => match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => limit,
            _ => return Err(bad("limit", format!("is a whole number from 1 to {LIMIT_MAX}"))),
        },
    };
    let before = page.cursor.map(|text| text.parse::<u64>()).transpose();
    let before =
        before.map_err(|_| bad("cursor", "is the `next_cursor` of the page before".into()))?;
    Ok((limit, before))
}
