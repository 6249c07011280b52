//! Terms of tariffs written back into `data/tariffs.toml`: only what differs, so that comments,
//! order and every other line stay as they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use domain::{
    deposits::IfLost,
    duration::Dur,
    ids::TariffId,
    money::Currency,
    rows::{Tariff, TariffKind},
    time::Span,
};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

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

/// A `tariffs.toml` with other terms, before it is written.
pub(crate) struct Draft {
    path: PathBuf,
    before: String,
    after: String,
}

impl Draft {
    /// `tariffs.toml` of a data folder with what is for sale in the place of what it says.
    ///
    /// # Errors
    /// The file cannot be read, or a tariff is not found in it.
    pub(crate) fn of(
        folder: &Path,
        differ: &[Differs<'_>],
        currency: &Currency,
    ) -> anyhow::Result<Self> {
        let path = folder.join("tariffs.toml");
        let before = plain_file::text(&path, super::FILE_MAX)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut document: DocumentMut = before.parse()?;
        let mut tables = tables(&mut document);
        for Differs { tariff, file, for_sale } in differ {
            let is_it = |table: &&mut &mut dyn TableLike| {
                table.get("id").and_then(Item::as_str) == Some(tariff.as_str())
            };
            let table = tables.iter_mut().find(is_it);
            let table = table.with_context(|| format!("no tariff of the file is `{tariff}`"))?;
            put(*table, (&terms(file, currency), &terms(for_sale, currency)));
            put_zones(*table, (file, for_sale));
            put_tiers(*table, for_sale, currency);
        }
        let after = document.to_string();
        // What came from another system keeps the ends of its lines.
        let after = match before.contains("\r\n") {
            true => after.replace("\r\n", "\n").replace('\n', "\r\n"),
            false => after,
        };
        Ok(Self { path, before, after })
    }

    /// Writes it to the site in `site`.
    ///
    /// # Errors
    /// The file cannot be written, or somebody changed it meanwhile.
    pub(crate) fn write(&self, site: &Path) -> anyhow::Result<()> {
        let now = plain_file::text(&self.path, super::FILE_MAX);
        anyhow::ensure!(
            now.is_ok_and(|now| now == self.before),
            "`{}` was changed meanwhile and stays as it is; look at it, then say \
             `kari catalogue restore`",
            self.path.display()
        );
        output::write_in_site(site, &self.path, self.after.as_bytes())
    }
}

/// The tariffs of the file, however they are written: `[[tariff]]`, or a list of inline tables.
fn tables(document: &mut DocumentMut) -> Vec<&mut dyn TableLike> {
    match document.get_mut("tariff") {
        Some(Item::ArrayOfTables(tables)) => {
            tables.iter_mut().map(|table| table as &mut dyn TableLike).collect()
        }
        Some(Item::Value(Value::Array(list))) => {
            let tables = list.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.map(|table| table as &mut dyn TableLike).collect()
        }
        _ => Vec::new(),
    }
}

/// Puts terms in the place of those of before, where they differ.
fn put(table: &mut dyn TableLike, (before, after): (&Terms, &Terms)) {
    for (term, value) in after {
        let same = before.get(term).is_some_and(|known| known.to_string() == value.to_string());
        if !same {
            insert(table, term, value.clone());
        }
    }
    for term in before.keys().filter(|term| !after.contains_key(*term)) {
        table.remove(term);
    }
}

/// Puts a value in its place. What stands beside it, such as a comment behind it, stays.
fn insert(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let Some(known) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = known.decor().clone();
    }
    match table.get_mut(key) {
        Some(place) => *place = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// The zones in the order in which they are for sale; those that are there keep their comments.
fn put_zones(table: &mut dyn TableLike, (file, for_sale): (&Tariff, &Tariff)) {
    if file.zones == for_sale.zones {
        return;
    }
    let known = table.get_mut("zones").and_then(Item::as_array_mut);
    let Some(list) = known else { return };
    list.retain(|zone| for_sale.zones.iter().any(|known| zone.as_str() == Some(known.as_str())));
    for (place, zone) in for_sale.zones.iter().enumerate() {
        if list.get(place).and_then(Value::as_str) != Some(zone.as_str()) {
            list.retain(|other| other.as_str() != Some(zone.as_str()));
            list.insert(place.min(list.len()), zone.as_str());
        }
    }
}

/// The prices of stays; lengths that are there keep the form that they are written in.
fn put_tiers(table: &mut dyn TableLike, for_sale: &Tariff, currency: &Currency) {
    let price = |amount| Value::from(currency.exact(amount).to_string());
    let mut left: Vec<_> = for_sale.tiers.to_vec();
    if let Some(tiers) = table.get_mut("tiers").and_then(Item::as_table_like_mut) {
        let written: Vec<String> = tiers.iter().map(|(length, _)| length.to_owned()).collect();
        for length in written {
            let stay = Dur::parse(&length).map(|stay| stay.span());
            match left.iter().position(|(known, _)| Some(*known) == stay) {
                Some(place) => {
                    let value = price(left.remove(place).1);
                    let same = tiers.get(&length).and_then(Item::as_str) == value.as_str();
                    if !same {
                        insert(tiers, &length, value);
                    }
                }
                None => {
                    tiers.remove(&length);
                }
            }
        }
        for (length, amount) in left.drain(..) {
            tiers.insert(&written_length(length), Item::Value(price(amount)));
        }
        if tiers.is_empty() {
            table.remove("tiers");
        }
    } else if !left.is_empty() {
        let mut tiers = InlineTable::new();
        for (length, amount) in left {
            tiers.insert(written_length(length), price(amount));
        }
        table.insert("tiers", Item::Value(Value::InlineTable(tiers)));
    }
}

fn written_length(length: Span) -> String {
    Dur { days: 0, seconds: length.whole_seconds() }.to_string()
}

/// Terms of a tariff by the key of the file.
type Terms = BTreeMap<&'static str, Value>;

/// The terms of a tariff as the file writes them, besides zones and tiers; those that need not be
/// written are left out.
fn terms(of: &Tariff, currency: &Currency) -> Terms {
    let offer = &of.offer;
    let money = |amount| Value::from(currency.exact(amount).to_string());
    let sold = offer.kind != TariffKind::AtGate;
    let mut terms = BTreeMap::from([
        ("name", Value::from(offer.name.as_str())),
        ("entry_price", money(of.entry_price)),
    ]);
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

#[cfg(test)]
mod tests {
    use domain::{site::Site, state::ImportRow};

    use super::*;

    /// The ways in which one tariff is written.
    const WRITTEN: [&str; 4] = [
        "# ours\n[[tariff]]\nid = \"swim\" # the pool\nname = \"Swim\"\nkind = \"period\"\n\
         zones = [ \"pool\", # wet\n  \"hall\" ]\nprice = \"110.00\"   # of spring\n\
         lasts = \"P1M\"\nentry_price = \"0\"\nfreeze_days = 5\ntransferable = true\n\n# the end\n",
        "tariff = [\n  { id = \"swim\", name = \"Swim\", kind = \"period\", price = \"110.00\", \
         zones = [\"pool\", \"hall\"], lasts = \"P1M\", entry_price = \"0\", freeze_days = 5, \
         transferable = true }, # one line\n]\n",
        "[[tariff]]\nid = \"swim\"\nname = \"Stay\"\nzones = [\"pool\"]\nkind = \"day_guest\"\n\
         price = \"0\"\nentry_price = \"0\"\ndeposit = \"10.00\"\n\n[tariff.tiers]\n# by length\n\
         \"PT1H\" = \"8.00\"\n\"PT2H\" = \"12.00\" # two\n",
        "[[tariff]]\nid = \"swim\"\nname = \"Stay\"\nzones = [\"pool\"]\nkind = \"day_guest\"\n\
         price = \"0\"\nentry_price = \"0\"\ndeposit = \"10.00\"\n\
         tiers = { \"PT1H\" = \"8.00\", \"PT2H\" = \"12.00\" }\n",
    ];
    /// What somebody changes in them.
    const CHANGES: [(&str, &str); 9] = [
        ("110.00", "95.50"),
        ("freeze_days = 5", "freeze_days = 9"),
        ("\"P1M\"", "\"P30D\""),
        (", \"hall\"]", "]"),
        ("8.00", "7.00"),
        ("\"PT2H\"", "\"PT3H\""),
        ("\"10.00\"", "\"15.00\""),
        ("\"Swim\"", "\"Schwimmen\""),
        ("\"Stay\"", "\"Bleiben\""),
    ];

    fn site() -> Site {
        Site {
            zones: [("hall".into(), None), ("pool".into(), None)].into(),
            ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel())
        }
    }

    fn gel() -> Currency {
        Currency::of("GEL").unwrap()
    }

    fn read(folder: &Path, text: &str) -> (TariffId, Tariff) {
        std::fs::write(folder.join("tariffs.toml"), text).unwrap();
        let rows = super::super::catalogue(folder, &site()).map_err(|bad| bad.to_string()).unwrap();
        let tariff = rows.into_iter().find_map(|row| match row {
            ImportRow::Tariff(key, tariff) => Some((key.tariff, tariff)),
            _ => None,
        });
        tariff.unwrap()
    }

    #[test]
    fn terms_that_are_put_back_leave_the_file_as_it_was_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut tried = 0;
        for written in WRITTEN {
            for (from, to) in CHANGES.iter().filter(|(from, _)| written.contains(from)) {
                for ends in ["\n", "\r\n"] {
                    let text = written.replace('\n', ends);
                    let (id, for_sale) = read(folder.path(), &text);
                    let edited = text.replace(from, to);
                    let (_, file) = read(folder.path(), &edited);
                    let differs = Differs { tariff: &id, file: &file, for_sale: &for_sale };
                    let draft = Draft::of(folder.path(), &[differs], &gel()).unwrap();
                    let (_, after) = read(folder.path(), &draft.after);
                    assert_eq!(after, for_sale, "{from} to {to}: {}", draft.after);
                    // A length that is put back comes without what stood beside it.
                    if *from != "\"PT2H\"" {
                        assert_eq!(draft.after, text, "{from} to {to}");
                    }
                    tried += 1;
                }
            }
        }
        assert!(tried >= 20, "{tried}");
    }

    #[test]
    fn a_file_that_somebody_changed_meanwhile_stays_as_it_is() {
        let site = tempfile::tempdir().unwrap();
        let folder = site.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        let (id, for_sale) = read(&folder, WRITTEN[0]);
        let (_, file) = read(&folder, &WRITTEN[0].replace("110.00", "95.50"));
        let differs = Differs { tariff: &id, file: &file, for_sale: &for_sale };
        let draft = Draft::of(&folder, &[differs], &gel()).unwrap();
        let theirs = WRITTEN[0].replace("110.00", "80.00");
        std::fs::write(folder.join("tariffs.toml"), &theirs).unwrap();
        let why = draft.write(site.path()).unwrap_err().to_string();
        assert!(why.contains("was changed meanwhile") && why.contains("restore"), "{why}");
        assert_eq!(std::fs::read_to_string(folder.join("tariffs.toml")).unwrap(), theirs);
    }
}
