//! What is taken back of a sale: a whole receipt in the session that it was made in, or goods
//! later. Nothing is changed: a reversing entry stands beside what it reverses.

use crate::{
    basket::{Priced, Ways},
    ids::{AccountId, Uid},
    ledger::{Booking, Purpose},
    money::Money,
    order::Sells,
    rows::{
        AccountKind, BandDeposit, Pass, PassKey, PassState, Reservation, ReservationState,
        Returned, TariffKey, Visit,
    },
    sales::{Receipt, Sale, Written},
    step::Step,
    windows::local_date,
};

/// So many days goods may come back (our choice), as long as it is remembered what did.
pub(crate) const RETURNED_WITHIN_DAYS: i32 = 90;

impl Step<'_> {
    /// Why a receipt cannot be taken back as a whole.
    pub(crate) fn void_obstacle(
        &mut self,
        till: &crate::ids::DeviceId,
        of: &Receipt,
    ) -> Option<String> {
        let open = self.drawer(till).session.map(|session| session.number);
        if of.key.till != *till || open != Some(of.session) {
            return Some(
                "a receipt is voided at its own till before its session is closed; later, goods \
                 are returned and passes cancelled"
                    .to_owned(),
            );
        }
        if of.takes_back.is_some() {
            return Some("that receipt takes something back itself".to_owned());
        }
        if self.state.tables.returned.read(&of.key).is_some() {
            return Some("something of that receipt was taken back already".to_owned());
        }
        if self.is_forgotten(of) {
            return Some(format!("a receipt is voided within {RETURNED_WITHIN_DAYS} days"));
        }
        if let Some(why) = of.lines.iter().find_map(|line| self.gone_since(line, of)) {
            return Some(why);
        }
        if let Some(why) = self.passes_on(of).into_iter().find_map(|sold| self.passed_on(sold)) {
            return Some(format!("a pass of that receipt {why}"));
        }
        // What was put into a wallet may be spent; what paid a debt there goes back to what it was.
        let paid_debt = of.lines.iter().any(|line| line.sells == Sells::Debt);
        let wallets = of.postings.iter().filter(|posting| posting.amount > Money::ZERO);
        for posting in wallets.copied().collect::<Vec<_>>() {
            let row = self.state.tables.accounts.read(&posting.account);
            let spent = row.is_some_and(|row| {
                let bound = if paid_debt { row.floor.bound() } else { Money::ZERO };
                let left = row.balance - row.reserved - posting.amount;
                row.kind == AccountKind::Wallet && left < bound
            });
            if spent {
                return Some("what was put into the wallet is spent already".to_owned());
            }
        }
        None
    }

    /// Where a pass of a receipt is; nothing where it was handed to somebody else.
    fn key_of(&mut self, of: &Receipt, pass: crate::ids::PassId) -> Option<PassKey> {
        let named = of.lines.iter().filter_map(|line| match &line.sells {
            Sells::Tariff { member, .. } => Some(*member),
            _ => None,
        });
        let holders = named.flatten().chain(of.member);
        let keys = holders.map(|member| PassKey { member, pass });
        let found: Vec<PassKey> = keys.collect();
        found.into_iter().find(|key| self.state.tables.passes.read(key).is_some())
    }

    /// The passes of a receipt, each as it was sold; nothing for one that was handed to somebody
    /// else.
    fn passes_on(&mut self, of: &Receipt) -> Vec<Option<(PassKey, Pass)>> {
        let sold = of.lines.iter().filter_map(|line| match &line.sells {
            Sells::Tariff { tariff, .. } => {
                let version = line.version.unwrap_or(0);
                Some((TariffKey { tariff: tariff.clone(), version }, line))
            }
            _ => None,
        });
        let sold: Vec<_> = sold.collect();
        let mut each = Vec::with_capacity(of.passes.len());
        for (key, line) in sold {
            let passes = self.each_pass(line, &key, of.at);
            each.extend(passes.into_iter().map(|pass| (key.clone(), pass)));
        }
        let each = of.passes.iter().zip(each).collect::<Vec<_>>();
        let found = each.into_iter().map(|(id, (tariff, pass))| {
            let key = self.key_of(of, *id)?;
            Some((key, self.fresh_pass(&tariff, &of.key, pass)?))
        });
        found.collect()
    }

    /// What became of a pass since it was sold, where it is not as it was any more, or is about to
    /// be used; nothing stands for one that was handed to somebody else.
    fn passed_on(&mut self, sold: Option<(PassKey, Pass)>) -> Option<&'static str> {
        let Some((key, sold)) = sold else { return Some("was handed on; cancel it instead") };
        let promised =
            |row: &Reservation| row.state == ReservationState::Live && row.takes_from == Some(key);
        let promised = self.state.tables.reservations.iter().any(|(_, row)| promised(row));
        let today = self.today();
        let now = self.state.tables.passes.read(&key);
        let rests = now.is_some_and(|now| {
            let planned = now.sale.as_deref().is_some_and(|sale| sale.freezes.is_some());
            planned || now.state == PassState::Frozen
        });
        match now {
            _ if promised => Some("was used already; cancel it instead"),
            Some(now) if now.state == PassState::Cancelled => Some("was cancelled already"),
            _ if rests => Some("rests, or will from a later day on; cancel it instead"),
            // Its day is earned with the end of that day.
            _ if now != Some(&sold) || sold.valid_from < today => {
                Some("was used already; cancel it instead")
            }
            _ => None,
        }
    }

    /// What a line gave or took is not there any more as its receipt left it: why not.
    fn gone_since(&mut self, line: &Priced, of: &Receipt) -> Option<String> {
        match &line.sells {
            Sells::Deposit { uid } => match self.state.tables.deposits.read(uid).cloned() {
                None if self.is_lost(uid) => {
                    Some(format!("the deposit for `{uid}` was kept when the band was lost"))
                }
                None => Some(format!("the deposit for `{uid}` went back already")),
                Some(row) if is_of(&row, line, of) => None,
                Some(_) => Some(format!("another deposit is paid for `{uid}` since then")),
            },
            Sells::DepositBack { uid } => {
                if self.state.tables.deposits.read(uid).is_some() {
                    let why = format!("a new deposit is paid for `{uid}`; give that back first");
                    return Some(why);
                }
                self.is_lost(uid).then(|| format!("`{uid}` was lost since its deposit went back"))
            }
            Sells::LostBand { uid } => {
                let held = self.state.tables.credentials.read(uid).cloned();
                let Some(held) = held.filter(|held| held.loss_is_paid_on(&of.key)) else {
                    return Some(format!(
                        "`{uid}` was used, replaced or given back since its loss was paid"
                    ));
                };
                let passing = self.presence_of(held.id).pending.is_some();
                passing
                    .then(|| format!("somebody is passing a gate with `{uid}`; wait some seconds"))
            }
            _ => None,
        }
    }

    /// Takes back what a line gave beside money, and gives back what it took.
    fn undo_line(&mut self, line: &Priced, of: &Receipt) {
        match &line.sells {
            Sells::Deposit { uid } => self.state.tables.deposits.remove(uid.clone()),
            Sells::DepositBack { uid } => {
                let (amount, member, at) = (-line.gross, of.member, of.at);
                let if_lost = self.state.site.deposit_if_lost;
                let unknown = || BandDeposit { amount, member, at, receipt: None, if_lost };
                let row = line.deposit.clone().unwrap_or_else(unknown);
                self.state.tables.deposits.put(uid.clone(), row);
            }
            Sells::LostBand { uid } => self.loss_is_not_paid(uid),
            _ => {}
        }
    }

    /// A band is to be given back again, and no time to leave is left of paying for it.
    fn loss_is_not_paid(&mut self, uid: &Uid) {
        let Some(mut held) = self.state.tables.credentials.read(uid).cloned() else { return };
        held.collected = false;
        held.forget_loss_paid();
        let id = held.id;
        self.state.tables.credentials.put(uid.clone(), held);
        let mut presence = self.presence_of(id);
        let free = |visit: &&mut Visit| visit.hold.is_none() && visit.allowance.is_some();
        if let Some(visit) = presence.visit.as_mut().filter(free) {
            visit.allowance = None;
            self.state.tables.presence.put(id, presence);
        }
    }

    /// Takes a receipt back as a whole: each posting is reversed.
    pub(crate) fn void(&mut self, sale: &Sale<'_>, of: &Receipt, reason: &str) {
        for id in &of.passes {
            let Some(key) = self.key_of(of, *id) else { continue };
            let Some(pass) = self.state.tables.passes.read(&key).cloned() else { continue };
            let mut pass = self.forget_freeze(key, pass);
            self.unplan_earnings(&pass, jiff::civil::Date::MIN);
            pass.state = PassState::Cancelled;
            if let Some(sale) = pass.sale.as_deref_mut() {
                sale.prepaid = Money::ZERO;
            }
            self.state.tables.passes.put(key, pass);
        }
        for line in &of.lines {
            self.undo_line(line, of);
        }
        let back: Vec<(AccountId, Money)> =
            of.postings.iter().map(|posting| (posting.account, -posting.amount)).collect();
        let booking = Booking {
            reverses: of.transaction,
            key: format!("void:{}", of.key),
            note: reason.to_owned(),
            ..sale.booking(Purpose::Reversal)
        };
        let counts = of.lines.iter().map(|line| line.count).collect();
        let lines = of.lines.iter().map(|line| taken_back(line, 0, line.count)).collect();
        if let Some(member) = of.member {
            self.spending((member, of.at), |day| {
                day.spent = Money::ZERO.max(day.spent - of.wallet)
            });
        }
        let ways =
            Ways { cash: -of.cash, card: -of.card, wallet: -of.wallet, rounding: -of.rounding };
        self.take_back(sale, of, (counts, lines), (booking, back, ways));
        for (wallet, since) in &of.owed {
            self.owed_before(*wallet, *since);
        }
        let mut drawer = self.drawer(sale.till);
        if let Some(session) = &mut drawer.session {
            session.voids += 1;
        }
        self.state.tables.drawers.put(sale.till.clone(), drawer);
    }

    /// Whether what was taken back of a receipt may be forgotten.
    fn is_forgotten(&self, of: &Receipt) -> bool {
        let sold = local_date(of.at, &self.state.site.time_zone);
        sold.until(self.today()).is_ok_and(|span| span.get_days() > RETURNED_WITHIN_DAYS)
    }

    /// Why goods of a receipt cannot come back.
    pub(crate) fn return_obstacle(&mut self, of: &Receipt, counts: &[u32]) -> Option<String> {
        if self.is_forgotten(of) {
            return Some(format!("goods come back within {RETURNED_WITHIN_DAYS} days"));
        }
        if of.takes_back.is_some() {
            return Some("that receipt takes something back itself".to_owned());
        }
        if counts.len() != of.lines.len() || counts.iter().all(|count| *count == 0) {
            return Some("say of each line of the receipt how many come back".to_owned());
        }
        let before = self.state.tables.returned.read(&of.key).cloned().unwrap_or_default();
        for (place, (line, count)) in of.lines.iter().zip(counts).enumerate() {
            let gone = before.counts.get(place).copied().unwrap_or(0);
            if *count > line.count.saturating_sub(gone) {
                let left = line.count.saturating_sub(gone);
                return Some(format!("line {}: {left} can come back, not {count}", place + 1));
            }
            if *count > 0 && !matches!(line.sells, Sells::Good(_)) {
                return Some(format!("line {}: only goods and services come back", place + 1));
            }
        }
        None
    }

    /// What goods that come back are worth, cash rounded; obstacles are looked at before.
    pub(crate) fn return_value(&mut self, of: &Receipt, counts: &[u32], cash: bool) -> Money {
        self.coming_back(of, counts, cash).paid
    }

    /// What comes back with so many of the lines' things, and what is given for it.
    ///
    /// What goes back in cash for one receipt is rounded over all its returns, and is never more
    /// than was paid; with the last of its goods everything that was paid for them is back.
    fn coming_back(&mut self, of: &Receipt, counts: &[u32], cash: bool) -> ComingBack {
        let before = self.state.tables.returned.read(&of.key).cloned().unwrap_or_default();
        let mut lines = Vec::new();
        let (mut all, mut worth, mut paid) =
            (Money::ZERO, Money::ZERO, of.cash + of.card + of.wallet);
        let mut ends = true;
        for (place, line) in of.lines.iter().enumerate() {
            if !matches!(line.sells, Sells::Good(_)) {
                paid = paid - line.gross;
                continue;
            }
            let gone = before.counts.get(place).copied().unwrap_or(0);
            let count = counts.get(place).copied().unwrap_or(0);
            all = all + line.gross.share(gone + count, line.count);
            ends &= gone + count == line.count;
            if count > 0 {
                let line = taken_back(line, gone, count);
                worth = worth - line.gross;
                lines.push(line);
            }
        }
        let given = before.cash + before.card;
        let in_all = match (ends, cash) {
            (true, _) => paid,
            (false, true) => before.card + self.in_coins(all - before.card),
            (false, false) => given + worth,
        };
        let due = (in_all.min(paid) - given).max(Money::ZERO);
        let coin = self.state.site.cash_step.minor().max(1);
        let due = if cash { Money(due.minor() / coin * coin) } else { due };
        ComingBack { before, lines, worth, paid: due }
    }

    /// Takes goods back.
    pub(crate) fn take_goods_back(
        &mut self,
        sale: &Sale<'_>,
        of: &Receipt,
        (counts, cash, reason): (&[u32], bool, &str),
    ) {
        let ComingBack { before, lines, worth, paid } = self.coming_back(of, counts, cash);
        let (in_cash, by_card) = if cash { (-paid, Money::ZERO) } else { (Money::ZERO, -paid) };
        let mut postings = self.takings(sale.till, in_cash, by_card);
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let Some(line) = of.lines.get(place) else { continue };
            let gone = before.counts.get(place).copied().unwrap_or(0);
            if let Sells::Good(good) = &line.sells {
                // The list price and the discount go back each by its own share.
                let (off, _) = line.vat.within(line.off);
                let back = taken_back(line, gone, *count);
                let off = off.part(gone, *count, line.count);
                let earned = self.site_account(AccountKind::SalesRevenue, good.as_str());
                let discounts = self.site_account(AccountKind::Discounts, "");
                postings.extend(self.tax(line.vat, back.tax));
                postings.extend([(earned, back.net() - off), (discounts, off)]);
            }
        }
        if paid != worth {
            postings.push((self.site_account(AccountKind::Rounding, ""), worth - paid));
        }
        let booking = Booking {
            key: format!("return:{}:{}", of.key, before.times + 1),
            note: reason.to_owned(),
            ..sale.booking(Purpose::Return)
        };
        let all = (0..of.lines.len()).map(|place| {
            before.counts.get(place).copied().unwrap_or(0) + counts.get(place).copied().unwrap_or(0)
        });
        let (wallet, rounding) = (Money::ZERO, paid - worth);
        let ways = Ways { cash: in_cash, card: by_card, wallet, rounding };
        self.take_back(sale, of, (all.collect(), lines), (booking, postings, ways));
    }

    /// The receipt of what is taken back, with its transaction.
    fn take_back(
        &mut self,
        sale: &Sale<'_>,
        of: &Receipt,
        (counts, lines): (Vec<u32>, Vec<Priced>),
        (booking, postings, ways): (Booking, Vec<(AccountId, Money)>, Ways),
    ) {
        let before = self.state.tables.returned.read(&of.key).cloned().unwrap_or_default();
        let (cash, card) = (before.cash - ways.cash, before.card - ways.card);
        let row = Returned { counts, times: before.times + 1, cash, card, at: sale.at };
        self.state.tables.returned.put(of.key.clone(), row);
        let takes_back = Some(of.key.clone());
        let written = Written { takes_back, member: of.member, lines, ways, passes: Vec::new() };
        self.write_receipt(sale, (booking, postings), written);
    }

    /// What came back so long ago that nothing more can is forgotten.
    pub(crate) fn forget_returned(&mut self) {
        let kept = crate::time::Span::seconds(i64::from(RETURNED_WITHIN_DAYS + 1) * 86_400);
        let now = self.now;
        let rows = self.state.tables.returned.iter();
        let old: Vec<_> =
            rows.filter(|(_, row)| now.since(row.at) > kept).map(|(key, _)| key.clone()).collect();
        for key in old {
            self.state.tables.returned.remove(key);
        }
    }
}

/// Whether a deposit is the one that was paid by this line of a receipt.
fn is_of(row: &BandDeposit, line: &Priced, of: &Receipt) -> bool {
    match &row.receipt {
        Some(receipt) => *receipt == of.key,
        None => (row.at, row.amount) == (of.at, line.gross),
    }
}

/// What comes back.
struct ComingBack {
    /// What came back before.
    before: Returned,
    /// The lines, with the signs turned.
    lines: Vec<Priced>,
    /// What they are worth.
    worth: Money,
    /// What is given for them.
    paid: Money,
}

/// A line with the signs turned, of so many of its things after so many others.
fn taken_back(line: &Priced, before: u32, count: u32) -> Priced {
    let part = |amount: Money| -amount.part(before, count, line.count);
    Priced {
        count,
        off: part(line.off),
        gross: part(line.gross),
        tax: part(line.tax),
        ..line.clone()
    }
}
