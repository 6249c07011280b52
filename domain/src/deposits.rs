//! What becomes of a band's deposit when the band is lost: it is kept, or it waits for the band, by
//! the terms on which it was paid.

use serde::{Deserialize, Serialize};

use crate::{
    basket::{LOST_BAND, Priced},
    ids::{DecisionId, GoodId, OperatorId, TransactionId, Uid},
    ledger::{Booking, Purpose},
    money::Money,
    order::Sells,
    rows::{AccountKind, CredentialState, Offer},
    step::Step,
};

/// What becomes of the deposit for a band that is reported as lost or stolen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfLost {
    /// The site keeps it: it is revenue like the fee for a lost band, with the tax of that.
    #[default]
    Kept,
    /// It is given back with the band, should that turn up.
    Returned,
}

impl IfLost {
    /// Whether it is what nobody needs to say.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The charge key of the deposit that a decision on a lost band kept.
#[must_use]
pub fn forfeit_key(decision: DecisionId) -> String {
    format!("forfeit:{decision}")
}

impl Step<'_> {
    /// On which terms a deposit is paid that is sold with these lines: those of the day guest whose
    /// pass is bought with it, else the site's.
    pub(crate) fn terms_of_deposit(&self, lines: &[Priced]) -> IfLost {
        let offers = lines.iter().filter_map(|line| match &line.sells {
            Sells::Tariff { tariff, .. } => self.newest(tariff).map(|(_, offer, _)| offer),
            _ => None,
        });
        let has_terms = |offer: &Offer| !offer.deposit.is_zero() || offer.deposit_if_lost.is_some();
        // Of two that ask for the same, the milder one counts.
        let rank = |offer: &Offer| (offer.deposit, offer.deposit_if_lost == Some(IfLost::Returned));
        let own = offers.filter(has_terms).max_by_key(rank);
        let own = own.and_then(|offer| offer.deposit_if_lost);
        own.unwrap_or(self.state.site.deposit_if_lost)
    }

    /// Whether a band is out of the hands of its holder: no deposit is paid or given back for it.
    pub(crate) fn is_lost(&mut self, uid: &Uid) -> bool {
        let held = self.state.tables.credentials.read(uid);
        held.is_some_and(|held| {
            let replaced = held.extras.as_ref().is_some_and(|extras| extras.replaced_by.is_some());
            matches!(held.state, CredentialState::Lost | CredentialState::Stolen) || replaced
        })
    }

    /// A band is lost: keeps its deposit, where that was its terms, and returns what was kept.
    /// Nobody orders it where a table brings that it is lost.
    pub(crate) fn forfeit_deposit(
        &mut self,
        uid: &Uid,
        by: Option<(&OperatorId, DecisionId)>,
    ) -> Option<Money> {
        let paid = self.state.tables.deposits.read(uid)?.clone();
        if paid.if_lost == IfLost::Returned {
            return None;
        }
        self.state.tables.deposits.remove(uid.clone());
        let fee = self.state.tables.goods.read(&GoodId::from(LOST_BAND));
        let vat = fee.and_then(|fee| fee.vat).unwrap_or(self.state.site.vat);
        let (net, tax) = vat.within(paid.amount);
        let mut postings = vec![
            (self.site_account(AccountKind::Deposits, ""), -paid.amount),
            (self.site_account(AccountKind::SalesRevenue, LOST_BAND), net),
        ];
        postings.extend(self.tax(vat, tax));
        let booking = |key: String| Booking::new(Purpose::Forfeit, key, self.now);
        let booking = match by {
            Some((operator, decision)) => {
                booking(forfeit_key(decision)).by(operator).decided(decision)
            }
            None => {
                let id = TransactionId(self.state.ids.make(self.now));
                booking(format!("forfeit:{id}"))
            }
        };
        self.post(booking, &postings);
        Some(paid.amount)
    }
}
