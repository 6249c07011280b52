//! Families: people with a shared wallet, who join and leave while they are outside.

use super::{Carrier, Report};
use crate::{
    ids::{AccountId, FamilyId, Uid},
    money::Money,
    rows::{Family, Kin},
    state::ImportRow,
    step::Step,
};

/// The most credentials of one family (our choice).
const PEOPLE_MAX: usize = 50;

impl Step<'_> {
    pub(super) fn may_join(&mut self, who: &Carrier, with: &Carrier) -> Result<(), String> {
        if who.member == with.member {
            return Err("nobody is a family alone; name somebody else".to_owned());
        }
        let (row, other) = (self.unchanged(who)?, self.unchanged(with)?);
        if row.kin.as_deref().is_some_and(|kin| kin.family.is_some()) {
            return Err("this member belongs to a family; he leaves that first".to_owned());
        }
        self.is_outside(who)?;
        match other.kin.as_deref().and_then(|kin| kin.family) {
            None => self.is_outside(with),
            Some(id) => {
                let family = self.state.tables.families.read(&id);
                let people = family.map_or(0, |family| family.people.len());
                let fits = people + who.carries.len() <= PEOPLE_MAX;
                fits.then_some(())
                    .ok_or_else(|| format!("a family has {PEOPLE_MAX} credentials at most"))
            }
        }
    }

    pub(super) fn may_leave(&mut self, who: &Carrier) -> Result<(), String> {
        let row = self.unchanged(who)?;
        let Some(id) = row.kin.as_deref().and_then(|kin| kin.family) else {
            return Err("this member belongs to no family".to_owned());
        };
        self.is_outside(who)?;
        let Some(family) = self.state.tables.families.read(&id).cloned() else { return Ok(()) };
        let accounts = &mut self.state.tables.accounts;
        let moved = [family.account, family.account.beside()].into_iter().any(|account| {
            let row = accounts.read(&account);
            row.is_some_and(|row| !row.balance.is_zero() || !row.reserved.is_zero())
        });
        let last = family.people.iter().all(|uid| who.carries.contains(uid));
        match moved && last {
            true => Err("he is the last one, and the shared wallet is not empty; pay it out, or \
                         settle it, first"
                .to_owned()),
            false => Ok(()),
        }
    }

    /// What somebody carries is his, and nobody is inside or on the way by it: what a visit costs
    /// goes to the wallet that it began with.
    fn is_outside(&mut self, who: &Carrier) -> Result<(), String> {
        for uid in &who.carries {
            let held = self.state.tables.credentials.read(uid).cloned();
            let Some(held) = held.filter(|held| held.member == who.member) else {
                return Err(super::CHANGED_MEANWHILE.to_owned());
            };
            let presence = self.presence_of(held.id);
            if presence.inside > 0 || presence.pending.is_some() {
                return Err("somebody is inside; families change while people are out".to_owned());
            }
        }
        Ok(())
    }

    pub(super) fn join(&mut self, who: &Carrier, with: &Carrier) -> Report {
        let Ok(other) = self.member(with.member) else { return Report::default() };
        let family = match other.kin.as_deref().and_then(|kin| kin.family) {
            Some(family) => family,
            None => self.begin_family(with),
        };
        self.enter_family(family, who);
        Report::default().told("family", None, Some(family.to_string()))
    }

    fn begin_family(&mut self, first: &Carrier) -> FamilyId {
        let account = AccountId(self.state.ids.make(self.now));
        let id = FamilyId(self.state.ids.make(self.now));
        self.import_row(ImportRow::Wallet { account, balance: Money::ZERO, debt_since: None });
        self.state.tables.families.put(id, Family { name: "".into(), account, people: Vec::new() });
        self.enter_family(id, first);
        id
    }

    fn enter_family(&mut self, id: FamilyId, who: &Carrier) {
        let Ok(mut row) = self.member(who.member) else { return };
        row.kin.get_or_insert_default().family = Some(id);
        self.state.tables.members.put(who.member, row);
        for uid in &who.carries {
            self.join_family(uid, who.member);
        }
    }

    pub(super) fn leave(&mut self, who: &Carrier) -> Report {
        let Ok(mut row) = self.member(who.member) else { return Report::default() };
        let family = row.kin.as_mut().and_then(|kin| kin.family.take());
        row.kin = row.kin.filter(|kin| **kin != Kin::default());
        self.state.tables.members.put(who.member, row);
        if let Some(family) = family {
            self.change_people(family, |people| people.retain(|uid| !who.carries.contains(uid)));
        }
        Report::default().told("family", family.map(|family| family.to_string()), None)
    }

    /// Changes what the people of a family carry.
    pub(super) fn change_people(&mut self, id: FamilyId, change: impl FnOnce(&mut Vec<Uid>)) {
        if let Some(mut family) = self.state.tables.families.read(&id).cloned() {
            change(&mut family.people);
            self.state.tables.families.put(id, family);
        }
    }
}
