//! What tests of a driven loop have in common: databases, what was decided, and books in order.

use std::{collections::BTreeMap, io::Write, sync::Arc, time::Duration};

use admin_api::feed::{FeedItem, News as Told};
use domain::{decision::Decision, money::Money};
use store::{
    books::Books,
    reader::{Period, Reader},
    verify::{self, Verified, VerifiedLedger},
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Driven, databases::Databases};

/// How many rounds, by the environment or as the test command has it.
pub(super) fn rounds(name: &str, own: u32) -> u32 {
    std::env::var(name).ok().map_or(own, |told| told.parse().unwrap())
}

/// The seeds of something random: those that failed once, and a fresh one that nobody ran before;
/// or the one that the environment names.
pub(super) fn seeds(variable: &str, failed: &[u64]) -> Vec<u64> {
    let failed = if std::env::var_os(variable).is_some() { &[] } else { failed };
    failed.iter().copied().chain([fresh(variable)]).collect()
}

/// A seed that nobody ran before, or the one that the environment names.
pub(super) fn fresh(variable: &str) -> u64 {
    let drawn = || u64::from(fastrand::u32(..));
    std::env::var(variable).map_or_else(|_| drawn(), |asked| asked.parse().unwrap())
}

/// A file of SQLite. What is raced for is the order of things, not the disk: memory where there is
/// some.
pub(super) fn sqlite() -> Databases {
    let memory = Databases::file("/dev/shm".into());
    memory.or_else(|_| Databases::file(std::env::temp_dir())).unwrap()
}

/// On the PostgreSQL that the test command starts; nothing where there is none.
#[allow(clippy::explicit_write, reason = "the harness swallows eprintln of a test that passes")]
pub(super) fn postgres() -> Option<Databases> {
    let Ok(url) = std::env::var("KARI_TEST_POSTGRES_URL") else {
        let left_out = "LEFT OUT: set KARI_TEST_POSTGRES_URL to race on PostgreSQL as well";
        writeln!(std::io::stderr(), "{left_out}").unwrap();
        assert!(std::env::var_os("KARI_TESTS_ALL").is_none(), "there is no PostgreSQL");
        return None;
    };
    Some(Databases::server(&url).unwrap().that_may_forget())
}

/// What a loop decided since it was asked last.
pub(super) struct News(broadcast::Receiver<Arc<FeedItem>>);

impl News {
    pub(super) fn of(driven: &Driven) -> Self {
        Self(driven.feed.subscribe())
    }

    /// The decisions; a feed that ran over fails.
    pub(super) fn decisions(&mut self) -> Vec<Decision> {
        let mut all = Vec::new();
        loop {
            match self.0.try_recv() {
                Ok(item) => match &item.news {
                    Told::Decided(decision) => all.push(decision.clone()),
                    Told::Noted { .. } => {}
                },
                Err(broadcast::error::TryRecvError::Lagged(by)) => panic!("{by} were missed"),
                Err(_) => return all,
            }
        }
    }
}

/// All balances of a currency add up to nothing.
fn assert_trial_balance(books: &Books) {
    let mut trial: BTreeMap<_, Money> = BTreeMap::new();
    for account in books.accounts.values() {
        let sum = trial.entry(account.currency).or_default();
        *sum = *sum + account.balance;
    }
    assert!(trial.values().all(|sum| sum.is_zero()), "the trial balance: {trial:?}");
}

/// Looks at the trial balance again and again, after whatever batch is the last one at that
/// instant, until the writers have ended; how often it looked.
pub(super) async fn audit(reader: Reader, ended: CancellationToken) -> u32 {
    let mut looks = 0;
    while !ended.is_cancelled() {
        assert_trial_balance(&Books::open(&reader).await.unwrap());
        looks += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    looks
}

/// Books that are in order.
pub(super) struct Checked {
    pub(super) books: Books,
    pub(super) ledger: VerifiedLedger,
    pub(super) journal: Verified,
}

/// What `kari verify` says is right; every transaction adds up to nothing in each currency, every
/// charge key stands once, every balance is the sum of its postings, and all of them add up to
/// nothing.
pub(super) async fn checked(reader: &Reader) -> Checked {
    let journal = verify::chain(reader).await.unwrap();
    let ledger = verify::ledger(reader).await.unwrap();
    verify::rows(reader).await.unwrap();
    let mut books = Books::open(reader).await.unwrap();
    let (mut sums, mut keys) = (BTreeMap::new(), std::collections::BTreeSet::new());
    let walked = books.walk(Period::ALWAYS, |accounts, entry| {
        let mut of_currency: BTreeMap<_, Money> = BTreeMap::new();
        for (account, amount) in &entry.postings {
            let sum = of_currency.entry(accounts[account].currency).or_default();
            *sum = *sum + *amount;
            let sum: &mut Money = sums.entry(*account).or_default();
            *sum = *sum + *amount;
        }
        assert!(of_currency.values().all(|sum| sum.is_zero()), "unbalanced: {entry:?}");
        assert!(keys.insert(entry.key.clone()), "twice: {entry:?}");
        Ok::<_, store::error::ReadError>(())
    });
    walked.await.unwrap();
    for (id, account) in &books.accounts {
        let posted = sums.get(id).copied().unwrap_or(Money::ZERO);
        assert_eq!(account.balance, posted, "the balance of {id}: {account:?}");
    }
    assert_trial_balance(&books);
    Checked { books, ledger, journal }
}
