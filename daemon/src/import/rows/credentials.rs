//! Rows of credentials: cards, bands and tickets, each with who carries it.

use domain::{
    ids::{CredentialId, MemberId, Uid},
    rows::{Credential, CredentialKind, CredentialState, Extras},
    state::ImportRow,
};

use super::{Existing, Made, Reading, Wrong, uid};
use crate::import::cells::{Cells, instant, whole, word, yes_no};

impl Reading<'_> {
    pub(super) fn credential(&mut self, line: u64, mut cells: Cells<'_>) -> Result<Made, Wrong> {
        let uid = cells.need("uid", uid);
        if let Some(uid) = &uid {
            let what = format!("uid: `{uid}`");
            self.once(&mut cells, (format!("uid {uid}"), line), &what);
        }
        let member = cells.need("member", |text| self.known.holder(whole(text)?));
        let known = uid.as_ref().and_then(|uid| self.known.credentials.get(uid).cloned());
        let skipped = known.is_some() && self.there(&mut cells, "uid", "that credential");
        let theirs = known.as_ref().filter(|known| member.is_some_and(|who| who != known.member));
        if theirs.is_some() && self.existing == Existing::Update {
            cells.wrong("uid: somebody else carries it; take it back at the desk first");
        }
        let is_there = known.is_some();
        let new = || blank(CredentialId(self.ids.make(self.now)), member);
        let mut credential = known.unwrap_or_else(new);
        self.fill(&mut credential, uid.as_ref(), &mut cells);
        cells.finish()?;
        if skipped {
            return Ok(Made::Skipped);
        }
        let row: Vec<_> =
            uid.map(|uid| ImportRow::Credential(uid, credential)).into_iter().collect();
        Ok(if is_there { Made::Changed(row) } else { Made::New(row) })
    }

    fn fill(&self, credential: &mut Credential, uid: Option<&Uid>, cells: &mut Cells<'_>) {
        let states = word(CredentialState::of, "active, lost, stolen, blocked, returned");
        credential.state = cells.read("state", states).unwrap_or(credential.state);
        let kinds = word(CredentialKind::of, "card, band, ticket");
        credential.kind = cells.read("kind", kinds).unwrap_or(credential.kind);
        credential.valid_from = cells.read("valid_from", instant).or(credential.valid_from);
        credential.valid_until = cells.read("valid_until", instant).or(credential.valid_until);
        credential.adult = cells.read("adult", yes_no).unwrap_or(credential.adult);
        let size = cells.read("party_size", whole::<u16>).unwrap_or(credential.party_size);
        if size == 0 {
            cells.wrong("party_size: it is at least 1");
        }
        credential.party_size = size;
        if let (Some(from), Some(until)) = (credential.valid_from, credential.valid_until)
            && until <= from
        {
            cells.wrong("valid_until: the credential ends before it begins");
        }
        let host = cells.read("host", |text| self.known.holder(whole(text)?));
        let name = uid.map(Uid::as_str).unwrap_or_default();
        let pin = cells.read("pin", |code| self.pin((name, 0), code));
        let duress = cells.read("duress_pin", |code| self.pin((name, 0), code));
        if pin.is_some() && pin == duress {
            cells.wrong("duress_pin: it is the same code as `pin`");
        }
        let known = credential.extras.take().map(|extras| *extras).unwrap_or_default();
        let extras = Extras {
            pin: pin.or(known.pin),
            duress: duress.or(known.duress),
            host: host.or(known.host),
            replaced_by: known.replaced_by,
            loss_paid: known.loss_paid,
        };
        credential.extras = (extras != Extras::default()).then(|| Box::new(extras));
    }
}

/// A band that says nothing more; a row without a holder is not taken anyway.
pub(super) fn blank(id: CredentialId, member: Option<MemberId>) -> Credential {
    Credential {
        id,
        member: member.unwrap_or(MemberId(id.0)),
        state: CredentialState::Active,
        valid_from: None,
        valid_until: None,
        party_size: 1,
        kind: CredentialKind::Band,
        adult: false,
        collected: false,
        extras: None,
    }
}
