//! Operators who prove who they are: by band and PIN at a reader, or by login and PIN through the
//! socket. What they order goes the way of every order.

use crate::{
    facts::EventKind,
    gather::{Gathered, locked_until},
    ids::{DecisionId, DeviceId, OperatorId, Uid},
    look::{Asked, within},
    money::Money,
    order::{Order, Override, OverrideReason, Second, Setting, What},
    params::{Param, Value},
    reasons::Reason,
    registry::{PassChange, Registry},
    rows::{
        AnswerKey, Answered, HoldKey, OrderKey, PassKey, PendingOrder, PinDigest, ReaderKey,
        SetParam, WaitingKey, WaitsFor,
    },
    scope::Place,
    site::Gate,
    state::{Answer, Noted},
    step::{Message, Step},
    till::{LIFTED_WITHIN, TOGETHER},
    time::{Span, Timestamp},
    verdict::Outcome,
};

/// So long an answer is kept for orders that are sent again.
const ANSWERS_KEPT: Span = Span::seconds(24 * 60 * 60);

impl Step<'_> {
    /// An order of somebody who proves by a PIN who he is.
    pub(crate) fn signed_order(
        &mut self,
        terminal: DeviceId,
        (order, pin): (Order, &PinDigest),
        key: Option<OrderKey>,
    ) -> Answer {
        if let Err(why) = self.prove(&order.operator, pin, &terminal) {
            return Answer::Refused(why);
        }
        if let Some(answer) = self.answered_before(&order.operator, key.as_ref()) {
            return answer;
        }
        // There is no message whose numbers could be told apart: the instant is, and within a batch
        // the line of the journal that the order gets.
        let line = u64::try_from(self.batch.journal.len()).unwrap_or(0);
        let source = u64::try_from(self.now.micros()).ok().map(|micros| (micros, line));
        let at = self.now;
        let message = Message::of(terminal, source, at);
        self.order_answered(&message, order, key)
    }

    /// The answer that an order of this key got already.
    fn answered_before(&mut self, operator: &OperatorId, key: Option<&OrderKey>) -> Option<Answer> {
        let OrderKey { key, content } = key?;
        let known = AnswerKey { operator: operator.clone(), key: key.clone() };
        let row = self.state.tables.answers.read(&known)?;
        if self.now.since(row.at) > ANSWERS_KEPT {
            return None;
        }
        if row.content == *content {
            return Some(Answer::Decided(row.decision));
        }
        let why = format!("the key `{key}` belongs to another order of yours; use a new one");
        Some(Answer::Refused(why))
    }

    /// Keeps the answer to an order, so that the same order gets it again.
    fn keep_answer(&mut self, operator: OperatorId, key: OrderKey, decision: DecisionId) {
        let OrderKey { key, content } = key;
        let row = Answered { content, decision, at: self.now };
        self.state.tables.answers.put(AnswerKey { operator, key }, row);
    }

    /// What nobody asks for any more is forgotten: answers, and orders that no second person
    /// confirmed in time.
    pub(crate) fn forget_answers(&mut self) {
        let (now, tables) = (self.now, &mut self.state.tables);
        let old = |at: Timestamp, kept: Span| now.since(at) > kept;
        let answers = tables.answers.iter().filter(|(_, row)| old(row.at, ANSWERS_KEPT));
        for key in answers.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            tables.answers.remove(key);
        }
        // Whoever confirms too late is told so for a while.
        let orders = tables.pending_orders.iter().filter(|(_, row)| old(row.at, LIFTED_WITHIN));
        for key in orders.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            tables.pending_orders.remove(key);
        }
    }

    /// Somebody confirms by a PIN, at another terminal, what waits for a second person.
    pub(crate) fn signed_confirmation(
        &mut self,
        (terminal, there): (&DeviceId, &DeviceId),
        seen: Option<DecisionId>,
        (operator, pin): (&OperatorId, &PinDigest),
    ) -> Answer {
        if let Err(why) = self.prove(operator, pin, terminal) {
            return Answer::Refused(why);
        }
        let waits = self.state.tables.pending_orders.read(there).map(|row| row.decision);
        if let (Some(seen), Some(waits)) = (seen, waits)
            && seen != waits
        {
            let why = format!(
                "what waits at {there} is another order than the one you saw: decision {waits}; \
                 look at it, then confirm it"
            );
            self.unreadable(there.clone(), why.clone());
            return Answer::Refused(why);
        }
        let refused = || nothing_waits(there);
        self.confirm(operator, (terminal, there), true).unwrap_or_else(refused)
    }

    /// The decision on what waits at a terminal for a second person.
    pub(crate) fn waits_for_second(&mut self, there: &DeviceId) -> Answer {
        let row = self.state.tables.pending_orders.read(there);
        let row = row.filter(|row| within(row.at, self.now, LIFTED_WITHIN));
        row.map_or_else(|| nothing_waits(there), |row| Answer::Decided(row.decision))
    }

    /// A band with a PIN at a gate: is it an operator, and is there something for him to do? He
    /// says yes to a face, lifts the last refusal, or confirms what waits for a second person.
    /// Else it is a read as any other.
    pub(crate) fn reads_as_operator(&mut self, asked: &Asked) -> bool {
        let Some(pin) = asked.pin.clone() else { return false };
        let Some(login) = self.operator_with(&asked.uid) else { return false };
        if self.is_own_pin(&asked.uid, &pin) || self.prove(&login, &pin, &asked.device).is_err() {
            return false;
        }
        // Whoever stands at the gate goes before what waits at its desk.
        if self.state.tables.emergency.read(&()).is_none() {
            if let Some(face) = self.face_waiting_at(asked) {
                self.photo_checked(&face, true);
                return true;
            }
            if self.lifts_last(asked, login.clone()) {
                return true;
            }
        }
        let site = self.state.site.clone();
        let desk = site.gates.get(&asked.device).and_then(|gate| gate.desk.as_ref());
        desk.is_some_and(|desk| self.confirm(&login, (&asked.device, desk), false).is_some())
    }

    /// Whether it is the code of the band as somebody's card, which is no operator's business.
    fn is_own_pin(&mut self, band: &Uid, pin: &PinDigest) -> bool {
        let card = self.state.tables.credentials.read(band);
        let extras = card.and_then(|card| card.extras.as_deref());
        extras.is_some_and(|extras| {
            [extras.pin.as_ref(), extras.duress.as_ref()].contains(&Some(pin))
        })
    }

    fn operator_with(&self, band: &Uid) -> Option<OperatorId> {
        let mut rows = self.state.tables.operators.iter();
        let found = rows.find(|(_, row)| row.uid.as_ref() == Some(band));
        found.map(|(login, _)| login.clone())
    }

    /// Somebody else who waits at this reader for an operator to compare his face.
    fn face_waiting_at(&self, asked: &Asked) -> Option<WaitingKey> {
        let here = |key: &WaitingKey| key.gate == asked.device && key.uid != asked.uid;
        let mut rows = self.state.tables.waiting.iter();
        let found = rows.find(|(key, row)| row.on == WaitsFor::Photo && here(key));
        found.map(|(key, _)| key.clone())
    }

    /// The last refusal at the reader is lifted, as far as the operator may.
    fn lifts_last(&mut self, asked: &Asked, operator: OperatorId) -> bool {
        let reader = asked.reader();
        let last = self.state.tables.last_reads.peek(&reader).cloned();
        let Some((last, decision)) = last.and_then(|last| Some((last.clone(), last.refused?)))
        else {
            return false;
        };
        if last.uid == asked.uid || !within(last.at, asked.at, TOGETHER) {
            return false;
        }
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&asked.device) else { return false };
        let Some(desk) = gate.desk.clone() else { return false };
        let codes = self.refusing_now(&reader, last.uid.clone(), asked.kind, asked.at);
        if codes.is_empty() {
            return false;
        }
        let lifts = Override {
            decision,
            gate: asked.device.clone(),
            uid: last.uid,
            kind: asked.kind,
            codes,
            reason: OverrideReason::Other,
            text: format!("by band and PIN at the reader of {}", asked.device),
            waived: crate::money::Money::ZERO,
        };
        let order = Order { operator, second: None, what: What::Override(lifts) };
        let source = u64::try_from(self.now.micros()).ok().map(|micros| (micros, 0));
        let age = Some(self.now.since(asked.at));
        let received = self.now;
        let message = Message { device: desk, source, at: asked.at, received, age };
        self.order_answered(&message, order, None);
        true
    }

    /// The reasons that would refuse this read now, and that an override may lift.
    fn refusing_now(
        &mut self,
        reader: &ReaderKey,
        uid: Uid,
        kind: EventKind,
        at: Timestamp,
    ) -> Vec<Reason> {
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&reader.device) else { return Vec::new() };
        let asked = Asked::of(at, kind, reader.device.clone(), uid);
        let seen = self.look(&asked, gate);
        let (_, combined) = self.judged(&seen, &site.time_zone);
        if !matches!(combined.outcome, Outcome::Deny | Outcome::Hold) {
            return Vec::new();
        }
        let found = combined.reasons.iter().map(|found| found.reason);
        found.filter(|reason| reason.is_liftable(kind)).collect()
    }

    /// Carries out, for somebody at `terminal`, what was ordered `there` and waits for a second
    /// person; `None` where nothing does. Whoever may not confirm it is refused on record where he
    /// `meant_it`; a band at a gate may have been read for something else.
    fn confirm(
        &mut self,
        operator: &OperatorId,
        (terminal, there): (&DeviceId, &DeviceId),
        meant_it: bool,
    ) -> Option<Answer> {
        let site = &self.state.site;
        let known = site.terminals.contains_key(terminal) || site.gates.contains_key(terminal);
        let row = self.state.tables.pending_orders.read(there).filter(|_| known)?.clone();
        if !within(row.at, self.now, LIFTED_WITHIN) {
            return None;
        }
        let other = terminal != there && row.order.operator != *operator;
        let counts = other && within(row.at, self.now, TOGETHER);
        if !counts && !meant_it {
            return None;
        }
        if row.price != self.price_of(&row.order.what) {
            let why =
                "the price changed since it was ordered, or the amount given back; order it again";
            self.unreadable(there.clone(), format!("{operator} confirms: {why}"));
            return Some(Answer::Refused(why.to_owned()));
        }
        let device = there.clone();
        let second =
            Second { operator: operator.clone(), terminal: terminal.clone(), at: self.now };
        let order = Order { second: Some(second), ..row.order };
        let message = Message::of(device, row.source, row.at);
        Some(self.order_answered(&message, order, row.key.filter(|_| counts)))
    }

    /// What the order comes to now, where that may change while it waits: what a basket costs, what
    /// is given back for goods or a pass, what of a charge is still owed.
    fn price_of(&mut self, what: &What) -> Option<Money> {
        match what {
            What::Sale { lines, buyer, cash, card, rest, .. } => {
                let pays = (*cash, *card, *rest);
                let basket = self.basket(lines, buyer.as_ref(), pays, self.now).ok()?;
                Some(basket.lines.iter().map(|line| line.gross).sum())
            }
            What::Return { receipt, counts, cash, .. } => {
                Some(self.return_value(receipt, counts, *cash))
            }
            What::Correct { charge, .. } => Some(self.turn_round(charge).owed),
            What::Registry(change) => match &**change {
                Registry::Pass {
                    who, pass, change: PassChange::Cancel { refund: None }, ..
                } => self.paid_back_of(PassKey { member: who.member, pass: *pass }),
                _ => None,
            },
            _ => None,
        }
    }

    /// An order, and what it came to. What lacks nothing but a second person waits for one.
    pub(crate) fn order_answered(
        &mut self,
        message: &Message,
        order: Order,
        key: Option<OrderKey>,
    ) -> Answer {
        if let Some(why) = self.obstacle(&message.device, &order) {
            self.unreadable(message.device.clone(), why.clone());
            return Answer::Refused(why);
        }
        let before = self.batch.decisions.len();
        self.order(message, order.clone());
        let Some(decision) = self.batch.decisions[before..]
            .iter()
            .find(|one| one.kind.direction().is_none() && one.device == message.device)
        else {
            let why = "the order was not taken; the journal says why";
            return Answer::Refused(why.to_owned());
        };
        let (id, waits) = (decision.id, decision.waits_for_second());
        let terminal = message.device.clone();
        if let Some(key) = key.clone() {
            self.keep_answer(order.operator.clone(), key, id);
        }
        if waits {
            let order = Order { second: None, ..order };
            // Who could not confirm it leaves it as it was.
            let known = self.state.tables.pending_orders.read(&terminal);
            let same = known.filter(|row| row.at == message.at && row.order == order).cloned();
            let row = same.unwrap_or_else(|| {
                let (price, decision) = (self.price_of(&order.what), id);
                let (at, source) = (message.at, message.source);
                PendingOrder { order, decision, price, at, source, key }
            });
            self.state.tables.pending_orders.put(terminal, row);
        } else if self.state.tables.pending_orders.read(&terminal).is_some() {
            self.state.tables.pending_orders.remove(terminal);
        }
        Answer::Decided(id)
    }

    /// Sets a value of the database; it counts from the next event on.
    pub(crate) fn set_parameter(
        &mut self,
        message: &Message,
        order: &Order,
        setting: &Setting,
        decision: DecisionId,
    ) {
        let Setting { key, value } = setting.clone();
        let before = self.state.tables.params.read(&key).map(|row| row.value.clone());
        let operator = order.operator.clone();
        match value.clone() {
            Some(value) => {
                let row = SetParam { value, by: operator.clone(), at: self.now };
                self.state.tables.params.put(key.clone(), row);
            }
            None if before.is_some() => self.state.tables.params.remove(key.clone()),
            None => {}
        }
        self.state.forget_values();
        let after = value;
        self.journal(message, Noted::ParameterSet { decision, operator, key, before, after });
    }

    /// A refusal is lifted once.
    fn lifted_already(&mut self, what: &What) -> Option<String> {
        let What::Override(lifts) = what else { return None };
        let key = HoldKey { uid: lifts.uid.clone(), gate: lifts.gate.clone() };
        let token = self.state.tables.tokens.read(&key)?;
        let again = token.original == lifts.decision;
        again.then(|| "that refusal was lifted already; let the guest read again".to_owned())
    }

    /// What keeps an order from being carried out, whoever asks.
    fn obstacle(&mut self, terminal: &DeviceId, order: &Order) -> Option<String> {
        if !self.state.site.terminals.contains_key(terminal) {
            return Some(format!("`{terminal}` is not a terminal of this site"));
        }
        let act = match &order.what {
            What::Act(act) => act,
            What::Registry(change) => return self.registry_obstacle(change),
            what => {
                let nonsense = what.nonsense().map(str::to_owned);
                let nonsense = nonsense.or_else(|| self.lifted_already(what));
                return nonsense.or_else(|| self.till_obstacle(terminal, what));
            }
        };
        match (act.action.as_str(), &act.setting) {
            ("emergency_reset", _) => self.reset_obstacle(),
            // The rows that come in would undo it.
            ("block_member" | "unblock_member", _) => self.import_obstacle(),
            ("set_parameter", None) => Some("say which parameter is set, and to what".to_owned()),
            // Whoever made the value, it is one that a file could have written.
            ("set_parameter", Some(Setting { key, value: Some(value) }))
                if Value::parse(key.param, &value.written(key.param)).as_ref() != Ok(value) =>
            {
                Some(format!("that is no value of `{}`", key.param.name()))
            }
            ("set_parameter", Some(Setting { key, .. })) => {
                key.param.spec().refuses_scope(key.scope.kind())
            }
            _ => None,
        }
    }

    /// What keeps a till from doing something, whoever asks.
    fn till_obstacle(&mut self, till: &DeviceId, what: &What) -> Option<String> {
        match what {
            What::Sale { lines, buyer, cash, card, rest, .. } => {
                self.basket(lines, buyer.as_ref(), (*cash, *card, *rest), self.now).err()
            }
            What::Void { receipt, .. } => self.void_obstacle(till, receipt),
            What::Return { receipt, counts, .. } => self.return_obstacle(receipt, counts),
            What::Correct { charge, .. } => self.correction_obstacle(charge),
            What::Cash(cash) => self.cash_obstacle(till, cash),
            What::Settle { holder, amount, cash } => {
                let Some(account) = self.payer(till, what) else {
                    return Some(format!("nobody holds `{holder}`"));
                };
                let owed = self.debt_of(account);
                let owes_less = (*amount > owed).then(|| {
                    let owed = self.state.site.currency.exact(owed);
                    format!("{owed} is owed; book the rest as a top-up")
                });
                let coins = !*cash || self.in_coins(*amount) == *amount;
                owes_less.or_else(|| (!coins).then(|| "no coin is so small".to_owned()))
            }
            What::Topup { amount, cash: true, .. } | What::Refund { amount, cash: true, .. } => {
                (self.in_coins(*amount) != *amount).then(|| "no coin is so small".to_owned())
            }
            _ => None,
        }
    }

    /// The wallet that pays for whom an order is about: his own, or that of his family.
    fn payer(&mut self, till: &DeviceId, what: &What) -> Option<crate::ids::AccountId> {
        let site = self.state.site.clone();
        let (root, _) = site.zones.iter().find(|(_, parent)| parent.is_none())?;
        let asked = Asked::of(self.now, what.kind(), till.clone(), what.holder()?.clone());
        let asked = Asked { order: true, ..asked };
        let seen = self.look(&asked, &Gate::new(None, root.clone()));
        Gathered::of(&seen, &self.values, &site.time_zone).bill.account()
    }

    /// Whether the PIN is the operator's; failures count as those of a keypad (parameter 4).
    fn prove(
        &mut self,
        login: &OperatorId,
        pin: &PinDigest,
        terminal: &DeviceId,
    ) -> Result<(), String> {
        let Some(row) = self.state.tables.operators.read(login).cloned() else {
            return Err(format!("no operator is called `{login}`"));
        };
        let place = Place { terminal: Some(terminal), ..Place::default() };
        let limit = self.at_place(Param::CredentialFailedAttemptLimit, &place);
        let key = Uid::from(format!("operator {login}"));
        let failed = self.state.tables.attempts.read(&key).cloned().unwrap_or_default().failed;
        let zone = &self.state.site.time_zone;
        if let Some(until) = locked_until(limit.limits(), &failed, self.now, zone) {
            let local = until.to_calendar().to_zoned(zone.clone()).strftime("%H:%M:%S");
            return Err(format!("`{login}` is locked after wrong PINs until {local}"));
        }
        if [&row.pin, &row.band_pin].contains(&&Some(pin.clone())) {
            return Ok(());
        }
        let (kind, device, at) = (EventKind::Operator, terminal.clone(), self.now);
        self.failed_factor(&Asked::of(at, kind, device, key));
        let why = match row.pin {
            None => format!("`{login}` has no PIN yet; write one into operators.csv"),
            Some(_) => format!("that is not the PIN of `{login}`"),
        };
        self.unreadable(terminal.clone(), why.clone());
        Err(why)
    }
}

fn nothing_waits(there: &DeviceId) -> Answer {
    let why = format!(
        "nothing waits for a second person at {there}: an order waits for 60 seconds, unless the \
         same was done meanwhile, and somebody else confirms it at another terminal"
    );
    Answer::Refused(why)
}
