//! What a site has in the beginning, as files write it.

use std::collections::BTreeMap;

use domain::rows::TariffKind;
use serde::Deserialize;

/// What a site has in the beginning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// What it is about.
    pub title: String,
    /// The zone of local time.
    pub time_zone: String,
    /// The currency.
    pub currency: String,
    /// The date of times without one.
    pub date: String,
    /// Settings and checks beside the shipped rules; `member("W1")` is whoever holds W1.
    pub rules: String,
    /// More texts of rules by name, which a step puts into force.
    #[serde(default)]
    pub rule_sets: BTreeMap<String, String>,
    /// The smallest coin; a hundredth where nothing is said.
    #[serde(default)]
    pub cash_step: String,
    /// The deposit for a band.
    #[serde(default)]
    pub band_deposit: String,
    /// The value added tax within prices, in percent.
    #[serde(default)]
    pub vat_percent: u16,
    /// Zones, each with its parent.
    pub zones: BTreeMap<String, String>,
    /// Gates: `street > POOL`.
    pub gates: BTreeMap<String, String>,
    /// What stands around gates; all that can be said, but no pay point, where nothing is said.
    #[serde(default)]
    pub surroundings: BTreeMap<String, Surroundings>,
    /// Tariffs with the zones that they open.
    pub tariffs: BTreeMap<String, TariffRow>,
    /// Goods and services that tills sell.
    #[serde(default)]
    pub goods: BTreeMap<String, GoodRow>,
    /// Other prices for a time.
    #[serde(default)]
    pub price_lists: BTreeMap<String, PriceListRow>,
    /// People, each with a band.
    #[serde(default)]
    pub people: Vec<PersonRow>,
    /// Families with the balance of their wallets.
    #[serde(default)]
    pub families: BTreeMap<String, String>,
    /// Exemptions of groups and members.
    #[serde(default)]
    pub exemptions: Vec<ExemptionRow>,
    /// Operators with their roles.
    #[serde(default)]
    pub operators: BTreeMap<String, Vec<String>>,
    /// Operators who are members too, by the band.
    #[serde(default)]
    pub own_bands: BTreeMap<String, String>,
    /// Groups that go in during an emergency.
    #[serde(default)]
    pub responders: Vec<String>,
    /// Tills.
    #[serde(default)]
    pub tills: Vec<String>,
    /// Lockers with their banks; they stand in the first zone.
    #[serde(default)]
    pub lockers: BTreeMap<String, String>,
    /// What happens in the beginning.
    #[serde(default)]
    pub start: Vec<String>,
}

/// What stands around a gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surroundings {
    /// Whether a free exit stands beside it.
    pub egress_alternative: bool,
    /// Whether the desk watches it.
    pub desk: bool,
    /// The pay point beside it.
    pub pay_point: Option<String>,
    /// Whether it tells passages.
    pub reports_passage: bool,
}

/// A tariff.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffRow {
    pub(super) zones: Vec<String>,
    /// What each visit costs at the gate.
    #[serde(default)]
    pub(super) price: String,
    /// Seconds and price of each tier.
    #[serde(default)]
    pub(super) tiers: Vec<(i64, String)>,
    #[serde(default)]
    pub(super) single_entry: bool,
    /// Whether it is for guests of one day.
    #[serde(default)]
    pub(super) day_guest: bool,
    /// What tills sell of it.
    pub(super) sold: Option<SoldRow>,
}

/// What tills sell of a tariff.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SoldRow {
    pub(super) kind: TariffKind,
    pub(super) price: String,
    /// How many visits.
    pub(super) visits: Option<u32>,
    /// How long it lasts: `P1M`, `P30D`.
    pub(super) lasts: Option<String>,
    /// The deposit for its band.
    #[serde(default)]
    pub(super) deposit: String,
}

/// Something that a till sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoodRow {
    /// What one costs; nothing where the cashier says so.
    pub(super) price: Option<String>,
    #[serde(default)]
    pub(super) category: String,
    /// Its tax in percent, where it is not the site's.
    pub(super) vat_percent: Option<u16>,
}

/// Other prices for a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceListRow {
    /// When.
    pub(super) windows: String,
    /// Of several lists the one of the highest rank counts.
    #[serde(default)]
    pub(super) rank: i64,
    /// The prices, by good or tariff.
    pub(super) prices: BTreeMap<String, String>,
}

/// A person with a band.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRow {
    pub(super) band: String,
    pub(super) tariff: Option<String>,
    pub(super) visits: Option<u32>,
    #[serde(default)]
    pub(super) wallet: String,
    /// Since when the wallet, which is below zero, has been: a local date or instant.
    pub(super) debt_since: Option<String>,
    pub(super) born: Option<String>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    pub(super) certificate: Option<String>,
    #[serde(default)]
    pub(super) party: Option<u16>,
    #[serde(default)]
    pub(super) paid: String,
    /// The family.
    pub(super) family: Option<String>,
    /// The bands of those who may pick this person up.
    #[serde(default)]
    pub(super) guardians: Vec<String>,
    /// What the credential is; a card if nothing is said.
    pub(super) kind: Option<String>,
    /// Its state; active if nothing is said.
    pub(super) state: Option<String>,
    /// The code that goes with the card.
    pub(super) pin: Option<String>,
    /// The code that calls for help silently.
    pub(super) duress: Option<String>,
    /// The band of the member whose guest this person is.
    pub(super) host: Option<String>,
    /// The last day of the pass.
    pub(super) ended: Option<String>,
    /// The first and the last local time of the credential.
    #[serde(default)]
    pub(super) valid: Option<[String; 2]>,
    /// What is said of the person: `reduced_mobility`, `medical`, `adult`, `blocked`.
    #[serde(default)]
    pub(super) flags: Vec<String>,
}

/// An exemption of a group, or of whoever holds a band.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExemptionRow {
    pub(super) group: Option<String>,
    pub(super) member: Option<String>,
    pub(super) codes: Vec<String>,
    /// Where; everywhere if nothing is said.
    #[serde(default)]
    pub(super) zones: Vec<String>,
    pub(super) from: String,
    pub(super) until: String,
}
