//! Rows of balances: what a wallet is to hold.

use domain::{money::Money, state::ImportRow, time::Timestamp};

use super::{Made, Reading, Wrong};
use crate::import::cells::{Cells, instant, whole};

impl Reading<'_> {
    pub(super) fn balance(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let member = cells.need("member", |text| self.known.holder(whole(text)?));
        let balance = cells.need("balance", |text| self.amount(text));
        let debt_since = self.debt_since(&mut cells);
        dated_debt(balance, debt_since, &mut cells);
        if let Some(member) = member {
            let what = "member: this member's balance";
            self.once(&mut cells, (format!("balance {member}"), line), what);
        }
        let account = member.and_then(|member| self.known.members.get(&member));
        let account = account.map(|known| known.account);
        if member.is_some() && account.is_none() {
            cells.wrong("member: this member has no wallet");
        }
        let wallet = account.and_then(|account| self.known.wallets.get(&account));
        let held = wallet.map_or(Money::ZERO, |wallet| wallet.balance);
        let dated = wallet.is_some_and(|wallet| wallet.debt_since.is_some());
        let what = format!("a balance of {}", self.site.currency.exact(held));
        let skipped = !held.is_zero() && self.there(&mut cells, "balance", &what);
        cells.finish()?;
        let (Some(account), Some(balance)) = (account, balance) else { return Ok(Made::Skipped) };
        let amount = balance - held;
        // What is there already is neither booked nor dated once more.
        if skipped || (amount.is_zero() && !held.is_zero() && (dated || debt_since.is_none())) {
            return Ok(Made::Skipped);
        }
        let key = format!("{}:{line}", self.import);
        let row = vec![ImportRow::Opening { key, account, amount, debt_since }];
        Ok(if held.is_zero() { Made::New(row) } else { Made::Changed(row) })
    }
    /// Since when something is owed, which is never yet to come. First data is read as of other
    /// days too: a simulated month begins before its debts.
    pub(super) fn debt_since(&self, cells: &mut Cells<'_>) -> Option<Timestamp> {
        let latest = (!self.import.is_empty()).then_some(self.now);
        cells.read("debt_since", |text| match instant(text)? {
            since if latest.is_some_and(|now| since > now) => {
                Err(format!("`{text}` is yet to come; say since when it is owed"))
            }
            since => Ok(since),
        })
    }
}

/// Refuses a day of a debt where there is none.
pub(super) fn dated_debt(balance: Option<Money>, since: Option<Timestamp>, cells: &mut Cells<'_>) {
    let owes = balance.is_some_and(|balance| balance < Money::ZERO) || cells.is_bad(&["balance"]);
    if since.is_some() && !owes {
        cells.wrong("debt_since: nothing is owed; leave it empty, or write the balance below zero");
    }
}
