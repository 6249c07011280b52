//! What is sold to people for their visits: tariffs and passes.

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    deposits::IfLost,
    ids::{MemberId, PassId, TariffId, ZoneId},
    limit::Rate,
    money::{Money, Vat},
    time::{Span, Timestamp},
};

/// The state that staff gave a pass; what dates and visits make of it is worked out when it is
/// asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassState {
    /// In use.
    Active,
    /// An instalment is missing.
    PastDue,
    /// Paused by the member.
    Frozen,
    /// Paused by the site.
    Suspended,
    /// Ended early.
    Cancelled,
}

impl PassState {
    /// The word for it in facts and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Frozen => "frozen",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }
    /// The state of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::PastDue, Self::Frozen, Self::Suspended, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == word)
    }
}

/// The key of a pass: a member's passes stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PassKey {
    /// The holder.
    pub member: MemberId,
    /// The pass.
    pub pass: PassId,
}

impl PassKey {
    /// The first and the last key that a pass of this member can have.
    #[must_use]
    pub const fn all_of(member: MemberId) -> (Self, Self) {
        let (first, last) = (PassId(uuid::Uuid::nil()), PassId(uuid::Uuid::max()));
        (Self { member, pass: first }, Self { member, pass: last })
    }
}

/// A sold pass. It keeps the tariff version that it was sold under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The tariff.
    pub tariff: TariffId,
    /// The version of the tariff that it was sold under.
    pub tariff_version: u32,
    /// What staff made of it.
    pub state: PassState,
    /// Its first local day.
    pub valid_from: Date,
    /// Its last local day, included; `None` has no end.
    pub valid_until: Option<Date>,
    /// Visits left; `None` does not count visits.
    pub visits_left: Option<u32>,
    /// Those of them that are granted and not yet taken by a passage.
    pub visits_reserved: u32,
    /// What was paid for it when it was sold, where a longer stay is charged the next tier.
    pub paid: Money,
    /// What only passes have that were sold here; an imported one has none of it.
    pub sale: Option<Box<PassSale>>,
}

/// What became of a pass since it was sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassSale {
    /// The receipt that it was sold on.
    pub receipt: String,
    /// What is paid and not earned yet, without tax.
    pub prepaid: Money,
    /// What its visits have earned so far, without tax.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub earned: Money,
    /// How many of them did.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub earned_by: u32,
    /// The first day that it earns by the day; nothing while it waits or is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earns_from: Option<Date>,
    /// How long it lasts from its first use, while it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Lasts>,
    /// The first day of the freeze that holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Date>,
    /// When that ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thaws: Option<Timestamp>,
    /// When a freeze begins that was ordered for a later day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezes: Option<Timestamp>,
    /// Days that it was frozen before.
    #[serde(default)]
    pub frozen_days: u16,
    /// Whether the holder's family may use it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub family: bool,
    /// Whether somebody has been in by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
}

impl Pass {
    /// Visits that nobody was granted yet; `None` does not count visits.
    #[must_use]
    pub fn visits_free(&self) -> Option<u32> {
        self.visits_left.map(|left| left.saturating_sub(self.visits_reserved))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_none_yet(count: &u32) -> bool {
    *count == 0
}

/// The key of a tariff version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TariffKey {
    /// The tariff.
    pub tariff: TariffId,
    /// Its version, from 1.
    pub version: u32,
}

/// One version of a tariff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// The zones that it opens; those on the way to them are open as well.
    pub zones: Box<[ZoneId]>,
    /// What each visit costs at the gate; nothing for a pass that is paid in advance.
    pub entry_price: Money,
    /// What a stay of each length costs, the shortest first, where a longer stay is charged the
    /// next tier (parameter 14).
    pub tiers: Box<[(Span, Money)]>,
    /// Whether it opens once: after the visit only within the time for coming back (parameter 18).
    pub single_entry: bool,
    /// Whether it is for guests of one day, whose bands come back (parameter 6).
    pub day_guest: bool,
    /// The value added tax that its prices include, where it is not the site's.
    pub vat: Option<Vat>,
    /// What is sold under it.
    pub offer: Offer,
}

/// What kind of thing a tariff sells. The kind asks for some of the terms of an [`Offer`] and
/// forbids others.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TariffKind {
    /// Not sold at tills: each visit is paid at the gate, or it comes by import.
    #[default]
    AtGate,
    /// One visit.
    SingleEntry,
    /// One visit of so many minutes (parameter 12 says how many).
    Timed,
    /// So many visits.
    Visits,
    /// As many visits as wanted within a time.
    Period,
    /// Each minute of a stay is paid when it ends.
    PerMinute,
    /// A group or course within a time.
    Course,
    /// A guest of one day, whose band has a deposit.
    DayGuest,
}

impl TariffKind {
    /// The word for it in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtGate => "at_gate",
            Self::SingleEntry => "single_entry",
            Self::Timed => "timed",
            Self::Visits => "visits",
            Self::Period => "period",
            Self::PerMinute => "per_minute",
            Self::Course => "course",
            Self::DayGuest => "day_guest",
        }
    }
}

/// How long a pass lasts: whole months and days of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lasts {
    /// Months.
    pub months: u16,
    /// Days beside them.
    pub days: u16,
}

impl Lasts {
    /// Reads `P1M`, `P30D`, `P2W` or `P1Y2M3D`, longer than nothing and not over a hundred years.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let span: jiff::Span = text.strip_prefix('P').and_then(|_| text.parse().ok())?;
        let months = i32::from(span.get_years()).checked_mul(12)?.checked_add(span.get_months())?;
        let days = span.get_weeks().checked_mul(7)?.checked_add(span.get_days())?;
        let (months, days) = (u16::try_from(months).ok()?, u16::try_from(days).ok()?);
        let whole = jiff::Span::new().try_months(months).ok()?.try_days(days).ok()?;
        let timeless = span.get_hours() == 0 && span.get_minutes() == 0 && span.get_seconds() == 0;
        let bounded = !whole.is_zero() && months <= 1200;
        (timeless && bounded).then_some(Self { months, days })
    }

    /// The last day, that day included, where `first` is the first: the day before that day of the
    /// month so many months after, or the last day of a month that has no such day (section 15 of
    /// the decisions).
    #[must_use]
    pub fn last_day(self, first: Date) -> Date {
        let after = first.saturating_add(i32::from(self.months).months());
        let cut = i32::from(after.day() != first.day());
        after.saturating_add((i32::from(self.days) - 1 + cut).days())
    }
}

impl From<Lasts> for String {
    fn from(lasts: Lasts) -> Self {
        match (lasts.months, lasts.days) {
            (0, days) => format!("P{days}D"),
            (months, 0) => format!("P{months}M"),
            (months, days) => format!("P{months}M{days}D"),
        }
    }
}
impl TryFrom<String> for Lasts {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no time such as P1M, P30D or P2W"))
    }
}

/// What is sold under a tariff, and on which terms. A sold pass keeps those of its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Offer {
    /// What people call it.
    pub name: String,
    /// What kind of thing it is.
    pub kind: TariffKind,
    /// What it costs, before any price list.
    pub price: Money,
    /// How many visits it has; `None` does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visits: Option<u32>,
    /// How long it lasts, its first day included; `None` has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Lasts>,
    /// Whether that runs from the first use on, not from the sale.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_first_use: bool,
    /// How many days it may be frozen in all.
    pub freeze_days: u16,
    /// Whether it may be handed to somebody else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub transferable: bool,
    /// Whether the buyer's family may use it too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub family: bool,
    /// The deposit for its band, where it is not the site's.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub deposit: Money,
    /// What becomes of that deposit when the band is lost, where it is not what the site says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_if_lost: Option<IfLost>,
    /// What each started unit of a stay costs, where stays are paid by the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minute: Option<Rate>,
    /// Whether it is sold no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// The later version by whose terms its passes go, where that was to reach what was sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<u32>,
}

impl Offer {
    /// How many visits a pass of it begins with, where its kind counts them.
    #[must_use]
    pub fn visits_counted(&self) -> Option<u32> {
        let once =
            matches!(self.kind, TariffKind::SingleEntry | TariffKind::Timed | TariffKind::DayGuest);
        self.visits.or(once.then_some(1))
    }
}

impl Tariff {
    /// A tariff that opens `zones` at a price for each visit.
    #[must_use]
    pub fn new(zones: Box<[ZoneId]>, entry_price: Money) -> Self {
        Self {
            zones,
            entry_price,
            tiers: Box::default(),
            single_entry: false,
            day_guest: false,
            vat: None,
            offer: Offer::default(),
        }
    }
    /// The price of the shortest tier that covers `stay`, or of the longest; nothing without tiers.
    #[must_use]
    pub fn tier(&self, stay: Span) -> Money {
        let covers = self.tiers.iter().find(|(length, _)| stay <= *length);
        covers.or(self.tiers.last()).map_or(Money::ZERO, |(_, price)| *price)
    }
}
