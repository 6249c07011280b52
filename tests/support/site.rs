//! A small site in a folder of its own, and the people who come to it.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use store::place::Place;
use tempfile::TempDir;

use crate::{ports, root};

/// What a site is made of. Its gates `gate-1`, `gate-2` … lead from the street into the hall.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many gates speak MQTT.
    pub gates: usize,
    /// Boards with Modbus TCP; they are called `board-1`, `board-2` …
    pub boards: Vec<SocketAddr>,
    /// A broker of its own; without one it is the embedded one.
    pub broker: Option<SocketAddr>,
    /// More lines of settings.
    pub settings: String,
    /// Who has a card.
    pub guests: Vec<Guest>,
    /// How long edited rule files must rest, in milliseconds.
    pub settle_ms: u64,
    /// A PostgreSQL instead of a file.
    pub server: Option<String>,
    /// The number of the daemon; its gates count on from those of the one before.
    pub daemon: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            gates: 1,
            boards: Vec::new(),
            broker: None,
            settings: String::new(),
            guests: Vec::new(),
            settle_ms: 20,
            server: None,
            daemon: 1,
        }
    }
}

/// A person with a card and a pass.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The desk's number, from 1.
    pub number: u32,
    /// `month`, `single` (8.00 a visit) or `pack`.
    pub tariff: &'static str,
    /// Visits left, where they are counted.
    pub visits: Option<u32>,
    /// The wallet.
    pub balance: &'static str,
    /// Since when it owes.
    pub debt_since: &'static str,
    /// How many cards are this person's.
    pub cards: u32,
}

impl Guest {
    /// Somebody whose pass is paid in advance.
    #[must_use]
    pub const fn member(number: u32) -> Self {
        let (balance, debt_since) = ("0.00", "");
        Self { number, tariff: "month", visits: None, balance, debt_since, cards: 1 }
    }

    /// Somebody who pays 8.00 for each visit from this wallet.
    #[must_use]
    pub const fn paying(number: u32, balance: &'static str) -> Self {
        Self { tariff: "single", balance, ..Self::member(number) }
    }

    /// Somebody with so many visits.
    #[must_use]
    pub const fn with_visits(number: u32, visits: u32) -> Self {
        Self { tariff: "pack", visits: Some(visits), ..Self::member(number) }
    }

    /// What a reader reports of this person's first card.
    #[must_use]
    pub fn uid(&self) -> String {
        uid(self.number)
    }

    /// What readers report of this person's cards.
    pub fn uids(&self) -> impl Iterator<Item = String> {
        (0..self.cards).map(|card| uid(self.number + card * 10_000))
    }
}

/// The card of the person with this number.
#[must_use]
pub fn uid(number: u32) -> String {
    format!("04{number:08X}")
}

const TARIFFS: &str = r#"
[[tariff]]
id = "month"
name = "a month"
zones = ["pool"]
entry_price = "0.00"

[[tariff]]
id = "single"
name = "a visit"
zones = ["pool"]
entry_price = "8.00"

[[tariff]]
id = "pack"
name = "some visits"
zones = ["pool"]
entry_price = "0.00"
"#;

// The required line is the last one, so that whatever was cut before it is no good set.
const SETTINGS: &str = r#"set("presence.duplicate_read_window", "PT0S");
set("anti_passback.mode", "hard"); set("privacy.display_detail", "full");
set("debt.entry_block_amount", 10.00);
set("debt.entry_block_age", "P1D");
set("time.access_windows", "Mon-Sun 00:00-24:00");
"#;

/// Two managers and a cashier, with their PINs.
const OPERATORS: &str = "login,roles,band,member,pin
nino,manager,0A01,,1111
levan,manager,0A02,,2222
maka,cashier,0A03,,3333
";

/// What managers may do at the two tills.
pub const RIGHTS: &str = r#"
set("operator.allowed_actions", "override, emergency_reset, set_parameter", role("manager"));
set("operator.allowed_actions", "override", role("cashier"));
set("operator.allowed_terminals", "till-1, till-2", role("manager"));
set("operator.allowed_terminals", "till-1, till-2", role("cashier"));
set("terminal.allowed_actions", "override, emergency_reset, set_parameter", terminal("till-1"));
set("terminal.allowed_actions", "override, emergency_reset, set_parameter", terminal("till-2"));
set("operator.override_codes", "DEBT_ENTRY_BLOCKED", role("manager"));
"#;

/// A site's folder; it is removed with this.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    /// Where HTTP is served.
    pub admin: SocketAddr,
    /// Where the broker is.
    pub broker: SocketAddr,
    /// The PostgreSQL, where it is not a file.
    pub server: Option<String>,
    daemon: i64,
}

impl Folder {
    /// Writes the site.
    ///
    /// # Panics
    /// Where the disk does not take it.
    #[must_use]
    pub fn write(plan: &Plan) -> Self {
        let folder = tempfile::Builder::new().prefix("kari-journey-").tempdir().unwrap();
        let admin = ports::free();
        let broker = plan.broker.unwrap_or_else(ports::free);
        let daemon = i64::try_from(plan.daemon).unwrap();
        let site = Self { folder, admin, broker, server: plan.server.clone(), daemon };
        fs::create_dir_all(site.path().join("data")).unwrap();
        fs::create_dir_all(site.rules()).unwrap();
        let shipped = root().join("rules/shipped");
        for file in fs::read_dir(shipped).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), site.rules().join(file.file_name())).unwrap();
        }
        fs::write(site.rules().join("00_site.rhai"), settings(&plan.settings)).unwrap();
        fs::write(site.path().join("site.toml"), site.installation(plan)).unwrap();
        fs::write(site.path().join("data/tariffs.toml"), TARIFFS).unwrap();
        site.people(&plan.guests);
        site
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its rule files.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.path().join("rules")
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path().join("state/kari.db")
    }

    /// Where its daemon keeps what it knows.
    ///
    /// # Panics
    /// Where the server's address is none.
    #[must_use]
    pub fn place(&self) -> Place {
        let place = match &self.server {
            Some(url) => Place::server(url, None).unwrap().that_may_forget(),
            None => Place::file(self.database()),
        };
        place.for_daemon(self.daemon)
    }

    /// Puts another text in the place of a rule file, at once, as a careful editor does.
    ///
    /// # Panics
    /// Where the disk does not take it.
    pub fn save_rule(&self, name: &str, text: impl AsRef<[u8]>) {
        let draft = self.path().join(format!("{name}.draft"));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, self.rules().join(name)).unwrap();
    }

    fn installation(&self, plan: &Plan) -> String {
        let embedded = format!("broker = \"embedded\"\nlisten = \"{}\"", self.broker);
        let other = plan.broker.map(|broker| format!("broker = \"mqtt://{broker}\""));
        let mut text = format!(
            "[site]\nname = \"journey\"\ntime_zone = \"Asia/Tbilisi\"\ncurrency = \"GEL\"\n\
             country = \"GE\"\n\
             [rules]\nsettle_ms = {}\n[admin]\nlisten = \"{}\"\n[mqtt]\n{}\n\
             [[zone]]\nid = \"site\"\n[[zone]]\nid = \"hall\"\nparent = \"site\"\n\
             [[zone]]\nid = \"pool\"\nparent = \"hall\"\n",
            plan.settle_ms,
            self.admin,
            other.unwrap_or(embedded),
        );
        if let Some(url) = &plan.server {
            let daemon = plan.daemon;
            writeln!(text, "[database]\nurl = \"{url}\"\ndaemon = {daemon}").unwrap();
        }
        for number in 1..=2 {
            writeln!(text, "[[terminal]]\nid = \"till-{number}\"\nkind = \"till\"").unwrap();
        }
        let gate = "from = \"\"\nto = \"hall\"\negress_alternative = true\n";
        let before = (plan.daemon - 1) * plan.gates;
        for number in before + 1..=before + plan.gates {
            let about = "[[gate]]\nprofile = \"homie-gate\"";
            writeln!(text, "{about}\nid = \"gate-{number}\"\n{gate}").unwrap();
        }
        for (number, board) in (1..).zip(&plan.boards) {
            let about = format!("[[gate]]\nprofile = \"relay-gate\"\naddress = \"{board}\"");
            writeln!(text, "{about}\nunit = 1\nid = \"board-{number}\"\n{gate}").unwrap();
        }
        text
    }

    fn people(&self, guests: &[Guest]) {
        let mut members = "number,name,name_latin,birth,language,phone,groups,blocked,balance,\
                           debt_since\n"
            .to_owned();
        let mut credentials = "uid,member,state,valid_from,valid_until,party_size\n".to_owned();
        let mut passes = "member,tariff,state,valid_from,valid_until,visits_left\n".to_owned();
        for guest in guests {
            let Guest { number, tariff, visits, balance, debt_since, .. } = guest;
            let visits = visits.map_or(String::new(), |n| n.to_string());
            writeln!(members, "{number},N{number},N{number},,en,,,false,{balance},{debt_since}")
                .unwrap();
            for uid in guest.uids() {
                writeln!(credentials, "{uid},{number},active,,,1").unwrap();
            }
            writeln!(passes, "{number},{tariff},active,2026-01-01,,{visits}").unwrap();
        }
        for (name, text) in [
            ("members.csv", members),
            ("credentials.csv", credentials),
            ("passes.csv", passes),
            ("operators.csv", OPERATORS.to_owned()),
        ] {
            fs::write(self.path().join("data").join(name), text).unwrap();
        }
    }
}

/// The text of the settings, with `more` after the common ones.
#[must_use]
pub fn settings(more: &str) -> String {
    format!("{SETTINGS}{more}\n")
}
