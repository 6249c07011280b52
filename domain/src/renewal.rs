//! From when a pass counts: at once, or on the day after the last one of the same tariff that its
//! holder still has (section 15 of the decisions, renewal).

use std::fmt;

use jiff::{ToSpan, civil::Date};

use crate::{
    ids::{MemberId, TariffId},
    order::Begins,
    rows::{Offer, Pass, PassKey, PassState, TariffKind},
    step::Step,
};

/// So many days ahead a pass may be sold (our choice).
const AHEAD_DAYS: i32 = 730;

/// From when to when passes count that are sold together, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The first day of the first one.
    pub first: Date,
    /// The last day of the last one; nothing where they have no end, or wait for their first use.
    pub last: Option<Date>,
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
    #[must_use]
    pub fn follows(&self) -> bool {
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
    /// The days of a pass that counts; nothing where it is cancelled or used up, or waits for its
    /// first use.
    #[must_use]
    pub fn of(pass: &Pass) -> Option<Self> {
        let waits = pass.sale.as_deref().is_some_and(|sale| sale.lasts.is_some());
        let over = pass.state == PassState::Cancelled || pass.visits_left == Some(0);
        (!waits && !over).then_some(Self { first: pass.valid_from, last: pass.valid_until })
    }

    /// Whether its last day is before this one.
    #[must_use]
    pub fn is_over(&self, today: Date) -> bool {
        self.last.is_some_and(|last| last < today)
    }

    /// Whether there is a day on which both count.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.last.is_some_and(|last| last < other.first);
        !before(self, other) && !before(other, self)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) => write!(f, "from {} to {last}", self.first),
            None => write!(f, "from {} without an end", self.first),
        }
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
            Some(term) if term.last.is_some() => Err(format!(
                "a pass of `{tariff}` counts {term} for that person; leave the start out and it \
                 begins on {next}, or say that both shall count"
            )),
            Some(term) => Err(format!(
                "a pass of `{tariff}` counts {term} for that person; cancel it first, or say that \
                 both shall count"
            )),
        }
    }

    /// The passes of the tariff that its holder has and that are not over, and those in the basket.
    fn running(&self, wanted: &Wanted<'_>, today: Date) -> Vec<Term> {
        let (first, last) = PassKey::all_of(wanted.holder);
        let rows = self.state.tables.passes.range(first, last);
        let held = rows.filter(|(_, pass)| pass.tariff == *wanted.tariff);
        let held = held.filter_map(|(_, pass)| Term::of(pass));
        let held = held.filter(|term| !term.is_over(today));
        let planned = wanted
            .planned
            .iter()
            .filter(|(holder, tariff, _)| *holder == wanted.holder && tariff == wanted.tariff);
        held.chain(planned.map(|(.., term)| *term)).collect()
    }
}
