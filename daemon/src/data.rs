//! A site's first data: `data/*.csv` and `data/tariffs.toml`, read once into an empty database.
//!
//! The whole of it is read and checked before the first row is handed to the loop, so that a broken
//! row imports nothing at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use devices::pin::PinKey;
use domain::{
    duration::Dur,
    ids::{
        AccountId, CredentialId, DeviceId, ExemptionId, FamilyId, GroupId, IdMaker, LockerId,
        MemberId, OperatorId, PassId, TariffId, Uid, ZoneId,
    },
    money::Money,
    reasons::Reason,
    rows::{
        Credential, CredentialKind, CredentialState, Exempted, Exemption, Extras, Family, Kin,
        Language, Locker, Member, Operator, Pass, PassKey, PassState, Person, PinDigest, Tariff,
        TariffKey,
    },
    site::Site,
    state::ImportRow,
    time::Timestamp,
};
use serde::de::DeserializeOwned;

mod rows;
use rows::{
    CredentialRow, ExemptionRow, FamilyRow, GuardianRow, LockerRow, MemberRow, OperatorRow,
    PassRow, TariffFile, TariffRow,
};

/// A row that cannot be taken, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {why}", file.display())]
pub(crate) struct BadRow {
    file: PathBuf,
    line: u64,
    why: String,
}

/// Reads the data folder of a site; a folder that is missing is an empty site.
///
/// # Errors
/// The first row that cannot be taken, with its file and line.
pub(crate) fn read(
    folder: &Path,
    site: &Site,
    (seed, pins): (u64, &PinKey),
    now: Timestamp,
) -> Result<Vec<ImportRow>, BadRow> {
    let mut reading = Reading {
        site,
        pins,
        ids: IdMaker::new(seed),
        now,
        rows: Vec::new(),
        members: BTreeMap::new(),
        tariffs: BTreeSet::new(),
        uids: BTreeSet::new(),
        families: BTreeMap::new(),
    };
    reading.tariffs(&folder.join("tariffs.toml"))?;
    each(&folder.join("families.csv"), |row| reading.family(row))?;
    each(&folder.join("members.csv"), |row| reading.member(row))?;
    each(&folder.join("guardians.csv"), |row| reading.guardian(row))?;
    each(&folder.join("operators.csv"), |row| reading.operator(row))?;
    each(&folder.join("exemptions.csv"), |row| reading.exemption(row))?;
    each(&folder.join("credentials.csv"), |row| reading.credential(row))?;
    each(&folder.join("passes.csv"), |row| reading.pass(row))?;
    each(&folder.join("lockers.csv"), |row| reading.locker(row))?;
    Ok(reading.rows)
}

/// Hands each row of a CSV file to `take`.
fn each<T: DeserializeOwned>(
    file: &Path,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), BadRow> {
    let bad = |line, why| BadRow { file: file.to_path_buf(), line, why };
    if !file.exists() {
        return Ok(());
    }
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| bad(0, error.to_string()))?;
    let headers = reader.headers().map_err(|error| bad(1, error.to_string()))?.clone();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|error| bad(line, error.to_string()))? {
            return Ok(());
        }
        let line = record.position().map_or(line, csv::Position::line);
        let row = record.deserialize(Some(&headers)).map_err(|error| bad(line, words(&error)))?;
        take(row).map_err(|why| bad(line, why))?;
    }
}

/// What is wrong with a row, without the library's own preamble.
fn words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

struct Reading<'a> {
    site: &'a Site,
    pins: &'a PinKey,
    ids: IdMaker,
    now: Timestamp,
    rows: Vec<ImportRow>,
    members: BTreeMap<u32, MemberId>,
    tariffs: BTreeSet<TariffId>,
    uids: BTreeSet<Uid>,
    families: BTreeMap<String, FamilyId>,
}

impl Reading<'_> {
    fn tariffs(&mut self, file: &Path) -> Result<(), BadRow> {
        let bad = |line, why| BadRow { file: file.to_path_buf(), line, why };
        if !file.exists() {
            return Ok(());
        }
        let text = std::fs::read_to_string(file).map_err(|error| bad(0, error.to_string()))?;
        let table: TariffFile = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            bad(u64::try_from(line + 1).unwrap_or(0), error.message().to_owned())
        })?;
        for row in table.tariff {
            let id = row.id.clone();
            self.tariff(row).map_err(|why| bad(0, format!("tariff `{id}`: {why}")))?;
        }
        Ok(())
    }

    fn tariff(&mut self, row: TariffRow) -> Result<(), String> {
        let zones =
            row.zones.iter().map(|zone| self.zone(zone)).collect::<Result<Box<[_]>, _>>()?;
        let tariff = TariffId::from(row.id);
        if !self.tariffs.insert(tariff.clone()) {
            return Err("is listed twice; give each tariff an id of its own".to_owned());
        }
        let entry_price = self.money(&row.entry_price)?;
        if entry_price < Money::ZERO {
            return Err(format!("`{}` is below zero", row.entry_price));
        }
        let mut tiers = Vec::new();
        for (length, price) in &row.tiers {
            let dur = Dur::parse(length)
                .ok_or_else(|| format!("`{length}` is not the length of a stay such as PT90M"))?;
            tiers.push((dur.span(), self.money(price)?));
        }
        tiers.sort_unstable();
        let key = TariffKey { tariff, version: 1 };
        let (single_entry, day_guest) = (row.single_entry, row.day_guest);
        let tiers = tiers.into();
        let tariff = Tariff { tiers, single_entry, day_guest, ..Tariff::new(zones, entry_price) };
        self.rows.push(ImportRow::Tariff(key, tariff));
        Ok(())
    }

    fn member(&mut self, row: MemberRow) -> Result<(), String> {
        let id = MemberId(self.ids.make(self.now));
        if self.members.insert(row.number, id).is_some() {
            return Err(format!("member number {} is listed twice", row.number));
        }
        let account = AccountId(self.ids.make(self.now));
        let balance = self.money(&row.balance)?;
        let debt_since = optional(&row.debt_since, |text| {
            text.parse::<jiff::Timestamp>().map(Timestamp::from).map_err(|error| error.to_string())
        })?;
        self.rows.push(ImportRow::Wallet { account, balance, debt_since });
        let groups = row.groups.split(';').map(str::trim).filter(|name| !name.is_empty());
        let language = Language::of(&row.language).ok_or_else(|| {
            format!("`{}` is not a language; languages are ka, hy, ru, en", row.language)
        })?;
        let member = Member {
            number: row.number,
            birth: optional(&row.birth, date)?,
            blocked: row.blocked,
            language,
            groups: groups.map(GroupId::from).collect(),
            account,
            certificate_until: optional(&row.certificate_until, date)?,
            reduced_mobility: row.reduced_mobility,
            medical: row.medical,
            kin: optional(&row.family, |name| {
                let family = self.families.get(name).copied();
                let family = Some(family.ok_or_else(|| {
                    format!("no family is called `{name}`; add it to families.csv")
                })?);
                Ok(Box::new(Kin { family, ..Kin::default() }))
            })?,
        };
        let phones = Some(row.phone).filter(|phone| !phone.is_empty()).into_iter().collect();
        let (name, name_latin) = (row.name, row.name_latin);
        let person = Person { name, name_latin, phones, ..Person::default() };
        self.rows.push(ImportRow::Member(id, member, person));
        Ok(())
    }

    fn family(&mut self, row: FamilyRow) -> Result<(), String> {
        let id = FamilyId(self.ids.make(self.now));
        let account = AccountId(self.ids.make(self.now));
        let balance = self.money(&row.balance)?;
        self.rows.push(ImportRow::Wallet { account, balance, debt_since: None });
        self.rows.push(ImportRow::Family(id, Family { account, people: Vec::new() }));
        match self.families.insert(row.name.clone(), id) {
            None => Ok(()),
            Some(_) => Err(format!("the family `{}` is listed twice", row.name)),
        }
    }

    /// Who may pick a child up.
    fn guardian(&mut self, row: GuardianRow) -> Result<(), String> {
        let (child, guardian) = (self.holder(row.child)?, self.holder(row.guardian)?);
        if child == guardian {
            return Err("nobody picks himself up; name another guardian".to_owned());
        }
        for known in &mut self.rows {
            if let ImportRow::Member(id, member, _) = known
                && *id == child
            {
                member.kin.get_or_insert_default().guardians.push(guardian);
            }
        }
        Ok(())
    }

    fn operator(&mut self, row: OperatorRow) -> Result<(), String> {
        let login = row.login.trim();
        if login.is_empty() {
            return Err("an operator has a login".to_owned());
        }
        let uid = optional(&row.band, |uid| Ok(Uid::from(uid.to_ascii_uppercase())))?;
        for known in &self.rows {
            let ImportRow::Operator(other, known) = known else { continue };
            if other.as_str() == login || (uid.is_some() && known.uid == uid) {
                return Err(format!("the login or the band of `{login}` is `{other}`'s already"));
            }
        }
        let operator = Operator {
            roles: parts(&row.roles).map(GroupId::from).collect(),
            pin: self.pin(login, &row.pin)?,
            band_pin: match &uid {
                Some(uid) => self.pin(uid.as_str(), &row.pin)?,
                None => None,
            },
            uid,
            member: optional(&row.member, |number| {
                let wrong = |_| format!("`{number}` is no member's number");
                self.holder(number.parse().map_err(wrong)?)
            })?,
        };
        self.rows.push(ImportRow::Operator(OperatorId::from(login), operator));
        Ok(())
    }

    /// The digest of the code that belongs to `holder`; nothing where the column is empty.
    fn pin(&self, holder: &str, code: &str) -> Result<Option<PinDigest>, String> {
        optional(code, |code| {
            self.pins.digest(holder, code).ok_or_else(|| "a PIN has 4 to 12 digits".to_owned())
        })
    }

    fn exemption(&mut self, row: ExemptionRow) -> Result<(), String> {
        let who = match (row.member.as_str(), row.group.as_str()) {
            (number, "") if !number.is_empty() => {
                let wrong = || format!("`{number}` is no member's number");
                Exempted::Member(self.holder(number.parse().map_err(|_| wrong())?)?)
            }
            ("", group) if !group.is_empty() => Exempted::Group(GroupId::from(group)),
            _ => return Err("name either a `member` or a `group`".to_owned()),
        };
        let exemption = Exemption {
            who,
            codes: parts(&row.codes).map(exempted_code).collect::<Result<_, _>>()?,
            zones: parts(&row.zones).map(|zone| self.zone(zone)).collect::<Result<_, _>>()?,
            from: date(&row.valid_from)?,
            until: date(&row.valid_until)?,
            reason: row.reason,
            granted_by: row.granted_by,
        };
        if exemption.codes.is_empty() || exemption.reason.is_empty() {
            return Err("an exemption names its codes and its reason".to_owned());
        }
        if exemption.until < exemption.from {
            return Err("the exemption ends before it begins".to_owned());
        }
        let id = ExemptionId(self.ids.make(self.now));
        self.rows.push(ImportRow::Exemption(id, exemption));
        Ok(())
    }

    fn credential(&mut self, row: CredentialRow) -> Result<(), String> {
        let uid = Uid::from(row.uid.to_ascii_uppercase());
        if !self.uids.insert(uid.clone()) {
            return Err(format!("the credential `{uid}` is listed twice"));
        }
        if row.party_size == 0 {
            return Err("`party_size` is at least 1".to_owned());
        }
        let instant = |text: &str| {
            text.parse::<jiff::Timestamp>().map(Timestamp::from).map_err(|error| error.to_string())
        };
        let credential = Credential {
            id: CredentialId(self.ids.make(self.now)),
            member: self.holder(row.member)?,
            state: CredentialState::of(&row.state)
                .ok_or_else(|| format!("`{}` is not a state of a credential", row.state))?,
            valid_from: optional(&row.valid_from, instant)?,
            valid_until: optional(&row.valid_until, instant)?,
            party_size: row.party_size,
            kind: match row.kind.as_str() {
                "" => CredentialKind::Band,
                word => CredentialKind::of(word).ok_or_else(|| {
                    format!(
                        "`{word}` is not a kind of credential; kinds are card, band, ticket, \
                         party_card"
                    )
                })?,
            },
            adult: row.adult,
            collected: false,
            extras: self.extras(&uid, &row)?,
        };
        self.rows.push(ImportRow::Credential(uid, credential));
        Ok(())
    }

    /// What few credentials have.
    fn extras(&self, uid: &Uid, row: &CredentialRow) -> Result<Option<Box<Extras>>, String> {
        let host = optional(&row.host, |text| {
            self.holder(text.parse().map_err(|_| format!("`{text}` is no member's number"))?)
        })?;
        let pin = self.pin(uid.as_str(), &row.pin)?;
        let duress = self.pin(uid.as_str(), &row.duress_pin)?;
        if pin.is_some() && pin == duress {
            return Err("`pin` and `duress_pin` are the same code".to_owned());
        }
        let extras = Extras { pin, duress, host, replaced_by: None };
        Ok((extras != Extras::default()).then(|| Box::new(extras)))
    }

    fn pass(&mut self, row: PassRow) -> Result<(), String> {
        let tariff = TariffId::from(row.tariff);
        if !self.tariffs.contains(&tariff) {
            return Err(format!("no tariff is called `{tariff}`; add it to tariffs.toml"));
        }
        let pass = PassId(self.ids.make(self.now));
        let key = PassKey { member: self.holder(row.member)?, pass };
        let sold = Pass {
            tariff,
            tariff_version: 1,
            state: PassState::of(&row.state)
                .ok_or_else(|| format!("`{}` is not a state of a pass", row.state))?,
            valid_from: date(&row.valid_from)?,
            valid_until: optional(&row.valid_until, date)?,
            visits_reserved: 0,
            paid: self.money(&row.paid)?,
            sale: None,
            visits_left: optional(&row.visits_left, |text| {
                text.parse().map_err(|_| format!("`{text}` is not a number of visits"))
            })?,
        };
        if sold.valid_until.is_some_and(|last| last < sold.valid_from) {
            return Err("the pass ends before it begins".to_owned());
        }
        self.rows.push(ImportRow::Pass(key, sold));
        Ok(())
    }

    fn locker(&mut self, row: LockerRow) -> Result<(), String> {
        let zone = self.zone(&row.zone)?;
        let locker = Locker::new(DeviceId::from(row.bank), zone);
        self.rows.push(ImportRow::Locker(LockerId::from(row.id), locker));
        Ok(())
    }

    fn holder(&self, number: u32) -> Result<MemberId, String> {
        let known = self.members.get(&number).copied();
        known.ok_or_else(|| format!("no member has the number {number}; add it to members.csv"))
    }

    fn zone(&self, name: &str) -> Result<ZoneId, String> {
        let known = self.site.zones.keys().find(|zone| zone.as_str() == name).cloned();
        known.ok_or_else(|| format!("no zone is called `{name}`; zones stand in site.toml"))
    }

    fn money(&self, text: &str) -> Result<Money, String> {
        let currency = &self.site.currency;
        let amount = currency.parse(if text.is_empty() { "0" } else { text });
        amount.ok_or_else(|| format!("`{text}` is not an amount such as 12.50 {}", currency.code))
    }
}

/// The parts of a field that are separated by semicolons.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

/// A reason that an exemption may list.
fn exempted_code(code: &str) -> Result<Reason, String> {
    let reason = Reason::of(code).ok_or_else(|| format!("no reason has the code `{code}`"))?;
    match reason.is_exemptible() {
        true => Ok(reason),
        false => Err(format!("nobody can be exempted from `{code}`; take it off the list")),
    }
}

fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a date such as 2026-09-15"))
}

/// Reads a field that may be empty.
fn optional<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let gel = domain::money::Currency::of("GEL").unwrap();
        Site {
            zones: [("hall".into(), None)].into(),
            ..Site::new(String::new(), jiff::tz::TimeZone::UTC, gel)
        }
    }

    fn refusal(file: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let tariffs =
            "[[tariff]]\nid = \"month\"\nname = \"\"\nzones = [\"hall\"]\nentry_price = \"0\"\n";
        let members = "number,name,name_latin,birth,language,phone,groups,blocked,balance,\
                       debt_since\n\
                       1,N,N,,ka,,,false,0,\n";
        std::fs::write(folder.path().join("tariffs.toml"), tariffs).unwrap();
        std::fs::write(folder.path().join("members.csv"), members).unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        read(folder.path(), &site(), (1, &PinKey::default()), Timestamp::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_broken_row_is_named_with_its_file_line_and_reason() {
        let passes = "member,tariff,state,valid_from,valid_until,visits_left\n";
        for (file, text, expected) in [
            (
                "passes.csv",
                format!("{passes}1,month,active,2026-09-10,2026-09-01,\n"),
                "ends before",
            ),
            ("passes.csv", format!("{passes}7,month,active,2026-09-10,,\n"), "number 7"),
            (
                "passes.csv",
                format!("{passes}1,year,active,2026-09-10,,\n"),
                "no tariff is called `year`",
            ),
            ("lockers.csv", "id,bank,zone\n1,a,moon\n".to_owned(), "no zone is called `moon`"),
            ("credentials.csv", "uid,member\nAB,1\n".to_owned(), "missing field"),
        ] {
            let got = refusal(file, &text);
            assert!(got.contains(&format!("{file}:2: ")) && got.contains(expected), "{got}");
        }
    }
}
