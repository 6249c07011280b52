//! What a request is told of the person, the hour and the place, whatever the rules make of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[expect(dead_code, reason = "each test file uses its own part of it")]
mod world;

use std::sync::Arc;

use domain::{
    command::Action,
    decision::Decision,
    event::Direction::{Entry, Exit},
    facts::Facts,
    ids::{CredentialId, DeviceId},
    params::Param,
    rows::Member,
    scope::Scope,
    site::Site,
    state::{ImportRow, Input},
    time::Span,
    verdict::Outcome,
};
use uuid::Uuid;
use world::{MEMBER, World, at, band, told};

fn facts(world: &mut World, time: &str) -> Facts {
    world.read("G1", Entry, "W1", time).facts.unwrap()
}

/// Changes the member as a desk would.
fn member(world: &mut World, change: impl FnOnce(&mut Member)) {
    let mut row = world.state.tables.members.peek(&MEMBER).cloned().unwrap();
    change(&mut row);
    world.state.tables.members.put(MEMBER, row);
    world.state.commit();
}

fn set(world: &mut World, param: Param, scope: Scope, text: &str) {
    world.set_at(param, scope, text);
}

#[test]
fn a_margin_opens_a_tariff_earlier_and_the_site_only_if_it_is_set_for_the_site() {
    let windows = Param::TimeAccessWindows;
    let margin = Param::TimeEarlyEntryMargin;
    for (scope, at_noon_less_10, site_open) in [
        (None, (false, "12:00:00"), false),
        (Some(Scope::Tariff("pack".into())), (true, "12:00:00"), false),
        (Some(Scope::Site), (true, "11:45:00"), true),
    ] {
        let mut world = World::new(0);
        set(&mut world, windows, Scope::Site, "Mon-Sun 12:00-22:00");
        set(&mut world, windows, Scope::Tariff("pack".into()), "Tue 12:00-13:00");
        if let Some(scope) = scope.clone() {
            set(&mut world, margin, scope, "PT15M");
        }
        let early = facts(&mut world, "11:50:00");
        assert_eq!(
            (early.windows_open, early.site_open),
            (at_noon_less_10.0, site_open),
            "{scope:?}"
        );
        let far = facts(&mut world, "10:00:00");
        assert_eq!(far.opens_at, Some(at(at_noon_less_10.1)), "{scope:?}");
        let late = facts(&mut world, "13:00:00");
        assert!(late.site_open && !late.windows_open, "no end is moved: {scope:?}");
    }
}

#[test]
fn a_certificate_is_good_through_its_last_day() {
    let told = |until: Option<&str>| {
        let mut world = World::new(0);
        member(&mut world, |row| row.certificate_until = until.map(|date| date.parse().unwrap()));
        let facts = facts(&mut world, "09:00:00");
        (facts.certificate, facts.certificate_days)
    };
    for (until, word, days) in [
        (None, "missing", 0),
        (Some("2026-09-15"), "valid", 0),
        (Some("2026-09-20"), "valid", 5),
        (Some("2027-09-15"), "valid", 365),
        (Some("2026-09-14"), "ended", 1),
        (Some("2025-09-15"), "ended", 365),
    ] {
        assert_eq!(told(until), (word.to_owned(), days), "{until:?}");
    }
}

#[test]
fn who_moves_with_difficulty_has_more_time_to_pass_and_a_set_value_replaces_it() {
    let timeout = |world: &World| {
        let spans = world.last.commands.iter().find_map(|command| match command.action {
            Action::OpenOnce { passage_timeout, .. } => Some(passage_timeout),
            _ => None,
        });
        spans.unwrap()
    };
    let mut world = World::new(0);
    world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!(timeout(&world), Span::seconds(5));
    let mut world = World::new(0);
    member(&mut world, |row| row.groups = ["slow".into()].into());
    world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!(timeout(&world), Span::seconds(10));
    let mut world = World::new(0);
    member(&mut world, |row| row.groups = ["slow".into()].into());
    set(&mut world, Param::GatePassageTimeout, Scope::Device("G1".into()), "PT7S");
    world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!(timeout(&world), Span::seconds(7));
}

#[test]
fn a_gate_that_tells_no_passage_counts_the_grant() {
    let mut world = World::new(0);
    let mut site = Site::clone(&world.state.site);
    site.gates.get_mut(&DeviceId::from("G1")).unwrap().reports_passage = false;
    world.state.site = Arc::new(site);
    world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!((world.presence().inside, world.visits_left()), (1, 4));
    let mut world = World::new(0);
    world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!((world.presence().inside, world.visits_left()), (0, 5));
}

#[test]
fn the_mode_of_a_gate_may_follow_the_hour() {
    for (time, outcome) in [
        ("06:59:59", Outcome::Deny),
        ("07:00:00", Outcome::Grant),
        ("21:59:59", Outcome::Grant),
        ("22:00:00", Outcome::Deny),
    ] {
        let mut world = World::new(0);
        let gate = Scope::Device("G1".into());
        set(&mut world, Param::GateMode, gate, "locked Mon-Sun 22:00-07:00 else controlled");
        assert_eq!(told(&world.read("G1", Entry, "W1", time)).0, outcome, "{time}");
    }
}

#[test]
fn so_many_visits_within_a_time_and_when_the_next_one_is_allowed() {
    let mut world = World::new(0);
    set(&mut world, Param::TariffMaxVisits, Scope::Site, "2/P1D");
    set(&mut world, Param::TariffMaxVisits, Scope::Tariff("pack".into()), "3/PT24H");
    let came = |world: &mut World, hour: u32| {
        let time = |second: u32| format!("{hour:02}:00:{second:02}");
        let facts = facts(world, &time(0));
        world.passage("G1", Entry, &time(2), &time(2));
        world.read("G1", Exit, "W1", &time(10));
        world.passage("G1", Exit, &time(12), &time(12));
        (facts.visit_limit_reached, facts.visit_limit, facts.visit_again_at)
    };
    let midnight = Some(at("23:59:59").plus(Span::seconds(1)));
    assert_eq!(came(&mut world, 9), (false, 0, None));
    assert_eq!(came(&mut world, 12), (false, 0, None));
    // The policy of this test opens all the same: the third visit is the one of the tariff's limit.
    assert_eq!(came(&mut world, 15), (true, 2, midnight));
    let next_day = Some(at("09:00:02").plus(Span::seconds(86_400)));
    assert_eq!(came(&mut world, 18), (true, 3, next_day));
    set(&mut world, Param::TariffMaxVisits, Scope::Member(MEMBER), "0/P1M");
    assert_eq!(came(&mut world, 20), (true, 0, None), "what never ends lasts longest");
}

#[test]
fn a_visit_that_was_granted_to_one_band_counts_for_the_other() {
    let mut world = World::new(0);
    let second = CredentialId(Uuid::from_u128(77));
    let import = ImportRow::Credential("W2".into(), band(second, 1));
    world.take(Input::Import(vec![import]), at("06:30:00"));
    set(&mut world, Param::TariffMaxVisits, Scope::Site, "1/P1D");
    let reached = |decision: Decision| decision.facts.unwrap().visit_limit_reached;
    assert!(!reached(world.read("G1", Entry, "W1", "09:00:00")));
    assert!(reached(world.read("G2", Entry, "W2", "09:00:01")));
    world.tick("09:00:20");
    assert!(!reached(world.read("G2", Entry, "W2", "09:00:30")), "neither was used");
}

#[test]
fn a_birthday_begins_at_midnight_of_the_sites_clock() {
    for (birth, age) in [("2010-09-15", 16), ("2010-09-16", 15)] {
        let mut world = World::new(0);
        member(&mut world, |row| row.birth = Some(birth.parse().unwrap()));
        // 20:30 of the day before by the clock of the world.
        assert_eq!(facts(&mut world, "00:30:00").member_age, age, "{birth}");
    }
}
