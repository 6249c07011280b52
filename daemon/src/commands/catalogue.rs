//! `kari catalogue`: what the files of a site's data folder change of what is sold, and for whom.

use std::collections::BTreeMap;

use domain::{
    ids::TariffId,
    money::{Currency, Money},
    registry::{Applies, Catalogue},
    rows::{PassState, Tariff},
    state::ImportRow,
    time::Clock as _,
    windows::local_date,
};
use serde_json::{Value, json};
use store::{books::Books, catalogue::Catalogue as Known, reader::Reader};

use super::registry::send;
use crate::{
    cli::{
        Exit,
        catalogue::{CatalogueCommand, Whom},
        registry::{Change, Nothing, Ordered},
    },
    clock::RealClock,
    config::Installation,
    data::{
        self,
        written::{Differs, Draft},
    },
    database,
};

/// So many members are named of those whom a change is about.
const NAMED: usize = 20;

/// `kari catalogue`.
pub(crate) async fn catalogue(what: CatalogueCommand, json: bool) -> anyhow::Result<Exit> {
    match what {
        CatalogueCommand::Compare(look) => {
            let installation = Installation::open(Some(&look.site))?;
            let compared = compare(&installation, look.asked.applies).await?;
            compared.tell(&installation.site.currency, json);
            Ok(Exit::Done)
        }
        CatalogueCommand::Apply(order) => {
            let installation = Installation::open(Some(&order.site))?;
            let compared = compare(&installation, order.asked.applies).await?;
            // A program that asks for JSON gets the decision alone.
            if !json || compared.is_nothing() {
                compared.tell(&installation.site.currency, json);
            }
            if compared.is_nothing() {
                return Ok(Exit::Done);
            }
            // Files say what is for sale; what was sold goes by terms of its own. Whether that can
            // be written is known before anything is ordered.
            let sold = compared.change.applies == Applies::Sold;
            let draft = if sold { compared.draft(&installation)? } else { None };
            let change = compared.change.clone();
            let Ordered { site, key, signature, .. } = order;
            let asked = Nothing {};
            let order = Ordered { site, asked, key, signature };
            let exit = send(order, |_| Change::Catalogue(Box::new(change)), json).await?;
            if let Some(draft) = draft {
                match exit {
                    Exit::Done => compared.write_back(&draft, &installation, json)?,
                    Exit::Waits => tell!(
                        "kari: once that is confirmed, `kari catalogue restore DIR` puts what is \
                         for sale back into data/tariffs.toml"
                    ),
                    _ => {}
                }
            }
            Ok(exit)
        }
        CatalogueCommand::Restore(look) => {
            let installation = Installation::open(Some(&look.site))?;
            let compared = compare(&installation, Whom::New).await?;
            match compared.draft(&installation)? {
                Some(draft) => compared.write_back(&draft, &installation, json)?,
                None if json => {}
                None => say!("data/tariffs.toml says what is for sale already"),
            }
            Ok(Exit::Done)
        }
    }
}

/// What the files say otherwise than the database, and whom it is about.
struct Compared {
    known: Known,
    change: Catalogue,
    touched: Touched,
}

impl Compared {
    fn is_nothing(&self) -> bool {
        let Catalogue { tariffs, goods, lists, .. } = &self.change;
        tariffs.is_empty() && goods.is_empty() && lists.is_empty()
    }

    /// The tariffs of which the files say something else than is for sale.
    fn differ(&self) -> Vec<Differs<'_>> {
        let tariffs = self.change.tariffs.iter();
        let known = tariffs.filter_map(|(tariff, _, file)| {
            let (_, for_sale) = self.known.newest(tariff)?;
            Some(Differs { tariff, file, for_sale })
        });
        known.collect()
    }

    /// `tariffs.toml` with what is for sale; nothing where it says so already.
    fn draft(&self, installation: &Installation) -> anyhow::Result<Option<Draft>> {
        let differ = self.differ();
        let currency = &installation.site.currency;
        let draft = || Draft::of(&installation.data(), &differ, currency);
        (!differ.is_empty()).then(draft).transpose()
    }

    /// Writes that.
    fn write_back(
        &self,
        draft: &Draft,
        installation: &Installation,
        json: bool,
    ) -> anyhow::Result<()> {
        draft.write(&installation.folder)?;
        if !json {
            let names: Vec<_> = self.differ().iter().map(|one| one.tariff.as_str()).collect();
            say!("data/tariffs.toml says what is for sale again: {}", names.join(", "));
        }
        Ok(())
    }

    fn tell(&self, currency: &Currency, json: bool) {
        if json {
            say!("{}", self.object(currency));
        } else if self.is_nothing() {
            say!("nothing changes: the files say what is sold already");
        } else {
            self.in_words(currency);
        }
    }
}

/// Compares the files with the database.
async fn compare(installation: &Installation, whom: Whom) -> anyhow::Result<Compared> {
    let rows = data::catalogue(&installation.data(), &installation.site)?;
    let reader = database::reader(installation).await?;
    let known = reader.catalogue().await?;
    let change = changed(&known, rows, whom);
    let touched = touched(installation, &reader, (&known, &change)).await?;
    reader.close().await;
    Ok(Compared { known, change, touched })
}

/// What the rows of the files say otherwise than the database.
fn changed(known: &Known, rows: Vec<ImportRow>, whom: Whom) -> Catalogue {
    let applies = match whom {
        Whom::New => Applies::New,
        Whom::Sold => Applies::Sold,
        Whom::Both => Applies::Both,
    };
    let mut change = Catalogue { applies, ..Catalogue::default() };
    for row in rows {
        match row {
            ImportRow::Tariff(key, row) => {
                let newest = known.newest(&key.tariff);
                if newest.is_none_or(|(_, old)| *old != row) {
                    let seen = newest.map_or(0, |(version, _)| version);
                    change.tariffs.push((key.tariff, seen, row));
                }
            }
            ImportRow::Good(id, row) if known.goods.get(&id) != Some(&row) => {
                change.goods.push((id, row));
            }
            ImportRow::PriceList(id, row) if known.lists.get(&id) != Some(&row) => {
                change.lists.push((id, row));
            }
            _ => {}
        }
    }
    change
}

/// Members whose passes a change reaches, by the tariff and by what they gain and lose.
type Touched = BTreeMap<(TariffId, Vec<String>, Vec<String>), Vec<u32>>;

async fn touched(
    installation: &Installation,
    reader: &Reader,
    (known, change): (&Known, &Catalogue),
) -> anyhow::Result<Touched> {
    let mut touched = Touched::new();
    if change.applies == Applies::New {
        return Ok(touched);
    }
    let site = &installation.site;
    let today = local_date(RealClock.now(), &site.time_zone);
    let mut books = Books::open(reader).await?;
    books
        .passes(|found| {
            let pass = &found.pass;
            let over = pass.valid_until.is_some_and(|last| last < today);
            let new = change.tariffs.iter().find(|(id, ..)| *id == pass.tariff);
            let (Some((id, _, new)), Some(old)) = (new, known.terms_of(pass)) else { return };
            if over || pass.state == PassState::Cancelled || pass.visits_left == Some(0) {
                return;
            }
            let (gains, loses) = compared(old, new, &site.currency);
            if !gains.is_empty() || !loses.is_empty() {
                touched.entry((id.clone(), gains, loses)).or_default().push(found.member);
            }
        })
        .await?;
    touched.values_mut().for_each(|members| {
        members.sort_unstable();
        members.dedup();
    });
    Ok(touched)
}

/// What somebody gains and loses by new terms of what he has bought.
fn compared(old: &Tariff, new: &Tariff, currency: &Currency) -> (Vec<String>, Vec<String>) {
    let (mut gains, mut loses) = (Vec::new(), Vec::new());
    let zones = |of: &Tariff, than: &Tariff| -> Vec<String> {
        let more = of.zones.iter().filter(|zone| !than.zones.contains(zone));
        more.map(|zone| format!("the zone {zone}")).collect()
    };
    gains.extend(zones(new, old));
    loses.extend(zones(old, new));
    let mut price = |what: &str, old: Money, new: Money| {
        let text = format!("{what} {} instead of {}", currency.exact(new), currency.exact(old));
        match new.cmp(&old) {
            std::cmp::Ordering::Less => gains.push(text),
            std::cmp::Ordering::Greater => loses.push(text),
            std::cmp::Ordering::Equal => {}
        }
    };
    price("each visit costs", old.entry_price, new.entry_price);
    let lengths = old.tiers.iter().chain(&new.tiers).map(|(length, _)| *length);
    let lengths: std::collections::BTreeSet<_> = lengths.collect();
    for length in lengths {
        let minutes = length.whole_seconds() / 60;
        price(&format!("a stay of {minutes} minutes costs"), old.tier(length), new.tier(length));
    }
    let hour = domain::time::Span::seconds(3600);
    let by_minute =
        |of: &Tariff| of.offer.minute.as_ref().map_or(Money::ZERO, |rate| rate.charge(hour));
    price("an hour by the minute costs", by_minute(old), by_minute(new));
    let mut flag = |what: &str, old: bool, new: bool| match (old, new) {
        (false, true) => gains.push(what.to_owned()),
        (true, false) => loses.push(what.to_owned()),
        _ => {}
    };
    flag("coming back the same day", !old.single_entry, !new.single_entry);
    flag("handing it on", old.offer.transferable, new.offer.transferable);
    let (before, after) = (old.offer.freeze_days, new.offer.freeze_days);
    if before != after {
        let side = if after > before { &mut gains } else { &mut loses };
        side.push(format!("{after} days of freeze instead of {before}"));
    }
    (gains, loses)
}

impl Compared {
    fn in_words(&self, currency: &Currency) {
        let Self { known, change, touched } = self;
        let price = |amount: Money| currency.exact(amount).to_string();
        for (id, seen, row) in &change.tariffs {
            match known.newest(id) {
                None => say!("tariff {id}: new, {}", price(row.offer.price)),
                Some((_, old)) if old.offer.price != row.offer.price => say!(
                    "tariff {id}: version {} after {seen}, {} instead of {}",
                    seen + 1,
                    price(row.offer.price),
                    price(old.offer.price)
                ),
                Some(_) => say!("tariff {id}: version {} after {seen}", seen + 1),
            }
            for ((_, gains, loses), members) in touched.iter().filter(|((of, ..), _)| of == id) {
                let named: Vec<String> =
                    members.iter().take(NAMED).map(ToString::to_string).collect();
                let more = if members.len() > NAMED { ", …" } else { "" };
                say!("  {} who bought it, {}{more}", members.len(), named.join(", "));
                gains.iter().for_each(|what| say!("    gain: {what}"));
                loses.iter().for_each(|what| say!("    lose: {what}"));
            }
        }
        for (id, row) in &change.goods {
            match known.goods.get(id) {
                None => say!("good {id}: new, {}", price(row.price)),
                Some(old) => {
                    say!("good {id}: {} instead of {}", price(row.price), price(old.price))
                }
            }
        }
        for (id, row) in &change.lists {
            let new = if known.lists.contains_key(id) { "" } else { "new, " };
            say!("price list {id}: {new}{}", row.windows);
        }
    }

    fn object(&self, currency: &Currency) -> Value {
        let Self { known, change, touched } = self;
        let price = |amount: Money| currency.exact(amount).to_string();
        let tariff = |(id, seen, row): &(TariffId, u32, Tariff)| {
            let of = touched.iter().filter(|((of, ..), _)| of == id);
            let whom = of.map(|((_, gains, loses), members)| {
            json!({ "members": members, "gain": gains, "lose": loses })
        });
            let old = known.newest(id).map(|(_, old)| price(old.offer.price));
            json!({
                "tariff": id.as_str(),
                "seen": seen,
                "price": { "old": old, "new": price(row.offer.price) },
                "bought": whom.collect::<Vec<_>>(),
            })
        };
        let goods = change.goods.iter().map(|(id, row)| {
            let old = known.goods.get(id).map(|old| price(old.price));
            json!({ "good": id.as_str(), "price": { "old": old, "new": price(row.price) } })
        });
        json!({
            "applies": change.applies,
            "tariffs": change.tariffs.iter().map(tariff).collect::<Vec<_>>(),
            "goods": goods.collect::<Vec<_>>(),
            "price_lists": change.lists.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        })
    }
}
