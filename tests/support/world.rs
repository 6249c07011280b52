//! A whole site in memory, made of what a file gives: the state machine with rules, and no store,
//! no daemon and no devices around it.

mod given;
mod registry;
mod shown;
mod steps;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use domain::{
    decision::Decision,
    event::{DeviceEvent, Happening, Transit},
    facts::Policy,
    ids::{AccountId, CredentialId, ExemptionId, FamilyId, IdMaker, MemberId, PassId, Uid},
    money::{Currency, Money},
    reasons::Reason,
    rows::{
        Credential, CredentialKind, CredentialState, Exempted, Exemption, Extras, Family, Kin,
        Language, Locker, Member, Operator, Pass, PassKey, PassState, Person, PinDigest, Tariff,
        TariffKey, Terminal,
    },
    site::{Gate, Site, TerminalKind},
    state::{Answer, Batch, ImportRow, Input, Snapshot, State},
    step::step,
    time::Timestamp,
};
use jiff::tz::TimeZone;
use rules::{
    bundle::{Bundle, SourceFile},
    load::{Names, load},
    set::RuleSet,
    shipped::SHIPPED,
};

pub use given::{Given, PersonRow};

/// The PIN of every operator; here a code is its own digest.
const PIN: &str = "2468";
/// The desk that every gate of a scenario is bound to.
pub const DESK: &str = "desk-1";

/// Who holds a band.
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
    date: String,
    /// The present time.
    pub now: Timestamp,
    seq: u64,
    payments: u32,
    /// What the last step made.
    pub last: Batch,
    /// The last decision.
    pub decision: Option<Decision>,
    /// The last one that opened nothing, at a gate.
    pub refused: Option<Decision>,
    /// What every account was ever posted.
    pub posted: Money,
}

impl World {
    /// The site that is `given`, with the shipped rules, its own and `rules` more.
    pub fn of(given: &Given, rules: &str) -> Self {
        let rules = format!("{}\n{rules}", given.rules);
        let rules = rule_set(given, &site(given), &rules);
        Self::with(given, rules)
    }

    /// The site that is `given`, with these rules.
    pub fn with(given: &Given, rules: Arc<dyn Policy>) -> Self {
        let site = site(given);
        let state = State::load(Arc::new(site), Snapshot::default(), 1, 7);
        let mut world = Self {
            state,
            rules,
            holders: BTreeMap::new(),
            date: given.date.clone(),
            now: Timestamp::default(),
            seq: 0,
            payments: 0,
            last: Batch::default(),
            decision: None,
            refused: None,
            posted: Money::ZERO,
        };
        world.now = world.time("00:00:00");
        world.import(given);
        let desk =
            Terminal { online: true, operator: Some("nino".to_owned()), drawer: Money::ZERO };
        let till = Terminal { operator: None, ..desk.clone() };
        for id in &given.tills {
            let state = till.clone();
            world.take(Input::Terminal { terminal: id.as_str().into(), state });
        }
        world.take(Input::Terminal { terminal: DESK.into(), state: desk });
        world
    }

    fn tariffs(&self, given: &Given, rows: &mut Vec<ImportRow>) {
        for (name, row) in &given.tariffs {
            let key = TariffKey { tariff: name.as_str().into(), version: 1 };
            let zones = row.zones.iter().map(|zone| zone.as_str().into()).collect();
            let tier = |(seconds, price): &(i64, String)| {
                (domain::time::Span::seconds(*seconds), self.money(price))
            };
            let tiers = row.tiers.iter().map(tier).collect();
            let (single_entry, day_guest) = (row.single_entry, row.day_guest);
            let tariff = Tariff {
                tiers,
                single_entry,
                day_guest,
                ..Tariff::new(zones, self.money(&row.price))
            };
            rows.push(ImportRow::Tariff(key, tariff));
        }
    }

    fn import(&mut self, given: &Given) {
        let mut ids = IdMaker::new(11);
        let mut rows = Vec::new();
        self.tariffs(given, &mut rows);
        let mut families = BTreeMap::new();
        for (name, balance) in &given.families {
            let (id, account) = (FamilyId(ids.make(self.now)), AccountId(ids.make(self.now)));
            families.insert(name.clone(), (id, account));
            let balance = self.money(balance);
            rows.push(ImportRow::Wallet { account, balance, debt_since: None });
            rows.push(ImportRow::Family(
                id,
                Family { name: name.as_str().into(), account, people: Vec::new() },
            ));
        }
        let everybody: BTreeMap<String, MemberId> = given
            .people
            .iter()
            .map(|row| (row.band.clone(), MemberId(ids.make(self.now))))
            .collect();
        for (number, row) in (1..).zip(&given.people) {
            let holder = Holder {
                member: everybody[&row.band],
                credential: CredentialId(ids.make(self.now)),
                account: AccountId(ids.make(self.now)),
                shared: row.family.as_ref().map(|name| families[name].1),
                pass: None,
            };
            let family = row.family.as_ref().map(|name| families[name].0);
            let guardians = row.guardians.iter().map(|band| everybody[band]).collect();
            let kin = Some(Box::new(Kin { family, guardians }));
            let host = row.host.as_ref().map(|band| everybody[band]);
            let pass = row.tariff.as_ref().map(|_| PassId(ids.make(self.now)));
            let pass = pass.map(|pass| PassKey { member: holder.member, pass });
            rows.extend(self.person(number, row, &holder, (pass, kin, host)));
            self.holders.insert(row.band.clone(), Holder { pass, ..holder });
        }
        for row in &given.exemptions {
            let exemption = Exemption {
                who: Exempted::Group(row.group.as_str().into()),
                codes: row.codes.iter().map(|code| Reason::of(code).unwrap()).collect(),
                zones: Vec::new(),
                from: row.from.parse().unwrap(),
                until: row.until.parse().unwrap(),
                reason: "coach-led".to_owned(),
                granted_by: "nino".to_owned(),
            };
            rows.push(ImportRow::Exemption(ExemptionId(ids.make(self.now)), exemption));
        }
        for (login, roles) in &given.operators {
            let roles = roles.iter().map(|role| role.as_str().into()).collect();
            let member = given.own_bands.get(login).map(|band| everybody[band]);
            let code = || Some(PinDigest(PIN.into()));
            let uid = Some(format!("OP-{login}").as_str().into());
            let operator = Operator { roles, uid, pin: code(), band_pin: code(), member };
            rows.push(ImportRow::Operator(login.as_str().into(), operator));
        }
        for (id, bank) in &given.lockers {
            let zone = given.zones.keys().next().unwrap().as_str().into();
            let locker = Locker::new(bank.as_str().into(), zone);
            rows.push(ImportRow::Locker(id.as_str().into(), locker));
        }
        self.take(Input::Import(rows));
    }

    fn person(
        &self,
        number: u32,
        row: &PersonRow,
        holder: &Holder,
        (pass, kin, host): (Option<PassKey>, Option<Box<Kin>>, Option<MemberId>),
    ) -> Vec<ImportRow> {
        let is = |flag: &str| row.flags.iter().any(|one| one == flag);
        let valid = |end: usize| row.valid.as_ref().map(|ends| self.time(&ends[end]));
        let member = Member {
            number,
            birth: row.born.as_ref().map(|date| date.parse().unwrap()),
            blocked: is("blocked"),
            language: Language::Ka,
            groups: row.groups.iter().map(|group| group.as_str().into()).collect(),
            account: holder.account,
            certificate_until: row.certificate.as_ref().map(|date| date.parse().unwrap()),
            reduced_mobility: is("reduced_mobility"),
            medical: is("medical"),
            kin,
        };
        let person =
            Person { name: row.band.clone(), name_latin: row.band.clone(), ..Person::default() };
        let credential = Credential {
            id: holder.credential,
            member: holder.member,
            state: row
                .state
                .as_deref()
                .map_or(CredentialState::Active, |state| CredentialState::of(state).unwrap()),
            valid_from: valid(0),
            valid_until: valid(1),
            party_size: row.party.unwrap_or(1),
            kind: row
                .kind
                .as_deref()
                .map_or(CredentialKind::Card, |kind| CredentialKind::of(kind).unwrap()),
            adult: is("adult"),
            collected: false,
            extras: Some(Box::new(Extras {
                pin: row.pin.as_deref().map(|code| PinDigest(code.into())),
                duress: row.duress.as_deref().map(|code| PinDigest(code.into())),
                host,
                replaced_by: None,
                loss_paid: None,
            })),
        };
        let balance = self.money(&row.wallet);
        let sold = pass.map(|key| {
            let sold = Pass {
                tariff: row.tariff.as_deref().unwrap().into(),
                tariff_version: 1,
                state: PassState::Active,
                valid_from: "2026-01-01".parse().unwrap(),
                valid_until: row.ended.as_ref().map(|date| date.parse().unwrap()),
                visits_left: row.visits,
                visits_reserved: 0,
                paid: self.money(&row.paid),
                sale: None,
            };
            ImportRow::Pass(key, sold)
        });
        let uid = Uid::from(row.band.as_str());
        let wallet = ImportRow::Wallet { account: holder.account, balance, debt_since: None };
        [wallet, ImportRow::Member(holder.member, member, person)]
            .into_iter()
            .chain(sold)
            .chain([ImportRow::Credential(uid, credential)])
            .collect()
    }

    /// Steps one input at the present time and commits what came of it.
    pub fn take(&mut self, input: Input) -> Answer {
        let mut batch = Batch::default();
        let answer = step(&mut self.state, &mut batch, input, self.now, &*self.rules);
        for transaction in &batch.transactions {
            self.posted =
                self.posted + transaction.postings.iter().map(|posting| posting.amount).sum();
        }
        self.state.commit();
        if let Some(decision) = batch.decisions.last() {
            self.decision = Some(decision.clone());
            if !decision.verdict.outcome.opens() && decision.direction.is_some() {
                self.refused = Some(decision.clone());
            }
        }
        self.last = batch;
        answer
    }

    /// A device's message: what happened at `told` reaches us now.
    pub fn event(&mut self, device: &str, told: Timestamp, happening: Happening) {
        self.seq += 1;
        self.take(Input::Device(DeviceEvent {
            device: device.into(),
            boot: 1,
            seq: self.seq,
            device_time: Some(told),
            received: self.now,
            transit: Transit::Straight,
            happening,
        }));
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

    /// The daemon ends and comes again: a run of its own.
    pub const fn restart(&mut self) {
        self.state.epoch += 1;
    }

    /// The next key of a payment.
    pub fn payment_key(&mut self) -> String {
        self.payments += 1;
        format!("pay-{}", self.payments)
    }

    /// A local time with or without a date.
    pub fn time(&self, text: &str) -> Timestamp {
        let text = match text.split_once(' ') {
            Some(_) => text.replace(' ', "T"),
            None => format!("{}T{text}", self.date),
        };
        let local: jiff::civil::DateTime = text.parse().unwrap_or_else(|_| panic!("{text}"));
        let zoned = local.to_zoned(self.state.site.time_zone.clone()).unwrap();
        zoned.timestamp().into()
    }
    /// A local time, with its date.
    pub fn local(&self, at: Timestamp) -> String {
        let zone = &self.state.site.time_zone;
        zone.to_datetime(at.to_calendar()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
    /// An amount as files write it.
    pub fn money(&self, text: &str) -> Money {
        let text = if text.is_empty() { "0" } else { text };
        self.state.site.currency.parse(text).unwrap_or_else(|| panic!("{text}"))
    }
    /// An amount as the specification writes it.
    pub fn shown(&self, amount: Money) -> String {
        self.state.site.currency.exact(amount).to_string()
    }

    /// What was read.
    pub fn uid_of(&self, decision: &Decision) -> Uid {
        if let Some(uid) = &decision.unknown_uid {
            return uid.clone();
        }
        let held = self.holders.iter();
        let mut held = held.filter(|(_, holder)| Some(holder.credential) == decision.credential);
        held.next().map(|(uid, _)| uid.as_str().into()).unwrap()
    }
    /// Who holds a band.
    pub fn holder(&self, uid: &str) -> &Holder {
        self.holders.get(uid).unwrap_or_else(|| panic!("nobody holds `{uid}`"))
    }
    /// The wallet behind a band; the family's where it has one.
    pub fn account(&self, uid: &str) -> AccountId {
        let holder = self.holder(uid);
        holder.shared.unwrap_or(holder.account)
    }
    /// What an account holds.
    pub fn balance(&self, account: AccountId) -> Money {
        self.state.tables.accounts.peek(&account).map_or(Money::ZERO, |row| row.balance)
    }
}

/// The zones, gates and terminals of a site.
#[must_use]
pub fn site(given: &Given) -> Site {
    let zone = |name: &str| (!name.is_empty() && name != "street").then(|| name.into());
    let gate = |(id, way): (&String, &String)| {
        let (outer, inner) = way.split_once(" > ").unwrap();
        let around = given.surroundings.get(id);
        let gate = Gate {
            egress_alternative: around.is_none_or(|around| around.egress_alternative),
            reports_passage: around.is_none_or(|around| around.reports_passage),
            drops_repeats: true,
            desk: around.is_none_or(|around| around.desk).then(|| DESK.into()),
            pay_point: around.and_then(|around| around.pay_point.as_deref()).map(Into::into),
            ..Gate::new(zone(outer), inner.into())
        };
        (id.as_str().into(), gate)
    };
    let time_zone = TimeZone::get(&given.time_zone).unwrap();
    let currency = Currency::of(&given.currency).unwrap();
    Site {
        zones: given.zones.iter().map(|(id, parent)| (id.as_str().into(), zone(parent))).collect(),
        gates: given.gates.iter().map(gate).collect(),
        responders: given.responders.iter().map(|group| group.as_str().into()).collect(),
        terminals: given
            .tills
            .iter()
            .map(|till| (till.as_str().into(), TerminalKind::Till))
            .chain(given.surroundings.values().filter_map(|around| {
                Some((around.pay_point.as_deref()?.into(), TerminalKind::PayPoint))
            }))
            .chain([(DESK.into(), TerminalKind::Desk)])
            .collect(),
        ..Site::new("scenario".into(), time_zone, currency)
    }
}

thread_local! {
    /// Rule sets by the scenario's title and text: most rows share theirs.
    static LOADED: RefCell<BTreeMap<(String, String), Arc<RuleSet>>> = const {
        RefCell::new(BTreeMap::new())
    };
}

fn rule_set(given: &Given, site: &Site, rules: &str) -> Arc<RuleSet> {
    let key = (given.title.clone(), rules.to_owned());
    if let Some(known) = LOADED.with_borrow(|loaded| loaded.get(&key).cloned()) {
        return known;
    }
    let set = Arc::new(load_rules(given, site, rules, shipped()));
    LOADED.with_borrow_mut(|loaded| loaded.insert(key, set.clone()));
    set
}

/// The rules of a given that has `rules` beside the `shipped` ones.
pub fn load_rules(
    given: &Given,
    site: &Site,
    rules: &str,
    shipped: impl Iterator<Item = SourceFile>,
) -> RuleSet {
    let hours = "set(\"time.access_windows\", \"always\");\n";
    let own = [file("00_hours.rhai", hours), file("90_given.rhai", rules)];
    load_files(given, site, shipped.chain(own))
}

/// The shipped rules without their settings; the cases of the files are run by their own tests.
pub fn shipped() -> impl Iterator<Item = SourceFile> {
    let is_rule = |name: &str| name != "00_site.rhai" && name.ends_with(".rhai");
    SHIPPED.iter().filter(move |(name, _)| is_rule(name)).map(|(name, text)| file(name, text))
}

/// A rule file.
#[must_use]
pub fn file(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), text: text.to_owned() }
}

/// Loads rule files for a site.
pub fn load_files(given: &Given, site: &Site, files: impl Iterator<Item = SourceFile>) -> RuleSet {
    match load(&Bundle::of(files), &names(given, site)) {
        Ok(checked) => checked.set,
        Err(problems) => {
            let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("{}: {}", given.title, told.join("\n"))
        }
    }
}

/// The names that rules of the site may use.
fn names(given: &Given, site: &Site) -> Names {
    let groups = given.people.iter().flat_map(|person| person.groups.clone());
    let mut names = Names {
        tariffs: given.tariffs.keys().cloned().collect(),
        groups: groups.collect(),
        roles: given.operators.values().flatten().cloned().collect(),
        ..Names::of_site(site)
    };
    names.devices.extend(given.lockers.values().cloned());
    names
}
