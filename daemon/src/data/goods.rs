//! `data/goods.toml`: what tills sell beside passes, and prices that hold for a time.

use std::collections::BTreeMap;

use domain::{
    ids::{GoodId, PriceListId},
    rows::{Good, PriceList},
    state::ImportRow,
    time::Span,
    windows::Windows,
};
use serde::Deserialize;
use toml::Spanned;

use super::{
    source::{Misplaced, maybe, read},
    tariffs::vat,
};
use crate::import::rows::Reading;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoodsFile {
    #[serde(default)]
    good: Vec<GoodRow>,
    #[serde(default)]
    price_list: Vec<ListRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoodRow {
    id: Spanned<String>,
    name: String,
    price: Option<Spanned<String>>,
    /// Whether the cashier says what it costs.
    #[serde(default)]
    open_price: bool,
    #[serde(default)]
    category: String,
    /// Percent, where it is not the site's.
    vat: Option<Spanned<String>>,
    #[serde(default)]
    withdrawn: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRow {
    id: Spanned<String>,
    windows: Spanned<String>,
    #[serde(default)]
    rank: i64,
    prices: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
}

/// A list that was read.
struct Read {
    id: PriceListId,
    windows: Windows,
    list: PriceList,
}

impl GoodsFile {
    /// Goods and price lists, once all of them are right.
    pub(super) fn rows(&self, reading: &Reading<'_>) -> Result<Vec<ImportRow>, Misplaced> {
        let mut goods: BTreeMap<GoodId, Good> = BTreeMap::new();
        for row in &self.good {
            let id = read(&row.id, |id| super::id_of::<GoodId>(id))?;
            let tariff = reading.known.tariffs.contains_key(id.as_str());
            let other = if tariff { "a tariff" } else { "another good" };
            if tariff || goods.insert(id.clone(), row.good(reading)?).is_some() {
                let why = format!("`{id}` is {other}; give each an id of its own");
                return Err(Misplaced::at(&row.id, why));
            }
        }
        let sold = |item: &str| {
            reading.known.tariffs.contains_key(item) || goods.contains_key(&GoodId::from(item))
        };
        let mut lists: Vec<Read> = Vec::new();
        for row in &self.price_list {
            let list = row.list(reading, &sold)?;
            if lists.iter().any(|known| known.id == list.id) {
                let why = format!("`{}` is listed twice; give each an id of its own", list.id);
                return Err(Misplaced::at(&row.id, why));
            }
            if let Some((known, item)) = lists.iter().find_map(|known| rivals(known, &list)) {
                let why = format!(
                    "`{known}` prices `{item}` at the same time with the same rank; give one of \
                     the two a higher `rank`"
                );
                return Err(Misplaced::at(&row.windows, why));
            }
            lists.push(list);
        }
        let goods = goods.into_iter().map(|(id, good)| ImportRow::Good(id, good));
        let lists = lists.into_iter().map(|read| ImportRow::PriceList(read.id, read.list));
        Ok(goods.chain(lists).collect())
    }
}

impl GoodRow {
    fn good(&self, reading: &Reading<'_>) -> Result<Good, Misplaced> {
        if self.name.trim().is_empty() {
            let why = "a receipt tells what was sold; give it a name".to_owned();
            return Err(Misplaced::at(&self.id, why));
        }
        let why = match (&self.price, self.open_price) {
            (None, false) => Some("say what it costs, as price = \"2.50\", or open_price = true"),
            (Some(_), true) => Some("the cashier says what it costs; take `price` out"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(Misplaced::at(&self.id, why.to_owned()));
        }
        Ok(Good {
            name: self.name.clone(),
            price: maybe(self.price.as_ref(), |text| reading.price(text))?.unwrap_or_default(),
            open_price: self.open_price,
            category: self.category.clone(),
            vat: maybe(self.vat.as_ref(), |text| vat(text))?,
            withdrawn: self.withdrawn,
        })
    }
}

impl ListRow {
    fn list(&self, reading: &Reading<'_>, sold: &impl Fn(&str) -> bool) -> Result<Read, Misplaced> {
        let id = read(&self.id, |id| super::id_of::<PriceListId>(id))?;
        let windows = read(&self.windows, |text| Windows::parse(text))?;
        let mut prices = BTreeMap::new();
        for (item, price) in self.prices.as_ref() {
            let name = read(item, |item| match sold(item) {
                true => Ok(item.clone()),
                false => Err(format!("no good and no tariff is called `{item}`")),
            })?;
            prices.insert(name, read(price, |text| reading.price(text))?);
        }
        if prices.is_empty() {
            let why = "it has no prices; write them as prices = { towel = \"3.00\" }".to_owned();
            return Err(Misplaced::at(&self.prices, why));
        }
        let list = PriceList { windows: self.windows.as_ref().clone(), rank: self.rank, prices };
        Ok(Read { id, windows, list })
    }
}

/// What two lists price at the same time, where nothing tells which of them counts.
fn rivals<'a>(one: &'a Read, other: &'a Read) -> Option<(&'a PriceListId, &'a String)> {
    let meet = one.list.rank == other.list.rank && one.windows.meets(&other.windows, Span(0));
    let mut items = one.list.prices.keys().filter(|_| meet);
    items.find(|item| other.list.prices.contains_key(*item)).map(|item| (&one.id, item))
}
