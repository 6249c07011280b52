//! A site's rows for the tests: one of each kind, and batches as the loop seals them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each test file uses its own part")]

mod desk;
mod home;
mod sold;

use domain::{
    command::{Action, COMMAND_TTL, Command},
    decision::Decision,
    event::{Direction, GateMode},
    facts::{EventKind, FACTS_VERSION},
    ids::{
        AccountId, CommandId, CredentialId, DecisionId, DeviceId, ExemptionId, FamilyId, GroupId,
        ImportId, LockerId, MemberId, OperatorId, PassId, TariffId, TransactionId, Uid, VisitId,
        ZoneId,
    },
    layered::{Change, Read},
    ledger::Purpose,
    money::{Currency, Money},
    params::ParamMask,
    reasons::{Class, Condition, Reason},
    rows::{
        Account, AccountKind, Attempts, Ban, Begun, Charge, ChargeFor, Credential, CredentialKind,
        CredentialState, DeviceState, Document, DocumentKind, Emergency, Exempted, Exemption,
        Extras, Family, FileName, Guests, Hold, HoldKey, Import, Kin, Language, LastRead, Left,
        Locker, Mark, MarkKey, Member, Occupancy, Operator, Pass, PassKey, PassState, Person,
        Pickup, Presence, ReaderKey, Reservation, ReservationKey, ReservationState, Spending,
        StrangersCounted, Tariff, TariffKey, Terminal, Visit, Visits, Waiting, WaitsFor,
    },
    state::{Batch, Changes, Entry, Noted, Posting, Transaction},
    time::{Span, Timestamp},
    undo::Undo,
    verdict::{Finding, Origin, Outcome, Verdict},
};
use jiff::civil::date;
use store::Sealed;
use uuid::Uuid;

#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use home::{Home, at, on_both};

/// The instant at which tests happen.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

pub(crate) fn change<K, V>(key: K, version: u32, value: V) -> Change<K, V> {
    Change { key, version, value: Some(value) }
}

pub(crate) fn account(kind: AccountKind, balance: i64) -> Account {
    let floor = (balance < 0).then_some(Money(balance));
    let empty = Account::new(kind, "", Currency::of("GEL").unwrap().code);
    let (balance, reserved, debt_since) = (Money(balance), Money(300), Some(NOW));
    Account { balance, reserved, floor: floor.into(), debt_since, ..empty }
}

pub(crate) fn member(number: u32) -> Member {
    Member {
        number,
        birth: Some(date(2001, 2, 28)),
        blocked: true,
        language: Language::Hy,
        groups: Box::new([GroupId::from("swim\"school"), GroupId::from("staff")]),
        account: AccountId(id(3)),
        certificate_until: Some(date(2026, 9, 20)),
        reduced_mobility: true,
        medical: false,
        kin: Some(Box::new(Kin { family: None, guardians: vec![MemberId(id(2))] })),
    }
}

pub(crate) fn reservation(state: ReservationState, credential: u128) -> Reservation {
    Reservation {
        decision: DecisionId(id(50)),
        uid: Uid::from("04A1"),
        credential: CredentialId(id(credential)),
        member: MemberId(id(1)),
        granted: NOW,
        timeout: Span::seconds(5),
        expires: Some(NOW.plus(Span::seconds(5))),
        state,
        starts_visit: Some(VisitId(id(9))),
        takes_from: Some(PassKey { member: MemberId(id(2)), pass: PassId(id(4)) }),
        hours_end: Some(NOW),
        charges: vec![charge(500)],
        host: Some(MemberId(id(2))),
        comes_back: true,
        booked: true,
        limited: true,
        undo: Some(Box::new(undo())),
    }
}

/// What a grant that was booked at once had changed.
fn undo() -> Undo {
    let changed = serde_json::json!({ "presence": Presence::default() });
    let undo = serde_json::json!({ "before": changed, "after": changed, "transactions": [] });
    serde_json::from_value(undo).unwrap()
}

pub(crate) fn charge(amount: i64) -> Charge {
    let (amount, taken) = (Money(amount), Money(amount / 2));
    Charge { account: AccountId(id(3)), amount, taken, what: ChargeFor::Overstay, tariff: None }
}

pub(crate) fn place(device: &str, place: u64) -> ReservationKey {
    ReservationKey { device: DeviceId::from(device), direction: Direction::Entry, place }
}

/// One row of each table or more, every optional part once there and once not.
pub(crate) fn every_row() -> Changes {
    let people = people_rows();
    let sold = sold::sold_rows();
    Changes {
        goods: sold.goods,
        price_lists: sold.price_lists,
        drawers: sold.drawers,
        returned: sold.returned,
        deposits: sold.deposits,
        earnings: sold.earnings,
        members: people.members,
        credentials: people.credentials,
        passes: people.passes,
        visits: people.visits,
        tariffs: people.tariffs,
        accounts: people.accounts,
        guests: vec![change(MemberId(id(1)), 1, Guests(Visits::default()))],
        families: vec![change(FamilyId(id(70)), 1, family())],
        spending: vec![change(MemberId(id(1)), 1, spending())],
        attempts: vec![change(Uid::from("04A1"), 1, Attempts { failed: vec![NOW] })],
        exemptions: vec![change(ExemptionId(id(71)), 1, exemption())],
        bans: vec![change(MemberId(id(1)), 1, ban())],
        answers: vec![change(desk::answer_key(), 1, desk::answered())],
        ..gate_rows()
    }
}

fn family() -> Family {
    Family {
        name: "the Beridzes".into(),
        account: AccountId(id(3)),
        people: vec![Uid::from("04A1")],
    }
}

fn ban() -> Ban {
    let (from, until) = (date(2026, 9, 1), Some(date(2026, 9, 30)));
    Ban { from, until, reason: "pushed".to_owned(), by: "nino".into(), at: NOW }
}

fn spending() -> Spending {
    Spending { day: date(2026, 9, 15), spent: Money(600), promised: Money(1) }
}

fn exemption() -> Exemption {
    Exemption {
        who: Exempted::Group(GroupId::from("swim\"school")),
        codes: vec![Reason::SupervisionRequired],
        zones: vec![ZoneId::from("pool")],
        from: date(2026, 9, 1),
        until: date(2026, 12, 31),
        reason: "coach-led".to_owned(),
        granted_by: "nino".to_owned(),
    }
}

/// Somebody inside, with everything that presence can hold.
fn inside(hold: &Hold, pool: &ZoneId) -> Presence {
    let visit = Visit {
        hold: Some(hold.clone()),
        ..Visit::new(VisitId(id(9)), Uid::from("04A1"), NOW, Some(PassId(id(4))))
    };
    let plain = Visit::new(VisitId(id(8)), Uid::from("04A1"), NOW, None);
    Presence {
        zone: Some(pool.clone()),
        inside: 2,
        visit: Some(visit),
        entered: Some(NOW),
        pending: Some(place("gate-1", 11)),
        lockers: vec![LockerId::from("A-7")],
        left: Some(Left { at: NOW, visit: plain }),
    }
}

fn waiting() -> Waiting {
    Waiting { kind: EventKind::Exit, since: NOW, until: NOW, on: WaitsFor::Guardian, photo: true }
}

/// The rows of people and of what they hold.
fn people_rows() -> Changes {
    let pool = ZoneId::from("pool");
    let plain = Member { birth: None, blocked: false, groups: Box::default(), ..member(8) };
    let pass = Pass {
        tariff: TariffId::from("month"),
        tariff_version: 2,
        state: PassState::PastDue,
        valid_from: date(2026, 1, 31),
        valid_until: Some(date(2026, 12, 31)),
        visits_left: Some(7),
        visits_reserved: 1,
        paid: Money(1200),
        sale: None,
    };
    let credential = Credential {
        id: CredentialId(id(5)),
        member: MemberId(id(1)),
        state: CredentialState::Stolen,
        valid_from: Some(NOW),
        valid_until: None,
        party_size: 3,
        kind: CredentialKind::Card,
        adult: false,
        collected: false,
        extras: Some(Box::new(Extras { host: Some(MemberId(id(2))), ..Extras::default() })),
    };
    Changes {
        members: vec![change(MemberId(id(1)), 1, member(7)), change(MemberId(id(2)), 1, plain)],
        credentials: vec![change(Uid::from("04A1"), 1, credential)],
        passes: vec![
            change(PassKey { member: MemberId(id(1)), pass: PassId(id(4)) }, 1, pass.clone()),
            change(
                PassKey { member: MemberId(id(2)), pass: PassId(id(4)) },
                1,
                Pass { valid_until: None, visits_left: None, ..pass },
            ),
        ],
        visits: vec![
            change(
                MemberId(id(1)),
                1,
                Visits {
                    begun: vec![Begun::new(NOW), Begun { at: NOW, stepped: Span::seconds(-60) }],
                    promised: 2,
                },
            ),
            change(MemberId(id(2)), 1, Visits::default()),
        ],
        tariffs: vec![change(
            TariffKey { tariff: TariffId::from("month"), version: 2 },
            1,
            Tariff {
                tiers: Box::new([(Span::seconds(5400), Money(1000))]),
                ..Tariff::new(Box::new([pool]), Money(-5))
            },
        )],
        accounts: vec![change(AccountId(id(3)), 1, account(AccountKind::Wallet, -1250))],
        ..Changes::default()
    }
}

fn hold(gate: &DeviceId) -> Hold {
    let (gate, decision) = (gate.clone(), DecisionId(id(50)));
    Hold { since: NOW, until: None, gate, decision, expired: true, pickup: false }
}

/// The rows of gates and of what happens at them.
fn busy_device() -> DeviceState {
    let (first, last) = (11, Some((u64::MAX, 100)));
    let strangers_in = Some(StrangersCounted { until: NOW, count: 90, first, last });
    let (mode, alarm_at) = (Some(GateMode::OutOfService), Some(NOW));
    DeviceState { online: true, mode, alarm_at, strangers_in, ..DeviceState::default() }
}

fn gate_rows() -> Changes {
    let (gate, pool) = (DeviceId::from("gate-1"), ZoneId::from("pool"));
    let lapsed = Reservation {
        expires: None,
        starts_visit: None,
        takes_from: None,
        hours_end: None,
        charges: Vec::new(),
        host: None,
        comes_back: false,
        booked: false,
        limited: false,
        undo: None,
        ..reservation(ReservationState::Lapsed { at: NOW }, 5)
    };
    let hold = hold(&gate);
    let inside = inside(&hold, &pool);
    let unmoded = DeviceState { fire: true, ..DeviceState::default() };
    Changes {
        presence: vec![
            change(CredentialId(id(5)), 1, inside),
            change(CredentialId(id(6)), 1, Presence::default()),
        ],
        occupancy: vec![change(pool.clone(), 1, Occupancy { inside: -1, reserved: 4 })],
        reservations: vec![
            change(place("gate-1", 11), 1, reservation(ReservationState::Live, 5)),
            change(place("gate-1", 12), 1, lapsed),
        ],
        last_reads: vec![change(
            ReaderKey { device: gate.clone(), direction: Direction::Exit },
            1,
            LastRead {
                uid: Uid::from("FFFF"),
                at: NOW,
                next_place: 13,
                recent: vec![(Uid::from("FFFF"), NOW)],
                refused: Some(DecisionId(id(77))),
            },
        )],
        marks: vec![change(
            MarkKey { device: gate.clone(), boot: u64::MAX },
            1,
            Mark { high: u64::MAX - 1, window: 1 << 63 },
        )],
        devices: vec![
            change(gate.clone(), 1, busy_device()),
            change(DeviceId::from("gate-2"), 1, unmoded),
        ],
        terminals: vec![change(
            DeviceId::from("desk-1"),
            1,
            Terminal { online: true, operator: Some("nino".to_owned()), drawer: Money(29_000) },
        )],
        holds: vec![change(HoldKey { uid: Uid::from("EEEE"), gate: gate.clone() }, 1, hold)],
        waiting: vec![change(HoldKey { uid: Uid::from("EEEE"), gate: gate.clone() }, 1, waiting())],
        lockers: vec![change(LockerId::from("A-7"), 1, Locker::new(gate.clone(), pool))],
        imports: vec![change(ImportId::from("9f"), 1, import())],
        emergency: vec![change((), 1, Emergency { started: NOW, source: gate })],
        ..operator_rows()
    }
}

/// One that has ended: until then words may be missing.
pub(crate) fn import() -> Import {
    let (what, file) = ("members".to_owned(), "people.xlsx".to_owned());
    Import { what, file, daemon: 1, rows: 9, done: 9, began: NOW, ended: Some(NOW) }
}

/// The rows of operators and of what they do.
fn operator_rows() -> Changes {
    let key = HoldKey { uid: Uid::from("EEEE"), gate: DeviceId::from("gate-1") };
    Changes {
        operators: vec![change(OperatorId::from("nino"), 1, Operator::default())],
        params: vec![change(desk::limit(), 1, desk::twelve())],
        pending_orders: vec![change(DeviceId::from("desk-1"), 1, desk::pending_order())],
        tokens: vec![change(key, 1, desk::token())],
        ..Changes::default()
    }
}

/// A decision with nothing special about it.
pub(crate) fn decision(number: u128) -> Decision {
    let finding = Finding {
        reason: Reason::Granted,
        class: Class::Grant,
        origin: Origin::Rule { file: "10-entry.rhai".to_owned(), line: 4 },
        alarm: false,
        details: Vec::new(),
    };
    Decision {
        id: DecisionId(id(number)),
        at: NOW,
        received: NOW,
        kind: EventKind::Entry,
        device: DeviceId::from("gate-1"),
        direction: Some(Direction::Entry),
        member: Some(MemberId(id(1))),
        credential: Some(CredentialId(id(5))),
        unknown_uid: None,
        verdict: Verdict {
            outcome: Outcome::Grant,
            reasons: vec![finding],
            also: Vec::new(),
            missing: Vec::new(),
            consulted: ParamMask(u64::MAX),
            tripped: ParamMask(1),
            values: Vec::new(),
        },
        facts: None,
        seen: None,
        facts_version: FACTS_VERSION,
        rule_set: "f00d".to_owned(),
    }
}

pub(crate) fn command(number: u128, issued: Timestamp) -> Command {
    Command {
        id: CommandId(id(number)),
        device: DeviceId::from("gate-1"),
        decision: Some(DecisionId(id(50))),
        issued,
        ttl: COMMAND_TTL,
        epoch: 1,
        action: Action::OpenOnce { direction: Direction::Entry, passage_timeout: Span::seconds(5) },
    }
}

pub(crate) fn decided(number: u128) -> Entry {
    let noted = Noted::Decided { decision: DecisionId(id(number)), outcome: Outcome::Grant };
    Entry { at: NOW, device: Some(DeviceId::from("gate-1")), source: Some((1, 2)), noted }
}

pub(crate) fn happened(detail: &str) -> Entry {
    let noted = Noted::Condition {
        condition: Condition::PassageMade,
        decision: None,
        direction: Some(Direction::Exit),
        detail: detail.to_owned(),
    };
    Entry { at: NOW, device: None, source: None, noted }
}

/// A batch of one grant, as the typical event writes it.
pub(crate) fn granted(number: u128) -> Batch {
    Batch {
        journal: vec![decided(number)],
        decisions: vec![decision(number)],
        commands: vec![command(number * 2 + 1000, NOW), command(number * 2 + 1001, NOW)],
        ..Batch::default()
    }
}

/// A transaction of two postings.
pub(crate) fn transaction(number: u128, key: &str, amounts: [i64; 2]) -> Transaction {
    let posting = |amount| Posting { account: AccountId(id(3)), amount: Money(amount) };
    Transaction {
        id: TransactionId(id(number)),
        at: NOW,
        key: key.to_owned(),
        purpose: Purpose::Entry,
        device: Some(DeviceId::from("gate-1")),
        operator: None,
        decision: None,
        reverses: None,
        note: String::new(),
        postings: amounts.map(posting).to_vec(),
    }
}

pub(crate) fn person() -> Person {
    Person {
        name: "ნინო".to_owned(),
        name_latin: "Nino".to_owned(),
        phones: vec!["+995555000001".to_owned(), "+37410000002".to_owned()],
        email: "nino@example.ge".to_owned(),
        photo: FileName::of(&format!("{}.jpg", "0123456789abcdef".repeat(4))),
        notes: "asks for a towel".to_owned(),
        documents: vec![Document {
            kind: DocumentKind::MedicalCertificate,
            number: "17/4".to_owned(),
            from: None,
            until: Some(date(2026, 9, 20)),
            file: None,
        }],
        pickups: vec![Pickup { name: "ეკა".to_owned(), ..Pickup::default() }],
    }
}

pub(crate) fn sealed(number: u64, batch: Batch, changes: Changes) -> Sealed {
    Sealed { number, epoch: 1, batch, reads: changes.before(), changes, committed_at: NOW }
}

/// A row that a batch read.
pub(crate) fn read<K>(key: K, version: u32) -> Read<K> {
    Read { key, version }
}
