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
    Connection, PgPool, Row, SqliteConnection, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use store::{reader::Reader, verify};

use crate::site::Folder;

/// A reader of everything that a journey looks at.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    pool: Pool,
}

#[derive(Debug)]
enum Pool {
    File(SqlitePool),
    Server(PgPool),
}

/// Asks either database; what `$read` makes of each row.
macro_rules! asked {
    ($records:expr, $sql:expr, [$($value:expr)?], $row:ident => $read:expr) => {
        match &$records.pool {
            Pool::File(pool) => {
                let rows = sqlx::query($sql)$(.bind($value))?.fetch_all(pool).await.unwrap();
                rows.iter().map(|$row| $read).collect::<Vec<_>>()
            }
            Pool::Server(pool) => {
                let rows = sqlx::query($sql)$(.bind($value))?.fetch_all(pool).await.unwrap();
                rows.iter().map(|$row| $read).collect::<Vec<_>>()
            }
        }
    };
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
const SUM: &str = "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM posting";
/// Accounts whose balance is not the sum of their postings.
const UNBALANCED: &str = "SELECT count(*) FROM account a WHERE a.balance <>
    (SELECT coalesce(sum(amount), 0) FROM posting p WHERE p.account = a.id)";

impl Records {
    /// Opens the database.
    ///
    /// # Panics
    /// Where it cannot be read; so with everything here.
    pub async fn open(site: &Folder) -> Self {
        let pool = match &site.server {
            Some(url) => {
                let pool = PgPoolOptions::new().max_connections(1).connect(url);
                Pool::Server(pool.await.unwrap())
            }
            None => {
                let options = SqliteConnectOptions::new().filename(site.database()).read_only(true);
                let options = options.busy_timeout(Duration::from_secs(5));
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options);
                Pool::File(pool.await.unwrap())
            }
        };
        Self { reader: Reader::open(&site.place()).await.unwrap(), pool }
    }

    /// Whether they are on a server.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(self.pool, Pool::Server(_))
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
        let sql = "SELECT noted FROM journal ORDER BY daemon, seq";
        asked!(self, sql, [], row => serde_json::from_str(row.get(0)).unwrap())
    }

    /// Every line that a device's message came to, oldest first: its device, boot and sequence.
    pub async fn told(&self) -> Vec<((String, u64, u64), Noted)> {
        let sql = "SELECT device, boot, device_seq, noted FROM journal
            WHERE boot IS NOT NULL AND noted IS NOT NULL ORDER BY daemon, seq";
        asked!(self, sql, [], row => {
            let (boot, seq): (i64, i64) = (row.get(1), row.get(2));
            let source = (row.get(0), boot.cast_unsigned(), seq.cast_unsigned());
            (source, serde_json::from_str(row.get(3)).unwrap())
        })
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

    /// What happened at a gate in the minute after a decision, for whoever looks for a fault.
    pub async fn at_the_gate_of(&self, id: DecisionId) -> String {
        let Some(decision) = self.decision(id).await else { return "no such decision".to_owned() };
        let sql = "SELECT at, device, device_seq, noted FROM journal ORDER BY daemon, seq";
        let lines = asked!(self, sql, [], row => {
            let line: (i64, Option<String>, Option<i64>, String) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            line
        });
        let from = decision.at.micros();
        let here = |line: &&(i64, Option<String>, Option<i64>, String)| {
            let soon = (from - 5_000_000..from + 60_000_000).contains(&line.0);
            soon && line.1.as_deref() == Some(decision.device.as_str())
        };
        let told = lines.iter().filter(here).map(|(at, _, seq, noted)| {
            format!("{:+} ms, message {seq:?}: {noted}", (at - from) / 1000)
        });
        format!(
            "{id} at {} of {:?}\n{}",
            decision.device,
            decision.member,
            told.collect::<Vec<_>>().join("\n")
        )
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
        let found = asked!(self, WHEREABOUTS, [uid], row => Whereabouts {
            zone: row.get(0),
            inside: row.get(1),
            visiting: row.get(2),
            pending: row.get(3),
        });
        found.into_iter().next().unwrap_or_default()
    }

    /// Balance and provisional charges of a person's wallet, in minor units.
    pub async fn wallet(&self, number: u32) -> (i64, i64) {
        asked!(self, WALLET, [i64::from(number)], row => (row.get(0), row.get(1))).remove(0)
    }

    /// The decisions behind all receipts.
    pub async fn receipts(&self) -> Vec<DecisionId> {
        let sql = "SELECT decision FROM receipt ORDER BY till, number";
        asked!(self, sql, [], row => DecisionId(row.get(0)))
    }

    /// How many people there are.
    pub async fn members(&self) -> i64 {
        asked!(self, "SELECT count(*) FROM member", [], row => row.get(0)).remove(0)
    }

    /// A person's name.
    pub async fn name(&self, number: u32) -> String {
        let member = self.member(number).await;
        self.reader.person(member).await.unwrap().unwrap().name
    }

    /// The key by which the journal knows a person.
    pub async fn member(&self, number: u32) -> MemberId {
        let sql = "SELECT id FROM member WHERE number = $1";
        asked!(self, sql, [i64::from(number)], row => MemberId(row.get(0))).remove(0)
    }

    /// Visits left on a person's pass.
    pub async fn visits_left(&self, number: u32) -> Option<i64> {
        asked!(self, VISITS, [i64::from(number)], row => row.get(0)).remove(0)
    }

    /// People in the zone, and places promised.
    pub async fn occupancy(&self, zone: &str) -> (i64, i64) {
        let found = asked!(self, OCCUPANCY, [zone], row => (row.get(0), row.get(1)));
        found.into_iter().next().unwrap_or((0, 0))
    }

    /// How many entries were charged.
    pub async fn charges(&self) -> i64 {
        asked!(self, CHARGES, [], row => row.get(0)).remove(0)
    }

    /// The money is in order: postings add up to nothing, and each balance is their sum.
    pub async fn check_ledger(&self) {
        let sum: i64 = asked!(self, SUM, [], row => row.get(0)).remove(0);
        let unbalanced: i64 = asked!(self, UNBALANCED, [], row => row.get(0)).remove(0);
        assert_eq!((sum, unbalanced), (0, 0), "postings, accounts that differ from theirs");
    }

    /// The journal is what was written.
    pub async fn check_chain(&self) {
        let verified = verify::chain(&self.reader).await.unwrap();
        assert!(verified.lines > 0, "an empty journal proves nothing");
        let rows = verify::rows(&self.reader).await.unwrap();
        assert!(rows.rows > 0, "empty tables prove nothing");
        assert_eq!(verify::heads(&self.reader).await.unwrap(), []);
    }

    /// Closes the connections.
    pub async fn close(self) {
        self.reader.close().await;
        match self.pool {
            Pool::File(pool) => pool.close().await,
            Pool::Server(pool) => pool.close().await,
        }
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
