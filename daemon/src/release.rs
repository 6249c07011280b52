//! The fire road follows the emergency on record, whoever put it there: a batch of ours, or another
//! daemon whose row came with its news or with the rows of a batch that was lost.

use devices::fire::FireRoad;
use domain::{
    reasons::Condition,
    rows::Emergency,
    state::{Entry, Noted},
};

/// Whether an emergency was on record that the road has not followed to its end, by how often it
/// had been raised for it: 0 where others may not end it before what waits is decided.
#[derive(Debug, Default)]
pub(crate) struct Followed(Option<u64>);

impl Followed {
    /// A batch of ours is durable. The road follows its journal, in its order: a fire after a reset
    /// releases again, and a reset ends no release that it did not know of. `raised` is how often
    /// the road had been raised before the batch was decided.
    pub(crate) fn batch(&mut self, road: &FireRoad, journal: &[Entry], raised: u64) {
        for entry in journal {
            match (&entry.noted, &entry.device) {
                (Noted::EmergencyReset { .. }, _) => {
                    road.lift(raised);
                    self.0 = None;
                }
                (Noted::Condition { condition: Condition::EmergencyStarted, .. }, Some(device)) => {
                    let known = road.is_latched();
                    if !known {
                        road.raise(device);
                    }
                    // What was raised since waits to be decided.
                    self.0 = Some(if known { raised } else { road.raised() });
                }
                _ => {}
            }
        }
    }

    /// What is on record now. The road had been raised `raised` times when somebody looked, and
    /// found `all_taken` where no input that raised it waited to be decided: what waits tells of
    /// another emergency than the one that others end.
    pub(crate) fn record(
        &mut self,
        road: &FireRoad,
        now: Option<&Emergency>,
        (raised, all_taken): (u64, bool),
    ) {
        match (self.0, now) {
            (None, Some(started)) if !road.is_latched() => {
                road.raise(&started.source);
                self.0 = Some(raised + 1);
            }
            // Nothing ends it before what waits is decided.
            (None, Some(_)) if !all_taken => self.0 = Some(0),
            (_, Some(_)) if all_taken => self.0 = Some(raised),
            // Of what was raised since nothing is known before it is decided.
            (Some(known), None) if all_taken || known == raised => {
                road.lift(raised);
                self.0 = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    fn sees(followed: &mut Followed, road: &FireRoad, burns: bool, all_taken: bool) {
        let (now, raised) = (burns.then(self::burns), road.raised());
        followed.record(road, now.as_ref(), (raised, all_taken));
    }

    fn burns() -> Emergency {
        Emergency { started: Timestamp::default(), source: "gate-9".into() }
    }

    fn noted(noted: Noted) -> Entry {
        let device = Some("gate-1".into());
        Entry { at: Timestamp::default(), device, source: None, noted }
    }

    fn starts() -> Entry {
        let condition = Condition::EmergencyStarted;
        let (decision, direction, detail) = (None, None, String::new());
        noted(Noted::Condition { condition, decision, direction, detail })
    }

    fn resets() -> Entry {
        noted(Noted::EmergencyReset { operators: Default::default() })
    }

    #[test]
    fn an_emergency_of_others_releases_however_it_came_and_ends_with_its_row() {
        let (road, mut followed) = (FireRoad::new(), Followed::default());
        sees(&mut followed, &road, false, true);
        assert!(!road.is_latched());
        for _ in 0..3 {
            sees(&mut followed, &road, true, true);
            assert!(road.is_latched() && road.raised() == 1, "raised once");
        }
        // A gate of ours burns as well; what it says is part of the same emergency.
        road.raise(&"gate-1".into());
        sees(&mut followed, &road, true, true);
        sees(&mut followed, &road, false, true);
        assert!(!road.is_latched(), "others ended it");
    }

    #[test]
    fn a_fire_that_nobody_has_decided_yet_outlives_the_end_of_another() {
        let (road, mut followed) = (FireRoad::new(), Followed::default());
        sees(&mut followed, &road, true, true);
        road.raise(&"gate-1".into());
        sees(&mut followed, &road, true, false);
        sees(&mut followed, &road, false, false);
        assert!(road.is_latched(), "its input still waits");
        followed.batch(&road, &[starts()], road.raised());
        sees(&mut followed, &road, true, true);
        sees(&mut followed, &road, false, true);
        assert!(!road.is_latched());
    }

    #[test]
    fn a_fire_that_waits_while_that_of_others_is_seen_outlives_it() {
        let (road, mut followed) = (FireRoad::new(), Followed::default());
        road.raise(&"gate-1".into());
        sees(&mut followed, &road, true, false);
        sees(&mut followed, &road, false, false);
        assert!(road.is_latched());
    }

    #[test]
    fn a_fire_that_was_part_of_an_emergency_of_others_ends_with_it() {
        let (road, mut followed) = (FireRoad::new(), Followed::default());
        sees(&mut followed, &road, true, true);
        // It burns at a gate of ours, and no more; while that waits to be decided others reset.
        road.raise(&"gate-1".into());
        sees(&mut followed, &road, true, false);
        sees(&mut followed, &road, false, false);
        assert!(road.is_latched(), "it may be another one");
        sees(&mut followed, &road, false, true);
        assert!(!road.is_latched(), "it was not");
    }

    #[test]
    fn a_batch_of_ours_is_not_followed_twice() {
        let (road, mut followed) = (FireRoad::new(), Followed::default());
        road.raise(&"gate-1".into());
        followed.batch(&road, &[starts()], 0);
        sees(&mut followed, &road, true, true);
        assert_eq!(road.raised(), 1);
        followed.batch(&road, &[resets()], road.raised());
        assert!(!road.is_latched());
        road.raise(&"gate-2".into());
        sees(&mut followed, &road, false, false);
        assert!(road.is_latched(), "a new one waits to be decided");
        followed.batch(&road, &[resets(), starts()], 1);
        assert!(road.is_latched());
    }
}
