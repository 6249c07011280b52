//! `kari verify`: the journal's chain.

use store::{reader::Reader, verify};

use crate::{
    cli::{Exit, SiteArg},
    config::Installation,
};

/// Recomputes the chain, and names the first line that does not fit.
pub(crate) async fn verify(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(site.site.as_deref())?;
    let reader = Reader::open(&installation.database()).await?;
    let verified = verify::chain(&reader).await;
    if json {
        let why = verified.as_ref().err().map(ToString::to_string);
        let lines = verified.as_ref().ok().map(|verified| verified.lines);
        say!("{}", serde_json::json!({ "intact": why.is_none(), "lines": lines, "why": why }));
    }
    match verified {
        Ok(verified) => {
            if !json {
                say!("the journal is intact: {} lines, every hash right", verified.lines);
            }
            Ok(Exit::Done)
        }
        Err(broken) => {
            tell!("kari: {broken}");
            Ok(Exit::Failed)
        }
    }
}
