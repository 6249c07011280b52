//! What a request comes to in money: the overstay, what the wallet settles, what stays owed
//! (section 11 of `decisions.md` of the specification).

use crate::{
    facts::{EventKind, Facts},
    gather::Speaking,
    ids::{AccountId, CredentialId},
    money::Money,
    params::Param,
    rows::{Charge, ChargeFor, TariffKey, Visit},
    scope::Supplied,
    seen::{Seen, SeenWallet},
    time::{Span, Timestamp},
};

/// The money of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    wallet: SeenWallet,
    /// Whose visit it is.
    pub(crate) credential: Option<CredentialId>,
    overstay: Overstay,
    /// The tariff by whose terms it is charged.
    tariff: Option<TariffKey>,
    /// What the overstay costs now.
    pub(crate) charge: Money,
    /// How much of it the wallet pays at once.
    taken: Money,
    /// What the wallet pays of charges made before.
    pub(crate) settled: Money,
}

/// How much longer a stay is than what is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Overstay {
    time: Span,
    paid_until: Option<Timestamp>,
    units: i64,
    /// What the overstays of the visit cost in all.
    total: Money,
}

impl Bill {
    /// The money of what was `seen`, by these values.
    pub(crate) fn of(seen: &Seen, values: &[Supplied], speaking: Option<&Speaking>) -> Self {
        let Some(holder) = &seen.holder else { return Self::default() };
        let shared = values[Param::WalletSharedWith as usize].value.word() == "family";
        let family = holder.family.as_ref().filter(|_| shared);
        let wallet = family.map_or(holder.wallet, |family| family.wallet);
        let visit = seen.visit().filter(|_| seen.leaves_site() && holder.presence.inside > 0);
        let overstay = visit.map(|visit| Overstay::of(visit, seen.at, values, speaking));
        let overstay = overstay.unwrap_or_default();
        let before = visit.map_or(Money::ZERO, |visit| visit.overstay);
        let charge = Money::ZERO.max(overstay.total - before);
        let due = wallet.unpaid + charge;
        let bound = values[Param::WalletMinBalance as usize].value.amount();
        let most = Money::ZERO.max(wallet.balance - wallet.reserved - bound);
        let settles = matches!(seen.kind, EventKind::Entry | EventKind::Exit);
        let paid = match values[Param::DebtAutoSettle as usize].value.word() {
            // Nothing is settled at lockers and tills: row 27 is about gates.
            _ if !settles => Money::ZERO,
            "partial" => due.min(most),
            "full_only" if due <= most => due,
            _ => Money::ZERO,
        };
        // The oldest first.
        let settled = paid.min(wallet.unpaid);
        let credential = Some(holder.credential);
        let tariff = speaking.map(Speaking::tariff_key);
        Self { wallet, credential, overstay, tariff, charge, taken: paid - settled, settled }
    }

    /// The wallet that pays.
    pub(crate) const fn account(&self) -> Option<AccountId> {
        self.wallet.account
    }

    /// What the wallet holds afterwards, charges in progress included.
    fn balance(&self) -> Money {
        self.wallet.balance - self.settled - self.taken
    }

    /// What is owed afterwards.
    pub(crate) fn debt(&self) -> Money {
        self.unpaid() + Money::ZERO.max(-self.balance())
    }

    /// The charges that nobody paid afterwards.
    fn unpaid(&self) -> Money {
        self.wallet.unpaid - self.settled + self.charge - self.taken
    }

    /// Books in what was `seen` what the wallet pays, and the overstay, as a hold does.
    pub(crate) fn book(&self, seen: &mut Seen) {
        let Some(holder) = &mut seen.holder else { return };
        if let Some(visit) = holder.presence.visit.as_mut() {
            visit.overstay = visit.overstay + self.charge;
        }
        let family = holder.family.iter_mut().map(|family| &mut family.wallet);
        let all = family.chain([&mut holder.wallet]);
        for wallet in all.filter(|wallet| wallet.account == self.wallet.account) {
            wallet.balance = self.balance();
            wallet.unpaid = self.unpaid();
        }
    }

    /// The charge for the overstay, if there is one.
    pub(crate) fn charges(&self) -> Option<Charge> {
        let account = self.wallet.account.filter(|_| self.charge > Money::ZERO)?;
        let what = ChargeFor::Overstay;
        let tariff = self.tariff.clone();
        Some(Charge { account, amount: self.charge, taken: self.taken, what, tariff })
    }

    /// Tells the rules.
    pub(crate) fn tell(&self, at: Timestamp, facts: &mut Facts) {
        // A started second counts, as a started unit does.
        facts.overstay = -Span(-self.overstay.time.0).whole_seconds();
        facts.paid_until = self.overstay.paid_until;
        facts.overstay_units = self.overstay.units;
        facts.overstay_charge = self.charge;
        facts.wallet_balance = self.balance() - self.wallet.reserved;
        facts.debt = self.debt();
        let since = self.wallet.debt_since.map(|since| -Span(-at.since(since).0).whole_seconds());
        facts.debt_age = since.filter(|_| self.debt() > Money::ZERO).unwrap_or(0).max(0);
    }
}

impl Overstay {
    fn of(visit: &Visit, at: Timestamp, values: &[Supplied], speaking: Option<&Speaking>) -> Self {
        let value = |param: Param| &values[param as usize].value;
        let cap = value(Param::TariffOverstayCap).cap();
        let counted = visit.counted(at);
        if let Some(rate) = speaking.and_then(|speaking| speaking.tariff.offer.minute.as_ref()) {
            // Nothing is paid in advance: the whole stay is what is longer than that.
            let time = Span(counted.since(visit.started).0.max(0));
            let total = rate.charge(time);
            let total = cap.map_or(total, |cap| total.min(cap));
            return Self { time, paid_until: None, units: rate.units(time), total };
        }
        let included = value(Param::TariffIncludedDuration).span();
        let by_time = (included.0 > 0).then(|| visit.started.plus(included));
        let paid_until = by_time.into_iter().chain(visit.hours_end).min();
        let Some(until) = paid_until else { return Self::default() };
        let time = Span(counted.since(until).0.max(0));
        let none = Self { time, paid_until, units: 0, total: Money::ZERO };
        if time <= value(Param::TariffOverstayGrace).span() {
            return none;
        }
        let Some(rate) = value(Param::TariffOverstayRate).rate() else { return none };
        let units = rate.units(time);
        let (units, total) = match value(Param::TariffOverstayMode).word() {
            "per_unit" => (units, rate.charge(time)),
            "fixed" => (0, rate.amount),
            "next_tier" => (0, next_tier(visit, counted, speaking)),
            _ => return none,
        };
        let total = cap.map_or(total, |cap| total.min(cap));
        Self { units, total, ..none }
    }
}

/// The price of the tier that covers the stay, less what was paid.
fn next_tier(visit: &Visit, counted: Timestamp, speaking: Option<&Speaking>) -> Money {
    let Some(speaking) = speaking else { return Money::ZERO };
    let price = speaking.tariff.tier(counted.since(visit.started));
    Money::ZERO.max(price - visit.paid - speaking.pass.paid)
}
