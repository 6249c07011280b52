//! `kari init`: the folder of a new site, from the example that is built in.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use rules::definitions::{self, definitions};

use crate::{
    cli::{Exit, InitArgs},
    config::Installation,
    simulation::month,
};

/// The example site, whose installation every new site begins with.
const SITE: &str = include_str!("../../../examples/swimming-pool/site.toml");
/// Its own settings, which a demo keeps.
const DEMO_SETTINGS: &str = include_str!("../../../examples/swimming-pool/rules/00_site.rhai");
/// Its people, tariffs and goods.
const DEMO_DATA: &[(&str, &str)] = &[
    ("tariffs.toml", include_str!("../../../examples/swimming-pool/data/tariffs.toml")),
    ("goods.toml", include_str!("../../../examples/swimming-pool/data/goods.toml")),
    ("members.csv", include_str!("../../../examples/swimming-pool/data/members.csv")),
    ("credentials.csv", include_str!("../../../examples/swimming-pool/data/credentials.csv")),
    ("passes.csv", include_str!("../../../examples/swimming-pool/data/passes.csv")),
    ("lockers.csv", include_str!("../../../examples/swimming-pool/data/lockers.csv")),
    ("operators.csv", include_str!("../../../examples/swimming-pool/data/operators.csv")),
];
/// The file that holds a site's own settings.
pub(crate) const SITE_SETTINGS: &str = "00_site.rhai";

/// Makes the folder; one that holds a site is left alone.
pub(crate) async fn init(args: &InitArgs, json: bool) -> anyhow::Result<Exit> {
    let folder = &args.dir;
    let written = write_site(folder, args.demo)?;
    if args.month {
        let past = month::behind(&Installation::open(Some(folder))?).await?;
        tell!("{} decisions and {} transactions from {}", past.decisions, past.booked, past.days);
    }
    if json {
        say!("{}", serde_json::json!({ "folder": folder, "files": written }));
    } else {
        let folder = folder.display();
        say!("{folder}: {} files", written.len());
        say!("next: edit site.toml and rules/{SITE_SETTINGS}, then `kari check {folder}`");
    }
    Ok(Exit::Done)
}

/// Writes the files of a new site, and tells their names.
pub(crate) fn write_site(folder: &Path, demo: bool) -> anyhow::Result<Vec<String>> {
    if folder.join("site.toml").exists() {
        bail!("`{}` holds a site already; name another folder", folder.display());
    }
    let mut files = vec![("site.toml".to_owned(), SITE)];
    for (name, text) in rules::shipped::SHIPPED {
        let settings = demo && *name == SITE_SETTINGS;
        files.push((format!("rules/{name}"), if settings { DEMO_SETTINGS } else { text }));
    }
    let definitions = definitions();
    files.push((format!("rules/{}", definitions::FILE), &definitions));
    if demo {
        files.extend(DEMO_DATA.iter().map(|(name, text)| (format!("data/{name}"), *text)));
    }
    for (name, text) in &files {
        write(folder, name, text)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    written.with_context(|| format!("cannot write `{}`", path.display()))
}
