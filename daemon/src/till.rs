//! Orders of tills, as the cashier speaks of them: by amounts, bands and numbers of receipts. Here
//! that becomes an order of the domain, with what the database knows beside it.

use domain::{
    corrections::CORRECTED,
    ids::{GoodId, MemberId, TariffId, TransactionId, Uid},
    money::{Currency, Money},
    order::{Begins, CashOrder, Line, Rest, Sells, What},
    rows::ReceiptKey,
    sales::Receipt,
    state::Answer,
};
use jiff::civil::Date;

use crate::{
    cli::till::{Correct, REST, Return, Sell, Sold, SoldLine, TillOrder, Way},
    registry::{no_member, uid},
    socket::{Desk, Reply},
};

impl Desk {
    /// Hands on what somebody orders at a till, with the digest of his PIN.
    pub(crate) async fn at_till(
        &self,
        signed: (String, String, String),
        (key, asked): (Option<String>, TillOrder),
    ) -> Reply {
        match self.till_answer(signed, (key, asked)).await {
            Ok(answer) => self.reply(answer).await,
            Err(why) => Reply::Refused { why },
        }
    }

    async fn till_answer(
        &self,
        (terminal, operator, pin): (String, String, String),
        (key, asked): (Option<String>, TillOrder),
    ) -> Result<Option<Answer>, String> {
        let key = key.map(|key| self.order_key(key, &terminal, &asked)).transpose()?;
        let what = self.till_order(asked).await?;
        self.signed((terminal, operator, &pin), (key, what)).await
    }

    async fn till_order(&self, asked: TillOrder) -> Result<What, String> {
        let money = |text: &str| amount(&self.site.currency, text);
        Ok(match asked {
            TillOrder::Sell(sell) => self.sale(sell).await?,
            TillOrder::Topup(asked) => What::Topup {
                holder: uid(&asked.holder)?,
                amount: money(&asked.amount)?,
                cash: in_cash(&asked.way),
            },
            TillOrder::Refund(asked) => What::Refund {
                holder: uid(&asked.holder)?,
                amount: money(&asked.amount)?,
                cash: in_cash(&asked.way),
            },
            TillOrder::PayDebt(asked) => What::Settle {
                holder: uid(&asked.holder)?,
                amount: money(&asked.amount)?,
                cash: in_cash(&asked.way),
            },
            TillOrder::Void(asked) => {
                let receipt = Box::new(self.receipt(&asked.receipt).await?);
                What::Void { receipt, reason: asked.reason }
            }
            TillOrder::Return(asked) => {
                let receipt = Box::new(self.receipt(&asked.receipt).await?);
                let counts = counts(&asked, receipt.lines.len())?;
                let cash = in_cash(&asked.way);
                What::Return { receipt, counts, cash, reason: asked.reason }
            }
            TillOrder::Correct(asked) => self.correction(asked).await?,
            TillOrder::Open(asked) => What::Cash(CashOrder::Open { float: money(&asked.float)? }),
            TillOrder::In(asked) => {
                let (amount, reason) = (money(&asked.amount)?, asked.reason);
                What::Cash(CashOrder::PutIn { amount, reason })
            }
            TillOrder::Out(asked) => {
                let (amount, reason) = (money(&asked.amount)?, asked.reason);
                What::Cash(CashOrder::TakeOut { amount, reason })
            }
            TillOrder::Close(asked) => {
                What::Cash(CashOrder::Close { counted: money(&asked.counted)? })
            }
        })
    }

    /// A charge as it is on record, and who was charged.
    async fn correction(&self, asked: Correct) -> Result<What, String> {
        let failed = |error: store::error::ReadError| error.to_string();
        let id: TransactionId = asked.entry.parse().map_err(|_| {
            let told = "`kari till statement` shows those of a band";
            format!("`{}` is not the number of an entry; {told}", asked.entry)
        })?;
        let charge = self.reader.transaction(id).await.map_err(failed)?;
        let charge = charge.ok_or_else(|| format!("no entry of the ledger has the number {id}"))?;
        if self.reader.reversal_of(id).await.map_err(failed)?.is_some() {
            return Err(CORRECTED.to_owned());
        }
        let (mut member, mut waived) = (None, Money::ZERO);
        // The postings of who pays come first: his wallet, and what he owes beside it.
        for account in charge.postings.iter().take(1).map(|posting| posting.account) {
            member = self.reader.whose(account).await.map_err(failed)?;
            waived = self.reader.waived(account, charge.at).await.map_err(failed)?;
        }
        if let Some(decision) = charge.decision {
            let decision = self.reader.decision(decision).await.map_err(failed)?;
            member = decision.and_then(|decision| decision.member).or(member);
        }
        // Nobody corrects in his own favour, which is told by whose charge it was.
        if member.is_none() && charge.purpose.is_charge() {
            return Err("whose charge that was is not on record any more".to_owned());
        }
        Ok(What::Correct { charge: Box::new(charge), member, waived, reason: asked.reason })
    }

    async fn sale(&self, sell: Sell) -> Result<What, String> {
        let (cash, card, rest) = self.pays(&sell)?;
        let buyer = sell.to.as_deref().map(uid).transpose()?;
        let mut lines = Vec::with_capacity(sell.lines.0.len());
        for (place, line) in (1..).zip(sell.lines.0) {
            let line = self.basket_line(line, buyer.as_ref()).await;
            lines.push(line.map_err(|why| format!("line {place}: {why}"))?);
        }
        let age_shown = sell.age.map(i64::from);
        Ok(What::Sale { buyer, lines, cash, card, rest, age_shown })
    }

    /// How a basket is paid: amounts, and who pays the rest.
    fn pays(&self, sell: &Sell) -> Result<(Money, Money, Rest), String> {
        let is_rest = |way: &Option<String>| way.as_deref() == Some(REST);
        let part = |way: &Option<String>| match way.as_deref().filter(|text| *text != REST) {
            Some(text) => amount(&self.site.currency, text),
            None => Ok(Money::ZERO),
        };
        if sell.wallet && sell.to.is_none() {
            return Err("a wallet is somebody's; say whose with `--to BAND`".to_owned());
        }
        let rest = match (is_rest(&sell.cash), is_rest(&sell.card), sell.wallet) {
            (false, false, false) => Rest::Nobody,
            (true, false, false) => Rest::Cash,
            (false, true, false) => Rest::Card,
            (false, false, true) => Rest::Wallet,
            _ => {
                let why = "only one of `--cash`, `--card` and `--wallet` pays the rest; give the \
                           others an amount";
                return Err(why.to_owned());
            }
        };
        Ok((part(&sell.cash)?, part(&sell.card)?, rest))
    }

    async fn basket_line(&self, line: SoldLine, buyer: Option<&Uid>) -> Result<Line, String> {
        let money = |text: &str| amount(&self.site.currency, text);
        let SoldLine { what, which, count, price, discount, member, from, beside } = line;
        if what != Sold::Pass && (from.is_some() || beside) {
            return Err("only a pass begins on a day".to_owned());
        }
        let begins = Begins { from: from.as_deref().map(day).transpose()?, beside };
        let member = match member {
            Some(number) if what == Sold::Pass => Some(self.numbered(number).await?),
            Some(_) => return Err("only a pass is for somebody else".to_owned()),
            None => None,
        };
        let mut price = price.as_deref().map(money).transpose()?;
        let sells = match what {
            Sold::Item => Sells::Good(GoodId::from(which)),
            Sold::Pass => Sells::Tariff { tariff: TariffId::from(which), member, begins },
            Sold::Topup => {
                price = Some(money(&which)?);
                Sells::TopUp
            }
            Sold::Deposit => {
                let told = (!which.is_empty()).then(|| uid(&which)).transpose()?;
                let uid = told.or_else(|| buyer.cloned());
                Sells::Deposit { uid: uid.ok_or("say for which band")? }
            }
            Sold::DepositBack => Sells::DepositBack { uid: uid(&which)? },
            Sold::LostBand => Sells::LostBand { uid: uid(&which)? },
        };
        Ok(Line { sells, count, price, discount })
    }

    async fn numbered(&self, number: u32) -> Result<MemberId, String> {
        let found = self.reader.numbered(number).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| no_member(number))
    }

    /// A receipt as it is on record.
    async fn receipt(&self, number: &str) -> Result<Receipt, String> {
        let key: ReceiptKey = number.parse()?;
        let found = self.reader.receipt(&key).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| format!("no receipt has the number {key}"))
    }
}

const fn in_cash(way: &Way) -> bool {
    way.cash
}

/// A day as people write it, or as our own papers show it.
fn day(text: &str) -> Result<Date, String> {
    let shown = || Date::strptime("%d.%m.%Y", text).ok();
    let read = text.parse().ok().or_else(shown);
    read.ok_or_else(|| format!("`{text}` is not a day; write it as 2026-09-15 or 15.09.2026"))
}

/// An amount as people write it at a till.
pub(crate) fn amount(currency: &Currency, text: &str) -> Result<Money, String> {
    let wrong = || format!("`{text}` is not an amount; write it in {} as 12.50", currency.code);
    currency.parse(text).ok_or_else(wrong)
}

/// How many of each line come back.
fn counts(asked: &Return, lines: usize) -> Result<Vec<u32>, String> {
    let mut counts = vec![0; lines];
    for text in &asked.lines {
        let parts = text.split_once('=');
        let read = parts.and_then(|(line, count)| {
            Some((line.parse::<usize>().ok()?, count.parse::<u32>().ok()?))
        });
        let (line, count) = read.filter(|(_, count)| *count > 0).ok_or_else(|| {
            format!("`{text}` is not a line with how many of it come back, such as 1=2")
        })?;
        let known = line.checked_sub(1).and_then(|place| counts.get_mut(place));
        let place = known.ok_or_else(|| {
            format!("receipt {} has {lines} lines, and no line {line}", asked.receipt)
        })?;
        if *place != 0 {
            return Err(format!("line {line} is named twice"));
        }
        *place = count;
    }
    Ok(counts)
}
