//! What would open it, held against the rules: all changes together open, without any one of them
//! it stays shut, and whoever stands at an exit is never without a way out.

use std::collections::BTreeMap;

use domain::{
    facts::{EVENT_KINDS, EventKind},
    gather::Gathered,
    judge::judge,
    reasons::Reason,
    remedy::{Change, remedy},
    seen::Seen,
    verdict::Outcome,
};
use fastrand::Rng;
use jiff::tz::TimeZone;

use crate::{Profiled, asked, cases::Maker, instant, profile::Profile, shipped};

const CASES: usize = 3;
/// What comes about in a thousand profiles.
const COME_ABOUT: [&str; 16] = [
    "bring_adults",
    "buy_pass",
    "check_identity",
    "check_photo",
    "enter_pin",
    "free_lockers",
    "lift",
    "load_at_most",
    "other_operator",
    "pay",
    "pay_otherwise",
    "pick_up_cash",
    "record_certificate",
    "second_person",
    "top_up",
    "wait",
];

fn opens(seen: &Seen, policy: &Profiled<'_>, zone: &TimeZone) -> bool {
    let gathered = Gathered::of(seen, policy.table, zone);
    judge(seen, &gathered, policy, zone).outcome.opens()
}

fn ignored_or_open(seen: &Seen, policy: &Profiled<'_>, zone: &TimeZone) -> bool {
    let gathered = Gathered::of(seen, policy.table, zone);
    let outcome = judge(seen, &gathered, policy, zone).outcome;
    outcome.opens() || outcome == Outcome::Ignore
}

fn changed(seen: &Seen, changes: &[&Change]) -> Seen {
    let mut seen = seen.clone();
    changes.iter().for_each(|change| change.apply(&mut seen));
    seen
}

/// Nobody lifts what has no override, or for an operator.
fn is_lifted(change: &Change, kind: EventKind) -> bool {
    match change {
        Change::Lift { reason, .. } => kind != EventKind::Operator && reason.is_overridable(),
        _ => true,
    }
}

#[test]
fn what_would_open_opens_and_nothing_of_it_is_superfluous() {
    let seed = asked("KARI_REFERENCE_SEED", 20_260_915);
    let profiles = asked("KARI_REFERENCE_PROFILES", 1000);
    let rules = shipped(("unchanged", "unchanged"));
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..profiles {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9).wrapping_add(number));
        let profile = Profile::random(&mut rng);
        let zone = TimeZone::get(profile.zone).unwrap();
        let policy = Profiled { rules: &rules, table: &profile.table };
        for case in 0..CASES {
            let at = instant(&mut rng, profile.ahead);
            let kind = EVENT_KINDS[rng.usize(..EVENT_KINDS.len())];
            let seen = Maker { ahead: profile.ahead, at, rng: &mut rng }.seen(kind);
            let place = format!("seed {seed}, profile {number}, case {case}, {kind:?}");
            let Some(found) = remedy(&seen, (&policy, &profile.table), &zone) else {
                let told = ignored_or_open(&seen, &policy, &zone);
                assert!(told, "{place}: shut, and nothing is told");
                continue;
            };
            let all: Vec<&Change> = found.changes.iter().collect();
            if !found.stuck.is_empty() {
                *told.entry("stuck".to_owned()).or_default() += 1;
                assert!(all.is_empty(), "{place}: {found:?}");
                // A locked gate beside a free exit opens by an override alone.
                let out = kind != EventKind::Exit || found.stuck == [Reason::GateLocked];
                assert!(out, "{place}: no way out for {:?}", found.stuck);
                continue;
            }
            // What a hold books is booked before anybody pays.
            let gathered = Gathered::of(&seen, &profile.table, &zone);
            let booked = gathered.booked(&seen);
            assert!(!opens(&booked, &policy, &zone), "{place}: {found:?}");
            assert!(opens(&changed(&booked, &all), &policy, &zone), "{place}: {found:?}");
            for without in 0..all.len() {
                let mut fewer = all.clone();
                fewer.remove(without);
                let shut = !opens(&changed(&booked, &fewer), &policy, &zone);
                assert!(shut, "{place}: superfluous {:?} in {found:?}", all[without]);
            }
            assert!(found.changes.is_sorted_by_key(Change::effort), "{place}: {found:?}");
            for change in &found.changes {
                assert!(is_lifted(change, kind), "{place}: nobody does {change:?}");
                let name = serde_json::to_value(change).unwrap()["change"].to_string();
                *told.entry(name).or_default() += 1;
            }
        }
    }
    println!("{told:?}");
    for change in COME_ABOUT {
        let came = told.contains_key(&format!("\"{change}\"")) || profiles < 1000;
        assert!(came, "{change} never came about: {told:?}");
    }
}
