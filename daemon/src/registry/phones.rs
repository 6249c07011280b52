//! Phones as people write them, in E.164.

use phonenumber::{Mode, country, metadata::DATABASE};

/// Digits that a number of any plan has at least.
const DIGITS_MIN: usize = 5;

/// The country of this code of two letters, such as `GE`.
pub(crate) fn country(code: &str) -> Option<country::Id> {
    code.parse().ok()
}

/// The country of this code, in letters or as phones have it: `GE` or `+995`.
pub(crate) fn country_of(code: &str) -> Option<country::Id> {
    let Ok(dialled) = code.trim_start_matches('+').parse::<u16>() else { return country(code) };
    DATABASE.region(&dialled)?.first().and_then(|region| country(region))
}

/// A phone in E.164; without a country code it is one of `home`.
///
/// # Errors
/// Why it is no phone of any numbering plan, and what to do.
pub(crate) fn complete(text: &str, home: Option<country::Id>) -> Result<String, String> {
    let text = text.trim();
    let digits = dialled(text)?;
    let international = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00"));
    let cannot_be = || format!("`{text}` is not a phone that can exist");
    if let Some(digits) = international {
        return fits(digits).ok_or_else(cannot_be);
    }
    let Some(home) = home else {
        return Err(format!(
            "`{text}` has no country code; write it as +995…, or name `country` in site.toml"
        ));
    };
    let found = within(&digits, home);
    found.ok_or_else(|| match habit(&digits, home) {
        Some(help) => format!("{}; {help}", cannot_be()),
        None => cannot_be(),
    })
}

/// Whether it is a phone in E.164 of some numbering plan.
pub(crate) fn is_complete(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    is_plain && fits(digits).as_deref() == Some(text)
}

/// The digits of a phone, with the plus in front where there is one.
fn dialled(text: &str) -> Result<String, String> {
    if is_rounded(text) {
        return Err(format!(
            "`{text}` was rounded by a spreadsheet; give the column the format text, and write the \
             phone again"
        ));
    }
    let text = without_part(text);
    let digits_of = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let parts = text.split([';', ',', '/', '|', '\n']);
    if parts.filter(|part| digits_of(part) >= DIGITS_MIN).count() > 1
        || text.matches('+').count() > 1
    {
        return Err(format!("`{text}` is more than one phone; keep one, put the others elsewhere"));
    }
    let is_between = |sign: char| {
        sign.is_whitespace() || "()-.\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}/'".contains(sign)
    };
    let seen = crate::unseen::name(text);
    let (plus, rest) = match seen.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", seen.as_str()),
    };
    if !rest.chars().all(|sign| sign.is_ascii_digit() || is_between(sign)) {
        return Err(format!("`{text}` is not a phone; it has other signs than digits"));
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    Ok(format!("{plus}{digits}"))
}

/// Whether it is written with a power of ten, such as `9.95555E+11`.
fn is_rounded(text: &str) -> bool {
    let Some((digits, power)) = text.split_once(['e', 'E']) else { return false };
    let power = power.strip_prefix('+').unwrap_or(power);
    let is_number = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit() || also.contains(sign))
    };
    is_number(digits, ".,") && is_number(power, "")
}

/// A phone that a program took for a number, such as `555100001.0`, without its part.
fn without_part(text: &str) -> &str {
    match text.split_once('.') {
        Some((phone, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => {
            let is_whole = phone.len() > DIGITS_MIN
                && phone.trim_start_matches('+').bytes().all(|digit| digit.is_ascii_digit());
            if is_whole { phone } else { text }
        }
        _ => text,
    }
}

/// The number within a country; the country's own code may stand in front without a plus.
fn within(digits: &str, home: country::Id) -> Option<String> {
    let code = DATABASE.by_id(home.as_ref())?.country_code().to_string();
    if digits.starts_with(&code)
        && let Some(known) = fits(digits)
    {
        return Some(known);
    }
    let number = phonenumber::parse(Some(home), digits).ok()?;
    planned(&number)
}

/// The number of these digits, the country's code first.
fn fits(digits: &str) -> Option<String> {
    planned(&phonenumber::parse(None, format!("+{digits}")).ok()?)
}

/// The number in E.164 where a plan of its country has room for it. Which ranges are given out
/// changes from year to year, so that is not asked.
fn planned(number: &phonenumber::PhoneNumber) -> Option<String> {
    let national = number.national().to_string();
    let length = u16::try_from(national.len()).ok()?;
    let plans = DATABASE.by_code(&number.code().value())?;
    let is_planned = plans.iter().map(|plan| plan.descriptors()).any(|plan| {
        let kinds = [
            plan.fixed_line(),
            plan.mobile(),
            plan.toll_free(),
            plan.shared_cost(),
            plan.personal_number(),
            plan.voip(),
            plan.uan(),
        ];
        let mut lengths = kinds.into_iter().flatten().flat_map(|kind| kind.possible_length());
        lengths.any(|known| *known == length) && plan.general().is_match(&national)
    });
    is_planned.then(|| number.format().mode(Mode::E164).to_string())
}

/// What to write in place of a number with the 8 that people dial in front within some countries.
fn habit(digits: &str, home: country::Id) -> Option<String> {
    let rest = digits.strip_prefix('8')?;
    if let Some(meant) = within(rest, home) {
        return Some(format!("the 8 in front is no part of it; write {meant}"));
    }
    let meant = fits(&format!("7{rest}"))?;
    Some(format!("in Russia and Kazakhstan people write 8 in place of +7; write {meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_number_gets_the_code_of_its_country() {
        let (ge, am, ru) = (country("GE"), country("AM"), country("RU"));
        for (text, home, expected) in [
            ("555 12 34 56", ge, Some("+995555123456")),
            ("+374 10 123456", ge, Some("+37410123456")),
            ("010 123456", am, Some("+37410123456")),
            ("032 2 12 34 56", ge, Some("+995322123456")),
            ("+995555123456", None, Some("+995555123456")),
            ("\u{202a}+995 555 123 456\u{202c}", None, Some("+995555123456")),
            ("555100001.0", ge, Some("+995555100001")),
            ("+995555100001.00", ge, Some("+995555100001")),
            ("0555100001", ge, Some("+995555100001")),
            ("995555100001", ge, Some("+995555100001")),
            ("00995555100001", ge, Some("+995555100001")),
            ("8 916 123-45-67", ru, Some("+79161234567")),
            ("(091) 12-34-56", am, Some("+37491123456")),
            ("555123456", None, None),
            ("12", ge, None),
            ("+999123456789", ge, None),
            ("+99555510000", ge, None),
            ("+9955551000010", ge, None),
            ("call me", ge, None),
            ("x", ge, None),
            ("=555123456", ge, None),
            ("555123456.5", ge, None),
        ] {
            assert_eq!(complete(text, home).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(country("XX"), None);
        assert_eq!((country_of("+995"), country_of("AM"), country_of("+000")), (ge, am, None));
        assert!(is_complete("+995555123456") && !is_complete("+99555512345"));
        assert!(!is_complete("995555123456") && !is_complete("+9950555123456"));
    }

    #[test]
    fn a_refusal_says_what_became_of_the_number_and_what_to_write() {
        for (text, home, expected) in [
            ("8 916 123-45-67", "GE", "people write 8 in place of +7; write +79161234567"),
            ("8 (727) 250-00-00", "AM", "write +77272500000"),
            ("8 555 10 00 01", "GE", "the 8 in front is no part of it; write +995555100001"),
            ("9.95555E+11", "GE", "was rounded by a spreadsheet"),
            ("9,95555E+11", "GE", "was rounded by a spreadsheet"),
            ("555-10-00-01; 599-10-00-02", "GE", "is more than one phone"),
            ("+995555100001 +995599100002", "GE", "is more than one phone"),
            ("555100001 Anna", "GE", "it has other signs than digits"),
        ] {
            let why = complete(text, country(home)).unwrap_err();
            assert!(why.contains(expected) && !why.contains("of it; in Russia"), "{text}: {why}");
        }
    }
}
