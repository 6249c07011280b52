//! What the desk changes while the site runs: people, who belongs to them, house bans, exemptions,
//! and what people carry. Each is an operator's order, decided as any other.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{CredentialId, DecisionId, ExemptionId, GroupId, MemberId, PassId, Uid},
    journal::Changed,
    order::{Order, What},
    rows::{CredentialKind, Exempted, Exemption, HeldEvent, Language, Member, Person},
    state::{Noted, Tables},
    step::{Message, Step},
    time::Timestamp,
    windows::local_date,
};

mod catalogue;
mod exemptions;
mod families;
mod media;
mod passes;
mod people;

pub use catalogue::{Applies, Catalogue};
pub use passes::PassChange;

/// What is told where a row is no longer what somebody looked at.
pub const CHANGED_MEANWHILE: &str =
    "somebody else changed this person meanwhile; look again, then repeat it";

/// One change.
#[expect(clippy::large_enum_variant, reason = "an order holds it in a box")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registry {
    /// A new member, with a wallet.
    Register {
        /// The number; without one the next is taken.
        number: Option<u32>,
        /// What decides.
        details: Details,
        /// The rest.
        person: Person,
    },
    /// What is known of a member, whole.
    Edit {
        /// Who, as the desk saw it.
        who: Carrier,
        /// What decides.
        details: Details,
        /// The rest.
        person: Person,
        /// The rest as it was.
        was: Person,
    },
    /// A house ban, in place of any other.
    Ban {
        /// Who.
        member: MemberId,
        /// Its first day.
        from: Date,
        /// Its last day, included; nothing has no end.
        until: Option<Date>,
        /// Why.
        reason: String,
    },
    /// Lifts a house ban or a block.
    Unban {
        /// Who.
        member: MemberId,
        /// Why.
        reason: String,
    },
    /// Somebody may pick a child up, or no longer.
    Guardian {
        /// The child.
        child: MemberId,
        /// Who.
        guardian: MemberId,
        /// Whether he may.
        allowed: bool,
    },
    /// Somebody joins the family of somebody else, which begins with that where there was none.
    Join {
        /// Who.
        who: Carrier,
        /// Whose.
        with: Carrier,
    },
    /// Somebody leaves a family.
    Leave(Carrier),
    /// An exemption; whoever orders it grants it.
    Exempt(Exemption),
    /// An exemption ends now.
    EndExemption(ExemptionId),
    /// A credential is given out.
    Issue(Issue),
    /// A credential is given back, reported, blocked or unblocked.
    Credential {
        /// Which.
        uid: Uid,
        /// What happens to it: anything but that it is issued or replaced.
        event: HeldEvent,
        /// Why, or empty.
        reason: String,
    },
    /// Another credential is given out in the place of one that is lost, with all that was on it.
    Replace {
        /// Which.
        uid: Uid,
        /// The new one.
        with: Uid,
        /// Why, or empty.
        reason: String,
    },
    /// What is sold changes.
    Catalogue(Catalogue),
    /// Something becomes of a pass.
    Pass {
        /// Whose it is, and what he carries.
        who: Carrier,
        /// Which.
        pass: PassId,
        /// What.
        change: PassChange,
        /// Why, or empty.
        reason: String,
    },
}

/// What decides about a member and is typed at the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The birth date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<Date>,
    /// The language.
    pub language: Language,
    /// The groups.
    pub groups: Box<[GroupId]>,
    /// Whether this person moves with difficulty.
    pub reduced_mobility: bool,
    /// Whether a medical condition is known.
    pub medical: bool,
}

/// Somebody, as the desk saw him: what he carries may have changed since, which his row tells by
/// its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Who.
    pub member: MemberId,
    /// The version of the row that decides.
    pub version: u32,
    /// What he carries, where that matters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carries: Vec<Uid>,
}

/// A credential that is given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// What readers see.
    pub uid: Uid,
    /// To whom.
    pub member: MemberId,
    /// What it is.
    pub kind: CredentialKind,
    /// From when it is valid.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
    /// For how many people; 1 but for party cards.
    pub party_size: u16,
    /// Whether its holder counts as an adult.
    pub adult: bool,
    /// Whose guest its holder is.
    pub host: Option<MemberId>,
    /// Why, or empty.
    pub reason: String,
}

impl Registry {
    /// The word for it in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "registered",
            Self::Edit { .. } => "edited",
            Self::Ban { .. } => "banned",
            Self::Unban { .. } => "unbanned",
            Self::Guardian { .. } => "guardian",
            Self::Join { .. } => "joined_family",
            Self::Leave(_) => "left_family",
            Self::Exempt(_) => "exempted",
            Self::EndExemption(_) => "exemption_ended",
            Self::Issue(_) => HeldEvent::Issued.name(),
            Self::Credential { event, .. } => event.name(),
            Self::Replace { .. } => HeldEvent::Replaced.name(),
            Self::Pass { change, .. } => change.name(),
            Self::Catalogue(_) => "catalogue",
        }
    }

    /// The action that it needs the right to.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register_member",
            Self::Edit { .. } | Self::Guardian { .. } | Self::Join { .. } | Self::Leave(_) => {
                "edit_member"
            }
            // What it pays back is money of the guest.
            Self::Pass { change: PassChange::Cancel { .. }, .. } => "refund",
            // What a visit earned is revenue no more.
            Self::Pass { change: PassChange::GiveBack, .. } => "balance_adjust",
            Self::Pass { .. } => "edit_member",
            Self::Catalogue(_) => "edit_tariff",
            Self::Ban { .. } => "block_member",
            Self::Unban { .. } => "unblock_member",
            Self::Exempt(_) | Self::EndExemption(_) => "grant_exemption",
            Self::Issue(_)
            | Self::Replace { .. }
            | Self::Credential { event: HeldEvent::Returned, .. } => "issue_credential",
            Self::Credential { .. } => "block_credential",
        }
    }
}

/// The numbers of members that are taken.
#[derive(Debug, Default)]
pub(crate) struct Numbers(BTreeSet<u32>);

impl Numbers {
    pub(crate) fn of(tables: &Tables) -> Self {
        Self(tables.members.iter().map(|(_, row)| row.number).collect())
    }
    /// Takes in what a batch is about to make durable.
    pub(crate) fn learn(&mut self, tables: &Tables) {
        self.0.extend(tables.members.pending().map(|(_, row)| row.number));
    }
    /// Takes in rows that somebody else committed.
    pub(crate) fn extend(&mut self, rows: &[(MemberId, u32, Member)]) {
        self.0.extend(rows.iter().map(|(_, _, row)| row.number));
    }
    /// Takes in numbers of others, whose rows are not known yet.
    pub(crate) fn take(&mut self, numbers: impl IntoIterator<Item = u32>) {
        self.0.extend(numbers.into_iter().filter(|number| *number > 0));
    }
    fn is_taken(&self, number: u32, tables: &Tables) -> bool {
        self.0.contains(&number) || tables.members.pending().any(|(_, row)| row.number == number)
    }
    /// The first number above all others; none once they are used up.
    fn next(&self, tables: &Tables) -> Option<u32> {
        let pending = tables.members.pending().map(|(_, row)| row.number).max();
        self.0.last().copied().max(pending).unwrap_or(0).checked_add(1)
    }
}

/// Whom and what a change is about, as its record tells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    member: Option<MemberId>,
    credential: Option<CredentialId>,
    /// Whether it is there only once the change is carried out.
    new_member: bool,
    new_credential: bool,
}

/// A change that was carried out, for the journal.
#[derive(Default)]
struct Report {
    fields: Vec<Changed>,
}

impl Report {
    fn told(mut self, field: &str, before: Option<String>, after: Option<String>) -> Self {
        if before != after {
            self.fields.push(Changed { field: field.to_owned(), before, after });
        }
        self
    }
    /// A field that tells who somebody is: only that it changed is told.
    fn untold(mut self, field: &str) -> Self {
        self.fields.push(Changed { field: field.to_owned(), before: None, after: None });
        self
    }
    fn why(self, reason: &str) -> Self {
        let reason = (!reason.is_empty()).then(|| reason.to_owned());
        self.told("reason", None, reason)
    }
}

/// An order that is carried out.
struct Carried<'a> {
    message: &'a Message,
    order: &'a Order,
    about: About,
    decision: DecisionId,
}

impl Step<'_> {
    /// Nobody changes people, what they carry and what they are in while an import does.
    pub(crate) fn import_obstacle(&self) -> Option<String> {
        let why = "an import is under way; try again once it has ended";
        self.state.people_are_closed().then(|| why.to_owned())
    }

    /// What keeps a change from being carried out, whoever asks.
    pub(crate) fn registry_obstacle(&mut self, change: &Registry) -> Option<String> {
        if let Some(why) = self.import_obstacle() {
            return Some(why);
        }
        let checked = match change {
            Registry::Register { number, details, person } => {
                self.may_register(*number, details, person)
            }
            Registry::Edit { who, details, person, .. } => self.may_edit(who, details, person),
            Registry::Ban { member, from, until, reason } => {
                self.may_ban(*member, (*from, *until), reason)
            }
            Registry::Unban { member, reason } => self.may_unban(*member, reason),
            Registry::Guardian { child, guardian, allowed } => {
                self.may_name_guardian(*child, *guardian, *allowed)
            }
            Registry::Join { who, with } => self.may_join(who, with),
            Registry::Leave(who) => self.may_leave(who),
            Registry::Exempt(exemption) => self.may_exempt(exemption),
            Registry::EndExemption(id) => self.exemption(*id).map(|_| ()),
            Registry::Issue(issue) => self.may_issue(issue),
            Registry::Credential { uid, event, reason } => self.may_turn(uid, *event, reason),
            Registry::Replace { uid, with, reason } => self.may_replace(uid, with, reason),
            Registry::Catalogue(change) => self.may_change_catalogue(change),
            Registry::Pass { who, pass, change, reason } => {
                self.may_change_pass(who, *pass, (change, reason))
            }
        };
        checked.err()
    }

    /// Whom a change is about, so that nobody orders what favours himself.
    pub(crate) fn subject(&mut self, change: &Registry) -> Option<MemberId> {
        match change {
            Registry::Register { .. } | Registry::Catalogue(_) => None,
            Registry::Edit { who, .. }
            | Registry::Join { who, .. }
            | Registry::Pass { who, .. }
            | Registry::Leave(who) => Some(who.member),
            Registry::Ban { member, .. } | Registry::Unban { member, .. } => Some(*member),
            Registry::Guardian { child, .. } => Some(*child),
            Registry::Issue(issue) => Some(issue.member),
            Registry::Credential { uid, .. } | Registry::Replace { uid, .. } => {
                self.state.tables.credentials.read(uid).map(|held| held.member)
            }
            Registry::Exempt(exemption) => exempted(exemption),
            Registry::EndExemption(id) => self.state.tables.exemptions.read(id).and_then(exempted),
        }
    }

    /// Whom and what an order is about, with ids for what it makes.
    pub(crate) fn about(&mut self, what: &What) -> About {
        let What::Registry(change) = what else { return About::default() };
        let (now, member) = (self.now, self.subject(change));
        let about = About { member, ..About::default() };
        match &**change {
            Registry::Register { .. } => {
                let member = Some(MemberId(self.state.ids.make(now)));
                About { member, new_member: true, ..about }
            }
            Registry::Issue(_) | Registry::Replace { .. } => {
                let credential = Some(CredentialId(self.state.ids.make(now)));
                About { credential, new_credential: true, ..about }
            }
            Registry::Credential { uid, .. } => {
                let held = self.state.tables.credentials.read(uid);
                About { credential: held.map(|held| held.id), ..about }
            }
            _ => about,
        }
    }

    /// The record of a change tells whom and what it was about.
    pub(crate) fn record_about(&mut self, about: &About, opens: bool) {
        let Some(decision) = self.batch.decisions.last_mut() else { return };
        if about.member.is_some() && (opens || !about.new_member) {
            decision.member = about.member;
        }
        if about.credential.is_some() && (opens || !about.new_credential) {
            decision.credential = about.credential;
        }
    }

    /// Carries a change out that nothing speaks against, and says so in the journal.
    pub(crate) fn carry_out_change(
        &mut self,
        message: &Message,
        (order, change): (&Order, &Registry),
        about: About,
        decision: DecisionId,
    ) {
        let carried = Carried { message, order, about, decision };
        let report = match change {
            Registry::Register { number, details, person } => {
                self.register(&carried, *number, (details, person))
            }
            Registry::Edit { who, details, person, was } => {
                self.edit(who.member, details, (person, was))
            }
            Registry::Ban { member, from, until, reason } => {
                self.ban(&carried, *member, (*from, *until), reason)
            }
            Registry::Unban { member, reason } => self.unban(*member, reason),
            Registry::Guardian { child, guardian, allowed } => {
                self.name_guardian(*child, *guardian, *allowed)
            }
            Registry::Join { who, with } => self.join(who, with),
            Registry::Leave(who) => self.leave(who),
            Registry::Exempt(exemption) => self.exempt_now(&carried, exemption),
            Registry::EndExemption(id) => self.end_exemption(*id),
            Registry::Issue(issue) => self.issue_credential(&carried, issue),
            Registry::Credential { uid, event, reason } => self.turn(&carried, uid, *event, reason),
            Registry::Replace { uid, with, reason } => self.replace(&carried, (uid, with), reason),
            Registry::Catalogue(change) => self.change_catalogue(change),
            Registry::Pass { who, pass, change, reason } => {
                self.change_pass(&carried, (who, *pass), (change, reason))
            }
        };
        let noted = Noted::Changed {
            decision,
            operator: order.operator.clone(),
            second: order.second.as_ref().map(|second| second.operator.clone()),
            what: change.name().to_owned(),
            member: about.member,
            credential: about.credential,
            fields: report.fields,
        };
        self.journal(message, noted);
    }

    /// The member of this id, or what to say.
    fn member(&mut self, id: MemberId) -> Result<Member, String> {
        let row = self.state.tables.members.read(&id).cloned();
        row.ok_or_else(|| "there is no such member".to_owned())
    }

    /// The member that the desk looked at, if nobody changed him since.
    fn unchanged(&mut self, who: &Carrier) -> Result<Member, String> {
        let row = self.member(who.member)?;
        let same = self.state.tables.members.version(&who.member) == who.version;
        same.then_some(row).ok_or_else(|| CHANGED_MEANWHILE.to_owned())
    }

    /// What somebody carries changed: his row tells, so that nobody goes by an old list.
    fn carries_otherwise(&mut self, member: MemberId) {
        if let Some(row) = self.state.tables.members.read(&member).cloned() {
            self.state.tables.members.put(member, row);
        }
    }

    /// The local day.
    pub(crate) fn today(&self) -> Date {
        local_date(self.now, &self.state.site.time_zone)
    }
}

const fn exempted(exemption: &Exemption) -> Option<MemberId> {
    match exemption.who {
        Exempted::Member(member) => Some(member),
        Exempted::Group(_) => None,
    }
}

/// The longest reason, in characters (our choice).
const REASON_MAX: usize = 500;

/// What is wrong with a reason that has to be given.
fn reasoned(reason: &str) -> Result<(), String> {
    match reason.trim().is_empty() {
        true => Err("say why".to_owned()),
        false => short(reason),
    }
}

fn short(reason: &str) -> Result<(), String> {
    let fits = reason.chars().count() <= REASON_MAX;
    fits.then_some(()).ok_or_else(|| format!("a reason has {REASON_MAX} characters at most"))
}

/// What is wrong with days.
fn days((from, until): (Date, Option<Date>), today: Date, what: &str) -> Result<(), String> {
    match until {
        Some(until) if until < from => Err(format!("{what} ends before it begins")),
        Some(until) if until < today => Err(format!("{what} would be over already")),
        _ => Ok(()),
    }
}
