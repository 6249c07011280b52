//! The rule files that Kari ships: a site copies them, and edits and adds as it likes.

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../shipped/", $name))),)*]
    };
}

/// Name and text of each shipped file.
pub const SHIPPED: &[(&str, &str)] = shipped![
    "00_site.rhai",
    "10_credential.cases.toml",
    "10_credential.rhai",
    "11_factor.cases.toml",
    "11_factor.rhai",
    "12_band.cases.toml",
    "12_band.rhai",
    "20_membership.cases.toml",
    "20_membership.rhai",
    "21_medical.cases.toml",
    "21_medical.rhai",
    "30_time.cases.toml",
    "30_time.rhai",
    "31_reentry.cases.toml",
    "31_reentry.rhai",
    "40_presence.cases.toml",
    "40_presence.rhai",
    "50_zone.cases.toml",
    "50_zone.rhai",
    "51_people.cases.toml",
    "51_people.rhai",
    "52_pickup.cases.toml",
    "52_pickup.rhai",
    "53_guests.cases.toml",
    "53_guests.rhai",
    "60_money.cases.toml",
    "60_money.rhai",
    "61_overstay.cases.toml",
    "61_overstay.rhai",
    "62_exit_debt.cases.toml",
    "62_exit_debt.rhai",
    "70_sale.cases.toml",
    "70_sale.rhai",
    "71_wallet.cases.toml",
    "71_wallet.rhai",
    "72_refund.cases.toml",
    "72_refund.rhai",
    "73_drawer.cases.toml",
    "73_drawer.rhai",
    "80_lockers.cases.toml",
    "80_lockers.rhai",
    "81_locker_exit.cases.toml",
    "81_locker_exit.rhai",
    "90_operator.cases.toml",
    "90_operator.rhai",
];
