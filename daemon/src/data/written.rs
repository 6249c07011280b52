//! Terms of tariffs written back into `data/tariffs.toml`: only what differs, so that comments,
//! order and every other line stay as they are.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use domain::{
    deposits::IfLost,
    duration::Dur,
    ids::TariffId,
    money::Currency,
    rows::{Tariff, TariffKind},
};
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Value};

use crate::output;

/// A tariff whose file says something else than is for sale.
pub(crate) struct Differs<'a> {
    /// Which one.
    pub(crate) tariff: &'a TariffId,
    /// What the file says.
    pub(crate) file: &'a Tariff,
    /// What is for sale.
    pub(crate) for_sale: &'a Tariff,
}

/// Puts what is for sale into `tariffs.toml` of the data folder of the site in `site`.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn put_back(
    (site, folder): (&Path, &Path),
    differ: &[Differs<'_>],
    currency: &Currency,
) -> anyhow::Result<()> {
    let path = folder.join("tariffs.toml");
    let text = plain_file::text(&path, super::FILE_MAX)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut document: DocumentMut = text.parse()?;
    let mut tables = document.get_mut("tariff").and_then(Item::as_array_of_tables_mut);
    for differs in differ {
        let tables = tables.as_deref_mut();
        put(tables.context("the file has no [[tariff]]")?, differs, currency)?;
    }
    output::write_in_site(site, &path, document.to_string().as_bytes())
}

fn put(
    tables: &mut ArrayOfTables,
    Differs { tariff, file, for_sale }: &Differs<'_>,
    currency: &Currency,
) -> anyhow::Result<()> {
    let is_it = |table: &&mut toml_edit::Table| {
        table.get("id").and_then(Item::as_str) == Some(tariff.as_str())
    };
    let table = tables.iter_mut().find(is_it);
    let table = table.with_context(|| format!("the file has no tariff `{tariff}`"))?;
    let (before, after) = (terms(file, currency), terms(for_sale, currency));
    for (term, value) in &after {
        let same = before.get(term).is_some_and(|known| known.to_string() == value.to_string());
        if same {
            continue;
        }
        // What stands beside the value, such as a comment behind it, stays.
        let mut value = value.clone();
        if let Some(known) = table.get(term).and_then(Item::as_value) {
            *value.decor_mut() = known.decor().clone();
        }
        table.insert(term, Item::Value(value));
    }
    for term in before.keys().filter(|term| !after.contains_key(*term)) {
        table.remove(term);
    }
    Ok(())
}

/// The terms of a tariff as the file writes them; those that need not be written are left out.
fn terms(of: &Tariff, currency: &Currency) -> BTreeMap<&'static str, Value> {
    let offer = &of.offer;
    let money = |amount| Value::from(currency.exact(amount).to_string());
    let sold = offer.kind != TariffKind::AtGate;
    let mut terms = BTreeMap::from([
        ("name", Value::from(offer.name.as_str())),
        ("zones", of.zones.iter().map(|zone| zone.as_str()).collect::<Value>()),
        ("entry_price", money(of.entry_price)),
    ]);
    let mut tiers = InlineTable::new();
    for (length, price) in &of.tiers {
        let length = Dur { days: 0, seconds: length.whole_seconds() };
        tiers.insert(length.to_string(), money(*price));
    }
    let flags = [
        ("single_entry", of.single_entry && !sold),
        ("day_guest", of.day_guest && !sold),
        ("from_first_use", offer.from_first_use),
        ("transferable", offer.transferable),
        ("family", offer.family),
        ("withdrawn", offer.withdrawn),
    ];
    terms.extend(flags.into_iter().filter(|(_, is)| *is).map(|(flag, _)| (flag, true.into())));
    let own_day = offer.kind == TariffKind::DayGuest;
    let lasts = offer.lasts.filter(|_| !own_day).map(|lasts| String::from(lasts).into());
    let minute = offer
        .minute
        .as_ref()
        .map(|rate| Value::from(format!("{}/{}", currency.exact(rate.amount), rate.per)));
    let if_lost = offer.deposit_if_lost.map(|it| match it {
        IfLost::Kept => "kept".into(),
        IfLost::Returned => "returned".into(),
    });
    let named = [
        ("tiers", (!tiers.is_empty()).then_some(Value::InlineTable(tiers))),
        ("vat", of.vat.map(|vat| vat.to_string().into())),
        ("kind", sold.then(|| offer.kind.name().into())),
        ("price", (sold && !offer.price.is_zero()).then(|| money(offer.price))),
        ("visits", offer.visits.map(|visits| i64::from(visits).into())),
        ("lasts", lasts),
        ("freeze_days", (offer.freeze_days > 0).then(|| i64::from(offer.freeze_days).into())),
        ("deposit", (!offer.deposit.is_zero()).then(|| money(offer.deposit))),
        ("deposit_if_lost", if_lost),
        ("minute", minute),
    ];
    terms.extend(named.into_iter().filter_map(|(term, value)| Some((term, value?))));
    terms
}
