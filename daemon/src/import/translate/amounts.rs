//! Amounts as people write them.

use super::{Translator, folded};

/// The digits between two signs that part thousands.
const THOUSAND: usize = 3;
/// What is to be done about an amount whose digits are grouped otherwise.
const GROUPS: &str = "part thousands in threes, all by the same sign, and the last digits by \
                      one other";
const MINUS: &str = "write a minus in front, as -12.50, and one amount alone";
const SIDES: &str = "write digits on both sides of the point, as 0.50";
/// Signs between the digits of an amount.
const GROUPED: &[char] = &[' ', '\'', '.', ','];

impl Translator<'_> {
    /// An amount, with the site's currency beside it or none, as people write it.
    pub(super) fn amount(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        let plain: String = text.chars().map(plain_sign).collect();
        let begins = |sign: char| sign.is_ascii_digit() || matches!(sign, '-' | '+');
        let code = &self.currency.code;
        let wrong = || format!("`{text}` is not an amount such as 12.50 {code}");
        let from = plain.find(begins).ok_or_else(wrong)?;
        let to = plain.rfind(|sign: char| sign.is_ascii_digit()).ok_or_else(wrong)? + 1;
        let (before, after) = (plain[..from].trim(), plain[to..].trim());
        if let Some(why) = misplaced(before, after) {
            return Err(format!("{}; {why}", wrong()));
        }
        self.is_ours(&format!("{before}{after}"))?;
        let body = plain.get(from..to).ok_or_else(wrong)?;
        let (minus, digits) = match body.strip_prefix(['-', '+']) {
            Some(digits) if body.starts_with('-') => ("-", digits.trim_start()),
            Some(digits) => ("", digits.trim_start()),
            None => ("", body),
        };
        if digits.contains(['-', '+']) {
            return Err(format!("{}; {MINUS}", wrong()));
        }
        if digits.starts_with(['.', ',']) {
            return Err(format!("{}; {SIDES}", wrong()));
        }
        if !digits.chars().all(|sign| sign.is_ascii_digit() || GROUPED.contains(&sign)) {
            return Err(wrong());
        }
        let decimal = match self.mapping.decimal {
            Some(sign) => sign,
            None => self.decimal(digits).ok_or_else(|| {
                format!(
                    "`{text}` may be read in two ways; say `decimal = \",\"` or `decimal = \".\"` \
                     in the mapping"
                )
            })?,
        };
        let (whole, part) = match digits.split_once(decimal) {
            Some((whole, part)) => (whole, Some(part)),
            None => (digits, None),
        };
        let whole = ungrouped(whole, decimal).ok_or_else(|| format!("{}; {GROUPS}", wrong()))?;
        match part {
            None => Ok(format!("{minus}{whole}")),
            Some(part) if is_digits(part) => Ok(format!("{minus}{whole}.{part}")),
            Some(_) => Err(format!("{}; {GROUPS}", wrong())),
        }
    }

    /// Which sign begins the part behind the whole units, where there is no doubt.
    fn decimal(&self, digits: &str) -> Option<char> {
        let Some(at) = digits.rfind(['.', ',']) else { return Some('.') };
        let (sign, other) = if digits[at..].starts_with(',') { (',', '.') } else { ('.', ',') };
        if digits.matches(sign).count() > 1 {
            // One that stands twice parts thousands.
            return (!digits.contains(other)).then_some(other);
        }
        let behind = digits.len() - at - 1;
        // Three digits behind the only sign may be thousands, or a part.
        let may_part_thousands = behind == THOUSAND
            && behind > usize::from(self.currency.minor_digits)
            && digits[..at].len() <= THOUSAND
            && is_digits(&digits[..at]);
        (!may_part_thousands).then_some(sign)
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

/// A sign as it is compared: white space, minus signs and apostrophes have many forms.
fn plain_sign(sign: char) -> char {
    match sign {
        '−' => '-',
        '’' => '\'',
        sign if sign.is_whitespace() => ' ',
        sign => sign,
    }
}

/// What stands around an amount and can be no currency.
fn misplaced(before: &str, after: &str) -> Option<&'static str> {
    if before.ends_with('(') || after.starts_with([')', '-', '+']) {
        return Some(MINUS);
    }
    let is_point = matches!(before, "." | ",") || after.starts_with(['.', ',']);
    is_point.then_some(SIDES)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_digit())
}

/// The digits of whole units without the sign that parts their thousands.
fn ungrouped(whole: &str, decimal: char) -> Option<String> {
    let Some(sign) = whole.chars().find(|sign| !sign.is_ascii_digit()) else {
        return is_digits(whole).then(|| whole.to_owned());
    };
    if sign == decimal {
        return None;
    }
    let groups: Vec<&str> = whole.split(sign).collect();
    let (first, others) = groups.split_first()?;
    let fits = |group: &&str| is_digits(group) && group.len() == THOUSAND;
    let is_grouped = is_digits(first) && first.len() <= THOUSAND && others.iter().all(fits);
    is_grouped.then(|| groups.concat())
}
