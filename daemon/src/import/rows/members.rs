//! Rows of members: what decides, what else is known of them, and the wallets that they begin with.

use domain::{
    ids::{AccountId, GroupId, MemberId},
    money::Money,
    rows::{Kin, Language, Member, Person},
    state::ImportRow,
    time::Timestamp,
};
use jiff::civil::date as day;
use rules::problem::did_you_mean;

use super::{DAYS, Existing, Made, Reading, Wrong, balances::dated_debt, date_within};
use crate::{
    import::cells::{Cells, parts, whole, word, yes_no},
    registry::phones,
};

impl Reading<'_> {
    pub(super) fn member(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let number = cells.need("number", number);
        if let Some(number) = number {
            let what = format!("number: member {number}");
            self.once(&mut cells, (format!("member {number}"), line), &what);
        }
        let there = number.and_then(|number| self.known.numbers.get(&number).copied());
        let skipped = there.is_some() && self.there(&mut cells, "number", "that member");
        let id = there.unwrap_or_else(|| MemberId(self.ids.make(self.now)));
        let known = there.and_then(|id| self.known.members.get(&id).cloned());
        let account = || AccountId(self.ids.make(self.now));
        let account = known.as_ref().map_or_else(account, |known| known.account);
        let was = known.clone();
        let mut member = known.unwrap_or_else(|| nobody(number.unwrap_or(0), account));
        self.about(&mut member, &mut cells);
        let person = self.person(there, &mut cells);
        let money = cells.read("balance", |text| self.amount(text));
        let debt_since = self.debt_since(&mut cells);
        if there.is_none() {
            dated_debt(money, debt_since, &mut cells);
        }
        if let Some(was) = was.filter(|_| self.existing == Existing::Update) {
            self.stays((&was, &member), (money, debt_since), &mut cells);
        }
        cells.finish()?;
        if skipped {
            return Ok(Made::Skipped);
        }
        self.known.numbers.insert(member.number, id);
        let balance = money.unwrap_or(Money::ZERO);
        let row = ImportRow::Member(id, member, person);
        let before = there.and_then(|id| Some((id, self.known.persons.get(&id)?.clone())));
        let before = before.map(|(id, person)| ImportRow::Before(id, person));
        match there {
            Some(_) => Ok(Made::Changed(before.into_iter().chain([row]).collect())),
            None => Ok(Made::New(vec![ImportRow::Wallet { account, balance, debt_since }, row])),
        }
    }

    /// Refuses money and a family that are others than those of somebody who is there already.
    fn stays(
        &self,
        (was, member): (&Member, &Member),
        (money, debt_since): (Option<Money>, Option<Timestamp>),
        cells: &mut Cells<'_>,
    ) {
        let wallet = self.known.wallets.get(&was.account);
        let held = wallet.map_or(Money::ZERO, |wallet| wallet.balance);
        let since = wallet.and_then(|wallet| wallet.debt_since);
        let family = |member: &Member| member.kin.as_ref().and_then(|kin| kin.family);
        let changes = [
            ("balance", money.is_some_and(|money| money != held)),
            ("debt_since", debt_since.is_some() && debt_since != since),
            ("family", family(member) != family(was)),
        ];
        for (column, _) in changes.into_iter().filter(|(_, changes)| *changes) {
            let (what, help) = match column {
                "family" => ("family", "`kari member join` does that"),
                _ => ("wallet", "import balances `--as balances`"),
            };
            cells.wrong(format!(
                "{column}: no import of members changes the {what} of somebody who is there \
                 already; {help}"
            ));
        }
    }

    /// What a table tells of a person as far as decisions need it.
    fn about(&self, member: &mut Member, cells: &mut Cells<'_>) {
        let today = self.site.time_zone.to_datetime(self.now.to_calendar()).date();
        let birth = cells.read("birth", |text| date_within(text, (day(1900, 1, 1), today)));
        member.birth = birth.or(member.birth);
        let certificate = cells.read("certificate_until", |text| date_within(text, DAYS));
        member.certificate_until = certificate.or(member.certificate_until);
        let language = cells.read("language", word(Language::of, "ka, hy, ru, en"));
        member.language = language.unwrap_or(member.language);
        let flags = [
            ("blocked", &mut member.blocked),
            ("reduced_mobility", &mut member.reduced_mobility),
            ("medical", &mut member.medical),
        ];
        for (column, flag) in flags {
            *flag = cells.read(column, yes_no).unwrap_or(*flag);
        }
        if let Some(groups) = cells.read("groups", |text| self.groups(text)) {
            member.groups = groups;
        }
        let name = cells.name("family");
        let family = name.as_ref().and_then(|name| self.known.families.get(name).copied());
        if let (Some(name), None) = (name, family) {
            cells.wrong(format!("family: no family is called `{name}`; import families first"));
        }
        if family.is_some() {
            member.kin.get_or_insert_with(|| Box::new(Kin::default())).family = family;
        }
    }

    fn person(&self, there: Option<MemberId>, cells: &mut Cells<'_>) -> Person {
        let known = there.and_then(|id| self.known.persons.get(&id).cloned());
        let name = match there {
            Some(_) => cells.name("name"),
            None => cells.need_name("name"),
        };
        let latin = cells.name("name_latin");
        let phone = cells.read("phone", phone);
        let mut person = known.unwrap_or_else(|| Person {
            name: String::new(),
            name_latin: name.clone().unwrap_or_default(),
            ..Person::default()
        });
        if let Some(phone) = phone.filter(|phone| !phone.is_empty()) {
            // The first one is replaced; those that the desk added stay.
            person.phones.retain(|known| *known != phone);
            match person.phones.first_mut() {
                Some(first) => *first = phone,
                None => person.phones.push(phone),
            }
        }
        let replaced = [(&mut person.name, name), (&mut person.name_latin, latin)];
        for (field, value) in replaced {
            *field = value.unwrap_or_else(|| std::mem::take(field));
        }
        person
    }

    fn groups(&self, names: &str) -> Result<Box<[GroupId]>, String> {
        let groups: Box<[GroupId]> = parts(names).map(GroupId::from).collect();
        let Some(known) = &self.known.groups else { return Ok(groups) };
        let unknown = groups.iter().find(|group| !known.contains(*group));
        unknown.map_or(Ok(groups.clone()), |group| {
            let names = known.iter().map(GroupId::as_str);
            let help = did_you_mean(group.as_str(), names, || {
                "list it under `new_groups` of the mapping if it is a new one".to_owned()
            });
            Err(format!("no group is called `{group}`; {help}"))
        })
    }
}

/// Somebody of whom nothing is known but the number.
pub(super) fn nobody(number: u32, account: AccountId) -> Member {
    Member {
        number,
        birth: None,
        blocked: false,
        language: Language::default(),
        groups: Box::default(),
        account,
        certificate_until: None,
        reduced_mobility: false,
        medical: false,
        kin: None,
    }
}

/// The number of a member; a nought is what programs write for none.
fn number(text: &str) -> Result<u32, String> {
    match whole(text)? {
        0 => Err("`0` is no member's number; they begin with 1".to_owned()),
        number => Ok(number),
    }
}

fn phone(text: &str) -> Result<String, String> {
    match phones::is_complete(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is not a phone such as +995555123456")),
    }
}
