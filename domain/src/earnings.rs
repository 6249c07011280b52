//! Prepaid money is earned per visit or per day: what is sold for a time by equal parts each day;
//! what is sold as visits with each visit, and with the last day of the
//! pack what nobody visited for.
//!
//! What days earn is kept by tariff and day, so that closing a day costs the same however many
//! passes there are.

use jiff::{ToSpan, civil::Date};

use crate::{
    expiry::Timer,
    ids::{DecisionId, TariffId, VisitId},
    ledger::{Booking, Purpose},
    money::Money,
    rows::{AccountKind, Earning, EarningKey, Pass, PassKey},
    step::Step,
    time::{Span, Timestamp},
    windows::local_date,
};

impl Pass {
    /// What it earns at the end of which days: what is sold for a time by equal parts, the visits
    /// of a pack that nobody took on its last day. A pass that waits, rests or has no end has none.
    #[must_use]
    pub fn earnings(&self) -> Vec<(Date, Money)> {
        let Some(sale) = self.sale.as_deref() else { return Vec::new() };
        let (Some(first), Some(last)) = (sale.earns_from, self.valid_until) else {
            return Vec::new();
        };
        if self.visits_left.is_some() {
            return vec![(last, sale.prepaid)];
        }
        let days = first.until(last).map_or(0, |span| span.get_days()) + 1;
        let Ok(count) = u32::try_from(days.max(1)) else { return Vec::new() };
        let each = crate::sales::shares(sale.prepaid, count);
        let day = |place: usize| first.saturating_add(i64::try_from(place).unwrap_or(0).days());
        each.into_iter().enumerate().map(|(place, amount)| (day(place), amount)).collect()
    }

    /// Whether days earn what is prepaid of it.
    #[must_use]
    pub fn earns_by_day(&self) -> bool {
        let sale = self.sale.as_deref();
        sale.is_some_and(|sale| sale.earns_from.is_some()) && self.valid_until.is_some()
    }

    /// What is prepaid of it, without tax: of a pack what its visits have not earned yet.
    #[must_use]
    pub fn prepaid(&self) -> Money {
        self.sale.as_deref().map_or(Money::ZERO, |sale| sale.prepaid)
    }
}

/// The last instant of a day is this long before the next day.
const LAST_INSTANT: Span = Span(1);

impl Step<'_> {
    /// Puts what a pass earns by the day into the days.
    pub(crate) fn plan_earnings(&mut self, pass: &Pass) {
        for (day, amount) in pass.earnings() {
            self.earns(&pass.tariff, day, amount);
        }
    }

    /// Takes what a pass has still to earn from `from` on out of the days again; tells how much.
    pub(crate) fn unplan_earnings(&mut self, pass: &Pass, from: Date) -> Money {
        let mut taken = Money::ZERO;
        for (day, amount) in pass.earnings().into_iter().filter(|(day, _)| *day >= from) {
            self.earns(&pass.tariff, day, -amount);
            taken = taken + amount;
        }
        taken
    }

    fn earns(&mut self, tariff: &TariffId, day: Date, amount: Money) {
        if amount.is_zero() {
            return;
        }
        let key = EarningKey { day, tariff: tariff.clone() };
        let due = self.end_of(day);
        let rows = &mut self.state.tables.earnings;
        let known = rows.read(&key).map_or(Money::ZERO, |row| row.amount);
        if (known + amount).is_zero() {
            rows.remove(key);
        } else {
            rows.put(key, Earning { amount: known + amount, due });
            self.state.timers.start(due, Timer::Earned(day));
        }
    }

    /// The first instant after a local day.
    pub(crate) fn end_of(&self, day: Date) -> Timestamp {
        let next = day.saturating_add(1.day());
        let zoned = next.to_zoned(self.state.site.time_zone.clone());
        let micros = zoned.map_or(i64::MAX / 2, |zoned| zoned.timestamp().as_microsecond());
        Timestamp::from_micros(micros)
    }

    /// A day is over: what it and the days before it earned is revenue, each in its own last
    /// instant, so that a month holds what its days earned.
    pub(crate) fn earn_day(&mut self, day: Date) {
        let rows = self.state.tables.earnings.iter();
        let due: Vec<(EarningKey, Earning)> = rows
            .take_while(|(key, _)| key.day <= day)
            .map(|(key, row)| (key.clone(), *row))
            .collect();
        for (key, row) in due {
            self.state.tables.earnings.remove(key.clone());
            let booking = format!("earned:{}:{}:{}", self.state.site.daemon, key.tariff, key.day);
            let booking = Booking::new(Purpose::Recognition, booking, row.due.minus(LAST_INSTANT));
            self.recognise(&key.tariff, row.amount, booking);
        }
    }

    /// A visit is taken from a pass: it earns the rounded share of all visits so far, less what
    /// those before it earned.
    pub(crate) fn earn_visit(
        &mut self,
        key: PassKey,
        (visit, decision): (VisitId, DecisionId),
        at: Timestamp,
    ) {
        let Some(mut pass) = self.state.tables.passes.read(&key).cloned() else { return };
        let last = pass.valid_until;
        let (Some(left), Some(sale)) = (pass.visits_left, pass.sale.as_deref_mut()) else { return };
        // With its last day a pack has earned everything; a visit in the grace earns nothing more.
        if last.is_some_and(|last| self.end_of(last) < self.now) {
            return;
        }
        // The visits left are one less already.
        let (whole, visits) = (sale.prepaid + sale.earned, sale.earned_by.saturating_add(1));
        let all = whole.share(visits, visits.saturating_add(left));
        let share = Money::ZERO.max(all - sale.earned);
        sale.prepaid = sale.prepaid - share;
        (sale.earned, sale.earned_by) = (sale.earned + share, visits);
        // What rests has nothing planned.
        let planned = last.filter(|_| sale.earns_from.is_some());
        let tariff = pass.tariff.clone();
        if let Some(last) = planned {
            self.earns(&tariff, last, -share);
        }
        self.state.tables.passes.put(key, pass);
        if share.is_zero() {
            return;
        }
        let booking = Booking::new(Purpose::Recognition, format!("earned:{visit}"), at);
        self.recognise(&tariff, share, booking.decided(decision));
    }

    /// A visit that was wrongly taken from a pass goes back to it, and what it earned is prepaid
    /// again.
    pub(crate) fn unearn_visit(&mut self, key: PassKey, decision: DecisionId) {
        let Some(mut pass) = self.state.tables.passes.read(&key).cloned() else { return };
        let Some(left) = pass.visits_left else { return };
        pass.visits_left = Some(left.saturating_add(1));
        let (tariff, last) = (pass.tariff.clone(), pass.valid_until);
        let (mut share, mut planned) = (Money::ZERO, None);
        if let Some(sale) = pass.sale.as_deref_mut().filter(|sale| sale.earned_by > 0) {
            let (whole, fewer) = (sale.prepaid + sale.earned, sale.earned_by - 1);
            let still = whole.share(fewer, sale.earned_by.saturating_add(left));
            share = Money::ZERO.max(sale.earned - still);
            (sale.earned, sale.earned_by) = (sale.earned - share, fewer);
            sale.prepaid = sale.prepaid + share;
            planned = last.filter(|_| sale.earns_from.is_some());
        }
        self.state.tables.passes.put(key, pass);
        if let Some(last) = planned {
            self.earns(&tariff, last, share);
        }
        let booking =
            Booking::new(Purpose::Recognition, format!("given_back:{decision}"), self.now);
        self.recognise(&tariff, -share, booking.decided(decision));
    }

    fn recognise(&mut self, tariff: &TariffId, amount: Money, booking: Booking) {
        let deferred = self.site_account(AccountKind::Deferred, tariff.as_str());
        let earned = self.site_account(AccountKind::PassRevenue, tariff.as_str());
        self.post(booking, &[(deferred, -amount), (earned, amount)]);
    }

    /// The first use of a pass is remembered, and begins its time where it was sold so.
    pub(crate) fn first_use(&mut self, key: PassKey, at: Timestamp) {
        let unused = |pass: &&Pass| pass.sale.as_deref().is_some_and(|sale| !sale.used);
        let pass = self.state.tables.passes.read(&key).filter(unused);
        let Some(mut pass) = pass.cloned() else { return };
        let today = local_date(at, &self.state.site.time_zone);
        let Some(sale) = pass.sale.as_deref_mut() else { return };
        sale.used = true;
        if let Some(lasts) = sale.lasts.take() {
            sale.earns_from = Some(today);
            pass.valid_until = Some(lasts.last_day(today));
            self.plan_earnings(&pass);
        }
        self.state.tables.passes.put(key, pass);
    }
}
