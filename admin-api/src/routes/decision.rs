//! `GET /api/v1/decisions/{id}`: one decision with its facts and everything that an auditor asks.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use domain::{decision::Decision, ids::DecisionId, remedy::Remedy, scope::Supplied};
use serde_json::{Value, json};

use crate::{
    guard::Asked,
    problem::{Problem, Refusal},
    server::App,
    view::{self, DecisionView},
    wording::Wording,
};

/// The decision, its facts, the values that it consulted, and the auditor's text.
pub(crate) async fn decision(
    State(app): State<Arc<App>>,
    asked: Asked,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id: Option<DecisionId> = path.ok().and_then(|Path(id)| id.parse().ok());
    let id = id.ok_or_else(|| asked.problem(bad_id()))?;
    let found = app.ask(app.shared.records.decision(id)).await;
    let found = found.map_err(|refusal| asked.problem(refusal))?;
    let decision = found.ok_or_else(|| asked.problem(Refusal::NotFound))?;
    let facts = decision.facts.as_ref().map(|facts| view::facts(facts, &app.shared.currency));
    let remedy = app.shared.remedies.of(&decision).await;
    let values: Vec<_> = decision.verdict.values.iter().map(supplied).collect();
    Ok(Json(json!({
        "decision": DecisionView::new(&decision, None, &asked.words),
        "facts": facts,
        "facts_version": decision.facts_version,
        "values": values,
        "missing": decision.verdict.missing,
        "would_open": remedy.map(|remedy| would_open(&remedy, &decision, &asked.words)),
        "auditor": asked.words.auditor(&decision),
    })))
}

/// The changes for programs, each with its sentence for people.
fn would_open(remedy: &Remedy, decision: &Decision, words: &Wording) -> Value {
    let changes = remedy.changes.iter().map(|change| {
        let sentence = words.change(decision, change);
        json!({ "does": change, "effort": change.effort(), "sentence": sentence })
    });
    json!({
        "changes": changes.collect::<Vec<_>>(),
        "stuck": remedy.stuck,
        "sentences": words.would_open(decision, remedy),
    })
}

fn bad_id() -> Refusal {
    let detail = "is not the id of a decision, such as `0198f0c2-7d1e-7a3b-9c55-0a4e6d2f8b11`";
    Refusal::BadRequest { part: "id", detail: detail.to_owned() }
}

fn supplied(supplied: &Supplied) -> Value {
    json!({
        "parameter": supplied.param.name(),
        "value": supplied.value.written(supplied.param),
        "scope": supplied.scope.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string),
    })
}
