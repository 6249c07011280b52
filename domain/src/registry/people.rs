//! Members: registered, edited, banned; and who may pick a child up.

use jiff::civil::{Date, date};

use super::{Carried, Carrier, Details, Report, days, reasoned};
use crate::{
    gather::age_on,
    ids::{AccountId, GroupId, MemberId},
    money::Money,
    rows::{Ban, DocumentKind, Member, Person},
    state::ImportRow,
    step::Step,
};

/// The most groups of one person (our choice).
const GROUPS_MAX: usize = 16;
/// The most guardians of one child (our choice).
const GUARDIANS_MAX: usize = 10;
/// From this age on people look after themselves.
const OF_AGE: i64 = 18;

impl Step<'_> {
    pub(super) fn may_register(
        &mut self,
        number: Option<u32>,
        details: &Details,
        person: &Person,
    ) -> Result<(), String> {
        match number {
            Some(0) => return Err("numbers of members begin with 1".to_owned()),
            Some(number) if self.state.numbers.is_taken(number, &self.state.tables) => {
                return Err(format!("the number {number} is taken; take another, or none"));
            }
            None if self.state.numbers.next(&self.state.tables).is_none() => {
                return Err("the highest number is taken; give a number".to_owned());
            }
            _ => {}
        }
        self.are_fit(details, person)
    }

    pub(super) fn may_edit(
        &mut self,
        who: &Carrier,
        details: &Details,
        person: &Person,
    ) -> Result<(), String> {
        self.unchanged(who)?;
        self.are_fit(details, person)
    }

    fn are_fit(&self, details: &Details, person: &Person) -> Result<(), String> {
        let today = self.today();
        let born = details.birth.is_none_or(|birth| (date(1900, 1, 1)..=today).contains(&birth));
        let early = |from: Option<Date>| from.is_some_and(|from| from > today);
        let medical = |kind| kind == DocumentKind::MedicalCertificate;
        let word = |group: &GroupId| {
            let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            !group.as_str().is_empty() && group.as_str().chars().all(fits)
        };
        if !born {
            return Err("a birth date lies between 1900 and today".to_owned());
        }
        if details.groups.len() > GROUPS_MAX || !details.groups.iter().all(word) {
            return Err(format!(
                "a person has {GROUPS_MAX} groups at most, each of letters, digits, - and _"
            ));
        }
        if person.documents.iter().any(|one| medical(one.kind) && early(one.from)) {
            return Err("enter a medical certificate once it has begun".to_owned());
        }
        person.nonsense().map_or(Ok(()), Err)
    }

    pub(super) fn register(
        &mut self,
        carried: &Carried<'_>,
        number: Option<u32>,
        (details, person): (&Details, &Person),
    ) -> Report {
        let next = self.state.numbers.next(&self.state.tables);
        let (Some(id), Some(number)) = (carried.about.member, number.or(next)) else {
            return Report::default();
        };
        let account = AccountId(self.state.ids.make(self.now));
        let wallet = ImportRow::Wallet { account, balance: Money::ZERO, debt_since: None };
        self.import_row(wallet);
        let Details { birth, language, groups, reduced_mobility, medical } = details.clone();
        let member = Member {
            number,
            birth,
            blocked: false,
            language,
            groups,
            account,
            certificate_until: person.certificate_until(),
            reduced_mobility,
            medical,
            kin: None,
        };
        let report = Report::default().told("number", None, Some(number.to_string()));
        let report = differences(report, None, &member);
        self.state.tables.members.put(id, member);
        self.batch.people.push((id, person.clone()));
        let filled = person.differs_in(&Person::default());
        filled.into_iter().fold(report, Report::untold)
    }

    pub(super) fn edit(
        &mut self,
        id: MemberId,
        details: &Details,
        (person, was): (&Person, &Person),
    ) -> Report {
        let Ok(before) = self.member(id) else { return Report::default() };
        let certificate = person.certificate_until();
        let Details { birth, language, groups, reduced_mobility, medical } = details.clone();
        let member = Member {
            birth,
            language,
            groups,
            reduced_mobility,
            medical,
            // A date that came without its document stands until a document says something else.
            certificate_until: match (certificate, was.certificate_until()) {
                (None, None) => before.certificate_until,
                (certificate, _) => certificate,
            },
            ..before.clone()
        };
        let report = differences(Report::default(), Some(&before), &member);
        self.state.tables.members.put(id, member);
        let changed = person.differs_in(was);
        if !changed.is_empty() {
            self.batch.people_before.push((id, was.clone()));
            self.batch.people.push((id, person.clone()));
        }
        changed.into_iter().fold(report, Report::untold)
    }

    pub(super) fn may_ban(
        &mut self,
        id: MemberId,
        lasts: (Date, Option<Date>),
        reason: &str,
    ) -> Result<(), String> {
        self.member(id)?;
        reasoned(reason)?;
        days(lasts, self.today(), "the ban")
    }

    pub(super) fn ban(
        &mut self,
        carried: &Carried<'_>,
        member: MemberId,
        (from, until): (Date, Option<Date>),
        reason: &str,
    ) -> Report {
        let (by, at) = (carried.order.operator.clone(), self.now);
        let ban = Ban { from, until, reason: reason.trim().to_owned(), by, at };
        let before = self.state.tables.bans.read(&member).map(told);
        let report = Report::default().told("ban", before, Some(told(&ban))).why(reason);
        self.state.tables.bans.put(member, ban);
        report
    }

    pub(super) fn may_unban(&mut self, id: MemberId, reason: &str) -> Result<(), String> {
        let blocked = self.member(id)?.blocked;
        reasoned(reason)?;
        let today = self.today();
        let ban = self.state.tables.bans.read(&id);
        let banned = ban.is_some_and(|ban| ban.until.is_none_or(|until| today <= until));
        (blocked || banned).then_some(()).ok_or_else(|| "nobody banned this member".to_owned())
    }

    pub(super) fn unban(&mut self, id: MemberId, reason: &str) -> Report {
        let before = self.state.tables.bans.read(&id).map(told);
        let mut report = Report::default().told("ban", before.clone(), None).why(reason);
        if before.is_some() {
            self.state.tables.bans.remove(id);
        }
        if let Ok(member) = self.member(id)
            && member.blocked
        {
            report = report.told("blocked", Some("true".to_owned()), Some("false".to_owned()));
            self.state.tables.members.put(id, Member { blocked: false, ..member });
        }
        report
    }

    /// Whether a house ban keeps somebody out on a day.
    pub(crate) fn is_banned(&mut self, member: MemberId, day: Date) -> bool {
        self.state.tables.bans.read(&member).is_some_and(|ban| ban.covers(day))
    }

    pub(super) fn may_name_guardian(
        &mut self,
        child: MemberId,
        guardian: MemberId,
        allowed: bool,
    ) -> Result<(), String> {
        let (row, other, today) = (self.member(child)?, self.member(guardian)?, self.today());
        let age = |member: &Member| member.birth.map(|birth| age_on(birth, today));
        let known = row.kin.as_deref().map_or(&[][..], |kin| &kin.guardians);
        let named = known.contains(&guardian);
        let why = match allowed {
            false if !named => "this guardian is not named there",
            true if named => "this guardian is named already",
            true if child == guardian => "nobody picks himself up; name another guardian",
            true if age(&row).is_some_and(|age| age >= OF_AGE) => {
                "guardians are for people under 18"
            }
            true if age(&other).is_some_and(|age| age < OF_AGE) => "a guardian is 18 or older",
            true if known.len() >= GUARDIANS_MAX => "a child has ten guardians at most",
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }

    pub(super) fn name_guardian(
        &mut self,
        child: MemberId,
        guardian: MemberId,
        allowed: bool,
    ) -> Report {
        let Ok(mut row) = self.member(child) else { return Report::default() };
        let mut kin = row.kin.take().unwrap_or_default();
        let before = list(&kin.guardians);
        kin.guardians.retain(|known| *known != guardian);
        kin.guardians.extend(allowed.then_some(guardian));
        let report = Report::default().told("guardians", before, list(&kin.guardians));
        row.kin = Some(kin).filter(|kin| **kin != crate::rows::Kin::default());
        self.state.tables.members.put(child, row);
        report
    }
}

fn list(members: &[MemberId]) -> Option<String> {
    let ids: Vec<String> = members.iter().map(ToString::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

fn told(ban: &Ban) -> String {
    let until = ban.until.map_or_else(|| "..".to_owned(), |until| until.to_string());
    format!("{} to {until}", ban.from)
}

/// What differs of what decides.
fn differences(report: Report, before: Option<&Member>, after: &Member) -> Report {
    let each = |member: &Member| {
        let groups: Vec<&str> = member.groups.iter().map(GroupId::as_str).collect();
        [
            ("birth", member.birth.map(|birth| birth.to_string())),
            ("language", Some(member.language.tag().to_owned())),
            ("groups", (!groups.is_empty()).then(|| groups.join(", "))),
            ("certificate_until", member.certificate_until.map(|until| until.to_string())),
            ("reduced_mobility", member.reduced_mobility.then(|| "true".to_owned())),
            ("medical", member.medical.then(|| "true".to_owned())),
        ]
    };
    let was = before.map(each).unwrap_or_default();
    was.into_iter()
        .zip(each(after))
        .fold(report, |report, ((_, before), (field, after))| report.told(field, before, after))
}
