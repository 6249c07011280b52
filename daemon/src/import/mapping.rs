//! Which column of a table is which of ours, and how its cells are written: a file that a person
//! can write, and a proposal by the headings where there is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rules::problem::did_you_mean;
use serde::{Deserialize, Serialize};

use super::{
    kinds::{Column, Kind, Sort},
    source::{Dialect, Table},
    translate::folded,
};
use crate::config::{self, ConfigError};

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
        let mut columns = Vec::new();
        for (name, headings) in &self.columns {
            let places = headings.all().iter().map(|heading| place(table, heading));
            columns.push((known(name)?, Origin::Columns(places.collect::<Result<_, _>>()?)));
        }
        if self.columns.is_empty() {
            columns = proposed(kind, &table.headings);
        }
        for (name, value) in &self.constants {
            let column = known(name)?;
            columns.retain(|(other, _)| other.name != column.name);
            columns.push((column, Origin::Constant(value.clone())));
        }
        for name in self.words.keys() {
            known(name)?;
        }
        columns.sort_by_key(|(column, _)| {
            kind.columns().iter().position(|known| known.name == column.name)
        });
        let used: BTreeSet<usize> = columns.iter().flat_map(|(_, from)| from.places()).collect();
        let unused = table.headings.iter().enumerate().filter(|(at, _)| !used.contains(at));
        let unused = unused.map(|(_, heading)| heading.clone()).filter(|name| !name.is_empty());
        let plan = Plan { kind, columns, unused: unused.collect() };
        Ok(plan)
    }
}

impl Origin {
    fn places(&self) -> Vec<usize> {
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
        Sort::Text => "words".to_owned(),
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
        let all = || format!("headings are `{}`", table.headings.join("`, `"));
        let help = did_you_mean(heading, names, all);
        return Err(format!("no column of the file is called `{heading}`; {help}"));
    };
    match found.next() {
        None => Ok(at),
        Some(_) => Err(format!("two columns of the file are called `{heading}`; rename one")),
    }
}

/// The columns by their headings. What two headings may mean is left to a person.
fn proposed(kind: Kind, headings: &[String]) -> Vec<(&'static Column, Origin)> {
    let folded_all: Vec<String> = headings.iter().map(|heading| folded(heading)).collect();
    let mut taken = BTreeSet::new();
    let mut columns = Vec::new();
    // Our own names first, so that a file in our own format is read as what it is.
    for own in [true, false] {
        for column in kind.columns() {
            let fits = |heading: &String| match own {
                true => *heading == folded(column.name),
                false => column.headings.iter().any(|known| folded(known) == *heading),
            };
            let mut found = (0..).zip(&folded_all).filter(|(_, heading)| fits(heading));
            let known =
                columns.iter().any(|(other, _): &(&Column, Origin)| other.name == column.name);
            if let (Some((at, _)), None, false) = (found.next(), found.next(), known)
                && taken.insert(at)
            {
                columns.push((column, Origin::Columns(vec![at])));
            }
        }
    }
    columns
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
