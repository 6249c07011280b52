//! Value added tax by rate, with what it was charged on.

use std::collections::BTreeMap;

use domain::{
    ledger::Purpose,
    money::Money,
    order::Sells,
    rows::{AccountClass, AccountKind},
};

use super::{Asked, Cell, Name, Report, ReportError, moved};
use crate::{
    books::{Accounts, BookEntry, Books},
    error::ReadError,
};

/// Without tax, and the tax on it: sold, and taken back.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    sold: (Money, Money),
    back: (Money, Money),
}

impl Line {
    fn add(&mut self, net: Money, tax: Money) {
        let side = if net + tax < Money::ZERO { &mut self.back } else { &mut self.sold };
        *side = (side.0 + net, side.1 + tax);
    }
    fn net(&self) -> Money {
        self.sold.0 + self.back.0
    }
    fn tax(&self) -> Money {
        self.sold.1 + self.back.1
    }
}

pub(super) async fn vat(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    books
        .walk(asked.period, |accounts, entry| {
            if entry.purpose != Purpose::Recognition && entry.purpose != Purpose::Opening {
                add(&mut lines, accounts, &entry);
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = [
        "rate",
        "sold without tax",
        "tax",
        "taken back without tax",
        "tax of it",
        "in all",
        "tax in all",
    ];
    let mut report = Report::new(Name::Vat, asked, &columns);
    let movements = books.movements(asked.period).await?;
    let any = |_| true;
    let tax = moved(&movements, |kind| kind == AccountKind::Vat, any);
    report.tie("movement of vat accounts", lines.values().map(Line::tax).sum(), tax);
    let brought = |purpose| purpose != Purpose::Opening;
    let net = moved(&movements, is_earned, brought);
    let what = "movement of income and deferred accounts, without what an import brought";
    report.tie(what, lines.values().map(Line::net).sum(), net);
    for (rate, line) in lines {
        let amounts = [line.sold.0, line.sold.1, line.back.0, line.back.1, line.net(), line.tax()];
        let cells = amounts.into_iter().map(Cell::Money);
        report.rows.push([Cell::Text(format!("{rate} %"))].into_iter().chain(cells).collect());
    }
    Ok(report)
}

/// What is earned, now or later.
fn is_earned(kind: AccountKind) -> bool {
    kind.class() == AccountClass::Income || kind == AccountKind::Deferred
}

fn add(lines: &mut BTreeMap<String, Line>, accounts: &Accounts, entry: &BookEntry) {
    if let Some(receipt) = &entry.receipt {
        for line in &receipt.lines {
            let moves = matches!(
                line.sells,
                Sells::TopUp | Sells::Debt | Sells::Deposit { .. } | Sells::DepositBack { .. }
            );
            if !moves {
                let net = line.gross - line.tax;
                lines.entry(line.vat.to_string()).or_default().add(net, line.tax);
            }
        }
        return;
    }
    // What is charged at a gate has one rate.
    let (mut net, mut tax, mut rate) = (Money::ZERO, Money::ZERO, "0");
    for (id, amount) in &entry.postings {
        let Some(account) = accounts.get(id) else { continue };
        if account.kind == AccountKind::Vat {
            (tax, rate) = (tax + *amount, &account.subject);
        } else if is_earned(account.kind) {
            net = net + *amount;
        }
    }
    if !net.is_zero() || !tax.is_zero() {
        lines.entry(rate.to_owned()).or_default().add(net, tax);
    }
}
