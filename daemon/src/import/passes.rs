//! Rows of passes that were sold before. What the kind of a tariff counts or bounds is given, or
//! worked out from the tariff: an empty cell is never "without end".

use domain::{
    ids::{MemberId, PassId, TariffId},
    money::Money,
    renewal::Term,
    rows::{Offer, Pass, PassKey, PassState, TariffKind},
    state::ImportRow,
    windows::local_date,
};
use jiff::civil::Date;
use rules::problem::did_you_mean;

use super::{
    cells::{Cells, whole, word},
    known::Brought,
    rows::{DAYS, Existing, Made, Reading, Wrong, date_within},
};

/// The columns that say when a pass counts.
const TERM: &[&str] = &["state", "valid_until", "visits_left"];

/// What is done about passes of one tariff that count at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// They are refused, with what to do.
    Refused(&'static str),
    /// That was asked for.
    Asked,
}

/// A column whose cell is worked out, and the value.
pub(crate) type WorkedOut = (&'static str, String);

impl Reading<'_> {
    pub(super) fn pass(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let member = cells.need("member", |text| self.known.holder(whole(text)?));
        let tariff = cells.need("tariff", |text| self.tariff(text));
        let from = cells.need("valid_from", |text| date_within(text, DAYS));
        let there = match (member, &tariff, from) {
            (Some(member), Some((tariff, ..)), Some(from)) => self.held(member, tariff, from),
            _ => None,
        };
        let skipped = there.is_some() && self.there(&mut cells, "tariff", "that pass of that day");
        let is_there = there.is_some();
        let key = member.map(|member| PassKey { member, pass: PassId(self.ids.make(self.now)) });
        let (key, known) = match there {
            Some((key, pass)) => (Some(key), Some(pass)),
            None => (key, None),
        };
        let offer = tariff.as_ref().map(|(_, _, offer)| offer.clone());
        let new = || {
            let (tariff, version) = match tariff {
                Some((tariff, version, _)) => (tariff, version),
                None => (TariffId::from(""), 0),
            };
            sold(tariff, version, from.unwrap_or_default())
        };
        let mut pass = known.unwrap_or_else(new);
        self.terms(&mut pass, from, &mut cells);
        if let Some(offer) = &offer {
            bounds(&mut pass, offer, (from, &mut cells));
        }
        if let (Some(key), Some(from)) = (key, from.filter(|_| !pass.tariff.as_str().is_empty())) {
            let what = format!("pass {} {} {from}", key.member, pass.tariff);
            self.once(&mut cells, (what, line), "tariff: the same pass of the same day");
        }
        let counts = from.is_some() && (!is_there || self.existing == Existing::Update);
        if let Some((key, offer)) = key.zip(offer.as_ref()).filter(|_| counts) {
            self.clashes((key, &pass), offer, &mut cells);
        }
        cells.finish()?;
        let Some(key) = key.filter(|_| !skipped) else { return Ok(Made::Skipped) };
        let brought = self.known.brought.entry((key.member, pass.tariff.clone())).or_default();
        brought.push(Brought { line, key, term: Term::of(&pass) });
        let row = vec![ImportRow::Pass(key, pass)];
        Ok(if is_there { Made::Changed(row) } else { Made::New(row) })
    }

    /// Refuses a pass that would count at the same time as another one of its tariff, unless that
    /// was asked for.
    fn clashes(&self, (key, pass): (PassKey, &Pass), offer: &Offer, cells: &mut Cells<'_>) {
        let Beside::Refused(help) = self.beside else { return };
        // What is over counts with nothing any more: a history may say anything.
        let today = local_date(self.now, &self.site.time_zone);
        let term = Term::of(pass).filter(|term| offer.follows() && !term.is_over(today));
        let Some(term) = term.filter(|_| !cells.is_bad(TERM)) else { return };
        let brought = self.known.brought.get(&(key.member, pass.tariff.clone()));
        let brought = brought.map_or(&[][..], Vec::as_slice);
        let is_replaced = |held: &PassKey| brought.iter().any(|earlier| earlier.key == *held);
        let held = self.known.passes.get(&key.member).into_iter().flatten();
        let held = held.filter(|(known, held)| held.tariff == pass.tariff && !is_replaced(known));
        let held: Vec<_> = held.collect();
        // One that is changed in other terms alone counts as it did.
        let was = held.iter().find(|(held, _)| *held == key).and_then(|(_, was)| Term::of(was));
        if was == Some(term) {
            return;
        }
        let held = held.iter().map(|(key, held)| (None, *key, Term::of(held)));
        let earlier = brought.iter().map(|it| (Some(it.line), it.key, it.term));
        // One of the same first day is the same pass, which is said of it already.
        let is_other = |known: PassKey, other: &Term| known != key && other.first != term.first;
        let clash = held.chain(earlier).find_map(|(line, known, other)| {
            let other = other.filter(|other| is_other(known, other) && !other.is_over(today));
            let other = other.filter(|other| other.overlaps(&term));
            other.map(|other| (line, other))
        });
        let Some((line, other)) = clash else { return };
        let whose = match line {
            Some(line) => format!("in row {line}"),
            None => "that the member has".to_owned(),
        };
        cells.wrong(format!(
            "valid_from: a pass of `{}` {whose} counts {other}, and this one {term}; {help}",
            pass.tariff
        ));
    }

    /// The pass of this tariff that somebody has from this day on.
    fn held(&self, member: MemberId, tariff: &TariffId, from: Date) -> Option<(PassKey, Pass)> {
        let mut held = self.known.passes.get(&member).into_iter().flatten();
        held.find(|(_, pass)| pass.tariff == *tariff && pass.valid_from == from).cloned()
    }

    fn terms(&self, pass: &mut Pass, from: Option<Date>, cells: &mut Cells<'_>) {
        let states = word(PassState::of, "active, past_due, frozen, suspended, cancelled");
        pass.state = cells.read("state", states).unwrap_or(pass.state);
        let until = cells.read("valid_until", |text| date_within(text, DAYS));
        pass.valid_until = until.or(pass.valid_until);
        if from.is_some() && pass.valid_until.is_some_and(|last| last < pass.valid_from) {
            cells.wrong("valid_until: the pass ends before it begins");
        }
        let visits = cells.read("visits_left", whole::<u32>);
        pass.visits_left = visits.or(pass.visits_left);
        let paid = cells.read("paid", |text| self.price(text));
        pass.paid = paid.unwrap_or(pass.paid);
    }

    /// What of a row was worked out from its tariff.
    pub(crate) fn worked_out(&self, cells: &Cells<'_>, rows: &[ImportRow]) -> Vec<WorkedOut> {
        let pass = rows.iter().find_map(|row| match row {
            ImportRow::Pass(key, pass) => Some((key, pass.valid_until?)),
            _ => None,
        });
        let Some((key, last)) = pass.filter(|_| !cells.is_given("valid_until")) else {
            return Vec::new();
        };
        let mut held = self.known.passes.get(&key.member).into_iter().flatten();
        let was = held.find(|(known, _)| known == key).and_then(|(_, pass)| pass.valid_until);
        match was {
            Some(_) => Vec::new(),
            None => vec![("valid_until", last.to_string())],
        }
    }

    fn tariff(&self, name: &str) -> Result<(TariffId, u32, Offer), String> {
        let known = self.known.tariffs.get_key_value(name);
        let known = known.map(|(id, (version, offer))| (id.clone(), *version, offer.clone()));
        known.ok_or_else(|| {
            let names = self.known.tariffs.keys().map(TariffId::as_str);
            let all = || {
                let names: Vec<_> = self.known.tariffs.keys().map(TariffId::as_str).collect();
                format!("tariffs are {}", names.join(", "))
            };
            format!("no tariff is called `{name}`; {}", did_you_mean(name, names, all))
        })
    }
}

/// Works out what the terms of the tariff bound, or says what is missing.
fn bounds(pass: &mut Pass, offer: &Offer, (from, cells): (Option<Date>, &mut Cells<'_>)) {
    let name = pass.tariff.clone();
    // One that was sold here and waits for its first use has no end yet.
    let waits = pass.sale.as_ref().is_some_and(|sale| sale.lasts.is_some());
    let endless = pass.valid_until.is_none() && !waits && !cells.is_given("valid_until");
    match (offer.lasts.filter(|_| endless), offer.from_first_use, from) {
        (Some(lasts), false, Some(from)) => pass.valid_until = Some(lasts.last_day(from)),
        (Some(lasts), true, _) => cells.wrong(format!(
            "valid_until: it is missing; a pass of `{name}` lasts {} from its first use, so write \
             the last day",
            String::from(lasts)
        )),
        _ => {}
    }
    let Some(most) = offer.visits_counted() else {
        // One that is only given at the gate says nothing of visits, and its passes may count them.
        if offer.kind != TariffKind::AtGate && cells.is_given("visits_left") {
            match pass.visits_left {
                Some(0) => pass.visits_left = None,
                _ if cells.is_bad(&["visits_left"]) => {}
                _ => cells.wrong(format!(
                    "visits_left: a pass of `{name}` counts no visits; leave it empty"
                )),
            }
        }
        return;
    };
    match pass.visits_left {
        None if !cells.is_given("visits_left") => cells.wrong(format!(
            "visits_left: it is missing; a pass of `{name}` counts visits, {most} when it is sold, \
             so write how many are left"
        )),
        Some(left) if left > most && cells.is_given("visits_left") => cells.wrong(format!(
            "visits_left: a pass of `{name}` has at most {most} visits, not {left}"
        )),
        _ => {}
    }
}

/// A pass of a tariff, sold under this version of it.
pub(super) fn sold(tariff: TariffId, tariff_version: u32, valid_from: Date) -> Pass {
    Pass {
        tariff,
        tariff_version,
        state: PassState::Active,
        valid_from,
        valid_until: None,
        visits_left: None,
        visits_reserved: 0,
        paid: Money::ZERO,
        sale: None,
    }
}
