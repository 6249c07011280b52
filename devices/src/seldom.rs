//! What may be said a few times a minute and no more: a device that floods us fills no log.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For so long something that was said is only counted.
const QUIET: Duration = Duration::from_secs(60);
/// So many causes are told apart; all others are one.
const CAUSES_MAX: usize = 256;

/// Counts what happens, by cause, and says when it may be said.
pub(crate) struct Seldom {
    /// So often a minute a cause may be said.
    often: u32,
    causes: Mutex<BTreeMap<String, Cause>>,
}

struct Cause {
    since: Instant,
    said: u32,
    unsaid: u64,
}

impl Seldom {
    /// Each cause may be said `often` times a minute.
    pub(crate) const fn new(often: u32) -> Self {
        Self { often, causes: Mutex::new(BTreeMap::new()) }
    }

    /// It happened once more: whether it may be said, with how often it was not said before.
    pub(crate) fn happened(&self, cause: &str, now: Instant) -> Option<u64> {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        if causes.len() >= CAUSES_MAX && !causes.contains_key(cause) {
            causes.retain(|_, known| now.duration_since(known.since) < QUIET);
        }
        let full = causes.len() >= CAUSES_MAX && !causes.contains_key(cause);
        let key = if full { String::new() } else { cause.to_owned() };
        let new = Cause { since: now, said: 0, unsaid: 0 };
        let known = causes.entry(key).or_insert(new);
        if now.duration_since(known.since) >= QUIET {
            (known.since, known.said) = (now, 0);
        }
        if known.said >= self.often {
            known.unsaid += 1;
            return None;
        }
        known.said += 1;
        Some(std::mem::take(&mut known.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_a_minute_with_the_number_of_those_before() {
        let seldom = Seldom::new(1);
        let start = Instant::now();
        assert_eq!(seldom.happened("gate-1", start), Some(0));
        for _ in 0..500 {
            assert_eq!(seldom.happened("gate-1", start), None);
        }
        assert_eq!(seldom.happened("gate-2", start), Some(0), "another cause");
        assert_eq!(seldom.happened("gate-1", start + QUIET), Some(500));
    }

    #[test]
    fn causes_that_somebody_invents_take_no_more_than_their_place() {
        let seldom = Seldom::new(1);
        let start = Instant::now();
        for number in 0..10_000 {
            seldom.happened(&number.to_string(), start);
        }
        assert!(seldom.causes.lock().unwrap().len() <= CAUSES_MAX + 1);
        assert_eq!(seldom.happened("later", start + QUIET), Some(0));
    }
}
