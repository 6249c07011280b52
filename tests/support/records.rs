//! What a site's database says, read beside its daemon.

use std::{path::Path, time::Duration};

use domain::{
    decision::Decision,
    event::Direction,
    ids::{DecisionId, MemberId},
    reasons::Condition,
    state::Noted,
};
use sqlx::{
    Connection, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use store::{reader::Reader, verify};

/// A reader of everything that a journey looks at.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    pool: SqlitePool,
}

/// Where the holder of a card is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The zone; nothing is the street.
    pub zone: Option<String>,
    /// People inside on this card.
    pub inside: i64,
    /// Whether a visit is open.
    pub visiting: bool,
    /// Whether a grant waits for its passage.
    pub pending: bool,
}

/// One noted condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// What.
    pub condition: Condition,
    /// The decision that it belongs to.
    pub decision: Option<DecisionId>,
    /// Which way, at a gate.
    pub direction: Option<Direction>,
}

const WHEREABOUTS: &str = "SELECT p.zone, p.inside, p.visit IS NOT NULL,
    p.pending_device IS NOT NULL FROM presence p
    JOIN credential c ON c.id = p.credential WHERE c.uid = $1";
const WALLET: &str = "SELECT a.balance, a.reserved FROM account a
    JOIN member m ON m.account = a.id WHERE m.number = $1";
const VISITS: &str = "SELECT p.visits_left FROM pass p
    JOIN member m ON m.id = p.member WHERE m.number = $1";
const OCCUPANCY: &str = "SELECT inside, reserved FROM occupancy WHERE zone = $1";
const CHARGES: &str = "SELECT count(*) FROM ledger_transaction WHERE charge_key LIKE 'entry:%'";
const SUM: &str = "SELECT coalesce(sum(amount), 0) FROM posting";
/// Accounts whose balance is not the sum of their postings.
const UNBALANCED: &str = "SELECT count(*) FROM account a WHERE a.balance <>
    (SELECT coalesce(sum(amount), 0) FROM posting p WHERE p.account = a.id)";

impl Records {
    /// Opens the database.
    ///
    /// # Panics
    /// Where it cannot be read; so with everything here.
    pub async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let options = options.busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        Self { reader: Reader::open(path).await.unwrap(), pool }
    }

    /// Every decision, oldest first.
    pub async fn decisions(&self) -> Vec<Decision> {
        let (mut all, mut last) = (Vec::new(), 0);
        loop {
            let next = self.reader.decisions_after(last, 1000).await.unwrap();
            let Some((seq, _)) = next.last() else { return all };
            last = *seq;
            all.extend(next.into_iter().map(|(_, decision)| decision));
        }
    }

    /// The decision of this id.
    pub async fn decision(&self, id: DecisionId) -> Option<Decision> {
        self.reader.decision(id).await.unwrap()
    }

    /// Every line of the journal's notes, oldest first.
    pub async fn journal(&self) -> Vec<Noted> {
        let rows = sqlx::query("SELECT noted FROM journal ORDER BY daemon, seq");
        let rows = rows.fetch_all(&self.pool).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// Every noted condition, oldest first.
    pub async fn conditions(&self) -> Vec<Noticed> {
        let noted = self.journal().await.into_iter();
        noted
            .filter_map(|noted| match noted {
                Noted::Condition { condition, decision, direction, .. } => {
                    Some(Noticed { condition, decision, direction })
                }
                _ => None,
            })
            .collect()
    }

    /// The decisions whose passages were booked, in the order of the bookings.
    pub async fn passages(&self) -> Vec<DecisionId> {
        let passages = [Condition::PassageMade, Condition::PassageUnexpected];
        let noticed = self.conditions().await.into_iter();
        noticed
            .filter(|noticed| passages.contains(&noticed.condition))
            .filter_map(|passage| passage.decision)
            .collect()
    }

    /// Where the holder of the card is.
    pub async fn whereabouts(&self, uid: &str) -> Whereabouts {
        let row = sqlx::query(WHEREABOUTS).bind(uid).fetch_optional(&self.pool).await.unwrap();
        row.map_or_else(Whereabouts::default, |row| Whereabouts {
            zone: row.get(0),
            inside: row.get(1),
            visiting: row.get(2),
            pending: row.get(3),
        })
    }

    /// Balance and provisional charges of a person's wallet, in minor units.
    pub async fn wallet(&self, number: u32) -> (i64, i64) {
        let row = sqlx::query(WALLET).bind(number).fetch_one(&self.pool).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// The key by which the journal knows a person.
    pub async fn member(&self, number: u32) -> MemberId {
        let id = sqlx::query_scalar("SELECT id FROM member WHERE number = $1").bind(number);
        MemberId(id.fetch_one(&self.pool).await.unwrap())
    }

    /// Visits left on a person's pass.
    pub async fn visits_left(&self, number: u32) -> Option<i64> {
        sqlx::query_scalar(VISITS).bind(number).fetch_one(&self.pool).await.unwrap()
    }

    /// People in the zone, and places promised.
    pub async fn occupancy(&self, zone: &str) -> (i64, i64) {
        let row = sqlx::query(OCCUPANCY).bind(zone).fetch_optional(&self.pool).await.unwrap();
        row.map_or((0, 0), |row| (row.get(0), row.get(1)))
    }

    /// How many entries were charged.
    pub async fn charges(&self) -> i64 {
        sqlx::query_scalar(CHARGES).fetch_one(&self.pool).await.unwrap()
    }

    /// The money is in order: postings add up to nothing, and each balance is their sum.
    pub async fn check_ledger(&self) {
        let sum: i64 = sqlx::query_scalar(SUM).fetch_one(&self.pool).await.unwrap();
        let unbalanced: i64 = sqlx::query_scalar(UNBALANCED).fetch_one(&self.pool).await.unwrap();
        assert_eq!((sum, unbalanced), (0, 0), "postings, accounts that differ from theirs");
    }

    /// The journal is what was written.
    pub async fn check_chain(&self) {
        let verified = verify::chain(&self.reader).await.unwrap();
        assert!(verified.lines > 0, "an empty journal proves nothing");
    }

    /// Closes the connections.
    pub async fn close(self) {
        self.reader.close().await;
        self.pool.close().await;
    }
}

/// Keeps everybody else from writing until it is closed.
///
/// # Panics
/// Where the database cannot be locked.
pub async fn lock(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    let options = options.busy_timeout(Duration::from_secs(5));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
    connection
}
