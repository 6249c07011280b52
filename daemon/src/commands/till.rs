//! `kari till`: sales, drawers and their reports. An operator signs each order; the running daemon
//! decides. Receipts and reports are read beside it, whether it runs or not.

use admin_api::wording::{Wording, language};
use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::{
    decision::Decision,
    ids::DeviceId,
    money::{Currency, Money},
    rows::{ReceiptKey, Session},
    sales::Receipt,
};
use serde_json::{Value, json};
use store::{reader::Reader, statements::Statement, tills::Closed};

use crate::{
    cli::{
        Exit, Signature,
        registry::Ordered,
        till::{Account, TillArgs, TillCommand, TillOrder},
    },
    commands::signed,
    config::Installation,
    database,
    registry::uid,
    socket::{self, Question, Reply},
    till::amount,
};

/// `kari till`.
pub(crate) async fn till(args: TillArgs, json: bool) -> anyhow::Result<Exit> {
    let told = (args.language, json);
    match args.what {
        TillCommand::Sell(order) => send(order, TillOrder::Sell, told).await,
        TillCommand::Topup(order) => send(order, TillOrder::Topup, told).await,
        TillCommand::Refund(order) => send(order, TillOrder::Refund, told).await,
        TillCommand::PayDebt(order) => send(order, TillOrder::PayDebt, told).await,
        TillCommand::Void(order) => send(order, TillOrder::Void, told).await,
        TillCommand::Return(order) => send(order, TillOrder::Return, told).await,
        TillCommand::Correct(order) => send(order, TillOrder::Correct, told).await,
        TillCommand::Open(order) => send(order, TillOrder::Open, told).await,
        TillCommand::In(order) => send(order, TillOrder::In, told).await,
        TillCommand::Out(order) => send(order, TillOrder::Out, told).await,
        TillCommand::Close(order) => send(order, TillOrder::Close, told).await,
        TillCommand::Statement(look) => {
            let desk = Looking::open(Installation::open(Some(&look.site))?, told).await?;
            desk.statement(&look.asked).await
        }
        TillCommand::Count(look) => {
            let desk = Looking::open(Installation::open(Some(&look.site))?, told).await?;
            desk.count(&look.asked.till, &look.asked.counted).await
        }
        TillCommand::X(look) => {
            let desk = Looking::open(Installation::open(Some(&look.site))?, told).await?;
            desk.x(&look.asked.till).await
        }
        TillCommand::Z(look) => {
            let desk = Looking::open(Installation::open(Some(&look.site))?, told).await?;
            desk.z(&look.asked.till, look.asked.session).await
        }
        TillCommand::Receipt(look) => {
            let desk = Looking::open(Installation::open(Some(&look.site))?, told).await?;
            desk.receipt(&look.asked.receipt).await
        }
    }
}

async fn send<T: Args>(
    order: Ordered<T>,
    what: impl FnOnce(T) -> TillOrder,
    told: (String, bool),
) -> anyhow::Result<Exit> {
    let installation = Installation::open(Some(&order.site))?;
    language_of(&told.0)?;
    let pin = signed::pin(&order.signature)?;
    let Signature { operator, terminal } = order.signature;
    let (key, what) = (order.key, Box::new(what(order.asked)));
    let closes = matches!(*what, TillOrder::Close(_));
    let question = Question::Till { terminal, operator, pin, key, what };
    match socket::ask_daemon(&installation.socket(), &question).await? {
        Some(Reply::Decision { decision, .. }) => {
            Looking::open(installation, told).await?.done(&decision, closes).await
        }
        Some(Reply::Refused { why }) => bail!(why),
        Some(_) => bail!("the daemon answered something else"),
        None => Ok(signed::no_daemon(&installation)),
    }
}

/// What became of an order that a second person confirmed, in English.
pub(crate) async fn became_of(
    installation: Installation,
    decision: &Decision,
) -> anyhow::Result<Exit> {
    Looking::open(installation, ("en".to_owned(), false)).await?.done(decision, false).await
}

fn language_of(tag: &str) -> anyhow::Result<language::Language> {
    let known = language::parse(tag);
    known.with_context(|| format!("`{tag}` is not a language; languages are ka, hy, ru, en"))
}

/// Looks at what tills left on record.
struct Looking {
    installation: Installation,
    reader: Reader,
    wording: Wording,
    json: bool,
}

impl Looking {
    async fn open(installation: Installation, (tag, json): (String, bool)) -> anyhow::Result<Self> {
        let language = language_of(&tag)?;
        ensure!(installation.has_database(), "nothing is on record yet; start `kari run` first");
        let reader = database::reader(&installation).await?;
        let site = &installation.site;
        let wording = Wording::new(language, site.currency.clone(), site.time_zone.clone());
        Ok(Self { reader, wording, json, installation })
    }

    fn currency(&self) -> &Currency {
        &self.installation.site.currency
    }

    /// What became of an order: the decision, and the receipt or the Z report.
    async fn done(&self, decision: &Decision, closes: bool) -> anyhow::Result<Exit> {
        let opens = decision.verdict.outcome.opens();
        let receipt = self.reader.receipt_of(decision.id).await?.filter(|_| opens);
        let closed = match opens && closes {
            true => self.reader.closed(&decision.device, None).await?,
            false => None,
        };
        if self.json {
            let words = self.wording.summary(decision);
            let mut told = json!({ "decision": decision, "words": words });
            if let Some(receipt) = &receipt {
                told["receipt"] = receipt_object(receipt, self.currency());
            }
            if let Some(closed) = &closed {
                told["session"] = self.closed_object(&decision.device, closed);
            }
            say!("{told}");
        } else {
            signed::told_in(&self.wording, decision);
            if let Some(receipt) = &receipt {
                self.print(self.wording.receipt(receipt, &self.installation.site.name));
            }
            if let Some(closed) = &closed {
                self.print(self.z_lines(&decision.device, closed));
            }
        }
        Ok(if opens { Exit::Done } else { Exit::Failed })
    }

    async fn receipt(&self, number: &str) -> anyhow::Result<Exit> {
        let key: ReceiptKey = number.parse().map_err(anyhow::Error::msg)?;
        let found = self.reader.receipt(&key).await?;
        let receipt = found.with_context(|| format!("no receipt has the number {key}"))?;
        match self.json {
            true => say!("{}", receipt_object(&receipt, self.currency())),
            false => self.print(self.wording.receipt(&receipt, &self.installation.site.name)),
        }
        Ok(Exit::Done)
    }

    async fn statement(&self, of: &Account) -> anyhow::Result<Exit> {
        let holder = self.reader.holder(&uid(&of.holder).map_err(anyhow::Error::msg)?).await?;
        let nobody = || format!("nobody holds `{}`", of.holder);
        let member = holder.with_context(nobody)?;
        let member = self.reader.card(member).await?.with_context(nobody)?.member;
        let own = self.reader.statement(member.account, of.limit.into()).await?;
        let family = match member.kin.as_deref().and_then(|kin| kin.family) {
            Some(id) => self.reader.family(id).await?,
            None => None,
        };
        // A family may share a wallet; who pays from it sees it below his own.
        let shared = match family {
            Some(family) => Some(self.reader.statement(family.account, of.limit.into()).await?),
            None => None,
        };
        if self.json {
            let mut told = statement_object(&own, self.currency());
            if let Some(shared) = &shared {
                told["family"] = statement_object(shared, self.currency());
            }
            say!("{told}");
        } else {
            self.print(self.wording.statement(&own));
            if let Some(shared) = &shared {
                say!("");
                say!("{}", self.wording.word("statement-family"));
                self.print(self.wording.statement(shared));
            }
        }
        Ok(Exit::Done)
    }

    async fn x(&self, till: &str) -> anyhow::Result<Exit> {
        let (till, session) = self.open_session(till).await?;
        match self.json {
            true => say!("{}", session_object(&till, &session, self.currency())),
            false => self.print(self.wording.session(&till, &session, None)),
        }
        Ok(Exit::Done)
    }

    async fn z(&self, till: &str, number: Option<u64>) -> anyhow::Result<Exit> {
        let till = self.till(till)?;
        let closed = self.reader.closed(&till, number).await?.with_context(|| match number {
            Some(number) => format!("no session {number} was closed at `{till}`"),
            None => format!("no session was closed at `{till}` yet"),
        })?;
        match self.json {
            true => say!("{}", self.closed_object(&till, &closed)),
            false => self.print(self.z_lines(&till, &closed)),
        }
        Ok(Exit::Done)
    }

    async fn count(&self, till: &str, counted: &str) -> anyhow::Result<Exit> {
        let counted = amount(self.currency(), counted).map_err(anyhow::Error::msg)?;
        ensure!(counted >= Money::ZERO, "a drawer holds nothing at the least");
        let (_, session) = self.open_session(till).await?;
        let (expected, difference) = (session.expected(), counted - session.expected());
        if self.json {
            let exact = |amount| self.currency().exact(amount).to_string();
            say!(
                "{}",
                json!({ "expected": exact(expected), "counted": exact(counted),
                    "difference": exact(difference), "currency": self.currency().code })
            );
        } else {
            for (word, amount) in [
                ("session-expected", expected),
                ("session-counted", counted),
                ("session-difference", difference),
            ] {
                say!("{}: {}", self.wording.word(word), self.wording.money(amount));
            }
        }
        Ok(Exit::Done)
    }

    fn till(&self, till: &str) -> anyhow::Result<DeviceId> {
        let till = DeviceId::from(till);
        let known = self.installation.site.terminals.contains_key(&till);
        ensure!(known, "`{till}` is not a terminal of this site; they stand in site.toml");
        Ok(till)
    }

    async fn open_session(&self, till: &str) -> anyhow::Result<(DeviceId, Session)> {
        let till = self.till(till)?;
        let session = self.reader.drawer(&till).await?.and_then(|drawer| drawer.session);
        let why = "the last one that was closed is shown by `kari till z`";
        let session = session.with_context(|| format!("no session is open at `{till}`; {why}"))?;
        Ok((till, session))
    }

    fn z_lines(&self, till: &DeviceId, closed: &Closed) -> Vec<String> {
        self.wording.session(till, &closed.session, Some((closed.expected, closed.counted)))
    }

    fn closed_object(&self, till: &DeviceId, closed: &Closed) -> Value {
        let exact = |amount| self.currency().exact(amount).to_string();
        let mut told = session_object(till, &closed.session, self.currency());
        told["closed"] = json!(closed.at);
        told["expected"] = exact(closed.expected).into();
        told["counted"] = exact(closed.counted).into();
        told["difference"] = exact(closed.counted - closed.expected).into();
        told
    }

    fn print(&self, lines: Vec<String>) {
        lines.iter().for_each(|line| say!("{line}"));
    }
}

/// A receipt with its amounts as texts.
fn receipt_object(receipt: &Receipt, currency: &Currency) -> Value {
    let exact = |amount| currency.exact(amount).to_string();
    let lines = receipt.lines.iter().map(|line| {
        json!({
            "name": line.name, "sells": line.sells, "count": line.count,
            "price": exact(line.price), "discount": line.discount, "off": exact(line.off),
            "gross": exact(line.gross), "tax": exact(line.tax), "vat": line.vat.to_string(),
        })
    });
    json!({
        "number": receipt.key.to_string(), "at": receipt.at, "session": receipt.session,
        "operator": receipt.operator, "decision": receipt.decision,
        "takes_back": receipt.takes_back.as_ref().map(ToString::to_string),
        "member": receipt.member, "passes": receipt.passes,
        "lines": lines.collect::<Vec<_>>(), "currency": currency.code,
        "total": exact(receipt.total), "cash": exact(receipt.cash), "card": exact(receipt.card),
        "wallet": exact(receipt.wallet), "rounding": exact(receipt.rounding),
    })
}

/// A statement with its amounts as texts.
fn statement_object(statement: &Statement, currency: &Currency) -> Value {
    let exact = |amount| currency.exact(amount).to_string();
    let movements = statement.movements.iter().map(|moved| {
        json!({
            "entry": moved.entry, "at": moved.at, "purpose": moved.purpose.name(),
            "device": moved.device, "operator": moved.operator, "note": moved.note,
            "reversed_by": moved.reversed_by, "wallet": exact(moved.wallet),
            "owed": exact(moved.owed),
        })
    });
    json!({
        "balance": exact(statement.now.balance), "owed": exact(statement.now.owed),
        "before": {
            "balance": exact(statement.before.balance), "owed": exact(statement.before.owed),
        },
        "currency": currency.code, "movements": movements.collect::<Vec<_>>(),
    })
}

/// A session with its amounts as texts.
fn session_object(till: &DeviceId, session: &Session, currency: &Currency) -> Value {
    let exact = |amount: Money| currency.exact(amount).to_string();
    let each = |amounts: &std::collections::BTreeMap<String, Money>| -> serde_json::Map<_, _> {
        amounts.iter().map(|(name, amount)| (name.clone(), exact(*amount).into())).collect()
    };
    json!({
        "till": till, "session": session.number, "operator": session.operator,
        "opened": session.opened, "receipts": session.receipts, "voids": session.voids,
        "sold": exact(session.blocks.sold()), "goods": exact(session.blocks.goods),
        "passes": exact(session.blocks.passes), "returned": exact(session.blocks.returned),
        "rounding": exact(session.blocks.rounding), "prepaid": exact(session.blocks.prepaid()),
        "top_ups": exact(session.blocks.top_ups), "deposits": exact(session.blocks.deposits),
        "paid_out": exact(session.blocks.paid_out),
        "deposits_back": exact(session.blocks.deposits_back),
        "debts": exact(session.blocks.debts), "total": exact(session.blocks.total()),
        "discounts": exact(session.discounts), "paid": each(&session.paid),
        "vat": each(&session.vat), "float": exact(session.float),
        "cash_in": exact(session.cash_in), "cash_out": exact(session.cash_out),
        "expected": exact(session.expected()), "currency": currency.code,
    })
}
