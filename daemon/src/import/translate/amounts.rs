//! Amounts as people write them.

use super::{Translator, folded};

impl Translator<'_> {
    /// An amount, with the site's currency beside it or none, as people write it.
    pub(super) fn amount(&self, text: &str) -> Result<String, String> {
        let is_kept = |sign: &char| !sign.is_whitespace() && !matches!(sign, '\'' | '’');
        let plain: String = text.chars().filter(is_kept).collect::<String>().replace('−', "-");
        let begins = |sign: char| sign.is_ascii_digit() || matches!(sign, '-' | '+');
        let wrong = || format!("`{text}` is not an amount such as 12.50 {}", self.currency.code);
        let from = plain.find(begins).ok_or_else(wrong)?;
        let to = plain.rfind(|sign: char| sign.is_ascii_digit()).ok_or_else(wrong)? + 1;
        let digits = plain.get(from..to).ok_or_else(wrong)?;
        let named = format!("{}{}", &plain[..from], &plain[to..]);
        self.is_ours(&named)?;
        let decimal = match self.mapping.decimal {
            Some(sign) => sign,
            None => self.decimal(digits).ok_or_else(|| {
                format!(
                    "`{text}` may be read in two ways; say `decimal = \",\"` or `decimal = \".\"` \
                     in the mapping"
                )
            })?,
        };
        let other = if decimal == ',' { '.' } else { ',' };
        let plain = digits.replace(other, "").replace(decimal, ".");
        Ok(plain.strip_prefix('+').unwrap_or(&plain).to_owned())
    }

    /// Which sign begins the part behind the whole units, where there is no doubt.
    fn decimal(&self, digits: &str) -> Option<char> {
        let last = digits.rfind(['.', ',']);
        let Some(at) = last else { return Some('.') };
        let sign = if digits[at..].starts_with(',') { ',' } else { '.' };
        let other = if sign == ',' { '.' } else { ',' };
        let behind = digits.len() - at - 1;
        if digits.matches(sign).count() > 1 {
            // One that stands twice parts thousands.
            return (!digits.contains(other)).then_some(other);
        }
        let is_part = behind <= usize::from(self.currency.minor_digits);
        (is_part || digits.contains(other)).then_some(sign)
    }

    fn is_ours(&self, named: &str) -> Result<(), String> {
        let code = self.currency.code.as_str();
        let signs: &[&str] = match code {
            "GEL" => &["₾", "ლარი", "ლ", "лари"],
            "AMD" => &["֏", "դր", "դր.", "դրամ", "драм"],
            "EUR" => &["€"],
            "USD" => &["$"],
            "RUB" => &["₽", "руб", "руб.", "р."],
            _ => &[],
        };
        let named = folded(named);
        let known = named.is_empty() || named == folded(code) || signs.contains(&named.as_str());
        match known {
            true => Ok(()),
            false => Err(format!("`{named}` is not the site's currency, which is {code}")),
        }
    }
}
