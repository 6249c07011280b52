//! Journals in plain text, for hledger and for Beancount.

use std::{collections::BTreeSet, io::Write};

use domain::money::{Currency, CurrencyCode, Money};
use store::books::BookEntry;

use super::{Export, chart::Charted, next, number};

/// Writes a journal for hledger.
pub(super) async fn hledger(export: &mut Export<'_>, to: &mut dyn Write) -> anyhow::Result<()> {
    let first = export.first_day().await?;
    let chart = export.chart;
    writeln!(to, "; The ledger of {}, as Kari keeps it", line(export.title))?;
    for currency in currencies(export) {
        let whole = Currency::of(currency.as_str()).map(|of| of.exact(Money(100_000)).to_string());
        writeln!(to, "commodity {} {currency}", whole.unwrap_or_else(|| "1000.".to_owned()))?;
    }
    for account in &chart.accounts {
        writeln!(to, "account {}  ; kari: {}", account.name, value(&account.own()))?;
    }
    if export.opening.iter().any(|balance| !balance.is_zero()) {
        writeln!(to, "\n{first} * opening balances")?;
        for (account, balance) in chart.accounts.iter().zip(&export.opening) {
            if !balance.is_zero() {
                writeln!(to, "    {}", amount(account, -*balance))?;
            }
        }
    }
    let last = export
        .walk(|day, entry, lines| {
            writeln!(to, "\n{day} * ({}) {}", number(entry), entry.purpose.name())?;
            for (name, text) in tags(entry) {
                writeln!(to, "    ; {name}: {}", value(&text))?;
            }
            for line in lines {
                if let Some(account) = chart.accounts.get(line.account) {
                    writeln!(to, "    {}", amount(account, line.amount))?;
                }
            }
            Ok(())
        })
        .await?;
    writeln!(to, "\n{} * balances, as Kari keeps them", export.last_day(last, first))?;
    for (account, balance) in chart.accounts.iter().zip(&export.closing) {
        let balance = account.exact(-*balance);
        writeln!(to, "    {} = {balance} {}", amount(account, Money::ZERO), account.currency)?;
    }
    Ok(())
}

/// Writes a ledger for Beancount.
pub(super) async fn beancount(export: &mut Export<'_>, to: &mut dyn Write) -> anyhow::Result<()> {
    let first = export.first_day().await?;
    let chart = export.chart;
    writeln!(to, "option \"title\" {}", quoted(export.title))?;
    writeln!(to, "option \"operating_currency\" \"{}\"", export.currency.code)?;
    for currency in currencies(export) {
        writeln!(to, "{first} commodity {currency}")?;
    }
    for account in &chart.accounts {
        writeln!(to, "{first} open {} {}", account.name, account.currency)?;
        writeln!(to, "  kari: {}", quoted(&account.own()))?;
    }
    if export.opening.iter().any(|balance| !balance.is_zero()) {
        writeln!(to, "\n{first} * \"opening balances\"")?;
        for (account, balance) in chart.accounts.iter().zip(&export.opening) {
            if !balance.is_zero() {
                writeln!(to, "  {}", amount(account, -*balance))?;
            }
        }
    }
    let last = export
        .walk(|day, entry, lines| {
            writeln!(to, "\n{day} * {} #{}", quoted(entry.purpose.name()), entry.purpose.name())?;
            writeln!(to, "  number: {}", quoted(&number(entry)))?;
            for (name, text) in tags(entry) {
                writeln!(to, "  {name}: {}", quoted(&text))?;
            }
            for line in lines {
                if let Some(account) = chart.accounts.get(line.account) {
                    writeln!(to, "  {}", amount(account, line.amount))?;
                }
            }
            Ok(())
        })
        .await?;
    // A balance of Beancount is that of the first moment of its day.
    let day = next(export.last_day(last, first));
    writeln!(to)?;
    for (account, balance) in chart.accounts.iter().zip(&export.closing) {
        writeln!(to, "{day} balance {}", amount(account, -*balance))?;
    }
    Ok(())
}

fn currencies(export: &Export<'_>) -> BTreeSet<CurrencyCode> {
    let own = [export.currency.code];
    export.chart.accounts.iter().map(|account| account.currency).chain(own).collect()
}

fn amount(account: &Charted, amount: Money) -> String {
    format!("{:44}  {:>14} {}", account.name, account.exact(amount), account.currency)
}

/// What else is said of a transaction.
fn tags(entry: &BookEntry) -> Vec<(&'static str, String)> {
    let note = Some(entry.note.clone()).filter(|note| !note.is_empty());
    let receipt = entry.receipt.as_ref().map(|receipt| receipt.key.to_string());
    let all = [
        ("key", Some(entry.key.clone())),
        ("terminal", entry.device.clone()),
        ("operator", entry.operator.clone()),
        ("receipt", receipt),
        ("note", note),
    ];
    all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// A text of one line.
fn line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// The value of a tag of hledger, which ends at a comma.
fn value(text: &str) -> String {
    line(text).replace(',', ";")
}

/// A string of Beancount.
fn quoted(text: &str) -> String {
    format!("\"{}\"", line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
