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
        let found = verified.as_ref().ok();
        let lines = found.map(|verified| verified.lines);
        let forgotten = found.map(|verified| verified.forgotten);
        let intact = why.is_none();
        let told = serde_json::json!({
            "intact": intact, "lines": lines, "forgotten": forgotten, "why": why
        });
        say!("{told}");
    }
    match verified {
        Ok(verified) => {
            if !json {
                say!("the journal is intact: {} lines, every hash right", verified.lines);
                if verified.forgotten > 0 {
                    say!(
                        "{} records no longer tell who they were about, as the journal says",
                        verified.forgotten
                    );
                }
            }
            Ok(Exit::Done)
        }
        Err(broken) => {
            tell!("kari: {broken}");
            Ok(Exit::Failed)
        }
    }
}
