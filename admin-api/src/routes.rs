//! The routes: one endpoint, one file. To add one: a file here, a line in `server::router`, and a
//! row in the table of `server::tests` that asks every route.

use crate::{
    guard::Asked,
    problem::{Problem, Refusal},
};

pub(crate) mod decision;
pub(crate) mod decisions;
pub(crate) mod healthz;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod readyz;
pub(crate) mod status;

/// No such path.
pub(crate) async fn not_found(asked: Asked) -> Problem {
    asked.problem(Refusal::NotFound)
}

/// Nothing here is written.
pub(crate) async fn method_not_allowed(asked: Asked) -> Problem {
    asked.problem(Refusal::MethodNotAllowed)
}
