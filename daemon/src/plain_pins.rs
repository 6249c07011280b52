//! PINs in the tables of a site's first data: their hashes take their place at the first start, and
//! nothing else in a file changes.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::Context;
use devices::pin::{PIN_DIGITS, PinKey};
use domain::ids::Uid;

use crate::{data::FILE_MAX, output};

/// A table with PINs: its columns of PINs, and those that name the holders.
struct PinTable {
    file: &'static str,
    pins: &'static [&'static str],
    /// Whether a holder is a card, whose number is kept in one form.
    holders: &'static [(&'static str, bool)],
}

const TABLES: [PinTable; 2] = [
    PinTable {
        file: "operators.csv",
        pins: &["pin"],
        holders: &[("login", false), ("band", true)],
    },
    PinTable { file: "credentials.csv", pins: &["pin", "duress_pin"], holders: &[("uid", true)] },
];

/// A PIN as it is typed, where it stands in a text, and whose it is.
struct Plain<'a> {
    place: Range<usize>,
    code: &'a str,
    holders: Vec<String>,
}

/// The files of a data folder in which PINs can be read.
pub(crate) fn files(data: &Path) -> Vec<PathBuf> {
    let paths = TABLES.iter().map(|table| (table, data.join(table.file)));
    let open = paths.filter(|(table, path)| {
        plain_file::text(path, FILE_MAX).is_ok_and(|text| !find(table, &text).is_empty())
    });
    open.map(|(_, path)| path).collect()
}

/// Puts hashes in the place of the PINs in a data folder; whether there were any.
///
/// # Errors
/// A file with PINs cannot be rewritten, with what to do.
pub(crate) fn hide(data: &Path, key: &PinKey) -> anyhow::Result<bool> {
    let mut found = false;
    for table in &TABLES {
        let path = data.join(table.file);
        if !path.exists() {
            continue;
        }
        let text = plain_file::text(&path, FILE_MAX)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let Some(hidden) = hidden(table, &text, key) else { continue };
        output::write_in_site(data, &path, hidden.as_bytes()).with_context(|| {
            format!(
                "PINs can be read in `{}` and it cannot be rewritten with their hashes; let the \
                 daemon's user write to the folder `{}`, or take the PINs out",
                path.display(),
                data.display()
            )
        })?;
        tracing::info!(file = %path.display(), "PINs were replaced by their hashes");
        found = true;
    }
    Ok(found)
}

/// The text with hashes in the place of PINs; `None` where there are none.
fn hidden(table: &PinTable, text: &str, key: &PinKey) -> Option<String> {
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for Plain { place, code, holders } in find(table, text) {
        let holders: Vec<_> = holders.iter().map(String::as_str).collect();
        // What is no PIN is refused by whoever reads the table.
        let Some(hash) = key.hide(&holders, code) else { continue };
        new.push_str(&text[end..place.start]);
        new.push_str(&hash);
        end = place.end;
    }
    (end > 0).then(|| new + &text[end..])
}

fn find<'a>(table: &PinTable, text: &'a str) -> Vec<Plain<'a>> {
    let mut found = Vec::new();
    let mut headings: Option<Vec<&str>> = None;
    for row in rows(text) {
        let cell = |at: usize| row.get(at).map_or("", |range| value(&text[range.clone()]));
        let Some(headings) = &headings else {
            headings = Some((0..row.len()).map(cell).collect());
            continue;
        };
        let column = |name: &&str| headings.iter().position(|heading| heading == name);
        let holders = table.holders.iter().filter_map(|(name, is_read)| {
            let holder = cell(column(name)?);
            let named = || match Uid::carried(holder) {
                Ok(uid) if *is_read => uid.as_str().to_owned(),
                _ => holder.to_owned(),
            };
            (!holder.is_empty()).then(named)
        });
        let holders: Vec<String> = holders.collect();
        for at in table.pins.iter().filter_map(column) {
            let code = cell(at);
            let is_pin =
                PIN_DIGITS.contains(&code.len()) && code.bytes().all(|sign| sign.is_ascii_digit());
            if let Some(range) = row.get(at).filter(|_| is_pin) {
                found.push(Plain { place: range.clone(), code, holders: holders.clone() });
            }
        }
    }
    // Columns may stand in any order.
    found.sort_by_key(|plain| plain.place.start);
    found
}

/// The rows of a table as the places of their cells, quotes included.
fn rows(text: &str) -> Vec<Vec<Range<usize>>> {
    // A mark at the beginning belongs to no heading.
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut rows, mut row, mut quoted) = (Vec::new(), Vec::new(), false);
    for (at, sign) in text.bytes().enumerate().skip(start) {
        match sign {
            b'"' => quoted = !quoted,
            b',' | b'\n' | b'\r' if !quoted => {
                row.push(start..at);
                start = at + 1;
                if sign != b',' {
                    rows.push(std::mem::take(&mut row));
                }
            }
            _ => {}
        }
    }
    row.push(start..text.len());
    rows.push(row);
    // Empty lines, and what lies between the two signs of one line's end.
    rows.retain(|row| row.len() > 1 || row.iter().any(|range| !range.is_empty()));
    rows
}

/// What a cell says.
fn value(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    inner.unwrap_or(cell).trim()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use std::os::unix::fs::PermissionsExt;

    use domain::{money::Currency, site::Site, time::Timestamp};

    use super::*;
    use crate::data;

    const KEY: PinKey = PinKey::new([5; 32]);

    fn hidden_in(table: usize, text: &str) -> String {
        hidden(&TABLES[table], text, &KEY).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn only_the_cells_of_pins_change_whatever_the_form_of_the_table() {
        let nino = KEY.hide(&["nino", "0A01"], "1111").unwrap();
        let levan = KEY.hide(&["levan"], "2222").unwrap();
        let plain = "login,roles,band,member,pin\nnino,cashier,0a01,,1111\nlevan,,,,2222\n";
        let expected = plain.replace("1111", &nino).replace("2222", &levan);
        for (from, to) in [
            ("", ""),
            ("\n", "\r\n"),
            ("\n", "\r"),
            ("\n", "\n\n"),
            ("cashier", "\"a, \"\"b\"\"\ncashier\""),
            ("login,", "\u{feff}login,"),
        ] {
            assert_eq!(hidden_in(0, &plain.replace(from, to)), expected.replace(from, to));
        }
        assert_eq!(hidden_in(0, plain.trim_end()), expected.trim_end());
        let quoted = plain.replace("1111", "\"1111\"");
        assert_eq!(hidden_in(0, &quoted), expected, "a quoted cell is written anew");
        assert_eq!(hidden_in(0, &expected), expected, "what is hidden stays");

        let uid = |code: &str| KEY.hide(&["04A1"], code).unwrap();
        let plain = "duress_pin,uid,pin\n4321,04a1,1234\n,04a2,\n";
        let expected = plain.replace("4321", &uid("4321")).replace("1234", &uid("1234"));
        assert_eq!(hidden_in(1, plain), expected);
    }

    #[test]
    fn what_is_no_pin_is_left_to_whoever_reads_the_table() {
        for text in ["", "login,pin\n", "login,pin\nnino,11\n", "login,pin\nnino,abcd\n", "1234"] {
            assert_eq!(hidden(&TABLES[0], text, &KEY), None, "{text}");
        }
    }

    #[test]
    fn the_rows_are_the_same_before_and_after_and_the_file_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operators.csv");
        fs::write(&path, "login,roles,band,pin\nnino,cashier,0a000001,1111\nlevan,,,2222\n")
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let gel = Currency::of("GEL").unwrap();
        let site = Site::new(String::new(), jiff::tz::TimeZone::UTC, gel);
        let read = |key| {
            let first = data::read(folder.path(), &site, (1, key), Timestamp::default());
            first.map(|data| data.rows).map_err(|error| error.to_string())
        };
        let before = read(&KEY).unwrap();
        assert_eq!(files(folder.path()), std::slice::from_ref(&path));
        assert!(hide(folder.path(), &KEY).unwrap());
        assert_eq!(read(&KEY).unwrap(), before);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("1111") && !text.contains(",2222"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(files(folder.path()).is_empty() && !hide(folder.path(), &KEY).unwrap());
        let error = read(&PinKey::new([6; 32])).unwrap_err();
        assert!(
            error.contains("operators.csv:2") && error.contains("another `pin.key`"),
            "{error}"
        );
    }
}
