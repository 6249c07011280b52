//! Which column of a table is which of ours, and how its cells are written: a file that a person
//! can write, and a proposal by the headings where there is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rules::problem::did_you_mean;
use serde::{Deserialize, Serialize};

use super::{
    kinds::{Column, Kind, NAME_PARTS, Sort},
    source::{Dialect, ROW, Table, WHY},
    translate::folded,
};
use crate::{
    config::{self, ConfigError},
    registry::phones,
};

/// A mapping, as its file writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mapping {
    /// What the rows are.
    #[serde(rename = "as")]
    pub(crate) kind: Option<Kind>,
    /// The sheet of a spreadsheet.
    pub(crate) sheet: Option<String>,
    /// The encoding of text.
    pub(crate) encoding: Option<String>,
    /// The sign between cells.
    pub(crate) separator: Option<char>,
    /// The row with the headings, from 1.
    pub(crate) header: Option<u64>,
    /// How dates are written, such as `dd/mm/yyyy`.
    pub(crate) dates: Option<String>,
    /// The sign before the part of an amount.
    pub(crate) decimal: Option<char>,
    /// The country of phones that name none, such as `+995`.
    pub(crate) country: Option<String>,
    /// Words for yes.
    pub(crate) yes: Vec<String>,
    /// Words for no.
    pub(crate) no: Vec<String>,
    /// Groups that nobody is in yet.
    pub(crate) new_groups: Vec<String>,
    /// Our columns, each with the heading of theirs, or several that are put together.
    pub(crate) columns: BTreeMap<String, Headings>,
    /// What our columns hold in every row.
    pub(crate) constants: BTreeMap<String, String>,
    /// For our columns: their words, each with ours.
    pub(crate) words: BTreeMap<String, BTreeMap<String, String>>,
}

/// One heading, or several whose cells are put together.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Headings {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Headings {
    fn all(&self) -> &[String] {
        match self {
            Self::One(heading) => std::slice::from_ref(heading),
            Self::Several(headings) => headings,
        }
    }
}

/// Where a column of ours comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// These columns of the table, put together.
    Columns(Vec<usize>),
    /// The same in every row.
    Constant(String),
}

/// How the rows of one table become rows of ours.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What they are.
    pub(crate) kind: Kind,
    /// Our columns.
    pub(crate) columns: Vec<(&'static Column, Origin)>,
    /// Headings that nothing is taken from.
    pub(crate) unused: Vec<String>,
    /// Headings that mean the same, where no mapping says which of them counts.
    pub(crate) doubled: Vec<String>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub(crate) fn read(path: &Path) -> Result<(Self, String), ConfigError> {
        let text = config::read(path)?;
        let mapping: Self = config::parse(path, &text)?;
        Ok((mapping, text))
    }

    /// How its file is to be read.
    pub(crate) fn dialect(&self, sheet: Option<&str>) -> Dialect {
        Dialect {
            encoding: self.encoding.clone(),
            separator: self.separator,
            header: self.header,
            sheet: sheet.map(str::to_owned).or_else(|| self.sheet.clone()),
        }
    }

    /// How the rows of `table` become rows of `kind`: by the columns that the mapping names, else
    /// by the headings.
    ///
    /// # Errors
    /// A heading that is not there, a column that we do not have, or one that is missing.
    pub(crate) fn plan(&self, kind: Kind, table: &Table) -> Result<Plan, String> {
        let known = |name: &str| {
            let names = kind.columns().iter().map(|column| column.name);
            kind.column(name).ok_or_else(|| {
                let all = || {
                    let names: Vec<_> = kind.columns().iter().map(|column| column.name).collect();
                    format!("columns are {}", names.join(", "))
                };
                let help = did_you_mean(name, names.clone(), all);
                format!("no column of {} is called `{name}`; {help}", kind.name())
            })
        };
        if let Some(country) = &self.country
            && phones::country_of(country).is_none()
        {
            return Err(format!("no country has the code `{country}`; write one such as `+995`"));
        }
        let (mut columns, mut doubled) = (Vec::new(), Vec::new());
        for (name, headings) in &self.columns {
            let places = headings.all().iter().map(|heading| place(table, heading));
            columns.push((known(name)?, Origin::Columns(places.collect::<Result<_, _>>()?)));
        }
        if self.columns.is_empty() {
            (columns, doubled) = proposed(kind, &table.headings);
        }
        for (name, value) in &self.constants {
            let column = known(name)?;
            columns.retain(|(other, _)| other.name != column.name);
            columns.push((column, Origin::Constant(value.clone())));
        }
        for name in self.words.keys() {
            known(name)?;
        }
        taken_once(&columns, &table.headings)?;
        columns.sort_by_key(|(column, _)| {
            kind.columns().iter().position(|known| known.name == column.name)
        });
        let used: BTreeSet<usize> = columns.iter().flat_map(|(_, from)| from.places()).collect();
        let unused = table.headings.iter().enumerate().filter(|(at, _)| !used.contains(at));
        let unused = unused.filter_map(|(at, heading)| unused_name(table, (at, heading)));
        Ok(Plan { kind, columns, unused: unused.collect(), doubled })
    }
}

/// Refuses a heading that is taken more than once: one of the two columns is meant to be another.
fn taken_once(columns: &Proposed, headings: &[String]) -> Result<(), String> {
    let mut known: BTreeMap<usize, &str> = BTreeMap::new();
    for (column, origin) in columns {
        for at in origin.places() {
            if let Some(other) = known.insert(at, column.name) {
                let heading = headings.get(at).map_or("", String::as_str);
                let name = column.name;
                return Err(format!(
                    "the mapping takes the heading `{heading}` for {other} and for {name}; name \
                     another one for one of them, or take the line out"
                ));
            }
        }
    }
    Ok(())
}

/// What a column is called that nothing is taken from; nothing where it is one of our own or empty.
fn unused_name(table: &Table, (at, heading): (usize, &String)) -> Option<String> {
    match heading.as_str() {
        ROW | WHY => None,
        "" => {
            let is_filled = |row: &super::source::Row| {
                row.cells.get(at).is_some_and(|cell| !cell.shown().is_empty())
            };
            let filled = table.rows.iter().any(is_filled);
            filled.then(|| format!("column {}, which has no heading", at + 1))
        }
        name => Some(name.to_owned()),
    }
}

impl Origin {
    /// The columns of the table that it takes.
    pub(crate) fn places(&self) -> Vec<usize> {
        match self {
            Self::Columns(places) => places.clone(),
            Self::Constant(_) => Vec::new(),
        }
    }
}

impl Plan {
    /// The columns that every row needs and that come from nowhere.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let there = |name| self.columns.iter().any(|(column, _)| column.name == name);
        let needed = self.kind.columns().iter().filter(|column| column.needed);
        needed.map(|column| column.name).filter(|name| !there(*name)).collect()
    }

    /// The same as the file of a mapping, to begin with.
    pub(crate) fn written(&self, table: &Table) -> String {
        let mut text = format!(
            "# How a table becomes {kind} of Kari: docs/import.md tells what else can stand here.\n\
             as = \"{kind}\"\n\
             # dates = \"dd.mm.yyyy\"      # how dates are written\n\
             # decimal = \",\"             # what stands before tetri, luma or cents\n\
             # country = \"+995\"          # of phones that name none\n\
             \n\
             # Our column = the heading in the file, or several: [\"Name\", \"Surname\"].\n\
             [columns]\n",
            kind = self.kind.name()
        );
        for column in self.kind.columns() {
            let from = self.columns.iter().find(|(known, _)| known.name == column.name);
            let heading = match from {
                Some((_, Origin::Columns(places))) => {
                    let headings = places.iter().filter_map(|at| table.headings.get(*at));
                    let all: Vec<_> = headings.map(|name| quoted(name)).collect();
                    if all.len() == 1 { all.concat() } else { format!("[{}]", all.join(", ")) }
                }
                _ => String::new(),
            };
            let needed = if column.needed { ", needed" } else { "" };
            let line = match heading.is_empty() {
                true => format!("# {} = \"\"", column.name),
                false => format!("{} = {heading}", column.name),
            };
            text.push_str(&format!("{line:<40} # {}{needed}\n", told(column.sort)));
        }
        for name in &self.unused {
            text.push_str(&format!("# not used: {}\n", quoted(name)));
        }
        for why in &self.doubled {
            text.push_str(&format!("# {why}\n"));
        }
        text.push_str("\n# What our columns hold in every row.\n[constants]\n");
        for (column, from) in &self.columns {
            if let Origin::Constant(value) = from {
                text.push_str(&format!("{} = {}\n", column.name, quoted(value)));
            }
        }
        text.push_str(
            "\n# Their words = ours, for a column of ours.\n\
             # [words.state]\n# \"paused\" = \"frozen\"\n",
        );
        text
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What the cells of a column hold, for people.
pub(crate) fn told(sort: Sort) -> String {
    match sort {
        Sort::Text | Sort::Name => "words".to_owned(),
        Sort::Whole => "a whole number".to_owned(),
        Sort::Amount => "an amount".to_owned(),
        Sort::Date => "a date".to_owned(),
        Sort::Since | Sort::Until => "a date, or a date and time".to_owned(),
        Sort::YesNo => "yes or no".to_owned(),
        Sort::Phone => "a phone".to_owned(),
        Sort::Uid => "what the reader reports".to_owned(),
        Sort::List => "names, separated by ; or ,".to_owned(),
        Sort::Word(words) => words.join(", "),
    }
}

/// Where the column of this heading stands.
fn place(table: &Table, heading: &str) -> Result<usize, String> {
    let is_it = |(_, known): &(usize, &String)| folded(known) == folded(heading);
    let mut found = table.headings.iter().enumerate().filter(is_it);
    let Some((at, _)) = found.next() else {
        let names = table.headings.iter().map(String::as_str);
        let all = || format!("headings are {}", table.named());
        let help = did_you_mean(heading, names, all);
        return Err(format!("no column of the file is called `{heading}`; {help}"));
    };
    match found.next() {
        None => Ok(at),
        Some(_) => Err(format!("two columns of the file are called `{heading}`; rename one")),
    }
}

type Proposed = Vec<(&'static Column, Origin)>;

/// The columns by their headings, and what is wrong where two headings mean the same: which of
/// them counts is left to a person.
fn proposed(kind: Kind, headings: &[String]) -> (Proposed, Vec<String>) {
    let folded_all: Vec<String> = headings.iter().map(|heading| folded(heading)).collect();
    let (mut columns, mut doubled, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    let called = |at: &usize| format!("`{}` (column {})", headings[*at], at + 1);
    let mut double = |name: &str, places: &[usize]| {
        let all: Vec<_> = places.iter().map(called).collect();
        doubled.push(format!(
            "{} mean the same, which is {name}; name the one to take under [columns] of a mapping",
            all.join(" and ")
        ));
    };
    if kind == Kind::Members
        && let Some(parts) = name_parts(&folded_all)
        && let Some(column) = kind.column("name")
    {
        let whole = (0..).zip(&folded_all).filter(|(at, heading)| {
            let known = column.headings.contains(&heading.as_str());
            (known || **heading == folded(column.name)) && !parts.contains(at)
        });
        let places: Vec<usize> = parts.iter().copied().chain(whole.map(|(at, _)| at)).collect();
        if places.len() > parts.len() || parts_twice(&folded_all) {
            double(column.name, &places);
        } else {
            columns.push((column, Origin::Columns(parts)));
        }
        taken.extend(places);
    }
    // Our own names first, so that a file in our own format is read as what it is.
    for own in [true, false] {
        for column in kind.columns() {
            let fits = |(at, heading): &(usize, &String)| {
                let means =
                    **heading == folded(column.name) || column.headings.contains(&heading.as_str());
                let is_own = **heading == folded(column.name);
                means && (is_own || !own) && !taken.contains(at)
            };
            let found: Vec<usize> = (0..).zip(&folded_all).filter(fits).map(|(at, _)| at).collect();
            let known = columns.iter().find_map(|(other, from): &(&Column, Origin)| {
                (other.name == column.name).then(|| from.places())
            });
            match (known, &found[..]) {
                (_, []) => continue,
                (None, [at]) => columns.push((column, Origin::Columns(vec![*at]))),
                (known, _) => {
                    let all: Vec<usize> =
                        known.into_iter().flatten().chain(found.iter().copied()).collect();
                    double(column.name, &all);
                }
            }
            taken.extend(found);
        }
    }
    (columns, doubled)
}

/// Where first and last name stand in columns of their own, in the order of a name.
fn name_parts(headings: &[String]) -> Option<Vec<usize>> {
    let [first, middle, last] = NAME_PARTS
        .map(|known| headings.iter().position(|heading| known.contains(&heading.as_str())));
    Some([Some(first?), middle, Some(last?)].into_iter().flatten().collect())
}

/// Whether a part of a name stands in two columns.
fn parts_twice(headings: &[String]) -> bool {
    let count = |known: &[&str]| {
        headings.iter().filter(|heading| known.contains(&heading.as_str())).count()
    };
    NAME_PARTS.iter().any(|known| count(known) > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(headings: &str) -> Table {
        Table::read(format!("{headings}\n").as_bytes(), &Dialect::default()).unwrap()
    }

    fn plan(mapping: &str, kind: Kind, headings: &str) -> Result<Plan, String> {
        toml::from_str::<Mapping>(mapping).unwrap().plan(kind, &table(headings))
    }

    fn names(plan: &Plan) -> Vec<&'static str> {
        plan.columns.iter().map(|(column, _)| column.name).collect()
    }

    #[test]
    fn a_heading_is_taken_once() {
        let both = "[columns]\nnumber = \"a\"\nname = \"b\"\nname_latin = \"B\"\n";
        let why = plan(both, Kind::Members, "a,b").unwrap_err();
        assert!(why.contains("takes the heading `b` for name and for name_latin"), "{why}");
        let twice = "[columns]\nnumber = \"a\"\nname = [\"b\", \"b\"]\n";
        plan(twice, Kind::Members, "a,b").unwrap_err();
        let constant = "[columns]\nnumber = \"a\"\nname = \"b\"\nname_latin = \"b\"\n\
                        [constants]\nname_latin = \"x\"\n";
        plan(constant, Kind::Members, "a,b").unwrap();
    }

    #[test]
    fn columns_are_found_by_their_headings_in_four_languages() {
        for headings in [
            "Number,Name,Birth Date,Phone",
            "number,name,birth,phone",
            "№,ФИО,Дата рождения,Телефон",
            "ნომერი,სახელი გვარი,დაბადების თარიღი,ტელეფონი",
            "Համար,Անուն Ազգանուն,Ծննդյան ամսաթիվ,Հեռախոս",
        ] {
            let plan = plan("", Kind::Members, headings).unwrap();
            assert_eq!(names(&plan), ["number", "name", "birth", "phone"], "{headings}");
            assert!(plan.missing().is_empty() && plan.unused.is_empty(), "{headings}");
        }
        let half = plan("", Kind::Passes, "клиент,цвет").unwrap();
        assert_eq!(half.missing(), ["tariff", "valid_from"]);
        assert_eq!(half.unused, ["цвет"]);
    }

    #[test]
    fn first_and_last_name_in_two_columns_are_one_name() {
        for (headings, expected) in [
            ("Номер;Имя;Фамилия;Телефон", &[1, 2][..]),
            ("Фамилия;Имя;Отчество;Номер", &[1, 2, 0]),
            ("ნომერი;გვარი;სახელი", &[2, 1]),
            ("Համար;Անուն;Ազգանուն", &[1, 2]),
            ("ID;First Name;Last Name", &[1, 2]),
            ("Surname;No;Given names", &[2, 0]),
            ("No;Name;SURNAME", &[1, 2]),
            ("No;first_name;last_name", &[1, 2]),
        ] {
            let plan = plan("", Kind::Members, headings).unwrap();
            let name = plan.columns.iter().find(|(column, _)| column.name == "name").unwrap();
            assert_eq!(name.1, Origin::Columns(expected.to_vec()), "{headings}");
            assert!(plan.missing().is_empty() && plan.doubled.is_empty(), "{headings}");
            assert!(plan.unused.is_empty(), "{headings}: {:?}", plan.unused);
        }
        let first = plan("", Kind::Members, "No;First name;Phone").unwrap();
        assert_eq!(
            (first.missing(), &first.unused[..]),
            (vec!["name"], &["First name".to_owned()][..])
        );
    }

    #[test]
    fn two_columns_that_mean_the_same_are_named_with_their_places() {
        for (kind, headings, expected) in [
            (Kind::Members, "No;Name;Phone;Mobile", "`Phone` (column 3) and `Mobile` (column 4)"),
            (Kind::Members, "Номер;Имя;Телефон;телефон", "`Телефон` (column 3) and `телефон`"),
            (Kind::Members, "number;ID;name", "`number` (column 1) and `ID` (column 2)"),
            (Kind::Members, "No;ФИО;Имя;Фамилия", "`Имя` (column 3) and `Фамилия` (column 4) and"),
            (Kind::Members, "No;Имя;Name;Фамилия", "mean the same, which is name"),
            (Kind::Credentials, "uid;Card;Member", "`uid` (column 1) and `Card` (column 2)"),
            (Kind::Passes, "Member;Tariff;From;Start;Until", "which is valid_from"),
            (Kind::Balances, "წევრი;ბალანსი;ნაშთი", "which is balance"),
        ] {
            let plan = plan("", kind, headings).unwrap();
            let told = plan.doubled.concat();
            assert!(told.contains(expected), "{headings}: {told}");
            assert!(plan.written(&table(headings)).contains(expected), "{headings}");
        }
        let mapped = plan("[columns]\nnumber='No'\nname='Name'", Kind::Members, "No;Name;ID");
        assert!(mapped.unwrap().doubled.is_empty(), "a mapping says which of them counts");
    }

    #[test]
    fn a_column_without_a_heading_is_said_and_our_own_columns_are_not() {
        let text = "kari: row;number;name;;;kari: what to do\n2;1;A;;x;no\n";
        let table = Table::read(text.as_bytes(), &Dialect::default()).unwrap();
        let plan = Mapping::default().plan(Kind::Members, &table).unwrap();
        assert_eq!(plan.unused, ["column 5, which has no heading"]);
    }

    #[test]
    fn a_mapping_names_columns_and_what_is_the_same_in_every_row() {
        let mapping = "[columns]\nnumber = 'Код'\nname = ['Имя', 'Фамилия']\n[constants]\n\
                       language = 'ru'\n";
        let plan = plan(mapping, Kind::Members, "Фамилия,Имя,Код,Телефон").unwrap();
        let origins: Vec<_> = plan.columns.iter().map(|(_, origin)| origin.clone()).collect();
        let expected = [
            Origin::Columns(vec![2]),
            Origin::Columns(vec![1, 0]),
            Origin::Constant("ru".to_owned()),
        ];
        assert_eq!(origins, expected);
        assert_eq!(plan.unused, ["Телефон"], "a mapping says all of it");
    }

    #[test]
    fn a_mistake_in_a_mapping_is_told_with_what_to_do() {
        for (mapping, headings, expected) in [
            ("[columns]\nnumbr = 'a'", "a", "no column of members is called `numbr`; did you mean"),
            ("[columns]\nnumber = 'Cod'", "Code", "is called `Cod`; did you mean `Code`?"),
            ("[columns]\nnumber = 'a'", "a,A", "two columns of the file are called `a`"),
            ("[constants]\ncolour = 'red'", "a", "no column of members is called `colour`"),
            ("[words.colour]\na = 'b'", "a", "no column of members is called `colour`"),
            ("country = '+000'", "a", "no country has the code `+000`"),
        ] {
            let got = plan(mapping, Kind::Members, headings).unwrap_err();
            assert!(got.contains(expected), "{got}");
        }
        assert!(toml::from_str::<Mapping>("columms = 1").is_err());
    }

    #[test]
    fn a_mapping_that_is_written_out_reads_as_the_proposal_that_it_is() {
        let headings = "№,\"ФИО \"\"полное\"\"\",Имя,Телефон,Цвет";
        let proposal = plan("", Kind::Members, headings).unwrap();
        let text = proposal.written(&table(headings));
        let again = plan(&text, Kind::Members, headings).unwrap();
        assert_eq!(names(&again), names(&proposal));
        assert_eq!(again.unused, proposal.unused);
        assert!(text.contains("# not used: \"Цвет\"") && text.contains("as = \"members\""));
    }
}
