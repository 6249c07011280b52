//! A whole site in memory, made of what a file gives: the state machine with rules, and no store,
//! no daemon and no devices around it.

mod desk;
mod devices;
mod given;
mod made;
mod sets;
mod shown;
mod steps;
mod tills;
mod times;
mod words;

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    clock::turn,
    command::{Action, Command},
    decision::Decision,
    event::{DeviceEvent, Happening, Transit},
    facts::Policy,
    ids::{AccountId, CredentialId, MemberId, Uid, ZoneId},
    money::{Currency, Money, Vat},
    params::Param,
    rows::{PassKey, Terminal},
    scope::Place,
    site::{Gate, Site, TerminalKind},
    state::{Answer, Batch, Input, Snapshot, State},
    step::step,
    time::Timestamp,
};
use jiff::tz::TimeZone;

use made::Ids;

pub use given::{Given, PersonRow};
pub use sets::{file, load_files, shipped, with_shipped};
pub use steps::{PARTS, Part, STEPS, Step};

/// The PIN of every operator; here a code is its own digest.
const PIN: &str = "2468";
/// One batch of so many is lost first, and taken then.
const LOST_EVERY: u32 = 16;
/// The desk that every gate of a scenario is bound to.
pub const DESK: &str = "desk-1";

/// Who holds a band.
#[derive(Debug)]
pub struct Holder {
    member: MemberId,
    /// The credential.
    pub credential: CredentialId,
    account: AccountId,
    /// The family's wallet.
    shared: Option<AccountId>,
    /// The pass, if there is one.
    pub pass: Option<PassKey>,
}

/// A site in the middle of a given.
pub struct World {
    /// The state.
    pub state: State,
    /// The rules in force.
    pub rules: Arc<dyn Policy>,
    /// Who holds what, by the band.
    pub holders: BTreeMap<String, Holder>,
    given: Given,
    /// When everything was given.
    beginning: Timestamp,
    /// The present time.
    pub now: Timestamp,
    /// How many batches were taken.
    taken: u32,
    /// When the last step was.
    stepped: Option<Timestamp>,
    /// The boot and the last sequence of each device.
    said: BTreeMap<String, (u64, u64)>,
    /// The last command that opens each gate.
    opening: BTreeMap<String, Command>,
    payments: u32,
    /// What the last step made.
    pub last: Batch,
    /// The last decision.
    pub decision: Option<Decision>,
    /// The last one that opened nothing, at a gate.
    pub refused: Option<Decision>,
    /// What every account was ever posted.
    pub posted: Money,
    /// What was noted since it was asked for last.
    noted: Vec<String>,
    /// Whether the rules in the folder were refused and are still there.
    degraded: bool,
}

impl World {
    /// The site that is `given`, with the shipped rules, its own and `rules` more.
    ///
    /// # Errors
    /// What is wrong with the rules or with what is given.
    pub fn of(given: &Given, rules: &str) -> Result<Self, String> {
        let site = try_site(given)?;
        let ids = Ids::of(given, times::read("00:00:00", &site.time_zone, &given.date)?);
        let rules = sets::rule_set(given, &site, &ids, rules)?;
        Self::with(given, rules)
    }

    /// The site that is `given`, with these rules.
    ///
    /// # Errors
    /// What is wrong with what is given.
    pub fn with(given: &Given, rules: Arc<dyn Policy>) -> Result<Self, String> {
        let site = try_site(given)?;
        let beginning = times::read("00:00:00", &site.time_zone, &given.date)?;
        let state = State::load(Arc::new(site), Snapshot::default(), 1, 7);
        let mut world = Self {
            state,
            rules,
            holders: BTreeMap::new(),
            given: given.clone(),
            beginning,
            now: beginning,
            stepped: None,
            taken: 0,
            said: BTreeMap::new(),
            opening: BTreeMap::new(),
            payments: 0,
            last: Batch::default(),
            decision: None,
            refused: None,
            posted: Money::ZERO,
            noted: Vec::new(),
            degraded: false,
        };
        world.import(given)?;
        let desk =
            Terminal { online: true, operator: Some("nino".to_owned()), drawer: Money::ZERO };
        let till = Terminal { operator: None, ..desk.clone() };
        for id in &given.tills {
            let state = till.clone();
            world.take(Input::Terminal { terminal: id.as_str().into(), state });
        }
        world.take(Input::Terminal { terminal: DESK.into(), state: desk });
        world.noted.clear();
        Ok(world)
    }

    /// Steps one input at the present time and commits what came of it.
    ///
    /// # Panics
    /// Where the state machine answers nothing.
    pub fn take(&mut self, input: Input) -> Answer {
        self.take_together(vec![input]).pop().unwrap()
    }

    /// Steps what came together, in the order in which the daemon takes a batch, and commits what
    /// came of all of it.
    pub(crate) fn take_together(&mut self, mut inputs: Vec<Input>) -> Vec<Answer> {
        let values = self.state.values(&*self.rules);
        let drift = values.resolve(Param::ClockMaxDrift, &Place::default()).value.span();
        inputs.sort_by(|left, right| turn(left, right, drift));
        self.taken += 1;
        if self.taken.is_multiple_of(LOST_EVERY) {
            self.lose(&inputs);
        }
        let mut batch = Batch::default();
        let mut answers = Vec::new();
        for input in inputs {
            answers.push(step(&mut self.state, &mut batch, input, self.now, &*self.rules));
        }
        for transaction in &batch.transactions {
            self.posted =
                self.posted + transaction.postings.iter().map(|posting| posting.amount).sum();
        }
        self.state.commit();
        for decision in &batch.decisions {
            self.decision = Some(decision.clone());
            if !decision.verdict.outcome.opens() && decision.direction.is_some() {
                self.refused = Some(decision.clone());
            }
        }
        for command in &batch.commands {
            if matches!(command.action, Action::OpenOnce { .. }) {
                self.opening.insert(command.device.to_string(), command.clone());
            }
        }
        self.last = batch;
        self.noted.extend(self.journal());
        answers
    }

    /// Steps inputs, and loses what came of them: no trace of it is left.
    fn lose(&mut self, inputs: &[Input]) {
        self.state.discard();
        let (ids, before) = (self.state.ids.clone(), format!("{:?}", self.state));
        let mut batch = Batch::default();
        for input in inputs {
            step(&mut self.state, &mut batch, input.clone(), self.now, &*self.rules);
        }
        self.state.discard();
        self.state.ids = ids;
        assert_eq!(format!("{:?}", self.state), before, "a lost batch left something");
    }

    /// A device's message: what happened at `told` reaches us now.
    pub fn event(&mut self, device: &str, told: Timestamp, happening: Happening) {
        let event = self.message(device, Some(told), happening);
        self.take(Input::Device(event));
    }

    /// The next message of a device, as it reaches us now.
    fn message(
        &mut self,
        device: &str,
        told: Option<Timestamp>,
        happening: Happening,
    ) -> DeviceEvent {
        let (boot, seq) = self.said.entry(device.to_owned()).or_insert((1, 0));
        *seq += 1;
        DeviceEvent {
            device: device.into(),
            boot: *boot,
            seq: *seq,
            device_time: told,
            received: self.now,
            transit: Transit::Straight,
            happening,
        }
    }

    /// The present time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Time goes on to `at`; what ends by itself until then ends.
    pub fn wait(&mut self, at: Timestamp) {
        self.now = at;
        self.take(Input::Tick);
    }

    /// The next key of a payment.
    pub fn payment_key(&mut self) -> String {
        self.payments += 1;
        format!("pay-{}", self.payments)
    }

    /// A local time with or without a date.
    ///
    /// # Panics
    /// Where it is none.
    pub fn time(&self, text: &str) -> Timestamp {
        self.read_time(text).unwrap_or_else(|why| panic!("{why}"))
    }
    fn read_time(&self, text: &str) -> Result<Timestamp, String> {
        times::read(text, &self.state.site.time_zone, &self.given.date)
    }
    /// A local time, with its date, and which of two it is where an hour comes twice.
    pub fn local(&self, at: Timestamp) -> String {
        times::write(at, &self.state.site.time_zone)
    }
    /// An amount as files write it.
    ///
    /// # Errors
    /// Where it is none.
    pub fn money(&self, text: &str) -> Result<Money, String> {
        let amount = if text.is_empty() { "0" } else { text };
        let amount = self.state.site.currency.parse(amount);
        amount.ok_or_else(|| format!("`{text}` is no amount such as 12.50"))
    }
    /// An amount as the specification writes it.
    pub fn shown(&self, amount: Money) -> String {
        self.state.site.currency.exact(amount).to_string()
    }

    /// What was read.
    ///
    /// # Errors
    /// Where nobody of the people given had it.
    pub fn uid_of(&self, decision: &Decision) -> Result<Uid, String> {
        if let Some(uid) = &decision.unknown_uid {
            return Ok(uid.clone());
        }
        let held = self.holders.iter();
        let mut held = held.filter(|(_, holder)| Some(holder.credential) == decision.credential);
        let uid = held.next().map(|(uid, _)| uid.as_str().into());
        uid.ok_or_else(|| "nobody of the people given was refused".to_owned())
    }
    /// Who holds a band.
    ///
    /// # Errors
    /// Where nobody does.
    pub fn holder(&self, uid: &str) -> Result<&Holder, String> {
        self.holders.get(uid).ok_or_else(|| format!("nobody holds `{uid}`"))
    }
    /// The wallet behind a band; the family's where it has one.
    fn account_of(&self, uid: &str) -> Result<AccountId, String> {
        let holder = self.holder(uid)?;
        Ok(holder.shared.unwrap_or(holder.account))
    }
    /// The same, of a band that somebody holds.
    ///
    /// # Panics
    /// Where nobody does.
    pub fn account(&self, uid: &str) -> AccountId {
        self.account_of(uid).unwrap_or_else(|why| panic!("{why}"))
    }
    /// What an account holds.
    pub fn balance(&self, account: AccountId) -> Money {
        self.state.tables.accounts.peek(&account).map_or(Money::ZERO, |row| row.balance)
    }
}

/// The zones, gates and terminals of a site.
///
/// # Panics
/// Where something is wrong with them.
#[must_use]
pub fn site(given: &Given) -> Site {
    try_site(given).unwrap_or_else(|why| panic!("{}: {why}", given.title))
}

fn try_site(given: &Given) -> Result<Site, String> {
    let name = given.time_zone.as_str();
    let time_zone = TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone"))?;
    let name = given.currency.as_str();
    let currency = Currency::of(name).ok_or_else(|| format!("`{name}` is no currency"))?;
    let money = |text: &str, usual: Money| match text {
        "" => Ok(usual),
        text => currency.parse(text).ok_or_else(|| format!("`{text}` is no amount such as 12.50")),
    };
    let gates = given.gates.iter().map(|(id, way)| Ok((id.as_str().into(), gate(given, id, way)?)));
    let zones = given.zones.iter().map(|(id, parent)| (id.as_str().into(), zone(parent)));
    let tills = given.tills.iter().map(|till| (till.as_str().into(), TerminalKind::Till));
    let pay_points = given
        .surroundings
        .values()
        .filter_map(|around| Some((around.pay_point.as_deref()?.into(), TerminalKind::PayPoint)));
    let desk = [(DESK.into(), TerminalKind::Desk)];
    Ok(Site {
        vat: Vat(given.vat_percent * 100),
        cash_step: money(&given.cash_step, Money(1))?,
        band_deposit: money(&given.band_deposit, Money::ZERO)?,
        zones: zones.collect(),
        gates: gates.collect::<Result<_, String>>()?,
        responders: given.responders.iter().map(|group| group.as_str().into()).collect(),
        terminals: tills.chain(pay_points).chain(desk).collect(),
        ..Site::new("scenario".into(), time_zone, currency)
    })
}

/// The zone of this name; the street is none.
fn zone(name: &str) -> Option<ZoneId> {
    (!name.is_empty() && name != "street").then(|| name.into())
}

fn gate(given: &Given, id: &str, way: &str) -> Result<Gate, String> {
    let (outer, inner) = way
        .split_once(" > ")
        .ok_or_else(|| format!("`{way}` is no way of a gate such as street > POOL"))?;
    let around = given.surroundings.get(id);
    Ok(Gate {
        egress_alternative: around.is_none_or(|around| around.egress_alternative),
        reports_passage: around.is_none_or(|around| around.reports_passage),
        drops_repeats: true,
        desk: around.is_none_or(|around| around.desk).then(|| DESK.into()),
        pay_point: around.and_then(|around| around.pay_point.as_deref()).map(Into::into),
        ..Gate::new(zone(outer), inner.into())
    })
}
