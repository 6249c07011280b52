//! What the desk changes of people and what they carry, in the words of a scenario; people are
//! named by what they carried at first.

use domain::{
    ids::MemberId,
    order::What,
    registry::{Carrier, Details, Issue, Registry},
    rows::{CredentialKind, Document, DocumentKind, HeldEvent, Person},
};

use super::World;

impl World {
    /// One of
    ///
    /// | step | what it is |
    /// |---|---|
    /// | `bans desk-1 boss W1 2026-09-15 2026-09-16` | a house ban; its end may be left out |
    /// | `guardian desk-1 boss C1 W1` | W1 may pick C1 up; `not` before C1: no longer |
    /// | `certificate desk-1 boss C1 2026-12-31` | a medical certificate that was shown |
    /// | `turns desk-1 boss returned W1` | given back; or lost, stolen, blocked, unblocked |
    /// | `issues desk-1 boss BAND1 W1` | another band for W1 |
    /// | `replaces desk-1 boss W1 BAND1` | BAND1 in the place of W1 |
    pub(super) fn at_desk(&mut self, words: &[&str]) -> bool {
        let [verb, desk, operator, rest @ ..] = words else { return false };
        let reason = "told at the desk".to_owned();
        let change = match (*verb, rest) {
            ("bans", [uid, from, until @ ..]) => Registry::Ban {
                member: self.holder(uid).member,
                from: from.parse().unwrap(),
                until: until.first().map(|day| day.parse().unwrap()),
                reason,
            },
            ("guardian", ["not", child, guardian]) => self.guardian(child, guardian, false),
            ("guardian", [child, guardian]) => self.guardian(child, guardian, true),
            ("certificate", [uid, until]) => self.certificate(self.holder(uid).member, until),
            ("turns", [event, uid]) => {
                let event = HeldEvent::of(event).unwrap();
                Registry::Credential { uid: (*uid).into(), event, reason }
            }
            ("issues", [uid, holder]) => Registry::Issue(Issue {
                uid: (*uid).into(),
                member: self.holder(holder).member,
                kind: CredentialKind::Band,
                valid_from: None,
                valid_until: None,
                party_size: 1,
                adult: false,
                host: None,
                reason,
            }),
            ("replaces", [uid, with]) => {
                Registry::Replace { uid: (*uid).into(), with: (*with).into(), reason }
            }
            _ => return false,
        };
        self.order(desk, operator, None, What::Registry(Box::new(change)));
        true
    }

    fn guardian(&self, child: &str, guardian: &str, allowed: bool) -> Registry {
        let [child, guardian] = [child, guardian].map(|uid| self.holder(uid).member);
        Registry::Guardian { child, guardian, allowed }
    }

    fn certificate(&self, member: MemberId, until: &str) -> Registry {
        let members = &self.state.tables.members;
        let row = members.peek(&member).unwrap().clone();
        let was = Person { name: "N".into(), name_latin: "N".into(), ..Person::default() };
        let certificate = Document {
            kind: DocumentKind::MedicalCertificate,
            number: String::new(),
            from: None,
            until: Some(until.parse().unwrap()),
            file: None,
        };
        Registry::Edit {
            who: Carrier { member, version: members.version(&member), carries: Vec::new() },
            details: Details {
                birth: row.birth,
                language: row.language,
                groups: row.groups,
                reduced_mobility: row.reduced_mobility,
                medical: row.medical,
            },
            person: Person { documents: vec![certificate], ..was.clone() },
            was,
        }
    }
}
