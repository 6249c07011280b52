//! Values: how files and people write them, and how several are put together.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::tz::TimeZone;

use super::{Kind, Param, Value};
use crate::{
    duration::Dur,
    limit::{Limit, Period, Rate},
    money::{Currency, CurrencyCode, Money},
    reasons::Reason,
    time::{Span, Timestamp},
    windows::Windows,
};

/// What stands for no member, no limit, no amount.
const NONE: &str = "none";
/// What stands between the parts of a schedule.
const ELSE: &str = " else ";
/// The oldest age of a category.
const AGE_MAX: i64 = 120;

impl Value {
    /// Reads a value of `param` as files write it.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(param: Param, text: &str) -> Result<Self, String> {
        Self::read(&param.spec().kind, text.trim())
    }

    fn read(kind: &Kind, text: &str) -> Result<Self, String> {
        match *kind {
            Kind::Choice(words) => match words.iter().position(|word| *word == text) {
                Some(place) => {
                    Ok(Self::Choice(u8::try_from(place).unwrap_or(u8::MAX), text.into()))
                }
                None => Err(format!("`{text}` is not one of {}", words.join(", "))),
            },
            Kind::Set(words) => bits(words, members(text)).map(Self::Set),
            Kind::Rights(words) => rights(words, text),
            Kind::Names(_) => {
                Ok(Self::Names(Arc::new(members(text).map(ToOwned::to_owned).collect())))
            }
            Kind::Codes => codes(text),
            Kind::Int(from, to) => match text.parse::<i64>() {
                Ok(number) if (from..=to).contains(&number) => Ok(Self::Int(number)),
                _ => Err(format!("`{text}` is not a whole number from {from} to {to}")),
            },
            Kind::Dur(limit) => match Dur::parse(text) {
                Some(dur) if dur.span() <= Span::seconds(limit) => Ok(Self::Dur(dur)),
                Some(_) => Err(format!("`{text}` is longer than {}", Dur::seconds(limit))),
                None => Err(format!("`{text}` is not a duration such as PT5M or P3D")),
            },
            Kind::Money(from, to) => amount(text, from, to).map(Self::Money),
            Kind::Cap(..) if text == NONE => Ok(Self::Uncapped),
            Kind::Cap(from, to) => amount(text, from, to)
                .map(Self::Money)
                .map_err(|message| format!("{message}, or `{NONE}`")),
            Kind::Rate(most) => rate(text, most),
            Kind::Limit if text == NONE => Ok(Self::Limits(Arc::default())),
            Kind::Limit => limit(Limit::parse(text))
                .ok_or_else(|| format!("`{text}` is not a limit such as 2/P1D, or `{NONE}`")),
            Kind::Lockout => limit(Limit::parse_lockout(text))
                .ok_or_else(|| format!("`{text}` is not a limit `5/PT5M, locked for PT5M`")),
            Kind::Windows => {
                Windows::parse(text).map(|windows| Self::Windows(Arc::new(vec![windows])))
            }
            Kind::Ages => ages(text),
            Kind::Retention => retention(text),
            Kind::Each(keys, kind) => each(keys, kind, text),
            Kind::Scheduled(kind) => scheduled(kind, text),
        }
    }

    /// What both allow.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => Self::Set(a & b),
            (Self::Names(a), Self::Names(b)) => {
                Self::Names(Arc::new(a.intersection(b).cloned().collect()))
            }
            (Self::Codes(a), Self::Codes(b)) => {
                Self::Codes(Arc::new(a.intersection(b).copied().collect()))
            }
            (Self::Windows(a), Self::Windows(b)) => {
                Self::Windows(Arc::new(a.iter().chain(b.iter()).cloned().collect()))
            }
            _ => self.clone(),
        }
    }

    /// What any of them names; of rights, a denial by any of them stays.
    #[must_use]
    pub fn unite(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Set(a), Self::Set(b)) => Self::Set(a | b),
            (
                Self::Rights { allowed: a, denied: not_a },
                Self::Rights { allowed: b, denied: not_b },
            ) => Self::Rights { allowed: a | b, denied: not_a | not_b },
            _ => self.clone(),
        }
    }

    /// The value that is as strict as both, where that is neither of them: limits must all hold,
    /// and each age and each part is judged by itself.
    #[must_use]
    pub fn both(&self, param: Param, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Limits(a), Self::Limits(b)) => {
                Some(Self::Limits(Arc::new(a.iter().chain(b.iter()).copied().collect())))
            }
            (Self::Windows(_), Self::Windows(_)) => Some(self.intersect(other)),
            (Self::Ages(a), Self::Ages(b)) => {
                let mut ages = BTreeMap::clone(a);
                for (category, age) in b.iter() {
                    let known = ages.entry(category.clone()).or_insert(*age);
                    *known = (*known).max(*age);
                }
                Some(Self::Ages(Arc::new(ages)))
            }
            (Self::Each(a), Self::Each(b)) => {
                let mut parts = BTreeMap::clone(a);
                for (key, value) in b.iter() {
                    let known = parts.entry(key.clone()).or_insert_with(|| value.clone());
                    if param.strictness(value, known) == Ordering::Greater {
                        *known = value.clone();
                    }
                }
                Some(Self::Each(Arc::new(parts)))
            }
            _ => None,
        }
    }

    /// Whether it has a value for each of some words.
    pub(crate) const fn has_parts(&self) -> bool {
        matches!(self, Self::Each(_))
    }

    /// With the default's parts where this has none.
    #[must_use]
    pub fn filled(self, default: &Self) -> Self {
        match (&self, default) {
            (Self::Each(own), Self::Each(all)) if own.len() < all.len() => {
                let mut parts = BTreeMap::clone(all);
                parts.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
                Self::Each(Arc::new(parts))
            }
            _ => self,
        }
    }

    /// The value at `at`, where it follows a schedule; else itself.
    #[must_use]
    pub fn at(&self, at: Timestamp, zone: &TimeZone) -> &Self {
        match self {
            Self::Scheduled(parts, otherwise) => parts
                .iter()
                .find(|(_, windows)| windows.is_open(at, zone))
                .map_or(&**otherwise, |(value, _)| value),
            _ => self,
        }
    }

    /// Compares by place in the list, members, number, length, amount; a rate by what a second
    /// costs.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Rate(a), Self::Rate(b)) => a.compare(b),
            _ => self.size().cmp(&other.size()),
        }
    }

    /// Whether its size is nothing.
    pub(super) fn is_zero(&self) -> bool {
        self.size() == 0
    }

    /// Its size where sizes are compared.
    fn size(&self) -> i64 {
        let count = |members: usize| i64::try_from(members).unwrap_or(i64::MAX);
        match self {
            Self::Choice(place, _) => i64::from(*place),
            Self::Set(bits) => i64::from(bits.count_ones()),
            Self::Rights { allowed, denied } => i64::from((allowed & !denied).count_ones()),
            Self::Names(names) => count(names.len()),
            Self::Codes(codes) => count(codes.len()),
            Self::Int(number) => *number,
            Self::Dur(dur) => dur.span().whole_seconds(),
            Self::Money(amount) => amount.minor(),
            Self::Uncapped => i64::MAX,
            Self::Retention(period) => period.days(),
            Self::Rate(_)
            | Self::Limits(_)
            | Self::Windows(_)
            | Self::Ages(_)
            | Self::Each(_)
            | Self::Scheduled(..) => 0,
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
    /// The amount that caps; none where nothing is capped.
    #[must_use]
    pub const fn cap(&self) -> Option<Money> {
        match self {
            Self::Money(amount) => Some(*amount),
            _ => None,
        }
    }
    /// The rate; none of any other kind.
    #[must_use]
    pub const fn rate(&self) -> Option<Rate> {
        match self {
            Self::Rate(rate) => Some(*rate),
            _ => None,
        }
    }
    /// The limits, which must all hold; none of any other kind.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        match self {
            Self::Limits(all) => all,
            _ => &[],
        }
    }
    /// How long something is kept; none of any other kind.
    #[must_use]
    pub const fn retention(&self) -> Option<Period> {
        match self {
            Self::Retention(period) => Some(*period),
            _ => None,
        }
    }
    /// The age that a category asks for; 0 where it asks for none.
    #[must_use]
    pub fn age_for(&self, category: &str) -> i64 {
        match self {
            Self::Ages(ages) => ages.get(category).copied().unwrap_or(0),
            _ => 0,
        }
    }
    /// The part of this word; none of any other kind.
    #[must_use]
    pub fn part(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Each(parts) => parts.get(key),
            _ => None,
        }
    }
    /// Whether it names `word`: a member of a set, a right that nothing denies, a name or a code.
    #[must_use]
    pub fn names(&self, param: Param, word: &str) -> bool {
        let bit = || match param.spec().kind {
            Kind::Set(words) | Kind::Rights(words) => {
                words.iter().position(|known| *known == word).map_or(0, |place| 1_u32 << place)
            }
            _ => 0,
        };
        match self {
            Self::Set(bits) => bits & bit() != 0,
            Self::Rights { allowed, denied } => allowed & !denied & bit() != 0,
            Self::Names(names) => names.contains(word),
            Self::Codes(codes) => Reason::of(word).is_some_and(|code| codes.contains(&code)),
            _ => false,
        }
    }

    /// The value as people and files write it; `param` names the words of a set.
    #[must_use]
    pub fn written(&self, param: Param) -> String {
        self.text(&param.spec().kind)
    }

    fn text(&self, kind: &Kind) -> String {
        match self {
            Self::Choice(_, word) => word.as_ref().to_owned(),
            Self::Set(bits) => listed(words_of(kind, *bits, "")),
            Self::Rights { allowed, denied } => {
                listed(words_of(kind, *allowed, "").chain(words_of(kind, *denied, "!")))
            }
            Self::Names(names) => listed(names.iter().cloned()),
            Self::Codes(codes) => listed(codes.iter().map(|code| code.code().to_owned())),
            Self::Int(number) => number.to_string(),
            Self::Dur(dur) => dur.to_string(),
            Self::Money(amount) => two_digits().exact(*amount).to_string(),
            Self::Uncapped => NONE.to_owned(),
            Self::Rate(rate) => format!("{}/{}", two_digits().exact(rate.amount), rate.per),
            Self::Limits(all) if all.is_empty() => NONE.to_owned(),
            Self::Limits(all) => joined(all.iter()),
            Self::Windows(all) => joined(all.iter()),
            Self::Ages(ages) => listed(ages.iter().map(|(name, age)| format!("{name}:{age}"))),
            Self::Retention(period) => period.to_string(),
            Self::Each(parts) => {
                let Kind::Each(keys, kind) = *kind else { return String::new() };
                let part = |key: &&str| Some(format!("{key} {}", parts.get(*key)?.text(kind)));
                listed(keys.iter().filter_map(part))
            }
            Self::Scheduled(parts, otherwise) => {
                let Kind::Scheduled(kind) = *kind else { return String::new() };
                let mut texts: Vec<_> = parts
                    .iter()
                    .map(|(value, windows)| format!("{} {windows}", value.text(kind)))
                    .collect();
                texts.push(otherwise.text(kind));
                texts.join(ELSE)
            }
        }
    }
}

/// The words of a list: commas between them, or `none`.
fn members(text: &str) -> impl Iterator<Item = &str> {
    let text = if text == NONE { "" } else { text };
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// The bits of the places that `chosen` have in `words`.
fn bits<'a>(words: &[&str], chosen: impl Iterator<Item = &'a str>) -> Result<u32, String> {
    let mut bits = 0;
    for word in chosen {
        let place = words.iter().position(|known| *known == word);
        let Some(place) = place else {
            return Err(format!("`{word}` is not one of {}", words.join(", ")));
        };
        bits |= 1_u32 << place;
    }
    Ok(bits)
}

fn rights(words: &[&str], text: &str) -> Result<Value, String> {
    let denied = bits(words, members(text).filter_map(|word| word.strip_prefix('!')))?;
    let allowed = bits(words, members(text).filter(|word| !word.starts_with('!')))?;
    Ok(Value::Rights { allowed, denied })
}

fn codes(text: &str) -> Result<Value, String> {
    let code =
        |word: &str| Reason::of(word).ok_or_else(|| format!("no reason has the code `{word}`"));
    let codes = members(text).map(code).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(Value::Codes(Arc::new(codes)))
}

fn ages(text: &str) -> Result<Value, String> {
    let one = |word: &str| {
        let (name, age) = word.split_once(':')?;
        let (name, age) = (name.trim(), age.trim().parse::<i64>().ok()?);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let good = !name.is_empty() && name.bytes().all(plain) && (0..=AGE_MAX).contains(&age);
        good.then(|| (name.to_owned(), age))
    };
    let age = |word: &str| {
        one(word).ok_or_else(|| {
            format!("`{word}` is not a category with an age up to {AGE_MAX}, such as alcohol:18")
        })
    };
    let ages = members(text).map(age).collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Value::Ages(Arc::new(ages)))
}

fn rate(text: &str, most: i64) -> Result<Value, String> {
    let bad = || format!("`{text}` is not a rate such as 0.20/PT1M");
    let (money, per) = text.split_once('/').ok_or_else(bad)?;
    let per = Dur::parse(per.trim()).filter(|per| per.span() > Span(0)).ok_or_else(bad)?;
    Ok(Value::Rate(Rate { amount: amount(money.trim(), 0, most)?, per }))
}

fn limit(limit: Option<Limit>) -> Option<Value> {
    Some(Value::Limits(Arc::new(vec![limit?])))
}

fn retention(text: &str) -> Result<Value, String> {
    match Period::parse(text) {
        None | Some(Period::Sliding(_)) => {
            Err(format!("`{text}` is not a time of the calendar such as P90D or P1Y"))
        }
        Some(period) => Ok(Value::Retention(period)),
    }
}

/// One value for all of `keys`, or parts such as `entry deny, sale cached`.
fn each(keys: &[&str], kind: &Kind, text: &str) -> Result<Value, String> {
    let shape = || format!("`{text}` does not give a value to each of {}", keys.join(", "));
    let mut parts = BTreeMap::new();
    if !text.contains(' ') {
        let value = Value::read(kind, text)?;
        parts.extend(keys.iter().map(|key| ((*key).to_owned(), value.clone())));
        return Ok(Value::Each(Arc::new(parts)));
    }
    for part in members(text) {
        let (key, value) = part.split_once(' ').ok_or_else(shape)?;
        if !keys.contains(&key) {
            return Err(format!("`{key}` is not one of {}", keys.join(", ")));
        }
        if parts.insert(key.to_owned(), Value::read(kind, value.trim())?).is_some() {
            return Err(format!("`{key}` stands there twice"));
        }
    }
    Ok(Value::Each(Arc::new(parts)))
}

/// One value, or `locked Mon-Sun 22:00-07:00 else controlled`.
fn scheduled(kind: &Kind, text: &str) -> Result<Value, String> {
    let mut texts: Vec<&str> = text.split(ELSE).map(str::trim).collect();
    let otherwise = Value::read(kind, texts.pop().unwrap_or_default())?;
    if texts.is_empty() {
        return Ok(otherwise);
    }
    let part = |text: &str| {
        let (value, windows) = text
            .split_once(' ')
            .ok_or_else(|| format!("`{text}` has no hours; write `{text} Mon-Sun 22:00-07:00`"))?;
        Ok::<_, String>((Value::read(kind, value)?, Windows::parse(windows)?))
    };
    let parts = texts.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Scheduled(Arc::new(parts), Arc::new(otherwise)))
}

/// Amounts in files have the minor digits; all currencies that Kari knows have two.
pub(super) fn two_digits() -> Currency {
    Currency { code: CurrencyCode::NONE, minor_digits: 2, shown_digits: 2 }
}

fn amount(text: &str, from: i64, to: i64) -> Result<Money, String> {
    let two = two_digits();
    match two.parse(text) {
        Some(amount) if (from..=to).contains(&amount.minor()) => Ok(amount),
        _ => {
            let (from, to) = (two.exact(Money(from)), two.exact(Money(to)));
            Err(format!("`{text}` is not an amount such as 5.00, from {from} to {to}"))
        }
    }
}

/// The words of `bits`, each with `mark` before it.
fn words_of(kind: &Kind, bits: u32, mark: &'static str) -> impl Iterator<Item = String> {
    let words = match *kind {
        Kind::Set(words) | Kind::Rights(words) => words,
        _ => &[],
    };
    let member = move |(place, word): (usize, &&str)| {
        (bits & (1_u32 << place) != 0).then(|| format!("{mark}{word}"))
    };
    words.iter().enumerate().filter_map(member)
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { NONE.to_owned() } else { words.join(", ") }
}

/// Values of several scopes, which must all hold.
fn joined<T: ToString>(all: impl Iterator<Item = T>) -> String {
    all.map(|one| one.to_string()).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::CATALOGUE;

    fn read(param: Param, text: &str) -> Value {
        Value::parse(param, text).unwrap()
    }

    #[test]
    fn a_value_is_written_as_it_is_read() {
        for spec in CATALOGUE {
            let text = spec.default().written(spec.param);
            assert_eq!(read(spec.param, &text), *spec.default(), "{}", spec.name);
        }
        for (param, text) in [
            (Param::CredentialFailedAttemptLimit, "3/PT10M, locked for PT1H"),
            (Param::TariffMaxVisits, "2/PT24H"),
            (Param::TariffMaxVisits, "none"),
            (Param::TariffOverstayRate, "1.50/PT10M"),
            (Param::TariffOverstayCap, "12.00"),
            (Param::SaleMinAgeCategories, "alcohol:18, knives:16"),
            (Param::OperatorAllowedActions, "sale, topup, !refund"),
            (Param::OperatorAllowedTerminals, "desk-1, till-1"),
            (Param::OperatorOverrideCodes, "VISITS_EXHAUSTED, ANTI_PASSBACK"),
            (Param::DeviceOfflinePolicy, "entry cached, sale deny"),
            (Param::AuditRetention, "movements P30D, audit P5Y"),
            (Param::MembershipAllowedStates, "none"),
            (Param::GateMode, "locked Sat,Sun 22:00-07:00 else controlled"),
        ] {
            assert_eq!(read(param, text).written(param), text);
        }
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
        assert!(refused(Param::DebtExitHoldMax, "PT31M").contains("longer than PT30M"));
        assert!(refused(Param::TariffOverstayCap, "much").contains("or `none`"));
        assert!(refused(Param::TariffOverstayRate, "0.20/PT0S").contains("0.20/PT1M"));
        assert!(refused(Param::CredentialFailedAttemptLimit, "5/PT5M").contains("locked for"));
        assert!(refused(Param::TariffMaxVisits, "2").contains("2/P1D"));
        assert!(refused(Param::SaleMinAgeCategories, "alcohol").contains("alcohol:18"));
        assert!(refused(Param::OperatorAllowedActions, "!dance").contains("`dance` is not one"));
        assert!(refused(Param::OperatorOverrideCodes, "NICE_DAY").contains("no reason"));
        assert!(refused(Param::DeviceOfflinePolicy, "exit deny").contains("entry, locker, sale"));
        assert!(refused(Param::DeviceOfflinePolicy, "sale deny, sale deny").contains("twice"));
        assert!(refused(Param::AuditRetention, "movements PT5M").contains("P90D"));
    }

    #[test]
    fn one_word_stands_for_all_parts_and_a_missing_part_is_the_default_s() {
        let param = Param::DeviceOfflinePolicy;
        assert_eq!(read(param, "deny").written(param), "entry deny, locker deny, sale deny");
        let own = read(param, "entry allow").filled(param.spec().default());
        assert_eq!(own.written(param), "entry allow, locker cached, sale deny");
        assert_eq!(own.part("locker").map(Value::word), Some("cached"));
    }

    #[test]
    fn a_schedule_has_one_value_at_each_instant() {
        let mode = read(
            Param::GateMode,
            "free Mon 10:00-12:00 else locked Mon 11:00-14:00 else controlled",
        );
        for (at, word) in [
            ("2026-09-14T10:00:00Z", "free"),
            ("2026-09-14T11:30:00Z", "free"),
            ("2026-09-14T12:00:00Z", "locked"),
            ("2026-09-14T14:00:00Z", "controlled"),
        ] {
            let at = Timestamp::from(at.parse::<jiff::Timestamp>().unwrap());
            assert_eq!(mode.at(at, &TimeZone::UTC).word(), word);
        }
        assert_eq!(read(Param::GateMode, "free").word(), "free");
        let no_hours = Value::parse(Param::GateMode, "locked else free").unwrap_err();
        assert!(no_hours.contains("has no hours"), "{no_hours}");
    }

    #[test]
    fn what_must_hold_together_is_put_together() {
        let visits = Param::TariffMaxVisits;
        let both = read(visits, "2/P1D").both(visits, &read(visits, "10/P1M")).unwrap();
        assert_eq!(both.written(visits), "2/P1D and 10/P1M");
        let offline = Param::DeviceOfflinePolicy;
        let (one, other) = (read(offline, "entry deny, sale allow"), read(offline, "cached"));
        let both = one.both(offline, &other).unwrap();
        assert_eq!(both.written(offline), "entry deny, locker cached, sale cached");
        let ages = Param::SaleMinAgeCategories;
        let both = read(ages, "alcohol:18, knives:16").both(ages, &read(ages, "alcohol:21"));
        assert_eq!(both.unwrap().age_for("alcohol"), 21);
    }

    #[test]
    fn a_right_that_one_role_denies_is_nobody_s() {
        let rights = Param::OperatorAllowedActions;
        let both = read(rights, "sale, refund").unite(&read(rights, "topup, !refund"));
        for (action, allowed) in [("sale", true), ("topup", true), ("refund", false)] {
            assert_eq!(both.names(rights, action), allowed, "{action}");
        }
    }
}
