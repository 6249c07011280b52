//! What becomes of a band's deposit when the band is lost: it is kept, or it waits for the band, by
//! the terms on which it was paid.

use serde::{Deserialize, Serialize};

use crate::{
    basket::{LOST_BAND, Priced},
    ids::{DecisionId, GoodId, OperatorId, Uid},
    ledger::{Booking, Purpose},
    money::Money,
    order::Sells,
    rows::AccountKind,
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

impl Step<'_> {
    /// On which terms a deposit is paid that is sold with these lines: those of the day guest whose
    /// pass is bought with it, else the site's.
    pub(crate) fn terms_of_deposit(&self, lines: &[Priced]) -> IfLost {
        let offers = lines.iter().filter_map(|line| match &line.sells {
            Sells::Tariff { tariff, .. } => self.newest(tariff).map(|(_, offer, _)| offer),
            _ => None,
        });
        let own =
            offers.filter(|offer| !offer.deposit.is_zero() || offer.deposit_if_lost.is_some());
        let own = own.max_by_key(|offer| offer.deposit).and_then(|offer| offer.deposit_if_lost);
        own.unwrap_or(self.state.site.deposit_if_lost)
    }

    /// A band is lost: keeps its deposit, where that was its terms, and returns what was kept.
    pub(crate) fn forfeit_deposit(
        &mut self,
        uid: &Uid,
        (operator, decision): (&OperatorId, DecisionId),
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
        let booking = Booking::new(Purpose::Forfeit, format!("forfeit:{decision}"), self.now);
        self.post(booking.by(operator).decided(decision), &postings);
        Some(paid.amount)
    }
}
