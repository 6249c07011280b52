//! A desk for tests: operators with PINs, and what they order.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends here")]
#![allow(dead_code, reason = "each test file uses its own part")]

use domain::{
    ids::{CredentialId, MemberId, Uid},
    journal::Changed,
    order::{Order, What},
    params::Param,
    registry::{Carrier, Details, Issue, Registry},
    rows::{CredentialKind, CredentialState, HeldEvent, Operator, OrderKey, Person, PinDigest},
    scope::Scope,
    state::{Answer, ImportRow, Input, Noted},
    verdict::Outcome,
};

use crate::world::{MEMBER, World, at};

pub(crate) fn pin(code: &str) -> PinDigest {
    PinDigest(code.into())
}

/// A world with Nino and Levan at the desk, each with a PIN; Levan is the member of the world.
pub(crate) fn desk() -> World {
    let mut world = World::new(0);
    let row = |(login, code, member): (&str, &str, Option<MemberId>)| {
        let pin = Some(pin(code));
        let operator =
            Operator { roles: ["manager".into()].into(), pin, member, ..Operator::default() };
        ImportRow::Operator(login.into(), operator)
    };
    let all = [("nino", "1111", None), ("levan", "2222", Some(MEMBER)), ("eka", "3333", None)];
    world.take(Input::Import(all.map(row).to_vec()), at("08:00:00"));
    let managers = Scope::Role("manager".into());
    world.set_at(Param::OperatorAllowedActions, managers, "unblock_member");
    world
}

pub(crate) fn signed(
    change: Registry,
    (login, code): (&str, &str),
    key: Option<OrderKey>,
) -> Input {
    let what = What::Registry(Box::new(change));
    let order = Box::new(Order { operator: login.into(), second: None, what });
    Input::SignedOrder { terminal: "desk-1".into(), order, pin: pin(code), key }
}

/// Nino orders it; what it came to, or why it was refused.
pub(crate) fn order(world: &mut World, time: &str, change: Registry) -> Result<Outcome, String> {
    match world.take(signed(change, ("nino", "1111"), None), at(time)) {
        Answer::Decided(_) => Ok(world.last.decisions.last().unwrap().verdict.outcome),
        Answer::Refused(why) => Err(why),
        _ => panic!("an order is decided"),
    }
}

pub(crate) fn done(world: &mut World, time: &str, change: Registry) {
    assert_eq!(order(world, time, change.clone()), Ok(Outcome::Grant), "{change:?}");
}

/// The order is refused for this reason, and no row changes.
pub(crate) fn refused(world: &mut World, change: Registry, why: &str) {
    let told = order(world, "09:59:00", change.clone());
    assert!(told.as_ref().is_err_and(|told| told.contains(why)), "{change:?}: {told:?}");
    assert!(world.last.people.is_empty() && world.last.held.is_empty());
    assert!(world.last.transactions.is_empty() && world.last.decisions.is_empty());
}

pub(crate) fn fields(world: &World) -> (String, Vec<Changed>) {
    let mut lines = world.last.journal.iter().filter_map(|entry| match &entry.noted {
        Noted::Changed { what, fields, .. } => Some((what.clone(), fields.clone())),
        _ => None,
    });
    lines.next_back().unwrap()
}

pub(crate) fn changed(field: &str, before: Option<&str>, after: Option<&str>) -> Changed {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Changed { field: field.to_owned(), before: owned(before), after: owned(after) }
}

pub(crate) fn named(name: &str) -> Person {
    Person { name: name.to_owned(), name_latin: name.to_owned(), ..Person::default() }
}

/// A new member; the id.
pub(crate) fn registered(
    world: &mut World,
    name: &str,
    birth: Option<jiff::civil::Date>,
) -> MemberId {
    let details = Details { birth, ..Details::default() };
    let change = Registry::Register { number: None, details, person: named(name) };
    done(world, "09:00:00", change);
    world.last.decisions[0].member.unwrap()
}

pub(crate) fn carrier(world: &World, member: MemberId, carries: &[&str]) -> Carrier {
    let version = world.state.tables.members.version(&member);
    Carrier { member, version, carries: carries.iter().map(|uid| Uid::from(*uid)).collect() }
}

pub(crate) fn band_for(member: MemberId, uid: &str) -> Issue {
    Issue {
        uid: uid.into(),
        member,
        kind: CredentialKind::Band,
        valid_from: None,
        valid_until: None,
        party_size: 1,
        adult: false,
        host: None,
        reason: String::new(),
    }
}

pub(crate) fn turns(uid: &str, event: HeldEvent) -> Registry {
    Registry::Credential { uid: uid.into(), event, reason: "told at the desk".to_owned() }
}

pub(crate) fn state_of(world: &World, uid: &str) -> (CredentialState, MemberId, CredentialId) {
    let held = world.state.tables.credentials.peek(&uid.into()).unwrap();
    (held.state, held.member, held.id)
}
