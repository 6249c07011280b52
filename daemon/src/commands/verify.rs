//! `kari verify`: the chains of journal and ledger, and the balances.

use store::{
    reader::Reader,
    verify::{self, Verified, VerifiedLedger, VerifyError},
};

use crate::{
    cli::{Exit, SiteArg},
    config::Installation,
};

/// Recomputes chains and balances, and names the first row that does not fit.
pub(crate) async fn verify(site: &SiteArg, json: bool) -> anyhow::Result<Exit> {
    let installation = Installation::open(site.site.as_deref())?;
    let reader = Reader::open(&installation.database).await?;
    let verified = both(&reader).await;
    if json {
        let why = verified.as_ref().err().map(ToString::to_string);
        let found = verified.as_ref().ok();
        let told = serde_json::json!({
            "intact": why.is_none(),
            "lines": found.map(|(journal, _)| journal.lines),
            "forgotten": found.map(|(journal, _)| journal.forgotten),
            "transactions": found.map(|(_, ledger)| ledger.transactions),
            "postings": found.map(|(_, ledger)| ledger.postings),
            "accounts": found.map(|(_, ledger)| ledger.accounts),
            "why": why,
        });
        say!("{told}");
    }
    match verified {
        Ok((journal, ledger)) => {
            if !json {
                say!("the journal is intact: {} lines, every hash right", journal.lines);
                if journal.forgotten > 0 {
                    say!(
                        "{} records no longer tell who they were about, as the journal says",
                        journal.forgotten
                    );
                }
                say!(
                    "the ledger is intact: {} transactions, {} postings, {} balances right",
                    ledger.transactions,
                    ledger.postings,
                    ledger.accounts
                );
            }
            Ok(Exit::Done)
        }
        Err(broken) => {
            tell!("kari: {broken}");
            Ok(Exit::Failed)
        }
    }
}

async fn both(reader: &Reader) -> Result<(Verified, VerifiedLedger), VerifyError> {
    Ok((verify::chain(reader).await?, verify::ledger(reader).await?))
}
