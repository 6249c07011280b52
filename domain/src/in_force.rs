//! The values in force: those of the rule files, and above them those that somebody set since.

use std::sync::Arc;

use crate::{facts::Policy, scope::ParamTable, state::State};

/// The values of one rule set with those of the database above them.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// Which rule set they were made of: its hash, and where its own values stand.
    of: Option<(String, usize)>,
    table: Arc<ParamTable>,
}

impl State {
    /// The values in force beside the rules of `policy`.
    #[must_use]
    pub fn values(&mut self, policy: &dyn Policy) -> Arc<ParamTable> {
        let place = std::ptr::from_ref(policy.values()).addr();
        let known = self.in_force.of.as_ref();
        if known.is_none_or(|(hash, known)| (hash.as_str(), *known) != (policy.hash(), place)) {
            let mut table = policy.values().clone();
            for (key, row) in self.tables.params.iter() {
                table.set(key.param, key.scope.clone(), row.value.clone());
            }
            let of = Some((policy.hash().to_owned(), place));
            self.in_force = InForce { of, table: Arc::new(table) };
        }
        Arc::clone(&self.in_force.table)
    }

    /// A value of the database changed.
    pub(crate) fn forget_values(&mut self) {
        self.in_force = InForce::default();
    }
}
