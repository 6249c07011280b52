//! Orders that come by the socket: what is checked beside the loop before it decides.

use domain::{
    ids::DecisionId,
    money::Money,
    order::{Act, Order, Override, OverrideReason, Setting, What},
    reasons::{Class, Reason},
    rows::OrderKey,
    sales::Receipt,
    state::{Answer, Input},
    till::LIFTED_WITHIN,
};

use crate::socket::{Desk, NO_PIN, Reply};

impl Desk {
    /// Hands on the order of somebody, with the digest of his PIN.
    pub(crate) async fn order(
        &self,
        (terminal, operator, pin): (String, String, String),
        what: What,
    ) -> Reply {
        if let Err(why) = self.may_be_ordered(&what).await {
            return Reply::Refused { why };
        }
        match self.signed((terminal, operator, &pin), (None, what)).await {
            Ok(answer) => self.reply(answer).await,
            Err(why) => Reply::Refused { why },
        }
    }

    /// The loop's answer to an order that somebody signs by his PIN.
    pub(crate) async fn signed(
        &self,
        (terminal, operator, pin): (String, String, &str),
        (key, what): (Option<OrderKey>, What),
    ) -> Result<Option<Answer>, String> {
        let pin = self.pins.digest(&operator, pin).ok_or(NO_PIN)?;
        let order = Order { operator: operator.as_str().into(), second: None, what };
        let (terminal, order) = (terminal.into(), Box::new(order));
        Ok(self.answer(Input::SignedOrder { terminal, order, pin, key }).await)
    }

    /// What is checked beside the loop: a value passes every check of a reload, and what is taken
    /// back is on record.
    async fn may_be_ordered(&self, what: &What) -> Result<(), String> {
        match what {
            What::Act(Act { setting: Some(Setting { key, value: Some(value) }), .. }) => {
                self.checks.pass(&self.reader, (key, value)).await
            }
            What::Correct { .. } => {
                Err("a charge is corrected by its number, with `kari till correct`".to_owned())
            }
            What::Void { receipt, .. } | What::Return { receipt, .. } => {
                self.is_on_record(receipt).await
            }
            _ => Ok(()),
        }
    }

    /// What is taken back is what was sold, whatever the caller says of it.
    async fn is_on_record(&self, told: &Receipt) -> Result<(), String> {
        let known = self.reader.receipt(&told.key).await.map_err(|error| error.to_string())?;
        match known.as_ref() == Some(told) {
            true => Ok(()),
            false => Err(format!("`{}` is not on record like this", told.key)),
        }
    }

    /// The override of a decision on record.
    pub(crate) async fn lifts(
        &self,
        id: DecisionId,
        (codes, reason, text, waived): (Vec<Reason>, OverrideReason, String, Money),
    ) -> Result<Override, String> {
        let found = self.reader.decision(id).await.map_err(|error| error.to_string())?;
        let found = found.ok_or("there is no such decision")?;
        let refuses = |class: Class| matches!(class, Class::Deny | Class::Hold);
        let verdict = &found.verdict;
        let lists = |code: &Reason| {
            let mut reasons = verdict.reasons.iter();
            reasons.any(|one| one.reason == *code && refuses(one.class))
        };
        if verdict.outcome.opens() || found.kind.direction().is_none() {
            return Err("that decision refused nobody at a gate".to_owned());
        }
        if self.clock.now().since(found.at) > LIFTED_WITHIN {
            let why = "that refusal is more than ten minutes old; let the guest read again";
            return Err(why.to_owned());
        }
        if let Some(code) = codes.iter().find(|code| !lists(code)) {
            return Err(format!("`{}` is no reason that refused there", code.code()));
        }
        let uid = match (&found.unknown_uid, found.credential) {
            (Some(uid), _) => uid.clone(),
            (None, Some(credential)) => {
                let uid =
                    self.reader.uid_of(credential).await.map_err(|error| error.to_string())?;
                uid.ok_or("the credential of that decision is gone")?
            }
            (None, None) => return Err("that decision is about nobody's credential".to_owned()),
        };
        let (decision, gate, kind) = (found.id, found.device, found.kind);
        Ok(Override { decision, gate, uid, kind, codes, reason, text, waived })
    }
}
