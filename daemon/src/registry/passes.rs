//! Passes, as the desk speaks of them: by the member's number, and an id where he has several.

use domain::{
    ids::PassId,
    registry::{PassChange, Registry},
    rows::PassState,
};

use super::Resolving;
use crate::{
    cli::passes::{Cancelled, HandedOn, OnePass, Rests},
    till::amount,
};

impl Resolving<'_> {
    pub(super) async fn pass(
        &self,
        asked: OnePass,
        change: PassChange,
    ) -> Result<Registry, String> {
        let who = self.carrier(asked.member).await?;
        let card = self.card(asked.member).await?;
        let all = card.passes.iter();
        let live = all.filter(|(_, row)| row.state != PassState::Cancelled);
        let meant = |id: &PassId| match &asked.pass {
            Some(named) => id.to_string().starts_with(named.as_str()),
            None => true,
        };
        let found: Vec<PassId> = live.map(|(id, _)| *id).filter(meant).collect();
        match found.as_slice() {
            [pass] => Ok(Registry::Pass { who, pass: *pass, change, reason: asked.reason }),
            [] => Err("this member has no such pass; `kari pass list` shows them".to_owned()),
            _ => Err("this member has several; name one by `--pass` with the id that \
                      `kari pass list` shows"
                .to_owned()),
        }
    }

    pub(super) async fn rests(&self, asked: Rests) -> Result<Registry, String> {
        let from = |from| PassChange::FreezeFrom { from };
        self.pass(asked.pass, asked.from.map_or(PassChange::Freeze, from)).await
    }

    pub(super) async fn handed_on(&self, asked: HandedOn) -> Result<Registry, String> {
        let to = self.member(asked.to).await?;
        self.pass(asked.pass, PassChange::Transfer { to }).await
    }

    pub(super) async fn cancelled(&self, asked: Cancelled) -> Result<Registry, String> {
        let read = |text: String| amount(&self.desk.site.currency, &text);
        let refund = asked.refund.map(read).transpose()?;
        self.pass(asked.pass, PassChange::Cancel { refund }).await
    }
}
