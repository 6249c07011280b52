//! Money: overstays, settling, debts, surcharges, spending (section 11 of `decisions.md`).

use domain::{
    facts::EventKind,
    ids::ZoneId,
    rows::Visit,
    scope::Scope,
    seen::{Holder, SeenWallet},
};

use crate::{
    answer::{Asked, Class},
    calendar::SECOND,
    passes::Stay,
    profile::Val,
    resolve::Who,
};

/// What a case comes to in money.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bill {
    /// Microseconds beyond what is paid.
    over: i64,
    /// What the overstay costs now.
    pub(crate) charge: i64,
    /// What the wallet has left to spend from, after settling.
    pub(crate) balance: i64,
    pub(crate) debt: i64,
    /// Microseconds since the account was last free of debt.
    age: i64,
}

fn ceil(over: i64, unit: i64) -> i64 {
    (over + unit - 1).div_euclid(unit)
}

impl Asked<'_> {
    fn is_shared(&self) -> bool {
        self.word(31) == "family"
    }

    fn wallet(&self, holder: &Holder) -> SeenWallet {
        let family = holder.family.as_ref().filter(|_| self.is_shared());
        family.map_or(holder.wallet, |family| family.wallet)
    }

    pub(crate) fn billed(&self) -> Bill {
        let Some(holder) = &self.seen.holder else { return Bill::default() };
        let wallet = self.wallet(holder);
        let visit = holder.presence.visit.as_ref();
        let visit = visit.filter(|_| self.leaves() && holder.presence.inside > 0);
        let (over, total) = visit.map_or((0, 0), |visit| self.overstay(visit));
        let charge = visit.map_or(0, |visit| (total - visit.overstay.0).max(0));
        let due = wallet.unpaid.0 + charge;
        let free = (wallet.balance.0 - wallet.reserved.0 - self.int(28)).max(0);
        let settles = matches!(self.seen.kind, EventKind::Entry | EventKind::Exit);
        let taken = match self.word(27) {
            _ if !settles => 0,
            "partial" => due.min(free),
            "full_only" if due <= free => due,
            _ => 0,
        };
        let left = wallet.balance.0 - taken;
        let debt = due - taken + (-left).max(0);
        let age = wallet.debt_since.map_or(0, |since| self.at - since.micros());
        Bill { over, charge, balance: left - wallet.reserved.0, debt, age }
    }

    /// How long beyond what is paid, and what the overstays of the visit cost in all.
    fn overstay(&self, visit: &Visit) -> (i64, i64) {
        let start = visit.started.micros();
        let included = self.micros(12);
        let by_time = (included > 0).then_some(start + included);
        let by_hours = visit.hours_end.map(|end| end.micros());
        let Some(allowed) = by_time.into_iter().chain(by_hours).min() else { return (0, 0) };
        let leaves = match (&visit.hold, &visit.allowance) {
            (Some(hold), _) => hold.since.micros().min(self.at),
            (None, Some(time)) if self.at <= time.until.micros() => {
                time.counted.micros().min(self.at)
            }
            _ => self.at,
        };
        let over = (leaves - allowed).max(0);
        if over <= self.micros(13) {
            return (over, 0);
        }
        let Val::Rate(price, unit) = self.value(15) else { return (over, 0) };
        let cost = match self.word(14) {
            "per_unit" => ceil(over, unit * SECOND) * price,
            "fixed" => price,
            "next_tier" => self.speaks.as_ref().map_or(0, |speaks| {
                let tiers = &speaks.tariff.tiers;
                let stay = leaves - start;
                let tier = tiers.iter().find(|(long, _)| stay <= long.0).or(tiers.last());
                let price = tier.map_or(0, |(_, price)| price.0);
                (price - visit.paid.0 - speaks.pass.paid.0).max(0)
            }),
            _ => 0,
        };
        let cap = match self.value(16) {
            Val::Money(cap) => cap,
            _ => i64::MAX,
        };
        (over, cost.min(cap))
    }

    /// Rows 12 to 16 at an exit.
    pub(crate) fn overstayed(&mut self) {
        if self.bill.charge > 0 {
            self.find("OVERSTAY_CHARGED", Class::Charge);
        }
        if self.word(14) == "warn" && self.bill.over > self.micros(13) {
            self.find("OVERSTAY_WARNING", Class::Warn);
        }
    }

    /// Whether what is owed is due from this one: a family's is from its last adult (row 31).
    pub(crate) fn is_due(&self, holder: &Holder) -> bool {
        let Some(family) = holder.family.as_ref().filter(|_| self.is_shared()) else {
            return true;
        };
        let minor = !holder.adult && holder.age.is_some_and(|age| age < 18);
        !minor && !family.others.iter().any(|other| other.adult && other.inside)
    }

    /// Rows 28 and 30: what is spent now.
    pub(crate) fn spending(&mut self, costs: i64) {
        if costs <= 0 {
            return;
        }
        if self.bill.balance - costs < self.int(28) {
            self.find("WALLET_LIMIT_EXCEEDED", Class::Deny);
        }
        let (spent, limit) = (self.seen.holder.as_ref().map_or(0, |one| one.spent.0), self.int(30));
        if limit > 0 && spent + costs > limit {
            self.find("DAILY_SPEND_LIMIT", Class::Deny);
        }
    }

    /// Rows 23 and 24.
    pub(crate) fn owed(&mut self) {
        if self.bill.debt <= 0 {
            return;
        }
        let blocked = self.bill.debt > self.int(23) && self.bill.age > self.micros(24);
        match blocked {
            true => self.find("DEBT_ENTRY_BLOCKED", Class::Deny),
            false => self.find("DEBT_WARNING", Class::Warn),
        }
    }

    /// Row 37: what the zones entered cost, each once a visit; a value that an outer zone sets is
    /// that zone's.
    pub(crate) fn surcharge(&self) -> i64 {
        let visit = self.seen.holder.as_ref().and_then(|one| one.presence.visit.as_ref());
        let visit = match self.stay() {
            Stay::Begins => None,
            Stay::GoesOn => visit,
            Stay::ComesBack => self.left().map(|left| &left.visit),
        };
        let mut paid: Vec<ZoneId> = visit.map_or(Vec::new(), |visit| visit.surcharged.clone());
        let mut sum = 0;
        for (zone, _) in &self.seen.gate.entered {
            let (val, source) = self.profile.sourced(37, &self.inside(zone));
            let whose = match source {
                Some(Scope::Zone(outer)) => outer,
                _ => zone.clone(),
            };
            let Val::Money(amount) = val else { continue };
            if amount > 0 && !paid.contains(&whose) {
                sum += amount;
                paid.push(whose);
            }
        }
        sum
    }

    /// Whoever asks, with `zone` as the innermost one.
    pub(crate) fn inside(&self, zone: &ZoneId) -> Who<'_> {
        let zones = &self.seen.gate.zones;
        let depth = zones.iter().position(|known| known == zone).unwrap();
        Who { zones: &zones[..=depth], ..self.who.clone() }
    }
}
