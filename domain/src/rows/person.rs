//! What is known of people beside the row that decides, and what was done about them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{CredentialId, DecisionId, MemberId, OperatorId, Uid},
    time::Timestamp,
};

/// The most phones of one person (our choice).
pub const PHONES_MAX: usize = 5;
/// The most documents of one person (our choice).
const DOCUMENTS_MAX: usize = 50;
/// The most people who may pick up one child and are no members (our choice).
const PICKUPS_MAX: usize = 10;
/// The longest name, in characters.
const NAME_MAX: usize = 120;
/// The longest notes, in characters.
const NOTES_MAX: usize = 2000;
/// The longest e-mail address, in characters (RFC 5321).
const EMAIL_MAX: usize = 254;
/// How many digits a phone has in E.164, that of its country included.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What is known of a person beside the row that decides. Nothing decides by it, so that a person
/// can be forgotten here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name in its own script.
    pub name: String,
    /// The name in Latin letters.
    pub name_latin: String,
    /// The phones in E.164.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// The e-mail address, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<FileName>,
    /// What the desk wrote down, or empty. Matters of health have no place here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// Who may pick this person up and is no member; guardians who are stand in the row that
    /// decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pickups: Vec<Pickup>,
}

/// A word that a person is found by, without case and accents. Words are in order of the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundBy {
    /// The word.
    pub word: String,
    /// Whose.
    pub member: MemberId,
    /// What it is.
    pub what: WordKind,
}

/// What a word is that a person is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordKind {
    /// A part of a name.
    Name,
    /// A phone.
    Phone,
    /// An e-mail address.
    Email,
}

impl WordKind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

/// Somebody who may pick a child up and is no member: the desk looks at a document and ends the
/// hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pickup {
    /// The name.
    pub name: String,
    /// The phone in E.164, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// Who it is to the child, such as `grandmother`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub relation: String,
    /// The last day, included; nothing has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// A document that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
    /// Its first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Its last day, included; nothing has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// A copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileName>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A doctor's certificate; its last day is what parameter 38 judges.
    MedicalCertificate,
    /// A passport or an identity card.
    Identity,
    /// A certificate of birth.
    Birth,
    /// A consent, of a parent for instance.
    Consent,
    /// What entitles to a lower price.
    Entitlement,
    /// A contract.
    Contract,
    /// Something else.
    Other,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::MedicalCertificate,
        Self::Identity,
        Self::Birth,
        Self::Consent,
        Self::Entitlement,
        Self::Contract,
        Self::Other,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MedicalCertificate => "medical_certificate",
            Self::Identity => "identity",
            Self::Birth => "birth",
            Self::Consent => "consent",
            Self::Entitlement => "entitlement",
            Self::Contract => "contract",
            Self::Other => "other",
        }
    }
    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// A file of the state folder, named by the hash of its content: 64 hexadecimal digits, a dot and
/// its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// The types of photos.
    pub const PHOTOS: [&str; 3] = ["jpg", "png", "webp"];
    /// The types of copies of documents.
    pub const COPIES: [&str; 4] = ["jpg", "png", "webp", "pdf"];

    /// The name of this text, if it is one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let (hash, kind) = text.split_once('.')?;
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let named = hash.len() == 64 && hash.bytes().all(digit) && Self::COPIES.contains(&kind);
        named.then(|| Self(text.to_owned()))
    }
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether it is a photo by its type.
    #[must_use]
    pub fn is_photo(&self) -> bool {
        Self::PHOTOS.iter().any(|kind| self.0.ends_with(kind))
    }
    fn is_name(&self) -> bool {
        Self::of(&self.0).is_some()
    }
}

impl Person {
    /// What is wrong with it, whoever says so.
    #[must_use]
    pub fn nonsense(&self) -> Option<String> {
        let named = [("name", &self.name), ("name in Latin letters", &self.name_latin)];
        named
            .into_iter()
            .find_map(|(what, name)| bad_name(what, name))
            .or_else(|| self.phones.iter().find_map(|phone| bad_phone(phone)))
            .or_else(|| twice(&self.phones).map(|phone| format!("`{phone}` is there twice")))
            .or_else(|| (!self.email.is_empty()).then(|| bad_email(&self.email)).flatten())
            .or_else(|| self.pickups.iter().find_map(Pickup::nonsense))
            .or_else(|| self.documents.iter().find_map(Document::nonsense))
            .or_else(|| self.too_much())
    }

    fn too_much(&self) -> Option<String> {
        let counts = [
            ("phones", self.phones.len(), PHONES_MAX),
            ("documents", self.documents.len(), DOCUMENTS_MAX),
            ("people who pick up", self.pickups.len(), PICKUPS_MAX),
            ("characters of notes", self.notes.chars().count(), NOTES_MAX),
        ];
        let over = counts.into_iter().find(|(_, count, most)| count > most);
        let over = over.map(|(what, _, most)| format!("a person has {most} {what} at most"));
        let photo = self.photo.as_ref();
        let wrong = photo.is_some_and(|photo| !photo.is_name() || !photo.is_photo());
        over.or_else(|| wrong.then(|| "a photo is a file of type jpg, png or webp".to_owned()))
    }

    /// The last day of the medical certificates, if there is one; a certificate without an end
    /// never ends.
    #[must_use]
    pub fn certificate_until(&self) -> Option<Date> {
        let medical = |one: &&Document| one.kind == DocumentKind::MedicalCertificate;
        let certificates = self.documents.iter().filter(medical);
        certificates.map(|one| one.until.unwrap_or(Date::MAX)).max()
    }

    /// The names of the fields that differ from those of `other`.
    #[must_use]
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        [
            ("name", self.name == other.name),
            ("name_latin", self.name_latin == other.name_latin),
            ("phones", self.phones == other.phones),
            ("email", self.email == other.email),
            ("photo", self.photo == other.photo),
            ("notes", self.notes == other.notes),
            ("documents", self.documents == other.documents),
            ("pickups", self.pickups == other.pickups),
        ]
        .into_iter()
        .filter_map(|(name, same)| (!same).then_some(name))
        .collect()
    }
}

fn bad_name(what: &str, name: &str) -> Option<String> {
    let letters = name.chars().any(char::is_alphabetic);
    let plain = !name.chars().any(char::is_control);
    let fits = name.chars().count() <= NAME_MAX && name.trim() == name;
    (!letters || !plain || !fits)
        .then(|| format!("a {what} has letters, no line breaks, and {NAME_MAX} characters at most"))
}

fn bad_phone(phone: &str) -> Option<String> {
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let international = digits.bytes().all(|byte| byte.is_ascii_digit())
        && PHONE_DIGITS.contains(&digits.len())
        && !digits.starts_with('0');
    (!international).then(|| format!("`{phone}` is not a phone such as +995555123456"))
}

fn bad_email(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@').unwrap_or_default();
    let dots = |text: &str| {
        !text.is_empty() && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..")
    };
    let label = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let fits = email.chars().count() <= EMAIL_MAX
        && dots(local)
        && dots(domain)
        && domain.contains('.')
        && domain.chars().all(label)
        && !local
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "@,;:<>()[]\\\"".contains(c));
    (!fits).then(|| format!("`{email}` is not an e-mail address"))
}

/// What stands twice in a list.
fn twice(list: &[String]) -> Option<&String> {
    list.iter().enumerate().find_map(|(place, one)| list[..place].contains(one).then_some(one))
}

impl Pickup {
    fn nonsense(&self) -> Option<String> {
        let phone = (!self.phone.is_empty()).then(|| bad_phone(&self.phone)).flatten();
        let long = self.relation.chars().count() > NAME_MAX;
        bad_name("name", &self.name)
            .or(phone)
            .or_else(|| long.then(|| "the relation is told in one or two words".to_owned()))
    }
}

impl Document {
    fn nonsense(&self) -> Option<String> {
        let ends_early = self.from.zip(self.until).is_some_and(|(from, until)| until < from);
        let medical = self.kind == DocumentKind::MedicalCertificate;
        let foreign = self.file.as_ref().is_some_and(|file| !file.is_name());
        if ends_early {
            Some("the document ends before it begins".to_owned())
        } else if medical && self.until.is_none() {
            Some("a medical certificate has a last day".to_owned())
        } else if foreign || self.number.chars().count() > NAME_MAX {
            Some("a document has a short number, and a copy of type jpg, png, webp or pdf".into())
        } else {
            None
        }
    }
}

/// A house ban: nobody lets this person in on its days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Its first local day.
    pub from: Date,
    /// Its last local day, included, after which it lifts itself; nothing has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: OperatorId,
    /// When.
    pub at: Timestamp,
}

impl Ban {
    /// Whether it is in force on a local day.
    #[must_use]
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }
}

/// What became of a credential, and of who holds it: one line of its history, which only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What readers see.
    pub uid: Uid,
    /// The credential; the same band given to somebody else is another one.
    pub credential: CredentialId,
    /// Who holds it, or held it until then; nothing once the line is forgotten.
    pub member: Option<MemberId>,
    /// What happened.
    pub event: HeldEvent,
    /// When.
    pub at: Timestamp,
    /// Who did it; nothing once the line is forgotten.
    pub operator: Option<OperatorId>,
    /// The decision that allowed it.
    pub decision: Option<DecisionId>,
    /// Why, or empty.
    pub reason: Option<String>,
}

/// What happens to credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldEvent {
    /// Given out.
    Issued,
    /// Given back.
    Returned,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// Blocked.
    Blocked,
    /// In use again.
    Unblocked,
    /// Another one was given out in its place.
    Replaced,
}

/// Everything that happens to credentials.
pub const HELD_EVENTS: [HeldEvent; 7] = [
    HeldEvent::Issued,
    HeldEvent::Returned,
    HeldEvent::Lost,
    HeldEvent::Stolen,
    HeldEvent::Blocked,
    HeldEvent::Unblocked,
    HeldEvent::Replaced,
];

impl HeldEvent {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Returned => "returned",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Replaced => "replaced",
        }
    }
    /// What this word says.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        HELD_EVENTS.into_iter().find(|event| event.name() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Language;

    fn nino() -> Person {
        Person {
            name: "ნინო".to_owned(), name_latin: "Nino".to_owned(), ..Person::default()
        }
    }

    #[test]
    fn what_makes_no_sense_of_a_person_is_told() {
        assert_eq!(nino().nonsense(), None);
        let phones = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let document = |kind, from: &str, until: &str| Document {
            kind,
            number: String::new(),
            from: from.parse().ok(),
            until: until.parse().ok(),
            file: None,
        };
        let medical = DocumentKind::MedicalCertificate;
        for (person, why) in [
            (Person { name: " ".into(), ..nino() }, "has letters"),
            (Person { name: "a\nb".into(), ..nino() }, "no line breaks"),
            (Person { name_latin: "x".repeat(121), ..nino() }, "120 characters"),
            (Person { phones: phones(&["555123456"]), ..nino() }, "+995"),
            (Person { phones: phones(&["+0995551234"]), ..nino() }, "+995"),
            (Person { phones: phones(&["+9955551", "+9955551"]), ..nino() }, "twice"),
            (
                Person { phones: phones(&["+9955551"; 1]), email: "a@b".into(), ..nino() },
                "is not an e-mail",
            ),
            (Person { email: "a b@c.ge".into(), ..nino() }, "is not an e-mail"),
            (Person { email: "a@c..ge".into(), ..nino() }, "is not an e-mail"),
            (Person { notes: "x".repeat(2001), ..nino() }, "2000 characters of notes"),
            (
                Person { documents: vec![document(medical, "2026-09-02", "2026-09-01")], ..nino() },
                "ends before",
            ),
            (Person { documents: vec![document(medical, "", "")], ..nino() }, "has a last day"),
            (
                Person { photo: Some(FileName("../../etc/passwd".into())), ..nino() },
                "type jpg, png",
            ),
            (Person { pickups: vec![Pickup::default()], ..nino() }, "has letters"),
        ] {
            let told = person.nonsense();
            assert!(told.as_ref().is_some_and(|told| told.contains(why)), "{why}: {told:?}");
        }
        for good in ["nino@example.ge", "n.b+pool@sub.example.com", "нино@почта.рф"] {
            assert_eq!(Person { email: good.into(), ..nino() }.nonsense(), None, "{good}");
        }
    }

    #[test]
    fn a_file_is_named_by_a_hash_and_a_type() {
        let hash = "0123456789abcdef".repeat(4);
        assert!(FileName::of(&format!("{hash}.jpg")).is_some_and(|name| name.is_photo()));
        assert!(FileName::of(&format!("{hash}.pdf")).is_some_and(|name| !name.is_photo()));
        for wrong in ["a.jpg", &format!("{hash}.exe"), &hash.to_string(), &format!("../{hash}.jpg")]
        {
            assert_eq!(FileName::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_keeps_the_name_that_it_was_given() {
        let name = format!("{}.png", "0a".repeat(32));
        let file = FileName::of(&name).unwrap();
        assert!(file.as_str() == name && file.is_photo());
        for other in ["0a.png".to_owned(), name.replace(".png", ".exe"), name.to_uppercase()] {
            assert_eq!(FileName::of(&other), None, "{other}");
        }
    }

    #[test]
    fn a_language_is_known_by_its_tag() {
        for tag in ["ka", "hy", "ru", "en"] {
            assert_eq!(Language::of(tag).map(Language::tag), Some(tag));
        }
        assert_eq!(Language::of("de"), None);
    }
}
