//! Members as the desk is shown them, and looking for them.

use std::collections::BTreeSet;

use domain::{
    decision::Decision,
    ids::{DecisionId, ExemptionId, MemberId, PassId, TariffId, Uid},
    rows::{Document, Exempted, Exemption, Held, Language, Pass, Pickup},
    time::Timestamp,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::{error::ReadError, people::Card};

use super::{phones, uid};
use crate::socket::{Desk, Reply};

/// The most people that one search shows.
const FOUND_MAX: u32 = 20;

/// Somebody in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The number.
    pub(crate) number: u32,
    /// The name.
    pub(crate) name: String,
    /// The name in Latin letters.
    pub(crate) name_latin: String,
}

/// Somebody, with all that the desk is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Who.
    #[serde(flatten)]
    pub(crate) line: Line,
    /// The id, by which records know this person.
    pub(crate) id: MemberId,
    /// The birth date.
    pub(crate) birth: Option<Date>,
    /// The language.
    pub(crate) language: Language,
    /// The phones in E.164.
    pub(crate) phones: Vec<String>,
    /// The e-mail address.
    pub(crate) email: String,
    /// The file of the photo.
    pub(crate) photo: Option<String>,
    /// The groups.
    pub(crate) groups: Vec<String>,
    /// What the desk wrote down.
    pub(crate) notes: String,
    /// Whether this person moves with difficulty.
    pub(crate) reduced_mobility: bool,
    /// Whether a medical condition is known.
    pub(crate) medical: bool,
    /// The last day of the medical certificate.
    pub(crate) certificate_until: Option<Date>,
    /// Whether an import or an operator blocked this person.
    pub(crate) blocked: bool,
    /// The house ban: from, until, why, by whom.
    pub(crate) ban: Option<(Date, Option<Date>, String, String)>,
    /// Members who may pick this person up.
    pub(crate) guardians: Vec<Line>,
    /// Others who may.
    pub(crate) pickups: Vec<Pickup>,
    /// The others of the family who carry something.
    pub(crate) family: Option<Vec<Line>>,
    /// What this person carries: number, kind, state.
    pub(crate) carries: Vec<(Uid, String, String)>,
    /// The passes, also those that ended.
    pub(crate) passes: Vec<PassLine>,
    /// The documents.
    pub(crate) documents: Vec<Document>,
}

/// A pass in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PassLine {
    /// Its id.
    pub(crate) id: PassId,
    /// The tariff.
    pub(crate) tariff: TariffId,
    /// What staff made of it: active, frozen, cancelled and so on.
    pub(crate) state: String,
    /// Its first day.
    pub(crate) from: Date,
    /// Its last day; nothing has no end, or waits for the first use.
    pub(crate) until: Option<Date>,
    /// Visits left, where they are counted.
    pub(crate) visits_left: Option<u32>,
}

impl PassLine {
    fn of((id, pass): (PassId, Pass)) -> Self {
        let state = pass.state.name().to_owned();
        let (from, until) = (pass.valid_from, pass.valid_until);
        Self { id, state, from, until, visits_left: pass.visits_free(), tariff: pass.tariff }
    }
}

/// A line of the history of a band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldLine {
    /// When.
    pub(crate) at: Timestamp,
    /// What happened.
    pub(crate) event: String,
    /// Who held it; nothing once that is forgotten.
    pub(crate) holder: Option<Line>,
    /// Who did it.
    pub(crate) operator: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The decision that allowed it.
    pub(crate) decision: Option<DecisionId>,
}

/// An exemption, with whom it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExemptionLine {
    /// Its id.
    pub(crate) id: ExemptionId,
    /// The member, if it is for one.
    pub(crate) member: Option<Line>,
    /// What it says.
    #[serde(flatten)]
    pub(crate) exemption: Exemption,
}

/// What became of a change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The decision on it.
    pub(crate) decision: Box<Decision>,
    /// Whom it was about.
    pub(crate) member: Option<Line>,
    /// What it was about.
    pub(crate) uid: Option<Uid>,
    /// The deposit that was kept, as the band is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deposit_kept: Option<String>,
}

impl Desk {
    /// What became of a change.
    pub(crate) async fn changed(&self, id: DecisionId) -> Reply {
        let told = async {
            let Some(decision) = self.reader.decision(id).await? else { return Ok(None) };
            let member = match decision.member {
                Some(member) => self.line(member).await?,
                None => None,
            };
            let uid = match decision.credential {
                Some(credential) => self.reader.uid_of(credential).await?,
                None => None,
            };
            let kept = self.reader.deposit_kept(id).await?;
            let deposit_kept = kept.map(|kept| self.site.currency.exact(kept).to_string());
            Ok(Some(Done { decision: Box::new(decision), member, uid, deposit_kept }))
        };
        match told.await {
            Ok(Some(done)) => Reply::Changed { done: Box::new(done) },
            Ok(None) => Reply::Refused { why: "its record is gone".to_owned() },
            Err(error) => unread(&error),
        }
    }

    /// The member of this number.
    pub(crate) async fn show(&self, number: u32) -> Reply {
        let shown = async {
            let Some(id) = self.reader.numbered(number).await? else { return Ok(None) };
            let Some(card) = self.reader.card(id).await? else { return Ok(None) };
            self.shown(card).await.map(Some)
        };
        match shown.await {
            Ok(Some(shown)) => Reply::Member { shown: Box::new(shown) },
            Ok(None) => Reply::Refused { why: super::no_member(number) },
            Err(error) => unread(&error),
        }
    }

    async fn shown(&self, card: Card) -> Result<Shown, ReadError> {
        let Card { id, member, person, carries, passes, ban, .. } = card;
        let kin = member.kin.as_deref().cloned().unwrap_or_default();
        let mut guardians = Vec::new();
        for guardian in kin.guardians {
            guardians.extend(self.line(guardian).await?);
        }
        let family = match kin.family {
            Some(family) => Some(self.relatives(id, family).await?),
            None => None,
        };
        let carries = carries
            .into_iter()
            .map(|(uid, one)| (uid, one.kind.name().to_owned(), one.state.name().to_owned()));
        Ok(Shown {
            line: Line { number: member.number, name: person.name, name_latin: person.name_latin },
            id,
            birth: member.birth,
            language: member.language,
            phones: person.phones,
            email: person.email,
            photo: person.photo.map(|photo| photo.as_str().to_owned()),
            groups: member.groups.iter().map(ToString::to_string).collect(),
            notes: person.notes,
            reduced_mobility: member.reduced_mobility,
            medical: member.medical,
            certificate_until: member.certificate_until,
            blocked: member.blocked,
            ban: ban.map(|ban| (ban.from, ban.until, ban.reason, ban.by.to_string())),
            guardians,
            pickups: person.pickups,
            family,
            carries: carries.collect(),
            passes: passes.into_iter().map(PassLine::of).collect(),
            documents: person.documents,
        })
    }

    /// The others of a family who carry something.
    async fn relatives(
        &self,
        own: MemberId,
        family: domain::ids::FamilyId,
    ) -> Result<Vec<Line>, ReadError> {
        let people = self.reader.family(family).await?.map_or_else(Vec::new, |row| row.people);
        let mut members = BTreeSet::new();
        for uid in people {
            members.extend(self.reader.holder(&uid).await?.filter(|member| *member != own));
        }
        let mut lines = Vec::new();
        for member in members {
            lines.extend(self.line(member).await?);
        }
        Ok(lines)
    }

    /// Somebody in one line.
    async fn line(&self, id: MemberId) -> Result<Option<Line>, ReadError> {
        let number = self.reader.number_of(id).await?;
        let person = self.reader.person(id).await?.unwrap_or_default();
        let (name, name_latin) = (person.name, person.name_latin);
        Ok(number.map(|number| Line { number, name, name_latin }))
    }

    /// People by number, band, phone, e-mail address or the beginnings of names.
    pub(crate) async fn find(&self, text: &str) -> Reply {
        match self.found(text).await {
            Ok(found) => Reply::Found { members: found },
            Err(error) => unread(&error),
        }
    }

    async fn found(&self, text: &str) -> Result<Vec<Line>, ReadError> {
        let mut members: Vec<MemberId> = Vec::new();
        if let Ok(number) = text.trim().parse() {
            members.extend(self.reader.numbered(number).await?);
        }
        if let Ok(uid) = uid(text) {
            members.extend(self.reader.holder(&uid).await?);
        }
        if let Ok(phone) = phones::complete(text, self.site.country) {
            members.extend(self.reader.named(&phone, FOUND_MAX).await?);
        }
        members.extend(self.reader.named(text, FOUND_MAX).await?);
        let mut once = BTreeSet::new();
        members.retain(|member| once.insert(*member));
        let mut found = Vec::new();
        for member in members.into_iter().take(FOUND_MAX as usize) {
            found.extend(self.line(member).await?);
        }
        Ok(found)
    }

    /// What became of a credential.
    pub(crate) async fn history(&self, text: &str) -> Reply {
        let uid = match uid(text) {
            Ok(uid) => uid,
            Err(why) => return Reply::Refused { why },
        };
        let told = async {
            let mut lines = Vec::new();
            for held in self.reader.history(&uid).await? {
                let Held { at, event, member, operator, reason, decision, .. } = held;
                let holder = match member {
                    Some(member) => self.line(member).await?,
                    None => None,
                };
                let (event, operator) =
                    (event.name().to_owned(), operator.map(|one| one.to_string()));
                lines.push(HeldLine { at, event, holder, operator, reason, decision });
            }
            Ok(lines)
        };
        match told.await {
            Ok(lines) => Reply::History { lines },
            Err(error) => unread(&error),
        }
    }

    /// All exemptions.
    pub(crate) async fn exemptions(&self) -> Reply {
        let told = async {
            let mut lines = Vec::new();
            for (id, exemption) in self.reader.exemptions().await? {
                let member = match exemption.who {
                    Exempted::Member(member) => self.line(member).await?,
                    Exempted::Group(_) => None,
                };
                lines.push(ExemptionLine { id, member, exemption });
            }
            Ok(lines)
        };
        match told.await {
            Ok(lines) => Reply::Exemptions { list: lines },
            Err(error) => unread(&error),
        }
    }
}

fn unread(error: &ReadError) -> Reply {
    Reply::Refused { why: error.to_string() }
}
