//! `data/tariffs.toml`: what people get in by, and on which terms it is sold.

use std::collections::BTreeMap;

use domain::{
    deposits::IfLost,
    duration::Dur,
    ids::TariffId,
    limit::Rate,
    money::Vat,
    params::{Param, Value},
    rows::{Lasts, Offer, Tariff, TariffKey, TariffKind},
    state::ImportRow,
};
use serde::Deserialize;
use toml::Spanned;

use super::source::{Misplaced, maybe, read};
use crate::import::rows::Reading;

/// The most visits that one pass is sold with (our choice).
const VISITS_MAX: i64 = 10_000;
/// So many days at most a pass may be frozen (our choice).
const FREEZE_MAX: i64 = 3660;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TariffFile {
    #[serde(default)]
    pub(super) tariff: Vec<TariffRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TariffRow {
    id: Spanned<String>,
    name: String,
    zones: Vec<Spanned<String>>,
    entry_price: Spanned<String>,
    /// What a stay of each length costs, such as `{ PT90M = "10.00", PT3H = "15.00" }`.
    #[serde(default)]
    tiers: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Whether it opens once.
    #[serde(default)]
    single_entry: bool,
    /// Whether it is for guests of one day, whose bands come back.
    #[serde(default)]
    day_guest: bool,
    /// Percent, where it is not the site's.
    vat: Option<Spanned<String>>,
    /// What is sold of it; without one it is not sold at tills.
    kind: Option<Spanned<TariffKind>>,
    price: Option<Spanned<String>>,
    visits: Option<Spanned<i64>>,
    lasts: Option<Spanned<String>>,
    from_first_use: Option<Spanned<bool>>,
    freeze_days: Option<Spanned<i64>>,
    transferable: Option<Spanned<bool>>,
    family: Option<Spanned<bool>>,
    deposit: Option<Spanned<String>>,
    /// What becomes of the deposit when the band is lost: `kept` or `returned`.
    deposit_if_lost: Option<Spanned<IfLost>>,
    /// What a stay costs by the minute, such as `0.20/PT1M`.
    minute: Option<Spanned<String>>,
    withdrawn: Option<Spanned<bool>>,
}

/// The terms that a kind asks for, and those that it may have; all others it forbids.
const fn terms(kind: TariffKind) -> (&'static [&'static str], &'static [&'static str]) {
    const ONCE: &[&str] = &["lasts", "from_first_use", "transferable", "withdrawn"];
    const LONG: &[&str] = &["from_first_use", "freeze_days", "transferable", "family", "withdrawn"];
    match kind {
        TariffKind::AtGate => (&[], &[]),
        TariffKind::SingleEntry | TariffKind::Timed => (&["price"], ONCE),
        TariffKind::Visits => (
            &["price", "visits"],
            &["lasts", "from_first_use", "freeze_days", "transferable", "family", "withdrawn"],
        ),
        TariffKind::Period => (&["price", "lasts"], LONG),
        TariffKind::PerMinute => (&["minute"], &["price", "withdrawn"]),
        TariffKind::Course => (
            &["price", "lasts"],
            &["visits", "from_first_use", "freeze_days", "transferable", "family", "withdrawn"],
        ),
        TariffKind::DayGuest => (&["price"], &["deposit", "deposit_if_lost", "withdrawn"]),
    }
}

/// How a term is written.
fn example(term: &str) -> &'static str {
    match term {
        "price" => "price = \"90.00\"",
        "visits" => "visits = 10",
        "lasts" => "lasts = \"P1M\"",
        "deposit" => "deposit = \"10.00\"",
        _ => "minute = \"0.20/PT1M\"",
    }
}

impl TariffRow {
    /// The tariff, once all of it is right.
    pub(super) fn row(&self, reading: &mut Reading<'_>) -> Result<ImportRow, Misplaced> {
        let zones = self.zones.iter().map(|zone| read(zone, |zone| reading.zone(zone)));
        let zones = zones.collect::<Result<Box<[_]>, _>>()?;
        if let Some(place) = (1..zones.len()).find(|place| zones[..*place].contains(&zones[*place]))
        {
            let why = format!("zone `{}` is named twice; name it once", zones[place]);
            return Err(Misplaced::at(&self.zones[place], why));
        }
        let tariff = read(&self.id, |id| super::id_of::<TariffId>(id))?;
        if reading.known.tariffs.contains_key(&tariff) {
            let why = format!("tariff `{tariff}` is listed twice; give each an id of its own");
            return Err(Misplaced::at(&self.id, why));
        }
        let entry_price = read(&self.entry_price, |text| reading.price(text))?;
        let mut tiers = Vec::new();
        for (length, price) in &self.tiers {
            let stay = read(length, |text| {
                Dur::parse(text)
                    .ok_or_else(|| format!("`{text}` is not the length of a stay such as PT90M"))
            })?;
            let stay = stay.span();
            if tiers.iter().any(|(known, _)| *known == stay) {
                let why = format!("`{}` is a length that has a price already", length.get_ref());
                return Err(Misplaced::at(length, why));
            }
            tiers.push((stay, read(price, |text| reading.price(text))?));
        }
        tiers.sort_unstable();
        let offer = self.offer(reading)?;
        reading.known.tariffs.insert(tariff.clone(), (1, offer.clone()));
        let once = [TariffKind::SingleEntry, TariffKind::Timed, TariffKind::DayGuest];
        let tariff_row = Tariff {
            tiers: tiers.into(),
            single_entry: self.single_entry || once.contains(&offer.kind),
            day_guest: self.day_guest || offer.kind == TariffKind::DayGuest,
            vat: maybe(self.vat.as_ref(), |text| vat(text))?,
            offer,
            ..Tariff::new(zones, entry_price)
        };
        Ok(ImportRow::Tariff(TariffKey { tariff, version: 1 }, tariff_row))
    }

    /// On which terms it is sold.
    fn offer(&self, reading: &Reading<'_>) -> Result<Offer, Misplaced> {
        let kind = self.kind.as_ref().map_or(TariffKind::AtGate, |kind| *kind.as_ref());
        self.fits(kind, reading)?;
        let price = |text: &String| reading.price(text);
        let told = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| *flag.as_ref());
        let lasts = |text: &String| Lasts::try_from(text.clone());
        let own_day = (kind == TariffKind::DayGuest).then_some(Lasts { months: 0, days: 1 });
        let rate = |text: &String| -> Result<Rate, String> {
            let rate = Value::parse(Param::TariffOverstayRate, text)?.rate();
            rate.filter(|rate| !rate.amount.is_zero())
                .ok_or_else(|| format!("`{text}` costs nothing; write a rate such as 0.20/PT1M"))
        };
        Ok(Offer {
            name: self.name.clone(),
            kind,
            price: maybe(self.price.as_ref(), price)?.unwrap_or_default(),
            visits: maybe(self.visits.as_ref(), |visits| {
                let wrong = || format!("a pass has 1 to {VISITS_MAX} visits, not {visits}");
                let fits = (1..=VISITS_MAX).contains(visits);
                u32::try_from(*visits).ok().filter(|_| fits).ok_or_else(wrong)
            })?,
            lasts: maybe(self.lasts.as_ref(), lasts)?.or(own_day),
            from_first_use: told(&self.from_first_use),
            freeze_days: maybe(self.freeze_days.as_ref(), |days| {
                let wrong = || format!("a pass is frozen for 0 to {FREEZE_MAX} days, not {days}");
                let fits = (0..=FREEZE_MAX).contains(days);
                u16::try_from(*days).ok().filter(|_| fits).ok_or_else(wrong)
            })?
            .unwrap_or_default(),
            transferable: told(&self.transferable),
            family: told(&self.family),
            deposit: maybe(self.deposit.as_ref(), price)?.unwrap_or_default(),
            deposit_if_lost: self.deposit_if_lost.as_ref().map(|it| *it.as_ref()),
            minute: maybe(self.minute.as_ref(), rate)?,
            withdrawn: told(&self.withdrawn),
            followed_by: None,
        })
    }

    /// The terms that it names, each with its place.
    fn named(&self) -> Vec<(&'static str, std::ops::Range<usize>)> {
        fn place<V>(value: Option<&Spanned<V>>) -> Option<std::ops::Range<usize>> {
            value.map(Spanned::span)
        }
        let all = [
            ("price", place(self.price.as_ref())),
            ("visits", place(self.visits.as_ref())),
            ("lasts", place(self.lasts.as_ref())),
            ("from_first_use", place(self.from_first_use.as_ref())),
            ("freeze_days", place(self.freeze_days.as_ref())),
            ("transferable", place(self.transferable.as_ref())),
            ("family", place(self.family.as_ref())),
            ("deposit", place(self.deposit.as_ref())),
            ("deposit_if_lost", place(self.deposit_if_lost.as_ref())),
            ("minute", place(self.minute.as_ref())),
            ("withdrawn", place(self.withdrawn.as_ref())),
        ];
        all.into_iter().filter_map(|(term, span)| Some((term, span?))).collect()
    }

    /// Whether its terms are those of its kind.
    fn fits(&self, kind: TariffKind, reading: &Reading<'_>) -> Result<(), Misplaced> {
        let (needed, allowed) = terms(kind);
        let (named, word) = (self.named(), kind.name());
        let at_kind = self.kind.as_ref().map_or(self.id.span(), Spanned::span);
        let stray =
            named.iter().find(|(term, _)| !needed.contains(term) && !allowed.contains(term));
        if let Some((term, span)) = stray {
            let why = match kind {
                TariffKind::AtGate => format!(
                    "`{term}` is a term of what is sold; say what that is, such as kind = \
                     \"period\", or take `{term}` out"
                ),
                _ => format!("a tariff of kind `{word}` has no `{term}`; take it out"),
            };
            return Err(Misplaced { span: span.clone(), why });
        }
        let lacks = |term: &&&str| !named.iter().any(|(known, _)| known == *term);
        if let Some(term) = needed.iter().find(lacks) {
            let why = format!("a tariff of kind `{word}` needs a `{term}`, as {}", example(term));
            return Err(Misplaced { span: at_kind, why });
        }
        if kind == TariffKind::DayGuest && self.deposit.is_none() && no_deposit(reading) {
            let why = "the band of a `day_guest` has a deposit; say deposit = \"10.00\" here, or \
                       band_deposit under [money] of site.toml";
            return Err(Misplaced { span: at_kind, why: why.to_owned() });
        }
        if let (Some(flag), None) = (&self.from_first_use, &self.lasts) {
            let why = "`from_first_use` is about how long it lasts; say lasts = \"P1M\" as well";
            return Err(Misplaced::at(flag, why.to_owned()));
        }
        Ok(())
    }
}

const fn no_deposit(reading: &Reading<'_>) -> bool {
    reading.site.band_deposit.is_zero()
}

/// Reads a rate of tax.
pub(crate) fn vat(text: &str) -> Result<Vat, String> {
    let wrong = || format!("`{text}` is not a tax in percent, from 0 to 100, such as 18");
    Vat::parse(text).ok_or_else(wrong)
}
