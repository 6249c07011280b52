//! What holds for every request: who may ask, and what a browser may do with the answer.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderName, HeaderValue, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    problem::{Problem, Refusal},
    server::App,
    wording::{
        Wording,
        language::{self, Language},
    },
};

/// No script, style or picture but our own files, no frame, no form.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same headers on every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Refuses what was sent to a foreign name, and puts the headers on the answer.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = if is_local(&request) {
        next.run(request).await
    } else {
        let (parts, _) = request.into_parts();
        let asked = Asked::of(&parts, &app);
        asked.problem(Refusal::HostNotLocal).into_response()
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page on another site can make a browser send requests to a loopback address under a name of
/// its own (DNS rebinding), but it cannot choose the name `localhost`.
fn is_local(request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let named = request.uri().host().or_else(|| header.map(without_port));
    named.is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Who asks: the language of the answer, and the path for problems.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) words: Wording,
    path: String,
}

impl Asked {
    fn of(parts: &Parts, app: &App) -> Self {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|text| text.to_str().ok());
        let language = language_of(&parts.uri)
            .or_else(|| header.and_then(language::accepted))
            .unwrap_or(app.shared.language);
        Self { words: app.words(language), path: parts.uri.path().to_owned() }
    }

    pub(crate) fn problem(&self, refusal: Refusal) -> Problem {
        Problem::new(refusal, &self.words, &self.path)
    }
}

fn language_of(uri: &Uri) -> Option<Language> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.strip_prefix("lang=")).find_map(language::parse)
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, app))
    }
}
