//! A row as bytes that no other row has.

use std::fmt::Write as _;

use uuid::Uuid;

use crate::{binds::Value, cells::Cell};

/// The kinds of values; an id is bytes, and yes and no are 1 and 0, as in both databases.
const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

/// A row's table, and each of its values with its kind and length.
#[derive(Debug, Default)]
pub(crate) struct Canon {
    bytes: Vec<u8>,
    /// How long the table's name is, with its end.
    table: usize,
    keys: usize,
    columns: usize,
    key_end: usize,
}

impl Canon {
    /// Begins a row of `table`, whose first `keys` columns are the key.
    pub(crate) fn begin(&mut self, table: &str, keys: usize) {
        self.bytes.clear();
        self.bytes.extend_from_slice(table.as_bytes());
        self.bytes.push(NULL);
        (self.table, self.keys) = (self.bytes.len(), keys);
        (self.columns, self.key_end) = (0, self.bytes.len());
    }

    fn close(&mut self) {
        self.columns += 1;
        if self.columns == self.keys {
            self.key_end = self.bytes.len();
        }
    }

    /// Nothing.
    pub(crate) fn null(&mut self) {
        self.bytes.push(NULL);
        self.close();
    }

    /// A whole number.
    pub(crate) fn int(&mut self, number: i64) {
        self.bytes.push(INT);
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self.close();
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.bytes.push(kind);
        let mut rest = bytes.len();
        while rest >= 0x80 {
            self.bytes.push(u8::try_from(rest & 0x7F).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        self.bytes.push(u8::try_from(rest).unwrap_or(0));
        self.bytes.extend_from_slice(bytes);
        self.close();
    }

    /// A text.
    pub(crate) fn text(&mut self, text: &str) {
        self.sized(TEXT, text.as_bytes());
    }

    /// Bytes, or an id.
    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.sized(BYTES, bytes);
    }

    /// A value that is to be bound.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Int(Some(number)) => self.int(*number),
            Value::Yes(Some(yes)) => self.int(i64::from(*yes)),
            Value::Text(Some(text)) => self.text(text),
            Value::Bytes(Some(bytes)) => self.blob(bytes),
            Value::Id(Some(id)) => self.blob(id.as_bytes()),
            Value::Int(None)
            | Value::Yes(None)
            | Value::Text(None)
            | Value::Bytes(None)
            | Value::Id(None) => self.null(),
        }
    }

    /// A value as the database gives it.
    pub(crate) fn cell(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Null => self.null(),
            Cell::Int(number) => self.int(*number),
            Cell::Text(text) => self.text(text),
            Cell::Blob(bytes) => self.blob(bytes),
        }
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The table and the key.
    pub(crate) fn key(&self) -> &[u8] {
        self.bytes.get(..self.key_end).unwrap_or_default()
    }

    /// The key as it stands in the sum of its table, and as people read it.
    pub(crate) fn name(&self) -> KeyName {
        let key = self.bytes.get(self.table..self.key_end).unwrap_or_default();
        let mut name = KeyName::default();
        if let Some((length, rest)) = name.0.split_first_mut() {
            *length = u8::try_from(key.len()).unwrap_or(u8::MAX);
            rest.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        }
        name
    }

    /// The version, which stands behind the key; 0 where there is none.
    pub(crate) fn version(&self) -> i64 {
        let rest = self.bytes.get(self.key_end..).unwrap_or_default();
        let number = rest.split_first_chunk::<9>().map(|(number, _)| *number);
        match number {
            Some([INT, number @ ..]) => i64::from_le_bytes(number),
            _ => 0,
        }
    }
}

/// The beginning of a key, with its length: two of them laid over each other leave nothing, so that
/// what a table lacks can be read from what all keys leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyName(pub(crate) [u8; KeyName::SIZE]);

impl Default for KeyName {
    fn default() -> Self {
        Self([0; Self::SIZE])
    }
}

impl KeyName {
    /// Room for the key of a pass, two ids.
    pub(crate) const SIZE: usize = 40;

    /// The beginning of the row of `table` that has this key; nothing where it is too long.
    pub(crate) fn row(&self, table: &str) -> Option<Canon> {
        let [length, key @ ..] = &self.0;
        let key = key.get(..usize::from(*length))?;
        let mut row = Canon::default();
        row.begin(table, 0);
        row.bytes.extend_from_slice(key);
        row.key_end = row.bytes.len();
        Some(row)
    }

    /// Lays another one over this one.
    pub(crate) fn lay(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(to, from)| *to ^= from);
    }
}

/// As people read it: values with a stroke between them. One that is longer than there is room for
/// ends in dots.
impl std::fmt::Display for KeyName {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [length, key @ ..] = &self.0;
        let length = usize::from(*length);
        let (mut rest, cut) = match key.get(..length) {
            Some(key) => (key, ""),
            None => (key.as_slice(), "…"),
        };
        let mut stroke = "";
        while let [kind, after @ ..] = rest {
            to.write_str(stroke)?;
            stroke = "/";
            rest = match (*kind, after) {
                (INT, [a, b, c, d, e, f, g, h, after @ ..]) => {
                    write!(to, "{}", i64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))?;
                    after
                }
                (kind @ (TEXT | BYTES), after) => {
                    let (size, after) = size_of(after);
                    let (value, after) = after.split_at_checked(size).unwrap_or((after, &[]));
                    written(kind, value, to)?;
                    after
                }
                _ => after,
            };
        }
        to.write_str(cut)
    }
}

fn size_of(mut rest: &[u8]) -> (usize, &[u8]) {
    let (mut size, mut shift) = (0_usize, 0_u32);
    while let [byte, after @ ..] = rest {
        size |= usize::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
        (shift, rest) = (shift + 7, after);
        if byte & 0x80 == 0 || shift > 28 {
            break;
        }
    }
    (size, rest)
}

fn written(kind: u8, value: &[u8], to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    if kind == TEXT {
        return to.write_str(&String::from_utf8_lossy(value));
    }
    match Uuid::from_slice(value) {
        Ok(id) => write!(to, "{id}"),
        Err(_) => {
            let digits = value.iter().fold(String::new(), |mut digits, byte| {
                let _infallible = write!(digits, "{byte:02x}");
                digits
            });
            to.write_str(&digits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Value]) -> Canon {
        let mut row = Canon::default();
        row.begin("pass", 2);
        values.iter().for_each(|value| row.value(value));
        row
    }

    #[test]
    fn what_all_keys_leave_is_the_key_that_is_missing() {
        let id = |number| Value::from(Uuid::from_u128(number));
        let rows: Vec<Canon> =
            (1..9).map(|number| row(&[id(number), id(number + 100), Value::from(3_i64)])).collect();
        let mut left = KeyName::default();
        rows.iter().for_each(|row| left.lay(&row.name()));
        rows.iter().filter(|row| row.name() != rows[4].name()).for_each(|row| {
            left.lay(&row.name());
        });
        let (one, two) = (Uuid::from_u128(5), Uuid::from_u128(105));
        assert_eq!(left.to_string(), format!("{one}/{two}"));
        assert!(rows.iter().all(|row| row.version() == 3));
        let long = row(&[Value::from("x".repeat(200).as_str()), Value::from(-7_i64)]);
        assert_eq!(long.name().to_string(), format!("{}…", "x".repeat(36)));
        let receipt = row(&[Value::from("till-1"), Value::from(500_i64)]);
        assert_eq!(receipt.name().to_string(), "till-1/500");
    }

    #[test]
    fn no_two_rows_are_the_same_bytes() {
        let rows = [
            row(&[Value::from("a"), Value::from("b"), Value::Text(None)]),
            row(&[Value::from("a"), Value::from("b"), Value::from("")]),
            row(&[Value::from("a"), Value::from("b"), Value::from(0_i64)]),
            row(&[Value::from("ab"), Value::from(""), Value::Text(None)]),
            row(&[Value::from("a"), Value::from(b"b".to_vec()), Value::Text(None)]),
        ];
        for (place, one) in rows.iter().enumerate() {
            for other in rows.iter().skip(place + 1) {
                assert_ne!(one.bytes(), other.bytes());
            }
        }
    }
}
