//! Rows of tables that most sites have few of: families, guardians, operators, exemptions, lockers.

use domain::{
    ids::{
        AccountId, DeviceId, ExemptionId, FamilyId, GroupId, LockerId, MemberId, OperatorId, ZoneId,
    },
    money::Money,
    reasons::Reason,
    rows::{Exempted, Exemption, Family, Locker, Operator},
    state::ImportRow,
};
use rules::problem::did_you_mean;

use super::{
    cells::{Cells, date, parts, whole},
    rows::{Existing, Made, Reading, Wrong, text, uid, wrong},
};

impl Reading<'_> {
    pub(super) fn family(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let name = cells.need("name", text);
        let balance = cells.read("balance", |text| self.amount(text)).unwrap_or(Money::ZERO);
        let Some(name) = name else { return Err(wrong(cells)) };
        if !self.known.first(format!("family {name}")) {
            cells.wrong(format!("name: the family `{name}` stands in the table twice"));
        }
        if self.known.families.contains_key(&name) {
            return self.passed_over(cells, "name", "that family");
        }
        cells.finish()?;
        let (id, account) = (self.ids.make(self.now), self.ids.make(self.now));
        let (id, account) = (FamilyId(id), AccountId(account));
        self.known.families.insert(name.clone(), id);
        let family = Family { name: name.into(), account, people: Vec::new() };
        let wallet = ImportRow::Wallet { account, balance, debt_since: None };
        Ok(Made::New(vec![wallet, ImportRow::Family(id, family)]))
    }

    /// A row about something that is there and that no import changes.
    fn passed_over(&self, mut cells: Cells<'_>, column: &str, what: &str) -> Result<Made, Wrong> {
        if self.existing == Existing::Update {
            cells.wrong(format!("{column}: {what} is there already, and no import changes it"));
        }
        match self.there(&mut cells, column, what) {
            Some(Ok(made)) if cells.is_good() => Ok(made),
            _ => Err(wrong(cells)),
        }
    }

    pub(super) fn guardian(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let child = cells.need("child", |text| self.known.holder(whole(text)?));
        let guardian = cells.need("guardian", |text| self.known.holder(whole(text)?));
        let (Some(child), Some(guardian)) = (child, guardian) else { return Err(wrong(cells)) };
        if child == guardian {
            cells.wrong("guardian: nobody picks himself up; name another guardian");
        }
        cells.finish()?;
        let kin = self.known.members.get(&child).and_then(|known| known.kin.as_ref());
        let known = kin.is_some_and(|kin| kin.guardians.contains(&guardian));
        if known || !self.known.first(format!("guardian {child} {guardian}")) {
            return Ok(Made::Skipped);
        }
        Ok(Made::New(vec![ImportRow::Guardian { child, guardian }]))
    }

    pub(super) fn operator(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let login = cells.need("login", text);
        let band = cells.read("band", uid);
        let Some(login) = login else { return Err(wrong(cells)) };
        if self.known.names.contains(&login) {
            return self.passed_over(cells, "login", "that operator");
        }
        if !self.known.first(format!("operator {login}")) {
            cells.wrong(format!("login: `{login}` stands in the table twice"));
        }
        if let Some(band) = &band
            && !self.known.first(format!("operator's band {band}"))
        {
            cells.wrong(format!("band: `{band}` stands in the table twice"));
        }
        let operator = Operator {
            roles: parts(cells.text("roles")).map(GroupId::from).collect(),
            pin: cells.read("pin", |code| self.pin((&login, 0), code)),
            band_pin: band
                .as_ref()
                .and_then(|band| cells.read("pin", |code| self.pin((band.as_str(), 1), code))),
            uid: band,
            member: cells.read("member", |text| self.known.holder(whole(text)?)),
        };
        cells.finish()?;
        Ok(Made::New(vec![ImportRow::Operator(OperatorId::from(login), operator)]))
    }

    pub(super) fn exemption(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let who = self.exempted(&mut cells);
        let codes = cells.need("codes", |codes| parts(codes).map(exempted_code).collect());
        let zones = cells.read("zones", |zones| parts(zones).map(|zone| self.zone(zone)).collect());
        let (from, until) = (cells.need("valid_from", date), cells.need("valid_until", date));
        let reason = cells.need("reason", text);
        let granted_by = cells.read("granted_by", text).unwrap_or_default();
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            cells.wrong("valid_until: the exemption ends before it begins");
        }
        let (Some(who), Some(codes), Some(from), Some(until), Some(reason)) =
            (who, codes, from, until, reason)
        else {
            return Err(wrong(cells));
        };
        cells.finish()?;
        let zones = zones.unwrap_or_default();
        let exemption = Exemption { who, codes, zones, from, until, reason, granted_by };
        let id = ExemptionId(self.ids.make(self.now));
        Ok(Made::New(vec![ImportRow::Exemption(id, exemption)]))
    }

    fn exempted(&self, cells: &mut Cells<'_>) -> Option<Exempted> {
        if cells.text("member").is_empty() == cells.text("group").is_empty() {
            cells.wrong("member: name either a `member` or a `group`");
            return None;
        }
        let member: Option<MemberId> = cells.read("member", |text| self.known.holder(whole(text)?));
        let group = cells.read("group", |name| Ok(Exempted::Group(GroupId::from(name))));
        member.map(Exempted::Member).or(group)
    }

    pub(super) fn locker(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let (id, bank) = (cells.need("id", text), cells.need("bank", text));
        let zone = cells.need("zone", |text| self.zone(text));
        let (Some(id), Some(bank), Some(zone)) = (id, bank, zone) else {
            return Err(wrong(cells));
        };
        if self.known.names.contains(&id) {
            return self.passed_over(cells, "id", "that locker");
        }
        if !self.known.first(format!("locker {id}")) {
            cells.wrong(format!("id: `{id}` stands in the table twice"));
        }
        cells.finish()?;
        let locker = Locker::new(DeviceId::from(bank), zone);
        Ok(Made::New(vec![ImportRow::Locker(LockerId::from(id), locker)]))
    }

    /// The zone of this name.
    pub(crate) fn zone(&self, name: &str) -> Result<ZoneId, String> {
        let known = self.site.zones.keys().find(|zone| zone.as_str() == name).cloned();
        known.ok_or_else(|| {
            let names = self.site.zones.keys().map(ZoneId::as_str);
            let help = did_you_mean(name, names, || "zones stand in site.toml".to_owned());
            format!("no zone is called `{name}`; {help}")
        })
    }
}

/// A reason that an exemption may list.
fn exempted_code(code: &str) -> Result<Reason, String> {
    let reason = Reason::of(code).ok_or_else(|| format!("no reason has the code `{code}`"))?;
    match reason.is_exemptible() {
        true => Ok(reason),
        false => Err(format!("nobody can be exempted from `{code}`; take it off the list")),
    }
}
