//! Overrides: a refusal lifted once by a token, with its full record (section 9 of `decisions.md`
//! of the specification).

use crate::{
    facts::EventKind,
    ids::{AccountId, DecisionId, DeviceId, Uid},
    ledger::{Booking, Purpose},
    look::Asked,
    money::Money,
    order::{Order, Override},
    rows::{AccountKind, HoldKey, Token},
    state::Noted,
    step::{Message, Step},
    till::{LIFTED_WITHIN, TOGETHER},
};

impl Step<'_> {
    /// Issues the token of an override, with its full record, and decides the refused request
    /// again at once.
    pub(crate) fn issue(
        &mut self,
        asked: &Asked,
        order: &Order,
        lifts: &Override,
        (wallet, decision): (Option<AccountId>, DecisionId),
    ) {
        let before = wallet.map_or(Money::ZERO, |wallet| self.debt_of(wallet));
        let waived = Money::ZERO.max(lifts.waived).min(before);
        if let Some(wallet) = wallet.filter(|_| !waived.is_zero()) {
            let unpaid = Money::ZERO.max(-self.balance(wallet.beside())).min(waived);
            let write_offs = self.site_account(AccountKind::WriteOffs, "");
            let postings =
                [(write_offs, -waived), (wallet.beside(), unpaid), (wallet, waived - unpaid)];
            let booking = Booking::new(Purpose::WriteOff, format!("waived:{decision}"), asked.at);
            let booking = booking.at_device(&asked.device).by(&order.operator).decided(decision);
            self.post(booking, &postings);
        }
        let key = HoldKey { uid: lifts.uid.clone(), gate: lifts.gate.clone() };
        let until = self.now.plus(TOGETHER);
        let token = Token {
            original: lifts.decision,
            used: false,
            decision,
            kind: lifts.kind,
            codes: lifts.codes.clone(),
            operator: order.operator.clone(),
            until,
        };
        self.forget_old_tokens();
        self.state.tables.tokens.put(key.clone(), token);
        let roles = self.state.tables.operators.read(&order.operator).map(|row| row.roles.clone());
        let noted = Noted::Overridden {
            decision,
            original: lifts.decision,
            operator: order.operator.clone(),
            roles: roles.unwrap_or_default(),
            second: order.second.clone(),
            codes: lifts.codes.clone(),
            reason: lifts.reason,
            text: lifts.text.clone(),
            waived,
            owed: [before, before - waived],
            until,
        };
        let device = Some(asked.device.clone());
        let entry = crate::state::Entry { at: asked.at, device, source: None, noted };
        self.batch.journal.push(entry);
        self.decide_lifted(&key, lifts.kind);
    }

    fn forget_old_tokens(&mut self) {
        let now = self.now;
        let over = |(key, token): (&HoldKey, &Token)| {
            (now.since(token.until) > LIFTED_WITHIN).then(|| key.clone())
        };
        let old: Vec<HoldKey> = self.state.tables.tokens.iter().filter_map(over).collect();
        for key in old {
            self.state.tables.tokens.remove(key);
        }
    }

    /// The refused request once more, with the token.
    fn decide_lifted(&mut self, key: &HoldKey, kind: EventKind) {
        let site = self.state.site.clone();
        let Some(gate) = site.gates.get(&key.gate) else { return };
        let at = self.now;
        let asked = Asked::of(at, kind, key.gate.clone(), key.uid.clone());
        let message = Message::of(key.gate.clone(), None, at);
        if self.answered_by_emergency(&message, &asked) {
            return;
        }
        let seen = self.look(&asked, gate);
        let (gathered, combined) = self.judged(&seen, &site.time_zone);
        if combined.outcome.opens() {
            // This opening is what was ordered; the token is for one more read.
            self.act_on(&message, &asked, seen, gathered, combined);
        }
    }

    /// The reasons that a token lifts for a request, and who issued it.
    pub(crate) fn token_for(&mut self, asked: &Asked) -> Option<Token> {
        if self.state.tables.tokens.is_empty() {
            return None;
        }
        let key = HoldKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        let token = self.state.tables.tokens.read(&key)?.clone();
        let opens = !token.used && asked.at <= token.until && token.kind == asked.kind;
        opens.then_some(token)
    }

    /// A read was decided with a token: it is used up, and says by which.
    pub(crate) fn token_used_by(&mut self, asked: &Asked, read: DecisionId) {
        let key = HoldKey { uid: asked.uid.clone(), gate: asked.device.clone() };
        let Some(token) = self.state.tables.tokens.read(&key) else { return };
        let noted = Noted::OverrideUsed { decision: token.decision, read };
        let device = Some(asked.device.clone());
        let entry = crate::state::Entry { at: asked.at, device, source: None, noted };
        self.batch.journal.push(entry);
        self.use_token(&asked.uid, &asked.device);
    }

    /// A passage was made: the token is used up.
    pub(crate) fn use_token(&mut self, uid: &Uid, gate: &DeviceId) {
        if !self.state.tables.tokens.is_empty() {
            let key = HoldKey { uid: uid.clone(), gate: gate.clone() };
            let fresh = self.state.tables.tokens.read(&key).filter(|token| !token.used);
            if let Some(token) = fresh.cloned() {
                self.state.tables.tokens.put(key, Token { used: true, ..token });
            }
        }
    }
}
