//! The catalogue in words: what the manual, the command line and programs are told of a parameter.
//!
//! All of it is made from the row. Values, bounds and defaults are texts as rule files write them.

use serde::{Serialize, Serializer};

use super::{CATALOGUE, DefaultFor, Kind, Letter, MOST, Merge, ParamSpec, Stricter};
use crate::{duration::Dur, money::Money, scope::ScopeKind};

/// One row of the catalogue, as people and programs read it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The stable number, from 1.
    pub number: u8,
    /// Its name, such as `anti_passback.mode`.
    pub name: &'static str,
    /// The group that it stands in, such as `A. Identity and credential`.
    pub group: &'static str,
    /// What it does, in one sentence.
    pub sentence: &'static str,
    /// What values it takes, for a form.
    pub values: Shape,
    /// The same for people.
    pub values_in_words: String,
    /// The unit of its value, or nothing.
    pub unit: &'static str,
    /// The safe default, used where no scope sets a value.
    pub default: String,
    /// Other defaults, by what has them.
    pub class_defaults: Vec<ClassDefault>,
    /// Where it may be set, the least specific first.
    pub scopes: &'static [ScopeKind],
    /// How several values are combined.
    pub merge: Merge,
    /// The same for people.
    pub merge_in_words: String,
    /// Which value is the stricter.
    pub stricter: Stricter,
    /// The same for people.
    pub stricter_in_words: &'static str,
    /// The kinds of events that it is about.
    pub events: &'static [Letter],
}

/// The default of one class of places or people.
#[derive(Clone, Debug, Serialize)]
pub struct ClassDefault {
    /// What has it.
    pub class: DefaultFor,
    /// The same for people.
    pub class_in_words: &'static str,
    /// The value.
    pub value: String,
}

/// What values a parameter takes, in the parts that a form needs.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    /// One of the words, from lax to strict.
    Choice {
        /// The words.
        words: &'static [&'static str],
    },
    /// Any of the words.
    Set {
        /// The words.
        words: &'static [&'static str],
    },
    /// Any of the words; `!` before one denies it.
    Rights {
        /// The words.
        words: &'static [&'static str],
    },
    /// Ids of the site's own things.
    Names {
        /// Of which kind.
        of: ScopeKind,
    },
    /// Codes of reasons.
    Codes,
    /// A whole number.
    Int {
        /// The smallest.
        from: i64,
        /// The largest.
        to: i64,
    },
    /// A duration.
    Duration {
        /// The longest.
        to: String,
    },
    /// An amount.
    Money {
        /// The smallest.
        from: String,
        /// The largest.
        to: String,
    },
    /// An amount, or `none`.
    Cap {
        /// The smallest.
        from: String,
        /// The largest.
        to: String,
    },
    /// An amount for each started duration.
    Rate {
        /// The largest amount.
        to: String,
    },
    /// So many within a time, or `none`.
    Limit,
    /// So many failures within a time, and how long it locks.
    Lockout,
    /// Windows of local time.
    Windows,
    /// An age for each category that is named.
    Ages,
    /// A time of the calendar.
    Retention,
    /// A value for each of the parts.
    Each {
        /// The parts.
        parts: &'static [&'static str],
        /// What each of them takes.
        of: Box<Self>,
    },
    /// A value, or several that follow a schedule.
    Scheduled {
        /// What each of them is.
        of: Box<Self>,
    },
}

/// Every row, by number.
#[must_use]
pub fn entries() -> Vec<Entry> {
    CATALOGUE.iter().map(ParamSpec::entry).collect()
}

impl ParamSpec {
    /// The row as people and programs read it.
    #[must_use]
    pub fn entry(&self) -> Entry {
        let own = self.special().map(|(class, _)| ClassDefault {
            class,
            class_in_words: class.in_words(),
            value: self.default_for(&[class]).written(self.param),
        });
        Entry {
            number: self.number,
            name: self.name,
            group: self.group,
            sentence: self.sentence,
            values: Shape::from(&self.kind),
            values_in_words: self.kind.in_words(),
            unit: self.unit,
            default: self.default().written(self.param),
            class_defaults: own.collect(),
            scopes: self.scopes,
            merge: self.merge,
            merge_in_words: self.merge_in_words(),
            stricter: self.stricter,
            stricter_in_words: self.stricter_in_words(),
            events: self.events,
        }
    }

    /// How several values are combined, for people.
    #[must_use]
    pub fn merge_in_words(&self) -> String {
        let all_hold = self.stricter == Stricter::All;
        let several = [ScopeKind::Group, ScopeKind::Role];
        match self.merge {
            Merge::MostSpecific => {
                let level = several.iter().find(|kind| self.scopes.contains(kind));
                let level = level.map_or_else(String::new, |kind| {
                    let kind = kind.name();
                    let of_two = if all_hold { "both hold" } else { "the stricter value" };
                    format!("; of two {kind}s {of_two}")
                });
                format!("the most specific scope wins{level}")
            }
            Merge::MostSpecificAboveSite => {
                "the most specific scope wins, but never laxer than the site".to_owned()
            }
            Merge::Strictest if all_hold && !matches!(self.kind, Kind::Ages) => {
                "all of them hold".to_owned()
            }
            Merge::Strictest if matches!(self.kind, Kind::Each(..) | Kind::Ages) => {
                "the strictest value wins, each part by itself".to_owned()
            }
            Merge::Strictest => "the strictest value wins".to_owned(),
            Merge::Intersection if all_hold => "all of them hold".to_owned(),
            Merge::Intersection => "what all of them name counts".to_owned(),
            Merge::Union if matches!(self.kind, Kind::Rights(_)) => {
                "what any of them allows and none denies counts".to_owned()
            }
            Merge::Union => "what any of them names counts".to_owned(),
            Merge::Site => "set for the site only".to_owned(),
        }
    }

    /// Which value is the stricter, for people.
    #[must_use]
    pub const fn stricter_in_words(&self) -> &'static str {
        let is_time = match self.kind {
            Kind::Dur(_) | Kind::Retention => true,
            Kind::Each(_, kind) => matches!(kind, Kind::Retention),
            _ => false,
        };
        match self.stricter {
            Stricter::Later => "the later in the list",
            Stricter::Fewer => "the one that names fewer",
            Stricter::More => "the one that names more",
            Stricter::Smaller if is_time => "the shorter",
            Stricter::Smaller if matches!(self.kind, Kind::Cap(..)) => {
                "the smaller; none is laxest"
            }
            Stricter::Smaller => "the smaller",
            Stricter::SmallerZeroLaxest if is_time => "the shorter; PT0S is laxest",
            Stricter::SmallerZeroLaxest => "the smaller; zero is laxest",
            Stricter::Larger if is_time => "the longer",
            Stricter::Larger => "the larger",
            Stricter::LargerZeroStrictest => "the longer; PT0S is strictest",
            Stricter::All if matches!(self.kind, Kind::Ages) => "the higher age",
            Stricter::All => "none; all hold",
        }
    }
}

impl Kind {
    /// What values it takes, for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Choice(words) => words.join(", "),
            Self::Set(words) => format!("any of {}", words.join(", ")),
            Self::Rights(words) => format!("any of {}; `!` before one denies it", words.join(", ")),
            Self::Names(kind) => format!("ids of {}s", kind.name()),
            Self::Codes => "codes of reasons".to_owned(),
            Self::Int(from, to) => format!("a whole number from {from} to {to}"),
            Self::Dur(to) => format!("a duration such as PT5M or P3D, at most {}", longest(*to)),
            Self::Money(from, to) => money_in_words(*from, *to),
            Self::Cap(from, to) => format!("{}, or none", money_in_words(*from, *to)),
            Self::Rate(_) => "an amount for each started duration, such as 0.20/PT1M".to_owned(),
            Self::Limit => "so many within a time, such as 2/P1D, or none".to_owned(),
            Self::Lockout => {
                "so many within a time and how long it locks: 5/PT5M, locked for PT5M".to_owned()
            }
            Self::Windows => {
                "hours, such as Mon-Fri 07:00-22:00; Sat 09:00-20:00, or always, or never"
                    .to_owned()
            }
            Self::Ages => "an age for each category, such as alcohol:18".to_owned(),
            Self::Retention => "days, weeks, months or years, such as P90D".to_owned(),
            Self::Each(parts, kind) => {
                format!("for each of {}: {}", parts.join(", "), kind.in_words())
            }
            Self::Scheduled(kind) => {
                let example = "locked Mon-Sun 22:00-07:00 else free";
                format!("{}; or by the hour, such as `{example}`", kind.in_words())
            }
        }
    }
}

impl From<&Kind> for Shape {
    fn from(kind: &Kind) -> Self {
        match *kind {
            Kind::Choice(words) => Self::Choice { words },
            Kind::Set(words) => Self::Set { words },
            Kind::Rights(words) => Self::Rights { words },
            Kind::Names(of) => Self::Names { of },
            Kind::Codes => Self::Codes,
            Kind::Int(from, to) => Self::Int { from, to },
            Kind::Dur(to) => Self::Duration { to: longest(to) },
            Kind::Money(from, to) => Self::Money { from: amount(from), to: amount(to) },
            Kind::Cap(from, to) => Self::Cap { from: amount(from), to: amount(to) },
            Kind::Rate(to) => Self::Rate { to: amount(to) },
            Kind::Limit => Self::Limit,
            Kind::Lockout => Self::Lockout,
            Kind::Windows => Self::Windows,
            Kind::Ages => Self::Ages,
            Kind::Retention => Self::Retention,
            Kind::Each(parts, kind) => Self::Each { parts, of: Box::new(kind.into()) },
            Kind::Scheduled(kind) => Self::Scheduled { of: Box::new(kind.into()) },
        }
    }
}

/// Whole days where it is some, so that nobody has to divide by 24.
fn longest(seconds: i64) -> String {
    let days = seconds / super::DAY;
    let whole = days > 0 && seconds % super::DAY == 0;
    let dur = if whole { Dur { days, seconds: 0 } } else { Dur::seconds(seconds) };
    dur.to_string()
}

fn amount(minor: i64) -> String {
    super::value::two_digits().exact(Money(minor)).to_string()
}

/// The largest amounts are there to catch slips; nobody needs to read them.
fn money_in_words(from: i64, to: i64) -> String {
    match (from == -MOST, to == MOST) {
        (true, _) => format!("an amount of at most {}", amount(to)),
        (_, true) => format!("an amount of at least {}", amount(from)),
        _ => format!("an amount from {} to {}", amount(from), amount(to)),
    }
}

impl Letter {
    /// The kind of event that it abbreviates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "gate.entry",
            Self::Ex => "gate.exit",
            Self::Lo => "locker.open",
            Self::Lc => "locker.close",
            Self::Sa => "sale",
            Self::Tu => "topup",
            Self::Rf => "refund",
            Self::Op => "operator",
            Self::Dv => "device",
        }
    }
}

impl Serialize for Letter {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

impl DefaultFor {
    /// What has the default, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::StaffDoor => "a staff door",
            Self::DayGuest => "a day guest",
            Self::PoolZone => "a zone with water",
            Self::SwimGroup => "a group that swims",
            Self::ReducedMobility => "reduced mobility",
            Self::BlindGate => "a gate that reports no passage",
            Self::Desk => "a screen of the staff",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Param, Value};

    #[test]
    fn the_groups_follow_each_other_by_their_letters() {
        let mut letters: Vec<_> = CATALOGUE
            .iter()
            .filter_map(|spec| spec.group.split_once(". ")?.0.chars().next())
            .collect();
        assert_eq!(letters.len(), CATALOGUE.len());
        assert!(letters.is_sorted());
        letters.dedup();
        assert_eq!(letters, ('A'..='J').collect::<Vec<_>>());
    }

    #[test]
    fn what_a_program_reads_can_be_read_back_as_a_value() {
        for (spec, entry) in CATALOGUE.iter().zip(entries()) {
            assert_eq!(Value::parse(spec.param, &entry.default).as_ref(), Ok(spec.default()));
            for own in &entry.class_defaults {
                assert!(Value::parse(spec.param, &own.value).is_ok(), "{}", spec.name);
            }
            let bounds = match entry.values {
                Shape::Money { from, to } | Shape::Cap { from, to } => vec![from, to],
                Shape::Int { from, to } => vec![from.to_string(), to.to_string()],
                Shape::Duration { to } => vec![to],
                Shape::Rate { to } => vec![format!("{to}/PT1M")],
                _ => Vec::new(),
            };
            for bound in bounds {
                assert!(Value::parse(spec.param, &bound).is_ok(), "{}: {bound}", spec.name);
            }
        }
    }

    #[test]
    fn a_row_is_told_in_words() {
        let entry = |param: Param| param.spec().entry();
        let amount = entry(Param::DebtEntryBlockAmount);
        assert_eq!(amount.values_in_words, "an amount of at least 0.00");
        assert_eq!(
            amount.merge_in_words,
            "the most specific scope wins; of two groups the stricter value"
        );
        assert_eq!(amount.stricter_in_words, "the smaller");
        assert_eq!(entry(Param::WalletMinBalance).values_in_words, "an amount of at most 0.00");
        assert_eq!(entry(Param::TariffMaxVisits).merge_in_words, "all of them hold");
        let holds = "the most specific scope wins; of two groups both hold";
        assert_eq!(entry(Param::GuestMaxPerHost).merge_in_words, holds);
        let grace = entry(Param::MembershipExpiryGrace);
        assert!(grace.values_in_words.ends_with("at most P366D"), "{}", grace.values_in_words);
        assert_eq!(entry(Param::AuditRetention).stricter_in_words, "the shorter");
        assert_eq!(entry(Param::SaleMinAgeCategories).stricter_in_words, "the higher age");
    }

    #[test]
    fn a_program_is_told_the_parts_of_a_row() {
        let told = serde_json::to_value(Param::ZoneSupervisedUnderAge.spec().entry()).unwrap();
        assert_eq!(told["values"], serde_json::json!({ "kind": "int", "from": 0, "to": 120 }));
        assert_eq!(told["class_defaults"][0]["class"], "pool_zone");
        assert_eq!(told["scopes"], serde_json::json!(["zone", "group"]));
        assert_eq!((&told["merge"], &told["stricter"]), (&"strictest".into(), &"larger".into()));
        assert_eq!(told["events"], serde_json::json!(["gate.entry"]));
        let each = serde_json::to_value(Param::DeviceOfflinePolicy.spec().entry()).unwrap();
        assert_eq!(each["values"]["of"]["words"][1], "cached");
    }
}
