//! What the desk changes of people: carried out once, told in the journal without names, refused
//! with a sentence that changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod desk;
#[allow(dead_code, reason = "each test file uses its own part")]
mod world;

use desk::{
    band_for, carrier, changed, desk, done, fields, named, order, pin, refused, registered, signed,
    turns,
};
use domain::{
    event::Direction::Entry,
    ids::{MemberId, Uid},
    params::Param,
    registry::{CHANGED_MEANWHILE, Carrier, Details, Registry},
    rows::{Document, DocumentKind, Exempted, Exemption, HeldEvent, OrderKey, Person, Pickup},
    state::{Answer, Input},
    verdict::Outcome,
};
use jiff::civil::date;
use world::World;
use world::{MEMBER, at, told};

#[test]
fn a_new_member_has_a_number_a_wallet_and_a_line_without_names() {
    let mut world = desk();
    let child = registered(&mut world, "Anna", Some(date(2018, 3, 1)));
    let row = world.state.tables.members.peek(&child).unwrap().clone();
    assert_eq!(row.number, 2, "the first number above all others");
    assert!(world.state.tables.accounts.peek(&row.account).is_some());
    assert_eq!(world.last.people, [(child, named("Anna"))]);
    let (what, told) = fields(&world);
    assert_eq!(what, "registered");
    assert!(told.contains(&changed("birth", None, Some("2018-03-01"))), "{told:?}");
    assert!(told.contains(&changed("name", None, None)), "{told:?}");
    assert!(!format!("{:?}", world.last.journal).contains("Anna"));
    assert!(!format!("{:?}", world.last.decisions).contains("Anna"));
    let details = Details { birth: Some(date(2027, 1, 1)), ..Details::default() };
    for (number, details, person, why) in [
        (Some(2), Details::default(), named("Ia"), "number 2 is taken"),
        (Some(0), Details::default(), named("Ia"), "begin with 1"),
        (None, details, named("Ia"), "between 1900 and today"),
        (None, Details::default(), named(""), "has letters"),
        (
            None,
            Details { groups: ["a b".into()].into(), ..Details::default() },
            named("Ia"),
            "letters, digits",
        ),
    ] {
        refused(&mut world, Registry::Register { number, details, person }, why);
    }
    let numbered =
        Registry::Register { number: Some(40), details: Details::default(), person: named("Ia") };
    done(&mut world, "09:10:00", numbered);
    let last = registered(&mut world, "Gia", None);
    assert_eq!(world.state.tables.members.peek(&last).unwrap().number, 41);
}

#[test]
fn an_edit_tells_old_and_new_and_is_refused_where_somebody_was_faster() {
    let mut world = desk();
    let eka = registered(&mut world, "Eka", None);
    let was = named("Eka");
    let certificate = |from: Option<jiff::civil::Date>, until| Document {
        kind: DocumentKind::MedicalCertificate,
        number: String::new(),
        from,
        until: Some(until),
        file: None,
    };
    let until = date(2026, 10, 1);
    let person = Person { documents: vec![certificate(None, until)], ..named("Eka Kapanadze") };
    let details = Details { groups: ["swim".into()].into(), medical: true, ..Details::default() };
    let edit = |who, person: &Person, was: &Person| Registry::Edit {
        who,
        details: details.clone(),
        person: person.clone(),
        was: was.clone(),
    };
    let seen = carrier(&world, eka, &[]);
    done(&mut world, "09:20:00", edit(seen.clone(), &person, &was));
    assert_eq!(
        (&world.last.people, &world.last.people_before),
        (&vec![(eka, person.clone())], &vec![(eka, was.clone())],)
    );
    let (_, told) = fields(&world);
    assert_eq!(
        told,
        [
            changed("groups", None, Some("swim")),
            changed("certificate_until", None, Some("2026-10-01")),
            changed("medical", None, Some("true")),
            changed("name", None, None),
            changed("name_latin", None, None),
            changed("documents", None, None),
        ]
    );
    refused(&mut world, edit(seen, &named("Eka Late"), &was), CHANGED_MEANWHILE);
    let now = carrier(&world, eka, &[]);
    let early =
        Person { documents: vec![certificate(Some(date(2026, 9, 16)), until)], ..person.clone() };
    refused(&mut world, edit(now.clone(), &early, &person), "once it has begun");
    let strange = Carrier { member: MemberId(uuid::Uuid::from_u128(999)), ..now.clone() };
    refused(&mut world, edit(strange, &person, &person), "no such member");
    let pickup = Pickup { name: "Grandma".to_owned(), ..Pickup::default() };
    let without = Person { documents: Vec::new(), pickups: vec![pickup], ..person.clone() };
    done(&mut world, "09:30:00", edit(now, &without, &person));
    let row = world.state.tables.members.peek(&eka).unwrap();
    assert_eq!(row.certificate_until, None, "it went with its document");
}

#[test]
fn a_house_ban_keeps_out_on_its_days_and_lifts_itself() {
    let mut world = desk();
    let ban = |from, until, reason: &str| Registry::Ban {
        member: MEMBER,
        from,
        until,
        reason: reason.to_owned(),
    };
    let today = date(2026, 9, 15);
    refused(&mut world, ban(today, Some(date(2026, 9, 14)), "pushed"), "ends before");
    refused(&mut world, ban(date(2026, 9, 1), Some(date(2026, 9, 14)), "x"), "over already");
    refused(&mut world, ban(today, None, " "), "say why");
    let codes = |world: &mut World, time: &str| told(&world.read("G1", Entry, "W1", time)).1;
    assert_eq!(codes(&mut world, "09:59:30"), ["GRANTED"]);
    done(&mut world, "10:01:00", ban(today, Some(today), "pushed a child"));
    assert_eq!(codes(&mut world, "10:02:00"), ["MEMBER_BLOCKED"]);
    assert_eq!(codes(&mut world, "23:59:59"), ["MEMBER_BLOCKED"]);
    let tomorrow: jiff::Timestamp = "2026-09-16T00:00:30+04:00".parse().unwrap();
    assert!(!world.state.tables.bans.peek(&MEMBER).unwrap().covers(date(2026, 9, 16)));
    let what =
        domain::event::Happening::CredentialRead { direction: Entry, uid: "W1".into(), pin: None };
    world.event("G1", tomorrow.into(), tomorrow.into(), what);
    assert_eq!(told(world.last.decisions.last().unwrap()).1, ["GRANTED"], "it is over");
}

#[test]
fn a_ban_is_lifted_by_two_who_are_not_its_subject() {
    let mut world = desk();
    let unban = || Registry::Unban { member: MEMBER, reason: "talked to him".to_owned() };
    refused(&mut world, unban(), "nobody banned");
    let today = date(2026, 9, 15);
    let ban =
        Registry::Ban { member: MEMBER, from: today, until: None, reason: "pushed".to_owned() };
    done(&mut world, "10:00:00", ban);
    assert_eq!(order(&mut world, "10:01:00", unban()), Ok(Outcome::Deny), "one is not enough");
    assert_eq!(told(&world.last.decisions[0]).1, ["SECOND_OPERATOR_REQUIRED"]);
    let confirm = |login: &str, code: &str| Input::Confirm {
        decision: None,
        terminal: "till-1".into(),
        ordered_at: "desk-1".into(),
        operator: login.into(),
        pin: pin(code),
    };
    world.take(confirm("levan", "2222"), at("10:01:20"));
    assert!(world.state.tables.bans.peek(&MEMBER).is_some(), "he is the one");
    world.take(confirm("eka", "3333"), at("10:01:40"));
    assert!(world.state.tables.bans.peek(&MEMBER).is_none());
    assert_eq!(fields(&world).0, "unbanned");
    let own = signed(
        Registry::Ban { member: MEMBER, from: today, until: None, reason: "x".to_owned() },
        ("levan", "2222"),
        None,
    );
    world.take(own, at("10:03:00"));
    assert_eq!(told(&world.last.decisions[0]).1, ["OPERATOR_NOT_PERMITTED"]);
}

#[test]
fn a_guardian_is_an_adult_and_fetches_a_minor() {
    let mut world = desk();
    let child = registered(&mut world, "Anna", Some(date(2018, 3, 1)));
    let mother = registered(&mut world, "Maia", Some(date(1988, 3, 1)));
    let names = |child, guardian, allowed| Registry::Guardian { child, guardian, allowed };
    refused(&mut world, names(child, child, true), "nobody picks himself up");
    refused(&mut world, names(mother, child, true), "under 18");
    let brother = registered(&mut world, "Gio", Some(date(2010, 3, 1)));
    refused(&mut world, names(child, brother, true), "18 or older");
    refused(&mut world, names(child, mother, false), "not named");
    done(&mut world, "10:00:00", names(child, mother, true));
    let kin = world.state.tables.members.peek(&child).unwrap().kin.clone().unwrap();
    assert_eq!(kin.guardians, [mother]);
    refused(&mut world, names(child, mother, true), "named already");
    done(&mut world, "10:01:00", names(child, mother, false));
    assert_eq!(world.state.tables.members.peek(&child).unwrap().kin, None);
}

#[test]
fn a_family_has_one_wallet_and_knows_what_its_people_carry() {
    let mut world = desk();
    let mother = registered(&mut world, "Maia", None);
    let child = registered(&mut world, "Anna", None);
    done(&mut world, "09:30:00", Registry::Issue(band_for(mother, "B1AA")));
    let join = |world: &World, carries: &[&str]| Registry::Join {
        who: carrier(world, child, &[]),
        with: carrier(world, mother, carries),
    };
    let stale = join(&world, &["B1AA"]);
    done(&mut world, "09:31:00", Registry::Issue(band_for(child, "B2AA")));
    refused(&mut world, stale, CHANGED_MEANWHILE);
    let both = Registry::Join {
        who: carrier(&world, child, &["B2AA"]),
        with: carrier(&world, mother, &["B1AA"]),
    };
    done(&mut world, "09:32:00", both.clone());
    let family = |world: &World, member| {
        let row = world.state.tables.members.peek(&member).unwrap();
        row.kin.as_deref().and_then(|kin| kin.family)
    };
    let id = family(&world, child).unwrap();
    assert_eq!(family(&world, mother), Some(id));
    let people = |world: &World| world.state.tables.families.peek(&id).unwrap().people.clone();
    assert_eq!(people(&world), [Uid::from("B1AA"), Uid::from("B2AA")]);
    done(&mut world, "09:33:00", Registry::Issue(band_for(child, "B3AA")));
    assert_eq!(people(&world).len(), 3, "a new band is the family's");
    done(&mut world, "09:34:00", turns("B3AA", HeldEvent::Returned));
    assert_eq!(people(&world).len(), 2, "and no longer when it is back");
    let again = Registry::Join {
        who: carrier(&world, child, &["B2AA"]),
        with: carrier(&world, mother, &["B1AA"]),
    };
    refused(&mut world, again, "he leaves that first");
    let left = Registry::Leave(carrier(&world, child, &["B2AA"]));
    done(&mut world, "09:35:00", left);
    assert_eq!((family(&world, child), people(&world)), (None, vec![Uid::from("B1AA")]));
    let account = world.state.tables.families.peek(&id).unwrap().account;
    let mut row = world.state.tables.accounts.peek(&account).unwrap().clone();
    row.balance = domain::money::Money(500);
    world.state.tables.accounts.put(account, row);
    world.state.commit();
    let last = Registry::Leave(carrier(&world, mother, &["B1AA"]));
    refused(&mut world, last, "the shared wallet is not empty");
}

#[test]
fn nobody_changes_families_while_he_is_inside() {
    let mut world = desk();
    let mother = registered(&mut world, "Maia", None);
    world.read("G1", Entry, "W1", "09:40:00");
    world.passage("G1", Entry, "09:40:02", "09:40:02");
    let join = Registry::Join {
        who: carrier(&world, MEMBER, &["W1"]),
        with: carrier(&world, mother, &[]),
    };
    refused(&mut world, join, "somebody is inside");
}

#[test]
fn an_exemption_is_granted_by_whoever_orders_it() {
    let mut world = desk();
    world.set(Param::TimeAccessWindows, "always");
    let exemption = Exemption {
        who: Exempted::Member(MEMBER),
        codes: vec![domain::reasons::Reason::SupervisionRequired],
        zones: vec!["pool".into()],
        from: date(2026, 9, 15),
        until: date(2026, 9, 30),
        reason: "with a coach".to_owned(),
        granted_by: "somebody else".to_owned(),
    };
    let no_code = Exemption { codes: Vec::new(), ..exemption.clone() };
    let fixed = domain::reasons::Reason::CredentialLostStolen;
    let hard = Exemption { codes: vec![fixed], ..exemption.clone() };
    let moon = Exemption { zones: vec!["moon".into()], ..exemption.clone() };
    let over = Exemption { until: date(2026, 9, 14), from: date(2026, 9, 1), ..exemption.clone() };
    for (wrong, why) in [
        (no_code, "name the codes"),
        (hard, "nobody can be exempted"),
        (moon, "no zone is called `moon`"),
        (over, "over already"),
    ] {
        refused(&mut world, Registry::Exempt(wrong), why);
    }
    done(&mut world, "10:00:00", Registry::Exempt(exemption));
    let (id, row) = world.state.tables.exemptions.iter().next().unwrap();
    let (id, by) = (*id, row.granted_by.clone());
    assert_eq!(by, "nino");
    done(&mut world, "10:05:00", Registry::EndExemption(id));
    assert!(world.state.tables.exemptions.is_empty());
    refused(&mut world, Registry::EndExemption(id), "no such exemption");
}

#[test]
fn the_same_key_gives_the_same_answer_and_changes_nothing() {
    let mut world = desk();
    let key = |content: &str| Some(OrderKey { key: "k-1".to_owned(), content: content.into() });
    let register = |name: &str| Registry::Register {
        number: None,
        details: Details::default(),
        person: named(name),
    };
    let nino = ("nino", "1111");
    let first = world.take(signed(register("Eka"), nino, key("a")), at("10:00:00"));
    let members = world.state.tables.members.len();
    let again = world.take(signed(register("Eka"), nino, key("a")), at("10:00:05"));
    assert_eq!(first, again);
    assert!(world.last.is_empty() && world.state.tables.members.len() == members);
    let other = world.take(signed(register("Gia"), nino, key("b")), at("10:00:06"));
    assert!(matches!(&other, Answer::Refused(why) if why.contains("another order")), "{other:?}");
    assert_eq!(world.state.tables.members.len(), members);
    let hers = world.take(signed(register("Gia"), ("eka", "3333"), key("b")), at("10:00:07"));
    assert!(matches!(hers, Answer::Decided(_)), "keys are each operator's own: {hers:?}");
    let wrong = world.take(signed(register("Eka"), ("nino", "9999"), key("a")), at("10:00:08"));
    assert!(matches!(&wrong, Answer::Refused(why) if why.contains("not the PIN")), "{wrong:?}");
    let tomorrow = at("10:00:08").plus(domain::time::Span::seconds(24 * 60 * 60));
    world.take(Input::Pseudonymise, tomorrow);
    assert!(world.state.tables.answers.is_empty(), "a day later nobody asks any more");
}

#[test]
fn the_second_person_s_answer_is_the_one_that_a_key_keeps() {
    let mut world = desk();
    let today = date(2026, 9, 15);
    let ban =
        Registry::Ban { member: MEMBER, from: today, until: None, reason: "pushed".to_owned() };
    done(&mut world, "10:00:00", ban);
    let unban = Registry::Unban { member: MEMBER, reason: "talked to him".to_owned() };
    let key = Some(OrderKey { key: "k-2".to_owned(), content: "c".into() });
    let input = signed(unban, ("nino", "1111"), key);
    let waits = world.take(input.clone(), at("10:01:00"));
    let confirm = Input::Confirm {
        decision: None,
        terminal: "till-1".into(),
        ordered_at: "desk-1".into(),
        operator: "eka".into(),
        pin: pin("3333"),
    };
    let granted = world.take(confirm, at("10:01:30"));
    assert_ne!(waits, granted);
    assert!(world.state.tables.bans.peek(&MEMBER).is_none());
    assert_eq!(world.take(input, at("10:01:40")), granted);
}
