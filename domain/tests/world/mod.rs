//! A small site that a test can talk to: two gates to the street, one between hall and pool.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::sync::Arc;

use domain::{
    command::Action,
    decision::Decision,
    event::{DeviceEvent, Direction, Happening, Transit},
    facts::{EventKind, Policy, PolicyFault, Question},
    ids::{AccountId, CredentialId, MemberId, PassId},
    money::{Currency, Money},
    order::{Act, Order, Second, What},
    params::{DefaultFor, Param, ParamMask, Value},
    rows::{
        Credential, CredentialKind, CredentialState, Language, Member, Occupancy, Operator, Pass,
        PassKey, PassState, Person, Presence, Tariff, TariffKey,
    },
    scope::{ParamTable, Scope},
    site::{Gate, Site, TerminalKind},
    state::{Answer, Batch, ImportRow, Input, Noted, Snapshot, State},
    step::step,
    time::Timestamp,
    verdict::{Finding, Outcome},
};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// A policy of a test: its values, and what it finds.
pub(crate) struct TestPolicy {
    pub(crate) hash: String,
    pub(crate) values: ParamTable,
    pub(crate) consulted: ParamMask,
    pub(crate) finds: fn(&Question<'_>) -> Result<Vec<Finding>, PolicyFault>,
}

impl Policy for TestPolicy {
    fn hash(&self) -> &str {
        &self.hash
    }
    fn values(&self) -> &ParamTable {
        &self.values
    }
    fn consulted(&self, _: EventKind) -> ParamMask {
        self.consulted
    }
    fn judge(&self, question: &Question<'_>) -> Result<Vec<Finding>, PolicyFault> {
        (self.finds)(question)
    }
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) policy: TestPolicy,
    pub(crate) last: Batch,
    pub(crate) seq: u64,
}

pub(crate) const MEMBER: MemberId = MemberId(Uuid::from_u128(10));
pub(crate) const CREDENTIAL: CredentialId = CredentialId(Uuid::from_u128(11));
pub(crate) const WALLET: AccountId = AccountId(Uuid::from_u128(12));
pub(crate) const PASS: PassKey = PassKey { member: MEMBER, pass: PassId(Uuid::from_u128(13)) };

/// A local time of 2026-09-15 in Tbilisi, such as `09:00:05.000`.
pub(crate) fn at(time: &str) -> Timestamp {
    format!("2026-09-15T{time}+04:00").parse::<jiff::Timestamp>().unwrap().into()
}

fn site() -> Site {
    let gate = |outer: Option<&str>, inner: &str| Gate {
        drops_repeats: true,
        ..Gate::new(outer.map(Into::into), inner.into())
    };
    let (zone, gel) = (TimeZone::get("Asia/Tbilisi").unwrap(), Currency::of("GEL").unwrap());
    Site {
        zones: [("site".into(), None), ("pool".into(), Some("site".into()))].into(),
        gates: [
            ("G1".into(), gate(None, "site")),
            ("G2".into(), gate(None, "site")),
            ("P1".into(), gate(Some("site"), "pool")),
        ]
        .into(),
        groups: [("slow".into(), DefaultFor::ReducedMobility)].into(),
        terminals: [("desk-1".into(), TerminalKind::Desk), ("till-1".into(), TerminalKind::Till)]
            .into(),
        ..Site::new("test".into(), zone, gel)
    }
}

impl World {
    /// A site with one member, his band `W1`, a pass of five visits at `price` each, and 50.00 in
    /// the wallet.
    pub(crate) fn new(price: i64) -> Self {
        let state = State::load(Arc::new(site()), Snapshot::default(), 1, 7);
        let (hash, values) = (String::new(), ParamTable::default());
        let consulted = ParamMask::default();
        let policy = TestPolicy { hash, values, consulted, finds: |_| Ok(Vec::new()) };
        let mut world = Self { state, policy, last: Batch::default(), seq: 0 };
        let tariff = TariffKey { tariff: "pack".into(), version: 1 };
        let member = Member {
            number: 1,
            birth: None,
            blocked: false,
            language: Language::Ka,
            groups: Box::default(),
            account: WALLET,
            certificate_until: None,
            reduced_mobility: false,
            medical: false,
            kin: None,
        };
        let person =
            Person { name: "ნინო".into(), name_latin: "Nino".into(), ..Person::default() };
        let pass = Pass {
            tariff: "pack".into(),
            tariff_version: 1,
            state: PassState::Active,
            valid_from: "2026-09-01".parse().unwrap(),
            valid_until: None,
            visits_left: Some(5),
            visits_reserved: 0,
            paid: Money::ZERO,
            sale: None,
        };
        let zones = ["site".into(), "pool".into()].into();
        world.take(
            Input::Import(vec![
                ImportRow::Tariff(tariff, Tariff::new(zones, Money(price))),
                ImportRow::Wallet { account: WALLET, balance: Money(5000), debt_since: None },
                ImportRow::Member(MEMBER, member, person),
                ImportRow::Pass(PASS, pass),
                ImportRow::Credential("W1".into(), band(CREDENTIAL, 1)),
            ]),
            at("06:00:00"),
        );
        world
    }

    /// Nino and Levan, who are managers, and a guest who is nothing.
    pub(crate) fn operators(&mut self) {
        let row = |(login, role): (&str, &str)| {
            let operator = Operator { roles: [role.into()].into(), ..Operator::default() };
            ImportRow::Operator(login.into(), operator)
        };
        let all = [("nino", "manager"), ("levan", "manager"), ("guest", "none")];
        self.take(Input::Import(all.map(row).to_vec()), at("08:00:00"));
    }

    /// What a reset of the emergency comes to, ordered at the desk and confirmed at the till.
    pub(crate) fn resets(
        &mut self,
        time: &str,
        who: &str,
        second: Option<&str>,
    ) -> Option<Outcome> {
        let second = second.map(|operator| Second {
            operator: operator.into(),
            terminal: "till-1".into(),
            at: at(time),
        });
        let act = Act { action: "emergency_reset".to_owned(), ..Act::default() };
        let order = Order { operator: who.into(), second, what: What::Act(act) };
        self.event("desk-1", at(time), at(time), Happening::Order(Box::new(order)));
        self.last.decisions.last().map(|decision| decision.verdict.outcome)
    }

    /// Sets a value at a scope: that is another rule set.
    pub(crate) fn set_at(&mut self, param: Param, scope: Scope, value: &str) {
        self.policy.values.set(param, scope, Value::parse(param, value).unwrap());
        self.policy.hash.push('x');
    }

    pub(crate) fn set(&mut self, param: Param, value: &str) {
        self.set_at(param, Scope::Site, value);
    }

    /// Steps one input, and loses what came of it: no trace of it is left.
    fn loses(&mut self, input: Input, now: Timestamp) {
        self.state.discard();
        let (ids, before) = (self.state.ids.clone(), format!("{:?}", self.state));
        step(&mut self.state, &mut Batch::default(), input, now, &self.policy);
        self.state.discard();
        self.state.ids = ids;
        assert_eq!(format!("{:?}", self.state), before, "a lost batch left something");
    }

    /// Steps one input and commits what came of it; before that it was lost once.
    pub(crate) fn take(&mut self, input: Input, now: Timestamp) -> Answer {
        self.loses(input.clone(), now);
        let mut batch = Batch::default();
        let answer = step(&mut self.state, &mut batch, input, now, &self.policy);
        for transaction in &batch.transactions {
            let sum: Money = transaction.postings.iter().map(|posting| posting.amount).sum();
            assert_eq!(sum, Money::ZERO, "{transaction:?}");
        }
        self.state.commit();
        self.last = batch;
        answer
    }

    pub(crate) fn event(
        &mut self,
        gate: &str,
        told: Timestamp,
        received: Timestamp,
        what: Happening,
    ) {
        self.seq += 1;
        let event = DeviceEvent {
            device: gate.into(),
            boot: 1,
            seq: self.seq,
            device_time: Some(told),
            received,
            transit: Transit::Straight,
            happening: what,
        };
        self.take(Input::Device(event), received);
    }

    /// A read; the decision on it.
    pub(crate) fn read(
        &mut self,
        gate: &str,
        direction: Direction,
        uid: &str,
        time: &str,
    ) -> Decision {
        let what = Happening::CredentialRead { direction, uid: uid.into(), pin: None };
        self.event(gate, at(time), at(time), what);
        self.last.decisions.last().cloned().unwrap()
    }

    /// A passage that the gate says was made at `told`, and that reaches us at `received`.
    pub(crate) fn passage(&mut self, gate: &str, direction: Direction, told: &str, received: &str) {
        let what = Happening::PassageMade { direction, decision: None };
        self.event(gate, at(told), at(received), what);
    }

    pub(crate) fn tick(&mut self, time: &str) {
        self.take(Input::Tick, at(time));
    }

    pub(crate) fn presence(&self) -> Presence {
        self.state.tables.presence.peek(&CREDENTIAL).cloned().unwrap_or_default()
    }
    pub(crate) fn visits_left(&self) -> u32 {
        self.state.tables.passes.peek(&PASS).and_then(|pass| pass.visits_left).unwrap()
    }
    pub(crate) fn zone(&self, zone: &str) -> Occupancy {
        self.state.tables.occupancy.peek(&zone.into()).copied().unwrap_or_default()
    }
    /// Balance and provisional charges of the wallet.
    pub(crate) fn wallet(&self) -> (i64, i64) {
        let row = self.state.tables.accounts.peek(&WALLET).unwrap();
        (row.balance.minor(), row.reserved.minor())
    }
    /// The conditions of the last batch.
    pub(crate) fn conditions(&self) -> Vec<String> {
        let condition = |entry: &domain::state::Entry| match &entry.noted {
            Noted::Condition { condition, .. } => Some(format!("{condition:?}")),
            _ => None,
        };
        self.last.journal.iter().filter_map(condition).collect()
    }
    /// Whether the last batch opened a gate.
    pub(crate) fn opened(&self) -> bool {
        self.last.commands.iter().any(|command| matches!(command.action, Action::OpenOnce { .. }))
    }
}

pub(crate) fn band(id: CredentialId, party_size: u16) -> Credential {
    Credential {
        id,
        member: MEMBER,
        state: CredentialState::Active,
        valid_from: None,
        valid_until: None,
        party_size,
        kind: CredentialKind::Card,
        adult: false,
        collected: false,
        extras: None,
    }
}

/// Outcome and codes of a decision, as the specification writes them.
pub(crate) fn told(decision: &Decision) -> (Outcome, Vec<&'static str>) {
    let codes = decision.verdict.reasons.iter().map(|found| found.reason.code()).collect();
    (decision.verdict.outcome, codes)
}
