//! People, what they hold and what they owe: members, credentials, passes, tariffs, accounts.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, CredentialId, FamilyId, GroupId, MemberId, Uid, ZoneId},
    limit::COUNT_MAX,
    reasons::Reason,
    rows::ReceiptKey,
    time::{Span, Timestamp},
};

/// A person, as far as decisions need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The number that the desk uses.
    pub number: u32,
    /// The birth date, if it is known.
    pub birth: Option<Date>,
    /// House ban or manual block.
    pub blocked: bool,
    /// The language for texts to this person: `ka`, `hy`, `ru` or `en`.
    pub language: Language,
    /// The groups.
    pub groups: Box<[GroupId]>,
    /// The wallet.
    pub account: AccountId,
    /// The last day of the medical certificate, if there is one.
    pub certificate_until: Option<Date>,
    /// Whether this person moves with difficulty: more time at gates, and no hold.
    pub reduced_mobility: bool,
    /// Whether a medical condition is known: no hold.
    pub medical: bool,
    /// Whom this person belongs to, if to anybody.
    pub kin: Option<Box<Kin>>,
}

/// Whom a person belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// The family, whose wallet may be shared (parameter 31).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyId>,
    /// Who may pick this person up (parameter 39).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardians: Vec<MemberId>,
}

/// A family: its wallet, and who belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// What the desk calls it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// The shared wallet.
    pub account: AccountId,
    /// Its people, by what they carry.
    pub people: Vec<Uid>,
}

/// The guests that a member brought lately (parameter 40), counted as visits are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Guests(pub Visits);

/// When a credential failed its second factor lately (parameter 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The failures, the oldest first.
    pub failed: Vec<Timestamp>,
}

/// What a reader's keypad gave, as a digest under the site's own key: the code itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinDigest(pub Box<str>);

/// What few credentials have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The code that goes with the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinDigest>,
    /// The code that calls for help silently (parameter 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duress: Option<PinDigest>,
    /// The member whose guest holds it (parameter 40).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<MemberId>,
    /// What was given out in its place, once it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<Uid>,
    /// The receipt of the fee for its loss, as long as nothing became of the band since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_paid: Option<ReceiptKey>,
}

/// An operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The roles.
    pub roles: Box<[GroupId]>,
    /// The band or card that goes with the PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// The PIN beside the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinDigest>,
    /// The same PIN beside the band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band_pin: Option<PinDigest>,
    /// The operator as a member, so that nobody approves what favours himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
}

/// What a credential is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A card that its holder keeps.
    Card,
    /// A band that may have to be given back (parameter 6).
    Band,
    /// A ticket of paper or on a screen.
    Ticket,
    /// A card that several people enter with, one after the other.
    PartyCard,
}

impl CredentialKind {
    /// The word for it in files and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Band => "band",
            Self::Ticket => "ticket",
            Self::PartyCard => "party_card",
        }
    }
    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let mut all = [Self::Card, Self::Band, Self::Ticket, Self::PartyCard].into_iter();
        all.find(|kind| kind.name() == word)
    }
}

/// An exemption: what is not held against a person or a group, where and when (`decisions.md` 6 of
/// the specification).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Whom it is for.
    pub who: Exempted,
    /// The reasons that it lifts.
    pub codes: Vec<Reason>,
    /// Where; nowhere listed is everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneId>,
    /// Its first local day.
    pub from: Date,
    /// Its last local day, included.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Who granted it.
    pub granted_by: String,
}

/// Whom an exemption is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exempted {
    /// One person.
    Member(MemberId),
    /// Everybody in a group.
    Group(GroupId),
}

/// A language of the product.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Georgian.
    Ka,
    /// Armenian.
    Hy,
    /// Russian.
    Ru,
    /// English, where nothing else is known.
    #[default]
    En,
}

impl Language {
    /// The language of this tag.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        Some(match tag {
            "ka" => Self::Ka,
            "hy" => Self::Hy,
            "ru" => Self::Ru,
            "en" => Self::En,
            _ => return None,
        })
    }
    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ka => "ka",
            Self::Hy => "hy",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

/// The state of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// In use.
    Active,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// Blocked by staff.
    Blocked,
    /// Given back.
    Returned,
}

impl CredentialState {
    /// The word for it in facts and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Blocked => "blocked",
            Self::Returned => "returned",
        }
    }
    /// The state of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::Lost, Self::Stolen, Self::Blocked, Self::Returned]
            .into_iter()
            .find(|state| state.name() == word)
    }
}

/// A band, card or ticket, found by its [`Uid`](crate::ids::Uid).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its id; the journal never shows the uid of a known credential.
    pub id: CredentialId,
    /// Who holds it.
    pub member: MemberId,
    /// Its state.
    pub state: CredentialState,
    /// The first instant at which it is valid, if it has one.
    pub valid_from: Option<Timestamp>,
    /// The instant from which it is no longer valid, if it has one.
    pub valid_until: Option<Timestamp>,
    /// How many people may be inside on it; 1 unless it is a party card.
    pub party_size: u16,
    /// What it is.
    pub kind: CredentialKind,
    /// Whether its holder counts as an adult whatever the birth date says.
    pub adult: bool,
    /// Whether it is in the collector, or its loss is paid.
    pub collected: bool,
    /// What few credentials have.
    pub extras: Option<Box<Extras>>,
}

impl Credential {
    /// Whether its loss was paid on this receipt, and nothing became of the band since.
    pub(crate) fn loss_is_paid_on(&self, receipt: &ReceiptKey) -> bool {
        let paid = self.extras.as_deref().and_then(|extras| extras.loss_paid.as_ref());
        paid == Some(receipt)
    }

    /// Forgets on which receipt its loss was paid: what that gave is used, or something else came
    /// in its place.
    pub(crate) fn forget_loss_paid(&mut self) {
        if let Some(extras) = self.extras.as_deref_mut() {
            extras.loss_paid = None;
        }
    }
}

/// The visits that a member began lately, which limits count (parameter 17).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// When each began, by its first passage, in the order in which they were booked.
    pub begun: Vec<Begun>,
    /// Granted under a limit and not yet begun.
    pub promised: u32,
}

/// When a visit began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Begun {
    /// By the calendar.
    pub at: Timestamp,
    /// How far our clock was set since.
    pub stepped: Span,
}

/// An instant; with how far our clock was set since, where it was.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    At(Timestamp),
    Stepped(Timestamp, Span),
}

impl From<Written> for Begun {
    fn from(written: Written) -> Self {
        match written {
            Written::At(at) => Self::new(at),
            Written::Stepped(at, stepped) => Self { at, stepped },
        }
    }
}

impl From<Begun> for Written {
    fn from(begun: Begun) -> Self {
        match begun.stepped {
            Span(0) => Self::At(begun.at),
            stepped => Self::Stepped(begun.at, stepped),
        }
    }
}

impl Begun {
    /// A visit that begins.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self { at, stepped: Span(0) }
    }
    /// The instant by the clock as it goes now: what lasts is counted from it (I10).
    #[must_use]
    pub const fn elapsing(self) -> Timestamp {
        self.at.plus(self.stepped)
    }
}

/// So many visits are remembered, as many as a limit can count; the oldest goes for a new one.
const VISITS_KEPT: usize = COUNT_MAX as usize;

impl Visits {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.promised == 0
    }
    /// The same without all but the latest `most`.
    #[must_use]
    pub fn latest(mut self, most: usize) -> Self {
        let surplus = self.begun.len().saturating_sub(most);
        self.begun.drain(..surplus);
        self
    }
    /// Our clock was set; of those that began long before `since` nothing slides any more.
    pub fn step(&mut self, since: Timestamp, by: Span) {
        for begun in self.begun.iter_mut().filter(|begun| begun.elapsing() > since) {
            begun.stepped = Span(begun.stepped.0.saturating_add(by.0));
        }
    }
    /// A visit that began at `at` did not begin.
    pub fn take_back(&mut self, at: Timestamp) {
        if let Some(place) = self.begun.iter().rposition(|begun| begun.elapsing() == at) {
            self.begun.remove(place);
        }
    }
    /// A visit began.
    pub fn begin(&mut self, at: Timestamp) {
        if self.begun.len() >= VISITS_KEPT {
            self.begun.remove(0);
        }
        self.begun.push(Begun::new(at));
    }
}
