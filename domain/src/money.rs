//! Money: whole minor units, never a float.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Neg, Sub},
};

use serde::{Deserialize, Serialize};

/// An amount in minor units (tetri, luma, cent) of the site's currency.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
    /// Whether nothing is owed or paid.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
    /// The share that `part` of `whole` equal things have in it, half up.
    #[must_use]
    pub fn share(self, part: u32, whole: u32) -> Self {
        half_up(i128::from(self.0) * i128::from(part), i128::from(whole.max(1)))
    }
    /// The share that a part of a sum has in it, half up.
    #[must_use]
    pub fn of(self, part: Self, sum: Self) -> Self {
        match sum.0 {
            0 => Self::ZERO,
            sum => half_up(i128::from(self.0) * i128::from(part.0), i128::from(sum)),
        }
    }
    /// What `count` of `whole` equal things are of it after `before` of them: the share of all that
    /// are gone then, less that of those before. So whatever the parts, together they are the whole
    /// (section 15 of the decisions: parts and wholes).
    #[must_use]
    pub fn part(self, before: u32, count: u32, whole: u32) -> Self {
        self.share(before.saturating_add(count), whole) - self.share(before, whole)
    }
    /// The sum, or `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// Sums beyond 64 bits are a bug of ours: the amounts of a row are bounded where they come in.
impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The three letters of a currency (ISO 4217).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// No currency in particular (ISO 4217: an `X` three times).
    pub const NONE: Self = Self([b'X'; 3]);

    /// The code of these letters, or `None` for anything but three capitals.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }
    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl From<CurrencyCode> for String {
    fn from(code: CurrencyCode) -> Self {
        code.to_string()
    }
}
impl TryFrom<String> for CurrencyCode {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::of(&text).ok_or_else(|| format!("`{text}` is no currency of ISO 4217, such as GEL"))
    }
}

/// A rate of value added tax, in hundredths of a percent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Vat(pub u16);

/// What a whole is in hundredths of a percent.
const WHOLE: i128 = 10_000;

impl Vat {
    /// Reads `18` or `5.5`: percent, from 0 to 100.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let percent = Currency { code: CurrencyCode::NONE, minor_digits: 2, shown_digits: 2 };
        let hundredths = u16::try_from(percent.parse(text)?.minor()).ok()?;
        (i128::from(hundredths) <= WHOLE).then_some(Self(hundredths))
    }

    /// What is net and what is tax of an amount that includes the tax, half up.
    #[must_use]
    pub fn within(self, gross: Money) -> (Money, Money) {
        let rate = i128::from(self.0);
        let tax = half_up(i128::from(gross.0) * rate, WHOLE + rate);
        (gross - tax, tax)
    }

    /// The tax on an amount without it, half up.
    #[must_use]
    pub fn on(self, net: Money) -> Money {
        half_up(i128::from(net.0) * i128::from(self.0), WHOLE)
    }
}

/// The quotient, half up to a whole one; of what is below zero half away from it, so that what is
/// given back is what was taken.
fn half_up(dividend: i128, divisor: i128) -> Money {
    let half = (dividend.abs() * 2 + divisor) / (divisor * 2);
    let minor = i64::try_from(half * dividend.signum());
    Money(minor.unwrap_or(if dividend < 0 { i64::MIN } else { i64::MAX }))
}

impl fmt::Display for Vat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match (part, part % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", part / 10),
            _ => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// Currencies of ISO 4217 by the digits of their minor unit; funds, metals and tests are none that
/// a site is paid in.
const WITHOUT_MINOR: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const OF_TWO_DIGITS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD \
    BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";
const OF_THREE_DIGITS: &str = "BHD IQD JOD KWD LYD OMR TND";
const OF_FOUR_DIGITS: &str = "CLF UYW";

/// A currency as ISO 4217 names it, and how many of its digits people are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// The code, such as `GEL`.
    pub code: CurrencyCode,
    /// Digits of the minor unit (ISO 4217): 2 for GEL and AMD.
    pub minor_digits: u8,
    /// Digits shown to people: 2 for GEL, 0 for AMD. Showing never changes the amount.
    pub shown_digits: u8,
}

impl Currency {
    /// The currency of `code` with its digits (ISO 4217), or `None` for what is none.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let known = |codes: &str| codes.split_whitespace().any(|known| known == code);
        let minor_digits = match code {
            _ if known(WITHOUT_MINOR) => 0,
            _ if known(OF_TWO_DIGITS) => 2,
            _ if known(OF_THREE_DIGITS) => 3,
            _ if known(OF_FOUR_DIGITS) => 4,
            _ => return None,
        };
        // Coins below one dram are long gone; ledgers keep them.
        let shown_digits = if code == "AMD" { 0 } else { minor_digits };
        Some(Self { code: CurrencyCode::of(code)?, minor_digits, shown_digits })
    }

    /// Reads `12.50`: digits, a dot, at most the minor digits.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Money> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let places = usize::from(self.minor_digits);
        let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !numeric(whole) || !numeric(part) || part.len() > places {
            return None;
        }
        if part.is_empty() && digits.contains('.') {
            return None;
        }
        let minor: i64 = format!("{whole}{part:0<places$}").parse().ok()?;
        Some(Money(if negative { -minor } else { minor }))
    }

    /// The amount with the minor digits and a dot, as files and the API write it.
    #[must_use]
    pub fn exact(&self, amount: Money) -> Amount {
        Amount { minor: i128::from(amount.0), digits: self.minor_digits }
    }

    /// The amount with the shown digits, rounded half up, for people.
    #[must_use]
    pub fn shown(&self, amount: Money) -> Amount {
        let cut = 10_i128.pow(u32::from(self.minor_digits.saturating_sub(self.shown_digits)));
        let minor = (i128::from(amount.0) * 2 + cut).div_euclid(cut * 2);
        Amount { minor, digits: self.shown_digits }
    }
}

/// An amount ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    minor: i128,
    digits: u8,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u128.pow(u32::from(self.digits));
        let sign = if self.minor < 0 { "-" } else { "" };
        let size = self.minor.unsigned_abs();
        let (whole, part) = (size / unit, size % unit);
        match self.digits {
            0 => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{part:0width$}", width = usize::from(digits)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_to_the_minor_unit() {
        let gel = Currency::of("GEL").unwrap();
        for (text, minor) in [("12.50", 1250), ("0.05", 5), ("-4.2", -420), ("7", 700)] {
            assert_eq!(gel.parse(text), Some(Money(minor)), "{text}");
        }
        for bad in ["", "-", ".5", "1.", "1.234", "1,50", "1e3", "+1", "9999999999999999999"] {
            assert_eq!(gel.parse(bad), None, "{bad}");
        }
        assert_eq!(gel.exact(Money(-5)).to_string(), "-0.05");
    }

    #[test]
    fn tax_is_found_within_prices_and_put_on_them() {
        let (full, low) = (Vat::parse("18").unwrap(), Vat::parse("5.5").unwrap());
        for (gross, rate, tax) in [(1180, full, 180), (100, full, 15), (-1180, full, -180)] {
            assert_eq!(rate.within(Money(gross)), (Money(gross - tax), Money(tax)), "{gross}");
        }
        assert_eq!((full.on(Money(1000)), low.on(Money(1000))), (Money(180), Money(55)));
        assert_eq!((full.to_string(), low.to_string()), ("18".to_owned(), "5.5".to_owned()));
        assert_eq!([Vat::parse("101"), Vat::parse("-1"), Vat::parse("x")], [None; 3]);
    }

    #[test]
    fn parts_are_the_rounded_share_of_all_so_far_and_together_the_whole() {
        let parts = |amount: i64, whole: u32| -> Vec<i64> {
            (0..whole).map(|before| Money(amount).part(before, 1, whole).minor()).collect()
        };
        assert_eq!(parts(160, 7), [23, 23, 23, 22, 23, 23, 23]);
        assert_eq!(parts(2593, 3), [864, 865, 864]);
        assert_eq!(parts(-160, 7), [-23, -23, -23, -22, -23, -23, -23]);
        assert_eq!((parts(1, 3), parts(0, 2)), (vec![0, 1, 0], vec![0, 0]));
        assert_eq!(Money(1525).of(Money(5650), Money(8475)), Money(1017));
        assert_eq!(Money(1525).of(Money(5650), Money(0)), Money(0));
    }

    #[test]
    fn every_currency_of_the_standard_is_known_with_its_digits_and_once() {
        let all = [WITHOUT_MINOR, OF_TWO_DIGITS, OF_THREE_DIGITS, OF_FOUR_DIGITS].join(" ");
        let codes: Vec<_> = all.split_whitespace().collect();
        let set: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(set.len(), codes.len());
        assert!(codes.iter().all(|code| Currency::of(code).is_some()));
        for (code, text, minor) in [
            ("JPY", "500", 500),
            ("KWD", "1.250", 1250),
            ("EUR", "1.25", 125),
            ("CLF", "1.5", 15_000),
        ] {
            let currency = Currency::of(code).unwrap();
            assert_eq!(currency.parse(text), Some(Money(minor)), "{code}");
        }
        assert_eq!(Currency::of("JPY").unwrap().parse("500.5"), None);
        assert_eq!(Currency::of("JPY").unwrap().exact(Money(500)).to_string(), "500");
        for none in ["XAU", "XDR", "XTS", "gel", "", "USN", "EURO"] {
            assert_eq!(Currency::of(none), None, "{none}");
        }
    }

    #[test]
    fn drams_are_shown_without_luma_and_kept_with_them() {
        let amd = Currency::of("AMD").unwrap();
        assert_eq!(amd.shown(Money(109_650)).to_string(), "1097");
        assert_eq!(amd.exact(Money(109_650)).to_string(), "1096.50");
    }
}
