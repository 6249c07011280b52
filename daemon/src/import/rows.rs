//! Rows of tables in our own format, read and checked: members, what they carry, what they have
//! bought and what they have paid in.

use devices::pin::PinKey;
use domain::{
    ids::{AccountId, CredentialId, GroupId, IdMaker, MemberId, Uid},
    money::Money,
    rows::{
        Credential, CredentialKind, CredentialState, Extras, Kin, Language, Member, Person,
        PinDigest,
    },
    site::Site,
    state::ImportRow,
    time::Timestamp,
};
use jiff::civil::{Date, date as day};
use rules::problem::did_you_mean;
use serde::{Deserialize, Serialize};

use super::{
    cells::{Cells, date, instant, parts, whole, word, yes_no},
    kinds::Kind,
    known::Known,
};
use crate::registry::phones;

/// The largest amount of one row, in minor units: a sum of millions of rows stays a number.
const AMOUNT_MAX: i64 = 10_000_000_000;
/// Passes and certificates are of these times.
pub(super) const DAYS: (Date, Date) = (day(1990, 1, 1), day(2100, 12, 31));

/// What is done with a row about something that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Existing {
    /// It is a bad row.
    #[default]
    Refuse,
    /// Cells that are not empty replace what is there.
    Update,
    /// It is passed over.
    Skip,
}

/// What became of a row.
#[derive(Debug)]
pub(crate) enum Made {
    /// These rows of the site, new ones.
    New(Vec<ImportRow>),
    /// These rows of the site, in place of others.
    Changed(Vec<ImportRow>),
    /// It is about something that is there already, and is passed over.
    Skipped,
}

/// Why a row cannot be taken: everything that is wrong with it.
pub(crate) type Wrong = Vec<String>;

/// Makes rows of the site out of rows of tables.
pub(crate) struct Reading<'a> {
    /// The site.
    pub(crate) site: &'a Site,
    /// The key of the PINs.
    pub(crate) pins: &'a PinKey,
    /// Makes ids.
    pub(crate) ids: IdMaker,
    /// The time of the import.
    pub(crate) now: Timestamp,
    /// What there is.
    pub(crate) known: Known,
    /// What is done about it.
    pub(crate) existing: Existing,
    /// What tells this import's bookings from those of others.
    pub(crate) import: String,
}

impl Reading<'_> {
    /// Reads a row; `line` is where it stands in its file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn row(&mut self, kind: Kind, line: u64, cells: Cells<'_>) -> Result<Made, Wrong> {
        match kind {
            Kind::Members => self.member(line, cells),
            Kind::Credentials => self.credential(line, cells),
            Kind::Passes => self.pass(line, cells),
            Kind::Balances => self.balance(line, cells),
            Kind::Families => self.family(line, cells),
            Kind::Guardians => self.guardian(line, cells),
            Kind::Operators => self.operator(line, cells),
            Kind::Exemptions => self.exemption(cells),
            Kind::Lockers => self.locker(line, cells),
        }
    }

    fn member(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let number = cells.need("number", whole::<u32>);
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
        let debt_since = cells.read("debt_since", instant);
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

    fn credential(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let uid = cells.need("uid", uid);
        if let Some(uid) = &uid {
            let what = format!("uid: `{uid}`");
            self.once(&mut cells, (format!("uid {uid}"), line), &what);
        }
        let member = cells.need("member", |text| self.known.holder(whole(text)?));
        let known = uid.as_ref().and_then(|uid| self.known.credentials.get(uid).cloned());
        let skipped = known.is_some() && self.there(&mut cells, "uid", "that credential");
        let theirs = known.as_ref().filter(|known| member.is_some_and(|who| who != known.member));
        if theirs.is_some() && self.existing == Existing::Update {
            cells.wrong("uid: somebody else carries it; take it back at the desk first");
        }
        let is_there = known.is_some();
        let new = || blank(CredentialId(self.ids.make(self.now)), member);
        let mut credential = known.unwrap_or_else(new);
        self.fill(&mut credential, uid.as_ref(), &mut cells);
        cells.finish()?;
        if skipped {
            return Ok(Made::Skipped);
        }
        let row: Vec<_> =
            uid.map(|uid| ImportRow::Credential(uid, credential)).into_iter().collect();
        Ok(if is_there { Made::Changed(row) } else { Made::New(row) })
    }

    fn fill(&self, credential: &mut Credential, uid: Option<&Uid>, cells: &mut Cells<'_>) {
        let states = word(CredentialState::of, "active, lost, stolen, blocked, returned");
        credential.state = cells.read("state", states).unwrap_or(credential.state);
        let kinds = word(CredentialKind::of, "card, band, ticket");
        credential.kind = cells.read("kind", kinds).unwrap_or(credential.kind);
        credential.valid_from = cells.read("valid_from", instant).or(credential.valid_from);
        credential.valid_until = cells.read("valid_until", instant).or(credential.valid_until);
        credential.adult = cells.read("adult", yes_no).unwrap_or(credential.adult);
        let size = cells.read("party_size", whole::<u16>).unwrap_or(credential.party_size);
        if size == 0 {
            cells.wrong("party_size: it is at least 1");
        }
        credential.party_size = size;
        if let (Some(from), Some(until)) = (credential.valid_from, credential.valid_until)
            && until <= from
        {
            cells.wrong("valid_until: the credential ends before it begins");
        }
        let host = cells.read("host", |text| self.known.holder(whole(text)?));
        let name = uid.map(Uid::as_str).unwrap_or_default();
        let pin = cells.read("pin", |code| self.pin((name, 0), code));
        let duress = cells.read("duress_pin", |code| self.pin((name, 0), code));
        if pin.is_some() && pin == duress {
            cells.wrong("duress_pin: it is the same code as `pin`");
        }
        let known = credential.extras.take().map(|extras| *extras).unwrap_or_default();
        let extras = Extras {
            pin: pin.or(known.pin),
            duress: duress.or(known.duress),
            host: host.or(known.host),
            replaced_by: known.replaced_by,
            loss_paid: known.loss_paid,
        };
        credential.extras = (extras != Extras::default()).then(|| Box::new(extras));
    }

    fn balance(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let member = cells.need("member", |text| self.known.holder(whole(text)?));
        let balance = cells.need("balance", |text| self.amount(text));
        let debt_since = cells.read("debt_since", instant);
        if let Some(member) = member {
            let what = "member: this member's balance";
            self.once(&mut cells, (format!("balance {member}"), line), what);
        }
        let account = member.and_then(|member| self.known.members.get(&member));
        let account = account.map(|known| known.account);
        if member.is_some() && account.is_none() {
            cells.wrong("member: this member has no wallet");
        }
        let wallet = account.and_then(|account| self.known.wallets.get(&account));
        let held = wallet.map_or(Money::ZERO, |wallet| wallet.balance);
        let dated = wallet.is_some_and(|wallet| wallet.debt_since.is_some());
        let what = format!("a balance of {}", self.site.currency.exact(held));
        let skipped = !held.is_zero() && self.there(&mut cells, "balance", &what);
        cells.finish()?;
        let (Some(account), Some(balance)) = (account, balance) else { return Ok(Made::Skipped) };
        let amount = balance - held;
        // What is there already is neither booked nor dated once more.
        if skipped || (amount.is_zero() && !held.is_zero() && (dated || debt_since.is_none())) {
            return Ok(Made::Skipped);
        }
        let key = format!("{}:{line}", self.import);
        let row = vec![ImportRow::Opening { key, account, amount, debt_since }];
        Ok(if held.is_zero() { Made::New(row) } else { Made::Changed(row) })
    }

    /// Notes that an earlier row tells of the same thing.
    pub(super) fn once(&mut self, cells: &mut Cells<'_>, (key, line): (String, u64), what: &str) {
        if let Some(first) = self.known.earlier(key, line) {
            cells.wrong(format!("{what} stands in the table twice, first in row {first}"));
        }
    }

    /// Whether a row about something that is there already is passed over.
    pub(super) fn there(&self, cells: &mut Cells<'_>, column: &str, what: &str) -> bool {
        if self.existing == Existing::Refuse {
            let help = "say `--existing skip` or `--existing update`, or take the row out";
            cells.wrong(format!("{column}: {what} is there already; {help}"));
        }
        self.existing == Existing::Skip
    }

    /// Reads an amount of the site's currency.
    pub(crate) fn amount(&self, text: &str) -> Result<Money, String> {
        let currency = &self.site.currency;
        let amount = currency.parse(text);
        let amount = amount
            .ok_or_else(|| format!("`{text}` is not an amount such as 12.50 {}", currency.code))?;
        match amount.minor().unsigned_abs() <= AMOUNT_MAX.unsigned_abs() {
            true => Ok(amount),
            false => Err(format!("`{text}` is more than any wallet can hold")),
        }
    }

    /// Reads an amount that is not below zero.
    pub(crate) fn price(&self, text: &str) -> Result<Money, String> {
        let amount = self.amount(text)?;
        if amount < Money::ZERO { Err(format!("`{text}` is below zero")) } else { Ok(amount) }
    }

    /// The digest of the code that belongs to a holder; where the code has several holders, with
    /// the place of this one among them.
    pub(crate) fn pin(&self, holder: (&str, usize), code: &str) -> Result<PinDigest, String> {
        self.pins.read(holder, code).map_err(str::to_owned)
    }
}

/// Somebody of whom nothing is known but the number.
fn nobody(number: u32, account: AccountId) -> Member {
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

/// A band that says nothing more; a row without a holder is not taken anyway.
fn blank(id: CredentialId, member: Option<MemberId>) -> Credential {
    Credential {
        id,
        member: member.unwrap_or(MemberId(id.0)),
        state: CredentialState::Active,
        valid_from: None,
        valid_until: None,
        party_size: 1,
        kind: CredentialKind::Band,
        adult: false,
        collected: false,
        extras: None,
    }
}

pub(super) fn date_within(text: &str, (first, last): (Date, Date)) -> Result<Date, String> {
    let read = date(text)?;
    match (first..=last).contains(&read) {
        true => Ok(read),
        false => Err(format!("`{text}` is not a day from {first} to {last}")),
    }
}

fn phone(text: &str) -> Result<String, String> {
    match phones::is_complete(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is not a phone such as +995555123456")),
    }
}

/// An id as it stands; what nobody sees in it was refused before.
pub(super) fn id(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// The number of a card.
pub(super) fn uid(text: &str) -> Result<Uid, String> {
    Uid::carried(text).map_err(|why| format!("`{text}`: {why}"))
}

#[cfg(test)]
mod tests {
    use domain::{
        ids::{PassId, TariffId},
        money::{Currency, CurrencyCode},
        rows::{Account, AccountKind, Lasts, Offer, PassKey, PassState, TariffKind},
    };
    use uuid::Uuid;

    use super::*;
    use crate::import::{cells::Places, passes::sold};

    fn site() -> Site {
        let zones = [("hall".into(), None)].into();
        let gel = Currency::of("GEL").unwrap();
        Site { zones, ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel) }
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Member 1 with a wallet of 25.00, the card `AAAA` and a month from 1 September 2026; member 2
    /// has nothing; the group `staff`.
    fn known() -> Known {
        let (one, two) = (MemberId(id(1)), MemberId(id(2)));
        let (rich, poor) = (AccountId(id(11)), AccountId(id(12)));
        let month = sold(TariffId::from("month"), 1, day(2026, 9, 1));
        let mut known = Known::default();
        known.numbers.extend([(1, one), (2, two)]);
        known.tariffs.insert(TariffId::from("month"), (3, Offer::default()));
        let lasts = Lasts::parse("P1M");
        let offer = |kind| Offer { kind, ..Offer::default() };
        for (name, offer) in [
            ("monthly", Offer { lasts, ..offer(TariffKind::Period) }),
            ("pack", Offer { visits: Some(10), ..offer(TariffKind::Visits) }),
            (
                "waiting",
                Offer {
                    visits: Some(10),
                    lasts,
                    from_first_use: true,
                    ..offer(TariffKind::Visits)
                },
            ),
            ("course", Offer { lasts, visits: Some(8), ..offer(TariffKind::Course) }),
            ("term", Offer { lasts, ..offer(TariffKind::Course) }),
            ("day", Offer { lasts: Lasts::parse("P1D"), ..offer(TariffKind::SingleEntry) }),
            ("once", offer(TariffKind::Timed)),
            ("minute", offer(TariffKind::PerMinute)),
        ] {
            known.tariffs.insert(TariffId::from(name), (1, offer));
        }
        known.groups = Some([GroupId::from("staff")].into());
        known.families.insert("the Beridzes".to_owned(), domain::ids::FamilyId(id(21)));
        known.members.extend([(one, nobody(1, rich)), (two, nobody(2, poor))]);
        known.wallets.insert(rich, wallet(2500));
        known.wallets.insert(poor, wallet(0));
        known.credentials.insert(Uid::from("AAAA"), blank(CredentialId(id(31)), Some(one)));
        let key = PassKey { member: one, pass: PassId(id(41)) };
        known.passes.insert(one, vec![(key, month)]);
        let person = Person {
            name: "ნინო".to_owned(),
            name_latin: "Nino".to_owned(),
            phones: vec!["+995555000001".to_owned()],
            ..Person::default()
        };
        known.persons.insert(one, person);
        known
    }

    fn wallet(minor: i64) -> Account {
        let empty = Account::new(AccountKind::Wallet, "", CurrencyCode::NONE);
        Account { balance: Money(minor), ..empty }
    }

    /// What becomes of each row of a table.
    fn all(kind: Kind, existing: Existing, table: &str) -> Vec<Result<Made, Wrong>> {
        let (site, pins) = (site(), PinKey::default());
        let now: jiff::Timestamp = "2026-09-15T12:00:00Z".parse().unwrap();
        let mut reading = Reading {
            site: &site,
            pins: &pins,
            ids: IdMaker::new(1),
            now: now.into(),
            known: known(),
            existing,
            import: "one".to_owned(),
        };
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let names = reader.headers().unwrap().clone();
        let places: Places = names.iter().map(str::to_owned).zip(0..).collect();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let row = |(line, record)| reading.row(kind, line, Cells::new(&places, record, &[]));
        (2..).zip(&rows).map(row).collect()
    }

    /// Rows of one kind under one heading, each with a part of what is wrong with it; nothing where
    /// it is good.
    fn check(kind: Kind, heading: &str, rows: &[(&str, &[&str])]) {
        for (row, expected) in rows {
            let got = all(kind, Existing::Refuse, &format!("{heading}\n{row}\n"));
            match (got.into_iter().next().unwrap(), expected) {
                (Ok(Made::New(_)), []) => {}
                (Err(why), expected) => {
                    assert_eq!(why.len(), expected.len(), "{row}: {why:?}");
                    for part in *expected {
                        let found = why.iter().any(|why| why.contains(part));
                        assert!(found, "`{part}` is not in {why:?} of {row}");
                    }
                }
                (made, _) => panic!("{row}: {made:?}"),
            }
        }
    }

    #[test]
    fn each_row_of_members_is_good_or_told_what_is_wrong_with_it() {
        check(
            Kind::Members,
            "number,name,birth,language,phone,groups,blocked,balance,family",
            &[
                ("3,Ann,1990-05-17,en,+995555123456,staff,false,12.50,the Beridzes", &[]),
                ("3,Ann,,,,,,,", &[]),
                (",Ann,,,,,,,", &["number: it is missing"]),
                ("-3,Ann,,,,,,,", &["number: `-3` is not a whole number"]),
                ("4294967296,Ann,,,,,,,", &["number: `4294967296`"]),
                ("1,Ann,,,,,,,", &["number: that member is there already"]),
                ("3,,,,,,,,", &["name: it is missing"]),
                ("3,A\u{7}nn,,,,,,,", &[]),
                ("3,\u{200b}\u{7},,,,,,,", &["name: it is missing"]),
                ("3\u{200b},Ann,,,,,,,", &["number: it has U+200B in it"]),
                ("3,Ann,,,,st\u{202e}aff,,,", &["groups: it has U+202E in it"]),
                ("3,Ann,2026-09-16,,,,,,", &["birth: `2026-09-16` is not a day from"]),
                ("3,Ann,1890-01-01,,,,,,", &["birth: `1890-01-01` is not a day from"]),
                ("3,Ann,17.05.1990,,,,,,", &["birth: `17.05.1990` is not a date"]),
                ("3,Ann,,de,,,,,", &["language: `de` is none of ka, hy, ru, en"]),
                ("3,Ann,,,555123456,,,,", &["phone: `555123456` is not a phone"]),
                ("3,Ann,,,+0955512345,,,,", &["phone: `+0955512345`"]),
                (
                    "3,Ann,,,,stuff,,,",
                    &["groups: no group is called `stuff`; did you mean `staff`?"],
                ),
                ("3,Ann,,,,,maybe,,", &["blocked: `maybe` is neither"]),
                ("3,Ann,,,,,,-7.00,", &[]),
                ("3,Ann,,,,,,1.005,", &["balance: `1.005` is not an amount"]),
                ("3,Ann,,,,,,99999999999999999999,", &["balance: `99999999999999999999`"]),
                ("3,Ann,,,,,,100000000.01,", &["balance: `100000000.01` is more than"]),
                ("3,Ann,,,,,,,the Nobodies", &["family: no family is called `the Nobodies`"]),
                ("x,,,,,,,y,", &["number: `x`", "name: it is missing", "balance: `y`"]),
            ],
        );
    }

    #[test]
    fn each_row_of_credentials_is_good_or_told_what_is_wrong_with_it() {
        check(
            Kind::Credentials,
            "uid,member,state,valid_from,valid_until,party_size,host,pin",
            &[
                ("04b1,2,lost,2026-09-01T00:00:00Z,2026-10-01T00:00:00Z,3,1,1234", &[]),
                ("04b1,2,,,,,,", &[]),
                ("AAAA,1,,,,,,", &["uid: that credential is there already"]),
                (",2,,,,,,", &["uid: it is missing"]),
                ("=1+1,2,,,,,,", &["uid: `=1+1`: it has `=` in it"]),
                ("0x04b1,2,,,,,,", &[]),
                ("04:b1,2,,,,,,", &[]),
                ("12345.0,2,,,,,,", &["uid: `12345.0`: a program has made an amount of it"]),
                ("0xB1,2,,,,,,", &["uid: `0xB1`: a card's number has at least 4 signs"]),
                ("04B1,7,,,,,,", &["member: no member has the number 7"]),
                ("04B1,2,gone,,,,,", &["state: `gone` is none of active"]),
                (
                    "04B1,2,,2026-09-02T00:00:00Z,2026-09-01T00:00:00Z,,,",
                    &["ends before it begins"],
                ),
                ("04B1,2,,,,0,,", &["party_size: it is at least 1"]),
                ("04B1,2,,,,70000,,", &["party_size: `70000` is not a whole number"]),
                ("04B1,2,,,,,7,", &["host: no member has the number 7"]),
                ("04B1,2,,,,,,12", &["pin: a PIN has 4 to 12 digits"]),
            ],
        );
    }

    #[test]
    fn each_row_of_passes_is_good_or_told_what_is_wrong_with_it() {
        check(
            Kind::Passes,
            "member,tariff,state,valid_from,valid_until,visits_left,paid",
            &[
                ("2,month,frozen,2026-09-01,2026-09-30,10,50.00", &[]),
                ("1,month,,2026-10-01,,,", &[]),
                ("1,month,,2026-09-01,,,", &["tariff: that pass of that day is there already"]),
                (
                    "2,months,,2026-09-01,,,",
                    &["tariff: no tariff is called `months`; did you mean"],
                ),
                ("2,month,dead,2026-09-01,,,", &["state: `dead` is none of"]),
                (
                    "2,month,,2026-09-10,2026-09-09,,",
                    &["valid_until: the pass ends before it begins"],
                ),
                ("2,month,,1926-09-10,,,", &["valid_from: `1926-09-10` is not a day from"]),
                ("2,month,,2026-09-01,,-1,", &["visits_left: `-1` is not a whole number"]),
                ("2,month,,2026-09-01,,,-50.00", &["paid: `-50.00` is below zero"]),
                ("7,month,,2026-09-01,,,", &["member: no member has the number 7"]),
            ],
        );
    }

    #[test]
    fn an_empty_cell_is_without_end_only_where_the_tariff_is() {
        const NO_VISITS: &str = "visits_left: it is missing; a pass of";
        const NO_END: &str = "valid_until: it is missing; a pass of `waiting` lasts P1M from its";
        check(
            Kind::Passes,
            "member,tariff,valid_from,valid_until,visits_left",
            &[
                ("2,month,2026-09-01,,", &[]),
                ("2,minute,2026-09-01,,", &[]),
                ("2,pack,2026-09-01,2027-02-01,", &[NO_VISITS]),
                ("2,pack,2026-09-01,,", &[NO_VISITS]),
                ("2,pack,2026-09-01,,3", &[]),
                ("2,pack,2026-09-01,,0", &[]),
                ("2,pack,2026-09-01,,10", &[]),
                ("2,pack,2026-09-01,,11", &["visits_left: a pass of `pack` has at most 10 visits"]),
                ("2,pack,2026-09-01,,x", &["visits_left: `x` is not a whole number"]),
                ("2,pack,,,", &["valid_from: it is missing", NO_VISITS]),
                ("7,pack,2026-09-01,,", &["member: no member has the number 7", NO_VISITS]),
                ("2,waiting,2026-09-01,,3", &[NO_END]),
                ("2,waiting,2026-09-01,,", &[NO_END, NO_VISITS]),
                ("2,waiting,2026-09-01,2026-12-01,3", &[]),
                ("2,course,2026-09-01,,", &[NO_VISITS]),
                ("2,day,2026-09-01,,", &[NO_VISITS]),
                ("2,once,2026-09-01,2026-09-01,", &[NO_VISITS]),
                ("2,once,2026-09-01,,2", &["visits_left: a pass of `once` has at most 1 visits"]),
                ("2,monthly,2026-09-10,2026-09-09,", &["ends before it begins"]),
            ],
        );
        for (tariff, from, visits, expected) in [
            ("monthly", "2026-09-01", "", "2026-09-30"),
            ("monthly", "2020-01-01", "", "2020-01-31"),
            ("term", "2026-12-15", "", "2027-01-14"),
            ("course", "2026-09-10", "8", "2026-10-09"),
            ("day", "2026-11-20", "1", "2026-11-20"),
        ] {
            let table =
                format!("member,tariff,valid_from,visits_left\n2,{tariff},{from},{visits}\n");
            let got = all(Kind::Passes, Existing::Refuse, &table);
            let Ok(Made::New(rows)) = &got[0] else { panic!("{tariff}: {got:?}") };
            let [ImportRow::Pass(_, pass)] = &rows[..] else { panic!("{rows:?}") };
            let until = pass.valid_until.map(|last| last.to_string());
            assert_eq!(until.as_deref(), Some(expected), "{tariff} from {from}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_row_is_said_at_once_and_nothing_that_follows_from_it() {
        check(
            Kind::Passes,
            "member,tariff,state,valid_from,valid_until,visits_left,paid",
            &[
                (
                    "x,none,dead,y,z,w,-1",
                    &[
                        "member: ",
                        "tariff: ",
                        "state: ",
                        "valid_from: ",
                        "until: ",
                        "left: ",
                        "paid",
                    ],
                ),
                ("1,month,dead,2026-09-01,,,", &["is there already", "state: `dead`"]),
                (",,,,,,", &["member: it is", "tariff: it is", "valid_from: it is"]),
            ],
        );
        check(
            Kind::Credentials,
            "uid,member,state,party_size,pin,duress_pin",
            &[
                ("x,y,dead,0,1,1", &["uid: ", "member: ", "state: ", "size: ", "pin: ", "duress"]),
                ("AAAA,2,dead,,,", &["that credential is there already", "state: `dead`"]),
            ],
        );
        check(
            Kind::Balances,
            "member,balance,debt_since",
            &[("7,x,y", &["member: ", "balance: ", "debt_since: "])],
        );
        check(
            Kind::Exemptions,
            "member,group,codes,valid_from,valid_until,reason",
            &[(
                "9,,X,y,z,",
                &["member: ", "codes: ", "valid_from: ", "valid_until: ", "reason: it is missing"],
            )],
        );
        check(
            Kind::Operators,
            "login,band,pin,member",
            &[(",x,y,9", &["login: it is missing", "band: ", "pin: ", "member: "])],
        );
        check(
            Kind::Lockers,
            "id,bank,zone",
            &[(",,hell", &["id: it", "bank: it", "zone: no zone"])],
        );
        check(Kind::Families, "name,balance", &[(",x", &["name: it is missing", "balance: `x`"])]);
        check(
            Kind::Guardians,
            "child,guardian",
            &[("x,9", &["child: `x`", "guardian: no member"])],
        );
        check(
            Kind::Members,
            "number,name,birth,phone,balance",
            &[("1,,x,y,z", &["number: that member", "birth: ", "phone: ", "balance: "])],
        );
    }

    #[test]
    fn money_and_a_family_that_stay_as_they_are_keep_no_row_of_members_out() {
        let heading = "number,name,balance,debt_since,family";
        for (row, expected) in [
            ("1,Nino,25.00,,", None),
            ("1,Nino,25,,", None),
            ("2,Two,0,,", None),
            ("1,Nino,25.01,,", Some("balance: no import of members changes the wallet")),
            ("2,Two,-1,,", Some("balance: no import of members changes the wallet")),
            ("1,Nino,25.00,2026-09-01T00:00:00Z,", Some("debt_since: no import of members")),
            ("1,Nino,25.00,,the Beridzes", Some("family: no import of members changes the family")),
        ] {
            let got = all(Kind::Members, Existing::Update, &format!("{heading}\n{row}\n"));
            match (&got[0], expected) {
                (Ok(Made::Changed(_)), None) => {}
                (Err(why), Some(part)) => {
                    assert!(why.len() == 1 && why[0].contains(part), "{why:?}")
                }
                (other, _) => panic!("{row}: {other:?}"),
            }
        }
        let same = all(Kind::Balances, Existing::Update, "member,balance\n1,25.00\n");
        assert!(matches!(&same[..], [Ok(Made::Skipped)]), "{same:?}");
        let dated = "member,balance,debt_since\n1,25.00,2026-09-01T00:00:00Z\n";
        let dated = all(Kind::Balances, Existing::Update, dated);
        assert!(matches!(&dated[..], [Ok(Made::Changed(_))]), "{dated:?}");
    }

    #[test]
    fn each_row_of_the_other_tables_is_good_or_told_what_is_wrong_with_it() {
        check(
            Kind::Balances,
            "member,balance,debt_since",
            &[
                ("2,-12.50,2026-09-01T00:00:00Z", &[]),
                ("1,12.50,", &["balance: a balance of 25.00 is there already"]),
                ("2,,", &["balance: it is missing"]),
                ("7,1.00,", &["member: no member has the number 7"]),
                ("2,1.00,yesterday", &["debt_since: `yesterday` is not an instant"]),
            ],
        );
        check(
            Kind::Families,
            "name,balance",
            &[
                ("the Lomidzes,-5.00", &[]),
                ("the Beridzes,", &["name: that family is there already"]),
            ],
        );
        check(
            Kind::Guardians,
            "child,guardian",
            &[
                ("1,2", &[]),
                ("1,1", &["nobody picks themselves up"]),
                ("1,", &["guardian: it is missing"]),
            ],
        );
        check(
            Kind::Lockers,
            "id,bank,zone",
            &[
                ("A1,bank,hall", &[]),
                ("A1,bank,hell", &["zone: no zone is called `hell`; did you mean `hall`?"]),
            ],
        );
        let codes = "member,group,codes,valid_from,valid_until,reason";
        check(
            Kind::Exemptions,
            codes,
            &[
                ("1,,SUPERVISION_REQUIRED,2026-09-01,2026-09-30,coach", &[]),
                (",,SUPERVISION_REQUIRED,2026-09-01,2026-09-30,coach", &["either a `member`"]),
                ("1,,NOT_A_CODE,2026-09-01,2026-09-30,coach", &["codes: no reason has the code"]),
                ("1,,SUPERVISION_REQUIRED,2026-09-30,2026-09-01,coach", &["ends before it begins"]),
            ],
        );
        check(
            Kind::Operators,
            "login,roles,band,pin,member",
            &[
                ("nino,manager,0A01,1111,1", &[]),
                ("nino,manager,0A01,x,7", &["pin: a PIN has", "number 7"]),
            ],
        );
    }

    #[test]
    fn what_stands_in_a_table_twice_is_taken_once() {
        for (kind, table) in [
            (Kind::Members, "number,name\n3,Ann\n3,Ben\n"),
            (Kind::Credentials, "uid,member\n04b1,2\n0x04-B1,1\n"),
            (Kind::Passes, "member,tariff,valid_from\n2,month,2026-09-01\n2,month,2026-09-01\n"),
            (Kind::Balances, "member,balance\n2,1.00\n2,1.00\n"),
            (Kind::Families, "name\nA\nA\n"),
            (Kind::Lockers, "id,bank,zone\nA1,b,hall\nA1,b,hall\n"),
        ] {
            let got = all(kind, Existing::Refuse, table);
            assert!(matches!(&got[0], Ok(Made::New(_))), "{kind:?}: {got:?}");
            let again = got[1].as_ref().unwrap_err();
            let expected = "stands in the table twice, first in row 2";
            assert!(again[0].ends_with(expected), "{kind:?}: {again:?}");
        }
    }

    #[test]
    fn what_is_there_is_passed_over_or_changed_in_the_cells_that_are_not_empty() {
        let members = "number,name,language,phone\n1,,ru,\n";
        let skipped = all(Kind::Members, Existing::Skip, members);
        assert!(matches!(&skipped[..], [Ok(Made::Skipped)]), "{skipped:?}");
        let changed = all(Kind::Members, Existing::Update, members);
        let Ok(Made::Changed(rows)) = &changed[0] else { panic!("{changed:?}") };
        let [ImportRow::Before(_, _), ImportRow::Member(who, member, person)] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!((who.0, member.number, member.language), (id(1), 1, Language::Ru));
        assert_eq!(
            (person.name.as_str(), person.phones.join(",")),
            ("ნინო", "+995555000001".to_owned())
        );
        let money = all(Kind::Members, Existing::Update, "number,name,balance\n1,,5.00\n");
        assert!(money[0].as_ref().unwrap_err()[0].contains("--as balances"), "{money:?}");

        let balance = all(Kind::Balances, Existing::Update, "member,balance\n1,30.00\n");
        let Ok(Made::Changed(rows)) = &balance[0] else { panic!("{balance:?}") };
        let [ImportRow::Opening { key, amount, .. }] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((key.as_str(), *amount), ("one:2", Money(500)), "the difference to 25.00");

        let pass = "member,tariff,valid_from,state\n1,month,2026-09-01,frozen\n";
        let pass = all(Kind::Passes, Existing::Update, pass);
        let Ok(Made::Changed(rows)) = &pass[0] else { panic!("{pass:?}") };
        let [ImportRow::Pass(key, row)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((key.pass.0, row.state, row.tariff_version), (id(41), PassState::Frozen, 1));

        let theirs = all(Kind::Credentials, Existing::Update, "uid,member\nAAAA,2\n");
        assert!(theirs[0].as_ref().unwrap_err()[0].contains("somebody else"), "{theirs:?}");
    }
}
