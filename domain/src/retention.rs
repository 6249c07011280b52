//! How long records tell who it was about (parameter 63): what is older keeps its time, place and
//! outcome, and a pseudonym of the person that nobody can trace back.

use jiff::{ToSpan, civil::Time, tz::TimeZone};

use crate::{
    facts::EventKind,
    limit::Period,
    params::Param,
    scope::{ParamTable, Place},
    state::{Entry, Noted},
    step::Step,
    time::{Span, Timestamp},
    windows::{instant, local_date},
};

/// A day of UTC, the time for which a person keeps one pseudonym.
pub const DAY: Span = Span::seconds(86_400);

/// The kinds of records that the parameter names apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Who came, went, or used a locker.
    Movement,
    /// What operators did, and money.
    Audit,
}

/// The first instants whose records still tell who it was about.
///
/// They are starts of days of UTC, so that no day's pseudonym stands beside a name in one record
/// and alone in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// Of movements.
    pub movements: Timestamp,
    /// Of operators' acts and money.
    pub audit: Timestamp,
}

impl Keeps {
    /// What the value in force keeps at `now`, where local time is that of `zone`.
    #[must_use]
    pub fn at(now: Timestamp, table: &ParamTable, zone: &TimeZone) -> Self {
        let value = table.resolve(Param::AuditRetention, &Place::default()).value;
        let first = |part: &str| {
            let period = value.part(part).and_then(crate::params::Value::retention);
            // A value of another kind keeps everything: nothing is lost by a mistake.
            period.map_or(Timestamp::from_micros(0), |period| first_kept(period, now, zone))
        };
        Self { movements: first("movements"), audit: first("audit") }
    }

    /// The first instant of records of this kind that still tell who.
    #[must_use]
    pub const fn first(&self, record: Record) -> Timestamp {
        match record {
            Record::Movement => self.movements,
            Record::Audit => self.audit,
        }
    }
}

fn first_kept(period: Period, now: Timestamp, zone: &TimeZone) -> Timestamp {
    let date = period.expired(local_date(now, zone)).saturating_add(1.day());
    let start = instant(date, Time::midnight(), zone, false);
    start.minus(Span(start.micros().rem_euclid(DAY.0)))
}

impl EventKind {
    /// The kind of record that decisions of this kind are.
    #[must_use]
    pub const fn record(self) -> Record {
        match self {
            Self::Entry | Self::Exit | Self::LockerOpen | Self::LockerClose => Record::Movement,
            Self::Sale | Self::Topup | Self::Refund | Self::Operator => Record::Audit,
        }
    }
}

impl Step<'_> {
    /// From here on, records that are older than the parameter says tell nobody's name. The line
    /// comes first, so that the journal itself says which records may have lost theirs.
    pub(crate) fn pseudonymise(&mut self) {
        let zone = self.state.site.time_zone.clone();
        let Keeps { movements, audit } = Keeps::at(self.now, &self.values, &zone);
        let noted = Noted::Pseudonymised { movements, audit };
        self.batch.journal.push(Entry { at: self.now, device: None, source: None, noted });
        self.forget_returned();
        self.forget_answers();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{params::Value, scope::Scope};

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn records_are_kept_for_the_days_of_the_parameter_down_to_a_day_of_utc() {
        let tbilisi = TimeZone::get("Asia/Tbilisi").unwrap();
        for (value, now, movements, audit) in [
            // Midnight of 17 June in Tbilisi is the evening before in UTC.
            ("", "2026-09-15T08:00:00Z", "2026-06-16T00:00:00Z", "2025-09-14T00:00:00Z"),
            (
                "movements P1D, audit P1M",
                "2026-03-31T21:00:00Z",
                "2026-03-30T00:00:00Z",
                "2026-02-28T00:00:00Z",
            ),
            (
                "movements P7D",
                "2026-09-15T08:00:00Z",
                "2026-09-07T00:00:00Z",
                "2025-09-14T00:00:00Z",
            ),
        ] {
            let mut table = ParamTable::default();
            if !value.is_empty() {
                let value = Value::parse(Param::AuditRetention, value).unwrap();
                table.set(Param::AuditRetention, Scope::Site, value);
            }
            let keeps = Keeps::at(at(now), &table, &tbilisi);
            let wanted = Keeps { movements: at(movements), audit: at(audit) };
            assert_eq!(keeps, wanted, "{value}");
        }
    }
}
