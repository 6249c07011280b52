//! What a passage, or its absence, makes of a grant. Row ids are those of the specification's
//! scenarios.

use domain::{
    combine::floor,
    decision::Decision,
    event::{
        Direction::{Entry, Exit},
        Happening,
    },
    ids::CredentialId,
    layered::Read,
    params::Param,
    reasons::{Class, Reason},
    rows::CredentialState,
    scope::Scope,
    state::{ImportRow, Input, Noted, Reads, RuleSetNews, Snapshot},
    verdict::Outcome,
};
use uuid::Uuid;

mod world;
use world::{CREDENTIAL, World, at, band, told};

#[test]
fn a_grant_holds_a_seat_a_visit_and_a_charge_until_the_passage_is_made() {
    let mut world = World::new(800);
    let decision = world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!(told(&decision), (Outcome::Grant, vec!["GRANTED"]));
    assert!(world.opened());
    assert_eq!(
        (world.zone("site").reserved, world.wallet(), world.visits_left()),
        (1, (5000, 800), 5)
    );
    world.passage("G1", Entry, "09:00:02", "09:00:02");
    assert_eq!((world.zone("site").reserved, world.zone("site").inside), (0, 1));
    assert_eq!((world.wallet(), world.visits_left(), world.presence().inside), ((4200, 0), 4, 1));
    assert_eq!(world.last.transactions.len(), 1);
}

#[test]
fn a_visit_that_was_promised_to_one_band_is_not_left_for_another() {
    let mut world = World::new(800);
    let second = CredentialId(Uuid::from_u128(77));
    let import = ImportRow::Credential("W2".into(), band(second, 1));
    world.take(Input::Import(vec![import]), at("06:30:00"));
    let left = |decision: &Decision| decision.facts.as_ref().unwrap().visits_left;
    assert_eq!(left(&world.read("G1", Entry, "W1", "09:00:00")), 5);
    assert_eq!(left(&world.read("G2", Entry, "W2", "09:00:01")), 4);
    world.passage("G1", Entry, "09:00:02", "09:00:02");
    world.tick("09:00:10");
    assert_eq!(world.visits_left(), 4, "the second one was not used");
    assert_eq!(left(&world.read("G2", Entry, "W2", "09:00:11")), 4);
}

#[test]
fn a_late_passage_that_names_its_decision_is_nobody_elses() {
    let mut world = World::new(800);
    let second = CredentialId(Uuid::from_u128(77));
    let import = ImportRow::Credential("W2".into(), band(second, 1));
    world.take(Input::Import(vec![import]), at("06:30:00"));
    world.read("G1", Entry, "W1", "09:00:00");
    let decision = Some(world.read("G1", Entry, "W2", "09:00:06").id);
    let late = Happening::PassageMade { direction: Entry, decision };
    world.event("G1", at("09:00:11.100"), at("09:00:11.200"), late);
    assert_eq!(world.conditions(), ["PassageNotMade", "PassageUnexpected"]);
    let inside = |id| world.state.tables.presence.peek(&id).map_or(0, |row| row.inside);
    assert_eq!((inside(CREDENTIAL), inside(second)), (0, 1));
}

#[test]
fn a_device_that_counts_wrongly_is_noted_and_lets_people_out_all_the_same() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00");
    world.passage("G1", Entry, "09:00:02", "09:00:02");
    world.seq += 1 << 40;
    let exit = world.read("G1", Exit, "W1", "09:30:00");
    assert!(exit.verdict.outcome.opens() && world.opened());
    assert_eq!(world.conditions(), ["MessageRefused"]);
    world.seq += 1;
    let entry = Happening::CredentialRead { direction: Entry, uid: "W1".into(), pin: None };
    world.event("G1", at("09:40:00"), at("09:40:00"), entry);
    assert_eq!(world.conditions(), ["MessageRefused"]);
    assert!(world.last.decisions.is_empty());
}

#[test]
fn a_refused_rule_set_and_missing_records_are_conditions_of_the_site() {
    let mut world = World::new(800);
    let message = "rules/60_money.rhai:2:5: unknown reason\nhelp: one of these".to_owned();
    world.take(Input::RuleSet(RuleSetNews::Refused { message }), at("09:00:00"));
    assert_eq!(world.conditions(), ["RulesDegraded"]);
    let details = |world: &World| {
        let detail = |entry: &domain::state::Entry| match &entry.noted {
            Noted::Condition { detail, .. } => Some((entry.device.clone(), detail.clone())),
            _ => None,
        };
        world.last.journal.iter().filter_map(detail).collect::<Vec<_>>()
    };
    let said = "rules/60_money.rhai:2:5: unknown reason".to_owned();
    assert_eq!(details(&world), [(None, said)]);
    world.take(Input::RuleSet(RuleSetNews::Restored { hash: "f00d".to_owned() }), at("09:00:01"));
    assert!(world.conditions().is_empty());
    let live = Noted::RuleSetLive { hash: "f00d".to_owned() };
    assert!(world.last.journal.iter().any(|entry| entry.noted == live));
    assert!(world.last.rule_sets.is_empty(), "its texts are kept already");
    world.take(Input::RecordsMissing { why: "7 lines".to_owned() }, at("09:00:02"));
    assert_eq!(world.conditions(), ["AuditGap"]);
    assert_eq!(details(&world), [(None, "7 lines".to_owned())]);
}

#[test]
fn a_passage_that_is_not_made_rolls_everything_back_and_the_next_one_counts_once() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00.000"); // 6a
    world.tick("09:00:05.000");
    assert_eq!(world.zone("site").reserved, 1, "at exactly the limit the passage still counts");
    world.tick("09:00:05.001"); // 6b
    assert_eq!(world.conditions(), ["PassageNotMade"]);
    assert_eq!(
        (world.zone("site").reserved, world.wallet(), world.visits_left()),
        (0, (5000, 0), 5)
    );
    world.read("G1", Entry, "W1", "09:00:08.000"); // 6c
    world.passage("G1", Entry, "09:00:10.000", "09:00:10.000");
    assert_eq!((world.wallet(), world.visits_left(), world.zone("site").inside), ((4200, 0), 4, 1));
}

#[test]
fn a_passage_in_time_counts_even_if_its_message_comes_after_the_roll_back() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00.000");
    world.tick("09:00:05.300");
    world.passage("G1", Entry, "09:00:04.900", "09:00:05.400"); // 6f
    assert_eq!(world.conditions(), ["PassageMade"]);
    assert_eq!((world.wallet(), world.visits_left(), world.presence().inside), ((4200, 0), 4, 1));
    world.passage("G1", Entry, "09:00:04.900", "09:00:05.500");
    assert_eq!(world.wallet(), (4200, 0), "booked once");
}

#[test]
fn fact_beats_permission_when_the_passage_comes_too_late() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00.000");
    world.passage("G1", Entry, "09:00:05.400", "09:00:05.500"); // 6g
    assert_eq!(world.conditions(), ["PassageNotMade", "PassageUnexpected"]);
    assert_eq!((world.wallet(), world.visits_left(), world.presence().inside), ((4200, 0), 4, 1));
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00");
    world.passage("G1", Entry, "09:00:15", "09:00:15");
    assert_eq!(
        world.presence().inside,
        0,
        "ten seconds after the grant ended it is nobody's passage"
    );
    assert_eq!(world.zone("site").inside, 1, "but somebody is inside");
}

#[test]
fn a_passage_that_a_gate_without_a_clock_tells_late_is_booked_to_whom_it_names() {
    let late = |device_time: &str, received: &str| {
        let mut world = World::new(800);
        let decision = Some(world.read("G1", Entry, "W1", "09:00:00").id);
        let told = Happening::PassageMade { direction: Entry, decision };
        world.event("G1", at(device_time), at(received), told);
        assert_eq!(world.conditions(), ["PassageNotMade", "PassageUnexpected"]);
        assert_eq!(world.zone("site").inside, 1);
        (world.presence().inside, world.wallet(), world.visits_left())
    };
    assert_eq!(late("09:00:40", "09:00:40"), (1, (4200, 0), 4), "it waited for a connection");
    assert_eq!(late("09:00:39", "09:00:40"), (0, (5000, 0), 5), "its clock says that it was later");
}

#[test]
fn a_band_in_a_passage_is_refused_at_any_gate_and_ignored_on_the_way_out() {
    let mut world = World::new(0);
    world.read("G1", Entry, "W1", "09:00:00");
    let other = world.read("G2", Entry, "W1", "09:00:00.005");
    assert_eq!(told(&other), (Outcome::Deny, vec!["PASSAGE_PENDING"]));
    let out = world.read("G2", Exit, "W1", "09:00:01");
    assert_eq!(told(&out), (Outcome::Ignore, vec!["PASSAGE_PENDING"]));
    assert!(world.last.commands.is_empty(), "an ignored read is not answered");
    let again = world.read("G1", Entry, "W1", "09:00:03.500");
    assert_eq!(told(&again), (Outcome::Deny, vec!["PASSAGE_PENDING"]));
}

#[test]
fn a_second_band_waits_behind_the_first_and_its_time_starts_when_its_turn_comes() {
    let mut world = World::new(0);
    let second = CredentialId(Uuid::from_u128(99));
    let row = ImportRow::Credential("W2".into(), band(second, 1));
    world.take(Input::Import(vec![row]), at("08:00:00"));
    world.read("G1", Entry, "W1", "09:00:00");
    world.read("G1", Entry, "W2", "09:00:01");
    world.tick("09:00:05.001");
    assert_eq!(world.conditions(), ["PassageNotMade"]);
    world.passage("G1", Entry, "09:00:09.900", "09:00:09.900");
    let inside = |world: &World, id| world.state.tables.presence.peek(&id).map(|row| row.inside);
    assert_eq!((inside(&world, CREDENTIAL), inside(&world, second)), (Some(0), Some(1)));
}

#[test]
fn the_way_out_frees_the_seat_ends_the_visit_and_repairs_a_missing_entry() {
    let mut world = World::new(0);
    let out = world.read("G1", Exit, "W1", "08:00:00");
    assert_eq!(told(&out), (Outcome::Grant, vec!["EXIT_RECORD_CORRECTED"]));
    world.tick("08:00:06");
    world.read("G1", Entry, "W1", "09:00:00");
    world.passage("G1", Entry, "09:00:01", "09:00:01");
    world.read("P1", Entry, "W1", "09:05:00");
    world.passage("P1", Entry, "09:05:01", "09:05:01");
    assert_eq!(
        (world.zone("site").inside, world.zone("pool").inside, world.visits_left()),
        (1, 1, 4)
    );
    world.read("P1", Exit, "W1", "10:00:00");
    world.passage("P1", Exit, "10:00:01", "10:00:01");
    assert_eq!((world.zone("site").inside, world.zone("pool").inside), (1, 0));
    let out = world.read("G2", Exit, "W1", "10:05:00");
    assert_eq!(told(&out), (Outcome::Grant, vec!["GRANTED"]));
    world.passage("G2", Exit, "10:05:01", "10:05:01");
    assert_eq!((world.zone("site").inside, world.presence().visit), (0, None));
}

#[test]
fn the_party_card_counts_its_people() {
    let mut world = World::new(0);
    let card = CredentialId(Uuid::from_u128(50));
    let row = ImportRow::Credential("FC".into(), band(card, 4));
    world.take(Input::Import(vec![row]), at("08:00:00"));
    for (read, passage) in [
        ("10:00:00.0", "10:00:02.0"), // 5a
        ("10:00:03.5", "10:00:06.0"), // 5b
        ("10:00:07.0", "10:00:09.0"), // 5c
        ("10:00:10.5", "10:00:12.0"), // 5d
    ] {
        let decision = world.read("G1", Entry, "FC", read);
        assert_eq!(decision.verdict.outcome, Outcome::Grant, "{read}");
        assert!(!decision.facts.unwrap().inside, "not all are inside yet");
        if read == "10:00:10.5" {
            let soon = world.read("G1", Entry, "FC", "10:00:11.9"); // 5e
            assert_eq!(told(&soon), (Outcome::Ignore, vec!["DUPLICATE_READ"]));
        }
        world.passage("G1", Entry, passage, passage);
    }
    let fifth = world.read("G1", Entry, "FC", "10:00:15.0"); // 5f
    assert!(fifth.facts.unwrap().inside, "four of four");
    assert_eq!(world.visits_left(), 4, "one visit for the party");
}

#[test]
fn stale_and_repeated_messages_take_no_effect() {
    let mut world = World::new(0);
    let read =
        |uid: &str| Happening::CredentialRead { direction: Entry, uid: uid.into(), pin: None };
    world.event("G1", at("09:00:00"), at("09:00:10.001"), read("W1"));
    assert_eq!(told(&world.last.decisions[0]), (Outcome::Ignore, vec!["EVENT_STALE"]));
    assert!(world.last.commands.is_empty());
    world.event("G1", at("09:00:00"), at("09:00:10.000"), read("W1"));
    assert_eq!(world.last.decisions[0].verdict.outcome, Outcome::Grant, "at exactly the limit");
    let event = domain::event::DeviceEvent {
        device: "G1".into(),
        boot: 1,
        seq: 2,
        device_time: None,
        received: at("09:01:00"),
        transit: domain::event::Transit::Straight,
        happening: read("W1"),
    };
    world.take(Input::Device(event), at("09:01:00"));
    assert!(world.last.decisions.is_empty(), "the same message twice");
}

#[test]
fn a_clock_that_is_ahead_is_not_believed() {
    let mut world = World::new(0);
    let what = Happening::CredentialRead { direction: Entry, uid: "W1".into(), pin: None };
    world.event("G1", at("11:00:00"), at("09:00:00"), what);
    assert_eq!(world.last.decisions[0].at, at("09:00:00"));
}

#[test]
fn the_grant_itself_counts_where_the_site_says_so() {
    let mut world = World::new(800);
    world.set(Param::AntiPassbackConfirmBy, "grant");
    world.read("G1", Entry, "W1", "09:00:00"); // 6e
    assert_eq!((world.presence().inside, world.visits_left(), world.wallet()), (1, 4, (4200, 0)));
    world.tick("09:00:05.001");
    assert_eq!(world.conditions(), ["PassageNotMade"]);
    assert_eq!((world.presence().inside, world.visits_left(), world.wallet()), (1, 4, (4200, 0)));
    assert_eq!(world.zone("site").reserved, 0);
}

#[test]
fn no_rule_opens_an_entry_to_a_credential_that_is_not_valid() {
    let cases = [
        (CredentialState::Lost, "CREDENTIAL_LOST_STOLEN"),
        (CredentialState::Stolen, "CREDENTIAL_LOST_STOLEN"),
        (CredentialState::Blocked, "CREDENTIAL_NOT_VALID_NOW"),
        (CredentialState::Returned, "CREDENTIAL_NOT_VALID_NOW"),
    ];
    for (state, code) in cases {
        let mut world = World::new(0);
        let row = domain::rows::Credential { state, ..band(CREDENTIAL, 1) };
        world.take(Input::Import(vec![ImportRow::Credential("W1".into(), row)]), at("08:00:00"));
        let decision = world.read("G1", Entry, "W1", "09:00:00");
        assert_eq!(told(&decision), (Outcome::Deny, vec![code]));
        let out = world.read("G1", Exit, "W1", "09:01:00");
        assert!(out.verdict.outcome.opens(), "{state:?}: the way out stays open");
    }
    let mut world = World::new(0);
    assert_eq!(
        told(&world.read("G1", Entry, "X9", "09:00:00")),
        (Outcome::Deny, vec!["CREDENTIAL_UNKNOWN"])
    );
    let out = world.read("G1", Exit, "X9", "09:01:00");
    assert_eq!(told(&out), (Outcome::GrantWithWarning, vec!["CREDENTIAL_UNKNOWN"]));
    assert!(world.opened());
}

#[test]
fn without_a_verdict_an_entry_is_refused_and_an_exit_opens() {
    let mut world = World::new(0);
    world.policy.finds = |_| Err(domain::facts::PolicyFault::NoRuleSet);
    let entry = world.read("G1", Entry, "W1", "09:00:00");
    assert_eq!(told(&entry), (Outcome::Deny, vec!["POLICY_UNAVAILABLE"]));
    let exit = world.read("G1", Exit, "W1", "09:01:00");
    assert_eq!(exit.verdict.outcome, Outcome::GrantWithWarning);
}

#[test]
fn a_rule_that_refuses_everything_refuses_no_exit() {
    let mut world = World::new(0);
    world.policy.finds = |_| Ok(vec![floor(Reason::DebtEntryBlocked, Class::Deny)]);
    assert_eq!(world.read("G1", Entry, "W1", "09:00:00").verdict.outcome, Outcome::Deny);
    assert_eq!(world.read("G1", Exit, "W1", "09:01:00").verdict.outcome, Outcome::GrantWithWarning);
}

#[test]
fn an_emergency_releases_exits_shuts_entries_charges_nothing_and_needs_two_to_end() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00");
    let fire = |active| Happening::FireInput { active };
    world.event("G2", at("09:00:01"), at("09:00:01"), fire(true));
    assert_eq!((world.wallet(), world.zone("site").reserved), ((5000, 0), 0));
    let entry = world.read("G1", Entry, "W1", "09:01:00");
    assert_eq!(told(&entry), (Outcome::Deny, vec!["EMERGENCY_ENTRY_CLOSED"]));
    for uid in ["W1", "X9"] {
        let exit = world.read("G1", Exit, uid, "09:02:00");
        assert_eq!(told(&exit), (Outcome::Release, vec!["EMERGENCY_RELEASE"]), "{uid}");
    }
    let manager = Scope::Role("manager".into());
    world.set_at(Param::OperatorAllowedActions, manager, "emergency_reset");
    world.operators();
    assert!(world.resets("09:09:00", "nino", None).is_none(), "the input is still active");
    world.event("G2", at("09:10:00"), at("09:10:00"), fire(false));
    let still = world.read("G1", Exit, "W1", "09:11:00");
    assert_eq!(still.verdict.outcome, Outcome::Release, "released stays released");
    // Whatever the rules say, nobody resets alone, and nobody confirms himself.
    assert_eq!(world.resets("09:20:00", "nino", None), Some(Outcome::Deny));
    assert_eq!(world.resets("09:20:01", "nino", Some("nino")), Some(Outcome::Deny));
    assert_eq!(world.resets("09:20:02", "nino", Some("guest")), Some(Outcome::Deny));
    assert_eq!(world.resets("09:20:03", "nino", Some("levan")), Some(Outcome::Grant));
    assert_eq!(world.read("G1", Entry, "W1", "09:30:00").verdict.outcome, Outcome::Grant);
}

#[test]
fn a_request_answered_while_the_store_stood_still_is_recorded_without_a_second_command() {
    let mut world = World::new(800);
    let event = domain::event::DeviceEvent {
        device: "G1".into(),
        boot: 1,
        seq: 100,
        device_time: None,
        received: at("09:00:00"),
        transit: domain::event::Transit::Straight,
        happening: Happening::CredentialRead { direction: Entry, uid: "W1".into(), pin: None },
    };
    world.take(Input::Unanswered(event), at("09:00:30"));
    assert_eq!(told(&world.last.decisions[0]), (Outcome::Deny, vec!["POLICY_UNAVAILABLE"]));
    assert!(world.last.commands.is_empty());
}

#[test]
fn a_visit_that_began_by_another_grant_is_not_paid_twice() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00.000");
    world.tick("09:00:05.500");
    world.read("P1", Entry, "W1", "09:00:08");
    world.passage("P1", Entry, "09:00:09", "09:00:09");
    assert_eq!((world.wallet(), world.visits_left()), ((4200, 0), 4));
    world.passage("G1", Entry, "09:00:04.900", "09:00:12");
    assert_eq!(world.conditions(), ["PassageMade"]);
    assert_eq!((world.wallet(), world.visits_left()), ((4200, 0), 4));
}

#[test]
fn a_passage_during_an_emergency_costs_nothing() {
    let mut world = World::new(800);
    world.read("G1", Entry, "W1", "09:00:00");
    let fire = Happening::FireInput { active: true };
    world.event("G2", at("09:00:01"), at("09:00:01"), fire);
    world.passage("G1", Entry, "09:00:03", "09:00:03");
    assert_eq!((world.wallet(), world.presence().inside), ((5000, 0), 1));
    assert_eq!(world.visits_left(), 5, "no visit either");
}

#[test]
fn a_decision_names_the_values_that_a_scope_set_and_that_it_read() {
    let mut world = World::new(800);
    world.policy.consulted =
        [Param::TariffReentryWindow, Param::DebtExitPolicy].into_iter().collect();
    world.set(Param::TariffReentryWindow, "PT7M");
    world.set(Param::SaleMaxDiscountPercent, "20");
    let decision = world.read("G1", Entry, "W1", "09:00:00");
    let named: Vec<_> = decision.verdict.values.iter().map(|value| value.param).collect();
    assert_eq!(named, [Param::TariffReentryWindow], "it was read, and somebody set it");
    assert!(decision.verdict.values.iter().all(|value| value.scope.is_some()));
}

#[test]
fn an_emergency_that_another_daemon_ended_costs_nothing_afterwards() {
    for reset in [false, true] {
        let mut world = World::new(800);
        if reset {
            let fire = Happening::FireInput { active: true };
            world.event("G2", at("09:00:01"), at("09:00:01"), fire);
            let key = Read { key: (), version: 1 };
            let reads = Reads { emergency: vec![key], ..Reads::default() };
            world.state.reload(&reads, Snapshot::default(), at("09:00:14"));
        }
        // It was made meanwhile, and comes later.
        let read = Happening::CredentialRead { direction: Entry, uid: "W1".into(), pin: None };
        world.event("G1", at("09:00:10"), at("09:00:15"), read);
        assert!(world.last.decisions[0].verdict.outcome.opens());
        world.passage("G1", Entry, "09:00:12", "09:00:16");
        let left = if reset { 5000 } else { 4200 };
        assert_eq!((world.wallet(), world.presence().inside), ((left, 0), 1), "{reset}");
    }
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_in_while_a_passage_is_awaited() {
    for (time, outcome) in [("09:00:02", Outcome::Ignore), ("08:50:00", Outcome::Grant)] {
        let mut world = World::new(0);
        assert!(world.read("G1", Entry, "W1", "09:00:00").verdict.outcome.opens());
        let decision = world.read("G1", Exit, "W1", time);
        assert_eq!(decision.verdict.outcome, outcome, "{time}: {:?}", told(&decision));
    }
}

#[test]
fn a_dead_clock_keeps_nobody_in() {
    let mut world = World::new(0);
    let what = Happening::CredentialRead { direction: Exit, uid: "W1".into(), pin: None };
    world.event("G1", domain::time::Timestamp::from_millis(0), at("09:00:00"), what);
    assert!(world.last.decisions[0].verdict.outcome.opens());
    assert_eq!(world.last.decisions[0].at, at("09:00:00"));
}

#[test]
fn no_value_of_a_rule_file_makes_the_reads_at_an_exit_stale() {
    let mut world = World::new(0);
    world.set(Param::DeviceEventMaxAge, "PT0S");
    let read = |direction| Happening::CredentialRead { direction, uid: "W1".into(), pin: None };
    world.event("G1", at("09:00:00"), at("09:00:00.200"), read(Entry));
    assert_eq!(world.last.decisions[0].verdict.outcome, Outcome::Ignore);
    world.event("G1", at("09:00:05"), at("09:00:05.200"), read(Exit));
    assert!(world.last.decisions[0].verdict.outcome.opens());
}

#[test]
fn a_device_that_starts_again_from_boot_one_is_still_told_apart() {
    let mut world = World::new(0);
    let read = |boot| domain::event::DeviceEvent {
        device: "G1".into(),
        boot,
        seq: 1,
        device_time: None,
        received: at("09:00:00"),
        transit: domain::event::Transit::Straight,
        happening: Happening::CredentialRead { direction: Entry, uid: "X9".into(), pin: None },
    };
    for boot in [5, 6, 7, 8, 1] {
        world.take(Input::Device(read(boot)), at("09:00:00"));
    }
    world.take(Input::Device(read(1)), at("09:00:00"));
    assert!(world.last.decisions.is_empty(), "a repeat");
}
