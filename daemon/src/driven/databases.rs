//! Databases of their own, gone with their owner.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, ensure};
use store::place::Place;

/// A database that is removed with this.
pub(crate) struct Databases {
    at: At,
    /// Whether its server may forget what it wrote when its machine stops.
    may_forget: bool,
}

enum At {
    /// A folder for a file of SQLite.
    Folder(PathBuf),
    /// A database of this name on a server, and the address that it was made from.
    Server(String, String),
}

/// A name that nobody else has on this machine.
fn own_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    format!("kari_driven_{}_{made}", std::process::id())
}

impl Databases {
    /// A file of SQLite in a folder of its own in this one.
    pub(crate) fn file(folder: PathBuf) -> anyhow::Result<Self> {
        let folder = folder.join(own_name());
        // What a killed run left behind is not taken for an empty one.
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { at: At::Folder(folder), may_forget: false })
    }

    /// A new database on the server of this address.
    pub(crate) fn server(url: &str) -> anyhow::Result<Self> {
        let name = own_name();
        psql(url, &format!("CREATE DATABASE {name}"))?;
        Ok(Self { at: At::Server(name, url.to_owned()), may_forget: false })
    }

    /// The same, which may forget.
    #[cfg(test)]
    pub(crate) const fn that_may_forget(mut self) -> Self {
        self.may_forget = true;
        self
    }

    /// Its address, where it is on a server.
    pub(crate) fn url(&self) -> Option<String> {
        let At::Server(name, url) = &self.at else { return None };
        let (server, _) = url.rsplit_once('/')?;
        Some(format!("{server}/{name}"))
    }

    /// Where it is, for the daemon of this number.
    pub(crate) fn place(&self, daemon: i64) -> anyhow::Result<Place> {
        let place = match &self.at {
            At::Folder(folder) => Place::file(folder.join("kari.db")),
            At::Server(..) => {
                let url = self.url().context("the address names no database: postgres://…/name")?;
                Place::server(&url, None)?
            }
        };
        let place = if self.may_forget { place.that_may_forget() } else { place };
        Ok(place.for_daemon(daemon))
    }
}

/// The daemon itself speaks to databases through its store alone.
fn psql(url: &str, sql: &str) -> anyhow::Result<()> {
    let arguments = ["-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql];
    let ended = Command::new("psql").args(arguments).status().context("psql does not start")?;
    ensure!(ended.success(), "psql could not carry out: {sql}");
    Ok(())
}

impl Drop for Databases {
    fn drop(&mut self) {
        let removed = match &self.at {
            At::Folder(folder) => std::fs::remove_dir_all(folder).map_err(Into::into),
            At::Server(name, url) => psql(url, &format!("DROP DATABASE {name} WITH (FORCE)")),
        };
        if let Err(error) = removed {
            tell!("kari: a database of a measurement or a test is left behind: {error}");
        }
    }
}
