//! The catalogue of parameters: each declared once, and everything else made from here.
//!
//! A parameter's number is stable; its bit is the number less one, so that a decision can say in
//! one `u64` which parameters it consulted. To add one: a row in [`CATALOGUE`]'s macro, a check in
//! `rules/shipped` that reads it (or the place in the floor that does), and a case that shows what
//! it changes.

use std::{
    cmp::Ordering,
    fmt,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{duration::Dur, money::Money, scope::ScopeKind, time::Span, windows::Windows};

/// What values a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of these words, from lax to strict.
    Choice(&'static [&'static str]),
    /// Any of these words.
    Set(&'static [&'static str]),
    /// A whole number from..=to.
    Int(i64, i64),
    /// An ISO 8601 duration, at most this many seconds.
    Dur(i64),
    /// An amount in minor units, from..=to.
    Money(i64, i64),
    /// Windows of local time.
    Windows,
}

/// How several values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The most specific scope wins.
    MostSpecific,
    /// The most specific scope wins, but never laxer than the site's value.
    MostSpecificAboveSite,
    /// The strictest value wins.
    Strictest,
    /// What all of them allow.
    Intersection,
    /// Set at the site only.
    Site,
}

/// Which of two values is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stricter {
    /// The one later in the list.
    Later,
    /// The one with fewer members.
    Fewer,
    /// The smaller or shorter one.
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

/// One row of the catalogue.
#[derive(Debug)]
pub struct ParamSpec {
    /// Which.
    pub param: Param,
    /// The stable number, from 1.
    pub number: u8,
    /// Its name, such as `anti_passback.mode`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The unit of its value, or nothing.
    pub unit: &'static str,
    default: &'static str,
    /// Where it may be set.
    pub scopes: &'static [ScopeKind],
    /// How several values are combined.
    pub merge: Merge,
    /// Which value is the stricter.
    pub stricter: Stricter,
    /// What it does, in one sentence.
    pub sentence: &'static str,
}

macro_rules! params {
    ($($variant:ident = $number:literal $name:literal, $kind:expr, $unit:literal,
        default $default:literal,
        at [$($scope:ident)*], $merge:ident, $stricter:ident, $sentence:literal;)*) => {
        /// A parameter of the closed, checked vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Param {
            $(#[doc = $sentence] $variant,)*
        }

        /// Every parameter, by number.
        pub const CATALOGUE: &[ParamSpec] = &[
            $(ParamSpec {
                param: Param::$variant, number: $number, name: $name, kind: $kind, unit: $unit,
                default: $default, scopes: &[$(ScopeKind::$scope),*], merge: Merge::$merge,
                stricter: Stricter::$stricter,
                sentence: $sentence,
            },)*
        ];
    };
}

/// The states of a membership.
pub const MEMBERSHIP_STATES: &[&str] =
    &["active", "grace", "past_due", "frozen", "suspended", "cancelled", "expired", "depleted"];

const WEEK: i64 = 7 * 86_400;

params! {
    CredentialUnknownAction = 1 "credential.unknown_action",
        Kind::Choice(&["deny", "deny_and_alarm"]), "",
        default "deny", at [Site Zone Device], Strictest, Later,
        "what an unknown card or band causes beside the refusal";
    CredentialLostStolenAction = 2 "credential.lost_stolen_action",
        Kind::Choice(&["deny", "deny_and_alarm", "deny_and_capture"]), "",
        default "deny_and_alarm", at [Site Zone Device], Strictest, Later,
        "what a lost or stolen card or band causes beside the refusal";
    MembershipAllowedStates = 7 "membership.allowed_states", Kind::Set(MEMBERSHIP_STATES), "",
        default "active, grace", at [Site Zone Group], Intersection, Fewer,
        "the states of a membership that may enter";
    MembershipExpiryGrace = 8 "membership.expiry_grace", Kind::Dur(366 * 86_400), "days",
        default "P0D", at [Site Tariff Group Member], MostSpecific, Smaller,
        "whole local days after its last day on which a membership still opens, with a warning";
    MembershipVisitsWarning = 9 "membership.visits_warning", Kind::Int(0, 1000), "visits left",
        default "2", at [Site Tariff Group], MostSpecific, Larger,
        "warns when no more visits than this are left after the visit";
    TimeAccessWindows = 10 "time.access_windows", Kind::Windows, "local time",
        default "always", at [Site Zone Device Tariff Group Member], Intersection, All,
        "when an entry is allowed; the site's own value is required";
    AntiPassbackMode = 19 "anti_passback.mode", Kind::Choice(&["off", "soft", "timed", "hard"]), "",
        default "soft", at [Site Zone Device Group], MostSpecific, Later,
        "what a second entry without an exit causes; an exit is never refused";
    AntiPassbackResetAfter = 20 "anti_passback.reset_after", Kind::Dur(WEEK), "",
        default "PT12H", at [Site Zone Device Tariff], MostSpecific, LargerZeroStrictest,
        "after this a presence is forgotten, or a timed re-entry lock ends; PT0S is never";
    AntiPassbackConfirmBy = 21 "anti_passback.confirm_by", Kind::Choice(&["grant", "passage"]), "",
        default "passage", at [Site Zone Device], MostSpecific, Later,
        "whether the grant or the passage takes the visit, books the charge and flips the presence";
    PresenceDuplicateReadWindow = 22 "presence.duplicate_read_window", Kind::Dur(60), "",
        default "PT3S", at [Site Device], MostSpecific, Larger,
        "a second read at the same reader within this time is ignored";
    DebtEntryBlockAmount = 23 "debt.entry_block_amount", Kind::Money(0, 10_000_000_000), "",
        default "0.00", at [Site Zone Tariff Group Member], MostSpecific, Smaller,
        "a debt above this refuses an entry once it is older than `debt.entry_block_age`";
    DebtEntryBlockAge = 24 "debt.entry_block_age", Kind::Dur(3660 * 86_400), "days",
        default "P0D", at [Site Zone Tariff Group Member], MostSpecific, Smaller,
        "a debt older than this refuses an entry if above `debt.entry_block_amount`; a day is 24 h";
    WalletMinBalance = 28 "wallet.min_balance", Kind::Money(-10_000_000_000, 0), "",
        default "0.00", at [Site Group Member], MostSpecificAboveSite, Larger,
        "the lowest balance that a wallet may reach by spending";
    ZoneMaxOccupancy = 32 "zone.max_occupancy", Kind::Int(0, 1_000_000), "persons",
        default "0", at [Site Zone], Strictest, SmallerZeroLaxest,
        "how many people may be in the zone, granted passages included; 0 is no limit";
    ZoneOccupancyMode = 33 "zone.occupancy_mode", Kind::Choice(&["count_only", "soft", "hard"]), "",
        default "hard", at [Zone], MostSpecific, Later,
        "whether a full zone is only counted, warned of, or refused";
    GateMode = 56 "gate.mode",
        Kind::Choice(&["free", "controlled", "locked", "out_of_service"]), "",
        default "controlled", at [Zone Device], MostSpecific, Later,
        "the mode; `locked` binds an exit only beside a declared alternative, out of service never";
    GatePassageTimeout = 59 "gate.passage_timeout", Kind::Dur(60), "",
        default "PT5S", at [Device Group], Strictest, Larger,
        "how long a grant waits for its passage before everything provisional is rolled back";
    DeviceEventMaxAge = 60 "device.event_max_age", Kind::Dur(3600), "",
        default "PT10S", at [Site Device], Strictest, Smaller,
        "a request older than this on arrival is ignored; facts are booked at any age";
}

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
    #[must_use]
    pub fn strictness(self, left: &Value, right: &Value) -> Ordering {
        let (a, b) = (left.size(), right.size());
        match self.spec().stricter {
            Stricter::Later | Stricter::Larger => a.cmp(&b),
            Stricter::Fewer | Stricter::Smaller => b.cmp(&a),
            Stricter::SmallerZeroLaxest => match (a, b) {
                (0, 0) => Ordering::Equal,
                (0, _) => Ordering::Less,
                (_, 0) => Ordering::Greater,
                _ => b.cmp(&a),
            },
            Stricter::LargerZeroStrictest => match (a, b) {
                (0, 0) => Ordering::Equal,
                (0, _) => Ordering::Greater,
                (_, 0) => Ordering::Less,
                _ => a.cmp(&b),
            },
            Stricter::All => Ordering::Equal,
        }
    }
}

impl ParamSpec {
    /// The safe default, used where no scope sets a value.
    #[must_use]
    pub fn default(&self) -> &'static Value {
        static DEFAULTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
            let parse = |spec: &ParamSpec| Value::parse(spec.param, spec.default);
            // A default that does not parse is caught by the test below; it never reaches a site.
            CATALOGUE.iter().map(|spec| parse(spec).unwrap_or(Value::Int(0))).collect()
        });
        &DEFAULTS[self.param as usize]
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
    Choice(u8, String),
    /// Members by their place in the list, one bit each.
    Set(u32),
    /// A whole number.
    Int(i64),
    /// A duration.
    Dur(Dur),
    /// An amount.
    Money(Money),
    /// Windows; several where several scopes apply at once.
    Windows(Arc<Vec<Windows>>),
}

impl Value {
    /// Reads a value of `param` as files write it.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(param: Param, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match param.spec().kind {
            Kind::Choice(words) => match words.iter().position(|word| *word == text) {
                Some(place) => {
                    Ok(Self::Choice(u8::try_from(place).unwrap_or(u8::MAX), text.to_owned()))
                }
                None => Err(format!("`{text}` is not one of {}", words.join(", "))),
            },
            Kind::Set(words) => {
                text.split(',').map(str::trim).filter(|word| !word.is_empty()).try_fold(
                    Self::Set(0),
                    |set, word| match (set, words.iter().position(|known| *known == word)) {
                        (Self::Set(bits), Some(place)) => Ok(Self::Set(bits | 1 << place)),
                        _ => Err(format!("`{word}` is not one of {}", words.join(", "))),
                    },
                )
            }
            Kind::Int(from, to) => match text.parse::<i64>() {
                Ok(number) if (from..=to).contains(&number) => Ok(Self::Int(number)),
                _ => Err(format!("`{text}` is not a whole number from {from} to {to}")),
            },
            Kind::Dur(limit) => match Dur::parse(text) {
                Some(dur) if dur.span() <= Span::seconds(limit) => Ok(Self::Dur(dur)),
                Some(_) => Err(format!("`{text}` is longer than {}", Dur::seconds(limit))),
                None => Err(format!("`{text}` is not a duration such as PT5M or P3D")),
            },
            Kind::Money(from, to) => Self::money(text, from, to),
            Kind::Windows => {
                Windows::parse(text).map(|windows| Self::Windows(Arc::new(vec![windows])))
            }
        }
    }

    /// Amounts in files have the minor digits; all currencies that Kari knows have two.
    fn money(text: &str, from: i64, to: i64) -> Result<Self, String> {
        let two = crate::money::Currency { code: String::new(), minor_digits: 2, shown_digits: 2 };
        match two.parse(text) {
            Some(amount) if (from..=to).contains(&amount.minor()) => Ok(Self::Money(amount)),
            _ => {
                let (from, to) = (two.exact(Money(from)), two.exact(Money(to)));
                Err(format!("`{text}` is not an amount such as 5.00, from {from} to {to}"))
            }
        }
    }

    /// What both allow.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => Self::Set(a & b),
            (Self::Windows(a), Self::Windows(b)) => {
                Self::Windows(Arc::new(a.iter().chain(b.iter()).cloned().collect()))
            }
            _ => self.clone(),
        }
    }

    /// Its size where sizes are compared: place in the list, members, number, seconds, minor units.
    fn size(&self) -> i64 {
        match self {
            Self::Choice(place, _) => i64::from(*place),
            Self::Set(bits) => i64::from(bits.count_ones()),
            Self::Int(number) => *number,
            Self::Dur(dur) => dur.span().whole_seconds(),
            Self::Money(amount) => amount.minor(),
            Self::Windows(_) => 0,
        }
    }

    /// The word of a choice; nothing of any other kind.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Choice(_, word) => word,
            _ => "",
        }
    }
    /// The span of a duration; nothing of any other kind.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Dur(dur) => dur.span(),
            _ => Span(0),
        }
    }
    /// The whole number; 0 of any other kind.
    #[must_use]
    pub const fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            _ => 0,
        }
    }
    /// The amount; nothing of any other kind.
    #[must_use]
    pub const fn amount(&self) -> Money {
        match self {
            Self::Money(amount) => *amount,
            _ => Money::ZERO,
        }
    }
    /// The value as people and files write it; `param` names the words of a set.
    #[must_use]
    pub fn written(&self, param: Param) -> String {
        match self {
            Self::Choice(_, word) => word.clone(),
            Self::Set(bits) => match param.spec().kind {
                Kind::Set(words) => {
                    let member = |(place, word): (usize, &&str)| {
                        (bits & (1 << place) != 0).then(|| (*word).to_owned())
                    };
                    words.iter().enumerate().filter_map(member).collect::<Vec<_>>().join(", ")
                }
                _ => bits.to_string(),
            },
            Self::Int(number) => number.to_string(),
            Self::Dur(dur) => dur.to_string(),
            Self::Money(amount) => {
                let two = crate::money::Currency {
                    code: String::new(),
                    minor_digits: 2,
                    shown_digits: 2,
                };
                two.exact(*amount).to_string()
            }
            Self::Windows(all) => {
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_own_kind() {
        for spec in CATALOGUE {
            assert!(Value::parse(spec.param, spec.default).is_ok(), "{}", spec.name);
            assert_eq!(Param::of(spec.name), Some(spec.param));
        }
        assert!(CATALOGUE.is_sorted_by_key(|spec| spec.number));
    }

    #[test]
    fn a_bad_value_says_what_is_allowed() {
        let refused = |param, text| Value::parse(param, text).unwrap_err();
        assert_eq!(
            refused(Param::AntiPassbackMode, "harsh"),
            "`harsh` is not one of off, soft, timed, hard"
        );
        assert!(refused(Param::WalletMinBalance, "5.00").contains("from -100000000.00 to 0.00"));
        assert!(refused(Param::GatePassageTimeout, "PT2M").contains("longer than PT1M"));
    }
}
