//! Months: of a till, made by the state machine and kept by the real store, and of the example.

use std::{collections::BTreeMap, ffi::OsStr, path::PathBuf};

use domain::{
    ids::{AccountId, TransactionId, Uid},
    layered::Change,
    ledger::Purpose,
    money::{Currency, Money},
    order::{CashOrder, Line, Sells, What},
    rows::{AccountKind, Session},
    state::{Batch, Changes, Posting, Transaction},
    time::Timestamp,
};
use jiff::tz::TimeZone;
use store::{
    Sealed, Store,
    books::Books,
    place::Place,
    reader::{Period, Reader},
    reports::{Asked, Cell, Name, Report, report},
    statements::Statement,
};
use tempfile::TempDir;
use tests::program::{run, text};

use crate::till::{Till, good, goods, money, pass, sale, top_up};

/// A site whose database holds what happened at its till.
pub(crate) struct Month {
    pub(crate) folder: TempDir,
    /// The session of its till, where one is open.
    pub(crate) session: Option<Session>,
}

pub(crate) fn instant(day: &str) -> Timestamp {
    let day: jiff::civil::Date = day.parse().unwrap();
    day.to_zoned(TimeZone::get("Asia/Tbilisi").unwrap()).unwrap().timestamp().into()
}

pub(crate) fn asked(from: &str, until: &str) -> Asked {
    Asked {
        period: Period { since: instant(from), until: instant(until) },
        zone: TimeZone::get("Asia/Tbilisi").unwrap(),
        now: instant("2026-11-15"),
        currency: Currency::of("GEL").unwrap().code,
        gates: BTreeMap::from([("T1".into(), "pool".into())]),
    }
}

/// The totals of the columns of amounts, by block and column.
pub(crate) fn amounts(report: &Report) -> BTreeMap<(String, usize), Money> {
    let mut amounts = BTreeMap::new();
    for row in &report.totals {
        let block = match row.first() {
            Some(Cell::Text(block)) => block.clone(),
            _ => String::new(),
        };
        for (place, cell) in row.iter().enumerate() {
            if let Cell::Money(amount) = cell {
                amounts.insert((block.clone(), place), *amount);
            }
        }
    }
    amounts
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

impl Month {
    /// Days of random sales; the random numbers are those of `seed`.
    pub(crate) fn kept(seed: u64) -> Self {
        let mut till = Till::new();
        let mut random = fastrand::Rng::with_seed(seed);
        till.cash(CashOrder::Open { float: money("50.00") });
        for day in 16..31 {
            for hour in 9..15 {
                till.at(&format!("2026-09-{day} {hour:02}:00:00"));
                let what = ordered(&till, day, &mut random);
                till.order("T1", what);
            }
        }
        for hour in [9, 10, 11] {
            till.at(&format!("2026-10-01 {hour:02}:00:00"));
            till.run(&format!("2026-10-01 {hour:02}:10:00 entry G1 W2"));
            till.run(&format!("2026-10-01 {hour:02}:10:02 passed G1 in"));
            till.run(&format!("2026-10-01 {hour:02}:30:00 exit G1 W2"));
            till.run(&format!("2026-10-01 {hour:02}:30:02 passed G1 out"));
        }
        till.at("2026-10-20 12:00:00");
        Self::keep(till)
    }

    /// One day whose figures are known by heart.
    pub(crate) fn small() -> Self {
        let mut till = Till::new();
        till.sells(sale(None, vec![good("towel")], "5.00", "0.00"));
        let receipt = till.receipts.last().unwrap().clone();
        till.order(
            "T1",
            What::Return {
                receipt: Box::new(receipt),
                counts: vec![1],
                cash: true,
                reason: "wet".to_owned(),
            },
        );
        till.sells(sale(Some("W1"), vec![goods("towel", 4, 0)], "0.00", "19.96"));
        till.sells(sale(Some("W1"), vec![pass("month")], "100.00", "0.00"));
        till.sells(sale(Some("W1"), vec![goods("juice", 3, 0)], "0.00", "0.00"));
        Self::keep(till)
    }

    /// The month that `kari init --demo --month` puts behind the example site: hundreds of people
    /// at its gates, and its till.
    pub(crate) fn example() -> Self {
        let month = Self::empty();
        let made = run([
            OsStr::new("init"),
            month.site().as_os_str(),
            "--demo".as_ref(),
            "--month".as_ref(),
        ]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        month
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("kari-books-").tempdir().unwrap();
        Self { folder, session: None }
    }

    fn keep(till: Till) -> Self {
        till.check();
        let month = Self { session: till.session(), ..Self::empty() };
        assert!(run(["init".as_ref(), month.site().as_os_str()]).status.success());
        wait(month.commit(&till));
        month
    }

    /// The site's folder.
    pub(crate) fn site(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    fn database(&self) -> Place {
        Place::file(self.site().join("state/kari.db"))
    }

    async fn commit(&self, till: &Till) {
        let rows = till.world.state.tables.accounts.iter();
        let mut begun: BTreeMap<_, Money> = rows.map(|(id, row)| (*id, row.balance)).collect();
        for posting in till.transactions.iter().flat_map(|one| &one.postings) {
            let sum = begun.get_mut(&posting.account).unwrap();
            *sum = *sum - posting.amount;
        }
        // What the world was given before the till was opened.
        let at = instant("2026-09-15");
        let given = begun.into_iter().filter(|(_, amount)| !amount.is_zero());
        let opening = Transaction {
            id: TransactionId(uuid::Uuid::from_u128(1)),
            at,
            key: "given".to_owned(),
            purpose: Purpose::Opening,
            device: None,
            operator: None,
            decision: None,
            reverses: None,
            note: "so it was, \"before\", on paper".to_owned(),
            postings: given.map(|(account, amount)| Posting { account, amount }).collect(),
        };
        let later = till.transactions.iter().cloned();
        let batch = Batch {
            transactions: std::iter::once(opening).chain(later).collect(),
            receipts: till.receipts.clone(),
            ..Batch::default()
        };
        let mut changes = Changes::default();
        let rows = till.world.state.tables.accounts.iter();
        let row = |(key, row): (&_, &domain::rows::Account)| Change {
            key: *key,
            version: 1,
            value: Some(row.clone()),
        };
        changes.accounts = rows.map(row).collect();
        let reads = changes.before();
        let (mut store, opened) = Store::open(&self.database(), at).await.unwrap();
        let epoch = opened.epoch;
        let sealed = Sealed { number: 1, epoch, batch, changes, reads, committed_at: at };
        store.commit(&sealed).await.unwrap();
        store.close().await.unwrap();
    }

    /// Kari's own balances, by kind and subject; those of people as one, or by their numbers, or by
    /// their wallets where no member has them.
    pub(crate) fn balances(&self, people: bool) -> BTreeMap<String, Money> {
        let (books, owners) = wait(async {
            let reader = Reader::open(&self.database()).await.unwrap();
            let mut books = Books::open(&reader).await.unwrap();
            let owners = books.owners().await.unwrap();
            (books, owners)
        });
        let person = |wallet| {
            let number = owners.get(&wallet).map(ToString::to_string);
            number.unwrap_or_else(|| wallet.to_string())
        };
        let mut all = BTreeMap::new();
        for (id, row) in &books.accounts {
            let wallet = if row.kind == AccountKind::Wallet { *id } else { id.beside() };
            let subject = match row.kind.is_personal() {
                true if people => person(wallet),
                _ => row.subject.to_string(),
            };
            let name = match subject.is_empty() {
                true => row.kind.name().to_owned(),
                false => format!("{}/{subject}", row.kind.name()),
            };
            let sum: &mut Money = all.entry(name).or_default();
            *sum = *sum + row.balance;
        }
        all
    }

    /// The wallets, each with what it holds and what stands in the receivable beside it.
    pub(crate) fn wallets(&self) -> Vec<(AccountId, Money, Money)> {
        let accounts = wait(async {
            let reader = Reader::open(&self.database()).await.unwrap();
            Books::open(&reader).await.unwrap().accounts
        });
        let owed = |wallet: AccountId| accounts.get(&wallet.beside()).map(|row| row.balance);
        let wallets = accounts.iter().filter(|(_, row)| row.kind == AccountKind::Wallet);
        wallets.map(|(id, row)| (*id, row.balance, owed(*id).unwrap_or_default())).collect()
    }

    pub(crate) fn statement(&self, wallet: AccountId, limit: u32) -> Statement {
        wait(async {
            let reader = Reader::open(&self.database()).await.unwrap();
            reader.statement(wallet, limit).await.unwrap()
        })
    }

    pub(crate) fn report(&self, name: Name, asked: Asked) -> Report {
        wait(async {
            let reader = Reader::open(&self.database()).await.unwrap();
            report(&reader, name, &asked).await.unwrap()
        })
    }
}

fn ordered(till: &Till, day: u32, random: &mut fastrand::Rng) -> What {
    let receipt = || Box::new(till.receipts[till.receipts.len() - 1].clone());
    let reason = || "so it is".to_owned();
    let uid = || Uid::from(format!("04D{day}").as_str());
    let (w1, w2) = (Some("W1"), Some("W2"));
    match random.u8(0..18) {
        0 => sale(None, vec![goods("towel", random.u32(1..4), 0)], "0.00", "0.00"),
        1 => sale(w1, vec![goods("towel", 2, 10), good("juice")], "0.00", "11.98"),
        2 => sale(w2, vec![pass("ten")], "70.00", "0.00"),
        3 => sale(w2, vec![pass("month")], "0.00", "100.00"),
        4 => sale(w1, vec![pass("once")], "8.00", "0.00"),
        5 => sale(w1, vec![top_up("20.00")], "20.00", "0.00"),
        6 => sale(None, vec![Line::of(Sells::Deposit { uid: uid() })], "10.00", "0.00"),
        7 => sale(None, vec![Line::of(Sells::DepositBack { uid: uid() })], "-10.00", "0.00"),
        8 if !till.receipts.is_empty() => What::Void { receipt: receipt(), reason: reason() },
        9 if !till.receipts.is_empty() => {
            let receipt = receipt();
            let counts = receipt.lines.iter().map(|_| 1).collect();
            What::Return { receipt, counts, cash: random.bool(), reason: reason() }
        }
        10 => sale(w2, vec![good("juice")], "0.00", "0.00"),
        11 => What::Settle { holder: Uid::from("W2"), amount: money("1.00"), cash: true },
        16 => sale(w1, vec![top_up("9.00"), good("juice"), good("towel")], "10.00", "0.00"),
        13 => What::Topup { holder: "W1".into(), amount: money("30.00"), cash: random.bool() },
        14 => What::Refund { holder: "W1".into(), amount: money("12.40"), cash: true },
        15 => What::Refund { holder: "W1".into(), amount: money("5.00"), cash: false },
        12 => What::Cash(CashOrder::TakeOut { amount: money("10.00"), reason: reason() }),
        _ => sale(None, vec![good("juice"), goods("towel", 1, 5)], "7.75", "0.00"),
    }
}
