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
    rows::{Existing, Made, Reading, Wrong, id, uid},
};

impl Reading<'_> {
    pub(super) fn family(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let name = cells.need_name("name");
        let balance = cells.read("balance", |text| self.amount(text)).unwrap_or(Money::ZERO);
        let mut skipped = false;
        if let Some(name) = &name {
            let what = format!("name: the family `{name}`");
            self.once(&mut cells, (format!("family {name}"), line), &what);
            let is_there = self.known.families.contains_key(name);
            skipped = is_there && self.passed_over(&mut cells, "name", "that family");
        }
        cells.finish()?;
        let Some(name) = name.filter(|_| !skipped) else { return Ok(Made::Skipped) };
        let (id, account) = (self.ids.make(self.now), self.ids.make(self.now));
        let (id, account) = (FamilyId(id), AccountId(account));
        self.known.families.insert(name.clone(), id);
        let family = Family { name: name.into(), account, people: Vec::new() };
        let wallet = ImportRow::Wallet { account, balance, debt_since: None };
        Ok(Made::New(vec![wallet, ImportRow::Family(id, family)]))
    }

    /// Whether a row is passed over that is about something which is there and which no import
    /// changes.
    fn passed_over(&self, cells: &mut Cells<'_>, column: &str, what: &str) -> bool {
        if self.existing == Existing::Update {
            cells.wrong(format!("{column}: {what} is there already, and no import changes it"));
        }
        self.there(cells, column, what)
    }

    pub(super) fn guardian(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let child = cells.need("child", |text| self.known.holder(whole(text)?));
        let guardian = cells.need("guardian", |text| self.known.holder(whole(text)?));
        if child.is_some() && child == guardian {
            cells.wrong("guardian: nobody picks themselves up; name another guardian");
        }
        cells.finish()?;
        let (Some(child), Some(guardian)) = (child, guardian) else { return Ok(Made::Skipped) };
        let kin = self.known.members.get(&child).and_then(|known| known.kin.as_ref());
        let known = kin.is_some_and(|kin| kin.guardians.contains(&guardian));
        let earlier = self.known.earlier(format!("guardian {child} {guardian}"), line);
        if known || earlier.is_some() {
            return Ok(Made::Skipped);
        }
        Ok(Made::New(vec![ImportRow::Guardian { child, guardian }]))
    }

    pub(super) fn operator(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let login = cells.need("login", id);
        let band = cells.read("band", uid);
        let mut skipped = false;
        if let Some(login) = &login {
            let is_there = self.known.names.contains(login);
            skipped = is_there && self.passed_over(&mut cells, "login", "that operator");
            let what = format!("login: `{login}`");
            self.once(&mut cells, (format!("operator {login}"), line), &what);
        }
        if let Some(band) = &band {
            let what = format!("band: `{band}`");
            self.once(&mut cells, (format!("operator's band {band}"), line), &what);
        }
        let name = login.as_deref().unwrap_or_default();
        let roles = cells.read("roles", |roles| Ok(parts(roles).map(GroupId::from).collect()));
        let operator = Operator {
            roles: roles.unwrap_or_default(),
            pin: cells.read("pin", |code| self.pin((name, 0), code)),
            band_pin: band
                .as_ref()
                .and_then(|band| cells.read("pin", |code| self.pin((band.as_str(), 1), code))),
            uid: band,
            member: cells.read("member", |text| self.known.holder(whole(text)?)),
        };
        cells.finish()?;
        let Some(login) = login.filter(|_| !skipped) else { return Ok(Made::Skipped) };
        Ok(Made::New(vec![ImportRow::Operator(OperatorId::from(login), operator)]))
    }

    pub(super) fn exemption(&mut self, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let who = self.exempted(&mut cells);
        let codes = cells.need("codes", |codes| parts(codes).map(exempted_code).collect());
        let zones = cells.read("zones", |zones| parts(zones).map(|zone| self.zone(zone)).collect());
        let (from, until) = (cells.need("valid_from", date), cells.need("valid_until", date));
        let reason = cells.need_name("reason");
        let granted_by = cells.name("granted_by").unwrap_or_default();
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            cells.wrong("valid_until: the exemption ends before it begins");
        }
        cells.finish()?;
        let (Some(who), Some(codes), Some(from), Some(until), Some(reason)) =
            (who, codes, from, until, reason)
        else {
            return Ok(Made::Skipped);
        };
        let zones = zones.unwrap_or_default();
        let exemption = Exemption { who, codes, zones, from, until, reason, granted_by };
        let id = ExemptionId(self.ids.make(self.now));
        Ok(Made::New(vec![ImportRow::Exemption(id, exemption)]))
    }

    fn exempted(&self, cells: &mut Cells<'_>) -> Option<Exempted> {
        if cells.is_given("member") == cells.is_given("group") {
            cells.wrong("member: name either a `member` or a `group`");
            return None;
        }
        let member: Option<MemberId> = cells.read("member", |text| self.known.holder(whole(text)?));
        let group = cells.read("group", |name| Ok(Exempted::Group(GroupId::from(name))));
        member.map(Exempted::Member).or(group)
    }

    pub(super) fn locker(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let (name, bank) = (cells.need("id", id), cells.need("bank", id));
        let zone = cells.need("zone", |text| self.zone(text));
        let mut skipped = false;
        if let Some(name) = &name {
            let is_there = self.known.names.contains(name);
            skipped = is_there && self.passed_over(&mut cells, "id", "that locker");
            let what = format!("id: `{name}`");
            self.once(&mut cells, (format!("locker {name}"), line), &what);
        }
        cells.finish()?;
        let (Some(name), Some(bank), Some(zone)) = (name.filter(|_| !skipped), bank, zone) else {
            return Ok(Made::Skipped);
        };
        let locker = Locker::new(DeviceId::from(bank), zone);
        Ok(Made::New(vec![ImportRow::Locker(LockerId::from(name), locker)]))
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
