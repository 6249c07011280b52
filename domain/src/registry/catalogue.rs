//! What is sold changes while the site runs: new versions of tariffs, prices, goods. A sold pass
//! keeps its terms, unless the change says that it reaches what was sold.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::{
    ids::{GoodId, PriceListId, TariffId},
    money::Money,
    rows::{Good, Pass, PriceList, Tariff, TariffKey},
    step::Step,
    windows::Windows,
};

/// What of the catalogue changes, whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Tariffs, each with the newest version that was looked at; 0 where it is new.
    pub tariffs: Vec<(TariffId, u32, Tariff)>,
    /// Whom new terms of a tariff that is known are for.
    pub applies: Applies,
    /// Goods.
    pub goods: Vec<(GoodId, Good)>,
    /// Price lists.
    pub lists: Vec<(PriceListId, PriceList)>,
}

/// Whom the new terms of a tariff are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// Whoever buys from now on.
    #[default]
    New,
    /// Whoever has bought; what is sold from now on keeps the terms of before.
    Sold,
    /// Both.
    Both,
}

impl fmt::Display for Applies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Sold => "sold",
            Self::Both => "both",
        })
    }
}

impl Step<'_> {
    pub(super) fn may_change_catalogue(&mut self, change: &Catalogue) -> Result<(), String> {
        if change.tariffs.is_empty() && change.goods.is_empty() && change.lists.is_empty() {
            return Err("nothing changes".to_owned());
        }
        for (id, seen, row) in &change.tariffs {
            let newest = self.newest(id).map_or(0, |(key, ..)| key.version);
            if newest != *seen {
                return Err(format!("`{id}` was changed meanwhile; look again, then repeat it"));
            }
            let zones = &self.state.site.zones;
            if let Some(zone) = row.zones.iter().find(|zone| !zones.contains_key(*zone)) {
                return Err(format!("no zone is called `{zone}`; zones stand in site.toml"));
            }
            let tiers = row.tiers.iter().map(|(_, price)| *price);
            let own = [row.entry_price, row.offer.price, row.offer.deposit];
            if own.into_iter().chain(tiers).any(|price| price < Money::ZERO) {
                return Err(format!("`{id}` costs less than nothing"));
            }
        }
        if let Some((id, _)) = change.goods.iter().find(|(_, row)| row.price < Money::ZERO) {
            return Err(format!("`{id}` costs less than nothing"));
        }
        for (id, list) in &change.lists {
            Windows::parse(&list.windows).map_err(|why| format!("`{id}`: {why}"))?;
        }
        Ok(())
    }

    pub(super) fn change_catalogue(&mut self, change: &Catalogue) -> Report {
        let mut report = Report::default();
        for (id, seen, row) in &change.tariffs {
            let version = self.put_terms(id, (*seen, change.applies), row);
            let before = (*seen > 0).then(|| seen.to_string());
            report = report.told(&format!("tariff {id}"), before, Some(version.to_string()));
        }
        if change.tariffs.iter().any(|(_, seen, _)| *seen > 0) {
            report = report.told("applies", None, Some(change.applies.to_string()));
        }
        let exact = |amount: Money| self.state.site.currency.exact(amount).to_string();
        for (id, row) in &change.goods {
            let before = self.state.tables.goods.peek(id).map(|known| exact(known.price));
            report = report.told(&format!("good {id}"), before, Some(exact(row.price)));
        }
        for (id, row) in &change.goods {
            self.state.tables.goods.put(id.clone(), row.clone());
        }
        for (id, row) in &change.lists {
            let known = self.state.tables.price_lists.read(id).is_some();
            let before = known.then(|| "another".to_owned());
            report = report.told(&format!("price list {id}"), before, Some(row.windows.clone()));
            self.state.tables.price_lists.put(id.clone(), row.clone());
        }
        report
    }

    /// The new version of a tariff, which the older ones follow where it is for what was sold.
    fn put_terms(&mut self, id: &TariffId, (seen, applies): (u32, Applies), row: &Tariff) -> u32 {
        let key = |version| TariffKey { tariff: id.clone(), version };
        let version = seen + 1;
        let reaches_sold = seen > 0 && applies != Applies::New;
        if reaches_sold {
            let older = self.state.tables.tariffs.range(key(0), key(seen));
            let older: Vec<_> = older.map(|(key, row)| (key.clone(), row.clone())).collect();
            let sold_on = older.last().map(|(_, row)| row.clone());
            for (key, mut row) in older {
                row.offer.followed_by = Some(version);
                self.state.tables.tariffs.put(key, row);
            }
            // What is sold from now on is sold as before, under a version of its own.
            if let Some(row) = sold_on.filter(|_| applies == Applies::Sold) {
                self.state.tables.tariffs.put(key(version + 1), row);
            }
        }
        self.state.tables.tariffs.put(key(version), row.clone());
        version
    }

    /// The version of its tariff that a pass goes by: the one it was sold under, or a later one
    /// that was to reach what was sold.
    pub(crate) fn terms_of(&mut self, pass: &Pass) -> Option<(TariffKey, Tariff)> {
        let mut key = TariffKey { tariff: pass.tariff.clone(), version: pass.tariff_version };
        loop {
            let row = self.state.tables.tariffs.read(&key)?.clone();
            match row.offer.followed_by.filter(|next| *next > key.version) {
                Some(next) => key.version = next,
                None => return Some((key, row)),
            }
        }
    }
}
