//! What tills and operators do in a scenario.

use domain::{
    event::Happening,
    ids::GoodId,
    money::Money,
    order::{Act, Begins, CashOrder, Line, Order, Override, Rest, Second, Sells, Setting, What},
    params::{ACTIONS, Param, Value},
    reasons::Reason,
    rows::{Good, ParamKey, PinDigest, Terminal, WaitingKey},
    scope::{Scope, ScopeKind},
    state::{ImportRow, Input, Payment},
};

use super::{
    DESK, World,
    devices::Sent,
    made::{date, reason},
    steps::Made,
    words::{Words, number},
};

/// Where an order is given, and by whom.
pub(super) struct Orders<'a> {
    terminal: &'a str,
    operator: &'a str,
    second: Option<Second>,
    sent: Sent,
}

impl World {
    /// The terminal and the operator that come next, and the second person if there is one.
    pub(super) fn orders<'a>(&self, words: &mut Words<'a>) -> Result<Orders<'a>, String> {
        let second = self.second(words)?;
        let sent = self.sent(words)?;
        let terminal = words.next("a till or desk")?;
        let operator = words.next("an operator")?;
        Ok(Orders { terminal, operator, second, sent })
    }

    /// `second levan T1 12:25:40`, or `approved boss`, who is at another terminal now.
    fn second(&self, words: &mut Words<'_>) -> Result<Option<Second>, String> {
        if let Some(operator) = words.option("approved")? {
            let (operator, terminal, at) = (operator.into(), "another".into(), self.now);
            return Ok(Some(Second { operator, terminal, at }));
        }
        let Some(place) = words.behind("second") else { return Ok(None) };
        let operator = words.take_at(place, "an operator")?.into();
        let terminal = words.take_at(place, "a terminal")?.into();
        let at = self.read_time(&words.time_at(place))?;
        Ok(Some(Second { operator, terminal, at }))
    }

    /// The message of a till or desk that orders it.
    pub(super) fn order(&mut self, orders: Orders<'_>, what: What) -> Made {
        let order = Order { operator: orders.operator.into(), second: orders.second, what };
        self.hear(orders.terminal, orders.sent, Happening::Order(Box::new(order)))
    }

    pub(super) fn pays(&mut self, words: &mut Words<'_>) -> Made {
        let account = self.account_of(words.next("a band")?)?;
        let amount = self.money(words.next("an amount")?)?;
        let (key, terminal) = (self.payment_key(), DESK.into());
        Ok(vec![Input::Payment(Payment { key, account, amount, terminal })])
    }

    pub(super) fn moves(&mut self, into: bool, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let holder = words.next("a band")?.into();
        let amount = self.money(words.next("an amount")?)?;
        let cash = words.one_of(&["cash", "card", "wallet"])? == "cash";
        let what = if into {
            What::Topup { holder, amount, cash }
        } else {
            What::Refund { holder, amount, cash }
        };
        self.order(orders, what)
    }

    pub(super) fn drawer_moves(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let verb = words.one_of(&["open", "in", "out", "close"])?;
        let amount = self.money(words.next("an amount")?)?;
        let reason = "told at the till".to_owned();
        let cash = match verb {
            "open" => CashOrder::Open { float: amount },
            "in" => CashOrder::PutIn { amount, reason },
            "out" => CashOrder::TakeOut { amount, reason },
            _ => CashOrder::Close { counted: amount },
        };
        self.order(orders, What::Cash(cash))
    }

    pub(super) fn sale(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let uid = words.next("a band, or `-` for nobody in particular")?;
        // Before the amounts, as it has their names behind it.
        let rest = match words.option("rest")? {
            None | Some("wallet") => Rest::Wallet,
            Some("cash") => Rest::Cash,
            Some("card") => Rest::Card,
            Some("nobody") => Rest::Nobody,
            Some(other) => return Err(format!("nobody pays the rest by `{other}`")),
        };
        let cash = self.amount_behind("cash", words)?;
        let card = self.amount_behind("card", words)?;
        let age_shown = words.option("aged")?.map(number).transpose()?;
        let lines = Words::from(words.rest()).split("plus");
        let lines = lines.into_iter().map(|mut line| {
            let made = self.line(&mut line)?;
            line.end().map(|()| made)
        });
        let lines = lines.collect::<Result<_, _>>()?;
        let buyer = (uid != "-").then(|| uid.into());
        self.order(orders, What::Sale { buyer, lines, cash, card, rest, age_shown })
    }

    /// One line of a basket.
    fn line(&mut self, words: &mut Words<'_>) -> Result<Line, String> {
        let discount = words.option("discount")?.map_or(Ok(0), number)?;
        let count = words.option("count")?.map_or(Ok(1), number)?;
        let price = words.option("price")?.map(|text| self.money(text)).transpose()?;
        let line = match words.next("what is sold")? {
            "good" => {
                let name = words.next("a good")?;
                Line { price, ..Line::of(Sells::Good(name.into())) }
            }
            "tariff" => Line { price, ..Line::of(self.pass_sold(words)?) },
            "load" => {
                let amount = self.money(words.next("an amount")?)?;
                Line { price: Some(amount), ..Line::of(Sells::TopUp) }
            }
            "deposit" => Line::of(Sells::Deposit { uid: words.next("a band")?.into() }),
            "returns" => Line::of(Sells::DepositBack { uid: words.next("a band")?.into() }),
            "lost" => Line::of(Sells::LostBand { uid: words.next("a band")?.into() }),
            amount => {
                let amount = self.money(amount)?;
                let category = words.option("category")?.unwrap_or_default();
                Line { price: Some(amount), ..Line::of(Sells::Good(self.good(category))) }
            }
        };
        Ok(Line { discount, count, ..line })
    }

    fn pass_sold(&self, words: &mut Words<'_>) -> Result<Sells, String> {
        let tariff = words.next("a tariff")?.into();
        let holder = words.option("for")?.map(|band| self.holder(band));
        let member = holder.transpose()?.map(|holder| holder.member);
        let from = words.option("from")?.map(date).transpose()?;
        let beside = words.flag("beside");
        Ok(Sells::Tariff { tariff, member, begins: Begins { from, beside } })
    }

    fn amount_behind(&self, name: &str, words: &mut Words<'_>) -> Result<Money, String> {
        words.option(name)?.map_or(Ok(Money::ZERO), |amount| self.money(amount))
    }

    /// Something of a category, which costs what the cashier says.
    pub fn good(&mut self, category: &str) -> GoodId {
        let id = GoodId::from(format!("item-{category}"));
        let (open_price, category) = (true, category.to_owned());
        let good = Good { open_price, category, ..Good::default() };
        self.take(Input::Import(vec![ImportRow::Good(id.clone(), good)]));
        id
    }

    /// The last refusal is lifted.
    pub(super) fn lifts(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let codes = words.next("a code")?.split(',').map(reason);
        let codes: Vec<Reason> = codes.collect::<Result<_, _>>()?;
        let why = words.next("a reason for the override")?;
        let reason = serde_json::from_value(why.into());
        let reason = reason.map_err(|_| format!("`{why}` is no reason for an override"))?;
        let waived = self.amount_behind("waives", words)?;
        let refused = self.refused.clone().ok_or("nothing was refused at a gate before")?;
        let uid = self.uid_of(&refused)?;
        let lifts = Override {
            decision: refused.id,
            gate: refused.device.clone(),
            uid,
            kind: refused.kind,
            codes,
            reason,
            text: String::new(),
            waived,
        };
        self.order(orders, What::Override(lifts))
    }

    pub(super) fn acts(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let holder = words.option("member")?.map(|band| self.holder(band)).transpose()?;
        let member = holder.map(|holder| holder.member);
        let locker = words.option("locker")?.map(Into::into);
        let action = action(words)?;
        self.order(orders, What::Act(Act { action, member, locker, setting: None }))
    }

    /// A value of a parameter.
    pub(super) fn sets(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let name = words.next("a parameter")?;
        let param = Param::of(name).ok_or_else(|| format!("`{name}` is no parameter"))?;
        let mut value = words.rest();
        let scope = match value[..] {
            [.., kind, name] => ScopeKind::of(kind).map(|kind| (kind, name)),
            _ => None,
        };
        let scope = match scope {
            Some((kind, name)) => {
                value.truncate(value.len() - 2);
                self.scope(kind, name)?
            }
            None => Scope::Site,
        };
        let text = value.join(" ");
        let value = (text != "nothing").then(|| Value::parse(param, &text)).transpose()?;
        let setting = Some(Setting { key: ParamKey { param, scope }, value });
        let act = Act { action: "set_parameter".to_owned(), setting, ..Act::default() };
        self.order(orders, What::Act(act))
    }

    fn scope(&self, kind: ScopeKind, name: &str) -> Result<Scope, String> {
        Ok(match kind {
            ScopeKind::Site => Scope::Site,
            ScopeKind::Zone => Scope::Zone(name.into()),
            ScopeKind::Device => Scope::Device(name.into()),
            ScopeKind::Terminal => Scope::Terminal(name.into()),
            ScopeKind::Tariff => Scope::Tariff(name.into()),
            ScopeKind::Group => Scope::Group(name.into()),
            ScopeKind::Member => Scope::Member(self.holder(name)?.member),
            ScopeKind::Role => Scope::Role(name.into()),
        })
    }

    pub(super) fn signs(&mut self, words: &mut Words<'_>) -> Made {
        let Orders { terminal, operator, second, .. } = self.orders(words)?;
        let pin = PinDigest(words.next("a PIN")?.into());
        let act = Act { action: action(words)?, ..Act::default() };
        let order = Box::new(Order { operator: operator.into(), second, what: What::Act(act) });
        Ok(vec![Input::SignedOrder { terminal: terminal.into(), order, pin, key: None }])
    }

    pub(super) fn confirms(&mut self, words: &mut Words<'_>) -> Made {
        let Orders { terminal, operator, .. } = self.orders(words)?;
        let pin = PinDigest(words.next("a PIN")?.into());
        let (terminal, operator, ordered_at) = (terminal.into(), operator.into(), DESK.into());
        Ok(vec![Input::Confirm { terminal, ordered_at, decision: None, operator, pin }])
    }

    /// The desk compares a face with the photo.
    pub(super) fn photo(&mut self, words: &mut Words<'_>) -> Made {
        let gate = self.gate(words)?.as_str().into();
        let uid = words.next("a band")?.into();
        let same = words.one_of(&["same", "other"])? == "same";
        Ok(vec![Input::PhotoChecked { waiting: WaitingKey { uid, gate }, same }])
    }

    pub(super) fn till_state(&mut self, words: &mut Words<'_>) -> Made {
        let terminal = words.next("a till")?.into();
        let online = words.one_of(&["on", "off"])? == "on";
        let state = Terminal { online, operator: None, drawer: Money::ZERO };
        Ok(vec![Input::Terminal { terminal, state }])
    }

    pub(super) fn desk_state(&mut self, words: &mut Words<'_>) -> Made {
        let staffed = words.one_of(&["on", "off"])? == "on";
        let operator = staffed.then(|| "nino".to_owned());
        let state = Terminal { online: true, operator, drawer: Money::ZERO };
        Ok(vec![Input::Terminal { terminal: DESK.into(), state }])
    }
}

/// One of the things that operators do.
fn action(words: &mut Words<'_>) -> Result<String, String> {
    let action = words.next("an action")?;
    match ACTIONS.contains(&action) {
        true => Ok(action.to_owned()),
        false => Err(format!("`{action}` is none of the actions {}", ACTIONS.join(", "))),
    }
}
