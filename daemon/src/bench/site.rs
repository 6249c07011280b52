//! The site that is measured: 200 gates, and as many people as were asked for.

use std::{
    fmt::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    ids::{DeviceId, Uid},
    money::Money,
};
use store::place::Place;

use super::GATES;
use crate::{
    commands::init::SITE_SETTINGS,
    driven::{Driven, shop},
    pins,
};

/// Visits that each of them begins with at least, and money.
const VISITS: u32 = 10;
const BALANCE: Money = Money(10_000);

/// A site in a folder of its own.
pub(crate) struct BenchSite {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// Where the API answers.
    pub(crate) admin: SocketAddr,
    /// The first band that nobody has used.
    pub(crate) bands: u64,
    /// How many bands there are: each is read once.
    all: u32,
}

impl BenchSite {
    /// Makes the folder, and fills its database: people who have so many bands together.
    pub(crate) async fn make(people: u32, bands: u32) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("kari-bench-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("state"))?;
        write_rules(&folder)?;
        let state = folder.join("state");
        // A site that is in use has a key.
        pins::key(&state)?;
        let all = bands.max(people);
        fill(&Place::file(state.join("kari.db")), (people, all)).await?;
        Ok(Self { folder, admin: free_port()?, bands: 0, all })
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
        u64::from(self.all).saturating_sub(self.bands)
    }

    /// Removes the folder.
    pub(crate) fn remove(self) -> std::io::Result<()> {
        std::fs::remove_dir_all(&self.folder)
    }
}

/// The gates' ids.
pub(crate) fn gates() -> Vec<DeviceId> {
    (1..=GATES).map(shop::gate).collect()
}

/// A port of this machine that nobody uses now.
pub(crate) fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn write_rules(folder: &Path) -> anyhow::Result<()> {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules)?;
    let settings = shop::settings(&shop::site(GATES, 0)?);
    for (name, text) in rules::shipped::SHIPPED {
        let text = if *name == SITE_SETTINGS { &settings } else { *text };
        std::fs::write(rules.join(name), text)?;
    }
    Ok(())
}

/// The band of a person, as the fleet of twins counts them.
pub(crate) fn band(number: u32) -> Uid {
    format!("04{number:010}").into()
}

/// People with their bands, a pass that counts visits, and a wallet, whose opening is a transaction
/// of two postings; all through the loop, as an import. Where there are more bands than people,
/// each has several.
pub(crate) async fn fill(database: &Place, (people, bands): (u32, u32)) -> anyhow::Result<()> {
    let site = Arc::new(shop::site(GATES, 0)?);
    let driven = Driven::start(database, &site, &shop::policy(&site)?, 1).await?;
    driven.caller.brings(shop::catalogue()).await?;
    let step = usize::try_from(people.max(1))?;
    let visits = VISITS.max(bands.div_ceil(people.max(1)));
    let rows = (0..people).flat_map(|one| {
        let own = (one..bands).step_by(step).map(band);
        shop::person(one, BALANCE, Some(visits), own)
    });
    driven.caller.brings(rows).await?;
    driven.stop().await
}
