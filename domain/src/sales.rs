//! Sales: a basket becomes postings, passes, deposits and a receipt, whole or not at all.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    basket::{Basket, LOST_BAND, Priced, Ways},
    deposits::IfLost,
    ids::{AccountId, DecisionId, DeviceId, MemberId, OperatorId, PassId, TransactionId, Uid},
    ledger::{Booking, Purpose},
    money::Money,
    order::Sells,
    renewal::Term,
    rows::{
        AccountKind, BandDeposit, Drawer, Pass, PassKey, PassSale, PassState, ReceiptKey, Session,
        TariffKey,
    },
    state::Posting,
    step::Step,
    time::Timestamp,
    windows::local_date,
};

/// What was sold, by whom, and how it was paid. A receipt is never changed; what is taken back
/// makes a receipt of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its number.
    pub key: ReceiptKey,
    /// When.
    pub at: Timestamp,
    /// The session of the till.
    pub session: u64,
    /// Who sold it.
    pub operator: OperatorId,
    /// The decision that allowed it.
    pub decision: DecisionId,
    /// The transaction of the ledger; a basket of nothing has none.
    pub transaction: Option<TransactionId>,
    /// The receipt that it takes something back of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<ReceiptKey>,
    /// The buyer, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// The lines.
    pub lines: Vec<Priced>,
    /// What it cost.
    pub total: Money,
    /// Paid in cash.
    pub cash: Money,
    /// Paid by card.
    pub card: Money,
    /// Paid by the wallet.
    pub wallet: Money,
    /// What rounding of cash left; above zero the guest paid less.
    pub rounding: Money,
    /// The passes that were sold on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<PassId>,
    /// The postings of its transaction, so that they can be reversed.
    pub postings: Vec<Posting>,
    /// The wallets that it paid a debt of, and since when they had owed: after a void they owe
    /// since then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<(AccountId, Timestamp)>,
}

/// Who sells what to whom.
#[derive(Clone, Debug)]
pub(crate) struct Sale<'a> {
    pub(crate) till: &'a DeviceId,
    pub(crate) operator: &'a OperatorId,
    pub(crate) at: Timestamp,
    pub(crate) decision: DecisionId,
    /// What its transaction is about.
    pub(crate) purpose: Purpose,
    /// The charge key: the same sale told again is none.
    pub(crate) key: String,
    pub(crate) wallet: Option<AccountId>,
    pub(crate) buyer: Option<MemberId>,
    /// The session of the till.
    pub(crate) session: u64,
}

/// What a receipt tells beside who sold it where and when.
pub(crate) struct Written {
    pub(crate) takes_back: Option<ReceiptKey>,
    pub(crate) member: Option<MemberId>,
    pub(crate) lines: Vec<Priced>,
    pub(crate) ways: Ways,
    pub(crate) passes: Vec<PassId>,
}

impl Sale<'_> {
    pub(crate) fn booking(&self, purpose: Purpose) -> Booking {
        let booking = Booking::new(purpose, self.key.clone(), self.at).at_device(self.till);
        booking.by(self.operator).decided(self.decision)
    }
}

impl Step<'_> {
    /// Sells a basket.
    pub(crate) fn sell(&mut self, sale: &Sale<'_>, basket: Basket) {
        let Basket { lines, ways } = basket;
        let (_, key) = self.next_receipt(sale);
        let mut postings = self.takings(sale.till, ways.cash, ways.card);
        postings.extend(sale.wallet.map(|wallet| (wallet, -ways.wallet)));
        if !ways.rounding.is_zero() {
            postings.push((self.site_account(AccountKind::Rounding, ""), -ways.rounding));
        }
        let mut passes = Vec::new();
        let if_lost = self.terms_of_deposit(&lines);
        for line in &lines {
            self.sell_line((sale, &key, if_lost), line, &mut postings, &mut passes);
        }
        if let Some(member) = sale.buyer {
            self.spending((member, sale.at), |day| day.spent = day.spent + ways.wallet);
        }
        let written = Written { takes_back: None, member: sale.buyer, lines, ways, passes };
        self.write_receipt(sale, (sale.booking(sale.purpose), postings), written);
    }

    /// Posts what was sold or taken back, counts its cash, and writes its receipt.
    pub(crate) fn write_receipt(
        &mut self,
        sale: &Sale<'_>,
        (booking, postings): (Booking, Vec<(AccountId, Money)>),
        written: Written,
    ) {
        let Written { takes_back, member, lines, ways, passes } = written;
        let postings = merged(postings);
        let owed = self.owed_since(&postings);
        let transaction = self.post(booking, &postings);
        self.count_cash(sale.till, ways.cash);
        let (drawer, key) = self.next_receipt(sale);
        let receipt = Receipt {
            key,
            at: sale.at,
            session: sale.session,
            operator: sale.operator.clone(),
            decision: sale.decision,
            transaction,
            takes_back,
            member,
            total: lines.iter().map(|line| line.gross).sum(),
            lines,
            cash: ways.cash,
            card: ways.card,
            wallet: ways.wallet,
            rounding: ways.rounding,
            passes,
            postings: postings
                .iter()
                .map(|(account, amount)| Posting { account: *account, amount: *amount })
                .collect(),
            owed,
        };
        self.count_receipt(sale.till, drawer, &receipt);
        self.batch.receipts.push(receipt);
    }

    /// Since when those wallets have owed that something is paid into.
    fn owed_since(&mut self, postings: &[(AccountId, Money)]) -> Vec<(AccountId, Timestamp)> {
        let paid = postings.iter().filter(|(_, amount)| *amount > Money::ZERO);
        let wallets = paid.filter_map(|(id, _)| match self.account(*id).kind {
            AccountKind::Wallet => Some(*id),
            AccountKind::Receivable => Some(id.beside()),
            _ => None,
        });
        let wallets: BTreeSet<AccountId> = wallets.collect();
        let since = |wallet| Some((wallet, self.account(wallet).debt_since?));
        wallets.into_iter().filter_map(since).collect()
    }

    /// The next number of a till, and the drawer that has counted it. Selling opens a session where
    /// none is open.
    fn next_receipt(&mut self, sale: &Sale<'_>) -> (Drawer, ReceiptKey) {
        let mut drawer = self.drawer(sale.till);
        drawer.receipts += 1;
        let key = ReceiptKey { till: sale.till.clone(), number: drawer.receipts };
        (drawer, key)
    }

    /// The number of the session that is open at a till; where none is, one begins with what the
    /// drawer holds.
    pub(crate) fn session(&mut self, till: &DeviceId, operator: &OperatorId) -> u64 {
        let mut drawer = self.drawer(till);
        if let Some(session) = &drawer.session {
            return session.number;
        }
        let known = self.state.tables.terminals.read(till);
        let float = known.map_or(Money::ZERO, |known| known.drawer);
        drawer.sessions += 1;
        drawer.session = Some(Session::new(drawer.sessions, operator.clone(), self.now, float));
        let number = drawer.sessions;
        self.state.tables.drawers.put(till.clone(), drawer);
        number
    }

    /// The receipt counts in the session.
    fn count_receipt(&mut self, till: &DeviceId, mut drawer: Drawer, of: &Receipt) {
        if let Some(session) = &mut drawer.session {
            session.receipts += 1;
            let ways = [("cash", of.cash), ("card", of.card), ("wallet", of.wallet)];
            for (way, amount) in ways.into_iter().filter(|(_, amount)| !amount.is_zero()) {
                let paid = session.paid.entry(way.to_owned()).or_default();
                *paid = *paid + amount;
            }
            session.blocks.rounding = session.blocks.rounding + of.rounding;
            for line in &of.lines {
                session.blocks.count(&line.sells, line.gross, of.takes_back.is_some());
                session.discounts = session.discounts + line.off;
                if !line.tax.is_zero() {
                    let tax = session.vat.entry(line.vat.to_string()).or_default();
                    *tax = *tax + line.tax;
                }
            }
        }
        self.state.tables.drawers.put(till.clone(), drawer);
    }

    fn sell_line(
        &mut self,
        (sale, receipt, if_lost): (&Sale<'_>, &ReceiptKey, IfLost),
        line: &Priced,
        postings: &mut Vec<(AccountId, Money)>,
        passes: &mut Vec<PassId>,
    ) {
        postings.extend(self.tax(line.vat, line.tax));
        match &line.sells {
            Sells::Good(good) => self.earn(good.as_str(), line, postings),
            Sells::LostBand { uid } => {
                self.earn(LOST_BAND, line, postings);
                self.lost_band_paid(uid, receipt);
            }
            Sells::TopUp => postings.extend(sale.wallet.map(|wallet| (wallet, line.gross))),
            Sells::Debt => {
                let paid = sale.wallet.map(|wallet| self.paid_of(wallet, line.gross));
                postings.extend(paid.into_iter().flatten());
            }
            Sells::Deposit { uid } => {
                postings.push((self.site_account(AccountKind::Deposits, ""), line.gross));
                let receipt = Some(receipt.clone());
                let (amount, member, at) = (line.gross, sale.buyer, sale.at);
                let row = BandDeposit { amount, member, at, receipt, if_lost };
                self.state.tables.deposits.put(uid.clone(), row);
            }
            Sells::DepositBack { uid } => {
                postings.push((self.site_account(AccountKind::Deposits, ""), line.gross));
                self.state.tables.deposits.remove(uid.clone());
            }
            Sells::Tariff { tariff, member, .. } => {
                let holder = member.or(sale.buyer);
                let version = line.version.unwrap_or(0);
                let key = TariffKey { tariff: tariff.clone(), version };
                let deferred = self.site_account(AccountKind::Deferred, tariff.as_str());
                postings.push((deferred, line.net()));
                let Some(holder) = holder else { return };
                for pass in self.each_pass(line, &key, sale.at) {
                    passes.extend(self.sell_pass((holder, &key), receipt, pass));
                }
            }
        }
    }

    /// What goods earn: the list price as revenue, what was taken off as a discount.
    fn earn(&mut self, item: &str, line: &Priced, postings: &mut Vec<(AccountId, Money)>) {
        let (off, _) = line.vat.within(line.off);
        postings.push((self.site_account(AccountKind::SalesRevenue, item), line.net() + off));
        if !off.is_zero() {
            postings.push((self.site_account(AccountKind::Discounts, ""), -off));
        }
    }

    /// A pass under the terms of the tariff's version.
    fn sell_pass(
        &mut self,
        (member, key): (MemberId, &TariffKey),
        receipt: &ReceiptKey,
        sold: (Date, (Money, Money)),
    ) -> Option<PassId> {
        let pass = self.fresh_pass(key, receipt, sold)?;
        self.plan_earnings(&pass);
        let id = PassId(self.state.ids.make(self.now));
        self.state.tables.passes.put(PassKey { member, pass: id }, pass);
        Some(id)
    }

    /// The first day of each pass of a line, and what it is worth without tax and with it.
    pub(crate) fn each_pass(
        &mut self,
        line: &Priced,
        key: &TariffKey,
        at: Timestamp,
    ) -> Vec<(Date, (Money, Money))> {
        // Receipts of earlier versions sold all passes for their own day.
        let sold = local_date(at, &self.state.site.time_zone);
        let offer = self.state.tables.tariffs.read(key).map(|row| row.offer.clone());
        let terms = offer.unwrap_or_default().terms(line.from.unwrap_or(sold), line.count);
        let worth = shares(line.net(), line.count).into_iter();
        let worth = worth.zip(shares(line.gross, line.count));
        let first = |term: Term| if line.from.is_some() { term.first } else { sold };
        terms.into_iter().map(first).zip(worth).collect()
    }

    /// A pass as it is when it is sold, before anybody uses it.
    pub(crate) fn fresh_pass(
        &mut self,
        key: &TariffKey,
        receipt: &ReceiptKey,
        (first, (net, gross)): (Date, (Money, Money)),
    ) -> Option<Pass> {
        let offer = self.state.tables.tariffs.read(key)?.offer.clone();
        let waits = offer.from_first_use;
        let valid_until = offer.lasts.filter(|_| !waits).map(|lasts| lasts.last_day(first));
        Some(Pass {
            tariff: key.tariff.clone(),
            tariff_version: key.version,
            state: PassState::Active,
            valid_from: first,
            valid_until,
            visits_left: offer.visits_counted(),
            visits_reserved: 0,
            paid: gross,
            sale: Some(Box::new(PassSale {
                receipt: receipt.to_string(),
                prepaid: net,
                earned: Money::ZERO,
                earned_by: 0,
                freezes: None,
                earns_from: Some(first).filter(|_| !waits),
                lasts: offer.lasts.filter(|_| waits),
                frozen: None,
                thaws: None,
                frozen_days: 0,
                family: offer.family,
                used: false,
            })),
        })
    }

    /// The fee for a lost band frees its holder from giving it back.
    fn lost_band_paid(&mut self, uid: &Uid, receipt: &ReceiptKey) {
        let Some(mut held) = self.state.tables.credentials.read(uid).cloned() else { return };
        held.collected = true;
        held.extras.get_or_insert_default().loss_paid = Some(receipt.clone());
        self.state.tables.credentials.put(uid.clone(), held.clone());
        self.decide_hold_again(held.id, None, false);
    }

    /// The postings of what came into the drawer and over the card terminal; below zero it went
    /// out.
    pub(crate) fn takings(
        &mut self,
        till: &DeviceId,
        cash: Money,
        card: Money,
    ) -> Vec<(AccountId, Money)> {
        let ways = [(AccountKind::Cash, cash), (AccountKind::Card, card)];
        let paid = ways.into_iter().filter(|(_, amount)| !amount.is_zero());
        paid.map(|(kind, amount)| (self.site_account(kind, till.as_str()), -amount)).collect()
    }

    pub(crate) fn count_cash(&mut self, till: &DeviceId, cash: Money) {
        if !cash.is_zero() {
            let terminals = &mut self.state.tables.terminals;
            let mut row = terminals.read(till).cloned().unwrap_or_default();
            row.drawer = row.drawer + cash;
            terminals.put(till.clone(), row);
        }
    }
}

/// One posting for each account, in the order in which they were met.
pub(crate) fn merged(postings: Vec<(AccountId, Money)>) -> Vec<(AccountId, Money)> {
    let mut all: Vec<(AccountId, Money)> = Vec::with_capacity(postings.len());
    for (account, amount) in postings {
        match all.iter_mut().find(|(known, _)| *known == account) {
            Some((_, sum)) => *sum = *sum + amount,
            None => all.push((account, amount)),
        }
    }
    all.retain(|(_, amount)| !amount.is_zero());
    all
}

/// An amount in equal parts, as equal as whole minor units can be.
pub(crate) fn shares(amount: Money, parts: u32) -> Vec<Money> {
    let parts = parts.max(1);
    (0..parts).map(|before| amount.part(before, 1, parts)).collect()
}
