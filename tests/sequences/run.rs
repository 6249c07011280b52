//! Lets the events of a sequence happen at a site, and has each step looked at.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    command::Action,
    decision::Decision,
    event::{DeviceEvent, Direction, Happening, HealthItem, Transit},
    facts::EventKind,
    ids::{DecisionId, MemberId},
    money::Money,
    order::{Act, Line, Order, Override, Rest, Second, Sells, What},
    reasons::{Class, Reason},
    rows::{CredentialState, Terminal},
    state::{Answer, ImportRow, Input, Payment},
    time::{Span, Timestamp},
};
use tests::world::World;

use crate::{
    events::{Event, GATES},
    oracle::{Lifted, Oracle, Step},
    policies::{Drawn, given},
};

/// A site in the middle of a sequence.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) rules: Arc<Drawn>,
    pub(crate) oracle: Oracle,
    seq: u64,
    payments: u32,
    /// What devices sent, and what of it did not come yet.
    sent: Vec<DeviceEvent>,
    kept_back: Vec<DeviceEvent>,
    /// Decisions that opened nothing.
    refused: Vec<Decision>,
    /// Decisions that opened a gate, by gate and direction, the last one.
    opened: BTreeMap<(String, Direction), DecisionId>,
    terminals: BTreeMap<String, Terminal>,
}

/// Runs `events`; what went wrong, and with which of them.
pub(crate) fn run(events: &[Event]) -> Result<Oracle, (usize, String)> {
    let rules = Arc::new(Drawn::of(0));
    let mut run = Run {
        world: World::with(given(), rules.clone()).unwrap(),
        rules,
        oracle: Oracle::new(),
        seq: 100,
        payments: 0,
        sent: Vec::new(),
        kept_back: Vec::new(),
        refused: Vec::new(),
        opened: BTreeMap::new(),
        terminals: BTreeMap::new(),
    };
    run.oracle.begins(&run.world);
    run.world.now = run.world.time("09:30:00");
    for (place, event) in events.iter().enumerate() {
        run.happens(event).map_err(|why| (place, why))?;
    }
    run.ends().map_err(|why| (events.len(), why))?;
    Ok(run.oracle)
}

impl Run {
    /// One input, and time up to now; both are looked at.
    fn take(&mut self, input: Input, lifted: Option<Lifted>) -> Result<Answer, String> {
        self.oracle.before(&input);
        let answer = self.world.take(input);
        self.look(lifted, &answer)?;
        self.world.take(Input::Tick);
        self.look(None, &Answer::Taken)?;
        Ok(answer)
    }

    fn look(&mut self, lifted: Option<Lifted>, answer: &Answer) -> Result<(), String> {
        for command in &self.world.last.commands {
            if let (Action::OpenOnce { direction, .. }, Some(id)) =
                (&command.action, command.decision)
            {
                self.opened.insert((command.device.to_string(), *direction), id);
            }
        }
        for decision in &self.world.last.decisions {
            if !decision.verdict.outcome.opens() && decision.direction.is_some() {
                self.refused.push(decision.clone());
            }
        }
        let step = Step { world: &self.world, rules: &self.rules, lifted, answer };
        self.oracle.looks(&step)
    }

    fn ago(&self, seconds: i64) -> Timestamp {
        self.world.now.minus(Span::seconds(seconds))
    }

    fn message(&mut self, device: &str, told: Timestamp, happening: Happening) -> DeviceEvent {
        self.seq += 1;
        let (seq, received) = (self.seq, self.world.now);
        let (device_time, transit) = (Some(told), Transit::Straight);
        DeviceEvent {
            device: device.into(),
            boot: 1,
            seq,
            device_time,
            received,
            transit,
            happening,
        }
    }

    fn tells(&mut self, device: &str, told: Timestamp, what: Happening) -> Result<(), String> {
        let message = self.message(device, told, what);
        self.sent.push(message.clone());
        self.take(Input::Device(message), None).map(drop)
    }

    fn reads(&mut self, gate: &str, direction: Direction, who: &str) -> Result<(), String> {
        let what = Happening::CredentialRead { direction, uid: who.into(), pin: None };
        self.tells(gate, self.world.now, what)
    }

    fn happens(&mut self, event: &Event) -> Result<(), String> {
        match *event {
            Event::Wait(seconds) => {
                self.world.now = self.world.now.plus(Span::seconds(seconds));
                self.take(Input::Tick, None).map(drop)
            }
            Event::Read { gate, way, who, late } => {
                let what = Happening::CredentialRead { direction: way, uid: who.into(), pin: None };
                self.tells(gate, self.ago(late), what)
            }
            Event::Walk { gate, way, who } => self.walks(gate, way, who),
            Event::Unanswered { gate, way, who } => {
                let what = Happening::CredentialRead { direction: way, uid: who.into(), pin: None };
                let message = self.message(gate, self.world.now, what);
                self.take(Input::Unanswered(message), None).map(drop)
            }
            Event::Passed { .. } | Event::Arrives | Event::Again { .. } => self.comes(event),
            Event::Aborted { gate, way } => {
                let decision = self.opened.get(&(gate.to_owned(), way)).copied();
                let what = Happening::PassageAborted { direction: way, decision };
                self.tells(gate, self.world.now, what)
            }
            Event::Unexpected { gate, way } => {
                let what = Happening::PassageUnexpected { direction: way };
                self.tells(gate, self.world.now, what)
            }
            Event::Crowd { gate } => (0..12)
                .try_for_each(|n| self.reads(gate, Direction::Exit, &format!("stranger-{n}"))),
            _ => self.around(event),
        }
    }

    fn walks(&mut self, gate: &str, way: Direction, who: &str) -> Result<(), String> {
        let key = (gate.to_owned(), way);
        let before = self.opened.get(&key).copied();
        self.reads(gate, way, who)?;
        let decision = self.opened.get(&key).copied();
        if decision == before {
            return Ok(());
        }
        self.tells(gate, self.world.now, Happening::PassageMade { direction: way, decision })
    }

    /// Messages that come late, kept back or again.
    fn comes(&mut self, event: &Event) -> Result<(), String> {
        match *event {
            Event::Passed { gate, way, named, late, kept_back } => {
                let decision = self.opened.get(&(gate.to_owned(), way)).copied();
                let decision = decision.filter(|_| named);
                let what = Happening::PassageMade { direction: way, decision };
                if !kept_back {
                    return self.tells(gate, self.ago(late), what);
                }
                let message = self.message(gate, self.ago(late), what);
                self.kept_back.push(message);
                Ok(())
            }
            Event::Arrives => {
                for message in std::mem::take(&mut self.kept_back) {
                    let message = DeviceEvent { received: self.world.now, ..message };
                    self.take(Input::Device(message), None)?;
                }
                Ok(())
            }
            Event::Again { back } => {
                let Some(place) = self.sent.len().checked_sub(back) else { return Ok(()) };
                let message = self.sent[place].clone();
                // Older ones are forgotten, and states may come as often as they like.
                if self.seq - message.seq >= 60 || !message.happening.is_counted() {
                    return Ok(());
                }
                self.world.take(Input::Device(message));
                self.oracle.comes_again(&self.world.last)
            }
            _ => Ok(()),
        }
    }

    fn around(&mut self, event: &Event) -> Result<(), String> {
        let now = self.world.now;
        match *event {
            Event::Locker { locker, who, opens } => {
                let (locker, uid) = (locker.into(), who.into());
                self.tells("bank", now, Happening::LockerRequest { locker, uid, opens })
            }
            Event::Collected { gate, who } => {
                self.tells(gate, now, Happening::Collected { uid: who.into() })
            }
            Event::Fire { gate, on } => {
                let what = Happening::FireInput { active: on };
                self.tells(gate, now, what)
            }
            Event::Fault { gate, power, bad } => {
                let what = if power { HealthItem::Power } else { HealthItem::Tamper };
                let value = (bad != power).to_string();
                self.tells(gate, now, Happening::Health { what, value })
            }
            Event::Online { gate, online } => self.tells(gate, now, Happening::Presence { online }),
            Event::Door { gate, open } => self.tells(gate, now, Happening::Door { open }),
            Event::Terminal { id, online, signed_in } => {
                let operator = signed_in.then(|| "nino".to_owned());
                let state = Terminal { online, operator, drawer: Money::ZERO };
                self.terminals.insert(id.to_owned(), state.clone());
                self.take(Input::Terminal { terminal: id.into(), state }, None).map(drop)
            }
            Event::ClockSet(seconds) => {
                let by = Span::seconds(seconds);
                self.world.now = now.plus(by);
                self.take(Input::ClockStepped { by }, None).map(drop)
            }
            Event::Rules(seed) => {
                self.rules = Arc::new(Drawn::of(seed));
                self.world.rules = self.rules.clone();
                Ok(())
            }
            Event::Photo { same } => {
                let Some(waiting) =
                    self.world.state.tables.waiting.iter().next().map(|(key, _)| key.clone())
                else {
                    return Ok(());
                };
                self.take(Input::PhotoChecked { waiting, same }, None).map(drop)
            }
            Event::Reported { who, stolen } => self.reported(who, stolen),
            _ => self.orders(event),
        }
    }

    fn reported(&mut self, who: &str, stolen: bool) -> Result<(), String> {
        let known = self.world.state.tables.credentials.peek(&who.into()).cloned();
        let Some(mut known) = known else { return Ok(()) };
        known.state = if stolen { CredentialState::Stolen } else { CredentialState::Active };
        self.oracle.reported(who, stolen);
        self.take(Input::Import(vec![ImportRow::Credential(who.into(), known)]), None).map(drop)
    }

    fn orders(&mut self, event: &Event) -> Result<(), String> {
        let uid = |who: &str| domain::ids::Uid::from(who);
        match *event {
            Event::Sale { who, cents, cash } => {
                let good = Sells::Good(self.world.good(""));
                let line = Line { price: Some(Money(cents)), ..Line::of(good) };
                let what = What::Sale {
                    buyer: Some(uid(who)),
                    lines: vec![line],
                    cash: if cash { Money(cents) } else { Money::ZERO },
                    card: Money::ZERO,
                    rest: Rest::Wallet,
                    age_shown: None,
                };
                self.order("till-1", "nino", None, what, None)
            }
            Event::Topup { who, cents } => {
                let what = What::Topup { holder: uid(who), amount: Money(cents), cash: true };
                self.order("till-1", "nino", None, what, None)
            }
            Event::Refund { who, cents, second } => {
                let what = What::Refund { holder: uid(who), amount: Money(cents), cash: false };
                self.order("till-1", "boss", second, what, None)
            }
            Event::Pays { who, percent, at } => self.pays(who, percent, at),
            Event::Lifts { back, operator, second, all, why } => {
                let Some(place) = self.refused.len().checked_sub(back + 1) else { return Ok(()) };
                let refused = self.refused[place].clone();
                self.lifts(&refused, (operator, second), all, why)
            }
            Event::Acts { action, operator, second, who } => {
                let member = self.member(who);
                let locker = Some("1".into());
                let what =
                    What::Act(Act { action: action.to_owned(), member, locker, setting: None });
                self.order("desk-1", operator, second, what, None)
            }
            Event::AllClear => {
                for gate in GATES {
                    let what = Happening::FireInput { active: false };
                    self.tells(gate, self.world.now, what)?;
                }
                self.order("desk-1", "boss", Some("levan"), reset(), None)
            }
            Event::Reset { other } => self.order(
                "desk-1",
                "boss",
                Some(other).filter(|one| !one.is_empty()),
                reset(),
                None,
            ),
            _ => Ok(()),
        }
    }

    fn member(&self, who: &str) -> Option<MemberId> {
        self.world.state.tables.credentials.peek(&who.into()).map(|known| known.member)
    }

    fn pays(&mut self, who: &str, percent: i64, at: &str) -> Result<(), String> {
        if !self.world.holders.contains_key(who) {
            return Ok(());
        }
        let amount = Money(self.world.debt(who).minor() * percent / 100);
        self.payments += 1;
        let key = format!("pay-{}", self.payments);
        let account = self.world.account(who);
        let payment = Payment { key, account, amount, terminal: at.into() };
        self.take(Input::Payment(payment), None).map(drop)
    }

    fn lifts(
        &mut self,
        refused: &Decision,
        (operator, second): (&'static str, Option<&'static str>),
        all: bool,
        why: domain::order::OverrideReason,
    ) -> Result<(), String> {
        let uid = match &refused.unknown_uid {
            Some(uid) => uid.clone(),
            None => self.world.uid_of(refused).unwrap(),
        };
        let refuses = |class: Class| matches!(class, Class::Deny | Class::Hold);
        let found = refused.verdict.reasons.iter().filter(|found| refuses(found.class));
        let mut codes: Vec<Reason> = found.map(|found| found.reason).collect();
        if !all {
            codes.truncate(1);
        }
        let kind: EventKind = refused.kind;
        let lifted = Lifted { uid: uid.to_string(), gate: refused.device.to_string(), kind };
        let what = What::Override(Override {
            decision: refused.id,
            gate: refused.device.clone(),
            uid,
            kind,
            codes,
            reason: why,
            text: String::new(),
            waived: Money::ZERO,
        });
        self.order("desk-1", operator, second, what, Some(lifted))
    }

    fn order(
        &mut self,
        terminal: &str,
        operator: &str,
        second: Option<&str>,
        what: What,
        lifted: Option<Lifted>,
    ) -> Result<(), String> {
        let at = self.world.now;
        let second =
            second.map(|one| Second { operator: one.into(), terminal: "till-2".into(), at });
        let order = Box::new(Order { operator: operator.into(), second, what });
        let message = self.message(terminal, at, Happening::Order(order));
        self.sent.push(message.clone());
        self.take(Input::Device(message), lifted).map(drop)
    }

    /// Days go by: everything that lasts for a time has ended then.
    fn ends(&mut self) -> Result<(), String> {
        for _ in 0..4 {
            self.world.now = self.world.now.plus(Span::seconds(40_000));
            self.take(Input::Tick, None)?;
        }
        self.oracle.nothing_lasts(&self.world)
    }
}

fn reset() -> What {
    What::Act(Act { action: "emergency_reset".to_owned(), ..Act::default() })
}
