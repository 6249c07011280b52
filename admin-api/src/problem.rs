//! Errors as problem details (RFC 9457), from one table.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::wording::Wording;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing of that name.
    NotFound,
    /// Only reading is possible.
    MethodNotAllowed,
    /// A part of the request does not fit: which, and what fits.
    BadRequest {
        /// The name of the part.
        part: &'static str,
        /// What fits.
        detail: String,
    },
    /// The request was sent to another name than this machine's own.
    HostNotLocal,
    /// All places for live feeds are taken.
    TooManyStreams,
    /// The store cannot be read.
    RecordsUnavailable,
}

impl Refusal {
    /// The one table: status and code.
    const fn row(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::BadRequest { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::HostNotLocal => (StatusCode::FORBIDDEN, "host_not_local"),
            Self::TooManyStreams => (StatusCode::SERVICE_UNAVAILABLE, "too_many_streams"),
            Self::RecordsUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "records_unavailable"),
        }
    }
}

/// A refusal in the language of whoever asked.
#[derive(Debug)]
pub(crate) struct Problem {
    refusal: Refusal,
    title: String,
    instance: String,
}

impl Problem {
    pub(crate) fn new(refusal: Refusal, words: &Wording, path: &str) -> Self {
        let title = words.word(&format!("problem-{}", refusal.row().1));
        Self { refusal, title, instance: path.to_owned() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.refusal.row();
        let mut body = json!({
            "type": format!("urn:kari:problem:{code}"),
            "title": self.title,
            "status": status.as_u16(),
            "code": code,
            "instance": self.instance,
        });
        if let Refusal::BadRequest { part, detail } = &self.refusal {
            body["detail"] = json!(format!("{part}: {detail}"));
            body["errors"] = json!([{ "pointer": format!("#/{part}"), "detail": detail }]);
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        let problem = header::HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
