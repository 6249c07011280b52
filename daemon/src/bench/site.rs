//! The site that is measured: 200 gates, and as many people as were asked for.

use std::{
    fmt::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use domain::{
    ids::{AccountId, CredentialId, DeviceId, MemberId, PassId, TariffId, Uid},
    layered::Change,
    money::{CurrencyCode, Money},
    rows::{
        Account, AccountKind, Credential, CredentialKind, CredentialState, Language, Member, Pass,
        PassKey, PassState, Tariff, TariffKey,
    },
    state::{Batch, Changes, Entry, Noted, Reads},
    time::Clock,
};
use store::{Sealed, Store, place::Place};
use uuid::Uuid;

use super::GATES;
use crate::{clock::RealClock, commands::init::SITE_SETTINGS};

/// Rows of one table in one batch of the filling.
const PIECE: u32 = 4096;

/// The settings of the measured site: always open, with grants that outlast a round.
pub(crate) fn settings() -> String {
    let mut text = "set(\"time.access_windows\", \"always\");\n".to_owned();
    for gate in gates() {
        text.push_str(&format!("set(\"gate.passage_timeout\", \"PT1M\", device(\"{gate}\"));\n"));
    }
    text
}

/// A site in a folder of its own.
pub(crate) struct BenchSite {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Where the API answers.
    pub(crate) admin: SocketAddr,
    /// The first band that nobody has used.
    pub(crate) bands: u64,
    people: u32,
}

impl BenchSite {
    /// Makes the folder, and fills its database.
    pub(crate) async fn make(people: u32) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("kari-bench-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("state"))?;
        write_rules(&folder)?;
        fill(&Place::file(folder.join("state/kari.db")), people).await?;
        Ok(Self { folder, admin: free_port()?, bands: 0, people })
    }

    /// Says which broker the site uses.
    pub(crate) fn use_broker(&self, mqtt: &str) -> anyhow::Result<()> {
        let mut text = format!(
            "[site]\nname = \"bench\"\ntime_zone = \"Asia/Tbilisi\"\ncurrency = \"GEL\"\n\
             [admin]\nlisten = \"{}\"\n[mqtt]\n{mqtt}\n[[zone]]\nid = \"site\"\n",
            self.admin
        );
        for gate in gates() {
            writeln!(text, "[[gate]]\nid = \"{gate}\"\nprofile = \"homie-gate\"\nto = \"site\"")?;
        }
        Ok(std::fs::write(self.folder.join("site.toml"), text)?)
    }

    /// How many bands are left.
    pub(crate) fn bands_left(&self) -> u64 {
        u64::from(self.people).saturating_sub(self.bands)
    }

    /// Removes the folder.
    pub(crate) fn remove(self) -> std::io::Result<()> {
        std::fs::remove_dir_all(&self.folder)
    }
}

/// The gates' ids.
pub(crate) fn gates() -> Vec<DeviceId> {
    (1..=GATES).map(|number| DeviceId::from(format!("gate-{number}"))).collect()
}

/// A port of this machine that nobody uses now.
pub(crate) fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn write_rules(folder: &Path) -> std::io::Result<()> {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules)?;
    for (name, text) in rules::shipped::SHIPPED {
        let text = if *name == SITE_SETTINGS { settings() } else { (*text).to_owned() };
        std::fs::write(rules.join(name), text)?;
    }
    Ok(())
}

pub(crate) async fn fill(database: &Place, people: u32) -> anyhow::Result<()> {
    let now = RealClock.now();
    let (mut store, opened) = Store::open(database, now).await?;
    for (number, from) in (1..).zip((0..people).step_by(PIECE as usize)) {
        let to = people.min(from.saturating_add(PIECE));
        let mut changes = rows(from..to);
        if from == 0 {
            changes.tariffs = vec![tariff()];
        }
        let journal = vec![Entry {
            at: now,
            device: None,
            source: None,
            noted: Noted::Imported { rows: usize::try_from(to - from)?, import: None },
        }];
        let sealed = Sealed {
            number,
            epoch: opened.epoch,
            batch: Batch { journal, ..Batch::default() },
            changes,
            reads: Reads::default(),
            committed_at: now,
        };
        store.commit(&sealed).await?;
    }
    Ok(store.close().await?)
}

fn id(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128((0xBE << 120) | (u128::from(number) << 16) | kind)
}

fn tariff() -> Change<TariffKey, Tariff> {
    let key = TariffKey { tariff: TariffId::from("pack"), version: 1 };
    let value = Tariff::new(Box::new(["site".into()]), Money(200));
    Change { key, version: 1, value: Some(value) }
}

/// People with a band, a pass that counts visits, and a wallet that pays each of them.
fn rows(numbers: std::ops::Range<u32>) -> Changes {
    let mut changes = Changes::default();
    for number in numbers {
        let (member, account) = (MemberId(id(0, number)), AccountId(id(1, number)));
        let row = Member {
            number,
            birth: Some(jiff::civil::date(1990, 5, 17)),
            blocked: false,
            language: Language::Ka,
            groups: Box::default(),
            account,
            certificate_until: None,
            reduced_mobility: false,
            medical: false,
            kin: None,
        };
        changes.members.push(first(member, row));
        let row = Credential {
            id: CredentialId(id(2, number)),
            member,
            state: CredentialState::Active,
            valid_from: None,
            valid_until: None,
            party_size: 1,
            kind: CredentialKind::Card,
            adult: false,
            collected: false,
            extras: None,
        };
        changes.credentials.push(first(Uid::from(format!("04{number:010}")), row));
        let row = Pass {
            tariff: TariffId::from("pack"),
            tariff_version: 1,
            state: PassState::Active,
            valid_from: jiff::civil::date(2020, 1, 1),
            valid_until: None,
            visits_left: Some(10),
            visits_reserved: 0,
            paid: Money::ZERO,
            sale: None,
        };
        changes.passes.push(first(PassKey { member, pass: PassId(id(3, number)) }, row));
        let row = Account {
            balance: Money(10_000),
            ..Account::new(AccountKind::Wallet, "", CurrencyCode::NONE)
        };
        changes.accounts.push(first(account, row));
    }
    changes
}

fn first<K, V>(key: K, value: V) -> Change<K, V> {
    Change { key, version: 1, value: Some(value) }
}
