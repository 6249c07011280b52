//! Local times as scenarios write them: `10:00:00`, `2026-09-15 10:00:00`, and where the clocks go
//! back and an hour comes twice, `2026-10-25 02:30:00 first` or `second`.

use domain::time::Timestamp;
use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// The word for the first occurrence of a local time, and for the second.
pub(super) const OCCURRENCES: [&str; 2] = ["first", "second"];

/// The instant of a local time, in the zone and on the date of a scenario.
pub(super) fn read(text: &str, zone: &TimeZone, date: &str) -> Result<Timestamp, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let which = words.pop_if(|word| OCCURRENCES.contains(word));
    let (date, time) = match words[..] {
        [time] if !time.contains('-') => (date, time),
        [date] => (date, "00:00:00"),
        [date, time] => (date, time),
        _ => return Err(format!("`{text}` is no local time such as 2026-09-15 10:00:00")),
    };
    let local: DateTime = format!("{date}T{time}")
        .parse()
        .map_err(|_| format!("`{text}` is no local time such as 2026-09-15 10:00:00"))?;
    let found = zone.to_ambiguous_timestamp(local);
    let instant = match (found.offset(), which) {
        (AmbiguousOffset::Gap { .. }, _) => {
            return Err(format!("{local} does not exist: the clocks go forward over it"));
        }
        (AmbiguousOffset::Fold { .. }, None) => {
            return Err(format!(
                "{local} comes twice, as the clocks go back: write `first` or `second` behind it"
            ));
        }
        (AmbiguousOffset::Fold { .. }, Some("first")) => found.earlier(),
        (AmbiguousOffset::Fold { .. }, Some(_)) => found.later(),
        (AmbiguousOffset::Unambiguous { .. }, Some(which)) => {
            return Err(format!("{local} comes once: leave out `{which}`"));
        }
        (AmbiguousOffset::Unambiguous { .. }, None) => found.unambiguous(),
    };
    instant.map(Into::into).map_err(|why| why.to_string())
}

/// A local time with its date, and which of two it is where it comes twice.
pub(super) fn write(at: Timestamp, zone: &TimeZone) -> String {
    let instant = at.to_calendar();
    let local = zone.to_datetime(instant);
    let text = local.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let found = zone.to_ambiguous_timestamp(local);
    match found.offset() {
        AmbiguousOffset::Fold { .. } if found.earlier().is_ok_and(|first| first == instant) => {
            format!("{text} first")
        }
        AmbiguousOffset::Fold { .. } => format!("{text} second"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> Result<String, String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = read(text, &zone, "2026-10-25")?;
        Ok(format!("{} is {}", at.to_calendar(), write(at, &zone)))
    }

    #[test]
    fn an_hour_that_comes_twice_says_which() {
        let told = |text| berlin(text).unwrap();
        assert_eq!(told("02:30:00 first"), "2026-10-25T00:30:00Z is 2026-10-25 02:30:00 first");
        assert_eq!(told("02:30:00 second"), "2026-10-25T01:30:00Z is 2026-10-25 02:30:00 second");
        assert_eq!(told("03:00:00"), "2026-10-25T02:00:00Z is 2026-10-25 03:00:00");
        assert_eq!(told("2026-03-29"), "2026-03-28T23:00:00Z is 2026-03-29 00:00:00");
    }

    #[test]
    fn a_time_that_nobody_can_mean_is_refused() {
        let refused = |text| berlin(text).unwrap_err();
        assert!(refused("02:30:00").contains("write `first` or `second`"));
        assert!(refused("04:30:00 second").contains("comes once: leave out `second`"));
        assert!(refused("2026-03-29 02:30:00").contains("does not exist"));
        assert!(refused("half past two").contains("no local time"));
        assert!(refused("25:00:00").contains("no local time"));
    }
}
