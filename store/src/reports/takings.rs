//! Takings of each day by terminal, operator and method.

use std::collections::BTreeMap;

use domain::{ledger::Purpose, money::Money, rows::AccountKind};
use jiff::civil::Date;

use super::{Asked, Cell, Name, Report, ReportError, moved};
use crate::{
    books::{Accounts, BookEntry, Books},
    error::ReadError,
};

/// The ways of paying, by the accounts that they move.
const METHODS: [AccountKind; 4] =
    [AccountKind::Cash, AccountKind::Card, AccountKind::Online, AccountKind::Wallet];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: Date,
    terminal: String,
    operator: String,
    method: AccountKind,
}

/// Received, given back, and what is no taking: drawers emptied and counted, wallets loaded.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    received: Money,
    back: Money,
    other: Money,
}

impl Line {
    fn takes(&mut self, amount: Money) {
        if amount > Money::ZERO {
            self.received = self.received + amount;
        } else {
            self.back = self.back + amount;
        }
    }
    fn total(&self) -> Money {
        self.received + self.back + self.other
    }
}

pub(super) async fn takings(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let mut lines: BTreeMap<Key, Line> = BTreeMap::new();
    books
        .walk(asked.period, |accounts, entry| {
            take(&mut lines, asked, accounts, &entry);
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = [
        "day",
        "terminal",
        "operator",
        "method",
        "received",
        "given back",
        "taken",
        "moved",
        "total",
    ];
    let mut report = Report::new(Name::Takings, asked, &columns);
    let movements = books.movements(asked.period).await?;
    for method in METHODS {
        let of = lines.iter().filter(|(key, _)| key.method == method);
        let sum = of.map(|(_, line)| line.total()).sum();
        let ledger = -moved(&movements, |kind| kind == method, |_| true);
        if lines.keys().any(|key| key.method == method) || !ledger.is_zero() {
            report.tie(format!("movement of {} accounts, turned", method.name()), sum, ledger);
        }
    }
    for (key, line) in lines {
        report.rows.push(vec![
            Cell::Day(key.day),
            Cell::Text(key.terminal),
            Cell::Text(key.operator),
            Cell::text(key.method.name()),
            Cell::Money(line.received),
            Cell::Money(line.back),
            Cell::Money(line.received + line.back),
            Cell::Money(line.other),
            Cell::Money(line.total()),
        ]);
    }
    Ok(report)
}

fn take(lines: &mut BTreeMap<Key, Line>, asked: &Asked, accounts: &Accounts, entry: &BookEntry) {
    let day = asked.day(entry.at);
    let operator = entry.operator.clone().unwrap_or_default();
    let key = |terminal: String, method| Key { day, terminal, operator: operator.clone(), method };
    let mut wallets = None;
    for (id, amount) in &entry.postings {
        let Some(account) = accounts.get(id) else { continue };
        let came = -*amount;
        match account.kind {
            AccountKind::Wallet => wallets = Some(wallets.unwrap_or_default() + came),
            AccountKind::Cash | AccountKind::Card | AccountKind::Online => {
                let line = lines.entry(key(account.subject.to_string(), account.kind)).or_default();
                if is_taking(entry.purpose) {
                    line.takes(came);
                } else {
                    line.other = line.other + came;
                }
            }
            _ => {}
        }
    }
    let Some(came) = wallets else { return };
    let paid = match (&entry.receipt, entry.purpose) {
        (Some(receipt), _) => receipt.wallet,
        // A reversal without a receipt corrects a charge.
        (None, purpose) if is_charge(purpose) || purpose == Purpose::Reversal => came,
        _ => Money::ZERO,
    };
    let terminal = entry.device.clone().unwrap_or_default();
    let line = lines.entry(key(terminal, AccountKind::Wallet)).or_default();
    line.takes(paid);
    line.other = line.other + (came - paid);
}

/// Whether money that comes in this way is taken from guests, or given back to them.
const fn is_taking(purpose: Purpose) -> bool {
    !matches!(purpose, Purpose::CashMove | Purpose::CashCount | Purpose::Opening)
}

/// Whether a wallet pays for something.
const fn is_charge(purpose: Purpose) -> bool {
    use Purpose::{Entry, Locker, Overstay, Settlement, Surcharge};
    matches!(purpose, Entry | Surcharge | Overstay | Locker | Settlement)
}
