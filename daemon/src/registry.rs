//! People and what they carry, as the desk speaks of them: by numbers, national phones and words.
//! Here that becomes an order of the domain, with what the database knows beside it.

use std::{io::Read as _, path::PathBuf};

use domain::{
    ids::{ExemptionId, GroupId, MemberId, Uid},
    latin::latin,
    money::Currency,
    order::What,
    reasons::Reason,
    registry::{CHANGED_MEANWHILE, Carrier, Details, Issue, PassChange, Registry},
    rows::{
        CredentialKind, Document, DocumentKind, Exempted, Exemption, HeldEvent, Language, OrderKey,
        Person, Pickup,
    },
    state::Answer,
    time::Timestamp,
    windows::local_date,
};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use phonenumber::country;
use serde::Serialize;
use store::{people::Card, reader::Reader};

use crate::{
    cli::registry::{
        AddMember, Change, DocumentArgs, Grant, Issue as IssueArgs, Known, Media, PickupArgs,
    },
    socket::{Desk, Reply},
    unseen,
};

pub(crate) mod files;
mod passes;
pub(crate) mod phones;
pub(crate) mod show;

/// The longest key of an order, in characters.
const KEY_MAX: usize = 100;
/// So often an edit is tried again where somebody else was faster.
const TRIES: usize = 3;

/// What of the site the desk's words depend on.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The country of national phones.
    pub(crate) country: Option<country::Id>,
    /// The local time.
    pub(crate) time_zone: TimeZone,
    /// The currency of amounts.
    pub(crate) currency: Currency,
    /// The state folder.
    pub(crate) state: PathBuf,
}

impl Desk {
    /// Hands on a change that somebody orders, with the digest of his PIN.
    pub(crate) async fn change(
        &self,
        (terminal, operator, pin): (String, String, String),
        (key, change): (Option<String>, Change),
    ) -> Reply {
        let key = match key.map(|key| self.order_key(key, &terminal, &change)).transpose() {
            Ok(key) => key,
            Err(why) => return Reply::Refused { why },
        };
        let mut tries = 1;
        loop {
            let resolved = Resolving { desk: self, now: self.clock.now() }.of(change.clone()).await;
            let change = match resolved {
                Ok(change) => What::Registry(Box::new(change)),
                Err(why) => return Reply::Refused { why },
            };
            let who = (terminal.clone(), operator.clone(), pin.as_str());
            match self.signed(who, (key.clone(), change)).await {
                Ok(Some(Answer::Refused(why))) if why == CHANGED_MEANWHILE && tries < TRIES => {
                    tries += 1;
                }
                Ok(Some(Answer::Decided(id))) => return self.changed(id).await,
                Ok(other) => return self.reply(other).await,
                Err(why) => return Reply::Refused { why },
            }
        }
    }

    /// The key of an order, with a digest of what is ordered.
    pub(crate) fn order_key<T: Serialize>(
        &self,
        key: String,
        terminal: &str,
        asked: &T,
    ) -> Result<OrderKey, String> {
        let fits = (1..=KEY_MAX).contains(&key.chars().count());
        if !fits || key.chars().any(char::is_control) {
            return Err(format!("a key has 1 to {KEY_MAX} characters"));
        }
        let content = serde_json::to_string(&(terminal, asked));
        let content = content.map_err(|error| error.to_string())?;
        Ok(OrderKey { content: self.pins.content(&content), key })
    }
}

/// Makes an order of a change.
struct Resolving<'a> {
    desk: &'a Desk,
    now: Timestamp,
}

impl Resolving<'_> {
    async fn of(&self, change: Change) -> Result<Registry, String> {
        Ok(match change {
            Change::Add(asked) => self.add(asked)?,
            Change::Set(asked) => {
                let known = asked.known;
                self.edit(asked.member, |details, person| self.apply(known, details, person))
                    .await?
            }
            Change::Document(asked) => {
                let (member, change) = (asked.member, self.document(asked)?);
                self.edit(member, |_, person| change(&mut person.documents)).await?
            }
            Change::Photo(asked) => {
                let kept = asked.kept.filter(|_| !asked.remove);
                self.is_kept(kept.as_ref())?;
                self.edit(asked.member, |_, person| {
                    person.photo = kept;
                    Ok(())
                })
                .await?
            }
            Change::Pickup(asked) => {
                let member = asked.member;
                let change = self.pickup(asked)?;
                self.edit(member, |_, person| change(&mut person.pickups)).await?
            }
            Change::Ban(asked) => Registry::Ban {
                member: self.member(asked.member).await?,
                from: asked.from.map_or(Ok(self.today()), |text| date(&text))?,
                until: asked.until.map(|text| date(&text)).transpose()?,
                reason: asked.reason,
            },
            Change::Unban(asked) => {
                let member = self.member(asked.member).await?;
                Registry::Unban { member, reason: asked.reason }
            }
            Change::Guardian(asked) => Registry::Guardian {
                child: self.member(asked.child).await?,
                guardian: self.member(asked.guardian).await?,
                allowed: !asked.remove,
            },
            Change::Join(asked) => Registry::Join {
                who: self.carrier(asked.member).await?,
                with: self.carrier(asked.with).await?,
            },
            Change::Leave(asked) => Registry::Leave(self.carrier(asked.member).await?),
            Change::Freeze(asked) => self.rests(asked).await?,
            Change::Unfreeze(asked) => self.pass(asked, PassChange::Unfreeze).await?,
            Change::GiveBack(asked) => self.pass(asked, PassChange::GiveBack).await?,
            Change::Transfer(asked) => self.handed_on(asked).await?,
            Change::Catalogue(change) => Registry::Catalogue(*change),
            Change::Cancel(asked) => self.cancelled(asked).await?,
            Change::Grant(asked) => Registry::Exempt(self.exemption(asked).await?),
            Change::EndExemption(asked) => {
                let id = asked.id.parse::<ExemptionId>();
                Registry::EndExemption(id.map_err(|_| format!("`{}` is not an id", asked.id))?)
            }
            Change::Issue(asked) => Registry::Issue(self.issue(asked).await?),
            Change::Replace(asked) => Registry::Replace {
                uid: uid(&asked.uid)?,
                with: carried(&asked.with)?,
                reason: asked.reason,
            },
            Change::Return(asked) => turned(&asked, HeldEvent::Returned)?,
            Change::Lost(asked) => turned(&asked, HeldEvent::Lost)?,
            Change::Stolen(asked) => turned(&asked, HeldEvent::Stolen)?,
            Change::Block(asked) => turned(&asked, HeldEvent::Blocked)?,
            Change::Unblock(asked) => turned(&asked, HeldEvent::Unblocked)?,
        })
    }

    fn reader(&self) -> &Reader {
        &self.desk.reader
    }

    fn today(&self) -> Date {
        local_date(self.now, &self.desk.site.time_zone)
    }

    async fn member(&self, number: u32) -> Result<MemberId, String> {
        let found = self.reader().numbered(number).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| no_member(number))
    }

    async fn card(&self, number: u32) -> Result<Card, String> {
        let id = self.member(number).await?;
        let card = self.reader().card(id).await.map_err(|error| error.to_string())?;
        card.ok_or_else(|| no_member(number))
    }

    async fn carrier(&self, number: u32) -> Result<Carrier, String> {
        let Card { id, version, carries, .. } = self.card(number).await?;
        let carries = carries.into_iter();
        let used = carries.filter(|(_, one)| one.state != domain::rows::CredentialState::Returned);
        Ok(Carrier { member: id, version, carries: used.map(|(uid, _)| uid).collect() })
    }

    fn add(&self, asked: AddMember) -> Result<Registry, String> {
        if asked.known.name.is_none() {
            return Err("somebody new has a name; give it with `--name`".to_owned());
        }
        let (mut details, mut person) = (Details::default(), Person::default());
        self.apply(asked.known, &mut details, &mut person)?;
        Ok(Registry::Register { number: asked.number, details, person })
    }

    async fn edit(
        &self,
        number: u32,
        change: impl FnOnce(&mut Details, &mut Person) -> Result<(), String>,
    ) -> Result<Registry, String> {
        let Card { id, version, member, person: was, .. } = self.card(number).await?;
        let mut details = Details {
            birth: member.birth,
            language: member.language,
            groups: member.groups,
            reduced_mobility: member.reduced_mobility,
            medical: member.medical,
        };
        let mut person = was.clone();
        change(&mut details, &mut person)?;
        let who = Carrier { member: id, version, carries: Vec::new() };
        Ok(Registry::Edit { who, details, person, was })
    }

    fn apply(
        &self,
        known: Known,
        details: &mut Details,
        person: &mut Person,
    ) -> Result<(), String> {
        if let Some(name) = known.name {
            person.name = unseen::name(&name);
            if known.latin.is_none() {
                person.name_latin = latin(&person.name)
                    .ok_or("write the name in Latin letters as well, with `--latin`")?;
            }
        }
        if let Some(name) = known.latin {
            person.name_latin = unseen::name(&name);
        }
        if let Some(phones) = known.phones {
            let given = phones.iter().filter(|phone| !phone.trim().is_empty());
            let complete = |phone: &String| phones::complete(phone, self.desk.site.country);
            person.phones = given.map(complete).collect::<Result<_, _>>()?;
        }
        if let Some(email) = known.email {
            email.trim().clone_into(&mut person.email);
        }
        if let Some(notes) = known.notes {
            notes.trim().clone_into(&mut person.notes);
        }
        if let Some(birth) = known.birth {
            details.birth =
                Some(birth).filter(|text| !text.is_empty()).map(|text| date(&text)).transpose()?;
        }
        if let Some(tag) = known.language {
            let wrong = || format!("`{tag}` is not a language; languages are ka, hy, ru, en");
            details.language = Language::of(&tag).ok_or_else(wrong)?;
        }
        if let Some(groups) = known.groups {
            let named = groups.iter().map(|group| group.trim()).filter(|group| !group.is_empty());
            details.groups = named.map(GroupId::from).collect();
        }
        details.reduced_mobility = known.reduced_mobility.unwrap_or(details.reduced_mobility);
        details.medical = known.medical.unwrap_or(details.medical);
        Ok(())
    }

    fn document(
        &self,
        asked: DocumentArgs,
    ) -> Result<impl FnOnce(&mut Vec<Document>) -> Result<(), String> + use<>, String> {
        let word = asked.kind.unwrap_or_default();
        let kind = DocumentKind::of(&word);
        if kind.is_none() && asked.remove.is_none() {
            let all: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.name()).collect();
            return Err(format!("`{word}` is no kind of document; kinds are {}", all.join(", ")));
        }
        self.is_kept(asked.kept.as_ref())?;
        let document = Document {
            kind: kind.unwrap_or(DocumentKind::Other),
            number: asked.number,
            from: asked.from.map(|text| date(&text)).transpose()?,
            until: asked.until.map(|text| date(&text)).transpose()?,
            file: asked.kept,
        };
        Ok(move |list: &mut Vec<Document>| listed(list, document, asked.remove))
    }

    fn pickup(
        &self,
        asked: PickupArgs,
    ) -> Result<impl FnOnce(&mut Vec<Pickup>) -> Result<(), String> + use<>, String> {
        let phone = asked.phone.map(|phone| phones::complete(&phone, self.desk.site.country));
        let pickup = Pickup {
            name: unseen::name(&asked.name.unwrap_or_default()),
            phone: phone.transpose()?.unwrap_or_default(),
            relation: asked.relation,
            until: asked.until.map(|text| date(&text)).transpose()?,
        };
        Ok(move |list: &mut Vec<Pickup>| listed(list, pickup, asked.remove))
    }

    fn is_kept(&self, name: Option<&domain::rows::FileName>) -> Result<(), String> {
        let there = name.is_none_or(|name| files::is_kept(&self.desk.site.state, name));
        there.then_some(()).ok_or_else(|| "the file is not in the state folder".to_owned())
    }

    async fn exemption(&self, asked: Grant) -> Result<Exemption, String> {
        let code = |code: &String| {
            Reason::of(code).ok_or_else(|| format!("no reason has the code `{code}`"))
        };
        let who = match (asked.member, asked.group) {
            (Some(number), _) => Exempted::Member(self.member(number).await?),
            (None, group) => Exempted::Group(group.unwrap_or_default().into()),
        };
        Ok(Exemption {
            who,
            codes: asked.codes.iter().map(code).collect::<Result<_, _>>()?,
            zones: asked.zones.iter().map(|zone| zone.as_str().into()).collect(),
            from: asked.from.map_or(Ok(self.today()), |text| date(&text))?,
            until: date(&asked.until)?,
            reason: asked.reason,
            granted_by: String::new(),
        })
    }

    async fn issue(&self, asked: IssueArgs) -> Result<Issue, String> {
        let kind = CredentialKind::of(&asked.kind).ok_or_else(|| {
            format!(
                "`{}` is no kind of credential; kinds are band, card, ticket, party_card",
                asked.kind
            )
        })?;
        let uid = match asked.uid {
            Some(text) => carried(&text)?,
            None if kind == CredentialKind::Ticket => unguessable()?,
            None => return Err("hold it to a reader, and give what that reports".to_owned()),
        };
        let midnight = |day: Date| {
            let start = day.to_zoned(self.desk.site.time_zone.clone());
            start.map(|start| Timestamp::from(start.timestamp())).map_err(|error| error.to_string())
        };
        let from = asked.from.map(|text| date(&text)).transpose()?;
        let until = asked.until.map(|text| date(&text)).transpose()?;
        let host = match asked.host {
            Some(number) => Some(self.member(number).await?),
            None => None,
        };
        Ok(Issue {
            uid,
            member: self.member(asked.member).await?,
            kind,
            valid_from: from.map(midnight).transpose()?,
            // Its last day is included.
            valid_until: until.map(|day| midnight(day.saturating_add(1.day()))).transpose()?,
            party_size: asked.party_size,
            adult: asked.adult,
            host,
            reason: asked.reason,
        })
    }
}

fn turned(asked: &Media, event: HeldEvent) -> Result<Registry, String> {
    Ok(Registry::Credential { uid: uid(&asked.uid)?, event, reason: asked.reason.clone() })
}

/// Adds to a list, or takes the one of a place, from 1, off it.
fn listed<T>(list: &mut Vec<T>, new: T, remove: Option<usize>) -> Result<(), String> {
    match remove {
        None => list.push(new),
        Some(place) if (1..=list.len()).contains(&place) => _ = list.remove(place - 1),
        Some(place) => return Err(format!("there is no place {place}; `show` numbers them")),
    }
    Ok(())
}

/// The number of a card, however somebody copied it.
pub(crate) fn uid(text: &str) -> Result<Uid, String> {
    Uid::read(text).map_err(|why| format!("`{text}` is no card: {why}"))
}

/// The same of a card that somebody is to carry.
fn carried(text: &str) -> Result<Uid, String> {
    Uid::carried(text).map_err(|why| format!("`{text}` is no card: {why}"))
}

/// A number that nobody guesses: 128 bits of the system's chance.
fn unguessable() -> Result<Uid, String> {
    let mut bytes = [0; 16];
    let chance =
        std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    chance.map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(Uid::from(bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()))
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a date such as 2026-09-15"))
}

pub(crate) fn no_member(number: u32) -> String {
    format!("no member has the number {number}; `kari member find` looks for names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_reports_is_taken_however_it_was_copied() {
        for text in ["04a2b3c4", "04:A2:B3:C4", "04 a2 b3 c4", "04-A2-B3-C4", "0x04A2B3C4"] {
            assert_eq!(uid(text).unwrap().as_str(), "04A2B3C4");
        }
        let ticket = unguessable().unwrap();
        assert_eq!(ticket.as_str().len(), 32);
        assert_ne!(unguessable().unwrap(), ticket);
    }
}
