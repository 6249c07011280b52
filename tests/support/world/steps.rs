//! What happens in a scenario, as its files write it: a local time, a verb and its words.
//!
//! | step | what it is |
//! |---|---|
//! | `10:00:00 entry G1 W1` | the band W1 is read at G1 on the way in |
//! | `11:30:00 exit G1 W1` | the same on the way out |
//! | `10:00:00 entry G1 W1 pin 9999` | the same with a code at the keypad |
//! | `10:00:00 late 30 entry G1 W1` | a read that took half a minute to reach us |
//! | `11:30:00 exit G1 W1 told 11:29:45` | the same, by the gate's own time |
//! | `10:00:03 passed G1 in` | somebody went through |
//! | `10:00:03 passed G1 in told 10:00:02` | the same, by the gate's own time |
//! | `12:13:00 pays W1 3.20` | a payment against the debt at the desk |
//! | `12:00:00 fire G1 on` | the fire input of G1; `off` when it rests again |
//! | `12:05:00 locks 12 W3` | the band W3 is read to close locker 12 |
//! | `12:05:00 opens 12 W3` | the same to open it |
//! | `12:05:00 jams 12` | the lock of 12 reports that it is stuck |
//! | `17:03:00 collects G1 W7` | the slot at G1 took the band W7 |
//! | `13:40:00 sale T1 nino W7 18.50` | nino sells at T1; `discount 15`, `loads 20.00`, ... |
//! | `15:32:00 topup T1 nino W7 20.00 cash` | a top-up; `refund` pays back |
//! | `16:52:00 lifts desk-1 boss CODE document_shown` | an override of the last refusal |
//! | `12:25:00 acts desk-1 nino emergency_reset` | an act; `second levan T1 12:25:40` confirms |
//! | `12:25:00 sets desk-1 nino zone.max_occupancy 60` | a parameter of the site is set by hand |
//! | `11:00:00 health G1 tamper true` | the gate reports its housing; or power, battery |
//! | `11:00:00 door G1 open` | a door; `closed` again |
//! | `11:00:00 offline G1` | the gate went; `online` again |
//! | `12:20:00 clock 3600` | our own clock was set forward by an hour |
//! | `12:25:00 signs desk-1 nino 2468 emergency_reset` | an act, proved by login and PIN |
//! | `12:25:30 confirms T1 levan 2468` | a second person confirms it elsewhere |
//! | `10:00:00 bans desk-1 boss W1 2026-09-15` | what the desk changes: `registry.rs` |
//! | `12:00:00 till T1 off` | the till is offline |
//! | `12:00:00 waits` | time goes on |
//! | `12:00:00 desk off` | nobody sits at the desk any more |

use domain::{
    event::{Direction, Happening, LockerState},
    ids::GoodId,
    money::Money,
    order::{Act, Line, Order, Override, Rest, Second, Sells, Setting, What},
    params::{Param, Value},
    reasons::Reason,
    rows::{Good, ParamKey, PinDigest, Terminal},
    scope::Scope,
    state::{Answer, ImportRow, Input, Payment},
    time::{Span, Timestamp},
};

use super::{DESK, World};

impl World {
    /// Runs one step.
    pub fn run(&mut self, step: &str) {
        let words: Vec<&str> = step.split_whitespace().collect();
        // A date may stand before the time.
        let dated = words[0].contains('-');
        let (time, words) = words.split_at(if dated { 2 } else { 1 });
        let now = self.time(&time.join(" "));
        self.wait(now);
        let known = self.at_gates(words, now)
            || self.at_lockers(words, now)
            || self.at_tills(words)
            || self.at_desk(words)
            || self.around(words, now);
        assert!(known, "`{step}` is no step");
    }

    fn at_gates(&mut self, words: &[&str], now: Timestamp) -> bool {
        match words {
            ["entry", gate, uid] => self.read(gate, Direction::Entry, uid),
            ["exit", gate, uid] => self.read(gate, Direction::Exit, uid),
            ["entry", gate, uid, "pin", code] => {
                let pin = Some(PinDigest((*code).into()));
                let (direction, uid) = (Direction::Entry, (*uid).into());
                self.event(gate, now, Happening::CredentialRead { direction, uid, pin });
            }
            ["late", seconds, "entry", gate, uid] => {
                let told = now.minus(Span::seconds(seconds.parse().unwrap()));
                let (direction, uid, pin) = (Direction::Entry, (*uid).into(), None);
                self.event(gate, told, Happening::CredentialRead { direction, uid, pin });
            }
            [way @ ("entry" | "exit"), gate, uid, "told", time] => {
                let direction = if *way == "exit" { Direction::Exit } else { Direction::Entry };
                let (told, uid) = (self.time(time), (*uid).into());
                self.event(gate, told, Happening::CredentialRead { direction, uid, pin: None });
            }
            ["passed", gate, way] => self.passed(gate, way, now),
            ["passed", gate, way, "told", time] => {
                let told = self.time(time);
                self.passed(gate, way, told);
            }
            _ => return false,
        }
        true
    }

    fn at_lockers(&mut self, words: &[&str], now: Timestamp) -> bool {
        match words {
            ["fire", gate, state] => {
                self.event(gate, now, Happening::FireInput { active: *state == "on" });
            }
            ["locks", locker, uid] => self.locker(locker, uid, false),
            ["opens", locker, uid] => self.locker(locker, uid, true),
            ["jams", locker] => {
                let (locker, state) = ((*locker).into(), LockerState::Jammed);
                self.event("bank", now, Happening::LockerState { locker, state });
            }
            ["collects", gate, uid] => {
                self.event(gate, now, Happening::Collected { uid: (*uid).into() });
            }
            _ => return false,
        }
        true
    }

    fn at_tills(&mut self, words: &[&str]) -> bool {
        match words {
            ["pays", uid, amount] => self.pays(uid, amount),
            ["sale", till, operator, uid, rest @ ..] => self.sale((till, operator), uid, rest),
            ["topup" | "refund", till, operator, uid, amount, how, rest @ ..] => {
                let (holder, amount) = ((*uid).into(), self.money(amount));
                let cash = *how == "cash";
                let what = match words[0] {
                    "topup" => What::Topup { holder, amount, cash },
                    _ => What::Refund { holder, amount, cash },
                };
                let second = self.second(rest);
                self.order(till, operator, second, what);
            }
            ["lifts", desk, operator, code, reason, rest @ ..] => {
                self.lifts((desk, operator), code, reason, rest);
            }
            ["acts", desk, operator, action, rest @ ..] => {
                let act = Act { action: (*action).to_owned(), ..Act::default() };
                let second = self.second(rest);
                self.order(desk, operator, second, What::Act(act));
            }
            ["sets", desk, operator, param, value] => {
                let param = Param::of(param).unwrap();
                let value = Some(Value::parse(param, value).unwrap());
                let setting = Setting { key: ParamKey { param, scope: Scope::Site }, value };
                let (action, setting) = ("set_parameter".to_owned(), Some(setting));
                let act = Act { action, setting, ..Act::default() };
                self.order(desk, operator, None, What::Act(act));
            }
            ["signs", desk, operator, code, action] => {
                let act = Act { action: (*action).to_owned(), ..Act::default() };
                let operator = (*operator).into();
                let order = Box::new(Order { operator, second: None, what: What::Act(act) });
                let (terminal, pin) = ((*desk).into(), PinDigest((*code).into()));
                self.take(Input::SignedOrder { terminal, order, pin, key: None });
            }
            ["confirms", desk, operator, code] => {
                let (terminal, operator) = ((*desk).into(), (*operator).into());
                let (ordered_at, pin) = (DESK.into(), PinDigest((*code).into()));
                self.take(Input::Confirm { terminal, ordered_at, decision: None, operator, pin });
            }
            ["till", till, state] => {
                let online = *state == "on";
                let state = Terminal { online, operator: None, drawer: Money::ZERO };
                self.take(Input::Terminal { terminal: (*till).into(), state });
            }
            _ => return false,
        }
        true
    }

    /// What devices report of themselves, and what happens around them.
    fn around(&mut self, words: &[&str], now: Timestamp) -> bool {
        match words {
            ["health", gate, what, value] => {
                let what = serde_json::from_value((*what).into()).unwrap();
                let value = (*value).to_owned();
                self.event(gate, now, Happening::Health { what, value });
            }
            ["door", gate, state] => {
                self.event(gate, now, Happening::Door { open: *state == "open" });
            }
            ["online" | "offline", gate] => {
                self.event(gate, now, Happening::Presence { online: words[0] == "online" });
            }
            ["clock", seconds] => {
                let by = Span::seconds(seconds.parse().unwrap());
                self.take(Input::ClockStepped { by });
            }
            ["waits"] => {}
            ["restarts"] => self.restart(),
            ["forgets"] => _ = self.take(Input::Pseudonymise),
            ["desk", state] => {
                let operator = (*state == "on").then(|| "nino".to_owned());
                let state = Terminal { online: true, operator, drawer: Money::ZERO };
                self.take(Input::Terminal { terminal: DESK.into(), state });
            }
            _ => return false,
        }
        true
    }

    /// A band is read.
    pub fn read(&mut self, gate: &str, direction: Direction, uid: &str) {
        let now = self.now();
        self.event(gate, now, Happening::CredentialRead { direction, uid: uid.into(), pin: None });
    }

    fn pays(&mut self, uid: &str, amount: &str) {
        let payment = Payment {
            key: self.payment_key(),
            account: self.account(uid),
            amount: self.money(amount),
            terminal: DESK.into(),
        };
        assert_eq!(self.take(Input::Payment(payment)), Answer::Taken, "{uid} pays {amount}");
    }

    pub(super) fn order(&mut self, till: &str, operator: &str, second: Option<Second>, what: What) {
        let order = Order { operator: operator.into(), second, what };
        let now = self.now();
        self.event(till, now, Happening::Order(Box::new(order)));
    }

    /// `4.20 discount 15 category beer approved boss cash 2.00 aged 17 loads 20.00`
    fn sale(&mut self, (till, operator): (&str, &str), uid: &str, rest: &[&str]) {
        let category = option(rest, "category").unwrap_or_default();
        let line = Line {
            price: Some(self.money(rest[0])),
            discount: option(rest, "discount").map_or(0, |percent| percent.parse().unwrap()),
            ..Line::of(Sells::Good(self.good(category)))
        };
        let loads = option(rest, "loads").map(|amount| self.money(amount));
        let load = loads.map(|price| Line { price: Some(price), ..Line::of(Sells::TopUp) });
        let what = What::Sale {
            buyer: (uid != "-").then(|| uid.into()),
            lines: [line].into_iter().chain(load).collect(),
            cash: option(rest, "cash").map_or(Money::ZERO, |amount| self.money(amount)),
            card: Money::ZERO,
            rest: Rest::Wallet,
            age_shown: option(rest, "aged").map(|age| age.parse().unwrap()),
        };
        let at = self.now();
        let second = option(rest, "approved").map(|approver| Second {
            operator: approver.into(),
            terminal: "another".into(),
            at,
        });
        self.order(till, operator, second, what);
    }

    /// Something of a category, which costs what the cashier says.
    pub fn good(&mut self, category: &str) -> GoodId {
        let id = GoodId::from(format!("item-{category}"));
        let (open_price, category) = (true, category.to_owned());
        let good = Good { open_price, category, ..Good::default() };
        self.take(Input::Import(vec![ImportRow::Good(id.clone(), good)]));
        id
    }

    /// The last decision is lifted.
    fn lifts(&mut self, (desk, operator): (&str, &str), code: &str, reason: &str, rest: &[&str]) {
        let refused = self.refused.clone().unwrap();
        let uid = self.uid_of(&refused);
        let lifts = Override {
            decision: refused.id,
            gate: refused.device.clone(),
            uid,
            kind: refused.kind,
            codes: vec![Reason::of(code).unwrap()],
            reason: serde_json::from_value(reason.into()).unwrap(),
            text: String::new(),
            waived: option(rest, "waives").map_or(Money::ZERO, |amount| self.money(amount)),
        };
        let second = self.second(rest);
        self.order(desk, operator, second, What::Override(lifts));
    }

    /// `second levan T1 12:25:40`
    fn second(&self, rest: &[&str]) -> Option<Second> {
        let place = rest.iter().position(|word| *word == "second")?;
        let [operator, terminal, time] = rest[place + 1..place + 4] else { panic!("{rest:?}") };
        let at = self.time(time);
        Some(Second { operator: operator.into(), terminal: terminal.into(), at })
    }

    fn locker(&mut self, locker: &str, uid: &str, opens: bool) {
        let (locker, uid, now) = (locker.into(), uid.into(), self.now());
        self.event("bank", now, Happening::LockerRequest { locker, uid, opens });
    }

    /// Somebody went through.
    pub fn passed(&mut self, gate: &str, way: &str, told: Timestamp) {
        let direction = if way == "in" { Direction::Entry } else { Direction::Exit };
        self.event(gate, told, Happening::PassageMade { direction, decision: None });
    }
}

/// The word behind `name`.
fn option<'a>(rest: &[&'a str], name: &str) -> Option<&'a str> {
    let place = rest.iter().position(|word| *word == name)?;
    rest.get(place + 1).copied()
}
