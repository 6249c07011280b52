//! Phones as people write them, in E.164.

use phonenumber::{Mode, country};

/// The country of this code of two letters, such as `GE`.
pub(crate) fn country(code: &str) -> Option<country::Id> {
    code.parse().ok()
}

/// A phone in E.164; without a country code it is one of `home`.
pub(crate) fn complete(text: &str, home: Option<country::Id>) -> Result<String, String> {
    let text = text.trim();
    if home.is_none() && !text.starts_with('+') {
        return Err(format!(
            "`{text}` has no country code; write it as +995…, or name `country` in site.toml"
        ));
    }
    let number = phonenumber::parse(home, text).ok().filter(phonenumber::is_valid);
    let number = number.ok_or_else(|| format!("`{text}` is not a phone that can exist"))?;
    Ok(number.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_number_gets_the_code_of_its_country() {
        let (ge, am) = (country("GE"), country("AM"));
        for (text, home, expected) in [
            ("555 12 34 56", ge, Some("+995555123456")),
            ("+374 10 123456", ge, Some("+37410123456")),
            ("010 123456", am, Some("+37410123456")),
            ("032 2 12 34 56", ge, Some("+995322123456")),
            ("+995555123456", None, Some("+995555123456")),
            ("555123456", None, None),
            ("12", ge, None),
            ("+999123456789", ge, None),
            ("call me", ge, None),
        ] {
            assert_eq!(complete(text, home).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(country("XX"), None);
    }
}
