//! Rows and columns of a sheet that nobody sees: the reader of cells does not tell of them.

use std::io::{BufReader, Cursor, Read as _};

use anyhow::{Context, anyhow};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::Hidden;

/// The most columns that a sheet can have.
const SHEET_COLUMNS: usize = 16_384;

type Archive<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// What the sheet of this name hides.
///
/// # Errors
/// The file is not whole.
pub(super) fn of(bytes: &[u8], sheet: &str) -> anyhow::Result<Hidden> {
    let broken = |error| anyhow!("it is not a whole spreadsheet (.xlsx): {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut hidden = Hidden::default();
    // A workbook whose parts are called otherwise than everybody's is read without this.
    let Some(part) = part_of(&mut archive, sheet)? else { return Ok(hidden) };
    let mut line = 0;
    each(&mut archive, &part, |tag, element| {
        // What has no height or width is seen by nobody either.
        let size = attribute(element, if tag == "row" { "ht" } else { "width" });
        let is_hidden = ["1", "true"].contains(&attribute(element, "hidden").as_str())
            || size.parse::<f64>().is_ok_and(|size| size <= 0.0);
        match tag {
            "row" => {
                line = attribute(element, "r").parse().unwrap_or(line + 1);
                hidden.rows.extend(is_hidden.then_some(line));
            }
            "col" if is_hidden => {
                let place = |name| attribute(element, name).parse().unwrap_or(0_usize);
                let (first, last) = (place("min").max(1), place("max").min(SHEET_COLUMNS));
                hidden.columns.extend((first..=last).map(|at| at - 1));
            }
            _ => {}
        }
    })?;
    Ok(hidden)
}

/// The part of the archive that has the sheet of this name.
fn part_of(archive: &mut Archive<'_>, sheet: &str) -> anyhow::Result<Option<String>> {
    let mut id = None;
    each(archive, "xl/workbook.xml", |tag, element| {
        if tag == "sheet" && attribute(element, "name") == sheet {
            id = Some(attribute(element, "id"));
        }
    })?;
    let Some(id) = id else { return Ok(None) };
    let mut part = None;
    each(archive, "xl/_rels/workbook.xml.rels", |tag, element| {
        if tag == "Relationship" && attribute(element, "Id") == id {
            part = Some(attribute(element, "Target"));
        }
    })?;
    Ok(part.map(|target| match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{target}"),
    }))
}

/// Hands each element of a part to `take`; a part that is not there has none.
fn each(
    archive: &mut Archive<'_>,
    part: &str,
    mut take: impl FnMut(&str, &BytesStart<'_>),
) -> anyhow::Result<()> {
    let Ok(file) = archive.by_name(part) else { return Ok(()) };
    let mut reader = Reader::from_reader(BufReader::new(file.take(super::workbook::UNPACKED_MAX)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader
            .read_event_into(&mut buffer)
            .context("it is not a whole spreadsheet (.xlsx)")?
        {
            Event::Start(element) | Event::Empty(element) => {
                take(element.local_name().into_inner(), &element);
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// An attribute by its name, whatever its prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let mut all = element.attributes().filter_map(Result::ok);
    let found = all.find(|one| one.key.local_name().into_inner() == name);
    let value = found.and_then(|one| one.normalized_value(XmlVersion::Implicit1_0).ok());
    value.map(std::borrow::Cow::into_owned).unwrap_or_default()
}
