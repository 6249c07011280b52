//! The rows that a site has in the beginning, made of what a file gives.

use std::collections::BTreeMap;

use domain::{
    ids::{AccountId, CredentialId, ExemptionId, FamilyId, IdMaker, MemberId, PassId, Uid},
    money::{Money, Vat},
    reasons::Reason,
    rows::{
        Credential, CredentialKind, CredentialState, Exempted, Exemption, Extras, Family, Good,
        Kin, Language, Lasts, Locker, Member, Offer, Operator, Pass, PassKey, PassState, Person,
        PinDigest, PriceList, Tariff, TariffKey,
    },
    state::{ImportRow, Input},
    time::{Span, Timestamp},
};

use super::{
    Given, Holder, PIN, PersonRow, World,
    given::{ExemptionRow, SoldRow, TariffRow},
};

/// The ids of the people and families of a site. They are the same whenever they are made.
pub(super) struct Ids {
    maker: IdMaker,
    families: BTreeMap<String, (FamilyId, AccountId)>,
    /// Members by their bands.
    pub(super) members: BTreeMap<String, MemberId>,
}

impl Ids {
    pub(super) fn of(given: &Given, at: Timestamp) -> Self {
        let mut maker = IdMaker::new(11);
        let mut family = |name: &String| {
            let (id, account) = (FamilyId(maker.make(at)), AccountId(maker.make(at)));
            (name.clone(), (id, account))
        };
        let families = given.families.keys().map(&mut family).collect();
        let mut member = |row: &PersonRow| (row.band.clone(), MemberId(maker.make(at)));
        let members = given.people.iter().map(&mut member).collect();
        Self { maker, families, members }
    }

    /// Whoever holds a band.
    fn member(&self, band: &str) -> Result<MemberId, String> {
        self.members.get(band).copied().ok_or_else(|| format!("nobody holds `{band}`"))
    }
}

/// What a person has beside the band.
struct Has {
    pass: Option<PassKey>,
    kin: Kin,
    host: Option<MemberId>,
}

impl World {
    /// Puts everything that is given into the tables.
    pub(super) fn import(&mut self, given: &Given) -> Result<(), String> {
        let mut ids = Ids::of(given, self.now);
        let mut rows = Vec::new();
        self.catalogue(given, &mut rows)?;
        for (name, balance) in &given.families {
            let (id, account) = ids.families[name];
            let balance = self.money(balance)?;
            rows.push(ImportRow::Wallet { account, balance, debt_since: None });
            let family = Family { name: name.as_str().into(), account, people: Vec::new() };
            rows.push(ImportRow::Family(id, family));
        }
        for (number, row) in (1..).zip(&given.people) {
            let why = |why: String| format!("the person `{}`: {why}", row.band);
            rows.extend(self.one(number, row, &mut ids).map_err(why)?);
        }
        for row in &given.exemptions {
            let exemption = exemption(row, &ids)?;
            let id = ExemptionId(ids.maker.make(self.now));
            rows.push(ImportRow::Exemption(id, exemption));
        }
        for (login, roles) in &given.operators {
            let roles = roles.iter().map(|role| role.as_str().into()).collect();
            let member = given.own_bands.get(login).map(|band| ids.member(band)).transpose()?;
            let code = || Some(PinDigest(PIN.into()));
            let uid = Some(format!("OP-{login}").as_str().into());
            let operator = Operator { roles, uid, pin: code(), band_pin: code(), member };
            rows.push(ImportRow::Operator(login.as_str().into(), operator));
        }
        for (id, bank) in &given.lockers {
            let zone = given.zones.keys().next().ok_or("a locker stands in a zone")?;
            let locker = Locker::new(bank.as_str().into(), zone.as_str().into());
            rows.push(ImportRow::Locker(id.as_str().into(), locker));
        }
        self.take(Input::Import(rows));
        Ok(())
    }

    /// Tariffs, goods and price lists.
    fn catalogue(&self, given: &Given, rows: &mut Vec<ImportRow>) -> Result<(), String> {
        for (name, row) in &given.tariffs {
            let key = TariffKey { tariff: name.as_str().into(), version: 1 };
            let why = |why: String| format!("the tariff `{name}`: {why}");
            rows.push(ImportRow::Tariff(key, self.tariff(name, row).map_err(why)?));
        }
        for (name, row) in &given.goods {
            let price = row.price.as_deref().unwrap_or_default();
            let good = Good {
                name: name.clone(),
                price: self.money(price)?,
                open_price: row.price.is_none(),
                category: row.category.clone(),
                vat: row.vat_percent.map(|percent| Vat(percent * 100)),
                withdrawn: false,
            };
            rows.push(ImportRow::Good(name.as_str().into(), good));
        }
        for (name, row) in &given.price_lists {
            let price = |(thing, price): (&String, &String)| {
                self.money(price).map(|price| (thing.clone(), price))
            };
            let prices = row.prices.iter().map(price).collect::<Result<_, _>>()?;
            let (windows, rank) = (row.windows.clone(), row.rank);
            let list = PriceList { windows, rank, prices };
            rows.push(ImportRow::PriceList(name.as_str().into(), list));
        }
        Ok(())
    }

    fn tariff(&self, name: &str, row: &TariffRow) -> Result<Tariff, String> {
        let zones = row.zones.iter().map(|zone| zone.as_str().into()).collect();
        let tier = |(seconds, price): &(i64, String)| {
            self.money(price).map(|price| (Span::seconds(*seconds), price))
        };
        let tiers = row.tiers.iter().map(tier).collect::<Result<_, _>>()?;
        let offer = row.sold.as_ref().map(|sold| self.offer(name, sold)).transpose()?;
        Ok(Tariff {
            tiers,
            single_entry: row.single_entry,
            day_guest: row.day_guest,
            offer: offer.unwrap_or_default(),
            ..Tariff::new(zones, self.money(&row.price)?)
        })
    }

    fn offer(&self, name: &str, sold: &SoldRow) -> Result<Offer, String> {
        let lasts = sold.lasts.as_deref().map(|text| {
            Lasts::parse(text).ok_or_else(|| format!("`{text}` is no time such as P1M or P30D"))
        });
        Ok(Offer {
            name: name.to_owned(),
            kind: sold.kind,
            price: self.money(&sold.price)?,
            visits: sold.visits,
            lasts: lasts.transpose()?,
            deposit: self.money(&sold.deposit)?,
            ..Offer::default()
        })
    }

    /// A person, and who holds the band from now on.
    fn one(
        &mut self,
        number: u32,
        row: &PersonRow,
        ids: &mut Ids,
    ) -> Result<Vec<ImportRow>, String> {
        let family = |name: &String| {
            let known = ids.families.get(name).copied();
            known.ok_or_else(|| format!("no family is called `{name}`"))
        };
        let family = row.family.as_ref().map(family).transpose()?;
        let holder = Holder {
            member: ids.member(&row.band)?,
            credential: CredentialId(ids.maker.make(self.now)),
            account: AccountId(ids.maker.make(self.now)),
            shared: family.map(|(_, account)| account),
            pass: None,
        };
        let guardians = row.guardians.iter().map(|band| ids.member(band));
        let kin = Kin {
            family: family.map(|(family, _)| family),
            guardians: guardians.collect::<Result<_, _>>()?,
        };
        let host = row.host.as_ref().map(|band| ids.member(band)).transpose()?;
        let pass = row.tariff.as_ref().map(|_| PassId(ids.maker.make(self.now)));
        let pass = pass.map(|pass| PassKey { member: holder.member, pass });
        let rows = self.person(number, row, &holder, Has { pass, kin, host })?;
        self.holders.insert(row.band.clone(), Holder { pass, ..holder });
        Ok(rows)
    }

    fn person(
        &self,
        number: u32,
        row: &PersonRow,
        holder: &Holder,
        has: Has,
    ) -> Result<Vec<ImportRow>, String> {
        for flag in &row.flags {
            if !FLAGS.contains(&flag.as_str()) {
                return Err(format!("`{flag}` is none of the flags {}", FLAGS.join(", ")));
            }
        }
        let is = |flag: &str| row.flags.iter().any(|one| one == flag);
        let member = Member {
            number,
            birth: row.born.as_deref().map(date).transpose()?,
            blocked: is("blocked"),
            language: Language::Ka,
            groups: row.groups.iter().map(|group| group.as_str().into()).collect(),
            account: holder.account,
            certificate_until: row.certificate.as_deref().map(date).transpose()?,
            reduced_mobility: is("reduced_mobility"),
            medical: is("medical"),
            kin: Some(Box::new(has.kin)),
        };
        let person =
            Person { name: row.band.clone(), name_latin: row.band.clone(), ..Person::default() };
        let balance = self.money(&row.wallet)?;
        let debt_since = row.debt_since.as_deref().map(|text| self.read_time(text)).transpose()?;
        if debt_since.is_some() && balance >= Money::ZERO {
            return Err("`debt_since` is for a wallet below zero".to_owned());
        }
        let account = holder.account;
        let mut rows = vec![
            ImportRow::Wallet { account, balance, debt_since },
            ImportRow::Member(holder.member, member, person),
        ];
        if let (Some(key), Some(tariff)) = (has.pass, &row.tariff) {
            rows.push(ImportRow::Pass(key, self.pass(tariff, row)?));
        }
        let credential = self.credential(row, holder, has.host)?;
        rows.push(ImportRow::Credential(Uid::from(row.band.as_str()), credential));
        Ok(rows)
    }

    fn pass(&self, tariff: &str, row: &PersonRow) -> Result<Pass, String> {
        Ok(Pass {
            tariff: tariff.into(),
            tariff_version: 1,
            state: PassState::Active,
            valid_from: date("2026-01-01")?,
            valid_until: row.ended.as_deref().map(date).transpose()?,
            visits_left: row.visits,
            visits_reserved: 0,
            paid: self.money(&row.paid)?,
            sale: None,
        })
    }

    fn credential(
        &self,
        row: &PersonRow,
        holder: &Holder,
        host: Option<MemberId>,
    ) -> Result<Credential, String> {
        let end = |end: usize| row.valid.as_ref().map(|ends| self.read_time(&ends[end]));
        let state = row.state.as_deref().unwrap_or("active");
        let kind = row.kind.as_deref().unwrap_or("card");
        let unknown = |word: &str| format!("`{word}` is no word for a credential");
        Ok(Credential {
            id: holder.credential,
            member: holder.member,
            state: CredentialState::of(state).ok_or_else(|| unknown(state))?,
            valid_from: end(0).transpose()?,
            valid_until: end(1).transpose()?,
            party_size: row.party.unwrap_or(1),
            kind: CredentialKind::of(kind).ok_or_else(|| unknown(kind))?,
            adult: row.flags.iter().any(|flag| flag == "adult"),
            collected: false,
            extras: Some(Box::new(Extras {
                pin: row.pin.as_deref().map(|code| PinDigest(code.into())),
                duress: row.duress.as_deref().map(|code| PinDigest(code.into())),
                host,
                replaced_by: None,
                loss_paid: None,
            })),
        })
    }
}

/// What can be said of a person.
const FLAGS: [&str; 4] = ["reduced_mobility", "medical", "adult", "blocked"];

fn exemption(row: &ExemptionRow, ids: &Ids) -> Result<Exemption, String> {
    let who = match (&row.group, &row.member) {
        (Some(group), None) => Exempted::Group(group.as_str().into()),
        (None, Some(band)) => Exempted::Member(ids.member(band)?),
        _ => return Err("an exemption is for a `group` or for a `member`".to_owned()),
    };
    Ok(Exemption {
        who,
        codes: row.codes.iter().map(|code| reason(code)).collect::<Result<_, _>>()?,
        zones: row.zones.iter().map(|zone| zone.as_str().into()).collect(),
        from: date(&row.from)?,
        until: date(&row.until)?,
        reason: "coach-led".to_owned(),
        granted_by: "nino".to_owned(),
    })
}

/// The reason of this code.
pub(super) fn reason(code: &str) -> Result<Reason, String> {
    Reason::of(code).ok_or_else(|| format!("`{code}` is the code of no reason"))
}

/// A local date.
pub(super) fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no date such as 2026-09-15"))
}
