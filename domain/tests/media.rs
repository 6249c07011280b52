//! Bands, cards and tickets: from hand to hand over the desk alone, and what somebody is inside
//! with stays his.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod desk;
#[allow(dead_code, reason = "each test file uses its own part")]
mod world;

use desk::{band_for, changed, desk, done, fields, refused, registered, state_of, turns};
use domain::{
    event::Direction::{Entry, Exit},
    ids::MemberId,
    registry::{Issue, Registry},
    rows::{CredentialKind, CredentialState, HeldEvent},
    verdict::Outcome,
};
use world::{CREDENTIAL, MEMBER, at, told};

#[test]
fn a_band_goes_from_hand_to_hand_over_the_desk_alone() {
    let mut world = desk();
    let (eka, gia) = (registered(&mut world, "Eka", None), registered(&mut world, "Gia", None));
    for (issue, why) in [
        (Issue { uid: "b1".into(), ..band_for(eka, "") }, "4 to 64"),
        (Issue { party_size: 3, ..band_for(eka, "B1AA") }, "everything else for one"),
        (
            Issue { kind: CredentialKind::PartyCard, ..band_for(eka, "B1AA") },
            "a party card is for 2",
        ),
        (Issue { valid_until: Some(at("08:00:00")), ..band_for(eka, "B1AA") }, "never be valid"),
        (Issue { host: Some(eka), ..band_for(eka, "B1AA") }, "another member"),
        (band_for(MemberId(uuid::Uuid::from_u128(99)), "B1AA"), "no such member"),
        (band_for(eka, "W1"), "4 to 64"),
    ] {
        refused(&mut world, Registry::Issue(issue), why);
    }
    done(&mut world, "10:00:00", Registry::Issue(band_for(eka, "B1AA")));
    let first = state_of(&world, "B1AA");
    assert_eq!(world.last.decisions[0].credential, Some(first.2), "the record names it");
    assert_eq!(world.last.held[0].1.event, HeldEvent::Issued);
    refused(&mut world, Registry::Issue(band_for(gia, "B1AA")), "given out and active");
    refused(
        &mut world,
        turns("B1AA", HeldEvent::Unblocked),
        "is active, so it cannot be unblocked",
    );
    refused(&mut world, turns("NONE", HeldEvent::Lost), "nobody was given `NONE`");
    done(&mut world, "10:01:00", turns("B1AA", HeldEvent::Blocked));
    done(&mut world, "10:02:00", turns("B1AA", HeldEvent::Unblocked));
    done(&mut world, "10:03:00", turns("B1AA", HeldEvent::Stolen));
    assert_eq!(fields(&world).1[0], changed("state", Some("active"), Some("stolen")));
    refused(&mut world, turns("B1AA", HeldEvent::Lost), "is stolen, so it cannot be lost");
    done(&mut world, "10:04:00", turns("B1AA", HeldEvent::Returned));
    assert_eq!(world.last.held[0].1.member, Some(eka), "the history tells whose it was");
    done(&mut world, "10:05:00", Registry::Issue(band_for(gia, "B1AA")));
    let second = state_of(&world, "B1AA");
    assert_eq!((second.0, second.1), (CredentialState::Active, gia));
    assert_ne!(first.2, second.2, "what Eka did with it stays hers");
}

#[test]
fn what_somebody_is_inside_with_is_given_to_nobody_else() {
    let mut world = desk();
    world.read("G1", Entry, "W1", "09:40:00");
    refused(&mut world, turns("W1", HeldEvent::Returned), "somebody is passing");
    world.passage("G1", Entry, "09:40:02", "09:40:02");
    refused(&mut world, turns("W1", HeldEvent::Returned), "after the exit");
    world.read("G1", Exit, "W1", "09:50:00");
    world.passage("G1", Exit, "09:50:02", "09:50:02");
    done(&mut world, "10:00:00", turns("W1", HeldEvent::Returned));
    assert!(world.state.tables.presence.peek(&CREDENTIAL).is_none());
    let denied = told(&world.read("G1", Entry, "W1", "10:01:00"));
    assert_eq!(denied.1, ["CREDENTIAL_NOT_VALID_NOW"]);
}

#[test]
fn another_band_takes_over_from_one_that_is_lost_inside() {
    let mut world = desk();
    world.read("G1", Entry, "W1", "09:40:00");
    let replace = |with: &str| Registry::Replace {
        uid: "W1".into(),
        with: with.into(),
        reason: "lost in the pool".to_owned(),
    };
    refused(&mut world, replace("B9AA"), "somebody is passing");
    world.passage("G1", Entry, "09:40:02", "09:40:02");
    let before = world.presence();
    done(&mut world, "10:00:00", replace("B9AA"));
    let (state, member, id) = state_of(&world, "B9AA");
    assert_eq!((state, member), (CredentialState::Active, MEMBER));
    assert_eq!(state_of(&world, "W1").0, CredentialState::Lost);
    let events: Vec<_> = world.last.held.iter().map(|(_, held)| held.event).collect();
    assert_eq!(events, [HeldEvent::Replaced, HeldEvent::Issued]);
    let after = world.state.tables.presence.peek(&id).unwrap();
    let visit = |presence: &domain::rows::Presence| presence.visit.as_ref().unwrap().id;
    assert_eq!((after.inside, visit(after)), (1, visit(&before)));
    assert!(world.state.tables.presence.peek(&CREDENTIAL).is_none());
    refused(&mut world, replace("B8AA"), "given out in its place already");
    assert_eq!(told(&world.read("G1", Entry, "W1", "10:01:00")).1, ["CREDENTIAL_LOST_STOLEN"]);
    let exit = told(&world.read("G1", Exit, "B9AA", "10:02:00"));
    assert_eq!(exit, (Outcome::Grant, vec!["GRANTED"]), "the visit goes on with the new one");
    world.passage("G1", Exit, "10:02:02", "10:02:02");
    assert_eq!(world.zone("site").inside, 0);
    done(&mut world, "10:10:00", turns("W1", HeldEvent::Returned));
}
