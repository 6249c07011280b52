//! What somebody does to a table, and where it must be found.

use store::verify::Finding;
use uuid::Uuid;

use super::support::Home;

/// A table as somebody finds it who looks into the database.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) keys: Vec<String>,
    pub(crate) rows: usize,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// One value of one row.
    Cell,
    /// One row taken away.
    Deleted,
    /// A row put in, which is like another one but for its key.
    Added,
    /// Two rows that have each other's values.
    Swapped,
    /// The last rows taken away.
    Cut,
    /// All rows taken away.
    Emptied,
    /// A row that is again as it was once.
    Older,
}

impl Change {
    pub(crate) const ALL: [Self; 7] = [
        Self::Cell,
        Self::Deleted,
        Self::Added,
        Self::Swapped,
        Self::Cut,
        Self::Emptied,
        Self::Older,
    ];

    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        // Half of all changes are of single values.
        if random.bool() { Self::Cell } else { Self::ALL[random.usize(1..Self::ALL.len())] }
    }
}

/// What was done: the rows that must be named, or that so many are gone.
#[derive(Debug)]
pub(crate) struct Done {
    sql: String,
    rows: Vec<String>,
    gone: usize,
}

/// A row: its key as `kari verify` prints it, and as a condition.
#[derive(Clone, Debug)]
struct Row {
    key: String,
    is: String,
}

/// A value of a key as text: `hex` of bytes and ids.
fn as_text(home: &Home, column: &(String, String)) -> String {
    let (name, kind) = column;
    match (home.is_postgres(), kind.as_str()) {
        (true, "bytea") => format!("encode({name}, 'hex')"),
        (true, _) => format!("{name}::text"),
        (false, "BLOB") => format!("hex({name})"),
        (false, _) => format!("CAST({name} AS TEXT)"),
    }
}

impl Table {
    fn column(&self, name: &str) -> &(String, String) {
        self.columns.iter().find(|(column, _)| column == name).unwrap()
    }

    async fn all(&self, home: &Home) -> Vec<Row> {
        let keys: Vec<_> = self.keys.iter().map(|key| self.column(key)).collect();
        let texts: Vec<_> = keys.iter().map(|key| as_text(home, key)).collect();
        let (name, order) = (&self.name, self.keys.join(", "));
        let sql = format!("SELECT {} FROM {name} ORDER BY {order}", texts.join(", "));
        let rows = home.texts(&sql, self.keys.len()).await;
        rows.into_iter()
            .map(|values| {
                let is = keys.iter().zip(&values).map(|((key, kind), value)| {
                    let text = value.replace('\'', "''");
                    match kind.as_str() {
                        "BLOB" => format!("{key} = x'{value}'"),
                        "bytea" => format!("{key} = decode('{value}', 'hex')"),
                        "uuid" | "text" | "TEXT" => format!("{key} = '{text}'"),
                        _ => format!("{key} = {value}"),
                    }
                });
                let is = is.collect::<Vec<_>>().join(" AND ");
                let printed = keys.iter().zip(&values).map(|((_, kind), value)| {
                    let id = Some(value).filter(|_| kind == "BLOB" || kind == "uuid");
                    let id = id.and_then(|id| Uuid::try_parse(id).ok());
                    id.map_or_else(|| value.clone(), |id| id.to_string())
                });
                Row { key: printed.collect::<Vec<_>>().join("/"), is }
            })
            .collect()
    }

    fn others(&self) -> Vec<&(String, String)> {
        self.columns.iter().filter(|(column, _)| !self.keys.contains(column)).collect()
    }
}

/// Another value for a column.
fn other(home: &Home, (name, kind): &(String, String), random: &mut fastrand::Rng) -> String {
    let size = if name.contains("hash") || name == "content" { 32 } else { 16 };
    match (home.is_postgres(), kind.as_str()) {
        (_, "TEXT" | "text") => match random.u8(0..3) {
            0 => format!("coalesce({name}, '') || ' '"),
            1 => format!("'x' || coalesce({name}, '')"),
            _ => format!("coalesce({name}, '') || '1'"),
        },
        (_, "BOOLEAN" | "boolean") => format!("NOT coalesce({name}, false)"),
        (true, "uuid") => "gen_random_uuid()".to_owned(),
        (_, "BLOB" | "bytea") => format!("randomblob({size})"),
        _ if random.bool() => format!("coalesce({name}, 0) + 1"),
        _ => format!("coalesce({name}, 0) + {}", random.u16(2..)),
    }
}

impl Change {
    /// Makes the change at a random place; nothing where the table does not have it, or lets
    /// nobody make it.
    pub(crate) async fn make(
        self,
        home: &Home,
        table: &Table,
        random: &mut fastrand::Rng,
    ) -> Option<Done> {
        let (name, rows) = (&table.name, table.all(home).await);
        let row = rows.get(random.usize(..rows.len().max(1)))?.clone();
        let (sql, named, gone) = match self {
            Self::Cell => {
                let column = &table.columns[random.usize(..table.columns.len())];
                let value = other(home, column, random);
                let sql = format!("UPDATE {name} SET {} = {value} WHERE {}", column.0, row.is);
                // A row with another key is one that was added, and the old one is missing.
                (sql, vec![row.key], 0)
            }
            Self::Deleted => (format!("DELETE FROM {name} WHERE {}", row.is), vec![row.key], 1),
            Self::Added => {
                let key = table.column(&table.keys[random.usize(..table.keys.len())]);
                let columns: Vec<_> = table.columns.iter().map(|(name, _)| name.clone()).collect();
                let value = |name: &String| match *name == key.0 {
                    true => other(home, key, &mut fastrand::Rng::with_seed(3)),
                    false => name.clone(),
                };
                let values: Vec<_> = columns.iter().map(value).collect();
                let (columns, values) = (columns.join(", "), values.join(", "));
                let is = &row.is;
                let sql = format!(
                    "INSERT INTO {name} ({columns}) SELECT {values} FROM {name} WHERE {is}"
                );
                (sql, Vec::new(), 0)
            }
            Self::Swapped => swap(home, table, (row, &rows), random).await?,
            Self::Cut if rows.len() > 2 => {
                let last = &rows[rows.len() - random.usize(2..rows.len())..];
                let is: Vec<_> = last.iter().map(|row| format!("({})", row.is)).collect();
                (format!("DELETE FROM {name} WHERE {}", is.join(" OR ")), Vec::new(), last.len())
            }
            Self::Cut => return None,
            Self::Emptied => (format!("DELETE FROM {name}"), Vec::new(), rows.len()),
            Self::Older => put_back(home, table, row).await?,
        };
        home.tamper(&sql).await.ok()?;
        let mut done = Done { sql, rows: named, gone };
        if self == Self::Added {
            let known: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
            let now = table.all(home).await.into_iter().map(|row| row.key);
            done.rows = now.filter(|key| !known.contains(key)).collect();
            assert_eq!(done.rows.len(), 1, "{}", done.sql);
        }
        Some(done)
    }
}

/// A change as its text, the rows that it is found by, and how many rows are gone.
type Made = (String, Vec<String>, usize);

/// Two rows change a value with each other.
async fn swap(
    home: &Home,
    table: &Table,
    (row, rows): (Row, &[Row]),
    random: &mut fastrand::Rng,
) -> Option<Made> {
    let name = &table.name;
    let second = rows.iter().find(|second| second.key != row.key)?.clone();
    let others = table.others();
    let column = others.get(random.usize(..others.len().max(1)))?;
    let text = as_text(home, column);
    let of = |row: &Row| format!("(SELECT {text} FROM {name} WHERE {})", row.is);
    let sql = format!(
        "SELECT CASE WHEN {} IS NOT DISTINCT FROM {} THEN '=' ELSE '' END",
        of(&row),
        of(&second)
    );
    if home.texts(&sql, 1).await[0][0] == "=" {
        return None;
    }
    let column = &column.0;
    let of = |row: &Row| format!("(SELECT {column} FROM {name} WHERE {})", row.is);
    let (first_value, second_value) = (of(&row), of(&second));
    let (first, other) = (&row.is, &second.is);
    let sql = format!(
        "CREATE TEMP TABLE two AS SELECT {first_value} AS one, {second_value} AS two;
            UPDATE {name} SET {column} = CASE WHEN {first} THEN (SELECT two FROM two)
                ELSE (SELECT one FROM two) END WHERE ({first}) OR ({other})"
    );
    Some((sql, vec![row.key, second.key], 0))
}

/// A row is put back as it was when the site was younger.
async fn put_back(home: &Home, table: &Table, row: Row) -> Option<Made> {
    let name = &table.name;
    let columns: Vec<_> = table.columns.iter().map(|(name, _)| name.clone()).collect();
    let columns = columns.join(", ");
    let is = &row.is;
    let then = format!("SELECT count(*)::text FROM old_{name} WHERE {is}");
    let then = then.replace("::text", if home.is_postgres() { "::text" } else { "||''" });
    let known = home.texts(&then, 1).await[0][0] == "1";
    if !known || !table.columns.iter().any(|(name, _)| name == "version") {
        return None;
    }
    let same = format!(
        "SELECT CASE WHEN n.version = o.version THEN '=' ELSE '' END
            FROM (SELECT * FROM {name} WHERE {is}) n,
                (SELECT * FROM old_{name} WHERE {is}) o"
    );
    if home.texts(&same, 1).await[0][0] == "=" {
        return None;
    }
    let sql = format!(
        "DELETE FROM {name} WHERE {is};
            INSERT INTO {name} ({columns}) SELECT {columns} FROM old_{name} WHERE {is}"
    );
    Some((sql, vec![row.key], 0))
}

/// The tables that the chains hold, and what names their rows.
const CHAINED: [(&str, &[&str]); 4] = [
    ("journal", &["journal"]),
    ("decision", &["journal", "decision"]),
    ("ledger_transaction", &["ledger"]),
    ("posting", &["ledger"]),
];

impl Done {
    /// Whether the findings name each row, or say that so many are gone.
    pub(crate) fn is_located(&self, table: &str, found: &[Finding]) -> bool {
        if let Some((_, names)) = CHAINED.iter().find(|(name, _)| *name == table) {
            return found.iter().any(|one| names.contains(&one.table.as_str()));
        }
        let here: Vec<_> = found.iter().filter(|one| one.table == table).collect();
        // Without the row of a person nobody knows which words belong to it.
        let unknown = |one: &&Finding| one.why.contains("cannot be known");
        match table {
            "audit_key" => return !found.is_empty(),
            // Their few rows have no sum; what refers to one that is gone says so.
            "batch" | "daemon" => return !here.is_empty() || self.gone > 0 && !found.is_empty(),
            "person_word" if self.gone > 1 && here.iter().any(unknown) => return true,
            _ if self.gone > 1 => return here.iter().any(|one| one.why.contains("missing")),
            _ => {}
        }
        let named = |key: &String| {
            here.iter().any(|one| {
                let row = one.row.as_deref().unwrap_or_default();
                // Without the row of a person this is said of all their words, and without rows
                // that nobody can name, of those of all people.
                let whole = table == "person_word"
                    && one.why.contains("cannot be known")
                    && (one.row.is_none() || key.ends_with(&format!("/{row}")));
                row == key || whole || row.strip_suffix('…').is_some_and(|row| key.starts_with(row))
            })
        };
        self.rows.iter().all(named)
    }
}
