//! What would open it: worked out from the record when somebody asks, beside the loop, by the rules
//! that decided.

use std::sync::{Arc, Mutex, PoisonError};

use admin_api::records;
use domain::{
    decision::Decision,
    facts::Policy as _,
    remedy::{Remedy, remedy},
};
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use rules::set::RuleSet;
use store::reader::Reader;

use crate::values;

/// Works out remedies from the records of one site.
#[derive(Clone)]
pub(crate) struct Remedies {
    reader: Reader,
    zone: TimeZone,
    /// The set that was asked for last: mostly the one in force.
    last: Arc<Mutex<Option<Arc<RuleSet>>>>,
}

impl Remedies {
    /// Of the records behind `reader`, in a site of this time zone.
    pub(crate) fn new(reader: Reader, zone: TimeZone) -> Self {
        Self { reader, zone, last: Arc::default() }
    }

    /// What would have opened a decision.
    pub(crate) async fn look(&self, decision: &Decision) -> Option<Remedy> {
        if decision.verdict.outcome.opens() || decision.facts.is_none() {
            return None;
        }
        let seen = decision.seen.clone()?;
        let set = self.rule_set(&decision.rule_set).await?;
        let values = values::above(set.values(), &self.reader.params().await.ok()?);
        let zone = self.zone.clone();
        let asked =
            tokio::task::spawn_blocking(move || remedy(&seen, (set.as_ref(), &values), &zone));
        asked.await.ok().flatten()
    }

    async fn rule_set(&self, hash: &str) -> Option<Arc<RuleSet>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(set) = last.filter(|set| set.hash() == hash) {
            return Some(set);
        }
        let texts = match self.reader.rule_set(hash).await {
            Ok(texts) => texts?,
            Err(error) => {
                tracing::warn!(%error, "the rules of a decision cannot be read");
                return None;
            }
        };
        let loaded = tokio::task::spawn_blocking(move || rules::load::recorded(texts)).await;
        let set = Arc::new(loaded.ok()?.ok()?);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&set));
        Some(set)
    }
}

impl records::Remedies for Remedies {
    fn of(&self, decision: &Decision) -> BoxFuture<'_, Option<Remedy>> {
        let decision = decision.clone();
        Box::pin(async move { self.look(&decision).await })
    }
}
