//! What a site sells: all versions of tariffs, goods and price lists.

use std::collections::BTreeMap;

use domain::{
    ids::{GoodId, PriceListId, TariffId},
    rows::{Good, Pass, PriceList, Tariff, TariffKey},
};

use crate::{
    cells::{Cells, Names},
    error::ReadError,
    reader::Reader,
    tables::Stored,
};

const TARIFFS: &str = "SELECT tariff, tariff_version, version, zones, entry_price, tiers,
    single_entry, day_guest, vat, offer FROM tariff";
const GOODS: &str = "SELECT id, version, body FROM good";
const PRICE_LISTS: &str = "SELECT id, version, body FROM price_list";
/// The statements of this module, for the test that prepares them all.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [TARIFFS, GOODS, PRICE_LISTS];

/// What a site sells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// The versions of its tariffs.
    pub tariffs: BTreeMap<TariffKey, Tariff>,
    /// Goods.
    pub goods: BTreeMap<GoodId, Good>,
    /// Price lists.
    pub lists: BTreeMap<PriceListId, PriceList>,
}

impl Catalogue {
    /// The newest version of a tariff.
    #[must_use]
    pub fn newest(&self, id: &TariffId) -> Option<(u32, &Tariff)> {
        let key = |version| TariffKey { tariff: id.clone(), version };
        let last = self.tariffs.range(key(0)..=key(u32::MAX)).next_back();
        last.map(|(key, row)| (key.version, row))
    }

    /// The terms that a pass goes by: those it was sold under, or later ones that were to reach it.
    #[must_use]
    pub fn terms_of(&self, pass: &Pass) -> Option<&Tariff> {
        let mut version = pass.tariff_version;
        loop {
            let row = self.tariffs.get(&TariffKey { tariff: pass.tariff.clone(), version })?;
            match row.offer.followed_by.filter(|next| *next > version) {
                Some(next) => version = next,
                None => return Some(row),
            }
        }
    }
}

impl Reader {
    /// What the site sells.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn catalogue(&self) -> Result<Catalogue, ReadError> {
        Ok(Catalogue {
            tariffs: self.all_rows(TARIFFS, "tariff").await?,
            goods: self.all_rows(GOODS, "good").await?,
            lists: self.all_rows(PRICE_LISTS, "price_list").await?,
        })
    }

    async fn all_rows<V: Stored<Key: Ord>>(
        &self,
        query: &'static str,
        table: &'static str,
    ) -> Result<BTreeMap<V::Key, V>, ReadError> {
        let rows = self.pool.rows(query, []).await.map_err(ReadError::of(table))?;
        let mut names = Names::default();
        let mut all = BTreeMap::new();
        for row in &rows {
            let mut cells = Cells::of_row(table, row, &mut names)?;
            let key = V::read_key(&mut cells)?;
            cells.int::<u32>()?;
            all.insert(key, V::read(&mut cells)?);
        }
        Ok(all)
    }
}
