//! A site made of what a scenario gives.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use domain::{
    decision::Decision,
    event::{DeviceEvent, Happening},
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
use serde::Deserialize;

use crate::Scenario;

/// The desk that every gate of a scenario is bound to.
pub(crate) const DESK: &str = "desk-1";

/// A tariff.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffRow {
    zones: Vec<String>,
    #[serde(default)]
    price: String,
    /// Seconds and price of each tier.
    #[serde(default)]
    tiers: Vec<(i64, String)>,
    #[serde(default)]
    single_entry: bool,
}

/// A person with a band.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonRow {
    band: String,
    tariff: Option<String>,
    visits: Option<u32>,
    #[serde(default)]
    wallet: String,
    born: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    certificate: Option<String>,
    #[serde(default)]
    party: Option<u16>,
    #[serde(default)]
    paid: String,
    /// The family.
    family: Option<String>,
    /// The bands of those who may pick this person up.
    #[serde(default)]
    guardians: Vec<String>,
    /// What the credential is; a card if nothing is said.
    kind: Option<String>,
    /// Its state; active if nothing is said.
    state: Option<String>,
    /// The code that calls for help silently.
    duress: Option<String>,
    /// The band of the member whose guest this person is.
    host: Option<String>,
    /// The last day of the pass.
    ended: Option<String>,
}

/// An exemption of a group.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExemptionRow {
    group: String,
    codes: Vec<String>,
    from: String,
    until: String,
}

/// Who holds a band.
pub(crate) struct Holder {
    member: MemberId,
    pub(crate) credential: CredentialId,
    account: AccountId,
    /// The family's wallet.
    shared: Option<AccountId>,
    pub(crate) pass: Option<PassKey>,
}

/// A site in the middle of a scenario.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) holders: BTreeMap<String, Holder>,
    date: String,
    now: Timestamp,
    seq: u64,
    payments: u32,
    pub(crate) last: Batch,
    /// The last decision.
    pub(crate) decision: Option<Decision>,
    /// The last one that opened nothing, at a gate.
    pub(crate) refused: Option<Decision>,
    /// What every account was ever posted.
    pub(crate) posted: Money,
}

impl World {
    /// The site that `scenario` gives, with `rules` more.
    pub(crate) fn of(scenario: &Scenario, rules: &str) -> Self {
        let site = site(scenario);
        let rules = format!("{}\n{rules}", scenario.rules);
        let rules = rule_set(scenario, &site, &rules);
        let state = State::load(Arc::new(site), Snapshot::default(), 1, 7);
        let mut world = Self {
            state,
            rules,
            holders: BTreeMap::new(),
            date: scenario.date.clone(),
            now: Timestamp::default(),
            seq: 0,
            payments: 0,
            last: Batch::default(),
            decision: None,
            refused: None,
            posted: Money::ZERO,
        };
        world.now = world.time("00:00:00");
        world.import(scenario);
        let desk =
            Terminal { online: true, operator: Some("nino".to_owned()), drawer: Money::ZERO };
        let till = Terminal { operator: None, ..desk.clone() };
        for id in &scenario.tills {
            let state = till.clone();
            world.take(Input::Terminal { terminal: id.as_str().into(), state });
        }
        world.take(Input::Terminal { terminal: DESK.into(), state: desk });
        world
    }

    fn import(&mut self, scenario: &Scenario) {
        let mut ids = IdMaker::new(11);
        let mut rows = Vec::new();
        for (name, row) in &scenario.tariffs {
            let key = TariffKey { tariff: name.as_str().into(), version: 1 };
            let zones = row.zones.iter().map(|zone| zone.as_str().into()).collect();
            let tier = |(seconds, price): &(i64, String)| {
                (domain::time::Span::seconds(*seconds), self.money(price))
            };
            let tiers = row.tiers.iter().map(tier).collect();
            let single_entry = row.single_entry;
            let tariff =
                Tariff { tiers, single_entry, ..Tariff::new(zones, self.money(&row.price)) };
            rows.push(ImportRow::Tariff(key, tariff));
        }
        let mut families = BTreeMap::new();
        for (name, balance) in &scenario.families {
            let (id, account) = (FamilyId(ids.make(self.now)), AccountId(ids.make(self.now)));
            families.insert(name.clone(), (id, account));
            let balance = self.money(balance);
            rows.push(ImportRow::Wallet { account, balance, debt_since: None });
            rows.push(ImportRow::Family(id, Family { account, people: Vec::new() }));
        }
        let everybody: BTreeMap<String, MemberId> = scenario
            .people
            .iter()
            .map(|row| (row.band.clone(), MemberId(ids.make(self.now))))
            .collect();
        for (number, row) in (1..).zip(&scenario.people) {
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
        for row in &scenario.exemptions {
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
        for (login, roles) in &scenario.operators {
            let roles = roles.iter().map(|role| role.as_str().into()).collect();
            let operator = Operator { roles, ..Operator::default() };
            rows.push(ImportRow::Operator(login.as_str().into(), operator));
        }
        for (id, bank) in &scenario.lockers {
            let zone = scenario.zones.keys().next().unwrap().as_str().into();
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
        let member = Member {
            number,
            birth: row.born.as_ref().map(|date| date.parse().unwrap()),
            blocked: false,
            language: Language::Ka,
            groups: row.groups.iter().map(|group| group.as_str().into()).collect(),
            account: holder.account,
            certificate_until: row.certificate.as_ref().map(|date| date.parse().unwrap()),
            reduced_mobility: false,
            medical: false,
            kin,
        };
        let person =
            Person { name: row.band.clone(), name_latin: row.band.clone(), phone: String::new() };
        let credential = Credential {
            id: holder.credential,
            member: holder.member,
            state: row
                .state
                .as_deref()
                .map_or(CredentialState::Active, |state| CredentialState::of(state).unwrap()),
            valid_from: None,
            valid_until: None,
            party_size: row.party.unwrap_or(1),
            kind: row
                .kind
                .as_deref()
                .map_or(CredentialKind::Card, |kind| CredentialKind::of(kind).unwrap()),
            adult: false,
            collected: false,
            extras: Some(Box::new(Extras {
                pin: None,
                duress: row.duress.as_deref().map(|code| PinDigest(code.into())),
                host,
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
    pub(crate) fn take(&mut self, input: Input) -> Answer {
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
    pub(crate) fn event(&mut self, device: &str, told: Timestamp, happening: Happening) {
        self.seq += 1;
        self.take(Input::Device(DeviceEvent {
            device: device.into(),
            boot: 1,
            seq: self.seq,
            device_time: Some(told),
            received: self.now,
            happening,
        }));
    }

    /// The present time.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Time goes on to `at`; what ends by itself until then ends.
    pub(crate) fn wait(&mut self, at: Timestamp) {
        self.now = at;
        self.take(Input::Tick);
    }

    /// The daemon ends and comes again: a run of its own.
    pub(crate) const fn restart(&mut self) {
        self.state.epoch += 1;
    }

    /// The next key of a payment.
    pub(crate) fn payment_key(&mut self) -> String {
        self.payments += 1;
        format!("pay-{}", self.payments)
    }

    /// A local time with or without a date.
    pub(crate) fn time(&self, text: &str) -> Timestamp {
        let text = match text.split_once(' ') {
            Some(_) => text.replace(' ', "T"),
            None => format!("{}T{text}", self.date),
        };
        let local: jiff::civil::DateTime = text.parse().unwrap_or_else(|_| panic!("{text}"));
        let zoned = local.to_zoned(self.state.site.time_zone.clone()).unwrap();
        zoned.timestamp().into()
    }
    /// A local time, with its date.
    pub(crate) fn local(&self, at: Timestamp) -> String {
        let zone = &self.state.site.time_zone;
        zone.to_datetime(at.to_calendar()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
    pub(crate) fn money(&self, text: &str) -> Money {
        let text = if text.is_empty() { "0" } else { text };
        self.state.site.currency.parse(text).unwrap_or_else(|| panic!("{text}"))
    }
    /// An amount as the specification writes it.
    pub(crate) fn shown(&self, amount: Money) -> String {
        self.state.site.currency.exact(amount).to_string()
    }

    /// What was read.
    pub(crate) fn uid_of(&self, decision: &Decision) -> Uid {
        if let Some(uid) = &decision.unknown_uid {
            return uid.clone();
        }
        let held = self.holders.iter();
        let mut held = held.filter(|(_, holder)| Some(holder.credential) == decision.credential);
        held.next().map(|(uid, _)| uid.as_str().into()).unwrap()
    }
    pub(crate) fn holder(&self, uid: &str) -> &Holder {
        self.holders.get(uid).unwrap_or_else(|| panic!("nobody holds `{uid}`"))
    }
    pub(crate) fn account(&self, uid: &str) -> AccountId {
        let holder = self.holder(uid);
        holder.shared.unwrap_or(holder.account)
    }
    pub(crate) fn balance(&self, account: AccountId) -> Money {
        self.state.tables.accounts.peek(&account).map_or(Money::ZERO, |row| row.balance)
    }
}

fn site(scenario: &Scenario) -> Site {
    let zone = |name: &str| (!name.is_empty() && name != "street").then(|| name.into());
    let gate = |(id, way): (&String, &String)| {
        let (outer, inner) = way.split_once(" > ").unwrap();
        let gate = Gate {
            egress_alternative: true,
            drops_repeats: true,
            desk: Some(DESK.into()),
            ..Gate::new(zone(outer), inner.into())
        };
        (id.as_str().into(), gate)
    };
    let time_zone = TimeZone::get(&scenario.time_zone).unwrap();
    let currency = Currency::of(&scenario.currency).unwrap();
    Site {
        zones: scenario
            .zones
            .iter()
            .map(|(id, parent)| (id.as_str().into(), zone(parent)))
            .collect(),
        gates: scenario.gates.iter().map(gate).collect(),
        responders: scenario.responders.iter().map(|group| group.as_str().into()).collect(),
        terminals: scenario
            .tills
            .iter()
            .map(|till| (till.as_str().into(), TerminalKind::Till))
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

fn rule_set(scenario: &Scenario, site: &Site, rules: &str) -> Arc<RuleSet> {
    let key = (scenario.title().to_owned(), rules.to_owned());
    if let Some(known) = LOADED.with_borrow(|loaded| loaded.get(&key).cloned()) {
        return known;
    }
    let set = Arc::new(load_rules(scenario, site, rules));
    LOADED.with_borrow_mut(|loaded| loaded.insert(key, set.clone()));
    set
}

fn load_rules(scenario: &Scenario, site: &Site, rules: &str) -> RuleSet {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    // The cases of the shipped files are run by their own tests.
    let is_rule = |name: &str| name != "00_site.rhai" && name.ends_with(".rhai");
    let shipped = SHIPPED.iter().filter(|(name, _)| is_rule(name));
    let hours = "set(\"time.access_windows\", \"always\");\n";
    let own = [file("00_hours.rhai", hours), file("90_scenario.rhai", rules)];
    let files = shipped.map(|(name, text)| file(name, text)).chain(own);
    let groups = scenario.people.iter().flat_map(|person| person.groups.clone());
    let mut names = Names {
        tariffs: scenario.tariffs.keys().cloned().collect(),
        groups: groups.collect(),
        roles: scenario.operators.values().flatten().cloned().collect(),
        ..Names::of_site(site)
    };
    names.devices.extend(scenario.lockers.values().cloned());
    match load(&Bundle::of(files), &names) {
        Ok(checked) => checked.set,
        Err(problems) => {
            let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
            panic!("{}: {}", scenario.title(), told.join("\n"))
        }
    }
}
