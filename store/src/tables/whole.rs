//! Rows that are kept whole, as one JSON text: nothing looks for them by what is in them.

use domain::{
    ids::{
        DeviceId, ExemptionId, FamilyId, GoodId, ImportId, LockerId, MemberId, OperatorId,
        PriceListId, Uid,
    },
    params::Param,
    rows::{
        AnswerKey, Answered, Attempts, Ban, BandDeposit, DeviceState, Drawer, Earning, EarningKey,
        Exemption, Family, Good, Guests, Hold, HoldKey, Import, Locker, Operator, ParamKey,
        PendingOrder, PriceList, ReceiptKey, Returned, SetParam, Spending, Terminal, Token,
        Waiting,
    },
};

use super::Stored;
use crate::{
    binds::Binds,
    cells::Cells,
    error::ReadError,
    sheet::{Kind, Sheet},
};

/// A key as columns.
trait Columns: Sized {
    const NAMES: &'static [&'static str];
    const IDS: &'static [&'static str] = &[];
    fn bind(&self, to: &mut Binds);
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError>;
}

impl Columns for DeviceId {
    const NAMES: &'static [&'static str] = &["device"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.as_str());
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        from.name()
    }
}

impl Columns for HoldKey {
    const NAMES: &'static [&'static str] = &["uid", "gate"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.uid.as_str());
        to.text(self.gate.as_str());
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        let uid = from.text().map(|text| Uid::from(&*text))?;
        Ok(Self { uid, gate: from.name()? })
    }
}

impl Columns for AnswerKey {
    const NAMES: &'static [&'static str] = &["operator", "order_key"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.operator.as_str());
        to.text(self.key.as_str());
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        let operator = from.text().map(|login| OperatorId::from(&*login))?;
        Ok(Self { operator, key: from.take()? })
    }
}

impl Columns for ParamKey {
    const NAMES: &'static [&'static str] = &["parameter", "scope"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.param.name());
        to.json(&self.scope);
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { param: from.word(Param::of)?, scope: from.json()? })
    }
}

macro_rules! id_columns {
    ($($name:ident as $column:literal),*) => {$(
        impl Columns for $name {
            const NAMES: &'static [&'static str] = &[$column];
            const IDS: &'static [&'static str] = &[$column];
            fn bind(&self, to: &mut Binds) {
                to.id(self.0);
            }
            fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
                from.id().map($name)
            }
        }
    )*};
}
id_columns!(MemberId as "member", FamilyId as "id", ExemptionId as "id");

macro_rules! text_columns {
    ($($name:ident as $column:literal),*) => {$(
        impl Columns for $name {
            const NAMES: &'static [&'static str] = &[$column];
            fn bind(&self, to: &mut Binds) {
                to.text(self.as_str());
            }
            fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
                from.text().map(|text| $name::from(&*text))
            }
        }
    )*};
}
text_columns!(
    Uid as "uid",
    LockerId as "id",
    OperatorId as "login",
    GoodId as "id",
    PriceListId as "id",
    ImportId as "id"
);

impl Columns for ReceiptKey {
    const NAMES: &'static [&'static str] = &["till", "number"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.till.as_str());
        to.bits(self.number);
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { till: from.name()?, number: from.bits()? })
    }
}

impl Columns for EarningKey {
    const NAMES: &'static [&'static str] = &["day", "tariff"];
    fn bind(&self, to: &mut Binds) {
        to.text(self.day.to_string());
        to.text(self.tariff.as_str());
    }
    fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
        Ok(Self { day: from.date()?, tariff: from.name()? })
    }
}

macro_rules! whole {
    ($($row:ty, by $key:ty, in $table:literal;)*) => {$(
        impl Stored for $row {
            type Key = $key;
            const SHEET: Sheet = Sheet {
                name: $table,
                keys: <$key as Columns>::NAMES,
                values: &["body"],
                ids: <$key as Columns>::IDS,
                kind: Kind::State,
                weight: 1,
            };
            fn bind_key(key: &$key, to: &mut Binds) {
                Columns::bind(key, to);
            }
            fn bind(&self, to: &mut Binds) {
                to.json(self);
            }
            fn read_key(from: &mut Cells<'_, '_>) -> Result<$key, ReadError> {
                <$key as Columns>::read(from)
            }
            fn read(from: &mut Cells<'_, '_>) -> Result<Self, ReadError> {
                from.json()
            }
        }
    )*};
}

whole! {
    DeviceState, by DeviceId, in "device";
    Terminal, by DeviceId, in "terminal";
    Hold, by HoldKey, in "hold";
    Waiting, by HoldKey, in "waiting";
    Locker, by LockerId, in "locker";
    Guests, by MemberId, in "guests";
    Family, by FamilyId, in "family";
    Spending, by MemberId, in "spending";
    Attempts, by Uid, in "attempts";
    Exemption, by ExemptionId, in "exemption";
    Operator, by OperatorId, in "operator";
    Token, by HoldKey, in "token";
    Good, by GoodId, in "good";
    PriceList, by PriceListId, in "price_list";
    Drawer, by DeviceId, in "drawer";
    Returned, by ReceiptKey, in "returned";
    BandDeposit, by Uid, in "band_deposit";
    Earning, by EarningKey, in "earning";
    SetParam, by ParamKey, in "param_value";
    Ban, by MemberId, in "ban";
    Answered, by AnswerKey, in "answer";
    PendingOrder, by DeviceId, in "pending_order";
    Import, by ImportId, in "import";
}
