//! The catalogue of parameters: each declared once, and everything else made from here.
//!
//! A parameter's number is stable; its bit is the number less one, so that a decision can say in
//! one `u64` which parameters it consulted. There are 64, and so the catalogue is full. The rows
//! stand in `params/catalogue.rs`; how values are read, written and combined in `params/value.rs`;
//! the rows in words, for the manual and for programs, in `params/manual.rs`.
//! Each row has a check in `rules/shipped` that reads it, or a place in the floor that does, and a
//! case that shows what it changes.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    duration::Dur,
    limit::{Limit, Period, Rate},
    money::Money,
    reasons::Reason,
    scope::ScopeKind,
    windows::Windows,
};

#[macro_use]
mod catalogue;
pub mod manual;
mod value;

/// What values a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of these words, from lax to strict.
    Choice(&'static [&'static str]),
    /// Any of these words, at most 32.
    Set(&'static [&'static str]),
    /// Any of these words, at most 32; `!` before a word denies it whatever else allows it.
    Rights(&'static [&'static str]),
    /// Names of the site's things of this kind.
    Names(ScopeKind),
    /// Codes of reasons.
    Codes,
    /// A whole number from..=to.
    Int(i64, i64),
    /// An ISO 8601 duration, at most this many seconds.
    Dur(i64),
    /// An amount in minor units, from..=to.
    Money(i64, i64),
    /// An amount in minor units, from..=to, or `none`.
    Cap(i64, i64),
    /// An amount of at most this many minor units for each started duration, `0.20/PT1M`.
    Rate(i64),
    /// How often within a period, `2/P1D`, or `none`.
    Limit,
    /// How many failures within a period, and how long it locks, `5/PT5M, locked for PT5M`.
    Lockout,
    /// Windows of local time.
    Windows,
    /// An age in years for each of the categories named, `alcohol:18, tobacco:18`.
    Ages,
    /// How long something is kept, in days, weeks, months or years of the calendar.
    Retention,
    /// One value of this kind for each of these words, `entry deny, sale deny`.
    Each(&'static [&'static str], &'static Self),
    /// A value of this kind, or several that follow a schedule,
    /// `locked Mon-Sun 22:00-07:00 else controlled`.
    Scheduled(&'static Self),
}

/// How several values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The most specific scope wins.
    MostSpecific,
    /// The most specific scope wins, but never laxer than the site's value.
    MostSpecificAboveSite,
    /// The strictest value wins; where all must hold, they are put together.
    Strictest,
    /// What all of them allow.
    Intersection,
    /// What any of them names; of rights, a denial by any of them wins.
    Union,
    /// Set at the site only.
    Site,
}

/// Which of two values is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stricter {
    /// The one later in the list.
    Later,
    /// The one with fewer members.
    Fewer,
    /// The one with more members.
    More,
    /// The smaller or shorter one; `none` is the laxest.
    Smaller,
    /// The smaller one, where zero means no limit and is the laxest.
    SmallerZeroLaxest,
    /// The larger or longer one.
    Larger,
    /// The longer one, where zero means never and is the strictest.
    LargerZeroStrictest,
    /// All must hold.
    All,
}

/// A kind of event as the specification abbreviates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Letter {
    /// A credential was read on the way in.
    En,
    /// A credential was read on the way out.
    Ex,
    /// A locker shall open.
    Lo,
    /// A locker shall close and be occupied.
    Lc,
    /// Something shall be sold.
    Sa,
    /// A wallet shall be topped up.
    Tu,
    /// Money shall be paid back.
    Rf,
    /// An operator acts.
    Op,
    /// A device reports its own state.
    Dv,
}

/// What has a default of its own for some rows, which the installation or the sold thing tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultFor {
    /// A staff door or the cash office.
    StaffDoor,
    /// The band of a day guest.
    DayGuest,
    /// A zone with water.
    PoolZone,
    /// A group that swims.
    SwimGroup,
    /// A person or a group with reduced mobility.
    ReducedMobility,
    /// A gate that does not report a passage.
    BlindGate,
    /// A screen that only staff see.
    Desk,
}

/// One row of the catalogue.
#[derive(Debug)]
pub struct ParamSpec {
    /// Which.
    pub param: Param,
    /// The stable number, from 1.
    pub number: u8,
    /// The group that it stands in, such as `A. Identity and credential`.
    pub group: &'static str,
    /// Its name, such as `anti_passback.mode`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The unit of its value, or nothing.
    pub unit: &'static str,
    default: &'static str,
    special: &'static [(DefaultFor, &'static str)],
    /// Where it may be set.
    pub scopes: &'static [ScopeKind],
    /// How several values are combined.
    pub merge: Merge,
    /// Which value is the stricter.
    pub stricter: Stricter,
    /// The kinds of events that it is about.
    pub events: &'static [Letter],
    /// What it does, in one sentence.
    pub sentence: &'static str,
}

macro_rules! params {
    ($($group:literal: $($variant:ident = $number:literal $name:literal, $kind:expr, $unit:literal,
        default $default:literal $(or $class:ident $special:literal)*,
        at [$($scope:ident)*], $merge:ident, $stricter:ident, on [$($letter:ident)*],
        $sentence:literal;)*)*) => {
        /// A parameter of the closed, checked vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Param {
            $($(#[doc = $sentence] $variant,)*)*
        }

        /// Every parameter, by number.
        pub const CATALOGUE: &[ParamSpec] = &[
            $($(ParamSpec {
                param: Param::$variant, number: $number, group: $group, name: $name, kind: $kind,
                unit: $unit, default: $default,
                special: &[$((DefaultFor::$class, $special)),*],
                scopes: &[$(ScopeKind::$scope),*], merge: Merge::$merge,
                stricter: Stricter::$stricter, events: &[$(Letter::$letter),*],
                sentence: $sentence,
            },)*)*
        ];
    };
}

/// The states of a membership.
pub const MEMBERSHIP_STATES: &[&str] =
    &["active", "grace", "past_due", "frozen", "suspended", "cancelled", "expired", "depleted"];

/// What operators do and terminals are for. Only ever added to at the end: records keep the places.
pub const ACTIONS: &[&str] = &[
    "sale",
    "topup",
    "refund",
    "void",
    "refund_over_limit",
    "debt_write_off",
    "balance_adjust",
    "emergency_reset",
    "rules_rollback",
    "unblock_member",
    "discount_over_limit",
    "take_payment",
    "cash_pickup",
    "cash_session",
    "register_member",
    "block_member",
    "issue_credential",
    "block_credential",
    "override",
    "release_hold",
    "release_locker",
    "photo_check",
    "set_gate_mode",
    "approve_rules",
    "set_parameter",
    "grant_exemption",
    "edit_tariff",
    "read_reports",
    "export_data",
    "edit_member",
];

/// The parameters that the floor itself asks, for requests that they are about, for doors, clocks
/// and records.
pub const FLOOR_READS: &[Param] = &[
    Param::AntiPassbackConfirmBy,
    Param::PresenceDuplicateReadWindow,
    Param::DebtExitHoldMax,
    Param::GateMode,
    Param::EmergencyReleaseCategory,
    Param::GateFailMode,
    Param::DeviceOfflinePolicy,
    Param::GatePassageTimeout,
    Param::DeviceEventMaxAge,
    Param::ClockMaxDrift,
    Param::AlarmHeldOpenTime,
    Param::AuditRetention,
    Param::PrivacyDisplayDetail,
];

/// The parameters that decide which pass speaks and what the facts are, whatever checks ask.
pub const FLOOR_GATHERS: &[Param] = &[
    Param::MembershipAllowedStates,
    Param::MembershipExpiryGrace,
    Param::TimeAccessWindows,
    Param::TimeEarlyEntryMargin,
    Param::AntiPassbackResetAfter,
];

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 366 * DAY;
/// The largest amount of a parameter, in minor units.
const MOST: i64 = 10_000_000_000;

catalogue!(params);

impl Param {
    /// The row of the catalogue.
    #[must_use]
    pub const fn spec(self) -> &'static ParamSpec {
        &CATALOGUE[self as usize]
    }
    /// The stable bit, from 0.
    #[must_use]
    pub const fn bit(self) -> u8 {
        self.spec().number - 1
    }
    /// Its name, such as `anti_passback.mode`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.spec().name
    }
    /// The parameter of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        CATALOGUE.iter().find(|spec| spec.name == name).map(|spec| spec.param)
    }

    /// How strict `left` is against `right`: `Greater` is stricter.
    ///
    /// Values that are put together, not chosen from, are equal: see [`Value::both`].
    #[must_use]
    pub fn strictness(self, left: &Value, right: &Value) -> Ordering {
        let order = left.compare(right);
        match self.spec().stricter {
            Stricter::Later | Stricter::Larger | Stricter::More => order,
            Stricter::Fewer | Stricter::Smaller => order.reverse(),
            Stricter::SmallerZeroLaxest => match (left.is_zero(), right.is_zero()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => order.reverse(),
            },
            Stricter::LargerZeroStrictest => match (left.is_zero(), right.is_zero()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => order,
            },
            Stricter::All => Ordering::Equal,
        }
    }
}

impl ParamSpec {
    /// The safe default, used where no scope sets a value.
    #[must_use]
    pub fn default(&self) -> &'static Value {
        static DEFAULTS: LazyLock<Vec<Value>> =
            LazyLock::new(|| CATALOGUE.iter().map(|spec| spec.read(spec.default)).collect());
        &DEFAULTS[self.param as usize]
    }

    /// The safe default for `classes`: the first of the row's own that applies, else the general
    /// one.
    #[must_use]
    pub fn default_for(&self, classes: &[DefaultFor]) -> &'static Value {
        static SPECIAL: LazyLock<Vec<Vec<(DefaultFor, Value)>>> = LazyLock::new(|| {
            let own = |spec: &ParamSpec| {
                spec.special.iter().map(|(class, text)| (*class, spec.read(text))).collect()
            };
            CATALOGUE.iter().map(own).collect()
        });
        let own = &SPECIAL[self.param as usize];
        let found = own.iter().find(|(class, _)| classes.contains(class));
        found.map_or_else(|| self.default(), |(_, value)| value)
    }

    /// The classes that have a default of their own, with it.
    pub fn special(&self) -> impl Iterator<Item = (DefaultFor, &'static str)> {
        self.special.iter().copied()
    }

    /// A default that does not parse is caught by the test below; it never reaches a site.
    fn read(&self, text: &str) -> Value {
        Value::parse(self.param, text).unwrap_or(Value::Int(0))
    }

    /// Why it is not set for a scope of this kind, and for which it is; nothing where it may be.
    #[must_use]
    pub fn refuses_scope(&self, kind: ScopeKind) -> Option<String> {
        let (name, kind_name, names) = (self.name, kind.name(), self.scope_names());
        (!self.scopes.contains(&kind)).then(|| {
            format!("`{name}` is never set for a {kind_name}\n  help: it is set for: {names}")
        })
    }

    /// The scopes as words, for messages.
    #[must_use]
    pub fn scope_names(&self) -> String {
        self.scopes.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Param {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::of(&name).ok_or_else(|| D::Error::custom(format!("no parameter is called `{name}`")))
    }
}

/// A set of parameters, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParamMask(pub u64);

impl ParamMask {
    /// With `param` as well.
    pub const fn insert(&mut self, param: Param) {
        self.0 |= 1 << param.bit();
    }
    /// Whether `param` is in it.
    #[must_use]
    pub const fn contains(self, param: Param) -> bool {
        self.0 & (1 << param.bit()) != 0
    }
    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// The parameters in it, by number.
    pub fn iter(self) -> impl Iterator<Item = Param> {
        CATALOGUE.iter().map(|spec| spec.param).filter(move |param| self.contains(*param))
    }
}

impl FromIterator<Param> for ParamMask {
    fn from_iter<I: IntoIterator<Item = Param>>(params: I) -> Self {
        let mut mask = Self::default();
        params.into_iter().for_each(|param| mask.insert(param));
        mask
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The word's place in the list, from lax to strict, and the word.
    Choice(u8, Arc<str>),
    /// Members by their place in the list, one bit each.
    Set(u32),
    /// Rights by their place in the list, one bit each.
    Rights {
        /// What is allowed.
        allowed: u32,
        /// What is denied, whatever allows it.
        denied: u32,
    },
    /// Names of the site's things.
    Names(Arc<BTreeSet<String>>),
    /// Codes of reasons.
    Codes(Arc<BTreeSet<Reason>>),
    /// A whole number.
    Int(i64),
    /// A duration.
    Dur(Dur),
    /// An amount.
    Money(Money),
    /// No amount: nothing is capped.
    Uncapped,
    /// An amount for each started duration.
    Rate(Rate),
    /// Limits that must all hold; several where several scopes apply at once.
    Limits(Arc<Vec<Limit>>),
    /// Windows; several where several scopes apply at once.
    Windows(Arc<Vec<Windows>>),
    /// Ages in years by category.
    Ages(Arc<BTreeMap<String, i64>>),
    /// How long something is kept.
    Retention(Period),
    /// Values by word; a word that is missing has the default's.
    Each(Arc<BTreeMap<String, Value>>),
    /// Values in their windows, the first that is open counts, and the one for all other times.
    Scheduled(Arc<Vec<(Value, Windows)>>, Arc<Value>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_64_rows_in_the_order_of_their_numbers() {
        assert_eq!(CATALOGUE.len(), 64);
        for (place, spec) in CATALOGUE.iter().enumerate() {
            assert_eq!((spec.param as usize, usize::from(spec.number)), (place, place + 1));
            assert_eq!(Param::of(spec.name), Some(spec.param));
            assert!(spec.sentence.starts_with(|first: char| !first.is_uppercase()), "{spec:?}");
            assert!(!spec.sentence.ends_with('.'), "{}", spec.name);
        }
        let all: ParamMask = CATALOGUE.iter().map(|spec| spec.param).collect();
        assert_eq!(all, ParamMask(u64::MAX));
    }

    #[test]
    fn every_default_is_a_value_of_its_own_kind() {
        for spec in CATALOGUE {
            assert!(Value::parse(spec.param, spec.default).is_ok(), "{}", spec.name);
            for (class, text) in spec.special() {
                let own = Value::parse(spec.param, text);
                assert_eq!(own.as_ref(), Ok(spec.default_for(&[class])), "{}", spec.name);
                assert_ne!(spec.default_for(&[class]), spec.default(), "{}", spec.name);
            }
        }
    }

    #[test]
    fn a_place_of_a_class_has_the_default_of_the_class() {
        let age = Param::ZoneSupervisedUnderAge.spec();
        assert_eq!(age.default_for(&[DefaultFor::Desk, DefaultFor::PoolZone]), &Value::Int(8));
        assert_eq!(age.default_for(&[DefaultFor::Desk]), &Value::Int(0));
    }

    #[test]
    fn a_set_of_words_fits_into_its_bits() {
        for spec in CATALOGUE {
            if let Kind::Set(words) | Kind::Rights(words) = spec.kind {
                assert!(words.len() <= 32, "{}", spec.name);
            }
        }
    }

    #[test]
    fn the_stricter_of_two_values_is_told_by_the_row() {
        for (param, lax, strict) in [
            (Param::CredentialAuthenticationMode, "card", "card_and_pin"),
            (Param::MembershipAllowedStates, "active, grace", "active"),
            (Param::TariffIncludedDuration, "PT0S", "PT90M"),
            (Param::TariffIncludedDuration, "PT2H", "PT90M"),
            (Param::TariffReentryWindow, "PT2H", "PT0S"),
            (Param::AntiPassbackResetAfter, "PT12H", "PT0S"),
            (Param::TariffOverstayRate, "0.20/PT1M", "1.50/PT5M"),
            (Param::TariffOverstayCap, "none", "12.00"),
            (Param::TariffOverstayCap, "12.00", "5.00"),
            (Param::DebtExitHoldMax, "PT30M", "PT10M"),
            (Param::WalletMinBalance, "-5.00", "0.00"),
            (Param::WalletDailySpendLimit, "0.00", "10.00"),
            (Param::ZoneMaxChildrenPerAdult, "2", "1"),
            (Param::GuardianPickupUnderAge, "0", "10"),
            (Param::LockerMaxDuration, "PT0S", "PT1H"),
            (Param::SaleMaxDiscountPercent, "30", "10"),
            (Param::OperatorAllowedActions, "sale, refund", "sale, refund, !refund"),
            (Param::OperatorTwoPersonActions, "none", "debt_write_off"),
            (Param::EmergencyReleaseCategory, "C", "A"),
            (Param::GateFailMode, "fail_safe", "fail_secure"),
            (Param::PrivacyDisplayDetail, "full", "pictogram"),
        ] {
            let read = |text| Value::parse(param, text).unwrap();
            let (lax, strict) = (read(lax), read(strict));
            assert_eq!(param.strictness(&strict, &lax), Ordering::Greater, "{param}");
            assert_eq!(param.strictness(&lax, &strict), Ordering::Less, "{param}");
            assert_eq!(param.strictness(&lax, &lax), Ordering::Equal, "{param}");
        }
    }
}
