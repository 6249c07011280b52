//! `GET /healthz`: the process is alive and answers.

/// Says that the process answers, and nothing more.
pub(crate) async fn healthz() -> &'static str {
    "alive\n"
}
