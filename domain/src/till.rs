//! Orders of operators at tills and desks: what they see, the facts, and what a grant does
//! (parameters 28 to 30, 34 and 46 to 54).

use serde::{Deserialize, Serialize};

use crate::{
    basket::Basket,
    command::Action,
    facts::{EventKind, Facts},
    ids::{AccountId, DecisionId, DeviceId, GroupId, MemberId, OperatorId, Uid},
    look::Asked,
    money::Money,
    order::{Act, CashOrder, Order, Sells, What},
    params::{Param, Value},
    reasons::{Override as MayLift, Reason},
    sales::Sale,
    scope::{ParamTable, Place},
    seen::Seen,
    site::Gate,
    state::Noted,
    step::{Message, Step},
    time::Span,
    verdict::Outcome,
};

/// Within this time the second person confirms, and a lifted refusal opens (our choice: 60 s, the
/// last second included).
pub(crate) const TOGETHER: Span = Span::seconds(60);

/// A refusal that is older is not lifted any more: its guest reads again (our choice: 10 min).
pub const LIFTED_WITHIN: Span = Span::seconds(600);

/// An order as it is decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenOrder {
    /// The terminal.
    pub terminal: DeviceId,
    /// Whether it is heard of.
    pub online: bool,
    /// The cash in its drawer.
    pub drawer: Money,
    /// Whether it names a credential.
    #[serde(default)]
    pub named: bool,
    /// The action that is asked for.
    pub action: String,
    /// Who acts, where the operator is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<SeenOperator>,
    /// The second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SeenSecond>,
    /// Who approved what the operator may not do alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<SeenOperator>,
    /// What a wallet pays, gets, or gives back.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub wallet: Money,
    /// What comes into the drawer; below zero what goes out.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub cash: Money,
    /// Whether what is given back comes out of the wallet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_wallet: bool,
    /// What a sale puts into the wallet.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub loads: Money,
    /// The largest discount of a line, in percent.
    #[serde(default)]
    pub discount: i64,
    /// The line that has it, from 1.
    #[serde(default)]
    pub discount_line: i64,
    /// The categories of the goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The lines that they stand in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category_lines: Vec<i64>,
    /// The age that a document shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_shown: Option<i64>,
    /// The reasons that an override shall lift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Reason>,
    /// Whether it shall open an exit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_exit: bool,
    /// What an override waives of the debt.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub waived: Money,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenOperator {
    /// The login.
    pub login: OperatorId,
    /// The roles.
    pub roles: Box<[GroupId]>,
    /// Whether the order is in this operator's own favour, or in that of the family.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub favoured: bool,
}

/// A second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSecond {
    /// Who.
    pub operator: SeenOperator,
    /// Whether the confirmation is another person's, came in time and not in the same session.
    pub counts: bool,
}

impl SeenOrder {
    /// Tells the rules.
    pub(crate) fn tell(
        &self,
        place: &Place<'_>,
        table: &ParamTable,
        value: impl Fn(Param) -> Value,
        facts: &mut Facts,
    ) {
        let known = self.operator.as_ref().is_some_and(|operator| !operator.favoured);
        facts.action.clone_from(&self.action);
        let rights = value(Param::OperatorAllowedActions);
        let may = |action: &str| rights.names(Param::OperatorAllowedActions, action);
        facts.action_allowed = known && self.actions().all(may);
        facts.terminal_listed = value(Param::OperatorAllowedTerminals)
            .names(Param::OperatorAllowedTerminals, self.terminal.as_str());
        facts.terminal_allows =
            value(Param::TerminalAllowedActions).names(Param::TerminalAllowedActions, &self.action);
        let codes = value(Param::OperatorOverrideCodes);
        let listed = |code: &Reason| {
            let named = codes.names(Param::OperatorOverrideCodes, code.code());
            let ends_hold = self.at_exit && code.is_liftable(EventKind::Exit);
            (code.is_overridable() && named) || (ends_hold && !code.is_overridable())
        };
        facts.override_listed = self.codes.iter().all(listed);
        facts.second_needed = self.second_needed(&value);
        facts.second_confirmed = self.second.as_ref().is_some_and(|second| {
            let roles = &second.operator.roles;
            let place = Place { roles, ..*place };
            let rights = table.resolve(Param::OperatorAllowedActions, &place).value;
            let may = |action: &str| rights.names(Param::OperatorAllowedActions, action);
            let most = || table.resolve(Param::SaleRefundMaxAmount, &place).value.amount();
            second.counts
                && !second.operator.favoured
                && self.actions().all(may)
                && (self.action != "refund" || self.wallet <= most())
        });
        (facts.discount_percent, facts.drawer_after) = (self.discount, self.drawer + self.cash);
        facts.pays_cash = self.cash > Money::ZERO;
        (facts.costs, facts.loads, facts.wallet_pays) = (self.wallet, self.loads, self.from_wallet);
        facts.discount_line = self.discount_line;
        let ages = value(Param::SaleMinAgeCategories);
        let lines = self.category_lines.iter().copied().chain(std::iter::repeat(0));
        let categories = self.categories.iter().zip(lines);
        let strictest = categories.max_by_key(|(category, _)| ages.age_for(category));
        if let Some((category, line)) = strictest {
            facts.category_line = line;
            facts.required_age = ages.age_for(category);
            facts.category.clone_from(category);
        }
        facts.buyer_age = self.age_shown.unwrap_or(facts.member_age);
    }

    /// What a basket comes to.
    fn sells(&mut self, basket: &Basket) {
        let ways = basket.ways;
        (self.wallet, self.cash, self.loads) = (ways.wallet, ways.cash, basket.loads());
        for (place, line) in (1..).zip(&basket.lines) {
            if line.discount > self.discount {
                (self.discount, self.discount_line) = (line.discount, place);
            }
            if !line.category.is_empty() {
                self.categories.push(line.category.clone());
                self.category_lines.push(place);
            }
        }
    }

    /// The actions that it needs the right to: to waive a debt is one of its own.
    fn actions(&self) -> impl Iterator<Item = &str> {
        let waives = (!self.waived.is_zero()).then_some("debt_write_off");
        std::iter::once(self.action.as_str()).chain(waives)
    }

    /// Whether a second person has to confirm (parameter 53), whatever it says for some codes.
    fn second_needed(&self, value: &impl Fn(Param) -> Value) -> bool {
        let two = value(Param::OperatorTwoPersonActions);
        let listed = |action: &str| two.names(Param::OperatorTwoPersonActions, action);
        let over =
            self.action == "refund" && self.wallet > value(Param::SaleRefundMaxAmount).amount();
        let marked = |code: &Reason| code.spec().overridable == MayLift::TwoPersons;
        self.actions().any(listed)
            || over
            || self.action == "emergency_reset"
            || self.codes.iter().any(marked)
    }

    /// The reasons that the approver may lift here.
    pub(crate) fn lifted(&self, place: &Place<'_>, table: &ParamTable) -> Vec<Reason> {
        let Some(approver) = self.approver.as_ref().filter(|one| !one.favoured) else {
            return Vec::new();
        };
        let place = Place { roles: &approver.roles, ..*place };
        let codes = table.resolve(Param::OperatorOverrideCodes, &place).value;
        let most = table.resolve(Param::SaleMaxDiscountPercent, &place).value.int();
        let may = |reason: &Reason| {
            let covered = *reason != Reason::DiscountNeedsApproval || self.discount <= most;
            reason.is_overridable()
                && covered
                && codes.names(Param::OperatorOverrideCodes, reason.code())
        };
        let all = crate::reasons::REASONS.iter().map(|spec| spec.reason);
        all.filter(may).collect()
    }
}

impl Step<'_> {
    /// An operator's order.
    pub(crate) fn order(&mut self, message: &Message, order: Order) {
        let kind = order.what.kind();
        let terminal = message.device.clone();
        let site = self.state.site.clone();
        let Some(root) = site.zones.iter().find(|(_, parent)| parent.is_none()) else { return };
        let uid = order.what.holder().cloned().unwrap_or_else(|| Uid::from(""));
        let asked = Asked { order: true, ..Asked::of(message.at, kind, terminal, uid) };
        let about = self.about(&order.what);
        let mut seen = self.look(&asked, &Gate::new(None, root.0.clone()));
        seen.order = Some(self.seen_order(&asked, &order, &seen));
        if let Some(finding) = self.ingest(message, &asked, &seen)
            && finding.reason == Reason::EventStale
        {
            let ignored = crate::combine::Combined::only(Outcome::Ignore, finding);
            return self.decide_alone(message, &asked, ignored, seen);
        }
        let (gathered, combined) = self.judged(&seen, &site.time_zone);
        let (outcome, reason) = (combined.outcome, combined.primary());
        let wallet = gathered.bill.account();
        let bound = gathered.value(Param::WalletMinBalance).amount();
        let member = seen.holder.as_ref().map(|holder| holder.member);
        let decision = self.record(message, &asked, seen, gathered, combined);
        self.record_about(&about, outcome.opens());
        let answer = Action::Till { outcome, reason };
        self.command(asked.device.clone(), Some(decision), answer);
        if let Some(wallet) = wallet.filter(|_| outcome.opens() && kind == EventKind::Sale) {
            self.bound_wallet(wallet, bound);
        }
        match &order.what {
            _ if !outcome.opens() => {}
            What::Registry(change) => {
                self.carry_out_change(message, (&order, change), about, decision);
            }
            _ => self.carry_out(message, &asked, &order, (wallet, member, decision)),
        }
    }

    fn seen_order(&mut self, asked: &Asked, order: &Order, seen: &Seen) -> SeenOrder {
        let terminal = self.state.tables.terminals.read(&asked.device).cloned();
        let terminal = terminal.unwrap_or_default();
        let subject = match &order.what {
            What::Act(act) => act.member,
            What::Registry(change) => self.subject(change),
            What::Correct { member, .. } => *member,
            _ => seen.holder.as_ref().map(|holder| holder.member),
        };
        let second = order.second.as_ref().and_then(|second| {
            let in_time = (Span(0)..=TOGETHER).contains(&second.at.since(asked.at));
            let other = second.operator != order.operator && second.terminal != asked.device;
            let operator = self.seen_operator(&second.operator, subject)?;
            Some(SeenSecond { operator, counts: in_time && other })
        });
        let mut known = SeenOrder {
            terminal: asked.device.clone(),
            online: terminal.online || self.signed,
            drawer: terminal.drawer,
            named: order.what.holder().is_some(),
            action: order.what.action().to_owned(),
            operator: self.seen_operator(&order.operator, subject),
            second,
            approver: None,
            wallet: Money::ZERO,
            cash: Money::ZERO,
            from_wallet: false,
            loads: Money::ZERO,
            discount: 0,
            discount_line: 0,
            categories: Vec::new(),
            category_lines: Vec::new(),
            age_shown: None,
            codes: Vec::new(),
            at_exit: false,
            waived: Money::ZERO,
        };
        self.tell_money(&mut known, asked, &order.what);
        known
    }

    /// The money that an order is about.
    fn tell_money(&mut self, known: &mut SeenOrder, asked: &Asked, what: &What) {
        match what {
            What::Sale { lines, buyer, cash, card, rest, age_shown } => {
                let basket = self.basket(lines, buyer.as_ref(), (*cash, *card, *rest), asked.at);
                if let Ok(basket) = basket {
                    known.sells(&basket);
                }
                known.age_shown = *age_shown;
                // Who confirms a sale approves what the cashier may not do alone.
                let second = known.second.as_ref().filter(|second| second.counts);
                known.approver = second.map(|second| second.operator.clone());
            }
            What::Return { receipt, counts, cash, .. } => {
                let worth = self.return_value(receipt, counts, *cash);
                known.wallet = worth;
                known.cash = if *cash { -worth } else { Money::ZERO };
            }
            What::Void { receipt, .. } => known.cash = -receipt.cash,
            What::Settle { amount, cash, .. } => {
                known.cash = if *cash { *amount } else { Money::ZERO };
            }
            What::Cash(CashOrder::PutIn { amount, .. }) => known.cash = *amount,
            What::Cash(CashOrder::TakeOut { amount, .. }) => known.cash = -*amount,
            What::Cash(_) => {}
            What::Topup { amount, cash, .. } => {
                known.wallet = *amount;
                known.cash = if *cash { *amount } else { Money::ZERO };
            }
            What::Refund { amount, cash, .. } => {
                (known.wallet, known.from_wallet) = (*amount, true);
                known.cash = if *cash { -*amount } else { Money::ZERO };
            }
            What::Override(lifts) => {
                known.codes.clone_from(&lifts.codes);
                known.at_exit = lifts.kind == EventKind::Exit;
                known.waived = lifts.waived;
            }
            What::Correct { .. } | What::Act(_) | What::Registry(_) => {}
        }
    }

    /// Nobody approves what favours himself or his family (I11).
    fn seen_operator(
        &mut self,
        login: &OperatorId,
        subject: Option<MemberId>,
    ) -> Option<SeenOperator> {
        let row = self.state.tables.operators.read(login).cloned()?;
        let favoured = row.member.zip(subject).is_some_and(|(own, subject)| {
            own == subject
                || self.family_of(own).is_some_and(|id| self.family_of(subject) == Some(id))
        });
        Some(SeenOperator { login: login.clone(), roles: row.roles, favoured })
    }

    fn family_of(&mut self, member: MemberId) -> Option<crate::ids::FamilyId> {
        let row = self.state.tables.members.read(&member)?;
        row.kin.as_deref().and_then(|kin| kin.family)
    }

    /// What a granted order does.
    fn carry_out(
        &mut self,
        message: &Message,
        asked: &Asked,
        order: &Order,
        (wallet, member, decision): (Option<AccountId>, Option<MemberId>, DecisionId),
    ) {
        let (boot, number) = message.source.unwrap_or_default();
        let session = match &order.what {
            What::Act(_) | What::Override(_) | What::Cash(_) | What::Correct { .. } => 0,
            _ => self.session(&asked.device, &order.operator),
        };
        let sale = Sale {
            till: &asked.device,
            operator: &order.operator,
            at: asked.at,
            decision,
            purpose: order.what.purpose(),
            key: format!("{}:{}:{boot}:{number}", asked.kind.name(), asked.device),
            wallet,
            buyer: member,
            session,
        };
        match &order.what {
            What::Sale { lines, buyer, cash, card, rest, .. } => {
                let basket = self.basket(lines, buyer.as_ref(), (*cash, *card, *rest), asked.at);
                if let Ok(basket) = basket {
                    self.sell(&sale, basket);
                }
            }
            What::Topup { amount, cash, .. } if wallet.is_some() => {
                self.sell(&sale, Self::moved(Sells::TopUp, *amount, *cash));
            }
            What::Refund { amount, cash, .. } if wallet.is_some() => {
                self.sell(&sale, Self::moved(Sells::TopUp, -*amount, *cash));
            }
            What::Settle { amount, cash, .. } => {
                if let Some(account) = wallet {
                    self.sell(&sale, Self::moved(Sells::Debt, *amount, *cash));
                    self.paid_up(account, *amount, &asked.device);
                }
            }
            What::Void { receipt, reason } => {
                self.void(&sale, receipt, reason);
                self.acted(message, order, decision);
            }
            What::Return { receipt, counts, cash, reason } => {
                self.take_goods_back(&sale, receipt, (counts, *cash, reason));
                self.acted(message, order, decision);
            }
            What::Correct { charge, member, waived, reason } => {
                self.correct(&sale, (charge, *member, *waived), reason);
                self.acted(message, order, decision);
            }
            What::Cash(cash) => {
                self.move_cash(message, &sale, cash);
                self.acted(message, order, decision);
            }
            What::Topup { .. } | What::Refund { .. } => {}
            What::Act(act) => self.carry_out_act(message, order, act, decision),
            What::Override(lifts) => self.issue(asked, order, lifts, (wallet, decision)),
            What::Registry(_) => {}
        }
    }

    /// Writes down who did something.
    fn acted(&mut self, message: &Message, order: &Order, decision: DecisionId) {
        let noted = Noted::Acted {
            decision,
            operator: order.operator.clone(),
            second: order.second.as_ref().map(|second| second.operator.clone()),
            action: order.what.action().to_owned(),
        };
        self.journal(message, noted);
    }

    fn carry_out_act(&mut self, message: &Message, order: &Order, act: &Act, decision: DecisionId) {
        self.acted(message, order, decision);
        let blocks = match act.action.as_str() {
            "emergency_reset" => {
                let second = order.second.as_ref().map(|second| second.operator.to_string());
                let operators = [order.operator.to_string(), second.unwrap_or_default()];
                self.reset_emergency(operators);
                return;
            }
            "release_locker" => {
                let Some(id) = act.locker.clone() else { return };
                let row = self.state.tables.lockers.read(&id).cloned();
                if let Some(row) = row {
                    let row = crate::rows::Locker { released: true, ..row };
                    self.state.tables.lockers.put(id, row);
                }
                return;
            }
            "set_parameter" => {
                if let Some(setting) = &act.setting {
                    self.set_parameter(message, order, setting, decision);
                }
                return;
            }
            "block_member" => true,
            "unblock_member" => false,
            _ => return,
        };
        let member = act.member.and_then(|id| Some((id, self.state.tables.members.read(&id)?)));
        if let Some((id, member)) = member.map(|(id, member)| (id, member.clone())) {
            let member = crate::rows::Member { blocked: blocks, ..member };
            self.state.tables.members.put(id, member);
        }
    }
}
