//! The number of a card in the one form in which it is kept, however a reader, a table or a person
//! writes it.

use std::fmt;

use crate::ids::Uid;

/// The longest number of a card, in signs: no chip and no printed code has more.
pub const UID_MAX: usize = 64;
/// The shortest one that is given to somebody: anything shorter is a number of something else.
pub const CARRIED_MIN: usize = 4;

/// Why a text is not the number of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAUid {
    /// Nothing is left of it.
    Empty,
    /// It has more than [`UID_MAX`] signs.
    Long,
    /// It has fewer than [`CARRIED_MIN`] signs.
    Short,
    /// A spreadsheet or another program has read it as a number.
    Number,
    /// It has an odd number of hexadecimal digits after `0x`.
    Odd,
    /// Its parts are not whole bytes.
    Parts,
    /// It has a sign that is neither a Latin letter nor a digit.
    Sign(char),
}

impl fmt::Display for NotAUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty; hold the card to a reader"),
            Self::Long => write!(f, "it has more than {UID_MAX} signs"),
            Self::Short => write!(f, "a card's number has at least {CARRIED_MIN} signs"),
            Self::Number => f.write_str(
                "a program has made an amount of it, and digits may be lost; take the number from \
                 the card again, as text",
            ),
            Self::Odd => f.write_str(
                "it has an odd number of digits after `0x`; write the zeros in front as well",
            ),
            Self::Parts => f.write_str(
                "what stands between `:`, `-`, `.` or spaces must be pairs of hexadecimal digits",
            ),
            Self::Sign(sign) if sign.is_ascii_graphic() => {
                write!(f, "it has `{sign}` in it; a card's number has Latin letters and digits")
            }
            Self::Sign(sign) => write!(
                f,
                "it has the sign U+{:04X} in it; a card's number has Latin letters and digits",
                u32::from(*sign)
            ),
        }
    }
}
impl std::error::Error for NotAUid {}

impl Uid {
    /// Reads the number of a card: capitals, without `0x` and without what sets pairs of
    /// hexadecimal digits apart.
    ///
    /// # Errors
    /// Why it is not one, and what to do.
    pub fn read(text: &str) -> Result<Self, NotAUid> {
        let text = text.trim();
        if is_amount(text) {
            return Err(NotAUid::Number);
        }
        let parts: Vec<&str> = text.split(is_apart).collect();
        let mut number = String::with_capacity(text.len());
        for part in &parts {
            let digits = without_0x(part);
            if !digits.len().is_multiple_of(2) && digits.len() < part.len() {
                return Err(NotAUid::Odd);
            }
            number.push_str(digits);
        }
        if number.is_empty() {
            return Err(NotAUid::Empty);
        }
        if let Some(sign) = number.chars().find(|sign| !sign.is_ascii_alphanumeric()) {
            return Err(NotAUid::Sign(sign));
        }
        // Parts of other lengths would make one number of two cards: 12-345 and 123-45.
        let ends = [parts.first(), parts.last()].into_iter().flatten().any(|part| part.is_empty());
        let mut inner = parts.iter().filter(|part| !part.is_empty());
        // Between two of them a number may be lost, where one alone sets pairs apart.
        let signs: Vec<char> = text.chars().filter(|sign| !sign.is_whitespace()).collect();
        let doubled = signs.windows(2).any(|two| two.iter().all(|sign| is_apart(*sign)));
        if ends || doubled || (parts.len() > 1 && !inner.all(|part| is_bytes(without_0x(part)))) {
            return Err(NotAUid::Parts);
        }
        if number.len() > UID_MAX {
            return Err(NotAUid::Long);
        }
        number.make_ascii_uppercase();
        Ok(Self::from(number))
    }

    /// Reads the number of a card that somebody is to carry.
    ///
    /// # Errors
    /// Why it is not one, and what to do.
    pub fn carried(text: &str) -> Result<Self, NotAUid> {
        let uid = Self::read(text)?;
        if uid.as_str().len() < CARRIED_MIN { Err(NotAUid::Short) } else { Ok(uid) }
    }
}

fn is_apart(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, ':' | '-' | '.')
}

/// Whether it is whole bytes in hexadecimal digits.
fn is_bytes(part: &str) -> bool {
    part.len().is_multiple_of(2) && part.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The digits behind the mark of a hexadecimal number.
fn without_0x(part: &str) -> &str {
    let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let is_hex =
        |digits: &&str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.filter(is_hex).unwrap_or(part)
}

/// Whether it is an amount, such as `12345.0`, `4,16E+13` or `5.0e12`. `5E12` is four hexadecimal
/// digits.
fn is_amount(text: &str) -> bool {
    let (digits, power) = match text.split_once(['e', 'E']) {
        Some((digits, power)) => (digits, Some(power)),
        None => (text, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (whole, part) = match digits.split_once(['.', ',']) {
        Some((whole, part)) => (whole, Some(part)),
        None => (digits, None),
    };
    let is_number = is_digits(whole) && part.is_none_or(is_digits);
    let signed = power.and_then(|power| power.strip_prefix(['+', '-']));
    let is_power = power.is_none_or(|power| is_digits(signed.unwrap_or(power)));
    is_number && is_power && (part.is_some() || signed.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_one_number_however_it_is_written() {
        for text in [
            "04a2b3c4",
            "04A2B3C4",
            "04:A2:B3:C4",
            "04-a2-b3-c4",
            "04 A2 B3 C4",
            "04.a2.b3.c4",
            "0x04A2B3C4",
            "0X04a2b3c4",
            "0x04 0xA2 0xB3 0xC4",
            "04A2-B3C4",
            " 04A2B3C4\r\n",
            "04\u{a0}A2\u{a0}B3\u{a0}C4",
            "04:a2-b3 c4",
            "04: A2: B3: C4",
        ] {
            assert_eq!(Uid::read(text), Ok(Uid::from("04A2B3C4")), "{text:?}");
        }
        for (text, expected) in [
            ("5E12", "5E12"),
            ("1234567890", "1234567890"),
            ("k-cafe", "K-CAFE"),
            ("ticket7", "TICKET7"),
            ("0xyz", "0XYZ"),
            ("4A2B3C4", "4A2B3C4"),
            ("0", "0"),
        ] {
            let read = Uid::read(text);
            match expected.contains('-') {
                true => assert_eq!(read, Err(NotAUid::Parts), "{text}"),
                false => assert_eq!(read, Ok(Uid::from(expected)), "{text}"),
            }
        }
    }

    #[test]
    fn what_may_be_another_number_is_refused_in_words() {
        for (text, expected) in [
            ("", NotAUid::Empty),
            (" \t", NotAUid::Empty),
            ("12345.0", NotAUid::Number),
            ("12.34", NotAUid::Number),
            ("12,34", NotAUid::Number),
            ("5.00E+12", NotAUid::Number),
            ("4,16E+13", NotAUid::Number),
            ("5E+12", NotAUid::Number),
            ("1.5e7", NotAUid::Number),
            ("0x4A2B3C4", NotAUid::Odd),
            ("0x4 0xA2", NotAUid::Odd),
            ("12-345", NotAUid::Parts),
            ("123:45", NotAUid::Parts),
            ("-5", NotAUid::Parts),
            ("04:A2:", NotAUid::Parts),
            ("04::A2", NotAUid::Parts),
            ("04:-A2", NotAUid::Parts),
            ("04: :A2", NotAUid::Parts),
            ("#N/A", NotAUid::Sign('#')),
            ("=1+1", NotAUid::Sign('=')),
            ("Ф11", NotAUid::Sign('Ф')),
            ("04А2", NotAUid::Sign('А')),
            ("04A2\u{200b}B3", NotAUid::Sign('\u{200b}')),
            ("\u{202a}04A2B3C4", NotAUid::Sign('\u{202a}')),
            ("٠٤١٢", NotAUid::Sign('٠')),
        ] {
            assert_eq!(Uid::read(text), Err(expected), "{text:?}");
        }
        assert_eq!(Uid::read(&"A".repeat(UID_MAX)).map(drop), Ok(()));
        assert_eq!(Uid::read(&"A".repeat(UID_MAX + 1)), Err(NotAUid::Long));
        assert_eq!(Uid::carried("0A0"), Err(NotAUid::Short));
        assert_eq!(Uid::carried("0a-01"), Ok(Uid::from("0A01")));
        let hidden = NotAUid::Sign('\u{200b}').to_string();
        assert!(hidden.contains("U+200B"), "{hidden}");
    }

    #[test]
    fn a_sign_that_no_number_has_is_named_so_that_it_can_be_found() {
        for (text, named) in
            [("04A2!3B4", "`!`"), ("04A2\u{200B}3B4", "U+200B"), ("04Ё2", "U+0401")]
        {
            let why = Uid::read(text).unwrap_err().to_string();
            assert!(why.contains(named), "{why}");
        }
    }
}
