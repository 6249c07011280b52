//! Sales by tariff and item, and beside them the money that was only prepaid, the debts that were
//! paid, and how all of it was paid. Each block adds up by itself; the first three come to the last
//! (section 15 of the decisions).

use std::collections::BTreeMap;

use domain::{
    basket::{LOST_BAND, Priced},
    ledger::Purpose,
    money::Money,
    order::Sells,
    rows::AccountKind,
};

use super::{Asked, BLOCK, Cell, Name, Report, ReportError, moved};
use crate::{
    books::{Accounts, BookEntry, Books},
    error::ReadError,
};

/// A part of the report that adds up by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    /// Goods, services and passes, with their tax and the rounding of cash.
    Sold,
    /// Money that only changed its place: wallets and deposits.
    Prepaid,
    /// Debts that were paid or waived.
    Debts,
    /// How all of it was paid.
    Paid,
}

impl Block {
    const fn word(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Prepaid => "prepaid",
            Self::Debts => "debts",
            Self::Paid => "paid",
        }
    }
}

/// A line's block, its place in the block, and what it is of.
type Place = (Block, u8, &'static str);

/// A line of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: Place,
    item: String,
}

impl Key {
    const fn block(&self) -> Block {
        self.place.0
    }
    const fn what(&self) -> &'static str {
        self.place.2
    }
    /// Whether it is of things that one can count.
    fn has_count(&self) -> bool {
        self.block() == Block::Sold && !matches!(self.what(), DISCOUNT | TAX | ROUNDING)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    count: i64,
    amount: Money,
    back: Money,
}

impl Line {
    fn add(&mut self, amount: Money, back: bool) {
        let sum = if back { &mut self.back } else { &mut self.amount };
        *sum = *sum + amount;
    }
    fn net(&self) -> Money {
        self.amount + self.back
    }
}

#[derive(Debug, Default)]
struct Lines(BTreeMap<Key, Line>);

pub(super) async fn sales(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let mut lines = Lines::default();
    books
        .walk(asked.period, |accounts, entry| {
            if counts(entry.purpose) {
                lines.count(accounts, &entry);
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let mut report = Report::new(
        Name::Sales,
        asked,
        &[BLOCK, "what", "item", "count", "amount", "taken back", "net"],
    );
    let movements = books.movements(asked.period).await?;
    for kind in AccountKind::ALL.iter().filter(|kind| !kind.is_personal()) {
        let Some(place) = place_of(*kind) else { continue };
        let of = |key: &Key| {
            key.place == place
                || (place == DEPOSIT && matches!(key.place, DEPOSIT_BACK | DEPOSIT_KEPT))
        };
        let ledger = moved(&movements, |of| of == *kind, counts);
        if lines.0.keys().any(of) || !ledger.is_zero() {
            // What came in is a debit.
            let sum = if place.0 == Block::Paid { -lines.sum(of) } else { lines.sum(of) };
            report.tie(format!("{} accounts", kind.name()), sum, ledger);
        }
    }
    let people = moved(&movements, AccountKind::is_personal, counts);
    let kept =
        lines.sum(|key| matches!(key.what(), TOP_UP | PAY_OUT) || key.block() == Block::Debts);
    let spent = lines.sum(|key| matches!(key.what(), WALLET | OWED));
    report.tie("wallet and receivable accounts", kept - spent, people);
    let paid = lines.sum(|key| key.block() == Block::Paid);
    let whole = lines.sum(|key| key.block() != Block::Paid);
    report.tie("sold, prepaid and debts, by how they were paid", whole, paid);
    for (key, line) in lines.0 {
        report.rows.push(vec![
            Cell::text(key.block().word()),
            Cell::text(key.what()),
            Cell::Text(key.item.clone()),
            if key.has_count() { Cell::Count(line.count) } else { Cell::Empty },
            Cell::Money(line.amount),
            Cell::Money(line.back),
            Cell::Money(line.net()),
        ]);
    }
    Ok(report)
}

/// Debts that were paid.
const DEBTS_PAID: Place = (Block::Debts, 0, "paid");
const TOP_UP: &str = "top-up";
const PAY_OUT: &str = "pay-out";
const DEPOSIT: Place = (Block::Prepaid, 2, "deposit");
const DEPOSIT_BACK: Place = (Block::Prepaid, 3, "deposit returned");
/// Deposits of bands that were lost, which became revenue.
const DEPOSIT_KEPT: Place = (Block::Prepaid, 4, "deposit kept");
/// Debts that were waived.
const WAIVED: Place = (Block::Debts, 1, "waived");
const DISCOUNT: &str = "discount";
const TAX: &str = "tax";
const ROUNDING: &str = "cash rounding";
const WALLET: &str = "wallet";
const OWED: &str = "owed";

/// What is none of this: what is earned later, what an import brought, what moves within a drawer.
const fn counts(purpose: Purpose) -> bool {
    use Purpose::{CashCount, CashMove, Opening, Recognition};
    !matches!(purpose, Recognition | Opening | CashMove | CashCount)
}

/// The line that holds what moved the accounts of a kind; those of people have several.
const fn place_of(kind: AccountKind) -> Option<Place> {
    let (block, place, what) = match kind {
        AccountKind::Deferred => (Block::Sold, 0, "pass"),
        AccountKind::PassRevenue => (Block::Sold, 1, "pass, earned at once"),
        AccountKind::EntryRevenue => (Block::Sold, 2, "entry"),
        AccountKind::SurchargeRevenue => (Block::Sold, 3, "surcharge"),
        AccountKind::OverstayRevenue => (Block::Sold, 4, "overstay"),
        AccountKind::SalesRevenue => (Block::Sold, 5, "goods"),
        AccountKind::Discounts => (Block::Sold, 6, DISCOUNT),
        AccountKind::Vat => (Block::Sold, 7, TAX),
        AccountKind::Rounding => (Block::Sold, 8, ROUNDING),
        AccountKind::Deposits => return Some(DEPOSIT),
        AccountKind::Cash => (Block::Paid, 0, "cash"),
        AccountKind::Card => (Block::Paid, 1, "card"),
        AccountKind::Online => (Block::Paid, 2, "online"),
        AccountKind::WriteOffs => (Block::Paid, 5, "waived"),
        AccountKind::Wallet
        | AccountKind::Receivable
        | AccountKind::Safe
        | AccountKind::Opening
        | AccountKind::CashDifference => return None,
    };
    Some((block, place, what))
}

impl Lines {
    fn sum(&self, of: impl Fn(&Key) -> bool) -> Money {
        self.0.iter().filter(|(key, _)| of(key)).map(|(_, line)| line.net()).sum()
    }

    fn line(&mut self, place: Place, item: impl Into<String>) -> &mut Line {
        self.0.entry(Key { place, item: item.into() }).or_default()
    }

    /// Counts a transaction: each of its postings stands in one line.
    fn count(&mut self, accounts: &Accounts, entry: &BookEntry) {
        let back = takes_back(entry);
        for (id, amount) in &entry.postings {
            let Some(account) = accounts.get(id) else { continue };
            let Some(place) = place_of(account.kind) else {
                if account.kind.is_personal() && entry.receipt.is_none() {
                    self.by_person(entry.purpose, account.kind, *amount);
                }
                continue;
            };
            self.posting(place, (account.kind, &account.subject), *amount, (entry, back));
        }
        if let Some(receipt) = &entry.receipt {
            for line in &receipt.lines {
                self.receipt_line(line, back);
            }
            if !receipt.wallet.is_zero() {
                let back = receipt.wallet < Money::ZERO;
                self.line((Block::Paid, 3, WALLET), "").add(receipt.wallet, back);
            }
        }
    }

    fn posting(
        &mut self,
        place: Place,
        (kind, subject): (AccountKind, &str),
        amount: Money,
        (entry, back): (&BookEntry, bool),
    ) {
        let item = match kind {
            AccountKind::Cash | AccountKind::Card | AccountKind::Online => String::new(),
            AccountKind::Vat => format!("{subject} %"),
            _ => subject.to_owned(),
        };
        let (amount, back) = match (place.0, kind) {
            (Block::Paid, _) => (-amount, amount > Money::ZERO),
            (_, AccountKind::Rounding | AccountKind::Deposits) => (amount, back),
            // A discount lessens what was sold; one that is taken back comes with what comes back.
            (_, AccountKind::Discounts) => (amount, amount > Money::ZERO),
            _ => (amount, amount < Money::ZERO),
        };
        // Deposits that come in and go out have a line each, which their receipts say.
        let place = match (kind, &entry.receipt) {
            (AccountKind::Deposits, Some(_)) => return,
            (AccountKind::Deposits, None) => DEPOSIT_KEPT,
            _ => place,
        };
        let line = self.line(place, item);
        line.add(amount, back);
        if entry.receipt.is_none() && place.0 == Block::Sold && kind != AccountKind::Vat {
            line.count += amount.minor().signum();
        }
    }

    /// What moved a wallet, or what its holder owes, without a receipt: a gate's charge, a pay
    /// point, the wallet that pays what is owed.
    fn by_person(&mut self, purpose: Purpose, kind: AccountKind, amount: Money) {
        let (place, amount) = match (purpose, kind) {
            (Purpose::WriteOff, _) => (WAIVED, amount),
            (Purpose::Payment, _) | (Purpose::Settlement, AccountKind::Receivable) => {
                (DEBTS_PAID, amount)
            }
            (Purpose::TopUp, _) => ((Block::Prepaid, 0, TOP_UP), amount),
            (Purpose::Refund, _) => ((Block::Prepaid, 1, PAY_OUT), amount),
            (_, AccountKind::Receivable) => ((Block::Paid, 4, OWED), -amount),
            _ => ((Block::Paid, 3, WALLET), -amount),
        };
        let back = place.0 == Block::Paid && amount < Money::ZERO;
        self.line(place, "").add(amount, back);
    }

    /// A line of a receipt: how many were sold, and what of it is no sale.
    fn receipt_line(&mut self, line: &Priced, back: bool) {
        let count = i64::from(line.count) * if back { -1 } else { 1 };
        let sold = |kind| place_of(kind).unwrap_or((Block::Sold, 0, "pass"));
        match &line.sells {
            Sells::Good(good) => {
                self.line(sold(AccountKind::SalesRevenue), good.as_str()).count += count;
            }
            Sells::LostBand { .. } => {
                self.line(sold(AccountKind::SalesRevenue), LOST_BAND).count += count;
            }
            Sells::Tariff { tariff, .. } => {
                self.line(sold(AccountKind::Deferred), tariff.as_str()).count += count;
            }
            _ => {
                // What goes out of a wallet is a top-up below zero.
                let out = (line.gross < Money::ZERO) != back;
                let place = match &line.sells {
                    Sells::TopUp if out => (Block::Prepaid, 1, PAY_OUT),
                    Sells::TopUp => (Block::Prepaid, 0, TOP_UP),
                    Sells::Deposit { .. } => DEPOSIT,
                    Sells::DepositBack { .. } => DEPOSIT_BACK,
                    _ => DEBTS_PAID,
                };
                let of = self.line(place, "");
                of.count += count;
                of.add(line.gross, back);
            }
        }
    }
}

/// Whether a transaction takes back what another one did.
fn takes_back(entry: &BookEntry) -> bool {
    match &entry.receipt {
        Some(receipt) => receipt.takes_back.is_some(),
        None => matches!(entry.purpose, Purpose::Reversal | Purpose::Cancellation),
    }
}
