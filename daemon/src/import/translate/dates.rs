//! Days and instants as people write them.

use jiff::{Span as Days, civil::Date};

use super::Translator;

impl Translator<'_> {
    /// A day, as the mapping says that days are written.
    pub(super) fn date(&self, text: &str) -> Result<Date, String> {
        let text = match with_time(text) {
            (day, Some(time)) if is_midnight(time) => day,
            (day, Some(_)) if self.day(day).is_ok() => {
                return Err(format!(
                    "`{text}` has a time with it, and this column holds days; write the day alone"
                ));
            }
            _ => text,
        };
        self.day(text)
    }

    fn day(&self, text: &str) -> Result<Date, String> {
        if let Ok(date) = text.parse::<Date>()
            && text.len() == 10
        {
            return Ok(date);
        }
        let pattern = match (&self.mapping.dates, text.contains('.')) {
            (Some(pattern), _) => pattern.to_lowercase(),
            (None, true) => "dd.mm.yyyy".to_owned(),
            (None, false) => {
                return Err(format!(
                    "`{text}` is not a date such as 2026-09-15 or 15.09.2026; say how dates are \
                     written, such as `dates = \"mm/dd/yyyy\"`, in the mapping"
                ));
            }
        };
        let read = self.by_pattern(text, &pattern);
        read.ok_or_else(|| format!("`{text}` is not a date written as {pattern}"))
    }

    fn by_pattern(&self, text: &str, pattern: &str) -> Option<Date> {
        if !is_parted(text, pattern) {
            return None;
        }
        let part = |letter: char| {
            let digits: Vec<&str> = text.split(|sign: char| !sign.is_ascii_digit()).collect();
            let letters: Vec<&str> = pattern.split(|sign: char| !sign.is_alphabetic()).collect();
            if letters.len() == 1 {
                // Without signs between them the places tell the parts.
                let from = pattern.find(letter)?;
                let to = pattern.rfind(letter)? + 1;
                return text.get(from..to).filter(|_| text.len() == pattern.len());
            }
            let at = letters.iter().position(|part| part.starts_with(letter))?;
            (digits.len() == letters.len()).then(|| digits[at])
        };
        let (day, month, year) = (part('d')?, part('m')?, part('y')?);
        let short = pattern.matches('y').count() == 2;
        if year.len() != if short { 2 } else { 4 } || day.len() > 2 || month.len() > 2 {
            return None;
        }
        let year: i16 = year.parse().ok()?;
        let year = match short {
            true if year <= self.this_year % 100 + 10 => year + 2000,
            true => year + 1900,
            false => year,
        };
        Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
    }

    /// An instant; a day alone is its first instant, or its end.
    pub(super) fn instant(&self, text: &str, end: bool) -> Result<String, String> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(instant.to_string());
        }
        let (day, time) = with_time(text);
        let day = self.day(day)?;
        let wrong = || format!("`{text}` is not a time of this zone");
        // Jiff wants both digits of the hour.
        let padded = |time: &str| match time.find(':') {
            Some(1) => format!("0{time}"),
            _ => time.to_owned(),
        };
        let local = match time.map(|time| padded(time).parse::<jiff::civil::Time>()) {
            Some(Ok(time)) => day.to_datetime(time),
            Some(Err(_)) => return Err(wrong()),
            None if end => {
                let next = day.checked_add(Days::new().days(1)).map_err(|_| wrong())?;
                next.to_datetime(jiff::civil::Time::midnight())
            }
            None => day.to_datetime(jiff::civil::Time::midnight()),
        };
        let zoned = local.to_zoned(self.zone.clone()).map_err(|_| wrong())?;
        Ok(zoned.timestamp().to_string())
    }
}

/// Whether one and the same usual sign stands between the parts, or those of the pattern.
fn is_parted(text: &str, pattern: &str) -> bool {
    let signs: String = text.chars().filter(|sign| !sign.is_ascii_digit()).collect();
    let own = pattern.chars().filter(|sign| !sign.is_alphabetic());
    let is_usual = |sign: char| matches!(sign, '.' | '/' | '-' | ' ') && signs.starts_with(sign);
    signs.chars().all(is_usual) || own.eq(signs.chars())
}

/// A day and the time behind it, where there is one.
fn with_time(text: &str) -> (&str, Option<&str>) {
    let parted = text.rsplit_once([' ', 'T', 't']);
    match parted.filter(|(_, time)| time.contains(':')) {
        Some((day, time)) => (day.trim_end(), Some(time)),
        None => (text, None),
    }
}

/// Whether it is the time at which days begin, as some programs write it behind each. A table has
/// no zones: a `Z` behind it is the writer's habit.
fn is_midnight(time: &str) -> bool {
    let time = time.strip_suffix(['Z', 'z']).unwrap_or(time);
    let (clock, part) = time.split_once('.').unwrap_or((time, "0"));
    let is_zero = |digits: &str| !digits.is_empty() && digits.bytes().all(|sign| sign == b'0');
    is_zero(part) && (2..=3).contains(&clock.split(':').count()) && clock.split(':').all(is_zero)
}
