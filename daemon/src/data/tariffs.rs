//! The price list of a site's first data, as its file writes it.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TariffFile {
    #[serde(default)]
    pub(super) tariff: Vec<TariffRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TariffRow {
    pub(super) id: String,
    #[serde(rename = "name")]
    pub(super) _name: String,
    pub(super) zones: Vec<String>,
    pub(super) entry_price: String,
    /// What a stay of each length costs, such as `{ PT90M = "10.00", PT3H = "15.00" }`.
    #[serde(default)]
    pub(super) tiers: BTreeMap<String, String>,
    /// Whether it opens once.
    #[serde(default)]
    pub(super) single_entry: bool,
    /// Whether it is for guests of one day, whose bands come back.
    #[serde(default)]
    pub(super) day_guest: bool,
}
