//! What the desk changes of people and what they carry, in the words of a scenario; people are
//! named by what they carried at first.

use domain::{
    ids::MemberId,
    order::What,
    registry::{Carrier, Details, Issue, Registry},
    rows::{CredentialKind, Document, DocumentKind, HeldEvent, Person},
};

use super::{World, made::date, steps::Made, tills::Orders, words::Words};

/// Why the desk changes anything.
const REASON: &str = "told at the desk";

impl World {
    pub(super) fn bans(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let member = self.whose(words)?;
        let from = date(words.next("the first day")?)?;
        let until = words.first().map(|_| words.next("the last day").and_then(date));
        let until = until.transpose()?;
        self.changes(orders, Registry::Ban { member, from, until, reason: REASON.to_owned() })
    }

    pub(super) fn guardian(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let allowed = !words.flag("not");
        let (child, guardian) = (self.whose(words)?, self.whose(words)?);
        self.changes(orders, Registry::Guardian { child, guardian, allowed })
    }

    pub(super) fn certificate(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let member = self.whose(words)?;
        let until = date(words.next("the last day")?)?;
        let members = &self.state.tables.members;
        let row = members.peek(&member).ok_or("nobody has that band")?.clone();
        let was = Person { name: "N".into(), name_latin: "N".into(), ..Person::default() };
        let certificate = Document {
            kind: DocumentKind::MedicalCertificate,
            number: String::new(),
            from: None,
            until: Some(until),
            file: None,
        };
        let change = Registry::Edit {
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
        };
        self.changes(orders, change)
    }

    pub(super) fn turns(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let word = words.next("what becomes of a band")?;
        let event = HeldEvent::of(word).ok_or_else(|| format!("no band is ever `{word}`"))?;
        let uid = words.next("a band")?.into();
        self.changes(orders, Registry::Credential { uid, event, reason: REASON.to_owned() })
    }

    pub(super) fn issues(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let uid = words.next("a new band")?.into();
        let issue = Issue {
            uid,
            member: self.whose(words)?,
            kind: CredentialKind::Band,
            valid_from: None,
            valid_until: None,
            party_size: 1,
            adult: false,
            host: None,
            reason: REASON.to_owned(),
        };
        self.changes(orders, Registry::Issue(issue))
    }

    pub(super) fn replaces(&mut self, words: &mut Words<'_>) -> Made {
        let orders = self.orders(words)?;
        let uid = words.next("a band")?.into();
        let with = words.next("a new band")?.into();
        self.changes(orders, Registry::Replace { uid, with, reason: REASON.to_owned() })
    }

    fn whose(&self, words: &mut Words<'_>) -> Result<MemberId, String> {
        Ok(self.holder(words.next("a band")?)?.member)
    }

    fn changes(&mut self, orders: Orders<'_>, change: Registry) -> Made {
        self.order(orders, What::Registry(Box::new(change)))
    }
}
