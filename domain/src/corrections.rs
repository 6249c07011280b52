//! A wrong charge of a gate or a locker is corrected by an entry that reverses it, with a reason.

use crate::{
    batch::Transaction,
    ids::{AccountId, MemberId},
    ledger::{Booking, Purpose},
    money::Money,
    order::What,
    rows::AccountKind,
    sales::Sale,
    step::Step,
};

/// What is told of a charge that was corrected before.
pub const CORRECTED: &str = "that charge was corrected already";

/// A charge turned round, but for what its guest gets back.
pub(crate) struct Turned {
    pub(crate) postings: Vec<(AccountId, Money)>,
    /// Whose it was.
    pub(crate) wallet: Option<AccountId>,
    /// What they were charged.
    pub(crate) back: Money,
    /// How much of it they still owed, and owe no more.
    pub(crate) owed: Money,
}

impl Step<'_> {
    /// Turns a charge round.
    pub(crate) fn turn_round(&mut self, charge: &Transaction) -> Turned {
        let mut postings = Vec::with_capacity(charge.postings.len() + 2);
        let (mut wallet, mut back, mut owed) = (None, Money::ZERO, Money::ZERO);
        for posting in &charge.postings {
            let (account, amount) = (posting.account, -posting.amount);
            let row = self.state.tables.accounts.read(&account);
            match row.map(|row| (row.kind, row.balance)) {
                Some((AccountKind::Receivable, balance)) => {
                    owed = amount.min(Money::ZERO.max(-balance));
                    postings.push((account, owed));
                    (wallet, back) = (Some(account.beside()), back + amount);
                }
                Some((AccountKind::Wallet, _)) => {
                    (wallet, back) = (Some(account), back + amount);
                }
                _ => postings.push((account, amount)),
            }
        }
        Turned { postings, wallet, back, owed }
    }

    /// Why a transaction is not corrected as a charge.
    pub(crate) fn correction_obstacle(&self, charge: &Transaction) -> Option<String> {
        if !charge.purpose.is_charge() {
            return Some(
                "only a charge of a gate or a locker is corrected; receipts are voided or \
                 returned at their till, passes cancelled, debts waived by an override"
                    .to_owned(),
            );
        }
        let again = self.batch.transactions.iter().any(|one| one.reverses == Some(charge.id));
        again.then(|| CORRECTED.to_owned())
    }

    /// Reverses a charge: revenue and tax as they were booked. What was left unpaid is owed no
    /// more; what was `waived` since is written off no more; what was paid, then or since, goes
    /// into the wallet. The visit keeps what it was charged for, so that the next gate does not
    /// charge the same again.
    pub(crate) fn correct(
        &mut self,
        sale: &Sale<'_>,
        (charge, member, waived): (&Transaction, Option<MemberId>, Money),
        reason: &str,
    ) {
        let Turned { mut postings, wallet, back, owed } = self.turn_round(charge);
        let Some(wallet) = wallet else { return };
        let waived = waived.min(back - owed);
        let write_offs = self.site_account(AccountKind::WriteOffs, "");
        postings.extend([(write_offs, waived), (wallet, back - owed - waived)]);
        let booking = Booking {
            reverses: Some(charge.id),
            key: format!("correct:{}", charge.id),
            note: reason.to_owned(),
            ..sale.booking(Purpose::Reversal)
        };
        self.post(booking, &crate::sales::merged(postings));
        let spent = matches!(charge.purpose, Purpose::Entry | Purpose::Surcharge);
        if let Some(member) = member.filter(|_| spent) {
            self.spending((member, charge.at), |day| {
                day.spent = Money::ZERO.max(day.spent - back);
            });
        }
        self.forget_waiting_corrections(charge);
        self.decide_holds_again(wallet, sale.till);
    }

    /// Whoever else ordered the same and waits for a second person waits for nothing any more.
    fn forget_waiting_corrections(&mut self, of: &Transaction) {
        let orders = &mut self.state.tables.pending_orders;
        let same = |what: &What| matches!(what, What::Correct { charge, .. } if charge.id == of.id);
        let waiting = orders.iter().filter(|(_, row)| same(&row.order.what));
        for till in waiting.map(|(till, _)| till.clone()).collect::<Vec<_>>() {
            orders.remove(till);
        }
    }
}
