//! `kari init`: the folder of a new site, from the example that is built in.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::cli::{Exit, InitArgs};

/// The example site, whose installation every new site begins with.
const SITE: &str = include_str!("../../../examples/swimming-pool/site.toml");
/// Its own settings, which a demo keeps.
const DEMO_SETTINGS: &str = include_str!("../../../examples/swimming-pool/rules/00_site.rhai");
/// Its people and tariffs.
const DEMO_DATA: &[(&str, &str)] = &[
    ("tariffs.toml", include_str!("../../../examples/swimming-pool/data/tariffs.toml")),
    ("members.csv", include_str!("../../../examples/swimming-pool/data/members.csv")),
    ("credentials.csv", include_str!("../../../examples/swimming-pool/data/credentials.csv")),
    ("passes.csv", include_str!("../../../examples/swimming-pool/data/passes.csv")),
    ("lockers.csv", include_str!("../../../examples/swimming-pool/data/lockers.csv")),
];
/// The file that holds a site's own settings.
pub(crate) const SITE_SETTINGS: &str = "00_site.rhai";

/// Makes the folder; one that holds a site is left alone.
pub(crate) fn init(args: &InitArgs, json: bool) -> anyhow::Result<Exit> {
    let folder = &args.dir;
    if folder.join("site.toml").exists() {
        bail!("`{}` holds a site already; name another folder", folder.display());
    }
    let mut written = vec!["site.toml".to_owned()];
    write(folder, "site.toml", SITE)?;
    for (name, text) in rules::shipped::SHIPPED {
        let demo = args.demo && *name == SITE_SETTINGS;
        let name = format!("rules/{name}");
        write(folder, &name, if demo { DEMO_SETTINGS } else { text })?;
        written.push(name);
    }
    if args.demo {
        for (name, text) in DEMO_DATA {
            let name = format!("data/{name}");
            write(folder, &name, text)?;
            written.push(name);
        }
    }
    if json {
        println!("{}", serde_json::json!({ "folder": folder, "files": written }));
    } else {
        println!("{}: {} files", folder.display(), written.len());
        println!(
            "next: edit site.toml and rules/{SITE_SETTINGS}, then `kari check {}`",
            folder.display()
        );
    }
    Ok(Exit::Done)
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    written.with_context(|| format!("cannot write `{}`", path.display()))
}
