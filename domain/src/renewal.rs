//! From when a pass counts: at once, or on the day after the last one of the same tariff that its
//! holder still has (section 15 of the decisions, renewal).

use jiff::{ToSpan, civil::Date};

use crate::{
    ids::{MemberId, TariffId},
    order::Begins,
    rows::{Offer, PassKey, PassState, TariffKind},
    step::Step,
};

/// So many days ahead a pass may be sold (our choice).
const AHEAD_DAYS: i32 = 730;

/// From when to when passes count that are sold together, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// The first day of the first one.
    pub(crate) first: Date,
    /// The last day of the last one; nothing where they have no end, or wait for their first use.
    pub(crate) last: Option<Date>,
}

/// A term that is in the basket already, and whose.
pub(crate) type Planned = (MemberId, TariffId, Term);

/// What somebody wants to buy.
pub(crate) struct Wanted<'a> {
    pub(crate) holder: MemberId,
    pub(crate) tariff: &'a TariffId,
    pub(crate) count: u32,
    pub(crate) begins: &'a Begins,
    /// What stands in the basket before it.
    pub(crate) planned: &'a [Planned],
}

impl Offer {
    /// Whether two passes of it never count at once. Tickets are each for their own day, and so are
    /// passes that wait for their first use, and visits without an end are used up.
    fn follows(&self) -> bool {
        let ticket =
            matches!(self.kind, TariffKind::SingleEntry | TariffKind::Timed | TariffKind::DayGuest);
        let used_up = self.lasts.is_none() && self.visits.is_some();
        !ticket && !used_up && !self.from_first_use
    }

    /// The days of so many passes of it, the first of which begins on `first`.
    pub(crate) fn terms(&self, first: Date, count: u32) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut next = first;
        for _ in 0..count {
            let last = self.lasts.filter(|_| !self.from_first_use);
            let last = last.map(|lasts| lasts.last_day(next));
            terms.push(Term { first: next, last });
            if let Some(last) = last.filter(|_| self.follows()) {
                next = last.saturating_add(1.day());
            }
        }
        terms
    }
}

impl Term {
    fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.last.is_some_and(|last| last < other.first);
        !before(self, other) && !before(other, self)
    }
}

impl Step<'_> {
    /// From when to when the passes count that somebody wants.
    ///
    /// # Errors
    /// The day that was asked for is over, or a pass of the tariff counts then already.
    pub(crate) fn term(
        &self,
        offer: &Offer,
        wanted: &Wanted<'_>,
        today: Date,
    ) -> Result<Term, String> {
        let Begins { from, beside } = *wanted.begins;
        let whole = |first: Date| {
            let terms = offer.terms(first, wanted.count.max(1));
            Term { first, last: terms.last().and_then(|term| term.last) }
        };
        let tariff = wanted.tariff;
        if let Some(from) = from {
            let ahead = today.until(from).map_or(0, |span| span.get_days());
            if !(0..=AHEAD_DAYS).contains(&ahead) {
                return Err(format!(
                    "a pass begins today or within {AHEAD_DAYS} days, not on {from}"
                ));
            }
        }
        if !offer.follows() {
            return Ok(whole(from.unwrap_or(today)));
        }
        let running = self.running(wanted, today);
        let next = running.iter().filter_map(|term| term.last).max();
        let next = next.map_or(today, |last| last.saturating_add(1.day()).max(today));
        let next = if offer.lasts.is_some() { next } else { today };
        let term = whole(from.unwrap_or(next));
        let clash = running.iter().find(|other| other.overlaps(&term)).filter(|_| !beside);
        match clash {
            None => Ok(term),
            Some(Term { first, last: Some(last) }) => Err(format!(
                "a pass of `{tariff}` counts from {first} to {last} for that person; leave the \
                 start out and it begins on {next}, or say that both shall count"
            )),
            Some(Term { first, last: None }) => Err(format!(
                "a pass of `{tariff}` counts from {first} without an end for that person; cancel \
                 it first, or say that both shall count"
            )),
        }
    }

    /// The passes of the tariff that its holder has and that are not over, and those in the basket.
    fn running(&self, wanted: &Wanted<'_>, today: Date) -> Vec<Term> {
        let (first, last) = PassKey::all_of(wanted.holder);
        let rows = self.state.tables.passes.range(first, last);
        let held = rows.filter(|(_, pass)| {
            pass.tariff == *wanted.tariff
                && pass.state != PassState::Cancelled
                && pass.visits_left != Some(0)
                // One that waits for its first use has no days yet.
                && pass.sale.as_deref().is_none_or(|sale| sale.lasts.is_none())
                && pass.valid_until.is_none_or(|last| last >= today)
        });
        let held = held.map(|(_, pass)| Term { first: pass.valid_from, last: pass.valid_until });
        let planned = wanted
            .planned
            .iter()
            .filter(|(holder, tariff, _)| *holder == wanted.holder && tariff == wanted.tariff);
        held.chain(planned.map(|(.., term)| *term)).collect()
    }
}
