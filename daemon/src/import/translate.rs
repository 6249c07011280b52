//! From a cell as somebody wrote it to a cell of our own format.

use jiff::{Span as Days, civil::Date, tz::TimeZone};

use domain::{ids::Uid, money::Currency, site::Site};
use phonenumber::country;

use super::{
    kinds::{Column, Sort},
    mapping::Mapping,
    source::Cell,
};
use crate::{registry::phones, unseen};

const YES: &[&str] = &["true", "yes", "y", "1", "x", "+", "✓", "да", "კი", "დიახ", "այո"];
const NO: &[&str] = &["false", "no", "n", "0", "-", "нет", "არა", "ոչ"];

/// How cells of a table are read.
pub(crate) struct Translator<'a> {
    mapping: &'a Mapping,
    currency: Currency,
    zone: TimeZone,
    this_year: i16,
    /// The country of phones that name none.
    home: Option<country::Id>,
}

impl<'a> Translator<'a> {
    /// A translator for tables of `site`, whose phones are of `home` where they name no country.
    pub(crate) fn new(
        mapping: &'a Mapping,
        (site, home): (&Site, Option<country::Id>),
        this_year: i16,
    ) -> Self {
        let (currency, zone) = (site.currency.clone(), site.time_zone.clone());
        let named = mapping.country.as_deref().and_then(phones::country_of);
        let spent = match currency.code.as_str() {
            "GEL" => phones::country("GE"),
            "AMD" => phones::country("AM"),
            "RUB" => phones::country("RU"),
            _ => None,
        };
        Self { mapping, currency, zone, this_year, home: named.or(home).or(spent) }
    }

    /// The cell in our own format.
    ///
    /// # Errors
    /// Why it cannot be understood, and what to do.
    pub(crate) fn cell(&self, column: &Column, cell: &Cell) -> Result<String, String> {
        if let Cell::Wrong(shown, why) = cell {
            return Err(format!("`{shown}`: {why}"));
        }
        let text = cell.shown().trim();
        let words = self.mapping.words.get(column.name);
        let known = words.and_then(|words| same(words.iter(), text));
        if let Some(ours) = known {
            return Ok(ours.clone());
        }
        if text.is_empty() {
            return Ok(String::new());
        }
        let native = !matches!(cell, Cell::Text(_));
        if let Some(why) = other_kind(column, cell) {
            return Err(format!("`{text}`: {why}"));
        }
        if !matches!(column.sort, Sort::Name | Sort::Phone)
            && let Some(sign) = unseen::first(text)
        {
            return Err(format!(
                "it has {sign} in it, a sign that nobody sees; type the cell again"
            ));
        }
        match column.sort {
            Sort::Text => Ok(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            Sort::Name => Ok(unseen::name(text)),
            Sort::Whole => Ok(text.to_owned()),
            Sort::Amount if native => Ok(text.to_owned()),
            Sort::Amount => self.amount(text),
            Sort::Date => self.date(text).map(|date| date.to_string()),
            Sort::Since => self.instant(text, false),
            Sort::Until => self.instant(text, true),
            Sort::YesNo => self.yes_no(text),
            Sort::Phone => phones::complete(text, self.home),
            Sort::Uid => {
                let uid = Uid::carried(text).map_err(|why| format!("`{text}`: {why}"))?;
                Ok(uid.as_str().to_owned())
            }
            Sort::List => {
                let parts = text.split([';', ',']).map(str::trim).filter(|part| !part.is_empty());
                Ok(parts.collect::<Vec<_>>().join(";"))
            }
            Sort::Word(words) => same(words.iter().map(|word| (word, word)), text)
                .map(|word| (*word).to_owned())
                .ok_or_else(|| {
                    format!(
                        "`{text}` is none of {}; write what it means under `[words.{}]` of the \
                             mapping",
                        words.join(", "),
                        column.name
                    )
                }),
        }
    }

    fn yes_no(&self, text: &str) -> Result<String, String> {
        let (yes, no) = (&self.mapping.yes, &self.mapping.no);
        let word = folded(text);
        let is = |own: &[String], known: &[&str]| {
            known.contains(&word.as_str()) || own.iter().any(|own| folded(own) == word)
        };
        match (is(yes, &[]), is(no, &[]), is(yes, YES), is(no, NO)) {
            (true, false, ..) | (false, false, true, _) => Ok("true".to_owned()),
            (false, true, ..) | (false, false, _, true) => Ok("false".to_owned()),
            _ => Err(format!(
                "`{text}` is neither yes nor no; list it under `yes` or `no` of the mapping"
            )),
        }
    }

    /// An amount, with the site's currency beside it or none, as people write it.
    fn amount(&self, text: &str) -> Result<String, String> {
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

    /// A day, as the mapping says that days are written.
    fn date(&self, text: &str) -> Result<Date, String> {
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
    fn instant(&self, text: &str, end: bool) -> Result<String, String> {
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

/// Why a cell of this kind cannot stand in the column, where it cannot.
const fn other_kind(column: &Column, cell: &Cell) -> Option<&'static str> {
    match (cell, column.sort) {
        (Cell::Date(_), Sort::Date | Sort::Since | Sort::Until)
        | (Cell::Switch(_), Sort::YesNo)
        | (Cell::Text(_) | Cell::Wrong(..), _) => None,
        (Cell::Date(_), _) => Some("it is a date; give the column the format text, and correct it"),
        (Cell::Switch(_), _) => Some("it is yes or no, which this column does not hold"),
        (Cell::Number(_), Sort::Name) => Some("it is a number; write the words as text"),
        (Cell::Number(_), _) => None,
    }
}

/// The second of the pair whose first is the same word, whatever the letters' size.
fn same<'a, T: AsRef<str> + ?Sized + 'a, V>(
    mut pairs: impl Iterator<Item = (&'a T, V)>,
    text: &str,
) -> Option<V> {
    let text = folded(text);
    pairs.find(|(word, _)| folded(word.as_ref()) == text).map(|(_, value)| value)
}

/// A word in small letters, with single spaces, without what nobody sees: as headings and words are
/// compared.
pub(crate) fn folded(text: &str) -> String {
    let text = unseen::name(text).replace('_', " ").to_lowercase().replace('ё', "е");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::kinds::Kind;

    fn site(currency: &str) -> Site {
        let zone = TimeZone::get("Asia/Tbilisi").unwrap();
        Site::new(String::new(), zone, Currency::of(currency).unwrap())
    }

    fn read(mapping: &Mapping, currency: &str, sort: Sort, cell: Cell) -> Result<String, String> {
        let column = Column { name: "state", sort, needed: false, headings: &[] };
        Translator::new(mapping, (&site(currency), None), 2026).cell(&column, &cell)
    }

    /// Cells as people write them, and what they are in our own format; nothing where they are
    /// refused.
    fn check(mapping: &str, currency: &str, sort: Sort, cells: &[(&str, Option<&str>)]) {
        let mapping: Mapping = toml::from_str(mapping).unwrap();
        for (cell, expected) in cells {
            let got = read(&mapping, currency, sort, Cell::Text((*cell).to_owned()));
            assert_eq!(got.as_ref().ok().map(String::as_str), *expected, "{cell}: {got:?}");
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them_or_refused_where_there_is_a_doubt() {
        let amounts = Sort::Amount;
        check(
            "",
            "GEL",
            amounts,
            &[
                ("12.50", Some("12.50")),
                ("12,5", Some("12.5")),
                ("-3,20 ₾", Some("-3.20")),
                ("−3,20", Some("-3.20")),
                ("+7", Some("7")),
                ("GEL 12.50", Some("12.50")),
                ("1 234,50", Some("1234.50")),
                ("1\u{a0}234,50 ლარი", Some("1234.50")),
                ("1.234,50", Some("1234.50")),
                ("1,234.50", Some("1234.50")),
                ("1'234.50", Some("1234.50")),
                ("1,234", None),
                ("1.234.567", Some("1234567")),
                ("", Some("")),
                ("12.50 $", None),
                ("12.50 USD", None),
                ("free", None),
                ("=1+1", None),
            ],
        );
        check("decimal = ','", "GEL", amounts, &[("1.234", Some("1234")), ("1,5", Some("1.5"))]);
        check("decimal = '.'", "GEL", amounts, &[("1,234", Some("1234"))]);
        check("", "AMD", amounts, &[("5 000 ֏", Some("5000")), ("5000 դր.", Some("5000"))]);
    }

    #[test]
    fn dates_are_read_as_the_mapping_says_they_are_written() {
        check(
            "",
            "GEL",
            Sort::Date,
            &[
                ("2026-09-15", Some("2026-09-15")),
                ("15.09.2026", Some("2026-09-15")),
                ("5.9.2026", Some("2026-09-05")),
                ("15.09.2026 00:00:00", Some("2026-09-15")),
                ("31.02.2026", None),
                ("15.09.26", None),
                ("09/15/2026", None),
                ("46280", None),
                ("2026-09-15T18:30:00", None),
            ],
        );
        check(
            "dates = 'mm/dd/yyyy'",
            "GEL",
            Sort::Date,
            &[
                ("09/15/2026", Some("2026-09-15")),
                ("2026-09-15", Some("2026-09-15")),
                ("15/09/2026", None),
            ],
        );
        check(
            "dates = 'dd.mm.yy'",
            "GEL",
            Sort::Date,
            &[("15.09.26", Some("2026-09-15")), ("15.09.87", Some("1987-09-15"))],
        );
        check(
            "dates = 'yyyymmdd'",
            "GEL",
            Sort::Date,
            &[("20260915", Some("2026-09-15")), ("2026915", None)],
        );
        check(
            "",
            "GEL",
            Sort::Since,
            &[
                ("2026-09-15T18:30:00Z", Some("2026-09-15T18:30:00Z")),
                ("15.09.2026", Some("2026-09-14T20:00:00Z")),
                ("15.09.2026 18:30", Some("2026-09-15T14:30:00Z")),
                ("15.09.2026 25:00", None),
            ],
        );
        check("", "GEL", Sort::Until, &[("15.09.2026", Some("2026-09-15T20:00:00Z"))]);
    }

    #[test]
    fn phones_get_the_country_of_the_site() {
        check(
            "",
            "GEL",
            Sort::Phone,
            &[
                ("+995 555 12-34-56", Some("+995555123456")),
                ("00995555123456", Some("+995555123456")),
                ("995555123456", Some("+995555123456")),
                ("555 12 34 56", Some("+995555123456")),
                ("0555123456", Some("+995555123456")),
                ("555123456, 555123457 Ann", None),
                ("+995555123456 +995555123457", None),
            ],
        );
        check("", "AMD", Sort::Phone, &[("(091) 12-34-56", Some("+37491123456"))]);
        check("country = '+7'", "GEL", Sort::Phone, &[("8 916 123 45 67", Some("+79161234567"))]);
        check(
            "",
            "EUR",
            Sort::Phone,
            &[("030 12345678", None), ("+493012345678", Some("+493012345678"))],
        );
    }

    #[test]
    fn a_cell_of_another_kind_is_never_a_card_a_name_or_an_amount() {
        let date = Cell::Date("2026-09-15".to_owned());
        let moment = Cell::Date("2026-09-15T18:30:00".to_owned());
        let number = |text: &str| Cell::Number(text.to_owned());
        let wrong = Cell::Wrong("2".to_owned(), "it is a formula");
        let words = Sort::Word(&["active", "true"]);
        for (sort, cell, expected) in [
            (Sort::Date, date.clone(), Some("2026-09-15")),
            (Sort::Since, moment.clone(), Some("2026-09-15T14:30:00Z")),
            (Sort::Date, moment, None),
            (Sort::Name, date.clone(), None),
            (Sort::Text, date.clone(), None),
            (Sort::Uid, date.clone(), None),
            (Sort::Amount, date.clone(), None),
            (Sort::Whole, date.clone(), None),
            (Sort::Phone, date.clone(), None),
            (Sort::List, date.clone(), None),
            (Sort::YesNo, date, None),
            (Sort::YesNo, Cell::Switch(true), Some("true")),
            (Sort::Name, Cell::Switch(true), None),
            (Sort::Uid, Cell::Switch(false), None),
            (Sort::Amount, Cell::Switch(true), None),
            (Sort::Whole, Cell::Switch(true), None),
            (words, Cell::Switch(true), None),
            (Sort::Name, number("12"), None),
            (Sort::Uid, number("12345678"), Some("12345678")),
            (Sort::Uid, number("12345.5"), None),
            (Sort::Uid, number("-12345"), None),
            (Sort::Phone, number("555100001"), Some("+995555100001")),
            (Sort::Amount, number("12.5"), Some("12.5")),
            (Sort::Whole, number("1001"), Some("1001")),
            (Sort::Name, wrong.clone(), None),
            (Sort::Uid, wrong.clone(), None),
            (Sort::Date, wrong, None),
        ] {
            let got = read(&Mapping::default(), "GEL", sort, cell.clone());
            assert_eq!(
                got.as_ref().ok().map(String::as_str),
                expected,
                "{sort:?} {cell:?}: {got:?}"
            );
        }
    }

    #[test]
    fn what_nobody_sees_is_taken_out_of_names_and_refused_elsewhere() {
        let name = &[("\u{200e}Ni\u{200b}no\u{a0} B", Some("Nino B")), ("И\u{306}", Some("Й"))];
        check("", "GEL", Sort::Name, name);
        check("", "GEL", Sort::Phone, &[("\u{202a}555 12 34 56\u{202c}", Some("+995555123456"))]);
        let hidden = "a\u{200b}b";
        for sort in [Sort::Text, Sort::Whole, Sort::Amount, Sort::Date, Sort::Uid, Sort::List] {
            let why = read(&Mapping::default(), "GEL", sort, Cell::Text(hidden.to_owned()));
            let why = why.unwrap_err();
            assert!(why.contains("U+200B"), "{sort:?}: {why}");
        }
    }

    #[test]
    fn words_are_ours_or_those_of_the_mapping() {
        check(
            "",
            "GEL",
            Sort::YesNo,
            &[("Да", Some("true")), ("კი", Some("true")), ("ոչ", Some("false")), ("maybe", None)],
        );
        check(
            "yes = ['v']\nno = ['x']",
            "GEL",
            Sort::YesNo,
            &[("V", Some("true")), ("x", Some("false")), ("yes", Some("true"))],
        );
        let states = Sort::Word(&["active", "lost"]);
        check(
            "[words.state]\n'действует' = 'active'",
            "GEL",
            states,
            &[("Действует", Some("active")), ("LOST", Some("lost")), ("утерян", None)],
        );
        check("", "GEL", Sort::List, &[("staff, kids ;coach", Some("staff;kids;coach"))]);
        check("", "GEL", Sort::Uid, &[("04:a1-b2 c3", Some("04A1B2C3"))]);
        let wrong = Cell::Wrong("#REF!".to_owned(), "it is an error");
        let told = read(&Mapping::default(), "GEL", Sort::Text, wrong).unwrap_err();
        assert_eq!(told, "`#REF!`: it is an error");
        let native = Cell::Number("12.5".to_owned());
        let comma: Mapping = toml::from_str("decimal = ','").unwrap();
        assert_eq!(read(&comma, "GEL", Sort::Amount, native).unwrap(), "12.5");
    }

    #[test]
    fn every_heading_is_written_as_headings_are_compared_and_stands_once_in_its_table() {
        let kinds = [
            Kind::Members,
            Kind::Credentials,
            Kind::Passes,
            Kind::Balances,
            Kind::Families,
            Kind::Guardians,
            Kind::Operators,
            Kind::Exemptions,
            Kind::Lockers,
        ];
        for kind in kinds {
            let mut seen = std::collections::BTreeSet::new();
            for column in kind.columns() {
                for heading in column.headings {
                    assert_eq!(*heading, folded(heading), "{kind:?}");
                    assert!(seen.insert(*heading), "{kind:?}: `{heading}` may mean two columns");
                }
            }
        }
    }
}
