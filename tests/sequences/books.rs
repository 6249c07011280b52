//! The money of a sequence, added up once more.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ids::AccountId, money::Money, rows::Spending};
use tests::world::World;

use crate::surroundings::Surroundings;

/// What a visit costs; nothing of it in an emergency.
const CHARGES: &[&str] = &["entry:", "surcharge:", "overstay:", "locker:"];

/// Every account by its postings, and every key that was booked.
#[derive(Default)]
pub(crate) struct Books {
    balances: BTreeMap<AccountId, i64>,
    keys: BTreeSet<String>,
}

impl Books {
    /// The balances that a site begins with.
    pub(crate) fn begins(&mut self, world: &World) {
        let rows = world.state.tables.accounts.iter();
        self.balances = rows.map(|(id, row)| (*id, row.balance.minor())).collect();
    }

    /// Each transaction adds up, is booked once, and charges nobody in an emergency.
    pub(crate) fn booked(
        &mut self,
        world: &World,
        around: &Surroundings,
        tally: &mut BTreeMap<String, u64>,
    ) -> Result<(), String> {
        for booked in &world.last.transactions {
            let sum: i64 = booked.postings.iter().map(|posting| posting.amount.minor()).sum();
            if sum != 0 {
                return Err(format!("does not add up: {booked:?}"));
            }
            if !self.keys.insert(booked.key.clone()) {
                return Err(format!("booked twice: {booked:?}"));
            }
            let word = booked.key.split(':').next().unwrap_or_default();
            *tally.entry(format!("booked: {word}")).or_default() += 1;
            let charge = CHARGES.iter().any(|what| booked.key.starts_with(what));
            if charge && around.in_emergency(around.real(booked.at)) {
                return Err(format!("charged in an emergency: {booked:?}"));
            }
            for posting in &booked.postings {
                *self.balances.entry(posting.account).or_default() += posting.amount.minor();
            }
        }
        for (id, balance) in &self.balances {
            let known = world.state.tables.accounts.peek(id).map_or(0, |row| row.balance.minor());
            if known != *balance {
                return Err(format!("{id} has {known}, and its postings add up to {balance}"));
            }
        }
        Ok(())
    }

    /// Nothing is promised any more.
    pub(crate) fn nothing_promised(world: &World, around: &Surroundings) -> Result<(), String> {
        let tables = &world.state.tables;
        if let Some((id, row)) = tables.accounts.iter().find(|(_, row)| !row.reserved.is_zero()) {
            return Err(format!("{} of {id} is promised for ever", row.reserved.minor()));
        }
        if let Some((_, row)) = tables.passes.iter().find(|(_, row)| row.visits_reserved > 0) {
            return Err(format!("visits are promised for ever: {row:?}"));
        }
        if let Some((_, row)) = tables.visits.iter().find(|(_, row)| row.promised > 0) {
            return Err(format!("visits count for ever: {row:?}"));
        }
        // A clock that was set to another day leaves what was promised to the day that it showed.
        let same_day = !around.is_set();
        let promised = |row: &Spending| same_day && row.promised > Money::ZERO;
        match tables.spending.iter().find(|(_, row)| promised(row)) {
            Some((_, row)) => Err(format!("spending is promised for ever: {row:?}")),
            None => Ok(()),
        }
    }
}
