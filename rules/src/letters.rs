//! Characters that make a file look different from what it does.

/// The first character of `text` that nobody sees, with its line and column from 1: it hides in a
/// name or a text, or turns the order round in which a line is shown.
pub(crate) fn hidden(text: &str) -> Option<(usize, usize, char)> {
    text.split('\n').enumerate().find_map(|(line, letters)| {
        let mut letters = letters.chars().enumerate();
        let (column, letter) = letters.find(|(_, letter)| is_hidden(*letter))?;
        Some((line + 1, column + 1, letter))
    })
}

fn is_hidden(letter: char) -> bool {
    match letter {
        '\t' | '\r' => false,
        // Soft hyphen, fillers, marks without a width or of direction, tags.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => letter.is_control(),
    }
}

/// Whether a word of the name has letters of two alphabets, or something that is no letter: such a
/// name may look like another one. Whole words of another alphabet are fine.
pub(crate) fn is_mixed(name: &str) -> bool {
    name.split(|letter: char| letter == '_' || letter.is_numeric()).any(|word| {
        let ascii = word.chars().filter(char::is_ascii).count();
        !word.chars().all(char::is_alphabetic) || (ascii != 0 && ascii != word.chars().count())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found_with_its_place() {
        for (text, found) in [
            ("let a = 1;\r\n\tlet b = 2; // წერტილი — «точка» ⚠\u{fe0f}", None),
            ("a\n// \u{202e}b", Some((2, 4, '\u{202e}'))),
            ("\u{feff}a", Some((1, 1, '\u{feff}'))),
            ("a\0", Some((1, 2, '\0'))),
            ("\"po\u{200b}ol\"", Some((1, 4, '\u{200b}'))),
        ] {
            assert_eq!(hidden(text), found, "{text:?}");
        }
    }

    #[test]
    fn a_name_may_be_of_any_alphabet_but_not_of_two_at_once() {
        for name in ["debt", "debt_1", "ვალი", "debt_ვალი", "долг2", "_", "x9y"]
        {
            assert!(!is_mixed(name), "{name}");
        }
        for name in ["d\u{435}bt", "debt_\u{430}ge", "a\u{fe0f}"] {
            assert!(is_mixed(name), "{name}");
        }
    }
}
