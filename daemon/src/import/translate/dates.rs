//! Days and instants as people write them.

use jiff::{Span as Days, civil::Date};

use super::Translator;

impl Translator<'_> {
    /// A day, as the mapping says that days are written.
    pub(super) fn date(&self, text: &str) -> Result<Date, String> {
        let text = text.trim_end_matches(" 00:00:00").trim_end_matches(" 00:00");
        let text = text.strip_suffix("T00:00:00").unwrap_or(text);
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
        let (day, time) = match text.split_once([' ', 'T']) {
            Some((day, time)) => (day, Some(time)),
            None => (text, None),
        };
        let day = self.date(day)?;
        let wrong = || format!("`{text}` is not a time of this zone");
        let local = match time.map(str::parse::<jiff::civil::Time>) {
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
