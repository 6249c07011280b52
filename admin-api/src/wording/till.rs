//! Receipts and the reports of a cashier's session, as they are read and printed.

use domain::{
    basket::Priced, ids::DeviceId, money::Money, order::Sells, rows::Session, sales::Receipt,
};
use fluent_bundle::FluentArgs;
use jiff::civil::Date;
use store::statements::{Standing, Statement};

use super::Wording;

/// How many signs a line of a receipt has (our choice: a roll of 80 mm takes 42 to 48).
const WIDTH: usize = 42;

impl Wording {
    /// A receipt as it is printed, with the seller's name above.
    #[must_use]
    pub fn receipt(&self, receipt: &Receipt, seller: &str) -> Vec<String> {
        let mut lines = vec![seller.to_owned()];
        lines.push(self.with("receipt-title", "number", receipt.key.to_string()));
        if let Some(of) = &receipt.takes_back {
            lines.push(self.with("receipt-takes-back", "number", of.to_string()));
        }
        let mut args = FluentArgs::new();
        args.set("operator", receipt.operator.to_string());
        args.set("session", receipt.session.to_string());
        lines.push(self.date_time(receipt.at));
        lines.push(self.texts.say("receipt-by", &args));
        lines.push("-".repeat(WIDTH));
        for line in &receipt.lines {
            lines.extend(self.sold(line, receipt));
        }
        lines.push("-".repeat(WIDTH));
        lines.push(self.amount(&self.word("receipt-total"), receipt.total));
        for (rate, tax) in taxes(&receipt.lines) {
            lines.push(self.amount(&self.with("receipt-tax", "rate", rate), tax));
        }
        for (way, paid) in ways(receipt).filter(|(_, paid)| !paid.is_zero()) {
            lines.push(self.amount(&self.word(way), paid));
        }
        lines
    }

    /// What went through a session: an X report while it is open, and once the drawer was counted,
    /// with what it should have held and what it did, a Z report.
    #[must_use]
    pub fn session(
        &self,
        till: &DeviceId,
        session: &Session,
        counted: Option<(Money, Money)>,
    ) -> Vec<String> {
        let mut args = FluentArgs::new();
        args.set("till", till.to_string());
        args.set("session", session.number.to_string());
        let title = if counted.is_some() { "session-z" } else { "session-x" };
        let mut lines = vec![self.texts.say(title, &args)];
        let text = |id: &str, value: String| two(&self.word(id), &value);
        lines.push(text("session-opened", self.date_time(session.opened)));
        lines.push(text("session-operator", session.operator.to_string()));
        lines.push(text("session-receipts", session.receipts.to_string()));
        lines.push(text("session-voids", session.voids.to_string()));
        lines.push("-".repeat(WIDTH));
        lines.extend(self.blocks(session));
        for (way, paid) in &session.paid {
            lines.push(self.amount(&self.word(&format!("pay-{way}")), *paid));
        }
        lines.push("-".repeat(WIDTH));
        for (id, amount) in [
            ("session-float", session.float),
            ("session-cash-in", session.cash_in),
            ("session-cash-out", -session.cash_out),
        ] {
            lines.push(self.amount(&self.word(id), amount));
        }
        let expected = counted.map_or_else(|| session.expected(), |(expected, _)| expected);
        lines.push(self.amount(&self.word("session-expected"), expected));
        if let Some((expected, counted)) = counted {
            lines.push(self.amount(&self.word("session-counted"), counted));
            lines.push(self.amount(&self.word("session-difference"), counted - expected));
        }
        lines
    }

    /// What the receipts of a session were about: each block adds up by itself, and all of them to
    /// what was paid.
    fn blocks(&self, session: &Session) -> Vec<String> {
        let of = &session.blocks;
        let sold = [
            ("session-goods", of.goods),
            ("session-passes", of.passes),
            ("session-returned", -of.returned),
            ("receipt-rounding", -of.rounding),
        ];
        let prepaid = [
            ("session-top-ups", of.top_ups),
            ("session-deposits", of.deposits),
            ("session-paid-out", -of.paid_out),
            ("session-deposits-back", -of.deposits_back),
        ];
        let mut lines = Vec::new();
        for (id, sum, each) in [
            ("session-sold", of.sold(), &sold[..]),
            ("session-prepaid", of.prepaid(), &prepaid),
            ("session-debts", of.debts, &[]),
        ] {
            let told: Vec<_> = each.iter().filter(|(_, amount)| !amount.is_zero()).collect();
            let is_sold = id == "session-sold";
            if told.is_empty() && sum.is_zero() && !is_sold {
                continue;
            }
            lines.extend(told.into_iter().map(|(id, it)| self.amount(&self.word(id), *it)));
            lines.push(self.amount(&self.word(id), sum));
            if is_sold {
                lines.extend(self.within_sold(session));
            }
            lines.push("-".repeat(WIDTH));
        }
        lines.push(self.amount(&self.word("session-total"), of.total()));
        lines
    }

    /// What is in the sum of what was sold, and what was taken off before.
    fn within_sold(&self, session: &Session) -> Vec<String> {
        let bracketed = |word: &str, amount| self.amount(&format!("({word})"), amount);
        let off = Some(session.discounts).filter(|off| !off.is_zero());
        let off = off.map(|off| bracketed(&self.word("session-discounts"), off));
        let taxes = session
            .vat
            .iter()
            .map(|(rate, tax)| bracketed(&self.with("receipt-tax", "rate", rate.clone()), *tax));
        off.into_iter().chain(taxes).collect()
    }

    /// A wallet, and what moved it: the number of each entry below it.
    #[must_use]
    pub fn statement(&self, statement: &Statement) -> Vec<String> {
        let mut lines = vec![
            self.amount(&self.word("statement-wallet"), statement.now.balance),
            self.amount(&self.word("statement-owed"), statement.now.owed),
            "-".repeat(WIDTH),
        ];
        for moved in &statement.movements {
            let mut what = self.word(&format!("entry-{}", moved.purpose.name().replace('_', "-")));
            if moved.reversed_by.is_some() {
                what = format!("{what} ({})", self.word("statement-reversed"));
            }
            let of = moved.device.iter().chain(Some(&moved.note).filter(|note| !note.is_empty()));
            let of: Vec<&str> = std::iter::once(&what).chain(of).map(String::as_str).collect();
            lines.push(format!("{}  {}", self.date_time(moved.at), of.join(", ")));
            lines.extend(self.standing(moved.wallet, moved.owed));
            lines.push(format!("  {}", moved.entry));
        }
        let before = statement.before;
        if before != Standing::default() {
            lines.push(self.word("statement-before"));
            lines.extend(self.standing(before.balance, before.owed));
        }
        lines
    }

    /// What of a wallet and of a debt is not nothing.
    fn standing(&self, wallet: Money, owed: Money) -> impl Iterator<Item = String> {
        let both = [("pay-wallet", wallet), ("statement-owed", owed)].into_iter();
        let both = both.filter(|(_, amount)| !amount.is_zero());
        both.map(|(word, amount)| self.amount(&format!("  {}", self.word(word)), amount))
    }

    /// What a line sells, and what it costs.
    fn sold(&self, line: &Priced, receipt: &Receipt) -> Vec<String> {
        let back = receipt.takes_back.is_some();
        let name = match &line.sells {
            Sells::TopUp if line.gross < Money::ZERO && !back => self.word("sold-refund"),
            Sells::TopUp => self.word("sold-top-up"),
            Sells::Debt => self.word("entry-payment"),
            Sells::Deposit { .. } => self.word("sold-deposit"),
            Sells::DepositBack { .. } => self.word("sold-deposit-back"),
            _ => line.name.clone(),
        };
        let mut lines = if line.count == 1 && line.discount == 0 {
            vec![self.amount(&name, line.gross)]
        } else {
            let each = format!("  {} × {}", line.count, self.money(line.price));
            let off = match line.discount {
                0 => String::new(),
                percent => format!(" −{percent} %"),
            };
            vec![name, self.amount(&format!("{each}{off}"), line.gross)]
        };
        lines.extend(line.from.filter(|_| !back).map(|from| self.counts(from, line.until)));
        lines
    }

    /// When a pass counts.
    fn counts(&self, from: Date, until: Option<Date>) -> String {
        let day = |day: Date| day.strftime("%d.%m.%Y").to_string();
        let mut args = FluentArgs::new();
        args.set("from", day(from));
        args.set("until", until.map_or_else(String::new, day));
        let id = if until.is_some() { "sold-from-until" } else { "sold-from" };
        format!("  {}", self.texts.say(id, &args))
    }

    fn amount(&self, what: &str, amount: Money) -> String {
        two(what, &self.money(amount))
    }
}

/// A word at the left and one at the right; below each other where both do not fit.
fn two(left: &str, right: &str) -> String {
    let (taken, wanted) = (left.chars().count(), right.chars().count());
    if taken + wanted < WIDTH {
        return format!("{left}{}{right}", " ".repeat(WIDTH - taken - wanted));
    }
    format!("{left}\n{right:>WIDTH$}")
}

/// The tax by rate.
fn taxes(lines: &[Priced]) -> std::collections::BTreeMap<String, Money> {
    let mut taxes = std::collections::BTreeMap::new();
    for line in lines.iter().filter(|line| !line.tax.is_zero()) {
        let sum = taxes.entry(line.vat.to_string()).or_insert(Money::ZERO);
        *sum = *sum + line.tax;
    }
    taxes
}

/// How it was paid.
fn ways(receipt: &Receipt) -> impl Iterator<Item = (&'static str, Money)> {
    [
        ("receipt-rounding", -receipt.rounding),
        ("pay-cash", receipt.cash),
        ("pay-card", receipt.card),
        ("pay-wallet", receipt.wallet),
    ]
    .into_iter()
}
