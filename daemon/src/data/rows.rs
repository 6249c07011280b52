//! The rows of a site's first data, as its files write them.

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberRow {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) name_latin: String,
    pub(super) birth: String,
    pub(super) language: String,
    pub(super) phone: String,
    pub(super) groups: String,
    pub(super) blocked: bool,
    pub(super) balance: String,
    pub(super) debt_since: String,
    /// Columns that may be missing.
    #[serde(default)]
    pub(super) certificate_until: String,
    #[serde(default)]
    pub(super) reduced_mobility: bool,
    #[serde(default)]
    pub(super) medical: bool,
    #[serde(default)]
    pub(super) family: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialRow {
    pub(super) uid: String,
    pub(super) member: u32,
    pub(super) state: String,
    pub(super) valid_from: String,
    pub(super) valid_until: String,
    pub(super) party_size: u16,
    /// Columns that may be missing.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) adult: bool,
    /// The number of the member whose guest holds it.
    #[serde(default)]
    pub(super) host: String,
    /// The code beside the card, and the one that calls for help silently.
    #[serde(default)]
    pub(super) pin: String,
    #[serde(default)]
    pub(super) duress_pin: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FamilyRow {
    pub(super) name: String,
    pub(super) balance: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GuardianRow {
    pub(super) child: u32,
    pub(super) guardian: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorRow {
    pub(super) login: String,
    /// Roles, separated by semicolons.
    pub(super) roles: String,
    /// The band or card that goes with the PIN, or empty.
    pub(super) band: String,
    /// The PIN, or empty; only a digest of it is kept.
    #[serde(default)]
    pub(super) pin: String,
    /// The operator's number as a member, or empty.
    pub(super) member: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExemptionRow {
    /// A member's number, or empty.
    pub(super) member: String,
    /// A group, or empty.
    pub(super) group: String,
    /// Codes of reasons, separated by semicolons.
    pub(super) codes: String,
    /// Zones, separated by semicolons; empty is everywhere.
    pub(super) zones: String,
    pub(super) valid_from: String,
    pub(super) valid_until: String,
    pub(super) reason: String,
    pub(super) granted_by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassRow {
    pub(super) member: u32,
    pub(super) tariff: String,
    pub(super) state: String,
    pub(super) valid_from: String,
    pub(super) valid_until: String,
    pub(super) visits_left: String,
    /// A column that may be missing.
    #[serde(default)]
    pub(super) paid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockerRow {
    pub(super) id: String,
    pub(super) bank: String,
    pub(super) zone: String,
}
