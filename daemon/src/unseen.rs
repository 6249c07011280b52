//! Signs that nobody sees: they are taken out of names, and refused where two texts that look alike
//! would be two things.

use unicode_normalization::UnicodeNormalization;

/// Format signs, joiners and fillers that take no room of their own, beside control signs. They are
/// those of Unicode's category Cf and of its default ignorable code points.
const UNSEEN: &[(u32, u32)] = &[
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

/// Whether it is a sign that nobody sees; white space is seen.
fn is_unseen(sign: char) -> bool {
    let code = u32::from(sign);
    let listed = || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&code));
    (sign.is_control() && !sign.is_whitespace()) || (!sign.is_ascii() && listed())
}

/// The first sign of an id that nobody sees, as Unicode numbers it; tabs and line breaks count as
/// well.
pub(crate) fn first(id: &str) -> Option<String> {
    let is_odd = |sign: &char| is_unseen(*sign) || sign.is_control();
    id.chars().find(is_odd).map(|sign| format!("U+{:04X}", u32::from(sign)))
}

/// A name as it is kept: composed (NFC), with single spaces, without signs that nobody sees.
pub(crate) fn name(text: &str) -> String {
    let seen: String = text.chars().filter(|sign| !is_unseen(*sign)).collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_composed_and_lose_what_nobody_sees() {
        for (text, expected) in [
            ("  ნინო \t ბერიძე ", "ნინო ბერიძე"),
            ("\u{feff}Ни\u{200b}на", "Нина"),
            ("\u{202e}Anna\u{202c}", "Anna"),
            ("An\u{ad}na\u{7}", "Anna"),
            ("И\u{306}ван", "Йван"),
            ("Zoe\u{308}", "Zo\u{eb}"),
            ("A\r\nB", "A B"),
            ("A\u{a0}\u{2003}B", "A B"),
            ("\u{200d}\u{2066}", ""),
        ] {
            assert_eq!(name(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_unseen_sign_of_an_id_is_named_by_its_number() {
        for (text, expected) in [
            ("month", None),
            ("თვე 1", None),
            ("mon\u{200b}th", Some("U+200B")),
            ("\u{200e}15.09.2026", Some("U+200E")),
            ("a\tb", Some("U+0009")),
            ("\u{feff}1", Some("U+FEFF")),
        ] {
            assert_eq!(first(text).as_deref(), expected, "{text:?}");
        }
    }
}
