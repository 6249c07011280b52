//! Members, credentials, passes, tariffs and accounts.

use domain::{
    ids::{AccountId, CredentialId, MemberId, PassId, Uid, ZoneId},
    money::{CurrencyCode, Money, Vat},
    rows::{
        Account, AccountKind, Credential, CredentialKind, CredentialState, Language, Member, Pass,
        PassKey, PassState, Subject, Tariff, TariffKey, Visits,
    },
};

use super::Stored;
use crate::{
    binds::Binds,
    cells::Cells,
    error::ReadError,
    sheet::{Kind, Sheet},
};

/// Names as a JSON array. Names are text, which always has a JSON form.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(names).to_string()
}

impl Stored for Member {
    type Key = MemberId;
    const SHEET: Sheet = Sheet {
        name: "member",
        keys: &["id"],
        values: &[
            "number",
            "birth",
            "blocked",
            "language",
            "groups",
            "account",
            "certificate_until",
            "reduced_mobility",
            "medical",
            "kin",
        ],
        ids: &["id", "account"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &MemberId, to: &mut Binds) {
        to.id(key.0);
    }
    fn bind(&self, to: &mut Binds) {
        to.int(self.number);
        to.add(self.birth.map(|date| date.to_string()));
        to.add(self.blocked);
        to.text(self.language.tag());
        to.text(list(self.groups.iter().map(|group| group.as_str())));
        to.id(self.account.0);
        to.add(self.certificate_until.map(|date| date.to_string()));
        to.add(self.reduced_mobility);
        to.add(self.medical);
        to.maybe_json(self.kin.as_ref());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<MemberId, ReadError> {
        from.id().map(MemberId)
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            number: from.int()?,
            birth: from.maybe_date()?,
            blocked: from.take()?,
            language: from.word(Language::of)?,
            groups: from.name_list()?,
            account: from.id().map(AccountId)?,
            certificate_until: from.maybe_date()?,
            reduced_mobility: from.take()?,
            medical: from.take()?,
            kin: from.maybe_json()?,
        })
    }
}

impl Stored for Credential {
    type Key = Uid;
    const SHEET: Sheet = Sheet {
        name: "credential",
        keys: &["uid"],
        values: &[
            "id",
            "member",
            "state",
            "valid_from",
            "valid_until",
            "party_size",
            "kind",
            "adult",
            "collected",
            "extras",
        ],
        ids: &["id", "member"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &Uid, to: &mut Binds) {
        to.text(key.as_str());
    }
    fn bind(&self, to: &mut Binds) {
        to.id(self.id.0);
        to.id(self.member.0);
        to.text(self.state.name());
        to.maybe_at(self.valid_from);
        to.maybe_at(self.valid_until);
        to.int(self.party_size);
        to.text(self.kind.name());
        to.add(self.adult);
        to.add(self.collected);
        to.maybe_json(self.extras.as_ref());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<Uid, ReadError> {
        from.text().map(|text| Uid::from(&*text))
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            id: from.id().map(CredentialId)?,
            member: from.id().map(MemberId)?,
            state: from.word(CredentialState::of)?,
            valid_from: from.maybe_at()?,
            valid_until: from.maybe_at()?,
            party_size: from.int()?,
            kind: from.word(CredentialKind::of)?,
            adult: from.take()?,
            collected: from.take()?,
            extras: from.maybe_json()?,
        })
    }
}

impl Stored for Pass {
    type Key = PassKey;
    const SHEET: Sheet = Sheet {
        name: "pass",
        keys: &["member", "id"],
        values: &[
            "tariff",
            "tariff_version",
            "state",
            "valid_from",
            "valid_until",
            "visits_left",
            "visits_reserved",
            "paid",
            "sale",
        ],
        ids: &["member", "id"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &PassKey, to: &mut Binds) {
        to.id(key.member.0);
        to.id(key.pass.0);
    }
    fn bind(&self, to: &mut Binds) {
        to.text(self.tariff.as_str());
        to.int(self.tariff_version);
        to.text(self.state.name());
        to.text(self.valid_from.to_string());
        to.add(self.valid_until.map(|date| date.to_string()));
        to.add(self.visits_left.map(i64::from));
        to.int(self.visits_reserved);
        to.int(self.paid.minor());
        to.maybe_json(self.sale.as_ref());
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<PassKey, ReadError> {
        Ok(PassKey { member: from.id().map(MemberId)?, pass: from.id().map(PassId)? })
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            tariff: from.name()?,
            tariff_version: from.int()?,
            state: from.word(PassState::of)?,
            valid_from: from.date()?,
            valid_until: from.maybe_date()?,
            visits_left: from.maybe_int()?,
            visits_reserved: from.int()?,
            paid: from.int().map(Money)?,
            sale: from.maybe_json()?,
        })
    }
}

impl Stored for Visits {
    type Key = MemberId;
    const SHEET: Sheet = Sheet {
        name: "visits",
        keys: &["member"],
        values: &["begun", "promised"],
        ids: &["member"],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &MemberId, to: &mut Binds) {
        to.id(key.0);
    }
    fn bind(&self, to: &mut Binds) {
        to.text(serde_json::json!(self.begun).to_string());
        to.int(self.promised);
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<MemberId, ReadError> {
        from.id().map(MemberId)
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { begun: from.json()?, promised: from.int()? })
    }
}

impl Stored for Tariff {
    type Key = TariffKey;
    const SHEET: Sheet = Sheet {
        name: "tariff",
        keys: &["tariff", "tariff_version"],
        values: &["zones", "entry_price", "tiers", "single_entry", "day_guest", "vat", "offer"],
        ids: &[],
        kind: Kind::State,
        weight: 1,
    };
    fn bind_key(key: &TariffKey, to: &mut Binds) {
        to.text(key.tariff.as_str());
        to.int(key.version);
    }
    fn bind(&self, to: &mut Binds) {
        to.text(list(self.zones.iter().map(ZoneId::as_str)));
        to.int(self.entry_price.minor());
        to.json(&self.tiers);
        to.add(self.single_entry);
        to.add(self.day_guest);
        to.add(self.vat.map(|vat| i64::from(vat.0)));
        to.json(&self.offer);
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<TariffKey, ReadError> {
        Ok(TariffKey { tariff: from.name()?, version: from.int()? })
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            zones: from.name_list()?,
            entry_price: from.int().map(Money)?,
            tiers: from.json()?,
            single_entry: from.take()?,
            day_guest: from.take()?,
            vat: from.maybe_int()?.map(Vat),
            offer: from.json()?,
        })
    }
}

impl Stored for Account {
    type Key = AccountId;
    const SHEET: Sheet = Sheet {
        name: "account",
        keys: &["id"],
        values: &["kind", "subject", "currency", "balance", "reserved", "floor", "debt_since"],
        ids: &["id"],
        kind: Kind::State,
        weight: 2,
    };
    fn bind_key(key: &AccountId, to: &mut Binds) {
        to.id(key.0);
    }
    fn bind(&self, to: &mut Binds) {
        to.text(self.kind.name());
        to.text(&*self.subject);
        to.text(self.currency.as_str());
        to.int(self.balance.minor());
        to.int(self.reserved.minor());
        to.add(Option::<Money>::from(self.floor).map(Money::minor));
        to.maybe_at(self.debt_since);
    }
    fn read_key(from: &mut Cells<'_, '_>) -> Result<AccountId, ReadError> {
        from.id().map(AccountId)
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self {
            kind: from.word(AccountKind::of)?,
            subject: from.text().map(|text| Subject::of(&text))?,
            currency: from.word(CurrencyCode::of)?,
            balance: from.int().map(Money)?,
            reserved: from.int().map(Money)?,
            floor: from.maybe_int()?.map(Money).into(),
            debt_since: from.maybe_at()?,
        })
    }
}
