//! A table as text: CSV in the dialects of many programs. What is damaged is a mistake of the file,
//! said with its place.

use std::borrow::Cow;

use anyhow::{Context, anyhow, bail};
use encoding_rs::{Encoding, UTF_8};

use super::{Cell, Dialect, FORMULA, Form, Row, bounded};

/// Reads all rows that are not empty.
pub(super) fn rows(bytes: &[u8], dialect: &Dialect) -> anyhow::Result<(Form, Vec<Row>)> {
    let text = decoded(bytes, dialect.encoding.as_deref())?;
    let (told, body) = match text.strip_prefix("sep=") {
        Some(rest) => {
            let sign = rest.bytes().next().filter(|sign| !matches!(sign, b'\r' | b'\n'));
            (sign, text.find(['\r', '\n']).unwrap_or(text.len()))
        }
        None => (None, 0),
    };
    let named = dialect.separator.map(u8::try_from).transpose();
    let named = named.ok().context("a separator is one plain sign such as `;`")?;
    let separator = named.or(told).unwrap_or_else(|| separator(&text));
    let body = text.get(body..).unwrap_or_default();
    let mut lines = Lines::begin(&text, text.len() - body.len());
    quotes_are_closed(body, separator, &lines)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(body.as_bytes());
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| anyhow!("{error}"))? {
        let at = record.position().map_or(0, csv::Position::byte);
        let line = lines.of_record(usize::try_from(at)?);
        let row = Row::of(line, record.iter().map(cell).collect());
        if !row.cells.is_empty() {
            rows.push(row);
        }
        bounded(&rows)?;
    }
    Ok((Form::Csv(separator), rows))
}

fn cell(text: &str) -> Cell {
    Cell::of_words(unguarded(text.trim()))
}

/// Takes away the apostrophe that keeps a spreadsheet from reading a cell as a formula.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => cell,
    }
}

/// The text of a file: by its mark, by the encoding that was named, else UTF-8.
fn decoded<'a>(bytes: &'a [u8], named: Option<&str>) -> anyhow::Result<Cow<'a, str>> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let named = match named {
        Some(name) => Some(Encoding::for_label(name.as_bytes()).with_context(|| {
            format!("`{name}` is not an encoding such as utf-8, windows-1251 or utf-16le")
        })?),
        None => None,
    };
    let encoding = marked.or(named).unwrap_or(UTF_8);
    let (text, _, damaged) = encoding.decode(bytes);
    if damaged {
        bail!(
            "it is not text in {}; name its encoding in the mapping, such as \
             `encoding = \"windows-1251\"`, or save it as UTF-8",
            encoding.name()
        );
    }
    if let Some(at) = text.find('\0') {
        bail!(
            "line {} has a sign 0 in it, which no text has; if it is UTF-16, name it in the \
             mapping as `encoding = \"utf-16le\"`, or save it as UTF-8",
            Lines::begin(&text, 0).line_of(at)
        );
    }
    Ok(text)
}

/// The sign that parts the headings: the most frequent of the three, outside of quotes.
fn separator(text: &str) -> u8 {
    let mut lines = text.split(['\r', '\n']);
    let first = lines.find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    for sign in first.bytes() {
        quoted ^= sign == b'"';
        for (known, count) in &mut counts {
            *count += usize::from(!quoted && sign == *known);
        }
    }
    let most = counts.iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0);
    most.map_or(b',', |(sign, _)| *sign)
}

/// Where lines begin, as editors and spreadsheets count them: each ends by LF, CR or both.
struct Lines<'a> {
    text: &'a str,
    /// Where the body begins that places are counted from.
    from: usize,
    /// A place, and the line that it is in.
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    const fn begin(text: &'a str, from: usize) -> Self {
        Self { text, from, at: 0, line: 1 }
    }

    /// The line of a place in the body, which is not before the last one that was asked for.
    fn of_record(&mut self, place: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let mut place = (place + self.from).min(bytes.len());
        // A record is said to begin behind the line end of the one before, or in the middle of it;
        // empty lines before it are none of its own.
        while bytes.get(place).is_some_and(|sign| matches!(sign, b'\r' | b'\n')) {
            place += 1;
        }
        self.line += ends(bytes, self.at, place);
        self.at = place;
        self.line
    }

    /// The line of any place in the body.
    fn line_of(&self, place: usize) -> u64 {
        let bytes = self.text.as_bytes();
        1 + ends(bytes, 0, (place + self.from).min(bytes.len()))
    }
}

/// How many lines end in these bytes; one that ends by both signs ends with the second.
fn ends(bytes: &[u8], from: usize, to: usize) -> u64 {
    let places = bytes.get(from..to).unwrap_or_default().iter().zip(from..);
    let is_end = |(sign, at): &(&u8, usize)| match sign {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    u64::try_from(places.filter(is_end).count()).unwrap_or(u64::MAX)
}

/// Refuses a quote that is never closed, and one that ends in the middle of a cell: from there on
/// nobody can say where cells and rows begin.
fn quotes_are_closed(body: &str, separator: u8, lines: &Lines<'_>) -> anyhow::Result<()> {
    let bytes = body.as_bytes();
    let is_end = |sign: u8| sign == separator || matches!(sign, b'\r' | b'\n');
    let mut at = 0;
    while at < bytes.len() {
        // Here a cell begins.
        if bytes[at] != b'"' {
            let rest = bytes[at..].iter().position(|sign| is_end(*sign));
            at += rest.map_or(bytes.len() - at, |length| length + 1);
            continue;
        }
        let begin = at;
        at += 1;
        loop {
            match bytes[at..].iter().position(|sign| *sign == b'"') {
                None => bail!(
                    "the quote that begins in row {} is never closed; close it, or take it out",
                    lines.line_of(begin)
                ),
                Some(length) if bytes.get(at + length + 1) == Some(&b'"') => at += length + 2,
                Some(length) => {
                    at += length + 1;
                    break;
                }
            }
        }
        let rest = bytes[at..].iter().position(|sign| is_end(*sign)).unwrap_or(bytes.len() - at);
        if bytes[at..at + rest].iter().any(|sign| *sign != b' ') {
            bail!(
                "the quote that begins in row {} ends in the middle of a cell in row {}; close it \
                 at the end of its cell, and write a quote inside of it twice",
                lines.line_of(begin),
                lines.line_of(at)
            );
        }
        at += rest + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::Table;

    fn lines(text: &str) -> Vec<u64> {
        let table = Table::read(text.as_bytes(), &Dialect::default()).unwrap();
        table.rows.iter().map(|row| row.line).collect()
    }

    #[test]
    fn a_row_has_the_number_of_the_line_in_which_it_begins() {
        for (text, expected) in [
            ("a;b\n1;\n2;\n", &[2, 3][..]),
            ("a;b\r\n1;\r\n2;\r\n", &[2, 3]),
            ("a;b\r1;\r2;", &[2, 3]),
            ("\n\n\na;b\n\n\n1;2\n\n3;4\n5", &[7, 9, 10]),
            ("\r\n\r\na;b\r\n\r\n1;2\r\n\r\n\r\n3;4", &[5, 8]),
            ("\r\ra;b\r\r1;2\r3;4\r", &[5, 6]),
            ("a;b\n\r1;2\n\r3;4", &[3, 5]),
            ("a;b\n1;\"x\ny\nz\"\n2;\n", &[2, 5]),
            ("a;b\r\n1;\"x\r\ny\"\r\n\r\n2;\r\n", &[2, 5]),
            ("a;b\r1;\"x\ry\"\r2;\r", &[2, 4]),
            ("sep=;\r\na;b\r\n1;2\r\n", &[3]),
            ("sep=;\ra;b\r1;2\r", &[3]),
            ("a;b\n;;\n   \n1;2\n", &[4]),
            ("\u{feff}a;b\r\n1;2", &[2]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_is_a_mistake_of_the_file() {
        for (text, expected) in [
            ("number,name\n3002,\"Unclosed\n3003,Lost\n", "begins in row 2 is never closed"),
            ("a,b\r\n1,2\r\n\r\n\"3,4\r\n5,6\r\n", "begins in row 4 is never closed"),
            ("a,b\r1,\"2\r3,4", "begins in row 2 is never closed"),
            ("\"a,b\n1,2\n", "begins in row 1 is never closed"),
            ("a,b\n1,\"x\"\"\n", "begins in row 2 is never closed"),
            ("a,b\n1,\"x\n2,\"y\"\n", "begins in row 2 ends in the middle of a cell in row 3"),
            ("a;b\n1;\"An \"x\" na\"\n", "begins in row 2 ends in the middle of a cell in row 2"),
        ] {
            let error = Table::read(text.as_bytes(), &Dialect::default()).unwrap_err();
            assert!(error.to_string().contains(expected), "{text:?}: {error}");
        }
        for text in
            ["a,b\n1,\"x\" \n", "a,b\n5\" pipe,x\"y\n", "a,b\n\"\",\"a\"\"b\"", "a,b\n1,\"\""]
        {
            assert!(Table::read(text.as_bytes(), &Dialect::default()).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_and_what_was_an_error_is_said() {
        let wide: Vec<u8> = "a;b\n1;2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = Table::read(&wide, &Dialect::default()).unwrap_err();
        assert!(error.to_string().contains("encoding = \"utf-16le\""), "{error}");
        let named = Dialect { encoding: Some("utf-16le".to_owned()), ..Dialect::default() };
        assert_eq!(Table::read(&wide, &named).unwrap().rows.len(), 1);
        let table = Table::read("a\n#N/A\n#Н/Д\n####\n#1\n".as_bytes(), &Dialect::default());
        let table = table.unwrap();
        let wrong = |row: &Row| matches!(row.cells[0], Cell::Wrong(..));
        assert_eq!(table.rows.iter().map(wrong).collect::<Vec<_>>(), [true, true, true, false]);
    }
}
