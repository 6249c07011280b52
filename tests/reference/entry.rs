//! Entries and lockers: P3 to P9 of the pipeline.

use domain::{
    facts::EventKind,
    lockers::SeenLocker,
    rows::CredentialState,
    seen::{Holder, SeenPin},
};

use crate::{
    answer::{Asked, Class},
    calendar::{self, SECOND},
    passes::Stay,
    profile::Val,
    resolve::Who,
};

impl Asked<'_> {
    /// An entry, where the credential is in use.
    pub(crate) fn entry(&mut self, holder: &Holder) {
        if holder.blocked {
            self.find("MEMBER_BLOCKED", Class::Deny);
        }
        if holder.pin == SeenPin::Duress {
            match self.word(5) {
                "grant_silent_alarm" => self.find("DURESS", Class::Grant),
                "deny_silent_alarm" => self.find("DURESS", Class::Deny),
                _ => {}
            }
        }
        if holder.state != CredentialState::Active {
            return;
        }
        self.factor(holder);
        self.membership(holder);
        self.certificate(holder);
        self.hours();
        self.presence(holder);
        self.room();
        self.people(holder);
        let price = self.speaks.as_ref().map_or(0, |speaks| speaks.tariff.entry_price.0);
        let price = if self.stay() == Stay::Begins { price } else { 0 };
        self.spending(price + self.surcharge());
        self.owed();
    }

    /// Rows 3 and 4.
    fn factor(&mut self, holder: &Holder) {
        let failed: Vec<i64> = holder.failed.iter().map(|at| at.micros()).collect();
        let limits = self.profile.limits(4, &self.who);
        let right = matches!(holder.pin, SeenPin::Right | SeenPin::Duress);
        if calendar::is_locked(&limits, &failed, (self.at, self.profile.ahead)) {
            self.find("CREDENTIAL_LOCKED_OUT", Class::Deny);
        }
        if match self.word(3) {
            "card_and_pin" => !right,
            "card_and_photo_check" => !holder.photo,
            _ => false,
        } {
            self.find("AUTH_FACTOR_FAILED", Class::Deny);
        }
    }

    /// Rows 7, 8, 9, 17, 18 and 40.
    fn membership(&mut self, holder: &Holder) {
        let begins = self.stay() == Stay::Begins;
        let Some(speaks) = &self.speaks else {
            return self.find("NO_ACCESS_RIGHTS", Class::Deny);
        };
        let (state, allowed) = (speaks.state, speaks.allowed);
        let left = speaks.pass.visits_left.map(|left| left - speaks.pass.visits_reserved);
        let used = self.left().is_some_and(|left| left.visit.pass == Some(speaks.id));
        let ticket = speaks.tariff.single_entry && used && begins;
        let clock = (self.at, self.profile.ahead);
        let reached = |limits: &[_], visits: &domain::rows::Visits| {
            let begun = visits.begun.iter();
            let begun = begun.map(|begun| (begun.at.micros(), begun.stepped.0)).collect::<Vec<_>>();
            calendar::is_reached(limits, &begun, i64::from(visits.promised), clock)
        };
        if ticket {
            self.find("REENTRY_NOT_ALLOWED", Class::Deny);
        }
        let limits = self.profile.limits(17, &self.who);
        if begins && reached(&limits, &holder.visits) {
            self.find("VISIT_LIMIT_REACHED", Class::Deny);
        }
        if state == "grace" {
            self.find("MEMBERSHIP_IN_GRACE", Class::Warn);
        }
        if allowed {
            let after = left.map(|left| i64::from(left.saturating_sub(1)));
            if begins && after.is_some_and(|after| after <= self.int(9)) {
                self.find("VISITS_LOW", Class::Warn);
            }
        } else {
            if state != "depleted" {
                self.find("MEMBERSHIP_NOT_ACTIVE", Class::Deny);
            }
            if !ticket && (state == "depleted" || (begins && left == Some(0))) {
                self.find("VISITS_EXHAUSTED", Class::Deny);
            }
        }
        let Some(host) = holder.host.as_ref().filter(|_| begins) else { return };
        let who = Who {
            tariff: host.tariff.as_ref(),
            groups: &host.groups,
            member: Some(host.member),
            ..self.who.clone()
        };
        if reached(&self.profile.limits(40, &who), &host.guests) {
            self.find("GUEST_LIMIT_REACHED", Class::Deny);
        }
    }

    /// Row 38.
    fn certificate(&mut self, holder: &Holder) {
        let asked = self.word(38);
        if asked == "off" {
            return;
        }
        let today = calendar::day_of(self.at, self.profile.ahead);
        let left = holder.certificate_until.map(|last| calendar::of(last) - today);
        match left {
            Some(0..=14) => self.find("MEDICAL_CERTIFICATE_EXPIRING", Class::Warn),
            Some(15..) => {}
            _ if asked == "deny" => self.find("MEDICAL_CERTIFICATE_INVALID", Class::Deny),
            _ => self.find("MEDICAL_CERTIFICATE_INVALID", Class::Warn),
        }
    }

    /// Rows 10 and 11.
    fn hours(&mut self) {
        let (site, others) = self.open(&self.who, self.judged_at());
        if !site {
            self.find("SITE_CLOSED", Class::Deny);
        }
        if !others {
            self.find("OUTSIDE_TARIFF_WINDOW", Class::Deny);
        }
    }

    /// Rows 19 and 20.
    fn presence(&mut self, holder: &Holder) {
        let mode = self.word(19);
        let (value, source) = self.profile.sourced(20, &self.who);
        let lock = match value {
            _ if mode == "timed" && source.is_none() => 600,
            Val::Dur(days, seconds) => days * 86_400 + seconds,
            _ => 0,
        };
        let presence = &holder.presence;
        let since = presence.entered.map(|entered| self.at - entered.micros());
        let lasts = since.is_some_and(|since| lock == 0 || since < lock * SECOND);
        let inside = presence.behind && presence.inside >= holder.party_size;
        match mode {
            "timed" if lasts => self.find("ANTI_PASSBACK", Class::Deny),
            "hard" if inside && lasts => self.find("ANTI_PASSBACK", Class::Deny),
            "soft" if inside && lasts => self.find("ANTI_PASSBACK_SOFT", Class::Warn),
            _ => {}
        }
    }

    /// Rows 32 and 33: each zone entered is judged on its own count.
    fn room(&mut self) {
        let mut full = None;
        for (zone, people) in &self.seen.gate.entered {
            let who = self.inside(zone);
            let limit = self.profile.int(32, &who);
            if limit > 0 && people + 1 > limit {
                full = full.max(match self.profile.word(33, &who) {
                    "hard" => Some(Class::Deny),
                    "soft" => Some(Class::Warn),
                    _ => None,
                });
            }
        }
        if let Some(class) = full {
            self.find("ZONE_FULL", class);
        }
    }

    /// Rows 34, 35 and 36.
    fn people(&mut self, holder: &Holder) {
        let Some(age) = holder.age else { return };
        if age < self.int(34) {
            self.find("AGE_BELOW_MINIMUM", Class::Deny);
        }
        let below = self.int(35);
        if age >= below {
            return;
        }
        let others = holder.family.as_ref().map_or(&[][..], |family| &family.others);
        let behind = || others.iter().filter(|other| other.behind);
        let adults = behind().filter(|other| other.adult).count();
        let is_child = |age: Option<i64>| age.is_some_and(|age| age < below);
        let children = 1 + behind().filter(|other| !other.adult && is_child(other.age)).count();
        let most = usize::try_from(self.int(36)).unwrap() * adults;
        if adults == 0 || children > most {
            self.find("SUPERVISION_REQUIRED", Class::Deny);
        }
    }

    /// A locker that shall open or close, where the credential is in use.
    pub(crate) fn locker(&mut self, holder: &Holder) {
        let opens = self.is(EventKind::LockerOpen);
        if opens {
            self.locker_time();
        }
        let Some(locker) = &self.seen.locker else { return };
        if holder.state != CredentialState::Active {
            return;
        }
        if !self.is_mine(locker) {
            self.find("LOCKER_NOT_YOURS", Class::Deny);
        }
        if opens {
            self.factor(holder);
            self.hours();
            let Some(speaks) = self.speaks.as_ref().filter(|speaks| !speaks.allowed) else {
                return;
            };
            match speaks.state {
                "depleted" => self.find("VISITS_EXHAUSTED", Class::Deny),
                _ => self.find("MEMBERSHIP_NOT_ACTIVE", Class::Deny),
            }
            return;
        }
        let same = |one: &&SeenLocker| one.bank == locker.bank && one.id != locker.id;
        let held = holder.lockers.iter().filter(same).count();
        if i64::try_from(held).unwrap() + 1 > self.int(42) {
            self.find("LOCKER_LIMIT_REACHED", Class::Deny);
        }
        self.owed();
    }

    /// Row 41.
    fn is_mine(&self, locker: &SeenLocker) -> bool {
        let today = calendar::day_of(self.at, self.profile.ahead);
        let given = locker
            .given
            .is_some_and(|given| given.until.is_none_or(|last| today <= calendar::of(last)));
        match self.word(41) {
            "free" => !locker.taken,
            "dynamic" => locker.own || (given && !locker.taken),
            _ => given,
        }
    }

    /// The lockers whose time counts here, each with how long it is over and what its bank does
    /// about it (rows 43 and 44).
    fn timed(&self) -> Vec<(&SeenLocker, i64, &'static str)> {
        let held = self.seen.holder.as_ref().map_or(&[][..], |holder| &holder.lockers);
        let lockers: Vec<&SeenLocker> = match &self.seen.locker {
            Some(locker) => Some(locker).into_iter().filter(|one| one.own).collect(),
            None => held.iter().collect(),
        };
        let over = |locker: &SeenLocker, most: i64| {
            let Some(since) = locker.since.filter(|_| !locker.released) else { return 0 };
            let until = match most {
                0 => self.left().map(|left| left.at.micros().max(since.micros())),
                _ => Some(since.micros() + most * SECOND),
            };
            until.map_or(0, |until| (self.at - until).max(0))
        };
        let one = |locker| {
            let locker: &SeenLocker = locker;
            let who = Who { device: Some(&locker.bank), ..self.who.clone() };
            let most = self.profile.seconds(43, &who);
            (locker, over(locker, most), self.profile.word(44, &who))
        };
        lockers.into_iter().map(one).collect()
    }

    /// Rows 43 and 44: nobody is kept in for it.
    pub(crate) fn locker_time(&mut self) {
        let over: Vec<_> = self.timed().into_iter().filter(|(_, over, _)| *over > 0).collect();
        let blocks = over.iter().any(|(.., action)| *action == "block");
        if over.is_empty() {
            return;
        }
        let refused = blocks && self.is(EventKind::LockerOpen);
        self.find("LOCKER_TIME_EXCEEDED", if refused { Class::Deny } else { Class::Warn });
    }

    /// What lockers cost that are over their time, less what each cost before.
    pub(crate) fn locker_charge(&self) -> i64 {
        let Val::Rate(price, unit) = self.value(15) else { return 0 };
        let charged = self.timed().into_iter().filter(|(.., action)| *action == "charge");
        let cost = |(locker, over, _): (&SeenLocker, i64, _)| {
            let unit = unit * SECOND;
            let total = (over + unit - 1).div_euclid(unit) * price;
            (total - locker.charged.0).max(0)
        };
        charged.map(cost).sum()
    }
}
