//! The accounts as other programs call them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context;
use domain::{
    ids::AccountId,
    money::{Currency, CurrencyCode, Money},
    rows::{AccountClass, AccountKind},
};
use store::books::Accounts;

use super::Line;

/// Every account that is exported, in the order of a balance sheet.
pub(super) struct Chart {
    pub(super) accounts: Vec<Charted>,
    of: HashMap<AccountId, usize>,
}

/// One of them; Kari's accounts of several daemons, and of people, may be one here.
pub(super) struct Charted {
    /// Such as `Assets:Cash:Till-1`.
    pub(super) name: String,
    pub(super) kind: AccountKind,
    pub(super) subject: String,
    pub(super) currency: CurrencyCode,
}

impl Charted {
    /// Kari's own words for it, such as `cash/till-1`.
    pub(super) fn own(&self) -> String {
        match self.subject.is_empty() {
            true => self.kind.name().to_owned(),
            false => format!("{}/{}", self.kind.name(), self.subject),
        }
    }

    /// An amount with all digits of the currency.
    pub(super) fn exact(&self, amount: Money) -> String {
        let currency = Currency::of(self.currency.as_str());
        currency.map_or_else(|| amount.minor().to_string(), |of| of.exact(amount).to_string())
    }
}

impl Chart {
    /// The chart of these accounts. Those of people are summed, unless `owners` is given: the
    /// numbers of members by their wallets.
    pub(super) fn of(accounts: &Accounts, owners: Option<&HashMap<AccountId, u32>>) -> Self {
        let mut groups: BTreeMap<(AccountKind, String, CurrencyCode), Vec<AccountId>> =
            BTreeMap::new();
        for (id, account) in accounts {
            let subject = match (account.kind.is_personal(), owners) {
                (false, _) => account.subject.to_string(),
                (true, None) => String::new(),
                (true, Some(owners)) => {
                    let wallet =
                        if account.kind == AccountKind::Wallet { *id } else { id.beside() };
                    owners.get(&wallet).map_or_else(|| wallet.to_string(), u32::to_string)
                }
            };
            groups.entry((account.kind, subject, account.currency)).or_default().push(*id);
        }
        let (mut chart, mut taken) =
            (Self { accounts: vec![], of: HashMap::new() }, BTreeSet::new());
        for ((kind, subject, currency), ids) in groups {
            chart.of.extend(ids.into_iter().map(|id| (id, chart.accounts.len())));
            let whole = name(kind, &subject);
            // Signs that names cannot have may make two of them the same.
            let numbered = (2..).map(|count| format!("{whole}-{count}"));
            let mut names = std::iter::once(whole.clone()).chain(numbered);
            let name = names.find(|name| taken.insert(name.clone())).unwrap_or(whole.clone());
            chart.accounts.push(Charted { name, kind, subject, currency });
        }
        chart
    }

    /// A posting as it is exported: what the site owes and earned is above zero in Kari and below
    /// in these programs.
    pub(super) fn line(&self, id: AccountId, amount: Money) -> anyhow::Result<Line> {
        let account = *self.of.get(&id).context("a posting names no account")?;
        Ok(Line { account, amount: -amount })
    }

    /// Balances in the order of the chart.
    pub(super) fn sums(&self, balances: &HashMap<AccountId, Money>) -> Vec<Money> {
        let mut sums = vec![Money::ZERO; self.accounts.len()];
        for (id, balance) in balances {
            if let Some(sum) = self.of.get(id).and_then(|place| sums.get_mut(*place)) {
                *sum = *sum + *balance;
            }
        }
        sums
    }
}

fn name(kind: AccountKind, subject: &str) -> String {
    let root = match kind.class() {
        AccountClass::Asset => "Assets",
        AccountClass::Liability => "Liabilities",
        AccountClass::Equity => "Equity",
        AccountClass::Income => "Income",
        AccountClass::Expense => "Expenses",
    };
    let words = kind.name().split('_').map(part).collect::<String>();
    match subject.is_empty() {
        true => format!("{root}:{words}"),
        false => format!("{root}:{words}:{}", part(subject)),
    }
}

/// A part of a name: Beancount has capitals or digits first, then letters, digits and hyphens.
fn part(text: &str) -> String {
    let mut part = String::new();
    for sign in text.chars() {
        match sign {
            sign if sign.is_ascii_alphanumeric() => part.push(sign),
            sign if sign.is_ascii() => part.push('-'),
            sign => part.push_str(&format!("u{:x}", u32::from(sign))),
        }
    }
    if part.starts_with('-') {
        part.insert(0, 'X');
    }
    if let Some(first) = part.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    part
}
