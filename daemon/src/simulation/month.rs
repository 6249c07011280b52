//! A month behind the demo: people at its gates and sales at its till, decided by its own rules and
//! kept by its own store, as fast as the machine can. It depends on its seed alone.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use anyhow::{Context, ensure};
use domain::{
    event::{DeviceEvent, Happening, Transit},
    ids::{DeviceId, GoodId, TariffId, Uid},
    money::Money,
    order::{Begins, CashOrder, Line, Order, Rest, Second, Sells, What},
    rows::{PinDigest, TariffKind, Terminal},
    sales::Receipt,
    site::TerminalKind,
    state::{Answer, IMPORT_PIECE, ImportRow, Input, RuleSetNews, Snapshot, State, Transaction},
    time::{Clock, Span, Timestamp},
    windows::local_date,
};
use fastrand::Rng;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use store::place::Place;

use super::day::{self, Guest};
use crate::{
    clock::RealClock, config::Installation, data, database, driven::bare::Bare, names, pins,
    plain_pins, reload,
};

/// How long the past is.
const DAYS: i64 = 30;
/// What chance depends on.
const SEED: u64 = 1;
/// So many of a day's guests come.
const GUESTS: usize = 40;
/// What somebody needs to pass.
const PASSES_IN: Span = Span::seconds(2);
/// Between two things that are done at the till.
const BETWEEN_SALES: Span = Span::seconds(25 * 60);
/// The float of a drawer.
const FLOAT: Money = Money(5000);
/// Who confirms what two people do.
const SECOND: &str = "levan";
/// Who works at the till, and may do everything there; with the code of the demo.
const OPERATOR: (&str, &str) = ("maka", "3333");

/// What lies behind a site now.
pub(crate) struct Past {
    /// From the first day to the last.
    pub(crate) days: String,
    /// What was decided.
    pub(crate) decisions: usize,
    /// What was booked.
    pub(crate) booked: usize,
}

/// What somebody does next: a guest on one of the legs of his way, or the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Opens,
    Reads { guest: usize, leg: usize },
    Passes { guest: usize, leg: usize },
    Sells,
    Closes,
}

type Plan = BinaryHeap<Reverse<(Timestamp, Act)>>;

/// The month while it is made.
struct Month {
    site: Bare,
    random: Rng,
    till: DeviceId,
    desk: DeviceId,
    said: BTreeMap<DeviceId, u64>,
    holders: Vec<Uid>,
    goods: Vec<GoodId>,
    tariffs: Vec<TariffId>,
    pin: PinDigest,
    receipt: Option<Receipt>,
    /// The last charge of a gate.
    charge: Option<Transaction>,
    past: Past,
}

/// Makes the month of a site that has no database yet.
pub(crate) async fn behind(installation: &Installation) -> anyhow::Result<Past> {
    let site = &installation.site;
    std::fs::create_dir_all(&installation.state)?;
    let pins = pins::key(&installation.state)?;
    let start = RealClock.now();
    let rows = data::read(&installation.data(), site, (SEED, &pins), start)?.rows;
    plain_pins::hide(&installation.data(), &pins)?;
    let first = day::busiest(&rows, local_date(start, &site.time_zone)).first_of_month();
    let dawn = dawn_of(installation, first)?;
    // Once more, as debts and what was imported are dated by the day on which they are read.
    let rows = data::read(&installation.data(), site, (SEED, &pins), dawn)?.rows;
    let empty = State::load(Arc::clone(site), Snapshot::default(), 0, 0);
    let mut names = names::of(installation, &empty);
    rows.iter().for_each(|row| names::learn(&mut names, row));
    let rules = reload::first(&installation.rules(), &names, None);
    ensure!(rules.refused.is_empty(), "the rules are refused; `kari check` says why");

    let place = Place::file(installation.state.join("kari.db"));
    let bare = Bare::open(&place, site, &rules.policy, (dawn, SEED)).await?;
    database::keep(&installation.state, &bare.opened)?;
    let pin = pins.digest(OPERATOR.0, OPERATOR.1).context("a PIN of the demo is none")?;
    let mut month = Month::new(bare, &rows, (installation, pin))?;
    month.begins(&rows, rules.news, dawn).await?;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} days {msg}")?;
    let bar = ProgressBar::new(DAYS.unsigned_abs()).with_style(style);
    let mut last = first;
    for number in 0..DAYS {
        last = first.saturating_add(jiff::Span::new().days(number));
        let seed = SEED + number.unsigned_abs();
        let mut guests = day::guests(site, &rows, last, seed);
        month.random.shuffle(&mut guests);
        guests.truncate(GUESTS);
        month.day(&guests, dawn_of(installation, last)?).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    month.site.close().await?;
    Ok(Past { days: format!("{first} to {last}"), ..month.past })
}

/// Six in the morning.
fn dawn_of(installation: &Installation, day: Date) -> anyhow::Result<Timestamp> {
    Ok(installation.site.time_zone.to_timestamp(day.at(6, 0, 0, 0))?.into())
}

impl Month {
    fn new(
        site: Bare,
        rows: &[ImportRow],
        (installation, pin): (&Installation, PinDigest),
    ) -> anyhow::Result<Self> {
        let first = |wanted: TerminalKind| {
            let mut all = installation.site.terminals.iter();
            let found = all.find(|(_, kind)| **kind == wanted).map(|(id, _)| id.clone());
            found.context("the site has no till or no desk")
        };
        let (till, desk) = (first(TerminalKind::Till)?, first(TerminalKind::Desk)?);
        let (mut holders, mut goods, mut tariffs) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match row {
                ImportRow::Credential(uid, _) => holders.push(uid.clone()),
                // Of the others the cashier says what they cost.
                ImportRow::Good(id, good) if good.price > Money::ZERO => goods.push(id.clone()),
                ImportRow::Tariff(key, tariff) if tariff.offer.kind != TariffKind::AtGate => {
                    tariffs.push(key.tariff.clone());
                }
                _ => {}
            }
        }
        Ok(Self {
            site,
            random: Rng::with_seed(SEED),
            till,
            desk,
            said: BTreeMap::new(),
            holders,
            goods,
            tariffs,
            pin,
            receipt: None,
            charge: None,
            past: Past { days: String::new(), decisions: 0, booked: 0 },
        })
    }

    /// First data, rules, and terminals that are on line.
    async fn begins(
        &mut self,
        rows: &[ImportRow],
        news: RuleSetNews,
        at: Timestamp,
    ) -> anyhow::Result<()> {
        for piece in rows.chunks(IMPORT_PIECE) {
            let answer = self.site.take(Input::Import(piece.to_vec()), at);
            ensure!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
            self.keep(at).await?;
        }
        self.site.take(Input::RuleSet(news), at);
        let terminals: Vec<_> = self.site.state().site.terminals.keys().cloned().collect();
        for terminal in terminals {
            let state = Terminal { online: true, operator: None, drawer: Money::ZERO };
            self.site.take(Input::Terminal { terminal, state }, at);
        }
        self.keep(at).await
    }

    /// What is decided becomes durable.
    async fn keep(&mut self, at: Timestamp) -> anyhow::Result<()> {
        let sealed = self.site.seal(at);
        self.past.decisions += sealed.batch.decisions.len();
        self.past.booked += sealed.batch.transactions.len();
        self.receipt = sealed.batch.receipts.last().cloned().or(self.receipt.take());
        let mut charges = sealed.batch.transactions.iter().filter(|one| one.purpose.is_charge());
        self.charge = charges.next_back().cloned().or(self.charge.take());
        self.site.keep(&sealed).await.map(drop)
    }

    /// One day, until the last one has gone home.
    async fn day(&mut self, guests: &[Guest], dawn: Timestamp) -> anyhow::Result<()> {
        let come = guests.iter().enumerate();
        let come = come.map(|(guest, one)| Reverse((one.comes, Act::Reads { guest, leg: 0 })));
        let mut plan: Plan = come.collect();
        let hours = |hours: i64| dawn.plus(Span::seconds(hours * 3600));
        for (hour, act) in [(1, Act::Opens), (2, Act::Sells), (16, Act::Closes)] {
            plan.push(Reverse((hours(hour), act)));
        }
        while let Some(Reverse((at, act))) = plan.pop() {
            self.waits(at);
            let next = match act {
                Act::Opens => {
                    self.order(What::Cash(CashOrder::Open { float: FLOAT }), at);
                    None
                }
                Act::Closes => {
                    let drawer = self.site.state().tables.terminals.peek(&self.till);
                    let drawer = drawer.map_or(Money::ZERO, |till| till.drawer);
                    // Somebody gave too much change now and then.
                    let counted = drawer - Money(5 * self.random.i64(0..2));
                    self.order(What::Cash(CashOrder::Close { counted }), at);
                    None
                }
                Act::Sells => {
                    let what = self.sale();
                    self.order(what, at);
                    let next = at.plus(BETWEEN_SALES);
                    (next < hours(16)).then_some((next, Act::Sells))
                }
                Act::Reads { guest, leg } => self.reads(&guests[guest], guest, leg, at)?,
                Act::Passes { guest, leg } => self.passes(&guests[guest], guest, leg, at)?,
            };
            plan.extend(next.map(Reverse));
            // A receipt is to be on record before it is taken back.
            if self.site.batch().decisions.len() > 20 || !self.site.batch().receipts.is_empty() {
                self.keep(at).await?;
            }
        }
        let night = hours(17);
        self.waits(night);
        self.keep(night).await
    }

    /// What ends by itself until then.
    fn waits(&mut self, until: Timestamp) {
        while let Some(at) = self.site.state().next_expiry().filter(|at| *at < until) {
            self.site.take(Input::Tick, at.plus(Span::millis(1)));
        }
    }

    fn says(&mut self, device: DeviceId, happening: Happening, received: Timestamp) {
        let said = self.said.entry(device.clone()).or_default();
        *said += 1;
        let event = DeviceEvent {
            device,
            boot: 1,
            seq: *said,
            device_time: None,
            received,
            transit: Transit::Straight,
            happening,
        };
        self.site.take(Input::Device(event), received);
    }

    fn reads(
        &mut self,
        who: &Guest,
        guest: usize,
        leg: usize,
        at: Timestamp,
    ) -> anyhow::Result<Option<(Timestamp, Act)>> {
        let way = who.legs.get(leg).context("a way that ends too early")?;
        let read =
            Happening::CredentialRead { direction: way.direction, uid: who.uid.clone(), pin: None };
        self.says(way.gate.clone(), read, at);
        let decision = self.site.batch().decisions.last();
        let opened = decision.is_some_and(|one| one.verdict.outcome.opens());
        // Who is refused goes home.
        Ok(opened.then(|| (at.plus(PASSES_IN), Act::Passes { guest, leg })))
    }

    fn passes(
        &mut self,
        who: &Guest,
        guest: usize,
        leg: usize,
        at: Timestamp,
    ) -> anyhow::Result<Option<(Timestamp, Act)>> {
        let way = who.legs.get(leg).context("a way that ends too early")?;
        let made = Happening::PassageMade { direction: way.direction, decision: None };
        self.says(way.gate.clone(), made, at);
        let next = who.legs.get(leg + 1);
        Ok(next.map(|next| (at.plus(next.after), Act::Reads { guest, leg: leg + 1 })))
    }

    /// What cannot be is told there, as to anybody.
    fn order(&mut self, what: What, at: Timestamp) {
        // What two people do is confirmed at the desk.
        let second = || Second { operator: SECOND.into(), terminal: self.desk.clone(), at };
        let second = matches!(what, What::Correct { .. }).then(second);
        let order = Box::new(Order { operator: OPERATOR.0.into(), second, what });
        let (terminal, pin) = (self.till.clone(), self.pin.clone());
        self.site.take(Input::SignedOrder { terminal, order, pin, key: None }, at);
    }

    /// Somebody who owes something, or else anybody.
    fn debtor(&self) -> Uid {
        let tables = &self.site.state().tables;
        let owes = |uid: &&Uid| {
            let member = tables.credentials.peek(*uid).map(|one| one.member);
            let account = member.and_then(|id| tables.members.peek(&id)).map(|one| one.account);
            let wallet = account.and_then(|id| tables.accounts.peek(&id));
            wallet.is_some_and(|one| one.balance < Money::ZERO)
        };
        let found = self.holders.iter().find(owes).or(self.holders.first());
        found.cloned().unwrap_or_else(|| "".into())
    }

    fn any<T: Clone>(random: &mut Rng, all: &[T]) -> Option<T> {
        random.choice(all).cloned()
    }

    /// What somebody wants at the till.
    fn sale(&mut self) -> What {
        let random = &mut self.random;
        let holder = Self::any(random, &self.holders).unwrap_or_else(|| Uid::from(""));
        let (cash, reason) = (random.bool(), "the guest changed his mind".to_owned());
        let rest = if cash { Rest::Cash } else { Rest::Card };
        match random.u8(0..20) {
            0..=3 => {
                let amount = Money(random.i64(1..11) * 500);
                What::Topup { holder, amount, cash }
            }
            4..=6 => {
                let tariff = Self::any(random, &self.tariffs).unwrap_or_else(|| "month".into());
                let line =
                    Line::of(Sells::Tariff { tariff, member: None, begins: Begins::default() });
                basket(Some(holder), vec![line], rest)
            }
            7 => What::Settle { holder: self.debtor(), amount: Money(100), cash },
            8 => basket(None, vec![Line::of(Sells::Deposit { uid: holder })], rest),
            9 => {
                let held = self.site.state().tables.deposits.iter().next();
                let uid = held.map_or(holder, |(uid, _)| uid.clone());
                basket(None, vec![Line::of(Sells::DepositBack { uid })], Rest::Cash)
            }
            taken_back @ (10 | 11) if let Some(receipt) = self.receipt.take() => {
                let (receipt, counts) = (Box::new(receipt.clone()), vec![1; receipt.lines.len()]);
                match taken_back {
                    10 => What::Void { receipt, reason },
                    _ => What::Return { receipt, counts, cash, reason },
                }
            }
            // On record before it is corrected, as a receipt is.
            13 if let Some(charge) = self.charge.take() => {
                let reason = "the gate did not turn".to_owned();
                What::Correct {
                    charge: Box::new(charge),
                    member: None,
                    waived: Money::ZERO,
                    reason,
                }
            }
            12 => {
                let amount = Money(random.i64(1..4) * 1000);
                What::Cash(CashOrder::TakeOut { amount, reason: "to the bank".to_owned() })
            }
            other => {
                let lines = (0..random.usize(1..4)).filter_map(|_| {
                    let good = Self::any(random, &self.goods)?;
                    let discount = if random.u8(0..6) == 0 { 10 } else { 0 };
                    let count = random.u32(1..3);
                    Some(Line { count, discount, ..Line::of(Sells::Good(good)) })
                });
                let lines = lines.collect();
                let known = other > 15;
                let rest = if known && other > 17 { Rest::Wallet } else { rest };
                basket(known.then_some(holder), lines, rest)
            }
        }
    }
}

fn basket(buyer: Option<Uid>, lines: Vec<Line>, rest: Rest) -> What {
    What::Sale { buyer, lines, cash: Money::ZERO, card: Money::ZERO, rest, age_shown: Some(30) }
}
