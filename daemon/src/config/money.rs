//! `[money]` of `site.toml`.

use domain::{deposits::IfLost, money::Money, order::AMOUNT_MAX, site::Site};
use serde::Deserialize;
use toml::Spanned;

use crate::data::tariffs::vat;

/// What tills need to know of money beside the prices.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MoneyPart {
    /// Value added tax in percent, where a good or a tariff has none of its own.
    vat: Option<Spanned<String>>,
    /// Whether prices are without it.
    vat_on_top: bool,
    /// The deposit for a band.
    band_deposit: Option<Spanned<String>>,
    /// What becomes of it when the band is lost: `kept` or `returned`.
    deposit_if_lost: IfLost,
    /// The smallest coin: cash is rounded to whole multiples of it.
    cash_step: Option<Spanned<String>>,
}

impl MoneyPart {
    /// Adds it to `site`, or tells what is wrong and where.
    pub(super) fn join(&self, site: &mut Site) -> Result<(), (usize, String)> {
        fn at<T>(
            text: Option<&Spanned<String>>,
            read: impl FnOnce(&str) -> Result<T, String>,
        ) -> Result<Option<T>, (usize, String)> {
            let read = text.map(|text| read(text.as_ref()).map_err(|why| (text.span().start, why)));
            read.transpose()
        }
        let currency = site.currency.clone();
        let amount = |text: &str, least: Money| {
            let amount =
                currency.parse(text).filter(|amount| (least..=AMOUNT_MAX).contains(amount));
            let (least, code) = (currency.exact(least), currency.code);
            amount.ok_or_else(|| format!("`{text}` is not an amount of {code} from {least} on"))
        };
        site.vat_on_top = self.vat_on_top;
        site.vat = at(self.vat.as_ref(), vat)?.unwrap_or(site.vat);
        let deposit = at(self.band_deposit.as_ref(), |text| amount(text, Money::ZERO))?;
        site.band_deposit = deposit.unwrap_or(site.band_deposit);
        site.deposit_if_lost = self.deposit_if_lost;
        let step = at(self.cash_step.as_ref(), |text| amount(text, Money(1)))?;
        site.cash_step = step.unwrap_or(site.cash_step);
        Ok(())
    }
}
