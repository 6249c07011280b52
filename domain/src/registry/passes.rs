//! What becomes of a sold pass: it rests, goes on, is handed to somebody else, or ends early with
//! what is not earned yet paid back or kept.

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use super::{CHANGED_MEANWHILE, Carried, Carrier, Report, reasoned, short};
use crate::{
    expiry::Timer,
    ids::{MemberId, PassId, Uid},
    ledger::{Booking, Purpose},
    money::{Money, Vat},
    rows::{AccountKind, Pass, PassKey, PassState},
    state::{Entry, Noted},
    step::Step,
    time::Timestamp,
};

/// What becomes of a pass after it was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassChange {
    /// It rests from today on, for as many days as its tariff allows.
    Freeze,
    /// It rests from the beginning of a later day on.
    FreezeFrom {
        /// The day.
        from: Date,
    },
    /// It goes on, or will not rest.
    Unfreeze,
    /// A visit that was wrongly taken from it goes back to it.
    GiveBack,
    /// It is handed to somebody else.
    Transfer {
        /// To whom.
        to: MemberId,
    },
    /// It ends now.
    Cancel {
        /// What goes back into the wallet, tax included; without it all that is not used.
        refund: Option<Money>,
    },
}

impl PassChange {
    /// The word for it in the journal.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Freeze | Self::FreezeFrom { .. } => "pass_frozen",
            Self::Unfreeze => "pass_unfrozen",
            Self::GiveBack => "visit_given_back",
            Self::Transfer { .. } => "pass_transferred",
            Self::Cancel { .. } => "pass_cancelled",
        }
    }
}

impl Step<'_> {
    pub(super) fn may_change_pass(
        &mut self,
        who: &Carrier,
        id: PassId,
        (change, reason): (&PassChange, &str),
    ) -> Result<(), String> {
        self.unchanged(who)?;
        let key = PassKey { member: who.member, pass: id };
        let pass = self.pass_of(&key)?;
        if pass.state == PassState::Cancelled {
            return Err("that pass is cancelled".to_owned());
        }
        short(reason)?;
        self.nobody_visits_by(who, id)?;
        let terms = self.terms_of(&pass).map(|(_, tariff)| tariff.offer).unwrap_or_default();
        match change {
            PassChange::Freeze => self.may_freeze(&pass, terms.freeze_days, self.today()),
            PassChange::FreezeFrom { from } => self.may_freeze(&pass, terms.freeze_days, *from),
            PassChange::Unfreeze if pass.state != PassState::Frozen && !is_planned(&pass) => {
                Err("that pass is not frozen".to_owned())
            }
            PassChange::Unfreeze => Ok(()),
            PassChange::GiveBack => {
                reasoned(reason)?;
                self.may_give_back(&pass, terms.visits)
            }
            PassChange::Transfer { .. } if pass.state != PassState::Active => {
                Err("only a pass that is in use is handed on".to_owned())
            }
            PassChange::Transfer { .. } if !terms.transferable => {
                Err("its tariff does not let it be handed to somebody else".to_owned())
            }
            PassChange::Transfer { to } if *to == who.member => Err("it is his already".to_owned()),
            PassChange::Transfer { to } => self.member(*to).map(|_| ()),
            PassChange::Cancel { refund } => {
                reasoned(reason)?;
                self.may_pay_back(&key, &pass, *refund)
            }
        }
    }

    fn may_freeze(&self, pass: &Pass, allowed: u16, from: Date) -> Result<(), String> {
        let sale = pass.sale.as_deref();
        if from < self.today() {
            return Err("a pass rests from today or a later day on".to_owned());
        }
        if from < pass.valid_from {
            return Err(format!("it begins on {}; let it rest from then on", pass.valid_from));
        }
        if is_planned(pass) {
            return Err("it will rest already; `kari pass unfreeze` takes that back".to_owned());
        }
        if pass.state != PassState::Active {
            return Err("only a pass that is in use is frozen".to_owned());
        }
        if sale.is_some_and(|sale| sale.lasts.is_some()) {
            return Err("its time begins with its first use; there is nothing to freeze".to_owned());
        }
        if pass.valid_until.is_none_or(|last| last < from) {
            return Err("it has no end that a freeze would move, or is over by then".to_owned());
        }
        match allowed.saturating_sub(sale.map_or(0, |sale| sale.frozen_days)) {
            0 if allowed == 0 => Err("its tariff has no freeze".to_owned()),
            0 => Err(format!("all of its {allowed} days of freeze are used")),
            _ => Ok(()),
        }
    }

    fn may_give_back(&self, pass: &Pass, sold: Option<u32>) -> Result<(), String> {
        let Some(left) = pass.visits_left else {
            return Err("that pass counts no visits".to_owned());
        };
        if pass.valid_until.is_some_and(|last| last < self.today()) {
            return Err("that pass is over; a visit of it is worth nothing any more".to_owned());
        }
        if sold.is_some_and(|sold| left >= sold) {
            return Err(format!("all of its {left} visits are there"));
        }
        Ok(())
    }

    fn may_pay_back(
        &mut self,
        key: &PassKey,
        pass: &Pass,
        refund: Option<Money>,
    ) -> Result<(), String> {
        let most = self.unearned(pass).1;
        let currency = &self.state.site.currency;
        match refund {
            Some(amount) if amount < Money::ZERO || amount > most => Err(format!(
                "between 0 and {} can be paid back: what is not used of it",
                currency.exact(most)
            )),
            _ if self.state.tables.members.read(&key.member).is_none() => {
                Err("there is no such member".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The pass of this key, or what to say.
    fn pass_of(&mut self, key: &PassKey) -> Result<Pass, String> {
        let pass = self.state.tables.passes.read(key).cloned();
        pass.ok_or_else(|| "this member has no such pass".to_owned())
    }

    /// Nobody is inside by this pass, or on the way: what a visit takes from it is not settled yet.
    fn nobody_visits_by(&mut self, who: &Carrier, pass: PassId) -> Result<(), String> {
        let family = self.member(who.member)?.kin.as_deref().and_then(|kin| kin.family);
        let family = family.and_then(|id| self.state.tables.families.read(&id).cloned());
        let relatives: Vec<Uid> = family.map(|row| row.people).unwrap_or_default();
        for uid in who.carries.iter().chain(&relatives) {
            let Some(held) = self.state.tables.credentials.read(uid).cloned() else {
                return Err(CHANGED_MEANWHILE.to_owned());
            };
            let presence = self.presence_of(held.id);
            let inside = presence.visit.as_ref().is_some_and(|visit| visit.pass == Some(pass));
            if inside || presence.pending.is_some() {
                return Err("somebody is inside by it; change it after the exit".to_owned());
            }
        }
        Ok(())
    }

    pub(super) fn change_pass(
        &mut self,
        carried: &Carried<'_>,
        (who, id): (&Carrier, PassId),
        (change, reason): (&PassChange, &str),
    ) -> Report {
        let key = PassKey { member: who.member, pass: id };
        let Ok(pass) = self.pass_of(&key) else { return Report::default() };
        // Whoever else looked at it before, and waits for a second person, looks again.
        self.carries_otherwise(who.member);
        let before = Some(pass.state.name().to_owned());
        let report = Report::default().told("pass", None, Some(id.to_string())).why(reason);
        let state = match change {
            PassChange::Freeze => self.freeze(key, pass, self.today()),
            PassChange::FreezeFrom { from } if *from == self.today() => {
                self.freeze(key, pass, *from)
            }
            PassChange::FreezeFrom { from } => {
                self.plan_freeze(key, pass, *from);
                return report.told("rests_from", None, Some(from.to_string()));
            }
            PassChange::Unfreeze if is_planned(&pass) => {
                let from = pass.sale.as_deref().and_then(|sale| sale.freezes);
                self.unfreeze(key, self.now);
                return report.told("rests_from", from.map(|from| from.to_string()), None);
            }
            PassChange::Unfreeze => self.unfreeze(key, self.now),
            PassChange::GiveBack => {
                let left = |pass: Option<&Pass>| pass?.visits_left.map(|left| left.to_string());
                let before = left(Some(&pass));
                self.unearn_visit(key, carried.decision);
                let after = left(self.state.tables.passes.read(&key));
                return report.told("visits_left", before, after);
            }
            PassChange::Transfer { to } => {
                let pass = self.forget_freeze(key, pass);
                self.state.tables.passes.remove(key);
                self.state.tables.passes.put(PassKey { member: *to, ..key }, pass);
                return report.told("holder", Some(who.member.to_string()), Some(to.to_string()));
            }
            PassChange::Cancel { refund } => {
                let paid = self.cancel(carried, (key, pass), (*refund, reason));
                let paid = self.state.site.currency.exact(paid).to_string();
                let after = Some(PassState::Cancelled.name().to_owned());
                return report.told("state", before, after).told("paid_back", None, Some(paid));
            }
        };
        report.told("state", before, Some(state.name().to_owned()))
    }

    /// A pass will rest from the beginning of a later day on.
    fn plan_freeze(&mut self, key: PassKey, mut pass: Pass, from: Date) {
        let begins = self.end_of(from.saturating_sub(1.day()));
        pass.sale.get_or_insert_default().freezes = Some(begins);
        self.state.timers.start(begins, Timer::Freeze(key));
        self.state.tables.passes.put(key, pass);
    }

    /// It will not rest.
    pub(crate) fn forget_freeze(&mut self, key: PassKey, mut pass: Pass) -> Pass {
        if let Some(begins) = pass.sale.as_deref_mut().and_then(|sale| sale.freezes.take()) {
            self.state.timers.stop(begins, Timer::Freeze(key));
        }
        pass
    }

    /// The day came on which a pass rests, if it still may.
    pub(crate) fn freeze_begins(&mut self, key: PassKey, at: Timestamp) {
        let Some(pass) = self.state.tables.passes.read(&key).filter(|pass| is_planned(pass)) else {
            return;
        };
        let pass = pass.clone();
        let pass = self.forget_freeze(key, pass);
        let day = crate::windows::local_date(at, &self.state.site.time_zone);
        if pass.state != PassState::Active || pass.valid_until.is_none_or(|last| last < day) {
            return self.state.tables.passes.put(key, pass);
        }
        self.freeze(key, pass, day);
        let noted = Noted::Rests { member: key.member, pass: key.pass };
        self.batch.journal.push(Entry { at, device: None, source: None, noted });
    }

    /// A pass rests from a day on. What its days have still to earn waits with it.
    fn freeze(&mut self, key: PassKey, mut pass: Pass, today: Date) -> PassState {
        let left = self.unplan_earnings(&pass, today);
        let allowed = self.terms_of(&pass).map_or(0, |(_, tariff)| tariff.offer.freeze_days);
        let sale = pass.sale.get_or_insert_default();
        let days = i64::from(allowed.saturating_sub(sale.frozen_days));
        sale.prepaid = left;
        sale.earns_from = None;
        sale.frozen = Some(today);
        let thaws = self.end_of(today.saturating_add((days - 1).days()));
        sale.thaws = Some(thaws);
        self.state.timers.start(thaws, Timer::Thaw(key));
        pass.state = PassState::Frozen;
        self.state.tables.passes.put(key, pass);
        PassState::Frozen
    }

    /// The last day of a freeze is over.
    pub(crate) fn thaw(&mut self, key: PassKey, at: Timestamp) {
        let pass = self.state.tables.passes.read(&key);
        let sale = pass.and_then(|pass| pass.sale.as_deref());
        if sale.is_none_or(|sale| sale.frozen.is_none()) {
            return;
        }
        self.unfreeze(key, at);
        let noted = Noted::Thawed { member: key.member, pass: key.pass };
        self.batch.journal.push(Entry { at, device: None, source: None, noted });
    }

    /// A frozen pass goes on from the day of `at`: its end moves by the days that it rested.
    pub(crate) fn unfreeze(&mut self, key: PassKey, at: Timestamp) -> PassState {
        let Some(mut pass) = self.state.tables.passes.read(&key).cloned() else {
            return PassState::Active;
        };
        if is_planned(&pass) {
            let (state, pass) = (pass.state, self.forget_freeze(key, pass));
            self.state.tables.passes.put(key, pass);
            return state;
        }
        let today = crate::windows::local_date(at, &self.state.site.time_zone);
        let Some(sale) = pass.sale.as_deref_mut().filter(|sale| sale.frozen.is_some()) else {
            return pass.state;
        };
        let rested = sale.frozen.take().and_then(|from| from.until(today).ok());
        let days = rested.map_or(0, |span| span.get_days()).max(0);
        sale.frozen_days = sale.frozen_days.saturating_add(u16::try_from(days).unwrap_or(u16::MAX));
        sale.earns_from = Some(today);
        if let Some(thaws) = sale.thaws.take() {
            self.state.timers.stop(thaws, Timer::Thaw(key));
        }
        pass.valid_until = pass.valid_until.map(|last| last.saturating_add(days.days()));
        pass.state = PassState::Active;
        self.plan_earnings(&pass);
        self.state.tables.passes.put(key, pass);
        PassState::Active
    }

    /// The tax on what a pass costs.
    fn vat_of(&mut self, pass: &Pass) -> Vat {
        let own = self.terms_of(pass).and_then(|(_, tariff)| tariff.vat);
        own.unwrap_or(self.state.site.vat)
    }

    /// What a pass has not earned yet, without tax and with it. The day of today is earned.
    fn unearned(&mut self, pass: &Pass) -> (Money, Money) {
        let vat = self.vat_of(pass);
        let tomorrow = self.today().saturating_add(1.day());
        let net = match pass.sale.as_deref() {
            None => Money::ZERO,
            Some(sale) if sale.earns_from.is_none() => sale.prepaid,
            Some(sale) if pass.visits_left.is_some() => match pass.valid_until {
                Some(last) if last < self.today() => Money::ZERO,
                _ => sale.prepaid,
            },
            Some(_) => {
                let days = pass.earnings();
                days.iter().filter(|(day, _)| *day >= tomorrow).map(|(_, part)| *part).sum()
            }
        };
        (net, net + self.tax_left(pass, vat, net))
    }

    /// What is paid back of a pass that is cancelled now.
    pub(crate) fn paid_back_of(&mut self, key: PassKey) -> Option<Money> {
        let pass = self.pass_of(&key).ok()?;
        Some(self.unearned(&pass).1)
    }

    /// The tax on what a pass has not earned: its share of the tax that was paid, so that what is
    /// paid back and what was earned are together what the pass cost.
    fn tax_left(&self, pass: &Pass, vat: Vat, net: Money) -> Money {
        let unused = pass
            .sale
            .as_deref()
            .is_some_and(|sale| !sale.used && (pass.visits_left.is_some() || sale.lasts.is_some()));
        let (whole, tax) = vat.within(pass.paid);
        match unused && !net.is_zero() {
            true => pass.paid - net,
            false if self.state.site.vat_on_top => vat.on(net),
            false => tax.of(net, whole),
        }
    }

    /// A pass ends early. What it has not earned goes into its holder's wallet as far as it is paid
    /// back, with its tax, and is revenue otherwise; tells how much was paid back.
    fn cancel(
        &mut self,
        carried: &Carried<'_>,
        (key, pass): (PassKey, Pass),
        (refund, reason): (Option<Money>, &str),
    ) -> Money {
        let mut pass = self.forget_freeze(key, pass);
        let (net, gross) = self.unearned(&pass);
        let back = refund.unwrap_or(gross);
        let vat = self.vat_of(&pass);
        let tomorrow = self.today().saturating_add(1.day());
        let from = if pass.visits_left.is_some() { jiff::civil::Date::MIN } else { tomorrow };
        if !net.is_zero() {
            self.unplan_earnings(&pass, from);
        }
        if let Some(sale) = pass.sale.as_deref_mut() {
            sale.prepaid = Money::ZERO;
            sale.earns_from = None;
            sale.lasts = None;
            sale.frozen = None;
            if let Some(thaws) = sale.thaws.take() {
                self.state.timers.stop(thaws, Timer::Thaw(key));
            }
        }
        pass.state = PassState::Cancelled;
        let tariff = pass.tariff.clone();
        self.state.tables.passes.put(key, pass);
        let Ok(holder) = self.member(key.member) else { return Money::ZERO };
        let whole = back == gross;
        let (back_net, back_tax) = if whole { (net, gross - net) } else { vat.within(back) };
        let mut postings = vec![(holder.account, back)];
        postings.push((self.site_account(AccountKind::Deferred, tariff.as_str()), -net));
        let kept = self.site_account(AccountKind::PassRevenue, tariff.as_str());
        postings.push((kept, net - back_net));
        postings.extend(self.tax(vat, -back_tax));
        let booking = Booking {
            note: reason.to_owned(),
            ..Booking::new(Purpose::Cancellation, format!("cancelled:{}", key.pass), self.now)
        };
        let booking = booking.by(&carried.order.operator).decided(carried.decision);
        self.post(booking, &postings);
        back
    }
}

/// Whether it will rest from a later day on.
fn is_planned(pass: &Pass) -> bool {
    pass.sale.as_deref().is_some_and(|sale| sale.freezes.is_some())
}
